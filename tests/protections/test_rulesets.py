"""What a firewall does with what no rule names, against rule sets that the kernel itself holds."""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.audits.protections.rulesets import drops, of_iptables, of_nft


def table(rules: str, policy: str = "accept", family: str = "inet", hook: str = "input", more: str = "") -> str:
    """A table with one chain at a hook, its rules parted by `;`."""
    lines = "\n  ".join(each.strip() for each in rules.split(";") if each.strip())
    head = f"type filter hook {hook} priority 0; policy {policy};"
    return f"table {family} {policy}{hook} {{\n{more} chain base {{\n  {head}\n  {lines}\n }}\n}}\n"


def rest(rule: str) -> str:
    """A chain that is led to."""
    return f" chain rest {{\n  {rule}\n }}\n"


SSH = "tcp dport 22 accept"
BAN = " set s {\n  type ipv4_addr\n }\n"
NFT = {
    "policy drop": (table(SSH, "drop"), True, True),
    "policy accept": (table(SSH), False, False),
    "a last rule that drops": (table(f"{SSH}; counter drop"), True, True),
    "a last rule that rejects and tells": (table(f'{SSH}; log prefix "x" counter reject'), True, True),
    "drop after all was let in": (table("accept; drop"), False, False),
    "a policy that a rule goes before": (table("accept", "drop"), False, False),
    "a jump": (table("jump rest", more=rest("drop")), True, True),
    "a jump that comes back": (table("jump rest; drop", more=rest("tcp dport 1 drop")), True, True),
    "a goto that does not come back": (table("goto rest; drop", more=rest("tcp dport 1 drop")), False, False),
    "only IPv4": (table("", "drop", "ip"), True, None),
    "only what goes out": (table("", "drop", hook="output"), None, None),
    "fail2ban alone": (table("tcp dport 22 ip saddr @s reject", more=BAN), False, False),
    "one of two drops": (table("") + table("", "drop"), True, True),
    "nothing": ("", None, None),
}
IPTABLES = {
    "policy drop": ("-P INPUT DROP", True),
    "a last rule": ('-A INPUT -p tcp --dport 22 -j ACCEPT;-A INPUT -m comment --comment "the rest" -j REJECT', True),
    "a rule for one port": ("-A INPUT -p tcp --dport 22 -j DROP", False),
    "a chain": ("-N rest;-A rest -j DROP;-A INPUT -j rest", True),
    "a chain that comes back": ("-N rest;-A rest -j RETURN;-A rest -j DROP;-A INPUT -j rest", False),
    "let in before": ("-P INPUT DROP;-A INPUT -j ACCEPT", False),
}  # fmt: skip


def can_load() -> bool:
    """Whether this machine makes a network of its own and loads rules there."""
    programs = all(map(shutil.which, ("unshare", "nft", "iptables", "iptables-save")))
    if os.geteuid() or not programs:
        return False
    return not subprocess.run(
        ["unshare", "-n", "nft", "add", "table", "inet", "x"], capture_output=True, check=False
    ).returncode


KERNEL = pytest.mark.skipif(not can_load(), reason="no rules can be loaded in a network of its own")


def loaded(script: str, text: str = "") -> str:
    """What a script writes that loads rules in a network of its own."""
    done = subprocess.run(
        ["unshare", "-n", "sh", "-ec", script], input=text, capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout


@KERNEL
@pytest.mark.parametrize("name", NFT)
def test_what_the_kernel_makes_of_nft_rules_is_read(name: str) -> None:
    text, ip, ip6 = NFT[name]
    tables = of_nft(loaded("nft -f - && nft -j -t list ruleset", text))
    assert (drops(tables, "ip"), drops(tables, "ip6")) == (ip, ip6)


@KERNEL
@pytest.mark.parametrize("name", IPTABLES)
def test_iptables_by_both_of_its_words(name: str) -> None:
    words, expected = IPTABLES[name]
    script = "; ".join(f"iptables {each}" for each in words.split(";"))
    assert drops(of_iptables(loaded(f"{script}; iptables-save"), "ip"), "ip") is expected
    assert drops(of_iptables(loaded(f"{script}; iptables-save -c"), "ip"), "ip") is not None
    tables = of_nft(loaded(f"{script}; nft -j -t list ruleset"))
    assert (drops(tables, "ip"), drops(tables, "ip6")) == (expected, None)


def test_what_iptables_has_no_table_for_is_not_known() -> None:
    assert drops(of_iptables("", "ip"), "ip") is None
    assert drops(of_iptables("*nat\n:INPUT DROP [0:0]\nCOMMIT\n", "ip"), "ip") is None


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"nftables": 1}', '{"nftables": [{"rule": {}}]}', '{"nftables": [{"chain": []}]}']
)
def test_what_is_no_rule_set_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="rule set"):
        of_nft(text)


def test_chains_that_lead_in_a_circle_come_to_an_end() -> None:
    """The kernel refuses them; a host may lie."""
    rules = [
        {"rule": {"family": "ip", "table": "t", "chain": name, "expr": [{"jump": {"target": to}}]}} for name, to in ("ab", "ba")
    ]
    chains = [{"chain": {"family": "ip", "table": "t", "name": name, "hook": "input", "policy": "accept"}} for name in "ab"]
    assert drops(of_nft(json.dumps({"nftables": chains + rules})), "ip") is False


WORDS = ["chain", "rule", "family", "table", "name", "hook", "policy", "expr", "jump", "drop", "target", "xt", "type"]
JSON = st.recursive(
    st.sampled_from(["ip", "inet", "input", "drop", "accept", "jump", "t", "c", None, 1, "xt"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=6),
    max_leaves=20,
)
LINES = ["*filter", ":INPUT DROP [0:0]", ":a - [0:0]", "-A INPUT -j a", "-A a -g INPUT", "-A INPUT", "COMMIT", "\udcff"]


@settings(max_examples=300, deadline=None)
@given(st.lists(JSON, max_size=6))
def test_any_object_gives_tables_or_is_refused(told: Sequence[object]) -> None:
    with contextlib.suppress(ValueError):
        assert drops(of_nft(json.dumps({"nftables": list(told)})), "ip") in (True, False, None)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=9).map("\n".join))
def test_any_text_gives_tables(text: str) -> None:
    assert drops(of_iptables(text, "ip"), "ip") in (True, False, None)
