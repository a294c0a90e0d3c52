"""Who tried: guesses by address, those that several sources tell of counted once."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from auditkit.logins.nouns import What
from auditkit.logins.streams import PRIMARY, Stream, is_numeric, is_ssh
from auditkit.logins.tally import HOUR, Source

AT_HAND = 8
"""Lines of an address that are remembered of all sources."""
OF_A_STREAM = 10
"""The same of each stream that tells of it."""


class Witness(NamedTuple):
    """One stream that tells of an address."""

    kind: str
    name: str
    guesses: int
    lines: tuple[tuple[str, int, int], ...]
    """Source, line and offset of the first and last lines."""


@dataclass(slots=True)
class Attacker:
    """All that came from one address; the address is empty for what was done at the machine itself."""

    address: str
    services: set[str] = field(default_factory=set)
    hours: dict[int, int] = field(default_factory=dict)
    """Hour since 1970 to guesses."""
    undated: int = 0
    """Guesses of which no hour is known."""
    names: dict[str, int] = field(default_factory=dict)
    """Name to guesses at it; 0 where it was only named."""
    more_names: int = 0
    probes: int = 0
    """Keys that were offered and refused, and questions for what is possible: no guesses at a secret."""
    others: Counter[What] = field(default_factory=Counter)
    first: int | None = None
    last: int | None = None
    lines: list[tuple[str, int, int]] = field(default_factory=list)
    """Source, line and offset of the first and last lines."""
    witnesses: list[Witness] = field(default_factory=list)
    """Each stream that tells of it by itself."""

    @property
    def guesses(self) -> int:
        """In all the time that the sources cover."""
        return sum(self.hours.values()) + self.undated

    def between(self, since: int | None, until: int | None) -> int:
        """Guesses in the hours of a window, whole hours; None is no end. Who ended before or began behind it made none."""
        if since is None and until is None:
            return self.guesses
        ended = since is not None and self.last is not None and self.last < since
        if ended or (until is not None and self.first is not None and self.first > until):
            return 0
        low = since // HOUR if since is not None else None
        high = until // HOUR if until is not None else None
        return sum(n for hour, n in self.hours.items() if (low is None or hour >= low) and (high is None or hour <= high))


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An hour of which two sources tell a different number of guesses, though both cover it."""

    hour: int
    more: str
    fewer: str
    counts: tuple[int, int]


def attackers(streams: Sequence[Stream]) -> dict[str, Attacker]:
    """By address, all that was tried from there. Of each hour the source counts that tells most: the others tell the same.

    btmp has more than one record of some guesses (sshd writes one for the name and one for the password), so it counts only
    where no other source covers the hour.
    """
    found: dict[str, Attacker] = {}
    primary = [stream for stream in streams if stream.kind in PRIMARY and stream.tells]
    for stream in (*primary, *(stream for stream in streams if stream not in primary)):
        spare = None if stream in primary else primary
        for address, counted in _of_stream(stream, spare).items():
            mine = found.setdefault(address, Attacker(address))
            mine.witnesses.append(Witness(stream.kind, stream.name, counted.guesses, _ends(counted.lines)))
            counted.lines = [*counted.lines[: AT_HAND // 2], *counted.lines[AT_HAND // 2 :][-AT_HAND // 2 :]]
            _merge(mine, counted)
    return {address: one for address, one in found.items() if one.guesses or one.probes or one.others or one.names}


def _of_stream(stream: Stream, primary: Sequence[Stream] | None) -> dict[str, Attacker]:
    """What one stream counts: the parts of a rotated log add up; `primary` are the streams that go before it."""
    found: dict[str, Attacker] = {}
    for reading in stream.readings:
        by_number = any(source.guesses for (service, _), source in reading.tally.sources.items() if is_ssh(service))
        for (service, address), source in reading.tally.sources.items():
            if by_number and is_ssh(service) and not source.guesses and source.pam and not is_numeric(address):
                continue  # PAM names the machine of guesses that sshd counts by its address
            hours = _hours(source)
            if primary:
                hours = {hour: guesses for hour, guesses in hours.items() if not any(_covers(each, hour) for each in primary)}
                if not hours and source.first is not None:
                    continue  # all of it is told by those that go before it, with names that are not cut
            mine = found.setdefault(address, Attacker(address))
            mine.services.add(service)
            _add_up(mine.hours, hours)
            _add(mine, source)
            mine.lines += [(reading.log.name, *at) for at in (*source.early, *source.late)]
    return found


def _ends(lines: Sequence[tuple[str, int, int]]) -> tuple[tuple[str, int, int], ...]:
    """The first and the last of many lines."""
    half = OF_A_STREAM // 2
    return tuple(lines) if len(lines) <= OF_A_STREAM else (*lines[:half], *lines[-half:])


def _hours(source: Source) -> dict[int, int]:
    """Guesses by hour; where only PAM tells of them, or no time is known, all at the first."""
    if source.hours or not source.tried:
        return source.hours
    return {source.first // HOUR: source.tried} if source.first is not None else {}


def _add(mine: Attacker, source: Source) -> None:
    _add_up(mine.names, source.names)
    mine.more_names += source.more_names
    mine.probes += source.probes
    mine.others.update(source.others)
    mine.undated += source.tried if source.first is None else 0
    _span(mine, source.first, source.last)


def _merge(mine: Attacker, other: Attacker) -> None:
    """Another stream tells of the same address: of each count the larger one."""
    _larger(mine.hours, other.hours)
    _larger(mine.names, other.names)
    for what, times in other.others.items():
        mine.others[what] = max(mine.others[what], times)
    mine.services |= other.services
    mine.more_names = max(mine.more_names, other.more_names)
    mine.probes, mine.undated = max(mine.probes, other.probes), max(mine.undated, other.undated)
    mine.lines += other.lines[: max(AT_HAND - len(mine.lines), 0)]
    _span(mine, other.first, other.last)


def _add_up(mine: dict[Any, int], other: Mapping[Any, int]) -> None:
    """Add what another counts."""
    if not mine:
        mine.update(other)
        return
    for key, times in other.items():
        mine[key] = mine.get(key, 0) + times


def _larger(mine: dict[Any, int], other: Mapping[Any, int]) -> None:
    """Take the larger one of each count."""
    if not mine:
        mine.update(other)
        return
    for key, times in other.items():
        mine[key] = max(mine.get(key, 0), times)


def _span(mine: Attacker, first: int | None, last: int | None) -> None:
    if first is not None:
        mine.first = first if mine.first is None else min(mine.first, first)
    if last is not None:
        mine.last = last if mine.last is None else max(mine.last, last)


def _covers(stream: Stream, hour: int) -> bool:
    """Whether a stream has lines before the end of an hour and after its beginning."""
    first, last = stream.first, stream.last
    return first is not None and last is not None and first // HOUR <= hour <= last // HOUR


def disagreements(streams: Sequence[Stream]) -> list[Disagreement]:
    """Hours that two logs of every login cover wholly and count differently: by more than two guesses and a tenth."""
    of_hours = [(stream, _by_hour(stream)) for stream in streams if stream.tells and stream.kind in PRIMARY]
    found = []
    for at, (one, mine) in enumerate(of_hours):
        for other, theirs in of_hours[at + 1 :]:
            for hour in sorted({*mine, *theirs}):
                if not (_covers_whole(one, hour) and _covers_whole(other, hour)):
                    continue
                counts = mine.get(hour, 0), theirs.get(hour, 0)
                if abs(counts[0] - counts[1]) > max(2, max(counts) // 10):
                    pair = (one, other) if counts[0] > counts[1] else (other, one)
                    found.append(Disagreement(hour, pair[0].short, pair[1].short, (max(counts), min(counts))))
    return found


def _by_hour(stream: Stream) -> dict[int, int]:
    """Guesses at SSH by hour, of all addresses."""
    found: dict[int, int] = defaultdict(int)
    for reading in stream.readings:
        for (service, _address), source in reading.tally.sources.items():
            if is_ssh(service):
                for hour, guesses in source.hours.items():
                    found[hour] += guesses
    return found


def _covers_whole(stream: Stream, hour: int) -> bool:
    first, last = stream.first, stream.last
    return first is not None and last is not None and first <= hour * HOUR and (hour + 1) * HOUR <= last


def total(found: Iterable[Attacker], since: int | None, until: int | None) -> int:
    """All guesses of a window."""
    return sum(one.between(since, until) for one in found)
