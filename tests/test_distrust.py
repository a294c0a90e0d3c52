"""A host's word held against another look, on recorded answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit import distrust
from auditkit.model import Change, ChangeKind, Entry, Finding, Gap, Kind, Level, Severity
from auditkit.probe.names import HIDDEN


def entry(path: str, **other: object) -> Entry:
    """A file as a baseline has it."""
    given = {"digests": ("sha256:aa",), "size": 10, "inode": 7, "ctime_ns": 5, **other}
    return Entry(path, Kind.FILE, **given)  # type: ignore[arg-type]


def removed(path: str) -> Change:
    """A path that no directory lists any more."""
    return Change(path, ChangeKind.REMOVED, entry(path), None, (), Severity.MEDIUM, Level.CONTENT, "path-removed")


def test_a_name_that_only_the_kernel_tells_is_a_lie() -> None:
    (finding,) = distrust.hidden([Gap("/etc/cron.d/evil", HIDDEN), Gap("/etc/shadow", "permission denied")])
    assert (finding.rule.id, finding.subject) == ("name-hidden", "/etc/cron.d/evil")


def test_a_removed_path_that_answers_to_its_name_with_its_inode_is_hidden() -> None:
    (told,) = distrust.unlisted([removed("/bin/ls"), removed("/bin/cp")], {"/bin/ls": (7, 5)})
    assert isinstance(told, Finding)
    assert told.subject == "/bin/ls"


def test_a_removed_path_that_came_back_is_a_gap() -> None:
    (told,) = distrust.unlisted([removed("/bin/ls")], {"/bin/ls": (8, 9)})
    assert isinstance(told, Gap)


def test_bytes_that_are_not_what_the_host_said_are_a_lie() -> None:
    claimed = [entry("/bin/ls"), entry("/bin/cp")]
    fetched = {"/bin/ls": ("blake3:11", "sha256:bb"), "/bin/cp": ("blake3:22", "sha256:aa")}
    (told,) = distrust.contradicted(claimed, fetched, {"/bin/ls": (7, 5)})
    assert isinstance(told, Finding)
    assert (told.rule.id, told.subject) == ("content-contradicted", "/bin/ls")


def test_a_file_that_changed_after_the_scan_is_a_gap_and_no_lie() -> None:
    (told,) = distrust.contradicted([entry("/bin/ls")], {"/bin/ls": ("sha256:bb",)}, {"/bin/ls": (7, 6)})
    assert isinstance(told, Gap)


def test_what_is_not_handed_out_is_a_gap() -> None:
    claimed = [entry("/bin/ls"), entry("/bin/cp")]
    told = list(distrust.contradicted(claimed, {"/bin/ls": ()}, {}))
    assert [one.subject for one in told if isinstance(one, Gap)] == ["/bin/ls", "/bin/cp"]


@pytest.mark.parametrize("told", [5_000_000_007, 5_000_000_000])
def test_a_time_in_whole_seconds_is_no_other_time(told: int) -> None:
    claimed = [entry("/bin/ls", ctime_ns=5_000_000_007)]
    (lie,) = distrust.contradicted(claimed, {"/bin/ls": ("sha256:bb",)}, {"/bin/ls": (7, told)})
    assert isinstance(lie, Finding)


LINE = b"f %d 0 0 root root %d 1.000000000 1.000000000 ? 7 1 - sha256:aa - - %s\n"
BLOCKS = [
    b"/d%d\n" % at
    + b"".join(LINE % (644, 3000, b"f%d" % name) for name in range(9))
    + LINE % (644, distrust.BUDGET + 1, b"large")
    + LINE % (640, 5, b"secret")
    for at in range(200)
]
FILES = {f"/d{at}/f{name}" for at in range(200) for name in range(9)}


def runs(number: int, budget: int = distrust.BUDGET) -> list[list[str]]:
    """The paths that are drawn by so many runs, each going on where the one before ended."""
    last, drawn = "anywhere", []
    for _ in range(number):
        found, last = distrust.sample(lambda: BLOCKS, distrust.Turn(b"key", last, budget))
        assert sum(one.size or 0 for one in found) <= budget
        drawn.append([one.path for one in found])
    return drawn


def test_each_file_that_may_travel_has_its_turn_before_any_has_a_second_one() -> None:
    drawn = runs(160)
    seen = [path for each in drawn for path in each]
    assert set(seen[: len(FILES)]) == FILES

    assert all(drawn)


def test_with_more_to_spend_larger_files_have_their_turn_too() -> None:
    assert any(path.endswith("/large") for each in runs(1, 10 << 20) for path in each)


def test_nobody_can_tell_whose_turn_it_is_without_the_key() -> None:
    one, other = (distrust.sample(lambda: BLOCKS, distrust.Turn(key, "/d0/")) for key in (b"a", b"b"))
    assert one != other


@given(st.text(max_size=20))
def test_any_text_is_some_place(last: str) -> None:
    found, _last = distrust.sample(lambda: BLOCKS[:3], distrust.Turn(b"key", last))
    assert len(found) <= 27


def test_a_host_without_files_has_no_turn() -> None:
    assert distrust.sample(list, distrust.Turn(b"key", "/x/y")) == ((), "/x/y")
