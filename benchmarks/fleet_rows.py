"""What is measured over SSH: one machine against itself, fifty against bare logins, and what an unchanged one sends."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import corpora
import fleet_peers
from conftest import SOURCE, write_policy
from fleet.fleet import Fleet
from fleet.machines import Machine
from measure import Task, pair
from peers import has, sealed
from rows import Row, fresh
from vendor_rows import Cost, ended

OF_LOCAL, OF_LOGINS, MOST_BYTES = round(1 / 1.3, 2), round(1 / 1.5, 2), 64 << 10  # what the design allows
ACCOUNTS, HASH = 20, "$6$salt$" + "x" * 86
MATCHES = """Port 22
UsePAM yes
Match User person00,person01
    PasswordAuthentication no
Match Address 10.99.0.0/16
    KbdInteractiveAuthentication no
Match Group person02
    AuthenticationMethods publickey
"""
HEADERS = 66  # Ethernet, IPv4, and TCP with time stamps
TRAFFIC = "| what | entries | KiB in TCP | KiB in frames | to reach | |\n|---|---|---|---|---|---|\n"


@dataclass(frozen=True, slots=True)
class Traffic:
    """What one machine sent, login included: bytes of all frames, and how many these were."""

    what: str
    entries: int
    received: int
    frames: int
    most: int = 0
    problem: str = ""

    def line(self) -> str:
        """A row of the table of traffic; what the design limits is what TCP carries, not the headers that confirm our side."""
        carried = self.received - HEADERS * self.frames
        met = "" if not self.most else "reached" if carried < self.most else "**missed**"
        last = f"proves nothing: {self.problem}" if self.problem else met
        most = f"< {self.most >> 10}" if self.most else ""
        return f"| {self.what} | {self.entries:,} | {carried / 1024:.1f} | {self.received / 1024:.1f} | {most} | {last} |\n"


def host(fleet: Fleet, work: Path, runs: int) -> Iterator[Row]:
    """A tree of 120,000 files over SSH: against auditkit on the machine itself, and against find and sha256sum over SSH."""
    corpus = corpora.many(work)
    (machine,) = fleet.up([("py", 1)], shared=tuple(dict.fromkeys((SOURCE, sys.prefix, str(corpus)))))
    scratch = fresh(work, "scratch-fleet-host")
    write_policy(fleet.home / "policy.yaml", ({"path": str(corpus), "level": "content"},), ("sha256",))
    fleet.config(defaults={"policy": str(fleet.home / "policy.yaml")})
    ours = over_ssh(fleet, machine, scratch, corpora.MANY_ENTRIES)
    what = f"of {corpora.FILES:,} files over SSH"
    if same_python(machine):
        theirs = on_itself(fleet, machine, scratch)
        for verb in ("baseline", "check"):
            yield Row(
                f"{verb} {what}", f"auditkit {verb} on the machine itself", pair(ours[verb], theirs[verb], runs), OF_LOCAL
            )
    else:
        print("skipped: auditkit on the machine itself (this Python is not the one of the Debian that it is made of)")
    plain = fleet_peers.find_sha256sum(fleet, machine, corpus, scratch)
    for verb in ("baseline", "check"):
        yield Row(f"{verb} {what}", plain.label, pair(ours[verb], plain, runs))


def same_python(machine: Machine) -> bool:
    """Whether this Python runs there too: it is shared, but what it stands on is not."""
    asked = [*machine.inside, sys.executable, "-c", "import sys; print(*sys.version_info[:2])"]
    told = subprocess.run(asked, check=False, capture_output=True, text=True).stdout
    return told.split() == [str(part) for part in sys.version_info[:2]]


def over_ssh(fleet: Fleet, machine: Machine, scratch: Path, entries: int) -> dict[str, Task]:
    """auditkit here, asking a machine."""
    store = fleet.home / "store"
    argv = (*fleet_peers.client(fleet), sys.executable, "-m", "auditkit")
    return {
        "baseline": Task(
            "auditkit baseline over SSH",
            (*argv, "baseline", machine.name, "--jobs", "2"),
            scratch / "ssh-baseline.out",
            before=lambda: shutil.rmtree(store, ignore_errors=True),
            done=sealed(store, entries),
        ),
        "check": Task("auditkit check over SSH", (*argv, "check", machine.name, "--jobs", "2"), scratch / "ssh-check.out"),
    }


def on_itself(fleet: Fleet, machine: Machine, scratch: Path) -> dict[str, Task]:
    """auditkit there, asking itself; it keeps its store in its own file system, which is in memory."""
    place, store = machine.root / "root/bench", machine.root / "root/bench/store"
    place.mkdir()
    shutil.copy(fleet.home / "policy.yaml", place)
    environment = ("env", "HOME=/root/bench", f"PYTHONPATH={SOURCE}", "PYTHONDONTWRITEBYTECODE=1", "LC_ALL=C.UTF-8")
    argv = (*machine.inside, *environment, sys.executable, "-m", "auditkit")
    rest = ("local", "--store", "/root/bench/store", "--jobs", "2")
    return {
        "baseline": Task(
            "auditkit baseline on the machine",
            (*argv, "baseline", *rest, "--policy", "/root/bench/policy.yaml"),
            scratch / "itself-baseline.out",
            before=lambda: shutil.rmtree(store, ignore_errors=True),
            done=sealed(store, corpora.MANY_ENTRIES),
        ),
        "check": Task("auditkit check on the machine", (*argv, "check", *rest), scratch / "itself-check.out"),
    }


def who_can_log_in(fleet: Fleet, work: Path, runs: int) -> Iterator[Cost]:
    """The SSH audit of a machine with 20 accounts that have passwords and keys, beside a bare login to it."""
    (machine,) = fleet.up([("py", 1)])
    scratch = fresh(work, "scratch-fleet-audit")
    key = (machine.root / "root/.ssh/authorized_keys").read_text()
    for number in range(ACCOUNTS):
        name = f"person{number:02}"
        subprocess.run([*machine.inside, "useradd", "-m", "-s", "/bin/bash", "-p", HASH, name], check=True)
        home = machine.root / "home" / name / ".ssh"
        home.mkdir(mode=0o700)
        (home / "authorized_keys").write_text(key)
        subprocess.run([*machine.inside, "chown", "-R", f"{name}:{name}", f"/home/{name}/.ssh"], check=True)
    (machine.root / "etc/ssh/sshd_config").write_text(MATCHES)
    fleet.config()
    argv = (*fleet_peers.client(fleet), sys.executable, "-m", "auditkit", "audit", machine.name, "--only", "ssh")
    out = scratch / "audit.out"
    told = has(out, rb'"password_doors"', 1)
    ours = Task("auditkit audit --only ssh", ended(*argv, "--format", "json", "-q"), out, done=told)
    bare = next(iter(fleet_peers.visitors(fleet, [machine], work, scratch)))
    yield Cost(f"SSH audit of a machine with {ACCOUNTS} accounts", fleet_peers.BARE, pair(ours, bare, runs), seconds=1.5)


def many_hosts(fleet: Fleet, work: Path, runs: int, number: int) -> Iterator[Row]:
    """A trivial check of many machines, against as many bare logins at the same concurrency, and what others do there."""
    machines = fleet.up([("py", number)])
    scratch = fresh(work, "scratch-fleet-many")
    write_policy(fleet.home / "policy.yaml", ({"path": "/etc/hostname", "level": "content"},), ("sha256",))
    fleet.config(defaults={"policy": str(fleet.home / "policy.yaml")})
    made = fleet.auditkit("baseline", "@all", "-q")
    assert made.code == 0, made.err
    argv = (*fleet_peers.client(fleet), sys.executable, "-m", "auditkit", "check", "@all", "--parallel", str(number))
    out = scratch / "check.out"
    ours = Task("auditkit check @all", (*argv, "--format", "json", "-q"), out, done=has(out, rb'"state": "ok"', number))
    what = f"trivial check of {number} machines"
    for peer in fleet_peers.visitors(fleet, machines, work, scratch):
        reach = OF_LOGINS if peer.label == fleet_peers.BARE else 0.0
        yield Row(what, peer.label, pair(ours, peer, runs), reach)


def traffic(fleet: Fleet, work: Path) -> Iterator[Traffic]:
    """What a machine sends for a baseline, and what it sends when nothing has changed, for few and many files."""
    corpus = str(corpora.many(work))
    machines = fleet.up([("py", 2)], shared=(corpus,))
    for machine, path, what in zip(machines, ("/usr", corpus), ("its own /usr", "the corpus"), strict=True):
        write_policy(fleet.home / "policy.yaml", ({"path": path, "level": "content"},), ("sha256",))
        fleet.config(defaults={"policy": str(fleet.home / "policy.yaml")})
        made = sent(fleet, machine, "baseline", f"baseline of {what}")
        again = sent(fleet, machine, "check", f"check of {what}, unchanged")
        yield replace(made, entries=again.entries)
        yield again


def sent(fleet: Fleet, machine: Machine, verb: str, what: str) -> Traffic:
    """What a machine sends for one command."""
    size, frames = fleet.received(machine)
    told = fleet.auditkit(verb, machine.name, *(("--format", "json") if verb == "check" else ()), "-q")
    size, frames = (now - before for now, before in zip(fleet.received(machine), (size, frames), strict=True))
    problem = "" if told.code == 0 else f"exit {told.code} {told.err[:100]}"
    if verb != "check" or problem:
        return Traffic(what, 0, size, frames, problem=problem)
    return Traffic(what, int(told.host["counts"]["entries"]), size, frames, MOST_BYTES)
