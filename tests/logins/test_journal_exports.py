"""What journalctl exports, in each of its forms, is read as the file is; and what breaks off or is no entry is said."""

import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from journals_given import BOOT, Entry, T, exported, read, sample, sshd

from auditkit.logins.formats import recognised
from auditkit.logins.journals.matches import FIELDS, arguments, matches
from auditkit.logins.nouns import Condition, Event, What

OUT = sample("out")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("journal") / "out.journal"
    place.write_bytes(OUT)
    return place


def journalctl(path: Path, *options: str) -> bytes:
    command = ["journalctl", "--no-pager", "--all", "--file", str(path), *options]
    return subprocess.run(command, capture_output=True, check=True).stdout


def placeless(events: list[Event]) -> list[Event]:
    """The events without where they stand in their source."""
    return [event._replace(line=0, offset=0) for event in events]


@pytest.mark.parametrize("form", ["export", "json", "json-seq", "json-sse", "json-pretty"])
def test_each_form_tells_what_the_file_tells(path: Path, form: str) -> None:
    events, reading = read(journalctl(path, "-o", form), "given", 1000)
    assert placeless(events) == placeless(read(OUT)[0])
    assert (reading.notes.lines, reading.notes.malformed, reading.log.condition) == (439, 0, Condition.READ)
    assert reading.notes.remarks == ["it is an export: entries that it was not asked for are not in it"]


def test_offsets_lead_to_the_entries(path: Path) -> None:
    text = journalctl(path, "-o", "export")
    events, _ = read(text, "given", 7777)
    for event in [event for event in events if event.program == "sshd"][::20]:
        entry = text[event.offset :].split(b"\n\n", 1)[0]
        assert entry.startswith(b"__CURSOR=")
        assert f"_PID={event.pid}".encode() in entry.split(b"\n")


def test_what_journalctl_is_asked_for_leaves_out_no_event(path: Path) -> None:
    text = journalctl(path, "-o", "export", "--output-fields", FIELDS, *arguments())
    assert placeless(read(text, "given")[0]) == placeless(read(OUT)[0])


def test_a_forged_line_is_asked_for_by_what_it_claims() -> None:
    asked = set(matches())
    assert {("SYSLOG_IDENTIFIER", "sshd"), ("_COMM", "sshd-session"), ("SYSLOG_FACILITY", "10")} <= asked
    assert arguments()[:1] == ["MESSAGE_ID=7c8a41f37b764941a0e1780b1be2f037"]
    assert all(word == "+" or "=" in word for word in arguments())


ACCEPTED = "Accepted password for alice from 198.51.100.7 port 6 ssh2"


def objects(*entries: Entry) -> bytes:
    return b"".join(json.dumps({name: str(value) for name, value in entry.items()}).encode() + b"\n" for entry in entries)


def test_a_value_cannot_pretend_to_be_an_entry() -> None:
    text = exported(
        [sshd(f"\n\n__CURSOR=x\n_COMM=sshd\n_UID=0\nSYSLOG_IDENTIFIER=sshd\nMESSAGE={ACCEPTED}\n\n", _COMM="logger")]
    )
    events, _ = read(text, "given")
    assert [(event.what, event.forged) for event in events] == [(What.UNKNOWN, True)]


def test_bytes_null_and_lists_of_values_in_json() -> None:
    first = sshd(ACCEPTED) | {
        "MESSAGE": list(f"{ACCEPTED[:23]}\udcff from 192.0.2.1 port 1 ssh2".encode("utf-8", "surrogateescape"))
    }
    second = sshd(ACCEPTED, 1) | {"MESSAGE": None, "SYSLOG_IDENTIFIER": ["x", "sshd"]}
    third = sshd(ACCEPTED, 2) | {"_COMM": ["sshd", "logger"]}
    text = b"\n".join(
        json.dumps({k: str(v) if isinstance(v, int) else v for k, v in e.items()}).encode() for e in (first, second, third)
    )
    events, reading = read(text, "given")
    assert [(event.what, event.user, event.forged) for event in events] == [
        (What.ACCEPTED, "a\udcff", False),
        (What.UNKNOWN, None, False),
        # journald never writes _COMM twice: who made this file, or changed it, is believed nothing
        (What.ACCEPTED, "alice", True),
    ]
    assert list(reading.notes.unknown) == ["sshd: (the message cannot be read)"]


@pytest.mark.parametrize(
    ("text", "lines", "malformed", "broken"),
    [
        (exported([sshd(ACCEPTED), sshd(ACCEPTED)])[:-30], 2, 0, "it breaks off within an entry"),
        (exported([sshd(ACCEPTED)])[:-1], 1, 0, "it breaks off within an entry"),
        (exported([sshd(ACCEPTED)]) + b"__CURSOR=x\nMESSAGE\n" + b"\xff" * 8 + b"abc", 2, 1, "it breaks off within an entry"),
        (exported([sshd(ACCEPTED)]) + b"no field\n\xff=1\n\n", 1, 2, ""),
        (objects(sshd(ACCEPTED)) + b'{"MESSAGE": "abc', 1, 1, "it breaks off within an entry"),
        (objects(sshd(ACCEPTED)) + b"[1, 2]\nnull\n" + b"[" * 100_000 + b"\n" + objects(sshd(ACCEPTED)), 2, 3, ""),
        (objects(sshd(ACCEPTED)) + b'{"MESSAGE": 1' + b"0" * 5000 + b"}\n", 1, 1, ""),
    ],
)  # fmt: skip
def test_what_is_broken_is_said(text: bytes, lines: int, malformed: int, broken: str) -> None:
    events, reading = read(text, "given", 100)
    assert events[0].what is What.ACCEPTED
    assert (reading.notes.lines, reading.notes.malformed, reading.notes.broken) == (lines, malformed, broken)


def test_a_line_without_an_end_is_kept_only_in_part() -> None:
    text = exported([sshd(ACCEPTED)]) + b"__CURSOR=" + b"x" * (4 << 20) + b"\n\n" + exported([sshd(ACCEPTED, 5)])
    events, reading = read(text, "given", 1 << 18)
    assert [event.what for event in events] == [What.ACCEPTED] * 2
    assert reading.log.condition is Condition.READ


def test_boots_and_hours_of_an_export() -> None:
    events, reading = read(exported([sshd(ACCEPTED), sshd(ACCEPTED, 7200, _BOOT_ID="f" * 32)]), "given")
    assert [event.what for event in events] == [What.ACCEPTED, What.BOOTED, What.ACCEPTED]
    assert reading.notes.hours == {T // 3_600_000_000: 1, T // 3_600_000_000 + 2: 1}
    assert reading.notes.silences == [(T * 1000, (T + 7_200_000_000) * 1000)]


@pytest.mark.parametrize(
    ("beginning", "name"),
    [
        (b"__CURSOR=s=1;i=2\n", "journal-export"),
        (b"__REALTIME_TIMESTAMP=1795514000000000\n", "journal-export"),
        (b'{"_UID":"0","__REALTIME_TIMESTAMP":"1"}', "journal-json"),
        (b'\x1e{"__CURSOR":"0"}', "journal-json"),
        (b'data: {"__CURSOR":"0"}', "journal-json"),
        (b'{\n\t"__CURSOR" : "0"\n}', "journal-json"),
        (b"LPKSHHRH\0\0", "journal"),
    ],
)
def test_each_form_is_known_by_its_beginning(beginning: bytes, name: str) -> None:
    form = recognised("given", beginning)
    assert form
    assert form.name == name


@given(st.binary(max_size=500), st.integers(0, 2000), st.integers(1, 999), st.booleans())
def test_no_damage_stops_reading_or_makes_somebody_come_in(noise: bytes, at: int, size: int, as_json: bool) -> None:
    entries = [sshd("Failed password for root from 192.0.2.10 port 5 ssh2", second, _BOOT_ID=BOOT) for second in range(4)]
    text = objects(*entries) if as_json else exported(entries)
    beginning = text[:40]
    text = text[:at] + noise + text[at + len(noise) :]
    events, reading = read(text if text.startswith(beginning) else beginning + text, "given", size)
    assert reading.notes.lines <= 6 + noise.count(b"\n")
    assert What.ACCEPTED not in {event.what for event in events}
