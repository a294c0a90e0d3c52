"""Comma-separated values (RFC 4180): a row for each host, change, finding, login, address that guessed, gap, and what is gone.

A name is no formula: a cell, or what a semicolon in one begins, that a spreadsheet would take for one has a `'` before it.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from typing import Any

from auditkit.printable import printable, said
from auditkit.report.document import Document, status
from auditkit.report.items import Item, Sort, hosts, items
from auditkit.report.lasting import gone
from auditkit.report.look import Options
from auditkit.report.verdict import of_host

COLUMNS = (
    "host", "status", "kind", "severity", "rule", "subject", "place", "message", "remedy", "excuse", "time", "user", "address",
    "attempts", "id", "first_seen", "news",
)  # fmt: skip
_FORMULA = re.compile("(^|;)([ \"]*)(?=['=+\\-@\uff1d\uff0b\uff0d\uff20])")
"""Where a formula would begin: `=+-@` and their wide forms, behind blanks and quotes too, or where `;` parts the cells.

A `'` is among them, so that the one put before it is told from one that was there.
"""


class _Line:
    """What csv writes to: it keeps the last line."""

    text = ""

    def write(self, text: str) -> int:
        """Keep a line."""
        self.text = text
        return len(text)


def pieces(document: Document, options: Options) -> Iterator[str]:
    """Yield the header, and a line for each row; every cell is one line of printable text."""
    line = _Line()
    writer = csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    yield line.text
    for host in hosts(document):
        for row in _rows(host, options):
            writer.writerow([guarded(row.get(name, "")) for name in COLUMNS])
            yield line.text


def guarded(text: str) -> str:
    """A cell in which no spreadsheet finds a formula."""
    return _FORMULA.sub(r"\1\2'", text)


def _rows(host: Mapping[str, Any], options: Options) -> Iterator[dict[str, str]]:
    """Yield the row of a host, then those of what is told of it."""
    of_all = {"host": printable(host["host"]), "status": status(host)}
    yield of_all | {"kind": "host", "message": of_host(host)}
    for item in items(host, options):
        yield of_all | _row(item)
    for line, one in gone(host):
        told = {name: printable(one[name]) for name in ("severity", "rule", "subject", "first_seen")}
        yield of_all | {"kind": "gone", "message": line, "excuse": one["how"], "time": printable(one["last_seen"]), **told}


def _row(item: Item) -> dict[str, str]:
    path, line = item.place
    return {
        "kind": str(item.sort),
        "severity": item.severity.word,
        "rule": printable(item.rule),
        "subject": printable(item.subject),
        "place": f"{printable(path)}:{line}" if line else printable(path),
        "message": item.message,
        "remedy": said(item.of.get("remedy", "")),
        "excuse": item.excuse,
        "id": item.id,
        "first_seen": printable(item.of.get("first_seen", "")),
        "news": item.of.get("news", ""),
        **_who(item),
    }


def _who(item: Item) -> dict[str, str]:
    """When, who and from where, of what is about logins."""
    if item.sort is Sort.LOGIN:
        return {name: printable(item.of[name] or "") for name in ("time", "user", "address")}
    if item.sort is Sort.GUESSES:
        address, attempts, last = (item.of[name] for name in ("address", "attempts", "last"))
        return {"address": printable(address), "attempts": str(attempts), "time": printable(last or "")}
    return {}
