"""The one place that connects to a machine: it finds the addresses of a name, and contacts only own ones.

An address is own if it lies inside `networks` of auditkit.yaml; where that is not set, if it is private, link-local or
loopback (OWN), or stands as a number in auditkit.yaml. Every address is judged after the name was resolved, and the
very address that was judged is connected to, so that no second answer of a name server can slip another in between.
"""

import errno
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from queue import Empty, SimpleQueue

from auditkit.config import Network
from auditkit.errors import HostError, LastingError
from auditkit.model import Office
from auditkit.printable import printable
from auditkit.ssh import Deadline, Hop

Address = IPv4Address | IPv6Address

PATIENCE = 15.0
"""Seconds for one answer of a name server, and for one address to accept."""
SILENCE = 60_000
"""Milliseconds after which the kernel gives up on bytes that nobody confirms (TCP_USER_TIMEOUT): the cable is out."""
MOST = 8
"""Addresses of one name that are tried."""
OWN = tuple(map(ip_network, Office().networks))
"""What is contacted where auditkit.yaml sets no networks. 100.64.0.0/10 (RFC 6598) is not in it: these addresses are
shared by the customers of a provider; who has a VPN there names its range."""
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_NAT64 = ip_network("64:ff9b::/96")
_LIMITED_BROADCAST = IPv4Address("255.255.255.255")
_UNKNOWN = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
_WORDS = {
    errno.ECONNREFUSED: ("{there} refuses the connection", "see whether sshd runs there and listens on this port"),
    errno.EHOSTUNREACH: ("{there} cannot be reached: no route to it", "see whether it is switched on and in its network"),
    errno.ENETUNREACH: ("{there} cannot be reached: this machine has no route there", "name a `jump:` host in auditkit.yaml"),
    errno.ETIMEDOUT: ("{there} does not answer", "see whether it is switched on and no firewall drops the connection"),
    errno.ECONNRESET: ("{there} resets the connection", "see what listens on this port"),
}


def connect(
    hop: Hop,
    networks: tuple[Network, ...] | None,
    deadline: Deadline,
    kind: socket.SocketKind = socket.SOCK_STREAM,
) -> socket.socket:
    """A TCP connection to a hop, without delay and with keepalive; reads and writes on it wait as long as they must.

    Or a socket that sends datagrams there, where it is of that kind; nothing is sent yet.

    Raises:
        HostError: its name is unknown, none of its addresses is an own one, or none of them answers.
    """
    errors = []
    for family, place in own(hop, networks, deadline)[:MOST]:
        try:
            return _opened(family, kind, place, deadline.left(PATIENCE))
        except OSError as error:
            errors.append((place[0], error))
    if deadline.passed:
        raise deadline.over()
    raise _silent(hop, *errors[0]) from errors[0][1]


def own(hop: Hop, networks: tuple[Network, ...] | None, deadline: Deadline) -> list["Place"]:
    """The own ones among the addresses of a hop, at least one, in the order that the system prefers.

    Raises:
        HostError: its name is unknown, or none of its addresses is an own one.
    """
    found = _resolved(hop, deadline)
    ours = [(family, place) for family, place in found if allowed(place[0], hop, networks)]
    if not ours:
        raise _foreign(hop, found[0][1][0])
    return ours


def allowed(address: str, hop: Hop, networks: tuple[Network, ...] | None) -> bool:
    """Whether a numeric address may be contacted for this hop."""
    real = meant(address)
    if real is None or real.is_unspecified or real.is_multicast or real == _LIMITED_BROADCAST:
        return False
    if any(real in network for network in (OWN if networks is None else networks)):
        return True
    return networks is None and hop.literal and real == meant(hop.hostname)


def check_onward(hop: Hop, networks: tuple[Network, ...] | None) -> None:
    """Refuse a hop that another machine (a jump host, a ProxyCommand) connects to, if it is a number and no own one.

    A name is known only there and cannot be checked here: route.py, which asks this for every way that it finds, lets
    no name pass that is not of the inventory.

    Raises:
        HostError: the address is not an own one.
    """
    if meant(hop.hostname) is not None and not allowed(hop.hostname, hop, networks):
        raise _foreign(hop, hop.hostname)


def meant(text: str) -> Address | None:
    """The address that a number leads to, without its zone; None where it is a name.

    An IPv4 address inside of IPv6 (RFC 4291 section 2.5.5.2; NAT64, RFC 6052) counts as what it is.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return _loosely(text)
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _loosely(text: str) -> Address | None:
    """What inet_aton(3) takes for a number as well: `10.1`, `0x7f000001`."""
    if not text.isascii() or "\0" in text or " " in text:
        return None
    with suppress(OSError):
        return IPv4Address(socket.inet_aton(text))
    return None


Place = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int]]


def _resolved(hop: Hop, deadline: Deadline) -> list[Place]:
    """The addresses of a hop; a name server that never answers holds a thread, and not us."""
    answers: SimpleQueue[list[Place] | OSError | ValueError] = SimpleQueue()
    threading.Thread(target=_look_up, args=(hop.hostname, hop.port, answers), daemon=True).start()
    try:
        answer = answers.get(timeout=deadline.left(PATIENCE))
    except Empty:
        deadline.left()
        raise HostError(
            f"the name server does not tell the address of {printable(hop.hostname)} within {PATIENCE:g} seconds",
            "write the number as `address:` in auditkit.yaml, or see why it is silent",
        ) from None
    if isinstance(answer, list) and answer:
        return answer
    raise _nameless(hop, answer)


def _look_up(name: str, port: int, answers: "SimpleQueue[list[Place] | OSError | ValueError]") -> None:
    try:
        answers.put(list(_places(name, port)))
    except (OSError, ValueError) as error:  # ValueError: a label that is empty or too long
        answers.put(error)


def _places(name: str, port: int) -> Iterator[Place]:
    for family, _kind, _protocol, _canonical, place in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM):
        if family in (socket.AF_INET, socket.AF_INET6):
            yield family, place  # type: ignore[misc]  # without IPv6 in Python a place could be bytes


def _opened(family: socket.AddressFamily, kind: socket.SocketKind, place: object, seconds: float) -> socket.socket:
    link = socket.socket(family, kind)
    try:
        if kind is socket.SOCK_STREAM:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE)
        link.settimeout(seconds)
        link.connect(place)  # type: ignore[arg-type]  # a place as getaddrinfo gave it
        link.settimeout(None)
    except BaseException:
        link.close()
        raise
    return link


# --- what went wrong, in words


def _foreign(hop: Hop, address: str) -> HostError:
    shown = printable(address)
    subject = shown if hop.hostname == address else f"{printable(hop.hostname)} is {shown}, which"
    return LastingError(
        f"{subject} is no address of an own network, and was not contacted",
        "add its network to networks: in auditkit.yaml, if it is yours",
    )


def _nameless(hop: Hop, answer: object) -> HostError:
    name = printable(hop.hostname)
    if isinstance(answer, socket.gaierror) and answer.errno not in _UNKNOWN:
        return HostError(f"the address of {name} cannot be had: {answer.strerror}", "see whether the name server answers")
    number, _percent, zone = name.partition("%")
    if zone and meant(number) is not None:
        return LastingError(f"this machine has no interface {zone}, on which {number} would be", "see which there are: ip link")
    return LastingError(f"the name {name} is unknown", "check `address:` in auditkit.yaml, or HostName in ~/.ssh/config")


def _silent(hop: Hop, address: str, error: OSError) -> HostError:
    """The error of the first address, which is the one that the system prefers."""
    number = errno.ETIMEDOUT if isinstance(error, TimeoutError) else error.errno or 0
    if number == errno.EINVAL and "%" not in hop.hostname and ip_address(address).is_link_local:
        shown = printable(address)
        what = f"{shown} is an address of one link only, and does not say of which"
        return LastingError(what, f"write the interface behind it: {shown}%eth0")
    other = ("{there} cannot be reached: {why}", "see whether it is switched on")
    words, hint = _WORDS.get(number, other)
    there = f"{printable(address)} port {hop.port}"
    kind = LastingError if number == errno.ETIMEDOUT else HostError  # the kernel has knocked several times by then
    return kind(words.format(there=there, why=error.strerror or error), hint)
