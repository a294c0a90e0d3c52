"""Packages of other systems than dpkg, and those of pip: what is missed where lists say so, and what cannot be known."""

import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from test_accounts import told
from test_packages_audit import NOW, put
from test_reduced import DESC, tar

from auditkit.advisories import Advice, Feed, osv
from auditkit.audits import packages
from auditkit.collect import collect
from auditkit.hosts.root import Root
from auditkit.model import Evidence

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "packages"
Files = dict[str, str | bytes]
NEEDS_SHARED = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data is not here")


def disk(root: Path, files: Files) -> Evidence:
    """What is taken of a disk with these files."""
    for name, data in files.items():
        put(root, name, "")
        place = root / name.partition(" ")[0].lstrip("/")
        moment = place.stat().st_mtime
        place.write_bytes(data if isinstance(data, bytes) else data.encode())
        os.utime(place, (moment, moment))
    return collect(Root("disk", str(root)), packages.AUDIT.needs, lambda: NOW)


def said(taken: Evidence) -> list[str]:
    """Every line of the answer."""
    return "".join(map(told, packages.judge(taken))).splitlines()


def desc(name: str, version: str, built: int) -> str:
    return f"%NAME%\n{name}\n\n%VERSION%\n{version}\n\n%ARCH%\nx86_64\n\n%BUILDDATE%\n{built}\n\n%INSTALLDATE%\n{built + 9}\n\n"


LOCAL = "/var/lib/pacman/local"
ARCH: Files = {
    f"{LOCAL}/bash-5.1-1/desc": desc("bash", "5.1-1", 1_690_000_000),
    f"{LOCAL}/zsh-5.9-1/desc": desc("zsh", "5.9-1", 1_690_000_000),
    f"{LOCAL}/own-1-1/desc": desc("own", "1-1", 1_690_000_000),
}
CORE = gzip.compress(tar({"bash-5.2-1/desc": DESC, "zsh-5.9-1/desc": desc("zsh", "5.9-1", 1_690_000_000).encode()}))


def test_arch_misses_what_its_databases_have_and_says_since_when(tmp_path: Path) -> None:
    taken = disk(tmp_path, {**ARCH, "/var/lib/pacman/sync/core.db 2026-11-23": CORE})
    assert said(taken) == [
        "low updates-pending packages: 1 package misses an update: 5.1-1 is installed, 5.2-1 offered; built on 2023-11-14",
        "  /var/lib/pacman/sync/core.db:0: bash:x86_64 5.1-1 -> 5.2-1",
        "low package-in-no-list packages: 1 packages of pacman are in no list: own",
        "  pacman:0: own:x86_64 1-1, of 2023-07-22",
    ]
    found = packages.facts(taken)["packages"]
    assert isinstance(found, list)
    assert found[0] == {
        "name": "bash",
        "version": "5.1-1",
        "arch": "x86_64",
        "origin": None,
        "installed": "2023-07-22T04:26:49Z",
        "made": "2023-07-22T04:26:40Z",
        "pending": {"version": "5.2-1", "since": "2023-11-14T22:13:20Z", "security": None},
    }


def test_arch_whose_databases_are_old_does_not_know(tmp_path: Path) -> None:
    lines = said(disk(tmp_path, {**ARCH, "/var/lib/pacman/sync/core.db 2026-09-01": CORE}))
    since = "what came out since 2026-09-01 is not known"
    assert lines[0] == f"medium package-lists-old packages: the newest list of pacman is 84 days old: {since}"


def test_alpine_without_a_cache_does_not_know_what_is_missing(tmp_path: Path) -> None:
    lines = said(disk(tmp_path, {"/lib/apk/db/installed": "P:bash\nV:5.1-r1\nA:x86_64\nt:1690000000\n\n"}))
    assert lines == ["gap pending updates: apk has no lists here: whether updates are missing is not known; see apk update"]


def test_alpine_with_a_cache_does(tmp_path: Path) -> None:
    index = gzip.compress(tar({"APKINDEX": b"P:bash\nV:5.2-r0\nA:x86_64\nt:1794000000\n\n"}))
    files: Files = {
        "/lib/apk/db/installed": "P:bash\nV:5.1-r1\nA:x86_64\n\n",
        "/var/cache/apk/APKINDEX.1a.tar.gz 2026-11-23": index,
    }
    assert said(disk(tmp_path, files))[0] == (
        "info updates-pending packages: 1 package misses an update: 5.1-r1 is installed, 5.2-r0 offered; built on 2026-11-06"
    )


@NEEDS_SHARED
def test_of_a_real_suse_all_packages_are_told_and_that_nothing_says_what_is_missing(tmp_path: Path) -> None:
    folder = SHARED / "rpm" / "sle15-bci"
    taken = disk(tmp_path, {"/var/lib/rpm/Packages.db": (folder / "Packages.db").read_bytes()})
    expected = json.loads((folder / "expected.json").read_text())
    found = packages.facts(taken)["packages"]
    assert isinstance(found, list)
    own = sorted((one["name"], one["version"].rpartition(":")[2], one["arch"]) for one in found)
    assert own == sorted((one["name"], f"{one['version']}-{one['release']}", one["arch"]) for one in expected)
    assert all(one["installed"] and one["made"] and one["pending"] is None for one in found)
    why = "rpm keeps no lists that auditkit reads"
    assert said(taken) == [f"gap pending updates: {why}: whether updates are missing is not known; see dnf check-update"]


# pip


def pip(root: Path, *names: str) -> Evidence:
    for name in names:
        folder = root / "usr/local/lib/python3.13/dist-packages" / f"{name}.dist-info"
        folder.mkdir(parents=True)
        os.utime(folder, (1_790_000_000, 1_790_000_000))
    return collect(Root("disk", str(root)), packages.AUDIT.needs, lambda: NOW)


AGAIN = ({"introduced": "2.0"}, {"fixed": "2.10"})
RECORD = {
    "id": "PYSEC-2026-1",
    "modified": "2026-11-23T00:00:00Z",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Requests_Own"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1.0"}, {"fixed": "1.9rc1"}, *AGAIN]}],
        }
    ],
}


@pytest.mark.parametrize(
    ("version", "open_"), [("0.9", False), ("1.0", True), ("1.9rc1", False), ("2.9", True), ("2.10", False), ("2.10rc1", True)]
)
def test_versions_of_pypi_are_ordered_as_pip_does(version: str, open_: bool, tmp_path: Path) -> None:
    feed = osv.read([json.dumps(RECORD).encode()], "x", "sha256:0")
    audit = packages.advised_by((feed,))
    lines = [told(one) for one in audit.judge(pip(tmp_path, f"requests_own-{version}"))]
    assert any(" advisory-fix-missing pip: " in line for line in lines) is open_


def test_what_pip_has_installed_is_told_with_its_place(tmp_path: Path) -> None:
    assert packages.facts(pip(tmp_path, "flask-3.0", "odd name"))["python"] == [
        {
            "name": "flask",
            "version": "3.0",
            "place": "/usr/local/lib/python3.13/dist-packages",
            "installed": f"{datetime.fromtimestamp(1_790_000_000, UTC):%Y-%m-%dT%H:%M:%SZ}",
        }
    ]


def test_a_version_that_is_none_is_a_gap_and_a_name_that_is_none_never_in_a_command(tmp_path: Path) -> None:
    feed = Feed("x", "k", "sha256:0", NOW.date(), {("pypi", "", "flask"): (Advice("X-1", "4"),)})
    lines = [told(one) for one in packages.advised_by((feed,)).judge(pip(tmp_path, "flask-what", "flask-3"))]
    assert any(line.startswith("gap advisories: 1 of PyPI name versions") for line in lines)
    assert any("flask 3: X-1 is closed in 4" in line for line in lines)
