"""What key a blob is: its type, its size, its fingerprints; read as strictly as OpenSSH reads it (sshkey.c)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from auditkit.keys.wire import CERTIFICATE, fingerprint, number, string, take

DSA = "ssh-dss"
RSA = "ssh-rsa"
FEWEST_RSA_BITS = 1024
"""OpenSSH since 7.6 reads no RSA key that is shorter (SSH_RSA_MINIMUM_MODULUS_SIZE)."""
MOST_BITS = 16384
"""Nor a longer number (SSHBUF_MAX_BIGNUM)."""
_CURVES: Mapping[str, int] = {"nistp256": 256, "nistp384": 384, "nistp521": 521}
_SHAPES: Mapping[str, tuple[str, ...]] = {
    RSA: ("integer", "modulus"),
    DSA: ("modulus", "integer", "integer", "integer"),
    "ssh-ed25519": ("edwards",),
    "sk-ssh-ed25519@openssh.com": ("edwards", "string"),
    "sk-ecdsa-sha2-nistp256@openssh.com": ("nistp256", "point", "string"),
    **{f"ecdsa-sha2-{curve}": (curve, "point") for curve in _CURVES},
}
"""What follows the type in each blob; `modulus` is the number whose length is the size of the key."""
TYPES = frozenset(_SHAPES) | {f"{name.removesuffix('@openssh.com')}{CERTIFICATE}" for name in _SHAPES}
"""What the blob of a key may begin with, in today's OpenSSH."""
WORDS: Mapping[str, str] = {
    **{name: name for name in TYPES},
    "rsa-sha2-256": RSA,
    "rsa-sha2-512": RSA,
    f"rsa-sha2-256{CERTIFICATE}": RSA + CERTIFICATE,
    f"rsa-sha2-512{CERTIFICATE}": RSA + CERTIFICATE,
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com": "sk-ecdsa-sha2-nistp256@openssh.com",
}
"""The words that may stand before a key in a file, and the type of key each is for: names of signatures will do."""


class Strength(IntEnum):
    """How long a key will stand (NIST SP 800-57 part 1)."""

    WEAK = 0
    """Within reach of who has the means: DSA, and RSA below 2048 bits."""
    SHORT = 1
    """Not for years to come: RSA below 3072 bits."""
    GOOD = 2


@dataclass(frozen=True, slots=True)
class Public:
    """A public key, or a certificate of one."""

    type: str
    blob: bytes
    """The plain key, of a certificate too."""
    bits: int

    @property
    def certificate(self) -> bool:
        """Whether it came as a certificate."""
        return self.type.endswith(CERTIFICATE)

    @property
    def plain_type(self) -> str:
        """The type of the key itself."""
        return _plain(self.type)

    @property
    def fingerprint(self) -> str:
        """`SHA256:...`, as `ssh-keygen -l` shows it; of a certificate that of its key."""
        return fingerprint(self.blob)

    @property
    def strength(self) -> Strength:
        """How long it will stand, by its type and its size."""
        if self.plain_type == DSA or (self.plain_type == RSA and self.bits < 2048):
            return Strength.WEAK
        return Strength.SHORT if self.plain_type == RSA and self.bits < 3072 else Strength.GOOD

    @property
    def md5(self) -> str:
        """`MD5:00:11:...`, as `ssh-keygen -l -E md5` shows it and logs of old servers do."""
        return "MD5:" + hashlib.md5(self.blob, usedforsecurity=False).digest().hex(":")


def parse(blob: bytes) -> Public:
    """The key that a blob is.

    Of a certificate only the key in it is read: its signature is not checked.

    Raises:
        ValueError: it is none that OpenSSH reads; says in words why.
    """
    name, rest = take(blob)
    kind = name.decode("ascii", "replace")
    if kind not in TYPES:
        raise ValueError("its type is not known")
    plain = _plain(kind)
    if plain != kind:
        _nonce, rest = take(rest)
    key, bits = string(plain.encode()), 0
    for shape in _SHAPES[plain]:
        field, rest = take(rest)
        bits = max(bits, _size(shape, field))
        key += string(field)
    if rest and plain == kind:
        raise ValueError("there is something behind the key")
    if plain == RSA and bits < FEWEST_RSA_BITS:
        raise ValueError(f"an RSA key of {bits} bits is too short for OpenSSH to read")
    return Public(kind, key, bits)


def _plain(kind: str) -> str:
    bare = kind.removesuffix(CERTIFICATE)
    return bare if bare == kind or bare in _SHAPES else f"{bare}@openssh.com"


def _size(shape: str, field: bytes) -> int:
    """The bits that a field gives its key, 0 where it gives none; ValueError where it is not of its shape."""
    match shape:
        case "integer" | "modulus":
            bits = _bits(field)
            return bits if shape == "modulus" else 0
        case "edwards":
            if len(field) != 32:
                raise ValueError("it is cut short or too long")
            return 256
        case "point":
            if field[:1] != b"\4":
                raise ValueError("its point is no point")
        case "string":
            pass
        case curve:
            if field != curve.encode():
                raise ValueError("its curve is another one than its type says")
            return _CURVES[curve]
    return 0


def _bits(field: bytes) -> int:
    if field[:1] >= b"\x80":
        raise ValueError("a number in it is negative")
    bits = number(field, len(field))[0].bit_length()
    if bits > MOST_BITS:
        raise ValueError("a number in it is too long")
    return bits
