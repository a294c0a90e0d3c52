"""Services of another age: what sends passwords as clear text, trusts addresses, or tells anybody who asks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from auditkit.access.needs import LISTENERS
from auditkit.answers import Process, name_of
from auditkit.audits.protections.machine import Machine, is_loopback
from auditkit.model import Finding, Gap, Means, Need, Quote, Rule, Severity
from auditkit.printable import printable


@dataclass(frozen=True, slots=True)
class Service:
    """One such service."""

    name: str
    programs: tuple[str, ...]
    why: str
    severity: Severity
    """Where others can reach it."""
    instead: str
    entries: tuple[str, ...] = ()
    """Its names in inetd.conf and xinetd.d."""

    @property
    def names(self) -> frozenset[str]:
        """What its programs are called."""
        return frozenset(path.rpartition("/")[2] for path in self.programs)


def _sbin(*names: str) -> tuple[str, ...]:
    return tuple(f"/usr/sbin/{name}" for name in names)


_TRUST = "trusts the name and address that the other side claims, and sends all as clear text"
SERVICES = (
    Service(
        "telnet",
        _sbin("in.telnetd", "telnetd", "inetutils-telnetd"),
        "sends passwords as clear text",
        Severity.HIGH,
        "SSH",
        ("telnet",),
    ),
    Service("rsh", _sbin("in.rshd", "rshd"), _TRUST, Severity.HIGH, "SSH", ("shell",)),
    Service("rlogin", _sbin("in.rlogind", "rlogind"), _TRUST, Severity.HIGH, "SSH", ("login",)),
    Service("rexec", _sbin("in.rexecd", "rexecd"), _TRUST, Severity.HIGH, "SSH", ("exec",)),
    Service(
        "tftp",
        _sbin("in.tftpd", "atftpd", "tftpd"),
        "gives and takes files without any password",
        Severity.MEDIUM,
        "HTTPS or SFTP",
        ("tftp",),
    ),
    Service(
        "finger",
        _sbin("in.fingerd", "fingerd", "efingerd"),
        "tells anybody which accounts there are",
        Severity.LOW,
        "nothing",
        ("finger",),
    ),
    Service(
        "talk", _sbin("in.talkd", "in.ntalkd"), "lets anybody write to terminals", Severity.LOW, "nothing", ("talk", "ntalk")
    ),
    Service(
        "NIS server", _sbin("ypserv"), "hands out password hashes to whoever asks", Severity.HIGH, "LDAP with TLS, or Kerberos"
    ),
    Service(
        "NIS client",
        _sbin("ypbind"),
        "believes whoever answers first who may log in",
        Severity.MEDIUM,
        "sssd with LDAP over TLS",
    ),
    Service("rwho", _sbin("rwhod"), "tells anybody who is logged in", Severity.LOW, "nothing"),
)

_WHY = "whether services of another age are installed or turned on"
PROGRAMS = tuple(Need(Means.STATUS, path, _WHY) for service in SERVICES for path in service.programs)
INETD = tuple(Need(Means.FILE, path, _WHY) for path in ("/etc/inetd.conf", "/etc/inetd.d/*"))
XINETD = tuple(Need(Means.FILE, path, _WHY) for path in ("/etc/xinetd.conf", "/etc/xinetd.d/*"))
VSFTPD = tuple(Need(Means.FILE, path, "whether FTP asks for TLS") for path in ("/etc/vsftpd.conf", "/etc/vsftpd/vsftpd.conf"))
PROFTPD = tuple(
    Need(Means.FILE, path, "whether FTP asks for TLS")
    for path in ("/etc/proftpd/*.conf", "/etc/proftpd/conf.d/*.conf", "/etc/proftpd.conf")
)
PUREFTPD = tuple(
    Need(Means.FILE, path, "whether FTP asks for TLS") for path in ("/etc/pure-ftpd/conf/TLS", "/etc/pure-ftpd/pure-ftpd.conf")
)
NEEDS = (*PROGRAMS, *INETD, *XINETD, *VSFTPD, *PROFTPD, *PUREFTPD, LISTENERS)

OFFERED = Rule(
    "insecure-service",
    "A service of another age is turned on",
    Severity.HIGH,
    "Whoever is on the same network reads the passwords, or needs none; nobody should offer that today. It listens, or"
    " inetd starts it for whoever connects; how bad it is depends on the service.",
    "systemctl disable --now UNIT, or take its line out of /etc/inetd.conf (undo: write it back) and systemctl reload inetd;"
    " then remove the package that dpkg -S PROGRAM names",
    ("CIS Debian Linux 12 2.1", "SCAP Security Guide service_telnet_disabled, service_rsh_disabled"),
)
INSTALLED = Rule(
    "insecure-service-installed",
    "A service of another age is installed",
    Severity.LOW,
    "Nobody uses it now, and one wrong command or one upgrade turns it on. Its program is there, nothing listens and no inetd"
    " starts it.",
    "Find the package and remove it: dpkg -S PROGRAM; apt-get purge NAME (undo: apt-get install NAME)",
    ("CIS Debian Linux 12 2.1", "SCAP Security Guide package_telnet-server_removed"),
)
FTP = Rule(
    "ftp-without-tls",
    "FTP takes passwords as clear text",
    Severity.MEDIUM,
    "Whoever is on the same network reads the password with the files, often the one for all else. The server runs and"
    " its configuration does not demand TLS.",
    "vsftpd: ssl_enable=YES and force_local_logins_ssl=YES. proftpd: TLSEngine on and TLSRequired on. pure-ftpd: echo 2 >"
    " /etc/pure-ftpd/conf/TLS. Better: SFTP, which sshd brings (undo: write the old value back, restart the server)",
    ("vsftpd.conf(5)", "RFC 4217"),
)
PORTMAPPER = Rule(
    "rpcbind-reachable",
    "rpcbind answers others than this machine",
    Severity.LOW,
    "It tells strangers which services run here, and attackers multiply traffic with it against third parties. rpcbind listens"
    " on port 111 of an address that others reach; NFSv4 does without.",
    "systemctl disable --now rpcbind.socket rpcbind.service (undo: systemctl enable --now rpcbind.socket); for NFSv3 shut port"
    " 111 in the firewall to all but the clients",
    ("rpcbind(8)", "CISA alert TA14-017A"),
)
RULES = (OFFERED, INSTALLED, FTP, PORTMAPPER)

_FTP_SERVERS = ("vsftpd", "proftpd", "pure-ftpd")
_RPCBIND = ("rpcbind", "portmap")
_DISABLED = re.compile(r"(?m)^\s*disable\s*=\s*yes\b")
_XINETD_NAME = re.compile(r"(?m)^\s*service\s+(\S+)")
PORTMAPPER_PORT = 111


def judge(told: Machine) -> Iterator[Finding | Gap]:
    """Yield services of another age: what is offered, then what only lies there."""
    entries = dict(_entries(told))
    idle = []
    for service in SERVICES:
        running = [one for one in told.processes(LISTENERS) if name_of(one.program) in service.names and one.listens]
        quotes = [entries[name] for name in service.entries if name in entries]
        there = told.there(*(need for need in PROGRAMS if need.what in service.programs))
        if running or quotes:
            yield _offered(service, running, quotes)
        elif there:
            idle.append((service, there[0]))
    if idle:
        names = ", ".join(service.name for service, _path in idle)
        quotes = [Quote(path, 0, f"{service.name}: it {service.why}") for service, path in idle]
        remedy = INSTALLED.remedy.replace("PROGRAM", " ".join(path for _service, path in idle))
        yield Finding(
            INSTALLED, "services", f"installed, and not turned on: {names}", INSTALLED.severity, tuple(quotes), remedy
        )
    yield from _ftp(told)
    yield from _portmapper(told)


def _offered(service: Service, running: list[Process], entries: list[Quote]) -> Finding:
    local = bool(running) and not entries and all(is_loopback(one.address) for process in running for one in process.listens)
    places = ", ".join(dict.fromkeys(one.place for process in running for one in process.listens))
    how = f"listens on {places}" if running else "is started by inetd for whoever connects"
    severity = min(service.severity, Severity.LOW) if local else service.severity
    quotes = (
        *entries,
        *(Quote(f"/proc/{one.pid}/cmdline", 1, " ".join(one.arguments)[:200]) for one in running if one.arguments),
    )
    message = f"{service.name} {how}: it {service.why}; use {service.instead} instead"
    remedy = OFFERED.remedy.replace("PROGRAM", service.programs[0]).replace("UNIT", "the unit that systemctl status PID names")
    return Finding(OFFERED, service.name, message, severity, quotes[:10], remedy)


def _entries(told: Machine) -> Iterator[tuple[str, Quote]]:
    """Yield each service that inetd or xinetd starts, by the name it has there."""
    for path, text in told.texts(*INETD).items():
        for number, line in enumerate(text.split("\n"), 1):
            words = line.split()
            if len(words) > 5 and not words[0].startswith("#"):
                yield words[0].rpartition(":")[2].partition("/")[0], Quote(path, number, line[:200])
    for path, text in told.texts(*XINETD).items():
        found = _XINETD_NAME.search(text)
        if found and not _DISABLED.search(text):
            yield found[1], Quote(path, text[: found.start()].count("\n") + 1, found[0].strip()[:200])


def _ftp(told: Machine) -> Iterator[Finding]:
    """Yield each FTP server that listens and does not demand TLS."""
    for process in told.processes(LISTENERS):
        name = next((server for server in _FTP_SERVERS if name_of(process.program).startswith(server)), None)
        if (
            name
            and process.listens
            and not all(is_loopback(one.address) for one in process.listens)
            and not _demands_tls(told, name)
        ):
            message = f"{name} listens on {process.listens[0].place}, and does not demand TLS"
            quotes = _first_lines(told, name)
            yield Finding(FTP, name, message, FTP.severity, quotes)


def _demands_tls(told: Machine, name: str) -> bool:
    needs, wanted = {
        "vsftpd": (VSFTPD, r"(?m)^ssl_enable=(?i:yes|true|1)\s*$"),
        "proftpd": (PROFTPD, r"(?mi)^\s*TLSRequired\s+(?:on|auth|ctrl|auth\+data)\b"),
        "pure-ftpd": (PUREFTPD, r"(?m)^\s*(?:TLS\s+)?[23]\s*$"),
    }[name]
    texts = told.texts(*needs).values()
    loose = name == "vsftpd" and any(re.search(r"(?m)^force_local_logins_ssl=(?i:no|false|0)", text) for text in texts)
    return any(re.search(wanted, text) for text in texts) and not loose


def _first_lines(told: Machine, name: str) -> tuple[Quote, ...]:
    """The lines about TLS, if there are any."""
    needs = {"vsftpd": VSFTPD, "proftpd": PROFTPD, "pure-ftpd": PUREFTPD}[name]
    lines = (
        (path, number, line) for path, text in told.texts(*needs).items() for number, line in enumerate(text.split("\n"), 1)
    )
    return tuple(Quote(path, number, line[:200]) for path, number, line in lines if re.match(r"\s*(ssl|TLS|force_)", line))[:5]


def _portmapper(told: Machine) -> Iterator[Finding]:
    """Yield a finding if rpcbind answers others, whoever holds its socket: systemd does, until somebody asks."""
    open_ = [
        (process, one)
        for process in told.processes(LISTENERS)
        for one in process.listens
        if one.port == PORTMAPPER_PORT
        and not is_loopback(one.address)
        and name_of(process.program) in (*_RPCBIND, "systemd", "")
    ]
    if open_:
        places = ", ".join(dict.fromkeys(f"{one.place}/{one.protocol}" for _process, one in open_))
        yield Finding(PORTMAPPER, "rpcbind", f"it listens on {printable(places)}", PORTMAPPER.severity)
