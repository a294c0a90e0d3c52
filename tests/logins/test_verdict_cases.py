"""The verdict on whole machines: each file in cases/logins is one, with its logs and every line that must be said."""

import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from machines_in_words import answer, parts, seen

from auditkit.logins.verdict import RULES, judged

CASES = sorted((Path(__file__).parent.parent / "cases" / "logins").glob("*.txt"))
SCHEMA = json.loads(files("auditkit.report").joinpath("schema.json").read_text("utf-8"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    _sentence, case = parts(path.read_text("utf-8"))
    known = seen(case)
    jsonschema.validate(judged(known).logins, {**SCHEMA["$defs"]["logins"], "$defs": SCHEMA["$defs"]})
    assert answer(known, case) == case["answer"]


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_every_rule_speaks_in_a_case(rule: str) -> None:
    answers = [parts(path.read_text("utf-8"))[1]["answer"] for path in CASES]
    assert any(f" {rule} " in text for text in answers)
