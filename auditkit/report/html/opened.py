"""Who can log in with which key: a matrix of keys and hosts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditkit.printable import printable
from auditkit.report.access import limits

MOST_KEYS, MOST_HOSTS = 80, 80
Dict = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cell:
    """What a key opens on a host."""

    letter: str
    """R: root; A: another account; ?: nobody can tell; empty: nothing."""
    told: str


@dataclass(frozen=True, slots=True)
class Line:
    """A key and what it opens."""

    name: str
    whose: str
    known: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Keys by hosts."""

    hosts: tuple[str, ...]
    lines: tuple[Line, ...]
    more_keys: int
    more_hosts: int


def matrix(access: Dict) -> Matrix:
    """Which key opens what where, from the document's `access`; the order of keys is the document's."""
    keys = [key for key in access["keys"] if alive(key)]
    hosts = list(dict.fromkeys(one["host"] for key in keys for one in alive(key)))
    shown = tuple(hosts[:MOST_HOSTS])
    lines = tuple(_line(key, shown) for key in keys[:MOST_KEYS])
    return Matrix(shown, lines, max(len(keys) - MOST_KEYS, 0), max(len(hosts) - MOST_HOSTS, 0))


def alive(key: Dict) -> list[Dict]:
    """What a key opens, but for lines that are known to have no effect."""
    return [one for one in key["opens"] if one["effective"] is not False]


def _line(key: Dict, hosts: Sequence[str]) -> Line:
    by_host: dict[str, list[Dict]] = {}
    for one in alive(key):
        by_host.setdefault(one["host"], []).append(one)
    return Line(key["fingerprint"], whose(key), bool(key["known"]), tuple(_cell(by_host.get(host, ())) for host in hosts))


def whose(key: Dict) -> str:
    """Whose key it is, by known_keys; what its comment says proves nothing."""
    if key["known"]:
        return str(key["known"])
    return f"not in known_keys, says “{printable(key['comments'][0])}”" if key["comments"] else "not in known_keys"


def _cell(opens: Sequence[Dict]) -> Cell:
    if not opens:
        return Cell("", "nothing")
    accounts = ", ".join(dict.fromkeys(printable(one["account"]) for one in opens))
    if all(one["effective"] is None for one in opens):
        return Cell("?", f"{accounts}, effect not known")
    letter = "R" if any(one["root"] for one in opens) else "A"
    return Cell(letter, f"{'root: ' if letter == 'R' else ''}{accounts}{limits(opens)}")
