"""A host's word held against another look, on recorded answers."""

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


def test_what_could_not_be_fetched_says_nothing() -> None:
    assert not list(distrust.contradicted([entry("/bin/ls")], {}, {}))


LINE = b"f 644 0 0 root root %d 1.000000000 1.000000000 ? 7 1 - sha256:aa - - %s\n"
BLOCKS = [b"/d%d\n" % at + LINE % (100, b"file") + LINE % (distrust.BUDGET + 1, b"large") for at in range(50)]


def test_every_small_file_has_its_turn_once() -> None:
    drawn = [one.path for turn in range(7) for one in distrust.sample(BLOCKS, b"key", turn, 7)]
    assert sorted(drawn) == sorted(f"/d{at}/file" for at in range(50))


def test_no_run_fetches_more_than_its_budget() -> None:
    blocks = [b"/d%d\n" % at + LINE % (9000, b"file") for at in range(50)]
    drawn = list(distrust.sample(blocks, b"key", 0, 1))
    assert 0 < sum(one.size or 0 for one in drawn) <= distrust.BUDGET
