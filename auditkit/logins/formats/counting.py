"""Counts what a text log is full of, lines of guesses, without an event of each: a piece of the log at a time, run by run.

Runs of sshd whose shape is known to be counted, or to be noise, are counted together: by address and shape. A run that says
anything else is read line by line, and so is each of a process that such a one is of, in their order: a line may ask what its
connection said before. What a line of PAM would ask its connection for, its user, was named with its address by then.
"""

from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, compress
from operator import attrgetter
from re import compile as pattern
from typing import NamedTuple

from auditkit.logins.formats.meaning import CUT, SSHD, Meaning, Meanings, own_words
from auditkit.logins.formats.runs import NAME, PlainNames, Run, messages, runs, shape
from auditkit.logins.formats.sequences import Sequence as Says
from auditkit.logins.formats.sequences import Sequences
from auditkit.logins.grammar.forms import usual
from auditkit.logins.nouns import What
from auditkit.logins.tally import ADDRESSES, EXAMPLES, HOUR, Source, Tally

TAGS = 4096
"""Names of machines and programs that are remembered from one piece to the next."""
ADDRESS = pattern(r"[0-9a-f.:]{2,45}").fullmatch
NOISE = What.NOISE
NOT_CUT = Says(1, ())
"""What a line says that is not written as most are."""


class Met(NamedTuple):
    """A run, and which of its lines are counted."""

    number: int
    offset: int
    run: Run
    lines: Sequence[int]

    def places(self) -> list[tuple[int, int]]:
        """Number of each of these lines, and how many bytes stand before it."""
        number, offset, run, lines = self
        if len(lines) == 1 and lines[0] == 0:
            return [(number, offset)]
        starts = list(accumulate((len(run[0]) + len(said) + 1 for said in messages(run).split("\n")), initial=offset))
        return [(number + line, starts[line]) for line in lines]


@dataclass(slots=True, eq=False)
class Came:
    """What came to sshd from one address: which runs of a piece, and the last ones of those before it."""

    address: str
    order: int
    """How many were met before it."""
    runs: list[int] = field(default_factory=list)
    latest: deque[Met] = field(default_factory=lambda: deque(maxlen=EXAMPLES))


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
    told: tuple[Meaning | None, str, str] = (None, "", "")
    """What it means, where that is known, with the address and the port that were cut out of it."""


class Cames(dict[str, Came | None]):
    """Each address, as lines have it, to what came from there; None where it is none, but the name of a machine."""

    def __missing__(self, raw: str) -> Came | None:
        address = usual(raw) or ""
        named = raw and (not ADDRESS(raw) or (address[-1:].isalpha() and ":" not in address))
        came = self[raw] = None if named else Came(address, len(self)) if address == raw else self[address]
        return came


class Counts:
    """What is remembered from one piece of a log to the next."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.tags: dict[str, Tag] = {}
        self.known: dict[str, tuple[Meanings, Sequences]] = {}
        self.plain = PlainNames(own_words())
        self.of_sshd = self.of("sshd")[1]
        self.cames = Cames()
        self.nowhere = Came("", 0)

    def of(self, program: str) -> tuple[Meanings, Sequences]:
        """What lines of a program say, and runs of them."""
        known = self.known.get(program)
        if known is None:
            like = "sshd" if program in SSHD else program
            meanings = Meanings(like)
            known = self.known[program] = self.of(like) if like != program else (meanings, Sequences(meanings))
        return known

    def tag(self, words: str, host: str, program: str) -> Tag:
        """Who writes."""
        tag = self.tags[words] = Tag(host, program, self.of(program)[0])
        return tag

    def rest(self) -> None:
        """Keep what is remembered bounded."""
        if len(self.tags) > TAGS or len(self.known) > TAGS:
            self.tags, self.known = {}, {}
        if len(self.cames) > ADDRESSES:
            self.settle()
            self.cames = Cames()

    def settle(self) -> None:
        """Let the tally know where the last lines from each address stand."""
        for came in self.cames.values():
            if came and came.latest:
                source, first = self.tally.source("sshd", came.address), came.latest[0].number
                source.met_among([place for one in came.latest for place in one.places()][-EXAMPLES:], first)
                came.latest.clear()


class Piece:
    """The runs of a piece of a log."""

    def __init__(self, counts: Counts, text: str, width: int, host: str, *, single: bool) -> None:
        self.tally, self.host = counts.tally, host
        self.runs = runs(text, width, host, single=single)
        self.says, self.cames, self.ports, self.names = zip(*(self._cut(run, counts) for run in self.runs), strict=True)
        self.numbers = list(accumulate([says.lines for says in self.says], initial=0))
        """How many lines of the piece stand before each run."""

    def _cut(self, run: Run, counts: Counts) -> tuple[Says, Came | None, str, str]:
        """What a run says, where it came from, and the port and the name that were cut out of it."""
        prefix, program, _pid, body, _other = run
        if not prefix:
            return NOT_CUT, counts.nowhere, "", ""
        text = body.replace(f"\n{prefix}", "\n") if "\n" in body else body
        if program not in SSHD:
            return counts.of(program)[1][text], counts.nowhere, "", ""
        text, address, port, name = shape(text, counts.plain)
        return counts.of_sshd[text], counts.cames[address], port, name

    def placed(self, offset: int, sizes: Iterable[int] | None) -> None:
        """Note how many bytes stand before each run: `sizes` are those of lines, where characters are none."""
        lengths = sizes or [len(prefix) + len(body) + len(other) for prefix, _, _, body, other in self.runs]
        self.offsets = list(accumulate([length + 1 for length in lengths], initial=offset))

    def apart(self) -> list[int]:
        """Which runs are read line by line, whatever the others say."""
        return [at for at, (says, came) in enumerate(zip(self.says, self.cames, strict=True)) if says.apart or came is None]

    def asking(self, apart: Iterable[int], alone: Iterable[Spoken]) -> set[str]:
        """Processes that are read line by line: one line of theirs is, or PAM names another address than it."""
        found = {self.runs[at][2] for at in apart}
        found.discard("")
        for one in alone:
            if one.pid and one.pid.isdecimal() and one.host == self.host:
                found |= {one.pid, str(int(one.pid))}
        self.last = {run[2]: at for at, (run, says) in enumerate(zip(self.runs, self.says, strict=True)) if says.ported}
        for at, says in enumerate(self.says):
            if says.asks:
                pid = self.runs[at][2]
                if self.cames[at] is not self.cames[self.last.setdefault(pid, at)] or self.tally.knows(self.host, pid):
                    found.add(pid)
        return found

    def of(self, processes: Collection[str]) -> set[int]:
        """Which runs are of these processes."""
        return {at for at, run in enumerate(self.runs) if run[2] in processes} if processes else set()

    def count(self, alone: Collection[int], asking: Collection[str], times: Sequence[int], first: int) -> int:
        """Fold all runs but some into the tally, which are those of some processes among others; gives how many lines are
        of programs that tell nothing of logins.

        `times` are those of the runs, and `first` is the number of the first line.
        """
        chosen = [True] * len(self.runs)
        for at in alone:
            chosen[at] = False
        sources, others = self._tell(chosen)
        for at, came, says in compress(zip(range(len(chosen)), self.cames, self.says, strict=True), chosen):
            if says.met and came:
                came.runs.append(at)
                if guesses := says.sums.guesses:
                    hours, hour = sources[came].hours, times[at] // HOUR
                    hours[hour] = hours.get(hour, 0) + guesses
        for came, source in sources.items():
            self._met(came, source, times, first)
        self._connect(asking)
        return others

    def _tell(self, chosen: Sequence[bool]) -> tuple[Mapping[Came, Source], int]:
        """Count what was said, but for when and where it was; gives the source of each address."""
        told = Counter(compress(zip(self.cames, self.says, self.names, strict=True), chosen))
        met = {came for came, says, _name in told if says.met and came}
        sources = {came: self.tally.source("sshd", came.address) for came in sorted(met, key=attrgetter("order"))}
        passed = others = 0
        for (came, says, name), often in told.items():
            passed, others = passed + says.passed * often, others + says.foreign * often
            if says.met and came:
                says.sums.add(self.tally, sources[came], name, often)
        self.tally.passed[NOISE] += passed
        return sources, others

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
            came.latest.extend(self._met_in(run, first) for run in at[-EXAMPLES:])

    def _met_in(self, at: int, first: int) -> "Met":
        return Met(first + self.numbers[at], self.offsets[at], self.runs[at], self.says[at].met)

    def places(self, at: int, first: int) -> Sequence[tuple[int, int]]:
        """Number of each line of a run, and how many bytes stand before it; `first` is the number of the first line of all."""
        number, offset, lines = first + self.numbers[at], self.offsets[at], self.says[at].lines
        return [(number, offset)] if lines == 1 else Met(number, offset, self.runs[at], range(lines)).places()

    def lines(self, at: int) -> Sequence[str]:
        """The lines of a run."""
        run = self.runs[at]
        return [run[0] + said for said in messages(run).split("\n")] if run[0] else [run[4]]

    def _connect(self, asking: Collection[str]) -> None:
        """Let the tally know what each connection said last, but for those that are read line by line."""
        known, host = self.tally.connections, self.host
        for pid, at in self.last.items():
            came, says = self.cames[at], self.says[at]
            if pid not in asking and came:
                port = self.ports[at] if says.ported else ""
                known[host, pid] = came.address, port, self.names[at] if says.user is NAME else says.user
