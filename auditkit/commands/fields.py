"""The page of the fields of a report, from its schema: what each is called and may hold, and whether it is always there."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from auditkit.commands import answering

HEAD = """\
# Fields of a report

Each field of the [report document](report.md#json), as `auditkit/report/schema.json` has it. What the parts mean together, and
in which form times, bytes and paths are written, stands on [the page of the report](report.md). A field that is not marked may
be missing: it came with a later version, or is told only where there is something to tell. Readers ignore what they do not
know."""
NOUNS = {"string": "text", "boolean": "true or false", "null": "null", "object": "object"} | dict.fromkeys(
    ("integer", "number"), "number"
)
Node = Mapping[str, Any]


def parts() -> Iterator[str]:
    """Yield the part of the document itself, and of each kind of thing in it."""
    schema = answering.schema()
    yield _part("The document", schema)
    for name, node in schema["$defs"].items():
        yield _part(name, node)


def _part(name: str, node: Node) -> str:
    rows = list(_rows(node, ""))
    if not rows:
        return f"## {name}\n\n{_kind(node)}"
    return "\n".join((f"## {name}", "", "| field | holds | always | what it is |", "|---|---|---|---|", *rows))


def _rows(node: Node, above: str) -> Iterator[str]:
    """Yield a row for each field, and below it those of an object that has no name of its own."""
    for name, field in node.get("properties", {}).items():
        always = "yes" if name in node.get("required", ()) else ""
        yield f"| `{above}{name}` | {_kind(field)} | {always} | {field.get('description', '')} |"
        inner = next((each for each in _alternatives(field) if "properties" in each), None)
        if inner:
            yield from _rows(inner, f"{above}{name}.")


def _alternatives(field: Node) -> Iterator[Node]:
    """Yield what a field may be, or what it may be a list of."""
    for each in field.get("anyOf", (field,)):
        yield each.get("items", each)


def _kind(node: Node) -> str:
    """What it may hold, in words."""
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        return f"[{name}](#{name})"
    if "const" in node:
        return f"`{json.dumps(node['const'])}`"
    if "enum" in node:
        return ", ".join(f"`{word}`" if word else "null" if word is None else "nothing" for word in node["enum"])
    if "anyOf" in node:
        return " or ".join(dict.fromkeys(_kind(each) for each in node["anyOf"]))
    kinds = node.get("type", "object")
    words = (_word(kind, node) for kind in ([kinds] if isinstance(kinds, str) else kinds))
    return " or ".join(dict.fromkeys(words))


def _word(kind: str, node: Node) -> str:
    if kind == "array":
        return f"list of {_kind(node.get('items', {}))}"
    if kind == "object" and isinstance(node.get("additionalProperties"), dict):
        return f"object: to each name {_kind(node['additionalProperties'])}"
    return NOUNS[kind]
