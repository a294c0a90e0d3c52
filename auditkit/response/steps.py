"""What to do next in an incident, in its order, each with the command that does it; and what of it has not been done. Pure.

Before anything else what changes by itself is kept where somebody may be in (RFC 3227: the order of volatility); else the
logs come first, for they answer what everybody asks. Nothing here changes a machine, and nothing is sent to anybody.
"""

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from auditkit.lenient import mappings, text, texts
from auditkit.model import Office
from auditkit.response.nouns import Entry, Journal, Kind

ENDED = {"collect": (0, 3), "logins": (0, 1, 3), "check": (0, 1, 3), "audit": (0, 1, 3), "scan": (0, 1, 3)}
"""Commands that ask hosts, and the exit statuses of a run that came to an answer."""
AS_GOOD = {"logins": ("logins", "scan"), "check": ("check", "scan"), "audit": ("audit", "scan"), "collect": ("collect",)}
"""Which commands ask what a step asks."""


OWN = tuple(map(ip_network, Office().networks))
"""Addresses that nobody else answers for."""


@dataclass(frozen=True, slots=True)
class Triage:
    """What somebody knows who opens a case; what he does not know is None or empty."""

    seems: str = ""
    """Who it looks like: a name, a company."""
    address: str = ""
    """From which address; one that ipaddress takes."""
    neighbour: bool | None = None
    """Whether one can phone them."""
    inside: bool | None = None
    """Whether anybody got in, as far as known."""
    hosts: tuple[str, ...] = ()
    """HOST as on the command line; none means this machine."""

    def document(self) -> dict[str, object]:
        """What is known, as an entry keeps it."""
        told = {"seems": self.seems, "address": self.address, "hosts": list(self.hosts)}
        flags = {"neighbour": self.neighbour, "inside": self.inside}
        return {name: value for name, value in told.items() if value} | {
            name: flag for name, flag in flags.items() if flag is not None
        }

    def sentence(self) -> str:
        """The same in words; empty where nothing is known."""
        said = [f"it looks like {self.seems}"] if self.seems else []
        said += [f"it comes from {self.address}"] if self.address else []
        if self.neighbour is not None:
            said.append("they can be phoned" if self.neighbour else "nobody there can be phoned")
        if self.inside is not None:
            said.append("somebody got in, as far as known" if self.inside else "nobody got in, as far as known")
        said += [f"it is about {', '.join(self.hosts)}"] if self.hosts else []
        return "; ".join(said)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do."""

    name: str
    why: str
    command: str
    """What to type; what is not known yet stands there in capitals."""

    def document(self) -> dict[str, str]:
        """The step for programs."""
        return {"step": self.name, "why": self.why, "command": self.command}


@dataclass(frozen=True, slots=True)
class _Case:
    """What the steps are made of."""

    id: str
    triage: Triage
    entries: Sequence[Entry]
    more: Sequence[str]
    signed: bool


def triage(journal: Journal) -> Triage:
    """What was last said of it."""
    for entry in reversed(journal.entries):
        told = entry.said.data.get("triage")
        if isinstance(told, Mapping):
            return _triage(told)
    return Triage()


def _triage(told: Mapping[str, object]) -> Triage:
    seems, address, hosts = told.get("seems"), told.get("address"), told.get("hosts")
    neighbour, inside = told.get("neighbour"), told.get("inside")
    return Triage(
        text(seems),
        text(address),
        neighbour if isinstance(neighbour, bool) else None,
        inside if isinstance(inside, bool) else None,
        texts(hosts),
    )


def steps(case: str, journal: Journal, more: Sequence[str] = (), *, signed: bool = False) -> tuple[Step, ...]:
    """What has not been done yet, in its order.

    `more` are options that every command here needs, as --store; `signed`: what is made without a signature does not count.
    """
    if any(entry.said.kind is Kind.CLOSED for entry in journal.entries):
        return ()
    told = _Case(case, triage(journal), journal.entries, more, signed)
    order = (_collect, _logins) if told.triage.inside else (_logins, _collect)
    return tuple(step for make in (*order, _check, _audit, *_TELLING) for step in make(told))


def _asking(case: _Case, name: str, why: str, *words: str) -> Iterator[Step]:
    """Yield the step of a command that asks hosts, for those that no run of it has asked."""
    asked = set(_asked(case.entries, AS_GOOD[name]))
    left = [host for host in case.triage.hosts if host not in asked]
    if left or not (asked or case.triage.hosts):
        yield Step(name, why, shlex.join(("auditkit", name, *left, *words, "--case", case.id, *case.more)))


def _asked(entries: Iterable[Entry], commands: Sequence[str]) -> Iterator[str]:
    """Yield the hosts that these commands were run on, by their names and as they were typed."""
    for entry in entries:
        data = entry.said.data
        command, hosts, argv = str(data.get("command")), data.get("hosts"), data.get("argv")
        if entry.said.kind is not Kind.COMMAND or command not in commands or data.get("exit") not in ENDED[command]:
            continue
        if command != "collect" and not data.get("status"):  # no report came of it: --list and --needs ask nobody
            continue
        names = [one.get("host") for one in mappings(hosts)]
        yield from (str(name) for name in (*names, *(argv if isinstance(argv, list) else ())))


def _collect(case: _Case) -> Iterator[Step]:
    why = "keep what changes by itself: processes, connections, who is logged in, logs; do not reboot, repair or delete before"
    yield from _asking(case, "collect", why, *(("--key", "agent") if case.signed else ()))


def _logins(case: _Case) -> Iterator[Step]:
    yield from _asking(case, "logins", "did they get in? every log of logins, and a verdict")


def _check(case: _Case) -> Iterator[Step]:
    yield from _asking(case, "check", "did anything change? (without a baseline: scan instead, which needs none)")


def _audit(case: _Case) -> Iterator[Step]:
    yield from _asking(case, "audit", "could somebody come back? what starts by itself", "--only", "persistence")


def _phone(case: _Case) -> Iterator[Step]:
    if case.triage.neighbour is False or _has(case, Kind.CONTACT):
        return
    why = "is it somebody whom you can phone? a call is faster than any letter"
    if case.triage.neighbour:
        why = "phone them, by a number that you know already; tell what was seen, accuse nobody, ask for a look"
    yield Step("phone", why, _incident(case, "note", "what was said", "--with", case.triage.seems or "NAME"))


def _decide(case: _Case) -> Iterator[Step]:
    if case.triage.inside and not _has(case, Kind.DECISION):
        why = "tell whoever decides, now, and note what is decided; passwords that were typed there may be known to others"
        yield Step("decide", why, _incident(case, "note", "what was decided", "--kind", "decision"))


def _brief(case: _Case) -> Iterator[Step]:
    if not any(entry.said.kind is Kind.LETTER and "address" not in entry.said.data for entry in case.entries):
        why = "one page for whoever decides: facts, what is not known, options"
        yield Step("brief", why, _incident(case, "brief", "-o", f"brief-{case.id}.html"))


def _abuse(case: _Case) -> Iterator[Step]:
    written = any(entry.said.kind is Kind.LETTER and "address" in entry.said.data for entry in case.entries)
    if not written and not _within(case.triage.address):
        why = "a polite letter to whoever runs that network; it is written to files, and you send it"
        yield Step("abuse", why, _incident(case, "abuse", case.triage.address or "ADDRESS", "-o", f"letter-{case.id}"))


def _within(address: str) -> bool:
    """Whether an address is of an own network, which has no abuse desk."""
    try:
        one = ip_address(address)
    except ValueError:
        return False
    return any(one in net for net in OWN if net.version == one.version)


def _block(case: _Case) -> Iterator[Step]:
    if not _has(case, Kind.PROPOSAL):
        why = "only if it goes on and does harm: a short block, with its undo, that does not shut you out; nothing is applied"
        yield Step("block", why, _incident(case, "block", case.triage.address or "ADDRESS"))


def _seal(case: _Case) -> Iterator[Step]:
    sealed = [entry.seq for entry in case.entries if entry.said.kind is Kind.SEAL]
    if sealed[-1:] != [len(case.entries)]:
        since = "; more was written since the last seal" if sealed else ""
        why = f"seal what was written, so that nobody can write it anew{since}"
        yield Step("seal", why, _incident(case, "seal", "--key", "agent"))


def _export(case: _Case) -> Iterator[Step]:
    if not _has(case, Kind.EXPORT):
        why = "a copy of all of it in another place"
        yield Step("export", why, _incident(case, "export", "-o", f"{case.id}.tar.zst", "--key", "agent"))


def _close(case: _Case) -> Iterator[Step]:
    yield Step("close", "when it is over, with how it ended", _incident(case, "close", "how it ended"))


_TELLING = (_phone, _decide, _brief, _abuse, _block, _seal, _export, _close)


def _has(case: _Case, kind: Kind) -> bool:
    """Whether there is an entry of a kind, or a correction that made one of it."""
    return any(entry.said.kind is kind or entry.said.data.get("kind") == kind.value for entry in case.entries)


def _incident(case: _Case, name: str, *words: str) -> str:
    """A command on the record, as a shell takes it."""
    return shlex.join(("auditkit", "incident", name, case.id, *words, *case.more))
