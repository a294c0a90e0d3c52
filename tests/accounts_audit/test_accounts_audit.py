"""The audit of accounts, from a machine in words to every line of the answer; each file in cases/privileges is one machine.

A case is a sentence, then parts that begin with `-- name --`: files by their path, and what else there is to see.

    -- status --     `MODE UID:GID PATH`
    -- links --      `PATH -> PATH`
    -- unread --     paths that could not be read
    -- without --    plain files that this machine has not
    -- unasked --    means that nobody could use
    -- facts --      accounts whose facts are shown below, one line each
    -- findings --   every line of the answer

Passwords are written `HASH`, or `HASH1` for the first letters of one of MD5. `RULE.txt` makes a rule speak; `well-kept.txt`
is a machine on which none does.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from host import HASH, Host, of_words
from hypothesis import given, settings
from hypothesis import strategies as st
from test_accounts import parts, told

from auditkit.audits import accounts
from auditkit.audits.accounts import GROUPS, table
from auditkit.model import Evidence, Finding, Gap

CASES = sorted((Path(__file__).parent.parent / "cases" / "privileges").glob("*.txt"))
RULES = [rule.id for group in GROUPS if group is not table for rule in group.RULES]
SCHEMA = json.loads((Path(accounts.__file__).parents[2] / "report" / "schema.json").read_text())
SHAPE = jsonschema.Draft202012Validator({"type": "array", "items": {"$ref": "#/$defs/account"}, "$defs": SCHEMA["$defs"]})


def filled(text: str) -> str:
    """A case with hashes where it only says that there are some."""
    text = text.replace("HASH1", "$1$saltsalt$" + "h" * 22).replace("DESHASH", "h" * 13)
    return text.replace("HASH", HASH)


def answer(taken: Evidence, wanted: str) -> str:
    """Every line of the answer, and the facts that are asked for."""
    facts = accounts.AUDIT.facts(taken)["accounts"] if accounts.AUDIT.facts and accounts.AUDIT.facts(taken) else []
    assert isinstance(facts, list)
    SHAPE.validate(json.loads(json.dumps(facts)))
    shown = [line(fact) for fact in facts if fact["name"] in wanted.split()]
    return "".join([*map(told, accounts.judge(taken)), *shown])


def line(fact: Mapping[str, Any]) -> str:
    """The facts of an account in one line."""
    password = fact["password"]
    sudo = ", ".join(f"{grant['tool']} {grant['command']} for {grant['asked']}" for grant in fact["sudo"])
    by = f" by {', '.join(fact['root_by'])}" if fact["root_by"] else ""
    return (
        f"{fact['name']}: {fact['kind']}, password {password['state']} {password['scheme']} of {fact['last_change']},"
        f" root {json.dumps(fact['root'])}{by}, without password {json.dumps(fact['root_without_password'])}; may [{sudo}]\n"
    )


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    case = parts(path.read_text())
    expected = case.pop("findings")
    wanted = case.pop("facts", "")
    assert answer(of_words({name: filled(text) for name, text in case.items()}).evidence(), wanted) == expected


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_a_case_that_speaks_and_one_that_is_silent(rule: str) -> None:
    cases = {path.stem: parts(path.read_text())["findings"] for path in CASES}
    assert re.search(f"^[a-z]+ {rule} ", cases[rule], re.MULTILINE)
    assert cases["well-kept"] == ""


PIECES = (
    *("root", "anna", "bernd", "ALL", "=", "(ALL)", "NOPASSWD:", ",", "\n", "%sudo", "/usr/bin/vi", "Defaults", "!", "+net"),
    *(
        "/bin/*",
        "env_keep+=LD_PRELOAD",
        "@include /etc/x",
        "\x1b[2J",
        "\u202e",
        "Cmnd_Alias A = A",
        "A",
        " ",
        ":",
        "\\",
        '"',
        "\udcff",
    ),
)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map(lambda words: " ".join(words).encode("utf-8", "surrogateescape"))
NAMES = ("/etc/sudoers", "/etc/doas.conf", "/etc/group", "/etc/gshadow", "/etc/shadow", "/etc/passwd", "/etc/login.defs")


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), TEXTS | st.binary(max_size=200), max_size=4))
def test_any_bytes_are_judged_and_all_that_is_said_is_printable(files: Mapping[str, bytes]) -> None:
    taken = Host(files).evidence()
    said = list(accounts.judge(taken))
    for one in said:
        shown = one.message if isinstance(one, Finding) else one.reason
        assert shown.isprintable(), (one, files)
    SHAPE.validate(json.loads(json.dumps(accounts.AUDIT.facts(taken).get("accounts", []))))  # type: ignore[misc]
    assert all(isinstance(one, Finding | Gap) for one in said)
