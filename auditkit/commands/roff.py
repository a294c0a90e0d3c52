"""The macros of man(7): running text that holds no request, and pages of Markdown as far as those of docs/ are written."""

import re
import textwrap
from collections.abc import Iterator

WIDTH = 79
_LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")
_CODE = re.compile(r"`([^`]+)`|\*\*([^*]+)\*\*")
_BLOCK = re.compile(r"^```.*?^```$|^\|.*?(?=\n[^|]|\Z)|(?:(?!^```|^\|)[^\n]+\n?)+", re.MULTILINE | re.DOTALL)
"""Code, a table, or lines up to one that is empty."""


def title(name: str, section: int, date: str, source: str, what: str) -> list[str]:
    """The first lines of a page."""
    return [f'.TH {name} {section} {date} "{source}"', ".SH NAME", f"{name.lower()} \\- {what}"]


def text(plain: str) -> str:
    """A text in one line, in which nothing is a request of roff."""
    shown = plain if plain.startswith(" ") or plain.endswith(" ") else " ".join(plain.split())
    return guarded(shown.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("^", "\\(ha"))


def guarded(line: str) -> str:
    """A line that is no request."""
    return f"\\&{line}" if line.startswith((".", "'")) else line


def bold(plain: str) -> str:
    """The same in bold."""
    return f"\\fB{text(plain)}\\fR"


def marked(told: str) -> str:
    """A text in one line, in which `this` and **this** are bold, and links are their words."""
    parts = _CODE.split(_LINK.sub(r"\1", " ".join(told.split())))
    return "".join(text(part) if at % 3 == 0 else bold(part) for at, part in enumerate(parts) if part)


def filled(line: str) -> str:
    """Running text in short lines, each sentence on a line of its own as mandoc(1) wants it; none of them is a request."""
    sentences = re.split(r"(?<=[.?!]) ", line)
    lines = (part for each in sentences for part in textwrap.wrap(each, WIDTH, break_long_words=False, break_on_hyphens=False))
    return "\n".join(map(guarded, lines))


def item(name: str, what: str) -> str:
    """What something is, below its name."""
    return f".TP\n{name}\n{what}"


def markdown(page: str) -> Iterator[str]:
    """Yield the lines of a page: headings, paragraphs, lists, code, and tables whose first column is what is told of."""
    heads = ".SH DESCRIPTION"
    for block in _BLOCK.findall(page):
        kind = "code" if block.startswith("```") else block[:1]
        if kind == "#":
            heads = f".SH {text(block.lstrip('# ').strip()).upper()}" if block.startswith("##") else heads
            continue
        if heads:
            yield heads
        first = bool(heads)
        yield from _code(block, first) if kind == "code" else _table(block) if kind == "|" else _lines(block, first)
        heads = ""


def _code(block: str, first: bool) -> Iterator[str]:
    lines = (guarded(line.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti")) for line in block.splitlines()[1:-1])
    yield "\n".join((*(() if first else (".PP",)), ".nf", ".RS 4", *(line or "\\&" for line in lines), ".RE", ".fi"))


def _table(block: str) -> Iterator[str]:
    head, _rule, *rows = ([cell.strip() for cell in row.strip("|").split(" |")] for row in block.strip().splitlines())
    for name, *cells in rows:
        told = [cells[0], *(f"({column}: {cell})" for column, cell in zip(head[2:], cells[1:], strict=True))]
        is_word = name.startswith("`")
        yield item(marked(name), filled(marked(" ".join(told)))) if is_word else _point(f"{name}: {' '.join(told)}")


def _lines(block: str, first: bool) -> Iterator[str]:
    if not block.startswith("* "):
        yield ("" if first else ".PP\n") + filled(marked(block))
        return
    for each in block.removeprefix("* ").split("\n* "):
        yield _point(each)


def _point(told: str) -> str:
    return f".IP \\(bu 2\n{filled(marked(told))}"
