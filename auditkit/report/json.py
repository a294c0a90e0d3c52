"""JSON: the document itself, streamed host by host and change by change.

Text that is not valid UTF-8 comes back: a byte 0xNN stands as the lone surrogate `\\udcNN` (PEP 383), so that
`text.encode("utf-8", "surrogateescape")` gives the bytes. All else that is not ASCII is escaped as well, so that no
terminal that shows the file is at the mercy of a name in it.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from auditkit.report.document import Document
from auditkit.report.look import Options

LONG = ("changes", "findings", "gaps")
"""The lists of a host that may be long: each of their items is a piece."""
LONG_OF_ALL = ("keys", "host_keys", "reach", "unseen")
"""Those of who can log in on all hosts."""


def pieces(document: Document, options: Options) -> Iterator[str]:
    """Yield the document as JSON, one line per change, finding, gap, and key."""
    yield "{"
    for comma, (name, value) in _separated(document.items()):
        if name == "hosts":
            yield f'{comma}\n "hosts": ['
            for between, host in _separated(value):
                yield f"{between}\n  {{"
                yield from _host(host, options)
                yield "}"
            yield "]"
        elif name in ("access", "rules"):
            yield f"{comma}\n {_plain(name)}: {{"
            yield from _object(value, LONG_OF_ALL if name == "access" else ())
            yield "}"
        else:
            yield f"{comma}\n {_plain(name)}: {_plain(value)}"
    yield "\n}\n"


def _host(host: Mapping[str, Any], options: Options) -> Iterator[str]:
    kept = host["changes"] if options.show_all else [one for one in host["changes"] if not one["explanation"]]
    return _object({**host, "changes": kept}, LONG)


def _object(told: Mapping[str, Any], long: Collection[str]) -> Iterator[str]:
    """Yield the members of an object, each item of its long lists as a piece."""
    for comma, (name, value) in _separated(told.items()):
        if name in long and isinstance(value, list):
            yield f"{comma}\n   {_plain(name)}: ["
            for between, one in _separated(value):
                yield f"{between}\n    {_plain(one)}"
            yield "]"
        else:
            yield f"{comma}\n   {_plain(name)}: {_plain(value)}"


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def _separated(items: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    """Yield each item with what stands before it: nothing, then commas."""
    comma = ""
    for item in items:
        yield comma, item
        comma = ","
