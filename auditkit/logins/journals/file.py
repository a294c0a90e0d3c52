"""Journal files: the header, the objects behind it, and the list of entries (systemd.io/JOURNAL_FILE_FORMAT).

A file is a header and objects, one behind the other in the order in which they were written. It is read in that order, for
an entry never comes before what it refers to: so one pass does, in flat memory, and an entry that was taken out of the list
that journalctl follows is seen all the same. The list serves as a cross-check, and to go on behind a damaged part.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import NamedTuple

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
ENTRY_OBJECT = Struct("<B7xQQQQ16s")
ARRAY_HEAD = Struct("<Q")
LIKE_AN_ENTRY = re.compile(b"\x03\0\0\0\0\0\0\0", re.DOTALL)
MOST_ITEMS = 4096
"""Fields of an entry; journald takes 1024 of a client, and adds some 40."""
MOST_GAPS = 256
AT_ONCE = 4096
PIECE = 1 << 20
MOST_HOLDING = 100_000
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
    at, last = top.list_at, 0
    while at >= top.size and not at % 8 and at + LEAST[ENTRY_ARRAY] <= len(data):
        kind, size = OBJECT.unpack_from(data, at)
        if kind != ENTRY_ARRAY or size < LEAST[ENTRY_ARRAY]:
            return
        for offset in _array(data, at + LEAST[ENTRY_ARRAY], min(at + size, len(data)), top.compact):
            if offset <= last:
                break  # an array has zeros behind its last entry
            yield offset
            last = offset
        (following,) = ARRAY_HEAD.unpack_from(data, at + 16)
        at = following if following > at else 0


def _array(data: Data, begin: int, end: int, compact: bool) -> Iterator[int]:
    """Yield the numbers that lie between two places; a few thousand at once, for an array may be of any length."""
    width, wide = (4, "I") if compact else (8, "Q")
    for piece in range(begin, end, AT_ONCE * width):
        count = (min(piece + AT_ONCE * width, end) - piece) // width
        yield from Struct(f"<{count}{wide}").unpack_from(data, piece)


def holding(data: Data, top: Header, values: Iterable[bytes]) -> set[int]:
    """Offsets of the data objects that hold one of some short values `NAME=value`.

    They are searched for by what they hold: no chain that could be cut leads to them. One whose head is damaged counts.
    """
    wanted = frozenset(values)
    names = {value.partition(b"=")[0] + b"=" for value in wanted}
    longest, before = max(map(len, wanted), default=0), LEAST[DATA] + 8 * top.compact
    found: set[int] = set()
    for begin in range(top.size, len(data), PIECE):
        piece = bytes(data[begin : begin + PIECE + longest])
        for name in names:
            where = piece.find(name)
            while 0 <= where < PIECE and len(found) < MOST_HOLDING:
                at = begin + where - before
                if at >= top.size and not at % 8 and _holds(data, at, before, piece[where : where + longest], wanted):
                    found.add(at)
                where = piece.find(name, where + 1)
    return found


def _holds(data: Data, at: int, before: int, value: bytes, wanted: frozenset[bytes]) -> bool:
    kind, size = OBJECT.unpack_from(data, at)
    if kind == DATA and size > before:
        return value[: size - before] in wanted and size - before <= len(value)
    return any(value.startswith(one) for one in wanted)


class Found(NamedTuple):
    """An entry: where it lies, its size in bytes, its number, its time in microseconds since 1970, and its boot."""

    at: int
    size: int
    number: int
    time: int
    boot: bytes


@dataclass(slots=True)
class Walk:
    """One pass over the entries of a file, and what was in its way.

    It follows the list of entries; where a number is missing, where the list is damaged and where it ends, it goes from
    object to object instead, and where that ends, it searches for what looks like an entry.
    """

    data: Data
    top: Header
    gaps: list[tuple[int, int]] = field(default_factory=list)
    """Stretches that are no objects, from and to; the last one is stretched when there are MOST_GAPS of them."""
    entries: int = 0
    unlisted: int = 0
    """Entries between others of the list that the list leaves out: journalctl does not show them."""
    beyond: int = 0
    """Entries behind the last one of the list."""
    damaged: int = 0
    """Entries of the list that are none."""
    sure: bool = True
    """Whether the entry at hand stands where the file itself says that an object is, and not where one was searched for."""

    def entries_in_order(self) -> Iterator[Found]:
        """Yield the entries as they lie in the file."""
        data, last, longest, unpack = self.data, -1, len(self.data) - LEAST[ENTRY], ENTRY_OBJECT.unpack_from
        at = at_least = self.top.size + 7 & ~7
        for offset in listed(data, self.top):
            if not at_least <= offset <= longest or offset & 7:
                self.damaged += 1
                continue
            kind, size, number, time, _, boot = unpack(data, offset)
            if kind != ENTRY or not LEAST[ENTRY] <= size <= len(data) - offset:
                self.damaged += 1
                continue
            if number != last + 1:
                for found in self._between(at, offset):
                    self.unlisted += 1
                    yield found
                self.sure = True
            self.entries += 1
            yield Found(offset, size, number, time, boot)
            at, last = offset + size + 7 & ~7, number
        for found in self._between(at, len(data)):
            self.beyond += 1
            yield found

    def _between(self, at: int, end: int) -> Iterator[Found]:
        """Yield the entries between two places, from object to object."""
        data, self.sure = self.data, True
        while at + LEAST[UNUSED] <= end:
            kind, size = OBJECT.unpack_from(data, at)
            if kind > TAG or kind == UNUSED or size < LEAST[kind] or size > end - at:
                at = self._behind(at, end)
                continue
            if kind == ENTRY:
                self.entries += 1
                _, _, number, time, _, boot = ENTRY_OBJECT.unpack_from(data, at)
                yield Found(at, size, number, time, boot)
            at += size + 7 & ~7

    def _behind(self, at: int, end: int) -> int:
        """Where to go on behind what is no object: at the next thing that looks like an entry."""
        if at > self.top.tail and self.entries >= self.top.entries:
            return end  # what was set aside, and nothing was written to yet
        self.sure = False
        alike = (found.start() for found in LIKE_AN_ENTRY.finditer(self.data, at + 1, end))
        onward = next(filter(self._may_be_entry, alike), end)
        if onward == end and at > self.top.tail:
            return end
        if len(self.gaps) < MOST_GAPS:
            self.gaps.append((at, onward))
        else:
            self.gaps[-1] = self.gaps[-1][0], onward
        return onward

    def _may_be_entry(self, at: int) -> bool:
        if at % 8 or at + LEAST[ENTRY] > len(self.data):
            return False
        kind, size, number, time, _, _ = ENTRY_OBJECT.unpack_from(self.data, at)
        if kind != ENTRY or not LEAST[ENTRY] < size <= min(64 + 16 * MOST_ITEMS, len(self.data) - at):
            return False
        return bool(self.top.head_number <= number <= self.top.tail_number and time > 0)
