"""How times, stretches and lists are said in sentences on logins."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from auditkit.printable import many, printable

_SECOND = 10**9
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def moment(time: int | None) -> str:
    """`2026-11-24 09:54:59Z`; of a time that no calendar has its seconds."""
    at = _at(time)
    if at is None:
        return "an unknown time" if time is None else f"{time // _SECOND} s after 1970"
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


def _at(time: int | None) -> datetime | None:
    if time is None:
        return None
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(seconds=time // _SECOND)
    except OverflowError:
        return None


def local(time: int, zone: tzinfo) -> datetime | None:
    """A time as the clock of a machine shows it; None of one that no calendar has."""
    at = _at(time)
    try:
        return at and at.astimezone(zone)
    except (OverflowError, ValueError):
        return None


def day(time: int, year: bool = False) -> str:
    """`24 Nov`, or with its year."""
    at = _at(time)
    if at is None:
        return moment(time)
    return f"{dated(at)}{f' {at.year}' if year else ''}"


def dated(at: datetime) -> str:
    """`24 Nov`."""
    return f"{at.day} {_MONTHS[at.month - 1]}"


def span(start: int, end: int) -> str:
    """`1 to 24 Nov 2026`; within one day `24 Nov 2026 09:54 to 11:20`."""
    first, last = _at(start), _at(end)
    if first is None or last is None:
        return f"{moment(start)} to {moment(end)}"
    if first.date() == last.date():
        return f"{day(start, year=True)} {first:%H:%M} to {last:%H:%M}Z"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {day(end, year=True)}"
    return f"{day(start, year=first.year != last.year)} to {day(end, year=True)}"


def lasting(nanoseconds: int) -> str:
    """`19 minutes`, `3 h`, `2 days`: as long as a person would say it is."""
    seconds = abs(nanoseconds) // _SECOND
    for unit, length, least in (("day", 86400, 2 * 86400), ("h", 3600, 2 * 3600), ("minute", 60, 120)):
        if seconds >= least:
            number = round(seconds / length)
            return f"{number} {unit}" if unit == "h" or number == 1 else f"{number} {unit}s"
    return "1 second" if seconds == 1 else f"{seconds} seconds"


def plural(number: int, noun: str) -> str:
    """`1 guess`, `52 guesses`, `2 names`."""
    return f"{number} {noun if number == 1 else many(noun)}"


def listed(words: Sequence[str], most: int = 4) -> str:
    """`a, b and c`; of more than so many how many more there are."""
    return joined([printable(word) for word in words[:most]], len(words) - most)


def joined(shown: Sequence[str], left: int = 0) -> str:
    """The same of what may be shown as it is, where so many more are left."""
    if left > 0:
        return f"{', '.join(shown)} and {left} more"
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1] if shown else "")))


def name(user: str) -> str:
    """An account as a sentence has it; the empty name, and one with blanks, in quotes."""
    shown = printable(user)
    return f"'{shown}'" if not shown or " " in shown else shown


def short(shown: str, most: int = 48) -> str:
    """What is shown of a name in a sentence: of one that is absurdly long its beginning."""
    return shown if len(shown) <= most else f"{shown[: most - 3]}..."
