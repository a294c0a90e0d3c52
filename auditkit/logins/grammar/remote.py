"""rsh, rlogin, their kin of Kerberos, and telnet: what came before SSH. Source: netkit, inetutils, krb5-appl.

They ask no password of whom they trust by his address, so a command that rshd ran is a login. Of telnet, login tells.
"""

import re

from auditkit.logins.grammar.forms import HOST, IP, first_of, grammar, noise, says
from auditkit.logins.nouns import Said, What

WHO = re.compile(
    r"(?P<actor>[^\s@]*)@(?P<address>[^\s@:]+) as (?P<user>[^\s:]+): (?P<told>cmd='|permission denied).*", re.DOTALL
)
_known = grammar(
    says(What.SCANNED, "Authentication failed from ", rf"{IP} \(.*?\): (?P<detail>.*)"),
    says(What.SCANNED, "Authentication failed from ", rf"{HOST}(?: .*)?"),
    says(What.SCANNED, "Connection from ", rf"{HOST} on illegal port.*"),
    says(What.CONNECTED, "connect from ", rf".*\({IP}\)"),
    says(What.CONNECTED, "connect from ", HOST),
    *noise(""),
)


def _trusted(message: str) -> Said | None:
    """What rshd says of a command that was run without a password, or refused."""
    found = WHO.fullmatch(message)
    if found is None:
        return None
    what = What.ACCEPTED if found["told"] == "cmd='" else What.FAILED
    return Said(what, found["user"], found["address"], method="hostbased", actor=found["actor"] or None)


parse = first_of(_trusted, _known)
"""What a message of rshd, rlogind, klogind, telnetd and the like says."""
