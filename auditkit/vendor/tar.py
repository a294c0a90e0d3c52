"""The tar archives in Debian's packages, read as a stream: what dpkg itself takes, and nothing else.

That is v7, ustar and GNU headers with GNU's long names (dpkg's lib/dpkg/tarfn.c). pax headers, sparse files and all
else that makes archives mean two things are refused, as dpkg refuses them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from auditkit.errors import FormatError
from auditkit.model import Kind
from auditkit.printable import printable
from auditkit.vendor.unpack import PIECE, Source

BLOCK = 512
MOST_MEMBERS = 1_000_000
LONGEST_NAME = 4096
MOST_NAMES = 128 << 20
"""The most bytes that all names of one archive may have together."""
KINDS = {
    b"0": Kind.FILE,
    b"\0": Kind.FILE,
    b"1": Kind.FILE,
    b"2": Kind.SYMLINK,
    b"3": Kind.CHARACTER,
    b"4": Kind.BLOCK,
    b"5": Kind.DIRECTORY,
    b"6": Kind.FIFO,
}
HARD_LINK, LONG_NAME, LONG_TARGET = b"1", b"L", b"K"
_OCTAL = re.compile(rb" *([0-7]*)[ \0]*")


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an archive."""

    path: str
    kind: Kind
    mode: int
    owner: str
    group: str
    size: int
    target: str | None
    """Where a symlink leads, as it is written in it."""
    same: str | None
    """The path of the earlier member that a hard link is another name of."""


class Content:
    """The content of a member, to be read before the next member is."""

    def __init__(self, source: Source, size: int) -> None:
        self._source = source
        self._left = size
        self._padding = -size % BLOCK

    def __iter__(self) -> Iterator[bytes]:
        while self._left:
            data = self._source.read(min(self._left, PIECE))
            if not data:
                raise malformed("it ends within a file")
            self._left -= len(data)
            yield data

    def skip(self) -> None:
        """Go to where the next member begins."""
        for _piece in self:
            pass
        if self._padding:
            self._source.read(self._padding)
            self._padding = 0


def members(source: Source) -> Iterator[tuple[Member, Content]]:
    """Yield each member with its content.

    Raises:
        FormatError: it is no archive that dpkg would take, or names no place that a package may have files in.
    """
    long_name = long_target = None
    names = 0
    for _number in range(MOST_MEMBERS):
        header = source.read(BLOCK)
        if not header.strip(b"\0"):  # the end: two blocks of NUL, or nothing at all
            return
        size = _checked(header)
        content = Content(source, size)
        flag = header[156:157]
        if flag in (LONG_NAME, LONG_TARGET):
            name = _long(content, size)
            long_name, long_target = (name, long_target) if flag == LONG_NAME else (long_name, name)
        else:
            member = _member(header, size, long_name, long_target)
            long_name = long_target = None
            names += len(member.path) + len(member.target or "")
            if names > MOST_NAMES:
                break
            if member.kind is not Kind.FILE or member.same is not None:
                content = Content(source, 0)  # dpkg reads none either, whatever size the header says
            yield member, content
        content.skip()
    raise malformed("it has more names than any real one")


def _checked(header: bytes) -> int:
    """The size of the content that follows a header."""
    if len(header) != BLOCK:
        raise malformed("it ends within a header")
    if sum(header) - sum(header[148:156]) + 8 * 32 != _number(header[148:156]):
        raise malformed("a header is damaged")
    return _number(header[124:136])


def _number(field: bytes) -> int:
    """A number as octal text, or in GNU's base 256."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    match = _OCTAL.fullmatch(field)
    if match is None:
        raise malformed("a number in a header is none")
    return int(match[1] or b"0", 8)


def _long(content: Content, size: int) -> bytes:
    if not 0 < size <= LONGEST_NAME + 1:
        raise malformed("a name is too long")
    name = b"".join(content)
    return name.split(b"\0", 1)[0]


def _member(header: bytes, size: int, long_name: bytes | None, long_target: bytes | None) -> Member:
    flag = header[156:157]
    name = long_name if long_name is not None else _name(header)
    kind = KINDS.get(flag)
    if kind is None:
        raise malformed(f"{printable(_text(name)[:200])} is of a type that no package has: {flag!r}")
    target = _text(long_target if long_target is not None else _word(header[157:257]))
    path = absolute(_text(name))
    if kind is Kind.FILE and flag != HARD_LINK and name.endswith(b"/"):  # how the oldest archives write directories
        kind = Kind.DIRECTORY
    return Member(
        path=path,
        kind=kind,
        mode=_number(header[100:108]) & 0o7777,
        owner=_text(_word(header[265:297])) or _owner(_number(header[108:116])),
        group=_text(_word(header[297:329])) or _owner(_number(header[116:124])),
        size=size,
        target=target if kind is Kind.SYMLINK else None,
        same=absolute(target) if flag == HARD_LINK else None,
    )


def _name(header: bytes) -> bytes:
    """The name in a header; POSIX's ustar may have its first half elsewhere."""
    name = _word(header[:100])
    prefix = _word(header[345:500]) if header[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _word(field: bytes) -> bytes:
    return field.split(b"\0", 1)[0]


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _owner(number: int) -> str:
    return "root" if number == 0 else str(number)


def absolute(name: str) -> str:
    """`./usr/bin/ls` as `/usr/bin/ls`.

    Raises:
        FormatError: it leads elsewhere, or nowhere.
    """
    inner = name.removeprefix("./").removesuffix("/")
    if not inner and name in (".", "./"):
        return "/"
    if inner == ".":
        return "/"
    parts = inner.split("/")
    if not inner or len(name) > LONGEST_NAME or any(part in ("", ".", "..") for part in parts) or "\0" in name:
        raise malformed(f"it has a path that no package may have: {printable(name[:200])!r}")
    return "/" + inner


def malformed(why: str) -> FormatError:
    """What is wrong with an archive."""
    return FormatError(f"an archive of a package cannot be read: {why}", "take the package from a good copy")
