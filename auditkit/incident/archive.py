"""A case in one file: a tar archive whose members are the same whenever the same is packed, for stock tools to unpack."""

import gzip
import io
import os
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import IO, BinaryIO, cast

from auditkit import opening
from auditkit.errors import AuditkitError, UntrustedError, UsageError
from auditkit.incident.cases import Case, settled
from auditkit.incident.originals import streamed
from auditkit.printable import printable


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive: made for it, or as it lies in the case."""

    name: str
    size: int
    sha256: str
    content: bytes | None = None
    """None: as it lies there."""


def made(name: str, content: bytes) -> Member:
    """A file that is made for the archive."""
    return Member(name, len(content), sha256(content).hexdigest(), content)


def form(path: str) -> Callable[[IO[bytes]], IO[bytes]]:
    """How an archive of that name is packed.

    Raises:
        UsageError: its name does not say.
    """
    found = next((packer for ending, packer in _FORMS.items() if path.endswith(ending)), None)
    if found is None:
        raise UsageError(
            f"{printable(path)} does not say how to pack", f"call it {', '.join(f'FILE{name}' for name in _FORMS)}"
        )
    return found


@dataclass(frozen=True, slots=True)
class Content:
    """What goes into an archive."""

    case: Case
    folder: str
    """Where every member lies there."""
    members: Sequence[Member]
    when: datetime
    """The time of every member."""
    passing: Callable[[int], None] = lambda _more: None
    """Is told how many bytes were read."""


def pack(path: str, content: Content) -> Member:
    """Write an archive, whole or not at all, and give its size and digest.

    Raises:
        UsageError: its name is taken, or does not say how to pack.
        UntrustedError: a file is no longer what it was when its digest was taken.
        AuditkitError: it cannot be written.
    """
    packer = form(path)
    if os.path.lexists(path):
        raise UsageError(f"{printable(path)} is there already", "name another file")
    try:
        with opening.whole(path) as file:
            with closing(packer(file)) as packed, tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar:
                for member in content.members:
                    _add(tar, content, member)
            file.flush()
            os.fsync(file.fileno())
            told = _digested(file)
        settled(os.path.dirname(os.path.abspath(path)))
    except OSError as error:
        raise AuditkitError(f"{printable(path)} cannot be written: {error.strerror}", "name another file with -o") from error
    return Member(path, *told)


def _digested(file: BinaryIO) -> tuple[int, str]:
    """Size and digest of what was written."""
    with open(os.dup(file.fileno()), "rb") as again:
        again.seek(0)
        read = streamed(again, sys.maxsize)
    return read.size, read.digest


def _add(tar: tarfile.TarFile, content: Content, member: Member) -> None:
    """Put a file into the archive, with nothing of this machine about it."""
    info = tarfile.TarInfo(f"{content.folder}/{member.name}")
    info.size, info.mtime, info.mode = member.size, int(content.when.timestamp()), 0o400
    with _opened(content.case, member) as file:
        source = _Hashed(file, content.passing)
        try:
            tar.addfile(info, cast("IO[bytes]", source))
        except OSError as error:
            if source.ended:
                raise _changed(member) from error
            raise
        if source.digest.hexdigest() != member.sha256:
            raise _changed(member)


@contextmanager
def _opened(case: Case, member: Member) -> Iterator[BinaryIO]:
    if member.content is not None:
        yield io.BytesIO(member.content)
        return
    with open(case.at(member.name), "rb", opener=opening.itself) as file:
        yield file


class _Hashed:
    """A file that is hashed while it is read."""

    def __init__(self, file: BinaryIO, passing: Callable[[int], None]) -> None:
        self._file = file
        self._passing = passing
        self.digest = sha256()
        self.ended = False

    def read(self, size: int) -> bytes:
        """The next bytes of it."""
        piece = self._file.read(size)
        self.digest.update(piece)
        self._passing(len(piece))
        self.ended = len(piece) < size
        return piece


def _changed(member: Member) -> UntrustedError:
    return UntrustedError(f"{member.name} changed while it was packed", "see auditkit incident verify")


def _plain(file: IO[bytes]) -> IO[bytes]:
    return cast("IO[bytes]", _Open(file))


class _Open:
    """A file that stays open when who writes to it closes it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.write = file.write

    def close(self) -> None:
        """Nothing: there is more to be done with it."""


def _gzip(file: IO[bytes]) -> IO[bytes]:
    return cast("IO[bytes]", gzip.GzipFile("", "wb", 6, file, mtime=0))


def _zstd(file: IO[bytes]) -> IO[bytes]:
    import zstandard  # noqa: PLC0415 - only here

    return cast("IO[bytes]", zstandard.ZstdCompressor(6, write_checksum=True).stream_writer(file, closefd=False))


_FORMS: Mapping[str, Callable[[IO[bytes]], IO[bytes]]] = {".tar": _plain, ".tar.gz": _gzip, ".tgz": _gzip, ".tar.zst": _zstd}
