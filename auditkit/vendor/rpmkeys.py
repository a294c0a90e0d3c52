"""The headers in an rpm database, each held against what its vendor signed.

The database keeps the signature that came with each package, over the part of the header that never changes: it names every
file with its digest, mode, owner and capabilities. So an installed system proves itself, with nothing but the vendor's keys.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from types import MappingProxyType

from auditkit.errors import FormatError, UntrustedError
from auditkit.model import Gap
from auditkit.packages import Manifest, Package, rpm, rpm_header
from auditkit.packages.rpm_header import Header
from auditkit.printable import printable
from auditkit.vendor.gpgv import UnprovedError, binary, signers

AHEAD = 64
"""Headers that are held at a time, so that a large database is not held whole."""
NOTHING: Mapping[str, str] = MappingProxyType({})


class Doubt(StrEnum):
    """Why a package's header is not the vendor's word."""

    BAD = "bad"
    """It contradicts its signature or its digest: it was changed after the vendor made it, or is damaged."""
    UNPROVED = "unproved"
    """There is a signature, but by no key that was given, or of a kind that can no longer be relied on."""
    UNSIGNED = "unsigned"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one package of the database ships, and whether that is the vendor's word."""

    manifest: Manifest
    """Its proof is `signed` if there is no doubt, else `local`."""
    digest: str
    """`sha256:HEX` of what the signature is over: whoever keeps it with the key need not check it again."""
    key: str = ""
    """The fingerprint of the key that signed it."""
    doubt: Doubt | None = None
    reason: str = ""
    """Why there is a doubt."""


def verdicts(
    headers: Iterable[bytes | Gap], keys: Sequence[bytes], *, proved: Mapping[str, str] = NOTHING, jobs: int = 2
) -> Iterator[Verdict | Gap]:
    """Yield what each header of a database ships and whether one of these keys signed it, in their order.

    Without any key, only a header that is not what its digest says is told from the others.

    `headers` are what `rpmdb.headers` gives, and its gaps are passed on; `keys` are files with public keys, armoured or not;
    `proved` are digests of earlier verdicts by the same keys, with the key. `jobs` signatures are checked at a time, each by a
    process of its own.

    Raises:
        FormatError: what is given as a key is none.
        AuditkitError: there is no program to check signatures with.
    """
    keyring = (b"".join(map(binary, keys)),) if keys else ()
    waiting = iter(headers)
    with ThreadPoolExecutor(jobs) as pool:
        while some := list(islice(waiting, AHEAD)):
            yield from pool.map(lambda told: told if isinstance(told, Gap) else _verdict(told, keyring, proved), some)


def manifests(
    headers: Iterable[bytes | Gap], packages: Iterable[Package], keys: Sequence[bytes], jobs: int = 2
) -> Iterator[Manifest | Gap]:
    """Yield what these packages ship, `signed` or `forged`, and a gap for each whose header cannot be held against anything.

    Raises:
        FormatError: what is given as a key is none.
        AuditkitError: there is no program to check signatures with.
    """
    wanted = {(package.key, package.version) for package in packages}
    for told in verdicts((blob for blob in headers if isinstance(blob, bytes) and _is_of(blob, wanted)), keys, jobs=jobs):
        if isinstance(told, Gap):
            yield told
        elif told.doubt is Doubt.BAD:
            yield replace(told.manifest, proof="forged", source=told.reason)
        elif told.doubt:
            package = told.manifest.package
            yield Gap(f"{package.key} {package.version}", f"{rpm.UNSIGNED}: {told.reason}" if keys else told.reason)
        else:
            yield told.manifest


def _is_of(blob: bytes, wanted: set[tuple[str, str]]) -> bool:
    try:
        package = rpm.package(rpm_header.parse(blob))
    except FormatError:
        return False
    return (package.key, package.version) in wanted


def _verdict(blob: bytes, keyring: tuple[bytes, ...], proved: Mapping[str, str]) -> Verdict | Gap:
    name = "a package in the rpm database"
    try:
        header = rpm_header.parse(blob)
        name = f"package {printable(rpm.package(header).key)}"
        local = rpm.manifest(header, "local", "the rpm database")
    except FormatError as error:
        return Gap(name, f"its header is damaged: {error}")
    digest = f"sha256:{hashlib.sha256(header.region).hexdigest()}"
    try:
        key = _signed_by(header, keyring) if digest not in proved else proved[digest]
    except UnprovedError as error:
        return Verdict(local, digest, doubt=Doubt.UNPROVED, reason=str(error))
    except (UntrustedError, FormatError) as error:
        return Verdict(local, digest, doubt=Doubt.BAD, reason=str(error))
    if not key:
        return Verdict(local, digest, doubt=Doubt.UNSIGNED, reason=_unsigned(header))
    return Verdict(replace(local, proof="signed", source=f"signed header, key {key}"), digest, key)


def _signed_by(header: Header, keyring: tuple[bytes, ...]) -> str:
    """The key that signed the header; empty if nobody did.

    One signature by a key that is given is enough, but none may be wrong.
    """
    if not header.region:  # or a signature of nothing at all would be one of it
        return ""
    rpm_header.check_digests(header)
    if not keyring:
        raise UnprovedError("no key of a vendor of rpm packages is given")
    keys, unproved = list[str](), list[UnprovedError]()
    for signature in rpm_header.signatures(header):
        try:
            keys += signers(header.region, signature, keyring, past=True)
        except UnprovedError as error:
            unproved.append(error)
    if unproved and not keys:
        raise unproved[0]
    return keys[0] if keys else ""


def _unsigned(header: Header) -> str:
    if not header.region:
        return "it was made before rpm 4, whose headers have a part that is signed"
    if header.told.text(rpm.NAME) == "gpg-pubkey":
        return "it is no package but a key that was imported, which nobody signs"
    if rpm_header.signed_with_payload(header):
        return "only the whole package file was signed, and the database keeps no more than its header"
    return "nobody signed it"
