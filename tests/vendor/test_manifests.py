"""The manifest cache: what was put there comes back, for ever, from any number of processes, and damage is found."""

import multiprocessing
import os
import random
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from blake3 import blake3

from auditkit.errors import AuditkitError, ConfigError, FormatError
from auditkit.model import Kind
from auditkit.packages import Manifest, Package, Shipped
from auditkit.vendor.manifests import Manifests, decode, encode

SHA = "ab" * 32
HELLO = Manifest(
    Package("dpkg", "libhello1", "1:1.0~rc1-1+b1", "amd64", source="hello"),
    (
        Shipped("/", Kind.DIRECTORY, 0o755, "root", "root"),
        Shipped("/etc/hello", Kind.FILE, 0o640, "root", "adm", 5, ("blake3:" + "0" * 64, "sha256:" + "1" * 64), config=True),
        Shipped("/usr/bad\udcff\n\"'ä", Kind.SYMLINK, 0o777, "root", "root", target="../\udcfe\u202e"),
        Shipped("/dev/x", Kind.CHARACTER, 0o600, "root", "998"),
        Shipped("/ghost", Kind.FILE, capabilities="cap_net_raw=ep", optional=True),
        Shipped("/empty", Kind.FILE, 0, "root", "root", 0, ("sha256:" + "2" * 64,)),
    ),
    "signed",
    "InRelease of Debian bookworm of 2026-07-11, key F",
    "# postinst\n#!/bin/sh\nsetcap cap_net_raw=ep /ghost\n\udcff",
    (Shipped("postinst", Kind.FILE, 0o755, size=7, digests=("blake3:" + "3" * 64,)),),
)
KEY = (SHA, "libhello1", "1:1.0~rc1-1+b1", "amd64")
RELEASED_1 = (
    '{"schema":"auditkit/manifest/1","sha256":"S256","package":["dpkg","a","1","all",""],"proof":"signed",'
    '"source":"S","scripts":""}\n'
    '["/a","f",420,"root","root",2,"blake3:00 sha256:11",null,"c"]\n'
    '["/b","l",511,"root","root",null,"","a"]\n'
    '["/","d",493,"root","root"]\n'
)
"""A manifest as the first release wrote it, but for its last line."""


@pytest.fixture
def cache(tmp_path: Path) -> Manifests:
    return Manifests(str(tmp_path / "cache/manifests"))


def only_file(cache: Manifests) -> Path:
    (path,) = (path for path in Path(cache.directory).rglob("*") if path.is_file())
    return path


def test_what_was_put_there_comes_back(cache: Manifests) -> None:
    assert cache.get(*KEY) is None
    assert cache.of(*KEY[1:]) == ()
    cache.put(SHA, HELLO)
    assert cache.get(*KEY) == HELLO
    assert cache.of(*KEY[1:]) == (HELLO,)
    assert cache.get("cd" * 32, *KEY[1:]) is None
    assert cache.of("libhello1", "1:1.0~rc1-1", "amd64") == ()


def test_two_vendors_may_ship_the_same_version(cache: Manifests) -> None:
    other = Manifest(HELLO.package, HELLO.files[:1], "signed", "InRelease of another")
    cache.put(SHA, HELLO)
    cache.put("cd" * 32, other)
    assert cache.of(*KEY[1:]) == (HELLO, other)


def test_its_files_are_text_that_only_their_owner_reads(cache: Manifests) -> None:
    cache.put(SHA, HELLO)
    path = only_file(cache)
    assert path.relative_to(cache.directory).parts == ("libh", f"libhello1_1%3a1.0~rc1-1+b1_amd64_{SHA}.zst")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    text = zstandard.ZstdDecompressor().decompress(path.read_bytes()).decode("ascii")
    assert '["/etc/hello","f",416,"root","adm",5,"blake3:' in text
    assert text.startswith('{"schema":"auditkit/manifest/1","sha256":"ababab')
    assert '"package":["dpkg","libhello1","1:1.0~rc1-1+b1","amd64","hello"]' in text


def test_a_manifest_of_the_first_release_is_read_for_ever() -> None:
    body = RELEASED_1.encode()
    assert decode(body + b'{"blake3":"%s"}\n' % blake3(body).hexdigest().encode(), "S256") == Manifest(
        Package("dpkg", "a", "1", "all"),
        (
            Shipped("/a", Kind.FILE, 0o644, "root", "root", 2, ("blake3:00", "sha256:11"), config=True),
            Shipped("/b", Kind.SYMLINK, 0o777, "root", "root", target="a"),
            Shipped("/", Kind.DIRECTORY, 0o755, "root", "root"),
        ),
        "signed",
        "S",
    )


def test_a_damaged_file_counts_as_not_there_and_is_made_anew(cache: Manifests) -> None:
    cache.put(SHA, HELLO)
    path, chance = only_file(cache), random.Random(1)
    good = path.read_bytes()
    for _ in range(200):
        bad = bytearray(good)
        bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        path.write_bytes(bad[: chance.choice((len(bad), chance.randrange(len(bad))))])
        assert cache.get(*KEY) in (None, HELLO)
    path.write_bytes(b"")
    assert cache.get(*KEY) is None
    cache.put(SHA, HELLO)
    assert cache.get(*KEY) == HELLO


@pytest.mark.parametrize(
    "head",
    [
        b"{}",
        b"[]",
        b"1",
        b'{"schema":"auditkit/manifest/2"}',
        b'{"schema":"auditkit/manifest/1","package":[]}',
        b"[" * 100_000,
        b"\xff",
    ],
)
def test_a_whole_file_with_other_words_is_an_error(head: bytes) -> None:
    body = head + b"\n"
    with pytest.raises(FormatError, match="a manifest of the cache"):
        decode(body + b'{"blake3":"%s"}\n' % blake3(body).hexdigest().encode(), SHA)
    with pytest.raises(FormatError, match="a manifest of the cache is damaged"):
        decode(body, SHA)


def test_a_file_under_the_name_of_another_counts_as_not_there(cache: Manifests) -> None:
    cache.put(SHA, HELLO)
    path = only_file(cache)
    path.rename(path.with_name(path.name.replace(SHA, "cd" * 32)))
    assert cache.get("cd" * 32, *KEY[1:]) is None
    assert cache.of(*KEY[1:]) == ()


def test_what_lies_in_the_way_counts_as_not_there(cache: Manifests) -> None:
    cache.put(SHA, HELLO)
    path = only_file(cache)
    elsewhere = path.with_name("elsewhere")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert cache.get(*KEY) is None
    path.unlink()
    os.mkfifo(path)
    assert cache.get(*KEY) is None


def test_a_cache_that_others_may_write_to_is_not_believed(cache: Manifests) -> None:
    cache.put(SHA, HELLO)
    only_file(cache).chmod(0o666)
    with pytest.raises(ConfigError, match="can be written by others"):
        cache.get(*KEY)


def test_names_that_lead_elsewhere_are_refused(cache: Manifests) -> None:
    for name, version, arch in (
        ("../x", "1", "all"),
        ("a", "1/../../x", "all"),
        ("a", "1", "../x"),
        ("", "1", "all"),
        ("a", "", ""),
    ):
        with pytest.raises(FormatError, match="no package can have this name and version"):
            cache.get(SHA, name, version, arch)
    with pytest.raises(FormatError):
        cache.get("../" + SHA, "a", "1", "all")


def test_a_shelf_that_cannot_be_listed_has_nothing(cache: Manifests) -> None:
    os.makedirs(cache.directory, exist_ok=True)
    os.symlink("h", os.path.join(cache.directory, "h"))
    package = Package("dpkg", "hello", "1.0-1", "amd64")
    assert cache.names([package]) == {package: ()}


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", "utf-8")
    with pytest.raises(AuditkitError, match="cannot be written: Not a directory"):
        Manifests(str(tmp_path / "file")).put(SHA, HELLO)


def test_a_full_disk_is_told_and_nothing_is_left_on_it(tmp_path: Path, made: Callable[[Path], Path]) -> None:
    cache = Manifests(str(tmp_path / "full"))
    os.mkdir(cache.directory)
    words = ["mount", "-t", "tmpfs", "-o", "nr_inodes=3", "tmpfs", cache.directory]
    if os.geteuid() != 0 or subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("no right to mount a small disk")
    made(Path(cache.directory))
    cache.put(SHA, HELLO)
    with pytest.raises(AuditkitError, match="cannot be written: No space left on device"):
        cache.put("cd" * 32, HELLO)
    assert cache.of(*KEY[1:]) == (HELLO,)


def _put_and_get(directory: str, number: int) -> bool:
    cache = Manifests(directory)
    for _ in range(40):
        cache.put(SHA, HELLO)
        if cache.get(*KEY) != HELLO or cache.of(*KEY[1:]) != (HELLO,):
            return False
    return True


def test_several_processes_may_use_it_at_once(cache: Manifests) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert all(pool.starmap(_put_and_get, [(cache.directory, number) for number in range(6)]))
    assert only_file(cache).suffix == ".zst"


def test_it_is_small() -> None:
    files = tuple(
        Shipped(
            f"/usr/share/doc/package/file{at:05}",
            Kind.FILE,
            0o644,
            "root",
            "root",
            at,
            (f"blake3:{_hex(at)}", f"sha256:{_hex(-at)}"),
        )
        for at in range(5000)
    )
    text = encode(Manifest(HELLO.package, files, "signed", "S"), SHA)
    assert len(zstandard.ZstdCompressor(level=9).compress(text)) < 90 * 5000  # 64 of which are the digests themselves


def _hex(seed: int) -> str:
    return random.Random(seed).randbytes(32).hex()
