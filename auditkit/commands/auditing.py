"""Evidence taken and judged: what `scan` and `audit` share."""

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches

from auditkit import audits
from auditkit.collect import collect
from auditkit.commands import running
from auditkit.errors import HostError, UsageError
from auditkit.hosts import Host, Past, now
from auditkit.model import Audit, Finding, Gap, HostReport, State
from auditkit.printable import printable


def chosen(only: Sequence[str] = ()) -> tuple[Audit, ...]:
    """The audits of these names, or all.

    Raises:
        UsageError: there is none of that name.
    """
    return tuple(_named(name) for name in only) or audits.AUDITS


def added(host: Host, report: HostReport, wanted: Sequence[Audit]) -> HostReport:
    """The report of a host with what the audits say of it; one that has fallen silent is not asked again.

    One that lies is: what makes it lie may be among what they look at. So is evidence, which holds what came before.
    """
    if report.state not in (State.OK, State.LIED) and not isinstance(host, Past):
        return report
    try:
        evidence = collect(host, audits.needs(wanted), lambda: now(host))
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
