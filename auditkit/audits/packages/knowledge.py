"""How old is what apt of a host knows: an answer of "nothing is missing" is worth no more than the lists it rests on."""

from collections.abc import Iterator

from auditkit.audits.packages.seen import Host, days
from auditkit.model import Finding, Gap, Quote, Rule, Severity
from auditkit.packages.offers import Release
from auditkit.printable import counted

LISTS_OLD = Rule(
    "package-lists-old",
    "The lists of packages are old",
    Severity.LOW,
    "apt knows of no update that came out since: that nothing is missing holds for the day of the lists, and not for today."
    " Where the host believes to be up to date, nobody will notice. Somebody on the way may also be holding back newer lists.",
    "apt-get update, and see what it complains of; systemctl list-timers apt-daily.timer shows whether it is done by itself.",
    ("apt-get(8)", "apt-secure(8)", "CIS Debian 1.2.2"),
)
RULES = (LISTS_OLD,)
DOUBTFUL, WARN = 3, 14
"""Days."""
_SECURED = ("debian", "ubuntu")
NO_SECURITY = "no source names a security archive of {}: which holes are mended there is not known; see sources.list(5)"
_SUCCESS = "/var/lib/apt/periodic/update-success-stamp"


def judge(host: Host) -> Iterator[Finding | Gap]:
    """Yield a finding where the lists are old, and a gap where no security archive is among them."""
    if not host.known:
        return  # pending.py says so
    secure = [release for release in host.releases if release.security]
    name = host.system.get("ID", "")
    if not secure and name in _SECURED:
        yield Gap("pending security updates", NO_SECURITY.format(host.system.get("PRETTY_NAME", name)))
    newest = newest_of(host)
    if newest is None or newest.date is None:
        if not host.past(each for path, each in host.stamps.items() if path == _SUCCESS):
            yield Gap("pending updates", "how old the lists of packages are is not known: none of their releases has a date")
        return
    age = days(newest.date, host.now)
    if secure and age > DOUBTFUL:
        severity = Severity.MEDIUM if age > WARN else Severity.LOW
        since = f"what came out since {newest.date:%Y-%m-%d} is not known"
        message = f"the newest list of a security archive is {counted(age, 'day')} old: {since}"
        yield Finding(LISTS_OLD, "packages", message, severity, (_quote(newest),))
    for release in host.releases:
        if release.until and release.until < host.now and release is not newest:
            yield Gap(
                "pending updates", f"{release.told} was to be believed until {release.until:%Y-%m-%d} only: run apt-get update"
            )


def newest_of(host: Host) -> Release | None:
    """The newest of the releases that change daily: of a security archive, or of any where there is none."""
    dated = [release for release in host.releases if release.date and release.date <= host.now]
    return max((one for one in dated if one.security), key=_date, default=max(dated, key=_date, default=None))


def _date(release: Release) -> float:
    return release.date.timestamp() if release.date else 0.0


def _quote(release: Release) -> Quote:
    return Quote(release.source, 0, f"Date: {release.date:%a, %d %b %Y %H:%M:%S} UTC" if release.date else "")
