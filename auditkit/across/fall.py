"""How far an intruder gets who has root on one machine: private keys that lie there, and the accounts that they open elsewhere.

Root reads every private key of its machine, another account its own. A key that he has read he keeps, and may use from every
machine that he has. What is certain is told apart from what may be: a key with a passphrase (he can wait until it is typed),
one that runs a single command, a line of which it is not known whether it has an effect, a `from=` that names no address at
which any of his machines is known.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from auditkit.across.matrix import Row
from auditkit.across.reading import Host, Key, Private
from auditkit.keys.use import admits

ROOT = None
"""The account that stands for every account with uid 0; no host can name one so."""
MOST_STEPS, LEAST_STEPS = 1_000_000, 10_000
"""Openings that are tried for all beginnings together, and at least for each."""
MOST_APPLIED = 200_000
"""Patterns of `from=` that are held against addresses; of those beyond it is not known whom they let in."""

Node = tuple[int, str | None]
"""A machine, and an account of it."""


@dataclass(frozen=True, slots=True)
class Opening:
    """An account of a machine that a key opens."""

    node: Node
    host: Host
    key: Key
    admitted: frozenset[int] | None
    """The machines from which its `from=` is known to let in; None: all."""

    def doubts(self, private: Private, owned: Iterable[int]) -> Iterator[str]:
        """Yield why it is not certain that it opens the account for whoever has the private key and these machines."""
        if private.encrypted is not False:
            yield "passphrase" if private.encrypted else "whether it has a passphrase is not known"
        if self.key.effective is None:
            yield "whether the line has an effect is not known"
        if not self.key.everywhere:
            yield "its sshd"
        if self.key.command:
            yield "command="
        if self.admitted is not None and self.admitted.isdisjoint(owned):
            yield "from="


@dataclass(frozen=True, slots=True)
class Step:
    """How an account was reached: with which private key, read by whom, on which line."""

    before: Node
    holder: Host
    private: Private
    host: Host
    key: Key
    doubts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Map:
    """What lies where and what it opens, by machine."""

    names: Mapping[int, Host]
    """A host for each machine: the first that was named."""
    lies: Mapping[Node, Sequence[tuple[Host, Private]]]
    """The private keys that each account can read."""
    opens: Mapping[str, Mapping[int, Sequence[Opening]]]
    """By fingerprint and machine, root first."""


@dataclass(slots=True)
class Fall:
    """What falls with one machine."""

    start: int
    reached: dict[Node, Step | None] = field(default_factory=dict)
    sure: frozenset[Node] = frozenset()
    """Of these those that are certain."""
    cut: bool = False
    """Whether there was more to try than is tried."""

    def path(self, node: Node) -> list[Step]:
        """The steps that lead to it from the start."""
        steps = list[Step]()
        while (step := self.reached[node]) is not None:
            steps.append(step)
            node = step.before
        return steps[::-1]


def chart(hosts: Sequence[Host], rows: Iterable[Row]) -> Map:
    """What of the hosts' keys matters: the private ones, and what each of them opens."""
    names, lies = dict[int, Host](), dict[Node, list[tuple[Host, Private]]]()
    for host in hosts:
        names.setdefault(host.machine, host)
        for private in host.privates.items:
            for account in (ROOT, *dict.fromkeys(private.accounts)) if private.fingerprint else ():
                lies.setdefault((host.machine, account), []).append((host, private))
    known = {private.fingerprint for several in lies.values() for _host, private in several}
    origins = _Origins(hosts)
    opens = {row.fingerprint: _openings(row, origins) for row in rows if row.fingerprint in known}
    return Map(names, lies, opens)


def _openings(row: Row, origins: "_Origins") -> dict[int, list[Opening]]:
    found = dict[int, list[Opening]]()
    for one in sorted(row.alive, key=lambda one: not one.key.root):
        node = (one.host.machine, ROOT if one.key.root else one.key.account)
        found.setdefault(node[0], []).append(Opening(node, one.host, one.key, origins.admitted(one.key)))
    return found


class _Origins:
    """Which machines each `from=` lets in, asked once for each."""

    def __init__(self, hosts: Iterable[Host]) -> None:
        self._addresses = [(host.machine, address) for host in hosts for address in host.addresses]
        self._known = dict[str, frozenset[int]]()
        self._left = MOST_APPLIED

    def admitted(self, key: Key) -> frozenset[int] | None:
        """The machines that the key's `from=` is known to let in; None where it has none."""
        if not key.limited:
            return None
        return frozenset() if key.origin is None else self._of(key.origin)

    def _of(self, origin: str) -> frozenset[int]:
        if origin not in self._known:
            self._left -= (origin.count(",") + 1) * len(self._addresses)
            asked = self._addresses if self._left >= 0 else ()
            self._known[origin] = frozenset(machine for machine, address in asked if admits(origin, address))
        return self._known[origin]


def falls(chart: Map) -> Iterator[Fall]:
    """Yield what falls with each machine on which a private key lies that opens an account of another one."""
    starts = [machine for machine in chart.names if _leads_out(chart, machine)]
    for start in starts:
        yield spread(chart, start, max(LEAST_STEPS, MOST_STEPS // len(starts)))


def _leads_out(chart: Map, machine: int) -> bool:
    fingerprints = {private.fingerprint for _host, private in chart.lies.get((machine, ROOT), ())}
    return any(chart.opens.get(one or "", {}).keys() - {machine} for one in fingerprints)


def spread(chart: Map, start: int, most: int = MOST_STEPS) -> Fall:
    """What falls with a machine; `most` openings are tried."""
    fall = Fall(start, {(start, ROOT): None})
    _Spread(chart, fall, most, sure=True).run()
    fall.sure = frozenset(fall.reached)
    _Spread(chart, fall, most, sure=False).run()
    return fall


class _Spread:
    """From what has fallen on, by what is certain, or by all that may be."""

    def __init__(self, chart: Map, fall: Fall, most: int, *, sure: bool) -> None:
        self._chart, self._fall, self._left, self._sure = chart, fall, most, sure
        self._owned = {machine for machine, _account in fall.reached}
        self._rooted = {machine for machine, account in fall.reached if account is ROOT}
        self._held = set[str]()
        self._waiting = deque(fall.reached)
        self._shut = list[tuple[Node, Host, Private, Opening]]()
        """What only a `from=` keeps shut, until a machine falls that it lets in."""

    def run(self) -> None:
        """Go on until there is nothing more."""
        while self._waiting and not self._fall.cut:
            node = self._waiting.popleft()
            self._let_in(node[0])
            for host, private in self._chart.lies.get(node, ()):
                self._use(node, host, private)

    def _use(self, node: Node, host: Host, private: Private) -> None:
        fingerprint = private.fingerprint or ""
        if fingerprint in self._held or (self._sure and private.encrypted is not False):
            return
        self._held.add(fingerprint)
        for machine, openings in self._chart.opens.get(fingerprint, {}).items():
            self._count(1)
            for opening in openings:
                if machine in self._rooted or self._fall.cut:
                    break
                self._count(1)
                self._open(node, host, private, opening)

    def _count(self, steps: int) -> None:
        self._left -= steps
        self._fall.cut = self._left < 0

    def _open(self, node: Node, host: Host, private: Private, opening: Opening) -> None:
        if opening.node in self._fall.reached or opening.node[0] in self._rooted:
            return
        doubts = tuple(opening.doubts(private, self._owned))
        if self._sure and doubts:
            if doubts == ("from=",) and opening.admitted:
                self._shut.append((node, host, private, opening))
            return
        self._fall.reached[opening.node] = Step(node, host, private, opening.host, opening.key, doubts)
        self._waiting.append(opening.node)
        self._owned.add(opening.node[0])
        if opening.node[1] is ROOT:
            self._rooted.add(opening.node[0])

    def _let_in(self, machine: int) -> None:
        """Open what was shut until this machine fell."""
        shut, self._shut = self._shut, []
        self._count(len(shut))
        for one in shut:
            if machine in (one[3].admitted or ()):
                self._open(*one)
            else:
                self._shut.append(one)
