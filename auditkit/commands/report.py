"""`auditkit report FILE`: a saved JSON report in another format, with the exit status that it had."""

from typing import Any

import click

from auditkit.commands import options
from auditkit.commands.saved import parsed, read
from auditkit.printable import printable


@click.command()
@click.argument("file", metavar="FILE")
@options.output
def command(file: str, **given: Any) -> int:
    """Render a saved JSON report; FILE `-` is stdin.

    The exit status is the one of the run that wrote it, with the --fail-on given here.
    """
    from auditkit import report  # noqa: PLC0415 - not for --help
    from auditkit.report import document  # noqa: PLC0415

    run = options.setting(**given)
    made = document.check(parsed(read(file), printable(file)), options.schema())
    look = report.Options(color=run.color, width=options.width(), show_all=run.show_all)
    options.write(run.output, report.render(made, run.form, look))
    return document.exit_code(made, run.fail_on)
