"""This machine: the probe in process."""

import os
from collections.abc import Iterator, Mapping, Sequence

from auditkit.answers import process
from auditkit.config import Network
from auditkit.errors import HostError, UsageError
from auditkit.hosts import Ask, Beginning, Known, Reach, Seen, taken_below
from auditkit.model import Gap, Item, Means, Need, State
from auditkit.probe import probe
from auditkit.ssh import banners, transports


class Local:
    """This machine, seen from its root."""

    def __init__(self, name: str = "local", networks: tuple[Network, ...] | None = None) -> None:
        self.name = name
        self.networks = networks
        """What may be contacted, as auditkit.yaml says."""
        self.facts: Mapping[str, object] = {}
        self.root = "/"

    def close(self) -> None:
        """Nothing is left to leave."""

    def scan(self, request: Mapping[str, object], known: Known | None = None) -> Iterator[Seen]:
        """Yield what the probe sees below `/`."""
        return probe.scan({**request, "root": "/"})

    def take(self, needs: tuple[Need, ...]) -> Iterator[Item | Gap]:
        """Yield what was asked for."""
        listening = Need(Means.LISTENERS, "all")
        banner = any(need.means is Means.BANNER for need in needs)
        more = () if not banner or any(need.means is Means.LISTENERS for need in needs) else (listening,)
        heard = []
        for told in taken_below(b"/", (*needs, *more)):
            if isinstance(told, Item) and told.need.means is Means.LISTENERS:
                heard.append(told)
            if not (isinstance(told, Item) and told.need is listening):
                yield told
        if banner:
            yield from self._banners(needs, heard)
        if any(need.means is Means.PORT for need in needs):
            from auditkit import ports  # noqa: PLC0415 - only for who asks so

            yield from ports.answers(needs, ports.Station(self.networks))

    def _banners(self, needs: tuple[Need, ...], heard: list[Item]) -> Iterator[Item | Gap]:
        """Yield what the SSH servers here show, each visited once."""
        processes = [one for one in map(process, heard) if not isinstance(one, Gap)]
        places = banners.places(processes)
        try:
            told = list(transports.module("visit").visited(places, self.networks)) if places else []
        except HostError as error:  # they are there, and cannot be asked
            told = [Gap(f"port {port}", f"what it shows is not known: {error}") for _address, port in places]
        yield from banners.answers(needs, *(one for one in told if not isinstance(one, Gap)))
        yield from (one for one in told if isinstance(one, Gap))

    def beginnings(self, asked: Sequence[Ask]) -> Iterator[Beginning]:
        """Yield digests of how logs and their rotations begin."""
        return probe.beginnings("/", asked)

    def present(self, paths: Sequence[str]) -> Iterator[tuple[str, int, int]]:
        """Yield path, inode and time of change, in ns, of each that answers to its name, listed or not."""
        for path in paths:
            try:
                told = os.lstat(path)
            except OSError:
                continue
            yield path, told.st_ino, told.st_ctime_ns

    def mounts(self) -> bytes:
        """The kernel's own table."""
        try:
            with open("/proc/self/mountinfo", "rb") as table:
                return table.read()
        except OSError as error:
            raise HostError(f"the mount table cannot be read: {error.strerror}", "mount /proc", State.PARTIAL) from error


def connect(word: str, reach: Reach) -> Local:
    """This machine, which needs no connection."""
    if word != "local":
        raise UsageError(f"`local` takes no address, but {word!r} was given", "write `local`")
    return Local(networks=reach.config.networks)
