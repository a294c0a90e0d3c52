"""wtmp.db and lastlog2.db as Debian 13 keeps them; and what a stranger may put into a database for its reader."""

import random
import sqlite3
from pathlib import Path

import pytest
from held import Held
from hypothesis import given
from hypothesis import strategies as st
from records_given import SECOND, read

from auditkit.logins.formats import lastlog2, recognised, wtmpdb
from auditkit.logins.nouns import Log, Notes, Setting, What

T = 1_700_000_000
MICRO = 1_000_000
WTMP = (
    "CREATE TABLE wtmp(ID INTEGER PRIMARY KEY, Type INTEGER, User TEXT NOT NULL, Login INTEGER, Logout INTEGER, TTY TEXT,"
    " RemoteHost TEXT, Service TEXT) STRICT"
)
"""As pam_wtmpdb makes it."""
LASTLOG2 = "CREATE TABLE Lastlog2(Name TEXT PRIMARY KEY, Time INTEGER, TTY TEXT, RemoteHost TEXT, Service TEXT) STRICT"
SESSIONS = (
    (1, 1, "reboot", T * MICRO, (T + 900) * MICRO, "~", "6.12.0-1-amd64", ""),
    (2, 3, "anna", (T + 60) * MICRO + 250_000, (T + 120) * MICRO, "pts/0", "192.0.2.7", "sshd"),
    (3, 3, "bernd\x1b[2J", (T + 70) * MICRO, None, "ssh", "mail.example", "sshd"),
    (4, 3, "anna", (T + 80) * MICRO, None, "tty1", "", "login"),
)


def database(*statements: str, rows: tuple[tuple[object, ...], ...] = (), table: str = "wtmp") -> bytes:
    """A database in bytes."""
    made = sqlite3.connect(":memory:")
    for statement in statements:
        made.execute(statement)
    for row in rows:
        made.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", row)
    made.commit()
    data = made.serialize()
    made.close()
    return data


def test_each_session_begins_and_ends() -> None:
    events, notes = read("/var/lib/wtmpdb/wtmp.db", database(WTMP, rows=SESSIONS))
    assert [(e.what.value, e.program, e.user, e.address, e.detail, e.time, e.line) for e in events] == [
        ("booted", "", None, None, "6.12.0-1-amd64", T * SECOND, 1),
        ("stopped", "", None, None, "", (T + 900) * SECOND, 1),
        ("opened", "sshd", "anna", "192.0.2.7", "pts/0", (T * 4 + 241) * SECOND // 4, 2),
        ("ended", "sshd", "anna", "192.0.2.7", "pts/0", (T + 120) * SECOND, 2),
        ("opened", "sshd", "bernd\x1b[2J", "mail.example", "ssh", (T + 70) * SECOND, 3),
        ("opened", "login", "anna", None, "tty1", (T + 80) * SECOND, 4),
    ]
    assert (notes.lines, notes.malformed, notes.broken, notes.remarks) == (4, 0, "", [])


def test_rows_that_somebody_took_out_are_missed() -> None:
    rows = tuple((number, *SESSIONS[1][1:]) for number in (5, 6, 9, 10))
    assert read("wtmp.db", database(WTMP, rows=rows))[1].remarks == [
        "2 rows between others are missing: rotation only takes the oldest"
    ]


def test_time_that_runs_backwards_is_told() -> None:
    rows = ((1, *SESSIONS[1][1:]), (2, *SESSIONS[0][1:]))
    assert len(read("wtmp.db", database(WTMP, rows=rows))[1].backward) == 1


def test_older_tables_have_fewer_columns() -> None:
    data = database(
        "CREATE TABLE wtmp(ID INTEGER PRIMARY KEY, Type INTEGER, User TEXT, Login INTEGER)", rows=((7, 3, "anna", T * MICRO),)
    )
    (event,) = read("wtmp_20261101.db", data)[0]
    assert (event.what, event.user, event.program, event.address) == (What.OPENED, "anna", "", None)


def test_the_last_login_of_each_account_is_told() -> None:
    rows = (("anna", T, "pts/0", "192.0.2.7", "sshd"), ("bernd", T + 1, "ssh", "", "sshd"), ("carl", 0, "", "", ""))
    events, notes = read("/var/lib/lastlog/lastlog2.db", database(LASTLOG2, rows=rows, table="Lastlog2"))
    assert [(e.what.value, e.program, e.user, e.address, e.detail, e.time) for e in events] == [
        ("opened", "sshd", "anna", "192.0.2.7", "pts/0", T * SECOND),
        ("opened", "sshd", "bernd", None, "ssh", (T + 1) * SECOND),
    ]
    assert (notes.lines, notes.broken) == (3, "")


def test_a_write_ahead_log_that_is_not_here_is_remarked(tmp_path: Path) -> None:
    path = tmp_path / "wtmp.db"
    made = sqlite3.connect(path)
    made.execute("PRAGMA journal_mode=WAL")
    made.execute(WTMP)
    made.execute("INSERT INTO wtmp VALUES (?,?,?,?,?,?,?,?)", SESSIONS[1])
    made.commit()
    made.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    made.execute("INSERT INTO wtmp VALUES (?,?,?,?,?,?,?,?)", SESSIONS[2])
    made.commit()
    events, notes = read("wtmp.db", path.read_bytes())
    made.close()
    assert ([e.user for e in events], notes.broken) == (["anna", "anna"], "")
    assert notes.remarks == ["it has a write-ahead log: what is only in that one is not read"]


@pytest.mark.parametrize(
    "statements",
    [
        ("CREATE VIEW wtmp AS SELECT 1 AS ID, 3 AS Type, 'root' AS User, 5 AS Login",),
        (WTMP.replace("wtmp(", "other(", 1), "CREATE VIEW wtmp AS SELECT * FROM other"),
        ("CREATE VIEW wtmp AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM n) SELECT x AS ID FROM n",),
        ("CREATE TABLE wtmp(ID INTEGER PRIMARY KEY, Type INTEGER, User TEXT AS (hex(zeroblob(1000000))))",),
        ("CREATE VIRTUAL TABLE wtmp USING fts5(User)",),
        ("CREATE TABLE other(a)",),
        ('CREATE TABLE "wtmp"(ID INTEGER PRIMARY KEY) WITHOUT ROWID',),
    ],
)
def test_what_is_no_plain_table_is_refused(statements: tuple[str, ...]) -> None:
    try:
        data = database(*statements)
    except sqlite3.OperationalError as error:
        pytest.skip(str(error))
    events, notes = read("wtmp.db", data)
    assert events == []
    assert notes.broken.startswith("the database cannot be read further: ")


def test_triggers_and_views_beside_the_table_do_nothing() -> None:
    data = database(
        WTMP,
        "CREATE TRIGGER t AFTER INSERT ON wtmp BEGIN DELETE FROM wtmp; END",
        "CREATE VIEW v AS SELECT load_extension('x')",
        "CREATE INDEX i ON wtmp(hex(User))",
    )
    assert read("wtmp.db", data)[1].broken == ""


def test_a_value_that_is_too_long_costs_its_row_only() -> None:
    rows = (SESSIONS[1], (3, 3, "x" * (2 << 20), T * MICRO, None, "", "", ""), SESSIONS[3])
    events, notes = read("wtmp.db", database(WTMP, rows=rows))
    assert [(e.what.value, e.line) for e in events] == [("opened", 2), ("ended", 2), ("opened", 4)]
    assert (notes.broken, notes.malformed) == ("", 1)


def test_a_page_that_was_written_over_costs_its_rows_only() -> None:
    rows = tuple((number, *SESSIONS[3][1:]) for number in range(1, 1001))
    data = bytearray(database(WTMP, rows=rows))
    data[5 * 4096 : 6 * 4096] = bytes(4096)
    events, notes = read("wtmp.db", bytes(data))
    assert events[0].line == 1
    assert notes.broken


def test_values_of_other_types_are_counted() -> None:
    loose = WTMP.replace(" STRICT", "")
    rows = (
        (1, 3, b"\xff\0", "soon", None, "", "", ""),
        (2, "x", 5, T * MICRO, None, None, 1.5, b""),
        (3, 3, "a", 2**62, None, "", "", ""),
    )
    events, notes = read("wtmp.db", database(loose, rows=rows))
    assert ([(e.what, e.user) for e in events], notes.malformed) == ([(What.UNKNOWN, "5")], 2)


def test_a_database_is_known_by_its_table_too() -> None:
    assert recognised("evidence.bin", database(WTMP)[:4096]) is wtmpdb.FORMAT
    assert recognised("evidence.bin", database(LASTLOG2)[:4096]) is lastlog2.FORMAT
    assert recognised("evidence.bin", database("CREATE TABLE a(b)")[:4096]) is None


def test_a_database_that_was_cut_or_damaged_tells_what_is_left() -> None:
    rows = tuple((number, *SESSIONS[1][1:]) for number in range(1, 2001))
    data = database(WTMP, rows=rows)
    chance = random.Random(1)
    for _ in range(60):
        spoilt = bytearray(data)
        for _ in range(chance.randrange(1, 200)):
            spoilt[chance.randrange(16, len(data))] = chance.randrange(256)
        cut = bytes(spoilt[: chance.choice((len(data), chance.randrange(100, len(data))))])
        events, notes = read("wtmp.db", cut)
        assert len(events) >= 0 if notes.broken else notes.lines > 0


@given(st.binary(max_size=500), st.integers(0, 200))
def test_random_bytes_are_read_to_their_end(data: bytes, at: int) -> None:
    made = database(WTMP, rows=SESSIONS)
    for spoilt in (b"SQLite format 3\0" + data, made[:at] + data + made[at + len(data) :]):
        for form in (wtmpdb.FORMAT, lastlog2.FORMAT):
            form.recognises("wtmp.db", spoilt)
            list(form.read(Log("wtmp.db"), Held(spoilt), Setting(0), Notes()))
