"""Real packages upgraded by the real dpkg, with changes planted among those of the upgrade: just these must be left."""

import gzip
import hashlib
import json
import os
import resource
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from conftest import Cli

from auditkit import packaged
from auditkit.hosts.root import Root
from auditkit.model import Change, ChangeKind, Entry, Kind, Level, Severity
from auditkit.packages import Manifest, Package
from auditkit.vendor import deb

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


def test_after_an_upgrade_the_vendors_word_is_proposed_and_a_lost_list_of_owners_is_told(office: Office) -> None:
    upgraded(office)
    told = json.loads(office.cli.check("--all").out)
    (host,) = told["hosts"]
    assert any(command.endswith(" --against vendor") for command in told["next"])
    assert not any("owners.zst" in note for note in host["notes"])
    (beside,) = Path(host["baseline"]["file"]).parent.glob("*.owners.zst")
    beside.unlink()
    assert any(note.startswith("the file *.owners.zst") for note in checked(office)["notes"])


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


def test_what_a_policy_watches_without_content_is_explained_by_the_content_that_its_package_has(office: Office) -> None:
    """Its size alone is anybody's."""
    policy = office.home / "loose.yaml"
    policy.write_text("schema: auditkit/policy/1\nname: loose\nwatch:\n  - {path: /usr/share, level: metadata}\n")
    office.cli.baseline("--policy", str(policy))
    upgraded(office)
    assert left(checked(office)) == {}
    office.path("usr/share/demo/new/added").write_text("planted here\n")
    assert set(left(checked(office))) == {"/usr/share/demo/new/added"}


def test_what_dpkg_keeps_of_a_package_is_told_by_its_archive(office: Office) -> None:
    """Its list of paths too, which no archive has."""
    path = office.home / f"demo-{OLD}.deb"
    data = path.read_bytes()
    with path.open("rb") as file:
        control = deb.read(file, hashlib.sha256(data).hexdigest(), len(data), "InRelease").control
    kept = {path.suffix[1:]: path.read_bytes() for path in office.path("var/lib/dpkg/info").glob("demo.*")}
    assert {file.path: file.digests for file in control} == {
        name: (f"blake3:{blake3(held).hexdigest()}", f"sha256:{hashlib.sha256(held).hexdigest()}")
        for name, held in kept.items()
    }
    assert {"list", "md5sums", "conffiles"} <= kept.keys()


def divert(office: Office, path: str, moved: str, by: str) -> None:
    with office.path("var/lib/dpkg/diversions").open("a") as file:
        file.write(f"{path}\n{moved}\n{by}\n")


@pytest.mark.parametrize("by", [":", "nobody-s-package", "other"])
def test_a_diversion_does_not_make_one_packaged_file_stand_for_another(office: Office, by: str) -> None:
    """`demo` was upgraded, so that its files are explained: wherever a line of three says that they are."""
    upgraded(office)
    office.path("usr/bin/second").write_text("new daemon\n")
    divert(office, "/usr/sbin/demod", "/usr/bin/second", by)
    assert left(checked(office))["/usr/bin/second"] == ("package-file-altered", f"not what other {OLD} ships")


def test_a_package_that_is_called_removed_vouches_for_nothing_any_more(office: Office) -> None:
    alter_with_its_sum(office)
    status = office.path("var/lib/dpkg/status")
    head, other = status.read_text().split("Package: other\n")
    status.write_text(f"{head}Package: other\n{other.replace('install ok installed', 'deinstall ok config-files')}")
    with office.path("var/log/dpkg.log").open("a") as log:
        log.write(f"2026-11-24 10:00:00 remove other:amd64 {OLD} <none>\n")
    assert left(checked(office))["/usr/bin/other"] == ("content-changed", "")


def test_a_package_that_was_put_back_to_an_older_version_is_named(office: Office) -> None:
    upgraded(office)
    assert office.cli.baseline().code == 0
    office.dpkg("-i", str(office.home / f"demo-{OLD}.deb"))
    host = checked(office)
    assert left(host) == {}
    told = [(finding["subject"], finding["message"]) for finding in host["findings"] if finding["rule"] == "package-downgraded"]
    assert told == [("demo:amd64", f"{NEW} → {OLD}")]


def test_a_host_that_has_no_packages_any_more_is_a_gap(office: Office) -> None:
    upgraded(office)
    office.path("var/lib/dpkg/status").unlink()
    host = checked(office)
    reason = "there were packages, and now the host shows none: nothing is explained by them"
    assert ("packages", reason) in [(gap["subject"], gap["reason"]) for gap in host["gaps"]]
    assert "/usr/sbin/demod" in left(host)


def test_lists_that_take_the_memory_of_the_auditor_are_not_held(office: Office) -> None:
    """A file of holes costs its host nothing."""
    upgraded(office)
    for number in range(9):
        with office.path(f"var/lib/dpkg/info/hole{number}.list").open("wb") as hole:
            hole.truncate(15 << 20)
    host = checked(office)
    reason = "the package databases are larger than 128 MiB: they are not read"
    assert ("packages", reason) in [(gap["subject"], gap["reason"]) for gap in host["gaps"]]


def test_logs_that_name_many_runs_and_many_packages_are_read_once(office: Office) -> None:
    upgraded(office)
    day = "2026-11-24 10:00:00"
    office.path("var/log/apt").mkdir()
    runs = (
        f"\nStart-Date: {day}\nCommandline: x\nUpgrade: a{number}:amd64 (1, 2)\nEnd-Date: {day}\n" for number in range(20_000)
    )
    office.path("var/log/apt/history.log").write_text("".join(runs))
    log = office.path("var/log/dpkg.log")
    log.write_text(log.read_text() + "".join(f"{day} upgrade p{number}:amd64 1 2\n" for number in range(100_000)))
    office.cli.limits = ((resource.RLIMIT_CPU, 30),)
    assert left(checked(office)) == {}


def test_a_path_that_a_list_got_besides_those_that_the_vendor_signed_is_no_path_of_the_package(office: Office) -> None:
    """Whatever else the host says of the package: its state, or what it was built from."""
    office.path("usr/bin/planted").write_text("evil\n")
    with office.path("var/lib/dpkg/info/demo.list").open("a") as lines:
        lines.write("/usr/bin/planted\n")
    status = office.path("var/lib/dpkg/status")
    status.write_text(status.read_text().replace("Package: demo\n", "Package: demo\nSource: evil\n"))
    entry = Entry("/usr/bin/planted", Kind.FILE, 0o644, 0, 0, "root", "root", 5, digests=("blake3:aa",))
    change = Change(entry.path, ChangeKind.ADDED, None, entry, ("path",), Severity.MEDIUM, Level.CONTENT, "path-added")
    word = Manifest(Package("dpkg", "demo", OLD, "amd64"), (), "signed", "InRelease")
    known, _unproved = packaged.account(Root("root:", str(office.root)), [change], {}, {}, lambda _packages, _name: [word])
    assert known.vouched == {("dpkg", "demo:amd64", OLD)}
    assert known.invented(entry.path)
