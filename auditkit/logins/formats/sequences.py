"""What a run of lines means, by its shape: what is counted of it, or that its lines are to be read one by one."""

from collections.abc import Iterable
from collections.abc import Sequence as Several
from functools import lru_cache
from typing import NamedTuple

from auditkit.logins.formats.meaning import TRIED_NAMES, How, Meaning, Meanings
from auditkit.logins.formats.runs import NAME, PEER, RHOST
from auditkit.logins.nouns import Said
from auditkit.logins.tally import Source, Tally

KNOWN = 2048
"""Shapes that are remembered."""
WORTH = 2000
"""Characters up to which one is."""
ALONE = Meaning(How.ALONE)
READ = (How.ALONE, How.COUNTED)
"""What is told of one by one, if the lines of a run are read so."""


class Sums:
    """What is told in the lines of a run that are counted, as Source has it."""

    __slots__ = ("guesses", "names", "others", "pam", "probes", "unknown")

    def __init__(self, told: Iterable[tuple[Said | None, str | None]]) -> None:
        tally, source = Tally(), Source()
        for said, user in told:
            if said:
                tally.told(source, said.what, user, said.method, said.times)
        self.guesses, self.pam, self.probes = source.guesses, source.pam, source.probes
        self.others = tuple(source.others.items())
        self.names = tuple((None if user == NAME else user, guesses) for user, guesses in source.names.items())
        """Name to guesses at it; None is the name that was cut out."""
        self.unknown = tuple(None if user == NAME else user for user in tally.unknown)

    def add(self, source: Source, often: int) -> None:
        """Count so many runs that come from one address, but for when they came, and of whom they tell."""
        source.guesses += self.guesses * often
        source.pam += self.pam * often
        source.probes += self.probes * often
        for what, times in self.others:
            source.others[what] += times * often


NOTHING = Sums(())


class Alone(NamedTuple):
    """A line of a run, read by itself."""

    line: int
    told: Said
    """What it says, of another address, port and name where these were cut out."""
    named: bool
    addressed: bool
    ported: bool

    def said(self, name: str, address: str, port: int | None) -> Said:
        """What it says with what was cut out of the run."""
        what, user, of_address, of_port, method, key, times, detail, actor = self.told
        if self.named:
            user = name
        if self.addressed:
            of_address = address
        return Said(what, user, of_address, port if self.ported else of_port, method, key, times, detail, actor)


class Sequence:
    """What runs of one shape say."""

    __slots__ = ("alone", "apart", "asks", "foreign", "guesses", "lines", "met", "names", "passed", "ported", "sums", "user")

    def __init__(self, lines: int, meanings: Several[Meaning], alone: Several[Alone] | None = None) -> None:
        counted = [meaning for meaning in meanings if meaning.counted]
        ported = [meaning for meaning in counted if not meaning.asks]
        self.lines = lines
        self.apart = len(meanings) != lines
        """Whether they are read line by line."""
        self.alone = alone
        """What lines say that are neither noise nor of others, if they are read one by one; None where each has to be asked."""
        self.met = [at for at, meaning in enumerate(meanings) if meaning.counted]
        """Which of the lines are counted."""
        self.foreign, self.passed = _others(meanings)
        self.asks = len(ported) < len(counted)
        """Whether PAM is among those who tell, without a port."""
        self.ported = bool(ported)
        self.user = ported[-1].user if ported else counted[0].user if counted else None
        """Whom the connection is of; NAME stands for the name that was cut out."""
        self.sums = Sums((meaning.told, meaning.user) for meaning in counted) if counted else NOTHING
        self.guesses, self.names = self.sums.guesses, self.sums.names


class Sequences(dict[str, Sequence]):
    """Each shape of a program to what it says: it is understood when it is asked for."""

    def __init__(self, known: Meanings) -> None:
        super().__init__()
        self._known = known

    def __missing__(self, text: str) -> Sequence:
        made = self._understood(text.split("\n"))
        if len(text) <= WORTH and (not made.apart or "\0" in text):  # what has nothing cut out of it hardly ever comes again
            if len(self) >= KNOWN:
                self.clear()
            self[text] = made
        return made

    def _understood(self, lines: Several[str]) -> Sequence:
        meanings = list[Meaning]()
        for line in lines:
            meaning = meant(line, self._known)
            if meaning.how is How.ALONE and not meaning.told:
                return apart(len(lines))
            meanings.append(meaning)
        alone = [_alone(at, lines[at], one.told, one.user) for at, one in enumerate(meanings) if one.told and one.how in READ]
        if all(meaning.how is not How.ALONE for meaning in meanings):
            return Sequence(len(lines), meanings, alone)
        made = Sequence(len(lines), (), alone)
        made.foreign, made.passed = _others(meanings)
        return made


def _alone(at: int, line: str, told: Said, user: str | None) -> Alone:
    """A line of a run by itself."""
    return Alone(at, told._replace(user=user), user == NAME, PEER in line or RHOST in line, PEER in line)


def _others(meanings: Iterable[Meaning]) -> tuple[int, int]:
    """How many lines are of programs that tell nothing of logins, and how many are noise."""
    others = sum(meaning.how is How.OTHER for meaning in meanings)
    return others, sum(meaning.told.times for meaning in meanings if meaning.told and meaning.how is How.PASSED)


@lru_cache(256)
def apart(lines: int) -> Sequence:
    """What runs of so many lines say that are read line by line."""
    return Sequence(lines, ())


def meant(line: str, known: Meanings) -> Meaning:
    """What a line of a shape says, whatever was cut out of it."""
    if NAME in line:
        one, other = (meant(line.replace(NAME, f" {name} "), known) for name in TRIED_NAMES)
        return _of_any_name(one, other)
    before, mark, behind = line.partition(PEER)
    if mark:
        return known[f"{before} ", behind] if "\0" not in before + behind else ALONE
    before, mark, behind = line.partition(RHOST)
    if mark:
        return known[f"{before} rhost=", behind] if "\0" not in before + behind else ALONE
    return known["", line]


def _of_any_name(one: Meaning, other: Meaning) -> Meaning:
    """What lines say that differ in a name, by two of them."""
    said = [meaning.told and meaning.told._replace(user=None) for meaning in (one, other)]
    if one.how is not other.how or said[0] != said[1]:
        return ALONE
    if (one.user, other.user) == TRIED_NAMES:
        return one.named(NAME)
    return one if one.user == other.user else ALONE
