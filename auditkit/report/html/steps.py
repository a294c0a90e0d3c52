"""What to do next, in order of worth: what may be an attack first, then what most hosts share, then what nobody could see."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from auditkit.model import Severity
from auditkit.printable import clipped, counted, few, grouped, printable, said
from auditkit.report.document import FAILURES, Document, severity, state
from auditkit.report.entered import to_ask
from auditkit.report.findings import what
from auditkit.report.html.front import of_logins
from auditkit.report.html.times import shown
from auditkit.report.pasting import command_line
from auditkit.report.table import worst_first

MOST_NAMED = 6
LONGEST = 300
LOGINS = "logins-to-confirm"
Dict = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do, why, and where."""

    severity: str
    rule: str
    why: str
    do: str
    hosts: tuple[tuple[str, str], ...] = ()
    """Anchor and name of each host that it is for."""
    more: int = 0
    """Hosts that are not named."""


@dataclass(slots=True)
class _Group:
    """Findings of one rule and severity."""

    hosts: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    do: dict[str, None] = field(default_factory=dict)
    number: int = 0

    def add(self, anchor: str, name: str, told: str, do: str) -> None:
        """One more of them."""
        self.hosts[anchor] = name
        self.number += 1
        self.told.append(told)
        if do:
            self.do[do] = None


def steps(document: Document) -> list[Step]:
    """All that is to be done from medium on, one step for each rule and severity, and one for all that is below."""
    groups: dict[tuple[str, str], _Group] = {}
    minor = 0
    hosts = worst_first(document["hosts"])
    for number, host in enumerate(hosts, 1):
        for how_bad, rule, told, do in _matters(host):
            if Severity[how_bad.upper()] < Severity.MEDIUM:
                minor += 1
                continue
            groups.setdefault((how_bad, rule), _Group()).add(f"host-{number}", host["host"], told, do)
    told_of = sorted(groups.items(), key=lambda item: _worth(*item), reverse=True)
    made = [_step(how_bad, rule, group) for (how_bad, rule), group in told_of]
    bad = sum(Severity[one.severity.upper()] >= Severity.HIGH for one in made)
    made[bad:bad] = _unasked(hosts)
    return [*_untrusted(hosts), *made, *_unseen(hosts), *_minor(minor)]


def commands(document: Document) -> list[str]:
    """Commands worth running, as the text report has them."""
    return [command_line(command) for command in document["next"]]


def _matters(host: Dict) -> Iterator[tuple[str, str, str, str]]:
    """Yield severity, rule, words and remedy of what speaks against a host."""
    told = {(finding["subject"], finding["rule"]) for finding in host["findings"]}
    for change in host["changes"]:
        if not change["explanation"] and (change["path"], change["rule"]) not in told:
            name = printable(change["path"])
            yield change["severity"], change["rule"], f"{name} {change['change']}", ""
    for finding in host["findings"]:
        yield finding["severity"], finding["rule"], what(finding), finding["remedy"]
    if odd := _odd(host):
        how_bad = str(odd[0].get("ask") or "high")
        said_so = max((severity(finding) for finding in host["findings"] if of_logins(finding)), default=Severity.INFO)
        if said_so < Severity[how_bad.upper()]:
            yield how_bad, LOGINS, _login(odd[0]), "ask each person whether that was him; if not: auditkit incident open TITLE"


def _odd(host: Dict) -> list[Dict]:
    return to_ask(host) if host["logins"] else []


def _login(one: Dict) -> str:
    return f"{printable(one['user'])} from {printable(one['address'] or 'the machine itself')} at {shown(one['time'])}"


def _worth(kind: tuple[str, str], group: _Group) -> tuple[int, bool, int, str]:
    how_bad, rule = kind
    return Severity[how_bad.upper()], rule == LOGINS or of_logins({"rule": rule}), len(group.hosts), rule


def _step(how_bad: str, rule: str, group: _Group) -> Step:
    first = clipped(said(group.told[0]), LONGEST)
    more = f", and {grouped(group.number - 1)} more like it" if group.number > 1 else ""
    do = next(iter(group.do), f"auditkit explain {printable(rule)}")
    do += f" (for this one; the other {grouped(len(group.do) - 1)} stand with each)" if len(group.do) > 1 else ""
    named = list(group.hosts.items())
    return Step(how_bad, rule, f"{first}{more}", said(do), tuple(named[:MOST_NAMED]), max(len(named) - MOST_NAMED, 0))


def _untrusted(hosts: Sequence[Dict]) -> Iterator[Step]:
    for number, host in enumerate(hosts, 1):
        if host["untrusted"] is not None:
            do = "find out why before anything on it is believed: the seal, the key or the sequence is wrong"
            yield Step("critical", "untrusted", said(host["untrusted"]), do, ((f"host-{number}", host["host"]),))


def _unasked(hosts: Sequence[Dict]) -> Iterator[Step]:
    """Yield a step for each way in which asking a host ended."""
    ends: dict[str, list[tuple[int, Dict]]] = {}
    for number, host in enumerate(hosts, 1):
        if state(host) in FAILURES:
            ends.setdefault(state(host), []).append((number, host))
    for word, those in ends.items():
        reasons = dict.fromkeys(gap["reason"] for _number, host in those for gap in host["gaps"][:1])
        why = clipped(said(next(iter(reasons), word)), LONGEST)
        named = tuple((f"host-{number}", host["host"]) for number, host in those)
        do = "make it answer and run again: nothing, or not all, is known of it; auditkit hosts shows who is reachable and how"
        yield Step("gap", word, why, do, named[:MOST_NAMED], max(len(named) - MOST_NAMED, 0))


def _unseen(hosts: Sequence[Dict]) -> Iterator[Step]:
    """Yield one step for what could not be seen on hosts that were asked to their end."""
    named = [(f"host-{n}", host["host"]) for n, host in enumerate(hosts, 1) if host["gaps"] and state(host) not in FAILURES]
    number = sum(len(host["gaps"]) for host in hosts if state(host) not in FAILURES)
    if named:
        subjects = dict.fromkeys(printable(gap["subject"])[:80] for host in hosts for gap in host["gaps"])
        why = f"{counted(number, 'thing')} could not be seen: {few(list(subjects), MOST_NAMED)}"
        do = "read the reasons under “What could not be seen”; nothing is known of these"
        yield Step("gap", "gaps", why, do, tuple(named[:MOST_NAMED]), max(len(named) - MOST_NAMED, 0))


def _minor(number: int) -> Iterable[Step]:
    if number:
        yield Step("low", "minor", f"{counted(number, 'matter')} below medium", "read them when the rest is done", ())
