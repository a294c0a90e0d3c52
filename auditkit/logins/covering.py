"""What time the sources cover: the heartbeat of each log is learned from itself, and what is missing of it is a gap."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from auditkit.logins.nouns import Condition, Log, What
from auditkit.logins.streams import Stream, family
from auditkit.logins.tally import HOUR

MINUTE = 60 * 10**9
DAY = 24 * HOUR
LEAST = 2 * HOUR
"""No silence below this is a gap, however talkative a log is."""
UNLEARNED = 26 * HOUR
"""From so long a silence on there is a gap in a log that is too short to learn its heartbeat from."""
ENOUGH = 12
"""Hours with lines that a heartbeat is learned from, on three days."""
OFTEN_SILENT = 4
"""Hours without a line that make a log one which is silent every day."""
BOOTING = 15 * MINUTE
"""How long a machine may take to write its first line, or be silent before it goes down."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A stretch in which a log says nothing though it should."""

    stream: str
    start: int
    end: int
    why: str = ""
    """What explains it; the empty word is a gap."""

    @property
    def long(self) -> int:
        """Nanoseconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Cover:
    """What time one stream covers."""

    stream: Stream
    beat: int
    """From so long a silence on, nanoseconds, something is missing."""
    learned: bool
    silences: tuple[Silence, ...]
    missing: tuple[int, ...] = ()
    """Numbers of rotated files that are not there, though later ones are."""

    @property
    def gaps(self) -> tuple[Silence, ...]:
        """The silences that nothing explains."""
        return tuple(one for one in self.silences if not one.why)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What all sources together cover of a window."""

    start: int | None
    end: int | None
    covers: tuple[Cover, ...]
    gaps: tuple[tuple[int, int], ...]
    """From and to, within the window, where no source that tells of logins has anything."""
    telling: tuple[Cover, ...] = ()
    """Those that would tell of every login."""
    lost: tuple[tuple[int, int], ...] = ()
    """From and to, within the gaps, what one of them had of that time and could not be read."""


def covered(streams: Sequence[Stream], since: int | None, until: int | None, now: int, asked: Iterable[Log] = ()) -> Coverage:
    """What of a window is covered; without one it goes from the first line there is to now.

    `asked` are logs that could not be read.
    """
    boots = _moments(streams, What.BOOTED)
    stops = _moments(streams, What.STOPPED)
    covers = tuple(_cover(stream, boots, stops) for stream in streams)
    telling = tuple(cover for cover in covers if cover.stream.tells and cover.stream.dated)
    firsts = [cover.stream.first for cover in telling if cover.stream.first is not None]
    start = since if since is not None else min(firsts, default=None)
    end = min(until, now) if until is not None else now if telling else None
    if start is None or end is None:
        return Coverage(start, end, covers, (), telling)
    unread = {log.name for log in asked if log.condition is Condition.UNREADABLE}
    lost = {cover.stream.name: tuple(_lost(cover.stream, end, unread)) for cover in telling}
    spans = [
        part
        for cover in telling
        for first, last in _spans(cover, end, stops)
        for part in _uncovered(sorted(lost[cover.stream.name]), first, last)
    ]
    gaps = tuple(_uncovered(spans, start, end))
    missed = [each for several in lost.values() for each in several]
    return Coverage(start, end, covers, gaps, telling, tuple(_within(missed, gaps)))


def _moments(streams: Iterable[Stream], what: What) -> list[int]:
    """When the machine went up, or down, by whichever source."""
    times = {one.event.time for stream in streams for one in stream.told(what)}
    return sorted(time for time in times if time is not None)


# --- one stream


def _cover(stream: Stream, boots: Sequence[int], stops: Sequence[int]) -> Cover:
    """Learn the heartbeat of a stream, and list what is longer."""
    beat, learned = heartbeat(stream)
    silences = [
        Silence(stream.name, start, end, _why(start, end, boots, stops))
        for start, end in _silences(stream)
        if end - start > beat
    ]
    return Cover(stream, beat, learned, tuple(sorted(silences, key=lambda one: one.start)), _missing(stream))


def heartbeat(stream: Stream) -> tuple[int, bool]:
    """From which silence on something is missing, and whether that was learned from the stream.

    Each day has its longest run of hours without a line. Twice what is usual of these is more than the stream ever needs:
    a log with a line of cron every hour comes to two hours, one that is silent at night to two nights.
    """
    hours: Counter[int] = Counter()
    for reading in stream.readings:
        hours.update(reading.notes.hours)
    runs = sorted(_runs(hours))
    if len(runs) < 3 or len(hours) < ENOUGH or stream.partial:
        return UNLEARNED, False
    usual = runs[(len(runs) - 1) * 3 // 4]
    beat = max(LEAST, (usual + 1) * 2 * HOUR)
    return max(beat, _weekends(stream) if usual >= OFTEN_SILENT else 0), True


def _weekends(stream: Stream) -> int:
    """In a log that is silent for hours every day: a little more than the longest silence that comes again and again."""
    longest = sorted((end - start for start, end in _silences(stream)), reverse=True)
    again = [long for at, long in enumerate(longest) if at + 2 < len(longest) and longest[at + 2] * 5 >= long * 4]
    return again[0] * 5 // 4 if again else 0


def _runs(hours: Iterable[int]) -> list[int]:
    """For each day that has a line, the longest run of hours without one that ends on it."""
    longest: dict[int, int] = {}
    before = None
    for hour in sorted(hours):
        silent = 0 if before is None else hour - before - 1
        longest[hour // 24] = max(longest.get(hour // 24, 0), silent)
        before = hour
    return list(longest.values())


def _silences(stream: Stream) -> list[tuple[int, int]]:
    """The longest stretches without a line: within the files, and from one to the next."""
    found = [silence for reading in stream.readings for silence in reading.notes.silences]
    spans = [(one.notes.first, one.notes.last) for one in stream.readings]
    known = sorted((first, last) for first, last in spans if first is not None and last is not None)
    reached = None
    for first, last in known:
        if reached is not None and first > reached:
            found.append((reached, first))
        reached = last if reached is None else max(reached, last)
    overlapping = stream.kind == "journal" and len(known) > 1
    return _without_others(found, stream) if overlapping else found


def _without_others(silences: Iterable[tuple[int, int]], stream: Stream) -> list[tuple[int, int]]:
    """Silences of one file of a journal in which no other file of it has lines: a user's journal is silent most of the time."""
    hours = {hour for reading in stream.readings for hour in reading.notes.hours}
    return [
        (start, end)
        for start, end in silences
        if not any(hour in hours for hour in range(start // HOUR + 1, min(end // HOUR, start // HOUR + 10000)))
    ]


def _why(start: int, end: int, boots: Sequence[int], stops: Sequence[int]) -> str:
    """What explains a silence: the machine was off. One that ends with a boot is explained from its last line on."""
    stopped = any(start - BOOTING <= stop <= start + BOOTING for stop in stops)
    booted = any(end - BOOTING <= boot <= end + BOOTING for boot in boots)
    if stopped and booted:
        return "the machine was shut down and started again"
    if booted:
        return "the machine was started again; that it was shut down is not recorded"
    return ""


def _missing(stream: Stream) -> tuple[int, ...]:
    """Numbers that rotation has given and of which there is no file."""
    numbers = {family(one.log.name)[1] for one in stream.readings} - {None}
    known = {number for number in numbers if number is not None}
    if stream.kind != "text" or not known:
        return ()
    return tuple(sorted(set(range(min(1, *known), max(known))) - known))[:20]


# --- all of them


def _spans(cover: Cover, end: int, stops: Sequence[int]) -> list[tuple[int, int]]:
    """From and to of what a stream covers; its end is covered for as long as it may be silent."""
    first, last = cover.stream.first, cover.stream.last
    if first is None or last is None:
        return []
    spans, at = [], first
    for gap in cover.gaps:
        spans.append((at, gap.start))
        at = gap.end
    down = any(last - BOOTING <= stop <= last + BOOTING for stop in stops)
    spans.append((at, end if down or 0 <= end - last <= cover.beat else last))
    return spans


def _lost(stream: Stream, end: int, unread: Collection[str]) -> Iterator[tuple[int, int]]:
    """Yield from and to of what a stream had and nobody could read: behind where a file breaks off, or all of the latest."""
    firsts = sorted(one.notes.first for one in stream.readings if one.notes.first is not None)
    for one in stream.readings:
        if one.log.condition is Condition.TRUNCATED:
            last = one.notes.last if one.notes.last is not None else firsts[0]
            yield last, next((first for first in firsts if first > last), end)
    if stream.name in unread and stream.last is not None:
        yield stream.last, end


def _within(spans: Iterable[tuple[int, int]], gaps: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield what spans and gaps have in common."""
    for first, last in spans:
        for start, stop in gaps:
            if max(first, start) < min(last, stop):
                yield max(first, start), min(last, stop)


def _uncovered(spans: Iterable[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """What of a window no span covers."""
    found, reached = [], start
    for first, last in sorted(spans):
        if first > reached and first > start and reached < end:
            found.append((reached, min(first, end)))
        reached = max(reached, last)
    if reached < end:
        found.append((reached, end))
    return found
