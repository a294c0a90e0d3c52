"""A saved JSON report, read strictly: for `report`, `nightly` and the history."""

import json
import sys

from auditkit import fields, opening
from auditkit.errors import FormatError
from auditkit.printable import printable

LARGEST = 1 << 30


def read(file: str) -> bytes:
    """The bytes of a report.

    Raises:
        FormatError: it cannot be read, or no report is that long.
    """
    name = printable(file)
    try:
        data = sys.stdin.buffer.read(LARGEST + 1) if file == "-" else opening.content(file, LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no file has such a name"
        raise FormatError(f"{name} cannot be read: {reason}", "give a file that --format json wrote") from error
    if len(data) > LARGEST:
        raise FormatError(f"{name} is larger than 1 GiB", "render the hosts of the report one by one")
    return data


def parsed(data: bytes, name: str) -> object:
    """The JSON of a report, read strictly: no name twice in an object, no NaN, no number beyond all bounds.

    Raises:
        FormatError: it is none.
    """
    try:
        return json.loads(
            data.decode(), object_pairs_hook=fields.once, parse_constant=fields.no_constant, parse_float=_finite
        )  # fmt: skip
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else printable(str(error))
        raise FormatError(f"{name} is no JSON: {reason}", "give a file that --format json wrote") from error


def _finite(digits: str) -> float:
    number = float(digits)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number is too large")
    return number
