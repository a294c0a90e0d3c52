"""Releases with their lists, kept on this machine as they were fetched, so that each is fetched once for all hosts.

    DIRECTORY/SHA256-OF-THE-INRELEASE/InRelease
    DIRECTORY/SHA256-OF-THE-INRELEASE/main_binary-amd64_Packages.xz

What lies there is believed no more than what a mirror says: chain.of_apt holds it against its signature each time.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, Protocol

import zstandard

from auditkit.errors import AuditkitError, FormatError, UntrustedError
from auditkit.model import Gap
from auditkit.opening import whole
from auditkit.printable import printable
from auditkit.vendor import mirror
from auditkit.vendor.debs import UnavailableError
from auditkit.vendor.gpgv import binary
from auditkit.vendor.release import Release, checked
from auditkit.vendor.unpack import PIECE

UNUSED = 60 * 86400
"""Seconds after which a release that nobody has asked for is removed; Debian's main lists take 10 MB."""
LARGEST_FETCHED = 4 << 20
"""Bytes of an InRelease from a mirror, which may take its time by as many; the largest of Debian have 200 kB."""
LARGEST_LIST = 512 << 20
"""Bytes of a list as it is fetched; the largest of Debian, unpacked, has 60 MB."""
MOST_LISTS = 200
"""Lists of one release that are fetched: each component for each architecture."""
SIGNED = "InRelease"


class Archive(Protocol):
    """One suite of one archive, wherever it lies."""

    @property
    def name(self) -> str:
        """How it is told of: `http://mirror.example/debian bookworm`."""
        ...

    @property
    def packed(self) -> Sequence[str]:
        """How it may have packed a list, the best first; empty for plain text."""
        ...

    def wanted(self, release: Release) -> Sequence[str]:
        """Which of its lists are wanted: `main/binary-amd64/Packages`."""
        ...

    def release(self) -> bytes:
        """Its InRelease.

        Raises:
            UnservedError: it does not give it.
        """
        ...

    def file(self, path: str, most: int) -> BinaryIO:
        """One of the files that its release names, of `most` bytes.

        Raises:
            UnservedError: it does not give it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Mirror:
    """A suite as a mirror has it; its name ends in a slash where the archive is flat."""

    base: str
    suite: str
    components: Sequence[str]
    architectures: Sequence[str]
    packed: Sequence[str] = (".xz", ".gz", ".zst", ".bz2", "")

    @property
    def name(self) -> str:
        """`http://mirror.example/debian bookworm`."""
        return printable(f"{self.base} {self.suite}")

    def wanted(self, release: Release) -> Sequence[str]:
        """The list of each component for each architecture; an archive that has no components has one."""
        if not self.components:
            return ["Packages"]
        return [f"{part}/binary-{each}/Packages" for part in self.components for each in self.architectures]

    def release(self) -> bytes:
        """Its InRelease, fetched."""
        with self.file(SIGNED, LARGEST_FETCHED) as file:
            return file.read()

    def file(self, path: str, most: int) -> BinaryIO:
        """A file of it, fetched."""
        place = self.suite.strip("/") if self.suite.endswith("/") else f"dists/{self.suite}"
        return mirror.fetched(self.base, f"{place}/{path}".lstrip("/"), most)


def kept(directory: str, archive: Archive, keyrings: Sequence[bytes]) -> tuple[str, tuple[Gap, ...]]:
    """The directory of what an archive has signed now, with the lists wanted, and what it does not give.

    Raises:
        UntrustedError: none of the keys signed its release.
        FormatError: its release, or a keyring, is none.
        UnservedError: it does not give its release.
        AuditkitError: the directory cannot be written to.
    """
    text = archive.release()
    release = checked(text, [binary(keyring) for keyring in keyrings], None)
    place = os.path.join(directory, hashlib.sha256(text).hexdigest())
    gaps = []
    with _writing(directory):
        os.makedirs(place, mode=0o700, exist_ok=True)
        for path in archive.wanted(release)[:MOST_LISTS]:
            try:
                _keep(place, archive, path, release)
            except (mirror.UnservedError, UnavailableError, UntrustedError, FormatError) as error:
                gaps.append(Gap(f"{archive.name} {printable(path)}", printable(str(error))))
        _put(os.path.join(place, SIGNED), [text])
        os.utime(place)
    return place, tuple(gaps)


def _keep(place: str, archive: Archive, path: str, release: Release) -> None:
    """Fetch one list, unless it is there; what is plain there is packed here."""
    named = next((path + suffix for suffix in archive.packed if path + suffix in release.files), None)
    if named is None:
        raise UnavailableError("the signed release has no such list")
    size, sha256 = release.files[named]
    target = os.path.join(place, named.replace("/", "_") + (".zst" if named == path else ""))
    if os.path.lexists(target):
        return
    if size > LARGEST_LIST:
        raise UnavailableError(f"it is larger than {LARGEST_LIST >> 20} MiB")
    with archive.file(named, size) as file:
        digest = hashlib.sha256()
        _put(
            target, _packed(_told(file, digest)) if named == path else _told(file, digest), lambda: digest.hexdigest() == sha256
        )


def _told(file: BinaryIO, digest: "hashlib._Hash") -> Iterator[bytes]:
    while piece := file.read(PIECE):
        digest.update(piece)
        yield piece


def _packed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packing = zstandard.ZstdCompressor(level=3).compressobj()
    yield from map(packing.compress, pieces)
    yield packing.flush()


def _put(target: str, pieces: Iterable[bytes], is_good: Callable[[], bool] = lambda: True) -> None:
    """Write a file, and give it its name if it is good.

    Raises:
        UntrustedError: it is not.
    """
    with whole(target) as file:
        file.writelines(pieces)
        if not is_good():
            raise UntrustedError("it is not the list that was signed", "run apt update where it comes from")


@contextlib.contextmanager
def _writing(directory: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AuditkitError(
            f"lists cannot be kept in {printable(directory)}: {error.strerror or error}", "name another --store"
        ) from error
