"""A few processes that read logs side by side, and leave nothing behind: not on an interrupt, nor when who asks is killed."""

import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkContext, SpawnContext
from multiprocessing.process import BaseProcess
from typing import Any

Job = tuple[Any, ...]
Tell = Callable[[Any], None]
Work = Callable[[Job, Tell], Any]
"""What is done with a job, by a function of a module; what it tells meanwhile may be anything."""
KILLED = "killed"
PERIOD = 0.1
"""Seconds between two looks at how far they are."""
_FORK, _SPAWN = get_context("fork"), get_context("spawn")


def done(work: Work, jobs: Sequence[Job], hands: int, heard: Callable[[int, Any], object]) -> Iterator[tuple[int, Any]]:
    """Yield number and outcome of each job as they end; KILLED of those whose process was ended by somebody else.

    `heard` is given the number of a job and what it tells meanwhile.
    """
    waiting = list(reversed(range(len(jobs))))
    workers: list[_Worker] = []
    try:
        while waiting or any(worker.job is not None for worker in workers):
            while waiting and len(workers) < hands:
                workers.append(_Worker(work))
            for worker in workers:
                if worker.job is None and waiting:
                    worker.give(waiting.pop(), jobs)
            for worker in _heard(workers):
                number, kind, told = worker.told()
                if kind == "done" and not waiting:  # what it holds is not needed any more
                    workers.remove(worker)
                    worker.end()
                if number is not None and kind == "told":
                    heard(number, told)
                elif number is not None:
                    yield number, told
                if kind == KILLED:
                    workers.remove(worker)
    finally:
        for worker in workers:
            worker.end()


def _heard(workers: Sequence["_Worker"]) -> list["_Worker"]:
    ready = wait([worker.ours for worker in workers], PERIOD)
    return [worker for worker in workers if worker.ours in ready]


class _Worker:
    """One process, and the job that it is at."""

    def __init__(self, work: Work) -> None:
        # a fork is there at once and shares what was loaded; where threads are under way, it would copy their locks
        context: ForkContext | SpawnContext = _FORK if threading.active_count() == 1 else _SPAWN
        self.ours, theirs = context.Pipe()
        self.job: int | None = None
        self.process: BaseProcess = context.Process(target=_serve, args=(theirs, work), daemon=True)
        self.process.start()
        theirs.close()

    def give(self, number: int, jobs: Sequence[Job]) -> None:
        """Send a job."""
        self.job = number
        with suppress(OSError):  # it was killed, which its silence tells
            self.ours.send(jobs[number])

    def told(self) -> tuple[int | None, str, Any]:
        """Number of its job, what it tells and how much; KILLED where it has come to an end."""
        try:
            kind, told = self.ours.recv()
        except (EOFError, OSError):
            self.end()
            number, self.job = self.job, None
            return number, KILLED, KILLED
        number = self.job
        if kind == "done":
            self.job = None
        return number, kind, told

    def end(self) -> None:
        """Take the process away."""
        self.process.kill()
        self.process.join()
        self.ours.close()


def _serve(asked: Connection, work: Work) -> None:
    """Work on what is asked, until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # readings are bounded and have no cycles
    threading.Thread(target=_watch, daemon=True).start()
    while True:
        try:
            job = asked.recv()
        except (EOFError, OSError):
            return
        with suppress(OSError):
            asked.send(("done", work(job, lambda told: asked.send(("told", told)))))


def _watch() -> None:
    """End this process as soon as the one that began it is gone."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
