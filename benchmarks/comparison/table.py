"""The tables of the comparison: a row for each question, and below it what each tool said in its run."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from comparison.nights import QUESTIONS, Question
from comparison.tools import TOOLS

MARKS = ("<!-- comparison: begin -->", "<!-- comparison: end -->")
NAMES = tuple(tool.name for tool in TOOLS)
TOLD, SILENT = "told", "-"
Results = Mapping[str, Any]


def publish(results: Results, page: Path) -> None:
    """Put the tables between the marks of a page."""
    text = page.read_text("utf-8")
    before, _, rest = text.partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    parts = (before.rstrip(), MARKS[0], summary(results), *(told(results, each) for each in QUESTIONS), MARKS[1])
    page.write_text("\n\n".join(parts) + after, "utf-8")


def summary(results: Results) -> str:
    """A row for each question, a column for each tool; empty: it is not for such a question, and was not asked."""
    versions = results["versions"]
    packages = {tool.name: ", ".join(versions[each] for each in tool.packages[:1]) for tool in TOOLS}
    head = (f"{name} {packages[name]}".strip() for name in NAMES)
    rows = (_row((each.asks, *(_mark(results, each, name) for name in NAMES))) for each in QUESTIONS)
    return "\n".join((_row(("question", *head)), _row("---" for _ in (0, *NAMES)), *rows))


def told(results: Results, question: Question) -> str:
    """What each tool said that was asked, in its own words, and how much there was to read."""
    rows = (_row(_said(results, question, name)) for name in question.tools)
    head = ("| tool | its words | lines to read | exit status |", "|---|---|--:|--:|")
    return "\n".join((f"### {question.asks}", "", *head, *rows))


def _said(results: Results, question: Question, name: str) -> Iterator[str]:
    """Yield the cells of one tool."""
    answer = results[f"{question.situation}: {name}"]
    lines = answer["answers"].get(question.asks, [])
    words = "<br>".join(f"`{line.replace('`', ' ').replace('|', '/')}`" for line in lines[:2])
    yield name
    yield words or ("nothing of it" if question.names else "")
    yield f"{answer['lines']:,}"
    yield str(answer["status"])


def _mark(results: Results, question: Question, name: str) -> str:
    """Whether a tool told what was asked, or how many lines it wrote; nothing if it was not asked."""
    if name not in question.tools:
        return ""
    answer = results[f"{question.situation}: {name}"]
    if not question.names:
        return f"{answer['lines']:,} lines"
    return TOLD if answer["answers"][question.asks] else SILENT


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
