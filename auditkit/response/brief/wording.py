"""How times, names and lists are said in a brief: in the zone of who reads it, short, and never more than was measured."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from auditkit.logins.wording import dated, joined, lasting, short
from auditkit.printable import counted, printable
from auditkit.response import zones
from auditkit.response.brief.nouns import Local
from auditkit.words import read

_SECOND = 10**9
LONG_NAME, LONG_ADDRESS, LONG_NOTE, LONG_LIST = 32, 45, 160, 60


@dataclass(frozen=True, slots=True)
class Times:
    """How a brief says times: by the clock here, whose offset is named once."""

    local: Local
    offset: timedelta | None
    """The one that is named on top; a time with another one has it beside it."""

    def moment(self, time: datetime | None, *, seconds: bool = False) -> str:
        """`24 Nov 2026 03:35`."""
        if time is None:
            return "an unknown time"
        at = self._here(time)
        return f"{day(at)} {_clock(at, seconds=seconds)}{self._other(at)}"

    def written(self, time: object, *, seconds: bool = False) -> str:
        """The same of a time as documents have it."""
        return self.moment(read(time), seconds=seconds)

    def span(self, start: datetime | None, end: datetime | None) -> str:
        """`24 Nov 2026 03:35 to 03:54`, `1 Nov 2026 00:00 to 24 Nov 2026 11:20`."""
        if start is None or end is None:
            return f"{self.moment(start)} to {self.moment(end)}"
        first, last = self._here(start), self._here(end)
        if first.date() != last.date() or first.utcoffset() != last.utcoffset():
            return f"{self.moment(start)} to {self.moment(end)}"
        if _clock(first) == _clock(last):
            return self.moment(start)
        return f"{day(first)} {_clock(first)} to {_clock(last)}{self._other(last)}"

    def _here(self, time: datetime) -> datetime:
        try:
            return self.local(time)
        except (OverflowError, ValueError, OSError):
            return time.astimezone(UTC)

    def _other(self, at: datetime) -> str:
        return "" if at.utcoffset() == self.offset else f" ({offset(at)})"


def day(at: datetime) -> str:
    """`24 Nov 2026`."""
    return f"{dated(at)} {at.year:04}"


def _clock(at: datetime, *, seconds: bool = False) -> str:
    return f"{at:%H:%M:%S}" if seconds else f"{at:%H:%M}"


def offset(at: datetime) -> str:
    """`UTC+01:00`."""
    return f"UTC{zones.offset(at)}"


def length(start: datetime, end: datetime) -> str:
    """`19 minutes`."""
    return lasting(int((end - start).total_seconds()) * _SECOND)


def name(word: str) -> str:
    """A host, a path or a person as a sentence has it."""
    return short(printable(word), LONG_NAME)


def address(word: str) -> str:
    """Where somebody came from: an address stands whole."""
    return short(printable(word), LONG_ADDRESS)


def account(user: str) -> str:
    """An account, in quotes: anybody can try any name."""
    return f'"{short(printable(user), LONG_NAME)}"'


def note(text: str, most: int = LONG_NOTE) -> str:
    """What a person wrote, on one line; of a long text its beginning."""
    return short(printable(" ".join(text.split())), most)


def listed(words: Iterable[str], most: int = 3) -> str:
    """`srv-01, ws-03 and 4 more`; what is given may be shown as it is."""
    every = list(dict.fromkeys(words))
    return joined(every[:most], len(every) - most)


def hosts(names: Sequence[str], most: int = 3) -> str:
    """`srv-01`, or `3 machines (srv-01, ws-02 and ws-03)`; of many, or of long names, fewer are named."""
    every = list(dict.fromkeys(names))
    while most > 1 and len(listed(every, most)) > LONG_LIST:
        most -= 1
    return every[0] if len(every) == 1 else f"{counted(len(every), 'machine')} ({listed(every, most)})"


def many_hosts(names: Sequence[str]) -> str:
    """`srv-01`, or `3 machines`."""
    every = list(dict.fromkeys(names))
    return every[0] if len(every) == 1 else counted(len(every), "machine")
