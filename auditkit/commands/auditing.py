"""Evidence taken and judged: what `scan` and `audit` share."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import get_close_matches

from auditkit import audits
from auditkit.audits import packages, persistence, preload
from auditkit.audits.persistence import since
from auditkit.collect import collect
from auditkit.commands import running
from auditkit.errors import HostError, UsageError
from auditkit.hosts import Host, Past, now
from auditkit.model import Audit, Evidence, Finding, Gap, HostReport, Item, Means, Need, Office, State
from auditkit.printable import printable

DEVICE = "device"
OF_DEVICES = ("listeners",)
"""Audits of what is seen from outside."""
DEVICE_NOTE = "nobody logs in to it: only what its ports say was looked at"
LEFT_BEHIND = frozenset((*persistence.AUDIT.rules, *preload.AUDIT.rules))
"""Rules of what somebody may have left behind: a baseline tells since when."""
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


def added(host: Host, report: HostReport, wanted: Sequence[Audit], office: Office) -> HostReport:
    """The report of a host with what the audits say of it; one that has fallen silent is not asked again.

    One that lies is: what makes it lie may be among what they look at. So is evidence, which holds what came before.
    """
    wanted = fitting(host, wanted)
    if report.state not in (State.OK, State.LIED) and not isinstance(host, Past):
        return report
    try:
        evidence = taken(host, wanted, office)
    except HostError as error:
        lost = running.failed(host.name, error)
        state = report.state if report.state is State.LIED else lost.state
        return replace(report, gaps=(*report.gaps, *lost.gaps), state=state)
    told = tuple(audits.judge(evidence, wanted))
    found = tuple(since.joined((one for one in told if isinstance(one, Finding)), report, LEFT_BEHIND))
    gaps = tuple(dict.fromkeys((*report.gaps, *evidence.gaps, *(one for one in told if isinstance(one, Gap)))))
    counts = {**report.counts, "audits": len(wanted), "gaps": len(gaps)}
    facts = {**report.facts, **audits.facts(evidence, wanted)}
    return replace(report, findings=(*report.findings, *found), gaps=gaps, counts=counts, facts=facts)


def _named(name: str) -> Audit:
    known = {audit.name: audit for audit in audits.AUDITS}
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"name one of {', '.join(known)}"
        raise UsageError(f"there is no audit {printable(name)}", hint)
    return known[name]
