"""Times of a report on an axis: seconds since 1970, and the marks between two of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from auditkit.report.differences import second
from auditkit.report.items import moment

MINUTE, HOUR, DAY = 60, 3600, 86_400
STEPS = (
    *(1, 2, 5, 10, 30, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR),
    *(DAY, 2 * DAY, 7 * DAY, 14 * DAY, 30 * DAY, 91 * DAY, 182 * DAY, 365 * DAY, 1826 * DAY, 36_525 * DAY, 365_250 * DAY),
)
"""Seconds between two marks of an axis, as people count."""
MOST_MARKS = 8


@dataclass(frozen=True, slots=True)
class Axis:
    """A stretch of time on so many units of a picture."""

    first: float
    last: float
    left: float
    width: float

    def at(self, when: float) -> float:
        """Where a moment lies; one that is outside lies at the edge."""
        share = (when - self.first) / (self.last - self.first)
        return round(self.left + self.width * min(max(share, 0), 1), 1)

    def marks(self) -> list[tuple[float, str]]:
        """Places and words of the marks."""
        step = next((step for step in STEPS if (self.last - self.first) / step <= MOST_MARKS), STEPS[-1])
        start = int(-(-self.first // step))
        moments = [number * step for number in range(start, start + MOST_MARKS + 1) if number * step <= self.last]
        return [(self.at(moment), _word(moment, step)) for moment in moments]


def seconds(time: object) -> float | None:
    """Seconds since 1970 of a time of the document; None where it is none that a calendar has."""
    found = moment(time)
    return None if found is None else found.timestamp()


def axis(moments: Sequence[float], left: float, width: float) -> Axis:
    """An axis on which all of these lie, with a little room at both ends."""
    first, last = min(moments), max(moments)
    room = max((last - first) * 0.02, 1)
    return Axis(first - room, last + room, left, width)


def shown(time: object) -> str:
    """A time as people read it, without its fraction: `2026-11-24 09:54:59Z`."""
    if not isinstance(time, str):
        return "?"
    short = second(time)
    return short.replace("T", " ") if short == time else short


def _word(moment: float, step: int) -> str:
    try:
        told = datetime.fromtimestamp(moment, UTC)
    except (ValueError, OverflowError):
        return ""
    if step >= DAY:
        return f"{told:%Y-%m-%d}"
    return f"{told:%d %b}" if moment % DAY == 0 else f"{told:%H:%M}" if step >= MINUTE else f"{told:%H:%M:%S}"
