"""A host held against what the vendors signed, with no baseline: altered, missing, foreign and unowned files.

Pure. Blocks of a scan stream through; what is just as a package says costs a look-up, and no entry is held but those to tell.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from auditkit.compare import CAPABILITIES, CAPABILITY, SET_ID, SETUID
from auditkit.explain import ALTERED, LABELS, MISSING
from auditkit.facts import DOCUMENTS
from auditkit.model import Change, ChangeKind, Entry, Finding, Gap, Kind, Level, Rule, Severity
from auditkit.packages import Shipped
from auditkit.packages.dpkg import INFO
from auditkit.packages.dpkgrules import Filter, Override, left_out
from auditkit.packages.layout import Diversion
from auditkit.printable import printable
from auditkit.scripts import BY_PROGRAMS, lines_about, mentions, sets_capabilities, sets_mode, sets_owner
from auditkit.settle import under
from auditkit.shipped import capable, differing, same_content
from auditkit.strays import Strays, added
from auditkit.vouched import Claim, Vouched
from auditkit.vouched import differing as odd

MODE = Rule(
    "package-mode-changed",
    "mode or owner of a file is not as its package ships it",
    Severity.MEDIUM,
    "Who may read, write or run a file decides as much as what is in it. Neither the package nor its scripts set it so.",
    "put it back (chmod, chown, rpm --restore PACKAGE), or tell dpkg that it is meant: dpkg-statoverride --add OWNER GROUP MODE"
    " PATH",
    ("dpkg-statoverride(1)", "rpm(8)"),
)
CONFIGURED = Rule(
    "configuration-changed",
    "a configuration file is not as its package ships it",
    Severity.LOW,
    "Admins change these files, so it is no alarm. But what a changed one says was written by somebody here and not by the"
    " vendor, whose signature says nothing of it.",
    "know why each of these was changed; a baseline tells when the next one is",
)
DIVERTED = Rule(
    "diversion-foreign",
    "a file of a package is put elsewhere, and no package that is installed says so",
    Severity.MEDIUM,
    "A program of the system may have been replaced by another one, in a way that the usual checks do not see. dpkg-divert"
    " moves a package's file out of the way, and another file can stand in its place without dpkg -V or debsums ever looking"
    " at it.",
    "see what is in its place; dpkg-divert --remove PATH unless an admin meant it",
    ("dpkg-divert(1)",),
)
OVERRIDDEN = Rule(
    "statoverride-listed",
    "mode and owner of a packaged path were overridden on this host",
    Severity.LOW,
    "dpkg-statoverride makes dpkg itself set another mode at each upgrade. No package's script sets this one.",
    "see that an admin meant it; dpkg-statoverride --remove PATH otherwise",
    ("dpkg-statoverride(1)",),
)
EXCLUDED = Rule(
    "paths-excluded",
    "dpkg is told to leave paths of packages out",
    Severity.INFO,
    "Images leave documentation out to save space. What is left out is not there to be verified, and no upgrade brings it.",
    "see that no more than documentation and translations is left out",
    ("dpkg(1)",),
)
RULES = (MODE, CONFIGURED, DIVERTED, OVERRIDDEN, EXCLUDED)
PASSING = ("/proc", "/sys", "/dev", "/run", "/var/run", "/var/lock")
"""What is made anew at every boot: nobody looks there for what packages ship."""
FEW = 5
"""Up to so many missing paths of one directory are told one by one."""
_WRITABLE = 0o022


ScriptsOf = Callable[[str], Sequence[str]]
"""The signed scripts of the packages that a path belongs to."""


@dataclass(frozen=True, slots=True)
class Meant:
    """What this host itself says shall be otherwise than packages ship it."""

    overrides: Mapping[str, Override]
    """By place."""
    filters: tuple[Filter, ...] = ()
    links: frozenset[str] = frozenset()
    """Links that stand for directories of a merged /usr."""


def judged(
    blocks: Iterable[bytes], vouched: Vouched, meant: Meant, strays: Strays, gaps: Sequence[Gap]
) -> Iterator[Change | Gap | Finding]:
    """Yield what is not as the vendors shipped it; `gaps` is whole once the blocks have ended."""
    told = set[str]()

    def by(path: str) -> list[str]:
        return vouched.scripts_of(owner.package for owner in strays.owned.owners(path))

    for entry, lines in odd(blocks, vouched, strays.owned):
        if lines:
            claims = [vouched.claim(entry.path, line) for line in lines]
            names, claim = _judged(entry, claims, meant, by)
            told.update([entry.path] if names else [])
            if claim.open or claim.file.ghost:
                yield from _left_open(entry, claim, strays, is_told=bool(names))
            if "unread" in names:
                yield Gap(entry.path, "its content was not seen: not compared with its package")
            if names - {"unread"}:
                yield _told(entry, claim, names - {"unread"})
        elif entry.path.startswith(INFO):
            yield from _script(entry, vouched)
        else:
            yield from strays.unproved(entry) if entry.path in strays.owned else strays.tell(entry)
    yield from strays.end()
    yield from _missing(vouched, meant, told | {gap.subject for gap in gaps} | set(PASSING))


def _script(entry: Entry, vouched: Vouched) -> Iterator[Change]:
    """Yield a script in dpkg's directory that its package, which a vendor vouches for, does not have."""
    stem, _, kind = entry.path.removeprefix(INFO).rpartition(".")
    for package, scripts in zip(vouched.packages, vouched.scripts, strict=True):
        if package.system == "dpkg" and stem in (package.name, package.key) and f"# {kind}\n" not in scripts:
            note = f"{package.name} {package.version} has no such script, and dpkg would run it as root"
            yield added(entry, ALTERED, ALTERED.severity, note)
            return


def _judged(entry: Entry, claims: Sequence[Claim], meant: Meant, scripts: ScriptsOf) -> tuple[set[str], Claim]:
    """What is wrong with a packaged path by that package's word which fits it best; one that leaves it open says little."""
    telling = [claim for claim in claims if not (claim.open or claim.file.ghost)]
    tried = [(_differences(entry, claim, meant, scripts), claim) for claim in telling or claims]
    return min(tried, key=lambda one: len(one[0]))


def _left_open(entry: Entry, claim: Claim, strays: Strays, *, is_told: bool) -> Iterator[Change | Gap]:
    """Yield what is to be said of a program whose content its package leaves open; logs and caches are counted."""
    rights = (entry.mode or 0) & SET_ID & ~(claim.file.mode or 0)
    if not is_told and (rights or {name for name, _value in entry.xattrs or ()} - LABELS):
        yield from strays.tell(entry)
    elif entry.kind is Kind.FILE and (entry.mode or 0) & 0o111:
        yield Gap(entry.path, f"a program, and {claim.package.name} leaves open what is in it: nobody vouches for that")
    elif entry.kind is Kind.FILE:
        strays.open += 1


def _differences(entry: Entry, claim: Claim, meant: Meant, scripts: ScriptsOf) -> set[str]:
    """The attributes that neither the package, nor its scripts, nor the admin's own words to dpkg account for."""
    file = _overridden(claim.file, meant.overrides.get(entry.path))
    if file.kind is Kind.DIRECTORY and entry.kind is Kind.SYMLINK and entry.path in meant.links:
        return set()
    digests = entry.digests or ()
    found = differing(file, entry, digests)
    if file.kind is entry.kind and not claim.open and same_content(file, entry, digests) is None:
        found.add("unread")
    if any(name not in LABELS and not (name == CAPABILITIES and capable(file, value)) for name, value in entry.xattrs or ()):
        found.add("xattrs")
    if found & {"mode", "uid", "gid", "xattrs"}:
        found -= _set_by_script(entry, found, scripts(entry.path))
    return found


def _overridden(file: Shipped, override: Override | None) -> Shipped:
    if override is None:
        return file
    return replace(file, mode=override.mode, owner=override.owner, group=override.group)


def _set_by_script(entry: Entry, found: set[str], scripts: Sequence[str]) -> set[str]:
    """The attributes that a signed script sets so, or a program of the package when it runs."""
    lines = [line for script in scripts for line in lines_about(script, _names(entry.path))]
    by_program = (entry.path, entry.mode, entry.owner, entry.group) in BY_PROGRAMS
    value = dict(entry.xattrs or ()).get(CAPABILITIES)
    only = {name for name, _value in entry.xattrs or ()} - LABELS == {CAPABILITIES}
    said = {
        "mode": by_program or (entry.mode is not None and sets_mode(lines, entry.mode)),
        "uid": by_program or sets_owner(lines, entry.owner or str(entry.uid)),
        "gid": by_program or sets_owner(lines, entry.group or str(entry.gid)),
        "xattrs": only and value is not None and sets_capabilities(lines, value),
    }
    return {name for name in found if said.get(name)}


def _names(path: str) -> tuple[str, ...]:
    """A path, and how it is called on a merged /usr too."""
    return path, *(link + path.removeprefix(real) for link, real in _ALIASES if path.startswith(real))


_ALIASES = tuple((f"/{name}/", f"/usr/{name}/") for name in ("bin", "sbin", "lib", "lib64", "lib32"))


def _told(entry: Entry, claim: Claim, names: set[str]) -> Change:
    file, whose = claim.file, f"{claim.package.name} {claim.package.version}"
    before = Entry(
        entry.path, file.kind or entry.kind, file.mode, owner=file.owner, group=file.group, size=file.size,
        digests=file.digests or None, target=file.target,
    )  # fmt: skip
    rule, severity, note = _rule(entry, file, names, whose)
    if not names & {"kind", "digest", "target"} and rule is not CONFIGURED:
        note = note or f"not as {whose} ships it"
    after = replace(entry, content=None)
    attributes = tuple(sorted(names))
    return Change(entry.path, ChangeKind.CHANGED, before, after, attributes, severity, Level.CONTENT, rule.id, note)


def _rule(entry: Entry, file: Shipped, names: set[str], whose: str) -> tuple[Rule, Severity, str]:
    if entry.kind is Kind.FILE and (entry.mode or 0) & SET_ID & ~(file.mode or 0) and "mode" in names:
        return SETUID, SETUID.severity, ""
    if "xattrs" in names and any(name == CAPABILITIES for name, _value in entry.xattrs or ()):
        return CAPABILITY, CAPABILITY.severity, ""
    if names & {"kind", "digest", "target"}:
        if file.config and "kind" not in names:
            return CONFIGURED, CONFIGURED.severity, f"configuration of {whose}"
        return ALTERED, ALTERED.severity, f"not what {whose} ships"
    stricter = names <= {"mode"} and not (entry.mode or 0) & ~(file.mode or 0)
    worse = "mode" in names and (entry.mode or 0) & ~(file.mode or 0) & _WRITABLE
    return MODE, Severity.LOW if stricter else Severity.HIGH if worse else MODE.severity, ""


def _missing(vouched: Vouched, meant: Meant, hidden: set[str]) -> Iterator[Change | Finding]:
    """Yield what packages have and the host has not, whole directories as one."""
    excluded = dict[str, int]()
    beside = dict[str, list[Change]]()
    gone = set[str]()
    for path in sorted(vouched.unseen(), key=lambda path: path.split("/")):
        if path == "/" or under(path, hidden) or under(path, gone):
            continue
        if rule := left_out(path, meant.filters):
            excluded[rule.pattern] = excluded.get(rule.pattern, 0) + 1
            continue
        if all(vouched.claim(path, line).file.optional for line in vouched.look(path)):
            continue
        change = _gone(path, vouched)
        if change.before and change.before.kind is Kind.DIRECTORY:
            gone.add(path)
            if left_out(f"{path}/x", meant.filters):
                continue
        beside.setdefault(path.rpartition("/")[0], []).append(change)
    for changes in beside.values():
        if len(changes) <= FEW:
            yield from changes
        else:
            yield replace(max(changes, key=lambda change: change.severity), note=f"and {len(changes) - 1} more beside it")
    for pattern, number in excluded.items():
        paths = "1 path is" if number == 1 else f"{number} paths are"
        yield Finding(EXCLUDED, printable(pattern), f"{paths} left out by path-exclude={printable(pattern)}", EXCLUDED.severity)


def _gone(path: str, vouched: Vouched) -> Change:
    """What is missing, by the word of the package that makes most of it where several have the path."""
    claims = (vouched.claim(path, line) for line in vouched.look(path))
    claim = min(claims, key=lambda claim: (_is_small(path, claim.file), claim.package.key))
    file, whose = claim.file, f"{claim.package.name} {claim.package.version} has it"
    before = Entry(path, file.kind or Kind.FILE, file.mode, size=file.size, target=file.target, digests=file.digests or None)
    severity = Severity.LOW if _is_small(path, file) else MISSING.severity
    return Change(path, ChangeKind.REMOVED, before, None, (), severity, Level.CONTENT, MISSING.id, whose)


def _is_small(path: str, file: Shipped) -> bool:
    return file.config or file.kind is Kind.DIRECTORY or path.startswith(DOCUMENTS)


def diverted(diversions: Iterable[Diversion], vouched: Vouched, installed: Iterable[str]) -> Iterator[Finding]:
    """Yield the diversions that no signed script of an installed package accounts for; to be asked before the scan."""
    scripts = {package.name: vouched.scripts[number] for number, package in enumerate(vouched.packages)}
    present, unproved = set(installed), dict[str, int]()
    for one in diversions:
        script, what = scripts.get(one.by, ""), f"what packages ship at {printable(one.path)} is put at {printable(one.moved)}"
        if one.local:
            yield Finding(DIVERTED, one.path, f"{what} by a local diversion", DIVERTED.severity)
        elif one.by not in present:
            message = f"{what} for {printable(one.by)}, which is not installed"
            yield Finding(DIVERTED, one.path, message, DIVERTED.severity)
        elif one.by not in scripts:
            unproved[one.by] = unproved.get(one.by, 0) + 1
        elif not _ships(one, vouched) and not ("dpkg-divert" in script and mentions(script, one.path)):
            message = f"{what} for {printable(one.by)}, whose signed scripts say nothing of it"
            yield Finding(DIVERTED, one.path, message, DIVERTED.severity)
    if unproved:
        number = sum(unproved.values())
        paths = "1 path is" if number == 1 else f"{number} paths are"
        message = f"{paths} diverted for packages that are unverifiable: {', '.join(map(printable, unproved))}"
        yield Finding(DIVERTED, "diversions", message, Severity.LOW)


def _ships(one: Diversion, vouched: Vouched) -> bool:
    """Whether the package that keeps a path for itself ships it, so that what is there is held against that."""
    place = vouched.layout.real(one.path)
    return any(vouched.claim(place, line).package.name == one.by for line in vouched.look(place))


def overridden(meant: Meant, vouched: Vouched) -> Iterator[Finding]:
    """Yield the overrides of modes and owners that no signed script accounts for; to be asked before the scan."""
    for place, one in meant.overrides.items():
        known = [vouched.claim(place, line) for line in vouched.look(place)]
        scripts = vouched.scripts_of(claim.package for claim in known)
        if any(sets_mode(lines_about(script, _names(place)), one.mode) for script in scripts):
            continue
        shipped = max((claim.file.mode or 0 for claim in known), default=0)
        gains = one.mode & SET_ID & ~shipped
        severity = Severity.HIGH if gains and known else Severity.MEDIUM if gains else OVERRIDDEN.severity
        whose = "" if known else ", of a package that is unverifiable"
        message = f"dpkg is told to make it {one.mode:04o} {printable(one.owner)}:{printable(one.group)}{whose}"
        yield Finding(OVERRIDDEN, one.path, message, severity)
