"""Importers: one file per foreign integrity format, one line here; bytes in, entries and gaps out.

A parser takes numbered lines and yields `(number, Entry)` with the path as the file writes it, or `(number, reason)` for a
line it cannot use. Here the lines are cut, the paths placed below the root, the values checked and the reasons made gaps.
"""

import heapq
import itertools
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import BinaryIO

from auditkit.errors import FormatError, UsageError
from auditkit.importers import aide, hashdeep, mtree, sums
from auditkit.model import Entry, Gap, Kind
from auditkit.printable import printable

CHUNK = 1 << 16
LONGEST_LINE = 1 << 16
MOST_BAD_LINES = 1000
RUN = 50_000
"""How many entries are sorted in memory at once."""
EXPANSION = 200
"""How many times its size a compressed database may expand to; real ones come to about eight."""
SLACK = 64 << 20
GZIP = b"\x1f\x8b"
NAMES = tuple(field.name for field in fields(Entry))

Lines = Iterator[tuple[int, bytes]]
Found = Iterator[tuple[int, Entry | str]]


@dataclass(frozen=True, slots=True)
class Format:
    """One foreign format: its name, whether a file beginning with these bytes is of it, and its parser."""

    name: str
    knows: Callable[[bytes], bool]
    parse: Callable[[Lines], Found]


FORMATS: tuple[Format, ...] = (
    Format("aide", aide.knows, aide.parse),
    Format("hashdeep", hashdeep.knows, hashdeep.parse),
    Format("mtree", mtree.knows, mtree.parse),
    Format("sums", sums.knows, sums.parse),
    Format("sha256sum", sums.knows, partial(sums.parse, algorithm="sha256")),
    Format("b3sum", sums.knows, partial(sums.parse, algorithm="blake3")),
    Format("sha512sum", sums.knows, partial(sums.parse, algorithm="sha512")),
    Format("b2sum", sums.knows, partial(sums.parse, algorithm="blake2b")),
)  # fmt: skip


def recognise(head: bytes) -> str:
    """The name of the format of a file that begins with `head`, compressed or not.

    Raises:
        FormatError: it is none of ours.
    """
    if head.startswith(GZIP):
        head = _beginning(head)
    for form in FORMATS:
        if form.knows(head):
            return form.name
    names = ", ".join(form.name for form in FORMATS)
    raise FormatError("the file is in no format that can be imported", f"give one of: {names}")


def read(stream: BinaryIO, form: str | None = None, root: str = "/") -> Iterator[Entry | Gap]:
    """Yield what a foreign database knows, in its own order; relative paths lie below `root`.

    Raises:
        FormatError: the file is not of the format, is cut or garbled, has too long a line or too many bad ones.
        UsageError: there is no such format, or the root is not absolute.
    """
    if not root.startswith("/"):
        raise UsageError(f"{printable(root)} is not an absolute path", "give the root as it is on the host: /srv/app")
    chunks = _plain(stream)
    head = next(chunks, b"")
    chosen = _named(form or recognise(head))
    separator = b"\0" if chosen.knows is sums.knows and b"\0" in head else b"\n"
    found = chosen.parse(_lines(itertools.chain([head], chunks), separator))
    return _checked(found, root)


def _named(name: str) -> Format:
    for form in FORMATS:
        if form.name == name:
            return form
    names = ", ".join(form.name for form in FORMATS)
    raise UsageError(f"there is no import format {printable(name)}", f"name one of: {names}")


def _plain(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of the file in pieces, decompressed where it is gzip."""
    first = stream.read(CHUNK)
    if first.startswith(GZIP):
        yield from _unzipped(first, stream)
        return
    while first:
        yield first
        first = stream.read(CHUNK)


def _unzipped(data: bytes, stream: BinaryIO) -> Iterator[bytes]:
    """Yield what the members of a gzip file hold, never more at once than a chunk (RFC 1952)."""
    engine, taken, given = zlib.decompressobj(31), len(data), 0
    while True:
        plain = _inflated(engine, data)
        given += len(plain)
        if given > taken * EXPANSION + SLACK:
            raise FormatError("the file expands to far more than a database would", "take it from a good copy")
        if plain:
            yield plain
        data = engine.unused_data if engine.eof else engine.unconsumed_tail
        if not data and (engine.eof or len(plain) < CHUNK):
            data = stream.read(CHUNK)
            taken += len(data)
            if not data and engine.eof:
                return
            if not data:
                raise FormatError("the compressed file ends too early", "take it from a good copy")
        if engine.eof:
            engine = zlib.decompressobj(31)


def _inflated(engine: "zlib._Decompress", data: bytes) -> bytes:
    try:
        return engine.decompress(data, CHUNK)
    except zlib.error as error:
        raise FormatError(f"the file is garbled gzip: {error}", "take it from a good copy") from error


def _beginning(head: bytes) -> bytes:
    """As much as the first bytes of a gzip file tell."""
    return _inflated(zlib.decompressobj(31), head)


def _lines(chunks: Iterable[bytes], separator: bytes) -> Lines:
    """Yield each line with its number, without its end.

    Raises:
        FormatError: a line is longer than any of these formats has.
    """
    number, rest = 0, b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(separator)
        for line in whole:
            number += 1
            yield number, _short(number, line)
        _short(number + 1, rest)
    if rest:
        yield number + 1, rest


def _short(number: int, line: bytes) -> bytes:
    if len(line) > LONGEST_LINE:
        raise FormatError(f"line {number} is longer than {LONGEST_LINE} bytes", "take it from a good copy")
    return line


def _checked(found: Found, root: str) -> Iterator[Entry | Gap]:
    """Yield entries in their place below `root` and a gap for each line that cannot be used.

    Raises:
        FormatError: so many lines are bad that the file is something else.
    """
    bad = 0
    for number, what in found:
        result = _placed(what, root) if isinstance(what, Entry) else what
        if isinstance(result, Entry):
            yield result
            continue
        bad += 1
        if bad > MOST_BAD_LINES:
            raise FormatError(
                f"more than {MOST_BAD_LINES} lines cannot be used, the last is line {number}: {printable(result[:200])}",
                "name the format with --import-format",
            )
        yield Gap(f"line {number}", printable(result[:200]))


def _placed(entry: Entry, root: str) -> Entry | str:
    """The entry with its full path, or what is wrong with it."""
    names = [name for name in entry.path.split("/") if name not in ("", ".")]
    if ".." in names or "\0" in entry.path or not entry.path:
        return f"not a path that may be imported: {entry.path}"
    if not entry.path.startswith("/"):
        names = [name for name in root.split("/") if name] + names
    return _unsound(entry) or replace(entry, path="/" + "/".join(names))


def _unsound(entry: Entry) -> str:
    """What value of the entry no kernel would give; empty if all are sound."""
    numbers = (entry.uid, entry.gid, entry.size, entry.inode, entry.links)
    times = (entry.mtime_ns, entry.ctime_ns)
    if any(number is not None and not 0 <= number < 1 << 64 for number in numbers):
        return f"a number is out of range: {entry.path}"
    if any(time is not None and abs(time) >= 10**21 for time in times):
        return f"a time is out of range: {entry.path}"
    if entry.mode is not None and not 0 <= entry.mode <= 0o7777:
        return f"a mode is out of range: {entry.path}"
    return ""


def ordered(found: Iterable[Entry | Gap], spill: Callable[[], BinaryIO], run: int = RUN) -> Iterator[Entry | Gap]:
    """Yield the gaps as they come, then the entries in path order, in memory that does not grow with their number.

    Each `run` of entries is sorted and written to a new file that `spill` opens for writing and reading. A path that
    stands there several times comes once if all say the same, and is a gap if they differ.
    """
    spilled, held = list[BinaryIO](), list[Entry]()
    for what in found:
        if isinstance(what, Gap):
            yield what
            continue
        held.append(what)
        if len(held) >= run:
            spilled.append(_spilled(held, spill()))
            held = []
    runs = [_unspilled(file) for file in spilled]
    merged = heapq.merge(*runs, sorted(held, key=path_key), key=path_key)
    for path, twins in itertools.groupby(merged, key=lambda entry: entry.path):
        yield _one(path, twins)


def path_key(entry: Entry) -> bytes:
    """What orders entries by the components of their paths, as baselines are ordered."""
    return entry.path.encode("utf-8", "surrogateescape").rstrip(b"/").replace(b"/", b"\0")


def _one(path: str, twins: Iterator[Entry]) -> Entry | Gap:
    first = next(twins)
    if all(twin == first for twin in twins):
        return first
    return Gap(path, "stands in the imported file more than once, with different values")


def _spilled(entries: list[Entry], file: BinaryIO) -> BinaryIO:
    for entry in sorted(entries, key=path_key):
        row = [getattr(entry, name) for name in NAMES]
        file.write(json.dumps(row).encode("ascii") + b"\n")
    file.seek(0)
    return file


def _unspilled(file: BinaryIO) -> Iterator[Entry]:
    with file:
        for line in file:
            row = dict(zip(NAMES, json.loads(line), strict=True))
            row["kind"] = Kind(row["kind"])
            row["digests"] = None if row["digests"] is None else tuple(row["digests"])
            row["xattrs"] = None if row["xattrs"] is None else tuple((name, value) for name, value in row["xattrs"])
            yield Entry(**row)
