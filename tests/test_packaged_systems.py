"""Upgrades on disks with rpm, pacman and apk, with changes planted among those of the upgrade: just these must be left."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cli
from disks import AFTER, NEW, OLD, OTHER, Apk, Disk, Files, Pacman, Rpm, Written, checked, installed, left, sha256


@pytest.fixture(params=["rpm", "pacman", "apk"])
def disk(request: pytest.FixtureRequest, cli: Cli) -> Disk:
    """A disk of each kind with the old versions installed, and a baseline of it."""
    kinds: dict[str, Callable[[], Disk]] = {
        "rpm": lambda: request.getfixturevalue("rpm"),
        "pacman": lambda: Pacman(cli),
        "apk": lambda: Apk(cli),
    }
    disk = kinds[request.param]()
    installed(disk)
    return disk


def test_after_an_upgrade_nothing_of_it_is_left_to_be_looked_at(disk: Disk) -> None:
    disk.put("demo", NEW, AFTER)
    host = checked(disk)
    assert left(disk, host) == {}
    texts = {change["path"]: change["explanation"] for change in host["changes"] if change["explanation"]}
    assert texts["/usr/sbin/demod"]["text"] == f"demo {OLD} → {NEW}"
    proofs = {change["explanation"]["proof"] for change in host["changes"] if change["explanation"] and change["after"]}
    assert proofs == {"signed" if isinstance(disk, Rpm) else "local"}


def test_what_was_planted_among_the_changes_of_an_upgrade_is_left(disk: Disk) -> None:
    disk.put("demo", NEW, AFTER)
    root = disk.cli.tree
    (root / "usr/sbin/demod").write_text("new daemon, and a door\n")
    (root / "usr/lib/libdemo.so.1.1").chmod(0o4755)
    (root / "usr/lib/libdemo.so.1").unlink()
    (root / "usr/lib/libdemo.so.1").symlink_to("/tmp/libdemo.so.1.1")
    (root / "etc/demo.conf").write_text("port 1\nhook /tmp/x\n")
    (root / "usr/bin/other").write_text("OTHER\n")
    (root / "usr/bin/second").unlink()
    (root / "usr/share/demo/new/planted").write_text("nobody's\n")
    assert left(disk, checked(disk)) == {
        "/usr/sbin/demod": ("package-file-altered", f"not what demo {NEW} ships"),
        "/usr/lib/libdemo.so.1.1": ("setuid-gained", f"mode not as demo {NEW} ships it"),
        "/usr/lib/libdemo.so.1": ("package-file-altered", f"not what demo {NEW} ships"),
        "/etc/demo.conf": ("content-changed", f"configuration of demo {NEW}"),
        "/usr/bin/other": ("package-file-altered", f"not what other {OLD} ships"),
        "/usr/bin/second": ("package-file-missing", f"other {OLD} has it"),
        "/usr/share/demo/new/planted": ("path-added", ""),
    }


def test_a_package_that_was_removed_takes_its_files_with_it(disk: Disk) -> None:
    disk.remove("other")
    assert left(disk, checked(disk)) == {}


def test_the_baseline_says_what_is_installed(disk: Disk) -> None:
    from conftest import text_of

    told = json.loads(text_of(disk.cli.baselines()[-1])[0])["packages"]
    assert {key.partition(":")[0]: version for key, version in told.items()} == {"demo": OLD, "other": OLD}


def test_a_file_of_a_package_that_did_not_change_is_not_explained_by_its_database(disk: Disk) -> None:
    """The oldest trick: the database is made to say what the file is now. What a vendor signed cannot be."""
    if isinstance(disk, Written):
        (disk.cli.tree / "usr/bin/other").write_text("OTHER\n")
        disk.packages["other"] = OLD, {**OTHER, "usr/bin/other": "OTHER\n"}
        disk.write()
        assert left(disk, checked(disk)) == {"/usr/bin/other": ("content-changed", "")}


# rpm alone


def test_an_altered_header_is_found_and_believed_in_nothing(rpm: Rpm) -> None:
    installed(rpm)
    rpm.put("demo", NEW, AFTER)
    (rpm.cli.tree / "usr/sbin/demod").write_text("NEW daemon\n")
    rpm.forge(sha256("new daemon\n"), sha256("NEW daemon\n"))
    host = checked(rpm)
    assert "/usr/sbin/demod" in left(rpm, host)
    (found,) = [one for one in host["findings"] if one["rule"] == "package-database-forged"]
    assert found["subject"] == "package demo:noarch"
    assert found["message"].startswith(f"what the database says of demo {NEW} is not what was signed: ")
    assert not [change for change in host["changes"] if change["explanation"] and change["after"]]


def test_without_the_vendors_key_the_database_is_believed_where_the_version_changed(rpm: Rpm) -> None:
    installed(rpm)
    rpm.trust()
    rpm.put("demo", NEW, AFTER)
    (rpm.cli.tree / "usr/bin/other").write_text("OTHER\n")
    rpm.forge(sha256("other\n"), sha256("OTHER\n"))
    host = checked(rpm)
    assert left(rpm, host) == {"/usr/bin/other": ("content-changed", "")}
    assert {change["explanation"]["proof"] for change in host["changes"] if change["explanation"]} == {"local"}
    assert any("no key of a vendor of rpm packages is given" in note for note in host["notes"])


def kernel(version: str) -> Files:
    return {f"lib/modules/{version}/vmlinuz": f"kernel {version}\n"}


def test_of_kernels_several_are_there_at_a_time(rpm: Rpm) -> None:
    for version in ("6.1-1", "6.1-2"):
        rpm.rpm("--nosignature", "-i", rpm.build("kernel", version, kernel(version)))
    rpm.trust()
    installed(rpm)
    rpm.rpm("--nosignature", "-i", rpm.build("kernel", "6.1-3", kernel("6.1-3")))
    rpm.rpm("-e", "kernel-6.1-1")
    place = rpm.cli.tree / "lib/modules/6.1-2/vmlinuz"
    place.write_text("KERNEL 6.1-2\n")
    rpm.forge(sha256("kernel 6.1-2\n"), sha256("KERNEL 6.1-2\n"))
    host = checked(rpm)
    assert left(rpm, host) == {"/lib/modules/6.1-2/vmlinuz": ("content-changed", "")}
    texts = {change["path"]: change["explanation"]["text"] for change in host["changes"] if change["explanation"]}
    assert {texts[f"/lib/modules/{version}/vmlinuz"] for version in ("6.1-1", "6.1-3")} == {"kernel 6.1-1 → 6.1-3"}


def test_evidence_of_a_disk_with_rpm_is_explained_as_the_disk_was(rpm: Rpm, tmp_path: Path) -> None:
    installed(rpm)
    rpm.put("demo", NEW, AFTER)
    (rpm.cli.tree / "usr/bin/other").write_text("OTHER\n")
    file = tmp_path / "taken.evidence.zst"
    taken = rpm.cli.run("collect", rpm.cli.host, "-o", str(file), "--store", str(rpm.cli.store), "-q")
    assert taken.code == 3
    assert "which only the rpm of the running host reads" in taken.out, "whose a path is that nobody asks rpm about"
    rpm.cli.word = f"evidence:{file}"
    host = checked(rpm)
    assert left(rpm, host) == {"/usr/bin/other": ("package-file-altered", f"not what other {OLD} ships")}
