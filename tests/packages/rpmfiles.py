"""What rpm writes, written here: headers from tags, and databases of all three kinds from headers."""

import sqlite3
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

DATA = Path(__file__).parent / "data" / "rpm"
KEYS = DATA / "keys"
SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "packages" / "rpm"
"""Three whole databases, where this project was built; elsewhere the tests that need them are skipped."""
REAL = tuple(path.read_bytes() for path in sorted(DATA.glob("*.header")))
WIDTHS = {2: "B", 3: "H", 4: "I", 5: "Q"}
Value = bytes | str | list[str] | tuple[int, list[int]]
"""Of a tag: BIN, STRING, STRING_ARRAY, or integers of a type."""


def header(told: dict[int, Value], added: dict[int, Value] | None = None) -> bytes:
    """A header with an immutable region of `told`, and `added` behind it."""
    index, data = b"", b""
    for tag, value in told.items():
        entry, data = _put(tag, value, data)
        index += entry
    inside = len(told) + 1
    region = struct.pack(">4I", 63, 7, len(data), 16)
    data += struct.pack(">2IiI", 63, 7, -16 * inside, 16)
    for tag, value in (added or {}).items():
        entry, data = _put(tag, value, data)
        index += entry
    return struct.pack(">2I", len(index) // 16 + 1, len(data)) + region + index + data


def _put(tag: int, value: Value, data: bytes) -> tuple[bytes, bytes]:
    match value:
        case bytes():
            kind, count, put = 7, len(value), value
        case str():
            kind, count, put = 6, 1, value.encode("utf-8", "surrogateescape") + b"\0"
        case list():
            kind, count, put = 8, len(value), b"".join(text.encode("utf-8", "surrogateescape") + b"\0" for text in value)
        case (kind, numbers):
            form = WIDTHS[kind]
            data += bytes(-len(data) % struct.calcsize(form))
            count, put = len(numbers), struct.pack(f">{len(numbers)}{form}", *numbers)
    return struct.pack(">4I", tag, kind, len(data), count), data + put


def sqlite(blobs: Sequence[bytes], path: Path, page: int = 4096) -> bytes:
    """An rpmdb.sqlite made by SQLite itself, with the table of rpm and one of its indexes."""
    with sqlite3.connect(path) as db:
        db.executescript(
            f"PRAGMA page_size = {page}; CREATE TABLE 'Name' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL);"
            "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL);"
            "CREATE INDEX 'Name_key_idx' ON 'Name' (key);"
        )
        db.executemany("INSERT INTO Packages (blob) VALUES (?)", [(blob,) for blob in blobs])
    db.close()
    return path.read_bytes()


def ndb(blobs: Sequence[bytes]) -> bytes:
    """A Packages.db with one page of slots."""
    slots, data = struct.pack("<4s7I", b"RpmP", 0, 1, 1, len(blobs) + 1, 0, 0, 0), b""
    for number, blob in enumerate(blobs, 1):
        start = 4096 + len(data)
        packed = struct.pack("<4s3I", b"BlbS", number, 1, len(blob)) + blob
        packed += bytes(-(len(packed) + 12) % 16)
        data += packed + struct.pack("<2I4s", zlib.adler32(packed), len(blob), b"BlbE")
        slots += struct.pack("<4s3I", b"Slot", number, start // 16, (len(data) + 4096 - start) // 16)
    return slots + struct.pack("<4s3I", b"Slot", 0, 0, 0) * ((4096 - len(slots)) // 16) + data


def bdb(blobs: Sequence[bytes], order: str = "<", page: int = 4096) -> bytes:
    """A Packages with all its keys on one hash page, and each header on a chain of overflow pages."""
    pages = [struct.pack(f"{order}8x4I2B", 0, 0x061561, 9, page, 0, 8).ljust(page, b"\0"), b""]
    entries = [b"\1" + bytes(4), b"\1" + struct.pack(f"{order}I", len(blobs) + 1)]
    for number, blob in enumerate(blobs, 1):
        entries += [b"\1" + struct.pack(f"{order}I", number), struct.pack(f"{order}4x2I", len(pages), len(blob))]
        entries[-1] = b"\3" + entries[-1][1:]
        parts = [blob[at : at + page - 26] for at in range(0, len(blob), page - 26)]
        for at, part in enumerate(parts):
            here, last = len(pages), at == len(parts) - 1
            links = (here, here - 1 if at else 0, 0 if last else here + 1)
            pages.append((struct.pack(f"{order}8x3I2H2B", *links, 1, len(part), 0, 7) + part).ljust(page, b"\0"))
    ends, packed = [page], b""
    for entry in entries:
        packed = entry + packed
        ends.append(page - len(packed))
    head = struct.pack(f"{order}8x3I2H2B{len(entries)}H", 1, 0, 0, len(entries), ends[-1], 0, 13, *ends[1:])
    pages[1] = head.ljust(page - len(packed), b"\0") + packed
    return b"".join(pages)
