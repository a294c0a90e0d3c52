"""The options before a key in authorized_keys, as sshd reads them (auth-options.c, sshd(8) AUTHORIZED_KEYS FILE FORMAT).

    restrict,command="/usr/bin/rrsync /srv/backup",from="192.168.10.0/24,!192.168.10.66" ssh-ed25519 AAAA... backup

One wrong option, and sshd passes over the whole line. So what is wrong here is a reason for a key to have no effect.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from auditkit.keys import times

FLAGS: Mapping[str, str] = {
    "port-forwarding": "port_forwarding",
    "agent-forwarding": "agent_forwarding",
    "x11-forwarding": "x11_forwarding",
    "touch-required": "touch_required",
    "verify-required": "verify_required",
    "pty": "pty",
    "user-rc": "user_rc",
}
"""Options that `no-` before them turns off, and what holds them here."""
_RESTRICTED = ("port_forwarding", "agent_forwarding", "x11_forwarding", "pty", "user_rc")
MOST_ENVIRONMENT = 1024
"""SSH_AUTHOPT_ENV_MAX"""
MOST_PERMITS = 4096
"""SSH_AUTHOPT_PERMIT_MAX"""
_MOST_TUNNEL = 0x7FFFFFFF - 2
_LONGEST_HOST = 1024
_PLACE = re.compile(r"(\[[^\]]*\]|[^\[:/][^:/]*|)[:/](.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9_]+", re.ASCII)
_NUMBER = re.compile(r"[ \t]*\+?[0-9]{1,10}", re.ASCII)  # strtonum(3)
_SERVICE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9-]+")
_VALUE = re.compile(r'"((?:\\"|[^"])*+)"', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Options:
    """What a line asks for; what it does not say is as sshd has it."""

    restrict: bool = False
    authority: bool = False
    """`cert-authority`: the key lets nobody in, the certificates it has signed do."""
    port_forwarding: bool = True
    agent_forwarding: bool = True
    x11_forwarding: bool = True
    pty: bool = True
    user_rc: bool = True
    touch_required: bool = True
    verify_required: bool = False
    command: str | None = None
    principals: str | None = None
    origin: str | None = None
    """`from=`: addresses, networks and names, as written."""
    tunnel: str | None = None
    expires: tuple[str, ...] = ()
    """The earliest `expiry-time=`, as written; two where one is in UTC and the other is not."""
    environment: tuple[str, ...] = ()
    permitopen: tuple[str, ...] = ()
    permitlisten: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    """Every option as it may be shown: `restrict`, `command="..."`."""

    @property
    def forwards(self) -> bool:
        """Whether it opens connections from that host to anywhere."""
        return self.port_forwarding and not self.permitopen


def end(text: str) -> int:
    """Where the options end, at the first blank outside of quotes; -1 where a quote stays open."""
    quoted = False
    for found in re.finditer(r'\\"|"|[ \t]', text):
        sign = found.group()
        if sign == '"':
            quoted = not quoted
        elif sign != '\\"' and not quoted:
            return found.start()
    return -1 if quoted else len(text)


def parse(text: str) -> Options:
    """The options that stand before a key, up to the blank that ends them.

    Raises:
        ValueError: sshd refuses one of them; says in words which.
    """
    options, at, written = Options(), 0, list[str]()
    while at < len(text) and text[at] not in " \t":
        start = at
        if text[at] != ",":  # sshd passes over commas that follow one another
            options, at = _one(options, text, at)
            written.append(text[start:at])
        if at == len(text) or text[at] in " \t":
            break
        if text[at] != ",":
            raise ValueError(f"unknown option {_word(text, start)}")
        at += 1
        if at == len(text):
            raise ValueError("the options end in a comma")
    return replace(options, written=tuple(written))


def _word(text: str, at: int) -> str:
    found = _WORD.match(text, at)
    return found.group()[:40] if found else "that is no word"


def _one(options: Options, text: str, at: int) -> tuple[Options, int]:
    """The options with the one that stands at a place, and where it ends."""
    word = _word(text, at)
    name = word.lower()
    after = at + len(word)
    if text.startswith("=", after) and name in _VALUED:
        found = _VALUE.match(text, after + 1)
        if not found:
            raise ValueError(f"the value of {name} lacks a quote")
        return _VALUED[name](options, found[1].replace('\\"', '"')), found.end()
    bare = name.removeprefix("no-")
    if name == "restrict":
        off: dict[str, Any] = dict.fromkeys(_RESTRICTED, False)
        return replace(options, restrict=True, **off), after
    if name == "cert-authority":
        return replace(options, authority=True), after
    if bare in FLAGS:
        flag: dict[str, Any] = {FLAGS[bare]: bare == name}
        return replace(options, **flag), after
    raise ValueError(f"unknown option {word}")


def _once(name: str, place: str) -> Callable[[Options, str], Options]:
    """What takes in an option that may stand only once."""

    def taken(options: Options, value: str) -> Options:
        if getattr(options, place) is not None:
            raise ValueError(f"{name} stands twice")
        told: dict[str, Any] = {place: value}
        return replace(options, **told)

    return taken


def _expires(options: Options, value: str) -> Options:
    kept = {_sort(each): each for each in options.expires}
    try:
        sort, new = _sort(value), times.moment(value)
    except ValueError as error:
        raise ValueError(f"expiry-time: {error}") from error
    old = times.moment(kept[sort]) if sort in kept else None
    if old is None or (new and new.latest < old.latest):
        kept[sort] = value
    return replace(options, expires=tuple(kept.values()))


def _sort(value: str) -> str:
    """Of which times only the earliest counts: those of UTC, those of the host's zone, those that only a libc can tell."""
    found = times.moment(value)
    return "unknown" if found is None else "utc" if found.earliest == found.latest else "local"


def _environment(options: Options, value: str) -> Options:
    name, sign, _rest = value.partition("=")
    if not sign or not _NAME.fullmatch(name):
        raise ValueError("environment is no NAME=value")
    if len(options.environment) > MOST_ENVIRONMENT:
        raise ValueError("environment stands too often")
    return replace(options, environment=(*options.environment, value))


def _permitopen(options: Options, value: str) -> Options:
    _check_permit("permitopen", value, len(options.permitopen))
    return replace(options, permitopen=(*options.permitopen, value))


def _permitlisten(options: Options, value: str) -> Options:
    _check_permit("permitlisten", value if ":" in value else f"*:{value}", len(options.permitlisten))
    return replace(options, permitlisten=(*options.permitlisten, value))


def _check_permit(name: str, value: str, so_far: int) -> None:
    """Refuse what is no HOST:PORT (hpdelim of misc.c): brackets around a host that has colons in it."""
    found = _PLACE.fullmatch(value)
    if so_far >= MOST_PERMITS:
        raise ValueError(f"{name} stands too often")
    if not found or len(found[1]) > _LONGEST_HOST:
        raise ValueError(f"{name} is no HOST:PORT")
    port = found[2]
    is_port = _NUMBER.fullmatch(port) is not None and 0 < int(port) < 65536
    if port != "*" and not is_port and not _SERVICE.fullmatch(port):
        raise ValueError(f"{name} has no port")


def _tunnel(options: Options, value: str) -> Options:
    if value.lower() != "any" and not (_NUMBER.fullmatch(value) and int(value) <= _MOST_TUNNEL):
        raise ValueError("tunnel is no number of a device")
    return replace(options, tunnel=value)


_VALUED: Mapping[str, Callable[[Options, str], Options]] = {
    "command": _once("command", "command"),
    "principals": _once("principals", "principals"),
    "from": _once("from", "origin"),
    "expiry-time": _expires,
    "environment": _environment,
    "permitopen": _permitopen,
    "permitlisten": _permitlisten,
    "tunnel": _tunnel,
}
