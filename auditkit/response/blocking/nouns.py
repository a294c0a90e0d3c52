"""The nouns of a block that is proposed: who must never be blocked, what is to be, and what a person may paste."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum, IntEnum

from auditkit.model import Gap
from auditkit.printable import counted
from auditkit.response.blocking.addresses import Network

MOST_OURS = 256
"""Own networks that lists of who is let in may hold, besides those that a person has named."""


class Trust(IntEnum):
    """How far somebody who is never blocked is let in."""

    SPARED = 0
    """Never blocked: a gateway, a name server."""
    OURS = 1
    """On the lists, too, of what no rule of ours may touch: the own networks."""
    NAMED = 2
    """On every list, also where that opens a port: the own SSH client, and who was named with --allow."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """Somebody who is never blocked."""

    network: Network
    what: str
    """Who that is, as it may be shown."""
    trust: Trust = Trust.SPARED


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is connected right now, to a port where people of ours work, or who is logged in."""

    address: Network
    how: str
    """As it may be shown."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known before a machine is asked: of whoever asks, and of the office."""

    guarded: tuple[Guarded, ...] = ()
    ports: tuple[int, ...] = ()
    """At which people of ours have come in."""
    grave: tuple[Gap, ...] = ()


class Ends(Enum):
    """What takes a block away again where its own tool does not."""

    SYSTEMD = "systemd-run"
    AT = "at"
    SLEEP = "sleep"


@dataclass(frozen=True, slots=True)
class Seen:
    """A tool that could block, on the machine that was looked at."""

    tool: str
    installed: bool
    active: bool


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a machine has around it that a block must not hit, and what there is to block with."""

    host: str
    """As auditkit calls it, and as it may be shown."""
    taken: datetime
    guarded: tuple[Guarded, ...] = ()
    sessions: tuple[Session, ...] = ()
    linked: tuple[Session, ...] = ()
    """Whom this machine itself has connected to."""
    gaps: tuple[Gap, ...] = ()
    """What could not be found out, and does not keep anybody out."""
    grave: tuple[Gap, ...] = ()
    """What could not be found out, so that a block might hit its own admin."""
    tools: tuple[Seen, ...] = ()
    ssh_ports: tuple[int, ...] = ()
    openssh: tuple[int, int] | None = None
    """Its version, 9.2; None where it is not known."""
    ends: Ends = Ends.SLEEP


@dataclass(frozen=True, slots=True)
class Wish:
    """A block that a person asks for; nothing in it is text that somebody else has written."""

    target: Network
    seconds: int
    ports: tuple[int, ...]
    """Ports of TCP; none of them means all that it sends."""
    ours: tuple[Network, ...]
    """Whom no rule may touch: loopback first."""
    named: tuple[Network, ...]
    """Who may be let in by a rule."""
    case: str = ""
    """The id of the case, if it is one."""
    openssh: tuple[int, int] | None = None
    ends: Ends = Ends.SLEEP

    @property
    def doors(self) -> str:
        """`port 22`, `ports 22 and 2222`, `every port`."""
        if not self.ports:
            return "every port"
        *first, last = map(str, self.ports)
        return f"ports {', '.join(first)} and {last}" if first else f"port {last}"

    @property
    def time(self) -> str:
        """`3 minutes`, `2 hours`, `90 seconds`."""
        for size, noun in ((3600, "hour"), (60, "minute")):
            if self.seconds % size == 0:
                return counted(self.seconds // size, noun)
        return counted(self.seconds, "second")


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done next, why, and the lines that do it."""

    what: str
    lines: tuple[str, ...] = ()
    optional: bool = False
    """Whether it is only for who wants more: such lines are shown as a remark."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A block that a person may apply."""

    tool: str
    does: str
    """What it comes to, in a sentence."""
    steps: tuple[Step, ...]
    """In their order: what is checked, who is let in, what takes it away again, and only then the block."""
    look: tuple[str, ...]
    """What shows that it stands."""
    undo: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """All that is to be pasted."""
        return tuple(line for step in self.steps if not step.optional for line in step.lines)
