"""Links over the stock ssh client to real servers, and what its complaints mean."""

import base64
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from links import soon_over
from sshd import PASSWORD, Sshd, agent, hop, keygen, program, public, start, start_dropbear, start_with_passwords

from auditkit.errors import HostError
from auditkit.keys.wire import fingerprint
from auditkit.model import State
from auditkit.ssh import Ask, Deadline, Hop, Pipe, Route, complaints, known, openssh

Reach = Callable[..., openssh.Link]
PUMP = """
import os, socket, sys, threading
there = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def back():
    while data := there.recv(9999):
        os.write(1, data)
threading.Thread(target=back, daemon=True).start()
while data := os.read(0, 9999):
    there.sendall(data)
"""
"""A ProxyCommand, as nc(1) is one."""


@pytest.fixture(scope="module", autouse=True)
def _client() -> None:
    program("ssh")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A server that takes keys, and ends a connection after three wrong ones."""
    made = start(tmp_path_factory.mktemp("sshd"), "MaxAuthTries 3", "PasswordAuthentication no")
    yield made
    made.end()


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """A second one, with another host key and another user's key."""
    made = start(tmp_path_factory.mktemp("other"))
    yield made
    made.end()


@pytest.fixture
def servers() -> Iterator[Callable[[Sshd], Sshd]]:
    """A function that marks a server to be ended with the test."""
    made: list[Sshd] = []

    def note(one: Sshd) -> Sshd:
        made.append(one)
        return one

    yield note
    for one in made:
        one.end()


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the private directories of links go, short enough for sockets; nothing may be left there."""
    with tempfile.TemporaryDirectory(prefix="ak-") as place:
        monkeypatch.setattr(tempfile, "tempdir", place)
        yield Path(place)


@pytest.fixture
def reach(folders: Path) -> Iterator[Reach]:
    """A function that logs in over some hops; at the end all is closed, and no process, thread or file of ours is left."""
    before, threads = set(psutil.Process().children(recursive=True)), set(threading.enumerate())
    made: list[openssh.Link] = []
    deadlines: list[Deadline] = []

    def over(*hops: Hop, ask: Ask | None = None, seconds: float = 60) -> openssh.Link:
        deadlines.append(Deadline(seconds))
        made.append(openssh.connect(Route(hops, transport="openssh"), None, deadlines[-1], ask))
        return made[-1]

    yield over
    for one in made:
        one.close()
    for deadline in deadlines:
        deadline.cancel()
    for thread in set(threading.enumerate()) - threads:
        thread.join(60)
    assert set(threading.enumerate()) <= threads
    _gone, alive = psutil.wait_procs(set(psutil.Process().children(recursive=True)) - before, timeout=60)
    assert alive == []
    assert list(folders.iterdir()) == []


def said(pipe: Pipe) -> bytes:
    """All that a command says."""
    return b"".join(iter(lambda: pipe.receive(65536), b""))


def refused(reach: Reach, *hops: Hop, ask: Ask | None = None, seconds: float = 60) -> HostError:
    """The error that a way leads to."""
    with pytest.raises(HostError) as caught:
        reach(*hops, ask=ask, seconds=seconds)
    return caught.value


def test_several_commands_run_over_one_login(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    made = reach(hop(server, tmp_path))
    places = set()
    for word in ("one", "two", "three"):
        pipe = made.run(f"echo {word} $SSH_CONNECTION; echo complaint >&2; exit 7")
        told = said(pipe).decode().split()
        places.add(tuple(told[1:]))
        assert (told[0], pipe.complaints(), pipe.status()) == (word, "complaint\n", 7)
    assert len(places) == 1


def test_what_is_sent_arrives(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    data = bytes(range(256)) * 50_000
    pipe = reach(hop(server, tmp_path)).run(f"head -c {len(data)} | sha256sum")
    pipe.send(data)
    assert (said(pipe)[:64].decode(), pipe.status()) == (sha256(data).hexdigest(), 0)


def test_a_flood_of_stderr_stalls_nothing(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    pipe = reach(hop(server, tmp_path)).run("head -c 40000000 /dev/zero >&2; echo done")
    assert said(pipe) == b"done\n"
    assert len(pipe.complaints()) == openssh.KEPT


def test_a_command_that_never_ends_ends_with_the_time(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    made = reach(hop(server, tmp_path))
    pipe = made.run("while :; do echo; done")
    soon_over(made._deadline)
    with pytest.raises(HostError) as caught:
        said(pipe)
    assert caught.value.state is State.TIMEOUT


def test_a_connection_that_breaks_is_no_end(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    pipe = reach(hop(server, tmp_path)).run("kill -KILL $PPID; read -r line")
    with pytest.raises(HostError, match="connection broke"):
        said(pipe)


def test_what_the_login_showed_is_kept(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    facts = reach(hop(server, tmp_path)).facts
    assert facts.banner.startswith("SSH-2.0-OpenSSH_")
    assert facts.host_key == fingerprint(known.read([str(tmp_path / "known_hosts")]).lines[0].key)
    assert facts.address == "127.0.0.1"
    assert set(facts.algorithms) == {"kex", "host-key", "cipher", "mac"}


def test_nothing_is_left_when_we_are_killed(server: Sshd, tmp_path: Path, folders: Path) -> None:
    """The client's processes end by themselves; its directory cannot."""
    way = hop(server, tmp_path)
    script = (
        "import sys, tempfile; from auditkit.ssh import *; from auditkit.ssh import openssh\n"
        f"tempfile.tempdir = {str(folders)!r}\n"
        f"made = openssh.connect(Route(({way!r},)), None, Deadline(60), None)\n"
        "pipe = made.run('cat'); print('ready', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            clients = psutil.Process(process.pid).children(recursive=True)
            assert len(clients) >= 2
        finally:
            process.kill()
    _gone, alive = psutil.wait_procs(clients, timeout=60)
    assert alive == []


# --- whose host key counts


def test_an_unknown_host_key(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text("# nothing\n")
    error = refused(reach, hop(server, tmp_path))
    assert error.state is State.HOSTKEY_UNKNOWN
    fingerprint = subprocess.run(["ssh-keygen", "-lf", server.folder / "host_key"], capture_output=True, check=True, text=True)
    assert fingerprint.stdout.split()[1] in str(error)


def test_a_changed_host_key_names_the_line(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    keygen(tmp_path / "old")
    (tmp_path / "known_hosts").write_text(f"# office\n[127.0.0.1]:{server.port} {public(tmp_path / 'old')}\n")
    error = refused(reach, hop(server, tmp_path))
    assert error.state is State.HOSTKEY_CHANGED
    assert f"{tmp_path}/known_hosts, line 2" in str(error)


def test_a_revoked_host_key_is_refused(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text(f"{server.known}@revoked * {public(server.folder / 'host_key')}\n")
    error = refused(reach, hop(server, tmp_path))
    assert (error.state, "revoked" in str(error)) == (State.HOSTKEY_CHANGED, True)


def test_a_key_that_is_on_file_without_the_port(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text(f"127.0.0.1 {public(server.folder / 'host_key')}\n")
    reach(hop(server, tmp_path))


def test_a_certificate_of_a_host(reach: Reach, servers: Callable[[Sshd], Sshd], tmp_path: Path) -> None:
    authority, own = keygen(tmp_path / "ca"), keygen(tmp_path / "own")
    subprocess.run(["ssh-keygen", "-q", "-s", authority, "-I", "there", "-h", "-n", "there.lan", f"{own}.pub"], check=True)
    made = servers(start(tmp_path / "sshd", f"HostKey {own}", f"HostCertificate {own}-cert.pub"))
    (tmp_path / "known_hosts").write_text(f"@cert-authority *.lan {public(authority)}\n")
    there = reach(hop(made, tmp_path, host_key_alias="there.lan"))
    assert there.facts.host_key == fingerprint(public_blob(own))
    error = refused(reach, hop(made, tmp_path, host_key_alias="other.lan"))
    assert error.state is State.HOSTKEY_UNKNOWN
    assert "is unknown, and its certificate is invalid: " in str(error)


def public_blob(key: Path) -> bytes:
    return base64.b64decode(public(key).split()[1])


# --- who is let in


def test_a_key_that_is_not_let_in_is_named(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    stranger = keygen(tmp_path / "a stranger's key")
    error = refused(reach, hop(server, tmp_path, identities=(str(stranger),), identities_only=True))
    assert error.state is State.AUTH_FAILED
    assert str(error).startswith(f"it does not let {server.user} in: offered {stranger}; it takes publickey")


def test_the_agent_signs(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    own = keygen(tmp_path / "own")
    server.allow(own)
    with agent(tmp_path, *(keygen(tmp_path / f"stranger{at}") for at in range(7)), own) as held:
        own.unlink()
        reach(hop(server, tmp_path, identities=(str(own),), identities_only=True, agent=held))


def test_a_passphrase_is_asked_for(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    locked = keygen(tmp_path / "locked", passphrase="open 'sesame\\")
    server.allow(locked)
    asked: list[str] = []

    def ask(question: str) -> str:
        asked.append(question)
        return "open 'sesame\\"

    reach(hop(server, tmp_path, identities=(str(locked),), identities_only=True), ask=ask)
    assert asked == [f"Enter passphrase for key '{locked}'"]
    assert refused(reach, hop(server, tmp_path, identities=(str(locked),), identities_only=True)).state is State.AUTH_FAILED


def test_a_password_is_asked_for(reach: Reach, servers: Callable[[Sshd], Sshd], tmp_path: Path) -> None:
    made = servers(start_with_passwords(tmp_path / "sshd", "KbdInteractiveAuthentication no"))
    way = hop(made, tmp_path, identities=(str(tmp_path / "none"),), identities_only=True)
    reach(way, ask=lambda _question: PASSWORD)
    error = refused(reach, way, ask=lambda _question: "wrong")
    assert (error.state, "offered a password; it takes" in str(error)) == (State.AUTH_FAILED, True)


def test_a_server_that_takes_no_keys_is_told_as_one(reach: Reach, servers: Callable[[Sshd], Sshd], tmp_path: Path) -> None:
    made = servers(start(tmp_path / "sshd", "PubkeyAuthentication no", "PasswordAuthentication yes"))
    error = refused(reach, hop(made, tmp_path))
    assert (error.state, "key to offer" in str(error), "--password-fd" in error.hint) == (State.AUTH_FAILED, False, True)


# --- ways


def test_a_host_behind_another(reach: Reach, server: Sshd, other: Sshd, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text(server.known + other.known)
    made = reach(hop(server, tmp_path), hop(other, tmp_path))
    assert said(made.run("echo $SSH_CONNECTION")).split()[-1] == str(other.port).encode()
    assert made.facts.host_key == fingerprint(known.read([str(tmp_path / "known_hosts")]).lines[1].key)
    assert made.facts.address == "127.0.0.1"


def test_the_address_of_a_host_is_not_that_of_its_jump_host() -> None:
    way = Route((Hop("gate", "10.1.1.1", 22, "root"), Hop("there", "10.1.1.2", 22, "root")))
    assert complaints.facts("", way, "10.1.1.1").address == "10.1.1.2"


def test_a_jump_host_that_goes_no_further_is_no_crowd(
    reach: Reach, server: Sshd, other: Sshd, servers: Callable[[Sshd], Sshd], tmp_path: Path
) -> None:
    shut = servers(start(tmp_path / "shut", "AllowTcpForwarding no"))
    (tmp_path / "known_hosts").write_text(server.known + other.known + shut.known)
    gate, closed = replace(hop(server, tmp_path), name="gate"), replace(hop(shut, tmp_path), name="closed")
    there, nowhere = hop(other, tmp_path), replace(hop(other, tmp_path), port=1, name="nowhere")
    never = "does not connect to it: administratively prohibited: open failed"
    nobody = "does not connect to it: connect failed: Connection refused"
    for way, words, hint in (
        ((closed, there), f"the jump host closed {never}", "sshd_config of closed"),
        ((closed, gate, there), f"at the jump host gate: the jump host closed {never}", "sshd_config of closed"),
        ((gate, closed, there), f"the jump host closed {never}", "sshd_config of closed"),
        ((gate, nowhere), f"the jump host gate {nobody}", "see whether it is up"),
        ((gate, nowhere, there), f"at the jump host nowhere: the jump host gate {nobody}", "see whether it is up"),
    ):
        error = refused(reach, *way)
        assert (str(error), error.state, hint in error.hint) == (words, State.UNREACHABLE, True)


def test_a_jump_host_that_lets_nobody_in_is_named(reach: Reach, server: Sshd, other: Sshd, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text(server.known + other.known)
    there = hop(other, tmp_path)
    stranger = replace(hop(server, tmp_path, identities=(str(other.key),)), name="gate", user="mail")
    for way in ((stranger, there), (replace(there, name="first"), stranger, there)):
        error = refused(reach, *way)
        assert str(error).startswith("at the jump host gate: it does not let mail in; it takes publickey")
        assert error.state is State.AUTH_FAILED
        assert "of mail there" in error.hint
    silent = replace(hop(server, tmp_path), name="gate", port=1)
    error = refused(reach, silent, there)
    assert (str(error).startswith("at the jump host gate: "), error.state) == (True, State.UNREACHABLE)


def test_each_hop_must_show_its_own_key(reach: Reach, server: Sshd, other: Sshd, tmp_path: Path) -> None:
    for line in (server.known, other.known):
        (tmp_path / "known_hosts").write_text(line)
        error = refused(reach, replace(hop(server, tmp_path), name="gate"), hop(other, tmp_path))
        at_the_gate = line == other.known
        assert (error.state, str(error).startswith("at the jump host gate: ")) == (State.HOSTKEY_UNKNOWN, at_the_gate)


def test_a_proxy_command_leads_there(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    pump = tmp_path / "pump.py"
    pump.write_text(PUMP)
    command = f"{sys.executable} {pump} {server.port}"
    assert said(reach(hop(server, tmp_path, proxy_command=command)).run("echo 100%")) == b"100%\n"


def test_a_foreign_address_is_never_contacted(reach: Reach) -> None:
    error = refused(reach, Hop("there", "192.0.2.1", 22, "root"))
    assert ("192.0.2.1" in str(error), "networks" in error.hint) == (True, True)


def test_a_name_with_several_addresses(reach: Reach, server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, server.port)) for number in ("127.0.0.9", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_words, **_options: found)
    (tmp_path / "known_hosts").write_text(server.known.replace("127.0.0.1", "ws-03.lan"))
    way = replace(hop(server, tmp_path), hostname="ws-03.lan")
    assert reach(way).facts.address == "127.0.0.1"


def test_a_dropbear_is_reached_too(reach: Reach, servers: Callable[[Sshd], Sshd], tmp_path: Path) -> None:
    made = servers(start_dropbear(tmp_path / "dropbear"))
    there = reach(hop(made, tmp_path))
    assert there.facts.banner.startswith("SSH-2.0-dropbear")
    for word in (b"one\n", b"two\n"):
        pipe = there.run("head -c 4; exit 4")
        pipe.send(word)
        assert (said(pipe), pipe.status()) == (word, 4)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("KexAlgorithms diffie-hellman-group14-sha1", "key exchange: diffie-hellman-group14-sha1"),
        ("HostKeyAlgorithms ssh-rsa", "host keys: ssh-rsa"),
    ],
)
def test_a_server_with_sha1_only_has_to_be_allowed(
    line: str, what: str, reach: Reach, servers: Callable[[Sshd], Sshd], tmp_path: Path
) -> None:
    made = servers(start(tmp_path / "sshd", line, host_key="rsa"))
    error = refused(reach, hop(made, tmp_path))
    assert str(error) == f"it only offers SHA-1 algorithms for {what}"
    assert line.replace(" ", " +") in error.hint


def test_nobody_listens(reach: Reach) -> None:
    assert refused(reach, Hop("there", "127.0.0.1", 1, "root")).state is State.UNREACHABLE


@pytest.mark.parametrize(
    ("word", "state"),
    [
        (b"Not allowed at this time\r\n", State.THROTTLED),
        (b"Exceeded MaxStartups\r\n", State.THROTTLED),
        (b"", State.THROTTLED),
        (None, State.TIMEOUT),
    ],
)
def test_who_sends_us_away_or_holds_us(word: bytes | None, state: State, reach: Reach) -> None:
    def serve(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            while peer.recv(4096) and word is None:
                pass
            peer.sendall(word or b"")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        seconds = 2 if state is State.TIMEOUT else 60
        assert refused(reach, Hop("there", "127.0.0.1", listener.getsockname()[1], "root"), seconds=seconds).state is state
        thread.join(60)


# --- what ssh says, in words


@given(st.text(), st.booleans())
def test_whatever_ssh_says_becomes_an_error(text: str, timed_out: bool) -> None:
    route = Route((Hop("there", "127.0.0.1", 22, "audit"),))
    error = complaints.failure(text, route, timed_out)
    assert str(error).isprintable()
    assert error.hint.isprintable()
    complaints.facts(text, route, "127.0.0.1")
