"""FTP (RFC 959), SMB (MS-SMB2), rsync: what hands out files."""

import re

from auditkit.banners.naming import named
from auditkit.banners.reading import Product, Reading, first, found, line

_PRODUCTS = (
    ("vsftpd", re.compile(rb"\(vsFTPd ([0-9][0-9.]{0,20})[):]")),
    ("proftpd", re.compile(rb"\bProFTPD(?: ([0-9][0-9A-Za-z.]{0,20}))?")),
    ("pure-ftpd", re.compile(rb"\bPure-?FTPd(?: ([0-9][0-9.]{0,20}))?")),
    ("filezilla", re.compile(rb"\bFileZilla Server(?: (?:version )?([0-9][0-9A-Za-z.]{0,20}))?")),
    ("iis", re.compile(rb"\bMicrosoft FTP Service(?: \(Version ([0-9.]{1,20})\))?")),
)
_RSYNC = re.compile(rb"\A@RSYNCD: ([0-9.]{1,12})")
_HEADER, _SMB2_DIALECT = 4, 4 + 64 + 4
_DIALECTS = {0x0202: "2.0.2", 0x0210: "2.1", 0x02FF: "2", 0x0300: "3.0", 0x0302: "3.0.2", 0x0311: "3.1.1"}


def ftp(parts: tuple[bytes, ...]) -> Reading:
    """Greeting, then the answers to FEAT (RFC 2389) and AUTH TLS (RFC 4217): pure-ftpd offers that and may refuse it."""
    greeting, begun = first(parts), first(parts, 2)
    if not greeting.startswith(b"220"):
        return Reading(line(greeting))
    told = ((name, pattern.search(greeting)) for name, pattern in _PRODUCTS)
    products = tuple(Product(name, line(match[1] or b"")) for name, match in told if match)
    products = products or named(line(greeting.partition(b"\n")[0])[4:])
    clear = "" if begun.startswith(b"234") else "it is FTP without TLS"
    return Reading(line(greeting.partition(b"\n")[0]), products, clear=clear)


def smb(parts: tuple[bytes, ...]) -> Reading:
    """The answer to a negotiation: which dialect was chosen of those that were offered."""
    data = first(parts)
    if data[_HEADER:].startswith(b"\xffSMB"):
        return Reading("SMB 1")
    if not data[_HEADER:].startswith(b"\xfeSMB") or len(data) < _SMB2_DIALECT + 2:
        return Reading(line(data))
    dialect = int.from_bytes(data[_SMB2_DIALECT : _SMB2_DIALECT + 2], "little")
    return Reading(f"SMB {_DIALECTS.get(dialect, hex(dialect))}")


def rsync(parts: tuple[bytes, ...]) -> Reading:
    """`@RSYNCD: 31.0`, the version of the protocol."""
    return Reading(line(first(parts)), (Product("rsync"),) if found(_RSYNC, first(parts)) else ())
