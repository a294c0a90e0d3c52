"""Logs as they lie there, piece by piece: the newest first, up to a bound, each piece with the facts of its file.

A log is text or records that line numbers and digests are told of, so nothing is taken out of it; who may read a log may
read what somebody typed in the wrong place. What holds password hashes by its name, or a private key, is none.
"""

import errno
import os

from . import inside, take
from .chain import Chain
from .hints import Dict, Iterator, List, Optional, Sequence, Set, Tuple, Union
from .look import reason

BOUND = 96 << 20
"""Bytes of all logs of one question."""
LONG = 32 << 30
"""The same where they may be long."""
PIECE = 1 << 20
HEAD = b"%d %d %o %d %d %d %d\n"
"""Before each piece: size, mtime in ns, st_mode, uid, gid, inode, and how many bytes of the file lie before the piece."""
CUT = "it was cut while it was read"

Asked = Tuple[int, bytes, bool, bool]
"""Number of the need, path or glob, whether a host without it is complete all the same, whether logs may be long."""
Told = Tuple[int, bytes, Optional[bytes], str]


class _File:
    """One log, before it is read."""

    def __init__(self, number: int, names: inside.Names, real: inside.Names, it: os.stat_result) -> None:
        self.number = number
        self.path = b"/" + b"/".join(names)
        self.real = real
        self.it = it
        self.bytes = min(it.st_size, it.st_blocks * 512 + 4096) if it.st_blocks else it.st_size
        """How many have to be read: a sparse file has fewer than it is long."""


def logs(chain: Chain, asked: Sequence[Asked]) -> Iterator[Told]:
    """Yield the pieces of each log that is there, and why there are none of it, or of the rest of it.

    The last piece of a log reaches to its end, and may be empty; what a sparse file has no bytes for is left out.
    """
    files: List[_File] = []
    for number, pattern, optional, _long in asked:
        found = list(_found(chain, number, pattern))
        files += [one for one in found if isinstance(one, _File)]
        for one in found:
            if not isinstance(one, _File):
                yield one
        if not found and not optional:
            yield number, pattern, None, reason(OSError(errno.ENOENT, os.strerror(errno.ENOENT)))
    patterns = {number: pattern for number, pattern, _optional, _long in asked}
    bound = LONG if any(long for _number, _pattern, _optional, long in asked) else BOUND
    for told in _bounded(chain, sorted(files, key=lambda one: -one.it.st_mtime_ns), patterns, bound):
        yield told


def _bounded(chain: Chain, files: List[_File], patterns: Dict[int, bytes], left: int) -> Iterator[Told]:
    """Yield the newest files as far as the bound goes, and what is left out."""
    bound = left
    seen: Set[Tuple[int, int]] = set()
    out: Dict[int, List[_File]] = {}
    for one in files:
        if (one.it.st_dev, one.it.st_ino) in seen:
            continue
        seen.add((one.it.st_dev, one.it.st_ino))
        if one.bytes > left:
            out.setdefault(one.number, []).append(one)
            left = 0  # what is older than what is left out would say less than it seems to
            continue
        left -= one.bytes
        for data, why in _pieces(chain, one):
            yield one.number, one.path, data, why
    for number, left_files in out.items():
        yield number, patterns[number], None, left_out([(each.path, each.it.st_size) for each in left_files], bound)


def left_out(files: Sequence[Tuple[bytes, int]], bound: int) -> str:
    """Why these files, path and size, were not taken, the newest of them first."""
    newest = files[0][0].decode("utf-8", "surrogateescape")
    size = sum(size for _path, size in files)
    what = "%s and %d older files" % (newest, len(files) - 1) if len(files) > 1 else newest
    return "left out: %s (%d bytes), for more than %d MiB of logs are not taken at once" % (what, size, bound >> 20)


def _found(chain: Chain, number: int, pattern: bytes) -> "Iterator[Union[_File, Told]]":
    """Yield each file that matches, and why one that does cannot be taken."""
    for count, (names, why, _uid) in enumerate(inside.places(chain, pattern, inside.LIMIT)):
        if count == inside.MATCHES:
            yield number, pattern, None, "more than %d paths match" % inside.MATCHES
            return
        path = b"/" + b"/".join(names)
        if why:
            yield number, path, None, why
            continue
        try:
            real = inside.resolved(chain, names)
            handle = inside.opened_file(chain, real)
        except OSError as error:
            if error.errno not in inside.ABSENT and error.errno != errno.EISDIR:
                yield number, path, None, reason(error)
            continue
        try:
            secret = any(take.is_secret(b"/" + b"/".join(each)) for each in (names, real))
            if secret or take.holds_hashes(chain, (real,), handle):
                yield number, path, None, "holds secrets, and is no log"
                continue
            yield _File(number, names, real, os.fstat(handle))
        finally:
            os.close(handle)


def _pieces(chain: Chain, one: _File) -> Iterator[Tuple[Optional[bytes], str]]:
    try:
        handle = inside.opened_file(chain, one.real)
    except OSError as error:
        yield None, reason(error)
        return
    try:
        it = os.fstat(handle)
        if it.st_ino != one.it.st_ino:
            raise OSError(errno.ESTALE, "another file took its name meanwhile")
        for at, data in _read(handle, one.it):
            if take.begins_as_key(data) and not at:
                raise OSError(errno.EPERM, "holds a private key, so nothing of it was taken")
            yield head(one.it, at) + data, ""
    except OSError as error:
        yield None, reason(error)
    finally:
        os.close(handle)


def head(it: os.stat_result, at: int) -> bytes:
    """What stands before a piece."""
    return HEAD % (it.st_size, it.st_mtime_ns, it.st_mode, it.st_uid, it.st_gid, it.st_ino, at)


def _read(handle: int, it: os.stat_result) -> Iterator[Tuple[int, bytes]]:
    """Yield the pieces up to the length that the file had, and where each begins; the holes of a sparse file are skipped."""
    size, at = it.st_size, 0
    sparse = it.st_blocks and it.st_blocks * 512 < size
    while at < size:
        start = _seek(handle, at, os.SEEK_DATA, 1 << 62) if sparse else at
        if start >= size:
            break
        end = min(_seek(handle, start, os.SEEK_HOLE, size), size) if sparse else size
        data = os.pread(handle, min(PIECE, end - start), start)
        if not data:
            raise OSError(errno.EIO, CUT)
        yield start, data
        at = start + len(data)
    if at < size or not size:
        yield size, b""


def _seek(handle: int, at: int, whence: int, without: int) -> int:
    """Where the next bytes, or the next hole, are; what a file system says that knows nothing of holes."""
    try:
        return os.lseek(handle, at, whence)
    except OSError as error:
        return without if error.errno == errno.ENXIO else at if whence == os.SEEK_DATA else without
