"""What the probe leaves of lists, changelogs and times: of files packed in each way, of cut ones, and of what is hostile."""

import bz2
import gzip
import io
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from auditkit import answers
from auditkit.audits.packages.running import LIBRARIES
from auditkit.audits.packages.seen import LISTS
from auditkit.hosts import taken_below
from auditkit.model import Gap, Item, Means, Need
from auditkit.packages.changelogs import CHANGELOGS, made
from auditkit.probe import lists, unpacked
from auditkit.probe.changelogs import entries
from auditkit.probe.libraries import deleted

LIST = "/var/lib/apt/lists/mirror.example_debian_dists_kiwi_main_binary-amd64_Packages"
BASH = b"Package: bash\nVersion: 5.2-1\nArchitecture: amd64"
TEXT = (
    b"Package: aaa\nVersion: 1\nDescription: x\n Package: bash\n\nPackage: bash\nInstalled-Size: 7\nVersion: 5.2-1\n"
    b"Architecture: amd64\nDepends: libc6\nDescription: x\n\nPackage: zsh\nVersion: 1\n"
)


def lz4(data: bytes) -> bytes:
    """Packed by the program, where it is."""
    if not shutil.which("lz4"):
        pytest.skip("there is no lz4 here")
    return subprocess.run(["lz4", "-c"], input=data, capture_output=True, check=True).stdout


PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor().compress,
    ".lz4": lz4,
}


def disk(root: Path, files: dict[str, bytes]) -> Path:
    """A disk with these files, and bash."""
    status = b"Package: bash\nStatus: install ok installed\nVersion: 5.1-1\nArchitecture: amd64\n"
    for name, data in {"/var/lib/dpkg/status": status, **files}.items():
        place = root / name.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)
    return root


def taken(root: Path, need: Need) -> list[tuple[str, bytes | str]]:
    """What is given for a need: path and bytes, or why there are none."""
    told = taken_below(os.fsencode(root), (need,))
    return [(one.source, one.data) if isinstance(one, Item) else (one.subject, one.reason) for one in told]


@pytest.mark.parametrize("suffix", PACK)
def test_a_list_is_reduced_to_what_is_installed_however_it_is_packed(suffix: str, tmp_path: Path) -> None:
    many = b"".join(b"Package: p%d\nVersion: 1\n\n" % number for number in range(60_000)) + TEXT
    assert taken(disk(tmp_path, {LIST + suffix: PACK[suffix](many)}), LISTS) == [(LIST + suffix, BASH)]


@pytest.mark.parametrize("suffix", [suffix for suffix in PACK if suffix])
@pytest.mark.parametrize("harm", ["cut", "bytes", "empty"])
def test_a_damaged_list_is_a_gap_and_the_others_are_read(suffix: str, harm: str, tmp_path: Path) -> None:
    whole = PACK[suffix](TEXT * 50)
    broken = {"cut": whole[: len(whole) // 2], "bytes": b"\xff" * 40, "empty": b""}[harm]
    other = LIST.replace("kiwi", "lemon")
    told = dict(taken(disk(tmp_path, {LIST + suffix: broken, other: TEXT}), LISTS))
    assert told == {other: BASH, LIST + suffix: unpacked.DAMAGED}


def test_a_list_that_unpacks_to_more_than_any_is_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "LARGEST", 1 << 20)
    bomb = gzip.compress(b"Package: bash\n\n" * (1 << 18))
    assert taken(disk(tmp_path, {f"{LIST}.gz": bomb}), LISTS) == [(f"{LIST}.gz", "longer than 1048576 bytes")]


def test_a_release_is_reduced_to_its_head(tmp_path: Path) -> None:
    head = b"-----BEGIN PGP SIGNED MESSAGE-----\n\nOrigin: Debian\nDate: x\n"
    name = "/var/lib/apt/lists/mirror.example_debian_dists_kiwi_InRelease"
    assert taken(disk(tmp_path, {name: head + b"SHA256:\n 00 1 x\n" * 9}), LISTS) == [(name, head)]


def split(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The data in pieces."""
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(places)]


WORDS = st.sampled_from(
    [b"Package: bash\n", b"Package:bash\n", b"\n", b"Version: 1\n", b"Package: zsh\n", b" Package: bash\n", b"x", b"\n\n"]
)


@given(st.lists(WORDS, max_size=30).map(b"".join), st.lists(st.integers(0, 400), max_size=6))
def test_where_the_pieces_of_a_list_end_makes_no_difference(data: bytes, cuts: list[int]) -> None:
    whole = list(lists.paragraphs([data], {b"bash"}))
    assert list(lists.paragraphs(split(data, cuts), {b"bash"})) == whole


def tar(files: dict[str, bytes]) -> bytes:
    """An archive."""
    made_of = io.BytesIO()
    with tarfile.open(fileobj=made_of, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return made_of.getvalue()


DESC = b"%FILENAME%\nx\n\n%NAME%\nbash\n\n%VERSION%\n5.2-1\n\n%ARCH%\nx86_64\n\n%BUILDDATE%\n1700000000\n"


@pytest.mark.parametrize("pack", [gzip.compress, PACK[".zst"], PACK[".xz"], bytes], ids=["gzip", "zstd", "xz", "tar"])
def test_of_a_database_of_pacman_what_is_installed_is_left(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    files = {"/var/lib/pacman/local/bash-5.1-1/desc": b"", "/var/lib/pacman/sync/core.db": pack(tar({"bash-5.2-1/desc": DESC}))}
    need = Need(Means.PACKAGES, "/var/lib/pacman/sync/*.db")
    told = [("/var/lib/pacman/sync/core.db", b"Package: bash\nVersion: 5.2-1\nArchitecture: x86_64\nBuilt: 1700000000")]
    assert taken(disk(tmp_path, files), need) == told


def test_of_an_index_of_apk_what_is_installed_is_left(tmp_path: Path) -> None:
    index = b"C:Q1x\nP:bash\nV:5.2-r1\nA:x86_64\nt:1700000000\n\nP:zsh\nV:1\n\n"
    packed = gzip.compress(tar({".SIGN.RSA.x": b"sig"})[:1024]) + gzip.compress(tar({"DESCRIPTION": b"x", "APKINDEX": index}))
    files = {"/lib/apk/db/installed": b"P:bash\nV:5.1-r1\n\n", "/var/cache/apk/APKINDEX.1a2b.tar.gz": packed}
    told = [("/var/cache/apk/APKINDEX.1a2b.tar.gz", b"Package: bash\nVersion: 5.2-r1\nArchitecture: x86_64\nBuilt: 1700000000")]
    assert taken(disk(tmp_path, files), Need(Means.PACKAGES, "/var/cache/apk/APKINDEX*")) == told


@given(st.binary(max_size=2000))
def test_any_bytes_are_an_archive_or_a_gap(data: bytes) -> None:
    for reader in (lists.pacman, lists.apk):
        for begin in (b"", tar({"bash-1-1/desc": DESC})[:700]):
            with suppress(OSError):
                list(reader([begin + data], {b"bash"}))


# changelogs


ENTRY = (
    b"bash (5.2-1) kiwi; urgency=low\n\n  * x (1.0) y; z (CVE-2026-1234)\n -- no trailer\n\n"
    b" -- A B <a@b>  Tue, 24 Nov 2026 10:00:00 +0100\n"
)


def test_a_changelog_says_when_its_versions_were_made(tmp_path: Path) -> None:
    older = b"\nbash (5.1-1) kiwi-security; urgency=high\n\n  * y\n\n -- A <a@b>  Mon, 02 Nov 2026 10:00:00 +0000\n"
    root = disk(tmp_path, {"/usr/share/doc/bash/changelog.Debian.gz": gzip.compress(ENTRY + older)})
    ((_source, data),) = taken(root, CHANGELOGS)
    assert isinstance(data, bytes)
    told = [one for one in made(data) if not isinstance(one, Gap)]
    assert [(one.package, one.version, one.suites, one.date, one.holes) for one in told] == [
        ("bash:amd64", "5.2-1", "kiwi", datetime(2026, 11, 24, 9, tzinfo=UTC), ("CVE-2026-1234",)),
        ("bash:amd64", "5.1-1", "kiwi-security", datetime(2026, 11, 2, 10, tzinfo=UTC), ()),
    ]


def test_a_rebuild_has_the_date_of_its_own_changelog_and_not_that_of_the_source(tmp_path: Path) -> None:
    rebuilt = b"bash (5.2-1+b2) kiwi; urgency=low, binary-only=yes\n\n  * r\n\n -- B <b@c>  Wed, 25 Nov 2026 10:00:00 +0000\n"
    status = b"Package: bash\nStatus: install ok installed\nVersion: 5.2-1+b2\nArchitecture: amd64\n"
    files = {
        "/var/lib/dpkg/status": status,
        "/usr/share/doc/bash/changelog.Debian.amd64.gz": gzip.compress(rebuilt),
        "/usr/share/doc/bash/changelog.Debian.gz": gzip.compress(ENTRY),
    }
    ((_source, data),) = taken(disk(tmp_path, files), CHANGELOGS)
    assert isinstance(data, bytes)
    dates = {one.version: one.date.day for one in made(data) if not isinstance(one, Gap)}
    assert dates == {"5.2-1+b2": 25, "5.2-1": 24}


@pytest.mark.skipif(not shutil.which("dpkg-parsechangelog"), reason="there is no dpkg-dev here")
def test_dpkg_itself_reads_the_same_date(tmp_path: Path) -> None:
    (tmp_path / "changelog").write_bytes(ENTRY.replace(b" -- no trailer\n", b""))
    said = subprocess.run(
        ["dpkg-parsechangelog", "-l", tmp_path / "changelog", "-S", "Date"], capture_output=True, check=True, text=True
    ).stdout.strip()
    assert [entry.split(b"\t")[2].decode() for entry in entries(ENTRY)] == [said]


@given(st.binary(max_size=1000))
def test_any_bytes_are_a_changelog_or_none(data: bytes) -> None:
    assert all(entry.count(b"\t") == 3 and b"\n" not in entry for entry in entries(ENTRY + data))
    assert all(one is not None for one in made(data))


# times and libraries


def test_times_are_those_of_the_files_and_no_link_is_followed(tmp_path: Path) -> None:
    for name, moment in (("a.list", 1_700_000_000), ("b.list", 5)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (moment, moment))
    (tmp_path / "c.list").symlink_to("/etc/passwd")
    ((_source, data),) = taken(tmp_path, need := Need(Means.TIMES, "/*.list"))
    assert isinstance(data, bytes)
    told = answers.times(Item(need, need.what, data, datetime.now(UTC), ""))
    assert not isinstance(told, Gap)
    assert {path: moment.timestamp() for path, moment in told.items() if path != "/c.list"} == {
        "/a.list": 1_700_000_000,
        "/b.list": 5,
    }
    assert "/c.list" in told


@pytest.mark.parametrize("data", [b"5 /x", b"-5 /x\0", b"x\0", b"999999999999 /x\0", b"99999999999999999 /x\0"])
def test_times_that_are_none_are_a_gap(data: bytes) -> None:
    need = Need(Means.TIMES, "/x")
    assert isinstance(answers.times(Item(need, "/x", data, datetime.now(UTC), "")), Gap)


@pytest.mark.skipif(os.geteuid() != 0, reason="maps of other processes are root's to see")
def test_a_process_that_runs_a_library_whose_file_is_gone_is_found(tmp_path: Path) -> None:
    """Outside of /tmp, for what lies there is nobody's library."""
    folder = Path("/opt/auditkit-test-library")
    folder.mkdir(exist_ok=True)
    try:
        library = folder / "libgone.so.1"
        shutil.copy(os.path.realpath(find("liblzma")), library)
        code = f"import ctypes, sys; ctypes.CDLL({str(library)!r}); print(flush=True); sys.stdin.read()"
        with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout
            process.stdout.readline()
            library.unlink()
            told = [answers.holding(one) for one in taken_below(b"/", (LIBRARIES,)) if isinstance(one, Item)]
            process.communicate()
        assert [one.libraries for one in told if not isinstance(one, Gap) and one.pid == process.pid] == [(str(library),)]
    finally:
        shutil.rmtree(folder)


def find(name: str) -> str:
    """The path of a library that this process has loaded."""
    return next(line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if name in line)


def test_what_programs_make_for_themselves_is_no_library() -> None:
    row = b"7f0000000000-7f0000001000 %s 00000000 08:01 123                       %s (deleted)\n"
    wanted, data = b"/usr/lib/x86_64-linux-gnu/libssl.so.3", b"rw-p"
    others = [b"/memfd:x", b"/SYSV00000000", b"/dev/zero", b"/tmp/x.so", b"/run/user/1/x", b"/[aio]", b"/drm mm object"]
    maps = b"".join(row % (b"r-xp", path) for path in [wanted, *others]) + row % (data, b"/usr/lib/libdata.so")
    assert list(deleted(maps)) == [wanted]


@pytest.mark.parametrize("data", [b"", b"a\0b\0", b"a\0b\0c", b"\xff\0\xff\0\xff\0"])
def test_what_a_host_writes_of_libraries_is_read_or_a_gap(data: bytes) -> None:
    told = answers.holding(Item(LIBRARIES, "/proc/7", data, datetime.now(UTC), ""))
    assert isinstance(told, Gap) == (data.count(b"\0") < 3)
