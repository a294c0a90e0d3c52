"""Links over paramiko to real servers: who is let in and with what, whose host key counts, what runs there."""

import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from sshd import PASSWORD, Sshd, agent, hop, keygen, public, start, start_dropbear, start_with_passwords

from auditkit.errors import HostError
from auditkit.keys.wire import fingerprint
from auditkit.model import State
from auditkit.ssh import Ask, Deadline, Hop, Pipe, Route, known, link


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
def deadline() -> Iterator[Deadline]:
    """Time enough for what works; and no thread of a link may be left when it is closed."""
    before = set(threading.enumerate())
    made = Deadline(60)
    yield made
    made.cancel()
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
    assert set(threading.enumerate()) <= before


Reach = Callable[..., link.Link]


@pytest.fixture
def reach(deadline: Deadline) -> Iterator[Reach]:
    """A function that logs in over some hops; all links are closed at the end."""
    made: list[link.Link] = []

    def over(*hops: Hop, ask: Ask | None = None) -> link.Link:
        made.append(link.connect(Route(hops), None, deadline, ask))
        return made[-1]

    yield over
    for one in made:
        one.close()


def said(pipe: Pipe) -> bytes:
    """All that a command says."""
    return b"".join(iter(lambda: pipe.receive(65536), b""))


def refused(reach: Reach, *hops: Hop, ask: Ask | None = None) -> HostError:
    """The error that a way leads to."""
    with pytest.raises(HostError) as caught:
        reach(*hops, ask=ask)
    return caught.value


def keys(folder: Path, number: int) -> list[Path]:
    """Keys that nobody knows."""
    return [keygen(folder / f"stranger{at}") for at in range(number)]


class Person:
    """Somebody at the terminal, who answers what the test says, and remembers what was asked."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, question: str) -> str:
        """The next answer."""
        self.asked.append(question)
        return self.answers.pop(0)


# --- what runs there


def test_several_commands_run_over_one_login(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    made = reach(hop(server, tmp_path))
    for word in ("one", "two", "three"):
        pipe = made.run(f"echo {word}; echo complaint >&2; exit 7")
        assert (said(pipe), pipe.complaints(), pipe.status()) == (f"{word}\n".encode(), "complaint\n", 7)


def test_what_is_sent_arrives(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    data = bytes(range(256)) * 50_000
    pipe = reach(hop(server, tmp_path)).run(f"head -c {len(data)} | sha256sum")
    pipe.send(data)
    assert (said(pipe)[:64].decode(), pipe.status()) == (sha256(data).hexdigest(), 0)


def test_what_is_said_arrives(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    assert len(said(reach(hop(server, tmp_path)).run("head -c 12345678 /dev/zero"))) == 12_345_678


def test_a_flood_of_stderr_stalls_nothing(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    pipe = reach(hop(server, tmp_path)).run("head -c 40000000 /dev/zero >&2; echo done")
    assert said(pipe) == b"done\n"
    assert len(pipe.complaints()) == link.KEPT


def test_a_signal_is_no_exit_status(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    pipe = reach(hop(server, tmp_path)).run("kill -KILL $$")
    assert (said(pipe), pipe.status()) == (b"", None)


def test_a_command_sees_its_stdin_end_when_it_is_closed(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    made = reach(hop(server, tmp_path))
    pipe = made.run(f"cat >/dev/null; echo ended >{tmp_path}/ended")
    pipe.close()
    assert said(made.run(f"while ! [ -s {tmp_path}/ended ]; do sleep 0.05; done; cat {tmp_path}/ended")) == b"ended\n"


def test_a_link_that_is_closed_runs_nothing_more(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    made = reach(hop(server, tmp_path))
    pipe = made.run("cat")
    made.close()
    for use in (lambda: made.run("true"), lambda: pipe.receive(1), lambda: pipe.send(b"more")):
        with pytest.raises(HostError, match="connection broke"):
            use()


def test_what_the_login_showed_is_kept(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    facts = reach(hop(server, tmp_path)).facts
    assert facts.banner.startswith("SSH-2.0-OpenSSH_")
    assert facts.host_key == fingerprint(known.read([str(tmp_path / "known_hosts")]).lines[0].key)
    assert facts.address == "127.0.0.1"
    assert facts.algorithms["strict-kex"] == "yes"
    assert facts.algorithms["cipher"] == "aes128-gcm@openssh.com"
    assert {"kex", "host-key", "mac"} <= set(facts.algorithms)


# --- whose host key counts


def test_an_unknown_host_key_says_what_to_compare_and_to_add(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text("# nothing\n")
    error = refused(reach, hop(server, tmp_path))
    assert error.state is State.HOSTKEY_UNKNOWN
    assert server.known.strip() in error.hint
    assert "SHA256:" in error.hint


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


def test_the_server_is_asked_for_the_type_of_key_that_is_on_file(
    reach: Reach, servers: Callable[[Sshd], Sshd], tmp_path: Path
) -> None:
    keygen(tmp_path / "ecdsa", kind="ecdsa")
    made = servers(start(tmp_path / "sshd", f"HostKey {tmp_path}/ecdsa"))
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{made.port} {public(tmp_path / 'ecdsa')}\n")
    assert reach(hop(made, tmp_path)).facts.algorithms["host-key"] == "ecdsa-sha2-nistp256"


def test_a_host_with_an_authority_is_for_the_stock_client(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text(f"@cert-authority * {public(server.key)}\n")
    error = refused(reach, hop(server, tmp_path))
    assert (error.state, "transport: openssh" in error.hint) == (State.HOSTKEY_UNKNOWN, True)


def test_a_bad_line_in_known_hosts_spoils_no_other(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text("@cert-authority *.lan ssh-ed25519 !!!\n\x00\n" + server.known)
    reach(hop(server, tmp_path))


# --- who is let in


def test_a_key_that_is_not_let_in_is_named(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    (stranger,) = keys(tmp_path, 1)
    error = refused(reach, hop(server, tmp_path, identities=(str(stranger),)))
    assert error.state is State.AUTH_FAILED
    assert str(error) == f"it does not let {server.user} in: offered {stranger}; it takes publickey, keyboard-interactive"


def test_a_key_that_is_right_and_not_enough_is_said_to_be_so(reach: Reach, tmp_path: Path) -> None:
    more = start(tmp_path / "more", "AuthenticationMethods publickey,keyboard-interactive", "KbdInteractiveAuthentication yes")
    try:
        error = refused(reach, hop(more, tmp_path))
    finally:
        more.end()
    assert (error.state, "which is right and not enough" in str(error)) == (State.AUTH_FAILED, True)
    assert "AuthenticationMethods" in error.hint


def test_a_server_that_takes_no_keys_is_said_to_take_none(reach: Reach, tmp_path: Path) -> None:
    other = start(tmp_path / "other", "PubkeyAuthentication no", "KbdInteractiveAuthentication yes")
    try:
        error = refused(reach, hop(other, tmp_path))
    finally:
        other.end()
    assert (error.state, "it takes no keys" in str(error)) == (State.AUTH_FAILED, True)
    assert "PubkeyAuthentication" in error.hint


def test_without_any_key_that_is_said(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    error = refused(reach, hop(server, tmp_path, identities=(str(tmp_path / "none"),)))
    assert (error.state, "there is no key to offer" in str(error)) == (State.AUTH_FAILED, True)


@pytest.mark.parametrize("options", [("-m", "PEM"), ("-m", "RFC4716")])
def test_keys_of_every_kind_and_format_are_taken(options: tuple[str, ...], reach: Reach, server: Sshd, tmp_path: Path) -> None:
    for kind in ("rsa", "ecdsa"):
        server.allow(keygen(tmp_path / kind, *options, kind=kind))
        reach(hop(server, tmp_path, identities=(str(tmp_path / kind),)))


def test_a_passphrase_is_asked_for_once_the_server_takes_the_key(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    stranger = keygen(tmp_path / "stranger", passphrase="never asked for")
    locked = keygen(tmp_path / "locked", passphrase="open sesame")
    server.allow(locked)
    person = Person("mistyped", "open sesame")
    reach(hop(server, tmp_path, identities=(str(stranger), str(locked))), ask=person)
    assert person.asked == [f"passphrase of {locked}"] * 2


def test_nobody_is_there_to_be_asked_for_a_passphrase(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    locked = keygen(tmp_path / "locked", passphrase="open sesame")
    server.allow(locked)
    error = refused(reach, hop(server, tmp_path, identities=(str(locked),)))
    assert error.state is State.AUTH_FAILED
    assert "it has a passphrase and nobody can be asked" in str(error)


def test_a_full_agent_does_not_burn_the_tries(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    """The agent holds seven wrong keys before the right one, whose private half lies nowhere else."""
    own = keygen(tmp_path / "own")
    server.allow(own)
    with agent(tmp_path, *keys(tmp_path, 7), own) as held:
        own.unlink()
        reach(hop(server, tmp_path, identities=(str(own),), agent=held))


def test_an_agent_is_not_emptied_at_random(reach: Reach, other: Sshd, tmp_path: Path) -> None:
    with agent(tmp_path, *keys(tmp_path, 7)) as held:
        error = refused(reach, hop(other, tmp_path, identities=(), agent=held))
        assert str(error).count("(agent)") == 5
        only = refused(reach, hop(other, tmp_path, identities=(), agent=held, identities_only=True))
        assert "there is no key to offer" in str(only)


def test_a_hardware_key_is_left_out_and_said_so(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    blob = "AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAAAABHNzaDo="
    (tmp_path / "yubi.pub").write_text(f"sk-ssh-ed25519@openssh.com {blob} anna\n")
    (tmp_path / "yubi").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")
    (tmp_path / "yubi").chmod(0o600)
    error = refused(reach, hop(server, tmp_path, identities=(str(tmp_path / "yubi"),)))
    assert "left out" in str(error)
    assert "transport: openssh" in error.hint
    reach(hop(server, tmp_path, identities=(str(tmp_path / "yubi"), str(server.key))))


def test_an_agent_that_is_gone_is_no_obstacle(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    reach(hop(server, tmp_path, agent=str(tmp_path / "gone")))


def test_a_key_that_others_can_read_is_left_out(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    own = keygen(tmp_path / "own")
    server.allow(own)
    own.chmod(0o644)
    error = refused(reach, hop(server, tmp_path, identities=(str(own),)))
    assert "is open to others" in str(error)


def test_a_certificate_opens_where_its_key_does_not(reach: Reach, servers: Callable[[Sshd], Sshd], tmp_path: Path) -> None:
    authority, own = keygen(tmp_path / "ca"), keygen(tmp_path / "own")
    made = servers(start(tmp_path / "sshd", f"TrustedUserCAKeys {authority}.pub"))
    subprocess.run(["ssh-keygen", "-q", "-s", authority, "-I", "anna", "-n", made.user, f"{own}.pub"], check=True)
    reach(hop(made, tmp_path, identities=(str(own),)))
    told = str(refused(reach, replace(hop(made, tmp_path, identities=(str(own),)), user="mail")))
    assert told.count(str(own)) == 1
    with agent(tmp_path, own) as held:
        own.unlink()
        reach(hop(made, tmp_path, identities=(str(own),), agent=held))


def test_a_password_is_asked_for_after_the_keys(reach: Reach, servers: Callable[[Sshd], Sshd], tmp_path: Path) -> None:
    made = servers(start_with_passwords(tmp_path / "sshd", "KbdInteractiveAuthentication no"))
    (stranger,) = keys(tmp_path, 1)
    person = Person(PASSWORD, "wrong")
    reach(hop(made, tmp_path, identities=(str(stranger),)), ask=person)
    error = refused(reach, hop(made, tmp_path, identities=(str(stranger),)), ask=person)
    assert person.asked == [f"{made.user}@there: password"] * 2
    assert (error.state, f"offered {stranger}, a password" in str(error)) == (State.AUTH_FAILED, True)
    alone = refused(reach, hop(made, tmp_path, identities=(str(stranger),)))
    assert "a password" not in str(alone)


def test_two_factors_are_gone_through(reach: Reach, servers: Callable[[Sshd], Sshd], tmp_path: Path) -> None:
    made = servers(start_with_passwords(tmp_path / "sshd", "AuthenticationMethods publickey,password"))
    reach(hop(made, tmp_path), ask=Person(PASSWORD))


# --- ways


def test_a_host_behind_another(reach: Reach, server: Sshd, other: Sshd, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text(server.known + other.known)
    made = reach(hop(server, tmp_path), hop(other, tmp_path))
    assert said(made.run("echo $SSH_CONNECTION")).split()[-1] == str(other.port).encode()
    assert made.facts.host_key == fingerprint(known.read([str(tmp_path / "known_hosts")]).lines[1].key)


def test_each_hop_must_show_its_own_key(reach: Reach, server: Sshd, other: Sshd, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text(server.known)
    assert refused(reach, hop(server, tmp_path), hop(other, tmp_path)).state is State.HOSTKEY_UNKNOWN
    (tmp_path / "known_hosts").write_text(other.known)
    error = refused(reach, hop(server, tmp_path), hop(other, tmp_path))
    assert (error.state, str(error).startswith("at the jump host there: ")) == (State.HOSTKEY_UNKNOWN, True)


def test_a_jump_host_that_leads_nowhere(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    error = refused(reach, hop(server, tmp_path), Hop("behind", "127.0.0.1", 1, "root"))
    assert (error.state, "the jump host there does not connect to it" in str(error)) == (State.UNREACHABLE, True)


def test_a_jump_host_that_forwards_nothing(reach: Reach, servers: Callable[[Sshd], Sshd], tmp_path: Path) -> None:
    made = servers(start(tmp_path / "sshd", "AllowTcpForwarding no"))
    behind = Hop("behind", "127.0.0.1", 1, "root")
    error = refused(reach, hop(made, tmp_path), behind)
    assert error.hint == "set `AllowTcpForwarding yes` in the sshd_config of there"
    error = refused(reach, hop(made, tmp_path), behind, Hop("further", "127.0.0.1", 2, "root"))
    assert str(error).startswith("at the jump host behind: the jump host there does not connect to it: ")
    assert error.hint == "set `AllowTcpForwarding yes` in the sshd_config of there"


def test_a_jump_leads_to_own_addresses_only(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    error = refused(reach, hop(server, tmp_path), Hop("behind", "192.0.2.1", 22, "root"))
    assert "no address of an own network" in str(error)


def test_a_proxy_command_is_for_the_stock_client(reach: Reach, server: Sshd, tmp_path: Path) -> None:
    assert "transport: openssh" in refused(reach, hop(server, tmp_path, proxy_command="nc %h %p")).hint


def test_a_foreign_address_is_never_contacted(reach: Reach) -> None:
    error = refused(reach, Hop("there", "192.0.2.1", 22, "root"))
    assert ("192.0.2.1" in str(error), "networks" in error.hint) == (True, True)


def test_nobody_listens(reach: Reach, tmp_path: Path) -> None:
    assert refused(reach, Hop("there", "127.0.0.1", 1, "root")).state is State.UNREACHABLE


# --- other servers


def test_a_dropbear_is_reached_too(reach: Reach, servers: Callable[[Sshd], Sshd], tmp_path: Path) -> None:
    made = servers(start_dropbear(tmp_path / "dropbear"))
    there = reach(hop(made, tmp_path))
    assert there.facts.banner.startswith("SSH-2.0-dropbear")
    for word in (b"one\n", b"two\n"):
        pipe = there.run(f"head -c 4; echo complaint >&2; exit {len(word)}")
        pipe.send(word)
        assert (said(pipe), pipe.complaints(), pipe.status()) == (word, "complaint\n", 4)
    made.allow(keygen(tmp_path / "rsa", kind="rsa"))
    reach(hop(made, tmp_path, identities=(str(tmp_path / "rsa"),)))


def test_a_server_with_ctr_only_is_reached(reach: Reach, servers: Callable[[Sshd], Sshd], tmp_path: Path) -> None:
    made = servers(start(tmp_path / "sshd", "Ciphers aes256-ctr", "MACs hmac-sha1"))
    facts = reach(hop(made, tmp_path)).facts
    assert (facts.algorithms["cipher"], facts.algorithms["mac"]) == ("aes256-ctr", "hmac-sha1")


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (("KexAlgorithms diffie-hellman-group14-sha1",), "key exchange: diffie-hellman-group14-sha1"),
        (("HostKeyAlgorithms ssh-rsa",), "host keys: ssh-rsa"),
    ],
)
def test_a_server_with_sha1_only_is_named_as_such(
    lines: tuple[str, ...], what: str, reach: Reach, servers: Callable[[Sshd], Sshd], tmp_path: Path
) -> None:
    made = servers(start(tmp_path / "sshd", *lines, host_key="rsa"))
    error = refused(reach, hop(made, tmp_path))
    assert str(error) == f"it only offers SHA-1 algorithms for {what}"
    assert (error.state, "transport: openssh" in error.hint) == (State.UNREACHABLE, True)


def test_a_server_that_paramiko_has_nothing_in_common_with(
    reach: Reach, servers: Callable[[Sshd], Sshd], tmp_path: Path
) -> None:
    made = servers(start(tmp_path / "sshd", "Ciphers chacha20-poly1305@openssh.com"))
    error = refused(reach, hop(made, tmp_path))
    assert ("no algorithm that is known here" in str(error), "transport: openssh" in error.hint) == (True, True)


def test_a_server_that_runs_nothing(reach: Reach, servers: Callable[[Sshd], Sshd], tmp_path: Path) -> None:
    made = servers(start(tmp_path / "sshd", "MaxSessions 0"))
    with pytest.raises(HostError, match="it runs no command") as caught:
        reach(hop(made, tmp_path)).run("true")
    assert caught.value.state is State.NO_SHELL


def test_a_server_with_too_many_visitors(reach: Reach, servers: Callable[[Sshd], Sshd], tmp_path: Path) -> None:
    made = servers(start(tmp_path / "sshd", "MaxStartups 1"))
    with socket.create_connection(("127.0.0.1", made.port)) as waiting:
        waiting.recv(100)
        assert refused(reach, hop(made, tmp_path)).state is State.THROTTLED
