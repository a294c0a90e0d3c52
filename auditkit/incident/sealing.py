"""Seals in a case: heads, and the SSH signatures over them; stock `ssh-keygen -Y verify -n auditkit` takes them, too."""

import io
import os
from datetime import datetime

from auditkit import opening, seal
from auditkit.errors import AuditkitError, FormatError, UntrustedError, UsageError
from auditkit.incident.cases import HEADS, Case, settled
from auditkit.printable import printable
from auditkit.response.checked import Seal
from auditkit.response.heads import LONGEST, Head, parsed
from auditkit.signers import Signers

SIGNATURE, SUFFIX = ".sig", ".head"


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
        content = _read(case.at(name), LONGEST)
        head = parsed(content)
        if head.name != name:
            return Seal(name, head, objection=f"it is the head of entry {head.entry}, by another name")
        if signers is None:
            return Seal(name, head)
        by = seal.verify(io.BytesIO(content), _read(case.at(name + SIGNATURE), seal.LIMIT), signers, when)
    except (FormatError, UntrustedError) as error:
        return Seal(name, head, objection=str(error))
    except OSError as error:
        return Seal(name, head, objection=f"it has no signature that can be read: {error.strerror}")
    return Seal(name, head, f"{by.principal} {by.fingerprint}")


def _read(path: str, most: int) -> bytes:
    with open(path, "rb", opener=opening.itself) as file:
        return file.read(most + 1)
