"""Records of utmp(5) out of a stream of bytes, whichever machine wrote them, and what between them is no record.

A record is 384 bytes where time has 32 bits in it (x86-64, i386, arm, ppc64), 400 where it has 64 (aarch64, riscv64, s390x,
musl), and either order of bytes. The size of a file does not tell which: some have stray bytes, others were cut.
"""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from itertools import pairwise
from struct import Struct
from typing import Any, Final

from auditkit.logins.formats.records import LISTED, text
from auditkit.logins.nouns import Bytes, Notes

Fields = tuple[int, int, int, bytes, bytes, bytes, bytes, int, int, bytes]
"""Type, padding, pid, line, id, user, host, seconds, microseconds, address."""
TYPE: Final = 0
PADDING: Final = 1
LINE: Final = 3
USER: Final = 5
SECONDS: Final = 7
MICROSECONDS: Final = 8
SAMPLE = 64 * 1024
"""Bytes that the layout is chosen by."""
CANDIDATES = 1_000_000
"""Places that are looked at for the next record, in all of a file."""
EARLIEST, LATEST = 0x1E13_3800, 0x1_0000_0000
"""Seconds in which a record is found again among bytes that are none: 1986 to 2106."""
TYPES = range(1, 10)
AT = frozenset((0, *range(0x20, 0x7F)))
"""What a line begins with."""
NONZERO = re.compile(rb"[^\0]")


@dataclass(frozen=True, slots=True)
class Layout:
    """How one kind of machine lays out a record."""

    title: str
    fields: Struct
    head: re.Pattern[bytes]
    """What a record begins with: type and padding."""

    @property
    def size(self) -> int:
        """Bytes of a record."""
        return self.fields.size


LITTLE, BIG = re.compile(rb"[\1-\11]\0\0\0"), re.compile(rb"\0[\1-\11]\0\0")
LAYOUTS = (
    Layout("32-bit time", Struct("<hHi32s4s32s256s8xII16s20x"), LITTLE),
    Layout("64-bit time", Struct("<hHi32s4s32s256s12xqq16s24x"), LITTLE),
    Layout("32-bit time, big-endian", Struct(">hHi32s4s32s256s8xII16s20x"), BIG),
    Layout("64-bit time, big-endian", Struct(">hHi32s4s32s256s12xqq16s24x"), BIG),
    Layout("64-bit time of i386", Struct("<hHi32s4s32s256s8xqq16s20x"), LITTLE),
)


def chosen(sample: bytes) -> Layout | None:
    """The layout in which most of a sample are records that stand behind each other; None if it has none in any."""
    counted = [(*count(layout, sample), layout) for layout in LAYOUTS]
    _behind, records, layout = max(counted, key=lambda each: each[:2])
    return layout if records else None


def count(layout: Layout, sample: bytes) -> tuple[int, int]:
    """How many records of a layout stand directly behind another, and how many there are: other layouts see gaps."""
    places = [place for place, _fields in sound(layout, sample)]
    return sum(b - a == layout.size for a, b in pairwise(places)), len(places)


def sound(layout: Layout, sample: bytes) -> Iterator[tuple[int, Fields]]:
    """Yield what are records of a layout without doubt, wherever they begin, and where that is."""
    at = 0
    while at + layout.size <= len(sample):
        fields = unpacked(layout, sample, at)
        if certain(fields):
            yield at, fields
            at += layout.size
        else:
            found = layout.head.search(sample, at + 1)
            at = found.start() if found else len(sample)


def certain(fields: Fields) -> bool:
    """Whether bytes are a record wherever they stand."""
    line = text(fields[LINE])
    return (
        fields[TYPE] in TYPES
        and not fields[PADDING]
        and EARLIEST <= fields[SECONDS] < LATEST
        and 0 <= fields[MICROSECONDS] < 1_000_000
        and line.isascii()
        and (line.isprintable() or not line)
    )


class Records:
    """The records of a source: `each` yields number, offset and fields; what between them is none, the notes count."""

    def __init__(self, data: Bytes, notes: Notes) -> None:
        self.data = data
        self.notes = notes
        self.layout: Layout | None = None
        self._offset = 0
        """Bytes before the buffer."""
        self._looked = 0
        self._lost: int | None = None
        """Where the bytes began that are no record, while the next one is looked for."""
        self._stray = self._places = 0
        self._nul: tuple[int, int] = 0, 0
        """Begin and end of the last stretch of zeros."""

    def each(self) -> Iterator[tuple[int, int, Fields]]:
        """Yield them in order; a stretch of other bytes ends where two records follow each other again."""
        rest = b""
        for chunk in self.data.chunks():
            rest = rest + chunk if rest else bytes(chunk)
            if self.layout is None and len(rest) < SAMPLE:
                continue
            rest = yield from self._of(rest)
            if self.notes.broken:
                return
        self._ended((yield from self._of(rest)))

    def _of(self, rest: bytes) -> Generator[tuple[int, int, Fields], None, bytes]:
        """Yield the records of a buffer, and give back the bytes that are left of it."""
        at, layout = 0, self._chosen(rest)
        size = layout.size
        while len(rest) - at >= size and not self.notes.broken:
            if self._lost is not None:
                at = self._found(layout, rest, at)
                continue
            end = at + (len(rest) - at) // size * size
            for fields in layout.fields.iter_unpack(memoryview(rest)[at:end]):
                # written out: this is done a million times, and machines without a clock write of 1970
                if not (
                    0 < fields[0] < 10 and 0 <= fields[8] < 1_000_000 and 0 <= fields[7] < LATEST and fields[3][0] in AT
                ) and (not emptied(fields)):
                    at = self._odd(layout, rest, at)
                    break
                self.notes.lines += 1
                yield self.notes.lines, self._offset + at, fields
                at += size
        self._offset += at
        return rest[at:]

    def _chosen(self, rest: bytes) -> Layout:
        """The layout, as far as it can be told; zeros do not tell it."""
        beginning = NONZERO.search(rest)
        if self.layout is None and beginning:
            # a big-endian record begins with a zero
            self.layout = chosen(rest[max(0, beginning.start() - 1) :][:SAMPLE])
            if self.layout is None:
                self.notes.broken = f"no record of any machine is in the {len(rest):,} bytes from byte {self._offset:,}"
        return self.layout or LAYOUTS[0]

    def _odd(self, layout: Layout, rest: bytes, at: int) -> int:
        """Where to go on behind what can be no record: behind zeros that take the place of records, or to be searched."""
        found = NONZERO.search(rest, at)
        zeros = ((found.start() if found else len(rest)) - at) // layout.size * layout.size
        if not zeros:
            self._lost = self._offset + at
            return at
        self._zeroed(self._offset + at, zeros)
        self.notes.zeroed += zeros // layout.size
        return at + zeros

    def _zeroed(self, begin: int, length: int) -> None:
        runs = self.notes.nul_runs
        if self._nul[1] == begin and runs and runs[-1][0] == self._nul[0]:
            begin, length = runs[-1][0], runs.pop()[1] + length
        if len(runs) < LISTED:
            runs.append((begin, length))
        self._nul = begin, begin + length

    def _found(self, layout: Layout, rest: bytes, at: int) -> int:
        """Where the next record begins, or what of the buffer may be its beginning."""
        after = at + 1 if self._lost == self._offset + at else at
        while found := layout.head.search(rest, after):
            place = found.start()
            if place + layout.size > len(rest):
                return place
            self._looked += 1
            if self._looked > CANDIDATES:
                self.notes.broken = f"too much of it is no record: reading ends at byte {self._offset + place:,}"
                return place
            if certain(unpacked(layout, rest, place)) and follows(layout, rest, place + layout.size):
                self._skipped(layout, self._offset + place)
                return place
            after = place + 1
        return max(after, len(rest) - 3)

    def _skipped(self, layout: Layout, until: int) -> None:
        if self._lost is not None:
            skipped = until - self._lost
            self.notes.malformed += max(1, round(skipped / layout.size))
            self._stray += skipped
            self._places += 1
            self._lost = None

    def _ended(self, rest: bytes) -> None:
        """All was read, and these bytes are less than a record."""
        layout, end = self.layout or LAYOUTS[0], self._offset + len(rest)
        if self._lost is None and rest and not self.notes.broken:
            self._lost = self._offset
            if layout.head.match(rest):
                self.notes.broken = f"it breaks off in a record, {layout.size - len(rest)} bytes before its end"
        self._skipped(layout, end)
        if self._stray:
            self.notes.remarks.append(f"{self._stray:,} bytes in {self._places:,} places are no records")


def unpacked(layout: Layout, rest: bytes, at: int) -> Fields:
    """The fields of what may be a record."""
    fields: Fields = layout.fields.unpack_from(rest, at)
    return fields


def emptied(fields: Any) -> bool:
    """Whether a record says of itself that it is none, and still has what was in it: `last` passes over it."""
    return not fields[TYPE] and bool(fields[USER][0]) and certain((1, *fields[1:]))


def follows(layout: Layout, rest: bytes, at: int) -> bool:
    """Whether a record, zeros or the end of what is known comes there."""
    if at + layout.size > len(rest):
        return True
    fields = unpacked(layout, rest, at)
    return certain(fields) or not any(rest[at : at + layout.size])
