"""Whom no letter is written about: ourselves, and addresses that are nobody's."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from auditkit.errors import UsageError
from auditkit.printable import printable
from auditkit.response.complaint import Asked

Address = IPv4Address | IPv6Address
SHARED = ip_network("100.64.0.0/10")
"""Addresses that the customers of a provider share within it (RFC 6598)."""
DOCUMENTS = "an address for documentation"
DOCUMENTATION = tuple(map(ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20")))
TRANSLATED = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
"""NAT64 (RFC 6052, RFC 8215), 6to4 and Teredo: the address of a gateway with another one in it."""
BROADCAST = IPv4Address("255.255.255.255")
NOBODY = "look in your own network for who has it: such an address has no abuse desk"
LOOK = "look at that machine: auditkit scan"


def subject(asked: Asked, ours: Iterable[str] = ()) -> Address:
    """The address that a letter is to be about, in its usual spelling; `ours` are addresses that our own machines have.

    One for documentation (RFC 5737, RFC 3849) is taken: it is what people rehearse with.

    Raises:
        UsageError: it is no address, one of ours, or nobody's.
    """
    address = _read(asked.address)
    if (kind := special(address)) and kind != DOCUMENTS:
        raise UsageError(f"{address} is {kind}: there is nobody to write to", NOBODY)
    if network := next((one for one in map(_network, asked.networks) if one and address in one), None):
        raise UsageError(
            f"{address} lies in {network}, which auditkit.yaml calls your own", "look at that machine: auditkit scan"
        )
    if any(address == address_of(one) for one in (*asked.hosts, *ours)):
        raise UsageError(f"{address} is a machine of yours", LOOK)
    return address


def special(address: Address) -> str:
    """What an address is that is no machine of somebody else's on the internet; empty if it may be one."""
    kinds = (
        ("the loopback of the machine itself", address.is_loopback),
        ("no address of a machine", address.is_unspecified or address == BROADCAST),
        ("a multicast address", address.is_multicast),
        ("a link-local address", address.is_link_local),
        (DOCUMENTS, any(address in network for network in DOCUMENTATION)),
        ("an address that the customers of a provider share within it (CGNAT)", address in SHARED),
        ("a translated address, which hides another one", any(address in network for network in TRANSLATED)),
        ("a private address", address.is_private),
        ("a reserved address", address.is_reserved or not address.is_global),
    )
    return next((kind for kind, it_is in kinds if it_is), "")


def same(text: object, address: Address) -> bool:
    """Whether a word of a report is that address."""
    return isinstance(text, str) and address_of(text) == address


def neighbours(address: Address) -> str:
    """The /64 of an IPv6 address, of which one machine may use any; empty for IPv4."""
    return "" if address.version == 4 else str(ip_network(f"{address}/64", strict=False))


def _read(text: str) -> Address:
    found = address_of(text)
    if found is None:
        raise UsageError(f"{printable(text[:100])} is no IP address", "write one address, as the report has it")
    return found


def address_of(text: str) -> Address | None:
    """The address that a word is, in its usual spelling; None where it is none, or has a zone."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return None if address.scope_id else address.ipv4_mapped or address
    return address


def _network(text: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
