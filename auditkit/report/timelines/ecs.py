"""The Elastic Common Schema's form of a timeline: JSON lines, elastic.co/guide/en/ecs."""

import json
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from auditkit.logins.nouns import Event, What
from auditkit.printable import printable
from auditkit.report.timelines.events import message, moment

VERSION = "8.11.0"
_CATEGORIES: Mapping[What, tuple[str, str]] = {
    What.OPENED: ("session", "start"),
    What.ENDED: ("session", "end"),
    What.RAN: ("process", "start"),
    What.ACCOUNT: ("iam", "change"),
    What.SCHEDULED: ("configuration", "change"),
    What.CLOCK: ("configuration", "change"),
    What.BOOTED: ("host", "start"),
    What.STOPPED: ("host", "end"),
    What.CONNECTED: ("network", "connection"),
    What.SCANNED: ("network", "connection"),
    What.REFUSED: ("network", "denied"),
    What.CLOSED: ("network", "end"),
}
"""event.category and event.type; of the rest: authentication, and start or info."""
_SUCCESS = frozenset((What.ACCEPTED, What.OPENED, What.BECAME, What.RAN))
_FAILURES = frozenset(
    (What.FAILED, What.INVALID_USER, What.EXCEEDED, What.REFUSED, What.KEY_HELD, What.DENIED, What.CREDENTIAL_HELD)
)


def line(host: str, path: str, event: Event) -> str:
    """An event as a line of JSON; what it does not say is left out."""
    category, kind = _CATEGORIES.get(event.what, ("authentication", "start" if event.what is What.ACCEPTED else "info"))
    outcome = "success" if event.what in _SUCCESS else "failure" if event.what in _FAILURES else "unknown"
    told = {
        "@timestamp": moment(event.time or 0),
        "ecs": {"version": VERSION},
        "message": message(event),
        "event": {
            "kind": "event", "category": [category], "type": [kind], "action": event.what.value, "outcome": outcome,
            "dataset": "auditkit.logins",
        },
        "host": {"name": printable(host)},
        "source": source(event.address, event.port),
        "user": {"name": _shown(event.user), "effective": {"name": _shown(event.user)} if event.actor else None},
        "process": {"name": _shown(event.program), "pid": event.pid},
        "log": {"file": {"path": printable(path)}, "offset": event.offset},
        "auditkit": {
            "method": event.method, "fingerprint": event.key, "times": event.times, "line": event.line,
            "detail": _shown(event.detail), "actor": _shown(event.actor), "forged": event.forged,
        },
    }  # fmt: skip
    return written(told)


def written(told: Mapping[str, Any]) -> str:
    """A line of JSON, in ASCII, without what is not known."""
    return json.dumps(_without_nothing(told), ensure_ascii=True, separators=(",", ":")) + "\n"


def source(address: str | None, port: int | None) -> dict[str, Any]:
    """Where it came from: `source.ip` takes nothing but an address."""
    if not address:
        return {}
    return {"address": printable(address), "ip": ip(address), "port": port}


def ip(address: str) -> str | None:
    """An address without its zone, as readers know it; None if it is none."""
    try:
        return str(ip_address(address.partition("%")[0]))
    except ValueError:
        return None


def _shown(text: str | None) -> str | None:
    return printable(text) if text is not None else None


def _without_nothing(told: Mapping[str, Any]) -> dict[str, Any]:
    kept = ((name, _without_nothing(value) if isinstance(value, Mapping) else value) for name, value in told.items())
    return {name: value for name, value in kept if value not in (None, "", {})}
