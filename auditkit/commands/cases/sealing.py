"""`auditkit incident seal CASE --key FILE|agent`: a signature over all that was written so far."""

import io
from typing import Any

import click

from auditkit.commands import cases, options
from auditkit.commands import sealing as keys
from auditkit.errors import UntrustedError
from auditkit.printable import printable
from auditkit.response.heads import Head
from auditkit.response.nouns import Kind, Said


@click.command("seal")
@cases.case
@click.option("--key", metavar="FILE|agent", required=True, help="the SSH key that signs")
@cases.form
@cases.writer
def command(case: str, by: str | None, key: str, **given: Any) -> int:
    """Sign what was written so far.

    After that nobody can write it anew without its being found. An entry tells of the seal.
    """
    from auditkit.incident import cases as disk  # noqa: PLC0415 - not for --help
    from auditkit.incident import sealing  # noqa: PLC0415

    run = options.setting(**given)
    found, hand = disk.found(run.store, case), cases.hand(by)
    journal = found.read()
    if journal.broken or not journal.entries:
        raise UntrustedError(
            f"case {found.id} cannot be believed, and was not sealed", f"see auditkit incident verify {found.id}"
        )
    head = Head(str(journal.entries[0].said.data.get("case")), len(journal.entries), hand.time, journal.head)
    sign = keys.sealer(keys.key(run, key), run.signing)
    assert sign
    sealing.keep(found, head, sign(io.BytesIO(head.text())))
    told = {"head": head.name, "entry": head.entry, "hash": head.hash}
    entry = found.add(hand, Said(Kind.SEAL, f"sealed entry {head.entry} with {printable(key)}", told))
    if run.form == "json":
        click.echo(
            cases.document({"case": found.id, "sealed": head.entry, "file": head.name, "entry": entry.seq, "head": entry.hash})
        )
        return 0
    click.echo(f"sealed entries 1 to {head.entry} of case {found.id}: {head.name}, and .sig")
    cases.say_head(entry)
    return 0
