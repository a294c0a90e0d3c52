"""Ways to reach a machine: HOSTS has one line per kind; `open_host("root:/mnt/disk")` gives one that answers."""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import Protocol

from auditkit.errors import UsageError
from auditkit.model import Gap, Item, Means, Need
from auditkit.printable import printable
from auditkit.probe import pool, take

HOSTS: Mapping[str, str] = {
    "local": "auditkit.hosts.local",
    "root": "auditkit.hosts.root",
}
"""Kind of host to the module whose `connect(word)` reaches it."""

Seen = pool.Seen
"""What a scan yields: ("blocks", [bytes]), ("gap", path, reason), ("seen", entries, bytes read)."""

Ask = tuple[str, int, tuple[str, ...], bool]
"""Path of a log, how many of its first bytes, by which algorithms, and whether it rotates."""
Beginning = tuple[str, str, str]
"""Path that was asked for, name of the file that was read for it, digest field."""


class Host(Protocol):
    """A machine, a mounted disk or evidence of one, that can be asked but never changed."""

    name: str

    def scan(self, request: Mapping[str, object]) -> Iterator[Seen]:
        """Yield blocks of entries in path order, gaps, and how much was seen."""
        ...

    def take(self, needs: tuple[Need, ...]) -> Iterator[Item | Gap]:
        """Yield what was asked for, and why anything of it could not be had."""
        ...

    def beginnings(self, asked: Sequence[Ask]) -> Iterator[Beginning]:
        """Yield digests of how logs and their rotations begin."""
        ...

    def mounts(self) -> bytes:
        """The mount table as /proc/self/mountinfo has it, with the paths as this host's root sees them."""
        ...


def open_host(word: str) -> Host:
    """The host that a word of the command line means.

    Raises:
        UsageError: the word is of no known kind.
    """
    kind = word.partition(":")[0]
    if kind not in HOSTS:
        raise UsageError(
            f"{printable(word)} is no host that auditkit knows how to reach",
            "name `local` or `root:/mnt/disk`; hosts over SSH and evidence files are not built yet",
        )
    host: Host = import_module(HOSTS[kind]).connect(word)
    return host


def files_below(root: bytes, needs: tuple[Need, ...]) -> Iterator[Item | Gap]:
    """Yield the files that were asked for below a root that this machine can read."""
    files = [need for need in needs if need.means is Means.FILE]
    asked = [(os.fsencode(need.what), need.secret, need.optional) for need in files]
    for number, path, data, why in take.take(root, asked):
        source = path.decode("utf-8", "surrogateescape")
        if data is None:
            yield Gap(source, why)
        else:
            yield Item(files[number], source, data, datetime.now(UTC), "")
    for need in needs:
        if need.means is not Means.FILE:
            yield Gap(need.what, f"this kind of host gives no {need.means}")
