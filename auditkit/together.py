"""What all the packages of a host ship, put together, as text: it is not put together again as long as nothing has changed.

Pure. A JSON line has the packages with their scripts; then follow, each ended by a zero byte, place, numbers of packages and
lines of each path, and place, number and name of each path that its package names otherwise.
"""

import json
from dataclasses import astuple
from itertools import chain

from auditkit.packages import Package
from auditkit.packages.layout import Layout
from auditkit.packages.owned import Owned
from auditkit.vouched import Vouched

SCHEMA = "auditkit/together/2"
_END = b"\0"


def encode(vouched: Vouched, owned: Owned) -> bytes:
    """What `decode` gives back; to be asked before any path has been seen."""
    packages = [astuple(package) for package in vouched.packages]
    unlisted = sorted(vouched.lines.keys() - owned.by.keys())  # scripts, which no list of files has
    by: dict[str, int | list[int]] = {**owned.by, **{place: [] for place in unlisted}}
    head = {
        "schema": SCHEMA,
        "packages": packages,
        "scripts": vouched.scripts,
        "sources": vouched.sources,
        "places": len(by),
    }
    places = (
        part for place, numbers in by.items() for part in (_bytes(place), _joined(numbers), b"\n".join(vouched.look(place)))
    )
    names = (part for (place, number), name in owned.names.items() for part in (_bytes(place), b"%d" % number, _bytes(name)))
    return json.dumps(head).encode() + b"\n" + b"".join(part + _END for part in chain(places, names))


def decode(data: bytes, layout: Layout, algorithm: str) -> tuple[Vouched, Owned]:
    """What the packages ship that `encode` was given, as if it had been put together with this layout and algorithm.

    Raises:
        ValueError: it is nothing that `encode` has written.
    """
    first, _, body = data.partition(b"\n")
    head = json.loads(first)
    if head["schema"] != SCHEMA:
        raise ValueError(head["schema"])
    vouched, owned = Vouched(layout, algorithm), Owned(layout=layout)
    owned.packages = [Package(*fields) for fields in head["packages"]]
    vouched.packages = list(owned.packages)
    vouched.numbers = {package: number for number, package in enumerate(vouched.packages)}
    vouched.scripts, vouched.sources = head["scripts"], head["sources"]
    parts = body.split(_END)
    last = 3 * head["places"]
    texts = body.decode("utf-8", "surrogateescape").split("\0")
    owned.by = {place: _numbers(told) for place, told in zip(texts[:last:3], texts[1:last:3], strict=True) if told}
    lines = zip(texts[:last:3], parts[2:last:3], strict=True)
    vouched.lines = {place: told.split(b"\n") if b"\n" in told else told for place, told in lines if told}
    renamed = zip(texts[last:-1:3], texts[last + 1 : -1 : 3], texts[last + 2 : -1 : 3], strict=True)
    owned.names = {(place, int(number)): name for place, number, name in renamed}
    return vouched, owned


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _joined(numbers: int | list[int]) -> bytes:
    return b"%d" % numbers if isinstance(numbers, int) else b" ".join(b"%d" % number for number in numbers)


def _numbers(text: str) -> int | list[int]:
    return list(map(int, text.split(" "))) if " " in text else int(text)
