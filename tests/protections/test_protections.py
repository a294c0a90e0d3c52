"""What watches a machine, from a machine in words to every line of the answer; each file in cases/protections is one.

`RULE.txt` makes a rule speak; `all-is-well.txt` has every tool there is, and `plain.txt` none: on both no rule says anything
above info. How a case is written stands in watched.py.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_accounts import parts, told
from watched import COMMANDS, FILES, NOW, Watched, watched

from auditkit.access.needs import VERSION
from auditkit.audits import protections
from auditkit.commands.answering import schema
from auditkit.model import Evidence, Finding, Gap, Item, Means, Severity

CASES = {path.stem: path for path in sorted((Path(__file__).parent.parent / "cases" / "protections").glob("*.txt"))}
SHAPE = jsonschema.Draft202012Validator(
    {"type": "array", "items": {"$ref": "#/$defs/protection"}, "$defs": schema()["$defs"]},
)


def answer(taken: Evidence) -> str:
    """Every line of the answer, the remark on what nobody watches left out."""
    return "".join(told(one) for one in protections.judge(taken) if isinstance(one, Gap) or one.rule.id != "nothing-watches")


def evidence(name: str) -> Evidence:
    """What is taken of the machine of a case."""
    return watched(parts(CASES[name].read_text())).evidence()


def table(taken: Evidence) -> dict[str, Mapping[str, Any]]:
    """The rows of the table by name; what nobody watches is `no KIND`."""
    rows: Any = protections.facts(taken)["protections"]
    return {row["name"] if row["name"] != "none" else f"no {row['kind']}": row for row in rows}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    expected = parts(CASES[name].read_text())["findings"]
    assert answer(evidence(name)) == expected
    SHAPE.validate(json.loads(json.dumps(protections.facts(evidence(name)).get("protections", []))))


@pytest.mark.parametrize("rule", [rule.id for rule in protections.AUDIT.rules if rule.id != "nothing-watches"])
def test_every_rule_has_a_case_that_speaks_and_ones_that_are_silent(rule: str) -> None:
    answers = {name: parts(path.read_text())["findings"] for name, path in CASES.items()}
    assert f" {rule} " in answers[rule]
    assert answers["all-is-well"] == answers["plain"] == ""


def remark(name: str) -> list[Finding]:
    """What is said of a machine above its gaps, where nothing is wrong with it."""
    return [one for one in protections.judge(evidence(name)) if isinstance(one, Finding)]


def test_that_nobody_looks_for_malware_is_one_remark_and_no_alarm() -> None:
    (one,) = remark("plain")
    assert (one.rule.id, one.severity) == ("nothing-watches", Severity.INFO)
    assert one.message == (
        "no log off-host, no malware scanner, no intrusion detection, no file integrity, no backup;"
        " what watches: nftables, rules in the kernel, journald, systemd-timesyncd"
    )


def test_where_all_is_there_nothing_is_remarked() -> None:
    assert remark("all-is-well") == []


def test_the_table_tells_what_is_there_how_it_is_doing_and_what_is_not() -> None:
    rows = table(evidence("all-is-well"))
    assert rows["clamav"] == {
        "kind": "malware scanner", "name": "clamav", "installed": True, "enabled": True, "running": True, "data_age_days": 1,
        "detail": "built 2026-11-23, version 27900",
    }  # fmt: skip
    assert [rows[name]["data_age_days"] for name in ("suricata", "aide", "borg", "restic", "rsnapshot")] == [2, 90, 0, 1, 0]
    assert rows["fail2ban"]["detail"] == "jails: sshd"
    assert not [name for name in rows if name.startswith("no ")]
    plain = table(evidence("plain"))
    assert plain["no backup"] == {
        "kind": "backup", "name": "none", "installed": False, "enabled": None, "running": None, "data_age_days": None,
        "detail": "",
    }  # fmt: skip


def test_on_a_disk_nobody_knows_what_runs() -> None:
    rows = table(evidence("firewall-of-a-disk"))
    assert (rows["fail2ban"]["enabled"], rows["fail2ban"]["running"]) == (True, None)
    assert (rows["ufw"]["enabled"], rows["ufw"]["detail"]) == (True, "drops what no rule names, as configured")


def test_a_disk_without_a_system_has_no_table() -> None:
    assert protections.facts(evidence("disk-of-data")) == {}


def test_a_community_of_snmp_is_in_no_evidence() -> None:
    """It is a password: what the tests give to judges went through what takes it out on the host."""
    data = b"".join(item.data for item in evidence("snmp-community").items)
    assert b"rocommunity <secret> 192.168.10.0/24" in data
    assert b"s3cr3tWord" not in data
    assert b"An0ther" not in data


def test_what_may_follow_is_told_beforehand() -> None:
    """Whatever is asked in a second round is of a kind that `audit --needs` names."""
    known = {(need.means, need.what.rstrip("*").split("*")[-1]) for need in protections.AUDIT.then}
    for name in CASES:
        for need in protections.follow(evidence(name)):
            assert any(need.means is means and end in need.what for means, end in known), need


PIECES = (
    *(b"[", b"]", b"sshd", b"=", b"%(", b")s", b"\n", b"enabled = true", b'{"nftables": [', b"{}", b"]}", b"/", b"*", b"(rw"),
    *(b"ClamAV-VDB:", b"99 Foo 9999 99-99 +0000:1:", b"-A INPUT -j DROP", b":INPUT ", b"*filter", b"\xff", b"\x1b", b"'", b'"'),
    *(b"Names=a\nActiveState=", b"2026-99-99", b"URL=", b"0\n", b"\0", b"type filter hook input", b"policy drop", b"9" * 30),
)
GARBAGE = st.binary(max_size=60) | st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(protections.AUDIT.needs), GARBAGE), max_size=12))
def test_a_host_that_lies_breaks_nothing(told_: list[tuple[Any, bytes]]) -> None:
    """Whatever it says, there are findings and gaps, and a table that has its shape."""
    plain = evidence("all-is-well")
    said = {(need.means, need.what): Item(need, need.what, data, NOW, "") for need, data in told_}
    items = (*said.values(), *(item for item in plain.items if (item.need.means, item.need.what) not in said))
    taken = replace(plain, items=items)
    list(protections.judge(taken))
    protections.follow(taken)
    SHAPE.validate(json.loads(json.dumps(protections.facts(taken)["protections"])))


def test_what_makes_no_sense_is_a_gap() -> None:
    plain = evidence("plain")
    show = next(need for need in protections.AUDIT.needs if need.means is Means.COMMAND and "systemctl" in need.what)
    items = (*(item for item in plain.items if item.need != show), Item(show, show.what, b"nonsense", NOW, ""))
    assert [one.subject for one in protections.judge(replace(plain, items=items)) if isinstance(one, Gap)] == [show.what]


NEW, OLD = "OpenSSH_10.0p2 Debian-7", "OpenSSH_9.2p1 Debian-2"
INCLUDES = "Include /etc/ssh/sshd_config.d/*.conf\n"
BRAKES = {
    "as it comes": (NEW, {"": "Port 22\n"}, True, ""),
    "too old": (OLD, {"": "Port 22\n"}, None, ""),
    "turned off": (NEW, {"": "PerSourcePenalties no\n"}, False, "PerSourcePenalties is no"),
    "the first line wins": (NEW, {"": INCLUDES + "PerSourcePenalties no\n", "a.conf": "PerSourcePenalties yes\n"}, True, ""),
    "a file that nothing includes": (NEW, {"": "Port 22\n", "a.conf": "PerSourcePenalties no\n"}, True, ""),
    "a file of another name": (NEW, {"": INCLUDES, "a.off": "PerSourcePenalties no\n"}, True, ""),
    "on with times of its own": (NEW, {"": 'PerSourcePenalties "crash:1s" authfail:2\n'}, True, ""),
}


@pytest.mark.parametrize("case", BRAKES)
def test_sshd_has_a_brake_of_its_own_as_it_reads_its_files(case: str) -> None:
    version, texts, on, detail = BRAKES[case]
    files = {f"/etc/ssh/sshd_config{f'.d/{name}' if name else ''}": text for name, text in texts.items()}
    taken = replace(Watched(), files={**FILES, **files}, commands={**COMMANDS, VERSION.what: f"{version}, OpenSSL 3\n"})
    row = table(taken.evidence()).get("sshd PerSourcePenalties", {"enabled": None, "detail": ""})
    assert (row["enabled"], row["detail"]) == (on, detail)
