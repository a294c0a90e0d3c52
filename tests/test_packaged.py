"""Real packages upgraded by the real dpkg, with changes planted among those of the upgrade: just these must be left."""

import gzip
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="dpkg installs as root only"),
    pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs dpkg"),
]
OLD, NEW = "1.0-1", "1.0-2"
STAYING = {"usr/bin/stays": "the same\n", "usr/share/demo/empty": ""}


class Office:
    """A machine's disk with dpkg on it, and the packages that were made for it."""

    def __init__(self, cli: Cli) -> None:
        self.cli, self.root, self.home = cli, cli.tree, cli.home
        for name in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log", "usr/bin"):
            self.path(name).mkdir(parents=True)
        self.path("var/lib/dpkg/status").touch()

    def package(self, name: str, version: str, files: dict[str, str], conffiles: tuple[str, ...] = ()) -> Path:
        """Build a .deb, with the md5sums that dh_md5sums would make."""
        tree = self.home / f"{name}-{version}"
        for path, text in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            if text.startswith("-> "):
                (tree / path).symlink_to(text[3:])
            else:
                (tree / path).write_text(text)
        control = tree / "DEBIAN"
        control.mkdir()
        (control / "control").write_text(
            f"Package: {name}\nVersion: {version}\nArchitecture: amd64\nMaintainer: x <x@example.org>\nDescription: x\n"
        )
        (control / "conffiles").write_text("".join(f"/{path}\n" for path in conffiles))
        plain = [path for path, text in files.items() if path not in conffiles and not text.startswith("-> ")]
        sums = subprocess.run(["md5sum", *plain], cwd=tree, check=True, capture_output=True, text=True).stdout
        (control / "md5sums").write_text(sums)
        subprocess.run(["dpkg-deb", "-b", "--root-owner-group", str(tree), str(tree) + ".deb"], check=True, capture_output=True)
        return Path(f"{tree}.deb")

    def dpkg(self, *words: str) -> None:
        """Run dpkg on that disk, with the log that it would keep there."""
        log = self.root / "var/log/dpkg.log"
        argv = ["dpkg", f"--root={self.root}", f"--log={log}", "--force-architecture", "--force-confold", *words]
        subprocess.run(argv, check=True, capture_output=True)

    def path(self, name: str) -> Path:
        return self.root / name


@pytest.fixture
def office(cli: Cli) -> Office:
    """The disk with the old versions installed, and a baseline of it."""
    office = Office(cli)
    old = {
        **STAYING,
        "usr/sbin/demod": "old daemon\n",
        "usr/lib/libdemo.so.1.0": "old library\n",
        "usr/lib/libdemo.so.1": "-> libdemo.so.1.0",
        "etc/demo.conf": "port 1\n",
        "usr/share/demo/gone": "leaves with it\n",
    }
    other = {"usr/bin/other": "other\n", "usr/bin/second": "second\n"}
    office.dpkg("-i", str(office.package("demo", OLD, old, ("etc/demo.conf",))))
    office.dpkg("-i", str(office.package("other", OLD, other)))
    assert cli.baseline().code == 0
    return office


def upgraded(office: Office) -> None:
    new = {
        **STAYING,
        "usr/sbin/demod": "new daemon\n",
        "usr/lib/libdemo.so.1.1": "new library\n",
        "usr/lib/libdemo.so.1": "-> libdemo.so.1.1",
        "etc/demo.conf": "port 2\n",
        "usr/share/demo/new/added": "came with it\n",
    }
    office.dpkg("-i", str(office.package("demo", NEW, new, ("etc/demo.conf",))))


def checked(office: Office) -> dict[str, Any]:
    (host,) = json.loads(office.cli.check("--all").out)["hosts"]
    assert isinstance(host, dict)
    return host


def left(host: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """The changes of all but dpkg's own files that nothing explains: rule and note by path."""
    own = ("/var/lib/dpkg", "/var/log")
    return {
        change["path"]: (change["rule"], change["note"])
        for change in host["changes"]
        if change["explanation"] is None and not change["path"].startswith(own)
    }


def test_after_an_upgrade_nothing_of_it_is_left_to_be_looked_at(office: Office) -> None:
    upgraded(office)
    host = checked(office)
    assert left(host) == {}
    texts = {change["path"]: change["explanation"] for change in host["changes"] if change["explanation"]}
    assert texts["/usr/sbin/demod"]["text"].startswith(f"demo {OLD} → {NEW} (")
    assert {told["proof"] for told in texts.values()} == {"local"}
    assert [finding["rule"] for finding in host["findings"]].count("explained-by-the-host-alone") == 1


def test_what_was_planted_among_the_changes_of_an_upgrade_is_left(office: Office) -> None:
    upgraded(office)
    office.path("usr/sbin/demod").write_text("new daemon, and a door\n")
    office.path("usr/lib/libdemo.so.1.1").chmod(0o4755)
    office.path("usr/lib/libdemo.so.1").unlink()
    office.path("usr/lib/libdemo.so.1").symlink_to("/tmp/libdemo.so.1.1")
    office.path("etc/demo.conf").write_text("port 1\nhook /tmp/x\n")
    office.path("usr/bin/other").write_text("OTHER\n")
    office.path("usr/bin/second").unlink()
    office.path("usr/share/demo/new/planted").write_text("nobody's\n")
    assert left(checked(office)) == {
        "/usr/sbin/demod": ("package-file-altered", f"not what demo {NEW} ships"),
        "/usr/lib/libdemo.so.1.1": ("setuid-gained", ""),
        "/usr/lib/libdemo.so.1": ("link-retargeted", ""),
        "/etc/demo.conf": ("content-changed", f"configuration of demo {NEW}"),
        "/usr/bin/other": ("package-file-altered", f"not what other {OLD} ships"),
        "/usr/bin/second": ("package-file-missing", f"other {OLD} has it"),
        "/usr/share/demo/new/planted": ("path-added", ""),
    }


def alter_with_its_sum(office: Office) -> None:
    """The oldest trick: to `dpkg -V` and debsums all is well."""
    office.path("usr/bin/other").write_text("OTHER\n")
    argv = ["md5sum", "usr/bin/other", "usr/bin/second"]
    sums = subprocess.run(argv, cwd=office.root, check=True, capture_output=True).stdout
    office.path("var/lib/dpkg/info/other.md5sums").write_bytes(sums)


def test_a_changed_file_whose_md5sums_were_written_anew_is_not_explained(office: Office) -> None:
    alter_with_its_sum(office)
    assert left(checked(office)) == {"/usr/bin/other": ("content-changed", "")}


def test_a_version_that_only_the_status_file_knows_is_not_believed(office: Office) -> None:
    alter_with_its_sum(office)
    status = office.path("var/lib/dpkg/status")
    status.write_text(status.read_text().replace(f"Version: {OLD}", f"Version: {NEW}"))
    assert left(checked(office)) == {"/usr/bin/other": ("content-changed", "")}


def test_a_package_that_was_removed_takes_its_files_with_it(office: Office) -> None:
    office.dpkg("-r", "other")
    assert left(checked(office)) == {}


def test_who_ran_the_upgrade_is_told_from_the_logs_also_after_they_were_rotated(office: Office) -> None:
    upgraded(office)
    log = office.path("var/log/dpkg.log")
    day, time = next(line for line in log.read_text().splitlines() if f" upgrade demo:amd64 {OLD} {NEW}" in line).split(" ")[:2]
    office.path("var/log/dpkg.log.2.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.write_text("")
    office.path("var/log/apt").mkdir()
    office.path("var/log/apt/history.log").write_text(
        f"\nStart-Date: {day}  {time}\nCommandline: apt-get upgrade\nRequested-By: anna (1000)\n"
        f"Upgrade: demo:amd64 ({OLD}, {NEW})\nEnd-Date: {day}  {time}\n"
    )
    (demod,) = (change for change in checked(office)["changes"] if change["path"] == "/usr/sbin/demod")
    assert demod["explanation"]["text"] == f"demo {OLD} → {NEW} (`apt-get upgrade` by anna (1000), {day} {time[:5]})"


def test_a_script_planted_in_the_database_is_told_plainly(office: Office) -> None:
    """It runs as root when its package is upgraded next, and no upgrade brought it."""
    script = office.path("var/lib/dpkg/info/other.postinst")
    script.write_text("#!/bin/sh\ntouch /tmp/x\n")
    script.chmod(0o755)
    (told,) = (change for change in checked(office)["changes"] if change["path"].endswith("other.postinst"))
    assert (told["rule"], told["severity"], told["explanation"]) == ("package-script-altered", "high", None)


def test_what_dpkg_wrote_down_of_an_upgrade_is_told_as_its_own_record(office: Office) -> None:
    upgraded(office)
    own = [change for change in checked(office)["changes"] if change["path"].startswith("/var/lib/dpkg/")]
    assert {change["rule"] for change in own if not change["explanation"]} <= {"package-record-changed", "path-added"}


def test_a_link_to_a_registered_program_that_a_package_brought_is_explained_and_no_other_is(office: Office) -> None:
    office.dpkg("-i", str(office.package("editor", OLD, {"usr/bin/newedit": "editor\n", "usr/bin/second-edit": "x\n"})))
    words = ["--install", "/usr/bin/edit", "edit", "/usr/bin/newedit", "50"]
    for name in ("etc/alternatives", "var/lib/dpkg/alternatives"):
        office.path(name).mkdir(parents=True)
    subprocess.run(["update-alternatives", "--root", str(office.root), *words], check=True, capture_output=True)
    office.path("etc/alternatives/other").symlink_to("/usr/bin/newedit")
    told = {change["path"]: change["explanation"] for change in checked(office)["changes"]}
    link = {"by": "derived", "text": "update-alternatives leads to what is registered", "proof": "local"}
    assert (told["/usr/bin/edit"], told["/etc/alternatives/edit"], told["/etc/alternatives/other"]) == (link, link, None)
    office.path("etc/alternatives/edit").unlink()
    office.path("etc/alternatives/edit").symlink_to("/usr/bin/second-edit")
    told = {change["path"]: change["explanation"] for change in checked(office)["changes"]}
    assert (told["/usr/bin/edit"], told["/etc/alternatives/edit"]) == (None, None)
