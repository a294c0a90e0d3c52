"""Every way in which lists and packages are compressed: whole, cut off, damaged, and swollen."""

import lzma
import random
import struct
import tracemalloc
from contextlib import suppress
from functools import cache

import pytest
from debian import PACK, stream

from auditkit.errors import FormatError
from auditkit.vendor.unpack import Unpacked, pieces

TEXT = b"".join(b"line %d of what is packed\n" % number for number in range(60_000))
KINDS = [*PACK, ".lz4"]


def lz4(data: bytes) -> bytes:
    """A frame of lz4 whose blocks are not compressed, which is as good as any."""
    blocks = (data[at : at + 65536] for at in range(0, len(data), 65536))
    return (
        bytes.fromhex("04224d18604082")
        + b"".join(struct.pack("<I", len(block) | 1 << 31) + block for block in blocks)
        + bytes(4)
    )


@cache
def packed(kind: str, data: bytes) -> bytes:
    return lz4(data) if kind == ".lz4" else PACK[kind](data)


def unpacked(kind: str, data: bytes, most: int = 1 << 30) -> bytes:
    return b"".join(pieces(stream(data), kind, most))


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_packed_comes_out(kind: str) -> None:
    assert unpacked(kind, packed(kind, TEXT)) == TEXT
    assert unpacked(kind, packed(kind, b"")) == b""


def test_lz4_as_the_real_tool_makes_it() -> None:
    made = bytes.fromhex("04224d186440a71d000000d16f6e65206c6973742c2074776f0a003f732c20150090507374732c200000000001d04c28")
    assert unpacked(".lz4", made) == b"one list, two lists, " * 9


@pytest.mark.parametrize("kind", [".gz", ".xz", ".bz2", ".zst", ".lz4"])
def test_one_stream_may_follow_another(kind: str) -> None:
    assert unpacked(kind, packed(kind, TEXT) + packed(kind, b"more")) == TEXT + b"more"


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_read_in_any_steps(kind: str) -> None:
    file = Unpacked(stream(packed(kind, TEXT)), kind, len(TEXT))
    chance, parts = random.Random(1), list[bytes]()
    while part := file.read(size := chance.choice((1, 512, 70_000, 600_000))):
        parts.append(part)
        assert len(part) == size or sum(map(len, parts)) == len(TEXT)
    assert b"".join(parts) == TEXT
    assert file.read(1) == b""


@pytest.mark.parametrize("kind", KINDS)
def test_no_more_than_agreed_is_unpacked(kind: str) -> None:
    assert unpacked(kind, packed(kind, TEXT), len(TEXT)) == TEXT
    with pytest.raises(FormatError, match=f"is larger than {len(TEXT) - 1} bytes unpacked"):
        unpacked(kind, packed(kind, TEXT), len(TEXT) - 1)


@pytest.mark.parametrize("kind", [".gz", ".xz", ".bz2", ".zst", ".lzma"])
def test_a_bomb_takes_no_memory(kind: str) -> None:
    bomb = packed(kind, bytes(64 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match="larger"):
            for _piece in pieces(stream(bomb), kind, 60 << 20):
                pass
        assert tracemalloc.get_traced_memory()[1] < 24 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", KINDS[1:])
def test_what_is_cut_off_is_told(kind: str) -> None:
    whole = packed(kind, TEXT)
    for length in (1, 5, 20, len(whole) // 2, len(whole) - 1):
        with pytest.raises(FormatError, match="is damaged"):
            unpacked(kind, whole[:length])


@pytest.mark.parametrize("kind", KINDS[1:])
def test_what_is_damaged_is_an_error_or_something_else(kind: str) -> None:
    whole = packed(kind, TEXT[:40_000])
    for seed in range(150):
        chance = random.Random(seed)
        bad = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            bad[chance.randrange(len(bad))] = chance.randrange(256)
        with suppress(FormatError):
            unpacked(kind, bytes(bad), 1 << 20)
        with suppress(FormatError):
            unpacked(kind, chance.randbytes(chance.randrange(200)), 1 << 20)


def test_a_stream_that_asks_for_a_huge_window_gets_none() -> None:
    huge = lzma.compress(b"x", lzma.FORMAT_XZ, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1536 << 20, "preset": 0}])
    with pytest.raises(FormatError, match="is damaged"):
        unpacked(".xz", huge)


def test_an_unknown_way_is_told() -> None:
    with pytest.raises(FormatError, match=r"a file is packed as '\.rar'"):
        unpacked(".rar", b"")
