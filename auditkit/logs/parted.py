"""Huge text logs, each read by several processes at once, part by part."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from auditkit.logins.nouns import Condition
from auditkit.logins.parts import Part, joined, parts
from auditkit.logins.reading import Reading, read
from auditkit.logs import workers
from auditkit.logs.files import Between, File, Source
from auditkit.logs.zones import Machine

PART = 64 << 20
"""Bytes of a part, at most about."""
LEAST = 16 << 20
"""Bytes of a source from which it is cut."""


def worth(source: Source) -> bool:
    """Whether it is worth to cut a source, as far as its size and packing say."""
    return isinstance(source.data, File) and not source.data.packed and source.data.size >= LEAST


def readings(
    sources: Sequence[Source], machine: Machine, hands: int, show: Callable[[int], object]
) -> Iterator[tuple[int, Reading]]:
    """Yield number and reading of each source that can be cut and was read to the end of each part; of others nothing."""
    asked = [(source, machine, hands * -(-(source.log.size or 0) // (PART * hands))) for source in sources]
    cuts = dict(workers.done(_cut, asked, hands, _nothing))
    jobs = [(number, part, machine) for number in sorted(cuts) if cuts[number] != workers.KILLED for part in cuts[number]]
    outcomes = _in_order(workers.done(_read, jobs, hands, lambda _job, count: show(count)))
    for number, several in groupby(zip(jobs, outcomes, strict=True), lambda one: one[0][0]):
        reading = _whole((job[1], outcome) for job, outcome in several)
        if reading is not None:
            log = reading.log
            reading.notes.size = sources[number].log.size or 0
            yield number, replace(reading, log=replace(sources[number].log, condition=log.condition, reason=log.reason))


def _in_order(outcomes: Iterable[tuple[int, Any]]) -> Iterator[Any]:
    """Yield the outcome of each job as soon as all jobs before it have ended."""
    early: dict[int, Any] = {}
    following = 0
    for number, outcome in outcomes:
        early[number] = outcome
        while following in early:
            yield early.pop(following)
            following += 1


def _whole(several: Iterable[tuple[Part, Reading | str]]) -> Reading | None:
    """The reading of a source, of those of its parts, in memory for two of them; None where a process was killed."""
    whole, complete = None, True
    for part, reading in several:
        complete = complete and isinstance(reading, Reading)
        if isinstance(reading, Reading) and complete:
            whole = joined(whole, part, reading) if whole else reading
    return whole if complete else None


def _nothing(_job: int, _told: object) -> None:
    """Nobody wants to know."""


def _cut(job: workers.Job, _tell: workers.Tell) -> list[Part]:
    """The parts of a source; none where it cannot be cut."""
    source, machine, number = job
    made = parts(source.log, source.data, machine.setting(), number)
    return made if len(made) > 1 and not source.data.broke else []


def _read(job: workers.Job, tell: workers.Tell) -> Reading:
    """The reading of a part; where the file is not any more what it was, that is said."""
    _number, part, machine = job
    file: File = part.data.data
    reading = read(part.log, Between(file, part.data.start, part.data.stop), machine.setting())
    tell(part.data.stop - part.data.start)
    if file.broke:
        return replace(reading, log=replace(reading.log, condition=Condition.TRUNCATED, reason=file.broke))
    return reading
