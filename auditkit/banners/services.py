"""Which protocol a service is spoken to in, by the program that listens and by its port; and which ports are left alone."""

from dataclasses import dataclass

LEFT_ALONE = {
    **dict.fromkeys(range(9100, 9108), "a printer prints whatever it is sent there"),
    515: "a printer prints whatever it is sent there",
    102: "a controller of machines may stand still over it",
    502: "a controller of machines may stand still over it",
    20000: "a controller of machines may stand still over it",
    44818: "a controller of machines may stand still over it",
    47808: "a controller of machines may stand still over it",
    3493: "a power supply may listen there",
}
"""Ports of TCP to which nothing is ever connected, and why."""
SSH = "ssh"
"""Of servers that speak it the login has shown all: no connection more is made to them."""
LISTEN = "listen"
"""Where nobody knows what it speaks: what it says by itself is heard, and nothing is asked."""


@dataclass(frozen=True, slots=True)
class Service:
    """A protocol, where it is spoken, and by which programs."""

    name: str
    """As READERS and the probes have it."""
    ports: tuple[int, ...] = ()
    programs: tuple[str, ...] = ()
    """The names of the files that run."""
    udp: bool = False
    """Whether it is spoken over UDP too, or only."""
    tcp: bool = True
    active: bool = False
    """Whether an answer is only for who needs no password there, so that it is asked with `--active` only."""


_DOVECOT = ("dovecot", "imap-login", "pop3-login")
_HTTP = (
    "nginx", "apache2", "httpd", "lighttpd", "caddy", "haproxy", "squid", "thttpd", "openresty", "varnishd", "traefik",
    "cockpit-ws", "grafana", "grafana-server", "prometheus", "uwsgi", "gunicorn", "mini_httpd",
)  # fmt: skip
_SMTP = ("master", "exim4", "exim", "sendmail", "sendmail-mta", "smtpd", "opensmtpd")
SERVICES: tuple[Service, ...] = (
    Service(SSH, (22,), ("sshd", "sshd-session", "dropbear", "dropbearmulti", "tinysshd", "lshd")),
    Service("smtp", (25, 587, 2525), _SMTP),
    Service("smtps", (465,), _SMTP),
    Service("imap", (143,), (*_DOVECOT, "couriertcpd")),
    Service("imaps", (993,), _DOVECOT),
    Service("pop3", (110,), _DOVECOT),
    Service("pop3s", (995,), _DOVECOT),
    Service(LISTEN, (4190, 119, 6667, 194), _DOVECOT),
    Service("http", (80, 81, 591, 3000, 3128, 5000, 8000, 8008, 8080, 8081, 8088, 8888, 9090), _HTTP),
    Service("https", (443, 4443, 8443, 8006, 9443, 10443), _HTTP),
    Service("ipp", (631,), ("cupsd",)),
    Service("ftp", (21, 2121), ("vsftpd", "proftpd", "pure-ftpd", "pure-ftpd-mysql", "ftpd", "in.ftpd")),
    Service("ftps", (990,), ("vsftpd", "proftpd", "pure-ftpd")),
    Service("smb", (445,), ("smbd",)),
    Service("rsync", (873,), ("rsync",)),
    Service("mysql", (3306,), ("mariadbd", "mysqld")),
    Service("postgresql", (5432, 5433), ("postgres",)),
    Service("redis", (6379,), ("redis-server", "redis-check-rdb", "valkey-server", "keydb-server"), active=True),
    Service("memcached", (11211,), ("memcached",), active=True),
    Service("mongodb", (27017, 27018, 27019), ("mongod", "mongos"), active=True),
    Service("elasticsearch", (9200,), ("elasticsearch",), active=True),
    Service(
        "dns", (53,), ("named", "dnsmasq", "unbound", "pdns_server", "pdns_recursor", "knotd", "kresd", "coredns"), udp=True
    ),
    Service("ntp", (123,), ("ntpd", "chronyd", "openntpd"), udp=True, tcp=False),
    Service("snmp", (161,), ("snmpd",), udp=True, tcp=False, active=True),
    Service("ldap", (389, 3268), ("slapd", "ns-slapd")),
    Service("ldaps", (636, 3269), ("slapd", "ns-slapd")),
    Service("telnet", (23, 2323), ("telnetd", "in.telnetd", "utelnetd")),
    Service("vnc", (5900, 5901, 5902, 5903), ("Xtigervnc", "Xvnc", "x11vnc", "vino-server", "Xtightvnc", "wayvnc")),
    Service("rdp", (3389,), ("xrdp", "gnome-remote-desktop-daemon")),
    Service("x11", (6000, 6001, 6002), ("Xorg", "X"), active=True),
)
"""For one port the first that fits counts, one of the same program before one of the same port."""
SILENT = frozenset((111, 135, 139, 512, 513, 514, 2049))
"""Ports of protocols in which the client speaks first, and that are told of by their number: nothing would be heard."""


def service_of(protocol: str, port: int, program: str = "") -> Service | None:
    """What is spoken there as far as one can tell; None for what nobody asks: datagrams to no known service, say.

    `program` is the name of its file.
    """
    known = [each for each in SERVICES if (each.udp if protocol == "udp" else each.tcp)]
    its = [each for each in known if program and program in each.programs]
    for each in (*(one for one in its if port in one.ports), *its, *(one for one in known if port in one.ports)):
        return each
    return Service(LISTEN) if protocol == "tcp" and port not in SILENT else None


def active(name: str) -> bool:
    """Whether a protocol is spoken with `--active` only."""
    return any(each.active for each in SERVICES if each.name == name)
