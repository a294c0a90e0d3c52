"""`auditkit report FILE`: a saved JSON report in another format, with the exit status that it had."""

import sys
from typing import Any

import click

from auditkit import opening
from auditkit.commands import options, saved
from auditkit.errors import FormatError
from auditkit.printable import printable

LARGEST = 1 << 30


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
    made = document.check(saved.parsed(read(file), printable(file)), options.schema())
    look = report.Options(color=run.color, width=options.width(), show_all=run.show_all)
    options.write(run.output, report.render(made, run.form, look))
    return document.exit_code(made, run.fail_on)


def read(file: str) -> bytes:
    """The bytes of a report.

    Raises:
        FormatError: it cannot be read, or no report is that long.
    """
    name = printable(file)
    try:
        data = sys.stdin.buffer.read(LARGEST + 1) if file == "-" else opening.content(file, LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no file has such a name"
        raise FormatError(f"{name} cannot be read: {reason}", "give a file that --format json wrote") from error
    if len(data) > LARGEST:
        raise FormatError(f"{name} is larger than 1 GiB", "render the hosts of the report one by one")
    return data
