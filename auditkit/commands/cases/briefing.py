"""`auditkit incident brief CASE -o FILE`: one page for those who decide, made of what the case holds."""

import os
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from auditkit.commands import answering, cases, options
from auditkit.errors import UsageError
from auditkit.printable import printable
from auditkit.response.nouns import Hand, Journal, Kind, Said

if TYPE_CHECKING:
    from auditkit.incident.cases import Case
    from auditkit.response.brief.nouns import Brief, Report

FORMS = ("html", "markdown", "text")


@click.command("brief")
@cases.case
@click.option("-o", "output", metavar="FILE", help="write it there, keep a copy in the case, and say so in the journal")
@click.option("--format", "form", type=click.Choice(FORMS), help="by the ending of FILE, if not said; text without FILE")
@click.option("--recommend", metavar="TEXT", default="", help="what you recommend; it is marked as your opinion")
@click.option("--decide", metavar="TEXT", default="", help="which decision you want")
@click.option("-q", "--quiet", is_flag=True, help="no hints on stderr")
@cases.writer
def command(case: str, output: str | None, form: str | None, by: str | None, **given: Any) -> int:
    """Write one page for those who decide: what is known, by which report, what is not known, and what can be done.

    It says no more than the reports and notes of the case carry. What somebody wrote that accuses or dramatizes is refused,
    with the word; a note is corrected by `auditkit incident note CASE TEXT --corrects ENTRY`.
    """
    from auditkit.incident import cases as disk  # noqa: PLC0415 - not for --help
    from auditkit.report import brief as telling  # noqa: PLC0415

    run, hand, chosen = options.setting(**given), cases.hand(by), form or _by_ending(output)
    found = disk.found(run.store, case)
    journal, reports = found.read(), _reports(found)
    page = "".join(telling.render(_brief(found.id, journal, reports, hand=hand, run=run, given=given), chosen))
    answering.write(output, [page])
    if output is not None:
        told = _journaled(found, journal, hand, output, page)
        if not run.quiet:
            answering.talk(f"auditkit: {printable(output)} is written; {told}")
    return 0


def _by_ending(output: str | None) -> str:
    """The format that the name of a file asks for.

    Raises:
        UsageError: it asks for none.
    """
    from auditkit.report.brief import ENDINGS  # noqa: PLC0415 - not for --help

    if output is None:
        return "text"
    ending = os.path.splitext(output)[1].lower()
    if ending not in ENDINGS:
        raise UsageError(f"{printable(output)} ends in none of {', '.join(ENDINGS)}", "say --format html, markdown or text")
    return ENDINGS[ending]


def _reports(case: "Case") -> "tuple[Report, ...]":
    """The reports of the case, each once it is one.

    Raises:
        UntrustedError: one of them is not as it was kept, or the journal is broken.
    """
    from auditkit.response.brief.nouns import Report  # noqa: PLC0415 - not for --help

    return tuple(Report(kept.entry.seq, kept.entry.hand.host, dict(kept.document)) for kept in cases.reports(case))


def _brief(
    case: str, journal: Journal, reports: "tuple[Report, ...]", *, hand: Hand, run: options.Setting, given: dict[str, Any]
) -> "Brief":
    """What the page says."""
    from auditkit.response.brief import brief  # noqa: PLC0415 - not for --help
    from auditkit.response.brief.nouns import Material  # noqa: PLC0415

    material = Material(
        case=case,
        journal=journal,
        reports=reports,
        author=hand.actor,
        made=hand.time,
        local=datetime.astimezone,
        inventory=tuple(run.config.hosts) or None,
        networks=run.office.networks,
        recommend=given["recommend"],
        decide=given["decide"],
    )
    return brief(material)


def _journaled(case: "Case", journal: Journal, hand: Hand, output: str, page: str) -> str:
    """Keep a copy in the case, and say so in its journal; nothing is added to one that is closed. Gives what came of it."""
    from auditkit.incident import evidence  # noqa: PLC0415 - not for --help
    from auditkit.response.standing import standing  # noqa: PLC0415

    known = standing(journal)
    if known and known.closed:
        return f"case {case.id} is closed: its journal does not tell of it"
    path = os.path.abspath(output)
    said = Said(Kind.LETTER, f"brief written to {path}", {"to": path})
    entry = evidence.written(case, hand, f"brief{os.path.splitext(output)[1]}", [page.encode()], said)
    return f"entry {entry.seq} of case {case.id} keeps a copy"
