"""What evidence that is no file says, as typed nouns: modes on the way to a path, what a command wrote, who listens, what a
server showed.

Hosts write these forms (auditkit/probe, auditkit/hosts), judges read them here; each reader is strict, for hosts lie.
"""

import dataclasses
import json
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from itertools import pairwise
from typing import TypeVar

from auditkit import fields
from auditkit.model import OF_MODE, Gap, Item, Means
from auditkit.printable import printable

SIDE_BY_SIDE = 16
"""Hosts of a fleet that are judged at the same time: of the evidence of so many is kept what was made of it."""
OF_SHELLS = frozenset((Means.FILE, Means.STATUS, Means.LISTENERS, Means.COMMAND, Means.BANNER, Means.PORT, Means.LOG))
"""What a host without Python gives, through the tools of its shell; all else only the probe does."""
LARGEST = 16 << 20
"""Bytes of one answer."""
DEEPEST = 4097
"""Records of one way, and the rest behind them."""
DELETED = " (deleted)"
"""What stands behind the path of a program whose file is gone: proc_pid_exe(5)."""
NOBODY = "/proc/net"
"""The source of sockets whose process is not known."""
_RECORD = re.compile(rb"([0-7]{5,7}) ([0-9]{1,10}) ([0-9]{1,10}) (/|(?:/[^/]+)+)", re.DOTALL)
_STATUS = re.compile(rb"-|([0-9]{1,3})")
MOST_TIMES = 1 << 17
"""Records of one answer."""
_SECONDS = re.compile(rb"[0-9]{1,11}")
_MOST_STATUS = 255
_DEVICE = re.compile(r"[0-9]{1,10}:[0-9]{1,10}", re.ASCII)
_MOST_ID = (1 << 32) - 1
_MOST_MODE = 0o177777
_MOST_TIME = (1 << 63) - 1
_MOST_PID = 1 << 22
"""PID_MAX_LIMIT: proc(5)."""
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
class Listed:
    """What lies at a path, no symlink followed at its end: one Item of `Means.LISTING` or `Means.UNOWNED`."""

    path: str
    mode: int
    """All of st_mode, the type of the node too."""
    uid: int
    gid: int
    size: int
    links: int
    mtime: int
    """Nanoseconds since 1970."""
    ctime: int
    """The same, of the last change of its status, which nobody can set."""
    target: str | None
    """Where it leads if it is a symlink."""
    capabilities: str | None
    """`security.capability` in hex."""
    packages: tuple[str, ...] | None
    """Which packages have put it there, none of them if it is nobody's; None where that is not known."""
    birth: int | None = None
    """When it came into being on this file system, which nobody can set; None where that is not told, or was not asked."""
    acl: str | None = None
    """`system.posix_acl_access` in hex, of what others may write to."""
    rdev: str | None = None
    """Which device it is: `8:1`."""


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
    return read(item, _way)


def listed(item: Item) -> Listed | Gap:
    """What lies at a path; a gap where the host wrote no such thing."""
    return read(item, _listed)


def ran(item: Item) -> Ran | Gap:
    """What a command wrote; a gap where the host wrote no such thing."""
    return read(item, _ran)


def process(item: Item) -> Process | Gap:
    """A process and where it listens; a gap where the host wrote no such thing."""
    return read(item, _process)


def shown(item: Item) -> Shown | Gap:
    """What a server showed; a gap where that is not what was written down."""
    return read(item, _shown)


def written(noun: Process | Shown) -> bytes:
    """A noun as the bytes of an Item, which `process` and `shown` read."""
    told = {each.name: getattr(noun, each.name) for each in dataclasses.fields(noun)}
    if isinstance(noun, Process):
        told["listens"] = [[each.protocol, each.address, each.port] for each in noun.listens]
    return json.dumps(told, ensure_ascii=True, separators=(",", ":"), default=dict).encode("ascii")


def read(item: Item, reader: Callable[[Item], Noun]) -> Noun | Gap:
    """What a reader makes of an item, or a gap where it takes it for nothing that a host writes."""
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


def _listed(item: Item) -> Listed:
    told = fields.parsed(item.data)
    mode, packages = fields.number(told, "mode", 0, _MOST_MODE), told["packages"]
    if mode is None or stat.S_IFMT(mode) not in OF_MODE or (told["target"] is not None) != stat.S_ISLNK(mode):
        raise ValueError("a mode that no node has")
    if packages is not None and item.need.means is Means.UNOWNED and packages:
        raise ValueError("it is owned")
    uid, gid = (fields.whole(told, name, 0, _MOST_ID) for name in ("uid", "gid"))
    size, links, mtime, ctime = (
        fields.whole(told, name, -_MOST_TIME, _MOST_TIME) for name in ("size", "links", "mtime", "ctime")
    )
    return Listed(
        *(item.source, mode, uid, gid, size, links, mtime, ctime),
        None if told["target"] is None else fields.text(told["target"]),
        None if told["capabilities"] is None else bytes.fromhex(fields.text(told["capabilities"])).hex(),
        None if packages is None else fields.texts(packages),
        fields.number(told, "birth", -_MOST_TIME, _MOST_TIME) if "birth" in told else None,
        bytes.fromhex(fields.text(told["acl"])).hex() if told.get("acl") is not None else None,
        _device(fields.text(told["rdev"])) if told.get("rdev") is not None else None,
    )


def _device(text: str) -> str:
    if not _DEVICE.fullmatch(text):
        raise ValueError("no numbers of a device")
    return text


def _ran(item: Item) -> Ran:
    line, newline, rest = item.data.partition(b"\n")
    out, end, complaints = rest.partition(b"\0")
    status = _STATUS.fullmatch(line)
    if not (status and newline and end) or b"\0" in complaints or int(status[1] or 0) > _MOST_STATUS:
        raise ValueError("it is not what a command comes to")
    return Ran(int(status[1]) if status[1] else None, out, complaints)


def _process(item: Item) -> Process:
    told = fields.parsed(item.data)
    pid = fields.number(told, "pid", 1, _MOST_PID)
    if item.source != (NOBODY if pid is None else f"/proc/{pid}"):
        raise ValueError("it is of another process")
    return Process(
        pid,
        fields.number(told, "parent", 0, _MOST_PID),
        fields.number(told, "uid", 0, _MOST_ID),
        fields.moment(told["started"]),
        fields.text(told["program"]),
        fields.texts(told["arguments"]),
        fields.text(told["unit"]),
        tuple(map(_listening, fields.items(told["listens"]))),
    )


def _listening(told: object) -> Listening:
    match told:
        case ["tcp" | "udp" as protocol, str(address), int(port)] if 0 < port < _PORTS and not isinstance(port, bool):
            return Listening(protocol, _address(address), port)
    raise ValueError("it listens in no way that there is")


def _shown(item: Item) -> Shown:
    told = fields.parsed(item.data)
    port = fields.number(told, "port", 1, _PORTS - 1)
    lists = told["kexinit"]
    if port is None or not isinstance(lists, dict):
        raise ValueError("it shows nothing")
    return Shown(
        fields.text(told["address"]),
        port,
        fields.text(told["banner"]),
        {fields.text(name): fields.texts(algorithms) for name, algorithms in lists.items()},
        fields.text(told["host_key"]),
        fields.text(told["host_key_type"]),
        fields.text(told["user"]),
        fields.texts(told["methods"]),
        _address(fields.text(told["source"])) if told["source"] else "",
    )


def _address(text: str) -> str:
    if "%" in text:
        raise ValueError("an address with a zone")
    ip_address(text)
    return text


def times(item: Item) -> Mapping[str, datetime] | Gap:
    """When each path was last written to: `Means.TIMES`; a gap where the host wrote no such thing."""
    return read(item, _times)


def _times(item: Item) -> Mapping[str, datetime]:
    *records, end = item.data.split(b"\0", MOST_TIMES)
    if end:
        raise ValueError("it has no end")
    pairs = (record.partition(b" ") for record in records)
    return {path.decode("utf-8", "surrogateescape"): _moment(seconds) for seconds, _blank, path in pairs}


def _moment(seconds: bytes) -> datetime:
    if not _SECONDS.fullmatch(seconds):
        raise ValueError("a time that is none")
    return datetime.fromtimestamp(int(seconds), UTC)


@dataclass(frozen=True, slots=True)
class Holding:
    """A process that runs code of files that are gone: one Item of `Means.LIBRARIES`."""

    pid: int
    program: str
    unit: str
    libraries: tuple[str, ...]


def holding(item: Item) -> Holding | Gap:
    """A process with the libraries that it holds on to; a gap where the host wrote no such thing."""
    return read(item, _holding)


def _holding(item: Item) -> Holding:
    *words, end = item.data.decode("utf-8", "surrogateescape").split("\0")
    pid = item.source.removeprefix("/proc/")
    if end or len(words) < 3 or not pid.isdecimal() or len(pid) > 9:
        raise ValueError("it is not what a process holds on to")
    return Holding(int(pid), words[0], words[1], tuple(words[2:]))
