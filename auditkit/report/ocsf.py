"""The Open Cybersecurity Schema Framework's form of a report: JSON lines of version 1.3.0, schema.ocsf.io/1.3.0.

A change is a Detection Finding and no File System Activity: that class asks who did it, and when, which no comparison tells.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from auditkit.model import Severity
from auditkit.printable import printable, said
from auditkit.report.document import FAILURES, INCOMPLETE, UNTRUSTED, Document, judged, severity, state, status
from auditkit.report.items import Dict, Item, Sort, hosts, id_of, items, moment
from auditkit.report.lasting import gone
from auditkit.report.look import Options
from auditkit.report.timelines.ecs import ip
from auditkit.report.verdict import of_host

VERSION = "1.3.0"
FINDING, AUTHENTICATION, SCAN = 2004, 3002, 6007
"""class_uid of Detection Finding, Authentication and Scan Activity; the category is its thousands."""
CREATE, UPDATE, CLOSE = 1, 2, 3
"""activity_id of Detection Finding."""
COMPLETED, ERROR = 2, 6
"""activity_id of Scan Activity."""
UNKNOWN, SUCCESS, FAILURE = 0, 1, 2
"""status_id of an activity."""
NEW, SUPPRESSED, RESOLVED = 1, 3, 4
"""status_id of a finding."""
SEVERITIES = {Severity.INFO: 1, Severity.LOW: 2, Severity.MEDIUM: 3, Severity.HIGH: 4, Severity.CRITICAL: 5}
TYPES = {
    "file": 1, "directory": 2, "character device": 3, "block device": 4, "socket": 5, "fifo": 6, "symlink": 7,
}  # fmt: skip
"""type_id of a file."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def pieces(document: Document, options: Options) -> Iterator[str]:
    """Yield a line for what each host comes to, and one for each thing that is told of it."""
    for host in hosts(document):
        yield _written(_host(host, document))
        for item in items(host, options):
            yield _written(_event(host, item, document))
        for line, one in gone(host):
            yield _written(_gone(host, line, one, document))


def _is_held(host: Dict) -> bool:
    """Whether a host is held against an earlier run."""
    return host.get("since", {}).get("run") is not None


def _gone(host: Dict, line: str, one: Dict, document: Document) -> dict[str, Any]:
    """A finding of earlier runs that is closed: mended, or accounted for."""
    times = {"first_seen_time": _milliseconds(one["first_seen"]), "last_seen_time": _milliseconds(one["last_seen"])}
    known = {name: time for name, time in times.items() if time is not None}
    told = {"uid": id_of(host, one["sort"], one["rule"], one["subject"]), "title": printable(one["rule"]), "desc": line}
    return _base(FINDING, CLOSE, severity(one), host, document) | {
        "finding_info": {**told, "types": [one["sort"]], **known},
        "status_id": RESOLVED if one["how"] == "fixed" else SUPPRESSED,
        "message": line,
        "resources": [{"name": printable(one["subject"]), "type": "subject"}],
        "unmapped": {"kind": "gone", "rule": printable(one["rule"]), "subject": printable(one["subject"]), "how": one["how"]},
    }


def _written(event: Mapping[str, Any]) -> str:
    kept = {name: value for name, value in event.items() if value not in (None, "", {}, [])}
    return json.dumps(kept, ensure_ascii=True, allow_nan=False, separators=(",", ":")) + "\n"


def _host(host: Dict, document: Document) -> dict[str, Any]:
    """What a host comes to: a scan that could not see all, or compared nothing, has failed."""
    failed = status(host) in (INCOMPLETE, UNTRUSTED) or state(host) in FAILURES or bool(host["gaps"])
    worst = max((*map(severity, judged(host)), Severity.MEDIUM if failed else Severity.INFO))
    scanned = _scan(host, document, ERROR if failed else COMPLETED, worst)
    return scanned | {
        "message": of_host(host),
        "status_id": FAILURE if failed else SUCCESS,
        "status_code": status(host),
        "status_detail": state(host),
        "num_skipped_items": len(host["gaps"]),
        "total": host["counts"].get("entries"),
    }


def _scan(host: Dict, document: Document, activity: int, how: Severity) -> dict[str, Any]:
    scan = {"type_id": 0, "name": f"auditkit {printable(document['command'])}"}
    times = {"start_time": _milliseconds(document["started"]), "end_time": _milliseconds(document["finished"])}
    return {**_base(SCAN, activity, how, host, document), "scan": scan, **times}


def _base(kind: int, activity: int, how: Severity, host: Dict, document: Document) -> dict[str, Any]:
    """What every event has to say."""
    name, _, version = document["tool"].partition(" ")
    product = {"name": printable(name), "vendor_name": "auditkit", "version": printable(version)}
    return {
        "class_uid": kind,
        "category_uid": kind // 1000,
        "activity_id": activity,
        "type_uid": kind * 100 + activity,
        "severity_id": SEVERITIES[how],
        "time": _milliseconds(document["finished"]) or 0,
        "metadata": {"version": VERSION, "product": product, "profiles": ["host"], "log_name": "auditkit"},
        "device": {"type_id": 0, "name": printable(host["host"]), "hostname": printable(host["host"])},
    }


def _event(host: Dict, item: Item, document: Document) -> dict[str, Any]:
    match item.sort:
        case Sort.GAP:
            made = _scan(host, document, ERROR, item.severity) | {"status_id": FAILURE, "status_detail": item.message}
        case Sort.LOGIN | Sort.GUESSES:
            made = _base(AUTHENTICATION, 1, item.severity, host, document) | _login(host, item)
        case _:
            activity = CREATE if item.of.get("news") or "first_seen" not in item.of or not _is_held(host) else UPDATE
            made = _base(FINDING, activity, item.severity, host, document) | _finding(item)
    unmapped = {"kind": str(item.sort), "rule": printable(item.rule), "subject": printable(item.subject)}
    return made | {"message": item.message, "metadata": made["metadata"] | {"uid": item.id}, "unmapped": unmapped}


def _finding(item: Item) -> dict[str, Any]:
    """A finding: new if it speaks against the host, suppressed if something accounts for it."""
    told: dict[str, Any] = {
        "uid": item.id,
        "title": printable(item.rule),
        "desc": item.message,
        "types": [str(item.sort)],
        "analytic": {"type_id": 1, "type": "Rule", "uid": printable(item.rule), "name": printable(item.rule)},
    }
    if (first := _milliseconds(item.of.get("first_seen"))) is not None:
        told["first_seen_time"] = first
    remedy = said(item.of.get("remedy", ""))
    references = [printable(one) for one in item.of.get("references", ())]
    return {
        "finding_info": told,
        "is_alert": item.against,
        "status_id": SUPPRESSED if item.excuse else NEW,
        "comment": item.excuse,
        "remediation": {"desc": remedy, "references": references} if remedy else None,
        "evidences": _evidence(item),
        "resources": [{"name": printable(item.subject), "type": "subject"}],
    }


def _evidence(item: Item) -> list[dict[str, Any]]:
    """The file that it is about, and the words that it rests on."""
    path, _line = item.place
    found: list[dict[str, Any]] = []
    if path:
        entry = item.of.get("after") or item.of.get("before") or {}
        name = printable(path.rstrip("/").rpartition("/")[2]) or "/"
        found.append({"file": {"name": name, "path": printable(path), "type_id": TYPES.get(entry.get("kind", ""), 0)}})
    quotes = item.of.get("quotes", ())
    words = ({"source": printable(one["source"]), "line": one["line"], "text": printable(one["text"])} for one in quotes)
    return [*found, *({"data": one} for one in words)]


def _login(host: Dict, item: Item) -> dict[str, Any]:
    """A login, or all guesses from one address, which have no one name: they are told by their number."""
    of = item.of
    made: dict[str, Any] = {"dst_endpoint": {"hostname": printable(host["host"]), "name": printable(host["host"])}}
    if of["address"] and of["address"] != "*":
        shown = printable(of["address"])
        made["src_endpoint"] = {"ip": shown} if ip(of["address"]) else {"name": shown}
    if item.sort is Sort.LOGIN:
        when = _milliseconds(of["time"])
        made |= {"user": {"name": printable(of["user"])}, "status_id": UNKNOWN if item.doubtful else SUCCESS}
        made["status_detail"] = ", ".join(filter(None, (of.get("state"), printable(of["method"] or ""))))
        return made | ({} if when is None else {"time": when})
    user = printable(of["users"][0]) if len(of["users"]) == 1 else "*"
    ends = {"start_time": _milliseconds(of["first"]), "end_time": _milliseconds(of["last"])}
    return made | {
        "user": {"name": user},
        "status_id": FAILURE,
        "count": of["attempts"],
        **ends,
    }


def _milliseconds(text: object) -> int | None:
    """A time of the document as OCSF has it; None if it is none."""
    time = moment(text)
    return None if time is None else (time - EPOCH) // timedelta(milliseconds=1)
