"""hashdeep files: a real one, and what is not one."""

import hashlib
import io
from pathlib import Path

import pytest

from auditkit.errors import FormatError
from auditkit.importers import read
from auditkit.model import Entry, Gap, Kind

DATA = Path(__file__).parent / "data"
HEAD = b"%%%% HASHDEEP-1.0\n%%%% size,md5,filename\n## \n"


def test_a_real_file_gives_every_name_but_the_one_it_cannot_hold() -> None:
    with (DATA / "sample.hashdeep").open("rb") as stream:
        found = list(read(stream, None, "/r"))
    entries = {what.path: what for what in found if isinstance(what, Entry)}
    # "new\nline" is two lines of the file: one that cannot be told from the file "new", and one that is a gap
    assert entries.keys() == {
        "/r/#hash", "/r/100%", "/r/a b", "/r/back\\slash", "/r/bad\udcff", "/r/comma,ä", "/r/new",
        "/r/sub/twin", "/r/sub/x*[y", "/r/suid",
    }  # fmt: skip
    assert [what.reason for what in found if isinstance(what, Gap)] == [
        "not a line of hashdeep; a name with a newline looks so"
    ]
    assert entries["/r/a b"] == Entry(
        "/r/a b",
        Kind.FILE,
        size=5,
        digests=tuple(f"{name}:{hashlib.new(name, b'hello').hexdigest()}" for name in ("md5", "sha256")),
    )


def test_a_name_may_have_commas() -> None:
    (entry,) = read(io.BytesIO(HEAD + b"5," + b"0" * 32 + b",a,b,,c\n"))
    assert isinstance(entry, Entry)
    assert entry.path == "/a,b,,c"


@pytest.mark.parametrize(
    "line", [b"x," + b"0" * 32 + b",a", b"5," + b"g" * 32 + b",a", b"5," + b"0" * 31 + b",a", b"5,a", b"5"]
)
def test_a_bad_line_is_a_gap_with_its_number(line: bytes) -> None:
    (gap,) = read(io.BytesIO(HEAD + line + b"\n"))
    assert isinstance(gap, Gap)
    assert gap.subject == "line 4"


@pytest.mark.parametrize("head", [b"", b"%%%% HASHDEEP-1.0\n", HEAD.replace(b"md5", b"md4"), HEAD.replace(b",filename", b"")])
def test_a_broken_header_ends_it(head: bytes) -> None:
    with pytest.raises(FormatError, match="does not begin like one of hashdeep"):
        list(read(io.BytesIO(head), "hashdeep"))
