"""Huge text logs, each read by several processes at once, part by part."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

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
    told: dict[int, list[Reading | str]] = {}
    outcomes = dict(workers.done(_read, jobs, hands, lambda _job, count: show(count)))
    for at, (number, _part, _machine) in enumerate(jobs):
        told.setdefault(number, []).append(outcomes[at])
    for number, several in told.items():
        made = [one for one in several if isinstance(one, Reading)]
        if len(made) == len(several):
            reading = joined(sources[number].log, cuts[number], made)
            reading.notes.size = sources[number].log.size or 0
            yield number, reading


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
