"""zstd by the library that Debian's own packages are unpacked with: as much of the package of that name as auditkit uses."""

import ctypes
import io

_SIZE = 1 << 17
_LEVEL, _CHECKSUM, _WINDOW = 100, 201, 100
_CONTINUE, _END = 0, 2


class ZstdError(Exception):
    """What is read is not whole or not zstd."""


class _Buffer(ctypes.Structure):
    _fields_ = (("place", ctypes.c_void_p), ("size", ctypes.c_size_t), ("at", ctypes.c_size_t))


def _library():
    """libzstd of this system, which apt and systemd have.

    Raises:
        ImportError: it is not there.
    """
    try:
        found = ctypes.CDLL("libzstd.so.1")
    except OSError as error:
        raise ImportError("neither the package zstandard nor libzstd.so.1 is there", name="zstandard") from error
    for name in ("ZSTD_createDCtx", "ZSTD_createCCtx"):
        getattr(found, name).restype = ctypes.c_void_p
    for name in ("ZSTD_freeDCtx", "ZSTD_freeCCtx"):
        getattr(found, name).argtypes = (ctypes.c_void_p,)
    for name in ("ZSTD_DCtx_setParameter", "ZSTD_CCtx_setParameter"):
        getattr(found, name).argtypes = (ctypes.c_void_p, ctypes.c_int, ctypes.c_int)
    found.ZSTD_decompressStream.argtypes = (ctypes.c_void_p, ctypes.POINTER(_Buffer), ctypes.POINTER(_Buffer))
    found.ZSTD_compressStream2.argtypes = (*found.ZSTD_decompressStream.argtypes, ctypes.c_int)
    for name in ("ZSTD_decompressStream", "ZSTD_compressStream2"):
        getattr(found, name).restype = ctypes.c_size_t
    found.ZSTD_isError.argtypes = (ctypes.c_size_t,)
    found.ZSTD_getErrorName.argtypes, found.ZSTD_getErrorName.restype = (ctypes.c_size_t,), ctypes.c_char_p
    return found


_zstd = _library()


def _sound(code):
    if _zstd.ZSTD_isError(code):
        raise ZstdError(f"zstd: {_zstd.ZSTD_getErrorName(code).decode('ascii', 'replace')}")
    return code


class _Context:
    """A state of the library, given back in the end; `step` takes what it can of an input, and gives what that makes."""

    def __init__(self, kind, parameters):
        self._free = getattr(_zstd, f"ZSTD_free{kind}Ctx")
        self._context = getattr(_zstd, f"ZSTD_create{kind}Ctx")()
        if not self._context:
            raise MemoryError
        setting = getattr(_zstd, f"ZSTD_{kind}Ctx_setParameter")
        for name, value in parameters:
            _sound(setting(self._context, name, value))
        self._room = ctypes.create_string_buffer(_SIZE)

    def step(self, data, run, *more):
        """What came of it, how much of `data` was taken, and what the library says of the rest."""
        given = ctypes.create_string_buffer(data, len(data))
        source = _Buffer(ctypes.addressof(given), len(data), 0)
        target = _Buffer(ctypes.addressof(self._room), _SIZE, 0)
        left = _sound(run(self._context, ctypes.byref(target), ctypes.byref(source), *more))
        return self._room.raw[: target.at], source.at, left

    def __del__(self):
        if getattr(self, "_context", None):
            self._free(self._context)
            self._context = None


class ZstdDecompressor:
    """What unpacks, within a window."""

    def __init__(self, dict_data=None, max_window_size=0, format=0):
        self._parameters = [(_WINDOW, max_window_size.bit_length() - 1)] if max_window_size else []

    def stream_reader(self, source, read_size=_SIZE, read_across_frames=False, closefd=True):
        """A file of what a file or some bytes unpack to."""
        file = source if hasattr(source, "read") else io.BytesIO(source)
        return _Reader(_Context("D", self._parameters), file, read_across_frames)

    def decompressobj(self, write_size=_SIZE, read_across_frames=False):
        """One frame, in the manner of zlib."""
        return _Frame(_Context("D", self._parameters))


class _Reader(io.RawIOBase):
    def __init__(self, context, file, across):
        self._context, self._file, self._across = context, file, across
        self._data, self._made, self._ended, self._full = b"", b"", False, False

    def readable(self):
        """It is."""
        return True

    def readinto(self, room):
        """Fill as much of some room as the next step makes."""
        while not self._made and not self._ended:
            if not self._data and not self._full:
                self._data = self._file.read(_SIZE)
                if not self._data:
                    self._ended = True
                    break
            self._made, taken, left = self._context.step(self._data, _zstd.ZSTD_decompressStream)
            self._full = len(self._made) == _SIZE
            self._data = self._data[taken:]
            if not left and not self._across:
                self._ended = True
        count = min(len(room), len(self._made))
        room[:count], self._made = self._made[:count], self._made[count:]
        return count

    def read(self, size=-1):
        """So many bytes, fewer only at the end."""
        if size < 0:
            return self.readall()
        made = bytearray()
        while len(made) < size:
            piece = super().read(size - len(made))
            if not piece:
                break
            made += piece
        return bytes(made)


class _Frame:
    def __init__(self, context):
        self._context = context
        self.eof, self.unused_data, self.unconsumed_tail = False, b"", b""

    def decompress(self, data):
        """All that comes of it."""
        if self.eof:
            raise ZstdError("cannot use a decompressobj multiple times")
        made, data, full = [], bytes(data), False
        while data or full:
            piece, taken, left = self._context.step(data, _zstd.ZSTD_decompressStream)
            made.append(piece)
            data, full = data[taken:], len(piece) == _SIZE
            if not left:
                self.eof, self.unused_data = True, data
                break
        return b"".join(made)


class ZstdCompressor:
    """What packs."""

    def __init__(self, level=3, write_checksum=False, **_more):
        self._parameters = [(_LEVEL, level), (_CHECKSUM, int(write_checksum))]

    def stream_writer(self, file, size=-1, write_size=_SIZE, closefd=True):
        """A file that is written to, and packed into another one."""
        return _Writer(self.compressobj(), file, closefd)

    def compressobj(self, size=-1):
        """In the manner of zlib."""
        return _Packing(_Context("C", self._parameters))

    def compress(self, data):
        """All at once."""
        packing = self.compressobj()
        return packing.compress(data) + packing.flush()


def compress(data, level=3):
    """All at once."""
    return ZstdCompressor(level=level).compress(data)


class _Packing:
    def __init__(self, context):
        self._context = context

    def compress(self, data):
        """What is done by now."""
        return self._run(data, _CONTINUE)

    def flush(self, flush_mode=0):
        """The end."""
        return self._run(b"", _END)

    def _run(self, data, end):
        made, data = [], bytes(data)
        while True:
            piece, taken, left = self._context.step(data, _zstd.ZSTD_compressStream2, end)
            made.append(piece)
            data = data[taken:]
            if not data and not (end and left):
                return b"".join(made)


class _Writer:
    def __init__(self, packing, file, closes):
        self._packing, self._file, self._closes, self.closed = packing, file, closes, False

    def write(self, data):
        """Pack what comes next."""
        self._file.write(self._packing.compress(data))
        return len(data)

    def flush(self, flush_mode=0):
        """What is packed is written by now."""

    def close(self):
        """Write the end."""
        if not self.closed:
            self.closed = True
            self._file.write(self._packing.flush())
            if self._closes:
                self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
