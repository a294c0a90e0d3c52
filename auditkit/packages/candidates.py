"""Which version apt would install: its policy over all lists, the installed version and the pins.

As `apt-cache policy` and `apt list --upgradable` have it: pkgPolicy of apt-pkg/policy.cc, apt_preferences(5).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cmp_to_key, lru_cache

from auditkit.packages import Package
from auditkit.packages.offers import Listing, Offer
from auditkit.packages.preferences import NEVER, STATUS, Pin, priority
from auditkit.packages.versions import deb

MOST = 1 << 16
"""Comparisons that are kept: of one host the same few are asked again and again."""


@lru_cache(MOST)
def _compared(ours: str, theirs: str) -> int:
    return deb(ours, theirs)


def order(ours: str, theirs: str) -> int:
    """Compare two versions as dpkg does; most that are compared are the same."""
    return 0 if ours == theirs else _compared(ours, theirs)


NEWEST = cmp_to_key(order)
"""What orders versions of Debian."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How an installed package stands to what the lists offer."""

    package: Package
    candidate: str
    """The version that apt would have there: the installed one, if nothing better is offered."""
    offers: tuple[Offer, ...]
    """All that the lists offer of it, the newest first."""

    @property
    def pending(self) -> bool:
        """Whether apt would upgrade it."""
        return order(self.candidate, self.package.version) > 0

    @property
    def missed(self) -> tuple[Offer, ...]:
        """What is offered beyond the installed version, up to the candidate."""
        between = (one for one in self.offers if order(one.version, self.package.version) > 0)
        return tuple(one for one in between if order(one.version, self.candidate) <= 0)

    @property
    def beyond(self) -> tuple[Offer, ...]:
        """What is offered that is newer than the candidate, and is not taken: pinned away, or not automatic."""
        newest = max(self.candidate, self.package.version, key=NEWEST)
        return tuple(one for one in self.offers if order(one.version, newest) > 0)

    @property
    def origins(self) -> tuple[Offer, ...]:
        """Who offers the very version that is installed."""
        return tuple(one for one in self.offers if order(one.version, self.package.version) == 0)


class Policy:
    """All that apt knows of one host."""

    def __init__(self, offers: Iterable[Offer], pins: Sequence[Pin], native: str, release: str = "") -> None:
        """`native` is the architecture of the host, `release` what APT::Default-Release names."""
        first = (Pin("APT::Default-Release", "", "", "release", release, 990),) if release else ()
        general = tuple(pin for pin in pins if not pin.package)
        self.general = (*first, *general)
        self.pins = tuple(pin for pin in pins if pin.package)
        self.native = native
        self.offers: dict[str, list[Offer]] = {}
        self._of_list: dict[Listing, int] = {}
        for offer in offers:
            self.offers.setdefault(offer.name, []).append(offer)

    def standing(self, package: Package) -> Standing:
        """How a package stands."""
        arch = self.native if package.arch == "all" else package.arch
        taken = (arch, "all") if arch == self.native else (arch,)
        own = [offer for offer in self.offers.get(package.name, ()) if offer.arch in taken]
        own.sort(key=lambda offer: NEWEST(offer.version), reverse=True)
        return Standing(package, self._candidate(package, arch, own), tuple(own))

    def _candidate(self, package: Package, arch: str, own: Sequence[Offer]) -> str:
        pins = [pin for pin in self.pins if pin.is_for(package.name, arch, package.source or package.name)]
        versions: dict[str, list[Listing]] = {package.version: [STATUS]}
        for offer in own:
            if offer.phased is None or offer.phased >= 100 or offer.version == package.version:
                versions.setdefault(offer.version, []).append(offer.listing)
        best, chosen = -1, package.version
        for version in sorted(versions, key=NEWEST, reverse=True):
            counts = self._priority(version, versions[version], pins)
            older = order(version, package.version) < 0
            if counts and counts > best and not (older and counts < 1000):
                best, chosen = counts, version
        return chosen

    def _priority(self, version: str, lists: Sequence[Listing], pins: Sequence[Pin]) -> int:
        counts = [self._counts(each) for each in lists]
        for pin in pins:
            if pin.means_version(version) or any(map(pin.means, lists)):
                return NEVER if max(counts) == NEVER else pin.priority
        return max(counts)

    def _counts(self, listing: Listing) -> int:
        if listing not in self._of_list:
            self._of_list[listing] = priority(listing, self.general)
        return self._of_list[listing]
