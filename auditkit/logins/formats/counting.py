"""Counts what a text log is full of, lines of guesses, without an event of each: a piece of the log at a time, run by run.

Runs of sshd whose shape is known to be counted, or to be noise, are counted together: by address and shape. A run that says
anything else is read line by line, and so is each of a process that such a one is of, in their order: a line may ask what its
connection said before. What a line of PAM would ask its connection for, its user, was named with its address by then.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, compress, count
from operator import attrgetter
from re import compile as pattern
from typing import NamedTuple

from auditkit.logins.formats.meaning import CUT, SSHD, Meaning, Meanings
from auditkit.logins.formats.runs import NAME
from auditkit.logins.formats.sequences import Sequence as Says
from auditkit.logins.formats.sequences import Sequences
from auditkit.logins.formats.templates import Templates
from auditkit.logins.grammar.forms import usual
from auditkit.logins.nouns import Said, What
from auditkit.logins.tally import ADDRESSES, EXAMPLES, HOUR, NAMES, Source, Tally

TAGS = 4096
"""Names of machines and programs that are remembered from one piece to the next."""
ADDRESS = pattern(r"[0-9a-f.:]{2,45}").fullmatch
TOLD = 1 << 15
"""Addresses with what came from them that are counted before it is added up."""
PORTED, ASKS, LINES = attrgetter("ported"), attrgetter("asks"), attrgetter("lines")
NOISE = What.NOISE


class Met(NamedTuple):
    """A run, and which of its lines are counted."""

    number: int
    offset: int
    text: str
    lines: Sequence[int]

    def places(self) -> list[tuple[int, int]]:
        """Number of each of these lines, and how many bytes stand before it."""
        number, offset, text, lines = self
        if len(lines) == 1 and lines[0] == 0:
            return [(number, offset)]
        starts = list(accumulate((len(line) + 1 for line in text.split("\n")), initial=offset))
        return [(number + line, starts[line]) for line in lines]


@dataclass(slots=True, eq=False)
class Came:
    """What came to sshd from one address: which runs of a piece, and the last ones of those before it."""

    address: str
    order: int
    """How many were met before it."""
    source: Source | None = None
    runs: list[int] = field(default_factory=list)
    latest: list[Met] = field(default_factory=list)

    def of(self, tally: Tally) -> Source:
        """What came from there so far."""
        if self.source is None:
            self.source = tally.source("sshd", self.address)
        return self.source


class Tag(NamedTuple):
    """Who writes, by what stands between the stamp and the pid of a line."""

    host: str
    program: str
    known: Meanings
    """What the program says."""

    def means(self, message: str) -> tuple[Meaning, str, str]:
        """What a message means, and the address and the port that were cut out of it."""
        cut = CUT(message) if self.program in SSHD else None
        before, _pam, address, port, behind = cut.groups("") if cut else ("", "", "", "", message)
        return self.known[before, behind], address, port


class Spoken(NamedTuple):
    """A line that is read by itself."""

    place: tuple[int, int]
    """Its number, and how many bytes stand before it."""
    time: int
    host: str
    program: str
    pid: str | None
    message: str
    times: int = 1
    """How often it came."""
    said: Said | None = None
    """What it says, where that is known."""


class Cames(dict[str, Came | None]):
    """Each address, as lines have it, to what came from there; None where it is none, but the name of a machine."""

    def __missing__(self, raw: str) -> Came | None:
        address = usual(raw) or ""
        named = raw and (not ADDRESS(raw) or (address[-1:].isalpha() and ":" not in address))
        came = self[raw] = None if named else Came(address, len(self)) if address == raw else self[address]
        return came


class Known(dict[str, tuple[Meanings, Sequences]]):
    """What lines of each program say, and runs of them."""

    def __missing__(self, program: str) -> tuple[Meanings, Sequences]:
        like = "sshd" if program in SSHD else program
        meanings = Meanings(like)
        known = self[program] = self[like] if like != program else (meanings, Sequences(meanings))
        return known


class Counts:
    """What is remembered from one piece of a log to the next."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.tags: dict[str, Tag] = {}
        known = self.known = Known()
        self.templates = Templates(lambda program, text: known[program][1][text])  # of `self` it would be a circle
        self.cames = Cames()
        self.others = 0
        """Lines of programs that tell nothing of logins."""
        self._told: Counter[tuple[Came | None, Says]] = Counter()
        """Runs that are counted, by where they came from and what they say: what that adds up to is asked at the end."""

    def tag(self, words: str, host: str, program: str) -> Tag:
        """Who writes."""
        tag = self.tags[words] = Tag(host, program, self.known[program][0])
        return tag

    def rest(self) -> None:
        """Keep what is remembered bounded."""
        if len(self.tags) > TAGS or len(self.known) > TAGS:
            self.tags.clear()
            self.known.clear()
        if len(self.cames) > ADDRESSES:
            self.settle()
            self.cames = Cames()

    def tell(self, runs: Iterable[tuple[Came | None, Says]]) -> None:
        """Count what runs say, but for when and where it was, and of whom."""
        self._told.update(runs)
        if len(self._told) > TOLD:
            self._add()

    def settle(self) -> None:
        """Let the tally know what was told, and where the last lines from each address stand."""
        self._add()
        for came in self.cames.values():
            if came and came.latest:
                first = came.latest[0].number
                came.of(self.tally).met_among([place for one in came.latest for place in one.places()][-EXAMPLES:], first)
                came.latest = []

    def _add(self) -> None:
        for (came, says), often in self._told.items():
            self.tally.passed[NOISE] += says.passed * often
            self.others += says.foreign * often
            if came and says.met:
                says.sums.add(came.of(self.tally), often)
        self._told.clear()


class Piece:
    """The runs of a piece of a log."""

    def __init__(self, counts: Counts, text: str, width: int, host: str, *, single: bool) -> None:
        self.tally, self.text, self.host = counts.tally, text, host
        self.starts, self.says, rows = counts.templates.cut(text, width, host, single=single)
        self.stamps, self.programs, self.pids, addresses, self.ports, self.names = zip(*rows, strict=True)
        self.cames = list(map(counts.cames.__getitem__, addresses))
        self.numbers = list(accumulate(map(LINES, self.says), initial=0))
        """How many lines of the piece stand before each run."""

    def placed(self, offset: int, sizes: Iterable[int] | None) -> None:
        """Note how many bytes stand before each run: `sizes` are those of lines, where characters are none."""
        if sizes is None:
            self.offsets = [offset + start for start in (*self.starts, len(self.text) + 1)]
        else:
            self.offsets = list(accumulate([size + 1 for size in sizes], initial=offset))

    def apart(self) -> list[int]:
        """Which runs are read line by line, whatever the others say."""
        return [at for at, (says, came) in enumerate(zip(self.says, self.cames, strict=True)) if says.apart or came is None]

    def asking(self, apart: Iterable[int], alone: Iterable[Spoken]) -> set[str]:
        """Processes that are read line by line: one line of theirs is, or PAM names another address than it."""
        pids, cames, host = self.pids, self.cames, self.host
        found = {pids[at] for at in apart}
        found.discard("")
        of_lines = {one.pid for one in alone if one.pid and one.host == host}
        found.update(pid for one in of_lines if one.isdecimal() for pid in (one, str(int(one))))
        last = self.last = dict(compress(zip(pids, count()), map(PORTED, self.says)))
        asking = list(compress(count(), map(ASKS, self.says)))
        found.update(pids[at] for at in asking if cames[at] is not cames[last.setdefault(pids[at], at)])
        return found | self.tally.known(host, map(pids.__getitem__, asking))

    def of(self, processes: Collection[str]) -> set[int]:
        """Which runs are of these processes."""
        return {at for at, pid in enumerate(self.pids) if pid in processes} if processes else set()

    def count(self, counts: Counts, alone: Collection[int], asking: Collection[str], times: Sequence[int], first: int) -> None:
        """Fold all runs but some into the tally, which are those of some processes among others.

        `times` are those of the runs, and `first` is the number of the first line.
        """
        chosen = [True] * len(self.says)
        for at in alone:
            chosen[at] = False
        met: list[Came] = []
        for at, came, says in compress(zip(count(), self.cames, self.says), chosen):
            if says.met and came:
                if not came.runs:
                    met.append(came)
                came.runs.append(at)
        for came in sorted(met, key=attrgetter("order")):
            source = came.of(self.tally)
            self._add(came, source, times)
            self._met(came, source, times, first)
        counts.tell(compress(zip(self.cames, self.says, strict=True), chosen))
        self._nobody(chosen)
        self._connect(asking)

    def _add(self, came: Came, source: Source, times: Sequence[int]) -> None:
        """Count the guesses from an address by hour and name."""
        hours, names, cut = source.hours, source.names, self.names
        for at, says in [(at, self.says[at]) for at in came.runs]:
            if says.guesses:
                hour = times[at] // HOUR
                hours[hour] = hours.get(hour, 0) + says.guesses
            for user, guesses in says.names:
                name = cut[at] if user is None else user
                if name in names:
                    names[name] += guesses
                else:
                    source.named(name, guesses)

    def _nobody(self, chosen: Sequence[bool]) -> None:
        """Note of which names there is no account."""
        told = compress(zip(self.names, self.says, strict=True), chosen)
        nobody = [name if user is None else user for name, says in told if says.met for user in says.sums.unknown]
        if len(self.tally.unknown) + len(nobody) <= NAMES:
            self.tally.unknown.update(nobody)
        else:
            for user in nobody:
                self.tally.nobody(user)

    def _met(self, came: Came, source: Source, times: Sequence[int], first: int) -> None:
        """Note when and where the lines from an address stand; where the last ones do, is only looked at when all is read."""
        at, came.runs = came.runs, []
        of_runs = [times[run] for run in at]
        source.within(min(of_runs), max(of_runs))
        if len(source.early) < EXAMPLES or source.early[-1][0] >= first:
            begins = [place for run in at[:EXAMPLES] for place in self._met_in(run, first).places()][:EXAMPLES]
            ends = [place for run in at[-EXAMPLES:] for place in self._met_in(run, first).places()][-EXAMPLES:]
            source.met_among(sorted({*begins, *ends}), first)
        else:
            number = lines = 0
            while lines < EXAMPLES and number < len(at):  # as many of the last runs as have so many lines
                number += 1
                lines += len(self.says[at[-number]].met)
            latest = [self._met_in(run, first) for run in at[-number:]]
            came.latest = latest if lines >= EXAMPLES else [*came.latest, *latest][-EXAMPLES:]

    def _met_in(self, at: int, first: int) -> Met:
        return Met(first + self.numbers[at], self.offsets[at], self.words(at), self.says[at].met)

    def words(self, at: int) -> str:
        """The lines of a run."""
        starts = self.starts
        return self.text[starts[at] : starts[at + 1] - 1 if at + 1 < len(starts) else None]

    def places(self, at: int, first: int) -> Sequence[tuple[int, int]]:
        """Number of each line of a run, and how many bytes stand before it; `first` is the number of the first line of all."""
        number, offset, lines = first + self.numbers[at], self.offsets[at], self.says[at].lines
        return [(number, offset)] if lines == 1 else Met(number, offset, self.words(at), range(lines)).places()

    def messages(self, at: int) -> Sequence[str]:
        """What each line of a run says."""
        lines = self.words(at).split("\n")
        before = len(self.stamps[at]) + len(self.host) + (1 if self.host else 0) + len(self.programs[at]) + len(self.pids[at])
        return [line[before + len("[]: ") :] for line in lines]

    def _connect(self, asking: Collection[str]) -> None:
        """Let the tally know what each connection said last, but for those that are read line by line."""
        known, host = self.tally.connections, self.host
        for pid, at in self.last.items():
            came, says = self.cames[at], self.says[at]
            if pid not in asking and came:
                port = self.ports[at] if says.ported else ""
                known[host, pid] = came.address, port, self.names[at] if says.user is NAME else says.user
