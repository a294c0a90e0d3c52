"""A baseline being written: without a name, synced, sealed, and named last, so that a run killed at any moment leaves nothing.

A name that is taken is never written over. The format is that of baseline.py.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, Self

import zstandard
from blake3 import blake3

from auditkit import opening
from auditkit.baseline import CHUNK, header_document
from auditkit.errors import AuditkitError
from auditkit.header import Header
from auditkit.model import Gap
from auditkit.printable import printable

POLL = 0.1
"""Seconds between two looks whether it is our turn."""


@contextlib.contextmanager
def locked(directory: str, waiting: Callable[[], None]) -> Iterator[None]:
    """Only one run at a time writes baselines of one host; `waiting` is called once if another one does."""
    with _open(directory) as handle:
        if not _turn(handle):
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def in_turn(directory: str, seconds: float) -> Iterator[None]:
    """One after the other, so that nothing is fetched twice; but nobody is waited for longer than that."""
    with _open(directory) as handle:
        end = time.monotonic() + seconds
        while not _turn(handle) and time.monotonic() < end:
            time.sleep(POLL)
        yield


def _turn(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def _open(directory: str) -> Iterator[int]:
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _unwritable(directory, error) from error
    try:
        yield handle
    finally:
        os.close(handle)


def _unwritable(path: str, error: OSError) -> AuditkitError:
    return AuditkitError(f"{printable(path)} cannot be written: {error.strerror}", "name another place with --store or -o")


def taken(path: str) -> AuditkitError:
    """The error of a name that is in use."""
    return AuditkitError(f"{printable(path)} is there already and is never overwritten", "name another file")


class Unnamed:
    """A compressed text being written to a file without a name; `finish` gives it its name, `drop` leaves nothing of it."""

    def __init__(self, path: str, level: int) -> None:
        self.path = path
        self._digest = blake3()
        self._beside = ""
        self._file, self._temporary = _unnamed(path)
        self._zstd: Any = zstandard.ZstdCompressor(level=level).stream_writer(self._file, closefd=False)

    def drop(self) -> None:
        """Give the file back: what has no name by now is gone."""
        with contextlib.suppress(OSError):  # a disk that is full is so for what is thrown away too
            self._file.close()
        for left in (self._temporary, self._beside):
            if left:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(os.path.dirname(os.path.abspath(self.path)), left))

    def write(self, text: bytes) -> None:
        """Write what comes next.

        Raises:
            AuditkitError: the disk is full.
        """
        try:
            self._digest.update(text)
            self._zstd.write(text)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def digest(self) -> str:
        """BLAKE3 of all that was written, in hex."""
        return self._digest.hexdigest()

    def finish(self, last: bytes, seal: Callable[[IO[bytes]], bytes] | None) -> None:
        """Write the last line, bring it all to the disk, seal it and give the file its name.

        The signature lies beside it before the file has its name: there is never a file that lacks only its seal.

        Raises:
            AuditkitError: the disk is full, or the name is taken.
        """
        if os.path.lexists(self.path):  # before its seal is written over
            raise taken(self.path)
        try:
            self._zstd.write(last)
            self._zstd.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            if seal:
                self._file.seek(0)
                signature = seal(self._file)
                self._beside = os.path.basename(self.path) + ".sig"
                _write_beside(self.path + ".sig", signature)
            opening.name(self._file.fileno(), self._temporary, self.path)
            self._beside = ""
        except FileExistsError as error:
            raise taken(self.path) from error
        except OSError as error:
            raise _unwritable(self.path, error) from error


class Writer:
    """A baseline being written; `close` gives it its name, and leaving without it leaves nothing."""

    def __init__(self, path: str, header: Header) -> None:
        self.entries = 0
        self._held: list[bytes] = []
        self._size = 0
        self._file = Unnamed(path, level=1)
        try:
            self._file.write(_line(header_document(header)))
        except AuditkitError:
            self._file.drop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.drop()

    def add(self, block: bytes) -> None:
        """Write the next block, with others at once."""
        self._held.append(block)
        self._size += len(block)
        if self._size > CHUNK:
            self._flush()

    def _flush(self) -> None:
        text = b"".join(self._held)
        self.entries += text.count(b"\n") - len(self._held) - text.count(b"\n=")
        self._held, self._size = [], 0
        self._file.write(text)

    def close(self, gaps: Iterable[Gap], seal: Callable[[IO[bytes]], bytes] | None = None) -> None:
        """Write the footer, and finish the file.

        Raises:
            AuditkitError: the disk is full, or the name is taken.
        """
        self._flush()
        told = [{"subject": gap.subject, "reason": gap.reason} for gap in gaps]
        self._file.finish(_line({"entries": self.entries, "gaps": told, "blake3": self._file.digest()}), seal)


def _line(told: dict[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


def _unnamed(path: str) -> tuple[IO[bytes], str]:
    """A file without a name beside `path`, or, where the file system cannot do that, one with a name that tells."""
    try:
        return opening.unnamed(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _write_beside(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
