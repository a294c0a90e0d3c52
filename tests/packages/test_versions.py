"""Which version is newer: chains from old to new, the pairs of shared/data, and dpkg itself on pairs made up at random."""

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.packages import Compare, versions

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "packages"
CHAINS: list[tuple[Compare, str]] = [
    (versions.deb, "~~ ~~a ~ 0 a"),
    (versions.deb, "1.0~~ 1.0~rc1 1.0~rc1-1 1.0 1.0-1 1.0-1a 1.0-1+b1 1.0-1.1 1.0-2 1.0a 1.0+dfsg-1 1.0.1 1.9 1.10 1:0.1 10:0"),
    (versions.deb, "2.36-9 2.36-9+deb12u1 2.36-9+deb12u9 2.36-9+deb12u10 2.36-10~bpo12+1 2.36-10"),
    (versions.alpm, "1.0a 1.0alpha 1.0b 1.0beta 1.0p 1.0pre 1.0rc 1.0 1.0.a 1.0.1 1.1 1.10 1:0.1"),
    (versions.alpm, "1.5.0-1 1.5.0-2 1.5.0-2.1 1.5.0-10 1.5.1-1"),
    (
        versions.apk,
        "1.0_alpha_pre2 1.0_alpha 1.0_alpha1 1.0_beta 1.0_pre 1.0_rc 1.0 1.0-r0 1.0-r1 1.0-r10 1.0_git20230717-r4 1.0_p1",
    ),
    (versions.apk, "0.9.9 1 1.0 1.0.1 1.00 1.01 1.05 1.05-r1 1.1 1.5 1.5a 1.5b 1.10 006 021109-r3 20060512"),
    (versions.apk, "1.2~abc-r0 1.2~abd-r0 1.2_p1"),
]
SAME: list[tuple[Compare, str]] = [
    (versions.deb, "1.0 0:1.0 1.0-0 1.00 1.0- :1.0"),
    (versions.deb, "1.0-1 1.0-01 1.00-1"),
    (versions.alpm, "1.0 1.0-1 1.0-7 0:1.0 1_0"),
    (versions.apk, "1.0-r1 01.0-r1 1.0-r01"),
]


def sign(number: int) -> int:
    return (number > 0) - (number < 0)


@pytest.mark.parametrize(("compare", "chain"), CHAINS)
def test_each_version_is_newer_than_all_before_it(compare: Compare, chain: str) -> None:
    row = chain.split()
    wrong = [(a, b) for i, a in enumerate(row) for j, b in enumerate(row) if sign(compare(a, b)) != sign(i - j)]
    assert wrong == []


@pytest.mark.parametrize(("compare", "words"), SAME)
def test_what_is_written_differently_may_be_the_same(compare: Compare, words: str) -> None:
    first, *others = words.split()
    assert [other for other in others if compare(first, other) or compare(other, first)] == []


@pytest.mark.parametrize(
    ("compare", "name", "pairs"), [(versions.deb, "debian-version-pairs", 6021), (versions.alpm, "alpm-pairs", 2161)]
)
def test_of_all_known_pairs_none_is_wrong(compare: Compare, name: str, pairs: int) -> None:
    path = DATA / f"{name}.json"
    if not path.exists():
        pytest.skip("the pairs lie beside the project, in ../shared/data")
    known = json.loads(path.read_text())
    assert len(known) == pairs
    assert [row for row in known if compare(row[0], row[1]) != row[2]] == []


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="asks dpkg itself, which this system has not")
def test_dpkg_itself_agrees_on_pairs_made_up_at_random() -> None:
    chance = random.Random(5)
    pieces = ["0", "1", "10", "01", "~", "+", ".", "a", "b", "Z", "rc", "-1", "-0", "deb12u1", ".1", "~~", "+b1"]
    for _ in range(120):
        ours = "1" + "".join(chance.choices(pieces, k=chance.randrange(6)))
        theirs = ours[: chance.randrange(1, len(ours) + 1)] + "".join(chance.choices(pieces, k=chance.randrange(3)))
        ours, theirs = ours.rstrip("-"), theirs.rstrip("-")  # an empty revision is no version to dpkg
        word = {-1: "lt", 0: "eq", 1: "gt"}[versions.deb(ours, theirs)]
        assert subprocess.run(["dpkg", "--compare-versions", ours, word, theirs], check=False).returncode == 0, (
            ours,
            word,
            theirs,
        )


@given(st.text(max_size=30), st.text(max_size=30), st.sampled_from([versions.deb, versions.alpm, versions.apk]))
@settings(max_examples=300, deadline=None)
def test_any_text_has_an_order_that_is_the_same_from_both_sides(ours: str, theirs: str, compare: Compare) -> None:
    assert compare(ours, theirs) == -compare(theirs, ours)
    assert compare(ours, ours) == 0


@pytest.mark.parametrize("compare", [versions.deb, versions.alpm, versions.apk])
def test_a_number_of_a_hundred_thousand_digits_is_nothing_special(compare: Compare) -> None:
    assert compare("1." + "9" * 100_000, "1.1" + "0" * 100_000) < 0
