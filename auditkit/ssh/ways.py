"""Ways to paths of a host without Python, as probe/status.py gives them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from stat import S_ISDIR, S_ISLNK

from auditkit.model import Gap, Item, Need
from auditkit.ssh import fetch
from auditkit.ssh.session import lied
from auditkit.ssh.survey import ABSENT, reason, text
from auditkit.ssh.talk import Talk
from auditkit.ssh.there import Place, looked_at, there

_ROW = re.compile(rb"([0-9a-f]{4}) ([0-9]{1,10}) ([0-9]{1,10})")

Step = tuple[int, int, int, bytes]
"""Mode, uid, gid, path."""


def take(talk: Talk, needs: Sequence[Need]) -> Iterator[Item | Gap]:
    """Yield what is there for each need, in the order of the needs and of the paths."""
    found = fetch.places(talk, needs)
    told = dict(ways(talk, (path for paths in found for path, why in paths if not why)))
    for need, paths in zip(needs, found, strict=True):
        there = list(_of_need(need, paths, told))
        yield from there or (() if need.optional else (Gap(need.what, "no such file or directory"),))


def ways(talk: Talk, paths: Iterable[bytes]) -> Iterator[tuple[bytes, list[Step] | str]]:
    """Yield each path with its way, itself first and its symlinks resolved, or why that is not known.

    Raises:
        HostError: what the host says is no way (`lied`).
    """
    places = there(talk, (path or b"/" for path in paths))
    nodes = _nodes(talk, (place.real for place in places.values() if isinstance(place, Place) and place.real))
    left = []
    for path, place in places.items():
        told = place if isinstance(place, str) else _known(place.real, nodes)
        if told is None:
            left.append(path)
        else:
            yield path, told
    yield from ((path, _way(real, said)) for path, real, said in looked_at(talk, left))


def _nodes(talk: Talk, reals: Iterable[bytes]) -> dict[bytes, Step]:
    """What is told of paths and of all directories above them, each asked for once."""
    wanted = dict.fromkeys(each for real in reals for each in _above(real))
    nodes: dict[bytes, Step] = {}
    for batch, answer in talk.about((b"modes",), wanted):
        rows = answer.split(b"\n")[:-1]
        if len(rows) == len(batch):  # else something is gone, and nobody knows which row is whose
            nodes.update((path, _step(row, path)) for path, row in zip(batch, rows, strict=True))
    return nodes


def _step(row: bytes, path: bytes) -> Step:
    found = _ROW.fullmatch(row)
    if not found:
        raise lied("what should be a row of stat is none")
    return int(found[1], 16), int(found[2]), int(found[3]), path


def _known(real: bytes, nodes: Mapping[bytes, Step]) -> list[Step] | None:
    """The way to a path if all of it is known, and nothing of it has become a symlink."""
    steps = [nodes[path] for path in _above(real) if path in nodes] if real else []
    whole = real and len(steps) == real.count(b"/") + 1
    return steps if whole and not S_ISLNK(steps[0][0]) and all(S_ISDIR(mode) for mode, *_rest in steps[1:]) else None


def _above(real: bytes) -> list[bytes]:
    """A path without symlinks, then each directory above it up to the root."""
    names = tuple(filter(None, real.split(b"/")))
    return [b"/" + b"/".join(names[:length]) for length in range(len(names), -1, -1)]


def _way(real: bytes, said: bytes) -> list[Step] | str:
    rows = [_ROW.fullmatch(row) for row in said.split(b"\n")]
    if not real or not all(rows):
        return reason(said)
    paths = _above(real)
    if len(rows) != len(paths) or paths[0] != real:
        raise lied("what should be the way to a path is none")
    return [(int(row[1], 16), int(row[2]), int(row[3]), path) for row, path in zip(rows, paths, strict=True) if row]


def _of_need(need: Need, paths: Iterable[tuple[bytes, str]], told: dict[bytes, list[Step] | str]) -> Iterator[Item | Gap]:
    for path, refused in paths:
        way = refused or told[path or b"/"]
        if not isinstance(way, str):
            data = b"".join(b"%o %d %d %s\0" % step for step in way)
            yield Item(need, text(path or b"/"), data, datetime.now(UTC), "")
        elif way not in ABSENT:
            yield Gap(text(path or b"/"), way)
