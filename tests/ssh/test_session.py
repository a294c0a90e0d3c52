"""Conversations with hosts: a real shell and Python, and hosts that lie, flood, stop in the middle or speak out of turn."""

import marshal
import os
import re
import shutil
import struct
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from conftest import fill, seen
from hypothesis import given, settings
from hypothesis import strategies as st
from links import Script, ShellLink

from auditkit.errors import HostError
from auditkit.hosts import ssh
from auditkit.model import Item, Means, Need, State
from auditkit.probe import frames, inside, take
from auditkit.ssh import Deadline, archive
from auditkit.ssh.session import NoPythonError, Session


@pytest.fixture
def deadline() -> Iterator[Deadline]:
    """Time enough, and a net under a test that hangs."""
    made = Deadline(60)
    yield made
    made.cancel()


@pytest.fixture
def host(deadline: Deadline) -> Iterator[ssh.Ssh]:
    """This machine, asked through a shell as if it were another one."""
    link = ShellLink()
    made = ssh.Ssh("there", link, Session(link, deadline, "none"), deadline)
    yield made
    made.close()


def request(tree: Path) -> dict[str, object]:
    """A request to look at a tree closely."""
    return {"root": str(tree), "watches": [["/", "content", False, False]], "digests": ["sha256"], "jobs": 2}


def text(host: ssh.Ssh, tree: Path, known: list[bytes] | None = None) -> str:
    """All blocks of a scan as one text."""
    told = host.scan(request(tree), (lambda: iter(known)) if known else None)
    return b"".join(block for one in told if one[0] == "blocks" for block in one[1]).decode()


def test_a_host_shows_the_same_tree_bit_for_bit(host: ssh.Ssh, tmp_path: Path) -> None:
    fill(tmp_path, 20)
    (tmp_path / os.fsdecode(b"odd\n\xff name")).write_text("x")
    (tmp_path / "link").symlink_to("dir00")
    os.mkfifo(tmp_path / "fifo")
    assert text(host, tmp_path) == seen(tmp_path, digests=["sha256"])[0]


def test_what_is_known_is_not_sent_and_is_there_all_the_same(host: ssh.Ssh, tmp_path: Path) -> None:
    fill(tmp_path, 300)
    whole = text(host, tmp_path)
    known = [block for one in host.scan(request(tmp_path)) if one[0] == "blocks" for block in one[1]]
    (tmp_path / "dir100/a").write_text("changed")
    (tmp_path / "dir200/new").write_text("new")
    shutil.rmtree(tmp_path / "dir250")
    now = text(host, tmp_path, known)
    assert now == seen(tmp_path, digests=["sha256"])[0]
    assert now != whole


def test_files_and_mounts_come_in_one_question(host: ssh.Ssh) -> None:
    (item,) = host.take((Need(Means.FILE, "/etc/passwd"),))
    assert isinstance(item, Item)
    assert item.data == Path("/etc/passwd").read_bytes()
    before = Path("/proc/self/mountinfo").read_bytes()
    assert host.mounts() in (before, Path("/proc/self/mountinfo").read_bytes())  # tests beside this one mount things


def test_a_long_file_comes_in_pieces_and_once_whatever_it_is_called(host: ssh.Ssh, tmp_path: Path) -> None:
    data = bytes(range(256)) * (inside.LIMIT // 256) + b"more than another file may have"
    (tmp_path / "long").write_bytes(data)
    (tmp_path / "again").symlink_to("long")
    told = list(host.take(tuple(Need(Means.FILE, f"{tmp_path}/{name}", long=True) for name in ("again", "long", "none"))))
    items = [one for one in told if isinstance(one, Item)]
    assert [one.source for one in items] == [f"{tmp_path}/again"] * 5
    assert b"".join(one.data for one in items) == data
    assert len(items) == len(told)


def test_secrets_stay_there(host: ssh.Ssh) -> None:
    for item in host.take((Need(Means.FILE, "/etc/shadow", secret=True),)):
        assert b"$" not in getattr(item, "data", b"").replace(b"<set $y$>", b"").replace(b"<locked ! $y$>", b"")


def test_content_is_hashed_here(host: ssh.Ssh, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    told = dict(host.content((str(tmp_path / "file"), str(tmp_path / "none"))))
    assert told[str(tmp_path / "none")] == ()
    assert told[str(tmp_path / "file")][1] == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_name_that_no_directory_lists_answers_all_the_same(host: ssh.Ssh, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = list(host.present((str(tmp_path / "file"), str(tmp_path / "none"))))
    assert told == [(str(tmp_path / "file"), (tmp_path / "file").stat().st_ino, (tmp_path / "file").stat().st_ctime_ns)]


def test_what_is_there_comes_with_the_content_and_is_asked_anew_later(host: ssh.Ssh, tmp_path: Path) -> None:
    paths = (str(tmp_path / "file"), str(tmp_path / "none"))
    (tmp_path / "file").write_bytes(b"abc")
    dict(host.content(paths))
    there = (tmp_path / "file").stat()
    (tmp_path / "file").unlink()
    assert list(host.present(paths)) == [(paths[0], there.st_ino, there.st_ctime_ns)]
    assert list(host.present(paths)) == []


@pytest.mark.parametrize("path", [b"/etc/other", b"/etc/x"], ids=["what nobody asked for", "a path twice"])
def test_a_host_that_makes_up_what_is_there_has_lied(path: bytes, deadline: Deadline) -> None:
    look = frames.pack(b"P", 1, [b"/etc/x", b"1", b"1"]) + frames.pack(b"P", 1, [path, b"1", b"1"])
    with pytest.raises(HostError) as caught:
        list(conversation(look + frames.pack(b"E", 1, [b"2"]), deadline).content(("/etc/x",)))
    assert caught.value.state is State.LIED


def test_nothing_is_left_when_the_client_goes(deadline: Deadline, tmp_path: Path) -> None:
    for at in range(20):
        os.truncate(_touched(tmp_path / f"endless{at}"), 1 << 38)
    link = ShellLink()
    session = Session(link, deadline, "none")
    link.pipes[0].send(frames.pack(b"s", 1, [marshal.dumps(request(tmp_path), 2), b""]))
    process = psutil.Process(link.pipes[0].process.pid)
    while len(process.children(recursive=True)) < 2:
        pass
    below = process.children(recursive=True)
    session.close()
    _gone, alive = psutil.wait_procs([process, *below], timeout=30)
    assert not alive


def _touched(path: Path) -> Path:
    path.touch()
    return path


def test_a_login_shell_may_be_noisy(deadline: Deadline, tmp_path: Path) -> None:
    noisy = tmp_path / "noise"
    noisy.write_text("echo Welcome; echo '\x1b[2J'; echo more >&2\n")
    session = Session(ShellLink(ENV=str(noisy)), deadline, "none")
    assert session.greeting.uid == os.getuid()
    session.close()


def test_a_host_without_python_says_so(deadline: Deadline) -> None:
    def said(host: Script) -> Iterator[bytes]:
        yield b"hello\n" + host.nonce.encode() + b"s\n"
        yield host.nonce.encode() + b"n\n"

    with pytest.raises(NoPythonError):
        Session(Script(said), deadline, "none")


OLD = [(name, path) for name in ("3.6", "3.7", "3.8", "3.13") if (path := shutil.which(f"python{name}"))]


@pytest.mark.parametrize(("version", "path"), OLD)
def test_other_pythons_get_the_text(version: str, path: str, deadline: Deadline, tmp_path: Path) -> None:
    if subprocess.run([path, "-c", ""], check=False, capture_output=True).returncode:
        pytest.skip(f"python{version} does not run")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3").symlink_to(path)
    (tmp_path / "tree").mkdir()
    fill(tmp_path / "tree", 5)
    link = ShellLink()
    link.environment["PATH"] = f"{tmp_path}/bin:{os.environ['PATH']}"
    made = ssh.Ssh("there", link, Session(link, deadline, "none"), deadline)
    assert text(made, tmp_path / "tree") == seen(tmp_path / "tree", digests=["sha256"])[0]
    made.close()


def refused(
    said: Callable[[Script], Iterator[bytes]], deadline: Deadline, complaint: str = "", become: str = "none"
) -> HostError:
    """The error that a host leads to."""
    with pytest.raises(HostError) as caught:
        Session(Script(said, complaint), deadline, become)
    return caught.value


def test_an_account_without_a_shell(deadline: Deadline) -> None:
    error = refused(lambda _: iter([b"This account is currently not available.\n"]), deadline)
    assert error.state is State.NO_SHELL
    assert "This account is currently not available" in str(error)


def test_sudo_that_wants_a_password(deadline: Deadline) -> None:
    def said(host: Script) -> Iterator[bytes]:
        yield host.nonce.encode() + b"s\n"

    error = refused(said, deadline, "sudo: a password is required\n", "sudo")
    assert error.state is State.SUDO_REFUSED
    assert "a password is required" in str(error)
    assert "become" in error.hint


@pytest.mark.parametrize(
    "complaint", ["sh: 4: exec: sudo: not found", "nice: 'sudo': No such file", "nice: \u2018sudo\u2019: No such file"]
)
def test_a_sudo_that_is_not_there(complaint: str, deadline: Deadline) -> None:
    error = refused(lambda host: iter([host.nonce.encode() + b"s\n"]), deadline, f"{complaint}\n", "sudo")
    assert error.state is State.SUDO_REFUSED


@pytest.mark.parametrize("who", ["0 nan root", "0 inf root", "0 1e400 root", "-1 5 root", "0 5", "x 5 root"])
def test_a_greeting_that_is_none(who: str, deadline: Deadline) -> None:
    def said(host: Script) -> Iterator[bytes]:
        nonce = host.nonce.encode()
        yield nonce + b"s\n" + nonce + b"p 00\n" + nonce + b"r " + who.encode() + b" 3.11.2 Linux 6.1.0 x86_64\n"

    assert refused(said, deadline).state is State.LIED


def test_a_shell_that_never_stops_talking(deadline: Deadline) -> None:
    def said(_: Script) -> Iterator[bytes]:
        while True:
            yield b"welcome\n" * 1000

    assert refused(said, deadline).state is State.NO_SHELL


def test_a_shell_that_says_nothing_until_our_time_is_over_is_a_timeout() -> None:
    deadline = Deadline(0.2)

    def said(host: Script) -> Iterator[bytes]:
        while not host.closed:
            time.sleep(0.01)
        yield b""

    assert refused(said, deadline).state is State.TIMEOUT
    deadline.cancel()


def test_a_line_that_never_ends(deadline: Deadline) -> None:
    def said(_: Script) -> Iterator[bytes]:
        while True:
            yield b"w" * 60000

    assert refused(said, deadline).state is State.NO_SHELL


def test_a_shell_that_only_echoes_is_none(deadline: Deadline) -> None:
    def said(host: Script) -> Iterator[bytes]:
        yield host.sent

    assert refused(said, deadline).state is State.NO_SHELL


def conversation(answers: bytes, deadline: Deadline) -> ssh.Ssh:
    """A host that greets as it should and then says just these bytes."""

    def said(host: Script) -> Iterator[bytes]:
        nonce = host.nonce.encode()
        yield nonce + b"s\n"
        yield nonce + b"p " + archive.MAGIC.encode() + b"\n"
        yield b"\n" + nonce + b"r 0 1795535780.6 root 3.11.2 Linux 6.1.0 x86_64\n"
        yield from (answers[at : at + 65536] for at in range(0, len(answers), 65536))

    script = Script(said)
    return ssh.Ssh("there", script, Session(script, deadline, "none"), deadline)


BLOCK = b"/etc\nd 755 0 0 root root ? ? ? ? ? ? - - - 254:0 .\n"
END = frames.pack(b"E", 1, [b"1"])
LONG = zlib.compress(b"\0\0\1\0x")
LIES = {
    "another question": frames.pack(b"B", 2, [BLOCK]) + frames.pack(b"E", 2, [b"1"]),
    "not as many frames as it says": frames.pack(b"B", 1, [BLOCK]) + frames.pack(b"E", 1, [b"2"]),
    "no frame": b"hello, I am a host" * 10,
    "a frame of 4 GiB": frames.HEAD.pack(b"B", 1, 0xFFFFFFFF, 0xFFFFFFFF),
    "a bomb": frames.HEAD.pack(b"B", 1, len(zlib.compress(bytes(1 << 24))), 50) + zlib.compress(bytes(1 << 24)),
    "not zlib": frames.HEAD.pack(b"B", 1, 4, 4) + b"abcd",
    "a field longer than its frame": frames.HEAD.pack(b"B", 1, len(zlib.compress(b"\0\0\1\0x")), 5)
    + zlib.compress(b"\0\0\1\0x"),
    "no block": frames.pack(b"B", 1, [b"hello\n"]) + END,
    "a name that leads out": frames.pack(b"B", 1, [BLOCK.replace(b"d 755", b"f 644").replace(b" .\n", b" ../x\n")]) + END,
    "an escape code": frames.pack(b"B", 1, [BLOCK.replace(b"/etc", b"/e\x1b[2Jtc")]) + END,
    "a path twice": frames.pack(b"B", 1, [BLOCK, BLOCK]) + END,
    "paths out of order": frames.pack(b"B", 1, [BLOCK, BLOCK.replace(b"/etc", b"/bin")]) + END,
    "a known block of a host without a baseline": frames.pack(b"K", 1, [b"0", b"1"]) + END,
    "a number that is none": frames.pack(b"S", 1, [b"1", b"-5"]) + END,
    "a kind that is no answer": frames.pack(b"I", 1, [b"0", b"/etc/passwd", b"1", b""]) + END,
    "a part missing": frames.pack(b"G", 1, [b"/etc"]) + END,
}


@pytest.mark.parametrize("lie", LIES)
def test_a_host_that_contradicts_the_protocol_has_lied(lie: str, deadline: Deadline) -> None:
    host = conversation(LIES[lie], deadline)
    with pytest.raises(HostError) as caught:
        list(host.scan({"watches": []}))
    assert caught.value.state is State.LIED
    assert caught.value.hint


PASSWD = Need(Means.FILE, "/etc/passwd", optional=False)
SHORT = {
    "no mounts": [(b"I", [b"0", b"/etc/passwd", b"1", b"root:x:0:0::/:/bin/sh"])],
    "nothing of what must be there": [(b"M", [b"1 0 8:1 / / rw - ext4 x rw"])],
    "nothing at all": [],
    "a file twice": [(b"I", [b"0", b"/etc/passwd", b"1", b""])] * 2 + [(b"M", [b""])],
    "more than a file may be": [(b"I", [b"0", b"/etc/passwd", b"1", bytes(inside.LIMIT + 1)]), (b"M", [b""])],
}


@pytest.mark.parametrize("lie", SHORT)
def test_a_host_that_leaves_out_what_it_was_asked_for_has_lied(lie: str, deadline: Deadline) -> None:
    told = SHORT[lie]
    answer = b"".join(frames.pack(kind, 1, fields) for kind, fields in told) + frames.pack(b"E", 1, [b"%d" % len(told)])
    with pytest.raises(HostError) as caught:
        list(conversation(answer, deadline).take((PASSWD,)))
    assert caught.value.state is State.LIED


DATABASE = Need(Means.FILE, "/var/lib/rpm/rpmdb.sqlite", long=True)
TOO_LONG = {
    "more than a piece": [bytes(take.PIECE + 1)],
    "more pieces than there can be": [b""] * (take.LONGEST // take.PIECE + 3),
}


@pytest.mark.parametrize("lie", TOO_LONG)
def test_a_host_whose_long_file_is_longer_than_it_may_be_has_lied(lie: str, deadline: Deadline) -> None:
    told = [(b"I", [b"0", DATABASE.what.encode(), b"1", piece]) for piece in TOO_LONG[lie]] + [(b"M", [b""])]
    answer = b"".join(frames.pack(kind, 1, fields) for kind, fields in told) + frames.pack(b"E", 1, [b"%d" % len(told)])
    with pytest.raises(HostError) as caught:
        list(conversation(answer, deadline).take((DATABASE,)))
    assert caught.value.state is State.LIED


@pytest.mark.parametrize("told", [[], [(b"I", [b"0", b"/proc/9/environ", b"1", b""])]], ids=["nothing", "an empty process"])
def test_a_host_that_says_nothing_of_its_processes_has_lied(told: list[tuple[bytes, list[bytes]]], deadline: Deadline) -> None:
    told = [*told, (b"M", [b""])]
    answer = b"".join(frames.pack(kind, 1, fields) for kind, fields in told) + frames.pack(b"E", 1, [b"%d" % len(told)])
    with pytest.raises(HostError) as caught:
        list(conversation(answer, deadline).take((Need(Means.FILE, ssh.LINEAGE),)))
    assert caught.value.state is State.LIED


def test_gaps_without_number_are_one_gap(deadline: Deadline) -> None:
    many = frames.pack(b"G", 1, [b"/x", b"no"]) * (ssh.MOST_GAPS + 10)
    host = conversation(many + frames.pack(b"E", 1, [b"%d" % (ssh.MOST_GAPS + 10)]), deadline)
    *_gaps, last = host.scan({"watches": []})
    assert last[0] == "gap"
    assert "more than" in last[2]


def test_an_answer_cut_in_the_middle_is_a_broken_link_and_no_lie(deadline: Deadline) -> None:
    host = conversation(frames.pack(b"B", 1, [BLOCK]), deadline)
    told = host.scan({"watches": []})
    assert next(told)[0] == "blocks"
    with pytest.raises(HostError) as caught:
        next(told)
    assert caught.value.state is State.UNREACHABLE


def test_an_answer_that_its_own_time_has_ended_is_a_timeout() -> None:
    deadline = Deadline(60)
    host = conversation(frames.pack(b"B", 1, [BLOCK]), deadline)
    told = host.scan({"watches": []})
    assert next(told)[0] == "blocks"
    deadline.end = 0.0
    with pytest.raises(HostError) as caught:
        next(told)
    assert caught.value.state is State.TIMEOUT
    deadline.cancel()


def test_a_probe_that_fails_says_how(deadline: Deadline) -> None:
    host = conversation(frames.pack(b"X", 1, [b"OSError: \x1b[2J"]) + END, deadline)
    with pytest.raises(HostError) as caught:
        list(host.scan({"watches": []}))
    assert caught.value.state is State.PARTIAL
    assert "\\x1b[2J" in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 400))
def test_no_bytes_break_who_reads_them(noise: bytes, at: int) -> None:
    whole = frames.pack(b"B", 1, [BLOCK]) + frames.pack(b"G", 1, [b"/x", b"why"]) + frames.pack(b"E", 1, [b"2"])
    made = Deadline(60)
    host = conversation(whole[:at] + noise + whole[at + len(noise) :], made)
    try:
        told = list(host.scan({"watches": []}))
    except HostError:
        told = []
    finally:
        made.cancel()
    assert all(one[0] in ("blocks", "gap", "seen") for one in told)


def test_frames_are_read_as_they_are_packed() -> None:
    data = frames.pack(b"B", 7, [b"", b"x" * 100000, b"\0"])
    assert struct.calcsize(">cIII") == frames.HEAD.size
    held = bytearray(data)

    def exactly(length: int) -> bytes:
        piece = bytes(held[:length])
        del held[:length]
        return piece

    assert frames.read(exactly) == (b"B", 7, [b"", b"x" * 100000, b"\0"])
    assert not held


def test_every_module_of_the_probe_is_sent() -> None:
    there = {path.stem for path in (Path(archive.__file__).parent.parent / "probe").glob("*.py")}
    sent = {name.rpartition(".")[2] for name in archive.texts()}
    assert there - {"__init__"} <= sent
    assert there >= archive.LATER


def test_no_module_of_a_scan_wants_one_that_comes_later() -> None:
    """Other than inside of a function, for what is asked then: they are loaded where they are not sent."""
    for name, (_package, text) in archive.texts().items():
        if name.rpartition(".")[2] not in archive.LATER:
            begun = [line for line in text.splitlines() if re.match(r"(from \.\w* )?import ", line)]
            assert not archive.LATER & set(re.findall(r"\w+", " ".join(begun))), name
