"""Accepting changes: what was accepted is from now on as it is, all else stays as it was."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trees import altered, blocks, stream, trees

from auditkit import compare, settle
from auditkit.accept import applied, chosen, edits
from auditkit.model import Change, Entry, Level, Watch

BEFORE = """
d /etc
f /etc/passwd content=old
f /etc/removed
f /etc/renamed content=once
d /etc/ssh
f /etc/ssh/sshd_config content=old
d /usr
f /usr/kept
"""
AFTER = """
d /etc mode=700
f /etc/added
f /etc/passwd content=new
d /etc/ssh
l /etc/ssh/sshd_config
f /etc/[x]
d /new
f /new/name content=once
d /usr
f /usr/kept
"""


def changes(before: list[bytes], after: list[bytes]) -> tuple[Change, ...]:
    watch = Watch("/", Level.CONTENT)
    told = compare.compare(compare.pairs(before, after), lambda _path: watch)
    return settle.settle([one for one in told if isinstance(one, Change)], ())


def paths(found: tuple[Change, ...]) -> list[str]:
    return sorted(change.path for change in found)


ALL = ["/etc", "/etc/[x]", "/etc/added", "/etc/passwd", "/etc/removed", "/etc/ssh/sshd_config", "/new", "/new/name"]


@pytest.mark.parametrize(
    ("named", "accepted"),
    [
        ("/etc/passwd", ["/etc/passwd"]),
        ("/etc/ssh", ["/etc/ssh/sshd_config"]),
        ("/etc/*d", ["/etc/added", "/etc/passwd", "/etc/removed", "/new/name"]),
        ("/etc/renamed", ["/new/name"]),
        ("/new/name", ["/new/name"]),
        ("/new", ["/new", "/new/name"]),
        ("/etc/[x]", ["/etc/[x]"]),
        ("/etc/[[]x]", ["/etc/[x]"]),
        ("/usr", []),
        ("/", ALL),
    ],
)
def test_only_what_is_named_is_accepted(named: str, accepted: list[str]) -> None:
    found = changes(blocks(BEFORE), blocks(AFTER))
    assert paths(found) == ALL
    took = chosen(found, [named])
    assert paths(took) == accepted
    new = list(applied(blocks(BEFORE), edits(took)))
    assert paths(changes(new, blocks(AFTER))) == [path for path in ALL if path not in accepted]


def test_an_accepted_baseline_is_written_as_a_scan_would_have_written_it() -> None:
    before = "d /a\nf /a/1\nf /a/2\nd /a/b\nf /a/b/x\nd /c\nf /c/y"
    after = "d /a\nf /a/0\nf /a/2 mode=600\nd /a/a\nf /a/a/z\nd /c\nf /c/y\nd /d"
    found = changes(blocks(before), blocks(after))
    assert list(applied(blocks(before), edits(found))) == blocks(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("d /d\nf /d/x", "d /d\nd /d/x\nf /d/x/y"),
        ("d /d\nd /d/x\nf /d/x/y", "d /d\nf /d/x"),
        ("f /x", "d /x"),
        ("", "d /\nf /x\nd /x-y\nd /y"),
        ("d /\nf /x\nd /x-y\nd /y", ""),
        ("f /a content=once", "f /b/c content=once"),
        ("f /a content=one\nf /b content=two", "f /a content=two\nf /b content=one"),
        ("f /a inode=1 content=one\nf /b inode=2 content=two", "f /b inode=1 content=one\nf /c inode=2 content=two"),
    ],
)
def test_when_all_is_accepted_nothing_is_left(before: str, after: str) -> None:
    found = changes(blocks(before), blocks(after))
    new = list(applied(blocks(before), edits(found)))
    assert changes(new, blocks(after)) == ()
    assert b"".join(new) == b"".join(blocks(after))


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_a_directory_in_several_blocks_is_edited_as_one(size: int) -> None:
    files = [f"f /d/{number}" for number in range(9)]
    before, after = "\n".join(["d /d", *files, "d /e"]), "\n".join(["d /d", *files[2:], "f /d/last", "d /e mode=700"])
    new = list(applied(blocks(before, size), edits(changes(blocks(before, size), blocks(after)))))
    assert new == blocks(after)


TWO_TREES = trees().flatmap(lambda tree: st.tuples(st.just(tree), altered(tree)))


@given(TWO_TREES, st.integers(1, 3))
@settings(max_examples=200, deadline=None)
def test_accepting_everything_leaves_nothing_to_tell(both: tuple[tuple[Entry, ...], ...], size: int) -> None:
    before, after = both
    found = changes(stream(before, size), stream(after))
    assert changes(list(applied(stream(before, size), edits(found))), stream(after)) == ()


@given(trees(), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_accepting_nothing_changes_no_byte(tree: tuple[Entry, ...], size: int) -> None:
    assert list(applied(stream(tree, size), edits([]))) == stream(tree, size)


@given(TWO_TREES, st.data())
@settings(max_examples=200, deadline=None)
def test_what_was_not_accepted_is_told_again_and_nothing_else(both: tuple[tuple[Entry, ...], ...], data: st.DataObject) -> None:
    before, after = map(stream, both)
    found = changes(before, after)
    flags = data.draw(st.lists(st.booleans(), min_size=len(found), max_size=len(found)))
    took = [change for change, flag in zip(found, flags, strict=True) if flag]
    new = list(applied(before, edits(took)))
    left = changes(new, after)
    assert set(paths(left)) <= {change.path for change in found} - {change.path for change in took}
    assert changes(list(applied(new, edits(left))), after) == ()
