"""Hosts that this machine knows already, for a first auditkit.yaml: from Ansible inventories, ~/.ssh/config and known_hosts."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from auditkit import inventory
from auditkit.model import Gap
from auditkit.printable import printable, said
from auditkit.ssh import known
from auditkit.ssh.address import meant
from auditkit.ssh.route import SYSTEM_HOSTS, USER_HOSTS

Setting = str | int | tuple[str, ...]
Place = tuple[str, int]
"""Name or number of a host, in lower case, and its port."""
CONFIG = "~/.ssh/config"
MOST = 500
"""Hosts of known_hosts that are looked at."""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./@-]*|([0-9]{1,3}\.){3}[0-9]{1,3}")
"""What needs no quotes in YAML, but for WORDS."""
WORDS = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One host that could stand in auditkit.yaml."""

    name: str
    source: str
    """The file that names it."""
    line: int
    settings: Mapping[str, Setting] = field(default_factory=dict)
    note: str = ""
    """What a reader should know of it."""
    doubt: str = ""
    """Why it is not proposed."""

    def doubted(self, why: str) -> "Candidate":
        """The same, not proposed if there is a reason; the first reason is the one that is told."""
        return self if self.doubt or not why else replace(self, doubt=why)

    @property
    def text(self) -> str:
        """Its line in auditkit.yaml, in ASCII."""
        settings = ", ".join(f"{key}: {_yaml(value)}" for key, value in self.settings.items())
        return f"{_yaml(self.name)}: {{{settings}}}" if settings else f"{_yaml(self.name)}:"


def _yaml(value: Setting) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_yaml, value))}]"
    if isinstance(value, int) or (_PLAIN.fullmatch(value) and value.lower() not in WORDS):
        return str(value)
    return json.dumps(value).replace("\x7f", "\\u007f")


Found = tuple[dict[str, Candidate], tuple[str, ...]]
"""Hosts by name, and what could not be taken."""


def listed(ansible: Sequence[str], home: str) -> Found:
    """The hosts of Ansible inventories and ~/.ssh/config; who is named twice is taken from the first list.

    Raises:
        ConfigError: a list has a mistake or cannot be read.
    """
    lists = [(path, inventory.read(at_home(path, home))) for path in ansible]
    config = at_home(CONFIG, home)
    if os.path.exists(config):
        lists.append((CONFIG, inventory.read(config, "ssh-config", home)))
    hosts: dict[str, Candidate] = {}
    for path, each in lists:
        for name, machine in each.machines.items():
            hosts.setdefault(name, Candidate(name, path, machine.name.line, _settings(machine)))
    return hosts, tuple(note for _path, each in lists for note in each.notes)


def at_home(path: str, home: str) -> str:
    """A path that may begin with `~/`."""
    return os.path.join(home, path[2:]) if path.startswith("~/") else path


def _settings(machine: inventory.Machine) -> dict[str, Setting]:
    said: dict[str, Setting] = {key: str(value.node.value) for key, value in machine.settings.items()}
    if (port := str(said.get("port", ""))).isdigit():
        said["port"] = int(port[:6])
    groups = tuple(str(group.node.value) for group in machine.groups)
    return {**said, "groups": groups} if groups else said


def in_known_hosts(home: str, taken: Mapping[str, Candidate], covered: Iterable[Place]) -> Found:
    """The hosts whose keys are on file and that no list has named; hashed names cannot be read."""
    lines = known.read([at_home(path, home) for path in (*USER_HOSTS, *SYSTEM_HOSTS)])
    hosts: dict[str, Candidate] = {}
    passed = set(covered)
    new = [each for each in _places(lines) if each[0] not in passed]
    for place, line, others in new:
        if place not in passed and len(hosts) < MOST:
            passed.add(place)
            each = _known(place, line, others, {*taken, *hosts})
            hosts[each.name] = each
    more = (f"known_hosts: more than {MOST} hosts; the others are left out",) if len(hosts) == MOST else ()
    return hosts, (*more, *_unread(lines))


def _known(place: Place, line: known.Line, others: Sequence[str], taken: set[str]) -> Candidate:
    """A host of known_hosts; its name is its address, if that can be a name and is free."""
    host, port = place
    name = host.replace(":", "-").strip("-") if meant(host) else host
    if name in taken:
        name = f"{name}-{port}"
    settings: dict[str, Setting] = {} if name == host else {"address": host}
    note = f"has the key of {', '.join(others)} too" if others else ""
    return Candidate(name, line.file, line.number, settings | ({"port": port} if port != known.PORT else {}), note)


def _places(lines: known.KnownHosts) -> Iterator[tuple[Place, known.Line, tuple[str, ...]]]:
    """Yield each place that has a key, and the numbers that go with it: one with the key of a name is no host by itself."""
    plain = [line for line in lines.lines if line.mark is known.Mark.NONE and not line.names.startswith("|")]
    numbers: dict[bytes, dict[str, None]] = {}
    named: set[bytes] = set()
    for line in plain:
        for host, _port in _hosts(line):
            if meant(host):
                numbers.setdefault(line.key, {})[host] = None
            else:
                named.add(line.key)
    for line in plain:
        for host, port in _hosts(line):
            if not meant(host):
                yield (host, port), line, tuple(numbers.get(line.key, ()))
            elif line.key not in named:
                yield (host, port), line, ()


def _hosts(line: known.Line) -> Iterator[Place]:
    """Yield the places of a line that are no patterns: `name` and `[name]:port`."""
    for name in line.names.split(","):
        host, _bracket, port = name.removeprefix("[").partition("]:") if name.startswith("[") else (name, "", "")
        if host and not set(host) & set("*?![]"):
            yield host, int(port) if port.isdigit() and len(port) < 6 else known.PORT


def _unread(lines: known.KnownHosts) -> Iterator[str]:
    """Yield what of known_hosts says nothing here."""
    hashed = sum(line.names.startswith("|") for line in lines.lines)
    if hashed:
        lines_have = "1 line has a hashed name" if hashed == 1 else f"{hashed} lines have hashed names"
        yield f"known_hosts: {lines_have}, which nobody can read: name these hosts yourself"
    for gap in lines.gaps:
        yield _gap(gap)


def _gap(gap: Gap) -> str:
    return f"{printable(gap.subject)}: {said(gap.reason)}"
