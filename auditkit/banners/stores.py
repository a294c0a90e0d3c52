"""Data stores: MySQL and MariaDB, PostgreSQL, Redis, memcached, MongoDB."""

import re

from auditkit.banners.reading import Product, Reading, first, found, line

_PROTOCOL_OF_MYSQL = 10
_ERROR_OF_MYSQL = 0xFF
_MARIADB = re.compile(r"(?:5\.5\.5-)?([0-9][0-9.]{0,20})-MariaDB(?:-([0-9A-Za-z.+~:_-]{1,60}))?")
_MYSQL = re.compile(r"[0-9][0-9.]{0,20}")
_FIELDS = re.compile(rb"\x00([A-Za-z])([^\x00]{1,300})")
_REDIS = re.compile(rb"^(redis|valkey)_version:([0-9][0-9A-Za-z.-]{0,40})", re.MULTILINE)
_SYSTEM = re.compile(rb"^os:([^\r\n]{1,100})", re.MULTILINE)
_MEMCACHED = re.compile(rb"\AVERSION ([0-9][0-9A-Za-z.-]{0,40})")
_MONGO_VERSION = re.compile(rb"\x02version\x00.{4}([0-9][0-9A-Za-z.-]{0,30})\x00", re.DOTALL)
_OK = re.compile(rb"\x01ok\x00\x00\x00\x00\x00\x00\x00\xf0\x3f")


def mysql(parts: tuple[bytes, ...]) -> Reading:
    """The first packet of a server: `5.5.5-10.11.18-MariaDB-0+deb12u1`, whose first six characters are for old clients."""
    data = first(parts)[4:]
    if not data:
        return Reading()
    if data[0] == _ERROR_OF_MYSQL:
        return Reading(line(data[3:]))
    if data[0] != _PROTOCOL_OF_MYSQL:
        return Reading(line(first(parts)))
    banner = line(data[1:].partition(b"\0")[0])
    if maria := _MARIADB.fullmatch(banner):
        return Reading(banner, (Product("mariadb", "-".join(filter(None, maria.groups()))),))
    mine = _MYSQL.match(banner)
    return Reading(banner, (Product("mysql", mine[0]),) if mine else ())


def postgresql(parts: tuple[bytes, ...]) -> Reading:
    """Whether it speaks TLS, `S` or `N`, then its error; no version is in it."""
    error = first(parts, 1)
    if first(parts)[:1] not in (b"S", b"N") and not error.startswith(b"E"):
        return Reading(line(first(parts)))
    told = {code: line(text) for code, text in _FIELDS.findall(b"\0" + error[5:])}
    message = told.get(b"M", "")
    return Reading(f"PostgreSQL{f': {message}' if message else ''}", (Product("postgresql"),))


def redis(parts: tuple[bytes, ...]) -> Reading:
    """The answer to INFO, which only who needs no password gets."""
    data = first(parts)
    match = _REDIS.search(data)
    if not match:
        return Reading(line(data))
    product = Product(line(match[1]), line(match[2]))
    return Reading(f"{product.name} {product.version}", (product,), found(_SYSTEM, data), open="it answers INFO")


def memcached(parts: tuple[bytes, ...]) -> Reading:
    """`VERSION 1.6.18`; with SASL it answers nothing of the kind."""
    version = found(_MEMCACHED, first(parts))
    if not version:
        return Reading(line(first(parts)))
    return Reading(line(first(parts)), (Product("memcached", version),), open="it answers `version`, and so `get` as well")


def mongodb(parts: tuple[bytes, ...]) -> Reading:
    """The answers to buildInfo, which everybody gets, and to listDatabases, which only who needs no password gets."""
    version = found(_MONGO_VERSION, first(parts))
    listed = first(parts, 1)
    is_open = b"\x04databases\x00" in listed and _OK.search(listed) is not None
    known = bool(version) or b"\x01ok\x00" in first(parts)
    banner = f"MongoDB {version}".strip() if known else line(first(parts))
    return Reading(banner, (Product("mongodb", version),) if known else (), open="it lists its databases" if is_open else "")
