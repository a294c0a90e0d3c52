"""Hosts without Python, asked through their shell: the Python probe on the same tree is the oracle, GNU and busybox the hosts.

The busybox host is a directory with nothing but busybox in it, as the root of a mount namespace of its own.
"""

import bz2
import gzip
import hashlib
import lzma
import os
import random
import re
import shutil
import socket
import subprocess
import time
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import ClassVar

import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from hypothesis import given, settings
from hypothesis import strategies as st
from links import Script, ShellLink, ShellPipe

from auditkit import entries
from auditkit.errors import HostError
from auditkit.hosts import taken_below
from auditkit.model import Entry, Gap, Item, Kind, Means, Need, State
from auditkit.probe import commands, inside, probe, take
from auditkit.ssh import Deadline, contents, fetch, pace, talk
from auditkit.ssh.shell import Shell, decide, sums_by_name
from auditkit.ssh.talk import Question, Talk, _scripts

BUSYBOX = "/bin/busybox"
HASH = "$6$saltsalt$" + "h" * 86
Watch = tuple[str, str, bool, bool]


class Hooked(ShellPipe):
    """A pipe that tells its link what is about to be asked, and remembers what was answered."""

    received = b""

    def __init__(self, link: "Link") -> None:
        super().__init__(link.program or "/bin/sh", link.environment)
        self.link = link

    def send(self, data: bytes) -> None:
        """Tell and send."""
        self.link.before(data)
        super().send(data)

    def receive(self, size: int) -> bytes:
        """Receive and remember."""
        data = super().receive(size)
        self.received += data
        return data


class Link(ShellLink):
    """A shell of this machine, perhaps behind a program that makes it another machine."""

    made: ClassVar[list["Link"]] = []

    def __init__(self, program: str = "", **environment: str) -> None:
        super().__init__(**environment)
        self.program = program
        Link.made.append(self)
        self.before: Callable[[bytes], None] = lambda _asked: None
        self.opened: list[Hooked] = []

    def run(self, command: str) -> Hooked:
        """Start it."""
        assert command == "/bin/sh"
        pipe = Hooked(self)
        self.opened.append(pipe)
        return pipe

    def close(self) -> None:
        """End what still runs."""
        for pipe in self.opened:
            pipe.close()


@dataclass
class Machine:
    """A host to ask, and where its root is on this machine."""

    shell: Shell
    link: Link
    root: Path
    gnu: bool

    def scan(self, watches: Iterable[Watch], digests: Iterable[str] = ("sha256",)) -> "Told":
        """What its shell tells."""
        return told(self.shell.scan(request(watches, digests)))

    def oracle(self, watches: Iterable[Watch], digests: Iterable[str] = ("sha256",)) -> "Told":
        """What the Python probe tells of the same, without what no shell can show."""
        seen = told(probe.scan({**request(watches, digests), "root": str(self.root)}))
        return Told([self.shown(one) for one in seen.entries], seen.gaps)

    def shown(self, one: Entry) -> Entry:
        """An entry as far as the tools there can show it."""
        one = replace(one, xattrs=None, flags=None)
        return one if self.gnu else replace(one, mtime_ns=whole(one.mtime_ns), ctime_ns=whole(one.ctime_ns), btime_ns=None)


def whole(time: int | None) -> int | None:
    """A time in ns without what is less than a second."""
    return None if time is None else time // 10**9 * 10**9


@dataclass
class Told:
    """A scan as entries in their order and gaps."""

    entries: list[Entry]
    gaps: set[tuple[str, str]]

    def of(self, path: str) -> Entry:
        """The entry of a path."""
        return next(one for one in self.entries if one.path == path)


def request(watches: Iterable[Watch], digests: Iterable[str]) -> dict[str, object]:
    return {"watches": [list(watch) for watch in watches], "digests": list(digests), "jobs": 1}


def told(seen: Iterable[tuple[object, ...]]) -> Told:
    found = Told([], set())
    for one in seen:
        match one:
            case ("blocks", list(blocks)):
                found.entries.extend(entry for block in blocks for _name, entry in entries.decode(block))
            case ("gap", str(path), str(why)):
                assert (path, why) not in found.gaps
                found.gaps.add((path, why))
    return found


@pytest.fixture
def deadline() -> Iterator[Deadline]:
    """Time enough, and a net under a test that hangs."""
    made = Deadline(90)
    yield made
    made.cancel()


@pytest.fixture(autouse=True)
def _hung_up() -> Iterator[None]:
    """No link outlives its test."""
    yield
    while Link.made:
        Link.made.pop().close()


@pytest.fixture
def gnu(deadline: Deadline) -> Machine:
    """This machine with its GNU tools."""
    if not shutil.which("stat") or b"GNU" not in subprocess.run(["stat", "--version"], capture_output=True, check=False).stdout:
        pytest.skip("needs the tools of GNU")
    link = Link()
    return Machine(Shell("gnu", link, deadline), link, Path("/"), gnu=True)


@pytest.fixture
def busybox(tmp_path: Path, deadline: Deadline) -> Machine:
    """A root with nothing but busybox in it."""
    link = Link(busybox_root(tmp_path))
    return Machine(Shell("busybox", link, deadline), link, tmp_path / "root", gnu=False)


def busybox_root(tmp_path: Path) -> str:
    """Make a root of busybox and a program that enters it."""
    if os.getuid() != 0:
        pytest.skip("needs root for chroot(2)")
    if not os.path.exists(BUSYBOX):
        pytest.skip("needs busybox-static")
    root = tmp_path / "root"
    for name in ("bin", "proc", "dev", "etc", "srv"):
        (root / name).mkdir(parents=True)
    shutil.copy(BUSYBOX, root / "bin/busybox")
    for name in subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split():
        if name != "busybox":
            (root / "bin" / name).symlink_to("busybox")
    (root / "dev/null").touch()
    (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\nanna:x:1000:1000::/:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\nstaff:x:50:\n")
    enter = tmp_path / "enter"
    enter.write_text(
        "#!/bin/sh\nexec unshare --mount /bin/sh -c '"
        f'mount -t proc proc "{root}/proc" && mount --bind /dev/null "{root}/dev/null" && exec chroot "{root}" /bin/sh'
        "'\n"
    )
    enter.chmod(0o755)
    if subprocess.run([enter], stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode:
        pytest.skip("needs a mount namespace, and a busybox without libraries")
    return str(enter)


@pytest.fixture(params=["gnu", "busybox"])
def machine(request: pytest.FixtureRequest) -> Machine:
    """Each kind of host."""
    made: Machine = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def tree(machine: Machine, tmp_path: Path) -> tuple[Path, str]:
    """A tree with all that a name and a node can be: where it is, and what the host calls it."""
    top = tmp_path / "root/srv/tree" if not machine.gnu else tmp_path / "tree"
    return plant(top), str(top) if machine.gnu else "/srv/tree"


def plant(top: Path) -> Path:
    (top / "sub/empty").mkdir(parents=True)
    for name in (
        b"-rf",
        b" ",
        b"a\nb",
        b"\xff\xfe",
        b"back\\slash",
        b"it's",
        b"a\rb",
        b"*",
        b"[x]",
        b"\x81\x88\x01",
        b"e\\nd",
        b"\\",
    ):
        (top / os.fsdecode(name)).write_bytes(b"content of " + name)
    (top / os.fsdecode(b"odd\n\xff/".rstrip(b"/"))).mkdir()
    (top / os.fsdecode(b"odd\n\xff") / "below").write_text("x")
    for number in range(250):
        (top / "sub" / f"f{number}").write_text("x" * number)
    (top / "link").symlink_to("sub")
    (top / "dangling").symlink_to(os.fsdecode(b"to\nno \xff'\n"))
    (top / "setuid").write_text("#!")
    (top / "setuid").chmod(0o4755)
    (top / "hard").hardlink_to(top / "setuid")
    os.utime(top / "setuid", ns=(0, -1_500_000_000))
    if os.getuid() == 0:
        os.chown(top / "hard", 1000, 50)
        os.chown(top / "it's", 54321, 54321)
        os.mknod(top / "null", 0o20666, os.makedev(1, 3))
    os.mkfifo(top / "fifo")
    with socket.socket(socket.AF_UNIX) as made:
        here = os.open(top, os.O_RDONLY)
        made.bind(f"/proc/self/fd/{here}/socket")
        os.close(here)
    return top


def test_a_shell_shows_what_the_probe_shows(machine: Machine, tree: tuple[Path, str]) -> None:
    watches = [(tree[1], "content", False, False)]
    seen, oracle = machine.scan(watches), machine.oracle(watches)
    assert seen.entries == oracle.entries
    assert len(seen.entries) > 270
    assert seen.gaps == oracle.gaps == set()


POLICIES: dict[str, list[Watch]] = {
    "a glob on the way": [("{}/*/f1*", "content", False, False)],
    "a glob of files": [("{}/[ab]*", "metadata", False, False), ("{}/sub/f?", "exists", False, False)],
    "any depth": [("{}/**/f2?", "content", False, False)],
    "what is ignored, and what in it is not": [
        ("{}/sub/f7", "content", False, False),
        ("{}/sub", "ignore", False, False),
        ("{}", "content", False, False),
    ],
    "ignored by a glob": [("{}/**/f*", "ignore", False, False), ("{}", "metadata", False, False)],
    "what is not there": [("{}/none/at/all", "content", False, False), ("{}/setuid/below", "content", False, False)],
    "a pattern behind a link": [("{}/link/f1", "content", False, False), ("{}/link/*", "content", False, False)],
    "logs": [("{}/sub/f1*", "growing", False, False), ("{}/sub", "rotated", False, False)],
    "names only": [("{}", "exists", False, False)],
    "a backslash": [
        ("{}/back\\slash", "content", False, False),
        ("{}/\\", "ignore", False, False),
        ("{}", "content", False, False),
    ],
}


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_a_policy_means_the_same(machine: Machine, tree: tuple[Path, str], policy: list[Watch]) -> None:
    watches = [(path.format(tree[1]), level, keep, cross) for path, level, keep, cross in policy]
    seen, oracle = machine.scan(watches), machine.oracle(watches)
    assert seen.entries == oracle.entries
    assert seen.gaps == oracle.gaps


@pytest.mark.parametrize("cross", [False, True])
def test_mounts_are_crossed_only_where_the_policy_says_so(gnu: Machine, cross: bool) -> None:
    watches = [("/dev", "exists", False, cross), ("/sys/kernel", "exists", False, False)][: 1 if cross else 2]
    seen, oracle = gnu.scan(watches[:1]), gnu.oracle(watches[:1])
    assert [one for one in seen.entries if "/pts/" not in one.path] == [
        one for one in oracle.entries if "/pts/" not in one.path
    ]
    assert seen.gaps == oracle.gaps


def test_what_nobody_may_read_is_a_gap(tmp_path: Path, deadline: Deadline) -> None:
    for name in ("open", "shut", "listed", "passed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
    (tmp_path / "closed file").write_text("x")
    (tmp_path / "closed file").chmod(0)
    for name, mode in (("shut", 0), ("listed", 0o744), ("passed", 0o711)):
        (tmp_path / name).chmod(mode)
    link = Link(as_nobody(tmp_path))
    machine = Machine(Shell("nobody", link, deadline), link, Path("/"), gnu=True)
    seen = machine.scan(
        [(f"{tmp_path}/passed/file", "content", False, False), (f"{tmp_path}/shut/file", "content", False, False)]
    )
    assert {path for path, _why in seen.gaps} == {f"{tmp_path}/shut"}
    assert seen.of(f"{tmp_path}/passed/file").digests == ("sha256:" + hashlib.sha256(b"x").hexdigest(),)
    seen = machine.scan([(str(tmp_path), "content", False, False)])
    denied = ("shut", "listed/file", "passed", "closed file")
    assert seen.gaps >= {(f"{tmp_path}/{name}", "permission denied") for name in denied}
    assert seen.of(f"{tmp_path}/closed file").digests is None
    assert seen.of(f"{tmp_path}/open/file").digests


def as_nobody(tmp_path: Path) -> str:
    """A program that is a shell without privilege."""
    if os.getuid() != 0:
        return ""
    for above in (tmp_path, *tmp_path.parents):
        if not above.stat().st_mode & 0o001:
            above.chmod(0o755)
    program = tmp_path.parent / "nobody"
    program.write_text("#!/bin/sh\nexec setpriv --reuid 65534 --regid 65534 --clear-groups /bin/sh\n")
    program.chmod(0o755)
    return str(program)


def test_what_goes_while_it_is_looked_at_takes_no_digest_of_another(machine: Machine, tree: tuple[Path, str]) -> None:
    """`a` and then a row that looks like `b`'s: when `a` is gone, that row comes where `b`'s is awaited."""
    top, there = tree[0] / "race", tree[1] + "/race"
    top.mkdir()
    false = "0" * 64
    names = ["a", f"a\n{false}  {there}", "b"]
    for name in names[::2]:
        (top / name).write_text(name)
    nested = top / f"a\n{false}  "
    nested.write_text("trap")

    def take_away(asked: bytes) -> None:
        if b"\0sums\0" in asked:
            (top / "a").unlink(missing_ok=True)

    machine.link.before = take_away
    seen = machine.scan([(there, "content", False, False)])
    digests = {one.path: one.digests for one in seen.entries if one.kind is Kind.FILE}
    assert f"{there}/a" not in digests
    assert digests[f"{there}/b"] == ("sha256:" + hashlib.sha256(b"b").hexdigest(),)
    assert digests[f"{there}/a\n{false}  "] == ("sha256:" + hashlib.sha256(b"trap").hexdigest(),)


def test_what_changes_while_it_is_looked_at_is_looked_at_again(machine: Machine, tree: tuple[Path, str]) -> None:
    changed: list[bytes] = []

    def change(asked: bytes) -> None:
        if b"\0sums" in asked:
            changed.append(asked)
            (tree[0] / "setuid").write_text("changed" * len(changed))

    machine.link.before = change
    watches = [(tree[1] + "/setuid", "content", False, False)]
    seen = machine.scan(watches)
    if seen.gaps:
        assert seen.gaps == {(tree[1] + "/setuid", "it kept changing while it was read")}
    else:
        machine.link.before = lambda _asked: None
        assert seen.entries == machine.oracle(watches).entries
    assert len(changed) > 1


def test_a_log_that_grows_is_hashed_as_far_as_its_size(machine: Machine, tree: tuple[Path, str]) -> None:
    log = tree[0] / "log"
    log.write_text("one\n")

    def grow(asked: bytes) -> None:
        if b"\0sums" in asked:
            with log.open("a") as more:
                more.write("more\n")

    machine.link.before = grow
    (entry,) = machine.scan([(tree[1] + "/log", "growing", False, False)]).entries
    assert entry.digests == ("sha256:" + hashlib.sha256(log.read_bytes()[: entry.size]).hexdigest(),)


def test_what_becomes_something_else_is_a_gap(machine: Machine, tree: tuple[Path, str]) -> None:
    def swap(asked: bytes) -> None:
        if b"\0sums\0" in asked:
            (tree[0] / "setuid").unlink()
            (tree[0] / "setuid").symlink_to("/etc/passwd")

    machine.link.before = swap
    seen = machine.scan([(tree[1] + "/setuid", "content", False, False)])
    assert seen.gaps == {(tree[1] + "/setuid", "it stopped being a file while the scan ran")}
    assert all(one.digests is None for one in seen.entries)


@pytest.mark.parametrize("wanted", [["blake3"], ["blake3", "sha256"], ["sha256"]])
def test_digests_are_those_that_the_host_can_compute(gnu: Machine, tmp_path: Path, wanted: list[str]) -> None:
    (tmp_path / "a\nb").write_text("x")
    if not shutil.which("b3sum"):
        pytest.skip("needs b3sum")
    watches = [(str(tmp_path), "content", False, False)]
    assert gnu.scan(watches, wanted).entries == gnu.oracle(watches, wanted).entries


def needs(*paths: str, secret: bool = False, optional: bool = True) -> tuple[Need, ...]:
    return tuple(Need(Means.FILE, path, "", secret, optional) for path in paths)


def bare(taken: Iterable[Item | Gap]) -> list[tuple[str, bytes | str]]:
    return [(one.source, one.data) if isinstance(one, Item) else (one.subject, one.reason) for one in taken]


def test_files_are_taken_as_the_probe_takes_them(machine: Machine, tree: tuple[Path, str]) -> None:
    there = tree[1]
    (tree[0] / "binary").write_bytes(bytes(range(256)) * 3)
    asked = (
        *needs(
            f"{there}/binary", f"{there}/*a*", f"{there}/s*/f1?", f"{there}/*/below", f"{there}/link/f3", f"{there}/link/f4*"
        ),
        *needs(f"{there}/none", f"{there}/none*", f"{there}/dangling", f"{there}/setuid/x", f"{there}/sub", optional=False),
        *needs(f"{there}/binary", f"{there}/none", secret=True),
    )
    assert bare(machine.shell.take(asked)) == bare(taken_below(os.fsencode(machine.root), asked))


def test_ways_are_told_as_the_probe_tells_them(busybox: Machine) -> None:
    plant(busybox.root / "srv/tree")
    (busybox.root / "srv/tree/out").symlink_to("../../../../../../etc/passwd")
    paths = ("/srv/tree/*", "/srv/tree/link/f1", "/srv/tree/link/f2?", "/", "/bin/sh", "/srv/tree/none", "~/bin")
    asked = tuple(Need(Means.STATUS, path) for path in paths)
    assert sorted(bare(busybox.shell.take(asked))) == sorted(bare(taken_below(os.fsencode(busybox.root), asked)))


def test_programs_of_busybox_run_too(busybox: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "SECONDS", 1)
    if any(busybox.root.stat().st_uid or path.stat().st_mode & 0o22 for path in (busybox.root, busybox.root / "bin")):
        pytest.skip("others may change this root")
    words = ("/bin/printf %s|%s\\0 $HOME a;b", "/bin/sh -c kill${IFS}-TERM${IFS}$$", "/bin/none", "/bin/sleep 9", "/bin/yes")
    told = dict(bare(busybox.shell.take(tuple(Need(Means.COMMAND, each) for each in words))))
    flood = told.pop("/bin/yes")
    assert told == {words[0]: b"0\n$HOME|a;b\xef\xbf\xbd\0", words[1]: b"143\n\0", words[3]: b"-\n\0"}
    assert flood == b"-\n" + b"y\n" * (commands.LIMIT // 2) + b"\0"


def test_who_listens_is_seen_by_busybox_too(busybox: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)), socket.create_server(("::1", 0), family=socket.AF_INET6):
        asked = (Need(Means.LISTENERS, "all"),)
        here, there = (dict(bare(each)) for each in (taken_below(b"/", asked), busybox.shell.take(asked)))
    own = f"/proc/{os.getpid()}"
    assert there[own] == here[own]
    assert b'"listens":[["tcp","127.0.0.1",' in bytes(there[own])  # type: ignore[arg-type]


def test_a_handle_whose_name_is_forged_is_nobodys(machine: Machine, tmp_path: Path) -> None:
    """Somebody has a file open whose name looks like lines of stat(1)."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        inode = os.fstat(server.fileno()).st_ino
        folder = tmp_path / f"x\n'/proc/1/fd/0' -> 'socket:[{inode}]'\n"
        folder.mkdir(parents=True)
        handle = os.open(folder, os.O_RDONLY)
        told = dict(bare(machine.shell.take((Need(Means.LISTENERS, "all"),))))
        os.close(handle)
    assert f"/proc/{os.getpid()}" in told
    assert "/proc/1" not in told


def test_what_is_no_file_and_no_kind_of_need_is_a_gap(gnu: Machine) -> None:
    assert bare(gnu.shell.take(needs("/dev/null"))) == bare(taken_below(b"/", needs("/dev/null")))
    (gap,) = gnu.shell.take((Need(Means.BANNER, "http", optional=False),))
    assert gap == Gap("http", "what this service shows is not looked at")


def test_too_long_a_file_is_a_gap(gnu: Machine, tmp_path: Path) -> None:
    with (tmp_path / "long").open("wb") as made:
        made.truncate(inside.LIMIT + 1)
    with (tmp_path / "just").open("wb") as made:
        made.truncate(inside.LIMIT)
    asked = needs(f"{tmp_path}/long", f"{tmp_path}/just")
    assert bare(gnu.shell.take(asked)) == bare(taken_below(b"/", asked))


def test_a_file_that_may_be_long_comes_in_pieces_and_once(gnu: Machine, tmp_path: Path) -> None:
    data = bytes(range(256)) * (take.PIECE // 256)
    (tmp_path / "long").write_bytes(data + data[::-1] + b"rest")
    (tmp_path / "exact").write_bytes(data[::-1])
    (tmp_path / "empty").touch()
    (tmp_path / "again").symlink_to("long")
    with (tmp_path / "far-too-long").open("wb") as made:
        made.truncate(take.LONGEST)
    names = ("long", "exact", "empty", "again", "none", "far-too-long")
    asked = tuple(replace(need, long=True) for need in needs(*(f"{tmp_path}/{name}" for name in names)))
    told = list(gnu.shell.take(asked))
    assert [len(one.data) for one in told if isinstance(one, Item)][:5] == [take.PIECE, take.PIECE, 4, take.PIECE, 0]
    assert bare(told) == bare(taken_below(b"/", asked))
    assert isinstance(told[-1], Gap)
    assert told[-1].reason.startswith("longer than the ")


def test_a_long_file_that_is_written_to_while_it_is_read_is_a_gap(gnu: Machine, tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(bytes(take.PIECE + 1))
    (need,) = (replace(need, long=True) for need in needs(f"{tmp_path}/long"))
    told = gnu.shell.take((need,))
    first = next(told)
    with (tmp_path / "long").open("ab") as more:
        more.write(b"more")
    assert isinstance(first, Item)
    assert list(told)[-1] == Gap(f"{tmp_path}/long", take.CHANGED)


def test_password_hashes_do_not_travel(busybox: Machine) -> None:
    root = busybox.root
    table = f"root:{HASH}:20228:0:99999:7:::\nanna:!{HASH}:1::::::\nbin:*:1::::::\n+\nx\n"
    for name in ("etc/shadow", "etc/shadow-", "srv/shadow"):
        (root / name).write_text(table)
    (root / "srv/etc").symlink_to("/etc")
    (root / "srv/innocent").symlink_to("../etc/shadow")
    plain = needs("/etc/shadow", "/etc/shadow-", "/srv/innocent", "/srv/etc/shadow", "/srv/etc/sha*", "/etc//shadow")
    asked = (*plain, *needs("/srv/shadow", secret=True), *needs("/srv/innocent", secret=True))
    assert bare(busybox.shell.take(asked)) == bare(taken_below(os.fsencode(root), asked))
    sent = b"".join(pipe.received for pipe in busybox.link.opened)
    assert b"<set $6$>" in sent
    assert HASH.encode() not in sent
    assert b"hhhh" not in sent


GUARDED = {
    "etc/openvpn/a.conf": (
        "up /a\n<key>\nup s3cret\n</key>\n \tdown /b\n<connection>\nremote s3cret\n</connection>\n--plugin x\n"
    ),
    "etc/wireguard/wg0.conf": (
        "[Interface]\nPrivateKey = s3cret=\n"
        f"postUP= wg set %i private-key <(echo s3cret{'A' * 37}=)\n#PostUp = s3cret\nPreDown=x"
    ),
    "etc/syslog-ng/a.conf": (
        'd { sql(password("s3cret")); program(\n "/a"\n\t"/b")\n password(\n "s3cret")\n#program(s3cret)\nprogram("x");'
    ),
    "etc/wgetrc": "password=s3cret\nUse_AskPass = /a\nuseaskpass=/b\n",
    "etc/pip.conf": (
        "[global]\nindex-url = https://s3cret@a/\n\n  s3cret\nproxy = s3cret\nExtra_Index-url=\n  a\n  https://u:s3cret@b/ c"
    ),
    "etc/.wgetrc": "",
}


def test_of_what_holds_secrets_only_lines_that_run_something_travel(busybox: Machine) -> None:
    for name, text in GUARDED.items():
        (busybox.root / name).parent.mkdir(parents=True, exist_ok=True)
        (busybox.root / name).write_text(text)
    asked = (*needs(*(f"/{name}" for name in GUARDED), secret=True), *needs("/etc/wireguard/*", "/etc/*.conf"))
    assert bare(busybox.shell.take(asked)) == bare(taken_below(os.fsencode(busybox.root), asked))
    assert b"s3cret" not in b"".join(pipe.received for pipe in busybox.link.opened)


def test_of_what_holds_secrets_every_sed_leaves_the_same(gnu: Machine, tmp_path: Path) -> None:
    texts = {
        f"{number}/{name}": text for number in "12" for name, text in GUARDED.items() if name in {"etc/wgetrc", "etc/pip.conf"}
    }
    for name, text in texts.items():
        place = tmp_path / name.replace("etc/wgetrc", ".wgetrc").replace("etc", "pip")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    asked = needs(f"{tmp_path}/*/.wgetrc", f"{tmp_path}/*/pip/pip.conf", secret=True)
    told = bare(gnu.shell.take(asked))
    assert told == bare(taken_below(b"/", asked))
    assert len(told) == len(texts)


def test_the_letters_of_a_public_key_are_no_word_for_a_secret() -> None:
    key = b"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ/pwd/psk/token%s anna" % (b"A" * 300)
    assert not fetch.looks_secret(key + b"\n")
    assert fetch.looks_secret(key + b"\npassword = hunter2\n")


def test_no_hash_is_kept_of_what_a_host_says(machine: Machine, tmp_path: Path) -> None:
    file = Path(tmp_path if machine.gnu else "/srv", "more.conf")
    (machine.root / str(file).lstrip("/")).write_text(f"root:{HASH}:20228:0:99999:7:::\nUse {HASH}\n")
    told = dict(bare(machine.shell.take((*needs(str(file)), Need(Means.COMMAND, f"/bin/cat {file}")))))
    text = b"root:<hash>:20228:0:99999:7:::\nUse <hash>\n"
    assert told == {str(file): text, f"/bin/cat {file}": b"0\n" + text + b"\0"}


@pytest.mark.parametrize(
    ("size", "asked_by"), [(5, b"several"), (contents.SMALL + 1, b"several"), (contents.SMALL + 1, b"take")]
)
def test_a_link_that_is_turned_to_shadow_at_the_last_moment_gives_facts_only(
    busybox: Machine, size: int, asked_by: bytes
) -> None:
    root = busybox.root
    (root / "etc/shadow").write_text(f"root:{HASH}:1::::::\n")
    (root / "srv/a").write_text("p" * size)

    def turn(asked: bytes) -> None:
        if b"\0%s\0" % asked_by in asked and b"/srv/a" in asked:
            (root / "srv/a").unlink()
            (root / "srv/a").symlink_to("/etc/shadow")

    busybox.link.before = turn
    assert bare(busybox.shell.take(needs("/srv/a"))) == [("/srv/a", b"root:<set $6$>:1::::::\n")]
    assert b"hhhh" not in b"".join(pipe.received for pipe in busybox.link.opened)


@pytest.mark.parametrize("tool", ["gzip", "no gzip"])
def test_a_link_to_shadow_in_the_place_of_a_log_is_no_log(busybox: Machine, tool: str) -> None:
    """No facts travel in its place either: they would be read as lines."""
    log = busybox.root / "var/log"
    log.mkdir(parents=True)
    (busybox.root / "etc/shadow").write_text(f"root:{HASH}:1::::::\n")
    (log / "auth.log").write_text("a line\n")
    (log / "auth.log.1").symlink_to("/etc/shadow")
    (busybox.root / "etc/gshadow").write_text(f"root:{HASH}::\n")
    (log / "auth.log.2").hardlink_to(busybox.root / "etc/gshadow")
    if tool == "no gzip":
        (busybox.root / "bin/gzip").unlink()
    (need,) = wanted = (Need(Means.LOG, "/var/log/auth.log*"),)
    told = list(busybox.shell.take(wanted))
    here = list(taken_below(os.fsencode(busybox.root), (need,)))
    assert sorted(gap for gap in bare(here) if isinstance(gap[1], str)) == sorted(
        bare(one for one in told if isinstance(one, Gap))
    )
    (item,) = [one for one in told if isinstance(one, Item)]
    assert (item.source, item.data.partition(b"\n")[2]) == ("/var/log/auth.log", b"a line\n")
    assert [(gap.subject, gap.reason) for gap in told if isinstance(gap, Gap)] == [
        ("/var/log/auth.log.1", "holds secrets, and is no log"),
        ("/var/log/auth.log.2", "holds secrets, and is no log"),
    ]


# private keys


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Private keys as programs write them, by a name."""
    if not shutil.which("ssh-keygen"):
        pytest.skip("needs ssh-keygen")
    folder, found = tmp_path_factory.mktemp("keys"), {}
    for kind in ("ed25519", "rsa", "ecdsa"):
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", folder / kind], check=True)
        for words in ("", "words"):
            for form in ("RFC4716", "PEM", "PKCS8"):
                shutil.copy(folder / kind, copy := folder / f"{kind}{words}{form}")
                how = ["-p", "-m", form, "-a", "1", "-P", "", "-N", words, "-f", copy]
                subprocess.run(["ssh-keygen", "-q", *how], check=True, capture_output=True)
                found[copy.name] = copy.read_bytes()
    found["public"] = (folder / "rsa.pub").read_bytes()
    found["ppk"] = (
        b"PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: aes256-cbc\r\nComment: x\r\nPrivate-Lines: 1\r\nSECRET=\r\n"
    )
    found["ppk-open"] = found["ppk"].replace(b"aes256-cbc", b"none")
    found["windows"] = found["ed25519RFC4716"].replace(b"\n", b"\r\n")
    found["text"] = b"no key\nat all\n"
    found["empty"] = b""
    return found


def leaks(machine: Machine, keyring: dict[str, bytes]) -> bool:
    """Whether eight bytes of a number that is private, or of what is encrypted, have come from a machine."""
    numbers: list[bytes] = []
    encrypted = []
    for kind in ("ed25519", "rsa", "ecdsa"):
        encrypted.append(b64decode(b"".join(keyring[f"{kind}wordsRFC4716"].split()[4:-4]))[-64:])
        match load_ssh_private_key(keyring[f"{kind}RFC4716"], None):
            case Ed25519PrivateKey() as key:
                numbers.append(key.private_bytes_raw())
            case RSAPrivateKey() as key:
                numbers += [each.to_bytes(512).lstrip(b"\0") for each in (key.private_numbers().d, key.private_numbers().p)]
            case EllipticCurvePrivateKey() as key:
                numbers.append(key.private_numbers().private_value.to_bytes(32).lstrip(b"\0"))
    pieces = {each[at : at + 8] for each in (*numbers, *encrypted) for at in range(len(each) - 8)}
    sent = b"".join(pipe.received for pipe in machine.link.opened)
    runs = [run.replace(b"\n", b"") for run in re.findall(rb"[A-Za-z0-9+/\n]{12,}", sent)]
    shown = [b64decode(run[at : len(run) - (len(run) - at) % 4]) for run in runs for at in range(4)]
    return any(piece in each for each in shown for piece in pieces)


def test_of_private_keys_the_same_facts_travel_as_from_the_probe(
    machine: Machine, tree: tuple[Path, str], keyring: dict[str, bytes]
) -> None:
    for name, data in keyring.items():
        (tree[0] / f"id_{name}").write_bytes(data)
        (tree[0] / f"{name}_key").write_bytes(data)
    asked = needs(f"{tree[1]}/id_*", f"{tree[1]}/*_key", secret=True)
    told = bare(machine.shell.take(asked))
    assert told == bare(taken_below(os.fsencode(machine.root), asked))
    assert sum(isinstance(facts, bytes) and facts != b"none ? -\n" for _path, facts in told) == 2 * (len(keyring) - 3)
    assert not leaks(machine, keyring)
    assert b"SECRET" not in b"".join(pipe.received for pipe in machine.link.opened)


def test_of_damaged_keys_no_more_is_told_than_by_the_probe_and_never_that_there_is_none(
    machine: Machine, tree: tuple[Path, str], keyring: dict[str, bytes]
) -> None:
    chance = random.Random(1)
    whole = [data for name, data in sorted(keyring.items()) if data.startswith(b"-----BEGIN ")]
    for number in range(150):
        data = bytearray(chance.choice(whole))
        at = chance.randrange(min(len(data), 200))
        data[at : at + chance.randrange(3)] = chance.choice([b"", b"\n", b"A", b"=", b"\0", b"\xff", b"-", b" "])
        (tree[0] / f"id_{number:03}").write_bytes(data)
    asked = needs(f"{tree[1]}/id_*", secret=True)
    mine, theirs = (dict(bare(told)) for told in (machine.shell.take(asked), taken_below(os.fsencode(machine.root), asked)))
    assert len(mine) == len(theirs) == 150
    for path, facts in mine.items():
        cut = theirs[path] == b"openssh ? -\n" and isinstance(facts, bytes) and facts.startswith(b"openssh")
        assert isinstance(facts, str) or facts == theirs[path] or cut
    assert not leaks(machine, keyring)


def test_a_key_without_an_end_costs_nobody_else_his_facts(gnu: Machine, tmp_path: Path, keyring: dict[str, bytes]) -> None:
    (tmp_path / "id_a").write_bytes(keyring["ed25519RFC4716"])
    with (tmp_path / "id_b").open("wb") as made:
        made.truncate(1 << 40)
    (tmp_path / "id_c").symlink_to("/dev/zero")
    (tmp_path / "id_d").write_bytes(keyring["rsaPEM"])
    told = dict(bare(gnu.shell.take(needs(f"{tmp_path}/id_*", secret=True))))
    assert str(told[f"{tmp_path}/id_a"]).startswith("b'openssh no ")
    assert told[f"{tmp_path}/id_b"] == f"longer than {inside.LIMIT} bytes"
    assert str(told[f"{tmp_path}/id_c"]).startswith("no regular file")
    assert told[f"{tmp_path}/id_d"] == b"pem-rsa no -\n"


# many at a time


def homes(machine: Machine, tmp_path: Path) -> tuple[Path, str]:
    """Three hundred homes, in some of them what nobody expects: where they are, and what the host calls that."""
    top = tmp_path / "homes" if machine.gnu else machine.root / "home"
    there = str(top) if machine.gnu else "/home"
    for number in range(300):
        (top / f"u{number}/.ssh").mkdir(parents=True)
        (top / f"u{number}/.ssh/keys").write_bytes(b"key %d\0\n" % number)
    odd = [top / f"u{number}/.ssh/keys" for number in range(0, 300, 20)]
    for path in odd:
        path.unlink()
    odd[0].mkdir()
    os.mkfifo(odd[1])
    odd[2].symlink_to("nowhere")
    odd[3].symlink_to("keys")
    odd[4].symlink_to(f"{there}/u1/.ssh/keys")
    odd[5].touch()
    odd[6].write_bytes(b"x" * contents.SMALL)
    odd[7].write_bytes(b"y" * (contents.SMALL + 1))
    odd[8].symlink_to("/etc/passwd")
    shutil.rmtree(odd[9].parent)
    shutil.rmtree(odd[10].parent)
    odd[10].parent.write_text("a file")
    shutil.rmtree(odd[11].parent)
    odd[11].parent.symlink_to("../u1/.ssh")
    for number in range(300):
        (odd[12].parent / f"a\nb {number}").write_text("odd")
    (odd[13].parent / "-n *").write_text("odd")
    return top, there


def test_of_many_homes_the_same_is_told_as_by_the_probe(machine: Machine, tmp_path: Path) -> None:
    _top, there = homes(machine, tmp_path)
    asked = (
        *(need for number in range(300) for need in needs(f"{there}/u{number}/.ssh/keys", f"{there}/u{number}/.ssh/none")),
        *needs(f"{there}/u*/.ssh/k*", f"{there}/u2??/.ssh/*", f"{there}/u1/.ssh/../.ssh/keys", f"{there}/u1/./.ssh/none"),
        *needs(f"{there}/u3/.ssh/k*", f"{there}/u3/.ssh/keys", f"{there}/u4/.ssh/none", secret=True, optional=False),
        *(
            Need(Means.STATUS, f"{there}/{glob}")
            for glob in ("u*/.ssh/keys", "u*/.ssh", "u*/.ssh/*", "u1/.ssh/../.ssh/keys", "u1/")
        ),
    )
    oracle = sorted(bare(taken_below(os.fsencode(machine.root), asked)), key=repr)
    assert sorted(bare(machine.shell.take(asked)), key=repr) == oracle
    assert len(oracle) > 2000


@pytest.mark.parametrize("length", [80, 255])
def test_the_longest_question_fits_into_what_xargs_takes(machine: Machine, tmp_path: Path, length: int) -> None:
    top = tmp_path if machine.gnu else machine.root / "srv"
    names = [f"{number:03}{'x' * (length - 3)}" for number in range(2 * talk.NAMES_BYTES // length)]
    for name in names:
        (top / name).write_text(name)
    there = str(top) if machine.gnu else "/srv"
    assert bare(machine.shell.take(needs(*(f"{there}/{name}" for name in names)))) == [
        (f"{there}/{name}", name.encode()) for name in names
    ]


def test_many_homes_cost_few_questions(machine: Machine, tmp_path: Path) -> None:
    """Each question starts a shell over there: of three hundred homes, and of six hundred files in them."""
    top, there = homes(machine, tmp_path)
    for number in range(0, 300, 20):
        shutil.rmtree(top / f"u{number}", ignore_errors=True)
    said: list[bytes] = []
    machine.link.before = said.append
    list(machine.shell.take((*needs(f"{there}/u*/.ssh/*"), Need(Means.STATUS, f"{there}/u*/.ssh/keys"))))
    verbs = re.findall(rb"\0-\0([a-z][a-z-]*)\0", b"".join(said))
    assert verbs.count(b"several") <= 4
    assert len(verbs) < 50, verbs


def test_what_may_not_be_read_or_listed_is_told_of_each(tmp_path: Path, deadline: Deadline) -> None:
    if os.getuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("needs root and setpriv, to be somebody else")
    place = Path("/var/tmp", f"auditkit-test-{os.getpid()}")
    for number in range(20):
        (place / f"u{number}/.ssh").mkdir(parents=True)
        (place / f"u{number}/.ssh/keys").write_text(f"key {number}")
    (place / "u3").chmod(0o700)
    (place / "u4/.ssh").chmod(0o711)
    (place / "u5/.ssh/keys").chmod(0o600)
    (program := tmp_path / "nobody").write_text("#!/bin/sh\nexec setpriv --reuid 65534 --clear-groups /bin/sh\n")
    program.chmod(0o755)
    shell = Shell("nobody", Link(str(program)), deadline)
    globs = (f"{place}/u?/.ssh/k*", f"{place}/u3/.ssh/keys", f"{place}/u4/.ssh/keys")
    try:
        told = bare(shell.take((*needs(*globs), Need(Means.STATUS, f"{place}/u?/.ssh/keys"))))
    finally:
        shutil.rmtree(place)
    denied = {"u3/.ssh": "permission denied", "u4/.ssh": "permission denied", "u5/.ssh/keys": "permission denied"}
    names = [f"u{number}/.ssh{'' if number in (3, 4) else '/keys'}" for number in range(10)]
    seen = [(f"{place}/{name}", denied.get(name, b"key %d" % number)) for number, name in enumerate(names)]
    assert told[:10] == seen
    assert told[10:12] == [(f"{place}/u3/.ssh/keys", "permission denied"), (f"{place}/u4/.ssh/keys", b"key 4")]
    ways = {source for source, data in told[12:] if isinstance(data, bytes)}
    assert ways == {f"{place}/u{number}/.ssh/keys" for number in (0, 1, 2, 4, 5, 6, 7, 8, 9)}
    assert (f"{place}/u3/.ssh/keys", "permission denied") in told[12:]


def test_a_file_that_leads_to_the_words_of_the_conversation_is_no_file_of_another(machine: Machine, tmp_path: Path) -> None:
    """Its own environment is what a program over there writes between files; somebody links his file to just that."""
    top, there = (tmp_path, str(tmp_path)) if machine.gnu else (machine.root / "srv", "/srv")
    for name in "abcd":
        (top / name).write_text(name)
    (top / "bb").symlink_to("/proc/self/environ")
    told = dict(bare(machine.shell.take(needs(f"{there}/*"))))
    environment = told.pop(f"{there}/bb")
    assert isinstance(environment, bytes)
    assert b"\0PATH=/" in b"\0" + environment
    assert {name: told[f"{there}/{name}"] for name in "abcd"} == {name: name.encode() for name in "abcd"}


def test_a_hard_link_to_a_table_of_passwords_gives_no_hash(busybox: Machine) -> None:
    (busybox.root / "etc/shadow").write_text(f"root:{HASH}:1::::::\n")
    (busybox.root / "srv/mine").hardlink_to(busybox.root / "etc/shadow")
    assert bare(busybox.shell.take(needs("/srv/mine"))) == [("/srv/mine", b"root:<hash>:1::::::\n")]


MARK = b"N=0123456789abcdef\0"
PART = st.lists(st.sampled_from([b"", b"a", b"\n", b"\0", b"N=", MARK[:-1], MARK, b"PATH=/bin\0"]), max_size=4).map(b"".join)


@given(st.sampled_from([b"", b"PATH=/bin\0"]), st.sampled_from([b"", b"PATH=/bin\0"]), st.lists(PART, min_size=5, max_size=5))
def test_what_stands_between_environments_is_told_apart_or_not_at_all(before: bytes, behind: bytes, parts: list[bytes]) -> None:
    around = before + MARK + behind
    told = contents.between(around + around.join(parts) + around, MARK)
    assert told == ([] if any(MARK in each for each in parts) else parts)


@given(st.lists(PART, max_size=9).map(b"".join))
def test_nothing_breaks_who_tells_files_apart(said: bytes) -> None:
    told = contents.between(said, MARK)
    assert len(told) in (0, 5)
    assert sum(map(len, told)) <= len(said)


FIELD = st.one_of(
    st.sampled_from(
        ["", "x", "*", "!", "!!", "!*", HASH, "!" + HASH, "$1$a$b", "$zz$a", "$y$j9T$a", "a" * 13, "_" + "a" * 19, "a" * 12]
    ).map(str.encode),
    st.lists(
        st.sampled_from([b"$", b"6", b",", b"x", b"!", b"*", b"_", b"a" * 13, b" ", b"\xff", b"#", b"<", b"/"]), max_size=6
    ).map(b"".join),
)
TABLE = st.lists(st.lists(FIELD, min_size=1, max_size=5).map(b":".join), max_size=30).map(b"\n".join)


@pytest.mark.parametrize("sed", [["sed"], [BUSYBOX, "sed"]], ids=["gnu", "busybox"])
@settings(max_examples=60, deadline=None)
@given(TABLE)
def test_the_facts_of_sed_are_those_of_the_probe(sed: list[str], table: bytes) -> None:
    if not shutil.which(sed[0]):
        pytest.skip(f"needs {sed[0]}")
    found = re.search(r"^facts='\n(.*?)'\n", _scripts()[2], re.DOTALL | re.MULTILINE)
    assert found
    made = subprocess.run([*sed, "-r", found[1]], input=table, capture_output=True, env={"LC_ALL": "C"}, check=True)
    assert made.stdout == take.reduced(table)


def test_the_tables_that_always_hold_hashes_are_those_of_the_probe() -> None:
    script = _scripts()[2]
    (listed,) = re.findall(r"^tables='(.*?)'$", script, re.MULTILINE | re.DOTALL)
    assert set(listed.split()) == {path.decode() for path in take._ALWAYS}
    assert set(re.findall(r"secret(\w+)[|)]", script)) >= {name.decode() for name in take.TABLES}


def test_beginnings_of_logs_are_those_of_the_probe(machine: Machine, tree: tuple[Path, str]) -> None:
    if machine.gnu and not all(map(shutil.which, ("gzip", "xz", "bzip2"))):
        pytest.skip("needs gzip, xz and bzip2")
    text = b"line\n" * 100
    for name, data in (
        ("log", text),
        ("log.1", text + b"more"),
        ("log.2.gz", gzip.compress(text)),
        ("log.3.xz", lzma.compress(text)),
        ("log.4.bz2", bz2.compress(text + text)),
        ("log.5", text[:-1]),
        ("log.6.gz", b"no gzip at all"),
        ("other.log", text),
    ):
        (tree[0] / name).write_bytes(data)
    (tree[0] / "log.7").symlink_to("log")
    path = tree[1] + "/log"
    asked = [
        (path, len(text), ("sha256",), True),
        (path, 7, ("sha256",), False),
        (path, 7, ("crc",), True),
        (path, 7, ("sha256", "md5", "sha1"), False),
        (tree[1] + "/none", 7, ("sha256",), True),
        (tree[1] + "/link/f9", 3, ("sha256",), False),
    ]
    oracle = list(probe.beginnings(str(machine.root), asked))
    assert list(machine.shell.beginnings(asked)) == oracle
    assert len(oracle) == 7
    assert list(machine.shell.beginnings([])) == []


def test_a_rotation_for_which_there_is_no_tool_is_not_known(machine: Machine, tree: tuple[Path, str]) -> None:
    if machine.gnu and shutil.which("zstd"):
        pytest.skip("needs a machine without zstd")
    for name in ("log", "log.1.zst"):
        (tree[0] / name).write_text("line\n")
    (tree[0] / "log.2.zst").symlink_to("log")
    told = list(
        machine.shell.beginnings([(tree[1] + "/log", 5, ("sha256",), True), (tree[1] + "/log", 1 << 40, ("sha256",), False)])
    )
    assert [(name, digest) for _path, name, digest in told if not digest] == [("log", ""), ("log.1.zst", "")]


def test_the_mount_table_is_the_hosts_own(gnu: Machine, busybox: Machine) -> None:
    before = Path("/proc/self/mountinfo").read_bytes()
    assert gnu.shell.mounts() in (before, Path("/proc/self/mountinfo").read_bytes())  # tests beside this one mount things
    assert b" /proc " in busybox.shell.mounts()


NAME = st.one_of(
    st.sampled_from([b"/a", b"/b", b"/a\n", b"/\\", b"/\r", b"/ ", b"/a\n" + b"0" * 64 + b"  /b"]),
    st.binary(min_size=1, max_size=6).filter(lambda name: b"\0" not in name).map(lambda name: b"/" + name),
)


def rows(names: Iterable[bytes], escapes: bool) -> list[bytes]:
    """What sha256sum writes, of GNU or of busybox."""
    made = []
    for name in names:
        digest = hashlib.sha256(name).hexdigest().encode()
        plain = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n") if escapes else name
        made.append((b"\\" if plain != name else b"") + digest + b"  " + plain + b"\n")
    return made


@given(st.lists(NAME, min_size=1, max_size=5, unique=True), st.booleans(), st.sets(st.integers(0, 4)))
def test_rows_count_only_where_all_are_there(names: list[bytes], escapes: bool, gone: set[int]) -> None:
    whole = rows(names, escapes)
    left = [row for at, row in enumerate(whole) if at not in gone]
    found = sums_by_name(b"".join(left), names)
    assert (found is not None) == (left == whole)
    if found is not None:
        assert found == [hashlib.sha256(name).hexdigest().encode() for name in names]


@given(st.binary(max_size=300), st.lists(NAME, max_size=3))
def test_no_bytes_break_who_reads_rows(said: bytes, names: list[bytes]) -> None:
    found = sums_by_name(said, names)
    assert found is None or len(found) == len(names)


def test_what_a_host_needs() -> None:
    who = b"0 1795535780 root - Linux 6.1.0 x86_64".split()
    tools = decide([*who, b"list", b"gnu", b"sha256", b"head", b"facts"])
    assert (tools.greeting.user, tools.gnu, tools.algorithms) == ("root", True, ("sha256",))
    with pytest.raises(HostError, match="it has no Python, and no find -print0") as caught:
        decide([*who, b"sha256", b"head", b"facts"])
    assert caught.value.state is State.PARTIAL
    for greeting in ([], who[1:], [b"root", *who[1:]], [*who[:1], b"noon", *who[2:]]):
        with pytest.raises(HostError, match="contradicts itself"):
            decide(greeting)


def test_a_host_that_can_compute_no_digest_has_one_gap(tmp_path: Path, deadline: Deadline) -> None:
    (tmp_path / "a").write_text("x")
    (tmp_path / "b").write_text("x")
    fake = tmp_path.parent / "tools"
    fake.mkdir()
    for name in ("sha256sum", "b3sum"):
        (fake / name).write_text("#!/bin/sh\nexit 1\n")
        (fake / name).chmod(0o755)
    link = Link(PATH=f"{fake}:{os.environ['PATH']}")
    seen = Machine(Shell("gnu", link, deadline), link, Path("/"), gnu=True).scan([(str(tmp_path), "content", False, False)])
    assert seen.gaps == {("/", "no tool there computes a digest that the policy asks for")}
    assert [one.digests for one in seen.entries] == [None] * 3


def test_a_scan_that_has_no_time_says_what_it_did_not_read(gnu: Machine, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    seen = told(gnu.shell.scan({**request([(str(tmp_path), "content", False, False)], ["sha256"]), "seconds": 1e-9}))
    assert seen.gaps == {(f"{tmp_path}/a", "not read, 1e-09 seconds were too short: raise --timeout")}
    assert seen.of(f"{tmp_path}/a").size == 1


@pytest.mark.parametrize("known", [False, True])
def test_a_file_too_large_for_the_time_hides_nothing_but_itself(
    machine: Machine, tree: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    """Not asked for where it is known how fast it goes; else the answer is given up, and a new conversation begun."""
    top, large = tree[0] / "few", f"{tree[1]}/few/large"
    top.mkdir()
    for name in ("large", "plain", "setuid"):
        (top / name).write_text(name)
    (top / "setuid").chmod(0o4755)
    watches = [(f"{tree[1]}/few", "content", False, False)]
    oracle = machine.oracle(watches)
    os.truncate(top / "large", 1 << 40)
    monkeypatch.setattr(pace, "ENOUGH", 1 if known else 1 << 60)
    asked: list[bytes] = []
    machine.link.before = asked.append
    limit = 2 if machine.gnu else 5  # busybox tells times in whole seconds, so what is new is looked at again
    seen = told(machine.shell.scan({**request(watches, ["sha256"]), "seconds": limit}))
    assert seen.gaps == {(large, f"not read, {limit} seconds were too short: raise --timeout")}
    assert (seen.of(large).size, seen.of(large).digests) == (1 << 40, None)
    assert [one for one in seen.entries if one.path != large] == [one for one in oracle.entries if one.path != large]
    assert known != any(b"\0sums\0" in each and large.encode() in each for each in asked)
    there = f"{tree[1]}/few/plain"
    assert bare(machine.shell.take(needs(there))) == [(there, b"plain")]
    assert len(machine.link.opened) == (1 if known else 2)


def test_how_fast_it_goes_says_what_can_still_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    mine = pace.Pace(110.0)
    assert mine.fits(1 << 40)  # nobody knows yet
    mine = pace.Pace(110.0)
    assert all(mine.fits(1 << 20) for _ in range(200))
    now[0] = 101.0
    mine.heard([1 << 20] * 100)
    assert mine.fits(400 << 20)  # in the second that the files under way take, and four more
    assert not mine.fits(500 << 20)
    assert mine.fits(300 << 20)
    now[0] = 110.0
    mine.heard([1 << 20] * 100)
    assert not mine.fits(1)


def fake_sudo(tmp_path: Path, *lines: str) -> str:
    """A folder with a `sudo` of these lines, and an `id` that denies to be root."""
    (tmp_path / "fake").mkdir()
    for name, text in (("sudo", "\n".join(lines)), ("id", "echo 1000")):
        (tmp_path / "fake" / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / "fake" / name).chmod(0o755)
    return f"{tmp_path}/fake:{os.environ['PATH']}"


def test_become_goes_through_sudo(tmp_path: Path, deadline: Deadline) -> None:
    path = fake_sudo(tmp_path, '[ "$1 $2 $3" = "-n -u root" ] || exit 9', f"echo used >>{tmp_path}/used", 'shift 3; exec "$@"')
    shell = Shell("sudo", Link(PATH=path), deadline, "sudo")
    assert (tmp_path / "used").read_text() == "used\n"
    assert bare(shell.take(needs("/proc/version"))) == [("/proc/version", Path("/proc/version").read_bytes())]


def test_a_sudo_that_refuses_is_its_own_state(tmp_path: Path, deadline: Deadline) -> None:
    path = fake_sudo(tmp_path, "echo 'sudo: a password is required' >&2", "exit 1")
    with pytest.raises(HostError, match="sudo is refused: sudo: a password is required") as caught:
        Shell("sudo", Link(PATH=path), deadline, "sudo")
    assert caught.value.state is State.SUDO_REFUSED


def test_noise_of_a_login_is_passed_over(tmp_path: Path, deadline: Deadline) -> None:
    noisy = tmp_path / "noisy"
    noisy.write_text("#!/bin/sh\necho welcome; printf 'no end'; echo more >&2; exec /bin/sh\n")
    noisy.chmod(0o755)
    assert Shell("noisy", Link(str(noisy)), deadline).greeting.uid == os.getuid()


def busy(link: Link, file: str, deadline: Deadline) -> tuple[Talk, list[psutil.Process]]:
    """A host in the middle of an answer that takes for ever, and its processes."""
    talk = Talk(link.run("/bin/sh"), deadline, "none")
    pipe = link.opened[-1]
    pipe.send(Question((b"sums", b"sha256", os.fsencode(file))).packed)
    leader = psutil.Process(pipe.process.pid)
    while not any(about(each, file) for each in leader.children(recursive=True)):
        assert not deadline.passed
    return talk, [leader, *leader.children(recursive=True)]


def about(process: psutil.Process, file: str) -> bool:
    """Whether a process is about a file: the one that hashes it, or the shell that had it hashed."""
    try:
        return process.cmdline()[-1:] == [file]
    except psutil.NoSuchProcess:
        return False


def test_no_process_is_left_when_the_client_dies(machine: Machine, tree: tuple[Path, str], deadline: Deadline) -> None:
    with (tree[0] / "endless").open("wb") as made:
        made.truncate(1 << 36)
    talk, processes = busy(machine.link, tree[1] + "/endless", deadline)
    talk.close()
    gone, alive = psutil.wait_procs(processes, timeout=60)
    assert alive == []
    assert len(gone) >= 4


def test_a_session_of_its_own_is_ended_as_sshd_makes_it(tmp_path: Path, deadline: Deadline) -> None:
    program = tmp_path / "sshd"
    program.write_text("#!/bin/sh\nexec setsid /bin/sh\n")
    program.chmod(0o755)
    with (tmp_path / "endless").open("wb") as made:
        made.truncate(1 << 36)
    talk, processes = busy(Link(str(program)), f"{tmp_path}/endless", deadline)
    assert len({os.getsid(each.pid) for each in processes} - {os.getsid(0)}) == 1
    talk.close()
    assert psutil.wait_procs(processes, timeout=60)[1] == []


def test_a_host_ends_by_itself_when_the_link_is_cut_without_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auditkit.ssh.talk.LATE", 0)
    with (tmp_path / "endless").open("wb") as made:
        made.truncate(1 << 36)
    link, file = Link(), f"{tmp_path}/endless"
    talk = Talk(link.run("/bin/sh"), Deadline(3), "none")
    link.opened[-1].send(Question((b"sums", b"sha256", file.encode())).packed)
    link.opened[-1].process.wait(60)
    assert psutil.wait_procs([each for each in psutil.process_iter() if about(each, file)], timeout=60)[1] == []
    talk.close()


def test_nothing_is_left_after_an_answer(machine: Machine) -> None:
    machine.shell.mounts()
    machine.shell.close()
    for pipe in machine.link.opened:
        assert not psutil.pid_exists(pipe.process.pid) or pipe.process.poll() is not None


def test_the_script_writes_nothing() -> None:
    text = files("auditkit.probe").joinpath("probe.sh").read_text()
    code = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#") and not line.startswith("s/"))
    assert "<<" not in code
    assert set(re.findall(r">+\s*([^\s;)}|]*)", code)) <= {"/dev/null", "&-", "&1", "&2", "&3", "&4", "&5", "&6"}


def answering(*parts: bytes) -> Callable[[Script], Iterator[bytes]]:
    """A host that greets as it should and then says this; NONCE stands for the nonce."""

    def said(script: Script) -> Iterator[bytes]:
        first, second = re.findall(rb"(?:first|second)=([0-9a-f]{16})", script.sent)[:2]
        nonce = first + second
        yield b"\n" + nonce + b" door\n"
        yield b"\n" + nonce + b" room 0 1795535780 root - Linux 6.1.0 x86_64 list gnu sha256 head facts\n"
        for part in parts:
            yield part.replace(b"NONCE", nonce)

    return said


class Liar(Script):
    """The same lies to each question."""

    def run(self, _command: str) -> Script:
        """Begin again."""
        self.sent, self._said = b"", None
        return self


ROW = b"41ed 0 0 2 7 4096 1.000000000 1.000000000 0.000000000 64768 0 0 :root:root"
LIES = {
    "a row that is none": ([b"+41ed root\0NONCE\n"], "what should be a row"),
    "too few rows": ([b"NONCE\n"], "a part of its answer is missing"),
    "a name that leads out": (
        [b"+" + ROW + b"\0NONCE\n", b"/srv\0/srv/../etc\0\0\n=0NONCE\n"],
        "lists what it was not asked for",
    ),
    "a name that nobody asked for": (
        [b"+" + ROW + b"\0NONCE\n", b"/srv\0/etc\0\0\n=0NONCE\n"],
        "lists what it was not asked for",
    ),
    "a list without an end": ([b"+" + ROW + b"\0NONCE\n", b"/srv\0/srv/xNONCE\n"], "its list has no end"),
}


@pytest.mark.parametrize(("parts", "why"), LIES.values(), ids=LIES)
def test_a_host_that_lies(deadline: Deadline, parts: list[bytes], why: str) -> None:
    mounts = b"NONCE NONCE\n"
    # of the two places on the way to /srv one answer tells; the root is one of them
    shell = Shell(
        "liar", Liar(answering(mounts, parts[0].replace(b"\0", b"\0" + parts[0].split(b"NONCE")[0], 1), *parts[1:])), deadline
    )
    with pytest.raises(HostError, match=why) as caught:
        list(shell.scan(request([("/srv", "content", False, False)], ["sha256"])))
    assert caught.value.state is State.LIED


LIES_OF_MANY = {
    "of fewer paths than asked": (Means.FILE, "/srv/a", [b"NONCE\n"], "a part of its answer is missing"),
    "of other directories": (Means.FILE, "/srv/*", [b"-/\n=NONCE\n", b"/etc/a\0\0=0NONCE\n"], "not asked for"),
    "of what is deeper": (Means.FILE, "/srv/*", [b"-/\n=NONCE\n", b"/srv/a/b\0\0=0NONCE\n"], "not asked for"),
    "of itself": (Means.FILE, "/srv/*", [b"-/\n=NONCE\n", b"/srv/..\0\0=0NONCE\n"], "not asked for"),
    "of no files": (Means.FILE, "/srv/a", [b"f/srv\n=NONCE\n", b"NONCE\n"], "a part of its answer is missing"),
    "of too many files": (
        Means.FILE,
        "/srv/a",
        [b"f/srv\n=NONCE\n", b"NONCE;NONCE;NONCE\n"],
        "a part of its answer is missing",
    ),
    "of a way": (Means.STATUS, "/srv/a", [b"f/srv\n=NONCE\n", b"root\n41ed 0 0\n41ed 0 0\nNONCE\n"], "row of stat"),
}


@pytest.mark.parametrize(("means", "what", "parts", "why"), LIES_OF_MANY.values(), ids=LIES_OF_MANY)
def test_a_host_that_lies_of_many_things(deadline: Deadline, means: Means, what: str, parts: list[bytes], why: str) -> None:
    shell = Shell("liar", Liar(answering(*parts)), deadline)
    with pytest.raises(HostError, match=why) as caught:
        list(shell.take((Need(means, what),)))
    assert caught.value.state is State.LIED


def test_an_answer_without_an_end_is_cut(deadline: Deadline) -> None:
    def flood(script: Script) -> Iterator[bytes]:
        yield from answering()(script)
        while True:
            yield b"x" * 65536

    shell = Shell("liar", Liar(flood), deadline)
    with pytest.raises(HostError, match="an answer is longer than 32 MiB"):
        shell.mounts()


def test_an_end_in_the_middle_is_said(deadline: Deadline) -> None:
    shell = Shell("liar", Liar(answering(b"half")), deadline)
    with pytest.raises(HostError, match="the connection ended in the middle") as caught:
        shell.mounts()
    assert caught.value.state is State.UNREACHABLE


def test_a_login_that_never_stops_talking_is_left(deadline: Deadline) -> None:
    def talk(_script: Script) -> Iterator[bytes]:
        while True:
            yield b"welcome\n" * 1000

    with pytest.raises(HostError, match="never stops talking") as caught:
        Shell("liar", Script(talk), deadline)
    assert caught.value.state is State.NO_SHELL


def test_a_host_without_a_shell(deadline: Deadline) -> None:
    with pytest.raises(HostError, match="it gives no shell: This account is not available") as caught:
        Shell("liar", Script(lambda _script: iter([b""]), "This account is not available"), deadline)
    assert caught.value.state is State.NO_SHELL
