"""Headers of rpm packages as its database keeps them: docs/manual/{format_header,hregions}.md of rpm.

A header is an index of tags and their data. What the vendor built is its immutable region, and that is what he signed; what
was added at the installation (the signatures, the time, the state of each file) stands behind it and is nobody's word. Where
both have a tag, rpm believes what was added; here the two are kept apart.
"""

import binascii
import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from auditkit.errors import FormatError, UntrustedError

MAGIC = bytes.fromhex("8eade80100000000")
"""What precedes a header in a package file; the database leaves it out, and it is signed."""
IMMUTABLE = 63
LARGEST = 64 << 20
MOST_TAGS = 0xFFFF
MOST_VALUES = 1 << 18
"""Of one tag that is read: more than twice the files of the largest packages there are."""
BINARY = 7
SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, BINARY: 1}
"""Bytes of one number of each type."""
STRINGS = (6, 8, 9)
NUMBERS = {1: "B", 2: "B", 3: "H", 4: "I", 5: "Q"}
DIGESTS = {269: "sha1", 273: "sha256", 279: "sha3_256"}
SIGNATURES, OPENPGP = (268, 267), 278
"""RSA and DSA over the region; since RPM 6 any number of them in base64."""
WITH_PAYLOAD = (262, 259, 1005)
"""Signatures of old packages, over the header and a payload that no database keeps."""


class Place(NamedTuple):
    """Where the values of a tag stand."""

    kind: int
    offset: int
    number: int


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of one part of a header; values are read when they are asked for."""

    places: Mapping[int, Place]
    data: bytes
    end: int
    """Behind the last byte that belongs to this part."""

    def numbers(self, tag: int) -> tuple[int, ...]:
        """The values of a tag of integers; none if it is not there.

        Raises:
            FormatError: the tag is of another type, or has too many values.
        """
        if tag not in self.places:
            return ()
        kind, offset, count = self.places[tag]
        if kind not in NUMBERS or count > MOST_VALUES:
            raise FormatError(f"tag {tag} holds no numbers, or too many")
        return struct.unpack_from(f">{count}{NUMBERS[kind]}", self.data, offset)

    def texts(self, tag: int) -> tuple[str, ...]:
        """The values of a tag of strings; none if it is not there.

        Raises:
            FormatError: the tag is of another type, has too many values, or its strings do not end in this part.
        """
        if tag not in self.places:
            return ()
        kind, offset, count = self.places[tag]
        if kind not in STRINGS or count > MOST_VALUES:
            raise FormatError(f"tag {tag} holds no text, or too much")
        *strings, _rest = self.data[offset : self.end].split(b"\0", count)
        if len(strings) != count:
            raise FormatError(f"the text of tag {tag} does not end")
        return tuple(string.decode("utf-8", "surrogateescape") for string in strings)

    def text(self, tag: int) -> str:
        """The value of a tag that holds one string; empty if it is not there."""
        return next(iter(self.texts(tag)), "")

    def binary(self, tag: int) -> bytes:
        """The bytes of a tag; none if it is not there.

        Raises:
            FormatError: the tag is of another type.
        """
        if tag not in self.places:
            return b""
        kind, offset, count = self.places[tag]
        if kind != BINARY:
            raise FormatError(f"tag {tag} holds no bytes")
        return self.data[offset : offset + count]


@dataclass(frozen=True, slots=True)
class Header:
    """One installed package as its database has it."""

    told: Tags
    """What the vendor built; of a header without a region, all that there is."""
    added: Tags
    """What stands outside of the region."""
    region: bytes
    """What signatures and digests of the header are over; empty where it has no region, as before rpm 4."""


def parse(blob: bytes) -> Header:
    """The header in a record of the database, taken apart but not yet believed.

    Raises:
        FormatError: it is none.
    """
    if not 24 <= len(blob) <= LARGEST:
        raise FormatError(f"a header of {len(blob)} bytes")
    number, size = struct.unpack_from(">II", blob)
    start = 8 + 16 * number
    if not 1 <= number <= MOST_TAGS or start + size != len(blob):
        raise FormatError(f"a header of {len(blob)} bytes that claims {number} tags and {size} bytes of data")
    index = [(tag, Place(*place)) for tag, *place in struct.iter_unpack(">IIII", blob[8:start])]
    data = blob[start:]
    if index[0][0] != IMMUTABLE:
        tags = _tags(index, data, 0, size)
        return Header(tags, tags, b"")
    inside, length = _region(index[0][1], data, number)
    told = _tags(index[1:inside], data, 0, length - 16)
    added = _tags(index[inside:], data, length, size)
    return Header(told, added, MAGIC + struct.pack(">II", inside, length) + blob[8 : 8 + 16 * inside] + data[:length])


def _region(place: Place, data: bytes, number: int) -> tuple[int, int]:
    """How many tags and how many bytes of data are immutable; the last 16 bytes say so, in the form of an index entry."""
    if (place.kind, place.number) != (BINARY, 16) or place.offset > len(data) - 16:
        raise FormatError("the immutable region has no end")
    tag, kind, back, count = struct.unpack_from(">IIiI", data, place.offset)
    inside, odd = divmod(-back, 16)
    if (tag, kind, count, odd) != (IMMUTABLE, BINARY, 16, 0) or not 1 <= inside <= number:
        raise FormatError("the immutable region ends in something else")
    return inside, place.offset + 16


def _tags(index: list[tuple[int, Place]], data: bytes, start: int, end: int) -> Tags:
    for tag, (kind, offset, count) in index:
        size = SIZES.get(kind, 1)
        if kind not in SIZES and kind not in STRINGS:
            raise FormatError(f"tag {tag} is of the unknown type {kind}")
        if offset % size and kind != BINARY:
            raise FormatError(f"the data of tag {tag} is not aligned")
        if not count or offset < start or offset + size * count > end:
            raise FormatError(f"the data of tag {tag} does not lie in its part of the header")
    places = dict(index)
    if len(places) != len(index):
        raise FormatError("a tag stands twice in the header")
    return Tags(places, data, end)


def check_digests(header: Header) -> None:
    """Hold the region against every digest that stands beside it; whoever changes both is found by the signature only.

    Raises:
        UntrustedError: one of them is of something else.
        FormatError: one of them is no text.
    """
    for tag, algorithm in DIGESTS.items():
        told = header.added.text(tag)
        if told and told != hashlib.new(algorithm, header.region, usedforsecurity=False).hexdigest():
            raise UntrustedError(f"the header is not what its {algorithm.upper().replace('_', '-')} says")


def signatures(header: Header) -> tuple[bytes, ...]:
    """The OpenPGP signatures over the region, each a packet of its own; whose they are is still to be checked.

    Raises:
        FormatError: what stands there is something else than a signature of bytes as they are.
    """
    encoded = header.added.texts(OPENPGP)
    try:
        packets = [binascii.a2b_base64(text.encode(), strict_mode=False) for text in encoded]
    except (binascii.Error, ValueError) as error:
        raise FormatError("a signature that is no base64") from error
    packets += [header.added.binary(tag) for tag in SIGNATURES if tag in header.added.places]
    for packet in packets:
        _check_signature(packet)
    return tuple(packets)


def signed_with_payload(header: Header) -> bool:
    """Whether there is a signature, but over the whole package file: as packages were signed before rpm 4."""
    return any(tag in header.added.places for tag in WITH_PAYLOAD)


def _check_signature(packet: bytes) -> None:
    """Refuse all but one signature packet over binary data (RFC 9580, 4.2 and 5.2).

    The key of a vendor has signed many texts, and a whole signed message in this place proves only itself. gpgv refuses one,
    but that is not left to it.
    """
    body = _body(packet)
    kind = body[2:3] if body[:2] == b"\x03\x05" else body[1:2] if body[:1] in (b"\x04", b"\x06") else b""
    if kind != b"\0":
        raise FormatError("a signature of another type than that of a package")


def _body(packet: bytes) -> bytes:
    """What the only packet holds, if it is a signature and nothing follows it."""
    head, rest = packet[:1], packet[1:]
    if head in (b"\x88", b"\x89", b"\x8a"):  # the old format, with a length of 1, 2 or 4 bytes
        width = 1 << (head[0] & 3)
        length, rest = int.from_bytes(rest[:width]), rest[width:]
    elif head == b"\xc2" and rest[:1] < b"\xc0":
        length, rest = rest[0] if rest else 0, rest[1:]
    elif head == b"\xc2" and rest[:1] < b"\xe0":
        length, rest = (int.from_bytes(rest[:2]) - 0xC000) + 192, rest[2:]
    elif head == b"\xc2" and rest[:1] == b"\xff":
        length, rest = int.from_bytes(rest[1:5]), rest[5:]
    else:
        raise FormatError("a signature that is no packet of OpenPGP")
    if length != len(rest) or not rest:
        raise FormatError("a signature with something behind it, or cut short")
    return rest
