"""Who listens on this machine: one look at the kernel's tables of sockets, and one at the handles of every process.

Sockets of other network namespaces are of other machines, as it were. Processes come and go meanwhile: a socket is told of
where it stands in the table before or after, and is nobody's only where it stands in both.
"""

import errno
import os
import socket
import struct
import sys

from . import inside, procfs
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
HANDLES = 500000
"""Handles of all processes that are looked at."""
TOO_MANY = "more than %d processes listen; the others are left out" % PROCESSES
TOO_LONG = "its arguments are longer than %d bytes" % procfs.ARGUMENTS
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
    born = procfs.born()
    for number, (one, places) in enumerate(chosen(processes, before, after, procfs.arguments_of)):
        if number == PROCESSES:
            yield b"/proc", None, TOO_MANY
            break
        for told in _told(one, places, born):
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
    net = procfs.link(b"/proc/self/ns/net")
    for pid in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
        try:
            told = procfs.parsed(procfs.some(b"/proc/%d/stat" % pid, 4096))
        except (ValueError, IndexError):
            continue
        names = procfs.names(b"/proc/%d/fd" % pid)[:left]
        left -= len(names)
        one = Process(pid, told, procfs.link(b"/proc/%d/exe" % pid), set(_inodes(pid, names)))
        if not is_server(one) or procfs.link(b"/proc/%d/ns/net" % pid) in (b"", net):
            found.append(one)
    return found, left > 0


def _inodes(pid: int, names: List[bytes]) -> Iterator[int]:
    """Yield the inode of every socket among the handles of a process."""
    for name in names:
        inode = procfs.inode_of(procfs.link(b"/proc/%d/fd/%s" % (pid, name)))
        if inode is not None:
            yield inode


def _told(process: Process, places: List[Place], born: Optional[int]) -> Iterator[Told]:
    source, uid = b"/proc/%d" % process.pid, procfs.uid_of(procfs.some(b"/proc/%d/status" % process.pid))
    if uid is None:
        return  # it has ended meanwhile
    from . import hashes  # noqa: PLC0415 - only for who asks so

    arguments = procfs.arguments_of(process.pid)
    if len(arguments) > procfs.ARGUMENTS:
        yield source, None, TOO_LONG
        arguments = b""
    if len(places) > PLACES:
        yield source, None, TOO_MANY_PLACES
    known: Dict[str, object] = {
        "pid": process.pid,
        "parent": process.parent,
        "uid": uid,
        "started": procfs.started(born, process.ticks),
        "program": procfs.text(process.program),
        "arguments": [procfs.text(hashes.scrubbed(each)) for each in procfs.split(arguments)],
        "unit": procfs.text(procfs.unit(procfs.some(b"/proc/%d/cgroup" % process.pid))),
    }
    yield source, _written(places[:PLACES], known), ""


def _written(places: Iterable[Place], known: Dict[str, object]) -> bytes:
    import json  # noqa: PLC0415 - only for who asks so

    return json.dumps(dict(known, listens=list(places)), separators=(",", ":")).encode("ascii")
