"""Links over paramiko to a real sshd, and to servers that hang, lie about sizes, or never stop."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sshd import Sshd, keygen, start

from auditkit.errors import HostError
from auditkit.model import State
from auditkit.ssh import Deadline, Hop, Link, Route, link


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A server that takes keys, and ends a connection after three wrong ones."""
    made = start(tmp_path_factory.mktemp("sshd"), "MaxAuthTries 3", "PasswordAuthentication no")
    yield made
    made.end()


@pytest.fixture
def deadline() -> Iterator[Deadline]:
    """Time enough for what works."""
    made = Deadline(30)
    yield made
    made.cancel()


def hop(server: Sshd, tmp_path: Path, **other: object) -> Hop:
    """The way to the server, its key on file."""
    known = tmp_path / "known_hosts"
    if not known.exists():
        known.write_text(server.known)
    given = {"identities": (str(server.key),), "known_hosts": (str(known),), **other}
    return Hop("there", "127.0.0.1", server.port, server.user, **given)  # type: ignore[arg-type]


def reach(way: Hop, deadline: Deadline) -> Link:
    """A link over one hop."""
    return link.connect(Route((way,)), None, deadline, None)


def refused(way: Hop, deadline: Deadline) -> HostError:
    """The error that a way leads to."""
    with pytest.raises(HostError) as caught:
        reach(way, deadline).close()
    return caught.value


def said(pipe: link.Pipe) -> bytes:
    """All that a command says."""
    return b"".join(iter(lambda: pipe.receive(65536), b""))


def test_several_commands_run_over_one_login(server: Sshd, tmp_path: Path, deadline: Deadline) -> None:
    made = reach(hop(server, tmp_path), deadline)
    for word in (b"one", b"two"):
        pipe = made.run("cat")
        pipe.send(word * 100000)
        pipe._channel.shutdown_write()  # type: ignore[attr-defined]
        assert said(pipe) == word * 100000  # type: ignore[arg-type]
    pipe = made.run("echo out; echo err >&2; exit 7")
    assert said(pipe) == b"out\n"  # type: ignore[arg-type]
    assert (pipe.complaints(), pipe.status()) == ("err\n", 7)
    made.close()


def test_what_the_login_showed_is_kept(server: Sshd, tmp_path: Path, deadline: Deadline) -> None:
    made = reach(hop(server, tmp_path), deadline)
    assert made.facts.banner.startswith("SSH-2.0-OpenSSH_")
    assert made.facts.host_key.startswith("SHA256:")
    assert made.facts.address == "127.0.0.1"
    assert made.facts.algorithms["strict-kex"] == "yes"
    made.close()


def test_a_flood_of_stderr_stalls_nothing(server: Sshd, tmp_path: Path, deadline: Deadline) -> None:
    made = reach(hop(server, tmp_path), deadline)
    pipe = made.run("head -c 40000000 /dev/zero >&2; echo done")
    assert said(pipe) == b"done\n"  # type: ignore[arg-type]
    assert len(pipe.complaints()) == link.KEPT
    made.close()


def test_an_unknown_host_key_sends_nothing_and_says_what_to_compare(server: Sshd, tmp_path: Path, deadline: Deadline) -> None:
    (tmp_path / "known_hosts").write_text("# nothing\n")
    error = refused(hop(server, tmp_path), deadline)
    assert error.state is State.HOSTKEY_UNKNOWN
    assert server.known.strip() in error.hint


def test_a_changed_host_key_names_the_line(server: Sshd, tmp_path: Path, deadline: Deadline) -> None:
    keygen(tmp_path / "other")
    kind, key = (tmp_path / "other.pub").read_text().split()[:2]
    (tmp_path / "known_hosts").write_text(f"# office\n[127.0.0.1]:{server.port} {kind} {key}\n")
    error = refused(hop(server, tmp_path), deadline)
    assert error.state is State.HOSTKEY_CHANGED
    assert f"{tmp_path}/known_hosts, line 2" in str(error)


def test_a_bad_line_in_known_hosts_spoils_no_other(server: Sshd, tmp_path: Path, deadline: Deadline) -> None:
    (tmp_path / "known_hosts").write_text("@cert-authority *.lan ssh-ed25519 !!!\n\x00\n" + server.known)
    reach(hop(server, tmp_path), deadline).close()


def test_a_key_that_is_not_let_in(server: Sshd, tmp_path: Path, deadline: Deadline) -> None:
    keygen(tmp_path / "stranger")
    error = refused(hop(server, tmp_path, identities=(str(tmp_path / "stranger"),)), deadline)
    assert error.state is State.AUTH_FAILED
    assert "stranger" in str(error)


def test_no_key_at_all(server: Sshd, tmp_path: Path, deadline: Deadline) -> None:
    error = refused(hop(server, tmp_path, identities=(str(tmp_path / "none"),)), deadline)
    assert error.state is State.AUTH_FAILED
    assert "no key to offer" in str(error)


def test_a_passphrase_is_asked_for(server: Sshd, tmp_path: Path, deadline: Deadline) -> None:
    keygen(tmp_path / "locked", "-N", "open sesame")
    with (server.folder / "authorized_keys").open("ab") as file:
        file.write((tmp_path / "locked.pub").read_bytes())
    asked: list[str] = []

    def ask(what: str) -> str:
        asked.append(what)
        return "open sesame"

    way = hop(server, tmp_path, identities=(str(tmp_path / "locked"),))
    link.connect(Route((way,)), None, deadline, ask).close()
    assert asked == [f"passphrase of {tmp_path}/locked"]


def test_a_host_behind_another(server: Sshd, tmp_path: Path, deadline: Deadline) -> None:
    (tmp_path / "known_hosts").write_text(server.known)
    way = hop(server, tmp_path)
    made = link.connect(Route((way, way)), None, deadline, None)
    assert said(made.run("echo here")) == b"here\n"
    made.close()


def test_a_foreign_address_is_never_contacted(server: Sshd, tmp_path: Path, deadline: Deadline) -> None:
    error = refused(Hop("there", "192.0.2.1", 22, "root"), deadline)
    assert "192.0.2.1" in str(error)
    assert "networks" in error.hint


Serve = Callable[[socket.socket], None]
BANNER = b"SSH-2.0-OpenSSH_9.2\r\n"


def silent(peer: socket.socket) -> None:
    """Take the connection and say nothing."""
    peer.recv(1000)


def endless_lines(peer: socket.socket) -> None:
    """Greet for ever, line by line."""
    while True:
        peer.sendall(b"welcome\r\n" * 500)


def endless_line(peer: socket.socket) -> None:
    """Greet in one line that never ends."""
    while True:
        peer.sendall(b"w" * 5000)


def huge_packet(peer: socket.socket) -> None:
    """Claim a packet of 2 GiB and send of it what goes."""
    peer.sendall(BANNER + struct.pack(">I", 0x7FFFFFFF))
    while True:
        peer.sendall(bytes(100000))


def hang_up(peer: socket.socket) -> None:
    """Greet, then wait for ever."""
    peer.sendall(BANNER)
    while peer.recv(1000):
        pass


def throttle(peer: socket.socket) -> None:
    """What sshd from 9.8 on says to who failed too often."""
    peer.sendall(b"Not allowed at this time\r\n")


def no_ssh(peer: socket.socket) -> None:
    """Another protocol."""
    peer.sendall(b"220 mail ESMTP\r\n" * 200)


@pytest.mark.parametrize("serve", [silent, endless_lines, endless_line, huge_packet, hang_up, throttle, no_ssh])
def test_a_hostile_server_ends_in_an_error_in_time(serve: Serve, tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        peer, _ = listener.accept()
        with peer:
            try:
                serve(peer)
                while peer.recv(1000):
                    pass
            except OSError:
                pass

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    made = Deadline(2)
    (tmp_path / "known_hosts").touch()
    way = Hop("there", "127.0.0.1", listener.getsockname()[1], "root", known_hosts=(str(tmp_path / "known_hosts"),))
    error = refused(way, made)
    made.cancel()
    listener.close()
    thread.join(10)
    assert not thread.is_alive()
    assert error.state in (State.TIMEOUT, State.UNREACHABLE, State.THROTTLED)
    if serve in (silent, hang_up):
        assert error.state is State.TIMEOUT
    if serve is throttle:
        assert error.state is State.THROTTLED
    assert str(error)
