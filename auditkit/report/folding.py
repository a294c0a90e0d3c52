"""What one line may tell of many: a tree that came or went, minor changes that say the same, findings of many hosts."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditkit.model import Severity

MANY = 20
"""Up to so many entries below a directory are told one by one."""
MANY_MINOR = 5
"""Up to so many changes below medium that say the same, and lie in one part of the tree, are told one by one."""
DEPTH = 4
"""A part of the tree: all below `/usr/lib/python3.13`, say; with the empty part before the first slash."""

MANY_HOSTS = 3
"""From so many hosts on a finding below high that says the same of each is told once."""

ANY = "\x00"
"""What stands for the name of a host where findings of several are held against each other."""

Told = tuple[Mapping[str, Any], int]
"""A change, and for how many others below it stands."""


def folded(changes: Sequence[Mapping[str, Any]]) -> list[Told]:
    """The changes to tell, each with the number of those that it stands for."""
    tops: dict[str, list[Mapping[str, Any]]] = {}
    for change in sorted(changes, key=lambda change: _parts(change["path"])):
        _file(change, tops)
    hidden = {id(change) for below in tops.values() if len(below) > MANY for change in below[1:]}
    numbers = {id(below[0]): len(below) - 1 for below in tops.values() if len(below) > MANY}
    return [(change, numbers.get(id(change), 0)) for change in changes if id(change) not in hidden]


def minor(told: Sequence[Told]) -> list[tuple[Mapping[str, Any], int, int]]:
    """The changes to tell, each with the entries below it that it stands for, and the changes like it that it stands for."""
    groups: dict[tuple[object, ...], list[Told]] = {}
    for change, below in told:
        groups.setdefault(_same(change), []).append((change, below))
    made = []
    for alike in groups.values():
        if len(alike) > MANY_MINOR:
            made.append((alike[0][0], 0, sum(1 + below for _change, below in alike) - 1))
        else:
            made += [(change, below, 0) for change, below in alike]
    places = {id(change): place for place, (change, _below) in enumerate(told)}
    return sorted(made, key=lambda one: places[id(one[0])])


def part(path: str) -> str:
    """The part of the tree in which a path lies: its directory, or the one above it that is not too deep."""
    return "/".join(path.split("/")[:-1][:DEPTH]) or "/"


def _same(change: Mapping[str, Any]) -> tuple[object, ...]:
    """What changes that one line may tell have in common; a change from medium on, or one with a text to show, stands alone."""
    entry = change["after"] or change["before"] or {}
    texts = [(change[side] or entry).get("content") for side in ("before", "after")]
    if change["explanation"] or texts[0] != texts[1] or Severity[change["severity"].upper()] >= Severity.MEDIUM:
        return (id(change),)
    said = tuple(change.get(name) for name in ("change", "rule", "severity", "note", "news"))
    return (*said, entry.get("kind"), "path" in change["attributes"], part(change["path"]))


def _file(change: Mapping[str, Any], tops: dict[str, list[Mapping[str, Any]]]) -> None:
    """Put a change below the directory that came or went with it, or remember it as one."""
    if change["change"] == "changed":
        return
    for above in _above(change["path"]):
        if above in tops and _alike(tops[above][0], change):
            tops[above].append(change)
            return
    if (change["after"] or change["before"] or {}).get("kind") == "directory":
        tops[change["path"]] = [change]


def _alike(top: Mapping[str, Any], change: Mapping[str, Any]) -> bool:
    """Whether a change says nothing that its directory does not say: a setuid program in a new tree does."""
    return all(top.get(name) == change.get(name) for name in ("change", "rule", "severity", "note", "explanation", "news"))


def _above(path: str) -> Iterable[str]:
    """The directories above a path, the nearest to the root first."""
    parts = path.split("/")
    return ("/".join(parts[:length]) or "/" for length in range(1, len(parts)))


def _parts(path: str) -> list[str]:
    return path.rstrip("/").split("/")


@dataclass(frozen=True, slots=True)
class OnMany:
    """A finding that says the same of several hosts."""

    finding: Mapping[str, Any]
    """As the first of them has it, with only the quotes that all have, and HOST where each has its name."""
    hosts: tuple[str, ...]
    """By the names that they have in the report."""
    said: tuple[object, ...]
    """What it says of each of them: `said_by`."""


def on_many(found: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[OnMany]:
    """The findings that are told once of many hosts, from the findings of each host by its name."""
    alike: dict[tuple[object, ...], dict[str, list[Mapping[str, Any]]]] = {}
    for name, findings in found.items():
        for finding in findings:
            alike.setdefault(said_by(finding, name), {}).setdefault(name, []).append(finding)
    return [
        OnMany(
            {**_first(by_host), "remedy": str(key[-1]).replace(ANY, "HOST"), "quotes": _quotes(by_host)}, tuple(by_host), key
        )
        for key, by_host in alike.items()
        if len(by_host) >= MANY_HOSTS and Severity[str(key[1]).upper()] < Severity.HIGH
    ]


def said_by(finding: Mapping[str, Any], host: str) -> tuple[object, ...]:
    """What a finding says, whatever host it is of, and on whatever words it rests."""
    word = re.compile(rf"(?<![\w.-]){re.escape(host)}(?![\w.-])")
    texts = (word.sub(ANY, finding[name]) for name in ("subject", "message", "remedy"))
    return (finding["rule"], finding["severity"], finding.get("news"), *texts)


def _first(by_host: Mapping[str, Sequence[Mapping[str, Any]]]) -> Mapping[str, Any]:
    return next(iter(by_host.values()))[0]


def _quotes(by_host: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Mapping[str, Any]]:
    """The quotes of a finding, where they are the same on each host."""
    told = [[quote for finding in findings for quote in finding["quotes"]] for findings in by_host.values()]
    return told[0] if all(each == told[0] for each in told) else []
