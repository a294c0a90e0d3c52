"""Lists of revoked keys as `ssh-keygen -k` writes them: PROTOCOL.krl and krl.c of OpenSSH.

Only what takes back keys is told. What takes back certificates, by serial number or name, is read as strictly, so that nothing
behind it is read at the wrong place; no certificate is ever judged here.
"""

from collections.abc import Iterator, Mapping
from enum import IntEnum, StrEnum

from auditkit.keys import public

MAGIC = b"SSHKRL\n\0"
_VERSION = 1
_MOST_NUMBER = 2048
"""Bytes of a number (SSHBUF_MAX_BIGNUM)."""


class _Section(IntEnum):
    CERTIFICATES = 1
    KEYS = 2
    SHA1 = 3
    SIGNATURE = 4
    SHA256 = 5
    EXTENSION = 255


class _Part(IntEnum):
    """What stands in a section of certificates."""

    SERIALS = 0x20
    RANGE = 0x21
    BITMAP = 0x22
    NAMES = 0x23
    EXTENSION = 0x39


class Form(StrEnum):
    """How a key stands in a list."""

    KEY = "key"
    SHA1 = "SHA1"
    SHA256 = "SHA256"


_FORMS: Mapping[int, tuple[Form, int]] = {
    _Section.KEYS: (Form.KEY, 0),
    _Section.SHA1: (Form.SHA1, 20),
    _Section.SHA256: (Form.SHA256, 32),
}
"""How keys stand in a section, and how long each is; 0 for any length."""
_UNKNOWN = "it has a part of a kind that is not known"
_EXTENDED = "it has an extension, which some versions of sshd pass over and others do not"
_NOT_EVERYWHERE: Mapping[int, str] = {
    _Section.EXTENSION: _EXTENDED,
    _Section.SIGNATURE: "it is signed, which some versions of sshd check and others do not",
}


def revoked(data: bytes) -> Iterator[tuple[Form, bytes]]:
    """Yield each key that is taken back: its blob, or a digest of that.

    Raises:
        ValueError: the rest cannot be read, or means something that not every sshd knows; says in words why.
    """
    whole = _Cursor(data)
    whole.fixed(len(MAGIC))
    if whole.number(4) != _VERSION:
        raise ValueError("its version is not known")
    whole.fixed(24)  # its number, when it was made, flags
    whole.string()
    whole.text()
    while whole.left:
        kind = whole.number(1)
        section = _Cursor(whole.string())
        if kind in _FORMS:
            yield from _keys(section, *_FORMS[kind])
        elif kind == _Section.CERTIFICATES:
            _certificates(section)
        else:
            raise ValueError(_NOT_EVERYWHERE.get(kind, _UNKNOWN))


class _Cursor:
    """A place in bytes that are read from front to back."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        """Bytes that were not read yet."""
        return len(self._data) - self._at

    def fixed(self, size: int) -> bytes:
        """So many bytes more.

        Raises:
            ValueError: there are fewer.
        """
        if size > self.left:
            raise ValueError("it is cut short")
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self, size: int) -> int:
        """A number of so many bytes, the highest first."""
        return int.from_bytes(self.fixed(size), "big")

    def string(self) -> bytes:
        """Bytes behind their length of four bytes, as `string` in RFC 4251."""
        return self.fixed(self.number(4))

    def text(self) -> bytes:
        """A string that C can hold: a zero byte may stand at its end only."""
        told = self.string()
        if b"\0" in told[:-1]:
            raise ValueError("a text in it has a zero byte")
        return told


def _keys(section: _Cursor, form: Form, size: int) -> Iterator[tuple[Form, bytes]]:
    while section.left:
        key = section.string()
        if size and len(key) != size:
            raise ValueError(f"a {form} digest in it has another length")
        yield form, key


def _certificates(section: _Cursor) -> None:
    """Pass over what is taken back of one authority, or of any; ValueError where sshd would not take it."""
    authority = section.string()
    if authority:
        public.parse(authority)
    section.string()
    while section.left:
        kind, part = section.number(1), _Cursor(section.string())
        _certificate(kind, part)
        if part.left:
            raise ValueError("a part of it has more in it than there should be")


def _certificate(kind: int, part: _Cursor) -> None:
    match kind:
        case _Part.SERIALS:
            while part.left:
                _range(number := part.number(8), number)
        case _Part.RANGE:
            _range(part.number(8), part.number(8))
        case _Part.BITMAP:
            _bitmap(part.number(8), part.string())
        case _Part.NAMES:
            while part.left:
                part.text()
        case _:
            raise ValueError(_EXTENDED if kind == _Part.EXTENSION else _UNKNOWN)


def _range(first: int, last: int) -> None:
    if not 0 < first <= last:
        raise ValueError("a range of serial numbers in it is none")


def _bitmap(first: int, bits: bytes) -> None:
    """A number whose bits are serial numbers, counted from the first one on."""
    if bits[:1] >= b"\x80" or len(bits) > _MOST_NUMBER + (bits[:1] == b"\0"):
        raise ValueError("a number in it is negative or too long")
    number = int.from_bytes(bits, "big")
    if (not first and number & 1) or first + number.bit_length() > 1 << 64:
        raise ValueError("a range of serial numbers in it is none")
