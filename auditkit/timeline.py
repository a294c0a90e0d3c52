"""What changed its status after a moment, as a timeline: after an incident, with or without a baseline. Pure.

The kernel sets the time of status change (ctime) and no tool sets it back: a file whose time of modification is far older
was given that time on purpose, or was unpacked or copied with its times kept.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from auditkit import entries
from auditkit.model import Entry, Kind
from auditkit.words import written

BACKDATED_NS = 24 * 3600 * 1_000_000_000
"""From this distance on a modification time counts as set back."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One entry whose status changed."""

    entry: Entry
    backdated: bool

    def document(self) -> dict[str, object]:
        """The moment as the report has it."""
        return {
            "time": written(self.entry.ctime_ns),
            "path": self.entry.path,
            "kind": str(self.entry.kind),
            "modified": written(self.entry.mtime_ns),
            "born": written(self.entry.btime_ns),
            "owner": self.entry.owner or self.entry.uid,
            "backdated": self.backdated,
        }


class Spy:
    """Lets a stream of blocks pass and keeps what changed its status after a moment."""

    def __init__(self, since: datetime | None) -> None:
        self._since = None if since is None else int(since.timestamp() * 1_000_000_000)
        self._found: list[Moment] = []

    def watch(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the blocks as they come."""
        if self._since is None:
            yield from blocks
            return
        for block in blocks:
            self._found.extend(self._moments(block, self._since))
            yield block

    def _moments(self, block: bytes, since: int) -> Iterator[Moment]:
        for _name, entry in entries.decode(block):
            if entry.ctime_ns is not None and entry.ctime_ns > since:
                modified = entry.mtime_ns if entry.mtime_ns is not None else entry.ctime_ns
                yield Moment(entry, entry.kind is Kind.FILE and entry.ctime_ns - modified > BACKDATED_NS)

    def moments(self) -> tuple[Moment, ...]:
        """Backdated files first, each part in the order of time."""
        return tuple(sorted(self._found, key=lambda moment: (not moment.backdated, moment.entry.ctime_ns or 0)))
