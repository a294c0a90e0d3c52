"""What a program of this machine writes, all of it and as it is, piece by piece: it may be far longer than memory is.

Run as commands.py runs programs. Nothing is taken out of it, for line numbers and records count.
"""

import time

from . import commands, hashes, inside
from .chain import Chain
from .hints import Iterator, Optional, Sequence, Tuple
from .look import reason

SECONDS = 1800.0
"""How long one may take."""
MOST = 8 << 30
"""Bytes of one."""
PIECE = 1 << 20
OUT, END = b">", b"="
"""How a piece begins that holds bytes of stdout, and the last one, which holds STATUS, a line feed and stderr."""

Told = Tuple[int, Optional[bytes], str]


def run(chain: Chain, asked: Sequence[Tuple[int, bytes, bool]], watch: commands.Watch, most: int = MOST) -> Iterator[Told]:
    """Yield the pieces of what each command writes, the last one with how it ended; nothing of a program that is not there."""
    for number, what, optional in asked:
        try:
            one = commands.Running(number, *commands.program(chain, what), watch, 4 * PIECE)
        except OSError as error:
            if not optional or error.errno not in inside.ABSENT:
                yield number, None, reason(error)
            continue
        for data in _heard(one, most):
            yield number, data, ""


def _heard(one: commands.Running, left: int) -> Iterator[bytes]:
    one.ends = time.monotonic() + SECONDS
    out = next(iter(one.said.values()))
    line = b""
    try:
        while not line:
            commands.hear([one])
            over = one.is_over() or left <= 0
            if over:
                one.cut = one.cut or left <= 0
                line = one.ended()
            if len(out) >= PIECE >> 1 or (over and out):
                yield OUT + bytes(out)
                left -= len(out)
                del out[:]
    finally:
        if not line:
            one.ended()
    complaints = list(one.said.values())[1]
    yield END + line + b"\n" + hashes.complaints_scrubbed(bytes(complaints[: commands.LIMIT]))
