"""Packed logs, unpacked while they are read: gzip, xz, bzip2 and zstd, one member behind the other, and never without bounds.

Text of two bytes a character, as PowerShell redirects it, counts as packed too. All that can be unpacked is given before it is
said where the packing breaks off.
"""

import bz2
import codecs
import lzma
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Protocol

PIECE = 1 << 20
"""Bytes that are given at a time."""
MOST = 64 << 30
"""Bytes that one file may unpack to."""
FREE = 256 << 20
"""Bytes up to which nobody asks from how few they were unpacked."""
RATIO = 500
"""Bytes that one packed byte may stand for beyond that: logs come to 10, full of one attack to 100 and more."""
WINDOW = 128 << 20
"""Bytes that an unpacker may look back over."""
_SIP = 1 << 10
"""Packed bytes that go into the unpacker of zstd at a time: it gives all that they come to, up to 128 KiB for each four."""
_LONGEST_MAGIC = 6
BEGINNING = 16
"""Bytes that tell how a file is packed."""

MAGIC: Mapping[bytes, str] = {
    b"\x1f\x8b": "gz",
    b"\xfd7zXZ\0": "xz",
    b"BZh": "bz2",
    b"\x28\xb5\x2f\xfd": "zst",
    **{bytes((0x50 + number, 0x2A, 0x4D, 0x18)): "zst" for number in range(16)},  # a frame that is skipped may come first
}
"""How a packed file begins, and what it is packed by."""
UNKNOWN: Mapping[bytes, str] = {
    b"\x1f\x9d": "compress",
    b"\x04\x22\x4d\x18": "lz4",
    b"PK\x03\x04": "zip",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x89LZO\0": "lzop",
}
"""What is not unpacked here, by how it begins."""
WIDE = "utf-16"
MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
UNMARKED = re.compile(rb"(?:[\t\r\n\x20-\x7e]\0){8}")
"""How text of two bytes a character begins that has no mark."""
DEEPEST = 4
"""Packings in one another that are unpacked: a log that was packed twice, of two bytes a character."""
ENDINGS = {".gz": "gz", ".xz": "xz", ".bz2": "bz2", ".zst": "zst"}
"""What logrotate(8) calls them."""


class BrokenError(Exception):
    """The bytes end before they should; the text says where and why."""


def packed_by(name: str, beginning: bytes) -> str:
    """What a file is packed by, going by its first bytes; a name counts only for one too short to tell. Else nothing.

    Raises:
        BrokenError: it is packed by something that is not unpacked here.
    """
    for magic, other in UNKNOWN.items():
        if beginning.startswith(magic):
            raise BrokenError(f"it is packed by {other}, which is not unpacked here")
    by = next((by for magic, by in MAGIC.items() if beginning.startswith(magic)), "")
    if beginning.startswith(tuple(MARKS)) or UNMARKED.match(beginning):
        return WIDE
    if by or not 0 < len(beginning) < _LONGEST_MAGIC:
        return by
    named = next((by for ending, by in ENDINGS.items() if name.endswith(ending)), "")
    return named if any(by == named and magic.startswith(beginning) for magic, by in MAGIC.items()) else ""


def unpacked(pieces: Iterable[bytes], by: str, deep: int = DEEPEST) -> Iterator[bytes]:
    """Yield what packed pieces come to; what is packed once more inside is unpacked, too.

    Raises:
        BrokenError: it is cut, damaged, has something else behind its end, or unpacks to more than any log does.
    """
    inside = _Stream(_narrow(pieces) if by == WIDE else _members(pieces, by))
    within = packed_by("", inside.ahead(BEGINNING)) if deep > 1 else ""
    rest = iter(inside.next, b"")
    yield from unpacked(rest, within, deep - 1) if within else rest


def _narrow(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield text of two bytes a character as UTF-8; what is no character becomes U+FFFD."""
    stream = _Stream(pieces)
    mark = stream.ahead(2)
    decoder = codecs.getincrementaldecoder(MARKS.get(mark, "utf-16-le"))("replace")
    while piece := stream.next():
        yield from filter(None, [decoder.decode(piece).removeprefix("\ufeff").encode("utf-8", "replace")])
    yield from filter(None, [decoder.decode(b"", final=True).encode("utf-8", "replace")])


def _members(pieces: Iterable[bytes], by: str) -> Iterator[bytes]:
    """Yield what one member behind the other comes to."""
    stream, given, members = _Stream(pieces), 0, 0
    while stream.goes_on():
        if members and not stream.begins(by):
            raise BrokenError("behind the end of its packing there is something else, which was not read")
        members += 1
        for piece in _member(_UNPACKERS[by](), stream):
            given += len(piece)
            yield piece
            if given > MOST or (given > FREE and given > RATIO * stream.taken):
                raise BrokenError(f"it unpacks to more than {given >> 20} MiB from {stream.taken} bytes, which no log does")


class _Stream:
    """Packed bytes: those that were taken back stand before those that are still to come."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self.taken = 0
        self._pieces = iter(pieces)
        self._held = b""

    def next(self) -> bytes:
        """The next bytes, none at the end."""
        held, self._held = self._held or next(self._pieces, b""), b""
        self.taken += len(held)
        return held

    def back(self, unused: bytes) -> None:
        """Take back what was not used."""
        self._held = unused
        self.taken -= len(unused)

    def ahead(self, count: int) -> bytes:
        """The next bytes, so many if there are as many, without taking them."""
        while len(self._held) < count and (more := next(self._pieces, b"")):
            self._held += more
        return self._held[:count]

    def goes_on(self) -> bool:
        """Whether anything follows but zeros, which fill up the block of a tape."""
        while self.ahead(1) == b"\0":
            self._held = self._held.lstrip(b"\0")
        return bool(self._held)

    def begins(self, by: str) -> bool:
        """Whether a member follows."""
        return any(self.ahead(_LONGEST_MAGIC).startswith(magic) for magic, each in MAGIC.items() if each == by)


class _Unpacker(Protocol):
    """One member being unpacked."""

    eof: bool
    unused_data: bytes

    def decompress(self, data: bytes, most: int) -> bytes:
        """Take data in, and give no more than so many bytes of what it comes to; none where it wants more."""
        ...


def _member(unpacker: _Unpacker, stream: _Stream) -> Iterator[bytes]:
    """Yield what one member comes to."""
    data = b""
    while not unpacker.eof:
        try:
            piece = unpacker.decompress(data, PIECE)
        except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, MemoryError) as error:
            raise BrokenError(f"its packing is damaged {stream.taken} bytes from its beginning: {error}") from error
        data = b""
        if piece:
            yield piece
        elif not unpacker.eof:
            data = stream.next()
            if not data:
                raise BrokenError("its packing breaks off: the rest is missing")
    stream.back(unpacker.unused_data)


class _Gz:
    """gzip, RFC 1952."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(31)

    @property
    def eof(self) -> bool:
        """Whether the packed data has come to its end."""
        return self._zlib.eof

    @property
    def unused_data(self) -> bytes:
        """What came behind that end."""
        return self._zlib.unused_data

    def decompress(self, data: bytes, most: int) -> bytes:
        """What comes of these bytes."""
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, most)


class _Zst:
    """zstd, RFC 8878."""

    def __init__(self) -> None:
        import zstandard  # noqa: PLC0415 - few logs are packed by it

        self._error = zstandard.ZstdError
        self._zstd: Any = zstandard.ZstdDecompressor(max_window_size=WINDOW).decompressobj()
        self._rest = memoryview(b"")

    @property
    def eof(self) -> bool:
        """Whether the packed data has come to its end."""
        return bool(self._zstd.eof)

    @property
    def unused_data(self) -> bytes:
        """What came behind that end."""
        return bytes(self._zstd.unused_data) + bytes(self._rest)

    def decompress(self, data: bytes, _most: int) -> bytes:
        """What comes of these bytes."""
        rest = memoryview(bytes(self._rest) + data) if data else self._rest
        piece = b""
        try:
            while rest and not piece and not self._zstd.eof:
                piece = self._zstd.decompress(bytes(rest[:_SIP]))
                rest = rest[_SIP:]
        except self._error as error:
            raise ValueError(str(error)) from error
        finally:
            self._rest = rest
        return piece


_UNPACKERS: Mapping[str, Callable[[], Any]] = {
    "gz": _Gz,
    "xz": lambda: lzma.LZMADecompressor(memlimit=2 * WINDOW),
    "bz2": bz2.BZ2Decompressor,
    "zst": _Zst,
}
