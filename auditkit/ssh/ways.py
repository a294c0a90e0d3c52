"""Ways to paths of a host without Python, as probe/status.py gives them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from auditkit.model import Gap, Item, Need
from auditkit.ssh import fetch
from auditkit.ssh.session import lied
from auditkit.ssh.survey import ABSENT, fields, reason, text
from auditkit.ssh.talk import Talk

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
    for batch, answer in talk.about((b"way",), (path or b"/" for path in dict.fromkeys(paths))):
        told = fields(answer, 2 * len(batch))
        for path, real, said in zip(batch, told[::2], told[1::2], strict=True):
            yield path, _way(real, said)


def _way(real: bytes, said: bytes) -> list[Step] | str:
    rows = [_ROW.fullmatch(row) for row in said.split(b"\n")]
    if not real or not all(rows):
        return reason(said)
    names = tuple(filter(None, real.split(b"/")))
    paths = [b"/" + b"/".join(names[:length]) for length in range(len(names), -1, -1)]
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
