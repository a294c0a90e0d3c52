"""Which package a path of a host belongs to: found at once, for all the paths of all its packages.

Only places and numbers of packages are kept, some hundred bytes a path; what a package says of a path is for its manifest.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from auditkit.packages import Manifest, Package, Shipped
from auditkit.packages.layout import Layout


@dataclass(frozen=True, slots=True)
class Owner:
    """One package that has put something at a place."""

    package: Package
    path: str
    """As the package names it, which may be another than the place: through a link, or a diversion."""


class Owned:
    """The places of all that packages ship, as one host has them."""

    def __init__(self, manifests: Iterable[Manifest] = (), layout: Layout | None = None) -> None:
        """`manifests` is gone through once, and none of them is kept."""
        self.layout = layout or Layout()
        self.packages = list[Package]()
        self.by = dict[str, int | list[int]]()
        """Numbers of packages by place; most places have one."""
        self.names = dict[tuple[str, int], str]()
        """How a package names a place that it names otherwise."""
        self.take(manifests)

    def take(self, manifests: Iterable[Manifest]) -> None:
        """Take what more packages ship."""
        for manifest in manifests:
            number = len(self.packages)
            self.packages.append(manifest.package)
            for place, shipped in self.places(manifest):
                self._add(place, number)
                if place != shipped.path:
                    self.names[place, number] = shipped.path

    def places(self, manifest: Manifest) -> Iterable[tuple[str, Shipped]]:
        """Yield where each path of a package is on this host, and what the package says of it."""
        name = manifest.package.name
        return ((self.layout.place(shipped.path, name), shipped) for shipped in manifest.files)

    def _add(self, place: str, number: int) -> None:
        known = self.by.setdefault(place, number)
        if isinstance(known, list):
            if known[-1] != number:
                known.append(number)
        elif known != number:
            self.by[place] = [known, number]

    def __len__(self) -> int:
        """How many places belong to somebody."""
        return len(self.by)

    def __contains__(self, path: str) -> bool:
        """Whether a path belongs to a package."""
        return bool(self._numbers(path)[1])

    def owners(self, path: str) -> tuple[Owner, ...]:
        """The packages that a path belongs to; many have a directory in common, and some a file."""
        place, numbers = self._numbers(path)
        return tuple(Owner(self.packages[number], self.names.get((place, number), place)) for number in numbers)

    def _numbers(self, path: str) -> tuple[str, list[int]]:
        """The place of a path and the packages there; whoever names it through a link means the same place."""
        known = self.by.get(path)
        if known is None:
            path = self.layout.real(path)
            known = self.by.get(path, [])
        return path, known if isinstance(known, list) else [known]
