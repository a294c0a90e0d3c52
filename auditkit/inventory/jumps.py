"""Jump hosts, as the arguments for ssh in an Ansible inventory name them: `-J gate` or `-o ProxyJump=anna@gate:2222`."""

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from auditkit.inventory import Machine, word
from auditkit.inventory.notes import Notes
from auditkit.strict import Value

LONGEST = 1024
_PLACE = re.compile(
    r"(?:ssh://)?(?:(?P<user>[^@\s]+)@)?(?:\[(?P<number>[^\]\s]+)\]|(?P<host>[^:@\s\[\]]+))(?::(?P<port>[0-9]+))?"
)
_OPTION = re.compile(r"\s*(\w{1,40})(?:\s*=\s*|\s+)(.*)", re.DOTALL)
_HINT = "write -J [user@]host[:port], or `jump:` in auditkit.yaml"


def jump(arguments: Iterable[Value | None], notes: Notes) -> Value | None:
    """What the first of these arguments for ssh that names a jump host says of it."""
    named: list[Value] = []
    for value in arguments:
        if value is not None:
            named += _named(value, notes)
    if not named or named[0].node.value == "none":
        return None
    if "," in named[0].node.value:
        notes.add(named[0], "names several jump hosts, which were not taken; give each host a `jump:` in auditkit.yaml")
        return None
    return named[0]


def _named(value: Value, notes: Notes) -> Iterator[Value]:
    """Yield each jump that arguments name; of another option only its name is told, for it may hold a password."""
    words = _words(value)
    for each in words:
        option, said = each[:2], each[2:]
        if option in ("-o", "-J"):
            said = said or next(words, "")
        if option == "-o":
            found = _OPTION.match(said)
            option, said = (f"-o {found[1]}", found[2]) if found else (option, said)
        if option == "-J" or option.lower() == "-o proxyjump":
            yield word(said.strip(), value.source, value.line, value.key)
        elif option.startswith("-"):
            notes.add(value, f"has {option}, which was not taken: ~/.ssh/config is the place for it")


def _words(value: Value) -> Iterator[str]:
    try:
        return iter(shlex.split(str(value.node.value)[:LONGEST]))
    except ValueError as error:
        raise value.error("has a quote without its other half", "close it") from error


def with_jumps(machines: Mapping[str, Machine], notes: Notes) -> dict[str, Machine]:
    """The hosts with the name of their jump host; one that the inventory itself does not name is a host now too.

    Raises:
        ConfigError: what a jump says is no host.
    """
    found = dict(machines)
    names = {str(each.node.value): name for name, machine in machines.items() if (each := machine.settings.get("address"))}
    for name, machine in machines.items():
        value = machine.settings.get("jump")
        if value is None:
            continue
        gate = _gate(value)
        known = gate.name.text() if gate.name.text() in machines else names.get(gate.name.text())
        if known is None:
            known = gate.name.text()
            if known not in found:
                notes.add(value, f"names {known}, which is a host now too, though the inventory has none of that name")
            found.setdefault(known, gate)
        elif any(_differs(machines[known], key, said) for key, said in gate.settings.items()):
            notes.add(value, f"names user or port of {known}, which were not taken: what is said of that host itself counts")
        found[name] = replace(machine, settings=_over(machine.settings, known, name, value))
    return found


def _differs(machine: Machine, key: str, said: Value) -> bool:
    value = machine.settings.get(key)
    return value is None or value.node.value != said.node.value


def _gate(value: Value) -> Machine:
    """The host that a jump names."""
    place = _PLACE.fullmatch(value.text())
    if place is None:
        raise value.error("names a jump host that is none", _HINT)
    kinds = {"user": "str", "port": "int"}
    said = {key: word(text, value.source, value.line, value.key, kinds[key]) for key in kinds if (text := place[key])}
    number = place["number"]
    return Machine(word(place["host"] or number, value.source, value.line, value.key), said)


def _over(settings: Mapping[str, Value], known: str, name: str, value: Value) -> dict[str, Value]:
    """The settings with the jump by its name; what would jump over itself is reached directly."""
    rest = {key: each for key, each in settings.items() if key != "jump"}
    return rest if known == name else {**rest, "jump": word(known, value.source, value.line, value.key)}
