"""What apt of a host over a network has: its signed lists, and packages in its cache. They count by signature and digest."""

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from auditkit.hosts import Host, Suspect
from auditkit.model import Gap, Item, Means, Need
from auditkit.packages import Package
from auditkit.packages.index import Listed
from auditkit.printable import printable
from auditkit.probe.take import LONGEST
from auditkit.vendor.debs import called
from auditkit.vendor.lists import SUFFIXES
from auditkit.vendor.mirror import UnservedError
from auditkit.vendor.release import LARGEST, Release
from auditkit.vendor.unpack import PIECE, Unpacked

PACKED = ("", *SUFFIXES)
LISTS, CACHE = "/var/lib/apt/lists/", "/var/cache/apt/archives/"
RELEASES = Need(Means.FILE, f"{LISTS}*InRelease", "which packages their vendor signed")
MOST_RELEASES = 200
"""Releases of one host that are looked at, each some 20 ms; one with twenty third-party sources has thirty."""
MOST = 1 << 30
"""Bytes of packages that are fetched from one host in one run."""


@dataclass(frozen=True, slots=True)
class Lists:
    """One release among the lists of apt of a host."""

    host: Host
    suspect: Suspect
    """The same."""
    path: str
    text: bytes
    architectures: frozenset[str]
    packed: Sequence[str] = ("",)

    @property
    def name(self) -> str:
        """Where it lies there."""
        return printable(self.path)

    def wanted(self, release: Release) -> Sequence[str]:
        """The lists of packages that it has, of the architectures asked for."""
        ends = tuple(f"/binary-{each}/Packages" for each in self.architectures)
        named = {self._stem(path): path for path in release.files if path.endswith(ends) or path == "Packages"}
        there = self.suspect.present([stem + suffix for stem in named for suffix in PACKED])
        return sorted({path for found, _inode, _changed in there for stem, path in named.items() if found.startswith(stem)})

    def release(self) -> bytes:
        """The InRelease, which was fetched with all others."""
        return self.text

    def file(self, path: str, most: int) -> BinaryIO:
        """One list, fetched, however apt has packed it there."""
        stem, suffix = self._stem(path), None
        needs = tuple(Need(Means.FILE, stem + each, RELEASES.why, long=True) for each in PACKED)
        file = tempfile.TemporaryFile()  # noqa: SIM115 - handed on
        for told in self.host.take(needs):  # to its end, for the host is still talking
            if isinstance(told, Item) and suffix in (None, told.source[len(stem) :]) and file.tell() <= most:
                suffix = told.source[len(stem) :]
                file.write(told.data)
        if suffix is None:
            raise UnservedError("the host does not hand it out")
        file.seek(0)
        return _plain(file, suffix, most) if suffix else file

    def _stem(self, path: str) -> str:
        """What apt calls a list, however it is packed."""
        return self.path.removesuffix("InRelease") + path.replace("/", "_")


def _plain(file: BinaryIO, suffix: str, most: int) -> BinaryIO:
    plain = tempfile.TemporaryFile()  # noqa: SIM115 - handed on
    unpacked = Unpacked(file, suffix, most)
    while piece := unpacked.read(PIECE):
        plain.write(piece)
    plain.seek(0)
    return plain


def releases(host: Host, suspect: Suspect, architectures: Iterable[str]) -> list[Lists | Gap]:
    """The releases that apt of a host has, and what of them could not be had."""
    wanted, size, found, gaps = frozenset(architectures), 0, list[Lists | Gap](), list[Gap]()
    is_all = True
    for told in host.take((RELEASES,)):  # to its end, for the host is still talking
        if isinstance(told, Gap):
            gaps.append(told)
        elif len(found) < MOST_RELEASES and (size := size + len(told.data)) <= LARGEST:
            found.append(Lists(host, suspect, told.source, told.data, wanted))
        else:
            is_all = False
    if not is_all:
        many = f"more than {MOST_RELEASES} releases, or {LARGEST >> 20} MiB of them"
        gaps.append(Gap(LISTS, f"it has {many}: the others were not looked at"))
    return [*found, *gaps]


def cached(host: Suspect, packages: Iterable[Package]) -> frozenset[str]:
    """The names of those packages, as apt calls them, that are in a host's cache."""
    paths = [CACHE + called(package.name, package.version, package.arch) for package in packages]
    return frozenset(path.removeprefix(CACHE) for path, _inode, _changed in host.present(paths))


def fetch(host: Host, listed: Sequence[Listed], directory: str) -> None:
    """Bring these packages from a host's cache into a directory, as far as they are of the size that was signed.

    Raises:
        HostError: the host fell silent.
        OSError: the directory cannot hold them.
    """
    sizes = {CACHE + called(one.name, one.version, one.arch): one.size for one in listed}
    for paths in _batches(sizes):
        needs = tuple(Need(Means.FILE, path, "what a package ships", long=True) for path in paths)
        for told in host.take(needs):
            if not isinstance(told, Gap) and told.source in sizes:
                with open(os.path.join(directory, os.path.basename(told.source)), "ab") as file:
                    if file.tell() + len(told.data) <= sizes[told.source]:
                        file.write(told.data)


def _batches(sizes: dict[str, int]) -> Iterator[list[str]]:
    """Yield paths of files, so many at once as one question may ask for, until that is enough of all."""
    batch, size, left = list[str](), 0, MOST
    for path, more in sizes.items():
        if more > min(LONGEST, left):
            continue
        left -= more
        if batch and size + more > LONGEST:
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += more
    if batch:
        yield batch
