"""`auditkit collect HOST... -o FILE`: take evidence of a host and judge nothing."""

import os
import shlex
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import click

from auditkit import audits, compare, growth, policy, scan, settle, store
from auditkit import baseline as files
from auditkit import collect as taking
from auditkit.baseline import Baseline
from auditkit.commands import integrity, options, running, sealing
from auditkit.commands.progress import Shown
from auditkit.errors import FormatError, HostError, UntrustedError, UsageError
from auditkit.evidence import SUFFIX, Header
from auditkit.hosts import Host, kind_of, named, open_host
from auditkit.model import Change, Gap, Policy
from auditkit.printable import printable
from auditkit.recording import Recording, Writer


@click.command("collect")
@options.hosts
@click.option("-o", "place", metavar="FILE|DIR/", required=True, help="where it goes; in a directory each host has its file")
@click.option(
    "--policy", "policy_name", metavar="NAME|FILE", help="what to scan (default: as the newest baseline, or the host's)"
)
@click.option("--no-files", is_flag=True, help="no scan: what the audits need and nothing else")
@click.option("--key", metavar="FILE|agent", help="the SSH key that seals it")
@options.trust
@options.jobs
@click.option("--fail-on", hidden=True)
@click.option("-q", "--quiet", is_flag=True, help="no progress and no hints on stderr")
def command(hosts: tuple[str, ...], **given: Any) -> int:
    """Take evidence of HOST: all that check, audit and scan look at. Nothing is judged.

    `evidence:FILE` then stands for the host wherever a HOST may stand, on any machine.
    """
    run = options.setting(**given)
    words = named(hosts or ("local",), run.config)
    if len(words) > 1 and not _is_folder(given["place"]):
        raise UsageError("-o names one file for several hosts", "name a directory: -o DIR/")
    return max((_tried(word, run, given) for word in words), key=running.WORST.index)


def _is_folder(place: str) -> bool:
    return place.endswith("/") or os.path.isdir(place)


def _tried(word: str, run: options.Setting, given: dict[str, Any]) -> int:
    """Take the evidence of one host; one that cannot be reached is told and keeps no other from being asked."""
    try:
        with closing(open_host(word, run.reach)) as host:
            return _one(host, word, run, given)
    except HostError as error:
        click.echo(f"{printable(word)}: NOTHING TAKEN: {error}")
        if error.hint:
            click.echo(f"  hint: {error.hint}")
        return error.exit_code


@dataclass(frozen=True, slots=True)
class Job:
    """One host whose evidence is to be taken, and how."""

    host: Host
    kind: str
    """How it is reached."""
    run: options.Setting
    given: dict[str, Any]
    known: Baseline | None
    """Its newest baseline, which says what to scan and how long its logs were."""
    wanted: Policy | None
    """What to scan; None for nothing."""

    def path(self) -> str:
        """The file that the evidence goes to."""
        place = str(self.given["place"])
        if not _is_folder(place):
            return place
        os.makedirs(place, mode=0o700, exist_ok=True)
        name = os.path.basename(files.folder("", self.host.name))
        return os.path.join(place, f"{name}.{self.run.started:%Y%m%dT%H%M%SZ}{SUFFIX}")

    def header(self) -> Header:
        """The first line of the file."""
        name, text = (self.wanted.name, self.wanted.text) if self.wanted else ("", "")
        return Header(self.host.name, self.kind, datetime.now(UTC), options.TOOL, name, text, self.host.facts)


def _one(host: Host, word: str, run: options.Setting, given: dict[str, Any]) -> int:
    key = sealing.key(run, given["key"], "evidence")
    known = None if given["no_files"] else _known(host, run)
    with closing(known) if known else nullcontext():
        wanted = None if given["no_files"] else _wanted(host, known, run, given)
        job = Job(host, kind_of(word, run.config), run, given, known, wanted)
        path = job.path()
        with Writer(path, job.header()) as writer, run.show("asking", host.name, None) as progress:
            recording = Recording(host, writer)
            gaps, entries = _asked(recording, job, progress)
            writer.close(sealing.sealer(key, run.signing))
    seen = f"{entries} entries by policy {printable(wanted.name)}" if wanted else "no scan"
    sealed = f"sealed with {printable(key)}" if key else "UNSIGNED: anybody who can write it can change it"
    click.echo(f"{printable(host.name)}: evidence of {recording.items} files, {seen}, {sealed}")
    for line in _after(path, gaps, quiet=run.quiet):
        click.echo(line)
    return 3 if gaps else 0


def _known(host: Host, run: options.Setting) -> Baseline | None:
    """The newest baseline of a host; one that cannot be believed is no reason to take no evidence."""
    try:
        path = store.newest(run.store, host.name)
        return store.trusted(path, run.signers).baseline if path else None
    except (UntrustedError, FormatError) as error:
        if not run.quiet:
            options.talk(f"auditkit: the baseline of {printable(host.name)} is left aside: {error}")
        return None


def _wanted(host: Host, known: Baseline | None, run: options.Setting, given: dict[str, Any]) -> Policy:
    """What to scan: what was asked for, else what a check would scan."""
    if known and not given["policy_name"]:
        return known.header.policy
    return policy.load(given["policy_name"] or sealing.policy_name(run, host.name))


def _asked(recording: Recording, job: Job, progress: Shown) -> tuple[list[Gap], int]:
    """Ask a host all that the judges would; gives what could not be seen, and how many entries were."""
    needs = tuple(taking.merged((*scan.NEEDS, *audits.needs())))
    gaps = list(taking.collect(recording, needs, lambda: datetime.now(UTC)).gaps)
    recording.mounts()
    if job.wanted is None:
        return gaps, 0
    homes, blocks = (job.known.header.homes, job.known.blocks) if job.known else ((), None)
    stands = scan.ground(recording, job.wanted, homes)
    source = scan.Scan(recording, stands, job.run.jobs, progress, job.run.timeout, known=blocks)
    if job.known is None:
        for _block in source:
            pass
    else:
        _with_logs(recording, source, job.known)
    return list(dict.fromkeys((*gaps, *source.gaps, *recording.lost))), source.entries


def _with_logs(recording: Recording, source: scan.Scan, known: Baseline) -> None:
    """Scan, and ask of the logs what a check against this baseline would ask: how they begin that are not as they were."""
    homes = tuple(dict.fromkeys((*known.header.homes, *source.ground.homes)))
    watched = integrity.Watched(policy.expand(known.header.policy, homes))
    told = list(compare.compare(compare.pairs(known.blocks(), source), watched.watch))
    gaps = (*source.gaps, *(gap for gap in told if isinstance(gap, Gap)))
    changes = settle.settle([change for change in told if isinstance(change, Change)], gaps, known.footer.gaps)
    for _beginning in recording.beginnings(growth.asked(changes)):
        pass


def _after(path: str, gaps: Sequence[Gap], *, quiet: bool) -> Iterator[str]:
    """Where it is, what it lacks, and what to do next."""
    yield f"  {printable(path)}"
    yield from sealing.lacks(gaps, "thing", "all in the file")
    if not quiet:
        yield f"Next: auditkit scan {shlex.quote(printable(f'evidence:{path}'))}"
