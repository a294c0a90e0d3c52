"""dropbear: the SSH server of routers and initial RAM disks. Source: svr-auth*.c and svr-main.c of dropbear 0.52 to 2025.

The name that a client gives stands in quotes before the address, so each form ends with the address or with words of dropbear.
Of a name that does not exist it writes one line for all guesses of a connection: each is counted as a guess.
"""

import re

from auditkit.logins.grammar.forms import IP, PORT, grammar, noise, says
from auditkit.logins.nouns import Said, What

STAMP = re.compile(r"\[[0-9]+\] \w{3} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} ")
"""What it writes before the message when it speaks to the terminal or to a journal."""
FROM = rf"from \[?{IP}\]?:{PORT}"
OUT = rf"(?: from <\[?{IP}\]?:{PORT}>)?:"
NOBODY = "no such account"
_known = grammar(
    says(What.ACCEPTED, "Password auth succeeded for '", rf"(?P<user>.*)' {FROM}", method="password"),
    says(What.ACCEPTED, "PAM password auth succeeded for '", rf"(?P<user>.*)' {FROM}", method="password"),
    says(What.ACCEPTED, "Auth succeeded with blank password for '", rf"(?P<user>.*)' {FROM}", method="none"),
    says(What.ACCEPTED, "Pubkey auth succeeded for '",
         rf"(?P<user>[^']*)' with (?:\S+ )?key (?:(?P<key>SHA256:\S+)|.*) {FROM}", method="publickey"),
    says(What.FAILED, "Bad password attempt for '", rf"(?P<user>.*)' {FROM}", method="password"),
    says(What.FAILED, "Bad PAM password attempt for '", rf"(?P<user>.*)' {FROM}", method="password"),
    says(What.FAILED, "Login attempt for nonexistent user '", rf"(?P<user>.*)' {FROM}", detail=NOBODY),
    says(What.FAILED, "Login attempt for nonexistent user ", FROM, detail=NOBODY),
    says(What.FAILED, "Login attempt for nonexistent user", detail=NOBODY),
    says(What.FAILED, "Login attempt with wrong user ", rf"(?P<user>.*) {FROM}", detail="another account than the server's"),
    says(What.EXCEEDED, "Exit before auth",
         rf"{OUT} \(user '(?P<user>.*)', [0-9]+ fails\): Max auth tries reached - user '.*'"),
    says(What.EXCEEDED, "Exit before auth (user '",
         rf"(?P<user>.*)', [0-9]+ fails\): Max auth tries reached - user '.*' {FROM}"),
    says(What.EXCEEDED, "Exit before auth (user '", r"(?P<user>.*)', [0-9]+ fails\): Max auth tries reached - user '.*'"),
    says(What.EXCEEDED, "Exit before auth", rf"{OUT} Max auth tries reached - user .*"),
    says(What.EXCEEDED, "Max auth tries reached - user '", rf"(?P<user>.*)' {FROM}"),
    says(What.CLOSED, "Exit before auth", rf"{OUT} \(user '(?P<user>.*)', [0-9]+ fails\): .*?"),
    says(What.CLOSED, "Exit before auth (user '", r"(?P<user>.*)', [0-9]+ fails\): .*?"),
    says(What.CLOSED, "Exit before auth", rf"{OUT} .*"),
    says(What.ENDED, "Exit (", rf"(?P<user>.*?)\){OUT} .*"),
    says(What.DENIED, "User '", r"(?P<user>.*)' has (?P<detail>invalid shell|blank password), rejected"),
    says(What.DENIED, "User account '", r"(?P<user>.*)' is locked", detail="it is locked"),
    says(What.DENIED, "Root login rejected", user="root"),
    says(What.CONNECTED, "Child connection ", FROM),
    says(What.CONNECTED, "Connection ", FROM),
    says(What.LISTENING, "Not backgrounding"),
    says(What.LISTENING, "Running in background"),
    *noise(
        "Pam_", "Early exit", "Premature exit", "Failed ", "Error ", "Lastlog_", "Utmp_", "Wtmp_", "Login_", "Syslogin_",
        "Forced ", "/", "Didn't ", "Aiee", "Ioctl ", "No channel", "Warning", "Couldn't", "Not a", "Inetd", "Client didn't",
        "X11 ", "Bad buf", "Timeout",
    ),
)  # fmt: skip


def parse(message: str) -> Said | None:
    """What a message of dropbear says."""
    stamp = STAMP.match(message)
    text = message[stamp.end() :] if stamp else message
    return _known(text[:1].upper() + text[1:])  # it wrote small letters before 0.50
