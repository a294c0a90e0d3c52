"""A brief as Markdown (CommonMark, with the tables of GitHub): what others wrote makes no mark, no link and no tag in it."""

from collections.abc import Iterator

from auditkit.report.brief.sentence import left_out, shown
from auditkit.report.marks import escaped
from auditkit.response.brief.nouns import Brief, Option, Section


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
