"""Values that systemd packs: XZ, LZ4 and ZSTD, each against the tool that packs so, and hostile ones in bounded memory."""

import lzma
import shutil
import struct
import subprocess
import tracemalloc

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from journals_given import read, sample, top

from auditkit.logins.journals.lz4 import decompressed
from auditkit.logins.journals.packed import LZ4, MOST, XZ, ZSTD, unpacked
from auditkit.logins.nouns import What

TEXTS = [
    b"MESSAGE=Accepted password for alice from 198.51.100.7 port 6 ssh2" * 20,
    b"MESSAGE=" + b"a" * 5000,
    b"MESSAGE=" + bytes(range(256)) * 40,
    b"ab" * 3 + b"abc" * 700 + b"x",
    b"MESSAGE=short",
]


def block(text: bytes) -> bytes:
    """The one LZ4 block that lz4(1) makes of a text."""
    if not shutil.which("lz4"):
        pytest.skip("lz4 is not installed")
    frame = subprocess.run(["lz4", "-c", "--no-frame-crc", "-B4"], input=text, capture_output=True, check=True).stdout
    begin = 7 + 8 * bool(frame[4] & 8)
    (size,) = struct.unpack_from("<I", frame, begin)
    if size >> 31:
        pytest.skip("lz4 left it as it was")
    return frame[begin + 4 : begin + 4 + size]


@pytest.mark.parametrize("text", TEXTS[:4], ids=range(4))
def test_a_block_of_lz4_is_unpacked(text: bytes) -> None:
    assert decompressed(block(text), 1 << 20) == text
    assert decompressed(block(text), 100) == text[:100]


@pytest.mark.parametrize("text", TEXTS[:4], ids=range(4))
def test_what_systemd_packs_is_unpacked(text: bytes) -> None:
    assert unpacked(struct.pack("<Q", len(text)) + block(text), LZ4) == text
    assert unpacked(lzma.compress(text, preset=0, check=lzma.CHECK_NONE), XZ) == text
    assert unpacked(zstandard.compress(text), ZSTD) == text


@pytest.mark.parametrize("flags", [3, 5, 6, 7])
def test_two_ways_of_packing_at_once_are_none(flags: int) -> None:
    assert unpacked(zstandard.compress(TEXTS[0]), flags) is None


@given(st.binary(max_size=300), st.sampled_from((XZ, LZ4, ZSTD)))
def test_no_bytes_stop_unpacking(noise: bytes, flags: int) -> None:
    assert len(unpacked(noise, flags) or b"") <= MOST


@given(st.binary(max_size=200), st.integers(0, 199), st.sampled_from((XZ, LZ4, ZSTD)))
def test_no_damage_stops_unpacking(noise: bytes, at: int, flags: int) -> None:
    packed = {XZ: lzma.compress(TEXTS[0]), ZSTD: zstandard.compress(TEXTS[0]), LZ4: LZ4_BLOCK}[flags]
    assert len(unpacked(packed[:at] + noise + packed[at + len(noise) :], flags) or b"") <= MOST


LZ4_BLOCK = struct.pack("<Q", 1 << 40) + b"\xf0\x00MESSAGE=abcdefg\x01\x00" + b"\xff" * 100
"""A block that says it is a terabyte, and copies its last letter 25 thousand times."""


def test_a_few_bytes_that_become_many_stay_few() -> None:
    bombs = [(lzma.compress(bytes(50 << 20), preset=0), XZ), (zstandard.compress(bytes(50 << 20)), ZSTD)]
    bombs.append((struct.pack("<Q", 1 << 40) + b"\x1fx\x01\x00" + b"\xff" * (1 << 20), LZ4))
    tracemalloc.start()
    for packed, flags in bombs:
        assert len(unpacked(packed, flags) or b"") == MOST
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 << 20


@pytest.mark.parametrize(("flags", "header"), [(XZ, 1), (LZ4, 2)])
def test_a_message_packed_as_of_old_is_read(flags: int, header: int) -> None:
    data = bytearray(sample("out"))
    at = data.index(b"MESSAGE=Accepted publickey") - 72
    (size,) = struct.unpack_from("<Q", data, at + 8)
    message = bytes(data[at + 72 : at + size])
    packed = {XZ: lzma.compress(message, check=lzma.CHECK_NONE), LZ4: struct.pack("<Q", len(message)) + stored(message)}[flags]
    # it takes more room than there was; the list of entries leads behind what it overwrote
    end = len(data)
    data += bytes([1, flags, 0, 0, 0, 0, 0, 0]) + struct.pack("<Q", 72 + len(packed)) + bytes(56) + packed
    place = bytes(data).index(struct.pack("<I", at), top(bytes(data)).list_at, end)
    while place % 4 or not in_entry(data, place):
        place = bytes(data).index(struct.pack("<I", at), place + 1, end)
    data[place : place + 4] = struct.pack("<I", end)
    data[12] |= header
    events, _ = read(bytes(data))
    assert sum(event.what is What.ACCEPTED for event in events) == 2


def stored(text: bytes) -> bytes:
    """A block of LZ4 that packs nothing: literals only."""
    assert 15 < len(text) < 270
    return bytes([0xF0, len(text) - 15]) + text


def in_entry(data: bytearray, place: int) -> bool:
    """Whether a number stands among the items of an entry."""
    for begin in range(place - 64 & ~7, place - 400, -8):
        kind, size = struct.unpack_from("<B7xQ", data, begin)
        if kind == 3 and begin + 64 <= place < begin + size < begin + 500:
            return True
    return False
