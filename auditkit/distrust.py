"""What a host says held against what another look at it shows: names that are hidden, content that is not what it claims.

Pure. None of this sees through a kernel that lies: that takes the disk under another one, `root:/mnt/disk`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256

from auditkit import entries
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

MOST = 8
"""Files whose content is fetched in one run, more or less."""
BUDGET = 40 << 10
"""Bytes that are fetched in one run: an unchanged host shall send little. A larger file is never fetched."""

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


def sample(blocks: Iterable[bytes], key: bytes, turn: int, turns: int) -> Iterator[Entry]:
    """Yield the small files whose turn it is: whole directories, so that after `turns` runs each file was fetched once.

    The key keeps a host from knowing which turn is whose.
    """
    left = BUDGET
    for block in blocks:
        mark = sha256(key + block[: block.index(b"\n")]).digest()[:8]
        if int.from_bytes(mark, "big") % turns != turn % turns:
            continue
        for _name, entry in entries.decode(block):
            size = BUDGET + 1 if entry.size is None else entry.size
            if entry.kind is Kind.FILE and entry.digests and size <= left:
                yield entry
                left -= size


def contradicted(
    claimed: Sequence[Entry], fetched: Mapping[str, tuple[str, ...]], there: Mapping[str, Look]
) -> Iterator[Finding | Gap]:
    """Yield what is to be said of files whose fetched bytes are not what the host's word makes them.

    `claimed` are entries that the host said are as they were; `fetched` the digests made here.
    """
    for entry in claimed:
        digests, look = fetched.get(entry.path), there.get(entry.path)
        if digests is None or not entry.digests or set(entry.digests) & set(digests):
            continue
        if look is not None and entry.ctime_ns not in (None, look[1]):
            yield Gap(entry.path, "it changed after it was scanned: check again")
            continue
        message = f"{printable(entry.path)}: said to be {entry.digests[0]}, is {digests[0]}"
        yield Finding(CONTRADICTED, entry.path, message, CONTRADICTED.severity)
