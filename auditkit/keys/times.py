"""Times as OpenSSH has them in files (misc.c parse_absolute_time): `20270101`, `202701011530`, `20270101153000`, `...Z`."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

FORM = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?(Z|UTC)?", re.ASCII | re.IGNORECASE)
_LAX = re.compile(r"[0-9 +-]{8}|[0-9 +-]{12}|[0-9 +-]{14}", re.ASCII)
_AHEAD, _BEHIND = timedelta(hours=14), timedelta(hours=12)
"""The zones that lie farthest from UTC."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time of a file that may be of a zone nobody told us: the first and the last moment that it can be."""

    earliest: datetime
    latest: datetime

    def past(self, now: datetime) -> bool | None:
        """Whether it is over; None where that depends on the zone."""
        if now > self.latest:
            return True
        return None if now > self.earliest else False


def moment(text: str, zone: tzinfo | None = None) -> Moment | None:
    """The time that a text means; without Z it is of this zone, or of any if there is none. None where only a libc can tell.

    Raises:
        ValueError: it is no time.
    """
    found = FORM.fullmatch(text)
    if not found:
        if _LAX.fullmatch(re.sub(r"(?i:Z|UTC)\Z", "", text)):
            return None  # strptime(3) of glibc passes over blanks, that of musl does not
        raise ValueError("it is no time like 20270101 or 202701011530Z")
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    if not (year and 1 <= month <= 12 and 1 <= day <= 31 and hour <= 23 and minute <= 59 and second <= 61):
        raise ValueError("it is no time there is")
    if not 1970 < year < 9999:
        return None  # before 1970 some libcs see no time, and who writes 9999 means never
    # the 31st of February is the 3rd of March to mktime(3)
    naive = datetime(year, month, 1, hour, minute, tzinfo=zone) + timedelta(days=day - 1, seconds=second)
    if found[7]:
        return Moment(naive.replace(tzinfo=UTC), naive.replace(tzinfo=UTC))
    if zone is not None:
        return Moment(naive, naive)
    naive = naive.replace(tzinfo=UTC)
    return Moment(naive - _AHEAD, naive + _BEHIND)
