"""Which package systems a host has, and that all of them are asked and read in the same way."""

import random

import pytest
from damage import mutated

from auditkit.model import Gap, Means
from auditkit.packages import Manifest, Package
from auditkit.systems import SYSTEMS, System, recognised


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/var/lib/dpkg/status", "/etc/passwd"], ["dpkg"]),
        (["/var/lib/dpkg/status.d/tzdata"], ["dpkg"]),
        (["/usr/lib/apk/db/installed"], ["apk"]),
        (["/var/lib/pacman/local/gmp-6.2.1-2/desc"], ["pacman"]),
        (["/etc/passwd"], []),
    ],
)
def test_a_host_is_recognised_by_its_files(paths: list[str], names: list[str]) -> None:
    assert [system.name for system in recognised(paths) if system.name != "rpm"] == names


def test_all_that_is_asked_are_files_with_a_reason() -> None:
    needs = [need for system in SYSTEMS for need in (*system.needs, *system.lists)]
    assert all(need.means is Means.FILE and need.why for need in needs)


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_nothing_but_packages_manifests_and_gaps_comes_of_noise(system: System) -> None:
    chance = random.Random(2)
    for need in (*system.needs, *system.lists):
        files = {need.what.replace("*", "x"): mutated(chance.randbytes(200), chance) for need in (*system.needs, need)}
        assert all(isinstance(what, Package | Gap) for what in system.packages(files))
        assert all(isinstance(what, Manifest | Gap) for what in system.manifests(files))
    assert list(system.packages({})) == []
