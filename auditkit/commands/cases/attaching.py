"""`auditkit incident attach CASE FILE...`: files copied into the case, with what shows that they are what they were."""

from typing import TYPE_CHECKING, Any

import click

from auditkit.commands import cases, options
from auditkit.commands.line import tell
from auditkit.errors import AuditkitError
from auditkit.printable import counted
from auditkit.response.nouns import Entry, Kind, Said, filed

if TYPE_CHECKING:
    from auditkit.incident.cases import Case


@click.command("attach")
@cases.case
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--source", metavar="TEXT", help="where it is from, if not from here: a host, a person, a provider")
@click.option("--tool", metavar="TEXT", help="what made it: a program and its version")
@click.option("--note", metavar="TEXT", default="", help="what it is, or what it shows")
@cases.form
@cases.writer
def command(case: str, files: tuple[str, ...], by: str | None, **given: Any) -> int:
    """Copy each FILE into the case, with its digests before and after, and tell of it in the journal.

    A file that cannot be kept stops none of the others; of a directory each FILE is named, or it is packed first.
    """
    from auditkit.incident import cases as disk  # noqa: PLC0415 - not for --help

    run = options.setting(**given)
    found = disk.found(run.store, case)
    found.check()
    said = Said(Kind.FILE, given["note"], {name: given[name] for name in ("source", "tool") if given[name]})
    entries, code = [], 0
    for path in files:
        try:
            entries.append(_kept(found, path, by, said, run))
        except AuditkitError as error:
            if len(files) == 1:
                raise
            tell(error)
            code = max(code, error.exit_code)
    if run.form == "json":
        click.echo(cases.document({"case": found.id, "files": list(map(_document, entries))}))
    return code


def _kept(case: "Case", path: str, by: str | None, said: Said, run: options.Setting) -> Entry:
    """Keep a file, and say so."""
    from auditkit.incident import evidence  # noqa: PLC0415 - not for --help

    with cases.reading(run, "copying", path) as passing:
        entry = evidence.kept(case, cases.hand(by), evidence.Original(path, passing=passing), said)
    if run.form == "text":
        _say(case, entry)
    return entry


def _say(case: "Case", entry: Entry) -> None:
    (kept,) = filed(entry)
    click.echo(f"entry {entry.seq} of case {case.id}: {kept.file}, {counted(kept.size, 'byte')}")
    click.echo(f"  SHA-256 {kept.sha256}")
    if entry.said.data.get("changed"):
        click.echo("  note  it changed while it was copied, and is kept as it was read")


def _document(entry: Entry) -> dict[str, object]:
    """What programs are told of a file that is kept."""
    return {"entry": entry.seq, **entry.said.data, "head": entry.hash}
