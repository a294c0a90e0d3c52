"""Packages taken apart: what dpkg-deb makes and what it extracts, and the packages that mean harm."""

import grp
import hashlib
import os
import pwd
import random
import shutil
import stat
import subprocess
import tarfile
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from blake3 import blake3
from debian import APT_CACHE, PACK, Parts, ar, deb, file, folder, link, member, stream, tar

from auditkit.errors import FormatError, UntrustedError
from auditkit.model import Kind
from auditkit.packages import Manifest, Package, Shipped
from auditkit.vendor.deb import read

TOLD = "InRelease of Example kiwi of 2026-11-24, key F"


def taken(data: bytes) -> Manifest:
    """What a package ships, if it is what was signed for."""
    return read(stream(data), hashlib.sha256(data).hexdigest(), len(data), TOLD)


def digests(data: bytes) -> tuple[str, str]:
    return f"blake3:{blake3(data).hexdigest()}", f"sha256:{hashlib.sha256(data).hexdigest()}"


HELLO = deb(
    folder("./"),
    folder("./etc/"),
    file("./etc/hello.conf", b"greeting=hello\n"),
    folder("./usr/bin/"),
    file("./usr/bin/hello", b"#!/bin/sh\necho hello\n", 0o4755),
    link("./usr/bin/hi", "./usr/bin/hello", hard=True),
    link("./usr/bin/hey", "hello"),
    file("./usr/share/empty", gname="adm", mode=0o2640),
    member("./dev/hello", type=tarfile.CHRTYPE, mode=0o660, devmajor=1, devminor=3, uname="", uid=0, gname="", gid=998),
    member("./run/hello", type=tarfile.FIFOTYPE, mode=0o600),
    control=(
        file("./conffiles", b"/etc/hello.conf\nremove-on-upgrade /etc/hello.old\n"),
        file("./postinst", b"#!/bin/sh\nchmod 2755 /usr/bin/hello\n", 0o755),
        file("./preinst", b"\x7fELF\0", 0o755),
    ),
)
SCRIPT = b"#!/bin/sh\necho hello\n"


def test_a_package_says_what_it_ships() -> None:
    found = taken(HELLO)
    assert (found.package, found.proof, found.source) == (Package("dpkg", "hello", "1.0-1", "amd64"), "signed", TOLD)
    assert found.scripts == "# postinst\n#!/bin/sh\nchmod 2755 /usr/bin/hello\n\n"
    assert found.files == (
        Shipped("/", Kind.DIRECTORY, 0o755, "root", "root"),
        Shipped("/etc", Kind.DIRECTORY, 0o755, "root", "root"),
        Shipped("/etc/hello.conf", Kind.FILE, 0o644, "root", "root", 15, digests(b"greeting=hello\n"), config=True),
        Shipped("/usr/bin", Kind.DIRECTORY, 0o755, "root", "root"),
        Shipped("/usr/bin/hello", Kind.FILE, 0o4755, "root", "root", len(SCRIPT), digests(SCRIPT)),
        Shipped("/usr/bin/hi", Kind.FILE, 0o4755, "root", "root", len(SCRIPT), digests(SCRIPT)),
        Shipped("/usr/bin/hey", Kind.SYMLINK, 0o777, "root", "root", target="hello"),
        Shipped("/usr/share/empty", Kind.FILE, 0o2640, "root", "adm", 0, digests(b"")),
        Shipped("/dev/hello", Kind.CHARACTER, 0o660, "root", "998"),
        Shipped("/run/hello", Kind.FIFO, 0o600, "root", "root"),
    )


@pytest.mark.parametrize("packed", PACK)
def test_every_way_of_packing_says_the_same(packed: str) -> None:
    data = os.urandom(300_000)
    found = taken(deb(file("./a", data), file("./b", b"b"), packed=packed))
    assert [(one.path, one.digests) for one in found.files] == [("/a", digests(data)), ("/b", digests(b"b"))]


def test_names_of_any_length_and_bytes_come_through() -> None:
    names = ["./" + "long/" * 60 + "name", "./bad\udcff", "./a b\n", "./ä", "./" + "x" * 100]
    for form in (tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT):
        fit = [name for name in names if form == tarfile.GNU_FORMAT or len(name) < 250]
        assert [one.path for one in taken(deb(data=tar(*map(file, fit), form=form))).files] == [name[1:] for name in fit]
    far = "../" * 100 + "target"
    (found,) = taken(deb(link("./far", far))).files
    assert found.target == far


def test_names_without_a_dot_are_the_same_place() -> None:
    assert [one.path for one in taken(deb(folder("usr/"), file("usr/x"))).files] == ["/usr", "/usr/x"]


def test_what_stands_beside_the_parts_of_a_package_is_passed_over() -> None:
    _magic, inner = HELLO[:8], HELLO[8:]
    extra = ar(("_gpgorigin", b"signed by somebody"))[8:]
    assert taken(HELLO + extra).files == taken(HELLO).files
    assert taken(HELLO[:8] + inner[:64] + extra + inner[64:]).files == taken(HELLO).files


def test_a_package_that_is_not_the_signed_one_says_nothing() -> None:
    good = hashlib.sha256(HELLO).hexdigest()
    other = deb(file("./usr/bin/hello", b"evil"))
    for data, size in ((other, len(other)), (HELLO + b"\n", len(HELLO)), (HELLO[:-1], len(HELLO)), (HELLO, len(HELLO) + 1)):
        with pytest.raises((UntrustedError, FormatError)):
            read(stream(data), good, size, TOLD)
    with pytest.raises(UntrustedError, match="the package hello is not the file that the vendor signed"):
        read(stream(other), good, len(other), TOLD)


def test_the_list_says_how_much_of_a_file_is_read() -> None:
    class Endless:
        count = 0

        def read(self, size: int, /) -> bytes:
            self.count += size
            return HELLO[self.count - size : self.count] or bytes(size)

    endless = Endless()
    with pytest.raises(UntrustedError):
        read(endless, "0" * 64, len(HELLO) + 1000, TOLD)
    assert endless.count < len(HELLO) + 2000


def of_type(flag: bytes) -> bytes:
    """An archive whose one member is of this type."""
    return tar(member("./x", type=flag))


def with_size(size: bytes, flag: bytes = b"0") -> bytes:
    """An archive whose one member claims this size."""
    header = bytearray(tar(file("./x"))[:512])
    header[124:136], header[156:157] = size, flag
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + sum(header[156:]) + 256)
    return bytes(header) + bytes(1024)


HOSTILE_DATA: dict[str, tuple[bytes, str]] = {
    "up and away": (tar(file("./../etc/passwd")), "a path that no package may have"),
    "up within": (tar(file("./usr/../../etc/passwd")), "a path that no package may have"),
    "from the root": (tar(file("/etc/passwd")), "a path that no package may have"),
    "twice the same place": (tar(file("./usr//bin")), "a path that no package may have"),
    "here within": (tar(file("./usr/./bin")), "a path that no package may have"),
    "no name": (tar(file("")), "a path that no package may have"),
    "two of a name": (tar(file("./x", b"good"), file("./x", b"evil")), "it has /x twice"),
    "a file and a directory": (tar(file("./x"), folder("./x/")), "it has /x twice"),
    "a link to nothing": (tar(link("./x", "./y", hard=True)), "linked to a file that it does not have"),
    "a link to itself": (tar(link("./x", "./x", hard=True)), "linked to a file that it does not have"),
    "a link to a directory": (tar(folder("./y/"), link("./x", "./y", hard=True)), "linked to a file that it does not"),
    "a link up and away": (tar(link("./x", "../../etc/passwd", hard=True)), "a path that no package may have"),
    "pax": (tar(file("./ä" * 200), form=tarfile.PAX_FORMAT), "of a type that no package has"),
    "a pax bomb": (with_size(b"77777777777\0", b"x"), "of a type that no package has"),
    "sparse": (of_type(b"S"), "of a type that no package has"),
    "of many volumes": (of_type(b"M"), "of a type that no package has"),
    "of a type unheard of": (of_type(b"Z"), "of a type that no package has"),
    "a size of 8 GB": (with_size(b"77777777777\0"), "ends within a file"),
    "a size of 2**80": (with_size(b"\x80" + b"\xff" * 11), "ends within a file"),
    "a size below zero": (with_size(b"\xff" * 12), "a number in a header is none"),
    "a size that is none": (with_size(b"0x10       \0"), "a number in a header is none"),
    "a name of 8 GB": (with_size(b"77777777777\0", b"L"), "a name is too long"),
    "a wrong sum": (tar(file("./x")).replace(b"./x", b"./y", 1), "a header is damaged"),
    "cut off": (tar(file("./x", bytes(1000)))[:1000], "it ends within a file"),
    "cut off within a header": (tar(file("./x"))[:300], "ends within a header"),
    "no archive": (b"hello" * 200, "a number in a header is none"),
}


@pytest.mark.parametrize(("data", "why"), HOSTILE_DATA.values(), ids=HOSTILE_DATA.keys())
def test_files_that_mean_harm_are_refused(data: bytes, why: str) -> None:
    with pytest.raises(FormatError, match=why) as caught:
        taken(deb(data=data))
    assert str(caught.value).startswith("an archive of a package cannot be read: ")


def controlled(*parts: Parts) -> bytes:
    return ar(("debian-binary", b"2.0\n"), ("control.tar", tar(*parts)), ("data.tar", tar()))


CONTROL = file("./control", b"Package: a\nVersion: 1\nArchitecture: all\n")
HOSTILE_DEBS: dict[str, bytes] = {
    "nothing": b"",
    "no ar": tar(file("./x")),
    "no parts": ar(),
    "of another format": ar(("debian-binary", b"3.0\n"), ("control.tar", tar(CONTROL)), ("data.tar", tar())),
    "not a package": ar(("control.tar", tar(CONTROL)), ("data.tar", tar())),
    "no data": ar(("debian-binary", b"2.0\n"), ("control.tar", tar(CONTROL))),
    "data first": ar(("debian-binary", b"2.0\n"), ("data.tar", tar()), ("control.tar", tar(CONTROL))),
    "packed as none knows": ar(("debian-binary", b"2.0\n"), ("control.tar.rar", tar(CONTROL)), ("data.tar", tar())),
    "a header of letters": HELLO.replace(b"`\n", b"!!", 2),
    "a part beyond the end": HELLO[:56] + b"9999999999" + HELLO[66:],
    "cut off": HELLO[:-100],
    "no control file": controlled(file("./md5sums")),
    "no version": controlled(file("./control", b"Package: a\nArchitecture: all\n")),
    "two control files": controlled(CONTROL, CONTROL),
    "a link for a control file": controlled(link("./control", "/etc/shadow")),
}


@pytest.mark.parametrize("data", HOSTILE_DEBS.values(), ids=HOSTILE_DEBS.keys())
def test_packages_that_are_none_are_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        taken(data)


@pytest.mark.parametrize("sizes", [{"postinst": 5 << 20}, dict.fromkeys("0123456789", 8 << 20)], ids=["script", "control.tar"])
def test_what_is_said_of_a_package_may_not_be_endless(sizes: dict[str, int]) -> None:
    with pytest.raises(FormatError):
        taken(controlled(CONTROL, *(file(f"./{name}", bytes(size)) for name, size in sizes.items())))


def test_a_bomb_is_refused_and_takes_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditkit.vendor.deb.SPARE", 32 << 20)
    monkeypatch.setattr("auditkit.vendor.deb.RATIO", 1)
    bomb = deb(file("./zeros", bytes(48 << 20)))
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match="bytes unpacked"):
            taken(bomb)
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


def test_a_bomb_of_names_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditkit.vendor.tar.MOST_NAMES", 100_000)
    many = deb(*(file(f"./{number}" + "/x" * 1000) for number in range(100)))
    with pytest.raises(FormatError, match="it has more names than any real one"):
        taken(many)


def test_damaged_packages_are_packages_or_errors() -> None:
    plain = deb(file("./a", b"a" * 700), link("./b", "a"), link("./c", "./a", hard=True), file("./" + "d" * 200), packed="")
    for source in (plain, HELLO):
        for seed in range(400):
            chance = random.Random(seed)
            bad = bytearray(source)
            for _ in range(chance.randrange(1, 5)):
                at = chance.randrange(len(bad))
                bad[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
            with suppress(FormatError):
                found = taken(bytes(bad))
                assert all(one.path.startswith("/") and "/../" not in f"{one.path}/" for one in found.files)


# the real tool as oracle


def extracted(package: Path, place: Path) -> Path:
    """A package as dpkg-deb extracts it."""
    subprocess.run(["dpkg-deb", "-x", package, place], check=True, capture_output=True, timeout=60)
    return place


def same(shipped: Shipped, place: Path) -> bool:
    """Whether what was extracted is what is said of it."""
    path = os.fsencode(place) + os.fsencode(shipped.path)
    status = os.lstat(path)
    if shipped.kind is Kind.SYMLINK:
        return os.fsdecode(os.readlink(path)) == shipped.target
    told = (shipped.mode, shipped.owner, shipped.group)
    seen = stat.S_IMODE(status.st_mode), pwd.getpwuid(status.st_uid).pw_name, grp.getgrgid(status.st_gid).gr_name
    if told != seen and os.geteuid() == 0:
        return False
    if shipped.kind is Kind.DIRECTORY:
        return stat.S_ISDIR(status.st_mode)
    with open(path, "rb") as content:
        return status.st_size == shipped.size and digests(content.read()) == shipped.digests


def compare(package: Path, place: Path) -> None:
    found = taken(package.read_bytes())
    extracted(package, place)
    assert [one.path for one in found.files if not same(one, place)] == []
    there = {os.fsdecode(os.path.join(folder, name)) for folder, names, files in os.walk(place) for name in (*names, *files)}
    assert there == {f"{place}{one.path}" for one in found.files} - {f"{place}/"}


@pytest.mark.parametrize("packed", ["xz", "gzip", "zstd", "none"])
def test_what_dpkg_deb_builds_is_read_as_it_extracts_it(packed: str, tmp_path: Path) -> None:
    if not shutil.which("dpkg-deb"):
        pytest.skip("no dpkg-deb to build a package with")
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    told = "Package: hello\nVersion: 1:2.0~rc1-1\nArchitecture: all\nMaintainer: a <a@example.org>\nDescription: b\n"
    (tree / "DEBIAN/control").write_text(told, "utf-8")
    (tree / "DEBIAN/conffiles").write_text("/etc/hello\n", "utf-8")
    (tree / "etc").mkdir()
    (tree / "etc/hello").write_text("x", "utf-8")
    deep = tree / ("usr/" + "long-name-of-a-directory/" * 8)
    deep.mkdir(parents=True)
    (deep / ("n" * 150)).write_bytes(os.urandom(100_000))
    (deep / "twin").hardlink_to(deep / ("n" * 150))
    (deep / "link").symlink_to("../" * 60 + "x")
    for name in ("a b", "ä", "back\\slash", "bad\udcff"):
        (tree / "usr" / name).write_text(name[:1], "utf-8")
    (tree / "usr/a b").chmod(0o4711)
    made = tmp_path / "hello.deb"
    words = ["dpkg-deb", f"-Z{packed}", "--root-owner-group", "-b", str(tree), str(made)]
    subprocess.run(words, check=True, capture_output=True, timeout=60)
    compare(made, tmp_path / "place")
    found = taken(made.read_bytes())
    assert found.package == Package("dpkg", "hello", "1:2.0~rc1-1", "all")
    assert [one.path for one in found.files if one.config] == ["/etc/hello"]


def test_real_packages_are_read_as_dpkg_deb_extracts_them(tmp_path: Path) -> None:
    real = sorted(path for path in APT_CACHE.glob("*.deb") if path.stat().st_size < 100_000) if shutil.which("dpkg-deb") else []
    if not real:
        pytest.skip("no packages in apt's cache, or no dpkg-deb")
    for number, path in enumerate(real[:: max(1, len(real) // 12)]):
        compare(path, tmp_path / str(number))
