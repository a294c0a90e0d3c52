"""What advisories say of the packages of a host: which of their fixes its distribution has, and the host has not.

Only packages are judged that are the distribution's own: another vendor's versions are none of its advisories' business. What
has no fix yet, or none that its vendor thinks worth an advisory, is counted and no more.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from auditkit.advisories import Advice, Feed
from auditkit.audits.packages.pending import FAIL, WARN
from auditkit.audits.packages.seen import MOST_QUOTES, Host
from auditkit.model import Finding, Gap, Quote, Rule, Severity
from auditkit.packages import dpkg
from auditkit.packages.candidates import Standing, order
from auditkit.printable import counted

FIX_MISSING = Rule(
    "advisory-fix-missing",
    "A hole is closed in the release of this host, and not on it",
    Severity.MEDIUM,
    "An advisory names the hole and the version of this very release that closes it; an older one is installed. What the"
    " catalog of exploited vulnerabilities names is being used in attacks.",
    "apt-get update && apt-get -s dist-upgrade shows whether the version would come; apt-get dist-upgrade installs it.",
    ("https://security-tracker.debian.org/", "MITRE ATT&CK M1051"),
)
RULES = (FIX_MISSING,)
STALE = 7
"""Days after which what a file of advisories does not say means little."""
_OWN = {"debian": "Debian", "ubuntu": "Ubuntu"}
_ELSEWHERE = re.compile(r"~bpo[0-9]+\+")
_REBUILT = re.compile(r"\+b[0-9]+$")


@dataclass(slots=True)
class Judged:
    """What came of all feeds for one host."""

    missing: list[tuple[Standing, Advice]] = field(default_factory=list)
    """Fixes that are there and not installed."""
    open: int = 0
    """Holes without a fix, or of which the vendor thinks that none is urgent."""
    strange: int = 0
    """Packages that are not judged, for they are not the distribution's."""


def judge(host: Host, feeds: Sequence[Feed]) -> Iterator[Finding | Gap]:
    """Yield one finding for all fixes that are missing, and gaps for what could not be judged."""
    if not feeds or not host.standings:
        return
    for feed in feeds:
        age = (host.now.date() - feed.made).days if feed.made else STALE + 1
        if age > STALE and not (feed.exploited and feed.made):
            of = f"of {feed.made}, {counted(age, 'day')} old" if feed.made else "of no day that is known"
            yield Gap(f"advisories {feed.file}", f"{feed.kind} {of}: what was published since is not in it")
    name = host.system.get("ID", "")
    releases = _releases(host)
    if not any(key[:2] in releases for feed in feeds for key in feed.advice):
        if any(key[0] != "pypi" for feed in feeds for key in feed.advice):
            yield Gap("advisories", f"none of them says anything of {host.system.get('PRETTY_NAME') or name or 'this system'}")
        return
    found = judged(host, feeds)
    if found.strange:
        many = f"{found.strange} of {len(host.standings)} packages"
        yield Gap("advisories", f"{many} are not judged: they are not from {_OWN.get(name, name)}, or no list says where from")
    if found.missing:
        yield _finding(host, found, frozenset().union(*(feed.exploited for feed in feeds)))


def judged(host: Host, feeds: Sequence[Feed]) -> Judged:
    """Hold every package that is the distribution's own against what the feeds say."""
    told, releases = Judged(), _releases(host)
    versions = {record.package.key: _source_version(record) for record in host.records}
    seen = set[tuple[str, str]]()
    for standing in host.standings:
        package = standing.package
        if not _own(host, standing):
            told.strange += 1
            continue
        source = package.source or package.name
        for advice in (one for feed in feeds for release in releases for one in feed.advice.get((*release, source), ())):
            again = (source, advice.id) in seen
            if not advice.fixed:
                told.open += not again
            elif order(versions[package.key], advice.fixed) < 0:
                told.missing.append((standing, advice))
            seen.add((source, advice.id))
    return told


def _releases(host: Host) -> tuple[tuple[str, str], ...]:
    """How feeds call the release of this host."""
    name, codename = host.system.get("ID", ""), host.system.get("VERSION_CODENAME", "")
    return tuple((name, each) for each in dict.fromkeys((codename, host.system.get("VERSION_ID", ""))) if each)


def _own(host: Host, standing: Standing) -> bool:
    """Whether a package is of the distribution: its lists have this version, or a newer one and nobody else has any."""
    origin = _OWN.get(host.system.get("ID", ""))
    release = host.system.get("VERSION_CODENAME", "")
    offers = standing.origins or standing.offers
    ours = [one for one in offers if one.listing.release.origin == origin and _of(one.listing.release.codename, release)]
    if standing.origins:
        return bool(ours)
    older = bool(ours) and order(standing.package.version, ours[0].version) < 0
    return older and len(ours) == len(offers) and not _ELSEWHERE.search(standing.package.version)


def _of(codename: str, release: str) -> bool:
    """Whether a suite belongs to a release: `bookworm-security`, and not `bookworm-backports`."""
    return codename in (release, f"{release}-security", f"{release}-updates")


def _source_version(record: dpkg.Record) -> str:
    return record.built_from or _REBUILT.sub("", record.package.version)


def _finding(host: Host, found: Judged, exploited: frozenset[str]) -> Finding:
    attacked = [pair for pair in found.missing if exploited & {pair[1].id, *pair[1].names}]
    pairs = sorted(found.missing, key=lambda pair: (pair not in attacked, pair[1].published or date.max, pair[1].id))
    ids = dict.fromkeys(advice.id for _standing, advice in pairs)
    names = dict.fromkeys(standing.package.name for standing, _advice in pairs)
    many = f"{len(names)} packages lack" if len(names) > 1 else f"{next(iter(names))} lacks"
    used = f", {len({advice.id for _standing, advice in attacked})} of them of holes used in attacks" if attacked else ""
    rest = f"; {found.open} more without a fix" if found.open else ""
    said = "an advisory names" if len(ids) == 1 else f"{len(ids)} advisories name"
    message = f"{many} fixes that {said}{used}: {', '.join(list(ids)[:MOST_QUOTES])}{rest}"
    quotes = tuple(Quote(dpkg.STATUS.what, 0, _quoted(*pair)) for pair in pairs[:MOST_QUOTES])
    return Finding(FIX_MISSING, "packages", message, _severity(host, pairs, attacked=bool(attacked)), quotes)


def _severity(host: Host, pairs: Sequence[tuple[Standing, Advice]], *, attacked: bool) -> Severity:
    """How much it matters: by attacks, else by how long ago the first of them was published, where that is known."""
    days = [(host.now.date() - advice.published).days for _standing, advice in pairs if advice.published]
    if attacked or max(days, default=0) > FAIL:
        return Severity.HIGH
    return Severity.LOW if days and len(days) == len(pairs) and max(days) <= WARN else FIX_MISSING.severity


def _quoted(standing: Standing, advice: Advice) -> str:
    published = f", published on {advice.published}" if advice.published else ""
    return f"{standing.package.key} {standing.package.version}: {advice.id} is closed in {advice.fixed}{published}"


def facts(host: Host, feeds: Sequence[Feed]) -> Mapping[str, object]:
    """`facts.advisories`: the files that were gone by, and what came of them."""
    if not feeds or not host.standings:
        return {}
    found = judged(host, feeds)
    files = [
        {"file": feed.file, "kind": feed.kind, "date": str(feed.made) if feed.made else None, "digest": feed.digest}
        for feed in feeds
    ]
    missing = [
        {"package": standing.package.key, "id": advice.id, "fixed": advice.fixed, "names": list(advice.names)}
        for standing, advice in found.missing
    ]
    return {"advisories": {"files": files, "missing": missing, "open": found.open, "not_judged": found.strange}}
