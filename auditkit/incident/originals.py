"""Files that are to be evidence, as they lie there: opened so that little of them changes, and what is known of them."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import IO

from auditkit import opening
from auditkit.errors import AuditkitError, UsageError
from auditkit.printable import printable
from auditkit.words import written as moment

PIECE = 1 << 20
BEYOND = 64 << 20
"""Bytes that a file may grow by while it is copied, or may hold though it says that it holds none, as those of /proc do."""
UNREAL = ("/proc", "/sys")
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
WRITE_IT = "write what it holds to a file, and attach that"


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """A file for reading, so that the time of its last reading stays as it is, where that is allowed.

    Raises:
        UsageError: it is no file: a directory, a link, a pipe, a device.
        AuditkitError: it cannot be read.
    """
    with _told(path), open(path, "rb", buffering=0, opener=_unseen) as file:
        _check_end(path, os.fstat(file.fileno()))
        yield file


def digest(path: str, most: int) -> tuple[int, str]:
    """Size and SHA-256 of a file; of one that is longer than `most` only the size, for that would take its time.

    Raises:
        UsageError: it is no file.
        AuditkitError: it cannot be read.
    """
    with opened(path) as source:
        size = os.fstat(source.fileno()).st_size
        if size > most:
            return size, ""
        first = streamed(source, size + BEYOND)
    return first.size, first.digest


def _unseen(path: str, flags: int) -> int:
    """For open(): a file itself, so that the time of its last reading stays as it is, where that is allowed.

    What it is is looked at first: opening a device can do more than read, and opening a pipe lets its writer go on.
    """
    _check(path, os.lstat(path).st_mode)
    try:
        return opening.itself(path, flags | os.O_NOATIME)
    except PermissionError:  # only the owner may
        return opening.itself(path, flags)


def _check_end(path: str, status: os.stat_result) -> None:
    """Refuse what the kernel shows as a file and has no end worth the name, as /proc/kcore, which is all of its memory."""
    if status.st_size > BEYOND and status.st_dev in {os.stat(place).st_dev for place in UNREAL if os.path.isdir(place)}:
        raise UsageError(
            f"{_shown(path)} is no file on a disk, and has no end", "take memory with a tool for it, and attach that"
        )


def _check(path: str, mode: int) -> None:
    shown = _shown(path)
    if stat.S_ISLNK(mode):
        target = printable(os.readlink(path))[:200]
        raise UsageError(f"{shown} is a link, to {target}", "name the file that it leads to, if that is what you mean")
    if stat.S_ISDIR(mode):
        pack = "pack it: tar -cf /somewhere/else/NAME.tar DIRECTORY; or name each file in it"
        raise UsageError(f"{shown} is a directory", pack)
    if not stat.S_ISREG(mode):
        raise UsageError(f"{shown} is {_KINDS.get(stat.S_IFMT(mode), 'no file')}, and no file", WRITE_IT)


@dataclass(frozen=True, slots=True)
class Stream:
    """What came out of a file."""

    size: int
    digest: str


def streamed(source: IO[bytes], most: int, put: Callable[[bytes], object] = len) -> Stream:
    """Read a file to its end, or as far as it is read at all; each piece is put where it belongs."""
    digest, size = sha256(), 0
    while size < most and (piece := source.read(min(PIECE, most - size))):
        digest.update(piece)
        size += len(piece)
        put(piece)
    return Stream(size, digest.hexdigest())


def known(path: str, status: os.stat_result) -> dict[str, object]:
    """Where a file was, and what its inode said before it was read."""
    where = os.path.join(os.path.realpath(os.path.dirname(os.path.abspath(path))), os.path.basename(path))
    return {
        "from": where,
        "mtime": moment(status.st_mtime_ns),
        "ctime": moment(status.st_ctime_ns),
        "mode": f"{stat.S_IMODE(status.st_mode):04o}",
        "uid": status.st_uid,
        "gid": status.st_gid,
    }


def changed(before: os.stat_result, status: os.stat_result, first: Stream, after: Stream) -> dict[str, object]:
    """Whether a file changed while it was read, and what it is like since."""
    short = before.st_size and first.size != before.st_size
    same = (before.st_size, before.st_mtime_ns) == (status.st_size, status.st_mtime_ns)
    if same and first == after and not short:
        return {}
    return {"changed": True, "size_after": status.st_size, "mtime_after": moment(status.st_mtime_ns)}


@contextmanager
def _told(path: str) -> Iterator[None]:
    """What goes wrong with a source as our own error."""
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a NUL in a name
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise AuditkitError(f"{_shown(path)} cannot be read: {reason}", "name a file that you may read") from error


def _shown(path: str) -> str:
    """A path in a message: a name may be 4 KiB long."""
    shown = printable(path)
    return shown if len(shown) <= 200 else f"{shown[:100]}...{shown[-80:]}"
