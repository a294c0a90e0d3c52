"""Stamps of lines, of each kind that daemons write, to times.

`Nov 24 09:54:56` by tradition (RFC 3164), with the year perhaps, before or behind the day; `2026-11-24T09:54:53.525926+00:00`
(RFC 3339, of any offset or none); `@4000000067431f2a0c5d3f1c` (TAI64N of multilog); `Tue 2026-11-24 09:54:53 UTC` and
`1795514093.525926` (`journalctl -o short-full` and `short-unix`, saved or pasted). All may have a priority before them: `<38>`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from auditkit.logins.formats.years import SECOND, WITHIN, Stamps, first_year, nanoseconds, newest
from auditkit.logins.journals.pulse import LATEST
from auditkit.logins.nouns import Bytes, Log, Notes, Setting

STAMP = re.compile(
    r"(?:<[0-9]{1,3}>(?P<version>1 )?)?(?:"
    r"(?:(?P<ahead>[0-9]{4}) )?(?P<month>[A-Z][a-z]{2}) (?P<day>[ 0-3]?[0-9]) "
    r"(?:(?P<year>[0-9]{4}) )?(?P<clock>[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?"
    r"|(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[T ](?P<moment>[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?)"
    r"(?P<offset>Z|[+-][0-9]{2}:?[0-9]{2})?"
    r"|@(?P<tai>4[0-9a-f]{23})"
    r"|[A-Z][a-z]{2} (?P<full>[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?) "
    r"(?P<zone>[A-Z]{3,5}|[+-][0-9]{2}(?:[0-9]{2})?)"
    r"|(?P<unix>[0-9]{9,10})\.(?P<micro>[0-9]{6})"
    r")(?= |$)"
)
ZONES = {"UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "JST": 9}
ZONES |= {"EDT": -4, "EST": -5, "CDT": -5, "MDT": -6, "MST": -7, "PDT": -7, "PST": -8}
"""Hours east of Greenwich of the abbreviations that mean one zone; others are taken for the zone of the machine."""
SEPARATORS = ("T", " ")
TAI = (1 << 62) + 10
"""What TAI64 adds to the seconds since 1970; leap seconds after 1972 are not counted, as by multilog."""
PLAIN = re.compile(r"[A-Z][a-z]{2} [ 0-3][0-9] [0-9:]{8}|[0-9]{4}-[^,]*[0-9Z]").fullmatch
"""Stamps that Clock.time takes as they are."""


@dataclass(slots=True)
class Clock:
    """Tells the time of stamps of one file, in its order."""

    log: Log
    data: Bytes
    setting: Setting
    notes: Notes
    _stamps: Stamps | None = None

    def time(self, stamp: str) -> int | None:
        """Nanoseconds since 1970 of a stamp that is PLAIN; None if it is no stamp."""
        if not stamp[:1].isdigit():
            return (self._stamps or self._by_tradition()).time(stamp)
        try:
            moment = datetime.fromisoformat(stamp) if stamp[10:11] in SEPARATORS else None
        except ValueError:
            return None
        if moment is None:
            return None
        self.notes.zoneless |= moment.tzinfo is None
        return plausible(nanoseconds(moment if moment.tzinfo else moment.replace(tzinfo=self.setting.zone)))

    def times(self, stamps: Iterable[str], width: int) -> list[int]:
        """The same of stamps of so many characters with a blank behind them, up to the first that is none."""
        times, time = list[int](), 0
        before: str | None = None
        hour, began, of_old = "", 0, self._stamps
        for stamp in stamps if width else ():
            if stamp != before:
                if len(stamp) <= width or stamp[-1] != " ":
                    break
                known: int | None
                if stamp[:9] == hour:
                    known = began + within if (within := WITHIN.get(stamp[9:-1])) is not None else None
                else:
                    if of_old and time:
                        of_old.last = time
                    known = self.time(stamp[:-1])
                    of_old = self._stamps if stamp[0] > "9" else None
                    hour, began = of_old.hour if of_old else ("", 0)
                if known is None:
                    break
                before, time = stamp, known
            times.append(time)
        if of_old and time:
            of_old.last = time
        return times

    def of(self, found: re.Match[str]) -> int | None:
        """The same of what STAMP found."""
        if found["tai"]:
            return plausible((int(found["tai"][:16], 16) - TAI) * SECOND + int(found["tai"][16:], 16))
        if found["unix"]:
            return plausible(int(found["unix"]) * SECOND + int(found["micro"]) * 1000)
        if found["full"]:
            zone = found["zone"] if found["zone"][0] in "+-" else f"{ZONES.get(found['zone'], 99):+03d}"
            return self.time(found["full"].replace(" ", "T") + (zone if zone != "+99" else ""))
        if found["date"]:
            return self.time(f"{found['date']}T{found['moment'].replace(',', '.')}{found['offset'] or ''}")
        self.notes.zoneless = True
        stamp = f"{found['month']} {int(found['day']):2d} {found['clock']}"
        year = found["year"] or found["ahead"]
        return plausible(Stamps(self.setting.zone, int(year)).time(stamp) if year else self.time(stamp))

    def _by_tradition(self) -> Stamps:
        """The reader of stamps without a year, once the first of them is met."""
        self.notes.zoneless = True
        latest, self.notes.year_by = newest(self.log, self.setting)
        if latest > self.setting.now and self.log.until is None:  # a name or time of the future tells nothing
            latest, self.notes.year_by = newest(replace(self.log, name="", mtime=None), self.setting)
        self._stamps = Stamps(self.setting.zone, first_year(self.data, latest, self.setting.zone))
        return self._stamps


def plausible(time: int | None) -> int | None:
    """A time that a log can have; None for others, which are damage."""
    return time if time is not None and 0 < time < LATEST else None
