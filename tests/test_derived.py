"""Files that are made of others, by the real tools, with planted ones among them: just those must be left."""

import base64
import importlib.util
import json
import os
import py_compile
import random
import re
import shutil
import struct
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli

from auditkit import entries, remade, settle
from auditkit.derived import Task, led, linker, marshalled
from auditkit.derived.certificates import subject_hash
from auditkit.errors import FormatError
from auditkit.model import Change, ChangeKind, Entry, Kind, Level, Severity
from auditkit.pythons import compiled

SOURCE = """
NAMES = {'a': (1, 2.5, 1 << 80), 'b': b'x'}

def twice(x):
    'Twice.'
    return [y * 2 for y in x if y in {1, 2}]
"""
SHIPPED, LINKS = "usr/share/ca-certificates/mozilla", "etc/ssl/certs"
TAG = sys.implementation.cache_tag
Mode = py_compile.PycInvalidationMode


class Disk:
    """A machine's disk of which a baseline is made, and that is checked later."""

    def __init__(self, cli: Cli) -> None:
        self.cli, self.root = cli, cli.tree
        self.write("var/lib/dpkg/status", "Package: base\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n")

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def compile(self, name: str, level: int = -1, mode: py_compile.PycInvalidationMode | None = None) -> Path:
        """Compile a source with the path that it has on the machine."""
        path = py_compile.compile(str(self.root / name), dfile=f"/{name}", doraise=True, optimize=level, invalidation_mode=mode)
        return Path(str(path))

    def left(self) -> dict[str, str]:
        """The notes of changes that nothing explains, by path."""
        (host,) = json.loads(self.cli.check("--all").out)["hosts"]
        return {change["path"]: change["note"] for change in host["changes"] if change["explanation"] is None}

    def explained(self) -> dict[str, dict[str, Any]]:
        (host,) = json.loads(self.cli.check("--all").out)["hosts"]
        return {change["path"]: change["explanation"] for change in host["changes"] if change["explanation"]}


@pytest.fixture
def disk(cli: Cli) -> Disk:
    return Disk(cli)


@pytest.mark.parametrize("mode", [Mode.TIMESTAMP, Mode.CHECKED_HASH])
def test_what_python_compiles_of_a_source_that_stands_is_explained(disk: Disk, mode: py_compile.PycInvalidationMode) -> None:
    disk.write("usr/lib/demo.py", SOURCE)
    disk.cli.baseline()
    made = {"/" + str(disk.compile("usr/lib/demo.py", level, mode).relative_to(disk.root)) for level in (-1, 1, 2)}
    explained = disk.explained()
    assert made | {"/usr/lib/__pycache__"} == explained.keys()
    told = [explained[path] for path in made]
    assert told == [{"by": "derived", "text": "Python compiled demo.py", "proof": "local"}] * 3


def test_what_python_uses_whatever_becomes_of_the_source_is_left(disk: Disk) -> None:
    disk.write("usr/lib/demo.py", SOURCE)
    disk.cli.baseline()
    disk.compile("usr/lib/demo.py", mode=Mode.UNCHECKED_HASH)
    assert "marked to be used whatever becomes of its source" in disk.left().values()


def test_no_code_is_not_what_a_broken_source_compiles_to(disk: Disk) -> None:
    disk.write("usr/lib/demo.py", "x = ")
    disk.cli.baseline()
    info = (disk.root / "usr/lib/demo.py").stat()
    header = importlib.util.MAGIC_NUMBER + struct.pack("<III", 0, int(info.st_mtime), info.st_size)
    path = disk.write(f"usr/lib/__pycache__/demo.{TAG}.pyc", header)
    assert f"/{path.relative_to(disk.root)}" in disk.left()


def test_what_another_python_shall_load_is_left(disk: Disk) -> None:
    disk.write("usr/lib/demo.py", SOURCE)
    disk.cli.baseline()
    path = disk.compile("usr/lib/demo.py")
    path.rename(path.with_name("demo.cpython-399.pyc"))
    assert "/usr/lib/__pycache__/demo.cpython-399.pyc" in disk.left()


def test_where_no_content_is_watched_nothing_is_called_what_it_was(disk: Disk) -> None:
    """Another code of the same size leaves nothing but another time behind."""
    policy = disk.cli.home / "loose.yaml"
    policy.write_text(
        "schema: auditkit/policy/1\nname: loose\nwatch:\n"
        '  - {path: "/usr/lib/__pycache__", level: metadata}\n  - {path: /usr, level: content}\n'
    )
    source = disk.write("usr/lib/demo.py", SOURCE)
    path = disk.compile("usr/lib/demo.py")
    disk.cli.baseline("--policy", str(policy))
    path.write_bytes(path.read_bytes().replace(b"Twice.", b"Thrice"))
    os.utime(source, ns=(1, source.stat().st_mtime_ns))
    assert f"/usr/lib/__pycache__/demo.{TAG}.pyc" in disk.left()


def test_a_source_that_was_moved_away_stands_nowhere(disk: Disk) -> None:
    source = disk.write("usr/lib/demo.py", SOURCE)
    disk.cli.baseline()
    path = disk.compile("usr/lib/demo.py")
    source.rename(disk.root / "usr/elsewhere.py")
    assert f"/{path.relative_to(disk.root)}" in disk.left()


def test_other_code_behind_the_right_header_is_left_and_so_is_its_directory(disk: Disk) -> None:
    disk.write("usr/lib/demo.py", SOURCE)
    disk.write("usr/lib/evil.py", SOURCE.replace("* 2", "* 3"))
    disk.cli.baseline()
    path, evil = disk.compile("usr/lib/demo.py"), disk.compile("usr/lib/evil.py")
    path.write_bytes(path.read_bytes()[:16] + evil.read_bytes()[16:])
    version = sys.version.split()[0]
    assert disk.left() == {
        "/usr/lib/__pycache__": "",
        f"/usr/lib/__pycache__/demo.{TAG}.pyc": f"not what Python {version} compiles its source to",
    }


def test_what_is_compiled_of_a_source_that_nobody_knows_is_left(disk: Disk) -> None:
    disk.write("usr/lib/known.py", SOURCE)
    disk.cli.baseline()
    disk.write("usr/lib/planted.py", SOURCE)
    disk.compile("usr/lib/planted.py")
    assert set(disk.left()) == {"/usr/lib/planted.py", "/usr/lib/__pycache__", f"/usr/lib/__pycache__/planted.{TAG}.pyc"}


def test_a_python_that_is_not_here_is_named(disk: Disk) -> None:
    disk.write("usr/lib/demo.py", SOURCE)
    disk.cli.baseline()
    path = disk.compile("usr/lib/demo.py")
    path.rename(path.with_name("demo.cpython-302.pyc")).write_bytes(b"\1\2\r\n" + bytes(12) + b"N")
    assert "compiled by cpython-302, and nothing here compiled it again" in disk.left().values()


def test_a_setuid_bit_on_what_is_compiled_well_is_left(disk: Disk) -> None:
    disk.write("usr/lib/demo.py", SOURCE)
    disk.cli.baseline()
    disk.compile("usr/lib/demo.py").chmod(0o4755)
    assert f"/usr/lib/__pycache__/demo.{TAG}.pyc" in disk.left()


def test_a_source_is_compiled_and_not_run(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    magic = importlib.util.MAGIC_NUMBER
    sources = [f"open({str(ran)!r}, 'w')", "(" * 5000, "x = ", "good = 1", "\0"]
    tasks = [Task(f"/{number}.py", text.encode(), 0, magic, str(TAG)) for number, text in enumerate(sources)]
    found = compiled(tasks)
    assert [bool(found[task].code) for task in tasks] == [True, False, False, True, False]
    assert not ran.exists()


def test_code_is_the_same_whoever_else_held_its_objects_and_damage_never_is() -> None:
    task = Task("/demo.py", SOURCE.encode(), 0, importlib.util.MAGIC_NUMBER, str(TAG))
    code = compiled([task])[task].code
    assert marshalled.same_code(code, code, task.magic)
    other = Task("/demo.py", SOURCE.replace("* 2", "* 3").encode(), 0, task.magic, task.python)
    assert not marshalled.same_code(compiled([other])[other].code, code, task.magic)
    chance = random.Random(7)
    for _ in range(2000):
        damaged = bytearray(code)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(7)
        assert not marshalled.same_code(
            bytes(damaged[: chance.choice([len(code), chance.randrange(len(code))])]), code, task.magic
        )


def test_marks_that_python_reads_over_make_other_code() -> None:
    """A mark on None is no object to be referred to: from there on every reference of CPython's means another object."""
    task = Task(
        "/demo.py", b"x = None\ny = (1.5, 1.5)\nz = lambda a: (a, None, 'a', 1.5)\n", 0, importlib.util.MAGIC_NUMBER, str(TAG)
    )
    code = compiled([task])[task].code
    at = code.index(b"N")
    assert marshalled.same_code(code, code, task.magic)
    assert not marshalled.same_code(code[:at] + bytes([code[at] | 0x80]) + code[at + 1 :], code, task.magic)
    negative = re.sub(rb"r(.)\0\0\0", b"r\xff\xff\xff\xff", code, count=1, flags=re.DOTALL)
    assert negative != code
    assert not marshalled.same_code(negative, code, task.magic)


def test_links_are_followed_by_their_text_only_where_that_tells() -> None:
    assert led("/etc/ssl/x", "../alternatives/y") == "/etc/alternatives/y"
    assert led("/etc/ssl/x", "/usr/y") == "/usr/y"
    for target in ("/usr/a/../y", "a/../y", "../a/../y", "..", "./y", "a/..", ""):
        assert led("/etc/ssl/x", target) == ""


def test_only_what_was_seen_where_it_was_stands_unchanged() -> None:
    """A file that was moved away, or lies under a gap, is nothing that others could be made of."""
    paths = ("/usr/a.py", "/usr/b.py", "/usr/hidden/c.py", "/usr/hidden/d.py", "/usr/moved.py")
    held = [Entry(path, Kind.FILE, size=1, digests=("blake3:00",)) for path in paths]
    moved = Change("/tmp/x", ChangeKind.CHANGED, held[-1], held[-1], ("path",), Severity.HIGH, Level.CONTENT, "moved")
    blocks = list(entries.encode(sorted(held, key=lambda one: entries.key(one.path.encode()))))
    changes = {moved.path: moved, "/usr/b.py": replace(moved, path="/usr/b.py", before=held[1])}
    assert dict(remade.unchanged(blocks, {"/usr", "/usr/hidden"}, changes, {"/usr/hidden/c.py"})) == {
        held[0].path: held[0],
        held[3].path: held[3],
    }
    assert list(dict(remade.unchanged(blocks, {"/usr", "/usr/hidden"}, changes, {"/usr/hidden"}))) == ["/usr/a.py"]
    assert dict(remade.unchanged(blocks, {"/usr"}, changes, {"/"})) == {}
    assert dict(remade.unchanged(blocks, {"/usr"}, changes, {settle.UNTOLD})) == {}


def certificate(name: str) -> bytes:
    """A certificate with a subject in which OpenSSL's canonical form changes something."""
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-utf8"]
    more = ["-keyout", "/dev/null", "-subj", f"/C=DE/O=  Büro   {name} GmbH /OU=A+CN={name}"]
    return subprocess.run([*argv, *more], check=True, capture_output=True).stdout


@pytest.fixture
def office(disk: Disk) -> Disk:
    """A disk with two certificates in use, and a third that is there but not in use."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    for name in ("One", "Two", "Three"):
        disk.write(f"{SHIPPED}/{name}.crt", certificate(name))
    (disk.root / LINKS).mkdir(parents=True)
    for name in ("One", "Two"):
        link(disk, name)
    rehash_below_root(disk)
    bundle(disk, "One", "Two")
    choose(disk, "One", "Two", "!Three")
    disk.cli.baseline()
    return disk


def choose(disk: Disk, *names: str) -> None:
    """Name the certificates that are chosen; one with ! is not."""
    lines = (f"{'!' * name.startswith('!')}mozilla/{name.removeprefix('!')}.crt\n" for name in names)
    disk.write("etc/ca-certificates.conf", "".join(("# chosen\n", *lines)))


def link(disk: Disk, name: str, target: str | None = None) -> None:
    (disk.root / LINKS / f"{name}.pem").symlink_to(target or f"/{SHIPPED}/{name}.crt")


def bundle(disk: Disk, *names: str) -> None:
    disk.write(f"{LINKS}/ca-certificates.crt", b"".join((disk.root / SHIPPED / f"{name}.crt").read_bytes() for name in names))


def rehash_below_root(disk: Disk) -> None:
    """Link by hash as `openssl rehash` does inside that root: links of this disk lead nowhere from here."""
    for pem in sorted((disk.root / LINKS).glob("*.pem")):
        path = disk.root / os.readlink(pem).lstrip("/")
        argv = ["openssl", "x509", "-subject_hash", "-noout", "-in", str(path)]
        name = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
        by_hash = disk.root / LINKS / f"{name}.0"
        if not by_hash.is_symlink():
            by_hash.symlink_to(pem.name)


def test_certificates_that_are_in_use_are_explained_with_their_links_and_the_bundle(office: Disk) -> None:
    choose(office, "One", "Two", "Three")
    for path in (office.root / LINKS).iterdir():
        path.unlink()
    link(office, "One")
    bundle(office, "One")
    office.cli.baseline()
    link(office, "Two")
    link(office, "Three")
    rehash_below_root(office)
    bundle(office, "Three", "One", "Two")
    assert office.left() == {}
    assert len(office.explained()) == 6
    assert {told["proof"] for told in office.explained().values()} == {"local"}


def test_a_certificate_that_the_admin_does_not_choose_is_left_though_its_package_has_it(office: Disk) -> None:
    link(office, "Three")
    rehash_below_root(office)
    bundle(office, "Three", "One", "Two")
    assert len(office.left()) == 3
    choose(office, "One", "Two", "Three")  # nobody but the admin may choose what he did not choose
    assert len(office.left()) == 4


def test_a_link_that_leads_over_another_is_left(office: Disk) -> None:
    """By its text it leads to a certificate that is chosen; on the disk, past it."""
    office.write("tmp/evil/mozilla/One.crt", certificate("Evil"))
    (office.root / "tmp/evil/x").mkdir()
    (office.root / "usr/share/ca-certificates/x").symlink_to("/tmp/evil/x")
    (office.root / LINKS / "One.pem").unlink()
    link(office, "One", "/usr/share/ca-certificates/x/../mozilla/One.crt")
    assert f"/{LINKS}/One.pem" in office.left()


def test_the_hash_of_a_subject_is_that_of_openssl(office: Disk) -> None:
    for path in sorted((office.root / SHIPPED).iterdir()):
        argv = ["openssl", "x509", "-subject_hash", "-noout", "-in", str(path)]
        told = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
        assert subject_hash(path.read_bytes()) == told
    assert subject_hash(b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n") == ""
    whole, chance = base64.b64decode(b"".join(path.read_bytes().split(b"\n")[1:-2])), random.Random(5)
    for _ in range(1000):
        damaged = bytearray(whole[: chance.choice([len(whole), chance.randrange(1, len(whole))])])
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        text = b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(damaged) + b"-----END CERTIFICATE-----\n"
        assert re.fullmatch("([0-9a-f]{8})?", subject_hash(text))


def test_a_planted_certificate_is_left_with_all_that_leads_to_it(office: Disk) -> None:
    office.write(f"{SHIPPED}/Evil.crt", certificate("Evil"))
    link(office, "Evil")
    rehash_below_root(office)
    bundle(office, "One", "Two", "Evil")
    assert len(office.left()) == 4


def test_links_by_another_name_hash_or_to_another_place_are_left(office: Disk) -> None:
    link(office, "Four", f"/{SHIPPED}/Three.crt")
    link(office, "Five", "/tmp/Five.crt")
    (office.root / LINKS / "01234567.0").symlink_to("One.pem")
    (office.root / LINKS / "One.pem").unlink()
    assert set(office.left()) == {f"/{LINKS}/{name}" for name in ("Four.pem", "Five.pem", "01234567.0", "One.pem")}


def test_a_certificate_in_the_bundle_alone_is_left(office: Disk) -> None:
    office.write(
        f"{LINKS}/ca-certificates.crt", (office.root / LINKS / "ca-certificates.crt").read_bytes() + certificate("Evil")
    )
    assert set(office.left()) == {f"/{LINKS}/ca-certificates.crt"}


CACHE = "etc/ld.so.cache"
LIBRARIES = {"usr/lib/libdemo.so.1": "", "usr/local/lib/libother.so.2": ""}


@pytest.fixture
def linked(disk: Disk) -> Disk:
    """A disk with two real libraries, that ldconfig knows one of."""
    if not shutil.which("ldconfig") or not shutil.which("cc"):
        pytest.skip("needs ldconfig and a C compiler")
    for name in LIBRARIES:
        path = disk.write(name, "")
        argv = ["cc", "-shared", "-nostdlib", f"-Wl,-soname,{path.name}", "-x", "c", "/dev/null", "-o", str(path)]
        subprocess.run(argv, check=True, capture_output=True)
    disk.write("etc/ld.so.conf", "")
    ldconfig(disk)
    disk.write("etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf\n")
    disk.write("etc/ld.so.conf.d/local.conf", "# what the admin has\n/usr/local/lib\n")
    disk.cli.baseline()
    return disk


def ldconfig(disk: Disk, form: str = "new") -> None:
    subprocess.run(["ldconfig", "-X", "-c", form, "-r", str(disk.root)], check=True, capture_output=True)


@pytest.mark.parametrize("form", ["new", "compat"])
def test_the_linker_s_cache_is_explained_by_the_libraries_that_it_names(linked: Disk, form: str) -> None:
    ldconfig(linked, form)
    assert len(list(linker.libraries((linked.root / CACHE).read_bytes()))) == 2
    assert linked.explained()["/etc/ld.so.cache"]["proof"] == "local"
    assert {path for path in linked.left() if "/var/cache" not in path} == set()


def test_a_library_for_some_processors_is_found_by_the_name_of_its_directory(linked: Disk) -> None:
    faster = linked.write("usr/lib/glibc-hwcaps/x86-64-v3/libdemo.so.1", (linked.root / "usr/lib/libdemo.so.1").read_bytes())
    linked.cli.baseline()
    ldconfig(linked)
    data = (linked.root / CACHE).read_bytes()
    if ("/usr/lib/glibc-hwcaps/x86-64-v3/libdemo.so.1", "x86-64-v3") not in [(p, n) for p, _f, n in linker.libraries(data)]:
        pytest.skip("an ldconfig that knows no such directories")
    assert "/etc/ld.so.cache" in linked.explained()
    linked.write(CACHE, data.replace(b"x86-64-v3\0", b"x86-64-v2\0"))
    assert "/etc/ld.so.cache" in linked.left()
    assert faster.exists()


def test_a_library_that_stood_there_but_where_none_is_looked_for_is_left(linked: Disk) -> None:
    """Whoever may write to some directory puts it there long before he can write the cache."""
    shutil.copytree(linked.root / "usr/local/lib", linked.root / "srv/x")
    linked.cli.baseline("--policy", "full")
    parts = linked.root / "etc/ld.so.conf.d/local.conf"
    kept = parts.read_bytes()
    parts.write_text("/srv/x\n")
    ldconfig(linked)
    assert linked.left()["/etc/ld.so.cache"] == "nothing verifies /etc/ld.so.conf.d/local.conf, by which it is made"
    parts.write_bytes(kept)
    assert linked.left()["/etc/ld.so.cache"] == "it names /srv/x/libother.so.2, which is not found so by the configuration"


def test_a_library_that_another_is_found_before_may_not_be_found_first(linked: Disk) -> None:
    shutil.copy(linked.root / "usr/lib/libdemo.so.1", linked.root / "usr/local/lib/libdemo.so.1")
    linked.cli.baseline()
    ldconfig(linked)
    data = (linked.root / CACHE).read_bytes()
    assert [path for path, *_rest in linker.libraries(data)][1:] == ["/usr/local/lib/libdemo.so.1", "/usr/lib/libdemo.so.1"]
    assert "/etc/ld.so.cache" in linked.explained()
    other, local, usual = (data[at : at + linker.LIBRARY] for at in range(linker.HEADER, linker.HEADER + 72, linker.LIBRARY))
    for order in ((other, usual, local), (local, usual, other)):
        linked.write(CACHE, data[: linker.HEADER] + b"".join(order) + data[linker.HEADER + 72 :])
        assert "/etc/ld.so.cache" in linked.left()


def test_a_cache_that_names_a_library_of_nobody_is_left(linked: Disk) -> None:
    shutil.copytree(linked.root / "usr/local/lib", linked.root / "opt/x")
    linked.write("etc/ld.so.conf.d/local.conf", "/opt/x\n")
    ldconfig(linked)
    assert linked.left()["/etc/ld.so.cache"] == "it names /opt/x/libother.so.2, which nothing verifies"


def test_a_damaged_cache_is_no_cache(linked: Disk) -> None:
    ldconfig(linked)
    data = (linked.root / CACHE).read_bytes()
    chance = random.Random(3)
    for _ in range(500):
        damaged = bytearray(data[: chance.choice([len(data), chance.randrange(len(data))])])
        if damaged:
            damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        with suppress(FormatError):
            list(linker.libraries(bytes(damaged)))
    key = struct.unpack_from("<I", data, 52)[0]
    with pytest.raises(FormatError):
        list(linker.libraries(data[:52] + struct.pack("<I", key + 1) + data[56:]))
    huge = data[:20] + struct.pack("<I", 1 << 31) + data[24:]
    with pytest.raises(FormatError):
        list(linker.libraries(huge))


def test_other_code_in_an_upgrade_s_own_style_is_left(disk: Disk) -> None:
    """The header has the new time of the source, which holds what it held; the code is not that of the baseline."""
    source = disk.write("usr/lib/demo.py", SOURCE)
    path = disk.compile("usr/lib/demo.py")
    disk.cli.baseline()
    os.utime(source, (1, 1))
    disk.compile("usr/lib/demo.py")
    stamped = path.read_bytes()[:16]
    path.write_bytes(stamped + path.read_bytes()[16:].replace(b"Twice.", b"Thrice"))
    name = f"/usr/lib/__pycache__/demo.{TAG}.pyc"
    assert name in disk.left()


@pytest.mark.parametrize("gone", [True, False])
def test_compiled_files_leave_with_their_source_when_it_is_known_why(disk: Disk, gone: bool) -> None:
    source = disk.write("usr/lib/demo.py", SOURCE)
    path = disk.compile("usr/lib/demo.py")
    disk.cli.baseline()
    path.unlink()
    if gone:
        source.unlink()  # by whom is not known, for no package had it
    assert f"/usr/lib/__pycache__/demo.{TAG}.pyc" in disk.left()


def test_evidence_explains_what_the_host_would(disk: Disk) -> None:
    disk.write("usr/lib/demo.py", SOURCE)
    disk.cli.baseline()
    disk.compile("usr/lib/demo.py")
    file = disk.cli.home / "disk.evidence"
    store = ("--store", str(disk.cli.store))
    assert disk.cli.run("collect", disk.cli.host, "-o", str(file), *store).code == 0
    outcome = disk.cli.run("check", f"evidence:{file}", "--format", "json", "--all", *store)
    assert f"/usr/lib/__pycache__/demo.{TAG}.pyc" in outcome.changes
    assert {change["explanation"]["by"] for change in outcome.changes.values()} == {"derived"}
