"""Reviewed changes put into a baseline: what was accepted is as it is now, all else stays as it was. Pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from auditkit import entries
from auditkit.model import Change, ChangeKind, Entry, Kind
from auditkit.probe.patterns import Matcher

Edits = dict[bytes, dict[bytes, Entry | None]]
"""By key of the directory, by name (`b""` is the directory itself): the entry from now on, or None for no more."""


def chosen(changes: Iterable[Change], paths: Iterable[str]) -> tuple[Change, ...]:
    """The changes that the paths, globs and directories name; a moved file by its old or its new path.

    A path that looks like a glob also names just itself, so that what a report shows can be accepted.
    """
    literal = frozenset(paths)
    matcher = Matcher([(path, "accept") for path in literal])
    named = (
        change for change in changes if any(path in literal or matcher.find(path).watch is not None for path in _paths(change))
    )
    return tuple(named)


def _paths(change: Change) -> set[str]:
    return {entry.path for entry in (change.before, change.after) if entry}


def edits(changes: Iterable[Change]) -> Edits:
    """What the changes come to, directory by directory."""
    made: Edits = {}
    for change in changes:
        if change.before and (change.after is None or change.before.path != change.after.path or _swapped(change)):
            _edit(made, change.before, None)
        if change.after and change.change is not ChangeKind.REMOVED:
            _edit(made, change.after, change.after)
    return made


def _swapped(change: Change) -> bool:
    """Whether a directory became something else or the other way round: then it stands in another block."""
    kinds = {entry.kind for entry in (change.before, change.after) if entry}
    return len(kinds) > 1 and Kind.DIRECTORY in kinds


def _edit(made: Edits, place: Entry, entry: Entry | None) -> None:
    path = place.path.encode("utf-8", "surrogateescape")
    if place.kind is Kind.DIRECTORY:
        directory, name = path, b""
    else:
        directory, _, name = path.rpartition(b"/")
    made.setdefault(entries.key(directory or b"/"), {})[name] = entry


def applied(blocks: Iterable[bytes], made: Edits) -> Iterator[bytes]:
    """Yield the blocks of a baseline with the edits in them, in path order."""
    todo = sorted(made, reverse=True)
    held: list[bytes] = []
    for block in blocks:
        here = entries.key(entries.path_of(block))
        if held and entries.key(entries.path_of(held[0])) != here:
            yield from _edited(held, made)
            held = []
        while todo and todo[-1] < here:
            yield from _new(made[todo.pop()])
        if todo and todo[-1] == here:
            todo.pop()
            held = [block]
        elif held:
            held.append(block)
        else:
            yield block
    if held:
        yield from _edited(held, made)
    while todo:
        yield from _new(made[todo.pop()])


def _edited(blocks: list[bytes], made: Edits) -> Iterator[bytes]:
    """The blocks of one directory, edited."""
    named = {name: entry for block in blocks for name, entry in entries.decode(block)}
    for name, entry in made[entries.key(entries.path_of(blocks[0]))].items():
        if entry is None:
            named.pop(name, None)
        else:
            named[name] = entry
    yield from _blocks(named)


def _new(edit: dict[bytes, Entry | None]) -> Iterator[bytes]:
    yield from _blocks({name: entry for name, entry in edit.items() if entry is not None})


def _blocks(named: dict[bytes, Entry]) -> Iterator[bytes]:
    yield from entries.encode(named[name] for name in sorted(named))


# --- what listens

Port = tuple[str, int]
"""Protocol and number."""
Lines = tuple[Mapping[str, object], ...]
"""What listens, as a baseline keeps it."""


def listening(before: Lines, now: Lines, ports: Collection[Port]) -> Lines:
    """What listened, with what is now in the place of these ports, which may be nothing."""
    stays = (line for line in before if (line.get("protocol"), line.get("port")) not in ports)
    return (*stays, *(line for port in dict.fromkeys(ports) for line in at(now, port)))


def at(lines: Lines, port: Port) -> Lines:
    """What listens at one port."""
    return tuple(line for line in lines if (line.get("protocol"), line.get("port")) == port)
