"""Logs that lie on this machine or below a root that it can read: found by globs, opened so that no link leads out.

What is no regular file is never opened; nothing of /proc and /sys is read, for it may have no end. A file is read up to the
length that it had when it was found: what is written to it meanwhile is of later.
"""

import errno
import mmap
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

from auditkit.logins.nouns import Bytes, Condition, Log
from auditkit.logs.packing import BEGINNING, PIECE, BrokenError, packed_by, unpacked
from auditkit.probe import inside, take
from auditkit.probe.chain import Chain
from auditkit.probe.look import reason

PACKED_PIECE = 128 << 10
"""Bytes of a packed file that are read at a time."""
HELD = 256 << 20
"""Bytes of a file that are held in memory at once, where it is not mapped."""
MAPPED = 4 << 30
"""Bytes of a file that are looked at, where it can only be read as a whole."""
CUT = "it was cut while it was read"
SWAPPED = "another file took its name while the logs were read: read them again"
NO_LOG = "holds secrets, and is no log"
_UNREAL = ("/proc", "/sys")


class Told(Bytes, Protocol):
    """The bytes of a source, and what became of them once they were read."""

    broke: str
    """Where and why they ended too early; else empty."""
    grew: int
    """How many more there were by then."""
    given: int
    """How many were given, unpacked."""

    def picked(self, offsets: Sequence[int], most: int) -> Iterator[tuple[int, bytes]] | None:
        """Yield up to so many bytes from each of these offsets on, ascending; None where all before must be read for that."""
        ...


@dataclass(slots=True)
class Nothing:
    """The bytes of a source that has none."""

    broke: str = ""
    grew: int = 0
    given: int = 0

    def chunks(self) -> Iterator[bytes]:
        """Yield nothing."""
        return iter(())

    def whole(self) -> bytes:
        """Nothing."""
        return b""

    def picked(self, offsets: Sequence[int], most: int) -> Iterator[tuple[int, bytes]]:
        """Yield nothing."""
        return iter(())


@dataclass(slots=True)
class File:
    """The bytes of a file, opened anew each time: it may be read in another process than the one that found it."""

    root: str
    path: tuple[bytes, ...]
    """Where it really lies below the root."""
    inode: int
    size: int
    packed: str
    mapped: bool = False
    """Whether it may be mapped: whoever cuts a mapped file kills the process that reads it."""
    broke: str = ""
    """Where and why the bytes ended too early, once they were read."""
    grew: int = 0
    """Bytes that had been written to it besides when it was read to its end."""
    given: int = 0
    seen: Callable[[int], object] | None = field(default=None, compare=False)
    """Told how many bytes of the file were read since it was told last, however often it is read."""
    told: int = 0
    """How many it was told of."""

    def watched(self, seen: Callable[[int], object]) -> None:
        """Tell somebody from now on how far it is read."""
        self.seen, self.told = seen, 0

    def chunks(self) -> Iterator[bytes]:
        """Yield the unpacked bytes from the beginning; where they end too early, `broke` says why."""
        self.broke, self.given, given = "", 0, 0
        try:
            with _opened(self.root, self.path, self.inode) as handle:
                pieces = self._pieces(handle)
                for piece in unpacked(pieces, self.packed) if self.packed else pieces:
                    given += len(piece)
                    self.given = given  # and no sum: whoever reads it may begin to read it once more meanwhile
                    yield piece
        except OSError as error:
            self.broke = reason(error)
        except BrokenError as error:
            self.broke = str(error)

    def whole(self) -> bytes | memoryview:
        """All bytes at once: mapped where that may be done, else held, up to a bound."""
        if self.mapped and not self.packed:
            mapped = self._mapped()
            self.given = len(mapped)
            self._tell(self.given)
            return mapped
        held, size = [], 0
        for piece in self.chunks():
            held.append(piece)
            size += len(piece)
            if size > HELD:
                self.broke = f"it is longer than the {HELD >> 20} MiB that are looked at"
                break
        return b"".join(held)[:HELD]

    def picked(self, offsets: Sequence[int], most: int) -> Iterator[tuple[int, bytes]] | None:
        """Yield up to so many bytes from each of these offsets on; None where it is packed."""
        return None if self.packed else self._picked(offsets, most)

    def _picked(self, offsets: Sequence[int], most: int) -> Iterator[tuple[int, bytes]]:
        with suppress(OSError, BrokenError), _opened(self.root, self.path, self.inode) as handle:
            for offset in offsets:
                yield offset, os.pread(handle, max(0, min(most, self.size - offset)), offset)

    def _pieces(self, handle: int) -> Iterator[bytes]:
        left = self.size
        while left > 0:
            piece = os.read(handle, min(left, PACKED_PIECE if self.packed else PIECE))
            if not piece:
                raise BrokenError(CUT)
            left -= len(piece)
            self._tell(self.size - left)
            yield piece
        self.grew = max(0, os.fstat(handle).st_size - self.size)

    def _tell(self, done: int) -> None:
        if self.seen and done > self.told:
            self.seen(done - self.told)
            self.told = done

    def _mapped(self) -> bytes | memoryview:
        self.broke = f"it is longer than the {MAPPED >> 30} GiB that are looked at" if self.size > MAPPED else ""
        try:
            with _opened(self.root, self.path, self.inode) as handle:
                now = os.fstat(handle).st_size
                self.grew = max(0, now - self.size)
                if now < self.size:
                    self.broke = CUT
                    return b""
                return memoryview(mmap.mmap(handle, min(self.size, MAPPED), access=mmap.ACCESS_READ)) if self.size else b""
        except OSError as error:
            self.broke = reason(error)
        except (BrokenError, ValueError) as error:
            self.broke = str(error)
        return b""


@dataclass(frozen=True, slots=True)
class Source:
    """A log as it was found, and its bytes."""

    log: Log
    data: Told

    def called(self, name: str) -> "Source":
        """The same by another name."""
        return Source(replace(self.log, name=name), self.data)

    def lines(self, offsets: Iterable[int], most: int) -> Iterator[tuple[int, bytes]]:
        """Yield the line that begins at each of these offsets, up to so many bytes and without its end."""
        for offset, piece in self.pieces(offsets, most):
            yield offset, piece.partition(b"\n")[0].rstrip(b"\r")

    def pieces(self, offsets: Iterable[int], most: int) -> Iterator[tuple[int, bytes]]:
        """Yield up to so many bytes from each of these offsets on, ascending; nothing of one that lies behind the end."""
        wanted = sorted(set(offsets))
        picked = self.data.picked(wanted, most)
        found = self._walked(wanted, most) if picked is None else picked
        yield from ((offset, piece) for offset, piece in found if piece)

    def _walked(self, wanted: Iterable[int], most: int) -> Iterator[tuple[int, bytes]]:
        """Yield the same of bytes that come in their order only, up to the last that is wanted."""
        left, at, held = [*wanted][::-1], 0, b""
        for piece in self.data.chunks():
            held += piece
            while left and left[-1] + most <= at + len(held):
                offset = left.pop()
                yield offset, held[offset - at :][:most]
            if not left:
                return
            drop = min(len(held), max(0, left[-1] - at))
            at, held = at + drop, held[drop:]
        yield from ((offset, held[offset - at :][:most]) for offset in reversed(left) if 0 <= offset - at < len(held))


def found(root: str, patterns: Iterable[str]) -> Iterator[Source]:
    """Yield a source for each file below a root that a glob matches, each file once, and one that is absent for each glob
    that matches none; what cannot be looked at is a source, too, with the reason.

    Raises:
        OSError: the root cannot be opened.
    """
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    chain = Chain(handle)
    seen: set[tuple[int, int]] = set()
    try:
        for pattern in patterns:
            yield from _matching(chain, root, pattern, seen)
    finally:
        chain.close()
        os.close(handle)


def _matching(chain: Chain, root: str, pattern: str, seen: set[tuple[int, int]]) -> Iterator[Source]:
    there = False
    for number, (names, why, _uid) in enumerate(inside.places(chain, os.fsencode(pattern), inside.LIMIT)):
        if number == inside.MATCHES:
            yield _refused(pattern, f"more than {inside.MATCHES} files match it")
            return
        source = _refused(_path(names), why) if why else _looked_at(chain, root, names, seen)
        if source and source.log.condition is Condition.ABSENT:
            continue
        there = True
        if source:
            yield source
    if not there:
        yield absent(pattern)


def absent(pattern: str) -> Source:
    """The source of a glob that matches nothing."""
    return Source(Log(pattern.partition("*")[0], condition=Condition.ABSENT), Nothing())


def _looked_at(chain: Chain, root: str, names: inside.Names, seen: set[tuple[int, int]]) -> Source | None:
    """A file as a source, absent if there is none; None of one that was met by another name."""
    path = _path(names)
    try:
        real = inside.resolved(chain, names)
        handle = inside.opened_file(chain, real)
    except OSError as error:
        return absent(path) if error.errno in (*inside.ABSENT, errno.EISDIR) else _refused(path, reason(error))
    try:
        if take.holds_hashes(chain, (names, real), handle):
            return _refused(path, NO_LOG)
        return _opened_source(root, path, real, handle, seen)
    finally:
        os.close(handle)


def _opened_source(root: str, path: str, real: inside.Names, handle: int, seen: set[tuple[int, int]]) -> Source | None:
    it = os.fstat(handle)
    if (it.st_dev, it.st_ino) in seen:
        return None
    seen.add((it.st_dev, it.st_ino))
    log = Log(path, it.st_size, it.st_mtime_ns, it.st_mode, it.st_uid, it.st_gid, it.st_ino)
    if it.st_dev in _unreal():
        return _refused(path, "it is made by the kernel as it is read, and may have no end", log)
    if not it.st_size:
        return Source(replace(log, condition=Condition.EMPTY), Nothing())
    try:
        if take.begins_as_key(os.pread(handle, take.FIRST, 0)):
            return _refused(path, NO_LOG, log)
        packed = packed_by(path, os.pread(handle, BEGINNING, 0))
    except OSError as error:
        return _refused(path, reason(error), log)
    except BrokenError as error:
        return _refused(path, str(error), log)
    return Source(replace(log, packed=packed), File(root, real, it.st_ino, it.st_size, packed))


def _refused(path: str, why: str, log: Log | None = None) -> Source:
    return Source(replace(log or Log(path), condition=Condition.UNREADABLE, reason=why), Nothing())


def _unreal() -> frozenset[int]:
    """Devices of file systems whose files are made as they are read."""
    found = set()
    for place in _UNREAL:
        try:
            found.add(os.stat(place).st_dev)
        except OSError:
            continue
    return frozenset(found)


def _path(names: Iterable[bytes]) -> str:
    return "/" + b"/".join(names).decode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Between:
    """Some bytes of a file that is not packed; read and not mapped, so that no page of it stays in memory."""

    file: File
    start: int
    stop: int

    def chunks(self) -> Iterator[bytes]:
        """Yield them; where they end too early, `file.broke` says why."""
        at = self.start
        try:
            with _opened(self.file.root, self.file.path, self.file.inode) as handle:
                while piece := os.pread(handle, min(self.stop - at, PIECE), at):
                    at += len(piece)
                    yield piece
            self.file.broke = CUT if at < self.stop else self.file.broke
        except OSError as error:
            self.file.broke = reason(error)

    def whole(self) -> bytes:
        """All of them."""
        return b"".join(self.chunks())


@contextmanager
def _opened(root: str, path: tuple[bytes, ...], inode: int) -> Iterator[int]:
    """A handle of a file, as long as it is the one that was found."""
    above = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    chain = Chain(above)
    try:
        handle = inside.opened_file(chain, path)
    finally:
        chain.close()
        os.close(above)
    try:
        if os.fstat(handle).st_ino != inode:
            raise BrokenError(SWAPPED)
        yield handle
    finally:
        os.close(handle)
