"""`auditkit incident close CASE`: nothing more is written of what happened."""

from typing import Any

import click

from auditkit.commands import answering, cases, options
from auditkit.response.nouns import Kind, Said


@click.command("close")
@cases.case
@click.argument("words", nargs=-1, metavar="[TEXT]")
@cases.form
@cases.writer
def command(case: str, words: tuple[str, ...], by: str | None, **given: Any) -> int:
    """Close a case, with a last word if there is one.

    It can still be shown, verified, sealed and exported.
    """
    from auditkit.incident import cases as disk  # noqa: PLC0415 - not for --help

    run = options.setting(**given)
    found = disk.found(run.store, case)
    entry = found.add(cases.hand(by), Said(Kind.CLOSED, cases.text_of(words) or "closed"))
    cases.told(run.form, found.id, entry)
    if run.form == "text":
        cases.say_head(entry)
    if run.form == "text" and not run.quiet:
        answering.talk(f"hint: seal it, and keep a copy elsewhere: auditkit incident seal {found.id} --key FILE")
    return 0
