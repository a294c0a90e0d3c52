"""What evidence that is no file says, as typed nouns: modes on the way to a path, what a command wrote, who listens, what a
server showed.

Hosts write these forms (auditkit/probe, auditkit/hosts), judges read them here; each reader is strict, for hosts lie.
"""

import json
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import ip_address
from itertools import pairwise
from typing import Any, NoReturn, TypeVar

from auditkit.model import OF_MODE, Gap, Item
from auditkit.printable import printable

LARGEST = 16 << 20
"""Bytes of one answer."""
LARGEST_OBJECT = 2 << 20
"""Bytes of one that is a JSON object."""
DEEPEST = 4097
"""Records of one way, and the rest behind them."""
DELETED = " (deleted)"
"""What stands behind the path of a program whose file is gone: proc_pid_exe(5)."""
NOBODY = "/proc/net"
"""The source of sockets whose process is not known."""
_RECORD = re.compile(rb"([0-7]{5,7}) ([0-9]{1,10}) ([0-9]{1,10}) (/|(?:/[^/]+)+)", re.DOTALL)
_STATUS = re.compile(rb"-|([0-9]{1,3})")
_MOST_STATUS = 255
_MOST_ID = (1 << 32) - 1
_MOST_PID = 1 << 22
"""PID_MAX_LIMIT: proc(5)."""
_MOST_SECONDS = 1 << 40
_PORTS = 1 << 16
Noun = TypeVar("Noun")


@dataclass(frozen=True, slots=True)
class Step:
    """A path or a directory above it, with no symlink in its path: one record of `Means.STATUS`."""

    path: str
    mode: int
    """All of st_mode, the type of the node too."""
    uid: int
    gid: int

    @property
    def permissions(self) -> int:
        """The bits that chmod(1) sets."""
        return stat.S_IMODE(self.mode)

    @property
    def for_everybody(self) -> bool:
        """Whether everybody may write to it; to a directory with the sticky bit, only beside what is there: inode(7)."""
        return bool(self.mode & stat.S_IWOTH) and not self._sticky

    @property
    def for_a_group(self) -> bool:
        """Whether a group that is not root's may."""
        return bool(self.mode & stat.S_IWGRP and self.gid) and not self._sticky

    @property
    def _sticky(self) -> bool:
        return stat.S_ISDIR(self.mode) and bool(self.mode & stat.S_ISVTX)


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command wrote: `Means.COMMAND`."""

    status: int | None
    """Its exit status; None where it was ended because of time or size."""
    out: bytes
    complaints: bytes


@dataclass(frozen=True, slots=True)
class Listening:
    """Where a process listens."""

    protocol: str
    """`tcp` or `udp`"""
    address: str
    """`0.0.0.0`, `::`, `127.0.0.1`"""
    port: int

    @property
    def place(self) -> str:
        """`0.0.0.0:22`, `[::]:22`"""
        return _place(self.address, self.port)


def _place(address: str, port: int) -> str:
    """Address and port, an address of IPv6 in brackets."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def name_of(program: str) -> str:
    """The last part of the path of a program, whether its file is still there or not."""
    return program.removesuffix(DELETED).rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Process:
    """A process that listens, or the sockets whose process could not be found: one Item of `Means.LISTENERS`."""

    pid: int | None
    """None: whose these sockets are is not known."""
    parent: int | None
    uid: int | None
    started: float | None
    """Seconds since 1970."""
    program: str
    """The file it runs, ` (deleted)` behind it if it is gone; empty where it is not known."""
    arguments: tuple[str, ...]
    unit: str
    """The control group, which names the unit of systemd."""
    listens: tuple[Listening, ...]

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports of TCP that it listens on."""
        return tuple(dict.fromkeys(each.port for each in self.listens if each.protocol == "tcp"))


@dataclass(frozen=True, slots=True)
class Shown:
    """What an SSH server showed who logged in: one Item of `Means.BANNER`."""

    address: str
    port: int
    banner: str
    """`SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10`"""
    kexinit: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Its lists: `kex`, `host_keys`, `ciphers`, `macs`, `compression`; of both directions those from the server."""
    host_key: str = ""
    """`SHA256:...`"""
    host_key_type: str = ""
    user: str = ""
    """As whom somebody logged in, or asked to."""
    methods: tuple[str, ...] = ()
    """What was offered to that user before any credential; empty: not known, `none`: no credential was asked for."""
    source: str = ""
    """The address that the server saw."""

    @property
    def place(self) -> str:
        """`192.168.10.2:22`, `[fe80::1]:22`"""
        return _place(self.address, self.port)


# --- what hosts write, read


def way(item: Item) -> tuple[Step, ...] | Gap:
    """The path with its symlinks resolved, then each directory above it up to `/`; a gap where the host wrote no such thing."""
    return _read(item, _way)


def ran(item: Item) -> Ran | Gap:
    """What a command wrote; a gap where the host wrote no such thing."""
    return _read(item, _ran)


def process(item: Item) -> Process | Gap:
    """A process and where it listens; a gap where the host wrote no such thing."""
    return _read(item, _process)


def shown(item: Item) -> Shown | Gap:
    """What a server showed; a gap where that is not what was written down."""
    return _read(item, _shown)


def written(noun: Process | Shown) -> bytes:
    """A noun as the bytes of an Item, which `process` and `shown` read."""
    told = {each.name: getattr(noun, each.name) for each in fields(noun)}
    if isinstance(noun, Process):
        told["listens"] = [[each.protocol, each.address, each.port] for each in noun.listens]
    return json.dumps(told, ensure_ascii=True, separators=(",", ":"), default=dict).encode("ascii")


def _read(item: Item, reader: Callable[[Item], Noun]) -> Noun | Gap:
    if len(item.data) > LARGEST:
        return Gap(item.source, f"what the host says of it is longer than {LARGEST} bytes")
    try:
        return reader(item)
    except (TypeError, ValueError, RecursionError) as error:
        return Gap(item.source, f"what the host says of it makes no sense: {printable(str(error)[:200])}")


def _way(item: Item) -> tuple[Step, ...]:
    *records, end = item.data.split(b"\0", DEEPEST)
    if end or not records:
        raise ValueError("it has no end")
    steps = tuple(map(_step, records))
    for below, above in pairwise(steps):
        if above.path != (below.path.rpartition("/")[0] or "/") or below.path == "/" or not stat.S_ISDIR(above.mode):
            raise ValueError("it is no way up")
    if steps[-1].path != "/" or stat.S_ISLNK(steps[0].mode):
        raise ValueError("it does not lead to the root")
    return steps


def _step(record: bytes) -> Step:
    found = _RECORD.fullmatch(record)
    if not found or any(name in (b".", b"..") for name in found[4].split(b"/")):
        raise ValueError("a record of no status")
    mode, uid, gid = int(found[1], 8), int(found[2]), int(found[3])
    if stat.S_IFMT(mode) not in OF_MODE or max(uid, gid) > _MOST_ID:
        raise ValueError("a number that no status has")
    return Step(found[4].decode("utf-8", "surrogateescape"), mode, uid, gid)


def _ran(item: Item) -> Ran:
    line, newline, rest = item.data.partition(b"\n")
    out, end, complaints = rest.partition(b"\0")
    status = _STATUS.fullmatch(line)
    if not (status and newline and end) or b"\0" in complaints or int(status[1] or 0) > _MOST_STATUS:
        raise ValueError("it is not what a command comes to")
    return Ran(int(status[1]) if status[1] else None, out, complaints)


def _process(item: Item) -> Process:
    told = _object(item.data)
    pid = _number(told, "pid", 1, _MOST_PID)
    if item.source != (NOBODY if pid is None else f"/proc/{pid}"):
        raise ValueError("it is of another process")
    return Process(
        pid,
        _number(told, "parent", 0, _MOST_PID),
        _number(told, "uid", 0, _MOST_ID),
        _time(told["started"]),
        _text(told["program"]),
        _texts(told["arguments"]),
        _text(told["unit"]),
        tuple(map(_listening, _list(told["listens"]))),
    )


def _listening(told: object) -> Listening:
    match told:
        case ["tcp" | "udp" as protocol, str(address), int(port)] if 0 < port < _PORTS and not isinstance(port, bool):
            return Listening(protocol, _address(address), port)
    raise ValueError("it listens in no way that there is")


def _shown(item: Item) -> Shown:
    told = _object(item.data)
    port = _number(told, "port", 1, _PORTS - 1)
    lists = told["kexinit"]
    if port is None or not isinstance(lists, dict):
        raise ValueError("it shows nothing")
    return Shown(
        _text(told["address"]),
        port,
        _text(told["banner"]),
        {_text(name): _texts(algorithms) for name, algorithms in lists.items()},
        _text(told["host_key"]),
        _text(told["host_key_type"]),
        _text(told["user"]),
        _texts(told["methods"]),
        _address(_text(told["source"])) if told["source"] else "",
    )


def _object(data: bytes) -> "_Fields":
    """The fields of a JSON object in ASCII; one that is missing is told as any other mistake."""
    if len(data) > LARGEST_OBJECT:
        raise ValueError(f"it is longer than {LARGEST_OBJECT} bytes")
    told = json.loads(data.decode("ascii"), object_pairs_hook=_once, parse_constant=_no_constant)
    if not isinstance(told, dict):
        raise TypeError("it is no object")
    return _Fields(told)


class _Fields(dict[str, Any]):
    def __missing__(self, name: str) -> NoReturn:
        raise ValueError(f"{name} is missing")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(pairs)
    if len(told) < len(pairs):
        raise ValueError("a field stands twice")
    return told


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _number(told: Mapping[str, Any], name: str, low: int, high: int) -> int | None:
    number = told[name]
    if number is not None and (type(number) is not int or not low <= number <= high):
        raise ValueError(f"{name} is no number from {low} to {high}")
    return number


def _time(told: object) -> float | None:
    if told is None:
        return None
    if type(told) not in (int, float) or not 0 <= told < _MOST_SECONDS:  # type: ignore[operator]
        raise ValueError("started is no time")
    return float(told)  # type: ignore[arg-type]


def _text(told: object) -> str:
    """Text that stands for bytes: a lone surrogate is one that surrogateescape makes."""
    if not isinstance(told, str):
        raise TypeError("a field is no text")
    told.encode("utf-8", "surrogateescape")
    return told


def _texts(told: object) -> tuple[str, ...]:
    return tuple(map(_text, _list(told)))


def _list(told: object) -> list[Any]:
    if not isinstance(told, list):
        raise TypeError("a field is no list")
    return told


def _address(text: str) -> str:
    if "%" in text:
        raise ValueError("an address with a zone")
    ip_address(text)
    return text
