"""The truth table: who gets in is who the row says, and auditkit says the same, of the machine and of its disk.

By hand, with more releases: `AUDITKIT_TRUTH=bullseye,bookworm,trixie,sid pytest tests/truth`.
"""

import os

import pytest

from truth.conftest import Table
from truth.rows import Row, Version, rows

OPENSSH: dict[str, Version] = {"bullseye": (8, 4), "bookworm": (9, 2), "trixie": (10, 0), "sid": (10, 6)}
RELEASES = os.environ.get("AUDITKIT_TRUTH", "bookworm,trixie").split(",")
CASES = [pytest.param(name, row, id=f"{name}-{row.slug}") for name in RELEASES for row in rows() if row.needs <= OPENSSH[name]]


@pytest.mark.parametrize(("release", "row"), CASES)
def test_reality(release: str, row: Row, table: Table) -> None:
    so = {str(way) for way in table(release, row).ways}
    assert so == {str(way) for way in row.true(OPENSSH[release])}
