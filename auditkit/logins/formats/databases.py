"""Rows of one table of an SQLite database that a stranger wrote: nothing in it runs, opens a file or takes long.

The bytes become a database in memory. Only a plain table is read, column by column; views, triggers, virtual tables and
computed columns are refused. https://www.sqlite.org/security.html
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from auditkit.logins.nouns import Bytes, Notes

MAGIC = b"SQLite format 3\0"
LARGEST = 256 << 20
"""Bytes of a database that is read."""
STEPS, ROUNDS = 1 << 20, 500
"""Steps of SQLite's machine between two looks, and looks: a million rows take some twenty."""
LONGEST = 1 << 20
"""Bytes of one value."""
SKIPPED = 1000
"""Rows that are passed over because they cannot be read."""
VERSIONS = slice(18, 20)
"""Where a header says whether a write-ahead log belongs to it."""
LIMITS = (
    (sqlite3.SQLITE_LIMIT_LENGTH, LONGEST),
    (sqlite3.SQLITE_LIMIT_SQL_LENGTH, 1 << 16),
    (sqlite3.SQLITE_LIMIT_COLUMN, 100),
    (sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 20),
    (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
)
PRAGMAS = ("trusted_schema=OFF", "query_only=ON", "cell_size_check=ON", "mmap_size=0")
CATALOGUE = ("sqlite_master", "sqlite_schema")


def rows(data: Bytes, table: str, columns: Sequence[str], notes: Notes) -> Iterator[tuple[Any, ...]]:
    """Yield the row number of each row and its columns, None for those that the table does not have, in their order.

    What keeps the rest from being read ends in `notes.broken`. Texts are bytes.
    """
    taken = data.whole()
    if len(taken) > LARGEST:
        notes.broken = f"it has more than {LARGEST:,} bytes: nothing of it is read"
        return
    try:
        with closing(opened(bytes(taken), notes)) as database:
            yield from selected(database, table, columns, notes)
    except (sqlite3.Error, OverflowError, MemoryError, ValueError) as error:
        notes.broken = f"the database cannot be read further: {error}"


def opened(data: bytes, notes: Notes) -> sqlite3.Connection:
    """The bytes as a database in memory that may only be read."""
    if data[VERSIONS] == b"\2\2":
        data = data[: VERSIONS.start] + b"\1\1" + data[VERSIONS.stop :]
        notes.remarks.append("it has a write-ahead log: what is only in that one is not read")
    database = sqlite3.connect(":memory:")
    database.text_factory = bytes
    database.deserialize(data)
    for pragma in PRAGMAS:
        database.execute(f"PRAGMA {pragma}").close()
    for limit, value in LIMITS:
        database.setlimit(limit, value)
    left = iter(range(ROUNDS))
    database.set_progress_handler(lambda: next(left, None) is None, STEPS)
    return database


def selected(database: sqlite3.Connection, table: str, columns: Sequence[str], notes: Notes) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table, if it is a plain one."""
    allow(database, CATALOGUE)
    found = database.execute("SELECT type, rootpage, sql FROM sqlite_master WHERE name = ? COLLATE NOCASE", (table,)).fetchall()
    if not any(kind == b"table" and page and sql.upper().startswith(b"CREATE TABLE") for kind, page, sql in found):
        raise ValueError(f"it has no table {table}")
    database.set_authorizer(None)
    there = {name.decode().lower(): hidden for _id, name, *_rest, hidden in database.execute(f'PRAGMA table_xinfo("{table}")')}
    if any(there.values()):
        raise ValueError(f"columns of {table} are computed")
    allow(database, (table,))
    wanted = ", ".join(f'"{name}"' if name.lower() in there else "NULL" for name in columns)
    yield from salvaged(database, f'SELECT rowid, {wanted} FROM "{table}"', f'SELECT rowid FROM "{table}"', notes)  # noqa: S608  # names of ours


def salvaged(database: sqlite3.Connection, whole: str, number_only: str, notes: Notes) -> Iterator[tuple[Any, ...]]:
    """Yield all rows but those that cannot be read, which the notes count."""
    after = -(2**63)
    for _ in range(SKIPPED):
        try:
            for row in database.execute(f"{whole} WHERE rowid > ? ORDER BY rowid", (after,)):
                after = risen(after, row[0])
                yield row
        except sqlite3.DatabaseError:
            pass
        else:
            return
        # the row before the one that failed was fetched, and lost: so the next two are fetched one by one
        for _attempt in range(2):
            found = database.execute(f"{number_only} WHERE rowid > ? ORDER BY rowid LIMIT 1", (after,)).fetchone()
            if not found:
                return
            after = risen(after, found[0])
            row = one(database, f"{whole} WHERE rowid = ?", after)
            if row is None:
                notes.malformed += 1
                break
            yield row
    raise ValueError(f"more than {SKIPPED:,} of its rows cannot be read")


def one(database: sqlite3.Connection, query: str, number_of: int) -> tuple[Any, ...] | None:
    """The row of a number; None if it cannot be read."""
    try:
        row: tuple[Any, ...] | None = database.execute(query, (number_of,)).fetchone()
    except sqlite3.DatabaseError:
        return None
    return row


def risen(before: int, after: int) -> int:
    """The next row number, which is a larger one unless the tree is damaged: then there may be no end."""
    if after <= before:
        raise ValueError("its rows are in no order")
    return after


def allow(database: sqlite3.Connection, tables: Sequence[str]) -> None:
    """Let nothing be done any more but reading these tables, and that by no view or trigger."""
    allowed = {table.lower() for table in tables}

    def judged(action: int, first: str | None, _second: str | None, _database: str | None, through: str | None) -> int:
        plain = action == sqlite3.SQLITE_SELECT or (action == sqlite3.SQLITE_READ and (first or "").lower() in allowed)
        return sqlite3.SQLITE_OK if plain and through is None else sqlite3.SQLITE_DENY

    database.set_authorizer(judged)


def word(value: Any) -> str:
    """A column as text, whatever is in it."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return "" if value is None else str(value)


def number(value: Any) -> int | None:
    """A column as a number; None if it is none."""
    return value if isinstance(value, int) else None
