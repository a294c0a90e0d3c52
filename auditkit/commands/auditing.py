"""Evidence taken and judged: what `scan` and `audit` share."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from auditkit import audits
from auditkit.collect import collect
from auditkit.commands import running
from auditkit.commands.options import Setting
from auditkit.errors import HostError, UsageError
from auditkit.hosts import Host, Past, now
from auditkit.model import Audit, Evidence, Finding, Gap, HostReport, Office, State
from auditkit.printable import printable


def chosen(only: Sequence[str] = ()) -> tuple[Audit, ...]:
    """The audits of these names, or all.

    Raises:
        UsageError: there is none of that name.
    """
    return tuple(_named(name) for name in only) or audits.AUDITS


def office(run: Setting) -> Office:
    """What the configuration of this run says, as judges read it."""
    own, keys = run.config.networks, tuple(run.config.known_keys.items())
    return Office(known_keys=keys) if own is None else Office(tuple(map(str, own)), keys)


def taken(host: Host, wanted: Sequence[Audit], office: Office) -> Evidence:
    """The evidence that the audits want of a host: what they need, and in one round more what follows from it.

    Raises:
        HostError: the host cannot be asked.
    """
    first = replace(collect(host, audits.needs(wanted), lambda: now(host)), office=office)
    more = audits.follow(first, wanted)
    second = collect(host, more, lambda: now(host)) if more else Evidence(host.name, first.taken)
    gaps, unasked = dict.fromkeys((*first.gaps, *second.gaps)), (*first.unasked, *second.unasked)
    return replace(first, items=(*first.items, *second.items), gaps=tuple(gaps), unasked=unasked)


def added(host: Host, report: HostReport, wanted: Sequence[Audit], office: Office) -> HostReport:
    """The report of a host with what the audits say of it; one that has fallen silent is not asked again.

    One that lies is: what makes it lie may be among what they look at. So is evidence, which holds what came before.
    """
    if report.state not in (State.OK, State.LIED) and not isinstance(host, Past):
        return report
    try:
        evidence = taken(host, wanted, office)
    except HostError as error:
        lost = running.failed(host.name, error)
        state = report.state if report.state is State.LIED else lost.state
        return replace(report, gaps=(*report.gaps, *lost.gaps), state=state)
    told = tuple(audits.judge(evidence, wanted))
    found = tuple(one for one in told if isinstance(one, Finding))
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
