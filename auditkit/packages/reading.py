"""What all readers of text databases share: which paths and words are sound, and how many damaged places are told of.

A reader never stops at what it does not understand: it yields a Gap that names the place, and goes on.
"""

import re
from collections.abc import Iterator
from typing import TypeVar

from auditkit.errors import FormatError
from auditkit.model import Gap
from auditkit.printable import printable

MOST_GAPS = 100
MOST_LINES = 4_000_000
MOST_PATHS = 1 << 18
"""Of one package: more than twice the files of the largest there are."""
LONGEST_PATH = 4096
LARGER = 8
"""So many times the text that names them the paths of a database may have; of real ones they have about half of it."""
LONGEST_WORD = 255
HEX = {"md5": 32, "sha1": 40, "sha256": 64}
_WORD = re.compile(r"[!-~]+")
_HEX = re.compile("[0-9A-Fa-f]+").fullmatch
_PLAIN = re.compile(r"/?[^/.\0][^/\0]*(?:/[^/.\0][^/\0]*)*").fullmatch
_NUMBER = re.compile(r"[0-9]{1,19}")
Found = TypeVar("Found")


def bounded(found: Iterator[Found | Gap], subject: str) -> Iterator[Found | Gap]:
    """Yield all that is found, but of the gaps only the first ones, and last that there are more.

    Where a FormatError ends it, that is one more gap.
    """
    gaps = 0
    try:
        for what in found:
            gaps += isinstance(what, Gap)
            if gaps <= MOST_GAPS or not isinstance(what, Gap):
                yield what
    except FormatError as error:
        yield Gap(subject, str(error))
    if gaps > MOST_GAPS:
        yield Gap(subject, f"at least {gaps - MOST_GAPS} more places in it are not understood")


def note(odd: list[str], reason: str) -> None:
    """Keep what is odd, but no more of it than is told."""
    if len(odd) <= MOST_GAPS:
        odd.append(reason)


def text(data: bytes) -> str:
    """Bytes of a host as text that keeps them all."""
    return data.decode("utf-8", "surrogateescape")


def lines(whole: str) -> Iterator[tuple[int, str]]:
    """Yield each line with its number; one after the other, as a file of line ends would be a list of eight times its size.

    Raises:
        FormatError: there are more than any real file of this kind has.
    """
    start, number = 0, 1
    while (stop := whole.find("\n", start)) >= 0:
        yield number, whole[start:stop]
        start, number = stop + 1, number + 1
        if number > MOST_LINES:
            raise FormatError(f"it goes on for more than {MOST_LINES} lines", "take it from a good copy")
    if start < len(whole):
        yield number, whole[start:]


def check_sizes(paths: int, length: int, told: int) -> None:
    """Refuse a list of files that is too much to hold: a few bytes may name a directory of 4 KiB again and again.

    `length` is that of all `paths` together, `told` that of the text that names them.

    Raises:
        FormatError: it is.
    """
    if paths > MOST_PATHS:
        raise FormatError(f"it has more than {MOST_PATHS} files", "take it from a good copy")
    if length > LONGEST_PATH + LARGER * told:
        raise FormatError("its paths are far longer than the text that names them", "take it from a good copy")


def shown(line: str) -> str:
    """Foreign text as a gap may quote it."""
    return printable(line[:100])


def path(name: str) -> str:
    """The path from the root that a database means by `./usr/bin/ls`, `usr/bin/ls` or `/usr/bin/ls`; `/` for the root itself.

    Raises:
        ValueError: it is none that a package may ship.
    """
    if _PLAIN(name) and len(name) <= LONGEST_PATH:
        return name if name[0] == "/" else "/" + name
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in name or not name or len(name) > LONGEST_PATH:
        raise ValueError(f"not a path that a package may ship: {shown(name)}")
    return "/" + "/".join(parts)


def word(value: str, what: str, fits: re.Pattern[str] = _WORD) -> str:
    """A name, version or architecture: in one piece of printable ASCII, or narrower.

    Raises:
        ValueError: it is not.
    """
    if len(value) > LONGEST_WORD or not fits.fullmatch(value):
        raise ValueError(f"not {what}: {shown(value)}" if value else f"it has not {what}")
    return value


def number(value: str, base: int = 10) -> int:
    """A number without sign.

    Raises:
        ValueError: it is not.
    """
    if not _NUMBER.fullmatch(value):
        raise ValueError(f"not a number: {shown(value)}")
    return int(value, base)


def digest(algorithm: str, value: str) -> str:
    """`md5:HEX`, as entries have digests.

    Raises:
        ValueError: it has not the digits of such a digest.
    """
    if len(value) != HEX[algorithm] or not _HEX(value):
        raise ValueError(f"not a digest of {algorithm}: {shown(value)}")
    return f"{algorithm}:{value.lower()}"
