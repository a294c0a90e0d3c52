"""What watches this machine and what does not, at a glance: the table of the report, and one remark."""

from collections.abc import Iterator, Sequence

from auditkit.audits.protections.tools import BACKUP, INTEGRITY, INTRUSION, KINDS, MALWARE, OFF_HOST
from auditkit.audits.protections.watcher import Watcher
from auditkit.model import Finding, Rule, Severity

UNWATCHED = Rule(
    "nothing-watches",
    "Some of what could watch this machine is not there",
    Severity.INFO,
    "Whether a server needs a malware scanner, intrusion detection or a backup of its own is for its owner to decide, and he"
    " should know what is there and what is not. This only lists it: nothing is wrong with a server that has none of them,"
    " as long as its backups are made and its logs are kept elsewhere.",
    "Decide for each: apt-get install aide (files), clamav-daemon clamav-freshclam (malware, mostly for file and mail servers),"
    " rsyslog with `*.* @@loghost:514` (logs off the host), and a backup. auditkit check watches files as well.",
    ("CIS Controls 8, 10, 11",),
)
RULES = (UNWATCHED,)
WANTED = (OFF_HOST, MALWARE, INTRUSION, INTEGRITY, BACKUP)
"""Kinds whose absence is worth a remark; of the others their own groups speak."""


def table(rows: Sequence[Watcher]) -> tuple[Watcher, ...]:
    """What is there or may be, and one row for each kind of which nothing is."""
    there = [row for row in rows if row.installed is not False]
    kinds = {row.kind for row in there}
    none = [Watcher(kind, "none", installed=False) for kind in KINDS if kind not in kinds]
    return tuple(sorted((*there, *none), key=lambda row: KINDS.index(row.kind)))


def judge(rows: Sequence[Watcher]) -> Iterator[Finding]:
    """Yield one remark on all kinds of which nothing is there."""
    there = [row for row in rows if row.installed]
    lacking = [kind for kind in WANTED if all(row.kind != kind for row in rows if row.installed is not False)]
    if lacking:
        names = ", ".join(dict.fromkeys(row.name for row in there if row.works))
        message = f"no {', no '.join(lacking)}; what watches: {names or 'nothing'}"
        yield Finding(UNWATCHED, "protections", message, UNWATCHED.severity)
