"""What is loaded into the processes of a login: seen on real sshd, by the probe and by a shell alike, and judged."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sshd import Sshd, hop, start

from auditkit.audits import preload
from auditkit.hosts.ssh import Ssh
from auditkit.model import Evidence, Finding, Gap, Item, Severity
from auditkit.ssh import Deadline, Link, Route, link
from auditkit.ssh.session import Session
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
