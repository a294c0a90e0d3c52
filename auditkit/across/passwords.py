"""Who can log in with a password: the doors of all hosts, of which hosts nobody can tell, and the sentence that says so.

A host counts as checked only where nothing is missing: it was asked to its end, each of its servers was judged, nothing about
them is unknown, and no gap is about them. All else is "could not be checked", never "nobody".
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from auditkit.across.reading import SOUND, Door, Host, Unsure
from auditkit.printable import printable, said

MOST_NAMED = 10
"""Hosts that the sentence names."""
MOST_REASONS = 5
"""Reasons that are told of one host."""
LONGEST_REASON = 90
PLACES = (
    *("/etc/ssh", "/usr/etc/ssh", "/etc/pam.d", "/usr/lib/pam.d", "/usr/etc/pam.d", "/etc/pam.conf", "/etc/security"),
    *("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/nsswitch.conf", "/etc/default/ssh", "/etc/default/dropbear"),
    *("/etc/conf.d/dropbear", "/etc/config/dropbear"),
    *("/etc/dropbear", "/etc/tinyssh", "/etc/sysconfig/sshd", "/proc/net"),
    *("/etc/inetd.conf", "/etc/inetd.d", "/etc/xinetd.conf", "/etc/xinetd.d"),
)
"""What decides who may log in with a password; a gap above, at or below one of them may hide a door."""
_BESIDE = re.compile(r"/etc/ssh/(ssh_host_[^/]*_key(\.pub)?|moduli|ssh_config(\.d(/.*)?)?|ssh_known_hosts2?|sshrc)")
"""What lies beside the configuration and decides nothing of passwords."""
_PROGRAM = re.compile(r"/\S*/(sshd|dropbear|tinyssh)[^/ ]*( |$)", re.IGNORECASE)
_WORD = re.compile(r"ssh|dropbear|log-?in|password|pam\b|account|listen|/proc\b|\Aall\Z", re.IGNORECASE)
"""In the subject of a gap that is no path: it may be about logins."""


@dataclass(frozen=True, slots=True)
class Passwords:
    """What is known of passwords on the hosts of a run."""

    sentence: str
    asked: int
    checked: tuple[str, ...]
    """The hosts of which all is known, by their names for readers."""
    open: tuple[str, ...]
    """The hosts that a password opens."""
    unchecked: tuple[tuple[str, tuple[str, ...]], ...]
    """The hosts of which not all is known, each with why."""
    doors: tuple[tuple[str, Door], ...]
    unsure: tuple[tuple[str, Unsure], ...]


def passwords(hosts: Sequence[Host]) -> Passwords:
    """What is known of all of them."""
    why = {host.name: tuple(dict.fromkeys(unknown(host))) for host in hosts}
    opened = tuple(host.name for host in hosts if host.doors.items)
    return Passwords(
        sentence(hosts, why),
        len(hosts),
        tuple(name for name, reasons in why.items() if not reasons),
        opened,
        tuple((name, reasons[:MOST_REASONS]) for name, reasons in why.items() if reasons),
        tuple((host.name, door) for host in hosts for door in host.doors.items),
        tuple((host.name, one) for host in hosts for one in host.unsure.items),
    )


def unknown(host: Host) -> Iterator[str]:
    """Yield why it is not known of a host who may log in with a password, the plainest reason first; nothing where it is.

    Each is a sentence that may be shown.
    """
    if host.state not in SOUND:
        yield printable(host.state) or "it is not known what became of asking it"
        return
    yield from (said(reason) for subject, reason in host.gaps if subject in (host.own, host.word))
    if not host.asked:
        yield "SSH was not looked at"
        return
    told = [*_told(host), *_missing(host)]
    yield from told or _unjudged(host)


def _told(host: Host) -> Iterator[str]:
    """Yield what its document says of it that is not known."""
    for server in host.servers.items:
        if not server.judged:
            yield f"{printable(server.kind)}, {said(server.why) or 'cannot tell'}"
    yield from (f"{printable(one.account)} from {said(one.origin)}: {said(one.why)}" for one in host.unsure.items)
    yield from (f"{printable(subject)}: {said(reason)}" for subject, reason in host.gaps if is_about(subject))


def _missing(host: Host) -> Iterator[str]:
    """Yield what of its servers is not there, or not whole."""
    if not host.servers.whole:
        yield "which SSH servers it has is not known"
    elif host.entered and not host.servers.items:
        yield "the SSH server that let auditkit in was not found"


def _unjudged(host: Host) -> Iterator[str]:
    """Yield what of its doors is not there, or not whole; where a reason is known, that one is told instead."""
    if not host.doors.whole:
        yield "more doors than are told" if host.doors.left else "it was not judged"
    if not host.unsure.whole:
        yield "what nobody can tell of it is not known"


def is_about(subject: str) -> bool:
    """Whether a gap with this subject may hide who can log in with a password; that of keys, or of what logs tell, cannot."""
    if not subject:
        return True
    if not subject.startswith("/"):
        return subject not in ("keys", "logins") and not subject.startswith("~") and _WORD.search(subject) is not None
    path = re.sub(r":\d+\Z", "", subject)
    if _BESIDE.fullmatch(path):
        return False
    near = any(place == path or place.startswith(f"{path.rstrip('/')}/") or path.startswith(f"{place}/") for place in PLACES)
    return near or path == "/proc" or re.match(r"/proc/\d+", path) is not None or _PROGRAM.match(subject) is not None


def sentence(hosts: Sequence[Host], why: Mapping[str, tuple[str, ...]]) -> str:
    """What is to be said of all of them, in one sentence; foreign text in it has gone through printable()."""
    opened = [host.name for host in hosts if host.doors.items]
    shut = [name for name, reasons in why.items() if not reasons and name not in opened]
    partly = [name for name in opened if why[name]]
    unchecked = [name for name, reasons in why.items() if reasons and name not in opened]
    if len(hosts) == 1:
        return _of_one(hosts[0].name, bool(opened), why[hosts[0].name])
    known = len(opened) + len(shut)
    if opened:
        told = f"A password opens {len(opened)} of the {_hosts(known)} we could check: {_listed(map(printable, opened))}"
    elif shut:
        where = f"{'any of ' * (known > 1)}the {_hosts(known)}"
        told = f"Nobody can log in with a password on {where} we could check"
    else:
        reasons = _listed(_with_reason(name, why[name]) for name in unchecked)
        return f"Whether anybody can log in with a password is not known of any host: {reasons}"
    told += _rest(f"{len(partly)} of them could be checked only in part", partly, why)
    return told + _rest(f"{len(unchecked)} could not be checked", unchecked, why)


def _of_one(name: str, opened: bool, reasons: tuple[str, ...]) -> str:
    shown = printable(name)
    if opened:
        return f"A password opens {shown}" + (f"; it could be checked only in part: {_shown(reasons)}" if reasons else "")
    if reasons:
        return f"Whether anybody can log in with a password on {shown} could not be checked: {_shown(reasons)}"
    return f"Nobody can log in with a password on {shown}"


def _rest(head: str, names: Sequence[str], why: Mapping[str, tuple[str, ...]]) -> str:
    return f"; {head}: {_listed(_with_reason(name, why[name]) for name in names)}" if names else ""


def _with_reason(name: str, reasons: tuple[str, ...]) -> str:
    return f"{printable(name)} ({_shown(reasons)})"


def _shown(reasons: tuple[str, ...]) -> str:
    """The first reason, and how many more there are."""
    first = reasons[0] if len(reasons[0]) <= LONGEST_REASON else f"{reasons[0][:LONGEST_REASON]}…"
    return first if len(reasons) == 1 else f"{first}, and {len(reasons) - 1} more"


def _listed(names: Iterable[str]) -> str:
    """Names with commas, of many the first ones."""
    told = list(names)
    rest = [f"and {len(told) - MOST_NAMED} more"] if len(told) > MOST_NAMED else []
    return ", ".join((*told[:MOST_NAMED], *rest))


def _hosts(number: int) -> str:
    return f"{number} host{'s' * (number != 1)}"
