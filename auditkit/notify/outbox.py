"""Notices that are still to be sent: a file each in `STORE/outbox/`, until somebody has taken it.

The newest goes first: one that no server takes shall not hold up the next one. What was handed over just before a power cut may
be handed over twice, and a mail has the same Message-ID then.
"""

import fcntl
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

from auditkit.errors import AuditkitError
from auditkit.notify import Way, unknown
from auditkit.notify.unsent import UnsentError
from auditkit.opening import itself, whole
from auditkit.printable import counted, printable

FOLDER = "outbox"
LOCK = "lock"
MOST = 50
"""Notices that wait; of more the oldest are given up."""
LARGEST = 64 << 20
"""Bytes that all of them may have."""
PATIENCE = 3
"""Notices that a way may refuse before it is left alone until the next run."""
_NAME = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}\.([a-z]{1,16})")


@dataclass(slots=True)
class Sent:
    """What came of an attempt to send all that waits."""

    taken: int = 0
    kept: int = 0
    errors: list[AuditkitError] = field(default_factory=list)


def put(store: str, kind: str, data: bytes, now: datetime) -> int:
    """Keep a notice until it is sent, and give how many older ones were given up for it.

    Raises:
        AuditkitError: it cannot be kept.
    """
    folder = os.path.join(store, FOLDER)
    path = os.path.join(folder, f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}.{kind}")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        with whole(path) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _unwritable(folder, error) from error
    return _bounded(folder)


def _unwritable(folder: str, error: OSError) -> AuditkitError:
    return AuditkitError(f"{printable(folder)} cannot be written: {error.strerror}", "make room, or see whose it is")


def waiting(store: str) -> list[str]:
    """The names of what waits, the newest first."""
    with suppress(OSError):
        return sorted(filter(_NAME.fullmatch, os.listdir(os.path.join(store, FOLDER))), reverse=True)
    return []


def _bounded(folder: str) -> int:
    """Remove the oldest of too many, and say how many; the newest stays, however large."""
    size, gone = 0, 0
    for at, name in enumerate(waiting(os.path.dirname(folder))):
        path = os.path.join(folder, name)
        with suppress(OSError):
            size += os.lstat(path).st_size
            if at >= MOST or (at and size > LARGEST):
                os.unlink(path)
                gone += 1
    return gone


def send(store: str, ways: Mapping[str, Way]) -> Sent:
    """Hand over all that waits, the newest first."""
    done = Sent()
    if not waiting(store):
        return done
    folder = os.path.join(store, FOLDER)
    refused: dict[str, int] = {}
    with _alone(folder):
        for name in waiting(store):
            kind = name.rpartition(".")[2]
            if refused.get(kind, 0) >= PATIENCE:
                done.kept += 1
                continue
            refused[kind] = refused.get(kind, 0) + _tried(os.path.join(folder, name), ways.get(kind), kind, done)
    return done


@contextmanager
def _alone(folder: str) -> Iterator[None]:
    """Nobody else sends meanwhile; whoever does is waited for, which takes as long as his server lets him wait."""
    try:
        handle = itself(os.path.join(folder, LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _tried(path: str, way: Way | None, kind: str, done: Sent) -> bool:
    """Whether a notice was refused; one that was taken is removed, and one that nobody can take any more."""
    try:
        with open(path, "rb", opener=itself) as file:
            data = file.read(LARGEST)
        if way is None:
            raise unknown(kind)
        way.send(data)
    except UnsentError as error:
        done.kept += 1
        done.errors.append(error)
        if error.left is not None:
            _replace(path, error.left)
        return True
    except AuditkitError as error:
        done.errors.append(error)
    except FileNotFoundError:  # somebody else has sent it
        return False
    except OSError as error:
        done.errors.append(AuditkitError(f"{printable(path)} cannot be read: {error.strerror}"))
        return True
    else:
        done.taken += 1
    with suppress(OSError):
        os.unlink(path)
    return False


def _replace(path: str, data: bytes) -> None:
    """Keep what of a notice is left; where that cannot be written, all of it is sent again."""
    with suppress(OSError), whole(path) as file:
        file.write(data)


def told(given_up: int) -> str:
    """What is said of notices that were given up."""
    return f"{counted(given_up, 'older notice')} could not be sent and had to make room"
