"""Baselines that somebody has had in hands: whatever was done to one, nothing is compared and the message says what."""

import os
import resource
import shutil
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
import zstandard
from blake3 import blake3
from conftest import Cli, build
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit import baseline, entries, store
from auditkit.errors import AuditkitError

MEMORY = 700 << 20
"""Bytes of address space that a run may have: Python with its libraries takes a fifth of it."""


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """A tree with two baselines; tests work on copies of its store."""
    cli = build(tmp_path_factory.mktemp("sealed"))
    for number in range(40):
        (cli.tree / f"etc/file{number:02}").write_text(f"{number}\n", "utf-8")
        (cli.tree / f"dir{number:02}").mkdir()
    assert cli.baseline().code == 0
    assert cli.baseline().code == 0
    return cli


@pytest.fixture
def old(sealed: Cli, tmp_path: Path) -> Cli:
    """The same with a store that may be spoilt."""
    shutil.copytree(sealed.store, tmp_path / "store")
    return Cli(tmp_path, sealed.tree, sealed.policy)


def refused(cli: Cli, *words: str) -> str:
    """Why a check compares nothing."""
    asked = ("check", cli.host, "--store", str(cli.store), *words)
    told, text = map(cli.end, [cli.start(*asked, "--format", "json"), cli.start(*asked)])
    assert (told.code, text.code) == (4, 4), told
    assert not told.host["changes"]
    assert not told.host["findings"]
    assert told.host["status"] == "untrusted"
    assert "untrusted" in text.out.lower()
    return str(told.host["untrusted"])


def lines_of(path: Path) -> list[bytes]:
    return zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read().split(b"\n")


def repack(path: Path, lines: list[bytes], *, honest: bool = False) -> None:
    """Write the lines back as a file that unpacks; `honest` makes the digest in the last line fit them."""
    text = b"\n".join(lines)
    if honest:
        at = text.rindex(baseline.FOOTER) + 1
        digest = blake3(text[:at]).hexdigest().encode()
        tail = text[at:]
        start = tail.index(b'"blake3":"') + 10
        text = text[:at] + tail[:start] + digest + tail[start + 64 :]
    path.write_bytes(zstandard.ZstdCompressor(level=1).compress(text))


def test_the_copy_of_a_store_is_trusted(old: Cli) -> None:
    assert old.check().code == 0


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_flipped_bit_anywhere_is_found(sealed: Cli, tmp_path: Path, data: st.DataObject) -> None:
    good = sealed.baselines()[-1].read_bytes()
    bit = data.draw(st.integers(0, len(good) * 8 - 1))
    shutil.copytree(sealed.store, tmp_path / "store", dirs_exist_ok=True)
    cli = Cli(tmp_path, sealed.tree, sealed.policy)
    bad = bytearray(good)
    bad[bit // 8] ^= 1 << bit % 8
    cli.baselines()[-1].write_bytes(bad)
    with pytest.raises(AuditkitError) as refusal:
        store.trusted(str(cli.baselines()[-1]), None)
    assert str(refusal.value)


@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 0.99])
def test_a_flipped_bit_is_untrusted(old: Cli, part: float) -> None:
    path = old.baselines()[-1]
    bad = bytearray(path.read_bytes())
    bad[int(part * len(bad))] ^= 0x10
    path.write_bytes(bad)
    assert path.name in refused(old)


@pytest.mark.parametrize("cut", [1, 5, 20, 200])
def test_a_cut_tail_is_untrusted(old: Cli, cut: int) -> None:
    path = old.baselines()[-1]
    path.write_bytes(path.read_bytes()[:-cut])
    assert path.name in refused(old)


def test_a_tail_cut_off_at_a_line_and_packed_again_is_untrusted(old: Cli) -> None:
    path = old.baselines()[-1]
    repack(path, [*lines_of(path)[:-2], b""])
    assert "cut" in refused(old)


def test_an_empty_file_is_untrusted(old: Cli) -> None:
    path = old.baselines()[-1]
    path.write_bytes(b"")
    assert path.name in refused(old)


def swapped(lines: list[bytes]) -> list[bytes]:
    lines[3], lines[4] = lines[4], lines[3]
    return lines


def reordered(lines: list[bytes]) -> list[bytes]:
    return [lines[0], *lines[5:7], *lines[1:5], *lines[7:]]


def dropped(lines: list[bytes]) -> list[bytes]:
    return [*lines[:6], *lines[7:]]


def doubled(lines: list[bytes]) -> list[bytes]:
    return [*lines[:6], lines[5], *lines[6:]]


def edited(lines: list[bytes]) -> list[bytes]:
    lines[6] = lines[6].replace(b" 0 ", b" 7 ", 1)
    return lines


def appended(lines: list[bytes]) -> list[bytes]:
    return [*lines, b"/zzz", b""]


SPOILS = (swapped, reordered, dropped, doubled, edited, appended)


@pytest.mark.parametrize("spoil", SPOILS)
@pytest.mark.parametrize("honest", [False, True], ids=["old digest", "new digest"])
def test_lines_that_were_moved_or_changed_and_packed_again_are_untrusted(old: Cli, spoil: Any, honest: bool) -> None:
    path = old.baselines()[-1]
    repack(path, spoil(lines_of(path)), honest=honest)
    assert path.name in refused(old) or "replaced" in refused(old)


def test_an_older_copy_in_the_place_of_the_newest_is_untrusted(old: Cli) -> None:
    first, second = old.baselines()
    shutil.copyfile(first, second)
    assert "rollback" in refused(old)


def test_a_removed_newest_is_untrusted(old: Cli) -> None:
    old.baselines()[-1].unlink()
    assert "gone" in refused(old)
    again = old.baseline()
    assert again.code in (2, 4)
    assert "gone" in again.err
    assert len(old.baselines()) == 1


def test_all_removed_is_untrusted(old: Cli) -> None:
    for path in old.baselines():
        path.unlink()
    assert "gone" in refused(old)


def test_a_replaced_predecessor_is_untrusted(old: Cli) -> None:
    first, _second = old.baselines()
    repack(first, edited(lines_of(first)), honest=True)
    assert "follow" in refused(old)


def test_the_older_one_by_name_is_untrusted_unless_asked_for(old: Cli) -> None:
    first = str(old.baselines()[0])
    assert "rollback" in refused(old, "--baseline", first)
    assert old.check("--baseline", first, "--older").code == 0


def test_a_damaged_memory_of_the_newest_is_untrusted(old: Cli) -> None:
    old.baselines()[-1].with_name("known.json").write_text("[" * 4000, "utf-8")
    assert "known.json" in refused(old)


def header_of(old: Cli) -> bytes:
    return lines_of(old.baselines()[-1])[0]


def bomb(path: Path, head: bytes, piece: bytes, times: int) -> None:
    """A small file that unpacks to `head` and then `times` times `piece`."""
    with path.open("wb") as file, zstandard.ZstdCompressor(level=1).stream_writer(file) as packed:
        packed.write(head)
        chunk = piece * 1024
        for _ in range(times // 1024):
            packed.write(chunk)


LINE = b"f 644 0 0 root root 1 1.000000000 1.000000000 1.000000000 1 1 - - - - n\n"


@pytest.mark.parametrize(
    ("head", "piece", "times"),
    [
        (b"", b"\0", 4 << 30),
        (b"", b'{"schema":' + b"[" * 1000, 1 << 20),
        (b"[" * (1 << 20), b"\n", 1 << 10),
        (b"HEADER\n", b"x", 3 << 30),
        (b"HEADER\n/\n", LINE, 32 << 20),
        (b"HEADER\n/\n", b"=", 3 << 30),
        (b"HEADER\n", b"/a\n", 512 << 20),
        (b'HEADER\n{"entries":', b"[", 100 << 20),
    ],
    ids=["zeros", "deep header", "deeper header", "one line", "entries", "text", "directories", "deep footer"],
)
def test_a_bomb_is_refused_in_bounded_memory(old: Cli, head: bytes, piece: bytes, times: int) -> None:
    path = old.baselines()[-1]
    bomb(path, head.replace(b"HEADER", header_of(old)), piece, times)
    old.limits = ((resource.RLIMIT_AS, MEMORY),)
    told = old.check()
    assert told.code in (2, 4), told
    assert told.err or told.host["untrusted"]


@pytest.mark.parametrize(
    ("head", "piece", "times"),
    [
        (b"\n/\n", LINE, 3_000_000),
        (b"\n", b"/a\n", 1_000_000),
        (b"\n/\n=", b"x", 200 << 20),
        (b"\n", b"/a\n" + LINE * 4000, 1000),
    ],
    ids=["entries", "directories", "text", "blocks"],
)
def test_a_bomb_whose_digest_is_right_is_bounded_too(old: Cli, head: bytes, piece: bytes, times: int) -> None:
    path = old.baselines()[-1]
    text = header_of(old) + head + piece * times
    text += b"" if text.endswith(b"\n") else b"\n"
    count = text.count(b"\n") - 1 - (b"\n" + text).count(b"\n/")
    footer = b'{"entries":%d,"gaps":[],"blake3":"%s"}\n' % (count, blake3(text).hexdigest().encode())
    path.write_bytes(zstandard.ZstdCompressor(level=1).compress(text + footer))
    path.with_name("known.json").unlink()
    path.with_name("000001.baseline.zst").unlink()
    old.limits = ((resource.RLIMIT_AS, MEMORY),)
    told = old.check()
    assert told.code in (1, 2, 4), told


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_hostile_text_with_the_right_digest_never_ends_in_a_traceback(sealed: Cli, tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "000009.baseline.zst"
    lines = lines_of(sealed.baselines()[-1])
    at = data.draw(st.integers(0, len(lines) - 3))
    start = data.draw(st.integers(0, len(lines[at])))
    lines[at] = lines[at][:start] + data.draw(st.binary(max_size=9)) + lines[at][start + data.draw(st.integers(0, 9)) :]
    repack(path, lines, honest=True)
    with suppress(AuditkitError), closing(baseline.read(str(path))) as base:
        for block in base.blocks():
            list(entries.decode(block))


def test_a_directory_in_the_place_of_a_baseline_is_refused(old: Cli) -> None:
    path = old.baselines()[-1]
    path.unlink()
    os.mkdir(path)
    assert old.check().code in (2, 4)
