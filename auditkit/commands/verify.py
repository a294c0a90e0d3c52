"""`auditkit verify FILE...`: is the seal good, and the sequence unbroken?"""

import os
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import click

from auditkit import baseline, store
from auditkit.commands import answering, options
from auditkit.errors import AuditkitError, UntrustedError, UsageError
from auditkit.printable import printable


@click.command("verify")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@options.case
@options.trust
def command(files: tuple[str, ...], **given: Any) -> int:
    """Verify baselines: each byte, each seal, and that every one follows the one before. FILE may be a directory."""
    run = options.setting(**given)
    code = 0
    for path in _expanded(files):
        code = max(code, _one(path, run))
    if not run.signers:
        answering.say(
            run, "no signers are named, so no signature was looked at: name them with --signers FILE or in auditkit.yaml"
        )
    return code


def _expanded(files: tuple[str, ...]) -> Iterator[str]:
    """Yield baseline files; those of a directory, at any depth, in their order."""
    for path in files:
        if not os.path.isdir(path):
            yield path
            continue
        found = [
            sequences[number]
            for directory, _below, _names in os.walk(path)
            if (sequences := baseline.sequences(directory))
            for number in sorted(sequences)
        ]
        if not found:
            raise UsageError(f"there is no baseline below {printable(path)}", "name a baseline file or the store")
        yield from found


def _one(path: str, run: options.Setting) -> int:
    try:
        trusted = store.trusted(path, run.signers, older=True)
    except UntrustedError as error:
        answering.say(run, f"UNTRUSTED {printable(path)}: {error}")
        if error.hint:
            answering.say(run, f"  hint: {error.hint}")
        return error.exit_code
    except AuditkitError as error:
        answering.say(run, f"ERROR {printable(path)}: {error}")
        return error.exit_code
    with closing(trusted.baseline) as base:
        try:
            blocks = sum(1 for _block in base.blocks())
        except UntrustedError as error:
            answering.say(run, f"UNTRUSTED {printable(path)}: {error}")
            return error.exit_code
        header = base.header
        signer = f"sealed by {printable(trusted.signer)}" if trusted.signer else "seal not verified"
        what = f"baseline {header.sequence} of {printable(header.host)}, made {header.made:%Y-%m-%d %H:%M:%SZ}"
        answering.say(run, f"good {printable(path)}: {what}, {base.footer.entries} entries in {blocks} directories, {signer}")
        if header.reason:
            answering.say(run, f"  reason: {printable(header.reason)}")
        return 0
