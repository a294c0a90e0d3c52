"""Files as they unpack, piece by piece and only so far: what package systems pack their lists and changelogs with.

lz4 and zstd, with which apt keeps its lists, are not in the standard library: they come from the library that apt itself
has them from. Where that is missing, the file is not read, and that is said.
"""

import errno
import os
import zlib

from . import inside
from .hints import Any, Callable, Dict, Iterator

PIECE = 1 << 20
"""Bytes of the file that are read at once, and of what it unpacks to."""
DAMAGED = "it is damaged, or cut off"
MEMORY = 256 << 20
"""Bytes that unpacking may take: `xz -9` asks for a quarter of it."""
_LZ4_VERSION = 100
_ROOM = 4 << 20

Read = Callable[[], bytes]
"""Gives the next bytes of a file, none at its end."""
Unpack = Callable[[Read], Iterator[bytes]]


def pieces(handle: int, name: bytes, most: int) -> Iterator[bytes]:
    """Yield what a file unpacks to, by the ending of its name.

    Raises:
        OSError: it is damaged, larger than `most` bytes, or nothing here unpacks it.
    """
    unpack = next((how for end, how in _UNPACK.items() if name.endswith(end)), _plain)
    read, left = (lambda: inside.some(handle, PIECE)), most
    for piece in unpack(read):
        left -= len(piece)
        if left < 0:
            raise OSError(errno.EFBIG, "longer than %d bytes" % most)
        yield piece


def _damaged() -> OSError:
    return OSError(errno.EBADMSG, DAMAGED)


def _plain(read: Read) -> Iterator[bytes]:
    return iter(read, b"")


def _by(new: Callable[[], Any], errors: Any) -> Unpack:
    """How streams are unpacked with a decompressor of the standard library; one stream may follow the other."""

    def unpack(read: Read) -> Iterator[bytes]:
        data = read()
        if not data:
            raise _damaged()
        while data:
            engine = new()
            while not engine.eof:
                try:
                    piece = engine.decompress(data, PIECE)
                except errors as error:
                    raise _damaged() from error
                if piece:
                    yield piece
                data = b"" if engine.eof or not engine.needs_input else read()
                if not data and not engine.eof and engine.needs_input:
                    raise _damaged()
            data = engine.unused_data.lstrip(b"\0") or read().lstrip(b"\0")

    return unpack


class _Gzip:
    """zlib's decompressor with the manners of the others."""

    def __init__(self) -> None:
        self.engine = zlib.decompressobj(31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        """Whether the packed data has come to its end."""
        return self.engine.eof

    @property
    def unused_data(self) -> bytes:
        """What came behind that end."""
        return self.engine.unused_data

    def decompress(self, data: bytes, most: int) -> bytes:
        """At most so many bytes of what comes of these."""
        piece = self.engine.decompress(self.engine.unconsumed_tail + data, most)
        self.needs_input = not self.engine.unconsumed_tail and len(piece) < most
        return piece


def _gzip(read: Read) -> Iterator[bytes]:
    return _by(_Gzip, zlib.error)(read)


def _xz(read: Read) -> Iterator[bytes]:
    lzma = _lzma_module()
    return _by(lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, MEMORY), lzma.LZMAError)(read)


def _lzma(read: Read) -> Iterator[bytes]:
    lzma = _lzma_module()
    return _by(lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, MEMORY), lzma.LZMAError)(read)


def _lzma_module() -> Any:
    try:
        import lzma  # noqa: PLC0415 - few hosts have lists packed so, and few a Python without it
    except ImportError:
        raise _nothing("liblzma") from None
    return lzma


def _bz2(read: Read) -> Iterator[bytes]:
    try:
        import bz2  # noqa: PLC0415
    except ImportError:
        raise _nothing("libbz2") from None
    return _by(bz2.BZ2Decompressor, (OSError, ValueError))(read)


def _nothing(library: str) -> OSError:
    return OSError(errno.ENOPKG, "nothing here unpacks it: %s is not there" % library)


def _library(name: str, *functions: str) -> Any:
    """A library of this machine; what its functions give are sizes, or errors as sizes."""
    try:
        import ctypes  # noqa: PLC0415 - only for who has such lists

        library = ctypes.CDLL(name)
    except (ImportError, OSError):
        raise _nothing(name) from None
    for function in functions:
        getattr(library, function).restype = ctypes.c_size_t
    return library


def _lz4(read: Read) -> Iterator[bytes]:
    library = _library("liblz4.so.1", "LZ4F_createDecompressionContext", "LZ4F_decompress")
    import ctypes  # noqa: PLC0415

    library.LZ4F_isError.argtypes = library.LZ4F_freeDecompressionContext.argtypes = [ctypes.c_size_t]
    library.LZ4F_freeDecompressionContext.argtypes = [ctypes.c_void_p]
    context, room = ctypes.c_void_p(), ctypes.create_string_buffer(_ROOM)
    if library.LZ4F_createDecompressionContext(ctypes.byref(context), _LZ4_VERSION):
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
    try:
        left, data = 1, read()
        while data:
            made, used = ctypes.c_size_t(_ROOM), ctypes.c_size_t(len(data))
            left = library.LZ4F_decompress(context, room, ctypes.byref(made), data, ctypes.byref(used), None)
            if library.LZ4F_isError(left) or not (made.value or used.value):
                raise _damaged()
            yield ctypes.string_at(room, made.value)
            data = data[used.value :] or (b"" if made.value == _ROOM else read()) or (b"" if left == 0 else read())
        if left:
            raise _damaged()
    finally:
        library.LZ4F_freeDecompressionContext(context)


def _zstd(read: Read) -> Iterator[bytes]:
    library = _library("libzstd.so.1", "ZSTD_decompressStream")
    import ctypes  # noqa: PLC0415

    class Buffer(ctypes.Structure):
        """ZSTD_inBuffer, and ZSTD_outBuffer, which has the same fields."""

        _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t), ("at", ctypes.c_size_t)]

    library.ZSTD_createDStream.restype = ctypes.c_void_p
    library.ZSTD_freeDStream.argtypes = [ctypes.c_void_p]
    library.ZSTD_decompressStream.argtypes = [ctypes.c_void_p, ctypes.POINTER(Buffer), ctypes.POINTER(Buffer)]
    library.ZSTD_isError.argtypes = [ctypes.c_size_t]
    stream, room = library.ZSTD_createDStream(), ctypes.create_string_buffer(_ROOM)
    try:
        left = 1
        for data in iter(read, b""):
            given = Buffer(ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p), len(data), 0)
            full = False
            while full or given.at < given.size:
                made = Buffer(ctypes.cast(room, ctypes.c_void_p), _ROOM, 0)
                left = library.ZSTD_decompressStream(stream, ctypes.byref(made), ctypes.byref(given))
                if library.ZSTD_isError(left):
                    raise _damaged()
                full = made.at == _ROOM
                yield ctypes.string_at(room, made.at)
        if left:
            raise _damaged()
    finally:
        library.ZSTD_freeDStream(stream)


_UNPACK: Dict[bytes, Unpack] = {
    b".gz": _gzip,
    b".xz": _xz,
    b".lzma": _lzma,
    b".bz2": _bz2,
    b".lz4": _lz4,
    b".zst": _zstd,
}
