"""Many hosts at once: a job for each over any `concurrent.futures.Executor`; what goes wrong with one is a value, not an end.

Threads are enough: fifty hosts cost a second of this machine. Jobs that need no network run one after the other in the
thread that calls, before any other is started: the scan of this machine forks, which a process with threads must not do.
"""

import random
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any, Generic, TypeVar

from auditkit.errors import AuditkitError, HostError, LastingError
from auditkit.hosts import SECONDS, Host, Reach, is_here, open_host
from auditkit.model import State

T = TypeVar("T")

PARALLEL = 50
"""Hosts at once; more bring nothing on a small machine."""
GRACE = 30.0
"""Seconds beyond that after which a job that does not end by itself is left behind."""
TICK = 0.1
PAUSES = {State.UNREACHABLE: (0.7, 1.5), State.THROTTLED: (20.0, 40.0)}
"""Seconds before the second and the third try. sshd forgets a login too many after half a minute (PerSourcePenalties in
sshd_config(5)); who was refused for his key or password is not let in by asking again, and is not tried again."""
JITTER = 1.5
"""A pause is up to so many times as long, so that fifty hosts behind one gate do not knock together."""


@dataclass(frozen=True, slots=True)
class Result(Generic[T]):
    """What came of one host: the value of its job, or the error that ended it."""

    word: str
    value: T | None = None
    error: AuditkitError | None = None
    seconds: float = 0.0


class Threads(Executor):
    """A thread for each job, none of which keeps the process from ending: a host that hangs hangs alone."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        """Start a job now."""
        future: Future[T] = Future()

        def work() -> None:
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as error:  # noqa: BLE001 - it is raised where the result is asked for
                future.set_exception(error)

        future.set_running_or_notify_cancel()
        threading.Thread(target=work, name="host", daemon=True).start()
        return future


@dataclass(frozen=True, slots=True)
class Limits:
    """How many hosts at once, and how long one may take."""

    parallel: int = PARALLEL
    seconds: float = SECONDS


def run(
    words: Iterable[str],
    job: Callable[[str], T],
    limits: Limits | None = None,
    pool: Executor | None = None,
    tick: Callable[[], None] = lambda: None,
) -> Iterator[Result[T]]:
    """Yield the result of every host as it finishes; on an interrupt the rest is said to be unfinished.

    A job may be run again by a pool whose worker died: it must do no harm the second time. `tick` is called in this
    thread, several times a second.
    """
    left = dict.fromkeys(words)
    try:
        for result in _results(tuple(left), job, limits or Limits(), pool or Threads(), tick):
            left.pop(result.word, None)
            yield result
    except KeyboardInterrupt:
        for word in left:
            yield Result(word, error=HostError("interrupted before it was finished", "run it again", State.PARTIAL))


def _results(
    words: tuple[str, ...], job: Callable[[str], T], limits: Limits, pool: Executor, tick: Callable[[], None]
) -> Iterator[Result[T]]:
    yield from (tried(word, job) for word in words if is_here(word))
    waiting = [word for word in reversed(words) if not is_here(word)]
    running: dict[Future[Result[T]], tuple[str, float]] = {}
    while waiting or running:
        while waiting and len(running) < limits.parallel:
            word = waiting.pop()
            running[pool.submit(tried, word, job)] = word, time.monotonic()
        done, _running = wait(running, TICK, FIRST_COMPLETED)
        tick()
        for future in done:
            yield _result(running.pop(future)[0], future)
        yield from _left_behind(running, time.monotonic() - limits.seconds - GRACE)


def _result(word: str, future: "Future[Result[T]]") -> Result[T]:
    """What a job gave; a pool that lost it is an error of that host only."""
    try:
        return future.result()
    except Exception as error:  # noqa: BLE001 - a pool may raise what it likes
        return Result(word, error=_crash(error))


def _left_behind(running: "dict[Future[Result[T]], tuple[str, float]]", since: float) -> Iterator[Result[T]]:
    """Yield the jobs that began before and will not end; whatever they wait for, nobody waits for them any more."""
    for future in [future for future, (_word, began) in running.items() if began < since]:
        word, began = running.pop(future)
        error = HostError("it did not end when its time was over", "raise --timeout, or see why it is slow", State.TIMEOUT)
        yield Result(word, error=error, seconds=time.monotonic() - began)


def tried(word: str, job: Callable[[str], T]) -> Result[T]:
    """The result of a job that is run here and now."""
    began = time.monotonic()
    try:
        return Result(word, job(word), seconds=time.monotonic() - began)
    except AuditkitError as error:
        return Result(word, error=error, seconds=time.monotonic() - began)
    except Exception as error:  # noqa: BLE001 - one host's crash hides no other host
        return Result(word, error=_crash(error), seconds=time.monotonic() - began)


def _crash(error: Exception) -> HostError:
    """A mistake of ours, or a pool's: its type and place, for its text may hold anything."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = "".join(f" at {PurePath(frame.filename).name}:{frame.lineno}" for frame in last)
    kind = type(error).__name__
    return HostError(f"auditkit failed on it: {kind}", f"report this as a mistake of auditkit: {kind}{place}", State.PARTIAL)


def opened(
    word: str,
    reach: Reach,
    pausing: Callable[[HostError, float], None] = lambda _error, _seconds: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Host:
    """The host, tried again where that may help and the time that `reach` gives allows it.

    `pausing` is told why and how long before each pause.

    Raises:
        HostError: it could not be reached.
        UsageError: the word is no host.
    """
    end = time.monotonic() + (reach.timeout or SECONDS)
    errors: list[HostError] = []
    while True:
        try:
            return open_host(word, replace(reach, timeout=end - time.monotonic()) if errors else reach)
        except HostError as error:
            pause = _pause(word, error, len(errors))
            if errors and error.state is State.TIMEOUT:  # a try that had to be short says nothing new
                raise errors[-1] from error
            if pause is None or time.monotonic() + pause >= end:
                raise
            errors.append(error)
            pausing(error, pause)
        sleep(pause)


def _pause(word: str, error: HostError, attempt: int) -> float | None:
    """How long to wait before the next try; None where there is none."""
    pauses = () if is_here(word) or isinstance(error, LastingError) else PAUSES.get(error.state, ())
    return pauses[attempt] * random.uniform(1.0, JITTER) if attempt < len(pauses) else None  # noqa: S311 - no secret
