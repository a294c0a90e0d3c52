"""lastlog2.db: when each account was last entered, as Debian 13 keeps it: table Lastlog2, times in seconds.

PAM writes it for every session, also for those without a terminal, which wtmp says nothing of.
"""

from collections.abc import Iterator

from auditkit.logins.formats.databases import MAGIC, number, rows, word
from auditkit.logins.formats.records import SECOND, local, spelled
from auditkit.logins.journals.pulse import Pulse
from auditkit.logins.nouns import Bytes, Event, Format, Log, Notes, Setting, What

COLUMNS = ("Name", "Time", "TTY", "RemoteHost", "Service")
LATEST = 2**63 // SECOND


def recognises(name: str, beginning: bytes) -> bool:
    """Whether it is a database with such a table, or called like one."""
    if not beginning.startswith(MAGIC):
        return False
    return name.rpartition("/")[2].startswith("lastlog") or b"CREATE TABLE Lastlog2(" in beginning


def read(log: Log, data: Bytes, setting: Setting, notes: Notes) -> Iterator[Event]:
    """Yield the last login of each account."""
    pulse = Pulse(notes, ordered=False)
    for row, name, time, tty, host, service in rows(data, "Lastlog2", COLUMNS, notes):
        notes.lines += 1
        seconds, where, line = number(time), word(host), word(tty)
        if seconds is None or not 0 <= seconds < LATEST:
            notes.malformed += 1
            continue
        if not seconds:  # an account that was never entered
            continue
        pulse.beat(seconds * SECOND, row)
        address, other = (None, where) if local(where) else (spelled(where), "")
        detail = f"{line}, host {other}" if other else line
        yield Event(What.OPENED, seconds * SECOND, "", word(service), None, word(name), address, None, detail=detail, line=row)
    pulse.done()
    notes.of_interest = notes.lines
    notes.remarks.append("it keeps only the last login of each account")


FORMAT = Format("lastlog2", "lastlog2.db", "lastlog", recognises, read)
