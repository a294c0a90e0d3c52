"""What `journalctl -o json` writes, and json-seq, json-sse and json-pretty: an object for each entry.

A value is a string; a list of numbers where it is no plain text; a list of values where a field is there more than once;
and null where it was too long for whoever wrote it (systemd.io/JOURNAL_EXPORT_FORMATS).
"""

import json
from collections.abc import Iterator
from typing import Any

from auditkit.logins.journals.source import LONGEST, Source
from auditkit.logins.journals.stream import KEPT, MOST, Entry, Stream
from auditkit.logins.nouns import Bytes, Event, Format, Log, Notes, Setting

AROUND = b"\x1e \t\r"
SSE = b"data: "
TELLING = (b'"__REALTIME_TIMESTAMP"', b'"__CURSOR"', b'"__MONOTONIC_TIMESTAMP"')
NAMES = {name.decode(): name for name in KEPT}


def recognises(name: str, beginning: bytes) -> bool:
    """By an object with the fields that every entry has."""
    start = beginning.lstrip(AROUND + b"\n").removeprefix(SSE)
    return start.startswith(b"{") and any(field in start for field in TELLING)


def read(log: Log, data: Bytes, setting: Setting, notes: Notes) -> Iterator[Event]:
    """Yield what the entries tell, in the order in which they were exported."""
    yield from Stream(notes).events(entries(data, notes))


def entries(data: Bytes, notes: Notes) -> Iterator[Entry]:
    """Yield the entries with their fields; what is no object is counted as malformed."""
    source, offset = Source(data.chunks()), 0
    for text in _objects(source):
        found = _object(text)
        if found is None:
            notes.malformed += 1
            if source.cut:
                notes.broken = "it breaks off within an entry"
        else:
            yield Entry(_pairs(found), offset)
        offset = source.offset


def _objects(source: Source) -> Iterator[bytes]:
    """Yield the text of each object; of json-pretty the lines from `{` to `}`."""
    open_lines: list[bytes] = []
    kept = 0
    while (line := source.line()) is not None:
        text = line.strip(AROUND).removeprefix(SSE)
        if open_lines or text == b"{":
            kept += len(text)
            open_lines += [text] if kept <= LONGEST else []
            if text == b"}":
                yield b"\n".join(open_lines)
                open_lines, kept = [], 0
        elif text:
            yield text
    if open_lines:
        source.cut = True
        yield b"\n".join(open_lines)


def _object(text: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _pairs(fields: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    pairs = [(NAMES[name], value) for name in fields.keys() & NAMES.keys() for value in _values(fields[name])]
    return pairs[:MOST]


def _values(value: Any) -> Iterator[bytes]:
    """Yield the values of a field as bytes."""
    if isinstance(value, str):
        yield value.encode("utf-8", "surrogatepass")
    elif isinstance(value, list) and value and all(type(item) is int and 0 <= item < 256 for item in value):
        yield bytes(value)
    elif isinstance(value, list):
        for item in value[:MOST]:
            if not isinstance(item, list) or all(type(byte) is int for byte in item):
                yield from _values(item)


FORMAT = Format("journal-json", "exported journal (JSON)", "journal", recognises, read)
