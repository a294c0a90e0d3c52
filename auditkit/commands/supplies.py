"""Where the vendors' word on packages is at hand: directories of lists and of packages, and mirrors if any were named."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from auditkit.commands import keyrings, options
from auditkit.errors import AuditkitError, FormatError, UntrustedError
from auditkit.hosts import Host
from auditkit.model import Gap
from auditkit.opening import regular
from auditkit.packaged import OS_RELEASE, distribution, taken
from auditkit.packages import Package, sources
from auditkit.printable import printable
from auditkit.vendor import releases
from auditkit.vendor.debs import Places
from auditkit.vendor.mirror import UnservedError
from auditkit.writer import locked

LISTS, PACKAGES = "/var/lib/apt/lists", "/var/cache/apt/archives"
FETCHED = "lists"
"""The directory of the store where releases are kept that were fetched."""
LONGEST = 1 << 20
MOST_NAMES = 5000
"""Files among the lists of one apt; a machine with twenty sources has 200."""


@dataclass(frozen=True, slots=True)
class Supply:
    """Lists and packages that may know what is asked."""

    lists: tuple[str, ...]
    """Paths of releases, and of their lists beside them."""
    keyrings: tuple[bytes, ...]
    places: Places
    gaps: tuple[Gap, ...] = ()
    """What should be there, and could not be had."""


def of(run: options.Setting, host: Host, packages: Iterable[Package], name: str) -> Iterator[Supply]:
    """Yield what is at hand for a host, the nearest first; `packages` are asked for, of the distribution `name`.

    Nothing is fetched but from mirrors that auditkit.yaml names, or lets the host name.
    """
    said, disk = run.config.vendor, _disk(host)
    keys = keyrings.of_apt(said.keyrings)
    folders = (*said.lists, *_inside(disk, LISTS), *([LISTS] if name == _here() else []))
    directories = (*said.packages, *_inside(disk, PACKAGES), PACKAGES)
    if lists := tuple(path for folder in dict.fromkeys(folders) for path in _files(folder)):
        yield Supply(lists, keys, Places(directories, said.mirrors))
    if said.mirrors or said.sources:
        yield _fetched(run, host, {package.arch for package in packages}, keys, directories)


def _fetched(
    run: options.Setting, host: Host, architectures: set[str], keys: tuple[bytes, ...], directories: tuple[str, ...]
) -> Supply:
    """The lists of the suites that apt of the host names, from the mirrors that may be asked."""
    said, store = run.config.vendor, os.path.join(run.store, FETCHED)
    files, gaps = taken(host, sources.PLACES)
    found, mirrors = dict[str, None](), dict.fromkeys(said.mirrors)
    releases.forget(store)
    for suite in dict.fromkeys(islice(sources.suites(files), sources.MOST)):
        if isinstance(suite, Gap):
            gaps.append(suite)
            continue
        bases = (*said.mirrors, *([suite.uri] if said.sources else []))
        wanted = releases.paths(suite.components, suite.architectures or sorted(architectures - {"all"}) or ["all"])
        told = _release(store, [releases.Mirror(base, suite.name) for base in bases], wanted, keys)
        if isinstance(told, Gap):
            gaps.append(told)
        else:
            place, base, missing = told
            found[place], mirrors[base] = None, None
            gaps += missing
    lists = tuple(path for place in found for path in _files(place))
    return Supply(lists, keys, Places(directories, tuple(mirrors)), tuple(gaps))


def _release(
    store: str, mirrors: Sequence[releases.Mirror], wanted: Sequence[str], keys: Sequence[bytes]
) -> tuple[str, str, tuple[Gap, ...]] | Gap:
    """Where a suite is kept now, which mirror it is from, and what that does not give; or why no mirror has it."""
    reasons = []
    for one in mirrors:
        try:
            with locked(store, lambda: None):  # another host of this run may be fetching it
                place, missing = releases.kept(store, one, wanted, keys)
                return place, one.base, missing
        except (UnservedError, UntrustedError, FormatError) as error:
            reasons.append(Gap(one.name, printable(str(error))))
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
