"""A disk held against signed packages: clean it is silent, and each way to tamper is found, also where dpkg -V is silent."""

import os
import random
import shutil
import struct
import tarfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from debian import Quiet, Vendor, deb, file, folder, link, listed, publish, put, serving

from auditkit.against import Meant, judged
from auditkit.commands import checking, options, supplies, vendored
from auditkit.hosts import open_host
from auditkit.model import Change, Kind
from auditkit.packages import Manifest, Package, Shipped, sources
from auditkit.packages.layout import Layout
from auditkit.packages.owned import Owned
from auditkit.packages.unowned import Unowned
from auditkit.strays import Strays
from auditkit.vouched import MARK, Vouched
from auditkit.writer import locked

CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 7, 0, 0, 0)
"""cap_setuid=ep"""
AGENT = "#!/bin/sh\nset -e\nAGENT=/usr/bin/agent\nchgrp root $AGENT\nchmod 2755 \\\n  $AGENT\nsetcap cap_net_raw+ep /bin/ping\n"
HELLO = (
    *map(folder, ("./", "./etc/", "./etc/cron.d/", "./usr/", "./usr/bin/", "./usr/sbin/", "./usr/lib/", "./bin/")),
    file("./etc/hello.conf", b"greeting=hello\n"),
    file("./usr/bin/hello", b"hello\n", 0o755),
    file("./bin/ping", b"ping\n", 0o755),
    file("./usr/bin/agent", b"agent\n", 0o755),
    file("./usr/bin/empty", b"", 0o755),
    file("./usr/lib/libhello.so.1.0", b"library\n"),
    file("./usr/lib/hello.py", b"pass\n"),
    link("./usr/lib/libhello.so.1", "libhello.so.1.0"),
    folder("./var/"),
    folder("./var/hello/"),
)
OTHER = (
    file("./usr/lib/os-release", b"ID=example\n"),
    file("./usr/sbin/other", b"other\n", 0o755),
    file("./usr/bin/od d", b"odd\n", 0o4755),
)
INFO = "var/lib/dpkg/info"
CONTROL = (file("./conffiles", b"/etc/hello.conf\n"), file("./postinst", AGENT.encode(), 0o755))
STATUS = "Package: {}\nStatus: install ok installed\nArchitecture: amd64\nVersion: {}\n\n"


class Disk:
    """The disk of a machine on which two packages are installed, and all that vouches for them."""

    def __init__(self, cli: Any, vendor: Vendor) -> None:
        self.cli, self.root, self.vendor = cli, cli.tree, vendor
        (self.root / "usr/bin").mkdir(parents=True)
        (self.root / "bin").symlink_to("usr/bin")
        for part in (*HELLO, *OTHER):
            self.install(*part)
        (self.root / "usr/bin/agent").chmod(0o2755)  # as the script does
        owner = f"root:x:{os.getuid()}:{os.getgid()}::/root:/bin/sh\n"
        self.put("etc/passwd", owner)
        self.put("etc/group", f"root:x:{os.getgid()}:\nnobody:x:65534:\n")
        self.put("usr/lib/__pycache__/hello.cpython-311.pyc", "bytecode")
        self.put("var/lib/dpkg/status", STATUS.format("hello", "1.0-1") + STATUS.format("other", "2"))
        for name, parts in (("hello", HELLO), ("other", OTHER)):
            self.put(
                f"var/lib/dpkg/info/{name}.list", "".join(f"{info.name[1:]}\n" for info, _data in parts[name == "hello" :])
            )
        self.put(f"{INFO}/hello.postinst", AGENT, 0o755)
        self.put(f"{INFO}/removed.postrm", "left by a package that was removed, but not purged\n", 0o755)
        one, two = deb(*HELLO, control=CONTROL), deb(*OTHER, name="other", version="2")
        publish(cli.home / "archive", vendor, (listed(one), one), (listed(two, "other", "2"), two))
        for name in ("InRelease", "main/binary-amd64/Packages"):
            told = (cli.home / "archive/dists/kiwi" / name).read_bytes()
            put(cli.home / "lists" / f"example.org_dists_kiwi_{name.replace('/', '_')}", told)
        for path in (cli.home / "archive/pool").rglob("*.deb"):
            put(cli.home / "debs" / path.name, path.read_bytes())
        put(cli.home / "key.gpg", vendor.keyring)
        text = "vendor: {keyrings: [key.gpg], lists: [lists], packages: [debs]}\n"
        put(cli.home / "auditkit.yaml", text.encode())

    def install(self, info: tarfile.TarInfo, data: bytes) -> None:
        path = self.root / info.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if info.isdir():
            path.mkdir(exist_ok=True)
            path.chmod(info.mode)
        elif info.issym():
            path.symlink_to(info.linkname)
        else:
            path.write_bytes(data)
            path.chmod(info.mode)

    def path(self, name: str) -> Path:
        return Path(self.root, name)

    def put(self, name: str, text: str, mode: int = 0o644) -> None:
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(text)
        self.path(name).chmod(mode)

    def check(self) -> Any:
        told = "--config", str(self.cli.home / "auditkit.yaml"), "--store", str(self.cli.store), "--format", "json"
        return self.cli.run("check", self.cli.host, "--against", "vendor", *told)

    def told(self) -> dict[str, tuple[str, str]]:
        """Rule and severity by path, of changes and of findings that no change says."""
        host = self.check().host
        return {one["subject"]: (one["rule"], one["severity"]) for one in host["findings"]}


@pytest.fixture
def disk(cli: Any, vendor: Vendor) -> Disk:
    return Disk(cli, vendor)


def test_a_disk_as_shipped_is_clean(disk: Disk) -> None:
    outcome = disk.check()
    assert (outcome.code, disk.told()) == (0, {})
    host = outcome.host
    assert (host["gaps"], host["counts"]["packages"], host["counts"]["verified"]) == ([], 2, 2)
    assert host["notes"][0].startswith("2 packages on the word of InRelease of Example kiwi of 2026-11-24, key ")
    assert host["notes"][1].startswith("4 paths of no package are of known kinds (")


def test_once_it_has_seen_the_packages_it_needs_neither_them_nor_lists(disk: Disk) -> None:
    assert disk.check().code == 0
    shutil.rmtree(disk.cli.home / "debs")
    shutil.rmtree(disk.cli.home / "lists")
    shutil.rmtree(disk.path("var/lib/dpkg/info"))
    disk.put("usr/bin/hello", "HELLO\n", 0o755)
    assert disk.told() == {"/usr/bin/hello": ("package-file-altered", "high")}


def rewrite(disk: Disk, name: str, text: str) -> None:
    """Change a file, and leave its size and its times as they were."""
    before = disk.path(name).stat()
    disk.path(name).write_text(text)
    os.utime(disk.path(name), ns=(before.st_atime_ns, before.st_mtime_ns))


def relink(disk: Disk, name: str, target: str) -> None:
    disk.path(name).unlink()
    disk.path(name).symlink_to(target)


def divert(disk: Disk, by: str) -> None:
    disk.put("var/lib/dpkg/diversions", f"/usr/sbin/other\n/usr/sbin/other.distrib\n{by}\n")
    disk.path("usr/sbin/other").rename(disk.path("usr/sbin/other.distrib"))
    disk.put("usr/sbin/other", "evil\n", 0o755)


def override(disk: Disk, line: str, mode: int) -> None:
    disk.put("var/lib/dpkg/statoverride", line + "\n")
    disk.path("usr/bin/hello").chmod(mode)


def pretend(disk: Disk) -> None:
    disk.put("etc/cron.d/evil", "evil\n")
    disk.put("var/lib/ucf/registry", "hello\t/etc/cron.d/evil\n")


ALTERED, STARTED = ("package-file-altered", "high"), ("started-unowned", "medium")
TAMPERED: list[tuple[Callable[[Disk], object], dict[str, tuple[str, str]]]] = [
    # the nine that reference tools were measured with, as far as a user can do them
    (lambda disk: disk.put("usr/sbin/other", "evil\n", 0o755), {"/usr/sbin/other": ALTERED}),
    (lambda disk: rewrite(disk, "usr/bin/hello", "hellO\n"), {"/usr/bin/hello": ALTERED}),
    (lambda disk: disk.path("usr/bin/hello").chmod(0o4755), {"/usr/bin/hello": ("setuid-gained", "high")}),
    (lambda disk: relink(disk, "usr/lib/libhello.so.1", "/tmp/evil.so"), {"/usr/lib/libhello.so.1": ALTERED}),
    (lambda disk: disk.put("bin/ping", "evil\n", 0o755), {"/usr/bin/ping": ALTERED}),
    (
        lambda disk: divert(disk, ":"),
        {"/usr/sbin/other": ("diversion-foreign", "medium")},
    ),
    (lambda disk: divert(disk, "gone"), {"/usr/sbin/other": ("diversion-foreign", "medium")}),
    (lambda disk: divert(disk, "hello"), {"/usr/sbin/other": ("diversion-foreign", "medium")}),
    # and more
    (lambda disk: disk.path("usr/bin/agent").chmod(0o6755), {"/usr/bin/agent": ("setuid-gained", "high")}),
    (lambda disk: disk.path("usr/bin/agent").chmod(0o2777), {"/usr/bin/agent": ("setuid-gained", "high")}),
    (lambda disk: disk.path("usr/bin/hello").chmod(0o777), {"/usr/bin/hello": ("package-mode-changed", "high")}),
    (lambda disk: disk.path("usr/bin/hello").chmod(0o700), {"/usr/bin/hello": ("package-mode-changed", "low")}),
    (lambda disk: disk.path("var/hello").chmod(0o777), {"/var/hello": ("package-mode-changed", "high")}),
    (lambda disk: disk.path("usr/bin/hello").unlink(), {"/usr/bin/hello": ("package-file-missing", "medium")}),
    (lambda disk: disk.put("usr/bin/empty", "no more\n", 0o755), {"/usr/bin/empty": ALTERED}),
    (lambda disk: disk.put("usr/bin/od d", "evil\n", 0o4755), {"/usr/bin/od d": ALTERED}),
    (lambda disk: disk.put("etc/hello.conf", "greeting=hallo\n"), {"/etc/hello.conf": ("configuration-changed", "low")}),
    (lambda disk: override(disk, "root root 4755 /usr/bin/hello", 0o4755), {"/usr/bin/hello": ("statoverride-listed", "high")}),
    (lambda disk: override(disk, "root root 0750 /bin/hello", 0o750), {"/bin/hello": ("statoverride-listed", "low")}),
    (lambda disk: disk.put("usr/bin/evil", "evil\n", 0o755), {"/usr/bin/evil": STARTED}),
    (lambda disk: disk.put("usr/lib/evil", "evil\n", 0o4755), {"/usr/lib/evil": ("setuid-unowned", "high")}),
    (lambda disk: disk.put("etc/cron.d/evil", "evil\n"), {"/etc/cron.d/evil": STARTED}),
    (pretend, {"/etc/cron.d/evil": ("started-unowned", "low")}),
    (lambda disk: disk.put("etc/ld.so.preload", "evil\n"), {"/etc/ld.so.preload": ("started-unowned", "high")}),
    (lambda disk: disk.put("usr/lib/tool/x/y", "mine\n"), {"/usr/lib/tool": ("path-unowned", "low")}),
    # a script of a package, which dpkg runs as root at its next upgrade: changed, and one that the package does not have
    (lambda disk: disk.put(f"{INFO}/hello.postinst", AGENT + "evil\n", 0o755), {f"/{INFO}/hello.postinst": ALTERED}),
    (lambda disk: disk.put(f"{INFO}/hello:amd64.postinst", "evil\n", 0o755), {f"/{INFO}/hello:amd64.postinst": ALTERED}),
    (lambda disk: disk.put(f"{INFO}/other.prerm", "evil\n", 0o755), {f"/{INFO}/other.prerm": ALTERED}),
    (lambda disk: relink(disk, f"{INFO}/hello.postinst", "/tmp/evil"), {f"/{INFO}/hello.postinst": ALTERED}),
    (lambda disk: relink(disk, "bin", "usr/sbin"), {"/bin": ALTERED}),
]


@pytest.mark.parametrize(("tamper", "told"), TAMPERED)
def test_what_is_not_as_shipped_is_told(disk: Disk, tamper: Callable[[Disk], object], told: dict[str, tuple[str, str]]) -> None:
    tamper(disk)
    found = disk.told()
    assert told.items() <= found.items()
    if tamper is not TAMPERED[-1][0]:
        assert set(found) <= {*told, "/usr/bin/hello"}


def test_the_file_in_the_place_of_a_diverted_one_is_told_too(disk: Disk) -> None:
    divert(disk, ":")
    (change,) = disk.check().host["changes"]
    assert (change["rule"], change["severity"]) == ("started-unowned", "high")
    assert change["note"] == "in place of a packaged file that a local diversion put at /usr/sbin/other.distrib"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away and sets capabilities")
def test_owners_and_capabilities_are_held_against_the_package_and_its_script(disk: Disk) -> None:
    os.chown(disk.path("usr/bin/hello"), 0, 65534)
    try:
        os.setxattr(disk.path("usr/sbin/other"), "security.capability", CAPABILITY)
        ping = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
        os.setxattr(disk.path("usr/bin/ping"), "security.capability", ping)
    except OSError:
        pytest.skip("no capabilities on this file system")
    assert disk.told() == {
        "/usr/bin/hello": ("package-mode-changed", "medium"),
        "/usr/sbin/other": ("capability-gained", "high"),
    }
    os.setxattr(disk.path("usr/bin/ping"), "security.capability", CAPABILITY)
    assert disk.told()["/usr/bin/ping"] == ("capability-gained", "high")


def test_what_was_just_as_shipped_is_passed_over_only_as_long_as_nothing_of_it_changes(disk: Disk) -> None:
    for _ in range(3):
        assert disk.told() == {}
    told, (sound,) = {}, (disk.cli.store / "manifests/together").glob("*-" + "[0-9a-f]" * 32 + ".zst")
    assert sound.stat().st_size > MARK
    hello, folder, data = disk.path("usr/bin/hello"), disk.path("usr/bin"), b"hello\n"
    times = hello.stat().st_mtime_ns, folder.stat().st_mtime_ns
    hello.write_bytes(b"evil!\n")
    os.utime(hello, ns=(times[0], times[0]))
    told["altered"] = disk.told()
    hello.write_bytes(data)
    assert disk.told() == {}
    hello.unlink()
    os.utime(folder, ns=(times[1], times[1]))
    told["missing"] = disk.told()
    disk.put("usr/bin/hello", "hello\n", 0o755)
    disk.path("var/hello").rmdir()
    told["no directory"] = disk.told()
    disk.path("var/hello").mkdir()
    assert disk.told() == {}
    assert told == {
        "altered": {"/usr/bin/hello": ("package-file-altered", "high")},
        "missing": {"/usr/bin/hello": ("package-file-missing", "medium")},
        "no directory": {"/var/hello": ("package-file-missing", "low")},
    }


def test_a_scan_without_a_baseline_asks_the_vendors_where_it_can_and_says_how_far_that_reached(disk: Disk) -> None:
    told = "--config", str(disk.cli.home / "auditkit.yaml"), "--store", str(disk.cli.store), "--format", "json"
    disk.put("usr/bin/hello", "evil!\n", 0o755)
    host = disk.cli.run("scan", disk.cli.host, *told).host
    assert ("/usr/bin/hello", "package-file-altered") in {(one["subject"], one["rule"]) for one in host["findings"]}
    assert [gap["reason"] for gap in host["gaps"] if gap["subject"] == "integrity"] == [checking.BY_VENDORS % (2, 2)]
    # neither packages nor what they ship is known: then nothing is said of them, but that
    shutil.rmtree(disk.cli.home / "debs")
    shutil.rmtree(disk.cli.store)
    host = disk.cli.run("scan", disk.cli.host, *told).host
    assert "package-file-altered" not in {one["rule"] for one in host["findings"]}
    assert host["gaps"][0]["reason"] == checking.NO_BASELINE
    assert checking.NO_WORD in host["notes"]


def test_a_baseline_keeps_what_packages_ship_as_long_as_they_are_at_hand(disk: Disk) -> None:
    told = "--config", str(disk.cli.home / "auditkit.yaml"), "--store", str(disk.cli.store)
    disk.cli.run("baseline", disk.cli.host, *told)
    for name in ("debs", "lists", "archive"):
        shutil.rmtree(disk.cli.home / name)
    disk.put("usr/bin/hello", "evil!\n", 0o755)
    assert disk.told() == {"/usr/bin/hello": ("package-file-altered", "high")}


def test_a_package_that_cannot_be_verified_is_never_ok(disk: Disk) -> None:
    status = disk.path("var/lib/dpkg/status")
    status.write_text(status.read_text() + STATUS.format("foreign", "3") + STATUS.format("stranger", "1"))
    disk.put("var/lib/dpkg/info/foreign.list", "/usr\n/usr/bin\n/usr/bin/foreign\n")
    disk.put("usr/bin/foreign", "whatever\n", 0o755)
    outcome = disk.check()
    assert outcome.code == 3
    reason = "2 packages are unverifiable: no signed list names this package: foreign:amd64, stranger:amd64"
    assert outcome.gaps == {"packages": reason}
    assert disk.told() == {}


def test_what_gives_rights_is_told_though_a_package_that_nobody_signed_claims_it(disk: Disk) -> None:
    status = disk.path("var/lib/dpkg/status")
    status.write_text(status.read_text() + STATUS.format("libfoo1", "1"))
    pam = "usr/lib/x86_64-linux-gnu/security/pam_foo.so"
    disk.put(
        "var/lib/dpkg/info/libfoo1.list",
        f"/usr\n/usr/bin\n/usr/bin/foo\n/usr/bin/helper\n/usr/lib/x86_64-linux-gnu\n/usr/lib/x86_64-linux-gnu/security\n/{pam}\n",
    )
    disk.put("usr/bin/foo", "#!/bin/sh\n", 0o755)
    disk.put("usr/bin/helper", "#!/bin/sh\n", 0o4755)
    disk.put(pam, "module\n", 0o644)
    assert disk.told() == {"/usr/bin/helper": ("rights-unproved", "low"), f"/{pam}": ("rights-unproved", "low")}
    (helper,) = (one for one in disk.check().host["findings"] if one["subject"] == "/usr/bin/helper")
    assert "of libfoo1 by the host's word alone, which nobody signed" in helper["message"]


@pytest.mark.usefixtures("direct")
def test_mirrors_are_asked_only_as_far_as_auditkit_yaml_says(disk: Disk) -> None:
    with serving(partial(Quiet, directory=str(disk.cli.home / "archive"))) as base:
        disk.put("etc/apt/sources.list", f"deb {base} kiwi main\ndeb http://127.0.0.1:1/none gone main\n")
        told = []
        for said in ("sources: false", "sources: true", f"mirrors: ['{base}'], sources: true"):
            put(disk.cli.home / "auditkit.yaml", f"vendor: {{keyrings: [key.gpg], {said}}}\n".encode())
            shutil.rmtree(disk.cli.store, ignore_errors=True)
            told.append(disk.check().host)
        assert [host["counts"]["verified"] for host in told] == [0, 2, 2]
        assert told[0]["gaps"][0]["reason"].startswith("2 packages are unverifiable: no signed lists of its distribution")
        # that a mirror is silent is told as soon as it might have known something
        disk.put("var/lib/dpkg/status", STATUS.format("hello", "1.0-1") + STATUS.format("other", "3"))
        gaps = {gap["subject"]: gap["reason"] for gap in disk.check().host["gaps"]}
    assert gaps["packages"].startswith("1 package is unverifiable: no signed list names this version: other")
    assert gaps["http://127.0.0.1:1/none gone"].startswith("the mirror cannot be reached")


@pytest.mark.usefixtures("direct")
@pytest.mark.parametrize(
    "other", ["mirror+file:/etc/apt/mirrors", "ftp://a.example/", "http://me:secret@a.example/", "http://[/"]
)
def test_a_source_that_cannot_be_asked_hides_no_other_and_its_password_is_not_told(disk: Disk, other: str) -> None:
    with serving(partial(Quiet, directory=str(disk.cli.home / "archive"))) as base:
        disk.put("etc/apt/sources.list", f"deb {other} kiwi main\ndeb {base} kiwi main\n")
        put(disk.cli.home / "auditkit.yaml", b"vendor: {keyrings: [key.gpg], sources: true}\n")
        host = disk.check().host
        assert host["counts"]["verified"] == 2
        disk.put("var/lib/dpkg/status", STATUS.format("hello", "1.0-1") + STATUS.format("other", "3"))
        host = disk.check().host
    assert supplies.NOT_ASKED in {gap["reason"] for gap in host["gaps"]}
    assert "secret" not in str(host)


@pytest.mark.usefixtures("direct")
def test_of_very_many_suites_some_are_asked_for_and_that_is_told(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MOST", 2)
    with serving(partial(Quiet, directory=str(disk.cli.home / "archive"))) as base:
        disk.put("etc/apt/sources.list", "".join(f"deb {base} {name} main\n" for name in ("kiwi", "a", "b", "c")))
        put(disk.cli.home / "auditkit.yaml", b"vendor: {keyrings: [key.gpg], sources: true}\n")
        disk.put("var/lib/dpkg/status", STATUS.format("hello", "1.0-1") + STATUS.format("other", "3"))
        monkeypatch.chdir(disk.cli.home)
        run = options.setting(config_file="auditkit.yaml", store=str(disk.cli.store), jobs=1, quiet=True)
        told = [gap.reason for gap in vendored.check(open_host(disk.cli.host), run).gaps]
        assert "they name more than 2 suites: the others were not asked for" in told
        assert told.count("gone from the mirror") == 1
        # nor is one after the other waited for without an end
        monkeypatch.setattr(supplies, "PATIENCE", -1)
        told = [gap.reason for gap in vendored.check(open_host(disk.cli.host), run).gaps]
        assert "lists of suites took longer than -1 s: not all were fetched" in told


@pytest.mark.usefixtures("direct")
def test_who_fetches_lists_without_an_end_keeps_no_other_waiting(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supplies, "TURN", 0.2)
    monkeypatch.chdir(disk.cli.home)
    (disk.cli.store / "lists").mkdir(parents=True)
    with serving(partial(Quiet, directory=str(disk.cli.home / "archive"))) as base:
        disk.put("etc/apt/sources.list", f"deb {base} kiwi main\n")
        put(disk.cli.home / "auditkit.yaml", b"vendor: {keyrings: [key.gpg], sources: true}\n")
        run = options.setting(config_file="auditkit.yaml", store=str(disk.cli.store), jobs=1, quiet=True)
        with locked(str(disk.cli.store / "lists"), lambda: None):
            assert vendored.check(open_host(disk.cli.host), run).counts["verified"] == 2


def test_a_list_that_somebody_else_signed_proves_nothing(disk: Disk, stranger: Vendor) -> None:
    put(disk.cli.home / "key.gpg", stranger.keyring)
    outcome = disk.check()
    assert outcome.code == 3
    assert [gap["reason"].partition(":")[0] for gap in outcome.host["gaps"]] == [
        "2 packages are unverifiable",
        "the vendor's signature does not hold",
    ]


def test_a_host_that_has_no_blake3_is_compared_by_sha256(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    disk.put("usr/bin/hello", "hellO\n", 0o755)
    monkeypatch.chdir(disk.cli.home)
    run = options.setting(config_file="auditkit.yaml", store=str(disk.cli.store), jobs=1, quiet=True)
    monkeypatch.setattr("auditkit.commands.vendored.is_here", lambda _word: False)
    report = vendored.check(open_host(disk.cli.host), run)
    assert [(change.path, change.rule) for change in report.changes] == [("/usr/bin/hello", "package-file-altered")]
    assert report.gaps == ()


def test_a_digest_that_cannot_be_compared_is_a_gap(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(disk.cli.home)
    run = options.setting(config_file="auditkit.yaml", store=str(disk.cli.store), jobs=1, quiet=True)
    monkeypatch.setattr("auditkit.commands.remembering.Vouched", lambda layout, _algorithm: Vouched(layout, "sha256"))
    report = vendored.check(open_host(disk.cli.host), run)
    assert {gap.reason for gap in report.gaps} == {"its content was not seen: not compared with its package"}
    assert len(report.gaps) == 11


def test_a_host_without_dpkg_is_a_gap(disk: Disk) -> None:
    disk.path("var/lib/dpkg/status").unlink()
    outcome = disk.check()
    assert outcome.code == 3
    assert "no package database of dpkg" in outcome.gaps["packages"]


def test_what_dpkg_was_told_to_leave_out_is_counted(disk: Disk) -> None:
    disk.put("etc/dpkg/dpkg.cfg.d/docker", "path-exclude=/usr/lib/*\npath-include=/usr/lib/hello.py\n")
    for name in ("libhello.so.1", "libhello.so.1.0"):
        disk.path(f"usr/lib/{name}").unlink()
    assert disk.told() == {
        "/usr/lib/*": ("paths-excluded", "info"),
        "/etc/dpkg": ("path-unowned", "low"),
        "/etc/dpkg/dpkg.cfg.d/docker": STARTED,
    }


def test_a_host_that_tells_of_a_package_twice_lends_nothing_to_another_one(disk: Disk) -> None:
    parts = (*(part for part in HELLO if part[0].name != "./usr/bin/hello"), file("./usr/bin/hello", b"old hole\n", 0o755))
    old, new, other = (
        deb(*parts, control=CONTROL, version="0.9"),
        deb(*HELLO, control=CONTROL),
        deb(*OTHER, name="other", version="2"),
    )
    these = (listed(old, "hello", "0.9"), old), (listed(new), new), (listed(other, "other", "2"), other)
    publish(disk.cli.home / "archive", disk.vendor, *these)
    for name in ("InRelease", "main/binary-amd64/Packages"):
        told = (disk.cli.home / "archive/dists/kiwi" / name).read_bytes()
        put(disk.cli.home / "lists" / f"example.org_dists_kiwi_{name.replace('/', '_')}", told)
    put(disk.cli.home / "debs/hello_0.9_amd64.deb", old)
    disk.put("usr/bin/hello", "old hole\n", 0o755)
    status = disk.path("var/lib/dpkg/status")
    honest = status.read_text()
    altered = {"/usr/bin/hello": ("package-file-altered", "high")}
    for twice in (STATUS.format("hello", "0.9") + honest, STATUS.format("hello", "1.0-1") + honest):
        status.write_text(twice)
        disk.check()
        status.write_text(honest)
        assert disk.told() == altered
        assert disk.check().host["counts"]["verified"] == 2
        shutil.rmtree(disk.cli.store / "manifests/together")


def test_a_store_that_cannot_be_written_loses_nothing_that_was_seen(disk: Disk) -> None:
    disk.check()
    shutil.rmtree(disk.cli.store / "manifests/together")
    put(disk.cli.store / "manifests/together", b"no directory")
    disk.put("usr/bin/hello", "evil!\n", 0o755)
    outcome = disk.check()
    assert outcome.code == 1
    assert {one["subject"] for one in outcome.host["findings"]} == {"/usr/bin/hello"}
    assert len([note for note in outcome.host["notes"] if "cannot be written" in note]) == 1


@pytest.mark.parametrize("names", ["ab", "ba"])
def test_of_several_packages_that_have_a_missing_path_the_one_that_makes_most_of_it_counts(names: str) -> None:
    kinds = {"a": Kind.DIRECTORY, "b": Kind.FILE}
    said = [Manifest(Package("dpkg", one, "1", "all"), (Shipped("/usr/x", kinds[one], 0o755),), "signed", "") for one in names]
    vouched = Vouched(Layout(), "sha256")
    owned = Owned(vouched.taking(said))
    (change,) = judged((), vouched, Meant({}), Strays(Unowned(owned, {}, {}), owned, {}, {}), ())
    assert isinstance(change, Change)
    assert (change.severity.name, change.note) == ("MEDIUM", "b 1 has it")


def meddle(disk: Disk, chance: random.Random) -> None:
    """Do one thing to a path that a package ships, or to the one beside it, and set the times of its directory back."""
    path = disk.path("/".join(chance.choice([*HELLO, *OTHER])[0].name.split("/")[1:]) or "usr/lib")
    times = path.parent.stat()
    with suppress(OSError):
        match chance.randrange(7):
            case 0:
                path.unlink()
            case 1:
                shutil.rmtree(path)
            case 2:
                path.write_bytes(b"E" * path.stat().st_size)
            case 3:
                path.chmod(chance.choice((0o755, 0o644, 0o4755)))
            case 4:
                path.rename(path.with_name("moved"))
                path.symlink_to("moved")
            case 5:
                os.link(path, path.with_name("hard"))
            case 6:
                disk.put("var/lib/dpkg/diversions", chance.choice(("", "/usr/bin/hello\n/usr/bin/hello.real\n:\n")))
        os.utime(path, ns=(times.st_mtime_ns, times.st_mtime_ns), follow_symlinks=False)
        os.utime(path.parent, ns=(times.st_mtime_ns, times.st_mtime_ns))


def test_what_is_remembered_changes_nothing_of_what_is_told(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(disk.cli.home)
    chance, saved = random.Random(3), disk.cli.home / "saved"
    shutil.copytree(disk.root / "usr", saved, symlinks=True)

    def told(store: str) -> tuple[object, ...]:
        run = options.setting(config_file="auditkit.yaml", store=str(disk.cli.home / store), jobs=1, quiet=True)
        report = vendored.check(open_host(disk.cli.host), run)
        return report.changes, report.findings, report.gaps

    for number in range(16):
        if number % 4 == 0:  # sound for once, so that there is something to remember
            shutil.rmtree(disk.root / "usr")
            shutil.copytree(saved, disk.root / "usr", symlinks=True)
            told("one")
        meddle(disk, chance)
        shutil.rmtree(disk.cli.home / "other/manifests/together", ignore_errors=True)
        assert told("one") == told("one") == told("other")


def test_scripts_that_the_manifest_cache_knows_no_digest_of_are_a_gap() -> None:
    package = Package("dpkg", "hello", "1", "amd64")
    vouched = Vouched(Layout(), "sha256")
    list(vouched.taking([Manifest(package, (), "signed", "a list", "# postinst\ntrue\n")]))
    assert [gap.reason for gap in vendored._unheld(vouched)] == [
        "those of 1 packages were not compared: the manifest cache is too old"
    ]
