"""What services say of themselves to whoever connects, read: product, version, system, and who may log in how.

Pure: the bytes that auditkit/ports heard in, a Reading out. One file per family of protocols, READERS has one line for each
protocol. A reader takes any bytes: what it does not understand it leaves out.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from ipaddress import ip_address
from typing import Any

from auditkit.banners import desks, directories, mail, shares, stores, web
from auditkit.banners.reading import Product, Reading, line
from auditkit.model import Gap, Item
from auditkit.printable import printable

__all__ = ["Heard", "Product", "Reading", "heard", "read", "written"]

LARGEST = 64 << 10
"""Bytes of one Item."""
MOST_PARTS = 16
OUTCOMES = ("answered", "silent", "refused", "unreachable")
"""`silent`: nothing came within the time, as where a datagram is not answered; `unreachable`: no connection was made."""
_PORTS = 1 << 16

READERS: Mapping[str, Callable[[tuple[bytes, ...]], Reading]] = {
    "smtp": mail.smtp, "smtps": mail.smtp, "imap": mail.imap, "imaps": mail.imap, "pop3": mail.pop3, "pop3s": mail.pop3,
    "http": web.http, "https": web.http, "ipp": web.http, "elasticsearch": web.elasticsearch,
    "ftp": shares.ftp, "ftps": shares.ftp, "smb": shares.smb, "rsync": shares.rsync,
    "mysql": stores.mysql, "postgresql": stores.postgresql, "redis": stores.redis, "memcached": stores.memcached,
    "mongodb": stores.mongodb,
    "dns": directories.dns, "ntp": directories.ntp, "snmp": directories.snmp, "ldap": directories.ldap,
    "ldaps": directories.ldap,
    "telnet": desks.telnet, "vnc": desks.vnc, "rdp": desks.rdp, "x11": desks.x11,
    "listen": desks.listen,
}  # fmt: skip
"""What each protocol's answers are read by."""
IN_TLS = frozenset(("smtps", "imaps", "pop3s", "https", "ftps", "ldaps"))
"""Protocols that begin with TLS, so that nothing of them is in the clear."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a service said: one Item of `Means.PORT`."""

    service: str
    """The protocol that it was spoken to in: one of READERS."""
    protocol: str
    """`tcp` or `udp`"""
    address: str
    """The address that was contacted."""
    port: int
    outcome: str
    """One of OUTCOMES."""
    parts: tuple[bytes, ...] = ()
    """What it said, before the first question and after each."""
    certificate: bytes = b""
    """What it showed where TLS was spoken, in DER."""
    tls: str = ""
    """`TLSv1.3`; or why there was none, where it was begun."""
    here: bool = False
    """Whether it was asked on the machine itself, so that no firewall was in between."""

    @property
    def place(self) -> str:
        """`192.168.10.2:80`, `[fe80::1]:80`"""
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


def read(heard: Heard) -> Reading:
    """What a service tells of itself."""
    if heard.outcome != "answered":
        return Reading()
    return READERS[heard.service](heard.parts)


def written(heard: Heard) -> bytes:
    """What was heard as the bytes of an Item, which `heard` reads."""
    told = {each.name: getattr(heard, each.name) for each in fields(heard)}
    told["parts"] = [part.decode("latin-1") for part in heard.parts]
    told["certificate"] = heard.certificate.hex()
    return json.dumps(told, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def heard(item: Item) -> Heard | Gap:
    """What a service said; a gap where that is not what was written down."""
    try:
        return _heard(item.data)
    except (TypeError, ValueError, KeyError, RecursionError) as error:
        return Gap(item.source, f"what was heard there makes no sense: {printable(str(error)[:200])}")


def _heard(data: bytes) -> Heard:
    if len(data) > LARGEST:
        raise ValueError(f"it is longer than {LARGEST} bytes")
    told: dict[str, Any] = json.loads(data.decode("ascii"))
    texts = {name: _text(told[name]) for name in ("service", "protocol", "address", "outcome", "tls")}
    port, here, parts = told["port"], told["here"], told["parts"]
    if texts["service"] not in READERS or texts["protocol"] not in ("tcp", "udp") or texts["outcome"] not in OUTCOMES:
        raise ValueError("a word that nobody writes there")
    if type(port) is not int or not 0 < port < _PORTS or not isinstance(here, bool) or not isinstance(parts, list):
        raise ValueError("a field of another kind")
    ip_address(texts["address"])
    return Heard(
        texts["service"],
        texts["protocol"],
        texts["address"],
        port,
        texts["outcome"],
        tuple(_text(part).encode("latin-1") for part in parts[:MOST_PARTS]),
        bytes.fromhex(_text(told["certificate"])),
        line(texts["tls"].encode("utf-8", "replace")),
        here,
    )


def _text(told: object) -> str:
    if not isinstance(told, str):
        raise TypeError("a field is no text")
    return told
