"""The whole chain: from keyrings, lists and places of packages to what each package ships, or why that cannot be told."""

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from auditkit.errors import FormatError, UntrustedError
from auditkit.model import Gap
from auditkit.packages import Manifest, Package
from auditkit.packages.index import UNLISTED, Key, Listed, Listing
from auditkit.printable import printable
from auditkit.vendor import lists, mirror
from auditkit.vendor.debs import Places, UnavailableError, manifest
from auditkit.vendor.gpgv import binary
from auditkit.vendor.manifests import Manifests
from auditkit.vendor.release import LARGEST, Release, checked

AHEAD = 16
"""How many packages are taken apart ahead of the one that is waited for, for each at once."""
TROUBLE = (FormatError, UntrustedError, UnavailableError, mirror.UnservedError, OSError)
"""What goes wrong with one list or package and says nothing of the next one."""


@dataclass(frozen=True, slots=True)
class Known:
    """What signed lists say of packages."""

    listed: Mapping[Key, tuple[tuple[Listed, str], ...]]
    """Where a package of this version lies, and who signed for it; more than one if archives have different ones."""
    names: frozenset[str]
    """Names that some list has in any version."""
    gaps: tuple[Gap, ...]
    """Releases and lists that could not be had, read or believed."""


class Collector:
    """What lists say, put together."""

    def __init__(self, packages: Iterable[Package]) -> None:
        self.wanted = frozenset(map(_key, packages))
        self._listed = dict[Key, dict[str, tuple[Listed, str]]]()
        self._names = set[str]()
        self._gaps = list[Gap]()

    @contextlib.contextmanager
    def telling(self, subject: str) -> Iterator[None]:
        """Whatever goes wrong within is a gap, and no more."""
        try:
            yield
        except TROUBLE as error:
            self._gaps.append(_gap(printable(subject), error))

    def add(self, listing: Listing, release: Release) -> None:
        """Take what one list says."""
        self._names |= listing.known
        self._gaps += (Gap(what, f"a signed list is damaged there: {release.told}") for what in listing.damaged)
        for one in listing.found:
            self._listed.setdefault((one.name, one.version, one.arch), {}).setdefault(one.sha256, (one, release.told))

    def known(self) -> Known:
        """All that the signed lists say, with the gaps of what is damaged."""
        listed = {key: tuple(told.values()) for key, told in self._listed.items()}
        return Known(listed, frozenset(self._names), tuple(self._gaps))


def _key(package: Package) -> Key:
    return package.name, package.version, package.arch


def _gap(subject: str, error: Exception) -> Gap:
    return Gap(subject, (error.strerror if isinstance(error, OSError) else None) or printable(str(error)))


def of_apt(
    packages: Iterable[Package],
    names: Iterable[str],
    opened: Callable[[str], BinaryIO],
    keyrings: Sequence[bytes],
    now: datetime | None,
) -> Known:
    """What the lists of an apt say, those of /var/lib/apt/lists; `names` are its files, and `opened` opens one of them.

    With `now` None the dates of releases are not judged, see release.checked.

    Raises:
        FormatError: a keyring is none.
        AuditkitError: there is no program to check signatures with.
    """
    collector, keys = Collector(packages), [binary(keyring) for keyring in keyrings]
    for found in lists.among(names):
        with collector.telling(found.release):
            signature = _whole(opened, found.signature) if found.signature else None
            release = checked(_whole(opened, found.release), keys, now, signature=signature)
            for name in found.lists:
                with collector.telling(name), opened(name) as file:
                    collector.add(lists.read(file, lists.called(found, name, release), release, collector.wanted), release)
    return collector.known()


def _whole(opened: Callable[[str], BinaryIO], name: str) -> bytes:
    with opened(name) as file:
        return file.read(LARGEST + 1)


def manifests(
    packages: Iterable[Package], known: Known, places: Places, cache: Manifests | None, jobs: int
) -> Iterator[Manifest | Gap]:
    """Yield what each package ships, or why that cannot be told, in their order; `jobs` are taken apart at once.

    Raises:
        AuditkitError: the cache is not to be trusted or cannot be written to.
        ConfigError: an address is none of a mirror.
    """

    def one(package: Package) -> Manifest | Gap:
        try:
            return _one(package, known, places, cache)
        except TROUBLE as error:
            return _gap(f"{package.key} {package.version}", error)

    workers = ThreadPoolExecutor(max_workers=jobs)
    try:
        pending = deque[Future[Manifest | Gap]]()
        for package in packages:
            pending.append(workers.submit(one, package))
            if len(pending) > jobs * AHEAD:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        workers.shutdown(cancel_futures=True)


def _one(package: Package, known: Known, places: Places, cache: Manifests | None) -> Manifest:
    """What a package ships: by a signed list, or by what the cache has kept from the time when one still named it."""
    listed = known.listed.get(_key(package), ())
    if len(listed) > 1:
        raise UnavailableError("signed lists name different packages of this version")
    if listed:
        return manifest(*listed[0], places, cache)
    kept = cache.of(*_key(package)) if cache else ()
    if len(kept) > 1:
        raise UnavailableError("different packages of this version are in the manifest cache, and no signed list tells which")
    if kept:
        return kept[0]
    raise UnavailableError(UNLISTED if package.name in known.names else "no signed list names this package")
