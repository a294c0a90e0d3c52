"""Which SSH servers a host has: those that run, and the one that /etc/ssh/sshd_config configures."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from auditkit import answers, banners
from auditkit.access import arguments, inetd, needs, views
from auditkit.access.arguments import Started
from auditkit.access.needs import SSHD
from auditkit.access.nouns import title
from auditkit.answers import Process, Shown, name_of
from auditkit.banners import Heard
from auditkit.model import Evidence, Gap, Item, Means
from auditkit.sshd.effective import MAIN, VENDOR

KINDS = {"sshd": "openssh", "dropbear": "dropbear", "dropbearmulti": "dropbear", "tinysshd": "tinyssh"}
"""Servers by the name of their program."""
NO_FILE = ("none", "/dev/null")
"""What after -f is no file: sshd.c of OpenSSH reads none of the first name, and nothing in the second."""
SESSIONS = ("sshd-session", "sshd-auth")
HOLDERS = ("systemd", "init", "inetd", "xinetd", "busybox", "tcpsvd", "tcpserver", "s6-tcpserver", "s6-ipcserver")
"""Programs that listen for others."""
_CONTAINER = re.compile(r"docker|containerd|kubepods|libpod|crio|lxc|machine\.slice")


@dataclass(frozen=True, slots=True)
class Found:
    """A server, before its configuration is read."""

    kind: str
    program: str
    process: Process | None
    started: Started
    shown: tuple[Shown, ...]
    running: bool | None
    unseen: bool = False
    """Whether it may run as a process that could not be seen."""
    apart: tuple[str, ...] = ()
    """The files that it sees otherwise than this audit does."""
    distinct: str = ""
    """What tells it from another one that would be called the same."""
    usual: str = MAIN
    """The file that configures it where it is told of no other one."""

    @property
    def contained(self) -> str:
        """Where it runs, in words, so that its files are not those of the host; empty where they are."""
        if self.process is not None and _CONTAINER.search(self.process.unit) is not None:
            return "it runs in a container"
        return f"it sees others than the host's in place of {views.shown(self.apart)}" if self.apart else ""

    @property
    def main(self) -> str:
        """The file that configures it, of an OpenSSH."""
        return (self.started.main or self.usual) if self.kind == "openssh" else ""

    @property
    def bare(self) -> bool:
        """Whether it was started with no file at all: what its command line does not say is as by default."""
        return self.main.lower() in NO_FILE


def found(evidence: Evidence) -> tuple[tuple[Found, ...], tuple[Gap, ...]]:
    """The servers of a host, those that run first; none where nothing points to one."""
    told = tuple(needs.read(evidence, needs.LISTENERS, answers.process))
    shown = tuple(needs.read(evidence, needs.BANNER, answers.shown))
    gaps = tuple(one for one in (*told, *shown) if isinstance(one, Gap))
    processes = tuple(one for one in told if isinstance(one, Process))
    shows = tuple(one for one in shown if isinstance(one, Shown))
    running = [_running(evidence, each, shows) for each in processes if _is_server(each, processes)]
    left = tuple(show for show in shows if not any(show in each.shown for each in running))
    others = tuple(_others(evidence, running, processes, left))
    return _apart((*running, *others, *_behind_others(evidence, (*running, *others), processes))), gaps


def _apart(servers: tuple[Found, ...]) -> tuple[Found, ...]:
    """The servers, each with what tells it from those that were started otherwise and would be called the same."""
    same = defaultdict[str, dict[tuple[str, ...], Found]](dict)
    for each in servers:
        same[_called(each)].setdefault(each.started.lines, each)
    return tuple(replace(each, distinct=_difference(each.started.lines, same[_called(each)])) for each in servers)


def _called(server: Found) -> str:
    return title(server.program, server.main, server.started.lines) if server.kind == "openssh" else ""


def _difference(lines: tuple[str, ...], same: Mapping[tuple[str, ...], Found]) -> str:
    """The port where only one has it, else the process; nothing for the one whose command line adds no line."""
    process = same[lines].process
    if len(same) == 1 or not lines or process is None:
        return ""
    ports = [each.process.ports[:1] for each in same.values() if each.process]
    mine = process.ports[:1]
    return f"on port {mine[0]}" if mine and ports.count(mine) == 1 else f"process {process.pid}"


def hidden(evidence: Evidence) -> str:
    """Why a host may have a server though none was found; empty where it surely has none that is called so."""
    if evidence.host.startswith(needs.DISK):
        return "whether one is started from this disk is not known; none is configured where they usually are"
    told = [one for one in needs.read(evidence, needs.LISTENERS, answers.process) if not isinstance(one, Gap)]
    if any(one.pid is None and one.ports for one in told):
        return "which programs listen cannot all be seen; as root they can"
    return (
        ""
        if any(one.pid is not None for one in told)
        else "none was found, and nothing else that listens: who does was not seen"
    )


def kind_of(program: str) -> str:
    """What a server is by its program; empty where that is none."""
    return KINDS.get(name_of(program), "")


def kind(process: Process) -> str:
    """What server a process is, by its program or else by the title that only sshd gives itself; empty where it is none."""
    return kind_of(process.program) or ("openssh" if process.listens and arguments.is_waiting(process) else "")


def is_disguised(process: Process) -> bool:
    """Whether it is an sshd by its title, and its program has another name."""
    return bool(process.program) and not kind_of(process.program) and bool(kind(process))


def _is_server(process: Process, all_of_them: tuple[Process, ...]) -> bool:
    """Whether a process waits for logins: not that of one login, which may listen for what it forwards."""
    if not kind(process) or name_of(process.program) in SESSIONS:
        return False
    parent = next((each for each in all_of_them if each.pid is not None and each.pid == process.parent), None)
    child = parent is not None and kind(parent) == kind(process)
    if child and (arguments.is_session(process) or not process.listens):
        return False
    return bool(process.listens) or not arguments.is_session(process)


def _running(evidence: Evidence, process: Process, shows: tuple[Shown, ...]) -> Found:
    what = kind(process)
    mine = tuple(show for show in shows if show.port in process.ports)
    begun = arguments.started(process) if what == "openssh" else Started()
    apart = views.apart(evidence, process)
    return Found(what, process.program, process, begun, mine, running=True, apart=apart, usual=usual(evidence))


def usual(evidence: Evidence) -> str:
    """The file that an sshd reads that is told of none: the vendor's where there is none of the host's own."""
    own = needs.items(evidence, needs.CONFIG) or needs.unread(evidence, MAIN) is not None
    return MAIN if own or not needs.items(evidence, needs.VENDORED) else VENDOR


def _waits(processes: tuple[Process, ...]) -> bool | None:
    """Whether something else waits for logins on behalf of an sshd that is started when one comes; None: nobody can tell."""
    holders = [each for each in processes if each.pid is None or name_of(each.program) in HOLDERS]
    ports = {port for holder in holders for port in holder.ports}
    if 22 in ports:
        return True
    return None if ports or not processes or any(each.pid is None for each in processes) else False


def _held(processes: tuple[Process, ...], shown: tuple[Shown, ...]) -> bool:
    """Whether something that was seen waits for logins on behalf of an sshd, as systemd does."""
    ports = {show.port for show in shown} or {22}
    holders = [each for each in processes if each.pid is not None and name_of(each.program) in HOLDERS]
    return any(port in ports for holder in holders for port in holder.ports)


def _by_default(evidence: Evidence) -> Started:
    """What a server that does not run would be started with."""
    texts = (needs.text(evidence, need) for need in needs.DEFAULTS)
    return next((arguments.by_default(text) for text in texts if text is not None), Started())


def _by_units(evidence: Evidence, running: list[Found], processes: tuple[Process, ...]) -> Iterator[Found]:
    """Yield each sshd that a unit starts with a file or options of its own, and that was not seen to run."""
    held = any(each.ports and name_of(each.program) in HOLDERS for each in processes)
    told = {(each.started.main, each.started.lines) for each in running}
    for item in (item for need in needs.UNITS for item in needs.items(evidence, need)):
        for program, started in arguments.by_unit(item.data.decode("utf-8", "surrogateescape")):
            if (started.main, started.lines) not in told:
                told.add((started.main, started.lines))
                state = None if held or not processes else False
                yield Found("openssh", program, None, started, (), state, usual=usual(evidence))


def _by_inetd(evidence: Evidence, running: list[Found], processes: tuple[Process, ...]) -> Iterator[Found]:
    """Yield each server that inetd or xinetd starts for whoever connects, if one of them may run."""
    names = {name_of(each.program) for each in processes}
    state = True if names & {"inetd", "xinetd"} else None if not processes or "" in names or "busybox" in names else False
    told = {(each.started.main, each.started.lines) for each in running if each.kind == "openssh"}
    for item in (item for need in needs.INETD for item in needs.items(evidence, need)):
        for one in inetd.read(item.data.decode("utf-8", "surrogateescape")):
            if (one.started.main, one.started.lines) not in told or kind_of(one.program) != "openssh":
                yield Found(kind_of(one.program), one.program, None, one.started, (), state, usual=usual(evidence))


def _behind_others(evidence: Evidence, servers: tuple[Found, ...], processes: tuple[Process, ...]) -> Iterator[Found]:
    """Yield each port on which SSH was heard and whose process is no server of SSH that is known, but listens for one."""
    known = {port for each in servers for port in (*(each.process.ports if each.process else ()), *_shown_on(each))}
    waited_for = any(each.kind == "openssh" and each.process is None for each in servers)
    spoken = (told for told in map(banners.heard, _heard(evidence)) if isinstance(told, Heard))
    for told in (each for each in spoken if each.parts and each.parts[0].startswith(b"SSH-") and each.port not in known):
        process = next((each for each in processes if told.port in each.ports), None)
        if process is not None and not (waited_for and name_of(process.program) in HOLDERS):
            show = Shown(told.address, told.port, banners.read(told).banner)
            yield Found(name_of(process.program) or "unknown", process.program, process, Started(), (show,), running=True)


def _shown_on(server: Found) -> tuple[int, ...]:
    return tuple(show.port for show in server.shown)


def _heard(evidence: Evidence) -> Iterator[Item]:
    return (item for item in evidence.items if item.need.means is Means.PORT)


def _others(
    evidence: Evidence, running: list[Found], processes: tuple[Process, ...], left: tuple[Shown, ...]
) -> Iterator[Found]:
    """Yield the server that is configured and of which no process was seen, and what else showed itself."""
    ours = tuple(show for show in left if "OpenSSH" in show.banner)
    main = usual(evidence)
    there = main == VENDOR or bool(needs.items(evidence, needs.CONFIG)) or needs.unread(evidence, MAIN) is not None
    there = there or bool(needs.items(evidence, needs.DUMP)) or bool(ours)
    if there and not any(each.main == main for each in running):
        state = True if ours else _waits(processes)
        unseen = state is not False and bool(processes or ours) and not _held(processes, ours)
        yield Found("openssh", SSHD, None, _by_default(evidence), ours, state, unseen, usual=main)
    yield from _by_units(evidence, running, processes)
    yield from _by_inetd(evidence, running, processes)
    if ours and not there and not any(each.kind == "openssh" for each in running):
        yield Found("openssh", "", None, Started(), ours, running=True)
    if any(needs.items(evidence, need) for need in needs.DROPBEAR) and not processes:
        yield Found("dropbear", "", None, Started(), (), None)
    for show in left:
        if show not in ours:
            name = show.banner.removeprefix("SSH-2.0-").partition(" ")[0][:60]
            kind = next(
                (kind for word, kind in (("dropbear", "dropbear"), ("tinyssh", "tinyssh")) if word in name.lower()), name
            )
            yield Found(kind or "unknown", "", None, Started(), (show,), running=True)
