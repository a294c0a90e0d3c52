"""Risks that a person has accepted in auditkit.yaml: taken out of what speaks against a host, and told beside it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from auditkit.model import State
from auditkit.probe.patterns import Matcher
from auditkit.report.document import Document, state, status

BY = "exception"
"""By what an accepted change is explained; nobody proves it."""
BEYOND = (State.LIED, State.UNTRUSTED)
"""Of a host that is not believed, nothing is accepted."""


@dataclass(frozen=True, slots=True)
class Risk:
    """One exception that concerns a host."""

    rule: str
    reason: str
    until: date
    """The last day."""
    path: str = ""
    """A path or pattern as a policy has it; without one it accepts findings, and no change of a file."""

    def concerns(self, rule: str, subject: str) -> bool:
        """Whether it accepts this."""
        if rule != self.rule:
            return False
        return not self.path or (subject.startswith("/") and Matcher([(self.path, BY)]).find(subject).watch is not None)


def applied(host: Document, risks: Sequence[Risk], today: date) -> Document:
    """The document of a host with what is accepted until today or later taken out of what speaks against it.

    Accepted changes are explained, with no proof; accepted findings stand in `accepted`, each with reason and last day. An
    exception that has ended accepts nothing, and is told where it would have.
    """
    if not risks or host["state"] in BEYOND or host["untrusted"] is not None:
        return host
    valid = [risk for risk in risks if risk.until >= today]
    changes = [_change(change, valid) for change in host["changes"]]
    gone = {(one["path"], one["rule"]) for one in changes if (one["explanation"] or {}).get("by") == BY}
    findings = [one for one in host["findings"] if (one["subject"], one["rule"]) not in gone]
    accepted = [(one, risk) for one in findings if (risk := _of(one["rule"], one["subject"], valid))]
    taken = [one for one, _risk in accepted]
    told: Document = {
        **host,
        "changes": changes,
        "findings": [one for one in findings if one not in taken],
        "accepted": [{**one, "reason": risk.reason, "until": f"{risk.until}"} for one, risk in accepted],
        "explained": [*host["explained"], *_explained(changes)],
        "counts": _counted(host["counts"], [one for one in changes if (one["path"], one["rule"]) in gone]),
        "notes": [*host["notes"], *_ended(host, [risk for risk in risks if risk.until < today])],
    }
    told["status"] = status(told)
    told["state"] = state(told)
    return told


def _of(rule: str, subject: str, risks: Iterable[Risk]) -> Risk | None:
    return next((risk for risk in risks if risk.concerns(rule, subject)), None)


def _change(change: Document, risks: Sequence[Risk]) -> Document:
    if change["explanation"] or not (risk := _of(change["rule"], change["path"], (risk for risk in risks if risk.path))):
        return change
    return {**change, "explanation": {"by": BY, "text": f"{risk.reason}, until {risk.until}", "proof": "none"}}


def _explained(changes: Iterable[Document]) -> list[Document]:
    """The group of accepted changes, in the form of `explained`."""
    texts = [change["explanation"]["text"] for change in changes if (change["explanation"] or {}).get("by") == BY]
    causes = sorted(set(texts))
    return [{"by": BY, "proof": "none", "changes": len(texts), "causes": len(causes), "texts": causes}] if texts else []


def _counted(counts: Mapping[str, int], accepted: Sequence[Document]) -> dict[str, int]:
    """The counts of a host when these changes speak against it no more."""
    told = dict(counts)
    for change in accepted:
        for name in ("changes", change["change"]):
            told[name] = told.get(name, 0) - 1
        told["explained"] = told.get("explained", 0) + 1
    return told


def _ended(host: Document, risks: Iterable[Risk]) -> list[str]:
    """What is to be said of exceptions that would have accepted something, had they not ended."""
    against: list[tuple[str, Any]] = [(one["rule"], one["path"]) for one in host["changes"] if not one["explanation"]]
    against += [(one["rule"], one["subject"]) for one in host["findings"]]
    return [
        f"the exception for {risk.rule}{f' on {risk.path}' if risk.path else ''} ended on {risk.until}: {risk.reason}"
        for risk in risks
        if any(risk.concerns(*one) for one in against)
    ]
