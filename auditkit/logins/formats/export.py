"""What `journalctl -o export` writes: one field a line, an empty line behind each entry (systemd.io/JOURNAL_EXPORT_FORMATS).

A field with bytes that are no plain text has its name alone on a line, its length in eight bytes, and then its bytes: so no
value can look like a field.
"""

import re
from collections.abc import Iterator

from auditkit.logins.journals.source import Source
from auditkit.logins.journals.stream import KEPT, MOST, Entry, Stream
from auditkit.logins.nouns import Bytes, Event, Format, Log, Notes, Setting

BEGINS = re.compile(rb"(?:__CURSOR|__REALTIME_TIMESTAMP|__MONOTONIC_TIMESTAMP|__SEQNUM)[=\n]")
NAME = re.compile(rb"[A-Z_][A-Z0-9_]{0,63}")


def recognises(name: str, beginning: bytes) -> bool:
    """By the fields that every entry begins with."""
    return BEGINS.match(beginning) is not None


def read(log: Log, data: Bytes, setting: Setting, notes: Notes) -> Iterator[Event]:
    """Yield what the entries tell, in the order in which they were exported."""
    yield from Stream(notes).events(entries(data, notes))


def entries(data: Bytes, notes: Notes) -> Iterator[Entry]:
    """Yield the entries with their fields; what is none is counted as malformed."""
    source = Source(data.chunks())
    while (entry := _entry(source, notes)) is not None:
        if entry.pairs:
            yield entry
    if source.cut:
        notes.broken = "it breaks off within an entry"


def _entry(source: Source, notes: Notes) -> Entry | None:
    """The next entry, empty if there was an empty line only; None at the end."""
    begin = source.offset
    pairs: list[tuple[bytes, bytes]] = []
    while (line := source.line()) is not None:
        if not line:
            return Entry(pairs, begin)
        name, found, value = line.partition(b"=")
        if not NAME.fullmatch(name):
            notes.malformed += 1
            continue
        if not found:
            value = source.sized()
        if name in KEPT and len(pairs) < MOST:
            pairs.append((name, value))
    if pairs:
        source.cut = True
        return Entry(pairs, begin)
    return None


FORMAT = Format("journal-export", "exported journal", "journal", recognises, read)
