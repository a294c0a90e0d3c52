"""Evidence taken and judged: what `scan` and `audit` share."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from difflib import get_close_matches

from auditkit import audits
from auditkit.collect import collect
from auditkit.errors import UsageError
from auditkit.hosts import open_host
from auditkit.model import Audit, Finding, Gap, HostReport
from auditkit.printable import printable


def added(word: str, report: HostReport, only: Sequence[str] = ()) -> HostReport:
    """The report of a host with what the audits say of it."""
    chosen = tuple(_named(name) for name in only) or audits.AUDITS
    evidence = collect(open_host(word), audits.needs(chosen), lambda: datetime.now(UTC))
    told = tuple(audits.judge(evidence, chosen))
    found = tuple(one for one in told if isinstance(one, Finding))
    gaps = tuple(dict.fromkeys((*report.gaps, *evidence.gaps, *(one for one in told if isinstance(one, Gap)))))
    counts = {**report.counts, "audits": len(chosen), "gaps": len(gaps)}
    return replace(report, findings=(*report.findings, *found), gaps=gaps, counts=counts)


def _named(name: str) -> Audit:
    known = {audit.name: audit for audit in audits.AUDITS}
    if name not in known:
        near = get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"name one of {', '.join(known)}"
        raise UsageError(f"there is no audit {printable(name)}", hint)
    return known[name]
