"""Workers that die: what killed them is a gap, the rest of the tree is whole, and nothing hangs or is left running."""

import contextlib
import faulthandler
import mmap
import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import Cli, fill, seen

from auditkit.probe import digest, look, walk


@pytest.fixture
def large(cli: Cli) -> Path:
    """A file that is mapped when it is read, and a tree around it."""
    fill(cli.tree, 8)
    place = cli.tree / "dir04/large"
    place.touch()
    os.truncate(place, 2 * digest.WINDOW)
    return place


def test_a_mapped_file_that_is_cut_takes_nobody_along(cli: Cli, large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = digest.Digest.update

    def update(self: digest.Digest, data: Any) -> None:
        if isinstance(data, mmap.mmap):
            faulthandler.disable()
            os.truncate(large, 5)  # what the mapping shows is gone: SIGBUS
        plain(self, data)

    monkeypatch.setattr(digest.Digest, "update", update)
    text, gaps = seen(cli.tree)
    assert not gaps  # the second, careful reader found a file of five bytes
    (line,) = (line.split(" ") for line in text.split("\n") if line.endswith(" large"))
    assert line[6] == "5"
    assert text.count("\n/dir0") == 8
    assert "7b" not in gaps


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGBUS, signal.SIGSEGV])
def test_what_kills_every_worker_is_a_gap_and_the_rest_is_whole(
    cli: Cli, large: Path, monkeypatch: pytest.MonkeyPatch, blow: int
) -> None:
    def die(self: look.Look, handle: int, size: int) -> str:
        faulthandler.disable()
        os.kill(os.getpid(), blow)
        return ""

    monkeypatch.setattr(look.Look, "_large", die)
    text, gaps = seen(cli.tree)
    assert list(gaps) == ["/dir04"]
    assert f"signal {int(blow)}" in gaps["/dir04"]
    assert [line for line in text.split("\n") if line.startswith("/dir")] == [f"/dir{at:02}" for at in range(8) if at != 4]
    assert sum(line.endswith((" a", " b")) for line in text.split("\n")) == 14


def test_a_worker_that_fails_is_a_gap_and_the_rest_is_whole(
    cli: Cli, large: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(self: look.Look, handle: int, size: int) -> str:
        raise MemoryError

    monkeypatch.setattr(look.Look, "_large", fail)
    text, gaps = seen(cli.tree)
    assert list(gaps) == ["/dir04"]
    assert text.count("\n/dir0") == 7


def test_a_worker_killed_while_it_lists_the_root_hides_no_name_from_the_next(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(cli.tree, 8)
    once = tmp_path / "once"
    plain = walk.Walk._found

    def die(self: walk.Walk, handle: int, path: str, names: Any) -> Any:
        if handle == self.chain.root and not once.exists():
            once.touch()
            listing = os.scandir(handle)
            next(listing)  # the kernel has handed out the whole small directory: the handle stands at its end
            os.kill(os.getpid(), signal.SIGKILL)
        return plain(self, handle, path, names)

    monkeypatch.setattr(walk.Walk, "_found", die)
    text, gaps = seen(cli.tree)
    assert once.exists()
    assert not gaps
    assert text.count("\n/dir0") == 8


def test_workers_killed_from_outside_leave_a_whole_scan_or_gaps(cli: Cli) -> None:
    fill(cli.tree, 60)
    for at in range(60):
        (cli.tree / f"dir{at:02}/large").write_bytes(os.urandom(1 << 20))
    assert cli.baseline().code == 0
    killed = 0
    for _ in range(8):
        process = cli.start("check", cli.host, "--store", str(cli.store), "--jobs", "2", "--format", "json")
        while process.poll() is None and not (workers := children(process.pid)):
            pass
        for worker in workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()
                killed += 1
        told = cli.end(process)
        assert not told.changes
        assert told.code in (0, 3)
    assert killed


def children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def test_nothing_is_left_running_when_auditkit_is_killed(cli: Cli) -> None:
    fill(cli.tree)
    for at in range(30):
        os.truncate(cli.tree / f"dir{at:02}/a", 1 << 28)
    process = cli.start("baseline", cli.host, "--store", str(cli.store), "--policy", str(cli.policy), "--jobs", "2")
    while process.poll() is None and not (workers := children(process.pid)):
        pass
    process.kill()
    process.communicate()
    _gone, alive = psutil.wait_procs(workers, timeout=30)
    assert not alive
    assert cli.baselines() == []


def test_what_is_not_reached_in_time_is_a_gap_and_nothing_is_removed(cli: Cli) -> None:
    for number in range(200):
        (cli.tree / f"d{number}").mkdir()
        (cli.tree / f"d{number}" / "file").write_bytes(bytes(200_000))
    assert cli.baseline().code == 0
    told = cli.check("--timeout", "0.001")
    assert told.code == 3, told.changes
    assert "not reached within 0.001 seconds: raise --timeout" in set(told.gaps.values())
    assert told.changes == {}
    assert cli.check("--timeout", "50").code == 0
