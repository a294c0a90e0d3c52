"""Counts what a text log is full of, lines of guesses, without an event of each: what is common to many is understood once.

Of a line of sshd in which somebody came from somewhere, the address and the port are cut out. What is left says who tried what,
and is understood once for all lines that have it; then a line only has to be noted with its address. At the end of a piece what
came from each address is folded into the tally. A line that says anything else is for the caller to read by itself.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import NamedTuple

from auditkit.logins.grammar import said, sshd
from auditkit.logins.grammar.forms import usual
from auditkit.logins.grammar.wrapped import unwrapped
from auditkit.logins.nouns import PAM, Said, What
from auditkit.logins.tally import ADDRESSES, CONNECTIONS, EXAMPLES, HOUR, SERVICES, TALLIED, Tally

KNOWN = 16384
"""Messages without address and port that are remembered with what they say."""
WORTH = 200
"""Characters up to which other messages are remembered."""
TAGS = 4096
"""Names of machines and programs that are remembered from one piece to the next."""
NUMERALS = "0123456789"
BEFORE_PORT = " port "
LONGEST_PORT = 5
LONGEST = sshd.MAY_END - 64
"""Characters of a message without address and port that has not lost its end."""
PROBES = ("192.0.2.1", 1), ("2001:db8::1", 65535)
"""Addresses and ports with which is tried what a message says that has others."""
SSHD = frozenset(("sshd", *SERVICES))
NOISE = What.NOISE
Key = str | tuple[str, str]
"""A message, or what stands before the address and behind the port in it."""


class How(Enum):
    """What is done with a line that says something."""

    COUNTED = auto()
    """It is counted by its address."""
    PASSED = auto()
    """It is noise."""
    OTHER = auto()
    """Its program tells nothing of logins."""
    ASKS = auto()
    """It is counted by its address, and its connection knows the user: PAM names no port, and no user that there is not."""
    ALONE = auto()
    """It is read by itself."""


@dataclass(slots=True, eq=False)
class Meaning:
    """What lines say that differ in nothing but stamp, pid, address and port; two of them may say the same."""

    how: How
    told: Said | None = None
    """What they say, with an address and a port that may be those of others; None where each has to be looked at."""
    user: str | None = None


class Came:
    """What came to sshd from one address in a piece: what each line says, and which one it is."""

    __slots__ = ("address", "meanings", "places")

    def __init__(self, address: str) -> None:
        self.address = address
        self.meanings: list[Meaning] = []
        self.places: list[int] = []


class Tag(NamedTuple):
    """Who writes, by what stands between the stamp and the pid of a line."""

    host: str
    program: str
    known: dict[Key, Meaning]
    """What the program says."""
    spoke: dict[str, tuple[Came, Meaning, str]]
    """Pid to what its connection said last in this piece, and what stands behind `port` in it."""


remembered = lru_cache(8192)(said)


def told_of(program: str, message: str) -> Said | None:
    """What a message says, remembered; without what the log daemon put around it, and how often it came."""
    return unwrapped(program, message, remembered)


def understood(program: str, key: Key) -> Meaning:
    """What the lines of a key say."""
    told = _told(program, key)
    if isinstance(key, tuple):
        if told is not None and told.what in TALLIED:
            return Meaning(How.COUNTED, told, told.user)
    elif told is None:
        return Meaning(How.OTHER)
    elif told.what is NOISE:
        return Meaning(How.PASSED, told)
    elif told.what is What.FAILED and told.method == PAM and told.address and program in SSHD:
        return Meaning(How.ASKS, told)
    return Meaning(How.ALONE, told if told and told.what is not What.UNKNOWN else None)


def _told(program: str, key: Key) -> Said | None:
    """What the lines of a key say, if what was cut out of them is address and port, and nothing that the client chose.

    That is so if two messages with others in their place differ in just these.
    """
    if isinstance(key, str):
        return told_of(program, key)
    before, behind = key
    if program not in SSHD or len(before) + len(behind) > LONGEST or not (before + behind).isascii():
        return None
    one, other = (unwrapped(program, f"{before} {address}{BEFORE_PORT}{port}{behind}", said) for address, port in PROBES)
    if not one or not other or (one[2:4], other[2:4]) != PROBES:
        return None
    return one if (one[:2], one[4:]) == (other[:2], other[4:]) else None  # all but address and port


class Counts:
    """What was counted of a piece of a log, until it is folded into the tally."""

    def __init__(self, tally: Tally) -> None:
        self.tally = tally
        self.tags: dict[str, Tag] = {}
        self.known: dict[str, dict[Key, Meaning]] = {}
        self.spoken: dict[str, dict[str, tuple[Came, Meaning, str]]] = {}
        """Host to what its connections said; `older` is the same of those that have not spoken for long."""
        self.older: dict[str, dict[str, tuple[Came, Meaning, str]]] = {}
        self.came: dict[str, Came | None] = {}
        """Address as the line has it to what came from there; None where it is none."""
        self.of_users: dict[tuple[str | None, int], Meaning] = {}
        """What PAM means by a line, by the user and how often."""
        self.remembered = 0

    def tag(self, words: str, host: str, program: str) -> Tag:
        """Who writes."""
        tag = Tag(host, program, self.known.setdefault(program, {}), self.spoken.setdefault(host, {}))
        self.tags[words] = tag
        return tag

    def meaning(self, tag: Tag, key: Key) -> Meaning:
        """What a message says that is not known."""
        meaning = understood(tag.program, key)
        if meaning.how is How.ALONE and isinstance(key, str):  # hardly ever comes again
            return meaning
        if self.remembered >= KNOWN:
            for known in self.known.values():
                known.clear()
            self.remembered = 0
        self.remembered += 1
        tag.known[key] = meaning
        return meaning

    def comes(self, raw: str) -> Came | None:
        """What comes from an address that is not known; None where it is none, but the name of a machine."""
        if raw in self.came:
            return self.came[raw]
        address = usual(raw) or ""
        came = None
        if (address and not address[-1].isalpha()) or ":" in address:
            came = self.came.get(address) or Came(address)
            self.came[address] = came
        self.came[raw] = came
        return came

    def asked(self, tag: Tag, pid: str, meaning: Meaning, at: int) -> bool:
        """Note a line of PAM once its connection was asked; False where none that is noted here is the one to be asked."""
        told, before = meaning.told, tag.spoke.get(pid)
        came = self.comes(told.address or "") if told else None
        if before is None:
            self.settle(tag.host, pid)
        if (
            told is None
            or came is None
            or (before is None and self.tally.knows(tag.host, pid))
            or (before and before[0] is not came)
        ):
            return False
        user = told.user if told.user is not None or before is None else before[1].user
        if len(self.of_users) > KNOWN:
            self.of_users.clear()
        means = self.of_users.get((user, told.times))
        if means is None:
            means = self.of_users[user, told.times] = Meaning(How.COUNTED, told, user)
        if before is None:
            tag.spoke[pid] = came, means, ""
        came.meanings.append(means)
        came.places.append(at)
        return True

    def settle(self, host: str, pid: str) -> None:
        """Hand the tally what a connection said last: a line follows that may ask it."""
        older = self.older.get(host)
        before, last = older.pop(pid, None) if older else None, self.spoken[host].pop(pid, None)
        if last or before:
            self.tally.connections[host, pid] = _connection(*(last or before))  # type: ignore[misc]

    def settle_all(self) -> None:
        """The same of all."""
        for host, spoke in (*self.older.items(), *self.spoken.items()):
            self.tally.connections.update({(host, pid): _connection(*last) for pid, last in spoke.items()})
            spoke.clear()

    def fold(self, times: Sequence[int], starts: Sequence[int], first: int) -> None:
        """Fold the lines of a piece into the tally.

        `times` and `starts` are when each line was written, and how many bytes stand before it but for line feeds; `first` is
        the number of the first one.
        """
        ordered = list(times) == sorted(times)
        for came in {id(came): came for came in self.came.values() if came and came.places}.values():
            self._fold(came, times, ordered)
            source, places = self.tally.source("sshd", came.address), came.places
            ends = places if len(places) <= 2 * EXAMPLES else (*places[:EXAMPLES], *places[-EXAMPLES:])
            source.met_among([(first + at, starts[at] + at) for at in ends], first)
            came.meanings, came.places = [], []
        self._forget()

    def _forget(self) -> None:
        """Keep what is remembered bounded."""
        if sum(map(len, self.spoken.values())) > CONNECTIONS:
            self.older = {host: spoke.copy() for host, spoke in self.spoken.items() if spoke}
            for spoke in self.spoken.values():
                spoke.clear()
        if len(self.tags) > TAGS:
            self.settle_all()
            self.older, self.tags, self.known, self.spoken, self.remembered = {}, {}, {}, {}, 0
        if len(self.came) > ADDRESSES:
            self.came = {}

    def _fold(self, came: Came, times: Sequence[int], ordered: bool) -> None:
        """Count what came from one address."""
        source, places = self.tally.source("sshd", came.address), came.places
        of_ends = (times[places[0]], times[places[-1]]) if ordered else [times[at] for at in places]
        source.within(min(of_ends), max(of_ends))
        guesses: dict[Meaning, int] = {}
        for meaning, often in Counter(came.meanings).items():
            told = meaning.told
            if told and self.tally.told(source, told.what, meaning.user, told.method, often * told.times):
                guesses[meaning] = told.times
        hours = source.hours
        for meaning, at in zip(came.meanings, places, strict=True) if guesses else ():
            if meaning in guesses:
                hours[times[at] // HOUR] += guesses[meaning]


def _connection(came: Came, meaning: Meaning, tail: str) -> tuple[str | None, ...]:
    """What a connection said of itself, as the tally remembers it."""
    return came.address, tail[: len(tail) - len(tail.lstrip(NUMERALS))], meaning.user
