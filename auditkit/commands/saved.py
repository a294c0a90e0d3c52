"""The JSON of a report that somebody kept, read strictly."""

import json

from auditkit.errors import FormatError
from auditkit.printable import printable


def parsed(data: bytes, name: str) -> object:
    """The JSON of a report, read strictly: no name twice in an object, no NaN, no number beyond all bounds.

    Raises:
        FormatError: it is none.
    """
    try:
        return json.loads(
            data.decode(), object_pairs_hook=_once, parse_constant=_refused, parse_float=_finite
        )  # fmt: skip
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else printable(str(error))
        raise FormatError(f"{name} is no JSON: {reason}", "give a file that --format json wrote") from error


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return made


def _refused(word: str) -> object:
    raise ValueError(f"{word} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number is too large")
    return number
