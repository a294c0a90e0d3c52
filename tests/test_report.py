"""The document of a report: its shape, its way through JSON and back, what it comes to as an exit status."""

import json
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit import commands, report
from auditkit.commands.answering import schema
from auditkit.commands.saved import parsed
from auditkit.errors import FormatError
from auditkit.model import (
    BaselineFacts,
    Change,
    ChangeKind,
    Entry,
    Explanation,
    Finding,
    Gap,
    HostReport,
    Kind,
    Level,
    Quote,
    Rule,
    Severity,
)  # fmt: skip
from auditkit.report import document
from auditkit.report.shape import fault

SCHEMA = schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
NIGHT = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)
HOSTILE = "/tmp/\x1b[31m\u202eevil\n\udcff\\"
TWIN = Rule("uid-zero-twin", "A second account is root", Severity.CRITICAL, "Two roots.", "Close it.", ("passwd(5)",))
BASE = BaselineFacts("/b/web1.7", NIGHT, 7, "anna@office", 41_208, "linux")
FILE = Entry(
    "/etc/motd", Kind.FILE, mode=0o644, uid=0, gid=0, owner="root", group="root", size=5, mtime_ns=1_732_411_812_123_456_789,
    digests=("blake3:aa", "sha256:bb"), xattrs=(("security.selinux", "00"),), content="hello",
)  # fmt: skip


def change(path: str = "/etc/motd", severity: Severity = Severity.MEDIUM, **more: Any) -> Change:
    """A file that was changed, unless told otherwise."""
    entry = replace(FILE, path=path)
    made = Change(
        path, ChangeKind.CHANGED, entry, replace(entry, mode=0o600), ("mode",), severity, Level.CONTENT, "attributes-changed"
    )
    return replace(made, **more)


def document_of(*hosts: HostReport, following: tuple[str, ...] = ()) -> document.Document:
    """The document of a check of these hosts, which the schema holds good."""
    made = document.to_document(document.Report("check", "auditkit 0.1", NIGHT, NIGHT, hosts, following))
    VALIDATOR.validate(made)
    return made


def written(made: document.Document, show_all: bool = True) -> str:
    """The document as --format json writes it."""
    return "".join(report.render(made, "json", report.Options(show_all=show_all)))


def read(text: str) -> document.Document:
    """What `auditkit report` reads of it."""
    return document.check(parsed(text.encode(), "saved.json"), SCHEMA)


EXPLAINED = change("/usr/bin/vim", explanation=Explanation("package", "vim 9.1-1 -> 9.1-2", "signed"))
FOUND = Finding(TWIN, "account toor", "toor has uid 0", Severity.CRITICAL, (Quote("/etc/passwd", 3, "toor:x:0:0\udcfe"),))
GAP = Gap("/root", "permission denied")
FULL = HostReport("web1", BASE, {"entries": 3}, (change(HOSTILE), EXPLAINED), (FOUND,), (GAP,), ("the policy changed",))


def test_the_whole_document_of_a_host() -> None:
    """Every field has its place; what is unknown of an entry is left out; bytes that are no UTF-8 survive."""
    assert document_of(HostReport("web1", BASE, {"entries": 3}, (change(),), (FOUND,), (GAP,)))["hosts"] == [
        {
            "host": "web1",
            "status": "findings",
            "state": "findings",
            "untrusted": None,
            "baseline": {
                "file": "/b/web1.7", "made": "2026-11-24T02:30:00Z", "sequence": 7, "signer": "anna@office", "entries": 41208,
                "policy": "linux",
            },
            "counts": {"entries": 3},
            "explained": [],
            "changes": [
                {
                    "path": "/etc/motd",
                    "change": "changed",
                    "attributes": ["mode"],
                    "before": {
                        "kind": "file", "mode": "0644", "uid": 0, "gid": 0, "owner": "root", "group": "root", "size": 5,
                        "mtime": "2024-11-24T01:30:12.123456789Z", "digest": "blake3:aa,sha256:bb",
                        "xattrs": {"security.selinux": "00"}, "content": "hello",
                    },
                    "after": {
                        "kind": "file", "mode": "0600", "uid": 0, "gid": 0, "owner": "root", "group": "root", "size": 5,
                        "mtime": "2024-11-24T01:30:12.123456789Z", "digest": "blake3:aa,sha256:bb",
                        "xattrs": {"security.selinux": "00"}, "content": "hello",
                    },
                    "explanation": None,
                    "severity": "medium",
                    "level": "content",
                    "rule": "attributes-changed",
                    "note": "",
                    "why": "",
                }
            ],
            "findings": [
                {
                    "rule": "uid-zero-twin", "severity": "critical", "subject": "account toor", "message": "toor has uid 0",
                    "remedy": "Close it.", "references": ["passwd(5)"],
                    "quotes": [{"source": "/etc/passwd", "line": 3, "text": "toor:x:0:0\udcfe"}],
                }
            ],
            "logins": None,
            "facts": {},
            "gaps": [{"subject": "/root", "reason": "permission denied"}],
            "notes": [],
        }
    ]  # fmt: skip


def test_json_is_ascii_and_comes_back() -> None:
    """Hostile names reach no terminal through the file, and are the same bytes when read again."""
    text = written(document_of(FULL))
    assert text.isascii()
    assert "\x1b" not in text
    assert read(text)["hosts"][0]["changes"][0]["path"].encode("utf-8", "surrogateescape") == HOSTILE.encode(
        "utf-8", "surrogateescape"
    )


def test_json_leaves_out_explained_changes_but_counts_them() -> None:
    """Without --all they are a number, and text made from the saved report says the same."""
    host = json.loads(written(document_of(FULL), show_all=False))["hosts"][0]
    assert [one["path"] for one in host["changes"]] == [HOSTILE]
    cause = "vim 9.1-1 -> 9.1-2"
    assert host["explained"] == [{"by": "package", "proof": "signed", "changes": 1, "causes": 1, "texts": [cause]}]


def test_json_is_written_change_by_change() -> None:
    """No piece grows with the number of changes."""
    many = HostReport("web1", BASE, changes=tuple(change(f"/etc/{number}") for number in range(500)))
    assert max(map(len, report.render(document_of(many), "json", report.Options()))) < 2_000


def test_what_is_beyond_the_schema_is_kept() -> None:
    """A newer auditkit of the same major version may say more."""
    made = document_of(FULL)
    made["weather"] = {"storm": [1.5, True]}
    made["hosts"][0]["changes"][0]["mood"] = "odd"
    again = json.loads(written(read(written(made))))
    assert again["weather"] == {"storm": [1.5, True]}
    assert again["hosts"][0]["changes"][0]["mood"] == "odd"


@pytest.mark.parametrize(
    ("hosts", "fail_on", "status", "code"),
    [
        ((HostReport("a"),), Severity.MEDIUM, "clean", 0),
        ((HostReport("a", gaps=(GAP,)),), Severity.MEDIUM, "incomplete", 3),
        ((HostReport("a", changes=(change(),)),), Severity.MEDIUM, "findings", 1),
        ((HostReport("a", changes=(change(),)),), Severity.HIGH, "findings", 0),
        ((HostReport("a", changes=(change(severity=Severity.INFO),)),), Severity.INFO, "findings", 1),
        ((HostReport("a", changes=(EXPLAINED,)),), Severity.INFO, "clean", 0),
        ((HostReport("a", findings=(replace(FOUND, severity=Severity.INFO),)),), Severity.LOW, "clean", 0),
        ((HostReport("a", findings=(FOUND,), gaps=(GAP,)),), Severity.MEDIUM, "findings", 1),
        ((HostReport("a", findings=(FOUND,), gaps=(GAP,)),), None, "findings", 3),
        ((HostReport("a", findings=(FOUND,)),), None, "findings", 0),
        ((HostReport("a", untrusted="bad seal", gaps=(GAP,)), HostReport("b", findings=(FOUND,))), None, "untrusted", 4),
        ((HostReport("a"), HostReport("b", gaps=(GAP,))), Severity.LOW, "incomplete", 3),
        ((), Severity.LOW, "incomplete", 3),
    ],
)
def test_status_and_exit_code(hosts: tuple[HostReport, ...], fail_on: Severity | None, status: str, code: int) -> None:
    """4 before 1 before 3 before 0; a gap is never a pass; nothing looked at is nothing clean."""
    made = document_of(*hosts)
    assert (made["status"], document.exit_code(made, fail_on)) == (status, code)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "no auditkit report: there is no schema in it"),
        ("{", "saved.json is no JSON: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ('{"schema": "auditkit/report/2"}', "auditkit/report/2 is no report that this auditkit reads"),
        ('{"schema": "\\u001b[2J"}', "\\x1b[2J is no report that this auditkit reads"),
        ('{"schema": "\\ud800"}', "? is no report that this auditkit reads"),
        ('{"schema": "auditkit/report/1"}', "no sound auditkit report: report has no tool"),
        ('{"schema": 1, "schema": 2}', "saved.json is no JSON: a name stands twice in an object"),
        ("NaN", "saved.json is no JSON: NaN is no number"),
        ("1e999", "saved.json is no JSON: a number is too large"),
        ("[" * 100_000, "saved.json is no JSON: nested too deeply"),
    ],
)
def test_what_is_no_report_is_refused(text: str, said: str) -> None:
    """One line says why, and no escape sequence gets through."""
    with pytest.raises(FormatError) as caught:
        read(text)
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("status",), "fine", "report.status is none of clean, findings, incomplete, untrusted"),
        (("hosts", 0, "gaps"), {}, "report.hosts is no array"),
        (("hosts", 0, "gaps", 0, "reason"), "\ud800", "report.hosts[0].gaps[0].reason holds a text that is none"),
        (("hosts", 0, "counts", "entries"), True, "report.hosts[0].counts.entries is no integer"),
        (("hosts", 0, "counts", "entries"), -1, "report.hosts[0].counts.entries is below 0"),
        (("hosts", 0, "baseline"), 7, "report.hosts[0].baseline is no object"),
        (("hosts", 0, "changes", 0, "before", "xattrs"), {"a": 1}, "report.hosts[0].changes[0].before.xattrs.a is no string"),
    ],
)
def test_the_place_of_a_mistake_is_named(place: tuple[Any, ...], value: object, said: str) -> None:
    """A report that was edited by hand says where."""
    made = put(document_of(FULL), place, value)
    found = fault(made, SCHEMA)
    assert found == said.replace("report.hosts is no array", "report.hosts[0].gaps is no array")


def put(made: document.Document, place: tuple[Any, ...], value: object) -> document.Document:
    """A copy of the document with another value at a place."""
    made = deepcopy(made)
    at: Any = made
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    return made


def places(value: object, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for step, part in parts for place in ((*at, step), *places(part, (*at, step)))]


ODD = st.sampled_from([None, True, -1, 0, 2.5, "", "x", [], {}, [1], {"a": 1}])


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(places(document_of(FULL))), ODD)
def test_our_reader_agrees_with_jsonschema(place: tuple[Any, ...], value: object) -> None:
    """Whatever stands wherever: the strict reader refuses exactly what the schema does not allow."""
    made = put(document_of(FULL), place, value)
    assert (fault(made, SCHEMA) is None) == VALIDATOR.is_valid(made)


TEXT = st.binary(max_size=12).map(lambda name: name.decode("utf-8", "surrogateescape"))
ENTRIES = st.builds(
    Entry, TEXT, st.sampled_from(Kind), mode=st.none() | st.integers(0, 0o7777),
    owner=st.none() | TEXT,
    size=st.none() | st.integers(0),
    mtime_ns=st.none() | st.integers(-(2**80), 2**80), digests=st.none() | st.just(("sha256:aa",)), target=st.none() | TEXT,
    xattrs=st.none() | st.tuples(st.tuples(TEXT, TEXT)), content=st.none() | TEXT,
)  # fmt: skip
CHANGES = st.builds(
    Change, TEXT, st.sampled_from(ChangeKind), st.none() | ENTRIES, st.none() | ENTRIES,
    st.lists(st.sampled_from(["digest", "mode", "mtime", "xattrs", "kind", "path", "uid", "target"])).map(tuple),
    st.sampled_from(Severity), st.sampled_from(Level), TEXT, TEXT, TEXT,
    st.none() | st.builds(Explanation, TEXT, TEXT, st.just("local")),
)  # fmt: skip
HOSTS = st.builds(
    HostReport, TEXT, st.just(BASE) | st.none(), st.just({"entries": 1}), st.lists(CHANGES, max_size=3).map(tuple),
    st.lists(st.builds(Finding, st.just(TWIN), TEXT, TEXT, st.sampled_from(Severity)), max_size=2).map(tuple),
    st.lists(st.builds(Gap, TEXT, TEXT), max_size=4).map(tuple), st.lists(TEXT, max_size=2).map(tuple), st.just({}),
    st.none() | TEXT,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.lists(HOSTS, max_size=2), TEXT, st.booleans())
def test_any_report_comes_back_and_is_harmless(hosts: list[HostReport], command: str, show_all: bool) -> None:
    """JSON read and written again is the same, text of both is the same, and holds nothing that moves a terminal."""
    made = document_of(*hosts, following=(command,))
    text = written(made)
    again = read(text)
    assert again == made
    assert written(again) == text
    for saved in (again, read(written(made, show_all=False))):
        assert written(saved, show_all=False) == written(made, show_all=False)
    options = report.Options(show_all=show_all)
    told = "".join(report.render(again, "text", options))
    assert told == "".join(report.render(made, "text", options))
    assert [line for line in told.split("\n") if not line.isprintable()] == []


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit status of an auditkit command."""
    monkeypatch.setattr("sys.argv", ["auditkit", *words])
    return commands.main()


def test_report_command_renders_and_exits_as_the_run_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Text and JSON from a file, to stdout and to a file."""
    saved, made = tmp_path / "saved.json", tmp_path / "again.json"
    saved.write_text(written(document_of(FULL)), encoding="utf-8")
    assert run(monkeypatch, "report", str(saved)) == 1
    assert capsys.readouterr().out.startswith("web1  against baseline 7 of 2026-11-24 02:30:00Z, signed by anna@office")
    assert run(monkeypatch, "report", str(saved), "--fail-on", "none") == 3
    assert run(monkeypatch, "report", str(saved), "--format", "json", "--all", "-o", str(made)) == 1
    assert made.read_bytes() == saved.read_bytes()


def test_report_command_says_what_is_wrong_with_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2, one line, and what to do."""
    saved = tmp_path / "saved.json"
    assert run(monkeypatch, "report", str(saved)) == 2
    assert capsys.readouterr().err == (
        f"auditkit: error: {saved} cannot be read: No such file or directory\nhint: give a file that --format json wrote\n"
    )
    saved.write_bytes(b"\xff")
    assert run(monkeypatch, "report", str(saved)) == 2
    assert "can't decode byte 0xff" in capsys.readouterr().err


def test_explain_tells_a_rule_whole(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A rule whole, all rules in a line each, and the near word for a slip."""
    monkeypatch.setattr("auditkit.commands.rules.all_rules", lambda: (TWIN,))
    assert run(monkeypatch, "explain", "uid-zero-twin") == 0
    assert capsys.readouterr().out == (
        "uid-zero-twin (critical): A second account is root\n\nWhy: Two roots.\n\nDo: Close it.\n\nSee: passwd(5)\n"
    )
    assert run(monkeypatch, "explain") == 0
    assert capsys.readouterr().out == "uid-zero-twin  critical  A second account is root\n"
    assert run(monkeypatch, "explain", "uid-zero-twins") == 2
    assert capsys.readouterr().err == (
        "auditkit: error: there is no rule uid-zero-twins\nhint: try auditkit explain uid-zero-twin\n"
    )
    assert run(monkeypatch, "explain", "\x1b") == 2
    assert capsys.readouterr().err == "auditkit: error: there is no rule \\x1b\nhint: list all with auditkit explain\n"
