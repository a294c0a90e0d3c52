"""Counts of failed logins that PAM keeps to lock accounts: pam_faillock's file per user, tallylog, faillog.

They are what is left since the last success, which empties them, and pam_faillock forgets the oldest as well: few failures
in them, or none, say nothing of how often somebody tried before.
"""

import re
from collections.abc import Iterator
from functools import partial
from struct import iter_unpack
from typing import Any

from auditkit.logins.formats.indexed import EARLIEST, LATEST, Shape, chosen, fitting, owner, padded, records
from auditkit.logins.formats.records import SECOND, spelled, text
from auditkit.logins.journals.pulse import Pulse
from auditkit.logins.nouns import PAM, Bytes, Event, Format, Log, Notes, Setting, What

FOLDER = re.compile(r"(?:^|/)faillock/([^/]+)$")
VALID, REMOTE, TERMINAL = 1, 2, 4
"""Of the status of a record: it counts; it came from a host; it came from a terminal. Else it is of a service."""
SIZE, MOST = 64, 1 << 20
TERMINALS = ("tty", "/dev/", "pts/", ":", "console")
RESETS = "a successful login empties it: what it shows are only failures since the last one"


def order(data: bytes) -> str:
    """`<` or `>`, by which most times are in our days; or nothing, if none of its records can be one."""
    counted = {byte: sum(map(sound, iter_unpack(f"{byte}52sHHQ", whole(data)))) for byte in "<>"}
    best = max(counted, key=lambda byte: counted[byte])
    return best if counted[best] else ""


def whole(data: bytes) -> bytes:
    """The records of a file that are whole."""
    return data[: len(data) // SIZE * SIZE]


def sound(fields: tuple[Any, ...]) -> bool:
    """Whether that can be a record of pam_faillock."""
    source, reserved, status, time = fields
    return reserved == 0 and status < 8 and EARLIEST < time < LATEST and bool(source[0])


def recognises(name: str, beginning: bytes) -> bool:
    """Whether it lies in a directory of pam_faillock, or its records are such."""
    if FOLDER.search(name):
        return bool(order(beginning)) or len(beginning) < SIZE or not any(beginning)
    return len(beginning) % SIZE == 0 and all(map(sound, iter_unpack("<52sHHQ", beginning)))


def read(log: Log, data: Bytes, setting: Setting, notes: Notes) -> Iterator[Event]:
    """Yield each failure that pam_faillock still knows of; the file has the name of the user."""
    taken = bytes(data.whole()[: MOST + 1])
    user, byte, pulse = log.name.rpartition("/")[2], order(taken[:MOST]) or "<", Pulse(notes, ordered=False)
    for number, fields in enumerate(iter_unpack(f"{byte}52sHHQ", whole(taken[:MOST])), 1):
        if not any(fields[1:]) and not any(fields[0]):
            notes.zeroed += 1
        elif not sound(fields):
            notes.malformed += 1
        else:
            pulse.beat(fields[3] * SECOND, number)
            yield failure(user, fields, number)
        notes.lines = number
    pulse.done()
    notes.of_interest = notes.lines
    notes.remarks.append(RESETS)
    if len(taken) > MOST:
        notes.broken = f"it has more than {MOST:,} bytes: the rest is not read"
    elif len(taken) % SIZE:
        notes.broken = f"it breaks off in a record, {-len(taken) % SIZE} bytes before its end"


def failure(user: str, fields: tuple[Any, ...], number: int) -> Event:
    """What one record of pam_faillock says."""
    source, status = text(fields[0]), fields[2]
    remote, terminal = status & REMOTE, status & TERMINAL
    event = Event(
        What.FAILED, fields[3] * SECOND, "", "" if remote or terminal else source, None, user, None, None, PAM, line=number
    )
    counts = "" if status & VALID else "does not count any more"
    detail = ", ".join(filter(None, (source if terminal and not remote else "", counts)))
    return event._replace(address=spelled(source) if remote else None, detail=detail, offset=(number - 1) * SIZE)


Where = tuple[int, int, int]
"""Which fields of a record are the count, the line and the time."""


def tallied(where: Where, fields: tuple[Any, ...]) -> bool:
    """Whether that can be a record of a table of counts."""
    count, line, time = (fields[at] for at in where)
    shown = text(line)
    return count >= 0 and 0 <= time < LATEST and (time > EARLIEST or not count) and (shown.isprintable() or not shown)


def surely(where: Where, fields: tuple[Any, ...]) -> bool:
    """Whether it is one beyond doubt."""
    line = fields[where[1]]
    return tallied(where, fields) and 0 in line and padded(line)


def table(name: str, where: Where, layouts: tuple[str, ...]) -> Format:
    """The format of a table of counts, one for each uid."""
    shapes = tuple(Shape(layout, partial(tallied, where), partial(surely, where)) for layout in layouts)
    return Format(name, name, "tally", partial(called, name, shapes), partial(counts, shapes, where))


def called(table_name: str, shapes: tuple[Shape, ...], name: str, beginning: bytes) -> bool:
    """Whether it has the name of a table, and records or zeros where it begins."""
    if not re.search(rf"(?:^|/){table_name}(?:[.-][^/]*)?$", name):
        return False
    return not any(beginning) or any(fitting(shape, 0, beginning) > 0 for shape in shapes)


def counts(shapes: tuple[Shape, ...], where: Where, log: Log, data: Bytes, setting: Setting, notes: Notes) -> Iterator[Event]:  # noqa: PLR0913, PLR0917  # the first two are the table's own
    """Yield the failures of each account as one event, at the time of the last of them."""
    pulse, name = Pulse(notes, ordered=False), owner(setting)
    for uid, offset, fields in records(chosen(shapes, data), data, notes):
        count, line, seconds = (fields[at] for at in where)
        if not count:  # only the most that are allowed are set
            continue
        time, source = seconds * SECOND, text(line)
        pulse.beat(time, notes.lines)
        address = None if source.startswith(TERMINALS) else spelled(source) or None
        event = Event(
            What.FAILED, time, "", "", None, name(uid), address, None, PAM, times=count, line=notes.lines, offset=offset
        )
        yield event._replace(detail="" if address else source)
    pulse.done()
    notes.of_interest = notes.lines
    notes.remarks.append(RESETS)


FORMAT = Format("faillock", "faillock", "tally", recognises, read)
TALLYLOG = table("tallylog", (2, 0, 3), ("<52sHHQ", ">52sHHQ"))
FAILLOG = table("faillog", (0, 2, 3), ("<hh12sqq", "<hh12sii", ">hh12sqq", ">hh12sii"))
