"""A brief as text of 80 columns, for a terminal, a mail or a printer that knows nothing else."""

import textwrap
from collections.abc import Iterator

from auditkit.printable import said
from auditkit.report.brief.sentence import left_out, shown
from auditkit.response.brief.nouns import Brief, Option, Section

WIDTH = 80


def pieces(brief: Brief) -> Iterator[str]:
    """Yield the page line by line."""
    yield from _wrapped(brief.title, "", "")
    yield "=" * min(WIDTH, max(len(said(brief.title)), 8)) + "\n"
    yield from _wrapped(brief.head, "", "")
    for section in brief.sections:
        yield f"\n{section.title}\n"
        yield from _section(section, brief.case)


def _section(section: Section, case: str) -> Iterator[str]:
    more = left_out(section, case)
    if section.latest and more:
        yield from _wrapped(more, "  ", "  ")
    for statement in section.statements:
        yield from _wrapped(shown(statement), "  - ", "    ")
    for option in section.options:
        yield from _option(option)
    if more and not section.latest:
        yield from _wrapped(more, "  ", "  ")


def _option(option: Option) -> Iterator[str]:
    yield from _wrapped(option.name, "  - ", "    ")
    yield from _wrapped(f"effort: {option.effort}; risk: {option.risk}; can be taken back: {option.undo}", "      ", "      ")


def _wrapped(text: str, first: str, rest: str) -> Iterator[str]:
    for line in textwrap.wrap(said(text), WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False):
        yield line + "\n"
