"""What the history holds, read: the runs, the newest first, and the document of one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import zstandard
from sqlalchemy import Connection, select

from auditkit.history.keeping import LISTED, Host, Run, run_of
from auditkit.history.looks import look_of
from auditkit.history.tables import LANES, LARGEST, LOOKS, RUNS, damaged
from auditkit.lifetimes import Look

MOST = 200
"""Runs of which the hosts are asked for in one statement."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One host of a run, and what became of its things."""

    host: Host
    state: str
    new: int
    still: int
    fixed: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A run with its hosts."""

    number: int
    run: Run
    hosts: tuple[Asked, ...]


def lanes(connection: Connection, hosts: Iterable[Host]) -> list[int]:
    """The numbers of those of some hosts of which there is a run."""
    wanted = set(hosts)
    return [row.lane for row in connection.execute(select(LANES)) if Host(row.word, row.place) in wanted]


def newest(connection: Connection, of: Sequence[int] | None, since: str, limit: int) -> list[Listed]:
    """The newest runs, of these hosts where they are named, that began at some time or later."""
    wanted = select(RUNS.c.number, *LISTED).where(RUNS.c.started >= since).order_by(RUNS.c.number.desc()).limit(limit)
    if of is not None:
        wanted = wanted.where(RUNS.c.number.in_(select(LOOKS.c.number).where(LOOKS.c.lane.in_(of))))
    return _with_hosts(connection, connection.execute(wanted).all())


def _with_hosts(connection: Connection, rows: Sequence[Any]) -> list[Listed]:
    numbers = [row.number for row in rows]
    hosts: dict[int, list[Asked]] = {}
    counted = (LOOKS.c.number, LOOKS.c.state, LOOKS.c.new, LOOKS.c.still, LOOKS.c.fixed, LOOKS.c.unknown)
    for at in range(0, len(numbers), MOST):
        some = (
            select(LANES.c.word, LANES.c.place, *counted)
            .join(LOOKS, LOOKS.c.lane == LANES.c.lane)
            .where(LOOKS.c.number.in_(numbers[at : at + MOST]))
            .order_by(LOOKS.c.place)
        )
        for row in connection.execute(some):
            asked = Asked(Host(row.word, row.place), row.state, row.new, row.still, row.fixed, row.unknown)
            hosts.setdefault(row.number, []).append(asked)
    return [Listed(row.number, run_of(row), tuple(hosts.get(row.number, ()))) for row in rows]


def named(connection: Connection, word: str, most: int = 10) -> list[Listed]:
    """The runs whose name begins so, or is just that; the newest first."""
    found = select(RUNS.c.number, *LISTED).order_by(RUNS.c.number.desc()).limit(most)
    exact = connection.execute(found.where(RUNS.c.id == word)).all()
    return _with_hosts(connection, exact or connection.execute(found.where(RUNS.c.id.startswith(word, autoescape=True))).all())


def looked(connection: Connection, number: int) -> dict[Host, Look]:
    """How far a run looked at each of its hosts."""
    wanted = select(LANES.c.word, LANES.c.place, LOOKS.c.look).join(LOOKS, LOOKS.c.lane == LANES.c.lane)
    rows = connection.execute(wanted.where(LOOKS.c.number == number).order_by(LOOKS.c.place))
    return {Host(row.word, row.place): look_of(number, row.look) for row in rows}


def document(connection: Connection, number: int) -> bytes:
    """The text of the document of a run.

    Raises:
        FormatError: there is none, or it is damaged.
    """
    packed = connection.execute(select(RUNS.c.document).where(RUNS.c.number == number)).scalar()
    if packed is None:
        raise damaged("a run in it has no document")
    try:
        with zstandard.ZstdDecompressor().stream_reader(packed) as text:
            told = text.read(4 * LARGEST + 1)
    except zstandard.ZstdError as error:
        raise damaged("a document in it is cut or changed") from error
    if len(told) > 4 * LARGEST:
        raise damaged("a document in it is larger than 1 GiB")
    return told
