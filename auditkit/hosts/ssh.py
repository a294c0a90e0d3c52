"""A machine over SSH: the same probe, pushed there, asked over one connection.

The first question brings what every scan begins with, so that the ground, the scan, the logs and the evidence are one round
trip each.
"""

import marshal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

from auditkit.config import Network
from auditkit.errors import FormatError, HostError
from auditkit.hosts import SECONDS, Ask, Beginning, Host, Known, Reach, Seen, question
from auditkit.model import OUTSIDE, Gap, Item, Means, Need
from auditkit.printable import printable
from auditkit.probe import inside, libraries, lineage, listeners, logs, serve, streams, take
from auditkit.probe.digest import Digest
from auditkit.ssh import Deadline, Link, Route, banners, blocks, transports
from auditkit.ssh.banners import nobody
from auditkit.ssh.route import route
from auditkit.ssh.session import Greeting, NoPythonError, Session, cut, lied

if TYPE_CHECKING:
    from auditkit.ssh.shell import Shell

LARGEST = 64 << 20
"""Bytes of a file that is fetched to be hashed here."""
LONGEST_REASON = 500
MOST_GAPS = 100_000
MOST_TAKEN = 128 << 20
"""Bytes of all files of one question but for long ones."""
LINEAGE = lineage.PATTERN.decode()
_DIGITS = 20
_WHOLE = 1.0
"""Seconds that a clock is behind which tells whole ones."""
Frames = Iterator[tuple[bytes, list[bytes]]]


class Ssh:
    """A machine that a session with the probe stands to."""

    looks = "python"
    """What looks at the host there."""

    def __init__(self, name: str, link: Link, session: Session, deadline: Deadline) -> None:
        self.name = name
        self.facts: Mapping[str, object] = {}
        self.greeting = session.greeting
        self.outside: Callable[[tuple[Need, ...]], Iterable[Item | Gap]] = nobody
        """Gives what services say to who connects from outside."""
        self._link = link
        self._session = session
        self._deadline = deadline
        self._mounts: bytes | None = None
        self._looked: tuple[Sequence[str], list[tuple[str, int, int]]] = (), []
        """The paths whose content was asked for last, and those of them that were there then."""

    def close(self) -> None:
        """Leave: nothing stays there."""
        self._session.close()
        self._link.close()
        self._deadline.cancel()

    def scan(self, request: Mapping[str, object], known: Known | None = None) -> Iterator[Seen]:
        """Yield what the probe sees; what it has in common with the known blocks is not sent."""
        request = {**request, "seconds": self._deadline.for_a_scan()}
        tags = b"".join(sha256(block).digest()[: serve.TAG] for block in known()) if known else b""
        told = self._session.ask(b"s", marshal.dumps(request, 2), tags)
        try:
            yield from _seen(told, known)
        except FormatError as error:
            raise lied(f"it sent {error}") from error

    def take(self, needs: tuple[Need, ...]) -> Iterator[Item | Gap]:
        """Yield what was asked for, in one question; what the server showed is known since the login."""
        there = [need for need in needs if need.means not in OUTSIDE]
        asked = marshal.dumps([question(need) for need in there], 2)
        counts = Counter[Need]()
        most = MOST_TAKEN + sum({_longest(need) for need in there})  # of one kind they share it
        more = self._session.more() if any(need.means is not Means.FILE for need in there) else ()
        for kind, told in self._session.ask(b"f" if self._mounts is None else b"t", asked, *more, most=most):
            if kind == b"M":
                self._mounts = _fields(told, 1)[0]
            else:
                need, one = _item(kind, told, there)
                counts[need] += 1
                if counts[need] > _most_of(need):
                    raise lied(f"it sends {need.what} more than once")
                yield one
        missing = next((need.what for need in there if self._owes(need) and not counts[need]), None)
        if self._mounts is None or missing:
            raise lied(f"it says nothing of {missing or 'its mounts'}")
        yield from banners.answers(needs, self._link.facts.shown(self._session.source))
        yield from self.outside(needs)

    def _owes(self, need: Need) -> bool:
        """Whether there must be an answer: every Linux has processes."""
        return not need.optional or (need.what == LINEAGE and self.greeting.may_be_linux)

    def beginnings(self, asked: Sequence[Ask]) -> Iterator[Beginning]:
        """Yield digests of how logs and their rotations begin."""
        if not asked:
            return
        for kind, told in self._session.ask(b"b", marshal.dumps([tuple(each) for each in asked], 2)):
            if kind != b"L":
                raise _strange(kind)
            path, name, field = _fields(told, 3)
            yield _text(path), _text(name), _text(field)

    def present(self, paths: Sequence[str]) -> Iterator[tuple[str, int, int]]:
        """Yield path, inode and time of change, in ns, of each that answers to its name, listed or not."""
        before, self._looked = self._looked, ((), [])
        if not paths or paths == before[0]:
            yield from before[1] if paths else ()
            return
        asked = set(paths)
        for kind, told in self._session.ask(b"p", *map(_bytes, paths)):
            yield _look(kind, told, asked)

    def content(self, paths: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield path and digests of files whose bytes are fetched and hashed here; no digests of what is not handed out.

        Which of the paths are there comes with it, so that `present` need not ask for the same ones.
        """
        digest, size, asked = Digest(("blake3", "sha256")), 0, dict.fromkeys(paths)
        known, looks = set(paths), list[tuple[str, int, int]]()
        for kind, told in self._session.ask(b"c", *map(_bytes, paths)) if paths else ():
            if kind == b"P":
                looks.append(_look(kind, told, known))
                known.discard(looks[-1][0])
                continue
            path, piece = _fields(told, 2)
            if _text(path) not in asked:
                raise _strange(kind)
            size += len(piece)
            if kind == b"C" and piece and size <= LARGEST:
                digest.update(piece)
                continue
            if kind == b"C" and size <= LARGEST:
                del asked[_text(path)]
                yield _text(path), tuple(digest.field().split(","))
            if not piece or kind != b"C":
                digest, size = Digest(("blake3", "sha256")), 0
        self._looked = paths, looks
        yield from ((path, ()) for path in asked)

    def mounts(self) -> bytes:
        """The table that came with the first question, else asked for now."""
        if self._mounts is None:
            self._mounts = b"".join(_fields(told, 1)[0] for _kind, told in self._session.ask(b"m"))
        return self._mounts


def _seen(told: Frames, known: Known | None) -> Iterator[Seen]:
    """Frames as blocks, gaps and counts, the known blocks put back in their places."""
    held, order = blocks.Known(known), blocks.Order()
    gaps = 0
    for kind, fields in told:
        match kind:
            case b"B":
                yield "blocks", [order(block) for block in fields]
            case b"K":
                first, count = _numbers(fields)
                yield from (("blocks", [block]) for block in order.ours(held.run(first, count)))
            case b"G":
                path, why = _fields(fields, 2)
                gaps += 1
                if gaps <= MOST_GAPS:
                    yield "gap", _text(path), _text(why)[:LONGEST_REASON]
                if gaps == MOST_GAPS:
                    yield "gap", "/", f"more than {MOST_GAPS} gaps; those that follow are not named"
            case b"S":
                yield "seen", *_numbers(fields)
            case _:
                raise _strange(kind)


def _longest(need: Need) -> int:
    """How many bytes a need may have beyond what all others share."""
    if need.means is Means.LOG:
        return logs.LONG if need.long else logs.BOUND
    return 0 if not need.long else streams.MOST if need.means is Means.COMMAND else take.LONGEST


def _most_of(need: Need) -> int:
    """How many pieces of evidence a need may have."""
    if need.means is Means.LOG or (need.means is Means.COMMAND and need.long):
        return 3 * inside.MATCHES + 4 * (_longest(need) // logs.PIECE)
    if need.long:
        return take.LONGEST // take.PIECE + 2
    if need.means in (Means.LISTENERS, Means.PROCESSES):
        return 3 * listeners.PROCESSES
    if need.means is Means.LIBRARIES:
        return libraries.PROCESSES + 2
    if need.means is Means.COMMAND:
        return 1
    return inside.MATCHES + 1 if need.several else lineage.MOST + 1 if need.what == LINEAGE else 1


def _item(kind: bytes, told: list[bytes], asked: Sequence[Need]) -> tuple[Need, Item | Gap]:
    """A piece of evidence, or why there is none, and what it was asked for."""
    if kind != b"I":
        raise _strange(kind)
    number, path, there, data = _fields(told, 4)
    if not number.isdigit() or int(number) >= len(asked):
        raise lied("it sends a file that nobody asked for")
    need = asked[int(number)]
    if len(data) > (take.PIECE if need.long or need.means is Means.LOG else inside.LIMIT):
        raise lied(f"it sends more of {need.what} than it may")
    if need.means is Means.COMMAND and path != _bytes(need.what):
        raise lied(f"it runs something else than {printable(need.what)}")
    if there == b"1" and need.what == LINEAGE and not data.strip(b"\0"):
        raise lied("it says nothing of one of its processes")
    if there == b"1":
        return need, Item(need, _text(path), data, datetime.now(UTC), "")
    return need, Gap(_text(path), _text(data)[:LONGEST_REASON])


def _look(kind: bytes, told: list[bytes], asked: AbstractSet[str]) -> tuple[str, int, int]:
    """Path, inode and time of change of one of the paths that were asked for."""
    if kind != b"P" or _text(_fields(told, 3)[0]) not in asked:
        raise _strange(kind)
    return _text(told[0]), *_numbers(told[1:])


def _fields(told: list[bytes], count: int) -> list[bytes]:
    if len(told) != count:
        raise cut()
    return told


def _numbers(told: list[bytes]) -> tuple[int, int]:
    one, two = _fields(told, 2)
    if not (one.isdigit() and two.isdigit() and len(one) < _DIGITS and len(two) < _DIGITS):
        raise lied("a number in its answer is none")
    return int(one), int(two)


def _strange(kind: bytes) -> HostError:
    return lied(f"it sends {printable(repr(kind))} where that is no answer")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def connect(word: str, reach: Reach) -> Host:
    """The host that a name of auditkit.yaml or an `ssh://` address means, logged in to and ready to be asked.

    Raises:
        HostError: it cannot be reached, or not be asked; `state` says why.
    """
    way = route(word, reach.config, reach.environment, reach.home)
    deadline = Deadline(reach.timeout or SECONDS)
    module = transports.module(way.transport)
    try:
        link: Link = module.connect(way, reach.config.networks, deadline, reach.ask)
    except HostError:
        deadline.cancel()
        raise
    try:
        return _asked(word, way, link, deadline, reach.config.networks)
    except HostError:
        link.close()
        deadline.cancel()
        raise


def _asked(word: str, way: Route, link: Link, deadline: Deadline, networks: tuple[Network, ...] | None) -> Host:
    """The host with whatever can look at it there: Python, else its shell."""
    before = time.time()
    host = _looked_at(word, way, link, deadline)
    host.outside = partial(_outside, way, link, networks, deadline)
    host.facts = _facts(way, link) | _who(host.greeting, before, time.time()) | {"shell": host.looks}
    return host


def _looked_at(word: str, way: Route, link: Link, deadline: Deadline) -> "Ssh | Shell":
    try:
        return Ssh(word, link, Session(link, deadline, way.become), deadline)
    except NoPythonError as without:
        from auditkit.ssh.shell import Shell  # noqa: PLC0415 - nearly every host has Python

        return Shell(word, link, deadline, way.become, without.pipe)


def _outside(
    way: Route, link: Link, networks: tuple[Network, ...] | None, deadline: Deadline, needs: tuple[Need, ...]
) -> Iterator[Item | Gap]:
    """Yield what services say, in no more than half of the time that is left: all else is to be asked, too."""
    if not any(need.means is Means.PORT for need in needs):
        return
    from auditkit import ports  # noqa: PLC0415 - only for who asks so

    if len(way.hops) > 1 or way.target.proxy_command is not None:  # ports can be seen only where it was reached straight
        station = ports.Station(networks, way.target.hostname, way="another machine makes the connections to this host")
    else:
        station = ports.Station(networks, link.facts.address, way.target.literal)
    yield from ports.answers(needs, station, min(ports.ALL, deadline.left() / 2))


def _facts(way: Route, link: Link) -> dict[str, object]:
    """What the connection showed."""
    told = link.facts
    return {
        "address": told.address,
        "port": way.target.port,
        "login": way.target.user,
        "transport": way.transport,
        "jump": [hop.name for hop in way.hops[:-1]],
        "banner": told.banner,
        "host_key": told.host_key,
        "algorithms": dict(told.algorithms),
        "become": way.become,
    }


def _who(greeting: Greeting, before: float, after: float) -> dict[str, object]:
    """What the host says of itself; its clock is off only as far as the time of the answer cannot explain it."""
    skew = min(greeting.now + _WHOLE - before, 0.0) or max(greeting.now - after, 0.0)
    return {
        "uid": greeting.uid,
        "user": printable(greeting.user),
        "python": printable(greeting.python),
        "uname": printable(greeting.kernel),
        "clock_skew": round(skew, 1),
    }
