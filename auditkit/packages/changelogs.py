"""When versions of Debian's packages were made, from what the host keeps of each changelog (auditkit/probe/changelogs.py)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from auditkit.model import Gap, Means, Need
from auditkit.packages.reading import bounded, lines, shown, text, word

CHANGELOGS = Need(Means.PACKAGES, "/usr/share/doc/*/changelog*", "when the installed versions were made")
MOST = 80_000
"""Entries of one host; four for each of 20,000 packages."""
_HOLE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,7}")
_FIRST_YEAR = 1990


@dataclass(frozen=True, slots=True)
class Made:
    """One version of one package, and when it was made."""

    package: str
    """`name:arch`."""
    version: str
    suites: str
    """Where it was uploaded to, `bookworm-security`."""
    date: datetime
    holes: tuple[str, ...] = ()
    """The ids that its entry names, `CVE-2026-1234`."""


def made(data: bytes) -> Iterator[Made | Gap]:
    """Yield what each record says, the newest of each package first."""
    yield from bounded(_made(text(data)), CHANGELOGS.what)


def _made(whole: str) -> Iterator[Made | Gap]:
    for number, line in lines(whole):
        if number > MOST:
            yield Gap(CHANGELOGS.what, f"more than {MOST} entries; the others are left out")
            return
        try:
            yield _of(line)
        except ValueError as error:
            yield Gap(f"{CHANGELOGS.what} record {number}", str(error))


def _of(line: str) -> Made:
    package, version, suites, date, holes = (line.split("\t") + [""] * 5)[:5]
    try:
        moment = parsedate_to_datetime(date)
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise ValueError(f"not a date: {shown(date)}") from error
    if moment.year < _FIRST_YEAR:
        raise ValueError(f"not the date of a version: {shown(date)}")
    return Made(word(package, "a package"), word(version, "a version"), suites[:200], moment, tuple(_HOLE.findall(holes)))
