"""What a baseline adds: which of the findings are of something that is new or was changed, and what else of the kind was."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from auditkit.audits.persistence.entry import EVIDENCE, Entry, is_of
from auditkit.audits.persistence.seen import listing
from auditkit.audits.persistence.table import ENTRIES
from auditkit.model import Change, ChangeKind, Finding, HostReport, Quote, Rule, Severity

CHANGED = Rule(
    "persistence-changed",
    "What starts by itself, or lets somebody in, is not as it was",
    Severity.LOW,
    "Whoever comes back has changed one of these. The change itself stands among the changes, with what accounts for it if"
    " anything does; here is said what the path is for.",
    f"{EVIDENCE} See who changed it, and why; auditkit accept takes what is wanted into the next baseline.",
    ("MITRE ATT&CK TA0003",),
)
RULES = (CHANGED,)
_WORDS = {ChangeKind.ADDED: "new", ChangeKind.CHANGED: "changed", ChangeKind.REMOVED: "gone"}
MOST_QUOTES = 10


def joined(findings: Iterable[Finding], report: HostReport, rules: frozenset[Rule]) -> Iterator[Finding]:
    """Yield the findings, those of these rules with what the comparison of the host says of what they are about.

    One that is of something new or changed is one step more severe, up to high. Of changes that no finding names, one
    finding for each kind of thing.
    """
    changes = {change.path: change for change in report.changes if change.explanation is None}
    if report.baseline is None or not changes:
        yield from findings
        return
    date, named = f"{report.baseline.made:%Y-%m-%d}", set[str]()
    for one in findings:
        touched = [path for path in dict.fromkeys((one.subject, *(quote.source for quote in one.quotes))) if path in changes]
        if one.rule in rules and touched:
            named.update(touched)
            yield _marked(one, [changes[path] for path in touched], date)
        else:
            yield one
    for entry in (entry for entry in ENTRIES if entry.rule):  # of keys and accounts their own judges speak
        left = [change for path, change in changes.items() if path not in named and is_of(entry, path)]
        if left:
            named.update(change.path for change in left)
            yield _of_entry(entry, left, date)


def _marked(one: Finding, changes: Sequence[Change], date: str) -> Finding:
    severity = Severity(min(one.severity + 1, max(one.severity, Severity.HIGH)))
    return replace(one, message=f"{one.message}; {_told(changes)} since the baseline of {date}", severity=severity)


def _of_entry(entry: Entry, changes: Sequence[Change], date: str) -> Finding:
    paths = [change.path for change in changes]
    message = f"{_told(changes)} since the baseline of {date}: {listing(paths)}"
    quotes = tuple(Quote(each.path, 0, f"{each.change}: {', '.join(each.attributes)}".rstrip(": ")) for each in changes)
    return Finding(CHANGED, entry.what, message, CHANGED.severity, quotes[:MOST_QUOTES])


def _told(changes: Sequence[Change]) -> str:
    """`2 new, 1 changed`"""
    count: Mapping[ChangeKind, int] = {kind: sum(each.change is kind for each in changes) for kind in _WORDS}
    if len(changes) == 1:
        return _WORDS[changes[0].change]
    return ", ".join(f"{number} {_WORDS[kind]}" for kind, number in count.items() if number)
