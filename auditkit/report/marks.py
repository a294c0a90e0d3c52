"""Text in which nothing is a mark of Markdown (CommonMark, with the tables and links of GitHub): it is only words."""

import re
from collections.abc import Iterable

from auditkit.printable import said

_MARKS = re.compile(r"([\\`*_\[\]<>|~&$#])")
"""Marks that mean something wherever they stand; a backslash takes that from them, CommonMark 2.4."""
_FIRST = re.compile(r"([0-9]{1,9}(?=[.)])|(?=[-+=]))(.)")
"""What makes a list or a heading where a line begins with it."""
_LINKED = re.compile(r"@|://|www\.|mailto:|xmpp:|[#!$%&~][0-9]|\bgh-[0-9]", re.IGNORECASE)
"""What makes a link of a bare word in the forms of GitHub and GitLab, `#12` too: such a word stands as code."""


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
    ticks = "`" * (1 + _longest(word))
    blank = " " if word.startswith("`") or word.endswith("`") else ""
    return f"{ticks}{blank}{word}{blank}{ticks}" if word else ""


def fenced(lines: Iterable[str]) -> str:
    """Lines as a block of code, between more backticks than any of them has (CommonMark 4.5); each may be shown as it is."""
    body = "\n".join(lines)
    ticks = "`" * max(3, 1 + _longest(body))
    return f"{ticks}\n{body}\n{ticks}\n"


def _longest(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
