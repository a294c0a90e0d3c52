"""login and getty: somebody at the console, or through telnet. Source: login of shadow, util-linux, busybox,
FreeBSD, Solaris and macOS, where each window of the terminal is a `USER_PROCESS`.

The name that failed is what somebody typed; the terminal and the host before it are not.
"""

from auditkit.logins.grammar.forms import grammar, noise, says
from auditkit.logins.nouns import PAM, What

ON = r"\s+on '[^']*'(?: from '(?P<address>[^']*)')?"
FROM = r"(?:tty\S*|pts/\S*|console|hvc\S*|(?P<address>\S*))"
"""util-linux gives the terminal where there is no host."""
parse = grammar(
    says(What.FAILED, "FAILED LOGIN (", rf"[0-9]+\){ON} FOR '(?P<user>.*)', .*", method="password"),
    says(What.EXCEEDED, "TOO MANY LOGIN TRIES (", rf"[0-9]+\){ON} FOR '(?P<user>.*)'"),
    says(What.ACCEPTED, "ROOT LOGIN ", ON, user="root", method="password"),
    says(What.ACCEPTED, "'", rf"(?P<user>[^']*)' logged in {ON}", method="password"),
    says(What.FAILED, "FAILED LOGIN ", rf"(?:SESSION|[0-9]+) FROM {FROM} FOR (?P<user>.*), .*?", method="password"),
    says(What.EXCEEDED, "TOO MANY LOGIN TRIES (", rf"[0-9]+\) FROM {FROM} FOR (?P<user>.*), .*?"),
    says(What.ACCEPTED, "ROOT LOGIN ", r"/dev/\S+(?: FROM (?P<address>\S+))?", user="root", method="password"),
    says(What.EXCEEDED, "REPEATED LOGIN FAILURES", r" ON \S+ FROM (?P<address>[^\s,]+)(?:, (?P<user>.*))?"),
    says(What.ACCEPTED, "ROOT LOGIN (", r"(?P<user>[^()]*)\) ON \S+(?: FROM (?P<address>\S+))?", method="password"),
    says(What.ACCEPTED, "login on ", r"\S+ as (?P<user>\S+)", method="password"),
    # BSD tells the same guesses twice: for all to read, and with the name for those who may know it
    says(What.FAILED, "", r"(?P<times>[0-9]{1,9}) LOGIN FAILURES? (?:ON [^\s,]+|FROM (?P<address>[^\s,]+)), (?P<user>.*)",
         method="password"),
    says(What.FAILED, "", r"(?P<times>[0-9]{1,9}) LOGIN FAILURES? (?:ON [^\s,]+|FROM (?P<address>[^\s,]+))", method=PAM),
    says(What.NOISE, "", r"(?:USER|DEAD)_PROCESS: [0-9]+ \S+"),
    says(What.ACCEPTED, "ROOT LOGIN ON ", r"\S+(?: FROM (?P<address>\S+))?", user="root", method="password"),
    says(What.ACCEPTED, "LOGIN ON ", r"\S+ BY (?P<user>.*?)(?: FROM (?P<address>\S+))?", method="password"),
    says(What.NOISE, "DIALUP AT ", r"\S+ BY .*"),
    says(What.FAILED, "invalid password for '", rf"(?P<user>.*)'{ON}", method="password"),
    says(What.ACCEPTED, "root login", ON, user="root", method="password"),
    says(What.DENIED, "exceeded failure limit for '", rf"(?P<user>.*)'{ON}"),
    says(What.DENIED, "LOGIN '", r"(?P<user>.*)' REFUSED.*"),
    *noise("PAM Failure, ", "timed out", "unable to ", "/dev/", "tcgetattr", "tcsetattr", "can't ", "cannot ", "no shell",
           "REPEATED LOGIN FAILURES"),
)  # fmt: skip
"""What a message of login says."""
getty = grammar(*noise(""))
"""getty only asks for the name."""
