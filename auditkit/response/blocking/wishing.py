"""What a person asks for on the command line, read strictly: for how long, at which ports."""

import re
from collections.abc import Iterable
from ipaddress import collapse_addresses, ip_network

from auditkit.errors import UsageError
from auditkit.printable import printable
from auditkit.response.blocking.addresses import Network, network, plain
from auditkit.response.blocking.nouns import MOST_OURS, Surroundings, Trust, Wish

SHORTEST, LONGEST = 60, 24 * 3600
"""Seconds that a block may stand."""
MOST_PORTS = 15
"""As many as one rule of ufw takes: ufw(8)."""
ALL = "all"
_OWN = {4: 8, 6: 16}
"""The shortest length of a net that somebody may call his own."""
_TIME = re.compile(r"([0-9]{1,6})(s|m|h)")
_UNITS = {"s": 1, "m": 60, "h": 3600}
_PORT = re.compile(r"[0-9]{1,5}")
_CASE = re.compile(r"[0-9]{4}-[0-9]{3,6}")
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def seconds(word: str) -> int:
    """How long a block shall stand: `90s`, `3m`, `2h`.

    Raises:
        UsageError: it is no time, or too long or too short a one.
    """
    if word.lower() in ("permanent", "forever", "always", "0", "none"):
        raise UsageError(
            "auditkit proposes no block without an end: addresses change hands, and nobody remembers why they were blocked",
            "block for up to 24h, and decide anew then",
        )
    found = _TIME.fullmatch(word)
    if not found:
        raise UsageError(f"{printable(word[:40])} is no time", "write it like 3m, 90s or 2h")
    time = int(found[1]) * _UNITS[found[2]]
    if not SHORTEST <= time <= LONGEST:
        raise UsageError(f"a block for {word} is too {'short' if time < SHORTEST else 'long'}", "choose from 1m up to 24h")
    return time


def ports(words: Iterable[str], around: Surroundings) -> tuple[int, ...]:
    """The ports that are shut, none of them for all; those of SSH on that machine where nobody says otherwise.

    Raises:
        UsageError: a word is no port, or there are too many.
    """
    given = tuple(words)
    if ALL in given:
        if len(given) > 1:
            raise UsageError("--port all goes with no other --port", "leave the others out")
        return ()
    if not given:
        return around.ssh_ports[:MOST_PORTS] or (22,)
    wrong = [word for word in given if not _PORT.fullmatch(word) or not 0 < int(word) < 65536]
    if wrong:
        raise UsageError(f"{printable(wrong[0][:40])} is no port", "write a number from 1 to 65535, or all")
    found = tuple(dict.fromkeys(map(int, given)))
    if len(found) > MOST_PORTS:
        raise UsageError(f"more than {MOST_PORTS} ports at once", "name those that are attacked, or --port all")
    return found


def allowed(words: Iterable[str]) -> tuple[Network, ...]:
    """Whom a person names as his own.

    Raises:
        UsageError: a word is no address and no net, or a net that nobody has for himself.
    """
    found = tuple(plain(network(word)) for word in words)
    for net in found:
        if net.prefixlen < _OWN[net.version]:
            raise UsageError(f"--allow {net} is more than anybody has for himself", "name the addresses that you come from")
    return found


def wish(target: Network, time: int, doors: tuple[int, ...], around: Surroundings, case: str) -> Wish:
    """All that a proposal is made of."""
    named = [each.network for each in around.guarded if each.trust is Trust.NAMED]
    ours = [each.network for each in around.guarded if each.trust is Trust.OURS]
    known = case if _CASE.fullmatch(case) else ""
    lists = collapsed([*_LOOPBACK, *named, *ours[:MOST_OURS]]), collapsed(named)
    return Wish(target, time, doors, *lists, known, around.openssh, around.ends)


def collapsed(networks: Iterable[Network]) -> tuple[Network, ...]:
    """Nets without those that others hold already, IPv4 first."""
    every = tuple(networks)
    four = collapse_addresses(net for net in every if net.version == 4)
    six = collapse_addresses(net for net in every if net.version == 6)
    return (*four, *six)
