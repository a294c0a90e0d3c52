"""A mounted disk: nothing on it runs, and no symlink, however made, leads out of it."""

import os
from collections.abc import Iterator, Mapping, Sequence

from auditkit.errors import HostError, UsageError
from auditkit.hosts import Ask, Beginning, Known, Reach, Seen, taken_below
from auditkit.model import ON_DISK, Gap, Item, Need
from auditkit.printable import printable
from auditkit.probe import probe


class Root:
    """A directory that is another machine's root."""

    def __init__(self, name: str, path: str) -> None:
        self.name = name
        self.root = path
        self.facts: Mapping[str, object] = {}

    def close(self) -> None:
        """Nothing is left to leave."""

    def scan(self, request: Mapping[str, object], known: Known | None = None) -> Iterator[Seen]:
        """Yield what the probe sees below the directory, with paths as that machine has them."""
        return probe.scan({**request, "root": self.root})

    def take(self, needs: tuple[Need, ...]) -> Iterator[Item | Gap]:
        """Yield the files that were asked for, and the ways to them; nothing on it runs."""
        yield from taken_below(os.fsencode(self.root), needs)
        lacking = (need for need in needs if not need.optional and not self.gives(need))
        yield from (Gap(need.what, f"a mounted disk gives no {need.means}: nothing on it runs") for need in lacking)

    def gives(self, need: Need) -> bool:
        """Whether a disk can show it."""
        return need.means in ON_DISK

    def beginnings(self, asked: Sequence[Ask]) -> Iterator[Beginning]:
        """Yield digests of how logs and their rotations begin."""
        return probe.beginnings(self.root, asked)

    def mounts(self) -> bytes:
        """Nothing: what is mounted where on this machine says nothing of that one."""
        return b""


def connect(word: str, reach: Reach) -> Root:
    """The mounted disk at `root:DIRECTORY`.

    Raises:
        HostError: there is no such directory.
    """
    path = word.partition(":")[2]
    if not path.startswith("/"):
        raise UsageError(f"{printable(word)} names no directory", "write root:/mnt/disk with the full path")
    real = os.path.realpath(path)
    if real == "/":
        raise UsageError("root:/ is this machine itself", "write `local`")
    if not os.path.isdir(real):
        raise HostError(f"{printable(path)} is no directory", "mount the disk there first, read-only: mount -o ro")
    return Root(f"root:{real}", real)
