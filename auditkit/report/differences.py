"""What differs about one path, in words: `mode 0644 → 4755`, `owner root → www-data`, `content changed`."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from auditkit.model import OWNERS, PASSING
from auditkit.printable import counted, printable, said
from auditkit.words import attributes

LONGEST_TEXT = 64 * 1024
MOST_LINES = 1000
"""From here on a text is not compared line by line: difflib needs the square of the lines."""
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d{9}Z")


def letter(change: Mapping[str, Any]) -> str:
    """The letter that a change begins with: + - T > ? M U."""
    differing = change["attributes"]
    match change["change"]:
        case "added":
            return "+"
        case "removed":
            return "-"
    if "kind" in differing:
        return "T"
    if "path" in differing:
        return ">"
    if change["rule"] == "content-changed-quietly":
        return "?"
    return "M" if "digest" in differing or "target" in differing else "U"


def told(change: Mapping[str, Any]) -> tuple[str, ...]:
    """What is to be said of a change, part by part."""
    parts = [*_told(change), *([said(change["note"])] if change["note"] else [])]
    return tuple(dict.fromkeys(parts))


def _told(change: Mapping[str, Any]) -> Iterator[str]:
    before, after = change["before"], change["after"]
    if not before or not after:
        yield from _described(after or before or {})
        return
    if letter(change) == "?":
        yield "content changed, size and time of change did not"
    differing = change["attributes"]
    telling = [name for name in differing if name not in PASSING]
    for name in telling or differing:
        if name == "digest" and letter(change) == "?":
            continue
        yield from _difference(name, before, after)
    if letter(change) == "M" and "mtime" in differing and "mtime" in after:
        yield f"modified {second(after['mtime'])}"


def _described(entry: Mapping[str, Any]) -> Iterator[str]:
    """Yield what an entry is that has come or gone."""
    named = [printable(str(entry[name])) for name in ("kind", "mode") if name in entry]
    owners = [printable(str(entry.get(name, entry.get(number)))) for number, name in OWNERS.items() if number in entry]
    yield " ".join([*named, ":".join(owners)]).strip()
    if "target" in entry:
        yield f"→ {printable(entry['target'])}"
    if entry.get("kind") == "file" and "size" in entry:
        yield counted(entry["size"], "byte")
    for name, value in attributes(entry.get("xattrs", {})).items():
        yield f"{_short(name)} {value}"


def _difference(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    match name:
        case "digest":
            yield "content changed"
        case "path":
            yield f"moved from {printable(before.get(name, '?'))}"
        case "kind":
            yield _arrow(before.get(name), after.get(name))
        case "uid" | "gid":
            yield f"{OWNERS[name]} {_arrow(*_owners(name, before, after))}"
        case "xattrs":
            yield from _xattrs(before.get(name, {}), after.get(name, {}))
        case "mtime" | "ctime" | "btime":
            yield f"{name} {_arrow(*_seconds(before.get(name), after.get(name)))}"
        case _:
            yield f"{said(name)} {_arrow(before.get(name), after.get(name))}"


def _arrow(before: object, after: object) -> str:
    return f"{_value(before)} → {_value(after)}"


def _value(value: object) -> str:
    return printable(str(value)) if value not in (None, "") else "none"


def _owners(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, str]:
    """Both owners by name, with their numbers where the names do not tell them apart."""
    named = [str(entry.get(OWNERS[name], entry.get(name))) for entry in (before, after)]
    if named[0] == named[1]:
        named = [f"{word} ({entry.get(name)})" for word, entry in zip(named, (before, after), strict=True)]
    return named[0], named[1]


def _seconds(before: object, after: object) -> tuple[str, str]:
    """Both times to the second, or whole where that is not enough."""
    short = second(str(before)), second(str(after))
    return short if short[0] != short[1] else (str(before), str(after))


def second(time: str) -> str:
    """A time of the document as people read it: `2026-11-24 03:10:12Z`."""
    found = _TIME.fullmatch(time)
    return f"{found[1]} {found[2]}Z" if found else printable(time)


def _xattrs(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    old, new = attributes(before), attributes(after)
    for name in sorted(old.keys() | new.keys()):
        if before.get(name) != after.get(name):
            yield f"{_short(name)} {old.get(name, 'none')} → {new.get(name, 'none')}"


def _short(name: str) -> str:
    """An extended attribute by the word that its tools use."""
    known = {
        "security.capability": "capabilities",
        "system.posix_acl_access": "ACL",
        "system.posix_acl_default": "default ACL",
        "security.selinux": "SELinux label",
    }
    return known.get(name, printable(name))


def text_lines(change: Mapping[str, Any], most: int) -> list[str]:
    """The difference of a kept text, at most so many lines of it, the rest counted."""
    old, new = ((change[side] or {}).get("content") for side in ("before", "after"))
    if old is None or new is None or old == new:
        return []
    if max(len(old), len(new)) > LONGEST_TEXT:
        return ["the texts are too long to be shown here"]
    return _cut(_differing(*(text.removesuffix("\n").split("\n") for text in (old, new))), most)


def _differing(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The lines of a unified diff, without the file names above it."""
    if max(len(old), len(new)) > MOST_LINES:
        return ["the texts have too many lines to be compared here"]
    return [printable(line.rstrip("\n")) for line in islice(difflib.unified_diff(old, new, n=1, lineterm=""), 2, None)]


def _cut(lines: list[str], most: int) -> list[str]:
    if len(lines) <= most:
        return lines
    return [*lines[:most], f"... and {counted(len(lines) - most, 'more line')}"]
