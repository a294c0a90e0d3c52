"""Whether a pattern of sshd_config(5) matches: names with `*` and `?`, lists with `!`, networks.

Facts: match.c and addrmatch.c of OpenSSH 8.4 to 10.0. Everything is matched as bytes, as sshd does.
"""

from functools import lru_cache

from auditkit.keys import addresses
from auditkit.keys.addresses import Network, number
from auditkit.keys.patterns import fits
from auditkit.sshd.lines import Refused, lowered

LONGEST_PATTERN = 1023
"""Of a list, one that is longer ends the matching without a match."""


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


def address_listed(address: str | None, patterns: str, longest: int = addresses.MOST_BITS) -> int:
    """Whether a list of addresses, networks and patterns matches: 1, 0, or -1 if one with `!` does.

    Raises:
        Refused: an empty part, or a network whose address has bits outside its mask.
    """
    tried = number(address) if address is not None else None
    if address is not None and tried is None and "%" not in address:
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
def network(text: str, longest: int = addresses.MOST_BITS) -> Network | None:
    """The network that a word means; None if it is a pattern.

    Raises:
        Refused: a mask that does not fit the address.
    """
    try:
        return addresses.network(text, longest)
    except ValueError:
        raise Refused(f"inconsistent mask length for {text}") from None
