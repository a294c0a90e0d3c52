"""Accounts: who is root and by what, which passwords are weak or old, and whose files others may write to.

One file per group of rules, one line here; each has NEEDS, RULES, `judge(evidence)` and perhaps `follow(evidence)`.
"""

from collections.abc import Iterator

from auditkit.access.needs import PASSWD
from auditkit.audits.accounts import (
    backups,
    brakes,
    groups,
    homes,
    passwords,
    shells,
    sudo,
    sudo_files,
    sudo_settings,
    summary,
    table,
)
from auditkit.model import Audit, Evidence, Finding, Gap, Means, Need

GROUPS = (
    table,
    sudo,
    sudo_settings,
    sudo_files,
    groups,
    passwords,
    shells,
    homes,
    brakes,
    backups,
)  # fmt: skip
THEN = (
    Need(Means.FILE, "*", "files that sudoers and doas.conf take in, and /etc/hostname where a rule names hosts"),
    Need(Means.STATUS, "*", "who may write to programs that rules name, to shells and to homes"),
)


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what every group says; without /etc/passwd there is nobody to judge."""
    for group in GROUPS if evidence.of(PASSWD) else GROUPS[:1]:
        yield from group.judge(evidence)


def follow(evidence: Evidence) -> tuple[Need, ...]:
    """What the groups want in a second round."""
    wanted = (need for group in GROUPS if hasattr(group, "follow") for need in group.follow(evidence))
    return tuple(dict.fromkeys(wanted)) if evidence.of(PASSWD) else ()


AUDIT = Audit(
    "accounts",
    "Accounts",
    tuple(dict.fromkeys(need for group in GROUPS for need in group.NEEDS)),
    tuple(rule for group in GROUPS for rule in group.RULES),
    judge,
    summary.facts,
    follow,
    THEN,
)
