"""Seals in a case: heads, and the SSH signatures over them; stock `ssh-keygen -Y verify -n auditkit` takes them, too."""

import io
import os
from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime

from auditkit import opening, seal
from auditkit.errors import AuditkitError, FormatError, UntrustedError, UsageError
from auditkit.incident.cases import HEADS, Case, settled
from auditkit.printable import printable
from auditkit.response.checked import Seal
from auditkit.response.heads import LONGEST, Head, parsed
from auditkit.signers import Allowed, Signers

SIGNATURE, SUFFIX = ".sig", ".head"
LIMIT = seal.LIMIT
"""The largest signature that is read."""


def keep(case: Case, head: Head, signature: bytes) -> None:
    """Put a head and the signature over it into the case, the signature first: no head is without one after a crash.

    Raises:
        UsageError: that entry was sealed before.
        AuditkitError: they cannot be written.
    """
    path = case.at(head.name)
    if os.path.lexists(path):
        raise UsageError(f"entry {head.entry} of case {case.id} is sealed already", f"see auditkit incident verify {case.id}")
    try:
        for place, content in ((path + SIGNATURE, signature), (path, head.text())):
            with opening.whole(place) as file:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), 0o400)
                os.fsync(file.fileno())
        settled(case.at(HEADS))
    except OSError as error:
        raise AuditkitError(f"{printable(path)} cannot be written: {error.strerror}", "see that the disk has room") from error


def seals(case: Case, signers: Signers | None, when: datetime) -> tuple[Seal, ...]:
    """All heads of a case and what their signatures are worth, in the order of their entries; without signers nobody is asked.

    Raises:
        AuditkitError: their directory cannot be read.
    """
    try:
        names = os.listdir(case.at(HEADS))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise AuditkitError(
            f"{printable(case.at(HEADS))} cannot be read: {error.strerror}", "run auditkit as its owner"
        ) from error
    return tuple(one(case, f"{HEADS}/{name}", signers, when) for name in sorted(names) if name.endswith(SUFFIX))


def one(case: Case, name: str, signers: Signers | None, when: datetime) -> Seal:
    """A head of a case, and what the signature over it is worth."""
    head = None
    try:
        content = read(case.at(name), LONGEST)
        head = parsed(content)
        if head.name != name:
            return Seal(name, head, objection=f"it is the head of entry {head.entry}, by another name")
        if signers is None:
            return Seal(name, head)
        by = seal.verify(io.BytesIO(content), read(case.at(name + SIGNATURE), seal.LIMIT), signers, when)
    except (FormatError, UntrustedError) as error:
        return Seal(name, head, objection=str(error))
    except OSError as error:
        return Seal(name, head, objection=f"it has no signature that can be read: {error.strerror}")
    return Seal(name, head, f"{by.principal} {by.fingerprint}")


def lines(signers: Signers, signatures: Iterable[bytes]) -> bytes:
    """An allowed_signers file of those whose keys made these signatures, as far as `signers` knows them."""
    keys = {seal.parse(signature).key for signature in signatures}
    certified = any(b"-cert-v01@openssh.com" in key[:64] for key in keys)
    known = [line for line in signers.lines if line.key in keys or (line.authority and certified)]
    return "".join(map(_line, known)).encode("utf-8", "surrogateescape")


def _line(line: Allowed) -> str:
    """A line of that file, as ssh-keygen(1) has it."""
    options = ["cert-authority"] if line.authority else []
    options += [f'namespaces="{line.namespaces}"'] if line.namespaces is not None else []
    for name, time in (("valid-after", line.after), ("valid-before", line.before)):
        options += [f'{name}="{time.astimezone(UTC):%Y%m%d%H%M%SZ}"'] if time else []
    words = [f'"{line.principals}"' if " " in line.principals else line.principals, ",".join(options), line.kind]
    return " ".join((*filter(None, words), b64encode(line.key).decode())) + "\n"


def read(path: str, most: int) -> bytes:
    """The first bytes of a file of a case, one more than there may be.

    Raises:
        OSError: it is no file, or cannot be read.
    """
    with open(path, "rb", opener=opening.itself) as file:
        return file.read(most + 1)
