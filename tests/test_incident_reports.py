"""What the reports in a case come to: facts with the entry that each is from; what is odd counts as unknown."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from conftest import Cli
from hypothesis import given
from hypothesis import strategies as st

from auditkit.incident import cases
from auditkit.report import reported
from auditkit.response.nouns import Entry, Hand, Kind, Said
from auditkit.response.reports import summary
from auditkit.response.summary import Kept, Summary

HAND = Hand("anna", "ws-01", "auditkit test", datetime(2026, 11, 24, 3, 10, tzinfo=UTC))
LINE = "2026-11-24T03:00:00+00:00 srv-01 sshd[1]: Failed password for root from 192.0.2.10 port 4000 ssh2\n"
NO_HOST: dict[str, Any] = {
    "host": "srv-01", "status": "clean", "untrusted": None, "baseline": None, "counts": {}, "explained": [], "changes": [],
    "findings": [], "logins": None, "facts": {}, "gaps": [], "notes": [],
}  # fmt: skip
NONE_SEEN: dict[str, Any] = {
    "access": "none-seen", "pattern": "background-noise", "coverage": "complete", "verdict": "no login seen",
    "window": {"from": None, "to": None}, "attempts": 52, "not_understood": 0, "sources": [], "successes": [],
}  # fmt: skip


def kept(seq: int, document: Any, command: str = "logins", **data: object) -> Kept:
    told = {"command": command, "exit": 0, "status": "clean", "file": f"evidence/{seq:04}-x.json", **data}
    return Kept(Entry(seq, HAND, Said(Kind.COMMAND, command, told), "", ""), document)


def report(seq: int, command: str = "logins", **host: Any) -> Kept:
    return kept(seq, {"schema": "auditkit/report/1", "command": command, "hosts": [{**NO_HOST, **host}]}, command)


def test_the_verdict_of_a_real_report_comes_with_its_numbers(cli: Cli, tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    guess = "2026-11-24T03:{:02}:00+00:00 srv-01 sshd[{}]: Failed password for root from 192.0.2.10 port 4000 ssh2\n"
    login = "2026-11-24T03:40:00+00:00 srv-01 sshd[99]: Accepted password for root from 192.0.2.10 port 4001 ssh2\n"
    log.write_text("".join(guess.format(number, number) for number in range(30)) + login)
    told = cli.run("logins", str(log), "--format", "json")
    (one,) = summary([kept(3, json.loads(told.out))]).logins
    assert (one.entry, one.host, one.access, one.attempts) == (3, str(log), "seen", 30)
    (source,) = one.sources
    assert (source.address, source.attempts, source.names, source.logins) == ("192.0.2.10", 30, 1, 1)
    (success,) = one.successes
    assert (success.user, success.address, success.method, success.ask) == ("root", "192.0.2.10", "password", "critical")
    assert one.read == (str(log),)
    (judged,) = summary([kept(3, json.loads(told.out))]).judged
    assert judged.worst[0].severity == "critical"
    assert judged.findings["critical"] == 1


def test_the_newest_verdict_counts_and_a_worse_one_before_it_is_not_forgotten() -> None:
    """Asked again with a narrower window nothing is seen: that undoes nothing."""
    seen = NONE_SEEN | {"access": "seen"}
    tampered = NONE_SEEN | {"coverage": "tamper"}
    asked = NONE_SEEN | {"successes": [{"user": "root", "ask": "critical"}]}
    reports = [report(n, logins=one) for n, one in enumerate((seen, NONE_SEEN, tampered, asked, NONE_SEEN), 2)]
    (one,) = summary(reports).logins
    assert (one.entry, one.worse_before) == (6, (2, 4, 5))
    assert summary(reversed(reports)).logins == (one,)


def test_local_is_the_machine_that_auditkit_ran_on() -> None:
    """Two people, each at his own machine, both ask `local`."""
    other = report(3, logins=NONE_SEEN, host="local")
    other = Kept(replace(other.entry, hand=replace(HAND, host="ws-02")), other.document)
    told = summary([report(2, logins=NONE_SEEN, host="local"), other])
    assert [(one.entry, one.host) for one in told.logins] == [(2, "ws-01"), (3, "ws-02")]
    assert len(told.judged) == 2


def test_changes_and_findings_are_counted_by_severity_once_each() -> None:
    change = {"path": "/etc/passwd", "rule": "changed-file", "severity": "high", "change": "changed", "explanation": None}
    again = {"subject": "/etc/passwd", "rule": "changed-file", "severity": "high", "message": "the same once more"}
    apart = {"subject": "sshd", "rule": "password-door", "severity": "medium", "message": "open"}
    explained = change | {"path": "/bin/ls", "explanation": {"by": "package", "text": "", "proof": "signed"}}
    worse = report(2, "check", changes=[change | {"severity": "critical"}])
    host = {"changes": [change, explained], "findings": [again, apart], "explained": [{"changes": 40}], "status": "findings"}
    (one,) = summary([worse, report(3, "check", **host)]).judged
    assert (one.changes, one.findings, one.explained) == ({"high": 1}, {"medium": 1}, 40)
    assert [(matter.severity, matter.subject, matter.is_change) for matter in one.worst] == [
        ("high", "/etc/passwd", True),
        ("medium", "sshd", False),
    ]
    assert (one.entry, one.worse_before) == (3, (2,))


def test_password_doors_are_those_of_the_newest_report_that_looked() -> None:
    door = {"account": "root", "from": "anywhere", "method": "password", "set_by": "default"}
    facts = {"ssh": {"password_doors": [door], "password_unknown": [{"account": "anna", "from": "", "why": "PAM"}]}}
    told = summary([report(2, "audit", facts=facts), report(3, "logins")])
    assert [(one.entry, one.account, one.origin) for one in told.doors] == [(2, "root", "anywhere")]
    assert [(one.entry, one.subject, one.reason) for one in told.lacks] == [(2, "passwords of anna", "PAM")]
    assert told.doors_known
    assert not summary([report(3, "logins")]).doors_known  # no doors seen is not: no doors


def test_what_was_not_run_is_said_and_what_failed_was_not_run() -> None:
    failed = Entry(4, HAND, Said(Kind.COMMAND, "", {"command": "audit", "exit": 3, "error": "no route"}), "", "")
    told = summary([report(3, "logins")], [failed])
    assert told.not_run == ("check", "audit", "collect")
    assert [(one.entry, one.command, one.error) for one in told.ran] == [(3, "logins", ""), (4, "audit", "no route")]
    assert summary([report(3, "scan")]).not_run == ("collect",)
    assert summary([]).not_run == ("logins", "check", "audit", "collect")


def test_gaps_are_those_of_the_newest_report() -> None:
    gap = {"subject": "/etc/shadow", "reason": "permission denied"}
    assert [one.subject for one in summary([report(2, "audit", gaps=[gap])]).lacks] == ["/etc/shadow"]
    assert summary([report(2, "audit", gaps=[gap]), report(3, "audit")]).lacks == ()


def test_what_is_no_answer_is_no_good_answer() -> None:
    (one,) = summary([report(2, logins={"access": "clean", "coverage": 7, "attempts": -1, "usual": {"days": "x"}})]).logins
    assert (one.access, one.coverage, one.attempts, one.usual) == ("cannot-tell", "gap", None, None)
    (judged,) = summary([report(2, "check", status="fine", changes=[{"severity": "none"}])]).judged
    assert (judged.status, judged.changes) == ("incomplete", {"high": 1})
    odd: tuple[object, ...] = (None, [], {}, ["srv-01"], [None, NO_HOST])
    for hosts in odd:
        assert summary([kept(2, {"hosts": hosts})]).lacks[0].reason == "a part of it is not as auditkit writes reports"


NAMES = (
    "hosts", "host", "logins", "access", "coverage", "sources", "successes", "usual", "days", "gaps", "window", "from",
    "findings", "changes", "severity", "explanation", "explained", "facts", "ssh",
    "password_doors", "password_unknown", "tamper", "read",
)  # fmt: skip
ATOMS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(("seen", "high"))
JSON = st.recursive(
    ATOMS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=8), max_leaves=40
)


@given(st.lists(st.dictionaries(st.sampled_from(NAMES), JSON), max_size=3))
def test_no_document_is_too_odd(documents: list[dict[str, Any]]) -> None:
    told = summary(kept(seq, one) for seq, one in enumerate(documents))
    assert isinstance(told, Summary)
    assert len(told.ran) == len(documents)


# --- as it is shown


def shown(*kept: Kept) -> list[str]:
    return list(reported.lines(summary(kept), 500))


def test_where_it_stands_is_a_line_for_each_host_and_command() -> None:
    change = {"path": "/etc/passwd", "rule": "changed", "severity": "high", "change": "changed", "explanation": None}
    success = {"user": "root", "ask": "critical"}
    gaps = [{"subject": "/etc/shadow", "reason": "permission denied"}]
    assert shown(
        report(2, logins=NONE_SEEN | {"access": "seen", "successes": [success], "coverage": "gap"}, status="findings"),
        report(3, "check", changes=[change, change], status="findings"),
        report(4, "audit", gaps=gaps, status="incomplete"),
        report(5, "audit", host="srv-02"),
        report(6, "check", host="srv-02", untrusted="its seal is not good", status="untrusted"),
    ) == [
        "what the reports say",
        "  srv-01: logins: success seen; 52 guesses; 1 login to ask about; the logs have a gap [entry 2]",
        "  srv-01: check: 2 changes that nothing explains (2 high); first /etc/passwd: changed [entry 3]",
        "  srv-01: audit: 1 thing could not be seen [entry 4]",
        "  srv-02: audit: clean [entry 5]",
        "  srv-02: check: UNTRUSTED: its seal is not good [entry 6]",
    ]


def test_that_it_was_worse_before_stands_first() -> None:
    (_title, line) = shown(report(2, logins=NONE_SEEN | {"access": "seen"}), report(3, logins=NONE_SEEN))
    assert line.startswith("  srv-01: logins: SAID WORSE BEFORE, in entry 2, which this does not undo; no success seen; ")


def test_hostile_texts_are_shown_harmlessly_and_bounded() -> None:
    finding = {"rule": "x", "severity": "high", "subject": "\x1b[2J" * 500, "message": "a\nb\u202e" * 500}
    told = shown(report(2, "audit", host="srv\x1b]0;x\x07", findings=[finding]))
    assert all(line.isprintable() for line in told)
    assert sum(map(len, told)) < 1000


def test_the_case_shows_it(cli: Cli) -> None:
    case = cases.begun(str(cli.store), "x", HAND, {})[0]
    (cli.home / "auth.log").write_text(LINE)
    assert cli.run("logins", f"{cli.home}/auth.log", "--case", "1", "--store", str(cli.store)).code == 0
    told = cli.run("incident", "show", case.id, "--store", str(cli.store)).out
    assert "\nwhat the reports say\n" in told
    shown_ = json.loads(cli.run("incident", "show", case.id, "--store", str(cli.store), "--format", "json").out)
    assert [(one["entry"], one["access"]) for one in shown_["reports"]["logins"]] == [(3, "none-seen")]
