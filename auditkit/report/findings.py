"""Findings in lines: what, the words that each rests on, and what to do, at the width of the reader."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from auditkit.model import Severity
from auditkit.printable import grouped, printable, said
from auditkit.report.document import severity
from auditkit.report.look import Options, mark, painted, wrapped

MOST_MINOR = 3
"""Findings of one rule below medium that are shown."""
_PART = re.compile(r"(?:(?<=[;.])|(?<!\(undo:)(?<=:))\s(?!\S*$)")
"""Where a remedy may be broken: between commands and sentences, so that each command is in one piece for whoever pastes it."""
Dict = Mapping[str, Any]


def of_one_rule(alike: Sequence[Dict], options: Options) -> Iterator[str]:
    """Yield the findings of one rule: what, the words each rests on, and once what to do; of a remark what it is alone."""
    most = len(alike) if options.show_all or severity(alike[0]) >= Severity.MEDIUM else MOST_MINOR
    brief = severity(alike[0]) is Severity.INFO and not options.show_all
    alike = sorted(alike, key=lambda finding: "news" not in finding)  # none of these is among those that are only counted
    for finding in alike[:most]:
        line = f"  ! {what(finding)}  {finding['severity']}  {said(finding['rule'])}{mark(finding)}"
        yield painted(line, finding["severity"], options)
        for quote in finding["quotes"] if not brief else ():
            yield from _quoted(quote, options)
    if rest := len(alike) - len(alike[:most]):
        yield f"  ! ... and {grouped(rest)} more  {alike[0]['severity']}  {said(alike[0]['rule'])} (--all shows them)"
    if alike[0]["remedy"] and not brief:
        yield from _to_do(said(alike[0]["remedy"]), options)


def _quoted(quote: Dict, options: Options) -> list[str]:
    """A quote with its place: broken at blanks where it is longer than a line."""
    line = f":{quote['line']}" if quote["line"] else ""
    text = f"{printable(quote['source'])}{line}: {printable(quote['text'])}"
    return [f"      {text}"] if len(text) + 6 <= options.width else wrapped(text, " " * 6, 10, options)


def _to_do(remedy: str, options: Options) -> Iterator[str]:
    """Yield a remedy in as many parts as a line holds, and none of them broken."""
    line = "      do:"
    for part in _PART.split(remedy):
        if len(line) + 1 + len(part) > options.width and line.strip() != "do:":
            yield line
            line = " " * 9
        line += f" {part}"
    yield line


def accepted(findings: Sequence[Dict], options: Options) -> Iterator[str]:
    """Yield what auditkit.yaml accepts, with who said why and until when."""
    worst_first = sorted(findings, key=severity, reverse=True)
    shown = worst_first if options.show_all else worst_first[:MOST_MINOR]
    for one in shown:
        why = f"{said(one['rule'])} ({said(one['reason'])})"
        yield f"  accepted until {said(one['until'])}: {what(one)}  {one['severity']}  {why}"
    if rest := len(findings) - len(shown):
        yield f"  accepted: {grouped(rest)} more (--all shows them)"


def what(finding: Dict) -> str:
    """The message, with the subject before it unless its last word is in the message anyway."""
    message, subject = said(finding["message"]), said(finding["subject"])
    return message if subject.split(" ")[-1] in message else f"{subject}: {message}"
