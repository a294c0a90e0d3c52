"""Which version apt would install: every answer is held against that of the real apt, on the same files.

A world is a few suites with what they offer, a status file and preferences; apt is given the same directory as its own.
"""

import os
import random
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.hosts import taken_below
from auditkit.model import Gap, Item, Means, Need
from auditkit.packages import dpkg, offers, preferences, sources
from auditkit.packages.candidates import Policy, Standing
from auditkit.packages.preferences import Pin

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "packages" / "dpkg"
OWN = Path(__file__).parent / "data"
LISTS = Need(Means.PACKAGES, "/var/lib/apt/lists/*")
SUITES = {
    "bookworm": "Origin: Debian\nLabel: Debian\nSuite: oldstable\nVersion: 12.9\nCodename: bookworm\n",
    "bookworm-security": "Origin: Debian\nLabel: Debian-Security\nSuite: oldstable-security\nVersion: 12\n"
    "Codename: bookworm-security\n",
    "bookworm-backports": "Origin: Debian Backports\nLabel: Debian Backports\nSuite: oldstable-backports\n"
    "Codename: bookworm-backports\n"
    "NotAutomatic: yes\nButAutomaticUpgrades: yes\n",
    "experimental": "Origin: Debian\nLabel: Debian\nSuite: experimental\nCodename: rc-buggy\nNotAutomatic: yes\n",
    "vendor": "Origin: Vendor\nSuite: vendor\nCodename: vendor\n",
}
OFFERED = {
    "bookworm": {
        "plain": "1.0-1",
        "fixed": "2.0-1",
        "ported": "3.0-1",
        "native": "1:1",
        "local": "0.9",
        "gone": "1",
        "multi": "1.0",
    },
    "bookworm-security": {"fixed": "2.0-1+deb12u2", "held": "1.0-2", "gone": "1+deb12u1"},
    "bookworm-backports": {"plain": "1.1-1~bpo12+1", "ported": "4.0-1~bpo12+1"},
    "experimental": {"plain": "9.0-1", "native": "1:9"},
    "vendor": {"tool": "2026.1", "plain": "1.0-1vendor1"},
}
INSTALLED = {
    "plain": "1.0-1",
    "fixed": "2.0-1+deb12u1",
    "ported": "3.5-1~bpo12+1",
    "native": "1:1~rc1",
    "local": "1.0",
    "tool": "2025.9",
    "held": "1.0-1",
    "orphan": "7",
    "gone": "1",
    "multi": "0.9",
}


def written(*records: str) -> str:
    """Preferences, of `PACKAGE | PIN | PRIORITY`."""
    parts = (record.split(" | ") for record in records)
    return "\n".join(f"Package: {package}\nPin: {pin}\nPin-Priority: {priority}\n" for package, pin, priority in parts)


PINS = {
    "none": written(),
    "backports": written("* | release n=bookworm-backports | 500"),
    "by archive": written("* | release a=experimental | 600", "plain | release a=oldstable | 900"),
    "never from vendor": written("* | release o=Vendor | -1"),
    "one version": written("plain | version 1.0-1* | 1001"),
    "downgrade": written("ported local | release l=Debian | 1001"),
    "no downgrade": written("ported local | release l=Debian | 999"),
    "glob": written("p* | release l=Debian Backports | 700"),
    "expression": written("/^pl/ | release n=rc-buggy | 700"),
    "site": written('* | origin "vendor.example" | 50'),
    "site of many": written("* | origin *.example | 50"),
    "this machine": written('* | origin "" | 700'),
    "first wins": written("plain | release n=vendor | 10", "plain | release n=vendor | 999"),
    "other version first": written("plain | version 5 | 10", "plain | release n=rc-buggy | 999"),
    "held by a pin": written("fixed | version 2.0-1+deb12u1 | 1000"),
    "security never": written("fixed | release l=Debian-Security | -10"),
    "word alone": written("* | release bookworm-backports | 550"),
    "number alone": written("* | release 12.9 | 5"),
    "version of release": written("* | release v=12*,o=Debian | 5"),
    "component": written("* | release c=main,n=rc-buggy | 800"),
    "comment": "# why\nExplanation: because\nPackage: plain\n# not now\nPin: release n=rc-buggy\nPin-Priority: 800\n",
    "source": written("src:ported-source | release n=bookworm-backports | 900"),
    "architecture": written("plain:amd64 | release n=rc-buggy | 800"),
    "all of them": written("* | release * | 5"),
}
APT = pytest.mark.skipif(not shutil.which("apt-cache"), reason="there is no apt here")


def world(root: Path, pins: Mapping[str, str], installed: Mapping[str, str], offered: Mapping[str, Mapping[str, str]]) -> Path:
    """A directory as apt has it."""
    lists, etc, state = root / "var/lib/apt/lists", root / "etc/apt", root / "var/lib/dpkg"
    for folder in (
        lists / "partial",
        etc / "preferences.d",
        etc / "apt.conf.d",
        state,
        root / "var/cache/apt/archives/partial",
    ):
        folder.mkdir(parents=True)
    lines = []
    for suite, head in SUITES.items():
        site = "vendor.example" if suite == "vendor" else "mirror.example"
        lines.append(f"deb [trusted=yes] http://{site}/debian {suite} main")
        stem = f"{site}_debian_dists_{suite}_"
        (lists / f"{stem}Release").write_text(f"{head}Date: Tue, 24 Nov 2026 10:00:00 UTC\nSHA256:\n {'0' * 64} 1 x\n")
        told = (stanza(name, version) for name, version in offered.get(suite, {}).items())
        (lists / f"{stem}main_binary-amd64_Packages").write_text("\n".join(told))
    (etc / "sources.list").write_text("\n".join(lines) + "\n")
    for name, text in pins.items():
        (etc / name).write_text(text)
    (state / "status").write_text("\n".join(stanza(n, v, "Status: install ok installed\n") for n, v in installed.items()))
    return root


def stanza(name: str, version: str, more: str = "") -> str:
    """A paragraph of a list, or of the status file."""
    arch = "all" if name == "gone" else "amd64"
    source = f"Source: {name}-source\n" if name == "ported" else ""
    return (
        f"Package: {name}\n{more}{source}Version: {version}\nArchitecture: {arch}\nMaintainer: x <x@example.org>\n"
        f"Filename: pool/{name}_{version}.deb\nSize: 1\nSHA256: {'1' * 64}\nDescription: x\n more\n"
    )


def apt_says(root: Path, names: Iterator[str] | list[str], *options: str) -> dict[str, str]:
    """The candidate of each package."""
    words = ["-o", f"Dir={root}", "-o", f"Dir::State::status={root}/var/lib/dpkg/status", "-o", "APT::Architecture=amd64"]
    words += ["-o", "APT::Architectures::=amd64", "-o", "Dir::Etc::parts=x", "-o", "Dir::Etc::main=x", *options]
    environment = {**os.environ, "LC_ALL": "C", "APT_CONFIG": "/dev/null"}
    done = subprocess.run(["apt-cache", *words, "policy", *names], capture_output=True, text=True, check=True, env=environment)
    found, name = dict[str, str](), ""
    for line in done.stdout.splitlines():
        name = name if line.startswith(" ") else line.rstrip(":")
        if line.startswith("  Candidate: "):
            found[name] = line.split()[1]
    return found


def standings(root: Path, release: str = "") -> dict[str, Standing]:
    """How each installed package stands, from the files below a root."""
    needs = (LISTS, dpkg.STATUS, *preferences.PLACES, *sources.PLACES)
    taken = list(taken_below(os.fsencode(root), needs))
    assert [one for one in taken if isinstance(one, Gap)] == []
    lists = {one.source: one.data for one in taken if isinstance(one, Item) and one.need == LISTS}
    files = {one.source: one.data for one in taken if isinstance(one, Item) and one.need != LISTS}
    heads = [one for one in offers.releases(lists) if not isinstance(one, Gap)]
    suites = [one for one in sources.suites(files) if not isinstance(one, Gap)]
    found = [one for each in offers.listings(lists, heads, suites) for one in offers.offers(each, lists[each.source])]
    pins = [one for one in preferences.pins(files) if isinstance(one, Pin)]
    records = [one for one in dpkg.records(files) if not isinstance(one, Gap) and one.package.state not in dpkg.ABSENT]
    policy = Policy([one for one in found if not isinstance(one, Gap)], pins, "amd64", release)
    return {record.package.name: policy.standing(record.package) for record in records}


@APT
@pytest.mark.parametrize("pins", PINS)
def test_candidates_are_those_of_apt(pins: str, tmp_path: Path) -> None:
    root = world(tmp_path / "root", {"preferences.d/own": PINS[pins]}, INSTALLED, OFFERED)
    assert {name: one.candidate for name, one in standings(root).items()} == apt_says(root, list(INSTALLED))


def test_what_is_never_to_be_taken_is_not(tmp_path: Path) -> None:
    """apt 2.6 does not know the word yet."""
    pins = {"preferences": "Package: fixed\nPin: release l=Debian-Security\nPin-Priority: never\n"}
    assert standings(world(tmp_path / "root", pins, INSTALLED, OFFERED))["fixed"].candidate == INSTALLED["fixed"]


@APT
def test_files_of_preferences_are_read_in_the_order_of_apt(tmp_path: Path) -> None:
    pins = {
        "preferences.d/10-b.pref": "Package: plain\nPin: release n=vendor\nPin-Priority: 900\n",
        "preferences.d/20-a": "Package: plain\nPin: release n=vendor\nPin-Priority: 10\n",
        "preferences.d/05-x.bak": "Package: plain\nPin: release n=rc-buggy\nPin-Priority: 990\n",
        "preferences": "Package: fixed\nPin: release l=Debian-Security\nPin-Priority: -1\n",
    }
    root = world(tmp_path / "root", pins, INSTALLED, OFFERED)
    assert {name: one.candidate for name, one in standings(root).items()} == apt_says(root, list(INSTALLED))


@APT
def test_the_default_release_counts_more_than_others(tmp_path: Path) -> None:
    root = world(tmp_path / "root", {}, INSTALLED, OFFERED)
    apt = apt_says(root, list(INSTALLED), "-o", "APT::Default-Release=bookworm-backports")
    assert {name: one.candidate for name, one in standings(root, "bookworm-backports").items()} == apt


@APT
def test_any_mixture_of_versions_and_pins_comes_out_as_with_apt(tmp_path: Path) -> None:
    dice = random.Random(7)
    names = [f"p{number}" for number in range(60)]
    versions = ["1", "1.0-1", "1.0-1+deb12u1", "1.0-1+deb12u2", "1.1~bpo12+1", "2:0.1", "2~rc1", "3"]
    offered = {suite: {name: dice.choice(versions) for name in names if dice.random() < 0.6} for suite in SUITES}
    packages, counts = ["*", "p1*", "/[02468]$/", *names[:10]], [-1, 5, 100, 400, 501, 990, 1000, 1001]
    ways = ["release n=vendor", "release l=Debian*", "version 1.0*", "release a=experimental", "origin mirror.example"]
    pins = written(*(f"{dice.choice(packages)} | {dice.choice(ways)} | {dice.choice(counts)}" for _ in range(25)))
    root = world(tmp_path / "root", {"preferences.d/own": pins}, {name: dice.choice(versions) for name in names}, offered)
    assert {name: one.candidate for name, one in standings(root).items()} == apt_says(root, names)


def test_what_is_missed_begins_after_the_installed_version_and_ends_with_the_candidate(tmp_path: Path) -> None:
    offered = {
        "bookworm": {"fixed": "2.0-1+deb12u3"},
        "bookworm-security": {"fixed": "2.0-1+deb12u2"},
        "experimental": {"fixed": "9"},
    }
    found = standings(world(tmp_path / "root", {}, {"fixed": "2.0-1"}, offered))["fixed"]
    assert (found.candidate, [one.version for one in found.missed]) == ("2.0-1+deb12u3", ["2.0-1+deb12u3", "2.0-1+deb12u2"])
    assert [one.version for one in found.beyond] == ["9"]
    assert [one.listing.release.security for one in found.missed] == [False, True]


def test_a_phased_update_is_not_waited_for(tmp_path: Path) -> None:
    root = world(tmp_path / "root", {}, {"plain": "1.0-1"}, {"bookworm": {"plain": "2.0"}})
    (path,) = root.glob("var/lib/apt/lists/*_bookworm_main_binary-amd64_Packages")
    path.write_text(path.read_text().replace("Size: 1\n", "Size: 1\nPhased-Update-Percentage: 10\n"))
    assert standings(root)["plain"].candidate == "1.0-1"


def test_a_list_that_no_source_names_does_not_count(tmp_path: Path) -> None:
    root = world(tmp_path / "root", {}, {"plain": "1.0-1"}, OFFERED)
    (root / "etc/apt/sources.list").write_text("deb http://mirror.example/debian bookworm-security main\n")
    assert standings(root)["plain"].offers == ()


@pytest.mark.parametrize(
    "pattern",
    ["/(a+)+$/", "/(a|a)*b/", "/a*a*a*a*a*b/", "/.*.*.*x/", "*" * 30, "/" + "a" * 300 + "/", "/(a.*)*b/", "/[[:alpha:]]+/"],
)
def test_a_pattern_that_could_take_for_ever_is_told_and_not_tried(pattern: str) -> None:
    files = {"/etc/apt/preferences": f"Package: {pattern}\nPin: release n=x\nPin-Priority: 5\n".encode()}
    assert [type(one) for one in preferences.pins(files)] == [Gap]


@given(st.binary(max_size=400), st.sampled_from(["/etc/apt/preferences", "/etc/apt/preferences.d/x"]))
def test_any_bytes_are_pins_or_gaps(data: bytes, name: str) -> None:
    for one in preferences.pins({name: b"Package: *\nPin: release " + data}):
        assert isinstance(one, Pin | Gap)
        if isinstance(one, Pin):
            one.means(preferences.STATUS)


HERE = Path("/")
REAL = sorted({path.name: path for folder in (DATA, OWN) for path in folder.glob("syft-[dm][eu]*.status")}.values())


@APT
@pytest.mark.skipif(not list(Path("/var/lib/apt/lists").glob("*Release")), reason="apt of this machine has no lists")
def test_on_this_machine_and_on_status_files_of_others_candidates_are_those_of_apt(tmp_path: Path) -> None:
    """The lists of this machine, packed as they are; the packages of all these status files, as far as apt takes them."""
    root = tmp_path / "root"
    for folder in ("var/lib/apt/lists", "etc/apt"):
        shutil.copytree(HERE / folder, root / folder, ignore=shutil.ignore_patterns("partial", "lock", "auth.conf.d"))
    for folder in ("var/lib/dpkg", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial"):
        (root / folder).mkdir(parents=True)
    told = {}
    for status in (HERE / "var/lib/dpkg/status", *REAL):
        shutil.copy(status, root / "var/lib/dpkg/status")
        try:
            ours = {name: one.candidate for name, one in standings(root).items() if one.package.arch in ("amd64", "all")}
            theirs = apt_says(root, list(ours))
        except subprocess.CalledProcessError:
            continue  # apt does not take this file
        differ = {
            name: (candidate, theirs[name]) for name, candidate in ours.items() if theirs.get(name, candidate) != candidate
        }
        told[status.name] = (len(ours), differ)
    assert [differ for _count, differ in told.values() if differ] == []
    assert max(count for count, _differ in told.values()) > 100


def test_more_pins_and_offers_than_any_host_has_are_a_gap_and_take_no_time() -> None:
    files = {
        "/etc/apt/preferences": "".join(f"Package: p{n}*\nPin: release n=x\nPin-Priority: 5\n\n" for n in range(5000)).encode()
    }
    assert [one.reason for one in preferences.pins(files) if isinstance(one, Gap)] == [
        "more than 1000 pins; the others are left out"
    ]
    data = "".join(f"Package: a\nVersion: {n}\nArchitecture: amd64\n\n" for n in range(5000)).encode()
    found = list(offers.offers(preferences.STATUS, data))
    assert (len(found), type(found[-1])) == (offers.MOST_OF_ONE + 1, Gap)
