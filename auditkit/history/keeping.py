"""A run kept: its document, how far it looked at each host, and what is known of each thing that was told."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import zstandard
from sqlalchemy import Connection, Row, delete, exists, func, insert, select

from auditkit.errors import FormatError
from auditkit.history.looks import look_of, written
from auditkit.history.opening import Place, writing
from auditkit.history.tables import ITEMS, LANES, LONGEST, LOOKS, RUNS, damaged
from auditkit.lifetimes import Look, Thing
from auditkit.lifetimes import Row as Known
from auditkit.model import Severity

LEVEL = 3
"""Of zstd: a report of 10 MB takes a tenth of a second."""
NEWEST = (3, 197)
"""Looks at a host among which the one is searched that a run is held against: nearly always it is one of the first few."""
TREND = 60
"""Runs of which a report says how many things each told."""
AT_ONCE = 500
"""Rows of one statement; a server takes 65,535 values in one."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run as the history lists it."""

    id: str
    command: str
    started: str
    finished: str
    tool: str
    status: str
    exit: int
    fail_on: str


@dataclass(frozen=True, slots=True)
class Host:
    """A host of a run: the word that named it, and, of what is another thing on each machine, on which one."""

    word: str
    place: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """For how long runs are kept, and how many of them."""

    days: int
    runs: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What became of the things of one host of a run, in numbers."""

    place: int
    """Which of the hosts of the document it is, from 0."""
    state: str
    new: int
    still: int
    fixed: int
    unknown: int


class Turn:
    """What one run does with the history while no other one writes to it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        newest = connection.execute(select(func.max(RUNS.c.number))).scalar()
        self.number = int(newest or 0) + 1

    def lane(self, host: Host) -> int:
        """The number of a host, which it is given when it is first met."""
        found = self._connection.execute(
            select(LANES.c.lane).where(LANES.c.word == host.word, LANES.c.place == host.place)
        ).scalar()
        if found is None:
            newest = self._connection.execute(select(func.max(LANES.c.lane))).scalar()
            found = int(newest or 0) + 1
            self._connection.execute(insert(LANES).values(lane=found, word=host.word, place=host.place))
        return int(found)

    def known(self, lane: int) -> dict[str, Known]:
        """What is known of a host, by key."""
        return {row.item: _known(row) for row in self._connection.execute(select(ITEMS).where(ITEMS.c.lane == lane))}

    def newest(self, lane: int, but: str) -> Iterator[Look]:
        """Yield how far the newest runs that are kept looked at a host, the newest first, `but` the one that is resumed."""
        found = select(LOOKS.c.number, LOOKS.c.look).join(RUNS, RUNS.c.number == LOOKS.c.number).where(LOOKS.c.lane == lane)
        others = found.where(RUNS.c.id != but, ~RUNS.c.id.startswith(f"{but}-", autoescape=True)) if but else found
        before = self.number
        for some in NEWEST:
            older = others.where(LOOKS.c.number < before).order_by(LOOKS.c.number.desc()).limit(some)
            rows = self._connection.execute(older).all()
            yield from (look_of(row.number, row.look) for row in rows)
            if len(rows) < some:
                return
            before = rows[-1].number

    def trend(self, lane: int) -> list[dict[str, Any]]:
        """What the newest runs said of a host, in numbers, the oldest first."""
        counted = (LOOKS.c.state, LOOKS.c.new, LOOKS.c.still, LOOKS.c.fixed, LOOKS.c.unknown)
        found = select(RUNS.c.id, RUNS.c.command, RUNS.c.started, *counted).join(LOOKS, RUNS.c.number == LOOKS.c.number)
        rows = self._connection.execute(found.where(LOOKS.c.lane == lane).order_by(RUNS.c.number.desc()).limit(TREND)).all()
        return [
            {
                "run": row.id, "command": row.command, "started": row.started, "state": row.state, "new": row.new,
                "still": row.still, "gone": row.fixed, "unknown": row.unknown,
            }
            for row in reversed(rows)
        ]  # fmt: skip

    def looks(self, lane: int, numbers: Iterable[int]) -> Iterator[Look]:
        """Yield how far these runs looked at a host."""
        wanted = sorted(set(numbers))
        found = select(LOOKS.c.number, LOOKS.c.look).where(LOOKS.c.lane == lane)
        for at in range(0, len(wanted), AT_ONCE):
            some = found.where(LOOKS.c.number.in_(wanted[at : at + AT_ONCE]))
            yield from (look_of(row.number, row.look) for row in self._connection.execute(some))

    def run(self, number: int) -> Run | None:
        """The run of that number, if it is still kept."""
        row = self._connection.execute(select(*LISTED).where(RUNS.c.number == number)).first()
        return None if row is None else run_of(row)

    def free(self, name: str) -> str:
        """A name for a run that none has: the same, or with a number where a run that was resumed is kept once more."""
        taken = set(self._connection.execute(select(RUNS.c.id).where(RUNS.c.id.startswith(name, autoescape=True))).scalars())
        return name if name not in taken else next(n for at in range(2, len(taken) + 3) if (n := f"{name}-{at}") not in taken)

    def learn(self, lane: int, look: Look, counted: Counted, rows: Iterable[Known], *, anew: bool = False) -> None:
        """Keep how far this run looked at a host, and what is known of it now; `anew`: what was known is of another machine."""
        if anew:
            self._connection.execute(delete(ITEMS).where(ITEMS.c.lane == lane))
        self._connection.execute(insert(LOOKS).values(lane=lane, number=self.number, look=written(look), **asdict(counted)))
        values = [{"lane": lane, **_values(row)} for row in rows]
        for at in range(0, len(values), AT_ONCE):
            some = values[at : at + AT_ONCE]
            gone = delete(ITEMS).where(ITEMS.c.lane == lane, ITEMS.c.item.in_([one["item"] for one in some]))
            self._connection.execute(gone)
        if values:
            self._connection.execute(insert(ITEMS), values)

    def keep(self, run: Run, document: Mapping[str, Any], limits: Limits) -> None:
        """Keep the run itself, and remove what is older than it is wanted.

        Raises:
            FormatError: a host has a number in it that is none.
        """
        try:
            told = json.dumps(document, ensure_ascii=True, allow_nan=False).encode()
        except ValueError as error:
            raise FormatError("a number in the report is none that JSON has") from error
        packed = zstandard.compress(told, LEVEL)
        self._connection.execute(insert(RUNS).values(number=self.number, document=packed, **asdict(run)))
        forget(self._connection, self.number, limits)


def forget(connection: Connection, number: int, limits: Limits) -> None:
    """Remove what is older than it is wanted, as of run `number`; nothing of what may still be there.

    A clock that runs ahead once makes nothing old: the run before this one has to say so, too.
    """
    newest = select(RUNS.c.started).where(RUNS.c.number <= number).order_by(RUNS.c.number.desc()).limit(2)
    now = min(connection.execute(newest).scalars(), default="")
    if not now:
        return
    edge = f"{datetime.fromisoformat(now) - timedelta(days=limits.days):%Y-%m-%dT%H:%M:%SZ}"
    surplus = connection.execute(select(RUNS.c.number).order_by(RUNS.c.number.desc()).offset(limits.runs).limit(1)).scalar()
    old = select(RUNS.c.number).where((RUNS.c.finished < edge) | (RUNS.c.number <= (surplus or 0)), RUNS.c.number != number)
    gone = list(connection.execute(old).scalars())
    for at in range(0, len(gone), AT_ONCE):
        some = gone[at : at + AT_ONCE]
        alive = exists().where(ITEMS.c.lane == LOOKS.c.lane, ITEMS.c.last_run == LOOKS.c.number, ITEMS.c.open == 1)
        connection.execute(delete(ITEMS).where(ITEMS.c.open == 0, ITEMS.c.last_run.in_(some)))
        connection.execute(delete(ITEMS).where(ITEMS.c.last_seen < edge, ITEMS.c.last_run.in_(some)))
        connection.execute(delete(LOOKS).where(LOOKS.c.number.in_(some), ~alive))
        connection.execute(delete(RUNS).where(RUNS.c.number.in_(some)))


LISTED = tuple(column for column in RUNS.c if column.name not in ("document", "number"))


@contextmanager
def turn(place: Place) -> Iterator[Turn]:
    """A turn at writing; all of it stands once the block has ended without an error, or nothing.

    Raises:
        AuditkitError: the history cannot be written.
    """
    with writing(place) as connection:
        yield Turn(connection)


def run_of(row: Row[Any]) -> Run:
    """The run that a row of the table is."""
    return Run(**{column.name: getattr(row, column.name) for column in LISTED})


def _known(row: Row[Any]) -> Known:
    try:
        severity = Severity(row.severity)
    except ValueError as error:
        raise damaged("a severity in it is none") from error
    thing = Thing(
        key=row.item,
        sort=row.sort,
        rule=row.rule,
        subject=row.subject,
        message=row.message,
        severity=severity,
        part=row.part,
        counts=row.counts,
        excuse=row.excuse,
        mark=row.mark,
        event=row.event,
        based=row.based,
    )
    return Known(
        thing, row.first_seen, row.last_seen, row.last_run, row.open, row.news, row.news_run, row.left_run, row.how
    )  # fmt: skip


def _values(row: Known) -> dict[str, Any]:
    thing = row.thing
    return {
        "item": thing.key, "sort": str(thing.sort), "rule": thing.rule, "subject": thing.subject,
        "message": thing.message[: LONGEST // 12], "severity": int(thing.severity), "part": thing.part, "counts": thing.counts,
        "excuse": str(thing.excuse), "mark": thing.mark, "event": thing.event, "based": thing.based,
        "first_seen": row.first_seen, "last_seen": row.last_seen, "last_run": row.last_run, "open": row.open,
        "news": str(row.news), "news_run": row.news_run, "left_run": row.left_run, "how": str(row.how),
    }  # fmt: skip
