"""Findings and an incident's window: what was changed or started in it stands first, and says when."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from conftest import Cli
from hypothesis import given
from hypothesis import strategies as st
from installed import Disk

from auditkit import answers
from auditkit.answers import Listening, Process
from auditkit.audits.accounts import AUDIT as ACCOUNTS
from auditkit.audits.listeners.since import NEW
from auditkit.audits.persistence import files, window
from auditkit.audits.persistence.table import ENTRIES
from auditkit.audits.persistence.window import Window
from auditkit.commands.auditing import RAISED
from auditkit.model import Evidence, Finding, Gap, Item, Means, Need, Quote, Severity

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
(CRON,) = (entry.rule for entry in ENTRIES if entry.id == "cron" and entry.rule)
MINUTE = 60 * 10**9


def at(clock: str) -> int:
    """`03:10` of that day, or a whole date, in nanoseconds."""
    return int(datetime.fromisoformat(clock if "-" in clock else f"2026-11-24 {clock}").replace(tzinfo=UTC).timestamp()) * 10**9


OURS = ", 1 of packages, which an update changes as well"
WINDOW = Window(at("03:00"), at("05:00"))


def node(path: str, ctime: str, mtime: str = "", birth: str = "", packages: tuple[str, ...] | None = ()) -> Item:
    """What lies at a path."""
    told = {"mode": 0o100644, "uid": 0, "gid": 0, "size": 1, "links": 1, "mtime": at(mtime or ctime), "ctime": at(ctime)}
    more = {"target": None, "capabilities": None, "packages": packages, "birth": at(birth) if birth else None}
    return Item(Need(Means.LISTING, path), path, json.dumps({**told, **more}).encode(), NOON, "")


def found(subject: str, *quotes: str) -> Finding:
    return Finding(CRON, subject, "it is odd", Severity.LOW, tuple(Quote(source, 1, "x") for source in quotes))


def said(findings: tuple[Finding, ...], *items: Item) -> list[str]:
    told = window.marked(findings, Evidence("a", NOON, items), WINDOW, RAISED)
    return [
        f"gap {one.reason}" if isinstance(one, Gap) else f"{one.severity.word} {one.subject}: {one.message}" for one in told
    ]


def test_what_came_in_the_window_stands_first_and_of_it_what_is_nobodys() -> None:
    findings = (found("/etc/cron.d/old"), found("/etc/crontab"), found("/etc/cron.d/new"))
    items = (
        node("/etc/cron.d/old", "02:59"),
        node("/etc/crontab", "04:00", packages=("cron",)),
        node("/etc/cron.d/new", "06:00", birth="03:00"),
    )
    assert said(findings, *items) == [
        "medium /etc/cron.d/new: it is odd; in the window: born 2026-11-24 03:00",
        "medium /etc/crontab: it is odd; in the window: changed 2026-11-24 04:00",
        "low /etc/cron.d/old: it is odd",
    ]


def test_a_time_of_writing_from_long_before_is_said_as_what_it_is() -> None:
    assert said((found("/etc/cron.d/x"),), node("/etc/cron.d/x", "03:12", mtime="2019-01-02 08:00")) == [
        "medium /etc/cron.d/x: it is odd; in the window: changed 2026-11-24 03:12, written 2019-01-02 08:00 by what it says"
    ]


def test_of_several_things_in_one_finding_those_are_named_that_came_then() -> None:
    items = tuple(node(f"/etc/cron.d/{name}", "04:00" if name != "a" else "02:00") for name in "abcdef")
    (line,) = said((found("cron jobs", *(f"/etc/cron.d/{name}" for name in "abcdef")),), *items)
    assert line == (
        "medium cron jobs: it is odd; in the window: /etc/cron.d/b changed 2026-11-24 04:00;"
        " /etc/cron.d/c changed 2026-11-24 04:00; /etc/cron.d/d changed 2026-11-24 04:00 and 2 more"
    )


def test_a_process_that_started_then_and_a_port_that_it_opened() -> None:
    listening = Process(7, 1, 0, at("03:30") / 10**9, "/tmp/x", (), "", (Listening("tcp", "0.0.0.0", 99),))
    item = Item(Need(Means.LISTENERS, "all"), "/proc/7", answers.written(listening), NOON, "")
    port = Finding(NEW, "x on tcp port 99", "it listens", Severity.MEDIUM, (Quote("tcp 0.0.0.0:99", 0, "x"),))
    runs = Finding(files.SUSPICIOUS, "/tmp/x", "it runs", Severity.HIGH, (Quote("/proc/7/cmdline", 1, "x"),))
    told = list(window.marked((port, runs), Evidence("a", NOON, (item,)), WINDOW, RAISED))
    assert [(one.severity.word, one.window) for one in told if isinstance(one, Finding)] == [("high", True), ("high", True)]
    assert all("started 2026-11-24 03:30" in one.message for one in told if isinstance(one, Finding))


def test_what_other_audits_find_is_marked_and_no_more_severe() -> None:
    sudoers = Finding(ACCOUNTS.rules[0], "root", "twins", Severity.LOW, (Quote("/etc/passwd", 3, "x"),))
    assert said((sudoers,), node("/etc/passwd", "04:00", packages=None))[0] == (
        "low root: twins; in the window: /etc/passwd changed 2026-11-24 04:00"
    )


def test_what_no_finding_names_is_one_for_each_kind_of_thing() -> None:
    items = (
        node("/etc/cron.d/a", "04:00"),
        node("/etc/cron.d/b", "04:00", packages=("b",)),
        node("/etc/systemd/system/x.service", "04:00", packages=("x",)),
        node("/etc/unrelated", "04:00"),
        node("/etc/cron.d/old", "01:00"),
    )
    assert said((), *items) == [
        f"low cron jobs: /etc/cron.d/a, /etc/cron.d/b were changed in the window{OURS}",
        f"info units of systemd: /etc/systemd/system/x.service was changed in the window{OURS}",
    ]


def test_what_findings_name_is_looked_at_and_what_could_not_be_is_a_gap() -> None:
    findings = (found("cron jobs", "/etc/cron.d/a", "/etc/cron.d/b", "/proc/7/cmdline", "tcp 0.0.0.0:80", "/etc/x*"),)
    evidence = Evidence("a", NOON, (node("/etc/cron.d/a", "04:00"),))
    need, *others = window.asked(findings, evidence)
    assert (need.means, need.what) == (Means.LISTING, "/etc/cron.d/b")
    assert "/var/lib/dpkg/info/*.postinst" in {each.what for each in others}
    told = list(window.marked(findings, replace(evidence, unasked=(need,)), WINDOW, RAISED))
    assert told[1:] == [Gap("window", "whether these were changed in it is not known: /etc/cron.d/b")]


@given(
    st.binary(max_size=100), st.sampled_from([Means.LISTING, Means.UNOWNED, Means.PRIVILEGED, Means.PROCESSES, Means.LISTENERS])
)
def test_any_evidence_is_held_against_a_window(data: bytes, means: Means) -> None:
    item = Item(Need(means, "/x"), "/x", data, NOON, "")
    assert len(list(window.marked((found("/x"),), Evidence("a", NOON, (item,)), WINDOW, RAISED))) == 1


def test_a_disk_is_asked_since_when_its_things_are_there(cli: Cli, tmp_path: Path) -> None:
    Disk(tmp_path / "disk").put("/etc/cron.d/agent", "* * * * * root /usr/local/bin/agent\n")
    os.utime(tmp_path / "disk/etc/cron.d/agent", (10**9, 10**9))
    ago, soon = (f"{datetime.now(UTC) + timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}" for hours in (-1, 1))
    words = ("audit", f"root:{tmp_path}/disk", "--only", "persistence", "--format", "json")
    told = json.loads(cli.run(*words, "--since", ago).out)["hosts"][0]["findings"]
    first = told[0]
    assert (first["rule"], first["severity"], first["window"]) == ("unpackaged-cron", "medium", True)
    assert "written 2001-09-09 01:46 by what it says" in first["message"]
    before = json.loads(cli.run(*words, "--since", soon).out)["hosts"][0]["findings"]
    assert not any("window" in one for one in before)


def test_a_window_that_ends_before_it_begins_is_refused(cli: Cli) -> None:
    for words in (("--until", "2026-11-24"), ("--since", "2026-11-24", "--until", "2026-11-23")):
        assert cli.run("audit", "root:/", *words).code == 2
