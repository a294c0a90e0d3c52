"""What lies at paths and who has put it there: of real packages, of databases written by hand, and of disks full of traps."""

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.answers import Listed, listed
from auditkit.hosts import taken_below
from auditkit.model import Gap, Item, Means, Need

DPKG = shutil.which("dpkg-query")
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def told(root: Path, means: Means, *what: str, optional: bool = True) -> dict[str, Listed | str]:
    """By path what lies there, or why that is not known."""
    found: dict[str, Listed | str] = {}
    for one in taken_below(os.fsencode(root), tuple(Need(means, each, optional=optional) for each in what)):
        node = listed(one) if isinstance(one, Item) else one
        path = one.source if isinstance(one, Item) else one.subject
        found[path] = node.reason if isinstance(node, Gap) else node
    return found


def owners(root: Path, *what: str) -> dict[str, tuple[str, ...] | str | None]:
    return {path: node if isinstance(node, str) else node.packages for path, node in told(root, Means.LISTING, *what).items()}


def put(root: Path, *paths: str) -> None:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(path)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A merged /usr with dpkg: `ls` of coreutils, listed as /bin/ls, and files of nobody."""
    root = tmp_path / "disk"
    put(root, "usr/bin/ls", "usr/bin/mine", "usr/lib/a/b/deep.service", "etc/hosts", "var/lib/dpkg/status")
    (root / "bin").symlink_to("usr/bin")
    put(root, "var/lib/dpkg/info/coreutils.list", "var/lib/dpkg/info/libc6:amd64.list")
    (root / "var/lib/dpkg/info/coreutils.list").write_text("/.\n/bin\n/bin/ls\n")
    (root / "var/lib/dpkg/info/libc6:amd64.list").write_text("/.\n/usr/lib/a/b/deep.service\n")
    return root


def test_a_path_has_its_packages_whichever_way_it_is_asked_for(disk: Path) -> None:
    assert owners(disk, "/bin/ls", "/usr/bin/*", "/etc/hosts") == {
        "/bin/ls": ("coreutils",),
        "/usr/bin/ls": ("coreutils",),
        "/usr/bin/mine": (),
        "/etc/hosts": (),
    }


def test_what_nobody_owns_stands_alone(disk: Path) -> None:
    assert set(told(disk, Means.UNOWNED, "/usr/**", "/etc/*")) == {"/usr/bin/mine", "/etc/hosts"}


def test_all_below_is_found_by_name_and_no_directory_is_listed(disk: Path) -> None:
    assert set(told(disk, Means.LISTING, "/usr/lib/**")) == {"/usr/lib/a/b/deep.service"}
    assert set(told(disk, Means.LISTING, "/usr/**/*.service", "/none/**")) == {"/usr/lib/a/b/deep.service"}


def test_a_symlink_is_itself_and_leads_nowhere(disk: Path) -> None:
    (disk / "usr/lib/out").symlink_to(disk.parent)
    (disk / "usr/lib/a/loop").symlink_to("..")
    found = told(disk, Means.LISTING, "/usr/lib/**")
    assert {path: node.target for path, node in found.items() if isinstance(node, Listed)} == {
        "/usr/lib/out": str(disk.parent),
        "/usr/lib/a/loop": "..",
        "/usr/lib/a/b/deep.service": None,
    }


@pytest.mark.parametrize(
    ("keeper", "moved", "original"),
    [("dash", ("coreutils",), ("dash",)), (":", ("coreutils",), ())],
    ids=["a package keeps the path", "the admin has put it elsewhere"],
)
def test_a_diversion_moves_what_the_others_ship(
    disk: Path, keeper: str, moved: tuple[str, ...], original: tuple[str, ...]
) -> None:
    put(disk, "usr/bin/ls.real", "var/lib/dpkg/diversions", "var/lib/dpkg/info/dash.list")
    (disk / "var/lib/dpkg/diversions").write_text(f"/bin/ls\n/bin/ls.real\n{keeper}\n")
    (disk / "var/lib/dpkg/info/dash.list").write_text("/bin/ls\n" if keeper == "dash" else "/.\n")
    assert owners(disk, "/usr/bin/ls", "/usr/bin/ls.real") == {"/usr/bin/ls": original, "/usr/bin/ls.real": moved}


def test_apk_and_pacman_say_it_too(tmp_path: Path) -> None:
    put(tmp_path, "a/bin/busybox", "a/etc/mine", "a/lib/apk/db/installed", "p/usr/bin/ls", "p/usr/bin/mine")
    (tmp_path / "a/lib/apk/db/installed").write_text("P:busybox\nV:1\nF:bin\nR:busybox\nZ:Q1x=\n\nP:musl\nF:lib\nR:ld.so\n\n")
    put(tmp_path, "p/var/lib/pacman/local/coreutils-9.5-1/files", "p/var/lib/pacman/local/ALPM_DB_VERSION")
    (tmp_path / "p/var/lib/pacman/local/coreutils-9.5-1/files").write_text("%FILES%\nusr/\nusr/bin/\nusr/bin/ls\n\n%BACKUP%\n")
    assert owners(tmp_path / "a", "/bin/*", "/etc/*") == {"/bin/busybox": ("busybox",), "/etc/mine": ()}
    assert owners(tmp_path / "p", "/usr/bin/*") == {"/usr/bin/ls": ("coreutils",), "/usr/bin/mine": ()}


def test_where_no_database_is_nothing_is_called_nobodys(tmp_path: Path) -> None:
    put(tmp_path, "etc/hosts")
    assert owners(tmp_path, "/etc/hosts") == {"/etc/hosts": None}
    assert told(tmp_path, Means.UNOWNED, "/etc/*") == {"packages": "no database of packages that is known lies here"}
    assert told(tmp_path, Means.UNOWNED, "/usr/*") == {}, "where nothing lies, nothing is anybody's"


def test_a_database_that_cannot_be_read_is_no_answer(disk: Path) -> None:
    (disk / "var/lib/dpkg/info/trap.list").mkdir()
    assert owners(disk, "/usr/bin/mine") == {"/usr/bin/mine": None}
    assert told(disk, Means.UNOWNED, "/usr/bin/*") == {"packages": "which package owns what cannot be read: is a directory"}


def test_what_must_be_there_and_is_not_is_a_gap(disk: Path) -> None:
    assert told(disk, Means.LISTING, "/none") == {}
    assert told(disk, Means.LISTING, "/none", optional=False) == {"/none": "no such file or directory"}


@pytest.mark.skipif(DPKG is None, reason="needs dpkg")
def test_dpkg_of_this_machine_says_the_same() -> None:
    asked = [path for path in ("/usr/bin/dpkg", "/bin/sh", "/bin/ls", "/etc/passwd", "/usr/bin/env") if os.path.lexists(path)]
    assert owners(Path("/"), *asked) == {path: _searched(path) for path in asked}


def _searched(path: str) -> tuple[str, ...]:
    """The packages that dpkg finds, by either name of a merged /usr, but for those that only divert it."""
    names = {path, path.removeprefix("/usr"), "/usr" + path.removeprefix("/usr")}
    out = subprocess.run([str(DPKG), "-S", *names], capture_output=True, text=True, check=False).stdout
    rows = [line.rpartition(": ") for line in out.splitlines() if not line.startswith("diversion ")]
    return tuple(sorted({name.partition(":")[0] for row in rows for name in row[0].split(", ")}))


def node(**other: object) -> Item:
    """An item as a host would send it."""
    fields: dict[str, object] = {"mode": 0o100644, "uid": 0, "gid": 0, "size": 1, "links": 1, "mtime": 1, "ctime": 2} | {
        "target": None, "capabilities": None, "packages": [],
    }  # fmt: skip
    return Item(Need(Means.UNOWNED, "/x"), "/x", json.dumps(fields | other).encode(), NOON, "")


@pytest.mark.parametrize(
    "other",
    [
        {"mode": 0}, {"mode": None}, {"mode": "0644"}, {"mode": 1 << 20}, {"uid": -1}, {"size": None}, {"mtime": 1.5},
        {"target": "x"}, {"mode": 0o120777}, {"capabilities": "xyz"}, {"packages": ["a"]}, {"packages": [1]}, {"packages": "a"},
    ],
    ids=str,
)  # fmt: skip
def test_what_no_host_writes_is_refused(other: dict[str, object]) -> None:
    assert isinstance(listed(node()), Listed)
    assert isinstance(listed(node(**other)), Gap)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_node_or_a_gap(data: bytes) -> None:
    item = node()
    assert isinstance(listed(Item(item.need, item.source, data, NOON, "")), Listed | Gap)
