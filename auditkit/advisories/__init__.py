"""What vendors and others say of holes and of the versions that close them: files that the auditor brings with him.

One file per form, recognised by content. Nothing is fetched, and none is built in: a file has its own date and digest, which
the report tells.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NoReturn

from auditkit.errors import FormatError
from auditkit.printable import printable

LARGEST = 256 << 20
"""Bytes of one file; Debian's tracker has 70 MB."""
MOST = 2_000_000
"""What one file may say; Debian's tracker says 400,000 things of releases."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._@/-]{0,199}")
ID = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-:.][A-Za-z0-9]+){1,8}")
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+~:_-]{0,199}")
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")


@dataclass(frozen=True, slots=True)
class Advice:
    """What is said of one hole in one source package of one release."""

    id: str
    """`CVE-2026-1234`, `DSA-6000-1`."""
    fixed: str
    """The version that closes it; empty where none does."""
    minor: bool = False
    """Its vendor does not publish an advisory of its own for it: no-dsa, postponed, ignored."""
    names: tuple[str, ...] = ()
    """What else it is called."""
    published: date | None = None
    introduced: str = ""
    """The first version that has it; empty where all before do."""


Key = tuple[str, str, str]
"""Distribution and release as os-release(5) has them, `debian`, `bookworm`, and the source package; PyPI has no release."""


@dataclass(frozen=True, slots=True)
class Feed:
    """What one file of advisories says, by package."""

    file: str
    kind: str
    """What it is, for the reader: `Debian's security tracker`."""
    digest: str
    """`sha256:HEX` of the file."""
    made: date | None
    """Of which day it is, by its own word, or by the file's time where it says nothing."""
    advice: Mapping[Key, tuple[Advice, ...]] = field(default_factory=dict)
    exploited: frozenset[str] = frozenset()
    """Ids of holes that are known to be used in attacks: of KEV."""


class Gathered:
    """Advice put together, no more of it than any real file has."""

    def __init__(self) -> None:
        self._by: dict[Key, list[Advice]] = {}
        self._count = 0

    def add(self, key: Key, advice: Advice) -> None:
        """Take one more advice on a package.

        Raises:
            FormatError: it is more than any file says.
        """
        self._count += 1
        if self._count > MOST:
            bad(f"it says more than {MOST} things")
        self._by.setdefault(key, []).append(advice)

    def all(self) -> dict[Key, tuple[Advice, ...]]:
        """All that was taken."""
        return {key: tuple(several) for key, several in self._by.items()}


def bad(why: str) -> NoReturn:
    """Refuse a file of advisories, for a reason.

    Raises:
        FormatError: always; who reads it names the file.
    """
    raise FormatError(why, "fetch it anew, or leave it out")


def day(written: object) -> date | None:
    """The day in `2026-11-24T10:00:00Z`; None where there is none."""
    found = _DAY.match(written) if isinstance(written, str) else None
    try:
        return date(int(found[1]), int(found[2]), int(found[3])) if found else None
    except ValueError:
        return None


def word(told: object, what: str, fits: re.Pattern[str]) -> str:
    """A name, id or version.

    Raises:
        FormatError: it is none.
    """
    if not isinstance(told, str) or not fits.fullmatch(told):
        bad(f"not {what}: {printable(str(told)[:80])}")
    return told


def newest(dates: Iterable[date | None]) -> date | None:
    """The last of these days."""
    return max(filter(None, dates), default=None)


def lines(data: bytes) -> Iterator[str]:
    """Yield the lines of a text.

    Raises:
        FormatError: it is not UTF-8, or has more lines than any.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        bad("it is not UTF-8")
    if text.count("\n") > MOST:
        bad(f"it has more than {MOST} lines")
    yield from text.split("\n")
