"""Runs the tests of most folders beside those of the files: two processes, each with its tests in their order.

They are forked once all tests are known, so that each is a parent of its own processes only, and send pytest's own
reports back, which are told here as if the tests had run here. A test without a report is an error. With `--one-by-one`,
and where somebody wants to look on (`--pdb`, `-s`), there is one process as usual.
"""

import os
import signal
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import Any

import pytest

TESTS = Path(__file__).resolve().parent
WITH_THE_FILES = frozenset(TESTS / name for name in ("truth", "vendor"))
"""Folders whose tests run with those of the files, so that one half takes as long as the other."""


@dataclass
class Half:
    """Tests that run in a process of their own, and what it has said of them."""

    items: Sequence[pytest.Item]
    process: int
    words: "Connection[Any, Any]"
    reports: list[pytest.TestReport] = field(default_factory=list)
    """Of the test under way."""
    done: int = 0
    """Tests that all was told of."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the way without a second process."""
    parser.addoption("--one-by-one", action="store_true", help="run no test beside another")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """Run all tests in two processes; None leaves it to pytest."""
    with_files = {TESTS, *WITH_THE_FILES}
    parts = [[item for item in session.items if (item.path.parent in with_files) is whether] for whether in (False, True)]
    option = session.config.option
    alone = option.one_by_one or option.collectonly or option.usepdb or option.trace or option.capture == "no"
    if alone or session.testsfailed or not all(parts):
        return None
    session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined] # one for both
    with _running(session, parts) as halves:
        for half, told in _heard(halves):
            _tell(session, half, told)
            if session.shouldfail:
                raise session.Failed(session.shouldfail)
            if session.shouldstop:
                raise session.Interrupted(session.shouldstop)
    for half in halves:
        if missing := half.items[half.done :]:
            raise RuntimeError(f"the process of the tests is gone: {missing[0].nodeid} has no report, nor what came after it")
    return True


@contextmanager
def _running(session: pytest.Session, parts: Sequence[Sequence[pytest.Item]]) -> Iterator[list[Half]]:
    """The processes that run these tests; none of them outlives the block."""
    halves: list[Half] = []
    try:
        halves.extend(_begun(session, items) for items in parts)
        yield halves
    except BaseException:
        for half in halves:
            os.kill(half.process, signal.SIGINT)  # as by Ctrl-C: what the test has set up is taken down
        raise
    finally:
        for half in halves:
            half.words.close()
            os.waitpid(half.process, 0)


def _begun(session: pytest.Session, items: Sequence[pytest.Item]) -> Half:
    here, there = Pipe(duplex=False)
    process = os.fork()
    if process:
        there.close()
        return Half(items, process, here)
    try:
        here.close()
        _run(session, items, there)
    finally:
        os._exit(0)


def _run(session: pytest.Session, items: Sequence[pytest.Item], words: "Connection[Any, Any]") -> None:
    """Run tests one after the other, and send each report instead of showing it."""
    config = session.config
    config.pluginmanager.unregister(name="terminalreporter")
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    capture.stop_global_capturing()  # its file is shared with the other process
    capture.start_global_capturing()
    config.pluginmanager.register(Sender(config, words))
    try:
        for item, following in zip(items, [*items[1:], None], strict=True):
            config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    except BaseException:  # noqa: BLE001 - whatever it is, the other process tells it
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        words.send({"broken": traceback.format_exc()})
    finally:
        session._setupstate.teardown_exact(None)


class Sender:
    """Sends what pytest would show."""

    def __init__(self, config: pytest.Config, words: "Connection[Any, Any]") -> None:
        self.config, self.words = config, words

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Every set-up, call and tear-down."""
        self.words.send(self.config.hook.pytest_report_to_serializable(config=self.config, report=report))


def _heard(halves: Sequence[Half]) -> Iterator[tuple[Half, dict[str, Any]]]:
    """Yield what the processes send, until all have ended."""
    open_ = {half.words: half for half in halves}
    while open_:
        for words in wait(list(open_)):
            assert isinstance(words, Connection)
            try:
                yield open_[words], words.recv()
            except EOFError:
                del open_[words]


def _tell(session: pytest.Session, half: Half, told: dict[str, Any]) -> None:
    """Take one report; once a test is done, show it as pytest does."""
    if "broken" in told:
        raise RuntimeError(told["broken"])
    hook = session.config.hook
    half.reports.append(hook.pytest_report_from_serializable(config=session.config, data=told))
    last = half.reports[-1]
    if last.when == "teardown":
        hook.pytest_runtest_logstart(nodeid=last.nodeid, location=last.location)
        for report in half.reports:
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=last.nodeid, location=last.location)
        half.reports.clear()
        half.done += 1
