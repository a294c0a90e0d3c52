"""What the report tells of packages besides findings: each of them, and how the host as a whole keeps up."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from statistics import median, quantiles

from auditkit.audits.packages.automatic import last_run
from auditkit.audits.packages.ends import AS_OF, end_of
from auditkit.audits.packages.knowledge import newest_of
from auditkit.audits.packages.pending import Pending, pending
from auditkit.audits.packages.seen import Host, days

YEAR = 365.25


def facts(host: Host) -> Mapping[str, object]:
    """The parts of `facts` that are of packages."""
    if not host.standings:
        return {}
    found = pending(host) if host.known else ()
    return {"packages": _packages(host, found), "patching": _patching(host, found)}


def _packages(host: Host, found: Sequence[Pending]) -> list[dict[str, object]]:
    missing = {one.standing.package.key: one for one in found}
    told = list[dict[str, object]]()
    for standing in host.standings:
        package = standing.package
        put = host.put_there(package)
        one = missing.get(package.key)
        told.append(
            {
                "name": package.name,
                "version": package.version,
                "arch": package.arch or None,
                "origin": next((offer.listing.release.told for offer in standing.origins), None),
                "installed": _written(put),
                "made": _written(host.version_made(package)),
                "pending": _pending(one) if one else None,
            }
        )
    return told


def _pending(one: Pending) -> dict[str, object]:
    return {
        "version": one.standing.candidate,
        "since": _written(one.since),
        "security": one.security,
        "made": _written(one.made),
        "listed": _written(one.listed),
        "seen": _written(one.first.seen if one.first else None),
        "missed": len(one.missed) or None,
        "holes": list(one.holes),
    }


def _patching(host: Host, found: Sequence[Pending]) -> dict[str, object]:
    """How the host keeps up: counts, dates, and how long upgrades took to come here."""
    lags = sorted(_lags(host))
    newest = newest_of(host)
    name, version = host.system.get("ID", ""), host.system.get("VERSION_ID", "")
    end = end_of(name, version)
    return {
        "pending": len(found) if host.known else None,
        "security": sum(one.security for one in found) if host.known else None,
        "lists_of": _written(newest.date if newest else None),
        "last_upgrade": _written(host.last_upgrade()),
        "last_unattended": _written(last_run(host)),
        "lag_days": {"upgrades": len(lags), "median": round(median(lags)), "ninety": _ninety(lags)} if lags else None,
        "libyears": _libyears(host),
        "support": {"release": end.name, "ends": str(end.extended or end.standard), "table": str(AS_OF)} if end else None,
    }


def _lags(host: Host) -> list[int]:
    """Of each upgrade in the logs, how many days the version was old when it came, where its date is known."""
    found = []
    for event in host.events:
        made = host.made_of(event.package, event.after or "") if event.action == "upgrade" else None
        made = made or host.made_of(f"{event.package.partition(':')[0]}:all", event.after or "")
        moment = host.past([event.time])
        if event.action == "upgrade" and made and moment and made <= moment:
            found.append(days(made, moment))
    return found


def _ninety(lags: Sequence[int]) -> int:
    return round(quantiles(lags, n=10)[-1]) if len(lags) > 1 else lags[0]


def _libyears(host: Host) -> float:
    """Years from when the installed versions were made until today, of all packages together: information, and no score."""
    made = filter(None, (host.version_made(one.package) for one in host.standings))
    return round(sum(days(each, host.now) for each in made) / YEAR, 1)


def _written(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}" if moment else None
