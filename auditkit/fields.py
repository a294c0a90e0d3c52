"""JSON objects that hosts send, read strictly: a field that is missing, stands twice or is of another sort is an error."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

LARGEST = 2 << 20
"""Bytes of one object."""
_MOST_SECONDS = 1 << 40


def parsed(data: bytes) -> "Fields":
    """The fields of a JSON object in ASCII.

    Raises:
        ValueError, TypeError, RecursionError: it is something else.
    """
    if len(data) > LARGEST:
        raise ValueError(f"it is longer than {LARGEST} bytes")
    told = json.loads(data.decode("ascii"), object_pairs_hook=once, parse_constant=no_constant)
    if not isinstance(told, dict):
        raise TypeError("it is no object")
    return Fields(told)


class Fields(dict[str, Any]):
    """An object of which every field that is asked for has to be there."""

    def __missing__(self, name: str) -> NoReturn:
        raise ValueError(f"{name} is missing")


def number(told: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    """A number, or None where null stands for it."""
    given = told[name]
    if given is not None and (type(given) is not int or not low <= given <= high):
        raise ValueError(f"{name} is no number from {low} to {high}")
    return given


def whole(told: Mapping[str, Any], name: str, low: int, high: int) -> int:
    """A number that has to be there."""
    given = number(told, name, low, high)
    if given is None:
        raise ValueError(f"{name} is missing")
    return given


def truth(told: Mapping[str, Any], name: str) -> bool:
    """Yes or no."""
    given = told[name]
    if not isinstance(given, bool):
        raise TypeError(f"{name} is neither true nor false")
    return given


def moment(told: object) -> float | None:
    """Seconds since 1970, or None where null stands for them."""
    if told is None:
        return None
    if type(told) not in (int, float) or not 0 <= told < _MOST_SECONDS:  # type: ignore[operator]
        raise ValueError("started is no time")
    return float(told)  # type: ignore[arg-type]


def text(told: object) -> str:
    """Text that stands for bytes: a lone surrogate is one that surrogateescape makes."""
    if not isinstance(told, str):
        raise TypeError("a field is no text")
    told.encode("utf-8", "surrogateescape")
    return told


def texts(told: object) -> tuple[str, ...]:
    """A list of texts."""
    return tuple(map(text, items(told)))


def items(told: object) -> list[Any]:
    """A list."""
    if not isinstance(told, list):
        raise TypeError("a field is no list")
    return told


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """For json.loads(): an object, or a ValueError where a name stands twice, of which JSON takes the last."""
    told = dict(pairs)
    if len(told) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return told


def no_constant(word: str) -> NoReturn:
    """For json.loads(): a ValueError for NaN and Infinity, which are no JSON."""
    raise ValueError(f"{word} is no number")
