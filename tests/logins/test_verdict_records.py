"""Records beside the log: what wtmp adds to a login, and what its silence says."""

import lzma
from collections.abc import Mapping
from pathlib import Path

from held import Held
from machines_in_words import NO_NETWORK, nanoseconds, written_out
from records_given import record
from test_wtmpdb import database

from auditkit.logins import reading
from auditkit.logins.nouns import Log, Setting
from auditkit.logins.seen import Seen, Verdict
from auditkit.logins.verdict import judged

DATA = Path(__file__).parent / "data"
NOW = nanoseconds("2026-11-24T12:00:00+00:00")
AT = nanoseconds("2026-11-24T09:00:00+00:00") // 10**9
HOURLY = "vm CRON[{500+}]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)\n"
CRON = f"x72 +1h 2026-11-21T12:17:01+00:00 {HOURLY}"
LOGIN = "2026-11-24T09:00:00+00:00 vm sshd[700]: Accepted password for anna from 192.0.2.20 port 50001 ssh2\n"
USER_PROCESS, BOOT_TIME = 7, 2


def verdict(log: str, wtmp: bytes) -> Verdict:
    """The verdict on a text log and a wtmp."""
    return of_files({"/var/log/auth.log": written_out(log).encode(), "/var/log/wtmp": wtmp})


def of_files(sources: Mapping[str, bytes]) -> Verdict:
    """The verdict on files of one machine."""
    readings = [reading.read(Log(name, size=len(data)), Held(data), Setting(NOW)) for name, data in sources.items()]
    return judged(Seen("vm", tuple(readings), Setting(NOW), office=NO_NETWORK))


def logins(found: Verdict) -> list[Mapping[str, object]]:
    """Who got in."""
    successes = found.logins["successes"]
    assert isinstance(successes, list)
    return successes


def session(user: bytes, address: str, after: float = 0.4) -> bytes:
    """A session at a terminal, a moment after the login."""
    return record(USER_PROCESS, AT + after, user, b"pts/0", address.encode(), address, pid=702)


def test_a_session_in_wtmp_supports_the_login_of_its_log_and_counts_once() -> None:
    (login,) = logins(verdict(CRON + LOGIN, session(b"anna", "192.0.2.20")))
    assert (login["user"], login["state"], login["support"]) == ("anna", "supported", ["text", "wtmp"])


def test_a_session_from_elsewhere_is_another_login() -> None:
    found = verdict(CRON + LOGIN, session(b"anna", "203.0.113.5"))
    assert [(login["address"], login["state"]) for login in logins(found)] == [
        ("192.0.2.20", "bare"),
        ("203.0.113.5", "sourceless"),
    ]
    assert "session-without-login" in {finding.rule.id for finding in found.findings}


def test_a_session_whose_line_was_taken_out_of_the_log_is_a_login() -> None:
    found = verdict(CRON, session(b"root", "198.51.100.9"))
    assert found.logins["access"] == "seen"
    assert [finding.rule.id for finding in found.findings] == ["session-without-login"]


def test_a_session_at_the_machine_itself_is_told_apart() -> None:
    found = verdict(CRON, record(USER_PROCESS, AT, b"anna", b"tty1", pid=702))
    assert (found.logins["access"], logins(found)) == ("none-seen", [])
    assert found.logins["elsewhere"] == [{"service": "at the machine", "user": "anna", "logins": 1}]


def test_zeros_in_place_of_a_record_are_a_sign_of_tampering() -> None:
    whole = session(b"anna", "192.0.2.20")
    found = verdict(CRON + LOGIN, record(BOOT_TIME, AT - 86400, b"reboot", b"~", b"6.1.0") + bytes(len(whole)) + whole)
    assert found.logins["coverage"] == "tamper"
    assert "log-tampered" in {finding.rule.id for finding in found.findings}


def test_a_record_that_was_set_to_empty_and_keeps_its_name_is_a_sign_of_tampering() -> None:
    found = verdict(CRON + LOGIN, session(b"anna", "192.0.2.20") + record(0, AT + 1, b"mallory", b"pts/1", b"198.51.100.9"))
    (told,) = [finding for finding in found.findings if finding.rule.id == "log-tampered"]
    assert told.message == "1 record that holds a name is set to EMPTY, which nothing does in wtmp that adds to it"


def test_an_entry_of_a_journal_whose_bytes_were_changed_is_a_sign_of_tampering() -> None:
    found = of_files({"/var/log/journal/1/system.journal": lzma.decompress((DATA / "t1.journal.xz").read_bytes())})
    assert [finding.message for finding in found.findings if "changed in place" in finding.message]
    whole = of_files({"/var/log/journal/1/system.journal": lzma.decompress((DATA / "out.journal.xz").read_bytes())})
    assert whole.logins["coverage"] != "tamper"


def test_a_boot_explains_that_a_log_was_silent() -> None:
    off, on = f"x60 +1h 2026-11-20T00:17:01+00:00 {HOURLY}", f"x30 +1h 2026-11-23T06:17:01+00:00 {HOURLY}"
    boot = record(BOOT_TIME, nanoseconds("2026-11-23T06:16:00+00:00") // 10**9, b"reboot", b"~", b"6.1.0")
    assert verdict(off + on, boot).logins["coverage"] == "complete"
    assert verdict(off + on, session(b"anna", "192.0.2.20")).logins["coverage"] == "gap"


def test_a_session_after_guesses_is_asked_about_though_no_server_tells_of_it() -> None:
    guesses = "x30 +4s 2026-11-24T08:55:00+00:00 vm sshd[9]: Failed password for anna from 203.0.113.5 port {40000+} ssh2\n"
    found = verdict(CRON + guesses, session(b"anna", "203.0.113.5"))
    assert {(finding.rule.id, finding.severity.word) for finding in found.findings} >= {
        ("success-after-guessing", "critical"),
        ("session-without-login", "medium"),
    }


# --- one source alone


LASTLOG2 = "CREATE TABLE Lastlog2(Name TEXT PRIMARY KEY, Time INTEGER, TTY TEXT, RemoteHost TEXT, Service TEXT) STRICT"


def alone(name: str, data: bytes) -> tuple[object, str, str]:
    """The access, the sentence, and why more cannot be told, by one file."""
    found = of_files({name: data})
    gaps = [gap.reason for gap in found.gaps if gap.subject == "logins"]
    return found.logins["access"], str(found.logins["verdict"]), "; ".join(gaps)


def test_sessions_that_wtmp_alone_tells_of_are_logins_and_whether_there_were_others_is_not_known() -> None:
    access, sentence, gap = alone("/var/log/wtmp", session(b"anna", "192.0.2.20"))
    assert access == "seen"
    assert sentence.startswith("whether anybody guessed cannot be told; 1 login, of anna from 192.0.2.20 at 2026-11-24")
    assert gap == (
        "whether anybody else got in cannot be told: no source tells of every login: wtmp holds sessions at terminals only"
    )


def test_lastlog2_alone_tells_of_the_last_login_of_each_account() -> None:
    data = database(LASTLOG2, rows=(("anna", AT, "pts/0", "192.0.2.20", "sshd"),), table="Lastlog2")
    access, sentence, gap = alone("/var/lib/lastlog/lastlog2.db", data)
    assert (access, "1 login, of anna from 192.0.2.20" in sentence) == ("seen", True)
    assert gap.endswith("lastlog2.db holds the last login of each account only")


def test_btmp_alone_holds_failures_only() -> None:
    access, sentence, _gap = alone("/var/log/btmp", (DATA / "btmp").read_bytes())
    assert access == "cannot-tell"
    assert " guesses from 127.0.0.1" in sentence
    assert "whether anybody got in cannot be told: no source tells of every login: btmp holds failures only" in sentence


def test_audit_alone_is_the_word_of_sshd() -> None:
    found = of_files({"/var/log/audit/audit.log": (DATA / "audit.sshd-9.2.log").read_bytes()})
    assert (found.logins["access"], {login["state"] for login in logins(found)}) == ("seen", {"supported"})
    assert "session-without-login" not in {finding.rule.id for finding in found.findings}
    assert "audit.log, which covers" in str(found.logins["verdict"])
    assert not [gap for gap in found.gaps if "no source" in gap.reason]


def test_a_login_of_audit_whose_line_was_taken_out_of_the_log_is_one_of_its_own() -> None:
    audit = (DATA / "audit.sshd-9.2.log").read_bytes()
    told = len(logins(of_files({"/var/log/audit/audit.log": audit})))
    both = of_files({"/var/log/audit/audit.log": audit, "/var/log/auth.log": written_out(CRON + LOGIN).encode()})
    assert len(logins(both)) == told + 1


def test_why_it_cannot_be_told_stands_by_itself_too() -> None:
    odd = of_files({"/var/log/auth.log": written_out(f"{CRON}{LOGIN.replace('password for anna', 'wonder')}").encode()})
    assert (odd.logins["access"], odd.logins["why_not"]) == ("cannot-tell", "lines that may tell of it were not understood")
    nothing = of_files({"/var/log/lastlog": b""})
    assert (nothing.logins["access"], nothing.logins["why_not"]) == (
        "cannot-tell",
        "no source tells of logins: /var/log/lastlog empty",
    )
    assert verdict(CRON, b"").logins["why_not"] is None


def test_of_few_guesses_the_report_says_that_they_show_nothing_and_of_none_that_there_were_none() -> None:
    guess = "2026-11-24T09:00:00+00:00 vm sshd[700]: Failed password for invalid user oracle from 203.0.113.5 port 50001 ssh2\n"
    told = [verdict(CRON + guess.replace(":00:00+", f":00:0{at}+") * at, b"").logins for at in (0, 1, 3)]
    assert [(one["pattern"], one["why"]) for one in told] == [
        ("not-enough-data", "nobody guessed"),
        ("not-enough-data", "1 guess shows no pattern"),
        ("not-enough-data", "3 guesses show no pattern"),
    ]
