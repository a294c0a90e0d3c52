"""systemd's binary journal files: those of a running machine, archived ones, and those that were set aside as damaged."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from auditkit.logins.journals import file, numbers
from auditkit.logins.journals.entries import WANTED, Teller, single
from auditkit.logins.journals.file import Header, Walk
from auditkit.logins.journals.hashes import Hashes
from auditkit.logins.journals.matches import matches
from auditkit.logins.journals.pulse import Pulse
from auditkit.logins.journals.values import Values
from auditkit.logins.nouns import Bytes, Event, Format, Log, Notes, Setting, What

BOOTS = 4096
ZEROS = re.compile(rb"\0{512,}")
NUL_RUNS, LOOKED_AT = 64, 1 << 20
MICROSECOND = 1000
COUNTED = frozenset(
    (What.FAILED, What.INVALID_USER, What.CLOSED, What.SCANNED, What.REFUSED, What.CONNECTED, What.NOISE, What.EXCEEDED)
)
"""Events that a forger of successes has no use for, and that there are most of."""


def recognises(name: str, beginning: bytes) -> bool:
    """By its signature."""
    return beginning.startswith(file.SIGNATURE)


def read(log: Log, data: Bytes, setting: Setting, notes: Notes) -> Iterator[Event]:
    """Yield what the entries of a journal tell, in the order in which they lie in the file."""
    whole = data.whole()
    top = file.header(whole)
    if top is None:
        notes.broken = "its header is damaged"
        return
    if newer := top.flags & ~(file.XZ | file.LZ4 | file.KEYED | file.ZSTD | file.COMPACT):
        notes.broken = f"it is of a newer format than is known here (flags {newer:#x})"
        return
    values = Values(whole, top, WANTED)
    reader = Reader(Walk(whole, top), values, Teller(notes), notes, Hashes(values))
    yield from reader.events()
    reader.done(log.name)


@dataclass(slots=True)
class Reader:
    """One journal file as it is read."""

    walk: Walk
    values: Values
    teller: Teller
    notes: Notes
    hashes: Hashes
    _boots: set[bytes] = field(default_factory=set)
    _incomplete: int = 0
    _changed: list[int] = field(default_factory=list)
    """Numbers of entries with a field that is not what its hash says."""
    _left: int = 50_000
    _left_counted: int = 2_000
    """Events that are still held against their hashes: those that matter by themselves, and those that are only counted."""

    def events(self) -> Iterator[Event]:
        """Yield the events of all entries."""
        notes, data, walk, items_of = self.notes, self.walk.data, self.walk, self.values.items
        of_interest = file.holding(data, walk.top, (f"{name}={value}".encode() for name, value in matches()))
        if len(of_interest) >= file.MOST_HOLDING:
            notes.smells("it has so many fields of the same value that journald cannot have written it")
        pulse, count, boot, line = Pulse(notes), numbers.Count(notes), b"", 0
        beat, add, of_none = pulse.beat, count.add, of_interest.isdisjoint
        for line, (at, size, number, time, boot_now) in enumerate(walk.entries_in_order(), 1):
            time *= MICROSECOND  # noqa: PLW2901
            beat(time, line, boot_now != boot)
            add(number, time)
            if boot_now != boot:
                yield from self._booted(boot_now, time, line, at)
                boot = boot_now
            items = items_of(at, size)
            if not of_none(items):
                yield from self._told(items, time, line, at)
        notes.lines = line
        pulse.done()
        count.done(walk.top.numbering)

    def _told(self, items: tuple[int, ...], time: int, line: int, at: int) -> Iterator[Event]:
        before = self.values.unreadable
        pairs = self.values.pairs(items)
        if self.values.unreadable > before:
            self._incomplete += 1
        event = self.teller.tell(single(pairs), time, line, at, self.walk.sure)
        if event is not None:
            yield self._checked(event, items)

    def _checked(self, event: Event, items: tuple[int, ...]) -> Event:
        """The event, trusted only if its fields are what their hashes say; of what is only counted, some are looked at."""
        counted = event.what in COUNTED
        left = self._left_counted if counted else self._left
        if not left:
            return event
        if counted:
            self._left_counted -= 1
        else:
            self._left -= 1
        if self.hashes.agree(items):
            return event
        self._changed.append(event.line)
        return event._replace(forged=event.forged or None)

    def _booted(self, boot: bytes, time: int, line: int, at: int) -> Iterator[Event]:
        """Yield that the machine was started, where a boot begins within the file."""
        if self._boots and boot not in self._boots and len(self._boots) < BOOTS:
            yield Event(What.BOOTED, time, self.notes.host, "journal", None, None, None, None, line=line, offset=at)
        if len(self._boots) < BOOTS:
            self._boots.add(boot)

    def done(self, name: str) -> None:
        """Say what the file shows besides its events."""
        self.teller.done()
        self.notes.malformed += self.walk.damaged + self._incomplete + len(self._changed)
        odd = [*_list(self.walk), *self._changes()]
        self.notes.remarks[:0] = [*_state(self.walk.top, name), *odd, *self._fields()]
        self.notes.odd += odd
        self.notes.broken = _broken(self.walk)
        self.notes.nul_runs = list(islice(_zeros(self.walk), NUL_RUNS))

    def _fields(self) -> Iterator[str]:
        if self._incomplete:
            yield f"{_entries(self._incomplete)} with fields that could not be read"

    def _changes(self) -> Iterator[str]:
        if self._changed:
            count, first = _entries(len(self._changed)), self._changed[0]
            yield f"{count} with bytes that were changed in place, or are damaged: number {first} is the first"


def _state(top: Header, name: str) -> Iterator[str]:
    if top.state == file.ONLINE:
        yield "it was not closed: it is written to, or the machine stopped at once"
    elif top.state not in (file.OFFLINE, file.ARCHIVED):
        yield f"its header has a state that there is none of: {top.state}"
    if name.endswith("~"):
        yield "journald set it aside: it found it damaged, or not closed"


def _list(walk: Walk) -> Iterator[str]:
    """Yield what the list of entries and the entries themselves say of each other."""
    if walk.unlisted:
        yield f"{_entries(walk.unlisted)} that its list of entries leaves out, so that journalctl does not show it"
    if walk.beyond and walk.top.state != file.ONLINE:
        yield f"{_entries(walk.beyond)} behind the end of its list of entries"
    if walk.entries > walk.top.entries and walk.top.state != file.ONLINE:
        yield f"{_entries(walk.entries)}, where its header counts {walk.top.entries}"


def _entries(count: int) -> str:
    return f"{count} entry" if count == 1 else f"{count} entries"


def _zeros(walk: Walk) -> Iterator[tuple[int, int]]:
    """Yield offset and length of zero bytes where there should be objects."""
    for begin, end in walk.gaps:
        for zeros in ZEROS.finditer(bytes(walk.data[begin : min(end, begin + LOOKED_AT)])):
            yield begin + zeros.start(), zeros.end() - zeros.start()


def _broken(walk: Walk) -> str:
    top, there = walk.top, len(walk.data)
    counts = f"{walk.entries} of the {top.entries} entries that its header counts could be read"
    if there < top.size + top.arena:
        return f"it breaks off: {there} of its {top.size + top.arena} bytes are there, and {counts}"
    return counts if walk.entries < top.entries else ""


FORMAT = Format("journal", "systemd journal", "journal", recognises, read)
