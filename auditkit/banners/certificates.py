"""Until when a certificate counts, and for which names: the few fields of X.509 (RFC 5280) that a report tells.

Nothing is verified: whose it is says the host that showed it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from auditkit.banners.reading import line

_SEQUENCE, _SET, _VERSION, _EXTENSIONS, _OCTETS, _DNS_NAME = 0x30, 0x31, 0xA0, 0xA3, 0x04, 0x82
_UTC, _GENERALIZED = 0x17, 0x18
_ALT_NAMES, _COMMON_NAME = b"\x06\x03\x55\x1d\x11", b"\x06\x03\x55\x04\x03"
_TIME = re.compile(rb"(?:[0-9]{2})?[0-9]{12}Z")
_CENTURY = 50
"""Years of two digits below it are of this century (RFC 5280 section 4.1.2.5.1)."""
MOST_NAMES = 20

Element = tuple[int, bytes]
"""Tag and content."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says."""

    begins: datetime
    ends: datetime
    names: tuple[str, ...]
    """Of the machines that it is for; where it has none, the common name of its subject."""
    own: bool
    """Whether it names itself as its issuer."""


def certificate(der: bytes) -> Certificate | None:
    """What a certificate in DER says; None where it is none."""
    try:
        return _certificate(der)
    except (ValueError, IndexError):
        return None


def _certificate(der: bytes) -> Certificate:
    fields = list(_elements(_inside(_inside(der))))
    if fields and fields[0][0] == _VERSION:
        fields = fields[1:]
    _serial, _algorithm, issuer, validity, subject, *rest = fields
    begins, ends = (_time(tag, text) for tag, text in list(_elements(validity[1]))[:2])
    extensions = next((content for tag, content in rest if tag == _EXTENSIONS), b"")
    names = tuple(_alternatives(extensions)) or tuple(_common(subject[1]))
    return Certificate(begins, ends, names[:MOST_NAMES], issuer == subject)


def _inside(data: bytes) -> bytes:
    """The content of the first element, a sequence.

    Raises:
        ValueError: it is something else.
    """
    tag, content = next(_elements(data), (0, b""))
    if tag != _SEQUENCE:
        raise ValueError("no sequence")
    return content


def _elements(data: bytes) -> Iterator[Element]:
    """Yield the elements that stand one after the other.

    Raises:
        ValueError: there is something else.
    """
    while data:
        if len(data) < 2:
            raise ValueError("it breaks off")
        size, at = data[1], 2
        if size & 0x80:
            at += size & 0x7F
            size = int.from_bytes(data[2:at], "big")
        if at + size > len(data) or at > 6:
            raise ValueError("it is longer than there is of it")
        yield data[0], data[at : at + size]
        data = data[at + size :]


def _time(tag: int, text: bytes) -> datetime:
    if tag not in (_UTC, _GENERALIZED) or not _TIME.fullmatch(text):
        raise ValueError("no time")
    digits = text.decode("ascii")
    if tag == _UTC:
        digits = f"{'20' if int(digits[:2]) < _CENTURY else '19'}{digits}"
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _alternatives(extensions: bytes) -> Iterator[str]:
    """Yield the DNS names of subjectAltName."""
    for _tag, listed in _elements(extensions):
        for _each, extension in _elements(listed):
            if extension.startswith(_ALT_NAMES):
                tag, value = list(_elements(extension))[-1]
                if tag == _OCTETS:
                    yield from (line(name) for kind, name in _elements(_inside(value)) if kind == _DNS_NAME)


def _common(subject: bytes) -> Iterator[str]:
    for tag, part in _elements(subject):
        for _each, pair in _elements(part) if tag == _SET else ():
            if pair.startswith(_COMMON_NAME):
                yield line(list(_elements(pair))[-1][1])
