"""The seal of a baseline: an SSH signature over its file, made with the admin's own key.

The format is OpenSSH's PROTOCOL.sshsig, so `ssh-keygen -Y verify -n auditkit` checks it without auditkit.
Certificates are those of PROTOCOL.certkeys, hardware keys those of PROTOCOL.u2f.
"""

import hashlib
import struct
from base64 import b64decode, b64encode
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from auditkit import agent
from auditkit.agent import Ask
from auditkit.errors import FormatError, UntrustedError
from auditkit.keys.patterns import among
from auditkit.keys.wire import CERTIFICATE, FIELDS, fingerprint, number, string, take
from auditkit.printable import printable
from auditkit.signers import Allowed, Signers, date, objection

NAMESPACE = "auditkit"
MAGIC = b"SSHSIG"
BEGIN, END = b"-----BEGIN SSH SIGNATURE-----", b"-----END SSH SIGNATURE-----"
LIMIT = 256 * 1024
"""The largest signature or key file that is read."""
PRESENT = 0x01
"""The flag of a hardware key that says: a person touched it."""
MODULUS = 2048
"""The fewest bits of an RSA key that counts."""
HARMLESS = (b"force-command", b"source-address")
"""Critical options of certificates that restrict logins, not signatures."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed, as the allowed_signers file names them."""

    principal: str
    fingerprint: str
    key_type: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """What an armored signature holds."""

    key: bytes
    namespace: str
    algorithm: str
    """The digest of the content: sha256 or sha512."""
    signature: bytes


@dataclass(frozen=True, slots=True)
class Certificate:
    """A key with a CA's word for whose it is."""

    key: bytes
    """The plain public key that it certifies."""
    user: bool
    principals: tuple[str, ...]
    after: int
    before: int
    critical: bytes
    authority: bytes
    body: bytes
    """What the CA signed."""
    signature: bytes


def sign(data: str | BinaryIO, key: str, *, socket: str | None = None, ask: Ask | None = None) -> bytes:
    """The armored signature over a file.

    `key` is a private key file, a public key file whose private half ssh-agent holds, `agent`, or `agent:SHA256:...`.
    `socket` is where the agent listens; `ask` is called for the passphrase of an encrypted key only.

    Raises:
        AuditkitError: the key cannot be used, or the agent does not sign.
    """
    content = _content(NAMESPACE, "sha512", data)
    public, signature = _signed(content, key, socket, ask)
    body = MAGIC + struct.pack(">I", 1) + b"".join(map(string, (public, NAMESPACE.encode(), b"", b"sha512", signature)))
    text = b64encode(body)
    return b"\n".join([BEGIN, *(text[at : at + 70] for at in range(0, len(text), 70)), END, b""])


def _signed(content: bytes, key: str, socket: str | None, ask: Ask | None) -> tuple[bytes, bytes]:
    """The public key and its signature over `content`."""
    if key == "agent" or key.startswith("agent:"):
        chosen = agent.chosen(socket, key)
    else:
        text = agent.key_text(key)
        if b"PRIVATE KEY-----" in text[:64]:
            secret = agent.private(text, printable(key), ask)
            return agent.public(secret), agent.signed(secret, content)
        chosen = agent.public_blob(text, key)
    signature = agent.signature(socket, chosen, content)
    certificate = _certificate(chosen)
    _check(certificate.key if certificate else chosen, signature, content, "ssh-agent made a signature that does not fit")
    return chosen, signature


def verify(data: str | BinaryIO, signature: bytes, signers: Signers, when: datetime) -> Signer:
    """Who signed this content, if they were allowed to at that time.

    Raises:
        UntrustedError: nobody did, and why.
    """
    sealed = parse(signature)
    if sealed.namespace != NAMESPACE:
        raise UntrustedError(
            f"the signature is for {printable(sealed.namespace[:60])!r}, not for {NAMESPACE!r}",
            f"sign with -n {NAMESPACE}",
        )
    certificate = _certificate(sealed.key)
    signer = _certified(certificate, signers, when) if certificate else _listed(sealed.key, signers, when)
    _check(
        certificate.key if certificate else sealed.key,
        sealed.signature,
        _content(NAMESPACE, sealed.algorithm, data),
        f"the signature by {printable(signer.principal)} does not fit the content",
    )
    return signer


def parse(signature: bytes) -> Sealed:
    """What an armored signature says; nothing of it is proved yet.

    Raises:
        UntrustedError: it is malformed.
    """
    if not signature.strip():
        raise UntrustedError("nobody has signed it", "sign it, or name no signers")
    try:
        return _sealed(_unarmored(signature))
    except ValueError as error:
        raise UntrustedError(f"the signature is malformed: {error}", "restore the .sig file, or sign again") from error


def _unarmored(text: bytes) -> bytes:
    """The blob between the lines of the armor; one blob has one spelling but for where lines are broken."""
    if len(text) > LIMIT:
        raise ValueError(f"it is larger than {LIMIT} bytes")
    lines = text.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
    if lines[0] != BEGIN or lines[-1] != END or len(lines) < 3:
        raise ValueError("it does not begin and end as an SSH signature")
    inner = b"".join(lines[1:-1])
    blob = b64decode(inner, validate=True)
    if b64encode(blob) != inner:
        raise ValueError("its base64 has loose ends")
    return blob


def _sealed(blob: bytes) -> Sealed:
    if not blob.startswith(MAGIC):
        raise ValueError("its magic is missing")
    version, rest = number(blob[len(MAGIC) :])
    if version != 1:
        raise ValueError(f"its version is {version}, not 1")
    key, rest = take(rest)
    namespace, rest = take(rest)
    _reserved, rest = take(rest)
    algorithm, rest = take(rest)
    signature, rest = take(rest)
    if rest or _reserved:
        raise ValueError("it holds more than a signature")
    if algorithm not in (b"sha256", b"sha512"):
        raise ValueError("its digest is neither sha256 nor sha512")
    return Sealed(key, namespace.decode("utf-8", "surrogateescape"), algorithm.decode(), signature)


def _content(namespace: str, algorithm: str, data: str | BinaryIO) -> bytes:
    """What is signed: not the file but its digest and what it is for (PROTOCOL.sshsig section 3)."""
    try:
        with open(data, "rb") if isinstance(data, str) else nullcontext(data) as file:
            digest = hashlib.new(algorithm)
            while piece := file.read(1024 * 1024):
                digest.update(piece)
    except OSError as error:
        name = printable(data) if isinstance(data, str) else "the content"
        raise FormatError(f"{name} cannot be read: {error.strerror}", "check its path and permissions") from error
    return MAGIC + b"".join(map(string, (namespace.encode(), b"", algorithm.encode(), digest.digest())))


# --- whose key it is


def _listed(key: bytes, signers: Signers, when: datetime) -> Signer:
    """The signer a plain key stands for."""
    kind = _kind(key)
    lines = signers.of(key)
    if not lines:
        word = "only as a certificate authority " if signers.of(key, authority=True) else "not "
        raise UntrustedError(
            f"the key that signed, {fingerprint(key)}, is {word}in {printable(signers.file)}",
            "add its line if you trust it; see who made the baseline if not",
        )
    line = _usable(lines, signers, when)
    return Signer(line.principals, fingerprint(key), kind)


def _certified(certificate: Certificate, signers: Signers, when: datetime) -> Signer:
    """The signer a certificate stands for; sshkey_cert_check_authority() of OpenSSH is the model."""
    lines = signers.of(certificate.authority, authority=True)
    if not lines:
        raise UntrustedError(
            f"the CA of the certificate, {fingerprint(certificate.authority)}, is not in {printable(signers.file)}",
            "add it with cert-authority if you trust it",
        )
    _check(certificate.authority, certificate.signature, certificate.body, "the CA did not sign the certificate")
    _timely(certificate, when)
    line = _usable(lines, signers, when)
    named = [name for name in certificate.principals if among(name, line.principals)]
    if not named:
        raise UntrustedError(
            f"the certificate that signed is for nobody whom {_place(line, signers)} allows",
            "issue it for a principal that the line names",
        )
    return Signer(",".join(named), fingerprint(certificate.key), _kind(certificate.key))


def _timely(certificate: Certificate, when: datetime) -> None:
    """Refuse a certificate that is for hosts, out of its time, or under conditions that cannot be met here."""
    now, hint = when.timestamp(), "issue a new user certificate and sign again"
    if not certificate.user:
        raise UntrustedError("the certificate that signed is for a host, not for a user", hint)
    if now < certificate.after:
        raise UntrustedError(f"the certificate that signed is valid only after {date(certificate.after)}", hint)
    if now >= certificate.before:
        raise UntrustedError(f"the certificate that signed was valid only before {date(certificate.before)}", hint)
    try:
        options = certificate.critical
        while options:
            name, options = take(options)
            _value, options = take(options)
            if name not in HARMLESS:
                shown = printable(name[:60].decode("utf-8", "surrogateescape"))
                raise UntrustedError(
                    f"the certificate that signed has the critical option {shown}, which is unknown here", hint
                )
    except ValueError as error:
        raise _damaged() from error


def _usable(lines: tuple[Allowed, ...], signers: Signers, when: datetime) -> Allowed:
    """The first line that allows the key now and for auditkit; if none does, why the last one does not."""
    for line in lines:
        why = objection(line, NAMESPACE, when)
        if not why:
            return line
    raise UntrustedError(
        f"the key that signed may not: {_place(lines[-1], signers)} {why}",
        "sign with a key that is allowed, or correct the line",
    )


def _place(line: Allowed, signers: Signers) -> str:
    return f"{printable(signers.file)}, line {line.line},"


# --- keys and signatures on the wire


def _kind(key: bytes) -> str:
    """The type of a plain public key.

    Raises:
        UntrustedError: it is none that can be verified.
    """
    try:
        name, _ = take(key)
    except ValueError as error:
        raise _damaged() from error
    kind = name.decode("utf-8", "surrogateescape")
    if kind not in FIELDS:
        raise UntrustedError(f"signatures by {printable(kind[:60])} keys are not supported", "sign with an ed25519 key")
    return kind


def _damaged() -> UntrustedError:
    return UntrustedError("the key in the signature is malformed", "restore the .sig file, or sign again")


def _certificate(blob: bytes) -> Certificate | None:
    """The certificate that stands in place of a plain key, if one does."""
    try:
        name, rest = take(blob)
        kind = name.decode("utf-8", "surrogateescape")
        if not kind.endswith(CERTIFICATE):
            return None
        plain = kind.removesuffix(CERTIFICATE) + ("@openssh.com" if kind.startswith("sk-") else "")
        return _unpacked(blob, string(plain.encode()), take(rest)[1], FIELDS.get(plain, 0))
    except ValueError as error:
        raise _damaged() from error


def _unpacked(blob: bytes, key: bytes, rest: bytes, fields: int) -> Certificate:
    """The certificate `blob`, whose key begins as `key` and goes on with `fields` strings of `rest`."""
    for _ in range(fields):
        field, rest = take(rest)
        key += string(field)
    _serial, rest = number(rest, 8)
    use, rest = number(rest)
    _name, rest = take(rest)
    names, rest = take(rest)
    after, rest = number(rest, 8)
    before, rest = number(rest, 8)
    critical, rest = take(rest)
    _extensions, rest = take(rest)
    _reserved, rest = take(rest)
    authority, rest = take(rest)
    body = blob[: len(blob) - len(rest)]
    signature, rest = take(rest)
    if rest:
        raise ValueError("bytes after the certificate")
    return Certificate(key, use == 1, _strings(names), after, before, critical, authority, body, signature)


def _strings(data: bytes) -> tuple[str, ...]:
    found = []
    while data:
        item, data = take(data)
        found.append(item.decode("utf-8", "surrogateescape"))
    return tuple(found)


def _check(key: bytes, signature: bytes, content: bytes, otherwise: str) -> None:
    """Refuse, saying `otherwise`, a signature that the plain public key `key` did not make over `content`."""
    kind = _kind(key)
    try:
        name, rest = take(signature)
        value, rest = take(rest)
        public = load_ssh_public_key(kind.encode() + b" " + b64encode(key))
        algorithm = name.decode("ascii")
        if kind.startswith("sk-"):
            content, rest = _touched(key, content, rest)
        if rest or algorithm not in (("rsa-sha2-256", "rsa-sha2-512") if kind == "ssh-rsa" else (kind,)):
            raise UntrustedError(
                f"the signature algorithm {printable(algorithm[:60])} is refused for a key of type {kind}",
                "sign again with a current ssh-keygen; SHA-1 is broken",
            )
        _prove(public, algorithm, value, content)
    except InvalidSignature as error:
        raise UntrustedError(otherwise, "treat the file as tampered with until you know better") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UntrustedError(
            "the key or the value in the signature is malformed", "restore the .sig file, or sign again"
        ) from error


def _touched(key: bytes, content: bytes, rest: bytes) -> tuple[bytes, bytes]:
    """What a hardware key signs in place of `content` (PROTOCOL.u2f), and what follows its flags and counter."""
    fields = _strings(key)
    application, flags, counter = fields[-1].encode("utf-8", "surrogateescape"), rest[:1], rest[1:5]
    if not application.startswith(b"ssh:") or len(counter) < 4:
        raise ValueError("no hardware key of SSH")
    if not flags[0] & PRESENT:
        raise UntrustedError(
            "the hardware key signed although nobody touched it", "sign again with a key that asks for a touch"
        )
    return hashlib.sha256(application).digest() + flags + counter + hashlib.sha256(content).digest(), rest[5:]


def _prove(public: object, algorithm: str, value: bytes, content: bytes) -> None:
    match public:
        case ed25519.Ed25519PublicKey():
            public.verify(value, content)
        case rsa.RSAPublicKey() if public.key_size >= MODULUS:
            digest = hashes.SHA256() if algorithm == "rsa-sha2-256" else hashes.SHA512()
            public.verify(value.rjust((public.key_size + 7) // 8, b"\0"), content, padding.PKCS1v15(), digest)
        case ec.EllipticCurvePublicKey():
            first, rest = take(value)
            second, rest = take(rest)
            if rest or any(part[:1] >= b"\x80" or part[:1] == b"" for part in (first, second)):
                raise ValueError("no ECDSA signature")
            pair = utils.encode_dss_signature(int.from_bytes(first, "big"), int.from_bytes(second, "big"))
            public.verify(pair, content, ec.ECDSA(agent.HASHES[public.curve.key_size]))
        case _:
            raise UntrustedError(f"the RSA key that signed is shorter than {MODULUS} bits", "sign with an ed25519 key")
