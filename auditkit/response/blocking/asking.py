"""What a machine is asked before a block on it is proposed, and how the answers are found again."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from auditkit.model import Evidence, Gap, Item, Means, Need
from auditkit.printable import printable
from auditkit.response.blocking.addresses import Network
from auditkit.response.blocking.nouns import Guarded, Trust

Told = TypeVar("Told")
_WHY = "whom a block must not hit"
FIB, INET6, ROUTE, ROUTE6, TCP, TCP6 = (
    Need(Means.FILE, f"/proc/net/{name}", _WHY) for name in ("fib_trie", "if_inet6", "route", "ipv6_route", "tcp", "tcp6")
)
RESOLV = Need(Means.FILE, "/etc/resolv.conf", _WHY)
UPSTREAM = tuple(
    Need(Means.FILE, path, _WHY)
    for path in ("/run/systemd/resolve/resolv.conf", "/run/NetworkManager/no-stub-resolv.conf", "/run/dnsmasq/resolv.conf")
)
"""Whom a resolver on the machine itself asks."""
LOGINS = Need(Means.FILE, "/run/systemd/sessions/*", _WHY)
LISTENERS = Need(Means.LISTENERS, "all", "on which ports people of ours log in")
BANNER = Need(Means.BANNER, "ssh", "from which address we come ourselves")
UFW = Need(Means.FILE, "/etc/ufw/ufw.conf", "whether ufw is active")
UNITS = ("nftables", "ufw", "firewalld", "fail2ban")
ACTIVE = Need(Means.COMMAND, f"/usr/bin/systemctl is-active {' '.join(UNITS)}", "what blocks already")
VERSION = Need(Means.COMMAND, "/usr/sbin/sshd -V", "which options this sshd knows")
PROGRAMS = {
    tool: Need(Means.STATUS, path, "what there is to block with")
    for tool, path in (
        ("nft", "/usr/sbin/nft"),
        ("ufw", "/usr/sbin/ufw"),
        ("firewalld", "/usr/bin/firewall-cmd"),
        ("fail2ban", "/usr/bin/fail2ban-client"),
        ("sshd", "/usr/sbin/sshd"),
    )
}
SYSTEMD, ATD, SOCKET = (
    Need(Means.STATUS, path, "what there is to block with, and to end it")
    for path in ("/run/systemd/system", "/run/atd.pid", "/run/fail2ban/fail2ban.sock")
)
NEEDS = (
    *(FIB, INET6, ROUTE, ROUTE6, TCP, TCP6, RESOLV, *UPSTREAM, LOGINS, LISTENERS),
    *(UFW, ACTIVE, VERSION, *PROGRAMS.values(), SYSTEMD, ATD, SOCKET),
)
"""What every machine is asked."""
OVER_SSH = (*NEEDS, BANNER)
"""What a machine is asked that was logged in to: what that login has shown is there already."""


@dataclass
class Found:
    """What has been found out so far of a machine, and what could not be."""

    evidence: Evidence
    guarded: list[Guarded] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    """They keep nobody out."""
    grave: list[Gap] = field(default_factory=list)
    """They might let a block hit its own admin."""

    def items(self, need: Need) -> tuple[Item, ...]:
        """What was taken for a need, whoever asked for it."""
        return tuple(item for item in self.evidence.items if (item.need.means, item.need.what) == (need.means, need.what))

    def text(self, need: Need) -> str | None:
        """The text of a file; None where it was not taken."""
        found = self.items(need)
        return found[0].data.decode("utf-8", "surrogateescape") if found else None

    def read(self, need: Need, reader: Callable[[str], Told], what: str) -> Told | None:
        """What a reader makes of a file; where that is nothing, `what` is not known, and grave."""
        text = self.text(need)
        try:
            if text is not None:
                return reader(text)
            self.grave.append(Gap(what, f"{need.what}: {self.why(need)}"))
        except (ValueError, IndexError) as error:
            self.grave.append(Gap(what, f"{need.what} makes no sense: {printable(str(error)[:100])}"))
        return None

    def lacks(self, need: Need) -> bool:
        """Whether a file could not be had, rather than not being there: a kernel may have no IPv6."""
        return any(gap.subject == need.what for gap in self.evidence.gaps)

    def why(self, need: Need) -> str:
        """Why a file was not taken."""
        return next((gap.reason for gap in self.evidence.gaps if gap.subject == need.what), "it is not there")

    def guard(self, network: Network, what: str, trust: Trust = Trust.SPARED) -> None:
        """Note somebody who is never blocked."""
        self.guarded.append(Guarded(network, what, trust))
