"""Lists of hosts that other programs keep: FORMATS has one line per format; `read("site.ini")` gives the hosts in it.

Nothing is run: no program in the place of a list, no template, no look-up. Passwords are never taken. What a list says of a
host is given in the words of auditkit.yaml, each value with its file and line, and is judged there as if it stood there.
"""

import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Protocol

from auditkit import strict
from auditkit.errors import ConfigError
from auditkit.printable import printable

FORMATS: Mapping[str, str] = {
    "ansible-ini": "auditkit.inventory.ansible_ini",
    "ansible-yaml": "auditkit.inventory.ansible_yaml",
    "ssh-config": "auditkit.inventory.ssh_config",
}
"""Name of a format to the module whose `read(text, source, home)` understands it."""

_PROGRAM = "is a program that writes an inventory, and auditkit runs none"
_YAML_ENDINGS = (".yaml", ".yml", ".json")
_YAML_BEGINS = re.compile(r"---(\s|$)|\{|[\"']?[\w. -]+[\"']?:(\s|$)")
"""What the first line of a file without an ending says if it is YAML; no line of an INI file reads so."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One host of an inventory."""

    name: strict.Value
    settings: Mapping[str, strict.Value] = field(default_factory=dict)
    """By keys of a host of auditkit.yaml, but for `groups`."""
    groups: tuple[strict.Value, ...] = ()
    """Every group that it is in, also through groups of groups; the outermost first."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """The hosts of a list by name, and what of it was not taken."""

    machines: Mapping[str, Machine]
    notes: tuple[str, ...] = ()
    """`site.ini:4: ansible_password is a secret, and was not taken`."""


class Format(Protocol):
    """A module that understands one format."""

    def read(self, text: str, source: str, home: str) -> Inventory:
        """The hosts that a text lists.

        Raises:
            ConfigError: it has a mistake.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Mark:
    line: int


@dataclass(frozen=True, slots=True)
class _Scalar:
    """What `strict.Value` asks of a node, for a text that is no YAML."""

    value: str
    start_mark: _Mark
    tag: str
    id: str = "scalar"


def word(text: str, source: str, line: int, key: str, kind: str = "str") -> strict.Value:
    """A word of a file, to be judged as a value of a YAML file would be; its kind is what it is meant to be."""
    return strict.Value(_Scalar(text, _Mark(line - 1), f"tag:yaml.org,2002:{kind}"), source, key)


def read(path: str, form: str | None = None, home: str = "") -> Inventory:
    """The hosts that a file lists; without a format it is an Ansible inventory, INI or YAML.

    Raises:
        ConfigError: it cannot be read, has a mistake, or is a program or encrypted.
    """
    _refuse_programs(path)
    text = strict.read_file(path)
    if text.startswith("#!"):
        raise ConfigError(f"{printable(path)} {_PROGRAM}", _written(path))
    if text.startswith("$ANSIBLE_VAULT;"):
        hint = "move the hosts to a file that is not encrypted, without the secrets"
        raise ConfigError(f"{printable(path)} is encrypted with ansible-vault", hint)
    module: Format = import_module(FORMATS[form or _guessed(path, text)])
    found = module.read(text, path, home)
    return found if form else replace(found, notes=(*found.notes, *_beside(path)))


def _refuse_programs(path: str) -> None:
    """Refuse what Ansible would run, and what is no file."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return  # strict.read_file says why
    if stat.S_ISDIR(found.st_mode):
        raise ConfigError(f"{printable(path)} is a directory", "name each inventory file in it")
    if not stat.S_ISREG(found.st_mode):
        raise ConfigError(f"{printable(path)} is no file", "name an inventory file")
    if found.st_mode & 0o111:
        raise ConfigError(f"{printable(path)} {_PROGRAM}", f"{_written(path)}; if it is none: chmod a-x {printable(path)}")


def _beside(path: str) -> Iterator[str]:
    """Yield what Ansible would read besides."""
    for name in ("group_vars", "host_vars"):
        folder = os.path.join(os.path.dirname(path), name)
        if os.path.isdir(folder):
            yield f"{printable(folder)}: variables in it are not read; write those that matter into the inventory"


def _written(path: str) -> str:
    return f"write what it says to a file: ansible-inventory -i {printable(path)} --list --yaml > hosts.yaml"


def _guessed(path: str, text: str) -> str:
    """The format of an inventory: by the ending of its name, as Ansible does, else by its first line."""
    ending = os.path.splitext(path)[1].lower()
    if ending == ".toml":
        raise ConfigError(f"{printable(path)} is in a format that is not read", "write it as INI or YAML")
    if ending in _YAML_ENDINGS:
        return "ansible-yaml"
    lines = (line.strip() for line in text.splitlines())
    first = next((line for line in lines if line and line[0] not in "#;"), "")
    return "ansible-yaml" if not ending and _YAML_BEGINS.match(first) else "ansible-ini"
