"""What a run of several hosts has come to so far, host by host, so that one that was cut short can be resumed.

`STORE/runs/ID/` holds `asked`, the command and its hosts, and HOST.json for each host that is done; the owner alone may
read them.
"""

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from auditkit.baseline import folder
from auditkit.errors import AuditkitError, UsageError
from auditkit.opening import document
from auditkit.printable import printable

FOLDER = "runs"
ASKED = "asked"
LAST = "last"
KEPT = 10
"""Runs that are kept; older ones are removed when a new one begins."""
LARGEST = 256 << 20
"""Bytes of one host's file."""
LONGEST = 200
"""Bytes of a host's word as a file name; NAME_MAX is 255."""
_ID = re.compile(r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}")


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what was asked for, and where its results are."""

    id: str
    directory: str
    asked: Mapping[str, Any]

    def keep(self, word: str, host: Mapping[str, Any]) -> None:
        """Keep what was said of a host; one that is there is replaced.

        Raises:
            AuditkitError: it cannot be written.
        """
        _write(os.path.join(self.directory, _name(word)), {"word": word, "host": host})

    def kept(self) -> Iterator[tuple[str, Any]]:
        """Yield word and result of each host that is done; what is no result is as if it were not there."""
        for name in filter(_is_result, _names(self.directory)):
            told = document(os.path.join(self.directory, name), LARGEST)
            if isinstance(told, dict) and isinstance(word := told.get("word"), str) and name == _name(word):
                yield word, told.get("host")


def _is_result(name: str) -> bool:
    return name.endswith(".json")


def _name(word: str) -> str:
    """The file name for a host's word; a long one by its digest."""
    name = os.path.basename(folder("", word))
    if len(name) > LONGEST:
        name = sha256(word.encode("utf-8", "surrogateescape")).hexdigest()
    return f"{name}.json"


def begin(store: str, started: datetime, asked: Mapping[str, Any]) -> Run:
    """A new run in the store.

    Raises:
        AuditkitError: the store cannot be written.
    """
    above = os.path.join(store, FOLDER)
    name = f"{started.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
    directory = os.path.join(above, name)
    try:
        os.makedirs(above, mode=0o700, exist_ok=True)
        os.mkdir(directory, 0o700)
    except OSError as error:
        raise _unwritable(directory, error) from error
    _write(os.path.join(directory, ASKED), asked)
    for old in ids(store)[:-KEPT]:
        shutil.rmtree(os.path.join(above, old), ignore_errors=True)
    return Run(name, directory, asked)


def found(store: str, name: str, command: str) -> Run:
    """The run of that name, or with `last` the newest one of the command.

    Raises:
        UsageError: there is none.
    """
    names = [name] if name != LAST else reversed(ids(store))
    for known in names:
        directory = os.path.join(store, FOLDER, known)
        asked = document(os.path.join(directory, ASKED), LARGEST) if _ID.fullmatch(known) else None
        if isinstance(asked, dict) and (name != LAST or asked.get("command") == command):
            return Run(known, directory, asked)
    what = f"there is no run {printable(name)}" if name != LAST else f"there is no run of `{command}` yet"
    raise UsageError(f"{what} in {printable(store)}", f"see what there is: ls {printable(os.path.join(store, FOLDER))}")


def ids(store: str) -> list[str]:
    """The names of all runs, the newest last."""
    return [name for name in _names(os.path.join(store, FOLDER)) if _ID.fullmatch(name)]


def _names(directory: str) -> list[str]:
    try:
        return sorted(os.listdir(directory))
    except OSError:
        return []


def _write(path: str, value: object) -> None:
    """Write a file that is there whole or not at all."""
    temporary = f"{path}.tmp"
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
        with open(handle, "w", encoding="ascii") as file:
            file.write(json.dumps(value, ensure_ascii=True, allow_nan=False))  # not dump(), which has no C to it
        os.replace(temporary, path)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: str, error: OSError) -> AuditkitError:
    return AuditkitError(f"{printable(path)} cannot be written: {error.strerror}", "name another place with --store")
