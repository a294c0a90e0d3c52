"""Cuts the bytes of a text log into lines, a piece at a time: however long a line is, and whatever is in it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from auditkit.logins.nouns import Notes

LONGEST = 1 << 16
"""Bytes of a line that are looked at; no daemon writes more into one."""
NUL_RUNS = 64
ZEROS = re.compile(rb"\0+")
MARK = b"\xef\xbb\xbf"
"""What some editors and PowerShell put before text of UTF-8."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some lines that follow each other."""

    text: str
    """Without the ends of lines, zeros and what is longer than LONGEST; bytes that are no UTF-8 by `surrogateescape`."""
    sizes: Sequence[int] | None = None
    """Bytes of each line, as it stands there, without the line feed; None where these are its characters."""

    def lines(self) -> Sequence[str]:
        """Each by itself."""
        return self.text.split("\n")

    def lengths(self) -> Iterable[int]:
        """Bytes of each."""
        return self.sizes if self.sizes is not None else map(len, self.lines())


def pieces(chunks: Iterable[bytes], notes: Notes) -> Iterator[Piece]:
    """Yield the lines of a source; where zeros stand goes into the notes."""
    rest, lost, offset = b"", 0, 0  # a line that is not whole yet, and how much of it was left out
    for read in chunks:
        chunk = bytes(read)
        if 0 in chunk:
            zeros(chunk, offset, notes)
        offset += len(chunk)
        if lost:
            begun, feed, chunk = chunk.partition(b"\n")
            kept = (begun if rest else begun.lstrip(b"\0"))[: LONGEST - len(rest)]
            rest, lost = rest + kept, lost + len(begun) - len(kept)
            if not feed:
                continue
            yield of([rest], [len(rest) + lost])
            rest, lost = b"", 0
        whole, feed, left = (rest + chunk).rpartition(b"\n")
        if feed:
            yield of_text(whole)
        rest = left.lstrip(b"\0")[:LONGEST]  # a line behind a hole, as copytruncate makes them, begins where the hole ends
        lost = len(left) - len(rest)
    if rest or lost:
        yield of([rest], [len(rest) + lost])


def of_text(whole: bytes) -> Piece:
    """The lines of a text; almost all are of ASCII, where characters are bytes."""
    if whole.isascii() and 0 not in whole and 13 not in whole:
        return Piece(whole.decode("ascii"))
    raw = whole.split(b"\n")
    return of(raw, list(map(len, raw)))


def of(raw: Sequence[bytes], sizes: Sequence[int]) -> Piece:
    """Lines as they shall be read: without zeros, carriage returns at the end, and what is too long."""
    short = (line.removeprefix(MARK).lstrip(b"\0")[:LONGEST].replace(b"\0", b"").rstrip(b"\r") for line in raw)
    return Piece("\n".join(line.decode("utf-8", "surrogateescape") for line in short), sizes)


def zeros(chunk: bytes, offset: int, notes: Notes) -> None:
    """Note where zeros stand; a run that goes on where the one before ended is the same."""
    for found in ZEROS.finditer(chunk):
        at, length = offset + found.start(), len(found.group())
        last = notes.nul_runs[-1] if notes.nul_runs else (0, -1)
        if sum(last) == at:
            notes.nul_runs[-1] = last[0], last[1] + length
        elif len(notes.nul_runs) < NUL_RUNS:
            notes.nul_runs.append((at, length))
