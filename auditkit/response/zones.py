"""Offsets from UTC, as `+01:00`."""

import re
from datetime import datetime, timedelta, timezone

_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")


def offset(time: datetime) -> str:
    """The offset of an aware time."""
    minutes = int((time.utcoffset() or timedelta()).total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def zone(text: str) -> timezone:
    """The zone of such an offset.

    Raises:
        ValueError: it is none.
    """
    found = _OFFSET.fullmatch(text)
    if not found:
        raise ValueError(text)
    minutes = int(found[2]) * 60 + int(found[3])
    return timezone(timedelta(minutes=-minutes if found[1] == "-" else minutes))
