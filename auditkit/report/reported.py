"""What the reports in a case come to, a line for each host and command: for who reads the record in the middle of it."""

import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping

from auditkit.printable import counted, printable, said
from auditkit.response.summary import Judged, Logins, Summary

ACCESS = {
    "none-seen": "no success seen",
    "seen": "success seen",
    "unsupported": "success claimed, and nothing supports it",
    "cannot-tell": "it cannot be told whether anybody got in",
}
COVERAGE = {"gap": "the logs have a gap", "source-missing": "a log is missing", "tamper": "a sign of tampering"}
SEVERITIES = ("critical", "high", "medium", "low", "info")
LONGEST = 160
"""Characters of what is said of the worst of it."""


def lines(told: Summary, width: int) -> Iterator[str]:
    """Yield what the newest report of each command says of each host; that an earlier one says worse stands first."""
    if told.judged:
        yield "what the reports say"
    logins = {(one.host, one.entry): one for one in told.logins}
    gaps = Counter((lack.host, lack.entry) for lack in told.lacks)
    for one in sorted(told.judged, key=lambda one: (one.host, one.entry)):
        place = one.host, one.entry
        parts = [*_before(one, logins.get(place)), *_logins(logins.get(place)), *_judged(one)]
        parts += [f"{counted(gaps[place], 'thing')} could not be seen"] if gaps[place] else []
        text = f"{printable(one.host)}: {printable(one.command)}: {'; '.join(parts) or one.status} [entry {one.entry}]"
        yield from textwrap.wrap(said(text), width, initial_indent="  ", subsequent_indent="    ")


def _before(one: Judged, logins: Logins | None) -> Iterator[str]:
    entries = sorted({*one.worse_before, *(logins.worse_before if logins else ())})
    if entries:
        yield f"SAID WORSE BEFORE, in {' and '.join(f'entry {seq}' for seq in entries)}, which this does not undo"


def _logins(one: Logins | None) -> Iterator[str]:
    if one is None:
        return
    yield ACCESS[one.access]
    if one.attempts:
        yield counted(one.attempts, "guess")
    if asked := sum(success.ask is not None for success in one.successes):
        yield f"{counted(asked, 'login')} to ask about"
    if one.coverage in COVERAGE:
        yield COVERAGE[one.coverage]


def _judged(one: Judged) -> Iterator[str]:
    if one.untrusted is not None:
        yield f"UNTRUSTED: {printable(one.untrusted)[:LONGEST]}"
    if one.changes:
        yield f"{counted(sum(one.changes.values()), 'change')} that nothing explains ({_by_severity(one.changes)})"
    if one.findings:
        yield f"{counted(sum(one.findings.values()), 'finding')} ({_by_severity(one.findings)})"
    for matter in one.worst[:1]:
        if matter.severity not in ("low", "info"):
            yield f"first {printable(matter.subject)[:LONGEST]}: {printable(matter.message)[:LONGEST]}"


def _by_severity(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{counts[word]} {word}" for word in SEVERITIES if word in counts)
