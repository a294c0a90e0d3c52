"""SARIF 2.1.0 (docs.oasis-open.org/sarif/sarif/v2.1.0): a run for each host, as code scanning and its viewers read it.

What speaks against a host fails; what auditkit.yaml accepts, or something explains, is suppressed with the reason; gaps are
notifications of a run that was not successful. Paths are relative to ROOT, each byte that a URI cannot hold as %NN.

GitHub refuses a whole file for one result without a place in an artifact or without words, and knows a result again by its
`primaryLocationLineHash` (docs.github.com: SARIF support for code scanning). So what is no file has its host as the place,
and what has no line has the first.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any
from urllib.parse import quote

from auditkit.model import Severity
from auditkit.printable import printable, said
from auditkit.report.document import CLEAN, FINDINGS, Document, meaning, state, status
from auditkit.report.items import Dict, Item, Sort, id_of, iso, items, named
from auditkit.report.lasting import gone
from auditkit.report.look import Options
from auditkit.report.verdict import of_host

VERSION = "2.1.0"
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {
    Severity.INFO: "note", Severity.LOW: "note", Severity.MEDIUM: "warning", Severity.HIGH: "error", Severity.CRITICAL: "error",
}  # fmt: skip
SCORES = {
    Severity.LOW: "3.0", Severity.MEDIUM: "5.5", Severity.HIGH: "8.0", Severity.CRITICAL: "9.5",
}  # fmt: skip
"""security-severity, by which GitHub sorts: from 0.1, 4.0, 7.0 and 9.1 on it says low, medium, high and critical."""
RESULTS = (Sort.UNTRUSTED, Sort.LOGINS, Sort.CHANGE, Sort.FINDING, Sort.ACCEPTED)
"""What is a result; logins and guesses are what the verdict on them rests on, and gaps are notifications."""
ROOT, HOSTS = "ROOT", "HOSTS"
"""What a path is relative to, and the name of a host."""
STATES = {"new": "new", "again": "new", "changed": "updated", "worse": "updated"}
"""baselineState of a result by its `news`."""


def pieces(document: Document, options: Options) -> Iterator[str]:
    """Yield the log, result by result."""
    yield f'{{"$schema": {_json(SCHEMA)},\n "version": "{VERSION}",\n "runs": ['
    comma = "\n"
    for name, host in named(document):
        yield comma
        yield from _run(name, host, document, options)
        comma = ",\n"
    yield "]}\n"


def _run(name: str, host: Dict, document: Document, options: Options) -> Iterator[str]:
    """Yield the run of a host: first what is short of it, then its results."""
    rules = _rules(document, _results(host, options))
    order = {rule: index for index, rule in enumerate(rules)}
    tool, _, version = document["tool"].partition(" ")
    driver = {"name": printable(tool), "version": printable(version), "rules": list(rules.values())}
    about = {
        "tool": {"driver": driver},
        "automationDetails": {"id": _automation(name, document)},
        "originalUriBaseIds": {
            ROOT: {"uri": "file:///", "description": {"text": _text(f"the root of {name}")}},
            HOSTS: {"description": {"text": "the hosts, by name"}},
        },
        "columnKind": "unicodeCodePoints",
        "properties": {"host": name, "status": status(host), "state": state(host), "counts": dict(host["counts"])},
    }
    yield "  {" + "".join(f"{_json(key)}: {_json(value)},\n   " for key, value in about.items())
    yield from _invocations(host, document, options)
    told = ({**_result(name, item, order[item.rule]), **_lasting(host, item, document)} for item in _results(host, options))
    yield from _list('"results"', chain(told, _absent(name, host, options)))
    yield "}"


def _automation(name: str, document: Document) -> str:
    """`auditkit/scan/web1/`: what tells the runs of one host from those of others (3.17.3)."""
    return "/".join(("auditkit", quote(printable(document["command"]), safe=""), quote(name, safe=""), ""))


def _results(host: Dict, options: Options) -> Iterator[Item]:
    """Yield the items that are results; of the verdict on logins only one that is not the best there is."""
    for item in items(host, options):
        if item.sort in RESULTS and not (item.sort is Sort.LOGINS and item.severity is Severity.INFO):
            yield item


def _rules(document: Document, found: Iterable[Item]) -> dict[str, dict[str, Any]]:
    """Each rule that has a result, with the first remedy, and the score of the worst."""
    rules: dict[str, dict[str, Any]] = {}
    scores: dict[str, Severity] = {}
    for item in found:
        scores[item.rule] = max(scores.get(item.rule, Severity.INFO), item.severity)
        if item.rule not in rules:
            rules[item.rule] = _rule(item, meaning(document, item.rule))
    for rule, worst in scores.items():
        score = {"security-severity": SCORES[worst]} if worst in SCORES else {}
        rules[rule]["properties"] = {**score, "tags": ["security"]}
    return rules


def _rule(item: Item, known: Dict) -> dict[str, Any]:
    """What a document knows of a rule; where it has no title the words are those of its name."""
    words = said(known["title"]) or printable(item.rule).replace("-", " ")
    why = said(known["why"])
    references = [printable(one) for one in item.of.get("references", ())]
    explained = item.sort in (Sort.CHANGE, Sort.FINDING, Sort.ACCEPTED)
    parts = [
        why,
        said(item.of.get("remedy", "")),
        f"See {', '.join(references)}." if references else "",
        f"`auditkit explain {printable(item.rule)}` says why it matters." if explained and not why else "",
    ]
    return {
        "id": printable(item.rule),
        "shortDescription": {"text": _text(words)},
        "fullDescription": {"text": _text(why or words)},
        "help": {"text": _text("\n\n".join(filter(None, parts)) or words)},
    }


def _result(host: str, item: Item, index: int) -> dict[str, Any]:
    """A result; what is explained is no failure, and says what explains it."""
    explained = item.sort is Sort.CHANGE and bool(item.excuse)
    justified = [{"kind": "external", "status": "accepted", "justification": item.excuse}] if item.excuse else []
    quotes = [_quoted(quote) for quote in item.of.get("quotes", ())]
    return {
        "ruleId": printable(item.rule),
        "ruleIndex": index,
        "kind": "informational" if explained else "fail",
        "level": "none" if explained else LEVELS[item.severity],
        "message": {"text": _text(item.message)},
        "locations": [_location(host, item.subject, *item.place)],
        "partialFingerprints": _fingerprints(item.id),
        **({"suppressions": justified} if justified else {}),
        "properties": {"kind": str(item.sort), "severity": item.severity.word, **({"quotes": quotes} if quotes else {})},
    }


def _lasting(host: Dict, item: Item, document: Document) -> dict[str, Any]:
    """Since when a result is there, and what it is beside the run before (3.27.24); nothing where that is not known."""
    first = iso(item.of.get("first_seen"))
    detected = {"provenance": {"firstDetectionTimeUtc": first}} if first else {}
    if host.get("since", {}).get("run") is None:
        return detected
    is_new = item.of.get("news") or ("new" if item.of.get("first_seen") == document["started"] else "")
    return {"baselineState": STATES.get(is_new, "unchanged"), **detected}


def _absent(name: str, host: Dict, options: Options) -> Iterator[dict[str, Any]]:
    """Yield the results of earlier runs that are gone; what is only explained or accepted is among those of this one."""
    there = {(item.rule, item.subject) for item in _results(host, options)}
    for line, one in gone(host) if host.get("since", {}).get("run") is not None else ():
        if one["sort"] in RESULTS and (one["rule"], one["subject"]) not in there:
            first = iso(one["first_seen"])
            yield {
                "ruleId": printable(one["rule"]),
                "level": LEVELS[Severity[one["severity"].upper()]],
                "message": {"text": _text(line)},
                "locations": [_location(name, one["subject"], one["subject"] if one["subject"].startswith("/") else "", 0)],
                "partialFingerprints": _fingerprints(id_of(host, one["sort"], one["rule"], one["subject"])),
                "baselineState": "absent",
                **({"provenance": {"firstDetectionTimeUtc": first}} if first else {}),
                "properties": {"kind": one["sort"], "severity": one["severity"], "how": one["how"]},
            }


def _quoted(words: Dict) -> dict[str, Any]:
    return {"source": printable(words["source"]), "line": words["line"], "text": printable(words["text"])}


def _fingerprints(id_: str) -> dict[str, str]:
    """By what a result is known again: our own, and the one that GitHub reads."""
    return {"auditkit/v1": id_, "primaryLocationLineHash": f"{id_}:1"}


def _location(host: str, subject: str, path: str, line: int) -> dict[str, Any]:
    """The path, where there is one, else the host; and what it is about on which host."""
    place = {"uri": uri(path), "uriBaseId": ROOT} if path else {"uri": quote(host, safe="") or "-", "uriBaseId": HOSTS}
    return {
        "physicalLocation": {"artifactLocation": place, "region": {"startLine": line or 1}},
        "logicalLocations": [_named(host, subject)],
    }


def _named(host: str, subject: str) -> dict[str, Any]:
    return {"name": printable(subject), "fullyQualifiedName": f"{host}: {printable(subject)}", "kind": "resource"}


def uri(path: str) -> str:
    """A path as a relative reference (RFC 3986), bytes that are no UTF-8 and all that means something there as %NN."""
    return quote(path.encode("utf-8", "surrogateescape").lstrip(b"/"), safe="/") or "./"


def _invocations(host: Dict, document: Document, options: Options) -> Iterator[str]:
    """Yield how the work ended: with a gap it was no success, whatever was found."""
    unseen = (item for item in items(host, options) if item.unseen or item.sort is Sort.UNTRUSTED)
    complete = status(host) in (CLEAN, FINDINGS) and not any(item.unseen for item in items(host, options))
    times = {"startTimeUtc": iso(document["started"]), "endTimeUtc": iso(document["finished"])}
    known = {name: time for name, time in times.items() if time}
    ended = {"executionSuccessful": complete, "exitCodeDescription": of_host(host), **known}
    yield f'"invocations": [{{{_json(ended)[1:-1]},\n    '
    yield from _list('"toolExecutionNotifications"', map(_notification, unseen))
    yield "}],\n   "


def _notification(item: Item) -> dict[str, Any]:
    path, _line = item.place
    place = [{"physicalLocation": {"artifactLocation": {"uri": uri(path), "uriBaseId": ROOT}}}] if path else []
    return {
        "level": "error",
        "message": {"text": _text(item.message)},
        **({"locations": place} if place else {}),
        "properties": {"kind": str(item.sort), "subject": printable(item.subject), "id": item.id},
    }


def _list(name: str, objects: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a named list, one object a piece."""
    yield f"{name}: ["
    comma = "\n    "
    for one in objects:
        yield f"{comma}{_json(one)}"
        comma = ",\n    "
    yield "]"


def _text(shown: str) -> str:
    """Text as messages have it: nothing in it is a link (3.11.6) or a placeholder (3.11.5), and it is not empty."""
    for mark in "\\[]":
        shown = shown.replace(mark, f"\\{mark}")
    return shown.replace("{", "{{").replace("}", "}}") or "-"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False)
