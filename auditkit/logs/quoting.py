"""Lines of logs by their own words, looked up once more where it is known by now which are wanted."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from auditkit.logins import evidence
from auditkit.logins.evidence import Behind, Place, Words
from auditkit.logins.formats import syslog
from auditkit.logins.journals import shown
from auditkit.logins.nouns import Format, Setting
from auditkit.logins.reading import Reading
from auditkit.logins.seen import Verdict, Wanted
from auditkit.logins.streams import JOURNAL
from auditkit.logs.files import Source

LONGEST_LINE = 4096
BEHIND = 8192
"""Bytes from a line on in which more of the same address are looked for."""


def words(read: Iterable[tuple[Source, Reading]], wanted: Iterable[Wanted]) -> Mapping[Place, Words]:
    """The words of lines, by name of the source and number; those that cannot be had any more are left out."""
    by = _by_source(wanted)
    found: dict[Place, Words] = {}
    for source, reading in read:
        name, form = source.log.name, reading.format
        if name in by and form is not None:
            log = reading.log
            for offset, text, forged in _found(source, form, by[name]):
                found[name, by[name][offset]] = Words(text, form if form.kind == "text" else syslog.FORMAT, log, forged)
    return found


def told(read: Sequence[tuple[Source, Reading]], verdict: Verdict, words: Mapping[Place, Words], setting: Setting) -> Verdict:
    """The verdict with the words of lines beside the addresses that they tell of, guesses first of all."""
    lines = evidence.of_sources(verdict, words, setting)
    return evidence.told(verdict, lines, _behind(read, evidence.lacking(lines)), setting)


def _by_source(wanted: Iterable[Wanted]) -> Mapping[str, Mapping[int, int]]:
    """Offset to number of each line, by name of its source."""
    by: dict[str, dict[int, int]] = {}
    for one in wanted:
        by.setdefault(one.source, {})[one.offset] = one.line
    return by


def _behind(read: Iterable[tuple[Source, Reading]], lines: Iterable[Wanted]) -> Mapping[Place, Sequence[Behind]]:
    """What stands from each of these lines on in a text log; of a journal nothing."""
    by = _by_source(lines)
    after: dict[Place, list[Behind]] = {}
    for source, reading in read:
        name, form = source.log.name, reading.format
        if name not in by or form is None or form.kind != "text":
            continue
        for offset, piece in source.pieces(by[name], BEHIND):
            first, at = by[name][offset], offset
            found = after[name, first] = []
            for number, line in enumerate(piece.split(b"\n")[:-1], first):
                text = line.rstrip(b"\r").decode("utf-8", "surrogateescape")
                found.append((Wanted(name, number, at), Words(text, form, reading.log)))
                at += len(line) + 1
    return after


def _found(source: Source, form: Format, places: Mapping[int, int]) -> Iterator[tuple[int, str, bool | None]]:
    """Yield the offset of each line, its words, and whether they are forged."""
    if form.kind == "text":
        for offset, text in source.lines(places, LONGEST_LINE):
            yield offset, text.decode("utf-8", "surrogateescape"), None
    elif form.name == JOURNAL:
        yield from _of_journal(source, places)
    elif form.kind == JOURNAL:
        for offset, piece in source.pieces(places, shown.LONGEST):
            if (line := shown.of_export(piece, form.name)) is not None:
                yield offset, *line


def _of_journal(source: Source, places: Mapping[int, int]) -> Iterator[tuple[int, str, bool | None]]:
    data = source.data.whole()
    for offset in places:
        if (line := shown.of_file(data, offset)) is not None:
            yield offset, *line
