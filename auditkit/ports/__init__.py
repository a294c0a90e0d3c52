"""What services say to whoever connects from outside: one short talk with each port that is asked for, bounded in all.

Which ports are asked for, and in which protocol, the judges say: those that listen on the host itself, or that auditkit.yaml
lists. Nothing is guessed, nothing tried twice, and no more than one port of a host at a time.
"""

import errno
import json
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from ipaddress import ip_address, ip_network
from socket import SOCK_DGRAM, SOCK_STREAM

from auditkit.banners import Heard, written
from auditkit.banners.services import LEFT_ALONE
from auditkit.config import Network
from auditkit.errors import HostError
from auditkit.model import Gap, Item, Means, Need
from auditkit.ports.probes import PROBES
from auditkit.ports.talk import Talk
from auditkit.ssh import Deadline, Hop, address

LISTED = "listed"
"""The need that asks which ports auditkit.yaml lists for a host."""
PATIENCE = 3.0
"""Seconds for one port, from the first packet to the last."""
ALL = 60.0
"""Seconds for all ports that one question asks for."""
MOST = 64
"""Ports of one host that are talked to."""
_LARGEST_PORT = 65535
_QUESTION = re.compile(r"([a-z0-9]+) (tcp|udp) ([0-9]{1,5})(?: ([0-9a-f:.,]+))?")
_ELSEWHERE = "10.255.255.254"
"""What no packet is sent to: the kernel says which address of ours one would be sent from."""


@dataclass(frozen=True, slots=True)
class Station:
    """From where ports are seen: what may be contacted, and where the host is."""

    networks: tuple[Network, ...] | None
    """As auditkit.yaml says."""
    address: str = ""
    """Where the host was reached; empty for this machine itself."""
    literal: bool = False
    """Whether auditkit.yaml names that address as a number."""
    way: str = ""
    """Why nothing else than SSH can reach it, if so: another machine connects for us."""

    def places(self, bound: Sequence[str]) -> Iterator[str]:
        """Yield the addresses at which a socket may be met that is bound to these, or to all; the first that answers counts."""
        if not self.address:
            yield from bound or (*_outward(), "127.0.0.1", "::1")
        elif not bound or any(_same(each, self.address) for each in bound):
            yield self.address


def _same(one: str, other: str) -> bool:
    return address.meant(one) == address.meant(other) is not None


@cache
def _outward() -> tuple[str, ...]:
    """The address of this machine as its network has it: some services tell more to who comes over the loopback."""
    try:
        with address.connect(Hop("", _ELSEWHERE, 9, ""), address.OWN, Deadline(PATIENCE), SOCK_DGRAM) as link:
            return (str(link.getsockname()[0]),)
    except HostError:
        return ()


def answers(needs: Iterable[Need], station: Station, seconds: float = ALL) -> Iterator[Item | Gap]:
    """Yield what each port says that is asked for, one after the other, or why that could not be had in that time."""
    asked = [need for need in needs if need.means is Means.PORT and need.what != LISTED]
    end = time.monotonic() + seconds
    for number, need in enumerate(asked):
        if number >= MOST:
            yield Gap(need.what, f"not looked at: more than {MOST} ports of one host are asked for")
        elif time.monotonic() > end:
            yield Gap(need.what, f"not looked at: the other ports took longer than {seconds:.3g} seconds")
        else:
            yield _answer(need, station)


def listed(need: Need, ports: Iterable[int]) -> Item:
    """The ports that auditkit.yaml lists for a host, as evidence."""
    return Item(need, "auditkit.yaml", json.dumps(list(ports)).encode("ascii"), datetime.now(UTC), "")


def _answer(need: Need, station: Station) -> Item | Gap:
    told = _wanted(need.what)
    if told is None:
        return Gap(need.what, "not looked at: that is no port of a service")
    _service, protocol, port, bound = told
    if protocol == "tcp" and port in LEFT_ALONE:
        return Gap(need.what, f"not looked at: {LEFT_ALONE[port]}")
    if station.way:
        return Gap(need.what, f"not looked at: {station.way}")
    found: Heard | Gap = Gap(
        need.what, f"not looked at: the host was reached at {station.address}, and this is another address"
    )
    for place in station.places(bound):
        found = _heard(need, Hop(place, place, port, "", literal=station.literal or not station.address), told, station)
        if isinstance(found, Heard) and found.outcome not in ("refused", "unreachable"):
            break
    return found if isinstance(found, Gap) else Item(need, found.place, written(found), datetime.now(UTC), "")


Wanted = tuple[str, str, int, tuple[str, ...]]
"""Service, protocol, port, and the addresses that it is bound to, none for all."""


def _wanted(what: str) -> Wanted | None:
    """What a need names: `http tcp 80`, `http tcp 80 192.168.10.2,fd00::2`."""
    match = _QUESTION.fullmatch(what)
    if not match or match[1] not in PROBES or not 0 < int(match[3]) <= _LARGEST_PORT:
        return None
    bound = tuple(filter(None, (match[4] or "").split(",")))
    return (match[1], match[2], int(match[3]), bound) if all(map(_is_address, bound)) else None


def _is_address(text: str) -> bool:
    try:
        return ip_address(text) is not None
    except ValueError:
        return False


def _heard(need: Need, hop: Hop, wanted: Wanted, station: Station) -> Heard | Gap:
    """What a service says at one address."""
    service, protocol, port, _bound = wanted
    kind = SOCK_STREAM if protocol == "tcp" else SOCK_DGRAM
    networks = station.networks
    if not station.address:  # this machine itself, whatever the networks are
        networks = (*(address.OWN if networks is None else networks), *address.LOOPBACK, ip_network(hop.hostname))
    deadline = Deadline(PATIENCE)
    try:
        link = address.connect(hop, networks, deadline, kind)
    except HostError as error:
        cause = error.__cause__
        if not isinstance(cause, OSError):
            return Gap(need.what, f"not looked at: {error}")
        outcome = "refused" if cause.errno == errno.ECONNREFUSED else "unreachable"
        return Heard(service, protocol, hop.hostname, port, outcome, here=not station.address)
    with Talk(link, deadline, streams=protocol == "tcp") as talk:
        PROBES[service](talk)
        outcome = "answered" if any(talk.parts) or talk.certificate else "refused" if talk.refused else "silent"
        return Heard(
            service, protocol, hop.hostname, port, outcome, tuple(talk.parts), talk.certificate, talk.tls, not station.address
        )
