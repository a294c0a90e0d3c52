"""What a host's packages say of the paths that changed: asked only where something did, in one question and no more than two.

The first takes the package databases, the second reads changed files again where a database knows only MD5 or SHA-1 of them.
"""

import hashlib
import io
import re
import zlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from auditkit.explain import SIGNED, Account, Claim, Claims, one_of
from auditkit.hosts import NOT_TAKEN, Host
from auditkit.model import Change, Gap, Kind, Means, Need
from auditkit.packages import Manifest, Package, Shipped, apk, dpkglog, dpkgrules
from auditkit.packages.dpkg import ABSENT
from auditkit.packages.layout import Diversion, Layout, joined
from auditkit.probe.rotation import NOT_KNOWN
from auditkit.systems import SYSTEMS, recognised

OS_RELEASE = tuple(Need(Means.FILE, f"/{place}/os-release", "which distribution that is") for place in ("etc", "usr/lib"))
OWNING: tuple[Need, ...] = (
    *(need for system in SYSTEMS for need in (*system.needs, *system.lists[:1])),
    dpkgrules.DIVERSIONS,
    *OS_RELEASE,
)
"""What tells which package owns which path."""
NEEDS: tuple[Need, ...] = (
    *(*OWNING, *(need for system in SYSTEMS for need in system.lists[1:])),
    *(dpkglog.LOGS, dpkglog.HISTORY),
)
CLAIMING: tuple[Need, ...] = (*OWNING, dpkgrules.OVERRIDES)
"""What tells which package says that it has which path, by all systems that need no more than that."""
MEANING: tuple[Need, ...] = (dpkgrules.DIVERSIONS, dpkgrules.OVERRIDES, *OS_RELEASE)
"""What is short of that: which distribution it is, and what its admin means to be otherwise."""
MERGED = {"usrmerge:all", "usr-is-merged:all"}
"""Packages of Debian that are there where /bin, /sbin and /lib* are links into /usr."""
ALIASES = {f"/{name}": f"usr/{name}" for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32")}
LINKING = "filesystem"
"""The package of all others that has these links, and says where they lead."""
INTO = {"/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64"}
"""Where they may lead."""
LINKED = {*ALIASES, "/usr/sbin", "/usr/lib64"}
"""What may be such a link: any other would let the host say that one signed file is another."""
BESIDE = {"dpkg": ".dpkg-dist", "rpm": ".rpmnew", "pacman": ".pacnew", "apk": ".apk-new"}
"""What a package system calls the new version of configuration that it does not put in the place of the admin's."""
COMPUTED = {"md5", "sha1", "sha256"}
"""Digests that a host can be asked for."""
EMPTY = tuple(f"{name}:{hashlib.new(name, b'').hexdigest()}" for name in ("md5", "sha1", "sha256"))
LARGEST_LOG = 32 << 20
"""Unpacked bytes of a log of upgrades with all its rotations."""
LARGEST = 128 << 20
"""Bytes of all package databases of a host but for long ones; a thousand packages have 20 MB."""
MOST_ASKED = 5000
"""Packages of which their vendors are asked: a host may say that a path belongs to all that there are."""
MOST_RUNS = 20
"""Runs of apt that may have been under way at once, as far as they are looked through."""
LONGEST_COMMAND = 100
T = TypeVar("T")
Files = Mapping[str, bytes]
Signed = Callable[[Sequence[Package], Files], Iterable[Manifest | Gap]]
"""What the vendors signed of packages of a host, whose files these are, or why that cannot be told."""


def nobody(_packages: Sequence[Package], _files: Files) -> tuple[Manifest, ...]:
    """No vendor's word."""
    return ()


@dataclass(frozen=True, slots=True)
class Owned:
    """The packages of a host, for its baseline."""

    packages: tuple[Package, ...]
    distribution: str
    versions: dict[str, str] | None
    """By `name:arch`, several of one package with a blank between them; None where there is no package system."""
    manifests: Iterator[Manifest]
    """With their paths."""
    layout: Layout
    """Where these are found."""
    gaps: tuple[Gap, ...]


def owned(host: Host) -> Owned:
    """The packages of a host, and what of their databases could not be had.

    Raises:
        HostError: the host cannot be asked.
    """
    files, gaps = taken(host, OWNING)
    packages = installed(files, gaps)
    found = _versions(packages) if recognised(files) else None
    return Owned(tuple(packages), distribution(files), found, _manifests(files), _layout(files, packages), tuple(gaps))


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
    told = installed(files, [])
    there = (one for one in _manifests(files) if one.package.state not in ABSENT)
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
    packages = installed(files, gaps)
    if before and not packages:
        gaps.append(Gap("packages", "there were packages, and now the host shows none: nothing is explained by them"))
    new = _appeared(before, packages)
    packages = [package for package in packages if package.system not in new]
    there, by_path = _versions(packages), partial(_claims_on, changes, _layout(files, packages))
    now = by_path(_manifests(files, new))
    moved = {key for key in {*before, *there} if before.get(key) != there.get(key)}
    left = {claim.package for found in was.values() for claim in found}
    told = list(signed(_concerned(now, [package for package in packages if package.key in left | moved], gaps), files))
    vendors = [each for each in told if isinstance(each, Manifest)]
    for path, found in by_path(vendors).items():
        now.setdefault(path, []).extend(found)
    named = moved | left | {claim.package for found in now.values() for claim in found}
    sound = [each for each in vendors if each.proof == SIGNED]
    known = Account(
        before,
        there,
        was,
        now,
        _digests(host, changes, now),
        _doers(files, {(key, there.get(key, "")) for key in named}),
        frozenset(one_of(each.package) for each in sound),
        frozenset(one_of(each.package) for each in vendors if each.proof != SIGNED),
        {each.package.key: each.control for each in sound if each.package.version == there.get(each.package.key)},
        tuple(packages),
        tuple(new.items()),
        tuple(gaps),
    )
    return known, tuple(each for each in told if isinstance(each, Gap))


def _claims_on(changes: Sequence[Change], layout: Layout, manifests: Iterable[Manifest]) -> dict[str, list[Claim]]:
    """Who claims the paths that changed, with the files that links among them lead to."""
    paths = {entry.path for change in changes for entry in (change.before, change.after) if entry}
    links = (change.after for change in changes if change.after and change.after.kind is Kind.SYMLINK)
    return claims(manifests, layout, paths, {joined(link.path, link.target or "") for link in links})


def _concerned(now: Claims, more: Iterable[Package], gaps: list[Gap]) -> tuple[Package, ...]:
    """The packages of which their vendors are asked: those that claim a path that changed, and more; each once."""
    found = dict.fromkeys((*(claim.manifest.package for claims in now.values() for claim in claims), *more))
    if len(found) > MOST_ASKED:
        gaps.append(Gap("packages", f"more than {MOST_ASKED} are concerned: of the others no vendor is asked"))
    return tuple(found)[:MOST_ASKED]


def distribution(files: Files) -> str:
    """Which distribution it is, the ID of os-release(5); empty where it does not say."""
    text = next((files[need.what] for need in OS_RELEASE if need.what in files), b"").decode("utf-8", "replace")
    found = re.search(r"^ID=[\"']?([a-z0-9._-]{1,100})", text, re.MULTILINE)
    return found[1] if found else ""


def taken(host: Host, needs: tuple[Need, ...]) -> tuple[Files, list[Gap]]:
    """The files of the databases by their path, none where they are too large to be any, and what could not be had.

    That evidence is older than a package system that is known now says nothing.
    """
    held: dict[str, io.BytesIO] = {}  # whose bytes are not copied once more, as those of joined pieces would be
    gaps, size = list[Gap](), 0
    for told in host.take(needs):  # to its end, for the host is still talking
        if isinstance(told, Gap):
            gaps.append(told)
        elif told.need.long:
            held.setdefault(told.source, io.BytesIO()).write(told.data)
        elif (size := size + len(told.data)) <= LARGEST:
            held[told.source] = io.BytesIO(told.data)  # once, whatever number of needs it answers
        else:
            held.clear()
    for gap in gaps:
        held.pop(gap.subject, None)  # what came of it is not the whole
    gaps = [gap for gap in gaps if not gap.subject.startswith("/var/log/") and gap.reason != NOT_TAKEN]
    if size > LARGEST:
        gaps.append(Gap("packages", f"the package databases are larger than {LARGEST >> 20} MiB: they are not read"))
    return {source: data.getvalue() for source, data in held.items()}, gaps


def claims(
    manifests: Iterable[Manifest], layout: Layout, paths: set[str], targets: Collection[str] = ()
) -> dict[str, list[Claim]]:
    """Who claims which of these paths, by the path at which a scan finds it.

    Of the other files of such a package those are kept that a link leads to, `targets`: a host may list very many.
    """
    found: dict[str, list[Claim]] = {}
    for manifest in manifests:
        places = ((layout.place(file.path, manifest.package.name), file) for file in _put(manifest))
        wanted = [(place, file) for place, file in places if place in paths]
        if wanted:
            kept = replace(manifest, files=tuple(file for file in manifest.files if file.path in targets))
            for place, file in wanted:
                found.setdefault(place, []).append(Claim(kept, file, place != layout.real(file.path)))
    return found


def _put(manifest: Manifest) -> Iterator[Shipped]:
    """Yield the paths of a package, and those beside configuration where its new version is put if the admin has changed it."""
    for file in manifest.files:
        yield file
        if file.config and file.kind in (None, Kind.FILE) and manifest.package.system in BESIDE:
            yield replace(file, path=file.path + BESIDE[manifest.package.system], optional=True)


def installed(files: Files, gaps: list[Gap]) -> list[Package]:
    """What is installed; what of the databases is not understood is added to the gaps, for a package may be lost with it."""
    found = list[Package]()
    for system in SYSTEMS:
        for told in system.packages(files):
            if isinstance(told, Package):
                found.append(told)
            else:
                gaps.append(told)
    return found


def _appeared(before: Mapping[str, str], packages: Sequence[Package]) -> dict[str, int]:
    """Systems of which no package was there before, with how many are now: what such a database says is nobody's word.

    A baseline does not say which system a package is of; a name that two of them have now says nothing.
    """
    systems = dict[str, set[str]]()
    for package in packages:
        systems.setdefault(package.key, set()).add(package.system)
    known = {system for key, own in systems.items() if key in before and len(own) == 1 for system in own}
    return dict(Counter(package.system for package in packages if before and package.system not in known))


def _versions(packages: Iterable[Package]) -> dict[str, str]:
    """What is installed: of a package that may be there in several versions, as kernels of rpm are, all of them."""
    found: dict[str, set[str]] = {}
    for package in packages:
        found.setdefault(package.key, set()).add(package.version)
    return {key: " ".join(sorted(versions)) for key, versions in found.items()}


def _manifests(files: Files, but: Collection[str] = ()) -> Iterator[Manifest]:
    for system in SYSTEMS:
        if system.name not in but:
            yield from (manifest for manifest in system.manifests(files) if isinstance(manifest, Manifest))


def _layout(files: Files, packages: Iterable[Package]) -> Layout:
    """Where this host puts what packages ship; diversions that no package has made are nobody's word."""
    present = list(packages)
    names = {package.name for package in present}
    told = dpkgrules.diversions(files.get(dpkgrules.DIVERSIONS.what, b""))
    merged = MERGED & {package.key for package in present} or apk.PLACES[1].what in files
    links = ALIASES if merged else _links(files) if LINKING in names else {}
    return Layout(links, (each for each in told if isinstance(each, Diversion) and each.by in names))


def _links(files: Files) -> dict[str, str]:
    """The links from /bin and the like into /usr, as the package says that has them: one of the first to be installed."""
    found = next((manifest for manifest in _manifests(files) if manifest.package.name == LINKING), None)
    shipped = ((file.path, file.target or "") for file in (found.files if found else ()) if file.kind is Kind.SYMLINK)
    return {path: target for path, target in shipped if path in LINKED and joined(path, target) in INTO - {path}}


def _digests(host: Host, changes: Sequence[Change], now: Mapping[str, Sequence[Claim]]) -> dict[str, tuple[str, ...]]:
    """Digests by the algorithms that databases know, of files whose bytes are those that the scan saw.

    Where a policy watches no content there is no digest that the scan saw: it is that of a file of the size that it saw.
    """
    seen = {change.path: change.after for change in changes if change.after and change.after.kind is Kind.FILE}
    asked = []
    for path, entry in seen.items():
        known = {digest.partition(":")[0] for digest in entry.digests or ()}
        shipped = [claim.file for claim in now.get(path, ()) if claim.file.size in (None, entry.size)]
        told = {digest.partition(":")[0] for file in shipped for digest in file.digests}
        more = COMPUTED & told
        if more and not known & told and entry.size is not None:
            asked.append((path, entry.size, (*sorted(known), *sorted(more)), False))
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
    command = run.command if run else ""
    short = command if len(command) <= LONGEST_COMMAND else f"{command[:LONGEST_COMMAND]}..."
    by = f"`{short}`{f' by {run.by}' if run and run.by else ''}, " if command else ""
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
