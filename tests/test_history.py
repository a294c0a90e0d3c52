"""Runs that are kept: what the next one says of them, as a stranger runs it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import SCHEMA, Cli


def since(cli: Cli, *words: str) -> dict[str, Any]:
    """What the next check of the tree says of the runs before it."""
    document = json.loads(cli.check(*words).out)
    SCHEMA.validate(document)
    (host,) = document["hosts"]
    return dict(host["since"])


@pytest.fixture
def live(cli: Cli) -> Cli:
    """The tree of a host that can mend what was said of it: a disk cannot, for nobody knows whose it is."""
    cli.watch({"path": f"{cli.tree}", "level": "content"}, {"path": "/", "level": "ignore"})
    cli.word = "local"
    cli.baseline()
    return cli


def test_what_is_new_is_still_there_and_is_fixed(live: Cli) -> None:
    (live.tree / "evil").touch()
    first = since(live)
    assert (first["run"], first["new"], first["still"]) == (None, 1, 0)
    second = since(live)
    assert (second["new"], second["still"], second["fixed"]) == (0, 1, [])
    (live.tree / "evil").unlink()
    (gone,) = since(live)["fixed"]
    assert (gone["subject"], gone["how"]) == (f"{live.tree}/evil", "fixed")


def test_the_file_is_the_owner_s_alone(live: Cli) -> None:
    live.check()
    assert (live.store / "history.sqlite").stat().st_mode & 0o777 == 0o600


def test_a_store_that_cannot_hold_a_history_is_no_reason_to_be_silent(live: Cli) -> None:
    (live.store / "history.sqlite").mkdir()
    told = json.loads(live.check().out)
    assert told["status"] == "clean"
    assert told["history"]["run"] is None
    assert "history.sqlite" in told["history"]["note"]


@pytest.fixture
def kept(cli: Cli) -> Cli:
    """A store with two runs of web1: an account and a file of the first one are gone in the second."""
    cli.store.mkdir()
    shutil.copy(Path(__file__).parent / "formats" / "history-1.sqlite", cli.store / "history.sqlite")
    return cli


def test_runs_are_listed_told_again_and_compared(kept: Cli) -> None:
    store = ("--store", str(kept.store))
    listed = kept.run("history", *store).out.splitlines()
    assert [line.split()[0] for line in listed] == ["RUN", "20261103T010000Z-0a1b2c", "20261102T010000Z-0a1b2c"]
    (newest,) = json.loads(kept.run("history", "web1", "--limit", "1", "--format", "json", *store).out)["runs"]
    assert newest["hosts"] == [{"host": "web1", "state": "findings", "new": 0, "still": 2, "gone": 2, "unknown": 0}]
    again = kept.run("history", "last", *store)
    assert again.code == 1
    assert "since the run of 2026-11-02 01:00Z: nothing new, 2 still there, 2 fixed" in again.out
    assert kept.run("history", "last", "--fail-on", "critical", *store).code == 3
    apart = kept.run("diff", "20261102", "last", *store)
    assert apart.code == 3
    assert "  fixed: account toor has uid 0 (uid-zero-twin, high), told since 2026-11-02" in apart.out
    SCHEMA.validate(json.loads(kept.run("diff", "20261102", "last", "--format", "json", *store).out))


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("history", "db1"), "no run of db1 is kept"),
        (("history", "2027"), "there is no run 2027"),
        (("history", "2026"), "2026 begins the names of more than one run"),
        (("history", "last", "web1"), "last is a run, and one is told at a time"),
        (("history", "--format", "csv"), "a list of runs has no form csv"),
        (("diff", "last", "2026110"), "2026110 begins the names of more than one run"),
        (("diff", "last", "20261102"), "20261102 is not later than last"),
        (("diff", "last", "a.zst"), "last is a run, and the other one is none"),
    ],
)
def test_what_is_no_run_is_said_in_a_line(kept: Cli, words: tuple[str, ...], error: str) -> None:
    told = kept.run(*words, "--store", str(kept.store))
    assert (told.code, told.out) == (2, "")
    assert f"auditkit: error: {error}" in told.err
