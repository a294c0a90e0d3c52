"""Ansible inventories in YAML: groups with `hosts`, `children` and `vars` (plugins/inventory/yaml.py of ansible-core).

Anchors, aliases and merge keys are understood, as far as the values that they stand for can be counted.
"""

from collections.abc import Iterator
from typing import Any

from auditkit.errors import ConfigError
from auditkit.inventory import Inventory, word
from auditkit.inventory.groups import Ground, Group
from auditkit.inventory.variables import Variables, keep
from auditkit.printable import printable
from auditkit.strict import MAX_BYTES, Value

DEEPEST = 20
"""Groups in groups."""
MOST_PAIRS = 100_000
"""Keys with a value, those behind an alias counted each time."""
_TAGS = ("!vault", "!vault-encrypted", "!unsafe", "tag:yaml.org,2002:str", "tag:yaml.org,2002:int")
_BRACKETS = 3 * DEEPEST
"""How deep anything may be nested: a group, its children and one of them are three."""
_PARTS = ("hosts", "children", "vars")


def read(text: str, source: str, _home: str) -> Inventory:
    """The hosts that an inventory in YAML lists.

    Raises:
        ConfigError: it is no YAML, or not what Ansible expects.
    """
    walk = _Walk(Ground(source))
    for name, value in walk.pairs(_composed(text, source)):
        if name.key == "plugin":
            raise name.error("names what would have to be run, and auditkit runs nothing", "name a file with the hosts in it")
        walk.group(name, value, 1)
    return walk.ground.inventory()


class _Walk:
    """One way through a file, with what it costs counted."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self._left = MOST_PAIRS

    def pairs(self, value: Value, depth: int = 0) -> Iterator[tuple[Value, Value]]:
        """Yield each key and its value; what a merge key (<<) brings comes first, so that what is written here counts.

        A key is given as a value whose key is its own text.
        """
        if value.node.id != "mapping":
            raise value.error(f"is a {value.kind}, not a mapping", "write names with a colon behind each")
        merges = [node for key, node in value.node.value if key.tag.endswith(":merge")]
        for node in merges:
            yield from self._merged(Value(node, value.source, "<<"), depth + 1)
        for name, inner in _written(value):
            self._left -= 1
            if self._left < 0:
                raise value.error(f"goes beyond {MOST_PAIRS} keys, aliases counted", "split the inventory")
            yield name, inner

    def _merged(self, value: Value, depth: int) -> Iterator[tuple[Value, Value]]:
        if depth > DEEPEST:
            raise value.error("merges too often", "write it out")
        sources = [Value(node, value.source, "<<") for node in value.node.value] if value.node.id == "sequence" else [value]
        for each in reversed(sources):  # of several the first counts
            yield from self.pairs(each, depth)

    def group(self, name: Value, value: Value, depth: int) -> None:
        """A group and all below it."""
        if depth > DEEPEST:
            raise name.error(f"is nested deeper than {DEEPEST} groups", "move the group to the top and name it there")
        if not _is_mapping(value):
            self.ground.notes.add(name, "is no group, and was not taken")
            return
        group = self.ground.group(name)
        for part, inner in self.pairs(value) if value.kind != "null" else ():
            if part.key not in _PARTS:
                self.ground.notes.add(part, "is neither hosts, children nor vars of a group, and was not taken")
            elif part.key == "vars":
                self._keep(inner, group.variables)
            else:
                for each, below in self._members(inner):
                    self._member(part.key, each, below, group, depth)

    def _member(self, part: str, name: Value, value: Value, group: Group, depth: int) -> None:
        """One host or child of a group, with what is said of it there."""
        if part == "children":
            self.group(name, value, depth + 1)
            if not _is_mapping(value):
                raise name.error("is no group: a list or text stands there", "write its hosts: below it, or nothing")
            group.children[name.key] = None
            return
        kept: Variables = {}
        self._keep(value, kept)
        for host in self.ground.mention(name, group):
            host.variables |= kept

    def _members(self, value: Value) -> Iterator[tuple[Value, Value]]:
        """Yield the names in a part of a group; a single one may stand there as text."""
        if value.kind == "str":
            name = value.text()
            yield Value(value.node, value.source, name), word("", value.source, value.line, name, "null")
        elif value.kind != "null":
            yield from self.pairs(value)

    def _keep(self, value: Value, variables: Variables) -> None:
        for variable, inner in self.pairs(value) if value.kind != "null" else ():
            keep(variables, Value(inner.node, inner.source, variable.key), self.ground.notes)


def _written(value: Value) -> Iterator[tuple[Value, Value]]:
    """Yield key and value of what is written in a mapping itself.

    Raises:
        ConfigError: a key is no text, or stands there twice.
    """
    lines: dict[str, int] = {}
    for key, node in value.node.value:
        if key.tag.endswith(":merge"):
            continue
        text = Value(key, value.source, "a key").text()
        name = Value(key, value.source, text)
        if text in lines:
            raise name.error(f"stands twice, first on line {lines[text]}", "remove one of the two")
        lines[text] = name.line
        yield name, Value(node, value.source, text)


def _is_mapping(value: Value) -> bool:
    return value.kind in ("mapping", "null")


def _composed(text: str, source: str) -> Value:
    """The one document of a YAML text, as nodes: `strict.read` with what Ansible allows besides."""
    import yaml  # noqa: PLC0415 - not for --help

    place = printable(source)
    if len(text) > MAX_BYTES:
        raise ConfigError(f"{place} is longer than 1 MiB", "split it")
    try:
        _refuse_tricks(text, source)
        node = yaml.compose(text, Loader=_loader())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        why = printable(error.problem or error.context or "unknown")
        raise ConfigError(f"{place}:{line}: is no valid YAML: {why}", "check indentation, quotes and brackets there") from error
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # a scanner's int() and chr() of an escape
        raise ConfigError(f"{place} is no valid YAML: it has a character that may not be there", "save it as UTF-8") from error
    if node is None:
        raise ConfigError(f"{place} is empty", "write `all:` and `hosts:` below it")
    return Value(node, source, "")


def _refuse_tricks(text: str, source: str) -> None:
    import yaml  # noqa: PLC0415 - not for --help

    depth = 0
    for event in yaml.parse(text, Loader=_loader()):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        at = f"{printable(source)}:{event.start_mark.line + 1}:"
        if depth > _BRACKETS:
            raise ConfigError(f"{at} is nested deeper than {_BRACKETS} levels", "check its brackets and indentation")
        tag = getattr(event, "tag", None)
        if tag and tag not in _TAGS:
            raise ConfigError(f"{at} the tag {printable(str(tag)[:60])} is none of Ansible's", "write the value without it")


def _loader() -> Any:
    """The safe loader in C where PyYAML was built with libyaml."""
    import yaml  # noqa: PLC0415 - not for --help

    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)
