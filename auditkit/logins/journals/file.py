"""Journal files: the header, the objects behind it, and the list of entries (systemd.io/JOURNAL_FILE_FORMAT).

A file is a header and objects, one behind the other in the order in which they were written. It is read in that order, for
an entry never comes before what it refers to: so one pass does, in flat memory, and an entry that was taken out of the list
that journalctl follows is seen all the same. The list serves as a cross-check, and to go on behind a damaged part.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct

SIGNATURE = b"LPKSHHRH"
OFFLINE, ONLINE, ARCHIVED = range(3)
XZ, LZ4, KEYED, ZSTD, COMPACT = 1, 2, 4, 8, 16
"""Flags of the header that a reader must know; the other bits mean something newer."""
UNUSED, DATA, FIELD, ENTRY, DATA_HASH_TABLE, FIELD_HASH_TABLE, ENTRY_ARRAY, TAG = range(8)
LEAST = (16, 64, 40, 64, 16, 16, 24, 64)
"""Bytes that an object of each type has at least."""
SHORTEST, LONGEST = 208, 65536
"""Bytes of a header: 208 in systemd 183, 272 in 254."""
HEADER = Struct("<8sIIB7x16s16s16s16s15Q")
OBJECT = Struct("<B7xQ")
ENTRY_HEAD = Struct("<QQQ16s")
ARRAY_HEAD = Struct("<Q")
LIKE_AN_ENTRY = re.compile(b"\x03\0\0\0\0\0\0\0", re.DOTALL)
MOST_ITEMS = 4096
"""Fields of an entry; journald takes 1024 of a client, and adds some 40."""
MOST_GAPS = 256
AT_ONCE = 4096
NEVER = 1 << 64
Data = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself; times are microseconds since 1970."""

    flags: int
    state: int
    machine: str
    numbering: str
    """Identity of its sequence numbers: files that share it share one count."""
    size: int
    arena: int
    """Bytes behind the header."""
    tail: int
    """Offset of the last object."""
    entries: int
    head_number: int
    tail_number: int
    list_at: int
    """Offset of the first array of entries."""
    head_time: int
    tail_time: int

    @property
    def compact(self) -> bool:
        """Whether offsets in it are of 32 bits."""
        return bool(self.flags & COMPACT)


def header(data: Data) -> Header | None:
    """The header of a file; None if it has none that makes sense."""
    if len(data) < SHORTEST:
        return None
    (signature, _, flags, state, _, machine, _, numbering, size, arena, _, _, _, _, tail, _, entries, tail_number, head_number,
     list_at, head_time, tail_time, _) = HEADER.unpack_from(data)  # fmt: skip
    if signature != SIGNATURE or not SHORTEST <= size <= LONGEST:
        return None
    return Header(
        flags, state, machine.hex(), numbering.hex(), size, arena, tail, entries, head_number, tail_number, list_at,
        head_time, tail_time,
    )  # fmt: skip


def listed(data: Data, top: Header) -> Iterator[int]:
    """Yield the offsets of the entries that journalctl shows, ascending; ends where the list is damaged."""
    at, last, wide = top.list_at, 0, "I" if top.compact else "Q"
    width = 4 if top.compact else 8
    while at >= top.size and not at % 8 and at + LEAST[ENTRY_ARRAY] <= len(data):
        kind, size = OBJECT.unpack_from(data, at)
        if kind != ENTRY_ARRAY or size < LEAST[ENTRY_ARRAY]:
            return
        end = min(at + size, len(data))
        for begin in range(at + 24, end, AT_ONCE * width):
            count = (min(begin + AT_ONCE * width, end) - begin) // width
            for offset in Struct(f"<{count}{wide}").unpack_from(data, begin):
                if offset <= last:
                    return  # an array has zeros behind its last entry
                yield offset
                last = offset
        (following,) = ARRAY_HEAD.unpack_from(data, at + 16)
        at = following if following > at else 0


@dataclass(slots=True)
class Walk:
    """One pass over the objects of a file, and what was in its way."""

    data: Data
    top: Header
    gaps: list[tuple[int, int]] = field(default_factory=list)
    """Stretches that could not be walked, from and to; the last one is stretched when there are MOST_GAPS of them."""
    entries: int = 0
    unlisted: int = 0
    """Entries between others of the list that the list leaves out: journalctl does not show them."""
    beyond: int = 0
    """Entries behind the last one of the list."""
    damaged: int = 0
    """Entries of the list that are none."""
    sure: bool = True
    """Whether the entry at hand stands where the file itself says that an object is, and not where one was searched for."""
    _list: Iterator[int] = iter(())
    _next: int = 0
    """The entry that the list says is next; NEVER behind its end."""

    def objects(self) -> Iterator[tuple[int, int, int]]:
        """Yield type, offset and size of each DATA and ENTRY object."""
        data, at, end, unpack = self.data, self.top.size + 7 & ~7, len(self.data) - 16, OBJECT.unpack_from
        self._list = listed(data, self.top)
        self._next = next(self._list, NEVER)
        while at <= end:
            kind, size = unpack(data, at)
            if kind > TAG or kind == UNUSED or size < LEAST[kind] or size > end + 16 - at:
                yield from self._jumped_over(at)
                at = self._behind(at)
                continue
            if kind == ENTRY:
                if at != self._next:
                    yield from self._jumped_over(at)
                self._check(at)
                yield ENTRY, at, size
                self.sure = True
            elif kind == DATA:
                yield DATA, at, size
            at += size + 7 & ~7
        yield from self._jumped_over(len(data))

    def _check(self, at: int) -> None:
        """Count an entry, and whether the list has it."""
        self.entries += 1
        if at == self._next:
            self._next = next(self._list, NEVER)
        elif self._next == NEVER:
            self.beyond += 1
        else:
            self.unlisted += 1

    def _jumped_over(self, at: int) -> Iterator[tuple[int, int, int]]:
        """Yield the entries of the list before a place that walking came past: a size on the way was wrong."""
        while self._next < at:
            offset = self._next
            self._next = next(self._list, NEVER)
            if self._may_be_entry(offset):
                self.entries += 1
                self._note_gap(self.top.size, at)
                yield ENTRY, offset, OBJECT.unpack_from(self.data, offset)[1]
            else:
                self.damaged += 1

    def _behind(self, at: int) -> int:
        """Where to go on behind what is no object: at the next entry of the list, or at what looks like one."""
        if at > self.top.tail and self.entries >= self.top.entries and self._next == NEVER:
            return len(self.data)  # what was set aside, and nothing was written to yet
        while self._next != NEVER and (self._next <= at or not self._may_be_entry(self._next)):
            self.damaged += 1
            self._next = next(self._list, NEVER)
        found = self._next
        if found == NEVER:
            found = self._alike(at)
            self.sure = False
        self._note_gap(at, found)
        return found

    def _note_gap(self, begin: int, end: int) -> None:
        if not self.gaps or (len(self.gaps) < MOST_GAPS and begin >= self.gaps[-1][1]):
            self.gaps.append((begin, end))
        else:
            self.gaps[-1] = min(begin, self.gaps[-1][0]), max(end, self.gaps[-1][1])

    def _alike(self, at: int) -> int:
        for found in LIKE_AN_ENTRY.finditer(self.data, at + 1):
            if self._may_be_entry(found.start()):
                return found.start()
        return len(self.data)

    def _may_be_entry(self, at: int) -> bool:
        if at % 8 or at + LEAST[ENTRY] > len(self.data):
            return False
        kind, size = OBJECT.unpack_from(self.data, at)
        if kind != ENTRY or not LEAST[ENTRY] < size <= 64 + 16 * MOST_ITEMS or at + size > len(self.data):
            return False
        number, time, _, _ = ENTRY_HEAD.unpack_from(self.data, at + 16)
        return bool(self.top.head_number <= number <= max(self.top.tail_number, self.top.head_number)) and time > 0
