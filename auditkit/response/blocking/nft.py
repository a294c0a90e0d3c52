"""nftables: a table of our own, which can be loaded again and again, and taken out whole. nft(8)."""

from collections.abc import Iterable, Iterator

from auditkit.response.blocking.addresses import Network, shown
from auditkit.response.blocking.nouns import Proposal, Step, Wish

NAME = "nft"
FILE = "/run/auditkit-block.nft"
"""Where the rules lie for a moment: only root writes there, and nothing of it outlives a restart."""
TABLE = "inet auditkit"
_FAMILIES = ((4, "ipv4_addr", "ip"), (6, "ipv6_addr", "ip6"))


def proposal(wish: Wish) -> Proposal:
    """A table whose chain looks before all others, lets the own people pass, and drops what the target sends."""
    return Proposal(
        NAME,
        f"nftables drops what {shown(wish.target)} sends to {wish.doors}; the kernel itself takes it off the list again"
        f" after {wish.time}",
        (
            Step("Write the rules to a file, which does nothing yet", (f"cat > {FILE} <<'AUDITKIT'", *rules(wish), "AUDITKIT")),
            Step("Have nft check the file and, only if it is sound, load it", (f"nft -c -f {FILE} && nft -f {FILE}",)),
            Step("In place of 1 and 2, if what you loaded before shall stay", (_added(wish),), optional=True),
        ),
        (f"nft list table {TABLE}",),
        (f"nft delete table {TABLE}",),
        (
            "Connections that are open already stay open, yours and theirs.",
            "Loading it replaces what an earlier proposal has loaded, and undoing it takes all of that out.",
            "It looks at what comes to this machine itself, not at what is passed on to containers or other machines.",
            "`accept` ends only this table: what another table of this machine drops stays dropped.",
        ),
    )


def _added(wish: Wish) -> str:
    return f"nft add element {TABLE} block{wish.target.version} '{{ {shown(wish.target)} timeout {wish.seconds}s }}'"


def rules(wish: Wish) -> tuple[str, ...]:
    """The table, as a file of nft; it is made, taken out and made anew, so that loading it twice changes nothing."""
    return (
        f"table {TABLE}",
        f"delete table {TABLE}",
        f"table {TABLE} {{",
        *(_admins(version, kind, wish.ours) for version, kind, _word in _FAMILIES),
        *(_blocked(version, kind, wish) for version, kind, _word in _FAMILIES),
        "  chain input {",
        "    type filter hook input priority filter - 10; policy accept;",
        *(f"    {word} saddr @admin{version} accept" for version, _kind, word in _FAMILIES),
        "    ct state established,related accept",
        *(f"    {word} saddr @block{version} {_ports(wish.ports)}counter drop" for version, _kind, word in _FAMILIES),
        "  }",
        "}",
    )


def _admins(version: int, kind: str, ours: Iterable[Network]) -> str:
    elements = ", ".join(shown(net) for net in ours if net.version == version)
    return f"  set admin{version} {{ type {kind}; flags interval; auto-merge; elements = {{ {elements} }}; }}"


def _blocked(version: int, kind: str, wish: Wish) -> str:
    about = "".join(_about(wish)) if wish.target.version == version else ""
    return f"  set block{version} {{ type {kind}; flags timeout, interval; timeout {wish.seconds}s;{about} }}"


def _about(wish: Wish) -> Iterator[str]:
    comment = f' comment "auditkit case {wish.case}"' if wish.case else ""
    yield f" elements = {{ {shown(wish.target)} timeout {wish.seconds}s{comment} }};"


def _ports(ports: tuple[int, ...]) -> str:
    return f"tcp dport {{ {', '.join(map(str, ports))} }} " if ports else ""
