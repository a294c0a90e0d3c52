"""Packages, the database of rpm until 4.15: a hash of Berkeley DB, dbinc/db_page.h of its source.

Each page begins with 26 bytes: its number, those before and behind it, how many entries it has and its type. The entries of a
hash page are pairs of a key, the number of the package, and a value, its header: in the page, or on a chain of overflow pages.
The buckets of the hash do not matter here: every page is looked at, so that a damaged one hides no other.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from auditkit.errors import FormatError
from auditkit.model import Gap

MAGIC = 0x061561
UNUSED, UNSORTED, OVERFLOW, META, HASH = 0, 2, 7, 8, 13
"""Types of pages."""
IN_PAGE, ELSEWHERE = 1, 3
"""Types of entries: H_KEYDATA, H_OFFPAGE."""
HEAD = 26
LARGEST = 64 << 20
NEXT_NUMBER = bytes(4)
"""The key under which rpm keeps the number of the next package."""


def knows(data: bytes) -> bool:
    """Whether it is a hash of Berkeley DB."""
    return len(data) >= 16 and MAGIC in struct.unpack("<I", data[12:16]) + struct.unpack(">I", data[12:16])


@dataclass(slots=True)
class Pages:
    """The pages of a database by their number; those of a chain are given once, so that no circle is walked."""

    data: bytes
    order: str
    """The byte order of the machine that made it, as struct writes it."""
    size: int
    seen: set[int] = field(default_factory=set)

    def head(self, number: int) -> tuple[int, int, int, int, int]:
        """The page before and behind it, how many entries it has, how far its data goes, and its type.

        Raises:
            FormatError: it is not the page of that number.
        """
        here, before, behind, entries, offset, _level, kind = struct.unpack_from(
            f"{self.order}3I2HBB", self.data, number * self.size + 8
        )
        if kind != UNUSED and here != number:
            raise FormatError("it is another page, or damaged")
        return before, behind, entries, offset, kind

    def chain(self, number: int, length: int) -> bytes:
        """What lies on a chain of overflow pages.

        Raises:
            FormatError: it is broken.
        """
        if length > LARGEST:
            raise FormatError(f"a header of {length} bytes")
        parts, missing = list[bytes](), length
        while missing > 0:
            if number in self.seen or not 0 < number < len(self.data) // self.size:
                raise FormatError(f"overflow page {number} is not in the file, or used twice")
            self.seen.add(number)
            _before, following, _references, used, kind = self.head(number)
            if kind != OVERFLOW or not 0 < used <= min(self.size - HEAD, missing):
                raise FormatError(f"page {number} is no overflow page, or damaged")
            start = number * self.size + HEAD
            parts.append(self.data[start : start + used])
            missing, number = missing - used, following
        return b"".join(parts)


def headers(data: bytes) -> Iterator[bytes | Gap]:
    """Yield the header of each package, in the order of the pages.

    Raises:
        FormatError: its first page is that of no such file.
    """
    order = "<" if struct.unpack_from("<I", data, 12) == (MAGIC,) else ">"
    if len(data) < 512:
        raise FormatError("Packages is shorter than a page")
    size, encrypted, kind = struct.unpack_from(f"{order}IBB", data, 20)
    if not 512 <= size <= 65536 or size & (size - 1) or len(data) < size or encrypted or kind != META:
        raise FormatError(f"Packages is no hash with pages that can be read: pages of {size} bytes")
    pages = Pages(data, order, size)
    chains = set[int]()
    for number in range(1, len(data) // size):
        try:
            before, _behind, entries, _offset, kind = pages.head(number)
            if kind in (HASH, UNSORTED):
                yield from _page(pages, number, entries)
            elif kind == OVERFLOW and not before:
                chains.add(number)
            elif kind not in (UNUSED, OVERFLOW):
                yield Gap(f"page {number} of Packages", f"it is of the unknown type {kind}: packages on it are lost")
        except FormatError as error:
            yield Gap(f"page {number} of Packages", f"the packages on it are lost: {error}")
    for number in sorted(chains - pages.seen):
        yield Gap(f"page {number} of Packages", "the package that begins on it is lost: no entry leads there any more")


def _page(pages: Pages, number: int, entries: int) -> Iterator[bytes | Gap]:
    """Yield the header of each pair of a hash page."""
    start = number * pages.size
    if entries % 2 or HEAD + 2 * entries > pages.size:
        raise FormatError(f"it has {entries} entries")
    offsets = struct.unpack_from(f"{pages.order}{entries}H", pages.data, start + HEAD)
    ends = (pages.size, *offsets)  # entries fill the page from its end
    for at in range(0, entries, 2):
        try:
            key = _entry(pages, start, offsets[at], ends[at])
            if key != NEXT_NUMBER:
                yield _entry(pages, start, offsets[at + 1], ends[at + 1])
        except FormatError as error:
            yield Gap(f"page {number} of Packages", f"a package on it is lost: {error}")


def _entry(pages: Pages, start: int, offset: int, end: int) -> bytes:
    if not HEAD <= offset < end <= pages.size:
        raise FormatError("an entry does not lie in its page")
    kind = pages.data[start + offset]
    if kind == IN_PAGE:
        return pages.data[start + offset + 1 : start + end]
    if kind == ELSEWHERE and end - offset >= 12:
        return pages.chain(*struct.unpack_from(f"{pages.order}2I", pages.data, start + offset + 4))
    raise FormatError(f"an entry of the unknown type {kind}")
