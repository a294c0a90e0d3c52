"""A link over paramiko: hardened against servers that hang, lie about sizes or never stop, strict about host keys.

The socket is ours (address.py), the packets are bounded (packets.py), every wait ends, and the deadline closes everything
under whoever still waits. The host key of every hop is judged before anything of ours is sent to it.
"""

import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

import paramiko

from auditkit.config import Network
from auditkit.errors import HostError, LastingError
from auditkit.keys.wire import fingerprint, type_of
from auditkit.model import State
from auditkit.printable import printable
from auditkit.ssh import Ask, Deadline, Hop, LinkFacts, Route, address, known, login, onward
from auditkit.ssh.complaints import EXEMPT
from auditkit.ssh.packets import AWAY, BROKEN, PACKET, WINDOW, Wire

PATIENCE = 15.0
"""Seconds for each step until a command runs, and for its exit status once its output has ended."""
KEEPALIVE = 15
KEPT = 64 << 10
"""Bytes of stderr that are kept; all of it is read."""
SHA1_KEX = ("diffie-hellman-group-exchange-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1")
SHA1_KEYS = ("ssh-rsa", "ssh-dss")
_OPENSSH = "set `transport: openssh` for it in auditkit.yaml"
_NO_KEX = ("ext-info-", "kex-strict-")
"""What stands among the key exchanges without being one (RFC 8308; PROTOCOL of OpenSSH)."""
_KEXINIT = {
    "kex": "kex_algo_list",
    "host_keys": "server_key_algo_list",
    "ciphers": "server_encrypt_algo_list",
    "macs": "server_mac_algo_list",
    "compression": "server_compress_algo_list",
}
"""What we call the lists of a server, and what paramiko does (RFC 4253 section 7.1)."""
_PIECE = 1 << 20
_MOMENT = 1.0


class Pipe:
    """A command on a host; a thread reads its stderr, so that a flood of it stalls nothing."""

    def __init__(self, channel: paramiko.Channel, wire: Wire, deadline: Deadline) -> None:
        self._channel = channel
        self._wire = wire
        self._deadline = deadline
        self._said = bytearray()
        self._drain = threading.Thread(target=self._drained, daemon=True)
        self._drain.start()

    def _drained(self) -> None:
        with suppress(*BROKEN):
            while data := self._channel.recv_stderr(PACKET):
                self._said += data[: KEPT - len(self._said)]

    def send(self, data: bytes) -> None:
        """Send all of it."""
        try:
            for at in range(0, len(data), _PIECE):
                self._channel.sendall(data[at : at + _PIECE])
        except BROKEN as error:
            if self._deadline.passed or not self._wire.is_active():
                raise self._deadline.broken() from error
            # only the command has ended, as that of an account without a shell: the next receive tells so

    def receive(self, size: int) -> bytes:
        """At most `size` bytes of its stdout as soon as there are some; b"" when it has ended."""
        try:
            data = self._channel.recv(size)
        except BROKEN as error:
            raise self._deadline.broken() from error
        if not data and not self._channel.eof_received and not self._wire.is_active():
            raise self._deadline.broken()
        return data

    def complaints(self) -> str:
        """What it has said on stderr so far; once it has ended, all that is kept."""
        if self._channel.eof_received or self._channel.closed:
            self._drain.join(_MOMENT)
        return bytes(self._said).decode("utf-8", "replace")

    def status(self) -> int | None:
        """The exit status once it has ended; None where the server did not tell, or a signal ended it."""
        self._channel.status_event.wait(self._deadline.left(PATIENCE))
        return self._channel.exit_status if self._channel.exit_status >= 0 else None

    def close(self) -> None:
        """End it."""
        with suppress(*BROKEN):
            self._channel.close()


class Link:
    """A connection that is logged in, over one hop or several."""

    def __init__(self, wires: Sequence[Wire], deadline: Deadline, facts: LinkFacts) -> None:
        self._wires = wires
        self._deadline = deadline
        self.facts = facts

    def run(self, command: str) -> Pipe:
        """Start a command, without a terminal."""
        patience = Deadline(self._deadline.left(PATIENCE))
        wire = self._wires[-1]
        try:
            channel = wire.open_session(WINDOW, PACKET, patience.seconds)
            patience.guard(channel.close)
            channel.exec_command(command.encode("utf-8", "surrogateescape"))
        except BROKEN as error:
            self._refused(error, patience)
        finally:
            patience.cancel()
        return Pipe(channel, wire, self._deadline)

    def _refused(self, error: Exception, patience: Deadline) -> NoReturn:
        self._deadline.left()
        if patience.passed:
            raise HostError(f"it starts no command within {PATIENCE:g} seconds", "see how busy it is", State.TIMEOUT) from error
        if not self._wires[-1].is_active():
            raise HostError(f"the connection broke: {_words(error)}", "see whether the host is still up") from error
        hint = "name a user who may run commands, with `user:`"
        raise HostError(f"it runs no command: {_words(error)}", hint, State.NO_SHELL) from error

    def close(self) -> None:
        """Close all hops."""
        _close(self._wires)


def _close(wires: Sequence[Wire]) -> None:
    """Cut the way at its beginning, so that nothing further on waits to say goodbye."""
    for wire in wires:
        wire.hang_up()


def connect(route: Route, networks: tuple[Network, ...] | None, deadline: Deadline, ask: Ask | None) -> Link:
    """A link to the host at the end of the route.

    Raises:
        HostError: it cannot be reached, its key is not the right one, or it lets nobody in; `state` says which.
    """
    if any(hop.proxy_command for hop in route.hops):
        raise LastingError("it is reached through a ProxyCommand, which only the stock ssh client can do", _OPENSSH)
    wires: list[Wire] = []
    methods: tuple[str, ...] = ()
    deadline.guard(lambda: _close(tuple(wires)))
    try:
        for at, hop in enumerate(route.hops):
            stream = _stream(route.hops[: at + 1], wires, networks, deadline)
            methods = _onward(wires, stream, hop, deadline, ask)
    except BaseException as error:
        _close(wires)
        if isinstance(error, HostError) and hop is not route.target:
            raise onward.of(hop, route, error) from error
        raise
    return Link(tuple(wires), deadline, facts(wires, route.target, methods))


def _onward(
    wires: list[Wire], stream: "socket.socket | paramiko.Channel", hop: Hop, deadline: Deadline, ask: Ask | None
) -> tuple[str, ...]:
    """Go one hop further: see the right key, log in; gives what was offered before any credential."""
    trusted = known.read(hop.known_hosts)
    wire = Wire(stream, trusted.types(known.names(hop)))
    wires.append(wire)
    shake_hands(wire, deadline)
    _judge(wire, hop, trusted)
    methods = login.log_in(wire, hop, deadline, ask)
    wire.set_keepalive(KEEPALIVE)
    return methods


def _stream(
    way: Sequence[Hop], wires: Sequence[Wire], networks: tuple[Network, ...] | None, deadline: Deadline
) -> "socket.socket | paramiko.Channel":
    """What the transport to the last of these hops runs over: our own socket, or a channel through the hop before."""
    hop = way[-1]
    if not wires:
        return address.connect(hop, networks, deadline)
    address.check_onward(hop, networks)
    place, here = (hop.hostname, hop.port), ("127.0.0.1", 0)
    try:
        return wires[-1].open_channel("direct-tcpip", place, here, WINDOW, PACKET, deadline.left(PATIENCE))
    except BROKEN as error:
        deadline.left()
        forbidden = isinstance(error, paramiko.ChannelException) and error.code == 1  # RFC 4254 section 5.1
        raise onward.not_connected(way[-2], _words(error), forbidden) from error


# --- the handshake


def shake_hands(wire: Wire, deadline: Deadline) -> None:
    """Agree on keys with the server, in bounded time however slowly it speaks.

    Raises:
        HostError: it does not.
    """
    done = threading.Event()
    wire.start_client(done)
    in_time = done.wait(deadline.left(PATIENCE))
    if in_time and wire.initial_kex_done:
        return
    error = wire.get_exception()
    wire.hang_up()
    deadline.left()
    if not in_time:
        hint = "see what listens on this port, and how busy it is"
        raise HostError(f"its SSH server does not shake hands within {PATIENCE:g} seconds", hint, State.TIMEOUT)
    raise _sent_away(wire) or _incompatible(wire, error) or _no_ssh(wire, error)


def _sent_away(wire: Wire) -> HostError | None:
    """The error of a server that wants no connection just now: it says so, or hangs up without a word."""
    told = next((line for line in wire.packetizer.greeting if line.startswith(AWAY)), "")
    if told:
        return HostError(f"it refuses this machine for now: {printable(told[:200])}", EXEMPT, State.THROTTLED)
    if not wire.packetizer.greeted:
        return HostError("it hangs up without a word, as a server does that has too many visitors", EXEMPT, State.THROTTLED)
    return None


def _incompatible(wire: Wire, error: Exception | None) -> HostError | None:
    """The error of a server that has only what paramiko no longer knows."""
    if not isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return None
    for what, key, old in (("key exchange", "kex_algo_list", SHA1_KEX), ("host keys", "server_key_algo_list", SHA1_KEYS)):
        offered = [each for each in wire.offered.get(key, ()) if not each.startswith(_NO_KEX)]
        if offered and set(offered) <= set(old):
            hint = f"{_OPENSSH} and allow them for it in ~/.ssh/config; better give it a newer SSH server"
            return HostError(f"it only offers SHA-1 algorithms for {what}: {printable(', '.join(offered))}", hint)
    return HostError(f"it has no algorithm that is known here: {_words(error)}", _OPENSSH)


def _no_ssh(wire: Wire, error: Exception | None) -> HostError:
    hint = "see what listens on this port"
    if not wire.remote_version and wire.packetizer.greeting:
        return HostError(f"it speaks no SSH: {printable(wire.packetizer.greeting[0][:200])}", hint)
    return HostError(f"its SSH server does not keep to the protocol: {wire.farewell[:200] or _words(error)}", hint)


def _judge(wire: Wire, hop: Hop, trusted: known.KnownHosts) -> None:
    """Refuse a server whose host key is not the one on file."""
    try:
        key = wire.get_remote_server_key()
    except BROKEN as error:
        raise HostError(f"it hung up: {printable(wire.farewell[:200]) or _words(error)}", "try again") from error
    verdict = trusted.judge(known.names(hop), key.get_name(), key.asbytes())
    if verdict.trusted:
        return
    refusal = known.refusal(verdict, hop, key.asbytes())
    if verdict.standing is known.Standing.UNKNOWN and verdict.authorities:
        raise HostError(str(refusal), f"{_OPENSSH}: the stock client checks certificates of host keys", refusal.state)
    raise refusal


def _words(error: Exception | None) -> str:
    if isinstance(error, paramiko.ChannelException):
        return printable(f"{error.text} (reason {error.code} of RFC 4254 section 5.1)"[:200])
    return printable(str(error).strip()[:200]) if error and str(error).strip() else "it hung up"


def facts(wires: Sequence[Wire], hop: Hop, methods: tuple[str, ...]) -> LinkFacts:
    """What the way to a server, and the login, showed of it."""
    wire = wires[-1]
    algorithms = {
        "kex": wire.agreed_kex,
        "host-key": wire.host_key_type or "",
        "cipher": wire.remote_cipher,
        "mac": "implicit" if "gcm" in wire.remote_cipher else wire.remote_mac or "",
        "strict-kex": "yes" if wire.agreed_on_strict_kex else "no",
    }
    key = wire.host_key.asbytes() if wire.host_key else b""
    here, there = _ends(wire) if len(wires) == 1 else ("", hop.hostname)
    return LinkFacts(
        banner=printable(wire.remote_version[:255]),
        host_key=fingerprint(key) if key else "",
        address=printable(there),
        algorithms=algorithms,
        port=hop.port,
        user=hop.user,
        host_key_type=type_of(key),
        kexinit={name: tuple(wire.offered.get(theirs, ())) for name, theirs in _KEXINIT.items()},
        methods=methods,
        source=here,
    )


def _ends(wire: Wire) -> tuple[str, str]:
    """Our address and the server's, without the zone of a link."""
    stream = wire.sock
    with suppress(OSError):  # it has gone already
        if isinstance(stream, socket.socket):
            return str(stream.getsockname()[0]).partition("%")[0], str(stream.getpeername()[0])
    return "", ""
