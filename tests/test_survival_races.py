"""A tree that changes under the scan: nothing from outside is let in, what could not be seen is a gap, and nothing hangs."""

import contextlib
import os
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, fill, seen

from auditkit.probe import digest, look

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root sees what another user cannot")


@contextlib.contextmanager
def meanwhile(step: Callable[[], None]) -> Iterator[None]:
    """Do a step again and again in a thread, until the block has ended."""
    stop = threading.Event()

    def again() -> None:
        while not stop.is_set():
            step()

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def until(took_place: Callable[[], bool]) -> Iterator[None]:
    """Yield thirty times, and then again until the race took place; it is none if it never does."""
    for number in range(3000):
        if number >= 30 and took_place():
            return
        yield
    pytest.fail("no race took place")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    place = tmp_path / "outside"
    (place / "deep").mkdir(parents=True)
    for name in ("OUTSIDE", "deep/OUTSIDE"):
        (place / name).write_text("nothing of this may be seen\n", "utf-8")
    return place


def test_a_directory_swapped_for_a_symlink_leads_nowhere(cli: Cli, outside: Path) -> None:
    around = fill(cli.tree)
    place, spare, link = cli.tree / "dir15/deep", cli.home / "spare", cli.home / "link"
    place.mkdir()
    (place / "inside").touch()
    os.symlink(outside, link)

    def swap() -> None:
        place.rename(spare)
        link.rename(place)
        place.rename(link)
        spare.rename(place)

    kinds: set[str] = set()
    with meanwhile(swap):
        for _ in until(lambda: len(kinds) > 1):
            text, gaps = seen(cli.tree)
            assert "OUTSIDE" not in text
            assert set(gaps) <= {"/dir15/deep"}
            blocks = [line for line in text.split("\n") if line.startswith("/")]
            assert blocks == sorted(set(blocks), key=lambda path: path.split("/"))
            assert set(around) <= set(blocks)
            kinds.add(("gap" if gaps else "") + ("inside" if "/dir15/deep\n" in text else ""))


def test_a_directory_swapped_in_the_middle_of_a_path_leads_nowhere(cli: Cli, outside: Path) -> None:
    fill(cli.tree)
    place, spare, link = cli.tree / "dir15", cli.home / "spare", cli.home / "link"
    (place / "deep").mkdir()
    os.symlink(outside, link)

    def swap() -> None:
        place.rename(spare)
        link.rename(place)
        place.rename(link)
        spare.rename(place)

    with meanwhile(swap):
        for _ in range(30):
            text, gaps = seen(cli.tree)
            assert "OUTSIDE" not in text
            assert all(path.startswith("/dir15") for path in gaps)


def test_a_path_that_is_something_else_each_time_is_never_read_as_what_it_was(cli: Cli, outside: Path) -> None:
    fill(cli.tree)
    place, new = cli.tree / "dir15/x", cli.home / "new"
    fifo = cli.home / "fifo"
    os.mkfifo(fifo)
    both = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    os.write(both, b"for somebody else")
    makers: tuple[Callable[[], object], ...] = (
        lambda: new.write_text("a file\n", "utf-8"),
        lambda: os.link(fifo, new),
        lambda: os.symlink(outside / "OUTSIDE", new),
        lambda: os.symlink(outside, new),
    )

    def swap() -> None:
        for make in makers:
            make()
            new.replace(place)

    kinds: set[str] = set()
    with meanwhile(swap):
        for _ in until(lambda: len(kinds) > 1):
            text, gaps = seen(cli.tree)
            assert set(gaps) <= {"/dir15/x"}
            lines = [line for line in text.split("\n") if line.endswith(" x")]
            kinds.update(line[0] for line in lines)
            assert not any(line.split(" ")[13].startswith("blake3") for line in lines if line[0] != "f")
            contents = {line.split(" ")[13] for line in lines if line[0] == "f"}
            assert contents <= {"?", digest.of_bytes(("blake3",))(b"a file\n"), digest.of_bytes(("blake3",))(b"")}
    assert os.read(both, 100) == b"for somebody else"
    os.close(both)


def test_a_file_that_became_a_directory_is_not_passed_over(cli: Cli) -> None:
    fill(cli.tree)
    place, spare, new = cli.tree / "dir15/x", cli.home / "spare", cli.home / "new"
    new.mkdir()
    (new / "hidden").touch()
    place.touch()

    def swap() -> None:
        place.rename(spare)
        new.rename(place)
        place.rename(new)
        spare.rename(place)

    with meanwhile(swap):
        for _ in range(30):
            text, gaps = seen(cli.tree)
            there = [line for line in text.split("\n") if line.endswith(" x") and line.startswith("d")]
            assert not there or "/dir15/x" in gaps


def test_files_that_come_and_go_break_nothing(cli: Cli) -> None:
    around = fill(cli.tree)
    made = cli.baseline()
    assert made.code == 0

    def come_and_go() -> None:
        for at in range(30):
            place = cli.tree / f"dir{at:02}/passing"
            place.write_text("here\n", "utf-8")
            place.unlink()

    with meanwhile(come_and_go):
        for _ in range(10):
            told = cli.check()
            assert told.code in (0, 1, 3)
            assert all(path.endswith("/passing") or path in around for path in told.changes)


def test_a_file_that_is_rewritten_all_the_time_is_a_gap_or_whole(cli: Cli) -> None:
    place = cli.tree / "busy"
    contents = [bytes([letter]) * 8 for letter in b"ab"]  # a word of the machine: it is copied in one go
    place.write_bytes(contents[0])
    handle = os.open(place, os.O_WRONLY)

    def rewrite() -> None:
        for content in contents:
            os.pwrite(handle, content, 0)

    whole = {digest.of_bytes(("blake3",))(content) for content in contents}
    with meanwhile(rewrite):
        for _ in range(20):
            text, gaps = seen(cli.tree)
            (line,) = (line for line in text.split("\n") if line.endswith(" busy"))
            told = line.split(" ")[13]
            assert told in whole or (told == "?" and "kept changing" in gaps["/busy"])
    os.close(handle)


def test_a_file_that_changes_at_every_look_is_tried_again_and_then_a_gap(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    place = cli.tree / "etc/passwd"
    tries = cli.home / "tries"
    plain = look.Look._content

    def content(self: look.Look, handle: int, told: Any, keep: Any) -> Any:
        with tries.open("a") as count:
            count.write("x")
        found = plain(self, handle, told, keep)
        with place.open("a") as file:
            file.write("more\n")
        return found

    monkeypatch.setattr(look.Look, "_content", content)
    text, gaps = seen(cli.tree)
    assert tries.read_text() == "x" * look.TRIES
    assert gaps == {"/etc/passwd": "it kept changing while it was read"}
    assert [line.split(" ")[13] for line in text.split("\n") if line.endswith(" passwd")] == ["?"]


@pytest.mark.parametrize("level", ["growing", "rotated"])
def test_a_log_that_grows_while_it_is_read_is_fine(cli: Cli, monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    place = cli.tree / "log"
    before = b"a line\n" * 50_000
    place.write_bytes(before)
    plain = look.Look._content

    def content(self: look.Look, handle: int, told: Any, keep: Any) -> Any:
        found = plain(self, handle, told, keep)
        with place.open("ab") as file:
            file.write(b"one more\n")
        return found

    monkeypatch.setattr(look.Look, "_content", content)
    text, gaps = seen(cli.tree, watches=[["/log", level, False, False]])
    assert not gaps
    (line,) = (line.split(" ") for line in text.split("\n") if line.endswith(" log"))
    assert line[6] == str(len(before))
    assert line[13] == digest.of_bytes(("blake3",))(before)


def test_a_log_that_shrinks_while_it_is_read_is_a_gap(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    place = cli.tree / "log"
    place.write_bytes(b"a line\n" * 50_000)
    plain = look.Look._content

    def content(self: look.Look, handle: int, told: Any, keep: Any) -> Any:
        found = plain(self, handle, told, keep)
        os.truncate(place, told[7] - 1)
        return found

    monkeypatch.setattr(look.Look, "_content", content)
    _text, gaps = seen(cli.tree, watches=[["/log", "growing", False, False]])
    assert set(gaps) == {"/log"}


def test_what_a_normal_user_cannot_read_is_a_gap_and_not_removed(by_nobody: Cli) -> None:
    cli = by_nobody
    for place in ("shut", "listed", "passed"):
        (cli.tree / place).mkdir()
        (cli.tree / place / "file").write_text("text\n", "utf-8")
    (cli.tree / "secret").write_text("text\n", "utf-8")
    for path in cli.tree.rglob("*"):
        if cli.user is not None:
            os.chown(path, cli.user, cli.user)
    assert cli.baseline().code == 0
    modes = {"shut": 0, "listed": 0o444, "passed": 0o111, "secret": 0}
    for place, mode in modes.items():
        (cli.tree / place).chmod(mode)
    try:
        told = cli.check("--fail-on", "none")
        assert told.code == 3
        assert {gap.split("/")[1] for gap in told.gaps if "/" in gap} >= set(modes)
        assert not [path for path, change in told.changes.items() if change["change"] == "removed"]
        assert told.host["status"] != "clean"
        made = cli.baseline()
        assert made.code == 3
        assert "/secret" in made.out
    finally:
        for place in modes:
            (cli.tree / place).chmod(0o755)


@ROOT
def test_what_belongs_to_root_is_a_gap_for_others(by_nobody: Cli) -> None:
    cli = by_nobody
    (cli.tree / "etc/shadow").write_text("root:*:1:\n", "utf-8")
    (cli.tree / "etc/shadow").chmod(stat.S_IRUSR)
    (cli.tree / "root").mkdir(mode=0o700)
    (cli.tree / "root/key").touch()
    made = cli.baseline()
    assert made.code == 3
    told = cli.check()
    assert told.code == 3
    assert set(told.gaps) == {"/etc/shadow", "/root"}
    (cli.tree / "root/key").unlink()
    assert not cli.check().changes


def test_a_tree_that_vanishes_ends_in_words(cli: Cli) -> None:
    fill(cli.tree)
    assert cli.baseline().code == 0
    process = cli.start("check", cli.host, "--store", str(cli.store), "--format", "json")
    shutil.rmtree(cli.tree)
    told = cli.end(process)
    assert told.code in (0, 1, 2, 3)
    after = cli.check()
    assert after.code == 3
    assert after.gaps


def test_a_stopped_reader_of_the_report_is_no_accident(cli: Cli) -> None:
    fill(cli.tree)
    assert cli.baseline().code == 0
    for at in range(30):
        shutil.rmtree(cli.tree / f"dir{at:02}")
    process = cli.start("check", cli.host, "--store", str(cli.store), "--format", "json")
    assert process.stdout
    process.stdout.close()
    assert process.stderr
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(60)
    assert process.returncode == 1
