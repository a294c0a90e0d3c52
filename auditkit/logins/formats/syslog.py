"""Text logs of syslogd, rsyslog, syslog-ng and their like: auth.log, secure, messages, packed ones and central ones too.

Behind the stamp (see stamps.py) stand the host, the program with its pid, and what it said. Lines of guesses, of which a log is
full, go from one expression for all their forms right into the tally, without an event; whoever wants events gets the same ones
by the grammar alone. A stamp that is that of the line before is not looked at again.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from auditkit.logins.formats.pieces import pieces
from auditkit.logins.formats.stamps import PLAIN, STAMP, Clock
from auditkit.logins.grammar import said, sshd
from auditkit.logins.grammar.forms import alternatives, usual
from auditkit.logins.journals.pulse import Pulse
from auditkit.logins.nouns import Bytes, Event, Format, Log, Notes, Said, Setting, What
from auditkit.logins.tally import TALLIED, Tally

SHAPES = 256
"""Kinds of lines that were not understood, which are counted one by one."""
EXAMPLE = 300
KNOWN = 8192
"""Messages that are remembered with what they say; many come again word for word."""
WORTH = 200
"""Characters up to which a message is remembered."""
NAMES = re.compile(r"(?:^|/)(?:auth|authlog|secure|messages|syslog|daemon|sshd)(?:\.log)?(?:[-.][-0-9.]+)?(?:\.\w+)?$").search
"""Names of text logs: known even where zeros are all that is left of them."""
MESSAGE = r"(?:(?P<host>\S+) )??(?P<program>[^\s:\[]+)(?:\[(?P<pid>[^\]\s]*)\])?:(?: |$|(?=\[))(?P<message>.*)"
FREQUENT = (
    rf"(?P<at>\S+) sshd(?:-session|-auth)?\[(?P<connection>[0-9]+)\]: "
    rf"{sshd.AROUND[0]}(?:{alternatives(sshd.FREQUENT, 'frequent')}){sshd.AROUND[1]}"
)
PLAIN_LINE = re.compile(f" {MESSAGE}", re.DOTALL)
LINE = re.compile(f" (?:{FREQUENT}|{MESSAGE})", re.DOTALL)
STRUCTURED = re.compile(
    r" (?P<host>\S+) (?P<program>\S+) (?P<pid>\S+) \S+ (?:-|(?:\[(?:[^\]\"\\]|\"(?:[^\"\\]|\\.)*\")*\])+)(?: \ufeff? ?(?P<message>.*))?",
    re.DOTALL,
)
"""What stands behind a stamp of RFC 5424; rsyslog puts a blank more before the message."""
BARE = re.compile(r" (?:(?P<host>\S+) )??\[(?P<program>[\w-]+)\](?P<pid>):? (?P<message>.*)", re.DOTALL)
"""`[sshd]`, as metalog has it."""
LAST = re.compile(r" (?:(?P<host>\S+) )?(?:--- )?last message repeated (?P<times>[0-9]{1,9}) times?(?: ---)?")
REPEATED = re.compile(r"message repeated (?P<times>[0-9]{1,9}) times: \[ (?P<message>.*)\]", re.DOTALL)
ID = re.compile(r"\[ID [0-9]+ \w+\.\w+\] ")
"""What Solaris writes before a message."""
WORD = re.compile(r"[A-Za-z][a-z'_-]*[:;,.]?")


class Frequent(NamedTuple):
    """How to take what a frequent form says out of a match, without a Said or an Event between."""

    what: What
    take: Callable[[re.Match[str]], tuple[str | None, ...]]
    """Host, pid, user, address, port and method."""


def frequent(number: int) -> tuple[int, Frequent]:
    """A frequent form by the group of LINE that closes last when it was the one that matched."""
    groups, never = LINE.groupindex, LINE.groupindex["message"]
    names = (f"frequent_{number}_{name}" for name in ("user", "address", "port", "method"))
    taken = groups["at"], groups["connection"], *(groups.get(name, never) for name in names)
    return groups[f"frequent_{number}"], Frequent(sshd.FREQUENT[number].what, itemgetter(*taken))


FORMS = dict(map(frequent, range(len(sshd.FREQUENT))))
known = lru_cache(1 << 16)(usual)
remembered = lru_cache(KNOWN)(said)


class At(NamedTuple):
    """Where a line stands, and when it was written."""

    time: int
    line: int
    offset: int


class Teller:
    """Turns what programs say into events, and gives those that are only counted to the tally, if there is one."""

    def __init__(self, notes: Notes, tally: Tally | None) -> None:
        self.notes, self.tally = notes, tally
        self.events: list[Event] = []

    def tell(self, host: str, program: str, pid: str, message: str, at: At, times: int = 1) -> bool:
        """Take what a program said so often; False if it is one that tells nothing of logins."""
        if message.startswith("[ID "):
            message = ID.sub("", message, count=1)
        repeated = REPEATED.fullmatch(message) if message.startswith("message repeated ") else None
        if repeated:
            message, times = repeated["message"], int(repeated["times"])
        told = (remembered if len(message) < WORTH else said)(program, message)
        if told is None:
            return False
        if told.what is What.UNKNOWN:
            self.unknown(program, message, at.line)
        self.emit(told, times, host, program, int(pid) if pid.isdecimal() and len(pid) < 12 else None, at)
        return True

    def emit(self, told: Said, times: int, host: str, program: str, pid: int | None, at: At) -> None:
        """Give an event to whoever wants it."""
        what, user, address, port, method, key, each, detail, actor = told
        if self.tally is not None and what in TALLIED:
            self.tally.count(what, program, host, pid, user, address, port, method, each * times, *at)
            return
        event = Event(
            what, at.time, host, program, pid, user, address, port, method, key, each * times, detail, at.line, at.offset, actor
        )
        if self.tally is None:
            self.events.append(event)
        else:
            self.tally.add(event)

    def unknown(self, program: str, message: str, line: int) -> None:
        """Count a line that was not understood, by what is common to its kind."""
        unknown = self.notes.unknown
        shape = f"{program}: {' '.join(WORD.findall(message[:EXAMPLE])[:8])}"
        if shape not in unknown and len(unknown) >= SHAPES:
            shape = "others"
        unknown[shape] = unknown.get(shape, 0) + 1
        self.notes.examples.setdefault(shape, (line, f"{program}: {message[:EXAMPLE]}"))


class Reader:
    """Reads one text log: into a tally, or into events."""

    def __init__(self, log: Log, data: Bytes, setting: Setting, notes: Notes, tally: Tally | None) -> None:
        self.data, self.notes, self.tally = data, notes, tally
        self.teller, self.clock, self.pulse = Teller(notes, tally), Clock(log, data, setting, notes), Pulse(notes)
        self.hosts: Counter[str] = Counter()
        self.others = self.beaten = self.width = self.first = 0
        """Lines of other programs and of none, the last line that the pulse knows, characters of a stamp, lines before a piece."""
        self.stamp = self.before = ""
        """The stamp of the line before, and the last line of the piece before."""

    def pieces(self) -> Iterator[list[Event]]:
        """Read all, piece by piece; yield the events of each."""
        number = offset = 0
        for lines, sizes in pieces(self.data.chunks(), self.notes):
            number, offset = self.piece(lines, sizes, number, offset)
            self.before = lines[-1]
            yield self.teller.events
            self.teller.events.clear()
        self.pulse.again(number - self.beaten)
        self.pulse.done()
        self.notes.lines, self.notes.of_interest = number, number - self.others
        self.notes.host = max(self.hosts, key=self.hosts.__getitem__, default="")

    def piece(self, lines: Sequence[str], sizes: Iterable[int], number: int, offset: int) -> tuple[int, int]:
        """Read lines, which begin behind so many others and so many bytes; gives what comes behind them."""
        tally, plain, width, stamp, time = self.tally, PLAIN_LINE.fullmatch, self.width, self.stamp, None
        match, self.first = plain if tally is None else LINE.fullmatch, number + 1
        for line, size in zip(lines, sizes, strict=True):
            number += 1
            if time is None or line[:width] != stamp:
                time = self.turn(line, number)
                width, stamp = self.width, self.stamp
            found = None if time is None else (match if size < sshd.MAY_END else plain)(line, width)
            if found is None:
                self.odd(line, time, number, offset, lines)
            elif (form := FORMS.get(found.lastindex)) and tally is not None:
                host, pid, user, address, port, method = form.take(found)
                tally.count(form.what, "sshd", host, int(pid), user, known(address), int(port), method, 1, time, number, offset)
            else:
                host, program, pid, message = found.group("host", "program", "pid", "message")
                if not self.teller.tell(host or "", program, pid or "", message, At(time, number, offset)):
                    self.others += 1
            offset += size + 1
        return number, offset

    def turn(self, line: str, number: int) -> int | None:
        """The time of a line whose stamp is not that of the line before; None where it is none of the plain ones."""
        if not self.width or line[self.width : self.width + 1] != " " or not PLAIN(line[: self.width]):
            found = STAMP.match(line)
            self.width = found.end() if found and PLAIN(found.group()) else 0
        self.stamp = line[: self.width]
        time = self.clock.time(self.stamp) if self.width else None
        if time is not None:
            self.beat(time, number)
            self.hosts[line[self.width + 1 : line.find(" ", self.width + 1)]] += 1
        return time

    def beat(self, time: int, number: int) -> None:
        """Let the pulse know of a line, and of those since it heard last."""
        self.pulse.again(number - self.beaten - 1)
        self.pulse.beat(time, number)
        self.beaten = number

    def odd(self, line: str, time: int | None, number: int, offset: int, lines: Sequence[str]) -> None:
        """Read a line that is not like most."""
        found = STAMP.match(line)
        if time is None and found:
            time = self.clock.of(found)
            if time is not None:
                self.beat(time, number)
        if time is None:
            self.beaten += 1
            self.notes.malformed += bool(line)
        if not found or time is None or not self.odd_message(line, found, At(time, number, offset), lines):
            self.others += 1

    def odd_message(self, line: str, found: re.Match[str], at: At, lines: Sequence[str]) -> bool:
        """Read what stands behind a stamp; False if it tells nothing of logins."""
        again = LAST.fullmatch(line, found.end())
        if again:
            return self.last_again(again, at, lines)
        for form in (STRUCTURED,) if found["version"] else (PLAIN_LINE, BARE):
            if rest := form.fullmatch(line, found.end()):
                host, program, pid, message = rest.group("host", "program", "pid", "message")
                return self.teller.tell(host or "", program, pid or "", message or "", at)
        self.notes.malformed += not line.endswith("-- MARK --")
        return False

    def last_again(self, again: re.Match[str], at: At, lines: Sequence[str]) -> bool:
        """`last message repeated 3 times`: what its host said before, so often more."""
        for line in (*reversed(lines[: max(at.line - self.first, 0)]), self.before):
            found = STAMP.match(line)
            rest = found and PLAIN_LINE.fullmatch(line, found.end())
            if rest and (rest["host"] or "") == (again["host"] or ""):
                return self.teller.tell(rest["host"] or "", rest["program"], rest["pid"] or "", rest["message"], at, int(again["times"]))
        return False


def read(log: Log, data: Bytes, setting: Setting, notes: Notes) -> Iterator[Event]:
    """Read a text log: yields all its events."""
    for events in Reader(log, data, setting, notes, None).pieces():
        yield from events


def count(log: Log, data: Bytes, setting: Setting, notes: Notes, tally: Tally) -> None:
    """The same into a tally, faster."""
    for _events in Reader(log, data, setting, notes, tally).pieces():
        pass


def recognises(name: str, beginning: bytes) -> bool:
    """Whether one of the first lines has a stamp, or the name is one that syslogd gives."""
    lines = beginning.replace(b"\0", b"").decode("utf-8", "replace").split("\n")[:20]
    return any(map(STAMP.match, lines)) or NAMES(name) is not None


FORMAT = Format("syslog", "text log", "text", recognises, read, count)
