"""Entries of a journal that come one after the other as fields: exported ones, whatever the form."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from auditkit.logins.journals.entries import WANTED, Teller, single
from auditkit.logins.journals.pulse import HOUR, HOURS, Pulse
from auditkit.logins.journals.trust import Fields
from auditkit.logins.nouns import Event, Notes, What

MICROSECOND = 1000
BOOTS = 4096
KEPT = WANTED | {b"__REALTIME_TIMESTAMP", b"_BOOT_ID"}
"""Fields of an exported entry that are of use."""
STEADY = frozenset((b"cron", b"crond", b"anacron"))
"""Processes that write by the hour, whoever logs in."""
ABOUT_LOGINS = frozenset((b"4", b"10"))
"""Facilities that are asked for, for they tell of logins: auth and authpriv."""
MOST = 4096
"""Fields of an entry that are kept."""


class Entry(NamedTuple):
    """The fields of an entry that are of use, and the bytes before it."""

    pairs: list[tuple[bytes, bytes]]
    offset: int


@dataclass(slots=True)
class Stream:
    """Turns entries into events, and fills the notes of their source."""

    notes: Notes
    _boots: set[bytes] = field(default_factory=set)
    _boot: bytes = b""

    def events(self, entries: Iterable[Entry]) -> Iterator[Event]:
        """Yield what the entries tell, and where the machine was started."""
        teller, pulse, line = Teller(self.notes), Pulse(self.notes), 0
        steady = set[int]()
        for line, (pairs, offset) in enumerate(entries, 1):
            fields = single(pairs)
            time = _time(fields)
            boot = fields.get(b"_BOOT_ID", self._boot)
            if time is None:
                self.notes.malformed += 1
            else:
                pulse.beat(time, line, boot != self._boot)
            yield from self._booted(boot, time, line, offset)
            event = teller.tell(fields, time, line, offset)
            if time is not None and len(steady) < HOURS and (event is None or _steady(fields)) and not _asked_for(fields):
                steady.add(time // HOUR)
            if event is not None:
                yield event
        self.notes.lines = line
        pulse.done()
        self.notes.partial = len(steady) * 2 < len(self.notes.hours)
        teller.done()
        self.notes.remarks.insert(0, "it is an export: entries that it was not asked for are not in it")

    def _booted(self, boot: bytes, time: int | None, line: int, offset: int) -> Iterator[Event]:
        if boot == self._boot:
            return
        if self._boots and boot not in self._boots and len(self._boots) < BOOTS:
            yield Event(What.BOOTED, time, self.notes.host, "journal", None, None, None, None, line=line, offset=offset)
        if len(self._boots) < BOOTS:
            self._boots.add(boot)
        self._boot = boot


def _steady(fields: Fields) -> bool:
    return fields.get(b"_COMM") in STEADY


def _asked_for(fields: Fields) -> bool:
    """Whether it is in what was asked for because it may tell of logins: when it is written depends on who comes."""
    return fields.get(b"SYSLOG_FACILITY") in ABOUT_LOGINS and not _steady(fields)


def _time(fields: Fields) -> int | None:
    stamp = fields.get(b"__REALTIME_TIMESTAMP", b"")
    return int(stamp) * MICROSECOND if stamp.isdigit() and len(stamp) < 18 else None
