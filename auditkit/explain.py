"""Changes accounted for by the packages that the files belong to: only what nobody can account for is left to a person.

Pure. A change is explained where its path is in a package that came or went since the baseline, and all that changed is as
that package has it. That an upgrade happened at that time explains nothing; a file that is not what its package ships is
worse than one that nobody knows.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from auditkit.compare import PASSING, SET_ID
from auditkit.model import Change, ChangeKind, Entry, Explanation, Finding, Kind, Rule, Severity
from auditkit.packages import Manifest, Shipped
from auditkit.packages.apk import TRUNCATED

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
ON_ITS_WORD = Rule(
    "explained-by-the-host-alone",
    "changes are explained by nothing but the host's own package database",
    Severity.LOW,
    "The digests of its packages lie on the host itself, and whoever has root there can write them. They account for an"
    " upgrade as long as nobody has.",
    "have the vendor's word: auditkit check HOST --against vendor",
)
FORGED = Rule(
    "package-database-forged",
    "the package database contradicts what the vendor signed",
    Severity.HIGH,
    "What it says of this package bears the vendor's signature, or the digest that came with it, and is something else than"
    " was signed. No installation does that: it was changed on the host, as one does to hide what was done to the package's"
    " files, or the disk is failing.",
    "believe no verification by the package manager there; hold the package's files against the package from its vendor",
    ("rpmkeys(8)",),
)
RULES = (ALTERED, MISSING, FORGED, ON_ITS_WORD)

BY = ("package", "conffile")
SIGNED, CONTRADICTED = "signed", "forged"
_LOGGING = {"dpkg"}
_WRITABLE = 0o022
_PLAIN = {Kind.DIRECTORY: True, Kind.SYMLINK: True}
"""What a path may be of which a database only has the name: its files it knows by their digests."""
_WORDS = {"uid": "owner", "gid": "group"}
_LABELS = {"security.selinux", "security.ima", "security.evm"}
"""Extended attributes that the system puts on what a package brings."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What one package says of one path."""

    manifest: Manifest
    file: Shipped

    @property
    def package(self) -> str:
        """`name:arch`."""
        return self.manifest.package.key

    @property
    def version(self) -> str:
        """Of which there may be several at a time."""
        return self.manifest.package.version


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

    def claims(self, path: str) -> list[Claim]:
        """What is said of a path now, the vendor's word in place of the host's where there is both, and none that is forged."""
        found = self.now.get(path, ())
        judged = {(claim.package, claim.version): claim.manifest.proof for claim in found if claim.manifest.proof != "local"}
        kept = [claim for claim in found if judged.get((claim.package, claim.version), "local") == claim.manifest.proof]
        return sorted(
            (claim for claim in kept if claim.manifest.proof != CONTRADICTED), key=lambda claim: claim.manifest.proof != SIGNED
        )

    def accepts(self, claim: Claim) -> bool:
        """Whether what a package says explains anything: by the vendor's word, or where its change is on record."""
        return claim.manifest.proof == SIGNED or (self.came(claim) and self.logged(claim))

    def logged(self, claim: Claim) -> bool:
        """Whether the host's log has the version that is there now, as far as its system keeps one."""
        step = claim.package, self.installed.get(claim.package, "")
        return claim.manifest.package.system not in _LOGGING or step in self.doers

    def came(self, claim: Claim) -> bool:
        """Whether this version of a package was not there when the baseline was made."""
        return claim.version not in versions(self.before, claim.package)

    def went(self, claim: Claim) -> bool:
        """Whether this version of a package is not there any more."""
        return claim.version not in versions(self.installed, claim.package)


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
    is_new = change.change is ChangeKind.ADDED and entry is not None and entry.kind is Kind.DIRECTORY
    return is_new and entry is not None and all(_plain(entry).values()) and _has_labels_only(entry)


def on_its_word(changes: Iterable[Change]) -> Iterator[Finding]:
    """Yield one finding where packages account for changes on the host's word alone."""
    texts = [
        change.explanation.text
        for change in changes
        if change.explanation and change.explanation.by in BY and change.explanation.proof != SIGNED
    ]
    if texts:
        many = f"{len(texts)} changes are" if len(texts) > 1 else "1 change is"
        packages = len(set(texts))
        message = f"{many} explained by {packages} package{'s' * (packages > 1)} on the host's word alone"
        yield Finding(ON_ITS_WORD, "packages", message, ON_ITS_WORD.severity)


def forged(account: Account) -> Iterator[Finding]:
    """Yield a finding for each package whose database entry is not what its vendor signed."""
    found = {claim.manifest.package: claim.manifest for claims in account.now.values() for claim in claims}
    for package, manifest in found.items():
        if manifest.proof == CONTRADICTED:
            message = f"what the database says of {package.name} {package.version} is not what was signed: {manifest.source}"
            yield Finding(FORGED, f"package {package.key}", message, FORGED.severity)


def _explained(change: Change, account: Account) -> Change:
    if change.after is None or change.change is ChangeKind.REMOVED:
        return _gone(change, account)
    claims = account.claims(change.path)
    digests = (*(change.after.digests or ()), *account.digests.get(change.path, ()))
    concerned = _concerned(change)
    for claim in claims:
        if concerned <= _vouched(claim, change, digests) and account.accepts(claim):
            by = "conffile" if claim.file.config else "package"
            return replace(change, explanation=Explanation(by, _step(claim, account), claim.manifest.proof))
    return _worse(change, claims[0], digests) if claims else change


def _is_new(change: Change) -> bool:
    return change.change is ChangeKind.ADDED or "kind" in change.attributes


def _concerned(change: Change) -> set[str]:
    """The attributes that must be accounted for: all of a new path, those of an old one that changed; times mean nothing."""
    if _is_new(change):
        return {"kind", "digest", "target", "mode", "uid", "gid", "xattrs", "flags"}
    named = {"digest" if name == "size" else name for name in change.attributes}
    return named - set(PASSING)


def _vouched(claim: Claim, change: Change, digests: Sequence[str]) -> set[str]:
    """The attributes of a path that are as its package says, or as all packages have them where it says nothing."""
    file, entry = claim.file, change.after
    if entry is None:
        return set()
    said = {
        "kind": file.kind or _PLAIN.get(entry.kind),
        "digest": same_content(file, entry, digests),
        "mode": file.mode,
        "uid": file.owner,
        "gid": file.group,
    }
    found = {name for name, known in said.items() if known is not None}
    if entry.kind is not Kind.SYMLINK or same_target(file, entry) is not None or _leads_inside(claim, entry):
        found.add("target")
    if _has_labels_only(entry):
        found.add("xattrs")
    if _is_new(change):
        found |= {name for name, plain in _plain(entry).items() if plain}
    return found - differing(file, entry, digests)


def _has_labels_only(entry: Entry) -> bool:
    return {name for name, _value in entry.xattrs or ()} <= _LABELS


def _plain(entry: Entry) -> dict[str, bool]:
    """Whether a new path is as nearly all that packages bring, attribute by attribute: root's, and nobody else's to write."""
    is_link = entry.kind is Kind.SYMLINK
    mode = is_link or (entry.mode is not None and not entry.mode & (SET_ID | _WRITABLE))
    return {"mode": mode, "uid": entry.uid == 0, "gid": entry.gid == 0, "flags": not entry.flags}


def differing(file: Shipped, entry: Entry, digests: Sequence[str]) -> set[str]:
    """The attributes in which a path is not as it was shipped, as far as both say something of them."""
    if file.kind not in (None, entry.kind):
        return {"kind"}
    pairs = {
        "mode": (file.mode, entry.mode),
        "uid": (file.owner, str(entry.uid) if (file.owner or "").isdigit() else entry.owner),
        "gid": (file.group, str(entry.gid) if (file.group or "").isdigit() else entry.group),
    }
    found = {name for name, (one, other) in pairs.items() if None not in (one, other) and one != other}
    if entry.kind is Kind.SYMLINK:
        found.discard("mode")  # Linux has none
        found |= {"target"} if same_target(file, entry) is False else set()
    return found | ({"digest"} if same_content(file, entry, digests) is False else set())


def same_content(file: Shipped, entry: Entry, digests: Sequence[str]) -> bool | None:
    """Whether a file has the content that was shipped; None where nothing tells."""
    if entry.kind is not Kind.FILE:
        return True
    if None not in (file.size, entry.size) and file.size != entry.size:
        return False
    shipped = dict(digest.split(":", 1) for digest in file.digests)
    seen = dict(digest.split(":", 1) for digest in digests)
    both = shipped.keys() & seen.keys()
    return all(shipped[name] == seen[name] for name in both) if both else None


def same_target(file: Shipped, entry: Entry) -> bool | None:
    """Whether a symlink leads where the shipped one does; None where nothing tells. Of links apk knows a digest only."""
    if entry.target is None or entry.kind is not Kind.SYMLINK:
        return None
    if file.target is not None:
        return file.target == entry.target
    target = entry.target.encode("utf-8", "surrogateescape")
    sha1, sha256 = (hashlib.new(name, target, usedforsecurity=False).hexdigest() for name in ("sha1", "sha256"))
    of_it = {f"sha1:{sha1}", f"sha256:{sha256}", f"{TRUNCATED}:{sha256[:40]}"}
    told = [digest for digest in file.digests if file.kind is None and digest.startswith("sha")]
    return bool(of_it & set(told)) if told else None


def _leads_inside(claim: Claim, entry: Entry) -> bool:
    """Whether a symlink leads to a path of the same package: what a database without targets leaves open."""
    target = entry.target or ""
    parts = [] if target.startswith("/") else entry.path.split("/")[1:-1]
    for part in target.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return f"/{'/'.join(parts)}" in {file.path for file in claim.manifest.files if file.kind is not Kind.DIRECTORY}


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
            return replace(change, explanation=Explanation("package", _step(claim, account), "local"))
    return change


def _worse(change: Change, claim: Claim, digests: Sequence[str]) -> Change:
    """A change that its package does not account for, and why not."""
    package, file = claim.manifest.package, claim.file
    other = _concerned(change) & differing(file, change.after, digests) if change.after else set()
    whose = f"{package.name} {package.version}"
    if file.config:
        return replace(change, note=change.note or f"configuration of {whose}")
    if {"digest", "kind", "target"} & other:
        note = f"not what {whose} ships"
        return replace(change, rule=ALTERED.id, severity=max(change.severity, ALTERED.severity), note=change.note or note)
    if other:
        words = ", ".join(sorted(_WORDS.get(name, name) for name in other))
        return replace(change, note=change.note or f"{words} not as {whose} ships it")
    return change


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
