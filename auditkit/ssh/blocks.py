"""Blocks that come over the wire, believed only in their form: directories with lines as the encoder writes them, in order.

A host may say what it likes of its files; it may not make a stream that later breaks who reads it, or hide a path by telling
it twice.
"""

import re
from collections.abc import Callable, Iterator
from itertools import islice

from auditkit import entries
from auditkit.errors import FormatError
from auditkit.printable import unescape

_TIME = rb"(?:-?[0-9]{1,20}\.[0-9]{9}|\?)"
_NUMBER = rb"(?:[0-9]{1,20}|\?)"
_WORD = rb"[^\x00-\x20\x7f]++"
_DIGEST = rb"(?:-|\?|[0-9a-z_-]{1,20}:[0-9a-f]{1,128}(?:,[0-9a-z_-]{1,20}:[0-9a-f]{1,128}){0,3})"
_ESCAPED = rb"(?:[^\x00-\x1f\\\x7f]|\\(?:\\|x[0-9a-f]{2}))"
_NAME = rb"(?:(?!\.{0,2}\n)(?!.*(?:/|\\x2f|\\x00))" + _ESCAPED + rb"{1,1100})"
_FIELDS = b" ".join(
    [
        rb"(?:[0-7]{1,6}|\?)",
        *(_NUMBER, _NUMBER, _WORD, _WORD, _NUMBER, _TIME, _TIME, _TIME, _NUMBER, _NUMBER),
        rb"[a-z?-]{1,8}",
        _DIGEST,
        *(_WORD, _WORD),
    ]
)
_LINE = rb"(?:d " + _FIELDS + rb" \.|[fdlbcps] " + _FIELDS + rb" " + _NAME + rb"(?:\n=" + _ESCAPED + rb"*+)?)\n"
_BLOCK = re.compile(rb"/" + _ESCAPED + rb"*+\n(?:" + _LINE + rb")++")


class Order:
    """Lets blocks through one by one, if each has the form of one and comes after those before it in the order of paths."""

    def __init__(self) -> None:
        self._key: bytes | None = None
        self._name = b""

    def __call__(self, block: bytes) -> bytes:
        """The block itself.

        Raises:
            FormatError: it is none, or it goes back.
        """
        if not _BLOCK.fullmatch(block) or not _is_text(block):
            raise FormatError("what is no block of entries")
        key = entries.key(entries.path_of(block))
        first = _name_of(block.split(b"\n", 2)[1])
        if self._key is not None and (key < self._key or (key == self._key and first <= self._name)):
            raise FormatError("paths out of order")
        lines = (line for line in reversed(block.split(b"\n")[1:-1]) if not line.startswith(b"="))
        self._key, self._name = key, _name_of(next(lines))
        return block


def _name_of(line: bytes) -> bytes:
    """The name at the end of a line, `b""` for the directory itself, which comes first."""
    name = line.split(b" ", entries.FIELDS)[-1]
    return b"" if name == b"." else unescape(name)


def _is_text(block: bytes) -> bool:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


class Known:
    """The blocks that both sides have, given again in the places that the host names: forward only."""

    def __init__(self, blocks: Callable[[], Iterator[bytes]] | None) -> None:
        self._blocks = blocks() if blocks else iter(())
        self._at = 0

    def run(self, first: int, count: int) -> Iterator[bytes]:
        """Yield `count` of them from number `first` on.

        Raises:
            FormatError: there are not so many, or that goes back.
        """
        if first < self._at or not count:
            raise FormatError("blocks out of order")
        for _skipped in islice(self._blocks, first - self._at):
            pass
        given = 0
        for block in islice(self._blocks, count):
            given += 1
            yield block
        self._at = first + given
        if given < count:
            raise FormatError("more blocks than there are")
