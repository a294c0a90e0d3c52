"""`auditkit incident show [CASE]`: what happened when; without a case, which cases there are."""

import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import click

from auditkit.commands import answering, cases, options
from auditkit.errors import AuditkitError, UntrustedError
from auditkit.response import steps, timeline
from auditkit.response.checked import named
from auditkit.response.nouns import Journal
from auditkit.response.reports import summary
from auditkit.response.standing import standing
from auditkit.response.steps import Step
from auditkit.response.summary import Kept, Summary
from auditkit.response.timeline import Moment

if TYPE_CHECKING:
    from auditkit.incident.cases import Case


@click.command("show")
@click.argument("case", metavar="[CASE]", required=False)
@click.option("--all", "show_all", is_flag=True, help="show long notes to their end, and what is kept")
@cases.form
@options.trust
def command(case: str | None, **given: Any) -> int:
    """Show what happened, when, and what is not done yet.

    What was noted and what the reports in the case tell stand in one order; without CASE all cases are listed.
    """
    from auditkit.incident import cases as disk  # noqa: PLC0415 - not for --help

    run = options.setting(**given)
    if case is None:
        return listed(run)
    found = disk.found(run.store, case)
    view = _viewed(found, run, cases.repeated(given))
    if run.form == "json":
        click.echo(cases.document(_document(found, view)))
    else:
        _tell(view, run)
    return 4 if view.journal.broken or view.unread else 0


@dataclass(frozen=True, slots=True)
class _View:
    """What is to be shown of a case."""

    journal: Journal
    moments: tuple[Moment, ...]
    steps: tuple[Step, ...]
    summary: Summary
    """What the reports in it come to."""
    unread: str
    """Why nothing is made of the reports in it; empty where they are as they were kept."""


def _viewed(case: "Case", run: options.Setting, more: tuple[str, ...]) -> _View:
    from auditkit.incident import evidence  # noqa: PLC0415 - not for --help
    from auditkit.response.events import events  # noqa: PLC0415

    journal, unread = case.read(), ""
    kept: tuple[Kept, ...] = ()
    try:
        kept = () if journal.broken else evidence.reports(case)
    except UntrustedError as error:
        unread = str(error)
    todo: tuple[Step, ...] = ()
    if not journal.broken and _is_in(run.store, case):
        todo = steps.steps(case.id, journal, more, signed=bool(run.signers))
    return _View(journal, timeline.moments(journal, events(kept)), todo, summary(kept, journal.entries), unread)


def _is_in(store: str, case: "Case") -> bool:
    """Whether the commands of this store find a case: an archive that was unpacked somewhere is only looked at."""
    from auditkit.incident import cases as disk  # noqa: PLC0415 - not for --help

    return os.path.dirname(os.path.realpath(case.path)) == os.path.realpath(disk.directory(store))


def _tell(view: _View, run: options.Setting) -> None:
    from auditkit.report import record, reported  # noqa: PLC0415 - not for --help

    lines = [*record.timeline(view.journal, view.moments, answering.width(), whole=run.show_all), ""]
    lines = [*lines[:-1], *record.kept(view.journal, answering.width()), ""] if run.show_all else lines
    lines += [f"UNTRUSTED  {view.unread}: nothing is shown of what reports tell", ""] if view.unread else []
    lines += [*reported.lines(view.summary, answering.width()), ""] if view.summary.judged else []
    lines += record.head(view.journal)
    if view.steps:
        lines += ["", *record.to_do(view.steps, "not done yet", answering.width())]
    answering.write(None, (f"{line}\n" for line in lines))


def _document(case: "Case", view: _View) -> dict[str, object]:
    """A case for programs."""
    journal = view.journal
    return {
        **_summary(case.id, journal),
        "path": case.path,
        "timeline": [moment.document() for moment in view.moments],
        "reports": asdict(view.summary),
        "files": [{"file": one.name, "entry": one.entry, "size": one.size, "sha256": one.sha256} for one in named(journal)],
        "steps": [step.document() for step in view.steps],
        "broken": {"entry": journal.broken.seq, "reason": journal.broken.reason} if journal.broken else None,
        "torn": len(journal.torn),
        "unread": view.unread or None,
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
            answering.talk(f"auditkit: {error}")
            code = max(code, 3)
            continue
        code = 4 if journal.broken else code
        rows.append(record.row(case.id, journal, answering.width()) + "\n")
        summaries.append(_summary(case.id, journal))
    if run.form == "json":
        click.echo(cases.document({"cases": summaries}))
    elif rows:
        answering.write(None, rows)
    elif not code:
        click.echo("no case yet: begin one with auditkit incident open TITLE")
    return code
