"""lastlog(5): when each account was last entered, and from where: one record of 292 or 296 bytes for each uid.

sshd writes it where a terminal was asked for; pam_lastlog writes it for every session.
"""

import re
from collections.abc import Iterator
from typing import Any

from auditkit.logins.formats.indexed import EARLIEST, LATEST, SAMPLE, Shape, chosen, fitting, owner, padded, records
from auditkit.logins.formats.records import SECOND, spelled, text
from auditkit.logins.formats.records import local as is_local
from auditkit.logins.journals.pulse import Pulse
from auditkit.logins.nouns import Bytes, Event, Format, Log, Notes, Setting, What

NAME = re.compile(r"(?:^|/)lastlog(?:[.-][^/]*)?$")
DATABASE = b"SQLite format 3\0"


def sound(fields: tuple[Any, ...]) -> bool:
    """Whether that can be a record: a time, a terminal and the name of a host."""
    time, line, _host = fields
    shown = text(line)
    return 0 < time < LATEST and shown.isascii() and (shown.isprintable() or not shown)


def certain(fields: tuple[Any, ...]) -> bool:
    """Whether it is one beyond doubt."""
    return sound(fields) and fields[0] > EARLIEST and 0 in fields[1] and padded(fields[1]) and any(fields[1] + fields[2])


SHAPES = tuple(Shape(fields, sound, certain) for fields in ("<I32s256s", "<q32s256s", ">I32s256s", ">q32s256s"))


def recognises(name: str, beginning: bytes) -> bool:
    """Whether it is called lastlog, and has records or zeros where it begins."""
    if not NAME.search(name) or beginning.startswith(DATABASE):
        return False
    return (
        not any(beginning)
        or len(beginning) < SHAPES[1].size
        or any(fitting(shape, 0, beginning[:SAMPLE]) > 0 for shape in SHAPES)
    )


def read(log: Log, data: Bytes, setting: Setting, notes: Notes) -> Iterator[Event]:
    """Yield the last login of each account, in the order of their uids."""
    pulse, name = Pulse(notes, ordered=False), owner(setting)
    for uid, offset, (seconds, line, host) in records(chosen(SHAPES, data), data, notes):
        time, at, came = seconds * SECOND, text(line), text(host)
        pulse.beat(time, notes.lines)
        address, other = (None, came) if is_local(came) else (spelled(came), "")
        program = "login" if at.startswith("tty") else ""
        detail = f"{at}, host {other}" if other else at
        yield Event(
            What.OPENED, time, "", program, None, name(uid), address, None, detail=detail, line=notes.lines, offset=offset
        )
    pulse.done()
    notes.of_interest = notes.lines
    notes.remarks.append("it keeps only the last login of each account")


FORMAT = Format("lastlog", "lastlog", "lastlog", recognises, read)
