"""The lines that a report has of each address: the very words of the log, and what each says by itself."""

import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from conftest import SCHEMA, Cli
from hypothesis import given
from hypothesis import strategies as st
from journals_given import DATA, exported, sshd

from auditkit.logins.evidence import event_of
from auditkit.logins.formats import syslog
from auditkit.logins.journals import shown
from auditkit.logins.nouns import Log, Setting
from auditkit.logs.files import Source
from auditkit.logs.spool import Spool

SUSPECT = "45.9.9.9"
NAMES = ("root", "anna", "nobody1", "mallory")


def lines(address: str = SUSPECT, number: int = 30) -> list[str]:
    """An auth.log of guesses at names of which two exist; what sshd says of the others stands in it."""
    made = []
    for at in range(number):
        name = NAMES[at % 4]
        who = name if at % 4 < 2 else f"invalid user {name}"
        stamp = f"2026-11-24T03:{at:02}:00+01:00"
        if at % 4 > 1:
            made.append(f"{stamp} srv sshd[{900 + at}]: Invalid user {name} from {address} port {4000 + at}")
        made.append(f"{stamp} srv sshd[{900 + at}]: Failed password for {who} from {address} port {4000 + at} ssh2")
    return made


def sources(cli: Cli, *words: str) -> list[dict[str, Any]]:
    outcome = cli.run("logins", *words, "--store", str(cli.store), "--format", "json")
    document = json.loads(outcome.out)
    SCHEMA.validate(document)
    told: list[dict[str, Any]] = document["hosts"][0]["logins"]["sources"]
    return told


@pytest.mark.parametrize("name", ["auth.log", "auth.log.gz"])
def test_an_address_has_its_first_and_last_lines_by_their_own_words(cli: Cli, tmp_path: Path, name: str) -> None:
    text = "\n".join([*lines(), *lines("45.8.8.8", 3)]) + "\n"
    log = tmp_path / name
    log.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    told = sources(cli, str(log))
    assert [source["address"] for source in told] == [SUSPECT, "45.8.8.8"]
    assert [line["text"] for line in told[0]["lines"]] == [*lines()[:5], *lines()[-5:]]
    for line in told[0]["lines"]:
        assert line["text"] == text.splitlines()[line["line"] - 1] == text[line["offset"] :].partition("\n")[0]
        assert line["exists"] is (line["user"] in ("root", "anna"))
        assert f" port {line['port']}" in line["text"]
    assert told[0]["lines"][0]["time"] == "2026-11-24T02:00:00.000000000Z"
    assert told[0]["told_by"] == [{"name": str(log).removesuffix(".gz"), "kind": "text", "guesses": 30}]


def test_an_entry_of_a_journal_is_shown_as_journalctl_does_and_says_whether_sshd_wrote_it(cli: Cli, tmp_path: Path) -> None:
    said = f"Failed password for root from {SUSPECT} port 4711 ssh2"
    forged: dict[str, str | int | bytes] = {"_COMM": "logger", "_EXE": "/usr/bin/logger", "_UID": 65534}
    log = tmp_path / "saved.export"
    log.write_bytes(exported([sshd(said), sshd(said, after=1, **forged)]))
    told = sources(cli, str(log))[0]
    assert [line["forged"] for line in told["lines"]] == [False, True]
    assert told["lines"][0]["text"].endswith(f"]: {said}")
    assert told["lines"][0]["text"][:10].count("-") == 2
    assert told["lines"][0]["port"] == 4711


def test_a_journal_file_is_shown_as_its_text_log_has_it(cli: Cli) -> None:
    """Both tell of the same attack: rsyslog wrote one, journald the other."""
    told = sources(cli, str(DATA / "out.journal.xz"))[0]["lines"]
    text = set((DATA / "auth.iso8601.log").read_text().splitlines())
    assert len(told) == 10
    assert {line["text"] for line in told} <= text
    assert {line["forged"] for line in told} == {False}


def test_who_only_offers_keys_is_named_beside_those_who_guess(cli: Cli, tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    key = "2026-11-24T03:00:00Z srv sshd[9]: Failed publickey for root from 45.7.7.7 port 9 ssh2: ED25519 SHA256:abc"
    log.write_text("\n".join([*lines(), key]) + "\n")
    outcome = cli.run("logins", str(log), "--store", str(cli.store), "--format", "json")
    probed = outcome.host["logins"]["probed"]
    assert [(one["address"], one["probes"]) for one in probed] == [("45.7.7.7", 1)]


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=30), st.integers(1, 70), st.data())
def test_lines_are_found_again_wherever_they_lie(made: list[bytes], most: int, data: st.DataObject) -> None:
    """What came over a network lies in pieces of any length, packed: a look at each place gives what a walk over all gives."""
    whole = b"".join(line.replace(b"\n", b" ") + b"\n" for line in made)
    with tempfile.TemporaryFile() as file:
        spool, at = Spool("auth.log", file), 0
        while at < len(whole):
            size = data.draw(st.integers(70, 150))  # a piece is longer than a line, and never so by far as here
            spool.add(at, whole[at : at + size])
            at += size
        offsets = [0, *(at + 1 for at, byte in enumerate(whole[:-1]) if byte == 10)]
        assert dict(Source(Log("auth.log"), spool).pieces(offsets, most)) == {at: whole[at:][:most] for at in offsets}


@given(st.binary(max_size=400), st.integers(0, 400))
def test_bytes_that_are_no_journal_show_nothing_and_break_nothing(data: bytes, offset: int) -> None:
    shown.of_file(data, offset)
    shown.of_file(b"LPKSHHRH" + bytes(200) + data, offset)
    for form in ("journal-export", "journal-json"):
        shown.of_export(data, form)


@given(st.text(max_size=200))
def test_any_line_says_one_thing_or_none(text: str) -> None:
    event_of(text, syslog.FORMAT, Setting(1_795_600_000 * 10**9))


def test_where_sshd_tells_of_each_connection_the_guesses_behind_it_are_shown(cli: Cli, tmp_path: Path) -> None:
    """LogLevel VERBOSE, and many connections at once: the first and last lines of the address are no guesses."""
    stamp = "2026-11-24T03:10:00+01:00 srv"
    begin = [f"{stamp} sshd[{900 + at}]: Connection from {SUSPECT} port {4000 + at} on 192.0.2.9 port 22" for at in range(8)]
    middle = [f"{stamp} sshd[{900 + at}]: Failed password for root from {SUSPECT} port {4000 + at} ssh2" for at in range(8)]
    foreign = [line.replace(SUSPECT, "45.9.9.99") for line in middle]
    end = [
        f"{stamp} sshd[{900 + at}]: Connection closed by authenticating user root {SUSPECT} port {4000 + at} [preauth]"
        for at in range(8)
    ]
    log = tmp_path / "auth.log"
    log.write_text("\n".join([*begin, *foreign, *middle, *end, ""]), "utf-8")
    told = next(source for source in sources(cli, str(log)) if source["address"] == SUSPECT)["lines"]
    assert [line["text"] for line in told if "Failed" in line["text"]] == middle
    assert [line["line"] for line in told] == sorted(line["line"] for line in told)
    assert len(told) == 10
    for line in told:
        assert log.read_text("utf-8").splitlines()[line["line"] - 1] == line["text"]
