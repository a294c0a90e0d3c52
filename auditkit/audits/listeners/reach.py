"""What everybody gets who can connect: a login in the clear, data without a password, a screen, a community."""

from collections.abc import Iterator

from auditkit.audits.listeners.seen import HOLDERS, Port, Seen, is_own
from auditkit.banners import IN_TLS
from auditkit.model import Evidence, Finding, Gap, Rule, Severity

CLEAR_TEXT = Rule(
    "clear-text-login",
    "A service takes passwords in the clear",
    Severity.HIGH,
    "Whoever is on the same network, or on the way, reads the password as it is typed and logs in with it elsewhere, too."
    " Telnet, the r-commands, FTP, and mail or web logins without TLS send it as it is; each has had a replacement for twenty"
    " years.",
    "Turn it off where nobody uses it: systemctl disable --now UNIT (undo: systemctl enable --now UNIT). Else demand TLS: SSH"
    " and sftp for telnet and FTP, or vsftpd `ssl_enable=YES` and `force_local_logins_ssl=YES`; dovecot `ssl = required`"
    " and `disable_plaintext_auth = yes` (from 2.4 on `auth_allow_cleartext = no`); postfix `smtpd_tls_auth_only = yes`; a web"
    " server https only.",
    ("RFC 8314", "CIS Debian Linux 12 Benchmark 2.1", "SCAP Security Guide package_telnetd_removed", "ATT&CK T1040"),
)
STORE_OPEN = Rule(
    "data-store-without-authentication",
    "A data store answers whoever connects",
    Severity.CRITICAL,
    "All that is stored there can be read, changed and deleted by everybody who reaches the port. From some stores the way to"
    " commands on the machine is short: a Redis that anybody may write to has let intruders put a key into root's"
    " authorized_keys for years.",
    "Bind it to this machine, and set a password. Redis: `bind 127.0.0.1 -::1`, `requirepass ...` in /etc/redis/redis.conf,"
    " then systemctl restart redis-server. memcached: `-l 127.0.0.1` and `-U 0` in /etc/memcached.conf. MongoDB: `bindIp:"
    " 127.0.0.1`, `security: {authorization: enabled}` in /etc/mongod.conf. Elasticsearch: `network.host: 127.0.0.1`,"
    " `xpack.security.enabled: true`. Undo: the lines that stood there before. Then look at what was changed in it.",
    ("https://redis.io/docs/latest/operate/oss_and_stack/management/security/", "memcached(1)", "ATT&CK T1213"),
)
STORE_EXPOSED = Rule(
    "data-store-exposed",
    "A data store listens for other machines",
    Severity.MEDIUM,
    "Debian lets it listen for the machine itself only; somebody has opened it. Only its passwords stand between the network"
    " and the data, and of some stores nobody knows from here whether there are any.",
    "Where no other machine needs it, bind it to 127.0.0.1 again; else let in only those that need it, with the firewall: for"
    " example ufw allow from ADDRESS to any port PORT (undo: ufw delete allow from ADDRESS to any port PORT). auditkit audit"
    " --active asks Redis, memcached, MongoDB and Elasticsearch whether they want a password.",
    ("CIS MariaDB 10.11 Benchmark 1.3", "ATT&CK T1190"),
)
SCREEN_OPEN = Rule(
    "screen-without-password",
    "A screen is shown to whoever connects",
    Severity.CRITICAL,
    "Whoever connects sees and does what the person at that screen can. The server lets a client in without a password or a"
    " cookie, and then passes on the picture, keys and clicks.",
    "VNC: set a password or a better way in, `SecurityTypes VncAuth,TLSVnc`, and let it listen on this machine only,"
    " `-localhost`, reached over ssh -L. X11: start the server with `-nolisten tcp`, and see with xhost that access control is"
    " on.",
    ("RFC 6143 section 7.2.1", "Xserver(1)", "ATT&CK T1021.005"),
)
SNMP_PUBLIC = Rule(
    "snmp-community-public",
    "SNMP answers to a name that everybody knows",
    Severity.HIGH,
    "The community is the only secret of SNMP 1 and 2c, it goes in the clear, and everybody tries `public` and `private` first."
    " The answers list processes, addresses, accounts and software; with write access they change the device.",
    "Use SNMPv3 with a password, or turn it off. snmpd: take `rocommunity` and `rwcommunity` out of /etc/snmp/snmpd.conf, then"
    " systemctl restart snmpd (undo: put the lines back). A printer or switch: in its own settings.",
    ("RFC 3584 section 7", "snmpd.conf(5)", "ATT&CK T1602.001"),
)
RULES = (CLEAR_TEXT, STORE_OPEN, STORE_EXPOSED, SCREEN_OPEN, SNMP_PUBLIC)

STORES = frozenset(("redis", "memcached", "mongodb", "elasticsearch", "mysql", "postgresql"))
SCREENS = frozenset(("vnc", "x11"))
_R_COMMANDS = {512: "rexec", 513: "rlogin", 514: "rsh"}
_R_PROGRAMS = frozenset(("in.rexecd", "in.rlogind", "in.rshd", "rexecd", "rlogind", "rshd", "inetutils-rshd"))
_TRUSTS_ITSELF = frozenset(("imap", "pop3"))
"""Protocols whose servers let a machine log in to itself in the clear, where they let no other."""
HERE = " (asked from the machine itself: a firewall before it was not seen)"


def judge(evidence: Evidence, seen: Seen) -> Iterator[Finding | Gap]:
    """Yield what each port gives away."""
    for port in (port for port in seen.ports if port.open):
        yield from _clear(port)
        if port.service and port.service.name in STORES:
            yield from _store(evidence, port)
        if port.service and port.service.name in SCREENS and port.reading.open:
            yield found(SCREEN_OPEN, port, f"{port.reading.open}")
        if port.service and port.service.name == "snmp" and port.reading.open:
            yield found(SNMP_PUBLIC, port, f"{port.reading.open}")


def found(rule: Rule, port: Port, message: str, severity: Severity | None = None) -> Finding:
    """A finding of what a port says, which tells if that was asked from the machine itself."""
    here = HERE if port.heard is not None and port.heard.here else ""
    return of_port(rule, port, message + here, severity)


def of_port(rule: Rule, port: Port, message: str, severity: Severity | None = None) -> Finding:
    """A finding of one port."""
    at = f"{port.called} on {port.protocol} port {port.number}"
    return Finding(rule, at, message, rule.severity if severity is None else severity, (port.quote,))


# --- logins in the clear


def _clear(port: Port) -> Iterator[Finding | Gap]:
    name = port.service.name if port.service else ""
    how = port.reading.clear
    if name == "telnet" or (name in HOLDERS and port.number == 23):
        how = how or "it is telnet"
    elif _is_r_command(port):
        how = f"it is {_R_COMMANDS.get(port.number, 'an r-command')}"
    elif name == "ftp" and not how and port.heard is None:
        how = "it is FTP"
    if not how or name in IN_TLS:
        return
    if name in _TRUSTS_ITSELF and port.heard is not None and port.heard.here:
        yield Gap(port.place, "whether it takes passwords in the clear is not known: it was asked from the machine itself")
        return
    yield found(CLEAR_TEXT, port, how, _severity(port, how))


def _is_r_command(port: Port) -> bool:
    if port.protocol != "tcp":
        return False
    return port.name in _R_PROGRAMS or (port.number in _R_COMMANDS and (port.name in HOLDERS or port.process is None))


def _severity(port: Port, how: str) -> Severity:
    if port.out_of_reach:
        return Severity.MEDIUM
    if "telnet" in how or _is_r_command(port):
        return Severity.CRITICAL
    return Severity.MEDIUM if "before" in how or "Basic" in how else CLEAR_TEXT.severity


# --- data stores


def _store(evidence: Evidence, port: Port) -> Iterator[Finding]:
    heard, name = port.heard, port.service.name if port.service else ""
    if port.reading.open:
        yield found(STORE_OPEN, port, port.reading.open)
        return
    severity, what = STORE_EXPOSED.severity, f"{name} listens beyond this machine"
    if port.out_of_reach:
        severity, what = Severity.LOW, f"{what}, and could not be reached from here"
    elif heard is None:
        what = (
            f"{what}; whether it wants a password was not asked (--active asks)"
            if port.service and port.service.active
            else what
        )
    elif heard.outcome == "answered" and port.service and port.service.active:
        severity, what = Severity.LOW, f"{what}, and lets nobody in without a password"
    elif not is_own(heard.address, evidence.office.networks):
        severity = Severity.HIGH
    yield found(STORE_EXPOSED, port, what, severity)
