"""Addresses that are to be blocked, or never to be: read strictly, and known under whatever name they come."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

from auditkit.errors import UsageError
from auditkit.printable import printable

Network = IPv4Network | IPv6Network

PRIVATE = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")))
"""RFC 1918, RFC 6598, RFC 4193: addresses that mean somebody only inside of a network."""
_WORD = re.compile(r"[0-9A-Fa-f:.]{2,45}(?:/[0-9]{1,3})?")
"""Nothing else gets so far as to be read: no zone (`%eth0`), no mask with dots, no digits of other scripts."""
_MAPPED, _NAT64, _SIX_TO_FOUR = map(IPv6Network, ("::ffff:0:0/96", "64:ff9b::/96", "2002::/16"))
_V4_BITS = 32


def network(word: str) -> Network:
    """The net, or the net of one address, that a word is.

    Raises:
        UsageError: it is neither, or an address with the length of a net.
    """
    try:
        meant = ip_network(word if _WORD.fullmatch(word) else "", strict=False)
        alone = ip_network(word.partition("/")[0])
    except ValueError as error:
        raise UsageError(
            f"{printable(word[:100])} is no address and no net", "write it like 192.0.2.10, 192.0.2.0/24 or 2001:db8::/64"
        ) from error
    if alone.network_address != meant.network_address:
        raise UsageError(
            f"{printable(word)} is one address with the length of a net",
            f"write {meant} for the net, or {shown(alone)} for the one address",
        )
    return meant


def shown(net: Network) -> str:
    """A net as one writes it: that of one address without its length."""
    return str(net.network_address if net.prefixlen == net.max_prefixlen else net)


def overlap(one: Network, other: Network) -> bool:
    """Whether two nets have an address in common, by whichever of its forms."""
    mine = tuple(forms(one))
    return any(_same(a, b) for b in forms(other) for a in mine)


def _same(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def forms(net: Network) -> Iterator[Network]:
    """Yield a net as it is, and as it is where IPv4 travels in IPv6.

    IPv4-mapped (RFC 4291 section 2.5.5.2), NAT64 (RFC 6052), 6to4 (RFC 3056).
    """
    yield net
    if isinstance(net, IPv6Network):
        inner = inside(net)
        if inner is not None:
            yield inner
    else:
        bits, length = int(net.network_address), net.prefixlen
        yield IPv6Network((int(_MAPPED.network_address) | bits, 96 + length))
        yield IPv6Network((int(_NAT64.network_address) | bits, 96 + length))
        yield IPv6Network((int(_SIX_TO_FOUR.network_address) | bits << 80, 16 + length))


def inside(net: IPv6Network) -> IPv4Network | None:
    """The net of IPv4 that a net of IPv6 is made from, if it is."""
    for outer, below in ((_MAPPED, 0), (_NAT64, 0), (_SIX_TO_FOUR, 80)):
        if net.subnet_of(outer):
            bits = int(net.network_address) >> below & 0xFFFF_FFFF
            return IPv4Network((bits, min(net.prefixlen - outer.prefixlen, _V4_BITS)))
    return None


def is_mapped(net: Network) -> bool:
    """Whether it is IPv4 written as IPv6: such an address is in no packet."""
    return isinstance(net, IPv6Network) and net.subnet_of(_MAPPED)


def plain(net: Network) -> Network:
    """The net as packets have it."""
    return inside(net) or net if isinstance(net, IPv6Network) and is_mapped(net) else net
