"""What became of what earlier runs told, in each format: new, still there, gone, not known; and what no word in it can do."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from conftest import SCHEMA
from documents import NASTY, change, finding, host, made
from reported import rendered

from auditkit import report
from auditkit.report.document import Document
from auditkit.report.lasting import held

OASIS = jsonschema.Draft4Validator(
    json.loads((Path(__file__).parent / "sarif" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
)
DAY = "2026-11-02T01:00:00Z"


def gone(subject: str = "account toor", **more: Any) -> dict[str, Any]:
    told = {
        "sort": "finding",
        "rule": "uid-zero-twin",
        "severity": "critical",
        "subject": subject,
        "message": f"{subject} has uid 0",
    }
    return {**told, "first_seen": DAY, "last_seen": "2026-11-28T01:00:00Z", "how": "fixed", **more}


def later(*, run: str | None = "20261129T010000Z-0a1b2c", word: str = "account toor") -> Document:
    """A run with a finding that is new, one that is worse, a file that changed again, and one thing that is gone."""
    finished = run and "2026-11-29T01:10:00Z"
    since = {
        "run": run, "finished": finished, "new": 3, "still": 1, "new_gaps": 0, "fixed": [gone(word)],
        "unknown": [gone("account db", severity="high", how="")], "beyond": 0,
    }  # fmt: skip
    told = made(
        host(
            findings=[
                finding("new-rule", "low", first_seen="2026-11-30T01:00:00Z", news="new", subject=f"a {word}"),
                finding("worse-rule", first_seen=DAY, news="worse"),
                finding("old-rule", first_seen=DAY),
            ],
            changes=[change("/etc/x", first_seen=DAY, news="changed")],
            since=since,
        )
    )
    SCHEMA.validate(json.loads(json.dumps(told)))
    return told


def test_the_text_marks_what_is_news_and_says_in_a_line_what_became_of_the_rest() -> None:
    lines = rendered(later(), "text").splitlines()
    assert [line.rpartition("  ")[2] for line in lines if line.startswith(("  ! ", "  + "))] == [
        "CHANGED AGAIN", "NEW", "old-rule", "WORSE",
    ]  # fmt: skip
    assert "  fixed: account toor has uid 0 (uid-zero-twin, critical), told since 2026-11-02" in lines
    assert held(later()["hosts"][0]) == (
        "since the run of 2026-11-29 01:10Z: 3 new (1 worse than it was, 1 not what it was), 1 still there"
        " (the oldest since 2026-11-02), 1 fixed, 1 more that this run could not look for (high at worst)"
    )


def test_a_first_run_says_nothing_of_before() -> None:
    told = later(run=None)
    told["hosts"][0]["since"] |= {"fixed": [], "unknown": []}
    assert held(told["hosts"][0]) == ""
    assert "auditkit_new_findings" not in rendered(told, "prometheus")
    assert "baselineState" not in rendered(told, "sarif")


def test_sarif_has_the_state_of_each_result_and_the_absent_ones_by_their_ids() -> None:
    log = json.loads(rendered(later(), "sarif"))
    OASIS.validate(log)
    results = log["runs"][0]["results"]
    assert {one["ruleId"]: one["baselineState"] for one in results} == {
        "new-rule": "new", "worse-rule": "updated", "old-rule": "unchanged", "path-added": "updated", "uid-zero-twin": "absent",
    }  # fmt: skip
    before = json.loads(rendered(made(host(findings=[finding("uid-zero-twin", subject="account toor")])), "sarif"))
    (absent,) = (one for one in results if one["baselineState"] == "absent")
    assert absent["partialFingerprints"] == before["runs"][0]["results"][0]["partialFingerprints"]
    assert absent["locations"] == before["runs"][0]["results"][0]["locations"]


def test_metrics_and_events_say_what_is_new_and_what_is_gone() -> None:
    metrics = rendered(later(), "prometheus").splitlines()
    names = ("new", "lasting", "gone", "unknown")
    assert [line for line in metrics if line.startswith(tuple(f"auditkit_{name}_findings{{" for name in names))] == [
        f'auditkit_{name}_findings{{host="web1"}} {number}' for name, number in zip(names, (3, 1, 1, 1), strict=True)
    ]
    closed = json.loads(rendered(later(), "ocsf").splitlines()[-1])
    assert (closed["activity_id"], closed["status_id"], closed["finding_info"]["first_seen_time"]) == (3, 4, 1793581200000)
    (ended,) = (one for one in map(json.loads, rendered(later(), "ecs").splitlines()) if one["event"]["action"] == "gone")
    assert (ended["rule"]["id"], ended["auditkit"]["first_seen"]) == ("uid-zero-twin", DAY)


@pytest.mark.parametrize("form", sorted(set(report.FORMATS) - {"html"}))
def test_every_format_but_the_plainest_names_what_is_gone(form: str) -> None:
    """The page has tests of its own."""
    silent = {"junit", "prometheus"}  # numbers alone
    assert ("account toor has uid 0" in rendered(later(), form)) == (form not in silent)


@pytest.mark.parametrize("word", NASTY)
def test_a_word_of_a_host_that_is_gone_does_nothing(word: str) -> None:
    """Lines stay lines: what follows a word is told as it is without it."""
    for form in ("text", "markdown", "csv", "junit", "ecs"):
        plain, nasty = (rendered(later(word=one), form) for one in ("plain", word))
        assert "\x1b" not in nasty
        if form != "text":
            assert len(nasty.splitlines()) == len(plain.splitlines()), form
    OASIS.validate(json.loads(rendered(later(word=word), "sarif")))
