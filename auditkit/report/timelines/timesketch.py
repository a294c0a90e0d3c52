"""Timesketch's forms of a timeline: CSV and JSON lines with `message`, `datetime`, `timestamp_desc` and `timestamp`.

timesketch.org, "Import timeline": timestamp is in microseconds since 1970. A cell of CSV never begins as a formula does.
"""

import json

from auditkit.logins.nouns import Event
from auditkit.printable import printable
from auditkit.report.timelines.events import message, moment

FIELDS = (
    *("message", "datetime", "timestamp_desc", "timestamp", "event", "hostname", "program", "pid", "username", "src_ip"),
    *("src_port", "method", "fingerprint", "times", "actor", "detail", "source", "line", "offset"),
)
HEAD = ",".join(FIELDS) + "\r\n"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


def cells(host: str, source: str, event: Event) -> tuple[str | int | None, ...]:
    """What stands in the fields."""
    time = event.time or 0
    return (
        *(message(event), moment(time), "Event Logged", time // 1000, event.what.value, host, event.program, event.pid),
        *(event.user, event.address, event.port, event.method, event.key, event.times, event.actor, event.detail),
        *(source, event.line, event.offset),
    )


def row(host: str, source: str, event: Event) -> str:
    """An event as a row of CSV, RFC 4180."""
    return ",".join(map(_cell, cells(host, source, event))) + "\r\n"


def line(host: str, source: str, event: Event) -> str:
    """An event as a line of JSON; what it does not say is left out."""
    told = zip(FIELDS, cells(host, source, event), strict=True)
    shown = {name: printable(value) if isinstance(value, str) else value for name, value in told if value not in (None, "")}
    return json.dumps(shown, ensure_ascii=True, separators=(",", ":")) + "\n"


def _cell(value: str | int | None) -> str:
    if value is None or isinstance(value, int):
        return "" if value is None else str(value)
    text = printable(value)
    text = f"'{text}" if text.startswith(_FORMULA) else text
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in ',"') else text
