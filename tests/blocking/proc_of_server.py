"""A server as its /proc tells of it, for blocks to be proposed on: evidence as it is taken, put together from texts."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_address

from auditkit.answers import Listening, Process, Shown, written
from auditkit.model import Evidence, Gap, Item, Means, Need
from auditkit.response.blocking import asking
from auditkit.response.blocking.around import surroundings
from auditkit.response.blocking.nouns import Known, Surroundings

TAKEN = datetime(2026, 11, 30, 21, 0, tzinfo=UTC)
FIB_TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.1
           /32 host LOCAL
     +-- 203.0.113.0/24 2 0 2
        |-- 203.0.113.0
           /24 link UNICAST
        |-- 203.0.113.2
           /32 host LOCAL
        |-- 203.0.113.255
           /32 link BROADCAST
     |-- 10.8.0.1
        /32 host LOCAL
"""
INET6 = """\
00000000000000000000000000000001 01 80 10 80       lo
20010db8000500000000000000000002 02 40 00 80     eth0
"""
NONE = f"{0:032x}"
ROUTE6 = f"""\
20010db8000500000000000000000000 40 {NONE} 00 {NONE} 00000100 1 0 00000001 eth0
fe800000000000000000000000000000 40 {NONE} 00 {NONE} 00000100 1 0 00000001 eth0
{NONE} 00 {NONE} 00 fe800000000000000000000000000001 00000400 1 0 00000003 eth0
ff000000000000000000000000000000 08 {NONE} 00 {NONE} 00000100 1 0 00000001 eth0
"""
SESSION = "# This is private data. Do not parse.\nUID=1000\nUSER=anna\nSTATE=active\nREMOTE=1\nREMOTE_HOST=192.0.2.20\n"
Connection = tuple[str, int, str, int, str]
"""Own address and port, the other's, and LISTEN or ESTABLISHED."""
LISTENS = ("0.0.0.0", 22, "0.0.0.0", 0, "LISTEN")
LISTENS6 = ("::", 22, "::", 0, "LISTEN")
STATES = {"ESTABLISHED": "01", "SYN_RECV": "03", "TIME_WAIT": "06", "LISTEN": "0A"}


def hexed(address: str, order: str = "<") -> str:
    """An address as /proc/net writes it: numbers of 32 bits as they lie in memory."""
    packed = ip_address(address).packed
    words = struct.unpack(f">{len(packed) // 4}I", packed)
    return "".join(f"{struct.unpack('>I', struct.pack(f'{order}I', word))[0]:08X}" for word in words)


def sockets(*rows: Connection, order: str = "<") -> str:
    """/proc/net/tcp or tcp6."""
    lines = ["  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"]
    for number, (own, port, other, other_port, state) in enumerate(rows):
        places = f"{hexed(own, order)}:{port:04X} {hexed(other, order)}:{other_port:04X}"
        lines.append(
            f"   {number}: {places} {STATES[state]} 00000000:00000000 00:00000000 00000000     0        0 1{number} 1 0 1"
        )
    return "\n".join(lines) + "\n"


def routes(*rows: tuple[str, str, str, str], order: str = "<") -> str:
    """/proc/net/route of device, net, gateway and mask."""
    lines = ["Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"]
    for device, to, gateway, mask in rows:
        words = (hexed(each, order) for each in (to, gateway, mask))
        lines.append("{}\t{}\t{}\t0003\t0\t0\t0\t{}\t0\t0\t0".format(device, *words))
    return "\n".join(lines) + "\n"


ROUTES = (
    ("eth0", "0.0.0.0", "203.0.113.1", "0.0.0.0"),
    ("eth0", "203.0.113.0", "0.0.0.0", "255.255.255.0"),
    ("wg0", "10.8.0.0", "0.0.0.0", "255.255.255.0"),
    ("wg0", "10.20.0.0", "10.8.0.7", "255.255.0.0"),
)
FILES = {
    asking.FIB: FIB_TRIE,
    asking.INET6: INET6,
    asking.ROUTE: routes(*ROUTES),
    asking.ROUTE6: ROUTE6,
    asking.TCP: sockets(LISTENS),
    asking.TCP6: sockets(LISTENS6),
    asking.RESOLV: "# made by hand\nnameserver 198.51.100.53\n",
}


@dataclass(frozen=True)
class Machine:
    """A server; each part of it can be another."""

    files: Mapping[Need, str] = field(default_factory=lambda: FILES)
    gaps: tuple[Gap, ...] = ()
    more: tuple[Item, ...] = ()

    def having(self, *items: Item, **files: str) -> "Machine":
        """The same with other files, by the names of the needs; an empty one is not there."""
        changed = {**self.files, **{getattr(asking, name): text for name, text in files.items()}}
        return Machine({need: text for need, text in changed.items() if text}, self.gaps, (*self.more, *items))

    def lacking(self, need: Need, reason: str) -> "Machine":
        """The same, one file of which cannot be read."""
        left = {each: text for each, text in self.files.items() if each != need}
        return Machine(left, (*self.gaps, Gap(need.what, reason)), self.more)

    @property
    def evidence(self) -> Evidence:
        """What was taken."""
        items = tuple(Item(need, need.what, text.encode(), TAKEN, "") for need, text in self.files.items())
        return Evidence("srv-01", TAKEN, (*items, *self.more), self.gaps)

    def seen(self, known: Known | None = None, *, over_ssh: bool = False) -> Surroundings:
        """What that comes to."""
        return surroundings(self.evidence, known or Known(), over_ssh=over_ssh)


def came_from(*rows: Connection) -> dict[str, str]:
    """The tables of a machine that has these connections besides its own listeners."""
    four = [row for row in rows if isinstance(ip_address(row[0]), IPv4Address)]
    six = [row for row in rows if isinstance(ip_address(row[0]), IPv6Address)]
    return {"TCP": sockets(LISTENS, *four), "TCP6": sockets(LISTENS6, *six)}


def listener(program: str, port: int, pid: int | None = 700) -> Item:
    """A process that listens."""
    told = written(Process(pid, 1, 0, None, program, (), "", (Listening("tcp", "0.0.0.0", port),)))
    source = f"/proc/{pid}" if pid else "/proc/net"
    return Item(asking.LISTENERS, source, told, TAKEN, "")


def wrote(need: Need, out: str, complaints: str = "", status: str = "0") -> Item:
    """What a command wrote."""
    return Item(need, need.what, f"{status}\n{out}\0{complaints}".encode(), TAKEN, "")


def there(need: Need) -> Item:
    """A path that is there."""
    assert need.means is Means.STATUS
    return Item(need, need.what, b"", TAKEN, "")


def greeted(source: str) -> Item:
    """What an SSH server showed who logged in from there."""
    told = written(Shown("203.0.113.2", 22, "SSH-2.0-OpenSSH_9.2p1", user="audit", source=source))
    return Item(asking.BANNER, "203.0.113.2:22", told, TAKEN, "")
