"""What goes wrong on the way to a host, told by the name of the hop that it is about."""

from auditkit.errors import HostError
from auditkit.printable import printable
from auditkit.ssh import Hop, Route


def of(hop: Hop, route: Route, error: HostError) -> HostError:
    """The error of a hop as that of the host behind it."""
    if hop is route.target:
        return error
    return type(error)(f"at the jump host {printable(hop.name)}: {error}", error.hint, error.state)


def not_connected(before: Hop, why: str, forbidden: bool) -> HostError:
    """The error of a hop that the one before does not connect to."""
    name = printable(before.name)
    hint = f"set `AllowTcpForwarding yes` in the sshd_config of {name}" if forbidden else "see whether it is up"
    return HostError(f"the jump host {name} does not connect to it: {why}", hint)
