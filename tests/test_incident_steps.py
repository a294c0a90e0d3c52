"""Triage as the story tells it: what is asked, what is to be done next in which order, and what of it has not been done yet."""

import os
import pty
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import SOURCE, Cli
from incidents import HOSTILE, incident, opened, told

from auditkit.incident import cases
from auditkit.response import chain, events, steps
from auditkit.response.nouns import SCHEMA, Entry, Hand, Journal, Kind, Said
from auditkit.response.steps import Triage
from auditkit.response.summary import Kept
from auditkit.response.timeline import moments

HAND = Hand("anna", "ws-03", "auditkit", datetime(2026, 11, 24, 9, 12, tzinfo=UTC))


def journal(*said: Said, **known: Any) -> Journal:
    """A journal of a case of which this is known, and what was done in it."""
    triage = Said(Kind.OBSERVATION, "triage", {"triage": Triage(**known).document()})
    all_of_it = (Said(Kind.OPENED, "x", {"schema": SCHEMA, "case": "2026-001"}), *((triage,) if known else ()), *said)
    made = Journal()
    for one in all_of_it:
        made = Journal((*made.entries, chain.following(made, HAND, one)))
    return made


def ran(command: str, *hosts: str, code: int = 0) -> Said:
    told = {"command": command, "exit": code, "status": "findings", "argv": [command], "hosts": [{"host": h} for h in hosts]}
    return Said(Kind.COMMAND, command, told)


def names(told: Journal) -> list[str]:
    return [step.name for step in steps.steps("2026-001", told)]


def commands(told: Journal) -> dict[str, str]:
    return {step.name: step.command for step in steps.steps("2026-001", told)}


REST = ["brief", "abuse", "block", "seal", "export", "close"]


@pytest.mark.parametrize(
    ("known", "order"),
    [
        ({}, ["logins", "collect", "check", "audit", "phone", *REST]),
        ({"neighbour": True, "inside": False}, ["logins", "collect", "check", "audit", "phone", *REST]),
        ({"neighbour": False}, ["logins", "collect", "check", "audit", *REST]),
        ({"inside": True}, ["collect", "logins", "check", "audit", "phone", "decide", *REST]),
    ],
)
def test_what_comes_first_is_what_cannot_wait(known: dict[str, Any], order: list[str]) -> None:
    assert names(journal(**known)) == order


def test_every_step_has_the_command_that_does_it() -> None:
    known = journal(seems="Mail of O'Brien", address="198.51.100.7", neighbour=True, inside=True, hosts=("srv-01", "@ws"))
    assert commands(known) == {
        "collect": "auditkit collect srv-01 @ws --case 2026-001",
        "logins": "auditkit logins srv-01 @ws --case 2026-001",
        "check": "auditkit check srv-01 @ws --case 2026-001",
        "audit": "auditkit audit srv-01 @ws --only persistence --case 2026-001",
        "phone": """auditkit incident note 2026-001 'what was said' --with 'Mail of O'"'"'Brien'""",
        "decide": "auditkit incident note 2026-001 'what was decided' --kind decision",
        "brief": "auditkit incident brief 2026-001 -o brief-2026-001.html",
        "abuse": "auditkit incident abuse 2026-001 198.51.100.7 -o letter-2026-001",
        "block": "auditkit incident block 2026-001 198.51.100.7",
        "seal": "auditkit incident seal 2026-001 --key agent",
        "export": "auditkit incident export 2026-001 -o 2026-001.tar.zst --key agent",
        "close": "auditkit incident close 2026-001 'how it ended'",
    }
    (collect,) = [one.command for one in steps.steps("2026-001", journal(), signed=True) if one.name == "collect"]
    assert collect == "auditkit collect --key agent --case 2026-001"
    assert "abuse" not in commands(journal(address="192.168.10.9"))  # one's own network has no abuse desk
    assert "abuse" not in commands(journal(address="169.254.7.7"))  # neither has one of the link
    elsewhere = steps.steps("2026-001", journal(), ("--store", "/srv/my store"))
    assert all(step.command.endswith(" --store '/srv/my store'") for step in elsewhere)


@pytest.mark.parametrize(
    ("done", "gone"),
    [
        (ran("logins", "local", code=1), {"logins"}),
        (ran("scan", "local", code=1), {"logins", "check", "audit"}),
        (ran("collect", "local", code=3), {"collect"}),
        (ran("check", code=2), set()),
        (
            Said(Kind.COMMAND, "--list asks nobody", {"command": "audit", "exit": 0, "argv": ["audit", "--list", "local"]}),
            set(),
        ),
        (ran("collect", code=130), set()),
        (Said(Kind.CONTACT, "called"), {"phone"}),
        (Said(Kind.CORRECTION, "called", {"corrects": 1, "kind": "contact"}), {"phone"}),
        (Said(Kind.LETTER, "a letter", {"address": "198.51.100.7"}), {"abuse"}),
        (Said(Kind.LETTER, "a brief", {"to": "brief.html"}), {"brief"}),
        (Said(Kind.PROPOSAL, "a block"), {"block"}),
        (Said(Kind.SEAL, "sealed"), {"seal"}),
        (Said(Kind.EXPORT, "exported"), {"export"}),
        (Said(Kind.CLOSED, "over"), {"logins", "collect", "check", "audit", "phone", *REST}),
    ],
    ids=lambda value: str(value.data.get("command", value.kind)) if isinstance(value, Said) else "",
)
def test_what_was_done_is_not_asked_for_again(done: Said, gone: set[str]) -> None:
    assert set(names(journal())) - set(names(journal(done))) == gone


def test_of_several_machines_those_are_named_that_nobody_has_asked_yet() -> None:
    known = {"hosts": ("srv-01", "ws-03")}
    assert commands(journal(ran("logins", "srv-01"), **known))["logins"] == "auditkit logins ws-03 --case 2026-001"
    assert "logins" not in commands(journal(ran("logins", "srv-01"), ran("scan", "ws-03"), **known))


def test_what_was_written_after_a_seal_is_to_be_sealed_too() -> None:
    told = steps.steps("2026-001", journal(Said(Kind.SEAL, "sealed"), Said(Kind.ACTION, "more")))
    assert "more was written since the last seal" in next(step.why for step in told if step.name == "seal")


@pytest.mark.parametrize(
    "data", [None, 7, [], {"seems": 1, "address": [], "hosts": "x", "neighbour": "yes", "inside": 1}, {"hosts": [1, None, {}]}]
)
def test_a_triage_that_nobody_of_us_wrote_is_none(data: Any) -> None:
    assert steps.triage(journal(Said(Kind.OBSERVATION, "x", {"triage": data}))) == Triage()


# --- what reports tell, in the timeline


def reported(seq: int, command: str, **host: Any) -> Kept:
    entry = Entry(seq, HAND, Said(Kind.COMMAND, command), "0" * 64, "0" * 64)
    return Kept(entry, {"command": command, "hosts": [{"host": "srv-01", **host}]})


LOGINS = {
    "timeline": [
        {"time": "2026-11-24T03:10:00.874198000Z", "what": "guesses begin from 198.51.100.7", "line": None},
        {
            "time": "2026-11-24T03:35:04Z",
            "what": "accepted password for anna",
            "line": {"source": "/var/log/auth.log", "line": 9},
        },
        {"time": None, "what": "at no time", "line": None},
    ],
    "gaps": [{"from": "2026-11-24T04:00:00Z", "to": "2026-11-24T05:00:00Z"}],
}
CHANGES = [
    {
        "path": "/etc/new",
        "change": "added",
        "rule": "path-added",
        "severity": "high",
        "after": {"ctime": "2026-11-24T03:40:00.1Z"},
    },
    {"path": "/etc/gone", "change": "removed", "rule": "path-removed", "severity": "high", "after": None},
    {"path": "/etc/apt", "change": "changed", "explanation": {}, "after": {"ctime": "2026-11-24T03:41:00Z"}},
    {"path": "/etc/fine", "change": "changed", "explanation": {"by": "package"}, "after": {"ctime": "2026-11-24T03:41:00Z"}},
]


def test_notes_and_what_reports_tell_stand_in_one_order() -> None:
    noted = journal(Said(Kind.OBSERVATION, "the server was slow", {"at": "2026-11-24T03:30:00Z"}))
    kept = (reported(3, "logins", logins=LOGINS), reported(4, "check", changes=CHANGES))
    lines = [f"{one.time:%H:%M:%S} {one.who}: {one.text}" for one in moments(noted, events.events(kept))]
    assert lines == [
        "03:10:00 srv-01: guesses begin from 198.51.100.7",
        "03:30:00 anna: the server was slow",
        "03:35:04 srv-01: accepted password for anna (auth.log, line 9)",
        "03:40:00 srv-01: /etc/new came (path-added)",
        "03:41:00 srv-01: /etc/apt changed ()",
        "04:00:00 srv-01: no log tells of the time from here until 2026-11-24 05:00:00Z",
        "09:12:00 anna: x",
    ]


def test_of_a_host_the_newest_report_of_a_command_counts() -> None:
    old, new = (
        reported(seq, "logins", logins={"timeline": [{"time": f"2026-11-2{seq}T03:10:00Z", "what": "x"}]}) for seq in (2, 3)
    )
    assert [one.seq for one in events.events((old, new))] == [3]


def test_more_than_anybody_reads_is_counted() -> None:
    told = events.events((reported(3, "check", changes=CHANGES[:1] * 500),))
    assert (len(told), told[-1].text) == (60, "/etc/new came (path-added); and 440 more: see the report")


@pytest.mark.parametrize(
    "value", [None, 7, "x", [], {}, [None], [7], {"timeline": 3}, [{"time": 5, "what": {}}], [{"after": 3}]]
)
def test_a_report_that_nobody_of_us_wrote_breaks_nothing(value: Any) -> None:
    for name in ("logins", "changes", "facts", "host"):
        assert list(events.events((reported(3, "x", **{name: value}),))) == []
    assert events.events((Kept(reported(3, "x").entry, {"hosts": value, "command": value}),)) == ()


# --- as its user sees it


def test_it_is_asked_nothing_where_no_person_is(cli: Cli) -> None:
    done = incident(cli, "open", "failed logins", "--seems", "mail.example", "--neighbour", "--address", " 198.51.100.7 ")
    lines = done.out.splitlines()
    assert lines[0] == cases.all_of(str(cli.store))[0].id
    assert "what to do next" in lines
    assert f"auditkit incident abuse {lines[0]} 198.51.100.7 -o letter-{lines[0]} --store {cli.store}" in done.out
    entry = cases.found(str(cli.store), "1").read().entries[1]
    assert entry.said.text == "it looks like mail.example; it comes from 198.51.100.7; they can be phoned"
    assert incident(cli, "open", "x", "--address", "evil.example").code == 2
    assert len(cases.all_of(str(cli.store))) == 1


def test_a_program_is_told_the_steps(cli: Cli) -> None:
    answer = told(cli, "open", "failed logins", "--inside", "--host", HOSTILE)
    assert [step["step"] for step in answer["steps"]][:2] == ["collect", "logins"]
    assert told(cli, "show", answer["case"])["steps"] == answer["steps"]
    shown = incident(cli, "show", answer["case"]).out
    assert "not done yet" in shown
    assert all(char.isprintable() or char == "\n" for char in shown)
    incident(cli, "close", answer["case"])
    assert told(cli, "show", answer["case"])["steps"] == []


def test_reports_in_a_case_stand_in_its_timeline_and_take_steps_away(cli: Cli, tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    lines = (
        f"2026-11-24T03:1{n}:00+00:00 srv sshd[{n}]: Failed password for root from 198.51.100.7 port 4{n} ssh2\n"
        for n in range(9)
    )
    log.write_text("".join(lines), "utf-8")
    case = opened(cli)
    cli.run("logins", str(log), "--case", case.id, "--store", str(cli.store))
    shown = " ".join(incident(cli, "show", case.id).out.split())
    assert "03:10:00Z" in shown
    assert "guesses begin from 198.51.100.7 [entry 3]" in shown
    assert "auditkit logins --case" not in shown
    report = next(Path(case.at("evidence")).glob("*logins.json"))
    report.chmod(0o600)
    report.write_text("{}", "utf-8")
    done = incident(cli, "show", case.id)
    assert (done.code, "nothing is shown of what reports tell" in " ".join(done.out.split())) == (4, True)


def at_a_terminal(cli: Cli, answers: Sequence[str | int], *words: str) -> tuple[int, str]:
    """The exit status and all that a person sees, who answers each question so, or with a signal."""
    pid, terminal = pty.fork()
    if not pid:
        argv = [sys.executable, "-m", "auditkit", "incident", "open", *words, "--store", str(cli.store)]
        os.execve(sys.executable, argv, {"PYTHONPATH": SOURCE, "HOME": str(cli.home), "TERM": "dumb", "LC_ALL": "C.UTF-8"})
    seen = b""
    with open(terminal, "rb", buffering=0) as reader:
        for answer in answers:
            seen += until_asked(reader.read)
            os.kill(pid, answer) if isinstance(answer, int) else os.write(terminal, answer.encode() + b"\n")
        with suppress(OSError):  # the other end is closed
            while piece := reader.read(4096):
                seen += piece
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode().replace("\r\n", "\n")


def until_asked(read: Callable[[int], bytes]) -> bytes:
    """What is read until a question stands there to its end."""
    seen = b""
    while not seen.endswith((b"(a name, a company) ", b"From which address? ", b"(y/n) ", b"(this one) ")):
        piece = read(1)
        assert piece, seen
        seen += piece
    return seen


def test_a_person_at_a_terminal_is_asked_and_told_what_to_do(cli: Cli) -> None:
    code, seen = at_a_terminal(
        cli, ["mail.example", "mail.example", "198.51.100.7", "y", "maybe", "no", ""], "failed", "logins"
    )
    (case,) = cases.all_of(str(cli.store))
    assert code == 0
    assert seen.startswith(f"{case.id}\nCase {case.id} is open.")
    assert "mail.example is no address" in seen  # and is asked for again
    text = "it looks like mail.example; it comes from 198.51.100.7; they can be phoned; nobody got in, as far as known"
    assert [entry.said.text for entry in case.read().entries] == ["failed logins", text]
    assert seen.index("what to do next") < seen.index("auditkit logins") < seen.index("auditkit incident note")


@pytest.mark.parametrize("end", [signal.SIGINT, "\x04"])
def test_whoever_has_no_time_for_questions_loses_nothing(cli: Cli, end: str | int) -> None:
    code, seen = at_a_terminal(cli, ["mail.example", end], "failed", "logins")
    (case,) = cases.all_of(str(cli.store))
    assert (code, "No more questions" in seen, "what to do next" in seen) == (0, True, True)
    assert [entry.said.text for entry in case.read().entries] == ["failed logins", "it looks like mail.example"]


def test_whoever_says_nothing_is_asked_nothing_twice(cli: Cli) -> None:
    words = ("failed", "--seems", "x", "--address", "198.51.100.7", "--no-neighbour", "--not-inside", "--host", "local")
    code, seen = at_a_terminal(cli, [], *words)
    assert (code, "?" in seen.partition("what to do next")[0].replace("What do you know?", "")) == (0, False)
    code, seen = at_a_terminal(cli, ["", "", "", "", ""], "failed")
    assert (code, len(cases.found(str(cli.store), "2").read().entries)) == (0, 1)
