"""`auditkit incident verify CASE|DIR`: is the record as it was written?"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from auditkit.commands import answering, cases, options
from auditkit.errors import UsageError
from auditkit.printable import printable


@click.command("verify")
@click.argument("case", metavar="CASE|DIR")
@click.option(
    "--head", "papers", multiple=True, metavar="HASH", help="a head that was written down; may be given more than once"
)
@cases.form
@options.trust
def command(case: str, papers: tuple[str, ...], **given: Any) -> int:
    """Tell whether a record is as it was written.

    Each entry of a case, or of an archive that was unpacked into DIR, each file that is kept, and each seal is looked at.

    Exit status: 0 it is as it was written, as far as can be told; 3 something could not be seen; 4 something is wrong.
    """
    from auditkit.incident import cases as disk  # noqa: PLC0415 - not for --help
    from auditkit.incident import holdings  # noqa: PLC0415
    from auditkit.report import record  # noqa: PLC0415
    from auditkit.response import checked  # noqa: PLC0415

    run = options.setting(**given)
    _sound(papers)
    found, signers = disk.found(run.store, case), cases.signers(run)
    with cases.reading(run, "verifying", found.id) as passing:
        seen = holdings.seen(found, signers, datetime.now(UTC), passing)
    told, journal = checked.verdict(seen, papers, asked=signers is not None), seen.journal
    if run.form == "json":
        sizes = {"case": found.id, "path": found.path, "entries": len(journal.entries), "head": journal.head}
        click.echo(cases.document(checked.document(told, sizes)))
    else:
        answering.write(None, (f"{line}\n" for line in record.verified(found.id, journal, told, answering.width())))
    return checked.code(told)


def _sound(papers: Sequence[str]) -> None:
    """Refuse what is no hash from paper.

    Raises:
        UsageError: it has other letters, or is too short to tell anything.
    """
    from auditkit.response.checked import LEAST, digits  # noqa: PLC0415 - not for --help

    for paper in papers:
        if not LEAST <= len(digits(paper)) <= 64 or set(digits(paper)) - set("0123456789abcdef"):
            raise UsageError(
                f"{printable(paper[:80])} is no head",
                f"give its digits 0-9 and a-f, {LEAST} of them at least; blanks do not matter",
            )
