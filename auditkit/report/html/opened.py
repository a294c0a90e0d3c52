"""Who can log in with which key: a matrix of keys and hosts, and a picture of what opens what."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditkit.printable import printable
from auditkit.report.access import limits

MOST_KEYS, MOST_HOSTS = 80, 80
MOST_BOXES = 40
"""Rows of a column of the picture."""
ROW, BOX, TOP = 34, 26, 34
COLUMNS = ((0, 250), (355, 250), (710, 250))
"""Where the columns of the picture begin, and how wide they are."""
LONGEST = 30
LIES = {True: ("locked", "with a passphrase"), False: ("bare", "no passphrase"), None: ("locked", "passphrase not known")}
"""How a private key is kept, by whether it is encrypted."""
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
    keys = [key for key in access["keys"] if _alive(key)]
    hosts = list(dict.fromkeys(one["host"] for key in keys for one in _alive(key)))
    shown = tuple(hosts[:MOST_HOSTS])
    lines = tuple(_line(key, shown) for key in keys[:MOST_KEYS])
    return Matrix(shown, lines, max(len(keys) - MOST_KEYS, 0), max(len(hosts) - MOST_HOSTS, 0))


def _alive(key: Dict) -> list[Dict]:
    return [one for one in key["opens"] if one["effective"] is not False]


def _line(key: Dict, hosts: Sequence[str]) -> Line:
    by_host: dict[str, list[Dict]] = {}
    for one in _alive(key):
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


@dataclass(frozen=True, slots=True)
class Box:
    """A box of the picture."""

    x: float
    y: float
    width: float
    height: float
    text: str
    told: str
    kind: str


@dataclass(frozen=True, slots=True)
class Way:
    """A curve from one box to another."""

    path: str
    kind: str
    told: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Where private keys lie, the keys, and what they open: three columns, and the curves between them."""

    height: int
    boxes: tuple[Box, ...]
    ways: tuple[Way, ...]
    rows: tuple[tuple[str, str, str, str, str], ...]
    """The same as a table: account and host of the private key, how it is kept, the key, what it opens, and how surely."""
    left_out: int


def picture(access: Dict) -> Picture | None:
    """The picture; None if no private key that was found opens an account of another host."""
    keys = [key for key in access["keys"] if _leads(key)]
    if not keys:
        return None
    links = [link for key in keys for link in _links(key)]
    columns = [list(dict.fromkeys(link.ends[number] for link in links)) for number in range(3)]
    shown = [column[:MOST_BOXES] for column in columns]
    height = TOP + ROW * max(map(len, shown))
    places = [
        {name: _place(number, at, len(column), height) for at, name in enumerate(column)} for number, column in enumerate(shown)
    ]
    kinds = ("holder", "key", "opened")
    boxes = [_box(*place, name, kinds[number]) for number, column in enumerate(places) for name, place in column.items()]
    ways = [way for link in links for way in _ways(link, places)]
    left_out = sum(len(column) - MOST_BOXES for column in columns if len(column) > MOST_BOXES)
    rows = tuple((link.ends[0], link.lies[1], link.ends[1], link.ends[2], link.opens[1]) for link in links)
    return Picture(height, tuple(boxes), tuple(dict.fromkeys(ways)), rows, left_out)


@dataclass(frozen=True, slots=True)
class Link:
    """A way from a private key to an account of another host."""

    ends: tuple[str, str, str]
    """With whom the private key lies, the key, and what it opens."""
    lies: tuple[str, str]
    """How it lies there: kind and words."""
    opens: tuple[str, str]
    """How it opens the account: kind and words."""


def _leads(key: Dict) -> bool:
    on = {one["host"] for one in key["private_on"]}
    opens = {one["host"] for one in _alive(key)}
    return bool(on) and bool(opens - on or (opens and len(on) > 1))


def _links(key: Dict) -> Iterator[Link]:
    name = f"{key['known'] or key['fingerprint']}"
    for private in key["private_on"]:
        who = printable(private["accounts"][0]) if private["accounts"] else "?"
        for one in _alive(key):
            if one["host"] != private["host"]:
                to = f"{printable(one['account'])}@{printable(one['host'])}"
                yield Link((f"{who}@{printable(private['host'])}", name, to), LIES[private["encrypted"]], _opens(one))


def _opens(one: Dict) -> tuple[str, str]:
    """How a line opens an account: kind and words."""
    if one["effective"] is None:
        return "doubtful", "effect not known"
    limited = limits([one]).strip(" ()")
    if limited:
        return "doubtful", f"{'root' if one['root'] else 'account'}, limited: {limited}"
    return ("root", "root") if one["root"] else ("account", "account")


def _place(column: int, at: int, of: int, height: int) -> tuple[float, float, float]:
    x, width = COLUMNS[column]
    room = (height - TOP) / of
    return float(x), round(TOP + room * at + (room - BOX) / 2, 1), float(width)


def _box(x: float, y: float, width: float, name: str, kind: str) -> Box:
    text = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    return Box(x, y, width, BOX, text, name, kind)


def _ways(link: Link, places: Sequence[Mapping[str, tuple[float, float, float]]]) -> Iterator[Way]:
    for number, (kind, told) in enumerate((link.lies, link.opens)):
        names = link.ends[number : number + 2]
        start, end = (places[number + side].get(name) for side, name in enumerate(names))
        if start and end:
            x, y, to, at = start[0] + start[2], start[1] + BOX / 2, end[0], end[1] + BOX / 2
            bend = (x + to) / 2
            path = f"M{x:g} {y:g}C{bend:g} {y:g} {bend:g} {at:g} {to:g} {at:g}"
            yield Way(path, kind, f"{names[0]} → {names[1]}: {told}")
