"""systemd-logind: sessions as they begin and end, and the machine as it goes down. Source: systemd 204 to 258, src/login."""

from auditkit.logins.grammar.forms import grammar, noise, says
from auditkit.logins.nouns import What

LOGIND = "logind"
MACHINE = "greeter|manager|manager-early|background|background-light|none"
"""Classes of sessions in which nobody sits."""
parse = grammar(
    says(What.NOISE, "New session ", rf"\w+ of user '.*' with class '(?:{MACHINE})' and type '\w*'\."),
    says(What.OPENED, "New session ", r"(?P<detail>\w+) of user '(?P<user>.*)' with class '[\w-]+' and type '\w*'\.",
         method=LOGIND),
    says(What.NOISE, "New session ", r"\w+ of user (?:gdm|Debian-gdm|lightdm|sddm)\."),
    says(What.OPENED, "New session ", r"(?P<detail>\w+) of user (?P<user>.*)\.", method=LOGIND),
    says(What.NOISE, "New session '", rf"\w+' of user '.*' with class '(?:{MACHINE})' and type '\w*'\."),
    says(What.OPENED, "New session '", r"(?P<detail>\w+)' of user '(?P<user>.*)' with class '[\w-]+' and type '\w*'\.",
         method=LOGIND),
    says(What.ENDED, "Removed session ", r"(?P<detail>\w+)\.", method=LOGIND),
    says(What.STOPPED, "System is ", r"(?P<detail>rebooting|powering down|halting|rebooting with kexec)\b.*"),
    *noise("New seat ", "Watching system buttons ", "Session ", "Removed seat", "User enumeration ", "Failed to ", "Power key ",
           "Lid ", "Suspend", "Hibernat", "Operation '", "The system will ", "Delay lock ", "Powering ", "Rebooting", "Halting",
           "Inhibit", "User ", "Creating ", "Creation of ", "Existing logind session ID ", "Linger",
           "Stopping ", "Got ", "Assertion"),
)  # fmt: skip
"""What a message of systemd-logind says; `detail` is the number of the session."""
