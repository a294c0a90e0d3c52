"""A device that nobody logs in to, as a printer: what auditkit.yaml lists of its ports, and what these say."""

from collections.abc import Iterator, Mapping, Sequence

from auditkit import ports
from auditkit.errors import HostError
from auditkit.hosts import Ask, Beginning, Known, Reach, Seen
from auditkit.model import Gap, Item, Means, Need, State
from auditkit.ssh import Deadline, Hop, address

PATIENCE = 15.0
"""Seconds for the name server."""


class Device:
    """A machine that is seen from outside only."""

    kind = "device"
    """How it is reached: one of HOSTS."""

    def __init__(self, name: str, station: ports.Station, listed: tuple[int, ...]) -> None:
        self.name = name
        self.listed = listed
        self.facts: Mapping[str, object] = {"address": station.address, "port": listed[0], "transport": "ports"}
        self._station = station

    def close(self) -> None:
        """Nothing is left to leave."""

    def take(self, needs: tuple[Need, ...]) -> Iterator[Item | Gap]:
        """Yield which ports are listed, and what those say that are asked for; nothing else can be had."""
        yield from (ports.listed(need, self.listed) for need in needs if (need.means, need.what) == (Means.PORT, ports.LISTED))
        yield from ports.answers(needs, self._station)

    def gives(self, need: Need) -> bool:
        """Whether it can be seen from outside."""
        return need.means is Means.PORT

    def scan(self, request: Mapping[str, object], known: Known | None = None) -> Iterator[Seen]:
        """Nothing: it shows no files.

        Raises:
            HostError: always.
        """
        what = "nobody logs in to it, so its files cannot be seen: auditkit.yaml lists `ports:` for it"
        raise HostError(what, "audit it, or take `ports:` out if it has SSH", State.NO_SHELL)

    def beginnings(self, asked: Sequence[Ask]) -> Iterator[Beginning]:
        """Nothing: it shows no logs."""
        return iter(())

    def mounts(self) -> bytes:
        """Nothing: it shows no files."""
        return b""


def connect(word: str, reach: Reach) -> Device:
    """The device that a name of auditkit.yaml means, found once; it is contacted only where it is asked.

    Raises:
        HostError: its name is unknown, or no address of it is an own one.
    """
    told = reach.config.hosts[word]
    number = told.address or word
    hop = Hop(word, number, told.ports[0], "", literal=address.meant(number) is not None)
    _family, place = address.own(hop, reach.config.networks, Deadline(PATIENCE))[0]
    return Device(word, ports.Station(reach.config.networks, place[0], hop.literal), told.ports)
