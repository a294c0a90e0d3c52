"""Host x needs -> evidence: each need is taken once, whoever asks for it, and stamped with time and digest."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from blake3 import blake3

from auditkit.answers import OF_SHELLS
from auditkit.errors import UntrustedError
from auditkit.hosts import Host, Limited, Past
from auditkit.model import ON_DISK, Evidence, Gap, Item, Means, Need
from auditkit.printable import few, printable

LARGEST = 256 << 20
"""Bytes of evidence from one host; what comes after them is a gap."""

SHELLS = ("gnu", "busybox")
"""What a host is asked through that has no Python."""
MOST_NAMED = 5
"""Paths that the gap of old evidence names."""

RUNNING = frozenset((Means.PROCESSES, Means.LISTENERS, Means.LIBRARIES))
"""What is of processes: programs whose files are deleted or never were any, sockets, libraries that were replaced."""
IN_MEMORY = ("/proc/", "/sys/", "/run/", "/var/run/", "/dev/shm/", "/tmp/")  # noqa: S108 - where to look
FLEETING = tuple(
    Need(Means.FILE, f"/proc/{what}", why, optional=True)
    for what, why in (
        *((f"net/{table}", "which connections there are") for table in ("tcp", "tcp6", "udp", "udp6", "unix")),
        ("net/arp", "which machines were spoken with"),
        *((f"net/{table}", "where packets go") for table in ("route", "ipv6_route")),
        ("uptime", "since when it runs"),
    )
)
"""What is gone first and no audit asks for: a person reads it."""

Clock = Callable[[], datetime]


def collect(host: Host, needs: Iterable[Need], clock: Clock) -> Evidence:
    """All that the needs ask of a host, what could not be had, and what could not be asked.

    Raises:
        HostError: the host cannot be asked at all.
        UntrustedError: recorded evidence is not what its digest says.
    """
    started = clock()
    asked = merged(needs)
    unasked = tuple(need for need in asked if need.optional and not gives(host, need))
    items: list[Item] = []
    gaps: dict[Gap, None] = {}
    for told in bounded(host.take(tuple(need for need in asked if need not in unasked))):
        match told:
            case Gap():
                gaps[told] = None
            case Item() if told.need in asked:
                stamp = stamped(told, clock)
                items.extend(replace(stamp, need=need) for need in asked[told.need])
            case Item():
                gaps[Gap(told.source, "the host sent it without being asked, so it is left out")] = None
    gaps.update(dict.fromkeys(_left_out(host, unasked)))
    return Evidence(host.name, started, tuple(items), tuple(gaps), unasked=unasked)


def gives(host: Host, need: Need) -> bool:
    """Whether a host can be asked this at all."""
    return not isinstance(host, Limited) or host.gives(need)


def _left_out(host: Host, unasked: tuple[Need, ...]) -> Iterator[Gap]:
    """Yield what was not asked for though a disk would show it: what old evidence knows nothing of, and no shell tells."""
    if host.facts.get("shell") in SHELLS:
        yield from _beyond(tuple(need for need in unasked if need.means not in OF_SHELLS))
        unasked = tuple(need for need in unasked if need.means in OF_SHELLS)
    if isinstance(host, Past):
        yield from _too_old(unasked)


def _too_old(unasked: tuple[Need, ...]) -> Iterator[Gap]:
    """Yield one gap for all files that evidence was not asked for; who judges without what runs knows it by himself."""
    paths = [printable(need.what) for need in unasked if need.means in ON_DISK]
    if paths:
        yield Gap("evidence", f"is older than what is asked for today: {few(paths, MOST_NAMED)}; take it again")


def _beyond(unasked: tuple[Need, ...]) -> Iterator[Gap]:
    """Yield a gap for what runs, and one for all else that a host without Python does not show, though a disk would."""
    running = dict.fromkeys(need for need in unasked if need.means in RUNNING)
    yield from (Gap(need.means, f"it takes Python on the host to see {printable(need.why or need.what)}") for need in running)
    unasked = tuple(need for need in unasked if need not in running)
    if any(need.means in ON_DISK for need in unasked):
        named = list(dict.fromkeys(need.why or need.what for need in unasked))
        more = f", and {len(named) - MOST_NAMED} things more" if len(named) > MOST_NAMED else ""
        yield Gap("evidence", f"it takes Python on the host to see {', '.join(map(printable, named[:MOST_NAMED]))}{more}")


def merged(needs: Iterable[Need]) -> dict[Need, tuple[Need, ...]]:
    """What to ask, and for which needs: of two that want the same, the more careful one decides."""
    return {_strictest(group): group for group in named(needs).values()}


def named(needs: Iterable[Need]) -> dict[tuple[str, str], tuple[Need, ...]]:
    """Needs by means and name: those that want the same stand together."""
    groups: dict[tuple[str, str], dict[Need, None]] = {}
    for need in needs:
        groups.setdefault((need.means, need.what), {})[need] = None
    return {name: tuple(group) for name, group in groups.items()}


def by_volatility(needs: Iterable[Need]) -> Iterator[tuple[Need, ...]]:
    """Yield needs in the order in which what they ask for is gone: what runs and what memory alone holds, then what lies on
    disks (RFC 3227, 2.1)."""
    all_of_them = tuple(needs)
    yield tuple(need for need in all_of_them if is_volatile(need))
    yield tuple(need for need in all_of_them if not is_volatile(need))


def is_volatile(need: Need) -> bool:
    """Whether what is asked for is gone when the machine is switched off, or sooner."""
    return need.means in RUNNING or (need.means is Means.COMMAND and not need.long) or need.what.startswith(IN_MEMORY)


def _strictest(group: tuple[Need, ...]) -> Need:
    return Need(
        group[0].means,
        group[0].what,
        "; ".join(dict.fromkeys(need.why for need in group if need.why)),
        secret=any(need.secret for need in group),
        optional=all(need.optional for need in group),
        long=any(need.long for need in group),
    )


def stamped(item: Item, clock: Clock) -> Item:
    """The item with its time and our digest; one that comes with a digest was taken before and keeps its time.

    Raises:
        UntrustedError: the digest it came with is not that of its bytes.
    """
    digest = f"blake3:{blake3(item.data).hexdigest()}"
    if not item.digest:
        return replace(item, taken=clock(), digest=digest)
    if item.digest != digest:
        raise UntrustedError(f"the evidence of {printable(item.source)} is not what its digest says", "take the evidence again")
    return item


def bounded(told: Iterable[Item | Gap]) -> Iterator[Item | Gap]:
    """Yield what a host tells until it is too much: a hostile one must not fill our memory."""
    left = LARGEST
    for one in told:
        if isinstance(one, Item):
            left -= len(one.data)
        if left < 0:
            yield Gap("evidence", f"more than {LARGEST >> 20} MiB; what came after that is left out")
            return
        yield one
