"""Processes that read logs side by side: whoever kills one of them, or who asks, leaves nothing hanging and nothing behind."""

import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import SOURCE
from fleet.machines import until

from auditkit.logins.nouns import Condition
from auditkit.logins.reading import Reading
from auditkit.logins.tally import Source
from auditkit.logs import parted, reading, workers
from auditkit.logs.files import found
from auditkit.logs.reading import How, readings
from auditkit.logs.zones import Machine

NOW = 1_795_500_000 * 10**9
LINE = b"Nov 24 09:54:53 vm sshd[%d]: Failed password for root from 192.0.2.%d port 9 ssh2\n"
CLIENT = """
import sys
from test_logs_workers import asleep
from auditkit.logs import workers
for one in workers.done(asleep, [(number,) for number in range(4)], 2, lambda _job, pid: print(pid)):
    pass
"""


def work(job: workers.Job, seen: workers.Tell) -> str:
    """Says what it was given; some of it is fatal."""
    seen(10)
    if job[0] == "fatal":
        os.kill(os.getpid(), signal.SIGKILL)
    return f"{job[0]} done"


def asleep(_job: workers.Job, seen: workers.Tell) -> None:
    """Tells which process it is, and goes on for ever."""
    seen(os.getpid())
    signal.pause()


def test_the_jobs_of_a_process_that_is_killed_are_told_and_all_others_done() -> None:
    jobs = [("one",), ("fatal",), ("two",), ("three",)]
    seen: list[tuple[int, int]] = []
    told = dict(workers.done(work, jobs, 2, lambda job, count: seen.append((job, count))))
    assert told == {0: "one done", 1: workers.KILLED, 2: "two done", 3: "three done"}
    assert set(seen) >= {(0, 10), (2, 10), (3, 10)}


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_who_is_killed_or_interrupted_leaves_no_process(how: signal.Signals) -> None:
    place = os.pathsep.join([SOURCE, str(Path(__file__).parent), str(Path(__file__).parent.parent)])
    client = subprocess.Popen(
        [sys.executable, "-u", "-c", CLIENT], env={"PYTHONPATH": place}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert client.stdout
    pids = [int(client.stdout.readline()) for _ in range(2)]
    client.send_signal(how)
    client.wait()
    client.stdout.close()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "no process is left")


def test_large_logs_read_by_several_processes_say_what_one_process_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("auth.log", "auth.log.1", "auth.log.2"):
        (tmp_path / name).write_bytes(b"".join(LINE % (number, number % 200) for number in range(3000)))
        os.utime(tmp_path / name, ns=(NOW, NOW))
    (tmp_path / "auth.log.3").touch()
    sources = tuple(found(str(tmp_path), ["/auth.log*", "/absent"]))
    alone = readings(sources, Machine(NOW), How(hands=1))
    monkeypatch.setattr(reading, "WORTH", 1)
    events, read = [0], [0]

    def told(*_event: object) -> None:
        events[0] += 1

    def show(count: int) -> None:
        read[0] += count

    assert readings(sources, Machine(NOW), How(2, show)) == alone
    assert read[0] == 3 * (tmp_path / "auth.log").stat().st_size
    assert [one.log.condition for one in alone] == [*[Condition.READ] * 3, Condition.EMPTY, Condition.ABSENT]
    readings(sources, Machine(NOW), How(2, told=told))
    assert events[0] >= 9000
    assert [one.notes.size for one in alone[:3]] == [(tmp_path / "auth.log").stat().st_size] * 3


def test_a_huge_log_read_in_parts_says_what_one_process_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "auth.log").write_bytes(b"".join(LINE % (number, number % 200) for number in range(20_000)))
    os.utime(tmp_path / "auth.log", ns=(NOW, NOW))
    sources = tuple(found(str(tmp_path), ["/auth.log"]))
    (alone,) = readings(sources, Machine(NOW), How(hands=1))
    assert alone.notes.size == sources[0].log.size
    monkeypatch.setattr(reading, "WORTH", 1)
    monkeypatch.setattr(parted, "PART", 1 << 18)
    monkeypatch.setattr(parted, "LEAST", 1 << 18)
    read = [0]

    def show(count: int) -> None:
        read[0] += count

    (together,) = readings(sources, Machine(NOW), How(2, show))
    assert together.log == alone.log
    assert together.tally.counts == alone.tally.counts
    assert together.tally.sources.keys() == alone.tally.sources.keys()
    assert (together.notes.lines, together.notes.size) == (20_000, (tmp_path / "auth.log").stat().st_size)
    assert read[0] == together.notes.size


def test_a_reading_is_gone_when_nobody_holds_it(tmp_path: Path) -> None:
    """Who reads part after part does not wait for the collector, and holds one of them."""
    (tmp_path / "auth.log").write_bytes(b"".join(LINE % (number, number % 200) for number in range(2000)))
    sources = found(str(tmp_path), ["/auth.log"])
    gc.collect()
    gc.disable()
    try:
        (one,) = readings(tuple(sources), Machine(NOW), How(hands=1))
        assert sum(isinstance(thing, Source) for thing in gc.get_objects()) >= 200
        del one
        assert not any(isinstance(thing, Source) for thing in gc.get_objects())
    finally:
        gc.enable()


def test_a_huge_log_that_is_cut_while_its_parts_are_read_is_never_taken_for_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "auth.log").write_bytes(b"".join(LINE % (number, number % 200) for number in range(20_000)))
    sources = tuple(found(str(tmp_path), ["/auth.log"]))
    os.truncate(tmp_path / "auth.log", 1 << 20)
    monkeypatch.setattr(reading, "WORTH", 1)
    monkeypatch.setattr(parted, "PART", 1 << 18)
    monkeypatch.setattr(parted, "LEAST", 1 << 18)
    (told,) = readings(sources, Machine(NOW), How(2))
    assert told.log.condition is not Condition.READ
    assert told.log.reason


def test_what_kills_whoever_reads_it_is_unreadable_and_hides_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "auth.log").write_bytes(LINE % (1, 1))
    (tmp_path / "auth.log.1").write_bytes(LINE % (2, 2))
    sources = tuple(found(str(tmp_path), ["/auth.log*"]))
    monkeypatch.setattr(reading, "WORTH", 1)
    monkeypatch.setattr(reading, "_work", fatal_for_one)
    bad, good = readings(sources, Machine(NOW), How(2))
    assert (bad.log.condition, bad.log.reason) == (Condition.UNREADABLE, reading.KILLED)
    assert good.log.condition is Condition.READ


def fatal_for_one(job: workers.Job, _seen: workers.Tell) -> Reading:
    """Reads all but auth.log."""
    source, machine, _place = job
    if source.log.name == "/auth.log":
        os.kill(os.getpid(), signal.SIGKILL)
    return reading.one(source, machine)
