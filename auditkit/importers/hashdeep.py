"""hashdeep files, as `hashdeep -r` writes them.

    %%%% HASHDEEP-1.0
    %%%% size,md5,sha256,filename
    ## Invoked from: /srv
    5,5d41402abc4b2a76b9719d911017c592,2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824,./a, b

A name stands as it is, commas too; one that holds a newline cannot be told from two lines. hashdeep follows symlinks and
lists what they lead to under the name of the link, so a link comes out as a file.
"""

import string
from collections.abc import Iterator

from auditkit.errors import FormatError
from auditkit.model import Entry, Kind

DIGESTS = {"md5": 32, "sha1": 40, "sha256": 64, "tiger": 48, "whirlpool": 128}
"""The digests of hashdeep with their length in hex digits."""
HEX = frozenset(string.hexdigits.encode("ascii"))


def knows(head: bytes) -> bool:
    """Whether a file that begins so is of hashdeep."""
    return head.startswith(b"%%%% HASHDEEP-1.0")


def parse(lines: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, Entry | str]]:
    """Yield the file of each line.

    Raises:
        FormatError: the two lines of the header are not as hashdeep writes them.
    """
    columns = _columns(lines)
    for number, line in lines:
        if line.strip() and not line.startswith(b"##"):
            yield number, _entry(columns, line)


def _columns(lines: Iterator[tuple[int, bytes]]) -> tuple[str, ...]:
    _, first = next(lines, (1, b""))
    _, second = next(lines, (2, b""))
    columns = tuple(second.removeprefix(b"%%%% ").strip().decode("ascii", "replace").split(","))
    size, *digests, name = columns if len(columns) > 1 else ("", "")
    if not knows(first) or size != "size" or name != "filename" or not set(digests) <= DIGESTS.keys():
        raise FormatError("the file does not begin like one of hashdeep", "take it from a good copy")
    return columns


def _entry(columns: tuple[str, ...], line: bytes) -> Entry | str:
    fields = line.split(b",", len(columns) - 1)
    if len(fields) != len(columns) or not fields[0].isdigit() or len(fields[0]) > 20:
        return "not a line of hashdeep; a name with a newline looks so"
    digests = dict(zip(columns[1:-1], fields[1:-1], strict=True))
    if any(len(value) != DIGESTS[name] or not HEX.issuperset(value) for name, value in digests.items()):
        return "a digest is not of its length, or no hex"
    return Entry(
        path=fields[-1].decode("utf-8", "surrogateescape"),
        kind=Kind.FILE,
        size=int(fields[0]),
        digests=tuple(f"{name}:{digests[name].decode('ascii').lower()}" for name in sorted(digests)) or None,
    )
