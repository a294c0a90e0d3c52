"""What the reports of a case say of an address, machine by machine."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditkit.errors import UsageError
from auditkit.logins.evidence import LATEST, event_of, form_of
from auditkit.logins.wording import plural
from auditkit.printable import printable
from auditkit.response.complaint import Document
from auditkit.response.complaint.subject import Address, same

Host = Mapping[str, Any]
"""What a report says of one machine."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one machine saw of the address."""

    host: str
    """Its name, as it may be shown."""
    logins: Mapping[str, Any]
    source: Mapping[str, Any]
    latest: Mapping[str, Any]
    """The verdict of the latest report of that machine, which may be of another time."""


def hosts(reports: Sequence[Document]) -> list[Host]:
    """What each report says of each machine, the latest last."""
    return [host for report in sorted(reports, key=lambda one: str(one["started"])) for host in report["hosts"]]


def seen(told: Sequence[Host], address: Address) -> list[Seen]:
    """What each machine saw of it, by the latest report that has it.

    Raises:
        UsageError: none of them saw it guess.
    """
    of_logins = [host for host in told if host["logins"] is not None]
    if not of_logins:
        raise UsageError("the case has no report of logins", "make one: auditkit logins HOST --case N")
    latest = {host["host"]: host["logins"] for host in of_logins}
    found: dict[str, Seen] = {}
    for host in of_logins:
        for source in host["logins"]["sources"]:
            if same(source["address"], address):
                found[_machine(host, source)] = Seen(printable(host["host"]), host["logins"], source, latest[host["host"]])
    if found:
        return list(found.values())
    raise _unseen(of_logins, address)


def _machine(host: Host, source: Mapping[str, Any]) -> str:
    """Which machine it is, by its own lines: the same logs may be in the case as a host and as files, and count once."""
    forms = {file["name"]: file["format"] or "" for file in host["logins"].get("files", ())}
    lines = ((line["text"], forms.get(line["source"], "")) for line in source["lines"] if line.get("text"))
    events = [event_of(text, form_of(text, name), LATEST) for text, name in lines]
    called = {event.host.partition(".")[0] for event in events if event and event.host}
    return called.pop() if len(called) == 1 else str(host["host"])


def _unseen(of_logins: Sequence[Host], address: Address) -> UsageError:
    """Why there is nothing to write of an address that guessed nowhere."""
    for one in (one for host in of_logins for one in host["logins"].get("probed", ()) if same(one["address"], address)):
        did = f"offered {plural(one['probes'], 'key')}" if one["probes"] else "connected and tried no login"
        return UsageError(
            f"{address} {did}, and guessed at no password: that is how every scanner of the internet looks, too",
            "leave it: no desk will do anything about that",
        )
    if any(host["logins"].get("more_sources") for host in of_logins):
        hint = "make the report of a shorter time, which then names it: auditkit logins HOST --since TIME --until TIME --case N"
    else:
        hint = "make one that has: auditkit logins HOST --case N"
    return UsageError(f"no report of the case has attempts from {address}", hint)


def listeners(told: Sequence[Host], names: Sequence[str] = ()) -> Iterator[Mapping[str, Any]]:
    """Yield what listens on our machines, or on those of these names, as far as audits told of it."""
    for host in told:
        found = host["facts"].get("listeners") if not names or printable(host["host"]) in names else None
        yield from (one for one in found or () if isinstance(one, Mapping))


def names(told: Sequence[Host]) -> frozenset[str]:
    """Names of accounts and machines that are known to be ours."""
    found: set[str] = set()
    for host in told:
        name = host["host"]
        found |= {name, name.partition(".")[0]} if "/" not in name else set()
        found |= {str(one.get("name", "")) for one in host["facts"].get("accounts") or () if isinstance(one, Mapping)}
        if (logins := host["logins"]) is not None:
            found |= {*((logins.get("names") or {}).get("exist") or ())}
            found |= {one["user"] for one in logins["successes"] if one["user"] and one.get("state") != "forged"}
            found |= {each for one in logins["sources"] for each in one.get("existing", ())}
    return frozenset(found - {""})
