"""xrdp: remote desktops. Source: sesman of xrdp 0.9 and 0.10.

The name of a guess is what the client sent; address and time stand behind it.
"""

import re

from auditkit.logins.grammar.forms import IP, PORT, grammar, noise, says
from auditkit.logins.nouns import Said, What

LEVEL = re.compile(r"\[[A-Z]+ *\] ")
_sesman = grammar(
    says(What.FAILED, "AUTHFAIL: user=", rf"(?P<user>.*) ip={IP} time=[0-9]+\s*", method="password"),
    says(What.FAILED, "AUTHFAIL: user=", r"(?P<user>.*) ip=(?P<address>[^\s=]*) time=[0-9]+\s*", method="password"),
    says(What.ACCEPTED, "++ created session (access granted): username ",
         rf"(?P<user>.*), ip {IP}(?::{PORT})?(?: - socket: [0-9]+)?", method="password"),
    says(What.ACCEPTED, "++ reconnected session: username ",
         rf"(?P<user>.*), display :[0-9.]+, session_pid [0-9]+, ip {IP}(?::{PORT})?(?: - socket: [0-9]+)?", method="password"),
    says(What.ACCEPTED, "Access permitted for user: ", r"(?P<user>.*)", method="password"),
    says(What.ACCEPTED, "Access permitted for user ", r"(?P<user>\S+)", method="password"),
    says(What.DENIED, "User not authorized to login: ", r"(?P<user>.*)"),
    *noise(""),
)  # fmt: skip


def sesman(message: str) -> Said | None:
    """What a message of xrdp-sesman says."""
    level = LEVEL.match(message)
    return _sesman(message[level.end() :] if level else message)


server = grammar(*noise(""))
"""What xrdp itself says of logins, its sesman says too."""
