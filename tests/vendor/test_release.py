"""Signed releases: what is believed, and every way to forge, freeze or damage one that must not be."""

import hashlib
from collections.abc import Callable
from datetime import timedelta

import pytest
from debian import APT_LISTS, KEYRING, NOW, Vendor, debian_lists, release

from auditkit.errors import AuditkitError, FormatError, UntrustedError
from auditkit.vendor.gpgv import binary
from auditkit.vendor.release import checked

LIST = b"Package: hello\n"
TEXT = release({"main/binary-amd64/Packages": LIST})
pytestmark = pytest.mark.usefixtures("checker")


def test_an_inrelease_says_what_it_was_signed_with(vendor: Vendor) -> None:
    found = checked(vendor.clear_signed(TEXT), [vendor.keyring], NOW)
    assert (found.origin, found.label, found.suite, found.codename) == ("Example", "Example-Security", "stable", "kiwi")
    assert (found.date, found.until, found.keys) == (NOW, NOW + timedelta(days=7), (vendor.fingerprint,))
    assert found.files == {"main/binary-amd64/Packages": (len(LIST), hashlib.sha256(LIST).hexdigest())}
    assert found.told == f"InRelease of Example kiwi of 2026-11-24, key {vendor.fingerprint}"


def test_a_release_beside_its_signature_is_as_good(vendor: Vendor) -> None:
    assert checked(TEXT, [vendor.keyring], NOW, signature=vendor.signature(TEXT)) == checked(
        vendor.clear_signed(TEXT), [vendor.keyring], NOW
    )


def test_keyrings_may_be_armoured_and_several(vendor: Vendor, stranger: Vendor) -> None:
    inrelease = vendor.clear_signed(TEXT)
    both = stranger.armoured + b"\n" + vendor.armoured.replace(b"\n", b"\r\n")
    for keyrings in ([vendor.armoured], [stranger.keyring, vendor.keyring], [both]):
        assert checked(inrelease, keyrings, NOW).keys == (vendor.fingerprint,)


def test_a_dash_at_the_start_and_blanks_at_the_end_of_a_line_survive_signing(vendor: Vendor) -> None:
    text = TEXT.replace(b"Label: Example-Security", b"Label: x \n -----BEGIN PGP SIGNED MESSAGE-----")
    signed = vendor.clear_signed(text.replace(b"Suite: stable", b"Suite: stable \t"))
    assert checked(signed.replace(b"\n", b"\r\n"), [vendor.keyring], NOW).suite == "stable"


def test_signatures_by_unknown_keys_beside_a_known_one_say_nothing(vendor: Vendor, stranger: Vendor) -> None:
    both = _dearmoured(vendor.signature(TEXT)) + _dearmoured(stranger.signature(TEXT))
    assert checked(TEXT, [vendor.keyring], NOW, signature=both).keys == (vendor.fingerprint,)
    assert set(checked(TEXT, [vendor.keyring, stranger.keyring], NOW, signature=both).keys) == {
        vendor.fingerprint,
        stranger.fingerprint,
    }


def _dearmoured(signature: bytes) -> bytes:
    return binary(signature.replace(b"SIGNATURE", b"PUBLIC KEY BLOCK"))


Forge = Callable[[bytes, Vendor, Vendor], bytes]
FORGERIES: dict[str, Forge] = {
    "a byte changed": lambda good, _v, _s: good.replace(b"Codename: kiwi", b"Codename: k1wi"),
    "a line added": lambda good, _v, _s: good.replace(b"Origin:", b"Version: 1\nOrigin:"),
    "signed by another": lambda _g, _v, stranger: stranger.clear_signed(TEXT),
    "text before": lambda good, _v, _s: b"Codename: evil\n\n" + good,
    "a blank line before": lambda good, _v, _s: b"\n" + good,
    "text after": lambda good, _v, _s: good + b"Codename: evil\n",
    "two messages": lambda good, _v, _s: good + good,
    "two messages, the first one forged": lambda good, _v, stranger: stranger.clear_signed(TEXT) + good,
    "the signature of another text": lambda good, vendor, _s: b"".join(
        (
            good.partition(b"-----BEGIN PGP SIG")[0],
            b"-----BEGIN PGP SIG",
            vendor.clear_signed(b"x").partition(b"-----BEGIN PGP SIG")[2],
        )
    ),
    "no signature": lambda good, _v, _s: good.partition(b"-----BEGIN PGP SIG")[0],
    "cut off": lambda good, _v, _s: good[:-40],
    "not signed": lambda _g, _v, _s: TEXT,
    "a header that says more": lambda good, _v, _s: good.replace(b"Hash: SHA256", b"Hash: SHA256\nCodename: evil"),
    "empty": lambda _g, _v, _s: b"",
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forgery_is_refused(forge: Forge, vendor: Vendor, stranger: Vendor) -> None:
    forged = forge(vendor.clear_signed(TEXT), vendor, stranger)
    with pytest.raises((UntrustedError, FormatError)) as caught:
        checked(forged, [vendor.keyring], NOW)
    assert caught.value.hint


def test_a_bad_signature_beside_a_good_one_is_nothing_for_gpgv(vendor: Vendor, stranger: Vendor, checker: str) -> None:
    both = _dearmoured(vendor.signature(TEXT)) + _dearmoured(stranger.signature(b"another text"))
    rings = [vendor.keyring, stranger.keyring]
    if checker == "sqv":  # it asks for one good signature, whatever else there is
        assert checked(TEXT, rings, NOW, signature=both).keys == (vendor.fingerprint,)
        return
    with pytest.raises(UntrustedError, match="does not fit what is signed"):
        checked(TEXT, rings, NOW, signature=both)


def test_a_key_that_is_in_no_keyring_is_named(stranger: Vendor, vendor: Vendor) -> None:
    with pytest.raises(UntrustedError, match=stranger.fingerprint[-16:]):
        checked(stranger.clear_signed(TEXT), [vendor.keyring], NOW)


def test_an_expired_key_signs_nothing_for_gpgv(fleeting: Vendor, checker: str) -> None:
    signed = fleeting.clear_signed(TEXT)  # gpgv calls it a VALIDSIG all the same, and ends with 0
    if checker == "sqv":  # which asks whether the key was good when it signed
        assert checked(signed, [fleeting.keyring], NOW).keys == (fleeting.fingerprint,)
        return
    with pytest.raises(UntrustedError, match="the key of a signature has expired"):
        checked(signed, [fleeting.keyring], NOW)


def test_a_source_may_allow_some_keys_of_a_keyring_only(vendor: Vendor, stranger: Vendor) -> None:
    inrelease, rings = vendor.clear_signed(TEXT), [vendor.keyring, stranger.keyring]
    assert checked(inrelease, rings, NOW, allowed=[f"{vendor.fingerprint.lower()}!"]).keys == (vendor.fingerprint,)
    with pytest.raises(UntrustedError, match="none of the keys that its source allows"):
        checked(inrelease, rings, NOW, allowed=[stranger.fingerprint])


def test_a_frozen_release_is_refused(vendor: Vendor) -> None:
    with pytest.raises(UntrustedError) as caught:
        checked(vendor.clear_signed(TEXT), [vendor.keyring], NOW + timedelta(days=8))
    assert str(caught.value) == (
        "the release of kiwi of 2026-11-24 was to be believed until 2026-12-01 12:00 UTC only: "
        "somebody may be holding back newer ones"
    )


def test_a_release_from_the_future_is_refused(vendor: Vendor) -> None:
    signed = vendor.clear_signed(TEXT)
    assert checked(signed, [vendor.keyring], NOW - timedelta(minutes=50)).date == NOW
    with pytest.raises(UntrustedError, match="the release of kiwi is from the future: 2026-11-24 12:00 UTC"):
        checked(signed, [vendor.keyring], NOW - timedelta(hours=2))


def test_without_a_clock_an_old_release_proves_what_was_shipped_then(vendor: Vendor) -> None:
    assert checked(vendor.clear_signed(TEXT), [vendor.keyring], None).until == NOW + timedelta(days=7)


def test_where_nothing_can_check_it_says_what_to_install(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    signed, ring = vendor.clear_signed(TEXT), vendor.keyring
    monkeypatch.setattr("auditkit.vendor.gpgv.shutil.which", lambda _name: None)
    with pytest.raises(AuditkitError) as caught:
        checked(signed, [ring], NOW)
    assert (str(caught.value), caught.value.hint) == (
        "no program is here to check the vendor's signatures with",
        "install gpgv (or sqv)",
    )


def test_the_releases_that_apt_has_fetched_are_good() -> None:
    signed = [name for name in debian_lists() if name.endswith("InRelease")]
    if not signed:
        pytest.skip("no lists of Debian in /var/lib/apt/lists")
    for name in signed:
        found = checked((APT_LISTS / name).read_bytes(), [KEYRING.read_bytes()], None)
        assert found.origin == "Debian"
        assert any(path.endswith("/Packages") for path in found.files)
