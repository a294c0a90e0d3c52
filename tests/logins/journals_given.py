"""Journals for tests: entries as fields, the files that systemd-journal-remote makes of them, and what a reader says."""

import json
import lzma
import os
import shutil
import struct
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from held import Held

from auditkit.logins.journals.file import ENTRY_ARRAY, OBJECT, Header, Walk, header, listed
from auditkit.logins.nouns import Event, Log, Setting
from auditkit.logins.reading import Reading
from auditkit.logins.reading import read as read_source

DATA = Path(__file__).parent / "data"
REMOTE = shutil.which("systemd-journal-remote", path="/usr/lib/systemd:/lib/systemd")
BOOT = "0123456789abcdef0123456789abcdef"
T = 1_795_514_000_000_000
"""Microseconds since 1970: 24 November 2026."""
Entry = dict[str, Any]


def read(data: bytes, name: str = "system.journal", size: int = 1 << 16) -> tuple[list[Event], Reading]:
    """The events of a source, and what is left of it."""
    events: list[Event] = []
    reading = read_source(Log(name, size=len(data)), Held(data, size, mapped=True), Setting(now=2 * T * 1000), events.append)
    return events, reading


def sample(name: str) -> bytes:
    """One of the journals of OpenSSH 9.2 under attack: out, t1 (one byte of it flipped), cut (three entries left out)."""
    return lzma.decompress((DATA / f"{name}.journal.xz").read_bytes())


def sshd(message: str, after: float = 0, **fields: str | int | bytes) -> Entry:
    """An entry as journald makes it of a line of sshd."""
    entry: Entry = {
        "__REALTIME_TIMESTAMP": T + int(after * 1e6),
        "__MONOTONIC_TIMESTAMP": 10**9 + int(after * 1e6),
        "_BOOT_ID": BOOT,
        "_TRANSPORT": "syslog",
        "_HOSTNAME": "srv-01",
        "_UID": 0,
        "_PID": 4711,
        "_COMM": "sshd",
        "_EXE": "/usr/sbin/sshd",
        "_SYSTEMD_UNIT": "ssh.service",
        "SYSLOG_IDENTIFIER": "sshd",
        "SYSLOG_FACILITY": 4,
        "SYSLOG_PID": 4711,
        "MESSAGE": message,
    }
    return {name: value for name, value in (entry | fields).items() if value != ""}


def exported(entries: Iterable[Entry]) -> bytes:
    """Entries as `journalctl -o export` writes them."""
    return b"".join(b"".join(_field(*pair) for pair in entry.items()) + b"\n" for entry in entries)


def _field(name: str, value: str | int | bytes) -> bytes:
    raw = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
    if b"\n" in raw or not raw.decode("utf-8", "ignore").isprintable() or b"\xff" in raw:
        return name.encode() + b"\n" + struct.pack("<Q", len(raw)) + raw + b"\n"
    return f"{name}=".encode() + raw + b"\n"


def journal(entries: Iterable[Entry], directory: Path, **environment: str) -> bytes:
    """A journal file of these entries, by systemd itself; `environment` says in which variant."""
    if REMOTE is None:
        pytest.skip("systemd-journal-remote is not installed")
    path = directory / "given.journal"
    path.unlink(missing_ok=True)
    subprocess.run(
        [REMOTE, "--output", path, "-"], input=exported(entries), env=os.environ | environment, capture_output=True, check=True
    )
    return path.read_bytes()


def shown(data: bytes, directory: Path) -> list[dict[str, Any]]:
    """The entries of a journal file as journalctl shows them."""
    path = directory / "shown.journal"
    path.write_bytes(data)
    done = subprocess.run(
        ["journalctl", "--file", path, "--output", "json", "--all", "--no-pager"], capture_output=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def top(data: bytes) -> Header:
    """The header of a file that has one."""
    found = header(data)
    assert found
    return found


def entries_at(data: bytes) -> list[int]:
    """Where the entries of a sound file lie."""
    return [entry.at for entry in Walk(data, top(data)).entries_in_order()]


def without_in_list(data: bytes, index: int) -> bytes:
    """The file with one entry taken out of its list and its counts, by somebody who wants journalctl not to show it."""
    head, changed = top(data), bytearray(data)
    width = 4 if head.compact else 8
    slots = [slot for at, size in _arrays(data, head) for slot in range(at + 24, at + size - width + 1, width)]
    values = [data[slot : slot + width] for slot in slots]
    values.remove(list(listed(data, head))[index].to_bytes(width, "little"))
    for slot, value in zip(slots, [*values, bytes(width)], strict=True):
        changed[slot : slot + width] = value
    struct.pack_into("<Q", changed, 152, head.entries - 1)
    return bytes(changed)


def _arrays(data: bytes, head: Header) -> Iterator[tuple[int, int]]:
    at = head.list_at
    while at:
        kind, size = OBJECT.unpack_from(data, at)
        assert kind == ENTRY_ARRAY
        yield at, size
        (at,) = struct.unpack_from("<Q", data, at + 16)
