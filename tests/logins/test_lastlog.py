"""The last login of each account, and PAM's counts of failures, by uid or in a file per user."""

import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from held import Held
from hypothesis import given
from hypothesis import strategies as st
from records_given import NOW, SECOND, read

from auditkit.logins.formats import faillock, lastlog, recognised
from auditkit.logins.nouns import Log, Notes, Setting, What

T = 1_700_000_000
LASTLOGS = {"x86-64": "<I32s256s", "aarch64": "<q32s256s", "ppc": ">I32s256s", "s390x": ">q32s256s"}


def lastlog_of(people: dict[int, tuple[bytes, bytes]], machine: str = "x86-64") -> bytes:
    """Who came last at T plus his uid, on which line, from which host."""
    one = struct.Struct(LASTLOGS[machine])
    data = bytearray(one.size * (max(people) + 1))
    for uid, (line, host) in people.items():
        one.pack_into(data, uid * one.size, T + uid, line, host)
    return bytes(data)


PEOPLE = {0: (b"tty1", b""), 1000: (b"pts/0", b"192.0.2.7"), 1003: (b"ssh", b"2001:DB8::7"), 2000: (b":0", b":0")}


@pytest.mark.parametrize("size", [100, 1000, 1 << 20])
@pytest.mark.parametrize("machine", LASTLOGS)
def test_the_last_login_of_each_account_is_told(machine: str, size: int) -> None:
    events, notes = read(
        "/var/log/lastlog", lastlog_of(PEOPLE, machine), size=size, accounts={"root": 0, "toor": 0, "anna": 1000}
    )
    assert [(e.user, e.program, e.address, e.detail, e.time) for e in events] == [
        ("root", "login", None, "tty1", T * SECOND),
        ("anna", "", "192.0.2.7", "pts/0", (T + 1000) * SECOND),
        ("uid:1003", "", "2001:db8::7", "ssh", (T + 1003) * SECOND),
        ("uid:2000", "", None, ":0, host :0", (T + 2000) * SECOND),
    ]
    each = struct.calcsize(LASTLOGS[machine])
    assert [e.offset for e in events] == [uid * each for uid in PEOPLE]
    assert (notes.lines, notes.malformed, notes.broken) == (4, 0, "")


def test_one_account_suffices_to_know_the_machine() -> None:
    for machine in LASTLOGS:
        assert [e.user for e in read("lastlog", lastlog_of({1000: PEOPLE[1000]}, machine))[0]] == ["uid:1000"]


class Sparse:
    """A hole of 4 GiB with one record behind it: what an account of a directory service makes of lastlog."""

    uid = 15_000_000

    def chunks(self) -> Iterator[bytes]:
        """Yield the hole and the record."""
        hole, record = bytes(1 << 26), struct.pack("<I32s256s", T, b"pts/0", b"192.0.2.7")
        left = self.uid * len(record)
        while left > len(hole):
            yield hole
            left -= len(hole)
        yield bytes(left) + record

    def whole(self) -> bytes:
        """Nobody may ask for it."""
        raise MemoryError


def test_a_hole_costs_no_memory() -> None:
    (event,) = lastlog.read(Log("lastlog"), Sparse(), Setting(NOW), Notes())
    assert (event.user, event.offset) == ("uid:15000000", 15_000_000 * 292)


def test_lslogins_reads_the_same(tmp_path: Path) -> None:
    if not (program := shutil.which("lslogins")):
        pytest.skip("no lslogins here")
    (tmp_path / "lastlog").write_bytes(lastlog_of({0: (b"pts/7", b"192.0.2.7")}))
    columns = "USER,LAST-TTY,LAST-HOSTNAME"
    command = [program, "--lastlog", str(tmp_path / "lastlog"), "--wtmp", "/dev/null", "-l", "root", "-o", columns]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    (event,) = read("lastlog", (tmp_path / "lastlog").read_bytes(), accounts={"root": 0})[0]
    assert (event.user, event.detail, event.address) == ("root", "pts/7", "192.0.2.7")
    assert said.split()[-3:] == ["root", "pts/7", "192.0.2.7"]


def test_a_record_that_cannot_be_is_counted() -> None:
    data = bytearray(lastlog_of(PEOPLE))
    data[1003 * 292 + 4 : 1003 * 292 + 8] = b"\x01\x02\x03\x04"
    events, notes = read("lastlog", bytes(data))
    assert ([e.user for e in events], notes.malformed) == (["root", "uid:1000", "uid:2000"], 1)


def test_a_lastlog_that_breaks_off_says_so() -> None:
    events, notes = read("lastlog", lastlog_of(PEOPLE)[:-260])
    assert (len(events), notes.broken) == (3, "it breaks off in a record, 260 bytes before its end")


def tally(*failures: tuple[bytes, int, int], byte: str = "<") -> bytes:
    """What pam_faillock keeps: source, status, time."""
    return b"".join(struct.pack(f"{byte}52sHHQ", source, 0, status, time) for source, status, time in failures)


FAILURES = ((b"192.0.2.7", 3, T), (b"/dev/tty1", 5, T + 5), (b"sudo", 1, T + 9), (b"198.51.100.1", 2, T + 10))


@pytest.mark.parametrize("byte", ["<", ">"])
def test_each_failure_that_faillock_knows_of_is_told(byte: str) -> None:
    events, notes = read("/run/faillock/anna", tally(*FAILURES, byte=byte))
    assert {(e.what, e.user, e.method) for e in events} == {(What.FAILED, "anna", "pam")}
    assert [(e.program, e.address, e.detail, e.time) for e in events] == [
        ("", "192.0.2.7", "", T * SECOND),
        ("", None, "/dev/tty1", (T + 5) * SECOND),
        ("sudo", None, "", (T + 9) * SECOND),
        ("", "198.51.100.1", "does not count any more", (T + 10) * SECOND),
    ]
    assert notes.remarks == ["a successful login empties it: what it shows are only failures since the last one"]


def test_faillock_reads_the_same(tmp_path: Path) -> None:
    if not (program := shutil.which("faillock")):
        pytest.skip("no faillock here")
    (tmp_path / "anna").write_bytes(tally(*FAILURES))
    said = subprocess.run([program, "--dir", tmp_path, "--user", "anna"], capture_output=True, text=True, check=True).stdout
    theirs = [(kind, source, valid) for _day, _time, kind, source, valid in map(str.split, said.splitlines()[2:])]
    ours = [
        (
            "RHOST" if e.address else "SVC" if e.program else "TTY",
            e.address or e.program or e.detail,
            "IV"[not e.detail.endswith("more")],
        )
        for e in read("faillock/anna", tally(*FAILURES))[0]
    ]
    assert theirs == ours


def test_tallylog_and_faillog_count_by_uid() -> None:
    tallylog = bytes(64 * 1000) + struct.pack("<52sHHQ", b"192.0.2.7", 0, 12, T)
    faillog = bytes(32 * 1000) + struct.pack("<hh12sqq", 3, 5, b"tty1", T, 0) + struct.pack("<hh12sqq", 0, 5, b"", 0, 0)
    (event,) = read("/var/log/tallylog", tallylog)[0]
    assert (event.user, event.times, event.address, event.method) == ("uid:1000", 12, "192.0.2.7", "pam")
    (event,) = read("/var/log/faillog", faillog)[0]
    assert (event.user, event.times, event.address, event.detail) == ("uid:1000", 3, None, "tty1")


@given(st.binary(max_size=3000), st.integers(1, 1000))
def test_random_bytes_are_read_to_their_end(data: bytes, size: int) -> None:
    for form in (lastlog.FORMAT, faillock.FORMAT, faillock.TALLYLOG, faillock.FAILLOG):
        form.recognises("lastlog", data)
        list(form.read(Log("faillock/x"), Held(data, size), Setting(0), Notes()))


@given(st.data(), st.integers(1, 3000))
def test_records_next_to_damaged_ones_are_read(data: st.DataObject, size: int) -> None:
    whole = bytearray(lastlog_of({uid: (b"pts/%d" % uid, b"192.0.2.7") for uid in range(20)}))
    at = data.draw(st.integers(0, 16 * 292))
    whole[at : at + 292] = data.draw(st.binary(min_size=292, max_size=292))
    events, _notes = read("lastlog", bytes(whole), size=size) if recognised("lastlog", bytes(whole[:4096])) else ([], None)
    assert {e.user for e in events} >= {f"uid:{uid}" for uid in range(1, 20) if not at - 292 < uid * 292 < at + 292}
