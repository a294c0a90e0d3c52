"""What lies in the directory of a case: every file with its size and digest, as it is now."""

import os
from collections.abc import Iterator
from hashlib import file_digest

from auditkit.errors import AuditkitError
from auditkit.incident.cases import EVIDENCE, HEADS, JOURNAL, TORN, Case
from auditkit.opening import itself
from auditkit.printable import printable
from auditkit.response.checked import Held

OURS = frozenset((JOURNAL, EVIDENCE, HEADS, TORN))


def held(case: Case) -> tuple[Held, ...]:
    """What is kept in a case, re-read and hashed, and whatever else lies in its directory.

    Raises:
        AuditkitError: a directory of it cannot be read.
    """
    others = (Held(name) for name in _names(case.path) if name not in OURS)
    kept = (hashed(case, f"{folder}/{name}") for folder in (EVIDENCE, TORN) for name in _names(case.at(folder)))
    return (*kept, *others)


def _names(directory: str) -> Iterator[str]:
    try:
        yield from sorted(os.listdir(directory))
    except FileNotFoundError:
        return
    except OSError as error:
        raise AuditkitError(f"{printable(directory)} cannot be read: {error.strerror}", "run auditkit as its owner") from error


def hashed(case: Case, name: str) -> Held:
    """A file as it is now; a link is not followed, a pipe not waited for."""
    try:
        with open(case.at(name), "rb", opener=itself) as file:
            digest = file_digest(file, "sha256").hexdigest()
            return Held(name, os.fstat(file.fileno()).st_size, digest)
    except OSError as error:
        return Held(name, reason=f"it cannot be read: {error.strerror}")
