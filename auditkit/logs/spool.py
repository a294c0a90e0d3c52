"""Pieces of logs that came over a network or out of evidence, kept packed in a file of ours without a name.

Such a file is gone with whoever has it open, however that one ends.
"""

import mmap
import os
import tempfile
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import IO

from auditkit.logs.files import MAPPED
from auditkit.logs.packing import BEGINNING, PIECE, BrokenError, packed_by, unpacked

KEPT = 8 << 30
"""Bytes that all logs of a host may come to, as they are kept."""
HELD = 16 << 20
"""Bytes that are held in memory where all of it is wanted at once."""
LONGER = f"it is longer than the {MAPPED >> 30} GiB that are looked at"
_FAST = 1


class Spool:
    """The bytes of one log, which may have holes, in a file that several share; `add` its pieces in their order."""

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self.packed = ""
        self.size = 0
        """Bytes that it has by now."""
        self.lost = ""
        """Why the rest of it did not come."""
        self.broke = ""
        self.grew = self.given = 0
        self.seen: Callable[[int], object] = id
        self._name = name
        self._file = file
        self._pieces: list[tuple[int, int, int]] = []
        """Of each piece where it belongs, where it lies in our file, and how long it is there."""

    def add(self, at: int, data: bytes) -> None:
        """Take the next piece, which belongs there.

        Raises:
            BrokenError: it is packed by what is not unpacked here, or there is no room for it.
        """
        if not self._pieces:
            self.packed = packed_by(self._name, data[:BEGINNING]) if not at else ""
        kept = data if self.packed else zlib.compress(data, _FAST)
        start = os.lseek(self._file.fileno(), 0, os.SEEK_END)
        if start + len(kept) > KEPT:
            raise BrokenError(f"more than {KEPT >> 30} GiB of logs came, packed, and no more are kept")
        view = memoryview(kept)
        try:
            while view:
                view = view[os.write(self._file.fileno(), view) :]
        except OSError as error:
            raise BrokenError(f"it cannot be kept here while it is read: {error.strerror}") from error
        self._pieces.append((at, start, len(kept)))
        self.size = at + len(data)

    def chunks(self) -> Iterator[bytes]:
        """Yield the unpacked bytes from the beginning; where they end too early, `broke` says why."""
        self.broke, self.given, given = self.lost, 0, 0
        try:
            for piece in unpacked(self._raw(), self.packed) if self.packed else self._raw():
                given += len(piece)
                self.given = given  # no sum, as in files.File
                yield piece
        except BrokenError as error:
            self.broke = self.lost or str(error)

    def picked(self, offsets: Sequence[int], most: int) -> Iterator[tuple[int, bytes]] | None:
        """Yield up to so many bytes from each of these offsets on; None where it is packed."""
        return None if self.packed else self._picked(offsets, most)

    def _picked(self, offsets: Sequence[int], most: int) -> Iterator[tuple[int, bytes]]:
        begins, number, data = [at for at, _start, _length in self._pieces], -1, b""
        for offset in offsets:
            if (wanted := bisect_right(begins, offset) - 1) != number and wanted >= 0:
                number, data = wanted, self._piece(wanted)
            found = data[offset - begins[number] :][:most] if wanted >= 0 else b""
            if found and len(found) < most and number + 1 < len(begins) and begins[number + 1] == begins[number] + len(data):
                found += self._piece(number + 1)[: most - len(found)]
            yield offset, found

    def _piece(self, number: int) -> bytes:
        _at, start, length = self._pieces[number]
        return zlib.decompress(os.pread(self._file.fileno(), length, start))

    def whole(self) -> bytes | memoryview:
        """All bytes at once: held if they are few, else mapped."""
        if self.size <= HELD and not self.packed:
            return b"".join(self.chunks())
        self.broke = self.lost
        with tempfile.TemporaryFile(prefix="auditkit-") as file:
            size = self.given = self._laid(file)
            return memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)) if size else b""

    def _laid(self, file: IO[bytes]) -> int:
        """Lay all of it out in a file, with its holes; gives how long that is."""
        if self.packed:
            for piece in self.chunks():
                file.write(piece)
                if file.tell() > MAPPED:
                    self.broke = LONGER
                    break
            file.flush()
            return min(file.tell(), MAPPED)
        for at, data in self._placed():
            if at + len(data) > MAPPED:
                self.broke = LONGER
                break
            file.seek(at)
            file.write(data)
        size = min(self.size, MAPPED)
        file.truncate(size)
        return size

    def _placed(self) -> Iterator[tuple[int, bytes]]:
        for at, start, length in self._pieces:
            data = os.pread(self._file.fileno(), length, start)
            self.seen(len(data))
            yield at, data if self.packed else zlib.decompress(data)

    def _raw(self) -> Iterator[bytes]:
        """Yield the pieces with zeros in the holes."""
        done = 0
        for at, data in self._placed():
            if at > max(done, MAPPED):
                raise BrokenError(LONGER)
            for start in range(done, at, PIECE):
                yield bytes(min(PIECE, at - start))
            if data:
                yield data
            done = at + len(data)
