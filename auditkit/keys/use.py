"""Whether a line of authorized_keys has an effect on a host, from what is known of its sshd, its clock and its modes.

What is not known makes the answer None, never False: who reads "no effect" must be able to rely on it. Whether the account
may log in at all (locked, expired, PermitRootLogin) is not asked here.
"""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import zip_longest
from typing import Literal

from auditkit.answers import Step
from auditkit.keys import addresses, patterns, times
from auditkit.keys.addresses import Network
from auditkit.keys.authorized import Line
from auditkit.keys.public import DSA, RSA, Public
from auditkit.printable import printable

_HEX = re.compile(r"[0-9a-fA-F:.*?]+")


@dataclass(frozen=True, slots=True)
class Server:
    """What is known of the sshd that reads a line, as `sshd -T` writes it; None where it is not known."""

    now: datetime
    zone: tzinfo | None = None
    """Of the host."""
    accepted: str | None = None
    """PubkeyAcceptedAlgorithms: names and patterns, with no `+`, `-` or `^` before them."""
    rsa_bits: int | None = None
    """RequiredRSASize"""
    strict: bool | None = None
    """StrictModes"""
    dns: bool | None = None
    """UseDNS: without it sshd knows of a client only its address."""
    groups: bool | None = None
    """Whether StrictModes passes a file that a group may write to in which nobody else is, as on Debian."""


@dataclass(frozen=True, slots=True)
class Way:
    """The way to a file of keys, for an account with this uid."""

    steps: tuple[Step, ...]
    """The file, then each directory above it up to the home of the account or `/`."""
    uid: int | None
    alone: tuple[bool | None, ...] = ()
    """For each whether nobody but the account is in its group; None or nothing where that is not known."""


@dataclass(frozen=True, slots=True)
class Effect:
    """Whether a key lets somebody in, and why not or why that cannot be told."""

    effective: bool | None
    reason: str = ""


def effect(line: Line, server: Server, way: Way | None = None) -> Effect:
    """What a line does where this sshd reads it, at the end of this way; None where modes were not looked at."""
    if line.dead:
        return Effect(False, line.dead)
    told = [*_refused(line.key, line.options.authority, server), *_expired(line, server)]
    told += _from_nowhere(line.options.origin, server)
    told += _unsafe(way, server)
    certain = next((each for each in told if each.effective is False), None)
    return certain or next(iter(told), Effect(True))


def _refused(key: Public, authority: bool, server: Server) -> Iterator[Effect]:
    """Yield why that sshd takes no key of this type or size."""
    if server.accepted is not None and not authority:
        listed = server.accepted.split(",")
        if not any(patterns.listed(name, listed) for name in algorithms(key.plain_type)):
            yield Effect(False, f"PubkeyAcceptedAlgorithms of sshd takes no {key.plain_type}")
    elif key.plain_type == DSA:
        yield Effect(None, "no sshd since OpenSSH 7.0 takes ssh-dss unless it is told to, and what this one takes is not known")
    if key.plain_type == RSA and server.rsa_bits is not None and key.bits < server.rsa_bits:
        yield Effect(False, f"RequiredRSASize of sshd is {server.rsa_bits}, and the key has {key.bits} bits")


def algorithms(kind: str) -> tuple[str, ...]:
    """The signature algorithms that a key of this type can be used with."""
    return (RSA, "rsa-sha2-256", "rsa-sha2-512") if kind == RSA else (kind,)


def _expired(line: Line, server: Server) -> Iterator[Effect]:
    for text in line.options.expires:
        moment = times.moment(text, server.zone)
        past = None if moment is None else moment.past(server.now)
        if past:
            yield Effect(False, f"it expired: expiry-time={printable(text)}")
        elif past is None:
            yield Effect(None, f"whether expiry-time={printable(text)} is over depends on the time zone of the host")


# --- from=


def _from_nowhere(origin: str | None, server: Server) -> Iterator[Effect]:
    """Yield why no client fits `from=`: an error in it, or only names where sshd asks for none."""
    if origin is None:
        return
    listed = origin.split(",")
    bad = next((each for each in listed if network(each.removeprefix("!")) is None), None)
    if bad is not None:
        # what stands before it may still shut clients out, and lets none in: match_host_and_ip() of match.c
        yield Effect(False, f"from= lets nobody in: {printable(bad[:60]) or 'an empty place'} in it is no network")
        return
    wanted = [each for each in listed if not each.startswith("!")]
    if any(each[:1] == "!" and not each[1:].strip("*") for each in listed):
        yield Effect(False, "from= shuts everybody out: !*")
    elif not wanted:
        yield Effect(False, "from= names only whom it shuts out, so it lets nobody in")
    elif not any(_is_address(each) for each in wanted):
        if server.dns is False:
            yield Effect(False, "from= has only names, and UseDNS of sshd is no")
        elif server.dns is None:
            yield Effect(None, "from= has only names, which count where UseDNS of sshd is yes")


def admits(origin: str, address: str, name: str | None = None) -> bool:
    """Whether `from=` lets in a client with this address, and with this name where sshd looks names up (match_host_and_ip)."""
    client = ipaddress.ip_address(address)
    found = False
    for each in origin.split(","):
        pattern = each.removeprefix("!")
        told = network(pattern)
        if told is None:
            return False
        hit = patterns.matches(address, pattern) if told is False else client in told
        if hit and each.startswith("!"):
            return False
        found = found or hit
    named = patterns.covers((name or address).lower(), origin.lower().split(","))
    return named is not False and (found or named is True)


def network(pattern: str) -> Network | Literal[False] | None:
    """The network that a pattern is; False where it is a pattern of text; None where sshd refuses it.

    A mask that does not fit, or bits of the host that are set, and the whole list fails.
    """
    if not pattern:
        return None
    try:
        return addresses.network(pattern) or False
    except ValueError:
        return None


def _is_address(pattern: str) -> bool:
    """Whether a pattern can fit the text of an address."""
    return network(pattern) not in (False, None) or _HEX.fullmatch(pattern) is not None


# --- StrictModes


def _unsafe(way: Way | None, server: Server) -> Iterator[Effect]:
    """Yield why StrictModes refuses the file (safe_path() of misc.c)."""
    if server.strict is False:
        return
    if way is None:
        yield Effect(None, "whether StrictModes of sshd refuses the file is not known: modes and owners were not looked at")
        return
    for step, alone in zip_longest(way.steps, way.alone):
        told = _step(step, way.uid, server.groups, alone=alone)
        if told is not None and told.effective is False and server.strict is None:
            told = Effect(None, f"{told.reason}: StrictModes refuses that, and whether it is on is not known")
        if told is not None:
            yield told


def _step(step: Step, uid: int | None, groups: bool | None, *, alone: bool | None) -> Effect | None:
    shown = printable(step.path)
    how = f"{shown} (mode {step.permissions:04o})"
    if step.uid and uid is not None and step.uid != uid:
        return Effect(False, f"{shown} belongs to uid {step.uid}")
    if step.mode & 0o002:
        return Effect(False, f"everybody may write to {how}")
    if step.mode & 0o020 and alone is False:
        return Effect(False, f"a group with others in it may write to {how}")
    if step.mode & 0o020 and not (alone and groups):
        # Debian's sshd (user-group-modes.patch) lets a group pass in which nobody else is
        return Effect(None, f"a group may write to {how}, which sshd of Debian takes if nobody else is in it")
    if step.uid and uid is None:
        return Effect(None, f"whose uid {step.uid} is, the owner of {shown}, is not known")
    return None
