"""Sessions as systemd-logind keeps them in /run, one file each."""

import pytest
from held import Held
from hypothesis import given
from hypothesis import strategies as st
from records_given import SECOND, read

from auditkit.logins.formats import logind
from auditkit.logins.nouns import Log, Notes, Setting, What

SESSION = b"""# This is private data. Do not parse.
UID=1000
USER=anna
ACTIVE=1
STATE=active
REMOTE=1
TYPE=tty
CLASS=user
SCOPE=session-3.scope
REMOTE_HOST=192.0.2.7
SERVICE=sshd
LEADER=4711
AUDIT=3
REALTIME=1700000000250000
MONOTONIC=123
"""


def test_a_session_says_who_is_in_from_where_and_since_when() -> None:
    (event,), notes = read("/run/systemd/sessions/3", SESSION)
    assert (event.what, event.program, event.pid, event.user, event.address) == (What.OPENED, "sshd", 4711, "anna", "192.0.2.7")
    assert (event.time, notes.broken) == (1_700_000_000 * SECOND + SECOND // 4, "")


@pytest.mark.parametrize("name", [b"manager", b"greeter", b"background"])
def test_sessions_of_programs_are_noise(name: bytes) -> None:
    assert [e.what for e in read("sessions/c1", SESSION.replace(b"CLASS=user", b"CLASS=" + name))[0]] == [What.NOISE]


def test_a_host_with_escapes_stays_one_value() -> None:
    (event,) = read("x", SESSION.replace(b"192.0.2.7", rb"evil\nUSER=root\x1b[2J\303\n"))[0]
    assert (event.user, event.address) == ("anna", "evil\nUSER=root\x1b[2J\udcc3\n")


def test_a_file_that_does_not_say_whose_it_is_is_broken() -> None:
    assert read("sessions/1", SESSION[:50])[1].broken == "it does not say whose session it is, or since when"


@given(st.binary(max_size=600))
def test_random_bytes_are_read_to_their_end(data: bytes) -> None:
    for given_bytes in (data, logind.FIRST + data, SESSION.replace(b"anna", data)):
        logind.recognises("sessions/1", given_bytes)
        list(logind.read(Log("sessions/1"), Held(given_bytes), Setting(0), Notes()))
