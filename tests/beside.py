"""Runs the tests in four processes: each takes a file that nobody has begun, as long as there is one.

A file's tests run in their order, in one process. There are more processes than processors of the machine that has to be fast
enough, two, for many a test waits: for a daemon or a time-out. One process begins with those. They are forked once all tests
are known, so that each is a parent of its own processes only, and send pytest's own reports back, which are told here as if
the tests had run here. A test without a report is an error. With `--one-by-one`, and where somebody wants to look on (`--pdb`,
`-s`), there is one process as usual.
"""

import gc
import os
import signal
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import Any

import pytest

PROCESSES = 4
TESTS = Path(__file__).resolve().parent
WAITING = ("fleet/test_fleet_real.py", "truth", "fleet", "listeners")
"""Files and folders whose tests wait more than they compute; what takes longest comes first."""
LONG = ("test_docs.py", "test_survival_tampering.py", "test_survival_races.py", "test_survival_changes.py", "test_evidence.py")
"""Of the others those that take longest: begun last, they would be all that is under way in the end."""
Tests = Sequence[pytest.Item]
NUMBER = 2
"""Bytes of the number of a file."""


@dataclass
class Runner:
    """A process that runs tests, and what it has said of them."""

    process: int
    words: "Connection[Any, Any]"
    reports: list[pytest.TestReport] = field(default_factory=list)
    """Of the test under way."""
    test: str = ""
    """What is under way."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the way without a second process."""
    parser.addoption("--one-by-one", action="store_true", help="run no test beside another")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run all tests in several processes; None leaves it to pytest."""
    files = _files(session.items)
    option = session.config.option
    alone = option.one_by_one or option.collectonly or option.usepdb or option.trace or option.capture == "no"
    if alone or session.testsfailed or len(files) < 2:
        return None
    session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined] # one for all
    missing = Counter(item.nodeid for item in session.items)
    with _running(session, files) as runners:
        for runner, told in _heard(runners):
            missing[_tell(session, runner, told)] -= 1
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
    lost = [runner.test for runner in runners if runner.test] or [*(+missing)]
    if lost:
        raise RuntimeError(f"the process of the tests is gone: {lost[0]} has no report, nor what came after it")
    return True


def _files(items: Tests) -> list[Tests]:
    """The tests of each file."""
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    return list(files.values())


def _queues(files: Sequence[Tests]) -> tuple[int, int]:
    """Pipes that hold the numbers of the files that wait, and of all others; who reads one takes it from all the others."""
    waits, takes = ([_place(tests[0].path, names) for tests in files] for names in (WAITING, LONG))
    numbers = sorted(range(len(files)), key=lambda number: (waits[number], takes[number]))
    waiting = [number for number in numbers if waits[number] < len(WAITING)]
    return _queue(waiting), _queue(numbers[len(waiting) :])


def _place(path: Path, names: Sequence[str]) -> int:
    """Where a file comes among these files and folders, or their number for one that is none of them."""
    of = [at for at, name in enumerate(names) if path.is_relative_to(TESTS / name)]
    return min(of, default=len(names))


def _queue(numbers: Sequence[int]) -> int:
    queue, end = os.pipe()
    with open(end, "wb") as all_:
        all_.writelines(number.to_bytes(NUMBER, "big") for number in numbers)
    return queue


@contextmanager
def _running(session: pytest.Session, files: Sequence[Tests]) -> Iterator[list[Runner]]:
    """The processes that run these tests; none of them outlives the block."""
    runners: list[Runner] = []
    waiting, others = _queues(files)
    orders = [(waiting, others), *[(others, waiting)] * (PROCESSES - 1)]
    gc.collect()
    gc.freeze()  # all that is known by now stays: nobody needs to look through it again, or to copy it
    try:
        runners.extend(_begun(session, files, order) for order in orders[: len(files)])
        yield runners
    except BaseException:
        for runner in runners:
            os.kill(runner.process, signal.SIGINT)  # as by Ctrl-C: what the test has set up is taken down
        raise
    finally:
        os.close(waiting)
        os.close(others)
        for runner in runners:
            runner.words.close()
            os.waitpid(runner.process, 0)


def _begun(session: pytest.Session, files: Sequence[Tests], order: Sequence[int]) -> Runner:
    here, there = Pipe(duplex=False)
    process = os.fork()
    if process:
        there.close()
        return Runner(process, here)
    try:
        here.close()
        _run(session, files, order, there)
    finally:
        os._exit(0)


def _run(session: pytest.Session, files: Sequence[Tests], order: Sequence[int], words: "Connection[Any, Any]") -> None:
    """Run the tests of one file after the other, and send each report instead of showing it."""
    config = session.config
    config.pluginmanager.unregister(name="terminalreporter")
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()  # its file is shared with the other processes
    capture.start_global_capturing()
    config.pluginmanager.register(Sender(config, words))
    try:
        for number in _taken(order):
            tests = files[number]
            # what comes then is not known yet: all is taken down but what the whole session shares
            for item, following in zip(tests, [*tests[1:], session], strict=True):
                config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    except BaseException:  # noqa: BLE001 - whatever it is, the other process tells it
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        words.send({"broken": traceback.format_exc()})
    finally:
        session._setupstate.teardown_exact(None)


def _taken(order: Sequence[int]) -> Iterator[int]:
    """Yield numbers of files that nobody else takes, until none is left in any queue."""
    for queue in order:
        while number := os.read(queue, NUMBER):
            yield int.from_bytes(number, "big")


class Sender:
    """Sends what pytest would show."""

    def __init__(self, config: pytest.Config, words: "Connection[Any, Any]") -> None:
        self.config, self.words = config, words

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """What is under way."""
        self.words.send({"begun": nodeid})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Every set-up, call and tear-down."""
        self.words.send(self.config.hook.pytest_report_to_serializable(config=self.config, report=report))


def _heard(runners: Sequence[Runner]) -> Iterator[tuple[Runner, dict[str, Any]]]:
    """Yield what the processes send, until all have ended."""
    open_ = {runner.words: runner for runner in runners}
    while open_:
        for words in wait(list(open_)):
            assert isinstance(words, Connection)
            try:
                yield open_[words], words.recv()
            except EOFError:
                del open_[words]


def _tell(session: pytest.Session, runner: Runner, told: dict[str, Any]) -> str:
    """Take one report; once a test is done, show it as pytest does, and give its name."""
    if "broken" in told:
        raise RuntimeError(told["broken"])
    if "begun" in told:
        runner.test = told["begun"]
        return ""
    hook = session.config.hook
    runner.reports.append(hook.pytest_report_from_serializable(config=session.config, data=told))
    last = runner.reports[-1]
    if last.when != "teardown":
        return ""
    hook.pytest_runtest_logstart(nodeid=last.nodeid, location=last.location)
    for report in runner.reports:
        hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(nodeid=last.nodeid, location=last.location)
    runner.reports.clear()
    runner.test = ""
    return str(last.nodeid)
