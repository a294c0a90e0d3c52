"""Addresses and networks in the lists of OpenSSH, from= and Match Address alike: addr.c, and getaddrinfo(3) for numbers."""

import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
LONGEST = 63
"""Characters of a word that may be a network; a longer one is a pattern."""
MOST_BITS = 128
_PART = re.compile(r"0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*")
_DIGITS = re.compile(r"[0-9]+")
_SIGNED = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]+")


def number(text: str) -> Address | None:
    """The address that a text is to getaddrinfo(3) with AI_NUMERICHOST: also `10.1` and `0x7f.1`, as inet_aton(3) has it.

    Zeros before a number do no harm, however many. One that names an interface (`fe80::1%eth0`) is none of any network.
    """
    if ":" in text:
        try:
            return ipaddress.IPv6Address(text) if "%" not in text else None
        except ValueError:
            return None
    parts = text.split(".")
    if len(text) > LONGEST or len(parts) > 4 or not all(map(_PART.fullmatch, parts)):
        return None
    *first, last = (int(part, 16 if part[1:2] in ("x", "X") else 8 if part[0] == "0" else 10) for part in parts)
    rest = 4 - len(first)
    if any(each > 255 for each in first) or last >= 256**rest:
        return None
    return ipaddress.IPv4Address(int.from_bytes(bytes(first), "big") * 256**rest + last)


def network(text: str, longest: int = MOST_BITS) -> Network | None:
    """The network that a word means, or None if it is a pattern of text: a mask is no number, or longer than `longest`.

    sshd before OpenSSH 9.9 takes a mask of more than 128 bits for no number, and one of digits only for one.

    Raises:
        ValueError: the mask does not fit the address.
    """
    head, slash, tail = text.partition("/")
    digits = _DIGITS if longest == MOST_BITS else _SIGNED
    if len(text) > LONGEST or (slash and not (digits.fullmatch(tail) and 0 <= int(tail) <= longest)):
        return None
    address = number(head)
    return None if address is None else ipaddress.ip_network((address, int(tail) if slash else address.max_prefixlen))
