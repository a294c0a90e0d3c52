"""Releases fetched from mirrors and kept: each list once, none that was not signed, and nothing half written."""

import os
from functools import partial
from pathlib import Path

import pytest
from debian import NOW, Quiet, Vendor, deb, listed, packages, publish, put, release, serving

from auditkit.errors import UntrustedError
from auditkit.model import Gap
from auditkit.packages import Package
from auditkit.vendor import releases
from auditkit.vendor.chain import Known, of_apt
from auditkit.vendor.manifests import forget
from auditkit.vendor.mirror import UnservedError
from auditkit.vendor.releases import Mirror, kept

HELLO = deb()
INSTALLED = [Package("dpkg", "hello", "1.0-1", "amd64")]
pytestmark = pytest.mark.usefixtures("direct")


@pytest.fixture
def archive(tmp_path: Path, vendor: Vendor) -> Path:
    """An archive as it stands on a mirror."""
    publish(tmp_path / "mirror", vendor, (listed(HELLO), HELLO))
    return tmp_path / "mirror"


def kiwi(base: str, *components: str) -> Mirror:
    """The suite on a mirror."""
    return Mirror(base, "kiwi", components or ("main",), ("amd64",))


def known(place: str, vendor: Vendor) -> Known:
    names = [str(path) for path in Path(place).iterdir()]
    return of_apt(INSTALLED, names, lambda name: Path(name).open("rb"), [vendor.keyring], None)


def test_what_a_mirror_signed_is_kept_as_apt_would(archive: Path, vendor: Vendor, tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    with serving(partial(Quiet, directory=str(archive))) as base:
        place, gaps = kept(store, kiwi(base), [vendor.keyring])
        assert gaps == ()
        assert known(place, vendor).listed.keys() == {("hello", "1.0-1", "amd64")}
        # the same release again costs no list
        for path in archive.rglob("Packages*"):
            path.unlink()
        assert kept(store, kiwi(base), [vendor.keyring]) == (place, ())


def test_a_flat_archive_is_kept_too(vendor: Vendor, tmp_path: Path) -> None:
    text = packages(listed(HELLO))
    put(tmp_path / "flat/stable/Packages", text)
    put(tmp_path / "flat/stable/InRelease", vendor.clear_signed(release({"Packages": text})))
    with serving(partial(Quiet, directory=str(tmp_path / "flat"))) as base:
        place, gaps = kept(str(tmp_path / "store"), Mirror(base, "stable/", (), ()), [vendor.keyring])
    assert gaps == ()
    assert known(place, vendor).listed.keys() == {("hello", "1.0-1", "amd64")}


def test_what_is_missing_is_told_and_hides_no_other(archive: Path, vendor: Vendor, tmp_path: Path) -> None:
    with serving(partial(Quiet, directory=str(archive))) as base:
        place, gaps = kept(str(tmp_path / "store"), kiwi(base, "contrib", "main"), [vendor.keyring])
        assert gaps == (Gap(f"{base} kiwi contrib/binary-amd64/Packages", "the signed release has no such list"),)
        assert known(place, vendor).listed
        with pytest.raises(UnservedError, match="gone from the mirror"):
            kept(str(tmp_path / "store"), kiwi(f"{base}/none"), [vendor.keyring])


def test_what_was_not_signed_leaves_nothing_behind(archive: Path, vendor: Vendor, stranger: Vendor, tmp_path: Path) -> None:
    store = tmp_path / "store"
    with serving(partial(Quiet, directory=str(archive))) as base:
        with pytest.raises(UntrustedError):
            kept(str(store), kiwi(base), [stranger.keyring])
        assert not store.exists()
        for path in archive.rglob("Packages*"):
            path.write_bytes(path.read_bytes()[:-1] + b"!")
        place, (gap,) = kept(str(store), kiwi(base), [vendor.keyring])
    assert gap.reason == "it is not the list that was signed"
    assert [path.name for path in Path(place).iterdir()] == ["InRelease"]


def test_a_list_of_absurd_size_is_not_fetched(archive: Path, vendor: Vendor, tmp_path: Path) -> None:
    told = release({"main/binary-amd64/Packages": b"x"}).replace(b" 1 main", b" 99999999999999 main")
    put(archive / "dists/kiwi/InRelease", vendor.clear_signed(told))
    with serving(partial(Quiet, directory=str(archive))) as base:
        _place, (gap,) = kept(str(tmp_path / "store"), kiwi(base), [vendor.keyring])
    assert gap.reason == "it is larger than 512 MiB"


def test_releases_that_nobody_asks_for_are_forgotten(tmp_path: Path) -> None:
    put(tmp_path / "old/InRelease", b"")
    put(tmp_path / "new/InRelease", b"")
    long_ago = NOW.timestamp() - 400 * 86400
    os.utime(tmp_path / "old", (long_ago, long_ago))
    forget(str(tmp_path), releases.UNUSED)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    forget(str(tmp_path / "none"), releases.UNUSED)
