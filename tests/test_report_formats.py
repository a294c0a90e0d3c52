"""Formats for tickets, spreadsheets, build servers and monitoring: whole examples, and what no name in them can do."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
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
    TEXT,
    WEB1,
    host,
    made,
    number_of_items,
    rendered,
)

from auditkit import commands, report
from auditkit.commands import answering, options
from auditkit.commands.saved import parsed
from auditkit.printable import printable, said
from auditkit.report import csv as sheet
from auditkit.report import document

MANY = 3000
FORMS = sorted(set(report.FORMATS) - {"text", "json"})
UNSEEN = [
    made(host(gaps=[GAP])),
    made(host(state="unreachable", baseline=None, counts={})),
    made(host(logins=LOGINS | {"access": "cannot-tell"}, gaps=[GAP])),
    made(),
]
"""Runs in which something could not be seen, though no gap says so in each."""


def test_the_option_names_all_formats() -> None:
    assert tuple(report.FORMATS) == options.FORMATS


@pytest.mark.parametrize("form", FORMS)
def test_what_was_saved_is_told_as_the_run_told_it(form: str) -> None:
    """`report FILE --format X` is what `--format X` was."""
    saved = document.check(parsed(rendered(NIGHT, "json", show_all=False).encode(), "saved.json"), answering.schema())
    assert rendered(saved, form, show_all=False) == rendered(NIGHT, form, show_all=False)
    everything = document.check(parsed(rendered(NIGHT, "json").encode(), "saved.json"), answering.schema())
    assert rendered(everything, form) == rendered(NIGHT, form)
    assert rendered(everything, form) != rendered(everything, form, show_all=False) or form == "prometheus"


@pytest.mark.parametrize("form", ["csv", "sarif", "junit", "ecs", "ocsf"])
def test_a_long_report_is_told_piece_by_piece(form: str) -> None:
    """No piece holds more than one change: nothing grows with their number but the number of pieces."""
    long = made(host(changes=[CHANGE | {"path": f"/srv/{number}"} for number in range(MANY)]))
    sizes = [len(piece) for piece in report.render(long, form, report.Options())]
    assert len(sizes) >= MANY
    assert max(sizes) < 2000


def rows(text: str) -> list[dict[str, str]]:
    """A table as csv reads it."""
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def plain(cell: str) -> str:
    """A cell without what keeps spreadsheets from calculating it."""
    return re.sub("(^|;)([ \"]*)'(?=['=+\\-@\uff1d\uff0b\uff0d\uff20])", r"\1\2", cell)


def test_csv_has_a_row_for_each_thing() -> None:
    told = [(row["host"], row["status"], row["kind"], row["subject"], row["message"]) for row in rows(rendered(NIGHT, "csv"))]
    assert told == [
        (
            "web1",
            "findings",
            "host",
            "",
            "1 change, 2 findings (1 critical, 1 medium, 1 info), 1 gap, 1 risk accepted: NOT CLEAN",
        ),
        ("web1", "findings", "logins", "logins", "Success seen: 1 login."),
        ("web1", "findings", "finding", "account toor", "toor has uid 0"),
        ("web1", "findings", "finding", "22/tcp", "22/tcp says its version"),
        ("web1", "findings", "change", "/etc/motd", "changed: mode 0644 → 0666"),
        ("web1", "findings", "change", "/usr/bin/vim", "changed: content changed"),
        ("web1", "findings", "accepted", "8080/tcp", "8080/tcp is open"),
        ("web1", "findings", "login", "anna", "anna from 192.0.2.7, by publickey, supported, told by wtmp"),
        ("web1", "findings", "guesses", "198.51.100.9", "120 guesses at 2 names from 198.51.100.9"),
        ("web1", "findings", "gap", "/root", "not seen: /root: permission denied"),
        ("db1", "clean", "host", "", "looked at everything that the policy watches (41 208 paths); nothing changed"),
        ("gw1", "incomplete", "host", "", "UNREACHABLE: 1 gap; nothing is known of this host"),
        ("gw1", "incomplete", "gap", "gw1", "not seen: gw1: no route to host"),
    ]
    of_toor = rows(rendered(NIGHT, "csv"))[2]
    assert of_toor | {"id": ""} == dict.fromkeys(("first_seen", "news"), "") | {
        "host": "web1", "status": "findings", "kind": "finding", "severity": "critical", "rule": "uid-zero-twin",
        "subject": "account toor", "place": "/etc/passwd:3", "message": "toor has uid 0", "remedy": "Close it: usermod -L toor",
        "excuse": "", "time": "", "user": "", "address": "", "attempts": "", "id": "",
    }  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(DOCUMENTS, st.booleans())
def test_csv_holds_what_was_put_in_and_calculates_nothing(told: document.Document, show_all: bool) -> None:
    text = rendered(told, "csv", show_all)
    assert all(line.isprintable() for line in text.split("\r\n"))
    found = rows(text)
    assert all(
        not re.match('[ "]*[=+\\-@\t\r\uff1d]', part) for row in found for cell in row.values() for part in cell.split(";")
    )
    expected = told["hosts"] or [report.items.NOBODY]
    assert len(found) == len(expected) + sum(number_of_items(dict(one), show_all) for one in expected)
    subjects = [plain(row["subject"]) for row in found if row["kind"] == "change"]
    kept = [change for one in told["hosts"] for change in one["changes"] if show_all or not change["explanation"]]
    assert subjects == [printable(change["path"]) for change in kept]
    users = [plain(row["user"]) for row in found if row["kind"] == "login"]
    assert users == [printable(one["user"]) for each in told["hosts"] if each["logins"] for one in each["logins"]["successes"]]
    assert not [row for row in found if row["status"] == "clean" and row["kind"] == "gap"]


@given(TEXT | st.text("=+-@'; \"a", max_size=6))
def test_a_guarded_cell_comes_back(text: str) -> None:
    assert plain(sheet.guarded(text)) == text


@pytest.mark.parametrize("told", UNSEEN)
def test_csv_calls_no_host_clean_that_was_not_seen(told: document.Document) -> None:
    found = rows(rendered(told, "csv"))
    assert {row["status"] for row in found} == {"incomplete"}
    assert "gap" in {row["kind"] for row in found}


def test_junit_of_three_hosts() -> None:
    assert rendered(made(CLEAN, LOST), "junit") == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<testsuites name="auditkit scan" tests="2" errors="1" failures="0">\n'
        ' <testsuite name="db1" timestamp="2026-11-24T02:30:00" time="12.5" tests="1" errors="0" failures="0" skipped="0">\n'
        '  <properties>\n   <property name="status" value="clean"/>\n   <property name="state" value="ok"/>\n'
        '   <property name="verdict" value="looked at everything that the policy watches (41 208 paths); nothing changed"/>\n'
        '  </properties>\n  <testcase classname="db1" name="clean"/>\n </testsuite>\n'
        ' <testsuite name="gw1" timestamp="2026-11-24T02:30:00" time="0" tests="1" errors="1" failures="0" skipped="0">\n'
        '  <properties>\n   <property name="status" value="incomplete"/>\n   <property name="state" value="unreachable"/>\n'
        '   <property name="verdict" value="UNREACHABLE: 1 gap; nothing is known of this host"/>\n  </properties>\n'
        '  <testcase classname="gw1" name="gap: gw1"><error type="medium" message="not seen: gw1: no route to host">'
        "not seen: gw1: no route to host</error></testcase>\n </testsuite>\n</testsuites>\n"
    )


def test_junit_fails_what_was_found_and_skips_what_is_excused() -> None:
    cases = {
        case.get("name"): [inner.tag for inner in case]
        for case in ET.fromstring(rendered(made(WEB1), "junit")).iter("testcase")
    }
    assert cases == {
        "logins-verdict: logins": ["system-out"],
        "uid-zero-twin: account toor": ["failure"],
        "banner-version: 22/tcp": ["skipped"],
        "attributes-changed: /etc/motd": ["failure"],
        "content-changed: /usr/bin/vim": ["skipped"],
        "port-open: 8080/tcp": ["skipped"],
        "login: anna": ["system-out"],
        "guesses: 198.51.100.9": ["system-out"],
        "gap: /root": ["error"],
    }


KNOWN = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package"},
    "properties": set(), "property": {"name", "value"}, "testcase": {"name", "time", "classname"}, "system-out": set(),
    **{tag: {"type", "message"} for tag in ("failure", "error", "skipped")},
}  # fmt: skip
"""Elements and their attributes in Jenkins' junit-10.xsd, by which its xUnit plugin takes a file or refuses it."""


@settings(max_examples=30, deadline=None)
@given(DOCUMENTS, st.booleans())
def test_junit_is_sound_xml_with_what_was_put_in(told: document.Document, show_all: bool) -> None:
    root = ET.fromstring(rendered(told, "junit", show_all))
    assert {(one.tag, name) for one in root.iter() for name in (*one.attrib, *[None] * (one.tag not in KNOWN))} <= {
        (tag, name) for tag, names in KNOWN.items() for name in names
    }
    expected = told["hosts"] or [report.items.NOBODY]
    assert [suite.get("name") for suite in root] == [printable(one["host"]) for one in expected]
    for suite, one in zip(root, expected, strict=True):
        clean = document.status(one) == "clean"
        cases = suite.findall("testcase")
        assert len(cases) == int(suite.get("tests", "")) == number_of_items(dict(one), show_all) + clean
        for count, tag in (("errors", "error"), ("failures", "failure"), ("skipped", "skipped")):
            assert int(suite.get(count, "")) == len(list(suite.iter(tag)))
        bad = int(suite.get("errors", "")) + int(suite.get("failures", ""))
        assert bad or document.status(one) == "clean"
        gaps = [case.get("name") for case in cases if (case.get("name") or "").startswith("gap: ")]
        assert gaps[: len(one["gaps"])] == [f"gap: {printable(gap['subject'])}" for gap in one["gaps"]]


@pytest.mark.parametrize("told", UNSEEN)
def test_junit_has_an_error_where_something_was_not_seen(told: document.Document) -> None:
    root = ET.fromstring(rendered(told, "junit"))
    assert int(root.get("errors", "")) > 0
    assert [case.get("name") for case in root.iter("testcase") if case.get("name") == "clean"] == []


NAME = "[a-zA-Z_][a-zA-Z0-9_]*"
SAMPLE = re.compile(rf'({NAME})(?:\{{((?:{NAME}="(?:[^"\\\n]|\\\\|\\"|\\n)*",?)*)\}})? (\+Inf|-?[0-9.e+-]+)')
ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
LABEL = re.compile(rf'({NAME})="((?:[^"\\]|\\.)*)"')


def samples(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """The samples of the text format, read strictly: each metric in one piece after its HELP and TYPE, each sample once."""
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    ended: list[str] = []
    for line in text.removesuffix("\n").split("\n"):
        if comment := re.fullmatch(rf"# (HELP|TYPE) ({NAME}) (.+)", line):
            assert comment[2] not in ended[:-1] + ended[-1:] * (comment[1] == "HELP")
            ended += [comment[2]] * (comment[1] == "HELP")
            assert comment[1] == "HELP" or comment[3] == "gauge"
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, line
        assert sample[1] == ended[-1]
        labels = [
            (name, re.sub(r"\\.", lambda mark: ESCAPES[mark[0]], value)) for name, value in LABEL.findall(sample[2] or "")
        ]
        key = (sample[1], tuple(labels))
        assert key not in found
        found[key] = float(sample[3])
    return found


def test_prometheus_of_three_hosts() -> None:
    told = samples(rendered(NIGHT, "prometheus"))
    assert [key[1] for key, number in told.items() if key[0] == "auditkit_status" and number] == [
        (("host", "web1"), ("status", "findings")),
        (("host", "db1"), ("status", "clean")),
        (("host", "gw1"), ("status", "incomplete")),
    ]
    web = (("host", "web1"),)
    of_web = {
        name: told[f"auditkit_{name}", web] for name in ("gaps", "accepted", "logins", "login_guesses", "baseline_age_seconds")
    }
    assert of_web == {"gaps": 1, "accepted": 1, "logins": 1, "login_guesses": 120, "baseline_age_seconds": 86460}
    assert told["auditkit_last_run_timestamp_seconds", ()] == 1795487460
    assert told["auditkit_changes", (("host", "web1"), ("severity", "medium"))] == 1
    assert told["auditkit_changes_explained", (("host", "web1"), ("by", "package"), ("proof", "signed"))] == 1
    assert told["auditkit_logins_access", (("host", "web1"), ("access", "seen"))] == 1


def test_prometheus_has_no_number_that_nobody_knows() -> None:
    """Of a host that gave no answer there is neither "no changes" nor "no findings", and of a bad seal no "no changes"."""
    sealed = host("db1", untrusted="the signature is bad")
    told = samples(rendered(made(LOST, sealed, sealed | {"host": "db2", "counts": {}}), "prometheus"))
    known = {(name, dict(labels)["host"]) for name, labels in told if name in ("auditkit_changes", "auditkit_findings")}
    assert known == {("auditkit_findings", "db1")}


def test_prometheus_tells_hosts_of_one_name_apart() -> None:
    told = samples(rendered(made(host(), host(gaps=[GAP]), host("web1 (2)")), "prometheus"))
    gaps = {dict(labels)["host"]: number for (name, labels), number in told.items() if name == "auditkit_gaps"}
    assert gaps == {"web1": 0, "web1 (2)": 1, "web1 (2) (2)": 0}


@settings(max_examples=30, deadline=None)
@given(DOCUMENTS)
def test_prometheus_reads_what_was_put_in(told: document.Document) -> None:
    found = samples(rendered(told, "prometheus"))
    hosts = [dict(labels)["host"] for name, labels in found if name == "auditkit_gaps"]
    expected = told["hosts"] or [report.items.NOBODY]
    assert len(set(hosts)) == len(expected)
    assert hosts[0] == printable(expected[0]["host"])
    clean = [number for (name, labels), number in found.items() if name == "auditkit_status" and ("status", "clean") in labels]
    assert clean == [document.status(one) == "clean" for one in expected]
    info = next(labels for name, labels in found if name == "auditkit_info")
    assert info == (("command", printable(told["command"])), ("tool", printable(told["tool"])))


MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
QUIET = {"paragraph", "bullet_list", "list_item", "heading", "fence", "inline", "table", "thead", "tbody", "tr", "th", "td"}


def inlines(text: str) -> list[tuple[str, str]]:
    """Each block of a page that holds text, as its kind and the words that a reader sees."""
    found = []
    tokens = MARKDOWN.parse(text)
    for before, token in zip(["", *(one.type for one in tokens)], tokens, strict=False):
        kind = re.sub("_(open|close)$", "", token.type)
        assert kind in QUIET, kind
        for child in token.children or ():
            assert child.type in ("text", "code_inline", "strong_open", "strong_close", "text_special"), child.type
            assert child.type == "code_inline" or not re.search("://|www[.]|@", child.content), child.content
        if token.type == "fence":
            found.append(("fence", token.content))
        elif token.type == "inline":
            found.append((before.removesuffix("_open"), "".join(child.content for child in token.children or ())))
    return found


def test_markdown_of_a_night() -> None:
    assert rendered(NIGHT, "markdown", show_all=False) == (
        "# auditkit scan: findings\n\nauditkit 0.1, 2026-11-24T02:30:00Z to 2026-11-24T02:31:00Z\n\n"
        "**3 hosts: 1 with findings, 1 unreachable, 1 ok: NOT CLEAN**\n\n"
        "| Host | Status | State | Worst | Changes | Findings | Gaps |\n|---|---|---|---|---|---|---|\n"
        "| web1 | findings | findings | critical | 1 | 2 | 1 |\n| gw1 | incomplete | unreachable | \\- | 0 | 0 | 1 |\n"
        "| db1 | clean | ok | \\- | 0 | 0 | 0 |\n\nOf 1 clean host there is nothing more to tell.\n\n"
        "## web1: findings\n\n1 change, 2 findings (1 critical, 1 medium, 1 info), 1 gap, 1 risk accepted: NOT CLEAN\n\n"
        "Logins: Success seen: 1 login.\n\n"
        "### Findings: critical\n\n**uid-zero-twin**\n\n- toor has uid 0\n  - /etc/passwd:3: toor:x:0:0\n\n"
        "```\nClose it: usermod -L toor\n```\n\n"
        "### Findings: info\n\n**banner-version**\n\n- 22/tcp says its version\n\n"
        "### Changes\n\n- changed /etc/motd (medium, attributes-changed): mode 0644 → 0666\n\n"
        "### Explained\n\n- 1 change by 1 cause (package, proof: signed)\n\n"
        "### Accepted\n\n- 8080/tcp is open: accepted until 2027-03-01: the printer\n\n"
        "### Logins\n\n- 2026-11-24T01:02:03Z anna from 192.0.2.7, by publickey, supported, told by wtmp\n\n"
        "### Not seen\n\n- /root: permission denied\n\n### Notes\n\n- the policy changed\n\n"
        "## gw1: incomplete\n\nUNREACHABLE: 1 gap; nothing is known of this host\n\n### Not seen\n\n- gw1: no route to host\n\n"
        "## Next\n\n```\nauditkit accept web1 /etc/motd\n```\n\n"
    )


def test_markdown_has_the_title_of_a_rule_at_its_findings_and_its_why_once() -> None:
    rule = {"title": "*Two* with uid 0", "severity": "critical", "why": "Either is root.", "remedy": "", "references": []}
    told = rendered(NIGHT | {"rules": {"uid-zero-twin": rule}}, "markdown", show_all=False)
    assert "**uid-zero-twin**: \\*Two\\* with uid 0\n\n- toor has uid 0\n" in told
    assert told.endswith(
        "## Why it matters\n\n- **uid-zero-twin**: Either is root.\n\n## Next\n\n```\nauditkit accept web1 /etc/motd\n```\n\n"
    )


def test_markdown_folds_a_tree_and_keeps_every_gap() -> None:
    tree = [CHANGE | {"path": f"/opt/x/{number}", "change": "added", "before": None} for number in range(40)]
    top = CHANGE | {"path": "/opt/x", "change": "added", "before": None, "after": {"kind": "directory"}}
    gaps = [{"subject": f"/srv/{number}", "reason": "permission denied"} for number in range(100)]
    told = rendered(made(host(changes=[top, *tree], gaps=gaps)), "markdown")
    assert [line for line in told.splitlines() if "/opt/x" in line] == [
        "- added /opt/x and 40 entries below (medium, attributes-changed): directory"
    ]
    assert [line for line in told.splitlines() if "permission denied" in line] == [
        f"- /srv/{n}: permission denied" for n in range(100)
    ]


@settings(max_examples=40, deadline=None)
@given(DOCUMENTS)
def test_markdown_shows_what_was_put_in_and_nothing_becomes_a_mark(told: document.Document) -> None:
    found = inlines(rendered(told, "markdown"))
    words = [text for _kind, text in found]
    expected = told["hosts"] or [report.items.NOBODY]
    seen = [
        text.rpartition(": ")[0] for kind, text in found if kind == "heading" and text.rpartition(": ")[2] in document.STATUSES
    ]
    names = sorted(squeezed(f"{one['host']}: x").rpartition(":")[0] for one in expected)
    assert sorted(text.rstrip(": ") for text in seen[1:]) == sorted(name.rstrip(": ") for name in names)
    fences = [text for kind, text in found if kind == "fence"]
    for one in told["hosts"]:
        remedies = {finding["remedy"] for finding in document.apart(one) if finding["remedy"]}
        assert {f"{said(remedy)}\n" for remedy in remedies} <= set(fences)
        for gap in one["gaps"]:
            assert [text for text in words if squeezed(gap["subject"]) in text]
        for change in one["changes"]:
            assert [text for text in words if squeezed(change["path"]) in text]


def squeezed(name: str) -> str:
    """A name as a page shows it: each row of blanks is one."""
    return " ".join(printable(name).split())


@pytest.mark.parametrize("told", UNSEEN)
def test_markdown_says_what_was_not_seen(told: document.Document) -> None:
    page = rendered(told, "markdown")
    assert page.startswith("# auditkit scan: incomplete\n")
    assert "### Not seen\n" in page


@pytest.mark.parametrize("form", FORMS)
def test_a_file_appears_whole(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With -o each format is written to a file beside it that readers pass over, and then renamed."""
    saved, answer = tmp_path / "saved.json", tmp_path / "auditkit.prom"
    saved.write_text(rendered(NIGHT, "json"), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["auditkit", "report", str(saved), "--format", form, "--all", "-o", str(answer)])
    assert commands.main() == 1
    assert answer.read_bytes().decode() == rendered(NIGHT, form)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["auditkit.prom", "saved.json"]


def test_the_documents_of_these_tests_are_reports() -> None:
    for told in (NIGHT, *UNSEEN, made(host(changes=[EXPLAINED], findings=[FINDING]))):
        saved: Any = json.loads(json.dumps(told))
        assert document.check(saved, answering.schema()) == told


def test_the_page_on_formats_names_all_there_is() -> None:
    """Each format, each column, each metric."""
    page = (Path(__file__).parent.parent / "docs" / "reference" / "formats.md").read_text(encoding="utf-8")
    since = {"run": "20261129T010000Z-0a1b2c", "finished": "2026-11-29T01:10:00Z", "fixed": [], "unknown": []}
    later = made(*NIGHT["hosts"], host(since=since | {"new": 0, "still": 0, "new_gaps": 0}))
    metrics = {name for name, _labels in samples(rendered(later, "prometheus"))}
    named = set(re.findall("`([a-z_]+)`", page))
    assert {*report.FORMATS, *sheet.COLUMNS, *metrics} <= named
    assert {name for name in named if name.startswith("auditkit_")} == metrics
