"""How old is what is installed: updates that are missed and for how long, support, and what still runs old code.

One file per group of rules, one line here; `seen` puts together what they all read. Age by itself is never a finding: of a
patched server four in five packages are older than a year.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from auditkit.advisories import Feed
from auditkit.audits.packages import (
    advised,
    automatic,
    knowledge,
    others,
    pending,
    python,
    running,
    seen,
    states,
    support,
    told,
    unsigned,
)
from auditkit.model import Audit, Evidence, Finding, Gap

GROUPS = (
    pending,
    knowledge,
    states,
    support,
    running,
    automatic,
    unsigned,
)  # fmt: skip


def judge(evidence: Evidence, feeds: tuple[Feed, ...] = ()) -> Iterator[Finding | Gap]:
    """Yield what every group says, and what the advisories of these feeds mean for the host."""
    host = seen.host(evidence)
    yield from host.gaps
    for group in GROUPS:
        yield from group.judge(host)
    yield from others.judge(evidence)
    yield from advised.judge(host, feeds)
    yield from python.judge(evidence, feeds)


def facts(evidence: Evidence, feeds: tuple[Feed, ...] = ()) -> Mapping[str, object]:
    """`facts.packages` of the report, and `facts.patching`: how the host as a whole stands; of feeds `facts.advisories`."""
    host = seen.host(evidence)
    own, more = told.facts(host), others.facts(evidence)
    listed = own.get("packages", [])
    both = {"packages": [*(listed if isinstance(listed, list) else []), *more]} if more else {}
    return {**own, **both, **advised.facts(host, feeds), **python.facts(evidence)}


def advised_by(feeds: tuple[Feed, ...]) -> Audit:
    """The audit that goes by these feeds too."""
    return replace(AUDIT, judge=partial(judge, feeds=feeds), facts=partial(facts, feeds=feeds)) if feeds else AUDIT


AUDIT = Audit(
    "packages",
    "how old is what is installed",
    tuple(dict.fromkeys((*seen.NEEDS, *others.NEEDS, *python.NEEDS, *running.NEEDS, *automatic.NEEDS))),
    tuple(rule for group in (*GROUPS, advised) for rule in group.RULES),
    judge,
    facts,
)
