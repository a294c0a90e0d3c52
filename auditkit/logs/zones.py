"""The zone of a machine's stamps: what its /etc/localtime holds, tzfile(5)."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, tzinfo
from io import BytesIO
from zoneinfo import ZoneInfo

from auditkit.logins.nouns import Setting

LARGEST = 1 << 16
"""Bytes of a zone: the longest of the database has some 4000."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What a machine's logs are read by, as it can be sent to another process: a Setting cannot, for the zone's sake."""

    now: int
    """Nanoseconds since 1970: when the logs were taken."""
    localtime: bytes | None = None
    """What /etc/localtime holds; empty where there is none, which means UTC; None where that is not known."""
    anchor: int | None = None
    accounts: Mapping[str, int] | None = None
    """Names of its accounts and their numbers, where they are known."""

    def setting(self) -> Setting:
        """As readers want it."""
        zone = zone_of(self.localtime) if self.localtime is not None else None
        return Setting(self.now, zone or UTC, zone is not None, self.anchor, self.accounts)


def zone_of(localtime: bytes) -> tzinfo | None:
    """The zone that the bytes of a tzfile(5) mean, UTC for none; None where they mean nothing."""
    if not localtime:
        return UTC
    try:
        return ZoneInfo.from_file(BytesIO(localtime[:LARGEST]), "localtime")
    except (ValueError, struct.error, IndexError, OverflowError, EOFError):
        return None
