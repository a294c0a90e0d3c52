"""What SSH servers showed, as evidence."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from auditkit.answers import Shown, written
from auditkit.model import Gap, Item, Means, Need

SSH = "ssh"
"""What a need of a banner names."""


def answers(needs: Iterable[Need], *servers: Shown) -> Iterator[Item | Gap]:
    """Yield what these servers showed to each need that asks for it; of other services nobody has seen anything."""
    for need in needs:
        if need.means is Means.BANNER and need.what == SSH:
            yield from (Item(need, place(each), written(each), datetime.now(UTC), "") for each in servers if each.port)
        elif need.means is Means.BANNER and not need.optional:
            yield Gap(need.what, "what this service shows is not looked at")


def place(server: Shown) -> str:
    """`ADDRESS:PORT`, an IPv6 address in brackets."""
    return f"[{server.address}]:{server.port}" if ":" in server.address else f"{server.address}:{server.port}"
