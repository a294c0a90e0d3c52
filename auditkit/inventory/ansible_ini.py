"""Ansible inventories in INI: `[group]`, `[group:children]`, `[group:vars]`, and hosts with variables behind them.

As ansible-core reads them (plugins/inventory/ini.py): a line is split like that of a shell, and quotes around what is left
of a value are those of Python.
"""

import re
import shlex
from ast import literal_eval
from collections.abc import Iterator

from auditkit.inventory import Inventory, word
from auditkit.inventory.groups import ALL, UNGROUPED, Ground
from auditkit.inventory.variables import Variables, keep
from auditkit.printable import printable
from auditkit.strict import Value

LONGEST = 8 << 10
"""Characters of a line; more are a mistake, or malice."""
_SECTION = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?")
_CHILD = re.compile(r"([^:\]\s]+)\s*(?:#.*)?")
_QUOTED = re.compile(r"(['\"]).*\1", re.DOTALL)


def read(text: str, source: str, _home: str) -> Inventory:
    """The hosts that an inventory in INI lists.

    Raises:
        ConfigError: a line is none that Ansible knows, or says what cannot be.
    """
    ground = Ground(source)
    declared = {ALL, UNGROUPED}
    section, part = UNGROUPED, "hosts"
    for line in _lines(text, source):
        if line.text().startswith("[") and (_SECTION.fullmatch(line.text()) or line.text().endswith("]")):
            section, part = _section(line, ground)
            declared |= {section} if part != "vars" else set()
        elif part == "hosts":
            _hosts(line, section, ground)
        elif part == "children":
            _child(line, section, ground)
        else:
            keep(ground.groups[section].variables, _variable(line, line.text()), ground.notes)
    for name, group in ground.groups.items():
        if name not in declared:
            raise group.place.error(f"{printable(name)} has no section of its own", f"add [{printable(name)}], or remove it")
    return ground.inventory()


def _lines(text: str, source: str) -> Iterator[Value]:
    """Yield the lines that say something."""
    for number, raw in enumerate(text.splitlines(), 1):
        line = word(raw.strip(), source, number, "")
        if len(raw) > LONGEST:
            raise line.error(f"is longer than {LONGEST >> 10} KiB", "split it")
        if raw.strip() and raw.strip()[0] not in "#;":
            yield line


def _section(line: Value, ground: Ground) -> tuple[str, str]:
    """The group that a section is about, and which part of it."""
    found = _SECTION.fullmatch(line.text())
    if found is None or found[2] not in (None, "hosts", "children", "vars"):
        raise line.error("is no section", "write [group], [group:children] or [group:vars], without spaces")
    ground.group(word(found[1], line.source, line.line, "group"))
    return found[1], found[2] or "hosts"


def _hosts(line: Value, section: str, ground: Ground) -> None:
    """A name or range of names, and what holds for each of them."""
    try:
        first, *rest = shlex.split(line.text(), comments=True) or [""]
    except ValueError as error:
        raise line.error("has a quote without its other half", "close it") from error
    if first == "---":
        raise line.error("begins a YAML file", "give the file the ending .yaml")
    kept: Variables = {}
    for each in rest:
        keep(kept, _variable(line, each), ground.notes)
    for host in ground.mention(word(first, line.source, line.line, first[:100]), ground.groups[section]):
        host.variables |= kept


def _child(line: Value, section: str, ground: Ground) -> None:
    found = _CHILD.fullmatch(line.text())
    if found is None:
        raise line.error("is no name of a group", "write one group on each line of [group:children]")
    ground.groups[section].children[found[1]] = None
    ground.group(word(found[1], line.source, line.line, "group"))


def _variable(line: Value, text: str) -> Value:
    """One variable; an error does not tell what stands there, for it may be a part of a password."""
    name, sign, value = text.partition("=")
    if not sign:
        raise line.error("has a word that is no NAME=VALUE", "put a value with spaces in quotes")
    return word(_unquoted(value.strip()), line.source, line.line, name.strip())


def _unquoted(text: str) -> str:
    """A value without quotes around it, as Python has them."""
    try:
        value = literal_eval(text) if _QUOTED.fullmatch(text) else text
    except (ValueError, SyntaxError):
        return text
    return value if isinstance(value, str) else text
