"""One record of the kernel's audit log as fields, whatever is in it.

`type=T msg=audit(SECONDS.MILLI:SERIAL): pid=.. uid=.. auid=.. ses=.. msg='op=.. acct=.. exe=.. hostname=.. addr=.. terminal=..
res=..'`; an enriched one has names behind a 0x1d. What others chose is written in quotes, or in hexadecimal where
it has a blank, a quote or a control character in it: so a quoted value has none. Only the name of a host is written as it is,
and stands between fields that are found from either end.
"""

import re
from base64 import b64encode
from binascii import unhexlify
from typing import NamedTuple

HEAD = re.compile(rb"(?:node=(\S+) )?type=(\w+) msg=audit\((\d{1,11})\.(\d{3}):(\d{1,20})\): ?")
OUTER = re.compile(r"(?:^| )(pid|uid|auid|ses)=(\d{1,10})(?= |$)")
TAIL = re.compile(r"(?: addr=(?P<address>\S+))? terminal=(?P<terminal>\S+) res=(?P<result>\w+)\s*")
SAID = re.compile(r"(?:^| )(acct|id|cmd|grp|fp|rport|direction|algo|suid)=(\S+)")
OP = re.compile(r"\bop=(.*?)(?= \w+=|$)")
NAMES = re.compile(r'\b(AUID|UID)="([^"]*)"')
QUOTED = re.compile(r'"[!#-~]*"')
HEXADECIMAL = re.compile(r"(?:[0-9A-F]{2})+")
UNSET = 0xFFFF_FFFF
"""The uid of nobody: no login stands behind a process."""
IN_BYTES = re.compile(r"SHA256:((?:[0-9a-f]{2}:){31}[0-9a-f]{2})")


class Record(NamedTuple):
    """One record; an empty word or None is what it does not say."""

    node: str
    kind: str
    time: int
    serial: int
    body: str
    pid: int | None = None
    uid: int | None = None
    auid: int | None = None
    session: int | None = None
    op: str = ""
    account: str | None = None
    number: int | None = None
    """The uid or gid that it is about."""
    command: str = ""
    group: str = ""
    key: str = ""
    port: int | None = None
    direction: str = ""
    program: str = ""
    host: str = ""
    address: str | None = None
    terminal: str = ""
    result: str = ""
    login_name: str = ""
    """The name of `auid`, where it is enriched."""


class MalformedError(ValueError):
    """A record that no audit daemon wrote so."""


def head(line: bytes) -> tuple[bytes, bytes, int, int, int] | None:
    """Node, type, nanoseconds, serial number, and where the body begins; None if it is no record."""
    found = HEAD.match(line)
    if not found:
        return None
    node, kind, seconds, milli, serial = found.groups()
    return node or b"", kind, (int(seconds) * 1000 + int(milli)) * 1_000_000, int(serial), found.end()


def record(line: bytes, beginning: tuple[bytes, bytes, int, int, int]) -> Record:
    """All of a record whose head was read; MalformedError if it cannot be."""
    node, kind, time, serial, at = beginning
    body, separator, names = text(line[at:]).rpartition("\x1d")
    if not separator:
        body, names = names, ""
    outer, _msg, inner = body.partition(" msg='")
    numbers = {name: int(value) for name, value in OUTER.findall(outer)}
    read = Record(
        text(node),
        text(kind),
        time,
        serial,
        body,
        numbers.get("pid"),
        numbers.get("uid"),
        numbers.get("auid"),
        numbers.get("ses"),
        login_name=dict(NAMES.findall(names)).get("AUID", ""),
    )
    return said(read, inner) if inner else read


def said(read: Record, inner: str) -> Record:
    """The record with what a program said in it."""
    first, exe, rest = inner.rstrip().removesuffix("'").partition("exe=")
    program, _blank, rest = rest.partition(" ")
    host, tail = ended(f" {rest}")
    if not exe or not tail:
        raise MalformedError
    fields = dict(reversed(SAID.findall(first)))  # of two, the first counts
    op = OP.search(first)
    return read._replace(
        op=op[1].strip() if op else "",
        account=value(fields["acct"]) if "acct" in fields else None,
        number=whole(fields.get("id") or fields.get("suid")),
        command=value(fields.get("cmd", "")) or "",
        group=value(fields.get("grp", "")) or "",
        key=fingerprint(fields.get("fp", "")),
        port=whole(fields.get("rport")),
        direction=fields.get("direction", ""),
        program=(value(program) or "").rpartition("/")[2],
        host=known(host) or "",
        address=known(tail["address"]),
        terminal=(known(tail["terminal"]) or "").removeprefix("/dev/"),
        result=tail["result"],
    )


def ended(rest: str) -> tuple[str, re.Match[str] | None]:
    """The name of a host and the fields behind it: the last ones that are called so, as the name may imitate them."""
    at = rest.rfind(" addr=") if rest.startswith(" hostname=") else rest.rfind(" terminal=")
    return rest[:at].removeprefix(" hostname="), TAIL.fullmatch(rest, at) if at >= 0 else None


def value(word: str) -> str | None:
    """What somebody chose: in quotes, in hexadecimal, or `?` if it is not known."""
    if word in ("?", '"?"', ""):
        return None
    if QUOTED.fullmatch(word):
        return word[1:-1]
    if HEXADECIMAL.fullmatch(word):
        return text(unhexlify(word))
    raise MalformedError


def known(word: str | None) -> str | None:
    """A word, if it is not `?`."""
    return None if word in (None, "?", "(null)", "(none)") else word


def whole(word: str | None) -> int | None:
    """A number, if it is one of 32 bits."""
    return int(word) if word and word.isascii() and word.isdigit() and len(word) <= 10 else None


def fingerprint(word: str) -> str:
    """A fingerprint as ssh-keygen shows it; some write its bytes in hexadecimal."""
    found = IN_BYTES.fullmatch(word)
    if not found:
        return word if word.startswith("SHA256:") else ""
    return "SHA256:" + b64encode(unhexlify(found[1].replace(":", ""))).decode().rstrip("=")


def text(raw: bytes) -> str:
    """Bytes as text, whatever they are."""
    return raw.decode("utf-8", "surrogateescape")
