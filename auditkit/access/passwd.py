"""The lines of /etc/passwd and /etc/shadow as glibc and as musl read them, which is not the same account everywhere.

Passwords come as the facts that auditkit/probe/take.py leaves of them: `root:<set $6$>:20228:0:99999:7:::`.
"""

import re
from dataclasses import dataclass

from auditkit.model import Gap, Quote

EMPTY, SHADOWED = "empty", "x"
MOST_LINES = 100_000
SESSIONLESS = frozenset(
    f"{place}/{name}"
    for place in ("/bin", "/sbin", "/usr/bin", "/usr/sbin")
    for name in ("nologin", "false", "true", "sync", "shutdown", "halt")
)
"""Shells that end at once: their account cannot be worked with. By their whole paths: anybody may call his shell nologin."""

_SPACE = " \t\n\v\f\r"
_STRTOUL = re.compile(rf"[{_SPACE}]*([+-]?)([0-9]+)")
_DIGITS = re.compile("[0-9]*")
_SMALL = re.compile("[0-9]{1,9}")
_FACT = re.compile(r"x|([*!])?[*!]*|<[a-z]+(?: ([*!]))?( [$?0-9a-z]+)?>")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of passwd or shadow, and the uid that each libc reads in it: None where it reads no account."""

    source: str
    number: int
    fields: tuple[str, ...]
    glibc: int | None = None
    musl: int | None = None

    @property
    def group(self) -> int | None:
        """The number of the group, of a line of /etc/group: group(5); None where glibc reads none in it."""
        return _strtou32(self.fields[2]) if len(self.fields) > 2 and not (self.nis or self.comment) else None

    @property
    def aged(self) -> bool | None:
        """Whether a libc reads an entry in it, of a line of /etc/shadow; None: by its version, as for a number below zero."""
        after = self.fields[2:]
        if len(after) == 4 and not after[3].strip():  # an old form, which ends after the third number
            after = after[:3]
        if len(after) not in (3, 6, 7) or (len(after) < 7 and not after[-1]):
            return False
        if not all(_STRTOUL.fullmatch(field) for field in after if field):
            return False
        return True if all(_SMALL.fullmatch(field) for field in after if field) else None

    @property
    def comment(self) -> bool:
        """Whether glibc passes over it as empty or a comment."""
        return self.fields[0][:1] in ("", "#") and (len(self.fields) == 1 or self.fields[0] != "")

    @property
    def nis(self) -> bool:
        """Whether it takes in or shuts out accounts of NIS."""
        return self.fields[0][:1] in ("+", "-")

    @property
    def password(self) -> str:
        """What is known of the password: `empty`, `x`, `set`, `locked $6$`; what no fact says counts as set."""
        field = self.fields[1] if len(self.fields) > 1 else ""
        if not field:
            return EMPTY
        if not _FACT.fullmatch(field):
            return "set"
        return re.sub(" [*!]", "", field.strip("<>")) if field[0] not in "*!" else "locked"

    @property
    def mark(self) -> str:
        """The `!` or `*` that the password begins with; nothing where none is told."""
        told = _FACT.fullmatch(self.fields[1]) if len(self.fields) > 1 else None
        return (told[1] or told[2] or "") if told else ""

    @property
    def shell(self) -> str:
        """The program a login starts."""
        return ":".join(self.fields[6:]) or "/bin/sh"  # passwd(5): if it is empty, /bin/sh

    @property
    def quote(self) -> Quote:
        """The line as it may be shown: never with anything of a password but facts."""
        fields = list(self.fields)
        at = min(1, len(fields) - 1)
        if not self.nis and not _FACT.fullmatch(fields[at]):
            fields[at] = "<not shown>"
        return Quote(self.source, self.number, ":".join(fields)[:200])


def glibc_uid(line: str) -> int | None:
    """The uid of a passwd line as glibc's nss_files/files-parse.c reads it; None where it skips the line."""
    line = line.partition("\0")[0].lstrip(_SPACE)
    fields = line.split(":")
    if line[:1] in ("", "#", "+", "-") or len(fields) < 4:
        return None
    return _strtou32(fields[2]) if _strtou32(fields[3]) is not None else None


def _strtou32(field: str) -> int | None:
    """What INT_FIELD makes of it: strtoul(3) to base 10; what needs more than 32 bits is no number.

    glibc 2.36 of Debian 12 skips the line then, upstream made it 0xffffffff until 2023 at least: neither makes it 0.
    """
    found = _STRTOUL.fullmatch(field)
    if not found:
        return None
    digits = found[2].lstrip("0") or "0"
    number = int(digits) if len(digits) <= 20 else 1 << 64
    if number >= 1 << 64:
        return None
    number = -number % (1 << 64) if found[1] == "-" else number
    return number if number < 1 << 32 else None


def musl_uid(line: str) -> int | None:
    """The uid of a passwd line as musl's getpwent_a.c reads it; None where it skips the line."""
    fields = line.partition("\0")[0][1:].split(":")  # it looks for the first colon behind the first character
    if len(fields) < 7 or not (_DIGITS.fullmatch(fields[2]) and _DIGITS.fullmatch(fields[3])):
        return None
    return int("0" + fields[2][-32:]) % (1 << 32)  # atou() wraps, and 10^32 is a multiple of 2^32


def lines_of(source: str, text: str) -> tuple[tuple[Line, ...], tuple[Gap, ...]]:
    """The lines of a table, and a gap where there are more than anybody has accounts."""
    rows = text.split("\n", MOST_LINES)
    gaps = (Gap(source, f"more than {MOST_LINES} lines; those after them are not judged"),) if rows[MOST_LINES:] else ()
    return tuple(_line(source, number, row) for number, row in enumerate(rows[:MOST_LINES], 1)), gaps


def _line(source: str, number: int, row: str) -> Line:
    return Line(source, number, tuple(row.lstrip(_SPACE).split(":")), glibc_uid(row), musl_uid(row))
