"""What a loaded firewall does with a packet to this machine that none of its rules names: let in, or dropped.

Read from `nft -j list ruleset` (libnftables-json(5)) and `iptables-save`. A packet passes every base chain of the hook, and is
gone once one of them drops it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FAMILIES = {"ip": ("ip",), "ip6": ("ip6",), "inet": ("ip", "ip6")}
DROPS, ACCEPTS = "drop", "accept"
DEEPEST = 16
"""Jumps one after the other, as the kernel allows: NFT_JUMP_STACK_SIZE."""
_VERDICTS = {"accept": ACCEPTS, "drop": DROPS, "reject": DROPS, "return": "return"}
_TARGETS = {"ACCEPT": ACCEPTS, "DROP": DROPS, "REJECT": DROPS, "RETURN": "return"}
_CONDITIONLESS = frozenset(("counter", "log", "comment", "notrack"))
"""Statements that end nothing and ask for nothing."""
_RULE = re.compile(
    r"-A (\S+)(?: -c \d+ \d+)?(?: -m comment --comment (?:\"(?:[^\"\\]|\\.)*\"|\S+))* -([jg]) (\S+)(?: --reject-with \S+)?"
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that every packet meets: its verdict, or the chain that it leads to."""

    verdict: str = ""
    leads_to: str = ""
    comes_back: bool = True


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain, its rules that ask for something left out."""

    name: str
    at_input: bool
    policy: str
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of one family and its chains by name."""

    family: str
    name: str
    chains: Mapping[str, Chain]


def of_nft(text: str) -> tuple[Table, ...]:
    """The tables that `nft -j list ruleset` shows.

    Raises:
        ValueError: it shows no such thing.
    """
    try:
        told = json.loads(text)["nftables"]
        return tuple(_tables([one for one in told if isinstance(one, dict)]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("it is no rule set") from error


def _tables(told: Sequence[Mapping[str, Any]]) -> Iterator[Table]:
    rules: dict[tuple[str, str, str], list[Rule]] = {}
    for one in (each["rule"] for each in told if "rule" in each):
        found = _rule(one["expr"])
        if found:
            rules.setdefault((one["family"], one["table"], one["chain"]), []).append(found)
    chains: dict[tuple[str, str], dict[str, Chain]] = {}
    for one in (each["chain"] for each in told if "chain" in each):
        place, at_input = (one["family"], one["table"]), one.get("hook") == "input"
        own = tuple(rules.get((*place, one["name"]), ()))
        chains.setdefault(place, {})[one["name"]] = Chain(one["name"], at_input, _VERDICTS[one.get("policy", "accept")], own)
    yield from (Table(family, name, held) for (family, name), held in chains.items())


def _rule(statements: Sequence[Mapping[str, Any]]) -> Rule | None:
    """A rule as every packet meets it; nothing if it asks for something, or ends nothing."""
    for one in statements:
        name, value = next(iter(one.items()))
        if name in _VERDICTS:
            return Rule(_VERDICTS[name])
        if name in ("jump", "goto"):
            return Rule(leads_to=value["target"], comes_back=name == "jump")
        if name == "xt" and isinstance(value, dict) and value.get("type") == "target":
            return Rule(_TARGETS[value["name"]]) if value.get("name") in _TARGETS else None
        if name not in _CONDITIONLESS and not (name == "xt" and isinstance(value, dict) and value.get("name") == "comment"):
            return None
    return None


def of_iptables(text: str, family: str) -> tuple[Table, ...]:
    """The table `filter` that `iptables-save` shows; nothing where there is none."""
    policies: dict[str, str] = {}
    rules: dict[str, list[Rule]] = {}
    table = ""
    for line in text.split("\n"):
        if line.startswith("*"):
            table = line[1:].strip()
        elif table == "filter" and line.startswith(":"):
            name, policy = [*line[1:].split(" "), ""][:2]
            policies[name] = policy
        elif table == "filter" and (found := _RULE.fullmatch(line.rstrip())):
            rule = Rule(_TARGETS[found[3]]) if found[3] in _TARGETS else Rule(leads_to=found[3], comes_back=found[2] == "j")
            rules.setdefault(found[1], []).append(rule)
    chains = {
        name: Chain(name, name == "INPUT", _TARGETS.get(policy, ACCEPTS), tuple(rules.get(name, ())))
        for name, policy in policies.items()
    }
    return (Table(family, "filter", chains),) if chains else ()


def drops(tables: Sequence[Table], family: str) -> bool | None:
    """Whether what no rule names is dropped; None: no chain looks at what comes in."""
    ends = [
        _end(table, chain, 0) or chain.policy
        for table in tables
        if family in FAMILIES.get(table.family, ())
        for chain in table.chains.values()
        if chain.at_input
    ]
    return DROPS in ends if ends else None


def _end(table: Table, chain: Chain, depth: int) -> str:
    """The verdict on a packet that no rule names; empty where the chain gives none."""
    if depth > DEEPEST:
        return ""
    for rule in chain.rules:
        below = table.chains.get(rule.leads_to)
        verdict = rule.verdict or (_end(table, below, depth + 1) if below else "")
        if verdict == "return" or (rule.leads_to and not rule.comes_back and not verdict):
            return ""
        if verdict:
            return verdict
    return ""
