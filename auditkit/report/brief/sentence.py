"""A sentence of a brief as every format has it: with the entries that it rests on."""

from auditkit.printable import said
from auditkit.response.brief.nouns import Section, Statement

MOST = 6


def shown(statement: Statement) -> str:
    """`52 guesses ... [4]`."""
    return " ".join(filter(None, (said(statement.text), entries(statement))))


def entries(statement: Statement) -> str:
    """`[4, 7]`; of many entries the first ones."""
    numbers = [*map(str, statement.entries[:MOST]), *(["..."] if len(statement.entries) > MOST else [])]
    return f"[{', '.join(numbers)}]" if numbers else ""


def left_out(section: Section, case: str) -> str:
    """`and 4 more: auditkit incident show 2026-001`; empty where nothing is left out."""
    if not section.left_out:
        return ""
    number = f"{section.left_out} earlier ones" if section.latest else f"and {section.left_out} more"
    return f"{number}: auditkit incident show {said(case)}"
