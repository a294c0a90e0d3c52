"""The log of the Linux audit system: what the kernel, and programs that may write to it, say of logins."""

import re
from collections.abc import Iterator

from auditkit.logins.formats.audit_events import SPOKEN, Told
from auditkit.logins.formats.audit_record import MalformedError, head, record
from auditkit.logins.formats.records import LISTED
from auditkit.logins.formats.serials import Serials
from auditkit.logins.journals.pulse import Pulse
from auditkit.logins.nouns import Bytes, Event, Format, Log, Notes, Setting, What

LINE = re.compile(rb"(?m)^(?:node=\S+ )?type=\w+ msg=audit\(\d+\.\d{3}:\d+\):")
LONGEST = 1 << 16
"""Bytes of a line; a record has 9,000 at most."""
INTERESTING = (
    *(word.encode() for word in (*SPOKEN, "ADD_", "DEL_", "GRP_", "CHUSER_", "CHGRP_", "CRYPTO_", "SYSTEM_")),
    b"CONFIG_CHANGE",
)


def recognises(name: str, beginning: bytes) -> bool:
    """Whether it has records of audit where it begins."""
    return LINE.search(beginning) is not None


def read(log: Log, data: Bytes, setting: Setting, notes: Notes) -> Iterator[Event]:
    """Yield what each record says that tells of logins, accounts or of auditing itself.

    A failure of which it depends on a later record what was refused comes with that one.
    """
    pulse, serials, told = Pulse(notes), Serials(), Told(setting)
    for offset, line in lines(data, notes):
        beginning = head(line)
        if beginning is None:
            notes.malformed += 1
            continue
        kind, time, serial = beginning[1:4]
        pulse.beat(time, notes.lines)
        counted(serials, kind, serial)
        if not kind.startswith(INTERESTING):
            continue
        notes.of_interest += 1
        told.here = notes.lines, offset
        try:
            events = list(told.events(record(line, beginning)))
        except MalformedError:
            notes.malformed += 1
            continue
        if any(event.what is What.UNKNOWN for event in events):
            unknown(notes, kind, line)
        yield from events
    yield from told.rest()
    pulse.done()
    notes.remarks.extend(remarks(told, serials))


def counted(serials: Serials, kind: bytes, serial: int) -> None:
    """Miss no number of the kernel: the daemon has its own, and with it the kernel may count anew."""
    if not kind.startswith(b"DAEMON_"):
        serials.saw(serial)
    elif kind == b"DAEMON_START":
        serials.begin()


def lines(data: Bytes, notes: Notes) -> Iterator[tuple[int, bytes]]:
    """Yield offset and text of each line that is not too long; runs of zeros are what a crash leaves."""
    offset, rest, dropped = 0, b"", 0
    for chunk in data.chunks():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield from line_of(offset, line, dropped, notes)
            offset += len(line) + dropped + 1
            dropped = 0
        over = len(rest) - LONGEST
        if over > 1:  # one byte more tells that it was too long
            rest, dropped = rest[: LONGEST + 1], dropped + over - 1
    if rest:
        notes.remarks.append("its last line breaks off")
        yield from line_of(offset, rest, dropped, notes)


def line_of(offset: int, line: bytes, dropped: int, notes: Notes) -> Iterator[tuple[int, bytes]]:
    """Yield the line, if it has anything in it; what is before it in zeros is told."""
    notes.lines += 1
    bare = line.lstrip(b"\0")
    zeros = len(line) - len(bare)
    if zeros and len(notes.nul_runs) < LISTED:
        notes.nul_runs.append((offset, zeros if bare else zeros + dropped))
    if len(bare) > LONGEST or (dropped and bare):
        notes.malformed += 1
    elif bare:
        yield offset + zeros, bare


def unknown(notes: Notes, kind: bytes, line: bytes) -> None:
    """Count a record of a kind that is not known."""
    shape = kind.decode("ascii", "replace")
    if shape in notes.unknown or len(notes.unknown) < LISTED:
        notes.unknown[shape] = notes.unknown.get(shape, 0) + 1
        notes.examples.setdefault(shape, (notes.lines, line[:500].decode("utf-8", "surrogateescape")))


def remarks(told: Told, serials: Serials) -> Iterator[str]:
    """Yield what a person should know of it."""
    if serials.missing:
        yield f"{serials.missing:,} records of the kernel are missing: their serial numbers are not there"
    if told.undecided:
        yield f"{told.undecided:,} failures of sshd may be guesses or keys that were offered: PAM has no record of them"
    if told.rules:
        yield f"{told.rules:,} rules of auditing were taken out"


FORMAT = Format("audit", "audit log", "audit", recognises, read)
