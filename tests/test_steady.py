"""Words that say the same on two nights, and words that do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.printable import counted
from auditkit.report.steady import steady


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("its last run was 1 day ago, on 2026-11-30", "its last run was 2 days ago, on 2026-11-30"),
        ("1 package misses an update", "17 packages miss an update"),
        ("1 of 18 files is odd", "17 of 18 files is odd"),
        ("2 entries are gone", "1 entry is gone"),
        ("the list of 2026-11-30 02:00Z", "the list of 2026-12-01 02:00Z"),
        ("not within 3.1 seconds", "not within 15.22 seconds"),
    ],
)
def test_numbers_alone_are_no_news(one: str, other: str) -> None:
    assert steady(one) == steady(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("it listens on 127.0.0.1", "it listens on 0.0.0.0"),
        ("it fetches from 203.0.113.9", "it fetches from 203.0.113.10"),
        ("it listens on ::1", "it listens on ::"),
        ("from 2001:db8:1:2:3:4:5:6", "from 2001:db8:1:2:3:4:5:7"),
        ("3 packages miss an update", "3 packages miss a signature"),
        ("root may log in", "roots may log in"),
    ],
)
def test_another_address_or_word_is_news(one: str, other: str) -> None:
    assert steady(one) != steady(other)


@given(st.integers(0, 10**9), st.sampled_from(("day", "entry", "address", "branch", "guess", "package")))
def test_whatever_is_counted_its_number_is_no_news(number: int, noun: str) -> None:
    assert steady(f"since {counted(number, noun)} now") == steady(f"since {counted(1, noun)} now")
