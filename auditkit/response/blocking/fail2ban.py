"""fail2ban: a ban by hand in the jail of sshd, and a timer that lifts it. fail2ban-client(1).

The running server is told, and no file of it changed: an `ignoreip` in a file of ours would take the place of the one that
stands elsewhere, and `bantime` would change every ban of the jail.
"""

from auditkit.response.blocking.addresses import shown
from auditkit.response.blocking.nouns import Proposal, Step, Wish
from auditkit.response.blocking.timers import later

NAME = "fail2ban"
JAIL = "sshd"
FILE = "/etc/fail2ban/jail.d/auditkit.local"


def proposal(wish: Wish) -> Proposal:
    """A ban of the one address; the jail has its own ports, and its own length of bans."""
    spared = tuple(shown(net) for net in wish.ours if not net.is_loopback)
    lift = f"fail2ban-client set {JAIL} unbanip {shown(wish.target)}"
    return Proposal(
        NAME,
        f"fail2ban bans {shown(wish.target)} at the ports of its jail {JAIL}; a timer lifts the ban after {wish.time}",
        (
            Step("See that the jail runs, on which ports, and whom it spares",
                 (f"fail2ban-client status {JAIL}", f"fail2ban-client get {JAIL} ignoreip")),
            *((Step("Spare your own people from now on, before anybody is banned",
                    (f"fail2ban-client set {JAIL} addignoreip {' '.join(spared)}",)),) if spared else ()),
            later(wish, lift),
            Step("Ban it", (f"fail2ban-client set {JAIL} banip {shown(wish.target)}",)),
            Step(f"Only if they shall be spared for good: put this into {FILE}, with what `get {JAIL} ignoreip` showed"
                 " before, for this line takes the place of others; then fail2ban-client -t && fail2ban-client reload",
                 lasting(wish), optional=True),
        ),
        (f"fail2ban-client get {JAIL} banip --with-time",),
        (lift, *(f"fail2ban-client set {JAIL} delignoreip {net}    # if step 1 did not show it" for net in spared)),
        (
            "It cuts connections that are open already.",
            f"The ban ends after {wish.time}, or after the bantime of the jail if that is shorter.",
            "A restart of fail2ban forgets who is spared by this, and may keep the ban: then lift it by hand.",
        ),
    )  # fmt: skip


def lasting(wish: Wish) -> tuple[str, ...]:
    """A file of fail2ban that spares the own people, jail.conf(5)."""
    return (f"[{JAIL}]", f"ignoreip = {' '.join(map(shown, wish.ours))}")
