"""What apt of a host has: a hostile one may have very much of it."""

from pathlib import Path
from typing import Any

import pytest
from debian import put

from auditkit.hosts import open_host
from auditkit.model import Gap
from auditkit.vendor import apt


@pytest.mark.parametrize(("name", "most"), [("MOST_RELEASES", 3), ("LARGEST", 31)])
def test_of_very_many_releases_some_are_looked_at_and_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    monkeypatch.setattr(apt, name, most)
    for number in range(5):
        put(tmp_path / f"{apt.LISTS[1:]}{number}_InRelease", b"whatever")
    host: Any = open_host(f"root:{tmp_path}")
    *releases, gap = apt.releases(host, host, ["amd64"])
    assert [one.name for one in releases if isinstance(one, apt.Lists)] == [
        f"{apt.LISTS}{number}_InRelease" for number in range(3)
    ]
    assert isinstance(gap, Gap)
    assert gap.reason.endswith("the others were not looked at")
