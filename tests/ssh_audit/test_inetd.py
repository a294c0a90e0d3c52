"""The SSH servers that lines of inetd.conf and blocks of xinetd.conf start, and with what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.access import inetd

READ: tuple[tuple[str, list[tuple[str, str, tuple[str, ...]]]], ...] = (
    ("ssh stream tcp nowait root /usr/sbin/sshd sshd -i", [("/usr/sbin/sshd", "", ())]),
    ("2222 stream tcp6 nowait.50 root /usr/sbin/sshd sshd -i -f /x", [("/usr/sbin/sshd", "/x", ("Port 2222",))]),
    ("0.0.0.0:2222 stream tcp nowait root /usr/sbin/tcpd /usr/sbin/sshd -i", [("/usr/sbin/sshd", "", ("Port 2222",))]),
    ("  # ssh stream tcp nowait root /usr/sbin/sshd sshd -i", []),
    ("ssh stream tcp nowait root internal", []),
    ("ftp stream tcp nowait root /usr/sbin/in.ftpd in.ftpd /usr/sbin/sshd", []),
    ("service ssh\n{\n server = /usr/sbin/sshd\n server_args = -i -o UsePAM=no\n}", [("/usr/sbin/sshd", "", ("UsePAM=no",))]),
    ("service x\n{\n port=2\n server=/opt/sbin/dropbear\n}", [("/opt/sbin/dropbear", "", ("Port 2",))]),
    ("service ssh\n{\n server = /usr/sbin/sshd\n disable = yes\n}", []),
    ("service ssh\n{\n server = /usr/sbin/sshd\n", []),
)
WORDS = ("service", "ssh", "{", "}", "\n", "=", "server", "/usr/sbin/sshd", "stream", "tcp", "nowait", "root", "-o", "\0", ":")


@pytest.mark.parametrize(("text", "expected"), READ)
def test_what_is_started_for_whoever_connects(text: str, expected: list[tuple[str, str, tuple[str, ...]]]) -> None:
    assert [(one.program, one.started.main, one.started.lines) for one in inetd.read(text)] == expected


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=8), max_size=60))
def test_no_text_breaks_it_and_what_it_names_is_a_server(words: list[str]) -> None:
    for one in inetd.read(" ".join(words)):
        assert one.program.rpartition("/")[2] in ("sshd", "dropbear")
