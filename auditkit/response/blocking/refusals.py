"""Why a block is not proposed: it would be too wide, make no sense, or lock out the people who asked for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network

from auditkit.printable import counted, few
from auditkit.response.blocking.addresses import PRIVATE, Network, is_mapped, overlap, plain, shown
from auditkit.response.blocking.nouns import Surroundings

WIDEST = {4: 24, 6: 48}
"""The shortest length of a net that may be blocked."""
_NOBODYS = (
    (ip_network("0.0.0.0/8"), "means this machine, or everybody"),
    (ip_network("::/128"), "means everybody"),
    (ip_network("127.0.0.0/8"), "is this machine itself: its own programs talk over it"),
    (ip_network("::1/128"), "is this machine itself: its own programs talk over it"),
    (ip_network("169.254.0.0/16"), "is on the own cable, where machines find each other (RFC 3927)"),
    (ip_network("fe80::/10"), "is on the own cable, where machines find each other (RFC 4291)"),
    (ip_network("224.0.0.0/4"), "is multicast, from which nothing comes"),
    (ip_network("ff00::/8"), "is multicast, from which nothing comes"),
    (ip_network("240.0.0.0/4"), "is broadcast, or reserved: nothing comes from there"),
)
SITE = 64
"""The length of the net that one network of IPv6 has: RFC 4291 section 2.5.4."""
MOST = 5
"""Of those who would be locked out, so many are named."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not, and what to do instead."""

    reason: str
    remedy: str


def refusals(target: Network, around: Surroundings, *, not_ours: bool = False, allowed: bool = False) -> Iterator[Refusal]:
    """Yield each reason against a block.

    `not_ours`: a person says that the sessions from there are nobody's of ours; `allowed`: he has named own addresses himself.
    """
    meaningless = _meaningless(target)
    if meaningless:
        yield meaningless
        return
    yield from _too_wide(target)
    if (hit := _hit(target, around)) is not None:
        yield hit
    if not not_ours and (working := _working(target, around)) is not None:
        yield working
    if around.grave and not allowed:
        unknown = "; ".join(f"{gap.subject} ({gap.reason})" for gap in around.grave[:MOST])
        yield Refusal(
            f"what must not be hit could not be found out on {around.host}: {unknown}",
            "name the addresses that you and your machines come from: --allow ADDRESS|NET; or try it as root",
        )


def cautions(target: Network, around: Surroundings, *, not_ours: bool = False) -> Iterator[str]:
    """Yield what a person should know before he blocks somebody."""
    linked = [f"{shown(each.address)} {each.how}" for each in around.linked if overlap(target, each.address)]
    if linked:
        yield f"This machine itself is connected to it right now ({few(linked, MOST)}): a block does not end that. See ss -tnp."
    working = [each for each in around.sessions if overlap(target, each.address)]
    if working and not_ours:
        yield "You say that the sessions from there are nobody's of yours. A block does not end them: see who, and ss -tnp."
    if any(overlap(target, net) for net in PRIVATE):
        yield "It is a private address: a machine of your own network, or behind your VPN. Find it; a block only hides it."
    if target.version == 6 and target.prefixlen > SITE:
        yield f"Whoever has an address of IPv6 has most often all of its /{SITE}, and may go on from the next one."


def _meaningless(target: Network) -> Refusal | None:
    for net, what in _NOBODYS:
        if overlap(target, net):
            return Refusal(f"{shown(target)} {what}", "name the address that stands in the log")
    if is_mapped(target):
        return Refusal(f"{shown(target)} is IPv4 written as IPv6, as no packet has it", f"write {shown(plain(target))}")
    return None


def _too_wide(target: Network) -> Iterator[Refusal]:
    widest = WIDEST[target.version]
    if target.prefixlen < widest:
        many = counted(2 ** (32 - target.prefixlen), "address") if target.version == 4 else "more than one site has"
        yield Refusal(
            f"{shown(target)} is too wide: {many}, most of them of people who have done nothing",
            f"name the addresses that you saw, or nets of at most /{widest}",
        )


def _hit(target: Network, around: Surroundings) -> Refusal | None:
    hit = [f"{shown(each.network)} ({each.what})" for each in around.guarded if overlap(target, each.network)]
    if not hit:
        return None
    return Refusal(
        f"a block of {shown(target)} would hit your own side: {few(list(dict.fromkeys(hit)), MOST)}",
        "leave it: look at that machine itself, or at who shares its address with you (NAT, VPN)",
    )


def _working(target: Network, around: Surroundings) -> Refusal | None:
    found = [f"{shown(each.address)} {each.how}" for each in around.sessions if overlap(target, each.address)]
    if not found:
        return None
    return Refusal(
        "somebody is there right now, perhaps you or a colleague behind the same router, perhaps the one who guesses:"
        f" {few(found, MOST)}",
        "see who it is (`who`, `ss -tn`); if it is nobody of yours, say so: --not-ours",
    )
