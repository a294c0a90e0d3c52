"""Runs that are kept: what the next one says of them, as a stranger runs it."""

import json
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
