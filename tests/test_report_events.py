"""Formats for code scanning and event stores: SARIF by its own schema, ECS and OCSF line by line."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reported import (
    CHANGE,
    CLEAN,
    DOCUMENTS,
    EXPLAINED,
    FINDING,
    GAP,
    LOGINS,
    LOST,
    NIGHT,
    SUCCESS,
    WEB1,
    host,
    made,
    number_of_items,
    rendered,
)

from auditkit import report
from auditkit.commands import rules
from auditkit.printable import printable
from auditkit.report import document
from auditkit.report.document import Document
from auditkit.report.items import items
from auditkit.report.sarif import uri

OASIS = jsonschema.Draft4Validator(
    json.loads((Path(__file__).parent / "sarif" / "sarif-schema-2.1.0.json").read_text(encoding="utf-8"))
)
UNSEEN = [made(host(gaps=[GAP])), made(host(state="timeout", baseline=None, counts={})), made()]


def sarif(told: Document, show_all: bool = True) -> list[dict[str, Any]]:
    """The runs of a log, which its schema holds good."""
    log = json.loads(rendered(told, "sarif", show_all))
    OASIS.validate(log)
    runs: list[dict[str, Any]] = log["runs"]
    return runs


def words(message: dict[str, str]) -> str:
    """A message as a viewer shows it (3.11.5, 3.11.6); there is no link and no placeholder in it."""
    text = message["text"]
    assert not re.search(r"(?<!\\)(\\\\)*\[", text)
    assert re.sub(r"\{\{|\}\}", "", text).count("{") == 0
    return re.sub(r"\\([\\\[\]])", r"\1", text.replace("{{", "{").replace("}}", "}"))


def test_sarif_of_a_host_with_everything() -> None:
    (run,) = sarif(made(WEB1))
    told = [
        (one["ruleId"], one["kind"], one["level"], words(one["message"]), one.get("suppressions")) for one in run["results"]
    ]
    accepted = [{"kind": "external", "status": "accepted", "justification": "accepted until 2027-03-01: the printer"}]
    explained = [{"kind": "external", "status": "accepted", "justification": "vim 9.1-1 -> 9.1-2 (signed)"}]
    assert told == [
        ("logins-verdict", "fail", "note", "Success seen: 1 login.", None),
        ("uid-zero-twin", "fail", "error", "toor has uid 0", None),
        ("banner-version", "fail", "note", "22/tcp says its version", None),
        ("attributes-changed", "fail", "warning", "changed: mode 0644 → 0666", None),
        ("content-changed", "informational", "none", "changed: content changed", explained),
        ("port-open", "fail", "error", "8080/tcp is open", accepted),
    ]
    assert run["results"][1]["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "etc/passwd", "uriBaseId": "ROOT"}, "region": {"startLine": 3},
            },
            "logicalLocations": [
                {"name": "account toor", "fullyQualifiedName": "web1: account toor", "kind": "resource"},
            ],
        }
    ]  # fmt: skip
    rules = run["tool"]["driver"]["rules"]
    assert [rules[one["ruleIndex"]]["id"] for one in run["results"]] == [one["ruleId"] for one in run["results"]]
    assert rules[1] == {
        "id": "uid-zero-twin",
        "shortDescription": {"text": "uid zero twin"},
        "fullDescription": {"text": "uid zero twin"},
        "help": {
            "text": "Close it: usermod -L toor\n\nSee passwd(5).\n\n`auditkit explain uid-zero-twin` says why it matters."
        },
        "properties": {"security-severity": "9.5", "tags": ["security"]},
    }


@pytest.mark.parametrize(
    ("subject", "sources", "place"),
    [
        ("account toor", ["sshd -T", "/etc/passwd"], ("/etc/passwd", 2)),
        ("/etc/cron.d/x", ["/etc/crontab", "/etc/cron.d/x"], ("/etc/cron.d/x", 2)),
        ("/usr/bin/su", ["/etc/sudoers"], ("/usr/bin/su", 0)),
        ("22/tcp", ["sshd -T"], ("", 0)),
    ],
)
def test_the_place_of_a_finding_is_its_path_before_that_of_a_quote(
    subject: str, sources: list[str], place: tuple[str, int]
) -> None:
    quotes = [{"source": source, "line": line, "text": ""} for line, source in enumerate(sources, 1)]
    one = host(findings=[FINDING | {"subject": subject, "quotes": quotes}])
    assert [item.place for item in items(one, report.Options())] == [place]


def test_sarif_says_how_the_work_on_each_host_ended() -> None:
    runs = sarif(NIGHT)
    assert [run["automationDetails"]["id"] for run in runs] == [f"auditkit/scan/{name}/" for name in ("web1", "db1", "gw1")]
    ended = [run["invocations"][0] for run in runs]
    assert [one["executionSuccessful"] for one in ended] == [False, True, False]
    assert ended[1]["exitCodeDescription"] == "looked at everything that the policy watches (41 208 paths); nothing changed"
    assert (ended[1]["startTimeUtc"], ended[1]["endTimeUtc"]) == ("2026-11-24T02:30:00Z", "2026-11-24T02:31:00Z")
    said = [[words(note["message"]) for note in one["toolExecutionNotifications"]] for one in ended]
    assert said == [["not seen: /root: permission denied"], [], ["not seen: gw1: no route to host"]]
    assert runs[1]["results"] == []


@pytest.mark.parametrize(
    ("access", "coverage", "level"),
    [
        ("none-seen", "complete", None),
        ("seen", "complete", "note"),
        ("none-seen", "gap", "warning"),
        ("cannot-tell", "source-missing", "warning"),
        ("unsupported", "complete", "error"),
        ("none-seen", "tamper", "error"),
    ],
)
def test_sarif_has_a_verdict_on_logins_unless_it_is_the_best(access: str, coverage: str, level: str | None) -> None:
    """And where it leaves something open, the run was no success."""
    (run,) = sarif(made(host(logins=LOGINS | {"access": access, "coverage": coverage, "successes": []})))
    assert [one["level"] for one in run["results"]] == ([level] if level else [])
    assert run["invocations"][0]["executionSuccessful"] == (access != "cannot-tell" and coverage == "complete")


@pytest.mark.parametrize("told", UNSEEN)
def test_sarif_of_what_was_not_seen_is_no_success(told: Document) -> None:
    (run,) = sarif(told)
    assert run["invocations"][0]["executionSuccessful"] is False
    assert len(run["invocations"][0]["toolExecutionNotifications"]) == 1
    assert run["properties"]["status"] == "incomplete"


def test_fingerprints_stay_from_run_to_run_and_tell_results_apart() -> None:
    """They know nothing of what a path is now, nor of what else there is; two findings that look alike have two."""
    first = made(host(findings=[FINDING, FINDING], changes=[CHANGE]), host("web2", changes=[CHANGE]))
    again = made(
        host(
            findings=[FINDING | {"message": "toor still has uid 0"}, FINDING], changes=[EXPLAINED, CHANGE | {"severity": "low"}]
        ),
        host("web2", changes=[CHANGE]),
        finished="2026-11-25T02:31:00Z",
    )

    def prints(told: Document) -> list[str]:
        results = [one for run in sarif(told) for one in run["results"] if one["kind"] == "fail"]
        return [one["partialFingerprints"]["auditkit/v1"] for one in results]

    assert prints(first) == prints(again)
    assert len(set(prints(first))) == 4


@settings(max_examples=25, deadline=None)
@given(DOCUMENTS, st.booleans())
def test_github_takes_the_log_whatever_is_in_it(told: Document, show_all: bool) -> None:
    """One result without a place in an artifact, or with an empty text, and it refuses the whole file."""
    for run in sarif(told, show_all):
        for result in run["results"]:
            place = result["locations"][0]["physicalLocation"]
            parts = urlsplit(place["artifactLocation"]["uri"])
            assert (parts.scheme, parts.netloc, parts.path[:1] == "/") == ("", "", False)
            assert parts.path
            assert place["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
            assert place["region"]["startLine"] >= 1
            assert result["partialFingerprints"]["primaryLocationLineHash"]
            assert result["message"]["text"]
        for rule in run["tool"]["driver"]["rules"]:
            assert 0 < float(rule["properties"].get("security-severity", "1")) <= 10
            assert all(rule[name]["text"] for name in ("shortDescription", "fullDescription", "help"))


def test_what_is_no_file_has_its_host_as_the_place() -> None:
    """A remark is no risk: it has no score."""
    (run,) = sarif(made(host("ssh://db 1", findings=[FINDING | {"subject": "22/tcp", "severity": "info", "quotes": []}])))
    assert run["results"][0]["locations"][0] == {
        "physicalLocation": {
            "artifactLocation": {"uri": "ssh%3A%2F%2Fdb%201", "uriBaseId": "HOSTS"}, "region": {"startLine": 1},
        },
        "logicalLocations": [{"name": "22/tcp", "fullyQualifiedName": "ssh://db 1: 22/tcp", "kind": "resource"}],
    }  # fmt: skip
    assert run["tool"]["driver"]["rules"][0]["properties"] == {"tags": ["security"]}


PATHS = st.binary(min_size=1, max_size=12).map(lambda name: "/" + name.decode("utf-8", "surrogateescape").lstrip("/"))


@given(PATHS | st.sampled_from(["/", "/a:b", "/etc/x y", "/a?b#c", "/\udcff\u202e", "/%41"]))
def test_a_path_is_a_uri_and_back(path: str) -> None:
    """Its bytes come back, and no part of it is a scheme, a host, a query or a fragment."""
    relative = uri(path)
    assert relative.isascii()
    parts = urlsplit(relative)
    assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
    assert b"/" + unquote_to_bytes(relative).removeprefix(b"./" if path == "/" else b"") == path.encode(
        "utf-8", "surrogateescape"
    )
    assert urljoin("file:///", relative).startswith("file:///")


@settings(max_examples=25, deadline=None)
@given(DOCUMENTS, st.booleans())
def test_sarif_follows_its_schema_with_what_was_put_in(told: Document, show_all: bool) -> None:
    text = rendered(told, "sarif", show_all)
    assert text.isascii()
    runs = sarif(told, show_all)
    expected = told["hosts"] or [report.items.NOBODY]
    assert len({run["automationDetails"]["id"] for run in runs}) == len(expected)
    for run, one in zip(runs, expected, strict=True):
        status = document.status(one)
        assert run["properties"]["status"] == status
        if status in ("incomplete", "untrusted") or one["gaps"]:
            assert not run["invocations"][0]["executionSuccessful"]
        subjects = [
            result["locations"][0]["logicalLocations"][0]["name"] for result in run["results"] if of(result) == "change"
        ]
        changes = [change for change in one["changes"] if show_all or not change["explanation"]]
        assert subjects == [printable(change["path"]) for change in changes]
        notes = run["invocations"][0]["toolExecutionNotifications"]
        gaps = [note["properties"]["subject"] for note in notes if of(note) == "gap"]
        assert gaps[: len(one["gaps"])] == [printable(gap["subject"]) for gap in one["gaps"]]
        for message in (*run["results"], *notes):
            words(message["message"])


def of(told: dict[str, Any]) -> str:
    return str(told["properties"]["kind"])


def events(told: Document, form: str, show_all: bool = True) -> list[dict[str, Any]]:
    """The events of a report: JSON, one a line, in ASCII."""
    text = rendered(told, form, show_all)
    assert text.isascii()
    return [json.loads(line) for line in text.splitlines()]


def test_ecs_of_a_night() -> None:
    told = events(NIGHT, "ecs")
    lines = [(one["host"]["name"], one["event"]["kind"], *one["event"]["category"], *one["event"]["type"]) for one in told]
    assert list(zip(lines, (one["event"]["outcome"] for one in told), strict=True)) == [
        (("web1", "state", "host", "info"), "failure"),
        (("web1", "event", "authentication", "info"), "unknown"),
        (("web1", "alert", "intrusion_detection", "info"), "unknown"),
        (("web1", "event", "intrusion_detection", "info"), "unknown"),
        (("web1", "alert", "file", "change"), "unknown"),
        (("web1", "event", "file", "change"), "unknown"),
        (("web1", "event", "intrusion_detection", "info"), "unknown"),
        (("web1", "event", "authentication", "start"), "success"),
        (("web1", "event", "authentication", "info"), "failure"),
        (("web1", "event", "host", "info"), "unknown"),
        (("db1", "state", "host", "info"), "success"),
        (("gw1", "state", "host", "info"), "unknown"),
        (("gw1", "event", "host", "info"), "unknown"),
    ]
    assert told[4]["file"] == {"path": "/etc/motd", "type": "file", "mode": "0666", "size": 5}
    assert told[7]["source"] == {"address": "192.0.2.7", "ip": "192.0.2.7", "port": 50022}
    assert (told[7]["@timestamp"], told[7]["user"]) == ("2026-11-24T01:02:03Z", {"name": "anna"})
    assert told[9]["error"] == {"message": "not seen: /root: permission denied"}


def test_ocsf_of_a_night() -> None:
    told = events(NIGHT, "ocsf")
    lines = [(one["class_uid"], one["type_uid"], one["severity_id"], one.get("status_id"), one.get("is_alert")) for one in told]
    assert lines == [
        (6007, 600706, 5, 2, None),
        (2004, 200401, 2, 1, False),
        (2004, 200401, 5, 1, True),
        (2004, 200401, 1, 1, False),
        (2004, 200401, 3, 1, True),
        (2004, 200401, 3, 3, False),
        (2004, 200401, 4, 3, False),
        (3002, 300201, 1, 1, None),
        (3002, 300201, 1, 2, None),
        (6007, 600706, 3, 2, None),
        (6007, 600702, 1, 1, None),
        (6007, 600706, 3, 2, None),
        (6007, 600706, 3, 2, None),
    ]
    assert told[2]["evidences"] == [
        {"file": {"name": "passwd", "path": "/etc/passwd", "type_id": 0}},
        {"data": {"source": "/etc/passwd", "line": 3, "text": "toor:x:0:0"}},
    ]
    assert told[7]["time"] == 1795482123000
    assert (told[7]["user"], told[7]["src_endpoint"]) == ({"name": "anna"}, {"ip": "192.0.2.7"})
    assert told[8]["count"] == 120


REQUIRED = {
    "ecs": {"@timestamp", "ecs", "event", "observer"},
    "ocsf": {"class_uid", "category_uid", "activity_id", "type_uid", "severity_id", "time", "metadata", "device"},
}
OF_CLASS = {2004: {"finding_info", "is_alert", "status_id"}, 3002: {"user", "dst_endpoint"}, 6007: {"scan", "status_id"}}
"""What the schema of OCSF 1.3.0 asks of a class beyond what it asks of all, and we promise."""


@pytest.mark.parametrize("form", ["ecs", "ocsf"])
@settings(max_examples=25, deadline=None)
@given(told=DOCUMENTS, show_all=st.booleans())
def test_events_hold_what_was_put_in(form: str, told: Document, show_all: bool) -> None:
    found = events(told, form, show_all)
    expected = told["hosts"] or [report.items.NOBODY]
    assert len(found) == len(expected) + sum(number_of_items(dict(one), show_all) for one in expected)
    for one in found:
        assert one.keys() >= REQUIRED[form] | OF_CLASS.get(one.get("class_uid", 0), set())
        assert one.get("message", "").isprintable()
    name = "action" if form == "ecs" else "kind"
    about = [(one["event"], one.get("auditkit", {})) if form == "ecs" else (one["unmapped"],) * 2 for one in found if kept(one)]
    subjects = [more.get("subject", "") for what, more in about if what[name] == "change"]
    changes = [change for one in told["hosts"] for change in one["changes"] if show_all or not change["explanation"]]
    assert subjects == [printable(change["path"]) for change in changes]


def kept(event: dict[str, Any]) -> bool:
    """Whether it is about an item, and not about a host."""
    return "unmapped" in event or event.get("event", {}).get("kind") in ("event", "alert")


@pytest.mark.parametrize("told", UNSEEN)
def test_events_of_what_was_not_seen_are_no_success(told: Document) -> None:
    assert {one["event"]["outcome"] for one in events(told, "ecs")} == {"unknown"}
    assert [one["status_id"] for one in events(told, "ocsf")] == [2, 2]


def test_a_login_that_something_speaks_against_says_so() -> None:
    """One that is only claimed is no success."""
    odd = SUCCESS | {"ask": "high", "state": "unsupported", "guesses_before": 3}
    night = made(CLEAN | {"logins": LOGINS | {"successes": [odd]}}, LOST)
    assert (events(night, "ocsf")[2]["status_id"], events(night, "ocsf")[2]["status_detail"]) == (0, "unsupported, publickey")
    told = events(night, "ecs")
    assert told[2]["event"]["outcome"] == "unknown"
    assert told[2]["message"] == (
        "anna from 192.0.2.7, by publickey, unsupported, told by wtmp, 3 guesses before, to be asked about first (high)"
    )


def test_a_rule_has_its_title_and_its_why_once_the_document_says_them() -> None:
    (rule,) = rules.known({str(CHANGE["rule"])})
    run = made(host(changes=[CHANGE])) | {
        "rules": document.assembled(document.Report("", "", datetime.now(UTC), datetime.now(UTC), ()), [], rules=[rule])[
            "rules"
        ]
    }
    (shown,) = json.loads(rendered(run, "sarif"))["runs"][0]["tool"]["driver"]["rules"]
    assert (shown["shortDescription"]["text"], shown["fullDescription"]["text"]) == (rule.title, rule.why)
    assert shown["help"]["text"].startswith(rule.why)
