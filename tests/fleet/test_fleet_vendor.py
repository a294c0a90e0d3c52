"""A machine over SSH held against its vendor, who is known by nothing but the lists and packages in its own apt."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import debian
import pytest

from fleet.fleet import Fleet
from fleet.machines import Machine

pytestmark = pytest.mark.skipif(not shutil.which("gpg"), reason="needs gpg to sign")
STATUS = "\nPackage: hello\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\n"
SUITE = "var/lib/apt/lists/mirror.example_dists_kiwi_"


def install(machine: Machine, vendor: debian.Vendor) -> None:
    """A package on the machine, as apt would leave it behind."""
    (machine.root / "usr/bin/hello").write_bytes(b"hello\n")
    data = debian.deb(debian.file("./usr/bin/hello", b"hello\n"))
    text = debian.packages(debian.listed(data))
    told = debian.release({"main/binary-amd64/Packages": text, "contrib/binary-amd64/Packages": b""})
    debian.put(machine.root / f"{SUITE}InRelease", vendor.clear_signed(told))
    debian.put(machine.root / f"{SUITE}main_binary-amd64_Packages.xz", debian.PACK[".xz"](text))
    debian.put(machine.root / "var/cache/apt/archives/hello_1.0-1_amd64.deb", data)
    with (machine.root / "var/lib/dpkg/status").open("a") as status:
        status.write(STATUS)
    with (machine.root / "var/lib/dpkg/info/hello.list").open("w") as paths:
        paths.write("/.\n/usr\n/usr/bin\n/usr/bin/hello\n")


def told(fleet: Fleet, machine: Machine) -> dict[str, Any]:
    outcome = fleet.auditkit("check", machine.name, "--against", "vendor", "--format", "json")
    host: dict[str, Any] = json.loads(outcome.out)["hosts"][0]
    return host


def of_hello(host: dict[str, Any]) -> list[str]:
    return [finding["rule"] for finding in host["findings"] if finding["subject"] == "/usr/bin/hello"]


def test_lists_and_packages_of_the_machine_itself_are_believed_by_their_signature(fleet: Fleet) -> None:
    home = Path(tempfile.mkdtemp(prefix="gpg-"))  # its agent's socket must have a short name
    vendor = debian.Vendor(home)
    try:
        machines = fleet.up([("py", 1), ("nopy", 1)])
        debian.put(fleet.home / "key.gpg", vendor.keyring)
        fleet.config(vendor={"keyrings": [str(fleet.home / "key.gpg")]})
        for machine in machines:
            install(machine, vendor)
        bare, machine = told(fleet, machines[1]), machines[0]
        assert bare["counts"]["verified"] == 1
        shutil.rmtree(fleet.home / "store")
        # whoever changes the file and the package in the cache changes no signature
        (machine.root / "usr/bin/hello").write_bytes(b"evil!\n")
        assert of_hello(told(fleet, machine)) == ["package-file-altered"]
        shutil.rmtree(fleet.home / "store")
        evil = debian.deb(debian.file("./usr/bin/hello", b"evil!\n"))
        debian.put(machine.root / "var/cache/apt/archives/hello_1.0-1_amd64.deb", evil)
        host = told(fleet, machine)
        assert host["counts"]["verified"] == 0
        there = f"{machine.name} /var/cache/apt/archives/hello_1.0-1_amd64.deb is not the file that was signed"
        assert any(there in gap["reason"] for gap in host["gaps"])
    finally:
        vendor.close()
