"""The hosts of one run held against each other: each leaves a page while it is asked, and all are judged once all are in."""

import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from auditkit.baseline import Baseline
from auditkit.commands import options, running
from auditkit.commands.running import Document
from auditkit.hosts import Host
from auditkit.model import Gap, HostReport, State
from auditkit.report.document import with_more
from auditkit.scan import Scan

if TYPE_CHECKING:
    from auditkit.peers import Told

NAME = "ledger"
"""The file of a run in which hosts leave what they show."""
SUBJECT = "other hosts"
DISBELIEVED = (State.LIED, State.UNTRUSTED)
NO_PACKAGES = "its packages are not known: its files were held against no other host's"
BOTH = "let the policy ask for both: digests: [blake3, sha256]"
LOST = "what it showed is not at hand any more: its files were held against no other host's"


@contextmanager
def among(plan: running.Plan, run: options.Setting) -> Iterator[options.Setting]:
    """The setting in which the hosts of a plan leave pages; one host alone is held against nobody, and leaves none."""
    if not plan.several:
        yield run
        return
    from auditkit.ledger import Ledger  # noqa: PLC0415 - one host alone needs no SQLite

    with TemporaryDirectory(prefix="auditkit-") as beside:  # for a store that cannot be written
        ledger = Ledger(os.path.join(plan.kept.directory if plan.kept else beside, NAME))
        try:
            yield replace(run, ledger=ledger)
        finally:
            ledger.close()


def kept(run: options.Setting) -> Callable[[Sequence[bytes]], None] | None:
    """What is told the blocks of a scan, where its host leaves a page."""
    return run.page.add if run.page else None


def left(report: HostReport, host: Host, run: options.Setting, scan: Scan, base: Baseline | None = None) -> HostReport:
    """The report of a host that was just scanned, once its page is written; with what could not be had for it."""
    if run.page is None or scan.ended is not State.OK:
        return report
    from auditkit.commands import paging  # noqa: PLC0415 - one host alone leaves no page

    return paging.written(report, host, run.page, scan, base)


def judged(told: Mapping[str, Document], run: options.Setting) -> dict[str, Document]:
    """What is said of each host, with what the others say against it."""
    if run.ledger is None:
        return dict(told)
    doubted = {word for word, host in told.items() if host["state"] in DISBELIEVED}
    against = run.ledger.judged(tuple(told), doubted)
    if all(map(running.is_done, told.values())):
        run.ledger.remove()
    if run.ledger.broken:
        gap = Gap(SUBJECT, f"not held against them: what hosts showed could not be kept: {run.ledger.broken}")
        more = HostReport("", gaps=(gap,))
        return {word: with_more(host, more) if running.is_done(host) else host for word, host in told.items()}
    if not any(one.held for one in against.values()):
        return dict(told)
    return {word: _said(host, against.get(word), len(against)) for word, host in told.items()}


def _said(host: Document, told: "Told | None", hosts: int) -> Document:
    if told is None:
        return with_more(host, HostReport("", notes=(LOST,))) if running.is_done(host) else host
    return _with(host, told, hosts)


def _with(host: Document, told: "Told", hosts: int) -> Document:
    counts = {
        "packages_compared": told.packages,
        "packages_not_compared": told.held - told.packages,
        "paths_compared": told.compared,
        "paths_not_compared": told.paths - told.compared,
    }
    facts = {"peers": {"hosts": hosts - 1, "unlike": told.unlike}}
    return with_more(host, HostReport("", counts=counts, findings=tuple(told.findings), notes=tuple(_notes(told)), facts=facts))


def _notes(told: "Told") -> Iterator[str]:
    if not told.held:
        yield NO_PACKAGES
    if told.unread:
        files = f"the content of {told.unread:,} packaged files" if told.unread > 1 else "the content of a packaged file"
        yield f"{files} was held against no other host's: there is no digest that both have; {BOTH}"


def following(told: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Yield the command that asks the vendors of what hosts do not agree on."""
    words = [
        word for word, host in told.items() if host["facts"].get("peers", {}).get("unlike") and not word.startswith("evidence:")
    ]
    if words:
        yield f"auditkit check {shlex.join(words)} --against vendor"
