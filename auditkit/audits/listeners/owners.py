"""Whose the programs are that listen: a package's, nobody's, or gone."""

import re
from collections.abc import Iterator

from auditkit import processes
from auditkit.answers import Process
from auditkit.audits.listeners.installed import packages
from auditkit.audits.listeners.reach import of_port
from auditkit.audits.listeners.seen import Port, Seen, is_plain, script_of
from auditkit.model import Evidence, Finding, Gap, Means, Need, Rule, Severity
from auditkit.printable import few, printable
from auditkit.processes import Running

UNOWNED = Rule(
    "listener-unowned",
    "A program listens that no package has brought",
    Severity.LOW,
    "Nobody updates it with the system, and nothing vouches for it. Under /usr/local, /opt and /srv that is what somebody has"
    " installed by hand; in /usr itself, in a home or in /tmp it is what an intruder leaves.",
    "Find out what it is and who started it: ls -l /proc/PID/exe /proc/PID/cwd; systemctl status PID; ss -tnp for whom it"
    " talks to. If nobody knows it, leave it running until that is written down: auditkit incident open.",
    ("proc_pid_exe(5)", "ATT&CK T1543", "ATT&CK T1571"),
)
DELETED = Rule(
    "listener-program-deleted",
    "A program listens whose file is gone",
    Severity.HIGH,
    "Nobody can look any more at what answers there: it was updated and not restarted, or somebody did not want it to be"
    " found. The process runs from memory only; /proc/PID/exe still gives its content, until it ends.",
    "If its package was updated: systemctl restart UNIT. Else keep a copy before it ends: cp /proc/PID/exe /root/PID.exe, and"
    " find out who started it.",
    ("proc_pid_exe(5)", "needrestart(1)", "ATT&CK T1070.004"),
)
NO_PROCESS = Rule(
    "listener-without-process",
    "A port is open, and no process has it",
    Severity.MEDIUM,
    "The kernel itself listens for NFS, WireGuard or a network of containers. Where none of these runs, something hides a"
    " process from whoever looks.",
    "ss -ltunp as root; lsmod for nfsd, wireguard, vxlan. If none of them explains it, look at the disk from another system.",
    ("ss(8)", "ATT&CK T1014"),
)
RULES = (UNOWNED, DELETED, NO_PROCESS)

_WHY = "which package has brought a program that listens"
_BY_HAND = ("/usr/local/", "/opt/", "/srv/", "/snap/", "/var/lib/", "/nix/", "/gnu/")
"""Where people and other managers of packages put programs."""
_OF_PEOPLE = ("/home/", "/root/")
_NAMES_ARCHIVES = re.compile(r"java|mono|dotnet")
"""Interpreters whose arguments name many files, and seldom the one that counts."""
_PIPES = re.compile(r"nc[.a-z]*|ncat|socat")
"""What hands to whoever connects whatever it is told to."""
_KERNEL = {("tcp", 2049), ("udp", 2049), ("udp", 51820), ("udp", 4789), ("udp", 8472), ("udp", 6081), ("tcp", 3260)}
"""Ports on which the kernel itself listens: NFS, WireGuard, VXLAN, Geneve, iSCSI."""
MOST = 60
MOST_PORTS = 10


def follow(seen: Seen) -> Iterator[Need]:
    """What lies where the programs are that listen, and the scripts that they run."""
    paths = dict.fromkeys(
        path for port in seen.ports for path in (port.program, script_of(port)) if path and not port.contained
    )
    yield from (Need(Means.LISTING, path, _WHY) for path in [path for path in paths if is_plain(path)][:MOST])


def judge(evidence: Evidence, seen: Seen) -> Iterator[Finding | Gap]:
    """Yield what nobody owns, each program once."""
    told = set[str]()
    unknown = list[str]()
    for port in seen.ports:
        if port.listed or port.contained or port.process is None:
            continue
        what = f"{port.process.program} {' '.join(port.process.arguments[1:]) if port.interprets else ''}"
        if what in told:
            continue
        told.add(what)
        if port.deleted:
            yield from () if _is_told(evidence, port.process) else (_deleted(port),)
        elif not port.program:
            unknown.append(f"process {port.process.pid}")
        elif port.file is None or port.file.packages is None:
            unknown.append(port.program)
        elif not port.file.packages:
            yield of_port(UNOWNED, port, f"no package has brought {printable(port.program)}", _by_place(port.program))
        elif port.interprets:
            yield from _interpreted(port)
    if unknown:
        shown = few(list(map(printable, unknown)), MOST_PORTS)
        yield Gap("listeners", f"which package has brought them is not known: {shown}")
    yield from _nobodys(seen)


def _is_told(evidence: Evidence, process: Process) -> bool:
    """Whether `persistence`, which looks at all processes, says of this one that its file is gone, and where it listens."""
    source = f"/proc/{process.pid}"
    items = (item for item in evidence.items if item.need.means is Means.PROCESSES and item.source == source)
    told = (processes.read(item) for item in items)
    return any(isinstance(one, Running) and one.is_gone and not one.elsewhere for one in told)


def _by_place(path: str) -> Severity:
    if path.startswith(_OF_PEOPLE):
        return Severity.MEDIUM
    return UNOWNED.severity if path.startswith(_BY_HAND) else Severity.HIGH


def _interpreted(port: Port) -> Iterator[Finding]:
    """Of a program of a package that does what somebody tells it: its file, or its arguments, are what counts."""
    if port.script is not None and port.script.packages == ():
        what = f"{port.name} runs {printable(port.script.path)}, which no package has brought"
        yield of_port(UNOWNED, port, what, _by_place(port.script.path))
    elif port.script is None and port.process is not None and not _NAMES_ARCHIVES.fullmatch(port.name):
        words = printable(" ".join(port.process.arguments[1:])[:100])
        severity = Severity.MEDIUM if _PIPES.fullmatch(port.name) else UNOWNED.severity
        yield of_port(
            UNOWNED, port, f"{port.name} does what `{words}` says, and which package that is from is not told", severity
        )


def _deleted(port: Port) -> Finding:
    """Of a program whose file is gone; where a package has put a new one in its place, it waits for a restart."""
    if packages(port):
        what = f"{printable(port.program)} was replaced by its package, and still runs as it was before"
        return of_port(DELETED, port, what, Severity.MEDIUM)
    return of_port(DELETED, port, f"the file of {printable(port.program)} is gone")


def _nobodys(seen: Seen) -> Iterator[Finding | Gap]:
    """Yield ports of no process: who sees every process may say so, others do not know."""
    ports = [port for port in seen.ports if port.process is None and not port.listed]
    odd = [port for port in ports if (port.protocol, port.number) not in _KERNEL]
    if not odd:
        return
    places = few([f"{port.protocol} {port.number}" for port in odd], MOST_PORTS)
    if not _sees_all(seen):
        yield Gap("listeners", f"which process listens is not known without root: {places}")
        return
    quotes = tuple(port.quote for port in odd[:MOST_PORTS])
    yield Finding(NO_PROCESS, "ports of no process", f"{places}", NO_PROCESS.severity, quotes)


def _sees_all(seen: Seen) -> bool:
    """Whether the handles of more than one account could be looked at, which takes root."""
    return len({port.process.uid for port in seen.ports if port.process is not None}) > 1
