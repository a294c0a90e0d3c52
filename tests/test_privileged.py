"""What gives rights, on a whole disk: held against find(1) and getcap(8), and against disks made to mislead."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from auditkit.answers import Listed, listed
from auditkit.hosts import taken_below
from auditkit.model import Item, Means, Need
from auditkit.probe import privileged

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
CAPABLE = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setcap", path="/usr/sbin:/sbin:/usr/bin"), reason="needs root and setcap"
)
EVERYTHING = Need(Means.PRIVILEGED, "/**")


def told(root: Path) -> dict[str, Listed | str]:
    """By path what is told of it."""
    found: dict[str, Listed | str] = {}
    for one in taken_below(os.fsencode(root), (EVERYTHING,)):
        if isinstance(one, Item):
            node = listed(one)
            assert isinstance(node, Listed), node
            found[one.source] = node
        else:
            found[one.subject] = one.reason
    return found


def put(path: Path, mode: int, text: str = "#!/bin/sh\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A disk with dpkg, of which `su` is a package's."""
    root = tmp_path / "disk"
    put(root / "usr/bin/su", 0o4755)
    put(root / "usr/bin/ls", 0o755)
    put(root / "var/lib/dpkg/info/util-linux.list", 0o644, "/.\n/bin/su\n/bin/ls\n")
    put(root / "var/lib/dpkg/status", 0o644, "")
    (root / "bin").symlink_to("usr/bin")
    return root


def test_a_disk_as_it_is_installed_has_what_packages_brought(disk: Path) -> None:
    assert {path: node.packages for path, node in told(disk).items() if isinstance(node, Listed)} == {
        "/usr/bin/su": ("util-linux",)
    }


def test_what_belongs_nowhere_is_told_wherever_it_lies(disk: Path) -> None:
    put(disk / "home/a/.cache/x", 0o2755)
    put(disk / "tmp/deep/er/run", 0o755)
    put(disk / "tmp/readme", 0o755, "text")
    put(disk / "dev/tty77", 0o600, "x")
    put(disk / "var/lib/.../inner", 0o755)
    put(disk / "opt/x ", 0o755)
    (disk / "home/b ").mkdir()
    (disk / "tmp/su").symlink_to("/usr/bin/su")
    os.mkfifo(disk / "tmp/fifo", 0o4777)
    found = told(disk)
    assert set(found) == {"/usr/bin/su", "/home/a/.cache/x", "/tmp/deep/er/run", "/dev/tty77", "/var/lib/...", "/home/b "}
    assert all(isinstance(node, Listed) and node.packages == () for path, node in found.items() if path != "/usr/bin/su")


def test_no_link_is_followed_and_no_name_is_lost(disk: Path, tmp_path: Path) -> None:
    put(tmp_path / "outside/su", 0o4755)
    (disk / "out").symlink_to(tmp_path / "outside")
    odd = os.fsdecode(b"a\xff\nb")
    put(disk / odd, 0o4755)
    assert set(told(disk)) == {"/usr/bin/su", f"/{odd}"}


def test_so_many_programs_that_they_would_fill_the_evidence_are_a_gap(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileged, "MOST_IN_THEM", 3)
    for number in range(5):
        put(disk / f"tmp/{number}", 0o755)
    found = told(disk)
    assert len([path for path in found if path.startswith("/tmp/")]) == 3
    assert found["/tmp"] == "more than 3 programs lie there and in other directories of everybody"


def test_a_walk_that_takes_too_long_is_a_gap(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privileged, "SECONDS", -1)
    assert told(disk) == {"/": "not all directories were looked at: there is too much in them"}


@ROOT
def test_find_says_the_same_of_this_machine() -> None:
    found = {path for path, node in told(Path("/usr")).items() if isinstance(node, Listed) and node.mode & 0o6000}
    words = ["find", "/usr", "-perm", "/6000", "-type", "f", "-printf", "/%P\\n"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert found == set(said.splitlines())


@CAPABLE
def test_getcap_says_the_same(disk: Path) -> None:
    path = "/usr/sbin:/sbin:/usr/bin:/bin"
    for name, what in (("usr/bin/ls", "cap_setuid+ep"), ("usr/bin/su", "cap_net_raw+p")):
        subprocess.run(["setcap", what, disk / name], check=True, env={"PATH": path})
    said = subprocess.run(["getcap", "-r", disk], capture_output=True, text=True, check=True, env={"PATH": path}).stdout
    found = {name for name, node in told(disk).items() if isinstance(node, Listed) and node.capabilities}
    assert (
        found
        == {line.partition(" ")[0].removeprefix(str(disk)) for line in said.splitlines()}
        == {"/usr/bin/ls", "/usr/bin/su"}
    )


MOUNTS = b"""\
1 0 8:1 / / rw - ext4 /dev/sda1 rw
2 1 0:5 / /proc rw - proc proc rw
3 1 8:2 / /home rw - xfs /dev/sdb rw
4 1 0:6 / /mnt/nfs rw - nfs4 server:/ rw
5 1 8:1 /srv /srv/again rw - ext4 /dev/sda1 rw
6 3 0:7 / /home/a\\040b/gvfs rw - fuse.gvfsd-fuse gvfs rw
7 1 0:8 / /data rw - btrfs /dev/sdc rw
8 1 0:8 /sub /data/sub rw - btrfs /dev/sdc rw
9 1 0:9 /@home /mnt/disk/home rw - btrfs /dev/sdd rw
nonsense
"""


@pytest.mark.parametrize(
    ("root", "points"),
    [
        ("/", {"/proc", "/mnt/nfs", "/srv/again", "/home/a b/gvfs", "/data/sub"}),
        ("/home", {"/a b/gvfs"}),
        ("/mnt/disk", set()),
        ("/srv", {"/again"}),
    ],
)
def test_what_is_no_local_file_system_or_seen_already_is_not_entered(root: str, points: set[str]) -> None:
    assert privileged.barred(MOUNTS, root) == points
