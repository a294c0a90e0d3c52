"""Changes as a tree of directories: what is below each, how bad the worst of it is, and each change with what explains it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from auditkit.model import Severity
from auditkit.printable import counted, grouped, printable
from auditkit.report.differences import letter, text_lines, told
from auditkit.report.document import severity
from auditkit.report.html.times import shown
from auditkit.report.look import mark

DEEPEST = 12
"""Directories within each other; a path that goes deeper stands whole in the last of them."""
MOST_MINOR = 1000
"""Changes below medium, or explained, that are shown of a host."""
MOST_LINES, MOST_OF_ALL = 40, 2000
"""Lines of the difference of a text, and of all of a host."""
FEW = 30
"""Up to so many changes all directories are open."""
WORST = 10
"""Changes from high on that stand above the tree as well, where that is folded."""
WORDS = {
    "+": "added", "-": "removed", "M": "content changed", "?": "content changed, time and size did not",
    "U": "attributes changed", "T": "of another kind", ">": "moved",
}  # fmt: skip
Dict = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Opens:
    """A directory begins."""

    name: str
    number: str
    severities: tuple[tuple[str, str], ...]
    """How many there are below it of each severity from medium on, the worst first."""
    open: bool


@dataclass(frozen=True, slots=True)
class Leaf:
    """A change."""

    name: str
    letter: str
    word: str
    parts: str
    severity: str
    rule: str
    why: str
    explained: str
    lines: tuple[str, ...]
    mark: str
    """What is news of it."""
    first: str
    """Since when it is there, in words."""


@dataclass(frozen=True, slots=True)
class Closes:
    """A directory ends."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The changes of a host."""

    parts: tuple[Opens | Leaf | Closes, ...]
    number: int
    left_out: int
    """Changes below medium that are not shown."""
    worst: tuple[Leaf, ...]
    """By their whole paths, where the tree is too large to be seen at once."""


def tree(changes: Sequence[Dict]) -> Tree:
    """The tree; nothing from medium on is left out of it, but for what is explained."""
    grave = [change for change in changes if not change["explanation"] and severity(change) >= Severity.MEDIUM]
    minor = [change for change in changes if change["explanation"] or severity(change) < Severity.MEDIUM]
    minor.sort(key=lambda change: "news" not in change)
    shown = sorted([*grave, *minor[:MOST_MINOR]], key=lambda change: _words(change["path"]))
    made = _Maker(len(shown) <= FEW)
    worst = sorted(grave, key=lambda change: (-severity(change), "news" not in change))[:WORST] if len(shown) > FEW else []
    leaves = tuple(made.leaf(change, 0) for change in worst if severity(change) >= Severity.HIGH)
    return Tree(tuple(made.below(shown, 0, 0)), len(changes), max(len(minor) - MOST_MINOR, 0), leaves)


def marked(told: Dict) -> tuple[str, str]:
    """What is news of something, and since when it is there; both empty where nothing is known of before."""
    first = told.get("first_seen")
    return mark(told).strip(), f"since {shown(first)[:10]}" if first else ""


def _words(path: str) -> list[str]:
    return path.removeprefix("/").split("/")


class _Maker:
    """Makes the parts, and keeps count of the lines of texts."""

    def __init__(self, all_open: bool) -> None:
        self._all_open = all_open
        self._left = MOST_OF_ALL

    def below(self, changes: Sequence[Dict], start: int, depth: int) -> Iterator[Opens | Leaf | Closes]:
        """Yield what lies below a directory whose path has `start` words."""
        for _word, group in groupby(changes, key=lambda change: _words(change["path"])[start]):
            yield from self._group(list(group), start, depth)

    def _group(self, changes: Sequence[Dict], start: int, depth: int) -> Iterator[Opens | Leaf | Closes]:
        leaves = [change for change in changes if len(_words(change["path"])) == start + 1]
        deeper = [change for change in changes if len(_words(change["path"])) > start + 1]
        yield from (self.leaf(change, start) for change in leaves)
        if len(deeper) == 1 or depth >= DEEPEST:
            yield from (self.leaf(change, start) for change in deeper)
        elif deeper:
            end = _common(deeper, start)
            yield self._opens(deeper, start, end)
            yield from self.below(deeper, end, depth + 1)
            yield Closes()

    def _opens(self, changes: Sequence[Dict], start: int, end: int) -> Opens:
        numbers = Counter(severity(change) for change in changes if not change["explanation"])
        counts = tuple(
            (level.word, grouped(numbers[level])) for level in reversed(Severity) if level >= Severity.MEDIUM and numbers[level]
        )
        grave = max(numbers, default=Severity.INFO) >= Severity.HIGH and len(changes) <= 10 * FEW
        return Opens(_name(changes[0], start, end) + "/", counted(len(changes), "change"), counts, self._all_open or grave)

    def leaf(self, change: Dict, start: int) -> Leaf:
        """A change, named from the word of its path on that is new at this place."""
        lines = text_lines(change, min(MOST_LINES, self._left))
        self._left = max(0, self._left - len(lines))
        sign, why = letter(change), change["explanation"]
        return Leaf(
            _name(change, start, None), sign, WORDS[sign], ", ".join(part for part in told(change) if part),
            change["severity"], change["rule"], change["why"],
            f"explained: {why['text']} ({why['proof']})" if why else "", tuple(lines), *marked(change),
        )  # fmt: skip


def _common(changes: Sequence[Dict], start: int) -> int:
    """Up to which word the directories of all these paths are the same."""
    first, last = _words(changes[0]["path"])[:-1], _words(changes[-1]["path"])[:-1]
    end = start + 1
    shortest = min(len(_words(change["path"])) for change in changes) - 1
    while end < min(len(first), len(last), shortest) and first[end] == last[end]:
        end += 1
    return end


def _name(change: Dict, start: int, end: int | None) -> str:
    """The part of the path that is new at this place, with a blank at its end made visible."""
    path = change["path"]
    shown = printable("/".join(_words(path)[start:end])) if path != "/" else ""
    shown = f"{shown[:-1]}\\x20" if shown.endswith(" ") else shown
    return f"/{shown}" if start == 0 and path.startswith("/") else shown
