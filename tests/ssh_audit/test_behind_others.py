"""An SSH server that a program starts which is none itself: a line of Python that hands each connection to `sshd -i`, say.

No sshd listens there, so all that tells of it is what was heard on the port, where ports were listened to.
"""

from dataclasses import replace

from machine import NOW, Machine, sshd

from auditkit import banners
from auditkit.answers import Listening, Process
from auditkit.audits import ssh
from auditkit.banners import Heard
from auditkit.model import Evidence, Gap, Item, Means, Need

CLOSED = {"/etc/ssh/sshd_config": "PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM yes\n"}
BANNER = b"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10\r\n"


def listening(program: str, port: int) -> Process:
    """A process that listens."""
    return Process(800, 1, 0, 1.0, program, (program,), "", (Listening("tcp", "0.0.0.0", port),))


def heard(taken: Evidence, said: bytes, port: int = 2222) -> Evidence:
    """The evidence, and what was heard on a port."""
    told = Heard("listen", "tcp", "192.168.10.2", port, "answered", (said,))
    item = Item(Need(Means.PORT, f"listen tcp {port}"), "port", banners.written(told), NOW, "")
    return replace(taken, items=(*taken.items, item))


def gaps(taken: Evidence) -> list[str]:
    """Of which servers it is not known who may log in."""
    told = (one for one in ssh.judge(taken) if isinstance(one, Gap))
    return [f"{one.subject}: {one.reason}" for one in told if "who may log in there" in one.reason]


def test_ssh_on_the_port_of_another_program_is_told_of_and_never_called_closed() -> None:
    taken = Machine(CLOSED, processes=(sshd(), listening("/usr/bin/python3.11", 2222))).evidence()
    assert gaps(taken) == []
    why = "who may log in there cannot be told: it is no server whose configuration is understood here"
    assert gaps(heard(taken, BANNER)) == [f"python3.11 on port 2222: {why}"]


def test_what_says_something_else_is_no_server_of_ssh() -> None:
    taken = Machine(CLOSED, processes=(sshd(), listening("/usr/sbin/smtpd", 2222))).evidence()
    assert gaps(heard(taken, b"220 srv-01 ESMTP SSH-2.0-\r\n")) == []


def test_systemd_that_waits_for_sshd_is_judged_by_the_files_of_sshd() -> None:
    taken = Machine(CLOSED, processes=(listening("/usr/lib/systemd/systemd", 2222),)).evidence()
    assert gaps(heard(taken, BANNER)) == gaps(taken)


def test_the_server_of_the_port_is_not_told_of_twice() -> None:
    taken = Machine(CLOSED, processes=(sshd(port=2222),)).evidence()
    assert gaps(heard(taken, BANNER)) == []
