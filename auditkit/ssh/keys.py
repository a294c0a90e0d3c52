"""Which keys are offered to a server, and in which order, so that the right one comes before the server has had enough.

sshd ends a connection after MaxAuthTries keys (six by default), so an agent full of keys must not be emptied at random: the
agent's copy of an identity that is configured comes first, then the identities' files, then a few others of the agent.
"""

import base64
import os
from collections.abc import Iterator
from dataclasses import dataclass

import paramiko

from auditkit import agent
from auditkit.errors import AuditkitError
from auditkit.printable import printable
from auditkit.ssh import Ask, Hop

OTHERS = 4
"""Keys of the agent that are tried though nobody named them."""
_LARGEST = 64 << 10


@dataclass(frozen=True, slots=True)
class Offer:
    """A key that is offered: whose it is, in words, and what signs with it."""

    name: str
    key: paramiko.PKey


class AgentKey(paramiko.PKey):
    """A key that the agent at a socket signs with."""

    public_blob = None

    def __init__(self, socket: str, blob: bytes) -> None:
        self._socket = socket
        self._blob = blob
        self._name = blob[4 : 4 + int.from_bytes(blob[:4], "big")].decode("ascii", "replace")

    def get_name(self) -> str:
        """The type of the key."""
        return self._name

    def asbytes(self) -> bytes:
        """The public key as it is sent."""
        return self._blob

    def can_sign(self) -> bool:
        """The agent does."""
        return True

    def sign_ssh_data(self, data: bytes, _algorithm: str | None = None) -> paramiko.Message:
        """The agent's signature."""
        try:
            return paramiko.Message(agent.signature(self._socket, self._blob, data))
        except AuditkitError as error:
            raise paramiko.SSHException(str(error)) from error


def offers(hop: Hop, ask: Ask | None) -> Iterator[Offer]:
    """Yield the keys for a hop, the most likely one first; each is opened only when its turn comes."""
    held = _held(hop.agent)
    wanted = {blob: path for path in hop.identities if (blob := _public(path))}
    for blob, path in wanted.items():
        if blob in held and hop.agent:
            yield Offer(f"{printable(path)} (agent)", AgentKey(hop.agent, blob))
    for path in hop.identities:
        if _public(path) not in held and (key := _opened(path, ask)):
            yield Offer(printable(path), key)
    others = [] if hop.identities_only or not hop.agent else [blob for blob in held if blob not in wanted]
    for blob in others[:OTHERS]:
        yield Offer(f"{agent.fingerprint(blob)} (agent)", AgentKey(hop.agent or "", blob))


def _held(socket: str | None) -> list[bytes]:
    """What the agent holds, but for hardware keys, which paramiko cannot ask for."""
    try:
        found = agent.identities(socket) if socket else ()
    except AuditkitError:
        return []
    return [each.key for each in found if not each.key[4:].startswith(b"sk-")]


def _public(path: str) -> bytes:
    """The public key beside a private one, as it is sent; empty where there is none."""
    try:
        with open(f"{path}.pub", "rb") as file:
            return base64.b64decode(file.read(_LARGEST).split()[1])
    except (OSError, ValueError, IndexError):
        return b""


def _opened(path: str, ask: Ask | None) -> paramiko.PKey | None:
    """The private key in a file, with its certificate if that lies beside it; None where it cannot be used."""
    key = _read(path, None)
    if key is None and ask is not None and os.path.isfile(path):
        key = _read(path, ask(f"passphrase of {printable(path)}"))
    certificate = f"{path}-cert.pub"
    if key is not None and os.path.isfile(certificate):
        key.load_certificate(certificate)
    return key


def _read(path: str, passphrase: str | None) -> paramiko.PKey | None:
    try:
        with open(path, "rb") as file:
            if len(file.read(_LARGEST + 1)) > _LARGEST:
                return None
        return paramiko.PKey.from_path(path, passphrase.encode() if passphrase else None)  # type: ignore[arg-type] # bytes
    except (OSError, ValueError, TypeError, paramiko.SSHException, paramiko.pkey.UnknownKeyType):
        return None
