"""Blocks, proposed and never applied: TOOLS has one line for each tool that can block."""

from collections.abc import Callable, Mapping

from auditkit.response.blocking import fail2ban, firewalld, nft, sshd, ufw
from auditkit.response.blocking.nouns import Proposal, Surroundings, Wish

TOOLS: Mapping[str, Callable[[Wish], Proposal]] = {
    nft.NAME: nft.proposal,
    ufw.NAME: ufw.proposal,
    firewalld.NAME: firewalld.proposal,
    fail2ban.NAME: fail2ban.proposal,
    sshd.NAME: sshd.proposal,
}
"""What is proposed for each tool, by the name that `--tool` takes."""
ORDER = ("firewalld", "ufw", "nft", "fail2ban", "sshd")
"""Of these the first that is active is proposed if nobody says; a table of nft needs no service, so nft need not be."""


def fitting(around: Surroundings) -> str | None:
    """The tool for a machine, if one is there."""
    there = {each.tool: each for each in around.tools if each.installed}
    return next((tool for tool in ORDER if tool in there and (there[tool].active or tool == nft.NAME)), None)
