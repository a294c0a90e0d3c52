"""What `journalctl -o verbose` prints, saved or pasted: a line with the time and cursor of an entry, and its fields below.

A field begins behind four blanks; what a value has behind a line end is set as far in as the value itself, so that none can
look like a field.
"""

import re
from collections.abc import Iterator

from auditkit.logins.formats.stamps import STAMP, Clock
from auditkit.logins.journals.source import Source
from auditkit.logins.journals.stream import KEPT, MOST, Entry, Stream
from auditkit.logins.nouns import Bytes, Event, Format, Log, Notes, Setting

BEGINS = re.compile(r"(?P<stamp>[A-Z][a-z]{2} [0-9-]{10} [0-9:.]{8,18} (?:[A-Z]{3,5}|[+-][0-9]{2,4})) \[s=[0-9a-f]{32};.*\]")
FIELD = re.compile(rb" {4}(?P<name>[A-Z_][A-Z0-9_]{0,63})=(?P<value>.*)", re.DOTALL)
MICROSECOND = 1000


def recognises(name: str, beginning: bytes) -> bool:
    """By the cursor that every entry begins with."""
    lines = beginning.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").splitlines()[:3]
    return any(map(BEGINS.fullmatch, lines))


def read(log: Log, data: Bytes, setting: Setting, notes: Notes) -> Iterator[Event]:
    """Yield what the entries tell, in the order in which they were printed."""
    yield from Stream(notes).events(entries(data, Clock(log, data, setting, notes), notes))


def entries(data: Bytes, clock: Clock, notes: Notes) -> Iterator[Entry]:
    """Yield the entries with their fields; what is none is counted as malformed."""
    source = Source(data.chunks())
    entry: Entry | None = None
    begin = 0
    while (line := source.line()) is not None:
        line = line.rstrip(b"\r")
        if began := BEGINS.fullmatch(line.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")):
            if entry:
                yield entry
            entry = Entry([(b"__REALTIME_TIMESTAMP", _stamp(began["stamp"], clock))], begin)
        elif entry is None or not line.startswith(b"    "):
            notes.malformed += bool(line) and not line.startswith(b"-- ")
        elif (found := FIELD.fullmatch(line)) and found["name"] in KEPT and len(entry.pairs) < MOST:
            entry.pairs.append((found["name"], found["value"]))
        begin = source.offset
    if entry:
        yield entry


def _stamp(stamp: str, clock: Clock) -> bytes:
    """Microseconds since 1970, as an export has them."""
    found = STAMP.match(stamp)
    time = clock.of(found) if found else None
    return b"" if time is None else str(time // MICROSECOND).encode()


FORMAT = Format("journal-verbose", "journal as journalctl -o verbose prints it", "journal", recognises, read)
