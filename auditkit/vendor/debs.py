"""Where packages come from: directories such as apt's cache, then mirrors. Each is believed by its SHA-256 alone.

A file is hashed before anything takes it apart, so that what strangers put into a cache never meets a parser; and again
while it is taken apart, since it may have changed in between.
"""

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from auditkit.errors import AuditkitError
from auditkit.packages import Manifest
from auditkit.packages.index import Listed
from auditkit.printable import printable
from auditkit.vendor import deb, mirror
from auditkit.vendor.manifests import Manifests
from auditkit.vendor.unpack import PIECE


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look for packages, in this order."""

    directories: tuple[str, ...] = ()
    """apt's cache of any machine, or any other directory of .debs."""
    mirrors: tuple[str, ...] = ()
    """Addresses of archives, the part before `pool/`; nothing is fetched where there are none."""
    copies: Mapping[str, str] = field(default_factory=dict)
    """Of directories here that hold copies, what they are copies of: that is what is told."""


class UnavailableError(AuditkitError):
    """A package is not to be had, or is not the right one; the message says why for each place."""


def manifest(listed: Listed, told: str, places: Places, cache: Manifests | None) -> Manifest:
    """What a package ships, from the cache, or from the package itself and then into the cache.

    Raises:
        UnavailableError: it is nowhere to be had.
        FormatError: it cannot be taken apart.
        AuditkitError: the cache cannot be written to.
    """
    if cache and (known := cache.get(listed.sha256, listed.name, listed.version, listed.arch)):
        return replace(known, source=told)
    with opened(listed, places) as file:
        try:
            found = deb.read(file, listed.sha256, listed.size, told)
        except OSError as error:
            raise UnavailableError(f"its file cannot be read: {error.strerror}") from error
    package = found.package
    if (package.name, package.version, package.arch) != (listed.name, listed.version, listed.arch):
        calls = printable(f"{package.name} {package.version}"[:300])
        raise UnavailableError(f"what is signed for as {listed.name} {listed.version} calls itself {calls}")
    if cache:
        cache.put(listed.sha256, found)
    return found


@contextlib.contextmanager
def opened(listed: Listed, places: Places) -> Iterator[BinaryIO]:
    """The file of a package, from the first place where it is the right one.

    Raises:
        UnavailableError: there is none.
    """
    reasons = list[str]()
    for attempt in _attempts(listed, places):
        if isinstance(attempt, str):
            reasons.append(attempt)
            continue
        with attempt as file:
            yield file
        return
    raise UnavailableError("; ".join(reasons) or "in no directory, and no mirror is named in auditkit.yaml (vendor:)")


def _attempts(listed: Listed, places: Places) -> Iterator[BinaryIO | str]:
    """Yield the right file, or why it was not to be had, from each place in turn."""
    for directory in places.directories:
        for name in dict.fromkeys((called(listed.name, listed.version, listed.arch), os.path.basename(listed.filename))):
            told = printable(os.path.join(places.copies.get(directory, directory), name))
            yield from _from_file(os.path.join(directory, name), told, listed)
    for base in places.mirrors:
        try:
            file = mirror.fetched(base, listed.filename, listed.size)
        except mirror.UnservedError as error:
            yield str(error)
            continue
        yield _right(file, listed) or f"{printable(base)} serves another file than the one that was signed"


def _from_file(path: str, told: str, listed: Listed) -> Iterator[BinaryIO | str]:
    try:
        file = open(path, "rb", opener=_plainly)  # noqa: SIM115 - handed on
    except FileNotFoundError:
        return
    except OSError as error:
        yield f"{told} cannot be read: {error.strerror}"
        return
    yield _right(file, listed) or f"{told} is not the file that was signed"


def _plainly(path: str, _flags: int) -> int:
    """A handle that no link leads away and no pipe holds up."""
    return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)


def _right(file: BinaryIO, listed: Listed) -> BinaryIO | None:
    """The file at its beginning, if it is a plain file with the content that was signed for; else it is closed."""
    try:
        status = os.fstat(file.fileno())
        if stat.S_ISREG(status.st_mode) and status.st_size == listed.size and _sha256(file) == listed.sha256:
            file.seek(0)
            return file
    except OSError:
        pass
    file.close()
    return None


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while data := file.read(PIECE):
        digest.update(data)
    return digest.hexdigest()


def called(name: str, version: str, arch: str) -> str:
    """How apt calls a package in its cache: with the epoch of its version, the colon written as %3a."""
    parts = (name, version, arch)
    return "_".join(part.replace("_", "%5f").replace(":", "%3a").replace("/", "%2f") for part in parts) + ".deb"
