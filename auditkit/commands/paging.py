"""What one host leaves for the others of its run: the facts of its packaged paths, and by whose word they are that."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from blake3 import blake3

from auditkit import owners, packaged
from auditkit.baseline import Baseline
from auditkit.commands.peering import SUBJECT
from auditkit.errors import HostError
from auditkit.hosts import Host
from auditkit.model import Gap, HostReport, State
from auditkit.packages import Package
from auditkit.peers import CONFIGURATION, DIVERTED, MOVED, OVERRIDDEN
from auditkit.scan import Scan

if TYPE_CHECKING:
    from auditkit.ledger import Page

MOST_GAPS = 10_000
"""Gaps of one host that are remembered; one with more was not seen as a whole."""
PLAIN = frozenset(("dpkg", "apk"))
"""Systems whose lists of paths say all: what the admin may change lies in /etc."""
BY_ITSELF = ("growing", "rotated")
"""Explanations of changes that no package has anything to do with."""
CUT = "it has more paths than are held: what was beyond them was held against no other host's"


def written(report: HostReport, host: Host, page: "Page", scan: Scan, base: Baseline | None) -> HostReport:
    """The report of a host, once its page is written; with what could not be had for it.

    Of a host on which nothing changed since its baseline, that says whose its paths are: it is sealed, and need not travel.
    """
    known = base if base and _is_unchanged(report) else None
    try:
        stock = packaged.stock(host, packaged.MEANING if known else packaged.CLAIMING)
        held = _of_baseline(page, known, stock) if known else 0
        if held and known:
            stock = replace(stock, packages=frozenset(key.partition(":")[0] for key in known.header.packages or ()))
        elif known:
            stock = packaged.stock(host)
    except HostError as error:
        gap = Gap(SUBJECT, f"not held against them: {error}")
        return replace(report, gaps=(*report.gaps, gap), state=report.state if report.state is State.LIED else error.state)
    held = held or _of_host(page, stock)
    page.mean(_meant(stock))
    gaps = sorted({gap.subject for gap in scan.gaps})
    page.finish(
        {
            "machines": [*filter(None, (scan.ground.machine,)), *_address(host)],
            "policy": blake3(repr(scan.ground.policy.watches).encode("utf-8", "surrogateescape")).hexdigest(),
            "whole": not page.cut and len(gaps) <= MOST_GAPS,
            "gaps": gaps[:MOST_GAPS],
            "packages": held,
        }
    )
    return replace(report, notes=(*report.notes, CUT)) if page.cut else report


def _address(host: Host) -> Iterator[str]:
    """Yield where a host was reached: what is found there twice, whatever it says of itself, is one machine."""
    if host.facts.get("address") and not host.facts.get("jump"):
        yield f"{host.facts['address']} {host.facts.get('port')}"


def _is_unchanged(report: HostReport) -> bool:
    return all(change.explanation and change.explanation.by in BY_ITSELF for change in report.changes)


def _of_baseline(page: "Page", base: Baseline, stock: packaged.Stock) -> int:
    """Keep whose paths they were when the baseline was made, and give how many packages there were then.

    Many hosts have the same packages: their list is read once, and known by the digest that every one of them has sealed.
    """
    if not base.header.owners or base.header.packages is None:
        return 0
    name = blake3(json.dumps([base.header.owners, dict(base.header.packages), stock.distribution]).encode("ascii")).digest()
    with page.reading:
        if held := page.hold_named(name):
            return held
        told = list(owners.packages(os.path.dirname(base.path), base.header.owners))
        there = [one for one in told if one[0].version in base.header.packages.get(one[0].key, "").split(" ")]
        if not {package.system for package, _places in there} <= PLAIN:
            return 0
        for package, places in there:
            page.hold(_key(package, stock), places)
        page.name(name)
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
