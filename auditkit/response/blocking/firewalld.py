"""firewalld: rich rules that stand until their time is over, or firewalld is reloaded. firewalld.richlanguage(5)."""

from auditkit.response.blocking.addresses import Network, shown
from auditkit.response.blocking.nouns import Proposal, Step, Wish

NAME = "firewalld"
FIRST = -100
"""The priority of who is let in: below 0 comes before rules that have none."""


def proposal(wish: Wish) -> Proposal:
    """Rules of the running firewalld only, each with its own time."""
    allow = tuple(rule for net in wish.named for rule in rules(net, wish.ports, "accept", FIRST))
    deny = rules(wish.target, wish.ports, "drop")
    return Proposal(
        NAME,
        f"firewalld drops what {shown(wish.target)} sends to {wish.doors}; it takes the rule out itself after {wish.time}",
        (
            Step("See that it runs, and that your network card is in the default zone (else add --zone=NAME to each line)",
                 ("firewall-cmd --state", "firewall-cmd --get-default-zone", "firewall-cmd --get-active-zones")),
            *((Step("Let your own people in, before anybody is kept out",
                    tuple(_added(rule, wish.seconds) for rule in allow)),) if allow else ()),
            Step("Block it", tuple(_added(rule, wish.seconds) for rule in deny)),
        ),
        ("firewall-cmd --list-rich-rules",),
        tuple(f"firewall-cmd --remove-rich-rule='{rule}'" for rule in (*deny, *allow)),
        (
            "Connections that are open already stay open, yours and theirs.",
            "firewall-cmd checks a rule before it sets it, and sets nothing where it says Error.",
            "firewall-cmd --reload takes all of it out at once.",
        ),
    )  # fmt: skip


def rules(net: Network, ports: tuple[int, ...], verb: str, priority: int | None = None) -> tuple[str, ...]:
    """The rich rules for a net, one for each port."""
    first = "" if priority is None else f' priority="{priority}"'
    who = f'rule{first} family="ipv{net.version}" source address="{shown(net)}"'
    doors = tuple(f' port port="{port}" protocol="tcp"' for port in ports) or ("",)
    return tuple(f"{who}{door} {verb}" for door in doors)


def _added(rule: str, seconds: int) -> str:
    return f"firewall-cmd --add-rich-rule='{rule}' --timeout={seconds}s"
