"""What readers of binary records share: texts that end at a zero, and addresses in bytes."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

SECOND = 10**9
LISTED = 64
"""Zero runs and kinds of lines that are told."""
REMEMBERED = 4096
"""Sessions, connections and texts that are kept in mind at a time."""


@lru_cache(maxsize=2 * REMEMBERED)
def text(raw: bytes) -> str:
    """A field up to its first zero, as the record has it: nobody has escaped anything in it."""
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")


@lru_cache(maxsize=2 * REMEMBERED)
def origin(binary: bytes, host: str) -> tuple[str | None, str]:
    """Where a record says somebody came from, and the host's text where it says something else than the address.

    The 16 bytes are written by the service, which saw the connection. The text may be a name that whoever owns the address
    chose for it, so it is taken for the address only where there is no binary one.
    """
    address = binary_address(binary, host)
    if address is None:
        return (None, host) if local(host) else (spelled(host), "")
    return address, "" if spelled(host) == address else host


def binary_address(binary: bytes, host: str) -> str | None:
    """The address in the 16 bytes of a record; None if there is none. IPv4 has the first four of them."""
    if not any(binary):
        return None
    if any(binary[4:]) or spelled(host) == str(IPv6Address(binary)):  # 2001:db8:: ends in as many zeros as IPv4 does
        address = IPv6Address(binary)
        return str(address.ipv4_mapped or address)
    return str(ip_address(binary[:4]))


@lru_cache(maxsize=REMEMBERED)
def spelled(host: str) -> str:
    """An address as it is usually spelled; any other text as it is."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return str(getattr(address, "ipv4_mapped", None) or address)


def local(host: str) -> bool:
    """Whether the text of a host names a display, a terminal or nothing, and not where somebody came from."""
    return not host or host.startswith((":", "tmux(", "screen")) or host == "?"
