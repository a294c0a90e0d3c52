"""Compiled Python: verified by its source, never by its header alone, which whoever swaps the code leaves as it is.

Format: the header of PEP 552, then marshalled code. Where the source holds what it held, the code must be that of the baseline,
which the old header and the new code together tell; else the source is compiled again, and the code must be the same.
"""

import re
import struct
from collections.abc import Iterator

from auditkit.derived import NOT_TAKEN, Known, Task, is_of, is_same
from auditkit.derived.marshalled import same_code
from auditkit.model import Change, ChangeKind, Kind, Means, Need
from auditkit.packages.layout import joined

HEADER = 16
_HASHED, _CHECKED = 1, 2
_COMPILED = re.compile(r"(.*)/__pycache__/([^/]+?)\.([a-z]+-[0-9]+)(?:\.opt-([12]))?\.pyc", re.DOTALL)
_FOLDER = "/__pycache__"
_PACKAGED, _OWN = "/usr/", "/usr/local/"
"""Where packages put their code; what people write themselves may hold passwords, and is not taken."""
_WHY = "what Python compiled must be what its source compiles to"


def asked(known: Known) -> Iterator[Need]:
    """Yield the compiled files whose code may have changed; when they are there, the sources that must be compiled again."""
    for change, source in _open(known):
        if change.after and change.after.kind is Kind.FILE and not is_same(change):
            if change.path not in known.files:
                yield Need(Means.FILE, change.path, _WHY)
            elif not _is_as_before(change, source, known):
                yield Need(Means.FILE, source, _WHY)


def folders(known: Known) -> set[str]:
    """Where the sources are, or the links to them lead."""
    sources = [source for _change, source in _open(known)]
    targets = (joined(source, entry.target or "") for source in sources if (entry := known.now(source)))
    return {path.rpartition("/")[0] for path in (*sources, *targets)}


def tasks(known: Known) -> Iterator[Task]:
    """Yield what must be compiled again: sources that are verified, and nothing else."""
    for change, source in _open(known):
        data = known.content(change.path)
        if data and not _is_as_before(change, source, known) and (task := _task(change, source, known)):
            yield task


def judge(known: Known) -> None:
    """Explain what is compiled of verified sources, and the directories that hold nothing else that changed."""
    for change, source in _open(known):
        _judge(change, source, known)
    doubtful = {change.path.rpartition("/")[0] for change in known.open()}
    explained: dict[str, list[str]] = {}
    for path, change in known.changes.items():
        if change.explanation:
            explained.setdefault(path.rpartition("/")[0], []).append(path)
    for change in known.open():
        entry = change.after or change.before
        if change.path.endswith(_FOLDER) and entry and entry.kind is Kind.DIRECTORY and "kind" not in change.attributes:
            inside = explained.get(change.path)
            if inside and change.path not in doubtful:
                known.explain(change.path, "Python compiled what is in it", inside)


def _open(known: Known) -> Iterator[tuple[Change, str]]:
    for change in known.open():
        found = _COMPILED.fullmatch(change.path)
        if found and change.path.startswith(_PACKAGED) and not change.path.startswith(_OWN):
            yield change, f"{found[1]}/{found[2]}.py"


def _judge(change: Change, source: str, known: Known) -> None:
    maker = f"Python compiled {source.rpartition('/')[2]}"
    if change.after is None or change.change is ChangeKind.REMOVED:
        if known.left(source):
            known.explain(change.path, f"{source.rpartition('/')[2]} is gone", [source])
    elif change.after.kind is not Kind.FILE:
        return
    elif end := known.end(source):
        why = "" if _is_as_before(change, source, known) else _doubt(change, source, known)
        if why:
            known.note(change.path, why)
        else:
            known.explain(change.path, maker, [source, end])


def _is_as_before(change: Change, source: str, known: Known) -> bool:
    """Whether a file holds the code that it held, of a source that holds what it held; the header may have its new time."""
    end = known.end(source)
    data, was, then, now = known.content(change.path), change.before, known.before(end or ""), known.now(end or "")
    if not (end and was and was.digests and then and now and then.digests and then.digests == now.digests):
        return False
    if data is None:
        return is_same(change)
    if len(data) < HEADER or data[4:8] != bytes(4) or data[8:HEADER] != _stamp(now.mtime_ns, now.size):
        return False
    return is_of(data[:8] + _stamp(then.mtime_ns, then.size) + data[HEADER:], was.digests)


def _stamp(mtime_ns: int | None, size: int | None) -> bytes:
    """Time and size of a source as a header has them."""
    return struct.pack("<II", (mtime_ns or 0) // 1_000_000_000 & 0xFFFFFFFF, (size or 0) & 0xFFFFFFFF)


def _task(change: Change, source: str, known: Known) -> Task | None:
    text, data, found = known.source(source), known.content(change.path), _COMPILED.fullmatch(change.path)
    if text is None or data is None or found is None or len(data) < HEADER:
        return None
    return Task(source, text, int(found[4] or 0), data[:4], found[3])


def _doubt(change: Change, source: str, known: Known) -> str:
    """Why a compiled file is not known to be what its source compiles to; nothing where it is."""
    data, now, task = known.content(change.path), known.now(known.end(source) or source), _task(change, source, known)
    if not data or task is None or now is None:
        return NOT_TAKEN
    made = known.compiled.get(task)
    if made is None or not made.version:
        return f"compiled by {task.python}, and nothing here compiled it again"
    flags = struct.unpack_from("<I", data, 4)[0]
    if flags & _HASHED and not flags & _CHECKED:
        return "marked to be used whatever becomes of its source"
    stamp = made.hash if flags & _HASHED else _stamp(now.mtime_ns, now.size)
    if data[8:HEADER] != stamp or flags > 3:
        return "compiled of another source than the one beside it"
    if made.code and (data[HEADER:] == made.code or same_code(data[HEADER:], made.code, task.magic)):
        return ""
    return f"not what Python {made.version} compiles its source to"
