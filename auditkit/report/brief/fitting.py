"""What of a brief fits on one page of A4 at 9.5 points: the widths of letters are those of a wide font, DejaVu Sans."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

from auditkit.report.brief.sentence import shown
from auditkit.response.brief.nouns import Brief, Option, Section, Statement

LINES = 74.0
"""Lines of text that the page has."""
WIDTH = 56.0
"""Of a line, in ems."""
COLUMNS = (0.37, 0.17, 0.29, 0.17)
"""Of the table of options, as the stylesheet has them."""
HEADING, ROW, TITLE = 1.47, 0.18, 1.8
"""What a heading takes, what a row of a table takes besides its lines, and a line of the title, in lines."""
SHARES: Sequence[float] = (9, 12, 12, 4, 30, 6, 5, 2)
"""Lines of each section that it keeps where there is not room for all."""
_NARROW, _MIDDLE, _WIDE = frozenset("iljI.,:;'|!()[] ftr-"), frozenset("csxyzkvJ"), frozenset("mwMW@%—")
BOLD = 1.12
_NEVER_CUT = (0, 4, 5)
"""The bottom line, the options and the recommendation."""


def fitted(brief: Brief) -> Brief:
    """A brief of which one page holds all; what is left out is counted, and it is said which command shows it."""
    sections = [*map(_short, brief.sections)]
    taken = [*map(_lines, sections)]
    over = lines(replace(brief, sections=tuple(sections))) - LINES
    while over > 0 and (number := _longest(sections, taken)) is not None:
        sections[number] = _cut(sections[number])
        before, taken[number] = taken[number], _lines(sections[number])
        over -= before - taken[number]
    return replace(brief, sections=tuple(sections))


def _short(section: Section) -> Section:
    """A section with no more sentences than a page has lines: a journal may have thousands."""
    over = len(section.statements) - int(LINES)
    if over <= 0:
        return section
    left = section.statements[over:] if section.latest else section.statements[:-over]
    return replace(section, statements=left, left_out=over)


def _longest(sections: Sequence[Section], taken: Sequence[float]) -> int | None:
    """The section that is farthest above its share, of those that can lose something."""
    can = [number for number, one in enumerate(sections) if number not in _NEVER_CUT and len(one.statements) > 1]
    return max(can, key=lambda number: taken[number] - SHARES[number], default=None)


def _cut(section: Section) -> Section:
    """A section without its least important sentence."""
    left = section.statements[1:] if section.latest else section.statements[:-1]
    return replace(section, statements=left, left_out=section.left_out + 1)


def lines(brief: Brief) -> float:
    """How many lines of text a brief takes."""
    first = sum(wrapped(shown(one), WIDTH / BOLD) for one in brief.sections[0].statements)
    head = TITLE * wrapped(brief.title, WIDTH * 9.5 / 15 / BOLD) + wrapped(brief.head, WIDTH)
    return head + HEADING + first + sum(HEADING + _lines(section) for section in brief.sections[1:])


def _lines(section: Section) -> float:
    table = 1 + ROW + sum(map(_row, section.options)) if section.options else 0.0
    return table + sum(map(_height, section.statements)) + (1 if section.left_out else 0)


def _height(statement: Statement) -> int:
    return wrapped(shown(statement), WIDTH - 1.2)


def _row(option: Option) -> float:
    cells = (option.name, option.effort, option.risk, option.undo)
    shares = (COLUMNS[0] / BOLD, *COLUMNS[1:])
    return ROW + max(wrapped(cell, share * WIDTH - 0.6) for cell, share in zip(cells, shares, strict=True))


@lru_cache(4096)
def wrapped(text: str, width: float) -> int:
    """How many lines a text takes at a width in ems; a word that is too long is broken."""
    number, used = 1, 0.0
    for word in _words(text, width):
        if used + word > width:
            number, used = number + 1, 0.0
        used += word + 0.32
    return number


def _words(text: str, width: float) -> Iterator[float]:
    """Yield the widths of the words of a text, and of the pieces of one that is wider than a line."""
    for word in text.split(" "):
        left = sum(map(_em, word))
        while left > width:
            yield width
            left -= width * 0.95
        yield left


def _em(char: str) -> float:
    if unicodedata.east_asian_width(char) in "WF":
        return 1.05
    if char in _NARROW:
        return 0.39
    if char in _MIDDLE:
        return 0.58
    if char in _WIDE or ord(char) > 0x24F:
        return 1.0
    return 0.76 if char.isupper() else 0.64
