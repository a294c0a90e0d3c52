"""Who listens on this machine: one look at the kernel's tables of sockets, and one at the handles of every process.

Sockets of other network namespaces are of other machines, as it were. Processes come and go meanwhile: a socket is told of
where it stands in the table before or after, and is nobody's only where it stands in both.
"""

import errno
import os
import socket
import struct
import sys

from . import inside
from .hints import Callable, Dict, Iterable, Iterator, List, Optional, Set, Tuple
from .look import reason

TABLES = (("tcp", "tcp"), ("tcp6", "tcp"), ("udp", "udp"), ("udp6", "udp"))
"""Names in /proc/net, and the protocol of each."""
NOBODY = b"/proc/net"
"""The source of sockets whose process is not known."""
SERVERS = frozenset([b"sshd", b"dropbear", b"dropbearmulti", b"tinysshd", b"lshd"])
"""Programs that are SSH servers, told of even where they listen on nothing: something may hand them connections."""
PROCESSES = 10000
PLACES = 4096
"""Places where one process listens."""
ARGUMENTS = 128 << 10
"""Bytes of the arguments of one process."""
HANDLES = 500000
"""Handles of all processes that are looked at."""
TOO_MANY = "more than %d processes listen; the others are left out" % PROCESSES
TOO_LONG = "its arguments are longer than %d bytes" % ARGUMENTS
TOO_MANY_PLACES = "it listens in more than %d places" % PLACES
DELETED = b" (deleted)"
_TITLES = (b"sshd: ", b"sshd-session: ")
_STATES = {"tcp": b"0A", "udp": b"07"}
"""TCP_LISTEN; of UDP, bound and not connected (TCP_CLOSE)."""
_FIELDS = 10

Place = Tuple[str, str, int]
"""Protocol, address, port."""
Sockets = Dict[int, Set[Place]]
"""Where the sockets of each inode listen."""
Told = Tuple[bytes, Optional[bytes], str]


class Process:
    """What /proc tells of a process: number, name, parent, start in ticks, program, and the inodes of its sockets."""

    def __init__(self, pid: int, told: Tuple[bytes, int, int], program: bytes, handles: Set[int]) -> None:
        self.pid = pid
        self.name, self.parent, self.ticks = told
        self.program = program
        self.handles = handles


def listeners(optional: bool) -> Iterator[Told]:
    """Yield `/proc/PID` and a JSON object of every process that listens or is an SSH server, and what cannot be seen.

    Sockets of which no process is found are one object of no process, under `/proc/net`.
    """
    before, whys = _sockets()
    for path, why in whys:
        if not optional or why.errno not in inside.ABSENT:
            yield path, None, reason(why)
    processes, whole = _processes()
    after, _whys = _sockets()
    if not whole:
        yield b"/proc", None, "more than %d handles are open; whose the others are was not looked at" % HANDLES
    for number, (one, places) in enumerate(chosen(processes, before, after, arguments_of)):
        if number == PROCESSES:
            yield b"/proc", None, TOO_MANY
            break
        for told in _told(one, places):
            yield told
    left = nobodys(processes, before, after)
    if left:
        none: Dict[str, object] = {"pid": None, "parent": None, "uid": None, "started": None}
        yield NOBODY, _written(left[:PLACES], dict(none, program="", arguments=[], unit="")), ""


def chosen(
    processes: List[Process], before: Sockets, after: Sockets, arguments: Callable[[int], bytes]
) -> Iterator[Tuple[Process, List[Place]]]:
    """Yield those that listen with where they do, and SSH servers that do not, but for those of one connection."""
    known = {one.pid: one for one in processes}
    for one in processes:
        places = {place for table in (before, after) for inode in one.handles for place in table.get(inode, ())}
        if places or (is_server(one) and not _of_a_connection(one, known.get(one.parent), arguments)):
            yield one, sorted(places)


def nobodys(processes: Iterable[Process], before: Sockets, after: Sockets) -> List[Place]:
    """Where sockets listen that were there all the time, and that none of these processes has."""
    owned = {inode for one in processes for inode in one.handles}
    return sorted({place for inode in set(before) & set(after) - owned for place in before[inode]})


def is_server(process: Process) -> bool:
    """Whether it is an SSH server by its program, or by its name where the program cannot be seen."""
    return _base(process.program) in SERVERS or process.name in SERVERS


def _base(program: bytes) -> bytes:
    name = program.rpartition(b"/")[2]
    return name.partition(DELETED)[0]


def _of_a_connection(process: Process, parent: Optional[Process], arguments: Callable[[int], bytes]) -> bool:
    """Whether a server has started it for somebody who connected: its title says so, or its arguments are the same."""
    if parent is None or not is_server(parent):
        return False
    own = arguments(process.pid)
    return own.startswith(_TITLES) or (own != b"" and own == arguments(parent.pid))


# --- the tables of sockets


def _sockets() -> Tuple[Sockets, List[Tuple[bytes, OSError]]]:
    """Where sockets listen, by their inodes, and what of it cannot be seen."""
    found, whys = {}, []  # type: Tuple[Sockets, List[Tuple[bytes, OSError]]]
    for name, protocol in TABLES:
        path = "/proc/net/" + name
        try:
            with open(path, "rb") as table:
                add(found, table.read(inside.LIMIT), protocol, sys.byteorder)
        except OSError as error:
            if error.errno != errno.ENOENT or not name.endswith("6"):  # a kernel may have no IPv6
                whys.append((path.encode("ascii"), error))
    return found, whys


def add(found: Sockets, table: bytes, protocol: str, order: str) -> None:
    """Take in a table of /proc/net as proc_pid_net(5) has it; what is no row of it is passed over."""
    for line in table.split(b"\n")[1:]:
        fields = line.split(None, _FIELDS)
        if len(fields) < _FIELDS or fields[3] != _STATES[protocol]:
            continue
        address, _colon, port = fields[1].partition(b":")
        try:
            place = protocol, _address(address, order), int(port[:4], 16)
            found.setdefault(int(fields[9]), set()).add(place)
        except (ValueError, struct.error, OSError):
            continue


def _address(text: bytes, order: str) -> str:
    """An address of numbers of 32 bits, each as its bytes lie in memory."""
    words = [int(text[at : at + 8], 16) for at in range(0, len(text), 8)]
    data = struct.pack("%s%dI" % ("<" if order == "little" else ">", len(words)), *words)
    return socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, data)


# --- processes


def _processes() -> Tuple[List[Process], bool]:
    """Every process of our network that has not ended meanwhile, and whether all of their handles were looked at."""
    found, left = [], HANDLES  # type: Tuple[List[Process], int]
    net = _link(b"/proc/self/ns/net")
    for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
        try:
            told = _stat(pid)
        except (OSError, ValueError, IndexError):
            continue
        names = _names(b"/proc/%d/fd" % pid)[:left]
        left -= len(names)
        one = Process(pid, told, _link(b"/proc/%d/exe" % pid), set(_inodes(pid, names)))
        if not is_server(one) or _link(b"/proc/%d/ns/net" % pid) in (b"", net):
            found.append(one)
    return found, left > 0


def _link(path: bytes) -> bytes:
    """Where a link of /proc leads; nothing where that may not be seen."""
    try:
        return os.readlink(path)
    except OSError:
        return b""


def _stat(pid: int) -> Tuple[bytes, int, int]:
    with open("/proc/%d/stat" % pid, "rb") as file:
        return parsed(file.read(4096))


def parsed(stat: bytes) -> Tuple[bytes, int, int]:
    """Name, parent and start in ticks, of what proc_pid_stat(5) has; the name may hold blanks and parentheses.

    Raises:
        ValueError, IndexError: it is something else.
    """
    name, _, rest = stat.partition(b"(")[2].rpartition(b")")
    fields = rest.split()
    return name, int(fields[1]), int(fields[19])


def _names(folder: bytes) -> List[bytes]:
    try:
        return os.listdir(folder)
    except OSError:
        return []  # it has ended, or is not ours to look at


def _inodes(pid: int, names: List[bytes]) -> Iterator[int]:
    """Yield the inode of every socket among the handles of a process."""
    for name in names:
        inode = inode_of(_link(b"/proc/%d/fd/%s" % (pid, name)))
        if inode is not None:
            yield inode


def inode_of(link: bytes) -> Optional[int]:
    """The inode in `socket:[123]`; None where a handle leads elsewhere."""
    digits = link[8:-1]
    return int(digits) if link.startswith(b"socket:[") and digits.isdigit() else None


def arguments_of(pid: int) -> bytes:
    """The arguments of a process, each ended by NUL, as it shows them itself; nothing where they cannot be seen."""
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            return file.read(ARGUMENTS + 1)
    except OSError:
        return b""


def split(arguments: bytes) -> List[bytes]:
    """Arguments one by one; a title that is written over them is one, and the NULs behind it are none."""
    bare = arguments.rstrip(b"\0")
    return bare.split(b"\0") if bare else []


def unit(cgroup: bytes) -> bytes:
    """The control group that names the unit of systemd: of version 2, or systemd's own of version 1 (cgroups(7))."""
    groups = [line.split(b":", 2) for line in cgroup.split(b"\n") if line.count(b":") > 1]
    named = {group[1]: group[2] for group in groups}
    second = named.get(b"", b"")
    return named.get(b"name=systemd", second) if second in (b"", b"/") else second


def _told(process: Process, places: List[Place]) -> Iterator[Told]:
    source, uid = b"/proc/%d" % process.pid, _uid(process.pid)
    if uid is None:
        return  # it has ended meanwhile
    from . import hashes  # noqa: PLC0415 - only for who asks so

    arguments = arguments_of(process.pid)
    if len(arguments) > ARGUMENTS:
        yield source, None, TOO_LONG
        arguments = b""
    if len(places) > PLACES:
        yield source, None, TOO_MANY_PLACES
    known: Dict[str, object] = {
        "pid": process.pid,
        "parent": process.parent,
        "uid": uid,
        "started": _started(process.ticks),
        "program": _text(process.program),
        "arguments": [_text(hashes.scrubbed(each)) for each in split(arguments)],
        "unit": _text(unit(_some(b"/proc/%d/cgroup" % process.pid))),
    }
    yield source, _written(places[:PLACES], known), ""


def _written(places: Iterable[Place], known: Dict[str, object]) -> bytes:
    import json  # noqa: PLC0415 - only for who asks so

    return json.dumps(dict(known, listens=list(places)), separators=(",", ":")).encode("ascii")


def _uid(pid: int) -> Optional[int]:
    """The effective one: proc_pid_status(5)."""
    for line in _some(b"/proc/%d/status" % pid).split(b"\n"):
        if line.startswith(b"Uid:"):
            return int(line.split()[2])
    return None


def _started(ticks: int) -> Optional[float]:
    """Seconds since 1970 of a moment in ticks since the machine started."""
    for line in _some(b"/proc/stat").split(b"\n"):
        if line.startswith(b"btime "):
            return int(line.split()[1]) + ticks / float(os.sysconf("SC_CLK_TCK"))
    return None


def _some(path: bytes) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(inside.LIMIT)
    except OSError:
        return b""


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
