"""A central log, read machine by machine: each has lines, a heartbeat and a tally of its own, in one pass over the log.

Which machine a line is of, its line says, as far as the daemon that wrote the log can be believed. Names come from the network:
so many of them are told apart as MOST, and what the rest wrote is one more machine, REST.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from auditkit.logins.formats.pieces import pieces
from auditkit.logins.formats.stamps import STAMP, Clock
from auditkit.logins.formats.syslog import Reader
from auditkit.logins.nouns import Bytes, Log, Notes, Setting
from auditkit.logins.tally import Tally

MOST = 1000
"""Machines that are told apart."""
REST = "*"
"""What stands for all others."""
HOST = re.compile(r" (?!last message repeated |--)(?P<none>[^ :\[]+(?:\[[^\] ]*\])?:(?: |$|\[))?(?P<host>[^ ]+)(?: |$)")
"""The name behind a stamp, or a program without one before it."""


@dataclass(slots=True)
class Run:
    """Lines of one machine that follow each other."""

    machine: str
    lines: list[str]
    sizes: list[int]


def machines(names: Iterable[str]) -> Mapping[str, str]:
    """Each name to the machine that it is of: `db` and `db.example` are one, unless there is a `db.test`, too."""
    every = {name.lower() for name in names if name}
    long: dict[str, list[str]] = {}
    for name in every:
        if "." in name and not name.replace(".", "").isdigit():
            long.setdefault(name.partition(".")[0], []).append(name)
    short = {several[0]: name for name, several in long.items() if name in every and len(several) == 1}
    return {name: short.get(name, name) for name in every}


def read(log: Log, data: Bytes, setting: Setting, names: Iterable[str]) -> dict[str, tuple[Notes, Tally]]:
    """The notes and the tally of each machine in a text log; `names` are those that are known to stand in it."""
    whole, known, made = Notes(), machines(names), dict[str, Reader]()
    clock = Clock(log, data, setting, whole)  # one for all: a machine that is heard from in January begins in the new year
    number = offset = 0
    before = ""
    for piece in pieces(data.chunks(), whole):
        for run in runs(piece.lines(), piece.lengths(), before, known):
            before = run.machine
            reader = made.get(before) or _reader(made, before, log, data, setting, clock)
            number, offset = _take(reader, run, number, offset)
        for reader in made.values():
            if reader.tally is not None:
                reader.tally.rest()
    return {machine: _done(reader, machine, whole) for machine, reader in made.items() if reader.tally is not None}


def runs(lines: Sequence[str], sizes: Iterable[int], before: str, known: Mapping[str, str]) -> Iterator[Run]:
    """Yield the lines of one machine after those of another; a line without a stamp belongs to the one before."""
    run = Run(before, [], [])
    for line, size in zip(lines, sizes, strict=True):
        machine = machine_of(line, run.machine, known)
        if machine != run.machine:
            if run.lines:
                yield run
            run = Run(machine, [], [])
        run.lines.append(line)
        run.sizes.append(size)
    yield run


def machine_of(line: str, before: str, known: Mapping[str, str]) -> str:
    """Whose line it is; the empty word where it names nobody."""
    stamp = STAMP.match(line)
    found = HOST.match(line, stamp.end()) if stamp else None
    if found is None:
        return before
    name = "" if found["none"] or found["host"] == "-" else found["host"].lower()
    return known.get(name, name)


def _reader(made: dict[str, Reader], machine: str, log: Log, data: Bytes, setting: Setting, clock: Clock) -> Reader:  # noqa: PLR0913, PLR0917
    """A reader for a machine that is met for the first time, or that of all others."""
    if len(made) >= MOST:
        machine = REST
    if machine not in made:
        made[machine] = Reader(log, data, setting, Notes(), Tally())
        made[machine].clock = clock
    return made[machine]


def _take(reader: Reader, run: Run, number: int, offset: int) -> tuple[int, int]:
    """Read some lines of one machine; the lines of others between them are none of its heartbeat."""
    reader.beaten, reader.first = number, number + 1
    end, offset = reader.piece(run.lines, run.sizes, number, offset)
    reader.pulse.again(end - reader.beaten)
    reader.before = run.lines[-1]
    reader.notes.lines += end - number
    return end, offset


def _done(reader: Reader, machine: str, whole: Notes) -> tuple[Notes, Tally]:
    """What is left of a machine."""
    reader.pulse.done()
    notes = reader.notes
    notes.of_interest = notes.lines - reader.others
    notes.host, notes.year_by, notes.nul_runs = machine, whole.year_by, list(whole.nul_runs)
    notes.hosts = {machine}
    return notes, reader.tally or Tally()
