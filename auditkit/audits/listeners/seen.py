"""What listens on a host, put together: each port with its process, its package, and what it says to who connects."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from auditkit import answers, banners
from auditkit.access import passwd
from auditkit.answers import DELETED, Listed, Listening, Process, name_of
from auditkit.banners import Heard, Reading
from auditkit.banners.reading import LONGEST
from auditkit.banners.services import LEFT_ALONE, LISTEN, SSH, Service, service_of
from auditkit.model import Evidence, Gap, Means, Need, Quote
from auditkit.printable import printable

LISTENERS = Need(Means.LISTENERS, "all", "what listens, and which program it is")
BANNER = Need(Means.BANNER, "ssh", "what the SSH server shows whoever connects")
LISTED = Need(Means.PORT, "listed", "which ports of a device without SSH auditkit.yaml lists")
PASSWD = Need(Means.FILE, "/etc/passwd", "under which accounts services run", secret=True, optional=False)
NEEDS = (LISTENERS, BANNER, LISTED, PASSWD)

HOLDERS = frozenset(("systemd", "inetd", "xinetd", "launchd", "docker-proxy", "rootlessport", "slirp4netns", "pasta"))
"""Programs that listen for others, so that the port says more than their name."""
ANY = ("0.0.0.0", "::")  # noqa: S104 - nobody binds to it here
_PROGRAM = re.compile(r"/[^*?\[\0\n]{1,1000}")
_INTERPRETER = re.compile(
    r"(?:python|perl|ruby|php|lua|tclsh)[0-9.]*|node|nodejs|java|mono|dotnet|(?:ba|da|z|k)?sh|busybox|socat|nc[.a-z]*|ncat"
)
_SSH_PORT = 22
_CONTAINER = re.compile(r"(?:docker|libpod|crio|containerd|lxc|kubepods|machine)[-./]")
MOST = 500
"""Ports of one host that are told of."""


@dataclass(frozen=True, slots=True)
class Port:
    """A port on which something listens; the same port of IPv4 and IPv6 is one."""

    protocol: str
    number: int
    addresses: tuple[str, ...]
    process: Process | None
    """None for one that auditkit.yaml lists, or whose process is not known."""
    service: Service | None
    """What is spoken there; None where nobody can tell."""
    said: tuple[Heard, ...] = ()
    file: Listed | None = None
    """Its program as it lies on the disk."""
    script: Listed | None = None
    """What its program runs, if it is an interpreter."""
    listed: bool = False
    """Whether auditkit.yaml lists it."""
    greeting: str = ""
    """What a server of SSH showed who logged in."""

    @property
    def open(self) -> bool:
        """Whether it is bound to more than this machine can reach."""
        return self.listed or any(not ip_address(each).is_loopback for each in self.addresses)

    @property
    def program(self) -> str:
        """The path of its program, without the word that its file is gone; empty where it is not known."""
        return self.process.program.removesuffix(DELETED) if self.process else ""

    @property
    def name(self) -> str:
        """The name of its program."""
        return name_of(self.program)

    @property
    def deleted(self) -> bool:
        """Whether the file of its program is gone."""
        return self.process is not None and self.process.program.endswith(DELETED)

    @property
    def contained(self) -> bool:
        """Whether it runs in a container, whose files are not those of this host."""
        return self.process is not None and _CONTAINER.search(self.process.unit) is not None

    @property
    def interprets(self) -> bool:
        """Whether its program does whatever a file or an argument says."""
        return _INTERPRETER.fullmatch(self.name) is not None

    @property
    def called(self) -> str:
        """What is spoken there; where nobody knows it, the name of its program."""
        known = self.service is not None and self.service.name != LISTEN
        return self.service.name if self.service and known else self.name or "something"

    @property
    def heard(self) -> Heard | None:
        """What it said; an answer before none."""
        return min(self.said, key=lambda each: each.outcome != "answered", default=None)

    @property
    def reading(self) -> Reading:
        """What it tells of itself."""
        return banners.read(self.heard) if self.heard else Reading()

    @property
    def banner(self) -> str:
        """One line of what it says; empty where nothing was heard."""
        return self.reading.banner or self.greeting

    @property
    def out_of_reach(self) -> bool:
        """Whether nobody could connect: a firewall stands before it, or it has ended since."""
        return self.heard is not None and self.heard.outcome in ("refused", "unreachable")

    @property
    def place(self) -> str:
        """Where it listens, for people: `tcp 0.0.0.0:80`."""
        if self.listed:
            return f"{self.protocol} port {self.number}"
        return f"{self.protocol} {Listening(self.protocol, self.addresses[0], self.number).place}"

    @property
    def quote(self) -> Quote:
        """Where it listens, which program that is, and what it says."""
        who = f"{self.process.program} " if self.process and self.process.program else ""
        who = who or ("" if self.listed else "something ")
        says = f"{who}says {self.banner}" if self.banner else f"{who}listens"
        return Quote(self.place, 0, says)


@dataclass(frozen=True, slots=True)
class Seen:
    """All ports of a host."""

    ports: tuple[Port, ...]
    accounts: Mapping[int, str] = field(default_factory=dict)
    """By uid."""
    gaps: tuple[Gap, ...] = ()


def seen(evidence: Evidence) -> Seen:
    """What listens, as far as the evidence tells; over and over the same for the same evidence."""
    told = [answers.process(item) for item in evidence.of(LISTENERS)]
    gaps = [each for each in told if isinstance(each, Gap)]
    heard = dict[str, list[Heard]]()
    for item in evidence.items:
        if item.need.means is Means.PORT and item.need.what != LISTED.what:
            one = banners.heard(item)
            if isinstance(one, Gap):
                gaps.append(one)
            else:
                heard.setdefault(item.need.what, []).append(one)
    logged_in = {one.port: one.banner for one in map(answers.shown, evidence.of(BANNER)) if not isinstance(one, Gap)}
    ports = [*_listening([each for each in told if not isinstance(each, Gap)], logged_in), *_listed(evidence)]
    if len(ports) > MOST:
        gaps.append(Gap("listeners", f"{len(ports)} ports: more than {MOST} are not told of"))
    files = dict(_files(evidence))
    full = (_filled(port, heard, files) for port in ports[:MOST])
    return Seen(tuple(full), _accounts(evidence), tuple(gaps))


def _listening(processes: Iterable[Process], logged_in: Mapping[int, str]) -> Iterator[Port]:
    """Yield each port once, by the process that it belongs to; `logged_in`: what SSH servers showed, by their ports."""
    holders = dict[tuple[str, str, int], list[Process]]()
    for process in processes:
        for each in process.listens:
            holders.setdefault((each.protocol, each.address, each.port), []).append(process)
    by_process = dict[tuple[str, int, int | None], tuple[Process, list[str]]]()
    for (protocol, address, port), held in holders.items():
        owner = min(held, key=lambda one: (one.pid is None, name_of(one.program) in HOLDERS, one.pid or 0))
        by_process.setdefault((protocol, port, owner.pid), (owner, []))[1].append(address)
    order = sorted(by_process, key=lambda key: (key[0], key[1], key[2] or 0))
    for protocol, port, pid in order:
        process, addresses = by_process[protocol, port, pid]
        addresses.sort(key=lambda each: (ip_address(each).is_loopback, ":" in each, each))
        service = _service(protocol, port, process)
        if protocol == "tcp" and port in logged_in and name_of(process.program) in ("", *HOLDERS):
            service = service_of("tcp", _SSH_PORT)
        shown = logged_in.get(port, "") if service is not None and service.name == SSH else ""
        yield Port(
            protocol, port, tuple(addresses), None if pid is None else process, service, greeting=printable(shown[:LONGEST])
        )


def _service(protocol: str, port: int, process: Process) -> Service | None:
    name = name_of(process.program)
    return service_of(protocol, port, "" if name in HOLDERS else name)


def _listed(evidence: Evidence) -> Iterator[Port]:
    """Yield the ports that auditkit.yaml lists; of SNMP, DNS and NTP those of UDP."""
    for item in evidence.of(LISTED):
        try:
            numbers = json.loads(item.data)
        except (ValueError, RecursionError):
            continue
        for number in (
            (each for each in numbers if type(each) is int and 0 < each < 1 << 16) if isinstance(numbers, list) else ()
        ):
            udp = service_of("udp", number)
            protocol = "udp" if udp and not udp.tcp else "tcp"
            yield Port(protocol, number, (ANY[0],), None, service_of(protocol, number), listed=True)


def _filled(port: Port, heard: Mapping[str, list[Heard]], files: Mapping[str, Listed]) -> Port:
    asked = question(port, active=True)
    said = tuple(one for one in heard.get(asked, ()) if (one.protocol, one.port) == (port.protocol, port.number))
    script = script_of(port)
    return Port(
        *(port.protocol, port.number, port.addresses, port.process, port.service, said),
        files.get(port.program), files.get(script) if script else None, port.listed, port.greeting,
    )  # fmt: skip


def _files(evidence: Evidence) -> Iterator[tuple[str, Listed]]:
    for item in evidence.items:
        if item.need.means is Means.LISTING and not item.need.several:
            told = answers.listed(item)
            if not isinstance(told, Gap):
                yield told.path, told


def _accounts(evidence: Evidence) -> dict[int, str]:
    found = dict[int, str]()
    for item in evidence.of(PASSWD):
        lines, _left = passwd.lines_of(PASSWD.what, item.data.decode("utf-8", "surrogateescape"))
        for one in lines:
            if one.glibc is not None:
                found.setdefault(one.glibc, one.fields[0])
    return found


# --- what to ask


def script_of(port: Port) -> str:
    """The file that an interpreter runs, if its arguments name it in full; empty where they do not."""
    if not (port.process and port.interprets):
        return ""
    words = (word for word in port.process.arguments[1:] if not word.startswith("-"))
    first = next(words, "")
    return first if is_plain(first) else ""


def is_plain(path: str) -> bool:
    """Whether a path may be asked for: it is whole, and no glob."""
    return _PROGRAM.fullmatch(path) is not None


def question(port: Port, *, active: bool) -> str:
    """What to ask of a port from outside; empty where nothing is to be asked."""
    service = port.service
    if not port.open or service is None or service.name == SSH or (service.active and not active):
        return ""
    if port.protocol == "tcp" and port.number in LEFT_ALONE:
        return ""
    bound = [each for each in port.addresses if not ip_address(each).is_loopback]
    where = "" if port.listed or set(bound) & set(ANY) else " " + ",".join(bound[:4])
    return f"{service.name} {port.protocol} {port.number}{where}"


def is_own(address: str, networks: Iterable[str]) -> bool:
    """Whether an address is one of the office."""
    one = ip_address(address.partition("%")[0])
    return any(one in ip_network(network) for network in networks)
