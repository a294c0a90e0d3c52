"""Who signed these bytes: a detached OpenPGP signature, checked by gpgv, or by sqv where that is what apt has.

Only detached signatures are checked, so that what was checked is byte for byte what the caller goes on with. (The file
that `gpgv --output` writes is there for a BAD signature too, and text around a signed message passes with status 0.)
"""

import base64
import binascii
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence

from auditkit.errors import AuditkitError, FormatError, UntrustedError
from auditkit.printable import printable

PATIENCE = 60
"""Seconds; a check takes some 12 ms."""
LARGEST_KEYRING = 16 << 20
_BLOCK = re.compile(
    rb"-----BEGIN PGP PUBLIC KEY BLOCK-----[ \t\r]*\n"
    rb"(?:[A-Za-z]+: [^\n]*\n)*[ \t\r]*\n"
    rb"([A-Za-z0-9+/=\s]+?)"
    rb"(?:\n=[A-Za-z0-9+/]{4}[ \t\r]*)?\n"
    rb"-----END PGP PUBLIC KEY BLOCK-----",
)
WEAK = ("1", "2", "3")
"""MD5, SHA-1 and RIPEMD160, as VALIDSIG tells them."""
_NOT_GOOD = {
    "BADSIG": "a signature does not fit what is signed",
    "EXPSIG": "a signature has expired",
    "EXPKEYSIG": "the key of a signature has expired",
    "REVKEYSIG": "the key of a signature was revoked",
    "ERRSIG": "a signature cannot be checked",
    "NO_PUBKEY": "signed by a key that is in no keyring given:",
}
_MISSING_KEY = "9"
"""What ERRSIG says of a signature by a key that is not in the keyring."""


class UnprovedError(UntrustedError):
    """No key given is known to have signed it; no signature is known to be wrong either."""


def signers(data: bytes, signature: bytes, keyrings: Sequence[bytes], *, past: bool = False) -> tuple[str, ...]:
    """The fingerprints of those keys in the keyrings that signed `data`: at least one, in upper-case hex.

    As for apt, signatures of keys that are in no keyring say nothing; one that is bad spoils all. `past` is for what was
    signed long ago: the key may have expired since, and may itself rest on SHA-1 (SUSE's key of 2013 does both).

    Raises:
        UnprovedError: none of the keys signed it.
        UntrustedError: a signature is bad.
        FormatError: a keyring is none.
        AuditkitError: there is no program to check it.
    """
    keys = [binary(keyring) for keyring in keyrings]
    with tempfile.TemporaryDirectory(prefix="auditkit-") as folder:
        signed, signed_by = _put(folder, "data", data), _put(folder, "data.sig", signature)
        rings = [_put(folder, f"{at}.gpg", key) for at, key in enumerate(keys)]
        options = [word for ring in rings for word in ("--keyring", ring)]
        if gpgv := shutil.which("gpgv"):
            # what apt refuses, too; MD5 is refused without being told
            weak = [] if past else ["--weak-digest", "SHA1", "--weak-digest", "RIPEMD160"]
            words = [gpgv, "--homedir", folder, "--status-fd", "1", *weak, *options, "--", signed_by, signed]
            return _by_gpgv(*_run(words), past=past)
        if sqv := shutil.which("sqv"):
            return _by_sqv(*_run([sqv, *options, signed_by, signed]))
    raise AuditkitError("no program is here to check the vendor's signatures with", "install gpgv (or sqv)")


def _put(folder: str, name: str, data: bytes) -> str:
    path = os.path.join(folder, name)
    with open(path, "xb") as file:
        file.write(data)
    return path


def _run(words: list[str]) -> tuple[int, str, str]:
    environment = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
    try:
        ended = subprocess.run(  # noqa: S603 - fixed words and names of our own files
            words, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=PATIENCE, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AuditkitError(f"{words[0]} could not check a signature: {printable(str(error))}") from error
    return ended.returncode, ended.stdout.decode("utf-8", "replace"), ended.stderr.decode("utf-8", "replace")


def _by_gpgv(status: int, told: str, _errors: str, *, past: bool) -> tuple[str, ...]:
    """Who signed, by the lines of --status-fd (GnuPG's doc/DETAILS)."""
    valid, troubles, good, only_missing = list[str](), list[str](), False, True
    for line in told.splitlines():
        word, *rest = line.removeprefix("[GNUPG:] ").split(" ")
        if past and word == "EXPKEYSIG":
            word = "GOODSIG"
        if past and word == "VALIDSIG" and rest[7:8] and rest[7] in WEAK:
            good = False
            troubles.append("a signature rests on a digest that is broken")
        if word in _NOT_GOOD:
            good = False
            troubles.append(" ".join([_NOT_GOOD[word], *rest[: word == "NO_PUBKEY"]]))
            only_missing &= word == "NO_PUBKEY" or (word == "ERRSIG" and rest[5:6] == [_MISSING_KEY])
        elif word in ("NEWSIG", "GOODSIG"):
            good = word == "GOODSIG"
        elif word == "VALIDSIG" and good:  # it follows EXPKEYSIG and REVKEYSIG as well
            valid.append(rest[9] if len(rest) > 9 and rest[9] else rest[0])
    if not valid or not only_missing or status not in ((0, 2) if troubles else (0,)):
        kind = UntrustedError if _NOT_GOOD["BADSIG"] in troubles else UnprovedError
        raise _refused(troubles[-1] if troubles else "there is no signature in it", kind)
    return tuple(valid)


def _by_sqv(status: int, told: str, errors: str) -> tuple[str, ...]:
    """Who signed, by the fingerprints that sqv prints."""
    valid = tuple(line for line in told.split() if re.fullmatch(r"[0-9A-F]{40,64}", line))
    if status != 0 or not valid:
        why = printable(" ".join(errors.split())[:200]) or "sqv accepts no signature of it"
        raise _refused(why, UntrustedError if "manipulated" in errors else UnprovedError)
    return valid


def _refused(why: str, kind: type[UntrustedError]) -> UntrustedError:
    return kind(f"the vendor's signature does not hold: {why}", "give the vendor's current keyring, from a trusted place")


def binary(keyring: bytes) -> bytes:
    """A keyring as gpgv reads it: armoured blocks (.asc) are decoded, binary ones (.gpg) stay as they are.

    Raises:
        FormatError: it is neither.
    """
    if len(keyring) > LARGEST_KEYRING:
        raise _no_keyring(f"it is larger than {LARGEST_KEYRING} bytes")
    if keyring[:1] >= b"\x80" or keyring[8:12] == b"KBXf":  # the first byte of a packet, and GnuPG's keybox
        return keyring
    if b"PRIVATE KEY" in keyring:
        raise _no_keyring("it is a private key")
    blocks = [block[1] for block in _BLOCK.finditer(keyring.replace(b"\r", b"") + b"\n")]
    try:
        decoded = b"".join(base64.b64decode(b"".join(block.split()), validate=True) for block in blocks)
    except binascii.Error as error:
        raise _no_keyring("its armour is damaged") from error
    if not decoded:
        raise _no_keyring("it holds no public key")
    return decoded


def _no_keyring(why: str) -> FormatError:
    return FormatError(f"a keyring cannot be read: {why}", "give the vendor's public keys as .gpg or .asc")
