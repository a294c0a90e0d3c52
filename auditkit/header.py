"""The first line of a baseline, as a noun: what all that follows in the file is of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from auditkit.model import Mount, Policy


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a baseline: whose it is, when and by what it was made, and what it follows."""

    host: str
    made: datetime
    sequence: int
    previous: str | None
    """BLAKE3 of the whole previous baseline file, `blake3:HEX`."""
    policy: Policy
    homes: tuple[str, ...]
    mounts: tuple[Mount, ...]
    packages: Mapping[str, str] | None
    """`name:architecture` to version; None where no package database could be read."""
    tool: str
    reason: str = ""
    """Why `accept` made it."""
    machine: str | None = None
    """Which machine that was, as `blake3:HEX` of what it says of itself; None where it did not say, or was not asked."""
    owners: str | None = None
    """`blake3:HEX` of the list of paths by package that lies beside the baseline; None where there is none."""
    listeners: tuple[Mapping[str, object], ...] | None = None
    """What listened and what it said, by lines of `facts.listeners`; None where that was not asked."""
