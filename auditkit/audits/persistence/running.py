"""Processes: what is loaded into them, what of them is not on the disk any more, and which of them hide."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_address

from auditkit import answers, processes
from auditkit.answers import DELETED, Listed, Listening
from auditkit.audits.persistence.seen import Seen, kind, may_change, whose
from auditkit.model import Finding, Gap, Kind, Means, Need, Quote, Rule, Severity
from auditkit.printable import few, printable
from auditkit.processes import MEMORY, Running, Views

ALL = Need(Means.PROCESSES, "all", "what runs, what is loaded into it, and whether anything hides")
NEEDS = (ALL,)

_KEEP = (
    "Evidence first, while it runs: cp /proc/PID/exe FILE; cat /proc/PID/maps; ls -l /proc/PID/fd; ss -tupn. Then"
    " systemctl status PID tells what started it, and kill -STOP PID stops it (undo: kill -CONT PID)."
)
PROCESS_HIDDEN = Rule(
    "process-hidden",
    "A process is there, and does not show",
    Severity.CRITICAL,
    "It answers to its number, or stands in a control group, and no list of /proc shows it; or something is mounted over"
    " its directory there. Nothing ordinary does that: rootkits do.",
    "Do not believe what this host says any more, and do not unmount anything: that changes the evidence. Take memory and"
    " disk to another machine: root:/mnt/disk from a rescue system.",
    ("proc(5)", "MITRE ATT&CK T1014", "MITRE ATT&CK T1564"),
)
PROCESS_IN_MEMORY = Rule(
    "process-in-memory",
    "A program runs that is on no disk",
    Severity.HIGH,
    "It was put into memory alone (memfd_create) and started from there, so that no file shows it and nothing is left"
    " after a restart. Few honest programs do that: container runtimes, to protect themselves.",
    _KEEP,
    ("memfd_create(2)", "MITRE ATT&CK T1620"),
)
PROCESS_DELETED = Rule(
    "process-deleted",
    "A program runs whose file was deleted, and no update explains it",
    Severity.HIGH,
    "Whoever has broken in starts a tool and deletes it, so that nobody finds it. After an update many services run a file"
    " that is gone, too: there a package has put a newer one in its place.",
    _KEEP,
    ("proc_pid_exe(5)", "MITRE ATT&CK T1070.004"),
)
PROCESS_OUTDATED = Rule(
    "process-outdated",
    "Services run programs that were updated since they started",
    Severity.INFO,
    "What was mended by the update is still open in these services. A process keeps the program that it was started with,"
    " until it is started anew.",
    "systemctl restart UNIT, or restart the machine.",
    ("needrestart(1)",),
)
PROCESS_FROM_TEMPORARY = Rule(
    "process-from-temporary",
    "A process runs code from a directory that everybody may write to",
    Severity.HIGH,
    "Programs and libraries of the system lie below /usr. What lies in /tmp, /var/tmp or /dev/shm was put there a moment"
    " ago, by a build, an installer, or somebody who has broken in.",
    _KEEP,
    ("proc_pid_maps(5)", "MITRE ATT&CK T1055", "MITRE ATT&CK T1036.005"),
)
PROCESS_PRELOADED = Rule(
    "process-preloaded",
    "A process was started with a library loaded into it",
    Severity.MEDIUM,
    "LD_PRELOAD and LD_AUDIT make a program run code that is not its own: that may watch or change all that it does. Some"
    " services set it on purpose, for another allocator for instance.",
    f"See where it is set: systemctl show UNIT -p Environment; tr '\\0' '\\n' < /proc/PID/environ. {_KEEP}",
    ("ld.so(8)", "MITRE ATT&CK T1574.006"),
)
PROCESS_DISGUISED = Rule(
    "process-disguised",
    "A process calls itself a thread of the kernel, and is none",
    Severity.CRITICAL,
    "Threads of the kernel stand in brackets in a list, and have no program. Whoever calls a program so does not want it"
    " to be seen.",
    _KEEP,
    ("proc_pid_cmdline(5)", "MITRE ATT&CK T1036.004"),
)
HEARS_PACKETS = Rule(
    "process-hears-packets",
    "A process hears all packets of an interface",
    Severity.MEDIUM,
    "It sees what passes by before any firewall does, and may wait for a sign to open a door, as BPFDoor does. Clients of"
    " DHCP and tools that measure traffic hear packets, too.",
    f"ss -0bp shows what it listens for. {_KEEP}",
    ("packet(7)", "MITRE ATT&CK T1205.002", "MITRE ATT&CK T1040"),
)
PROCESS_TALKS = Rule(
    "shell-on-a-connection",
    "A shell takes its orders from the network",
    Severity.CRITICAL,
    "Somebody somewhere else may be typing on this machine right now. The input of the shell is a connection of TCP and no"
    " terminal, as a reverse shell's is; inetd and units with StandardInput=socket start servers so, and hardly ever a shell.",
    f"ss -tnp shows to whom it is connected. {_KEEP}",
    ("proc_pid_fd(5)", "MITRE ATT&CK T1059.004"),
)
RULES = (
    *(PROCESS_HIDDEN, PROCESS_IN_MEMORY, PROCESS_DELETED, PROCESS_OUTDATED, PROCESS_FROM_TEMPORARY, PROCESS_PRELOADED),
    *(PROCESS_DISGUISED, HEARS_PACKETS, PROCESS_TALKS),
)
MOST = 20
MOST_QUOTES = 10
_RUNTIMES = re.compile(r"/memfd:(runc_cloned:/proc/self/exe|crun|lxc-\w+|doublemapper|sysbox\S*)[^/]*")
_NOT_CODE = re.compile(
    r"/memfd:(doublemapper|JITCode|pulseaudio|wayland|xshmfence|mozilla|gdk-wayland|sd-)|/SYSV[0-9a-f]{8}|/dev/zero"
    r"|/anon_hugepage|/i915|/\[aio\]|/drm mm"
)
_EVERYBODYS = re.compile(r"/(tmp|var/tmp|dev/shm)/")
_CLIENTS = (
    "dhclient dhcpcd udhcpc NetworkManager systemd-networkd connmand iwd wpa_supplicant hostapd avahi-autoipd lldpd ladvd"
)
_SERVERS = (
    "lldpad dhcpd kea-dhcp4 dnsmasq radvd keepalived qemu-system-x86_64 softflowd pmacctd suricata snort zeek arpwatch p0f"
)
_TOOLS = "tcpdump dumpcap wireshark tshark nmap arping arp-scan iftop nethogs ntopng"
_HEARS = frozenset(f"{_CLIENTS} {_SERVERS} {_TOOLS}".split())
"""Programs that hear packets by their trade."""
_BRACKETS = re.compile(
    r"\[[\w/:@.+-]+\]\Z|(?:kworker|ksoftirqd|migration|cpuhp|scsi_eh|kswapd|kthreadd|rcu_\w+|jbd2)(?:[/\d]\S*)?\Z"
)
_SHELLS = re.compile(r"(?:ba|da|z|k|c|tc|fi|a|mk)?sh|busybox")
_SCRIPTED = re.compile(
    r"(?:ba|da|z|k|c|tc|fi|a|mk)?sh|busybox|(?:python|perl|ruby|php|lua|node)[0-9.]*|[gm]?awk|socat|nc[.a-z]*|ncat"
)
_A_SECOND = 10**9


def judge(seen: Seen) -> Iterator[Finding | Gap]:
    """Yield what is odd of each process, and of all together; nothing of a disk, on which none runs."""
    told = [processes.read(item) for item in seen.of(ALL.means, ALL.what)]
    yield from (one for one in told if isinstance(one, Gap))
    every = [one for one in told if isinstance(one, Running)]
    views = next((one for one in told if isinstance(one, Views)), None)
    if views is not None:
        yield from _limits(views, every)
        yield from _hidden(views, every)
    yield from _grouped(finding for one in every for finding in _of_process(seen, one))
    yield from _outdated(seen, every)


def follow(seen: Seen) -> Iterator[Need]:
    """Yield what lies now where the programs were that are gone."""
    odd = (item for item in seen.of(ALL.means, ALL.what) if DELETED.encode() in item.data or b'"loads":[]' not in item.data)
    for one in map(processes.read, odd):
        if isinstance(one, Running) and _is_of_disk(one) and one.is_gone and not one.elsewhere:
            yield Need(
                Means.LISTING, one.program.removesuffix(DELETED), "whether an update has put another program in its place"
            )
        if isinstance(one, Running) and not one.elsewhere:
            yield from (Need(Means.LISTING, path, "whose libraries are loaded into processes") for path in _preloaded(one))


def _is_of_disk(one: Running) -> bool:
    return one.program.startswith("/") and not one.program.startswith(MEMORY)


def _preloaded(one: Running) -> list[str]:
    """The libraries that a variable makes it load, by their whole paths."""
    words = (
        word
        for text in one.loads
        if not text.startswith("LD_LIBRARY_PATH=")
        for word in re.split("[ :]", text.partition("=")[2])
    )
    return [word for word in words if word.startswith("/")][:MOST]


def _quotes(one: Running, *more: str) -> tuple[Quote, ...]:
    line = " ".join(one.arguments)[:200]
    return (
        *((Quote(f"/proc/{one.pid}/cmdline", 1, line),) if line else ()),
        *(Quote(f"/proc/{one.pid}", 0, text[:200]) for text in more),
    )


def _where(one: Running) -> str:
    unit = f", in {printable(one.unit)}" if one.unit.strip("/") else ""
    return f"{printable(one.shown)}{unit}"


# --- all together


def _limits(views: Views, every: Sequence[Running]) -> Iterator[Gap]:
    """Yield what could not be seen, or not be asked."""
    if views.uid:
        unseen = sum(not one.program and not one.kernel and not one.zombie for one in every)
        yield Gap("processes", f"what {unseen} of {len(every)} run, and whether any hides, only root sees")
    elif views.asked < views.most and not views.groups and views.asked:
        yield Gap("processes", f"whether any hides was only asked of the numbers up to {views.asked} of {views.most}")


def _hidden(views: Views, every: Sequence[Running]) -> Iterator[Finding]:
    known = {one.pid: one for one in every}
    for pid in dict.fromkeys((*views.hidden, *views.covered)):
        how = "something is mounted over its directory" if pid in views.covered else "the list of /proc leaves it out"
        one = known.get(pid)
        what = f"{_where(one)} runs {printable(one.program or '?')}" if one and pid not in views.covered else f"pid {pid}"
        yield Finding(PROCESS_HIDDEN, f"pid {pid}", f"{what}: {how}", PROCESS_HIDDEN.severity, _quotes(one) if one else ())
    if views.packets:
        message = f"{views.packets} sockets hear packets, and no process has them"
        yield Finding(HEARS_PACKETS, "packet sockets", message, Severity.HIGH, (Quote("/proc/net/packet", 0, message),))


# --- one by one


def _grouped(found: Iterable[Finding]) -> Iterator[Finding]:
    """Yield one finding for all processes that run the same program and break the same rule: the first, and how many more."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for one in found:
        groups.setdefault((one.rule.id, one.subject), []).append(one)
    for first, *rest in groups.values():
        severity = max(first.severity, *(one.severity for one in rest)) if rest else first.severity
        quotes = tuple(quote for one in (first, *rest) for quote in one.quotes)[:MOST_QUOTES]
        more = f"; so do {len(rest)} more" if rest else ""
        yield replace(first, message=first.message + more, severity=severity, quotes=quotes)


def _places(seen: Seen, one: Running) -> tuple[Listening, ...]:
    """Where a process listens, if anybody has asked that."""
    told = (answers.process(item) for item in seen.evidence.items if item.need.means is Means.LISTENERS)
    return next((each.listens for each in told if not isinstance(each, Gap) and each.pid == one.pid), ())


def _listens(seen: Seen, one: Running) -> str:
    """`, and listens on tcp 0.0.0.0:80`, or nothing."""
    places = [f"{each.protocol} {each.place}" for each in _places(seen, one)]
    return f", and listens on {few(places, 3)}" if places else ""


def _of_process(seen: Seen, one: Running) -> Iterator[Finding]:
    if one.kernel:
        return
    called = next((each for each in (*one.arguments[:1], one.name) if _BRACKETS.fullmatch(each)), "")
    if called and one.program:
        message = f"{_where(one)} calls itself {printable(called)} and runs {printable(one.program)}"
        yield Finding(PROCESS_DISGUISED, one.program, message, PROCESS_DISGUISED.severity, _quotes(one))
    yield from _talks(one)
    yield from _in_memory(seen, one)
    yield from _deleted(seen, one)
    yield from _temporary(one)
    yield from _loads(seen, one)
    if one.packet and answers.name_of(one.program) not in _HEARS and not one.elsewhere:
        yield Finding(
            HEARS_PACKETS,
            one.program or one.shown,
            f"{_where(one)} runs {printable(one.program)}",
            HEARS_PACKETS.severity,
            _quotes(one),
        )


def _talks(one: Running) -> Iterator[Finding]:
    """Yield a finding for a shell, or what does whatever it is told, whose input is a connection."""
    name = answers.name_of(one.program)
    if one.talks and _SCRIPTED.fullmatch(name):
        severity = PROCESS_TALKS.severity if _SHELLS.fullmatch(name) else Severity.HIGH
        message = f"{_where(one)} runs {printable(one.program)}, and its input is a connection of TCP"
        yield Finding(PROCESS_TALKS, one.program, message, severity, _quotes(one))


def _in_memory(seen: Seen, one: Running) -> Iterator[Finding]:
    code = [path for path in (*one.code, *one.memory) if path.startswith(MEMORY) and not _NOT_CODE.match(path)]
    if one.program.startswith(MEMORY) or code:
        path = one.program if one.program.startswith(MEMORY) else code[0]
        usual = _RUNTIMES.fullmatch(path) is not None
        severity = Severity.INFO if usual else PROCESS_IN_MEMORY.severity
        message = f"{_where(one)} runs {printable(path)}{_listens(seen, one)}"
        yield Finding(PROCESS_IN_MEMORY, one.program or path, message, severity, _quotes(one, *code[:3]))


def _deleted(seen: Seen, one: Running) -> Iterator[Finding]:
    """Yield a finding for a program that is gone, unless a package has put a newer one in its place."""
    if one.is_gone and _is_of_disk(one) and not _is_updated(seen, one) and not one.elsewhere:
        path = one.program.removesuffix(DELETED)
        node = seen.node(path)
        now = "nothing lies there now" if node is None else f"what lies there now: {whose(node)}"
        message = f"{_where(one)} runs {printable(path)}, which was deleted{_listens(seen, one)}; {now}"
        yield Finding(PROCESS_DELETED, path, message, PROCESS_DELETED.severity, _quotes(one))


def _is_updated(seen: Seen, one: Running) -> bool:
    """Whether a package owns the path, and what lies there came after the process."""
    node = seen.node(one.program.removesuffix(DELETED))
    if node is None or not node.packages or kind(node) is not Kind.FILE or one.started is None:
        return False
    return node.ctime >= (one.started - 1) * _A_SECOND and not may_change(node)


def _outdated(seen: Seen, every: Sequence[Running]) -> Iterator[Finding]:
    old = [one for one in every if one.is_gone and _is_of_disk(one) and not one.elsewhere and _is_updated(seen, one)]
    if old:
        names = ", ".join(dict.fromkeys(printable(answers.name_of(one.program)) for one in old[:10]))
        quotes = tuple(quote for one in old[:10] for quote in _quotes(one))
        reached = [one for one in old if any(not ip_address(each.address).is_loopback for each in _places(seen, one))]
        open_ones = ", ".join(dict.fromkeys(printable(answers.name_of(one.program)) for one in reached[:10]))
        message = f"{len(old)} of them: {names}" + (f"; of these listen for others: {open_ones}" if reached else "")
        severity = Severity.MEDIUM if reached else PROCESS_OUTDATED.severity
        yield Finding(PROCESS_OUTDATED, "processes", message, severity, quotes)


def _temporary(one: Running) -> Iterator[Finding]:
    scripts = one.arguments[1:4] if _SCRIPTED.fullmatch(answers.name_of(one.program)) else ()
    script = next((word for word in scripts if not word.startswith("-")), "")
    paths = dict.fromkeys(path for path in (one.program, *one.code, script) if _EVERYBODYS.match(path))
    if paths and not one.elsewhere:
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        message = f"{_where(one)} runs code of {printable(next(iter(paths)))}{more}"
        yield Finding(
            PROCESS_FROM_TEMPORARY, next(iter(paths)), message, PROCESS_FROM_TEMPORARY.severity, _quotes(one, *list(paths)[:3])
        )


def _loads(seen: Seen, one: Running) -> Iterator[Finding]:
    """Yield a finding for what a variable makes it load: more of one where a library is of no package."""
    forced = [text for text in one.loads if not text.startswith("LD_LIBRARY_PATH=") and not text.endswith("=")]
    if forced and not one.elsewhere:
        nodes = [seen.node(path) for path in _preloaded(one)]
        ends = [seen.end(node) if node is not None else None for node in nodes]
        ours = bool(ends) and all(isinstance(end, Listed) and end.packages for end in ends)
        severity = Severity.LOW if ours else PROCESS_PRELOADED.severity
        if any(_EVERYBODYS.match(path) for path in _preloaded(one)) or any(
            isinstance(end, Listed) and end.packages == () for end in ends
        ):
            severity = Severity.HIGH
        message = f"{_where(one)} runs {printable(one.program)} with {printable(forced[0])}"
        yield Finding(PROCESS_PRELOADED, one.program or one.shown, message, severity, _quotes(one, *forced[:3]))
