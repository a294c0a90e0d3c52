"""Passphrases and passwords: from a person at the terminal, or from a file descriptor; never from an argument."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from queue import Empty, SimpleQueue

import click

from auditkit.errors import UsageError

LONGEST = 4096
"""Bytes of a password."""


class Prompts:
    """Asks a person, one question at a time and each only once, in the thread that made it; others wait until it serves them.

    A thread that asks the same again was given a wrong answer, and gets a new one.
    """

    def __init__(self, prompt: Callable[[str], str]) -> None:
        self._prompt = prompt
        self._home = threading.current_thread()
        self._asked: SimpleQueue[tuple[str, threading.Thread, Future[str]]] = SimpleQueue()
        self._answers: dict[str, str] = {}
        self._told: set[tuple[str, threading.Thread]] = set()

    def __call__(self, question: str) -> str:
        """The answer to a question."""
        me = threading.current_thread()
        if me is self._home:
            return self._answer(question, me)
        future: Future[str] = Future()
        self._asked.put((question, me, future))
        return future.result()

    def serve(self, pause: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        """Answer who waits, the display paused meanwhile."""
        while True:
            try:
                question, who, future = self._asked.get_nowait()
            except Empty:
                return
            with pause():
                future.set_result(self._answer(question, who))

    def _answer(self, question: str, who: threading.Thread) -> str:
        if question not in self._answers or (question, who) in self._told:
            self._answers[question] = self._prompt(question)
        self._told.add((question, who))
        return self._answers[question]


def prompts(password_fd: int | None) -> Prompts | None:
    """Who answers: the descriptor if one is given, else a person if one is there, else nobody.

    Raises:
        UsageError: nothing can be read from the descriptor.
    """
    if password_fd is not None:
        password = read(password_fd)
        return Prompts(lambda _question: password)
    return Prompts(person) if sys.stdin.isatty() and sys.stderr.isatty() else None


def person(question: str) -> str:
    """What a person at the terminal answers; nothing of it is shown."""
    shown = "".join(char if char.isprintable() else "?" for char in question).rstrip(": ")
    try:
        return str(click.prompt(shown, hide_input=True, err=True, default="", show_default=False, prompt_suffix=": "))
    except click.Abort:
        raise KeyboardInterrupt from None


def read(descriptor: int) -> str:
    """The first line that an open file descriptor gives.

    Raises:
        UsageError: there is none, or it is no password.
    """
    data = b""
    try:
        while b"\n" not in data and len(data) <= LONGEST and (piece := os.read(descriptor, LONGEST)):
            data += piece
    except OSError as error:
        raise UsageError(
            f"file descriptor {descriptor} cannot be read: {error.strerror}", "open it: auditkit ... --password-fd 3 3<FILE"
        ) from error
    line = data.partition(b"\n")[0].removesuffix(b"\r")
    if not line or len(line) > LONGEST:
        raise UsageError(f"file descriptor {descriptor} gives no password", "write the password and a newline to it")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"what file descriptor {descriptor} gives is no UTF-8", "write the password in UTF-8") from error
