"""What the signed packages of a host ship: put together once, and recalled as long as they and its layout are the same."""

import os
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from blake3 import blake3

from auditkit import together
from auditkit.commands import vouching
from auditkit.explain import One, one_of
from auditkit.packages import Package
from auditkit.packages.layout import Layout
from auditkit.packages.owned import Owned
from auditkit.vendor.manifests import Manifests
from auditkit.vouched import MARK, Vouched


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
        data = self._cache.recall(self.key) if self.names else None
        try:
            if data is not None:
                return together.decode(data, self.layout, self.algorithm)
        except (ValueError, TypeError, KeyError, IndexError):  # of a version of auditkit that wrote it otherwise
            pass
        return Vouched(self.layout, self.algorithm), Owned(layout=self.layout)

    def outside(self) -> tuple[str, ...] | None:
        """Of all the paths of the packages those that were kept to be looked at one by one; None where they are not known.

        Raises:
            ConfigError: others may write to the cache.
        """
        is_whole = set(map(one_of, self.packages)) == self.names.keys()
        data = self._cache.recall(f"{self.key}-outside") if is_whole else None
        return None if data is None else tuple(filter(None, data.decode("utf-8", "surrogateescape").split("\0")))

    def fits(self, vouched: Vouched) -> bool:
        """Whether these are just the packages that the manifest cache knows of."""
        return bool(self.names) and Counter(map(one_of, vouched.packages)) == Counter(self.names.keys())

    def keep(self, vouched: Vouched, owned: Owned, outside: Collection[str]) -> None:
        """Keep what fits, before any path has been seen, and which paths of it are to be looked at one by one.

        Raises:
            AuditkitError: the cache cannot be written to.
        """
        self._cache.remember(self.key, together.encode(vouched, owned))
        self._cache.remember(f"{self.key}-outside", "\0".join(outside).encode("utf-8", "surrogateescape"))

    def sound(self, host: str) -> frozenset[bytes]:
        """Digests of the blocks of a host that were just what these packages say when they were looked through.

        Raises:
            ConfigError: others may write to the cache.
        """
        data = self._cache.recall(self._of(host)) or b""
        return frozenset(data[at : at + MARK] for at in range(0, len(data), MARK))

    def keep_sound(self, host: str, marks: Collection[bytes]) -> None:
        """Keep such digests.

        Raises:
            AuditkitError: the cache cannot be written to.
        """
        self._cache.remember(self._of(host), b"".join(sorted(marks)))

    def _of(self, host: str) -> str:
        return f"{self.key}-{blake3(host.encode('utf-8', 'surrogateescape')).hexdigest(length=16)}"

    @cached_property
    def names(self) -> dict[One, str]:
        """The file of each package of which there is one and no other, by the package in its version.

        A host may say that it has a package twice, and what is put together of that must not be another host's.
        """
        of_dpkg = [package for package in self.packages if package.system == "dpkg"]
        return {one_of(package): names[0] for package, names in self._cache.names(of_dpkg).items() if len(names) == 1}

    @cached_property
    def key(self) -> str:
        """What all of it depends on."""
        told = (together.SCHEMA, self.algorithm, self.distribution, self.layout.told, *sorted(self.names.values()))
        return blake3("\0".join(told).encode("utf-8", "surrogateescape")).hexdigest()
