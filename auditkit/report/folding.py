"""Whole trees that came or went: the directory stands for all below it that is no worse than it is."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MANY = 20
"""Up to so many entries below a directory are told one by one."""

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
    return all(top[name] == change[name] for name in ("change", "rule", "severity", "note", "explanation"))


def _above(path: str) -> Iterable[str]:
    """The directories above a path, the nearest to the root first."""
    parts = path.split("/")
    return ("/".join(parts[:length]) or "/" for length in range(1, len(parts)))


def _parts(path: str) -> list[str]:
    return path.rstrip("/").split("/")
