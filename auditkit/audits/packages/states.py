"""Packages that nobody updates, that are held back, or that are half there."""

from collections.abc import Iterable, Iterator, Sequence

from auditkit.audits.packages.seen import MOST_QUOTES, Host, days
from auditkit.model import Finding, Gap, Quote, Rule, Severity
from auditkit.packages import Package, dpkg
from auditkit.packages.candidates import Standing, order
from auditkit.printable import counted, few

BROKEN = Rule(
    "package-broken",
    "A package is half installed",
    Severity.MEDIUM,
    "Until it is mended nothing more is installed on this machine, security updates included. The installation or upgrade"
    " broke off: parts may be of the old version, and services of the package may not run.",
    "dpkg --audit says what is wrong; dpkg --configure -a, then apt-get -f install mends most.",
    ("dpkg(1)",),
)
HELD = Rule(
    "update-held-back",
    "An update is held back on purpose",
    Severity.LOW,
    "Somebody decided once that this shall not be updated, and it has missed updates since. A hold or a pin keeps a package at"
    " its version whatever comes out, and what was meant for a week is often forgotten for years.",
    "apt-mark showhold and apt-cache policy PACKAGE say why; apt-mark unhold PACKAGE lets it go (undo: apt-mark hold PACKAGE),"
    " a pin is taken out of /etc/apt/preferences.d.",
    ("apt-mark(8)", "apt_preferences(5)"),
)
ORPHANED = Rule(
    "package-in-no-list",
    "Packages are from nowhere that apt knows",
    Severity.LOW,
    "No source of this host has a package of that name: it was installed by hand, its source was taken away, or the"
    " distribution has dropped it. Nobody updates it, and no security team looks at it.",
    "Find out what needs it. apt-get -s remove PACKAGE shows what would go with it; or give it a source again.",
    ("apt-patterns(7) ?obsolete",),
)
SUPERSEDED = Rule(
    "version-in-no-list",
    "A version is in no list, and nothing newer is offered",
    Severity.INFO,
    "The sources have this package, but in older versions only: what is installed is from somewhere else, or was taken back by"
    " its vendor. It gets no update before they have caught up.",
    "apt-cache policy PACKAGE shows what is offered; apt-get install PACKAGE=VERSION goes back to it.",
    ("apt_preferences(5)",),
)
RULES = (BROKEN, HELD, ORPHANED, SUPERSEDED)
_COMPLETE = 0.5
"""The part of the packages that lists must know, for the others to be orphans; else it is the lists that are missing."""


def judge(host: Host) -> Iterator[Finding | Gap]:
    """Yield a finding for each of these, for all the packages that it is true of."""
    yield from _broken(host)
    if host.known:
        yield from _held(host)
        yield from _strangers(host)


def _broken(host: Host) -> Iterator[Finding]:
    states = [record.package for record in host.records if record.package.state not in (*dpkg.ABSENT, "installed")]
    if states:
        one = "1 package is" if len(states) == 1 else f"{len(states)} packages are"
        quotes = tuple(Quote(dpkg.STATUS.what, 0, f"{each.key} {each.version}: {each.state}") for each in states[:MOST_QUOTES])
        yield Finding(BROKEN, "packages", f"{one} not whole: {_named(states)}", BROKEN.severity, quotes)


def _held(host: Host) -> Iterator[Finding]:
    held = {record.package.key for record in host.records if record.held}
    kept = [one for one in host.standings if _kept(one, held)]
    if not kept:
        return
    secure = [one for one in kept if _secure(one)]
    severity = Severity.MEDIUM if secure else HELD.severity if any(one.pending or one.beyond for one in kept) else Severity.INFO
    many = "1 package is" if len(kept) == 1 else f"{len(kept)} packages are"
    missed = f", {len(secure)} of them without a security update" if secure else ""
    message = f"{many} held back{missed}: {_named([one.package for one in (*secure, *(k for k in kept if k not in secure))])}"
    quotes = tuple(Quote(*_why(host, one, held)) for one in (secure or kept)[:MOST_QUOTES])
    yield Finding(HELD, "packages", message, severity, quotes)


def _kept(one: Standing, held: set[str]) -> bool:
    """Whether a hold keeps it, or a pin keeps a security update from it."""
    return one.package.key in held or any(offer.listing.release.security for offer in one.beyond)


def _secure(one: Standing) -> bool:
    newer = (offer for offer in one.offers if order(offer.version, one.package.version) > 0)
    return any(offer.listing.release.security for offer in newer)


def _why(host: Host, one: Standing, held: set[str]) -> tuple[str, int, str]:
    newest = one.offers[0].version if one.offers else one.candidate
    text = f"{one.package.key} {one.package.version}, offered is {newest}"
    if one.package.key in held:
        return dpkg.STATUS.what, 0, f"{text} (hold)"
    pin = next((pin.place for pin in host.pins if not pin.package or pin.is_for(one.package.name, one.package.arch, "")), "")
    return pin.partition(" ")[0] or "/etc/apt/preferences", 0, f"{text} (pinned)"


def _strangers(host: Host) -> Iterator[Finding | Gap]:
    orphans = [one.package for one in host.standings if not one.offers]
    if len(orphans) > _COMPLETE * len(host.standings):
        yield Gap(
            "packages of no list", f"the lists know only {len(host.standings) - len(orphans)} of {len(host.standings)} packages"
        )
        return
    if orphans:
        oldest = min(filter(None, map(host.version_made, orphans)), default=None)
        of = f"; the oldest version is {counted(days(oldest, host.now), 'day')} old" if oldest else ""
        yield _grouped(host, ORPHANED, orphans, f"{_many(orphans)} in no list: {_named(orphans)}{of}")
    known = (one for one in host.standings if one.offers and not one.origins)
    foreign = [one.package for one in known if not one.pending and not one.beyond]
    if foreign:
        yield _grouped(host, SUPERSEDED, foreign, f"{_many(foreign)} there in a version of no list: {_named(foreign)}")


def _grouped(host: Host, rule: Rule, packages: Sequence[Package], message: str) -> Finding:
    quotes = []
    for each in packages[:MOST_QUOTES]:
        made = host.version_made(each)
        quotes.append(Quote(dpkg.STATUS.what, 0, f"{each.key} {each.version}" + (f", of {made:%Y-%m-%d}" if made else "")))
    return Finding(rule, "packages", message, rule.severity, tuple(quotes))


def _many(packages: Sequence[Package]) -> str:
    return "1 package is" if len(packages) == 1 else f"{len(packages)} packages are"


def _named(packages: Iterable[Package]) -> str:
    return few(list(dict.fromkeys(package.name for package in packages)), MOST_QUOTES)
