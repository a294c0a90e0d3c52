"""Evidence that `collect` took earlier, as a host that answers again what it was asked then.

What it was not asked then is a gap. No question reaches the machine itself.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from auditkit import evidence
from auditkit.errors import FormatError, HostError, UsageError
from auditkit.hosts import NOT_TAKEN, Ask, Beginning, Known, Reach, Seen
from auditkit.model import ON_DISK, Gap, Item, Means, Need, State
from auditkit.printable import printable
from auditkit.probe.lineage import PATTERN
from auditkit.probe.rotation import NOT_KNOWN
from auditkit.ssh.blocks import Order

NOT_THERE = "was not there when the evidence was taken"
NO_SCAN = "the evidence holds no scan of files: nothing can be said of what changed"
NO_END = "the evidence does not hold the end of the scan"
UNREDUCED = "was taken as it is, though it holds secrets: take the evidence again"
LESS = "the policy that the evidence was taken by shows less here than is asked for now"
MOST_PAIRS = 4_000_000
"""Pairs of watches that are compared; policies that differ so much share nothing that could be told."""
RANKS = {"ignore": 0, "exists": 1, "metadata": 2, "growing": 3, "rotated": 3, "content": 3}
"""How much a level shows of an entry."""
LINEAGE = PATTERN.decode()
ALL_BELOW = "**"
"""A part of a path that stands for any number of directories."""
_GLOB = re.compile(r"[*?\[]")
_PROCESS = re.compile(r"/proc/\d+/environ")
_SUBJECTS = {
    Means.LISTENERS: re.compile(r"/proc(?:/[0-9]+|/net/\w+)?"),
    Means.PROCESSES: re.compile(r"/proc(?:/[0-9]+)?"),
    Means.BANNER: re.compile(r"\S+:[0-9]{1,5}"),
    Means.LIBRARIES: re.compile(r"/proc(?:/[0-9]+)?"),
}
"""What gaps are of that answer needs of these means."""

Key = tuple[str, str]
Watch = Sequence[Any]
"""Path, level, keep, cross_mounts: one of a request."""


class Recorded:
    """A host as it answered when its evidence was taken."""

    def __init__(self, file: evidence.File) -> None:
        self.name = file.header.host
        self.facts = file.header.facts
        self.taken = file.header.taken
        self.signer = file.signer
        self.kind = file.header.kind
        self.path = file.path
        self.file = file
        self._needs: dict[Key, Need] = {}
        self._gaps: list[Gap] = []
        self._mounts = b""
        self._request: Mapping[str, Any] | None = None
        self._whole = False
        self._asked: set[Ask] = set()
        self._beginnings: list[Beginning] = []
        self._present: dict[str, tuple[int, int]] = {}
        self.fetched: dict[str, tuple[str, ...]] = {}
        self._broke: dict[str, tuple[str, str, State]] = {}
        for kind, told in file.told():
            self._keep(kind, told)

    def _keep(self, kind: str, told: Any) -> None:
        """Hold what is small; items and blocks are read again when they are asked for."""
        match kind:
            case "need":
                self._needs[told.means, told.what] = told
            case "untaken":
                self._gaps.append(told)
            case "mounts":
                self._mounts = told
            case "scan":
                self._request = told
            case "scanned":
                self._whole = True
            case "asked":
                self._asked.add(told)
            case "beginning":
                self._beginnings.append(told)
            case "present":
                self._present[told[0]] = told[1:]
            case "fetched":
                self.fetched[told[0]] = told[1]
            case "broke":
                self._broke[told[0]] = told[1]

    def close(self) -> None:
        """Give the file back."""
        self.file.close()

    def mounts(self) -> bytes:
        """The mount table of that time."""
        return self._mounts

    def take(self, needs: tuple[Need, ...]) -> Iterator[Item | Gap]:
        """Yield what was taken for these needs, in their order but for long files; what was never asked for is a gap.

        But for what only a running machine has, and the judges can do without: see `gives`.
        """
        wanted: dict[Key, Need] = {(need.means, need.what): need for need in needs}
        answers: dict[Key, list[Item | Gap]] = {key: [] for key in wanted}
        for kind, told in self.file.told():
            if kind == "item" and (key := (told.need.means, told.need.what)) in wanted:
                if wanted[key].long or told.need.means is Means.LOG:  # not to be held here: who asks puts it together
                    yield _handed(told, wanted[key])
                else:
                    answers[key].append(_handed(told, wanted[key]))
        for gap in self._gaps:
            for key in self._concerned(gap, wanted):
                answers[key].append(gap)
        for key, need in wanted.items():
            if not self.gives(need):
                yield from () if need.optional and need.means not in ON_DISK else (Gap(need.what, NOT_TAKEN),)
            elif not answers[key] and not need.optional:
                yield Gap(need.what, NOT_THERE)
            yield from answers[key]

    @property
    def asked(self) -> Iterable[Need]:
        """What the machine was asked then, each thing once."""
        return self._needs.values()

    def gives(self, need: Need) -> bool:
        """Whether the machine was asked this then."""
        return (need.means, need.what) in self._needs

    def _concerned(self, gap: Gap, wanted: Mapping[Key, Need]) -> list[Key]:
        """Which of the needs a gap is an answer to, one being enough; one of no need that is known answers every question."""
        owners = [key for key, need in self._needs.items() if concerns(need, gap.subject)]
        mine = [key for key in (owners or wanted) if key in wanted]
        return mine[:1]

    def scan(self, request: Mapping[str, object], known: Known | None = None) -> Iterator[Seen]:
        """Yield what the scan of that time saw, and a gap for each place that is watched more closely now."""
        if self._request is None:
            yield "gap", "/", NO_SCAN
            return
        asked: Any = request["watches"]
        for place in unseen(asked, self._request["watches"]):
            yield "gap", place, LESS
        order = Order()
        for kind, told in self.file.told():
            match kind:
                case "blocks":
                    yield "blocks", [self._ordered(order, block) for block in told]
                case "unseen":
                    yield "gap", told.subject, told.reason
                case "scanned":
                    yield "seen", *told
        self._heard("scan")
        if not self._whole:
            yield "gap", "/", NO_END

    def _heard(self, what: str) -> None:
        """Fall silent where the host did.

        Raises:
            HostError: it did over this question.
        """
        if told := self._broke.get(what):
            raise HostError(*told)

    def _ordered(self, order: Order, block: bytes) -> bytes:
        try:
            return order(block)
        except FormatError as error:
            raise FormatError(f"{printable(self.file.path)} holds {error}", "take a good copy of it") from error

    def present(self, paths: Sequence[str]) -> Iterator[tuple[str, int, int]]:
        """Yield what answered to its name; what was not asked by its name did not."""
        yield from ((path, *self._present[path]) for path in paths if path in self._present)
        self._heard("present")

    def content(self, paths: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield digests of what was fetched."""
        yield from ((path, self.fetched[path]) for path in paths if path in self.fetched)
        self._heard("content")

    def beginnings(self, asked: Sequence[Ask]) -> Iterator[Beginning]:
        """Yield how logs began; of one that was not asked for in the same way then, that it is not known."""
        self._heard("beginnings")
        paths = {ask[0] for ask in asked if ask in self._asked}
        yield from (beginning for beginning in self._beginnings if beginning[0] in paths)
        yield from ((ask[0], "", NOT_KNOWN) for ask in asked if ask not in self._asked)


def _handed(item: Item, need: Need) -> Item | Gap:
    """An item as the answer to a need of today; what holds secrets was reduced to facts then, or is not handed out."""
    if need.secret and not item.need.secret:
        return Gap(item.source, UNREDUCED)
    return replace(item, need=need)


def concerns(need: Need, subject: str) -> bool:
    """Whether a gap of this subject answers a need: the path itself, one it stands for, or a directory on the way."""
    if subject == need.what or (need.what == LINEAGE and _PROCESS.fullmatch(subject)):
        return True
    if need.what.startswith("~/") and subject.endswith(need.what[1:]):
        return True
    if need.means in _SUBJECTS:
        return _SUBJECTS[need.means].fullmatch(subject) is not None
    if need.means not in ON_DISK or not _GLOB.search(need.what):
        return False
    names, patterns = _parts(subject), _parts(need.what)
    if ALL_BELOW in patterns:
        patterns = patterns[: patterns.index(ALL_BELOW)]
        names = names[: len(patterns)]
    return len(names) <= len(patterns) and all(map(fnmatchcase, names, patterns))


def unseen(asked: Sequence[Watch], recorded: Sequence[Watch]) -> Iterator[str]:
    """Yield each place of which the recorded watches show less than those asked for, without its globs.

    What one pattern covers of another is told from their components; where that cannot be told it counts as not covered.
    """
    if list(map(tuple, asked)) == list(map(tuple, recorded)):
        return
    if len(asked) * len(recorded) > MOST_PAIRS:
        yield "/"
        return
    split = [(_parts(path), level, cross) for path, level, _keep, cross in recorded]
    earlier: list[tuple[str, ...]] = []
    told = set()
    for path, level, _keep, cross in asked:
        parts = _parts(path)
        if level != "ignore" and not _shown(parts, RANKS[level], cross, earlier, split):
            told.add(_literal(parts))
        earlier.append(parts)
    yield from sorted(told)


def _shown(
    parts: tuple[str, ...],
    rank: int,
    cross: bool,
    earlier: Sequence[tuple[str, ...]],
    recorded: Sequence[tuple[tuple[str, ...], str, bool]],
) -> bool:
    """Whether recorded watches, the first match winning, show all of a pattern that earlier ones did not claim."""
    for other, level, crossed in recorded:
        if not _overlap(other, parts):
            continue
        if RANKS.get(level, 0) < rank or crossed != cross:
            if not any(_within(other, claim) for claim in earlier):
                return False
        elif _within(parts, other):
            return True
    return False


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part)


def _overlap(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Whether some path may lie under both patterns."""
    for a, b in zip(one, other, strict=False):
        if "**" in (a, b):
            return True
        if a != b and not _GLOB.search(a) and not fnmatchcase(a, b):
            return False
        if a != b and not _GLOB.search(b) and _GLOB.search(a) and not fnmatchcase(b, a):
            return False
    return True


def _within(inner: tuple[str, ...], outer: tuple[str, ...]) -> bool:
    """Whether every path under the one pattern surely lies under the other."""
    if len(outer) > len(inner):
        return False
    return all(
        a == b or ("**" not in (a, b) and (b == "*" or (not _GLOB.search(a) and fnmatchcase(a, b))))
        for a, b in zip(inner, outer, strict=False)
    )


def _literal(parts: tuple[str, ...]) -> str:
    """A pattern up to its first glob."""
    fixed = next((at for at, part in enumerate(parts) if _GLOB.search(part)), len(parts))
    return "/" + "/".join(parts[:fixed])


def connect(word: str, reach: Reach) -> Recorded:
    """The evidence that `evidence:FILE` names, verified.

    Raises:
        UsageError: it names no file.
        FormatError: there is none, or it is no evidence.
        UntrustedError: it is not as it was written, or nobody sealed it whose signature counts.
    """
    path = word.partition(":")[2]
    if not path:
        raise UsageError(f"{printable(word)} names no file", "write evidence:FILE")
    return opened(evidence.read(path, reach.config.signers))


def opened(file: evidence.File) -> Recorded:
    """The host in a file; one that cannot be used is given back."""
    try:
        return Recorded(file)
    except BaseException:
        file.close()
        raise
