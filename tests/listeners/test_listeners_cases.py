"""What is said of what listens, from a machine in words (listening.py) to every line of the answer: cases/listeners."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from listening import Words
from test_accounts import parts, told

from auditkit.audits import judge, listeners
from auditkit.model import Finding, Gap, Means, Severity

CASES = sorted((Path(__file__).parent.parent / "cases" / "listeners").glob("*.txt"))
SOURCE = Path(listeners.__file__).parents[2] / "report" / "schema.json"
SHAPE = jsonschema.Draft202012Validator({"$ref": "#/$defs/listener", "$defs": json.loads(SOURCE.read_text())["$defs"]})


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = parts(path.read_text())
    expected = case.pop("findings")
    evidence = Words(case).evidence()
    assert "".join(map(told, judge(evidence, (listeners.AUDIT,)))) == expected
    facts = listeners.facts(evidence)["listeners"]
    assert isinstance(facts, list)
    for fact in facts:
        SHAPE.validate(fact)


def test_every_rule_has_a_case_that_speaks() -> None:
    spoken = {line.split()[1] for path in CASES for line in parts(path.read_text())["findings"].splitlines() if line[:1] != " "}
    assert {rule.id for rule in listeners.AUDIT.rules} <= spoken


def test_a_version_by_itself_is_never_worse_than_medium() -> None:
    for path in CASES:
        for one in judge(Words(parts(path.read_text())).evidence(), (listeners.AUDIT,)):
            if isinstance(one, Finding) and one.rule.id.startswith("banner-"):
                assert one.severity <= Severity.MEDIUM


def test_a_mounted_disk_listens_nowhere_and_old_evidence_says_that_it_does_not_know() -> None:
    evidence = Words({}).evidence()
    unasked = replace(evidence, items=(), unasked=listeners.AUDIT.needs)
    assert list(listeners.judge(replace(unasked, host="root:/mnt"))) == []
    assert list(listeners.judge(unasked)) == [Gap("listeners", "what listens was not asked")]


def test_each_bound_port_is_a_line_of_the_facts() -> None:
    case = "x\n-- listens --\n7 33 /usr/sbin/nginx @0.0.0.0:80 @[::]:80 unit=/system.slice/nginx.service\n"
    case += "-- says --\nhttp tcp 80 = nginx\n-- packages --\n/usr/sbin/nginx nginx 1.22.1-9+deb12u1\n"
    facts = listeners.facts(Words(parts(case)).evidence())["listeners"]
    assert isinstance(facts, list)
    assert facts[0] == {
        "address": "0.0.0.0",
        "port": 80,
        "protocol": "tcp",
        "process": "nginx",
        "package": "nginx",
        "banner": "Server: nginx/1.22.1",
        "service": "http",
        "program": "/usr/sbin/nginx",
        "unit": "nginx.service",
        "account": "www-data",
        "exposed": True,
        "outcome": "answered",
        "shows": [{"product": "nginx", "version": "1.22.1"}],
        "tls": None,
    }
    assert [fact["address"] for fact in facts] == ["0.0.0.0", "::"]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
@given(data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
def test_hostile_evidence_breaks_nothing_and_never_makes_a_machine_better(path: Path, data: st.DataObject) -> None:
    """A host may write anything: what is left of the answer is gaps, or what the rest of the evidence says."""
    case = parts(path.read_text())
    evidence = Words(case).evidence()
    at = data.draw(st.integers(0, len(evidence.items) - 1))
    item = evidence.items[at]
    cut = data.draw(st.integers(0, len(item.data)))
    written = data.draw(st.one_of(st.binary(max_size=40), st.just(item.data[:cut]), st.just(item.data[:cut] + b"\x00[")))
    hostile = replace(evidence, items=(*evidence.items[:at], replace(item, data=written), *evidence.items[at + 1 :]))
    told = list(listeners.judge(hostile))
    listeners.follow(hostile)
    listeners.facts(hostile)
    if item.need.means is Means.LISTENERS and written != item.data:
        assert any(isinstance(one, Gap) for one in told)
