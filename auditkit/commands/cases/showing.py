"""`auditkit incident show [CASE]`: what happened when; without a case, which cases there are."""

from typing import Any

import click

from auditkit.commands import cases, options
from auditkit.errors import AuditkitError
from auditkit.response.nouns import Journal
from auditkit.response.standing import standing


@click.command("show")
@click.argument("case", metavar="[CASE]", required=False)
@click.option("--all", "show_all", is_flag=True, help="show long notes to their end")
@cases.form
@options.trust
def command(case: str | None, **given: Any) -> int:
    """Show what happened in a case, by the time when it happened; without CASE, all cases."""
    from auditkit.incident import cases as disk  # noqa: PLC0415 - not for --help

    run = options.setting(**given)
    if case is None:
        return listed(run)
    found = disk.found(run.store, case)
    journal = found.read()
    if run.form == "json":
        click.echo(cases.document(_document(found.id, found.path, journal)))
    else:
        _tell(journal, run)
    return 4 if journal.broken else 0


def _tell(journal: Journal, run: options.Setting) -> None:
    from auditkit.report import record  # noqa: PLC0415 - not for --help
    from auditkit.response import timeline  # noqa: PLC0415

    lines = [*record.timeline(journal, timeline.moments(journal), options.width(), whole=run.show_all), ""]
    lines += record.head(journal)
    options.write(None, (f"{line}\n" for line in lines))


def _document(case: str, path: str, journal: Journal) -> dict[str, object]:
    """A case for programs."""
    from auditkit.response import timeline  # noqa: PLC0415 - not for --help

    return {
        **_summary(case, journal),
        "path": path,
        "timeline": [moment.document() for moment in timeline.moments(journal)],
        "broken": {"entry": journal.broken.seq, "reason": journal.broken.reason} if journal.broken else None,
        "torn": len(journal.torn),
    }


def _summary(case: str, journal: Journal) -> dict[str, object]:
    """A case in a list for programs."""
    stand = standing(journal)
    state = "broken" if journal.broken or not stand else "closed" if stand.closed else "open"
    opened = f"{stand.opened.hand.time:%Y-%m-%dT%H:%M:%S%z}" if stand else None
    title = stand.title if stand else None
    return {
        "case": case, "title": title, "state": state, "opened": opened, "entries": len(journal.entries), "head": journal.head,
    }  # fmt: skip


def listed(run: options.Setting) -> int:
    """Print all cases of the store, the oldest first; one that cannot be read hides no other."""
    from auditkit.incident import cases as disk  # noqa: PLC0415 - not for --help
    from auditkit.report import record  # noqa: PLC0415

    rows, summaries, code = [], [], 0
    for case in disk.all_of(run.store):
        try:
            journal = case.read()
        except AuditkitError as error:
            options.talk(f"auditkit: {error}")
            code = max(code, 3)
            continue
        code = 4 if journal.broken else code
        rows.append(record.row(case.id, journal, options.width()) + "\n")
        summaries.append(_summary(case.id, journal))
    if run.form == "json":
        click.echo(cases.document({"cases": summaries}))
    elif rows:
        options.write(None, rows)
    elif not code:
        click.echo("no case yet: begin one with auditkit incident open TITLE")
    return code
