"""Compressed streams, unpacked piece by piece and only so far: what a vendor's lists and packages are compressed with."""

import bz2
import ctypes
import lzma
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Protocol

import zstandard

from auditkit.errors import AuditkitError, FormatError

CHUNK = 1 << 16
"""How much of a compressed stream is read at once."""
PIECE = 1 << 18
"""The most that is unpacked at once."""
WINDOW = 1 << 27
"""The largest window that a stream may ask memory for: `xz -9` and `zstd -19` ask for half of it."""
STEP = 1 << 8
"""How much of zstd is unpacked at once, since there is no other way to bound what it makes."""
LZ4_VERSION = 100


class Source(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes, none at the end."""


class Unpacker(Protocol):
    """What the decompressors of the standard library have in common."""

    @property
    def eof(self) -> bool:
        """Whether the stream has ended."""

    @property
    def needs_input(self) -> bool:
        """Whether it makes nothing more of what it was given."""

    @property
    def unused_data(self) -> bytes:
        """What was given beyond the end of the stream."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most `max_length` bytes of what `data` makes."""


class Unpacked:
    """A compressed stream to be read unpacked; one that becomes larger than `most` is refused."""

    def __init__(self, source: Source, suffix: str, most: int) -> None:
        self._pieces = pieces(source, suffix, most)
        self._held = b""
        self._at = 0

    def read(self, size: int, /) -> bytes:
        """The next `size` bytes; fewer only at the end.

        Raises:
            FormatError: it is damaged, or too large.
        """
        held, self._at = self._held[self._at : self._at + size], self._at + size
        if len(held) == size:
            return held
        parts, missing = [held], size - len(held)
        self._held, self._at = b"", 0
        for piece in self._pieces:
            parts.append(piece[:missing])
            if len(piece) >= missing:
                self._held, self._at = piece, missing
                break
            missing -= len(piece)
        return b"".join(parts)


def pieces(source: Source, suffix: str, most: int) -> Iterator[bytes]:
    """Yield a stream unpacked; `suffix` says how it is packed: `.xz`, `.gz`, `.zst`, `.bz2`, `.lzma`, `.lz4`, or nothing.

    Raises:
        FormatError: it is damaged, cut off, larger than `most`, or packed in a way that is not known.
        AuditkitError: what unpacks it is not here.
    """
    if suffix not in _UNPACK:
        raise FormatError(f"a file is packed as {suffix!r}, which is not known", "see whether it is what it should be")
    total = 0
    try:
        for piece in _UNPACK[suffix](source):
            total += len(piece)
            if total > most:
                raise _damaged(suffix, f"is larger than {most} bytes unpacked")
            yield piece
    except (zlib.error, lzma.LZMAError, EOFError, ValueError) as error:
        raise _damaged(suffix, "is damaged") from error
    except OSError as error:
        if error.errno is not None:  # bz2 says so of damage, without a number
            raise
        raise _damaged(suffix, "is damaged") from error


def _damaged(suffix: str, how: str) -> FormatError:
    return FormatError(f"a file packed as {suffix.lstrip('.') or 'plain text'} {how}", "take it from a good copy")


def _plain(source: Source) -> Iterator[bytes]:
    while data := source.read(PIECE):
        yield data


def _by(new: Callable[[], Unpacker]) -> Callable[[Source], Iterator[bytes]]:
    def unpack(source: Source) -> Iterator[bytes]:
        data = source.read(CHUNK)
        while data:  # one stream may follow the other
            unpacker, ended = new(), False
            while not ended:
                if piece := unpacker.decompress(data, PIECE):
                    yield piece
                data, ended = b"", unpacker.eof
                if not ended and unpacker.needs_input and not (data := source.read(CHUNK)):
                    raise EOFError
            data = unpacker.unused_data.lstrip(b"\0") or source.read(CHUNK).lstrip(b"\0")

    return unpack


class _Gzip:
    """zlib's decompressor with the manners of the others."""

    def __init__(self) -> None:
        self._unpacker = zlib.decompressobj(31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        """Whether the packed data has come to its end."""
        return self._unpacker.eof

    @property
    def unused_data(self) -> bytes:
        """What came behind that end."""
        return self._unpacker.unused_data

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most so many bytes of what comes of these."""
        piece = self._unpacker.decompress(self._unpacker.unconsumed_tail + data, max_length)
        self.needs_input = not self._unpacker.unconsumed_tail and len(piece) < max_length
        return piece


class _Zstd:
    """zstandard's decompressor with the manners of the others; its own reader takes a file that is cut off for whole."""

    def __init__(self) -> None:
        self._unpacker = zstandard.ZstdDecompressor(max_window_size=WINDOW).decompressobj()
        self._tail = memoryview(b"")

    @property
    def eof(self) -> bool:
        """Whether the packed data has come to its end."""
        return self._unpacker.eof

    @property
    def needs_input(self) -> bool:
        """Whether more packed data is needed for more to come of it."""
        return not self._tail

    @property
    def unused_data(self) -> bytes:
        """What came behind that end."""
        return self._unpacker.unused_data + self._tail

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """All that the next step makes: at most 128 KiB for each 4 bytes of it, whatever `max_length` is."""
        tail = memoryview(data) if data else self._tail
        self._tail = tail[STEP:]
        try:
            return self._unpacker.decompress(tail[:STEP])
        except zstandard.ZstdError as error:
            raise ValueError from error


class _Lz4:
    """A frame of lz4, which is how apt keeps its lists on small systems, by the library that apt has it from."""

    def __init__(self) -> None:
        self._library = _liblz4()
        self._context = ctypes.c_void_p()
        self.eof, self.needs_input, self.unused_data = False, True, b""
        if self._library.LZ4F_createDecompressionContext(ctypes.byref(self._context), LZ4_VERSION):
            raise MemoryError
        self._room = ctypes.create_string_buffer(PIECE)
        self._tail = b""

    def __del__(self) -> None:
        if self._context.value:
            self._library.LZ4F_freeDecompressionContext(self._context)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """At most so many bytes of what comes of these."""
        data = self._tail + data
        made, used = ctypes.c_size_t(min(max_length, PIECE)), ctypes.c_size_t(len(data))
        left = self._library.LZ4F_decompress(self._context, self._room, ctypes.byref(made), data, ctypes.byref(used), None)
        if self._library.LZ4F_isError(left):
            raise ValueError
        self._tail = data[used.value :]
        self.eof = left == 0
        if self.eof:
            self.unused_data, self._tail = self._tail, b""
        self.needs_input = not self._tail and made.value < max_length
        return self._room.raw[: made.value]


@cache
def _liblz4() -> Any:
    try:
        library = ctypes.CDLL("liblz4.so.1")
    except OSError as error:
        raise AuditkitError("a list of packages is packed as lz4, and nothing here unpacks that", "install liblz4") from error
    for name in ("LZ4F_createDecompressionContext", "LZ4F_decompress", "LZ4F_freeDecompressionContext"):
        getattr(library, name).restype = ctypes.c_size_t
    library.LZ4F_isError.argtypes = [ctypes.c_size_t]
    library.LZ4F_freeDecompressionContext.argtypes = [ctypes.c_void_p]
    return library


def _xz() -> Unpacker:
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=2 * WINDOW)


def _lzma() -> Unpacker:
    return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=2 * WINDOW)


_UNPACK: dict[str, Callable[[Source], Iterator[bytes]]] = {
    "": _plain,
    ".gz": _by(_Gzip),
    ".xz": _by(_xz),
    ".lzma": _by(_lzma),
    ".bz2": _by(bz2.BZ2Decompressor),
    ".zst": _by(_Zstd),
    ".lz4": _by(_Lz4),
}
