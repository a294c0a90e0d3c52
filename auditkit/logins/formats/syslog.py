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
from auditkit.logins.nouns import NOBODY, Bytes, Event, Format, Log, Notes, Setting, What
from auditkit.logins.tally import ADDRESSES, SERVICES, TALLIED, Source, Tally

SHAPES = 256
"""Kinds of lines that were not understood, which are counted one by one."""
EXAMPLE = 300
HOSTS = 4096
"""Names of machines among which the one is searched for that most lines have."""
DIGITS = 12
"""Of a pid, there are less."""
NEAR = 1000
"""Lines before it among which the one is searched for that was repeated."""
SAMPLE = 64
"""Of so many lines, one is asked for the name of the machine."""
KNOWN = 8192
"""Messages that are remembered with what they say; many come again word for word."""
WORTH = 200
"""Characters up to which a message is remembered."""
NAMES = re.compile(r"(?:^|/)(?:auth|authlog|secure|messages|syslog|daemon|sshd)(?:\.log)?(?:[-.][-0-9.]+)?(?:\.\w+)?$").search
"""Names of text logs: known even where zeros are all that is left of them."""
MESSAGE = r"(?:(?P<host>[^ ]+) )??(?P<program>[^ :\[]+)(?:\[(?P<pid>[^\] ]*)\])?:(?: |$|(?=\[))(?P<message>.*)"
FREQUENT = (
    rf"(?P<at>[^ ]+) sshd(?:-session|-auth)?\[(?P<connection>[0-9]+)\]: "
    rf"{sshd.AROUND[0]}(?:{alternatives(sshd.FREQUENT, 'frequent')}){sshd.AROUND[1]}"
)
PLAIN_LINE = re.compile(f" {MESSAGE}", re.DOTALL)
LINE = re.compile(f" (?:{FREQUENT}|{MESSAGE})", re.DOTALL)
STRUCTURED = re.compile(
    r" (?P<host>\S+) (?P<program>\S+) (?P<pid>\S+) \S+ "
    r"(?:-|(?:\[(?:[^\]\"\\]|\"(?:[^\"\\]|\\.)*\")*\])+)(?: \ufeff? ?(?P<message>.*))?",
    re.DOTALL,
)
"""What stands behind a stamp of RFC 5424; rsyslog puts a blank more before the message."""
BARE = re.compile(r" (?:(?P<host>\S+) )??\[(?P<program>[\w-]+)\](?P<pid>):? (?P<message>.*)", re.DOTALL)
"""`[sshd]`, as metalog has it."""
OF_OLD = re.compile(r" (?P<host>\S+) (?P<program>syslogd)(?P<pid>) (?P<message>.*)", re.DOTALL)
"""`syslogd 1.5.0: restart.`"""
LAST = re.compile(r" (?:(?P<host>\S+) )?(?:--- )?last message repeated (?P<times>[0-9]{1,9}) times?(?: ---)?")
REPEATED = re.compile(r"message repeated (?P<times>[0-9]{1,9}) times: \[ (?P<message>.*)\]", re.DOTALL)
ID = re.compile(r"\[ID [0-9]+ \w+\.\w+\] ")
"""What Solaris writes before a message."""
WORD = re.compile(r"[A-Za-z][a-z'_-]*[:;,.]?")


class Frequent(NamedTuple):
    """How to take what a frequent form says out of a match, without a Said or an Event between."""

    what: What
    take: Callable[[re.Match[str]], tuple[str, str, str | None, str | None, str, str]]
    """Address, port, user, method, host and pid."""


def frequent(number: int) -> tuple[int, Frequent]:
    """A frequent form by the group of LINE that closes last when it was the one that matched."""
    groups, never = LINE.groupindex, LINE.groupindex["message"]
    names = (f"frequent_{number}_{name}" for name in ("address", "port", "user", "method"))
    taken = *(groups.get(name, never) for name in names), groups["at"], groups["connection"]
    return groups[f"frequent_{number}"], Frequent(sshd.FREQUENT[number].what, itemgetter(*taken))


FORMS = dict(map(frequent, range(len(sshd.FREQUENT))))
NOISE = What.NOISE
remembered = lru_cache(KNOWN)(said)


class At(NamedTuple):
    """When a line was written, its number, and the bytes before it."""

    time: int
    line: int
    offset: int


class Teller:
    """Turns what programs say into events, and gives those that are only counted to the tally, if there is one."""

    def __init__(self, notes: Notes, tally: Tally | None) -> None:
        self.notes, self.tally = notes, tally
        self.events: list[Event] = []

    def tell(  # noqa: PLR0913, PLR0917 - called for many lines of a log: plain arguments cost least
        self, host: str | None, program: str, pid: str | None, message: str, at: At, times: int = 1
    ) -> bool:
        """Take what a program said so often; False if it is one that tells nothing of logins."""
        time, line, offset = at
        if message[:1] in "[m":
            message, more = bare(message)
            times *= more
        told = (remembered if len(message) < WORTH else said)(program, message)
        if told is None:
            return False
        what, user, address, port, method, key, each, detail, actor = told
        tally, times = self.tally, times * each
        if what is What.UNKNOWN:
            self.unknown(program, message, line)
        if tally is not None and what is NOISE:
            tally.passed[NOISE] += times
        elif tally is not None and what in TALLIED:
            if pid and pid.isdecimal():
                address, port, user = tally.connection(host or "", pid, address, port, user)
            source = tally.source(SERVICES.get(program, program), address or "")
            tally.count(source, what, user, method, times, time, line, offset)
            if detail in NOBODY:
                tally.nobody(user)
        else:
            number = int(pid) if pid and pid.isdecimal() and len(pid) < DIGITS else None
            add = self.events.append if tally is None else tally.add
            add(
                Event(
                    what,
                    time,
                    host or "",
                    program,
                    number,
                    user,
                    address,
                    port,
                    method,
                    key,
                    times,
                    detail,
                    line,
                    offset,
                    actor,
                )
            )
        return True

    def unknown(self, program: str, message: str, line: int) -> None:
        """Count a line that was not understood, by what is common to its kind."""
        unknown = self.notes.unknown
        shape = f"{program}: {' '.join(WORD.findall(message[:EXAMPLE])[:8])}"
        if shape not in unknown and len(unknown) >= SHAPES:
            shape = "others"
        unknown[shape] = unknown.get(shape, 0) + 1
        self.notes.examples.setdefault(shape, (line, f"{program}: {message[:EXAMPLE]}"))


def bare(message: str) -> tuple[str, int]:
    """A message without what the log daemon put around it, and how often it came."""
    if message.startswith("[ID "):
        message = ID.sub("", message, count=1)
    repeated = REPEATED.fullmatch(message) if message.startswith("message repeated ") else None
    return (repeated["message"], int(repeated["times"])) if repeated else (message, 1)


class Reader:
    """Reads one text log: into a tally, or into events."""

    def __init__(self, log: Log, data: Bytes, setting: Setting, notes: Notes, tally: Tally | None) -> None:
        self.data, self.notes, self.tally = data, notes, tally
        self.teller, self.clock, self.pulse = Teller(notes, tally), Clock(log, data, setting, notes), Pulse(notes)
        self.hosts: Counter[str] = Counter()
        self.came: dict[str, Source] = {}
        """What came to sshd from where, by the address as sshd spells it."""
        self.others = self.beaten = self.width = self.first = 0
        """Lines of other programs and of none, the last one the pulse knows, characters of a stamp, lines before a piece."""
        self.stamp = self.before = ""
        """The stamp of the line before, and the last line of the piece before."""

    def pieces(self) -> Iterator[list[Event]]:
        """Read all, piece by piece; yield the events of each."""
        number = offset = 0
        for lines, sizes in pieces(self.data.chunks(), self.notes):
            number, offset = self.piece(lines, sizes, number, offset)
            self.before = lines[-1]
            if self.width and len(self.hosts) < HOSTS:
                self.hosts.update(line[self.width + 1 :].partition(" ")[0] for line in lines[::SAMPLE])
            self.name()
            if self.tally is not None:
                self.tally.rest()
            yield self.teller.events
            self.teller.events.clear()
        self.pulse.again(number - self.beaten)
        self.pulse.done()
        self.notes.lines, self.notes.of_interest = number, number - self.others
        self.notes.hosts |= {event.host for event in self.tally.kept} if self.tally is not None else set()
        self.notes.hosts |= set(self.hosts)
        self.notes.host = max(self.hosts, key=self.hosts.__getitem__, default="")

    def name(self) -> None:
        """Note which machines a piece has lines of: those that let somebody in or kept him out, and a sample of the others."""
        hosts = self.notes.hosts
        if len(hosts) < HOSTS:
            hosts |= {event.host for event in self.teller.events}
        if self.tally is not None and len(hosts) < HOSTS:
            hosts.update(map(itemgetter(0), self.tally.connections))

    def piece(self, lines: Sequence[str], sizes: Iterable[int], number: int, offset: int) -> tuple[int, int]:
        """Read lines, which begin behind so many others and so many bytes; gives what comes behind them."""
        plain, width, stamp, time, self.first = PLAIN_LINE.fullmatch, self.width, self.stamp, None, number + 1
        tally = self.tally
        match = plain if tally is None else LINE.fullmatch
        for line, size in zip(lines, sizes, strict=True):
            number += 1
            if time is None or line[:width] != stamp:
                time = self.turn(line, number)
                width, stamp = self.width, self.stamp
            found = None if time is None else (match if size < sshd.MAY_END else plain)(line, width)
            if found is None or time is None:
                self.odd(line, time, (number, offset), lines)
            elif tally is not None and (form := FORMS.get(found.lastindex or 0)):
                self.guess(form, found, tally, time, number, offset)
            else:
                self.other(found, At(time, number, offset))
            offset += size + 1
        return number, offset

    def guess(  # noqa: PLR0913, PLR0917 - called for most lines of a log: plain arguments cost least
        self, form: Frequent, found: re.Match[str], tally: Tally, time: int, number: int, offset: int
    ) -> None:
        """Count a line of a form that is frequent."""
        said = form.take(found)
        raw, _port, user, method, host, pid = said
        if raw == sshd.UNKNOWN:
            self.other(PLAIN_LINE.fullmatch(found.string, found.pos), At(time, number, offset))
            return
        tally.connections[host, pid] = said
        tally.count(self.came.get(raw) or self.comes(raw, tally), form.what, user, method, 1, time, number, offset)

    def other(self, found: re.Match[str] | None, at: At) -> None:
        """Take what a line of no frequent form says."""
        host, program, pid, message = found.group("host", "program", "pid", "message") if found else ("", "", "", "")
        if not self.teller.tell(host, program, pid, message, at):
            self.others += 1

    def comes(self, raw: str, tally: Tally) -> Source:
        """What came to sshd from an address that was not looked up lately."""
        if len(self.came) > ADDRESSES:
            self.came.clear()
        return self.came.setdefault(raw, tally.source("sshd", usual(raw) or ""))

    def turn(self, line: str, number: int) -> int | None:
        """The time of a line whose stamp is not that of the line before; None where it is none of the plain ones."""
        width = self.width
        time = self.clock.time(line[:width]) if width and line[width : width + 1] == " " else None
        if time is None:
            found = STAMP.match(line)
            self.width = width = found.end() if found and PLAIN(found.group()) else 0
            time = self.clock.time(line[:width]) if width else None
        self.stamp = line[:width]
        if time is not None:
            self.beat(time, number)
        return time

    def beat(self, time: int, number: int) -> None:
        """Let the pulse know of a line, and of those since it heard last."""
        self.pulse.again(number - self.beaten - 1)
        self.pulse.beat(time, number)
        self.beaten = number

    def odd(self, line: str, time: int | None, place: tuple[int, int], lines: Sequence[str]) -> None:
        """Read a line that is not like most."""
        found, number = STAMP.match(line), place[0]
        if time is None and found:
            time = self.clock.of(found)
            if time is not None:
                self.beat(time, number)
        if time is None:
            self.beaten += 1
            self.notes.malformed += bool(line)
        if not found or time is None or not self.behind(found, At(time, *place), lines):
            self.others += 1

    def behind(self, found: re.Match[str], at: At, lines: Sequence[str]) -> bool:
        """Read what stands behind a stamp; False if it tells nothing of logins."""
        line, end = found.string, found.end()
        if again := LAST.fullmatch(line, end):
            before = self.last_of(again["host"] or "", lines[: max(at.line - self.first, 0)])
            return before is not None and self.teller.tell(*before, at, int(again["times"]))
        for form in (STRUCTURED,) if found["version"] else (PLAIN_LINE, BARE, OF_OLD):
            if rest := form.fullmatch(line, end):
                if len(self.hosts) < HOSTS:
                    self.hosts[rest["host"] or ""] += 1
                host, program, pid, message = rest.group("host", "program", "pid", "message")
                return self.teller.tell(host, program, pid, message or "", at)
        self.notes.malformed += not line.endswith("-- MARK --")
        return False

    def last_of(self, host: str, lines: Sequence[str]) -> tuple[str | None, str, str | None, str] | None:
        """Host, program, pid and message of the last line of a host, to which `last message repeated 3 times` adds."""
        for line in (*reversed(lines[-NEAR:]), self.before):
            found = STAMP.match(line)
            rest = PLAIN_LINE.fullmatch(line, found.end()) if found else None
            if rest and (rest["host"] or "") == host:
                return rest["host"], rest["program"], rest["pid"], rest["message"]
        return None


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
