"""`auditkit incident open TITLE`: a new case, and what to do first."""

from typing import Any

import click

from auditkit.commands import cases, options
from auditkit.errors import UsageError


@click.command("open")
@click.argument("words", nargs=-1, required=True, metavar="TITLE")
@cases.form
@cases.writer
def command(words: tuple[str, ...], by: str | None, **given: Any) -> int:
    """Open a case: a journal that is only added to, and a place for what shows what happened. Prints its id first."""
    from auditkit.incident import cases as disk  # noqa: PLC0415 - not for --help

    run = options.setting(**given)
    title = cases.text_of(words)
    if not title:
        raise UsageError("a case needs a title", 'say in a few words what was seen: auditkit incident open "failed logins"')
    case, entry = disk.begun(run.store, title, cases.hand(by), {})
    if run.form == "json":
        click.echo(cases.document({"case": case.id, "path": case.path, "entry": entry.seq, "head": entry.hash}))
        return 0
    click.echo(case.id)
    cases.say_head(entry)
    return 0
