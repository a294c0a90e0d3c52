"""P. Ways to come back that somebody may have left: servers beside the one of the system, programs that every login runs."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from auditkit import answers
from auditkit.access import finding, needs, seen, telling
from auditkit.access.nouns import Login, Server
from auditkit.answers import DELETED, Process, Step, name_of
from auditkit.audits.ssh.owned import ask_owner, owner, runs_anything
from auditkit.audits.ssh.settings import OPENSSH, setting, settings, statements
from auditkit.model import Evidence, Finding, Gap, Means, Need, Quote, Rule, Severity
from auditkit.printable import printable
from auditkit.sshd.effective import MAIN, VENDOR

SYSTEM_RC = Need(Means.STATUS, "/etc/ssh/sshrc", "what runs at every login over SSH")
USER_RC = Need(Means.STATUS, "~/.ssh/rc", "what runs at every login over SSH of an account")
ENVIRONMENT = Need(Means.STATUS, "~/.ssh/environment", "which variables a login over SSH of an account begins with")
NEEDS = (SYSTEM_RC, USER_RC, ENVIRONMENT)

_EVIDENCE = "Take evidence first: auditkit collect; cp -p /proc/PID/exe and the files it names to another machine."
SERVER_BESIDE = Rule(
    "ssh-server-beside",
    "An SSH server runs beside the one of the system",
    Severity.HIGH,
    "It has a configuration, keys and a log of its own, or none: what is closed in /etc/ssh/sshd_config is open there. It is an"
    " old way to stay on a host. People also start one for a test, or in a container, and forget it.",
    f"Find out who started it and when: systemctl status PID. {_EVIDENCE} If nobody needs it, stop what starts it.",
    ("sshd(8)", "MITRE ATT&CK T1021.004"),
)
SERVER_STARTED_ODDLY = Rule(
    "ssh-server-started-oddly",
    "An SSH server was started in an unusual way",
    Severity.HIGH,
    "A door was opened beside the one that everybody knows of, or in another way than the system does. What stands on the"
    " command line goes before every line of the configuration, and who started it by hand got round the unit that an update"
    " or a restart would use.",
    f"See what started it: systemctl status PID. {_EVIDENCE} Then: systemctl restart ssh, and look again.",
    ("sshd(8)",),
)
SERVER_DELETED = Rule(
    "ssh-server-deleted",
    "The program of a running SSH server is not on the disk any more",
    Severity.CRITICAL,
    "Nobody can look any more at the program that lets people in. Either it was updated and not restarted, or somebody deleted"
    " the file so that nobody finds it.",
    "cp /proc/PID/exe to another machine as evidence, and compare it with the package's. Then: systemctl restart ssh, keeping"
    " this session open.",
    ("proc_pid_exe(5)",),
)
LOGIN_RUNS = Rule(
    "ssh-login-runs",
    "A file runs at every login over SSH",
    Severity.HIGH,
    "sshd runs ~/.ssh/rc as the account, or /etc/ssh/sshrc where there is none, at every login, before the shell: whoever wrote"
    " the file comes back with the next login. Hardly anybody needs one.",
    "Read it. If nobody here wrote it: cp -p FILE FILE.before as evidence, then take it away (undo: cp -p FILE.before FILE)."
    " PermitUserRC no turns those of accounts off.",
    ("sshd(8) SSHRC", "MITRE ATT&CK T1037"),
)
LOGIN_ENVIRONMENT = Rule(
    "ssh-login-environment",
    "A file sets variables of every login over SSH",
    Severity.HIGH,
    "A file decides what runs when people log in, and few know of it. With PermitUserEnvironment sshd reads"
    " ~/.ssh/environment: LD_PRELOAD or PATH in it run foreign code at every login, whatever command= of a key says.",
    "Read it, take it away if nobody here wrote it, and keep PermitUserEnvironment at no.",
    ("sshd_config(5) PermitUserEnvironment",),
)
FORCED_COMMAND = Rule(
    "ssh-forced-command",
    "The configuration of sshd runs a program in place of the shell",
    Severity.MEDIUM,
    "It runs at every login that the line is for, and sees what is typed. For transfers and backups it is usual; for people it"
    " is a way to stay and to listen.",
    "See what the program does and who may write to it. If it is not wanted, take the line out: sshd -t && systemctl reload ssh"
    " (undo: write it back).",
    ("sshd_config(5) ForceCommand",),
)
RULES = (SERVER_BESIDE, SERVER_STARTED_ODDLY, SERVER_DELETED, LOGIN_RUNS, LOGIN_ENVIRONMENT, FORCED_COMMAND)

_SYSTEM = ("/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/", "/usr/lib/openssh/", "/usr/libexec/", "/usr/lib/ssh/")
_UNITS = re.compile(r"/(ssh|sshd|dropbear|tinysshd)[^/]*\.(service|socket)\Z")
_POLICY = frozenset(
    {"ciphers", "macs", "kexalgorithms", "gssapikexalgorithms", "hostkeyalgorithms", "casignaturealgorithms"}
    | {"pubkeyacceptedkeytypes", "pubkeyacceptedalgorithms", "requiredrsasize"}
)
"""What Red Hat's crypto policy puts on the command line."""
_NAMES = frozenset((*finding.KINDS, *finding.SESSIONS, "busybox"))
_USUAL_COMMANDS = ("internal-sftp", "/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "none")
_HOST_KEY = re.compile(r"HostKey[ =]/etc/ssh/ssh_host_[a-z0-9]+_key")
_ONLY_SAYS = re.compile(r"(?:/usr)?(?:/s?bin/)?(?:false|true|nologin|echo|printf|cat)(?: [^;&|`<>\n$]*)?")
"""What does nothing for who logs in but to tell why not: as for accounts that only forward."""


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs, and its process."""

    server: Server
    process: Process

    @property
    def name(self) -> str:
        """`sshd (pid 812, 0.0.0.0:22)`"""
        places = dict.fromkeys(each.place for each in self.process.listens if each.protocol == "tcp")
        where = "".join(f", {place}" for place in list(places)[:5])
        return f"{printable(self.process.program or self.server.kind)} (pid {self.process.pid}{where})"

    @property
    def usual(self) -> bool:
        """Whether it looks like the server of the system."""
        program = self.process.program.removesuffix(DELETED)
        if finding.is_disguised(self.process):
            return False
        return self.server.main in (MAIN, VENDOR, "") and (not program or program.startswith(_SYSTEM))


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what looks as if somebody had left himself a way in."""
    told = seen.seen(evidence)
    running = [Running(server, server.process) for server in told.servers if server.process is not None]
    yield from _beside(running)
    yield from _posing(evidence)
    for one in running:
        yield from _oddly(one)
        yield from _deleted(one)
    for server in told.servers:
        yield from _forced(evidence, server)
    yield from _run_at_login(evidence, told.servers, told.logins)


def follow(evidence: Evidence) -> tuple[Need, ...]:
    """Whose the programs are that run in place of the shell."""
    forced = (one for server in seen.seen(evidence).servers for one in statements(server, "ForceCommand"))
    return ask_owner(path for one in forced if (path := " ".join(one.value).split(" ")[0]) not in _USUAL_COMMANDS)


# --- servers


def _beside(running: Sequence[Running]) -> Iterator[Finding]:
    """Yield each server but one; that one too if it is not as the system's is."""
    ordered = sorted(running, key=lambda one: (not one.usual, one.server.kind != OPENSSH, one.process.pid or 0))
    for place, one in enumerate(ordered):
        if place or (not one.usual and one.server.kind == OPENSSH):
            config = f", configured by {printable(one.server.main)}" if one.server.main else ""
            parent = f", started by pid {one.process.parent}" if one.process.parent not in (0, 1, None) else ""
            message = f"{one.name} runs{config}{parent}{_unit(one.process)}"
            severity = SERVER_BESIDE.severity
            if finding.is_disguised(one.process):
                message, severity = f"{message}: it is an sshd under another name", Severity.CRITICAL
            yield Finding(SERVER_BESIDE, one.server.name, message, severity, _command(one.process))


def _posing(evidence: Evidence) -> Iterator[Finding]:
    """Yield each process that listens, calls itself sshd, and runs another program."""
    for process in needs.read(evidence, needs.LISTENERS, answers.process):
        if isinstance(process, Process) and process.listens and process.program and process.arguments:
            if finding.is_disguised(process):
                continue
            called = re.match(r"(?:\S*/)?(sshd|dropbear)(?:-session)?(?::|\Z)", process.arguments[0])
            name = name_of(process.program)
            if called and name not in _NAMES:
                message = f"pid {process.pid} calls itself {called[1]} and runs {printable(process.program)}{_unit(process)}"
                yield Finding(SERVER_BESIDE, process.program, message, Severity.CRITICAL, _command(process))


def _unit(process: Process) -> str:
    return f", in {printable(process.unit)}" if process.unit.strip("/") else ""


def _command(process: Process) -> tuple[Quote, ...]:
    return (Quote(f"/proc/{process.pid}/cmdline", 1, " ".join(process.arguments)[:200]),) if process.arguments else ()


def _oddly(one: Running) -> Iterator[Finding]:
    """Yield one finding for all that is unusual about the start of a server."""
    process, server = one.process, one.server
    words = [line for line in server.options if not _ordinary(line)]
    reasons = [f"its command line sets {printable('; '.join(words)[:200])}"] if words else []
    if process.parent not in (0, 1, None) and not _UNITS.search(process.unit):
        reasons.append(f"its parent is pid {process.parent} and not init{_unit(process)}")
    if odd := sorted({*process.ports} - _configured(server)) if _configured(server) else []:
        reasons.append(f"it listens on port {', '.join(map(str, odd))}, which no line of {printable(server.main)} names")
    if reasons:
        message = f"{one.name}: {'; '.join(reasons)}"
        yield Finding(SERVER_STARTED_ODDLY, server.name, message, SERVER_STARTED_ODDLY.severity, _command(process))


def _ordinary(line: str) -> bool:
    """Whether a line of the command line only says what is so anyway, or what a distribution puts there."""
    return line.split("=", maxsplit=1)[0].split(" ", maxsplit=1)[0].lower() in _POLICY or _HOST_KEY.fullmatch(line) is not None


def _configured(server: Server) -> set[int]:
    """The ports that its configuration names; none where that is not known."""
    told = setting(server, "ListenAddress").value or ()
    found = (re.search(r":([0-9]{1,5})(?: |\Z)", text) for text in told)
    return {int(each[1]) for each in found if each}


def _deleted(one: Running) -> Iterator[Finding]:
    if one.process.program.endswith(DELETED):
        usual = one.usual
        severity = Severity.HIGH if usual else SERVER_DELETED.severity
        likely = "most likely it was updated and not restarted" if usual else "no package puts its server there"
        message = f"{one.name}: {likely}"
        yield Finding(SERVER_DELETED, one.server.name, message, severity, _command(one.process))


# --- what runs at a login


def _forced(evidence: Evidence, server: Server) -> Iterator[Finding]:
    """Yield each line that puts a program in place of the shell, but for transfers of files."""
    for statement in statements(server, "ForceCommand"):
        command = " ".join(statement.value)
        program, anything = command.split(" ")[0], runs_anything(command)
        if (anything or program not in _USUAL_COMMANDS) and not _ONLY_SAYS.fullmatch(command):
            foreign = anything or not command.startswith(_SYSTEM) or owner(evidence, program) == ""
            severity = Severity.HIGH if foreign else FORCED_COMMAND.severity
            quote = Quote(statement.at.file, statement.at.line, f"ForceCommand {command[:180]}")
            message = f"{printable(command[:100])} runs in place of the shell (line {telling.shown(statement.at)})"
            yield Finding(FORCED_COMMAND, server.name, message, severity, (quote,))


def _run_at_login(evidence: Evidence, servers: Sequence[Server], logins: Sequence[Login]) -> Iterator[Finding | Gap]:
    for item in evidence.of(SYSTEM_RC):
        way = answers.way(item)
        yield way if isinstance(way, Gap) else Finding(LOGIN_RUNS, item.source, _shown(way[0]), LOGIN_RUNS.severity)
    for need, rule in ((USER_RC, LOGIN_RUNS), (ENVIRONMENT, LOGIN_ENVIRONMENT)):
        for item in evidence.of(need):
            way = answers.way(item)
            home = "/" + item.source.removesuffix(need.what[1:]).strip("/")
            owners = [login for login in logins if "/" + login.home.strip("/") == home]
            if isinstance(way, Gap):
                yield way
            else:
                yield _of_account(rule, f"{printable(item.source)} {_shown(way[0])}", evidence, servers, owners)


def _of_account(rule: Rule, what: str, evidence: Evidence, servers: Sequence[Server], owners: Sequence[Login]) -> Finding:
    """A file in the home of an account that its logins run or read, unless every server is told not to."""
    keyword = "PermitUserRC" if rule is LOGIN_RUNS else "PermitUserEnvironment"
    off = bool(servers) and all(_off(server, keyword, owners) for server in servers)
    severity = Severity.LOW if off else rule.severity
    message = f"{what}{f'; it waits, for {keyword} is no' if off else ''}"
    names = ", ".join(login.name for login in owners) or "?"
    remedy = rule.remedy if off or not servers else f"{rule.remedy} {telling.closing(servers[0], evidence, [f'{keyword} no'])}"
    return Finding(rule, f"account {names}", message, severity, remedy=remedy)


def _off(server: Server, keyword: str, owners: Iterable[Login]) -> bool:
    """Whether a server surely leaves such a file of these accounts alone."""
    told = [one.value for login in owners for one in settings(server, keyword, login)]
    return bool(told) and all(value == ("no",) for value in told)


def _shown(file: Step) -> str:
    return f"belongs to uid {file.uid} (mode {file.permissions:04o})"
