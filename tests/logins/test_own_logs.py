"""Logs that programs write themselves: each is known for what it is, read with its own stamps, and breaks on nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.logins.formats import BEGINNING, FORMATS, exim, logread, openvpn, proftpd, recognised, smbd, vsftpd, xrdp
from auditkit.logins.nouns import Event, Log, Notes, Setting, What

BERLIN = timezone(timedelta(hours=1))
NOW = int(datetime(2025, 11, 30, tzinfo=UTC).timestamp()) * 10**9
OWN = (
    vsftpd.FORMAT,
    exim.FORMAT,
    proftpd.FORMAT,
    proftpd.OLD,
    xrdp.FORMAT,
    openvpn.FORMAT,
    openvpn.OLD,
    logread.FORMAT,
    smbd.FORMAT,
)

VSFTPD = """\
Mon Nov 24 10:00:00 2025 [pid 3] CONNECT: Client "192.0.2.1"
Mon Nov 24 10:00:01 2025 [pid 2] [bob] FAIL LOGIN: Client "192.0.2.1"
Mon Nov 24 10:00:09 2025 [pid 2] [bob] OK LOGIN: Client "192.0.2.1"
"""
EXIM = """\
2025-11-24 09:59:59 Warning: purging the environment.
 Suggested action: use keep_environment.
2025-11-24 09:59:59 exim 4.96 daemon started: pid=812, -q30m, listening for SMTP on port 25 (IPv4)
2025-11-24 10:00:01 login authenticator failed for (ylmf-pc) [192.0.2.1]: 535 Incorrect authentication data (set_id=bob)
2025-11-24 10:00:09 1qABCD-0005aB-CD <= bob@example.org H=(pc) [192.0.2.1] P=esmtpsa A=login:bob S=1234
"""
EXIM_ZONE = """\
2025-11-24 09:00:01.250 +0000 [812] login authenticator failed for (x) [192.0.2.1]: 535 Incorrect authentication data
"""
PROFTPD = """\
2025-11-24 10:00:01,250 web1 proftpd[812] web1 (client[192.0.2.1]): USER bob (Login failed): Incorrect password.
2025-11-24 10:00:09,250 web1 proftpd[812] web1 (client[192.0.2.1]): USER bob: Login successful.
"""
PROFTPD_OLD = """\
Nov 24 10:00:01 web1 proftpd[812] web1 (client[192.0.2.1]): USER bob: no such user found from client [192.0.2.1] to 192.0.2.2:21
"""
XRDP = """\
[20251124-10:00:01] [INFO ] AUTHFAIL: user=bob ip=::ffff:192.0.2.1 time=1763974801
"""
XRDP_ZONE = """\
[2025-11-24T09:00:01.250+0000] [INFO ] AUTHFAIL: user=bob ip=192.0.2.1 time=1763974801
"""
OPENVPN = """\
2025-11-24 10:00:00 OpenVPN 2.6.3 x86_64-pc-linux-gnu
2025-11-24 10:00:01 192.0.2.1:1194 TLS Auth Error: Auth Username/Password verification failed for peer
"""
OPENVPN_OLD = """\
Mon Nov 24 10:00:01 2025 192.0.2.1:1194 [laptop] Peer Connection Initiated with [AF_INET]192.0.2.1:1194
"""
LOGREAD = """\
Mon Nov 24 10:00:00 2025 daemon.info dnsmasq[1]: started
Mon Nov 24 10:00:01 2025 authpriv.warn dropbear[812]: Bad password attempt for 'root' from 192.0.2.1:4711
"""
SMBD = """\
[2025/11/24 10:00:01.250000,  2] ../../auth/auth_log.c:635(log_authentication_event_human_readable)
  Auth: [SMB2,(null)] user [E]\\[bob] at [x] with [NTLMv2] status [NT_STATUS_WRONG_PASSWORD] workstation [PC] remote host \
[ipv4:192.0.2.1:50234] mapped to [E]\\[bob]. local host [ipv4:198.51.100.1:445]
"""


@dataclass
class Text:
    """The bytes of a source, in pieces of a length."""

    data: bytes
    length: int = 7

    def chunks(self) -> Iterator[bytes]:
        for start in range(0, len(self.data), self.length):
            yield self.data[start : start + self.length]

    def whole(self) -> bytes:
        return self.data


def events(text: str | bytes, name: str = "x.log", mtime: int = NOW) -> tuple[str, list[Event], Notes]:
    """What a source is taken for, and what it tells, in a place one hour east of UTC."""
    data = text.encode() if isinstance(text, str) else text
    form = recognised(name, data[:BEGINNING])
    assert form
    notes = Notes()
    return form.title, list(form.read(Log(name, mtime=mtime), Text(data), Setting(NOW, BERLIN, zone_known=True), notes)), notes


def row(event: Event) -> tuple[What, str, str | None, str | None, str]:
    time = datetime.fromtimestamp((event.time or 0) // 10**9, UTC).strftime("%F %T")
    return event.what, event.program, event.user, event.address, time


FAILED, IN = What.FAILED, What.ACCEPTED
AT = "2025-11-24 09:00:01"


@pytest.mark.parametrize(
    ("text", "title", "told"),
    [
        (VSFTPD, "log of vsftpd", [(FAILED, "vsftpd", "bob"), (IN, "vsftpd", "bob")]),
        (EXIM, "main log of exim", [(FAILED, "exim", "bob"), (IN, "exim", "bob")]),
        (EXIM_ZONE, "main log of exim", [(FAILED, "exim", None)]),
        (PROFTPD, "log of proftpd", [(FAILED, "proftpd", "bob"), (IN, "proftpd", "bob")]),
        (PROFTPD_OLD, "log of proftpd", [(FAILED, "proftpd", "bob")]),
        (XRDP, "log of xrdp-sesman", [(FAILED, "xrdp-sesman", "bob")]),
        (XRDP_ZONE, "log of xrdp-sesman", [(FAILED, "xrdp-sesman", "bob")]),
        (OPENVPN, "log of OpenVPN", [(FAILED, "openvpn", None)]),
        (OPENVPN_OLD, "log of OpenVPN", [(IN, "openvpn", "laptop")]),
        (LOGREAD, "log of OpenWrt", [(FAILED, "dropbear", "root")]),
        (SMBD, "log of Samba", [(FAILED, "smbd", "bob")]),
    ],
)
def test_a_log_that_a_program_writes_itself(text: str, title: str, told: list[tuple[What, str, str | None]]) -> None:
    taken_for, found, notes = events(text)
    rows = [row(event) for event in found if event.what in (FAILED, IN)]
    assert taken_for == title
    assert [(what, program, user) for what, program, user, _, _ in rows] == told
    assert {address for _, _, _, address, _ in rows} == {"192.0.2.1"}
    assert rows[0][4] == AT
    assert (notes.malformed, notes.unknown, notes.lines) == (0, {}, text.count("\n"))


def test_lines_and_offsets_are_those_of_the_source() -> None:
    found = events(VSFTPD)[1]
    assert [event.line for event in found] == [1, 2, 3]
    assert [VSFTPD.encode()[event.offset :].split(b"\n")[0].decode() for event in found] == VSFTPD.splitlines()


def test_a_line_that_is_none_is_counted() -> None:
    _, found, notes = events(VSFTPD + "garbage\n" + VSFTPD.splitlines()[1] + "\n")
    assert (len(found), notes.malformed, notes.lines) == (4, 1, 5)


def test_the_year_of_an_old_log_of_proftpd_is_that_of_its_file() -> None:
    last = int(datetime(2013, 12, 1, tzinfo=UTC).timestamp()) * 10**9
    assert row(events(PROFTPD_OLD, mtime=last)[1][0])[4] == "2013-11-24 09:00:01"


def test_syslog_is_still_taken_for_syslog() -> None:
    line = "2025-11-24T10:00:00.123456+01:00 web1 sshd[1]: Accepted password for bob from 192.0.2.1 port 4711 ssh2\n"
    assert events(line, "/var/log/auth.log")[0] == "text log"
    assert events("Nov 24 10:00:00 web1 proftpd[1]: web1 (c[192.0.2.1]) - USER bob: Login successful.\n")[0] == "text log"


@given(
    st.lists(st.one_of(st.sampled_from((VSFTPD, EXIM, PROFTPD_OLD, XRDP, SMBD)), st.text()), max_size=4), st.binary(max_size=40)
)
def test_no_bytes_break_a_reader(texts: list[str], rest: bytes) -> None:
    data = "".join(texts).encode("utf-8", "surrogatepass")[5:] + rest
    for form in OWN:
        assert form in FORMATS
        form.recognises("x", data[:BEGINNING])
        found = list(form.read(Log("x"), Text(data), Setting(NOW, BERLIN), Notes()))
        assert len(found) <= data.count(b"\n") + 1


FORGED = "Nov 24 10:00:01 web1 proftpd[12] web1 (client[192.0.2.9]): FTP session opened.\n"
"""What `logger -t 'proftpd[12] web1 (client[192.0.2.9])' 'FTP session opened.'` writes into a log of syslogd, as anybody."""
HIDDEN = "Nov 24 10:00:02 web1 sshd[7]: Accepted password for root from 192.0.2.7 port 4711 ssh2\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("/var/log/auth.log", FORGED + 2 * HIDDEN),
        ("/var/log/auth.log", 19 * FORGED + HIDDEN),
        ("/var/log/secure-20251124", 19 * FORGED + HIDDEN),
        ("/tmp/copy-of-it", FORGED + 2 * HIDDEN),
    ],
)
def test_a_forged_line_makes_no_log_of_syslogd_one_of_proftpd(name: str, text: str) -> None:
    form = recognised(name, text.encode())
    assert form is not None
    told = form.read(Log(name), Text(text.encode()), Setting(NOW), Notes())
    assert [event.what for event in told if event.user == "root"] == [What.ACCEPTED] * text.count(HIDDEN)


def test_a_login_of_another_program_among_lines_of_one_is_shown() -> None:
    notes = Notes()
    list(proftpd.OLD.read(Log("/tmp/copy-of-it"), Text((FORGED + HIDDEN).encode()), Setting(NOW), notes))
    assert (notes.malformed, list(notes.unknown.values())) == (1, [1])


def test_a_day_of_one_digit_may_have_lost_its_blank() -> None:
    line = 'Mon Nov 3 10:00:09 2025 [pid 2] [bob] OK LOGIN: Client "192.0.2.1"\n'
    assert [event.what for event in vsftpd.FORMAT.read(Log("vsftpd.log"), Text(line.encode()), Setting(NOW), Notes())] == [
        What.ACCEPTED
    ]
