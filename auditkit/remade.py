"""What is taken of a host to tell whether files are what they would be made to again: only where such files changed.

The host is asked twice at most: for the files that changed, and then for what they are made of.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from auditkit import entries, pythons
from auditkit.derived import Known, bytecode
from auditkit.explain import Account
from auditkit.hosts import Host
from auditkit.makers import MAKERS
from auditkit.model import Change, Entry, Gap, Need
from auditkit.packaged import taken
from auditkit.settle import UNTOLD, under

MOST_FILES = 10_000
USUAL = 32 << 10
"""Bytes that are counted for a file of which the scan of today says nothing."""
MOST_BYTES = 64 << 20
"""What is taken of one host but for long files; what comes after that is left as it is."""
_GLOB = re.compile(r"[*?\[]")
ROUNDS = 2


def explained(
    host: Host, changes: Sequence[Change], gaps: Iterable[Gap], account: Account, before: Callable[[], Iterable[bytes]]
) -> tuple[Change, ...]:
    """The changes, those explained that are of files made of verified ones; `before` gives the blocks of the baseline.

    What lies under one of the gaps of the scan was not seen, so nothing stands there unchanged.

    Raises:
        HostError: the host cannot be asked any more.
    """
    given = {change.path: change for change in changes}
    known = Known(dict(given), account)
    files = dict[str, bytes]()
    known.files = files
    asked: set[Need] = set()
    for _ in range(ROUNDS):
        fresh = [need for need in _asked(known) if need not in asked]
        asked.update(fresh)
        if fresh:
            files.update(taken(host, tuple(fresh))[0])
    folders = {folder for maker in MAKERS for folder in maker.folders(known)}
    hidden = {gap.subject for gap in gaps}
    if folders:
        known.entries = dict(unchanged(before(), folders, known.changes, hidden))
    known.compiled = pythons.compiled(dict.fromkeys(bytecode.tasks(known)))
    for maker in MAKERS:
        maker.judge(known)
    return tuple(known.changes[change.path] if given[change.path] is change else change for change in changes)


def _asked(known: Known) -> Iterator[Need]:
    """Yield what there is to take, no more of it than can be held."""
    left = MOST_BYTES
    needs = (need for maker in MAKERS for need in maker.asked(known))
    for number, need in enumerate(needs):
        entry = known.now(need.what)
        left -= 0 if need.long else entry.size or 0 if entry else USUAL
        if number >= MOST_FILES or left < 0:
            return
        if entry is None or not _GLOB.search(need.what):  # a file of such a name would be asked for as a pattern
            yield need


def unchanged(
    blocks: Iterable[bytes], folders: set[str], changes: dict[str, Change], hidden: set[str]
) -> Iterator[tuple[str, Entry]]:
    """Yield what stands in these directories that did not change, was not moved away, and was seen."""
    wanted = {folder.encode("utf-8", "surrogateescape") for folder in folders}
    if UNTOLD in hidden:
        return
    elsewhere = {*changes, *(change.before.path for change in changes.values() if change.before)}
    for block in blocks:
        if entries.path_of(block) in wanted:
            seen = (entry for _name, entry in entries.decode(block) if entry.path not in elsewhere)
            yield from ((entry.path, entry) for entry in seen if not under(entry.path, hidden))
