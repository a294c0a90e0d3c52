"""What earlier runs of auditkit saw missing on a host: since when it waits for an update at the latest."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from auditkit.model import Missed
from auditkit.packages.candidates import Standing, order

WRITTEN = "%Y-%m-%dT%H:%M:%SZ"
"""How a fact of the report has a time."""


def first(known: Iterable[Missed], one: Standing, now: datetime, *, security: bool) -> Missed | None:
    """The earliest of what was seen of a package that it misses, up to the version that is offered now; None if there is none.

    For how long a security update is missing goes by security updates alone.
    """
    between = (
        each
        for each in known
        if (each.security or not security)
        and order(one.package.version, each.version) < 0
        and order(each.version, one.candidate) <= 0
        and each.seen <= now
    )
    return min(between, key=lambda each: there_since(each, now), default=None)


def there_since(one: Missed, now: datetime) -> datetime:
    """Since when it was there for certain: the date of the list that named it, which came before who read it.

    A list that is younger than its reader shows that the reader's clock was wrong.
    """
    return one.listed if one.listed is not None and one.listed <= now else one.seen


def kept(known: Iterable[Missed], packages: Iterable[Mapping[str, object]], now: datetime) -> tuple[Missed, ...]:
    """What the next run is to know, by the `facts.packages` of this one: an update stays until it is installed.

    One that is not offered for once may only have been hidden. Where there are two of one update the earlier counts, and
    that is never one of a time that is yet to come.
    """
    there = {_key(one): one for one in packages}
    versions = {key: str(one["version"]) for key, one in there.items()}
    stays = (one for one in known if one.package in versions and order(versions[one.package], one.version) < 0)
    found = {(one.package, one.version, one.security): one for one in stays if one.seen <= now}
    for key, one in there.items():
        pending = one.get("pending")
        if isinstance(pending, Mapping):
            new = _seen(key, pending, now)
            found.setdefault((key, new.version, new.security), new)
    return tuple(sorted(found.values(), key=lambda one: (one.package, one.seen, one.version, one.security)))


def _seen(key: str, pending: Mapping[str, object], now: datetime) -> Missed:
    try:
        listed = datetime.strptime(str(pending.get("listed")), WRITTEN).replace(tzinfo=UTC)
    except ValueError:  # none, or a year that no list was made in
        listed = None
    return Missed(key, str(pending["version"]), bool(pending["security"]), now, listed)


def _key(one: Mapping[str, object]) -> str:
    """As `Package.key` has it."""
    return f"{one['name']}:{one['arch']}" if one["arch"] else str(one["name"])
