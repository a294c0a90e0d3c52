"""Every process of this machine, and those that hide: real ones, each hidden in one of the ways that there are."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.hosts import taken_below
from auditkit.model import Gap, Item, Means, Need
from auditkit.probe import processes as probe
from auditkit.probe import procfs
from auditkit.processes import Running, Views, read

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ALL = Need(Means.PROCESSES, "all")
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
LIBRARY = "LD_LIBRARY_PATH=/nowhere/at/all"
MEMORY = """
import os, sys
handle = os.memfd_create("hidden")
os.write(handle, open("/bin/sleep", "rb").read())
os.execve(handle, ["[kworker/0:1]", "60"], {})
"""


def told() -> tuple[dict[int, Running], Views]:
    """All processes by their numbers, and what they come to."""
    found: dict[int, Running] = {}
    views = None
    for one in taken_below(b"/", (ALL,)):
        assert isinstance(one, Item), one
        noun = read(one)
        if isinstance(noun, Running):
            found[noun.pid] = noun
        else:
            assert isinstance(noun, Views), noun
            views = noun
    assert views
    return found, views


@contextmanager
def running(*words: str, environment: dict[str, str] | None = None) -> Iterator[int]:
    """A process, until the block ends; the number of it once it is what it shall be."""
    process = subprocess.Popen(words, env=environment, stdin=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def until_it_sleeps(pid: int) -> None:
    end = time.monotonic() + 20
    while b"60\0" not in Path(f"/proc/{pid}/cmdline").read_bytes()[-3:]:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_every_process_is_there_and_none_hides() -> None:
    with running("/bin/sleep", "60") as pid:
        until_it_sleeps(pid)
        found, views = told()
    one = found[pid]
    assert (one.parent, one.uid, one.kernel, one.elsewhere) == (os.getpid(), os.geteuid(), False, False)
    assert os.path.samefile(one.program, "/bin/sleep")
    assert one.arguments == ("/bin/sleep",), "what else stands on a command line is asked only of what is odd"
    assert found[os.getpid()].started is not None
    assert views.hidden == views.covered == ()
    assert views.uid == os.geteuid()


def test_what_makes_a_program_load_something_is_told_and_nothing_else_of_its_environment() -> None:
    name, value = LIBRARY.split("=")
    with running("/bin/sleep", "60", environment={name: value, "PASSWORD": "secret"}) as pid:
        one = told()[0][pid]
    assert (one.loads, one.arguments) == ((LIBRARY,), ("/bin/sleep", "60"))


def test_a_program_in_memory_and_one_that_was_deleted(tmp_path: Path) -> None:
    shutil.copy("/bin/sleep", tmp_path / "gone")
    with running(sys.executable, "-c", MEMORY) as memory, running(str(tmp_path / "gone"), "60") as gone:
        until_it_sleeps(memory)
        until_it_sleeps(gone)
        (tmp_path / "gone").unlink()
        found = told()[0]
    assert found[memory].program == "/memfd:hidden (deleted)"
    assert found[memory].arguments == ("[kworker/0:1]", "60")
    assert not found[memory].kernel
    assert found[gone].program == f"{tmp_path}/gone (deleted)"
    assert found[gone].is_gone


def test_a_program_that_a_handle_leads_to_and_that_lies_in_memory() -> None:
    handle = os.memfd_create("loader")
    try:
        os.write(handle, b"\x7fELF")
        assert told()[0][os.getpid()].memory == ("/memfd:loader (deleted)",)
        os.pwrite(handle, b"text", 0)
        assert told()[0][os.getpid()].memory == ()
    finally:
        os.close(handle)


@ROOT
def test_who_hears_packets() -> None:
    import socket

    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0):
        found, views = told()
    assert found[os.getpid()].packet
    assert views.packets == 0


INSIDE = """
import subprocess, sys
from auditkit.probe import processes
sleeper = subprocess.Popen(["/bin/sleep", "60"])
subprocess.run(["mount", "--bind", sys.argv[1], f"/proc/{sleeper.pid}"], check=True)
told = list(processes.processes())
print(sleeper.pid, told[-1][1].decode())
sleeper.kill()
"""


@ROOT
def test_a_process_that_something_is_mounted_over(tmp_path: Path) -> None:
    words = ["unshare", "--mount", "--propagation", "private", sys.executable, "-c", INSIDE, str(tmp_path)]
    tried = subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True)
    if tried.returncode:
        pytest.skip("needs mount namespaces")
    out = subprocess.run(words, capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent).stdout
    pid, _, text = out.partition(" ")
    views = json.loads(text)
    assert views["covered"] == views["hidden"] == [int(pid)]


@ROOT
def test_a_process_that_the_list_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a rootkit has it that filters what getdents(2) gives: the only way to show it without loading one."""
    with running("/bin/sleep", "60") as pid:
        plain = os.listdir
        monkeypatch.setattr(os, "listdir", lambda *path: [each for each in plain(*path) if each != str(pid)])
        found, views = told()
    assert views.hidden == (pid,)
    assert found[pid].name == "sleep"


@ROOT
def test_a_process_that_starts_between_two_looks_and_its_threads_do_not_hide(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, started = probe.numbers, list[subprocess.Popen[bytes]]()

    def numbers() -> set[int]:
        listed = plain()
        if not started:
            started.append(subprocess.Popen([sys.executable, "-c", "import threading as t\nt.Thread(target=input).start()"]))
        return listed

    monkeypatch.setattr(probe, "numbers", numbers)
    try:
        assert told()[1].hidden == ()
    finally:
        started[0].kill()
        started[0].wait()


@ROOT
def test_who_looks_from_another_namespace_is_told_so() -> None:
    program = "from auditkit.probe import processes as p; print(list(p.processes()))"
    words = ["unshare", "--pid", "--fork", sys.executable, "-c", program]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=Path(__file__).parent.parent)
    if done.returncode:
        pytest.skip("needs process namespaces")
    assert done.stdout == "[(b'/proc', None, 'it is of another namespace of processes than who looks')]\n"


def test_who_is_not_root_does_not_call_anything_hidden() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: 65534)
        patch.setattr(procfs, "some", lambda *_: b"")
        assert probe._Views({1}).hidden() == []


def test_the_numbers_go_up_to_that_of_the_last_process() -> None:
    assert probe.highest({1, 7}) <= probe.most() <= 1 << 22


MAPS = b"""\
55e0-55e1 r-xp 00000000 08:01 1 /usr/bin/sleep
55e2-55e3 r-xp 00000000 08:01 1 /usr/lib/libold.so (deleted)
55e4-55e5 rw-p 00000000 08:01 1 /tmp/data
55e6-55e7 r-xp 00000000 08:01 1 /tmp/evil .so
55e8-55e9 r-xp 00000000 00:01 1 /memfd:x (deleted)
55ea-55eb r-xp 00000000 00:01 1 /home/a/lib.so (deleted)
55ec-55ed r-xp 00000000 00:00 0 [vdso]
"""


def test_code_that_lies_where_none_should() -> None:
    assert probe.code_of(MAPS) == [b"/home/a/lib.so (deleted)", b"/memfd:x (deleted)", b"/tmp/evil .so"]


PROCESS: dict[str, object] = {
    "pid": 7, "parent": 1, "uid": 0, "started": 1.5, "name": "a", "program": "/bin/a", "arguments": [], "unit": "/",
    "kernel": False, "zombie": False, "elsewhere": False, "loads": [], "code": [], "memory": [], "packet": False,
}  # fmt: skip
VIEWS: dict[str, object] = {"uid": 0, "asked": 1, "most": 2, "groups": True, "hidden": [7], "covered": [], "packets": 0}


def item(told: dict[str, object], source: str) -> Item:
    return Item(ALL, source, json.dumps(told).encode(), NOON, "")


@pytest.mark.parametrize(
    "other",
    [{"pid": 8}, {"pid": None}, {"kernel": 1}, {"kernel": None}, {"loads": "x"}, {"code": [1]}, {"uid": -1}, {"name": None}],
    ids=str,
)
def test_what_no_host_writes_of_a_process_is_refused(other: dict[str, object]) -> None:
    assert isinstance(read(item(PROCESS, "/proc/7")), Running)
    assert isinstance(read(item(PROCESS | other, "/proc/7")), Gap)


@pytest.mark.parametrize(
    "other", [{"hidden": [0]}, {"hidden": [True]}, {"covered": ["1"]}, {"uid": None}, {"packets": -1}], ids=str
)
def test_what_no_host_writes_of_all_of_them_is_refused(other: dict[str, object]) -> None:
    assert isinstance(read(item(VIEWS, "/proc")), Views)
    assert isinstance(read(item(VIEWS | other, "/proc")), Gap)


@given(st.binary(max_size=200), st.sampled_from(["/proc", "/proc/7"]))
def test_any_bytes_are_read_or_a_gap(data: bytes, source: str) -> None:
    assert isinstance(read(Item(ALL, source, data, NOON, "")), Running | Views | Gap)


@given(st.binary(max_size=300))
def test_any_tables_are_read(data: bytes) -> None:
    probe.code_of(data)
    probe.packets(data)
    procfs.uid_of(data)
