"""Two trees -> what is said of the difference. The notation of trees stands in trees.py."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trees import altered, blocks, stream, trees

from auditkit import compare, settle
from auditkit.entries import encode
from auditkit.errors import FormatError
from auditkit.model import Change, ChangeKind, Entry, Gap, Kind, Level, Severity, Watch

STILL = "not even ctime moved: written past the file system, or a failing disk"
# before, after, and what must be said: rule, severity, path, what happened, which attributes, and a note
CASES = {
    "nothing": ("d /etc\nf /etc/passwd", "d /etc\nf /etc/passwd", ""),
    "nothing at all": ("", "", ""),
    "a new file": ("d /etc", "d /etc\nf /etc/new", "path-added medium /etc/new: added"),
    "a new directory": ("d /etc", "d /etc\nd /etc/x", "path-added medium /etc/x: added"),
    "a file is gone": ("d /etc\nf /etc/old", "d /etc", "path-removed medium /etc/old: removed"),
    "a whole directory is gone": (
        "d /etc\nd /etc/x\nf /etc/x/y\nf /etc/z",
        "d /etc\nf /etc/z",
        "path-removed medium /etc/x: removed\npath-removed medium /etc/x/y: removed",
    ),
    "before, between and behind": (
        "d /b\nf /b/2\nd /d",
        "d /a\nd /b\nf /b/1\nf /b/2\nf /b/3\nd /c\nd /d\nd /e",
        """\
path-added medium /a: added
path-added medium /b/1: added
path-added medium /b/3: added
path-added medium /c: added
path-added medium /e: added""",
    ),
    "names sort by their bytes below their directory": (
        "d /a\nf /a/x\nd /a-b\nf /a-b/x",
        "d /a\nf /a/x\nd /a-b\nf /a-b/x\nf /a-b/y\nf /a/y",
        "path-added medium /a/y: added\npath-added medium /a-b/y: added",
    ),
    "new content": (
        "f /x content=one mtime=1 size=3",
        "f /x content=three mtime=2 size=5",
        "content-changed medium /x: changed digest,size,mtime",
    ),
    "new content of the same size": (
        "f /x content=one mtime=1",
        "f /x content=two mtime=2",
        "content-changed medium /x: changed digest,mtime",
    ),
    "new content, and the time was put back": (
        "f /x content=one ctime=1",
        "f /x content=two ctime=2",
        "content-changed-quietly high /x: changed digest,ctime",
    ),
    "new content, and no time moved": (
        "f /x content=one",
        "f /x content=two",
        f"content-changed-quietly high /x: changed digest; {STILL}",
    ),
    "new content, and what ctime was is not known": (
        "f /x content=one lacks=ctime",
        "f /x content=two ctime=2",
        "content-changed-quietly high /x: changed digest",
    ),
    "new content, and no times are known": (
        "f /x content=one lacks=mtime,ctime",
        "f /x content=two",
        "content-changed medium /x: changed digest",
    ),
    "mode": ("f /x mode=600", "f /x mode=644", "attributes-changed medium /x: changed mode"),
    "owner and flags": ("f /x", "f /x uid=1 gid=2 flags=i", "attributes-changed medium /x: changed uid,gid,flags"),
    "owner of a directory": ("d /x", "d /x uid=1", "attributes-changed medium /x: changed uid"),
    "times, inode and links": (
        "f /x btime=1",
        "f /x mtime=2 ctime=2 btime=2 inode=9 links=2",
        "times-changed low /x: changed mtime,ctime,btime,inode,links",
    ),
    "the times of a directory": ("d /x", "d /x mtime=2 ctime=2 links=3", ""),
    "a directory was replaced": ("d /x inode=1", "d /x inode=2", "times-changed low /x: changed inode"),
    "setuid gained": ("f /x mode=755", "f /x mode=4755", "setuid-gained high /x: changed mode"),
    "setgid gained besides setuid": ("f /x mode=4755", "f /x mode=6755", "setuid-gained high /x: changed mode"),
    "setuid lost": ("f /x mode=4755", "f /x mode=755", "attributes-changed medium /x: changed mode"),
    "setuid kept, another mode": ("f /x mode=4755", "f /x mode=4711", "attributes-changed medium /x: changed mode"),
    "setgid on a directory is no program": ("d /x mode=755", "d /x mode=2755", "attributes-changed medium /x: changed mode"),
    "a new setuid program": ("", "f /x mode=4755", "setuid-gained high /x: added"),
    "a symlink became a setuid program": ("l /x", "f /x mode=4755", "setuid-gained high /x: changed kind"),
    "a capability gained": ("f /x", "f /x caps=01", "capability-gained high /x: changed xattrs"),
    "other capabilities": ("f /x caps=01", "f /x caps=02", "capability-gained high /x: changed xattrs"),
    "a capability lost": ("f /x caps=01", "f /x", "attributes-changed medium /x: changed xattrs"),
    "a new program with a capability": ("", "f /x caps=01", "capability-gained high /x: added"),
    "a file became a symlink": ("f /x", "l /x", "kind-changed medium /x: changed kind; file → symlink"),
    "a file became a directory": (
        "d /d\nf /d/x",
        "d /d\nd /d/x\nf /d/x/y",
        "kind-changed medium /d/x: changed kind; file → directory\npath-added medium /d/x/y: added",
    ),
    "a directory became a symlink": (
        "d /d\nd /d/x\nf /d/x/y",
        "d /d\nl /d/x",
        "kind-changed medium /d/x: changed kind; directory → symlink\npath-removed medium /d/x/y: removed",
    ),
    "a link points elsewhere": ("l /x target=/a", "l /x target=/b", "link-retargeted medium /x: changed target"),
    "a device has another number": (
        "c /dev/x device=1:3",
        "c /dev/x device=1:1",
        "attributes-changed medium /dev/x: changed device",
    ),
    "another disk": ("d /x device=8:1", "d /x device=8:2", ""),
    "moved, by inode": (
        "f /a content=same inode=5\nf /b content=same inode=6",
        "f /c content=same inode=5\nf /d content=same inode=7",
        "path-removed medium /b: removed\npath-moved medium /c: changed path; moved from /a\npath-added medium /d: added",
    ),
    "moved, by its content": (
        "f /a content=once inode=5",
        "f /b content=once inode=6",
        "path-moved medium /b: changed path; moved from /a",
    ),
    "moved, and its mode changed": (
        "f /a content=once ctime=1",
        "f /b content=once ctime=2 mode=666",
        "path-moved medium /b: changed path,mode; moved from /a",
    ),
    "moved, and setuid gained": (
        "f /a content=once",
        "f /b content=once mode=4755",
        "setuid-gained high /b: changed path,mode; moved from /a",
    ),
    "moved, and setuid before and after": (
        "f /a content=once mode=4755",
        "f /b content=once mode=4755",
        "path-moved high /b: changed path; moved from /a",
    ),
    "moved, a name with terminal escapes": (
        "f /a\x1b[2J content=once",
        "f /b content=once",
        "path-moved medium /b: changed path; moved from /a\\x1b[2J",
    ),
    "not moved: there are two of that content": (
        "f /a content=same inode=5",
        "f /b content=same inode=6\nf /c content=same inode=7",
        "path-removed medium /a: removed\npath-added medium /b: added\npath-added medium /c: added",
    ),
    "not moved: an inode used again": (
        "f /a content=one inode=5",
        "f /b content=two inode=5",
        "path-removed medium /a: removed\npath-added medium /b: added",
    ),
    "not moved: empty files are all the same": (
        "f /a content=- inode=5",
        "f /b content=- inode=5",
        "path-removed medium /a: removed\npath-added medium /b: added",
    ),
    "hard links are one file": (
        "f /a content=one inode=5 links=2\nf /b content=one inode=5 links=2",
        "f /a content=two mtime=2 inode=5 links=2\nf /b content=two mtime=2 inode=5 links=2",
        """\
content-changed medium /a: changed digest,mtime; the same file as /b
content-changed medium /b: changed digest,mtime; the same file as /a""",
    ),
    "attributes that one side lacks": ("f /x lacks=mode,uid,xattrs,ctime", "f /x mode=600 uid=7 caps=01", ""),
    "no digest now": ("f /x content=one", "f /x content=one lacks=digests", ""),
    "digests of different algorithms": (
        "f /x digests=blake3:00",
        "f /x digests=sha256:00",
        "gap /x: no digest that both the baseline and this scan have: nothing to compare",
    ),
    "one digest in common": ("f /x digests=blake3:00,sha256:01", "f /x digests=sha256:01", ""),
    "one digest in common, and it differs": (
        "f /x digests=blake3:00,sha256:01",
        "f /x digests=sha256:02 mtime=2",
        "content-changed medium /x: changed digest,mtime",
    ),
}


def watch(level: Level = Level.CONTENT, severity: Severity = Severity.MEDIUM) -> compare.WatchOf:
    return lambda _path: Watch("/", level, severity)


def difference(
    before: list[bytes], after: list[bytes], watch_of: compare.WatchOf | None = None, passing: frozenset[str] = frozenset(),
    gaps: tuple[Gap, ...] = (),
) -> tuple[tuple[Change, ...], tuple[Gap, ...]]:  # fmt: skip
    """What comparing comes to: as the commands do it, in two steps."""
    told = list(compare.compare(compare.pairs(before, after), watch_of or watch(), passing))
    found = tuple(one for one in told if isinstance(one, Gap))
    return settle.settle([one for one in told if isinstance(one, Change)], (*gaps, *found)), found


def shown(result: tuple[tuple[Change, ...], tuple[Gap, ...]]) -> str:
    changes, gaps = result
    return "\n".join([*map(line, changes), *(f"gap {gap.subject}: {gap.reason}" for gap in gaps)])


def line(change: Change) -> str:
    attributes = f" {','.join(change.attributes)}" if change.attributes else ""
    note = f"; {change.note}" if change.note else ""
    return f"{change.rule} {change.severity.word} {change.path}: {change.change}{attributes}{note}"


@pytest.mark.parametrize(("before", "after", "told"), CASES.values(), ids=CASES)
def test_a_difference_is_told(before: str, after: str, told: str) -> None:
    assert shown(difference(blocks(before), blocks(after))) == told


@pytest.mark.parametrize(
    ("level", "severity", "told"),
    [
        (Level.CONTENT, Severity.CRITICAL, "content-changed critical /x: changed digest,size,mode,mtime"),
        (Level.CONTENT, Severity.LOW, "content-changed low /x: changed digest,size,mode,mtime"),
        (Level.GROWING, Severity.MEDIUM, "log-rewritten medium /x: changed digest,mode"),
        (Level.EXISTS, Severity.HIGH, ""),
        (Level.IGNORE, Severity.HIGH, ""),
    ],
)
def test_the_policy_says_what_counts_and_how_much(level: Level, severity: Severity, told: str) -> None:
    before, after = blocks("f /x content=one"), blocks("f /x content=three mode=600 mtime=2")
    assert shown(difference(before, after, watch(level, severity))) == told


@pytest.mark.parametrize("level", [Level.EXISTS, Level.CONTENT])
def test_another_kind_counts_at_every_level(level: Level) -> None:
    told = shown(difference(blocks("f /x"), blocks("p /x"), watch(level)))
    assert told == "kind-changed medium /x: changed kind; file → fifo"


def test_what_no_watch_covers_is_not_compared() -> None:
    assert difference(blocks("f /x"), blocks("f /y"), lambda _path: None) == ((), ())


def test_a_change_that_is_bad_in_itself_is_high_even_where_the_policy_says_low() -> None:
    before, after = blocks("f /x\nf /y content=one"), blocks("f /x mode=4755\nf /y content=two")
    changes, _gaps = difference(before, after, watch(severity=Severity.LOW))
    assert [change.severity for change in changes] == [Severity.HIGH, Severity.HIGH]


def test_a_copy_is_compared_without_what_copies_never_share() -> None:
    """As with a backup tree: that ctime is not compared says nothing of whether it moved."""
    passing = frozenset(("ctime", "btime", "inode", "links", "device"))
    before, after = blocks("f /x\nf /y content=one"), blocks("f /x ctime=2 inode=2 links=3\nf /y content=two ctime=2")
    assert shown(difference(before, after, None, passing)) == "content-changed-quietly high /y: changed digest"


BEFORE = "d /a\nd /a/b\nf /a/b/c\nf /a/bc\nf /z"


@pytest.mark.parametrize(
    ("gap", "removed"),
    [
        ("/a/b", "/a /a/bc /z"),
        ("/a/b/c", "/a /a/bc /a/b /z"),
        ("/a", "/z"),
        ("/", ""),
        ("/a/bc", "/a /a/b /a/b/c /z"),
        ("/elsewhere", "/a /a/bc /a/b /a/b/c /z"),
    ],
)
def test_nothing_under_a_gap_is_called_removed(gap: str, removed: str) -> None:
    changes, _gaps = difference(blocks(BEFORE), [], gaps=(Gap(gap, "permission denied"),))
    assert sorted(change.path for change in changes) == sorted(removed.split())


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_directory_in_several_blocks_is_compared_as_one(size: int) -> None:
    files = [f"f /d/{number:02}" for number in range(12)]
    before = blocks("\n".join(["d /d", *files, "d /e"]), size)
    inserted = blocks("\n".join(["d /d", "f /d/-first", *files, "f /d/last", "d /e"]), size)
    assert shown(difference(before, inserted)) == "path-added medium /d/-first: added\npath-added medium /d/last: added"
    cut = blocks("\n".join(["d /d", *files[:-5], "d /e"]), size)
    assert [change.path for change in difference(before, cut)[0]] == [f"/d/{number:02}" for number in range(7, 12)]


def test_what_a_lesser_look_cannot_show_is_a_gap_and_told_once() -> None:
    full = b"/x\n" + b"".join(
        b"f 755 0 0 root root 1 1.500000000 2.500000000 ? 7 1 - sha256:aa - - f%d\n" % at for at in range(3)
    )
    less = full.replace(b"sha256:aa -", b"sha256:aa ?")
    changes, gaps = difference([full], [less])
    assert (changes, [gap.subject for gap in gaps]) == ((), ["attributes"])
    assert (
        gaps[0].reason == "capabilities, ACLs and labels of 3 paths stand in the baseline and cannot be shown now: not compared"
    )
    changes, gaps = difference([less], [full])
    assert (changes, [gap.subject for gap in gaps]) == ((), ["attributes"])
    assert "were not seen when the baseline was made" in gaps[0].reason


def test_times_in_whole_seconds_are_compared_as_far_as_they_go() -> None:
    exact = b"/x\nf 755 0 0 root root 1 1.500000000 2.500000000 ? 7 1 - sha256:aa - - f\n"
    whole = exact.replace(b"1.500000000", b"1.000000000").replace(b"2.500000000", b"2.000000000")
    assert difference([exact], [whole]) == ((), ())
    assert shown(difference([exact], [whole.replace(b"1.000", b"3.000")])) == "times-changed low /x/f: changed mtime"


def test_equal_blocks_are_never_taken_apart() -> None:
    """What no decoder could read passes, as long as both sides have it."""
    assert list(compare.pairs([b"/a\nno line at all\n"], [b"/a\nno line at all\n"])) == []


@pytest.mark.parametrize("bad", [b"/a\nno line at all\n", b"/a\\\nf\n", b"no newline"])
def test_a_block_that_is_none_is_a_format_error(bad: bytes) -> None:
    with pytest.raises(FormatError):
        list(compare.pairs(blocks("d /a\nf /a/x"), [bad]))


def test_every_change_that_nothing_explains_is_a_finding() -> None:
    changes, _gaps = difference(blocks("f /x\nf /gone"), blocks("f /x mode=600"))
    told = [(finding.rule, finding.subject, finding.message, finding.severity) for finding in compare.findings(changes)]
    assert told == [
        (compare.REMOVED, "/gone", "removed", Severity.MEDIUM),
        (compare.ATTRIBUTES, "/x", "changed: mode", Severity.MEDIUM),
    ]


def test_every_rule_has_its_own_name_and_says_why_and_what_to_do() -> None:
    assert len({rule.id for rule in compare.RULES}) == len(compare.RULES)
    assert all(rule.title and rule.why and rule.remedy for rule in compare.RULES)


TWO_TREES = trees().flatmap(lambda tree: st.tuples(st.just(tree), altered(tree)))
Tree = tuple[Entry, ...]


@given(trees(), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_a_tree_does_not_differ_from_itself(tree: Tree, size: int) -> None:
    assert difference(stream(tree), stream(tree)) == ((), ())
    assert difference(stream(tree), stream(tree, size)) == ((), ())


def judged(before: Tree, after: Tree, kind: ChangeKind) -> set[str]:
    told = compare.compare(compare.pairs(stream(before), stream(after)), watch())
    return {change.path for change in told if isinstance(change, Change) and change.change is kind}


@given(TWO_TREES)
@settings(max_examples=150, deadline=None)
def test_what_is_added_one_way_is_removed_the_other_way(both: tuple[Tree, Tree]) -> None:
    before, after = both
    assert judged(before, after, ChangeKind.ADDED) == judged(after, before, ChangeKind.REMOVED)
    assert judged(before, after, ChangeKind.CHANGED) == judged(after, before, ChangeKind.CHANGED)


@given(TWO_TREES)
@settings(max_examples=150, deadline=None)
def test_what_is_told_is_what_a_comparison_path_by_path_finds(both: tuple[Tree, Tree]) -> None:
    before, after = ({entry.path: entry for entry in tree} for tree in both)
    changes, _gaps = difference(stream(both[0]), stream(both[1]))
    named = {entry.path for change in changes for entry in (change.before, change.after) if entry}
    differing = {path for path in before.keys() & after.keys() if compare.differences(before[path], after[path], Level.CONTENT)}
    assert named == (before.keys() ^ after.keys()) | differing


@given(TWO_TREES, st.data())
@settings(max_examples=150, deadline=None)
def test_a_gap_never_makes_anything_below_it_removed(both: tuple[Tree, Tree], data: st.DataObject) -> None:
    before, after = both
    subject = data.draw(st.sampled_from([entry.path for entry in before] or ["/"]))
    seen = tuple(entry for entry in after if not (entry.path + "/").startswith(subject + "/"))
    changes, _gaps = difference(stream(before), stream(seen), gaps=(Gap(subject, "permission denied"),))
    below = [change for change in changes if (change.path + "/").startswith(subject + "/")]
    assert not [change for change in below if change.change is ChangeKind.REMOVED]
    assert not [change for change in changes if change.note.startswith(f"moved from {subject}/")]


def test_a_list_of_checksums_names_no_directories_and_follows_links() -> None:
    """What it leaves out is not added, and the digest of what a link leads to is not the link's."""
    known = ("blake3:aa",)
    imported = [Entry("/srv/app/link", Kind.FILE, digests=known), Entry("/srv/app/run", Kind.FILE, digests=known)]
    scanned = [
        Entry("/srv", Kind.DIRECTORY, mode=0o755),
        Entry("/srv/app", Kind.DIRECTORY, mode=0o755),
        Entry("/srv/app/link", Kind.SYMLINK, mode=0o777, target="run"),
        Entry("/srv/app/new", Kind.FILE, mode=0o644, digests=("blake3:bb",)),
        Entry("/srv/app/run", Kind.FILE, mode=0o755, digests=known),
    ]
    watch = Watch("/", Level.CONTENT)
    told = compare.compare(compare.pairs(encode(imported), encode(scanned)), lambda _path: watch)
    assert [(type(one).__name__, one.path if isinstance(one, Change) else one.subject) for one in told] == [
        ("Gap", "/srv/app/link"),
        ("Change", "/srv/app/new"),
    ]


@pytest.mark.parametrize(("mode", "rule"), [(0o4755, "attributes-changed"), (0o755, "times-changed")])
def test_another_name_for_a_setuid_program_is_no_small_thing(mode: int, rule: str) -> None:
    """Who keeps a link to it keeps the old, vulnerable program when an upgrade replaces it."""
    before, after = (
        Entry("/usr/bin/su", Kind.FILE, mode=mode, inode=7, links=links, digests=("blake3:aa",)) for links in (1, 2)
    )
    watch = Watch("/", Level.CONTENT, Severity.HIGH)
    (told,) = compare.compare(compare.pairs(encode([before]), encode([after])), lambda _path: watch)
    assert isinstance(told, Change)
    assert told.rule == rule
