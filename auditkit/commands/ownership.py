"""Which hosts a first auditkit.yaml may propose: those at own addresses, and in which networks these lie."""

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import wait
from dataclasses import dataclass, replace

from auditkit import config
from auditkit.commands.candidates import Candidate, Place
from auditkit.config import Config, Network
from auditkit.errors import AuditkitError, HostError
from auditkit.fleet import Threads
from auditkit.printable import printable
from auditkit.ssh import Route
from auditkit.ssh.address import OWN, Address, meant
from auditkit.ssh.route import route

PATIENCE = 10.0
"""Seconds for all name servers together."""
AT_ONCE = 64
LONG, LONGEST = 5.0, 60.0
"""Seconds for the ways to all hosts, after which that is said, and after which no more is asked."""
NOT_ASKED = f"not asked for: `ssh -G` took {LONGEST:g} seconds for other hosts; see what `Match exec` in ~/.ssh/config runs"
_BRIDGES = ("docker", "br-", "virbr", "veth", "lxc", "lxd", "cni", "flannel", "cali", "podman")
"""How networks begin that a machine has within itself, for its containers and virtual machines."""
_NEAR = {4: 24, 6: 64}
"""How long a prefix is proposed around an address that lies in no network of this machine."""

Addresses = Mapping[str, tuple[Address, ...]]
"""What names lead to; a name that is unknown, or was not answered in time, is not in it."""
Ways = Mapping[str, Route | AuditkitError]
"""The way to each host, or why there is none."""


@dataclass(frozen=True, slots=True)
class Range:
    """One network that may be an own one."""

    network: Network
    note: str
    inner: bool = False
    """Whether it is only within this machine."""


# --- is it sound, and where does it lead


def sound(hosts: Mapping[str, Candidate]) -> dict[str, Candidate]:
    """The candidates, doubted where auditkit.yaml would be refused for them."""
    return {name: host.doubted(_refused(name, hosts)) for name, host in hosts.items()}


def _refused(name: str, hosts: Mapping[str, Candidate]) -> str:
    """Why a host cannot stand in auditkit.yaml with the jumps that it needs; nothing if it can."""
    chain: dict[str, None] = {}
    jump: object = name
    while isinstance(jump, str) and jump not in chain and jump in hosts:
        chain[jump] = None
        jump = hosts[jump].settings.get("jump")
    try:
        config.read("\n  ".join(("hosts:", *(hosts[each].text for each in chain))), "it")
    except AuditkitError as error:
        return str(error).partition(": ")[2]
    return ""


def routes(
    hosts: Mapping[str, Candidate], environment: Mapping[str, str], home: str, asking: "Asking"
) -> dict[str, Route | AuditkitError]:
    """The way to each host that is sound, as it would be taken, or why there is none."""
    wanted = {name: host for name, host in hosts.items() if not host.doubt}
    told = config.read("\n  ".join(("hosts:", *(host.text for host in wanted.values()))), "it") if wanted else Config()
    found: dict[str, Route | AuditkitError] = {}
    for name in wanted:
        try:
            found[name] = route(name, told, environment, home) if asking.may_go_on() else HostError(NOT_ASKED)
        except AuditkitError as error:
            found[name] = error
    return found


class Asking:
    """How long all ways together may take, since ssh may run a `Match exec` for each; if it is long, that is said once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say: Callable[[str], None] | None = say
        self._began = time.monotonic()

    def may_go_on(self) -> bool:
        """Whether one more may be asked for."""
        taken = time.monotonic() - self._began
        if self._say and taken > LONG:
            self._say(f"`ssh -G` takes long: see what `Match exec` in ~/.ssh/config runs; it is asked for {LONGEST:g} seconds")
            self._say = None
        return taken < LONGEST


def covered(ways: Ways) -> Iterator[Place]:
    """Yield the places that hosts are at: what known_hosts has of them is nothing new."""
    for name, way in ways.items():
        if isinstance(way, Route):
            yield from (
                (each, way.target.port) for each in (name, way.target.hostname.lower(), way.target.host_key_alias or name)
            )


# --- whose address is it


def asked(ways: Ways) -> Iterator[str]:
    """Yield the names that must be looked up: where this machine goes first, and where the host is."""
    for way in ways.values():
        if isinstance(way, Route):
            yield from (way.hops[0].hostname, way.target.hostname)


def resolved(names: Iterable[str]) -> Addresses:
    """What names and numbers lead to, as far as the name servers tell it in time."""
    found: dict[str, tuple[Address, ...]] = {}
    asked: list[str] = []
    for name in dict.fromkeys(names):
        if number := meant(name):
            found[name] = (number,)
        else:
            asked.append(name)
    began = time.monotonic()
    for at in range(0, len(asked), AT_ONCE):
        pool = Threads()
        answers = {pool.submit(_looked_up, name): name for name in asked[at : at + AT_ONCE]}
        done, _late = wait(answers, max(0.0, PATIENCE - (time.monotonic() - began)))
        found |= {answers[each]: numbers for each in done if (numbers := each.result())}
    return found


def _looked_up(name: str) -> tuple[Address, ...]:
    try:
        places = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, ValueError):  # ValueError: a label that is empty or too long
        return ()
    numbers = (meant(str(place[0])) for _family, _kind, _protocol, _name, place in places)
    return tuple(dict.fromkeys(number for number in numbers if number is not None))


def judged(hosts: Mapping[str, Candidate], ways: Ways, addresses: Addresses) -> dict[str, Candidate]:
    """The hosts, doubted where the way is none or does not lead to an own address, with what they are reached at."""
    found = {name: _judged(host, ways.get(name), addresses) for name, host in hosts.items()}
    while lost := [name for name, host in found.items() if not host.doubt and _leaning(host, found)]:
        for name in lost:
            found[name] = found[name].doubted(f"its jump host {found[name].settings['jump']} is not proposed")
    return found


def _leaning(host: Candidate, hosts: Mapping[str, Candidate]) -> bool:
    """Whether it needs a jump host that is not proposed."""
    jump = host.settings.get("jump")
    return isinstance(jump, str) and (jump not in hosts or bool(hosts[jump].doubt))


def _judged(host: Candidate, way: Route | AuditkitError | None, addresses: Addresses) -> Candidate:
    if host.doubt or not isinstance(way, Route):
        return host.doubted(str(way or ""))
    first = way.hops[0]
    onward = len(way.hops) > 1 or first.proxy_command is not None
    if first.proxy_command is None:
        why = strange(first.hostname, addresses)
        host = host.doubted(f"it is reached through {printable(first.name)}: {why}" if why and first != way.target else why)
    if onward and way.target.hostname in addresses:
        host = host.doubted(strange(way.target.hostname, addresses))
    return host if host.doubt else replace(host, note="; ".join(filter(None, (_reached(way, addresses), host.note))))


def strange(name: str, addresses: Addresses) -> str:
    """Why what a name leads to is not taken for an own machine; nothing if it is."""
    numbers = addresses.get(name, ())
    if not numbers:
        return f"the name {printable(name)} is unknown here at present"
    own = _own(numbers)
    if not own:
        return f"{numbers[0]} is no private address; if it is yours, name it in networks: too"
    if all(number.is_loopback for number in own):
        return "it is this machine, which is called `local`, or a door on it to another one"
    return ""


def _own(numbers: Iterable[Address]) -> list[Address]:
    """The private ones, which alone would be contacted."""
    return [number for number in numbers if any(number in network for network in OWN)]


def _reached(way: Route, addresses: Addresses) -> str:
    """Where a host is, in a few words."""
    target = way.target
    numbers = _own(addresses.get(target.hostname, ()))
    where = target.hostname if not numbers or str(numbers[0]) == target.hostname else f"{target.hostname}, {numbers[0]}"
    by = [hop.name for hop in way.hops[:-1]] or (["ProxyCommand"] if way.hops[0].proxy_command else [])
    return printable(f"{where} through {', '.join(by)}" if by else where)


# --- in which networks


def here() -> tuple[Range, ...]:
    """The private networks that this machine is in."""
    import psutil  # noqa: PLC0415 - only here

    found: dict[Network, Range] = {}
    for name, each in ((name, each) for name, many in psutil.net_if_addrs().items() for each in many):
        network = _network(each.address, each.netmask or "") if each.family in (socket.AF_INET, socket.AF_INET6) else None
        if network is not None and _is_private(network):
            found.setdefault(network, Range(network, printable(name), name.startswith(_BRIDGES)))
    return tuple(found.values())


def _network(address: str, mask: str) -> Network | None:
    """The network of an address; of one in IPv6 the mask is written as an address, which ipaddress does not take."""
    try:
        number = ipaddress.ip_address(address.partition("%")[0])
        length = int(ipaddress.ip_address(mask)).bit_count()
        return ipaddress.ip_network(f"{number}/{length}", strict=False)
    except ValueError:
        return None


def _is_private(network: Network) -> bool:
    """Whether all of it is private, and reaches beyond a machine and its cable."""
    own = [each for each in OWN if each.version == network.version and network.subnet_of(each)]  # type: ignore[arg-type]
    return bool(own) and not (network.is_loopback or network.is_link_local)


def around(hosts: Mapping[str, Candidate], ways: Ways, addresses: Addresses, own: Iterable[Range]) -> tuple[Range, ...]:
    """The networks that proposed hosts need besides those of this machine, each as small as is usual."""
    known = [each.network for each in own if not each.inner]
    found: dict[Network, Range] = {}
    for name, host in hosts.items():
        way = ways.get(name)
        for hop in way.hops if isinstance(way, Route) and not host.doubt else ():
            for number in _own(addresses.get(hop.hostname, ())):
                if any(number in each for each in (*known, *found)):
                    continue
                network = ipaddress.ip_network((number, _NEAR[number.version]), strict=False)
                found[network] = Range(network, f"{printable(name)} has {number}")
    return tuple(found.values())
