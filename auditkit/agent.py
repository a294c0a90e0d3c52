"""Who holds private keys and signs with them: ssh-agent, or a key file.

draft-ietf-sshm-ssh-agent. What an agent says is bounded in size and time.
"""

import os
import socket
import stat
import struct
import time
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from auditkit.errors import AuditkitError, UsageError
from auditkit.keys.wire import FIELDS, fingerprint, number, string, take, type_of
from auditkit.opening import regular
from auditkit.printable import printable

LIMIT = 256 * 1024
"""The longest message an agent may send, as in OpenSSH (AGENT_MAX_LEN)."""
KEYS = 2048
"""The most keys an agent may hold (MAX_AGENT_IDENTITIES)."""
PATIENCE = 60.0
"""Seconds for one answer: a hardware key waits for a finger."""
RSA_SHA2_512 = 4
REQUEST_IDENTITIES, IDENTITIES_ANSWER, SIGN_REQUEST, SIGN_RESPONSE = 11, 12, 13, 14
HASHES = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
"""The digest ECDSA uses on each curve, by its bits (RFC 5656 section 6.2.1)."""

Ask = Callable[[str], str]
"""Asks a person for a passphrase; the text says which."""
Private = ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class Identity:
    """A key the agent holds, and what its owner calls it."""

    key: bytes
    comment: str


def identities(path: str | None, patience: float = PATIENCE) -> tuple[Identity, ...]:
    """The keys the agent at this socket holds.

    Raises:
        AuditkitError: there is no agent, or it does not speak like one.
    """
    kind, body = _asked(path, bytes([REQUEST_IDENTITIES]), patience)
    if kind != IDENTITIES_ANSWER:
        raise AuditkitError("ssh-agent does not list its keys", "unlock it with ssh-add -X, or name a key file")
    try:
        return _listed(body)
    except ValueError as error:
        raise _garbled() from error


def _listed(body: bytes) -> tuple[Identity, ...]:
    count, body = number(body)
    if count > KEYS:
        raise ValueError("too many keys")
    held = []
    for _ in range(count):
        key, body = take(body)
        comment, body = take(body)
        held.append(Identity(key, comment.decode("utf-8", "surrogateescape")))
    return tuple(held)


def signature(path: str | None, key: bytes, data: bytes, patience: float = PATIENCE) -> bytes:
    """The agent's signature over `data` with the key of this public blob; RSA keys are asked for SHA-512.

    Raises:
        AuditkitError: there is no agent, or it does not sign.
    """
    flags = RSA_SHA2_512 if b"ssh-rsa" in key[4:11] else 0
    request = bytes([SIGN_REQUEST]) + string(key) + string(data) + struct.pack(">I", flags)
    kind, body = _asked(path, request, patience)
    if kind != SIGN_RESPONSE:
        raise AuditkitError("ssh-agent does not sign with this key", "touch the hardware key when it blinks, or see ssh-add -l")
    try:
        return take(body)[0]
    except ValueError as error:
        raise _garbled() from error


def _asked(path: str | None, request: bytes, patience: float) -> tuple[int, bytes]:
    """Kind and body of the agent's answer."""
    if not path:
        raise UsageError("there is no ssh-agent to sign with", "start one with: eval $(ssh-agent); ssh-add")
    until = time.monotonic() + patience
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(patience)
            link.connect(path)
            link.sendall(string(request))
            size = int.from_bytes(_received(link, 4, until), "big")
            if not 1 <= size <= LIMIT:
                raise _garbled()
            answer = _received(link, size, until)
    except TimeoutError as error:
        raise AuditkitError(
            f"ssh-agent did not answer within {patience:g} seconds", "unlock or touch the key in time"
        ) from error
    except OSError as error:  # a path too long for a socket has no errno
        reason = error.strerror or str(error)
        raise AuditkitError(f"ssh-agent at {printable(path)}: {reason}", "see whether ssh-add -l reaches it") from error
    return answer[0], answer[1:]


def _received(link: socket.socket, size: int, until: float) -> bytes:
    """Exactly `size` bytes, before `until`: drop by drop does not win time."""
    got = bytearray()
    while len(got) < size:
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        link.settimeout(left)
        piece = link.recv(size - len(got))
        if not piece:
            raise _garbled()
        got += piece
    return bytes(got)


def _garbled() -> AuditkitError:
    return AuditkitError("ssh-agent gives an answer that is none", "see whether SSH_AUTH_SOCK names an agent")


def chosen(path: str | None, key: str) -> bytes:
    """The key of the agent that `agent` or `agent:SHA256:...` means.

    Raises:
        AuditkitError: there is no such key, or there are several.
    """
    held = identities(path)
    usable = [one for one in held if type_of(one.key) in FIELDS]
    wanted = key.removeprefix("agent").removeprefix(":")
    found = [one for one in usable if not wanted or fingerprint(one.key) == wanted]
    if len(found) == 1:
        return found[0].key
    if not found:
        raise UsageError(
            f"ssh-agent holds no usable key{' ' + printable(wanted) if wanted else ''}", "add it with ssh-add FILE"
        )
    listed = ", ".join(f"agent:{fingerprint(one.key)} ({printable(one.comment[:60])})" for one in found[:8])
    raise UsageError(f"ssh-agent holds {len(found)} keys", f"name one: {listed}")


# --- a key in a file


def key_text(path: str) -> bytes:
    """A key file; a private one that others can read is refused, as ssh does.

    Raises:
        UsageError: it is no file, cannot be read, or is open to others.
    """
    try:
        with open(path, "rb", opener=regular) as file:
            status = os.fstat(file.fileno())
            text = file.read(LIMIT)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such name"
        raise UsageError(f"key {printable(path)} cannot be read: {reason}", "make one with auditkit keygen") from error
    if b"PRIVATE KEY-----" in text[:64] and status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        raise UsageError(
            f"private key {printable(path)} is open to others: mode {mode:04o}", f"run chmod 600 {printable(path)}"
        )
    return text


def public_blob(text: bytes, path: str) -> bytes:
    """The blob of a public key file: `ssh-ed25519 AAAAC3Nza... comment`.

    Raises:
        UsageError: it is none.
    """
    try:
        kind, encoded = text.split(maxsplit=2)[:2]
        blob = b64decode(encoded, validate=True)
        if take(blob)[0] == kind:
            return blob
    except ValueError:
        pass
    raise UsageError(
        f"{printable(path)} is neither a private nor a public SSH key", "name a key file in OpenSSH format, or agent"
    )


def private(text: bytes, name: str, ask: Ask | None) -> Private:
    """The private key of an OpenSSH key file; `ask` is called only if it is encrypted.

    Raises:
        UsageError: it cannot be used.
    """
    try:
        key = load_ssh_private_key(text, None)
    except TypeError as error:  # the library's word for: it is encrypted
        if ask is None:
            raise UsageError(
                f"{name} is encrypted and nobody can be asked", "add it to ssh-agent and use --key agent"
            ) from error
        return _opened(text, name, ask(f"Passphrase for {name}: "))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _unusable(name) from error
    return _known(key, name)


def _opened(text: bytes, name: str, passphrase: str) -> Private:
    try:
        return _known(load_ssh_private_key(text, passphrase.encode()), name)
    except (ValueError, TypeError) as error:
        raise UsageError(f"the passphrase does not open {name}", "try again") from error
    except UnsupportedAlgorithm as error:
        raise _unusable(name) from error


def _known(key: object, name: str) -> Private:
    match key:
        case ed25519.Ed25519PrivateKey() | rsa.RSAPrivateKey() | ec.EllipticCurvePrivateKey():
            return key
        case _:
            raise _unusable(name)


def _unusable(name: str) -> UsageError:
    return UsageError(
        f"{name} is no private key that can sign here",
        "make one with auditkit keygen; hardware keys sign through ssh-agent",
    )


def public(key: Private) -> bytes:
    """The public half as a blob."""
    return b64decode(key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1])


def signed(key: Private, data: bytes) -> bytes:
    """The signature over `data` as the wire has it: algorithm, then value."""
    match key:
        case ed25519.Ed25519PrivateKey():
            return string(b"ssh-ed25519") + string(key.sign(data))
        case rsa.RSAPrivateKey():
            return string(b"rsa-sha2-512") + string(key.sign(data, padding.PKCS1v15(), hashes.SHA512()))
        case ec.EllipticCurvePrivateKey():
            pair = utils.decode_dss_signature(key.sign(data, ec.ECDSA(HASHES[key.curve.key_size])))
            name = f"ecdsa-sha2-nistp{key.curve.key_size}".encode()
            return string(name) + string(b"".join(string(_mpint(value)) for value in pair))


def _mpint(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big")
