"""Whether what runs is what is installed: the version of a package against what its service says."""

import re
from collections.abc import Iterable, Iterator, Mapping

from auditkit import answers
from auditkit.audits.listeners.fixes import fix
from auditkit.audits.listeners.reach import of_port
from auditkit.audits.listeners.seen import Port, Seen
from auditkit.audits.packages.pending import missing
from auditkit.banners import Product
from auditkit.model import Evidence, Finding, Gap, Means, Need, Rule, Severity
from auditkit.packages.versions import deb_part
from auditkit.printable import printable

NOT_THE_INSTALLED = Rule(
    "service-not-the-installed",
    "A service says another version than its package has",
    Severity.MEDIUM,
    "Where the package is newer, it was updated and the service was not restarted: what the update mends is still open. Where"
    " it is older, the program that answers did not come with the package.",
    "systemctl restart UNIT, and audit again; needrestart names all that wait for it. If what answers is newer than the"
    " package, compare the program with it: dpkg -V PACKAGE; ss -ltnp shows which process answers.",
    ("https://www.debian.org/doc/debian-policy/ch-controlfields.html#version", "needrestart(1)", "ATT&CK T1554"),
)
RULES = (NOT_THE_INSTALLED,)

DPKG = r"/usr/bin/dpkg-query -W -f=${Package},${db:Status-Status},${Version}\n"
RPM = r"/usr/bin/rpm -q --qf=%{NAME},installed,%{VERSION}\n"
_WHY = "which version of a service is installed"
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]{0,100}")
_LINE = re.compile(rb"^([A-Za-z0-9][A-Za-z0-9+._-]{0,100}),installed,(\S{1,200})$", re.MULTILINE)
_UPSTREAM = re.compile(r"(?:[0-9]+:)?([0-9][0-9A-Za-z.]*)")
_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+)*[a-z]?")
MOST = 50


def follow(seen: Seen) -> Iterator[Need]:
    """The version of each package whose service says one."""
    names = {name for port in seen.ports for name in packages(port) if any(_of(port))}
    if wanted := sorted(filter(_NAME.fullmatch, names))[:MOST]:
        words = " ".join(wanted)
        yield from (Need(Means.COMMAND, f"{command} {words}", _WHY) for command in (DPKG, RPM))


def packages(port: Port) -> tuple[str, ...]:
    """The packages that have brought its program, without an architecture."""
    told = port.file.packages if port.file else None
    return tuple(name.partition(":")[0] for name in told or ())


def _of(port: Port) -> Iterator[Product]:
    """Yield each product with a version that is the program itself, and nothing that it only passes on."""
    for product in port.reading.products:
        if product.version and port.name in fix(product.name).programs:
            yield product


def judge(evidence: Evidence, seen: Seen) -> Iterator[Finding | Gap]:
    """Yield each service that is not of the version that is installed, once for all its ports."""
    told = set[tuple[str, str]]()
    for port in seen.ports:
        for product in _of(port):
            order = behind(evidence, port, product)
            if order and (product.name, product.version) not in told:
                told.add((product.name, product.version))
                yield _finding(evidence, port, product, order)


def _finding(evidence: Evidence, port: Port, product: Product, order: int) -> Finding:
    severity = NOT_THE_INSTALLED.severity if order < 0 else Severity.HIGH
    what = "is older than" if order < 0 else "is newer than"
    version = next(iter(_versions(evidence, packages(port))), "")
    message = f"{product.name} {product.version} {what} its package, {printable(version[:100])}"
    return of_port(NOT_THE_INSTALLED, port, message, severity)


def behind(evidence: Evidence, port: Port, product: Product) -> int:
    """-1 where a service is older than its package, 1 where it is newer, 0 where it is the same or nobody can tell."""
    if port.name not in fix(product.name).programs:
        return 0
    said = _NUMBERS.match(product.version)
    for version in _versions(evidence, packages(port)):
        upstream = _UPSTREAM.match(version)
        if said and upstream and not _is_part(said[0], upstream[1]):
            return deb_part(said[0], upstream[1])
    return 0


def standing(evidence: Evidence, port: Port, product: Product) -> tuple[str, bool | None]:
    """What is to be said of the age of a service: the update it misses, or that there is none; None: nobody can tell.

    It takes a package of this host that speaks itself, and new lists: else an old version may be a patched one.
    """
    names = packages(port) if port.name in fix(product.name).programs else ()
    known = missing(evidence) if names else None
    if known is None:
        return "", None
    late = [known[name] for name in names if name in known]
    if late:
        return f", and misses an update: {printable(late[0].standing.candidate or '')} is offered", True
    return ", for which its lists have no newer one", False


def _is_part(said: str, upstream: str) -> bool:
    """Whether what is said is the version, or its beginning: `2.4` of 2.4.2."""
    return upstream == said or upstream.startswith((f"{said}.", f"{said}p", f"{said}P"))


def _versions(evidence: Evidence, names: Iterable[str]) -> Iterator[str]:
    installed = _installed(evidence)
    return (installed[name] for name in names if name in installed)


def _installed(evidence: Evidence) -> Mapping[str, str]:
    """The versions of packages, as the host says."""
    found = dict[str, str]()
    for item in evidence.items:
        if item.need.means is Means.COMMAND and item.need.why == _WHY:
            ran = answers.ran(item)
            if not isinstance(ran, Gap):
                found |= {name.decode(): version.decode("utf-8", "replace") for name, version in _LINE.findall(ran.out)}
    return found
