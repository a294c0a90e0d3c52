"""Links without a network: a shell of this machine, and hosts whose every byte is written by the test."""

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

from auditkit.ssh import Deadline, LinkFacts


class ShellPipe:
    """A command of this machine in the place of one over SSH."""

    def __init__(self, command: str, environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            [command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
        )

    def send(self, data: bytes) -> None:
        """Write it all; that a process is gone, the next `receive` tells, as over SSH."""
        assert self.process.stdin
        with suppress(BrokenPipeError):
            self.process.stdin.write(data)
            self.process.stdin.flush()

    def receive(self, size: int) -> bytes:
        """What it has said."""
        assert self.process.stdout
        return os.read(self.process.stdout.fileno(), size)

    def complaints(self) -> str:
        """All of its stderr, once it has ended."""
        assert self.process.stderr
        return os.read(self.process.stderr.fileno(), 65536).decode()

    def status(self) -> int | None:
        """How it ended."""
        return self.process.wait(60)

    def close(self) -> None:
        """End its stdin, and it with it."""
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream
            with suppress(BrokenPipeError):  # it may have ended before it has read all
                stream.close()
        self.process.wait(60)


class ShellLink:
    """This machine's own shell as a host."""

    facts = LinkFacts(address="127.0.0.1")

    def __init__(self, **environment: str) -> None:
        self.environment = {"PATH": os.environ["PATH"], **environment}
        self.pipes: list[ShellPipe] = []

    def run(self, command: str) -> ShellPipe:
        """Start it."""
        self.pipes.append(ShellPipe(command, self.environment))
        return self.pipes[-1]

    def close(self) -> None:
        """End what still runs."""
        for pipe in self.pipes:
            pipe.close()


class Script:
    """A host that answers as the test has it: `said` gets what was sent so far and yields the next bytes, b"" for the end."""

    def __init__(self, said: Callable[["Script"], Iterator[bytes]], complaint: str = "") -> None:
        self.sent = b""
        self.facts = LinkFacts()
        self._told = said
        self._said: Iterator[bytes] | None = None
        self._complaint = complaint
        self.closed = False

    @property
    def nonce(self) -> str:
        """The nonce that it was sent in halves."""
        found = re.search(rb"'([0-9a-f]{16})' '([0-9a-f]{16})' s", self.sent)
        assert found
        return (found[1] + found[2]).decode()

    def run(self, _command: str) -> "Script":
        """It is its own pipe."""
        return self

    def send(self, data: bytes) -> None:
        """Remember it."""
        self.sent += data

    def receive(self, size: int) -> bytes:
        """The next of what it says."""
        if self._said is None:
            self._said = self._told(self)
        data = next(self._said, b"")
        assert len(data) <= max(size, 1 << 20)
        return data

    def complaints(self) -> str:
        """Its stderr."""
        return self._complaint

    def status(self) -> int | None:
        """It never tells."""
        return None

    def close(self) -> None:
        """Remember that it was left."""
        self.closed = True


def soon_over(deadline: Deadline) -> None:
    """Only a moment is left from here on, however long it took to get here."""
    deadline.cancel()
    deadline.end, deadline._timer = time.monotonic() + 0.3, None
    deadline.guard(lambda: None)  # starts the clock anew for all that is guarded
