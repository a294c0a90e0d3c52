"""Text logs of syslogd, rsyslog, syslog-ng and their like: auth.log, secure, messages, packed ones and central ones too.

Behind the stamp (see stamps.py) stand the host, the program with its pid, and what it said. Lines of guesses, of which a log is
full, go right into the tally, without an event (see counting.py); whoever wants events gets the same ones. A stamp that is that
of the line before is not looked at again.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple

from auditkit.logins.formats.counting import BEFORE_PORT, LONGEST_PORT, NUMERALS, Came, Counts, How, Meaning, Tag, told_of
from auditkit.logins.formats.pieces import LONGEST, MARK, pieces
from auditkit.logins.formats.stamps import PLAIN, STAMP, Clock
from auditkit.logins.grammar.wrapped import bare
from auditkit.logins.journals.pulse import Pulse
from auditkit.logins.nouns import NOBODY, Bytes, Event, Format, Log, Notes, Said, Setting, What
from auditkit.logins.tally import SERVICES, TALLIED, Tally

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
NAMES = re.compile(r"(?:^|/)(?:auth|authlog|secure|messages|syslog|daemon|sshd)(?:\.log)?(?:[-.][-0-9.]+)?(?:\.\w+)?$").search
"""Names of text logs: known even where zeros are all that is left of them."""
MESSAGE = r"(?:(?P<host>[^ ]+) )??(?P<program>[^ :\[]+)(?:\[(?P<pid>[^\] ]*)\])?:(?: |$|(?=\[))(?P<message>.*)"
PLAIN_LINE = re.compile(f" {MESSAGE}", re.DOTALL)
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
LEVEL = (
    r"(?:(?:[a-z]+[0-7]?|[0-9]+)\.|[a-z]+(?:\|[a-z]+)?:)"
    r"(?:emerg|panic|alert|crit|err|error|warning|warn|notice|info|debug|[0-7])"
)
"""`auth.info`; of AIX `auth|security:info`."""
LOOSE = re.compile(
    rf" {{1,2}}(?:<{LEVEL}> )?(?:(?P<host>[^ ]+) {{1,2}})??(?:<?{LEVEL}>? )?"
    r"(?P<program>[^ :\[]+)(?:\[(?P<pid>[^\] ]*)\])?:(?: |$|(?=\[))(?P<message>.*)",
    re.DOTALL,
)
"""With facility and level, as syslogd of busybox has them behind the host and that of FreeBSD before it, if it is asked to."""
HEADINGS = re.compile(r"-- .* --|-- (?:Journal|Logs) beg[ai]ns? .*|.*-- MARK --").fullmatch
"""Lines of journalctl and syslogd that are of no program."""
MAY_TELL = re.compile(
    r"(?! ).*?(?:\b(?:Accepted|Failed) [\w/-]{1,40} for |session opened for user|\bsshd(?:-session)?(?:\[|: ))",
    re.DOTALL,
).match
"""A line that cannot be read, and may tell of a login all the same; what goes on with the one before begins with a blank."""
LAST = re.compile(rf" (?:<{LEVEL}> )?(?:(?P<host>\S+) )?(?:--- )?last message repeated (?P<times>[0-9]{{1,9}}) times?(?: ---)?")
WORD = re.compile(r"[A-Za-z][a-z'_-]*[:;,.]?")


NOISE = What.NOISE
COUNTED, PASSED, OTHER, ASKS = How.COUNTED, How.PASSED, How.OTHER, How.ASKS


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
        told = told_of(program, message)
        if told is None:
            return False
        if told.what is What.UNKNOWN:
            self.unknown(program, bare(message)[0], at.line)
        self.take(told, told.address, told.port, host or "", program, pid, at, times)
        return True

    def take(  # noqa: PLR0913, PLR0917 - as above
        self,
        told: Said,
        address: str | None,
        port: int | None,
        host: str,
        program: str,
        pid: str | None,
        at: At,
        times: int = 1,
    ) -> None:
        """Take what is said, but for address and port, which may be others."""
        tally, (time, line, offset) = self.tally, at
        what, user, _address, _port, method, key, each, detail, actor = told
        times *= each
        if tally is not None and what is NOISE:
            tally.passed[NOISE] += times
        elif tally is not None and what in TALLIED:
            if pid and pid.isdecimal():
                address, port, user = tally.connection(host, pid, address, port, user)
            source = tally.source(SERVICES.get(program, program), address or "")
            tally.count(source, what, user, method, times, time, line, offset)
            if detail in NOBODY:
                tally.nobody(user)
        else:
            number = int(pid) if pid and pid.isdecimal() and len(pid) < DIGITS else None
            said = what, time, host, program, number, user, address, port, method, key, times, detail, line, offset, actor
            (self.events.append if tally is None else tally.add)(Event(*said))

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
        self.counts = Counts(tally) if tally is not None else None
        self.others = self.beaten = self.width = self.first = 0
        """Lines of other programs and of none, the last one the pulse knows, characters of a stamp, lines before a piece."""
        self.stamp = self.before = ""
        """The stamp of the line before, and the last line of the piece before."""

    def pieces(self) -> Iterator[list[Event]]:
        """Read all, piece by piece; yield the events of each."""
        number = offset = 0
        for lines, sizes in pieces(self.data.chunks(), self.notes):
            self.first = number + 1
            if self.counts is None:
                number, offset = self.piece(lines, sizes, number, offset)
            else:
                number, offset = self.counted(lines, sizes, offset, self.counts)
            self.before = lines[-1]
            if self.width and len(self.hosts) < HOSTS:
                self.hosts.update(line[self.width + 1 :].partition(" ")[0] for line in lines[::SAMPLE])
            self.name()
            if self.tally is not None:
                self.tally.rest()
            yield self.teller.events
            self.teller.events.clear()
        if self.counts:
            self.counts.settle_all()
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
        time = None
        for line, size in zip(lines, sizes, strict=True):
            number += 1
            if time is None or line[: self.width] != self.stamp:
                time = self.turn(line, number)
            self.one(line, time, (number, offset), lines)
            offset += size + 1
        return number, offset

    def counted(self, lines: Sequence[str], sizes: Iterable[int], offset: int, counts: Counts) -> tuple[int, int]:
        """The same for the tally: what is common to many lines is understood once, and the rest is read one by one."""
        first, starts = self.first, list(accumulate(sizes, initial=offset))
        tag: Tag | None = None
        time, tagged, times, passed = None, "", [], 0
        for at, line in enumerate(lines):
            head, _, message = line.partition("]: ")
            words, _, pid = head.rpartition("[")
            if tag is None or words != tagged:
                if time is None or line[: self.width] != self.stamp:
                    time = self.turn(line, first + at)
                tagged, tag = words, None if time is None else self.tag(words, counts)
            times.append(time or 0)
            if tag is None or not message or not pid.isdecimal():
                counts.settle_all()
                self.one(line, time, (first + at, starts[at] + at), lines)
                continue
            before, _, tail = message.partition(BEFORE_PORT)
            if tail and 0 < len(tail) - len(behind := tail.lstrip(NUMERALS)) <= LONGEST_PORT:
                before, _, raw = before.rpartition(" ")
                key = before, behind
                meaning, came = tag.known.get(key) or counts.meaning(tag, key), counts.came.get(raw) or counts.comes(raw)
                if came and meaning.how is COUNTED:
                    came.meanings.append(meaning)
                    came.places.append(at)
                    tag.spoke[pid] = came, meaning, tail
                    continue
            else:
                meaning, came, behind = tag.known.get(message) or counts.meaning(tag, message), None, tail
                if meaning.how is PASSED and meaning.told:
                    passed += meaning.told.times
                    continue
                if meaning.how is OTHER:
                    self.others += 1
                    continue
                if meaning.how is ASKS and counts.asked(tag, pid, meaning, at):
                    continue
            counts.settle(tag.host, pid)
            port, place = tail[: len(tail) - len(behind)], At(time or 0, first + at, starts[at] + at)
            self.alone(tag, pid, message, (meaning, came, port), place)
        if passed:
            counts.tally.passed[NOISE] += passed
        counts.fold(times, starts, first)
        return first + len(lines) - 1, starts[-1] + len(lines)

    def alone(self, tag: Tag, pid: str, message: str, means: tuple[Meaning, Came | None, str], at: At) -> None:
        """Take what one line says that is written as most are; what it means may be known, but for its address and port."""
        meaning, came, port = means
        told = meaning.told
        if told and came:
            self.teller.take(told, came.address, int(port), tag.host, tag.program, pid, at)
        elif told and not port:
            self.teller.take(told, told.address, told.port, tag.host, tag.program, pid, at)
        elif not self.teller.tell(tag.host, tag.program, pid, message, at):
            self.others += 1

    def tag(self, words: str, counts: Counts) -> Tag | None:
        """Who writes lines with these words between the stamp and the pid; None where they are not written as most are."""
        words = words[self.width :]
        tag = counts.tags.get(words)
        if tag is None and (found := PLAIN_LINE.fullmatch(f"{words}[1]: ")) and found["pid"] == "1" and not found["message"]:
            tag = counts.tag(words, found["host"] or "", found["program"])
        return tag

    def one(self, line: str, time: int | None, place: tuple[int, int], lines: Sequence[str]) -> None:
        """Take what a line says, by itself."""
        found = None if time is None else PLAIN_LINE.fullmatch(line, self.width)
        if found is None or time is None:
            self.odd(line, time, place, lines)
        elif not self.teller.tell(found["host"], found["program"], found["pid"], found["message"], At(time, *place)):
            self.others += 1

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
        self.pulse.beat(time, number, again=number - self.beaten - 1)
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
            self.malformed(line, number, "no time" if not found else "no time that can be")
        if not found or time is None or not self.behind(found, At(time, *place), lines):
            self.others += 1

    def behind(self, found: re.Match[str], at: At, lines: Sequence[str]) -> bool:
        """Read what stands behind a stamp; False if it tells nothing of logins."""
        line, end = found.string, found.end()
        if again := LAST.fullmatch(line, end):
            before = self.last_of(again["host"] or "", lines[: max(at.line - self.first, 0)])
            return before is not None and self.teller.tell(*before, at, int(again["times"]))
        for form in (STRUCTURED,) if found["version"] else (PLAIN_LINE, BARE, OF_OLD, LOOSE):
            if rest := form.fullmatch(line, end):
                if len(self.hosts) < HOSTS:
                    self.hosts[rest["host"] or ""] += 1
                host, program, pid, message = rest.group("host", "program", "pid", "message")
                return self.teller.tell(host, program, pid, message or "", at)
        self.malformed(line[end:].lstrip(" "), at.line, "no program")
        return False

    def malformed(self, line: str, number: int, why: str) -> None:
        """Count a line that cannot be read, and show it if it may tell of a login all the same."""
        if not line or HEADINGS(line):
            return
        self.notes.malformed += 1
        if MAY_TELL(line):
            self.teller.unknown(f"({why})", line, number)
        elif len(line) >= LONGEST:
            self.teller.unknown("(longer than any)", "may tell of a login: its end was not looked at", number)

    def last_of(self, host: str, lines: Sequence[str]) -> tuple[str | None, str, str | None, str] | None:
        """Host, program, pid and message of the last line of a host, to which `last message repeated 3 times` adds."""
        for line in (*reversed(lines[-NEAR:]), self.before):
            found = STAMP.match(line)
            rest = PLAIN_LINE.fullmatch(line, found.end()) or LOOSE.fullmatch(line, found.end()) if found else None
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
    lines = beginning.removeprefix(MARK).replace(b"\0", b"").decode("utf-8", "replace").split("\n")[:20]
    return any(map(STAMP.match, lines)) or NAMES(name) is not None


FORMAT = Format("syslog", "text log", "text", recognises, read, count)
