"""A disk with rpm held against its vendor, by nothing but the database on it and the vendor's key.

Clean it is silent, and each way to tamper is found, also where the database was made to fit.
"""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from disks import OLD, Apk, Pacman, Rpm, sha256

UNPROVED = {f"/usr/bin/{name}": ("rights-unproved", "low") for name in ("agent", "ping")}
"""What has rights on the word of the database alone, where nobody vouches for that."""
DATA = "usr/share/demo/with blank"
FILES = {
    "usr/sbin/demod": "daemon\n",
    "usr/bin/agent": "agent\n",
    "usr/bin/plain": "plain\n",
    "usr/bin/open": "open\n",
    "usr/bin/ping": "ping\n",
    "usr/lib/libdemo.so.1.0": "library\n",
    "usr/lib/libdemo.so.1": "-> libdemo.so.1.0",
    "etc/demo.conf": "port 1\n",
    DATA: "data\n",
    "var/log/demo.log": "",
    "usr/bin/chosen": "",
}
SAID = {
    "usr/sbin/demod": "%attr(0755, root, root) ",
    "usr/bin/agent": "%attr(2755, root, mail) ",
    "usr/bin/ping": "%attr(0755, root, root) %caps(cap_net_raw=ep) ",
    "var/log/demo.log": "%ghost ",
    "usr/bin/chosen": "%ghost ",
    "etc/demo.conf": "%config(noreplace) ",
}
ALTERED, MISSING = "package-file-altered", "package-file-missing"


@pytest.fixture
def disk(rpm: Rpm) -> Rpm:
    """A disk as shipped, with the accounts that its packages name."""
    rpm.write("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
    rpm.write("etc/group", "root:x:0:\nmail:x:8:\n")
    rpm.write("usr/lib/os-release", "ID=example\n")
    rpm.put("demo", OLD, FILES, SAID)
    rpm.put("other", OLD, {"usr/bin/other": "other\n", "usr/lib/os-release": "ID=example\n"})
    rpm.write("var/log/demo.log", "a line\n")
    (rpm.cli.tree / "usr/bin/chosen").symlink_to("/etc/alternatives/chosen")
    return rpm


def check(disk: Any) -> Any:
    told = "--config", str(disk.cli.home / "auditkit.yaml"), "--store", str(disk.cli.store), "--format", "json"
    return disk.cli.run("check", disk.cli.host, "--against", "vendor", *told)


def told(disk: Any) -> dict[str, tuple[str, str]]:
    """Rule and severity by subject."""
    return {one["subject"]: (one["rule"], one["severity"]) for one in check(disk).host["findings"]}


def test_a_disk_as_shipped_is_clean(disk: Rpm) -> None:
    outcome = check(disk)
    host = outcome.host
    assert (host["findings"], host["gaps"], outcome.code) == ([], [], 0)
    assert (host["counts"]["packages"], host["counts"]["verified"]) == (2, 2)
    assert host["notes"][0].startswith("2 packages on the word of signed header, key ")
    assert (
        host["notes"][1] == "1 file is left open by the package (a log or a cache, %ghost of rpm): what is in it is not judged"
    )


def rewrite(disk: Rpm) -> None:
    """And make the header in the database fit, as an intruder would who knows that somebody will run rpm -V."""
    disk.write("usr/sbin/demod", "Daemon\n", 0o755)
    disk.forge(sha256("daemon\n"), sha256("Daemon\n"))


def rewrite_and_strip(disk: Rpm) -> None:
    disk.write("usr/sbin/demod", "Daemon\n", 0o755)
    disk.forge(sha256("daemon\n"), sha256("Daemon\n"), stripped=True)


def retarget(disk: Rpm) -> None:
    (disk.cli.tree / "usr/lib/libdemo.so.1").unlink()
    (disk.cli.tree / "usr/lib/libdemo.so.1").symlink_to("/tmp/libdemo.so.1.0")


def give(disk: Rpm, name: str) -> None:
    """Let a program change who it is."""
    subprocess.run(["setcap", "cap_setuid=ep", disk.cli.tree / name], check=True)


def plant_a_record(disk: Rpm) -> None:
    disk.rpm("--nosignature", "-U", disk.build("evil", OLD, {"usr/bin/evil": "evil\n"}, signed=False))


TAMPERED: dict[str, tuple[Callable[[Rpm], object], str, str, str]] = {
    "content": (lambda disk: disk.write("usr/sbin/demod", "Daemon\n", 0o755), "/usr/sbin/demod", ALTERED, "high"),
    "target": (retarget, "/usr/lib/libdemo.so.1", ALTERED, "high"),
    "setuid": (lambda disk: (disk.cli.tree / "usr/bin/other").chmod(0o4755), "/usr/bin/other", "setuid-gained", "high"),
    "mode": (lambda disk: (disk.cli.tree / "usr/bin/open").chmod(0o666), "/usr/bin/open", "package-mode-changed", "high"),
    "owner": (lambda disk: os.chown(disk.cli.tree / DATA, 8, 8), f"/{DATA}", "package-mode-changed", "medium"),
    "missing": (lambda disk: (disk.cli.tree / "usr/bin/agent").unlink(), "/usr/bin/agent", MISSING, "medium"),
    "configuration": (lambda disk: disk.write("etc/demo.conf", "port 2\n"), "/etc/demo.conf", "configuration-changed", "low"),
    "other rights": (lambda disk: give(disk, "usr/bin/ping"), "/usr/bin/ping", "capability-gained", "high"),
    "rights": (lambda disk: give(disk, "usr/bin/plain"), "/usr/bin/plain", "capability-gained", "high"),
    "unowned": (lambda disk: disk.write("usr/bin/evil", "evil\n", 0o755), "/usr/bin/evil", "started-unowned", "medium"),
    "a ghost": (lambda disk: disk.write("var/log/demo.log", "evil\n", 0o4755), "/var/log/demo.log", "setuid-gained", "high"),
}


def test_what_is_not_as_shipped_is_told(disk: Rpm) -> None:
    for tamper, *_said in TAMPERED.values():
        tamper(disk)
    assert told(disk) == {path: (rule, severity) for _tamper, path, rule, severity in TAMPERED.values()}


def test_what_may_be_missing_is_not_missed(disk: Rpm) -> None:
    (disk.cli.tree / "var/log/demo.log").unlink()
    assert (told(disk), gaps(disk)) == ({}, [])


def gaps(disk: Any) -> list[str]:
    return [f"{gap['subject']}: {gap['reason']}" for gap in check(disk).host["gaps"]]


def test_a_package_without_a_signature_is_unverifiable_and_its_files_with_it(disk: Rpm) -> None:
    plant_a_record(disk)
    outcome = check(disk)
    reason = "no vendor whose key is given signed it: nobody signed it"
    assert outcome.code == 3
    assert gaps(disk) == [f"packages: 1 package is unverifiable: {reason}: evil:noarch"]
    rewrite_and_strip(disk)
    assert gaps(disk) == [f"packages: 2 packages are unverifiable: {reason}: demo:noarch, evil:noarch"]


def test_a_forged_package_is_unverifiable_too(disk: Rpm) -> None:
    rewrite(disk)
    outcome = check(disk)
    assert (outcome.code, outcome.host["counts"]["verified"]) == (1, 1)
    assert told(disk) == {"package demo:noarch": ("package-database-forged", "high"), **UNPROVED}
    assert gaps(disk) == [
        "packages: 1 package is unverifiable: what the database says of it is not what was signed: demo:noarch"
    ]


def test_a_second_unsigned_header_of_a_signed_package_is_a_gap_and_owns_nothing(disk: Rpm) -> None:
    disk.rpm("-U", "--justdb", "--replacepkgs", disk.build("other", OLD, {"usr/bin/evil": "evil\n"}, signed=False))
    blobs = disk.blobs("other")
    disk.put("other", OLD, {"usr/bin/other": "other\n", "usr/lib/os-release": "ID=example\n"})
    disk.add(*blobs)
    disk.write("usr/bin/evil", "evil\n", 0o755)
    assert told(disk) == {"/usr/bin/evil": ("started-unowned", "medium")}
    assert gaps(disk) == [f"other:noarch {OLD}: no vendor whose key is given signed it: nobody signed it"]


def test_a_program_in_the_place_of_a_ghost_is_nobodys_word(disk: Rpm) -> None:
    (disk.cli.tree / "usr/bin/chosen").unlink()
    disk.write("usr/bin/chosen", "evil\n", 0o755)
    assert gaps(disk) == ["/usr/bin/chosen: a program, and demo leaves open what is in it: nobody vouches for that"]


def test_without_the_vendors_key_nothing_is_verified(disk: Rpm) -> None:
    disk.trust()
    (gap,) = gaps(disk)
    assert gap.startswith("packages: 2 packages are unverifiable: no key of a vendor of rpm packages is given: ")
    assert told(disk) == UNPROVED


def test_a_key_that_is_not_there_is_said(disk: Rpm) -> None:
    disk.trust(Path("/nowhere/KEY"))
    assert "packages: the vendors' word on packages of rpm could not be had: /nowhere/KEY is not there" in gaps(disk)


@pytest.mark.parametrize("kind", [Apk, Pacman])
def test_where_nothing_that_was_signed_is_kept_it_is_said(cli: Cli, kind: Callable[[Cli], Any]) -> None:
    disk = kind(cli)
    (cli.home / "auditkit.yaml").write_text("{}")
    disk.put("demo", OLD, {"usr/bin/demo": "demo\n"})
    outcome = check(disk)
    assert outcome.code == 3
    assert (outcome.host["counts"]["packages"], outcome.host["counts"]["verified"]) == (1, 0)
    name = kind.__name__.lower()
    assert gaps(disk) == [f"packages: 1 package is unverifiable: {name} keeps nothing that its vendor signed: demo:x86_64"]
