"""The rows of logs: an auth.log judged by auditkit, and what the tools people use for the same make of it."""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import logins_log
from measure import Task, pair
from rows import Row

LOGWATCH = Path("/usr/share/logwatch")
SCRIPT = LOGWATCH / "scripts" / "services" / "sshd"
LIMIT_MIB = 150.0
"""What the design allows for memory."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A tool, what it is called with, how much longer it must take, and what shows that it did its work."""

    name: str
    package: str
    argv: Callable[[Path, Path], tuple[str, ...]]
    at_hand: Callable[[], bool]
    reach: float
    shows: str
    """An expression that its output matches."""


PEERS = (
    Peer(
        "fail2ban-regex sshd",
        "fail2ban",
        lambda log, _ready: ("fail2ban-regex", str(log), "sshd"),
        lambda: shutil.which("fail2ban-regex") is not None,
        20.0,
        r"Lines: LINES lines, \d+ ignored, [1-9]\d+ matched",
    ),
    Peer(
        "logwatch: its script of sshd alone, lines made ready",
        "logwatch",
        lambda _log, ready: ("sh", "-c", f"exec perl -I{LOGWATCH}/lib {SCRIPT} < {ready}"),
        SCRIPT.exists,
        2.0,
        r"Illegal users from|Failed logins from",
    ),
)


def rows(command: tuple[str, ...], work: Path, lines: int, runs: int, only: str) -> Iterator[Row]:
    """One log, against every peer at hand whose name contains a word."""
    scratch = work / "scratch-logins"
    scratch.mkdir(parents=True, exist_ok=True)
    log, ready = scratch / f"auth-{lines}.log", scratch / f"ready-{lines}.log"
    guesses = logins_log.write(log, lines)
    make_ready(log, ready)
    for peer in PEERS:
        if only.lower() not in peer.name:
            continue
        if not peer.at_hand():
            print(f"skipped: {peer.name}: it is not installed (apt-get install {peer.package})", flush=True)
            continue
        mine = ours(command, scratch, log, guesses)
        yield Row(
            f"auth.log of {lines:,} lines", peer.name, pair(mine, theirs(peer, scratch, log, ready, lines), runs), peer.reach
        )


def make_ready(log: Path, ready: Path) -> None:
    """Write the lines of sshd without their beginnings: what logwatch gives its script."""
    if ready.exists():
        return
    beginning = re.compile(r".{15} \S+ sshd\[\d+\]: ")
    with log.open(encoding="ascii") as lines, ready.open("w", encoding="ascii") as written:
        for line in lines:
            if found := beginning.match(line):
                written.write(line[found.end() :])


def ours(command: tuple[str, ...], scratch: Path, log: Path, guesses: int) -> Task:
    """The verdict on the log; every guess in it must have been counted, and every line understood."""
    output = scratch / "auditkit.json"

    def done() -> str:
        told = json.loads(output.read_text())["hosts"][0]["logins"]
        if told["not_understood"]:
            return f"{told['not_understood']} lines were not understood"
        return "" if told["attempts"] == guesses else f"counted {told['attempts']} of {guesses} guesses"

    argv = (*command, "logins", str(log), "--format", "json", "--fail-on", "none", "-q")
    return Task("auditkit logins", ("sh", "-c", '"$@"; test $? -eq 0 -o $? -eq 3', "sh", *argv), output, done=done)


def theirs(peer: Peer, scratch: Path, log: Path, ready: Path, lines: int) -> Task:
    """A peer, which must have said what it found."""
    output = scratch / f"{peer.package}.out"
    shows = peer.shows.replace("LINES", str(lines))

    def done() -> str:
        return "" if re.search(shows, output.read_text(errors="replace")) else "did not say what it found"

    return Task(peer.name, peer.argv(log, ready), output, done=done)


def memory(kept: Sequence[Row]) -> str:
    """What the table says of memory, below it."""
    most = max((row.measured.our_memory.pss_mib for row in kept), default=0.0)
    met = "reached" if most < LIMIT_MIB else "**missed**"
    shared = "PSS: what forked processes share counts once"
    return f"\nMemory in sum over all processes: {most:.0f} MiB ({shared}); to reach: < {LIMIT_MIB:g} MiB: {met}.\n"
