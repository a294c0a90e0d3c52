"""Who wrote an entry: the fields that journald sets, and whether the line is by the program that it names."""

import pytest
from journals_given import exported, read, sshd

from auditkit.logins.journals.trust import forged
from auditkit.logins.nouns import What

LISTENER = {"_COMM": "sshd", "_UID": 0, "_EXE": "/usr/sbin/sshd", "_SYSTEMD_UNIT": "ssh.service"}
MONITOR = LISTENER | {"_COMM": "sshd-session", "_EXE": "/usr/lib/openssh/sshd-session", "_SYSTEMD_UNIT": "session-5.scope"}
CHILD = MONITOR | {"_UID": 1000}
LOGGER = {"_COMM": "logger", "_UID": 65534, "_EXE": "/usr/bin/logger", "_SYSTEMD_UNIT": "session-5.scope"}
SUDO = {"_COMM": "sudo", "_UID": 1000, "_EXE": "/usr/bin/sudo", "_SYSTEMD_UNIT": "session-5.scope"}
CASES = [
    ("sshd", What.ACCEPTED, LISTENER, False),
    ("sshd-session", What.ACCEPTED, MONITOR, False),
    # the name of the program changed with 9.8; which of them a line names does not matter
    ("sshd", What.ACCEPTED, MONITOR, False),
    # what has become the user tells of the end of the session, and never that somebody came in
    ("sshd-session", What.ENDED, CHILD, None),
    ("sshd-session", What.ACCEPTED, CHILD, True),
    ("sshd", What.ACCEPTED, LOGGER, True),
    ("sshd", What.ACCEPTED, LOGGER | {"_UID": 0}, True),
    # a program that a user called sshd
    ("sshd", What.ACCEPTED, {"_COMM": "sshd", "_UID": 1000, "_EXE": "/home/eve/sshd"}, True),
    ("sshd", What.ENDED, {"_COMM": "sshd", "_UID": 1000, "_EXE": "/home/eve/sshd"}, True),
    # it had ended before journald could look at it: only the kernel's word on its user is left
    ("sshd", What.ACCEPTED, {"_UID": 65534}, True),
    ("sshd", What.ACCEPTED, {"_UID": 0}, None),
    ("sshd", What.ACCEPTED, {}, None),
    ("sshd", What.ACCEPTED, {"_TRANSPORT": "kernel"}, True),
    # anybody can run sudo without its powers and make it write: it stays open
    ("sudo", What.RAN, SUDO, None),
    ("sudo", What.RAN, SUDO | {"_UID": 0}, False),
    ("sudo", What.RAN, SUDO | {"_EXE": "/tmp/sudo"}, True),
    ("sudo", What.RAN, LOGGER, True),
    ("su", What.BECAME, SUDO, True),
    ("CRON", What.OPENED, {"_COMM": "cron", "_UID": 0}, False),
    ("systemd-logind", What.OPENED, {"_COMM": "systemd-logind", "_UID": 0}, False),
    ("polkit-agent-helper-1", What.FAILED, {"_COMM": "polkit-agent-he", "_UID": 0}, False),
    ("postfix/smtpd", What.FAILED, {"_COMM": "smtpd", "_UID": 104, "_SYSTEMD_UNIT": "postfix@-.service"}, False),
    ("vsftpd", What.FAILED, {"_COMM": "vsftpd", "_UID": 101, "_SYSTEMD_UNIT": "vsftpd.service"}, False),
    # what a person makes the mail server run for him runs in its unit
    ("postfix/smtpd", What.ACCEPTED, {"_COMM": "smtpd", "_UID": 1000, "_SYSTEMD_UNIT": "postfix@-.service"}, None),
    ("postfix/smtpd", What.ACCEPTED, {"_COMM": "smtpd", "_UID": 1000, "_EXE": "/home/eve/smtpd"}, True),
    # and sessions stay in the unit of sshd where no logind moves them
    ("sshd", What.ACCEPTED, {"_COMM": "sshd", "_UID": 1000, "_SYSTEMD_UNIT": "ssh.service"}, True),
    ("sshd", What.ACCEPTED, {"_COMM": "sshd", "_UID": 33, "_SYSTEMD_UNIT": "ssh.service"}, True),
    ("vsftpd", What.ACCEPTED, {"_COMM": "vsftpd", "_UID": 33, "_SYSTEMD_UNIT": "apache2.service"}, None),
    ("vsftpd", What.ACCEPTED, {"_COMM": "vsftpd", "_UID": 1000, "_SYSTEMD_UNIT": "user@1000.service"}, True),
]


@pytest.mark.parametrize(("program", "what", "fields", "expected"), CASES)
def test_who_wrote_it(program: str, what: What, fields: dict[str, str | int], expected: bool | None) -> None:
    raw = {name.encode(): str(value).encode() for name, value in fields.items()}
    assert forged(program, what, raw) is expected


def test_the_process_is_the_one_that_the_kernel_gives() -> None:
    entry = sshd("Accepted password for root from 192.0.2.10 port 5 ssh2", _COMM="logger", _PID=999, SYSLOG_PID=4711)
    events, _ = read(exported([entry]), "given")
    assert [(event.pid, event.forged) for event in events] == [(999, True)]


def test_what_sshd_writes_under_another_name_is_seen() -> None:
    entry = sshd("Accepted password for root from 192.0.2.10 port 5 ssh2", SYSLOG_IDENTIFIER="sshd-behind-the-router")
    events, _ = read(exported([entry, entry | {"_UID": 1000}]), "given")
    assert [(event.what, event.program, event.user, event.forged) for event in events] == [
        (What.ACCEPTED, "sshd", "root", False),
        (What.ACCEPTED, "sshd-behind-the-router", "root", True),
    ]


def test_a_second_identifier_hides_no_claim() -> None:
    text = exported(
        [sshd("Accepted password for root from 192.0.2.10 port 5 ssh2", _COMM="python3", _UID=1000, SYSLOG_IDENTIFIER="x")]
    )
    events, _ = read(text.replace(b"SYSLOG_IDENTIFIER=x\n", b"SYSLOG_IDENTIFIER=x\nSYSLOG_IDENTIFIER=sshd\n"), "given")
    assert [(event.what, event.program, event.forged) for event in events] == [(What.ACCEPTED, "sshd", True)]


def test_nobody_but_root_can_make_it_look_as_if_a_login_were_not_understood() -> None:
    """A user's `logger -t sshd` is known to be no sshd; of root it may be an sshd that we do not know."""
    said = "A new form of login was accepted for root"
    for user in (1000, 65534):
        entry = sshd(said, _COMM="logger", _UID=user, _EXE="/usr/bin/logger")
        assert not read(exported([entry]), "given")[1].notes.unknown
    assert read(exported([sshd(said, _COMM="sshd-monitor")]), "given")[1].notes.unknown
    assert read(exported([sshd(said)]), "given")[1].notes.unknown
