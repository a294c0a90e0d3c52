"""The tables of the history, the same in SQLite and PostgreSQL; `steps/` makes them.

What a host named may hold NUL and bytes that are no text, and no database takes both: text is kept as the inside of a JSON
string, in ASCII. Whatever is read is held against what its column may hold, for whoever can write to a database may lie.
"""

import json
import re
from typing import Any

from sqlalchemy import Column, Dialect, Index, Integer, LargeBinary, MetaData, Table, Text, TypeDecorator

from auditkit.errors import FormatError

LONGEST = 1 << 20
"""Characters of a text; a path has 4096 bytes, and a message is shorter than a report."""
LARGEST = 1 << 28
"""Bytes of a packed document."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z", re.ASCII)
_PLAIN = re.compile(r"[ !#-\[\]-~]*")
"""What JSON writes as it is, and nearly every text is: all of ASCII that can be seen, but for quotes and backslashes."""
HINT = "move it away, and a new one is begun with the next run"


def damaged(what: str) -> FormatError:
    """The error of a history that holds what it cannot hold."""
    return FormatError(f"the history is damaged: {what}", HINT)


class Words(TypeDecorator[str]):
    """Any text at all."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """As it is kept."""
        return value if value is None or _PLAIN.fullmatch(value) else json.dumps(value)[1:-1]

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """As it was."""
        if value is None:
            return None
        if not isinstance(value, str) or len(value) > LONGEST:
            raise damaged("a text in it is none")
        if _PLAIN.fullmatch(value):
            return value
        try:
            return str(json.loads(f'"{value}"'))
        except ValueError as error:
            raise damaged("a text in it is none") from error


class Moment(TypeDecorator[str]):
    """A time as reports have it."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        """As it was."""
        if value is None or (isinstance(value, str) and _TIME.fullmatch(value)):
            return value
        raise damaged("a time in it is none")


class Number(TypeDecorator[int]):
    """A whole number that is not negative."""

    impl = Integer
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> int | None:
        """As it was."""
        if value is None or (isinstance(value, int) and value >= 0):
            return value
        raise damaged("a number in it is none")


class Flag(TypeDecorator[bool]):
    """Yes or no."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: bool | None, dialect: Dialect) -> int | None:
        """As it is kept."""
        return None if value is None else int(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> bool | None:
        """As it was."""
        if value in (None, 0, 1):
            return None if value is None else bool(value)
        raise damaged("a flag in it is none")


class Packed(TypeDecorator[bytes]):
    """Bytes."""

    impl = LargeBinary
    cache_ok = True

    def process_result_value(self, value: Any, dialect: Dialect) -> bytes | None:
        """As they were."""
        if value is None or (isinstance(value, bytes) and len(value) <= LARGEST):
            return value
        raise damaged("bytes in it are none")


METADATA = MetaData()

VERSIONS = Table(
    "auditkit_versions",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("made", Moment, nullable=False),
)
RUNS = Table(
    "auditkit_runs",
    METADATA,
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("id", Words, nullable=False, unique=True),
    Column("command", Words, nullable=False),
    Column("started", Moment, nullable=False),
    Column("finished", Moment, nullable=False),
    Column("tool", Words, nullable=False),
    Column("status", Words, nullable=False),
    Column("exit", Number, nullable=False),
    Column("fail_on", Words, nullable=False),
    Column("document", Packed, nullable=False),
)
LANES = Table(
    "auditkit_lanes",
    METADATA,
    Column("lane", Number, primary_key=True, autoincrement=False),
    Column("word", Words, nullable=False),
    Column("place", Words, nullable=False),
    Index("auditkit_lanes_named", "word", "place", unique=True),
)
LOOKS = Table(
    "auditkit_looks",
    METADATA,
    Column("lane", Number, primary_key=True, autoincrement=False),
    Column("number", Number, primary_key=True, autoincrement=False),
    Column("place", Number, nullable=False),
    Column("state", Words, nullable=False),
    Column("new", Number, nullable=False),
    Column("still", Number, nullable=False),
    Column("fixed", Number, nullable=False),
    Column("unknown", Number, nullable=False),
    Column("look", Words, nullable=False),
    Index("auditkit_looks_of_run", "number"),
    sqlite_with_rowid=False,
)
ITEMS = Table(
    "auditkit_items",
    METADATA,
    Column("lane", Number, primary_key=True, autoincrement=False),
    Column("item", Words, primary_key=True),
    Column("sort", Words, nullable=False),
    Column("rule", Words, nullable=False),
    Column("subject", Words, nullable=False),
    Column("message", Words, nullable=False),
    Column("severity", Number, nullable=False),
    Column("part", Words, nullable=False),
    Column("counts", Flag, nullable=False),
    Column("excuse", Words, nullable=False),
    Column("mark", Words, nullable=False),
    Column("event", Flag, nullable=False),
    Column("based", Flag, nullable=False),
    Column("first_seen", Moment, nullable=False),
    Column("last_seen", Moment, nullable=False),
    Column("last_run", Number, nullable=False),
    Column("open", Flag, nullable=False),
    Column("news", Words, nullable=False),
    Column("news_run", Number, nullable=False),
    Column("left_run", Number, nullable=False),
    Column("how", Words, nullable=False),
    sqlite_with_rowid=False,
)
