"""What is left of a source when its events went by: counts by address and name, and the events that matter one by one."""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from itertools import islice, repeat
from typing import Any

from auditkit.logins.grammar.forms import usual
from auditkit.logins.nouns import NOBODY, PAM, PROBES, Event, What

ADDRESSES = 20000
"""Addresses that are counted one by one; what the rest did is counted together."""
NAMES = 20000
PER_ADDRESS = 256
"""Names that are counted one by one of each address."""
KEPT = 200000
"""Events that are kept; as many again of those that are RARE, so that a flood of the others hides none of them."""
RARE = frozenset((What.KEY_HELD, What.CREDENTIAL_HELD, What.ACCOUNT, What.SCHEDULED, What.LOG_BEGAN, What.LOG_ENDED,
                  What.LOG_CLEARED, What.BOOTED, What.STOPPED))  # fmt: skip
"""What nobody can make at a distance, besides the first login of an account from an address."""
EXAMPLES = 5
"""Lines of an address that are remembered from its beginning, and as many from its end."""
CONNECTIONS = 4096
"""Connections that are remembered at the least, for lines that lost their address; at most twice as many."""
HOUR = 3600 * 10**9
COUNTED = frozenset((What.INVALID_USER, What.PARTIAL, What.EXCEEDED, What.CLOSED, What.SCANNED, What.REFUSED, What.CONNECTED))
"""What is only counted, by its address."""
FAILED, INVALID_USER = What.FAILED, What.INVALID_USER
TALLIED = COUNTED | {FAILED}
"""What `count` takes."""
PASSING = frozenset((What.NOISE, What.UNKNOWN))
HERE = frozenset((What.RAN, What.BECAME))
"""What is done on the machine itself, from wherever its session is."""
SERVICES = {"sshd-session": "sshd", "sshd-auth": "sshd"}
"""Programs that write for a service of another name."""
REST = "*"
"""The address of all beyond ADDRESSES."""

Connection = tuple[str | None, ...]
"""Address, port and user of a connection as its lines have them, and what else the one line says that it was taken from."""


@dataclass(slots=True)
class Name:
    """What was tried on one account."""

    guesses: int = 0
    exists: bool | None = None
    """Whether the source says that there is such an account."""


@dataclass(slots=True)
class Source:
    """What came from one address at one service; the address is empty for what was done at the machine itself."""

    guesses: int = 0
    pam: int = 0
    """Guesses as PAM counts them: the same ones, seen a second time, unless the service writes none."""
    probes: int = 0
    others: Counter[What] = field(default_factory=Counter)
    names: dict[str, int] = field(default_factory=dict)
    """Name to guesses at it, or 0 where it was only named."""
    more_names: int = 0
    """Guesses at names beyond the first PER_ADDRESS."""
    first: int | None = None
    last: int | None = None
    hours: Counter[int] = field(default_factory=Counter)
    """Hour since 1970 to guesses."""
    early: list[tuple[int, int]] = field(default_factory=list)
    """Line and offset of the first lines."""
    recent: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=EXAMPLES))
    """The same of the last lines that are none of the first."""

    @property
    def tried(self) -> int:
        """Guesses: as the service counts them, or as PAM does where it writes nothing."""
        return self.guesses or self.pam

    @property
    def late(self) -> list[tuple[int, int]]:
        """Line and offset of the last lines that are none of the first."""
        return list(self.recent)

    def joined(self, other: "Source", lines: int, offset: int) -> None:
        """Take in what came from there in the part of the source behind so many lines and bytes."""
        self.guesses, self.pam, self.probes = self.guesses + other.guesses, self.pam + other.pam, self.probes + other.probes
        self.others.update(other.others)
        if self.hours.keys().isdisjoint(other.hours):
            dict.update(self.hours, other.hours)
        else:
            self.hours.update(other.hours)
        self.more_names += other.more_names
        for user, guesses in other.names.items():
            self.named(user, guesses)
        times = [time for time in (self.first, other.first, self.last, other.last) if time is not None]
        self.first, self.last = min(times, default=None), max(times, default=None)
        for line, at in (*other.early, *other.recent):
            self.met(line + lines, at + offset)

    def within(self, first: int, last: int) -> None:
        """Lines came from there between two moments."""
        self.first = first if self.first is None or first < self.first else self.first
        self.last = last if self.last is None or last > self.last else self.last

    def named(self, user: str, guesses: int) -> None:
        """Count guesses at a name, or that it was named."""
        names = self.names
        if user in names:
            names[user] += guesses
        elif len(names) < PER_ADDRESS:
            names[user] = guesses
        else:
            self.more_names += guesses

    def met(self, line: int, offset: int) -> None:
        """Remember where a line of it stands."""
        (self.recent if len(self.early) >= EXAMPLES else self.early).append((line, offset))

    def met_among(self, places: Iterable[tuple[int, int]], since: int) -> None:
        """The same of lines in their order, among which others may have been met since a line."""
        others = [place for place in (*self.early, *self.recent) if place[0] >= since]
        if len(self.early) >= EXAMPLES and not others:
            self.recent.extend(places)
            return
        if others:
            self.early = [place for place in self.early if place[0] < since]
            self.recent = deque((place for place in self.recent if place[0] < since), EXAMPLES)
        for line, offset in sorted((*others, *places)):
            self.met(line, offset)


@dataclass(slots=True)
class Tally:
    """All of one source, in bounded memory; `add` an event after the other."""

    sources: dict[tuple[str, str], Source] = field(default_factory=dict)
    """Service and address to what came from there; the address `*` is all those beyond ADDRESSES."""
    unknown: set[str] = field(default_factory=set)
    """Names of which the source says that there is no such account: NAMES at the most."""
    kept: list[Event] = field(default_factory=list)
    """Every event but guesses, what is only counted, and noise, in order."""
    lost: int = 0
    """Events beyond KEPT."""
    lost_logins: int = 0
    """Logins among them: of accounts and addresses of which earlier ones are kept, or beyond all bounds."""
    lost_from: int | None = None
    """When the first of them was."""
    passed: Counter[What] = field(default_factory=Counter)
    """Events that are kept or pass, by what they tell."""
    connections: dict[tuple[str, str], Connection] = field(default_factory=dict)
    """Host and pid to connection, of those that spoke last: who adds many calls `rest` now and then."""
    strangers: set[int] = field(default_factory=set)
    """Lines that let somebody in whose connection no line of that process told of before."""
    _resting: dict[tuple[str, str], Connection] = field(default_factory=dict)
    _entered: set[tuple[str | None, str | None]] = field(default_factory=set)
    """Account and address of the logins that are kept, once there are many events."""

    def __reduce__(self) -> tuple[Callable[..., "Tally"], tuple[object, ...]]:
        """Events go from one process to another as bare tuples: to tell of each that it is one takes as long again."""
        rest = [getattr(self, one.name) for one in fields(self)[len(("sources", "unknown", "kept")) :]]
        return _tally, (self.sources, self.unknown, list(map(tuple, self.kept)), *rest)

    @property
    def counts(self) -> Counter[What]:
        """What was told how often."""
        counts = self.passed.copy()
        for source in self.sources.values():
            counts.update(source.others)
            counts[FAILED] += source.guesses + source.pam + source.probes
        return +counts

    @property
    def names(self) -> dict[str, Name]:
        """What was tried on each account, from wherever: NAMES at the most."""
        names: dict[str, Name] = {}
        for source in self.sources.values():
            for user, guesses in source.names.items():
                name = names.get(user)
                if name is None and len(names) < NAMES:
                    name = names[user] = Name(exists=False if user in self.unknown else None)
                if name is not None:
                    name.guesses += guesses
        return names

    def add(self, event: Event) -> None:
        """Count an event, and keep it if it matters by itself."""
        what = event.what
        if what in PASSING:
            self.passed[what] += event.times
            return
        address, port, user = event.address, event.port, event.user
        if what is What.ACCEPTED and self.is_strange(event):
            self.strangers.add(event.line)
        if event.pid is not None and what not in HERE:
            address, port, user = self.connection(event.host, str(event.pid), address, port, user)
        if what in TALLIED:
            source = self.source(SERVICES.get(event.program, event.program), address or "")
            self.count(source, what, user, event.method, event.times, event.time, event.line, event.offset)
            if event.detail in NOBODY:
                self.nobody(user)
            return
        self.passed[what] += event.times
        same = address == event.address and user == event.user
        self.keep(event if same else event._replace(address=address, port=port, user=user))

    def keep(self, event: Event) -> bool:
        """Keep an event, if there is room for it."""
        kept = len(self.kept)
        if kept < KEPT or (kept < 2 * KEPT and self._rare(event)):
            self.kept.append(event)
            return True
        self.lost += 1
        self.lost_logins += event.what is What.ACCEPTED
        self.lost_from = event.time if self.lost_from is None else self.lost_from
        return False

    def _rare(self, event: Event) -> bool:
        """Whether an event is not to be lost among many."""
        if event.what is not What.ACCEPTED:
            return event.what in RARE
        if not self._entered:
            self._entered = {(one.user, one.address) for one in self.kept if one.what is What.ACCEPTED}
        first = (event.user, event.address) not in self._entered
        self._entered.add((event.user, event.address))
        return first

    def extend(self, events: Iterable[Event]) -> "Tally":
        """Add all of them."""
        for event in events:
            self.add(event)
        return self

    def joined(self, other: "Tally", lines: int, offset: int) -> "Tally":
        """This with what was counted in the part of the source that comes behind so many lines and bytes.

        A line that lost its address keeps that, where its connection began in the part before.
        """
        for key, theirs in other.sources.items():
            self.source(*key).joined(theirs, lines, offset)
        self.unknown.update(islice(other.unknown - self.unknown, max(NAMES - len(self.unknown), 0)))
        self.passed.update(other.passed)
        for event in other.kept:
            kept = self.keep(event.moved(lines, offset))
            if kept and event.what is What.ACCEPTED and event.line in other.strangers and self.is_strange(event):
                self.strangers.add(event.line + lines)
        self.lost, self.lost_logins = self.lost + other.lost, self.lost_logins + other.lost_logins
        self.lost_from = other.lost_from if self.lost_from is None else self.lost_from
        return self

    def connection(
        self, host: str, pid: str, address: str | None, port: int | None, user: str | None
    ) -> tuple[str | None, int | None, str | None]:
        """Where a line comes from: what its connection said of itself stands in for what the line lost.

        A name that a resolver gave does not stand for an address that was seen.
        """
        known = self.connections.get((host, pid)) or self._resting.get((host, pid))
        if known is not None and (not address or port is None or (address[-1].isalpha() and ":" not in address)):
            seen = usual(known[0] or "")
            if seen == address or not address or address[-1].isalpha():
                return seen, int(known[1]) if known[1] else None, known[2] if user is None else user
        if address:
            self.connections[host, pid] = address, str(port or ""), user
            self.rest()
        return address, port, user

    def knows(self, host: str, pid: str) -> bool:
        """Whether a connection said anything of itself."""
        return (host, pid) in self.connections or (host, pid) in self._resting

    def known(self, host: str, pids: Iterable[str]) -> set[str]:
        """Which of these processes of a machine it knows so."""
        asked = set(zip(repeat(host), pids))
        return {pid for _host, pid in (asked & self.connections.keys()) | (asked & self._resting.keys())}

    def is_strange(self, event: Event) -> bool:
        """Whether no line of its process told of its connection before."""
        key = event.host, str(event.pid)
        known = self.connections.get(key) or self._resting.get(key)
        return known is None or known[:2] != (event.address, str(event.port or ""))

    def rest(self) -> None:
        """Forget connections that have not spoken for long, if there are many."""
        if len(self.connections) > CONNECTIONS:
            self._resting, self.connections = self.connections, {}

    def source(self, service: str, address: str) -> Source:
        """What came from an address so far."""
        source = self.sources.get((service, address))
        if source is None:
            key = service, address if len(self.sources) < ADDRESSES else REST
            source = self.sources.setdefault(key, Source())
        return source

    def nobody(self, user: str | None) -> None:
        """Note that there is no account of that name."""
        if user is not None and len(self.unknown) < NAMES:
            self.unknown.add(user)

    def count(  # noqa: PLR0913, PLR0917 - called for most lines of a log: plain arguments cost least
        self,
        source: Source,
        what: What,
        user: str | None,
        method: str | None,
        times: int,
        time: int | None,
        line: int,
        offset: int,
    ) -> None:
        """Count an event that is TALLIED, without there being one."""
        guesses = self.told(source, what, user, method, times)
        if time is not None:
            source.within(time, time)
            if guesses:
                source.hours[time // HOUR] += times
        source.met(line, offset)

    def told(self, source: Source, what: What, user: str | None, method: str | None, times: int) -> int:
        """Count what was told so often, but for when and where it was; gives how many guesses that is."""
        guesses = 0
        if what is not FAILED:
            source.others[what] += times
        elif method in PROBES:
            source.probes += times
        elif method == PAM:
            source.pam += times
        else:
            guesses = times
            source.guesses += times
        if user is not None:
            source.named(user, guesses)
            if what is INVALID_USER and len(self.unknown) < NAMES:
                self.unknown.add(user)
        return guesses


def _tally(sources: dict[tuple[str, str], Source], unknown: set[str], kept: Iterable[Iterable[Any]], *rest: Any) -> Tally:
    """A tally that came from another process."""
    return Tally(sources, unknown, list(map(Event._make, kept)), *rest)
