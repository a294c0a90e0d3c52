"""What the kernel tells of addresses, routes and connections in /proc/net, and resolv.conf(5): proc_pid_net(5).

What makes no sense raises ValueError: a route that is misread could let a block hit its own admin.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Literal

from auditkit.response.blocking.addresses import Network, plain

Order = Literal["<", ">"]
_UP, _REJECT = 0x1, 0x200
"""RTF_UP, RTF_REJECT: route(8)."""
ESTABLISHED, LISTEN = 1, 10
"""TCP_ESTABLISHED, TCP_LISTEN: include/net/tcp_states.h."""
_SERVER = re.compile(r"(?m)^[ \t]*nameserver[ \t]+([0-9A-Fa-f:.]+)(?:%\S+)?[ \t]*(?:[#;].*)?$")
_LOCAL = re.compile(r"\|-- ([0-9.]+)\n(?:\s+/[0-9].*\n)*?\s+/32 host LOCAL")


@dataclass(frozen=True, slots=True)
class Route:
    """A way to a net."""

    to: Network
    gateway: Network | None
    """Who passes it on; None where the net is at the device itself."""
    device: str

    @property
    def is_default(self) -> bool:
        """Whether it leads to all that no other route knows."""
        return self.to.prefixlen == 0


@dataclass(frozen=True, slots=True)
class Row:
    """A socket of TCP."""

    port: int
    """Our own."""
    peer: Network
    peer_port: int
    state: int


def addresses4(fib_trie: str) -> tuple[Network, ...]:
    """The own addresses of IPv4, from /proc/net/fib_trie.

    Raises:
        ValueError: there are none: each machine has its loopback.
    """
    found = dict.fromkeys(IPv4Network(each) for each in _LOCAL.findall(fib_trie))
    if not found:
        raise ValueError("it names no own address")
    return tuple(found)


def addresses6(if_inet6: str) -> tuple[Network, ...]:
    """The own addresses of IPv6, from /proc/net/if_inet6."""
    return tuple(_six(line.split()[0]) for line in if_inet6.splitlines() if line.strip())


def routes4(text: str) -> tuple[tuple[Route, ...], Order]:
    """The routes of IPv4, from /proc/net/route, and how numbers lie in the memory of that machine."""
    rows = [line.split() for line in text.splitlines()[1:] if line.strip()]
    order = _order([row[7] for row in rows])
    return tuple(_route4(row, order) for row in rows if int(row[3], 16) & (_UP | _REJECT) == _UP), order


def _route4(row: list[str], order: Order) -> Route:
    to, gateway, mask = (_four(row[at], order) for at in (1, 2, 7))
    return Route(IPv4Network(f"{to}/{mask}"), IPv4Network(gateway) if int(gateway) else None, row[0])


def _order(masks: list[str]) -> Order:
    """How numbers lie in memory: a mask has its bits on the left."""
    for order in ("<", ">"):
        if all(_is_mask(int(_four(mask, order))) for mask in masks):
            return order
    raise ValueError("its masks are none")


def _is_mask(bits: int) -> bool:
    rest = ~bits & 0xFFFF_FFFF
    return rest & (rest + 1) == 0


def routes6(text: str) -> tuple[Route, ...]:
    """The routes of IPv6, from /proc/net/ipv6_route; what is kept for multicast and for the own addresses is none."""
    rows = (line.split() for line in text.splitlines() if line.strip())
    found = (_route6(row) for row in rows if int(row[8], 16) & (_UP | _REJECT) == _UP and row[9] != "lo")
    return tuple(route for route in found if not route.to.is_multicast)


def _route6(row: list[str]) -> Route:
    to = ip_network((int(row[0], 16).to_bytes(16, "big"), int(row[1], 16)))
    gateway = _six(row[4])
    return Route(to, gateway if int(gateway.network_address) else None, row[9])


def connections(text: str, order: Order) -> Iterator[Row]:
    """Yield every socket of /proc/net/tcp or tcp6."""
    for line in text.splitlines()[1:]:
        if line.strip():
            row = line.split()
            (_own, port), (peer, peer_port) = (_place(word, order) for word in row[1:3])
            yield Row(port, peer, peer_port, int(row[3], 16))


def _place(word: str, order: Order) -> tuple[Network, int]:
    digits, _colon, port = word.partition(":")
    if len(digits) == 8:
        return IPv4Network(_four(digits, order)), int(port, 16)
    if len(digits) != 32:
        raise ValueError("an address of no length that there is")
    words = [int(digits[at : at + 8], 16) for at in range(0, 32, 8)]
    return plain(IPv6Network(struct.pack(f"{order}4I", *words))), int(port, 16)


def name_servers(resolv_conf: str) -> tuple[Network, ...]:
    """Whom a machine asks for names: resolv.conf(5)."""
    return tuple(dict.fromkeys(plain(ip_network(ip_address(each))) for each in _SERVER.findall(resolv_conf)))


def _four(digits: str, order: Order) -> IPv4Address:
    return IPv4Address(struct.pack(f"{order}I", int(digits, 16)))


def _six(digits: str) -> IPv6Network:
    if len(digits) != 32:
        raise ValueError("an address of no length that there is")
    return IPv6Network(IPv6Address(int(digits, 16)))
