"""The one place where the history is opened: a file in the store, or a database of a server."""

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, func, insert, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from auditkit.errors import AuditkitError, FormatError
from auditkit.history.steps import STEPS
from auditkit.history.tables import HINT, LARGEST, VERSIONS
from auditkit.printable import printable

FILE = "history.sqlite"
PATIENCE = 10
"""Seconds to wait for a run that keeps what it found at the same time, and for a server."""
LOCK = 0x61756B74
"""What runs on one server take turns by: pg_advisory_xact_lock()."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a history is."""

    store: str
    url: str | None = None
    """A server's; None for the file in the store."""

    @property
    def shown(self) -> str:
        """The place, as messages name it."""
        return printable(self.url or os.path.join(self.store, FILE))


@contextmanager
def writing(place: Place) -> Iterator[Connection]:
    """The history, for whose turn it is to write to it; what is written stands once the block has ended without an error.

    Raises:
        AuditkitError: it cannot be written.
    """
    with _told(place):
        engine = _server(place.url) if place.url else _file(os.path.join(place.store, FILE), fresh=True)
        with engine.connect() as connection:
            if place.url:
                connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}s'"))
                connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
            else:
                connection.execute(text("BEGIN IMMEDIATE"))
            _brought_up(connection)
            yield connection
            connection.commit()


@contextmanager
def reading(place: Place) -> Iterator[Connection | None]:
    """The history as it is; None where there is none yet.

    Raises:
        AuditkitError: it cannot be read.
    """
    path = os.path.join(place.store, FILE)
    with _told(place):
        if not place.url and not _is_there(path):
            yield None
            return
        engine = _server(place.url) if place.url else _file(path, fresh=False)
        with engine.connect() as connection:
            if not place.url:
                connection.execute(text("BEGIN"))
            yield connection if _version(connection) else None


def _is_there(path: str) -> bool:
    """Whether there is a file; where nobody lets us look, that is an error and no answer."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    return True


def _brought_up(connection: Connection) -> None:
    """Apply the steps that the database has not seen yet.

    Raises:
        FormatError: it is of a newer auditkit.
    """
    known = _version(connection)
    if not known and not inspect(connection).has_table(VERSIONS.name):
        VERSIONS.create(connection)
    for version, apply in STEPS.items():
        if version > known:
            apply(connection)
            connection.execute(insert(VERSIONS).values(version=version, made=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"))


def _version(connection: Connection) -> int:
    """The version of the tables, 0 where there are none.

    Raises:
        FormatError: it is of a newer auditkit.
    """
    if not inspect(connection).has_table(VERSIONS.name):
        return 0
    known = connection.execute(select(func.max(VERSIONS.c.version))).scalar()
    if not isinstance(known, int) or known > max(STEPS):
        shown = printable(str(known)[:20])
        raise FormatError(
            f"the history is of version {shown}, and this auditkit knows version {max(STEPS)}",
            "use the auditkit that wrote it, or a newer one",
        )
    return known


def _server(url: str) -> Engine:
    """A server's database.

    Raises:
        AuditkitError: what it takes to talk to it is not installed.
    """
    try:
        import psycopg  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise AuditkitError("psycopg is not installed", "install auditkit[postgresql]") from error
    driven = "postgresql+psycopg://" + url.partition("://")[2]
    return create_engine(driven, poolclass=NullPool, hide_parameters=True, connect_args={"connect_timeout": PATIENCE})


def _file(path: str, *, fresh: bool) -> Engine:
    """The database in a file; `fresh`: it is made where there is none."""
    return create_engine("sqlite+pysqlite://", creator=_opener(path, fresh=fresh), poolclass=NullPool, hide_parameters=True)


def _opener(path: str, *, fresh: bool) -> Callable[[], sqlite3.Connection]:
    def opened() -> sqlite3.Connection:
        if fresh:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        handle = os.open(path, (os.O_RDWR | os.O_CREAT if fresh else os.O_RDONLY) | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
        kind = os.fstat(handle).st_mode
        os.close(handle)
        if not stat.S_ISREG(kind):
            raise FormatError("it is no regular file", HINT)
        # what another run left behind that was killed is cleared away by whoever may write, and read by nobody else
        mode = "rw" if fresh or os.access(path, os.W_OK) else "ro"
        # a name with bytes that are no text is one, too: RFC 3986 has a form for every byte
        name = f"file:{quote(os.fsencode(os.path.abspath(path)))}?mode={mode}"
        connection = sqlite3.connect(name, timeout=PATIENCE, isolation_level=None, uri=True)
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 2 * LARGEST)
        connection.execute("PRAGMA trusted_schema = OFF")  # who could write to it runs no function of his by our reading
        return connection

    return opened


@contextmanager
def _told(place: Place) -> Iterator[None]:
    """Whatever goes wrong with a database, in one line of ours."""
    try:
        yield
    except OSError as error:
        raise AuditkitError(f"{place.shown}: {error.strerror}", "name another place with --store") from error
    except (SQLAlchemyError, sqlite3.Error) as error:
        said = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        raise AuditkitError(f"{place.shown}: {printable(said[:300])}", _hint(said)) from error
    except FormatError as error:
        raise FormatError(f"{place.shown}: {error}", error.hint) from error


def _hint(said: str) -> str:
    if "malformed" in said or "not a database" in said:
        return HINT
    if "locked" in said:
        return "another run is keeping what it found: try again"
    return "see that it can be written to, and that there is room"
