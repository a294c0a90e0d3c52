"""What of a release and of a keyring is read without asking gpgv: before the signature is checked, and after."""

import hashlib
import random
from contextlib import suppress

import pytest
from debian import release
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.errors import FormatError
from auditkit.vendor.gpgv import binary
from auditkit.vendor.release import BEGIN, parse, split

LIST = b"Package: hello\n"
TEXT = release({"main/binary-amd64/Packages": LIST})


def test_the_signed_text_is_cut_out_and_its_dashes_undone() -> None:
    message = (
        BEGIN + b"\nHash: SHA512\n\n- -a \t\n-  b\nc\n-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n\n"
    )
    assert split(message) == (b"-a\n b\nc", b"-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n")


HOSTILE = {
    "no field": b"Codename: a\nhello\nDate: Sat, 11 Jul 2026 10:16:29 UTC\n",
    "a field twice": TEXT + b"Codename: b\n",
    "two paragraphs": TEXT + b"\nCodename: b\n",
    "no date": TEXT.replace(b"Date: ", b"Data: "),
    "a date that is none": TEXT.replace(b"Date: ", b"Date: Tomorrow "),
    "a year that is none": TEXT.replace(b"2026", b"99999999999999999999"),
    "a size that is none": TEXT.replace(b" 15 main", b" -1 main"),
    "no digests": TEXT.partition(b"SHA256:")[0],
    "a digest that is too short": TEXT.replace(hashlib.sha256(LIST).hexdigest().encode(), b"abc"),
    "two digests of one file": TEXT + b" " + b"0" * 64 + b" 15 main/binary-amd64/Packages\n",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_signed_text_that_is_not_a_release_is_refused(text: bytes) -> None:
    with pytest.raises(FormatError, match="a release of a vendor cannot be read: "):
        parse(text, ("F",))


def test_a_text_of_very_many_lines_is_refused_before_they_are_held() -> None:
    with pytest.raises(FormatError, match="more than 1000000 lines"):
        split(BEGIN + b"\n\n" + b"\n" * 1_000_000)


def test_dates_are_read_as_vendors_write_them() -> None:
    for written in (b"Sat, 11 Jul 2026 10:16:29 UTC", b"Sat, 11 Jul 2026 12:16:29 +0200", b"Sat, 11 Jul 2026 10:16:29 -0000"):
        found = parse(TEXT.replace(b"Tue, 24 Nov 2026 12:00:00 UTC", written), ("F",))
        assert found.date.isoformat() == "2026-07-11T10:16:29+00:00"


def test_a_damaged_release_is_a_release_or_an_error() -> None:
    good = bytearray(TEXT)
    for seed in range(600):
        chance = random.Random(seed)
        bad = bytearray(good)
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(bad))
            bad[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
        with suppress(FormatError):
            parse(bytes(bad), ("F",))
        with suppress(FormatError):
            split(BEGIN + b"\n\n" + bad)


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_no_keyring_or_one(data: bytes) -> None:
    with suppress(FormatError):
        assert binary(data)


NO_KEYRING = {
    "no text of a key": b"hello",
    "nothing": b"",
    "a private key": b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nAAAA\n-----END PGP PRIVATE KEY BLOCK-----\n",
    "armour that is damaged": b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAA\n-----END PGP PUBLIC KEY BLOCK-----\n",
    "endless": b"\x99" * (17 << 20),
}


@pytest.mark.parametrize("data", NO_KEYRING.values(), ids=NO_KEYRING.keys())
def test_what_is_no_keyring_is_told(data: bytes) -> None:
    with pytest.raises(FormatError, match="a keyring cannot be read: "):
        binary(data)
