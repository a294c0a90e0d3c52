"""Logs of logins taken from hosts and judged: what `scan` and `logins` share."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import IO

from auditkit.audits import ssh
from auditkit.collect import collect, gives
from auditkit.commands import auditing, options, running, sealing
from auditkit.commands.attempts import Asked, Judged, Taken, judge, told
from auditkit.errors import AuditkitError, HostError
from auditkit.hosts import Host, Near, Past, now
from auditkit.logins import context, places
from auditkit.logins.seen import Past as Before
from auditkit.logs import heads
from auditkit.logs.files import Source, found
from auditkit.logs.received import Received
from auditkit.logs.zones import Machine
from auditkit.model import Evidence, Gap, HostReport, Item, Means, State

NOT_TAKEN = "the evidence holds no logs: take it again, with this auditkit"

FIRST = "no earlier run on these logs is known: that one was cut, or a login is new, only they themselves can show"


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
    told_ = told(report, verdict.verdict, (*taken.gaps, *why, *kept), len(verdict.readings))
    return told_ if past or why else replace(told_, notes=(*told_.notes, FIRST))


# --- taking


@contextmanager
def _taken(host: Host, run: options.Setting, report: HostReport) -> Iterator[Taken]:
    """What there is of a host; what was received of it is kept until all is judged.

    Raises:
        HostError: it cannot be asked.
    """
    office = run.office
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
    logins = heads.together(done.verdict.logged_in, past.logins if past else {})
    begun = past.first if past else done.moment
    longest = {head.name: head for head in sorted(done.heads, key=lambda head: head.length)}
    sealer: Callable[[IO[bytes]], bytes] | None = sealing.sealer(asked.key, run.signing)
    try:
        heads.keep(run.store, host.name, Before(tuple(longest.values()), logins, done.moment, begun), sealer)
    except AuditkitError as error:
        return (Gap("logins", f"nothing is kept for the next run: {error}"),)
    return ()
