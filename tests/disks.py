"""Machines' disks with rpm, pacman and apk: the real rpm installs real packages, the databases of the others are written.

rpm's packages are signed by a key of the disk's own vendor.
"""

import gzip
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
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
NOTHING: Mapping[str, str] = MappingProxyType({})


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
AutoReq: no
%global __os_install_post %{{nil}}
%global debug_package %{{nil}}
%description
x
%install
cp -a {tree}/. %{{buildroot}}
%files
{files}
"""


class Vendor:
    """Who builds and signs packages of rpm: each is built once, however many disks it is put on."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.home.chmod(0o700)
        self.environment = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(self.home), "GNUPGHOME": str(self.home)}
        self.run("gpg", "--batch", "--passphrase", "", "--quick-generate-key", "v@example.org", "rsa2048", "sign", "never")
        self.key = self.home / "KEY"
        self.key.write_bytes(self.run("gpg", "--armor", "--export", "v@example.org"))
        self.built: dict[str, str] = {}

    def run(self, *words: str) -> bytes:
        """Run a program with a home of its own."""
        return subprocess.run(words, check=True, capture_output=True, env=self.environment).stdout

    def package(self, name: str, version: str, files: Files, said: Mapping[str, str], *, signed: bool) -> str:
        """A package in a file; what is `said` of no path is its architecture."""
        told = repr((name, version, files, dict(said), signed))
        if told not in self.built:
            self.built[told] = self.build(name, version, files, said)
            if signed:
                self.sign(self.built[told])
        return self.built[told]

    def build(self, name: str, version: str, files: Files, said: Mapping[str, str]) -> str:
        """Build a package."""
        arch = said[""]
        top = Path(tempfile.mkdtemp(dir=self.home))
        tree = top / "tree"
        for path, text in files.items():
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            if text.startswith("-> "):
                (tree / path).symlink_to(text[3:])
            else:
                (tree / path).write_text(text)
        epoch, _, rest = version.rpartition(":")
        number, release = rest.split("-")
        listed = [f'{said.get(path, "%config " * path.startswith("etc/"))}"/{path}"' for path in files]
        listed += [f"%dir /{one}" for one in directories(files)]
        spec = SPEC.format(name=name, version=number, release=release, tree=tree, files="\n".join(listed))
        (top / "spec").write_text(f"Epoch: {epoch}{spec}" if epoch else spec)
        self.run("rpmbuild", "-bb", "--target", arch, "--define", f"_topdir {top}", str(top / "spec"))
        return f"{top}/RPMS/{arch}/{name}-{rest}.{arch}.rpm"

    def sign(self, file: str) -> None:
        """Sign a package."""
        self.run("rpmsign", "--define", "_gpg_name v@example.org", "--define", "__gpg /usr/bin/gpg", "--addsign", file)


class Rpm:
    """A disk with the real rpm's database; its packages are signed by a vendor of the tests' own."""

    own = "/var/lib/rpm"

    def __init__(self, cli: Cli, vendor: Vendor) -> None:
        self.cli, self.vendor = cli, vendor
        self.trust(vendor.key)
        self.rpm("--initdb")

    def trust(self, *keys: Path) -> None:
        """Write an auditkit.yaml that names the keys of vendors."""
        (self.cli.home / "auditkit.yaml").write_text(json.dumps({"vendor": {"keyrings": list(map(str, keys))}}))

    def rpm(self, *words: str) -> None:
        """Run rpm on that disk."""
        self.vendor.run("rpm", "--root", str(self.cli.tree), "--dbpath", self.own, *words)

    def build(
        self,
        name: str,
        version: str,
        files: Files,
        *,
        said: Mapping[str, str] = NOTHING,
        arch: str = "noarch",
        signed: bool = True,
    ) -> str:
        """Build and sign a package; `said` is what %files says of a path before its name."""
        return self.vendor.package(name, version, files, {**said, "": arch}, signed=signed)

    def put(self, name: str, version: str, files: Files, said: Mapping[str, str] = NOTHING, *, signed: bool = True) -> None:
        """Install a package, or upgrade it."""
        self.rpm(
            "--nosignature", "-U", "--oldpackage", "--replacepkgs", self.build(name, version, files, said=said, signed=signed)
        )

    def remove(self, name: str) -> None:
        """Remove a package."""
        self.rpm("-e", name)

    def write(self, name: str, text: str, mode: int = 0o644) -> None:
        """Write a file by hand, past rpm."""
        place = self.cli.tree / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)

    def forge(self, old: str, new: str, *, stripped: bool = False) -> None:
        """Write something else into the header in the database, with its digests made right again."""
        with closing(sqlite3.connect(self.database)) as database, database:
            rows = [row for row in database.execute("SELECT hnum, blob FROM Packages") if old.encode() in row[1]]
            for number, blob in rows:
                forged = blob.replace(old.encode(), new.encode())
                forged = without_signatures(forged) if stripped else with_digests(forged)
                database.execute("UPDATE Packages SET blob = ? WHERE hnum = ?", (forged, number))
        assert rows

    @property
    def database(self) -> Path:
        """Where it lies."""
        return self.cli.tree / self.own.lstrip("/") / "rpmdb.sqlite"

    def blobs(self, name: str) -> list[bytes]:
        """The headers of a package."""
        from auditkit.packages import rpm, rpm_header

        with closing(sqlite3.connect(self.database)) as database:
            blobs = [blob for (blob,) in database.execute("SELECT blob FROM Packages")]
        return [blob for blob in blobs if rpm.package(rpm_header.parse(blob)).name == name]

    def add(self, *blobs: bytes) -> None:
        """Write headers into the database."""
        with closing(sqlite3.connect(self.database)) as database, database:
            database.executemany("INSERT INTO Packages (blob) VALUES (?)", [(blob,) for blob in blobs])


def with_digests(blob: bytes) -> bytes:
    """The header with the digests of its region made right again, as a careful intruder would."""
    from auditkit.packages import rpm_header

    told = rpm_header.parse(blob)
    for tag, name in ((269, "sha1"), (273, "sha256")):
        digest = hashlib.new(name, told.region).hexdigest()
        blob = blob.replace(told.added.text(tag).encode(), digest.encode()) if told.added.text(tag) else blob
    return blob


def without_signatures(blob: bytes) -> bytes:
    """The header with its signatures and digests called something else, which rpm knows nothing of."""
    number = int.from_bytes(blob[:4])
    index = [blob[8 + 16 * at : 24 + 16 * at] for at in range(number)]
    gone = [tag.to_bytes(4) for tag in (267, 268, 269, 273, 278, 279)]
    index = [(60_000 + at).to_bytes(4) + one[4:] if one[:4] in gone else one for at, one in enumerate(index)]
    return blob[:8] + b"".join(index) + blob[8 + 16 * number :]


def sha256(text: str) -> str:
    """The digest of a file's text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def installed(disk: Disk) -> None:
    """Install two packages, and make a baseline."""
    if os.geteuid() != 0:
        pytest.skip("what packages bring is root's")
    disk.put("demo", OLD, BEFORE)
    disk.put("other", OLD, OTHER)
    assert disk.cli.baseline().code == 0


def checked(disk: Disk, *words: str) -> dict[str, Any]:
    """What a check says of the disk."""
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
