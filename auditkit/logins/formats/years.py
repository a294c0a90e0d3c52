"""Times of stamps without a year: `Nov 24 09:54:56`, as syslogd and rsyslog write them by tradition (RFC 3164).

The year comes from the end: the newest line is the latest one that is no later than what is known of the file, and each turn
of the year before it is one less. The zone is that of the machine; an hour that comes twice, when clocks are set back in
autumn, is its second coming as soon as time would run backwards.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import groupby

from auditkit.logins.nouns import Bytes, Log, Setting, YearBy

SECOND = 10**9
DAY = 86400 * SECOND
NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTHS = {name: number for number, name in enumerate(NAMES, 1)}
WITHIN = {f":{minute:02}:{second:02}": (minute * 60 + second) * SECOND for minute in range(60) for second in range(61)}
"""Minute and second of an hour to nanoseconds; second 60 is a leap second."""
WORDS = re.compile("[A-Z][a-z]{2} [ 0-3][0-9] [0-9]{2}").fullmatch
ROTATED = re.compile(r"[-.](?P<year>(?:19|20)[0-9]{2})-?(?P<month>[0-9]{2})-?(?P<day>[0-9]{2})(?![0-9]{3})")
"""The day of a rotation in a name: `auth.log-20261124.gz`, `secure-2026-11-24`, with an hour behind it perhaps."""
LINE = re.compile(rb"^(?:\xef\xbb\xbf)?\0*(?:<[0-9]{1,3}>)?([A-Z][a-z]{2}) ([ 0-3]?[0-9]) [0-9]{2}:[0-9]{2}:", re.MULTILINE)
BLOCK, THOROUGH = 1 << 16, 32
"""Bytes from which a stamp is taken to count the turns of the year; of the first blocks, all of them are."""
NEAR = 31
"""Days that a clock may be set back without it being another year."""
STEP = 8
"""Days before New Year to which a clock may be set back after it."""
BACK = 2
"""Days in which a log goes on after a stamp out of place."""
LEAP_DAY = (2, 29)

Day = tuple[int, int]
"""Month and day."""


@dataclass(slots=True)
class Turns:
    """Tells where the year turns among days that follow each other.

    A stamp out of place, months away from those around it, is no turn: whoever may write one line with a stamp of his own
    would date all lines before it a year too early.
    """

    _day: Day | None = None
    _left: Day | None = None
    """The day before a turn over a silence of more than NEAR days: the next jump may lead back to it."""

    def to(self, day: Day) -> int:
        """How many years lie between the day before and this one."""
        before, left = self._day, self._left
        self._day = day
        if before is None or before == day:
            return 0
        if left is not None and abs(passed(before, day)) > NEAR and 0 <= passed(left, day) <= BACK:
            self._left = None
            return -1
        step = turned(before, day)
        if step == 1 and passed(before, day) + 12 * 31 > NEAR:
            self._left = before
        return step


@dataclass(slots=True)
class Stamps:
    """Turns stamps into times, one after the other as they stand in a file."""

    zone: tzinfo
    year: int
    _words: str = ""
    """The hour of the stamp before, if it comes once, and when it began."""
    _began: int = 0
    _turns: Turns = field(default_factory=Turns)
    last: int = 0
    """The time of the stamp before."""
    _twice: str = ""
    """The hour that came again last."""

    def time(self, stamp: str) -> int | None:
        """Nanoseconds since 1970 of a stamp of 15 characters; None if it is none."""
        within = WITHIN.get(stamp[9:])
        if within is None:
            return None
        began = self._began if stamp[:9] == self._words else self._hour(stamp[:9], within)
        if began is None:
            return None
        self.last = began + within
        return self.last

    @property
    def hour(self) -> tuple[str, int]:
        """The beginning of the last stamp, and when its hour began; an empty word where that hour comes twice."""
        return self._words, self._began

    def _hour(self, words: str, within: int) -> int | None:
        """When an hour began; `Nov 24 09`."""
        month = MONTHS.get(words[:3])
        if month is None or not WORDS(words):
            return None
        day, clock = int(words[4:6]), int(words[7:9])
        self.year += self._turns.to((month, day))
        self._words = ""
        try:
            began = datetime(self.year, month, day, clock, tzinfo=self.zone)
        except ValueError:
            return None
        if is_twice(began) or is_twice(began + timedelta(minutes=30)):
            return self._of_two(words, began, within)
        self._words, self._began = words, nanoseconds(began)
        return self._began

    def _of_two(self, words: str, began: datetime, within: int) -> int:
        """When an hour began that comes twice, the first time or the second."""
        moment = began + timedelta(microseconds=within // 1000)
        first = nanoseconds(moment)
        if self._twice == words or first < self.last - SECOND:
            self._twice = words
            return nanoseconds(moment.replace(fold=1)) - within
        return first - within


def is_twice(moment: datetime) -> bool:
    """Whether a local time comes twice."""
    return moment.utcoffset() > moment.replace(fold=1).utcoffset()  # type: ignore[operator]


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds since 1970 of a time that knows its zone."""
    return round(moment.timestamp() * 1_000_000) * 1000


def turned(before: Day, now: Day) -> int:
    """How many years lie between the days of two lines that follow each other: 1 at New Year, -1 where a clock was set back."""
    days = passed(before, now)
    if days < -NEAR:
        return 1
    return -1 if days > 12 * 31 - STEP else 0


def passed(before: Day, now: Day) -> int:
    """How many days lie between two of one year, about."""
    return (now[0] - before[0]) * 31 + now[1] - before[1]


def newest(log: Log, setting: Setting) -> tuple[int, YearBy]:
    """A time that the last line of a file is not later than, and how it is known."""
    found = ROTATED.search(log.name)
    if log.until is not None:
        return log.until, YearBy.STAMP
    if found:
        try:
            day = datetime(int(found["year"]), int(found["month"]), int(found["day"]), tzinfo=setting.zone)
        except ValueError:
            pass
        else:
            return nanoseconds(day) + DAY, YearBy.NAME
    if log.mtime is not None:
        return log.mtime, YearBy.MTIME
    if setting.anchor is not None:
        return setting.anchor, YearBy.ANCHOR
    return setting.now, YearBy.ASSUMED


def first_year(data: Bytes, latest: int, zone: tzinfo) -> int:
    """The year of the first line of a file whose last one is not later than that."""
    turns, last, leap, turning = 0, None, None, Turns()
    for day in days(data):
        turns += turning.to(day)
        last = day
        if day == LEAP_DAY:
            leap = turns
    year = datetime.fromtimestamp(min(max(latest, 0) // SECOND, 1 << 33), UTC).year + 1
    for back in range(9):
        if last and not is_later(year - back, last, latest + DAY, zone) and is_leap(year - back, turns, leap):
            return year - back - turns
    return year - 1 - turns


def is_later(year: int, day: Day, than: int, zone: tzinfo) -> bool:
    """Whether a day of a year begins after a time, or is none."""
    try:
        return nanoseconds(datetime(year, *day, tzinfo=zone)) > than
    except ValueError:
        return True


def is_leap(year: int, turns: int, leap: int | None) -> bool:
    """Whether the year after so many turns is a leap year, if the last of them is that one and it has a 29 February."""
    if leap is None:
        return True
    of = year - turns + leap
    return of % 4 == 0 and (of % 100 != 0 or of % 400 == 0)


def days(data: Bytes) -> Iterator[Day]:
    """Yield the days of lines: of all in the first blocks and in the last one, of one in each block between."""
    at, block = 0, b""
    for block in blocks(data.chunks()):
        at += 1
        yield from of_lines(LINE.findall(block) if at <= THOROUGH else first_of(block))
    if at > THOROUGH:
        yield from of_lines(LINE.findall(block))


def first_of(block: bytes) -> list[tuple[bytes, bytes]]:
    """The stamp of the first line of a block that has one."""
    found = LINE.search(block, 0, BLOCK // 16)
    return [(found[1], found[2])] if found else []


def of_lines(stamps: Iterable[tuple[bytes, bytes]]) -> Iterator[Day]:
    """Yield month and day of stamps that have any, once for those that follow each other."""
    for (month, day), _same in groupby(stamps):
        number = MONTHS.get(month.decode("ascii"))
        if number:
            yield number, int(day)


def blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield pieces of BLOCK bytes at the most."""
    for chunk in chunks:
        for start in range(0, len(chunk), BLOCK):
            yield bytes(chunk[start : start + BLOCK])
