"""What a host's packages say of the paths that changed: asked only where something did, in one question and no more than two.

The first takes the package databases, the second reads changed files again where a database knows only MD5 or SHA-1 of them.
"""

import hashlib
import io
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from auditkit.explain import Account, Claim, Claims
from auditkit.hosts import Host, Past
from auditkit.model import Change, Gap, Item, Kind, Means, Need
from auditkit.packages import SYSTEMS, Manifest, Package, apk, dpkglog, dpkgrules, recognised
from auditkit.packages.layout import Diversion, Layout, joined
from auditkit.probe.rotation import NOT_KNOWN

OS_RELEASE = tuple(Need(Means.FILE, f"/{place}/os-release", "which distribution that is") for place in ("etc", "usr/lib"))
OWNING: tuple[Need, ...] = (
    *(need for system in SYSTEMS for need in (*system.needs, *system.lists[:1])),
    dpkgrules.DIVERSIONS,
)
"""What tells which package owns which path."""
NEEDS: tuple[Need, ...] = (
    *(*OWNING, *(need for system in SYSTEMS for need in system.lists[1:])),
    *(dpkglog.LOGS, dpkglog.HISTORY, *OS_RELEASE),
)
MERGED = {"usrmerge:all", "usr-is-merged:all"}
"""Packages of Debian that are there where /bin, /sbin and /lib* are links into /usr."""
ALIASES = {f"/{name}": f"usr/{name}" for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32")}
LINKING = "filesystem"
"""The package of all others that has these links, and says where they lead."""
INTO = {"/usr/bin", "/usr/lib", "/usr/lib64"}
"""Where they may lead."""
COMPUTED = {"md5", "sha1", "sha256"}
"""Digests that a host can be asked for."""
EMPTY = tuple(f"{name}:{hashlib.new(name, b'').hexdigest()}" for name in ("md5", "sha1", "sha256"))
LARGEST_LOG = 64 << 20
"""Unpacked bytes of one log of upgrades."""
LONGEST_COMMAND = 100
Files = Mapping[str, bytes]
Signed = Callable[[Sequence[Package], Files], Iterable[Manifest | Gap]]
"""What the vendors signed of packages of a host, whose files these are, or why that cannot be told."""


def nobody(_packages: Sequence[Package], _files: Files) -> tuple[Manifest, ...]:
    """No vendor's word."""
    return ()


@dataclass(frozen=True, slots=True)
class Owned:
    """The packages of a host, for its baseline."""

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
    files, gaps = _taken(host, OWNING)
    found = _versions(files)
    return Owned(found if recognised(files) else None, _manifests(files), _layout(files, found), gaps)


def account(
    host: Host, changes: Sequence[Change], before: Mapping[str, str], was: Claims, signed: Signed
) -> tuple[Account, tuple[Gap, ...]]:
    """What is known of the packages of a host, as far as it concerns paths that changed, and of which nobody vouches.

    `before` is the baseline's list of packages, `was` who claimed paths then.

    Raises:
        HostError: the host cannot be asked any more.
    """
    files, gaps = _taken(host, NEEDS)
    paths = {change.path for change in changes}
    installed = _versions(files)
    layout = _layout(files, installed)
    now = claims(_manifests(files), layout, paths)
    concerned = {claim.manifest.package: None for found in now.values() for claim in found}
    told = list(signed(tuple(concerned), files))
    for path, found in claims((each for each in told if isinstance(each, Manifest)), layout, paths).items():
        now.setdefault(path, []).extend(found)
    unproved = tuple(each for each in told if isinstance(each, Gap))
    return Account(before, installed, was, now, _digests(host, changes, now), _doers(files)), (*gaps, *unproved)


def distribution(files: Files) -> str:
    """Which distribution it is, the ID of os-release(5); empty where it does not say."""
    text = next((files[need.what] for need in OS_RELEASE if need.what in files), b"").decode("utf-8", "replace")
    found = re.search(r"^ID=[\"']?([a-z0-9._-]{1,100})", text, re.MULTILINE)
    return found[1] if found else ""


def _taken(host: Host, needs: tuple[Need, ...]) -> tuple[Files, tuple[Gap, ...]]:
    """The files by their path, those that came in pieces put together, and gaps; nothing of what is not whole.

    Evidence has said what it lacks when it was taken; that it is older than a package system that is known now says nothing.
    """
    held: dict[str, io.BytesIO] = {}  # whose bytes are not copied once more, as those of joined pieces would be
    gaps = []
    for told in host.take(needs):
        if isinstance(told, Item):
            held.setdefault(told.source, io.BytesIO()).write(told.data)
        else:
            gaps.append(told)
    for gap in gaps:
        held.pop(gap.subject, None)
    return {source: data.getvalue() for source, data in held.items()}, () if isinstance(host, Past) else tuple(gaps)


def claims(manifests: Iterable[Manifest], layout: Layout, paths: set[str]) -> dict[str, list[Claim]]:
    """Who claims which of these paths, by the path at which a scan finds it."""
    found: dict[str, list[Claim]] = {}
    for manifest in manifests:
        for file in manifest.files:
            place = layout.place(file.path, manifest.package.name)
            if place in paths:
                found.setdefault(place, []).append(Claim(manifest, file))
    return found


def _versions(files: Files) -> dict[str, str]:
    """What is installed: of a package that may be there in several versions, as kernels of rpm are, all of them."""
    found: dict[str, set[str]] = {}
    for system in SYSTEMS:
        for package in system.packages(files):
            if isinstance(package, Package):
                found.setdefault(package.key, set()).add(package.version)
    return {key: " ".join(sorted(versions)) for key, versions in found.items()}


def _manifests(files: Files) -> Iterator[Manifest]:
    for system in SYSTEMS:
        yield from (manifest for manifest in system.manifests(files) if isinstance(manifest, Manifest))


def _layout(files: Files, installed: Mapping[str, str]) -> Layout:
    """Where this host puts what packages ship."""
    told = dpkgrules.diversions(files.get(dpkgrules.DIVERSIONS.what, b""))
    merged = MERGED & installed.keys() or apk.PLACES[1].what in files
    links = ALIASES if merged else _links(files) if any(key.partition(":")[0] == LINKING for key in installed) else {}
    return Layout(links, (each for each in told if isinstance(each, Diversion)))


def _links(files: Files) -> dict[str, str]:
    """The links from /bin and the like into /usr, as the package says that has them: one of the first to be installed."""
    found = next((manifest for manifest in _manifests(files) if manifest.package.name == LINKING), None)
    shipped = ((file.path, file.target or "") for file in (found.files if found else ()) if file.kind is Kind.SYMLINK)
    return {path: target for path, target in shipped if joined(path, target) in INTO}


def _digests(host: Host, changes: Sequence[Change], now: Mapping[str, Sequence[Claim]]) -> dict[str, tuple[str, ...]]:
    """Digests by the algorithms that databases know, of files whose bytes are those that the scan saw."""
    seen = {change.path: change.after for change in changes if change.after and change.after.kind is Kind.FILE}
    asked = []
    for path, entry in seen.items():
        known = {digest.partition(":")[0] for digest in entry.digests or ()}
        more = COMPUTED & {digest.partition(":")[0] for claim in now.get(path, ()) for digest in claim.file.digests}
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


def _doers(files: Files) -> dict[tuple[str, str], str]:
    """Who brought which version of a package, in words."""
    runs = [run for name, data in _logs(files, dpkglog.HISTORY) for run in dpkglog.history(data, name)]
    known = [run for run in runs if isinstance(run, dpkglog.Run)]
    found = {}
    for name, data in _logs(files, dpkglog.LOGS):
        for event in dpkglog.dpkg(data, name):
            if isinstance(event, dpkglog.Event):
                found[event.package, event.after or ""] = _doer(event, dpkglog.run_of(event, known))
    return found


def _doer(event: dpkglog.Event, run: dpkglog.Run | None) -> str:
    """`apt upgrade` by anna, 2026-11-20 10:12."""
    by = f"`{run.command[:LONGEST_COMMAND]}`{f' by {run.by}' if run.by else ''}, " if run and run.command else ""
    return f"{by}{event.time:%Y-%m-%d %H:%M}"


def _logs(files: Files, need: Need) -> Iterator[tuple[str, bytes]]:
    """Yield name and text of a log and its rotations, the oldest first as far as their names tell."""
    start = need.what.rstrip("*")
    for name in sorted((name for name in files if name.startswith(start)), key=len, reverse=True):
        yield name, _unpacked(files[name]) if name.endswith(".gz") else files[name]


def _unpacked(data: bytes) -> bytes:
    """What gzip packed, as far as it goes."""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, LARGEST_LOG)
    except zlib.error:
        return b""
