"""One entry, looked at through one handle, and written as its line."""

import errno
import os
import stat as modes
import time

from . import digest, lines, stat
from .chain import opened
from .haste import Haste
from .hints import List, Mapping, Optional, Sequence, Tuple
from .stat import Told

FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_UNSEEN = FILE | os.O_NOATIME
SMALL = 128 << 10
MAPPED = 4 << 20
"""Files from this size on are mapped where that pays."""
LARGEST = 1 << 40
"""Bytes: a sparse file can claim more than anybody can read."""
KEPT = 64 << 10
TRIES = 3
TICK = 0.1
"""Seconds: a write moves the times before it copies its bytes, and may be held up in between; what was written to within
so short a time is given that time to end before it is read."""
BECAME = "it became a directory while the scan ran"
_LOGS = ("growing", "rotated")
DIRECTORY, FILE_KIND, OTHER = "directory", "file", "other"
_LETTERS = {
    modes.S_IFREG: "f",
    modes.S_IFDIR: "d",
    modes.S_IFLNK: "l",
    modes.S_IFBLK: "b",
    modes.S_IFCHR: "c",
    modes.S_IFIFO: "p",
    modes.S_IFSOCK: "s",
}


def _preadv(handle: int, buffers: Sequence[memoryview], at: int) -> int:
    """preadv(2), which Python has from 3.7 on."""
    data = os.pread(handle, len(buffers[0]), at)
    buffers[0][: len(data)] = data
    return len(data)


_preadv = getattr(os, "preadv", _preadv)


class UnsteadyError(Exception):
    """The file changed every time it was read."""


class Look:
    """Writes the lines of entries; what it could not see it adds to `gaps` as (name, reason)."""

    def __init__(
        self,
        digests: Tuple[str, ...],
        owners: Mapping[int, str],
        groups: Mapping[int, str],
        mapped: bool = True,
        threads: int = 1,
        haste: Optional[Haste] = None,
    ) -> None:
        self.gaps: List[Tuple[str, str]] = []
        self.bytes = 0
        self._digests = digests
        self._field = digest.of_bytes(digests)
        self._owners = owners
        self._groups = groups
        self._mapped = mapped and digests == ("blake3",)
        self._threads = threads
        self._haste = haste or Haste()
        self.stat = stat.reader()
        self._buffer = bytearray(SMALL)
        self._view = memoryview(self._buffer)

    def file(self, at: int, name: str, level: str, keep: bool, recent: int) -> str:
        """The line of what is listed as a regular file, with its digest; what took its place meanwhile as what it is.

        `recent` is a time in seconds: what has not changed since then did not change while it was read either, so that
        one look at a settled file is enough.
        """
        try:
            try:  # chain.opened() written out, for this is done once for every file
                handle = os.open(name, _UNSEEN, dir_fd=at)
            except PermissionError as error:
                if error.errno != errno.EPERM:
                    raise
                handle = os.open(name, FILE, dir_fd=at)
            try:
                line = self._settled(handle, name, keep, recent) or self._careful(handle, name, level, keep)
            finally:
                os.close(handle)
            return line or self._again(at, name, level, keep)
        except FileNotFoundError:
            raise
        except OSError as error:
            return self.node(at, name, error)

    def _again(self, at: int, name: str, level: str, keep: bool) -> str:
        """The line of a file that was changing when it was read first."""
        for _ in range(TRIES - 1):
            handle = opened(name, FILE, at)
            try:
                line = self._careful(handle, name, level, keep)
            finally:
                os.close(handle)
            if line:
                return line
        return self.node(at, name, UnsteadyError("it kept changing while it was read"))

    def _settled(self, handle: int, name: str, keep: bool, recent: int) -> Optional[str]:
        """The line of a small file that has not changed of late: read first, so that one fstat vouches for it."""
        got = _preadv(handle, (self._view,), 0)  # fails on what is no file, and takes nothing from it
        told = self.stat(handle)
        if told[11] >= recent or told[7] != got or got == SMALL or told[5] & 0o170000 != modes.S_IFREG:
            return None
        try:
            plain = not os.listxattr(handle)  # as nearly all are
        except OSError:
            plain = False
        self.bytes += got
        data = self._view[:got]
        text = _text(name, bytes(data)) if keep and 0 < got <= KEPT else None
        return self._line(told, name, self._field(data), lines.NONE if plain else self._xattrs(handle), lines.NONE, text)

    def _careful(self, handle: int, name: str, level: str, keep: bool) -> Optional[str]:
        """The line of a file that is the same before and after it was read; None if it is not."""
        told = self.stat(handle)
        if not modes.S_ISREG(told[5]):
            return None
        if level not in _LOGS and abs(time.time() - told[11] - told[12] / 1e9) < TICK:
            time.sleep(TICK)
        os.lseek(handle, 0, os.SEEK_SET)
        content, text = self._content(handle, told, name if keep else None)
        after = self.stat(handle)
        if after == told or (level in _LOGS and after[7] >= told[7]):
            return self._line(told, name, content, self._xattrs(handle), lines.NONE, text)
        return None

    def node(self, at: int, name: str, error: Optional[Exception] = None) -> str:
        """The line of anything that is not read: links, nodes, what the policy wants no digest of, what cannot be opened."""
        raw = os.fsencode(name)
        told = self.stat(at, raw)
        extra = lines.NONE
        kind = modes.S_IFMT(told[5])
        if kind == modes.S_IFDIR:
            raise OSError(errno.EISDIR, BECAME)
        if kind == modes.S_IFLNK:
            extra = lines.word(os.readlink(name, dir_fd=at))
        elif kind in (modes.S_IFBLK, modes.S_IFCHR):
            extra = "%d:%d" % told[15:17]
        if error is not None and kind == modes.S_IFREG:
            self.gaps.append((name, reason(error)))
        return self._line(told, name, lines.UNKNOWN if kind == modes.S_IFREG else lines.NONE, self._named(at, name), extra)

    def directory(self, handle: int, told: Told, level: str) -> str:
        """The line of the directory itself, which stands first in its block."""
        if level == "exists":
            return lines.BARE % ("d", ".")
        return self._line(told, ".", lines.NONE, self._xattrs(handle), "%d:%d" % told[17:19])

    def bare(self, at: int, name: str) -> str:
        """The line of an entry whose existence is all that is watched."""
        told = self.stat(at, os.fsencode(name))
        if modes.S_ISDIR(told[5]):
            raise OSError(errno.EISDIR, BECAME)
        return lines.BARE % (_LETTERS.get(modes.S_IFMT(told[5]), "?"), lines.shown(name))

    def kind(self, at: int, name: str) -> Optional[str]:
        """DIRECTORY, FILE or OTHER, no link followed; None where it is not there."""
        try:
            mode = self.stat(at, os.fsencode(name))[5]
        except FileNotFoundError:
            return None
        return DIRECTORY if modes.S_ISDIR(mode) else FILE_KIND if modes.S_ISREG(mode) else OTHER

    def _line(self, told: Told, name: str, content: str, xattrs: str, extra: str, text: Optional[str] = None) -> str:
        mask, attributes, links, uid, gid, mode, inode, size, known, bsec, bns, csec, cns, msec, mns, _, _, _, _ = told
        line = (lines.LINE if mask & stat.BIRTH else lines.UNBORN) % (
            _LETTERS.get(mode & 0o170000, "?"), mode & 0o7777, uid, gid, self._owners[uid], self._groups[gid], size,
            msec, mns, csec, cns, bsec, bns, inode, links, stat.FLAGS[attributes & 48] if known & 48 == 48 else "?",
            content, xattrs, extra, name if name.isprintable() and "\\" not in name else lines.shown(name),
        )  # fmt: skip
        return line if text is None else line + "\n" + lines.kept(text)

    def _content(self, handle: int, told: Told, keep: Optional[str]) -> Tuple[str, Optional[str]]:
        """Digest field of the first `size` bytes and the text to keep, if any."""
        size = told[7]
        if size > LARGEST:
            raise OSError(errno.EFBIG, "it claims %d bytes, more than can be read" % size)
        if size > SMALL:
            return self._large(handle, size), None
        got = os.readv(handle, (self._view,)) if size else 0
        if got < size or not size:
            got = self._rest(handle, got)
        self.bytes += got
        data = self._view[: size or got]
        text = None
        if keep is not None and 0 < len(data) <= KEPT:
            text = _text(keep, bytes(data))
        return self._field(data), text

    def _rest(self, handle: int, got: int) -> int:
        """Read on to the end: what claims no size (as in /proc) may hold something all the same."""
        while got < SMALL:
            more = os.readv(handle, (self._view[got:],))
            if not more:
                return got
            got += more
        raise OSError(errno.EFBIG, "it claims no size and does not end")

    def _large(self, handle: int, size: int) -> str:
        """The digest of what does not fit into one read, unless the time for a file of that size is over before its end."""
        total = digest.Digest(self._digests, self._threads)
        mapped, until = self._mapped and size >= MAPPED, self._haste.until(size)
        at = 0
        while at < size:
            self._haste.check(until)
            got = total.update_mapped(handle, at, size) if mapped else self._next(total, handle, size - at)
            if not got:
                break
            at += got
            self.bytes += got
        return total.field()

    def _next(self, total: digest.Digest, handle: int, left: int) -> int:
        """Take the next bytes of a file, and tell how many there were."""
        got = os.readv(handle, (self._view[: min(left, SMALL)],))
        total.update(self._view[:got])
        return got

    def _xattrs(self, handle: int) -> str:
        try:
            names = os.listxattr(handle)
            if not names:
                return lines.NONE
            return lines.attributes([(name, os.getxattr(handle, name)) for name in names], self._field)
        except OSError as error:
            return lines.NONE if error.errno == errno.ENOTSUP else lines.UNKNOWN

    def _named(self, at: int, name: str) -> str:
        """Extended attributes of what must not be opened, by way of the handle of its directory."""
        path = "/proc/self/fd/%d/%s" % (at, name)
        try:
            names = os.listxattr(path, follow_symlinks=False)
            pairs = [(each, os.getxattr(path, each, follow_symlinks=False)) for each in names]
        except OSError as error:
            return lines.NONE if error.errno == errno.ENOTSUP else lines.UNKNOWN
        return lines.attributes(pairs, self._field)


def reason(error: Exception) -> str:
    """Why something could not be seen, as a gap says it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[:1].lower() + error.strerror[1:]
    return str(error)


def _text(name: str, data: bytes) -> Optional[str]:
    """The text to keep of a small file; None where it is no text or may hold secrets."""
    from . import secret  # noqa: PLC0415 - only for policies that keep text

    if b"\0" in data or secret.is_one(name, data):
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None
