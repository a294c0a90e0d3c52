"""The document of a report: plain dicts and lists as design and schema.json fix them; every format is made from it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from auditkit.errors import FormatError
from auditkit.model import BaselineFacts, Change, Entry, Finding, Gap, HostReport, Rule, Severity, State
from auditkit.printable import printable
from auditkit.report.shape import fault
from auditkit.words import written

SCHEMA = "auditkit/report/1"
CLEAN, FINDINGS, INCOMPLETE, UNTRUSTED = "clean", "findings", "incomplete", "untrusted"
STATUSES = (CLEAN, INCOMPLETE, FINDINGS, UNTRUSTED)
"""From the best to the worst: a report is what the worst of its hosts is."""
STATES = {CLEAN: State.OK, FINDINGS: State.FINDINGS, INCOMPLETE: State.PARTIAL, UNTRUSTED: State.UNTRUSTED}
"""What a status is called where nothing went wrong on the way."""
FAILURES = frozenset(State) - frozenset(STATES.values())
"""States of a host that was not asked to the end."""

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """One run: every format is rendered from its document."""

    command: str
    tool: str
    started: datetime
    finished: datetime
    hosts: tuple[HostReport, ...]
    next: tuple[str, ...] = ()
    """Commands to run next, in order of worth."""


def to_document(report: Report) -> Document:
    """The document of a report; it holds explained changes too, and a format leaves them out."""
    return assembled(report, [of_host(host) for host in report.hosts])


def assembled(
    run: Report, hosts: list[Document], access: Document | None = None, rules: Iterable[Rule] = ()
) -> Document:  # fmt: skip
    """The document of a run whose hosts have been told one by one, as `of_host` does.

    `access`: who can log in to them; `rules`: what its rules mean, as far as that is known.
    """
    return {
        "schema": SCHEMA,
        "tool": run.tool,
        "command": run.command,
        "started": _moment(run.started),
        "finished": _moment(run.finished),
        "status": worst(host["status"] for host in hosts),
        "hosts": hosts,
        **({} if access is None else {"access": access}),
        "rules": {rule.id: _rule(rule) for rule in rules},
        "next": list(run.next),
    }


def named(hosts: Iterable[Mapping[str, Any]]) -> set[str]:
    """The ids of the rules that the documents of hosts name."""
    lists = (host.get(name, ()) for host in hosts for name in ("changes", "findings", "accepted"))
    return {one["rule"] for told in lists for one in told}


def meaning(document: Mapping[str, Any], rule: str) -> Mapping[str, Any]:
    """What the document says of a rule: its `title`, its `why`; empty texts where an older auditkit wrote it."""
    known: Mapping[str, Any] = document.get("rules", {}).get(rule, {"title": "", "why": "", "references": []})
    return known


def worst(statuses: Iterable[str]) -> str:
    """The worst of some statuses; nothing looked at is nothing clean."""
    return max(statuses, key=STATUSES.index, default=INCOMPLETE)


def of_host(host: HostReport) -> Document:
    """What the document says of one host."""
    facts = dict(host.facts)
    told: Document = {
        "host": host.host,
        "status": "",
        "state": str(host.state),
        "untrusted": host.untrusted,
        "baseline": host.baseline and _baseline(host.baseline),
        "counts": dict(host.counts),
        "explained": _explained(host.changes),
        "changes": [_change(change) for change in host.changes],
        "findings": [_finding(finding) for finding in host.findings],
        "logins": facts.pop("logins", None),
        "facts": facts,
        "gaps": [_gap(gap) for gap in host.gaps],
        "notes": list(host.notes),
    }
    told["status"] = status(told)
    told["state"] = state(told)
    return told


def with_more(host: Mapping[str, Any], more: HostReport) -> Document:
    """What the document says of a host, with the findings, gaps, counts, facts and notes of a second report."""
    told: Document = {
        **host,
        "findings": [*host["findings"], *map(_finding, more.findings)],
        "gaps": [*host["gaps"], *map(_gap, more.gaps)],
        "counts": {**host["counts"], **more.counts},
        "facts": {**host["facts"], **more.facts},
        "notes": [*host["notes"], *more.notes],
    }
    told["status"] = status(told)
    told["state"] = state(told)
    return told


def status(host: Mapping[str, Any]) -> str:
    """What the document of a host comes to; it is never clean with a gap."""
    if host["untrusted"] is not None:
        return UNTRUSTED
    if any(not change["explanation"] for change in host["changes"]):
        return FINDINGS
    if any(severity(finding) >= Severity.LOW for finding in host["findings"]):
        return FINDINGS
    return INCOMPLETE if host["gaps"] or host.get("state") in FAILURES else CLEAN


def state(host: Mapping[str, Any]) -> str:
    """How the work on a host ended, in one of State's words; a failure outweighs what was found before it."""
    if host["untrusted"] is None and host.get("state") in FAILURES:
        return str(host["state"])
    return str(STATES[status(host)])


def severity(judged: Mapping[str, Any]) -> Severity:
    """How much a change or finding of a document matters."""
    return Severity[str(judged["severity"]).upper()]


def exit_code(document: Mapping[str, Any], fail_on: Severity | None) -> int:
    """The exit status that a report stands for: 4 before 1 before 3 before 0."""
    hosts = document["hosts"]
    if any(host["untrusted"] is not None for host in hosts):
        return 4
    if fail_on is not None and any(severity(one) >= fail_on for host in hosts for one in judged(host)):
        return 1
    return 3 if not hosts or any(host["gaps"] or state(host) in FAILURES for host in hosts) else 0


def judged(host: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What speaks against a host: the changes that nothing explains, and the findings that are not of one of them."""
    return [*(change for change in host["changes"] if not change["explanation"]), *apart(host)]


def apart(host: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The findings that do not say once more what a change says."""
    told = {(change["path"], change["rule"]) for change in host["changes"]}
    return [finding for finding in host["findings"] if (finding["subject"], finding["rule"]) not in told]


def _baseline(facts: BaselineFacts) -> Document:
    return {
        "file": facts.file,
        "made": _moment(facts.made),
        "sequence": facts.sequence,
        "signer": facts.signer,
        "entries": facts.entries,
        "policy": facts.policy,
    }


NAMED = ("package", "conffile")
"""Kinds of explanations whose causes are worth a name: what was installed, and who did it, is news by itself."""
MOST_CAUSES = 1000


def _explained(changes: Iterable[Change]) -> list[Document]:
    """How many changes each kind of explanation accounts for, so that a report without them can still say so."""
    found: Counter[tuple[str, str]] = Counter()
    texts: dict[tuple[str, str], set[str]] = {}
    for change in changes:
        if told := change.explanation:
            found[told.by, told.proof] += 1
            texts.setdefault((told.by, told.proof), set()).add(told.text)
    return [
        {
            "by": by,
            "proof": proof,
            "changes": number,
            "causes": len(texts[by, proof]),
            "texts": sorted(texts[by, proof])[:MOST_CAUSES] if by in NAMED else [],
        }
        for (by, proof), number in sorted(found.items())
    ]


def _change(change: Change) -> Document:
    told = change.explanation
    return {
        "path": change.path,
        "change": str(change.change),
        "attributes": list(change.attributes),
        "before": change.before and _entry(change.before, change.path),
        "after": change.after and _entry(change.after, change.path),
        "explanation": told and {"by": told.by, "text": told.text, "proof": told.proof},
        "severity": change.severity.word,
        "level": str(change.level),
        "rule": change.rule,
        "note": change.note,
        "why": change.why,
    }


def _entry(entry: Entry, path: str) -> Document:
    """What is known of an entry; its path only where it is not the one of the change: it was moved."""
    known = {
        "path": None if entry.path == path else entry.path,
        "kind": str(entry.kind),
        "mode": None if entry.mode is None else f"{entry.mode:04o}",
        "uid": entry.uid,
        "gid": entry.gid,
        "owner": entry.owner,
        "group": entry.group,
        "size": entry.size,
        "mtime": written(entry.mtime_ns),
        "ctime": written(entry.ctime_ns),
        "btime": written(entry.btime_ns),
        "inode": entry.inode,
        "links": entry.links,
        "device": entry.device,
        "flags": entry.flags,
        "digest": None if entry.digests is None else ",".join(entry.digests),
        "target": entry.target,
        "xattrs": None if entry.xattrs is None else dict(entry.xattrs),
        "content": entry.content,
    }
    return {name: value for name, value in known.items() if value is not None}


def _finding(finding: Finding) -> Document:
    return {
        "rule": finding.rule.id,
        "severity": finding.severity.word,
        "subject": finding.subject,
        "message": finding.message,
        "remedy": finding.remedy or finding.rule.remedy,
        "quotes": [{"source": quote.source, "line": quote.line, "text": quote.text} for quote in finding.quotes],
        "references": list(finding.rule.references),
        **({"window": True} if finding.window else {}),
    }


def of_finding(rule: Rule, subject: str, message: str) -> Document:
    """What the document says of a finding as bad as its rule."""
    return _finding(Finding(rule, subject, message, rule.severity))


def _rule(rule: Rule) -> Document:
    return {
        "title": rule.title,
        "severity": rule.severity.word,
        "why": rule.why,
        "remedy": rule.remedy,
        "references": list(rule.references),
    }


def _gap(gap: Gap) -> Document:
    return {"subject": gap.subject, "reason": gap.reason}


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z"


def check(document: object, schema: Mapping[str, Any]) -> Document:
    """A document that somebody else wrote, once it is one; what it has beyond the schema stays in it.

    Raises:
        FormatError: it is no report, of another major version, or not as schema.json says.
    """
    if not isinstance(document, dict) or not isinstance(document.get("schema"), str):
        raise FormatError("no auditkit report: there is no schema in it", "give a file that --format json wrote")
    if document["schema"] != SCHEMA:
        named = printable(document["schema"][:100].encode("utf-8", "replace").decode())
        raise FormatError(
            f"{named} is no report that this auditkit reads", f"use the auditkit that wrote it: this one reads {SCHEMA}"
        )
    if found := fault(document, schema):
        raise FormatError(f"no sound auditkit report: {found}", "write it again with --format json")
    return document
