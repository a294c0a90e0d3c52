"""Logs of logins taken and judged: what `scan` and `logins` share."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import IO, Any

from auditkit.audits import ssh
from auditkit.collect import collect, gives
from auditkit.commands import auditing, options, running, sealing
from auditkit.commands.progress import sized
from auditkit.commands.timelines import Timeline
from auditkit.errors import AuditkitError, HostError
from auditkit.hosts import Host, Near, Past, now
from auditkit.logins import context, places
from auditkit.logins.nouns import Condition, Event, Log
from auditkit.logins.reading import Reading
from auditkit.logins.seen import Head, KeyLine, Seen, Verdict, Wanted
from auditkit.logins.seen import Past as Before
from auditkit.logins.verdict import judged
from auditkit.logs import heads
from auditkit.logs.files import Source, found
from auditkit.logs.reading import How, readings
from auditkit.logs.received import JOURNAL, Received
from auditkit.logs.zones import Machine
from auditkit.model import Evidence, Gap, HostReport, Item, Means, Office, State
from auditkit.printable import printable

ANNOUNCED = 1 << 30
"""Bytes of logs from which it is said beforehand how many there are."""
HANDS = 2
"""Processes that read the logs of one host."""
LONGEST_LINE = 4096
NOT_TAKEN = "the evidence holds no logs: take it again, with this auditkit"
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


def added(host: Host, report: HostReport, run: options.Setting, asked: Asked) -> HostReport:
    """The report of a host with what its logs say of logins; one that has fallen silent is not asked again."""
    if auditing.is_device(host) or (report.state not in (State.OK, State.LIED) and not isinstance(host, Past)):
        return report
    past, why = _past(host, run)
    try:
        with _taken(host, run, report) as taken:
            verdict = judge(replace(taken, past=past), run, asked)
    except HostError as error:
        lost = running.failed(host.name, error)
        state = report.state if report.state is State.LIED else lost.state
        return replace(report, gaps=(*report.gaps, *lost.gaps), state=state)
    kept = () if why else _kept(host, run, asked, verdict, past)
    return told(report, verdict.verdict, (*taken.gaps, *why, *kept), len(verdict.readings))


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


# --- taking


@contextmanager
def _taken(host: Host, run: options.Setting, report: HostReport) -> Iterator[Taken]:
    """What there is of a host; what was received of it is kept until all is judged.

    Raises:
        HostError: it cannot be asked.
    """
    office = auditing.office(run)
    of_ssh = Evidence(host.name, now(host), gaps=report.gaps, office=office)
    facts = report.facts
    if "ssh" not in facts:
        of_ssh = auditing.taken(host, (ssh.AUDIT,), office)
        facts = ssh.facts(of_ssh)
    keys = context.keys(facts, of_ssh.gaps)
    if isinstance(host, Near):
        around = collect(host, (*places.CONTEXT, places.VERIFY), lambda: now(host))
        items, gaps = (*of_ssh.items, *around.items), around.gaps
        yield Taken(host.name, tuple(_found(host.root)), _machine(host, items, gaps), items, gaps, keys, office)
        return
    with closing(_received(host)) as received:
        sources = received.sources()
        items, gaps = (*of_ssh.items, *received.items), tuple(received.gaps)
        yield Taken(host.name, sources, _machine(host, items, gaps), items, gaps, keys, office)


def _machine(host: Host, items: Iterable[Item], gaps: Iterable[Gap]) -> Machine:
    """What the logs of a host are read by; where it was looked for a zone and there is none, it is UTC."""
    zone = next((item.data for item in items if item.need.what == places.LOCALTIME.what), None)
    if zone is None and gives(host, places.LOCALTIME) and all(gap.subject != places.LOCALTIME.what for gap in gaps):
        zone = b""
    return Machine(int(now(host).timestamp() * 10**9), zone)


def _found(root: str) -> Iterator[Source]:
    """Yield the logs that lie below a root."""
    own: list[str] = []
    for source in found(root, [need.what for need in (*places.LOGS, *places.JOURNALS)]):
        own += [source.log.name] if source.log.size else []
        yield source
    yield from found(root, [need.what for need in places.besides(own)])


def _received(host: Host) -> Received:
    """What a host hands out of its logs, in one question, or two where they are not in their own files.

    Raises:
        HostError: it cannot be asked.
    """
    wanted = places.of_evidence(host.asked) if isinstance(host, Past) else places.of_host()
    needs = tuple(need for need in wanted if gives(host, need))
    received = Received(needs)
    try:
        received.take(host.take(needs))
        if isinstance(host, Past):
            if not any(need.means is Means.LOG for need in needs):
                received.gaps.append(Gap("logins", NOT_TAKEN))
            return received
        more = received.besides()
        received.needs = (*needs, *more)
        return received.take(host.take(more)) if more else received
    except BaseException:
        received.close()
        raise


# --- judging


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict, and what is to be kept for the next run."""

    verdict: Verdict
    readings: tuple[Reading, ...]
    heads: tuple[Head, ...]
    moment: int


def judge(taken: Taken, run: options.Setting, asked: Asked) -> Judged:
    """Read and judge the logs of a machine; lines that the verdict quotes are looked up, and it is judged once more."""
    read = _read(taken, run, asked)
    there = [(source, reading) for source, reading in zip(taken.sources, read, strict=True) if _is_there(reading.log)]
    lengths = [head.length for head in taken.past.heads] if taken.past else []
    begun = tuple(head for source, reading in there for head in heads.heads(source, reading, lengths))
    seen = Seen(
        host=taken.name,
        readings=tuple(reading for _source, reading in there),
        setting=taken.machine.setting(),
        asked=tuple(_asked(reading.log for reading in read)),
        accounts=_accounts(taken.items),
        keys=taken.keys,
        office=taken.office,
        since=asked.since,
        until=asked.until,
        past=taken.past,
        heads=begun,
        log_level=context.log_level(taken.items),
        verified=context.verified(taken.items),
    )
    verdict = judged(seen)
    if verdict.wanted:
        verdict = judged(replace(seen, texts=_texts(taken.sources, verdict.wanted)))
    if any(reading.log.name == JOURNAL and reading.notes.lines in _BOUNDS for reading in seen.readings):
        verdict = replace(verdict, gaps=(*verdict.gaps, Gap(JOURNAL, OLDER)))
    return Judged(verdict, seen.readings, begun, taken.machine.now)


def _read(taken: Taken, run: options.Setting, asked: Asked) -> tuple[Reading, ...]:
    """What the logs say, with a bar for those who wait."""
    total = sum(source.log.size or 0 for source in taken.sources if _is_there(source.log))
    if total >= ANNOUNCED and not run.quiet:
        options.talk(f"auditkit: {printable(taken.name)}: {sized(total)} of logs are to be read")
    with run.show("reading the logs of", taken.name, total or None, "") as shown:
        read = 0

        def show(count: int) -> None:
            nonlocal read
            read += count
            shown(read, read)

        events: Callable[[Log, Event], None] | None = asked.timeline.of(taken.name) if asked.timeline else None
        return readings(taken.sources, taken.machine, How(min(HANDS, run.jobs), show, events))


def _is_there(log: Log) -> bool:
    """Whether a source has anything to be read."""
    return log.condition in (Condition.READ, Condition.TRUNCATED, Condition.EMPTY)


def _asked(logs: Iterable[Log]) -> Iterator[Log]:
    """Yield the logs that could not be read, and of those that are absent the ones that are missed."""
    every = list(logs)
    absent = [log.name for log in every if log.condition is Condition.ABSENT]
    missed = places.missing(absent, {log.name for log in every if log.condition is not Condition.ABSENT})
    for log in every:
        if log.condition is Condition.UNREADABLE or (log.condition is Condition.ABSENT and log.name in missed):
            yield log


def _accounts(items: Iterable[Item]) -> Mapping[str, Any] | None:
    passwd = next((item.data for item in items if item.source == places.PASSWD.what), None)
    return None if passwd is None else context.accounts(passwd.decode("utf-8", "surrogateescape"))


def _texts(sources: Iterable[Source], wanted: Iterable[Wanted]) -> dict[tuple[str, int], str]:
    """The words of lines, looked up once more."""
    by: dict[str, list[Wanted]] = {}
    for one in wanted:
        by.setdefault(one.source, []).append(one)
    texts: dict[tuple[str, int], str] = {}
    for source in sources:
        lines = by.get(source.log.name, ())
        places_of = {one.offset: one.line for one in lines}
        for offset, text in source.lines(places_of, LONGEST_LINE) if lines else ():
            texts[source.log.name, places_of[offset]] = text.decode("utf-8", "surrogateescape")
    return texts


# --- what earlier runs kept


def _past(host: Host, run: options.Setting) -> tuple[Before | None, tuple[Gap, ...]]:
    """What earlier runs kept of a host, or why it is not believed."""
    try:
        return heads.past(run.store, host.name, run.signers), ()
    except AuditkitError as error:
        return None, (Gap("logins", f"what earlier runs kept is left aside: {error}"),)


def _kept(host: Host, run: options.Setting, asked: Asked, done: Judged, past: Before | None) -> tuple[Gap, ...]:
    """Keep what this run saw for the next one; nothing of evidence, nor where nobody would believe it."""
    if not asked.keep or isinstance(host, Past) or (run.signers and not asked.key):
        return ()
    logins = done.verdict.logged_in | (past.logins if past else frozenset())
    longest = {head.name: head for head in sorted(done.heads, key=lambda head: head.length)}
    sealer: Callable[[IO[bytes]], bytes] | None = sealing.sealer(asked.key, run.signing)
    try:
        heads.keep(run.store, host.name, Before(tuple(longest.values()), logins, done.moment), sealer)
    except AuditkitError as error:
        return (Gap("logins", f"nothing is kept for the next run: {error}"),)
    return ()
