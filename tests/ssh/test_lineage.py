"""What is loaded into the processes of a login: seen on real sshd, by the probe and by a shell alike, and judged."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from links import ShellLink, ShellPipe
from sshd import Sshd, hop, start

from auditkit.audits import preload
from auditkit.errors import HostError
from auditkit.hosts import recorded
from auditkit.hosts.ssh import Ssh
from auditkit.model import Evidence, Finding, Gap, Item, Severity, State
from auditkit.probe import lineage, procfs
from auditkit.ssh import Deadline, Link, Route, fetch, link
from auditkit.ssh.session import Greeting, Session
from auditkit.ssh.shell import Shell

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def judged(*processes: bytes) -> list[tuple[str, str, Severity]]:
    """Rule, message and severity of what is said of processes, the youngest first."""
    items = tuple(Item(preload.LINEAGE, f"/proc/{9 - at}/environ", data, NOW, "") for at, data in enumerate(processes))
    told = preload.judge(Evidence("host", NOW, items))
    return [(one.rule.id, one.message, one.severity) for one in told if isinstance(one, Finding)]


def test_a_host_where_nothing_is_set_is_as_it_should_be() -> None:
    assert judged(b"python3\0/usr/bin/python3.11\0", b"sudo\0/usr/bin/sudo\0LD_PRELOAD=\0", b"sshd\0/usr/sbin/sshd\0") == []


def test_a_variable_is_told_of_the_program_that_the_others_have_it_from() -> None:
    told = judged(b"python3\0LD_PRELOAD=/tmp/a.so\0", b"sh\0LD_PRELOAD=/tmp/a.so\0", b"sshd\0")
    assert told == [("loader-variable", "sh runs with LD_PRELOAD=/tmp/a.so", Severity.HIGH)]


def test_a_variable_is_quoted_as_it_is_and_told_harmlessly() -> None:
    """Who shows a quote makes it harmless: made so twice it would be another text."""
    item = Item(preload.LINEAGE, "/proc/1/environ", b"sshd\0LD_PRELOAD=/x\n\x1b[31m", NOW, "")
    (told,) = preload.judge(Evidence("host", NOW, (item,)))
    assert isinstance(told, Finding)
    assert told.message == "sshd runs with LD_PRELOAD=/x\\x0a\\x1b[31m"
    assert [quote.text for quote in told.quotes] == ["LD_PRELOAD=/x\n\x1b[31m"]


def test_a_path_of_libraries_is_a_remark() -> None:
    assert judged(b"sh\0LD_LIBRARY_PATH=/opt/cuda/lib64\0")[0][2] is Severity.LOW


def test_a_library_from_elsewhere_counts_on_the_way_in_and_not_in_the_probe() -> None:
    told = judged(b"python3\0/home/a/.venv/x.so\0", b"sshd-session\0/usr/lib/libc.so.6\0/dev/shm/x (deleted)\0")
    assert told == [("foreign-library", "sshd-session runs code of /dev/shm/x (deleted)", Severity.HIGH)]


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_no_bytes_break_the_judge(processes: list[bytes]) -> None:
    for _rule, message, _severity in judged(*processes):
        assert message.isprintable()


def test_only_what_the_loader_obeys_leaves_an_environment() -> None:
    program = "from auditkit.probe.lineage import lineage; [print(*told) for told in lineage()]"
    told = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "LD_LIBRARY_PATH": "/nowhere", "TOKEN": "secret", "LD_SDK_KEY": "secret"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "LD_LIBRARY_PATH=/nowhere" in told.split("\n", maxsplit=1)[0]
    assert f"/proc/{os.getpid()}/environ" in told
    assert "secret" not in told


SEEN = {"environ": b"LD_AUDIT=/a.so\0TOKEN=x\0", "maps": b"1-2 r-xp 0 8:1 5 /bin/sh\n"}
HINT = ": what is loaded into it and those above it is not known; look as root (become: sudo)"


def walked(monkeypatch: pytest.MonkeyPatch, *processes: tuple[int, int, OSError | None]) -> list[tuple[bytes, str]]:
    """Where a line goes, and why not on, on a machine with these processes: number, parent, why they cannot be seen."""
    known = {pid: (parent, why) for pid, parent, why in processes}

    def begun(path: bytes, _most: int = 0) -> bytes:
        _empty, _proc, pid, file = path.decode().split("/")
        parent, why = known.get(int(pid), (0, FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))))
        if why is not None:
            raise why
        return b"9 (a) b) S %d 9" % parent + b" 0" * 17 if file == "stat" else SEEN[file]

    monkeypatch.setattr(procfs, "begun", begun)
    monkeypatch.setattr(os, "getpid", lambda: 9)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    return [(path, why) for path, _data, why in lineage.lineage()]


REFUSED = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
PROBE, FIRST = (b"/proc/9/environ", ""), (b"/proc/1/environ", "")


def test_a_line_that_comes_to_pid_1_or_out_of_its_namespace_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    assert walked(monkeypatch, (9, 1, None), (1, 0, None)) == [PROBE, FIRST]
    assert walked(monkeypatch, (9, 0, None)) == [PROBE]
    assert walked(monkeypatch, (9, 1, None), (1, 0, REFUSED)) == [PROBE]  # nobody's way in


def test_a_line_that_ends_before_pid_1_leaves_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = "not in /proc, or hidden there" + HINT
    assert walked(monkeypatch, (9, 8, None), (8, 1, REFUSED)) == [PROBE, (b"/proc/8/environ", "permission denied" + HINT)]
    assert walked(monkeypatch, (9, 8, None)) == [PROBE, (b"/proc/8/environ", hidden)]  # hidepid=2
    assert walked(monkeypatch, (9, 1, None)) == [PROBE, (b"/proc/1/environ", hidden)]
    assert walked(monkeypatch) == [(b"/proc/9/environ", hidden)]  # no /proc


def test_a_line_without_end_leaves_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    told = walked(monkeypatch, (9, 8, None), (8, 9, None))
    assert told[-1] == (b"/proc/9/environ", "more than 64 processes lie between it and this one")


def test_a_machine_without_such_processes_leaves_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "freebsd14")
    assert walked(monkeypatch) == []


def test_a_parent_that_ends_meanwhile_is_no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    heirs = iter([8, 1])  # what its child says of it, at first and then
    monkeypatch.setattr(lineage, "_parent", lambda pid: next(heirs))
    monkeypatch.setattr(os, "getpid", lambda: 9)

    def process(pid: int) -> tuple[int, list[bytes]]:
        if pid == 8:
            raise ProcessLookupError(errno.ESRCH, "No such process")
        return (next(heirs) if pid == 9 else 0), [b"sh"]

    monkeypatch.setattr(lineage, "_process", process)
    assert [(path, why) for path, _data, why in lineage.lineage()] == [PROBE, FIRST]


def told_by(processes: bytes, kernel: str = "Linux 6.1 x86_64") -> list[Item | Gap]:
    """What is made of what a shell says of its processes, logged in as an ordinary user."""
    greeting = Greeting(1000, 0.0, "anna", "-", kernel)
    talk = SimpleNamespace(answers=lambda _asked: iter([processes]), tools=SimpleNamespace(greeting=greeting))
    return list(fetch._lineage(talk, preload.LINEAGE))  # type: ignore[arg-type]


def test_a_shell_that_comes_no_further_leaves_a_gap_too() -> None:
    before = b"9\0sh\0/bin/sh\0\0"
    hidden = b"8\0\0\0cat: can't open '/proc/8/stat': No such file or directory\0"
    (_item, gap) = told_by(before + hidden)
    assert gap == Gap("/proc/8/environ", "not in /proc, or hidden there" + HINT)
    (_item, gap) = told_by(before + b"8\0\0\0cat: /proc/8/environ: Permission denied\0")
    assert gap == Gap("/proc/8/environ", "permission denied" + HINT)
    assert len(told_by(before + b"1\0\0\0cat: /proc/1/environ: Permission denied\0")) == 1
    assert told_by(hidden, "FreeBSD 14.1 amd64") == []


@pytest.mark.parametrize("nothing", [b"", b"9\0\0\0\0", b"9\0sh\0/bin/sh\0\0" + b"8\0\0\0\0"])
def test_a_shell_that_says_nothing_of_its_processes_has_lied(nothing: bytes) -> None:
    with pytest.raises(HostError) as failed:
        told_by(nothing)
    assert failed.value.state is State.LIED


def test_a_gap_of_the_line_is_an_answer_to_who_asked_for_it_only() -> None:
    assert recorded.concerns(preload.LINEAGE, "/proc/8/environ")
    assert not recorded.concerns(preload.PRELOAD, "/proc/8/environ")
    assert not recorded.concerns(preload.LINEAGE, "/proc/8/maps")


def as_nobody(tmp_path: Path, options: str) -> str:
    """A program that is a shell of nobody's below one of root's, as a login is, in a /proc of its own with these options."""
    if os.geteuid():
        pytest.skip("needs root for namespaces of its own")
    enter = tmp_path / "enter"
    mount = f"mount -t proc -o {options} proc /proc"
    below = "setpriv --reuid 65534 --regid 65534 --clear-groups /bin/sh; exit $?"
    enter.write_text(f"#!/bin/sh\nexec unshare --mount --pid --fork /bin/sh -c '{mount} && /bin/sh -c \"{below}\"; exit $?'\n")
    enter.chmod(0o755)
    if subprocess.run([enter], stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode:
        pytest.skip("no such namespaces here")
    return str(enter)


@pytest.mark.parametrize(
    ("options", "why"), [("hidepid=0", "permission denied"), ("hidepid=2", "not in /proc, or hidden there")]
)
def test_a_login_that_may_not_see_who_let_it_in_says_so(tmp_path: Path, options: str, why: str) -> None:
    program, deadline = as_nobody(tmp_path, options), Deadline(60)
    host = ShellLink()
    host.run = lambda _command: ShellPipe(program, host.environment)  # type: ignore[method-assign, assignment]
    *items, gap = taken(host, deadline, shell=True)
    assert all(isinstance(one, Item) for one in items)
    assert items
    assert isinstance(gap, Gap)
    assert gap.reason == why + HINT


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library that does nothing."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler:
        pytest.skip("no C compiler to build a library with")
    (tmp_path / "foreign.c").write_text("int foreign;\n")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", tmp_path / "foreign.so", tmp_path / "foreign.c"], check=True)
    return tmp_path / "foreign.so"


@pytest.fixture
def server(tmp_path: Path, library: Path) -> Iterator[Sshd]:
    """A server that has the library in itself, and hands another variable to those who log in."""
    if os.geteuid():
        pytest.skip("only root may see what is loaded into sshd")
    env = "SetEnv LD_LIBRARY_PATH=/nowhere"
    made = start(tmp_path / "server", env, wrap=("env", f"LD_PRELOAD={library}"))
    yield made
    made.end()


def taken(host: Link, deadline: Deadline, *, shell: bool) -> list[Item | Gap]:
    """What a shell there tells, or the probe."""
    there = Shell("there", host, deadline) if shell else Ssh("there", host, Session(host, deadline, "none"), deadline)
    told = list(there.take((preload.LINEAGE,)))
    there.close()
    return told


@pytest.mark.parametrize("shell", [False, True], ids=["probe", "shell"])
def test_a_real_sshd_with_a_foreign_library_gives_itself_away(server: Sshd, library: Path, tmp_path: Path, shell: bool) -> None:
    deadline = Deadline(60)
    host = link.connect(Route((hop(server, tmp_path),)), None, deadline, None)
    told = taken(host, deadline, shell=shell)
    items = tuple(one for one in told if isinstance(one, Item))
    assert [one for one in told if isinstance(one, Gap)] == []
    found = list(preload.judge(Evidence("there", NOW, items)))
    messages = {one.message for one in found if isinstance(one, Finding)}
    assert any(message.startswith("sshd") and message.endswith(f"runs code of {library}") for message in messages)
    assert any(message.endswith("runs with LD_LIBRARY_PATH=/nowhere") for message in messages)
