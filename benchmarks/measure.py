"""Runs commands in turn, and says what each cost: wall time, processor time, memory of the whole process tree."""

import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

EVERY = 0.02  # seconds between two looks at the memory of a process tree


@dataclass(frozen=True, slots=True)
class Task:
    """One command to time, what to make ready before each run, and how to tell that it did its work."""

    label: str
    argv: tuple[str, ...]
    output: Path
    before: Callable[[], None] = lambda: None
    done: Callable[[], str] = lambda: ""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run cost; sums of memory are zero where nobody sampled, a problem is empty where the work was done."""

    wall: float
    cpu: float
    code: int
    largest_mib: float = 0.0
    rss_mib: float = 0.0
    pss_mib: float = 0.0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two tasks run alternately: the first runs of each, sampled and not timed, and the timed ones."""

    ours: tuple[Run, ...]
    theirs: tuple[Run, ...]
    our_memory: Run
    their_memory: Run

    @property
    def ratio(self) -> float:
        """How many times as long as ours theirs takes: the median over the pairs."""
        return median(their.wall / our.wall for our, their in zip(self.ours, self.theirs, strict=True))

    @property
    def problems(self) -> tuple[str, ...]:
        """What went wrong in any run, each once; numbers of such a pair prove nothing."""
        runs = (*self.ours, *self.theirs, self.our_memory, self.their_memory)
        return tuple(dict.fromkeys(run.problem for run in runs if run.problem))


class Sampler:
    """Watches a process tree from a thread and keeps, in KiB, the highest sums of RSS and PSS and the largest process.

    The largest process is by VmHWM, not by ru_maxrss: that one starts with the size of whoever started the process.
    """

    def __init__(self, pid: int) -> None:
        """Begin to watch at once."""
        self.pid = pid
        self.rss = 0
        self.pss = 0
        self.largest = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self) -> None:
        """Look every 20 milliseconds until told to stop."""
        while not self.over.is_set():
            memories = [memory_of(pid) for pid in tree(self.pid)]
            self.rss = max(self.rss, sum(rss for rss, _, _ in memories))
            self.pss = max(self.pss, sum(pss for _, pss, _ in memories))
            self.largest = max(self.largest, *(largest for _, _, largest in memories), 0)
            self.over.wait(EVERY)

    def stop(self) -> None:
        """Stop watching; the sums stay."""
        self.over.set()
        self.thread.join()


def tree(pid: int) -> Iterator[int]:
    """The process and all that descend from it, as /proc/PID/task/TID/children of proc(5) tells."""
    yield pid
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return
    for thread in threads:
        try:
            children = Path(f"/proc/{pid}/task/{thread}/children").read_text()
        except OSError:
            continue
        for child in children.split():
            yield from tree(int(child))


def memory_of(pid: int) -> tuple[int, int, int]:
    """RSS, PSS and the highest RSS so far of one process in KiB; nothing of one that has ended meanwhile."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text() + Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0, 0, 0
    found = dict(re.findall(r"^(Rss|Pss|VmHWM):\s+(\d+) kB", text, re.MULTILINE))
    return int(found.get("Rss", 0)), int(found.get("Pss", 0)), int(found.get("VmHWM", 0))


def run(task: Task, *, sample: bool = False) -> Run:
    """Run a task once and check that it did its work.

    A sampled run is not for timing: reading smaps_rollup holds up the process it is about.
    """
    task.before()
    env = {name: value for name, value in os.environ.items() if not name.startswith("AUDITKIT_")}
    with task.output.open("wb") as output, task.output.with_suffix(".err").open("wb") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            task.argv, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, cwd=task.output.parent, env=env
        )
        sampler = Sampler(process.pid) if sample else None
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if sampler:
        sampler.stop()
    return Run(
        wall=wall,
        cpu=used.ru_utime + used.ru_stime,
        code=process.returncode,
        largest_mib=sampler.largest / 1024 if sampler else 0.0,
        rss_mib=sampler.rss / 1024 if sampler else 0.0,
        pss_mib=sampler.pss / 1024 if sampler else 0.0,
        problem=problem_of(task, process.returncode),
    )


def problem_of(task: Task, code: int) -> str:
    """Why a run proves nothing: it failed, or did less than it was asked for."""
    if code:
        errors = task.output.with_suffix(".err").read_text(errors="replace").strip().splitlines()
        return f"{task.label}: exit {code} {errors[-1][:120] if errors else ''}".strip()
    reason = task.done()
    return f"{task.label}: {reason}" if reason else ""


def pair(ours: Task, theirs: Task, runs: int) -> Pair:
    """Run two tasks alternately, after one sampled run of each that also warms the cache; no run is dropped."""
    our_memory, their_memory = run(ours, sample=True), run(theirs, sample=True)
    timed = [(run(ours), run(theirs)) for _ in range(runs)]
    return Pair(tuple(our for our, _ in timed), tuple(their for _, their in timed), our_memory, their_memory)
