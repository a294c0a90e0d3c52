"""Logs of logins read and judged, wherever they were taken: what hosts and files share."""

import gc
import shlex
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from auditkit.commands import answering, options
from auditkit.commands.progress import sized
from auditkit.commands.timelines import Timeline
from auditkit.logins import context, entered, places
from auditkit.logins.formats.central import MOST, REST, machines
from auditkit.logins.nouns import Condition, Event, Log
from auditkit.logins.reading import Reading
from auditkit.logins.seen import Account, Head, KeyLine, Seen, Verdict
from auditkit.logins.seen import Past as Before
from auditkit.logins.verdict import judged, quoted
from auditkit.logins.wording import listed, plural
from auditkit.logs import heads, quoting
from auditkit.logs.files import Source
from auditkit.logs.reading import How, of_machines, readings
from auditkit.logs.received import JOURNAL
from auditkit.logs.zones import Machine
from auditkit.model import Gap, HostReport, Item, Office, Severity
from auditkit.printable import printable

ANNOUNCED = 1 << 30
"""Bytes of logs from which it is said beforehand how many there are."""
HANDS = 2
"""Processes that read the logs of one host."""
MANY = 10_000
"""Events from which they are kept out of the search for garbage."""
OLDER = "only its newest entries of interest were taken, and there are more"
_BOUNDS = (places.ENTRIES, places.FEWER)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the logs of each host."""

    since: int | None = None
    until: int | None = None
    timeline: Timeline | None = None
    key: str | None = None
    """The key that signs what is kept of this run for the next one."""
    keep: bool = True
    """Whether anything is kept of it."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The logs of one machine, found or received, and what they are judged by."""

    name: str
    sources: tuple[Source, ...]
    machine: Machine
    items: tuple[Item, ...] = ()
    gaps: tuple[Gap, ...] = ()
    keys: Mapping[str, tuple[KeyLine, ...]] | None = None
    office: Office = field(default_factory=Office)
    past: Before | None = None
    accounts: Mapping[str, Account] | None = None
    """By what `items` say."""
    newest: int | None = None
    """The last line of all, where they are copies that somebody gave, of whenever."""


def told(report: HostReport, verdict: Verdict, gaps: Iterable[Gap], logs: int) -> HostReport:
    """The report with a verdict."""
    every = tuple(dict.fromkeys((*report.gaps, *gaps, *verdict.gaps)))
    return replace(
        report,
        findings=(*report.findings, *verdict.findings),
        gaps=every,
        notes=(*report.notes, *verdict.notes),
        facts={**report.facts, "logins": verdict.logins},
        counts={**report.counts, "logs": logs, "gaps": len(every)},
    )


# --- judging


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and what is to be kept for the next run."""

    verdict: Verdict
    readings: tuple[Reading, ...]
    heads: tuple[Head, ...]
    moment: int


def judge(taken: Taken, run: options.Setting, asked: Asked) -> Judged:
    """Read and judge the logs of a machine."""
    taken = _with_accounts(taken)
    return _judged(taken, _read(taken, run, asked), asked)


def judge_each(taken: Taken, run: options.Setting, asked: Asked) -> Iterator[tuple[str, Judged]]:
    """Read logs that may be of several machines, as a log server has them; yield name and verdict of each machine.

    What does not say whose it is (wtmp, a journal) has the name that was asked for.
    """
    taken = _with_accounts(taken)
    read = _read(taken, run, asked)
    taken = replace(taken, newest=max((one.notes.last for one in read if one.notes.last is not None), default=None))
    texts = [reading.format is not None and reading.format.name == "syslog" for reading in read]
    names = {name for reading, is_text in zip(read, texts, strict=True) if is_text for name in reading.notes.hosts}
    if len(set(machines(names).values())) < 2:
        yield taken.name, _judged(taken, read, asked)
        return
    parts: dict[str, list[tuple[Source, Reading]]] = {}
    for source, reading, is_text in zip(taken.sources, read, texts, strict=True):
        for name, part in of_machines(source, reading, taken.machine, names).items() if is_text else ():
            parts.setdefault(name, []).append((source, part))
    quiet = [name for name, told in parts.items() if not any(reading.notes.of_interest for _source, reading in told)]
    for name in sorted(set(parts) - set(quiet)):
        yield _called(name), _part(taken, _called(name), parts[name], asked)
    rest = [(source, reading) for source, reading, is_text in zip(taken.sources, read, texts, strict=True) if not is_text]
    gaps = tuple(_not_told_apart(parts, quiet))
    if rest or gaps:
        done = _part(taken, taken.name, rest, asked)
        yield taken.name, replace(done, verdict=replace(done.verdict, gaps=(*done.verdict.gaps, *gaps)))


def _called(name: str) -> str:
    """How a report calls a machine of a central log."""
    return {"": "lines without a name", REST: "all other names"}.get(name, name)


def _part(taken: Taken, name: str, told: Iterable[tuple[Source, Reading]], asked: Asked) -> Judged:
    """Judge what one machine of a central log says; whose accounts are known nobody can say."""
    sources, read = [source for source, _reading in told], [reading for _source, reading in told]
    return _judged(replace(taken, name=name, sources=tuple(sources), items=(), keys=None, accounts=None), read, asked)


def _not_told_apart(parts: Container[str], quiet: Iterable[str]) -> Iterator[Gap]:
    """Yield which machines of a central log have no verdict of their own."""
    names = sorted(map(_called, quiet))
    if names:
        machines = f"{plural(len(names), 'machine')} that the logs have lines of"
        yield Gap("logins", f"no line tells of logins of {machines}: {listed(names)}")
    if REST in parts:
        yield Gap("logins", f"the logs name more than {MOST} machines: what the others wrote is judged together")


def _with_accounts(taken: Taken) -> Taken:
    accounts = _accounts(taken.items)
    return replace(taken, accounts=accounts, machine=replace(taken.machine, accounts=_numbers(accounts)))


def _judged(taken: Taken, read: Sequence[Reading], asked: Asked) -> Judged:
    """Judge what logs say; lines that the verdict quotes are looked up, and it is judged once more."""
    there = [(source, reading) for source, reading in zip(taken.sources, read, strict=True) if _is_there(reading.log)]
    lengths = [head.length for head in taken.past.heads] if taken.past else []
    begun = tuple(head for source, reading in there for head in heads.heads(source, reading, lengths))
    seen = Seen(
        host=taken.name,
        readings=tuple(reading for _source, reading in there),
        setting=taken.machine.setting(),
        asked=tuple(_asked(reading.log for reading in read)),
        accounts=taken.accounts,
        keys=taken.keys,
        office=taken.office,
        since=asked.since,
        until=asked.until,
        newest=taken.newest,
        past=taken.past,
        heads=begun,
        log_level=context.log_level(taken.items),
        verified=context.verified(taken.items),
    )
    verdict = judged(seen)
    lines = [*verdict.wanted, *(one for lines in verdict.evidence for one in lines)]
    if lines:
        words = quoting.words(there, lines)
        verdict = quoted(verdict, {place: one.text for place, one in words.items()})
        verdict = quoting.told(there, verdict, words, seen.setting)
    if any(reading.log.name == JOURNAL and reading.notes.lines in _BOUNDS for reading in seen.readings):
        verdict = replace(verdict, gaps=(*verdict.gaps, Gap(JOURNAL, OLDER)))
    return Judged(verdict, seen.readings, begun, taken.machine.now)


def _read(taken: Taken, run: options.Setting, asked: Asked) -> tuple[Reading, ...]:
    """What the logs say, with a bar for those who wait."""
    total = sum(source.log.size or 0 for source in taken.sources if _is_there(source.log))
    if total >= ANNOUNCED and not run.quiet:
        answering.talk(f"auditkit: {printable(taken.name)}: {sized(total)} of logs are to be read")
    with run.show("reading the logs of", taken.name, total or None, "") as shown:
        read = 0

        def show(count: int) -> None:
            nonlocal read
            read += count
            shown(read, read)

        events: Callable[[Log, Event], None] | None = asked.timeline.of(taken.name) if asked.timeline else None
        found = readings(taken.sources, taken.machine, How(min(HANDS, run.jobs), show, events))
    if sum(len(one.tally.kept) for one in found) > MANY:
        gc.freeze()  # none of it holds what holds it: not to be looked through again and again while it is judged
    return found


def _is_there(log: Log) -> bool:
    """Whether a source has anything to be read."""
    return log.condition in (Condition.READ, Condition.TRUNCATED, Condition.EMPTY)


def _asked(logs: Iterable[Log]) -> Iterator[Log]:
    """Yield the logs that could not be read, and of those that are absent the ones that are missed."""
    every = list(logs)
    absent = [log.name for log in every if log.condition is Condition.ABSENT]
    missed = places.missing(absent, {log.name for log in every if log.condition is not Condition.ABSENT})
    yield from (log for log in every if log.condition is Condition.UNREADABLE)
    yield from (Log(name, condition=Condition.ABSENT) for name in missed)


def _numbers(accounts: Mapping[str, Account] | None) -> Mapping[str, int] | None:
    """Name to number of each account, as readers want it."""
    if accounts is None:
        return None
    return {name: account.uid for name, account in accounts.items() if account.uid is not None}


def _accounts(items: Iterable[Item]) -> Mapping[str, Account] | None:
    passwd = next((item.data for item in items if item.source == places.PASSWD.what), None)
    return None if passwd is None else context.accounts(passwd.decode("utf-8", "surrogateescape")) or None


def following(host: Mapping[str, Any], word: str = "") -> Iterator[str]:
    """Yield the command to begin with, where a document of a host says that somebody guessed and came in."""
    gravest = Severity.CRITICAL.word
    came = [one for one in host["findings"] if (one["rule"], one["severity"]) == (entered.AFTER_GUESSING.id, gravest)]
    if came:
        where = f" --host {shlex.quote(word)}" if word and not word.startswith(("evidence:", "root:")) else ""
        yield f"auditkit incident open {shlex.quote('login of ' + printable(came[0]['subject']))}{where}"
