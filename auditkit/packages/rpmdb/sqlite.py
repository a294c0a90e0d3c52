"""rpmdb.sqlite, the database of rpm 4.16 and later: SQLite's own format, https://sqlite.org/fileformat2.html.

This reads the one table that matters instead of asking the sqlite3 module. A database is a program to SQLite: its schema may
hold views, triggers and generated columns that a hostile host chose, and its parser of pages is C. It also ends a query at the
first damaged page, where here the damage costs the packages on that page only.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from auditkit.errors import FormatError
from auditkit.model import Gap

MAGIC = b"SQLite format 3\0"
LOG_MAGIC = 0x377F0682
"""The last bit says that the checksums are big-endian."""
TABLE = b"Packages"
INTERIOR, LEAF = 5, 13
DEEPEST = 20
"""Of a tree of pages; SQLite itself goes no deeper."""
LARGEST = 64 << 20
MOST_TABLES, MOST_COLUMNS = 1000, 100
"""Of any database of rpm; it has some 25 tables and indexes, of five columns at most."""
WORD = 0xFFFFFFFF


def knows(data: bytes) -> bool:
    """Whether it is a database of SQLite."""
    return data.startswith(MAGIC)


@dataclass(slots=True)
class Pages:
    """The pages of a database by their number, as the log left them; each is given once, so that no circle is walked."""

    data: bytes
    size: int
    usable: int
    """Without what extensions have reserved at the end of each page."""
    newer: dict[int, bytes]
    """Pages that the log holds a newer state of."""
    seen: set[int] = field(default_factory=set)

    def take(self, number: int) -> bytes:
        """The page of this number.

        Raises:
            FormatError: there is none, or it was used already.
        """
        if number in self.seen:
            raise FormatError(f"page {number} is used twice")
        page = self.newer.get(number) or self.data[(number - 1) * self.size : number * self.size]
        if number < 1 or len(page) != self.size:
            raise FormatError(f"page {number} is not in the file")
        self.seen.add(number)
        return page


def headers(data: bytes, log: bytes = b"") -> Iterator[bytes | Gap]:
    """Yield the header of each package, in the order of the table.

    Raises:
        FormatError: the table of packages cannot be found.
    """
    size, reserved = _geometry(data)
    newer, trouble = _log(log, size)
    pages = Pages(data, size, size - reserved, newer)
    root = _root(pages)
    if trouble:
        yield Gap("the log of rpmdb.sqlite", f"packages of the last transactions may be missing: {trouble}")
    for record in _records(pages, root):
        try:
            yield record if isinstance(record, Gap) else _blob(record)
        except FormatError as error:
            yield Gap("a package in rpmdb.sqlite", str(error))


def _geometry(data: bytes) -> tuple[int, int]:
    """How large a page is, and how much of it is not used."""
    if len(data) < 512:
        raise FormatError("rpmdb.sqlite is shorter than a page")
    (size,) = struct.unpack_from(">H", data, 16)
    size, reserved = 65536 if size == 1 else size, data[20]
    if size < 512 or size & (size - 1) or size - reserved < 480:
        raise FormatError(f"rpmdb.sqlite has pages of {size} bytes")
    return size, reserved


def _log(log: bytes, size: int) -> tuple[dict[int, bytes], str]:
    """The newest committed state of each page, and what is wrong with the log.

    A frame counts if its salts are those of the head and all checksums up to it are right; frames with other salts are left
    over from an earlier round.
    """
    if not log:
        return {}, ""
    magic, _version, page_size, _sequence, *rest = struct.unpack_from(">8I", log.ljust(32, b"\0"))
    order, salts = ">" if magic & 1 else "<", rest[:2]
    sums = _summed(order, log[:24].ljust(24))
    if magic & ~1 != LOG_MAGIC or page_size != size or rest[2:] != [*sums]:
        return {}, "it is no log of this database"
    committed: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    for at in range(32, len(log) - 24 - size + 1, 24 + size):
        number, pages, *rest = struct.unpack_from(">6I", log, at)
        page = log[at + 24 : at + 24 + size]
        sums = _summed(order, log[at : at + 8] + page, *sums)
        if rest != [*salts, *sums]:
            return committed, "a frame of it is damaged" if rest[:2] == salts else ""
        pending[number] = page
        if pages:
            committed |= pending
            pending = {}
    return committed, ""


def _summed(order: str, data: bytes, one: int = 0, two: int = 0) -> tuple[int, int]:
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for left, right in zip(words, words, strict=True):
        one = one + left + two & WORD
        two = two + right + one & WORD
    return one, two


def _root(pages: Pages) -> int:
    """The first page of the table of packages, as the schema on page 1 says."""
    for record in islice(_records(pages, 1), MOST_TABLES):
        try:
            values = _values(record) if isinstance(record, bytes) else []
        except FormatError:
            continue  # it is another table's row, or else the table is not found
        kind, name, _table, root = [*values, None, None, None, None][:4]
        if kind == b"table" and name == TABLE and isinstance(root, int):
            return root
    raise FormatError("rpmdb.sqlite has no table of packages, or the page that says where it lies is damaged")


def _records(pages: Pages, root: int) -> Iterator[bytes | Gap]:
    """Yield the record of each row of a table, the first row first."""
    waiting = [(root, 0)]
    while waiting:
        number, depth = waiting.pop()
        try:
            page = pages.take(number)
            below, places = _cells(page, 100 if number == 1 else 0, pages.usable)
        except (FormatError, struct.error) as error:
            yield Gap(f"page {number} of rpmdb.sqlite", f"the packages on it are lost: {error}")
            continue
        if below and depth == DEEPEST:
            yield Gap(f"page {number} of rpmdb.sqlite", "the packages below it are lost: it lies too deep in the tree")
            continue
        waiting += [(child, depth + 1) for child in reversed(below)]
        for place in places:
            try:
                yield _record(pages, page, place)
            except (FormatError, struct.error, IndexError) as error:
                yield Gap(f"page {number} of rpmdb.sqlite", f"a package on it is lost: {error}")


def _cells(page: bytes, start: int, usable: int) -> tuple[list[int], tuple[int, ...]]:
    """The numbers of the pages below this one, or else the places of the rows on it."""
    kind, _free, cells = struct.unpack_from(">BHH", page, start)
    head = start + (12 if kind == INTERIOR else 8)
    if kind not in (INTERIOR, LEAF) or head + 2 * cells > usable:
        raise FormatError("it is no page of a table")
    places = struct.unpack_from(f">{cells}H", page, head)
    if kind == LEAF:
        return [], places
    return [struct.unpack_from(">I", page, place)[0] for place in (*places, start + 8)], ()


def _record(pages: Pages, page: bytes, place: int) -> bytes:
    """The record in a cell of a leaf, put together from the pages that it flows over to."""
    length, place = _varint(page, place)
    _row, place = _varint(page, place)
    if length > LARGEST:
        raise FormatError(f"a record of {length} bytes")
    usable = pages.usable
    here = length
    if length > usable - 35:
        least = (usable - 12) * 32 // 255 - 23
        here = least + (length - least) % (usable - 4)
        here = here if here <= usable - 35 else least
    if place + here + (4 if here < length else 0) > usable:
        raise FormatError("a record that leaves its page")
    parts, missing = [page[place : place + here]], length - here
    place += here
    while missing:  # the number of the next page stands behind what is here, and at the beginning of each page after it
        page, place = pages.take(struct.unpack_from(">I", page, place)[0]), 0
        parts.append(page[4 : min(usable, 4 + missing)])
        missing -= len(parts[-1])
    return b"".join(parts)


def _varint(data: bytes, place: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where what follows it begins."""
    value = 0
    for at in range(place, place + 8):
        value = value << 7 | data[at] & 0x7F
        if data[at] < 0x80:
            return value, at + 1
    return value << 8 | data[place + 8], place + 9


def _blob(record: bytes) -> bytes:
    """The header in a row of the table of packages: a number, which SQLite keeps elsewhere, and a blob."""
    values = _values(record)
    if len(values) != 2 or not isinstance(values[1], bytes):
        raise FormatError("a row without a header")
    return values[1]


def _values(record: bytes) -> list[int | bytes | None]:
    """The values of a record; of numbers those that fit into 8 bytes, of floats none."""
    try:
        end, at = _varint(record, 0)
        kinds, place, values = list[int](), end, list[int | bytes | None]()
        while at < end and len(kinds) < MOST_COLUMNS:
            kind, at = _varint(record, at)
            kinds.append(kind)
    except IndexError as error:
        raise FormatError("a record that ends in its head") from error
    for kind in kinds:
        length = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)[kind] if kind < 12 else (kind - 12) // 2
        value = record[place : place + length]
        if len(value) != length:
            raise FormatError("a record that ends in a value")
        values.append(value if kind >= 12 else int.from_bytes(value, signed=True) if 0 < kind < 7 else None)
        place += length
    return values
