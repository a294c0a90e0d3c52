"""What changed its status in a span of time, as a timeline: after an incident, with or without a baseline. Pure.

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
Span = tuple[datetime, datetime | None]
"""From when until when; None: until now."""


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
    """Lets a stream of blocks pass and keeps what changed its status in a span of time."""

    def __init__(self, span: Span | None) -> None:
        self._since = None if span is None else _of(span[0])
        self._until = None if span is None or span[1] is None else _of(span[1])
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
            if entry.ctime_ns is not None and entry.ctime_ns > since and self._is_by_then(entry, since):
                modified = entry.mtime_ns if entry.mtime_ns is not None else entry.ctime_ns
                yield Moment(entry, entry.kind is Kind.FILE and entry.ctime_ns - modified > BACKDATED_NS)

    def _is_by_then(self, entry: Entry, since: int) -> bool:
        """Whether any of its times lies before the end: what came in the span may have been changed again after it."""
        moments = (moment for moment in (entry.ctime_ns, entry.btime_ns, entry.mtime_ns) if moment is not None)
        return self._until is None or any(since < moment <= self._until for moment in moments)

    def moments(self) -> tuple[Moment, ...]:
        """Backdated files first, each part in the order of time."""
        return tuple(sorted(self._found, key=lambda moment: (not moment.backdated, moment.entry.ctime_ns or 0)))


def _of(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000_000)
