"""Version 1: runs with their documents, the hosts they asked, how far each looked, and what is known of each thing.

It stays as it is: what the tables became since then is for later steps.
"""

from sqlalchemy import Column, Connection, Index, Integer, LargeBinary, MetaData, Table, Text

_METADATA = MetaData()


def _texts(*names: str) -> tuple[Column[str], ...]:
    return tuple(Column(name, Text, nullable=False) for name in names)


def _numbers(*names: str) -> tuple[Column[int], ...]:
    return tuple(Column(name, Integer, nullable=False) for name in names)


Table(
    "auditkit_runs",
    _METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    *_texts("command", "started", "finished", "tool", "status"),
    *_numbers("exit"),
    *_texts("fail_on"),
    Column("document", LargeBinary, nullable=False),
)
Table(
    "auditkit_lanes",
    _METADATA,
    Column("lane", Integer, primary_key=True, autoincrement=False),
    *_texts("word", "place"),
    Index("auditkit_lanes_named", "word", "place", unique=True),
)
Table(
    "auditkit_looks",
    _METADATA,
    Column("lane", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    *_numbers("place"),
    *_texts("state"),
    *_numbers("new", "still", "fixed", "unknown"),
    *_texts("look"),
    Index("auditkit_looks_of_run", "number"),
    sqlite_with_rowid=False,
)
Table(
    "auditkit_items",
    _METADATA,
    Column("lane", Integer, primary_key=True, autoincrement=False),
    Column("item", Text, primary_key=True),
    *_texts("sort", "rule", "subject", "message"),
    *_numbers("severity"),
    *_texts("part"),
    *_numbers("counts"),
    *_texts("excuse", "mark"),
    *_numbers("event", "based"),
    *_texts("first_seen", "last_seen"),
    *_numbers("last_run", "open"),
    *_texts("news"),
    *_numbers("news_run", "left_run"),
    *_texts("how"),
    sqlite_with_rowid=False,
)


def apply(connection: Connection) -> None:
    """Make the tables."""
    _METADATA.create_all(connection)
