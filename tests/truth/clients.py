"""Clients that really log in: each way in is tried, and counts only if a command runs or a connection is passed on.

What sshd says of an authentication is not enough: with PermitRootLogin forced-commands-only it says yes, and then goes.
"""

import io
import socket
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from itertools import count

import paramiko

from truth.rows import CHANGES, FORWARDS, NETWORKS, RUNS, Account, Row, Way

PATIENCE = 20.0
PASSWORDS = ("password", "keyboard-interactive")
AT_ONCE = 3
"""Clients of one machine, which soon turns some away if ten are there that are not in yet (MaxStartups)."""
MOST = 3
"""Methods that a server may want one after the other."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """What clients hold: the password, private keys as OpenSSH writes them, and a certificate for the first of them."""

    password: str
    keys: Mapping[str, str]
    certificate: str


@dataclass(frozen=True, slots=True)
class Giver:
    """Somebody with an account, a password and keys."""

    account: str
    password: str
    keyring: Keyring

    def offered(self, transport: paramiko.Transport) -> Sequence[str] | None:
        """What he may try; None if nothing is asked of him, nothing if he is sent away."""
        try:
            transport.auth_none(self.account)
        except paramiko.BadAuthenticationType as told:
            return told.allowed_types
        except (paramiko.AuthenticationException, EOFError):
            return ()
        return None

    def given(self, transport: paramiko.Transport, method: str) -> Sequence[str]:
        """Give one credential; what is wanted besides, where it is taken."""
        with suppress(paramiko.AuthenticationException, EOFError):
            match method:
                case "none":
                    return transport.auth_none(self.account)
                case "password":
                    return transport.auth_password(self.account, self.password, fallback=False)
                case "keyboard-interactive":
                    return transport.auth_interactive(
                        self.account, lambda _title, _text, prompts: [self.password for _ in prompts]
                    )
                case _:
                    return transport.auth_publickey(self.account, self._key(method))
        return ()

    def _key(self, method: str) -> paramiko.PKey:
        """The private key of a method: `key`, `key:NAME`, `certificate`."""
        text = self.keyring.keys[method.partition(":")[2] or "key"]
        kind = paramiko.RSAKey if "BEGIN RSA" in text else paramiko.Ed25519Key
        key = kind.from_private_key(io.StringIO(text))
        if method == "certificate":
            key.load_certificate(self.keyring.certificate)
        return key


@dataclass
class Client:
    """Somebody who tries every way into one machine, from addresses that nobody else comes from."""

    row: Row
    address: str
    keyring: Keyring
    numbers: Iterator[int] = field(default_factory=count)
    goal: tuple[str, int] = ("", 0)

    def ways(self) -> Iterator[Way]:
        """Yield each way in there is; connections are to be passed on to a socket of the clients' own."""
        asked = [(account, source) for account in self.row.accounts for source in self.row.sources]
        with ThreadPoolExecutor(AT_ONCE) as threads, socket.create_server(("", 0), backlog=128) as goal:
            self.goal = (f"{NETWORKS['office']}.1", goal.getsockname()[1])
            for found in threads.map(lambda each: tuple(self._into(*each)), asked):
                yield from found

    def _into(self, who: Account, source: str) -> Iterator[Way]:
        """Yield the ways into an account from a source; what is not offered before any credential is not there."""
        giver = Giver(who.name, "" if "empty" in who.words else self.keyring.password, self.keyring)
        with closing(self._connected(source)) as first:
            offered = giver.offered(first)
            methods = list(self._methods((*PASSWORDS, "publickey") if offered is None else offered))
            if offered is None:
                yield from self._in(first, Way(who.name, source, "none"))
            elif methods:
                yield from self._tried(first, giver, Way(who.name, source, methods.pop(0)))
        for method in methods:
            with closing(self._connected(source)) as another:
                yield from self._tried(another, giver, Way(who.name, source, method))

    def _methods(self, offered: Sequence[str]) -> Iterator[str]:
        """Yield what there is to give."""
        yield from (method for method in PASSWORDS if method in offered)
        if "publickey" in offered:
            yield from ("key" if name == "key" else f"key:{name}" for name in self.row.keys)
            yield from ("certificate",) if self.row.principals else ()

    def _tried(self, transport: paramiko.Transport, giver: "Giver", way: Way) -> Iterator[Way]:
        """Yield a way in, with whatever is asked for after its method."""
        done = [way.method]
        further = giver.given(transport, way.method)
        while further and len(done) < MOST and not transport.is_authenticated():
            done.append(next(({"publickey": "key"}.get(name, name) for name in further), ""))
            further = giver.given(transport, done[-1])
        if transport.is_authenticated():
            yield from self._in(transport, replace(way, method="+".join(done)))

    def _in(self, transport: paramiko.Transport, way: Way) -> Iterator[Way]:
        """Yield a way of which sshd says that it leads in, if anything can be done there."""
        forwards, runs = _forwards(transport, self.goal), _runs(transport) or _files(transport)
        what = "" if runs and forwards else RUNS if runs else FORWARDS if forwards else CHANGES
        if what != CHANGES or _changes(transport):
            yield replace(way, what=what)

    def _connected(self, source: str) -> paramiko.Transport:
        """A connection from the next address of a source."""
        own = f"{NETWORKS[source]}.{2 + next(self.numbers) % 249}"
        plain = socket.create_connection((self.address, self.row.port), PATIENCE, (own, 0))
        transport = paramiko.Transport(plain)
        transport.auth_timeout = transport.banner_timeout = PATIENCE
        try:
            transport.start_client(timeout=PATIENCE)
        except BaseException:
            transport.close()
            raise
        return transport


def _runs(transport: paramiko.Transport) -> bool:
    """Whether a command runs."""
    with _refusable(), closing(transport.open_session(timeout=PATIENCE)) as channel:
        channel.settimeout(PATIENCE)
        channel.exec_command("true")
        channel.shutdown_write()
        channel.recv(1)
        return channel.recv_exit_status() == 0
    return False


def _changes(transport: paramiko.Transport) -> bool:
    """Whether who sits at a terminal is asked for a new password."""
    with _refusable(), closing(transport.open_session(timeout=PATIENCE)) as channel:
        channel.settimeout(PATIENCE)
        channel.get_pty()
        channel.invoke_shell()
        said = b""
        while part := channel.recv(1000):
            said += part
            if b"password:" in said:
                return True
    return False


def _files(transport: paramiko.Transport) -> bool:
    """Whether files can be had."""
    with _refusable(), closing(transport.open_session(timeout=PATIENCE)) as channel:
        channel.settimeout(PATIENCE)
        channel.invoke_subsystem("sftp")
        paramiko.SFTPClient(channel)
        return True
    return False


class _refusable:  # noqa: N801 - as contextlib.suppress
    """What the server may refuse, by word or by going away; one that says nothing at all fails the test."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, where: object) -> bool:
        refused = isinstance(error, paramiko.SSHException | paramiko.SFTPError | EOFError | OSError)
        return refused and not isinstance(error, TimeoutError)


def _forwards(transport: paramiko.Transport, to: tuple[str, int]) -> bool:
    """Whether it passes on a connection."""
    with _refusable():
        transport.open_channel("direct-tcpip", to, to, timeout=PATIENCE).close()
        return True
    return False
