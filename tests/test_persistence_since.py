"""Findings of persistence, joined with what a comparison with a baseline says of the same paths."""

from datetime import UTC, datetime

from auditkit.audits.persistence import files, since
from auditkit.audits.persistence.table import ENTRIES
from auditkit.commands.auditing import LEFT_BEHIND
from auditkit.model import BaselineFacts, Change, ChangeKind, Explanation, Finding, HostReport, Level, Quote, Severity

BASE = BaselineFacts("/x", datetime(2026, 11, 20, tzinfo=UTC), 3, None, 9, "linux")
CRON = next(entry for entry in ENTRIES if entry.id == "cron").rule
assert CRON


def change(path: str, kind: ChangeKind = ChangeKind.ADDED, by: Explanation | None = None) -> Change:
    return Change(path, kind, None, None, ("digest",), Severity.HIGH, Level.CONTENT, "content-changed", explanation=by)


def said(findings: tuple[Finding, ...], *changes: Change, base: BaselineFacts | None = BASE) -> list[str]:
    report = HostReport("a", base, changes=changes)
    told = since.joined(findings, report, LEFT_BEHIND)
    return [f"{one.severity.word} {one.rule.id} {one.subject}: {one.message}" for one in told]


FOUND = (
    Finding(
        CRON, "cron jobs", "2 are of no package", Severity.LOW, (Quote("/etc/cron.d/a", 1, "x"), Quote("/etc/cron.d/b", 1, "y"))
    ),
    Finding(files.SUSPICIOUS, "/etc/rc.local", "it runs a shell", Severity.HIGH),
)


def test_what_is_new_or_changed_is_said_so_and_is_one_step_more_severe() -> None:
    assert said(FOUND, change("/etc/cron.d/b"), change("/etc/rc.local", ChangeKind.CHANGED)) == [
        "medium unpackaged-cron cron jobs: 2 are of no package; new since the baseline of 2026-11-20",
        "high startup-suspicious /etc/rc.local: it runs a shell; changed since the baseline of 2026-11-20",
    ]


def test_changes_that_no_finding_names_are_one_for_each_kind_of_thing() -> None:
    paths = ("/etc/cron.d/c", "/etc/cron.d/d", "/root/.bashrc", "/etc/sudoers.d/x", "/etc/hostname")
    new, rule = "since the baseline of 2026-11-20", "low persistence-changed"
    assert said((), *map(change, paths), change("/etc/crontab", ChangeKind.CHANGED)) == [
        f"{rule} cron jobs: 2 new, 1 changed {new}: /etc/cron.d/c, /etc/cron.d/d, /etc/crontab",
        f"{rule} files that shells read: new {new}: /root/.bashrc",
    ]


def test_what_a_package_accounts_for_is_left_alone_and_so_is_a_host_without_a_baseline() -> None:
    alone = ["low unpackaged-cron cron jobs: 2 are of no package", "high startup-suspicious /etc/rc.local: it runs a shell"]
    assert said(FOUND, change("/etc/cron.d/b", by=Explanation("package", "x", "signed"))) == alone
    assert said(FOUND, change("/etc/cron.d/b"), base=None) == alone
    assert said(FOUND) == alone
