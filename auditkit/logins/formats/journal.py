"""systemd's binary journal files: those of a running machine, archived ones, and those that were set aside as damaged."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from auditkit.logins.journals import file, numbers
from auditkit.logins.journals.entries import WANTED, Teller, single
from auditkit.logins.journals.file import DATA, ENTRY_HEAD, OBJECT, Header, Walk
from auditkit.logins.journals.matches import matches
from auditkit.logins.journals.pulse import Pulse
from auditkit.logins.journals.values import Values
from auditkit.logins.nouns import Bytes, Event, Format, Log, Notes, Setting, What

SHORT = 80
"""Bytes of a field by which an entry can be of interest; longer ones are not looked at on the way."""
WATCHED = 100_000
"""Data objects that make an entry one of interest; in a file with more of them every entry is decoded."""
BOOTS = 4096
MICROSECOND = 1000


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
    reader = Reader(Walk(whole, top), Values(whole, top, WANTED), Teller(notes), notes)
    yield from reader.events()
    reader.done(log.name)


@dataclass(slots=True)
class Reader:
    """One journal file as it is read."""

    walk: Walk
    values: Values
    teller: Teller
    notes: Notes
    _watched: set[int] = field(default_factory=set)
    _boots: set[bytes] = field(default_factory=set)
    _incomplete: int = 0

    def events(self) -> Iterator[Event]:
        """Yield the events of all entries."""
        notes, data, walk, watched = self.notes, self.walk.data, self.walk, self._watched
        wanted = frozenset(f"{name}={value}".encode() for name, value in matches())
        at_value, pulse, count, boot = 72 if walk.top.compact else 64, Pulse(notes), numbers.Count(notes), b""
        line = 0
        for kind, at, size in walk.objects():
            if kind == DATA:
                if size < SHORT + at_value and self._of_interest(bytes(data[at + at_value : at + size]), at, wanted):
                    watched.add(at)
                continue
            line += 1
            number, time, monotonic, boot_now = ENTRY_HEAD.unpack_from(data, at + 16)
            time *= MICROSECOND
            pulse.beat(time, line, boot_now != boot)
            count.add(number, time)
            if boot_now != boot:
                yield from self._booted(boot_now, time, line, at)
                boot = boot_now
            items = self.values.items(at, size)
            if not watched.isdisjoint(items) or self._unsure(items):
                yield from self._told(items, time, line, at)
        notes.lines = line
        pulse.done()
        count.done(walk.top.numbering)

    def _of_interest(self, value: bytes, at: int, wanted: frozenset[bytes]) -> bool:
        """Whether an entry with this field can tell of logins; a packed one is unpacked to see."""
        if self.walk.data[at + 1]:
            return (self.values.value(at) or b"") in wanted
        return value in wanted

    def _unsure(self, items: tuple[int, ...]) -> bool:
        """Whether an entry may be of interest because of fields that were not walked past."""
        if len(self._watched) > WATCHED:
            return True
        return any(begin <= item < end for begin, end in self.walk.gaps for item in items)

    def _told(self, items: tuple[int, ...], time: int, line: int, at: int) -> Iterator[Event]:
        before = self.values.unreadable
        pairs = self.values.pairs(items)
        if self.values.unreadable > before:
            self._incomplete += 1
        event = self.teller.tell(single(pairs), time, line, at, self.walk.sure)
        if event is not None:
            yield event

    def _booted(self, boot: bytes, time: int, line: int, at: int) -> Iterator[Event]:
        """Yield that the machine was started, where a boot begins within the file."""
        if self._boots and boot not in self._boots and len(self._boots) < BOOTS:
            yield Event(What.BOOTED, time, self.notes.host, "journal", None, None, None, None, line=line, offset=at)
        if len(self._boots) < BOOTS:
            self._boots.add(boot)

    def done(self, name: str) -> None:
        """Say what the file shows besides its events."""
        self.teller.done()
        self.notes.malformed += self.walk.damaged + self._incomplete
        self.notes.remarks[:0] = [*_state(self.walk.top, name), *_list(self.walk), *self._fields()]
        self.notes.broken = _broken(self.walk)
        for begin, end in self.walk.gaps[:64]:
            if not bytes(self.walk.data[begin : min(end, begin + (1 << 20))]).strip(b"\0"):
                self.notes.nul_runs.append((begin, end - begin))

    def _fields(self) -> Iterator[str]:
        if self._incomplete:
            yield f"{self._incomplete} entries have fields that could not be read"


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
        yield f"{walk.unlisted} entries are not in its list of entries: journalctl does not show them"
    if walk.beyond and walk.top.state != file.ONLINE:
        yield f"its list of entries ends {walk.beyond} before the last one"
    if walk.entries > walk.top.entries and walk.top.state != file.ONLINE:
        yield f"it has {walk.entries} entries, and its header counts {walk.top.entries}"


def _broken(walk: Walk) -> str:
    top, there = walk.top, len(walk.data)
    counts = f"{walk.entries} of the {top.entries} entries that its header counts could be read"
    if there < top.size + top.arena:
        return f"it breaks off: {there} of its {top.size + top.arena} bytes are there, and {counts}"
    return counts if walk.entries < top.entries else ""


FORMAT = Format("journal", "systemd journal", "journal", recognises, read)
