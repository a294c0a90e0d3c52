"""Evidence taken and judged: what `scan` and `audit` share."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC
from difflib import get_close_matches

from auditkit import audits, store
from auditkit.audits import listeners, packages, persistence, preload
from auditkit.audits.listeners import since as new
from auditkit.audits.persistence import since, window
from auditkit.collect import collect, gives
from auditkit.commands import running
from auditkit.commands.options import Setting
from auditkit.errors import AuditkitError, HostError, UsageError
from auditkit.hosts import Host, Past, is_here, now
from auditkit.model import Audit, BaselineFacts, Evidence, Finding, Gap, HostReport, Item, Means, Missed, Need, Office, State
from auditkit.printable import printable
from auditkit.timeline import Span

DEVICE = "device"
SUSPECT = (
    "what a running machine says of its files and processes comes from a kernel that may be the intruder's: look at its disk"
    " from a rescue system as well (root:/mnt/disk)"
)
"""What is to be kept in mind wherever a window of time is asked about."""
OF_DEVICES = ("listeners",)
"""Audits of what is seen from outside."""
DEVICE_NOTE = "nobody logs in to it: only what its ports say was looked at"
LEFT_BEHIND = frozenset((*persistence.AUDIT.rules, *preload.AUDIT.rules))
"""Rules of what somebody may have left behind: a baseline tells since when."""
RAISED = LEFT_BEHIND | {new.NEW, new.OTHER_PROGRAM}
"""Rules of what matters more where it came in the window of an incident."""
ROUNDS = 4
"""Rounds of questions behind the first one: a process names a file, that another one, and so on."""


def chosen(only: Sequence[str] = (), advisories: Sequence[str] = ()) -> tuple[Audit, ...]:
    """The audits of these names, or all; that of packages goes by these files of advisories.

    Raises:
        UsageError: there is none of that name.
        FormatError: one of the files is none that can be used.
    """
    wanted = tuple(_named(name) for name in only) or audits.AUDITS
    if not advisories:
        return wanted
    from auditkit.commands import advising  # noqa: PLC0415 - few runs have such files

    feeds = advising.read(advisories)
    advising.told(feeds)
    return tuple(packages.advised_by(feeds) if audit is packages.AUDIT else audit for audit in wanted)


def is_device(host: Host) -> bool:
    """Whether nobody logs in to it, live or in evidence."""
    return getattr(host, "kind", "") == DEVICE


def fitting(host: Host, wanted: Sequence[Audit]) -> Sequence[Audit]:
    """The audits that have something to look at: of a device only those of what it shows."""
    return [audit for audit in wanted if audit.name in OF_DEVICES] if is_device(host) else wanted


def asked_of(host: Host, needs: Sequence[Need]) -> Sequence[Need]:
    """What a host is asked of these: a device only what it shows."""
    return [need for need in needs if need.means is Means.PORT] if is_device(host) else needs


def taken(host: Host, wanted: Sequence[Audit], office: Office) -> Evidence:
    """The evidence that the audits want of a host: what they need, and round by round what follows from it.

    Raises:
        HostError: the host cannot be asked.
    """
    first = replace(collect(host, asked_of(host, audits.needs(wanted)), lambda: now(host)), office=office)
    return followed(first, lambda more: collect(host, asked_of(host, more), lambda: now(host)), wanted)


def followed(first: Evidence, ask: Callable[[tuple[Need, ...]], Evidence], wanted: Sequence[Audit]) -> Evidence:
    """The evidence with what the audits want besides, in rounds, until nothing is new; what is left then was not asked.

    Raises:
        HostError: the host cannot be asked.
    """
    evidence, asked = first, set(audits.needs(wanted))
    for _round in range(ROUNDS):
        more = _new(evidence, wanted, asked)
        if not more:
            return evidence
        asked.update(more)
        evidence = _joined(evidence, ask, more)
    return replace(evidence, unasked=(*evidence.unasked, *_new(evidence, wanted, asked)))


def _new(evidence: Evidence, wanted: Sequence[Audit], asked: set[Need]) -> tuple[Need, ...]:
    return tuple(need for need in audits.follow(evidence, wanted) if need not in asked)


def _joined(evidence: Evidence, ask: Callable[[tuple[Need, ...]], Evidence], more: Sequence[Need]) -> Evidence:
    """The evidence with the answers to these questions; what was asked before, for another reason, is not asked again."""
    by: dict[Need, list[Item]] = {}
    for item in evidence.items:
        by.setdefault(item.need, []).append(item)
    held = {(need.means, need.what): items for need, items in by.items()}
    again = (replace(item, need=need) for need in more for item in held.get((need.means, need.what), ()))
    fresh = tuple(need for need in more if (need.means, need.what) not in held)
    then = ask(fresh) if fresh else Evidence(evidence.host, evidence.taken)
    gaps, unasked = dict.fromkeys((*evidence.gaps, *then.gaps)), dict.fromkeys((*evidence.unasked, *then.unasked))
    return replace(evidence, items=(*evidence.items, *again, *then.items), gaps=tuple(gaps), unasked=tuple(unasked))


def known(host: Host, run: Setting, wanted: Sequence[Audit]) -> BaselineFacts | Gap | None:
    """The newest baseline of a host that is not compared with it, for the audits that go by it; a gap where it is not believed.

    Of evidence of a `local` nobody knows whether it is of the same machine: that has none.
    """
    if listeners.AUDIT not in wanted or is_device(host) or (isinstance(host, Past) and is_here(host.name)):
        return None
    try:
        path = store.newest(run.store, host.name)
        if path is None:
            return None
        trusted = store.trusted(path, run.signers, of=host.name)
        with closing(trusted.baseline):
            return trusted.facts()
    except AuditkitError as error:
        return Gap("baseline", f"what was there before is not known: {error}")


def heard(host: Host, run: Setting) -> tuple[Mapping[str, object], ...] | None:
    """What listens on a host and what it says, as a baseline keeps it; None where that cannot be asked.

    It is put to the service itself, from here, as `audit` does.

    Raises:
        HostError: the host cannot be asked.
    """
    audit = listeners.AUDIT
    return new.kept(audits.facts(taken(host, (audit,), run.office), (audit,)).get("listeners"))


def added(
    host: Host,
    report: HostReport,
    wanted: Sequence[Audit],
    office: Office,
    *,
    before: BaselineFacts | None = None,
    missed: tuple[Missed, ...] = (),
    span: Span | None = None,
) -> HostReport:
    """The report of a host with what the audits say of it, by its baseline or `before`; one that fell silent is left alone.

    They go by what earlier runs saw `missed` as well.

    What came in the `span` of an incident stands first.

    One that lies is asked again: what makes it lie may be among what they look at; evidence, for it holds what came before.
    """
    wanted = fitting(host, wanted)
    if report.state not in (State.OK, State.LIED) and not isinstance(host, Past):
        return report
    try:
        evidence = replace(taken(host, wanted, office), before=report.baseline or before, missed=missed)
        told = list(audits.judge(evidence, wanted))
        found: list[Finding | Gap] = list(since.joined(_findings(told), report, LEFT_BEHIND))
        if span is not None:
            evidence, found = _ranked(host, evidence, list(_findings(found)), span)
    except HostError as error:
        lost = running.failed(host.name, error)
        state = report.state if report.state is State.LIED else lost.state
        return replace(report, gaps=(*report.gaps, *lost.gaps), state=state)
    gaps = tuple(dict.fromkeys((*report.gaps, *evidence.gaps, *(one for one in (*told, *found) if isinstance(one, Gap)))))
    counts = {**report.counts, "audits": len(wanted), "gaps": len(gaps)}
    known = {"before": _named_base(before)} if before else {}
    facts = {**report.facts, **audits.facts(evidence, wanted), **known}
    notes = (*report.notes, SUSPECT) if span and not host.name.startswith("root:") else report.notes
    findings = (*report.findings, *_findings(found))
    return replace(report, findings=findings, gaps=gaps, counts=counts, facts=facts, notes=notes)


def _named_base(base: BaselineFacts) -> Mapping[str, object]:
    """Which baseline it is that the audits went by, where the host was not compared with it."""
    return {"file": base.file, "made": f"{base.made.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z", "sequence": base.sequence}


def _findings(told: Iterable[Finding | Gap]) -> Iterator[Finding]:
    return (one for one in told if isinstance(one, Finding))


def _ranked(host: Host, evidence: Evidence, found: list[Finding], span: Span) -> tuple[Evidence, list[Finding | Gap]]:
    """The evidence with since when that is which findings name, and the findings by that.

    Raises:
        HostError: the host cannot be asked any more.
    """
    begin, end = (int(moment.timestamp() * 10**9) for moment in (span[0], span[1] or evidence.taken))
    needs = window.asked(found, evidence)
    told = _joined(evidence, lambda more: collect(host, more, lambda: now(host)), [need for need in needs if gives(host, need)])
    told = replace(told, unasked=(*told.unasked, *(need for need in needs if not gives(host, need))))
    return told, list(window.marked(found, told, window.Window(begin, end), RAISED))


def _named(name: str) -> Audit:
    known = {audit.name: audit for audit in audits.AUDITS}
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"name one of {', '.join(known)}"
        raise UsageError(f"there is no audit {printable(name)}", hint)
    return known[name]
