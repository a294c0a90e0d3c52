"""What shuts out who guesses passwords: fail2ban and whether its jails see and ban anything, sshguard, crowdsec, sshd itself.

That sshd takes passwords and nothing slows down who guesses them is for the SSH audit to say (ssh-no-brake);
here is said of a brake that it is there and does not hold.
"""

import re
from collections.abc import Iterator
from ipaddress import ip_network

from auditkit.access import finding
from auditkit.access.configuring import Configured, configured
from auditkit.access.needs import CONFIG, DROP_INS, LISTENERS, VERSION
from auditkit.answers import name_of
from auditkit.audits.protections.jails import FOLDER, Jail, jails
from auditkit.audits.protections.machine import Machine, is_loopback
from auditkit.audits.protections.tools import BRAKE, CROWDSEC, FAIL2BAN, SSHGUARD
from auditkit.audits.protections.watcher import Watcher, watcher
from auditkit.model import Finding, Gap, Means, Need, Quote, Rule, Severity
from auditkit.printable import printable
from auditkit.sshd.criteria import Connection

_WHY = "which jails fail2ban has, what they read and whom they ban"
JAILS = tuple(
    Need(Means.FILE, f"{FOLDER}/{name}", _WHY) for name in ("*.conf", "*.local", "jail.d/*.conf", "jail.d/*.local")
)  # fmt: skip
LOGS = tuple(
    Need(Means.STATUS, path, "whether the log is there that fail2ban reads")
    for path in ("/var/log/auth.log", "/var/log/secure")
)
BOUNCERS = Need(Means.STATUS, "/etc/crowdsec/bouncers/*", "whether anything acts on what crowdsec decides")
THEN = (Need(Means.STATUS, "*", LOGS[0].why),)
NEEDS = (*JAILS, *LOGS, BOUNCERS, CONFIG, DROP_INS, VERSION, LISTENERS)

_RELOAD = "systemctl restart fail2ban; fail2ban-client status sshd"
JAIL_MISSING = Rule(
    "fail2ban-without-ssh-jail",
    "fail2ban has no jail for SSH",
    Severity.MEDIUM,
    "fail2ban is installed and people believe that guessing of passwords is stopped, but it does not watch SSH at all."
    " No jail whose filter is sshd is enabled: in jail.conf every jail is off until jail.d or jail.local turn it on.",
    f"printf '[sshd]\\nenabled = true\\nbackend = systemd\\n' > {FOLDER}/jail.d/sshd.local && {_RELOAD}"
    f" (undo: rm {FOLDER}/jail.d/sshd.local; systemctl restart fail2ban)",
    ("jail.conf(5)", "MITRE ATT&CK T1110"),
)
JAIL_BLIND = Rule(
    "fail2ban-jail-sees-nothing",
    "A jail of fail2ban reads a log that is not there",
    Severity.MEDIUM,
    "Whoever guesses passwords is never banned, though fail2ban is set up to do it. Since Debian 12 there is no"
    " /var/log/auth.log without rsyslog, and a jail with the backend `auto` does not read the journal: fail2ban does not even"
    " start then, or bans nobody.",
    f"apt-get install python3-systemd; printf '[sshd]\\nbackend = systemd\\n' > {FOLDER}/jail.d/journal.local && {_RELOAD}"
    f" (undo: rm {FOLDER}/jail.d/journal.local; systemctl restart fail2ban)",
    ("jail.conf(5) backend", "fail2ban issues 3292, 3567"),
)
JAIL_ELSEWHERE = Rule(
    "fail2ban-bans-another-port",
    "fail2ban bans from a port on which SSH does not listen",
    Severity.MEDIUM,
    "Who guesses passwords is written down as banned and goes on all the same, since sshd listens on another port than the one"
    " that is shut. The jail's `port` is `ssh`, which is 22, until somebody says otherwise.",
    f"printf '[sshd]\\nport = PORT\\n' > {FOLDER}/jail.d/port.local && {_RELOAD}"
    f" (undo: rm {FOLDER}/jail.d/port.local; systemctl restart fail2ban)",
    ("jail.conf(5) port",),
)
JAIL_IGNORES = Rule(
    "fail2ban-ignores-everybody",
    "A jail of fail2ban bans nobody",
    Severity.HIGH,
    "The brake is there and never pulled: the list of addresses that are to be spared holds the whole internet."
    " `ignoreip` goes before every match, so that no number of failures leads to a ban.",
    f"grep -rn ignoreip {FOLDER}; take the network of all addresses out of it, and {_RELOAD} (undo: write it back)",
    ("jail.conf(5) ignoreip",),
)
NO_BOUNCER = Rule(
    "crowdsec-without-bouncer",
    "crowdsec decides and nobody acts on it",
    Severity.MEDIUM,
    "Attacks are seen and counted, and nobody is shut out: crowdsec only decides, a bouncer carries it out, and none is"
    " installed. cscli decisions list shows bans that no firewall knows.",
    "apt-get install crowdsec-firewall-bouncer && cscli bouncers list (undo: apt-get purge crowdsec-firewall-bouncer)",
    ("crowdsec documentation, Remediation components",),
)
RULES = (JAIL_MISSING, JAIL_BLIND, JAIL_ELSEWHERE, JAIL_IGNORES, NO_BOUNCER)

SSH_PORT = 22
_FIRST_WITH_PENALTIES = (9, 8)
_ORDER = (False, None, True)
_ALL_PORTS = re.compile(r"allports|\broute\b|hostsdeny|%\(|<")
_NAMED_PORTS = {"ssh": SSH_PORT}


def judge(told: Machine) -> Iterator[Finding | Gap]:
    """Yield what is wrong with the brakes that are there."""
    if told.state(FAIL2BAN).installed:
        found, gaps = _jails(told)
        yield from gaps
        if any(told.items(need) for need in JAILS):
            yield from _missing(found) if not gaps else ()
            yield from _of_jails(told, _for_ssh(found))
    if told.state(CROWDSEC).installed and told.saw(BOUNCERS) and not told.there(BOUNCERS):
        yield Finding(NO_BOUNCER, "crowdsec", "crowdsec is installed, and no bouncer is", NO_BOUNCER.severity)


def watchers(told: Machine) -> Iterator[Watcher]:
    """Yield what shuts out who guesses passwords."""
    found = _jails(told)[0] if told.state(FAIL2BAN).installed else ()
    names = ", ".join(printable(jail.name[:40]) for jail in found[:5])
    yield watcher(
        told, FAIL2BAN, f"jails: {names}" if found else "no jail is enabled" if told.state(FAIL2BAN).installed else ""
    )
    yield watcher(told, SSHGUARD)
    yield watcher(
        told, CROWDSEC, "" if told.there(BOUNCERS) or not told.state(CROWDSEC).installed else "no bouncer is installed"
    )
    yield from _penalties(told)


def follow(told: Machine) -> Iterator[Need]:
    """Yield whether the logs are there that jails for SSH read."""
    if told.state(FAIL2BAN).installed:
        for jail in _for_ssh(_jails(told)[0]):
            for path in () if jail.reads_journal else jail.logs[:10]:
                if path.startswith("/") and ".." not in path:
                    yield Need(Means.STATUS, path, LOGS[0].why)


def _jails(told: Machine) -> tuple[tuple[Jail, ...], tuple[Gap, ...]]:
    return jails(told.texts(*JAILS))


def _for_ssh(found: tuple[Jail, ...]) -> tuple[Jail, ...]:
    """The jails that watch SSH: what they read decides, not what they are called."""
    return tuple(jail for jail in found if re.match(r"sshd\b(?!-)", jail.filter))


def _missing(found: tuple[Jail, ...]) -> Iterator[Finding]:
    if not _for_ssh(found):
        others = f"; it has {', '.join(printable(jail.name[:40]) for jail in found[:5])}" if found else ""
        yield Finding(JAIL_MISSING, "fail2ban", f"no jail for SSH is enabled{others}", JAIL_MISSING.severity)


def _of_jails(told: Machine, mine: tuple[Jail, ...]) -> Iterator[Finding]:
    """Yield which jails for SSH see nothing, or ban nobody."""
    for jail in mine:
        name, quote = f"jail {jail.name}", _quotes(told, jail)
        if not jail.reads_journal and not told.there(*(Need(Means.STATUS, path) for path in jail.logs)):
            logs = printable(", ".join(jail.logs)[:200]) or "no log at all"
            message = f"its backend is {printable(jail.backend[:40])}, it reads {logs}, and that is not there"
            yield Finding(JAIL_BLIND, name, message, JAIL_BLIND.severity, quote)
        if everybody := [word for word in jail.ignored if _is_everybody(word)]:
            message = f"it spares {printable(everybody[0])}, and so everybody"
            yield Finding(JAIL_IGNORES, name, message, JAIL_IGNORES.severity, quote)
    yield from _elsewhere(told, mine)


def _elsewhere(told: Machine, mine: tuple[Jail, ...]) -> Iterator[Finding]:
    """Yield a finding if sshd listens outside of this machine on a port that no jail shuts."""
    listening = [one for one in told.processes(LISTENERS) if name_of(one.program) == "sshd"]
    ports = {each.port for one in listening for each in one.listens if each.protocol == "tcp" and not is_loopback(each.address)}
    spared = sorted(port for port in ports if not any(_shuts(jail, port) for jail in mine)) if mine else []
    if spared:
        shown = ", ".join(map(str, spared[:5]))
        jail = mine[0]
        message = f"sshd listens on port {shown}, and {printable(jail.name[:40])} bans from port {printable(jail.port[:60])}"
        remedy = JAIL_ELSEWHERE.remedy.replace("PORT", ",".join(map(str, sorted(ports))))
        yield Finding(JAIL_ELSEWHERE, f"jail {jail.name}", message, JAIL_ELSEWHERE.severity, _quotes(told, jail), remedy)


def _shuts(jail: Jail, port: int) -> bool:
    """Whether a ban of a jail shuts a port; where that is not sure, it does."""
    if _ALL_PORTS.search(jail.action.partition("[")[0]):
        return True
    for word in re.split(r"[,\s]+", jail.port):
        low, _colon, high = word.replace("-", ":").partition(":")
        first, last = (_NAMED_PORTS.get(end, end) for end in (low, high or low))
        if not all(str(end).isdecimal() and len(str(end)) < 6 for end in (first, last)):
            return True  # a name of /etc/services, `all`, an action's own word
        if int(first) <= port <= int(last):
            return True
    return False


def _is_everybody(word: str) -> bool:
    try:
        return ip_network(word, strict=False).prefixlen == 0
    except ValueError:
        return False


def _quotes(told: Machine, jail: Jail) -> tuple[Quote, ...]:
    """Where the jail is turned on: the last file that has a section of its name and says `enabled`."""
    found = []
    for path, text in told.texts(*JAILS).items():
        section = ""
        for number, line in enumerate(text.split("\n"), 1):
            section = line.strip()[1:-1] if line.startswith("[") and line.rstrip().endswith("]") else section
            if section == jail.name and re.match(r"enabled\s*[=:]", line):
                found.append(Quote(path, number, line[:200]))
    return tuple(found[-1:])


def _penalties(told: Machine) -> Iterator[Watcher]:
    """Yield sshd's own brake as its servers are set, the weakest counts: from OpenSSH 9.8 on it is there unless turned off."""
    servers = [configured(told.evidence, each) for each in finding.found(told.evidence)[0] if each.kind == "openssh"]
    rows = [(server.version, *_brake(server)) for server in servers if server.version is not None]
    if rows:
        version, on, detail = min(rows, key=lambda row: (_ORDER.index(row[1]), row[0]))
        there = version >= _FIRST_WITH_PENALTIES
        yield Watcher(BRAKE, "sshd PerSourcePenalties", there, on if there else None, None, None, detail)


def _brake(server: Configured) -> tuple[bool | None, str]:
    """Whether a server makes who guesses wait, and what else is to be told of that; None: nobody can tell."""
    if server.version is not None and server.version < _FIRST_WITH_PENALTIES:
        return False, f"OpenSSH {server.version[0]}.{server.version[1]} has none"
    own = server.answer.dump.values.get("persourcepenalties") if server.answer and server.answer.dump else None
    effect = server.configuration.of(Connection()).effects.get("PerSourcePenalties") if server.configuration else None
    value = own or (effect.value if effect else None)
    if value is None:
        return None, server.why or "what its files say of it is not known"
    return value != ("no",), "PerSourcePenalties is no" if value == ("no",) else ""
