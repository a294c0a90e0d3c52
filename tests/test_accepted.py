"""Risks that auditkit.yaml accepts: what speaks against a host no more, what is said of it, and what is never accepted."""

import json
from datetime import date
from typing import Any

import pytest
from conftest import SCHEMA, Cli

from auditkit.model import Change, ChangeKind, Entry, Finding, HostReport, Kind, Level, Rule, Severity, State
from auditkit.report import document
from auditkit.report.accepted import Risk, applied

TODAY = date(2026, 11, 30)
RULE = Rule("accounts-uid-0", "t", Severity.HIGH, "w", "r")
CHANGED = Rule("content-changed", "t", Severity.MEDIUM, "w", "r")
OWN = Risk("accounts-uid-0", "two admins", date(2027, 3, 1))
FILE = Risk("content-changed", "its installer", TODAY, "/srv/*.conf")


def change(path: str) -> Change:
    entry = Entry(path, Kind.FILE, 0o644)
    return Change(path, ChangeKind.CHANGED, entry, entry, ("digest",), Severity.MEDIUM, Level.CONTENT, CHANGED.id)


def host(*, state: State = State.OK) -> dict[str, Any]:
    """A host with one finding, and two files that changed."""
    paths = ("/srv/a.conf", "/srv/b.txt")
    findings = (
        Finding(RULE, "toor", "uid 0", Severity.HIGH),
        *(Finding(CHANGED, path, "changed", Severity.MEDIUM) for path in paths),
    )
    counts = {"entries": 9, "changes": 2, "explained": 0, "changed": 2}
    return document.of_host(HostReport("srv", counts=counts, changes=tuple(map(change, paths)), findings=findings, state=state))


def test_an_accepted_finding_speaks_against_a_host_no_more_and_is_told() -> None:
    told = applied(host(), [OWN], TODAY)
    assert [one["path"] for one in document.judged(told)] == ["/srv/a.conf", "/srv/b.txt"]
    (accepted,) = told["accepted"]
    assert (accepted["subject"], accepted["reason"], accepted["until"]) == ("toor", "two admins", "2027-03-01")


def test_an_accepted_change_is_explained_by_nobody_s_proof() -> None:
    told = applied(host(), [FILE], TODAY)
    assert [one["path"] for one in told["changes"] if not one["explanation"]] == ["/srv/b.txt"]
    assert told["explained"] == [
        {"by": "exception", "proof": "none", "changes": 1, "causes": 1, "texts": ["its installer, until 2026-11-30"]}
    ]
    assert told["counts"] == {"entries": 9, "changes": 1, "explained": 1, "changed": 1}
    assert (told["status"], applied(told, [OWN, Risk("content-changed", "x", TODAY, "/srv")], TODAY)["status"]) == (
        "findings",
        "clean",
    )


@pytest.mark.parametrize(
    "risk",
    [
        Risk("content-changed", "no path", TODAY),
        Risk("content-changed", "another path", TODAY, "/etc"),
        Risk("path-added", "another rule", TODAY, "/srv"),
        Risk("accounts-uid-0", "a path, and the finding is of an account", TODAY, "/srv"),
    ],
)
def test_what_it_does_not_name_is_left(risk: Risk) -> None:
    told = applied(host(), [risk], TODAY)
    left = [one["path"] for one in told["changes"] if not one["explanation"]]
    assert left == ["/srv/a.conf", "/srv/b.txt"]
    assert "toor" in [one["subject"] for one in told["findings"]]


def test_what_has_ended_accepts_nothing_and_says_so() -> None:
    ended = Risk("accounts-uid-0", "two admins", date(2026, 11, 29))
    told = applied(host(), [ended, Risk("path-added", "nothing there", date(2026, 1, 1))], TODAY)
    assert document.judged(told) == document.judged(host())
    assert told["notes"] == ["the exception for accounts-uid-0 ended on 2026-11-29: two admins"]


def test_of_a_host_that_lied_nothing_is_accepted() -> None:
    lied = host(state=State.LIED)
    assert applied(lied, [OWN, FILE], TODAY) == lied


def test_a_check_goes_by_them(cli: Cli) -> None:
    cli.baseline()
    (cli.tree / "srv").mkdir()
    (cli.tree / "srv/a.conf").write_text("a")
    (cli.home / "auditkit.yaml").write_text(
        "exceptions:\n"
        "- {rule: path-added, path: /srv, reason: new share, until: 2999-01-01}\n"
        "- {rule: path-aded, reason: slip, until: 2999-01-01}\n"
    )
    told = cli.run(
        "check", cli.host, "--store", str(cli.store), "--config", str(cli.home / "auditkit.yaml"), "--format", "json"
    )
    report = json.loads(told.out)
    SCHEMA.validate(report)
    left = [change["path"] for change in report["hosts"][0]["changes"] if change["explanation"] is None]
    assert [path for path in left if path.startswith("/srv")] == []
    assert "there is no rule path-aded, so nothing is accepted by it; check the spelling: did you mean path-added?" in told.err
    text = cli.run("check", cli.host, "--store", str(cli.store), "--config", str(cli.home / "auditkit.yaml")).out
    assert "explained by an exception of auditkit.yaml (not proved; --all shows them)" in text
