"""What a host says held against what another look at it shows: names that are hidden, content that is not what it claims.

Pure. None of this sees through a kernel that lies: that takes the disk under another one, `root:/mnt/disk`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from heapq import nsmallest
from itertools import groupby

from auditkit import entries
from auditkit.compare import same_time
from auditkit.model import Change, ChangeKind, Entry, Finding, Gap, Kind, Rule, Severity
from auditkit.printable import printable
from auditkit.probe.names import HIDDEN

_FROM_OUTSIDE = (
    "believe nothing else that this host says; do not log in with a password or agent you use elsewhere; look at its disk"
    " from a rescue system: auditkit check root:/mnt/disk --baseline FILE"
)
NAME_HIDDEN = Rule(
    "name-hidden",
    "a file is there that no directory lists",
    Severity.CRITICAL,
    "Asked by its name, or past the C library, the kernel has this file; `ls`, `find` and every program that lists the"
    " directory do not see it. Nothing does that but software that hides itself or what it needs.",
    _FROM_OUTSIDE,
    ("ld.so(8)", "getdents(2)"),
)
CONTRADICTED = Rule(
    "content-contradicted",
    "the bytes of a file are not those whose digest the host gave",
    Severity.CRITICAL,
    "The host said that the file is as it was; its bytes, fetched and hashed here, say that it is not, though no time of"
    " it has moved. Either its answers are made up, or its disk or memory is failing.",
    _FROM_OUTSIDE,
)
RULES = (NAME_HIDDEN, CONTRADICTED)
LIVE = (
    "no live check sees what a rootkit in the kernel hides; the disk shows it, from a rescue system: auditkit check"
    " root:/mnt/disk --baseline FILE"
)
"""What no check of a live host can see."""
_SHELL = (
    "no Python runs there: capabilities, ACLs, labels and flags were not looked at, no text of a file was kept, and what"
    " is hidden from `find` there was not seen"
)
LESS = {"gnu": _SHELL, "busybox": f"{_SHELL}; times are told in whole seconds"}
"""What a look at a host leaves out, by what looks at it there."""

BUDGET = 40 << 10
"""Bytes that are fetched in one run, if nobody says otherwise: an unchanged host shall send little."""
LARGEST = 16 << 20
"""A larger file is never fetched."""
OVERHEAD = 200
"""Bytes that each file costs besides its content."""
DIRECTORIES = 64
"""Most directories that one run draws files from."""
EVERYBODY = 0o004
"""Only what everybody there may read is fetched: keys and password hashes stay where they are."""

Look = tuple[int, int]
"""Inode and time of change, in ns, of a path that was asked for by its name."""


def hidden(gaps: Iterable[Gap]) -> Iterator[Finding]:
    """Yield a finding for each name that only the kernel tells."""
    for gap in gaps:
        if gap.reason == HIDDEN:
            yield _hidden(gap.subject, "the kernel lists it, the C library leaves it out")


def unlisted(changes: Iterable[Change], there: Mapping[str, Look]) -> Iterator[Finding | Gap]:
    """Yield what is to be said of paths that are called removed and answer to their name all the same."""
    for change in changes:
        look = there.get(change.path)
        if change.change is not ChangeKind.REMOVED or look is None:
            continue
        if change.before and change.before.inode in (None, look[0]):
            yield _hidden(change.path, "no directory lists it, but it answers to its name")
        else:
            yield Gap(change.path, "it was not there when its directory was read, and is there now: check again")


def _hidden(path: str, how: str) -> Finding:
    return Finding(NAME_HIDDEN, path, f"{printable(path)}: {how}", NAME_HIDDEN.severity)


@dataclass(frozen=True, slots=True)
class Turn:
    """Whose turn it is to be fetched: what follows `last` in an order that only the key tells, so that no host can know."""

    key: bytes
    last: str
    """Where an earlier run ended; any text is some place."""
    budget: int = BUDGET


def sample(known: Callable[[], Iterable[bytes]], turn: Turn) -> tuple[tuple[Entry, ...], str]:
    """The files whose turn it is, and where the next run goes on: whenever that is, each file has its turn in the end."""
    chosen = _directories(known(), turn)
    inside: dict[bytes, list[Entry]] = {_bytes(path): [] for path in chosen[:DIRECTORIES]}
    for block in known():
        if (here := entries.path_of(block)) in inside:
            inside[here].extend(entry for name, entry in entries.decode(block) if name)
    found: list[Entry] = []
    left = turn.budget
    for here, files in inside.items():
        path = _text(here)
        for entry in files:
            if _is_before(entry, path, turn.last) or not _may_travel(entry, turn.budget):
                continue
            left -= (entry.size or 0) + OVERHEAD
            if left < 0 and found:
                return tuple(found), found[-1].path
            found.append(entry)
    return tuple(found), f"{chosen[-1].rstrip('/')}/" if chosen else turn.last


def _directories(blocks: Iterable[bytes], turn: Turn) -> list[str]:
    """The directories that come next, and one more: where to go on."""

    def mark(path: bytes) -> int:
        return int.from_bytes(sha256(turn.key + path).digest()[:8], "big")

    start = mark(_bytes(_parent(turn.last)))
    paths = (path for path, _blocks in groupby(map(entries.path_of, blocks)))
    return [_text(path) for path in nsmallest(DIRECTORIES + 1, paths, lambda path: (mark(path) - start) % (1 << 64))]


def _is_before(entry: Entry, directory: str, last: str) -> bool:
    """Whether a file had its turn in the run that ended in the middle of its directory."""
    return directory == _parent(last) and _bytes(entry.path) <= _bytes(last)


def _may_travel(entry: Entry, budget: int) -> bool:
    plain = entry.kind is Kind.FILE and bool(entry.digests) and bool((entry.mode or 0) & EVERYBODY)
    return plain and entry.size is not None and entry.size <= min(budget, LARGEST)


def _parent(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def contradicted(
    claimed: Sequence[Entry], fetched: Mapping[str, tuple[str, ...]], there: Mapping[str, Look]
) -> Iterator[Finding | Gap]:
    """Yield what is to be said of files whose fetched bytes are not what the host's word makes them.

    `claimed` are entries that the host said are as they were; `fetched` the digests made here, none of what was refused.
    """
    for entry in claimed:
        digests, look = fetched.get(entry.path), there.get(entry.path)
        if not digests:
            yield Gap(entry.path, "said to be as it was, but its bytes were not handed out when they were asked for")
        if not digests or not entry.digests or set(entry.digests) & set(digests):
            continue
        if look is not None and entry.ctime_ns is not None and not same_time(entry.ctime_ns, look[1]):
            yield Gap(entry.path, "it changed after it was scanned: check again")
            continue
        message = f"{printable(entry.path)}: said to be {entry.digests[0]}, is {digests[0]}"
        yield Finding(CONTRADICTED, entry.path, message, CONTRADICTED.severity)
