"""What SSH servers showed, as evidence; and where those of this machine are to be seen."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from ipaddress import ip_address

from auditkit.answers import Process, Shown, name_of, written
from auditkit.model import Gap, Item, Means, Need
from auditkit.probe.listeners import SERVERS

SSH = "ssh"
"""What a need of a banner names."""
MOST = 3
"""Ports of this machine that are visited."""
USUAL = 22
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nobody binds to it here


def answers(needs: Iterable[Need], *servers: Shown) -> Iterator[Item | Gap]:
    """Yield what these servers showed to each need that asks for it; of other services nobody has seen anything."""
    for need in needs:
        if need.means is Means.BANNER and need.what == SSH:
            yield from (Item(need, each.place, written(each), datetime.now(UTC), "") for each in servers if each.port)
        elif need.means is Means.BANNER and not need.optional:
            yield Gap(need.what, "what this service shows is not looked at")


def nobody(_needs: Iterable[Need]) -> Iterable[Item | Gap]:
    """What is seen from outside where nobody looks from there."""
    return ()


def places(processes: Iterable[Process]) -> list[tuple[str, int]]:
    """Where servers listen: one address for each port, the usual one first."""
    found: dict[int, list[str]] = {}
    for process in processes:
        for each in process.listens:
            if each.protocol == "tcp" and _is_server(process, each.port):
                found.setdefault(each.port, []).append(each.address)
    order = sorted(found, key=lambda port: (port != USUAL, port))
    return [(_nearest(found[port]), port) for port in order[:MOST]]


def _is_server(process: Process, port: int) -> bool:
    """Whether an SSH server listens there; whose a socket is may be hidden from who is not root."""
    return name_of(process.program).encode("utf-8", "surrogateescape") in SERVERS or (process.pid is None and port == USUAL)


def _nearest(addresses: list[str]) -> str:
    """The loopback if a server listens there, IPv4 first."""
    here = (_ANY.get(each, each) for each in addresses)
    return min(here, key=lambda each: (not ip_address(each).is_loopback, ":" in each, each))
