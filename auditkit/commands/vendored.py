"""`check --against vendor`: package databases -> signed manifests -> a scan of their places -> what is not as shipped."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from auditkit import against, compare, distrust, entries
from auditkit.commands import integrity, options, peering, vouching
from auditkit.errors import UsageError
from auditkit.explain import ALTERED, MISSING
from auditkit.hosts import Host, Past, is_here
from auditkit.model import Change, Finding, Gap, HostReport, Kind, Level, Means, Need, Policy, State, Watch
from auditkit.packaged import ALIASES, OS_RELEASE, distribution, taken
from auditkit.packages import Manifest, Package, dpkg, dpkgrules
from auditkit.packages.layout import Diversion, Layout
from auditkit.packages.owned import Owned
from auditkit.packages.unowned import Unowned
from auditkit.printable import printable
from auditkit.scan import IDENTITY, Progress, Scan, ground
from auditkit.strays import RULES as OF_STRAYS
from auditkit.strays import Strays, gathered
from auditkit.vouched import Vouched

NEEDS: tuple[Need, ...] = (
    *(dpkg.STATUS, dpkg.DISTROLESS, dpkgrules.DIVERSIONS, dpkgrules.OVERRIDES, *dpkgrules.OPTIONS),
    *(dpkgrules.ALTERNATIVES, dpkgrules.TEMPLATES, *OS_RELEASE),
)
PLACES = ("/usr", "/etc", *ALIASES, "/boot", "/opt")
"""Where packages put things; what they ship elsewhere is looked at path by path."""
NAMED = 3
"""So many packages are named of those that cannot be verified for one reason."""
MOST_KINDS = 4
"""So many kinds of unowned paths are named."""
NO_WORD = "no signed lists of its distribution are at hand"
NOT_DPKG = "there is no package database of dpkg here: nothing can be held against its vendor"
_SIGN = re.compile(r"([*?[])")


def check(host: Host, run: options.Setting) -> HostReport:
    """What of a host is not as the vendors of its packages shipped it.

    Raises:
        HostError: it cannot be asked.
        UsageError: it is nothing that this can be done with.
    """
    if isinstance(host, Past):
        raise UsageError("evidence cannot be held against vendors yet", "name the host, or the mounted disk: root:/mnt/disk")
    files, gaps = taken(host, NEEDS)
    told = tuple(dpkg.packages(files))
    packages = tuple(one for one in told if isinstance(one, Package))
    if not packages:
        return HostReport(host.name, gaps=(*gaps, Gap("packages", NOT_DPKG)))
    gaps += (one for one in told if isinstance(one, Gap))
    links = _links(host, run)
    diversions = _diversions(files, gaps)
    merged = {path: target for path, target in links.items() if target.strip("/") == ALIASES.get(path)}
    layout = Layout(merged, diversions)
    vouched = Vouched(layout, _algorithm(host))
    vendors = vouching.signed(run, host, packages, distribution(files), lists=True)
    of_vendors = _vouched_for(vendors, packages, vouched, gaps)
    owned = Owned(chain(of_vendors, _local(host, packages, files, vouched)), layout)
    meant = _meant(files, layout, frozenset(merged), gaps)
    strays = _strays(files, links, owned, diversions)
    diverted = tuple(against.diverted(diversions, vouched, (package.name for package in packages)))
    result, scan = _compared(host, run, vouched, meant, strays)
    result = replace(result, findings=(*result.findings, *diverted), gaps=(*gaps, *result.gaps))
    report = integrity.report(host, result, None, _notes(vouched, strays))
    counts = {"packages": len(packages), "verified": len(vouched.packages)}
    return peering.left(replace(report, counts={**report.counts, **counts}), host, run, scan)


def _links(host: Host, run: options.Setting) -> dict[str, str]:
    """Where links lead that decide where things are: those at the root, and those of alternatives."""
    watches = [Watch(f"{path}/*", Level.IGNORE) for path in ALIASES]
    watches += [Watch(path, Level.METADATA) for path in (*ALIASES, "/etc/alternatives")]
    found = (entry for block in _scan(host, run, watches) for _name, entry in entries.decode(block))
    return {entry.path: entry.target for entry in found if entry.kind is Kind.SYMLINK and entry.target}


def _scan(
    host: Host, run: options.Setting, watches: Iterable[Watch], progress: Progress = lambda _entries, _read: None
) -> Scan:
    policy = Policy("vendor", tuple(watches), (_algorithm(host),))
    stands = replace(ground(host, policy, (), IDENTITY if run.page else ()), watched=policy)
    return Scan(host, stands, run.jobs, progress, run.timeout)


def _algorithm(host: Host) -> str:
    """The digest by which files are compared: over SSH the one that every host can compute."""
    return "blake3" if is_here(host.name) else "sha256"


def _diversions(files: Mapping[str, bytes], gaps: list[Gap]) -> list[Diversion]:
    told = tuple(dpkgrules.diversions(files.get(dpkgrules.DIVERSIONS.what, b"")))
    gaps += (one for one in told if isinstance(one, Gap))
    return [one for one in told if isinstance(one, Diversion)]


def _vouched_for(
    told: Iterable[Manifest | Gap], packages: Sequence[Package], vouched: Vouched, gaps: list[Gap]
) -> Iterator[Manifest]:
    """Yield what the vendors signed; in the end a gap is known for each reason for which packages cannot be verified."""
    reasons = dict[str, str]()

    def signed() -> Iterator[Manifest]:
        for one in told:
            if isinstance(one, Manifest):
                yield one
            else:
                reasons[one.subject] = one.reason

    yield from vouched.taking(signed())
    groups: dict[str, list[str]] = {}
    for package in _rest(packages, vouched):
        groups.setdefault(reasons.pop(f"{package.key} {package.version}", NO_WORD), []).append(package.key)
    gaps += (_unverifiable(names, reason) for reason, names in groups.items())
    gaps += (Gap(subject, reason) for subject, reason in reasons.items() if groups)


def _rest(packages: Iterable[Package], vouched: Vouched) -> list[Package]:
    """The packages that nobody vouches for."""
    signed = {package.key for package in vouched.packages}
    return [package for package in packages if package.key not in signed]


def _unverifiable(names: Sequence[str], reason: str) -> Gap:
    few = ", ".join(map(printable, names[:NAMED]))
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    many = f"{len(names):,} packages are" if len(names) > 1 else "1 package is"
    return Gap("packages", f"{many} unverifiable: {reason}: {few}{more}")


def _local(host: Host, packages: Sequence[Package], files: Mapping[str, bytes], vouched: Vouched) -> Iterator[Manifest]:
    """Yield what dpkg's own lists say of the packages that nobody vouches for, so that their files are not called unowned."""
    rest = _rest(packages, vouched)
    stems = (f"{dpkg.INFO}{name}.list" for package in rest for name in (package.name, package.key))
    lists = taken(host, tuple(Need(Means.FILE, stem, dpkg.LISTS.why) for stem in stems))[0] if rest else {}
    keys = {package.key for package in rest}
    told = dpkg.manifests({**files, **lists})
    yield from (one for one in told if isinstance(one, Manifest) and one.package.key in keys)


def _meant(files: Mapping[str, bytes], layout: Layout, merged: frozenset[str], gaps: list[Gap]) -> against.Meant:
    """What the host itself says shall be otherwise than shipped; what of that cannot be read is added to the gaps."""
    told = (*dpkgrules.overrides(files.get(dpkgrules.OVERRIDES.what, b"")), *dpkgrules.filters(files))
    gaps += (one for one in told if isinstance(one, Gap))
    overrides = {layout.place(one.path): one for one in told if isinstance(one, dpkgrules.Override)}
    filters = tuple(one for one in told if isinstance(one, dpkgrules.Filter))
    return against.Meant(overrides, filters, merged)


def _strays(files: Mapping[str, bytes], links: Mapping[str, str], owned: Owned, diversions: Iterable[Diversion]) -> Strays:
    """What tells of paths that no package owns, by all that the host's databases know of such paths."""
    chosen: dict[str, str] = {}
    for group in dpkgrules.alternatives(files):
        if isinstance(group, dpkgrules.Group):
            leads = links.get(dpkgrules.LINKS + group.name, "")
            chosen |= group.links(leads) or group.links(group.best.path if group.best else "")
    host = Unowned(owned, chosen, dpkgrules.templates(files.get(dpkgrules.TEMPLATES.what, b"")))
    moved = {owned.layout.real(one.path): one.moved for one in diversions if one.local}
    left = {
        owned.layout.real(conffile.path): record.package.name
        for record in dpkg.records(files)
        if isinstance(record, dpkg.Record)
        for conffile in record.conffiles
    }
    return Strays(host, owned, moved, left)


def _compared(
    host: Host, run: options.Setting, vouched: Vouched, meant: against.Meant, strays: Strays
) -> tuple[integrity.Compared, Scan]:
    overridden = tuple(against.overridden(meant, vouched))
    with run.show("checking", host.name, None) as progress:
        scan = replace(_scan(host, run, _watches(vouched.paths()), progress), also=peering.kept(run))
        told = list(against.judged(scan.as_far_as_it_goes(), vouched, meant, strays, scan.gaps))
    changes = tuple(gathered(one for one in told if isinstance(one, Change)))
    gaps = (*scan.gaps, *(one for one in told if isinstance(one, Gap)))
    lies = tuple(distrust.hidden(gaps))
    rules = (*against.RULES, *OF_STRAYS, ALTERED, MISSING)
    findings = (*compare.findings(changes, rules), *(one for one in told if isinstance(one, Finding)), *overridden, *lies)
    return integrity.Compared(changes, findings, gaps, scan.entries, state=State.LIED if lies else scan.ended), scan


def _watches(paths: Iterable[str]) -> Iterator[Watch]:
    """Yield what to look at: all below the places of packages, and elsewhere just the paths that packages ship."""
    known = (*PLACES, *against.PASSING)
    outside = {path for path in paths if path != "/" and not any(path == one or path.startswith(f"{one}/") for one in known)}
    for path in sorted(outside, key=lambda path: (-path.count("/"), path)):
        pattern = _SIGN.sub(r"[\1]", path)
        yield Watch(f"{pattern}/*", Level.IGNORE)
        yield Watch(pattern, Level.CONTENT, cross_mounts=True)
    yield from (Watch(path, Level.CONTENT, cross_mounts=True) for path in PLACES)


def _notes(vouched: Vouched, strays: Strays) -> Iterator[str]:
    """Yield on whose word what was verified, and what was not told because its kind is known."""
    for source, number in Counter(vouched.sources).most_common():
        yield f"{number:,} package{'s' * (number > 1)} on the word of {source}"
    if strays.categories:
        kinds = [f"{number:,} {name}" for name, number in strays.categories.most_common()]
        more = ["others"] if len(kinds) > MOST_KINDS else []
        named = ", ".join(kinds[:MOST_KINDS] + more)
        yield f"{strays.categories.total():,} paths of no package are of known kinds ({named}); their content is not judged"
