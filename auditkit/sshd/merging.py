"""What a second line of the same keyword makes of the first, and how a value is written at last."""

from auditkit.sshd.keywords import Keyword, Rule
from auditkit.sshd.lines import Version
from auditkit.sshd.values import Value


def merged(keyword: Keyword, old: Value | None, new: Value, version: Version) -> Value:
    """The value after one more line; the old one where that line is dead."""
    if old is None:
        return _parts((), new) if keyword.rule is Rule.PARTS else new
    match _rule(keyword, version):
        case Rule.NAMED:
            return old if _name(new) in map(_first, old) else old + new
        case Rule.PARTS:
            return _parts(old, new)
        case Rule.LAST:
            return tuple(part or before for part, before in zip(new, old, strict=False)) + new[len(old) :]
    return ("none",) if keyword.name == "UnusedConnectionTimeout" and new == ("none",) else old


def overridden(keyword: Keyword, old: Value, new: Value, version: Version) -> Value:
    """The value for a connection whose Match blocks say `new`."""
    if keyword.rule is Rule.NAMED and version >= (10, 3):
        names = {_first(line): line for line in (*old, *new)}
        return tuple(names.values())
    if keyword.rule is Rule.PARTS:
        return _parts(new, old)
    return new


def written(keyword: Keyword, value: Value, default: Value) -> Value:
    """A value as `sshd -T` writes it."""
    if keyword.name in ("MaxStartups", "PerSourceNetBlockSize"):
        return (":".join(part or other for part, other in zip(value, default, strict=False)),)
    if keyword.name == "RekeyLimit":
        return (" ".join(part.partition(":")[2] for part in sorted(_parts(value, default))),)
    if keyword.name == "PerSourcePenalties":
        return _penalties(value, default)
    return ("none",) if keyword.name == "UnusedConnectionTimeout" and value == ("0",) else value


def listened(said: Value, ports: Value, family: str) -> Value:
    """Each address with its port, or with every Port where it has none; `*` addresses by family where none is said."""
    everywhere = {"inet": ("0.0.0.0:",), "inet6": ("[::]:",)}.get(family, ("0.0.0.0:", "[::]:"))
    out = []
    for address in said or everywhere:
        head, domain, rest = address.partition(" ")
        out += [f"{head}{port}{domain}{rest}" for port in ports] if head.endswith(":") else [address]
    return tuple(out)


def _rule(keyword: Keyword, version: Version) -> Rule:
    if keyword.name in ("MaxStartups", "IPQoS", "PerSourceNetBlockSize") and version >= (10, 3):
        return Rule.FIRST
    if keyword.name == "PerSourceMaxStartups" and version < (9, 5):
        return Rule.LAST
    return keyword.rule


def _parts(old: Value, new: Value) -> Value:
    """Parts `name:value`, the first of each name; any penalty that counts turns them on."""
    parts: dict[str, str] = {}
    for part in (*old, *new):
        name = part.partition(":")[0]
        if name not in parts:
            parts[name] = part
            if part not in old and name not in ("enabled", "size", "time"):
                parts["enabled"] = "enabled:yes"
    return tuple(parts.values())


def _penalties(value: Value, default: Value) -> Value:
    given = {part.partition(":")[0]: part for part in value}
    if given.get("enabled") == "enabled:no":
        return ("no",)
    if "overflow" in given and "overflow6" not in given:
        given["overflow6"] = given["overflow"].replace("overflow", "overflow6")
    return (" ".join(given.get(part.partition(":")[0], part) for part in default),)


def _first(line: str) -> str:
    return line.partition(" ")[0]


def _name(value: Value) -> str:
    return _first(value[0])
