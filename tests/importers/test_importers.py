"""The registry of importers: recognising, placing paths, bounds, and ordering; and every parser against hostile bytes."""

import gzip
import io
import os
import tempfile
from pathlib import Path
from random import Random
from typing import BinaryIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit import importers
from auditkit.entries import decode, encode
from auditkit.errors import FormatError, UsageError
from auditkit.importers import ordered, path_key, read, recognise
from auditkit.model import Entry, Gap, Kind

DATA = Path(__file__).parent / "data"
HELLO = b"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


def listed(data: bytes, form: str | None = None, root: str = "/") -> list[Entry | Gap]:
    return list(read(io.BytesIO(data), form, root))


def spill() -> BinaryIO:
    return tempfile.TemporaryFile()


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("aide.db", "aide"),
        ("aide.db.gz", "aide"),
        ("netbsd.mtree", "mtree"),
        ("bsdtar.mtree", "mtree"),
        ("sample.hashdeep", "hashdeep"),
        ("sample.sha256sum", "sums"),
        ("sample.b3sum", "sums"),
        ("sample.tagged", "sums"),
        ("sample.zero", "sums"),
    ],
)
def test_a_file_of_each_tool_is_recognised(name: str, form: str) -> None:
    assert recognise((DATA / name).read_bytes()) == form


def test_another_file_is_refused_with_the_names_of_what_can_be_imported() -> None:
    with pytest.raises(FormatError, match="no format that can be imported") as caught:
        recognise(b"root:x:0:0:root:/root:/bin/bash\n")
    assert caught.value.hint == "give one of: aide, hashdeep, mtree, sums, sha256sum, b3sum, sha512sum, b2sum"


def test_an_unknown_format_is_a_mistake_of_usage() -> None:
    with pytest.raises(UsageError, match=r"no import format trip\\x1bwire"):
        listed(b"", "trip\x1bwire")


def test_relative_paths_lie_below_the_root_and_absolute_ones_where_they_are() -> None:
    found = listed(HELLO + b"  ./a//b\n" + HELLO + b"  /etc/c\n", "sha256sum", "/srv/app/")
    assert [what.path for what in found if isinstance(what, Entry)] == ["/srv/app/a/b", "/etc/c"]


def test_a_root_that_is_not_absolute_is_refused() -> None:
    with pytest.raises(UsageError, match="not an absolute path"):
        listed(HELLO + b"  a\n", "sha256sum", "srv")


@pytest.mark.parametrize("name", [b"../etc/passwd", b"a/../../b", b"..", b"/a/.."])
def test_a_path_that_climbs_is_a_gap_with_its_line(name: bytes) -> None:
    (gap,) = listed(b"# a list\n" + HELLO + b"  " + name + b"\n", "sha256sum")
    assert gap == Gap("line 2", f"not a path that may be imported: {name.decode()}")


def test_a_thousand_bad_lines_are_gaps_and_one_more_ends_it() -> None:
    good = HELLO + b"  a\n"
    assert len(listed(good + b"nonsense\n" * 1000, "sha256sum")) == 1001
    with pytest.raises(FormatError, match="more than 1000 lines cannot be used, the last is line 1002: not a line"):
        listed(good + b"nonsense\n" * 1001, "sha256sum")


def test_a_line_may_be_64_kib_long_and_no_longer() -> None:
    longest = HELLO + b"  " + b"a" * ((1 << 16) - 66)
    assert len(listed(longest + b"\n" + longest, "sha256sum")) == 2
    for end in (b"a", b"a\n"):
        with pytest.raises(FormatError, match="line 2 is longer than 65536 bytes"):
            listed(longest + b"\n" + longest + end, "sha256sum")


def test_line_numbers_hold_over_many_pieces_and_empty_lines() -> None:
    data = b"\n.\n\n" + (HELLO + b"  a\n") * 2000 + b"x\n"
    assert [what.subject for what in listed(data, "sha256sum") if isinstance(what, Gap)] == ["line 2", "line 2004"]


def test_a_gzip_of_several_members_is_read_whole() -> None:
    data = gzip.compress(HELLO + b"  a\n") + gzip.compress((HELLO + b"  b\n") * 5000)
    assert len(listed(data, "sha256sum")) == 5001


@pytest.mark.parametrize("kept", [3, 40, -1])
def test_a_cut_gzip_is_refused(kept: int) -> None:
    data = (DATA / "aide.db.gz").read_bytes()[:kept]
    with pytest.raises(FormatError):
        listed(data)


def test_a_flipped_bit_in_a_gzip_is_refused() -> None:
    data = bytearray((DATA / "aide.db.gz").read_bytes())
    data[len(data) // 2] ^= 0x10
    with pytest.raises(FormatError):
        listed(bytes(data), "aide")


def test_a_gzip_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importers, "SLACK", 1 << 16)
    with pytest.raises(FormatError, match="expands to far more"):
        listed(gzip.compress(b"\n" * (8 << 20)), "sha256sum")


FIELDS = [
    Entry("/a", Kind.FILE, 0o4755, 1, 2, "o", "g", 3, 4, 5, 6, 7, 8, "8:1", "ia", ("md5:00", "sha1:11"), None),
    Entry("/a/bad\udcff\n", Kind.SYMLINK, target="\udcfe", xattrs=(("user.a", "00"), ("user.b", ""))),
    Entry("/a b", Kind.FIFO, xattrs=(), content="text"),
]


@pytest.mark.parametrize("run", [1, 2, 3, 50])
def test_ordering_gives_back_exactly_the_entries_however_often_it_spills(run: int) -> None:
    given_now: list[Entry | Gap] = [FIELDS[2], Gap("line 3", "bad"), FIELDS[0], FIELDS[1]]
    assert list(ordered(given_now, spill, run)) == [Gap("line 3", "bad"), *FIELDS]


def test_a_path_that_stands_twice_comes_once_if_the_same_is_said_of_it_and_is_a_gap_otherwise() -> None:
    same, one, other = Entry("/s", Kind.FILE), Entry("/t", Kind.FILE, size=1), Entry("/t", Kind.FILE, size=2)
    assert list(ordered([one, same, other, same], spill, 2)) == [
        same,
        Gap("/t", "stands in the imported file more than once, with different values"),
    ]


@given(st.lists(st.lists(st.text("ab-.!\udcff", min_size=1, max_size=3), max_size=3), max_size=30))
@settings(max_examples=60, deadline=None)
def test_the_order_is_that_of_components(paths: list[list[str]]) -> None:
    entries = [Entry("/" + "/".join(names), Kind.FILE) for names in paths]
    result = [what.path for what in ordered(entries, spill, 7)]  # type: ignore[union-attr]  # equal twins are no gap
    expected = sorted({tuple(os.fsencode(name) for name in names) for names in paths})
    assert [os.fsencode(path) for path in result] == [b"/" + b"/".join(names) for names in expected]


@pytest.mark.parametrize("word", ["uid=18446744073709551616", "mode=10000", "size=" + "9" * 5000])
def test_a_value_that_no_kernel_gives_is_a_gap(word: str) -> None:
    (gap,) = listed(f"a type=file {word}\n".encode(), "mtree")
    assert isinstance(gap, Gap)


@pytest.mark.parametrize("name", ["aide.db", "netbsd.mtree", "bsdtar.mtree", "sample.hashdeep", "sample.tagged"])
def test_what_is_imported_survives_being_written_into_a_baseline(name: str) -> None:
    found = ordered(listed((DATA / name).read_bytes(), None, "/r"), spill)
    imported = [what for what in found if isinstance(what, Entry)]
    assert [entry for block in encode(imported) for _, entry in decode(block)] == imported


SAMPLES = [path.read_bytes() for path in sorted(DATA.iterdir()) if path.suffix not in (".sh", ".gz")]
NAMES = [form.name for form in importers.FORMATS]


@given(st.sampled_from(SAMPLES), st.sampled_from(NAMES), st.randoms(use_true_random=False), st.binary(max_size=12))
@settings(max_examples=300, deadline=None)
def test_a_garbled_sample_gives_sound_entries_gaps_or_a_format_error(
    sample: bytes, form: str, random: Random, noise: bytes
) -> None:
    start = random.randrange(len(sample))
    data = sample[:start] + noise + sample[start + random.randrange(20) :]
    assert_sound(data, form)


@given(st.binary(max_size=300), st.sampled_from(NAMES))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_sound_entries_gaps_or_a_format_error(data: bytes, form: str) -> None:
    begin = {"aide": b"@@db_spec name perm mtime acl xattrs attr\n", "hashdeep": b"%%%% HASHDEEP-1.0\n%%%% size,md5,filename\n"}
    assert_sound(begin.get(form, b"") + data, form)


def assert_sound(data: bytes, form: str) -> None:
    """What is imported can be stored: absolute paths without climbing, in range, round trip through a spill."""
    try:
        found = list(ordered(listed(data, form, "/root"), spill, 3))
    except FormatError:
        return
    for what in found:
        match what:
            case Gap(_, reason):
                assert reason.isprintable()
            case Entry(path):
                assert path.startswith("/")
                assert "\0" not in path
                assert not {"", ".", ".."} & set(path[1:].split("/")) or path == "/"
    keys = [path_key(what) for what in found if isinstance(what, Entry)]
    assert keys == sorted(keys)
