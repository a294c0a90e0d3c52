"""The chunks of an .evtx file as a reader of them can bear: without the lists that would lead it round in circles.

The head of a chunk has a table of names and one of templates; each entry is the beginning of a list within the chunk
(libevtx: Windows XML Event Log format, "event strings"). Readers follow them before they look at any record.
"""

from collections.abc import Iterable, Iterator
from struct import Struct

FILE_HEAD, CHUNK, HEAD = 4096, 65536, 512
SIGNATURE = b"ElfChnk\0"
TABLES = Struct("<96I")
"""64 names and 32 templates, behind 128 bytes of the head."""
TABLES_AT = 128
NEXT = Struct("<I")


class Chunks:
    """The bytes of an .evtx file as a file that is open for reading, with such lists cut off."""

    def __init__(self, data: bytes | memoryview) -> None:
        self.data = memoryview(data)
        self.at = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes, fewer at the end."""
        begin = self.at
        piece = self.data[begin : len(self.data) if size < 0 else begin + size]
        self.at += len(piece)
        changed = bytearray(piece)
        first = max(0, (begin - FILE_HEAD) // CHUNK)
        for chunk in range(FILE_HEAD + first * CHUNK, self.at, CHUNK):
            self._mend(changed, begin, chunk)
        return bytes(changed)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place, counted from the beginning, from here, or from the end."""
        self.at = max(0, offset + (0, self.at, len(self.data))[whence])
        return self.at

    def tell(self) -> int:
        """Where it is."""
        return self.at

    def _mend(self, piece: bytearray, begin: int, at: int) -> None:
        """Lay the tables of the chunk at a place over what was read from `begin` on."""
        chunk = self.data[at : at + CHUNK]
        if chunk[:8] != SIGNATURE or len(chunk) < HEAD:
            return
        sound = TABLES.pack(*_sound(chunk, TABLES.unpack_from(chunk, TABLES_AT)))
        low, high = max(begin, at + TABLES_AT), min(begin + len(piece), at + HEAD)
        if low < high:
            piece[low - begin : high - begin] = sound[low - at - TABLES_AT : high - at - TABLES_AT]


def _sound(chunk: memoryview, heads: Iterable[int]) -> Iterator[int]:
    """Yield where each list begins, or 0 if it does not end; an item begins with where the next one is, or with 0."""
    known: set[int] = {0}
    for head in heads:
        seen: set[int] = set()
        at = head
        while at not in known and at not in seen and HEAD <= at <= len(chunk) - NEXT.size:
            seen.add(at)
            (at,) = NEXT.unpack_from(chunk, at)
        if at in known:
            known |= seen
        yield head if at in known else 0
