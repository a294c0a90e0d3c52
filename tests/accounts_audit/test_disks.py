"""The audit of accounts on real disks: a Debian has nothing above a remark, and what is planted is found."""

import os
from pathlib import Path

import pytest
from conftest import Cli, Outcome
from fleet import images

ROOT = pytest.mark.skipif(os.getuid() != 0, reason="files of root, and of others, need root")


def audit(cli: Cli, root: Path) -> Outcome:
    """What is said of a disk."""
    return cli.run("audit", f"root:{root}", "--only", "accounts", "--format", "json", "--fail-on", "low")


@ROOT
@pytest.mark.parametrize("release", ["bookworm", "trixie"])
def test_of_a_debian_only_what_the_fleet_has_put_into_it_is_above_a_remark(cli: Cli, release: str) -> None:
    """A clean one is in cases/privileges/debian-*.txt; this has accounts of the fleet, some of which may do all by sudo."""
    if reason := images.missing():
        pytest.skip(reason)
    try:
        image = images.layers(release)[0]
    except images.NoFleetError as reason:
        pytest.skip(str(reason))
    told = audit(cli, image)
    assert {one["rule"] for one in told.host["findings"] if one["severity"] != "info"} == {"sudo-without-password"}
    assert told.gaps == {}
    roots = {fact["name"]: fact["root_by"] for fact in told.host["facts"]["accounts"] if fact["root"] is not False}
    assert roots.pop("root") == ["uid 0"]
    assert {by for several in roots.values() for by in several} <= {"sudo", "doas"}


@ROOT
def test_what_is_planted_on_a_disk_is_found(cli: Cli, tmp_path: Path) -> None:
    root = tmp_path / "disk"
    files = {
        "etc/passwd": "root:x:0:0::/root:/bin/sh\nanna:x:1000:1000::/home/anna:/bin/sh\n",
        "etc/shadow": "root:*:20000::::::\nanna:*:20000::::::\n",
        "etc/group": "root:x:0:\nanna:x:1000:\ndocker:x:990:anna\n",
        "etc/sudoers": "@includedir /etc/sudoers.d\n@include /etc/more\n",
        "etc/sudoers.d/ops": "anna ALL = NOPASSWD: /opt/tool\n",
        "etc/more": "anna ALL = NOPASSWD: /usr/bin/vi\n",
        "opt/tool": "#!/bin/sh\n",
        "bin/sh": "",
        "home/anna/.bashrc": "",
        "root/.profile": "",
    }
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name, mode in (
        ("opt", 0o777),
        ("bin/sh", 0o755),
        ("root", 0o700),
        ("home/anna/.bashrc", 0o666),
        ("etc/sudoers", 0o440),
    ):
        (root / name).chmod(mode)
    for name in ("home/anna", "home/anna/.bashrc"):
        os.chown(root / name, 1000, 1000)
    found = {one["rule"]: one["message"] for one in audit(cli, root).host["findings"]}
    assert (
        found
        == {
            "sudo-command-gives-root": "asked for nothing: anna by `/usr/bin/vi` (runs programs from within (:!sh))",
            "sudo-command-writable": "everybody may write to /opt; anna may run what is there as root",
            "group-is-root": "anna: whoever is in it starts containers that have the whole disk",
            "dotfile-writable": "everybody may write to /home/anna/.bashrc; it is read at the login of anna",
            "shell-not-listed": "`/bin/sh` of root, anna is not in /etc/shells",
        }
        or "shell-not-listed" not in found
    )
