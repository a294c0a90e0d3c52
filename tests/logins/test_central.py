"""A log of several machines: each is told as if its lines stood in a log of their own."""

import json
from pathlib import Path

from conftest import SCHEMA, Cli
from held import Held
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.logins.formats import central, syslog
from auditkit.logins.nouns import Log, Notes, Setting
from auditkit.logins.tally import Tally

NOW = 1_798_000_000 * 10**9
LOG, SETTING = Log("/srv/log/auth.log", mtime=NOW), Setting(NOW)
CRON = "CRON[5]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)"
WEB = [
    *(f"Nov 2{day} 0{hour}:17:01 web {CRON}" for day in (1, 2, 3) for hour in range(9)),
    "Nov 24 03:00:00 web sshd[7]: Failed password for root from 198.51.100.7 port 4 ssh2",
    "Nov 24 03:00:00 web last message repeated 3 times",
    "Nov 24 03:10:00 web sshd[7]: Connection closed by authenticating user root 198.51.100.7 port 4 [preauth]",
]
DB = [
    "Nov 22 11:00:00 db.example sshd[7]: Accepted password for anna from 192.0.2.7 port 5 ssh2",
    "Nov 22 11:00:00 db.example sshd[7]: pam_unix(sshd:session): session opened for user anna(uid=1000) by (uid=0)",
    "Nov 24 03:00:00 db sshd[9]: Disconnected from user anna 192.0.2.7 port 5",
]


def read(lines: list[str], *names: str) -> dict[str, tuple[Notes, Tally]]:
    return central.read(LOG, Held("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")), SETTING, names)


def alone(lines: list[str]) -> tuple[Notes, Tally]:
    """What a log of these lines says."""
    notes, tally = Notes(), Tally()
    syslog.count(LOG, Held("".join(f"{line}\n" for line in lines).encode()), SETTING, notes, tally)
    return notes, tally


@given(st.lists(st.booleans(), max_size=40))
@settings(max_examples=30, deadline=None)
def test_lines_of_machines_that_are_mixed_say_the_same_as_each_machines_alone(order: list[bool]) -> None:
    web, db, mixed = iter(WEB), iter(DB), []
    for turn in order:
        mixed += [line for line in (next(web if turn else db, None),) if line]
    made = read([*mixed, *web, *db], "web", "db", "db.example")
    for name, lines in (("web", WEB), ("db", DB)):
        (notes, tally), (theirs, theirs_tally) = made[name], alone(lines)
        assert (notes.lines, notes.hours, notes.silences) == (theirs.lines, theirs.hours, theirs.silences)
        assert (notes.of_interest, notes.first, notes.last) == (theirs.of_interest, theirs.first, theirs.last)
        assert tally.counts == theirs_tally.counts
        assert {key: (one.guesses, one.names) for key, one in tally.sources.items()} == {
            key: (one.guesses, one.names) for key, one in theirs_tally.sources.items()
        }


def test_a_line_keeps_the_place_that_it_has_in_the_log() -> None:
    text = "".join(f"{line}\n" for line in (*WEB, *DB))
    (event,) = [event for event in read([*WEB, *DB], "db", "db.example")["db"][1].kept if event.what == "accepted"]
    assert text.encode()[event.offset :].startswith(DB[0].encode())
    assert event.line == len(WEB) + 1


def test_a_machine_that_is_first_heard_of_in_the_new_year_is_of_that_year() -> None:
    lines = [
        "Dec 31 23:59:00 web sshd[7]: Server listening on :: port 22.",
        "Jan  1 00:01:00 db sshd[7]: Server listening on :: port 22.",
    ]
    made = central.read(Log("auth.log", mtime=NOW), Held("".join(f"{line}\n" for line in lines).encode()), SETTING, ())
    firsts = [made[name][0].first for name in ("web", "db")]
    assert (firsts[1] or 0) - (firsts[0] or 0) == 120 * 10**9


def test_a_host_named_by_an_address_and_no_host_are_machines_too() -> None:
    said = "sshd[7]: Accepted password for anna from 192.0.2.7 port 5 ssh2"
    made = read([f"Nov 24 03:00:00 {whence}{said}" for whence in ("192.0.2.80 ", "192.0.2.81 ", "fe80::1 ", "")])
    assert set(made) == {"192.0.2.80", "192.0.2.81", "fe80::1", ""}
    assert all(tally.counts["accepted"] == 1 for _notes, tally in made.values())  # type: ignore[index]


def test_names_without_end_are_one_machine_beyond_a_thousand() -> None:
    said = "sshd[7]: Failed password for root from 198.51.100.7 port 4 ssh2"
    made = read([f"Nov 24 03:00:00 h{number} {said}" for number in range(central.MOST + 500)])
    assert len(made) == central.MOST + 1
    assert made[central.REST][0].lines == 500


@given(st.lists(st.one_of(st.text(max_size=80), st.sampled_from((*WEB, *DB))), max_size=20))
@settings(max_examples=60, deadline=None)
def test_no_text_loses_a_line(lines: list[str]) -> None:
    whole = "\n".join(lines).count("\n") + 1 if "".join(lines) or len(lines) > 1 else 0
    made = read(lines)
    assert sum(notes.lines for notes, _tally in made.values()) in {whole, whole + 1, len(lines)}


def test_each_machine_of_a_central_log_has_a_verdict_of_its_own(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "central.log").write_text(
        "".join(f"{line}\n" for line in (*DB[:2], *WEB, DB[2], "Nov 24 03:11:00 printer lpd: out of paper"))
    )
    done = cli.run("logins", str(tmp_path / "central.log"), "--store", str(cli.store), "--format", "json")
    document = json.loads(done.out)
    SCHEMA.validate(document)
    told = {host["host"]: host["logins"] for host in document["hosts"]}
    assert {name: (one["access"], one["attempts"]) for name, one in told.items() if "/" not in name} == {
        "web": ("none-seen", 4),
        "db": ("seen", 0),
    }
    assert "no line tells of logins of 1 machine that the logs have lines of: printer" in done.out
