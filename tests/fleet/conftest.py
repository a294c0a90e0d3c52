"""The fleet as a fixture; where it cannot be, the tests that want it are skipped with the reason."""

from collections.abc import Iterator
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
