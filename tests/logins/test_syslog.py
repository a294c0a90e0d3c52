"""Text logs: lines as daemons write them, then what must be read of them."""

import random
import re
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from held import Held
from hypothesis import given
from hypothesis import strategies as st

from auditkit.logins.formats import syslog, teller
from auditkit.logins.nouns import Condition, Event, Log, Notes, Setting, What, YearBy
from auditkit.logins.parts import joined, parts
from auditkit.logins.reading import Reading, read

DATA = Path(__file__).parent / "data"
SECOND = 10**9
NOW = datetime(2026, 11, 30, tzinfo=UTC)


def nanos(moment: datetime) -> int:
    return int(moment.timestamp()) * SECOND


def log(name: str = "/var/log/auth.log", mtime: datetime | None = NOW) -> Log:
    return Log(name, mtime=nanos(mtime) if mtime else None)


def setting(zone: tzinfo = UTC, anchor: datetime | None = None) -> Setting:
    return Setting(nanos(NOW), zone, True, nanos(anchor) if anchor else None)


def events(
    text: str | bytes, of: Log | None = None, how: Setting | None = None, size: int = 1 << 20
) -> tuple[list[Event], Notes]:
    """The events of a text that tell anything, and its notes."""
    raw, notes = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text, Notes()
    found = list(syslog.FORMAT.read(of or log(), Held(raw, size), how or setting(), notes))
    return [event for event in found if event.what is not What.NOISE], notes


def reading(text: str | bytes, of: Log | None = None, told: list[Event] | None = None) -> Reading:
    raw = text.encode() if isinstance(text, str) else text
    return read(of or log(), Held(raw), setting(), told.append if told is not None else None)


def times(text: str, of: Log | None = None, how: Setting | None = None) -> list[str]:
    """When each line of a text was written, in UTC."""
    found, _notes = events(text, of, how)
    return [datetime.fromtimestamp((event.time or 0) / SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S") for event in found]


def failed(stamp: str, pid: int = 7) -> str:
    return f"{stamp} gate sshd[{pid}]: Failed password for root from 192.0.2.7 port 4711 ssh2\n"


# --- the same events in three formats ---------------------------------------------------------------------------------

FORMS = ("traditional", "iso8601", "rfc5424")


@pytest.fixture(scope="module", params=FORMS)
def lab(request: pytest.FixtureRequest) -> Reading:
    """Real sshd 9.2 and a client with hostile names, as one rsyslog wrote it in three formats."""
    return reading((DATA / f"auth.{request.param}.log").read_bytes())


def test_each_format_has_the_guesses_of_the_lab_and_nobody_else_is_blamed(lab: Reading) -> None:
    guesses = {address: source.guesses for (_service, address), source in lab.tally.sources.items() if source.guesses}
    assert guesses == {"127.0.0.1": 90}
    assert {address for _service, address in lab.tally.sources} <= {"127.0.0.1", ""}
    accepted = [event for event in lab.tally.kept if event.what is What.ACCEPTED]
    assert [(event.user, event.address, event.method) for event in accepted] == [("root", "127.0.0.1", "publickey")] * 2
    assert (lab.notes.malformed, lab.notes.unknown) == (0, {})
    assert lab.log.condition is Condition.READ


def test_the_three_formats_give_the_same_events() -> None:
    said = []
    for name in FORMS:
        found, notes = events((DATA / f"auth.{name}.log").read_bytes())
        said.append([event._replace(time=(event.time or 0) // SECOND, offset=0) for event in found])
        assert notes.host == "vm"
    assert said[0] == said[1] == said[2]


def test_an_address_that_fell_off_the_end_is_that_of_the_connection() -> None:
    made = reading((DATA / "auth.truncation.log").read_bytes())
    counts = {address: (source.guesses, dict(source.others)) for (_service, address), source in made.tally.sources.items()}
    assert counts == {"127.0.0.1": (8, {What.INVALID_USER: 3, What.CLOSED: 3, What.EXCEEDED: 1})}


def test_a_key_id_moves_no_blame_and_a_forged_line_stands_for_what_it_claims() -> None:
    made = reading((DATA / "auth.certid-and-logger.log").read_bytes())
    assert {address for service, address in made.tally.sources if service == "sshd"} == {"127.0.0.1"}
    assert [(event.user, event.address, event.pid) for event in made.tally.kept if event.what is What.ACCEPTED] == [
        ("root", "10.10.1.9", 4242)
    ]


# --- frames -----------------------------------------------------------------------------------------------------------

FRAMES = [
    "Nov 24 09:54:56 gate sshd[7]: {}",
    "Nov 24 09:54:56 gate sshd-session[7]: {}",
    "Nov 24 09:54:56 gate sshd: {}",
    "Nov 24 09:54:56 gate sshd[7]: {}\r",
    "<38>Nov 24 09:54:56 gate sshd[7]: {}",
    "Nov 24 09:54:56 sshd[7]: {}",
    "Nov 24 09:54:56 2001:db8::1 sshd[7]: {}",
    "Nov 24 09:54:56 [sshd] {}",
    "Nov 24 2026 09:54:56 gate sshd[7]: {}",
    "2026 Nov 24 09:54:56 gate sshd[7]: {}",
    "Nov 24 09:54:56 gate /usr/sbin/sshd[7]: {}",
    "Nov 24 09:54:56 gate sshd_office[7]: {}",
    "Nov 24 09:54:56 gate sshd[7]: [ID 800047 auth.info] {}",
    "2026-11-24T09:54:56+00:00 gate sshd[7]: {}",
    "2026-11-24T10:54:56.000000+01:00 gate sshd[7]: {}",
    "2026-11-24T09:54:56Z gate sshd[7]: {}",
    "2026-11-24T09:54:56 gate sshd[7]: {}",
    "2026-11-24 04:24:56,0-0530 gate sshd[7]: {}",
    "<38>1 2026-11-24T09:54:56Z gate sshd 7 - - {}",
    '<38>1 2026-11-24T05:54:56.0-04:00 gate sshd 7 ID47 [a@1 b="x\\"]"][c@2] {}',
    "@40000000692429ca00000000 sshd[7]: {}",
]


@pytest.mark.parametrize("frame", FRAMES)
def test_a_line_means_the_same_in_every_frame(frame: str) -> None:
    for message, what in (
        ("Failed password for root from 192.0.2.7 port 4711 ssh2", What.FAILED),
        ("Accepted password for root from 192.0.2.7 port 4711 ssh2", What.ACCEPTED),
    ):
        found, notes = events(frame.format(message) + "\n")
        assert [(event.what, event.user, event.address, event.port) for event in found] == [(what, "root", "192.0.2.7", 4711)]
        if "@4" not in frame:
            assert found[0].time == nanos(datetime(2026, 11, 24, 9, 54, 56, tzinfo=UTC))
        assert notes.malformed == 0


@pytest.mark.parametrize("tag", ["-- root[2421]", " -- root[2421]", "login -- root[2421]"])
def test_login_that_hides_its_arguments_tells_of_root_at_a_terminal(tag: str) -> None:
    found, notes = events(f"Nov 24 09:54:56 gate {tag}: ROOT LOGIN ON tty2\n")
    assert [(event.what, event.user, event.pid) for event in found] == [(What.ACCEPTED, "root", 2421)]
    assert notes.malformed == 0


def test_a_session_that_a_mac_records_is_that_of_the_login_with_its_pid() -> None:
    text = (
        "Nov 24 09:54:56 mac sshd[420]: Accepted password for anna from 192.0.2.7 port 4711 ssh2\n"
        "Nov 24 09:54:56 mac sshd: anna [priv][420]: USER_PROCESS: 424 ttys001\n"
        "Nov 24 09:59:56 mac sshd: anna [priv][420]: DEAD_PROCESS: 424 ttys001\n"
    )
    for found in (events(text)[0], reading(text).tally.kept):
        told = [(event.what, event.user, event.pid) for event in found if event.what is not What.NOISE]
        assert told == [(What.ACCEPTED, "anna", 420), (What.OPENED, "anna", 420)]


UNREADABLE = [
    "Nov 24 09:54:56 relay gate dropbear[7]: Password auth succeeded for 'root' from 192.0.2.7:22",
    "24.11.2026 09:54:56 gate proftpd[7]: gate (192.0.2.7[192.0.2.7]) - USER anna: Login successful.",
    '{"log":"sshd[7]: Accepted password for root from 192.0.2.7 port 4711 ssh2","stream":"stderr"}',
    "24.11.2026 09:54:56 gate imap-login: Login: user=<anna>, method=PLAIN, rip=192.0.2.7",
    "[24/Nov/2026] gate login[7]: ROOT LOGIN ON tty1",
]


@pytest.mark.parametrize("line", UNREADABLE)
def test_a_line_that_cannot_be_read_and_may_tell_of_a_login_is_shown(line: str) -> None:
    found, notes = events(f"{failed('Nov 24 09:54:56')}{line}\n{failed('Nov 24 09:54:57')}")
    assert [event.what for event in found if event.what not in (What.FAILED, What.UNKNOWN)] == []
    assert sum(notes.unknown.values()) == notes.malformed == 1


def test_a_tai_stamp_has_a_time() -> None:
    seconds = nanos(datetime(2026, 11, 24, 9, 54, 56, tzinfo=UTC)) // SECOND
    assert times(failed(f"@{seconds + 10 + (1 << 62):016x}{5 * 10**8:08x}")) == ["2026-11-24 09:54:56"]


REPEATED = [
    ("sshd[7]: message repeated 4 times: [ Failed password for root from 192.0.2.7 port 4711 ssh2]", 5),
    ("last message repeated 4 times", 5),
    ("--- last message repeated 1 time ---", 2),
    ("sshd[7]: Invalid user message repeated 99 times from 192.0.2.7 port 4711", 1),
]


@pytest.mark.parametrize(("line", "guesses"), REPEATED)
def test_repeated_lines_are_so_many_more(line: str, guesses: int) -> None:
    made = reading(failed("Nov 24 09:54:56") + f"Nov 24 09:54:57 gate {line}\n")
    assert made.tally.sources["sshd", "192.0.2.7"].guesses == guesses


def test_the_last_message_is_that_of_the_host_that_repeats_it() -> None:
    other = "Nov 24 09:54:56 shop sshd[9]: Failed password for root from 192.0.2.8 port 4711 ssh2\n"
    made = reading(failed("Nov 24 09:54:56") + other + "Nov 24 09:54:57 gate last message repeated 3 times\n")
    assert {key[1]: source.guesses for key, source in made.tally.sources.items()} == {"192.0.2.7": 4, "192.0.2.8": 1}


def test_lines_of_other_programs_are_the_heartbeat_and_nothing_else() -> None:
    others = ("09:17:01 gate CRON[1]: (root) CMD (run-parts)", "10:17:01 gate foo[2]: bar", "10:18:00 gate -- MARK --")
    found, notes = events("".join(f"Nov 24 {line}\n" for line in others) + failed("Nov 24 10:20:00"))
    assert [event.what for event in found] == [What.FAILED]
    ten = nanos(datetime(2026, 11, 24, 10, tzinfo=UTC)) // (3600 * SECOND)
    assert (notes.lines, notes.hours) == (4, {ten - 1: 1, ten: 3})
    assert notes.silences[0] == (
        nanos(datetime(2026, 11, 24, 9, 17, 1, tzinfo=UTC)),
        nanos(datetime(2026, 11, 24, 10, 17, 1, tzinfo=UTC)),
    )
    assert notes.malformed == 0


DAEMONS = [
    (
        'rsyslogd: [origin software="rsyslogd" swVersion="8.2302.0" x-pid="1" x-info="https://www.rsyslog.com"] start',
        What.LOG_BEGAN,
        1,
    ),
    ('rsyslogd: [origin software="rsyslogd" swVersion="8" x-pid="1" x-info="u"] exiting on signal 15.', What.LOG_ENDED, 1),
    ("rsyslogd: imuxsock lost 98 messages from pid 31 due to rate-limiting", What.UNLOGGED, 98),
    ("systemd-journald[2]: Suppressed 1234 messages from ssh.service", What.UNLOGGED, 1234),
    ("kernel: [    0.000000] Linux version 6.1.0-18-amd64 (debian-kernel@lists.debian.org)", What.BOOTED, 1),
    ("kernel:[    0.000000] Linux version 6.1.0-18-amd64", What.BOOTED, 1),
    ("systemd[1]: Reached target shutdown.target - System Shutdown.", What.STOPPED, 1),
    ("systemd-timesyncd[3]: Initial clock synchronization to Tue 2026-11-24 09:54:56 UTC.", What.CLOCK, 1),
    ("chronyd[3]: System clock was stepped by 3600.1 seconds", What.CLOCK, 1),
    ("syslogd 1.5.0: restart.", What.LOG_BEGAN, 1),
]


@pytest.mark.parametrize(("line", "what", "number"), DAEMONS)
def test_what_the_log_the_clock_and_the_machine_say(line: str, what: What, number: int) -> None:
    found, _notes = events(f"Nov 24 09:54:56 gate {line}\n")
    assert [(event.what, event.times) for event in found] == [(what, number)]


def test_what_is_not_understood_is_counted_by_kind_and_shown() -> None:
    lines = "".join(f"Nov 24 09:54:56 gate sshd[7]: Quantum handshake {n} of user-{n} was odd\n" for n in range(3))
    _found, notes = events(lines + "no stamp at all\n")
    assert list(notes.unknown.values()) == [3]
    assert list(notes.examples.values()) == [(1, "sshd: Quantum handshake 0 of user-0 was odd")]
    assert notes.malformed == 1


def test_kinds_that_are_not_understood_are_bounded() -> None:
    words = ["".join(random.Random(n).choices("abcdefghij", k=8)) for n in range(2000)]
    _found, notes = events("".join(f"Nov 24 09:54:56 gate sshd[7]: Quantum {word}\n" for word in words))
    assert len(notes.unknown) <= teller.SHAPES + 1
    assert sum(notes.unknown.values()) == 2000


# --- years and zones --------------------------------------------------------------------------------------------------

YEARS = [
    (
        "/var/log/auth.log",
        datetime(2026, 1, 3, tzinfo=UTC),
        None,
        YearBy.MTIME,
        ["Dec 30 10:00:00", "Jan  2 10:00:00"],
        [2025, 2026],
    ),
    ("/var/log/auth.log-20250301", NOW, None, YearBy.NAME, ["Feb 28 10:00:00", "Mar  1 00:00:10"], [2025, 2025]),
    ("/var/log/auth.log-20240301.gz", NOW, None, YearBy.NAME, ["Dec 31 10:00:00", "Feb 29 10:00:00"], [2023, 2024]),
    (
        "/var/log/auth.log",
        None,
        datetime(2024, 5, 1, tzinfo=UTC),
        YearBy.ANCHOR,
        ["Feb 29 10:00:00", "Apr 30 10:00:00"],
        [2024, 2024],
    ),
    ("/var/log/auth.log", None, None, YearBy.ASSUMED, ["Feb 29 10:00:00", "Apr 30 10:00:00"], [2024, 2024]),
    (
        "/var/log/auth.log",
        NOW,
        None,
        YearBy.MTIME,
        ["Mar  1 10:00:00", "Dec  1 10:00:00", "Mar  1 10:00:00", "Nov 29 10:00:00"],
        [2025, 2025, 2026, 2026],
    ),
    ("/var/log/auth.log", datetime(2031, 1, 1, tzinfo=UTC), None, YearBy.ASSUMED, ["Nov 29 10:00:00"], [2026]),
    (
        "/var/log/auth.log",
        NOW,
        None,
        YearBy.MTIME,
        ["Jan  1 00:00:10", "Dec 31 23:59:50", "Jan  1 00:00:20"],
        [2026, 2025, 2026],
    ),
]


@pytest.mark.parametrize(("name", "mtime", "anchor", "by", "stamps", "years"), YEARS)
def test_years_of_stamps_without_one(  # noqa: PLR0917
    name: str, mtime: datetime | None, anchor: datetime | None, by: YearBy, stamps: Sequence[str], years: Sequence[int]
) -> None:
    found, notes = events("".join(map(failed, stamps)), log(name, mtime), setting(anchor=anchor))
    assert [datetime.fromtimestamp((event.time or 0) / SECOND, UTC).year for event in found] == years
    assert notes.year_by is by


def test_stamps_are_of_the_zone_of_the_machine() -> None:
    assert times(failed("Jul 24 09:54:56"), how=setting(ZoneInfo("Europe/Berlin"))) == ["2026-07-24 07:54:56"]
    assert times(failed("2026-11-24T09:54:56"), how=setting(ZoneInfo("Europe/Berlin"))) == ["2026-11-24 08:54:56"]


def test_an_hour_that_comes_twice_is_no_clock_that_was_set_back() -> None:
    text = "".join(map(failed, ["Oct 25 01:59:00", "Oct 25 02:30:00", "Oct 25 02:59:00", "Oct 25 02:10:00", "Oct 25 03:00:00"]))
    _found, notes = events(text, how=setting(ZoneInfo("Europe/Berlin")))
    assert notes.backward == []
    assert times(text, how=setting(ZoneInfo("Europe/Berlin"))) == [
        "2026-10-24 23:59:00",
        "2026-10-25 00:30:00",
        "2026-10-25 00:59:00",
        "2026-10-25 01:10:00",
        "2026-10-25 02:00:00",
    ]


def test_a_clock_that_was_set_back_is_noted() -> None:
    _found, notes = events("".join(map(failed, ["Nov 24 10:00:00", "Nov 24 09:00:00"])))
    ten = nanos(datetime(2026, 11, 24, 10, tzinfo=UTC))
    assert notes.backward == [(2, ten - 3600 * SECOND, ten)]


# --- damage -----------------------------------------------------------------------------------------------------------


def test_zeros_are_noted_and_what_stands_around_them_is_read() -> None:
    raw = failed("Nov 24 09:54:56").encode() + bytes(5000) + failed("Nov 24 09:54:57").encode()
    for size in (64, 1000, 1 << 20):
        found, notes = events(raw, size=size)
        assert len(found) == 2
        assert notes.nul_runs == [(len(failed("Nov 24 09:54:56")), 5000)]


def test_a_line_without_end_is_one_malformed_line() -> None:
    text = failed("Nov 24 09:54:56") + "x" * 300_000 + "\n" + failed("Nov 24 09:54:57")
    for size in (1000, 1 << 16, 1 << 20):
        found, notes = events(text, size=size)
        assert [(event.line, text[event.offset : event.offset + 6]) for event in found] == [(1, "Nov 24"), (3, "Nov 24")]
        assert (notes.lines, notes.malformed) == (3, 1)


def test_bytes_that_are_no_text_are_kept_and_offsets_are_bytes() -> None:
    raw = (
        "Nov 24 09:54:56 gate sudo[1]: \udcff : TTY=é\n".encode("utf-8", "surrogateescape") + failed("Nov 24 09:54:57").encode()
    )
    found, _notes = events(raw)
    assert raw[found[-1].offset :].decode() == failed("Nov 24 09:54:57")


def test_a_last_line_that_breaks_off_is_read() -> None:
    found, _notes = events(failed("Nov 24 09:54:56").rstrip("\n"))
    assert len(found) == 1


# --- two ways of reading, and parts -----------------------------------------------------------------------------------

PIECES = st.sampled_from(
    [
        "Failed password for root from 192.0.2.7 port 1 ssh2",
        "Failed none for x from 192.0.2.8 port 2 ssh2",
        "Failed password for invalid user a from b from 2001:DB8::7 port 3 ssh2",
        "Invalid user  from ::ffff:192.0.2.7 port 3",
        "Connection closed by authenticating user root 192.0.2.7 port 9 [preauth]",
        "Disconnected from user anna 192.0.2.9 port 9",
        "Received disconnect from 192.0.2.7 port 9:11: Bye [preauth]",
        "Failed password for x from UNKNOWN port 65535 ssh2",
        "error: kex_exchange_identification: banner line too long",
        "Connection reset by 192.0.2.7 port 9 [preauth] [preauth]",
        "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7  user=root",
        "pam_unix(sshd:auth): check pass; user unknown",
        "PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7 ",
        "message repeated 2 times: [ Failed password for root from 192.0.2.7 port 1 ssh2]",
        "Accepted password for anna from 192.0.2.9 port 1 ssh2",
        "Failed publickey for root from 192.0.2.7 port 1 ssh2: RSA SHA256:x",
        "error: PAM: Authentication failure for x from h.example",
        "maximum authentication attempts exceeded for root from 192.0.2.7 port 9 ssh2 [preauth]",
        "Something new",
        "",
        "message repeated 2 times: [ Something new]",
        "Connection from 192.0.2.7 port 9 on 192.0.2.1 port 22",
        "Invalid user root from 192.0.2.99 port 1 ssh2 from 203.0.113.5 port 4711",
        "Failed password for invalid user x from 192.0.2.1 port 1 from 203.0.113.5 port 65535 ssh2",
        "Failed password for root from h.example port 3 ssh2",
        "Failed password for root from 192.0.2.7 port 123456 ssh2",
        "Failed password for root from 192.0.2.7 port  ssh2",
        "Failed password for a port 1 from 2001:db8::a port 3 ssh2",
        "Accepted publickey for anna from 2001:db8::9 port 4 ssh2: ED25519 SHA256:x",
        "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.7 ",
        "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=h.example ",
        "pam_unix(sshd:session): session opened for user anna(uid=1000) by (uid=0)",
        "Invalid user " + "\\001" * 120 + " from 192.0.2.7 port 3",
        "error: fatal: Failed password for root from 192.0.2.7 port 1 ssh2",
    ]
)
TAGS = [f"{tag}[{pid}]" for tag in ("gate sshd", "gate sshd-session", "gate cron", "shop sshd", "sshd") for pid in (1, 2)]
TAGS += ["gate sshd", "gate sshd[1 2]", "gate sshd[x]", "gate [sshd]", "gate a[1]: sshd[2]"]
LINES = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(TAGS), PIECES),
    min_size=1,
    max_size=40,
)


def text_of(lines: Sequence[tuple[int, str, str]]) -> str:
    """Lines at most nine seconds apart."""
    now, text = datetime(2026, 11, 24, 23, 59, tzinfo=UTC), ""
    for passed, tag, message in lines:
        now += timedelta(seconds=passed)
        text += f"{now:%b %d %H:%M:%S} {tag}: {message}\n"
    return text


def known(made: Reading) -> tuple[object, ...]:
    tally = made.tally
    return tally.sources, tally.unknown, tally.kept, tally.lost, tally.counts, tally.names, made.notes


@given(LINES)
def test_counting_gives_what_the_events_give(lines: Sequence[tuple[int, str, str]]) -> None:
    text = text_of(lines)
    assert known(reading(text)) == known(reading(text, told=[]))


@given(LINES, st.integers(2, 5))
def test_parts_give_what_the_whole_gives(lines: Sequence[tuple[int, str, str]], number: int) -> None:
    own = [
        line
        for line in lines
        if re.match(r"(Failed|Accepted|Received|Disconnected).* 192.0.2\S+ port \d{1,5}\b", line[2])
        and line[1].startswith("gate ssh")
    ]
    # the others ask their connection, which a cut takes from them
    text, of = text_of(own or [(0, "gate sshd[1]", "x")]), log(mtime=NOW)
    made = parts(of, Held(text.encode()), setting(), number)
    assert b"".join(b"".join(part.data.chunks()) for part in made).decode() == text
    whole, *others = [read(part.log, part.data, setting()) for part in made]
    for part, other in zip(made[1:], others, strict=True):
        whole = joined(whole, part, other)
    expected = reading(text, of)
    assert (whole.tally.sources, whole.tally.kept) == (expected.tally.sources, expected.tally.kept)
    for name in ("lines", "of_interest", "hours", "first", "last", "malformed"):
        assert getattr(whole.notes, name) == getattr(expected.notes, name)


def test_a_part_knows_its_year_by_the_part_behind_it() -> None:
    text = "".join(failed(stamp) for stamp in ["Oct 24 10:00:00", "Dec 24 10:00:00", "Oct 24 10:00:00", "Nov 25 10:00:00"])
    made = parts(log(), Held(text.encode()), setting(), 2)
    assert [times(bytes(part.data.whole()).decode(), part.log)[0][:4] for part in made] == ["2025", "2026"]


# --- hostile bytes ----------------------------------------------------------------------------------------------------


@given(st.binary(max_size=400), st.integers(1, 64))
def test_bytes_never_raise(raw: bytes, size: int) -> None:
    notes = Notes()
    assert len(list(syslog.FORMAT.read(log(), Held(raw, size), setting(), notes))) <= raw.count(b"\n") + 1


@given(st.data())
def test_changed_bytes_never_raise(data: st.DataObject) -> None:
    raw = bytearray((DATA / f"auth.{data.draw(st.sampled_from(FORMS))}.log").read_bytes()[:3000])
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=40)):
        raw[at] = data.draw(st.integers(0, 255))
    made = reading(bytes(raw))
    assert made.notes.lines <= raw.count(b"\n") + 1


def test_memory_is_flat() -> None:
    def peak(times: int) -> int:
        lines = "".join(
            failed(f"Nov 24 {hour:02}:{minute:02}:00", minute).replace("root", f"u{hour}{minute}")
            for hour in range(10)
            for minute in range(60)
        )
        tracemalloc.start()
        read(log(), Repeated(lines.encode(), times), setting())
        _now, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(1)
    assert peak(24) < 1.2 * peak(6)


@dataclass
class Repeated:
    """The same lines again and again."""

    lines: bytes
    times: int
    parts: list[bytes] = field(default_factory=list)

    def chunks(self) -> Iterator[bytes]:
        yield from (self.lines for _ in range(self.times))

    def whole(self) -> bytes:
        return self.lines * self.times


@pytest.mark.parametrize(
    "said",
    [
        "dropbear[8]: Login attempt for nonexistent user 'bob' from 192.0.2.7:4711",
        "proftpd[8]: vm (192.0.2.7[192.0.2.7]): USER bob: no such user found from 192.0.2.7 [192.0.2.7] to 192.0.2.2:21",
        "webmin[8]: Non-existent login as bob from 192.0.2.7",
        "sshd[8]: Invalid user bob from 192.0.2.7 port 4711",
    ],
)
def test_a_service_that_says_that_there_is_no_such_account_is_believed(said: str) -> None:
    line = f"Nov 24 10:00:00 vm {said}\n".encode()
    told: list[Event] = []
    for counted in (read(log(), Held(line), setting()), read(log(), Held(line), setting(), told.append)):
        assert counted.tally.names["bob"].exists is False
