"""Host x policy -> blocks of entries in path order, and gaps.

The policy's `~` becomes the homes of that host; what the host says is streamed on, never held.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from blake3 import blake3

from auditkit import mounts, policy
from auditkit.errors import HostError
from auditkit.hosts import Host, Known
from auditkit.model import Gap, Item, Means, Mount, Need, Policy, State

PASSWD = Need(Means.FILE, "/etc/passwd", "where the home directories are", optional=False)
MACHINE_ID = Need(Means.FILE, "/etc/machine-id", "which machine this is")
HOSTNAME = Need(Means.FILE, "/etc/hostname", "which machine this is")
IDENTITY = (MACHINE_ID, HOSTNAME)
NEEDS = (PASSWD, *IDENTITY)

Progress = Callable[[int, int], None]
"""Told now and then how many entries and bytes have been seen."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a scan stands on: the policy with this host's homes in it, and its mounts."""

    policy: Policy
    """As written, with `~`."""
    watched: Policy
    """With each `~` expanded."""
    homes: tuple[str, ...]
    mounts: tuple[Mount, ...]
    machine: str | None
    """Which machine that is, as a digest of its machine-id(5) and its name, so that neither is told on."""
    gaps: tuple[Gap, ...] = ()


def ground(host: Host, wanted: Policy, also: tuple[str, ...] = (), needs: tuple[Need, ...] = NEEDS) -> Ground:
    """What is to be known of a host before its scan; `also` are homes that an earlier scan knew."""
    taken = list(host.take(needs))
    items = {item.need: item for item in taken if isinstance(item, Item)}
    gaps = tuple(gap for gap in taken if isinstance(gap, Gap))
    homes = policy.homes_of(_text(items.get(PASSWD)))
    known = tuple(dict.fromkeys((*also, *homes)))
    table = mounts.read(host.mounts())
    return Ground(wanted, policy.expand(wanted, known), homes, table, _machine(items), gaps)


def _text(item: Item | None) -> str:
    return item.data.decode("utf-8", "surrogateescape") if item else ""


def _machine(items: dict[Need, Item]) -> str | None:
    """Which machine it is; None where it has neither an id nor a name. A clone often keeps the id, and gets a name."""
    told = [items[need].data.strip() if need in items else b"" for need in (MACHINE_ID, HOSTNAME)]
    return f"blake3:{blake3(b'auditkit machine' + bytes(1) + bytes(1).join(told)).hexdigest()}" if any(told) else None


@dataclass(slots=True)
class Scan:
    """One scan under way: iterate for its blocks; `gaps` is whole when they have ended."""

    host: Host
    ground: Ground
    jobs: int
    progress: Progress
    seconds: float | None = None
    """How long it may take; what was not reached by then is a gap."""
    known: Known | None = None
    """The baseline's blocks, which a host over a network need not send again."""
    also: Callable[[Sequence[bytes]], None] | None = None
    """Told the blocks too, before whoever asked for them."""
    gaps: list[Gap] = field(default_factory=list)
    ended: State = State.OK
    """How the host has left the conversation; it is asked no more unless this is ok."""
    entries: int = 0
    read: int = 0

    def as_far_as_it_goes(self) -> Iterator[bytes]:
        """Yield its blocks; where the host falls silent on the way, what came before counts, and the rest is a gap."""
        try:
            yield from self
        except HostError as error:
            self.broke(error)

    def broke(self, error: HostError, over: str = "/", so: str = "not seen to the end") -> None:
        """Keep in mind that the host has fallen silent, or contradicts itself, and over what."""
        self.gaps.append(Gap(over, f"{so}: {error.whole}"))
        self.ended = error.state

    def __iter__(self) -> Iterator[bytes]:
        self.gaps.extend(self.ground.gaps)
        for told in self.host.scan(self._request(), self.known):
            match told:
                case ("blocks", blocks):
                    if self.also:
                        self.also(blocks)
                    yield from blocks
                case ("gap", path, reason):
                    self.gaps.append(Gap(path, reason))
                case ("seen", entries, read):
                    self.entries, self.read = self.entries + entries, self.read + read
                    self.progress(self.entries, self.read)

    def _request(self) -> dict[str, object]:
        watches = self.ground.watched.watches
        return {
            "watches": [[watch.path, str(watch.level), watch.keep, watch.cross_mounts] for watch in watches],
            "digests": list(self.ground.policy.digests),
            "jobs": self.jobs,
            "seconds": self.seconds,
        }
