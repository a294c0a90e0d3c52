"""`auditkit diff A B`: what changed between two baselines, or two runs."""

import os
from contextlib import closing
from typing import Any

import click

from auditkit import baseline, compare, growth, mounts, policy, settle, store
from auditkit.commands import answering, integrity, names, options, running
from auditkit.errors import UntrustedError, UsageError
from auditkit.model import Change, Gap, HostReport
from auditkit.printable import printable


@click.command("diff")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@options.case
@options.trust
@options.output
def command(a: str, b: str, **given: Any) -> int:
    """Show what changed from A to B, two baseline files or two runs of the history; no host is asked.

    A run is its name, as `auditkit history` lists it, the beginning of it, or `last`.
    """
    run = options.setting(**given)
    runs = [word for word in (a, b) if not os.path.lexists(word) and names.is_run(word)]
    if len(runs) == 1:
        raise UsageError(f"{printable(runs[0])} is a run, and the other one is none", "name two runs, or two baseline files")
    if runs:
        from auditkit.commands import apart  # noqa: PLC0415 - it loads what talks to databases

        return apart.told(a, b, run)
    try:
        old, new = (store.trusted(path, run.signers, older=True) for path in (a, b))
        with closing(old.baseline), closing(new.baseline):
            report = _difference(old, new.baseline)
    except UntrustedError as error:
        report = running.failed(b, error)
    return answering.answer(run, "diff", [report], ())


def _difference(trusted: store.Trusted, new: baseline.Baseline) -> HostReport:
    old = trusted.baseline
    homes = tuple(dict.fromkeys((*old.header.homes, *new.header.homes)))
    watched = integrity.Watched(policy.expand(new.header.policy, homes))
    told = list(compare.compare(compare.pairs(old.blocks(), new.blocks()), watched.watch))
    gaps = [*old.footer.gaps, *new.footer.gaps, *(one for one in told if isinstance(one, Gap))]
    changes = growth.settle(settle.settle([one for one in told if isinstance(one, Change)], gaps), ())
    found = (
        *compare.findings(changes),
        *mounts.compare(old.header.mounts, new.header.mounts, watched.concerns),
    )
    result = integrity.Compared(changes, found, tuple(dict.fromkeys(gaps)), new.footer.entries)
    facts = trusted.facts()
    notes = [f"{printable(old.path)} is before, {printable(new.path)} is after"]
    if old.header.host != new.header.host:
        notes.append(f"they are of different hosts: {printable(old.header.host)} and {printable(new.header.host)}")
    return integrity.report_of(new.header.host, result, facts, notes)
