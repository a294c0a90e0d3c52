"""The rows of audits: this machine judged by auditkit, and by the tools people use for the same."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import systems
from measure import Task, pair
from vendor_rows import Cost

SECONDS = 3.0
"""What the design allows for all audits of one machine."""
PATIENCE = 900
"""Seconds after which a peer counts as hanging: lynis goes through /tmp, however much lies there."""
PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
PACKAGES = "packages"
"""The audit that tells what the peers of packages tell."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A tool, what it is held against, and how it shows that it did its work."""

    program: str
    argv: tuple[str, ...]
    against: tuple[str, ...]
    """Names of our audits; none means all."""
    least: int
    """Bytes that it writes at the least."""
    package: str


@dataclass(frozen=True, slots=True)
class Machine:
    """What is judged: how it is called, what runs auditkit there, and what runs a command there."""

    name: str
    auditkit: tuple[str, ...]
    within: tuple[str, ...] = ()


PEERS = (
    Peer("lynis", ("lynis", "audit", "system", "--quick", "--no-colors"), (), 5000, "lynis"),
    Peer("debsecan", ("debsecan", "--suite", "SUITE"), (PACKAGES,), 1, "debsecan"),
    Peer("apt", ("apt", "list", "--upgradable"), (PACKAGES,), 1, "apt"),
)


def server(work: Path) -> Machine:
    """A server of some six hundred packages that is asked by itself: what the design limits."""
    root = systems.with_more(systems.server(work), *(peer.package for peer in PEERS if peer.package != "apt"))
    here = Path(__file__).resolve().parent.parent
    places = dict.fromkeys((Path(sys.base_prefix), Path(sys.prefix), here))
    shown = [path for path in places if not any(path != above and path.is_relative_to(above) for above in places)]
    within = (*systems.inside(root, shown), "env", f"PYTHONPATH={here}", "HOME=/root", "LC_ALL=C.UTF-8", PATH)
    name = f"a server of {systems.packages(root)} packages"
    return Machine(name, (*within, sys.executable, "-m", "auditkit"), within)


def rows(machine: Machine, work: Path, runs: int, only: str) -> Iterator[Cost]:
    """A machine, against every peer at hand whose name contains a word, and the start of auditkit alone."""
    scratch = work / "scratch-audits"
    scratch.mkdir(parents=True, exist_ok=True)
    command = machine.auditkit
    known = audits(command)
    started = pair(ours(command, scratch, known), bare(command, scratch), runs)
    yield Cost(f"all audits of {machine.name}", "auditkit --version", started, seconds=SECONDS)
    for peer in PEERS:
        if only.lower() not in peer.program:
            continue
        if reason := lacking(peer, known, machine.within):
            print(f"skipped: {peer.program}: {reason}", flush=True)
            continue
        mine = ours(command, scratch, peer.against or known)
        what = f"{', '.join(peer.against)} of {machine.name}" if peer.against else f"all audits of {machine.name}"
        yield Cost(what, " ".join(words(peer)), pair(mine, theirs(peer, machine.within, scratch), runs))


def audits(command: tuple[str, ...]) -> tuple[str, ...]:
    """The audits that this auditkit knows."""
    told = subprocess.run([*command, "audit", "--list", "--format", "json"], check=True, capture_output=True, text=True)
    return tuple(dict.fromkeys(rule["audit"] for rule in json.loads(told.stdout)["rules"]))


def lacking(peer: Peer, known: tuple[str, ...], within: tuple[str, ...]) -> str:
    """Why a peer is not measured; nothing if it is."""
    if os.geteuid() != 0:
        return "both sides read all only as root"
    if not within and not shutil.which(peer.program):
        return f"it is not installed (apt-get install {peer.package})"
    if missing := set(peer.against) - set(known):
        return f"this auditkit has no audit {', '.join(missing)}"
    return ""


def words(peer: Peer) -> tuple[str, ...]:
    """Its command, for the release of this machine."""
    suite = next((line.partition("=")[2] for line in release() if line.startswith("VERSION_CODENAME=")), "sid")
    return tuple(suite if word == "SUITE" else word for word in peer.argv)


def release() -> list[str]:
    """The lines of os-release(5)."""
    return Path("/etc/os-release").read_text().splitlines()


def ours(command: tuple[str, ...], scratch: Path, wanted: tuple[str, ...]) -> Task:
    """These audits, as JSON; every one of them must have been judged."""
    output = scratch / "auditkit.json"
    only = tuple(word for name in wanted for word in ("--only", name))
    argv = tolerant(*command, "audit", "local", *only, "--format", "json", "--fail-on", "none", "-q")
    return Task("auditkit audit", argv, output, done=judged(output, len(wanted)))


def judged(output: Path, number: int) -> Callable[[], str]:
    """So many audits were, and none broke."""

    def done() -> str:
        told = json.loads(output.read_text())["hosts"][0]
        broken = [gap["subject"] for gap in told["gaps"] if gap["subject"].startswith("audit ")]
        return f"{broken[0]} broke" if broken else "" if told["counts"]["audits"] == number else "not every audit was judged"

    return done


def bare(command: tuple[str, ...], scratch: Path) -> Task:
    """The start of auditkit alone."""
    return Task("auditkit --version", (*command, "--version"), scratch / "version.out")


def theirs(peer: Peer, within: tuple[str, ...], scratch: Path) -> Task:
    """A peer, which must have written something."""
    output = scratch / f"{peer.program}.out"

    def done() -> str:
        size = output.stat().st_size
        return "" if size >= peer.least else f"wrote {size} bytes"

    return Task(peer.program, ("timeout", str(PATIENCE), *within, *tolerant(*words(peer))), output, done=done)


def tolerant(*argv: str) -> tuple[str, ...]:
    """A command whose findings are no failure, as the exit statuses of both sides may tell of some; 124 is a timeout."""
    return ("sh", "-c", '"$@"; test $? -lt 4', "sh", *argv)
