"""Machines that tests bring up and take down, on a network of their own, and the client that visits them.

Nothing of it is in the root namespaces: the bridge, the clients' side and all that is mounted live in namespaces below one
controller, which ends when its stdin does, so even a killed test run leaves no interface, no mount and no process. The
network has no way out, and no way leads into it but `Fleet.prefix`. The one thing outside is a route of the kind
"unreachable", so that a client started without the prefix cannot ask some other network for 10.99.x.x; it goes likewise.
"""

import ipaddress
import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from conftest import Outcome, surroundings
from loaded import Asked, Run

from fleet import images, keys, machines
from fleet.machines import HERE, PATIENCE, Machine, Plan

NETWORK = ipaddress.ip_network("10.99.0.0/16")
FIRST = 256
"""Addresses below are the controller's."""
CONTROLLER = ("--net", "--mount", "--pid", "--propagation", "private", "--fork", "--kill-child")
GUARD = 'ip route add unreachable "$1" metric "$2"; echo 0; cat >/dev/null; ip route del unreachable "$1" metric "$2"'


class Fleet:
    """Machines, their network, and a home for the client that visits them."""

    def __init__(self, home: Path) -> None:
        """Make the network; `home` is an empty folder.

        Raises:
            NoFleetError: this machine cannot have a fleet.
        """
        if reason := images.missing():
            raise images.NoFleetError(reason)
        self.home = home
        self.machines: list[Machine] = []
        self.known_hosts = home / ".ssh/known_hosts"
        self.key = home / "id_ed25519"
        self._client = keys.new()
        self._names = home / "etc-hosts"
        self._processes: list[subprocess.Popen[bytes]] = []
        self._clients: list[subprocess.Popen[bytes]] = []
        self._move_in()
        try:
            self.controller = self._lifeline("unshare", *CONTROLLER, "sh", str(HERE / "controller.sh"), *self._network())
            self._lifeline("sh", "-c", GUARD, "guard", str(NETWORK), self.metric)
        except BaseException:
            self.down()
            raise

    def _move_in(self) -> None:
        self.known_hosts.parent.mkdir(mode=0o700)
        self.known_hosts.touch()
        keys.write(self.key, self._client.openssh)
        self._names.write_text("127.0.0.1 localhost\n", "utf-8")

    def _network(self) -> tuple[str, str]:
        """What controller.sh is told."""
        return str(self._names), f"{NETWORK[1]}/{NETWORK.prefixlen}"

    def _lifeline(self, *command: str) -> int:
        """Start what ends when its stdin does; the number it says once it is ready."""
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        self._processes.append(process)
        return machines.first_number(process)

    def __enter__(self) -> Self:
        """Use it, and take it down in the end."""
        return self

    def __exit__(self, *error: object) -> None:
        """Take it down, whatever happened."""
        self.down()

    def down(self) -> None:
        """End the clients and the controller, and with it every machine; wait until all is gone."""
        for client in self._clients:
            client.kill()
            with client:  # closes its pipes, and waits
                pass
        for stream in [end for process in self._processes for end in (process.stdin, process.stdout) if end is not None]:
            stream.close()
        for process in self._processes:
            process.wait(PATIENCE)
        self._clients.clear()
        self._processes.clear()
        self.machines.clear()

    # --- machines

    def up(self, wanted: Sequence[tuple[str, int]], shared: Sequence[str] = ()) -> list[Machine]:
        """Bring up so many of each kind, and wait until they let clients in; their host keys go to known_hosts.

        They see the directories in `shared` of this machine too, read-only and at the same place.

        Raises:
            NoFleetError: an image cannot be built here.
        """
        plans = self._plans([kind for kind, number in wanted for _ in range(number)])
        begun = [self._start(plan, tuple(shared)) for plan in plans]
        new = [machines.met(plan, process, self.key) for plan, process in zip(plans, begun, strict=True)]
        self.machines += new
        with self.known_hosts.open("a", encoding="utf-8") as known, self._names.open("a", encoding="utf-8") as names:
            known.writelines(f"{machine.name},{machine.address} {machine.host_key}\n" for machine in new)
            names.writelines(f"{machine.address} {machine.name}\n" for machine in new)
        return new

    def _plans(self, kinds: Sequence[str]) -> list[Plan]:
        layers = {kind: ":".join(map(str, images.layers(kind))) for kind in dict.fromkeys(kinds)}
        already = [machine.kind for machine in self.machines]
        plans = []
        for at, kind in enumerate(kinds):
            name = f"{kind}-{1 + [*already, *kinds[:at]].count(kind)}"
            address = str(NETWORK[FIRST + len(already) + at])
            plans.append(Plan(name, kind, address, layers[kind], keys.new(), self._client.public))
        return plans

    def _start(self, plan: Plan, shared: tuple[str, ...]) -> "subprocess.Popen[bytes]":
        process = machines.start(plan, self.controller, self.home / "machines" / plan.name, shared)
        self._processes.append(process)
        return process

    def log(self, machine: Machine) -> str:
        """What its SSH server has said so far."""
        return (self.home / "machines" / machine.name / "log").read_text("utf-8", "replace")

    def processes(self, machine: Machine) -> list[str]:
        """What runs there beside the SSH server, one line each."""
        return machines.processes(machine)

    def files(self, machine: Machine) -> dict[str, tuple[int, ...]]:
        """Every file there, with what changes when it does; equal to an earlier one if nothing was left behind."""
        return machines.files(machine)

    def cut(self, machine: Machine) -> None:
        """Pull its cable: nothing passes any more, and nobody is told."""
        self._ip("link", "set", machine.name, "down")

    def mend(self, machine: Machine) -> None:
        """Plug it in again."""
        self._ip("link", "set", machine.name, "up")

    def received(self, machine: Machine) -> tuple[int, int]:
        """Bytes that have come from it so far, and the number of frames of the network that they were in."""
        (told,) = json.loads(self._ip("-json", "-statistics", "link", "show", "dev", machine.name))
        counted = told["stats64"]["rx"]
        return int(counted["bytes"]), int(counted["packets"])

    def _ip(self, *words: str) -> bytes:
        return subprocess.run([*self.prefix, "ip", *words], check=True, timeout=PATIENCE, capture_output=True).stdout

    # --- the client

    @property
    def metric(self) -> str:
        """What tells the route of this fleet from that of another one."""
        return str(1000 + self.controller)

    @property
    def prefix(self) -> tuple[str, ...]:
        """The words before a command that shall see the network of the fleet; its files and processes are the usual ones."""
        return ("nsenter", *(f"--{name}={file}" for name, file in self.spaces.items()), f"--wd={self.home}", "--")

    @property
    def spaces(self) -> dict[str, str]:
        """The namespaces that are the client's side: what nsenter calls each, and its file."""
        return {name: f"/proc/{self.controller}/ns/{file}" for name, file in (("net", "net"), ("mount", "mnt"))}

    @property
    def environment(self) -> dict[str, str]:
        """What a client is told: a home of its own with nothing of the user's, no agent."""
        return surroundings(self.home)

    def config(self, hosts: Mapping[str, Mapping[str, Any]] | None = None, **more: Any) -> Path:
        """Write an auditkit.yaml with every machine, where `auditkit` finds it; `hosts` and `more` add and replace settings."""
        known = {machine.name: self._told(machine) | dict((hosts or {}).get(machine.name, {})) for machine in self.machines}
        others = {name: dict(told) for name, told in (hosts or {}).items() if name not in known}
        whole = {"store": str(self.home / "store"), "hosts": known | others, **more}
        path = self.home / "auditkit.yaml"
        path.write_text(json.dumps(whole, indent=1), "utf-8")  # JSON is YAML too
        return path

    def _told(self, machine: Machine) -> dict[str, Any]:
        become = "none" if machine.user == "root" else "sudo"
        told = {"address": machine.address, "user": machine.user, "become": become, "groups": [machine.kind]}
        return told if machine.kind == "pw" else told | {"identity": str(self.key)}

    def ssh(self, machine: Machine, *command: str) -> "subprocess.CompletedProcess[bytes]":
        """What the stock client comes to, without auditkit."""
        options = [f"UserKnownHostsFile={self.known_hosts}", "StrictHostKeyChecking=yes", "BatchMode=yes"]
        words = ["ssh", "-F", "none", "-i", str(self.key), *(f"-o{option}" for option in options)]
        return subprocess.run(
            [*self.prefix, *words, "-l", machine.user, machine.address, *command],
            check=False,
            capture_output=True,
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
        )

    def start(self, *words: str, given: int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
        """auditkit under way, on the client's side of the network; its number is the process's own.

        It ends with the fleet at the latest.
        """
        client = Run(Asked(words, str(self.home), self.environment, spaces=tuple(self.spaces.values())), given)
        self._clients.append(client)
        return client

    def end(self, process: "subprocess.Popen[bytes]", given: bytes | None = None) -> Outcome:
        """What a run came to; one that hangs and a traceback are failures whatever the exit status."""
        out, err = process.communicate(given, timeout=PATIENCE)
        outcome = Outcome(process.returncode, *(text.decode("utf-8", "surrogateescape") for text in (out, err)))
        assert "Traceback" not in outcome.err, outcome.err
        return outcome

    def auditkit(self, *words: str, given: bytes | None = None) -> Outcome:
        """One run from start to end, with this for it to read on its stdin."""
        return self.end(self.start(*words, given=subprocess.DEVNULL if given is None else subprocess.PIPE), given)


def tidy(home: Path) -> None:
    """Remove the home of a fleet that is down."""
    shutil.rmtree(home, ignore_errors=True)
