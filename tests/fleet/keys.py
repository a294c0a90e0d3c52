"""Fresh keys for hosts and clients, in the formats of OpenSSH and dropbear."""

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat


@dataclass(frozen=True, slots=True)
class Key:
    """An Ed25519 key pair."""

    openssh: bytes
    dropbear: bytes
    public: str
    """Type and base64, as authorized_keys and known_hosts have them."""


def new() -> Key:
    """A key that nobody had before."""
    key = Ed25519PrivateKey.generate()
    both = key.private_bytes_raw() + key.public_key().public_bytes_raw()
    return Key(
        openssh=key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
        dropbear=b"\0\0\0\x0bssh-ed25519" + len(both).to_bytes(4, "big") + both,  # dropbear's buf_put_ed25519_priv_key()
        public=key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode(),
    )


def write(path: Path, secret: bytes) -> None:
    """A file that only its owner can read, as ssh and sshd want it."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
