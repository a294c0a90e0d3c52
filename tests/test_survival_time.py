"""Files that take longer to read than there is time: each is a gap of its own, and all else of the machine is told."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from conftest import Cli, fill, seen

from auditkit.probe import haste, look

HUGE = 60 << 30
SHORT = "too short: raise --timeout"
LATE = ("not reached within", "second look", "no change was seen")
"""What is said where there was no time for small files either."""


def huge(place: Path, size: int = HUGE) -> None:
    """A file that claims many bytes and takes no room."""
    place.touch()
    os.truncate(place, size)


@pytest.fixture
def known(cli: Cli) -> Cli:
    """A tree with a baseline."""
    fill(cli.tree, 3)
    assert cli.baseline().code == 0
    return cli


T = TypeVar("T")


def in_time(run: Callable[[int], T]) -> tuple[int, T]:
    """The seconds of a run that had time for all but huge files, and what it came to; a busy machine needs more of them."""
    for seconds in (1, 4, 16):
        outcome = run(seconds)
        if not any(word in str(outcome) for word in LATE):
            return seconds, outcome
    pytest.fail("huge files take the time of all else")


def change(tree: Path) -> None:
    """One change of each kind, around a huge file that is met first."""
    huge(tree / "dir00/0")
    (tree / "dir00/a").unlink()
    (tree / "dir00/b").chmod(0o4755)
    (tree / "dir01/new").write_text("new")
    (tree / "dir02/b").write_text("changed")


def test_one_huge_file_hides_no_other_change(known: Cli) -> None:
    change(known.tree)
    seconds, told = in_time(lambda seconds: known.check("--timeout", str(seconds)))
    assert told.code == 1
    assert told.rules == {
        "/dir00/0": "path-added",
        "/dir00/a": "path-removed",
        "/dir00/b": "setuid-gained",
        "/dir01/new": "path-added",
        "/dir02/b": "content-changed",
    }
    assert told.gaps == {"/dir00/0": f"not read, {seconds} seconds were {SHORT}"}
    assert told.changes["/dir00/0"]["after"]["size"] == HUGE
    assert known.check("--timeout", str(seconds), "--fail-on", "none").code == 3


def test_the_screen_says_what_was_not_read_and_once_what_to_do(known: Cli) -> None:
    change(known.tree)
    huge(known.tree / "dir02/huge")
    words = ("check", known.host, "--store", str(known.store), "--timeout")
    seconds, told = in_time(lambda seconds: known.run(*words, str(seconds)))
    assert [line for line in told.out.split("\n") if "short" in line or "--timeout" in line] == [
        f"  gap  /dir00/0: not read, {seconds} seconds were too short",
        f"  gap  /dir02/huge: not read, {seconds} seconds were too short",
        "      do: raise --timeout",
    ]
    assert "2 gaps: NOT CLEAN" in told.out


def test_what_was_not_read_is_never_called_unchanged(cli: Cli) -> None:
    huge(cli.tree / "huge")
    seconds, made = in_time(lambda seconds: cli.baseline("--timeout", str(seconds)))
    assert made.code == 3
    _seconds, told = in_time(lambda seconds: cli.check("--timeout", str(seconds)))
    assert (told.code, told.changes, set(told.gaps)) == (3, {}, {"/huge"})
    os.truncate(cli.tree / "huge", 10)
    (cli.tree / "huge").chmod(0o600)
    told = cli.check()
    assert told.code == 1
    assert {"mode", "size"} <= set(told.changes["/huge"]["attributes"])
    assert told.gaps == {"/huge": f"the baseline has nothing of it: not read, {seconds} seconds were too short"}


def test_what_is_accepted_unread_stays_a_gap_until_it_is_read(known: Cli) -> None:
    huge(known.tree / "huge")
    words = ("accept", known.host, "/huge", "--store", str(known.store), "--reason", "large")
    _seconds, accepted = in_time(lambda seconds: known.run(*words, "--timeout", str(seconds)))
    assert accepted.code == 0
    os.truncate(known.tree / "huge", 10)
    assert set(known.check().gaps) == {"/huge"}
    assert known.run(*words).code == 0
    told = known.check()
    assert (told.code, told.gaps) == (0, {})


def test_where_nothing_was_accepted_because_too_little_was_seen_that_is_said(known: Cli) -> None:
    huge(known.tree / "huge")
    told = known.run("accept", known.host, "/dir00/a", "--store", str(known.store), "--timeout", "1")
    assert told.code == 3
    assert "of what was named no change was seen, but not all could be seen: /" in told.err


def test_a_directory_that_gave_way_to_a_huge_file_is_told_with_all_that_was_in_it(known: Cli) -> None:
    for name in ("a", "b"):
        (known.tree / "dir01" / name).unlink()
    (known.tree / "dir01").rmdir()
    huge(known.tree / "dir01")
    _seconds, told = in_time(lambda seconds: known.check("--timeout", str(seconds)))
    assert told.rules == {"/dir01": "kind-changed", "/dir01/a": "path-removed", "/dir01/b": "path-removed"}
    assert set(told.gaps) == {"/dir01"}


@pytest.mark.parametrize("digest", ["blake3", "sha256"])
@pytest.mark.parametrize("jobs", [1, 3])
def test_many_huge_files_in_many_directories_are_gaps_and_nothing_else_is(cli: Cli, digest: str, jobs: int) -> None:
    small = [f"{place}/{name}" for place in fill(cli.tree, 20) for name in "ab"]
    large = {"/0", *(f"/dir{at:02}/{name}" for at in range(20) for name in ("0", "aa"))}
    for path in large:
        huge(cli.tree / path[1:])
    seconds, (text, gaps) = in_time(lambda seconds: seen(cli.tree, seconds=seconds, jobs=jobs, digests=[digest]))
    assert gaps == dict.fromkeys(large, f"not read, {seconds} seconds were {SHORT}")
    lines = [line.split(" ") for line in text.split("\n") if line.startswith("f ")]
    assert len(lines) == len(small) + len(large) + 1
    assert [line[6] for line in lines if line[-4] == "?"] == [str(HUGE)] * len(large)


def test_a_file_that_claims_more_than_anybody_can_read_takes_no_time(cli: Cli) -> None:
    try:
        huge(cli.tree / "huge", 2 * look.LARGEST)
    except OSError:
        pytest.skip("the file system here knows no such file")
    _text, gaps = seen(cli.tree)
    assert gaps == {"/huge": f"it claims {2 * look.LARGEST} bytes, more than can be read"}


def test_without_a_limit_every_file_is_read(cli: Cli) -> None:
    huge(cli.tree / "large", 200 << 20)
    text, gaps = seen(cli.tree)
    assert not gaps
    (line,) = (line.split(" ") for line in text.split("\n") if line.endswith(" large"))
    assert line[-4].startswith("blake3:")
    assert haste.Haste().until(HUGE) == float("inf")


def test_the_less_of_the_time_is_left_the_smaller_the_files_that_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    limits = haste.Haste(100)
    sizes = (1, 128 << 10, (128 << 10) + 1, 1 << 20, (1 << 20) + 1, 64 << 20, (64 << 20) + 1, HUGE)
    assert [limits.until(size) - 1000 for size in sizes] == [100, 100, 87.5, 87.5, 75, 75, 50, 50]
    limits.check(1000.1)
    with pytest.raises(OSError, match=SHORT):
        limits.check(1000.0)
