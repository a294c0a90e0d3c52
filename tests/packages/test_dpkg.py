"""dpkg's database: real status files with known answers, odd ones, lists and digests; dpkg itself as the judge where it is."""

import random
import shutil
import subprocess
from pathlib import Path

import pytest
from damage import mutated

from auditkit.model import Gap, Kind
from auditkit.packages import Manifest, Package, Shipped, dpkg

HERE = Path(__file__).parent / "data"
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "packages" / "dpkg"
STATUS = "/var/lib/dpkg/status"
INFO = "/var/lib/dpkg/info/"
APT = b"Package: apt\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.6.1\n"
MD5 = "d41d8cd98f00b204e9800998ecf8427e"


def sample(path: Path) -> bytes:
    """A status file, or the one in an archive of Go's txtar."""
    whole = path.read_bytes()
    return whole.split(b"-- var/lib/dpkg/status --\n")[-1].split(b"\n-- ")[0] if path.suffix == ".txtar" else whole


def installed(status: bytes) -> list[str]:
    """What is told, a line for each package and each gap."""
    return [line(what) for what in dpkg.packages({STATUS: status})]


def line(what: Package | Gap) -> str:
    if isinstance(what, Gap):
        return f"! {what.subject.removeprefix('/var/lib/dpkg/')}: {what.reason}"
    return (
        f"{what.key} {what.version}"
        + f" {what.state}" * (what.state != "installed")
        + f" from {what.source}" * bool(what.source)
    )


def manifest(files: dict[str, bytes]) -> tuple[Manifest, list[str]]:
    """The one manifest there is, and the gaps."""
    found = list(dpkg.manifests(files))
    (only,) = (what for what in found if isinstance(what, Manifest))
    return only, [f"{what.subject}: {what.reason}" for what in found if isinstance(what, Gap)]


KNOWN = {
    "syft-deinstall.status": [
        "linux-image-6.14.0-1012-aws:amd64 6.14.0-1012.12~24.04.1 from linux-signed-aws-6.14",
    ],
    "syft-multiple.status": [
        "! status line 1: it has not a package name; package without a name",
        "tzdata:all 2020a-0+deb10u1 from tzdata-dev",
        "util-linux:amd64 2.33.1-0.1",
    ],
    "syft-opkg.status": ["dropbear:x86_64 2024.85-r0", "busybox:x86_64 1.36.1-r3", "kernel-modules:x86_64 6.6.0-r0"],
    "syft-empty.status": ["! status line 1: it has not a package name; package without a name"],
    "syft-corrupt.status": [
        "! status line 1: line 5 is no field: Insterface to the configuration settings",
        "! status line 1: it has not a package name; package without a name",
    ],
    "trivy-corrupsed.txtar": [
        "libpam-runtime:all 1.1.8-3.1ubuntu3 from pam",
        "libpam-modules-bin:amd64 1.1.8-3.1ubuntu3 from pam",
        "makedev:all 2.3.1-93ubuntu1",
        "libgcc1:amd64 1:5.1.1-12ubuntu1 from gcc-5",
        "! status line 85: not a version: 1:5.#; package invalidpkg",
    ],
}


@pytest.mark.parametrize(("name", "told"), KNOWN.items())
def test_samples_of_others_give_what_they_hold_and_a_gap_for_the_rest(name: str, told: list[str]) -> None:
    assert installed(sample(HERE / name)) == told


STATUSES = sorted(
    {path.name: path for folder in (DATA, HERE) for form in ("status", "txtar") for path in folder.glob(f"*.{form}")}.values()
)


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="asks dpkg itself, which this system has not")
@pytest.mark.parametrize("path", STATUSES, ids=lambda path: path.stem)
def test_dpkg_itself_says_the_same_of_what_it_reads(path: Path, tmp_path: Path) -> None:
    (tmp_path / "status").write_bytes(sample(path))
    form = "${db:Status-Status} ${Package}:${Architecture} ${Version} ${source:Package}\n"
    run = subprocess.run(["dpkg-query", f"--admindir={tmp_path}", "-Wf", form], check=False, capture_output=True, text=True)
    if run.returncode:
        pytest.skip(f"dpkg refuses it: {run.stderr.strip()}")
    theirs = {row.split(" ", 1)[1] for row in run.stdout.splitlines() if row.startswith("installed")}
    ours = {
        f"{what.name}:{what.arch} {what.version} {what.source or what.name}"
        for what in dpkg.packages({STATUS: sample(path)})
        if isinstance(what, Package) and b"\nStatus:" in sample(path)
    }
    assert ours == theirs


def test_each_state_is_told_in_dpkgs_own_word() -> None:
    states = [
        "install ok triggers-pending",
        "hold ok installed",
        "install ok half-configured",
        "install reinstreq half-installed",
    ]
    status = b"\n".join(APT.replace(b"install ok installed", state.encode()) for state in states)
    assert [what.state for what in dpkg.packages({STATUS: status}) if isinstance(what, Package)] == [
        "installed",
        "installed",
        "half-configured",
        "reinstreq",
    ]
    assert [what.held for what in dpkg.records({STATUS: status}) if isinstance(what, dpkg.Record)] == [
        False,
        True,
        False,
        False,
    ]


def test_an_odd_stanza_hides_no_other_and_an_odd_line_no_package() -> None:
    status = (
        APT + b"what is this\nVersion: 9\n\n\nPackage: x y\nVersion: 1\n\n \n" + APT.replace(b"apt", b"b\xff") + b"\n" + APT
    )
    assert installed(status) == [
        "! status line 1: line 5 is no field: what is this",
        "! status line 1: line 6 repeats a field: Version",
        "apt:amd64 2.6.1",
        "! status line 9: not a package name: x y; package x y",
        "! status line 13: not a package name: b\\xff; package b\\xff",
        "! status line 18: tells of a package again: apt:amd64",
        "apt:amd64 2.6.1",
    ]


def test_a_thousand_broken_stanzas_are_told_of_in_a_hundred_lines() -> None:
    told = installed(b"Package: -\nVersion: 1\n\n" * 1000 + APT)
    assert len(told) == 102
    assert told[-2:] == ["apt:amd64 2.6.1", "! status: at least 900 more places in it are not understood"]


def test_a_manifest_joins_lists_digests_and_conffiles() -> None:
    conffiles = f"""Conffiles:
 /etc/apt/a {MD5}
 /etc/apt/with space {MD5} obsolete
 /etc/n newconffile remove-on-upgrade
 /etc/bad 12
"""
    paths = "/. /etc /etc/apt /etc/apt/a /etc/n /usr /usr/bin /usr/bin/apt /usr/bin/link /usr/empty ../x"
    files = {
        STATUS: APT + conffiles.encode(),
        INFO + "apt.list": paths.replace(" ", "\n").encode(),
        INFO + "apt.md5sums": f"{MD5}  usr/bin/apt\n{'0' * 64}  usr/bin/link\n{MD5} *usr/not-listed\nrubbish\n".encode(),
        INFO + "apt.conffiles": b"/etc/apt/a\nremove-on-upgrade /etc/n\n",
    }
    told, gaps = manifest(files)
    directory, unknown = Kind.DIRECTORY, None
    assert told.files == (
        Shipped("/", directory),
        Shipped("/etc", directory),
        Shipped("/etc/apt", directory),
        Shipped("/etc/apt/a", Kind.FILE, digests=(f"md5:{MD5}",), config=True),
        Shipped("/etc/n", Kind.FILE, config=True, optional=True),
        Shipped("/usr", directory),
        Shipped("/usr/bin", directory),
        Shipped("/usr/bin/apt", Kind.FILE, digests=(f"md5:{MD5}",)),
        Shipped("/usr/bin/link", unknown),
        Shipped("/usr/empty", unknown),
        Shipped("/usr/not-listed", Kind.FILE, digests=(f"md5:{MD5}",)),
        Shipped("/etc/apt/with space", Kind.FILE, digests=(f"md5:{MD5}",), config=True, optional=True),
    )
    assert (told.package.key, told.proof) == ("apt:amd64", "local")
    assert gaps == [
        f"{INFO}apt.list line 11: not a path that a package may ship: ../x",
        f"{INFO}apt.md5sums line 2: not a digest of md5: {'0' * 64}",
        f"{INFO}apt.md5sums line 4: not a line of md5sums: rubbish",
        f"{STATUS} line 1: not a digest of md5: 12; conffile of apt",
    ]


def test_files_of_a_multi_arch_package_carry_its_architecture() -> None:
    both = APT.replace(b"apt", b"libc6") + b"Multi-Arch: same\n"
    files = {
        STATUS: both + b"\n" + both.replace(b"amd64", b"i386"),
        INFO + "libc6:amd64.list": b"/lib64/x\n",
        INFO + "libc6:i386.list": b"/lib/x\n",
    }
    told = [
        (what.package.key, [file.path for file in what.files]) for what in dpkg.manifests(files) if isinstance(what, Manifest)
    ]
    assert told == [("libc6:amd64", ["/lib64/x"]), ("libc6:i386", ["/lib/x"])]


def test_an_installed_package_without_a_list_is_a_gap_and_a_removed_one_is_none() -> None:
    removed = APT.replace(b"install ok installed", b"deinstall ok config-files") + f"Conffiles:\n /etc/a {MD5}\n".encode()
    assert list(dpkg.manifests({STATUS: APT})) == [Gap("package apt:amd64", "the list of its files is not there")]
    told, gaps = manifest({STATUS: removed})
    assert (told.package.state, told.files, gaps) == (
        "config-files",
        (Shipped("/etc/a", Kind.FILE, digests=(f"md5:{MD5}",), config=True),),
        [],
    )


def test_an_image_without_dpkg_keeps_a_stanza_and_digests_a_package_under_any_name() -> None:
    files = {
        "/var/lib/dpkg/status.d/time": b"Package: tzdata\nVersion: 2024a-0+deb12u1\nArchitecture: all\n",
        "/var/lib/dpkg/status.d/time.md5sums": f"{MD5}  usr/share/zoneinfo/UTC\n".encode(),
    }
    told, gaps = manifest(files)
    assert line(told.package) == "tzdata:all 2024a-0+deb12u1"
    assert (told.files, gaps) == ((Shipped("/usr/share/zoneinfo/UTC", Kind.FILE, digests=(f"md5:{MD5}",)),), [])


@pytest.mark.skipif(not Path(STATUS).exists(), reason="looks at this machine's own packages, and it is no Debian")
def test_of_this_machine_every_package_and_path_is_told_as_dpkg_does() -> None:
    names = [Path(STATUS), *Path(INFO).glob("*.list"), *Path(INFO).glob("*.md5sums"), *Path(INFO).glob("*.conffiles")]
    files = {str(name): name.read_bytes() for name in names}
    told = {what.package.key: what for what in dpkg.manifests(files) if isinstance(what, Manifest)}
    name = next(key for key, what in told.items() if len(what.files) > 300)
    listed = subprocess.run(["dpkg", "-L", name], check=True, capture_output=True, text=True).stdout.splitlines()
    real = {"/" if row == "/." else row for row in listed if row.startswith("/")}
    assert {file.path for file in told[name].files} >= real


def test_bytes_flipped_at_random_break_nothing() -> None:
    chance = random.Random(3)
    status = (HERE / "syft-multiple.status").read_bytes()
    sums = sample(HERE / "trivy-md5sums.txtar")
    whole = {STATUS: status, INFO + "tzdata.list": b"/.\n/usr\n/usr/share\n", INFO + "util-linux.md5sums": sums}
    for _ in range(300):
        files = {name: mutated(data, chance) for name, data in whole.items()}
        for what in (*dpkg.packages(files), *dpkg.manifests(files)):
            assert isinstance(what, Gap | Package | Manifest)
            assert not isinstance(what, Gap) or what.reason.isprintable()
