"""What may be told of a private key: its format, whether it is encrypted, and its public half where that stands in clear."""

import base64
import re

from .hints import Tuple

MAGIC = b"openssh-key-v1\0"
BEGIN = b"PRIVATE KEY-----"
_ARMOR = re.compile(rb"-----BEGIN ([A-Z0-9 ]{0,32})PRIVATE KEY-----[ \t\r]*\n(.*?)-----END ", re.DOTALL)
_ENCRYPTED = re.compile(rb"^(?:Proc-Type: 4,ENCRYPTED|DEK-Info:)", re.MULTILINE)
_PPK = re.compile(rb"PuTTY-User-Key-File-[0-9]: [^\n]*\nEncryption: ([a-z0-9-]{1,32})\r?\n")
_NAME = re.compile(rb"[A-Za-z0-9@._-]{0,64}")
MOST = 8192
"""Bytes of a public key."""
FIELDS = 5
"""Those of a public key, its name among them: DSA has five."""


def is_one(data: bytes) -> bool:
    """Whether a file is a private key of one of the formats that are known."""
    return _ARMOR.search(data) is not None or _PPK.match(data) is not None


def facts(data: bytes) -> bytes:
    """One line of facts in place of a file: `FORMAT ENCRYPTED PUBLIC`; nothing of the secret, nor of a text that is no key.

    FORMAT is `openssh`, `pem`, `pem-rsa`, `pem-dsa`, `pem-ec`, `ppk` or `none`, ENCRYPTED `yes`, `no` or `?`, PUBLIC the
    public key in base64 or `-`.
    """
    armor = _ARMOR.search(data)
    ppk = _PPK.match(data)
    if ppk:
        return b"ppk %s -\n" % (b"no" if ppk.group(1) == b"none" else b"yes")
    if not armor:
        return b"openssh ? -\n" if BEGIN in data else b"none ? -\n"
    if armor.group(1) == b"OPENSSH ":
        try:
            cipher, _rounds, public = header(data)
        except ValueError:
            return b"openssh ? -\n"
        return b"openssh %s %s\n" % (b"no" if cipher == b"none" else b"yes", _shown(public))
    encrypted = armor.group(1).startswith(b"ENCRYPTED") or _ENCRYPTED.search(armor.group(2))
    kind = {b"RSA ": b"pem-rsa", b"DSA ": b"pem-dsa", b"EC ": b"pem-ec"}.get(armor.group(1), b"pem")
    return b"%s %s -\n" % (kind, b"yes" if encrypted else b"no")


def _shown(public: bytes) -> bytes:
    """The public key in base64, if what stands there has the look of one: no lie and no damage must carry the secret out."""
    try:
        name, rest = _taken(public)
        fields = 1
        while rest:
            _field, rest = _taken(rest)
            fields += 1
    except ValueError:
        return b"-"
    fit = len(public) <= MOST and fields <= FIELDS and len(name) > 0 and _NAME.fullmatch(name)
    return base64.b64encode(public) if fit else b"-"


def header(text: bytes) -> Tuple[bytes, int, bytes]:
    """Cipher, rounds that opening it costs, and public key, all in clear in a key file of OpenSSH (PROTOCOL.key).

    Raises:
        ValueError: it is no such file.
    """
    data = base64.b64decode(b"".join(line for line in text.splitlines() if not line.startswith(b"-----")))
    if not data.startswith(MAGIC):
        raise ValueError("another format")
    cipher, rest = _taken(data[len(MAGIC) :])
    kdf, rest = _taken(rest)
    options, rest = _taken(rest)
    rounds = int.from_bytes(_taken(options)[1][:4], "big") if kdf == b"bcrypt" else 0
    return cipher, rounds, _taken(rest[4:])[0]


def _taken(data: bytes) -> Tuple[bytes, bytes]:
    size = int.from_bytes(data[:4], "big")
    if len(data) < 4 + size:
        raise ValueError("it is cut short")
    return data[4 : 4 + size], data[4 + size :]
