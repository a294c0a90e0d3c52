"""Which keys are offered to a server, and in which order, so that the right one comes before the server has had enough.

sshd ends a connection after MaxAuthTries keys, six by default, so an agent full of keys is not emptied at random: first come
the keys that are configured and that the agent holds, then the configured files, then a few others of the agent. Each comes
with its certificates before it, as in ssh(1). No file is opened with a passphrase before the server has said that it takes
the key; what cannot be offered is a gap.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from auditkit import agent
from auditkit.errors import AuditkitError, UsageError
from auditkit.keys import wire
from auditkit.model import Gap
from auditkit.printable import printable
from auditkit.probe import keyfile
from auditkit.ssh import Ask, Hop

OTHERS = 5
"""Keys of the agent that are offered though nobody has named them."""
TRIES = 6
"""MaxAuthTries of sshd, where nobody has changed it."""
ASKED = 3
"""How often a passphrase may be mistyped, as in ssh_config(5), NumberOfPasswordPrompts."""
ROUNDS = 4096
"""The most rounds of bcrypt that a key file may ask for: ssh-keygen takes 24, and a thousand last seconds."""
PATIENCE = 10.0
"""Seconds for the agent to list its keys."""
_HARDWARE = "it is on a hardware key, which only `transport: openssh` can use"

Sign = Callable[[bytes, str], bytes]
"""Makes a signature over data with an algorithm, as the wire has it; an AuditkitError says why it cannot."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A key that a server may be asked about."""

    name: str
    """The file or the agent's key, as it may be shown."""
    blob: bytes
    """The public key, or a certificate of it."""
    sign: Sign

    @property
    def key_type(self) -> str:
        """`ssh-ed25519`, or the type of the certificate."""
        return wire.type_of(self.blob)


@dataclass(frozen=True, slots=True)
class _Identity:
    """A configured key: its file, what stands in it, and its public half if that can be known without a passphrase."""

    path: str
    text: bytes
    public: bytes


def offers(hop: Hop, ask: Ask | None) -> Iterator[Offer | Gap]:
    """Yield the keys for a hop, the most likely one first, and what is left out."""
    held, why = _held(hop.agent)
    identities = tuple(_identities(hop.identities))
    yield from (each for each in (*why, *identities) if isinstance(each, Gap))
    own = [each for each in identities if isinstance(each, _Identity)]
    certificates = _certificates(hop, held)
    named = {each.public: printable(each.path) for each in own}
    named |= {plain: "certificate" for plain in certificates if plain not in named}
    count = 0
    for offer in (*_agents(hop, held, named, certificates), *_files(own, held, certificates, ask)):
        count += isinstance(offer, Offer)
        yield offer
    if not hop.identities_only:
        others = {key: f"{wire.fingerprint(key)} {printable(name)}".rstrip() for key, name in held.items() if key not in named}
        room = max(1, min(OTHERS, TRIES - count))
        yield from _agents(hop, held, dict(list(others.items())[:room]), {})


def _agents(
    hop: Hop, held: dict[bytes, str], names: dict[bytes, str], certificates: dict[bytes, list[bytes]]
) -> Iterator[Offer | Gap]:
    """Yield those keys of the agent that have a name here."""
    for key, name in names.items():
        if key not in held:
            continue
        if wire.type_of(key).startswith("sk-"):
            yield Gap(name, _HARDWARE)
            continue
        for blob in (*certificates.get(key, ()), key):
            yield Offer(f"{name} (agent)", blob, _by_agent(hop.agent or "", key))


def _files(
    identities: Sequence[_Identity], held: dict[bytes, str], certificates: dict[bytes, list[bytes]], ask: Ask | None
) -> Iterator[Offer | Gap]:
    """Yield the keys of files, but for those that the agent holds."""
    for identity in identities:
        name = printable(identity.path)
        if identity.public in held or not identity.text:
            continue
        if wire.type_of(identity.public).startswith("sk-"):
            yield Gap(name, _HARDWARE)
            continue
        opened = _by_file(identity, ask)
        try:
            public = identity.public or agent.public(opened())
        except AuditkitError as error:
            yield Gap(name, str(error))
            continue
        for blob in (*certificates.get(public, ()), public):
            yield Offer(name, blob, _signing(opened, public, name))


# --- what there is


def _held(path: str | None) -> tuple[dict[bytes, str], tuple[Gap, ...]]:
    """The keys of the agent with what their owner calls them; one that is gone or garbled is a gap."""
    if path is None:
        return {}, ()
    try:
        found = agent.identities(path, PATIENCE)
    except AuditkitError as error:
        return {}, (Gap("ssh-agent", str(error)),)
    usable = (each for each in found if wire.type_of(each.key).removesuffix(wire.CERTIFICATE) in wire.FIELDS)
    return {each.key: each.comment[:60] for each in usable}, ()


def _identities(paths: Sequence[str]) -> Iterator[_Identity | Gap]:
    """Yield the configured keys that are there; the files that ssh would try by itself mostly are not."""
    for path in paths:
        text, public = b"", _blob(f"{path}.pub")
        try:
            if os.path.exists(path):
                text = agent.key_text(path)
        except AuditkitError as error:
            yield Gap(printable(path), str(error))
        if b"PRIVATE KEY-----" not in text[:64]:  # IdentityFile may name the public half of what the agent holds
            text, public = b"", public or _blob(path)
        public = _public_half(text) or public
        if text or public:
            yield _Identity(path, text, public)


def _blob(path: str) -> bytes:
    """The key or the certificate in a public file; empty where there is none."""
    if not os.path.exists(path):
        return b""
    try:
        return agent.public_blob(agent.key_text(path), path)
    except AuditkitError:
        return b""


def _certificates(hop: Hop, held: dict[bytes, str]) -> dict[bytes, list[bytes]]:
    """The user certificates that are there, by the key that each is for."""
    paths = (*hop.certificates, *(f"{path}-cert.pub" for path in hop.identities))
    found: dict[bytes, list[bytes]] = {}
    for blob in dict.fromkeys((*map(_blob, paths), *held)):
        if wire.type_of(blob).endswith(wire.CERTIFICATE) and (plain := wire.certified(blob)):
            found.setdefault(plain, []).append(blob)
    for blobs in found.values():
        for blob in blobs:
            held.pop(blob, None)  # it is offered with its key
    return found


# --- key files


def _public_half(text: bytes) -> bytes:
    try:
        return keyfile.header(text)[2]
    except ValueError:
        return b""


def _by_file(identity: _Identity, ask: Ask | None) -> Callable[[], agent.Private]:
    """What opens a key file, and asks for its passphrase at most once."""
    return cache(lambda: _opened(identity.text, printable(identity.path), ask))


def _opened(text: bytes, name: str, ask: Ask | None) -> agent.Private:
    try:
        return _loaded(text, None, name)
    except TypeError as error:  # the library's word for: it is encrypted
        if ask is None:
            raise UsageError(f"it has a passphrase and nobody can be asked: {name}", "add it to ssh-agent") from error
    for _ in range(ASKED):
        passphrase = ask(f"passphrase of {name}")
        if not passphrase:
            break
        try:
            return _loaded(text, passphrase.encode("utf-8", "surrogateescape"), name)
        except ValueError:
            continue
    raise UsageError(f"no passphrase opens {name}", "add it to ssh-agent")


def _loaded(text: bytes, passphrase: bytes | None, name: str) -> agent.Private:
    """The private key in a file of OpenSSH or in PEM; TypeError where it has a passphrase, ValueError where that is wrong."""
    openssh = b"BEGIN OPENSSH PRIVATE KEY" in text
    try:
        if openssh and keyfile.header(text)[1] > ROUNDS:
            raise UsageError(f"{name} takes too long to open", f"run ssh-keygen -p -a 100 -f {name}")
        key = load_ssh_private_key(text, passphrase) if openssh else load_pem_private_key(text, passphrase)
    except UnsupportedAlgorithm as error:
        raise UsageError(f"{name} is of a kind that is not known here", "set `transport: openssh`") from error
    except ValueError as error:
        if passphrase is None:
            raise UsageError(f"{name} is damaged", "name another key with `identity:`") from error
        raise
    match key:
        case ed25519.Ed25519PrivateKey() | rsa.RSAPrivateKey() | ec.EllipticCurvePrivateKey():
            return key
        case _:
            raise UsageError(f"{name} is of a kind that no server takes any more", "name another key with `identity:`")


def _signing(opened: Callable[[], agent.Private], public: bytes, name: str) -> Sign:
    """What signs with a file, if it holds the key that the server was asked about."""

    def sign(data: bytes, algorithm: str) -> bytes:
        key = opened()
        if agent.public(key) != public:
            raise UsageError(f"{name} is not the key that stands in {name}.pub", "remove that, or name another key")
        if isinstance(key, rsa.RSAPrivateKey) and algorithm == "rsa-sha2-256":
            return wire.string(algorithm.encode()) + wire.string(key.sign(data, padding.PKCS1v15(), SHA256()))
        return agent.signed(key, data)

    return sign


def _by_agent(path: str, key: bytes) -> Sign:
    """What has the agent sign with a key."""

    def sign(data: bytes, algorithm: str) -> bytes:
        if algorithm == "rsa-sha2-256":
            raise UsageError("the server takes RSA with SHA-256 only, for which no agent is asked", "name the file of the key")
        return agent.signature(path, key, data)

    return sign
