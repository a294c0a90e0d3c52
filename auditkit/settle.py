"""The changes of a whole scan put together: what hides under gaps, what swapped its kind, what moved, what is one file.

Pure. Two streams side by side tell one path at a time; only all changes at once tell that the file removed here is the one
added there.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from auditkit.compare import CAPABILITY, KIND, MOVED, SETUID, differences
from auditkit.model import PASSING, Change, ChangeKind, Gap, Kind
from auditkit.printable import printable

UNTOLD = "changes"
"""The subject of the gap where there are more changes than can be told: what is not among them may have changed too."""
_GAINED = {SETUID.id: "mode", CAPABILITY.id: "xattrs"}
"""In which attribute shows what these rules speak of."""


def settle(changes: Sequence[Change], gaps: Sequence[Gap], gaps_before: Sequence[Gap] = ()) -> tuple[Change, ...]:
    """The changes of a whole scan: nothing under a gap is removed, nothing is added where the past could not be seen.

    A swap of kinds and a move are one change each; a file with several names is named with the others.
    """
    hidden = {
        ChangeKind.REMOVED: {gap.subject for gap in gaps} - _seen(changes, ChangeKind.ADDED),
        ChangeKind.ADDED: {gap.subject for gap in gaps_before} - _seen(changes, ChangeKind.REMOVED),
    }
    kept = [change for change in changes if not under(change.path, hidden.get(change.change, set()))]
    return tuple(_twins(_moves(_swaps(kept))))


def _seen(changes: Sequence[Change], how: ChangeKind) -> set[str]:
    """What came or went and was no directory: a gap there says that it was not read, and hides nothing below it."""
    ours = ((change.path, change.after or change.before) for change in changes if change.change is how)
    return {path for path, entry in ours if entry and entry.kind is not Kind.DIRECTORY}


def under(path: str, subjects: set[str]) -> bool:
    """Whether a path is one of the subjects or lies below one."""
    if "/" in subjects or path in subjects:
        return True
    at = path.rfind("/")
    while at > 0:
        if path[:at] in subjects:
            return True
        at = path.rfind("/", 0, at)
    return False


def _swaps(changes: Sequence[Change]) -> list[Change]:
    """A path that is removed as one kind and added as another has changed its kind."""
    removed = {change.path: change for change in changes if change.change is ChangeKind.REMOVED}
    added = {change.path: change for change in changes if change.change is ChangeKind.ADDED}
    both = removed.keys() & added.keys()
    kept = []
    for change in changes:
        if change.path not in both:
            kept.append(change)
        elif change.change is ChangeKind.ADDED and change.after:
            before = removed[change.path].before
            note = f"{before.kind if before else '?'} → {change.after.kind}"
            severity = max(change.severity, removed[change.path].severity)
            rule = SETUID.id if change.rule == SETUID.id else KIND.id
            changed = replace(change, change=ChangeKind.CHANGED, before=before, attributes=("kind",))
            kept.append(replace(changed, rule=rule, severity=severity, note=note))
    return kept


def _moves(changes: Sequence[Change]) -> list[Change]:
    """A file removed here and found there is one change: same content, and the same inode or the only one of its content."""
    gone = [(change, change.before) for change in changes if change.change is ChangeKind.REMOVED and _movable(change)]
    come = [(change, change.after) for change in changes if change.change is ChangeKind.ADDED and _movable(change)]
    often = Counter(entry.digests for _change, entry in (*gone, *come) if entry)
    places = {entry.digests: change for change, entry in gone if entry and often[entry.digests] == 2}
    nodes = {(entry.digests, entry.inode or 0): change for change, entry in gone if entry and entry.inode}
    moved: dict[str, Change] = {}
    for change, entry in come:
        source = entry and (nodes.get((entry.digests, entry.inode or 0)) or places.get(entry.digests))
        if source and source.path not in moved:
            moved[source.path] = change
    old = {change.path: moved_from for moved_from, change in moved.items()}
    sources = {change.path: change for change, _entry in gone}
    return [
        _move(sources[old[change.path]], change) if change.path in old and change.change is ChangeKind.ADDED else change
        for change in changes
        if not (change.change is ChangeKind.REMOVED and change.path in moved)
    ]


def _movable(change: Change) -> bool:
    entry = change.before or change.after
    return bool(entry and entry.kind is Kind.FILE and entry.digests and entry.size)


def _move(source: Change, change: Change) -> Change:
    """What else changed of it is told too; a program that was setuid before gained nothing."""
    found = differences(source.before, change.after, change.level) if source.before and change.after else ()
    attributes = ("path", *(name for name in found if name not in PASSING))
    rule = change.rule if _GAINED.get(change.rule) in attributes else MOVED.id
    moved = replace(change, change=ChangeKind.CHANGED, before=source.before, attributes=attributes, rule=rule)
    note = f"moved from {printable(source.path)}"
    return replace(moved, severity=max(source.severity, change.severity), note=note)


def _twins(changes: Sequence[Change]) -> Iterator[Change]:
    """Name the other names of a file that changed: hard links are one file."""
    names: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    for change in changes:
        if twin := _twin_key(change):
            names.setdefault(twin, []).append(change.path)
    for change in changes:
        others = [path for path in names.get(_twin_key(change) or (0, ()), ()) if path != change.path]
        yield replace(change, note=f"the same file as {printable(others[0])}") if others and not change.note else change


def _twin_key(change: Change) -> tuple[int, tuple[str, ...]] | None:
    entry = change.after
    if entry and entry.inode and entry.digests and (entry.links or 0) > 1:
        return entry.inode, entry.digests
    return None
