"""wtmp, btmp and utmp of every kind of machine; damaged, zeroed and forged ones; and what last(1) and utmpdump say of them."""

import itertools
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from held import Held
from hypothesis import given
from hypothesis import strategies as st
from records_given import MACHINES, NOW, SECOND, read, record

from auditkit.logins.formats import recognised, utmp
from auditkit.logins.journals.pulse import Pulse
from auditkit.logins.nouns import Log, Notes, Setting, What
from auditkit.logins.reading import read as reading

BTMP = (Path(__file__).parent / "data" / "btmp").read_bytes()
"""Of OpenSSH 9.2 on x86-64, attacked with hostile names: 90 failed passwords, 70 unknown users, and one from before."""
EXISTED = {"root": 0, "bin": 2, "nobody": 65534}
T = 1_700_000_000
BOOT, LEVEL, NEW_TIME, OLD_TIME, GETTY, USER, DEAD = 2, 1, 3, 4, 6, 7, 8


def day(machine: str = "x86-64") -> bytes:
    """A machine comes up, anna logs in from afar and out again, the clock is set, and it goes down."""
    records = [
        record(BOOT, T, b"reboot", b"~", b"6.1.0-18-amd64", machine=machine),
        record(GETTY, T + 5, b"LOGIN", b"tty1", pid=600, machine=machine),
        record(USER, T + 60.25, b"anna", b"pts/0", b"192.0.2.7", "192.0.2.7", pid=4711, machine=machine),
        record(OLD_TIME, T + 70, b"date", b"|", machine=machine),
        record(NEW_TIME, T + 100, b"date", b"{", machine=machine),
        record(USER, T + 120, b"bernd", b"tty1", pid=600, machine=machine),
        record(DEAD, T + 130, b"", b"pts/0", pid=4711, machine=machine),
        record(LEVEL, T + 140, b"shutdown", b"~", b"6.1.0-18-amd64", machine=machine),
    ]
    return b"".join(records)


@pytest.mark.parametrize("machine", MACHINES)
def test_a_day_is_the_same_on_every_machine(machine: str) -> None:
    events, notes = read("/var/log/wtmp", day(machine))
    told = [(e.what.value, e.program, e.user, e.address, e.detail) for e in events if e.what is not What.NOISE]
    assert told == [
        ("booted", "", None, None, "6.1.0-18-amd64"),
        ("opened", "sshd", "anna", "192.0.2.7", "pts/0"),
        ("clock", "", None, None, "by +30 s"),
        ("opened", "login", "bernd", None, "tty1"),
        ("ended", "sshd", "anna", "192.0.2.7", "pts/0"),
        ("stopped", "", None, None, "6.1.0-18-amd64"),
    ]
    assert [e.time for e in events if e.what is What.OPENED] == [(T * 4 + 241) * SECOND // 4, (T + 120) * SECOND]
    assert (notes.lines, notes.malformed, notes.zeroed, notes.remarks, notes.broken) == (8, 0, 0, [], "")
    assert (notes.first, notes.last) == (T * SECOND, (T + 140) * SECOND)


def test_each_event_names_its_record() -> None:
    events, _notes = read("wtmp.1", day("aarch64"))
    assert [(e.line, e.offset) for e in events] == [(n + 1, n * 400) for n in range(8)]


def test_guesses_are_counted_where_it_is_known_which_accounts_exist() -> None:
    events, notes = read("btmp", BTMP, accounts=EXISTED)
    assert Counter(e.what for e in events) == {What.FAILED: 90, What.INVALID_USER: 71}
    assert {(e.program, e.address) for e in events} == {("sshd", "127.0.0.1")}
    assert notes.remarks == []


def test_where_it_is_not_known_they_are_estimated_and_the_bounds_are_told() -> None:
    events, notes = read("btmp", BTMP)
    assert Counter((e.what, e.method) for e in events) == {(What.FAILED, ""): 95, (What.FAILED, "none"): 66}
    (remark,) = notes.remarks
    assert remark.startswith("161 records of sshd are taken for 95 guesses, and may be 86 to 161")


def test_no_name_and_no_address_is_lost_by_that() -> None:
    tally = reading(Log("btmp"), Held(BTMP), Setting(NOW)).tally
    assert tally.sources["sshd", "127.0.0.1"].tried == 95
    assert set(tally.names) == {e.user for e in read("btmp", BTMP)[0]}


def test_a_name_of_32_bytes_may_be_the_beginning_of_an_accounts() -> None:
    long = "a" * 40
    data = record(GETTY, T, long[:32].encode(), b"ssh:notty", b"192.0.2.7", "192.0.2.7", pid=1)
    assert [e.what for e in read("btmp", data, accounts={long: 1000})[0]] == [What.FAILED]


def test_names_are_as_the_client_sent_them() -> None:
    names = {e.user for e in read("btmp", BTMP)[0]}
    assert {"", " ", "trailing ", "tab\tuser", "\x1b[2Jesc", "\u202eevil", "caf\xe9", "%n%n%s"} <= names
    assert any(name and "\n" in name for name in names)


def test_the_address_is_the_one_that_the_service_saw_and_not_the_name_that_it_was_given() -> None:
    data = record(GETTY, T, b"root", b"ssh:notty", b"203.0.113.9", "192.0.2.7", pid=9) + record(
        GETTY, T, b"root", b"ssh:notty", b"mail.example", "2001:db8::7", pid=9
    )
    assert [(e.address, e.detail) for e in read("btmp", data)[0]] == [
        ("192.0.2.7", "ssh:notty, host 203.0.113.9"),
        ("2001:db8::7", "ssh:notty, host mail.example"),
    ]


def test_an_address_that_a_users_own_terminal_wrote_is_marked() -> None:
    data = record(USER, T, b"anna", b"pts/3", b"198.51.100.7", pid=1) + record(USER, T, b"anna", b"pts/4", b":0", pid=2)
    assert [(e.program, e.address, e.detail) for e in read("wtmp", data)[0]] == [
        ("", "198.51.100.7", "pts/3, by its text only"),
        ("", None, "pts/4, host :0"),
    ]


@pytest.mark.parametrize(
    ("address", "host", "shown"),
    [
        ("::ffff:192.0.2.7", b"", "192.0.2.7"),
        ("2001:db8::", b"2001:db8::", "2001:db8::"),
        ("2001:db8::1", b"2001:0db8:0:0::1", "2001:db8::1"),
        ("", b"2001:DB8::1", "2001:db8::1"),
    ],
)
def test_an_address_has_one_spelling(address: str, host: bytes, shown: str) -> None:
    (event,) = read("wtmp", record(USER, T, b"anna", b"pts/0", host, address, pid=1))[0]
    assert (event.address, event.detail.partition(",")[0]) == (shown, "pts/0")


def test_zeroed_records_are_counted() -> None:
    events, notes = read("btmp", BTMP[: 384 * 10] + bytes(384 * 3) + BTMP[384 * 13 :])
    assert (len(events), notes.zeroed, notes.nul_runs, notes.malformed) == (158, 3, [(3840, 1152)], 0)


def test_a_file_of_zeros_says_so() -> None:
    events, notes = read("/var/log/wtmp", bytes(384 * 1000), size=1000)
    assert (events, notes.zeroed, notes.nul_runs) == ([], 1000, [(0, 384000)])
    assert notes.remarks == ["it is nothing but zeros"]


def test_a_record_that_was_declared_empty_still_shows_its_name() -> None:
    hidden = bytearray(day())
    hidden[384 * 2] = 0  # anna's login
    events, notes = read("wtmp", bytes(hidden))
    assert [(e.user, e.detail) for e in events if e.what is What.UNKNOWN] == [("anna", "pts/0")]
    assert notes.unknown == {"record that says it is empty, and has a name in it": 1}


@pytest.mark.parametrize("size", [13, 384, 1000, 1 << 20])
def test_stray_bytes_cost_no_record(size: int) -> None:
    data = b"\x07" + BTMP[:3840] + b"abc" + BTMP[3840:] + b"z"
    _events, notes = read("btmp", BTMP[:384] + data, size=size)
    assert (notes.lines, notes.malformed) == (162, 3)
    assert "5 bytes in 3 places are no records" in notes.remarks


def test_a_record_that_was_written_over_costs_that_record_only() -> None:
    _events, notes = read("wtmp", day()[:768] + b"\xff" * 384 + day()[1152:])
    assert (notes.lines, notes.malformed, notes.remarks) == (7, 1, ["384 bytes in 1 places are no records"])


def test_a_file_that_breaks_off_says_where() -> None:
    result = reading(Log("btmp"), Held(BTMP[:-100]), Setting(2 * 10**18))
    assert (result.log.condition, result.log.reason) == ("truncated", "it breaks off in a record, 100 bytes before its end")
    assert result.tally.counts[What.FAILED] == 160


def test_time_that_runs_backwards_is_told() -> None:
    data = record(GETTY, T, b"a", b"ssh:notty", pid=1) + record(GETTY, T - 60, b"b", b"ssh:notty", pid=2)
    assert read("btmp", data)[1].backward == [(2, (T - 60) * SECOND, T * SECOND)]
    assert read("utmp", data)[1].backward == []


def test_a_login_of_the_future_is_read_and_remarked() -> None:
    events, notes = read("wtmp", record(USER, 2_100_000_000, b"anna", b"tty1"))
    assert (events[0].user, notes.remarks) == ("anna", ["1 records are of a time after they were taken"])


def test_a_machine_without_a_clock_writes_of_1970() -> None:
    data = day() + record(BOOT, 3, b"reboot", b"~") + record(USER, 9, b"anna", b"tty1")
    assert [e.time for e in read("wtmp", data)[0]][-2:] == [3 * SECOND, 9 * SECOND]


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("/var/log/wtmp", day(), "wtmp"),
        ("/var/log/btmp-20261101.gz", BTMP, "btmp"),
        ("/run/utmp", day("s390x"), "wtmp"),
        ("evidence", BTMP, "btmp"),
        ("evidence", day("aarch64"), "wtmp"),
        ("btmp.1", b"\x01\x02\x03\x04" * 1024, None),
    ],
)
def test_a_file_is_known_by_name_and_records(name: str, data: bytes, kind: str | None) -> None:
    form = recognised(name, data[:4096])
    assert (form.kind if form else None) == kind


def test_utmpdump_reads_the_same(tmp_path: Path) -> None:
    if not (dump := shutil.which("utmpdump")):
        pytest.skip("no utmpdump here")
    (tmp_path / "wtmp").write_bytes(day())
    lines = subprocess.run([dump, tmp_path / "wtmp"], capture_output=True, text=True, check=True).stdout.splitlines()
    fields = [[field.strip() for field in line[1:-1].split("] [")] for line in lines]
    theirs = [(user, line, address) for kind, _pid, _id, user, line, _host, address, _time in fields if kind == "7"]
    ours = [(e.user, e.detail, e.address or "0.0.0.0") for e in read("wtmp", day())[0] if e.what is What.OPENED]
    assert (ours, len(fields)) == (theirs, 8)


def test_last_reads_the_same(tmp_path: Path) -> None:
    if not (last := shutil.which("last")):
        pytest.skip("no last here")
    (tmp_path / "wtmp").write_bytes(day())
    said = subprocess.run([last, "-i", "-f", str(tmp_path / "wtmp")], capture_output=True, text=True, check=True).stdout
    assert "anna     pts/0        192.0.2.7" in said
    assert sum(line.startswith(("anna", "bernd")) for line in said.splitlines()) == 2


@given(st.binary(max_size=3000), st.integers(1, 2000))
def test_random_bytes_are_read_to_their_end(data: bytes, size: int) -> None:
    for form in (utmp.WTMP, utmp.BTMP, utmp.UTMP):
        list(form.read(Log("wtmp"), Held(data, size), Setting(0), Notes()))
        form.recognises("wtmp", data)


@given(st.data(), st.sampled_from(sorted(MACHINES)), st.integers(1, 5000))
def test_records_survive_what_is_done_to_others(data: st.DataObject, machine: str, size: int) -> None:
    """Bytes are cut out, put in or written over: everything behind the second whole record is found again."""
    whole = day(machine) * 4
    each = len(whole) // 32
    at = data.draw(st.integers(0, len(whole) - 4 * each))
    gone, new = data.draw(st.integers(0, each)), data.draw(st.binary(max_size=50))
    changed = whole[:at] + new + whole[at + gone :]
    events, notes = read("wtmp", whole[:each] + changed, size=size) if changed else ([], Notes())
    after = (len(whole) - at - gone) // each
    assert len(events) >= 1 + at // each + after - 1
    assert notes.lines == len(events)


@pytest.mark.parametrize("filling", [b"\7\0\0\0", b"\0\7\0\0", b"\7", bytes(383) + b"\7"])
def test_what_only_looks_like_records_ends(filling: bytes) -> None:
    data = record(USER, T, b"anna", b"tty1") + filling * 200_000
    events, notes = read("wtmp", data)
    assert [e.user for e in events] == ["anna"]
    assert notes.malformed or notes.broken


def test_the_same_line_again_and_again_is_kept_in_bounded_memory() -> None:
    lines = (record(USER, T + n, b"u%d" % n, b"pts/%d" % n, pid=n) for n in itertools.count())
    tells = utmp.Sessions(Notes())
    for event in utmp.told(tells, Pulse(Notes()), Held(b"".join(itertools.islice(lines, 6000))), Setting(0), Notes()):
        assert event.what is What.OPENED
    assert len(tells._on) == 4096
