"""The Elastic Common Schema's form of a report: JSON lines, elastic.co/guide/en/ecs; logins as in a timeline of an incident."""

from collections.abc import Iterator, Mapping
from typing import Any

from auditkit.model import Severity
from auditkit.printable import printable, said
from auditkit.report.document import CLEAN, FINDINGS, Document, state, status
from auditkit.report.items import Dict, Item, Sort, hosts, iso, items
from auditkit.report.lasting import gone
from auditkit.report.look import Options
from auditkit.report.timelines.ecs import VERSION, source, written
from auditkit.report.verdict import of_host

SEVERITIES = {Severity.INFO: 1, Severity.LOW: 21, Severity.MEDIUM: 47, Severity.HIGH: 73, Severity.CRITICAL: 99}
"""event.severity, on the scale of Elastic Security's rules."""
CATEGORIES = {
    Sort.UNTRUSTED: ("intrusion_detection", "info"),
    Sort.FINDING: ("intrusion_detection", "info"),
    Sort.ACCEPTED: ("intrusion_detection", "info"),
    Sort.LOGINS: ("authentication", "info"),
    Sort.LOGIN: ("authentication", "start"),
    Sort.GUESSES: ("authentication", "info"),
    Sort.GAP: ("host", "info"),
}
"""event.category and event.type, of the values that go together; a change is of category `file`."""
CHANGES = {"added": "creation", "removed": "deletion", "changed": "change"}
NEVER = "1970-01-01T00:00:00Z"
"""When a run ended of which nobody can tell: no event may be without a time."""
OUTCOMES = {Sort.LOGIN: "success", Sort.GUESSES: "failure"}
TYPES = {
    "file": "file", "directory": "dir", "symlink": "symlink", "block device": "device", "character device": "device",
    "fifo": "fifo", "socket": "socket",
}  # fmt: skip


def pieces(document: Document, options: Options) -> Iterator[str]:
    """Yield a line for what each host comes to, and one for each thing that is told of it."""
    for host in hosts(document):
        yield written(_host(host, document))
        for item in items(host, options):
            yield written(_event(host, item, document))
        for line, one in gone(host):
            yield written(_gone(host, line, one, document))


def _gone(host: Dict, line: str, one: Dict, document: Document) -> dict[str, Any]:
    """What earlier runs told, and is gone."""
    event = {
        "kind": "state",
        "category": ["host"],
        "type": ["info"],
        "action": "gone",
        "outcome": "unknown",
        "reason": one["how"],
    }
    told = {name: printable(one[name]) for name in ("severity", "subject", "first_seen", "last_seen", "sort", "how")}
    return {**_about(host, document, line, event, told), "rule": {"id": printable(one["rule"])}}


def _host(host: Dict, document: Document) -> dict[str, Any]:
    """A host as a state: the outcome is a success only where nothing was found, and all was seen."""
    outcome = {CLEAN: "success", FINDINGS: "failure"}.get(status(host), "unknown")
    event = {"kind": "state", "category": ["host"], "type": ["info"], "action": "status", "outcome": outcome}
    more = {"status": status(host), "state": state(host), "counts": dict(host["counts"])}
    return _about(host, document, of_host(host), event, more)


def _about(host: Dict, document: Document, message: str, event: Dict, more: Dict) -> dict[str, Any]:
    """What every line says."""
    ends = {"start": iso(document["started"]), "end": iso(document["finished"])}
    name, _, version = document["tool"].partition(" ")
    return {
        "@timestamp": ends["end"] or NEVER,
        "ecs": {"version": VERSION},
        "message": message,
        "event": {**event, "dataset": "auditkit.report", "module": "auditkit", **ends},
        "host": {"name": printable(host["host"])},
        "observer": {"product": printable(name), "version": printable(version), "type": "integrity"},
        "auditkit": {"command": printable(document["command"]), **more},
    }


def _event(host: Dict, item: Item, document: Document) -> dict[str, Any]:
    category, kind = CATEGORIES.get(item.sort, ("file", CHANGES.get(item.of.get("change", ""), "change")))
    outcome = "unknown" if item.doubtful else OUTCOMES.get(item.sort, "unknown")
    event = {
        "kind": "alert" if item.against else "event", "category": [category], "type": [kind], "action": str(item.sort),
        "outcome": outcome, "id": item.id, "severity": SEVERITIES[item.severity],
        "reason": item.excuse,
    }  # fmt: skip
    more = {"severity": item.severity.word, "subject": printable(item.subject), "excuse": item.excuse}
    return {**_about(host, document, item.message, event, {**more, **_more(item)}), **_fields(item)}


def _more(item: Item) -> dict[str, Any]:
    """What the schema has no name for."""
    of = item.of
    quotes = [f"{printable(one['source'])}:{one['line']}: {printable(one['text'])}" for one in of.get("quotes", ())]
    known: dict[str, Any] = {"remedy": said(of.get("remedy", "")), "quotes": quotes or None, "line": item.place[1] or None}
    known |= {name: printable(of[name]) for name in ("first_seen", "news") if of.get(name)}
    if item.sort is Sort.CHANGE:
        known["attributes"] = [printable(name) for name in of["attributes"]]
    if item.sort is Sort.LOGINS:
        known |= {axis: printable(of[axis]) for axis in ("access", "pattern", "coverage")}
    if item.sort is Sort.GUESSES:
        known |= {"attempts": of["attempts"], "names": of.get("names", len(of["users"]))}
    if item.sort is Sort.LOGIN:
        known |= {
            "method": _shown(of["method"]),
            "state": of.get("state"),
            "support": [printable(one) for one in of["support"]],
        }
    return known


def _fields(item: Item) -> dict[str, Any]:
    """What the schema has a name for."""
    fields: dict[str, Any] = {"rule": {"id": printable(item.rule), "reference": _reference(item)}}
    path, _line = item.place
    if path:
        fields["file"] = {"path": printable(path), **(_file(item.of) if item.sort is Sort.CHANGE else {})}
    if item.sort is Sort.GAP:
        fields["error"] = {"message": item.message}
    if item.sort is Sort.LOGIN:
        fields |= {"@timestamp": time} if (time := iso(item.of["time"])) else {}
        fields["user"] = {"name": printable(item.of["user"])}
        fields["source"] = source(item.of["address"], item.of["port"])
    if item.sort is Sort.GUESSES and item.of["address"] != "*":
        fields["source"] = source(item.of["address"], None)
    return fields


def _file(change: Dict) -> dict[str, Any]:
    """What the last that was seen of a file says of it."""
    entry: Mapping[str, Any] = change["after"] or change["before"] or {}
    digests = dict(one.partition(":")[::2] for one in entry.get("digest", "").split(",") if ":" in one)
    return {
        "type": TYPES.get(entry.get("kind", "")),
        "mode": _shown(entry.get("mode")),
        "uid": _shown(entry.get("uid")),
        "gid": _shown(entry.get("gid")),
        "owner": _shown(entry.get("owner")),
        "group": _shown(entry.get("group")),
        "size": entry.get("size"),
        "target_path": _shown(entry.get("target")),
        "hash": {"sha256": _shown(digests.get("sha256"))},
    }


def _reference(item: Item) -> str | None:
    """The first reference that is an address of a page."""
    return next((printable(one) for one in item.of.get("references", ()) if one.startswith("https://")), None)


def _shown(value: object) -> str | None:
    return None if value is None else printable(str(value))
