"""`auditkit explain RULE`: why a rule matters and what to do."""

import textwrap
from collections.abc import Iterator
from difflib import get_close_matches

import click

from auditkit.errors import UsageError
from auditkit.model import Rule
from auditkit.printable import printable

WIDTH = 100


@click.command()
@click.argument("rule", required=False)
def command(rule: str | None) -> None:
    """Say why RULE matters and what to do; without RULE, list all."""
    from auditkit.commands.rules import all_rules  # noqa: PLC0415 - not for --help

    known = {one.id: one for one in all_rules()}
    lines = listed(tuple(known.values())) if rule is None else explained(found(rule, known))
    for line in lines:
        click.echo(line)


def found(name: str, known: dict[str, Rule]) -> Rule:
    """The rule of that name.

    Raises:
        UsageError: there is none.
    """
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=1)
    hint = f"try auditkit explain {near[0]}" if near else "list all with auditkit explain"
    raise UsageError(f"there is no rule {printable(name)}", hint)


def listed(rules: tuple[Rule, ...]) -> Iterator[str]:
    """Yield a line per rule, the worst first: id, severity, title."""
    widest = max((len(rule.id) for rule in rules), default=0)
    for rule in sorted(rules, key=lambda rule: (-rule.severity, rule.id)):
        yield f"{rule.id:{widest}}  {rule.severity.word:8}  {rule.title}"


def explained(rule: Rule) -> Iterator[str]:
    """Yield all that is to be said of a rule."""
    yield f"{rule.id} ({rule.severity.word}): {rule.title}"
    for head, text in (("Why", rule.why), ("Do", rule.remedy)):
        yield ""
        yield from textwrap.wrap(f"{head}: {text}", WIDTH, break_long_words=False, break_on_hyphens=False)
    if rule.references:
        yield ""
        yield f"See: {', '.join(rule.references)}"
