"""The truth table: who gets in is who the row says, and auditkit says the same, of the machine and of its disk.

Debian 12 has every row, and Debian 13 each third one and what is new in it, for each takes half a second. By hand, all of
them with these releases: `AUDITKIT_TRUTH=bullseye,bookworm,trixie,sid pytest tests/truth`.
"""

import os

import pytest
from _pytest.mark.structures import ParameterSet

from truth import verdict
from truth.conftest import Keys, Table
from truth.rows import Row, Version, rows

OPENSSH: dict[str, Version] = {"bullseye": (8, 4), "bookworm": (9, 2), "trixie": (10, 0), "sid": (10, 6)}
ASKED = os.environ.get("AUDITKIT_TRUTH", "")
ROWS = rows()
SOME = [row for at, row in enumerate(ROWS) if at % 3 == 0 or row.needs > OPENSSH["bookworm"] or row.stock]
WANTED = dict.fromkeys(ASKED.split(","), ROWS) if ASKED else {"bookworm": ROWS, "trixie": SOME}
EVERY = [(name, row) for name, chosen in WANTED.items() for row in chosen if row.needs <= OPENSSH[name]]
CASES = [pytest.param(name, row, id=f"{name}-{row.slug}") for name, row in EVERY]
TOLD = [pytest.param(name, row, id=f"{name}-{row.slug}") for name, row in EVERY if row.says]


def judged(what: str) -> list[ParameterSet]:
    """Every row as auditkit looks at it; where it is known to be wrong it must be."""
    return [_judged(what, *each, how) for each in EVERY for how in each[1].judged]


def _judged(what: str, name: str, row: Row, how: str) -> ParameterSet:
    why = row.wrong.get(what) or row.wrong.get(f"{what} {how}")
    marks = [pytest.mark.xfail(reason=why, strict=True, raises=AssertionError)] if why else []
    return pytest.param(name, row, how, id=f"{name}-{row.slug}-{how}", marks=marks)


@pytest.mark.parametrize(("release", "row"), CASES)
def test_the_way_in_is_open_where_the_table_says_so(release: str, row: Row, table: Table) -> None:
    so = {str(way) for way in table(release, row).ways}
    assert so == {str(way) for way in row.true(OPENSSH[release])}


@pytest.mark.parametrize(("release", "row", "how"), judged("doors"))
def test_a_password_door_is_said_to_be_open_where_it_is(release: str, row: Row, how: str, table: Table) -> None:
    measured = table(release, row)
    told = measured.verdict(how)
    so, said, unknown = verdict.so(row, measured.ways), verdict.said(row, told), verdict.unknown(row, told)
    if row.others:
        said, unknown = ({each for each in told if each.split()[0] in row.names} for told in (said, unknown))
    unknowable = {each for each in (*so, *unknown) if each.split()[0] in row.cannot_tell}
    assert said - unknowable == so - unknowable
    assert unknown <= unknowable
    assert said <= so


@pytest.mark.parametrize(("release", "row", "how"), judged("keys"))
def test_a_key_is_said_to_work_where_it_does(release: str, row: Row, how: str, table: Table, clients: Keys) -> None:
    measured = table(release, row)
    wrong = []
    for key in verdict.keys(measured.verdict(how)):
        works = verdict.works(key, clients.name(key["fingerprint"]), measured.ways)
        authority = "cert-authority" in key["options"]  # it has an effect as soon as it signs for another name
        unknowable = key["effective"] is None and key["account"] in row.cannot_tell
        if key["effective"] is not works and not unknowable and not (authority and not works):
            wrong.append(f"{key['account']} {key['file']}: {works}, and not {key['effective']} ({key['reason']})")
    assert not wrong
    told = {key["account"] for key in verdict.keys(measured.verdict(how))}
    with_keys = {way.account for way in measured.ways if way.method.startswith("key") and way.method not in verdict.PASSWORDS}
    assert with_keys <= told | set(row.cannot_tell)


@pytest.mark.parametrize(("release", "row"), TOLD)
def test_what_the_table_asks_for_is_found(release: str, row: Row, table: Table) -> None:
    told = [(each.rule.id, f"{each.subject}: {each.message}") for each in table(release, row).live.findings]
    for rule, words in row.says:
        assert any(each == rule and all(word in text for word in words) for each, text in told), (rule, words, told)
