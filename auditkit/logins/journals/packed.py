"""The values of data objects, which systemd packs with XZ, LZ4 or ZSTD where they are long."""

import lzma

import zstandard

from auditkit.logins.journals.lz4 import decompressed

XZ, LZ4, ZSTD = 1, 2, 4
"""Flags of a data object."""
MOST = 64 << 10
"""Bytes of a value that are looked at; no program that tells of logins writes more into one."""
MOST_PACKED = 1 << 20
"""Bytes that are looked at of a packed value: so many hold MOST bytes of it however badly it is packed."""
MEMORY = 64 << 20
"""What unpacking may take: systemd packs with windows far below."""


def unpacked(value: bytes, flags: int) -> bytes | None:
    """The first MOST bytes of a packed `NAME=value`; None if it cannot be unpacked."""
    try:
        if flags == ZSTD:
            return _zstd(value)
        if flags == LZ4:
            return decompressed(value[8:], min(MOST, int.from_bytes(value[:8], "little"))) or None
        if flags == XZ:
            return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY).decompress(value, MOST) or None
    except (lzma.LZMAError, zstandard.ZstdError, EOFError, MemoryError):
        return None
    return None


def _zstd(value: bytes) -> bytes | None:
    reader = zstandard.ZstdDecompressor(max_window_size=MEMORY).stream_reader(value)
    return reader.read(MOST) or None
