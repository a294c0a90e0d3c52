"""Lists of packages: what they say of the packages that are asked for, and whether a release has signed for them."""

import hashlib
import lzma
import random
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from debian import APT_LISTS, KEYRING, PACK, debian_lists, packages, stream

from auditkit.errors import FormatError, UntrustedError
from auditkit.packages import index
from auditkit.packages.index import Listed
from auditkit.vendor.lists import Found, among, called, read
from auditkit.vendor.release import Release, checked

HELLO = Listed("hello", "1:1.0-1+b1", "amd64", "pool/main/h/hello/hello_1.0-1+b1_amd64.deb", 1000, "a" * 64)
OLD = Listed("hello", "0.9-1", "amd64", "pool/main/h/hello/hello_0.9-1_amd64.deb", 900, "b" * 64)
LIBC = Listed("libc6", "2.36-9", "all", "pool/main/g/glibc/libc6_2.36-9_all.deb", 50, "c" * 64)
TEXT = packages(HELLO, OLD, LIBC)
WANTED = {("hello", "1:1.0-1+b1", "amd64"), ("libc6", "2.36-9", "all"), ("libc6", "2.36-9", "amd64"), ("gone", "1", "all")}


def found(*pieces: bytes) -> index.Listing:
    return index.read(pieces, WANTED)


def test_a_list_says_where_each_package_lies_and_its_digest() -> None:
    assert found(TEXT) == index.Listing((HELLO, LIBC), frozenset({"hello", "libc6"}))


def test_a_name_in_another_version_is_known_but_not_found() -> None:
    assert found(packages(OLD)) == index.Listing((), frozenset({"hello"}))


def test_it_may_come_in_any_pieces() -> None:
    for size in (1, 2, 3, 7, 100):
        assert found(*(TEXT[at : at + size] for at in range(0, len(TEXT), size))) == found(TEXT)


def test_fields_may_stand_in_any_order_and_any_case() -> None:
    text = (
        b"\n\nsha256: " + b"A" * 64 + b"\nSIZE:1000 \nArchitecture: amd64\nversion: 1:1.0-1+b1\nPackage: hello\n"
        b"Filename:\tpool/main/h/hello/hello_1.0-1+b1_amd64.deb\n\n\n\n"
    )
    assert found(text).found == (HELLO,)


DAMAGED = {
    "no digest": TEXT.replace(b"SHA256: " + b"a" * 64 + b"\n", b""),
    "a digest that is none": TEXT.replace(b"a" * 64, b"a" * 63),
    "two digests": TEXT.replace(b"SHA256: a", b"SHA256: " + b"f" * 64 + b"\nSHA256: a"),
    "a size that is none": TEXT.replace(b"Size: 1000", b"Size: -1000"),
    "an endless size": TEXT.replace(b"Size: 1000", b"Size: " + b"9" * 5000),
    "a file from the root": TEXT.replace(b"Filename: pool", b"Filename: /pool", 1),
    "a file up and away": TEXT.replace(b"Filename: pool", b"Filename: pool/../../etc", 1),
    "no file": TEXT.replace(b"Filename: pool/main/h/hello/hello_1.0-1+b1_amd64.deb", b"Filename:"),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_paragraph_is_told_and_hides_no_other(text: bytes) -> None:
    listing = found(text)
    assert listing.found == (LIBC,)
    assert [what.partition(":")[0] for what in listing.damaged] == ["hello"]


def test_an_endless_paragraph_ends_it() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"Description: and so on\n" * 1000

    with pytest.raises(FormatError, match="has a paragraph longer than 1048576 bytes"):
        index.read(endless(), WANTED)


def test_damaged_lists_are_lists_or_errors() -> None:
    for seed in range(500):
        chance = random.Random(seed)
        bad = bytearray(TEXT)
        for _ in range(chance.randrange(1, 8)):
            at = chance.randrange(len(bad))
            bad[at : at + chance.randrange(4)] = chance.randbytes(chance.randrange(4))
        for one in found(bytes(bad)).found:
            assert one.sha256 in ("a" * 64, "c" * 64) or len(one.sha256) == 64


def test_a_list_of_60_000_packages_takes_a_moment() -> None:
    others = packages(*(Listed(f"lib{at}", "1", "all", f"pool/{at}.deb", at, f"{at:064x}") for at in range(60_000)))
    text = others + b"\n" + TEXT
    start = time.process_time()
    assert index.read((text[at : at + 262_144] for at in range(0, len(text), 262_144)), WANTED).found == (HELLO, LIBC)
    assert time.process_time() - start < 1


# what a release has signed for


def signed(**files: bytes) -> Release:
    """A release that names these files, `__` in their names being a slash and `_x` a suffix."""
    names = {name.replace("__", "/").replace("_x", ".x"): data for name, data in files.items()}
    told = {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in names.items()}
    return Release("kiwi", "stable", "", "", datetime(2026, 11, 24, tzinfo=UTC), None, ("F",), told)


PLAIN = signed(main__Packages=TEXT)


@pytest.mark.parametrize("packed", PACK)
def test_a_list_packed_anew_is_believed_by_its_plain_text(packed: str) -> None:
    if packed == ".lzma":
        pytest.skip("apt keeps no lists so")
    assert read(stream(PACK[packed](TEXT)), f"main/Packages{packed}", PLAIN, WANTED).found == (HELLO, LIBC)


def test_a_list_that_is_signed_packed_is_believed_as_it_is() -> None:
    data = lzma.compress(TEXT)
    release = signed(main__Packages_xz=data)
    assert read(stream(data), "main/Packages.xz", release, WANTED).found == (HELLO, LIBC)
    for other in (lzma.compress(TEXT, preset=1), data + b"\0\0\0\0", lzma.compress(packages(LIBC))):
        with pytest.raises((UntrustedError, FormatError)):
            read(stream(other), "main/Packages.xz", release, WANTED)
    with pytest.raises(UntrustedError, match="the list main/Packages is not named in the signed release"):
        read(stream(TEXT), "main/Packages", release, WANTED)


FORGED = {
    "another digest": TEXT.replace(b"a" * 64, b"e" * 64),
    "one more": TEXT + b"\n" + packages(OLD),
    "one less": packages(HELLO, LIBC),
    "cut off": TEXT[:-1],
    "empty": b"",
}


@pytest.mark.parametrize("text", FORGED.values(), ids=FORGED.keys())
def test_a_list_that_was_not_signed_says_nothing(text: bytes) -> None:
    with pytest.raises(UntrustedError, match="the list main/Packages is not the one that was signed in the release of kiwi"):
        read(stream(text), "main/Packages", PLAIN, WANTED)


def test_a_list_that_swells_is_refused() -> None:
    with pytest.raises((UntrustedError, FormatError)):
        read(stream(lzma.compress(bytes(8 << 20))), "main/Packages.xz", PLAIN, WANTED)


def test_damaged_packed_lists_are_refused() -> None:
    good = lzma.compress(TEXT)
    for seed in range(100):
        chance = random.Random(seed)
        bad = bytearray(good)
        bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        with suppress(FormatError, UntrustedError):
            assert read(stream(bytes(bad)), "main/Packages.xz", PLAIN, WANTED).found == (HELLO, LIBC)


# how apt calls its files

KIWI = "deb.example.org_debian_dists_kiwi_"
NAMES = [
    f"{KIWI}InRelease",
    f"{KIWI}main_binary-amd64_Packages.lz4",
    f"{KIWI}main_source_Sources.lz4",
    f"{KIWI}main_i18n_Translation-en",
    "deb.example.org_debian_dists_kiwi-updates_InRelease",
    "deb.example.org_debian_dists_kiwi-updates_main_binary-amd64_Packages",
    "old.example.org_._Release",
    "old.example.org_._Release.gpg",
    "old.example.org_._Packages",
    "unsigned.example.org_._Release",
    "unsigned.example.org_._Packages",
    "lock",
]


def test_each_release_is_found_with_what_belongs_to_it() -> None:
    assert list(among(NAMES)) == [
        Found(
            "deb.example.org_debian_dists_kiwi-updates_InRelease",
            None,
            ("deb.example.org_debian_dists_kiwi-updates_main_binary-amd64_Packages",),
        ),
        Found(f"{KIWI}InRelease", None, (f"{KIWI}main_binary-amd64_Packages.lz4",)),
        Found("old.example.org_._Release", "old.example.org_._Release.gpg", ("old.example.org_._Packages",)),
    ]


def test_a_list_is_called_as_its_release_calls_it() -> None:
    _updates, kiwi, old = among(NAMES)
    many = signed(**{"main__binary-amd64__Packages": b"", "main__binary-amd64__Packages_xz": b"", "Packages": b""})
    assert called(kiwi, kiwi.lists[0], many) == "main/binary-amd64/Packages.lz4"
    assert called(old, old.lists[0], many) == "Packages"
    with pytest.raises(UntrustedError, match="is not named in the signed release"):
        called(kiwi, kiwi.lists[0], signed(Packages=b""))


def test_the_lists_that_apt_has_fetched_are_those_that_were_signed() -> None:
    pairs = [(one, name) for one in among(debian_lists()) for name in one.lists]
    if not pairs:
        pytest.skip("no lists of Debian in /var/lib/apt/lists")
    seen = set[str]()
    for one, name in pairs:
        release = checked(Path(APT_LISTS, one.release).read_bytes(), [KEYRING.read_bytes()], None)
        with Path(APT_LISTS, name).open("rb") as file:
            seen |= read(file, called(one, name, release), release, {("bash", "0", "x")}).known
    assert seen == {"bash"}
