"""Risks that auditkit.yaml accepts: what speaks against a host no more, what is said of it, and what is never accepted."""

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import SCHEMA, SOURCE, Cli

from auditkit import inexcusable, report
from auditkit.commands import excepting, options
from auditkit.commands.rules import all_rules
from auditkit.model import Change, ChangeKind, Entry, Finding, Gap, HostReport, Kind, Level, Rule, Severity, State
from auditkit.report import document
from auditkit.report.accepted import Risk, applied

TODAY = date(2026, 11, 30)
RULE = Rule("uid-zero-twin", "t", Severity.HIGH, "w", "r")
CHANGED = Rule("content-changed", "t", Severity.MEDIUM, "w", "r")
OWN = Risk("uid-zero-twin", "two admins", date(2027, 3, 1), subject="toor", most=Severity.HIGH)
FILE = Risk("content-changed", "its installer", date(2026, 12, 24), "/srv/*.conf")
LATER = date(2026, 12, 25)


def change(path: str, severity: Severity = Severity.MEDIUM) -> Change:
    entry = Entry(path, Kind.FILE, 0o644)
    return Change(path, ChangeKind.CHANGED, entry, entry, ("digest",), severity, Level.CONTENT, CHANGED.id)


def host(*more: Finding, state: State = State.OK) -> dict[str, Any]:
    """A host with one finding, and two files that changed."""
    paths = ("/srv/a.conf", "/srv/b.txt")
    findings = (
        Finding(RULE, "toor", "uid 0", Severity.HIGH),
        *(Finding(CHANGED, path, "changed", Severity.MEDIUM) for path in paths),
    )
    counts = {"entries": 9, "changes": 2, "explained": 0, "changed": 2}
    told = HostReport("srv", counts=counts, changes=tuple(map(change, paths)), findings=(*findings, *more), state=state)
    return document.of_host(told)


def against(told: dict[str, Any]) -> list[str]:
    """What speaks against a host."""
    return [one.get("path") or one["subject"] for one in document.judged(told)]


def test_an_accepted_finding_speaks_against_a_host_no_more_and_is_told() -> None:
    told = applied(host(), [OWN], TODAY)
    assert against(told) == ["/srv/a.conf", "/srv/b.txt"]
    (accepted,) = told["accepted"]
    assert (accepted["subject"], accepted["reason"], accepted["until"]) == ("toor", "two admins", "2027-03-01")


def test_an_accepted_change_is_explained_by_nobody_s_proof_and_stands_with_what_is_accepted() -> None:
    told = applied(host(), [FILE], TODAY)
    assert against(told) == ["/srv/b.txt", "toor"]
    assert told["explained"] == [
        {"by": "exception", "proof": "none", "changes": 1, "causes": 1, "texts": ["its installer, until 2026-12-24"]}
    ]
    assert told["counts"] == {"entries": 9, "changes": 1, "explained": 1, "changed": 1}
    assert [(one["rule"], one["subject"], one["until"]) for one in told["accepted"]] == [
        ("content-changed", "/srv/a.conf", "2026-12-24")
    ]
    all_of_it = replace(FILE, path="/srv")
    assert (told["status"], applied(host(), [OWN, all_of_it], TODAY)["status"]) == ("findings", "clean")


@pytest.mark.parametrize(
    "risk",
    [
        Risk("content-changed", "a change of a file, and no path", TODAY),
        Risk("content-changed", "a change of a file, by its name alone", TODAY, subject="/srv/a.conf"),
        Risk("content-changed", "another path", TODAY, "/etc"),
        Risk("path-added", "another rule", TODAY, "/srv"),
        replace(OWN, path="/srv", subject=""),
        replace(OWN, subject="tooor"),
    ],
)
def test_what_it_does_not_name_is_left(risk: Risk) -> None:
    assert against(applied(host(), [risk], TODAY)) == ["/srv/a.conf", "/srv/b.txt", "toor"]


def test_what_is_high_is_accepted_by_its_name_only_so_that_the_next_one_is_seen() -> None:
    wide = replace(OWN, subject="")
    told = applied(host(), [wide], TODAY)
    assert "toor" in against(told)
    assert told["notes"] == [
        "the exception for uid-zero-twin accepts nothing that is high: of that it has to say what, with `subject:` or `path:`"
    ]


def test_what_has_become_worse_than_what_was_accepted_is_not_accepted() -> None:
    worse = Finding(RULE, "toor", "uid 0, and its password is known", Severity.CRITICAL)
    known = document.of_host(HostReport("srv", findings=(worse,)))
    told = applied(known, [OWN], TODAY)
    assert against(told) == ["toor"]
    (note,) = told["notes"]
    assert note.startswith(
        "the exception for uid-zero-twin on toor accepts up to high, and there is worse: `severity: critical`"
    )
    assert against(applied(known, [replace(OWN, most=Severity.CRITICAL)], TODAY)) == []


def test_one_that_has_ended_is_a_finding_with_reason_end_and_what_it_accepted() -> None:
    told = applied(host(), [OWN, FILE, Risk("path-added", "nothing there", date(2026, 1, 1))], LATER)
    assert against(told) == ["/srv/a.conf", "/srv/b.txt", "content-changed on /srv/*.conf"]
    (finding,) = [one for one in told["findings"] if one["rule"] == "exception-expired"]
    assert finding["severity"] == "medium"
    assert finding["message"] == (
        "the exception for content-changed on /srv/*.conf ended on 2026-12-24 (its installer);"
        " what it accepted is again a medium finding"
    )


def test_one_that_has_ended_and_was_renewed_says_nothing() -> None:
    renewed = replace(FILE, until=date(2027, 6, 1))
    assert [one["rule"] for one in applied(host(), [FILE, renewed], LATER)["findings"]] == ["uid-zero-twin", "content-changed"]


@pytest.mark.parametrize(("days", "when"), [(14, "in 14 days"), (1, "in 1 day"), (0, "today"), (15, None)])
def test_one_that_ends_soon_says_so_before(days: int, when: str | None) -> None:
    told = applied(host(), [OWN], OWN.until - timedelta(days=days))
    found = [(one["severity"], one["message"]) for one in told["findings"] if one["rule"] == "exception-ending"]
    said = ("low", f"the exception for uid-zero-twin on toor ends {when}, on 2027-03-01: two admins")
    assert found == ([said] if when else [])


@pytest.mark.parametrize("state", [State.LIED, State.UNTRUSTED])
def test_of_a_host_that_is_not_believed_nothing_is_accepted(state: State) -> None:
    lied = document.of_host(HostReport("srv", findings=(Finding(RULE, "toor", "uid 0", Severity.HIGH),), state=state))
    assert applied({**lied, "state": str(state)}, [OWN, FILE], TODAY)["findings"] == lied["findings"]


def test_no_exception_takes_a_gap_away() -> None:
    gap = document.of_host(HostReport("srv", counts={"entries": 1}, gaps=(Gap("/srv/a.conf", "permission denied"),)))
    every = [Risk(name, "x", TODAY, path) for name in ("gap", "untrusted", "logins-verdict") for path in ("", "/srv")]
    assert applied(gap, every, TODAY)["gaps"] == gap["gaps"]
    assert applied(gap, every, TODAY)["status"] == "incomplete"


@pytest.mark.parametrize("name", [rule for rules in inexcusable.WHY.values() for rule in rules])
def test_some_rules_are_never_accepted(name: str) -> None:
    rule = next(rule for rule in all_rules() if rule.id == name)
    known = document.of_host(HostReport("srv", findings=(Finding(rule, "/srv/x", "so", rule.severity),)))
    risks = [Risk(name, "x", TODAY, path, most=Severity.CRITICAL) for path in ("", "/srv")]
    assert against(applied(known, risks, TODAY)) == ["/srv/x"]


FORMS = {
    "text": "accepted until 2027-03-01: toor: uid 0  high  uid-zero-twin (two admins)",
    "json": '"reason": "two admins", "until": "2027-03-01"',
    "html": "until 2027-03-01: toor: uid 0: two admins",
    "markdown": "toor: uid 0: accepted until 2027-03-01: two admins",
    "csv": '"accepted until 2027-03-01: two admins"',
    "sarif": '"status": "accepted", "justification": "accepted until 2027-03-01: two admins"}]',
    "junit": 'skipped message="accepted until 2027-03-01: two admins: toor: uid 0"',
    "prometheus": 'auditkit_accepted{host="srv"} 2',
    "ecs": '"reason":"accepted until 2027-03-01: two admins"',
    "ocsf": '"comment":"accepted until 2027-03-01: two admins"',
}
"""What each format says of an accepted finding."""


@pytest.mark.parametrize("form", sorted({*FORMS, *report.FORMATS}))
def test_every_format_shows_what_is_accepted_and_is_loud_about_what_has_ended(form: str) -> None:
    wanted, run = FORMS[form], {"command": "check", "tool": "auditkit 1", "started": "2026-12-25T01:00:00Z", "next": []}
    ended = Risk("content-changed", "its script", date(2026, 12, 1), "/srv/*.txt")
    told = applied(host(), [OWN, replace(FILE, until=LATER), ended], LATER)
    document_ = {
        "schema": document.SCHEMA, **run, "finished": "2026-12-25T01:00:09Z", "status": told["status"], "hosts": [told],
    }  # fmt: skip
    shown = "".join(report.render(document_, form, report.Options(width=300)))
    assert wanted in re.sub(r"\\(.)", r"\1", shown) if form == "markdown" else wanted in shown
    if form == "prometheus":  # numbers are all that it has
        assert 'auditkit_findings{host="srv",severity="medium"} 1' in shown
    else:
        assert {"toor", "/srv/a.conf"} <= set(re.findall(r"toor|/srv/a\.conf", shown))
        assert "ended on 2026-12-01" in shown.replace("\\", "").replace("&#8209;", "-")
        assert "its script" in shown


OFFICE = """
hosts: {a: {groups: [web]}, b: {groups: [web]}, c: {}}
exceptions:
- {rule: ssh-root-key, host: a, reason: of one, until: %s}
- {rule: uid-shared, host: "@web", reason: of a group, until: %s}
- {rule: reboot-pending, reason: of all, until: %s}
- {rule: key-shared, host: local, reason: of this machine, until: %s}
"""


def office(folder: Path, *found: str, words: str = "abc", names: str = "abc") -> dict[str, dict[str, Any]]:
    """What a scan of hosts comes to that all have the same findings, without what auditkit.yaml accepts."""
    path = folder / "auditkit.yaml"
    path.write_text(OFFICE.replace("%s", f"{datetime.now(UTC).date() + timedelta(days=365)}"))
    by_id = {rule.id: rule for rule in all_rules()}
    findings = tuple(Finding(by_id[name], "x", "so", by_id[name].severity) for name in found)
    hosts = {
        word: document.of_host(HostReport(name, counts={"audits": 8}, findings=findings))
        for word, name in zip(words.split() if " " in words else words, names.split() if " " in names else names, strict=True)
    }
    return excepting.applied(hosts, "scan", options.setting(config_file=str(path)))


def test_an_exception_is_for_a_host_a_group_or_all(tmp_path: Path) -> None:
    told = office(tmp_path, "ssh-root-key", "uid-shared", "reboot-pending", "key-shared")
    assert {word: against(host) and [one["rule"] for one in host["findings"]] for word, host in told.items()} == {
        "a": ["key-shared"],
        "b": ["ssh-root-key", "key-shared"],
        "c": ["ssh-root-key", "uid-shared", "key-shared"],
    }


def test_evidence_of_some_local_is_not_this_machine(tmp_path: Path) -> None:
    told = office(tmp_path, "key-shared", words="local evidence:x.evidence", names="local local")
    assert [against(host) for host in told.values()] == [[], ["x"]]


def test_one_that_is_about_nothing_any_more_is_named_once_and_only_where_all_its_hosts_were_asked(tmp_path: Path) -> None:
    left = "the exception for {} ({}) is about nothing any more: take it out of auditkit.yaml"
    told = office(tmp_path, "reboot-pending")
    notes = [left.format("ssh-root-key", "of one"), left.format("uid-shared", "of a group")]
    assert [host["notes"] for host in told.values()] == [notes, [], []]
    assert [host["notes"] for host in office(tmp_path, words="a", names="a").values()] == [notes[:1]]


def test_a_check_goes_by_them(cli: Cli) -> None:
    cli.baseline()
    (cli.tree / "srv").mkdir()
    (cli.tree / "srv/a.conf").write_text("a")
    year = datetime.now(UTC).date() + timedelta(days=365)
    (cli.home / "auditkit.yaml").write_text(
        "exceptions:\n"
        f"- {{rule: path-added, path: /srv, reason: new share, until: {year}}}\n"
        f"- {{rule: path-aded, reason: slip, until: {year}}}\n"
    )
    words = ("check", cli.host, "--store", str(cli.store), "--config", str(cli.home / "auditkit.yaml"))
    told = cli.run(*words, "--format", "json")
    report_ = json.loads(told.out)
    SCHEMA.validate(report_)
    left = [change["path"] for change in report_["hosts"][0]["changes"] if change["explanation"] is None]
    assert [path for path in left if path.startswith("/srv")] == []
    assert "there is no rule path-aded, so nothing is accepted by it; check the spelling: did you mean path-added?" in told.err
    assert f"accepted until {year}: /srv: added  medium  path-added (new share)" in cli.run(*words).out


def test_the_page_names_every_rule_that_can_have_no_exception() -> None:
    page = Path(SOURCE, "docs/reference/configuration.md").read_text()
    for why, rules in inexcusable.WHY.items():
        assert f"| {why} | {', '.join(f'`{rule}`' for rule in rules)} |" in page
