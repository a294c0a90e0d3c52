"""What an incident's window adds: which findings name what was changed, or started, in it, and what else of the kind was.

A file's time of change (ctime) and its birth are the kernel's, and touch(1) sets neither: a time of writing (mtime) from long
before is said as what it is, something that the file says of itself.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from auditkit import answers, processes
from auditkit.answers import Listed, Process
from auditkit.audits.persistence.entry import EVIDENCE, Entry, is_of
from auditkit.audits.persistence.seen import day, kind, listing
from auditkit.audits.persistence.table import ENTRIES
from auditkit.model import Evidence, Finding, Gap, Kind, Means, Need, Quote, Rule, Severity
from auditkit.printable import printable
from auditkit.processes import Running

IN_WINDOW = Rule(
    "persistence-in-window",
    "Of what starts by itself, or lets somebody in, something was changed in the window",
    Severity.LOW,
    "Whoever was in during that time may have left a way back among these, so look at each of them. The kernel's own times say"
    " that they came or were changed then; of what a package has brought an update does that, too, which the log of the"
    " package manager shows.",
    f"{EVIDENCE} Hold it against the log of packages (/var/log/dpkg.log) and against a backup from before the window.",
    ("inode(7)", "statx(2)", "MITRE ATT&CK TA0003"),
)
RULES = (IN_WINDOW,)
MOST_ASKED = 2000
"""Paths that findings name and that are looked at because of the window."""
MOST_TOLD, MOST_QUOTES = 3, 10
_WHY = "whether what findings name was changed in the window"
_DAY = 86_400 * 10**9
_A_SECOND = 10**9
_LISTED = (Means.LISTING, Means.UNOWNED, Means.PRIVILEGED)


@dataclass(frozen=True, slots=True)
class Window:
    """From when until when, in nanoseconds since 1970, both counted in."""

    begin: int
    end: int

    def holds(self, moment: int | None) -> bool:
        """Whether a moment lies in it; one that is not known does not."""
        return moment is not None and self.begin <= moment <= self.end

    @property
    def told(self) -> str:
        """`2026-11-24 03:00 to 2026-11-24 05:00`"""
        return f"{day(self.begin)} to {day(self.end)}"


@dataclass(frozen=True)
class Times:
    """When what the evidence shows came, was changed, or was started, as far as that is in a window."""

    evidence: Evidence
    window: Window

    @cached_property
    def nodes(self) -> dict[str, Listed]:
        """By path what lies there; what says when it came into being before what does not."""
        told = (answers.listed(item) for item in self.evidence.items if item.need.means in _LISTED)
        nodes = sorted((node for node in told if isinstance(node, Listed)), key=lambda node: node.birth is not None)
        return {node.path: node for node in nodes}

    @cached_property
    def started(self) -> dict[str, int]:
        """When a process started, by `/proc/PID` and by each place where it listens: `tcp 0.0.0.0:80`."""
        found: dict[str, float | None] = {}
        for item in self.evidence.items:
            if item.need.means is Means.PROCESSES and isinstance(one := processes.read(item), Running):
                found[f"/proc/{one.pid}"] = one.started
            elif item.need.means is Means.LISTENERS and isinstance(each := answers.process(item), Process):
                places = (f"{place.protocol} {place.place}" for place in each.listens)
                found.update(dict.fromkeys((f"/proc/{each.pid}", *places), each.started))
        return {source: int(moment * _A_SECOND) for source, moment in found.items() if moment is not None}

    def of(self, source: str) -> str:
        """What happened in the window to what a quote or a subject names; empty where nothing is known to have."""
        if (node := self.nodes.get(source)) is not None:
            return self.of_node(node)
        started = self.started.get(source)
        return f"started {day(started)}" if started is not None and self.window.holds(started) else ""

    def of_node(self, node: Listed) -> str:
        """`born 2026-11-24 03:12, written 2019-01-02 12:00 by what it says`"""
        moments = (("born", node.birth), ("changed", node.ctime), ("written", node.mtime))
        told = next((f"{what} {day(moment)}" for what, moment in moments if moment and self.window.holds(moment)), "")
        says = f", written {day(node.mtime)} by what it says"
        return told + (says if told and node.ctime - node.mtime > _DAY and kind(node) is Kind.FILE else "")


def asked(findings: Iterable[Finding], evidence: Evidence) -> tuple[Need, ...]:
    """What is to be looked at for the window: what findings name and nobody has listed, and what is else only compared."""
    known = {item.source for item in evidence.items if item.need.means in (Means.LISTING, Means.UNOWNED)}
    paths = dict.fromkeys(source for one in findings for source in _sources(one) if _is_path(source))
    watched = tuple(dict.fromkeys(Need(Means.LISTING, path, _WHY) for entry in ENTRIES for path in entry.watched))
    return (*(Need(Means.LISTING, path, _WHY) for path in list(paths)[:MOST_ASKED] if path not in known), *watched)


def _is_path(source: str) -> bool:
    return source.startswith("/") and not source.startswith(("/proc/", "/sys/")) and not set(source) & set("*?[\0\n")


def _sources(one: Finding) -> tuple[str, ...]:
    """What a finding names: paths, places where something listens; of a process `/proc/PID`, whatever of it was quoted."""
    sources = (one.subject, *(quote.source for quote in one.quotes))
    return tuple(dict.fromkeys("/".join(each.split("/")[:3]) if each.startswith("/proc/") else each for each in sources))


def marked(
    findings: Sequence[Finding], evidence: Evidence, window: Window, raised: Collection[Rule]
) -> Iterator[Finding | Gap]:
    """Yield the findings, first those that name what is nobody's and was changed in the window, then what else was.

    Those of the rules in `raised` are one step more severe then, up to high. What was changed and no finding names is one
    finding for each kind of thing.
    """
    times = Times(evidence, window)
    told = [_marked(one, times, raised) for one in findings]
    named = {source for one in findings for source in _sources(one)}
    told += _others(times, named)
    yield from sorted(told, key=lambda one: _rank(one, times))
    left = [need.what for need in asked(findings, evidence) if not evidence.was_asked(need)]
    if left:
        yield Gap("window", f"whether these were changed in it is not known: {listing(left)}")


def _rank(one: Finding, times: Times) -> int:
    if not one.window:
        return 2
    nodes = (times.nodes.get(source) for source in _sources(one))
    return 0 if any(node is not None and node.packages == () and times.of_node(node) for node in nodes) else 1


def _marked(one: Finding, times: Times, raised: Collection[Rule]) -> Finding:
    """A finding with what of the things it names happened in the window."""
    found = {source: told for source in _sources(one) if (told := times.of(source))}
    if not found:
        return one
    several = len(_sources(one)) > 1
    each = [f"{printable(source)} {told}" if several else told for source, told in list(found.items())[:MOST_TOLD]]
    more = f" and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
    severity = Severity(min(one.severity + 1, max(one.severity, Severity.HIGH))) if one.rule in raised else one.severity
    return replace(one, message=f"{one.message}; in the window: {'; '.join(each)}{more}", severity=severity, window=True)


def _others(times: Times, named: Collection[str]) -> Iterator[Finding]:
    """Yield one finding for each kind of thing of which something was changed that no finding names."""
    left = {path: node for path, node in times.nodes.items() if path not in named and times.of_node(node)}
    for entry in ENTRIES:
        found = [node for path, node in left.items() if is_of(entry, path)]
        for node in found:
            del left[node.path]
        if found:
            yield _of_entry(entry, sorted(found, key=lambda node: node.path), times)


def _of_entry(entry: Entry, nodes: Sequence[Listed], times: Times) -> Finding:
    verb = "was" if len(nodes) == 1 else "were"
    ours = sum(bool(node.packages) for node in nodes)
    brought = f", {ours} of packages, which an update changes as well" if ours else ""
    message = f"{listing([node.path for node in nodes])} {verb} changed in the window{brought}"
    quotes = tuple(Quote(node.path, 0, times.of_node(node)) for node in nodes[:MOST_QUOTES])
    severity = Severity.INFO if ours == len(nodes) else IN_WINDOW.severity
    return Finding(IN_WINDOW, entry.what, message, severity, quotes, window=True)
