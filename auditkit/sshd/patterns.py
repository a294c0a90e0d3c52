"""Whether a pattern of sshd_config(5) matches: names with `*` and `?`, lists with `!`, networks.

Facts: match.c and addrmatch.c of OpenSSH 8.4 to 10.0. Everything is matched as bytes, as sshd does.
"""

import ipaddress
import re
from functools import lru_cache

from auditkit.keys.patterns import fits
from auditkit.sshd.lines import Refused, lowered

LONGEST_PATTERN = 1023
"""Of a list, one that is longer ends the matching without a match."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_PART = re.compile(r"0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*")
_NUMBER = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]+")


def matches(name: str, pattern: str) -> bool:
    """Whether one pattern matches the whole of a name; in time that no pattern can drive up."""
    return fits(*(word.encode("utf-8", "surrogateescape").decode("latin-1") for word in (name, pattern)))


def listed(name: str, patterns: str) -> int:
    """Whether a list matches: 1 if it does, -1 if a pattern with `!` does, 0 if none does."""
    found = 0
    for pattern in patterns.split(",") if patterns else []:
        no = pattern.startswith("!")
        if len((pattern[no:]).encode("utf-8", "surrogateescape")) >= LONGEST_PATTERN:
            return 0
        if matches(name, pattern[no:]):
            if no:
                return -1
            found = 1
    return found


def host_listed(host: str, patterns: str) -> int:
    """Whether a list of host names matches, in either case."""
    return listed(lowered(host), lowered(patterns))


def group_listed(groups: tuple[str, ...], patterns: str) -> bool:
    """Whether any group matches a list, and none one of its patterns with `!`."""
    found = [listed(group, patterns) for group in groups]
    return -1 not in found and 1 in found


def address_listed(address: str | None, patterns: str, longest: int = 128) -> int:
    """Whether a list of addresses, networks and patterns matches: 1, 0, or -1 if one with `!` does.

    Raises:
        Refused: an empty part, or a network whose address has bits outside its mask.
    """
    tried = number(address) if address is not None else None
    if address is not None and tried is None:
        return 0
    found = 0
    for part in patterns.split(","):
        no = part.startswith("!")
        if not part[no:]:
            raise Refused(f"invalid address list {patterns[:80]}")
        net = network(part[no:], longest)
        if net is None:
            hit = address is not None and matches(address, part[no:])
        else:
            hit = tried is not None and tried.version == net.version and tried in net
        if hit and no:
            return -1
        found |= hit
    return found


@lru_cache(maxsize=32768)
def network(text: str, longest: int) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The network that a word means; None if it is a pattern.

    Raises:
        Refused: a mask that does not fit the address.
    """
    head, slash, tail = text.partition("/")
    if len(text) >= 64 or (slash and not (_NUMBER.fullmatch(tail) and 0 <= int(tail) <= longest)):
        return None
    address = number(head)
    if address is None:
        return None
    try:
        return ipaddress.ip_network((address, int(tail) if slash else address.max_prefixlen))
    except ValueError:
        raise Refused(f"inconsistent mask length for {text}") from None


def number(text: str) -> Address | None:
    """The address that getaddrinfo would take for a number: also 10.1 and 0x7f.1, as inet_aton(3) has it."""
    parts = text.split(".")
    if ":" not in text and len(parts) <= 4 and all(_PART.fullmatch(part) for part in parts):
        values = [_value(part) for part in parts]
        last = 256 ** (5 - len(values))
        if all(value < 256 for value in values[:-1]) and values[-1] < last:
            return ipaddress.IPv4Address(sum(v << (24 - 8 * i) for i, v in enumerate(values[:-1])) + values[-1])
    try:
        return ipaddress.IPv6Address(text) if ":" in text else None
    except ValueError:
        return None


def _value(part: str) -> int:
    if len(part) > 20:
        return 1 << 64
    return int(part, 16) if part[:2] in ("0x", "0X") else int(part, 8 if part.startswith("0") and len(part) > 1 else 10)
