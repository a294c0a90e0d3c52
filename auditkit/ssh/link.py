"""A link over paramiko: hardened against servers that hang, lie about sizes or never stop, strict about host keys.

paramiko sets no socket options, believes claimed sizes and bounds no session; so the socket is ours, the packet reader has
limits, every wait ends, and the deadline closes the transport under whoever still waits. The host key is judged before
anything of ours is sent.
"""

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import paramiko

from auditkit import agent
from auditkit.config import Network
from auditkit.errors import HostError
from auditkit.model import State
from auditkit.printable import printable
from auditkit.ssh import Ask, Deadline, Hop, LinkFacts, Route, address, keys, known
from auditkit.ssh.packets import Packets

PATIENCE = 15.0
KEEPALIVE = 15
WINDOW = 16 << 20
PACKET = 64 << 10
KEPT = 64 << 10
"""Bytes of stderr that are kept; all of it is read."""
SLOW = ("aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc")
"""Ciphers that are only used where a server has no AES-GCM."""
Networks = tuple[Network, ...] | None
_THROTTLED = ("Not allowed at this time", "Exceeded MaxStartups")
_EXEMPT = "wait some minutes; exempt this machine there with PerSourcePenaltyExemptList in sshd_config"


class Pipe:
    """A command on a host; its stderr is read by a thread of its own, so that a flood of it stalls nothing."""

    def __init__(self, channel: paramiko.Channel, deadline: Deadline) -> None:
        self._channel = channel
        self._deadline = deadline
        self._said = bytearray()
        self._drain = threading.Thread(target=self._drained, daemon=True)
        self._drain.start()

    def _drained(self) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            while data := self._channel.recv_stderr(32 << 10):
                self._said += data[: KEPT - len(self._said)]

    def send(self, data: bytes) -> None:
        """Send all of it."""
        try:
            self._channel.sendall(data)
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise self._broken() from error

    def receive(self, size: int) -> bytes:
        """At most `size` bytes of its stdout as soon as there are some; b"" when it has ended."""
        try:
            data: bytes = self._channel.recv(size)
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise self._broken() from error
        if not data and self._deadline.passed:
            raise self._deadline.over()
        return data

    def _broken(self) -> HostError:
        if self._deadline.passed:
            return self._deadline.over()
        return HostError("the connection broke", "see whether the host is still up, and try again")

    def complaints(self) -> str:
        """What it has said on stderr so far; what is under way is waited for when it has ended."""
        if self._channel.eof_received or self._channel.closed:
            self._drain.join(1)
        return self._said.decode("utf-8", "replace")

    def status(self) -> int | None:
        """The exit status once it has ended; None where the server did not tell."""
        if not self._channel.status_event.wait(self._deadline.left(PATIENCE)):
            return None
        status = int(self._channel.exit_status)
        return None if status < 0 else status

    def close(self) -> None:
        """End it."""
        self._channel.close()


class Link:
    """A logged-in connection, and those before it on the way."""

    def __init__(self, transports: list[paramiko.Transport], deadline: Deadline, facts: LinkFacts) -> None:
        self._transports = transports
        self._deadline = deadline
        self.facts = facts

    def run(self, command: str) -> Pipe:
        """Start a command, without a terminal."""
        try:
            channel = self._transports[-1].open_session(WINDOW, PACKET, self._deadline.left(PATIENCE))
            channel.exec_command(command.encode())
        except (OSError, EOFError, paramiko.SSHException) as error:
            if self._deadline.passed:
                raise self._deadline.over() from error
            hint = "name a user who may run commands, with `user:`"
            raise HostError(f"it runs no command: {_reason(error)}", hint, State.NO_SHELL) from error
        return Pipe(channel, self._deadline)

    def close(self) -> None:
        """Close all hops, the last one first."""
        _close(self._transports)


def _close(transports: list[paramiko.Transport]) -> None:
    for transport in reversed(transports):
        transport.close()


def connect(route: Route, networks: Networks, deadline: Deadline, ask: Ask | None) -> Link:
    """A link to the host at the end of the route.

    Raises:
        HostError: it cannot be reached, its key is not the right one, or it lets nobody in; `state` says which.
    """
    logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)
    if any(hop.proxy_command for hop in route.hops):
        raise HostError("it is reached through a ProxyCommand", "set `transport: openssh` for it in auditkit.yaml")
    transports: list[paramiko.Transport] = []
    deadline.guard(lambda: _close(transports))
    try:
        for hop in route.hops:
            transports.append(_hop(hop, transports, networks, deadline))
            _log_in(transports[-1], hop, deadline, ask)
    except HostError:
        _close(transports)
        raise
    return Link(transports, deadline, _facts(transports[-1], route.target))


def _hop(hop: Hop, before: list[paramiko.Transport], networks: Networks, deadline: Deadline) -> paramiko.Transport:
    """A transport to a hop, directly or through the one before, whose server has shown the right key."""
    trusted = known.read(hop.known_hosts)
    for disabled in (SLOW, ()):
        transport = paramiko.Transport(
            _stream(hop, before, networks, deadline), WINDOW, PACKET, {"ciphers": list(disabled)}, packetizer_class=Packets
        )
        deadline.guard(transport.close)
        _prefer(transport, trusted.types(known.names(hop)))
        try:
            _shake(transport, deadline)
        except paramiko.ssh_exception.IncompatiblePeer as error:
            transport.close()
            if not disabled or "cipher" not in str(error).lower():
                raise _incompatible(error) from error
            continue
        _judge(transport, hop, trusted)
        transport.set_keepalive(KEEPALIVE)
        return transport
    raise AssertionError("the last try ends in one way or the other")


def _incompatible(error: Exception) -> HostError:
    hint = "set `transport: openssh` for it in auditkit.yaml; and give it a newer SSH server"
    return HostError(f"it only offers outdated algorithms (SHA-1): {_reason(error)}", hint)


def _stream(
    hop: Hop, before: list[paramiko.Transport], networks: Networks, deadline: Deadline
) -> "socket.socket | paramiko.Channel":
    """What the transport runs over: our own socket, or a channel of the hop before."""
    if not before:
        return address.connect(hop, networks, deadline)
    address.check_onward(hop, networks)
    there, here = (hop.hostname, hop.port), ("127.0.0.1", 0)
    try:
        return before[-1].open_channel("direct-tcpip", there, here, timeout=deadline.left(PATIENCE))
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise HostError(f"the jump host does not reach it: {_reason(error)}", "see whether it is up") from error


def _prefer(transport: paramiko.Transport, types: tuple[str, ...]) -> None:
    """Ask first for the types of key that are on file, so that the server shows one that can be compared."""
    options = transport.get_security_options()
    usual = tuple(options.key_types)
    options.key_types = tuple(sorted(usual, key=lambda each: (_plain(each) not in types, usual.index(each))))


def _shake(transport: paramiko.Transport, deadline: Deadline) -> None:
    """The handshake; what comes drop by drop outlasts every wait of its own, so all of it has a time too."""
    patience = deadline.left(PATIENCE)
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = transport.channel_timeout = patience
    overall = Deadline(patience)
    overall.guard(transport.close)
    try:
        transport.start_client(timeout=patience)
    except paramiko.ssh_exception.IncompatiblePeer:
        raise
    except (OSError, EOFError, paramiko.SSHException) as error:
        transport.close()
        raise _unshaken(error, transport, deadline, overall) from error
    finally:
        overall.cancel()


def _judge(transport: paramiko.Transport, hop: Hop, trusted: known.KnownHosts) -> None:
    """Go on only if the server's key is the one on file."""
    key = transport.get_remote_server_key()
    verdict = trusted.judge(known.names(hop), key.get_name(), key.asbytes())
    if not verdict.trusted:
        transport.close()
        raise known.refusal(verdict, hop, key.asbytes())


def _plain(key_type: str) -> str:
    """The type of key behind a signature algorithm."""
    return "ssh-rsa" if key_type.startswith("rsa-sha2") else key_type


def _unshaken(error: Exception, transport: paramiko.Transport, deadline: Deadline, overall: Deadline) -> HostError:
    if deadline.passed:
        return deadline.over()
    reason = _reason(error)
    if any(word in reason for word in _THROTTLED):
        return HostError(f"it refuses this machine for now: {reason}", _EXEMPT, State.THROTTLED)
    if overall.passed:
        return HostError(
            f"its SSH server did not finish its greeting within {overall.seconds:g} seconds", "see what listens there"
        )
    if not transport.remote_version and isinstance(error, EOFError | paramiko.SSHException) and "reset" not in reason:
        return HostError(f"it speaks no SSH, or sends us away: {reason}", "see what listens there, and its MaxStartups")
    return HostError(f"its SSH server does not answer as one: {reason}", "see what listens there")


def _log_in(transport: paramiko.Transport, hop: Hop, deadline: Deadline, ask: Ask | None) -> None:
    """Log in with a key, or with a password where a person can be asked for it."""
    tried: list[str] = []
    accepted: list[str] = []
    try:
        for offer in keys.offers(hop, ask):
            if _accepts(transport, hop, offer, accepted):
                return
            tried.append(offer.name)
        if ask is not None and _by_password(transport, hop, accepted, ask):
            return
    except (OSError, EOFError, paramiko.SSHException) as error:
        if deadline.passed:
            raise deadline.over() from error
        raise _shut_out(hop, tried, accepted, _reason(error)) from error
    raise _shut_out(hop, tried, accepted, "")


def _accepts(transport: paramiko.Transport, hop: Hop, offer: keys.Offer, accepted: list[str]) -> bool:
    try:
        transport.auth_publickey(hop.user, offer.key)
    except paramiko.BadAuthenticationType as error:
        accepted[:] = error.allowed_types
    except paramiko.AuthenticationException:
        if not transport.is_active():
            raise
    return transport.is_authenticated()


def _by_password(transport: paramiko.Transport, hop: Hop, accepted: list[str], ask: Ask) -> bool:
    """Whether a password that a person types opens it; asked for once, and only where the server takes one."""
    if not accepted:
        try:
            transport.auth_none(hop.user)
        except paramiko.BadAuthenticationType as error:
            accepted[:] = error.allowed_types
    if not {"password", "keyboard-interactive"} & set(accepted):
        return transport.is_authenticated()
    with suppress(paramiko.AuthenticationException):
        transport.auth_password(hop.user, ask(f"password of {printable(hop.user)} at {printable(hop.name)}"))
    return transport.is_authenticated()


def _shut_out(hop: Hop, tried: list[str], accepted: list[str], reason: str) -> HostError:
    offered = f"offered {', '.join(tried)}" if tried else "there was no key to offer"
    takes = f"; it takes {printable(', '.join(accepted))}" if accepted else ""
    why = f" ({reason})" if reason else ""
    hint = f"add a public key to authorized_keys of {printable(hop.user)} there, or name the right one with `identity:`"
    return HostError(f"it does not let {printable(hop.user)} in: {offered}{takes}{why}", hint, State.AUTH_FAILED)


def _reason(error: Exception) -> str:
    return printable(str(error).strip()[:200]) or type(error).__name__


def _facts(transport: paramiko.Transport, hop: Hop) -> LinkFacts:
    """What the login showed of the server."""
    place = transport.getpeername() if isinstance(transport.sock, socket.socket) else (hop.hostname,)
    return LinkFacts(
        banner=printable(transport.remote_version),
        host_key=agent.fingerprint(transport.get_remote_server_key().asbytes()),
        address=printable(str(place[0])),
        algorithms=dict(_algorithms(transport)),
    )


def _algorithms(transport: paramiko.Transport) -> Iterator[tuple[str, str]]:
    yield "host-key", printable(transport.host_key_type or "")
    yield "strict-kex", "yes" if getattr(transport, "agreed_on_strict_kex", False) else "no"
    for name in ("local_cipher", "local_mac", "local_compression"):
        yield name.partition("_")[2], printable(str(getattr(transport, name, "")))
