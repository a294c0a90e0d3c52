"""The sentence on one host: ground -> scan -> compare -> settle -> report. Commands call it, with their own words around."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from auditkit import compare, distrust, entries, growth, hosts, mounts, policy, settle, timeline
from auditkit.baseline import Baseline
from auditkit.errors import HostError, UsageError
from auditkit.header import Header
from auditkit.hosts import Ask, Beginning, Distant, Host, Past, Suspect
from auditkit.model import BaselineFacts, Change, ChangeKind, Entry, Finding, Gap, HostReport, Policy, State, Watch
from auditkit.printable import printable
from auditkit.probe.haste import RAISE
from auditkit.probe.patterns import ANY_DEPTH, IGNORE, Matcher
from auditkit.probe.rotation import NOT_KNOWN
from auditkit.scan import Ground, Scan
from auditkit.timeline import Span

if TYPE_CHECKING:
    from auditkit.packaged import Signed

MOST_CHANGES = 200_000
MOST_UNPROVED = 3
"""Packages of which a report says why their vendor does not vouch for them."""


class Watched:
    """A policy with its homes, asked by path."""

    def __init__(self, wanted: Policy) -> None:
        self.policy = wanted
        self._matcher = Matcher([(watch.path, str(watch.level)) for watch in wanted.watches])
        self._last = "", self._matcher.root  # paths come directory by directory

    def watch(self, path: str) -> Watch | None:
        """The watch that covers a path."""
        directory, _, name = path.rpartition("/")
        if directory != self._last[0]:
            self._last = directory, self._matcher.find(directory)
        index = (self._matcher.step(self._last[1], name) if name else self._last[1]).watch
        return None if index is None else self.policy.watches[index]

    def concerns(self, point: str) -> bool:
        """Whether anything on, above or below a mount point is watched."""
        state = self._matcher.find(point)
        if state.watch is not None and self._matcher.levels[state.watch] != IGNORE:
            return True
        live = (
            self._matcher.parts[index][at] is not ANY_DEPTH for index, at in state.live if self._matcher.levels[index] != IGNORE
        )
        return any(live)


@dataclass(frozen=True, slots=True)
class Compared:
    """What comparing a host with something came to."""

    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    gaps: tuple[Gap, ...]
    entries: int
    moments: tuple[timeline.Moment, ...] = ()
    state: State = State.OK
    notes: tuple[str, ...] = ()
    last: str = ""
    """Where the turn of files that are fetched ended; "" where none were."""


def compared(before: Iterable[bytes], scan: Scan, span: Span | None = None, passing: frozenset[str] = frozenset()) -> Compared:
    """A scan compared with blocks of before; `passing` names attributes that two trees never share."""
    return _compared(before, scan, Watched(scan.ground.watched), span, passing=passing)


def with_baseline(base: Baseline, scan: Scan, turn: distrust.Turn, signed: "Signed", span: Span | None = None) -> Compared:
    """A scan compared with a baseline by its policy, their mount tables too, and files fetched whose turn it is.

    `signed` asks the vendors of packages that own changed files.
    """
    homes = tuple(dict.fromkeys((*base.header.homes, *scan.ground.homes)))
    watched = Watched(policy.expand(base.header.policy, homes))
    result = _compared(base.blocks(), scan, watched, span, unseen=base.footer.gaps)
    tables = base.header.mounts, scan.ground.mounts
    new = mounts.compare(*tables, watched.concerns) if all(tables) else ()
    seen = len(scan.gaps)
    if tables[0] and not tables[1]:
        scan.gaps.append(Gap("mounts", "the mount table is empty now: what is mounted over watched paths cannot be told"))
    result = _accounted(scan, result, base, signed)
    drawn, last = _drawn(base, scan.host, turn)
    doubts = _doubts(scan, result, drawn)
    lies = (*distrust.hidden(result.gaps), *(told for told in doubts if isinstance(told, Finding)))
    more = (*(told for told in doubts if isinstance(told, Gap)), *scan.gaps[seen:])
    gaps = (*base_gaps(base, result.gaps), *result.gaps, *more)
    state = State.LIED if lies else scan.ended
    return replace(result, findings=(*result.findings, *new, *lies), gaps=gaps, state=state, last=last)


NO_OWNERS = (
    "the file *.owners.zst that belongs beside the baseline is not there: what packages removed or replaced is not explained;"
    " put it back from your copy"
)


def _accounted(scan: Scan, result: Compared, base: Baseline, signed: "Signed") -> Compared:
    """The result with the changes explained that packages account for; the host is asked only where something changed."""
    open_ = [change for change in result.changes if not change.explanation]
    if not open_ or base.header.packages is None or scan.ended is not State.OK:
        return result
    from auditkit import databases, explain, makers, owners, packaged, remade  # noqa: PLC0415 - nothing changed: nobody is kept waiting

    paths = {change.before.path for change in open_ if change.before}
    was = owners.claims(os.path.dirname(base.path), base.header.owners, paths) if base.header.owners and paths else {}
    try:
        known, unproved = packaged.account(scan.host, open_, base.header.packages, was, signed)
    except HostError as error:
        scan.broke(error)
        return result
    changes = explain.explain(result.changes, known)
    try:
        changes = remade.explained(scan.host, changes, (*result.gaps, *scan.gaps), known, base.blocks)
    except HostError as error:
        scan.broke(error, "derived files", "whether they are what they are made of was not told")
    found = (*databases.appeared(known), *databases.on_its_word(changes, unproved), *databases.downgraded(known))
    forged = databases.forged(claim.manifest for claims in known.now.values() for claim in claims)
    findings = (*compare.findings(changes, (*explain.RULES, *makers.RULES)), *forged, *found)
    notes = [f"{printable(gap.subject)} is not proved by its vendor: {gap.reason}" for gap in unproved[:MOST_UNPROVED]]
    notes += [NO_OWNERS] if base.header.owners and not owners.is_there(os.path.dirname(base.path), base.header.owners) else []
    return replace(result, changes=changes, findings=findings, notes=tuple(notes), gaps=(*result.gaps, *known.gaps))


def _drawn(base: Baseline, host: Host, turn: distrust.Turn) -> tuple[tuple[Entry, ...], str]:
    """The files whose content is to be held against the host's word, and where their turn ended."""
    if not isinstance(host, Distant):
        return (), ""
    if isinstance(host, Past):  # it was asked then
        all_of_it = base.blocks() if host.fetched else ()
        return tuple(one for block in all_of_it for _name, one in entries.decode(block) if one.path in host.fetched), ""
    return distrust.sample(base.blocks, turn)


def _doubts(scan: Scan, result: Compared, drawn: Sequence[Entry]) -> list[Finding | Gap]:
    """What a second look says, as far as the host answers."""
    found: list[Finding | Gap] = []
    if isinstance(scan.host, Suspect) and scan.ended is State.OK:
        try:
            found.extend(_doubted(scan.host, result, drawn))
        except HostError as error:
            scan.broke(error, "second look", "what it calls removed or unchanged was not held against another look")
    return found


def is_foreign(host: Host, stands: Ground, base: Header) -> bool:
    """Whether evidence and a baseline that is found by its name are of two machines: everywhere there is a `local`."""
    if not isinstance(host, hosts.Past) or not hosts.is_here(host.name):
        return False
    return None not in (stands.machine, base.machine) and stands.machine != base.machine


def check_same(host: Host, stands: Ground, base: Header) -> None:
    """Refuse to let a baseline made of evidence follow one of another machine.

    Raises:
        UsageError: that would be so.
    """
    if is_foreign(host, stands, base):
        raise UsageError(
            f"the baselines of {printable(host.name)} here are of another machine than this evidence",
            "name a store of its own: --store DIR",
        )


def _doubted(host: Suspect, result: Compared, drawn: Sequence[Entry]) -> Iterator[Finding | Gap]:
    """Yield what a second look says of what the host calls removed and, where it hashes far from here, unchanged."""
    gone = tuple(change.path for change in result.changes if change.change is ChangeKind.REMOVED)
    yield from distrust.unlisted(result.changes, _present(host, gone))
    if isinstance(host, Distant):
        yield from _contradicted(host, result, drawn)


def _contradicted(host: Distant, result: Compared, drawn: Sequence[Entry]) -> Iterator[Finding | Gap]:
    """Yield what the bytes of some files say that the host calls unchanged."""
    changed = {change.path for change in result.changes} | {gap.subject for gap in result.gaps}
    claimed = sorted((one for one in drawn if not settle.under(one.path, changed)), key=lambda one: one.path)
    paths = tuple(entry.path for entry in claimed)
    fetched = dict(host.content(paths))
    yield from distrust.contradicted(claimed, fetched, _present(host, paths))


def _present(host: Suspect, paths: Sequence[str]) -> dict[str, distrust.Look]:
    return {path: (inode, changed) for path, inode, changed in host.present(paths)}


def _compared(
    before: Iterable[bytes],
    scan: Scan,
    watched: Watched,
    span: Span | None,
    *,
    unseen: tuple[Gap, ...] = (),
    passing: frozenset[str] = frozenset(),
) -> Compared:
    spy = timeline.Spy(span)
    told = _bounded(compare.compare(compare.pairs(before, spy.watch(scan.as_far_as_it_goes())), watched.watch, passing))
    odd = [gap for gap in told if isinstance(gap, Gap)]
    changes = settle.settle([change for change in told if isinstance(change, Change)], [*scan.gaps, *odd], unseen)
    beginnings = growth.telling(changes, _beginnings(scan, growth.asked(changes)), watched.watch)
    gaps = (*scan.gaps, *odd, *growth.unknown(changes, beginnings))
    changes = growth.settle(changes, beginnings)
    return Compared(changes, tuple(compare.findings(changes)), gaps, scan.entries, spy.moments(), scan.ended)


def _bounded(told: Iterable[Change | Gap]) -> list[Change | Gap]:
    """What a comparison says, as far as it can be held: one host must not take the memory of all."""
    kept: list[Change | Gap] = []
    for one in told:  # to its end, for the host is still talking
        if len(kept) < MOST_CHANGES:
            kept.append(one)
        elif len(kept) == MOST_CHANGES:
            kept.append(Gap(settle.UNTOLD, f"there are more than {MOST_CHANGES}; those that follow are not told"))
    return kept


def _beginnings(scan: Scan, asked: Sequence[Ask]) -> tuple[Beginning, ...]:
    """How logs and their rotations begin, as far as the host answers."""
    if scan.ended is State.OK:
        try:
            return tuple(scan.host.beginnings(asked))
        except HostError as error:
            scan.broke(error, "logs", "whether they only grew was not told")
    return tuple((path, "", NOT_KNOWN) for path, *_rest in asked)


def with_gaps(result: Compared, gaps: Iterable[Gap]) -> Compared:
    """The same with more gaps, under which nothing is called removed or added."""
    hidden = {gap.subject for gap in gaps}
    kept = tuple(change for change in result.changes if not settle.under(change.path, hidden))
    return replace(result, changes=kept, findings=tuple(compare.findings(kept)), gaps=(*result.gaps, *gaps))


def looked(scan: Scan, span: Span | None) -> Compared:
    """A scan that is compared with nothing: its gaps and its timeline."""
    spy = timeline.Spy(span)
    for _block in spy.watch(scan.as_far_as_it_goes()):
        pass
    return Compared((), (), tuple(scan.gaps), scan.entries, spy.moments(), scan.ended)


def base_gaps(base: Baseline, known: Iterable[Gap]) -> tuple[Gap, ...]:
    """What the baseline could not see either: nothing can be said of it now."""
    seen = {gap.subject for gap in known}
    return tuple(
        Gap(gap.subject, f"the baseline has nothing of it: {gap.reason.removesuffix(RAISE)}")
        for gap in base.footer.gaps
        if gap.subject not in seen
    )


def report(host: Host, result: Compared, base: BaselineFacts | None, notes: Iterable[str] = ()) -> HostReport:
    """What is said of a host whose integrity was checked, and of what such a check cannot see."""
    is_live = isinstance(host, Suspect) and not host.name.startswith("root:")  # evidence of a disk was no live host either
    limits = (*left_out(host), distrust.LIVE) if is_live else ()
    return report_of(host.name, result, base, (*notes, *limits))


def left_out(host: Host) -> tuple[str, ...]:
    """What a scan of this host cannot show, for nothing there can: a sentence, or none."""
    less = distrust.LESS.get(str(host.facts.get("shell")))
    return (less,) if less else ()


def report_of(name: str, result: Compared, base: BaselineFacts | None, notes: Iterable[str] = ()) -> HostReport:
    """What is said of a host by its name, of which two states were compared."""
    explained = sum(change.explanation is not None for change in result.changes)
    counts = {
        "entries": result.entries,
        "changes": len(result.changes) - explained,
        "explained": explained,
        "added": sum(change.change is ChangeKind.ADDED and not change.explanation for change in result.changes),
        "removed": sum(change.change is ChangeKind.REMOVED and not change.explanation for change in result.changes),
        "changed": sum(change.change is ChangeKind.CHANGED and not change.explanation for change in result.changes),
        "gaps": len(result.gaps),
    }
    return HostReport(
        host=name,
        baseline=base,
        counts=counts,
        changes=result.changes,
        findings=result.findings,
        gaps=result.gaps,
        notes=(*notes, *result.notes),
        state=result.state,
        facts={"timeline": [moment.document() for moment in result.moments]} if result.moments else {},
    )
