"""`auditkit report FILE`: a saved JSON report in another format, with the exit status that it had."""

from typing import Any

import click

from auditkit.commands import answering, options
from auditkit.commands.saved import parsed, read
from auditkit.printable import printable


@click.command()
@click.argument("file", metavar="FILE")
@options.output
def command(file: str, **given: Any) -> int:
    """Render a saved JSON report; FILE `-` is stdin.

    The exit status is the one of the run that wrote it, with the --fail-on given here.
    """
    from auditkit.report import document  # noqa: PLC0415

    run = options.setting(**given)
    made = document.check(parsed(read(file), printable(file)), answering.schema())
    answering.rendered(run, made)
    return document.exit_code(made, run.fail_on)
