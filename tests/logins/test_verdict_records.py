"""Records beside the log: what wtmp adds to a login, and what its silence says."""

from collections.abc import Mapping

from machines_in_words import NO_NETWORK, Held, nanoseconds, written_out
from records_given import record

from auditkit.logins import reading
from auditkit.logins.nouns import Log, Setting
from auditkit.logins.seen import Seen, Verdict
from auditkit.logins.verdict import judged

NOW = nanoseconds("2026-11-24T12:00:00+00:00")
AT = nanoseconds("2026-11-24T09:00:00+00:00") // 10**9
HOURLY = "vm CRON[{500+}]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)\n"
CRON = f"x72 +1h 2026-11-21T12:17:01+00:00 {HOURLY}"
LOGIN = "2026-11-24T09:00:00+00:00 vm sshd[700]: Accepted password for anna from 192.0.2.20 port 50001 ssh2\n"
USER_PROCESS, BOOT_TIME = 7, 2


def verdict(log: str, wtmp: bytes) -> Verdict:
    """The verdict on a text log and a wtmp."""
    sources = {"/var/log/auth.log": written_out(log).encode(), "/var/log/wtmp": wtmp}
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
