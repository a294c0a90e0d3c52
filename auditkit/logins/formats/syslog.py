"""Text logs of syslogd, rsyslog, syslog-ng and their like: auth.log, secure, messages, packed ones and central ones too.

Behind the stamp (see stamps.py) stand the host, the program with its pid, and what it said. Lines of guesses, of which a log is
full, go right into the tally, without an event (see counting.py); whoever wants events gets the same ones. A stamp that is that
of the line before is not looked at again.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import compress, islice
from operator import itemgetter, ne

from auditkit.logins.formats.counting import Counts, Spoken, Tag
from auditkit.logins.formats.counting import Piece as Runs
from auditkit.logins.formats.meaning import How
from auditkit.logins.formats.pieces import LONGEST, MARK, Piece, pieces
from auditkit.logins.formats.stamps import PLAIN, STAMP, Clock
from auditkit.logins.formats.teller import At, Teller, may_tell
from auditkit.logins.grammar.forms import usual
from auditkit.logins.journals.pulse import Pulse
from auditkit.logins.nouns import Bytes, Event, Format, Log, Notes, Setting, What
from auditkit.logins.tally import Tally

HOSTS = 4096
"""Names of machines among which the one is searched for that most lines have."""
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
AT_A_TERMINAL = re.compile(
    r" {1,2}(?P<host>\S+) {1,2}(?P<program>(?:login )?-- \S+)\[(?P<pid>[0-9]+)\]: (?P<message>.*)", re.DOTALL
)
"""` -- root[2421]: ROOT LOGIN ON tty2`: login of util-linux, which calls itself so to hide its arguments."""
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
LAST = re.compile(rf" (?:<{LEVEL}> )?(?:(?P<host>\S+) )?(?:--- )?last message repeated (?P<times>[0-9]{{1,9}}) times?(?: ---)?")
TITLE = re.compile(r"[^:\[]{1,64} \[priv\]\[([0-9]{1,9})\]: ").match
"""`sshd: anna [priv][421]: ...`: the title of a process with its pid, as macOS has it for a name."""
NOISE = What.NOISE
PASSED, OTHER = How.PASSED, How.OTHER


def titled(message: str) -> str | None:
    """The pid that stands behind the title of a process."""
    title = TITLE(message) if "[priv]" in message[:80] else None
    return title[1] if title else None


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
        """The stamp of the line before with what stands behind it, and the last line of the piece before."""
        self.lines: Callable[[], Sequence[str]] = list
        """Gives the lines of the piece that is read."""

    def pieces(self) -> Iterator[list[Event]]:
        """Read all, piece by piece; yield the events of each."""
        number = offset = 0
        for piece in pieces(self.data.chunks(), self.notes):
            self.first, host = number + 1, self.learned(piece.text)
            if self.counts is None:
                number, offset = self.piece(piece.lines(), piece.lengths(), number, offset)
            else:
                number, offset = self.counted(piece, host, offset, self.counts)
            self.before = piece.text.rpartition("\n")[2]
            if self.tally is not None:
                self.tally.rest()
            if len(self.notes.hosts) < HOSTS:
                self.notes.hosts |= {event.host for event in self.teller.events}
            yield self.teller.events
            self.teller.events.clear()
        if self.counts:
            self.counts.settle()
            self.others += self.counts.others
        self.pulse.again(number - self.beaten)
        self.pulse.done()
        self.notes.lines, self.notes.of_interest = number, number - self.others
        self.notes.hosts |= {event.host for event in self.tally.kept} if self.tally is not None else set()
        self.notes.hosts |= set(self.hosts)
        self.notes.host = max(self.hosts, key=self.hosts.__getitem__, default="")

    def piece(self, lines: Sequence[str], sizes: Iterable[int], number: int, offset: int) -> tuple[int, int]:
        """Read lines, which begin behind so many others and so many bytes; gives what comes behind them."""
        plain, self.lines = None, lambda: lines
        for line, size in zip(lines, sizes, strict=True):
            number += 1
            if plain is None or line[: self.width + 1] != self.stamp:
                plain = self.turn(line, number)
            time = self.unlike(line, number) if plain is None else plain
            self.tell(self.one(line, (number, offset), time, plain is not None))
            offset += size + 1
        self.sample(lines[::SAMPLE])
        return number, offset

    def counted(self, given: Piece, host: str, offset: int, counts: Counts) -> tuple[int, int]:
        """The same for the tally: what many say is understood once, and the rest is read line by line."""
        self.lines = given.lines
        piece = Runs(counts, given.text, self.width, host, single=given.sizes is not None)
        piece.placed(offset, given.sizes)
        times, unlike = self.times(piece)
        apart = sorted({*piece.apart(), *unlike})
        alone = list(self.apart(apart, piece, times, unlike, counts))
        asking = piece.asking(apart, alone)
        more = sorted(piece.of(asking).difference(apart))
        if more:
            alone = sorted((*alone, *self.apart(more, piece, times, unlike, counts)), key=itemgetter(0))
        for one in alone:
            self.tell(one)
        piece.count(counts, {*apart, *more}, asking, times, self.first)
        self.met(piece, alone, counts)
        counts.rest()
        return self.first + piece.numbers[-1] - 1, piece.offsets[-1]

    def learned(self, text: str) -> str:
        """The machine that most lines are of, if they are written as most are; notes how long their stamps are."""
        starts = {text.find("\n", at) + 1 for at in range(0, len(text), len(text) // SAMPLE + 1)} | {0}
        sample = [text[start : start + LONGEST].partition("\n")[0] for start in sorted(starts)]
        stamps = (STAMP.match(line) for line in sample)
        widths = Counter(stamp.end() for stamp in stamps if stamp and PLAIN(stamp.group()))
        self.width = max(widths, key=widths.__getitem__, default=self.width)
        hosts = Counter(line[self.width + 1 :].partition(" ")[0] for line in sample)
        host = max(hosts, key=hosts.__getitem__)
        found = PLAIN_LINE.fullmatch(f" {host} x[1]: ")
        return host if self.width and found and found["host"] == host else ""

    def times(self, piece: Runs) -> tuple[list[int], dict[int, list[int | None]]]:
        """When each run was written; of those that are not written as most are, each line. Lets the pulse know of all."""
        stamps, numbers = piece.stamps, piece.numbers
        times, unlike = self.clock.times(stamps, self.width), dict[int, list[int | None]]()
        if times:
            turns = [0, *compress(range(1, len(times)), map(ne, times, islice(times, 1, None)))]
            beaten = [self.first + numbers[at] for at in turns]
            self.pulse.beats([times[at] for at in turns], beaten, self.first - self.beaten - 1)
            self.beaten = beaten[-1]
        for at in range(len(times), len(stamps)):
            known = self.clock.times(stamps[at : at + 1], self.width)
            if known:
                self.beat(known[0], self.first + numbers[at])
            else:
                lines = enumerate(piece.words(at).split("\n"), self.first + numbers[at])
                unlike[at] = [self.unlike(line, number) for number, line in lines]
            times += known or [0]
        return times, unlike

    def apart(
        self,
        which: Iterable[int],
        piece: Runs,
        times: Sequence[int],
        unlike: Mapping[int, Sequence[int | None]],
        counts: Counts,
    ) -> Iterator[Spoken]:
        """Yield what is said in runs that are read line by line; what is noise, or of others, is only counted."""
        for at in which:
            program, pid, time = piece.programs[at], piece.pids[at], times[at]
            places = piece.places(at, self.first)
            found: Iterable[Spoken | None]
            if at in unlike:
                lines = zip(piece.words(at).split("\n"), places, unlike[at], strict=True)
                found = (self.one(line, place, of_line, plain=False) for line, place, of_line in lines)
            elif program and (alone := piece.says[at].alone) is not None and (came := piece.cames[at]):
                self.others += piece.says[at].foreign
                counts.tally.passed[NOISE] += piece.says[at].passed
                name, address, port = piece.names[at], came.address, int(piece.ports[at] or 0) or None
                found = [
                    Spoken(places[one.line], time, piece.host, program, pid, "", 1, one.said(name, address, port))
                    for one in alone
                ]
            elif program:
                tag = Tag(piece.host, program, counts.known[program][0])
                said = zip(piece.messages(at), places, strict=True)
                found = (self.meant(tag, pid, message, place, time, counts) for message, place in said)
            else:
                found = (self.alike(piece.words(at), places[0], time, counts),)
            yield from filter(None, found)

    def alike(self, line: str, place: tuple[int, int], time: int, counts: Counts) -> Spoken | None:
        """What is said in a line whose stamp is written as most are; None if it was counted."""
        head, _, message = line.partition("]: ")
        words, _, pid = head.rpartition("[")
        tag = self.tag(words, counts) if message and pid.isdecimal() else None
        return self.meant(tag, pid, message, place, time, counts) if tag else self.one(line, place, time, plain=True)

    def meant(  # noqa: PLR0913, PLR0917 - called for many lines of a log: plain arguments cost least
        self, tag: Tag, pid: str, message: str, place: tuple[int, int], time: int, counts: Counts
    ) -> Spoken | None:
        """What a message says; None if it is noise, or its program tells nothing of logins, which is counted."""
        meaning, address, port = tag.means(message)
        how, told = meaning.how, meaning.told
        if how is PASSED and told:
            counts.tally.passed[NOISE] += told.times
        elif how is OTHER:
            self.others += 1
        else:
            said = meaning.said(usual(address), int(port) if port else None) if address else told
            return Spoken(place, time, tag.host, tag.program, pid, message, 1, said)
        return None

    def tell(self, spoken: Spoken) -> None:
        """Take what one line says; what it means may be known, but for its address and port."""
        (line, offset), time, host, program, pid, message, times, said = spoken
        if not program:
            self.others += 1
            self.malformed(message, line, host)
        elif said:
            self.teller.take(said, host, program, pid, At(time, line, offset))
        elif not self.teller.tell(host, program, pid, message, At(time, line, offset), times):
            self.others += 1

    def met(self, piece: Runs, alone: Iterable[Spoken], counts: Counts) -> None:
        """Note which machines let somebody in or kept him out, and a sample of the others."""
        hosts, knows = self.notes.hosts, counts.tally.knows
        if len(hosts) < HOSTS:
            hosts.update(one.host for one in alone if one.pid and knows(one.host, one.pid))
            hosts.update((piece.host,) if piece.last else ())
        if not piece.host:
            self.sample(self.lines()[::SAMPLE])
            return
        numbers = enumerate(piece.numbers[:-1])
        rest = [piece.words(at) for at, number in numbers if number % SAMPLE == 0 and not piece.programs[at]]
        self.sample(rest)
        self.hosts[piece.host] += -(-piece.numbers[-1] // SAMPLE) - len(rest)

    def sample(self, lines: Iterable[str]) -> None:
        """Note what stands where most lines have the name of their machine."""
        if self.width and len(self.hosts) < HOSTS:
            self.hosts.update(line[self.width + 1 :].partition(" ")[0] for line in lines)

    def tag(self, words: str, counts: Counts) -> Tag | None:
        """Who writes lines with these words between the stamp and the pid; None where they are not written as most are."""
        words = words[self.width :]
        tag = counts.tags.get(words)
        if tag is None and (found := PLAIN_LINE.fullmatch(f"{words}[1]: ")) and found["pid"] == "1" and not found["message"]:
            tag = counts.tag(words, found["host"] or "", found["program"])
        return tag

    def one(self, line: str, place: tuple[int, int], time: int | None, plain: bool) -> Spoken:
        """What a line says, by itself: `plain` is whether its stamp is written as most are.

        One that cannot be read is of no program; in place of the host stands why.
        """
        if plain and (found := PLAIN_LINE.fullmatch(line, self.width)):
            pid = found["pid"] or titled(found["message"])
            return Spoken(place, time or 0, found["host"] or "", found["program"], pid, found["message"])
        stamp = STAMP.match(line)
        if stamp and time is not None:
            return self.behind(stamp, place, time)
        why = "no time" if time is None and not stamp else "no time that can be" if time is None else ""
        return Spoken(place, 0, why, "", None, line)

    def turn(self, line: str, number: int) -> int | None:
        """The time of a line whose stamp is not that of the line before; None where it is none of the plain ones."""
        width = self.width
        time = self.clock.time(line[:width]) if width and line[width : width + 1] == " " else None
        if time is None:
            found = STAMP.match(line)
            self.width = width = found.end() if found and PLAIN(found.group()) else 0
            time = self.clock.time(line[:width]) if width else None
        self.stamp = line[: width + 1]
        if time is not None:
            self.beat(time, number)
        return time

    def beat(self, time: int, number: int) -> None:
        """Let the pulse know of a line, and of those since it heard last."""
        self.pulse.beat(time, number, again=number - self.beaten - 1)
        self.beaten = number

    def unlike(self, line: str, number: int) -> int | None:
        """The time of a line whose stamp is not written as most are."""
        stamp = STAMP.match(line)
        time = self.clock.of(stamp) if stamp else None
        if time is None:
            self.beaten += 1
        else:
            self.beat(time, number)
        return time

    def behind(self, stamp: re.Match[str], place: tuple[int, int], time: int) -> Spoken:
        """What stands behind a stamp."""
        line, end = stamp.string, stamp.end()
        if again := LAST.fullmatch(line, end):
            before = self.last_of(again["host"] or "", self.lines()[: max(place[0] - self.first, 0)])
            return Spoken(place, time, *before, int(again["times"])) if before else Spoken(place, time, "", "", None, line)
        for form in (STRUCTURED,) if stamp["version"] else (PLAIN_LINE, BARE, OF_OLD, AT_A_TERMINAL, LOOSE):
            if rest := form.fullmatch(line, end):
                if len(self.hosts) < HOSTS:
                    self.hosts[rest["host"] or ""] += 1
                host, program, pid, message = rest.group("host", "program", "pid", "message")
                return Spoken(place, time, host or "", program, pid, message or "")
        return Spoken(place, time, "no program", "", None, line[end:].lstrip(" "))

    def malformed(self, line: str, number: int, why: str) -> None:
        """Count a line that cannot be read, and show it if it may tell of a login all the same."""
        if not why or not line or HEADINGS(line):
            return
        self.notes.malformed += 1
        if may_tell(line):
            self.teller.unknown(f"({why})", line, number)
        elif len(line) >= LONGEST:
            self.teller.unknown("(longer than any)", "may tell of a login: its end was not looked at", number)

    def last_of(self, host: str, lines: Sequence[str]) -> tuple[str, str, str | None, str] | None:
        """Host, program, pid and message of the last line of a host, to which `last message repeated 3 times` adds."""
        for line in (*reversed(lines[-NEAR:]), self.before):
            found = STAMP.match(line)
            rest = PLAIN_LINE.fullmatch(line, found.end()) or LOOSE.fullmatch(line, found.end()) if found else None
            if rest and (rest["host"] or "") == host:
                return host, rest["program"], rest["pid"], rest["message"]
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
