"""`auditkit history [HOST...|RUN]`: the runs that are kept, or one of them told again."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any

import click
from click.core import ParameterSource

from auditkit import hosts as kinds
from auditkit.commands import answering, moments, names, options
from auditkit.errors import UsageError
from auditkit.model import Severity
from auditkit.printable import grouped, printable

SCHEMA = "auditkit/history/1"
COLUMNS = ("RUN", "BEGAN", "COMMAND", "HOSTS", "STATUS", "NEW", "STILL", "GONE", "EXIT")
SHOWN = 20
"""Runs that are listed where nobody says how many."""


@click.command("history")
@click.argument("words", nargs=-1, metavar="[HOST]...|RUN")
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), default=SHOWN, show_default=True, metavar="N", help="list so many runs"
)
@click.option("--since", metavar="TIME", help="list only runs that began then or later")
@options.trust
@options.output
def command(words: tuple[str, ...], **given: Any) -> int:
    """List the runs of HOST that are kept, or of all hosts, the newest first; or tell one RUN again.

    RUN is its name, as the list has it, or the beginning of it, or `last`. It is told in any format, with the exit status that
    it had, or with the one that --fail-on makes of it.
    """
    limit, since = given.pop("limit"), given.pop("since")
    run = options.setting(**given)
    runs = [word for word in words if names.is_run(word) and word not in run.config.hosts]
    if not runs:
        return _listed(words, run, limit, since)
    if len(words) > 1:
        raise UsageError(f"{printable(runs[0])} is a run, and one is told at a time", "compare two with: auditkit diff RUN RUN")
    return _told(runs[0], run, asked=click.get_current_context().get_parameter_source("fail_on") is ParameterSource.COMMANDLINE)


def _told(word: str, run: options.Setting, *, asked: bool) -> int:
    """Tell a run again, and give the exit status: `asked` says that a new one is wanted."""
    from auditkit.commands import past  # noqa: PLC0415
    from auditkit.report import document  # noqa: PLC0415

    with past.opened(run) as connection:
        listed = past.found(connection, word)
        made = past.document(connection, listed)
    answering.rendered(run, made)
    return document.exit_code(made, run.fail_on if asked else _severity(listed.run.fail_on))


def _severity(word: str) -> Severity | None:
    """From which severity on a run failed; None for none."""
    return next((one for one in Severity if one.word == word), None)


def _listed(words: Sequence[str], run: options.Setting, limit: int, since: str | None) -> int:
    """List the runs of these hosts, the newest first.

    Raises:
        UsageError: there is no run of a host.
    """
    from auditkit import history  # noqa: PLC0415 - not for --help
    from auditkit.commands import keeping, past  # noqa: PLC0415
    from auditkit.history import listing  # noqa: PLC0415

    if run.form not in ("text", "json"):
        raise UsageError(f"a list of runs has no form {run.form}", "take --format text or --format json, or name one RUN")
    begin = f"{moments.time_of(since).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if since else ""
    named = [name for word in words for name in (kinds.named([word], run.config) if word.startswith("@") else (word,))]
    with history.reading(keeping.place(run)) as connection:
        lanes = listing.lanes(connection, map(past.host_of, named)) if connection and named else None
        if named and not lanes:
            raise UsageError(f"no run of {', '.join(map(printable, named[:5]))} is kept", "see what there is: auditkit history")
        found = listing.newest(connection, lanes, begin, limit) if connection else []
    if run.form == "json":
        answering.write(run.output, [_json(found)])
    elif found:
        answering.write(run.output, (f"{line}\n" for line in _table(found)))
    elif not run.quiet:
        answering.talk(
            "auditkit: no run is kept" + (f" since {printable(since)}" if since else f" in {keeping.place(run).shown}")
        )
    return 0


def _json(found: Sequence[Any]) -> str:
    """The list for programs."""
    runs = [
        {
            "run": one.run.id, "command": one.run.command, "started": one.run.started, "finished": one.run.finished,
            "tool": one.run.tool, "status": one.run.status, "exit": one.run.exit, "fail_on": one.run.fail_on,
            "hosts": [
                {"host": host.host.word, "state": host.state, "new": host.new, "still": host.still, "gone": host.fixed,
                 "unknown": host.unknown}
                for host in one.hosts
            ],
        }
        for one in found
    ]  # fmt: skip
    return json.dumps({"schema": SCHEMA, "runs": runs}, ensure_ascii=True, indent=1) + "\n"


def _table(found: Sequence[Any]) -> Iterator[str]:
    rows = [COLUMNS, *(_row(one) for one in found)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(COLUMNS))]
    for row in rows:
        yield "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def _row(one: Any) -> tuple[str, ...]:
    from auditkit.report.lasting import minute  # noqa: PLC0415 - not for --help

    names = [printable(host.host.word) for host in one.hosts]
    numbers = (sum(getattr(host, name) for host in one.hosts) for name in ("new", "still", "fixed"))
    return (
        printable(one.run.id),
        minute(one.run.started),
        printable(one.run.command),
        (names[0] if names else "none") + (f" +{grouped(len(names) - 1)}" if len(names) > 1 else ""),
        printable(one.run.status),
        *map(grouped, numbers),
        str(one.run.exit),
    )
