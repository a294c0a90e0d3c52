"""Timelines of all events for other tools, read back as these read them; what an attacker chose stays in its place."""

import csv
import io
import json
from pathlib import Path

import pytest
from conftest import Cli
from hypothesis import given
from hypothesis import strategies as st

from auditkit.logins.nouns import Event, What
from auditkit.report.timelines import FORMATS
from auditkit.report.timelines.events import WORDS

TIME = 1_795_514_093_525_926_123
LOG = "/var/log/auth.log"
HOSTILE = '=HYPERLINK("http://192.0.2.1")\r\n\x1b[2J\u202e,"'
LINES = b"""\
Nov 24 09:54:53 vm sshd[7]: Failed password for invalid user =cmd from 192.0.2.1 port 9 ssh2
Nov 24 09:54:59 vm sshd[8]: Accepted password for anna from 192.0.2.2 port 10 ssh2
"""


def event(what: What = What.FAILED, **more: object) -> Event:
    given = {"time": TIME, "host": "vm", "program": "sshd", "pid": 7, "user": "anna", "address": "192.0.2.1", "port": 9} | more
    return Event(what, **given)  # type: ignore[arg-type]


def test_timesketch_reads_csv_with_its_four_columns() -> None:
    form = FORMATS["csv"]
    text = form.head + form.line("srv", LOG, event(method="password", line=3, offset=120))
    (row,) = csv.DictReader(io.StringIO(text))
    assert {
        name: row[name] for name in ("message", "datetime", "timestamp_desc", "timestamp", "username", "src_ip", "line")
    } == {
        "message": "Login refused: anna by password from 192.0.2.1 port 9",
        "datetime": "2026-11-24T09:54:53.525926+00:00",
        "timestamp_desc": "Event Logged",
        "timestamp": "1795514093525926",
        "username": "anna",
        "src_ip": "192.0.2.1",
        "line": "3",
    }


def test_elastic_reads_fields_of_its_own_schema() -> None:
    told = json.loads(FORMATS["ecs"].line("srv", LOG, event(What.ACCEPTED, method="publickey", key="SHA256:x")))
    assert told["@timestamp"] == "2026-11-24T09:54:53.525926+00:00"
    assert told["event"] == {
        "kind": "event", "category": ["authentication"], "type": ["start"], "action": "accepted", "outcome": "success",
        "dataset": "auditkit.logins",
    }  # fmt: skip
    assert told["source"] == {"address": "192.0.2.1", "ip": "192.0.2.1", "port": 9}
    assert (told["user"], told["host"], told["log"]["file"]["path"]) == ({"name": "anna"}, {"name": "srv"}, LOG)
    assert json.loads(FORMATS["ecs"].line("srv", LOG, event()))["event"]["outcome"] == "failure"


def test_a_name_in_the_place_of_an_address_is_no_ip() -> None:
    told = json.loads(FORMATS["ecs"].line("srv", LOG, event(address="host.example")))
    assert told["source"] == {"address": "host.example", "port": 9}


def test_nothing_that_an_attacker_chose_is_a_formula_or_leaves_its_cell() -> None:
    form = FORMATS["csv"]
    text = form.head + form.line(HOSTILE, HOSTILE, event(user=HOSTILE, address="@SUM(1)", detail="-1", program="+x"))
    (row,) = csv.DictReader(io.StringIO(text))
    assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert text.count("\n") == 2
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_every_kind_of_event_has_words() -> None:
    assert WORDS.keys() == set(What)


@given(
    what=st.sampled_from(sorted(What)),
    user=st.none() | st.text() | st.binary().map(lambda raw: raw.decode("utf-8", "surrogateescape")),
    address=st.none() | st.text(), detail=st.text(), time=st.integers(-(1 << 70), 1 << 70),
)  # fmt: skip
def test_any_event_is_one_line_in_each_form(what: What, user: str | None, address: str | None, detail: str, time: int) -> None:
    one = event(what, user=user, address=address, detail=detail, time=time)
    for form in FORMATS.values():
        line = form.line("srv", LOG, one)
        assert line.endswith("\n")
        assert line.count("\n") == 1
        line.encode("utf-8")
    (row,) = csv.reader(io.StringIO(FORMATS["csv"].line("srv", LOG, one)))
    assert len(row) == len(FORMATS["csv"].head.split(","))
    assert json.loads(FORMATS["jsonl"].line("srv", LOG, one))["event"] == what
    json.loads(FORMATS["ecs"].line("srv", LOG, one))


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A directory with an auth.log of two lines."""
    directory = tmp_path / "logs"
    directory.mkdir()
    (directory / "auth.log").write_bytes(LINES)
    return directory


@pytest.mark.parametrize(
    ("name", "more"), [("t.csv", ()), ("t.jsonl", ()), ("t.ecs.jsonl", ()), ("t", ("--timeline-format", "ecs"))]
)
def test_the_command_writes_every_event_in_the_form_that_the_name_says(
    cli: Cli, logs: Path, name: str, more: tuple[str, ...]
) -> None:
    done = cli.run("logins", str(logs / "auth.log"), "--timeline", str(logs / name), *more)
    assert done.code in {0, 1, 3}, done.err
    text = (logs / name).read_text()
    if name.endswith(".csv"):
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [(row["event"], row["username"]) for row in rows] == [("failed", "'=cmd"), ("accepted", "anna")]
        return
    told = [json.loads(line) for line in text.splitlines()]
    assert [one["event"]["action"] if isinstance(one["event"], dict) else one["event"] for one in told] == [
        "failed",
        "accepted",
    ]


def test_a_timeline_holds_what_lies_between_since_and_until(cli: Cli, logs: Path) -> None:
    path = logs / "t.jsonl"
    cli.run("logins", str(logs / "auth.log"), "--timeline", str(path), "--since", "2026-11-24T09:54:55Z")
    assert [json.loads(line)["username"] for line in path.read_text().splitlines()] == ["anna"]


def test_a_timeline_whose_form_is_not_known_is_asked_for_before_anything_is_read(cli: Cli, logs: Path) -> None:
    done = cli.run("logins", str(logs), "--timeline", str(logs / "t.txt"))
    assert done.code == 2
    assert "does not say in which form" in done.err
    assert not (logs / "t.txt").exists()
