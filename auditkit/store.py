"""Which baseline is the newest of a host, and can it be believed: seal, chain, and no way back to an older one.

Beside the baselines stands what the last run knew: the highest sequence and the digest of that file. Whoever puts an older
baseline back, however well it was signed, is found by that.
"""

import json
import os
import secrets
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, cast

from auditkit import baseline
from auditkit.baseline import Baseline
from auditkit.errors import AuditkitError, FormatError, UntrustedError, UsageError
from auditkit.model import BaselineFacts
from auditkit.opening import itself, regular
from auditkit.printable import printable

SIGNATURE = ".sig"
RECORD = "known.json"
TURNS = "fetched"
"""The file, beside a host's baselines, that says whose content was fetched last to be held against the host's word."""
RECENT = 4096
"""Bytes at the end of the record that are looked at."""
LARGEST_SIGNATURE = 1 << 20


@dataclass(frozen=True, slots=True)
class Known:
    """The newest baseline that any run has seen of a host."""

    sequence: int
    digest: str


@dataclass(frozen=True, slots=True)
class Trusted:
    """A baseline that may be believed, and who says so; no signer means nobody was asked."""

    baseline: Baseline
    signer: str | None

    def facts(self) -> BaselineFacts:
        """What a report says of it."""
        header = self.baseline.header
        return BaselineFacts(
            self.baseline.path,
            header.made,
            header.sequence,
            self.signer,
            self.baseline.footer.entries,
            header.policy.name,
            header.listeners,
        )


def newest(store: str, host: str) -> str | None:
    """The path of the newest baseline of a host in the store; None where there is none and none was ever known.

    Raises:
        UntrustedError: there was a newer one.
    """
    directory = baseline.folder(store, host)
    found = baseline.sequences(directory)
    seen = known(directory)
    highest = max(found, default=0)
    if seen and highest < seen.sequence:
        raise UntrustedError(
            f"baseline {seen.sequence} of {printable(host)} is gone from {printable(directory)}; the newest there is"
            f" {highest or 'none'}",
            "restore it from your copy; if you removed it on purpose, remove known.json there as well",
        )
    return found.get(highest)


def trusted(path: str, signers: str | None, *, older: bool = False, of: str | None = None) -> Trusted:
    """The baseline at `path`, once its content, its seal and its place in the chain have been verified.

    `signers` is the allowed_signers file; without one the seal is not looked at. `older` allows one that is not the newest.
    `of` is the host in whose place it was found.

    Raises:
        UntrustedError: anything is wrong with it.
        FormatError: it is no baseline.
    """
    signer, sealed = verified(path, signers) if signers else (None, None)
    base = baseline.read(path)
    try:
        check_same(base, sealed)
        check_chain(base)
        if not older:
            check_newest(base)
        if of is not None:
            check_place(base, of)
    except BaseException:
        base.close()
        raise
    return Trusted(base, signer)


def check_place(base: Baseline, host: str) -> None:
    """Refuse a baseline of another host in the place of this one.

    Raises:
        UntrustedError: it is one.
    """
    if base.header.host == host:
        return
    name, folder = printable(os.path.basename(base.path)), printable(os.path.dirname(base.path))
    raise UntrustedError(
        f"{name} in the place of {printable(host)} is a baseline of {printable(base.header.host)}",
        f"find out who put it there; if the host was only renamed, move the old ones out of {folder} and make a new baseline",
    )


def verified(path: str, signers: str) -> tuple[str, str]:
    """Who sealed a file, `anna SHA256:...`, and the digest of what was sealed.

    Raises:
        UntrustedError: nobody whose signature counts.
        ConfigError: the signers' file cannot be read.
    """
    from auditkit import seal  # noqa: PLC0415 - cryptography is heavy
    from auditkit import signers as allowed  # noqa: PLC0415

    who = allowed.read(os.path.expanduser(signers))
    name = printable(os.path.basename(path))
    try:
        with open(path + SIGNATURE, "rb", opener=regular) as file:
            signature = file.read(LARGEST_SIGNATURE + 1)
    except OSError as error:
        if not os.path.exists(path):
            raise AuditkitError(f"{printable(path)} is not there", "name a baseline file") from error
        raise UntrustedError(
            f"{name} has no signature: {name}.sig: {error.strerror}",
            f"sign it if you know it is good: ssh-keygen -Y sign -n auditkit -f KEY {name}",
        ) from error
    try:
        with open(path, "rb", opener=regular) as sealed:
            hashed = baseline.Hashed(sealed)
            # by the clock, as `ssh-keygen -Y verify` does: a signature tells no time of its own that could be believed
            by = seal.verify(cast("BinaryIO", hashed), signature, who, datetime.now(UTC))
    except OSError as error:
        raise FormatError(f"{printable(path)} cannot be read: {error.strerror}", "name a baseline file") from error
    except UntrustedError as error:
        raise UntrustedError(f"{name}: {error}", error.hint) from error
    return f"{by.principal} {by.fingerprint}", hashed.digest()


def check_same(base: Baseline, sealed: str | None) -> None:
    """What was read is what was sealed: the file was opened once for each.

    Raises:
        UntrustedError: it was swapped in between.
    """
    if sealed not in (None, base.file_digest):
        raise UntrustedError(f"{printable(os.path.basename(base.path))} is not the file whose seal was verified just now")


def check_chain(base: Baseline) -> None:
    """The previous baseline, where it is still there, is the one that this one names.

    Raises:
        UntrustedError: it is another.
    """
    directory = os.path.dirname(os.path.abspath(base.path))
    before = baseline.sequences(directory).get(base.header.sequence - 1)
    if before is None or os.path.samefile(before, base.path):
        return
    if baseline.file_digest(before) != base.header.previous:
        raise UntrustedError(
            f"baseline {base.header.sequence} does not follow the {base.header.sequence - 1} that is there: one of them"
            " was replaced",
            "compare both with your copies",
        )


def check_newest(base: Baseline) -> None:
    """No newer baseline of this host is known where this one lies.

    Raises:
        UntrustedError: this one is older, or another with the same number was known.
    """
    directory = os.path.dirname(os.path.abspath(base.path))
    seen = known(directory)
    name = printable(os.path.basename(base.path))
    if seen and seen.sequence > base.header.sequence:
        raise UntrustedError(
            f"{name} is baseline {base.header.sequence}, but {seen.sequence} is known: a rollback",
            "use the newest; to compare with an older one on purpose add --older",
        )
    if seen and seen.sequence == base.header.sequence and seen.digest != base.file_digest:
        raise UntrustedError(f"{name} is not the baseline {seen.sequence} that was known: it was replaced")


def known(directory: str) -> Known | None:
    """What the last run knew, or None where there was none.

    The record only grows, a line of JSON for each baseline; what stands behind the last end of a line says nothing.
    """
    try:
        with open(os.path.join(directory, RECORD), "rb", opener=regular) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - RECENT))
            lines = file.read(RECENT).split(b"\n")
        told = json.loads(lines[-2] if len(lines) > 1 else lines[-1])
        return Known(int(told["sequence"]), str(told["digest"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        why = f"cannot be read: {error.strerror}" if isinstance(error, OSError) else "is damaged"
        raise UntrustedError(
            f"{printable(directory)}/{RECORD}, which guards against rollback, {why}",
            f"verify the newest baseline by hand, then remove {RECORD}",
        ) from error


def remember(path: str, sequence: int) -> None:
    """Keep in mind that this baseline exists, so that an older one is refused from now on."""
    record = os.path.join(os.path.dirname(os.path.abspath(path)), RECORD)
    seen = known(os.path.dirname(record))
    if seen and seen.sequence >= sequence:
        return
    told = json.dumps({"sequence": sequence, "digest": baseline.file_digest(path)})
    try:
        with open(record, "ab", opener=itself) as file:
            file.write(b"\n" * _torn(record) + told.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise AuditkitError(f"{printable(record)} cannot be written: {error.strerror}", "run auditkit as its owner") from error


def turn(path: str) -> str:
    """Where the turn of files that are fetched ended in the last run against a baseline; some place if that is not known."""
    place = _turns(path)
    try:
        if os.access(os.path.dirname(place), os.W_OK):  # else it would be the same turn for ever
            with open(place, encoding="utf-8", errors="surrogateescape", opener=regular) as file:
                return file.read(8192).rstrip("\n")
    except OSError:
        pass
    return secrets.token_hex(8)


def keep_turn(path: str, last: str) -> None:
    """Keep in mind where a turn ended; where that cannot be done the next run begins at some place."""
    place = _turns(path)
    with suppress(OSError):
        handle, temporary = tempfile.mkstemp(prefix=TURNS, dir=os.path.dirname(place))
        with open(handle, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(last + "\n")
        os.replace(temporary, place)


def _turns(path: str) -> str:
    return os.path.join(os.path.dirname(os.path.abspath(path)), TURNS)


def _torn(record: str) -> bool:
    """Whether the last line of a record lacks its end."""
    with open(record, "rb", opener=regular) as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - 1))
        return file.read(1) not in (b"", b"\n")


def place(store: str, host: str) -> tuple[str, int, str | None]:
    """Path, sequence and previous digest of the next baseline of a host in the store."""
    directory = baseline.folder(store, host)
    found = baseline.sequences(directory)
    seen = known(directory)
    newest_there = max(found, default=0)
    if seen and newest_there < seen.sequence:
        raise UsageError(
            f"baseline {seen.sequence} of {printable(host)} was known and is gone from {printable(directory)}",
            "restore it, or remove known.json there to begin again",
        )
    sequence = newest_there + 1
    previous = baseline.file_digest(found[newest_there]) if newest_there else None
    return os.path.join(directory, f"{sequence:06d}{baseline.SUFFIX}"), sequence, previous
