"""Which of two rpm versions is newer: every answer here is rpm's own."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rpmfiles import DATA

from auditkit.packages.rpm_versions import compare

PAIRS = json.loads((DATA / "version-pairs.json").read_text("utf-8"))

ORDERED = (
    *("1.0~rc1~git1", "1.0~rc1", "1.0~rc2", "1.0", "1.0^git1~1", "1.0^git1", "1.0^git2", "1.0a", "1.0.1", "1.1", "1.9", "1.10"),
    *("2", "10xyz", "10.1xyz", "20101121", "0:20101122-1", "0:20101122-1.fc35", "0:20101122-2", "1:0.1-1", "2:0"),
)


def test_it_answers_as_rpm_does() -> None:
    assert [(a, b, said) for a, b, said in PAIRS if compare(a, b) != said] == []


def test_the_other_way_round_it_answers_the_opposite() -> None:
    assert [(a, b) for a, b, said in PAIRS if compare(b, a) != -said] == []


@pytest.mark.parametrize("at", range(len(ORDERED) - 1))
def test_each_of_these_is_older_than_all_after_it(at: int) -> None:
    assert {compare(ORDERED[at], newer) for newer in ORDERED[at + 1 :]} == {-1}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.0-1", "0:1.0-1"),  # no epoch is epoch 0
        ("10.0001", "10.1"),  # leading zeros say nothing
        ("2_0", "2.0"),  # what separates is all the same
        ("1.0.", "1.0"),
        ("1.1.α", "1.1.β"),  # only ASCII counts
    ],
)
def test_these_are_the_same_version_to_rpm(one: str, other: str) -> None:
    assert compare(one, other) == 0


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_any_text_has_its_place_in_one_order(one: str, two: str, three: str) -> None:
    assert compare(one, two) == -compare(two, one)
    if compare(one, two) <= 0 and compare(two, three) <= 0:
        assert compare(one, three) <= 0


def test_a_million_digits_cost_nothing_but_reading_them() -> None:
    assert compare("1" * 1_000_000, "2" * 1_000_000) == -1
