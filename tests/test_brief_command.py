"""`auditkit incident brief`, as its user runs it: what it writes, what it keeps, and what it refuses to make a brief of."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest
from briefed import NIGHT, guesses, log, login
from conftest import Cli, Outcome

WORDS = "Guesses at passwords in the night"


@pytest.fixture
def case(cli: Cli) -> Cli:
    """A case with a report that auditkit made and kept of a log."""
    text = log(guesses(user="anna"), login("anna", "198.51.100.7", NIGHT + timedelta(minutes=20)))
    (cli.home / "auth.log").write_text(text)
    assert incident(cli, "open", WORDS).code == 0
    assert cli.run("logins", "./auth.log", "--case", "1", "--store", str(cli.store)).code == 1
    return cli


def incident(cli: Cli, *words: str) -> Outcome:
    return cli.run("incident", *words, "--store", str(cli.store))


def directory(cli: Cli) -> Path:
    (found,) = (cli.store / "cases").iterdir()
    return found


def test_a_draft_is_printed_and_nothing_is_written_down(case: Cli) -> None:
    before = sorted(directory(case).rglob("*")), (directory(case) / "journal.jsonl").read_bytes()
    told = incident(case, "brief", "1")
    assert (told.code, told.err) == (0, "")
    assert "A login that something speaks against was seen on auth.log" in " ".join(told.out.split())
    assert (sorted(directory(case).rglob("*")), (directory(case) / "journal.jsonl").read_bytes()) == before


@pytest.mark.parametrize(
    ("name", "begins"), [("b.html", "<!DOCTYPE html>"), ("b.md", f"# {WORDS}"), ("b.txt", WORDS), ("B.HTM", "<!DOCTYPE html>")]
)
def test_the_ending_says_the_format_and_the_case_keeps_what_was_handed_out(case: Cli, name: str, begins: str) -> None:
    told = incident(case, "brief", "1", "-o", name, "--recommend", "Ask Anna by telephone", "--by", "bernd")
    assert (told.code, told.out) == (0, "")
    page = (case.home / name).read_bytes()
    assert page.decode().startswith(begins)
    assert b"Opinion of bernd, not a finding: Ask Anna by telephone" in page
    last = json.loads((directory(case) / "journal.jsonl").read_text().splitlines()[-1])
    assert (last["kind"], last["actor"], last["data"]["to"]) == ("letter", "bernd", str(case.home / name))
    assert last["data"]["sha256"] == hashlib.sha256(page).hexdigest()
    assert (directory(case) / last["data"]["file"]).read_bytes() == page
    assert f"{name} is written; entry {last['seq']} of case" in told.err
    assert incident(case, "verify", "1").code == 0
    assert "bernd: brief written to" in " ".join(incident(case, "brief", "1").out.split())


def test_a_format_may_be_said_whatever_the_file_is_called(case: Cli) -> None:
    assert incident(case, "brief", "1", "-o", "b.out", "--format", "markdown", "-q").err == ""
    assert (case.home / "b.out").read_text().startswith("# ")
    assert incident(case, "brief", "1", "--format", "html").out.startswith("<!DOCTYPE html>")


def test_a_file_that_asks_for_no_format_is_refused(case: Cli) -> None:
    told = incident(case, "brief", "1", "-o", "b.pdf")
    assert (told.code, (case.home / "b.pdf").exists()) == (2, False)
    assert "b.pdf ends in none of .html, .htm, .md, .markdown, .txt" in told.err
    assert "say --format" in told.err


def test_a_word_that_accuses_is_refused_before_anything_is_written(case: Cli) -> None:
    told = incident(case, "brief", "1", "-o", "b.html", "--recommend", "Report the hackers")
    assert (told.code, (case.home / "b.html").exists()) == (2, False)
    assert 'a brief accuses nobody and does not dramatize: "hackers" in --recommend' in told.err
    assert 'hint: instead of "hackers", say what was seen' in told.err


def test_a_note_is_corrected_as_the_hint_says(case: Cli) -> None:
    incident(case, "note", "1", "Example GmbH hacked us", "--kind", "action")
    told = incident(case, "brief", "1")
    hint = told.err.split("auditkit incident note ")[1].split()
    assert (told.code, hint[1:4]) == (2, ["TEXT", "--corrects", "4"])
    incident(case, "note", hint[0], "Took auth.log off the server", *hint[2:4])
    told = incident(case, "brief", "1")
    assert (told.code, "action: Took auth.log off the server [4, 5]" in " ".join(told.out.split())) == (0, True)
    assert "hacked" not in told.out


@pytest.mark.parametrize("what", ["report", "journal", "gone"])
def test_of_a_case_that_was_changed_no_brief_is_made(case: Cli, what: str) -> None:
    (report,) = directory(case).glob("evidence/*-logins.json")
    changed = directory(case) / "journal.jsonl" if what == "journal" else report
    if what == "gone":
        report.unlink()
    else:
        changed.chmod(0o600)
        changed.write_bytes(changed.read_bytes().replace(b"198.51.100.7", b"198.51.100.8"))
    told = incident(case, "brief", "1", "-o", "b.html")
    assert (told.code, (case.home / "b.html").exists()) == (4, False)
    assert "Traceback" not in told.err


def test_a_closed_case_has_briefs_too_but_its_journal_stays(case: Cli) -> None:
    assert incident(case, "close", "1").code == 0
    before = (directory(case) / "journal.jsonl").read_bytes()
    told = incident(case, "brief", "1", "-o", "b.txt")
    assert (told.code, (directory(case) / "journal.jsonl").read_bytes()) == (0, before)
    assert "is closed: its journal does not tell of it" in told.err


def test_a_host_whose_evidence_nobody_judged_is_not_known(case: Cli) -> None:
    assert case.run("collect", f"root:{case.tree}", "--case", "1", "--store", str(case.store)).code in (0, 3)
    page = " ".join(incident(case, "brief", "1").out.split())
    assert "nobody asked. auditkit logins" in page


def test_hosts_of_auditkit_yaml_that_nobody_asked_are_not_known(case: Cli) -> None:
    (case.home / "auditkit.yaml").write_text("hosts:\n  srv-09: {address: 192.168.10.9}\n")
    assert "Whether anybody got in on srv-09: nobody asked" in " ".join(incident(case, "brief", "1").out.split())
