"""What is said to a service of each protocol: as little as brings it to tell what it is, and nothing that could change it.

A probe hears first where the service speaks first. None logs in, none asks for what is stored; those of data stores ask
only what tells whether a password is needed, and stand in PROBES for who says `--active`.
"""

import struct
from collections.abc import Callable, Mapping

from auditkit.ports.talk import Talk, line, matching

NAME = b"auditkit.invalid"
"""Who we say that we are, where a protocol wants a name (RFC 6761)."""
A_MOMENT = 1.0
"""Seconds for a service to speak first of which nobody knows whether it does."""
_REPLY = matching(rb"^[0-9]{3} [^\n]*\n")
"""The last line of a reply of SMTP or FTP."""
_HEADERS = matching(rb"\r?\n\r?\n")
_DIALECTS_OF_SMB = b"\x02NT LM 0.12\0\x02SMB 2.002\0\x02SMB 2.???\0"
_DO, _DONT, _WILL, _WONT, _IAC = 253, 254, 251, 252, 255
_ROUNDS = 4
_NEWEST_RFB = b"RFB 003.008\n"
_LENGTH_OF_RFB = 12


def listen(talk: Talk) -> None:
    """Nothing is asked."""
    talk.hear(most=A_MOMENT)


# --- mail


def smtp(talk: Talk) -> None:
    """Greeting, EHLO, STARTTLS where it is offered."""
    talk.hear(_REPLY)
    offered = talk.ask(b"EHLO %s\r\n" % NAME, _REPLY)
    if b"STARTTLS" in offered.upper() and talk.ask(b"STARTTLS\r\n", _REPLY).startswith(b"220"):
        talk.secure()
    talk.say(b"QUIT\r\n")


def imap(talk: Talk) -> None:
    """Greeting, CAPABILITY, ID, STARTTLS where it is offered."""
    talk.hear(line)
    offered = talk.ask(b"a CAPABILITY\r\n", matching(rb"^a [^\n]*\n")).upper()
    if b" ID" in offered:
        talk.ask(b"b ID NIL\r\n", matching(rb"^b [^\n]*\n"))
    if b"STARTTLS" in offered and talk.ask(b"c STARTTLS\r\n", matching(rb"^c [^\n]*\n")).startswith(b"c OK"):
        talk.secure()
    talk.say(b"d LOGOUT\r\n")


def pop3(talk: Talk) -> None:
    """Greeting, CAPA, STLS where it is offered."""
    talk.hear(line)
    offered = talk.ask(b"CAPA\r\n", matching(rb"^\.\r?\n|^-ERR[^\n]*\n"))
    if b"STLS" in offered.upper() and talk.ask(b"STLS\r\n", line).startswith(b"+OK"):
        talk.secure()
    talk.say(b"QUIT\r\n")


def in_tls(probe: Callable[[Talk], None]) -> Callable[[Talk], None]:
    """The same in TLS from the start."""

    def inside(talk: Talk) -> None:
        if talk.secure():
            probe(talk)

    return inside


# --- the web


def http(talk: Talk) -> None:
    """The headers of `/`; where they lead is not followed."""
    talk.ask(b"HEAD / HTTP/1.0\r\nHost: %s\r\nUser-Agent: auditkit\r\n\r\n" % _host(talk), _HEADERS)


def elasticsearch(talk: Talk) -> None:
    """What is at `/`."""
    talk.ask(b"GET / HTTP/1.0\r\nHost: %s\r\nUser-Agent: auditkit\r\n\r\n" % _host(talk), matching(rb"\}\s*\Z"))


def _host(talk: Talk) -> bytes:
    peer = talk.peer.partition("%")[0].encode("ascii")
    return b"[%s]" % peer if b":" in peer else peer


# --- files


def ftp(talk: Talk) -> None:
    """Greeting, FEAT, AUTH TLS where it is offered."""
    talk.hear(_REPLY)
    offered = talk.ask(b"FEAT\r\n", _REPLY)
    if b"AUTH TLS" in offered.upper() and talk.ask(b"AUTH TLS\r\n", _REPLY).startswith(b"234"):
        talk.secure()
    talk.say(b"QUIT\r\n")


def smb(talk: Talk) -> None:
    """A negotiation that offers SMB 1 and 2 (MS-SMB2 section 3.2.4.2.2.1)."""
    header = b"\xffSMB\x72" + bytes(4) + b"\x18" + struct.pack("<H", 0x4801) + bytes(12) + b"\xff\xff" + bytes(6)
    body = header + b"\0" + struct.pack("<H", len(_DIALECTS_OF_SMB)) + _DIALECTS_OF_SMB
    talk.ask(struct.pack(">I", len(body)) + body)


def rsync(talk: Talk) -> None:
    """The greeting; no list of what it hands out is asked for."""
    talk.hear(line)


# --- data stores


def mysql(talk: Talk) -> None:
    """The first packet; a server counts who goes away then among its aborted connections."""
    talk.hear(lambda data: len(data) >= 4 and len(data) >= 4 + int.from_bytes(data[:3], "little"))


def postgresql(talk: Talk) -> None:
    """Whether it speaks TLS, then a start in a version that there is not, which it refuses."""
    if talk.ask(struct.pack(">II", 8, 80877103)) == b"S":
        talk.secure()
    talk.ask(struct.pack(">II", 8, 0))


def redis(talk: Talk) -> None:
    """INFO of the server itself."""
    talk.ask(b"INFO server\r\n", matching(rb"^-[^\n]*\n|^redis_version:[^\n]*\n(?:.*\n)*os:[^\n]*\n"))


def memcached(talk: Talk) -> None:
    """Its version."""
    talk.ask(b"version\r\n", line)


def mongodb(talk: Talk) -> None:
    """buildInfo, which everybody may ask, and the names of the databases, which is refused where a login is needed."""
    for number, command in enumerate((b"buildInfo", b"listDatabases"), 1):
        names = b"\x08nameOnly\x00\x01" if number > 1 else b""
        inner = b"\x10" + command + b"\0" + struct.pack("<i", 1) + names + b"\x02$db\0" + struct.pack("<i", 6) + b"admin\0"
        document = struct.pack("<i", len(inner) + 5) + inner + b"\0"
        message = struct.pack("<iiiiIB", 21 + len(document), number, 0, 2013, 0, 0) + document
        talk.ask(message, lambda data: len(data) >= 4 and len(data) >= int.from_bytes(data[:4], "little"))


# --- names, times, what a machine is


def dns(talk: Talk) -> None:
    """version.bind and hostname.bind, class CHAOS."""
    for number, name in enumerate((b"version", b"hostname"), 1):
        question = b"%c%s\x04bind\0" % (len(name), name) + struct.pack(">HH", 16, 3)
        message = struct.pack(">HHHHHH", 0x4B00 + number, 0, 1, 0, 0, 0) + question
        if talk.streams:
            length = struct.pack(">H", len(message))
            talk.ask(length + message, lambda data: len(data) > 1 and len(data) >= 2 + int.from_bytes(data[:2], "big"))
        else:
            talk.ask(message)


def ntp(talk: Talk) -> None:
    """The variables of the system: mode 6, readvar (RFC 9327)."""
    talk.ask(b"\x16\x02\x00\x01" + bytes(8))


def snmp(talk: Talk) -> None:
    """The description of the system, with the two communities that everybody knows."""
    for community in (b"public", b"private"):
        name = b"\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\x00\x05\x00"
        names = b"\x30%c" % len(name) + name
        inner = b"\x02\x01\x01\x02\x01\x00\x02\x01\x00" + names
        body = b"\x02\x01\x01\x04%c%s\xa0%c" % (len(community), community, len(inner)) + inner
        talk.say(b"\x30%c" % len(body) + body)
    talk.hear()


def ldap(talk: Talk) -> None:
    """What the root entry says of the vendor; everybody may read it (RFC 4513 section 5.1.1)."""
    names = b"".join(b"\x04%c%s" % (len(each), each) for each in (b"objectClass", b"vendorName", b"vendorVersion"))
    scope = b"\x04\x00\x0a\x01\x00\x0a\x01\x00\x02\x01\x01\x02\x01\x03\x01\x01\x00\x87\x0bobjectClass"
    body = scope + b"\x30%c" % len(names) + names
    message = b"\x02\x01\x01\x63%c" % len(body) + body
    talk.ask(b"\x30%c" % len(message) + message)


# --- desks


def telnet(talk: Talk) -> None:
    """Text, all options refused that it asks for."""
    data = talk.hear()
    for _round in range(_ROUNDS):
        refusals = bytes(_refusals(data))
        if b"ogin:" in data or (not refusals and not data):
            return
        data = talk.ask(refusals) if refusals else talk.hear(most=A_MOMENT)


def _refusals(data: bytes) -> list[int]:
    """The answers to each DO and WILL, which say no."""
    found = list[int]()
    for at in range(len(data) - 2):
        if data[at] == _IAC and data[at + 1] in (_DO, _WILL):
            found += (_IAC, _WONT if data[at + 1] == _DO else _DONT, data[at + 2])
    return found


def vnc(talk: Talk) -> None:
    """The version, then the ways to get in, none of which is tried."""
    version = talk.hear(lambda data: len(data) >= _LENGTH_OF_RFB)
    if version.startswith(b"RFB "):
        talk.ask(min(version[:_LENGTH_OF_RFB], _NEWEST_RFB), lambda data: len(data) > 1)


def rdp(talk: Talk) -> None:
    """A request for a connection that offers TLS and CredSSP (MS-RDPBCGR section 2.2.1.1)."""
    talk.ask(b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00")


def x11(talk: Talk) -> None:
    """A client without a cookie."""
    talk.ask(b"l\0" + struct.pack("<HHHHH", 11, 0, 0, 0, 0), lambda data: len(data) >= 8)


PROBES: Mapping[str, Callable[[Talk], None]] = {
    "listen": listen, "smtp": smtp, "smtps": in_tls(smtp), "imap": imap, "imaps": in_tls(imap), "pop3": pop3,
    "pop3s": in_tls(pop3), "http": http, "https": in_tls(http), "ipp": http, "elasticsearch": elasticsearch, "ftp": ftp,
    "ftps": in_tls(ftp), "smb": smb, "rsync": rsync, "mysql": mysql, "postgresql": postgresql, "redis": redis,
    "memcached": memcached, "mongodb": mongodb, "dns": dns, "ntp": ntp, "snmp": snmp, "ldap": ldap, "ldaps": in_tls(ldap),
    "telnet": telnet, "vnc": vnc, "rdp": rdp, "x11": x11,
}  # fmt: skip
"""What is said in each protocol; ssh is not among them."""
