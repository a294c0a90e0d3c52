"""An initramfs as a list of its files: what the kernel would unpack, archive after archive, packed or not.

Format: Documentation/driver-api/early-userspace/buffer-format.rst of Linux: `newc` archives of cpio(5), zeros between them,
each packed or not. Nothing is held of a file but its digests, and the text of a small one.
"""

import hashlib
import lzma
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from stat import S_IFMT, S_ISLNK, S_ISREG
from typing import Protocol

import zstandard
from blake3 import blake3

from auditkit.errors import FormatError
from auditkit.model import OF_MODE, Kind

MAGICS = (b"070701", b"070702")
LONGEST_MAGIC = 6
HEADER = 110
_HEADER = re.compile(rb"07070[12][0-9A-Fa-f]{104}")
TRAILER = b"TRAILER!!!"
LONGEST_NAME = 4096
MOST_MEMBERS = 100_000
LARGEST = 1 << 30
"""Unpacked bytes of an initramfs; that of a desktop has 300 MB."""
SMALL = 1 << 20
"""Bytes up to which a file's text is kept; more than all of them together may have."""
CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an initramfs by its path from the root."""

    path: str
    kind: Kind | None
    digests: tuple[str, ...] = ()
    target: str = ""
    text: bytes | None = None
    """What it holds, if that is little."""


class Source(Protocol):
    """What bytes are read from."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, fewer only at the end."""
        ...


def members(data: bytes) -> Iterator[Member]:
    """Yield what an initramfs unpacks to, in its order; of two of one path both.

    Raises:
        FormatError: it is none, or more than a machine could hold.
    """
    try:
        yield from _Reading(_Bytes(data), LARGEST).all(packed=True)
    except (zlib.error, lzma.LZMAError, zstandard.ZstdError, EOFError) as error:
        raise FormatError("the initramfs is damaged") from error


class _Bytes:
    """Bytes that are read once."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        piece = self._data[self._at : self._at + size]
        self._at += len(piece)
        return piece


class _Reading:
    """Archives one after the other, read once from the start."""

    def __init__(self, source: Source, left: int) -> None:
        self._source, self._ahead, self._left = source, b"", left
        self._count, self._kept = 0, SMALL
        self._links: dict[bytes, list[str]] = {}

    def all(self, packed: bool) -> Iterator[Member]:
        """Yield the members of all archives."""
        while start := self._start():
            if start in MAGICS:
                yield from self._archive()
            elif packed and (opened := _opened(start)):
                unpacked = opened(_Rest(self))
                yield from _Reading(unpacked, self._left).all(packed=False)
            else:
                raise FormatError("the initramfs goes on in a way that is not known here")

    def take(self, size: int) -> bytes:
        """The next `size` bytes, fewer only at the end."""
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        while len(data) < size and (more := self._source.read(size - len(data))):
            data += more
        self._left -= len(data)
        if self._left < 0:
            raise FormatError(f"the initramfs unpacks to more than {LARGEST >> 20} MiB")
        return data

    def _start(self) -> bytes:
        """How what follows the next zeros begins; empty at the end."""
        while (data := self.take(CHUNK)) and not data.strip(b"\0"):
            pass
        data = data.lstrip(b"\0")
        data += self.take(LONGEST_MAGIC - len(data)) if len(data) < LONGEST_MAGIC else b""
        self._ahead, self._left = data + self._ahead, self._left + len(data)
        return data[:LONGEST_MAGIC]

    def _archive(self) -> Iterator[Member]:
        self._links = {}
        while True:
            head = self._exactly(HEADER)
            if not _HEADER.fullmatch(head):
                raise FormatError("a header of the initramfs is damaged")
            fields = [int(head[at : at + 8], 16) for at in range(6, HEADER, 8)]
            inode, mode, _uid, _gid, links, _time, size, *_device, length, _sum = fields
            name = self._name(length)
            if name == TRAILER:
                break
            yield from self._member(_path(name), mode, size, head[6:14] + head[62:78] if links > 1 and inode else b"")
        if any(self._links.values()):
            raise FormatError("a file of the initramfs has names and no content")

    def _name(self, length: int) -> bytes:
        if not 0 < length <= LONGEST_NAME:
            raise FormatError("a name of the initramfs is longer than any path")
        name = self._exactly(length)
        self._exactly(-(HEADER + length) % 4)
        return name.split(b"\0", 1)[0]

    def _member(self, path: str, mode: int, size: int, node: bytes) -> Iterator[Member]:
        self._count += 1
        if self._count > MOST_MEMBERS:
            raise FormatError(f"the initramfs has more than {MOST_MEMBERS} files")
        kind = OF_MODE.get(S_IFMT(mode))
        if S_ISREG(mode) and node and not size:  # the content comes with the last of its names
            self._links.setdefault(node, []).append(path)
            return
        digests, text = self._content(size)
        self._exactly(-size % 4)
        if S_ISLNK(mode):
            yield Member(path, kind, target=(text or b"").decode("utf-8", "surrogateescape"))
            return
        names = self._links.pop(node, []) if S_ISREG(mode) and node else []
        yield from (Member(name, kind, digests if S_ISREG(mode) else (), text=text) for name in (*names, path))

    def _content(self, size: int) -> tuple[tuple[str, ...], bytes | None]:
        fast, common, kept, left = blake3(), hashlib.sha256(), b"", size
        is_kept = size <= self._kept
        while left:
            piece = self._exactly(min(left, CHUNK))
            fast.update(piece)
            common.update(piece)
            left -= len(piece)
            kept += piece if is_kept else b""
        self._kept -= size if is_kept and size > LONGEST_NAME else 0
        return (f"blake3:{fast.hexdigest()}", f"sha256:{common.hexdigest()}"), kept if is_kept else None

    def _exactly(self, size: int) -> bytes:
        data = self.take(size)
        if len(data) != size:
            raise FormatError("the initramfs is cut off")
        return data


class _Rest:
    """What is left of a reading, for whoever unpacks it."""

    def __init__(self, reading: _Reading) -> None:
        self._reading = reading

    def read(self, size: int = CHUNK, /) -> bytes:
        """The next bytes, fewer only at the end."""
        return self._reading.take(size if size > 0 else CHUNK)


def _path(name: bytes) -> str:
    """A path from the root; the kernel takes names as they stand, so one that climbs is none.

    Raises:
        FormatError: it is such a name.
    """
    parts = name.decode("utf-8", "surrogateescape").split("/")
    if ".." in parts:
        raise FormatError("a name in the initramfs climbs")
    return "/" + "/".join(part for part in parts if part not in ("", "."))


class _Zlib:
    """What gzip packed, as it is read."""

    def __init__(self, source: Source) -> None:
        self._source, self._worker = source, zlib.decompressobj(zlib.MAX_WBITS | 16)

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        while not self._worker.eof:
            data = self._worker.unconsumed_tail or self._source.read(CHUNK)
            if not data:
                raise EOFError
            if made := self._worker.decompress(data, size):
                return made
        _ended(self._worker.unused_data, self._source)
        return b""


class _Xz:
    """What xz packed, as it is read."""

    def __init__(self, source: Source) -> None:
        self._source, self._worker = source, lzma.LZMADecompressor(memlimit=256 << 20)

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        while not self._worker.eof:
            data = self._source.read(CHUNK) if self._worker.needs_input else b""
            if self._worker.needs_input and not data:
                raise EOFError
            if made := self._worker.decompress(data, size):
                return made
        _ended(self._worker.unused_data, self._source)
        return b""


class _Zstd:
    """What zstd packed, as it is read."""

    def __init__(self, source: Source) -> None:
        self._unpacked = zstandard.ZstdDecompressor(max_window_size=128 << 20).stream_reader(source, read_across_frames=True)  # type: ignore[arg-type]

    def read(self, size: int, /) -> bytes:
        """The next bytes."""
        return self._unpacked.read(size)


def _ended(data: bytes, source: Source) -> None:
    """Make sure that nothing but zeros follows.

    Raises:
        FormatError: something does; the kernel would unpack it too.
    """
    while not data.strip(b"\0"):
        data = source.read(CHUNK)
        if not data:
            return
    raise FormatError("the initramfs goes on behind what is packed")


_PACKED: Mapping[bytes, Callable[[Source], Source]] = {
    b"\x1f\x8b": _Zlib,
    b"\xfd7zXZ": _Xz,
    b"\x28\xb5\x2f\xfd": _Zstd,
}


def _opened(start: bytes) -> Callable[[Source], Source] | None:
    return next((opened for magic, opened in _PACKED.items() if start.startswith(magic)), None)
