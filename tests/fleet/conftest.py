"""The fleet as a fixture; where it cannot be, the tests that want it are skipped with the reason."""

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from fleet.fleet import Fleet
from fleet.images import NoFleetError


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """A network without machines; `fleet.up([("py", 2), ("bb", 1)])` brings some up."""
    try:
        with Fleet(tmp_path) as fleet:
            yield fleet
    except NoFleetError as reason:
        pytest.skip(str(reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    """An image that cannot be built here, as without a mirror, is a reason too; it is found when machines come up."""
    try:
        return (yield)
    except NoFleetError as reason:
        pytest.skip(str(reason))
