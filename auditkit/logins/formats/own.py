"""Logs that a program writes itself, past syslogd: each line has a stamp, perhaps a pid, and what it would have told syslogd.

A format of this kind is an expression for a line, with the parts of the stamp in groups of the names of Parts, and the program
in whose grammar `message` is.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from auditkit.logins.formats.pieces import MARK, pieces
from auditkit.logins.formats.stamps import STAMP, Clock
from auditkit.logins.formats.teller import Teller, may_tell
from auditkit.logins.grammar import said
from auditkit.logins.journals.pulse import Pulse
from auditkit.logins.nouns import Bytes, Event, Format, Log, Notes, Setting, What

CLOCK = r"(?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?)"
DATE = r"(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
CTIME = r"[A-Z][a-z]{2} (?P<month>[A-Z][a-z]{2}) (?P<day>[ 0-9]?[0-9]) (?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2}) (?P<year>[0-9]{4})"
"""As ctime(3) has it: `Mon Nov 24 10:00:00 2025`."""
DIGITS = 12
"""More than any pid has."""
OFFSET = r"(?P<offset>[+-][0-9]{2}:?[0-9]{2}|Z)"


@dataclass(frozen=True, slots=True)
class Own:
    """How the lines of such a log are read."""

    line: re.Pattern[str]
    program: str
    """In whose grammar messages are, where the line does not name one itself."""

    def read(self, log: Log, data: Bytes, setting: Setting, notes: Notes) -> Iterator[Event]:
        """Yield the events of a log; a line that begins with a blank goes on with the stamp of the one before."""
        timed = "clock" in self.line.groupindex
        clock, pulse, teller = Clock(log, data, setting, notes), Pulse(notes), Teller(notes, None)
        number = offset = 0
        time: int | None = None
        for piece in pieces(data.chunks(), notes):
            for line, size in zip(piece.lines(), piece.lengths(), strict=True):
                number += 1
                if (found := self.line.fullmatch(line)) and timed:
                    time = self._time(found, clock)
                if (found is None and not line.startswith(" ")) or (time is None and timed):
                    notes.malformed += bool(line)
                    if may_tell(line):
                        teller.unknown("(no time)", line, number)
                else:
                    if time is not None:
                        pulse.beat(time, number)
                    if event := self._event(found.groupdict() if found else {"message": line}, teller, number):
                        notes.of_interest += 1
                        yield event._replace(time=time, offset=offset)
                offset += size + 1
        pulse.done()
        notes.lines = number

    def _event(self, parts: Mapping[str, str | None], teller: Teller, number: int) -> Event | None:
        """What a message says by the grammar of its program; None if that tells nothing of logins."""
        program, message, pid = parts.get("program") or self.program, parts["message"] or "", parts.get("pid")
        told = said(program, message) if message else None
        if told is None or (told.what is What.OPENED and "clock" not in parts):
            return None  # a session without time and process belongs to no login
        if told.what is What.UNKNOWN:
            teller.unknown(program, message, number)
        process = int(pid) if pid and len(pid) < DIGITS else None
        what, user, address, port, method, key, times, detail, actor = told
        host = parts.get("host") or ""
        return Event(
            what, None, host, program, process, user, address, port, method, key, times, detail, number, actor=actor
        )  # fmt: skip

    @staticmethod
    def _time(found: re.Match[str], clock: Clock) -> int | None:
        """The time of a line, as stamps.py knows it from its parts."""
        parts = found.groupdict()
        month, day, moment = parts["month"], parts["day"], parts["clock"]
        if month.isdigit():
            stamp = f"{parts['year']}-{month}-{day}T{moment}{parts.get('offset') or ''}"
        else:
            stamp = f"{month} {day} {parts['year']} {moment}" if parts.get("year") else f"{month} {day} {moment}"
        known = STAMP.match(stamp)
        return clock.of(known) if known else None


def own(program: str, title: str, line: str, first: str = "", name: str = r"(?!)") -> Format:
    """The format of such a log: known by its first lines, and by its name or a message like `first`."""
    expression = re.compile(line, re.DOTALL)
    beginning, called = re.compile(first, re.DOTALL), re.compile(name)

    def recognises(path: str, begins: bytes) -> bool:
        text = begins.removeprefix(MARK).replace(b"\0", b"").decode("utf-8", "replace")
        lines = text[: text.rfind("\n") + 1].splitlines()[:20] or [text]  # the last one may be cut
        matches = [found for found in map(expression.fullmatch, lines) if found]
        # one line of this kind makes no such log: anybody on the machine can write one into another
        if 2 * len(matches) <= sum(line[:1].strip() != "" for line in lines):
            return False
        return bool(called.search(path) or any(beginning.match(found["message"]) for found in matches))

    return Format(program, title, "text", recognises, Own(expression, program).read)
