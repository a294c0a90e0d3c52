"""The nouns of an incident record: entries of its journal, each of which names the one before."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from auditkit.errors import UntrustedError

SCHEMA = "auditkit/incident/1"
"""What the first entry of a journal says that it is."""


class Kind(StrEnum):
    """What an entry records; the first four are what a person may write by hand."""

    OBSERVATION = "observation"
    ACTION = "action"
    CONTACT = "contact"
    DECISION = "decision"
    OPENED = "open"
    FILE = "file"
    COMMAND = "command"
    CORRECTION = "correction"
    RECOVERY = "recovery"
    SEAL = "seal"
    LETTER = "letter"
    LOOKUP = "lookup"
    PROPOSAL = "proposal"
    EXPORT = "export"
    CLOSED = "close"


NOTES = (Kind.OBSERVATION, Kind.ACTION, Kind.CONTACT, Kind.DECISION)
"""What `incident note --kind` takes."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an entry is to say, before it has a place in the chain."""

    kind: Kind
    text: str
    data: Mapping[str, object] = field(default_factory=dict)
    """What programs read: a file's name and digest, the exit status of a command, the entry that is corrected."""


@dataclass(frozen=True, slots=True)
class Hand:
    """Who writes, where, and when."""

    actor: str
    """A person, as `--by` or the login says."""
    host: str
    """The machine that auditkit runs on."""
    tool: str
    time: datetime
    """Aware; its offset is the writer's own, and kept."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the journal."""

    seq: int
    """From 1 on."""
    hand: Hand
    said: Said
    prev: str
    """The hash of the entry before, 64 zeros for the first."""
    hash: str
    """SHA-256 over the line without its own hash, in hex."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Where a journal stops to be believed, and why."""

    seq: int
    """The first entry that is wrong, by its place."""
    reason: str


@dataclass(frozen=True, slots=True)
class Journal:
    """What a journal holds, up to where it can be believed."""

    entries: tuple[Entry, ...] = ()
    broken: Broken | None = None
    torn: bytes = b""
    """An entry at the end that was not written to its end, as after a crash: a line without a newline."""

    @property
    def head(self) -> str:
        """The hash of the last entry, 64 zeros where there is none: who has it on paper can tell that nothing was cut off."""
        return self.entries[-1].hash if self.entries else "0" * 64


@dataclass(frozen=True, slots=True)
class Filed:
    """A file in the evidence of a case, as an entry tells of it."""

    file: str
    """Its path below the case, as in `evidence/0007-auth.log`."""
    sha256: str
    size: int


_FILE = re.compile(r"evidence/[0-9]{4,}-[A-Za-z0-9._+-]{1,200}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def filed(entry: Entry) -> tuple[Filed, ...]:
    """The files that an entry tells of: its own, and those that belong to it, as a seal.

    Raises:
        UntrustedError: auditkit never writes such an entry: a path may lead out of the case.
    """
    data = entry.said.data
    also = data.get("also", [])
    if not isinstance(also, list):
        raise _unsound(entry)
    return tuple(_filed(entry, one) for one in ([data] if "file" in data else []) + also)


def _filed(entry: Entry, told: object) -> Filed:
    if not isinstance(told, Mapping):
        raise _unsound(entry)
    file, sha256, size = told.get("file"), told.get("sha256"), told.get("size")
    if not (isinstance(file, str) and isinstance(sha256, str) and isinstance(size, int)):
        raise _unsound(entry)
    if not (_FILE.fullmatch(file) and _DIGEST.fullmatch(sha256)):
        raise _unsound(entry)
    return Filed(file, sha256, size)


def _unsound(entry: Entry) -> UntrustedError:
    return UntrustedError(f"entry {entry.seq} tells of a file as auditkit never does", "find out who wrote it")
