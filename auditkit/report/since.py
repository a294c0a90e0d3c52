"""What a document tells of earlier runs: items as `lifetimes` judges them, and what it says of them put into the document."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from auditkit.lifetimes import INTEGRITY, LOGINS, How, Judged, Row, Thing
from auditkit.model import Severity
from auditkit.report.accepted import BY, RULES
from auditkit.report.document import Document
from auditkit.report.items import Item, Sort, identity, items
from auditkit.report.look import Options
from auditkit.report.steady import steady

Dict = Mapping[str, Any]
MOST = 1000
"""Things that are gone, or not known, that are told one by one."""
KEPT = frozenset((Sort.UNTRUSTED, Sort.LOGINS, Sort.CHANGE, Sort.FINDING, Sort.ACCEPTED, Sort.GAP, Sort.LOGIN))
LASTING = ("kind", "mode", "uid", "gid", "size", "digest", "target", "xattrs", "flags")
"""What of an entry is of its own, and no mere time or place."""
ENDS = frozenset(rule.id for rule in RULES)
"""Rules on exceptions, of whatever they are for."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Which part of a run looks for which rule."""

    integrity: str
    """The part that compares files: against what differs from run to run."""
    of: Callable[[str], str]
    """The part of a rule; empty for one that is of this very part."""
    based: Callable[[str], bool]
    """Whether a rule of another part is held against a baseline, too."""


def things(host: Dict, parts: Parts) -> Iterator[tuple[Thing, Dict]]:
    """Yield what is told of a host as lifetimes are judged, each with what the document says of it."""
    seen: Counter[str] = Counter()
    changed = {(change["rule"], change["path"]) for change in host["changes"]}
    for item in items(host, Options(show_all=True)):
        if item.sort not in KEPT or (item.sort is Sort.LOGIN and item.severity < Severity.MEDIUM):
            continue
        thing = _thing(item, Sort.CHANGE if (item.rule, item.subject) in changed else Sort.FINDING, parts)
        seen[thing.key] += 1
        yield replace(thing, key=thing.key if seen[thing.key] == 1 else f"{thing.key}-{seen[thing.key]}"), item.of


def _thing(item: Item, before: Sort, parts: Parts) -> Thing:
    """One item; `before`: what it was before it was accepted, if it is."""
    sort = before if item.sort is Sort.ACCEPTED else item.sort
    part = _part(sort, item.rule, parts)
    told = Thing(
        key=_of(sort, *identity(item)),
        sort=sort,
        rule=item.rule,
        subject=item.subject,
        message=item.message,
        severity=item.severity,
        part=part,
        counts=item.against or item.sort in (Sort.GAP, Sort.LOGIN),
        excuse=_excuse(item),
        mark=_mark(item),
        event=part == LOGINS,
        based=(part == INTEGRITY and sort != Sort.UNTRUSTED) or (sort == Sort.FINDING and parts.based(item.rule)),
    )
    return replace(told, key=_of(told.key, told.message)) if _is_event(told) else told


def _is_event(thing: Thing) -> bool:
    """Whether a finding tells of one event: the same rule may tell of another one of the same user, address or log."""
    return thing.event and thing.sort == Sort.FINDING and thing.severity >= Severity.MEDIUM


def _of(*words: str) -> str:
    return sha256("\0".join(words).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _part(sort: Sort, rule: str, parts: Parts) -> str:
    """The part of a run that looks for it; empty where any may, as for gaps, and for exceptions that end."""
    match sort:
        case Sort.GAP:
            return ""
        case Sort.LOGINS | Sort.LOGIN:
            return LOGINS
        case Sort.CHANGE | Sort.UNTRUSTED:
            return parts.integrity
    return "" if rule in ENDS else parts.of(rule) or parts.integrity


def _excuse(item: Item) -> str:
    if item.sort is Sort.ACCEPTED:
        return How.ACCEPTED
    if item.sort is Sort.CHANGE and item.excuse:
        return How.ACCEPTED if item.of["explanation"]["by"] == BY else How.EXPLAINED
    return ""


def _mark(item: Item) -> str:
    """What tells it from another one with the same key; of words what is no number, for those go up and down by themselves."""
    match item.sort:
        case Sort.CHANGE if "after" in item.of:
            entry = item.of["after"] or {}
            return _of(str(item.of["change"]), *(repr(entry.get(name)) for name in LASTING))
        case Sort.FINDING if item.severity >= Severity.MEDIUM:
            return _of(steady(item.message))
        case Sort.GAP | Sort.UNTRUSTED:
            return _of(steady(item.message))
        case Sort.LOGINS:
            return _of(str(item.of["access"]), str(item.of["coverage"]))
    return ""


def told(host: Document, pairs: Sequence[tuple[Thing, Dict]], judged: Judged, earlier: tuple[str, str] | None) -> Document:
    """The host of a document with what became of what earlier runs told.

    `earlier`: id and end of the run that this one is held against.
    """
    rows = {id(of): judged.told[thing.key] for thing, of in pairs}
    changes = {(thing.subject, thing.rule): judged.told[thing.key] for thing, _of_ in pairs if thing.sort == Sort.CHANGE}
    made: Document = {**host}
    for name in ("changes", "findings", "accepted", "gaps"):
        if name in host:
            made[name] = [
                _dated(one, rows.get(id(one)) or changes.get((one.get("subject", one.get("path")), one.get("rule"))), judged)
                for one in host[name]
            ]
    if host["logins"]:
        successes = [_dated(one, rows.get(id(one)), judged) for one in host["logins"]["successes"]]
        made["logins"] = {**host["logins"], "successes": successes}
    new_gaps = sum(judged.told[key].thing.sort == Sort.GAP for key in judged.new)
    made["since"] = {
        "run": earlier and earlier[0],
        "finished": earlier and earlier[1],
        "new": len(judged.new),
        "still": judged.still,
        "new_gaps": new_gaps,
        "fixed": [_gone(row) for row in _worst_first(judged.fixed)[:MOST]],
        "unknown": [_unknown(row, judged) for row in _worst_first(judged.unknown)[:MOST]],
        "beyond": len(judged.beyond),
        "more_fixed": max(0, len(judged.fixed) - MOST),
        "more_unknown": max(0, len(judged.unknown) - MOST),
    }
    return made


def _dated(one: Document, row: Row | None, judged: Judged) -> Document:
    """What the document says of one thing, with since when."""
    if row is None:
        return one
    news = {"news": row.news} if judged.held and row.thing.key in judged.new else {}
    return {**one, "first_seen": row.first_seen, **news}


def _worst_first(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (-row.thing.severity, row.thing.subject, row.thing.rule))


def _unknown(row: Row, judged: Judged) -> Document:
    return {**_gone(row), **({"beyond": True} if row.thing.key in judged.beyond else {})}


def _gone(row: Row) -> Document:
    thing = row.thing
    return {
        "sort": thing.sort,
        "rule": thing.rule,
        "severity": thing.severity.word,
        "subject": thing.subject,
        "message": thing.message,
        "first_seen": row.first_seen,
        "last_seen": row.last_seen,
        "how": row.how,
        **({"by": "exception" if row.open else "baseline"} if row.how == How.ACCEPTED else {}),
    }
