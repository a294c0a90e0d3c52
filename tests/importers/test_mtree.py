"""mtree specifications: real ones of NetBSD's mtree and of bsdtar, and the corners of mtree(5) and vis(3)."""

import hashlib
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.errors import FormatError
from auditkit.importers import read
from auditkit.importers.mtree import DEEPEST, unvis
from auditkit.model import Entry, Gap, Kind

DATA = Path(__file__).parent / "data"


def listed(text: bytes) -> list[Entry | Gap]:
    return list(read(io.BytesIO(text), "mtree", "/r"))


def sample(name: str) -> dict[str, Entry]:
    with (DATA / name).open("rb") as stream:
        found = list(read(stream, None, "/r"))
    assert not [what for what in found if isinstance(what, Gap)]
    return {what.path.removeprefix("/r"): what for what in found if isinstance(what, Entry)}


@pytest.mark.parametrize("name", ["netbsd.mtree", "bsdtar.mtree"])
def test_a_real_specification_gives_every_path_and_what_is_known_of_it(name: str) -> None:
    entries = sample(name)
    assert entries.keys() == {
        "", "/#hash", "/100%", "/a b", "/back\\slash", "/bad\udcff", "/comma,ä", "/fifo", "/link", "/new\nline",
        "/null", "/sub", "/sub/twin", "/sub/x*[y", "/suid",
    }  # fmt: skip
    twin = entries["/sub/twin"]
    assert (twin.kind, twin.mode, twin.owner, twin.group, twin.size, twin.links) == (Kind.FILE, 0o644, "root", "root", 5, 2)
    assert f"sha256:{hashlib.sha256(b'hello').hexdigest()}" in (twin.digests or ())
    assert entries["/suid"].mode == 0o4755
    assert (entries["/link"].kind, entries["/link"].target) == (Kind.SYMLINK, "0 b")
    assert (entries["/null"].kind, entries["/null"].device) == (Kind.CHARACTER, "1:3")
    assert entries["/fifo"].kind is Kind.FIFO


def test_both_tools_say_the_same_of_the_same_tree() -> None:
    ours, theirs = sample("netbsd.mtree"), sample("bsdtar.mtree")
    for path, entry in ours.items():
        other = theirs[path]
        assert (entry.kind, entry.mode, entry.mtime_ns, entry.target) == (other.kind, other.mode, other.mtime_ns, other.target)


def test_set_and_unset_hold_for_the_lines_below() -> None:
    found = listed(b"/set type=file uid=7 mode=0600\na\n/unset uid mode\nb uid=8\n/unset all\nc\n")
    assert found == [
        Entry("/r/a", Kind.FILE, 0o600, 7),
        Entry("/r/b", Kind.FILE, uid=8),
        Gap("line 6", "its type is not known: c"),
    ]


def test_names_without_a_slash_follow_the_directories_and_paths_do_not() -> None:
    found = listed(b". type=dir\nd type=dir\nx type=file\ne/f type=dir\ny type=file\n..\nz type=file\n..\n")
    assert [what.path for what in found if isinstance(what, Entry)] == ["/r", "/r/d", "/r/d/x", "/r/e/f", "/r/d/y", "/r/z"]


def test_leaving_more_than_was_entered_is_a_gap() -> None:
    assert listed(b". type=dir\n..\n..\n")[1:] == [Gap("line 3", "leaves a directory that was not entered")]


def test_what_lies_in_a_directory_with_a_broken_name_is_not_put_elsewhere() -> None:
    found = listed(b"d\\x type=dir\nf type=file\n..\ng type=file\n")
    assert [type(what) for what in found] == [Gap, Gap, Entry]
    assert found[2] == Entry("/r/g", Kind.FILE)


def test_a_directory_with_another_broken_word_is_entered_all_the_same() -> None:
    found = listed(b"d type=dir uid=x\nf type=file\n")
    assert found == [Gap("line 1", "not a number: x"), Entry("/r/d/f", Kind.FILE)]


def test_a_backslash_at_the_end_goes_on_and_an_even_number_does_not() -> None:
    assert listed(b"a \\\n  type=file \\\n  size=3\nb\\\\\n") == [
        Entry("/r/a", Kind.FILE, size=3),
        Gap("line 4", "its type is not known: b\\\\"),
    ]


def test_the_number_after_the_dot_of_a_time_is_nanoseconds() -> None:
    times = [
        what.mtime_ns
        for what in listed(b"/set type=file\na time=5.7\nb time=5.000000007\nc time=5\n")
        if isinstance(what, Entry)
    ]
    assert times == [5_000_000_007, 5_000_000_007, 5_000_000_000]


@pytest.mark.parametrize(
    ("flags", "letters"),
    [("none", None), ("uchg", "i"), ("schg,nodump", "i"), ("sappnd", "a"), ("uappnd,simmutable", "ia"), ("nodump", "")],
)
def test_flags_with_a_chattr_letter_are_kept(flags: str, letters: str | None) -> None:
    assert listed(f"a type=file flags={flags}\n".encode()) == [Entry("/r/a", Kind.FILE, flags=letters)]


def test_digests_are_kept_under_either_name() -> None:
    found = listed(b"a type=file md5digest=" + b"0" * 32 + b" sha1=" + b"A" * 40 + b"\n")
    assert found == [Entry("/r/a", Kind.FILE, digests=("md5:" + "0" * 32, "sha1:" + "a" * 40))]


def test_ignore_and_unknown_keywords_are_gaps_beside_the_entry() -> None:
    assert listed(b"d type=dir ignore\n..\nf type=file optional quark=1\ng type=file quark=2\n") == [
        Entry("/r/d", Kind.DIRECTORY),
        Gap("line 1", "says nothing of what lies below: ignore"),
        Entry("/r/f", Kind.FILE),
        Gap("line 3", "the keyword quark is not known"),
        Entry("/r/g", Kind.FILE),
    ]


@pytest.mark.parametrize(
    "words",
    [
        "type=door",
        "type=file mode=u+x",
        "type=file size=-1",
        "type=file time=now",
        "type=char device=native,1",
        "type=file md5=0",
    ],
)
def test_a_value_that_is_not_understood_makes_the_line_a_gap(words: str) -> None:
    (gap,) = listed(f"a {words}\n".encode())
    assert isinstance(gap, Gap)
    assert gap.subject == "line 1"


def test_endless_nesting_and_endless_lines_end_it() -> None:
    with pytest.raises(FormatError, match="nested deeper"):
        listed(b"a type=dir\n" * (DEEPEST + 1))
    with pytest.raises(FormatError, match="line 1 goes on for more"):
        listed(b"a \\\n" * 40_000)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (rb"\040\s\#\\", b"  #\\"),
        (rb"\n\t\r\a\b\f\v\E", b"\n\t\r\a\b\f\v\x1b"),
        (rb"\M-C\M-$\M^?\M^A", b"\xc3\xa4\xff\x81"),
        (rb"\^A\^?\x7e", b"\x01\x7f~"),
    ],
)
def test_vis_is_undone(written: bytes, meant: bytes) -> None:
    assert unvis(written) == meant


@given(st.binary(max_size=40))
@settings(max_examples=100, deadline=None)
def test_bytes_in_octal_come_back(name: bytes) -> None:
    assert unvis(b"".join(b"\\%03o" % byte for byte in name)) == name
