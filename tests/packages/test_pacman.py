"""Arch's local database: real packages with their mtree, a broken one, and archives that are not what they seem."""

import gzip
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from damage import mutated

from auditkit.model import Gap, Kind
from auditkit.packages import Manifest, Package, Shipped, pacman

HERE = Path(__file__).parent / "data"
LOCAL = "/var/lib/pacman/local/"
DESC = b"%NAME%\ntar\n\n%VERSION%\n1.35-2\n\n%ARCH%\nx86_64\n\n%INSTALLDATE%\n1665878640\n"


def sample(*folders: str) -> dict[str, bytes]:
    return {f"{LOCAL}{folder}/{path.name}": path.read_bytes() for folder in folders for path in (HERE / folder).iterdir()}


def one(files: bytes, mtree: bytes) -> list[Manifest | Gap]:
    folder = LOCAL + "tar-1.35-2/"
    return list(pacman.manifests({folder + "desc": DESC, folder + "files": files, folder + "mtree": mtree}))


def test_a_real_package_gives_all_its_paths_with_all_that_is_known_of_them() -> None:
    (gmp,) = pacman.manifests(sample("gmp-6.2.1-2"))
    assert isinstance(gmp, Manifest)
    assert gmp.package == Package("pacman", "gmp", "6.2.1-2", "x86_64", installed=datetime(2022, 10, 16, 0, 4, tzinfo=UTC))
    files = {file.path: file for file in gmp.files}
    listed = (HERE / "gmp-6.2.1-2/files").read_text().split("\n\n")[0].splitlines()[1:]
    assert files.keys() == {"/" + line.rstrip("/") for line in listed}
    assert files["/usr/lib/libgmp.so"] == Shipped(
        "/usr/lib/libgmp.so", Kind.SYMLINK, 0o777, "0", "0", target="libgmp.so.10.4.1"
    )
    assert files["/usr/include/gmp.h"] == Shipped(
        "/usr/include/gmp.h",
        Kind.FILE,
        0o644,
        "0",
        "0",
        84140,
        (
            "md5:76595f70565c72550eb520809bf86856",
            "sha256:91a614b9202453153fe3b7512d15e89659108b93ce8841c8e13789eb85da9e3a",
        ),
    )


def test_what_the_admin_may_change_is_named() -> None:
    (told,) = pacman.manifests(sample("pacman-6.0.1-5"))
    assert isinstance(told, Manifest)
    assert [file.path for file in told.files if file.config] == ["/etc/makepkg.conf", "/etc/pacman.conf"]
    (fuzzy,) = pacman.manifests(sample("fuzzy-1.2-3"))
    assert isinstance(fuzzy, Manifest)
    assert fuzzy.files == (
        Shipped("/etc", Kind.DIRECTORY),
        Shipped("/etc/fuzzy.conf", Kind.FILE, digests=("md5:79fce043df7dfc676ae5ecb903762d8b",), config=True),
    )


def test_a_broken_package_hides_no_other() -> None:
    assert [
        what if isinstance(what, Gap) else what.name for what in pacman.packages(sample("corrupt-0.2.1-3", "gmp-6.2.1-2"))
    ] == [
        Gap(LOCAL + "corrupt-0.2.1-3/desc", "it has not a package name"),
        "gmp",
    ]


def test_without_mtree_the_list_tells_the_paths_and_without_both_there_is_a_gap() -> None:
    only, *gaps = one(b"%FILES%\nusr/\nusr/bin/tar\n../x\n\n%BACKUP%\netc/tar\n", b"")
    assert not isinstance(only, Manifest)
    assert [what.reason for what in (only, *gaps) if isinstance(what, Gap)] == [
        "not a path that a package may ship: ../x",
        "not a digest of md5: ",
    ]
    (manifest,) = (what for what in gaps if isinstance(what, Manifest))
    assert manifest.files == (Shipped("/usr", Kind.DIRECTORY), Shipped("/usr/bin/tar", None))
    assert list(pacman.manifests({LOCAL + "tar-1.35-2/desc": DESC})) == [
        Gap("package tar:x86_64", "the list of its files is not there"),
    ]


def test_odd_names_in_an_mtree_are_real_bytes_and_none_leads_elsewhere() -> None:
    text = b"#mtree\n./a\\040b type=file mode=104755 uid=0 gid=7\n./.PKGINFO type=file\n./../x type=file\n./after type=file\n"
    first, *rest = one(b"", gzip.compress(text))
    assert first == Gap(LOCAL + "tar-1.35-2/mtree line 4", "not a path that a package may ship: ./../x")
    (manifest,) = (what for what in rest if isinstance(what, Manifest))
    assert manifest.files == (Shipped("/a b", Kind.FILE, 0o4755, "0", "7"), Shipped("/after", Kind.FILE))


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (b"#mtree\n", "not gzip: Error -3 while decompressing data: incorrect header check"),
        (gzip.compress(b"#mtree\n" * 99)[:-12], "the compressed text is cut off"),
        (gzip.compress(bytes(pacman.LARGEST_MTREE + 9), 1), "it unpacks to more than 64 MiB"),
    ],
)
def test_an_archive_that_is_not_what_it_seems_is_a_gap_and_the_list_is_told(packed: bytes, reason: str) -> None:
    gap, manifest = one(b"%FILES%\nusr/\n", packed)
    assert gap == Gap(LOCAL + "tar-1.35-2/mtree", reason)
    assert isinstance(manifest, Manifest)
    assert manifest.files == (Shipped("/usr", Kind.DIRECTORY),)


def test_sixty_four_mebibytes_of_line_ends_are_soon_given_up() -> None:
    gap, manifest = one(b"%FILES%\nusr/\n", gzip.compress(b"\n" * ((64 << 20) - 1), 1))
    assert gap == Gap(LOCAL + "tar-1.35-2/mtree", "it goes on for more than 4000000 lines")
    assert isinstance(manifest, Manifest)


def test_bytes_flipped_at_random_break_nothing() -> None:
    chance = random.Random(9)
    whole = sample("gmp-6.2.1-2", "fuzzy-1.2-3")
    plain = gzip.decompress(whole[LOCAL + "gmp-6.2.1-2/mtree"])
    for turn in range(200):
        files = {name: mutated(data, chance) for name, data in whole.items()}
        if turn % 2:
            files[LOCAL + "gmp-6.2.1-2/mtree"] = gzip.compress(mutated(plain, chance))
        for what in (*pacman.packages(files), *pacman.manifests(files)):
            assert isinstance(what, Gap | Manifest | Package)
            assert not isinstance(what, Gap) or what.reason.isprintable()


def test_a_tree_that_names_a_long_directory_again_and_again_is_soon_given_up() -> None:
    inside = b"".join(b"%s type=dir\n" % (b"d" * 250) for _ in range(15))
    (gap,) = one(b"%FILES%\nusr/\n", gzip.compress(b"#mtree\n" + inside + b"f type=file\n" * 10_000))
    assert gap == Gap("package tar:x86_64", "its paths are far longer than the text that names them")


def test_of_trees_that_unpack_to_very_much_the_last_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacman, "LARGEST", 1000)
    files = {}
    for name in ("a", "b", "c"):
        files[f"{LOCAL}{name}-1-1/desc"] = f"%NAME%\n{name}\n\n%VERSION%\n1-1\n".encode()
        files[f"{LOCAL}{name}-1-1/mtree"] = gzip.compress(b"#mtree\n" + b"#\n" * 450)
    told = [what if isinstance(what, Gap) else what.package.name for what in pacman.manifests(files)]
    assert told == [
        "a",
        Gap(LOCAL + "b-1-1/mtree", "it unpacks to more than 0 MiB"),
        "b",
        Gap(LOCAL + "c-1-1/mtree", "those before it unpack to 0 MiB already: it is not read"),
        "c",
    ]
