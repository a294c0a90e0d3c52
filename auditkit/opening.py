"""How files are opened: where one of ours should lie nothing else is waited for, and at a pipe only who writes to it.

A pipe is opened only when somebody writes to it, which may be never, and opening a device can do more than read.
"""

import errno
import json
import os
import select
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, BinaryIO

PATIENCE = 5.0
"""Seconds for somebody to begin to write to a pipe."""


def regular(path: str, flags: int) -> int:
    """For open() as its `opener`: a file, or an OSError that says that there is something else."""
    handle = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY, 0o666)
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):  # open() itself refuses a directory
        return handle
    os.close(handle)
    raise OSError(errno.EINVAL, "it is no regular file", path)


def itself(path: str, flags: int) -> int:
    """As `regular`, but what a link leads to is not opened."""
    return regular(path, flags | os.O_NOFOLLOW)


def document(path: str, most: int, opener: Callable[[str, int], int] = regular) -> object:
    """The JSON in a file of our own; None where there is no such file, it is longer than `most` bytes, or it is no JSON."""
    try:
        with open(path, "rb", opener=opener) as file:
            data = file.read(most + 1)
        return json.loads(data) if len(data) <= most else None
    except (OSError, ValueError, RecursionError):
        return None


@contextmanager
def whole(path: str) -> Iterator[BinaryIO]:
    """A new file that gets its name once it is written without an error, and is gone otherwise; what had the name is replaced.

    Raises:
        OSError: it cannot be written.
    """
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def unnamed(path: str) -> tuple[IO[bytes], str]:
    """A new file beside `path` without a name, or, where the file system cannot do that, with one that tells: gives that, too.

    Raises:
        OSError: it cannot be made.
    """
    directory = os.path.dirname(os.path.abspath(path))
    try:
        return os.fdopen(os.open(directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600), "r+b"), ""
    except (IsADirectoryError, OSError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
    temporary = f".{os.path.basename(path)}.{os.getpid()}.tmp"
    place = os.path.join(directory, temporary)
    return os.fdopen(os.open(place, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600), "r+b"), temporary


def name(handle: int, temporary: str, path: str) -> None:
    """Give a file of `unnamed` its name, unless that is taken, and bring the name to the disk.

    Raises:
        FileExistsError: it is taken.
        OSError: it cannot be given.
    """
    directory = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # with a directory handle Python calls linkat(2), which alone can follow /proc/self/fd to the file
        source = temporary or f"/proc/self/fd/{handle}"
        base = os.path.basename(path)
        try:
            os.link(source, base, src_dir_fd=directory, dst_dir_fd=directory, follow_symlinks=not temporary)
        except PermissionError:  # a file system without hard links, such as a USB stick's
            if not temporary or os.path.lexists(path):
                raise
            os.rename(temporary, base, src_dir_fd=directory, dst_dir_fd=directory)
        os.fsync(directory)
    finally:
        os.close(directory)


def content(path: str, most: int) -> bytes:
    """The first bytes of a file that a person names, which may be a pipe, as a shell's `<(...)` is: whoever has it open for
    writing is waited for; where nobody has, not for long.

    Raises:
        OSError: it cannot be read, or nothing comes out of it.
    """
    with open(path, "rb", opener=_at_once) as file:
        first = _first(file) if stat.S_ISFIFO(os.fstat(file.fileno()).st_mode) else b""
        os.set_blocking(file.fileno(), True)
        return first + file.read(most - len(first))


def _first(pipe: IO[bytes]) -> bytes:
    """The first byte that comes out of a pipe, none where its writer takes his time."""
    waiting = select.poll()
    waiting.register(pipe, select.POLLIN)
    waiting.poll(PATIENCE * 1000)
    try:
        first = os.read(pipe.fileno(), 1)
    except BlockingIOError:  # there is a writer
        return b""
    if not first:
        raise OSError(errno.EPIPE, "nothing comes out of this pipe", pipe.name)
    return first


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
