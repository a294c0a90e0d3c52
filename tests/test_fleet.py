"""Many hosts at once: words become hosts, what goes wrong with one is its own, nothing is lost when a run is cut short."""

import json
import os
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner
from conftest import SCHEMA, write_policy
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from auditkit import fleet, report, runs
from auditkit.commands import answering, asking, options, progress, running
from auditkit.commands.line import auditkit
from auditkit.config import Config, HostConfig
from auditkit.errors import AuditkitError, FormatError, HostError, LastingError, UntrustedError, UsageError
from auditkit.fleet import Limits, Result
from auditkit.hosts import Host, Reach, kind_of, named, open_host
from auditkit.hosts.root import Root
from auditkit.model import Finding, Gap, HostReport, Rule, Severity, State
from auditkit.report import document

OFFICE = Config(
    hosts={
        "srv-01": HostConfig("srv-01", groups=("servers", "linux")),
        "srv-02": HostConfig("srv-02", groups=("servers",)),
        "ws-03": HostConfig("ws-03", groups=("linux",)),
        "root": HostConfig("root"),
    }
)
NIGHT = datetime(2026, 11, 24, 2, 30, tzinfo=UTC)


# which hosts are meant


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("local",), ("local",)),
        (("@servers",), ("srv-01", "srv-02")),
        (("@all",), ("srv-01", "srv-02", "ws-03", "root")),
        (("ws-03", "@linux", "local", "ws-03"), ("ws-03", "srv-01", "local")),
        (
            ("root", "root:/mnt", "ssh://anna@10.0.0.1", "evidence:a b"),
            ("root", "root:/mnt", "ssh://anna@10.0.0.1", "evidence:a b"),
        ),
    ],
)
def test_groups_become_their_hosts_each_once_and_in_order(words: tuple[str, ...], meant: tuple[str, ...]) -> None:
    assert named(words, OFFICE) == meant


@pytest.mark.parametrize(
    ("word", "config", "error", "hint"),
    [
        ("srv-1", OFFICE, "srv-1 is no host of auditkit.yaml", "check the spelling: did you mean srv-01?"),
        ("lokal", OFFICE, "lokal is no host of auditkit.yaml", "check the spelling: did you mean local?"),
        ("srv-1", Config(), "srv-1 is no host of auditkit.yaml", "name it under hosts: there, or write ssh://[user@]host"),
        ("@serverz", OFFICE, "@serverz is no group of auditkit.yaml", "check the spelling: did you mean @servers?"),
        ("@all", Config(), "there are no hosts in auditkit.yaml", "name them under hosts:"),
        ("root", Config(), "root is no host of auditkit.yaml", "name it under hosts: there, or write ssh://[user@]host"),
        ("", OFFICE, " is no host of auditkit.yaml", "choose from: local, root, srv-01, srv-02, ws-03"),
        ("x\x1b[2J:", OFFICE, "x\\x1b[2J: is no host that auditkit knows how to reach", "name `local`, a host of"),
    ],
)
def test_a_word_that_is_no_host_is_refused_with_the_nearest_one(word: str, config: Config, error: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        named((word,), config)
    assert str(refused.value) == error
    assert refused.value.hint.startswith(hint)


def test_a_password_in_a_word_is_refused_before_anything_is_asked_and_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        named(["srv-01", "ssh://a:geheim1@192.168.10.2"], OFFICE)
    assert "geheim1" not in f"{caught.value} {caught.value.hint}"


@given(st.binary(max_size=40) | st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace")))
def test_any_word_is_a_host_or_refused(word: bytes) -> None:
    told = ""
    try:
        assert kind_of(os.fsdecode(word), OFFICE) in ("local", "root", "ssh", "evidence")
    except UsageError as error:
        told = str(error)
    assert told.isprintable()


# jobs


def results(*words: str, job: Callable[[str], Any], **more: Any) -> dict[str, Result[Any]]:
    """What came of each host."""
    return {result.word: result for result in fleet.run(words, job, **more)}


def test_errors_are_values_and_a_crash_is_told_without_its_text() -> None:
    def job(word: str) -> int:
        if word == "down":
            raise HostError("no answer", "switch it on", State.TIMEOUT)
        if word == "crash":
            raise KeyError("the password is hunter2")
        return len(word)

    told = results("fine", "down", "crash", "root:/x", job=job)
    assert (told["fine"].value, told["fine"].error) == (4, None)
    assert told["root:/x"].value == 7
    assert str(told["down"].error) == "no answer"
    crash = told["crash"].error
    assert isinstance(crash, HostError)
    assert (str(crash), crash.state) == ("auditkit failed on it: KeyError", State.PARTIAL)
    assert "hunter2" not in crash.hint
    assert crash.hint.startswith("report this as a mistake of auditkit: KeyError at test_fleet.py:")


def test_what_needs_no_network_runs_first_and_here_for_it_forks() -> None:
    where: dict[str, int] = {}

    def job(word: str) -> None:
        where[word] = threading.get_ident()

    results("a", "local", "b", "evidence:x", job=job)
    me = threading.get_ident()
    assert list(where)[:2] == ["local", "evidence:x"]
    assert where["local"] == where["evidence:x"] == me
    assert me not in (where["a"], where["b"])


def test_only_so_many_hosts_are_asked_at_once() -> None:
    """Two at once: a barrier of two is passed by all six, and never are three inside."""
    barrier, inside, most, lock = threading.Barrier(2), 0, 0, threading.Lock()

    def job(_word: str) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        barrier.wait(30)
        with lock:
            inside -= 1

    told = results(*"abcdef", job=job, limits=Limits(parallel=2))
    assert [result.error for result in told.values()] == [None] * 6
    assert most == 2


def test_a_host_that_never_ends_is_left_behind() -> None:
    over = threading.Event()

    def job(word: str) -> str:
        if word == "hangs":
            over.wait()
        return word

    told = results("hangs", "works", job=job, limits=Limits(parallel=1, seconds=0.01 - fleet.GRACE))
    over.set()
    assert told["works"].value == "works"
    assert isinstance(told["hangs"].error, HostError)
    assert told["hangs"].error.state is State.TIMEOUT


def test_on_an_interrupt_what_is_done_is_told_and_the_rest_is_unfinished() -> None:
    over = threading.Event()

    def job(word: str) -> str:
        if word == "slow":
            over.wait()
        return word

    def interrupt() -> None:
        if done:
            raise KeyboardInterrupt

    done: dict[str, Result[str]] = {}
    for result in fleet.run(("quick", "slow", "waiting"), job, Limits(parallel=1), tick=interrupt):
        done[result.word] = result
    over.set()
    assert done["quick"].value == "quick"
    assert [str(done[word].error) for word in ("slow", "waiting")] == ["interrupted before it was finished"] * 2


class Lossy(Executor):
    """A pool whose worker dies with the second job."""

    def __init__(self) -> None:
        self.jobs = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Run it, or lose it."""
        self.jobs += 1
        future: Future[Any] = Future()
        if self.jobs == 2:
            future.set_exception(RuntimeError("worker died"))
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def test_any_executor_will_do_and_a_job_it_loses_is_one_hosts_trouble() -> None:
    told = results("a", "b", "c", job=str.upper, pool=Lossy())
    assert (told["a"].value, str(told["b"].error), told["c"].value) == ("A", "auditkit failed on it: RuntimeError", "C")


# trying again


class Gate:
    """Answers tries to reach a host with states, in their order, then lets in."""

    def __init__(self, *states: State) -> None:
        self.states = list(states)
        self.error = HostError
        self.timeouts: list[float | None] = []
        self.pauses: list[float] = []

    def __call__(self, word: str, reach: Reach) -> Host:
        """One try."""
        self.timeouts.append(reach.timeout)
        if self.states:
            raise self.error("no", state=self.states.pop(0))
        return Root(word, "/nowhere")

    def open(self, word: str = "srv-01", **reach: Any) -> Host:
        """Open the host through `fleet.opened`."""
        return fleet.opened(word, Reach(OFFICE, **reach), sleep=self.pauses.append)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    """The way to every host."""
    made = Gate()
    monkeypatch.setattr(fleet, "open_host", made)
    return made


@pytest.mark.parametrize("state", sorted(fleet.PAUSES))
def test_who_did_not_answer_is_asked_twice_more(gate: Gate, state: State) -> None:
    gate.states = [state, state]
    assert gate.open().name == "srv-01"
    shortest, longer = fleet.PAUSES[state]
    assert shortest <= gate.pauses[0] <= shortest * fleet.JITTER
    assert longer <= gate.pauses[1] <= longer * fleet.JITTER
    gate.states = [state] * 3
    with pytest.raises(HostError):
        gate.open()


@pytest.mark.parametrize("state", sorted(set(State) - set(fleet.PAUSES)))
def test_who_refused_is_not_asked_again(gate: Gate, state: State) -> None:
    gate.states = [state]
    with pytest.raises(HostError):
        gate.open()
    assert (len(gate.timeouts), gate.pauses) == (1, [])


def test_what_no_second_try_mends_is_not_tried_again(gate: Gate) -> None:
    gate.states, gate.error = [State.UNREACHABLE], LastingError
    with pytest.raises(LastingError):
        gate.open()
    assert gate.pauses == []


def test_a_last_try_that_had_to_be_short_does_not_hide_why(gate: Gate) -> None:
    gate.states = [State.UNREACHABLE, State.TIMEOUT]
    with pytest.raises(HostError) as caught:
        gate.open(timeout=60.0)
    assert caught.value.state is State.UNREACHABLE


def test_a_disk_that_is_not_there_is_not_waited_for(gate: Gate) -> None:
    gate.states = [State.UNREACHABLE]
    with pytest.raises(HostError):
        gate.open("root:/mnt")
    assert gate.pauses == []


def test_all_tries_share_one_deadline(gate: Gate) -> None:
    gate.states = [State.UNREACHABLE]
    gate.open(timeout=60.0)
    first, second = gate.timeouts
    assert first == 60.0
    assert second is not None
    assert 0 < second <= 60.0
    gate.states = [State.THROTTLED]
    with pytest.raises(HostError):
        gate.open(timeout=5.0)
    assert len(gate.pauses) == 1, "a pause that outlasts the time is not begun"


# the command line over several hosts


class Office:
    """Three machines, whose disks are directories, reached as if over a network; each may be made to fail."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.troubles: dict[str, BaseException] = {}
        self.opened: list[str] = []
        self.closed: list[str] = []
        self.silent: HostError | None = None
        """What ends a scan once a directory has been told."""
        for name in ("srv-01", "srv-02", "ws-03"):
            (home / name / "etc").mkdir(parents=True)
            (home / name / "etc" / "motd").write_text("welcome\n")
            (home / name / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
        write_policy(home / "policy.yaml", ({"path": "/etc", "level": "content", "why": "a test"},))
        (home / "auditkit.yaml").write_text("hosts: {srv-01: {groups: [servers]}, srv-02: {groups: [servers]}, ws-03: {}}\n")

    def open(self, word: str, reach: Reach) -> Host:
        """A machine, or its trouble."""
        if trouble := self.troubles.get(word):
            raise trouble
        if ":" in word:
            return open_host(word, reach)
        self.opened.append(word)
        host = Root(word, str(self.home / word))
        host.facts = {"address": "192.0.2.1", "banner": "SSH-2.0-x"}
        host.close = lambda: self.closed.append(word)  # type: ignore[method-assign]
        if self.silent:
            host.scan = partial(self._to_the_first, host.scan, self.silent)  # type: ignore[method-assign]
        return host

    @staticmethod
    def _to_the_first(scan: Callable[..., Iterator[Any]], error: HostError, *asked: Any) -> Iterator[Any]:
        """Tell what is in one directory, and fall silent."""
        blocks = [block for told in scan(*asked) if told[0] == "blocks" for block in told[1]]
        yield "blocks", blocks[:1]
        raise error

    def run(self, *words: str) -> tuple[int, str, str]:
        """Exit status, stdout and stderr of a run."""
        more: tuple[str, ...] = ("--config", str(self.home / "auditkit.yaml"), "--store", str(self.home / "store"))
        if words[0] != "audit":
            more = (*more, "--jobs", "1")  # threads and forks do not mix
        told = CliRunner().invoke(auditkit, [*words, *more], standalone_mode=False)
        if isinstance(told.exception, AuditkitError):
            return told.exception.exit_code, told.stdout, f"{told.exception}\n{told.exception.hint}\n"
        if told.exception:
            raise told.exception
        return told.return_value, told.stdout, told.stderr

    def json(self, *words: str) -> tuple[int, dict[str, Any]]:
        """Exit status and the hosts of a report, which is as the schema has it."""
        code, out, _err = self.run(*words, "--format", "json")
        made = json.loads(out)
        SCHEMA.validate(made)
        assert all("state" in host for host in made["hosts"])
        return code, {host["host"]: host for host in made["hosts"]}

    def baseline(self, *words: str) -> tuple[int, str, str]:
        """Make the baselines."""
        return self.run("baseline", *words, "--policy", str(self.home / "policy.yaml"))


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    """An office with a baseline of each machine, of which one is down."""
    made = Office(tmp_path)
    monkeypatch.setattr(fleet, "open_host", made.open)
    monkeypatch.setattr(fleet, "PAUSES", {})
    assert made.baseline("@all")[0] == 0
    made.troubles["ws-03"] = HostError("no answer from 192.0.2.3", "switch it on", State.UNREACHABLE)
    return made


def states(told: dict[str, Any]) -> dict[str, str]:
    """The state of each host."""
    return {name: host["state"] for name, host in told.items()}


def test_every_host_has_its_state_and_one_that_is_down_is_never_ok(office: Office) -> None:
    code, told = office.json("check", "@all")
    assert (code, states(told)) == (3, {"srv-01": "ok", "srv-02": "ok", "ws-03": "unreachable"})
    assert told["ws-03"]["status"] == "incomplete"
    reasons = {gap["subject"]: gap["reason"] for gap in told["ws-03"]["gaps"]}
    assert reasons == {"ws-03": "no answer from 192.0.2.3; switch it on"}
    (office.home / "srv-02/etc/motd").write_text("changed\n")
    code, told = office.json("check", "@all")
    assert (code, states(told)["srv-02"]) == (1, "findings")


def test_a_host_is_opened_once_for_check_and_audits_and_closed(office: Office) -> None:
    office.opened.clear()
    office.closed.clear()
    _code, told = office.json("scan", "@servers")
    assert sorted(office.opened) == sorted(office.closed) == ["srv-01", "srv-02"]
    assert told["srv-01"]["counts"]["audits"] > 0
    assert told["srv-01"]["facts"]["connection"] == {"address": "192.0.2.1", "banner": "SSH-2.0-x"}


@pytest.mark.parametrize("state", [State.UNREACHABLE, State.TIMEOUT, State.LIED])
def test_what_a_host_told_before_it_fell_silent_counts_and_the_rest_is_a_gap(office: Office, state: State) -> None:
    etc = office.home / "srv-01" / "etc"
    (etc / "deep").mkdir()
    (etc / "deep" / "file").write_text("never told\n")
    assert office.baseline("srv-01")[0] == 0
    (etc / "motd").write_text("owned\n")
    office.silent = HostError("the connection broke", "try again", state)
    code, hosts = office.json("check", "srv-01")
    (host,) = hosts.values()
    assert [change["path"] for change in host["changes"] if change["severity"] != "low"] == ["/etc/motd"]
    assert [gap["subject"] for gap in host["gaps"]] == ["/"]
    assert (code, host["state"], host["status"]) == (1, str(state), "findings")
    (etc / "motd").write_text("welcome\n")
    assert office.run("baseline", "srv-02")[0] == 3
    code, hosts = office.json("check", "srv-02")
    assert (code, hosts["srv-02"]["state"], hosts["srv-02"]["changes"]) == (3, str(state), [])


def test_each_host_speaks_for_itself_when_there_is_no_baseline(office: Office) -> None:
    (office.home / "srv-01" / "etc" / "new").write_text("x")
    for path in (office.home / "store/baselines/srv-02").iterdir():
        path.unlink()
    code, told = office.json("check", "@servers")
    assert (code, states(told)) == (1, {"srv-01": "findings", "srv-02": "partial"})
    code, out, err = office.run("check", "srv-02")
    assert (code, out) == (2, "")
    assert err == "there is no baseline of srv-02\nmake one: auditkit baseline srv-02\n"


@pytest.mark.parametrize(
    ("trouble", "state", "code"),
    [
        (KeyError("secret"), "partial", 3),
        (HostError("its key changed", state=State.HOSTKEY_CHANGED), "hostkey-changed", 3),
        (HostError("it contradicts itself", state=State.LIED), "lied", 3),
        (UntrustedError("nobody sealed it"), "untrusted", 4),
        (FormatError("it is none"), "partial", 3),
        (MemoryError(), "partial", 3),
    ],
)
def test_the_trouble_of_one_host_is_its_own(office: Office, trouble: BaseException, state: str, code: int) -> None:
    office.troubles = {"srv-01": trouble}
    got, told = office.json("audit", "@servers")
    assert (got, told["srv-01"]["state"]) == (code, state)
    assert told["srv-02"]["counts"]["audits"] > 0
    assert "secret" not in json.dumps(told)


def test_a_single_host_that_is_down_is_reported_and_needs_no_run(office: Office) -> None:
    code, told = office.json("check", "ws-03")
    assert (code, states(told)) == (3, {"ws-03": "unreachable"})
    assert not (office.home / "store/runs").exists()


def test_baselines_are_made_of_those_that_answer(office: Office) -> None:
    code, out, err = office.baseline("@all")
    assert code == 3
    assert "srv-01: baseline 2, 3 entries by policy test" in out
    assert "ws-03: NO BASELINE: no answer from 192.0.2.3\n  hint: switch it on\n" in out
    assert sorted(err.splitlines()) == ["srv-01: ok", "srv-02: ok", "ws-03: unreachable"]


def test_evidence_is_taken_of_those_that_answer_and_each_file_is_whole(office: Office) -> None:
    code, out, err = office.run("collect", "@all", "-o", str(office.home / "taken/"))
    assert (code, err) == (2, "-o names one file for several hosts\nname a directory: -o DIR/\n")
    code, out, err = office.run("collect", "@all", "-o", f"{office.home}/taken/", "--parallel", "2")
    assert code == 3
    assert "srv-01: evidence of 1 file, 3 entries by policy test" in out
    assert "ws-03: NOTHING TAKEN: no answer from 192.0.2.3\n  hint: switch it on\n" in out
    assert sorted(err.splitlines()) == ["srv-01: ok", "srv-02: ok", "ws-03: unreachable"]
    taken = sorted((office.home / "taken").iterdir())
    assert [path.name.split(".")[0] for path in taken] == ["srv-01", "srv-02"]
    code, told = office.json("check", *(f"evidence:{path}" for path in taken))
    assert (code, states(told)) == (0, {"srv-01": "ok", "srv-02": "ok"})


def test_an_interrupt_tells_of_whom_there_is_no_evidence(office: Office) -> None:
    office.troubles = {f"root:{office.home}": KeyboardInterrupt()}
    disk = f"root:{office.home / 'srv-01'}"
    code, out, _err = office.run("collect", disk, f"root:{office.home}", "srv-02", "-o", f"{office.home}/", "--no-files")
    assert code == 3
    assert f"{disk}: evidence of" in out
    for word in (f"root:{office.home}", "srv-02"):
        assert f"{word}: NOTHING TAKEN: interrupted before it was finished" in out
    assert len(list(office.home.glob("*.evidence.zst"))) == 1


def test_a_mistake_of_every_host_is_told_before_any_is_asked(office: Office) -> None:
    office.opened.clear()
    place = ("-o", f"{office.home}/taken/")
    for words, error in (
        (("--policy", "nowhere.yaml", *place), "nowhere.yaml"),
        (("--signers", "signers", *place), "evidence without a signature would never be believed"),
        (("-o", "/proc/none/"), "/proc/none/ cannot be made: No such file or directory"),
    ):
        code, _out, err = office.run("collect", "@all", *words)
        assert (code, error in err) == (2, True), err
    assert office.opened == []


def test_the_signers_of_the_command_line_count_for_evidence_too() -> None:
    assert options.setting(signers="/keys").reach.config.signers == "/keys"


def test_changes_are_accepted_on_one_host_at_a_time(office: Office) -> None:
    (office.home / "srv-01/etc/motd").write_text("changed\n")
    code, _out, err = office.run("accept", "@servers", "--all")
    assert (code, err.splitlines()[0]) == (2, "@servers is 2 hosts")
    code, out, _err = office.run("accept", "srv-01", "/etc/motd")
    assert code == 0
    assert "srv-01: baseline 2 with 1 change accepted" in out


def test_a_reader_sees_at_once_where_to_look(office: Office) -> None:
    (office.home / "srv-02/etc/motd").write_text("changed\n")
    code, out, err = office.run("check", "@all")
    head, *lines = out.splitlines()
    assert code == 1
    assert head.split() == ["HOST", "STATE", "WORST", "CHANGES", "FINDINGS", "GAPS", "TOOK"]
    assert [line.split()[:6] for line in lines[:3]] == [
        ["srv-02", "findings", "medium", "1", "-", "-"],
        ["ws-03", "unreachable", "-", "-", "-", "1"],
        ["srv-01", "ok", "-", "-", "-", "-"],
    ]
    assert "srv-02: 1 change (1 medium): NOT CLEAN" in lines
    assert "ws-03: UNREACHABLE: 1 gap; nothing is known of this host" in lines
    assert not any(line.startswith("srv-01") for line in lines), "what is ok takes no more than its line"
    assert "3 hosts: 1 with findings, 1 unreachable, 1 ok: NOT CLEAN" in lines
    assert sorted(err.splitlines()[1:]) == ["srv-01: ok", "srv-02: findings", "ws-03: unreachable"]
    assert office.run("check", "@all", "-q")[2] == ""


# a run that is cut short


def test_a_resumed_run_asks_only_those_that_were_not_reached(office: Office) -> None:
    code, out, err = office.run("check", "@all")
    name = err.split(";")[0].removeprefix("auditkit: run ")
    assert code == 3
    assert f"  auditkit check --resume {name}" in out
    office.troubles.clear()
    office.opened.clear()
    code, told = office.json("check", "--resume", "last", "-q")
    assert (code, states(told)) == (0, {"srv-01": "ok", "srv-02": "ok", "ws-03": "ok"})
    assert office.opened == ["ws-03"]
    code, told = office.json("check", "@all", "--resume", name, "-q")
    assert (code, office.opened, len(told)) == (0, ["ws-03"], 3)


def test_what_was_said_before_there_was_a_newer_baseline_is_not_said_again(office: Office) -> None:
    assert office.run("check", "@all")[0] == 3
    assert office.baseline("srv-02")[0] == 0
    office.opened.clear()
    _code, told = office.json("check", "--resume", "last", "-q")
    assert office.opened == ["srv-02"]
    assert told["srv-02"]["baseline"]["sequence"] == 2
    assert "by the run that was continued" in told["srv-01"]["notes"][0]


def test_a_baseline_of_another_host_in_the_place_of_this_one_is_not_believed(office: Office) -> None:
    there = office.home / "store" / "baselines"
    for path in (there / "srv-02").iterdir():
        path.unlink()
    shutil.copy(there / "srv-01" / "000001.baseline.zst", there / "srv-02")
    code, told = office.json("check", "srv-02")
    assert code == 4
    assert "is a baseline of srv-01" in told["srv-02"]["untrusted"]


def test_an_interrupt_leaves_a_report_and_a_run_to_resume(office: Office) -> None:
    disk = f"root:{office.home / 'srv-01'}"
    office.troubles = {f"root:{office.home}": KeyboardInterrupt()}
    code, told = office.json("audit", disk, f"root:{office.home}", "srv-02", "-q")
    assert code in (1, 3)
    assert told[disk]["counts"]["audits"] > 0
    reason = "interrupted before it was finished"
    assert [told[name]["gaps"][0]["reason"].split(";")[0] for name in (f"root:{office.home}", "srv-02")] == [reason] * 2
    assert told["srv-02"]["state"] == "partial"
    office.troubles.clear()
    office.opened.clear()
    code, told = office.json("audit", "--resume", "last", "-q")
    assert office.opened == ["srv-02"]
    assert all(host["counts"]["audits"] > 0 for host in told.values())


def test_a_run_with_other_options_or_of_another_command_is_not_continued(office: Office) -> None:
    office.run("audit", "@all", "--only", "accounts")
    for words, error in (
        (("audit", "--resume", "last"), "with other options"),
        (("check", "--resume", "last"), "there is no run of `check` yet"),
        (("audit", "--resume", "../../etc"), "there is no run ../../etc"),
        (("audit", "--resume", "20261124T023000Z-000000"), "there is no run 2026"),
    ):
        code, _out, err = office.run(*words)
        assert code == 2
        assert error in err


def test_a_store_that_cannot_be_written_is_no_reason_to_ask_nobody(office: Office) -> None:
    (office.home / "store" / "runs").write_text("in the way")
    code, out, err = office.run("check", "@servers")
    assert code == 0
    assert "auditkit: this run cannot be resumed" in err
    assert "2 hosts: 2 ok" in out


def test_only_the_owner_may_read_what_a_run_found_and_old_runs_go(tmp_path: Path) -> None:
    for number in range(runs.KEPT + 3):
        made = runs.begin(str(tmp_path), NIGHT + timedelta(seconds=number), {"command": "check", "number": number})
    made.keep("root:/mnt/../x\udcff", {"gaps": ["\udcff"]})
    made.keep("x" * 400, {})
    made.keep("asked", {})
    assert {word for word, _host in made.kept()} == {"root:/mnt/../x\udcff", "x" * 400, "asked"}
    assert runs.found(str(tmp_path), "last", "check").asked["number"] == runs.KEPT + 2
    assert len(list((tmp_path / "runs").iterdir())) == runs.KEPT
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "runs").rglob("*") if path.is_file()}
    folders = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "runs").iterdir()}
    assert (modes, folders) == ({0o600}, {0o700})


ASKED = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
GOOD = document.of_host(HostReport("srv-01", counts={"audits": 1}, facts={"asked": ASKED}))
OLD = f"{datetime.now(UTC) - running.CURRENT:%Y-%m-%dT%H:%M:%SZ}"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, "x"]), inner, max_size=4),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=50) | JSON.map(lambda host: json.dumps({"word": "srv-01", "host": host}).encode()))
@example(json.dumps({"word": "srv-01", "host": {**GOOD, "state": "unreachable"}}).encode())
@example(json.dumps({"word": "srv-01", "host": {**GOOD, "status": "x"}}).encode())
@example(json.dumps({"word": "srv-01", "host": {**GOOD, "counts": {}}}).encode())
@example(json.dumps({"word": "srv-01", "host": {**GOOD, "gaps": [7]}}).encode())
@example(json.dumps({"word": "srv-01", "host": {**GOOD, "facts": {"asked": OLD}}}).encode())
@example(json.dumps({"word": "srv-01", "host": {**GOOD, "facts": {}}}).encode())
@example(b"[" * 100_000)
def test_a_damaged_result_is_had_again(tmp_path: Path, data: bytes) -> None:
    """Whatever stands in the file, it is a sound result of a host that is done, or as if it were not there."""
    directory = tmp_path / "run"
    directory.mkdir(exist_ok=True)
    (directory / "srv-01.json").write_bytes(data)
    kept = runs.Run("x", str(directory), {})
    for word, host in running._sound(kept, options.setting()):
        assert word == "srv-01"
        jsonschema.validate({**SHELL, "hosts": [host]}, answering.schema())
        assert host["facts"]["asked"] > OLD
    (directory / "srv-01.json").write_text(json.dumps({"word": "srv-01", "host": GOOD}))
    note = f"asked at {ASKED.replace('T', ' ')}, by the run that was continued; not again since"
    assert dict(running._sound(kept, options.setting())) == {"srv-01": {**GOOD, "notes": [note]}}


SHELL = document.to_document(document.Report("check", "auditkit 0.1", NIGHT, NIGHT, ()))


# asking a person


def test_a_question_is_put_once_for_all_hosts_and_anew_after_a_wrong_answer() -> None:
    put: list[str] = []

    def prompt(question: str) -> str:
        assert threading.get_ident() == home
        put.append(question)
        return f"answer {len(put)}"

    home, prompts = threading.get_ident(), asking.Prompts(prompt)

    def job(word: str) -> tuple[str, ...]:
        return tuple(prompts("passphrase of key") for _again in range(2 if word == "a" else 1))

    told = results("a", "b", "c", job=job, tick=prompts.serve, limits=Limits(parallel=1))
    assert told["a"].value == ("answer 1", "answer 2")
    assert told["b"].value == told["c"].value == ("answer 2",)
    assert put == ["passphrase of key"] * 2


@pytest.mark.parametrize(
    ("data", "password"),
    [(b"s3cret\nmore", "s3cret"), (b"s3cret", "s3cret"), ("pä ss\r\n".encode(), "pä ss"), (b"x" * 4096, "x" * 4096)],
)
def test_a_password_is_the_first_line_of_a_descriptor(data: bytes, password: str) -> None:
    reader, writer = os.pipe()
    os.write(writer, data)
    os.close(writer)
    prompts = asking.prompts(reader)
    os.close(reader)
    assert prompts is not None
    assert prompts("password of anna") == password


@pytest.mark.parametrize("data", [b"", b"\n", b"\xff\n", b"x" * 4097])
def test_what_is_no_password_is_refused(data: bytes) -> None:
    reader, writer = os.pipe()
    os.write(writer, data)
    os.close(writer)
    with pytest.raises(UsageError):
        asking.read(reader)
    os.close(reader)
    with pytest.raises(UsageError, match="cannot be read: Bad file descriptor"):
        asking.read(reader)


def test_nobody_is_asked_where_nobody_is() -> None:
    assert asking.prompts(None) is None, "pytest gives no terminal"


# telling


def test_the_worst_comes_first_and_every_failure_has_its_word() -> None:
    rule = Rule("uid-zero-twin", "A second account is root", Severity.CRITICAL, "Two roots.", "Close it.")
    found = HostReport("found", findings=(Finding(rule, "account toor", "toor has uid 0", Severity.CRITICAL),))
    hosts = (
        HostReport("fine", facts={"seconds": 12.0}),
        HostReport("partial", gaps=(Gap("/root", "permission denied"),)),
        *(replace(HostReport(state), state=state, gaps=(Gap(state, "x"),)) for state in document.FAILURES),
        found,
        replace(found, host="cut", state=State.TIMEOUT, gaps=(Gap("cut", "x"),)),
        HostReport("untrusted", untrusted="the seal is broken"),
    )
    made = document.to_document(document.Report("scan", "auditkit 0.1", NIGHT, NIGHT, hosts))
    SCHEMA.validate(made)
    told = "".join(report.render(made, "text", report.Options())).split("\n\n")[0].splitlines()
    rows = [tuple(line.split()[:3]) for line in told[1:]]
    assert rows[:5] == [
        ("hostkey-changed", "hostkey-changed", "-"),
        ("untrusted", "untrusted", "-"),
        ("lied", "lied", "-"),
        ("found", "findings", "critical"),
        ("cut", "timeout", "critical"),
    ]
    assert rows[-2:] == [("partial", "partial", "-"), ("fine", "ok", "-")]
    assert {state for _name, state, _worst in rows} == set(State)
    assert document.exit_code(made, None) == 4


def test_a_host_that_failed_without_a_gap_is_incomplete_all_the_same() -> None:
    made = document.to_document(document.Report("scan", "auditkit 0.1", NIGHT, NIGHT, (HostReport("a", state=State.NO_SHELL),)))
    SCHEMA.validate(made)
    assert (made["status"], made["hosts"][0]["state"], document.exit_code(made, Severity.LOW)) == ("incomplete", "no-shell", 3)


def test_a_report_from_before_there_were_states_is_read() -> None:
    made = document.to_document(document.Report("scan", "auditkit 0.1", NIGHT, NIGHT, (HostReport("a"), HostReport("b"))))
    for host in made["hosts"]:
        del host["state"]
    document.check(made, answering.schema())
    assert "2 hosts: 2 ok" in "".join(report.render(made, "text", report.Options()))


def drawn(lines: list[progress.Line], done: int, total: int) -> list[str]:
    """What the display shows, without a terminal."""
    from rich.console import Console

    console = Console(width=80, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    with console.file:
        console.print(progress._drawing(lines, done, total))
        return [line.rstrip() for line in console.export_text().splitlines()]


def test_the_display_has_a_line_for_each_host_under_way_and_never_too_many() -> None:
    def line(name: str) -> progress.Line:
        made = progress.Line(name, lambda: None)
        made.began = 0.0
        return made

    first, second = line("srv-01"), line("ws-\x1b[2J[red]")
    with first.show("checking", "srv-01", 41_208):
        first(41_208, 3 << 20)
        second.pausing(HostError("no", state=State.THROTTLED), 20.4)
        one, two, total = drawn([first, second], 12, 50)
    assert one.split("  ")[0] == "srv-01"
    assert "checking" in one
    assert "41 208 files" in one
    assert "3.0 MiB" in one
    assert two.split()[0] == "ws-\\x1b[2J[red]"
    assert "throttled, again in 20 s" in two
    assert total == "12/50 hosts"
    many = drawn([line(f"h{number}") for number in range(40)], 3, 50)
    assert (len(many), many[-1]) == (progress.LINES + 1, "3/50 hosts, 25 more under way")


def lines_of(display: progress.Display, word: str) -> Iterator[progress.Line]:
    with display.line(word) as line:
        yield line


def test_without_a_terminal_each_host_is_a_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.Display(2, quiet=False) as display:
        for line in lines_of(display, "a"):
            line(1, 1)
        display.ended("a\x1b[2J", "ok")
    with progress.Display(2, quiet=True) as display:
        display.ended("b", "ok")
    assert capsys.readouterr().err == "a\\x1b[2J: ok\n"
