"""Timelines of logins for other tools: FORMATS has one line per form, one file each says how an event is written.

A form gives the text that comes before all events, and a line for each; what attackers chose goes through `printable`.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from auditkit.logins.nouns import Event
from auditkit.report.timelines import ecs, timesketch


class Form(NamedTuple):
    """How a timeline is written."""

    head: str
    line: Callable[[str, str, Event], str]
    """The line of an event that has a time, by the host and the name of its source, with its end of line."""


FORMATS: Mapping[str, Form] = {
    "csv": Form(timesketch.HEAD, timesketch.row),
    "jsonl": Form("", timesketch.line),
    "ecs": Form("", ecs.line),
}
"""By the word of --timeline-format."""
ENDINGS: Mapping[str, str] = {".csv": "csv", ".ecs.jsonl": "ecs", ".jsonl": "jsonl"}
"""What a name of a file ends with that is written in a form, the longest first where one ends as another."""
