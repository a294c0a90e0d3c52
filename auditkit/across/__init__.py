"""The hosts of a run taken together: who can log in where, with a password or a key, and how far an intruder gets.

Pure: the documents of all hosts in; out comes what the report tells of all of them, and findings that only all of them show.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from auditkit.across import shared, versions
from auditkit.across.fall import ROOT, Fall, Map, Node, Step, chart, falls
from auditkit.across.matrix import Row, matrix
from auditkit.across.passwords import Passwords, is_about, passwords
from auditkit.across.reading import SOUND, Document, Host, Part, hosts
from auditkit.across.shared import Shared
from auditkit.model import Finding
from auditkit.printable import printable, said

__all__ = ["RULES", "View", "versions", "view"]

RULES = (*shared.RULES, *versions.RULES)

MOST_ROWS, MOST_OPENS = 30_000, 1_000
"""Keys, and accounts of one key, that are told."""
MOST_ACCOUNTS = 20
"""Accounts of one machine that are told to fall, where its root does not."""
MOST_PATH = 50
"""Steps of one way that are told."""


@dataclass(frozen=True, slots=True)
class View:
    """What all hosts show together."""

    document: dict[str, Any]
    """`access` of the report."""
    findings: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    """By the word that named the host."""


def view(told: Mapping[str, Document], known: Mapping[str, str]) -> View | None:
    """What the hosts of a run show together, from their documents by the words that named them; None where none has any SSH.

    `known`: whose key a fingerprint is.
    """
    seen = hosts(told, known)
    if not any(host.asked for host in seen):
        return None
    rows, alike = matrix(seen), shared.host_keys(seen)
    drawn = chart(seen, rows)
    document: dict[str, Any] = {
        "passwords": _passwords(passwords(seen)),
        "keys": [_row(row) for row in rows[:MOST_ROWS]],
        "host_keys": [_shared(one) for one in alike],
        "reach": sorted((_fall(fall, drawn) for fall in falls(drawn)), key=_how_far),
        "unseen": list(_unseen(seen)),
        "left_out": _left_out(seen, rows),
    }
    return View(document, shared.findings(seen, alike, rows))


def _passwords(told: Passwords) -> dict[str, Any]:
    return {
        "sentence": told.sentence,
        "asked": told.asked,
        "checked": list(told.checked),
        "open": list(told.open),
        "unchecked": [{"host": name, "why": list(why)} for name, why in told.unchecked],
        "doors": [
            {"host": name, "account": door.account, "from": door.origin, "method": door.method, "set_by": door.set_by}
            for name, door in told.doors
        ],
        "unknown": [{"host": name, "account": one.account, "from": one.origin, "why": one.why} for name, one in told.unsure],
    }


def _row(row: Row) -> dict[str, Any]:
    first = row.opens[0].key
    return {
        "fingerprint": row.fingerprint,
        "type": first.type,
        "bits": first.bits,
        "known": row.known,
        "comments": list(row.comments),
        "root_on": len(row.roots),
        "opens": [
            {
                "host": one.host.name, "account": one.key.account, "root": one.key.root, "effective": one.key.effective,
                "reason": one.key.reason, "from": one.key.origin if one.key.origin is not None or not one.key.limited else "?",
                "command": one.key.command, "everywhere": one.key.everywhere, "authority": one.key.authority,
                "file": one.key.file, "line": one.key.line,
            }
            for one in row.opens[:MOST_OPENS]
        ],
        "private_on": [
            {"host": host.name, "accounts": list(private.accounts), "file": private.file, "encrypted": private.encrypted}
            for host, private in row.lies[:MOST_OPENS]
        ],
    }  # fmt: skip


def _shared(one: Shared) -> dict[str, Any]:
    return {"fingerprint": one.fingerprint, "type": one.type, "hosts": [host.name for host, _key in one.hosts]}


# --- what falls


def _fall(fall: Fall, drawn: Map) -> dict[str, Any]:
    """What falls with a machine: of each other one root, else its accounts, first what is certain."""
    by_machine = dict[tuple[bool, int], list[Node]]()
    for node in fall.reached:
        if node[0] != fall.start:
            by_machine.setdefault((node not in fall.sure, node[0]), []).append(node)
    taken = [
        _taken(fall, drawn, machine, nodes, sure=not maybe)
        for (maybe, machine), nodes in by_machine.items()
        if not maybe or (machine, ROOT) in nodes or (False, machine) not in by_machine
    ]
    taken.sort(key=lambda one: (not one["sure"], not one["root"], len(one["steps"])))
    return {"from": drawn.names[fall.start].name, "hosts": taken, "complete": not fall.cut}


def _taken(fall: Fall, drawn: Map, machine: int, nodes: Sequence[Node], *, sure: bool) -> dict[str, Any]:
    best = (machine, ROOT) if (machine, ROOT) in nodes else nodes[0]
    accounts = [account for _machine, account in nodes if account is not ROOT]
    return {
        "host": drawn.names[machine].name,
        "root": best[1] is ROOT,
        "accounts": [] if best[1] is ROOT else accounts[:MOST_ACCOUNTS],
        "sure": sure,
        "steps": [_step(step) for step in fall.path(best)[:MOST_PATH]],
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "fingerprint": step.key.fingerprint,
        "known": step.key.known,
        "on": step.holder.name,
        "of": list(step.private.accounts),
        "file": step.private.file,
        "encrypted": step.private.encrypted,
        "to": step.host.name,
        "account": step.key.account,
        "root": step.key.root,
        "doubts": list(step.doubts),
    }


def _how_far(told: Mapping[str, Any]) -> tuple[int, int, int]:
    """The worst first: by the machines of which root is certain to fall, then by those of which anything is, then may."""
    sure = [one for one in told["hosts"] if one["sure"]]
    return -sum(one["root"] for one in sure), -len(sure), -len(told["hosts"])


# --- what is not known


def _unseen(seen: Sequence[Host]) -> Iterator[dict[str, Any]]:
    """Yield of which hosts the keys are not all known, and why."""
    for host in seen:
        parts: dict[str, Part[Any]] = {"keys": host.keys, "private_keys": host.privates, "host_keys": host.host_keys}
        for what, part in parts.items():
            if why := next(_why(host, what, part), None):
                yield {"host": host.name, "what": what, "why": why}


def _why(host: Host, what: str, part: Part[Any]) -> Iterator[str]:
    if host.state not in SOUND:
        yield printable(host.state) or "it is not known what became of asking it"
    if not part.whole:
        yield f"{part.left} more than are taken together" if part.left else "not known"
    if what == "private_keys":
        dumb = sum(private.fingerprint is None for private in host.privates.items)
        if dumb:
            yield f"what {dumb} of them open{'s' * (dumb == 1)} cannot be told"
    if what != "host_keys":
        for subject, reason in host.gaps:
            if subject in ("keys", host.own) or "/.ssh" in subject or "authorized_keys" in subject or is_about(subject):
                yield f"{printable(subject)}: {said(reason)}"


def _left_out(seen: Sequence[Host], rows: Sequence[Row]) -> dict[str, int]:
    return {
        "doors": sum(host.doors.left for host in seen),
        "lines": sum(host.keys.left for host in seen) + sum(max(0, len(row.opens) - MOST_OPENS) for row in rows),
        "keys": max(0, len(rows) - MOST_ROWS),
        "private_keys": sum(host.privates.left for host in seen),
        "host_keys": sum(host.host_keys.left for host in seen),
    }
