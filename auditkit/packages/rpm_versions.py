"""Which of two versions of an rpm package is newer: rpmvercmp of rpm 4.15 and later, with `~` and `^`."""

import re
from itertools import zip_longest

_SEGMENTS = re.compile(r"~|\^|[0-9]+|[a-zA-Z]+")
_WHOLE = re.compile(r"(?:([0-9]*):)?(.*?)(?:-([^-]*))?", re.DOTALL)


def compare(one: str, other: str) -> int:
    """-1 if `one` is older, 0 if they are the same to rpm, 1 if it is newer; both as `epoch:version-release`.

    A missing epoch is 0; of versions that are the same, the one without a release is older.
    """
    epoch, version, release = _parts(one)
    other_epoch, other_version, other_release = _parts(other)
    return (
        segments(epoch, other_epoch)
        or segments(version, other_version)
        or _order(release is not None, other_release is not None)
        or segments(release or "", other_release or "")
    )


def _parts(text: str) -> tuple[str, str, str | None]:
    match = _WHOLE.fullmatch(text)
    assert match
    return match[1] or "0", match[2], match[3]


def segments(one: str, other: str) -> int:
    """The same for a version or a release alone.

    What is no ASCII letter, digit, `~` or `^` only separates segments. `~` is older than even the end of the text, `^` newer
    than the end but older than anything else; a number is newer than a word.
    """
    for left, right in zip_longest(_SEGMENTS.findall(one), _SEGMENTS.findall(other), fillvalue=""):
        if left != right and (order := _order(_rank(left), _rank(right))):
            return order
    return 0


def _rank(segment: str) -> tuple[int, int, str]:
    """What orders segments; numbers by their length first, so that no length of digits costs more than reading them."""
    match segment[:1]:
        case "~":
            return 0, 0, ""
        case "":
            return 1, 0, ""
        case "^":
            return 2, 0, ""
        case digit if digit.isdigit():
            number = segment.lstrip("0")
            return 4, len(number), number
    return 3, 0, segment


def _order(one: bool | tuple[int, int, str], other: bool | tuple[int, int, str]) -> int:
    return (one > other) - (one < other)  # type: ignore[operator]  # both are of one type
