"""What is known of the packages of a host, put together once for every group that judges them.

Times of the host's own logs have no zone: they count as UTC, which is right to the day and no better.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeVar

from auditkit import answers
from auditkit.answers import SIDE_BY_SIDE
from auditkit.model import Evidence, Gap, Item, Means, Need
from auditkit.packages import Package, aptconf, changelogs, dpkg, dpkglog, preferences, sources
from auditkit.packages.candidates import Policy, Standing
from auditkit.packages.changelogs import Made
from auditkit.packages.offers import Listing, Offer, Release, listings, offers, releases

LISTS = Need(Means.PACKAGES, "/var/lib/apt/lists/*", "which newer versions there are, as of the last apt update")
PUT = Need(Means.TIMES, "/var/lib/dpkg/info/*.list", "when the installed versions were put there")
STAMPS = Need(Means.TIMES, "/var/lib/apt/periodic/*", "when apt last looked for updates, and installed them")
HISTORY = Need(Means.FILE, "/var/log/apt/history.log", "when the host was last upgraded as a whole")
ROTATED = Need(Means.FILE, "/var/log/apt/history.log.1", "when the host was last upgraded as a whole")
LOG = Need(Means.FILE, "/var/log/dpkg.log", "which packages were upgraded when")
OLDER_LOG = Need(Means.FILE, "/var/log/dpkg.log.1", "which packages were upgraded when")
OS_RELEASE = Need(Means.FILE, "/etc/os-release", "which release of which distribution it is")
OS_RELEASE_TOO = Need(Means.FILE, "/usr/lib/os-release", "which release of which distribution it is")
NEEDS = (
    dpkg.STATUS,
    dpkg.DISTROLESS,
    LISTS,
    *sources.PLACES,
    *preferences.PLACES,
    *aptconf.PLACES,
    changelogs.CHANGELOGS,
    PUT,
    STAMPS,
    HISTORY,
    ROTATED,
    LOG,
    OLDER_LOG,
    OS_RELEASE,
    OS_RELEASE_TOO,
)
MOST_QUOTES = 10
_WHOLE = re.compile(r"\b(?:dist-upgrade|full-upgrade)\b|\bapt (?:-y )?upgrade\b|\bunattended-upgrade\b|--with-new-pkgs")
_FIELD = re.compile(r"""^([A-Z_]+)=["']?([^"'\n]*)["']?$""", re.MULTILINE)
Kept = TypeVar("Kept")


@dataclass(slots=True)
class Host:
    """One host with dpkg, and apt."""

    evidence: Evidence
    records: tuple[dpkg.Record, ...] = ()
    standings: tuple[Standing, ...] = ()
    releases: tuple[Release, ...] = ()
    """Those of suites that a source names."""
    listings: tuple[Listing, ...] = ()
    pins: tuple[preferences.Pin, ...] = ()
    settings: aptconf.Settings = field(default_factory=aptconf.Settings)
    made: Mapping[str, tuple[Made, ...]] = field(default_factory=dict)
    """By `name:arch`, the newest first."""
    put: Mapping[str, datetime] = field(default_factory=dict)
    """By the path of the list of its files."""
    stamps: Mapping[str, datetime] = field(default_factory=dict)
    runs: tuple[dpkglog.Run, ...] = ()
    events: tuple[dpkglog.Event, ...] = ()
    logged: Mapping[tuple[str, str], tuple[datetime, ...]] = field(default_factory=dict)
    """When a version of a package came, by the log."""
    system: Mapping[str, str] = field(default_factory=dict)
    """What os-release says."""
    gaps: list[Gap] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        """When the evidence was taken."""
        return self.evidence.taken

    @property
    def known(self) -> bool:
        """Whether there are lists to hold the packages against."""
        return bool(self.listings)

    def version_made(self, package: Package) -> datetime | None:
        """When the installed version was made."""
        return self.made_of(package.key, package.version)

    def made_of(self, key: str, version: str) -> datetime | None:
        """When a version was made, if a changelog on the host says so."""
        return next((one.date for one in self.made.get(key, ()) if one.version == version), None)

    def put_there(self, package: Package) -> datetime | None:
        """When the installed version was put there, by the list of its files, or by the log if that says an earlier time.

        Whoever is root may give a file any time: what makes an update look younger than it is does not count.
        """
        stems = (f"{dpkg.INFO}{package.name}:{package.arch}.list", f"{dpkg.INFO}{package.name}.list")
        put = [self.put[stem] for stem in stems if stem in self.put][:1]
        moments = map(_aware, (*put, *self.logged.get((package.key, package.version), ())))
        return min((moment for moment in moments if moment <= self.now), default=package.installed)

    def last_whole(self) -> datetime | None:
        """When somebody last had all that is offered installed, which ended well."""
        ended = [run.ended for run in self.runs if run.ended and not run.error and _WHOLE.search(run.command)]
        return self.past(ended)

    def last_upgrade(self) -> datetime | None:
        """When any package was last upgraded."""
        runs = [event.time for run in self.runs for event in run.events if event.action == "upgrade"]
        return self.past([*runs, *(event.time for event in self.events if event.action == "upgrade")])

    def past(self, moments: Iterable[datetime]) -> datetime | None:
        """The last of these moments that is not in the future."""
        return max((each for each in map(_aware, moments) if each <= self.now), default=None)


def _aware(moment: datetime) -> datetime:
    return moment.replace(tzinfo=moment.tzinfo or UTC)


@lru_cache(SIDE_BY_SIDE)
def host(evidence: Evidence) -> Host:
    """All that is known of the packages of a host with dpkg."""
    told = Host(evidence)
    told.system = os_release(evidence)
    files = files_of(evidence, (dpkg.STATUS, dpkg.DISTROLESS, *sources.PLACES, *preferences.PLACES, *aptconf.PLACES))
    told.records = tuple(_kept(dpkg.records(files), told.gaps))
    if not told.records:
        return told
    told.settings, odd = aptconf.settings(files)
    told.gaps.extend(odd)
    told.pins = tuple(_kept(preferences.pins(files), told.gaps))
    _listed(told, files)
    _dated(told)
    return told


def _listed(told: Host, files: Mapping[str, bytes]) -> None:
    """Put together what the lists offer."""
    lists = files_of(told.evidence, (LISTS,))
    suites = tuple(_kept(sources.suites(files), told.gaps))
    found = tuple(_kept(releases({name: data for name, data in lists.items() if name.endswith("Release")}), told.gaps))
    told.listings = listings((name for name in lists if not name.endswith("Release")), found, suites)
    named = {listing.release for listing in told.listings}
    told.releases = tuple(release for release in found if release in named)
    offered = list[Offer]()
    for listing in told.listings:
        offered.extend(_kept(offers(listing, lists[listing.source]), told.gaps))
    policy = Policy(offered, told.pins, native(told.records), told.settings.value("APT::Default-Release"))
    there = (record.package for record in told.records if record.package.state not in dpkg.ABSENT)
    told.standings = tuple(map(policy.standing, there))


def _dated(told: Host) -> None:
    """Put together when versions were made and put there."""
    found: dict[str, list[Made]] = {}
    for data in files_of(told.evidence, (changelogs.CHANGELOGS,)).values():
        for one in _kept(changelogs.made(data), told.gaps):
            found.setdefault(one.package, []).append(one)
    told.made = {key: tuple(several) for key, several in found.items()}
    told.put, told.stamps = (_times(told, need) for need in (PUT, STAMPS))
    logs = ((HISTORY, ROTATED), (LOG, OLDER_LOG))
    runs, events = (files_of(told.evidence, needs).items() for needs in logs)
    told.runs = tuple(run for name, data in runs for run in _kept(dpkglog.history(data, name), []))
    told.events = tuple(one for name, data in events for one in _kept(dpkglog.dpkg(data, name), []))
    told.logged = {(event.package, event.after or ""): (event.time,) for event in reversed(told.events)}


def _times(told: Host, need: Need) -> Mapping[str, datetime]:
    found: dict[str, datetime] = {}
    for item in told.evidence.of(need):
        one = answers.times(item)
        if isinstance(one, Gap):
            told.gaps.append(one)
        else:
            found.update(one)
    return found


def _kept(found: Iterable[Kept | Gap], gaps: list[Gap]) -> Iterator[Kept]:
    for one in found:
        if isinstance(one, Gap):
            gaps.append(one)
        else:
            yield one


def files_of(evidence: Evidence, needs: Iterable[Need]) -> dict[str, bytes]:
    """The files that were taken for these needs, by their path."""
    return {item.source: item.data for need in needs for item in evidence.of(need)}


def os_release(evidence: Evidence) -> Mapping[str, str]:
    """The fields of os-release(5)."""
    items: tuple[Item, ...] = evidence.of(OS_RELEASE) or evidence.of(OS_RELEASE_TOO)
    return dict(_FIELD.findall(items[0].data.decode("utf-8", "replace"))) if items else {}


def native(records: Iterable[dpkg.Record]) -> str:
    """The architecture of the host: that of dpkg itself, or of most packages."""
    counts: dict[str, int] = {}
    for record in records:
        if record.package.name == "dpkg" and record.package.state not in dpkg.ABSENT:
            return record.package.arch
        if record.package.arch != "all":
            counts[record.package.arch] = counts.get(record.package.arch, 0) + 1
    return max(counts, key=lambda arch: counts[arch], default="")


def days(since: datetime, now: datetime) -> int:
    """Whole days between two moments, never fewer than none."""
    return max(0, (now - since).days)
