"""What the SSH servers of this very machine show: one connection to each port, and away before any credential.

Over SSH the login shows that by itself; here nobody has logged in. sshd writes a line in its log for it.
"""

import os
import pwd
from collections.abc import Iterable, Iterator
from ipaddress import ip_address, ip_network
from posixpath import basename

from auditkit.answers import Process, Shown
from auditkit.config import Network
from auditkit.errors import HostError
from auditkit.model import Gap
from auditkit.probe.listeners import DELETED, SERVERS
from auditkit.ssh import Deadline, Hop, address, banners, link, login
from auditkit.ssh.packets import BROKEN, Wire

PATIENCE = 5.0
"""Seconds for one server."""
MOST = 3
"""Ports that are visited."""
USUAL = 22
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nobody binds to it here


def visited(processes: Iterable[Process], networks: tuple[Network, ...] | None) -> Iterator[Shown | Gap]:
    """Yield what each SSH server among the processes shows to who runs this, or why that could not be seen."""
    own = (*(address.OWN if networks is None else networks), *LOOPBACK)
    for place, port in _places(processes):
        yield _visited(Hop(place, place, port, _user()), own)


def _places(processes: Iterable[Process]) -> list[tuple[str, int]]:
    """Where to go: one address for each port, the usual one first."""
    found: dict[int, list[str]] = {}
    for process in processes:
        for each in process.listens:
            if each.protocol == "tcp" and _is_server(process, each.port):
                found.setdefault(each.port, []).append(each.address)
    order = sorted(found, key=lambda port: (port != USUAL, port))
    return [(_nearest(found[port]), port) for port in order[:MOST]]


def _is_server(process: Process, port: int) -> bool:
    """Whether an SSH server listens there; whose a socket is may be hidden from who is not root."""
    name = basename(process.program).removesuffix(DELETED.decode())
    return name.encode("utf-8", "surrogateescape") in SERVERS or (process.pid is None and port == USUAL)


def _nearest(addresses: list[str]) -> str:
    """The loopback if a server listens there, IPv4 first."""
    here = (_ANY.get(each, each) for each in addresses)
    return min(here, key=lambda each: (not ip_address(each).is_loopback, ":" in each, each))


def _user() -> str:
    """Who runs this; nobody where the account has no name, for no server is asked about users that do not exist."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return ""


def _visited(hop: Hop, own: tuple[Network, ...]) -> Shown | Gap:
    deadline = Deadline(PATIENCE)
    try:
        wire = Wire(address.connect(hop, own, deadline))
        deadline.guard(wire.hang_up)
        try:
            return _seen(wire, hop, deadline)
        finally:
            wire.hang_up()
    except HostError as error:
        return Gap(banners.place(Shown(hop.hostname, hop.port, "")), f"what it shows is not known: {error}")
    finally:
        deadline.cancel()


def _seen(wire: Wire, hop: Hop, deadline: Deadline) -> Shown:
    """What a server shows until it would have to be shown something."""
    methods: tuple[str, ...] = ()
    try:
        link.shake_hands(wire, deadline)
        methods = login.methods(wire, hop, deadline) if hop.user else ()
    except (HostError, *BROKEN):
        if not wire.offered:
            raise
    return link.facts((wire,), hop, methods).shown()
