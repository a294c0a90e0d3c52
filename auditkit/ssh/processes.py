"""Who listens on a host without Python, as probe/listeners.py gives it.

What a handle leads to stands in a line of stat(1), which somebody may forge by the name of a file that he has open: each
that matters is looked at by itself once more.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from auditkit.answers import NOBODY, Listening, Process, written
from auditkit.model import Gap, Item, Need
from auditkit.probe import hashes, inside, listeners, procfs
from auditkit.ssh.contents import contents
from auditkit.ssh.session import cut, lied
from auditkit.ssh.survey import ABSENT, bytes_of, fields, text
from auditkit.ssh.talk import Question, Talk

_HANDLE = re.compile(rb"[`']?(/proc/([0-9]{1,10})/fd/[0-9]{1,10})'? -> [`']?socket:\[([0-9]{1,19})\]'?", re.MULTILINE)
_PROGRAM = re.compile(rb"^[`']?/proc/([0-9]{1,10})/exe'? -> [`']?.*?([^/\n]+?)(?: \(deleted\))?'?$", re.MULTILINE)
_NAMED = re.compile(rb"^/proc/([0-9]{1,10})/status$", re.MULTILINE)
_TICKS = 100.0
"""Of a second: USER_HZ, which is the same on all but two kinds of machines that are made no more."""
_FIELDS = 6
_DIGITS = 12
_ORDERS = {b"b": "big"}

Sockets = dict[int, set[listeners.Place]]


class Seen(NamedTuple):
    """A process, and what is told of it."""

    process: listeners.Process
    uid: int
    unit: bytes
    arguments: bytes


class Machine(NamedTuple):
    """What one look at all handles and programs shows."""

    started: int | None
    """Seconds since 1970."""
    order: str
    net: bytes
    handles: dict[bytes, tuple[int, int]]
    """PID and inode by the path of each handle that is a socket."""
    servers: set[int]
    """PIDs of what may be SSH servers."""


def take(talk: Talk, needs: Sequence[Need]) -> Iterator[Item | Gap]:
    """Yield every process that listens or is an SSH server, and what cannot be seen."""
    for need in needs:
        tables, whys = _tables(talk)
        yield from (gap for gap in whys if not need.optional or gap.reason not in ABSENT)
        machine = _machine(talk)
        before = _sockets(tables, machine.order)
        after = _sockets(_tables(talk)[0], machine.order)
        handles = dict(_held(talk, machine, set(before) | set(after)))
        seen = {one.process.pid: one for one in _processes(talk, machine, handles)}
        yield from _told(need, seen, before, after, machine)


def _told(need: Need, seen: Mapping[int, Seen], before: Sockets, after: Sockets, machine: Machine) -> Iterator[Item | Gap]:
    processes = [one.process for one in seen.values()]
    arguments = {pid: one.arguments for pid, one in seen.items()}
    chosen = list(listeners.chosen(processes, before, after, arguments.__getitem__))
    for process, places in chosen[: listeners.PROCESSES]:
        yield from _one(need, seen[process.pid], places, machine.started)
    if len(chosen) > listeners.PROCESSES:
        yield Gap("/proc", listeners.TOO_MANY)
    left = listeners.nobodys(processes, before, after)
    if left:
        yield _item(need, NOBODY, Process(None, None, None, None, "", (), "", _listens(left)))


def _one(need: Need, seen: Seen, places: Sequence[listeners.Place], started: int | None) -> Iterator[Item | Gap]:
    process, source = seen.process, f"/proc/{seen.process.pid}"
    arguments = seen.arguments
    if len(arguments) > procfs.ARGUMENTS:
        yield Gap(source, listeners.TOO_LONG)
        arguments = b""
    if len(places) > listeners.PLACES:
        yield Gap(source, listeners.TOO_MANY_PLACES)
    yield _item(
        need,
        source,
        Process(
            pid=process.pid,
            parent=process.parent,
            uid=seen.uid,
            started=None if started is None else started + process.ticks / _TICKS,
            program=text(process.program),
            arguments=tuple(text(hashes.scrubbed(each)) for each in procfs.split(arguments)),
            unit=text(procfs.unit(seen.unit)),
            listens=_listens(places),
        ),
    )


def _item(need: Need, source: str, process: Process) -> Item:
    return Item(need, source, written(process), datetime.now(UTC), "")


def _listens(places: Sequence[listeners.Place]) -> tuple[Listening, ...]:
    return tuple(Listening(*place) for place in places[: listeners.PLACES])


# --- what the host says


def _tables(talk: Talk) -> tuple[list[tuple[str, bytes]], list[Gap]]:
    """The tables of sockets by their protocol, and why any of them is not there."""
    found, gaps = [], []
    paths = [f"/proc/net/{name}" for name, _protocol in listeners.TABLES]
    told = contents(talk, [(bytes_of(path), False) for path in paths])
    for path, (name, protocol), (table, why) in zip(paths, listeners.TABLES, told, strict=True):
        if not why:
            found.append((protocol, table))
        elif why not in ABSENT or not name.endswith("6"):
            gaps.append(Gap(path, why))
    return found, gaps


def _sockets(tables: Sequence[tuple[str, bytes]], order: str) -> Sockets:
    found: Sockets = {}
    for protocol, table in tables:
        listeners.add(found, table, protocol, order)
    return found


def _machine(talk: Talk) -> Machine:
    names = rb"\|".join(sorted(listeners.SERVERS))
    (answer,) = talk.answers([Question((b"sockets", names), 2 * inside.LIMIT)])
    started, order, net, *rest = answer.split(b"\0", 3)
    if len(rest) != 1:
        raise cut()
    handles = {each[1]: (int(each[2]), int(each[3])) for each in _HANDLE.finditer(rest[0])}
    servers = {int(each[1]) for each in _PROGRAM.finditer(rest[0]) if each[2] in listeners.SERVERS}
    servers |= {int(each[1]) for each in _NAMED.finditer(rest[0])}
    since = int(started) if started.isdigit() and len(started) < _DIGITS else None
    return Machine(since, _ORDERS.get(order, "little"), net, handles, servers)


def _held(talk: Talk, machine: Machine, listening: set[int]) -> Iterator[tuple[int, set[int]]]:
    """Yield each process that holds sockets which listen, with their inodes, each handle looked at by itself."""
    found: dict[int, set[int]] = {}
    wanted = [path for path, (_pid, inode) in machine.handles.items() if inode in listening]
    for batch, answer in talk.about((b"links-one",), wanted):
        for path, target in zip(batch, fields(answer, len(batch)), strict=True):
            pid, inode = machine.handles[path]
            if target == b"socket:[%d]\n." % inode:
                found.setdefault(pid, set()).add(inode)
    yield from found.items()


def _processes(talk: Talk, machine: Machine, handles: Mapping[int, set[int]]) -> Iterator[Seen]:
    """Yield what is told of each process that matters and has not ended meanwhile; servers of other networks are not ours."""
    names = (b"/proc/%d" % pid for pid in sorted(machine.servers | set(handles)))
    verb = (b"processes", b"%d" % (procfs.ARGUMENTS + 1))
    for batch, answer in talk.about(verb, names, most=inside.LIMIT):
        parts = answer.split(talk.nonce + b"=")
        if len(parts) != len(batch) + 1 or parts.pop():
            raise cut()
        for path, part in zip(batch, parts, strict=True):
            one = _process(path, part, machine, handles)
            if one:
                yield one


def _process(path: bytes, part: bytes, machine: Machine, handles: Mapping[int, set[int]]) -> Seen | None:
    told = part.split(b"\0", _FIELDS)
    if len(told) != _FIELDS + 1 or told[0] != path:
        raise lied("it tells of another process than it was asked")
    _path, stat, uid, program, net, groups, arguments = told
    pid = int(path[6:])
    try:
        known = procfs.parsed(stat)
    except (ValueError, IndexError):
        return None  # it has ended
    if not uid.isdigit() or len(uid) > _DIGITS:
        return None
    process = listeners.Process(pid, known, program[:-2] if program.endswith(b"\n.") else b"", handles.get(pid, set()))
    if listeners.is_server(process) and net not in (b"", machine.net):
        return None
    return Seen(process, int(uid), groups, arguments)
