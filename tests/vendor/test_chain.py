"""The whole chain, over a small archive made for the test: from a keyring to what each package ships, or why not."""

import hashlib
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from debian import (
    APT_CACHE,
    APT_LISTS,
    KEYRING,
    NOW,
    Quiet,
    Vendor,
    deb,
    debian_lists,
    file,
    listed,
    packages,
    publish,
    put,
    release,
    serving,
)

from auditkit.errors import AuditkitError, ConfigError, FormatError
from auditkit.model import Gap
from auditkit.packages import Manifest, Package
from auditkit.vendor.chain import Known, manifests, of_apt
from auditkit.vendor.debs import Places
from auditkit.vendor.manifests import Manifests

HELLO, OTHER = deb(file("./usr/bin/hello", b"hello")), deb(name="other", version="2:2-1", arch="all", packed=".zst")
HARM = deb(file("./../../etc/cron.d/x", b"evil"), name="harm", version="1")
DEBS = [
    (listed(HELLO), HELLO),
    (listed(OTHER, "other", "2:2-1", "all"), OTHER),
    (listed(HARM, "harm", "1"), HARM),
]
INSTALLED = [
    Package("dpkg", "hello", "1.0-1", "amd64"),
    Package("dpkg", "other", "2:2-1", "all"),
    Package("dpkg", "hello", "0.9-1", "amd64"),
    Package("dpkg", "google-thing", "1", "amd64"),
    Package("dpkg", "harm", "1", "amd64"),
]
KIWI = "example.org_debian_dists_kiwi_"
pytestmark = pytest.mark.usefixtures("checker", "direct")


@pytest.fixture
def archive(tmp_path: Path, vendor: Vendor) -> Path:
    """An archive as it stands on a mirror."""
    publish(tmp_path / "mirror", vendor, *DEBS)
    return tmp_path / "mirror"


@pytest.fixture
def apt(tmp_path: Path, archive: Path) -> Path:
    """The lists of that archive as apt keeps them."""
    for name in ("InRelease", "main/binary-amd64/Packages"):
        put(tmp_path / "lists" / (KIWI + name.replace("/", "_")), (archive / "dists/kiwi" / name).read_bytes())
    return tmp_path / "lists"


def known(apt: Path, vendor: Vendor) -> Known:
    names = [path.name for path in apt.iterdir()]
    return of_apt(INSTALLED, names, lambda name: (apt / name).open("rb"), [vendor.armoured], NOW)


def test_from_a_keyring_to_what_a_package_ships(vendor: Vendor, archive: Path, apt: Path, tmp_path: Path) -> None:
    cache = Manifests(str(tmp_path / "cache"))
    with serving(partial(Quiet, directory=str(archive))) as base:
        hello, other, *gaps = manifests(INSTALLED, known(apt, vendor), Places((), (base,)), cache, jobs=2)
    assert isinstance(hello, Manifest)
    assert isinstance(other, Manifest)
    assert (hello.package, other.package) == tuple(INSTALLED[:2])
    assert (hello.proof, hello.source) == ("signed", f"InRelease of Example kiwi of 2026-11-24, key {vendor.fingerprint}")
    (only,) = hello.files
    assert (only.path, only.digests[1]) == ("/usr/bin/hello", f"sha256:{hashlib.sha256(b'hello').hexdigest()}")
    assert gaps == [
        Gap("hello:amd64 0.9-1", "no signed list names this version"),
        Gap("google-thing:amd64 1", "no signed list names this package"),
        Gap(
            "harm:amd64 1",
            "an archive of a package cannot be read: it has a path that no package may have: './../../etc/cron.d/x'",
        ),
    ]
    # and once more with neither packages nor network
    assert list(manifests(INSTALLED[:2], known(apt, vendor), Places(), cache, jobs=1)) == [hello, other]
    # nor lists, as when a newer version has taken its place
    assert list(manifests(INSTALLED[:1], Known({}, frozenset(), ()), Places(), cache, jobs=1)) == [hello]


def test_one_bad_list_hides_no_other(vendor: Vendor, stranger: Vendor, apt: Path) -> None:
    good = known(apt, vendor)
    put(apt / "evil.example.org_dists_kiwi_InRelease", stranger.clear_signed(release({"main/Packages": b""})))
    put(apt / "lost.example.org_dists_kiwi_InRelease", (apt / f"{KIWI}InRelease").read_bytes())
    put(apt / "lost.example.org_dists_kiwi_main_binary-amd64_Packages", b"Package: evil\n")
    put(apt / "old.example.org_dists_kiwi_InRelease", vendor.clear_signed(release({"x": b""}, NOW, NOW - timedelta(days=1))))
    told = known(apt, vendor)
    assert (told.listed, told.names) == (good.listed, good.names)
    assert [gap.subject for gap in told.gaps] == [
        "evil.example.org_dists_kiwi_InRelease",
        "lost.example.org_dists_kiwi_main_binary-amd64_Packages",
        "old.example.org_dists_kiwi_InRelease",
    ]
    assert [gap.reason.partition(":")[0].partition(" of ")[0] for gap in told.gaps] == [
        "the vendor's signature does not hold",
        "the list main/binary-amd64/Packages is not the one that was signed in the release",
        "the release",
    ]


def test_a_list_that_cannot_be_opened_is_a_gap(vendor: Vendor, apt: Path) -> None:
    names = [path.name for path in apt.iterdir()]
    (apt / f"{KIWI}main_binary-amd64_Packages").unlink()
    told = of_apt(INSTALLED, names, lambda name: (apt / name).open("rb"), [vendor.keyring], NOW)
    assert told == Known({}, frozenset(), (Gap(f"{KIWI}main_binary-amd64_Packages", "No such file or directory"),))


def test_two_archives_with_different_packages_of_one_version_prove_nothing(vendor: Vendor, apt: Path) -> None:
    text = packages(listed(OTHER, "hello", "1.0-1"))
    put(apt / "two.example.org_InRelease", vendor.clear_signed(release({"Packages": text})))
    put(apt / "two.example.org_Packages", text)
    (gap,) = manifests(INSTALLED[:1], known(apt, vendor), Places(), None, jobs=1)
    assert gap == Gap("hello:amd64 1.0-1", "signed lists name different packages of this version")


def test_what_concerns_every_package_ends_it(vendor: Vendor, apt: Path, tmp_path: Path) -> None:
    told = known(apt, vendor)
    with pytest.raises(ConfigError, match="not the address of a mirror"):
        list(manifests(INSTALLED, told, Places((), ("ftp://example.org",)), None, jobs=2))
    put(tmp_path / "debs/hello_1.0-1_amd64.deb", HELLO)
    put(tmp_path / "file", b"")
    with pytest.raises(AuditkitError, match=r"the manifest cache .* cannot be written"):
        list(manifests(INSTALLED, told, Places((str(tmp_path / "debs"),)), Manifests(str(tmp_path / "file")), jobs=2))
    with pytest.raises(FormatError, match="a keyring cannot be read"):
        of_apt(INSTALLED, [], lambda name: (apt / name).open("rb"), [b"hello"], NOW)


def test_many_packages_come_in_their_order(vendor: Vendor, apt: Path) -> None:
    many = [Package("dpkg", f"p{number}", "1", "all") for number in range(200)]
    gaps = manifests(many, known(apt, vendor), Places(), None, jobs=3)
    assert [gap.subject for gap in gaps if isinstance(gap, Gap)] == [f"p{number}:all 1" for number in range(200)]


def test_the_packages_of_this_machine_have_a_signed_manifest() -> None:
    if not (lists := debian_lists()) or not list(APT_CACHE.glob("*.deb")):
        pytest.skip("no lists and packages of Debian in apt's directories")
    names = [path.name.removesuffix(".deb").split("_") for path in APT_CACHE.glob("*.deb")]
    there = [Package("dpkg", one[0], one[1].replace("%3a", ":"), one[2]) for one in sorted(names)]
    told = of_apt(there, lists, lambda name: (APT_LISTS / name).open("rb"), [KEYRING.read_bytes()], None)
    few = [one for one in there if told.listed.get((one.name, one.version, one.arch), [None])[0]]
    few = sorted(few, key=lambda one: told.listed[one.name, one.version, one.arch][0][0].size)[:20]
    assert [one for one in manifests(few, told, Places((str(APT_CACHE),)), None, jobs=2) if isinstance(one, Gap)] == []
