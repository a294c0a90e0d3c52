"""What a machine's logs are read by: the zone of its stamps, which its /etc/localtime holds, tzfile(5), and its accounts."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from io import BytesIO
from zoneinfo import ZoneInfo

from auditkit.logins.nouns import Setting

LARGEST = 1 << 16
"""Bytes of a zone: the longest of the database has some 4000."""
YEAR = 2026
"""Whose winter and summer name a zone."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What a machine's logs are read by, as it can be sent to another process: a Setting cannot, for the zone's sake."""

    now: int
    """Nanoseconds since 1970: when the logs were taken."""
    localtime: bytes | None = None
    """What /etc/localtime holds; empty where there is none, which means UTC; None where that is not known."""
    anchor: int | None = None
    accounts: Mapping[str, int] | None = None
    """Name to number of each account; None where that is not known."""

    def setting(self) -> Setting:
        """As readers want it."""
        zone = zone_of(self.localtime) if self.localtime is not None else None
        return Setting(self.now, zone or UTC, zone is not None, self.anchor, self.accounts)


def zone_of(localtime: bytes) -> tzinfo | None:
    """The zone that the bytes of a tzfile(5) mean, named `CET/CEST` as it says; UTC for none, None where they mean nothing."""
    if not localtime:
        return UTC
    try:
        zone = _read(localtime, "local time")
        letters = dict.fromkeys(str(zone.tzname(datetime(YEAR, month, 1, tzinfo=zone))) for month in (1, 7))
        return _read(localtime, "/".join(letters))
    except (ValueError, struct.error, IndexError, OverflowError, EOFError):
        return None


def _read(localtime: bytes, name: str) -> ZoneInfo:
    return ZoneInfo.from_file(BytesIO(localtime[:LARGEST]), name)
