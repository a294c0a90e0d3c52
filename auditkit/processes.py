"""What a host says of its processes, as typed nouns: one Item of `Means.PROCESSES` each, and one of all of them together.

Hosts write this form (auditkit/probe/processes.py), judges read it here.
"""

from dataclasses import dataclass

from auditkit import answers, fields
from auditkit.answers import DELETED
from auditkit.model import Gap, Item

ALL = "/proc"
"""The source of what is said of all processes together."""
MEMORY = "/memfd:"
"""What begins the name of a file that lies in memory alone: memfd_create(2)."""
_MOST_PID = 1 << 22
_MOST_ID = (1 << 32) - 1
_MOST = 1 << 40


@dataclass(frozen=True, slots=True)
class Running:
    """A process that runs on a host, as that host tells of it."""

    pid: int
    parent: int | None
    uid: int | None
    started: float | None
    """Seconds since 1970."""
    name: str
    """Up to 15 bytes that it may choose: comm in proc(5)."""
    program: str
    """The file it runs, ` (deleted)` behind it if it is gone; empty where it is not known, and of the kernel's own threads."""
    arguments: tuple[str, ...]
    """All of them only of what is odd, else the first."""
    unit: str
    """The control group, which names the unit of systemd."""
    kernel: bool
    """Whether it is a thread of the kernel."""
    zombie: bool
    elsewhere: bool
    """Whether its root is another directory: a container, as it were."""
    loads: tuple[str, ...]
    """Variables of its environment that ld.so(8) obeys: `LD_PRELOAD=/tmp/x.so`."""
    code: tuple[str, ...]
    """Files that it runs code of, as far as they lie in memory, in directories of everybody, or are gone."""
    memory: tuple[str, ...]
    """Handles of programs that lie in memory alone."""
    packet: bool
    """Whether it hears packets as they come from the network: packet(7)."""
    talks: bool = False
    """Whether its input is a connection of TCP; of old evidence that is not known."""

    @property
    def shown(self) -> str:
        """`sleep (pid 812, uid 0)`"""
        return f"{self.name or '?'} (pid {self.pid}, uid {'?' if self.uid is None else self.uid})"

    @property
    def is_gone(self) -> bool:
        """Whether the file that it runs is not there any more."""
        return self.program.endswith(DELETED)


@dataclass(frozen=True, slots=True)
class Views:
    """What the ways to look at processes come to, held against each other."""

    uid: int
    """Who has looked: others than root see little."""
    asked: int
    """Up to which number it was asked whether there is a process."""
    most: int
    """Up to which there may be one."""
    groups: bool
    """Whether control groups named all of theirs."""
    hidden: tuple[int, ...]
    """Processes that are there and that the list does not show."""
    covered: tuple[int, ...]
    """Processes whose directory something is mounted over."""
    packets: int
    """Sockets that hear packets, and that no process has."""


def read(item: Item) -> Running | Views | Gap:
    """A process, or what all of them come to; a gap where the host wrote no such thing."""
    return answers.read(item, _views if item.source == ALL else _running)


def _running(item: Item) -> Running:
    told = fields.parsed(item.data)
    pid = fields.whole(told, "pid", 1, _MOST_PID)
    if item.source != f"{ALL}/{pid}":
        raise ValueError("it is of another process")
    return Running(
        pid=pid,
        parent=fields.number(told, "parent", 0, _MOST_PID),
        uid=fields.number(told, "uid", 0, _MOST_ID),
        started=fields.moment(told["started"]),
        name=fields.text(told["name"]),
        program=fields.text(told["program"]),
        arguments=fields.texts(told["arguments"]),
        unit=fields.text(told["unit"]),
        kernel=fields.truth(told, "kernel"),
        zombie=fields.truth(told, "zombie"),
        elsewhere=fields.truth(told, "elsewhere"),
        loads=fields.texts(told["loads"]),
        code=fields.texts(told["code"]),
        memory=fields.texts(told["memory"]),
        packet=fields.truth(told, "packet"),
        talks=fields.truth(told, "talks") if "talks" in told else False,
    )


def _views(item: Item) -> Views:
    told = fields.parsed(item.data)
    return Views(
        uid=fields.whole(told, "uid", 0, _MOST_ID),
        asked=fields.whole(told, "asked", 0, _MOST),
        most=fields.whole(told, "most", 0, _MOST),
        groups=fields.truth(told, "groups"),
        hidden=_pids(told["hidden"]),
        covered=_pids(told["covered"]),
        packets=fields.whole(told, "packets", 0, _MOST),
    )


def _pids(told: object) -> tuple[int, ...]:
    found = fields.items(told)
    if any(type(each) is not int or not 0 < each <= _MOST_PID for each in found):
        raise ValueError("a number of a process that none has")
    return tuple(found)
