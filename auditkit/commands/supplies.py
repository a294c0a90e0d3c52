"""Where the vendors' word on packages is at hand: directories of lists and of packages, and mirrors if any were named."""

import os
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from auditkit.commands import options
from auditkit.errors import AuditkitError, ConfigError, FormatError, UntrustedError
from auditkit.hosts import Host, Past, Suspect, is_here
from auditkit.model import Gap
from auditkit.opening import regular
from auditkit.packaged import OS_RELEASE, Files, distribution, taken
from auditkit.packages import Package, sources
from auditkit.printable import printable
from auditkit.vendor import apt, debs, mirror, releases
from auditkit.vendor.chain import Known
from auditkit.vendor.debs import Places
from auditkit.vendor.manifests import forget
from auditkit.vendor.mirror import UnservedError
from auditkit.writer import in_turn

LISTS, PACKAGES = "/var/lib/apt/lists", "/var/cache/apt/archives"
FETCHED = "lists"
"""The directory of the store where releases are kept that were fetched."""
LONGEST = 1 << 20
PATIENCE = 900
"""Seconds for the lists of all suites of a host, after which no other suite is asked for."""
TURN = 60.0
"""Seconds for which others are waited for that fetch lists: one hostile host shall not use up the time of all."""
NOT_ASKED = "the address of a suite is none of a mirror that can be asked: http or https, without a password"
MOST_NAMES = 5000
"""Files among the lists of one apt; a machine with twenty sources has 200."""


@dataclass(frozen=True, slots=True)
class Supply:
    """Lists and packages that may know what is asked."""

    lists: tuple[str, ...]
    """Paths of releases, and of their lists beside them."""
    places: Callable[[Known], Places]
    """Where packages are that these lists name."""
    gaps: tuple[Gap, ...] = ()
    """What should be there, and could not be had."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which packages the vendors' word is wanted, and by what it counts."""

    run: options.Setting
    host: Host
    packages: Collection[Package]
    keys: tuple[bytes, ...]

    @property
    def there(self) -> Suspect | None:
        """The host, if it is a live one beyond a network."""
        host = self.host
        return host if isinstance(host, Suspect) and not isinstance(host, Past) and not is_here(host.name) else None

    @property
    def store(self) -> str:
        """Where releases are kept that were fetched."""
        return os.path.join(self.run.store, FETCHED)

    @property
    def directories(self) -> tuple[str, ...]:
        """Where packages may lie on this machine."""
        return (*self.run.config.vendor.packages, *_inside(_disk(self.host), PACKAGES), PACKAGES)

    @property
    def architectures(self) -> list[str]:
        """Of the packages; lists of each have those for all, too."""
        return sorted({package.arch for package in self.packages} - {"all"}) or ["all"]


def of(asked: Asked, name: str) -> Iterator[Supply]:
    """Yield what is at hand for a host of the distribution `name`, the nearest first; see what is left before the next.

    Nothing is fetched but from the host itself, and from mirrors that auditkit.yaml names or lets the host name.
    """
    said = asked.run.config.vendor
    folders = (*said.lists, *_inside(_disk(asked.host), LISTS), *([LISTS] if name == _here() else []))
    if lists := tuple(path for folder in dict.fromkeys(folders) for path in _files(folder)):
        yield Supply(lists, lambda _known: Places(asked.directories, said.mirrors))
    if asked.there:
        yield from _there(asked, asked.there)
    if said.mirrors or said.sources:
        yield _fetched(asked)


def at_hand(asked: Asked) -> list[Package]:
    """The packages of which there is one to be opened, or fetched."""
    if asked.run.config.vendor.mirrors or asked.run.config.vendor.sources:
        return list(asked.packages)
    return _among(asked, apt.cached(asked.there, asked.packages) if asked.there else frozenset())


def _among(asked: Asked, there: frozenset[str]) -> list[Package]:
    """The packages that lie on this machine, or are among those of the host."""
    here = there.union(*map(_names, asked.directories))
    return [package for package in asked.packages if debs.called(package.name, package.version, package.arch) in here]


def _there(asked: Asked, host: Suspect) -> Iterator[Supply]:
    """Yield what apt of the host itself has, unless there would be no package to open."""
    said, cached = asked.run.config.vendor, apt.cached(host, asked.packages)
    if not (said.mirrors or said.sources or _among(asked, cached)):
        return
    lists, gaps = _lists_there(asked, host)
    with tempfile.TemporaryDirectory(prefix="auditkit-") as directory:

        def places(known: Known) -> Places:
            one = (versions[0][0] for versions in known.listed.values() if len(versions) == 1)
            wanted = [each for each in one if debs.called(each.name, each.version, each.arch) in cached]
            apt.fetch(asked.host, wanted, directory)
            copies = {directory: f"{asked.host.name} {PACKAGES}"}
            return Places((*asked.directories, directory), said.mirrors, copies)

        yield Supply(lists, places, gaps)


def _lists_there(asked: Asked, host: Suspect) -> tuple[tuple[str, ...], tuple[Gap, ...]]:
    """The lists of apt of the host, brought here, and what of them could not be had or believed."""
    lists, gaps = dict[str, None](), list[Gap]()
    for told in apt.releases(asked.host, host, asked.architectures):
        if isinstance(told, Gap):
            gaps.append(told)
            continue
        try:
            place, missing = _kept(asked, told)
            lists.update(dict.fromkeys(_files(place)))
            gaps += missing
        except (UntrustedError, FormatError) as error:
            gaps.append(Gap(told.name, printable(str(error))))
    return tuple(lists), tuple(gaps)


def _kept(asked: Asked, archive: releases.Archive) -> tuple[str, tuple[Gap, ...]]:
    with in_turn(asked.store, TURN):  # another host of this run may be fetching the same, or keep all waiting
        return releases.kept(asked.store, archive, asked.keys)


def _fetched(asked: Asked) -> Supply:
    """The lists of the suites that apt of the host names, from the mirrors that may be asked."""
    said = asked.run.config.vendor
    files, gaps = taken(asked.host, sources.PLACES)
    lists, mirrors, end = dict[str, None](), dict.fromkeys(said.mirrors), time.monotonic() + PATIENCE
    forget(asked.store, releases.UNUSED)
    for suite in _suites(files, gaps):
        if time.monotonic() > end:
            gaps.append(Gap("sources of apt", f"lists of suites took longer than {PATIENCE} s: not all were fetched"))
            break
        told = _release(asked, _mirrors(asked, suite))
        if isinstance(told, Gap):
            gaps.append(told)
        else:
            place, base, missing = told
            lists.update(dict.fromkeys(_files(place)))
            mirrors[base] = None
            gaps += missing
    return Supply(tuple(lists), lambda _known: Places(asked.directories, tuple(mirrors)), tuple(gaps))


def _suites(files: Files, gaps: list[Gap]) -> Iterator[sources.Suite]:
    """Yield each suite that apt of a host names, once; what is no suite is added to the gaps."""
    found = dict[sources.Suite, None]()
    for told in sources.suites(files):
        if isinstance(told, Gap):
            gaps.append(told)
        elif told not in found and len(found) == sources.MOST:
            gaps.append(Gap("sources of apt", f"they name more than {sources.MOST} suites: the others were not asked for"))
            break
        else:
            found[told] = None
    yield from found


def _mirrors(asked: Asked, suite: sources.Suite) -> list[releases.Mirror]:
    """Where a suite may be asked for: of apt's own addresses at those that need no password, and are no file or disc."""
    bases = list(asked.run.config.vendor.mirrors)
    if asked.run.config.vendor.sources:
        with suppress(ConfigError):
            mirror.address(suite.uri, "")
            bases.append(suite.uri)
    architectures = suite.architectures or asked.architectures
    return [releases.Mirror(base, suite.name, suite.components, architectures) for base in dict.fromkeys(bases)]


def _release(asked: Asked, mirrors: Sequence[releases.Mirror]) -> tuple[str, str, tuple[Gap, ...]] | Gap:
    """Where a suite is kept now, which mirror it is from, and what that does not give; or why no mirror has it."""
    reasons = [Gap("sources of apt", NOT_ASKED)]
    for one in mirrors:
        try:
            place, missing = _kept(asked, one)
        except (UnservedError, UntrustedError, FormatError) as error:
            reasons.append(Gap(one.name, printable(str(error))))
        else:
            return place, one.base, missing
    return reasons[-1]


def _disk(host: Host) -> str:
    """Where the host's file system lies on this machine; empty where it does not."""
    return host.name.removeprefix("root:") if host.name.startswith("root:") else ""


def _inside(disk: str, path: str) -> list[str]:
    """A directory of a disk, unless a link on it leads elsewhere: that would be one of this machine."""
    whole = os.path.realpath(disk) + path
    return [whole] if disk and os.path.realpath(whole) == whole else []


def _files(folder: str) -> list[str]:
    """The files of a directory of lists; links and devices are passed over.

    Raises:
        AuditkitError: it has more than any apt keeps.
    """
    try:
        with os.scandir(folder) as entries:
            found = [entry.path for entry in islice(entries, MOST_NAMES + 1) if entry.is_file(follow_symlinks=False)]
    except OSError:
        return []
    if len(found) > MOST_NAMES:
        raise AuditkitError(f"{printable(folder)} has more than {MOST_NAMES} files", "run apt clean there")
    return sorted(found)


def _names(folder: str) -> frozenset[str]:
    """The names in a directory of packages."""
    try:
        return frozenset(os.listdir(folder))
    except OSError:
        return frozenset()


def _here() -> str:
    """The distribution of this machine."""
    found = dict[str, bytes]()
    for need in OS_RELEASE:
        with suppress(OSError), opened(need.what) as file:
            found[need.what] = file.read(LONGEST)
    return distribution(found)


def opened(path: str) -> BinaryIO:
    """A file of such a directory; it waits for no pipe."""
    return open(path, "rb", opener=regular)
