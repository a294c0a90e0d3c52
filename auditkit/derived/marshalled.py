"""Whether two texts of marshalled code are of the same code: what marshal writes depends on who else held an object, too.

Format: Python/marshal.c of CPython 3.8 and later. Nothing is loaded: both are walked through, and compared.
"""

import struct
from collections.abc import Iterator

REFERENCE, MARKED = ord("r"), 0x80
LOCALS_IN_ONE = 3450
"""The magic number from which on code has one table of its variables, and one of exceptions."""
DEEPEST = 100
_FIXED = {**dict.fromkeys(b"0NFTS.", 0), **dict.fromkeys(b"i", 4), **dict.fromkeys(b"Ig", 8), **dict.fromkeys(b"y", 16)}
_NEVER_MARKED = frozenset(b"0NFTS.")
_TEXTS = frozenset(b"stuaA")
_SHORT = frozenset(b"zZf")
_GROUPS = frozenset(b"([<>")
Token = tuple[int, bytes | int]


def same_code(one: bytes, other: bytes, magic: bytes) -> bool:
    """Whether both are the same, but for which objects are marked as ones to be referred to."""
    number = int.from_bytes(magic[:2], "little")
    first, second = _Walk(one, number), _Walk(other, number)
    try:
        return all(a == b for a, b in zip(first.tokens(), second.tokens(), strict=True)) and first.ended and second.ended
    except (ValueError, IndexError, struct.error):
        return False


class _Walk:
    """One text that is gone through from its start; a reference is told as the number of the object that it means."""

    def __init__(self, data: bytes, magic: int) -> None:
        self._data, self._at = data, 0
        self._marked = list[int]()
        self._objects = 0
        self._numbers, self._more = (5, 2) if magic >= LOCALS_IN_ONE else (6, 1)

    @property
    def ended(self) -> bool:
        """Whether nothing follows."""
        return self._at == len(self._data)

    def tokens(self, depth: int = 0) -> Iterator[Token]:
        """Yield the parts of the object that is next.

        Raises:
            ValueError: it is none, or nested deeper than code is.
        """
        if depth > DEEPEST:
            raise ValueError
        kind = self._taken(1)[0]
        if kind & ~MARKED == REFERENCE:
            number = self._number()
            if number < 0:
                raise ValueError
            yield REFERENCE, self._marked[number]
            return
        if kind & MARKED:
            kind &= ~MARKED
            if kind in _NEVER_MARKED:  # CPython reads over the mark, and counts its references otherwise from there on
                raise ValueError
            self._marked.append(self._objects)
        self._objects += 1
        yield from self._object(kind, depth + 1)

    def _object(self, kind: int, depth: int) -> Iterator[Token]:
        if kind in _FIXED:
            yield kind, self._taken(_FIXED[kind])
        elif kind in _TEXTS:
            yield kind, self._taken(self._number())
        elif kind in _SHORT:
            yield kind, self._taken(self._taken(1)[0])
        elif kind == ord("l"):
            count = self._number()
            yield kind, count
            yield kind, self._taken(2 * abs(count))
        elif kind in _GROUPS or kind == ord(")"):
            count = self._taken(1)[0] if kind == ord(")") else self._number()
            yield kind, count
            for _ in range(count):
                yield from self.tokens(depth)
        elif kind == ord("c"):
            yield from self._code(depth)
        else:
            raise ValueError

    def _code(self, depth: int) -> Iterator[Token]:
        yield ord("c"), self._taken(4 * self._numbers)
        for _ in range(8):
            yield from self.tokens(depth)
        yield ord("c"), self._taken(4)
        for _ in range(self._more):
            yield from self.tokens(depth)

    def _number(self) -> int:
        number: int = struct.unpack("<i", self._taken(4))[0]
        return number

    def _taken(self, count: int) -> bytes:
        piece = self._data[self._at : self._at + count]
        if count < 0 or len(piece) != count:
            raise ValueError
        self._at += count
        return piece
