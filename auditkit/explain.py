"""Changes accounted for by the packages that the files belong to: only what nobody can account for is left to a person.

Pure. A change is explained where its path is in a package that came or went since the baseline, and all that changed is as
that package has it. That an upgrade happened at that time explains nothing; a file that is not what its package ships is
worse than one that nobody knows.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from auditkit.compare import CAPABILITIES, SET_ID
from auditkit.model import OWNERS, PASSING, Change, ChangeKind, Entry, Explanation, Gap, Kind, Rule, Severity
from auditkit.packages import Manifest, Package, Shipped
from auditkit.packages.layout import joined
from auditkit.shipped import capable, differing, pairs, same_content

ALTERED = Rule(
    "package-file-altered",
    "a file is not what its package ships",
    Severity.HIGH,
    "The package that owns it says what is in it, and something else is. No upgrade does that: somebody, or a program that"
    " updates itself past the package manager, wrote to it.",
    "keep the file as evidence; compare it with the one in the package; reinstall the package once you know what happened",
    ("dpkg(1)", "rpm(8)"),
)
MISSING = Rule(
    "package-file-missing",
    "a file that its package ships is gone",
    Severity.MEDIUM,
    "The package is installed and says that it has this file. What is missing may be a check, a log rule or a protection.",
    "find out who removed it; reinstall the package to have it back",
    ("dpkg(1)", "rpm(8)"),
)
RULES = (ALTERED, MISSING)

BY = ("package", "conffile")
SIGNED, CONTRADICTED = "signed", "forged"
_LOGGING = {"dpkg"}
_WRITABLE = 0o022
_PLAIN = {Kind.DIRECTORY: True, Kind.SYMLINK: True}
"""What a path may be of which a database only has the name: its files it knows by their digests."""
_SUMS = {"security.ima", "security.evm"}
LABELS = {"security.selinux", *_SUMS}
"""Extended attributes that the system puts on what a package brings; those of sums change with the content."""
_CONTENT = {"digest", "kind", "target"}


One = tuple[str, str, str]
"""A package in one version: its system, `name:arch`, and the version."""


def one_of(package: Package) -> One:
    """The package in this version, whatever else is known of it."""
    return package.system, package.key, package.version


@dataclass(frozen=True, slots=True)
class Claim:
    """What one package says of one path."""

    manifest: Manifest
    file: Shipped
    diverted: bool = False
    """Whether it is elsewhere than the package says: on the word of the host, which may mean any path by it."""

    @property
    def proof(self) -> str:
        """On whose word the package has this path."""
        return "local" if self.diverted else self.manifest.proof

    @property
    def package(self) -> str:
        """`name:arch`."""
        return self.manifest.package.key

    @property
    def version(self) -> str:
        """Of which there may be several at a time."""
        return self.manifest.package.version

    @property
    def one(self) -> One:
        """The package in this version."""
        return one_of(self.manifest.package)


Claims = Mapping[str, Sequence[Claim]]
"""By the path at which a scan finds it."""


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of a host's packages, as far as it concerns paths that changed."""

    before: Mapping[str, str]
    """Version by `name:arch` when the baseline was made; where there were several, with blanks between them."""
    installed: Mapping[str, str]
    """The same now."""
    was: Claims = field(default_factory=dict)
    """Who claimed a path then; nothing where that is not known."""
    now: Claims = field(default_factory=dict)
    digests: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """More digests of the very bytes that an entry's digest is of, for manifests that know another algorithm."""
    doers: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Who brought `(name:arch, version)` and when, in words."""
    vouched: Collection[One] = ()
    """Packages of which the vendor's word is known: the host's own counts for nothing then."""
    forged: Collection[One] = ()
    """Those of which the host says what its vendor's signature contradicts: that counts for nothing either."""
    control: Mapping[str, Sequence[Shipped]] = field(default_factory=dict)
    """What dpkg keeps of vouched packages in its own directory, by `name:arch`, on their vendor's word."""
    packages: Sequence[Package] = ()
    """Those that are installed."""
    appeared: Sequence[tuple[str, int]] = ()
    """Package systems that were not there, with the number of their packages, of which none is among the others here."""
    gaps: Sequence[Gap] = ()
    """What of the package databases could not be had."""
    _inside: dict[int, frozenset[str]] = field(default_factory=dict, compare=False)

    def claims(self, path: str) -> list[Claim]:
        """What is said of a path by the versions that are there: by vendors alone, where they say anything."""
        found = [claim for claim in self.now.get(path, ()) if self._counts(claim)]
        return _put([claim for claim in found if claim.proof == SIGNED] or found)

    def _counts(self, claim: Claim) -> bool:
        is_there = claim.version in versions(self.installed, claim.package)
        is_refuted = claim.one in self.vouched or claim.one in self.forged
        return is_there and (claim.manifest.proof == SIGNED or not is_refuted)

    def invented(self, path: str) -> Claim | None:
        """What the host says of a path for a package in which its vendor has no such path; a conffile may be of the past."""
        told = [claim for claim in self.now.get(path, ()) if claim.one in self.vouched and not claim.file.config]
        return told[0] if told and not self.claims(path) else None

    def accepts(self, claim: Claim) -> bool:
        """Whether what a package says explains anything: by the vendor's word, or where its change is on record."""
        return claim.proof == SIGNED or (self.came(claim) and self.logged(claim))

    def inside(self, claim: Claim) -> frozenset[str]:
        """The paths of a package that are no directories, put together once: there may be as many links as paths."""
        found = self._inside.get(id(claim.manifest))
        if found is None:
            found = frozenset(file.path for file in claim.manifest.files if file.kind is not Kind.DIRECTORY)
            self._inside[id(claim.manifest)] = found
        return found

    def logged(self, claim: Claim) -> bool:
        """Whether the host's log has the version that is there now, as far as its system keeps one."""
        return claim.manifest.package.system not in _LOGGING or self.recorded(claim.package)

    def recorded(self, package: str) -> bool:
        """Whether the host's log says how a package came to the version that is there now, or went."""
        return (package, self.installed.get(package, "")) in self.doers

    def moved(self, package: str) -> bool:
        """Whether this package came, went or changed its version since the baseline."""
        return self.before.get(package) != self.installed.get(package)

    def came(self, claim: Claim) -> bool:
        """Whether this version of a package was not there when the baseline was made."""
        return claim.version not in versions(self.before, claim.package)

    def went(self, claim: Claim) -> bool:
        """Whether this version of a package is not there any more."""
        return claim.version not in versions(self.installed, claim.package)


def _put(claims: Sequence[Claim]) -> list[Claim]:
    """Those of which the files were put there: of the 32 and 64 bits of a package, rpm puts a program of 64 bits alone."""
    wide = {claim.manifest.package.name for claim in claims if claim.file.bits == 64}
    return [claim for claim in claims if claim.file.bits != 32 or claim.manifest.package.name not in wide]


def versions(packages: Mapping[str, str], package: str) -> list[str]:
    """All versions of a package that are there at a time."""
    return packages.get(package, "").split(" ") if package in packages else []


def explain(changes: Iterable[Change], account: Account) -> tuple[Change, ...]:
    """The changes, those explained that packages account for, those made worse that contradict one."""
    told = [change if change.explanation else _explained(change, account) for change in changes]
    with_content = _with_content(told)
    return tuple(with_content.get(change.path, change) for change in told)


def _with_content(changes: Iterable[Change]) -> dict[str, Change]:
    """The directories, by path, that went with all that was in them, or came for what a package put there.

    rpm makes directories that no package names, and who owned one is not kept with a baseline.
    """
    found: dict[str, Change] = {}
    inside: dict[tuple[str, ChangeKind], list[Explanation | None]] = {}
    for change in sorted(changes, key=lambda change: change.path, reverse=True):  # what is below comes before
        parts = inside.pop((change.path, change.change), [])
        known = [part for part in parts if part and part.by in BY]
        if known and not change.explanation and _is_passing_directory(change, whole=len(known) == len(parts)):
            weakest = min(known, key=lambda part: part.proof == SIGNED)
            change = found[change.path] = replace(change, explanation=replace(weakest, by="package"))  # noqa: PLW2901
        inside.setdefault((change.path.rpartition("/")[0], change.change), []).append(change.explanation)
    return found


def _is_passing_directory(change: Change, *, whole: bool) -> bool:
    """Whether a directory may come or go with what is in it; `whole` is whether packages account for all of that."""
    if change.change is ChangeKind.REMOVED:
        return whole and change.before is not None and change.before.kind is Kind.DIRECTORY
    entry = change.after
    if entry is None or change.change is not ChangeKind.ADDED or entry.kind is not Kind.DIRECTORY:
        return False
    return all(_plain(entry).values()) and {name for name, _value in entry.xattrs or ()} <= LABELS


def _explained(change: Change, account: Account) -> Change:
    if change.after is None or change.change is ChangeKind.REMOVED:
        return _gone(change, account)
    if "path" in change.attributes and change.before:
        return _moved(change, change.before, account)
    claims = account.claims(change.path)
    digests = (*(change.after.digests or ()), *account.digests.get(change.path, ()))
    against = [claim for claim in claims if _CONTENT & differing(claim.file, change.after, digests)]
    concerned = _concerned(change)
    for claim in [] if against else claims:
        if concerned <= _vouched(claim, change, digests, account) and account.accepts(claim):
            by = "conffile" if claim.file.config else "package"
            return replace(change, explanation=Explanation(by, _step(claim, account), claim.proof))
    if invented := account.invented(change.path):
        note = f"on this host a path of {invented.manifest.package.name}, which its vendor ships without it"
        return replace(change, rule=ALTERED.id, severity=max(change.severity, ALTERED.severity), note=change.note or note)
    return _worse(change, (against or claims)[0], digests) if claims else change


def _moved(change: Change, before: Entry, account: Account) -> Change:
    """A file that is found elsewhere: its new place must be accounted for, and that it left the old one."""
    come = _explained(replace(change, change=ChangeKind.ADDED, before=None, attributes=()), account)
    went = replace(change, path=before.path, change=ChangeKind.REMOVED, before=before, after=None, attributes=())
    gone = _explained(went, account).explanation
    if come.explanation is None or gone is None:
        return change
    proof = SIGNED if {come.explanation.proof, gone.proof} == {SIGNED} else "local"
    return replace(change, explanation=replace(come.explanation, proof=proof))


def _is_new(change: Change) -> bool:
    return change.change is ChangeKind.ADDED or "kind" in change.attributes


def _concerned(change: Change) -> set[str]:
    """The attributes that must be accounted for: all of a new path, those of an old one that changed; times mean nothing."""
    if _is_new(change):
        return {"kind", "digest", "target", "mode", "uid", "gid", "xattrs", "flags"}
    named = {"digest" if name == "size" else name for name in change.attributes} - set(PASSING)
    return named | {"links"} if change.before and change.after and _is_kept(change.before, change.after) else named


def _is_kept(before: Entry, after: Entry) -> bool:
    """Whether a program that runs as its owner or group has one more name, which outlives this one."""
    return bool((after.mode or 0) & SET_ID) and after.kind is Kind.FILE and (after.links or 0) > (before.links or 0)


def _vouched(claim: Claim, change: Change, digests: Sequence[str], account: Account) -> set[str]:
    """The attributes of a path that are as its package says, or as all packages have them where it says nothing."""
    file, entry = claim.file, change.after
    if entry is None:
        return set()
    found = {name for name, (one, other) in pairs(file, entry).items() if None not in (one, other)}
    if file.kind in (None, entry.kind) and (file.kind or _PLAIN.get(entry.kind)):
        found.add("kind")
    if same_content(file, entry, digests):
        found.add("digest")
    if entry.kind is not Kind.SYMLINK or (file.target is None and _leads_inside(claim, entry, account)):
        found.add("target")
    if _is_labelled(change, file):
        found.add("xattrs")
    if _is_new(change):
        found |= {name for name, plain in _plain(entry).items() if plain}
    return found - differing(file, entry, digests)


def _plain(entry: Entry) -> dict[str, bool]:
    """Whether a new path is as nearly all that packages bring, attribute by attribute: root's, and nobody else's to write."""
    is_link = entry.kind is Kind.SYMLINK
    mode = is_link or (entry.mode is not None and not entry.mode & (SET_ID | _WRITABLE))
    return {"mode": mode, "uid": entry.uid == 0, "gid": entry.gid == 0, "flags": not entry.flags}


def beyond_content(change: Change) -> set[str]:
    """What is to be accounted for beyond what a path holds or leads to; nothing where the rest is as packages have it."""
    rest = _concerned(change) - {"digest", "target", *({"kind"} if _is_new(change) else ())}
    if change.after and _is_new(change):
        rest -= {name for name, plain in _plain(change.after).items() if plain}
    return rest - ({"xattrs"} if _is_labelled(change) else set())


def _is_labelled(change: Change, file: Shipped | None = None) -> bool:
    """Whether the extended attributes are those that any package's file may have, a label, or the rights that this one has."""
    after = set(change.after.xattrs or ()) if change.after else set()
    before = set(change.before.xattrs or ()) if change.before and not _is_new(change) else set()
    allowed = LABELS if _is_new(change) else _SUMS
    return all(
        name in allowed or (file is not None and name == CAPABILITIES and capable(file, value))
        for name, value in after - before
    )


def _leads_inside(claim: Claim, entry: Entry, account: Account) -> bool:
    """Whether a symlink leads to a path of the same package: what a database without targets leaves open."""
    return joined(entry.path, entry.target or "") in account.inside(claim)


def _gone(change: Change, account: Account) -> Change:
    """A path that is gone: with its package or an older version of it, or though its package has it."""
    for claim in account.claims(change.path):
        if claim.file.kind in (Kind.FILE, Kind.SYMLINK) and not claim.file.optional and not claim.file.config:
            note = f"{claim.manifest.package.name} {claim.manifest.package.version} has it"
            return replace(change, rule=MISSING.id, severity=max(change.severity, MISSING.severity), note=change.note or note)
    if account.now.get(change.path):
        return change
    for claim in account.was.get(change.path, ()):
        if account.went(claim) and account.logged(claim):
            system = claim.manifest.package.system
            now = versions(account.installed, claim.package)
            is_known = any((system, claim.package, one) in account.vouched for one in now)
            return replace(change, explanation=Explanation("package", _step(claim, account), SIGNED if is_known else "local"))
    return change


def _worse(change: Change, claim: Claim, digests: Sequence[str]) -> Change:
    """A change that its package does not account for, and why not."""
    package, file = claim.manifest.package, claim.file
    other = _concerned(change) & differing(file, change.after, digests) if change.after else set()
    whose = f"{package.name} {package.version}"
    if file.config and not _is_program(claim, change):
        return replace(change, note=change.note or f"configuration of {whose}")
    if {"digest", "kind", "target"} & other:
        note = f"not what {whose} ships"
        return replace(change, rule=ALTERED.id, severity=max(change.severity, ALTERED.severity), note=change.note or note)
    if other:
        words = ", ".join(sorted(OWNERS.get(name, name) for name in other))
        return replace(change, note=change.note or f"{words} not as {whose} ships it")
    return change


def _is_program(claim: Claim, change: Change) -> bool:
    """Whether the host alone calls something configuration that is run, and lies where programs do."""
    is_run = bool(change.after and (change.after.mode or 0) & 0o111)
    return claim.proof != SIGNED and is_run and not change.path.startswith("/etc/")


def _step(claim: Claim, account: Account) -> str:
    """What happened to a package since the baseline, and who did it."""
    key, name = claim.package, claim.manifest.package.name
    before, now = versions(account.before, key), versions(account.installed, key)
    if claim.version in before and claim.version in now:
        return f"as {name} {claim.version} ships it"
    gone, come = (", ".join(one for one in some if one not in others) for some, others in ((before, now), (now, before)))
    doer = account.doers.get((key, come), "")
    step = f"{name} {gone} → {come}" if gone and come else f"{name} {come} installed" if come else f"{name} {gone} removed"
    return f"{step} ({doer})" if doer else step
