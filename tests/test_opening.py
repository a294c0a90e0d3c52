"""Opening files: what is no file is not waited for, and a pipe only for who writes to it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from conftest import SOURCE

from auditkit import opening


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "PATIENCE", 0.2)


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def refusal(read: Callable[[str], object], path: Path | str) -> str | None:
    try:
        read(str(path))
    except OSError as error:
        return error.strerror
    return None


def regular(path: str) -> bytes:
    with open(path, "rb", opener=opening.regular) as file:
        return file.read()


def some(path: str) -> bytes:
    return opening.content(path, 1 << 20)


def test_where_a_file_should_be_nothing_else_is_read(tmp_path: Path, pipe: Path) -> None:
    (tmp_path / "file").write_bytes(b"text")
    (tmp_path / "link").symlink_to("file")
    assert (regular(str(tmp_path / "file")), regular(str(tmp_path / "link"))) == (b"text", b"text")
    for path in (pipe, "/dev/null", "/dev/zero"):
        assert refusal(regular, path) == "it is no regular file"
    assert refusal(regular, tmp_path) == "Is a directory"
    assert refusal(regular, tmp_path / "none") == "No such file or directory"


def test_of_a_named_file_no_more_is_read_than_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    assert [opening.content(str(tmp_path / "file"), most) for most in (3, 5, 9)] == [b"123", b"12345", b"12345"]
    assert opening.content("/dev/zero", 3) == bytes(3)
    assert opening.content("/dev/null", 3) == b""
    assert refusal(some, tmp_path) == "Is a directory"


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(pipe: Path) -> None:
    assert refusal(some, pipe) == "nothing comes out of this pipe"


@pytest.mark.parametrize("before", [0.0, 0.1])
def test_whoever_comes_to_write_to_a_pipe_is_waited_for(pipe: Path, before: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "PATIENCE", 60.0)

    def write() -> None:
        time.sleep(before)
        with pipe.open("wb", buffering=0) as file:
            file.write(b"1" * 70_000)  # more than a pipe holds
            file.write(b"2")

    with meanwhile(write):
        assert some(str(pipe)) == b"1" * 70_000 + b"2"


def test_whoever_has_a_pipe_open_is_waited_for_however_long_he_takes(pipe: Path) -> None:
    with open(os.open(pipe, os.O_RDWR), "wb", buffering=0) as file:  # open(2): without waiting for who reads

        def write() -> None:
            time.sleep(0.5)
            file.write(b"1")
            time.sleep(0.5)
            file.write(b"2")
            file.close()

        with meanwhile(write):
            assert some(str(pipe)) == b"12"


@contextmanager
def meanwhile(step: Callable[[], None]) -> Iterator[None]:
    """Do something in a thread, which has ended when the block has."""
    thread = Thread(target=step, daemon=True)
    thread.start()
    try:
        yield
    finally:
        thread.join(60)


@pytest.mark.parametrize("written", [b"text", b""])
def test_a_pipe_whose_writer_is_done_holds_what_he_wrote(written: bytes) -> None:
    reading, writing = os.pipe()
    os.write(writing, written)
    os.close(writing)
    try:
        if written:
            assert some(f"/dev/fd/{reading}") == written
        else:
            assert refusal(some, f"/dev/fd/{reading}") == "nothing comes out of this pipe"
    finally:
        os.close(reading)


def test_what_a_shell_puts_in_the_place_of_a_command_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "auditkit.yaml").write_text("hosts: {srv-01: {address: 192.0.2.1}}\n")
    line = f"{sys.executable} -m auditkit audit srv-02 --config <(sleep 0.3; cat auditkit.yaml)"
    environment = {**os.environ, "PYTHONPATH": SOURCE, "HOME": str(tmp_path)}
    told = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert "did you mean srv-01?" in told.stderr
