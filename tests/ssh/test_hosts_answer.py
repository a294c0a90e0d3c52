"""Every live kind of host answers alike where evidence is no file; this machine asked by the probe in process is the oracle."""

import marshal
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_network
from pathlib import Path
from types import ModuleType

import psutil
import pytest
from links import ShellLink
from sshd import Sshd, hop, program, start, user

from auditkit.answers import Listening, Process, Shown, process, shown
from auditkit.errors import HostError
from auditkit.hosts import Host, question, ssh, taken_below
from auditkit.hosts.local import Local
from auditkit.model import Gap, Item, Means, Need, State
from auditkit.probe import commands, frames
from auditkit.ssh import Deadline, Route, banners, complaints, link, openssh, session, visit
from auditkit.ssh.session import Session
from auditkit.ssh.shell import Shell

BANNER = Need(Means.BANNER, "ssh")
LISTENERS = Need(Means.LISTENERS, "all")


@pytest.fixture
def deadline() -> Iterator[Deadline]:
    """Time enough, and a net under a test that hangs."""
    made = Deadline(60)
    yield made
    made.cancel()


@pytest.fixture(params=["python", "shell"])
def host(request: pytest.FixtureRequest, deadline: Deadline) -> Iterator[ssh.Ssh | Shell]:
    """This machine, asked through a shell as if it were another one: with its Python, and with its tools."""
    made = ShellLink(SSH_CONNECTION="10.1.2.3 50000 10.0.0.1 22")
    with_python = request.param == "python"
    one = ssh.Ssh("there", made, Session(made, deadline, "none"), deadline) if with_python else Shell("there", made, deadline)
    yield one
    one.close()


def bare(taken: Iterator[Item | Gap]) -> list[tuple[str, str, bytes | str]]:
    """What was said of each, in no order, for commands are told of as they end."""
    items = (("item", one.source, one.data) if isinstance(one, Item) else ("gap", one.subject, one.reason) for one in taken)
    return sorted(items, key=str)


def test_every_host_says_the_same(host: Host, tmp_path: Path) -> None:
    odd = os.fsdecode(b"a\nb \xff'")
    (tmp_path / odd).mkdir()
    (tmp_path / odd / "-c").touch(mode=0o640)
    (tmp_path / "link").symlink_to(f"{odd}/-c")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "dangling").symlink_to("none")
    echo = os.path.realpath(program("printf"))
    asked = (
        *(Need(Means.STATUS, what) for what in ("/", "/etc/passwd", "/bin/sh", "/etc/*.conf", "~/.ssh", "/proc/self/nothing")),
        *(Need(Means.STATUS, f"{tmp_path}/{name}") for name in ("*", f"{odd}/*", "link", "loop", "dangling", "none", "link/x")),
        *(Need(Means.STATUS, f"{tmp_path}/none", optional=False), Need(Means.FILE, "/etc/passwd")),
        Need(Means.COMMAND, f"{echo} %s|%s\\0 $HOME a;b"),
        *(Need(Means.COMMAND, what) for what in ("/nowhere -T", "sh", "/etc", f"{tmp_path}/none", "/tmp", f"{echo}  a")),
        Need(Means.COMMAND, "/nowhere/else", optional=False),
    )
    assert bare(host.take(asked)) == bare(taken_below(b"/", asked))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("words", ["", "-c yes", "-c yes>&2", "-c kill${IFS}-TERM${IFS}$$", "-c exit${IFS}7"])
def test_programs_come_to_the_same_everywhere(host: Host, words: str) -> None:
    """Words have no blanks: a shell's IFS stands for them."""
    asked = (Need(Means.COMMAND, f"/bin/sh {words}".strip()),)
    here, there = (list(each) for each in (taken_below(b"/", asked), host.take(asked)))
    assert isinstance(here[0], Item)
    assert isinstance(there[0], Item)
    assert there[0].data == here[0].data


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_takes_too_long_is_ended_everywhere(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(host, ssh.Ssh):
        pytest.skip("its probe has its own time; tests/test_means.py has that")
    monkeypatch.setattr(commands, "SECONDS", 1)
    (one,) = host.take((Need(Means.COMMAND, "/bin/sleep 987654"),))
    assert isinstance(one, Item)
    assert one.data == b"-\n\0"
    assert [each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"] == ["/bin/sleep", "987654"]] == []


def test_whoever_listens_is_told_of_by_every_host(host: Host) -> None:
    with socket.create_server(("127.0.0.1", 0)), socket.create_server(("::1", 0), family=socket.AF_INET6):
        here, there = ({each.source: process_of(each) for each in items(one)} for one in (Local(), host))
        own = f"/proc/{os.getpid()}"
        assert len(here[own].listens) >= 2
        assert there[own] == here[own]


def items(host: Host) -> list[Item]:
    """Who listens there."""
    return [one for one in host.take((LISTENERS,)) if isinstance(one, Item)]


def process_of(one: Item | Gap) -> Process:
    assert isinstance(one, Item), one
    told = process(one)
    assert isinstance(told, Process), told
    return told


def test_what_the_server_sees_is_what_it_says(host: Host) -> None:
    link_facts = host._link.facts  # type: ignore[attr-defined]
    assert link_facts.shown("::1").source == "::1"
    assert list(host.take((BANNER,))) == [], "this link is over no network"


@pytest.mark.parametrize(
    ("words", "source"),
    [(["10.1.2.3"], "10.1.2.3"), (["fe80::1%eth0"], "fe80::1"), (["anna"], ""), ([""], ""), ([], ""), (["\x1b[2J"], "")],
)
def test_what_is_no_address_is_none(words: list[str], source: str) -> None:
    assert session.whence(words) == source


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("way", ["the link is cut", "the probe is killed"])
def test_no_command_outlives_who_asks(deadline: Deadline, way: str) -> None:
    made = ShellLink()
    conversation = Session(made, deadline, "none")
    need = question(Need(Means.COMMAND, f"/bin/sh -c sleep${{IFS}}98765.{os.getpid()}&wait"))
    made.pipes[0].send(frames.pack(b"t", 1, [marshal.dumps([need], 2), *conversation.more()]))
    until(sleeping)
    if way == "the link is cut":
        conversation.close()
    else:
        (probe,) = psutil.Process(made.pipes[0].process.pid).children()
        probe.kill()
    assert psutil.wait_procs(sleeping(), timeout=10)[1] == []
    conversation.close()


def until(true: Callable[[], object], seconds: float = 60) -> None:
    """Wait for what another process brings about."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds:g} seconds"
        time.sleep(0.01)


def sleeping() -> list[psutil.Process]:
    """The sleepers of this test."""
    word = f"98765.{os.getpid()}"
    found = [each for each in psutil.process_iter(["cmdline"]) if word in (each.info["cmdline"] or [])]
    return [each for each in found if each.status() != psutil.STATUS_ZOMBIE]


# a host that lies


def test_a_host_that_answers_another_command_has_lied(deadline: Deadline) -> None:
    need = Need(Means.COMMAND, "/usr/sbin/sshd -T")
    with pytest.raises(HostError) as caught:
        ssh._item(b"I", [b"0", b"/usr/sbin/sshd", b"1", b"0\n\0"], [need])
    assert caught.value.state is State.LIED


# banners


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A server that takes keys and passwords."""
    made = start(tmp_path_factory.mktemp("sshd"), "PasswordAuthentication yes", "KbdInteractiveAuthentication no")
    yield made
    made.end()


def expected(server: Sshd, told: Shown) -> None:
    """What any look at that server must show."""
    keys = subprocess.run(
        [program("ssh-keygen"), "-lf", server.folder / "host_key.pub"], capture_output=True, text=True, check=True
    )
    config = subprocess.run(
        [program("sshd"), "-T", "-f", server.folder / "sshd_config"], capture_output=True, text=True, check=True
    ).stdout
    lists = dict(line.split(" ", 1) for line in config.splitlines() if " " in line)
    assert told.banner.startswith("SSH-2.0-OpenSSH_")
    assert told.host_key == keys.stdout.split()[1]
    assert (told.host_key_type, told.address, told.port) == ("ssh-ed25519", "127.0.0.1", server.port)
    assert (told.user, told.methods) == (user(), ("publickey", "password"))
    assert told.kexinit["host_keys"] == ("ssh-ed25519",)
    assert told.kexinit["ciphers"] == tuple(lists["ciphers"].split(","))
    assert told.kexinit["macs"] == tuple(lists["macs"].split(","))
    assert told.kexinit["kex"][: lists["kexalgorithms"].count(",") + 1] == tuple(lists["kexalgorithms"].split(","))
    assert told.kexinit["compression"][0] == "none"


@pytest.mark.parametrize("transport", [link, openssh], ids=["paramiko", "openssh"])
def test_a_login_shows_the_server(transport: ModuleType, server: Sshd, tmp_path: Path, deadline: Deadline) -> None:
    with closing(transport.connect(Route((hop(server, tmp_path),)), None, deadline, None)) as made:
        told = made.facts.shown()
    expected(server, told)
    assert told.source == ("127.0.0.1" if transport is link else "")


def test_the_host_hands_on_what_the_login_showed_and_sends_no_packet_more(
    server: Sshd, tmp_path: Path, deadline: Deadline
) -> None:
    made = link.connect(Route((hop(server, tmp_path),)), None, deadline, None)
    with closing(ssh.Ssh("there", made, Session(made, deadline, "none"), deadline)) as there:
        (one,) = there.take((BANNER,))
    assert isinstance(one, Item)
    assert one.source == f"127.0.0.1:{server.port}"
    told = shown(one)
    assert isinstance(told, Shown)
    expected(server, told)
    assert told.source == "127.0.0.1", "as SSH_CONNECTION has it there"


def test_a_server_is_told_of_and_not_what_it_starts_for_each_connection(
    server: Sshd, tmp_path: Path, deadline: Deadline, host: Host
) -> None:
    with closing(link.connect(Route((hop(server, tmp_path),)), None, deadline, None)) as made:
        pipe = made.run("echo there; cat")
        assert pipe.receive(100) == b"there\n"
        below = psutil.Process(server.process.pid).children(recursive=True)
        assert any(each.name().startswith("sshd") for each in below)
        seen = {one.source for one in items(host)}
    assert f"/proc/{server.process.pid}" in seen
    assert not seen & {f"/proc/{each.pid}" for each in below}


def test_who_needs_no_credential_is_told() -> None:
    said = (
        'debug1: Remote protocol version 2.0, remote software version x\nAuthenticated to there ([10.0.0.1]:22) using "none".\n'
    )
    assert complaints._methods(said) == ("none",)
    assert complaints._methods("") == ()


def processes_of(*servers: Sshd) -> list[Process]:
    """The real processes of these servers."""
    pids = {each.process.pid for each in servers}
    return [one for one in map(process_of, Local().take((LISTENERS,))) if one.pid in pids]


def test_the_servers_of_this_machine_are_visited_once_each(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = visit.visited(banners.places(processes_of(server)), None)
    assert isinstance(one, Shown)
    expected(server, one)
    assert one.source == "127.0.0.1"
    (one,) = visit.visited(banners.places(processes_of(server)), (ip_network("192.0.2.0/24"),))
    assert isinstance(one, Shown), "this machine itself is never foreign"


def test_nobody_asks_about_a_user_without_a_name(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "_user", lambda: "")
    (one,) = visit.visited(banners.places(processes_of(server)), None)
    assert isinstance(one, Shown)
    assert (one.user, one.methods, one.host_key_type) == ("", (), "ssh-ed25519")


def test_the_local_host_shows_its_servers(server: Sshd) -> None:
    told = [one for one in Local().take((BANNER,)) if isinstance(one, Item)]
    assert all(one.need == BANNER for one in told)
    if len(told) < banners.MOST:
        assert f"127.0.0.1:{server.port}" in {one.source for one in told}


def listening(address: str, port: int, program: str = "/usr/sbin/sshd", pid: int | None = 1) -> Process:
    """Somebody who listens in one place."""
    return Process(pid, 1, 0, None, program, (), "", (Listening("tcp", address, port),))


@pytest.mark.parametrize(
    ("processes", "places"),
    [
        ([listening("0.0.0.0", 2222), listening("::", 22), listening("0.0.0.0", 22)], [("127.0.0.1", 22), ("127.0.0.1", 2222)]),
        ([listening("::", 22)], [("::1", 22)]),
        ([listening("192.168.1.5", 22), listening("::1", 22)], [("::1", 22)]),
        ([listening("192.168.1.5", 22, "/opt/x/sshd (deleted)")], [("192.168.1.5", 22)]),
        ([listening("0.0.0.0", 80, "/usr/sbin/nginx"), listening("0.0.0.0", 22, "/usr/sbin/nginx")], []),
        ([listening("0.0.0.0", 22, "", None), listening("0.0.0.0", 2222, "", None)], [("127.0.0.1", 22)]),
        ([listening("::1", port) for port in (25, 24, 23, 22, 21)], [("::1", 22), ("::1", 21), ("::1", 23)]),
    ],
)  # fmt: skip
def test_where_a_visit_leads(processes: list[Process], places: list[tuple[str, int]]) -> None:
    assert banners.places(processes) == places


def test_a_server_at_a_foreign_address_is_not_contacted() -> None:
    (one,) = visit.visited([("8.8.8.8", 22)], None)
    assert one == Gap(
        "8.8.8.8:22", "what it shows is not known: 8.8.8.8 is no address of an own network, and was not contacted"
    )


@contextmanager
def saying(*pieces: bytes) -> Iterator[int]:
    """The port of a server that says this to whoever comes, and then nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ended = threading.Event()

        def serve() -> None:
            with listener.accept()[0] as visitor:
                for piece in pieces:
                    visitor.sendall(piece)
                ended.wait(30)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        ended.set()
        thread.join(5)


@pytest.mark.parametrize("pieces", [(), (b"SSH-2.0-x\r\n",), (b"220 ftp\r\n",), (b"SSH-2.0-x\r\n", b"\xff" * 100)])
def test_a_server_that_says_nothing_good_is_a_gap(pieces: tuple[bytes, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "PATIENCE", 0.3)
    with saying(*pieces) as port:
        (one,) = visit.visited([("127.0.0.1", port)], None)
    assert isinstance(one, Gap)
    assert (one.subject, one.reason.startswith("what it shows is not known: ")) == (f"127.0.0.1:{port}", True)


def test_a_server_with_algorithms_of_its_own_shows_at_least_these(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = [b"kex@example", b"key@example", b"c@example", b"s@example", b"m@example", b"n@example", b"none", b"zlib", b"", b""]
    body = b"\x14" + bytes(16) + b"".join(len(each).to_bytes(4, "big") + each for each in lists) + bytes(5)
    padding = 4 + -(len(body) + 9) % 8
    packet = (len(body) + padding + 1).to_bytes(4, "big") + bytes([padding]) + body + bytes(padding)
    with saying(b"SSH-2.0-odd\r\n", packet) as port:
        (one,) = visit.visited([("127.0.0.1", port)], None)
    assert isinstance(one, Shown)
    assert (one.banner, one.host_key, one.methods) == ("SSH-2.0-odd", "", ())
    assert one.kexinit == {
        "kex": ("kex@example",),
        "host_keys": ("key@example",),
        "ciphers": ("s@example",),
        "macs": ("n@example",),
        "compression": ("zlib",),
    }
