"""Logs that a person names: files and directories of this machine that hold the logs of one machine, whichever that is."""

import os
import stat
import zoneinfo
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime

from auditkit.errors import UsageError
from auditkit.logins.formats import BEGINNING, recognised
from auditkit.logins.nouns import Condition
from auditkit.logins.places import PASSWD
from auditkit.logs.files import Source, found
from auditkit.logs.zones import Machine
from auditkit.model import Item
from auditkit.printable import printable

MOST = 10_000
"""Files below the directories that are named."""
DEEPEST = 16
HERE = "/var/log/"
"""Where the logs of this machine are, whose zone is known."""
LOCALTIME = "/etc/localtime"
LARGEST = 16 << 20
"""Bytes of a list of accounts."""


def sources(words: Iterable[str]) -> tuple[tuple[Source, ...], tuple[str, ...]]:
    """The logs that are named, and notes on what lies beside them and is none.

    A directory stands for all files below it whose format tells of logins; links in it are followed, as long as they stay
    inside.

    Raises:
        UsageError: a file is not there.
    """
    made: list[Source] = []
    notes: list[str] = []
    for word in words:
        if not os.path.isdir(word):
            made.append(_file(word))
            continue
        inside = [
            _renamed(source, word) for source in found(word, _below(word)) if source.log.condition is not Condition.ABSENT
        ]
        known = [source for source in inside if _may_tell(source)]
        made += known
        if len(known) < len(inside):
            notes.append(f"{printable(word)}: {len(inside) - len(known)} files in it are of no format that tells of logins")
    return tuple(made), tuple(notes)


def machine(words: Sequence[str], now: datetime) -> Machine:
    """What they are read by: the zone is known only of what lies where this machine has its own logs."""
    own = all(os.path.realpath(word).startswith(HERE) or os.path.realpath(word) + "/" == HERE for word in words)
    try:
        with open(LOCALTIME, "rb") as file:
            zone: bytes | None = file.read(1 << 16) if own else None
    except OSError:
        zone = None
    return Machine(int(now.timestamp() * 10**9), zone)


def zone_named(name: str) -> bytes:
    """The bytes of a zone of the IANA database by its name, as `Europe/Berlin`, tzfile(5).

    Raises:
        UsageError: there is none of that name here.
    """
    try:
        zoneinfo.ZoneInfo(name)  # refuses names that are paths
        for directory in zoneinfo.TZPATH:
            with suppress(FileNotFoundError), open(os.path.join(directory, name), "rb") as file:
                return file.read(1 << 16)
    except (OSError, ValueError, zoneinfo.ZoneInfoNotFoundError):
        pass
    raise UsageError(f"there is no zone {printable(name[:60])} here", "name one as Europe/Berlin or UTC")


def accounts(words: Iterable[str], now: datetime) -> tuple[Item, ...]:
    """/etc/passwd of the machine, where a directory that is named is its root; nothing where none is, or several are."""
    there = [data for word in words if os.path.isdir(word) if (data := _passwd(word)) is not None]
    return (Item(PASSWD, PASSWD.what, there[0], now, ""),) if len(there) == 1 else ()


def _passwd(root: str) -> bytes | None:
    """What lies there, as it is seen from that root; None if it cannot be had, or not as a whole."""
    source = next(iter(found(root, [PASSWD.what])))
    if source.log.condition is not Condition.READ or source.log.packed or (source.log.size or 0) > LARGEST:
        return None
    data = b"".join(source.data.chunks())
    return None if source.data.broke else data


def _file(word: str) -> Source:
    """A file by its name, wherever it is."""
    path = os.path.realpath(word)
    if not os.path.lexists(path):
        raise UsageError(f"there is no file {printable(word)}", "name a log, a directory of logs, or a host")
    directory, name = os.path.split(path)
    escaped = "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)
    return _renamed(next(iter(found(directory, [f"/{escaped}"]))), word, whole=True)


def _renamed(source: Source, word: str, *, whole: bool = False) -> Source:
    """A source with its name as the person sees it."""
    name = word if whole else word.rstrip("/") + source.log.name
    return source.called(name)


def _may_tell(source: Source) -> bool:
    if source.log.condition is not Condition.READ:
        return True
    return recognised(source.log.name, next(iter(source.data.chunks()), b"")[:BEGINNING]) is not None


def _below(directory: str) -> Iterator[str]:
    """Yield the path of each file below a directory, from there on, as a glob that matches nothing else."""
    count = 0
    for above, directories, names in os.walk(directory):
        directories.sort()
        relative = os.path.relpath(above, directory)
        if relative.count("/") >= DEEPEST:
            directories.clear()
        for name in sorted(names):
            count += 1
            if count > MOST:
                raise UsageError(f"there are more than {MOST} files below {printable(directory)}", "name the logs among them")
            path = os.path.normpath(f"/{relative}/{name}")
            if _is_file(os.path.join(above, name)):
                yield "".join(f"[{sign}]" if sign in "*?[" else sign for sign in path)


def _is_file(path: str) -> bool:
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) or stat.S_ISLNK(mode)
