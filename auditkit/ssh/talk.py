"""A conversation with probe/probe.sh, which answers on hosts without Python: questions of words, answers of bytes.

A question is a fixed number of words, each ended by NUL, so that xargs(1) runs it as soon as it is there. Several are under
way at once, but never more bytes than a pipe holds. An answer ends with the nonce.
"""

import re
import secrets
import shlex
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.resources import files
from typing import NamedTuple

from auditkit.errors import HostError
from auditkit.model import State
from auditkit.probe.digest import OF_PACKAGES
from auditkit.ssh import Deadline, Pipe
from auditkit.ssh.session import BECOME, LATE, NOISE, Greeting, greeted, hear, last_of, patience, refused, whence

WORDS = 400
"""Words of a question, filled up with words that mean nothing."""
NAMES_BYTES = 14 << 10
"""Bytes of names in a question: busybox's xargs takes 32 KiB, and the script is among them."""
AHEAD = 24 << 10
"""Bytes of questions under way, so that cat(1) there is never held up and sees its stdin end at once."""
ANSWER = 4 << 20
MOST_WORK = 64 << 20
"""Bytes of files of one question that are to be hashed, if they are several."""
_WORDS = 7
"""Words of a greeting before those of tools."""
_PYTHON = "install python3 there, of which any from 3.6 on will do"


class Question(NamedTuple):
    """Words for probe.sh, and how many bytes of an answer are believed."""

    words: tuple[bytes, ...]
    most: int = ANSWER

    @property
    def packed(self) -> bytes:
        """As xargs(1) reads it, with words in front that are dropped there."""
        spare = WORDS - 1 - len(self.words)
        return b"\0".join([b"%d" % (spare + 1), *[b"-"] * spare, *self.words, b""])


class Tools(NamedTuple):
    """What a host can answer with."""

    greeting: Greeting
    gnu: bool
    """Times to the nanosecond, times of birth, and the targets of many links at once."""
    algorithms: tuple[str, ...]


def decide(words: Sequence[bytes]) -> Tools:
    """The tools that a host has, by the words of its greeting: the seven of `greeted`, and what probe.sh found to work.

    Raises:
        HostError: they are not enough.
    """
    greeting = greeted([word.decode("utf-8", "replace") for word in words[:_WORDS]])
    algorithms = tuple(name for name in ("blake3", "sha256", *OF_PACKAGES) if name.encode() in words)
    for name, what in ((b"list", "find -print0, xargs -0 and stat -c"), (b"head", "head -c"), (b"facts", "sed -r")):
        if name not in words:
            raise HostError(f"it has no Python, and no {what} that works", _PYTHON, State.PARTIAL)
    return Tools(greeting, b"gnu" in words, algorithms)


class Talk:
    """A conversation with probe.sh through a pipe to /bin/sh: it begins with a greeting; answers come in the order asked."""

    def __init__(self, pipe: Pipe, deadline: Deadline, become: str) -> None:
        self.nonce = secrets.token_hex(16).encode()
        self.closed = False
        self.source = ""
        """Where its SSH server says that we come from; nothing where it does not say."""
        self._held = bytearray()
        self._become = become
        self._deadline = deadline
        self._pipe = pipe
        with patience(pipe, deadline):
            self.tools = self._begun(int(deadline.left()) + LATE)

    def close(self) -> None:
        """End it: what runs there sees its stdin end, and is gone."""
        self.closed = True
        self._pipe.close()

    def _begun(self, seconds: int) -> Tools:
        door, room, work = _scripts()
        names = f"first={self.nonce[:16].decode()} second={self.nonce[16:].decode()}"
        self._pipe.send(f"{names} become='{BECOME[self._become]}'\n{door}".encode())
        told = self._greeting(b"door")
        if told is None:
            said = last_of(self._pipe.complaints())
            raise HostError(f"it gives no shell: {said}", "name a user whose login shell runs commands", State.NO_SHELL)
        self.source = whence([word.decode("utf-8", "replace") for word in told])
        self._pipe.send(f"{names} seconds={seconds} count={WORDS} work={shlex.quote(work)}\n{room}".encode())
        words = self._greeting(b"room")
        if words is None:
            said = self._pipe.complaints()
            ended = HostError(f"its shell ends: {last_of(said)}", _PYTHON, State.NO_SHELL)
            raise refused(self._become, said) or ended
        return decide(words)

    def _greeting(self, kind: bytes) -> list[bytes] | None:
        """The words of the line that begins with the nonce; None where it ends before. All before is noise."""
        line = re.compile(rb"\n%s %s(| [^\n]{0,999})\n" % (self.nonce, kind))
        while not (found := line.search(self._held)):
            if not hear(self._pipe, self._held, self._deadline):
                return None
            if len(self._held) > NOISE:
                raise HostError("its login shell never stops talking", "see what its start files do", State.NO_SHELL)
        words = found[1].split()  # before the bytes that the match is of are taken away
        del self._held[: found.end()]
        return words

    def answers(self, questions: Iterable[Question]) -> Iterator[bytes]:
        """Yield the answer to each; the next ones are under way meanwhile.

        Raises:
            HostError: the link broke, the time is over, or an answer has no end.
        """
        waiting: deque[tuple[int, int]] = deque()
        flying = 0
        for question in questions:
            packed = question.packed
            while waiting and flying + len(packed) > AHEAD:
                size, most = waiting.popleft()
                flying -= size
                yield self._answer(most)
            self._pipe.send(packed)
            waiting.append((len(packed), question.most))
            flying += len(packed)
        for _size, most in waiting:
            yield self._answer(most)

    def about(
        self,
        verb: Sequence[bytes],
        names: Iterable[bytes],
        count: int = WORDS,
        work: Callable[[bytes], int] = lambda _name: 0,
        most: int = ANSWER,
    ) -> Iterator[tuple[list[bytes], bytes]]:
        """Yield names, as many as fit in one question and make not too much work, and the answer about them."""
        asked: deque[list[bytes]] = deque()

        def questions() -> Iterator[Question]:
            for batch in _batches(names, min(count, WORDS - 1 - len(verb)), work):
                asked.append(batch)
                yield Question((*verb, *batch), most)

        for answer in self.answers(questions()):
            yield asked.popleft(), answer

    def _answer(self, most: int) -> bytes:
        end, start = self.nonce + b"\n", 0
        while (at := self._held.find(end, start)) < 0:
            if len(self._held) > most + len(end):
                raise HostError(f"an answer is longer than {most >> 20} MiB", "watch less of it", State.PARTIAL)
            start = max(0, len(self._held) - len(end))
            if not hear(self._pipe, self._held, self._deadline):
                raise HostError("the connection ended in the middle of an answer", "try again", State.UNREACHABLE)
        answer = bytes(self._held[:at])
        del self._held[: at + len(end)]
        return answer


def _scripts() -> tuple[str, str, str]:
    """The three scripts of probe.sh without their comments."""
    text = files("auditkit.probe").joinpath("probe.sh").read_text("utf-8")
    _head, *scripts = re.split(r"^#-- \w+\n", text, flags=re.MULTILINE)
    door, room, work = (re.sub(r"^ *#.*\n", "", script, flags=re.MULTILINE) for script in scripts)
    return door, room, work


def _batches(names: Iterable[bytes], count: int, work: Callable[[bytes], int]) -> Iterator[list[bytes]]:
    batch: list[bytes] = []
    size = works = 0
    for name in names:
        more = work(name)
        if batch and (len(batch) == count or size + len(name) > NAMES_BYTES or works + more > MOST_WORK):
            yield batch
            batch, size, works = [], 0, 0
        batch.append(name)
        size += len(name) + 1
        works += more
    if batch:
        yield batch
