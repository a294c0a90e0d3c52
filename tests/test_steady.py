"""Words that say the same on two nights, and words that do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.printable import counted
from auditkit.report.steady import steady

MISSING = "2 packages miss a security update, the longest of them apt: 2.6.1 is installed, 2.6.2 offered"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("its last run was 1 day ago, on 2026-11-30", "its last run was 2 days ago, on 2026-11-30"),
        ("1 package misses an update", "17 packages miss an update"),
        ("1 of 18 files is odd", "17 of 18 files is odd"),
        ("2 entries are gone", "1 entry is gone"),
        ("the list of 2026-11-30 02:00Z", "the list of 2026-12-01 02:00Z"),
        (f"{MISSING}; available at most 598 days (the installed version is of 2025-04-05)", MISSING),
        (f"{MISSING}; available at most 9 days (built on 2026-11-24), at least 1 day (listed on 2026-12-01)", MISSING),
        (f"{MISSING}; since when it is available is not known; this host may have missed it since 2025-05-20", MISSING),
        (f"{MISSING}; waiting since 2026-12-01 at the latest: auditkit saw 2.6.2 missing then", MISSING),
        ("python (pid 693, uid 0) runs code of /tmp/x", "python (pid 18593, uid 0) runs code of /tmp/x; so do 2 more"),
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
        ("cron runs x; so do 2 more evils", "cron runs x"),
        ("root may log in", "roots may log in"),
    ],
)
def test_another_address_or_word_is_news(one: str, other: str) -> None:
    assert steady(one) != steady(other)


@given(st.integers(0, 10**9), st.sampled_from(("day", "entry", "address", "branch", "guess", "package")))
def test_whatever_is_counted_its_number_is_no_news(number: int, noun: str) -> None:
    assert steady(f"since {counted(number, noun)} now") == steady(f"since {counted(1, noun)} now")
