"""What is new, still there, gone or not known: judged by what was told, and by how far each run looked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.lifetimes import (
    INTEGRITY,
    LOGINS,
    TOGETHER,
    Base,
    Before,
    Judged,
    Look,
    Night,
    Row,
    Thing,
    before,
    fingerprint,
    is_another,
    judged,
)
from auditkit.model import Severity

FIRST = datetime(2026, 11, 2, 1, tzinfo=UTC)
ALL = frozenset((INTEGRITY, "audit ssh", "audit accounts", LOGINS, TOGETHER))
BASE = Base("/srv/baselines/srv", 3, "2026-11-01T00:00:00Z")
FINDING = Thing("f", "finding", "sshd-root", "sshd", "root may log in", Severity.HIGH, "audit ssh", counts=True)
CHANGE = Thing("c", "change", "path-added", "/etc/new", "added", Severity.MEDIUM, INTEGRITY, counts=True, based=True)
GAP = Thing("g", "gap", "gap", "/etc/shadow", "not seen: permission denied", Severity.MEDIUM, "", counts=True)
LOGIN = Thing("l", "finding", "success-unsupported", "root", "came in", Severity.HIGH, LOGINS, counts=True, event=True)
UNLIKE = Thing("u", "finding", "unlike-other-hosts", "/bin/ls", "is odd", Severity.HIGH, TOGETHER, counts=True)


@dataclass
class History:
    """What is kept of one host from run to run, in memory."""

    rows: dict[str, Row] = field(default_factory=dict)
    looks: list[Look] = field(default_factory=list)
    day: int = 0

    def run(self, *things: Thing, gaps: Mapping[str, str] | None = None, rules: bool = True, **look: object) -> Judged:
        """One run, a day after the one before, that tells these things."""
        self.day += 1
        begun = FIRST + timedelta(days=self.day - 1)
        lost = {fingerprint(subject, reason): subject for subject, reason in (gaps or {}).items()}
        usual = Look(
            self.day, begun, begun + timedelta(minutes=5), ALL, whole=True, mends=True, base=BASE, gaps=frozenset(lost)
        )
        now = replace(usual, **look)  # type: ignore[arg-type]
        held = before(now, self.looks[::-1]).held
        looks = {one.number: one for one in self.looks}
        night = Night(
            now, f"{begun:%Y-%m-%dT%H:%M:%SZ}", lost, self.rows, looks, lambda _rule: rules, held.number if held else None
        )
        told = judged(night, things)
        self.rows |= {row.thing.key: row for row in told.changed}
        self.looks.append(now)
        return told


@pytest.fixture
def history() -> History:
    return History()


def keys(rows: Iterable[Row]) -> set[str]:
    return {row.thing.key for row in rows}


def gone(told: Judged) -> dict[str, str]:
    """Key to how it ceased."""
    return {row.thing.key: str(row.how) for row in told.fixed}


def test_new_then_still_there_then_fixed(history: History) -> None:
    assert history.run(FINDING).new == {"f"}
    second = history.run(FINDING)
    assert (set(second.new), second.still, second.told["f"].first_seen) == (set(), 1, "2026-11-02T01:00:00Z")
    third = history.run()
    (row,) = third.fixed
    assert (row.how, row.first_seen, row.last_seen) == ("fixed", "2026-11-02T01:00:00Z", "2026-11-03T01:00:00Z")
    assert history.run().fixed == ()


@pytest.mark.parametrize(
    "look",
    [
        {"parts": frozenset(("audit accounts", TOGETHER))},  # another command, or --only
        {"whole": False},  # not reached, timed out, lied, not believed
        {"mends": False},  # evidence, or a disk
        {"gaps_": {"audit ssh": "broke on the evidence"}},
        {"begun": FIRST},  # it began before the run ended that told it: at the same time, or the clock was set back
        {"machine": "another"},
        {"rules": False},  # by an auditkit that does not have the rule any more
    ],
    ids=str,
)
def test_what_a_run_could_not_see_is_not_fixed_but_not_known(history: History, look: dict[str, object]) -> None:
    history.run(FINDING, machine="one")
    told = history.run(gaps=look.pop("gaps_", None), **{"machine": "one", **look})  # type: ignore[arg-type]
    assert (told.fixed, keys(told.unknown)) == ((), {"f"})
    back = history.run(FINDING, machine="one")
    assert (back.told["f"].first_seen, set(back.new)) == ("2026-11-02T01:00:00Z", set())
    assert gone(history.run(machine="one")) == {"f": "fixed"}


def test_what_went_by_more_than_this_run_says_nothing(history: History) -> None:
    history.run(FINDING, took=frozenset(("active",)))
    assert keys(history.run().unknown) == {"f"}


def test_a_gap_that_was_there_before_hides_no_more_than_it_did(history: History) -> None:
    history.run(FINDING, gaps={"/etc/shadow": "permission denied"})
    assert gone(history.run(gaps={"/etc/shadow": "permission denied"})) == {"f": "fixed"}


@pytest.mark.parametrize(("gap", "how"), [("/etc", None), ("/etc/new", None), ("/etc/new/sub", None), ("mounts", None),
                                          ("/srv/other", "fixed"), ("/etc/newer", "fixed")])  # fmt: skip
def test_a_path_that_could_not_be_read_hides_a_change_on_it_above_or_below(history: History, gap: str, how: str | None) -> None:
    history.run(CHANGE)
    assert gone(history.run(gaps={gap: "permission denied"})).get("c") == how


def test_a_newer_baseline_has_accepted_what_is_gone_and_another_one_says_nothing(history: History) -> None:
    history.run(CHANGE)
    assert gone(history.run(base=replace(BASE, place="/other/store"))) == {}
    assert gone(history.run(base=replace(BASE, place="/other/store", number=4))) == {}
    assert gone(history.run(base=replace(BASE, number=2))) == {}
    assert gone(history.run(base=replace(BASE, made="2026-11-01T00:00:01Z"))) == {}
    assert gone(history.run(base=None)) == {}
    assert gone(history.run(base=replace(BASE, number=4))) == {"c": "accepted"}


def test_an_accepted_finding_is_not_fixed_and_is_news_when_the_exception_ends(history: History) -> None:
    history.run(FINDING)
    accepted = replace(FINDING, counts=False, excuse="accepted")
    assert gone(history.run(accepted)) == {"f": "accepted"}
    assert gone(history.run(accepted)) == {}
    back = history.run(FINDING)
    assert (set(back.new), back.told["f"].news, back.told["f"].first_seen) == ({"f"}, "again", "2026-11-02T01:00:00Z")


def test_a_change_that_is_explained_by_now_is_not_fixed(history: History) -> None:
    history.run(CHANGE)
    assert gone(history.run(replace(CHANGE, counts=False, excuse="explained"))) == {"c": "explained"}


def test_a_path_of_which_another_rule_tells_now_is_not_fixed(history: History) -> None:
    history.run(CHANGE)
    told = history.run(replace(CHANGE, key="c2", rule="setuid-gained"))
    assert (gone(told), set(told.new)) == ({}, {"c2"})


def test_nothing_is_fixed_that_is_told_with_another_number_now(history: History) -> None:
    """`127 programs` are `128 programs` by now, and a program has another pid: the one is new, the other is not mended."""
    history.run(replace(FINDING, subject="127 programs"))
    told = history.run(replace(FINDING, key="f2", subject="128 programs"))
    assert (gone(told), set(told.new)) == ({}, {"f2"})


def test_what_comes_back_is_news_again_with_a_new_life(history: History) -> None:
    history.run(FINDING)
    history.run()
    told = history.run(FINDING)
    assert (set(told.new), told.told["f"].news, told.told["f"].first_seen) == ({"f"}, "again", "2026-11-04T01:00:00Z")


def test_what_is_worse_or_not_what_it_was_is_news(history: History) -> None:
    history.run(FINDING, replace(CHANGE, mark="one"), replace(GAP, severity=Severity.INFO, counts=False))
    told = history.run(replace(FINDING, severity=Severity.CRITICAL), replace(CHANGE, mark="two"), GAP)
    assert {key: told.told[key].news for key in told.new} == {"f": "worse", "c": "changed", "g": "worse"}
    assert {told.told[key].first_seen for key in told.new} == {"2026-11-02T01:00:00Z"}


def test_an_event_is_never_fixed_nor_told_as_unknown_once_its_log_is_rotated_away(history: History) -> None:
    history.run(LOGIN)
    told = history.run()
    assert (told.fixed, told.unknown) == ((), ())


def test_a_gap_is_closed_only_by_a_run_that_does_all_that_the_one_did_that_met_it(history: History) -> None:
    history.run(GAP)
    assert keys(history.run(parts=frozenset(("audit ssh",))).unknown) == {"g"}
    assert gone(history.run()) == {"g": "fixed"}


def test_what_hosts_show_together_is_gone_only_if_as_many_were_asked(history: History) -> None:
    history.run(UNLIKE, hosts=frozenset("abc"))
    assert keys(history.run(hosts=frozenset("ab")).unknown) == {"u"}
    assert gone(history.run(hosts=frozenset("abcd"))) == {"u": "fixed"}


def test_a_run_is_held_against_the_last_that_looked_as_far_and_tells_what_came_in_between(history: History) -> None:
    """Somebody audits by day; the mail of the night is read by another one, and is about what came since the last night."""
    history.run()
    history.run(FINDING, parts=frozenset(("audit ssh",)))
    night = history.run(FINDING)
    assert (set(night.new), night.told["f"].first_seen) == ({"f"}, "2026-11-03T01:00:00Z")
    assert history.run(FINDING).new == set()
    history.run(parts=frozenset(("audit ssh",)))
    assert gone(history.run()) == {"f": "fixed"}


def test_a_run_that_reached_nobody_is_no_measure() -> None:
    looks = [Look(n, FIRST, FIRST, ALL, whole=n != 2, mends=True) for n in (1, 2)]
    now = Look(3, FIRST, FIRST, ALL, whole=True, mends=True)
    assert before(now, looks[::-1]).held == looks[0]
    assert before(replace(now, parts=ALL | {"audit packages"}), looks[::-1]).held is None


def test_machines_of_one_name_are_told_apart_only_where_both_are_known() -> None:
    now = Look(3, FIRST, FIRST, ALL, whole=True, mends=True, machine="one")
    assert is_another(now, replace(now, machine="two"))
    assert not is_another(now, replace(now, machine=""))
    unknown = replace(now, machine="", number=2)
    assert before(now, [unknown, replace(now, machine="two", number=1)]) == Before(unknown, another=True)
    assert before(now, [unknown, replace(now, number=1)]) == Before(unknown, unknown)


THINGS = {
    "change": CHANGE, "finding": FINDING, "account": replace(FINDING, key="account", part="audit accounts"), "unlike": UNLIKE,
}  # fmt: skip


@dataclass(frozen=True)
class World:
    """A host at one time, and the run that looks at it."""

    there: frozenset[str]
    parts: frozenset[str]
    blind: frozenset[str]
    """Parts that it has gaps in."""
    whole: bool
    base: Base | None

    @property
    def seen(self) -> list[Thing]:
        """What the run tells: what it looks for, unless it is blind there, or does not get to the end."""
        visible = self.parts - self.blind if self.whole else frozenset()
        there = [THINGS[name] for name in sorted(self.there)]
        return [one for one in there if one.part in visible and (one.part != INTEGRITY or self.base)]


WORLDS = st.builds(
    World,
    there=st.frozensets(st.sampled_from(sorted(THINGS))),
    parts=st.frozensets(st.sampled_from(sorted(ALL)), min_size=1),
    blind=st.frozensets(st.sampled_from(sorted(ALL))),
    whole=st.booleans(),
    base=st.sampled_from((BASE, replace(BASE, number=4), replace(BASE, place="/other"), None)),
)


@settings(max_examples=200)
@given(st.lists(WORLDS, max_size=8))
def test_whatever_runs_see_nothing_is_fixed_that_is_there_and_nothing_is_lost(worlds: list[World]) -> None:
    """A host on which things come and go, and runs that see some parts of it, each with its gaps, or none of it."""
    history, told_in = History(), dict[int, set[str]]()
    for world in worlds:
        known = {key for key, row in history.rows.items() if row.open}
        gaps = dict.fromkeys(world.blind, "not seen")
        told = history.run(*world.seen, gaps=gaps, parts=world.parts, whole=world.whole, base=world.base)
        now = told_in[history.day] = {thing.key for thing in world.seen}
        fixed = {row.thing.key for row in told.fixed if row.how == "fixed" and row.left_run == history.day}
        assert not fixed & {THINGS[name].key for name in world.there}
        assert known - now <= keys(told.unknown) | {key for key, row in history.rows.items() if not row.open}
        held = before(history.looks[-1], history.looks[-2::-1]).held
        assert now - (told_in[held.number] if held else set()) - known <= told.new


def test_what_another_version_does_not_tell_is_judged_anew_and_not_fixed(history: History) -> None:
    """Nobody mended it: the newer auditkit knows that it is no door. That a gap is closed is true whoever says so."""
    history.run(FINDING, CHANGE, GAP, gaps={"/etc/shadow": "permission denied"}, tool="auditkit 1")
    assert gone(history.run(tool="auditkit 2")) == {"f": "anew", "c": "anew", "g": "fixed"}
    assert history.run(FINDING, tool="auditkit 2").told["f"].news == "again"
    assert gone(history.run(tool="auditkit 2")) == {"f": "fixed"}


def test_a_newer_baseline_has_accepted_what_is_gone_whichever_version_says_so(history: History) -> None:
    history.run(CHANGE, tool="")
    newer = replace(BASE, number=4)
    assert gone(history.run(base=newer, tool="auditkit 2")) == {"c": "accepted"}
