"""Nothing takes a finding out of sight without a word: what a person may ask for, and where the report says that he did."""

import json
from typing import Any

import pytest
from conftest import Cli

TWIN = "root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n"


@pytest.fixture
def taken(cli: Cli) -> Cli:
    """A disk on which somebody is root besides, and where a file came since its baseline."""
    cli.watch(
        {"path": "/srv/cache", "level": "ignore", "why": "rebuilt at every start"},
        {"path": "/srv/tmp", "level": "ignore"},
        {"path": "/", "level": "content"},
    )
    (cli.tree / "srv/cache").mkdir(parents=True)
    (cli.tree / "etc/passwd").write_text(TWIN)
    assert cli.baseline().code == 0
    (cli.tree / "srv/new").touch()
    return cli


def audit(cli: Cli, *words: str) -> dict[str, Any]:
    """What an audit says of the disk."""
    return cli.run("audit", cli.host, "--store", str(cli.store), "--format", "json", *words).host


def test_what_a_policy_leaves_out_is_named_with_why(taken: Cli) -> None:
    (taken.tree / "srv/cache/hidden").touch()
    told = taken.check()
    assert "/srv/cache/hidden" not in told.changes
    note = "the policy test says not to look at /srv/cache (rebuilt at every start), /srv/tmp"
    assert note in told.host["notes"]
    text = taken.run("check", taken.host, "--store", str(taken.store)).out
    assert f"  note  {note}\n" in text


def test_what_was_accepted_into_the_baseline_is_said_with_why(taken: Cli) -> None:
    assert taken.run("accept", taken.host, "/srv", "--store", str(taken.store), "--reason", "the new share").code == 0
    told = taken.check()
    assert (told.code, told.changes) == (0, {})
    assert "changes were accepted into baseline 2: the new share" in told.host["notes"]


def test_an_audit_of_one_thing_says_that_it_was_one(taken: Cli) -> None:
    note = "only this was asked for (--only): ssh; nothing else was judged"
    alone, every = audit(taken, "--only", "ssh"), audit(taken)
    assert "uid-zero-twin" not in [one["rule"] for one in alone["findings"]]
    assert "uid-zero-twin" in [one["rule"] for one in every["findings"]]
    assert (note in alone["notes"], any("--only" in each for each in every["notes"])) == (True, False)


@pytest.mark.parametrize("words", [("--fail-on", "none"), ("-q",)])
def test_the_exit_status_and_stderr_are_all_that_these_change(taken: Cli, words: tuple[str, ...]) -> None:
    told, plain = (taken.check(*more) for more in (words, ()))
    assert (plain.code, told.code) == (1, 0 if "none" in words else 1)
    for one in ("status", "changes", "findings", "gaps", "notes"):
        assert told.host[one] == plain.host[one]
    assert json.loads(told.out)["status"] == "findings"
