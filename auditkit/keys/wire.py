"""The bytes that keys, signatures and messages of SSH are made of: RFC 4251 section 5 (strings and numbers)."""

import hashlib
import struct
from base64 import b64encode

CERTIFICATE = "-cert-v01@openssh.com"
"""How the type of a certificate ends (PROTOCOL.certkeys of OpenSSH)."""
FIELDS = {
    "ssh-ed25519": 1,
    "ssh-rsa": 2,
    "ecdsa-sha2-nistp256": 2,
    "ecdsa-sha2-nistp384": 2,
    "ecdsa-sha2-nistp521": 2,
    "sk-ssh-ed25519@openssh.com": 2,
    "sk-ecdsa-sha2-nistp256@openssh.com": 3,
}
"""Key types that can sign, and how many strings follow the type in their public key."""


def string(data: bytes) -> bytes:
    """`data` as the wire has it: its length, then itself."""
    return struct.pack(">I", len(data)) + data


def take(data: bytes) -> tuple[bytes, bytes]:
    """The string that stands first in `data`, and what follows it.

    Raises:
        ValueError: it is cut short.
    """
    size, rest = number(data)
    if size > len(rest):
        raise ValueError("a string is longer than what holds it")
    return rest[:size], rest[size:]


def number(data: bytes, size: int = 4) -> tuple[int, bytes]:
    """The unsigned number of `size` bytes that stands first in `data`, and what follows it.

    Raises:
        ValueError: it is cut short.
    """
    if len(data) < size:
        raise ValueError("it is cut short")
    return int.from_bytes(data[:size], "big"), data[size:]


def fingerprint(key: bytes) -> str:
    """The fingerprint of a public key blob, as `ssh-keygen -l` shows it: `SHA256:...`."""
    return "SHA256:" + b64encode(hashlib.sha256(key).digest()).rstrip(b"=").decode()


def type_of(key: bytes) -> str:
    """The type that a key or a certificate begins with; empty where it begins with none."""
    try:
        return take(key)[0].decode("ascii")
    except ValueError:
        return ""


def certified(certificate: bytes) -> bytes:
    """The plain key in a certificate (PROTOCOL.certkeys): type, nonce, then the fields of the key; empty if there is none."""
    try:
        name, rest = take(certificate)
        plain = name.removesuffix(CERTIFICATE.encode())
        _nonce, rest = take(rest)
        key = string(plain)
        for _ in range(FIELDS[plain.decode("ascii")]):
            field, rest = take(rest)
            key += string(field)
    except (ValueError, KeyError):
        return b""
    return key
