"""What auditkit over SSH is measured against: bare logins, find and sha256sum, and tools that visit many machines."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import corpora
from fleet.fleet import Fleet
from fleet.machines import Machine
from measure import Task
from peers import has

HERE = Path(__file__).resolve().parent
BARE = "bare paramiko logins"
FLOOR = "sudo -n python3 -I -S -c pass"
TOOLS = {"pyinfra": "pyinfra", "ansible-core": "ansible"}


def setup(work: Path) -> Iterator[str]:
    """Installs the tools, each into an environment of its own, and says which could not be."""
    for package, program in TOOLS.items():
        place = work / "peers" / package
        if (place / "bin" / program).exists():
            continue
        for argv in ([sys.executable, "-m", "venv", str(place)], [str(place / "bin/pip"), "install", "-q", package]):
            done = subprocess.run(argv, check=False, capture_output=True, text=True)
            if done.returncode:
                yield f"{package}: {(done.stderr.strip().splitlines() or ['it does not say why'])[-1]}"
                break


def client(fleet: Fleet) -> tuple[str, ...]:
    """The words before a command that visits the fleet, and finds nothing of the user's."""
    return (*fleet.prefix, "env", *(f"{name}={value}" for name, value in fleet.environment.items()))


def find_sha256sum(fleet: Fleet, machine: Machine, corpus: Path, scratch: Path) -> Task:
    """`find | sha256sum` over the stock ssh client: digests and names and nothing else."""
    options = (f"UserKnownHostsFile={fleet.known_hosts}", "StrictHostKeyChecking=yes", "BatchMode=yes")
    ssh = ("ssh", "-F", "none", "-i", str(fleet.key), *(f"-o{option}" for option in options))
    there = f"find {shlex.quote(str(corpus))} -type f -print0 | xargs -0 sha256sum"
    out = scratch / "find.out"
    argv = (*client(fleet), *ssh, f"{machine.user}@{machine.address}", there)
    return Task("ssh HOST 'find | xargs sha256sum'", argv, out, done=has(out, rb"^[0-9a-f]{64}  ", corpora.FILES))


def visitors(fleet: Fleet, machines: Sequence[Machine], work: Path, scratch: Path) -> Iterator[Task]:
    """Each tool at hand that visits all machines and runs `true` there."""
    number = len(machines)
    out = scratch / "bare.out"
    logins = (*client(fleet), sys.executable, str(HERE / "bare_logins.py"))
    places = (str(fleet.known_hosts), str(fleet.key), *(f"{machine.user}@{machine.address}" for machine in machines))
    for label, command in ((BARE, "true"), (f"{BARE}, `{FLOOR}` there", FLOOR)):
        yield Task(label, (*logins, command, *places), out, done=has(out, rb"^0$", number))
    if (work / "peers/pyinfra/bin/pyinfra").exists():
        yield pyinfra(fleet, machines, work, scratch)
    if (work / "peers/ansible-core/bin/ansible").exists():
        yield ansible(fleet, machines, work, scratch, "raw", "-a", "true")
        yield ansible(fleet, machines, work, scratch, "setup")


def pyinfra(fleet: Fleet, machines: Sequence[Machine], work: Path, scratch: Path) -> Task:
    """pyinfra, which uses paramiko and greenlets."""
    shared = {"ssh_key": str(fleet.key), "ssh_known_hosts_file": str(fleet.known_hosts), "ssh_strict_host_key_checking": "yes"}
    told = [(machine.address, {"ssh_user": machine.user, **shared}) for machine in machines]
    inventory = scratch / "inventory.py"
    inventory.write_text(f"hosts = {told!r}\n")
    argv = (
        str(work / "peers/pyinfra/bin/pyinfra"),
        "--parallel",
        str(len(machines)),
        "-y",
        str(inventory),
        "exec",
        "--",
        "true",
    )
    return Task("pyinfra exec true", (*client(fleet), *argv), scratch / "pyinfra.out")


def ansible(fleet: Fleet, machines: Sequence[Machine], work: Path, scratch: Path, module: str, *more: str) -> Task:
    """Ansible with as many forks; `setup` is its way to ask a machine about itself."""
    shared = {"ansible_ssh_private_key_file": str(fleet.key), "ansible_python_interpreter": "/usr/bin/python3"}
    shared["ansible_ssh_common_args"] = f"-F none -o UserKnownHostsFile={fleet.known_hosts} -o StrictHostKeyChecking=yes"
    hosts = {m.name: {"ansible_host": m.address, "ansible_user": m.user, **shared} for m in machines}
    inventory, out = scratch / "inventory.yml", scratch / f"ansible-{module}.out"
    inventory.write_text(json.dumps({"all": {"hosts": hosts}}))
    program = str(work / "peers/ansible-core/bin/ansible")
    argv = (*client(fleet), program, "all", "-i", str(inventory), "-f", str(len(machines)), "-m", module, *more)
    done = has(out, rb"\| (?:CHANGED|SUCCESS)\b", len(machines))
    return Task(f"ansible -m {module}", argv, out, done=done)
