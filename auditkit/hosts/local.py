"""This machine: the probe in process."""

import os
from collections.abc import Iterator, Mapping, Sequence

from auditkit.errors import HostError, UsageError
from auditkit.hosts import Ask, Beginning, Known, Reach, Seen, taken_below
from auditkit.model import Gap, Item, Need, State
from auditkit.probe import probe


class Local:
    """This machine, seen from its root."""

    def __init__(self, name: str = "local") -> None:
        self.name = name
        self.facts: Mapping[str, object] = {}

    def close(self) -> None:
        """Nothing is left to leave."""

    def scan(self, request: Mapping[str, object], known: Known | None = None) -> Iterator[Seen]:
        """Yield what the probe sees below `/`."""
        return probe.scan({**request, "root": "/"})

    def take(self, needs: tuple[Need, ...]) -> Iterator[Item | Gap]:
        """Yield what was asked for."""
        yield from taken_below(b"/", needs)

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
    """This machine."""
    if word != "local":
        raise UsageError(f"`local` takes no address, but {word!r} was given", "write `local`")
    return Local()
