"""The files of a configuration of sshd as lines with their values, and which files an Include names.

A line that sshd would refuse stays among them, with the reason: whether it matters depends on where it is included.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from auditkit.errors import FormatError
from auditkit.model import Gap
from auditkit.sshd import keywords
from auditkit.sshd.globbing import globbed
from auditkit.sshd.keywords import Keyword
from auditkit.sshd.lines import Line, Refused, Version, lines, lowered
from auditkit.sshd.values import Value, Words

DIRECTORY = "/etc/ssh"
MOST_BYTES = 64 << 20
MOST_LINES = 1 << 18
MOST_KEPT = 1 << 15
"""Lines of a file that is kept once it was read."""
_MAGIC = re.compile(r"[*?\[\\]")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a line stands; the number is that of sshd."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Statement:
    """A line that was understood as far as it can be without its surroundings."""

    at: Place
    line: Line
    keyword: Keyword | None
    """None of Match and Include."""
    value: Value = ()
    refused: str = ""
    """Why sshd would not start with it."""
    in_match: bool = True
    """Whether the keyword, as it is spelled, may stand in a Match block."""


@dataclass(slots=True)
class Files:
    """The files of a configuration, each read once."""

    files: Mapping[str, bytes | Gap]
    version: Version
    asked: Collection[str] | None
    """The globs that were looked up where the files come from; None if `files` are all files there are."""
    main: str
    known: dict[str, Keyword] = field(default_factory=dict)
    read: dict[str, tuple[Statement, ...] | Gap] = field(default_factory=dict)
    found: dict[str, tuple[str, ...] | Gap] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known = keywords.of(self.version)

    def statements(self, name: str) -> tuple[Statement, ...] | Gap:
        """What a file says, line by line; a Gap if it could not be read.

        Raises:
            FormatError: the files are larger than any configuration.
        """
        if name not in self.read:
            data = self.files[name]
            self.read[name] = data if isinstance(data, Gap) else _statements(name, data, self.version)
        return self.read[name]

    def named(self, glob: str) -> tuple[str, ...] | Gap:
        """The files that one word of an Include names, in the order in which sshd reads them."""
        path = glob if glob.startswith(("/", "~")) else f"{DIRECTORY}/{glob}"
        if path not in self.found:
            self.found[path] = self._named(path)
        return self.found[path]

    def _named(self, path: str) -> tuple[str, ...] | Gap:
        if path.startswith("~"):
            return ()
        plain = re.sub("/(?:\\./)*/*", "/", path)
        if "/../" in plain or (self.asked is not None and path not in self.asked and plain not in self.files):
            return Gap(path, "the files that this Include names were not looked up")
        if not _MAGIC.search(plain):
            return (plain,) if plain in self.files else ()
        names = (name for name in self.files if globbed(name, plain))
        return tuple(sorted(names, key=lambda name: name.encode("utf-8", "surrogateescape")))


def _statements(name: str, data: bytes, version: Version) -> tuple[Statement, ...]:
    """What the text of a file says, line by line; kept for a while: each kind of connection has the same read."""
    return (_kept if data.count(b"\n") < MOST_KEPT else _read)(name, data, version)


def _read(name: str, data: bytes, version: Version) -> tuple[Statement, ...]:
    """The same, read anew.

    Raises:
        FormatError: it is larger than any configuration.
    """
    if len(data) > MOST_BYTES:
        raise FormatError(f"{name} has {len(data)} bytes, more than any configuration of sshd")
    known = keywords.of(version)
    return tuple(
        Statement(Place(name, number), Line(number, "", (), ""), None, refused=str(found))
        if isinstance(found, Refused)
        else _statement(Place(name, number), found, version, known)
        for number, found in _bounded(name, data, version)
    )


_kept = lru_cache(maxsize=4)(_read)


def _bounded(name: str, data: bytes, version: Version) -> Iterator[tuple[int, Line | Refused]]:
    for number, found in lines(data, version):
        if number > MOST_LINES:
            raise FormatError(f"{name}:{number}: more lines than any configuration of sshd has")
        yield number, found


def _statement(at: Place, line: Line, version: Version, known: Mapping[str, Keyword]) -> Statement:
    name = lowered(line.keyword)
    if name in ("match", "include"):
        empty = name == "include" and (not line.words or "" in line.words)
        return Statement(at, line, None, refused="Include without a file" if empty else "")
    keyword = known.get(name)
    if keyword is None:
        return Statement(at, line, None, refused=f"unknown keyword {line.keyword[:80]}")
    words = Words(line.words, line.rest, version)
    try:
        value = keyword.read(words)
    except Refused as refusal:
        return Statement(at, line, keyword, (), f"{keyword.name}: {refusal}", keyword.in_match)
    refused = f"{keyword.name}: extra arguments at the end of the line" if words.left else ""
    meant = known[lowered(keyword.means)] if keyword.means else keyword
    return Statement(at, line, meant, value, refused, keyword.in_match)


def globs(files: Mapping[str, bytes | Gap], version: Version, main: str = f"{DIRECTORY}/sshd_config") -> tuple[str, ...]:
    """The globs that the Include lines of these files have, absolute: what to look up before the configuration is judged."""
    found = Files(files, version, None, main)
    read = (statement for name in files for statement in of(found, name) if lowered(statement.line.keyword) == "include")
    words = (word for statement in read for word in statement.line.words if word)
    return tuple(dict.fromkeys(w if w.startswith("/") else f"{DIRECTORY}/{w}" for w in words if not w.startswith("~")))


def of(files: Files, name: str) -> tuple[Statement, ...]:
    """The lines of a file; none of one that could not be read."""
    found = files.statements(name)
    return () if isinstance(found, Gap) else found
