"""Whose word on packages a run takes: lists and packages of a disk are hostile, and other distributions are not the host's."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import debian
import pytest

from auditkit.commands import keyrings, supplies, vouching
from auditkit.model import Gap
from auditkit.packages import Manifest, Package

pytestmark = pytest.mark.skipif(not shutil.which("gpg"), reason="needs gpg to sign")
PACKAGE = Package("dpkg", "hello", "1.0-1", "amd64")
SUITE = "example_dists_kiwi"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk whose apt has a signed list and the package."""
    home = Path(tempfile.mkdtemp(prefix="gpg-"))  # its agent's socket must have a short name
    vendor = debian.Vendor(home)
    data = debian.deb(debian.file("./usr/bin/hello", b"hello\n"))
    text = debian.packages(debian.listed(data))
    told = debian.release({"main/binary-amd64/Packages": text}).replace(b"Origin: Example", b"Origin: Debian")
    lists = tmp_path / "disk/var/lib/apt/lists"
    debian.put(lists / f"{SUITE}_InRelease", vendor.clear_signed(told))
    debian.put(lists / f"{SUITE}_main_binary-amd64_Packages", text)
    debian.put(tmp_path / "disk/var/cache/apt/archives/hello_1.0-1_amd64.deb", data)
    debian.put(tmp_path / "keys.gpg", vendor.keyring)
    yield tmp_path / "disk"
    vendor.close()


def signed(disk: Path, name: str) -> list[Manifest | Gap]:
    """What is said of the package; `name` is the distribution of the host."""
    vendor = SimpleNamespace(lists=(), packages=(), mirrors=(), sources=False, keyrings=(str(disk.parent / "keys.gpg"),))
    run: Any = SimpleNamespace(config=SimpleNamespace(vendor=vendor), store=str(disk.parent / "store"), jobs=1)
    host: Any = SimpleNamespace(name=f"root:{disk}")
    return list(vouching.signed(run, host, (PACKAGE,), name))


def test_the_lists_and_packages_of_a_disk_are_believed_as_far_as_they_are_signed(disk: Path) -> None:
    (manifest,) = signed(disk, "debian")
    assert isinstance(manifest, Manifest)
    assert [file.path for file in manifest.files] == ["/usr/bin/hello"]


def test_the_package_of_another_distribution_says_nothing_though_it_has_the_same_version(disk: Path) -> None:
    (gap,) = signed(disk, "ubuntu")
    assert gap == Gap("hello:amd64 1.0-1", "only the package of another distribution is known, debian's")
    assert isinstance(signed(disk, "some-derivative")[0], Manifest)


def test_no_link_on_a_disk_leads_to_the_lists_of_this_machine(disk: Path) -> None:
    elsewhere = disk.parent / "lists"
    (disk / "var/lib/apt/lists").rename(elsewhere)
    (disk / "var/lib/apt/lists").symlink_to(elsewhere)
    assert signed(disk, "kiwi") == []
    (disk / "var/lib/apt/lists").unlink()
    (disk / "var/lib/apt/lists").mkdir()
    for path in elsewhere.iterdir():
        (disk / "var/lib/apt/lists" / path.name).symlink_to(path)
    assert all(isinstance(told, Gap) for told in signed(disk, "kiwi"))


def test_a_disk_with_more_lists_than_any_apt_keeps_is_not_asked(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supplies, "MOST_NAMES", 1)
    (gap,) = signed(disk, "debian")
    assert isinstance(gap, Gap)
    assert gap.reason.endswith("/var/lib/apt/lists has more than 1 files")


def test_keyrings_that_sign_no_archive_any_more_are_not_believed_unless_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("debian-archive-keyring.gpg", "debian-archive-removed-keys.gpg", "debian-keyring.gpg", "README"):
        debian.put(tmp_path / name, b"")
    monkeypatch.setattr(keyrings, "OF_APT", (str(tmp_path),))
    assert [Path(path).name for path in keyrings.of_archives()] == ["debian-archive-keyring.gpg"]
