"""Risks that a person has accepted in auditkit.yaml: taken out of what speaks against a host, and told beside it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from auditkit import inexcusable
from auditkit.model import Rule, Severity, State
from auditkit.printable import counted, printable
from auditkit.probe.patterns import Matcher
from auditkit.report.document import Document, judged, of_finding, severity, state, status

BY = "exception"
"""By what an accepted change is explained; nobody proves it."""
BEYOND = (State.LIED, State.UNTRUSTED)
"""Of a host that is not believed, nothing is accepted."""
SOON = 14
"""From so many days before its last one on, an exception is said to end."""
EXPIRED = Rule(
    "exception-expired",
    "An exception has ended, and what it was for is still there",
    Severity.MEDIUM,
    "Somebody has accepted a risk until a day that is over, and nobody has looked at it since. What it accepted speaks against"
    " the host again, each finding by itself.",
    "Put right what it was for, and take it out of exceptions: of auditkit.yaml. If it is still accepted, write there why, and"
    " a new last day.",
)
ENDING = Rule(
    "exception-ending",
    "An exception ends soon",
    Severity.LOW,
    "A risk was accepted until a day that is near, and it is still there. From the day after on, what the exception accepts"
    " speaks against the host again.",
    "Put right what it is for before it ends. If it is still accepted then, write in exceptions: of auditkit.yaml why, and a"
    " new last day.",
)
RULES = (EXPIRED, ENDING)

Dict = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Risk:
    """One exception that concerns a host."""

    rule: str
    reason: str
    until: date
    """The last day."""
    path: str = ""
    """A path or pattern as a policy has it: only what lies there; without one it accepts findings, and no change of a file."""
    subject: str = ""
    """Only what the report names so."""
    most: Severity = Severity.MEDIUM
    """What is worse is not accepted."""

    @property
    def name(self) -> str:
        """What it is called in a report."""
        return f"{self.rule} on {self.path or self.subject}" if self.path or self.subject else self.rule

    def concerns(self, one: Dict) -> bool:
        """Whether it is about a change or a finding, however bad that is."""
        rule, subject = _key(one)
        if rule != self.rule or self.subject not in ("", subject, printable(subject)):
            return False
        return _lies(subject, self.path) if self.path else "path" not in one

    def accepts(self, one: Dict) -> bool:
        """Whether it takes this out of what speaks against a host: what is high only where it names what."""
        how_bad = severity(one)
        narrow = bool(self.path or self.subject) or how_bad < Severity.HIGH
        return self.concerns(one) and how_bad <= self.most and narrow and not inexcusable.why(self.rule)


def applied(host: Document, risks: Sequence[Risk], today: date) -> Document:
    """The document of a host with what is accepted until today or later taken out of what speaks against it.

    All that is accepted stands in `accepted`, each with reason and last day; of changes it explains them besides, with no
    proof. An exception that has ended accepts nothing, and is a finding where it would have.
    """
    if not risks or not believed(host):
        return host
    against, valid = judged(host), [risk for risk in risks if risk.until >= today]
    taken = {_key(one): risk for one in against if (risk := _by(one, valid))}
    left = [one for one in against if _key(one) not in taken]
    told: Document = {
        **host,
        "changes": [_change(change, taken.get(_key(change))) for change in host["changes"]],
        "findings": [
            *(one for one in host["findings"] if _key(one) not in taken),
            *_ended(left, [risk for risk in risks if risk.until < today]),
            *_ending(taken.values(), today),
        ],
        "accepted": list(_accepted(host, against, taken)),
        "counts": _counted(host["counts"], [one for one in against if "path" in one and _key(one) in taken]),
        "notes": [*host["notes"], *_short_of(left, valid)],
    }
    told["explained"] = [*host["explained"], *_explained(told["changes"])]
    told["status"] = status(told)
    told["state"] = state(told)
    return told


def believed(host: Dict) -> bool:
    """Whether exceptions hold for a host at all."""
    return host["state"] not in BEYOND and host["untrusted"] is None


def concerned(host: Dict, risk: Risk) -> bool:
    """Whether something that speaks against a host is what an exception is about."""
    return any(map(risk.concerns, judged(host)))


@cache
def _matcher(path: str) -> Matcher:
    return Matcher([(path, BY)])


def _lies(subject: str, path: str) -> bool:
    """Whether a subject is a path that a pattern covers."""
    return subject.startswith("/") and _matcher(path).find(subject).watch is not None


def _key(one: Dict) -> tuple[str, str]:
    """Rule and subject of a change or a finding."""
    return one["rule"], one["path"] if "path" in one else one["subject"]


def _by(one: Dict, risks: Iterable[Risk]) -> Risk | None:
    """The first exception that accepts a change or a finding."""
    return next((risk for risk in risks if risk.accepts(one)), None)


def _accepted(host: Dict, against: Iterable[Dict], taken: Mapping[tuple[str, str], Risk]) -> Iterator[Document]:
    """Yield what is accepted as findings: of a change the one that says the same, with reason and last day."""
    said = {_key(finding): finding for finding in host["findings"]}
    for one in against:
        if risk := taken.get(_key(one)):
            yield {**said.get(_key(one), _bare(one)), "reason": risk.reason, "until": f"{risk.until}"}


def _bare(one: Dict) -> Dict:
    """A finding that says what a change says."""
    told = {"rule": one["rule"], "severity": one["severity"], "subject": _key(one)[1], "message": one.get("change", "")}
    return {**told, "remedy": "", "quotes": [], "references": []}


def _change(change: Document, risk: Risk | None) -> Document:
    if risk is None or change["explanation"]:
        return change
    return {**change, "explanation": {"by": BY, "text": f"{risk.reason}, until {risk.until}", "proof": "none"}}


def _explained(changes: Iterable[Dict]) -> list[Document]:
    """The group of accepted changes, in the form of `explained`."""
    texts = [change["explanation"]["text"] for change in changes if (change["explanation"] or {}).get("by") == BY]
    causes = sorted(set(texts))
    return [{"by": BY, "proof": "none", "changes": len(texts), "causes": len(causes), "texts": causes}] if texts else []


def _counted(counts: Mapping[str, int], accepted: Sequence[Dict]) -> dict[str, int]:
    """The counts of a host when these changes speak against it no more."""
    told = dict(counts)
    for change in accepted:
        for name in ("changes", change["change"]):
            told[name] = told.get(name, 0) - 1
        told["explained"] = told.get("explained", 0) + 1
    return told


def _ended(left: Sequence[Dict], risks: Iterable[Risk]) -> Iterator[Document]:
    """Yield a finding for each exception that would have accepted what speaks against a host, had it not ended."""
    for risk in risks:
        if again := [one for one in left if _by(one, [risk])]:
            worst = max(map(severity, again)).word
            several = f"{counted(len(again), 'finding')} again, the worst {worst}"
            what = several if len(again) > 1 else f"again a {worst} finding"
            message = f"the exception for {risk.name} ended on {risk.until} ({risk.reason}); what it accepted is {what}"
            yield of_finding(EXPIRED, risk.name, message)


def _ending(used: Iterable[Risk], today: date) -> Iterator[Document]:
    """Yield a finding for each exception in use that ends soon."""
    for risk in dict.fromkeys(used):
        if (days := (risk.until - today).days) <= SOON:
            when = f"in {counted(days, 'day')}" if days else "today"
            yield of_finding(ENDING, risk.name, f"the exception for {risk.name} ends {when}, on {risk.until}: {risk.reason}")


def _short_of(left: Sequence[Dict], risks: Iterable[Risk]) -> Iterator[str]:
    """Yield what is to be said of exceptions that are about something and do not go far enough to accept it."""
    for risk in risks:
        worst = max((severity(one) for one in left if risk.concerns(one)), default=None)
        if worst is None:
            continue
        if worst > risk.most:
            what = f"accepts up to {risk.most.word}, and there is worse: `severity: {worst.word}` accepts what is {worst.word}"
        else:
            what = f"accepts nothing that is {worst.word}: of that it has to say what, with `subject:` or `path:`"
        yield f"the exception for {risk.name} {what}"
