"""How somebody could come back: what starts by itself, what gives rights, what hides in what runs.

One file per group of rules, one line here; each has NEEDS, RULES, `judge(seen)` and perhaps `follow(seen)`. The ways
themselves are rows of table.py.
"""

from collections.abc import Iterator

from auditkit.audits.persistence import files, kernel, lines, opened, others, privileged, running, since, window
from auditkit.audits.persistence.seen import Seen
from auditkit.model import Audit, Evidence, Finding, Gap, Means, Need

GROUPS = (
    files,
    lines,
    privileged,
    opened,
    running,
    kernel,
    others,
)  # fmt: skip
THEN = (
    Need(Means.FILE, "*", "what starts by itself and no package has brought, and what starts it"),
    Need(Means.LISTING, "*", "whose programs are that start by themselves, and where links lead"),
)


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what every group says."""
    seen = Seen(evidence)
    for group in GROUPS:
        yield from group.judge(seen)


def follow(evidence: Evidence) -> tuple[Need, ...]:
    """What the groups want besides."""
    seen = Seen(evidence)
    wanted = (need for group in GROUPS if hasattr(group, "follow") for need in group.follow(seen))
    return tuple(dict.fromkeys(wanted))


AUDIT = Audit(
    "persistence",
    "how somebody could come back who was in once",
    tuple(dict.fromkeys(need for group in GROUPS for need in group.NEEDS)),
    (*(rule for group in GROUPS for rule in group.RULES), *since.RULES, *window.RULES),
    judge,
    follow=follow,
    then=THEN,
)
