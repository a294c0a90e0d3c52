"""What listens that the newest baseline of the host knew nothing of, or knew otherwise: a port, its program, what it says."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from auditkit import fields
from auditkit.answers import DELETED, name_of
from auditkit.audits.listeners.installed import packages
from auditkit.audits.listeners.reach import of_port
from auditkit.audits.listeners.seen import HOLDERS, Port, Seen
from auditkit.model import Evidence, Finding, Gap, Rule, Severity
from auditkit.packages.versions import deb_part
from auditkit.printable import printable

_KNOWN = "If it is wanted: auditkit accept HOST --port PORT/PROTOCOL --reason TEXT takes it into the next baseline."
NEW = Rule(
    "listener-new",
    "Something listens that did not when the baseline was made",
    Severity.MEDIUM,
    "A new door into the machine is open, and somebody should be able to say who wanted it. A program that was installed"
    " since then may have opened it, or somebody who wants to come back; that a port was there before the baseline says"
    " nothing for it, that it was not says that this is new.",
    "See what it is and who started it: systemctl status PID; ls -l /proc/PID/exe. If nobody wants it: systemctl disable"
    f" --now UNIT (undo: systemctl enable --now UNIT). {_KNOWN}",
    ("ss(8)", "MITRE ATT&CK T1205", "MITRE ATT&CK T1571"),
)
OTHER_PROGRAM = Rule(
    "listener-other-program",
    "Another program listens on a port than when the baseline was made",
    Severity.MEDIUM,
    "Who connects there is served by something else than before, and gives it what he would have given the old one,"
    " passwords too. An upgrade or a change of products does that; so does whoever puts his own program in the place of a"
    " service.",
    f"See whose the program is (dpkg -S PROGRAM, rpm -qf PROGRAM), and who installed it and when (/var/log/dpkg.log). {_KNOWN}",
    ("proc_pid_exe(5)", "MITRE ATT&CK T1554"),
)
BANNER_CHANGED = Rule(
    "banner-changed",
    "A service says something else than when the baseline was made",
    Severity.MEDIUM,
    "What answers may not be what it was: look, unless it was updated or set up anew since then. A newer version of the same"
    " product is what an update leaves, and is only told; an older one, or another product, is not.",
    f"Compare it with what is installed: dpkg -V PACKAGE; systemctl status UNIT. {_KNOWN}",
    ("MITRE ATT&CK T1554", "MITRE ATT&CK T1036"),
)
RULES = (NEW, OTHER_PROGRAM, BANNER_CHANGED)

KEPT = ("protocol", "address", "port", "program", "package", "banner")
"""What a baseline keeps of a line of `facts.listeners`."""
_PICKED = 32_768
"""From here on the system picks ports for programs that ask for none: ip_local_port_range, ip(7)."""
_STAMPS = re.compile(
    r"<[^<>]*>|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b,?|\b[0-9]{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b"
    r"|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) +[0-9]{1,2}\b|\b20[0-9]{2}(?:-[0-9]{2}-[0-9]{2})?(?![0-9.])"
    r"|\b[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?\b|[+-][0-9]{4}\b|\b(?:GMT|UTC|CES?T)\b|\bpts/[0-9]+"
    r"|\buser number [0-9]+ of [0-9]+|\[[0-9A-Fa-f:.]{3,45}\]"
)
"""What differs in each greeting: stamps of APOP (RFC 1939), times, terminals, how many are connected, by which address."""
_VERSION = re.compile(r"[0-9]+[0-9A-Za-z]*(?:[.+~:_-][0-9A-Za-z]*[0-9][0-9A-Za-z]*)*")


@dataclass(frozen=True, slots=True)
class Before:
    """A port as a baseline knew it."""

    open: bool
    """Whether it was bound to more than the machine itself can reach."""
    programs: tuple[str, ...]
    """Empty where they were not seen."""
    packages: tuple[str, ...]
    banner: str
    """Empty where none was heard."""


def kept(lines: object) -> tuple[Mapping[str, object], ...] | None:
    """What a baseline keeps of the lines of `facts.listeners`; None where there are none."""
    if not isinstance(lines, list):
        return None
    return tuple({name: line.get(name) for name in KEPT} for line in lines)


def judge(evidence: Evidence, seen: Seen) -> Iterator[Finding | Gap]:
    """Yield what is new since the newest baseline that knew what listens; nothing where none did."""
    base = evidence.before
    if base is None or base.listeners is None:
        return
    try:
        before = _read(base.listeners)
    except (TypeError, ValueError):
        yield Gap("listeners", "what listened when the baseline was made makes no sense")
        return
    when = f"the baseline of {base.made:%Y-%m-%d}"
    for port in (port for port in seen.ports if not port.listed):
        known = before.get((port.protocol, port.number))
        if known is None:
            yield from _new(port, before, when)
        else:
            yield from _opened(port, known, when)
            yield from _other_program(port, known, when) or _banner(port, known, when)


def _read(lines: Sequence[Mapping[str, object]]) -> dict[tuple[str, int], Before]:
    """The ports of then, each once.

    Raises:
        TypeError, ValueError: no auditkit wrote that.
    """
    found = dict[tuple[str, int], list[Mapping[str, object]]]()
    for line in lines:
        key = fields.text(line.get("protocol")), fields.whole(line, "port", 1, 65_535)
        found.setdefault(key, []).append(line)
    return {key: _before(of) for key, of in found.items()}


def _before(lines: Sequence[Mapping[str, object]]) -> Before:
    def texts(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(fields.text(line[name]) for line in lines if line.get(name) is not None))

    is_open = any(not ip_address(address).is_loopback for address in texts("address"))
    return Before(is_open, texts("program"), texts("package"), next(iter(texts("banner")), ""))


# --- a port that was not there


def _new(port: Port, before: Mapping[tuple[str, int], Before], when: str) -> Iterator[Finding]:
    """Yield a port that is new; not the next one that the system picked for a program that had such a one before."""
    picked = port.number >= _PICKED
    alike = (each for (protocol, number), each in before.items() if protocol == port.protocol and number >= _PICKED)
    if picked and any(port.program in each.programs for each in alike):
        return
    asks = picked and port.protocol == "udp" and bool(packages(port))  # as who only waits for answers does
    severity = NEW.severity if port.open and not asks else Severity.LOW
    where = "" if port.open else ", for the machine itself only"
    yield of_port(NEW, port, f"{_of(port)} listens{where}; in {when} nothing did", severity)


def _opened(port: Port, known: Before, when: str) -> Iterator[Finding]:
    """Yield a port that only the machine itself could reach, and others can now."""
    if port.open and not known.open:
        message = f"{_of(port)} listens for other machines; in {when} it did for this machine only"
        yield of_port(NEW, port, message)


def _of(port: Port) -> str:
    """Its program and the package of that, as far as they are known."""
    names = packages(port)
    if not port.program:
        return "something"
    return printable(port.program) + (f" of {', '.join(map(printable, names))}" if names else "")


# --- a port that another program has


def _other_program(port: Port, known: Before, when: str) -> list[Finding]:
    """A port whose program is another; those that listen for others come and go."""
    names = {name_of(program) for program in (*known.programs, port.program)}
    if not known.programs or not port.program or not names.isdisjoint(HOLDERS):
        return []
    then = [program.removesuffix(DELETED) for program in known.programs]
    if port.program in then:
        return []
    owner = f" of {', '.join(map(printable, known.packages))}" if known.packages else ""
    message = f"{_of(port)} listens; in {when} it was {', '.join(map(printable, then))}{owner}"
    return [of_port(OTHER_PROGRAM, port, message)]


# --- a port that says something else


def _banner(port: Port, known: Before, when: str) -> list[Finding]:
    """A port that says something else, but for what differs each time."""
    now, then = port.banner, known.banner
    if not now or not then or _steady(now) == _steady(then):
        return []
    severity = Severity.INFO if _is_newer(_steady(now), _steady(then)) else BANNER_CHANGED.severity
    return [of_port(BANNER_CHANGED, port, f"it says {now}; in {when} it said {printable(then)}", severity)]


def _steady(banner: str) -> str:
    """A banner without what differs from one connection to the next."""
    return " ".join(_STAMPS.sub(" ", banner).split())


def _is_newer(now: str, then: str) -> bool:
    """Whether they differ in versions only, and the first that differs is newer."""
    if _VERSION.sub("0", now) != _VERSION.sub("0", then):
        return False
    pairs = zip(_VERSION.findall(now), _VERSION.findall(then), strict=True)
    return next((deb_part(*pair) > 0 for pair in pairs if pair[0] != pair[1]), False)
