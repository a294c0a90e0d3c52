"""Event logs of Windows for tests: events as Windows writes them, as XML and as .evtx."""

import struct
import zlib
from collections.abc import Iterable
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

SCHEMA = "http://schemas.microsoft.com/win/2004/08/events/event"
PROVIDERS = {
    "Security": "Microsoft-Windows-Security-Auditing",
    "System": "Microsoft-Windows-Eventlog",
    "OpenSSH/Operational": "OpenSSH",
}


class Element(NamedTuple):
    """An element of XML: its name, attributes, and what is in it."""

    name: str
    attributes: dict[str, str]
    inner: "tuple[Element | str, ...]"


def event(channel: str, number: int, data: dict[str, str], *, record: int = 1, second: int = 0) -> Element:
    """An event with EventData, or with UserData where the fields of `data` are elements: see `user_event`."""
    fields = tuple(Element("Data", {"Name": name}, (value,) if value else ()) for name, value in data.items())
    provider = PROVIDERS.get(channel, channel)
    return Element(
        "Event", {"xmlns": SCHEMA}, (_head(channel, number, provider, record, second), Element("EventData", {}, fields))
    )


def user_event(channel: str, number: int, data: dict[str, str], provider: str, inner: str = "EventXML") -> Element:
    """An event whose data are elements of its provider's own."""
    fields = tuple(Element(name, {}, (value,) if value else ()) for name, value in data.items())
    own = Element(inner, {"xmlns": "Event_NS"}, fields)
    return Element("Event", {"xmlns": SCHEMA}, (_head(channel, number, provider, 1, 0), Element("UserData", {}, (own,))))


def _head(channel: str, number: int, provider: str, record: int, second: int) -> Element:
    fields = (
        Element("Provider", {"Name": provider}, ()),
        Element("EventID", {}, (str(number),)),
        Element("TimeCreated", {"SystemTime": f"2026-11-24T09:{second // 60:02}:{second % 60:02}.5259260Z"}, ()),
        Element("EventRecordID", {}, (str(record),)),
        Element("Execution", {"ProcessID": "5848", "ThreadID": "9"}, ()),
        Element("Channel", {}, (channel,)),
        Element("Computer", {}, ("PC-07",)),
    )
    return Element("System", {}, fields)


def sshd(payload: str, record: int = 1, second: int = 0) -> Element:
    """What sshd.exe writes."""
    return event("OpenSSH/Operational", 4, {"process": "sshd", "payload": payload}, record=record, second=second)


def logon(kind: str, user: str, number: int = 4624, **data: str) -> Element:
    """A logon, or a refused one, of the log Security."""
    usual = {
        "TargetUserName": user,
        "TargetDomainName": "OFFICE",
        "LogonType": kind,
        "LogonProcessName": "NtLmSsp ",
        "IpAddress": "-",
        "IpPort": "-",
        "ProcessName": "-",
    }
    return event("Security", number, usual | data)


def xml(element: Element | str) -> str:
    """The text of an element."""
    if isinstance(element, str):
        return escape(element)
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in element.attributes.items())
    return f"<{element.name}{attributes}>{''.join(map(xml, element.inner))}</{element.name}>"


def evtx(events: Iterable[Element]) -> bytes:
    """A file of one chunk (libevtx: Windows XML Event Log format), without templates and without a cache of names."""
    body, last, records = bytearray(), 0, list(events)
    for number, element in enumerate(records, 1):
        last = 512 + len(body)
        packed = Packed(last + 24)
        packed.add(b"\x0f\x01\x01\0")
        packed.element(element)
        packed.add(b"\0")
        packed.add(bytes(-(len(packed.data) + 28) % 8))
        size = len(packed.data) + 28
        body += struct.pack("<IIQQ", 0x2A2A, size, number, 134_000_000_000_000_000) + packed.data + struct.pack("<I", size)
    chunk, count = bytearray(512), len(records)
    struct.pack_into("<8sQQQQIIII", chunk, 0, b"ElfChnk", 1, count, 1, count, 128, last, 512 + len(body), zlib.crc32(body))
    struct.pack_into("<I", chunk, 124, zlib.crc32(chunk[:120] + chunk[128:512]))
    head = bytearray(4096)
    struct.pack_into("<8sQQQIHHHH", head, 0, b"ElfFile", 0, 0, count + 1, 128, 1, 3, 4096, 1)
    struct.pack_into("<I", head, 124, zlib.crc32(head[:120]))
    return bytes(head + (chunk + body).ljust(65536, b"\0"))


class Packed:
    """Binary XML that begins at a place of a chunk."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.data = bytearray()

    def add(self, raw: bytes) -> None:
        """Append bytes."""
        self.data += raw

    def element(self, element: Element) -> None:
        """Append an element with all that is in it."""
        self.add(b"\x41" if element.attributes else b"\x01")
        size = self._room()
        self._name(element.name)
        if element.attributes:
            listed, left = self._room(), len(element.attributes)
            for name, value in element.attributes.items():
                left -= 1
                self.add(b"\x46" if left else b"\x06")
                self._name(name)
                self._value(value)
            self._fill(listed)
        self.add(b"\x02" if element.inner else b"\x03")
        for inner in element.inner:
            if isinstance(inner, str):
                self._value(inner)
            else:
                self.element(inner)
        self.add(b"\x04" if element.inner else b"")
        self._fill(size)

    def _room(self) -> int:
        self.add(bytes(4))
        return len(self.data)

    def _fill(self, begin: int) -> None:
        self.data[begin - 4 : begin] = struct.pack("<I", len(self.data) - begin)

    def _name(self, name: str) -> None:
        self.add(struct.pack("<I", self.at + len(self.data) + 4))
        self.add(struct.pack("<IHH", 0, 0, len(name)) + name.encode("utf-16-le") + bytes(2))

    def _value(self, text: str) -> None:
        raw = text.encode("utf-16-le", "surrogatepass")
        self.add(b"\x05\x01" + struct.pack("<H", len(raw) // 2) + raw)
