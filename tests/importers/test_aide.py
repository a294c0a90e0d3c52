"""AIDE databases: a real one of AIDE 0.18.3 and lines as other versions write them."""

import base64
import hashlib
import io
from pathlib import Path

import pytest

from auditkit.errors import FormatError
from auditkit.importers import read
from auditkit.model import Entry, Gap, Kind

DATA = Path(__file__).parent / "data"
EVERY = 0xFFFFFFFFFF


def sample(name: str = "aide.db") -> dict[str, Entry]:
    with (DATA / name).open("rb") as stream:
        found = list(read(stream))
    assert not [what for what in found if isinstance(what, Gap)]
    return {what.path.removeprefix("/tmp/sample"): what for what in found if isinstance(what, Entry)}


def one(spec: str, line: str) -> Entry | Gap:
    (what,) = read(io.BytesIO(f"@@begin_db\n@@db_spec {spec} \n{line}\n@@end_db\n".encode()))
    return what


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_a_real_database_gives_every_path_in_its_own_bytes() -> None:
    assert sample().keys() == {
        "", "/#hash", "/100%", "/a b", "/back\\slash", "/bad\udcff", "/comma,ä", "/fifo", "/link", "/new\nline",
        "/null", "/sub", "/sub/twin", "/sub/x*[y", "/suid",
    }  # fmt: skip
    assert sample("aide.db.gz") == sample()


def test_a_file_has_all_that_its_rule_asked_for() -> None:
    entry = sample()["/a b"]
    assert (entry.kind, entry.mode, entry.uid, entry.gid, entry.size) == (Kind.FILE, 0o644, 0, 0, 5)
    assert (entry.links, entry.flags, entry.xattrs) == (2, "", ())
    assert entry.digests == tuple(f"{name}:{hashlib.new(name, b'hello').hexdigest()}" for name in ("sha256", "sha512"))
    assert entry.mtime_ns is not None
    assert entry.mtime_ns % 1_000_000_000 == 0


def test_what_a_rule_did_not_ask_for_is_unknown_and_not_zero() -> None:
    entry = sample()["/sub/twin"]
    assert (entry.mode, entry.uid) == (0o644, 0)
    assert (entry.gid, entry.size, entry.mtime_ns, entry.ctime_ns, entry.links, entry.flags, entry.xattrs) == (None,) * 7


def test_kinds_targets_and_capabilities_of_the_real_database() -> None:
    entries = sample()
    assert {entries[path].kind for path in ("/fifo", "/null", "/sub", "/link")} == {
        Kind.FIFO,
        Kind.CHARACTER,
        Kind.DIRECTORY,
        Kind.SYMLINK,
    }
    assert entries["/link"].target == "0 b"
    assert entries["/suid"].mode == 0o4755
    assert entries["/suid"].xattrs == (("security.capability", "0100000200200000000000000000000000000000"),)


@pytest.mark.parametrize("field", [b64(b"1700000000"), "1700000000", "1700000000.0", b64(b"1700000000.000000000")])
def test_a_time_is_seconds_in_base64_or_decimal(field: str) -> None:
    entry = one("name perm mtime attr", f"/a 100644 {field} {EVERY}")
    assert isinstance(entry, Entry)
    assert entry.mtime_ns == 1_700_000_000_000_000_000


def test_blake3_of_newer_versions_is_kept() -> None:
    entry = one("name perm attr blake3", f"/a 100644 {EVERY} {b64(bytes(32))}")
    assert isinstance(entry, Entry)
    assert entry.digests == ("blake3:" + "00" * 32,)


def test_without_an_attr_field_every_field_counts() -> None:
    entry = one("name perm uid", "/a 100644 0")
    assert isinstance(entry, Entry)
    assert entry.uid == 0


@pytest.mark.parametrize(("number", "letters"), [(0, ""), (0x10, "i"), (0x80020, "a"), (0x30, "ia")])
def test_flags_are_chattr_letters(number: int, letters: str) -> None:
    entry = one("name perm attr e2fsattrs", f"/a 100644 {EVERY} {number}")
    assert isinstance(entry, Entry)
    assert entry.flags == letters


ACL = f"POSIX,{b64(b'user::rw-' + bytes([10]) + b'group::r--' + bytes([10]) + b'other::r--' + bytes([10]))},0"


def test_xattrs_and_label_come_together_with_any_bytes() -> None:
    entry = one(
        "name perm attr acl selinux xattrs", f"/a 100644 {EVERY} {ACL} {b64(b'u:r:t')} 2,user.no%2Cte,aABp,user.empty,0"
    )
    assert isinstance(entry, Entry)
    assert entry.xattrs == (("security.selinux", "753a723a7400"), ("user.empty", ""), ("user.no,te", "680069"))


@pytest.mark.parametrize("acl", [f"POSIX,{b64(b'user::rw-,user:anna:r--')},0", f"POSIX,0,{b64(b'user::rwx')}", "0"])
def test_xattrs_are_unknown_where_the_acl_cannot_be_told(acl: str) -> None:
    entry = one("name perm attr acl selinux xattrs", f"/a 40755 {EVERY} {acl} 0 0")
    assert isinstance(entry, Entry)
    assert entry.xattrs is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("/a 100644", "has 2 fields, db_spec has 4"),
        (f"/a 100644 xx {EVERY}", "not a line of an AIDE database"),
        (f"/a 644 0 {EVERY}", "the type of the file is not recorded"),
        (f"/a 100948 0 {EVERY}", "not a line of an AIDE database"),
        (f"/a% 100644 0 {EVERY}", "a percent sign that quotes nothing"),
        (f"/a%00 100644 0 {EVERY}", "not a path that may be imported"),
        (f"/a 100644 {b64(b'99999999999999')} {EVERY}", "not a time"),
    ],
)
def test_a_bad_line_is_a_gap_with_its_number_and_reason(line: str, reason: str) -> None:
    gap = one("name perm mtime attr", line)
    assert isinstance(gap, Gap)
    assert gap.subject == "line 3"
    assert reason in gap.reason


def test_a_digest_of_the_wrong_length_is_a_gap() -> None:
    assert one("name perm sha256", f"/a 100644 {b64(b'short')}") == Gap(
        "line 3", "not a line of an AIDE database: the sha256 digest has the wrong length"
    )


def test_an_unknown_field_is_a_gap_and_the_rest_is_read() -> None:
    found = list(read(io.BytesIO(b"@@db_spec name perm quark\n/a 100644 7\n@@end_db\n")))
    assert found == [Gap("line 1", "the field quark is not known"), Entry("/a", Kind.FILE, 0o644)]


def test_a_database_without_its_tail_says_so() -> None:
    data = (DATA / "aide.db").read_bytes()
    *_, last = read(io.BytesIO(data[: data.index(b"@@end_db")]))
    assert isinstance(last, Gap)
    assert "its tail is missing" in last.reason


def test_an_entry_before_the_spec_ends_it() -> None:
    with pytest.raises(FormatError, match="line 2 comes before a db_spec line"):
        list(read(io.BytesIO(b"@@begin_db\n/a 100644\n")))
