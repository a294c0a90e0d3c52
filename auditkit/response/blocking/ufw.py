"""ufw: a rule before all others, and a timer that deletes it, for ufw knows no time. ufw(8)."""

from auditkit.response.blocking.addresses import Network, shown
from auditkit.response.blocking.nouns import Proposal, Step, Wish
from auditkit.response.blocking.timers import later

NAME = "ufw"


def proposal(wish: Wish) -> Proposal:
    """A rule that denies; `prepend`, for `insert 1` fails where there is no rule yet."""
    deny = _rule("deny", wish.target, wish.ports)
    allow = tuple(_rule("allow", net, wish.ports) for net in wish.named)
    undo = f"ufw delete {deny}"
    return Proposal(
        NAME,
        f"ufw denies what {shown(wish.target)} sends to {wish.doors}; a timer deletes the rule after {wish.time}",
        (
            Step("See that ufw is active, and have it check the rule without setting it",
                 ("ufw status verbose", f"ufw --dry-run prepend {deny} | grep -F '{shown(wish.target)}'")),
            *((Step("See that the status has a rule that lets your own people in. Only if there is none, set it now, for good",
                    tuple(f"ufw prepend {rule}" for rule in allow), optional=True),) if allow else ()),
            later(wish, undo),
            Step("Block it", (f"ufw prepend {deny}",)),
        ),
        ("ufw status numbered",),
        (undo,),
        (
            "Connections that are open already stay open, yours and theirs.",
            "ufw keeps its rules over a restart, and a restart forgets the timer: if this machine restarts meanwhile, undo it.",
            "While ufw is inactive it notes the rule and does nothing.",
            *(("With IPV6=no in /etc/default/ufw it cannot block an address of IPv6.",) if wish.target.version == 6 else ()),
        ),
    )  # fmt: skip


def _rule(verb: str, net: Network, ports: tuple[int, ...]) -> str:
    doors = f" to any port {','.join(map(str, ports))} proto tcp" if ports else ""
    return f"{verb} from {shown(net)}{doors}"
