"""Bytes that come in pieces, taken by lines and by lengths."""

from collections.abc import Iterator
from dataclasses import dataclass

LONGEST = 1 << 20
"""Bytes of a line or value that are kept; of a longer one only the beginning counts."""


@dataclass(slots=True)
class Source:
    """Bytes that come in pieces, taken by lines and by lengths, in bounded memory."""

    pieces: Iterator[bytes]
    offset: int = 0
    """Bytes that were taken."""
    cut: bool = False
    """Whether it ended where something should have followed: the end of a line, the rest of a value."""
    _rest: bytes = b""
    _at: int = 0

    def line(self) -> bytes | None:
        """The next line without its end, cut behind LONGEST bytes; None at the end."""
        kept = b""
        while True:
            end = self._rest.find(b"\n", self._at)
            if end >= 0:
                return (kept + self._taken(end + 1 - self._at)[:-1])[:LONGEST]
            kept = (kept + self._taken(len(self._rest) - self._at))[: LONGEST + 1]
            if not self._more():
                self.cut |= bool(kept)
                return kept[:LONGEST] if kept else None

    def sized(self) -> bytes:
        """A value whose length stands before it, and the line end behind it."""
        length = int.from_bytes(self._bytes(8), "little")
        value = self._bytes(length)
        self._bytes(1)
        return value

    def _bytes(self, length: int) -> bytes:
        """So many bytes, of which LONGEST are kept."""
        kept = b""
        while length and (self._at < len(self._rest) or self._more()):
            taken = self._taken(min(length, len(self._rest) - self._at))
            length -= len(taken)
            kept += taken[: LONGEST - len(kept)]
        self.cut |= bool(length)
        return kept

    def _taken(self, length: int) -> bytes:
        taken = self._rest[self._at : self._at + length]
        self._at += length
        self.offset += length
        return taken

    def _more(self) -> bool:
        for piece in self.pieces:
            if piece:
                self._rest, self._at = piece, 0
                return True
        self._rest, self._at = b"", 0
        return False
