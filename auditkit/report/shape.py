"""Whether a value has the shape that a JSON Schema asks for: the few words of draft 2020-12 that schema.json uses."""

from collections.abc import Iterator, Mapping
from typing import Any

from auditkit.printable import printable

TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
DEEPEST = 100


def fault(value: object, schema: Mapping[str, Any]) -> str | None:
    """The first thing wrong with the value, in words; None if it is as the schema says and every text can be shown."""
    return next(_unshowable(value, "report", 0), None) or next(_faults(value, schema, "report", schema), None)


def _unshowable(value: object, where: str, depth: int) -> Iterator[str]:
    """Yield where a text holds half a surrogate pair that stands for no byte, or lists lie too deep in each other."""
    if depth > DEEPEST:
        yield "it is nested too deeply"
    elif isinstance(value, str):
        try:
            value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            yield f"{where} holds a text that is none"
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _unshowable(name, f"{where}: a name", depth + 1)
            yield from _unshowable(part, f"{where}.{printable(name)[:100]}", depth + 1)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _unshowable(part, f"{where}[{index}]", depth + 1)


def _faults(value: object, schema: Mapping[str, Any], where: str, whole: Mapping[str, Any]) -> Iterator[str]:
    if reference := schema.get("$ref"):
        yield from _faults(value, whole["$defs"][reference.rpartition("/")[2]], where, whole)
        return
    if "anyOf" in schema:
        yield from _of_any(value, schema["anyOf"], where, whole)
    yield from _of_itself(value, schema, where)
    if isinstance(value, dict):
        yield from _of_members(value, schema, where, whole)
    elif isinstance(value, list) and "items" in schema:
        for index, part in enumerate(value):
            yield from _faults(part, schema["items"], f"{where}[{index}]", whole)


def _of_any(value: object, choices: list[Mapping[str, Any]], where: str, whole: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong if the value fits no choice: of the last one, which is never the mere null."""
    found = [next(_faults(value, choice, where, whole), None) for choice in choices]
    if all(found) and found[-1]:
        yield found[-1]


def _of_itself(value: object, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    wanted = schema.get("type")
    types = [wanted] if isinstance(wanted, str) else wanted or ()
    if types and not any(_is(value, name) for name in types):
        yield f"{where} is no {' or '.join(types)}"
    elif "const" in schema and value != schema["const"]:
        yield f"{where} is not {schema['const']}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{where} is none of {', '.join(str(word) for word in schema['enum'])}"
    elif isinstance(value, int | float) and value < schema.get("minimum", value):
        yield f"{where} is below {schema['minimum']}"


def _is(value: object, name: str) -> bool:
    """JSON knows no bool that is a number, Python does."""
    return isinstance(value, TYPES[name]) and not (name in ("integer", "number") and isinstance(value, bool))


def _of_members(value: dict[str, Any], schema: Mapping[str, Any], where: str, whole: Mapping[str, Any]) -> Iterator[str]:
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{where} has no {name}"
    known = schema.get("properties", {})
    others = schema.get("additionalProperties")
    for name, part in value.items():
        wanted = known.get(name, others)
        if isinstance(wanted, Mapping):
            yield from _faults(part, wanted, f"{where}.{printable(name)[:100]}", whole)
