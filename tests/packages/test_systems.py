"""Which package systems a host has, and that all of them are asked and read in the same way."""

import random
from pathlib import Path

import pytest
from damage import mutated
from rpmfiles import REAL, bdb, ndb, sqlite

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
        (["/usr/lib/sysimage/rpm/Packages.db"], ["rpm"]),
        (["/etc/passwd"], []),
    ],
)
def test_a_host_is_recognised_by_its_files(paths: list[str], names: list[str]) -> None:
    assert [system.name for system in recognised(paths)] == names


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


@pytest.mark.parametrize("kind", ["rpmdb.sqlite", "Packages.db", "Packages"])
def test_a_damaged_database_of_rpm_gives_what_is_left_and_gaps(kind: str, tmp_path: Path) -> None:
    blobs = REAL[:3]
    whole = sqlite(blobs, tmp_path / "db") if "sqlite" in kind else ndb(blobs) if ".db" in kind else bdb(blobs)
    (rpm,) = [system for system in SYSTEMS if system.name == "rpm"]
    chance = random.Random(5)
    assert len([told for told in rpm.manifests({f"/var/lib/rpm/{kind}": whole}) if isinstance(told, Manifest)]) == 3
    for _ in range(40):
        files = {f"/var/lib/rpm/{kind}": mutated(whole, chance)}
        assert all(isinstance(told, Package | Gap) for told in rpm.packages(files))
        assert all(isinstance(told, Manifest | Gap) for told in rpm.manifests(files))


def test_of_two_databases_of_rpm_the_one_counts_that_the_newer_kind_of_system_has(tmp_path: Path) -> None:
    newer, older = sqlite(REAL[:1], tmp_path / "db"), bdb(REAL[:3])
    (rpm,) = [system for system in SYSTEMS if system.name == "rpm"]
    both = {"/var/lib/rpm/Packages": older, "/var/lib/rpm/rpmdb.sqlite": newer}
    assert [type(told) for told in rpm.packages(both)] == [Gap, Package]
    assert len(list(rpm.packages({**both, "/var/lib/rpm/rpmdb.sqlite": b""}))) == 3
