"""From where people may come: one address for each network that makes a difference, and one for the internet.

What decides are the own networks, and each network that a Match line, AllowUsers or from= names: of two that overlap each
has an address that is not in the other, where there is one.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator

from auditkit.access.keyfiles import taken
from auditkit.access.nouns import Left
from auditkit.answers import Shown
from auditkit.keys.addresses import number
from auditkit.model import Evidence, Gap
from auditkit.sshd.doors import Source
from auditkit.sshd.effective import Configuration
from auditkit.sshd.lines import Refused, lowered
from auditkit.sshd.patterns import matches, network

INTERNET = ("203.0.113.7", "198.51.100.7", "192.0.2.7", "2001:db8::7")
"""Addresses that nobody has, of documentation (RFC 5737, RFC 3849): the first that no line names, and one of IPv6."""
OTHERS = (*(f"{n}.77.77.7" for n in range(1, 224) if n not in (10, 127)), *(f"2{n:03x}::7" for n in range(1, 4096, 97)))
"""Where lines name even those: addresses of all the rest."""
ITSELF = Source("the host itself", "127.0.0.1")
STATION = " (auditkit)"
"""How the name of the address ends that auditkit itself came from."""
MOST = 40
MOST_TRIED = 64
"""Addresses of a network that are tried for one that is in no smaller network."""
_PATTERN = re.compile(r"[0-9a-fA-F:.*?]{2,64}")
_WHOLE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3}){0,2})\.\*")
_MATCHED = ("address", "host")
"""Criteria of Match that ask for the source: its name is its address, unless UseDNS is on."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def sources(
    evidence: Evidence, configurations: Iterable[Configuration], shown: Iterable[Shown], by_pam: Iterable[str] = ()
) -> tuple[tuple[Source, ...], tuple[Left, ...]]:
    """The sources that may be treated differently, the own networks first, and what is left where there are too many.

    `by_pam`: what lines of pam_access name.
    """
    lines = (text for each in configurations for text in named(each))
    texts = (*evidence.office.networks, *lines, *by_pam, *_origins(evidence))
    named_by: dict[Network, str] = {}
    for text in dict.fromkeys(texts):
        found = network_of(text)
        if found is not None and found.prefixlen:
            named_by.setdefault(found, text)
    missed = [text for text in dict.fromkeys(texts) if is_missed(text)]
    left = len(named_by) - MOST
    kept = tuple(named_by)[:MOST]
    out = [Source(named_by[each], str(_inside(each, kept))) for each in kept]
    stations = dict.fromkeys(each.source for each in shown if each.source)
    out += [Source(f"{address}{STATION}", address) for address in tuple(stations)[:3]]
    told = [Left("every account", text, "no address that fits this pattern was found") for text in missed[:MOST]]
    if left > 0:
        told.append(Left("every account", f"{left} more networks that lines name", f"more than {MOST} are not tried"))
    return (*out, *_internet(kept)), tuple(told)


def is_in(one: Network, other: Network) -> bool:
    """Whether all addresses of a network are in another one."""
    if isinstance(one, ipaddress.IPv4Network):
        return isinstance(other, ipaddress.IPv4Network) and one.subnet_of(other)
    return isinstance(other, ipaddress.IPv6Network) and one.subnet_of(other)


def is_own(address: str, evidence: Evidence) -> bool:
    """Whether an address is in the own networks."""
    it = ipaddress.ip_address(address)
    nets = (net for net in map(network_of, evidence.office.networks) if net is not None)
    return any(it.version == net.version and it in net for net in nets)


def named(configuration: Configuration) -> Iterator[str]:
    """Yield each address, network or pattern that Match lines, AllowUsers and DenyUsers name."""
    for statements in configuration.files.read.values():
        for statement in statements if not isinstance(statements, Gap) else ():
            words, keyword = statement.line.words, lowered(statement.line.keyword)
            if keyword == "match":
                pairs = (word.partition("=") for word in words)
                joined = [tail for head, sign, tail in pairs if sign and lowered(head) in _MATCHED]
                after = [words[at + 1] for at in range(len(words) - 1) if lowered(words[at]) in _MATCHED]
                yield from (part for text in (*joined, *after) for part in _parts(text))
            elif keyword in ("allowusers", "denyusers"):
                hosts = (word.rpartition("@")[2] for word in words if "@" in word)
                yield from (part for text in hosts for part in _parts(text))


def _origins(evidence: Evidence) -> Iterator[str]:
    """Yield what from= of keys names."""
    for line in (line for lines in taken(evidence).values() for line in lines):
        if not isinstance(line, Gap) and line.options.origin is not None:
            yield from _parts(line.options.origin)


def _parts(text: str) -> Iterator[str]:
    return (part.removeprefix("!") for part in text.split(",", MOST)[:MOST])


def network_of(text: str) -> Network | None:
    """The network that a word means; of a pattern the network of all that fits it, or one address that does."""
    try:
        found = network(text)
    except Refused:
        return None
    if found is not None or not _PATTERN.fullmatch(text) or not set(text) - set("*?.:"):
        return found
    if whole := _WHOLE.fullmatch(text):
        parts = whole[1].split(".")
        return network(".".join((*parts, *["0"] * (4 - len(parts)))) + f"/{8 * len(parts)}")
    return next(_fitting(text), None)


def _fitting(pattern: str) -> Iterator[Network]:
    """Yield addresses that fit a pattern as text, which is how sshd compares them."""
    for star in ("1", "", "0", "0.1", "1::1", "::1", ":1", "0.0.1", "1:1:1:1:1:1:1", "1:1:1:1:1:1"):
        for digit in ("1", "0", "9"):
            address = number(pattern.replace("*", star).replace("?", digit))
            if address is not None and matches(str(address), pattern):
                yield ipaddress.ip_network(address)


def is_missed(text: str) -> bool:
    """Whether a word may fit addresses, and none that does is known."""
    if not _PATTERN.fullmatch(text) or not set(text) & set("*?") or not set(text) - set("*?.:"):
        return False
    return network_of(text) is None


def _inside(net: Network, others: Iterable[Network]) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An address of a network that is in none of those that lie in it, where there is one near its ends."""
    smaller = [each for each in others if each != net and each.version == net.version and each.prefixlen > net.prefixlen]
    count = net.num_addresses
    # the smaller networks first: right behind one of them is an address that is not in it
    behind = [int(each.broadcast_address) + 1 - int(net.network_address) for each in smaller]
    steps = [*range(1, 4), *behind, count // 2, count - 2, count - 1, 0]
    tried = [net[step] for step in steps if 0 <= step < count][:MOST_TRIED]
    return next((each for each in tried if not any(each in inner for inner in smaller)), net[min(1, count - 1)])


def _internet(networks: tuple[Network, ...]) -> Iterator[Source]:
    """Yield an address that stands for all others, of either family."""
    for family in (4, 6):
        mine = [address for address in map(ipaddress.ip_address, (*INTERNET, *OTHERS)) if address.version == family]
        free = [each for each in mine if not any(each.version == net.version and each in net for net in networks)]
        if free:
            yield Source(f"internet ({free[0]})", str(free[0]))
