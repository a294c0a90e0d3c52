"""The hosts of one run held against each other: each leaves a page while it is asked, and all are judged once all are in."""

import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from blake3 import blake3

from auditkit import owners, packaged
from auditkit.baseline import Baseline
from auditkit.commands import options, running
from auditkit.commands.running import Document
from auditkit.errors import HostError
from auditkit.hosts import Host
from auditkit.model import Gap, HostReport, State
from auditkit.packages import Package
from auditkit.peers import CONFIGURATION, DIVERTED, MOVED, OVERRIDDEN, Told
from auditkit.report.document import with_more
from auditkit.scan import Scan

if TYPE_CHECKING:
    from auditkit.ledger import Page

NAME = "ledger"
"""The file of a run in which hosts leave what they show."""
SUBJECT = "other hosts"
MOST_GAPS = 10_000
"""Gaps of one host that are remembered; one with more was not seen as a whole."""
DISBELIEVED = (State.LIED, State.UNTRUSTED)
PLAIN = frozenset(("dpkg", "apk"))
"""Systems whose lists of paths say all: what the admin may change lies in /etc."""
BY_ITSELF = ("growing", "rotated")
"""Explanations of changes that no package has anything to do with."""
NO_PACKAGES = "its packages are not known: its files were held against no other host's"
BOTH = "let the policy ask for both: digests: [blake3, sha256]"
LOST = "what it showed is not at hand any more: its files were held against no other host's"
CUT = "it has more paths than are held: what was beyond them was held against no other host's"


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
    """The report of a host that was just scanned, once its page is written; with what could not be had for it.

    Of a host on which nothing changed since its baseline, that says whose its paths are: it is sealed, and need not travel.
    """
    if run.page is None or scan.ended is not State.OK:
        return report
    known = base if base and _is_unchanged(report) else None
    try:
        stock = packaged.stock(host, packaged.MEANING if known else packaged.CLAIMING)
        held = _of_baseline(run.page, known, stock) if known else 0
        if not held and known:
            stock = packaged.stock(host)
    except HostError as error:
        gap = Gap(SUBJECT, f"not held against them: {error}")
        return replace(report, gaps=(*report.gaps, gap), state=report.state if report.state is State.LIED else error.state)
    held = held or _of_host(run.page, stock)
    run.page.mean(_meant(stock))
    gaps = sorted({gap.subject for gap in scan.gaps})
    run.page.finish(
        {
            "machines": [*filter(None, (scan.ground.machine,)), *_address(host)],
            "policy": blake3(repr(scan.ground.policy.watches).encode("utf-8", "surrogateescape")).hexdigest(),
            "whole": not run.page.cut and len(gaps) <= MOST_GAPS,
            "gaps": gaps[:MOST_GAPS],
            "packages": held,
        }
    )
    return replace(report, notes=(*report.notes, CUT)) if run.page.cut else report


def _address(host: Host) -> Iterator[str]:
    """Yield where a host was reached: what is found there twice, whatever it says of itself, is one machine."""
    if host.facts.get("address") and not host.facts.get("jump"):
        yield f"{host.facts['address']} {host.facts.get('port')}"


def _is_unchanged(report: HostReport) -> bool:
    return all(change.explanation and change.explanation.by in BY_ITSELF for change in report.changes)


def _of_baseline(page: "Page", base: Baseline, stock: packaged.Stock) -> int:
    """Keep whose paths they were when the baseline was made, and give how many packages there were then."""
    if not base.header.owners or base.header.packages is None:
        return 0
    with page.reading:
        told = list(owners.packages(os.path.dirname(base.path), base.header.owners))
        there = [one for one in told if one[0].version in base.header.packages.get(one[0].key, "").split(" ")]
        if not {package.system for package, _places in there} <= PLAIN:
            return 0
        for package, places in there:
            page.hold(_key(package, stock), places)
    return len(there)


def _of_host(page: "Page", stock: packaged.Stock) -> int:
    """Keep whose paths they are by the host's own word, and give how many packages it has."""
    held = 0
    with page.reading:
        for manifest in stock.manifests:
            name = manifest.package.name
            page.hold(_key(manifest.package, stock), [stock.layout.place(file.path, name) for file in manifest.files])
            page.mean((file.path, CONFIGURATION, name) for file in manifest.files if file.config or file.optional)
            held += 1
    return held


def _key(package: Package, stock: packaged.Stock) -> Sequence[str]:
    return package.system, stock.distribution, package.name, package.version, package.arch


def _meant(stock: packaged.Stock) -> Iterator[tuple[str, str, str]]:
    """Yield what the admin or packages of a host have told dpkg to do otherwise."""
    for one in stock.diversions:
        path = stock.layout.real(one.path)
        yield path, DIVERTED, one.by if not one.by or one.by in stock.packages else f"{one.by}, which is not installed"
        yield stock.layout.real(one.moved), MOVED, path
    for override in stock.overrides:
        words = f"{override.owner}:{override.group} {override.mode:04o}"
        yield stock.layout.real(override.path), OVERRIDDEN, words


# --- once all are in


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


def _said(host: Document, told: Told | None, hosts: int) -> Document:
    if told is None:
        return with_more(host, HostReport("", notes=(LOST,))) if running.is_done(host) else host
    return _with(host, told, hosts)


def _with(host: Document, told: Told, hosts: int) -> Document:
    counts = {
        "packages_compared": told.packages,
        "packages_not_compared": told.held - told.packages,
        "paths_compared": told.compared,
        "paths_not_compared": told.paths - told.compared,
    }
    facts = {"peers": {"hosts": hosts - 1, "unlike": told.unlike}}
    return with_more(host, HostReport("", counts=counts, findings=tuple(told.findings), notes=tuple(_notes(told)), facts=facts))


def _notes(told: Told) -> Iterator[str]:
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
