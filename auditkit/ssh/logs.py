"""Logs of a host without Python, in pieces as probe/logs.py gives them; they travel packed where there is gzip(1).

Links are followed over there, by the kernel, and times are told in whole seconds.
"""

import re
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from auditkit.model import Gap, Item, Need
from auditkit.probe import inside
from auditkit.probe import logs as ours
from auditkit.probe import take as taking
from auditkit.probe.rotation import PACKED
from auditkit.ssh.contents import NOT_REDUCED, given
from auditkit.ssh.fetch import places
from auditkit.ssh.session import lied
from auditkit.ssh.survey import ABSENT, fields, reason, text
from auditkit.ssh.talk import Question, Talk

SPARSE = 256 << 20
"""Bytes up to which a file is read as it is, though it has holes."""
_ROW = re.compile(rb"([0-9a-f]{4}) ([0-9]{1,10}) ([0-9]{1,10}) ([0-9]{1,20}) ([0-9]{1,15}) (-?[0-9]{1,12}) ([0-9]{1,15})")
_DIRECTORY, _FILE = b"4", b"8"
_BLOCK = 512
NO_LOG = "holds secrets, and is no log"
_NAMES = 100


class _File(NamedTuple):
    """One log, before it is read."""

    need: Need
    path: bytes
    mode: int
    uid: int
    gid: int
    inode: int
    size: int
    mtime: int
    blocks: int

    def head(self, at: int) -> bytes:
        """What stands before a piece."""
        return ours.HEAD % (self.size, self.mtime * 10**9, self.mode, self.uid, self.gid, self.inode, at)


def take(talk: Talk, needs: Sequence[Need]) -> Iterator[Item | Gap]:
    """Yield the pieces of each log that is there, the newest first, and why there are none of it, or of the rest of it."""
    files: list[_File] = []
    packs = False
    for need, found in zip(needs, places(talk, needs) if needs else (), strict=True):
        yield from (Gap(text(path or b"/"), why) for path, why in found if why)
        for batch, answer in talk.about((b"logs",), [path for path, why in found if not why], _NAMES):
            has, _, rest = answer.partition(b"\0")
            packs = has == b"gz"
            for path, row in zip(batch, fields(rest, len(batch)), strict=True):
                one = _one(need, path, row)
                if isinstance(one, _File):
                    files.append(one)
                elif one:
                    yield one
    yield from _bounded(talk, sorted(files, key=lambda one: -one.mtime), packs)


def _one(need: Need, path: bytes, row: bytes) -> _File | Gap | None:
    """A log by its facts, or why it is none; nothing of what is not there."""
    if not row.startswith(b"+"):
        why = reason(row[1:])
        return None if why in ABSENT else Gap(text(path), why)
    found = _ROW.fullmatch(row[1:])
    if not found:
        raise lied("what should be facts of a log are none")
    if found[1][:1] != _FILE:
        return None if found[1][:1] == _DIRECTORY else Gap(text(path), "no regular file")
    if taking.is_secret(path):
        return Gap(text(path), NO_LOG)
    return _File(need, path, int(found[1], 16), *map(int, found.groups()[1:]))


def _bounded(talk: Talk, files: Sequence[_File], packs: bool) -> Iterator[Item | Gap]:
    """Yield the newest files as far as the bound goes, and what is left out."""
    left = bound = ours.LONG if any(one.need.long for one in files) else ours.BOUND
    seen, out = set[int](), dict[Need, list[_File]]()
    for one in files:
        if one.inode in seen:
            continue
        seen.add(one.inode)
        if one.size > SPARSE and one.blocks * _BLOCK < one.size:
            yield Gap(text(one.path), f"has holes and claims {one.size} bytes: it takes Python on the host to read it")
        elif one.size > left:
            out.setdefault(one.need, []).append(one)
            left = 0
        else:
            left -= one.size
            yield from _pieces(talk, one, packs and not text(one.path).endswith(PACKED))
    for need, files_out in out.items():
        yield Gap(need.what, ours.left_out([(each.path, each.size) for each in files_out], bound))


def _pieces(talk: Talk, one: _File, packed: bool) -> Iterator[Item | Gap]:
    """Yield the pieces of a log, up to the length that it had."""
    if not one.size:
        yield _item(one, 0, b"")
        return
    how, count = b"logpacked" if packed else b"logpiece", -(-one.size // ours.PIECE)
    words = [(b"take", how, b"%d" % ours.PIECE, one.path, b"%d" % at, b"%d" % (1 << 50)) for at in range(count)]
    done = 0
    for answer in talk.answers(Question(each, 2 * ours.PIECE + inside.LIMIT) for each in words):
        data, why = given(answer, talk.nonce)
        if why == NOT_REDUCED:
            why = NO_LOG  # it leads to a table of passwords
        elif packed and not why:
            data = _unpacked(data)
        data = data[: one.size - done]
        if not done and taking.begins_as_key(data):
            why = "holds a private key, so nothing of it was taken"
        if why or not data:
            yield Gap(text(one.path), why or ours.CUT)
            return
        yield _item(one, done, data)
        done += len(data)


def _item(one: _File, at: int, data: bytes) -> Item:
    return Item(one.need, text(one.path), one.head(at) + data, datetime.now(UTC), "")


def _unpacked(data: bytes) -> bytes:
    """What gzip(1) has packed there.

    Raises:
        HostError: it has not (`lied`).
    """
    try:
        return zlib.decompressobj(31).decompress(data, ours.PIECE)
    except zlib.error as error:
        raise lied("what should be packed is not") from error
