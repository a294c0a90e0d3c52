"""Frames on the wire between auditkit and its probe on a host: bounded, compressed, and each names the question it answers.

A frame is its kind (one letter), the number of the question (4 bytes), the length of its body packed and unpacked (4 bytes
each, big endian), and the body packed by zlib. A body is fields: each its length (4 bytes) and its bytes. Nothing of it is
ever evaluated: what comes from a host is bytes.
"""

import os
import struct
import zlib

from .hints import Callable, Iterable, List, Tuple

HEAD = struct.Struct(">cIII")
LARGEST = 96 << 20
"""Bytes of one unpacked body: the largest block, and room."""
MOST = 1 << 20
"""Fields of one body."""
_LENGTH = struct.Struct(">I")
_FAST = 1

Frame = Tuple[bytes, int, List[bytes]]
"""Kind, number of the question, fields."""


class FrameError(Exception):
    """What came is no frame."""


class CutError(FrameError):
    """It ends in the middle of one."""


def pack(kind: bytes, number: int, fields: Iterable[bytes]) -> bytes:
    """A frame as bytes."""
    body = b"".join([part for field in fields for part in (_LENGTH.pack(len(field)), field)])
    packed = zlib.compress(body, _FAST)
    return HEAD.pack(kind, number, len(packed), len(body)) + packed


def read(exactly: Callable[[int], bytes]) -> Frame:
    """The next frame; `exactly(n)` gives n bytes, or fewer where no more will come.

    Raises:
        FrameError: it is cut, too large, or not as `pack` makes it.
    """
    head = exactly(HEAD.size)
    if len(head) < HEAD.size:
        raise CutError("an end in the middle of a frame")
    kind, number, length, unpacked = HEAD.unpack(head)
    if unpacked > LARGEST or length > unpacked + (unpacked >> 3) + 64:
        raise FrameError("a frame that claims %d bytes for %d" % (length, unpacked))
    packed = exactly(length)
    if len(packed) < length:
        raise CutError("an end in the middle of a frame")
    return kind, number, _fields(_unpacked(packed, unpacked))


def _unpacked(packed: bytes, length: int) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        body = unpacker.decompress(packed, length + 1)
    except zlib.error as error:
        raise FrameError("a frame that cannot be unpacked") from error
    if len(body) != length or not unpacker.eof or unpacker.unused_data:
        raise FrameError("a frame that is not as long as it says")
    return body


def _fields(body: bytes) -> List[bytes]:
    fields = []  # type: List[bytes]
    at = 0
    while at < len(body):
        end = at + _LENGTH.size
        length = _LENGTH.unpack(body[at:end])[0] if end <= len(body) else len(body)
        if end + length > len(body):
            raise FrameError("a field that is longer than its frame")
        if len(fields) == MOST:
            raise FrameError("a frame of more than %d fields" % MOST)
        fields.append(body[end : end + length])
        at = end + length
    return fields


def write(handle: int, data: bytes) -> None:
    """Write all of it to a file descriptor."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
