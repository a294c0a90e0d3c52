"""What a host's packages say of the paths that changed: asked only where something did, in one question and no more than two.

The first takes the package databases, the second reads changed files again where a database knows only MD5 or SHA-1 of them.
"""

import hashlib
import re
import zlib
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from auditkit.explain import Account, Claim, Claims
from auditkit.hosts import Host
from auditkit.model import Change, Gap, Kind, Means, Need
from auditkit.packages import Manifest, Package, apk, dpkg, dpkglog, dpkgrules, pacman
from auditkit.packages.layout import Diversion, Layout, joined
from auditkit.probe.rotation import NOT_KNOWN

OS_RELEASE = tuple(Need(Means.FILE, f"/{place}/os-release", "which distribution that is") for place in ("etc", "usr/lib"))
OWNING: tuple[Need, ...] = (dpkg.STATUS, dpkg.LISTS, dpkgrules.DIVERSIONS, *apk.PLACES)
"""What tells which package owns which path."""
NEEDS: tuple[Need, ...] = (
    *(*OWNING, dpkg.DISTROLESS, dpkg.SUMS, dpkg.CONFFILES),
    *(dpkglog.LOGS, dpkglog.HISTORY, *OS_RELEASE),
)
CLAIMING: tuple[Need, ...] = (*OWNING, dpkg.DISTROLESS, dpkgrules.OVERRIDES, pacman.DESC, pacman.FILES, *OS_RELEASE)
"""What tells which package says that it has which path, by all systems that need no more than that."""
MEANING: tuple[Need, ...] = (dpkgrules.DIVERSIONS, dpkgrules.OVERRIDES, *OS_RELEASE)
"""What is short of that: which distribution it is, and what its admin means to be otherwise."""
MERGED = {"usrmerge:all", "usr-is-merged:all"}
"""Packages that are there where /bin, /sbin and /lib* are links into /usr."""
ALIASES = {f"/{name}": f"usr/{name}" for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32")}
EMPTY = tuple(f"{name}:{hashlib.new(name, b'').hexdigest()}" for name in ("md5", "sha1", "sha256"))
LARGEST_LOG = 32 << 20
"""Unpacked bytes of a log of upgrades with all its rotations."""
LARGEST = 128 << 20
"""Bytes of all package databases of a host; a thousand packages have 20 MB."""
MOST_ASKED = 5000
"""Packages of which their vendors are asked: a host may say that a path belongs to all that there are."""
MOST_RUNS = 20
"""Runs of apt that may have been under way at once, as far as they are looked through."""
LONGEST_COMMAND = 100
T = TypeVar("T")
Files = Mapping[str, bytes]
Signed = Callable[[Sequence[Package], str], Iterable[Manifest | Gap]]
"""What the vendors signed of packages of a distribution, or why that cannot be told."""


def nobody(_packages: Sequence[Package], _distribution: str) -> tuple[Manifest, ...]:
    """No vendor's word."""
    return ()


def owning(host: Host) -> tuple[Iterator[Manifest], Layout]:
    """The packages of a host with their paths, and where they are found.

    Raises:
        HostError: the host cannot be asked.
    """
    files, _gaps = taken(host, OWNING)
    return _manifests(files), _layout(files, _packages(files))


@dataclass(frozen=True, slots=True)
class Stock:
    """What a host says of its packages, for whoever holds hosts against each other."""

    distribution: str
    packages: frozenset[str]
    """Names of those that are installed."""
    manifests: Iterable[Manifest]
    layout: Layout
    diversions: tuple[Diversion, ...]
    overrides: tuple[dpkgrules.Override, ...]


def stock(host: Host, needs: tuple[Need, ...] = CLAIMING) -> Stock:
    """Which packages a host has, and where it says that their paths are.

    Raises:
        HostError: the host cannot be asked.
    """
    files, _gaps = taken(host, needs)  # what is not told of a package leaves it out of the comparison, and counted so
    readers = (dpkg, apk, pacman)
    told = [one for reader in readers for one in reader.packages(files) if isinstance(one, Package)]
    manifests = (one for reader in readers for one in reader.manifests(files) if isinstance(one, Manifest))
    there = (one for one in manifests if one.package.state not in dpkg.ABSENT)
    diversions = tuple(_known(dpkgrules.diversions(files.get(dpkgrules.DIVERSIONS.what, b"")), Diversion))
    overrides = tuple(_known(dpkgrules.overrides(files.get(dpkgrules.OVERRIDES.what, b"")), dpkgrules.Override))
    names = frozenset(package.name for package in told)
    return Stock(distribution(files), names, there, _layout(files, told), diversions, overrides)


def _known(told: Iterable[object], kind: type[T]) -> Iterator[T]:
    return (one for one in told if isinstance(one, kind))


def account(
    host: Host, changes: Sequence[Change], before: Mapping[str, str], was: Claims, signed: Signed
) -> tuple[Account, tuple[Gap, ...]]:
    """What is known of the packages of a host, as far as it concerns paths that changed, and of which nobody vouches.

    `before` is the baseline's list of packages, `was` who claimed paths then.

    Raises:
        HostError: the host cannot be asked any more.
    """
    files, gaps = taken(host, NEEDS)
    paths = {entry.path for change in changes for entry in (change.before, change.after) if entry}
    packages = {package.key: package for package in _packages(files)}
    if before and not packages:
        gaps.append(Gap("packages", "there were packages, and now the host shows none: nothing is explained by them"))
    layout = _layout(files, packages.values())
    links = (change.after for change in changes if change.after and change.after.kind is Kind.SYMLINK)
    targets = {joined(link.path, link.target or "") for link in links}
    now = claims(_manifests(files), layout, paths, targets)
    concerned = {claim.manifest.package: None for found in now.values() for claim in found}
    concerned.update((packages[claim.package], None) for found in was.values() for claim in found if claim.package in packages)
    told = list(signed(tuple(concerned)[:MOST_ASKED], distribution(files)))
    vendors = [each for each in told if isinstance(each, Manifest)]
    for path, found in claims(vendors, layout, paths, targets).items():
        now.setdefault(path, []).extend(found)
    installed = {key: package.version for key, package in packages.items()}
    steps = {
        (claim.package, installed.get(claim.package, "")) for each in (now, was) for found in each.values() for claim in found
    }
    known = Account(
        before,
        installed,
        was,
        now,
        _digests(host, changes, now),
        _doers(files, steps),
        frozenset(each.package.key for each in vendors if each.package.version == installed.get(each.package.key)),
        tuple(packages.values()),
        tuple(gaps),
    )
    return known, tuple(each for each in told if isinstance(each, Gap))


def distribution(files: Files) -> str:
    """Which distribution it is, the ID of os-release(5); empty where it does not say."""
    text = next((files[need.what] for need in OS_RELEASE if need.what in files), b"").decode("utf-8", "replace")
    found = re.search(r"^ID=[\"']?([a-z0-9._-]{1,100})", text, re.MULTILINE)
    return found[1] if found else ""


def taken(host: Host, needs: tuple[Need, ...]) -> tuple[Files, list[Gap]]:
    """The files of the databases by their path, none where they are too large to be any, and what could not be had."""
    files, gaps, size = dict[str, bytes](), list[Gap](), 0
    for told in host.take(needs):  # to its end, for the host is still talking
        if isinstance(told, Gap):
            gaps += [] if told.subject.startswith("/var/log/") else [told]
        elif (size := size + len(told.data)) <= LARGEST:
            files[told.source] = told.data
        else:
            files.clear()
    if size > LARGEST:
        gaps.append(Gap("packages", f"the package databases are larger than {LARGEST >> 20} MiB: they are not read"))
    return files, gaps


def claims(
    manifests: Iterable[Manifest], layout: Layout, paths: set[str], targets: Collection[str] = ()
) -> dict[str, list[Claim]]:
    """Who claims which of these paths, by the path at which a scan finds it.

    Of the other files of such a package those are kept that a link leads to, `targets`: a host may list very many.
    """
    found: dict[str, list[Claim]] = {}
    for manifest in manifests:
        places = ((layout.place(file.path, manifest.package.name), file) for file in manifest.files)
        wanted = [(place, file) for place, file in places if place in paths]
        if wanted:
            kept = replace(manifest, files=tuple(file for file in manifest.files if file.path in targets))
            for place, file in wanted:
                found.setdefault(place, []).append(Claim(kept, file, place != layout.real(file.path)))
    return found


def _packages(files: Files) -> Iterator[Package]:
    for system in (dpkg, apk):
        yield from (package for package in system.packages(files) if not isinstance(package, Gap))


def _manifests(files: Files) -> Iterator[Manifest]:
    for system in (dpkg, apk):
        yield from (manifest for manifest in system.manifests(files) if not isinstance(manifest, Gap))


def _layout(files: Files, packages: Iterable[Package]) -> Layout:
    """Where this host puts what packages ship; diversions that no package has made are nobody's word."""
    installed = list(packages)
    names = {package.name for package in installed}
    told = dpkgrules.diversions(files.get(dpkgrules.DIVERSIONS.what, b""))
    links = ALIASES if MERGED & {package.key for package in installed} else {}
    return Layout(links, (each for each in told if isinstance(each, Diversion) and each.by in names))


def _digests(host: Host, changes: Sequence[Change], now: Mapping[str, Sequence[Claim]]) -> dict[str, tuple[str, ...]]:
    """Digests by the algorithms that databases know, of files whose bytes are those that the scan saw."""
    seen = {change.path: change.after for change in changes if change.after and change.after.kind is Kind.FILE}
    asked = []
    for path, entry in seen.items():
        known = {digest.partition(":")[0] for digest in entry.digests or ()}
        more = {digest.partition(":")[0] for claim in now.get(path, ()) for digest in claim.file.digests}
        if known and more and not known & more:
            asked.append((path, entry.size or 0, (*sorted(known), *sorted(more)), False))
    found: dict[str, tuple[str, ...]] = {}
    found.update((path, (*(seen[path].digests or ()), *EMPTY)) for path, size, *_rest in asked if not size)
    asked = [ask for ask in asked if ask[1]]
    for path, _name, field in host.beginnings(asked) if asked else ():
        digests = tuple(field.split(","))
        entry_of = seen.get(path)
        if field != NOT_KNOWN and entry_of and set(entry_of.digests or ()) <= set(digests):
            found[path] = digests
    return found


def _doers(files: Files, steps: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Who brought these packages to these versions, in words."""
    found = {}
    for name, data in _logs(files, dpkglog.LOGS):
        for event in dpkglog.dpkg(data, name):
            if isinstance(event, dpkglog.Event) and (event.package, event.after or "") in steps:
                found[event.package, event.after or ""] = event
    names = {package.partition(":")[0] for package, _version in found}
    runs = sorted(_runs(files, names), key=lambda run: run.started)
    starts = [run.started for run in runs]
    known = {}
    for step, event in found.items():
        last = bisect_right(starts, event.time)
        known[step] = _doer(event, dpkglog.run_of(event, runs[max(0, last - MOST_RUNS) : last]))
    return known


def _runs(files: Files, names: Collection[str]) -> Iterator[dpkglog.Run]:
    """Yield the runs of apt that named any of these packages, with no others in them."""
    for name, data in _logs(files, dpkglog.HISTORY):
        for run in dpkglog.history(data, name):
            if isinstance(run, dpkglog.Run):
                own = {event.package: event for event in run.events if event.package.partition(":")[0] in names}
                if own:
                    yield replace(run, events=tuple(own.values()))


def _doer(event: dpkglog.Event, run: dpkglog.Run | None) -> str:
    """`apt upgrade` by anna, 2026-11-20 10:12."""
    by = f"`{run.command[:LONGEST_COMMAND]}`{f' by {run.by}' if run.by else ''}, " if run and run.command else ""
    return f"{by}{event.time:%Y-%m-%d %H:%M}"


def _logs(files: Files, need: Need) -> Iterator[tuple[str, bytes]]:
    """Yield name and text of a log and its rotations, the oldest first as far as their names tell."""
    start, left, logs = need.what.rstrip("*"), LARGEST_LOG, list[tuple[str, bytes]]()
    for name in sorted((name for name in files if name.startswith(start)), key=len):
        data = _unpacked(files[name], left) if name.endswith(".gz") else files[name][:left]
        left -= len(data)
        if left <= 0:
            break
        logs.append((name, data))
    yield from reversed(logs)


def _unpacked(data: bytes, most: int) -> bytes:
    """What gzip packed, as far as it goes."""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, most)
    except zlib.error:
        return b""
