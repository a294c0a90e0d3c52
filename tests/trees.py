"""Trees for the tests of comparing: a text notation, one line a path, and random ones with hostile names.

    d /etc mode=755
    f /etc/passwd content=root mtime=5 inode=7
    l /etc/mtab target=/proc/mounts
    f /bin/ping caps=01 lacks=ctime,flags

What a line does not say has a value all the same; `lacks` names attributes that the host could not show.
"""

import os
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from blake3 import blake3
from hypothesis import strategies as st

from auditkit import entries
from auditkit.compare import CAPABILITIES
from auditkit.model import Entry, Kind, Level
from auditkit.probe.look import Look
from auditkit.probe.patterns import Matcher
from auditkit.probe.walk import Walk

SECOND = 1_000_000_000
PLAIN = Entry(
    "", Kind.FILE, mode=0o644, uid=0, gid=0, owner="root", group="root", size=0, mtime_ns=SECOND, ctime_ns=SECOND, links=1,
    flags="", xattrs=(),
)  # fmt: skip
LACKING = {"mtime": "mtime_ns", "ctime": "ctime_ns", "btime": "btime_ns"}


def digest(text: str) -> str:
    return "blake3:" + blake3(text.encode()).hexdigest()[:16]


def entry(line: str) -> Entry:
    """The entry that a line of the notation describes."""
    letter, path, *words = line.split()
    kind, told = entries.LETTERS[letter], dict(word.split("=", 1) for word in words)
    content = told.pop("content", path) if kind is Kind.FILE else None
    lacks: dict[str, Any] = dict.fromkeys(LACKING.get(name, name) for name in filter(None, told.pop("lacks", "").split(",")))
    made = replace(
        PLAIN,
        path=path,
        kind=kind,
        size=0 if content in (None, "-") else len(str(content)),
        inode=zlib.crc32(path.encode()) or 1,
        digests=None if content is None else (digest(content),),
        device="8:1" if kind is Kind.DIRECTORY else None,
        target="/target" if kind is Kind.SYMLINK else None,
    )
    given: dict[str, Any] = dict(field(name, value) for name, value in told.items())
    return replace(made, **given, **lacks)


def field(name: str, value: str) -> tuple[str, Any]:
    match name:
        case "mode":
            return "mode", int(value, 8)
        case "mtime" | "ctime" | "btime":
            return name + "_ns", int(value) * SECOND
        case "caps":
            return "xattrs", ((CAPABILITIES, "0x" + value),)
        case "digests":
            return "digests", tuple(value.split(","))
        case "uid" | "gid" | "size" | "inode" | "links":
            return name, int(value)
    return name, value


def place(one: Entry) -> tuple[bytes, bytes]:
    """What orders the entries of a stream: the directory whose block it stands in, then its name there."""
    path = one.path.encode("utf-8", "surrogateescape")
    if one.kind is Kind.DIRECTORY:
        return entries.key(path), b""
    directory, _, name = path.rpartition(b"/")
    return entries.key(directory or b"/"), name


def stream(tree: Iterable[Entry], lines_a_block: int = 4096) -> list[bytes]:
    """The blocks that a scan of the tree would have given."""
    return list(entries.encode(sorted(tree, key=place), lines_a_block))


def blocks(text: str, lines_a_block: int = 4096) -> list[bytes]:
    """The blocks of a tree in the notation."""
    return stream([entry(line) for line in text.splitlines() if line.strip()], lines_a_block)


class Names(dict[int, str]):
    """Owner names that are never known."""

    def __missing__(self, number: int) -> str:
        return "?"


def scanned(root: Path, level: Level = Level.CONTENT, *, keep: bool = False) -> list[bytes]:
    """The blocks of a real tree, as the probe writes them."""
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    look = Look(("blake3",), Names(), Names())
    walk = Walk(handle, Matcher([("/", str(level))]), [(str(level), keep, False)], look)
    try:
        return [block for block in walk.run([()]) if block]
    finally:
        walk.chain.close()
        os.close(handle)


NAMES = st.one_of(
    st.sampled_from(
        ["a", "b", "c", "a b", "a\n", "\x1b[2J", "é", "\udcff", "\u202e", "\\", "=", "?", "-", "{", "~", "%41", "["]
    ),
    st.binary(min_size=1, max_size=5)
    .filter(lambda name: b"/" not in name and b"\0" not in name and name not in (b".", b".."))
    .map(lambda name: name.decode("utf-8", "surrogateescape")),
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda names: "/" + "/".join(names))
KINDS = st.sampled_from([Kind.FILE] * 3 + [Kind.DIRECTORY] * 2 + [Kind.SYMLINK, Kind.FIFO])


@st.composite
def attributes(draw: st.DrawFn, path: str) -> Entry:
    """An entry with few different values, so that two trees share some of them."""
    kind = draw(KINDS)
    content = draw(st.sampled_from(["", "one", "two"])) if kind is Kind.FILE else None
    return replace(
        PLAIN,
        path=path,
        kind=kind,
        mode=draw(st.sampled_from([0o644, 0o755, 0o4755])),
        mtime_ns=draw(st.sampled_from([SECOND, 2 * SECOND])),
        inode=draw(st.integers(1, 4)),
        links=draw(st.integers(1, 2)),
        size=len(content or ""),
        digests=None if content is None else (digest(content),),
        target=draw(st.sampled_from(["/a", "b c"])) if kind is Kind.SYMLINK else None,
        xattrs=draw(st.sampled_from([(), ((CAPABILITIES, "0x01"),), None])),
    )


@st.composite
def trees(draw: st.DrawFn) -> tuple[Entry, ...]:
    """A tree as a policy may see it: directories on the way may be missing, but nothing lies below what is none."""
    found: dict[str, Entry] = {}
    for path in sorted(draw(st.sets(PATHS, max_size=8)), key=lambda path: path.count("/")):
        if all(above not in found or found[above].kind is Kind.DIRECTORY for above in ancestors(path)):
            found[path] = draw(attributes(path))
    return tuple(found.values())


def ancestors(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:at]) for at in range(2, len(parts))]


def altered(tree: tuple[Entry, ...]) -> st.SearchStrategy[tuple[Entry, ...]]:
    """The tree after some time: paths gone, changed and come."""

    def merged(others: tuple[Entry, ...], gone: frozenset[str]) -> tuple[Entry, ...]:
        new: Mapping[str, Entry] = {one.path: one for one in (*others, *(each for each in tree if each.path not in gone))}
        kept = (
            one
            for one in new.values()
            if all(new[above].kind is Kind.DIRECTORY for above in ancestors(one.path) if above in new)
        )
        return tuple(kept)

    return st.builds(merged, trees(), st.frozensets(st.sampled_from([one.path for one in tree] or ["/"])))
