"""Who is never blocked whatever machine is asked: whoever asks, whom he names, and the office that auditkit.yaml describes."""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_network

from auditkit.model import Gap
from auditkit.printable import printable
from auditkit.response.blocking.addresses import Network, plain
from auditkit.response.blocking.nouns import Guarded, Known, Trust

_WHENCE = "where your SSH session comes from"


def known(
    allowed: Iterable[Network], clients: Iterable[str], networks: Iterable[Network], hosts: Mapping[str, str | None]
) -> Known:
    """All addresses that a block must not hit, and whose they are.

    `clients` are values of SSH_CONNECTION or SSH_CLIENT, ssh(1); `networks` and `hosts` (with their addresses) those of
    auditkit.yaml.
    """
    guarded = [Guarded(net, "named with --allow", Trust.NAMED) for net in allowed]
    ports: list[int] = []
    grave: list[Gap] = []
    for value in clients:
        try:
            address, *_more, port = value.split()
            guarded.append(Guarded(_one(address.partition("%")[0]), _WHENCE, Trust.NAMED))
            ports.append(int(port))
        except ValueError:
            grave.append(Gap(_WHENCE, f"SSH_CONNECTION makes no sense: {printable(value[:100])}"))
    guarded += [Guarded(net, "of networks: in auditkit.yaml", Trust.OURS) for net in networks]
    return Known((*guarded, *_hosts(hosts)), tuple(ports), tuple(grave))


def _hosts(hosts: Mapping[str, str | None]) -> Iterator[Guarded]:
    """Yield the hosts whose address is a number; names are not looked up, for that would ask somebody."""
    for name, address in hosts.items():
        try:
            yield Guarded(_one((address or name).partition("%")[0]), f"{printable(name)} of auditkit.yaml", Trust.OURS)
        except ValueError:
            continue


def _one(word: str) -> Network:
    return plain(ip_network(ip_address(word)))
