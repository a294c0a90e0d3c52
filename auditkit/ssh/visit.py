"""What the SSH servers of this very machine show: one connection to each port, and away before any credential.

Over SSH the login shows that by itself; here nobody has logged in. sshd writes a line in its log for it.
"""

import os
import pwd
from collections.abc import Iterable, Iterator

from auditkit.answers import Shown
from auditkit.config import Network
from auditkit.errors import HostError
from auditkit.model import Gap
from auditkit.ssh import Deadline, Hop, address, link, login
from auditkit.ssh.packets import BROKEN, Wire

PATIENCE = 5.0
"""Seconds for one server."""


def visited(places: Iterable[tuple[str, int]], networks: tuple[Network, ...] | None) -> Iterator[Shown | Gap]:
    """Yield what the SSH server at each address and port shows to who runs this, or why that could not be seen."""
    own = (*(address.OWN if networks is None else networks), *address.LOOPBACK)
    for place, port in places:
        yield _visited(Hop(place, place, port, _user()), own)


def _user() -> str:
    """Who runs this; nobody where the account has no name, for no server is asked about users that do not exist."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return ""


def _visited(hop: Hop, own: tuple[Network, ...]) -> Shown | Gap:
    deadline = Deadline(PATIENCE)
    try:
        wire = Wire(address.connect(hop, own, deadline))
        deadline.guard(wire.hang_up)
        try:
            return _seen(wire, hop, deadline)
        finally:
            wire.hang_up()
    except HostError as error:
        return Gap(Shown(hop.hostname, hop.port, "").place, f"what it shows is not known: {error}")
    finally:
        deadline.cancel()


def _seen(wire: Wire, hop: Hop, deadline: Deadline) -> Shown:
    """What a server shows until it would have to be shown something."""
    methods: tuple[str, ...] = ()
    try:
        link.shake_hands(wire, deadline)
        methods = login.methods(wire, hop, deadline) if hop.user else ()
    except (HostError, *BROKEN):
        if not wire.offered:
            raise
    return link.facts((wire,), hop, methods).shown()
