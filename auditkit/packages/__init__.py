"""What is installed, and what each package ships: one file per package system; auditkit/systems.py registers each.

Pure: bytes of a package database in, frozen data out. Such bytes come from hosts, so every reader is bounded and strict; what
it does not understand it tells as a Gap that names the place, and the other packages are still told of.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from auditkit.model import Kind


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
    built: datetime | None = field(default=None, compare=False)
    """When this version was made, as far as the database says."""

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
    ghost: bool = False
    """The package names the path, and leaves open what is there: of %ghost alone."""
    bits: int = 0
    """For which machine a program or library is, 32 or 64; only rpm says so, which puts that of 64 where two have one path."""


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
    control: tuple[Shipped, ...] = ()
    """What dpkg keeps of a package in its own directory, by the ending of its name there: `postinst`, `list`, `md5sums`."""


Compare = Callable[[str, str], int]
"""Of two versions: below 0 if the first is older, 0 if they are the same, above 0 if it is newer."""
