"""sudo: who ran what as whom, and who was not allowed to.

The name before the first ` : ` is that of the account that called it, by the kernel's word. PWD, the variables in ENV and the
arguments behind COMMAND are what the caller chose, ` ; USER=` and ` ; COMMAND=` included: where a line can be read in two ways,
neither command nor account is told, but all of the text. Source: lib/eventlog of sudo 1.9, plugins/sudoers/logging.c of 1.6 to
1.8, sudo-rs 0.2.
"""

import re

from auditkit.logins.grammar.forms import first_of, grammar, noise
from auditkit.logins.grammar.shells import became
from auditkit.logins.nouns import Said, What

CALL = re.compile(r"(?:(?P<reason>[^=]*?) ; )?(?P<where>(?:HOST|TTY|CHROOT|PWD|CWD|USER|COMMAND)=.*)", re.DOTALL)
LONGEST = 1 << 16
GUESSES = re.compile(r"([0-9]{1,9}) incorrect password attempts?")
TARGET = re.compile(r"(?P<user>.*?)(?: ; GROUP=[^;]*)?(?: ; TSID=[^;]*)?(?: ; ENV=.*)?", re.DOTALL)
USER, COMMAND, ENV = " ; USER=", " ; COMMAND=", " ; ENV="
REFUSALS = frozenset(
    ("user NOT in sudoers", "user NOT authorized on host", "command not allowed", "a password is required",
     "sorry, you must have a tty to run sudo", "no tty present and no askpass program specified", "authentication failed",
     "you are not permitted to use the -C option", "you do not have permission to use the -C option", "account expired",
     "account validation failure", "validation failure, is your account locked?", "account or password is expired",
     "password expired"),
)  # fmt: skip
_others = grammar(
    *noise("unable to ", "parse error in ", "error: ", "error initializing ", "/etc/sudoers", "ldap_", "no valid sudoers"),
)


def _line(message: str) -> Said | None:
    """What is told of one call of sudo."""
    name, _, rest = message.partition(" : ")
    rest = rest.removeprefix(" ")  # sudo-rs, where there is no terminal
    actor = name.strip(" ")
    if not actor or len(message) > LONGEST:
        return None
    if rest.startswith("(command continued)") or "problem with defaults entries" in rest[:40]:
        return Said(What.NOISE)
    found = CALL.fullmatch(rest)
    if found is None:
        return None
    user, command = _called(found["where"])
    reason = found["reason"]
    if not reason:
        return Said(became(command), user, detail=command, actor=actor)
    if guesses := GUESSES.fullmatch(reason):
        return Said(What.FAILED, actor, method="password", times=int(guesses[1]), detail=command, actor=actor)
    if reason in REFUSALS:
        return Said(What.DENIED, user, detail=f"{reason}: {command}", actor=actor)
    return None


def _called(where: str) -> tuple[str | None, str]:
    """The account and the command of a call; None and all of the text where that can be read in two ways."""
    before, mark, command = where.partition(COMMAND)
    if not mark or COMMAND in command:
        return None, where
    left, mark, behind = f" ; {before}".rpartition(USER)
    if not mark or (USER in left and ENV in before):
        return None, where
    found = TARGET.fullmatch(behind)
    return (found["user"] if found else None), command


parse = first_of(_line, _others)
"""What a message of sudo or sudoedit says."""
