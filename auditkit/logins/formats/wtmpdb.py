"""wtmp.db, the wtmp of systems whose time outlives 2038: one row for each session, with its begin and its end.

https://github.com/thkukuk/wtmpdb: table wtmp, times in microseconds. PAM writes it, so that sessions
without a terminal may be in it.
"""

from collections.abc import Iterator
from typing import Any

from auditkit.logins.formats.databases import MAGIC, number, rows, word
from auditkit.logins.formats.records import local, spelled
from auditkit.logins.journals.pulse import Pulse
from auditkit.logins.nouns import Bytes, Event, Format, Log, Notes, Setting, What

COLUMNS = ("ID", "Type", "User", "Login", "Logout", "TTY", "RemoteHost", "Service")
BOOT, RUN_LEVEL, SESSION = 1, 2, 3
A_DAY = 86400 * 10**9
LARGEST = 2**63


def recognises(name: str, beginning: bytes) -> bool:
    """Whether it is a database with such a table, or called like one."""
    if not beginning.startswith(MAGIC):
        return False
    return name.rpartition("/")[2].startswith("wtmp") or b"CREATE TABLE wtmp(" in beginning


def read(log: Log, data: Bytes, setting: Setting, notes: Notes) -> Iterator[Event]:
    """Yield the begin and the end of each session, and when the machine came up and went down, row by row."""
    pulse, before, missing = Pulse(notes), None, 0
    for row, _id, *columns in rows(data, "wtmp", COLUMNS, notes):
        notes.lines += 1
        if before is not None and row > before + 1:
            missing += row - before - 1
        before = row
        events = list(told(row, *columns))
        notes.malformed += not events
        for event in events:
            if event.time is not None and event.what in (What.OPENED, What.BOOTED):
                pulse.beat(event.time, row)
            yield event
    pulse.done()
    notes.of_interest = notes.lines
    if missing:
        notes.smells(f"{missing:,} rows between others are missing: rotation only takes the oldest")


def told(row: int, kind: Any, user: Any, login: Any, logout: Any, tty: Any, host: Any, service: Any) -> Iterator[Event]:  # noqa: PLR0913, PLR0917  # the columns
    """Yield what one row says; nothing if it cannot be one."""
    begin, end = nanoseconds(login), nanoseconds(logout)
    if begin is None:
        return
    where, line = word(host), word(tty)
    if kind == BOOT:
        yield Event(What.BOOTED, begin, "", "", None, None, None, None, detail=where, line=row)
        if end is not None:
            yield Event(What.STOPPED, end, "", "", None, None, None, None, line=row)
    elif kind == SESSION:
        address, other = (None, where) if local(where) else (spelled(where), "")
        detail = f"{line}, host {other}" if other else line
        opened = Event(What.OPENED, begin, "", word(service), None, word(user), address, None, detail=detail, line=row)
        yield opened
        if end is not None:
            yield opened._replace(what=What.ENDED, time=end)
    else:
        yield Event(What.NOISE if kind == RUN_LEVEL else What.UNKNOWN, begin, "", "", None, word(user), None, None, line=row)


def nanoseconds(value: Any) -> int | None:
    """A column of microseconds; None if it is no time."""
    micro = number(value)
    return micro * 1000 if micro is not None and 0 <= micro * 1000 < LARGEST else None


FORMAT = Format("wtmpdb", "wtmp.db", "wtmp", recognises, read)
