"""All that evidence may be asked for on a host without Python, each by its means, as probe/means.py gives it."""

from collections.abc import Iterator, Sequence

from auditkit.model import Gap, Item, Means, Need
from auditkit.ssh import fetch, logs, processes, programs, ways
from auditkit.ssh.talk import Talk


def take(talk: Talk, needs: Sequence[Need]) -> Iterator[Item | Gap]:
    """Yield what is there for each need: the files, then the ways, who listens, and what commands write."""
    by = {means: [need for need in needs if need.means is means] for means in Means}
    yield from fetch.take(talk, by[Means.FILE])
    if by[Means.STATUS]:
        yield from ways.take(talk, by[Means.STATUS])
    yield from processes.take(talk, by[Means.LISTENERS])
    if by[Means.COMMAND]:
        yield from programs.take(talk, by[Means.COMMAND])
    yield from logs.take(talk, by[Means.LOG])
