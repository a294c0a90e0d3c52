"""A very large tree: many entries in many directories, and very many in one, in memory that does not grow with them.

AUDITKIT_ENTRIES says how many; a million of them takes minutes to make.
"""

import os
import resource
from pathlib import Path

import pytest
from conftest import Cli, text_of

MANY = int(os.environ.get("AUDITKIT_ENTRIES", "100000"))
IN_ONE = MANY // 2
A_DIRECTORY = 250
MEMORY = 400 << 20
"""Bytes of address space of each process; entries held at once would need more than a gigabyte."""


def make(place: Path, number: int) -> None:
    """Empty files in a directory, the quickest way there is: names of ten."""
    place.mkdir()
    at = os.open(place, os.O_RDONLY)
    for name in range(number):
        os.close(os.open(f"{name:07}", os.O_CREAT | os.O_WRONLY, dir_fd=at))
    os.close(at)


@pytest.mark.slow
def test_very_many_entries_are_seen_once_each_in_bounded_memory(cli: Cli) -> None:
    make(cli.tree / "one", IN_ONE)
    for at in range((MANY - IN_ONE) // A_DIRECTORY):
        make(cli.tree / f"dir{at:05}", A_DIRECTORY)
    cli.limits = ((resource.RLIMIT_AS, MEMORY),)
    assert cli.baseline().code == 0
    names = [line for line in text_of(cli.baselines()[-1]) if line.startswith("f ")]
    assert len(names) == IN_ONE + (MANY - IN_ONE) // A_DIRECTORY * A_DIRECTORY + 1
    told = cli.check()
    assert told.code == 0
    assert told.host["counts"]["entries"] == told.host["baseline"]["entries"]
    (cli.tree / f"one/{IN_ONE - 1:07}").write_text("x", "utf-8")
    (cli.tree / "one/0000000").unlink()
    assert {path: change["change"] for path, change in cli.check().changes.items()} == {
        f"/one/{IN_ONE - 1:07}": "changed",
        "/one/0000000": "removed",
    }
