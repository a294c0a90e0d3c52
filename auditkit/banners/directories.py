"""DNS (RFC 4892), NTP (RFC 9327), SNMP (RFC 3416), LDAP (RFC 4512): what tells names, times and what a machine is."""

import re
from collections.abc import Iterator

from auditkit.banners.reading import Product, Reading, first, found, line

_TXT, _CHAOS = 16, 3
_HEADER_OF_DNS, _FIXED = 12, 10
_POINTER = 0xC0
_DNSMASQ = re.compile(rb"\Adnsmasq-([0-9][0-9A-Za-z.]{0,20})")
_UNBOUND = re.compile(rb"\Aunbound ([0-9][0-9A-Za-z.]{0,20})")
_BIND = re.compile(rb"\A(?:[0-9A-Za-z ]{0,20}\bBIND )?([0-9]{1,2}\.[0-9]+(?:\.[0-9]+|-ESV)[0-9A-Za-z._~+-]{0,40})")
_POWERDNS = re.compile(rb"\APowerDNS [A-Za-z ]{0,30}?([0-9][0-9A-Za-z.-]{0,30})")
_NSD = re.compile(rb"\ANSD ([0-9][0-9A-Za-z.]{0,20})")
_KNOT = re.compile(rb"\AKnot (?:DNS|Resolver) ([0-9][0-9A-Za-z.-]{0,20})")
_COREDNS = re.compile(rb"\ACoreDNS-([0-9][0-9A-Za-z.]{0,20})")
_WINDOWS = re.compile(rb"\AMicrosoft DNS ([0-9][0-9.]{0,20})")
_NAMES = (
    *(("dnsmasq", _DNSMASQ), ("unbound", _UNBOUND), ("bind", _BIND), ("powerdns", _POWERDNS), ("nsd", _NSD)),
    *(("knot", _KNOT), ("coredns", _COREDNS), ("microsoft-dns", _WINDOWS)),
)
"""Whose answers these are."""
_NTP_VERSION = re.compile(rb'version="?(?:ntpd )?((ntpsec-)?([0-9][0-9A-Za-z.@+-]{0,30})?[^",]{0,100})')
_NTP_SYSTEM = re.compile(rb'system="?([^",]{1,100})')
_CONTROL, _RESPONSE = 6, 0x80
_SYSDESCR = b"\x2b\x06\x01\x02\x01\x01\x01\x00"
_LDAP_VENDOR = re.compile(rb"vendor(?:Name|Version)1.\x04.([ -~]{1,60})", re.DOTALL)
_AD = re.compile(rb"(?:domainController|forest|domain)Functionality", re.DOTALL)
_SEQUENCE, _OCTETS = 0x30, 0x04


# --- DNS


def dns(parts: tuple[bytes, ...]) -> Reading:
    """The answers to version.bind and hostname.bind, CHAOS TXT; over TCP each has its length before it."""
    version, host = (text for text in (next(_texts(part), b"") for part in (first(parts), first(parts, 1))))
    if not version and not host:
        return Reading("refuses to tell its version" if any(map(_is_answer, parts)) else "")
    told = line(version)
    for name, pattern in _NAMES:
        if shown := found(pattern, version):
            return Reading(told, (Product(name, shown),), host=line(host))
    return Reading(told or line(host), host=line(host))


def _message(part: bytes) -> bytes:
    """A message without the length that stands before it over TCP."""
    return part[2:] if len(part) > 1 and int.from_bytes(part[:2], "big") == len(part) - 2 else part


def _is_answer(part: bytes) -> bool:
    return len(_message(part)) >= _HEADER_OF_DNS and bool(_message(part)[2] & 0x80)


def _texts(part: bytes) -> Iterator[bytes]:
    """Yield the first string of each TXT record of class CHAOS among the answers."""
    data = _message(part)
    if not _is_answer(part):
        return
    questions, answers = (int.from_bytes(data[at : at + 2], "big") for at in (4, 6))
    at = _HEADER_OF_DNS
    for _question in range(min(questions, 4)):
        at = _behind_name(data, at) + 4
    for _answer in range(min(answers, 8)):
        at = _behind_name(data, at)
        kind, group, length = (int.from_bytes(data[at + off : at + off + 2], "big") for off in (0, 2, 8))
        at += _FIXED
        if kind == _TXT and group == _CHAOS and 0 < length <= len(data) - at:
            yield data[at + 1 : at + 1 + min(data[at], length - 1)]
        at += length


def _behind_name(data: bytes, at: int) -> int:
    """Where a name ends: with the root, or with a pointer to another name."""
    while at < len(data) and data[at]:
        if data[at] >= _POINTER:
            return at + 2
        at += data[at] + 1
    return at + 1


# --- NTP, SNMP, LDAP


def ntp(parts: tuple[bytes, ...]) -> Reading:
    """The system variables in an answer of mode 6: version, processor, kernel."""
    data = first(parts)
    if len(data) < _HEADER_OF_DNS or data[0] & 7 != _CONTROL or not data[1] & _RESPONSE:
        return Reading(line(data))
    match = _NTP_VERSION.search(data)
    if not match:
        return Reading(line(data[_HEADER_OF_DNS:]))
    product = Product("ntpsec" if match[2] else "ntp", line(match[3] or b""))
    return Reading(line(match[1]), (product,), found(_NTP_SYSTEM, data))


def snmp(parts: tuple[bytes, ...]) -> Reading:
    """The description of the system, once for each community that was tried: the answer names it again."""
    for part in parts:
        tag, body, _rest = _element(part)
        _version, _first, rest = _element(body)
        community, name, _rest = _element(rest)
        if tag != _SEQUENCE or community != _OCTETS or _SYSDESCR not in part:
            continue
        kind, text, _rest = _element(part.partition(_SYSDESCR)[2])
        if kind == _OCTETS:
            told = line(text)
            return Reading(told, (Product("snmp"),), told, open=f"it answers to the community `{line(name)}`")
    return Reading()


def ldap(parts: tuple[bytes, ...]) -> Reading:
    """The root entry: which vendor, and whether it is an Active Directory."""
    data = first(parts)
    if _element(data)[0] != _SEQUENCE:
        return Reading(line(data))
    if b"OpenLDAProotDSE" in data:
        return Reading("OpenLDAP", (Product("openldap"),))
    vendor = line(b" ".join(_LDAP_VENDOR.findall(data)))
    return Reading(vendor or ("Active Directory" if _AD.search(data) else "LDAP"))


def _element(data: bytes) -> tuple[int, bytes, bytes]:
    """Tag, content and what follows, of BER (X.690) with a definite length; tag 0 where there is none."""
    if len(data) < 2:
        return 0, b"", b""
    size, at = data[1], 2
    if size & 0x80:
        at += size & 0x7F
        size = int.from_bytes(data[2:at], "big")
    return data[0], data[at : at + size], data[at + size :]
