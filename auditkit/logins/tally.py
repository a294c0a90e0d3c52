"""What is left of a source when its events went by: counts by address and name, and the events that matter one by one."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from auditkit.logins.nouns import PAM, PROBES, Event, What

ADDRESSES = 20000
"""Addresses that are counted one by one; what the rest did is counted together."""
NAMES = 20000
PER_ADDRESS = 256
"""Names that are counted one by one of each address."""
KEPT = 200000
"""Events that are kept."""
EXAMPLES = 5
"""Lines of an address that are remembered from its beginning, and as many from its end."""
CONNECTIONS = 4096
"""Connections that are remembered at a time, for lines that lost their address."""
HOUR = 3600 * 10**9
COUNTED = frozenset((What.INVALID_USER, What.PARTIAL, What.EXCEEDED, What.CLOSED, What.SCANNED, What.REFUSED, What.CONNECTED))
"""What is only counted, by its address."""
PASSING = frozenset((What.NOISE, What.UNKNOWN))
SERVICES = {"sshd-session": "sshd", "sshd-auth": "sshd"}
"""Programs that write for a service of another name."""


@dataclass(slots=True)
class Name:
    """What was tried on one account."""

    guesses: int = 0
    first: int | None = None
    last: int | None = None
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
    hours: dict[int, int] = field(default_factory=dict)
    """Hour since 1970 to guesses."""
    early: list[tuple[int, int]] = field(default_factory=list)
    """Line and offset of the first lines."""
    late: list[tuple[int, int]] = field(default_factory=list)

    @property
    def tried(self) -> int:
        """Guesses: as the service counts them, or as PAM does where it writes nothing."""
        return self.guesses or self.pam


@dataclass(slots=True)
class Tally:
    """All of one source, in bounded memory; `add` an event after the other."""

    counts: Counter[What] = field(default_factory=Counter)
    sources: dict[tuple[str, str], Source] = field(default_factory=dict)
    """Service and address to what came from there; the address `*` is all those beyond ADDRESSES."""
    names: dict[str, Name] = field(default_factory=dict)
    more_names: int = 0
    """Guesses at names beyond the first NAMES."""
    kept: list[Event] = field(default_factory=list)
    """Every event but guesses, what is only counted, and noise, in order."""
    lost: int = 0
    """Events beyond the first KEPT."""
    connections: int = 0
    """Processes that told of an address."""
    announced: int = 0
    """Those of them whose first line told that somebody connected."""
    strangers: set[int] = field(default_factory=set)
    """Lines that let somebody in whose connection no line of that process told of before."""
    _open: dict[tuple[str, int], tuple[str, int | None, str | None]] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        """Count an event, and keep it if it matters by itself."""
        what = event.what
        self.counts[what] += event.times
        if what in PASSING:
            return
        event = self._placed(event)
        if what is What.FAILED or what in COUNTED:
            self._count(event)
        elif len(self.kept) < KEPT:
            self.kept.append(event)
        else:
            self.lost += 1

    def extend(self, events: Iterable[Event]) -> "Tally":
        """Add all of them."""
        for event in events:
            self.add(event)
        return self

    def _placed(self, event: Event) -> Event:
        """The event with the address of its connection, where its own line lost it."""
        if event.pid is None:
            return event
        key = event.host, event.pid
        if event.address:
            self._met(event, self._open.pop(key, None))  # to the end of the queue
            self._open[key] = event.address, event.port, event.user
            if len(self._open) > CONNECTIONS:
                del self._open[next(iter(self._open))]
        elif key in self._open and event.what not in (What.RAN, What.BECAME):
            address, port, user = self._open[key]
            return event._replace(address=address, port=port, user=event.user or user)
        return event

    def _met(self, event: Event, before: tuple[str, int | None, str | None] | None) -> None:
        """Note how a process first told of an address, and whether one that lets in had told of it before."""
        if before is None:
            self.connections += 1
            self.announced += event.what is What.CONNECTED
        if event.what is What.ACCEPTED and (before is None or before[:2] != (event.address, event.port)):
            self.strangers.add(event.line)

    def _count(self, event: Event) -> None:
        source = self._source(SERVICES.get(event.program, event.program), event.address or "")
        time, user = event.time, event.user
        if time is not None:
            source.first = time if source.first is None else min(source.first, time)
            source.last = time if source.last is None else max(source.last, time)
        here = event.line, event.offset
        if len(source.early) < EXAMPLES:
            source.early.append(here)
        else:
            source.late.append(here)
            del source.late[:-EXAMPLES]
        guesses = self._guesses(source, event)
        if guesses and time is not None:
            hour = time // HOUR
            source.hours[hour] = source.hours.get(hour, 0) + guesses
        if user is not None:
            self._named(source, event, user, guesses)

    @staticmethod
    def _guesses(source: Source, event: Event) -> int:
        """How many guesses an event is, counted."""
        if event.what is not What.FAILED:
            source.others[event.what] += event.times
            return 0
        if event.method in PROBES:
            source.probes += event.times
            return 0
        if event.method == PAM:
            source.pam += event.times
            return 0
        source.guesses += event.times
        return event.times

    def _source(self, service: str, address: str) -> Source:
        source = self.sources.get((service, address))
        if source is None:
            if len(self.sources) >= ADDRESSES:
                address = "*"
            source = self.sources.setdefault((service, address), Source())
        return source

    def _named(self, source: Source, event: Event, user: str, guesses: int) -> None:
        if user in source.names or len(source.names) < PER_ADDRESS:
            source.names[user] = source.names.get(user, 0) + guesses
        else:
            source.more_names += guesses
        name = self.names.get(user)
        if name is None:
            if len(self.names) >= NAMES:
                self.more_names += guesses
                return
            name = self.names[user] = Name()
        name.guesses += guesses
        if event.what is What.INVALID_USER:
            name.exists = False
        if event.time is not None:
            name.first = event.time if name.first is None else min(name.first, event.time)
            name.last = event.time if name.last is None else max(name.last, event.time)
