"""Trees that nobody would make by accident: every name, kind and depth a kernel allows is seen as it is."""

import json
import os
import resource
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Cli, text_of

from auditkit.printable import escape

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root makes these")
HOSTILE = (
    b"new\nline",
    b"esc\x1b[31mred",
    b"bidi\xe2\x80\xaegpj.exe",
    b"invalid\xff\xfeutf8",
    b"csi\xc2\x9b31m",
    b"back\\x0aslash",
    b" space ",
    b"-rf",
    b"?",
    b"=kept",
    b"{",
    b"tab\there",
    b"line\xe2\x80\xa8separator",
    b"\x01\x7f",
)
FOUR_GIB_AND_ONE = (4 << 30) + 1
"""A size that 32 bits do not hold."""
FOUR_GIB_AND_ONE_OF_NOTHING = "1c5383e3e425b8b27d54e1b6bf91bb3320b8ba1496f7483f87b5f4490a542794"
"""As b3sum says."""


def text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


@pytest.fixture
def hostile(cli: Cli) -> Cli:
    """A tree in which files, directories, symlink targets and attributes have hostile names."""
    top = os.fsencode(cli.tree)
    for name in HOSTILE:
        os.mkdir(os.path.join(top, b"d" + name))
        for place in (b"etc/" + name, b"d" + name + b"/" + name):
            Path(text(os.path.join(top, place))).write_bytes(name)
        os.symlink(name, os.path.join(top, b"l" + name))
    return cli


def test_a_baseline_has_every_name_once_and_in_printable_letters(hostile: Cli) -> None:
    made, lines = hostile.scan()
    assert made.code == 0
    assert all(line.isprintable() for line in lines)
    for name in HOSTILE:
        shown = text(escape(name))
        assert sum(line.endswith(f" {shown}") and line.startswith("f ") for line in lines) == 2
        assert lines.count(f"/d{shown}") == 1
    assert hostile.check().host["status"] == "clean"


def test_hostile_names_come_back_from_json_as_the_bytes_they_were(hostile: Cli) -> None:
    assert hostile.baseline().code == 0
    top = os.fsencode(hostile.tree)
    for name in HOSTILE:
        Path(text(os.path.join(top, b"etc/" + name))).write_bytes(b"changed " + name)
        os.unlink(os.path.join(top, b"l" + name))
        os.symlink(name + name, os.path.join(top, b"l" + name))
    told = hostile.check()
    assert told.code == 1
    assert told.out.isascii()
    links = {os.fsencode(path): change for path, change in told.changes.items() if path.startswith("/l")}
    assert {os.fsencode(path) for path in told.changes if path.startswith("/etc/")} >= {b"/etc/" + name for name in HOSTILE}
    assert {path: os.fsencode(change["after"]["target"]) for path, change in links.items()} == {
        b"/l" + name: name + name for name in HOSTILE
    }


def test_the_text_report_shows_no_raw_escape(hostile: Cli) -> None:
    assert hostile.baseline().code == 0
    shutil.rmtree(hostile.tree / "etc")
    for name in HOSTILE:
        os.rename(*(os.path.join(os.fsencode(hostile.tree), letter + name) for letter in (b"l", b"m")))
    told = hostile.run("check", hostile.host, "--store", str(hostile.store), "--all")
    assert told.code == 1
    assert all(line.isprintable() for line in told.out.split("\n"))
    assert text(escape(HOSTILE[1])) in told.out


@pytest.mark.parametrize("name", [HOSTILE[0], HOSTILE[1], HOSTILE[3]])
def test_a_root_may_have_a_hostile_name_itself(cli: Cli, name: bytes) -> None:
    cli.tree = cli.tree.rename(cli.home / text(name))
    for told in (cli.baseline(), cli.baseline(), cli.run("check", cli.host, "--store", str(cli.store))):
        assert told.code == 0
        assert all(line.isprintable() for line in (told.out + told.err).split("\n"))
    assert json.loads(cli.check().out)["hosts"][0]["host"] == cli.host


def test_hostile_names_and_values_of_attributes_survive(cli: Cli) -> None:
    names = ["user.\x1b[31m", "user.new\nline", "user.a=b,c d", "user.\udcff", "user.?"]
    place = cli.tree / "etc/passwd"
    try:
        for number, name in enumerate(names):
            os.setxattr(place, name, bytes(range(256)) * (number + 1))
    except OSError as error:
        pytest.skip(f"no such attributes here: {error.strerror}")
    made, lines = cli.scan()
    assert made.code == 0
    assert all(line.isprintable() for line in lines)
    assert cli.check().code == 0
    os.setxattr(place, names[0], b"other")
    os.removexattr(place, names[1])
    changed = cli.check().changes["/etc/passwd"]
    assert changed["attributes"] == ["ctime", "xattrs"]
    assert set(changed["before"]["xattrs"]) == set(names)
    assert changed["after"]["xattrs"]["user.\x1b[31m"] == "0x" + b"other".hex()


@pytest.fixture
def deep(cli: Cli) -> Iterator[Cli]:
    """A tree that is too deep for Python to remove."""
    yield cli
    subprocess.run(["rm", "-rf", cli.tree], check=True)


def test_the_longest_names_in_paths_longer_than_one_system_call_takes(deep: Cli) -> None:
    name = "n" * 255
    at = os.open(deep.tree, os.O_RDONLY)
    for _ in range(40):
        os.mkdir(name, dir_fd=at)
        below = os.open(name, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    handle = os.open(name, os.O_WRONLY | os.O_CREAT, dir_fd=at)
    os.close(at)
    assert deep.baseline().code == 0
    deepest = "/" + "/".join([name] * 41)
    assert deepest.rpartition("/")[0] in text_of(deep.baselines()[-1])
    os.write(handle, b"more")
    os.close(handle)
    assert set(deep.check().changes) == {deepest}


def test_a_thousand_levels_are_gone_down(deep: Cli) -> None:
    at = os.open(deep.tree, os.O_RDONLY)
    for _ in range(1000):
        os.mkdir("d", dir_fd=at)
        os.mkdir("e", dir_fd=at)
        below = os.open("d", os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    made, lines = deep.scan()
    assert made.code == 0
    assert sum(line.endswith("/e") for line in lines) == 1000
    assert deep.check().code == 0


def test_a_fifo_is_an_entry_and_nothing_is_taken_from_it(cli: Cli) -> None:
    os.mkfifo(cli.tree / "fifo")
    both = os.open(cli.tree / "fifo", os.O_RDWR | os.O_NONBLOCK)
    os.write(both, b"for somebody else")
    made, lines = cli.scan()
    assert made.code == 0
    assert [line[0] for line in lines if line.endswith(" fifo")] == ["p"]
    assert cli.check().code == 0
    assert os.read(both, 100) == b"for somebody else"
    os.close(both)


def test_nobody_who_waits_at_a_fifo_is_let_in(cli: Cli) -> None:
    os.mkfifo(cli.tree / "fifo")
    with subprocess.Popen(["sh", "-c", 'echo waiting; echo word > "$0"', cli.tree / "fifo"], stdout=subprocess.PIPE) as writer:
        try:
            assert writer.stdout
            writer.stdout.readline()
            assert cli.baseline().code == 0
            assert writer.poll() is None
        finally:
            writer.kill()


def test_a_socket_is_an_entry_and_nobody_connects(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(cli.tree)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        listening.listen()
        listening.setblocking(False)
        _made, lines = cli.scan()
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert [line[0] for line in lines if line.endswith(" socket")] == ["s"]


@ROOT
def test_devices_are_entries_and_never_opened(cli: Cli) -> None:
    try:
        os.mknod(cli.tree / "zero", 0o20600, os.makedev(1, 5))  # it would give bytes for ever
        os.mknod(cli.tree / "disk", 0o60600, os.makedev(7, 250))
    except PermissionError:
        pytest.skip("this root may make no devices")
    made, lines = cli.scan()
    assert made.code == 0
    fields = [line.split(" ") for line in lines if line.endswith((" zero", " disk"))]
    assert [(one[0], one[15]) for one in fields] == [("b", "7:250"), ("c", "1:5")]
    os.unlink(cli.tree / "zero")
    os.mknod(cli.tree / "zero", 0o20600, os.makedev(1, 1))
    assert "device" in cli.check().changes["/zero"]["attributes"]


def test_symlinks_in_circles_are_entries_and_not_followed(cli: Cli) -> None:
    for name, target in {
        "self": "self",
        "here": ".",
        "up": "..",
        "a": "b",
        "b": "a",
        "etc/top": "/",
        "etc/etc": "../etc",
    }.items():
        os.symlink(target, cli.tree / name)
    made, lines = cli.scan()
    assert made.code == 0
    assert sum(line.startswith("l ") for line in lines) == 7
    assert [line for line in lines if line.startswith("/")] == ["/", "/etc"]


@pytest.fixture
def outside(cli: Cli) -> Path:
    """A directory beside the tree to which symlinks of every making lead from inside."""
    place = cli.home / "outside"
    place.mkdir()
    (place / "passwd").write_text("evil:x:0:0:evil:/evil:/bin/sh\n", "utf-8")
    (place / "secret").write_text("the word\n", "utf-8")
    (place / "deep").mkdir()
    for name, target in {
        "absolute": str(place),
        "relative": "../outside",
        "file": "../outside/secret",
        "twice": "relative",
        "proc": f"/proc/self/cwd/../{place.name}",
        "root": "../../../../../../../../../../" + str(place),
    }.items():
        os.symlink(target, cli.tree / name)
    return place


def test_no_symlink_leads_out_of_a_root(cli: Cli, outside: Path) -> None:
    cli.watch(
        *({"path": f"/{name}/**", "level": "content"} for name in ("absolute", "relative", "twice")),
        *({"path": f"/{name}/secret", "level": "content"} for name in ("proc", "root")),
        {"path": "/", "level": "content", "keep": True},
    )
    made, lines = cli.scan()
    assert made.code in (0, 3)
    assert not any("the word" in line for line in lines)
    assert [line for line in lines if line.startswith("/")] == ["/", "/etc"]
    assert cli.check().code in (0, 3)


@pytest.mark.parametrize("name", ["etc", "etc/passwd"])
def test_owner_names_and_homes_are_never_read_from_outside(cli: Cli, outside: Path, name: str) -> None:
    cli.watch({"path": "~/x", "level": "content"}, {"path": "/", "level": "content"})
    shutil.move(cli.tree / name, cli.home / "put away")
    os.symlink(outside if name == "etc" else outside / "passwd", cli.tree / name)
    made, lines = cli.scan()
    assert made.code == 3
    assert "evil" not in "\n".join(lines)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_kernel_saw_no_open_outside_the_root(cli: Cli, outside: Path) -> None:
    cli.watch({"path": "/absolute/secret", "level": "content"}, {"path": "/", "level": "content"})
    record = cli.home / "record"
    traced = ["strace", "-f", "-y", "-e", "trace=openat,open", "-o", str(record)]
    try:
        subprocess.run([*traced, "true"], check=True, capture_output=True)
    except subprocess.CalledProcessError:
        pytest.skip("strace may not trace here")
    cli.tracer = tuple(traced)
    assert cli.baseline().code in (0, 3)
    opened = record.read_text("utf-8", "replace")
    assert f"<{cli.tree}/etc/passwd>" in opened  # the proof sees what it should see
    assert str(outside) not in opened


def test_a_file_without_end_is_a_gap_at_once(cli: Cli) -> None:
    place = cli.tree / "endless"
    place.touch()
    for size in (1 << 50, 15 << 40):  # 1 PiB where the file system takes it; ext4 ends at 16 TiB
        try:
            os.truncate(place, size)
        except OSError:
            continue
        break
    else:
        pytest.skip("this file system has no files of that size")
    made = cli.baseline()
    assert made.code == 3
    told = cli.check()
    assert told.code == 3
    assert "bytes" in told.gaps["/endless"]
    assert not told.changes


@pytest.mark.slow
def test_a_sparse_file_of_more_than_4_gib_is_read_in_bounded_memory(cli: Cli) -> None:
    place = cli.tree / "sparse"
    place.touch()
    try:
        os.truncate(place, FOUR_GIB_AND_ONE)
    except OSError:
        pytest.skip("this file system has no files of that size")
    cli.limits = ((resource.RLIMIT_AS, 512 << 20),)
    made, lines = cli.scan()
    assert made.code == 0, made.err
    (line,) = (line for line in lines if line.endswith(" sparse"))
    assert line.split(" ")[13] == "blake3:" + FOUR_GIB_AND_ONE_OF_NOTHING
