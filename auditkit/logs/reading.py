"""The logs of one machine read: large ones in processes of their own, side by side, small ones here.

What has stamps of its own is read first: its last one tells in which year logs end whose stamps have none.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from auditkit.logins.formats import BEGINNING, central, recognised
from auditkit.logins.nouns import Condition, Event, Log, Notes
from auditkit.logins.reading import Reading, read
from auditkit.logins.tally import Tally
from auditkit.logs import parted, workers
from auditkit.logs.files import File, Source
from auditkit.logs.spool import Spool
from auditkit.logs.zones import Machine

WORTH = 8 << 20
"""Bytes from which it is worth to begin processes."""
PACKS = 10
"""How often a packed byte counts."""
BATCH = 4096
KILLED = "the process that read it was killed: it is damaged, changed meanwhile, or memory ran out"

Told = Callable[[Log, Event], object]


@dataclass(frozen=True, slots=True)
class How:
    """How sources are read."""

    hands: int = 2
    """Processes at a time."""
    show: Callable[[int], object] = id
    """Told how many bytes were read since it was told last."""
    told: Told | None = None
    """Told of each event, source by source."""


PLAINLY = How()


def readings(sources: Sequence[Source], machine: Machine, how: How = PLAINLY) -> tuple[Reading, ...]:
    """What each source says, in their order."""
    texts = [number for number, source in enumerate(sources) if _is_text(source)]
    others = [number for number in range(len(sources)) if number not in set(texts)]
    made: dict[int, Reading] = {}
    for numbers in (others, texts):
        lasts = [one.notes.last for one in made.values() if one.notes.last is not None]
        anchor = machine.anchor or max((last for last in lasts if last <= machine.now), default=None)
        several = [sources[number] for number in numbers]
        for at, reading in _of_a_kind(several, replace(machine, anchor=anchor), how):
            made[numbers[at]] = reading
    return tuple(made[number] for number in range(len(sources)))


def one(source: Source, machine: Machine, told: Told | None = None) -> Reading:
    """What one source says, read here."""
    log, data = source.log, source.data
    reading = read(log, data, machine.setting(), partial(told, log) if told else None)
    reading.notes.size = data.given
    if data.broke and reading.log.condition in (Condition.READ, Condition.EMPTY):
        reading = replace(reading, log=replace(reading.log, condition=Condition.TRUNCATED, reason=data.broke))
    if data.grew:
        reading.notes.remarks.append(f"{data.grew} bytes were written to it while it was read, and are left out")
    return reading


def of_machines(source: Source, reading: Reading, machine: Machine, names: Iterable[str]) -> dict[str, Reading]:
    """What a text log that was read says of each machine, of these names and others; `*` are all beyond a thousand."""
    made = central.read(reading.log, source.data, machine.setting(), names)
    for notes, _tally in made.values():
        notes.size = source.data.given
    return {name: replace(reading, notes=notes, tally=tally) for name, (notes, tally) in made.items()}


def _is_text(source: Source) -> bool:
    form = recognised(source.log.name, next(iter(source.data.chunks()), b"")[:BEGINNING])
    return form is None or form.kind == "text"


def _of_a_kind(sources: Sequence[Source], machine: Machine, how: How) -> Iterator[tuple[int, Reading]]:
    """Yield number and reading of each source."""
    if how.hands < 2 or sum(map(_weight, sources)) < WORTH:
        yield from _here(sources, range(len(sources)), machine, how)
        return
    received = [number for number, source in enumerate(sources) if not isinstance(source.data, File)]
    yield from _here(sources, received, machine, how)
    read = set(received)
    if not how.told:
        large = [number for number, source in enumerate(sources) if parted.worth(source)]
        ready = [_ready(sources[number], mapped=True) for number in large]
        for at, reading in parted.readings(ready, machine, how.hands, how.show) if large else ():
            read.add(large[at])
            yield large[at], reading
    yield from _side_by_side(sources, [number for number in range(len(sources)) if number not in read], machine, how)


def _here(sources: Sequence[Source], order: Iterable[int], machine: Machine, how: How) -> Iterator[tuple[int, Reading]]:
    """The same by this process, one after the other: what was received lies in a file that no other one can open."""
    for number in order:
        data = sources[number].data
        if isinstance(data, File):
            data.watched(how.show)
        elif isinstance(data, Spool):
            data.seen = how.show
        yield number, one(sources[number], machine, how.told)


def _side_by_side(sources: Sequence[Source], order: list[int], machine: Machine, how: How) -> Iterator[tuple[int, Reading]]:
    """The same by several processes; what kills one is tried once more by itself and with more care."""
    order.sort(key=lambda number: -_weight(sources[number]))
    before: Counter[int] = Counter()
    for again in (False, True):
        heard = _Heard(sources, order, how, before)
        left = []
        jobs = [(_ready(sources[number], mapped=not again), machine, how.told is not None) for number in order]
        for at, reading in workers.done(_work, jobs, 1 if again else how.hands, heard):
            number = order[at]
            if reading != workers.KILLED:
                yield number, reading
            elif again:
                yield number, Reading(_lost(sources[number].log), None, Notes(), Tally())
            else:
                left.append(number)
        order, before = left, heard.events


class _Heard:
    """What processes tell while they read: how far they are, and events, each told once though it is read again."""

    def __init__(self, sources: Sequence[Source], order: Sequence[int], how: How, before: Counter[int]) -> None:
        self.events: Counter[int] = Counter()
        self._sources, self._order, self._how, self._before = sources, list(order), how, before

    def __call__(self, at: int, told: int | list[Event]) -> None:
        if isinstance(told, int):
            self._how.show(told)
            return
        number = self._order[at]
        new = told[max(0, self._before[number] - self.events[number]) :]
        self.events[number] += len(told)
        if self._how.told:
            for event in new:
                self._how.told(self._sources[number].log, event)


def _ready(source: Source, *, mapped: bool) -> Source:
    """A source as another process reads it."""
    data = source.data
    return replace(source, data=replace(data, mapped=mapped, seen=None)) if isinstance(data, File) else source


def _lost(log: Log) -> Log:
    return replace(log, condition=Condition.UNREADABLE, reason=KILLED)


def _weight(source: Source) -> int:
    return (source.log.size or 0) * (PACKS if source.log.packed else 1)


def _work(job: workers.Job, tell: workers.Tell) -> Reading:
    """Read one source in a process of its own, and tell how far it is, and its events if somebody wants them."""
    source, machine, wanted = job
    if isinstance(source.data, File):
        source.data.watched(tell)
    held: list[Event] = []

    def told(_log: Log, event: Event) -> None:
        held.append(event)
        if len(held) == BATCH:
            tell(held)
            held.clear()

    reading = one(source, machine, told if wanted else None)
    tell(held)
    return reading
