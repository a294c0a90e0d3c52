"""Heads: what is sealed of a record. A few lines of text that name the last entry of that time, and its hash.

auditkit incident head
case 2026-001
entry 12
time 2026-11-24T15:00:00Z
hash 3f2a...
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from auditkit.errors import FormatError

LONGEST = 500
"""Bytes of a head."""
_STAMP = "%Y-%m-%dT%H:%M:%SZ"
_FORM = re.compile(
    r"auditkit incident head\ncase (\d{4}-\d{3,6})\nentry ([1-9]\d{0,8})\ntime (\S{20})\nhash ([0-9a-f]{64})\n", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Head:
    """How far a record had come, and the hash that says so."""

    case: str
    entry: int
    """The number of the last entry."""
    time: datetime
    """When that was written down, by the clock of who did."""
    hash: str

    def text(self) -> bytes:
        """The file of it."""
        told = f"case {self.case}\nentry {self.entry}\ntime {self.time.astimezone(UTC):{_STAMP}}\nhash {self.hash}\n"
        return f"auditkit incident head\n{told}".encode("ascii")

    @property
    def name(self) -> str:
        """The name of its file in the case."""
        return f"heads/{self.entry:06}.head"


def parsed(text: bytes) -> Head:
    """The head that a file holds, once it is written exactly as it would be.

    Raises:
        FormatError: it is none.
    """
    try:
        found = _FORM.fullmatch(text.decode("ascii"))
        if found:
            time = datetime.strptime(found[3], _STAMP).replace(tzinfo=UTC)
            head = Head(found[1], int(found[2]), time, found[4])
            if head.text() == text:
                return head
    except ValueError:
        pass
    raise FormatError("it is no head of a record")
