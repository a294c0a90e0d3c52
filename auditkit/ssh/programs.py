"""What programs of a host without Python write, as probe/commands.py gives it: run without a shell's reading of their words."""

import re
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from stat import S_ISREG

from auditkit.model import Gap, Item, Need
from auditkit.probe import commands, hashes, inside, streams
from auditkit.ssh.session import lied
from auditkit.ssh.survey import ABSENT, bytes_of, text
from auditkit.ssh.talk import NAMES_BYTES, WORDS, Question, Talk
from auditkit.ssh.ways import Step, ways

_ENDED = re.compile(rb"\n([0-9a-f]{32})=([0-9]{1,3})\Z")
_KILLED = 137
"""What a shell says of a program that was ended by SIGKILL, as the one is that takes too long."""
_OWN_WORDS = 10
MOST_PACKED = 64 << 20
"""Bytes of a long output, packed: they are held in memory."""

Refused = Gap | None


def take(talk: Talk, needs: Sequence[Need]) -> Iterator[Item | Gap]:
    """Yield what each command comes to; nothing of a program that is not there, unless it must be."""
    asked = [(need, bytes_of(need.what).split(b" ")) for need in needs]
    heads = [words[0] for _need, words in asked if _is_path(words)]
    told = dict(ways(talk, (path for head in heads for path in (head, _folder(head)))))
    for need, words in asked:
        if not _is_path(words):
            yield Gap(need.what, commands.MALFORMED)
            continue
        program = _program(told, words[0], talk.tools.greeting.uid)
        if isinstance(program, bytes):
            ours = [program, *words[1:]]
            yield from _streamed(talk, need, ours) if need.long else [_run(talk, need, ours)]
        elif program.reason not in ABSENT or not need.optional:
            yield Gap(need.what, program.reason)


def _is_path(words: Sequence[bytes]) -> bool:
    return words[0].startswith(b"/") and bool(words[0].strip(b"/")) and b"" not in words


def _folder(path: bytes) -> bytes:
    return path.rstrip(b"/").rpartition(b"/")[0] or b"/"


def _program(told: dict[bytes, list[Step] | str], path: bytes, own: int) -> bytes | Gap:
    """The file to run, in a directory that only root can change; or why it is not run."""
    real, folder = told[path], told[_folder(path)]
    for way in (real, folder):
        if isinstance(way, str):
            return Gap(text(path), way)
        for mode, uid, gid, at in way:
            if commands.others(mode, uid, gid, own):
                return Gap(text(path), commands.not_run(text(at)))
    if isinstance(real, str) or isinstance(folder, str) or not S_ISREG(real[0][0]):
        return Gap(text(path), "permission denied")
    return folder[0][3].rstrip(b"/") + b"/" + path.rstrip(b"/").rpartition(b"/")[2]


def _run(talk: Talk, need: Need, words: list[bytes]) -> Item | Gap:
    if len(words) > WORDS - _OWN_WORDS or sum(map(len, words)) > NAMES_BYTES:
        return Gap(need.what, "has more words than can be sent to a host without Python")
    head = (b"run", b"%d" % (commands.LIMIT + 1), b"%d" % commands.SECONDS, b"")
    (answer,) = talk.answers([Question((*head, *words), 2 * inside.LIMIT)])
    out, line, complaints = _ended(talk, need, answer)
    line = line if len(out) <= commands.LIMIT else b"-"
    told = hashes.scrubbed(out[: commands.LIMIT].replace(b"\0", commands.NO_CHARACTER))
    data = b"%s\n%s\0%s" % (line, told, hashes.complaints_scrubbed(complaints))
    return Item(need, need.what, data, datetime.now(UTC), "")


def _ended(talk: Talk, need: Need, answer: bytes) -> tuple[bytes, bytes, bytes]:
    """What a program wrote on stdout, how it ended, `-` where it was ended, and what it wrote on stderr."""
    out, mark, said = answer.rpartition(b"\0")
    ended = _ENDED.search(said)
    if not mark or (ended and ended[1] != talk.nonce):
        raise lied(f"what should be said by {need.what} is not")
    complaints = said[: ended.start()] if ended else said[: commands.LIMIT]
    return out, ended[2] if ended and int(ended[2]) != _KILLED else b"-", complaints


def _streamed(talk: Talk, need: Need, words: list[bytes]) -> Iterator[Item | Gap]:
    """Yield what a program writes, in pieces as probe/streams.py gives them; it travels packed."""
    if len(words) > WORDS - _OWN_WORDS or sum(map(len, words)) > NAMES_BYTES:
        yield Gap(need.what, "has more words than can be sent to a host without Python")
        return
    head = (b"run", b"%d" % streams.MOST, b"%d" % streams.SECONDS, b"gz")
    (answer,) = talk.answers([Question((*head, *words), MOST_PACKED)])
    out, line, complaints = _ended(talk, need, answer)
    for piece in _unpacked(out):
        yield Item(need, need.what, streams.OUT + piece, datetime.now(UTC), "")
    end = streams.END + line + b"\n" + hashes.complaints_scrubbed(complaints)
    yield Item(need, need.what, end, datetime.now(UTC), "")


def _unpacked(packed: bytes) -> Iterator[bytes]:
    """Yield what gzip(1) has packed there.

    Raises:
        HostError: it has not (`lied`).
    """
    unpacker = zlib.decompressobj(31)
    try:
        while packed and not unpacker.eof:
            yield unpacker.decompress(packed, streams.PIECE)
            packed = unpacker.unconsumed_tail
    except zlib.error as error:
        raise lied("what should be packed is not") from error
    if packed and not unpacker.eof:
        raise lied("what should be packed is cut")
