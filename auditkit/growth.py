"""Logs: has one only grown, or been rotated, or was it rewritten? Pure: the host is asked in between.

`asked(changes)` says which beginnings to read again, `telling` leaves out what says nothing of them; `settle(changes,
beginnings)` gives the changes with those explained whose old content is still there, `unknown` those that nobody can judge.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from auditkit.compare import ADDED, ATTRIBUTES, GREW, REMOVED, REWRITTEN, ROTATED_AWAY
from auditkit.model import Change, ChangeKind, Entry, Explanation, Gap, Kind, Level, Severity, Watch
from auditkit.printable import printable
from auditkit.probe.rotation import NOT_KNOWN, PACKED, family

Ask = tuple[str, int, tuple[str, ...], bool]
Beginning = tuple[str, str, str]
NOW_IN = "what it held is now in "
_READ = (Level.CONTENT, Level.GROWING, Level.ROTATED)


def asked(changes: Iterable[Change]) -> tuple[Ask, ...]:
    """What must be read again to judge the logs among the changes."""
    return tuple(
        (change.path, change.before.size or 0, _algorithms(change.before), change.level is Level.ROTATED)
        for change in changes
        if change.before and _log(change) and change.before.digests and change.change is not ChangeKind.ADDED
    )


def _log(change: Change) -> bool:
    entry = change.before or change.after
    return change.level in (Level.GROWING, Level.ROTATED) and entry is not None and entry.kind is Kind.FILE


def _algorithms(entry: Entry) -> tuple[str, ...]:
    return tuple(digest.partition(":")[0] for digest in entry.digests or ())


def telling(
    changes: Iterable[Change], beginnings: Iterable[Beginning], watch: Callable[[str], Watch | None]
) -> tuple[Beginning, ...]:
    """The beginnings without those of rotations that cannot be unpacked and hold nothing of the log that they are asked for.

    One that is as it was when the log still had its beginning does not hold it; nor does one that holds what was packed.
    """
    fresh = {change.path for change in changes if "digest" in change.attributes or change.change is ChangeKind.ADDED}

    def may_hold(path: str, name: str) -> bool:
        place = f"{path.rpartition('/')[0]}/{name}"
        seen = watch(place)
        return place in fresh or path == place or seen is None or seen.level not in _READ

    return tuple(
        (path, name, digest)
        for path, name, digest in beginnings
        if digest != NOT_KNOWN or not name or (may_hold(path, name) and not path.endswith(PACKED))
    )


def unknown(changes: Iterable[Change], beginnings: Iterable[Beginning]) -> Iterator[Gap]:
    """Yield a gap for each log that changed and of which this host cannot tell how it or its rotations begin now."""
    found = _by_log(beginnings)
    for change in changes:
        told = found.get(change.path, ())
        silent = [name for name, digest in told if digest == NOT_KNOWN]
        if silent and _log(change) and _may_be_whole(change, told) and not _holders(change, told):
            yield Gap(change.path, _untold(change, silent[0]))


def _untold(change: Change, name: str) -> str:
    what = "it is gone" if change.change is ChangeKind.REMOVED else "it changed"
    if not name:
        return f"{what}, and whether what it held is still there was not asked when it was looked at"
    if name == change.path.rpartition("/")[2]:
        return f"{what}, and it is too long to tell whether what it held is still there"
    return f"{what}, and what it held may be in {printable(name)}, which nothing on this host unpacks"


def settle(changes: Sequence[Change], beginnings: Iterable[Beginning]) -> tuple[Change, ...]:
    """The changes, those of logs explained by growth or rotation where the old content was found."""
    found = _by_log(beginnings)
    settled = [_settled(change, found.get(change.path, ())) if _log(change) else change for change in changes]
    return tuple(_newcomers([change for change in settled if change]))


def _by_log(beginnings: Iterable[Beginning]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for path, name, digest in beginnings:
        found.setdefault(path, []).append((name, digest))
    return found


def _holders(change: Change, found: Sequence[tuple[str, str]]) -> list[str]:
    """The names of the files that begin as the log did."""
    return [name for name, digest in found if change.before and change.before.digests == tuple(digest.split(","))]


def _settled(change: Change, found: Sequence[tuple[str, str]]) -> Change | None:
    """The change as its log explains it; None where all that is left of it is that nothing can be said."""
    before = change.before
    if before is None or "kind" in change.attributes:
        return change
    name = change.path.rpartition("/")[2]
    holders = _holders(change, found)
    if change.change is ChangeKind.REMOVED:
        return _removed(change, holders, _may_be_whole(change, found))
    if change.attributes == ("path",) and change.level is Level.ROTATED and family(before.path) == family(change.path):
        return _explained(change, "rotated", f"moved from {before.path.rpartition('/')[2]}")
    if "digest" not in change.attributes:
        return change
    if name in holders or before.size == 0:
        return _kept(change, "growing", _grown(change))
    if holders and change.level is Level.ROTATED:
        return _kept(change, "rotated", NOW_IN + holders[0])
    if _may_be_whole(change, found):
        rest = tuple(attribute for attribute in change.attributes if attribute != "digest")
        rule = ATTRIBUTES.id if change.rule == REWRITTEN.id else change.rule
        return replace(change, attributes=rest, rule=rule) if rest else None
    return replace(change, rule=REWRITTEN.id, note=_lost(change))


def _may_be_whole(change: Change, found: Sequence[tuple[str, str]]) -> bool:
    """Whether nobody can tell, and what a log held may still be there, for all that its sizes tell."""
    silent = [name for name, digest in found if digest == NOT_KNOWN]
    if not silent or not change.before or not change.before.size:
        return False
    if change.change is ChangeKind.REMOVED:
        return change.level is Level.ROTATED and any(silent)
    if not change.after or "digest" not in change.attributes:
        return False
    return change.level is Level.ROTATED or (change.after.size or 0) > change.before.size


def _kept(change: Change, by: str, text: str) -> Change:
    """A log of which nothing was lost; what else changed of it stays to be told."""
    rest = tuple(name for name in change.attributes if name != "digest")
    if rest:
        return replace(change, attributes=rest, rule=ATTRIBUTES.id if change.rule == REWRITTEN.id else change.rule)
    return _explained(change, by, text)


def _grown(change: Change) -> str:
    sizes = [entry.size or 0 for entry in (change.before, change.after) if entry]
    return f"grew by {sizes[-1] - sizes[0]} bytes; what it held before is unchanged"


def _explained(change: Change, by: str, text: str) -> Change:
    return replace(change, rule=GREW.id, severity=GREW.severity, explanation=Explanation(by, text, "local"))


def _lost(change: Change) -> str:
    if change.before and change.after and (change.after.size or 0) < (change.before.size or 0):
        short = f"shrank from {change.before.size} to {change.after.size} bytes"
    else:
        short = "does not begin as it did"
    return short + ("; what it held is in none of its rotations" if change.level is Level.ROTATED else "")


def _removed(change: Change, holders: Sequence[str], untold: bool) -> Change:
    if change.level is not Level.ROTATED:
        return change
    if holders:
        return _explained(change, "rotated", NOW_IN + holders[0])
    if untold or change.path.rpartition("/")[2] != family(change.path.rpartition("/")[2]):
        return replace(change, rule=ROTATED_AWAY.id, severity=ROTATED_AWAY.severity)
    return replace(change, rule=REMOVED.id)


def _newcomers(changes: Sequence[Change]) -> Iterator[Change]:
    """Explain a rotation that is new by the log whose old content it holds."""
    holders: dict[str, str] = {}
    for change in changes:
        if change.explanation and change.explanation.text.startswith(NOW_IN):
            holder = change.explanation.text.removeprefix(NOW_IN)
            holders[change.path.rpartition("/")[0] + "/" + holder] = change.path
    for change in changes:
        source = holders.get(change.path)
        if change.change is ChangeKind.ADDED and source:
            yield _explained(change, "rotated", f"holds what was in {source.rpartition('/')[2]}")
        elif source and change.rule == REWRITTEN.id and change.path != family(change.path):  # the oldest made room
            note = f"holds what was in {source.rpartition('/')[2]}; what it held is in none of its rotations"
            yield replace(change, rule=ROTATED_AWAY.id, severity=ROTATED_AWAY.severity, note=note)
        elif change.change is ChangeKind.ADDED and change.rule == ADDED.id and change.level is Level.ROTATED:
            yield replace(change, severity=min(change.severity, Severity.LOW), note=change.note or "a new log")
        else:
            yield change
