"""How old is what is installed: updates that are missed and for how long, support, and what still runs old code.

One file per group of rules, one line here; `seen` puts together what they all read. Age by itself is never a finding: of a
patched server four in five packages are older than a year.
"""

from collections.abc import Iterator, Mapping

from auditkit.audits.packages import automatic, knowledge, pending, running, seen, states, support, told
from auditkit.model import Audit, Evidence, Finding, Gap

GROUPS = (
    pending,
    knowledge,
    states,
    support,
    running,
    automatic,
)  # fmt: skip


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what every group says."""
    host = seen.host(evidence)
    yield from host.gaps
    for group in GROUPS:
        yield from group.judge(host)


def facts(evidence: Evidence) -> Mapping[str, object]:
    """`facts.packages` of the report, and `facts.patching`: how the host as a whole stands."""
    return told.facts(seen.host(evidence))


AUDIT = Audit(
    "packages",
    "how old is what is installed",
    tuple(dict.fromkeys((*seen.NEEDS, *running.NEEDS, *automatic.NEEDS))),
    tuple(rule for group in GROUPS for rule in group.RULES),
    judge,
    facts,
)
