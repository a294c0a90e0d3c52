"""One event of Windows, read from its XML; strictly, for names in it were chosen by whoever tried to get in.

The XML is that of the event schema (schemas.microsoft.com/win/2004/08/events/event): wevtutil, the Event Viewer and readers
of .evtx all write it.
"""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from xml.parsers import expat

LONGEST = 1 << 18
"""Characters of an event."""
DEEPEST, FIELDS, VALUE = 32, 512, 1 << 16
STAMP = re.compile(r"(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(?:Z| UTC|\+00:00)?", re.ASCII)
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML may hold; Windows writes them where a name has them."""
REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]{1,8})|([0-9]{1,8}));")


@dataclass(slots=True)
class Record:
    """An event: where it was logged, by what, when, and its data by name."""

    channel: str = ""
    provider: str = ""
    event: int = 0
    time: int | None = None
    """Nanoseconds since 1970."""
    number: int | None = None
    computer: str = ""
    process: int | None = None
    """The process that wrote it."""
    data: dict[str, str] = field(default_factory=dict)
    """EventData by the name of its fields, UserData by the names of its elements."""


def record(text: str) -> Record | None:
    """The event of its XML; None if it is none, or has what no event has: a document type, entities, depth."""
    if len(text) > LONGEST:
        return None
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = reader.characters, reader.refuse
    try:
        parser.Parse(_clean(text), True)
    except (expat.ExpatError, _RefusedError, ValueError):
        return None
    return reader.found if reader.complete else None


def _clean(text: str) -> str:
    """The text with what no XML may hold replaced, written out or as a reference: one name shall not hide an event."""
    return NO_XML.sub("\ufffd", REFERENCE.sub(_referred, text))


def _referred(found: re.Match[str]) -> str:
    number = int(found[1], 16) if found[1] else int(found[2])
    return found[0] if number < 0x110000 and not NO_XML.match(chr(number)) else "\ufffd"


class _RefusedError(Exception):
    """What no event has."""


@dataclass(slots=True)
class _Reader:
    """Takes what the parser meets."""

    found: Record = field(default_factory=Record)
    complete: bool = False
    _path: list[str] = field(default_factory=list)
    _name: str = ""
    _text: str = ""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins; one that is too deep, or of another document, is refused."""
        self._path.append(name.rpartition(" ")[2])
        if len(self._path) > DEEPEST or self._path[0] != "Event":
            raise _RefusedError
        self._text = ""
        self._name = attributes.get("Name", "")
        if self._path[1:2] == ["System"]:
            self._system(attributes)

    def end(self, _: str) -> None:
        """An element ends: what it said is kept where it is of System or EventData."""
        path, found = self._path, self.found
        last = path.pop()
        if path[1:] == ["System"]:
            self._close(last)
        elif path[1:2] == ["EventData"] and last == "Data":
            self._keep(self._name or f"Data{len(found.data)}")
        elif path[1:2] == ["UserData"] and self._text.strip():
            self._keep(last)
        self.complete = not path
        self._text = ""

    def characters(self, text: str) -> None:
        """Text inside an element, as far as a value is kept."""
        if len(self._text) < VALUE:
            self._text += text

    @staticmethod
    def refuse(*_: object) -> None:
        """Refuse what no record of an event has."""
        raise _RefusedError

    def _keep(self, name: str) -> None:
        if len(self.found.data) < FIELDS:
            self.found.data.setdefault(name, self._text[:VALUE])

    def _system(self, attributes: dict[str, str]) -> None:
        """What the head of an event says in attributes."""
        match self._path[2:]:
            case ["Provider"]:
                self.found.provider = attributes.get("Name", "")
            case ["TimeCreated"]:
                self.found.time = stamp(attributes.get("SystemTime", ""))
            case ["Execution"]:
                self.found.process = _number(attributes.get("ProcessID", ""))

    def _close(self, name: str) -> None:
        """What the head of an event says in text."""
        text = self._text.strip()
        match name:
            case "EventID":
                self.found.event = _number(text) or 0
            case "EventRecordID":
                self.found.number = _number(text)
            case "Channel":
                self.found.channel = text
            case "Computer":
                self.found.computer = text


def stamp(text: str) -> int | None:
    """Nanoseconds since 1970 of a time as events have it, which is in UTC; None if it is none, or before 1970."""
    found = STAMP.fullmatch(text)
    if found is None:
        return None
    try:
        seconds = int(datetime.fromisoformat(found[1]).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return None
    return seconds * 10**9 + int((found[2] or "0").ljust(9, "0")) if seconds > 0 else None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None
