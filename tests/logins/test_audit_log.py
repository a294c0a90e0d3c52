"""The log of the audit system: as a real sshd, su, sudo and useradd had it written, and as nobody may write it."""

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from held import Held
from hypothesis import given
from hypothesis import strategies as st
from records_given import NOW, SECOND, read

from auditkit.logins.formats import audit, recognised
from auditkit.logins.formats.serials import Serials
from auditkit.logins.nouns import Event, Log, Notes, Setting, What
from auditkit.logins.reading import read as reading

DATA = Path(__file__).parent / "data"
SSHD = (DATA / "audit.sshd-9.2.log").read_bytes()
"""Of two sshd: first one that asks PAM, then one that does not; each was tried with the passwords and keys of TRIED."""
ACCOUNTS = (DATA / "audit.accounts.log").read_bytes()
TRIED = {"root": 2, "nosuch": 2, 'no "such': 1}
"""Passwords by name; besides a wrong key of root, one of nosuch, a wrong and a right one of root, and a right one."""
WITH_PAM = b"".join(SSHD.splitlines(keepends=True)[:44])
NAMES = {"root": 0, "anna": 1000, "mallory": 1001}
T = 1_700_000_000


def line(
    kind: str, said: str, *, pid: int = 7, uid: int = 0, auid: int = 4294967295, serial: int = 1, time: float = T
) -> bytes:
    """A record of a program."""
    return (
        f"type={kind} msg=audit({time:.3f}:{serial}): pid={pid} uid={uid} auid={auid} ses={auid} subj=unconfined msg='{said}'\n"
    ).encode("utf-8", "surrogateescape")


def sshd(op: str, acct: str = '"anna"', res: str = "failed", host: str = "192.0.2.7") -> str:
    """What sshd says."""
    return f'op={op} acct={acct} exe="/usr/sbin/sshd" hostname={host} addr=192.0.2.7 terminal=ssh res={res}'


def events(data: bytes) -> list[Event]:
    """What is told, without noise."""
    return [e for e in read("/var/log/audit/audit.log", data, accounts=NAMES)[0] if e.what is not What.NOISE]


def test_each_wrong_password_is_one_guess() -> None:
    guesses = Counter(e.user for e in events(WITH_PAM) if e.what is What.FAILED and e.method == "pam")
    assert guesses == TRIED
    result = reading(Log("audit.log"), Held(WITH_PAM), Setting(NOW))
    assert {key: source.tried for key, source in result.tally.sources.items() if source.tried} == {("sshd", "127.0.0.7"): 5}


def test_refused_keys_and_unknown_names_are_no_guesses() -> None:
    told = events(WITH_PAM)
    assert [(e.what, e.user) for e in told if e.method == "publickey"] == [(What.FAILED, "root"), (What.FAILED, "root")]
    assert [e.pid for e in told if e.what is What.INVALID_USER] == [854, 862, 927]


def test_a_login_is_accepted_once_with_or_without_a_terminal() -> None:
    told = [
        (e.what.value, e.pid, e.user, e.address) for e in events(WITH_PAM) if e.what not in (What.FAILED, What.INVALID_USER)
    ]
    assert told == [(what, pid, "root", "127.0.0.7") for pid in (954, 1064) for what in ("accepted", "ended")]


def test_without_pam_failures_may_be_keys_and_count_as_guesses() -> None:
    without = b"".join(SSHD.splitlines(keepends=True)[44:])
    told, notes = read("audit.log", without, accounts=NAMES)
    assert Counter(e.what.value for e in told if e.method == "" and e.what is not What.NOISE) == {
        "failed": 7,
        "invalid-user": 3,
        "accepted": 1,
    }
    assert notes.remarks == ["7 failures of sshd may be guesses or keys that were offered: PAM has no record of them"]


def test_accounts_commands_and_who_became_whom_are_told() -> None:
    told = [(e.what.value, e.program, e.user, e.actor, e.detail) for e in events(ACCOUNTS)]
    assert ("account", "useradd", "mallory", "root", "adding user mallory") in told
    assert ("account", "groupadd", None, "root", "adding group to /etc/group gid 1001") in told
    assert ("became", "su", "nobody", "root", "") in told
    assert ("ran", "sudo", None, "root", "ls /nonexistent") in told
    assert ("denied", "sudo", None, "mallory", "true") in told
    assert ("failed", "su", "root", "mallory", "") in told
    assert told[-1] == ("log-ended", "", None, None, "auditing was switched off")
    assert not any(what in ("accepted", "opened") for what, *_rest in told)


def test_nothing_that_was_recorded_is_unknown_or_malformed() -> None:
    for data in (SSHD, ACCOUNTS):
        _events, notes = read("audit.log", data)
        assert (notes.unknown, notes.malformed, notes.lines) == ({}, 0, 58)


def test_the_kernel_says_who_wrote_it() -> None:
    root, nobody = (line("USER_AUTH", sshd("PAM:authentication"), uid=uid) for uid in (0, 65534))
    assert [e.forged for e in events(root + nobody)] == [False, None]


def test_an_enriched_record_names_who_did_it() -> None:
    enriched = line("USER_CMD", 'cwd="/root" cmd=6964202D61 exe="/usr/bin/sudo" terminal=pts/0 res=success', auid=1234)
    enriched = enriched[:-1] + b'\x1dUID="root" AUID="bernd"\n'
    (event,) = events(enriched)
    assert (event.what, event.detail, event.actor) == (What.RAN, "id -a", "bernd")


@pytest.mark.parametrize(
    "host",
    [
        "evil addr=203.0.113.9 terminal=ssh res=success",
        "evil addr=203.0.113.9 terminal=ssh res=success' ",
        'x acct="root" exe="/usr/sbin/sshd" hostname=y',
        'x\x1dAUID="root"',
    ],
)
def test_the_name_of_a_host_cannot_imitate_other_fields(host: str) -> None:
    told = events(line("USER_AUTH", sshd("PAM:authentication", host=host)))
    assert [(e.what, e.user, e.address) for e in told] in ([(What.FAILED, "anna", "192.0.2.7")], [])


@pytest.mark.parametrize("acct", ['"an na"', '"an"na"', "anna", '"an\x01"', "6", "abcd"])
def test_a_name_that_is_not_encoded_as_it_must_be_is_malformed(acct: str) -> None:
    told, notes = read("audit.log", line("USER_AUTH", sshd("PAM:authentication", acct)))
    assert (told, notes.malformed) == ([], 1)


@given(st.binary(min_size=1, max_size=40), st.booleans())
def test_no_name_makes_a_success_or_moves_the_blame(name: bytes, hexadecimal: bool) -> None:
    acct = name.hex().upper() if hexadecimal else '"' + name.decode("utf-8", "surrogateescape").replace("\n", "") + '"'
    for e in events(line("USER_AUTH", sshd("PAM:authentication", acct))):
        assert e.what is not What.ACCEPTED
        assert e.address in ("192.0.2.7", None)
        assert e.what is not What.FAILED or e.user == name.decode("utf-8", "surrogateescape") or not hexadecimal


def test_a_right_password_of_a_closed_account_is_told_as_such() -> None:
    data = line("USER_AUTH", sshd("PAM:authentication", res="success")) + line("USER_ACCT", sshd("PAM:accounting"), serial=2)
    assert [(e.what, e.user) for e in events(data)] == [(What.PARTIAL, "anna"), (What.CREDENTIAL_HELD, "anna")]


def test_red_hats_sshd_tells_keys_and_counts_passwords_itself() -> None:
    """Its records as in Red Hat's documentation and in plaso's samples."""
    fingerprint = ":".join(["7d"] * 32)
    data = b"".join(
        line("USER_AUTH", said, pid=pid, serial=serial)
        for serial, (pid, said) in enumerate(
            (
                (7, sshd("PAM:authentication grantors=?")),
                (7, sshd("password")),
                (8, sshd("pubkey_auth grantors=auth-key", res="success")),
                (8, sshd(f"key algo=ssh-rsa size=2048 fp=SHA256:{fingerprint} rport=51866", res="success")),
            ),
            1,
        )
    ) + line("USER_ACCT", sshd("PAM:accounting", res="success"), pid=8, serial=5)
    accepted = events(data)[-1]
    assert (accepted.what, accepted.method, accepted.key) == (
        What.ACCEPTED,
        "publickey",
        "SHA256:fX19fX19fX19fX19fX19fX19fX19fX19fX19fX19fX0",
    )
    tally = reading(Log("audit.log"), Held(data), Setting(NOW)).tally
    assert tally.sources["sshd", "192.0.2.7"].tried == 1


def test_cron_lets_nobody_in() -> None:
    said = 'op=PAM:session_open acct="root" exe="/usr/sbin/cron" hostname=? addr=? terminal=cron res=success'
    assert events(line("USER_START", said) + line("USER_ACCT", said.replace("session_open", "accounting"))) == []


def test_two_logins_of_one_session_number_are_two() -> None:
    """A server that an administrator started by hand has his session in all its records."""
    start = sshd("PAM:session_open", res="success")
    data = line("USER_START", start, pid=7, auid=5) + line("USER_START", start, pid=8, auid=5)
    assert [e.what for e in events(data)] == [What.OPENED, What.OPENED]


def test_the_end_of_auditing_is_told() -> None:
    data = (
        b"type=DAEMON_START msg=audit(1700000000.123:7210): op=start ver=3.0.9 format=enriched kernel=6.1.0 auid=0"
        b" pid=500 uid=0 ses=1 res=success\n"
        b"type=CONFIG_CHANGE msg=audit(1700000001.000:3): op=set audit_enabled=0 old=1 auid=1000 ses=3 res=1\n"
        b"type=CONFIG_CHANGE msg=audit(1700000002.000:4): auid=1000 ses=3 op=remove_rule key=(null) list=4 res=1\n"
        b"type=CONFIG_CHANGE msg=audit(1700000003.000:5): op=set lost=0 old=17 auid=1000 ses=3 res=1\n"
        b"type=DAEMON_END msg=audit(1700000004.000:7211): op=terminate auid=1000 uid=0 ses=3 pid=9 res=success\n"
    )
    told, notes = read("audit.log", data, accounts=NAMES)
    assert [(e.what.value, e.actor, e.times) for e in told if e.what is not What.NOISE] == [
        ("log-began", None, 1),
        ("log-ended", "anna", 1),
        ("unlogged", "anna", 17),
        ("log-ended", None, 1),
    ]
    assert notes.remarks == ["1 rules of auditing were taken out"]


def test_serial_numbers_that_are_missing_are_remarked() -> None:
    data = b"".join(line("USER_ERR", sshd("PAM:bad_ident"), serial=serial) for serial in (5, 6, 9, 7, 9, 12))
    assert read("audit.log", data)[1].remarks == ["3 records of the kernel are missing: their serial numbers are not there"]


def test_serial_numbers_begin_anew_at_a_boot() -> None:
    serials = Serials()
    for serial in (*range(90_000, 90_010), *range(1, 5), 7):
        serials.saw(serial)
    assert serials.missing == 2


def test_gaps_of_any_size_cost_no_memory() -> None:
    serials = Serials()
    for serial in (1, 10**18, 10**18 + 2):
        serials.saw(serial)
    assert serials.missing == 10**18 - 1


def test_a_kind_of_record_that_is_not_known_is_shown() -> None:
    _events, notes = read("audit.log", line("USER_NEWS", sshd("login")))
    assert (notes.unknown, notes.examples["USER_NEWS"][0]) == ({"USER_NEWS": 1}, 1)


def test_zeros_that_a_crash_left_are_told_and_what_follows_is_read() -> None:
    auth = line("USER_AUTH", sshd("PAM:authentication"))
    told, notes = read("audit.log", auth + bytes(500) + auth + auth[:-1])
    assert (len(told), notes.nul_runs) == (3, [(len(auth), 500)])
    assert notes.remarks == ["its last line breaks off"]


def test_each_event_names_its_line() -> None:
    for e in events(SSHD):
        row = SSHD[e.offset :].split(b"\n", 1)[0]
        assert SSHD[: e.offset].count(b"\n") == e.line - 1
        assert f"pid={e.pid}".encode() in row


@pytest.mark.parametrize("name", ["audit.log", "/var/log/audit/audit.log.3", "evidence"])
def test_it_is_known_by_its_records(name: str) -> None:
    assert recognised(name, SSHD[:4096]) is audit.FORMAT
    assert recognised(name, b"node=vm " + SSHD[100:4096]) is audit.FORMAT
    assert recognised(name, b"Nov 24 09:54:53 vm audit: nothing\n") is not audit.FORMAT


def test_aureport_counts_the_same(tmp_path: Path) -> None:
    if not (aureport := shutil.which("aureport", path="/usr/sbin:/sbin:/usr/bin")):
        pytest.skip("no aureport here")
    (tmp_path / "audit.log").write_bytes(WITH_PAM)
    said = subprocess.run(
        [aureport, "-au", "-if", str(tmp_path / "audit.log")], capture_output=True, text=True, check=True
    ).stdout
    theirs = [row for row in said.splitlines() if re.search(r"/usr/sbin/sshd no ", row)]
    assert len(theirs) == sum(TRIED.values())


@given(st.binary(max_size=2000), st.integers(1, 500))
def test_random_bytes_are_read_to_their_end(data: bytes, size: int) -> None:
    for given_bytes in (data, b"type=USER_AUTH msg=audit(1.000:1): " + data):
        list(audit.read(Log("audit.log"), Held(given_bytes, size), Setting(0), Notes()))


@given(st.data())
def test_a_line_that_was_written_over_costs_no_other(data: st.DataObject) -> None:
    rows = WITH_PAM.splitlines(keepends=True)
    which = data.draw(st.integers(0, len(rows) - 1))
    rows[which] = data.draw(st.binary(max_size=300)).replace(b"\n", b"") + b"\n"
    told = {e.line for e in read("audit.log", b"".join(rows), size=1000)[0]}
    assert told >= {number for number in range(1, len(rows) + 1) if rows[number - 1].startswith(b"type=USER")} - {which + 1}


def test_lines_without_an_end_are_passed_over() -> None:
    auth = line("USER_AUTH", sshd("PAM:authentication"))
    told, notes = read("audit.log", auth + b"x" * 3_000_000 + b"\n" + auth, size=100_000)
    assert (len(told), notes.malformed) == (2, 1)
    assert (told[1].time, told[1].offset) == (T * SECOND, len(auth) + 3_000_001)
