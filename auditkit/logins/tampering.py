"""Signs that somebody has been at the logs themselves. None proves it; each is worth a look, and says what else it may be."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditkit.logins.covering import BOOTING, Cover, Coverage
from auditkit.logins.journals import numbers
from auditkit.logins.nouns import Condition, Log, What
from auditkit.logins.reading import Reading
from auditkit.logins.seen import Head, Past, Seen
from auditkit.logins.streams import AUTH, Stream, family
from auditkit.logins.tally import HOUR
from auditkit.logins.wording import lasting, moment, plural

SLACK = 10 * 60 * 10**9
"""How far the clock of a file system and the stamps of a log may be apart."""
OWN = ("/var/log/", "/var/adm/")
"""Where a log lies that its machine writes; the times of a copy say nothing of it."""
RECORDS = ("wtmp", "btmp")
EACH = 8
"""How many of one kind are told of one source."""


@dataclass(frozen=True, slots=True)
class Sign:
    """One sign: what is odd, where, and what else it may be."""

    kind: str
    """backward-time, nul-bytes, zeroed-records, emptied, records-emptied, written-without-a-line, last-line-later, not-grown,
    rewritten, vanished, taken-away, altered, cleared, stopped, not-verified, entries-missing."""
    source: str
    line: int
    text: str
    offset: int = 0


def signs(seen: Seen, streams: Sequence[Stream], coverage: Coverage) -> tuple[Sign, ...]:
    """All signs, source by source."""
    boots = [one.event.time for stream in streams for one in stream.told(What.BOOTED, What.CLOCK)]
    clock = [time for time in boots if time is not None]
    found = [sign for reading in seen.readings for sign in _of_reading(reading, clock, coverage)]
    found += [sign for log in _logs(seen) for sign in _of_file(log, seen, coverage)]
    found += [sign for stream in streams for sign in _told(stream)]
    found += [sign for cover in coverage.telling for sign in _taken_away(cover, seen)]
    found += _since(seen.past, seen.heads, seen)
    found += _numbers(seen)
    found += [
        Sign("not-verified", one.name, 0, f"journalctl --verify says FAIL: {one.words or 'no more than that'}")
        for one in seen.verified
        if one.passed is False
    ]
    return tuple(found)


def _logs(seen: Seen) -> Iterator[Log]:
    yield from seen.asked
    yield from (reading.log for reading in seen.readings)


def _of_reading(reading: Reading, clock: Sequence[int], coverage: Coverage) -> Iterator[Sign]:
    """Yield what the bytes of a source show."""
    name, notes = reading.log.name, reading.notes
    steps = [
        (line, time, before)
        for line, time, before in notes.backward
        if not any(min(time, before) - BOOTING <= moved <= max(time, before) + BOOTING for moved in clock)
    ]
    for line, time, before in steps[:EACH]:
        text = f"time runs back by {lasting(before - time)}, from {moment(before)} to {moment(time)}: lines were put in or"
        yield Sign("backward-time", name, line, f"{text} moved, or the clock was set and nothing says so")
    for offset, length in notes.nul_runs[:EACH]:
        text = f"{length} zero bytes at offset {offset}: overwritten, or the machine lost power while it wrote"
        yield Sign("nul-bytes", name, 0, text, offset)
    for text in notes.odd[:EACH]:
        yield Sign("altered", name, 0, text)
    if notes.zeroed:
        text = f"{plural(notes.zeroed, 'record')} of nothing but zeros, as tools leave them that clean logs"
        yield Sign("zeroed-records", name, 0, text)


def _of_file(log: Log, seen: Seen, coverage: Coverage) -> Iterator[Sign]:
    """Yield what the file itself shows: its size, and when it was last written to."""
    base, number = family(log.name)
    auth = base.rpartition("/")[2] in AUTH
    if log.condition is Condition.EMPTY and auth and _emptied(base, log, seen, coverage):
        text = f"it is empty and was last written to {moment(log.mtime)}: it was emptied, for one that is rotated leaves its"
        yield Sign("emptied", log.name, 0, f"{text} lines in {base.rpartition('/')[2]}.1")
    elif (
        log.condition is Condition.EMPTY and base.rpartition("/")[2] in RECORDS and _without_records(base, log, seen, coverage)
    ):
        text = (
            f"it is empty, was last written to {moment(log.mtime)}, and there is none that it was rotated to: it was emptied,"
        )
        yield Sign("records-emptied", log.name, 0, f"{text} or made anew")
    reading = next((each for each in seen.readings if each.log is log), None)
    if reading is None or reading.notes.last is None or log.mtime is None or log.packed or number is not None:
        return
    if reading.format is None or reading.format.kind != "text" or not log.name.startswith(OWN):
        return
    behind, beat = log.mtime - reading.notes.last, _beat(base, coverage)
    if behind > max(beat, SLACK):
        text = f"it was written to {lasting(behind)} after its last line, {moment(log.mtime)}: lines were cut from its end, or"
        yield Sign("written-without-a-line", log.name, reading.notes.lines, f"{text} it was edited or copied")
    elif -behind > SLACK:
        text = f"its last line is {lasting(-behind)} later than it was last written to: the time of the file was set back, or"
        yield Sign("last-line-later", log.name, reading.notes.lines, f"{text} the zone of its stamps is not the one assumed")


def _without_records(base: str, log: Log, seen: Seen, coverage: Coverage) -> bool:
    """Whether wtmp or btmp lost its records while the logs were written, and no rotation did it."""
    if log.mtime is None or coverage.start is None or log.mtime < coverage.start + 24 * HOUR:
        return False
    return not any(family(other.name)[0] == base and other is not log for other in _logs(seen))


def _emptied(base: str, log: Log, seen: Seen, coverage: Coverage) -> bool:
    """Whether an empty log lost its lines in the window: no predecessor ends about when it was made."""
    if log.mtime is None or (coverage.start is not None and log.mtime < coverage.start):
        return False
    before = [reading for reading in seen.readings if family(reading.log.name)[0] == base and reading.log is not log]
    ends = [reading.notes.last for reading in before if reading.notes.last is not None]
    return not any(abs(log.mtime - last) <= max(2 * HOUR, _beat(base, coverage)) for last in ends)


def _taken_away(cover: Cover, seen: Seen) -> Iterator[Sign]:
    """Yield that a log is not there and what it was rotated to is, and that ends long ago: on a machine, not of copies."""
    stream, last = cover.stream, cover.stream.last
    names = [log.name for log in _logs(seen) if log.condition is not Condition.ABSENT]
    if stream.kind != "text" or last is None or seen.accounts is None or seen.setting.now - last <= cover.beat:
        return
    if any(name.startswith(stream.name) and family(name)[1] is None for name in names):
        return  # it is there, or dates in the names do not show that it should be
    newest = max((one.notes.last or 0, one.log.name) for one in stream.readings)[1].rpartition("/")[2]
    text = f"it is not there, and {newest} ends {moment(last)}: it was taken away, or nothing logs into it any more"
    yield Sign("taken-away", stream.name, 0, text)


def _beat(base: str, coverage: Coverage) -> int:
    return next((cover.beat for cover in coverage.covers if cover.stream.name == base), 0)


def _told(stream: Stream) -> Iterator[Sign]:
    """Yield what the sources say themselves of being cleared or stopped."""
    told = list(stream.told(What.LOG_BEGAN, What.LOG_CLEARED, What.LOG_ENDED))
    begun = sorted(one.event.time for one in told if one.event.what is What.LOG_BEGAN and one.event.time is not None)
    for one in told:
        event, detail = one.event, f": {one.event.detail}" if one.event.detail else ""
        when = moment(event.time)
        if event.what is What.LOG_CLEARED:
            yield Sign("cleared", one.source, event.line, f"it says that it was cleared {when}{detail}", event.offset)
        elif event.what is What.LOG_ENDED and event.time is not None and one.kind == "audit":
            after = next((time for time in begun if time >= event.time), None)
            if after is None or after - event.time > BOOTING:
                off = "and did not start again" if after is None else f"for {lasting(after - event.time)}"
                yield Sign("stopped", one.source, event.line, f"auditing was stopped {when} {off}{detail}", event.offset)


def _numbers(seen: Seen) -> Iterator[Sign]:
    """Yield entries that no file of a journal has, though journald numbered them; with a file unread nobody can say."""
    journals = [one for one in seen.readings if one.notes.numbering]
    if any(log.condition is not Condition.ABSENT for log in seen.asked) or any(one.notes.broken for one in journals):
        return
    if seen.newest is not None and len(journals) < 2:
        return  # one file that somebody gave: the others of its machine may be well
    for gap in numbers.absent([one.notes for one in journals])[:EACH]:
        text = f"no file of it has its entries {gap.first} to {gap.last}, between {moment(gap.begin)} and {moment(gap.end)}"
        yield Sign("entries-missing", "journal", 0, f"{text}: they were taken out, or the machine stopped at once")


def _since(past: Past | None, heads: Sequence[Head], seen: Seen) -> Iterator[Sign]:
    """Yield where a log is not what an earlier run has seen, grown: it begins as it did, here or where it was rotated to."""
    if past and past.last is not None and past.last > seen.setting.now:
        return  # evidence of a time before that run: its logs are shorter
    for before in past.heads if past else ():
        if not before.length:
            continue
        same = [head for head in heads if head.digest == before.digest and head.length == before.length]
        named = [head for head in heads if head.name == before.name]
        if same:
            size = max(head.size for head in same)
            if size < before.size:
                text = f"it has {size} bytes and had {before.size} at the last run: a log grows, or is rotated as a whole"
                yield Sign("not-grown", before.name, 0, text)
        elif _kept_elsewhere(before, seen):
            continue
        elif named and any(head.inode is not None and head.inode == before.inode for head in named):
            yield Sign("rewritten", before.name, 0, "it is the same file and does not begin as it did at the last run")
        elif past and _still_due(before, past, heads, seen):
            text = f"the {before.size} bytes that it held at the last run are in no log of its name now"
            yield Sign("vanished", before.name, 0, f"{text}, though rotation has not come to them")


def _still_due(before: Head, past: Past, heads: Sequence[Head], seen: Seen) -> bool:
    """Whether rotation cannot have dropped a log since: an older one is still there, or the logs reach back before that run."""
    base, number = family(before.name)
    digests = {head.digest for head in heads}
    older = [each for each in past.heads if family(each.name)[0] == base and (family(each.name)[1] or 0) > (number or 0)]
    if any(each.digest in digests for each in older):
        return True
    firsts = [one.notes.first for one in seen.readings if family(one.log.name)[0] == base and one.notes.first is not None]
    return number is None and past.last is not None and any(first <= past.last for first in firsts)


def _kept_elsewhere(before: Head, seen: Seen) -> bool:
    """Whether a log that cannot be read may be it."""
    base = family(before.name)[0]
    unread = (log for log in _logs(seen) if log.condition in (Condition.UNREADABLE, Condition.TRUNCATED))
    return any(family(log.name)[0] == base for log in unread)
