"""How a report shall look, and the few ways in which foreign text is shown in one."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

COLOURS = {"low": "36", "medium": "33", "high": "31", "critical": "1;31", "good": "32", "dim": "2"}
"""SGR parameters (ECMA-48 8.3.117) by what they stand for."""

MARKS = {"new": "NEW", "again": "BACK", "changed": "CHANGED AGAIN", "worse": "WORSE"}
"""By the `news` of a document."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the reader wants to see, and where."""

    color: bool = False
    width: int = 100
    show_all: bool = False
    """Whether explained changes are shown too."""


def painted(line: str, colour: str, options: Options) -> str:
    """The line in a colour, where colours are wanted."""
    code = COLOURS.get(colour)
    return f"\x1b[{code}m{line}\x1b[0m" if options.color and code else line


def mark(told: Mapping[str, Any]) -> str:
    """The mark of something that is news, behind two blanks; empty for what is none, and where nothing is known of before."""
    word = MARKS.get(told.get("news", ""))
    return f"  {word}" if word else ""


def wrapped(text: str, indent: str, hang: int, options: Options) -> list[str]:
    """A paragraph, which may be shown as it is, at the width of the reader; what is longer than a line stays in one piece."""
    return textwrap.wrap(
        text,
        options.width,
        initial_indent=indent,
        subsequent_indent=" " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    )
