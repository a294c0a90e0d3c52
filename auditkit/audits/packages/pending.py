"""Updates that are there and not installed, and for how long: the number that counts of all that is called package age.

When a version came out stands in no list. So there are two bounds: it came after the installed version was made, and it was
there when the list that names it was. How much it matters goes by the time since when this host could first have missed it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from auditkit.audits.packages.knowledge import newest_of
from auditkit.audits.packages.missed import first as first_of
from auditkit.audits.packages.missed import there_since
from auditkit.audits.packages.seen import LISTS, MOST_QUOTES, Host, days
from auditkit.audits.packages.seen import host as host_of
from auditkit.model import Evidence, Finding, Gap, Missed, Quote, Rule, Severity
from auditkit.packages.candidates import Standing, order
from auditkit.packages.changelogs import Made
from auditkit.packages.offers import Offer
from auditkit.printable import counted

SECURITY_PENDING = Rule(
    "security-updates-pending",
    "Security updates are there and not installed",
    Severity.MEDIUM,
    "Whoever reads the advisory knows what to attack, and these programs still have the hole. Each of these packages has a"
    " newer version in a list of its vendor's security archive that apt of this host has already fetched.",
    "apt-get update && apt-get -s dist-upgrade shows what would come; apt-get dist-upgrade installs it. To go back to one"
    " version as long as an archive has it: apt-get install PACKAGE=VERSION. Then restart what still runs old code:"
    " needrestart.",
    ("apt_preferences(5)", "CIS Debian 1.2.2", "SCAP Security Guide security_patches_up_to_date", "MITRE ATT&CK M1051"),
)
UPDATES_PENDING = Rule(
    "updates-pending",
    "Updates are there and not installed",
    Severity.LOW,
    "No hole is known in what is installed, and yet the further a host falls behind, the larger and riskier is the step that a"
    " security update one day has to take. A newer version stands in a list that apt of this host has already fetched.",
    "apt-get update && apt-get -s dist-upgrade shows what would come; apt-get dist-upgrade installs it.",
    ("apt_preferences(5)",),
)
RULES = (SECURITY_PENDING, UPDATES_PENDING)
WARN, FAIL, OTHERS = 14, 30, 90
"""Days."""
MOST_HOLES = 5
"""Ids that a quote names."""
Built = Mapping[str, tuple[Made, ...]]
"""By source package the entries of its changelog, the newest first."""
NO_LISTS = "whether updates are missing is not known: apt has no list of packages of any source here; run apt-get update"
NO_PROBE = "whether updates are missing is not known: the lists of apt are read only on hosts with Python"


@dataclass(frozen=True, slots=True)
class Pending:
    """One package that misses an update."""

    standing: Standing
    security: bool
    made: datetime | None
    """When the first missed version was made, or, as far as is known, before which it was not: then it is the installed"
    " one's."""
    exact: bool
    """Whether `made` is that of the missed version itself."""
    listed: datetime | None
    """When it was there for certain: the date of the list that names it."""
    since: datetime | None
    """Since when this host could have it, as far as it shows."""
    first: Missed | None
    """What an earlier run saw first of what is missing."""
    missed: tuple[Made, ...]
    """The stable releases that were missed, by the changelog of another package of the same source that has them."""

    @property
    def offer(self) -> Offer | None:
        """Where the candidate is from."""
        return next((one for one in self.standing.offers if one.version == self.standing.candidate), None)

    @property
    def holes(self) -> tuple[str, ...]:
        """The ids of holes that these releases name."""
        return tuple(dict.fromkeys(hole for made in self.missed for hole in made.holes))


def pending(host: Host) -> tuple[Pending, ...]:
    """What misses an update, what is security first, and of that what was missed longest."""
    built = _built(host)
    whole = host.last_whole()
    known: dict[str, list[Missed]] = {}
    for each in host.evidence.missed:
        known.setdefault(each.package, []).append(each)
    waits = (one for one in host.standings if one.pending)
    found = [_pending(host, one, _Known(built, whole, known.get(one.package.key, ()))) for one in waits]
    found.sort(key=lambda each: (not each.security, each.since or host.now, each.standing.package.key))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Known:
    """What tells since when a package misses something: changelogs, the last upgrade of all, what earlier runs saw."""

    built: Built
    whole: datetime | None
    seen: Sequence[Missed]


def _pending(host: Host, one: Standing, by: _Known) -> Pending:
    package = one.package
    missed = _missed(one, by.built)
    exact = missed[-1].date if missed else None
    own = host.version_made(package)
    security = any(offer.listing.release.security for offer in one.missed)
    first = first_of(by.seen, one, host.now, security=security)
    known = there_since(first, host.now) if first else None
    listed = _earliest(*(offer.listing.release.date for offer in one.missed))
    since = host.past(each for each in (own, host.put_there(package), by.whole) if each)
    since = _earliest(exact or since, None if exact else listed, known)
    return Pending(one, security, exact or own, exact is not None, listed, since, first, missed)


def _earliest(*moments: datetime | None) -> datetime | None:
    return min((each for each in moments if each), default=None)


def _missed(one: Standing, built: Built) -> tuple[Made, ...]:
    """The entries between the candidate and the installed version, of uploads for a stable release, the newest first.

    They are those above the installed version in the changelog, by their places and not by their versions.
    """
    entries = built.get(one.package.source or one.package.name, ())
    versions = [entry.version for entry in entries]
    if one.candidate not in versions or one.package.version not in versions:
        return ()
    between = entries[versions.index(one.candidate) : versions.index(one.package.version)]
    return tuple(entry for entry in between if entry.suites not in ("unstable", "experimental", "UNRELEASED"))


def _built(host: Host) -> Built:
    """The longest changelog of each source of which a package is installed in its newest version."""
    found: dict[str, tuple[Made, ...]] = {}
    for one in host.standings:
        entries = host.made.get(one.package.key, ())
        source = one.package.source or one.package.name
        if entries and (source not in found or order(entries[0].version, found[source][0].version) > 0):
            found[source] = entries
    return found


def missing(evidence: Evidence) -> Mapping[str, Pending] | None:
    """What misses an update, by its name; None where the lists are not there, or too old for that nothing is missing."""
    host = host_of(evidence)
    newest = newest_of(host)
    if not host.known or newest is None or newest.date is None or days(newest.date, host.now) > WARN:
        return None
    return {one.standing.package.name: one for one in pending(host)}


def judge(host: Host) -> Iterator[Finding | Gap]:
    """Yield one finding for all security updates that are missing, and one for the others."""
    if not host.standings:
        return
    if not host.known:
        yield Gap("pending updates", NO_LISTS if host.evidence.was_asked(LISTS) else NO_PROBE)
        return
    found = pending(host)
    yield from _told(host, SECURITY_PENDING, [one for one in found if one.security])
    yield from _told(host, UPDATES_PENDING, [one for one in found if not one.security])


def _told(host: Host, rule: Rule, found: Sequence[Pending]) -> Iterator[Finding]:
    if not found:
        return
    worst = found[0]
    many = "1 package misses" if len(found) == 1 else f"{len(found)} packages miss"
    what = "a security update" if rule is SECURITY_PENDING else "an update"
    whom = f"{many} {what}" if len(found) == 1 else f"{many} {what}, the longest of them {worst.standing.package.name}"
    message = (
        f"{whom}: {worst.standing.package.version} is installed, {worst.standing.candidate} offered; {_range(host, worst)}"
    )
    yield Finding(rule, "packages", message, severity(host, rule, worst), tuple(_quotes(host, found)))


def severity(host: Host, rule: Rule, worst: Pending) -> Severity:
    """How much it matters, by the days since when the host could have it; what has no date at all is not called young."""
    late = FAIL + 1 if worst.since is None else days(worst.since, host.now)
    if rule is UPDATES_PENDING:
        return Severity.LOW if late > OTHERS else Severity.INFO
    return Severity.HIGH if late > FAIL else Severity.MEDIUM if late > WARN else Severity.LOW


def _range(host: Host, one: Pending) -> str:
    """`available at most 598 days (the installed version is of 2025-04-05), at least 3 days (listed on 2026-11-21)`"""
    parts = []
    there = _earliest(one.listed, there_since(one.first, host.now) if one.first else None)
    if one.made and (there is None or one.made <= there):  # else something has been given a younger date since
        of = "built on" if one.exact else "the installed version is of"
        parts.append(f"at most {counted(days(one.made, host.now), 'day')} ({of} {one.made:%Y-%m-%d})")
    if there:
        parts.append(f"at least {counted(days(there, host.now), 'day')} (listed on {there:%Y-%m-%d})")
    told = f"available {', '.join(parts)}" if parts else "since when it is available is not known"
    if one.since and one.since not in (one.made, there):
        told += f"; this host may have missed it since {one.since:%Y-%m-%d}"
    if one.first and one.first.seen.date() < host.now.date():
        told += f"; waiting since {one.first.seen:%Y-%m-%d} at the latest: auditkit saw {one.first.version} missing then"
    return told


def _quotes(host: Host, found: Iterable[Pending]) -> Iterator[Quote]:
    held = {record.package.key for record in host.records if record.held}
    for one in list(found)[:MOST_QUOTES]:
        package, offer = one.standing.package, one.offer
        marked = " (held)" if package.key in held else ""
        since = f", since {one.since:%Y-%m-%d}" if one.since else ""
        closes = f", closes {', '.join(one.holes[:MOST_HOLES])}" if one.holes else ""
        text = f"{package.key} {package.version} -> {one.standing.candidate}{marked}{since}{closes}"
        yield Quote(offer.listing.source if offer else "", 0, text)
