"""Alpine's database of installed packages: real ones with known answers, and lines that no apk would write."""

import hashlib
import random
from pathlib import Path

import pytest
from damage import mutated

from auditkit.model import Gap, Kind
from auditkit.packages import Manifest, Package, Shipped, apk
from auditkit.packages.reading import MOST_PATHS

HERE = Path(__file__).parent / "data"
PLACE = "/lib/apk/db/installed"
MUSL = b"P:musl\nV:1.2.4-r4\nA:x86_64\no:musl\n"
SHA1, SHA256 = "Q12jmj7l5rSw0yVb/vlWAYkK/YBwk=", "Q247DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


def told(data: bytes) -> list[str]:
    """A line for each package, with how many paths it has, and for each gap."""
    return [
        f"! {what.subject.removeprefix('/lib/apk/db/')}: {what.reason}"
        if isinstance(what, Gap)
        else f"{what.package.key} {what.package.version} {len(what.files)}"
        + f" from {what.package.source}" * bool(what.package.source)
        for what in apk.manifests({PLACE: data})
    ]


KNOWN = {
    "syft-corrupt.installed": [
        "! installed line 1: line 1: not a line of apk: this is a corrupt db",
        "! installed line 1: it has not a package name; package without a name",
        "alpine-baselayout-data:x86_64 3.2.0-r22 15 from alpine-baselayout",
    ],
    "syft-multiple-1.installed": [
        "bash:x86_64 5.2.21-r0 0",
        "busybox-binsh:x86_64 1.36.1-r15 2 from busybox",
        "musl:x86_64 1.2.4_git20230717-r4 3",
        "readline:x86_64 8.2.1-r2 5",
    ],
    "trivy-apk.installed": [
        "musl:x86_64 1.1.14-r10 3",
        "! installed line 23: it has not a version; package invalidPackageWithoutAVersion",
        "busybox:x86_64 1.24.2-r9 25",
        "alpine-baselayout:x86_64 3.0.3-r0 90",
        "alpine-keys:x86_64 1.1-r0 8",
        "zlib:x86_64 1.2.8-r2 3",
        "libcrypto1.0:x86_64 1.0.2h-r1 20 from openssl",
        "libssl1.0:x86_64 1.0.2h-r1 5 from openssl",
        "apk-tools:x86_64 2.6.7-r0 12",
        "scanelf:x86_64 1.1.6-r0 3 from pax-utils",
        "musl-utils:x86_64 1.1.14-r10 8 from musl",
        "libc-utils:x86_64 0.7-r0 0 from libc-dev",
        "pkgconf:x86_64 1.6.0-r0 10",
        "sqlite-libs:x86_64 3.26.0-r3 4 from sqlite",
        "test:x86_64 2.9.11_pre20061021-r2 8 from test-parent",
        "ada-libs:x86_64 2.7.4-r0 4 from ada",
    ],
}


@pytest.mark.parametrize(("name", "lines"), KNOWN.items())
def test_samples_of_others_give_what_they_hold_and_a_gap_for_the_rest(name: str, lines: list[str]) -> None:
    assert told((HERE / name).read_bytes()) == lines


def test_a_link_of_a_real_package_has_the_digest_of_where_it_leads() -> None:
    musl = next(iter(apk.manifests({PLACE: (HERE / "trivy-apk.installed").read_bytes()})))
    assert isinstance(musl, Manifest)
    digest = hashlib.sha1(b"ld-musl-x86_64.so.1").hexdigest()
    assert musl.files[1] == Shipped("/lib/libc.musl-x86_64.so.1", None, 0o777, "0", "0", digests=(f"sha1:{digest}",))


def test_modes_owners_and_digests_are_told_of_each_path() -> None:
    rows = (
        f"F: M:0:0:555 F:etc R:shadow a:0:42:640 Z:{SHA1} F:etc/init.d R:x F:bin M:0:7:2755 R:su a:0:0:4755 Z:{SHA256}".split()
    )
    (what,) = apk.manifests({PLACE: MUSL + "\n".join(rows).encode()})
    assert isinstance(what, Manifest)
    empty = hashlib.sha256(b"").hexdigest()
    assert what.files == (
        Shipped("/", Kind.DIRECTORY, 0o555, "0", "0"),
        Shipped("/etc", Kind.DIRECTORY, 0o755, "0", "0"),
        Shipped("/etc/shadow", Kind.FILE, 0o640, "0", "42", digests=(f"sha1:{hashlib.sha1(b'').hexdigest()}",), config=True),
        Shipped("/etc/init.d", Kind.DIRECTORY, 0o755, "0", "0"),
        Shipped("/etc/init.d/x", Kind.FILE, 0o644, "0", "0"),
        Shipped("/bin", Kind.DIRECTORY, 0o2755, "0", "7"),
        Shipped("/bin/su", Kind.FILE, 0o4755, "0", "0", digests=(f"sha256:{empty}",)),
    )
    assert what.proof == "local"


def test_a_package_says_that_it_is_broken_and_that_its_digests_are_cut() -> None:
    (what,) = apk.manifests({PLACE: MUSL + f"f:xsS\nF:bin\nR:a\nZ:{SHA1}\n".encode()})
    assert isinstance(what, Manifest)
    assert (what.package.state, what.files[1].digests) == ("broken-script", (f"sha256-160:{hashlib.sha1(b'').hexdigest()}",))


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (b"F:../etc\nR:passwd\n", "line 5: not a path that a package may ship: ../etc"),
        (b"R:orphan\n", "line 5: not a file in a directory: orphan"),
        (b"F:bin\nR:a/b\n", "line 6: not a file in a directory: a/b"),
        (b"Z:" + SHA1.encode() + b"\n", "line 5: an attribute of nothing"),
        (b"F:bin\nR:a\nM:0:0:755\n", "line 7: an attribute of nothing"),
        (b"F:bin\nR:a\na:0:0:9\n", "line 7: not an owner and a mode: 0:0:9"),
        (b"F:bin\nR:a\nZ:Q1AAAA\n", "line 7: not a digest: Q1AAAA"),
        (b"F:bin\nR:a\nZ:Q1\xff==\n", "line 7: not a digest: Q1\\xff=="),
        (b"V:2\n", "line 5: says again: V:2"),
    ],
)
def test_a_line_that_no_apk_writes_is_told_and_the_package_too(lines: bytes, reason: str) -> None:
    gap, *rest = apk.manifests({PLACE: MUSL + lines})
    assert gap == Gap(f"{PLACE} line 1", reason)
    assert any(isinstance(what, Manifest) for what in rest)


def test_what_follows_a_broken_name_is_not_taken_for_the_file_before_it() -> None:
    *_, what = apk.manifests({PLACE: MUSL + f"F:bin\nR:good\nR:../bad\na:0:0:4755\nZ:{SHA1}\n".encode()})
    assert isinstance(what, Manifest)
    assert what.files[1:] == (Shipped("/bin/good", Kind.FILE, 0o644, "0", "0"),)


def test_on_a_merged_usr_the_database_lies_there() -> None:
    assert list(apk.packages({"/usr" + PLACE: MUSL})) == [Package("apk", "musl", "1.2.4-r4", "x86_64")]


def test_bytes_flipped_at_random_break_nothing() -> None:
    chance = random.Random(8)
    data = (HERE / "trivy-apk.installed").read_bytes()
    for _ in range(150):
        for what in apk.manifests({PLACE: mutated(data, chance)}):
            assert isinstance(what, Gap | Manifest)
            assert not isinstance(what, Gap) or what.reason.isprintable()


def test_a_few_bytes_that_name_a_long_directory_again_and_again_are_soon_given_up() -> None:
    data = MUSL + b"F:" + b"d" * 4000 + b"\n" + b"R:f\n" * 10_000
    assert told(data + b"\n" + MUSL) == ["! installed: its paths are far longer than the text that names them"]


def test_a_package_with_more_files_than_any_is_soon_given_up() -> None:
    data = MUSL + b"F:d\n" + b"R:f\n" * (MOST_PATHS + 1)
    assert told(data) == [f"! installed: it has more than {MOST_PATHS} files"]
