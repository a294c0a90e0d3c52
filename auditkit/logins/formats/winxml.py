"""Event logs of Windows as XML text: `wevtutil qe LOG /f:xml`, `Get-WinEvent ... | % { $_.ToXml() }`, the Event Viewer.

Each `<Event>` is cut out and read alone, so that a broken one costs no other. Text of wevtutil has no element around the
events, and what PowerShell redirects is UTF-16.
"""

import codecs
import re
from collections.abc import Iterator

from auditkit.logins.nouns import Bytes, Event, Format, Log, Notes, Setting
from auditkit.logins.windows.records import LONGEST
from auditkit.logins.windows.stream import events

BEGINS, ENDS = re.compile(r"<Event[\s>]"), "</Event>"
MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
BEGINNING = 4096
DECLARED = re.compile(r"^<\?xml[^>]{0,200}\?>\s*")
FIRST = re.compile(r"(?:<\w{1,64}>\s*)?<Event[\s>]")
OBJECTS = re.compile(r'<Objects>.{0,400}EventLogRecord"', re.DOTALL)
USELESS = "ConvertTo-Xml leaves out who and from where; export it with: wevtutil qe LOG /f:xml"


def recognises(name: str, beginning: bytes) -> bool:
    """By the first element: an event, or the element around all events."""
    start = _start(beginning)
    return bool(FIRST.match(start) or OBJECTS.match(start))


def _start(beginning: bytes) -> str:
    """The text from its first element on."""
    text = beginning.decode(_encoding(beginning), "replace").lstrip("\ufeff \t\r\n")
    return DECLARED.sub("", text)


def _encoding(beginning: bytes) -> str:
    return next((name for mark, name in MARKS.items() if beginning.startswith(mark)), "utf-8")


def read(log: Log, data: Bytes, setting: Setting, notes: Notes) -> Iterator[Event]:
    """Yield what the events tell, in the order of the text."""
    if OBJECTS.match(_start(next(iter(data.chunks()), b"")[:BEGINNING])):
        notes.broken = USELESS
        return
    yield from events(texts(data, notes), notes)


def texts(data: Bytes, notes: Notes) -> Iterator[tuple[str, int]]:
    """Yield the text of each event, and the bytes before it; one that is too long is counted as malformed."""
    rest, before, wide = "", 0, False
    decoder = None
    for piece in data.chunks():
        if decoder is None:
            encoding = _encoding(piece)
            wide, decoder = encoding.startswith("utf-16"), codecs.getincrementaldecoder(encoding)("replace")
        rest += decoder.decode(piece)
        at = 0
        while (found := BEGINS.search(rest, at)) and (end := rest.find(ENDS, found.start())) >= 0:
            end += len(ENDS)
            before += _bytes(rest[at : found.start()], wide)
            yield rest[found.start() : end], before
            before += _bytes(rest[found.start() : end], wide)
            at = end
        kept = found.start() if found else max(at, len(rest) - len("<Event"))
        if len(rest) - kept > LONGEST:
            notes.malformed += 1
            kept = len(rest) - len(ENDS)
        before += _bytes(rest[at:kept], wide)
        rest = rest[kept:]
    if BEGINS.match(rest):
        notes.broken = "it breaks off within an event"


def _bytes(text: str, wide: bool) -> int:
    """Bytes that a text took in its source; what was no text there counts as what stands for it."""
    if text.isascii():
        return len(text) << wide
    return len(text.encode("utf-16-le" if wide else "utf-8", "surrogatepass"))


FORMAT = Format("windows-xml", "Windows event log (XML)", "windows", recognises, read)
