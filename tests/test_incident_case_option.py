"""--case: a run is told of in the case, with its report, whatever came of it; and the case is looked at before any host."""

import json
import os
import resource
import signal
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from conftest import SCHEMA, Cli, Outcome

from auditkit import audits
from auditkit import evidence as taken
from auditkit.collect import FLEETING, by_volatility, merged
from auditkit.commands import collect as collecting
from auditkit.commands import journaling
from auditkit.commands.journaling import Record
from auditkit.errors import UntrustedError
from auditkit.evidence import Header
from auditkit.hosts import open_host
from auditkit.incident import cases, evidence
from auditkit.model import Means, Need
from auditkit.recording import Recording, Writer
from auditkit.response.nouns import Entry, Hand, Kind, Said, filed
from auditkit.response.reports import summary

HAND = Hand("anna", "ws-01", "auditkit test", datetime(2026, 11, 24, 3, 10, tzinfo=UTC))
GUESS = "2026-11-24T03:{:02}:00+00:00 srv-01 sshd[{}]: Failed password for root from 192.0.2.10 port 4000 ssh2\n"
LOGIN = "2026-11-24T03:40:00+00:00 srv-01 sshd[99]: Accepted password for root from 192.0.2.10 port 4001 ssh2\n"


@pytest.fixture
def case(cli: Cli) -> cases.Case:
    """A case in the store of the runs."""
    return cases.begun(str(cli.store), "fifty failed logins", HAND, {})[0]


@pytest.fixture
def log(cli: Cli) -> Path:
    path = cli.home / "auth.log"
    path.write_text("".join(GUESS.format(number, number) for number in range(30)) + LOGIN)
    return path


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A machine that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        yield server


def run(cli: Cli, *words: str) -> Outcome:
    return cli.run(*words, "--store", str(cli.store), "--case", "1")


def last(case: cases.Case) -> Entry:
    journal = case.read()
    assert journal.broken is None
    return journal.entries[-1]


def document(case: cases.Case, entry: Entry) -> dict[str, Any]:
    """The report that an entry tells of, as it lies there."""
    told: dict[str, Any] = json.loads(Path(case.at(filed(entry)[0].file)).read_bytes())
    SCHEMA.validate(told)
    return told


def test_the_report_is_kept_as_json_whatever_was_answered_with(cli: Cli, case: cases.Case, log: Path) -> None:
    told = run(cli, "logins", str(log), "-o", "answer.txt", "--by", "anna")
    assert (told.code, told.out) == (1, "")
    entry = last(case)
    assert (entry.said.kind, entry.hand.actor) == (Kind.COMMAND, "anna")
    data = entry.said.data
    words = ["logins", str(log), "-o", "answer.txt", "--by", "anna", "--store", str(cli.store), "--case", "1"]
    assert (data["command"], data["argv"], data["exit"], data["status"]) == ("logins", words, 1, "findings")
    kept = document(case, entry)
    verdict = kept["hosts"][0]["logins"]["verdict"]
    assert data["hosts"] == [{"host": str(log), "status": "findings", "state": "findings", "verdict": verdict}]
    assert entry.said.text == f"auditkit logins of {log}, exit status 1: findings: {verdict}"
    assert str(data["started"]) <= kept["started"] <= kept["finished"] <= str(data["finished"])
    assert "30 guesses from 192.0.2.10" in (cli.home / "answer.txt").read_text()
    assert f"case 2026-001: entry 3 tells of this run, with {filed(entry)[0].file}" in told.err
    assert [(one.entry, one.access) for one in summary(evidence.reports(case)).logins] == [(3, "seen")]


def test_what_logins_read_is_kept_once(cli: Cli, case: cases.Case, log: Path) -> None:
    first = run(cli, "logins", str(log))
    assert "case 2026-001 keeps 1 log that this reads; of one above 64 MiB only its digest" in first.err
    assert [filed(entry)[0].file for entry in case.read().entries[1:]] == [
        "evidence/0002-auth.log",
        "evidence/0003-logins.json",
    ]
    again = run(cli, "logins", str(log), "-q")
    assert (again.err, last(case).said.data["files"]) == ("", [2])
    log.write_text(log.read_text() + GUESS.format(40, 40))
    run(cli, "logins", str(log))
    assert [entry.seq for entry in case.read().entries if entry.said.kind is Kind.FILE] == [2, 5]


def test_a_log_that_is_large_is_told_of_by_its_digest(
    case: cases.Case, log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = log.with_name("small")
    small.write_text("x")
    monkeypatch.setattr(journaling, "SMALL", 1000)
    record = Record(case, "anna", quiet=False)
    other = log.with_name("other")
    other.write_text("y" * 2000)
    record.logs([str(log), str(small), str(log), str(other)])
    large, kept, another = case.read().entries[1:]
    assert (filed(large), filed(another), record.files) == ((), (), [2, 3, 4])
    assert another.said.data["sha256"] == sha256(other.read_bytes()).hexdigest()
    assert large.said.data["size"] == log.stat().st_size
    assert (
        large.said.text
        == f"a log that was read, too large to be copied by itself: {log.stat().st_size} bytes of {log}, not copied"
    )
    assert filed(kept)[0].file == "evidence/0003-small"
    assert "keeps 3 logs" in capsys.readouterr().err


def test_a_log_that_cannot_be_kept_is_read_all_the_same(
    case: cases.Case, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = Record(case, "anna", quiet=True)
    record.logs([str(log.parent), str(log)])
    assert record.lost == [f"{log.parent}: {log.parent} is a directory"]
    assert capsys.readouterr().err == f"auditkit: case 2026-001 has no copy of {log.parent}: {log.parent} is a directory\n"
    assert record.files == [2]


def test_of_very_many_logs_the_first_are_kept_and_that_is_said(
    case: cases.Case, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journaling, "MANY", 2)
    others = [log.with_name(name) for name in ("b", "c", "d")]
    for one in others:
        one.write_text(one.name)
    record = Record(case, "anna", quiet=True)
    record.logs(map(str, (log, *others)))
    assert record.files == [2, 3]
    assert record.lost == [f"{others[1]}: it and what comes after it are not kept: of one run 2 logs are"]


def test_every_command_tells_of_itself(cli: Cli, case: cases.Case, log: Path) -> None:
    """As an incident goes: what each says stands in the case, in order, and each exit status is the one it had."""
    file = str(cli.home / "e.zst")
    story: list[tuple[str, ...]] = [
        ("baseline", cli.host, "--policy", str(cli.policy)),
        ("check", cli.host),
        ("check", cli.host, "--format", "json"),
        ("accept", cli.host, "/etc/new", "--reason", "mine"),
        ("verify", str(cli.store)),
        ("diff", "0", "1"),
        ("scan", cli.host),
        ("audit", cli.host, "--only", "listeners"),
        ("logins", str(log)),
        ("collect", cli.host, "--no-files", "-o", file),
    ]
    for number, words in enumerate(story):
        if number == 2:
            (cli.tree / "etc/new").write_text("new")
        told = run(cli, *(str(cli.baselines()[int(word)]) if word in ("0", "1") else word for word in words))
        assert told.code in (0, 1, 3), told.err
        entry = last(case)
        assert (entry.said.data["command"], entry.said.data["exit"]) == (words[0], told.code)
        if words[0] in ("baseline", "accept", "verify", "collect"):
            assert entry.said.data["lines"] == told.out.splitlines()
        else:
            assert document(case, entry)["command"] == words[0]
    ran = summary(evidence.reports(case), case.read().entries)
    assert [one.command for one in ran.ran] == [words[0] for words in story]
    assert ran.not_run == ()
    files = [entry.said for entry in case.read().entries if entry.said.kind is Kind.FILE]
    assert [said.data.get("baseline") for said in files] == [1, 2, None, None]
    assert Path(case.at(str(files[0].data["file"]))).read_bytes() == cli.baselines()[0].read_bytes()
    assert cli.run("incident", "verify", "1", "--store", str(cli.store)).code == 0


def test_evidence_that_is_taken_for_a_case_lies_in_it_with_its_seal(cli: Cli, case: cases.Case) -> None:
    assert cli.run("keygen", "-o", "key", "--comment", "anna").code == 0
    (cli.home / "signers").write_text(f"anna {(cli.home / 'key.pub').read_text()}")
    told = run(cli, "collect", cli.host, "--no-files", "--key", "key", "--signers", "signers")
    assert told.code == 0, told.err
    taken, entry = case.read().entries[1:]
    one, seal = filed(taken)
    assert (one.file + ".sig", entry.said.data["files"]) == (seal.file, [2])
    assert taken.said.data["from"] == f"auditkit collect {cli.host}"
    assert sorted(os.listdir(case.path)) == ["evidence", "heads", "journal.jsonl", "manifest.sha256"]
    word = f"evidence:{case.at(one.file)}"
    assert cli.run("audit", word, "--signers", "signers", "--fail-on", "none").code in (0, 3)
    assert "it is not said where the evidence goes" in cli.run("collect", cli.host).err


@pytest.mark.parametrize(
    ("kind", "facts", "text", "seconds"),
    [
        ("ssh", {"clock_skew": 182.5}, "its clock is 182.5 s ahead of that of this machine", 182.5),
        ("ssh", {"clock_skew": -3}, "its clock is 3 s behind that of this machine", -3),
        ("ssh", {"clock_skew": 0.0}, "its clock agrees with that of this machine", 0.0),
        ("ssh", {}, "how its clock stood is not known", None),
        ("ssh", {"clock_skew": "late"}, "how its clock stood is not known", None),
        ("root", {}, "how its clock stood is not known", None),
        ("local", {}, "its clock is the one of this record", 0.0),
    ],
)
def test_it_is_said_by_how_much_the_clock_of_a_host_is_off(
    case: cases.Case, kind: str, facts: dict[str, object], text: str, seconds: float | None
) -> None:
    """Without that nobody can lay its logs beside others."""
    taken = Path(case.path).with_name("srv.evidence")
    taken.write_text("x")
    Record(case, None, quiet=True).evidence(str(taken), Header("srv-01", kind, HAND.time, "", facts=facts))
    said = last(case).said
    assert said.text.startswith(f"evidence of srv-01; {text}: 1 byte copied from ")
    assert said.data["clock_skew"] == seconds


# --- when it goes wrong


def test_a_run_that_fails_is_told_of_with_its_error(cli: Cli, case: cases.Case) -> None:
    told = run(cli, "check", cli.host)
    assert told.code == 2
    data = last(case).said.data
    assert (data["exit"], "there is no baseline of" in str(data["error"])) == (2, True)
    assert last(case).said.text.startswith("auditkit check, exit status 2: there is no baseline of ")
    assert run(cli, "audit", "ssh://root:s3@c/r3t@127.0.0.1").code == 2
    assert "r3t" not in Path(case.at("journal.jsonl")).read_text()
    assert last(case).said.data["argv"][1] == "ssh://root:***@127.0.0.1"  # type: ignore[index]


def test_a_run_that_is_interrupted_is_told_of(cli: Cli, case: cases.Case, silent: socket.socket) -> None:
    word = f"ssh://root@127.0.0.1:{silent.getsockname()[1]}"
    process = cli.start("audit", word, "--store", str(cli.store), "--case", "1")
    connection, _where = silent.accept()
    with connection:
        process.send_signal(signal.SIGINT)
        assert cli.end(process).code == 130
    assert last(case).said.text == "auditkit audit, exit status 130: interrupted"


def test_a_case_that_takes_nothing_more_is_refused_before_any_host_is_asked(
    cli: Cli, case: cases.Case, silent: socket.socket
) -> None:
    word = f"ssh://root@127.0.0.1:{silent.getsockname()[1]}"
    assert "there is no case 7" in cli.run("audit", word, "--store", str(cli.store), "--case", "7").err
    journal = Path(case.at("journal.jsonl"))
    before = journal.read_bytes()
    case.add(HAND, Said(Kind.CLOSED, "done"))
    closed = run(cli, "audit", word)
    assert (closed.code, "case 2026-001 was closed on 2026-11-24" in closed.err) == (2, True)
    journal.write_bytes(before.replace(b"fifty", b"forty"))
    broken = run(cli, "audit", word)
    assert (broken.code, "entry 1 of case 2026-001" in broken.err) == (4, True)
    silent.setblocking(False)
    with pytest.raises(BlockingIOError):
        silent.accept()


def test_a_case_of_somebody_else_is_refused_before_anything_is_asked(by_nobody: Cli) -> None:
    log = by_nobody.home / "auth.log"
    log.write_text(LOGIN)
    case = cases.begun(str(by_nobody.store), "of root", HAND, {})[0]
    for path in (by_nobody.store, by_nobody.store / "cases", Path(case.path), Path(case.at("evidence"))):
        path.chmod(0o755)
    Path(case.at("journal.jsonl")).chmod(0o644)
    told = run(by_nobody, "logins", str(log))
    assert (told.code, told.out) == (2, "")
    assert "case 2026-001 cannot be written\nhint: run auditkit as its owner" in told.err


def test_who_runs_it_is_asked_for_a_case_only(cli: Cli, log: Path) -> None:
    told = cli.run("logins", str(log), "--by", "anna")
    assert (told.code, "no case is named" in told.err) == (2, True)


def test_where_the_report_cannot_be_kept_the_answer_is_given_all_the_same(cli: Cli, case: cases.Case, log: Path) -> None:
    assert run(cli, "logins", str(log)).code == 1
    size = os.path.getsize(case.at("journal.jsonl"))
    cli.limits = ((resource.RLIMIT_FSIZE, size + 2000),)  # as a full disk: the log is kept already, the report is longer
    assert os.path.getsize(case.at("evidence", "0003-logins.json")) > size + 2000
    told = run(cli, "logins", str(log))
    assert (told.code, "30 guesses from 192.0.2.10" in told.out) == (2, True)
    assert "the evidence of case 2026-001 cannot be written: File too large" in told.err
    assert (len(os.listdir(case.at("evidence"))), len(case.read().entries)) == (2, 3)


def test_who_stops_reading_the_answer_has_it_in_the_case(cli: Cli, case: cases.Case, log: Path) -> None:
    process = cli.start("logins", str(log), "--store", str(cli.store), "--case", "1", "--format", "json", "-q")
    assert process.stdout
    process.stdout.close()
    process.wait(60)
    assert last(case).said.data["exit"] == 1
    assert document(case, last(case))["command"] == "logins"


def test_a_report_that_was_altered_is_not_used_and_the_record_is_untrusted(cli: Cli, case: cases.Case, log: Path) -> None:
    run(cli, "logins", str(log))
    report = Path(case.at(filed(last(case))[0].file))
    report.chmod(0o600)
    report.write_text(report.read_text().replace("192.0.2.10", "192.0.2.99"))
    assert cli.run("incident", "verify", "1", "--store", str(cli.store)).code == 4
    with pytest.raises(UntrustedError, match="is not as it was kept"):
        evidence.reports(case)


def test_two_runs_at_once_both_stand_in_the_case(cli: Cli, case: cases.Case, log: Path) -> None:
    words = ("logins", str(log), "--store", str(cli.store), "--case", "1", "-q")
    both = [cli.start(*words), cli.start(*words)]
    assert [cli.end(process).code for process in both] == [1, 1]
    assert last(case).seq >= 4
    assert len(evidence.reports(case)) == 2
    assert cli.run("incident", "verify", "1", "--store", str(cli.store)).code == 0


def test_what_was_typed_is_told_of_as_far_as_an_entry_holds_it(cli: Cli, case: cases.Case, log: Path) -> None:
    hostile = cli.home / "\x1b[2J\n"
    hostile.write_bytes(log.read_bytes())
    logs = [log.with_name(f"{number}{'x' * 240}") for number in range(300)]
    for one in logs:
        one.write_text("")
    told = run(cli, "logins", str(hostile), *map(str, logs))
    assert "\x1b" not in told.out + told.err
    data = last(case).said.data
    assert data["argv"][1] == str(hostile)  # type: ignore[index]
    assert data["argv"][-1] == "... and 6 more"  # type: ignore[index]
    assert cli.run("incident", "verify", "1", "--store", str(cli.store)).code == 0


def test_a_thousand_hosts_with_hostile_names_fit_into_an_entry(case: cases.Case) -> None:
    hosts = [
        {"host": f"{number}" + "\U0001f4a3" * 600, "status": "clean", "state": "ok", "logins": {"verdict": "\udcff" * 9000}}
        for number in range(1000)
    ]
    record = Record(case, None, quiet=True, document={"hosts": hosts, "status": "clean"})
    told = journaling._told(record, "scan", ["\U0001f4a3" * 500] * 200, 0, "")
    entry = case.add(HAND, Said(Kind.COMMAND, journaling._sentence(told), told))
    assert entry.said.text == "auditkit scan of 1000 hosts, exit status 0: clean"
    assert (entry.said.data["left_out"], len(told["hosts"]), len(told["argv"])) == (True, 10, 10)


# --- the order of volatility


def test_what_is_gone_first_is_asked_first() -> None:
    """RFC 3227, 2.1: processes and sockets before temporary files, those before disks."""
    needs = tuple(merged((*audits.needs(), *FLEETING)))
    first, then = by_volatility(needs)
    assert {*first, *then} == set(needs)
    asked_first = {(need.means, need.what) for need in first}
    for means in (Means.PROCESSES, Means.LISTENERS, Means.LIBRARIES):  # memfd and deleted programs are of processes
        assert (means, "all") in asked_first
    for path in ("/proc/net/tcp", "/proc/net/arp", "/proc/modules", "/run/systemd/transient/**"):
        assert any(what == path for _means, what in asked_first)
    assert not any(need.what.startswith(("/etc", "/var/log", "/home", "~")) for need in first)
    assert all(need.means is not Means.LOG or need.what.startswith("/run/") for need in first)


def test_evidence_of_a_machine_that_runs_has_what_is_gone_first_before_its_files(tmp_path: Path) -> None:
    host = open_host("local")
    needs = (Need(Means.FILE, "/etc/passwd"), Need(Means.FILE, "/proc/net/tcp"), Need(Means.PROCESSES, "all"))
    with Writer(str(tmp_path / "e"), Header("local", "local", datetime.now(UTC), "")) as writer:
        collecting._answers(Recording(host, writer), collecting._in_order(host, needs), needs)
        writer.close()
    file = taken.read(str(tmp_path / "e"))
    order = list(dict.fromkeys(told.need.what for kind, told in file.told() if kind == "item"))
    file.close()
    assert order == ["/proc/net/tcp", "all", "/etc/passwd"]


def test_evidence_of_several_hosts_lies_in_the_case_each_by_itself(cli: Cli, case: cases.Case) -> None:
    other = cli.home / "other"
    (other / "etc").mkdir(parents=True)
    told = run(cli, "collect", cli.host, f"root:{other}", "root:/nowhere/at/all", "--no-files")
    assert told.code == 3
    kept = [entry.said.data["host"] for entry in case.read().entries if entry.said.kind is Kind.FILE]
    assert sorted(map(str, kept)) == sorted([cli.host, f"root:{other}"])
    assert last(case).said.data["files"] == [2, 3]
    assert sorted(os.listdir(case.path)) == ["evidence", "heads", "journal.jsonl", "manifest.sha256"]


# --- who reads the reports


@pytest.mark.parametrize("altered", [False, True], ids=["no report", "altered"])
def test_nothing_is_made_of_a_report_that_is_none_or_was_altered(cli: Cli, case: cases.Case, altered: bool) -> None:
    said = Said(Kind.COMMAND, "auditkit logins", {"command": "logins", "exit": 0})
    entry = evidence.written(case, HAND, "logins.json", [b'{"schema": "auditkit/report/1", "hosts": [7]}'], said)
    if altered:
        report = Path(case.at(filed(entry)[0].file))
        report.chmod(0o600)
        report.write_text("{}")
    for words in (("brief", "1"), ("abuse", "1", "192.0.2.10", "-o", "letter")):
        told = cli.run("incident", *words, "--store", str(cli.store))
        assert (told.code, told.out) == (4, "")
        assert "is not as it was kept" in told.err if altered else "the report of entry 2 is none: " in told.err


@pytest.fixture
def full(case: cases.Case) -> Iterator[str]:
    """The evidence of the case on a disk that is full; its journal lies elsewhere."""
    place = case.at("evidence")
    if os.geteuid() or os.system(f"mount -t tmpfs -o size=4k none {place} 2>/dev/null"):
        pytest.skip("no tmpfs can be mounted here")
    Path(place, "filler").write_bytes(b"x" * 4096)
    yield place
    os.system(f"umount {place}")


def test_what_was_made_and_cannot_be_kept_is_told_of_and_stays_where_it_is(cli: Cli, case: cases.Case, full: str) -> None:
    for words in (("baseline", cli.host, "--policy", str(cli.policy)), ("collect", cli.host, "--no-files")):
        told = run(cli, *words)
        assert (told.code, os.listdir(full)) == (3, ["filler"])
        assert "auditkit: case 2026-001 has no copy of " in told.err
        assert Path(told.out.splitlines()[1].strip()).is_file()
        lost = str(last(case).said.data["not_kept"])
        assert "the evidence of case 2026-001 cannot be written: No space left on device" in lost
