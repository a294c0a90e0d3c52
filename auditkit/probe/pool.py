"""Several processes on one tree: tasks go out, blocks come back, and are given on in path order.

Threads would not help: for small files CPython holds its lock most of the time. A process that dies (a mapped file was
cut, memory ran out) takes nobody along: its task is done again more carefully, and what kills it twice becomes a gap.
"""

import _signal as signal  # type: ignore[import-not-found]  # see serve.py
import fcntl
import gc
import itertools
import marshal
import os
import select
import struct
import sys
import time

from .haste import RAISE, Haste
from .hints import Any, Callable, Dict, Iterator, List, Optional, Tuple, Union
from .walk import Names, Walk

HELD = 3 << 20
"""Bytes of blocks that may wait for an earlier directory before only that one is worked on."""
FLUSH = 256 << 10
DIRECTORIES_A_TASK = 64
_AHEAD = 2
_LENGTH = struct.Struct("=I")
_F_SETPIPE_SZ = 1031

if sys.version_info >= (3, 8):
    from .hints import Literal

    Seen = Union[Tuple[Literal["blocks"], List[bytes]], Tuple[Literal["gap"], str, str], Tuple[Literal["seen"], int, int]]
    """What a scan yields: blocks of entries; the path of a gap and its reason; how many entries and bytes it has seen since."""
else:  # Literal is younger
    Seen = Tuple[Any, ...]
Work = Callable[[bool], Walk]
"""Makes the walk of one process; whether it may map large files."""


class Task:
    """Directories to go down from, and what has come of it so far."""

    def __init__(self, left: List[Names], careful: bool = False) -> None:
        self.left = left
        self.careful = careful
        self.inside: Optional[Names] = None
        self.blocks: List[List[bytes]] = []
        self.sent = False
        self.done = False


class Worker:
    """One process that walks: a pipe for tasks, a pipe for results."""

    def __init__(self, work: Work, others: "List[Worker]") -> None:
        task_read, self.to = os.pipe()
        self.back, result_write = os.pipe()
        self.tasks: List[Task] = []
        self.unsent = b""
        self.pid = os.fork()
        if not self.pid:
            try:
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                for handle in [self.to, self.back] + [end for other in others for end in (other.to, other.back)]:
                    os.close(handle)
                gc.disable()
                _serve(work, task_read, result_write)
            finally:  # never back into the code of the caller, of which this is a copy
                if sys.exc_info()[0] is not None:
                    sys.excepthook(*sys.exc_info())
                os._exit(70)
        os.close(task_read)
        os.close(result_write)
        os.set_blocking(self.to, False)
        try:
            fcntl.fcntl(self.back, _F_SETPIPE_SZ, 1 << 20)
        except OSError:
            pass  # then it is of the usual size

    def give(self, task: Task) -> None:
        """Send a task; it is worked on after those sent before."""
        task.sent = True
        self.tasks.append(task)
        self.unsent += _message((task.left, task.careful))
        self.push()

    def push(self) -> None:
        """Write what the pipe takes of the tasks not yet sent; never wait, for the worker may be waiting for us."""
        try:
            while self.unsent:
                self.unsent = self.unsent[os.write(self.to, self.unsent) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:  # it died: its results end, and that is where its tasks are taken back
            self.unsent = b""

    def end(self, wait: bool = True) -> int:
        """Take the process away and tell how it ended, as waitpid(2) does; one that a dead disk holds cannot be waited for."""
        os.close(self.to)
        os.close(self.back)
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        return os.waitpid(self.pid, 0 if wait else os.WNOHANG)[1]


class Pool:
    """Workers on one tree: iterate for what they have seen, blocks in path order."""

    def __init__(self, work: Work, jobs: int, haste: Haste) -> None:
        self.work = work
        self.haste = haste
        self.order = [Task([()])]
        self.held = 0
        self.jobs = jobs
        self.workers: List[Worker] = []
        self._another()

    def __iter__(self) -> Iterator[Seen]:
        try:
            while self.order:
                head = self.order[0]
                while head.blocks:
                    blocks = head.blocks.pop(0)
                    self.held -= sum(map(len, blocks))
                    yield "blocks", blocks
                if head.done:
                    del self.order[0]
                    continue
                self._give()
                ready = self._ready()
                if not ready and self._late():
                    for told in self._unreached():
                        yield told
                    return
                for worker in ready:
                    for told in self._result(worker):
                        yield told
        finally:
            for worker in self.workers:
                worker.end(wait=not self._late())

    def _another(self) -> Worker:
        self.workers.append(Worker(self.work, self.workers))
        return self.workers[-1]

    def _late(self) -> bool:
        return time.monotonic() >= self.haste.end

    def _unreached(self) -> Iterator[Seen]:
        """What has been seen of the rest, and a gap for each directory that has not."""
        for task in self.order:
            while task.blocks:
                yield "blocks", task.blocks.pop(0)
            for names in [] if task.done else ([task.inside] if task.inside is not None else []) + list(task.left):
                yield "gap", "/" + "/".join(names), "not reached within %.3g seconds" % self.haste.seconds + RAISE

    def _give(self) -> None:
        """Send out tasks, the earliest first, so that little has to wait for its turn."""
        for task in self.order[:1] if self.held > HELD else self.order:
            if not task.sent:
                worker = min(self.workers, key=lambda each: len(each.tasks))
                if worker.tasks and len(self.workers) < self.jobs:  # for a small tree one is enough
                    worker = self._another()
                if len(worker.tasks) >= _AHEAD:
                    return
                worker.give(task)

    def _ready(self) -> List[Worker]:
        """The workers that have something to tell; meanwhile tasks go out as the pipes take them."""
        behind = {worker.to: worker for worker in self.workers if worker.unsent}
        wait = max(0.0, self.haste.end - time.monotonic()) if self.haste.end < float("inf") else None
        ready, free, _ = select.select([worker.back for worker in self.workers], list(behind), [], wait)
        for handle in free:
            behind[handle].push()
        return [worker for worker in self.workers if worker.back in ready]

    def _result(self, worker: Worker) -> Iterator[Seen]:
        message = _receive(worker.back)
        if message is None:
            for told in self._died(worker):
                yield told
            return
        blocks, gaps, left, inside, done, entries, read = message
        task = worker.tasks[0]
        if blocks:
            task.blocks.append(blocks)
        self.held += sum(map(len, blocks))
        task.left, task.inside, task.done = left, inside, done
        if done:
            worker.tasks.pop(0)
            self._follow(task, self._split(task, left))
        for path, why in gaps:
            yield "gap", path, why
        yield "seen", entries, read

    def _split(self, task: Task, left: List[Names]) -> List[Task]:
        """The rest of a task as one task, or as several while there is less to give out than hands.

        Where much waits for the first task, its rest is split too: all hands shall work where the order holds them up.
        """
        wanted = 2 * len(self.workers)
        waiting = len(list(itertools.islice((each for each in self.order if not each.sent), wanted)))
        first = task is self.order[0] and self.held > HELD // 8
        size = min(DIRECTORIES_A_TASK, -(-len(left) // (wanted if waiting < wanted or first else 1))) or 1
        return [Task(left[at : at + size]) for at in range(0, len(left), size)]

    def _follow(self, task: Task, after: List[Task]) -> None:
        at = self.order.index(task) + 1
        self.order[at:at] = after

    def _died(self, worker: Worker) -> Iterator[Seen]:
        """Take back the tasks of a dead worker; what killed two of them is a gap."""
        status = worker.end()
        self.workers.remove(worker)
        tasks = list(worker.tasks)
        self._another()
        why = "the process that read it ended with %s" % _ended(status)
        for place, task in enumerate(tasks):
            left = task.left
            culprit = task.inside if task.inside is not None else left[0] if task.careful and left and not place else None
            if culprit is not None:
                yield "gap", "/" + "/".join(culprit), why
                left = left[1:] if task.inside is None else left
            task.done = True
            self._follow(task, [Task(left, careful=not place)] if left else [])


def _serve(work: Work, tasks: int, results: int) -> None:
    """Walk for every task that comes, until none comes any more."""
    walks: Dict[bool, Walk] = {}
    while True:
        message = _receive(tasks)
        if message is None:
            os._exit(0)
        left, careful = message
        walk = walks.get(careful) or walks.setdefault(careful, work(not careful))
        blocks: List[bytes] = []
        size = 0
        for block in walk.run(left):
            if block:
                blocks.append(block)
                size += len(block)
            if size > FLUSH or careful:
                _report(results, walk, blocks, False)
                blocks, size = [], 0
        _report(results, walk, blocks, True)


def _report(results: int, walk: Walk, blocks: List[bytes], done: bool) -> None:
    entries, read = walk.news()
    _write(results, _message((blocks, walk.gaps, walk.left(), walk.inside, done, entries, read)))
    walk.gaps = []


def _message(told: Tuple[Any, ...]) -> bytes:
    data = marshal.dumps(told)
    return _LENGTH.pack(len(data)) + data


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def _receive(handle: int) -> Any:
    """The next message, or None when the other side is gone, in the middle of one too."""
    head = _read(handle, _LENGTH.size)
    data = _read(handle, _LENGTH.unpack(head)[0]) if head else b""
    return marshal.loads(data) if data else None


def _read(handle: int, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        more = os.read(handle, min(length - len(data), 1 << 20))
        if not more:
            return b""
        data += more
    return bytes(data)


def _ended(status: int) -> str:
    if os.WIFSIGNALED(status):
        return "signal %d" % os.WTERMSIG(status)
    return "status %d" % os.WEXITSTATUS(status)
