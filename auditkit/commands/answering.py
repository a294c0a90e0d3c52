"""What commands answer with: reports and lines to stdout or the file of -o, talk to stderr."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib import resources
from typing import IO, Any

import click

from auditkit import __without__
from auditkit.commands.options import TOOL, Setting
from auditkit.errors import AuditkitError
from auditkit.model import HostReport
from auditkit.printable import printable


def answer(run: Setting, command: str, reports: Iterable[HostReport], following: tuple[str, ...]) -> int:
    """Render the report of a run where it was asked for, and give the exit status.

    Raises:
        AuditkitError: the output file cannot be written.
    """
    from auditkit.report import document  # noqa: PLC0415 - not for --help

    return delivered(run, made(run, command, [document.of_host(report) for report in reports], following))


def made(
    run: Setting,
    command: str,
    hosts: Sequence[dict[str, Any]],
    following: tuple[str, ...],
    access: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The document of a run that ends now, of hosts as the document has them; `access`: who can log in on all of them."""
    from auditkit.commands import rules  # noqa: PLC0415 - not for --help
    from auditkit.report import document  # noqa: PLC0415

    ended = document.Report(command, TOOL, run.started, datetime.now(UTC), (), following)
    told = [{**host, "notes": [*__without__, *host["notes"]]} for host in hosts]
    return document.assembled(ended, told, access, rules.known(document.named(told)))


def delivered(run: Setting, told: dict[str, Any]) -> int:
    """Render a document where it was asked for, keep it for the case of an incident, and give the exit status.

    Raises:
        AuditkitError: the output file cannot be written.
    """
    from auditkit.report import document  # noqa: PLC0415 - not for --help

    if run.record:
        run.record.document = told
    rendered(run, told)
    return document.exit_code(told, run.fail_on)


def rendered(run: Setting, told: dict[str, Any]) -> None:
    """Write a document in the form and at the place that were asked for.

    Raises:
        AuditkitError: the output file cannot be written.
    """
    from auditkit import report  # noqa: PLC0415 - not for --help

    look = report.Options(color=run.color, width=width(), show_all=run.show_all)
    write(run.output, report.render(told, run.form, look))


def say(run: Setting, line: str) -> None:
    """Answer with a line, where there is no report."""
    if run.record:
        run.record.lines.append(line)
    click.echo(line)


def talk(message: str) -> None:
    """Say something on stderr that is no answer."""
    click.echo(message, err=True)


def schema() -> dict[str, Any]:
    """The JSON Schema of reports, as it ships in the package."""
    text = resources.files("auditkit.report").joinpath("schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def width() -> int:
    """Columns of the terminal, 100 where there is none."""
    try:
        return max(60, os.get_terminal_size(sys.stdout.fileno()).columns)
    except (OSError, ValueError):
        return 100


def write(path: str | None, pieces: Iterable[str]) -> None:
    """Write text to a file, whole or not at all, or to stdout."""
    try:
        if path is None:
            for piece in pieces:
                click.echo(piece, nl=False)
            return
        if os.path.exists(path) and not os.path.isfile(path):  # a terminal, a pipe, /dev/null: not to be replaced
            with open(path, "w", encoding="utf-8") as file:
                file.writelines(pieces)
            return
        temporary = f"{path}.{os.getpid()}.tmp"
        with open(temporary, "x", encoding="utf-8") as file:
            _all(file, pieces)
        os.replace(temporary, path)
    except BrokenPipeError:
        raise
    except OSError as error:
        what = "the answer" if path is None else printable(path)
        raise AuditkitError(f"{what} cannot be written: {error.strerror}", "name another file with -o") from error


def _all(file: IO[str], pieces: Iterable[str]) -> None:
    """Write all, or leave nothing: the disk may be full, the last piece may be an error, somebody may press Ctrl-C."""
    try:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())
    except BaseException:
        os.unlink(file.name)
        raise
