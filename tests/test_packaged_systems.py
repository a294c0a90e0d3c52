"""Upgrades on disks with rpm, pacman and apk, with changes planted among those of the upgrade: just these must be left.

The real rpm installs real packages, signed by a key of the test's own. Databases of pacman and apk are written as they
write them.
"""

import gzip
import hashlib
import json
import os
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from conftest import Cli

OLD, NEW = "1.0-1", "1.0-2"
STAYING = {"usr/bin/stays": "the same\n", "usr/share/demo/empty": ""}
BEFORE = {
    **STAYING,
    "usr/sbin/demod": "old daemon\n",
    "usr/lib/libdemo.so.1.0": "old library\n",
    "usr/lib/libdemo.so.1": "-> libdemo.so.1.0",
    "etc/demo.conf": "port 1\n",
    "usr/share/demo/gone": "leaves with it\n",
}
AFTER = {
    **STAYING,
    "usr/sbin/demod": "new daemon\n",
    "usr/lib/libdemo.so.1.1": "new library\n",
    "usr/lib/libdemo.so.1": "-> libdemo.so.1.1",
    "etc/demo.conf": "port 2\n",
    "usr/share/demo/new/added": "came with it\n",
}
OTHER = {"usr/bin/other": "other\n", "usr/bin/second": "second\n"}
Files = dict[str, str]


class Disk(Protocol):
    """A machine's disk with a package system on it."""

    cli: Cli
    own: str
    """Where the package system keeps its own files."""

    def put(self, name: str, version: str, files: Files) -> None:
        """Install a package, or upgrade it."""
        ...

    def remove(self, name: str) -> None:
        """Remove a package."""
        ...


class Written:
    """What pacman and apk have in common here: files put by hand, and a database written of them."""

    def __init__(self, cli: Cli) -> None:
        self.cli = cli
        self.packages: dict[str, tuple[str, Files]] = {}

    def put(self, name: str, version: str, files: Files) -> None:
        """Install a package, or upgrade it."""
        for path in self.packages.get(name, ("", {}))[1]:
            (self.cli.tree / path).unlink()
        for path, text in files.items():
            place = self.cli.tree / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if text.startswith("-> "):
                place.symlink_to(text[3:])
            else:
                place.write_text(text)
        self.packages[name] = version, files
        self.write()

    def remove(self, name: str) -> None:
        """Remove a package."""
        self.put(name, "", {})
        del self.packages[name]
        self.write()

    def write(self) -> None:
        """Write the database."""
        raise NotImplementedError


def directories(files: Files) -> list[str]:
    """All directories that a package has."""
    return sorted({str(parent) for path in files for parent in Path(path).parents} - {"."})


class Pacman(Written):
    """A disk of Arch."""

    own = "/var/lib/pacman"

    def write(self) -> None:
        """A directory for each package in its version."""
        local = self.cli.tree / "var/lib/pacman/local"
        shutil.rmtree(local, ignore_errors=True)
        for name, (version, files) in self.packages.items():
            folder = local / f"{name}-{version}"
            folder.mkdir(parents=True)
            (folder / "desc").write_text(f"%NAME%\n{name}\n\n%VERSION%\n{version}\n\n%ARCH%\nx86_64\n\n")
            listed = "".join(f"{path}\n" for path in sorted([*files, *(f"{one}/" for one in directories(files))]))
            backup = "".join(
                f"{path}\t{hashlib.md5(text.encode()).hexdigest()}\n" for path, text in files.items() if path.startswith("etc/")
            )
            (folder / "files").write_text(f"%FILES%\n{listed}\n%BACKUP%\n{backup}\n")
            rows = [f"./{one} time=1.0 mode=755 type=dir" for one in directories(files)]
            rows += [self.row(path, text) for path, text in files.items()]
            mtree = "#mtree\n/set type=file uid=0 gid=0 mode=644\n" + "".join(f"{row}\n" for row in rows)
            (folder / "mtree").write_bytes(gzip.compress(mtree.encode()))

    def row(self, path: str, text: str) -> str:
        """A line of the mtree."""
        if text.startswith("-> "):
            return f"./{path} time=1.0 mode=777 type=link link={text[3:]}"
        data = text.encode()
        sums = f"md5digest={hashlib.md5(data).hexdigest()} sha256digest={hashlib.sha256(data).hexdigest()}"
        return f"./{path} time=1.0 size={len(data)} {sums}"


class Apk(Written):
    """A disk of Alpine."""

    own = "/lib/apk"

    def write(self) -> None:
        """One file for all packages."""
        place = self.cli.tree / "lib/apk/db/installed"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("".join(self.stanza(name, version, files) for name, (version, files) in self.packages.items()))

    def stanza(self, name: str, version: str, files: Files) -> str:
        """The lines of one package."""
        lines = [f"P:{name}", f"V:{version}", "A:x86_64"]
        for folder in directories(files):
            lines.append(f"F:{folder}")
            for path, text in files.items():
                if str(Path(path).parent) == folder:
                    lines.append(f"R:{Path(path).name}")
                    lines += ["a:0:0:777"] if text.startswith("-> ") else []
                    digest = hashlib.sha1(text.removeprefix("-> ").encode()).digest()
                    lines.append(f"Z:Q1{b64encode(digest).decode()}")
        return "\n".join([*lines, "", ""])


SPEC = """
Name: {name}
Version: {version}
Release: {release}
Summary: x
License: MIT
BuildArch: noarch
AutoReqProv: no
%description
x
%install
cp -a {tree}/. %{{buildroot}}
%files
{files}
"""


class Rpm:
    """A disk with the real rpm's database; its packages are signed by a vendor of the test's own."""

    own = "/var/lib/rpm"

    def __init__(self, cli: Cli) -> None:
        self.cli, self.home = cli, cli.home / "vendor"
        self.home.mkdir(mode=0o700)
        self.environment = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(self.home), "GNUPGHOME": str(self.home)}
        self.run("gpg", "--batch", "--passphrase", "", "--quick-generate-key", "v@example.org", "rsa2048", "sign", "never")
        (self.home / "KEY").write_bytes(self.run("gpg", "--armor", "--export", "v@example.org"))
        self.trust(self.home / "KEY")
        self.rpm("--initdb")

    def trust(self, *keys: Path) -> None:
        """Write an auditkit.yaml that names the keys of vendors."""
        (self.cli.home / "auditkit.yaml").write_text(json.dumps({"vendor": {"keyrings": list(map(str, keys))}}))

    def run(self, *words: str) -> bytes:
        """Run a program with a home of its own."""
        return subprocess.run(words, check=True, capture_output=True, env=self.environment).stdout

    def rpm(self, *words: str) -> None:
        """Run rpm on that disk."""
        self.run("rpm", "--root", str(self.cli.tree), "--dbpath", self.own, *words)

    def build(self, name: str, version: str, files: Files) -> str:
        """Build and sign a package."""
        tree = self.home / f"{name}-{version}"
        for path, text in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            if text.startswith("-> "):
                (tree / path).symlink_to(text[3:])
            else:
                (tree / path).write_text(text)
        number, release = version.split("-")
        listed = "\n".join(
            [f"{'%config ' * path.startswith('etc/')}/{path}" for path in files]
            + [f"%dir /{one}" for one in directories(files)]
        )
        spec = SPEC.format(name=name, version=number, release=release, tree=tree, files=listed)
        (self.home / "spec").write_text(spec)
        self.run("rpmbuild", "-bb", "--define", f"_topdir {self.home}/top", str(self.home / "spec"))
        file = f"{self.home}/top/RPMS/noarch/{name}-{version}.noarch.rpm"
        self.run("rpmsign", "--define", "_gpg_name v@example.org", "--define", "__gpg /usr/bin/gpg", "--addsign", file)
        return file

    def put(self, name: str, version: str, files: Files) -> None:
        """Install a package, or upgrade it."""
        self.rpm("--nosignature", "-U", self.build(name, version, files))

    def remove(self, name: str) -> None:
        """Remove a package."""
        self.rpm("-e", name)

    def forge(self, old: str, new: str) -> None:
        """Write something else into the header in the database, with its digests made right again."""
        path = self.cli.tree / "var/lib/rpm/rpmdb.sqlite"
        import sqlite3

        with sqlite3.connect(path) as database:
            rows = [row for row in database.execute("SELECT hnum, blob FROM Packages") if old.encode() in row[1]]
            for number, blob in rows:
                forged = blob.replace(old.encode(), new.encode())
                database.execute("UPDATE Packages SET blob = ? WHERE hnum = ?", (with_digests(forged), number))
        database.close()
        assert rows


def with_digests(blob: bytes) -> bytes:
    """The header with the digests of its region made right again, as a careful intruder would."""
    from auditkit.packages import rpm_header

    told = rpm_header.parse(blob)
    for tag, name in ((269, "sha1"), (273, "sha256")):
        digest = hashlib.new(name, told.region).hexdigest()
        blob = blob.replace(told.added.text(tag).encode(), digest.encode()) if told.added.text(tag) else blob
    return blob


@pytest.fixture
def rpm(cli: Cli) -> Iterator[Rpm]:
    """A disk with rpm, empty."""
    if os.geteuid() != 0:
        pytest.skip("rpm installs as root only")
    missing = [name for name in ("rpm", "rpmbuild", "rpmsign", "gpg", "gpgv") if not shutil.which(name)]
    if missing:
        pytest.skip(f"needs {missing[0]}")
    disk = Rpm(cli)
    yield disk
    subprocess.run(["gpgconf", "--homedir", str(disk.home), "--kill", "gpg-agent"], check=False)


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


def installed(disk: Disk) -> None:
    if os.geteuid() != 0:
        pytest.skip("what packages bring is root's")
    disk.put("demo", OLD, BEFORE)
    disk.put("other", OLD, OTHER)
    assert disk.cli.baseline().code == 0


def checked(disk: Disk, *words: str) -> dict[str, Any]:
    (host,) = json.loads(disk.cli.check("--all", *words).out)["hosts"]
    assert isinstance(host, dict)
    return host


def left(disk: Disk, host: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """The changes of all but the package system's own files that nothing explains: rule and note by path."""
    return {
        change["path"]: (change["rule"], change["note"])
        for change in host["changes"]
        if change["explanation"] is None and not f"{change['path']}/".startswith(f"{disk.own}/")
    }


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


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


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
    assert rpm.cli.run("collect", rpm.cli.host, "-o", str(file), "--store", str(rpm.cli.store), "-q").code == 0
    rpm.cli.word = f"evidence:{file}"
    host = checked(rpm)
    assert left(rpm, host) == {"/usr/bin/other": ("package-file-altered", f"not what other {OLD} ships")}
