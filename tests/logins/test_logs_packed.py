"""Packed logs: whole, in members, cut, damaged, with something behind, and those that unpack to more than any log."""

import bz2
import gzip
import lzma
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from auditkit.logins.nouns import Condition
from auditkit.logs import packing
from auditkit.logs.files import File, found

LINES = b"".join(b"Nov 24 09:54:%02d vm sshd[%d]: Invalid user a from 192.0.2.1 port 9\n" % (n % 60, n) for n in range(5000))
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "xz": lzma.compress,
    "bz2": bz2.compress,
    "zst": lambda data: zstandard.ZstdCompressor().compress(data),
}
EVERY = pytest.mark.parametrize("by", PACKERS)


def read(directory: Path, name: str, data: bytes) -> tuple[bytes, str, str]:
    """What a file of these bytes unpacks to, by what it is packed, and why that ends too early."""
    (directory / name).write_bytes(data)
    (source,) = found(str(directory), [f"/{name}"])
    return b"".join(source.data.chunks()), source.log.packed, source.data.broke


@EVERY
def test_a_packed_log_is_unpacked_whatever_its_name_is(tmp_path: Path, by: str) -> None:
    packed = PACKERS[by](LINES)
    assert read(tmp_path, f"auth.log.2.{by}", packed) == (LINES, by, "")
    assert read(tmp_path, "auth.log.3", packed) == (LINES, by, "")


@EVERY
def test_a_log_in_several_members_is_read_to_the_end_of_the_last(tmp_path: Path, by: str) -> None:
    half = len(LINES) // 2
    packed = PACKERS[by](LINES[:half]) + PACKERS[by](b"") + PACKERS[by](LINES[half:])
    assert read(tmp_path, "log", packed) == (LINES, by, "")
    assert read(tmp_path, "log", packed + bytes(1024)) == (LINES, by, "")


@EVERY
def test_of_a_log_that_is_cut_all_is_given_that_can_be(tmp_path: Path, by: str) -> None:
    data = LINES + os.urandom(1 << 21)  # so that there are several blocks
    told, _by, why = read(tmp_path, "log", PACKERS[by](data)[:-5000])
    assert data.startswith(told)
    assert len(told) > 100_000
    assert why == "its packing breaks off: the rest is missing"


@EVERY
def test_what_stands_behind_the_packing_is_told_and_not_read(tmp_path: Path, by: str) -> None:
    told, _by, why = read(tmp_path, "log", PACKERS[by](LINES) + b"Nov 24 10:00:00 vm sshd[1]: Accepted\n")
    assert (told, why) == (LINES, "behind the end of its packing there is something else, which was not read")


@pytest.mark.parametrize("by", ["gz", "xz", "bz2"])
def test_damage_is_told(tmp_path: Path, by: str) -> None:
    packed = bytearray(PACKERS[by](LINES))
    packed[-6] ^= 0xFF
    _told, _by, why = read(tmp_path, "log", bytes(packed))
    assert why.startswith("its packing is damaged")


@EVERY
def test_a_file_that_unpacks_to_what_no_log_is_is_read_up_to_the_bound(
    tmp_path: Path, by: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "FREE", 4 << 20)
    path = tmp_path / "log"
    path.write_bytes(PACKERS[by](bytes(64 << 20)))
    (source,) = found(str(tmp_path), ["/log"])
    size = 0
    for piece in source.data.chunks():
        size += len(piece)
        assert len(piece) <= 34 << 20
    assert size < 60 << 20
    assert "which no log does" in source.data.broke


@pytest.mark.parametrize(("beginning", "by"), [(b"PK\3\4", "zip"), (b"\x1f\x9d\x90", "compress"), (b"\x04\x22\x4d\x18", "lz4")])
def test_what_is_packed_by_something_else_is_unreadable_and_not_empty(tmp_path: Path, beginning: bytes, by: str) -> None:
    (tmp_path / "auth.log.2").write_bytes(beginning + bytes(100))
    (source,) = found(str(tmp_path), ["/auth.log*"])
    assert source.log.condition is Condition.UNREADABLE
    assert source.log.reason == f"it is packed by {by}, which is not unpacked here"


def test_a_name_tells_how_a_file_is_packed_that_is_cut_before_it_could_tell(tmp_path: Path) -> None:
    assert read(tmp_path, "auth.log.2.gz", b"\x1f") == (b"", "gz", "its packing breaks off: the rest is missing")
    assert read(tmp_path, "auth.log.3.gz", b"\n") == (b"\n", "", "")


@given(data=st.binary(max_size=2000), cut=st.integers(0, 400), at=st.integers(0, 400), by=st.sampled_from(sorted(PACKERS)))
def test_bytes_that_were_damaged_never_raise_but_what_says_so(data: bytes, cut: int, at: int, by: str) -> None:
    packed = bytearray(PACKERS[by](data))
    del packed[len(packed) - min(cut, len(packed)) :]
    packed[at : at + 1] = b"\xa5"

    def pieces() -> Iterator[bytes]:
        yield from (bytes(packed[start : start + 7]) for start in range(0, len(packed), 7))

    told, broke = bytearray(), False
    try:
        for piece in packing.unpacked(pieces(), by):
            told += piece
    except packing.BrokenError:
        broke = True
    assert broke or cut or bytes(told) == data or bytes(packed) != PACKERS[by](data)


def test_a_file_that_is_read_twice_gives_the_same_twice(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(gzip.compress(LINES))
    (source,) = found(str(tmp_path), ["/log"])
    assert isinstance(source.data, File)
    assert b"".join(source.data.chunks()) == b"".join(source.data.chunks()) == bytes(source.data.whole())
