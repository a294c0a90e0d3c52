r"""Lists of digests: real ones of sha256sum in its three forms and of b3sum."""

import hashlib
import io
from pathlib import Path

import pytest
from blake3 import blake3

from auditkit.errors import FormatError
from auditkit.importers import read
from auditkit.model import Entry, Gap, Kind

DATA = Path(__file__).parent / "data"
CONTENT = {"a b": b"hello", "new\nline": b"x", "back\\slash": b"w", "bad\udcff": b"e", "sub/x*[y": b"v"}


def sha256(name: str) -> Entry:
    return Entry(f"/r/{name}", Kind.FILE, digests=(f"sha256:{hashlib.sha256(CONTENT[name]).hexdigest()}",))


def listed(data: bytes, form: str | None = None) -> list[Entry | Gap]:
    return list(read(io.BytesIO(data), form, "/r"))


def test_sha256sum_gives_every_name_and_its_digest() -> None:
    assert listed((DATA / "sample.sha256sum").read_bytes(), "sha256sum") == [sha256(name) for name in CONTENT]


def test_lines_that_end_in_nul_have_names_as_they_are() -> None:
    found = listed((DATA / "sample.zero").read_bytes(), "sha256sum")
    assert found == [sha256(name) for name in ("a b", "new\nline", "back\\slash")]


def test_tagged_lines_need_no_format() -> None:
    assert listed((DATA / "sample.tagged").read_bytes()) == [sha256("a b"), sha256("new\nline")]


def test_b3sum_gives_blake3_and_a_name_it_has_lost_is_a_gap() -> None:
    *entries, gap = listed((DATA / "sample.b3sum").read_bytes(), "b3sum")
    assert entries == [
        Entry(f"/r/{name}", Kind.FILE, digests=(f"blake3:{blake3(CONTENT[name]).hexdigest()}",))
        for name in ("a b", "new\nline", "back\\slash")
    ]
    assert isinstance(gap, Gap)
    assert gap.subject == "line 4"


@pytest.mark.parametrize(("digits", "tools"), [(64, "sha256sum or b3sum"), (128, "sha512sum or b2sum")])
def test_a_length_of_two_algorithms_asks_for_the_tool(digits: int, tools: str) -> None:
    with pytest.raises(FormatError, match="the digests may be of") as caught:
        listed(b"0" * digits + b"  a\n")
    assert caught.value.hint == f"name the tool with --import-format: {tools}"


@pytest.mark.parametrize(("digits", "algorithm"), [(32, "md5"), (40, "sha1"), (56, "sha224"), (96, "sha384")])
def test_a_length_of_one_algorithm_is_enough(digits: int, algorithm: str) -> None:
    assert listed(b"A" * digits + b" *a\n") == [Entry("/r/a", Kind.FILE, digests=(f"{algorithm}:" + "a" * digits,))]


@pytest.mark.parametrize(
    "line",
    [
        b"nonsense",
        b"0" * 64 + b" a",
        b"0" * 63 + b"  a",
        b"MD5 (a) = " + b"0" * 64,
        b"MD9 (a) = " + b"0" * 32,
        b"\\" + b"0" * 64 + b"  a\\t",
    ],
)
def test_a_bad_line_is_a_gap_with_its_number(line: bytes) -> None:
    (gap,) = listed(b"# made by hand\n\n" + line + b"\n", "sha256sum")
    assert isinstance(gap, Gap)
    assert gap.subject == "line 3"
