"""`--advisories FILE`: files of advisories, read before any host is asked, each recognised by its content."""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from os import fstat
from typing import IO

from auditkit.advisories import LARGEST, Feed, debian, dsa, kev, osv
from auditkit.commands import answering
from auditkit.errors import FormatError
from auditkit.opening import regular
from auditkit.printable import printable

BEGIN = 64 << 10
"""Bytes by which a file is recognised."""
LARGEST_ZIP = 2 << 30
"""Bytes that all records of a zip may come to."""
KINDS = "Debian's tracker (JSON), a DSA or DLA list, OSV (JSON, lines of JSON, zip) or KEV"


def read(paths: Sequence[str]) -> tuple[Feed, ...]:
    """What the files say; of which day each is, and its digest, is said on stderr.

    Raises:
        FormatError: one of them cannot be read, or is none that is known.
    """
    found = []
    for path in paths:
        try:
            found.append(_read(path))
        except FormatError as error:
            raise FormatError(f"{printable(path)} is no advisories that can be used: {error}", error.hint) from error
        except OSError as error:
            raise FormatError(f"{printable(path)} cannot be read: {error.strerror}", f"name a file: {KINDS}") from error
    return tuple(found)


def told(feeds: Sequence[Feed]) -> None:
    """Say which files are gone by."""
    for feed in feeds:
        answering.talk(f"auditkit: advisories: {printable(feed.file)}: {feed.kind} of {feed.made or 'no date'}, {feed.digest}")


def _read(path: str) -> Feed:
    with open(path, "rb", opener=regular) as file:
        data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise FormatError(f"it is larger than {LARGEST >> 20} MiB", "take out what is not needed")
        written = datetime.fromtimestamp(fstat(file.fileno()).st_mtime, UTC).date()
        digest = f"sha256:{sha256(data).hexdigest()}"
        if data.startswith(b"PK\x03\x04"):
            file.seek(0)
            with _opened(file) as archive:
                return osv.read(_members(archive), path, digest)
    begin = data[:BEGIN].decode("utf-8", "replace")
    if dsa.is_one(begin):
        return dsa.read(data, path, digest)
    if debian.is_one(begin):
        return debian.read(_text(data), path, digest, written)
    if kev.is_one(begin):
        return kev.read(data, path, digest)
    if osv.is_one(begin):
        return osv.read(osv.records(data), path, digest)
    raise FormatError("it is none of the forms that are known", f"give {KINDS}")


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError("it is not UTF-8", "fetch it anew") from error


def _opened(file: IO[bytes]) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise FormatError("it is a damaged zip", "fetch it anew") from error


def _members(archive: zipfile.ZipFile) -> Iterator[bytes]:
    """Yield the files of a zip."""
    left = LARGEST_ZIP
    try:
        for member in archive.infolist():
            if member.is_dir():
                continue
            with archive.open(member) as file:
                data = file.read(osv.LARGEST_RECORD + 1)
            left -= len(data)
            if left < 0:
                raise FormatError(f"it unpacks to more than {LARGEST_ZIP >> 30} GiB", "give fewer records")
            yield data
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, ValueError, OSError) as error:
        raise FormatError("it is a damaged zip", "fetch it anew") from error
