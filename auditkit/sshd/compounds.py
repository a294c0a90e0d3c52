"""The values of sshd_config(5) that have parts: where to listen, what may be forwarded, limits, lists of methods."""

import re

from auditkit.keys.addresses import number
from auditkit.sshd.lines import Refused, Version, lowered
from auditkit.sshd.patterns import address_listed
from auditkit.sshd.values import MOST, Value, Words, port_of, seconds, some, whole

_LIMIT = re.compile(r"[ \t\n\v\f\r]*([+-]?)([0-9]{0,18})(?:\.([0-9]{0,18}))?([BKMGTPEbkmgtpe]?)")
_STARTUPS = re.compile(r"\s*([+-]?[0-9]{1,9})(?::\s*([+-]?[0-9]{1,9})(?::\s*([+-]?[0-9]{1,9}))?)?", re.ASCII)
_BLOCK = re.compile(r"\s*([+-]?[0-9]{1,9})(?::\s*([+-]?[0-9]{1,9}))?", re.ASCII)

MARKS = {
    "none": -1,
    **{f"af{a}{b}": (a * 8 + b * 2) << 2 for a in range(1, 5) for b in range(1, 4)},
    **{f"cs{n}": n << 5 for n in range(8)},
    "ef": 0xB8,
    "le": 0x04,
}
OLD_MARKS = {"lowdelay": 0x10, "throughput": 0x08, "reliability": 0x04}


def users(words: Words) -> Value:
    """Patterns of user names, each perhaps with `@` and hosts."""
    found = some(words)
    for pattern in found:
        name, at, hosts = pattern.rpartition("@") if words.version >= (9, 9) else pattern.partition("@")
        if at and (name or hosts):
            address_listed(None, hosts)
    return found


def permitted(words: Words) -> Value:
    """Who may connect or listen where: `host:port`, `any` or `none`."""
    return _permitted(words, bare=False)


def listening(words: Words) -> Value:
    """As permitted(), and a port alone is one on any address."""
    return _permitted(words, bare=True)


def _permitted(words: Words, *, bare: bool) -> Value:
    if words.version < (9, 5) and words.left[:1] and words.left[0] in ("any", "none"):
        return (words.take(),)
    found: list[str] = []
    for name in some(words):
        if name in ("any", "none") and words.version >= (9, 5):
            if found:
                raise Refused(f"{name} must appear alone")
            found.append(name)
            continue
        _, port = ("*", name) if bare and ":" not in name else host_and_port(name)
        if port is None or (port != "*" and port_of(port) <= 0):
            raise Refused("bad port number")
        found.append(f"*:{name}" if bare and ":" not in name else name)
    if not found:
        raise Refused("missing argument")
    return tuple(found)


def host_and_port(text: str) -> tuple[str, str | None]:
    """Host and port, by hpdelim: cut at the first `:`, after brackets where there are some.

    Raises:
        Refused: a `/` where the `:` should be, or something else after the bracket.
    """
    head, bracket, tail = text.partition("]") if text.startswith("[") else ("", "", text)
    if text.startswith("[") and (not bracket or tail[:1] not in ("", ":")):
        raise Refused("bad host and port")
    host, colon, given = tail.partition(":")
    if "/" in host:
        raise Refused("bad host and port")
    return (head[1:] if bracket else host), given if colon else None


def port(words: Words) -> Value:
    """A number of a port; a name of a service is not known here, and refused."""
    found = port_of(words.take())
    if found <= 0:
        raise Refused("badly formatted port number")
    return (str(found),)


def listen(words: Words) -> Value:
    """Address and port to listen on, the port empty where none is given; a routing domain after a blank."""
    name = words.take()
    if "[" not in name and name.count(":") > 1:
        address, given = name, None
    else:
        address, given = host_and_port(name)
    if given is not None and port_of(given) <= 0:
        raise Refused("bad port number")
    domain = words.all()
    if domain and (domain[0] != "rdomain" or len(domain) != 2):
        raise Refused("bad ListenAddress syntax")
    known = number(address)
    shown = address if known is None else f"[{known}]" if known.version == 6 else str(known)
    return (" ".join((f"{shown}:{'' if given is None else port_of(given)}", *domain)),)


def methods(words: Words) -> Value:
    """Lists of methods of authentication, or `any`."""
    found = words.all()
    if "any" in found and len(found) > 1:
        raise Refused("any must appear alone")
    if not found:
        raise Refused("missing argument")
    known = {"none", "publickey", "password", "keyboard-interactive", "hostbased", "gssapi-with-mic", "gssapi-keyex"}
    for part in (part for listed in found if listed != "any" for part in listed.split(",")):
        if part.partition(":")[0] not in known:
            raise Refused("invalid method list")
    return found


def mask(words: Words) -> Value:
    """A mode in octal."""
    found = re.match(r"\s*([+-]?)(0*[0-7]{1,9})", words.take(), re.ASCII)
    if found is None or (found[1] == "-" and int(found[2], 8)) or int(found[2], 8) > 0o777:
        raise Refused("invalid mode")
    return (f"0{int(found[2], 8):o}" if int(found[2], 8) else "00",)


def subsystem(words: Words) -> Value:
    """Its name and command, as one text."""
    name = words.take()
    path = words.take()
    return (" ".join((name, *_assembled((path, *words.all()), words.version))),)


def rekey(words: Words) -> Value:
    """A volume and perhaps a time, as parts `size:` and `time:`."""
    size = words.take()
    volume = 0 if size == "default" else _volume(size)
    if 0 < volume < 16 or volume < 0:
        raise Refused("too small")
    if not words.left:
        return (f"size:{volume}",)
    if words.left[0] == "none":
        words.take()
        return (f"size:{volume}",)
    return (f"size:{volume}", f"time:{seconds(words.take())}")


def penalties(words: Words) -> Value:
    """What makes a source wait, as parts `name:value`; `enabled:` where the line is `yes` or `no`.

    Of a time the fraction that sshd takes since 10.3 is not known here.
    """
    found = some(words)
    if lowered(found[0]) in ("yes", "no") and len(found) == 1:
        return (f"enabled:{lowered(found[0])}",)
    return tuple(_penalty(part, words.version) for part in found)


def _penalty(part: str, version: Version) -> str:
    name, _, value = part.partition(":")
    times = {"crash", "authfail", "noauth", "grace-exceeded", "refuseconnection", "max", "min"}
    if name in times or (name == "invaliduser" and version >= (10, 3)):
        if not value:
            raise Refused("invalid time value")
        return f"{name}:{seconds(value)}"
    if name in ("max-sources4", "max-sources6"):
        return f"{name}:{whole(value, MOST)}"
    if name in ("overflow", "overflow6") and value in ("deny-all", "permissive"):
        return part
    raise Refused(f"unsupported option {part[:80]}")


def quality(words: Words) -> Value:
    """The marks of packets, of sessions and of bulk data."""
    first = _mark(words.take(), words.version)
    return (f"{first} {_mark(words.take(), words.version) if words.left else first}",)


def _mark(text: str, version: Version) -> str:
    name = lowered(text)
    marks = MARKS | (OLD_MARKS if version < (10, 0) else {})
    if name in OLD_MARKS and version >= (10, 0):
        return "none"
    value = marks[name] if name in marks else whole(text, 255)
    return name if name == "none" else next((known for known, mark in marks.items() if mark == value), f"0x{value:02x}")


def startups(words: Words) -> Value:
    """How many unauthenticated connections: `start:rate:full`; the rate is empty if it is not given."""
    found = _STARTUPS.match(words.take())
    if found is None or (found[2] is None) != (found[3] is None):
        raise Refused("invalid specification")
    start, rate, full = (int(part) if part is not None else None for part in found.groups())
    most = start if full is None else full
    if start is None or most is None or start <= 0 or most <= 0:
        raise Refused("invalid specification")
    if rate is not None and (start > most or not 1 <= rate <= 100):
        raise Refused("invalid specification")
    return (str(start), "" if rate is None else str(rate), str(most))


def block_size(words: Words) -> Value:
    """How long the masks of a source are, of IPv4 and IPv6; the second is empty if it is not given."""
    found = _BLOCK.match(words.take())
    if found is None or not 0 <= int(found[1]) <= 32 or (found[2] and not 0 <= int(found[2]) <= 128):
        raise Refused("invalid specification")
    return (str(int(found[1])), str(int(found[2])) if found[2] else "")


def limit(words: Words) -> Value:
    """A number, or `none`."""
    name = words.take()
    return ("none" if name == "none" else str(whole(name, MOST)),)


def timeouts(words: Words) -> Value:
    """Times by kind of channel, or `none`."""
    found = some(words)
    if "none" in map(lowered, found) and len(found) > 1:
        raise Refused("none must appear alone")
    for part in found:
        kind, _, time = part.partition("=")
        if lowered(part) != "none" and (not kind or not time):
            raise Refused("invalid channel timeout")
        if lowered(part) != "none":
            seconds(time)
    return ("none",) if tuple(map(lowered, found)) == ("none",) else found


def verbose(words: Words) -> Value:
    """Places of the source whose messages are all logged, or `none`."""
    found = some(words)
    if "none" in map(lowered, found) and len(found) > 1:
        raise Refused("none must appear alone")
    return found


def _assembled(words: Value, version: Version) -> Value:
    """Words as one command, those with blanks quoted since 9.5."""
    return words if version < (9, 5) else tuple(map(_quoted, words))


def _quoted(text: str) -> str:
    escaped = "".join(f"\\{c}" if c in "\\\"'" else c for c in text)
    return f'"{escaped}"' if re.search("[ \t]", text) else escaped


def _volume(text: str) -> int:
    """How many bytes a size is, by scan_scaled(3)."""
    found = _LIMIT.fullmatch(text)
    if found is None:
        raise Refused("bad number")
    scale = 1024 ** " kmgtpe".find(lowered(found[4])) if found[4] and found[4] not in "bB" else 1
    part = int(found[3] or "0") * scale // 10 ** len(found[3] or "") if found[4] else 0
    size = int(found[2] or "0") * scale + part
    if size > 2**63 - 1:
        raise Refused("bad number")
    return -size if found[1] == "-" else size
