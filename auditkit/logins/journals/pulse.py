"""The heartbeat of a source: how many records each hour has, where it is silent, and where its time runs backwards."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappush, heapreplace
from itertools import islice
from operator import le, sub

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
            self._silent(passed, self.last, time)
        elif passed < 0 and self.last:
            self._back(time, line, booted)
        self.last = time

    def beats(self, times: Sequence[int], lines: Sequence[int], again: int) -> None:
        """Count records of these times, which are those of all records up to the next of these lines; `again` is as above."""
        if times[0] < max(self.last, 1) or times[-1] >= LATEST or not all(map(le, times, islice(times, 1, None))):
            for time, line, more in zip(times, lines, (again, *map(sub, lines[1:], lines)), strict=True):
                self.beat(time, line, again=more - (line != lines[0]))
            return
        self._count += again
        before = [self.last or times[0], *times[:-1]]
        for at in [at for at, passed in enumerate(map(sub, times, before)) if passed > self._least]:
            if (passed := times[at] - before[at]) > self._least:
                self._silent(passed, before[at], times[at])
        at = 0
        while at < len(times):
            if self._from <= times[at] < self._to:
                self._count += 1
            else:
                self._turn(times[at])
            begun, at = at, bisect_left(times, self._to, at)
            self.last = times[at - 1]
            self._count += (lines[at] if at < len(lines) else lines[-1] + 1) - lines[begun] - 1

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

    def _silent(self, passed: int, since: int, time: int) -> None:
        silence = passed, since, time
        if len(self._silences) < SILENCES:
            heappush(self._silences, silence)
        else:
            heapreplace(self._silences, silence)
        if len(self._silences) == SILENCES:
            self._least = self._silences[0][0]
