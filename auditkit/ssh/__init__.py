"""Reaching a machine over SSH: the way there, the keys on both sides, and a pipe to a shell on it.

`route` says which hops lead there, `known` whose host key is right, `address` makes the one connection, `link` (paramiko)
and `openssh` (the stock client) give a `Link`, and `session` speaks with the probe through it.
"""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from auditkit.answers import Shown
from auditkit.errors import HostError
from auditkit.model import State

_OF_THE_TIME = 0.9
"""So that a scan stops by itself and says what it has not come to, before the connection is cut."""
Ask = Callable[[str], str]
"""Asks a person at the terminal for a passphrase or password; None where nobody is there to be asked."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One SSH server on the way, the last one being the host itself, as auditkit.yaml and `ssh -G` have it."""

    name: str
    """What the user calls it: a name of auditkit.yaml, an alias of ssh_config, or an address."""
    hostname: str
    port: int
    user: str
    host_key_alias: str | None = None
    identities: tuple[str, ...] = ()
    """Files of private keys, in the order they are tried; those that are not there are left out by who uses them."""
    certificates: tuple[str, ...] = ()
    agent: str | None = None
    """The socket of the ssh-agent; None where none is to be used."""
    identities_only: bool = False
    known_hosts: tuple[str, ...] = ()
    """Files of host keys, the user's before the system's."""
    proxy_command: str | None = None
    literal: bool = False
    """Whether auditkit.yaml itself names this address as a number."""


@dataclass(frozen=True, slots=True)
class Route:
    """The way to one host."""

    hops: tuple[Hop, ...]
    become: str = "none"
    """`sudo`, `doas` or `none`."""
    transport: str = "paramiko"

    @property
    def target(self) -> Hop:
        """The host itself."""
        return self.hops[-1]


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """What a connection showed of the server, for the audits: taken from the login, never from a second connection."""

    banner: str = ""
    """`SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10`."""
    host_key: str = ""
    """`SHA256:...`."""
    address: str = ""
    """The address that was connected to."""
    algorithms: Mapping[str, str] = field(default_factory=dict)
    """kex, host key, cipher, mac as agreed, and `strict-kex`."""
    port: int = 0
    user: str = ""
    """As whom we are logged in."""
    host_key_type: str = ""
    """`ssh-ed25519`."""
    kexinit: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """What the server offers: `kex`, `host_keys`, `ciphers`, `macs`, `compression`, the last three for what it sends."""
    methods: tuple[str, ...] = ()
    """What it offered to this user before any credential; `none` where it asked for none; nothing where that is not known."""
    source: str = ""
    """Our own address on a connection that leads there straight; what the server saw may be another one."""

    def shown(self, source: str = "") -> Shown:
        """The same as evidence; `source` is where the server says that we come from."""
        return Shown(
            address=self.address,
            port=self.port,
            banner=self.banner,
            kexinit=self.kexinit,
            host_key=self.host_key,
            host_key_type=self.host_key_type,
            user=self.user,
            methods=self.methods,
            source=source or self.source,
        )


class Pipe(Protocol):
    """One command running on a host: bytes in, bytes out; every wait ends with the deadline."""

    def send(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            HostError: the other side is gone, or the time is over.
        """
        ...

    def receive(self, size: int) -> bytes:
        """At most `size` bytes of its stdout as soon as there are some; b"" when it has ended.

        Raises:
            HostError: the link broke, or the time is over.
        """
        ...

    def complaints(self) -> str:
        """What it has said on stderr so far: drained all the time, the first 64 KiB kept."""
        ...

    def status(self) -> int | None:
        """The exit status once it has ended; None where the server did not tell."""
        ...

    def close(self) -> None:
        """End it; whatever runs there sees its stdin end."""
        ...


class Link(Protocol):
    """A connection to a host that is logged in: several commands may run over it, one after the other."""

    facts: LinkFacts

    def run(self, command: str) -> Pipe:
        """Start a command, without a terminal.

        Raises:
            HostError: the server refuses to run anything (no-shell).
        """
        ...

    def close(self) -> None:
        """Close it and every hop before it; never waits for the other side."""
        ...


class Deadline:
    """When the work on one host must have ended: then what was left with `guard` is closed, whatever it waits for."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.end = time.monotonic() + seconds
        self._timer: threading.Timer | None = None
        self._closers: list[Callable[[], None]] = []

    def left(self, most: float | None = None) -> float:
        """Seconds that are left, or `most` if that is less.

        Raises:
            HostError: none are.
        """
        left = self.end - time.monotonic()
        if left <= 0:
            raise self.over()
        return left if most is None else min(left, most)

    def for_a_scan(self) -> float:
        """Seconds that a scan may take.

        Raises:
            HostError: none are left.
        """
        return max(1.0, self.left() * _OF_THE_TIME)

    @property
    def passed(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self.end

    def over(self) -> HostError:
        """The error that says so."""
        return HostError(f"not done within {self.seconds:.3g} seconds", "raise --timeout, or see why it is slow", State.TIMEOUT)

    def broken(self) -> HostError:
        """The error where the other end is gone: the time is over, or the connection broke."""
        if self.passed:
            return self.over()
        return HostError("the connection broke", "see whether the host is still up, and try again")

    def guard(self, close: Callable[[], None]) -> None:
        """Call `close` when the time is over, from another thread."""
        self._closers.append(close)
        if self._timer is None:
            self._timer = threading.Timer(max(0.0, self.end - time.monotonic()), self._close)
            self._timer.daemon = True
            self._timer.start()

    def _close(self) -> None:
        for close in self._closers:
            with suppress(Exception):  # what breaks while it is closed is closed, and the others wait for their turn
                close()

    def cancel(self) -> None:
        """The work is done: nothing is closed any more."""
        if self._timer is not None:
            self._timer.cancel()
