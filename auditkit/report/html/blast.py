"""What falls with one of them, as a picture: with whom private keys lie, the keys, and which accounts they open."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditkit.printable import counted, printable
from auditkit.report.access import limits
from auditkit.report.html.opened import alive

MOST_BOXES = 40
"""Boxes of a column."""
MANY = 12
"""More accounts than these in a column, and those of which the same is to be said are one box."""
ROW, BOX, TOP = 50, 40, 30
COLUMNS = ((1, 250), (355, 250), (709, 250))
"""Where the columns begin, and how wide they are."""
LONGEST = 32
LIES = {True: ("locked", "with a passphrase"), False: ("bare", "no passphrase"), None: ("locked", "passphrase not known")}
"""How a private key is kept, by whether it is encrypted."""
Dict = Mapping[str, Any]
End = tuple[str, str]
"""An account and its host."""


@dataclass(frozen=True, slots=True)
class Box:
    """A box of the picture, with one line or two in it."""

    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
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
    """Three columns of boxes, and the curves between them."""

    height: int
    boxes: tuple[Box, ...]
    ways: tuple[Way, ...]
    rows: tuple[tuple[str, str, str, str, str], ...]
    """The same as a table: account and host of the private key, how it is kept, the key, what it opens, and how surely."""
    left_out: int


@dataclass(frozen=True, slots=True)
class Link:
    """A way from a private key to an account of another host."""

    holder: End
    key: str
    opened: End
    lies: tuple[str, str]
    """How it lies there: kind and words."""
    opens: tuple[str, str]
    """How it opens the account: kind and words."""


@dataclass(frozen=True, slots=True)
class Node:
    """What one box stands for."""

    lines: tuple[str, ...]
    told: str


def picture(access: Dict) -> Picture | None:
    """The picture; None if no private key that was found opens an account of another host."""
    links = [link for key in access["keys"] for link in _links(key)]
    if not links:
        return None
    holders = _nodes([(link.holder, (link.key, link.lies)) for link in links])
    opened = _nodes([(link.opened, (link.key, link.opens[0])) for link in links])
    ways = [((holders[link.holder], Node((link.key,), link.key), opened[link.opened]), link) for link in links]
    columns = [list(dict.fromkeys(nodes[number] for nodes, _link in ways)) for number in range(3)]
    shown = [column[:MOST_BOXES] for column in columns]
    height = TOP + ROW * max(map(len, shown))
    places = [
        {node: _place(number, at, len(column), height) for at, node in enumerate(column)} for number, column in enumerate(shown)
    ]
    kinds = ("holder", "key", "opened")
    boxes = [_box(place, node, kinds[number]) for number, column in enumerate(places) for node, place in column.items()]
    curves = dict.fromkeys(curve for nodes, link in ways for curve in _curves(nodes, link, places))
    left_out = sum(max(len(column) - MOST_BOXES, 0) for column in columns)
    return Picture(height, tuple(boxes), tuple(curves), tuple(map(_row, links)), left_out)


def _links(key: Dict) -> Iterator[Link]:
    """Yield the ways that a key opens from where its private half lies to other hosts."""
    name = printable(key["known"] or key["fingerprint"])
    for private in key["private_on"]:
        holder = (printable(private["accounts"][0]) if private["accounts"] else "?", printable(private["host"]))
        for one in alive(key):
            if one["host"] != private["host"]:
                to = printable(one["account"]), printable(one["host"])
                yield Link(holder, name, to, LIES[private["encrypted"]], _opens(one))


def _opens(one: Dict) -> tuple[str, str]:
    """How a line opens an account: kind and words."""
    what = "root" if one["root"] else "account"
    if one["effective"] is None:
        return f"{what} doubtful", f"{what}, effect not known"
    limited = limits([one]).strip(" ()")
    return (f"{what} doubtful", f"{what}, limited: {limited}") if limited else (what, what)


def _nodes(told: Sequence[tuple[End, object]]) -> dict[End, Node]:
    """What box each account stands in: one of its own, or of many one with all of which the same is said."""
    said: dict[End, dict[object, None]] = {}
    for end, what in told:
        said.setdefault(end, {})[what] = None
    if len(said) <= MANY:
        return {end: Node((f"{end[0]}@{end[1]}",), f"{end[0]}@{end[1]}") for end in said}
    alike: dict[tuple[object, ...], list[End]] = {}
    for end, what_ in said.items():
        alike.setdefault((end[0], *what_), []).append(end)
    return {end: _of_many(ends) for ends in alike.values() for end in ends}


def _of_many(ends: Sequence[End]) -> Node:
    names = ", ".join(host for _account, host in ends)
    if len(ends) == 1:
        return Node((f"{ends[0][0]}@{names}",), f"{ends[0][0]}@{names}")
    return Node((f"{ends[0][0]} on {counted(len(ends), 'host')}", names), f"{ends[0][0]} on {names}")


def _place(column: int, at: int, of: int, height: int) -> tuple[float, float, float]:
    x, width = COLUMNS[column]
    room = (height - TOP) / of
    return float(x), round(TOP + room * at + (room - BOX) / 2, 1), float(width)


def _box(place: tuple[float, float, float], node: Node, kind: str) -> Box:
    lines = tuple(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…" for text in node.lines)
    return Box(place[0], place[1], place[2], BOX, lines, node.told[:4000], kind)


def _curves(nodes: Sequence[Node], link: Link, places: Sequence[Mapping[Node, tuple[float, float, float]]]) -> Iterator[Way]:
    """Yield the curve from the holder to the key, and the one from the key to what it opens."""
    for number, (kind, told) in enumerate((link.lies, link.opens)):
        start, end = (places[number + side].get(nodes[number + side]) for side in (0, 1))
        if start and end:
            x, y, to, at = start[0] + start[2], start[1] + BOX / 2, end[0], end[1] + BOX / 2
            bend = (x + to) / 2
            path = f"M{x:g} {y:g}C{bend:g} {y:g} {bend:g} {at:g} {to:g} {at:g}"
            yield Way(path, kind, f"{nodes[number].lines[0]} → {nodes[number + 1].lines[0]}: {told}")


def _row(link: Link) -> tuple[str, str, str, str, str]:
    return "@".join(link.holder), link.lies[1], link.key, "@".join(link.opened), link.opens[1]
