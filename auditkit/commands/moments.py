"""Moments as people write them on a command line."""

import re
from datetime import UTC, datetime, timedelta

from auditkit.errors import UsageError
from auditkit.printable import printable
from auditkit.timeline import Span

_AGO = re.compile(r"(\d{1,4}) (minute|hour|day|week)s? ago")
_DAYS = {"today": 0, "yesterday": 1}


def time_of(text: str) -> datetime:
    """A moment as people write it: `2026-11-24 03:10`, `2026-11-24`, `yesterday`, `3 hours ago`; else in this machine's zone.

    Raises:
        UsageError: it is none.
    """
    if (ago := _AGO.fullmatch(text.strip().lower())) is not None:
        return datetime.now(UTC) - int(ago[1]) * timedelta(**{f"{ago[2]}s": 1})
    if (days := _DAYS.get(text.strip().lower())) is not None:
        return (
            (datetime.now().astimezone() - timedelta(days)).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
        )
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            f"{printable(text)} is no time",
            'write it like "2026-11-24 03:10", 2026-11-24T03:10:00Z, yesterday or "3 hours ago"',
        ) from error
    return moment.astimezone(UTC)


def span(since: str | None, until: str | None) -> Span | None:
    """The time between two moments as people write them, the second now if it is not said; None for no such time.

    Raises:
        UsageError: there is no such time.
    """
    if since is None:
        if until is not None:
            raise UsageError("--until says when a window ends, and nothing says when it begins", "add --since TIME")
        return None
    begin, end = time_of(since), time_of(until) if until else None
    if end is not None and end < begin:
        raise UsageError("--until is before --since", "write the earlier time behind --since")
    return begin, end
