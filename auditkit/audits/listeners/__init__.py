"""What listens: which process and package each port belongs to, what it says to who connects, and what that gives away.

One file per group of rules, one line here; each has RULES, `judge(evidence, seen)` and perhaps `follow(seen)`. What listens is
put together once, by seen.py. Servers of SSH are those of the audit `ssh`: they are told of, and not judged.
"""

from collections.abc import Iterator, Mapping

from auditkit.access.needs import DISK
from auditkit.audits.listeners import devices, installed, owners, reach, shown, since
from auditkit.audits.listeners.seen import LISTED, LISTENERS, NEEDS, Port, Seen, question, seen
from auditkit.banners.certificates import certificate
from auditkit.banners.services import LEFT_ALONE
from auditkit.model import Audit, Evidence, Finding, Gap, Means, Need
from auditkit.printable import few, printable

GROUPS = (reach, shown, installed, owners, since, devices)
MOST_ASKED = 64
_SAYS = "what a service says to whoever connects to it"
THEN = (
    Need(Means.PORT, "*", _SAYS),
    Need(Means.FILE, "*", "whether a service is meant to hide its version"),
    Need(Means.LISTING, "*", "which package has brought a program that listens"),
    Need(Means.COMMAND, "/usr/bin/dpkg-query -W *", "which version of a package is installed"),
    Need(Means.COMMAND, "/usr/bin/rpm -q *", "which version of a package is installed"),
)


def judge(evidence: Evidence) -> Iterator[Finding | Gap]:
    """Yield what every group says."""
    if not evidence.was_asked(LISTENERS) and not evidence.of(LISTED):
        if not evidence.host.startswith(DISK):
            yield Gap("listeners", "what listens was not asked")
        return
    told = seen(evidence)
    yield from told.gaps
    yield from _unasked(evidence, told)
    for group in GROUPS:
        yield from group.judge(evidence, told)


def _unasked(evidence: Evidence, told: Seen) -> Iterator[Gap]:
    """Yield of what is open what nobody has connected to, in one gap."""
    asked = {question(port, active=evidence.office.active): port for port in told.ports}
    left = [what for what, port in asked.items() if what and not port.said and not _has_gap(evidence, what)]
    if left:
        yield Gap("listeners", f"what they say was not heard: {few(list(map(printable, left)), 5)}")
    for port in told.ports:
        if port.listed and port.number in LEFT_ALONE:
            continue
        heard, known = port.heard, port.service is not None and port.service.name != "listen"
        if heard is not None and heard.outcome == "silent" and heard.protocol == "tcp" and known and not heard.certificate:
            why = f": TLS came to {heard.tls}" if heard.tls else ""
            yield Gap(port.place, f"it takes the connection and says nothing in time{why}")


def _has_gap(evidence: Evidence, what: str) -> bool:
    return any(gap.subject == what for gap in evidence.gaps)


def follow(evidence: Evidence) -> tuple[Need, ...]:
    """What to ask of each port, of the programs and of their packages."""
    told = seen(evidence)
    asked = dict.fromkeys(filter(None, (question(port, active=evidence.office.active) for port in told.ports)))
    needs = [Need(Means.PORT, what, _SAYS) for what in list(asked)[:MOST_ASKED]]
    if evidence.of(LISTED):
        return tuple(needs)
    return tuple(dict.fromkeys((*needs, *owners.follow(told), *shown.follow(told), *installed.follow(told))))


def facts(evidence: Evidence) -> Mapping[str, object]:
    """`facts.listeners` of the report, a line for each address that something is bound to."""
    told = seen(evidence)
    lines = [_fact(port, address, told) for port in told.ports for address in port.addresses]
    device = {"device": True} if evidence.of(LISTED) else {}
    return {"listeners": lines, **device} if lines or evidence.was_asked(LISTENERS) else {}


def _fact(port: Port, address: str, told: Seen) -> dict[str, object]:
    process, heard, reading = port.process, port.heard, port.reading
    return {
        "address": address,
        "port": port.number,
        "protocol": port.protocol,
        "process": printable(port.name) if port.name else None,
        "package": next(iter(installed.packages(port)), None),
        "banner": port.banner or None,
        "service": port.service.name if port.service else None,
        "program": printable(process.program) if process and process.program else None,
        "unit": printable(process.unit.rpartition("/")[2]) if process and process.unit else None,
        "account": printable(told.accounts.get(process.uid, str(process.uid))) if process and process.uid is not None else None,
        "exposed": port.open and not port.out_of_reach,
        "outcome": heard.outcome if heard else None,
        "shows": [{"product": each.name, "version": each.version} for each in reading.products],
        "tls": _tls(port),
    }


def _tls(port: Port) -> dict[str, object] | None:
    heard = port.heard
    told = certificate(heard.certificate) if heard and heard.certificate else None
    if heard is None or not heard.tls:
        return None
    names = list(told.names) if told else []
    return {"version": heard.tls, "ends": f"{told.ends:%Y-%m-%dT%H:%M:%SZ}" if told else None, "names": names}


AUDIT = Audit(
    "listeners",
    "what listens and what it says",
    NEEDS,
    tuple(rule for group in GROUPS for rule in group.RULES),
    judge,
    facts,
    follow,
    THEN,
)
