"""The fields of an entry of a journal file: which data objects it refers to, and what these hold."""

from collections.abc import Container
from dataclasses import dataclass, field
from struct import Struct

from auditkit.logins.journals.file import DATA, LEAST, MOST_ITEMS, Data, Header
from auditkit.logins.journals.packed import MOST, MOST_PACKED, unpacked

REMEMBERED = 32768
"""Data objects whose value is remembered: an entry has most of its fields in common with the one before."""
SHORT = 256
"""Bytes of a value that is remembered."""
OBJECT = Struct("<BB6xQ")
"""Type, flags and size of an object."""
FLAGS = 7
Pair = tuple[bytes, bytes]


@dataclass(slots=True)
class Values:
    """Values of data objects by their offset."""

    data: Data
    top: Header
    wanted: Container[bytes] | None = None
    """Names of fields that are of use; all if None."""
    unreadable: int = 0
    """Fields that could not be read, counted for each entry that has them."""
    compact: bool = False
    before: int = 0
    """Bytes of a data object before what it holds."""
    _known: dict[int, Pair | None] = field(default_factory=dict)
    _items: dict[int, Struct] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.compact = self.top.compact
        self.before = LEAST[DATA] + 8 * self.compact

    def items(self, at: int, size: int) -> tuple[int, ...]:
        """Offsets of the data objects of an entry, in its order."""
        struct = self._items.get(size) or self._struct(size)
        found = struct.unpack_from(self.data, at + 64)
        return found if self.compact else found[::2]

    def pairs(self, items: tuple[int, ...]) -> list[Pair]:
        """Name and value of the wanted fields."""
        known, read = self._known, self._read
        return [pair for at in items if (pair := known[at] if at in known else read(at))]

    def value(self, at: int) -> bytes | None:
        """What a data object holds, `NAME=value`, cut behind MOST bytes; None if it is none or is damaged."""
        data, begin = self.data, at + self.before
        if at & 7 or not self.top.size <= at <= len(data) - self.before:
            return None
        kind, flags, size = OBJECT.unpack_from(data, at)
        if kind != DATA or not self.before <= size <= len(data) - at:
            return None
        if flags & FLAGS:
            return unpacked(bytes(data[begin : min(at + size, begin + MOST_PACKED)]), flags & FLAGS)
        return bytes(data[begin : at + size if size <= MOST else begin + MOST])

    def _struct(self, size: int) -> Struct:
        """How the items of an entry of this size lie."""
        count = min((size - 64) // (4 if self.compact else 16), MOST_ITEMS)
        made = self._items[size] = Struct(f"<{count}I" if self.compact else f"<{2 * count}Q")
        if len(self._items) > MOST_ITEMS:
            self._items.clear()
        return made

    def _read(self, at: int) -> Pair | None:
        """Read a field, and remember it if it is short: entries have most of their fields in common."""
        name, found, rest = (self.value(at) or b"").partition(b"=")
        if not found:
            self.unreadable += 1
            return None
        pair = (name, rest) if self.wanted is None or name in self.wanted else None
        if pair is None or (len(rest) <= SHORT and name != b"MESSAGE"):
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[at] = pair
        return pair
