"""Blocks and entries: one is read from the other and written again, and hostile bytes are refused."""

import inspect
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from trees import PATHS, blocks, place, scanned, stream, trees

from auditkit import entries
from auditkit.errors import FormatError
from auditkit.model import Entry, Kind, Level
from auditkit.probe import lines, walk

LINE = b"f 644 0 0 root root 4 1.000000002 3.000000000 ? 5 1 - blake3:00ff security.selinux=0x61 - sshd_config"
BLOCK = (
    b"/etc/ssh\nd 755 0 0 root root 4096 1.000000000 1.000000000 1.000000000 7 2 ia - - 8:1 .\n" + LINE + b"\n=Port 22\\x0a\n"
)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small tree with one of each kind that anybody may make."""
    root = tmp_path / "root"
    (root / "dir").mkdir(parents=True)
    (root / "file").write_text("Port 22\n")
    (root / "empty").touch()
    (root / os.fsdecode(b"odd \n\x1b\xff=name")).write_bytes(b"\0\xff")
    (root / "link to").symlink_to("a b\n")
    (root / "dash").symlink_to("-")
    os.mkfifo(root / "fifo")
    (root / "dir" / "below").write_text("x")
    return root


def read(block: bytes) -> list[Entry]:
    return [entry for _name, entry in entries.decode(block)]


def test_a_block_is_read_field_by_field() -> None:
    directory, file = read(BLOCK)
    assert directory == Entry(
        "/etc/ssh", Kind.DIRECTORY, 0o755, 0, 0, "root", "root", 4096, 1_000_000_000, 1_000_000_000, 1_000_000_000, 7, 2, "8:1",
        "ia", None, None, (), None,
    )  # fmt: skip
    assert file == Entry(
        "/etc/ssh/sshd_config", Kind.FILE, 0o644, 0, 0, "root", "root", 4, 1_000_000_002, 3_000_000_000, None, 5, 1, None,
        "", ("blake3:00ff",), None, (("security.selinux", "0x61"),), "Port 22\n",
    )  # fmt: skip
    assert (entries.path_of(BLOCK), entries.count(BLOCK)) == (b"/etc/ssh", 2)


@pytest.mark.parametrize("level", [Level.CONTENT, Level.METADATA, Level.EXISTS])
@pytest.mark.parametrize("keep", [False, True])
def test_what_a_scan_wrote_is_written_again_byte_by_byte(tree: Path, level: Level, keep: bool) -> None:
    found = scanned(tree, level, keep=keep)
    assert sum(map(entries.count, found)) == 9
    assert list(entries.encode(entry for block in found for entry in read(block))) == found


def test_a_time_far_beyond_our_lives_is_read_like_any_other() -> None:
    """On btrfs and tmpfs anybody may give a file any 64-bit time (`touch -d @9000000000000000000`)."""
    far = LINE.replace(b"1.000000002", b"%d.999999999" % (2**63 - 1)).replace(b"3.000000000", b"%d.000000000" % -(2**63))
    (entry,) = read(b"/etc/ssh\n" + far + b"\n")
    assert (entry.mtime_ns, entry.ctime_ns) == ((2**63 - 1) * 10**9 + 999_999_999, -(2**63) * 10**9)
    assert list(entries.encode([entry])) == [b"/etc/ssh\n" + far + b"\n"]


def test_a_file_with_such_a_time_can_be_scanned(tree: Path) -> None:
    done = subprocess.run(["touch", "-d", "@9999999999999", tree / "file"], check=False, capture_output=True)
    if done.returncode or (tree / "file").stat().st_mtime < 1e12:
        pytest.skip("this file system keeps no such times")
    assert any(entry.mtime_ns == 9999999999999 * 10**9 for block in scanned(tree) for entry in read(block))


def test_a_huge_directory_makes_several_blocks_of_one_path() -> None:
    made = blocks("d /d\n" + "\n".join(f"f /d/{number:03}" for number in range(10)), lines_a_block=4)
    assert [entries.count(block) for block in made] == [4, 4, 3]
    assert {entries.path_of(block) for block in made} == {b"/d"}


def test_a_directory_with_much_kept_text_is_cut_where_a_scan_cuts_it(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        (tree / f"{number:02}").write_text("é\t\n" * number * 20)
    monkeypatch.setattr(walk, "BYTES_A_BLOCK", 5000)
    found = scanned(tree, keep=True)
    assert len(found) > 5
    assert list(entries.encode((entry for block in found for entry in read(block)), 4096, 5000)) == found


def test_the_encoder_and_the_scan_mean_the_same_size() -> None:
    defaults = inspect.signature(entries.encode).parameters
    assert defaults["lines_a_block"].default == walk.LINES_A_BLOCK
    assert defaults["size_of_block"].default == walk.BYTES_A_BLOCK


@pytest.mark.parametrize(
    ("field", "written"),
    [("-", b"\\x2d"), ("?", b"\\x3f"), ("a b", b"a\\x20b"), ("a\\b", b"a\\\\b"), ("dömäne\\anna", "dömäne\\\\anna".encode())],
)
def test_words_that_would_be_mistaken_are_escaped(field: str, written: bytes) -> None:
    assert lines.word(field).encode() == written
    (block,) = entries.encode([Entry("/x", Kind.FILE, owner=field)])
    assert block.split(b"\n")[1].split(b" ")[4] == written
    assert read(block)[0].owner == field


@pytest.mark.parametrize("name", ["user.a,b", "user.a=b", "user.a b", "user.\\", "user.\udcff", "user.é"])
def test_the_names_of_extended_attributes_may_hold_what_separates_them(name: str) -> None:
    pairs = ((name, "0x01"), ("user.z", "0x"))
    (block,) = entries.encode([Entry("/x", Kind.FILE, xattrs=pairs)])
    assert read(block)[0].xattrs == pairs
    told = lines.attributes([(name, b"\1"), ("user.z", b"")], lambda _value: "").encode()
    assert set(block.split(b"\n")[1].split(b" ")[14].split(b",")) == set(told.split(b","))


@given(trees(), st.integers(1, 4))
@settings(max_examples=150, deadline=None)
def test_any_tree_comes_back_from_its_blocks(tree: tuple[Entry, ...], lines_a_block: int) -> None:
    made = stream(tree, lines_a_block)
    assert [entry for block in made for entry in read(block)] == sorted(tree, key=place)
    assert sum(map(entries.count, made)) == len(tree)


NUMBERS = st.none() | st.integers(0, 2**64 - 1)
TIMES = st.none() | st.integers(-(2**63) * 10**9, 2**63 * 10**9 - 1)
WORDS = st.none() | st.text(alphabet=st.sampled_from("a-?\\ =,\n\x1bé\u202e\udcff"), min_size=1, max_size=4)
ENTRIES = st.builds(
    Entry,
    path=PATHS,
    kind=st.sampled_from(Kind),
    mode=st.none() | st.integers(0, 0o7777),
    uid=NUMBERS,
    gid=NUMBERS,
    owner=WORDS,
    group=WORDS,
    size=NUMBERS,
    mtime_ns=TIMES,
    ctime_ns=TIMES,
    btime_ns=TIMES,
    inode=NUMBERS,
    links=NUMBERS,
    flags=st.none() | st.sampled_from(["", "i", "a", "ia"]),
    digests=st.none() | st.sampled_from([("blake3:00",), ("blake3:00", "sha256:ff")]),
    xattrs=st.none() | st.lists(st.tuples(WORDS.filter(bool), st.just("0x00")), max_size=2).map(tuple),
    content=st.none() | st.text(alphabet="a\n\\=/{\x00é", max_size=6),
)


@given(ENTRIES, WORDS)
@settings(max_examples=300, deadline=None)
def test_any_entry_comes_back_from_its_line(entry: Entry, extra: str | None) -> None:
    whole = entry if extra is None else with_extra(entry, extra)
    (block,) = entries.encode([whole])
    assert read(block) == [whole]
    assert list(entries.encode(read(block))) == [block]


def with_extra(entry: Entry, extra: str) -> Entry:
    return replace(entry, target=extra) if entry.kind is Kind.SYMLINK else replace(entry, device=extra)


def line(number: int, value: bytes) -> bytes:
    """A block with one field of its line replaced."""
    fields = LINE.split(b" ")
    fields[number] = value
    return b"/etc/ssh\n" + b" ".join(fields) + b"\n"


HOSTILE = {
    "no fields": b"/etc\nx\n",
    "an unknown kind": line(0, b"x"),
    "a mode that is not octal": line(1, b"999"),
    "a number with underscores": line(2, b"1_0"),
    "a number with a sign": line(2, b"+1"),
    "a number with digits of another script": line(2, "١".encode()),
    "a number that never ends": line(6, b"9" * 10_000),
    "a time without nanoseconds": line(7, b"1"),
    "a digest without an algorithm": line(13, b"abc"),
    "a digest that is no hex": line(13, b"blake3:xyz"),
    "an attribute without a name": line(14, b"=0x00"),
    "a bad escape in a word": line(4, b"\\q"),
    "a bad escape in the name": line(16, b"a\\"),
    "a bad escape in the path": b"/etc\\\n" + LINE + b"\n",
    "a name that leads elsewhere": line(16, b"..\\x2fshadow"),
    "a name with a slash": line(16, b"a/b"),
    "a name with a NUL": line(16, b"a\\x00"),
    "no name": line(16, b""),
    "a file that says it is its directory": line(16, b"."),
    "kept text of nothing": b"/etc\n=text\n",
    "kept text twice": BLOCK + b"=again\n",
    "a bad escape in kept text": b"/etc\n" + LINE + b"\n=\\q\n",
}


@pytest.mark.parametrize("block", HOSTILE.values(), ids=HOSTILE)
def test_a_line_that_no_encoder_wrote_is_refused(block: bytes) -> None:
    with pytest.raises(FormatError) as refused:
        list(entries.decode(block))
    assert str(refused.value).isprintable()


DAMAGED = st.builds(
    lambda at, flip: BLOCK[:at] + bytes([BLOCK[at] ^ flip]) + BLOCK[at + 1 :],
    st.integers(0, len(BLOCK) - 1),
    st.integers(1, 255),
)
LONGER = st.binary().map(lambda tail: BLOCK + tail)
SHORTER = st.integers(0, len(BLOCK)).map(lambda at: BLOCK[:at])


@given(st.one_of(st.binary(), DAMAGED, LONGER, SHORTER))
@example(b"")
@example(b"\n")
@example(b"/\xff\n\xff\n")
@settings(max_examples=600, deadline=None)
def test_arbitrary_bytes_give_entries_or_a_format_error(data: bytes) -> None:
    try:
        found = list(entries.decode(data))
    except FormatError as error:
        assert str(error).isprintable()  # noqa: PT017 - either answer is right
    else:
        assert all(isinstance(entry, Entry) for _name, entry in found)
