"""What is left of a source when its events went by: counts by address and name, and the events that matter one by one."""

from collections import Counter, deque
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

Connection = tuple[str | None, int | None, str | None]
"""Address, port and user."""


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
    _young: dict[tuple[str, int], Connection] = field(default_factory=dict)
    """Host and pid to connection, of those that said something since _old was full."""
    _old: dict[tuple[str, int], Connection] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        """Count an event, and keep it if it matters by itself."""
        what = event.what
        if what in TALLIED:
            self.count(
                what, event.program, event.host, event.pid, event.user, event.address, event.port, event.method, event.times,
                event.time, event.line, event.offset,
            )  # fmt: skip
            return
        self.counts[what] += event.times
        if what in PASSING:
            return
        if event.pid is not None and what not in HERE:
            address, port, user = self._connection((event.host, event.pid), event.address, event.port, event.user)
            event = event._replace(address=address, port=port, user=user)
        if len(self.kept) < KEPT:
            self.kept.append(event)
        else:
            self.lost += 1

    def extend(self, events: Iterable[Event]) -> "Tally":
        """Add all of them."""
        for event in events:
            self.add(event)
        return self

    def count(  # noqa: PLR0913, PLR0917 - called for every line of a log: plain arguments cost least
        self,
        what: What,
        program: str,
        host: str,
        pid: int | None,
        user: str | None,
        address: str | None,
        port: int | None,
        method: str | None,
        times: int,
        time: int | None,
        line: int,
        offset: int,
    ) -> None:
        """Count an event that is TALLIED, without there being one; the arguments are its fields."""
        self.counts[what] += times
        if pid is not None:
            address, port, user = self._connection((host, pid), address, port, user)
        service = SERVICES.get(program, program)
        source = self.sources.get((service, address or "")) or self._source(service, address or "")
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
        if time is not None:
            if source.first is None or source.last is None:
                source.first = source.last = time
            elif time > source.last:
                source.last = time
            elif time < source.first:
                source.first = time
            if guesses:
                source.hours[time // HOUR] += guesses
        (source.early if len(source.early) < EXAMPLES else source.recent).append((line, offset))
        if user is not None:
            self._named(source, user, guesses, what is INVALID_USER, time)

    def _connection(self, key: tuple[str, int], address: str | None, port: int | None, user: str | None) -> Connection:
        """Where a line comes from: what its connection said of itself stands in for what the line lost.

        A name that a resolver gave does not stand for an address that was seen.
        """
        known = None
        if not address or (address[-1].isalpha() and ":" not in address):
            known = self._young.get(key) or self._old.get(key)
        if known is not None:
            return known[0], known[1], known[2] if user is None else user
        if address:
            self._young[key] = address, port, user
            if len(self._young) > CONNECTIONS:
                self._old, self._young = self._young, {}
        return address, port, user

    def _source(self, service: str, address: str) -> Source:
        """What came from an address that is new."""
        if len(self.sources) >= ADDRESSES:
            address = REST
        return self.sources.setdefault((service, address), Source())

    def _named(self, source: Source, user: str, guesses: int, unknown: bool, time: int | None) -> None:
        """Count what was tried on a name."""
        names = source.names
        if user in names:
            names[user] += guesses
        elif len(names) < PER_ADDRESS:
            names[user] = guesses
        else:
            source.more_names += guesses
        name = self.names.get(user)
        if name is None:
            if len(self.names) >= NAMES:
                self.more_names += guesses
                return
            name = self.names[user] = Name()
        name.guesses += guesses
        if unknown:
            name.exists = False
        if time is not None:
            if name.first is None or name.last is None:
                name.first = name.last = time
            elif time > name.last:
                name.last = time
            elif time < name.first:
                name.first = time
