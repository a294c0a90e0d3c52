"""Packages of apk, pacman and rpm: what they miss, as far as the host keeps lists that say so, and how old they are.

Their lists do not tell what closes a hole from what does not. When a version was made they say themselves.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from auditkit import answers
from auditkit.audits.packages.knowledge import DOUBTFUL, LISTS_OLD, WARN
from auditkit.audits.packages.pending import OTHERS, UPDATES_PENDING
from auditkit.audits.packages.seen import MOST_QUOTES, days, files_of
from auditkit.audits.packages.states import BROKEN, ORPHANED
from auditkit.model import Evidence, Finding, Gap, Means, Need, Quote, Severity
from auditkit.packages import Compare, Package, apk, pacman, rpm_versions, rpmdb, versions
from auditkit.packages.reading import text
from auditkit.packages.stanzas import stanzas
from auditkit.printable import counted, few

SYNC = Need(Means.PACKAGES, "/var/lib/pacman/sync/*.db", "which newer versions there are, as of the last pacman -Sy")
CACHED = Need(Means.PACKAGES, "/var/cache/apk/APKINDEX*", "which newer versions there are, as of the last apk update")
FETCHED = Need(Means.TIMES, "/var/lib/pacman/sync/*.db", "when pacman last looked for updates")
FETCHED_TOO = Need(Means.TIMES, "/var/cache/apk/APKINDEX*", "when apk last looked for updates")
NEEDS = (*apk.PLACES, pacman.DESC, *rpmdb.PLACES, SYNC, CACHED, FETCHED, FETCHED_TOO)


@dataclass(frozen=True, slots=True)
class Kept:
    """One package system, and where it keeps what it knows of newer versions."""

    name: str
    packages: Callable[[Mapping[str, bytes]], Iterator[Package | Gap]]
    needs: tuple[Need, ...]
    lists: Need | None
    fetched: Need | None
    """When they were written."""
    compare: Compare
    update: str
    """What fetches the lists."""


KEPT = (
    Kept("apk", apk.packages, apk.PLACES, CACHED, FETCHED_TOO, versions.apk, "apk update"),
    Kept("pacman", pacman.packages, (pacman.DESC,), SYNC, FETCHED, versions.alpm, "pacman -Sy"),
    Kept("rpm", rpmdb.packages, rpmdb.PLACES, None, None, rpm_versions.compare, "dnf check-update"),
)


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest version that lists have of a package."""

    version: str
    source: str
    built: datetime | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What one of these systems has."""

    system: Kept
    packages: tuple[Package, ...]
    newest: Mapping[str, Newest]
    """By the name of the package."""
    gaps: tuple[Gap, ...]

    def missed(self, package: Package) -> Newest | None:
        """The newer version that a package misses."""
        newest = self.newest.get(package.name)
        return newest if newest and self.system.compare(newest.version, package.version) > 0 else None


def seen(evidence: Evidence) -> Iterator[Seen]:
    """Yield each of these systems that the host has."""
    for system in KEPT:
        files: dict[str, bytes] = {}
        for need in system.needs:
            for item in evidence.of(need):
                files[item.source] = files.get(item.source, b"") + item.data
        found = tuple(system.packages(files)) if files else ()
        packages = tuple(one for one in found if isinstance(one, Package))
        if packages:
            yield Seen(system, packages, _newest(system, evidence), tuple(one for one in found if isinstance(one, Gap)))
        elif found:
            yield Seen(system, (), {}, tuple(one for one in found if isinstance(one, Gap)))


def _newest(system: Kept, evidence: Evidence) -> dict[str, Newest]:
    found: dict[str, Newest] = {}
    for source, data in files_of(evidence, (system.lists,)).items() if system.lists else ():
        for stanza in stanzas(text(data)):
            name, version = stanza.first("package"), stanza.first("version")
            if version and (name not in found or system.compare(version, found[name].version) > 0):
                found[name] = Newest(version, source, _moment(stanza.first("built")))
    return found


def _moment(seconds: str) -> datetime | None:
    return (
        datetime.fromtimestamp(int(seconds), UTC) if seconds.isascii() and seconds.isdecimal() and len(seconds) < 11 else None
    )


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what is missing, what nobody updates, and what cannot be told."""
    for one in seen(evidence):
        yield from one.gaps
        if one.packages:
            yield from _broken(one)
        if one.packages and not one.newest:
            why = "keeps no lists that auditkit reads" if one.system.lists is None else "has no lists here"
            yield Gap(
                "pending updates", f"{one.system.name} {why}: whether updates are missing is not known; see {one.system.update}"
            )
        elif one.packages:
            yield from _old(one, evidence)
            yield from _pending(one, evidence)
            yield from _orphans(one)


def _old(one: Seen, evidence: Evidence) -> Iterator[Finding | Gap]:
    """What is known of newer versions is as old as the lists."""
    told = [answers.times(item) for item in evidence.of(one.system.fetched)] if one.system.fetched else []
    moments = [moment for each in told if not isinstance(each, Gap) for moment in each.values() if moment <= evidence.taken]
    if not moments:
        yield Gap("pending updates", f"how old the lists of {one.system.name} are is not known")
    elif (age := days(max(moments), evidence.taken)) > DOUBTFUL:
        severity = Severity.MEDIUM if age > WARN else Severity.LOW
        since = f"what came out since {max(moments):%Y-%m-%d} is not known"
        message = f"the newest list of {one.system.name} is {counted(age, 'day')} old: {since}"
        yield Finding(LISTS_OLD, "packages", message, severity, remedy=f"{one.system.update}, and see what it complains of")


def _pending(one: Seen, evidence: Evidence) -> Iterator[Finding]:
    missed = [(package, newest) for package in one.packages if (newest := one.missed(package))]
    if not missed:
        return
    missed.sort(key=lambda pair: (pair[1].built is None, pair[1].built or evidence.taken, pair[0].key))
    package, newest = missed[0]
    since = f"; built on {newest.built:%Y-%m-%d}" if newest.built else ""
    many = "1 package misses" if len(missed) == 1 else f"{len(missed)} packages miss"
    whom = "" if len(missed) == 1 else f", the longest of them {package.name}"
    message = f"{many} an update{whom}: {package.version} is installed, {newest.version} offered{since}"
    late = days(newest.built, evidence.taken) if newest.built else OTHERS + 1
    severity = Severity.LOW if late > OTHERS else Severity.INFO
    quotes = tuple(Quote(each.source, 0, f"{own.key} {own.version} -> {each.version}") for own, each in missed[:MOST_QUOTES])
    remedy = f"{one.system.update}, then upgrade as its manual says; what closes a hole, its lists do not tell"
    yield Finding(UPDATES_PENDING, "packages", message, severity, quotes, remedy)


def _orphans(one: Seen) -> Iterator[Finding | Gap]:
    orphans = [package for package in one.packages if package.name not in one.newest]
    if 2 * len(orphans) > len(one.packages):
        yield Gap(
            "packages of no list", f"the lists know only {len(one.packages) - len(orphans)} of {len(one.packages)} packages"
        )
    elif orphans:
        quotes = tuple(_quoted(each) for each in orphans[:MOST_QUOTES])
        message = f"{len(orphans)} packages of {one.system.name} are in no list: {_named(orphans)}"
        yield Finding(ORPHANED, "packages", message, ORPHANED.severity, quotes, "see what needs them, and who updates them")


def _broken(one: Seen) -> Iterator[Finding]:
    broken = [package for package in one.packages if package.state != "installed"]
    if broken:
        quotes = tuple(Quote(one.system.name, 0, f"{each.key} {each.version}: {each.state}") for each in broken[:MOST_QUOTES])
        message = f"{len(broken)} packages of {one.system.name} are not whole: {_named(broken)}"
        yield Finding(BROKEN, "packages", message, BROKEN.severity, quotes, "apk fix")


def _quoted(package: Package) -> Quote:
    built = f", of {package.built:%Y-%m-%d}" if package.built else ""
    return Quote(package.system, 0, f"{package.key} {package.version}{built}")


def _named(packages: Sequence[Package]) -> str:
    return few([package.name for package in packages], MOST_QUOTES)


def facts(evidence: Evidence) -> list[dict[str, object]]:
    """Each package, as `facts.packages` has it."""
    return [_fact(one, package) for one in seen(evidence) for package in one.packages]


def _fact(one: Seen, package: Package) -> dict[str, object]:
    newest = one.missed(package)
    missing = {"version": newest.version, "since": _written(newest.built), "security": None} if newest else None
    return {
        "name": package.name,
        "version": package.version,
        "arch": package.arch or None,
        "origin": None,
        "installed": _written(package.installed),
        "made": _written(package.built),
        "pending": missing,
    }


def _written(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None
