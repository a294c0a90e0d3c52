"""Logs of logins read over real SSH: the same is said as of the disk and of evidence, whatever looks at the host there."""

import gzip
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import Outcome

from fleet.fleet import Fleet
from fleet.machines import Machine, until

GUESSES = 50
LINES = [
    *(
        f"Nov 24 03:{number // 60:02}:{number % 60:02} srv sshd[{1000 + number}]: Failed password for invalid user"
        f" admin from 198.51.100.7 port {40_000 + number} ssh2"
        for number in range(GUESSES)
    ),
    "Nov 24 09:00:00 srv sshd[2000]: Accepted password for root from 192.0.2.9 port 5555 ssh2",
    "Nov 24 09:00:00 srv sshd[2000]: pam_unix(sshd:session): session opened for user root(uid=0) by (uid=0)",
]
TEXT = "\n".join(LINES).encode() + b"\n"
PAST = 1_764_000_000
"""When the logs were written to last."""
SAID = ("access", "pattern", "attempts", "not_understood", "sources", "successes")


def write_logs(machine: Machine, more: int = 0) -> None:
    """An auth.log with fifty guesses and a login, one that was rotated and packed, a link out of the disk, and a pipe."""
    log = machine.root / "var/log"
    log.mkdir(parents=True, exist_ok=True)
    padding = b"Nov 24 02:00:00 srv kernel: nothing of interest here\n" * (more // 53)
    (log / "auth.log").write_bytes(padding + TEXT)
    (log / "auth.log.1.gz").write_bytes(gzip.compress(TEXT.replace(b"Nov 24", b"Nov 10")))
    (log / "auth.log.2").symlink_to("/etc/shadow")
    if not (log / "auth.log.3").exists():
        os.mkfifo(log / "auth.log.3")
    for name in ("auth.log", "auth.log.1.gz"):
        os.utime(log / name, (PAST, PAST))


def said(outcome: Outcome) -> dict[str, Any]:
    """What is said of its logins, but for what a live host alone knows."""
    return {name: outcome.host["logins"][name] for name in SAID}


@pytest.mark.parametrize("kind", ["py", "nopy", "bb"])
def test_a_host_its_disk_and_its_evidence_tell_the_same_of_logins(fleet: Fleet, kind: str) -> None:
    (machine,) = fleet.up([(kind, 1)])
    write_logs(machine, 3 << 20)
    fleet.config()
    name = f"{kind}-1"
    there = fleet.auditkit("logins", name, "--format", "json")
    told = said(there)
    assert (told["access"], told["attempts"]) == ("seen", 2 * GUESSES)
    assert [one["address"] for one in told["sources"]] == ["198.51.100.7"]
    gaps = {gap["subject"]: gap["reason"] for gap in there.host["gaps"]}
    assert "no regular file" in gaps["/var/log/auth.log.3"]
    assert gaps["/var/log/auth.log.2"] == "holds secrets, and is no log"
    assert "$6$" not in there.out

    evidence = str(fleet.home / "one.evidence.zst")
    taken = fleet.auditkit("collect", name, "--no-files", "-o", evidence)
    assert taken.code in {0, 3}, taken.err
    assert said(fleet.auditkit("logins", f"evidence:{evidence}", "--format", "json")) == told
    disk = fleet.home / "disk"
    disk.mkdir()
    for place in ("var/log", "etc"):
        subprocess.run(["cp", "-a", "--parents", place, str(disk)], cwd=machine.root, check=True)
    assert said(fleet.auditkit("logins", f"root:{disk}", "--format", "json")) == told


def test_a_scan_tells_of_logins_too(fleet: Fleet) -> None:
    (machine,) = fleet.up([("py", 1)])
    write_logs(machine)
    fleet.config()
    host = fleet.auditkit("scan", "py-1", "--format", "json").host
    assert host["logins"]["attempts"] == 2 * GUESSES
    assert host["facts"]["ssh"]


def test_a_killed_client_leaves_nothing_of_the_logs_it_was_reading(fleet: Fleet) -> None:
    (machine,) = fleet.up([("py", 1)])
    write_logs(machine, 200 << 20)
    fleet.config()
    client = fleet.start("logins", "py-1")
    until(lambda: bool(_spools(client.pid)), "logs arrive")
    client.kill()
    fleet.end(client)
    until(lambda: not [line for line in fleet.processes(machine) if "sshd" not in line], "nothing runs there")
    assert not [path for path in fleet.home.rglob("*") if path.name.startswith("auditkit-")]
    assert not list(Path("/tmp").glob("auditkit-*/[0-9]*"))


def _spools(pid: int) -> list[str]:
    """The files without a name that the client has open: it may be a child of what was started."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name == str(pid) or b"\0logins\0py-1\0" in (process / "cmdline").read_bytes():
                links = [os.readlink(link) for link in (process / "fd").iterdir()]
                found += [link for link in links if link.endswith("(deleted)")]
        except OSError:
            continue
    return found
