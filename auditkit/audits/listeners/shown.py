"""What services tell of themselves: product, version, system; and lines that are meant to hide it and do not."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from auditkit.audits.listeners.fixes import FIXES, Fix, fix
from auditkit.audits.listeners.installed import behind, standing
from auditkit.audits.listeners.reach import found
from auditkit.audits.listeners.seen import Port, Seen, is_own
from auditkit.banners import Product
from auditkit.banners.certificates import certificate
from auditkit.model import Evidence, Finding, Gap, Item, Means, Need, Quote, Rule, Severity

SHOWS_VERSION = Rule(
    "banner-shows-version",
    "A service shows its version to whoever connects",
    Severity.LOW,
    "Hiding a version stops no attack. But whoever looks for machines with a certain hole finds those first that say which"
    " version they have, and insurers and testers ask for it. It matters more where the service can be reached from outside of"
    " the office, or is older than what is installed.",
    "Set the line that makes it say less, reload it, and audit again: what counts is what it then says.",
    ("CWE-200", "OWASP WSTG-INFO-02"),
)
SHOWS_SYSTEM = Rule(
    "banner-shows-system",
    "A service tells the machine's system or name to whoever connects",
    Severity.LOW,
    "Kernel, system and name tell which other holes are worth a try, and which machine among many to try them on. No login is"
    " needed to read them.",
    "Set the line that makes it say less, reload it, and audit again.",
    ("CWE-497", "CIS Debian Linux 12 Benchmark 1.6"),
)
SHOWS_PRODUCT = Rule(
    "banner-shows-product",
    "Services name their product",
    Severity.INFO,
    "Only the product is told, and no version. That is worth little, for each product can be told by how it behaves.",
    "Nothing needs to be done. Who wants it shorter finds the line of each product in its documentation.",
)
HIDDEN_IN_VAIN = Rule(
    "banner-hidden-in-vain",
    "A line is meant to hide a version, and the version is still shown",
    Severity.MEDIUM,
    "Whoever wrote the line believes that it works. It was not reloaded since, another line or another server on this port"
    " overrides it, or the line does not do what its name says: `ServerTokens None` of CUPS shows more than the default does.",
    "Reload the service and audit again; if it is still so, look for where the answer comes from.",
    ("CWE-200", "https://github.com/OpenPrinting/cups/issues/1111"),
)
CERTIFICATE_ENDS = Rule(
    "certificate-ends",
    "A certificate has ended or ends soon",
    Severity.LOW,
    "When it has ended people see warnings, or the service is not there for them. Clients refuse the connection, or users"
    " learn to click warnings away, which is what somebody in between needs.",
    "Renew it, and see why that was not done by itself: certbot certificates; systemctl list-timers.",
    ("RFC 5280 section 4.1.2.5",),
)
RULES = (SHOWS_VERSION, SHOWS_SYSTEM, SHOWS_PRODUCT, HIDDEN_IN_VAIN, CERTIFICATE_ENDS)

SOON = timedelta(days=14)
SHORT = timedelta(days=2)
"""How long one counts that a server makes for itself each time it starts, as exim does."""
MOST_QUOTES = 10
_CONFIGURED = "whether it is meant to hide its version"
_OWN = frozenset(("redis", "memcached", "mongodb", "elasticsearch", "opensearch"))
"""Stores that only tell their version to who may read all: of these another rule speaks."""


def follow(seen: Seen) -> Iterator[Need]:
    """The files in which lines stand that hide a version, of what runs and may be met from outside."""
    running = {port.name for port in seen.ports if port.open}
    shown = {product.name for port in seen.ports for product in port.reading.products}
    for name, one in FIXES.items():
        if one.hides and (name in shown or running.intersection(one.programs)):
            yield from (Need(Means.FILE, path, _CONFIGURED) for path in one.files)


def judge(evidence: Evidence, seen: Seen) -> Iterator[Finding | Gap]:
    """Yield what services show, one finding for each product; what they show only of themselves in one for all."""
    shows = dict[str, list[tuple[Port, Product]]]()
    systems = dict[str, list[Port]]()
    for port in filter(_counts, seen.ports):
        for product in port.reading.products:
            shows.setdefault(product.name, []).append((port, product))
        if (port.reading.system or port.reading.host) and not port.reading.open:
            systems.setdefault(_called(port), []).append(port)
        yield from _certificate(evidence, port)
    yield from (_system(name, ports) for name, ports in systems.items())
    for name, where in shows.items():
        versions = [(port, product) for port, product in where if product.version]
        if versions and name not in _OWN:
            yield _version(evidence, name, versions)
    bare = [port for where in shows.values() for port, product in where if not product.version and not port.listed]
    if bare:
        quotes = tuple(dict.fromkeys(port.quote for port in bare))
        yield Finding(SHOWS_PRODUCT, "services", "they name their product", SHOWS_PRODUCT.severity, quotes[:MOST_QUOTES])


def _version(evidence: Evidence, name: str, where: Sequence[tuple[Port, Product]]) -> Finding:
    quotes = tuple(dict.fromkeys(port.quote for port, _product in where))[:MOST_QUOTES]
    device = any(port.listed for port, _product in where)
    remedy = fix(name, device=device).how
    lines = list(_meant(evidence, name))
    if lines:
        what = f"{name} shows its version all the same"
        return Finding(HIDDEN_IN_VAIN, name, what, HIDDEN_IN_VAIN.severity, (*lines[:MOST_QUOTES], *quotes), remedy)
    severity, why = _matters(evidence, where)
    return Finding(
        SHOWS_VERSION, name, f"{name} shows its version{why}{_by(fix(name, device=device))}", severity, quotes, remedy
    )


def _matters(evidence: Evidence, where: Sequence[tuple[Port, Product]]) -> tuple[Severity, str]:
    """How much a version that is shown matters, and why: what counts is whether it misses an update, and who sees it."""
    outside = any(port.heard and not is_own(port.heard.address, evidence.office.networks) for port, _product in where)
    ages = [standing(evidence, port, product) for port, product in where]
    late = next((why for why, misses in ages if misses), "")
    seen_by = " to other networks than the office's" if outside else ""
    if late or any(behind(evidence, port, product) < 0 for port, product in where):
        return Severity.MEDIUM, seen_by + (late or ", which is older than what is installed")
    if all(misses is False for _why, misses in ages):
        return Severity.LOW if outside else Severity.INFO, seen_by + ages[0][0]
    return Severity.MEDIUM if outside else SHOWS_VERSION.severity, seen_by


def _by(one: Fix) -> str:
    """The line that changes it, so that those who read of many hosts see what to put where."""
    return f"; put `{one.line}`" if one.hides else ""


def _meant(evidence: Evidence, name: str) -> Iterator[Quote]:
    """Yield each line that is meant to hide the version of a product."""
    hides = fix(name).hides
    for item in evidence.items if hides else ():
        if item.need.means is Means.FILE and item.need.what in fix(name).files and hides:
            text = item.data.decode("utf-8", "surrogateescape")
            for match in hides.finditer(text):
                yield _quote(item, text, match.start())


def _quote(item: Item, text: str, at: int) -> Quote:
    number = text.count("\n", 0, at) + 1
    return Quote(item.source, number, text.split("\n")[number - 1].strip()[:200])


def _counts(port: Port) -> bool:
    """Whether what a port says is what others would hear; an NTP server tells the machine itself more than them."""
    return port.open and not (port.service and port.service.name == "ntp" and port.heard is not None and port.heard.here)


def _called(port: Port) -> str:
    """The product on a port; where it names none, the protocol."""
    return next((product.name for product in port.reading.products), port.called)


def _system(name: str, ports: Sequence[Port]) -> Finding:
    told = [(port, text) for port in ports for text in (port.reading.system, port.reading.host) if text]
    both = ("system", any(port.reading.system for port in ports)), ("name", any(port.reading.host for port in ports))
    what = " and ".join(words for words, there in both if there)
    quotes = tuple(dict.fromkeys(Quote(port.place, 0, f"tells {text}") for port, text in told))[:MOST_QUOTES]
    how = fix(name, device=any(port.listed for port in ports)).how
    return Finding(SHOWS_SYSTEM, name, f"{name} tells the machine's {what}", SHOWS_SYSTEM.severity, quotes, how)


def _certificate(evidence: Evidence, port: Port) -> Iterator[Finding]:
    told = certificate(port.heard.certificate) if port.heard and port.heard.certificate else None
    if told is None or told.ends > evidence.taken + SOON or (told.own and told.ends - told.begins < SHORT):
        return
    ended = told.ends <= evidence.taken
    what = f"its certificate {'has ended' if ended else 'ends'} on {told.ends:%Y-%m-%d}"
    yield found(CERTIFICATE_ENDS, port, what, Severity.MEDIUM if ended else None)
