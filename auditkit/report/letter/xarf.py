"""XARF v4, as programs of abuse desks read it: https://xarf.org (specification 4.2.0), category connection, type login_attack.

The required fields and the recommended ones that are known; no `_internal`, and no `confidence`, which would be a guess.
"""

import json
from base64 import b64encode
from hashlib import sha256
from typing import Any

from auditkit.report.letter import Letter
from auditkit.response.complaint import Reporter

VERSION = "4.2.0"
SHOWN = 200
"""Characters of an organisation."""


def missing(one: Letter) -> str:
    """Why there is no such report; empty where there is one."""
    if not one.reporter.contact or not one.reporter.organisation:
        return "it must name who complains: --contact MAIL and --organisation ORG"
    if one.complaint.marked is None:
        return "it must have a source port, and no line of the log has one"
    return ""


def xarf(one: Letter) -> str:
    """The report as JSON.

    Source port and time are those of one line: only together do they find a customer behind a shared address.
    """
    return json.dumps(_report(one), indent=1) + "\n"


def _report(one: Letter) -> dict[str, Any]:
    said, line = one.complaint, one.complaint.marked
    assert line is not None
    who = _contact(one.reporter)
    return {
        "xarf_version": VERSION,
        "report_id": one.id,
        "timestamp": _stamp(line.time),
        "reporter": who,
        "sender": who,
        "source_identifier": said.address,
        "source_port": line.port,
        "category": "connection",
        "type": "login_attack",
        "protocol": "tcp",
        "first_seen": _stamp(said.first),
        "last_seen": _stamp(said.last),
        **({"destination_ip": said.destination.address} if said.destination.address else {}),
        **({"destination_port": said.destination.port} if said.destination.port else {}),
        "evidence_source": "system_logs",
        "evidence": [_evidence(one)],
        "description": f"{one.subject}: {said.attempts} attempts. {said.outcome}".strip(),
    }


def _stamp(time: Any) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S}Z"


def _contact(who: Reporter) -> dict[str, str]:
    return {"org": who.organisation[:SHOWN], "contact": who.contact, "domain": who.domain}


def _evidence(one: Letter) -> dict[str, Any]:
    lines = one.evidence.encode("utf-8")
    return {
        "content_type": "text/plain",
        "description": f"Lines of the log of our machine. {one.complaint.stamps}",
        "payload": b64encode(lines).decode("ascii"),
        "hash": f"sha256:{sha256(lines).hexdigest()}",
        "size": len(lines),
    }
