"""The package systems that auditkit reads, one line each.

Outside of packages/, whose readers stand on its nouns: who needs the nouns, or one reader, does not load them all.
"""

import fnmatch
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from auditkit.model import Gap, Need
from auditkit.packages import Compare, Manifest, Package, apk, dpkg, pacman, rpm_versions, rpmdb, versions


@dataclass(frozen=True, slots=True)
class System:
    """One package system: by which files of a host it is recognised, and how these are read.

    The readers are given the bytes of files by their path; they yield a Gap for what they do not understand, and go on.
    """

    name: str
    needs: tuple[Need, ...]
    """What says which packages are installed; a host that has one of these has the system."""
    lists: tuple[Need, ...]
    """What says, beyond that, which paths belong to which package: very many files, or none where the needs hold it all.

    The first of them alone tells the paths.
    """
    packages: Callable[[Mapping[str, bytes]], Iterator[Package | Gap]]
    manifests: Callable[[Mapping[str, bytes]], Iterator[Manifest | Gap]]
    compare: Compare

    def known_by(self, path: str) -> bool:
        """Whether a path is one of those by which the system is recognised."""
        return any(fnmatch.fnmatchcase(path, need.what) for need in self.needs)


SYSTEMS: tuple[System, ...] = (
    System(
        "dpkg",
        (dpkg.STATUS, dpkg.DISTROLESS),
        (dpkg.LISTS, dpkg.SUMS, dpkg.CONFFILES),
        dpkg.packages,
        dpkg.manifests,
        versions.deb,
    ),
    System("apk", apk.PLACES, (), apk.packages, apk.manifests, versions.apk),
    System("pacman", (pacman.DESC,), (pacman.FILES, pacman.MTREE), pacman.packages, pacman.manifests, versions.alpm),
    System("rpm", rpmdb.PLACES, (), rpmdb.packages, rpmdb.manifests, rpm_versions.compare),
)


def recognised(paths: Iterable[str]) -> tuple[System, ...]:
    """The package systems of a host on which these files were found."""
    found = tuple(paths)
    return tuple(system for system in SYSTEMS if any(map(system.known_by, found)))
