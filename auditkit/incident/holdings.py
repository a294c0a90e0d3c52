"""What lies in the directory of a case, or of an archive that was unpacked: each file, its size and its digest as it is now."""

import io
import os
import stat
import sys
from collections.abc import Callable, Iterator
from datetime import datetime

from auditkit import seal
from auditkit.errors import AuditkitError, FormatError, UntrustedError
from auditkit.incident import sealing
from auditkit.incident.cases import EVIDENCE, HEADS, TORN, Case
from auditkit.incident.originals import streamed
from auditkit.opening import itself
from auditkit.printable import printable
from auditkit.response import checked, sums
from auditkit.response.checked import Archive, Held, Seen
from auditkit.signers import Signers

Passing = Callable[[int], None]
FOLDERS = (EVIDENCE, HEADS, TORN)


def seen(case: Case, signers: Signers | None, when: datetime, passing: Passing = lambda _more: None) -> Seen:
    """All that lies in the directory of a case; somebody may be writing meanwhile. `passing` is told how many bytes were read.

    The journal is read last, so that it tells of all that was seen, and then what it tells of besides.

    Raises:
        AuditkitError: the journal or a directory cannot be read.
    """
    seals, held, manifest = [*sealing.seals(case, signers, when)], [*_held(case, passing)], _manifest(case)
    journal = case.read()
    late = {one.name for one in checked.named(journal)} - {one.name for one in held}
    held += [_hashed(case, name, passing) for name in sorted(late) if _lies(case, name)]
    late = {name for name, _entry in checked.sealed(journal)} - {one.name for one in seals}
    seals += [sealing.one(case, name, signers, when) for name in sorted(late) if _lies(case, name)]
    return Seen(case.id, journal, held, seals, _archive(case, signers, when), manifest)


def _manifest(case: Case) -> bytes:
    """The list of what is kept; nothing where there is none."""
    if not os.path.lexists(case.at(checked.MANIFEST)):
        return b""
    try:
        return sealing.read(case.at(checked.MANIFEST), sums.LONGEST)
    except (OSError, FormatError) as error:
        return f"unread: {error}".encode("ascii", "replace")


def _lies(case: Case, name: str) -> bool:
    """Whether there is something by that name in the case itself, and not where a link leads to."""
    return os.path.lexists(case.at(name)) and not os.path.islink(case.at(os.path.dirname(name)))


def _held(case: Case, passing: Passing) -> Iterator[Held]:
    """Yield what is kept in a case, and whatever else lies there."""
    for name in _names(case.path):
        if name in FOLDERS and stat.S_ISDIR(os.lstat(case.at(name)).st_mode):
            yield from (_hashed(case, f"{name}/{below}", passing) for below in _names(case.at(name)))
        else:
            yield _hashed(case, name, passing)


def _names(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError as error:
        raise AuditkitError(f"{printable(directory)} cannot be read: {error.strerror}", "run auditkit as its owner") from error


def _hashed(case: Case, name: str, passing: Passing) -> Held:
    """A file as it is now; a link is not followed, a pipe not waited for."""
    try:
        with open(case.at(name), "rb", opener=itself) as file:
            read = streamed(file, sys.maxsize, lambda piece: passing(len(piece)))
    except OSError as error:
        return Held(name, reason=f"it cannot be read: {error.strerror}")
    return Held(name, read.size, read.digest)


def _archive(case: Case, signers: Signers | None, when: datetime) -> Archive | None:
    """What SHA256SUMS says, and who signed it; None where there is none, as in a case of the store."""
    if not os.path.lexists(case.at(sums.NAME)):
        return None
    digests: dict[str, str] = {}
    try:
        content = sealing.read(case.at(sums.NAME), sums.LONGEST)
        digests = sums.parsed(content)
        if signers is None or not os.path.lexists(case.at(sums.NAME + sealing.SIGNATURE)):
            return Archive(digests)
        signature = sealing.read(case.at(sums.NAME + sealing.SIGNATURE), seal.LIMIT)
        by = seal.verify(io.BytesIO(content), signature, signers, when)
    except (FormatError, UntrustedError) as error:
        return Archive(digests, objection=str(error))
    except OSError as error:
        return Archive(digests, objection=f"it cannot be read: {error.strerror}")
    return Archive(digests, f"{by.principal} {by.fingerprint}")
