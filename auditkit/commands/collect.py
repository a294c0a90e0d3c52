"""`auditkit collect HOST... -o FILE`: take evidence of a host and judge nothing."""

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from typing import Any

import click

from auditkit import audits, packaged, policy, scan, store
from auditkit import baseline as files
from auditkit import collect as taking
from auditkit.baseline import Baseline
from auditkit.commands import answering, auditing, checking, integrity, making, options, sealing
from auditkit.commands.making import Made
from auditkit.commands.progress import Shown
from auditkit.errors import FormatError, UntrustedError, UsageError
from auditkit.evidence import SUFFIX, Header
from auditkit.hosts import Host, Near, Past, kind_of, named, now
from auditkit.logins import places
from auditkit.model import Evidence, Gap, Item, Means, Need, Policy
from auditkit.printable import counted, printable
from auditkit.recording import Recording, Writer


@click.command("collect")
@options.hosts
@click.option("-o", "place", metavar="FILE|DIR/", help="where it goes; in a directory each host has its file")
@click.option(
    "--policy", "policy_name", metavar="NAME|FILE", help="what to scan (default: as the newest baseline, or the host's)"
)
@click.option("--no-files", is_flag=True, help="no scan: what the audits need and nothing else")
@click.option("--key", metavar="FILE|agent", help="the SSH key that seals it")
@options.reread
@options.fleet_of
@options.case
@options.trust
@options.jobs
@click.option("--fail-on", hidden=True)
@options.quiet
def command(hosts: tuple[str, ...], **given: Any) -> int:
    """Take evidence of HOST: all that check, audit, logins and scan look at. Nothing is judged.

    `evidence:FILE` then stands for the host wherever a HOST may stand, on any machine. Of several hosts each has its own
    file in a directory; a file is there whole, or not at all.
    """
    run = options.setting(**given)
    words = named(hosts or ("local",), run.config)
    place = _place(_named(given["place"], run), run.started, several=len(words) > 1)
    key = sealing.key(run, given["key"], "evidence")  # a mistake of every host is told before any is asked
    wanted = policy.load(given["policy_name"]) if given["policy_name"] else None

    def work(host: Host, run: options.Setting) -> Made:
        bare = given["no_files"] or auditing.is_device(host)
        known = None if bare else _known(host, run)
        with closing(known) if known else nullcontext():
            scanned = None if bare else wanted or _wanted(host, known, run)
            return _one(Job(host, run, place(host), key, known, scanned, given["reread"]))

    return making.made(words, run, work, "NOTHING TAKEN")


def _named(place: str | None, run: options.Setting) -> str:
    """Where evidence goes: as -o says; what is taken for a case only, to the case.

    Raises:
        UsageError: nobody says.
    """
    if place:
        return place
    if not run.record:
        raise UsageError(
            "it is not said where the evidence goes", "name a file, or a directory: -o DIR/; or a case: --case CASE"
        )
    return run.record.taking()


def _place(place: str, started: datetime, *, several: bool) -> Callable[[Host], str]:
    """Where the evidence of each host goes; a directory is made if there is none yet.

    Raises:
        UsageError: the place cannot be right.
    """
    if not place.endswith("/") and not os.path.isdir(place):
        if several:
            raise UsageError("-o names one file for several hosts", "name a directory: -o DIR/")
        return lambda _host: place
    try:
        os.makedirs(place, mode=0o700, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{printable(place)} cannot be made: {error.strerror}", "name another directory with -o") from error
    return lambda host: os.path.join(place, f"{os.path.basename(files.folder('', host.name))}.{started:%Y%m%dT%H%M%SZ}{SUFFIX}")


@dataclass(frozen=True, slots=True)
class Job:
    """One host whose evidence is to be taken, and how."""

    host: Host
    run: options.Setting
    path: str
    """The file that the evidence goes to."""
    key: str | None
    known: Baseline | None
    """Its newest baseline, which says what to scan and how long its logs were."""
    wanted: Policy | None
    """What to scan; None for nothing."""
    reread: int | None
    """Bytes of content to fetch."""

    def header(self) -> Header:
        """The first line of the file."""
        host, config = self.host, self.run.config
        kind = host.kind if isinstance(host, Past) else kind_of(host.name, config)
        name, text = (self.wanted.name, self.wanted.text) if self.wanted else ("", "")
        return Header(host.name, kind, now(host), options.TOOL, name, text, host.facts)


def _one(job: Job) -> Made:
    name, wanted = job.host.name, job.wanted
    with Writer(job.path, job.header()) as writer, job.run.show("asking", name, None) as progress:
        recording = Recording(job.host, writer)
        gaps, entries = _asked(recording, job, progress)
        writer.close(sealing.sealer(job.key, job.run.signing))
    if job.run.record:
        job = replace(job, path=job.run.record.evidence(job.path, job.header()))
    seen = f"{counted(entries, 'entry')} by policy {printable(wanted.name)}" if wanted else "no scan"
    first = f"{printable(name)}: evidence of {counted(recording.items, 'file')}, {seen}, {sealing.sealed(job.key)}"
    return Made((first, *_after(job, gaps)), not gaps)


def _known(host: Host, run: options.Setting) -> Baseline | None:
    """The newest baseline of a host; one that cannot be believed is no reason to take no evidence."""
    try:
        path = store.newest(run.store, host.name)
        return store.trusted(path, run.signers, of=host.name).baseline if path else None
    except (UntrustedError, FormatError) as error:
        if not run.quiet:
            answering.talk(f"auditkit: the baseline of {printable(host.name)} is left aside: {error}")
        return None


def _wanted(host: Host, known: Baseline | None, run: options.Setting) -> Policy:
    """What a check would scan."""
    return known.header.policy if known else policy.load(sealing.policy_name(run, host.name))


def _asked(recording: Recording, job: Job, progress: Shown) -> tuple[list[Gap], int]:
    """Ask a host all that the judges would; gives what could not be seen, and how many entries were."""
    explaining = (*packaged.NEEDS, *packaged.CLAIMING) if job.wanted else ()
    needs = auditing.asked_of(job.host, (*scan.NEEDS, *audits.needs(), *explaining))
    gaps = [*_passing(recording, job), *_taken(recording, job, needs), *_logs(recording, job)]
    recording.mounts()
    if job.wanted is None:
        return gaps, 0
    homes, blocks = (job.known.header.homes, job.known.blocks) if job.known else ((), None)
    stands = scan.ground(recording, job.wanted, homes)
    source = scan.Scan(recording, stands, job.run.jobs, progress, job.run.timeout, known=blocks)
    if job.known is None:
        for _block in source.as_far_as_it_goes():
            pass
    else:
        # a check against this baseline asks more, of logs and of what it doubts: that goes into the file too
        integrity.with_baseline(job.known, source, checking.turn_of(job.known, {"reread": job.reread}), packaged.nobody)
    return list(dict.fromkeys((*gaps, *source.gaps))), source.entries


def _passing(recording: Recording, job: Job) -> list[Gap]:
    """Take first what is gone first and what no audit asks for: connections, neighbours, routes, and who is logged in."""
    if auditing.is_device(job.host) or not _runs(job.host):
        return []
    logs = tuple(need for need in _of_logs(job) if taking.is_volatile(need))
    asked = tuple(need for need in (*taking.FLEETING, *logs) if taking.gives(recording, need))
    return [told for told in taking.bounded(recording.take(asked)) if isinstance(told, Gap)]


def _taken(recording: Recording, job: Job, needs: Sequence[Need]) -> list[Gap]:
    """Take what is needed, and what the audits want besides; it goes into the file as it passes by, and little is held."""
    first = replace(_answers(recording, _in_order(job.host, needs), audits.needs()), office=job.run.office)
    told = auditing.followed(first, lambda more: _answers(recording, _in_order(job.host, more), more), audits.AUDITS)
    return list(told.gaps)


def _in_order(host: Host, needs: Sequence[Need]) -> tuple[tuple[Need, ...], ...]:
    """What to ask, and what of it first."""
    merged = tuple(taking.merged(needs))
    return tuple(taking.by_volatility(merged)) if _runs(host) else (merged,)


def _logs(recording: Recording, job: Job) -> list[Gap]:
    """Take the logs of logins, which go into the file as they pass by: first those that have their own, then others."""
    if auditing.is_device(job.host):
        return []
    gaps: list[Gap] = []
    own: set[str] = set()
    needs = _of_logs(job)
    for _round in range(2):
        asked = tuple(need for need in needs if taking.gives(recording, need))
        for told in taking.bounded(recording.take(asked)):
            if isinstance(told, Gap):
                gaps.append(told)
            elif told.need.means is Means.LOG and not told.data.startswith(b"0 "):
                own.add(told.source)
        needs = places.besides(own)
    return gaps


def _of_logs(job: Job) -> tuple[Need, ...]:
    """What is asked of the logs of logins."""
    if isinstance(job.host, Past):
        return tuple(places.of_evidence(job.host.asked))
    return tuple(places.to_keep(runs=_runs(job.host)))


def _runs(host: Host) -> bool:
    """Whether it is a machine that runs: no disk that is mounted, and no evidence."""
    return not isinstance(host, Past) and (not isinstance(host, Near) or host.root == "/")


def _answers(recording: Recording, asked: Iterable[tuple[Need, ...]], wanted: Sequence[Need]) -> Evidence:
    """What a host answers to one question after the other, as evidence for those of the needs that are wanted."""
    passing, names = taking.bounded(chain.from_iterable(map(recording.take, asked))), taking.named(wanted)
    told = [one for one in passing if isinstance(one, Gap) or (one.need.means, one.need.what) in names]
    held = (replace(one, need=need) for one in told if isinstance(one, Item) for need in names[one.need.means, one.need.what])
    gaps = tuple(dict.fromkeys(one for one in told if isinstance(one, Gap)))
    unasked = tuple(need for need in wanted if not taking.gives(recording, need))
    return Evidence(recording.name, recording.taken, tuple(held), gaps, unasked=unasked)


def _after(job: Job, gaps: Sequence[Gap]) -> Iterator[str]:
    """Where it is, what it lacks, and what to do next."""
    yield f"  {printable(job.path)}"
    yield from (f"  note  {less}" for less in integrity.left_out(job.host)) if job.wanted else ()
    yield from sealing.lacks(gaps, "thing", "all in the file")
    if not job.run.quiet:
        yield f"Next: auditkit scan {shlex.quote(printable(f'evidence:{job.path}'))}"
