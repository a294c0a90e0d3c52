"""What is installed, and what each package ships: one file per package system, one line to register it.

Pure: bytes of a package database in, frozen data out. Such bytes come from hosts, so every reader is bounded and strict; what
it does not understand it tells as a Gap that names the place, and the other packages are still told of.
"""

import fnmatch
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from auditkit.model import Gap, Kind, Need


@dataclass(frozen=True, slots=True)
class Package:
    """One installed package in one version."""

    system: str
    """`dpkg`, `rpm`, `pacman` or `apk`."""
    name: str
    version: str
    """As the system itself writes it, the epoch included."""
    arch: str
    state: str = "installed"
    """`installed`, or what is wrong with it in the system's own word: `unpacked`, `half-configured`, ..."""
    source: str = ""
    """The source package, if it has another name."""
    installed: datetime | None = None
    """When this version was put there, as far as the database says."""

    @property
    def key(self) -> str:
        """What tells it from all other installed ones: `name:arch`, `name` where it has none."""
        return f"{self.name}:{self.arch}" if self.arch else self.name


@dataclass(frozen=True, slots=True)
class Shipped:
    """One path as a package ships it; None is what its manifest does not say."""

    path: str
    """From the root, as the package names it: on a merged /usr `/bin/ls` may be found as `/usr/bin/ls`."""
    kind: Kind | None
    mode: int | None = None
    owner: str | None = None
    """Its name, or the number where a database has only that."""
    group: str | None = None
    size: int | None = None
    digests: tuple[str, ...] = ()
    """As an entry has them, `sha256:HEX`; `md5:HEX` where a database knows no better."""
    target: str | None = None
    """Where a symlink leads, as it is written in it."""
    capabilities: str | None = None
    """As text, `cap_net_raw=ep`; only rpm ships them."""
    config: bool = False
    """The admin may change it: a conffile of dpkg, %config of rpm, backup of pacman."""
    optional: bool = False
    """It may be missing, or be anything: %ghost, %config(missingok), %doc left out."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """All paths of a package in one version, and on whose word."""

    package: Package
    files: tuple[Shipped, ...]
    proof: str
    """`signed`: it is part of what the vendor signed; `local`: the word of the host's own database; `forged`: that word, where
    it contradicts what the vendor signed."""
    source: str
    """Who says so, for the reader: `InRelease of 2026-11-22, key 4D64FEC119C2029067D6E791F8D2585B8783D481`."""
    scripts: str = ""
    """The text of maintainer scripts, in which modes and owners may be set that the archive does not have."""


Compare = Callable[[str, str], int]
"""Of two versions: below 0 if the first is older, 0 if they are the same, above 0 if it is newer."""


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


# the readers stand on the nouns above
from auditkit.packages import apk, dpkg, pacman, rpm_versions, rpmdb, versions  # noqa: E402

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
