"""The rows of audits: this machine judged by auditkit, and by the tools people use for the same."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from measure import Task, pair
from vendor_rows import Cost

SECONDS = 3.0
"""What the design allows for all audits of one machine."""
PATIENCE = 900
"""Seconds after which a peer counts as hanging: lynis goes through /tmp, however much lies there."""
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


PEERS = (
    Peer("lynis", ("lynis", "audit", "system", "--quick", "--no-colors"), (), 5000, "lynis"),
    Peer("debsecan", ("debsecan", "--suite", "SUITE"), (PACKAGES,), 1, "debsecan"),
    Peer("apt", ("apt", "list", "--upgradable"), (PACKAGES,), 1, "apt"),
)


def host(command: tuple[str, ...], work: Path, runs: int, only: str) -> Iterator[Cost]:
    """This machine, against every peer at hand whose name contains a word, and the start of auditkit alone."""
    scratch = work / "scratch-audits"
    scratch.mkdir(parents=True, exist_ok=True)
    known = audits(command)
    everything = ours(command, scratch, known)
    yield Cost(
        "all audits of this machine", "auditkit --version", pair(everything, bare(command, scratch), runs), seconds=SECONDS
    )
    for peer in PEERS:
        if only.lower() not in peer.program:
            continue
        if reason := lacking(peer, known):
            print(f"skipped: {peer.program}: {reason}", flush=True)
            continue
        mine = ours(command, scratch, peer.against or known)
        what = f"{', '.join(peer.against)} of this machine" if peer.against else "all audits of this machine"
        yield Cost(what, " ".join(words(peer)), pair(mine, theirs(peer, scratch), runs))


def audits(command: tuple[str, ...]) -> tuple[str, ...]:
    """The audits that this auditkit knows."""
    told = subprocess.run([*command, "audit", "--list", "--format", "json"], check=True, capture_output=True, text=True)
    return tuple(dict.fromkeys(rule["audit"] for rule in json.loads(told.stdout)["rules"]))


def lacking(peer: Peer, known: tuple[str, ...]) -> str:
    """Why a peer is not measured; nothing if it is."""
    if os.geteuid() != 0:
        return "both sides read all only as root"
    if not shutil.which(peer.program):
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


def theirs(peer: Peer, scratch: Path) -> Task:
    """A peer, which must have written something."""
    output = scratch / f"{peer.program}.out"

    def done() -> str:
        size = output.stat().st_size
        return "" if size >= peer.least else f"wrote {size} bytes"

    return Task(peer.program, ("timeout", str(PATIENCE), *tolerant(*words(peer))), output, done=done)


def tolerant(*argv: str) -> tuple[str, ...]:
    """A command whose findings are no failure, as the exit statuses of both sides may tell of some; 124 is a timeout."""
    return ("sh", "-c", '"$@"; test $? -lt 4', "sh", *argv)
