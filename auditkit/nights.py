"""What nights leave in the store: who runs now, how the last one ended, what was told, and the reports.

`STORE/nightly/` holds `lock`, `night.json` and `told.json`; `STORE/reports/` holds the reports. The owner alone may read them.
"""

import fcntl
import json
import os
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from auditkit.errors import AuditkitError
from auditkit.opening import document, itself, whole
from auditkit.printable import printable

FOLDER, REPORTS = "nightly", "reports"
LOCK, NIGHT, TOLD = "lock", "night.json", "told.json"
LARGEST = 256 << 20
LONGEST = 4096
"""Bytes of what a lock says."""
KEPT = 30
"""Nights whose reports are kept."""
_REPORT = re.compile(r"([0-9]{8}T[0-9]{6}Z)-nightly\.(json|html)")
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class BusyError(AuditkitError):
    """Another run is under way."""


@dataclass(frozen=True, slots=True)
class Last:
    """A night that was begun, and how it ended."""

    started: str
    asked: Mapping[str, Any]
    """What it was to do: command, words and options."""
    run: str | None = None
    """The run that can be resumed; None where there is none, as with one host."""
    finished: str | None = None
    """None while it goes on, and if it was cut short."""
    told: bool = False
    """Whether somebody was told that it was cut short."""

    @property
    def begun(self) -> datetime | None:
        """When it was begun."""
        return moment(self.started)


def moment(text: object) -> datetime | None:
    """A time of these files; None if it is none."""
    try:
        return datetime.strptime(str(text), _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None


def written(time: datetime) -> str:
    """A time as these files have it."""
    return f"{time.astimezone(UTC):{_TIME}}"


@contextmanager
def alone(store: str, now: datetime) -> Iterator[None]:
    """The time in which no other run is begun in this store; the lock of a process that died is none.

    It is a lock of fcntl(2): a process that this one has forked does not hold it, so that none outlives it.

    Raises:
        BusyError: another run is under way; the message says whose.
        AuditkitError: the store cannot be written.
    """
    folder = os.path.join(store, FOLDER)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        handle = itself(os.path.join(folder, LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        _hold(handle, folder, now)
        yield
    finally:
        os.close(handle)


def _hold(handle: int, folder: str, now: datetime) -> None:
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError) as error:
        raise _busy(os.read(handle, LONGEST), folder) from error
    except OSError as error:
        raise _unwritable(folder, error) from error
    with suppress(OSError):  # a full disk: then it is not known who holds it
        os.fchmod(handle, 0o600)
        os.ftruncate(handle, 0)
        os.write(handle, json.dumps({"pid": os.getpid(), "host": place(), "since": written(now)}).encode("ascii"))


def _busy(data: bytes, folder: str) -> BusyError:
    """Who holds the lock, as far as he says."""
    try:
        held = json.loads(data)
        who = f"process {int(held['pid'])} of {printable(str(held['host'])[:100])}, since {_shown(str(held['since']))}"
    except (ValueError, TypeError, KeyError, RecursionError):
        who = "who that is, it does not say"
    return BusyError(
        f"another nightly run is under way: {who}", f"wait for it; it holds {printable(os.path.join(folder, LOCK))}"
    )


def _shown(text: str) -> str:
    return f"{known:%Y-%m-%d %H:%M:%SZ}" if (known := moment(text)) else printable(text[:40])


def place() -> str:
    """The name of this machine."""
    return socket.gethostname()


def last(store: str) -> Last | None:
    """The night before this one; None where there was none, or what is known of it is damaged."""
    told = document(os.path.join(store, FOLDER, NIGHT), LARGEST, itself)
    try:
        return Last(**told) if isinstance(told, dict) and isinstance(told["asked"], dict) and moment(told["started"]) else None
    except (TypeError, KeyError):
        return None


def keep(store: str, night: Last) -> None:
    """Keep how a night stands.

    Raises:
        AuditkitError: it cannot be written.
    """
    _write(os.path.join(store, FOLDER, NIGHT), asdict(night))


def told(store: str) -> tuple[dict[str, dict[str, str]] | None, datetime | None]:
    """What notices told of before, by host, and when the last one was made; None where nothing is known of it."""
    known = document(os.path.join(store, FOLDER, TOLD), LARGEST, itself)
    if not isinstance(known, dict) or not isinstance(hosts := known.get("told"), dict):
        return None, None
    sound = {name: each for name, each in hosts.items() if isinstance(each, dict)}
    return sound, moment(known.get("last"))


def remember(store: str, hosts: Mapping[str, Mapping[str, str]], time: datetime | None) -> None:
    """Keep what notices have told by now.

    Raises:
        AuditkitError: it cannot be written.
    """
    _write(os.path.join(store, FOLDER, TOLD), {"last": time and written(time), "told": hosts})


def report(store: str, started: datetime) -> str:
    """The path of the report of a night that is begun, without its ending.

    Raises:
        AuditkitError: the place for it cannot be made.
    """
    folder = os.path.join(store, REPORTS)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    return os.path.join(folder, f"{started.astimezone(UTC):%Y%m%dT%H%M%SZ}-nightly")


def prune(store: str, most: int) -> None:
    """Remove the reports of all but the newest nights."""
    folder = os.path.join(store, REPORTS)
    with suppress(OSError):
        nights: dict[str, list[str]] = {}
        for name in sorted(os.listdir(folder), reverse=True):
            if found := _REPORT.fullmatch(name):
                nights.setdefault(found[1], []).append(name)
        for names in list(nights.values())[most:]:
            for name in names:
                os.unlink(os.path.join(folder, name))


def asked(command: str, words: Sequence[str], options: Mapping[str, Any]) -> dict[str, Any]:
    """What a night is to do, as JSON has it, to be held against what another one was to do."""
    value: dict[str, Any] = json.loads(json.dumps({"command": command, "words": list(words), "options": dict(options)}))
    return value


def _write(path: str, value: object) -> None:
    """Write a file that is on disk whole, or stays as it was."""
    try:
        with whole(path) as file:
            file.write(json.dumps(value).encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: str, error: OSError) -> AuditkitError:
    return AuditkitError(
        f"{printable(path)} cannot be written: {error.strerror}", "make room, or name another place with --store"
    )
