"""One way to come back to a machine: where it lies, what of it speaks, and what it means where no package has brought it."""

import re
from dataclasses import dataclass
from functools import cache

from auditkit.model import Rule, Severity

EVIDENCE = (
    "Evidence first: auditkit collect HOST -o FILE, then cp -a of the file to another machine; stat FILE tells since when it"
    " is there."
)
LARGEST = 512 << 10
"""Bytes of one file that is read."""
SHELL = r"[^\s#]"
"""A line of a script that is no comment."""
_HOME = "(?:/home/[^/]+|/root|/var/lib/[^/]+)"
_SPLIT = re.compile(r"(\*\*|\*|\?|\[!\w\])")
_PART = {"**": ".*", "*": "[^/]*", "?": "[^/]"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A kind of thing that starts by itself, or lets somebody in again."""

    id: str
    attack: str
    """Its number in MITRE ATT&CK."""
    what: str
    """`cron jobs`"""
    rule: Rule | None = None
    """What is said of those that are nobody's; None where another judge says it, see `judged`."""
    own: tuple[str, ...] = ()
    """Where people put such things too: all of it is listed, and read."""
    vendor: tuple[str, ...] = ()
    """Where packages alone put them: only what is nobody's is listed, and that is read."""
    line: re.Pattern[str] | None = None
    """The lines that make a file one of these; None: the file itself is enough."""
    calm: bool = True
    """Whether one that is nobody's, and does nothing else that is odd, is told at all."""
    alien: Severity = Severity.MEDIUM
    """How much one matters that lies where packages alone put them."""
    read: bool = True
    """Whether it is text."""
    watched: tuple[str, ...] = ()
    """Where such things are besides, so that what a baseline says of it is told as one of these."""
    judged: str = ""
    """Who judges the rest of it, or all."""
    guarded: bool = False
    """Whether it holds secrets too, so that only what runs something is taken of it: probe/guarded.py."""


def entry(  # noqa: PLR0913, PLR0917 - the columns of a table
    id: str,  # noqa: A002 - what it is called there
    attack: str,
    what: str,
    title: str,
    why: str,
    off: str,
    *references: str,
    own: tuple[str, ...] = (),
    vendor: tuple[str, ...] = (),
    line: str = "",
    calm: bool = True,
    severity: Severity = Severity.LOW,
    alien: Severity = Severity.MEDIUM,
    read: bool = True,
    watched: tuple[str, ...] = (),
    judged: str = "",
    guarded: bool = False,
) -> Entry:
    """An entry with its rule; `off` says how to turn one off, and how to undo that."""
    told = Rule(
        f"unpackaged-{id.removeprefix('unpackaged-')}",
        title,
        severity,
        why,
        f"{EVIDENCE} {off}",
        (*references, f"MITRE ATT&CK {attack}"),
    )
    spoken = re.compile(line, re.MULTILINE) if line else None
    return Entry(id, attack, what, told, own, vendor, spoken, calm, alien, read, watched, judged, guarded)


def homes(*names: str) -> tuple[str, ...]:
    """Paths in the home of every account, and in homes that no account has any more."""
    return tuple(path for name in names for path in (f"~/{name}", f"/home/*/{name}"))


def is_of(entry: Entry, path: str) -> bool:
    """Whether a path is one where such things lie."""
    return _fits((*entry.own, *entry.vendor, *entry.watched), path)


def is_own(entry: Entry, path: str) -> bool:
    """Whether a path is one where people put such things."""
    return _fits(entry.own, path)


def _fits(patterns: tuple[str, ...], path: str) -> bool:
    return any(_compiled(pattern).fullmatch(path) for pattern in patterns)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """The paths that a pattern of the table stands for; `~` is any home."""
    home, path = (_HOME, pattern[1:]) if pattern.startswith("~/") else ("", pattern)
    parts = (_PART.get(part) or _other(part) for part in _SPLIT.split(path))
    return re.compile(home + "".join(parts), re.DOTALL)


def _other(part: str) -> str:
    """What a piece without stars stands for: `[!n]` for any letter but one, all else for itself."""
    return f"[^/{part[2]}]" if part.startswith("[!") else re.escape(part)
