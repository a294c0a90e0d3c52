"""Pages that run programs, containers that are root outside, and traces that are wiped away."""

import json
import re
from collections.abc import Iterator

from auditkit.answers import Listed
from auditkit.audits.persistence.entry import EVIDENCE
from auditkit.audits.persistence.phrases import PAGES, said
from auditkit.audits.persistence.seen import PASSWD, Seen, about, is_person, kind, part, quoted
from auditkit.model import Finding, Gap, Kind, Means, Need, Quote, Rule, Severity
from auditkit.printable import printable

_ROOTS_OF_SITES = ("/var/www", "/srv/www", "/usr/share/nginx/html", "/var/lib/tomcat*/webapps")
WEB = tuple(
    Need(Means.UNOWNED, f"{root}/**/{name}", "pages that run programs")
    for root in _ROOTS_OF_SITES
    for name in ("*.ph*", "*.jsp*", "*.as[hpm]*", "*.cgi", "*.pl", "*.sh", ".htaccess", ".user.ini")
)
STARTED = Need(Means.FILE, "/var/lib/docker/containers/*/hostconfig.json", "which containers are root outside, too")
DAEMON = Need(Means.FILE, "/etc/docker/daemon.json", "whether docker takes orders from the network")
HISTORY = tuple(
    Need(Means.LISTING, f"~/{name}", "whether what is typed is written down")
    for name in (".bash_history", ".zsh_history", ".ash_history", ".sh_history", ".histfile", ".local/share/fish/fish_history")
)
LOGS = tuple(
    Need(Means.LISTING, f"/var/log/{name}", "whether logins and messages are written down")
    for name in (
        *("wtmp", "btmp", "lastlog", "faillog", "wtmp.db", "auth.log", "secure", "syslog", "messages", "kern.log", "cron.log"),
        *("cron", "user.log", "daemon.log", "journal", "audit", "audit/audit.log", "sudo.log", "tallylog"),
    )
)
LINGER = Need(Means.LISTING, "/var/lib/systemd/linger/*", "whose services run without anybody having logged in")
NEEDS = (*WEB, STARTED, DAEMON, *HISTORY, *LOGS, LINGER, PASSWD)
WEB_SHELL = Rule(
    "web-shell",
    "A page runs what a request says",
    Severity.CRITICAL,
    "Whoever knows its address uses the machine, without a password and without a trace in any list of logins. The page takes"
    " a command or code from the request and runs it as the account of the web server.",
    f"{EVIDENCE} The web server's log tells who asked for it. mv FILE /root/ takes it away (undo: mv it back).",
    ("OWASP: Unrestricted File Upload", "MITRE ATT&CK T1505.003"),
)
CONTAINER_OUTSIDE = Rule(
    "container-is-root-outside",
    "A container may do outside what root may",
    Severity.MEDIUM,
    "Privileged, in the namespaces of the host, or with its root directory or the socket of docker mounted, it is no"
    " border: whoever is root in it is root of the host. It starts again by itself where its policy says so.",
    "docker inspect ID tells more. Start it anew without --privileged, --pid=host and such mounts (undo: as it is shown here).",
    ("docker-run(1)", "CIS Docker Benchmark 5", "MITRE ATT&CK T1610"),
)
DOCKER_OPEN = Rule(
    "docker-open-to-network",
    "docker takes orders from the network",
    Severity.HIGH,
    "Whoever reaches that port is the master of this machine. Orders to docker can mount the whole disk into a container as"
    " root, and over TCP without tlsverify nobody is asked who he is.",
    "Take the tcp:// address out of hosts in /etc/docker/daemon.json, or set tlsverify; systemctl restart docker (undo:"
    " write it back).",
    ("dockerd(8)", "MITRE ATT&CK T1610"),
)
HISTORY_OFF = Rule(
    "history-thrown-away",
    "What an account types is thrown away",
    Severity.MEDIUM,
    "The file that a shell writes its history to is a link to /dev/null. Somebody wanted that nobody can read what was done.",
    f"{EVIDENCE} rm FILE (undo: ln -s /dev/null FILE); ask whose account it is.",
    ("bash(1) HISTORY", "MITRE ATT&CK T1070.003"),
)
LOG_OFF = Rule(
    "log-thrown-away",
    "A log of the system leads nowhere",
    Severity.MEDIUM,
    "Somebody does not want to be seen. What the system writes to this log, logins above all, is gone at once: it is a link to"
    " /dev/null or such a device itself. No package does that.",
    f"{EVIDENCE} rm FILE, then touch FILE with owner and mode of the others (undo: ln -s /dev/null FILE), and restart what"
    " writes it; ask who has linked it.",
    ("utmp(5)", "MITRE ATT&CK T1070.002", "MITRE ATT&CK T1562.006"),
)
LINGERS = Rule(
    "account-lingers",
    "Services of an account run without its having logged in",
    Severity.INFO,
    "systemd starts the units in the account's home with the machine, and keeps them when it logs out. Podman's users want it"
    " so; of an account that no person has it is rare.",
    "loginctl disable-linger NAME (undo: loginctl enable-linger NAME); systemctl --user -M NAME@ list-units shows what runs.",
    ("loginctl(1)", "MITRE ATT&CK T1543.002"),
)
RULES = (WEB_SHELL, CONTAINER_OUTSIDE, DOCKER_OPEN, HISTORY_OFF, LOG_OFF, LINGERS)
_NOWHERE = re.compile(r"/dev/(null|zero|full)")
MOST_READ, LARGEST = 200, 128 << 10
_ROOTS = ("/:", "/etc:", "/root:", "/var/run/docker.sock:", "/run/docker.sock:", "/proc:", "/boot:", "/var/lib/docker:")
_STRONG = ("ALL", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "DAC_READ_SEARCH")


def judge(seen: Seen) -> Iterator[Finding | Gap]:
    """Yield what is odd of each."""
    yield from _pages(seen)
    yield from _containers(seen)
    yield from _open(seen)
    yield from _nowhere(seen, HISTORY, HISTORY_OFF)
    yield from _nowhere(seen, LOGS, LOG_OFF)
    yield from _lingering(seen)


def _nowhere(seen: Seen, needs: tuple[Need, ...], rule: Rule) -> Iterator[Finding | Gap]:
    """Yield a finding for each file that keeps nothing: a link to such a device, or one itself."""
    for need in needs:
        yield from seen.malformed(need.means, need.what)
    for item in (item for need in needs for item in seen.of(need.means, need.what)):
        node = seen.nodes.get(item.source)
        if node is None:
            continue
        end = seen.end(node)
        place = end if isinstance(end, str) else end.path
        if node.target is not None and _NOWHERE.fullmatch(place):
            yield Finding(rule, node.path, f"{printable(node.path)} leads to {place}", rule.severity, (about(node),))
        elif kind(node) is Kind.CHARACTER:
            yield Finding(rule, node.path, f"{printable(node.path)} is a device", rule.severity, (about(node),))


def _lingering(seen: Seen) -> Iterator[Finding | Gap]:
    """Yield a finding for each account whose services run anyway, a more severe one where it is no person's."""
    yield from seen.malformed(LINGER.means, LINGER.what)
    uids = {name: uid for name, uid, _group in seen.accounts}
    for node in seen.listed(LINGER):
        name = node.path.rpartition("/")[2]
        uid = uids.get(name)
        person = uid is not None and is_person(uid)
        who = "" if person else ", which is no person's," if uid is not None else ", which does not exist,"
        severity = LINGERS.severity if person else Severity.LOW
        message = f"services of {printable(name)}{who} run at every start"
        yield Finding(LINGERS, node.path, message, severity, (about(node),))


def follow(seen: Seen) -> Iterator[Need]:
    """Yield the pages that have changed last: those of a whole site would be too much."""
    nodes = [node for node in _nodes(seen) if kind(node) is Kind.FILE and node.size <= LARGEST]
    for node in sorted(nodes, key=lambda node: -node.ctime)[:MOST_READ]:
        yield Need(Means.FILE, node.path, "what a page does that was changed of late")


def _nodes(seen: Seen) -> Iterator[Listed]:
    return (
        node for need in WEB for item in seen.of(need.means, need.what) if (node := seen.nodes.get(item.source)) is not None
    )


def _pages(seen: Seen) -> Iterator[Finding]:
    for node in _nodes(seen):
        told = [(line, phrase) for line in seen.lines(node.path) for phrase in said(line.text, PAGES)]
        if told:
            does = " and ".join(dict.fromkeys(phrase.does for _line, phrase in told))
            quotes = (*(quoted(node.path, line) for line, _phrase in told[:3]), about(node))
            yield Finding(WEB_SHELL, node.path, f"{printable(node.path)} {does}", WEB_SHELL.severity, quotes)


def _containers(seen: Seen) -> Iterator[Finding | Gap]:
    for item in seen.of(STARTED.means, STARTED.what):
        try:
            told = json.loads(item.data)
            reasons = list(_reasons(told))
        except (ValueError, TypeError, AttributeError, RecursionError):
            yield Gap(item.source, "it is not what docker writes")
            continue
        if reasons:
            name = part(item.source, 5)[:12]
            quote = Quote(item.source, 1, ", ".join(reasons)[:200])
            message = f"container {printable(name)}: {', '.join(map(printable, reasons))}"
            yield Finding(CONTAINER_OUTSIDE, f"container {name}", message, CONTAINER_OUTSIDE.severity, (quote,))


def _reasons(told: dict[str, object]) -> Iterator[str]:
    """Yield why a container is root outside."""
    if told.get("Privileged") is True:
        yield "privileged"
    yield from (
        f"{name} of the host" for name in ("PidMode", "IpcMode", "UsernsMode") if told.get(name) == "host" and name == "PidMode"
    )
    yield from (f"mounts {bind.partition(':')[0]}" for bind in _texts(told.get("Binds")) if bind.startswith(_ROOTS))
    yield from (f"capability {name}" for name in _texts(told.get("CapAdd")) if name.removeprefix("CAP_") in _STRONG)


def _texts(told: object) -> list[str]:
    return [each for each in told if isinstance(each, str)] if isinstance(told, list) else []


def _open(seen: Seen) -> Iterator[Finding]:
    text = seen.texts.get(DAEMON.what, b"").decode("utf-8", "surrogateescape")
    found = re.search(r'"tcp://(?!127\.|localhost|\[::1\])[^"]*"', text)
    if found and not re.search(r'"tlsverify"\s*:\s*true', text):
        number = text.count("\n", 0, found.start()) + 1
        message = f"it listens on {printable(found[0])}, and asks for no certificate"
        yield Finding(DOCKER_OPEN, DAEMON.what, message, DOCKER_OPEN.severity, (Quote(DAEMON.what, number, found[0]),))
