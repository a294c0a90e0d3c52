"""Whom a block on a machine must not hit, from evidence: its own addresses, networks, gateways, name servers and people."""

import re
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network
from itertools import chain

from auditkit.answers import name_of, process, shown
from auditkit.model import Evidence, Gap
from auditkit.printable import printable
from auditkit.response.blocking import asking, kit, tables
from auditkit.response.blocking.addresses import PRIVATE, Network, plain
from auditkit.response.blocking.asking import Found
from auditkit.response.blocking.nouns import MOST_OURS, Known, Session, Surroundings, Trust

SSH = 22
_SERVERS = ("sshd", "dropbear", "dropbearmulti", "tinysshd", "lshd")
_FOR_OTHERS = ("", "systemd", "init")
"""Programs that may listen for an SSH server; and the name of what only root sees."""
_WIDEST = {4: 8, 6: 16}
"""A route to more than that, as to half of the internet through a tunnel, leads to no own network."""
_FIELD = re.compile(r"(?m)^([A-Z_]+)=(.*)$")


def surroundings(evidence: Evidence, known: Known, *, over_ssh: bool = False) -> Surroundings:
    """What evidence shows of a machine, with what is known besides; `over_ssh`: it was logged in to for that."""
    found = Found(evidence, list(known.guarded), grave=list(known.grave))
    order = _routes(found, _own(found))
    _name_servers(found)
    if over_ssh:
        _source(found)
    if sum(each.trust is Trust.OURS for each in found.guarded) > MOST_OURS:
        found.gaps.append(Gap("own networks", f"there are more than {MOST_OURS}: not all are on the lists of who is let in"))
    sure, maybe = _ssh_ports(found)
    inbound, linked = _connected(found, order, sure | maybe | {SSH, *known.ports})
    return Surroundings(
        host=printable(evidence.host),
        taken=evidence.taken,
        guarded=tuple(dict.fromkeys(found.guarded)),
        sessions=(*inbound, *_logged_in(found)),
        linked=linked,
        gaps=tuple(dict.fromkeys(found.gaps)),
        grave=tuple(dict.fromkeys(found.grave)),
        tools=tuple(kit.tools(found)),
        ssh_ports=tuple(sorted(sure)),
        openssh=kit.openssh(found),
        ends=kit.ends(found),
    )


def _own(found: Found) -> set[Network]:
    own = [*(found.read(asking.FIB, tables.addresses4, "own addresses") or ())]
    if found.text(asking.INET6) is not None or found.lacks(asking.INET6):
        own += found.read(asking.INET6, tables.addresses6, "own addresses") or ()
    for each in own:
        found.guard(each, "an address of this machine itself", Trust.SPARED if each.is_link_local else Trust.OURS)
    return set(own)


def _routes(found: Found, own: set[Network]) -> tables.Order | None:
    """Note gateways and own networks; gives how the machine writes numbers."""
    what = "gateways and own networks"
    told = found.read(asking.ROUTE, tables.routes4, what)
    six = found.read(asking.ROUTE6, tables.routes6, what) if found.text(asking.INET6) is not None else ()
    for route in chain(told[0] if told else (), six or ()):
        private = any(_below(route.to, net) for net in PRIVATE)
        if route.gateway:
            found.guard(route.gateway, "the default gateway" if route.is_default else "a gateway")
        if route.to in own:
            continue
        if (private or not route.gateway) and route.to.prefixlen >= _WIDEST[route.to.version]:
            found.guard(route.to, f"the network at {printable(route.device)}", Trust.OURS if private else Trust.SPARED)
    return told[1] if told else None


def _below(one: Network, other: Network) -> bool:
    return one.version == other.version and one.subnet_of(other)  # type: ignore[arg-type]  # they are of one version


def _name_servers(found: Found) -> None:
    """Note whom the machine asks for names, and whom a resolver on it asks in its place."""
    told: dict[Network, None] = {}
    for need in (asking.RESOLV, *asking.UPSTREAM):
        try:
            told.update(dict.fromkeys(tables.name_servers(found.text(need) or "")))
        except ValueError:
            found.gaps.append(Gap("name servers", f"{need.what} makes no sense"))
    others = [server for server in told if not server.is_loopback]
    for server in others:
        found.guard(server, "a name server that this machine asks")
    if told and not others:
        found.gaps.append(Gap("name servers", "a resolver on this machine answers; whom that asks is not known"))
    elif not told:
        found.gaps.append(Gap("name servers", f"{asking.RESOLV.what} names none, or could not be read"))


def _source(found: Found) -> None:
    """Note where we come from ourselves, as the SSH server of the host has seen it."""
    told = [shown(item) for item in found.items(asking.BANNER)]
    for source in {each.source for each in told if not isinstance(each, Gap) and each.source}:
        found.guard(plain(ip_network(ip_address(source))), "where this very login of auditkit comes from", Trust.NAMED)
    if not any(not isinstance(each, Gap) and each.source for each in told):
        found.grave.append(Gap("where we come from ourselves", "the SSH server did not say"))


def _ssh_ports(found: Found) -> tuple[set[int], set[int]]:
    """The ports of SSH servers, and those where one may be behind."""
    sure: set[int] = set()
    maybe: set[int] = set()
    for item in found.items(asking.LISTENERS):
        told = process(item)
        if isinstance(told, Gap):
            found.grave.append(Gap("sessions", f"{printable(told.subject)}: {told.reason}"))
        elif name_of(told.program) in _SERVERS:
            sure.update(told.ports)
        elif name_of(told.program) in _FOR_OTHERS:
            maybe.update(told.ports)
    return sure, maybe


def _connected(found: Found, order: tables.Order | None, people: set[int]) -> tuple[tuple[Session, ...], tuple[Session, ...]]:
    """Who is connected to a port where people of ours work, and whom the machine itself has connected to."""
    rows = _rows(found, order)
    open_rows = [row for row in rows if row.state == tables.ESTABLISHED and not row.peer.is_loopback]
    listening = {row.port for row in rows if row.state == tables.LISTEN}
    inbound = {row.peer: f"is connected to port {row.port}" for row in open_rows if row.port in listening & people}
    linked = {row.peer: f"port {row.peer_port}" for row in open_rows if row.port not in listening}
    return tuple(Session(*each) for each in inbound.items()), tuple(Session(*each) for each in linked.items())


def _rows(found: Found, order: tables.Order | None) -> list[tables.Row]:
    """All sockets of TCP."""
    if order is None:
        found.grave.append(Gap("sessions", "how this machine writes numbers is not known"))
        return []
    reader: Callable[[str], list[tables.Row]] = lambda text: list(tables.connections(text, order))  # noqa: E731
    rows = found.read(asking.TCP, reader, "sessions") or []
    has6 = found.text(asking.TCP6) is not None or found.text(asking.INET6) is not None or found.lacks(asking.TCP6)
    return rows + (found.read(asking.TCP6, reader, "sessions") or [] if has6 else [])


def _logged_in(found: Found) -> Iterator[Session]:
    """Yield from where people are logged in, as systemd-logind has it; whom it calls by a name has a connection as well."""
    for item in found.items(asking.LOGINS):
        said = dict(_FIELD.findall(item.data.decode("utf-8", "surrogateescape")))
        try:
            source = plain(ip_network(ip_address(said.get("REMOTE_HOST", ""))))
        except ValueError:
            continue
        if said.get("STATE") != "closing":
            yield Session(source, f"is where {printable(said.get('USER', 'somebody')[:64])} is logged in from")
