r"""Lists of digests, as sha256sum, b3sum and the BSD tools write them.

    2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824  a b
    \2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881  new\nline
    SHA256 (a b) = 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824

A backslash in front says that newlines and backslashes of the name are escaped; `*` before the name means binary mode. With
`-z` lines end in NUL and nothing is escaped. The first form does not name its algorithm: only its length hints at it.
"""

import re
from collections.abc import Iterator

from auditkit.errors import FormatError
from auditkit.model import Entry, Kind

LENGTHS = {
    "md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "blake3": 64, "sha384": 96, "sha512": 128, "blake2b": 128,
}  # fmt: skip
"""The algorithms with their length in hex digits."""
_GNU = re.compile(rb"(\\?)([0-9a-fA-F]{32,128}) [ *](.+)", re.DOTALL)
_BSD = re.compile(rb"(\\?)([A-Za-z0-9]{3,10}) \((.+)\) = ([0-9a-fA-F]{32,128})", re.DOTALL)
_ESCAPE = re.compile(rb"\\(.?)", re.DOTALL)
_MEANT = {b"n": b"\n", b"r": b"\r", b"\\": b"\\"}
LOST = "\N{REPLACEMENT CHARACTER}"
"""What b3sum writes for bytes that are no UTF-8."""


def knows(head: bytes) -> bool:
    """Whether a file that begins so is a list of digests."""
    lines = re.split(rb"[\0\n]", head, maxsplit=64)
    first = next((line for line in lines if line and not line.startswith(b"#")), b"")
    return bool(_GNU.fullmatch(first) or _BSD.fullmatch(first))


def parse(lines: Iterator[tuple[int, bytes]], algorithm: str | None = None) -> Iterator[tuple[int, Entry | str]]:
    """Yield the file of each line; `algorithm` is that of lines which do not name theirs.

    Raises:
        FormatError: a line does not name its algorithm, and its length is that of several.
    """
    for number, line in lines:
        if not line or line.startswith(b"#"):
            continue
        try:
            yield number, _entry(line, algorithm)
        except ValueError as error:
            yield number, str(error)


def _entry(line: bytes, algorithm: str | None) -> Entry:
    """The file of one line.

    Raises:
        ValueError: it is not a line of a list of digests.
    """
    if match := _BSD.fullmatch(line):
        escaped, named, name, value = match.groups()
        algorithm = named.decode("ascii").lower()
    elif match := _GNU.fullmatch(line):
        escaped, value, name = match.groups()
        algorithm = algorithm or _guess(len(value))
    else:
        raise ValueError("not a line of a list of digests")
    if LENGTHS.get(algorithm) != len(value):
        raise ValueError(f"not a digest of {algorithm}")
    path = (_ESCAPE.sub(_unescaped, name) if escaped else name).decode("utf-8", "surrogateescape")
    if algorithm == "blake3" and LOST in path:
        raise ValueError(f"the name has lost bytes that are no UTF-8: {path}")
    return Entry(path=path, kind=Kind.FILE, digests=(f"{algorithm}:{value.decode('ascii').lower()}",))


def _guess(length: int) -> str:
    """The only algorithm whose digests have this length."""
    fitting = [name for name, digits in LENGTHS.items() if digits == length]
    if not fitting:
        raise ValueError("not as long as any digest")
    if len(fitting) > 1:
        tools = " or ".join({"blake3": "b3sum", "blake2b": "b2sum"}.get(name, name + "sum") for name in fitting)
        raise FormatError(f"the digests may be of {' or '.join(fitting)}", f"name the tool with --import-format: {tools}")
    return fitting[0]


def _unescaped(match: re.Match[bytes]) -> bytes:
    if match[1] not in _MEANT:
        raise ValueError("a backslash that escapes nothing")
    return _MEANT[match[1]]
