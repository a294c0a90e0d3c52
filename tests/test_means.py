"""What is no file and taken all the same: ways to paths, what programs write, who listens; of the real thing each time."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.answers import Listening, Process, Ran, Step, process, ran, way
from auditkit.hosts import taken_below
from auditkit.hosts.root import Root
from auditkit.model import Gap, Item, Means, Need
from auditkit.probe import commands, listeners, procfs

ALL = Need(Means.LISTENERS, "all")
ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def taken(root: Path, means: Means, *what: str, optional: bool = True) -> list[Item | Gap]:
    return list(taken_below(os.fsencode(root), tuple(Need(means, each, optional=optional) for each in what)))


# ways to paths


def ways(root: Path, *what: str, optional: bool = True) -> dict[str, object]:
    """By what was asked for, the paths of its way with their permissions, or why it is not known."""
    found: dict[str, object] = {}
    for told in taken(root, Means.STATUS, *what, optional=optional):
        if isinstance(told, Gap):
            found[told.subject] = told.reason
            continue
        steps = way(told)
        assert isinstance(steps, tuple), steps
        found[told.source] = [f"{step.mode & 0o7777:o} {step.path}" for step in steps]
    return found


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A disk with a directory beside it that is not on it."""
    for name, mode in (("disk", 0o755), ("disk/etc", 0o755), ("disk/etc/ssh", 0o775), ("outside", 0o777)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(mode)
    for name in ("disk/etc/ssh/keys", "outside/keys"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o600)
    return tmp_path / "disk"


KEYS = ["600 /etc/ssh/keys", "775 /etc/ssh", "755 /etc", "755 /"]


def test_a_way_has_the_path_and_all_above_it(disk: Path) -> None:
    assert ways(disk, "/etc/ssh/keys", "/", "/etc/s*") == {
        "/etc/ssh/keys": KEYS,
        "/": ["755 /"],
        "/etc/ssh": KEYS[1:],
    }


def test_a_node_of_any_kind_has_its_owner_and_type(disk: Path) -> None:
    os.mkfifo(disk / "etc/pipe", 0o640)
    (told,) = taken(disk, Means.STATUS, "/etc/pipe")
    assert isinstance(told, Item)
    steps = way(told)
    assert isinstance(steps, tuple)
    assert steps[0] == Step("/etc/pipe", 0o10640, os.getuid(), (disk / "etc/pipe").stat().st_gid)


@pytest.mark.parametrize("target", ["/etc/ssh/keys", "../etc/ssh/keys", "../../../../etc/ssh/keys", "/../../etc/ssh/keys"])
def test_a_way_is_that_of_the_target_and_stays_inside(disk: Path, target: str) -> None:
    (disk / "etc/link").symlink_to(target)
    assert ways(disk, "/etc/link") == {"/etc/link": KEYS}


def test_no_way_leads_out_of_a_disk(disk: Path) -> None:
    outside = disk.parent / "outside"
    (disk / "etc/link").symlink_to(outside / "keys")
    (disk / "home").symlink_to(outside)
    (disk / "up").symlink_to("../outside")
    assert ways(disk, "/etc/link", "/home/keys", "/up/keys", "/up", "/../outside/keys") == {}


def test_what_is_not_there_is_a_gap_only_where_it_must_be(disk: Path) -> None:
    (disk / "etc/dangling").symlink_to("nowhere")
    (disk / "etc/loop").symlink_to("loop")
    assert ways(disk, "/etc/none", "/etc/none*", "/etc/dangling", "/etc/ssh/keys/below") == {}
    assert ways(disk, "/etc/none", optional=False) == {"/etc/none": "no such file or directory"}
    assert ways(disk, "/etc/loop") == {"/etc/loop": "too many levels of symbolic links"}


def test_a_name_of_any_bytes_has_a_way(disk: Path) -> None:
    name = os.fsdecode(b"a\nb \xff'")
    (disk / name).mkdir(mode=0o700)
    (disk / name / "0 0 0 ").touch(mode=0o600)
    assert ways(disk, f"/{name}/*") == {f"/{name}/0 0 0 ": [f"600 /{name}/0 0 0 ", f"700 /{name}", "755 /"]}


def test_a_way_is_told_in_every_home(disk: Path) -> None:
    (disk / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nanna:x:1:1::/home/anna:/bin/sh\n")
    (disk / "home/anna/.ssh").mkdir(parents=True, mode=0o755)
    (disk / "home/anna/.ssh").chmod(0o777)
    assert ways(disk, "~/.ssh") == {"/home/anna/.ssh": ["777 /home/anna/.ssh", "755 /home/anna", "755 /home", "755 /"]}


def test_a_disk_runs_nothing(disk: Path) -> None:
    shutil.copy(sys.executable, disk / "program")
    needs = tuple(
        Need(means, what) for means, what in ((Means.COMMAND, "/program"), (Means.LISTENERS, "all"), (Means.BANNER, "ssh"))
    )
    made = Root("root:/disk", str(disk))
    assert [made.gives(need) for need in needs] == [False, False, False]
    assert list(made.take(needs)) == []
    must = Need(Means.COMMAND, "/program", optional=False)
    assert list(made.take((must,))) == [Gap("/program", "a mounted disk gives no command: nothing on it runs")]


# what programs write


def run(*what: str, optional: bool = True) -> list[Ran | str]:
    """What each command comes to, or why it did not run, in the order of the commands."""
    told: dict[str, Ran | str] = {}
    for one in taken(Path("/"), Means.COMMAND, *what, optional=optional):
        if isinstance(one, Gap):
            told[one.subject] = one.reason
        else:
            came = ran(one)
            told[one.source] = came.reason if isinstance(came, Gap) else came
    return [told[each] for each in what if each in told]


@pytest.fixture
def program() -> Iterator[Path]:
    """The place of a program that only who runs the tests can change, as those above a test's own folder may not be."""
    folder = Path("/usr/local/lib" if os.geteuid() == 0 else os.path.expanduser("~")) / f"auditkit-test-{os.getpid()}"
    folder.mkdir(mode=0o755)
    yield folder / "program"
    shutil.rmtree(folder)


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_a_program_is_run_without_a_shell_and_with_nothing_of_ours(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    told = script(program, 'printf "%s|" "$@" "$PWD" "$SECRET" "$PATH" "$LC_ALL"; cat; printf "a\\0b"; echo no >&2; exit 3')
    (came,) = run(f"{told} $HOME * ;ls -C user=a,addr=::1")
    words = b"$HOME|*|;ls|-C|user=a,addr=::1|/||/usr/sbin:/usr/bin:/sbin:/bin|C|"
    assert came == Ran(3, words + "a\ufffdb".encode(), b"no\n")


def test_what_takes_too_long_is_ended_with_all_it_has_started(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "SECONDS", 0.3)
    told = script(program, f"echo begun; sleep 987 & echo $! >{program}.pid; exec sleep 987")
    assert run(told) == [Ran(None, b"begun\n", b"")]
    assert ended(Path(f"{program}.pid"))


def test_what_is_left_when_a_program_has_ended_is_ended(program: Path) -> None:
    told = script(program, f"sleep 987 & echo $! >{program}.pid; echo done")
    assert run(told) == [Ran(0, b"done\n", b"")]
    assert ended(Path(f"{program}.pid"))


def ended(told: Path) -> bool:
    """Whether the process is gone, or waits to be buried; a signal needs its moment."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(int(told.read_text()))
        for _ in range(1000):
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
            time.sleep(0.01)
        return False
    return True


@pytest.mark.parametrize("where", ["", " >&2"])
def test_what_never_stops_talking_is_ended(program: Path, where: str) -> None:
    (came,) = run(script(program, f"exec yes{where}"))
    assert isinstance(came, Ran)
    assert came.status is None
    assert sorted(map(len, (came.out, came.complaints))) == [0, commands.LIMIT]


def test_no_secret_is_in_what_a_program_says(program: Path) -> None:
    """sshd says every word of a file that it is given as its configuration, be it a table of passwords or a private key."""
    hashed = "$6$saltsalt$" + "SECRET" * 14 + "ab"
    said = "\n".join(
        (
            f'/etc/ssh/x line 1: no argument after keyword "root:{hashed}:20228:0:99999:7:::"',
            '/etc/ssh/x line 2: no argument after keyword "old:SECRETSECRET1:20228:0:99999:7:::"',
            "/etc/ssh/x: line 3: Bad configuration option: " + "SECRET" * 11,
            "debug3: /etc/ssh/x:4 setting " + "SECRET" * 11 + " more SECRET",
            "debug3: /etc/ssh/x:5 setting Ciphers aes256-ctr",
            "/etc/ssh/x: line 6: Bad configuration option: PermitRootLogn",
            "debug1: private host key #0: ssh-ed25519 SHA256:" + "a" * 43,
        )
    )
    (tmp := program.parent / "said").write_text(said)
    (came,) = run(script(program, f"cat {tmp} >&2; echo 'versionaddendum {hashed}'"))
    assert isinstance(came, Ran)
    assert came.out == b"versionaddendum <hash>\n"
    assert came.complaints.decode().split("\n") == [
        '/etc/ssh/x line 1: no argument after keyword "<other>"',
        '/etc/ssh/x line 2: no argument after keyword "<other>"',
        "/etc/ssh/x: line 3: Bad configuration option: <other>",
        "debug3: /etc/ssh/x:4 setting <other>",
        *said.split("\n")[4:],
    ]


def test_how_a_program_ended_is_told(program: Path) -> None:
    assert run(script(program, "kill -TERM $$")) == [Ran(128 + 15, b"", b"")]


def test_many_commands_run_beside_each_other_and_each_answer_is_its_own(program: Path) -> None:
    told = script(program, "echo $1")
    asked = [f"{told} {number}" for number in range(20)]
    assert run(*asked) == [Ran(0, b"%d\n" % number, b"") for number in range(20)]


def test_a_program_that_is_not_there_is_nothing_unless_it_must_be(program: Path) -> None:
    assert run("/nowhere/at/all -T", f"{program}") == []
    assert run("/nowhere/at/all -T", optional=False) == ["no such file or directory"]


@pytest.mark.parametrize("what", ["sshd -T", "", " /bin/sh", "/bin/sh  -c", "/bin/sh ", "/", "//"])
def test_what_names_no_program_is_not_run(what: str) -> None:
    assert run(what) == [commands.MALFORMED]


def test_what_is_no_program_is_not_run(program: Path) -> None:
    program.write_text("x")
    assert run("/etc", str(program), "/..") == ["permission denied", "permission denied", "permission denied"]


def test_what_others_could_have_put_there_is_not_run(program: Path, tmp_path: Path) -> None:
    """Whoever asks may be root, and the path may come from a host's own list of processes."""
    told = script(program, "echo harm")
    assert run("/tmp/program") == []
    program.chmod(0o757)
    assert run(told) == [f"not run, for others than root may change {told}"]
    program.chmod(0o755)
    program.parent.chmod(0o777)
    assert run(told) == [f"not run, for others than root may change {program.parent}"]
    program.parent.chmod(0o755)
    (program.parent / "link").symlink_to(tmp_path / "real")
    script(tmp_path / "real", "echo harm")
    tmp_path.chmod(0o777)
    assert run(f"{program.parent}/link") == [f"not run, for others than root may change {tmp_path}"]


@ROOT
def test_what_belongs_to_another_is_not_run(program: Path) -> None:
    told = script(program, "echo harm")
    os.chown(program, 1000, 0)
    assert run(told) == [f"not run, for others than root may change {told}"]


def test_commands_that_leave_no_time_for_others_are_told(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "LONGEST", -1)
    assert run(script(program, "echo")) == [commands.TOO_LATE]


# who listens


def processes() -> dict[str, Process]:
    """By their source all that is told."""
    told = [one for one in taken_below(b"/", (ALL,)) if isinstance(one, Item)]
    found = {one.source: process(one) for one in told}
    assert len(found) == len(told)
    return {source: one for source, one in found.items() if isinstance(one, Process)}


@pytest.fixture
def sockets() -> Iterator[list[socket.socket]]:
    """Sockets that listen on any free port."""
    made = [socket.create_server(("127.0.0.1", 0)), socket.create_server(("::1", 0), family=socket.AF_INET6)]
    made.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    made[-1].bind(("0.0.0.0", 0))
    yield made
    for each in made:
        each.close()


def test_whoever_listens_is_found_with_all_that_is_known_of_him(sockets: list[socket.socket]) -> None:
    own = processes()[f"/proc/{os.getpid()}"]
    places = {
        Listening(protocol, *each.getsockname()[:2]) for protocol, each in zip(("tcp", "tcp", "udp"), sockets, strict=True)
    }
    assert places <= set(own.listens)
    assert (own.pid, own.parent, own.uid) == (os.getpid(), os.getppid(), os.geteuid())
    assert own.program == os.path.realpath("/proc/self/exe")
    assert own.arguments == tuple(Path("/proc/self/cmdline").read_text().rstrip("\0").split("\0"))
    assert own.unit in Path("/proc/self/cgroup").read_text()
    assert own.started is not None
    assert 0 <= time.time() - own.started < 24 * 3600


def test_whoever_is_only_connected_does_not_listen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        listens = processes()[f"/proc/{os.getpid()}"].listens
        ends = [Listening("tcp", *each.getsockname()) in listens for each in (server, client)]
    assert ends == [True, False]


LISTENS = """
import os, socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


def test_a_program_that_is_gone_and_odd_arguments_are_told(tmp_path: Path) -> None:
    copy = tmp_path / "py\nthon \udcff"
    shutil.copy(os.path.realpath(sys.executable), copy)
    home = {"PYTHONHOME": sys.base_prefix}
    words: list[str | bytes] = [os.fsencode(copy), "-S", "-c", LISTENS, "a\nb", b"\xff", b""]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=home) as child:
        assert child.stdin
        assert child.stdout
        port = int(child.stdout.readline())
        copy.unlink()
        told = processes()[f"/proc/{child.pid}"]
        child.stdin.close()
    assert told.program == f"{copy} (deleted)"
    assert told.arguments == (str(copy), "-S", "-c", LISTENS, "a\nb", "\udcff")
    assert told.listens == (Listening("tcp", "127.0.0.1", port),)


@ROOT
def test_who_may_not_look_is_told_of_sockets_without_their_owners(sockets: list[socket.socket]) -> None:
    code = """
import json, os
from auditkit.hosts import taken_below
from auditkit.probe import commands, listeners, status  # whose files that user may not be able to read
from auditkit.model import Means, Need
os.setgroups([]), os.setgid(65534), os.setuid(65534)
for one in taken_below(b"/", (Need(Means.LISTENERS, "all"),)):
    print(one.source, one.data.decode())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("/proc/net ")]
    told = process(Item(ALL, "/proc/net", line.partition(" ")[2].encode(), datetime(2026, 11, 24, tzinfo=UTC), ""))
    assert isinstance(told, Process)
    assert (told.pid, told.program, told.arguments) == (None, "", ())
    assert Listening("tcp", *sockets[0].getsockname()) in told.listens


def server(folder: Path, *before: str) -> subprocess.Popen[bytes]:
    """A program that is called sshd and listens on nothing; it has begun when this returns."""
    folder.mkdir()
    shutil.copy(os.path.realpath(sys.executable), folder / "sshd")
    code = "import sys; print(flush=True); sys.stdin.read()"
    words = [*before, str(folder / "sshd"), "-S", "-c", code]
    made = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PYTHONHOME": sys.base_prefix})
    assert made.stdout
    made.stdout.readline()
    return made


def test_a_server_is_told_of_though_it_listens_on_nothing(tmp_path: Path) -> None:
    with server(tmp_path / "bin") as child:
        told = processes()[f"/proc/{child.pid}"]
        child.kill()
    assert (told.program, told.listens) == (str(tmp_path / "bin/sshd"), ())


@ROOT
def test_other_networks_are_of_other_machines(tmp_path: Path) -> None:
    unshare = shutil.which("unshare")
    if not unshare or subprocess.run([unshare, "--net", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no network namespaces here")
    with server(tmp_path / "bin", unshare, "--net") as child:
        told = processes()
        child.kill()
    assert f"/proc/{child.pid}" not in told


TABLE = b"""\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0000000000000000 100 0 0 10 0
   1: 0100007F:C350 0100007F:0016 01 00000000:00000000 00:00000000 00000000     0        0 12 1 0000000000000000 20 4 30 10 -1
   2: 00000000000000000000000001000000:0016 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 13 1
   3: nonsense:0016 00000000:0000 0A 0:0 0:0 0 0 0 14 1
   4: 0100007F:x 00000000:0000 0A 0:0 0:0 0 0 0 15
"""


def test_a_table_of_sockets_is_read() -> None:
    found: listeners.Sockets = {}
    listeners.add(found, TABLE, "tcp", "little")
    assert found == {11: {("tcp", "127.0.0.1", 22)}, 13: {("tcp", "::1", 22)}}
    listeners.add(found, TABLE.replace(b"0100007F", b"7F000002"), "tcp", "big")
    assert found[11] == {("tcp", "127.0.0.1", 22), ("tcp", "127.0.0.2", 22)}


@given(st.lists(st.sampled_from([b"0A", b" ", b"\n", b"0:", b"0100007F", b"0016", b"9" * 30, b"x", b"(", b")"])).map(b"".join))
def test_no_bytes_of_proc_break_who_reads_them(data: bytes) -> None:
    found: listeners.Sockets = {}
    listeners.add(found, b"\n" + data, "tcp", "little")
    assert all(0 <= port < 65536 for places in found.values() for _protocol, _address, port in places)
    with suppress(ValueError, IndexError):
        procfs.parsed(data)
    assert b"\0" not in b"".join(procfs.split(data))
    procfs.unit(data)
    procfs.inode_of(data)


def proc(pid: int, parent: int, program: str, *inodes: int) -> listeners.Process:
    name = program.rpartition("/")[2].encode()[:15]
    return listeners.Process(pid, (name, parent, 0), program.encode(), set(inodes))


def chosen(told: list[listeners.Process], arguments: dict[int, bytes], table: dict[int, int]) -> list[int]:
    """Whose processes are told of, where sockets of these inodes listen on these ports."""
    sockets: listeners.Sockets = {inode: {("tcp", "::", port)} for inode, port in table.items()}
    return [one.pid for one, _places in listeners.chosen(told, sockets, sockets, lambda pid: arguments.get(pid, b""))]


def test_what_a_server_starts_for_each_connection_is_not_told_of() -> None:
    told = [
        proc(1, 0, "/lib/systemd/systemd"),
        proc(10, 1, "/usr/sbin/sshd", 7),
        proc(11, 10, "/usr/sbin/sshd"),
        proc(12, 11, "/usr/sbin/sshd"),
        proc(13, 11, "/usr/sbin/sshd", 8),
        proc(14, 11, "/usr/sbin/sshd"),
        proc(20, 1, "/usr/sbin/dropbear", 9),
        proc(21, 20, "/usr/sbin/dropbear"),
        proc(30, 1, "/usr/sbin/sshd"),
        proc(31, 12, "/bin/bash", 99),
    ]
    arguments = {
        11: b"sshd: anna [priv]\0\0",
        12: b"sshd: anna@pts/0\0",
        13: b"sshd: anna@pts/1\0",
        14: b"/usr/sbin/sshd\0-D\0-p\0002222\0",
        20: b"dropbear\0-F\0",
        21: b"dropbear\0-F\0",
        30: b"/usr/sbin/sshd\0-i\0",
    }
    table = {7: 22, 8: 6010, 9: 23}
    assert chosen(told, arguments, table) == [10, 13, 14, 20, 30]
    assert chosen(told, {}, table) == [10, 11, 12, 13, 14, 20, 21, 30], "whose arguments cannot be seen is told of"


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        (b"0::/system.slice/ssh.service\n", b"/system.slice/ssh.service"),
        (b"12:pids:/x\n1:name=systemd:/system.slice/ssh.service\n0::/\n", b"/system.slice/ssh.service"),
        (b"0::/a:b\n", b"/a:b"),
        (b"1:cpu:/x\n", b""),
        (b"", b""),
    ],
)
def test_the_group_that_names_the_unit_is_told(cgroup: bytes, unit: bytes) -> None:
    assert procfs.unit(cgroup) == unit
