"""What a host's packages say of the paths that changed: asked only where something did, in one question and no more than two.

The first takes the package databases, the second reads changed files again where a database knows only MD5 or SHA-1 of them.
"""

import hashlib
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from auditkit.explain import Account, Claim, Claims
from auditkit.hosts import Host
from auditkit.model import Change, Gap, Item, Kind, Means, Need
from auditkit.packages import Manifest, Package, apk, dpkg, dpkglog, dpkgrules, versions
from auditkit.packages.layout import Diversion, Layout
from auditkit.probe.rotation import NOT_KNOWN

OS_RELEASE = tuple(Need(Means.FILE, f"/{place}/os-release", "which distribution that is") for place in ("etc", "usr/lib"))
OWNING: tuple[Need, ...] = (dpkg.STATUS, dpkg.LISTS, dpkgrules.DIVERSIONS, *apk.PLACES)
"""What tells which package owns which path."""
NEEDS: tuple[Need, ...] = (
    *(*OWNING, dpkg.DISTROLESS, dpkg.SUMS, dpkg.CONFFILES),
    *(dpkglog.LOGS, dpkglog.HISTORY, *OS_RELEASE),
)
MERGED = {"usrmerge:all", "usr-is-merged:all"}
"""Packages that are there where /bin, /sbin and /lib* are links into /usr."""
ALIASES = {f"/{name}": f"usr/{name}" for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32")}
EMPTY = tuple(f"{name}:{hashlib.new(name, b'').hexdigest()}" for name in ("md5", "sha1", "sha256"))
LARGEST_LOG = 64 << 20
"""Unpacked bytes of one log of upgrades."""
LONGEST_COMMAND = 100
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
    files = _taken(host, OWNING)
    return _manifests(files), _layout(files, {package.key: package.version for package in _packages(files)})


def account(
    host: Host, changes: Sequence[Change], before: Mapping[str, str], was: Claims, signed: Signed
) -> tuple[Account, tuple[Gap, ...]]:
    """What is known of the packages of a host, as far as it concerns paths that changed, and of which nobody vouches.

    `before` is the baseline's list of packages, `was` who claimed paths then.

    Raises:
        HostError: the host cannot be asked any more.
    """
    files = _taken(host, NEEDS)
    paths = {change.path for change in changes}
    installed = {package.key: package.version for package in _packages(files)}
    layout = _layout(files, installed)
    now = claims(_manifests(files), layout, paths)
    concerned = {claim.manifest.package: None for found in now.values() for claim in found}
    told = list(signed(tuple(concerned), distribution(files)))
    for path, found in claims((each for each in told if isinstance(each, Manifest)), layout, paths).items():
        now.setdefault(path, []).extend(found)
    gaps = tuple(each for each in told if isinstance(each, Gap))
    older = frozenset(key for key in before.keys() & installed.keys() if _is_older(files, installed[key], before[key]))
    return Account(before, installed, was, now, _digests(host, changes, now), _doers(files), older), gaps


def _is_older(files: Files, version: str, before: str) -> bool:
    compare = versions.deb if dpkg.STATUS.what in files else versions.apk
    return version != before and compare(version, before) < 0


def distribution(files: Files) -> str:
    """Which distribution it is, the ID of os-release(5); empty where it does not say."""
    text = next((files[need.what] for need in OS_RELEASE if need.what in files), b"").decode("utf-8", "replace")
    found = re.search(r"^ID=[\"']?([a-z0-9._-]{1,100})", text, re.MULTILINE)
    return found[1] if found else ""


def _taken(host: Host, needs: tuple[Need, ...]) -> Files:
    return {told.source: told.data for told in host.take(needs) if isinstance(told, Item)}


def claims(manifests: Iterable[Manifest], layout: Layout, paths: set[str]) -> dict[str, list[Claim]]:
    """Who claims which of these paths, by the path at which a scan finds it."""
    found: dict[str, list[Claim]] = {}
    for manifest in manifests:
        for file in manifest.files:
            place = layout.place(file.path, manifest.package.name)
            if place in paths:
                found.setdefault(place, []).append(Claim(manifest, file))
    return found


def _packages(files: Files) -> Iterator[Package]:
    for system in (dpkg, apk):
        yield from (package for package in system.packages(files) if not isinstance(package, Gap))


def _manifests(files: Files) -> Iterator[Manifest]:
    for system in (dpkg, apk):
        yield from (manifest for manifest in system.manifests(files) if not isinstance(manifest, Gap))


def _layout(files: Files, installed: Mapping[str, str]) -> Layout:
    """Where this host puts what packages ship."""
    told = dpkgrules.diversions(files.get(dpkgrules.DIVERSIONS.what, b""))
    links = ALIASES if MERGED & installed.keys() else {}
    return Layout(links, (each for each in told if isinstance(each, Diversion)))


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
