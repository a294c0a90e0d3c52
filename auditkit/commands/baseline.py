"""`auditkit baseline HOST...`: scan and store a sealed baseline."""

import os
import shlex
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import click

from auditkit import baseline as files
from auditkit import owners, packaged, policy, scan, store
from auditkit.commands import answering, integrity, making, options, sealing, vouching
from auditkit.commands.making import Made
from auditkit.errors import UsageError
from auditkit.header import Header
from auditkit.hosts import Host, Past, named, now
from auditkit.model import Gap, Policy
from auditkit.printable import counted, printable
from auditkit.writer import Writer, locked


@click.command("baseline")
@options.hosts
@click.option("--policy", "policy_name", metavar="NAME|FILE", help="what to watch: linux, workstation, web, full, or a file")
@click.option("--key", metavar="FILE|agent", help="the SSH key that seals it")
@click.option("-o", "place", metavar="FILE", help="write it there instead of into the store (one host only)")
@click.option("--import", "imported", metavar="FILE", help="take an AIDE, mtree, hashdeep or checksum file instead of a scan")
@click.option("--import-format", metavar="NAME", help="what kind of file that is, where it does not say so itself")
@click.option("--import-root", metavar="DIR", default="/", show_default=True, help="where relative paths in it begin")
@options.fleet_of
@options.case
@options.trust
@options.jobs
@click.option("--fail-on", hidden=True)
@options.quiet
def command(hosts: tuple[str, ...], **given: Any) -> int:
    """Scan HOST and store what is there now, so that `check` can say later what changed.

    The first baseline shows what you have, not that it is good: make it when you believe the machine is.
    """
    run = options.setting(**given)
    words = named(hosts or ("local",), run.config)
    if given["place"] and len(words) > 1:
        raise UsageError("-o takes one host", "leave -o out, and each host gets its own file in the store")
    sealing.key(run, given["key"])  # a mistake of every host is told before any is asked
    return making.made(words, run, lambda host, run: _one(Job(host, run, given)), "NO BASELINE")


@dataclass(frozen=True, slots=True)
class Job:
    """One host whose baseline is to be made, and how."""

    host: Host
    run: options.Setting
    given: dict[str, Any]


def _one(job: Job) -> Made:
    run, name = job.run, job.host.name
    key = sealing.key(run, job.given["key"])
    wanted = policy.load(job.given["policy_name"] or sealing.policy_name(run, name))
    if job.given["place"]:
        return _made(job, wanted, key, (job.given["place"], *sealing.beside(job.given["place"])))
    with locked(files.folder(run.store, name), lambda: _waiting(run)):
        return _made(job, wanted, key, store.place(run.store, name))


def _waiting(run: options.Setting) -> None:
    if not run.quiet:
        answering.talk("auditkit: another run is writing a baseline of this host; waiting for it")


def _made(job: Job, wanted: Policy, key: str | None, place: tuple[str, int, str | None]) -> Made:
    """Write the baseline to its place: path, sequence and the digest of the one before."""
    path, sequence, previous = place
    ground = scan.ground(job.host, wanted)
    _check_same(job, ground)
    owned = packaged.owned(job.host)
    ground = replace(ground, gaps=(*ground.gaps, *owned.gaps))
    imported = job.given["imported"]
    header = Header(
        host=job.host.name,
        made=now(job.host),
        sequence=sequence,
        previous=previous,
        policy=wanted,
        homes=ground.homes,
        mounts=ground.mounts,
        packages=owned.versions,
        tool=options.TOOL,
        reason=f"imported from {imported}" if imported else "",
        machine=ground.machine,
        owners=owners.keep(os.path.dirname(os.path.abspath(path)), owned.manifests, owned.layout),
        listeners=None if imported else sealing.heard(job.host, job.run, wanted),
    )
    packages, distribution = owned.packages, owned.distribution
    del owned  # a database may be large
    with Writer(path, header) as writer, job.run.show("scanning", job.host.name, None) as progress:
        source = scan.Scan(job.host, ground, job.run.jobs, progress, job.run.timeout)
        gaps = sealing.imported(writer, job.given) if imported else _scanned(writer, source)
        writer.close(gaps, sealing.sealer(key, job.run.signing))
    store.remember(path, sequence)
    if job.run.record:
        job.run.record.baseline(path, job.host.name, sequence)
    what = f"{printable(job.host.name)}: baseline {sequence}"
    first = f"{what}, {counted(writer.entries, 'entry')} by policy {printable(wanted.name)}, {sealing.sealed(key)}"
    if not imported:
        vouching.keep(job.run, job.host, packages, distribution)
    return Made((first, *_after(job, path, gaps)), not gaps)


def _check_same(job: Job, ground: scan.Ground) -> None:
    """Refuse evidence of another machine than the store's newest baseline of that name is of."""
    stored = isinstance(job.host, Past) and not job.given["place"]
    if stored and (newest := store.newest(job.run.store, job.host.name)):
        with closing(files.read(newest)) as base:
            integrity.check_same(job.host, ground, base.header)


def _scanned(writer: Writer, source: scan.Scan) -> list[Gap]:
    for block in source:
        writer.add(block)
    return source.gaps


def _after(job: Job, path: str, gaps: list[Gap]) -> Iterator[str]:
    """Where it is, what it lacks, and what to do next."""
    yield f"  {printable(path)}"
    yield from () if job.given["imported"] else (f"  note  {less}" for less in integrity.left_out(job.host))
    yield from sealing.lacks(gaps, "path", "all in the last line of the baseline")
    if not job.run.quiet:
        yield f"Next: keep a copy off this machine; then: auditkit check {shlex.quote(printable(job.host.name))}"
