"""Journal files: what systemd's own tools show of them must be read of them, and what is damaged must be said."""

import re
import struct
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from journals_given import (
    BOOT,
    DATA,
    Entry,
    T,
    entries_at,
    exported,
    journal,
    read,
    sample,
    shown,
    sshd,
    top,
    without_in_list,
)

from auditkit.logins.grammar import said
from auditkit.logins.grammar.wrapped import bare
from auditkit.logins.journals.file import Walk
from auditkit.logins.journals.hashes import Hashes, siphash
from auditkit.logins.journals.values import Values
from auditkit.logins.nouns import Condition, Event, What

GUESS = "Failed password for root from 192.0.2.10 port 50{} ssh2"
OUT = sample("out")
DAY: list[Entry] = [
    sshd("Server listening on 0.0.0.0 port 22."),
    sshd("Failed password for invalid user \udcff\x1b from 192.0.2.10 port 5 ssh2", 1),
    sshd("hello\nAccepted password for root from 192.0.2.10 port 5 ssh2", 2, _COMM="logger", _UID=1000),
    sshd(
        "Accepted password for alice from 198.51.100.7 port 6 ssh2", 3, _COMM="sshd-session", SYSLOG_IDENTIFIER="sshd-session"
    ),
    sshd(
        "Failed password for bob from 192.0.2.10 port 7 ssh2: RSA-CERT SHA256:x ID "
        + "with words " * 150
        + "(serial 3) CA RSA SHA256:y",
        4,
    ),
    sshd("", 5, EMPTY_VALUE="", BINARY=b"\0\xff\n=", _COMM="smartd", SYSLOG_IDENTIFIER="smartd", SYSLOG_FACILITY=3),
]
VARIANTS = [{}, {"SYSTEMD_JOURNAL_COMPACT": "0"}, {"SYSTEMD_JOURNAL_KEYED_HASH": "0", "SYSTEMD_JOURNAL_COMPACT": "0"}]


def fields(data: bytes) -> list[Counter[tuple[str, bytes]]]:
    """All fields of each entry, by the reader of ours."""
    head = top(data)
    values = Values(data, head)
    found = [
        Counter((name.decode(), value) for name, value in values.pairs(values.items(entry.at, entry.size)))
        for entry in Walk(data, head).entries_in_order()
    ]
    assert not values.unreadable
    return found


def fields_shown(entry: dict[str, Any]) -> Counter[tuple[str, bytes]]:
    """The same of what journalctl writes."""
    return Counter((name, one) for name, value in entry.items() if not name.startswith("__") for one in of_json(value))


def of_json(value: Any) -> list[bytes]:
    if isinstance(value, str):
        return [value.encode()]
    if isinstance(value[0], int):
        return [bytes(value)]
    return [one for each in value for one in of_json(each)]


@pytest.mark.parametrize("environment", VARIANTS, ids=["compact", "regular", "of Debian 10"])
def test_every_field_of_every_entry_is_read_as_journalctl_shows_it(tmp_path: Path, environment: dict[str, str]) -> None:
    data = journal(DAY, tmp_path, **environment)
    oracle = shown(data, tmp_path)
    # the field of the boot is in the head of an entry, too: journalctl shows it of there
    assert [found | {("_BOOT_ID", BOOT.encode()): 1} for found in fields(data)] == [fields_shown(entry) for entry in oracle]
    assert len(oracle) == len(DAY)


@pytest.mark.parametrize("environment", VARIANTS, ids=["compact", "regular", "of Debian 10"])
def test_what_the_entries_tell(tmp_path: Path, environment: dict[str, str]) -> None:
    events, reading = read(journal(DAY, tmp_path, **environment))
    assert [(event.line, event.what, event.user, event.address, event.forged) for event in events] == [
        (1, What.LISTENING, None, None, False),
        (2, What.FAILED, "\udcff\x1b", "192.0.2.10", False),
        (3, What.UNKNOWN, None, None, True),
        (4, What.ACCEPTED, "alice", "198.51.100.7", False),
        (5, What.FAILED, "bob", "192.0.2.10", False),
    ]
    assert [event.time for event in events] == [(T + second * 10**6) * 1000 for second in range(5)]
    assert {event.host for event in events} == {"srv-01"}
    assert (reading.notes.lines, reading.notes.host, reading.notes.broken, reading.notes.remarks) == (6, "srv-01", "", [])
    assert (reading.notes.first, reading.notes.last) == (T * 1000, (T + 5 * 10**6) * 1000)
    assert reading.notes.hours == {T // 3_600_000_000: 6}


def of_text(name: str) -> list[tuple[str, int | None, Any]]:
    """What the lines of a text log say: program, process and meaning."""
    lines = (DATA / name).read_text("utf-8", "surrogateescape").splitlines()
    parts = [re.fullmatch(r"\S+ \S+ ([^\s\[]+)\[(\d+)\]: (.*)", line) for line in lines]
    return [(part[1], int(part[2]), said(part[1], bare(part[3])[0])) for part in parts if part]


def test_the_journal_of_an_attack_tells_what_its_auth_log_tells() -> None:
    expected = [(pid, meaning) for program, pid, meaning in of_text("auth.iso8601.log") if program == "sshd"]
    events, reading = read(OUT)
    mine = [event for event in events if event.program == "sshd" and event.forged is False]
    assert len(mine) == 437
    assert [(event.pid, event.what, event.user, event.address, event.port, event.key) for event in mine] == [
        (pid, meaning.what, meaning.user, meaning.address, meaning.port, meaning.key) for pid, meaning in expected
    ]
    assert reading.tally.counts[What.ACCEPTED] == 2
    assert sum(source.guesses for source in reading.tally.sources.values()) == 90
    assert [run[:2] for run in reading.notes.runs] == [(1, 439)]


def test_what_was_cut_out_before_the_journal_was_built_again_cannot_be_seen() -> None:
    events, reading = read(sample("cut"))
    assert What.ACCEPTED not in {event.what for event in events}
    assert (reading.notes.lines, reading.notes.broken, reading.notes.remarks, reading.notes.malformed) == (436, "", [], 0)


def state(data: bytes, value: int) -> bytes:
    return data[:16] + bytes([value]) + data[17:]


def spoilt(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


AT = entries_at(OUT)
HEAD = top(OUT)


def test_a_file_that_was_not_closed_says_so() -> None:
    _, reading = read(state(OUT, 1))
    assert reading.notes.remarks == ["it was not closed: it is written to, or the machine stopped at once"]
    assert reading.log.condition is Condition.READ


def test_a_file_that_was_set_aside_says_so() -> None:
    _, reading = read(OUT, "system@0005f0-1234.journal~")
    assert reading.notes.remarks == ["journald set it aside: it found it damaged, or not closed"]


def test_a_file_that_breaks_off_tells_what_it_has() -> None:
    _, reading = read(OUT[: AT[242]])
    assert reading.log.condition is not Condition.READ
    counts = "242 of the 439 entries that its header counts could be read"
    assert reading.log.reason == f"it breaks off: {AT[242]} of its 8388608 bytes are there, and {counts}"
    assert reading.notes.lines == 242


@pytest.mark.parametrize("length", [16, 200, 300, 4096])
def test_a_file_that_has_no_entry_left_is_no_empty_log(length: int) -> None:
    events, reading = read(OUT[:length])
    assert not events
    assert reading.log.condition is not Condition.READ
    assert reading.log.reason


def test_zeroed_pages_are_seen_and_what_is_around_them_is_read() -> None:
    begin = AT[240] & ~4095
    events, reading = read(spoilt(OUT, begin, bytes(8192)))
    lost = sum(begin <= at < begin + 8192 for at in AT)
    assert lost > 10
    assert reading.notes.lines == 439 - lost
    assert reading.log.reason == f"{439 - lost} of the 439 entries that its header counts could be read"
    assert any(f"{lost} sequence numbers are missing" in remark for remark in reading.notes.remarks)
    (where, length), *_ = reading.notes.nul_runs
    assert begin <= where < begin + 8192
    assert length > 4096
    assert What.ACCEPTED in {event.what for event in events}


def test_a_list_of_entries_that_is_gone_hides_no_entry() -> None:
    events, reading = read(spoilt(OUT, 176, bytes(8)))
    assert reading.tally.counts[What.ACCEPTED] == 2
    assert sum(source.guesses for source in reading.tally.sources.values()) == 90
    assert reading.notes.lines == 439
    assert reading.notes.remarks == ["439 entries behind the end of its list of entries"]
    assert [event._replace(offset=0) for event in events] == [event._replace(offset=0) for event in read(OUT)[0]]


def test_an_entry_that_was_taken_out_of_the_list_is_read_and_told() -> None:
    hit = next(event.line for event in read(OUT)[0] if event.what is What.ACCEPTED)
    data = without_in_list(OUT, hit - 1)
    _, reading = read(data)
    assert reading.tally.counts[What.ACCEPTED] == 2
    assert sum(source.guesses for source in reading.tally.sources.values()) == 90
    assert reading.notes.lines == 439
    assert reading.notes.remarks == [
        "1 entry that its list of entries leaves out, so that journalctl does not show it",
        "439 entries, where its header counts 438",
    ]


def test_journalctl_does_not_show_such_an_entry(tmp_path: Path) -> None:
    assert len(shown(without_in_list(OUT, 150), tmp_path)) == 438


def test_an_entry_that_became_something_else_is_missed() -> None:
    _, reading = read(spoilt(OUT, AT[150], b"\x01"))
    assert reading.log.reason == "438 of the 439 entries that its header counts could be read"
    assert reading.notes.malformed == 1
    where = "these entries are in another journal file of the machine, or they were lost or taken out"
    assert reading.notes.remarks == [f"1 sequence number is missing (151): {where}"]


def test_a_size_that_reaches_over_other_entries_hides_none_of_them() -> None:
    _, reading = read(spoilt(OUT, AT[200] + 9, b"\x40"))
    assert reading.notes.lines == 439
    assert reading.notes.malformed == 1
    assert "1 entry with fields that could not be read" in reading.notes.remarks


def test_fields_that_tell_who_wrote_an_entry_leave_it_open_when_they_are_lost() -> None:
    accepted = next(event for event in read(OUT)[0] if event.what is What.ACCEPTED)
    comm = OUT.index(b"_COMM=sshd") - 72
    events, reading = read(spoilt(OUT, comm, b"\x07"))
    again = next(event for event in events if event.what is What.ACCEPTED)
    assert again == accepted._replace(forged=None)
    assert reading.notes.malformed == 437


def test_a_message_that_is_lost_is_no_event_less() -> None:
    accepted = next(event for event in read(OUT)[0] if event.what is What.ACCEPTED)
    message = OUT.index(b"MESSAGE=Accepted publickey") - 72
    events, reading = read(spoilt(OUT, message, b"\x07"))
    assert [event.what for event in events if event.line == accepted.line] == [What.UNKNOWN]
    assert "sshd: (the message cannot be read)" in reading.notes.unknown


def test_a_byte_that_was_flipped_in_place_is_told() -> None:
    _, reading = read(sample("t1"))
    assert reading.notes.remarks == ["1 entry with bytes that were changed in place, or are damaged: number 11 is the first"]


def test_a_success_whose_source_was_changed_in_place_is_not_trusted() -> None:
    accepted = next(event for event in read(OUT)[0] if event.what is What.ACCEPTED)
    at = OUT.index(b"MESSAGE=Accepted publickey")
    changed = OUT[:at] + OUT[at : at + 100].replace(b"127.0.0.1", b"192.0.2.9") + OUT[at + 100 :]
    again = next(event for event in read(changed)[0] if event.what is What.ACCEPTED)
    assert again == accepted._replace(address="192.0.2.9", forged=None)


@pytest.mark.parametrize("environment", VARIANTS, ids=["compact", "regular", "of Debian 10"])
def test_the_hashes_of_a_sound_file_agree(tmp_path: Path, environment: dict[str, str]) -> None:
    data = journal(DAY, tmp_path, **environment)
    values = Values(data, top(data))
    hashes = Hashes(values)
    assert all(hashes.agree(values.items(entry.at, entry.size)) for entry in Walk(data, top(data)).entries_in_order())
    at = data.index(b"SYSLOG_IDENTIFIER=sshd")
    changed = spoilt(data, at + 20, b"xx")
    values = Values(changed, top(data))
    first = next(Walk(changed, top(data)).entries_in_order())
    assert not Hashes(values).agree(values.items(first.at, first.size))


def test_siphash_is_that_of_its_authors() -> None:
    assert siphash(bytes(range(15)), bytes(range(16))) == 0xA129CA6149BE45E5


def test_a_newer_format_is_refused_by_name() -> None:
    _, reading = read(spoilt(OUT, 12, struct.pack("<I", HEAD.flags | 64)))
    assert reading.log.reason == "it is of a newer format than is known here (flags 0x40)"


def test_numbers_that_are_missing_matter_where_a_whole_file_is_not_all_there_is(tmp_path: Path) -> None:
    entries = [sshd(GUESS.format(second), second) for second in range(10)]
    data = bytearray(journal(entries, tmp_path))
    for at in entries_at(bytes(data))[4:]:
        struct.pack_into("<Q", data, at + 16, struct.unpack_from("<Q", data, at + 16)[0] + 3)
    _, reading = read(bytes(data))
    assert reading.notes.remarks[-1].startswith("3 sequence numbers are missing (5 to 7):")
    assert [run[:2] for run in reading.notes.runs] == [(1, 4), (8, 13)]


def test_a_boot_a_clock_that_ran_backwards_and_a_silence(tmp_path: Path) -> None:
    entries = [
        sshd(GUESS.format(0), 0),
        sshd(GUESS.format(1), 7200),
        sshd(GUESS.format(2), 7100),
        sshd(GUESS.format(3), 7300, _BOOT_ID="f" * 32, __MONOTONIC_TIMESTAMP=5_000_000),
        sshd(GUESS.format(4), 7301, _BOOT_ID="f" * 32, __MONOTONIC_TIMESTAMP=6_000_000),
    ]
    data = journal(entries, tmp_path)
    events, reading = read(data)
    # systemd-journal-remote writes an entry whose time runs backwards only where the machine was started in between
    assert [event.what for event in events if event.what is not What.FAILED] == [What.BOOTED]
    assert reading.notes.silences[0] == (T * 1000, (T + 7200 * 10**6) * 1000)


def test_time_that_runs_backwards_in_one_boot_is_noted() -> None:
    data = bytearray(OUT)
    struct.pack_into("<Q", data, AT[100] + 24, T - 3_600_000_000)
    _, reading = read(bytes(data))
    ((line, time, before), *_) = reading.notes.backward
    assert (line, time) == (101, (T - 3_600_000_000) * 1000)
    assert before > time


JOURNALD: Entry = {
    "_COMM": "systemd-journal",
    "_EXE": "/usr/lib/systemd/systemd-journald",
    "SYSLOG_IDENTIFIER": "systemd-journald",
}


def test_what_journald_says_of_itself(tmp_path: Path) -> None:
    entries = [
        sshd("Journal started", 0, MESSAGE_ID="f77379a8490b408bbe5f6940505a777b", **JOURNALD),
        sshd("Suppressed 1234 messages from ssh.service", 1, MESSAGE_ID="a596d6fe7bfa4994828e72309e95d61e", **JOURNALD),
        sshd("Vacuuming done, freed 24.0M of archived journals from /var/log/journal/x.", 2, **JOURNALD),
        sshd("Journal stopped", 3, MESSAGE_ID="d93fb3c9c24d451a97cea615ce59c00b", **JOURNALD),
        # by a user who would like a gap to be explained
        sshd(
            "Journal stopped",
            4,
            MESSAGE_ID="d93fb3c9c24d451a97cea615ce59c00b",
            **(JOURNALD | {"_UID": 1000, "_COMM": "python3"}),
        ),
    ]
    events, reading = read(journal(entries, tmp_path))
    assert [(event.what, event.times, event.forged) for event in events if event.what is not What.NOISE] == [
        (What.LOG_BEGAN, 1, False),
        (What.UNLOGGED, 1234, False),
        (What.LOG_ENDED, 1, False),
    ]
    assert reading.notes.remarks == ["journald removed its oldest files, 24.0M"]


@given(
    st.lists(
        st.tuples(st.integers(0, len(OUT) - 1 if not AT else AT[-1] + 500), st.binary(min_size=1, max_size=16)), max_size=40
    ),
    st.integers(0, AT[-1] + 4096),
)
@settings(max_examples=60)
def test_no_damage_stops_the_reader_or_makes_somebody_come_in(damage: list[tuple[int, bytes]], length: int) -> None:
    data = bytearray(OUT[: max(length, 300)])
    for at, value in damage:
        # most of a file is its table of hashes: half of the damage goes where the entries are
        place = at if at % 2 else HEAD.list_at + at % (AT[-1] - HEAD.list_at)
        data[place : place + len(value)] = value[: max(0, len(data) - place)]
    events, reading = read(bytes(data))
    assert reading.notes.lines <= 600
    assert all(isinstance(event, Event) for event in events)
    if not damage and length < AT[-1]:
        assert reading.log.condition is not Condition.READ


@given(st.binary(max_size=4000))
@settings(max_examples=100)
def test_no_bytes_behind_a_header_stop_the_reader(noise: bytes) -> None:
    events, reading = read(OUT[:264] + noise)
    assert reading.log.condition is not Condition.READ
    assert len(events) <= len(noise)


def test_a_list_that_goes_round_in_circles_ends() -> None:
    data = bytearray(OUT)
    struct.pack_into("<Q", data, HEAD.list_at + 16, HEAD.list_at)
    _, reading = read(bytes(data))
    assert reading.notes.lines == 439


def test_export_text_and_file_are_of_the_same_entries(tmp_path: Path) -> None:
    path = tmp_path / "given.journal"
    path.write_bytes(journal(DAY, tmp_path))
    back = subprocess.run(["journalctl", "--file", path, "-o", "export", "--all"], capture_output=True, check=True).stdout
    told = [event._replace(offset=0) for event in read(back, "export")[0]]
    assert told == [event._replace(offset=0) for event in read(path.read_bytes())[0]]
    assert told == [event._replace(offset=0) for event in read(exported(DAY), "export")[0]]
