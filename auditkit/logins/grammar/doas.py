"""doas: who ran what as whom, and whose password was wrong.

Command and directory are what the caller chose: where ` as NAME from /` stands twice, the account is not told. Source: doas.c
of OpenDoas 6 and of OpenBSD.
"""

import re

from auditkit.logins.grammar.forms import first_of, grammar, says
from auditkit.logins.grammar.shells import became
from auditkit.logins.nouns import Said, What

RAN = re.compile(r"(?P<actor>\S+) ran command (?P<command>.*) as (?P<user>\S+) from (?P<cwd>.*)", re.DOTALL)
SEAM = re.compile(r" as \S+ from ")
_others = grammar(
    says(What.DENIED, "command not permitted for ", r"(?P<actor>\S+): (?P<detail>.*)"),
    says(What.FAILED, "failed auth for ", r"(?P<user>\S+)", method="password"),
    says(What.FAILED, "failed password for ", r"(?P<user>\S+)", method="password"),
)


def _ran(message: str) -> Said | None:
    found = RAN.fullmatch(message)
    if found is None:
        return None
    if len(SEAM.findall(message)) > 1:
        return Said(What.RAN, None, detail=message.partition(" ran command ")[2], actor=found["actor"])
    return Said(became(found["command"]), found["user"], detail=found["command"], actor=found["actor"])


parse = first_of(_ran, _others)
