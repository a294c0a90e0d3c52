"""What programs write of logins: PROGRAMS has one line per program; one file each says what its messages mean.

A message is what stands behind `program[pid]: `, decoded from UTF-8 with `surrogateescape`, with everything that whoever
connects could choose still in it: so each form is parsed from the end that he cannot reach.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from auditkit.logins.nouns import What


class Said(NamedTuple):
    """What one message says; see Event."""

    what: What
    user: str | None = None
    address: str | None = None
    port: int | None = None
    method: str = ""
    key: str = ""
    times: int = 1
    detail: str = ""
    actor: str | None = None


Parse = Callable[[str], Said | None]
"""What a message says; None where it is not understood. Never raises."""

PROGRAMS: Mapping[str, Parse] = {}
"""Name of a program, as its lines have it, to what reads its messages."""


def said(program: str, message: str) -> Said | None:
    """What a message of a program says: NOISE if it is of no interest, UNKNOWN if it is not understood.

    None is given for programs that tell nothing of logins.
    """
    parse = PROGRAMS.get(program)
    if parse is None:
        return None
    return parse(message) or Said(What.UNKNOWN)
