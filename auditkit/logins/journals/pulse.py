"""The heartbeat of a source: how many records each hour has, where it is silent, and where its time runs backwards."""

from dataclasses import dataclass, field
from heapq import heappush, heapreplace

from auditkit.logins.nouns import Notes

HOUR = 3600 * 10**9
SECOND = 10**9
LATEST = 1 << 62
"""Nanoseconds since 1970 that no record can have: the year 2116."""
SILENCES, BACKWARD, HOURS = 64, 64, 300_000


@dataclass(slots=True)
class Pulse:
    """Fills the notes of a source; `beat` for each record, `done` at the end."""

    notes: Notes
    ordered: bool = True
    """Whether records are written one behind the other: else nothing is silent, and no time runs backwards."""
    last: int = 0
    _from: int = 0
    _to: int = 0
    _count: int = 0
    _least: int = 0
    """The shortest of the longest silences, once there are SILENCES."""
    _silences: list[tuple[int, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.ordered:
            self._least = LATEST

    def beat(self, time: int, line: int, booted: bool = False, again: int = 0) -> None:
        """Count a record of this time; `booted` if the machine was started between it and the one before.

        Before it there were so many again of the time of the one before.
        """
        self._count += again
        if not 0 < time < LATEST:
            self.notes.malformed += 1
            return
        if self._from <= time < self._to:
            self._count += 1
        else:
            self._turn(time)
        passed = time - self.last
        if passed > self._least and self.last:
            self._silent(passed, time)
        elif passed < 0 and self.last:
            self._back(time, line, booted)
        self.last = time

    def again(self, times: int) -> None:
        """Count so many records more of the time of the last one."""
        self._count += times

    def done(self) -> None:
        """Bring the notes up to date."""
        self._flush()
        notes = self.notes
        notes.silences = [(begin, end) for _, begin, end in sorted(self._silences, reverse=True)]

    def _turn(self, time: int) -> None:
        """A record of another hour than the one before."""
        self._flush()
        notes, hour = self.notes, time // HOUR
        self._from, self._to, self._count = hour * HOUR, (hour + 1) * HOUR, 1
        notes.first = time if notes.first is None else min(notes.first, time)

    def _back(self, time: int, line: int, booted: bool) -> None:
        """A record of an earlier time than the one before."""
        notes, last = self.notes, self.last
        notes.first = time if notes.first is None else min(notes.first, time)
        notes.last = last if notes.last is None else max(notes.last, last)
        if self.ordered and time < last - SECOND and not booted and len(notes.backward) < BACKWARD:
            notes.backward.append((line, time, last))

    def _flush(self) -> None:
        hours, hour, count = self.notes.hours, self._from // HOUR, self._count
        if count and (hour in hours or len(hours) < HOURS):
            hours[hour] = hours.get(hour, 0) + count
        if count:
            self.notes.last = self.last if self.notes.last is None else max(self.notes.last, self.last)
        self._count = 0

    def _silent(self, passed: int, time: int) -> None:
        silence = passed, self.last, time
        if len(self._silences) < SILENCES:
            heappush(self._silences, silence)
        else:
            heapreplace(self._silences, silence)
        if len(self._silences) == SILENCES:
            self._least = self._silences[0][0]
