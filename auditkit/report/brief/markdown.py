"""A brief as Markdown (CommonMark, with the tables of GitHub): what others wrote makes no mark, no link and no tag in it."""

import re
from collections.abc import Iterator

from auditkit.printable import said
from auditkit.report.brief.sentence import left_out, shown
from auditkit.response.brief.nouns import Brief, Option, Section

_MARKS = re.compile(r"([\\`*_\[\]<>|~&$#])")
"""Marks that mean something wherever they stand; a backslash takes that from them, CommonMark 2.4."""
_FIRST = re.compile(r"([0-9]{0,9})([-+=.)])")
"""What makes a list or a heading where a line begins with it."""
_LINKED = re.compile(r"@|://|www\.|mailto:|xmpp:", re.IGNORECASE)
"""What makes a link of a bare word in GitHub's form of it: such a word stands as code."""


def pieces(brief: Brief) -> Iterator[str]:
    """Yield the page line by line."""
    yield f"# {escaped(brief.title)}\n\n{escaped(brief.head)}\n"
    for section in brief.sections:
        yield f"\n## {section.title}\n\n"
        yield from _section(section, brief.case)


def _section(section: Section, case: str) -> Iterator[str]:
    more = left_out(section, case)
    if section.latest and more:
        yield f"- {escaped(more)}\n"
    for statement in section.statements:
        yield f"- {escaped(shown(statement))}\n"
    if section.options:
        yield "| Option | Effort | Risk | Can be taken back |\n|---|---|---|---|\n"
        yield from map(_row, section.options)
    if more and not section.latest:
        yield f"- {escaped(more)}\n"


def _row(option: Option) -> str:
    return f"| {' | '.join(map(escaped, (option.name, option.effort, option.risk, option.undo)))} |\n"


def escaped(text: str) -> str:
    """A text in which nothing is a mark of Markdown."""
    marked = " ".join(map(_word, said(text).split()))
    return _FIRST.sub(r"\1\\\2", marked, count=1) if _FIRST.match(marked) else marked


def _word(word: str) -> str:
    """A word; one that could become a link is code, but for `|`, which ends a cell of a table even there."""
    if _LINKED.search(word):
        return "\\|".join(map(_code, word.split("|")))
    return _MARKS.sub(r"\\\1", word)


def _code(word: str) -> str:
    """A word as code, between more backticks than it has."""
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", word)), default=0))
    blank = " " if word.startswith("`") or word.endswith("`") else ""
    return f"{ticks}{blank}{word}{blank}{ticks}" if word else ""
