"""What the signed packages of a host ship: put together once, and recalled as long as they and its layout are the same."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from blake3 import blake3

from auditkit import together
from auditkit.commands import vouching
from auditkit.errors import FormatError
from auditkit.packages import Package
from auditkit.packages.layout import Layout
from auditkit.packages.owned import Owned
from auditkit.vendor.manifests import Manifests
from auditkit.vouched import Vouched


@dataclass(frozen=True)
class Memory:
    """One host's, in a store."""

    store: str
    packages: Sequence[Package]
    distribution: str
    layout: Layout
    algorithm: str

    @cached_property
    def _cache(self) -> Manifests:
        return Manifests(os.path.join(self.store, vouching.CACHE))

    def recall(self) -> tuple[Vouched, Owned]:
        """What is known of those packages that it was kept of; of none where that cannot be recalled.

        Raises:
            ConfigError: others may write to the cache.
        """
        names = self._names()
        data = self._cache.recall(self._key(names)) if names else None
        try:
            if data is not None:
                return together.decode(data, self.layout, self.algorithm)
        except (ValueError, TypeError, KeyError, IndexError):  # of a version of auditkit that wrote it otherwise
            pass
        return Vouched(self.layout, self.algorithm), Owned(layout=self.layout)

    def keep(self, vouched: Vouched, owned: Owned) -> None:
        """Keep it, before any path has been seen, if it is just what the manifest cache has of these packages.

        Raises:
            AuditkitError: the cache cannot be written to.
        """
        names = self._names()
        if names and vouched.packages == owned.packages and {one.key for one in vouched.packages} == names.keys():
            self._cache.remember(self._key(names), together.encode(vouched, owned))

    def _names(self) -> dict[str, str]:
        """The file of each package of which there is one and no other, by the package."""
        found = dict[str, str]()
        for package in self.packages:
            try:
                names = self._cache.names(package.name, package.version, package.arch) if package.system == "dpkg" else ()
            except FormatError:
                continue
            if len(names) == 1:
                found[package.key] = names[0]
        return found

    def _key(self, names: dict[str, str]) -> str:
        told = (together.SCHEMA, self.algorithm, self.distribution, self.layout.told, *sorted(names.values()))
        return blake3("\0".join(told).encode("utf-8", "surrogateescape")).hexdigest()
