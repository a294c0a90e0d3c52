"""What journalctl --verify prints, and what is to be said of it."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journals_given import sample

from auditkit.logins.journals.numbers import Run, absent
from auditkit.logins.journals.verified import Verified, verified
from auditkit.logins.nouns import Notes

TEXT = """\
\x1b[1;31m3911a8: Invalid hash (4fdb9c3b61ee2df9 vs. e68629a6f3c5583c)\x1b[0m
3911a8: Invalid object contents: Bad message
File corruption detected at /var/log/journal/1/system.journal:3911a8 (of 8388608 bytes, 44%).
FAIL: /var/log/journal/1/system.journal (Bad message)
PASS: /var/log/journal/1/user-1000.journal
PASS: /var/log/journal/1/system@0005.journal
=> Validated from Mon 2026-11-23 00:00:00 UTC to Tue 2026-11-24 09:45:00 UTC, final 12min 3s entries not sealed.
PASS: /var/log/journal/1/odd (name).journal
=> No sealing yet, 3min of entries not sealed.
"""


def test_each_file_has_its_result_and_the_first_reason() -> None:
    place = "/var/log/journal/1"
    assert verified(TEXT) == [
        Verified(
            f"{place}/system.journal", False, "Bad message: 3911a8: Invalid hash (4fdb9c3b61ee2df9 vs. e68629a6f3c5583c)", ""
        ),
        Verified(f"{place}/user-1000.journal", True, "", ""),
        Verified(f"{place}/system@0005.journal", True, "", "Tue 2026-11-24 09:45:00 UTC"),
        Verified(f"{place}/odd (name).journal", True, "", ""),
    ]


def test_a_machine_on_which_nothing_can_be_written_says_nothing_of_the_file() -> None:
    text = (
        "File corruption detected at /j/a.journal:000000 (of 8388608 bytes, 0%).\nFAIL: /j/a.journal (Read-only file system)\n"
    )
    (told,) = verified(text)
    assert (told.passed, told.reason.split(":")[0]) == (None, "Read-only file system")


@pytest.mark.parametrize(("name", "passed"), [("out", True), ("t1", False), ("cut", True)])
def test_journals_with_a_known_answer(name: str, passed: bool, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.journal"
    path.write_bytes(sample(name))
    done = subprocess.run(["journalctl", "--verify", "--file", path], capture_output=True, text=True, check=False)
    assert [(file.name, file.passed) for file in verified(done.stdout + done.stderr)] == [(str(path), passed)]


@given(st.text(max_size=400))
def test_no_text_stops_it(text: str) -> None:
    assert len(verified(text + "\nPASS: x" + "\nFAIL: y")) >= 1


def runs(*numbers: tuple[int, int]) -> Notes:
    return Notes(numbering="a", runs=[Run(first, last, first * 10, last * 10) for first, last in numbers])


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([runs((1, 10), (15, 20)), runs((11, 14))], []),
        ([runs((1, 10), (15, 20)), runs((11, 12))], [(13, 14, 120, 150)]),
        # what is older than the oldest was removed for its age
        ([runs((100, 110))], []),
        # a file that was removed for its age may have what is missing between the numbers of the oldest one, and no other
        ([runs((50, 60), (65, 70)), runs((66, 80), (90, 95))], [(81, 89, 800, 900)]),
        ([runs((1, 10)), runs((5, 20), (30, 30))], [(21, 29, 200, 300)]),
        ([runs((1, 10)), Notes(numbering="b", runs=[Run(20, 30, 200, 300)])], []),
    ],
)
def test_numbers_that_no_file_of_a_machine_has(files: list[Notes], expected: list[tuple[int, int, int, int]]) -> None:
    assert absent(files) == expected
