"""Blocks that come over the wire, believed only in their form: directories with lines as the encoder writes them, in order.

A host may say what it likes of its files; it may not make a stream that later breaks who reads it, or hide a path by telling
it twice.
"""

import re
from collections.abc import Callable, Iterable, Iterator
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
        self._key, self._name = self._begin(block), _last(block)
        return block

    def ours(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield blocks of a baseline, which have their form and are in order, if they come after those before them.

        Raises:
            FormatError: they go back.
        """
        last = None
        for block in blocks:
            if last is None:
                self._begin(block)
            last = block
            yield block
        if last is not None:
            self._end(last)

    def _begin(self, block: bytes) -> bytes:
        """The key of a block that comes after those before it."""
        key = entries.key(entries.path_of(block))
        if self._key is not None and (key < self._key or (key == self._key and _first(block) <= self._name)):
            raise FormatError("paths out of order")
        return key

    def _end(self, block: bytes) -> None:
        """What comes next comes after this block."""
        self._key, self._name = entries.key(entries.path_of(block)), _last(block)


def _first(block: bytes) -> bytes:
    """The first name in a block."""
    return _name_of(block.split(b"\n", 2)[1])


def _last(block: bytes) -> bytes:
    """The last name in a block; kept text may stand below it."""
    end = len(block) - 1
    while block.startswith(b"=", start := block.rfind(b"\n", 0, end) + 1):
        end = start - 1
    return _name_of(block[start:end])


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
