"""What intruders and log rotation do to a tree, and what the check makes of it."""

import gzip
import os
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cli
from loaded import without_packages

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do this")


def acl(*entries: tuple[int, int, int]) -> bytes:
    """A POSIX ACL as the kernel takes it: version 2, then tag, permissions and id of each entry (acl(5))."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


NOBODY_MAY_READ = acl((1, 6, 0xFFFFFFFF), (2, 4, 65534), (4, 4, 0xFFFFFFFF), (16, 4, 0xFFFFFFFF), (32, 4, 0xFFFFFFFF))
SETUID_CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 7, 0, 0, 0)
"""cap_setuid=ep as struct vfs_cap_data has it (capabilities(7))."""


@pytest.fixture
def program(cli: Cli) -> Path:
    """A program that anybody may run, in a baseline."""
    place = cli.tree / "program"
    place.write_bytes(b"#!/bin/sh\nid\n")
    place.chmod(0o755)
    os.utime(place, (1_700_000_000, 1_700_000_000))
    assert cli.baseline().code == 0
    return place


def test_a_quiet_change_is_told_apart(cli: Cli, program: Path) -> None:
    before = program.stat()
    program.write_bytes(b"#!/bin/sh\nsh\n")
    os.utime(program, ns=(before.st_atime_ns, before.st_mtime_ns))
    told = cli.check("--fail-on", "high")
    assert told.code == 1
    change = told.changes["/program"]
    assert change["rule"] == "content-changed-quietly"
    assert change["severity"] == "high"
    assert {"size", "mtime"}.isdisjoint(change["attributes"])


def test_a_plain_change_is_a_change_of_content(cli: Cli, program: Path) -> None:
    program.write_bytes(b"#!/bin/sh\nsh\n")
    assert cli.check().rules == {"/program": "content-changed"}


@pytest.mark.parametrize("mode", [0o4755, 0o2755, 0o6755])
def test_setuid_gained_is_high(cli: Cli, program: Path, mode: int) -> None:
    program.chmod(mode)
    told = cli.check("--fail-on", "high")
    assert told.code == 1
    assert told.rules == {"/program": "setuid-gained"}


def test_a_new_setuid_program_is_high(cli: Cli, program: Path) -> None:
    shutil.copy(program, cli.tree / "new")
    (cli.tree / "new").chmod(0o4755)
    assert cli.check("--fail-on", "high").rules == {"/new": "setuid-gained"}


@ROOT
def test_a_capability_gained_is_high(cli: Cli, program: Path) -> None:
    try:
        os.setxattr(program, "security.capability", SETUID_CAPABILITY)
    except OSError as error:
        pytest.skip(f"no capabilities here: {error.strerror}")
    told = cli.check("--fail-on", "high")
    assert told.code == 1
    assert told.rules == {"/program": "capability-gained"}
    if shutil.which("getcap"):
        assert "cap_setuid" in subprocess.run(["getcap", program], capture_output=True, text=True, check=True).stdout


def test_an_acl_is_an_attribute(cli: Cli, program: Path) -> None:
    try:
        os.setxattr(program, "system.posix_acl_access", NOBODY_MAY_READ)
    except OSError as error:
        pytest.skip(f"no ACLs here: {error.strerror}")
    change = cli.check().changes["/program"]
    assert "xattrs" in change["attributes"]
    assert change["after"]["xattrs"]["system.posix_acl_access"] == "0x" + NOBODY_MAY_READ.hex()


@ROOT
@pytest.mark.skipif(shutil.which("chattr") is None, reason="chattr is not installed")
def test_an_immutable_flag_is_an_attribute(cli: Cli, program: Path) -> None:
    if subprocess.run(["chattr", "+i", program], capture_output=True, check=False).returncode:
        pytest.skip("this file system has no immutable files")
    try:
        change = cli.check().changes["/program"]
    finally:
        subprocess.run(["chattr", "-i", program], check=True)
    assert "flags" in change["attributes"]
    assert change["after"]["flags"] == "i"


def test_both_names_of_a_hard_link_are_told(cli: Cli, program: Path) -> None:
    os.link(program, cli.tree / "twin")
    assert cli.baseline().code == 0
    program.write_bytes(b"#!/bin/sh\nsh\n")
    told = cli.check().changes
    assert set(told) == {"/program", "/twin"}
    assert told["/program"]["after"]["inode"] == told["/twin"]["after"]["inode"]
    assert "/twin" in told["/program"]["note"]


def test_a_renamed_file_is_one_change(cli: Cli, program: Path) -> None:
    program.rename(cli.tree / "etc/moved")
    told = cli.check()
    assert told.rules == {"/etc/moved": "path-moved"}
    assert "/program" in told.changes["/etc/moved"]["note"]


def test_a_file_that_became_a_directory_is_another_kind(cli: Cli, program: Path) -> None:
    program.unlink()
    program.mkdir()
    (program / "inside").touch()
    told = cli.check()
    assert told.rules == {"/program": "kind-changed", "/program/inside": "path-added"}


def test_a_file_that_became_a_symlink_is_another_kind(cli: Cli, program: Path) -> None:
    program.rename(cli.home / "elsewhere")
    os.symlink("etc/passwd", program)
    assert cli.check().rules == {"/program": "kind-changed"}


@pytest.fixture(params=["growing", "rotated"])
def log(cli: Cli, request: pytest.FixtureRequest) -> Path:
    """A directory with a log of a thousand lines and an older one, in a baseline."""
    cli.watch({"path": "/log", "level": request.param}, {"path": "/", "level": "content"})
    place = cli.tree / "log"
    place.mkdir()
    (place / "app.log").write_text("".join(f"line {number}\n" for number in range(1000)), "utf-8")
    (place / "app.log.1").write_text("".join(f"older {number}\n" for number in range(1000)), "utf-8")
    assert cli.baseline().code == 0
    return place


def append(place: Path, text: str = "one more\n") -> None:
    with place.open("a", encoding="utf-8") as file:
        file.write(text)


def test_a_log_that_grew_is_explained(cli: Cli, log: Path) -> None:
    append(log / "app.log")
    told = cli.check("--all")
    assert told.code == 0
    assert told.host["status"] == "clean"
    assert told.changes["/log/app.log"]["explanation"]["by"] == "growing"
    assert "9 bytes" in told.changes["/log/app.log"]["explanation"]["text"]
    assert not cli.check().changes


@pytest.mark.parametrize("size", [0, 7, 5000])
def test_a_log_that_was_cut_is_high(cli: Cli, log: Path, size: int) -> None:
    os.truncate(log / "app.log", size)
    append(log / "app.log")
    told = cli.check()
    assert told.code == 1
    assert told.rules == {"/log/app.log": "log-rewritten"}
    assert "shrank" in told.changes["/log/app.log"]["note"]


def test_a_log_with_one_line_edited_is_found_though_it_grew(cli: Cli, log: Path) -> None:
    text = (log / "app.log").read_text("utf-8")
    (log / "app.log").write_text(text.replace("line 500", "l1ne 500") + "more\n" * 100, "utf-8")
    told = cli.check()
    assert told.code == 1
    assert told.rules == {"/log/app.log": "log-rewritten"}


def test_a_log_with_a_line_removed_is_found_though_it_grew(cli: Cli, log: Path) -> None:
    text = (log / "app.log").read_text("utf-8")
    (log / "app.log").write_text(text.replace("line 500\n", "") + "more\n" * 100, "utf-8")
    assert cli.check().rules == {"/log/app.log": "log-rewritten"}


def by_rename(log: Path) -> None:
    (log / "app.log.1").rename(log / "app.log.2")
    append(log / "app.log", "the last\n")
    (log / "app.log").rename(log / "app.log.1")
    append(log / "app.log", "new\n")


def by_copytruncate(log: Path) -> None:
    (log / "app.log.1").rename(log / "app.log.2")
    shutil.copy2(log / "app.log", log / "app.log.1")
    os.truncate(log / "app.log", 0)
    append(log / "app.log", "new\n")


def by_gzip(log: Path) -> None:
    for number, name in (("2", "app.log.1"), ("1", "app.log")):
        (log / f"app.log.{number}.gz").write_bytes(gzip.compress((log / name).read_bytes()))
        (log / name).unlink()
    append(log / "app.log", "new\n")


def by_date(log: Path) -> None:
    (log / "app.log").rename(log / "app.log-20261124")
    append(log / "app.log", "new\n")


@pytest.mark.parametrize("rotate", [by_rename, by_copytruncate, by_gzip, by_date])
@pytest.mark.parametrize("log", ["rotated"], indirect=True)
def test_a_rotation_is_explained(cli: Cli, log: Path, rotate: Callable[[Path], None]) -> None:
    rotate(log)
    told = cli.check("--all")
    assert told.code == 0, told.rules
    assert {change["explanation"]["by"] for change in told.changes.values() if change["explanation"]} == {"rotated"}
    assert not cli.check().changes


@pytest.mark.parametrize("log", ["rotated"], indirect=True)
def test_a_rotation_that_removed_the_oldest_says_so(cli: Cli, log: Path) -> None:
    by_rename(log)
    (log / "app.log.2").unlink()
    told = cli.check()
    assert told.code == 0
    assert told.rules == {"/log/app.log.1": "log-rotated-away"}


@pytest.mark.parametrize("log", ["rotated"], indirect=True)
def test_an_old_log_replaced_by_a_copy_of_the_new_is_no_rotation(cli: Cli, log: Path) -> None:
    shutil.copy(log / "app.log", log / "app.log.1")
    told = cli.check()
    assert told.code == 1
    assert told.rules == {"/log/app.log.1": "log-rewritten"}


@pytest.mark.parametrize("log", ["rotated"], indirect=True)
def test_a_log_edited_while_it_was_rotated_is_found(cli: Cli, log: Path) -> None:
    text = (log / "app.log").read_text("utf-8")
    (log / "app.log").write_text(text.replace("line 500\n", ""), "utf-8")
    by_rename(log)
    told = cli.check()
    assert told.code == 1
    assert "log-rewritten" in told.rules.values()


@pytest.mark.parametrize("log", ["rotated"], indirect=True)
def test_a_rotated_log_with_hostile_names_around_is_explained(cli: Cli, log: Path) -> None:
    (log / "my app\x1b.log").write_text("a\n" * 100, "utf-8")
    assert cli.baseline().code == 0
    (log / "my app\x1b.log").rename(log / "my app\x1b.log.1")
    append(log / "my app\x1b.log", "new\n")
    assert not cli.check().changes


@pytest.mark.parametrize("log", ["rotated"], indirect=True)
def test_a_removed_log_is_told(cli: Cli, log: Path) -> None:
    (log / "app.log").unlink()
    told = cli.check()
    assert told.code == 1
    assert told.rules == {"/log/app.log": "path-removed"}


@pytest.fixture
def mounted(made: Callable[[Path], Path]) -> Callable[..., None]:
    """A function that mounts something on a directory, or skips where that cannot be."""

    def mount(point: Path, *words: str) -> None:
        if subprocess.run(["mount", *words, str(point)], capture_output=True, check=False).returncode:
            pytest.skip("nothing can be mounted here")
        made(point)

    return mount


@ROOT
def test_another_file_system_inside_a_root_is_a_gap(cli: Cli, mounted: Callable[..., None]) -> None:
    (cli.tree / "data").mkdir()
    (cli.tree / "data/hidden").touch()
    assert cli.baseline().code == 0
    mounted(cli.tree / "data", "-t", "tmpfs", "tmpfs")
    (cli.tree / "data/new").touch()
    told = cli.check("--fail-on", "none")
    assert told.code == 3
    assert "/data" in told.gaps
    assert not [path for path in told.changes if path.startswith("/data/")]


@ROOT
def test_a_bind_mount_inside_a_root_lets_nothing_in_from_outside(cli: Cli, mounted: Callable[..., None]) -> None:
    outside = cli.home / "outside"
    outside.mkdir()
    (outside / "OUTSIDE").touch()
    (cli.tree / "data").mkdir()
    assert cli.baseline().code == 0
    mounted(cli.tree / "data", "--bind", str(outside))
    told = cli.check("--fail-on", "none")
    assert "/data" in told.gaps
    assert not [path for path in told.changes if "OUTSIDE" in path]


@pytest.fixture
def here(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The tree as a part of this machine."""
    cli.word, cli.empty = "local", without_packages()
    cli.watch({"path": str(cli.tree), "level": "content"})
    (cli.tree / "data").mkdir()
    (cli.tree / "data/file").write_text("before\n", "utf-8")
    assert cli.baseline().code == 0
    assert cli.check().code == 0
    return cli


@ROOT
@pytest.mark.parametrize("kind", ["tmpfs", "bind"])
def test_a_mount_that_covers_a_watched_path_is_a_finding(here: Cli, mounted: Callable[..., None], kind: str) -> None:
    copy = here.home / "copy"
    shutil.copytree(here.tree / "data", copy)
    mounted(here.tree / "data", *(["-t", "tmpfs", "tmpfs"] if kind == "tmpfs" else ["--bind", str(copy)]))
    told = here.check("--fail-on", "high")
    assert told.code == 1
    found = {finding["rule"]: finding["subject"] for finding in told.host["findings"]}
    assert found["mount-covers-watched-path"] == str(here.tree / "data")


@ROOT
def test_a_mount_that_is_gone_is_a_finding(here: Cli, mounted: Callable[..., None]) -> None:
    mounted(here.tree / "data", "-t", "tmpfs", "tmpfs")
    assert here.baseline().code in (0, 3)
    subprocess.run(["umount", str(here.tree / "data")], check=True)
    told = here.check()
    assert "mount-gone" in {finding["rule"] for finding in told.host["findings"]}
