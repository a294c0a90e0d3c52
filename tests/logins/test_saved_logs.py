"""Logs as people save and paste them, as another tool printed them: each says the same, or what it cannot say."""

import codecs
import gzip
from dataclasses import replace
from pathlib import Path

import pytest
from held import Held

from auditkit.logins import tally
from auditkit.logins.nouns import Log, Notes, Setting, What
from auditkit.logins.reading import Reading, read
from auditkit.logins.seen import Seen
from auditkit.logins.verdict import judged
from auditkit.logs.files import found

SECOND = 10**9
NOON = 1795521600 * SECOND  # 2026-11-24 12:00 UTC
FAILED = "Failed password for root from 203.0.113.5 port 4000 ssh2"
ACCEPTED = "Accepted password for anna from 192.0.2.7 port 4001 ssh2"
BY_SYSLOG = f"Nov 24 12:00:00 vm sshd[101]: {FAILED}\nNov 24 12:00:00 vm sshd[102]: {ACCEPTED}\n"


def reading(text: str | bytes, name: str = "saved.txt") -> Reading:
    raw = text.encode() if isinstance(text, str) else text
    return read(Log(name, mtime=NOON), Held(raw), Setting(NOON + 86400 * SECOND))


def told(made: Reading) -> tuple[list[tuple[str | None, str | None, int | None]], dict[str, int]]:
    """Who came in from where and when, and guesses by address."""
    came = [(one.user, one.address, one.time) for one in made.tally.kept if one.what is What.ACCEPTED]
    return came, {address: source.guesses for (_, address), source in made.tally.sources.items()}


FRAMES = {
    "syslogd": "Nov 24 12:00:00 vm sshd[{pid}]: {said}",
    "rsyslog without a host": "Nov 24 12:00:00 sshd[{pid}]: {said}",
    "syslog-ng with a year": "Nov 24 2026 12:00:00 vm.corp.example sshd[{pid}]: {said}",
    "busybox": "Nov 24 12:00:00 vm auth.info sshd[{pid}]: {said}",
    "syslogd -v of FreeBSD": "Nov 24 12:00:00 <auth.info> vm sshd[{pid}]: {said}",
    "syslogd -vv of FreeBSD": "Nov 24 12:00:00 <4.6> vm sshd[{pid}]: {said}",
    "syslogd of AIX": "Nov 24 12:00:00 vm auth|security:info sshd[{pid}]: {said}",
    "log show --style syslog of macOS": "2026-11-24 12:00:00.000000+0000  localhost sshd[{pid}]: {said}",
    "journalctl -o short-precise": "Nov 24 12:00:00.000000 vm sshd[{pid}]: {said}",
    "journalctl -o short-iso": "2026-11-24T12:00:00+0000 vm sshd[{pid}]: {said}",
    "journalctl -o short-full": "Tue 2026-11-24 12:00:00 UTC vm sshd[{pid}]: {said}",
    "the same in Berlin": "Tue 2026-11-24 13:00:00 CET vm sshd[{pid}]: {said}",
    "the same in Sao Paulo": "Tue 2026-11-24 09:00:00 -03 vm sshd[{pid}]: {said}",
    "journalctl -o short-unix": "1795521600.000000 vm sshd-session[{pid}]: {said}",
    "journalctl -o verbose": "Tue 2026-11-24 12:00:00.000000 UTC [s=0123456789abcdef0123456789abcdef;i=1a;b=0;m=1;t=1;x=1]\n"
    "    _HOSTNAME=vm\n    SYSLOG_IDENTIFIER=sshd\n    _PID={pid}\n    MESSAGE={said}\n    _UID=0",
    "logread of OpenWrt": "Tue Nov 24 12:00:00 2026 auth.info sshd[{pid}]: {said}",
    "sshd.log of Windows": "{pid} 2026-11-24 12:00:00.000 {said}",
    "docker logs -t": "2026-11-24T12:00:00.000000000Z {said}",
    "a pod of Kubernetes": "2026-11-24T12:00:00.000000000Z stderr F {said}",
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_a_log_says_the_same_however_it_was_saved(frame: str) -> None:
    heading = "-- Journal begins at Mon 2026-11-23 09:00:00 UTC. --\n" if "journalctl" in frame else ""
    text = heading + "\n".join((frame.format(pid=101, said=FAILED), frame.format(pid=102, said=ACCEPTED), ""))
    made = reading(text)
    assert told(made) == ([("anna", "192.0.2.7", NOON)], {"203.0.113.5": 1})
    assert made.notes.malformed == 0


def test_output_of_sshd_without_times_tells_who_and_not_when() -> None:
    made = reading(f"Server listening on 0.0.0.0 port 22.\r\n{FAILED}\r\n{ACCEPTED}\r\n")
    assert told(made) == ([("anna", "192.0.2.7", None)], {"203.0.113.5": 1})
    assert made.notes.first is None


def test_a_value_of_a_verbose_entry_cannot_look_like_a_field() -> None:
    """journalctl sets what stands behind a line end as far in as the value."""
    entry = "Tue 2026-11-24 12:00:00.000000 UTC [s=0123456789abcdef0123456789abcdef;i=1a;b=0;m=1;t=1;x=1]\n"
    fields = "    _COMM=logger\n    _UID=1000\n    SYSLOG_IDENTIFIER=sshd\n"
    (came,) = reading(f"{entry}{fields}    MESSAGE={ACCEPTED}\n            _COMM=sshd\n            _UID=0\n").tally.kept
    assert came.forged is True


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_what_powershell_saves_is_read_and_is_no_tampering(tmp_path: Path, encoding: str) -> None:
    mark = codecs.BOM_UTF16_BE if encoding == "utf-16-be" else b""
    (tmp_path / "saved.txt").write_bytes(mark + BY_SYSLOG.encode(encoding))
    (source,) = found(str(tmp_path), ["/saved.txt"])
    made = reading(b"".join(source.data.chunks()))
    assert told(made) == ([("anna", "192.0.2.7", NOON)], {"203.0.113.5": 1})
    assert (made.notes.nul_runs, made.notes.malformed) == ([], 0)


def test_a_log_that_was_packed_twice_is_unpacked_twice(tmp_path: Path) -> None:
    (tmp_path / "auth.log.gz").write_bytes(gzip.compress(gzip.compress(BY_SYSLOG.encode("utf-16"))))
    (source,) = found(str(tmp_path), ["/auth.log.gz"])
    assert b"".join(source.data.chunks()).decode() == BY_SYSLOG


def test_packings_in_one_another_end_somewhere(tmp_path: Path) -> None:
    data = BY_SYSLOG.encode()
    for _ in range(50):
        data = gzip.compress(data)
    (tmp_path / "auth.log.gz").write_bytes(data)
    (source,) = found(str(tmp_path), ["/auth.log.gz"])
    assert b"Accepted" not in b"".join(source.data.chunks())


NOT_READ = {
    "a day that is none": (f"2026-11-31T12:00:00+00:00 vm sshd[9]: {ACCEPTED}", "(no time that can be): "),
    "an hour that is none": (f"2026-11-24T25:00:00+00:00 vm sshd[9]: {ACCEPTED}", "(no time that can be): "),
    "no stamp": (f"vm sshd[9]: {ACCEPTED}", "(no time): "),
    "no program": (f"Nov 24 12:00:00 {ACCEPTED}", "(no program): "),
}


@pytest.mark.parametrize(("line", "why"), NOT_READ.values(), ids=NOT_READ)
def test_a_login_in_a_line_that_cannot_be_read_is_shown(line: str, why: str) -> None:
    made = reading(f"{BY_SYSLOG}{line}\n", "auth.log")
    assert made.notes.malformed == 1
    ((shape, number),) = made.notes.unknown.items()
    assert shape.startswith(why)
    assert "Accepted password for" in shape
    assert number == 1


def test_lines_that_go_on_and_headings_tell_nothing() -> None:
    made = reading(f"-- Boot 0123 --\n{BY_SYSLOG}               {ACCEPTED}\n-- No entries --\n")
    assert (made.notes.unknown, made.notes.malformed) == ({}, 1)


def test_a_line_without_end_hides_no_login() -> None:
    made = reading(f"{BY_SYSLOG}{'A' * (1 << 17)}{ACCEPTED}\n", "auth.log")
    assert list(made.notes.unknown) == ["(longer than any): may tell of a login: its end was"]


def test_a_line_of_pam_behind_the_mark_of_a_stage_is_understood() -> None:
    said = "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser=rda rhost=192.0.2.113 [preauth]"
    made = reading(f"Nov 24 12:00:00 vm sshd[9]: {said}\n")
    assert (made.notes.unknown, made.tally.sources["sshd", "192.0.2.113"].pam) == ({}, 1)


def test_stamps_without_a_zone_are_known_as_such() -> None:
    for stamp, zoneless in (("2026-11-24 12:00:00", True), ("2026-11-24T12:00:00Z", False), ("Nov 24 12:00:00", True)):
        assert reading(f"{stamp} vm sshd[9]: {FAILED}\n").notes.zoneless is zoneless


def test_notes_of_parts_are_joined() -> None:
    assert Notes(zoneless=False).joined(Notes(zoneless=True), 0).zoneless


def test_one_stamp_out_of_place_moves_no_other_line_by_a_year() -> None:
    """Else a login before it would lie outside of --since."""
    odd = "Mar  1 00:00:00 vm sshd[9]: Server listening on :: port 22.\n"
    more = "Nov 25 12:00:00 vm sshd[9]: Server listening on :: port 22.\n"
    ((_, _, time),), _ = told(reading(f"{BY_SYSLOG}{odd}{odd.replace('1', '2', 1)}{more}"))
    assert time == NOON


# --- more than is kept ------------------------------------------------------------------------------------------------


def of_a_year(monkeypatch: pytest.MonkeyPatch, last: str) -> Seen:
    """A log in which a program comes in all day long, with more events than are kept, and then somebody else."""
    monkeypatch.setattr(tally, "KEPT", 30)
    again = [
        f"Nov 24 {hour:02}:00:00 vm sshd[{hour}]: Accepted publickey for mon from 192.0.2.7 port 4000 ssh2\n"
        f"Nov 24 {hour:02}:00:00 vm sshd[{hour}]: pam_unix(sshd:session): session opened for user mon(uid=1) by (uid=0)\n"
        f"Nov 24 {hour:02}:00:01 vm sshd[{hour}]: pam_unix(sshd:session): session closed for user mon\n"
        for hour in range(20)
    ]
    return Seen("vm", (reading("".join(again) + last, "auth.log"),), Setting(NOON + 86400 * SECOND))


def test_a_flood_of_one_who_comes_all_day_hides_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = "Nov 24 20:00:00 vm sshd[99]: Accepted password for root from 203.0.113.66 port 4000 ssh2\n"
    made = judged(of_a_year(monkeypatch, stranger))
    assert [(one["user"], one["state"]) for one in made.logins["successes"]][-1] == ("root", "bare")  # type: ignore[attr-defined]
    assert "; more than 11 logins, of mon and root from 2 addresses" in str(made.logins["verdict"])
    assert any("30 events beyond what is kept" in gap.reason for gap in made.gaps)


def test_nobody_got_in_is_not_said_where_logins_were_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    since = NOON + 5 * 3600 * SECOND
    made = judged(replace(of_a_year(monkeypatch, ""), since=since))
    assert made.logins["access"] == "cannot-tell"
    assert "cannot be told: there are more logins than are kept" in str(made.logins["verdict"])


def test_more_addresses_and_names_than_are_counted_are_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "ADDRESSES", 5)
    monkeypatch.setattr(tally, "PER_ADDRESS", 5)
    lines = (f"Nov 24 12:00:00 vm sshd[9]: Failed password for n{n} from 203.0.113.{n} port 4000 ssh2\n" for n in range(60))
    made = judged(Seen("vm", (reading("".join(lines), "auth.log"),), Setting(NOON + 86400 * SECOND)))
    assert str(made.logins["verdict"]).startswith("60 guesses from more than 5 addresses in 1 second at more than 10 names")


def test_a_copy_beside_the_log_may_count_twice() -> None:
    log = [f"Nov 24 12:{n:02}:00 vm sshd[9]: Failed password for root from 203.0.113.5 port 4000 ssh2\n" for n in range(9)]
    both = reading("".join(log[:6]), "auth.log.1"), reading("".join(log[3:]), "auth.log")
    made = judged(Seen("vm", both, Setting(NOON + 86400 * SECOND)))
    where = "2026-11-24 12:03:00Z to 2026-11-24 12:05:00Z"
    assert f"auth.log.1 and auth.log both have lines of {where}: guesses of that time may count twice" in made.notes


def test_of_two_copies_one_of_which_was_edited_both_count() -> None:
    edited = BY_SYSLOG.replace("192.0.2.7", "192.0.2.8")
    both = reading(BY_SYSLOG, "auth.log"), reading(edited, "auth.log.1")
    made = judged(Seen("vm", both, Setting(NOON + 86400 * SECOND)))
    assert sorted(str(one["address"]) for one in made.logins["successes"]) == ["192.0.2.7", "192.0.2.8"]  # type: ignore[attr-defined]


def test_guesses_whose_lines_were_cut_off_are_not_of_the_machine_itself() -> None:
    made = judged(
        Seen("vm", (reading("Nov 24 12:00:00 vm sshd[9]: Failed password for root fr\n", "auth.log"),), Setting(NOON))
    )
    assert "1 guess from an address that its lines do not have" in str(made.logins["verdict"])
