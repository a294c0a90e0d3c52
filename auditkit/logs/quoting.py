"""Lines of logs by their own words, looked up once more where it is known by now which are wanted."""

from collections.abc import Iterable, Iterator, Mapping

from auditkit.logins.evidence import Words
from auditkit.logins.formats import syslog
from auditkit.logins.journals import shown
from auditkit.logins.nouns import Format
from auditkit.logins.reading import Reading
from auditkit.logins.seen import Wanted
from auditkit.logins.streams import JOURNAL
from auditkit.logs.files import Source

LONGEST_LINE = 4096
Place = tuple[str, int]
"""Name of a source and number of a line in it."""


def words(read: Iterable[tuple[Source, Reading]], wanted: Iterable[Wanted]) -> Mapping[Place, Words]:
    """The words of lines, by name of the source and number; those that cannot be had any more are left out."""
    by: dict[str, dict[int, int]] = {}
    for one in wanted:
        by.setdefault(one.source, {})[one.offset] = one.line
    found: dict[Place, Words] = {}
    for source, reading in read:
        name, form = source.log.name, reading.format
        if name in by and form is not None:
            log = reading.log
            for offset, text, forged in _found(source, form, by[name]):
                found[name, by[name][offset]] = Words(text, form if form.kind == "text" else syslog.FORMAT, log, forged)
    return found


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
