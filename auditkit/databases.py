"""What is to be told of a host's package databases themselves, beside the changes that they account for.

Pure. On whose word changes are explained, which records contradict a signature, and what came or went back in time.
"""

from collections.abc import Iterable, Iterator, Sequence

from auditkit.explain import BY, CONTRADICTED, SIGNED, Account, versions
from auditkit.model import Change, Finding, Gap, Rule, Severity
from auditkit.packages import Manifest
from auditkit.packages.index import UNLISTED
from auditkit.packages.rpm import UNSIGNED
from auditkit.printable import printable
from auditkit.systems import SYSTEMS

ON_ITS_WORD = Rule(
    "explained-by-the-host-alone",
    "changes are explained by nothing but the host's own package database",
    Severity.LOW,
    "The digests of its packages lie on the host itself, and whoever has root there can write them. They account for an"
    " upgrade as long as nobody has.",
    "have the vendor's word: auditkit check HOST --against vendor",
)
DOWNGRADED = Rule(
    "package-downgraded",
    "a package is older than it was",
    Severity.MEDIUM,
    "Holes that were closed are open again, whoever did that and why. An old version is signed as well as a new one, so that"
    " no digest and no signature shows it: only the order of versions does.",
    "find out who wanted the old version and why; upgrade it again",
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
APPEARED = Rule(
    "package-system-appeared",
    "there is a package database of a kind that this host did not have",
    Severity.MEDIUM,
    "A host has one package system, which may be given a second one for a purpose. A database of another kind can also be"
    " planted, to account for files that no package of this host has; so it explains nothing.",
    "find out who made it and what for; if it is meant, a new baseline has it: auditkit accept HOST --all",
)
RULES = (ON_ITS_WORD, DOWNGRADED, FORGED, APPEARED)
LIST_ANEW = "run apt update where auditkit runs, and check again: a version that is still in no list was never its vendor's"
KEY_ANEW = (
    "find out who built it: a package that none of these vendors signed may be made up; or name its key, vendor: keyrings"
)
_STRANGE = ((UNLISTED, "no signed list here names", LIST_ANEW), (UNSIGNED, "no key that is given signed", KEY_ANEW))
MOST_STRANGE = 5
"""So many versions that no list knows are named."""


def on_its_word(changes: Iterable[Change], unproved: Sequence[Gap] = ()) -> Iterator[Finding]:
    """Yield one finding where packages account for changes on the host's word alone.

    It weighs more where the vendors know such a package and have never heard of that version, or where a package that should
    bear a vendor's signature bears none: it may be made up.
    """
    texts = [
        change.explanation.text
        for change in changes
        if change.explanation and change.explanation.by in BY and change.explanation.proof != SIGNED
    ]
    if not texts:
        return
    many = f"{len(texts)} changes are" if len(texts) > 1 else "1 change is"
    packages = len(set(texts))
    message = f"{many} explained by {packages} package{'s' * (packages > 1)} on the host's word alone"
    names = {text.partition(" ")[0] for text in texts}
    strange = [gap for gap in unproved if gap.subject.partition(":")[0] in names]
    remedies = []
    for reason, said, remedy in _STRANGE:
        if subjects := [gap.subject for gap in strange if gap.reason.startswith(reason)]:
            message += f"; {said} {', '.join(map(printable, subjects[:MOST_STRANGE]))}"
            remedies.append(remedy)
    severity = Severity.MEDIUM if remedies else ON_ITS_WORD.severity
    yield Finding(ON_ITS_WORD, "packages", message, severity, remedy="; ".join(remedies))


def downgraded(account: Account) -> Iterator[Finding]:
    """Yield a finding for each package that is older than it was when the baseline was made."""
    compare_of = {system.name: system.compare for system in SYSTEMS}
    for package in account.packages:
        before, compare = versions(account.before, package.key), compare_of[package.system]
        if before and package.version not in before and all(compare(package.version, one) < 0 for one in before):
            message = printable(f"{', '.join(before)} → {package.version}")
            yield Finding(DOWNGRADED, package.key, message, DOWNGRADED.severity)


def forged(manifests: Iterable[Manifest]) -> Iterator[Finding]:
    """Yield a finding for each package whose database entry is not what its vendor signed."""
    found = {(manifest.package, manifest.proof): manifest for manifest in manifests}
    for (package, proof), manifest in found.items():
        if proof == CONTRADICTED:
            message = f"what the database says of {package.name} {package.version} is not what was signed: {manifest.source}"
            yield Finding(FORGED, f"package {package.key}", message, FORGED.severity)


def appeared(account: Account) -> Iterator[Finding]:
    """Yield a finding for each package system that was not there when the baseline was made."""
    for system, number in account.appeared:
        packages = f"{number:,} package{'s' * (number > 1)}"
        yield Finding(APPEARED, system, f"a database of {system} with {packages}: it explains nothing", APPEARED.severity)
