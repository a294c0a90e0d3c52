"""Protections: what should watch this machine is there, runs and is fresh, and nothing of another age is open beside it.

One file per group of rules, one line here; each has NEEDS, RULES, `judge(machine)` and perhaps `watchers(machine)` for the
table of what watches, and `follow(machine)` with THEN, the kinds of needs that it comes to. What was taken of the host is put
together once, by machine.py.
"""

from collections.abc import Iterator, Mapping

from auditkit.audits.protections import (
    backups,
    brakes,
    clocks,
    confinement,
    firewalls,
    integrity,
    machine,
    overview,
    records,
    running,
    services,
    shares,
    signatures,
)
from auditkit.audits.protections.tools import KINDS
from auditkit.audits.protections.watcher import Watcher
from auditkit.model import Audit, Evidence, Finding, Gap, Need

GROUPS = (
    brakes,
    firewalls,
    records,
    clocks,
    signatures,
    integrity,
    backups,
    confinement,
    running,
    services,
    shares,
)  # fmt: skip


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what every group says, what of it all made no sense, and at last what nobody watches."""
    told = machine.machine(evidence)
    for group in GROUPS:
        yield from group.judge(told)
    yield from overview.judge(_watchers(told)) if told.is_system else ()
    yield from dict.fromkeys(told.gaps)


def facts(evidence: Evidence) -> Mapping[str, object]:
    """`facts.protections` of the report: one row for all that may watch and is there, one for each kind that nobody watches."""
    told = machine.machine(evidence)
    return {"protections": [row.told for row in overview.table(_watchers(told))]} if told.is_system else {}


def follow(evidence: Evidence) -> tuple[Need, ...]:
    """What the groups want in a second round."""
    told = machine.machine(evidence)
    wanted = (need for group in GROUPS if hasattr(group, "follow") for need in group.follow(told))
    return tuple(dict.fromkeys((*machine.more(told), *wanted)))


def _watchers(told: machine.Machine) -> tuple[Watcher, ...]:
    rows = (row for group in GROUPS if hasattr(group, "watchers") for row in group.watchers(told))
    return tuple(sorted(rows, key=lambda row: KINDS.index(row.kind)))


AUDIT = Audit(
    "protections",
    "what watches this machine: it is there, it runs, it is fresh",
    tuple(dict.fromkeys(need for group in (machine, *GROUPS) for need in group.NEEDS)),
    tuple(rule for group in (*GROUPS, overview) for rule in group.RULES),
    judge,
    facts,
    follow,
    (machine.COMM, *(need for group in GROUPS if hasattr(group, "THEN") for need in group.THEN)),
)
