"""Ways to come back, each planted on a disk that is as it was installed: what is said of it, and of the disk without it.

cases/persistence/planted.txt has one case per technique: its name and the row of the table that it belongs to, the steps, and
what must be said, with words that a quote must hold. Steps are `put PATH [MODE]`, `add PATH`, `link PATH TARGET`, `mode PATH
MODE` and `copy FROM PATH MODE`.
"""

import os
import re
from pathlib import Path

import pytest
from installed import Disk

from auditkit.audits.persistence.table import ENTRIES
from auditkit.model import Finding, Gap

CASES = (Path(__file__).parent / "cases/persistence/planted.txt").read_text().split("\n\n")
STEP = re.compile(r"^(\w+ .*)\n((?:    .*\n?)*)", re.MULTILINE)


def named(case: str) -> str:
    """What a case is called."""
    return case.partition("\n")[0].removeprefix("# ")


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """A disk as it was installed."""
    return Disk(tmp_path)


def test_of_a_disk_as_it_was_installed_nothing_is_said(disk: Disk) -> None:
    assert disk.said() == []


@pytest.mark.parametrize("case", CASES, ids=named)
def test_what_was_planted_is_found_and_quoted(disk: Disk, case: str) -> None:
    *steps, (said, quote) = STEP.findall(case + "\n")
    for words, lines in steps:
        disk.do(words.split(" "), re.sub("^    ", "", lines, flags=re.MULTILINE))
    told = [one for one in disk.said() if not of_who_planted_it(one, said)]
    assert [f"said {one.severity.word} {one.rule.id} {one.subject}" for one in told if isinstance(one, Finding)] == [said]
    (finding,) = (one for one in told if isinstance(one, Finding))
    assert any(quote.strip() in each.text for each in finding.quotes), finding.quotes


def of_who_planted_it(told: Finding | Gap, said: str) -> bool:
    """Whether that is said only because an ordinary account runs the tests, to whom all files belong."""
    return os.geteuid() != 0 and isinstance(told, Finding) and told.rule.id == "startup-writable" not in said


def test_every_row_of_the_table_that_a_disk_shows_has_a_case() -> None:
    rows = {re.search(r"\((\S+)\)$", named(case))[1] for case in CASES}  # type: ignore[index]
    elsewhere = {entry.id for entry in ENTRIES if entry.judged and not entry.rule}
    assert {entry.id for entry in ENTRIES} - rows <= elsewhere | {"module-settings"}
    assert rows <= {entry.id for entry in ENTRIES}
