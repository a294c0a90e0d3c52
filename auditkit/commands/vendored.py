"""`check --against vendor`: package databases -> signed manifests -> a scan of their places -> what is not as shipped."""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, islice

from auditkit import against, compare, databases, distrust, entries
from auditkit.commands import integrity, options, peering, remembering, vouching
from auditkit.errors import AuditkitError, UsageError
from auditkit.explain import ALTERED, MISSING, SIGNED, one_of
from auditkit.hosts import Host, Past, is_here
from auditkit.model import Change, Finding, Gap, HostReport, Kind, Level, Means, Need, Policy, State, Watch
from auditkit.packaged import ALIASES, OS_RELEASE, Files, distribution, installed, taken
from auditkit.packages import Manifest, Package, dpkg, dpkgrules, pacman
from auditkit.packages.layout import Diversion, Layout, joined
from auditkit.packages.owned import Owned
from auditkit.packages.unowned import Unowned
from auditkit.printable import printable
from auditkit.scan import IDENTITY, Progress, Scan, ground
from auditkit.strays import RULES as OF_STRAYS
from auditkit.strays import Strays, gathered
from auditkit.systems import SYSTEMS
from auditkit.vouched import Sound, Vouched

NEEDS: tuple[Need, ...] = (
    *(need for system in SYSTEMS for need in system.needs),
    *(dpkgrules.DIVERSIONS, dpkgrules.OVERRIDES, *dpkgrules.OPTIONS),
    *(dpkgrules.ALTERNATIVES, dpkgrules.TEMPLATES, *OS_RELEASE),
)
SIGNING = ("dpkg", "rpm")
"""Package systems of which something is signed that can be had: lists of archives, and the headers in the database itself."""
PLACES = ("/usr", "/etc", *ALIASES, "/boot", "/opt")
"""Where packages put things; what they ship elsewhere is looked at path by path."""
NAMED = 3
"""So many packages are named of those that cannot be verified for one reason."""
MOST_KINDS = 4
"""So many kinds of unowned paths are named."""
NO_WORD = {
    "dpkg": "no signed lists of its distribution are at hand",
    "rpm": "its header is not to be had",
    "apk": "apk keeps nothing that its vendor signed",
    "pacman": "pacman keeps nothing that its vendor signed",
}
NONE = "there is no package database of dpkg or rpm here, nor another one that is known: nothing can be held against its vendor"
FORGED = "what the database says of it is not what was signed"
OTHER_DIGESTS = "its header has no SHA-256 digests of its files"
KEY = "gpg-pubkey"
"""What rpm calls the keys that it was given: no package, and nobody signs it."""
LEADS = {**{path: f"/{target}" for path, target in ALIASES.items()}, "/usr/sbin": "/usr/bin"}
"""Links of a merged /usr, and of a merged sbin, as Fedora 42 has it."""
_SIGN = re.compile(r"([*?[])")


def check(host: Host, run: options.Setting) -> HostReport:
    """What of a host is not as the vendors of its packages shipped it.

    Raises:
        HostError: it cannot be asked.
        UsageError: it is nothing that this can be done with.
    """
    if isinstance(host, Past):
        raise UsageError("evidence cannot be held against vendors yet", "name the host, or the mounted disk: root:/mnt/disk")
    return _held(host, run, _asked(host))


def if_at_hand(host: Host, run: options.Setting) -> HostReport | None:
    """The same, if the vendor's word on any package of the host can be had without being told where from."""
    asked = _asked(host)
    return _held(host, run, asked) if vouching.at_hand(run, host, asked.packages) else None


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the package databases of a host say, and what of them could not be had."""

    files: Files
    packages: list[Package]
    gaps: list[Gap]


def _asked(host: Host) -> _Asked:
    files, gaps = taken(host, NEEDS)
    return _Asked(files, [one for one in installed(files, gaps) if one.system != "rpm" or one.name != KEY], gaps)


@dataclass(slots=True)
class _Shipped:
    """What the packages of a host ship, as far as that is known, and what keeps it."""

    memory: remembering.Memory
    vouched: Vouched
    owned: Owned
    forged: list[Manifest] = field(default_factory=list)
    """What contradicts its own signature."""
    notes: list[str] = field(default_factory=list)

    def keep(self, work: Callable[[], None]) -> None:
        """Keep what saves time the next time; where a store cannot be written to nothing else is lost."""
        try:
            work()
        except AuditkitError as error:
            self.notes = [f"what was seen is not kept, so that the next check takes as long: {error}"]


def _held(host: Host, run: options.Setting, asked: _Asked) -> HostReport:
    if not any(one.system in SIGNING for one in asked.packages):
        return _nothing(host, asked.packages, asked.gaps)
    links, diversions = _links(host, run), _diversions(asked.files, asked.gaps)
    merged = _merged(links)
    memory = _memory(host, run, asked, Layout(merged, diversions))
    with run.show("checking", host.name, None) as progress:
        look = partial(_begun, host, run, algorithm=memory.algorithm, progress=progress)
        outside = memory.outside() if is_here(host.name) else None  # what lies beyond a network is asked one thing at a time
        begun = None if outside is None else look(outside)
        shipped = _shipped(host, run, asked, memory)
        vouched = shipped.vouched
        meant = _meant(asked.files, memory.layout, frozenset(merged), asked.gaps)
        strays = _strays(asked.files, links, shipped.owned, diversions)
        diverted = tuple(against.diverted(diversions, vouched, (package.name for package in asked.packages)))
        scan, blocks = begun or look(_outside(vouched.paths()))
        result = _compared(scan, blocks, vouched, meant, strays)
    _keep_sound(host, shipped)
    more = (*diverted, *databases.forged(shipped.forged))
    result = replace(result, findings=(*result.findings, *more), gaps=(*asked.gaps, *result.gaps))
    report = integrity.report(host, result, None, (*_notes(vouched, strays), *shipped.notes))
    counts = {"packages": len(asked.packages), "verified": len(vouched.packages)}
    return peering.left(replace(report, counts={**report.counts, **counts}), host, run, scan)


def _memory(host: Host, run: options.Setting, asked: _Asked, layout: Layout) -> remembering.Memory:
    algorithm = _algorithm(host, asked.packages)
    return remembering.Memory(run.store, asked.packages, distribution(asked.files), layout, algorithm)


def _merged(links: Mapping[str, str]) -> dict[str, str]:
    """Those links that lead where they do on a merged /usr."""
    return {path: target for path, target in links.items() if joined(path, target) == LEADS.get(path)}


def _shipped(host: Host, run: options.Setting, asked: _Asked, memory: remembering.Memory) -> _Shipped:
    """What the packages of a host ship, on their vendors' word and, as far as that goes not, on its own."""
    shipped = _Shipped(memory, *memory.recall())
    vouched, owned = shipped.vouched, shipped.owned
    rest = _rest(asked.packages, vouched)
    of_dpkg = vouching.signed(run, host, rest, memory.distribution, lists=True)
    told = chain(of_dpkg, vouching.of_rpm(run, rest, asked.files))
    owned.take(_vouched_for(told, asked.packages, vouched, shipped.forged, asked.gaps))
    memory = shipped.memory = replace(memory) if rest else memory  # more may be in the cache by now
    if memory.fits(vouched):
        vouched.sound = Sound(memory.sound(host.name))
        if rest:
            shipped.keep(partial(memory.keep, vouched, owned, _outside(vouched.paths())))
    owned.take(_local(host, asked.packages, asked.files, vouched))
    return shipped


def _keep_sound(host: Host, shipped: _Shipped) -> None:
    """Keep which blocks were just as shipped, unless it is known."""
    memory, sound = shipped.memory, shipped.vouched.sound
    marks = set(sound.folders.values())
    if memory.fits(shipped.vouched) and marks != sound.known:
        shipped.keep(partial(memory.keep_sound, host.name, marks))


def _nothing(host: Host, packages: Sequence[Package], gaps: Sequence[Gap]) -> HostReport:
    """What is said of a host of which nobody has signed anything that it kept."""
    counts = {"packages": len(packages), "verified": 0}
    why = _by_reason(packages, {}) if packages else [Gap("packages", NONE)]
    return HostReport(host.name, counts=counts, gaps=(*gaps, *why))


def _links(host: Host, run: options.Setting) -> dict[str, str]:
    """Where links lead that decide where things are: those at the root, and those of alternatives."""
    watches = [Watch(f"{path}/*", Level.IGNORE) for path in LEADS]
    watches += [Watch(path, Level.METADATA) for path in (*LEADS, "/etc/alternatives")]
    found = (entry for block in _scan(host, run, watches, "sha256") for _name, entry in entries.decode(block))
    return {entry.path: entry.target for entry in found if entry.kind is Kind.SYMLINK and entry.target}


def _scan(
    host: Host,
    run: options.Setting,
    watches: Iterable[Watch],
    algorithm: str,
    progress: Progress = lambda _entries, _read: None,
) -> Scan:
    policy = Policy("vendor", tuple(watches), (algorithm,))
    stands = replace(ground(host, policy, (), IDENTITY if run.page else ()), watched=policy)
    return Scan(host, stands, run.jobs, progress, run.timeout)


def _algorithm(host: Host, packages: Iterable[Package]) -> str:
    """The digest by which files are compared: over SSH the one that every host can compute, of rpm what its headers have."""
    return "blake3" if is_here(host.name) and all(package.system == "dpkg" for package in packages) else "sha256"


def _diversions(files: Mapping[str, bytes], gaps: list[Gap]) -> list[Diversion]:
    told = tuple(dpkgrules.diversions(files.get(dpkgrules.DIVERSIONS.what, b"")))
    gaps += (one for one in told if isinstance(one, Gap))
    return [one for one in told if isinstance(one, Diversion)]


def _vouched_for(
    told: Iterable[Manifest | Gap], packages: Sequence[Package], vouched: Vouched, forged: list[Manifest], gaps: list[Gap]
) -> Iterator[Manifest]:
    """Yield what the vendors signed; in the end a gap is known for each reason for which packages cannot be verified.

    What contradicts its signature is kept in `forged`.
    """
    reasons = dict[str, str]()

    def signed() -> Iterator[Manifest]:
        for one in told:
            if isinstance(one, Gap):
                reasons[one.subject] = one.reason
            elif one.proof != SIGNED:
                forged.append(one)
                reasons[f"{one.package.key} {one.package.version}"] = FORGED
            elif one.package.system == "rpm" and _has_others(one):
                reasons[f"{one.package.key} {one.package.version}"] = OTHER_DIGESTS
            else:
                yield one

    yield from vouched.taking(signed())
    groups = _by_reason(_rest(packages, vouched), reasons)
    gaps += groups
    again = {f"{package.key} {package.version}" for package in packages if package.system == "rpm"}
    gaps += (Gap(subject, reason) for subject, reason in reasons.items() if groups or subject in again)


def _has_others(manifest: Manifest) -> bool:
    """Whether files of a package of rpm have digests by another algorithm than those that a scan is asked for."""
    return any(not digest.startswith("sha256:") for file in manifest.files for digest in file.digests)


def _by_reason(packages: Iterable[Package], reasons: dict[str, str]) -> list[Gap]:
    """A gap for each reason for which packages are unverifiable; what is used of the reasons is taken out of them."""
    groups: dict[str, list[str]] = {}
    for package in packages:
        reason = reasons.pop(f"{package.key} {package.version}", NO_WORD[package.system])
        groups.setdefault(reason, []).append(package.key)
    return [_unverifiable(names, reason) for reason, names in groups.items()]


def _rest(packages: Iterable[Package], vouched: Vouched) -> list[Package]:
    """The packages that nobody vouches for."""
    signed = set(map(one_of, vouched.packages))
    return [package for package in packages if one_of(package) not in signed]


def _unverifiable(names: Sequence[str], reason: str) -> Gap:
    few = ", ".join(map(printable, names[:NAMED]))
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    many = f"{len(names):,} packages are" if len(names) > 1 else "1 package is"
    return Gap("packages", f"{many} unverifiable: {reason}: {few}{more}")


def _local(host: Host, packages: Sequence[Package], files: Mapping[str, bytes], vouched: Vouched) -> Iterator[Manifest]:
    """Yield what the host's databases say of packages that nobody vouches for, so that their files are not called unowned."""
    rest = _rest(packages, vouched)
    stems = (f"{dpkg.INFO}{name}.list" for package in rest if package.system == "dpkg" for name in (package.name, package.key))
    needs = [Need(Means.FILE, stem, dpkg.LISTS.why) for stem in stems]
    needs += [pacman.FILES] if any(package.system == "pacman" for package in rest) else []
    files = {**files, **taken(host, tuple(needs))[0]} if needs else files
    wanted = set(map(one_of, rest))
    told = chain.from_iterable(system.manifests(files) for system in SYSTEMS if any(one.system == system.name for one in rest))
    yield from (one for one in told if isinstance(one, Manifest) and one_of(one.package) in wanted)


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


def _begun(
    host: Host, run: options.Setting, outside: Collection[str], algorithm: str, progress: Progress
) -> tuple[Scan, Iterator[bytes]]:
    """A scan that is under way, and its blocks."""
    scan = replace(_scan(host, run, _watches(outside), algorithm, progress), also=peering.kept(run))
    blocks = scan.as_far_as_it_goes()
    return scan, chain(list(islice(blocks, 1)), blocks)


def _compared(
    scan: Scan, blocks: Iterable[bytes], vouched: Vouched, meant: against.Meant, strays: Strays
) -> integrity.Compared:
    overridden = tuple(against.overridden(meant, vouched))
    unheld = tuple(_unheld(vouched))
    told = list(against.judged(blocks, vouched, meant, strays, scan.gaps))
    changes = tuple(gathered(one for one in told if isinstance(one, Change)))
    gaps = (*scan.gaps, *unheld, *(one for one in told if isinstance(one, Gap)))
    lies = tuple(distrust.hidden(gaps))
    rules = (*against.RULES, *OF_STRAYS, ALTERED, MISSING)
    findings = (*compare.findings(changes, rules), *(one for one in told if isinstance(one, Finding)), *overridden, *lies)
    return integrity.Compared(changes, findings, gaps, scan.entries, state=State.LIED if lies else scan.ended)


def _unheld(vouched: Vouched) -> Iterator[Gap]:
    """Yield how many packages have scripts that cannot be compared; to be asked before the scan."""
    if number := vouched.unheld():
        yield Gap("maintainer scripts", f"those of {number:,} packages were not compared: the manifest cache is too old")


def _outside(paths: Iterable[str]) -> set[str]:
    """The paths that are not below the places of packages."""
    known = tuple(f"{one}/" for one in (*PLACES, *against.PASSING))
    return {path for path in paths if not f"{path}/".startswith(known) and not path.startswith(dpkg.INFO)} - {"/"}


def _watches(outside: Iterable[str]) -> Iterator[Watch]:
    """Yield what to look at: all below the places of packages, and elsewhere just the paths that packages ship."""
    yield from (Watch(f"{dpkg.INFO}*.{kind}", Level.CONTENT, cross_mounts=True) for kind in dpkg.SCRIPTS)
    for path in sorted(outside, key=lambda path: (-path.count("/"), path)):
        pattern = _SIGN.sub(r"[\1]", path)
        yield Watch(f"{pattern}/*", Level.IGNORE)
        yield Watch(pattern, Level.CONTENT, cross_mounts=True)
    yield from (Watch(path, Level.CONTENT, cross_mounts=True) for path in PLACES)


def _notes(vouched: Vouched, strays: Strays) -> Iterator[str]:
    """Yield on whose word what was verified, and what was not told because its kind is known."""
    for source, number in Counter(vouched.sources).most_common():
        yield f"{number:,} package{'s' * (number > 1)} on the word of {source}"
    if strays.open:
        many = f"{strays.open:,} files are" if strays.open > 1 else "1 file is"
        yield f"{many} left open by the package (a log or a cache, %ghost of rpm): what is in it is not judged"
    if strays.categories:
        kinds = [f"{number:,} {name}" for name, number in strays.categories.most_common()]
        more = ["others"] if len(kinds) > MOST_KINDS else []
        named = ", ".join(kinds[:MOST_KINDS] + more)
        yield f"{strays.categories.total():,} paths of no package are of known kinds ({named}); their content is not judged"
