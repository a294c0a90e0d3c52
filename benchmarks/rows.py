"""The rows of the table: which peer is measured how, and what the design wants to be reached."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import corpora
import getting
import peers
from measure import Pair, Run, Task, pair, run
from peers import Peer

HELP_RUNS = 20


@dataclass(frozen=True, slots=True)
class Row:
    """A pair that was measured, and the least ratio that the design wants (none if zero)."""

    what: str
    peer: str
    measured: Pair
    reach: float = 0.0


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory one command needs for a small and for a large number of entries."""

    what: str
    counts: tuple[int, int]
    small: Run
    large: Run

    @property
    def growth(self) -> float:
        """How many times as much the larger tree needs, in the sum of PSS."""
        return self.large.pss_mib / self.small.pss_mib if self.small.pss_mib else float("inf")


def many(command: tuple[str, ...], work: Path, runs: int, own_aide: str, only: str) -> Iterator[Row]:
    """Many small files, against every peer at hand whose name contains a word."""
    corpus = corpora.many(work)
    scratch = fresh(work, "scratch-many")
    ours = peers.auditkit(command, corpus, scratch)
    for peer in at_hand(corpus, scratch, work, own_aide):
        if only.lower() in peer.name.lower():
            yield from compared("many small files", ours, peer, runs)


def large(command: tuple[str, ...], work: Path, runs: int, mib: int) -> Iterator[Row]:
    """Four large files, against b3sum with as many threads."""
    corpus = corpora.large(work, mib)
    scratch = fresh(work, "scratch-large")
    if present("b3sum"):
        ours = peers.auditkit(command, corpus, scratch)
        yield from compared(f"4 files of {mib} MiB", ours, peers.b3sum_large(corpus, scratch), runs)


def memory(command: tuple[str, ...], work: Path, counts: tuple[int, int], own_aide: str) -> Iterator[Memory]:
    """What auditkit and the newest AIDE at hand need for few and for many entries."""
    ours, theirs = [], []
    for count in counts:
        corpus = corpora.tiny(work, count)
        scratch = fresh(work, f"scratch-{count}")
        ours.append(peers.auditkit(command, corpus, scratch))
        theirs += [peers.aide(*found, corpus, scratch, full=False) for found in getting.aides(work, own_aide)[-1:]]
    for small, big in (tools for tools in (ours, theirs) if tools):
        for before, after in ((small.baseline, big.baseline), (small.check, big.check)):
            yield Memory(before.label, counts, run(before, sample=True), run(after, sample=True))


def start(command: tuple[str, ...], work: Path, runs: int) -> Iterator[Row]:
    """How long `auditkit --help` takes, against an interpreter that does nothing."""
    scratch = fresh(work, "scratch-help")
    ours = Task("auditkit --help", (*command, "--help"), scratch / "help.out")
    theirs = Task("python3 -c pass", (sys.executable, "-c", "pass"), scratch / "pass.out")
    yield Row("auditkit --help", "python3 -c pass", pair(ours, theirs, max(runs, HELP_RUNS)), reach=0.25)


def compared(what: str, ours: Peer, peer: Peer, runs: int) -> Iterator[Row]:
    """The row of the baselines and the row of the checks, which need the baselines just made."""
    yield Row(f"baseline of {what}", peer.name, pair(ours.baseline, peer.baseline, runs), peer.reach_baseline)
    yield Row(f"check of {what}", peer.name, pair(ours.check, peer.check, runs), peer.reach_check)


def at_hand(corpus: Path, scratch: Path, work: Path, own_aide: str) -> Iterator[Peer]:
    """The peers this machine has."""
    if present("b3sum"):
        yield peers.b3sum(corpus, scratch)
    for full in (False, True):
        for version, command in getting.aides(work, own_aide):
            yield peers.aide(version, command, corpus, scratch, full=full)
    for name, peer in (("hashdeep", peers.hashdeep), ("mtree", peers.mtree), ("tripwire", peers.tripwire)):
        if present(name):
            yield peer(corpus, scratch)


def present(name: str) -> bool:
    """Whether a tool is installed; says so if not."""
    found = shutil.which(name) is not None
    if not found:
        print(f"skipped: {name} is not installed (see `benchmarks/integrity setup`)")
    return found


def fresh(work: Path, name: str) -> Path:
    """An empty folder."""
    folder = work / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
