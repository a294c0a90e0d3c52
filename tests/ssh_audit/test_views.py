"""Servers that see other files than the host's: in a root directory or a mount namespace of their own."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import Machine, sshd
from stock import answers_of

from auditkit.access import views
from auditkit.access.seen import seen

CLOSED = {"/etc/ssh/sshd_config": "PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM yes\n"}
ALIKE = "1,2,9,/\n1,3,9,/etc/ssh\n1,4,9,/etc/passwd\n"
UNTOLD = "sshd: who may log in there cannot be told: it sees others than the host's in place of "


def gaps(stated: str) -> list[str]:
    runs = answers_of("12", {"/usr/bin/stat -L": b"1\n" + stated.encode() + b"\0", "/usr/sbin/sshd -T": b"1\n\0no"})
    told = seen(Machine(CLOSED, processes=(sshd(),), runs=runs).evidence()).gaps
    return [f"{gap.subject}: {gap.reason}" for gap in told if "cannot be told" in gap.reason]


@pytest.mark.parametrize(
    ("its", "told"),
    [
        ("1,2,9,{}/\n1,3,9,{}/etc/ssh\n1,4,9,{}/etc/passwd\n", ""),
        ("1,2,9,{}/\n1,3,9,{}/etc/ssh\n7,4,9,{}/etc/passwd\n", "/etc/passwd"),
        ("5,2,9,{}/\n5,3,9,{}/etc/ssh\n5,4,9,{}/etc/passwd\n", "/, /etc/passwd, /etc/ssh"),
        ("1,2,9,{}/\n1,3,9,{}/etc/ssh\n", "/etc/passwd"),
        ("1,2,9,{}/\n1,3,9,{}/etc/ssh\n1,4,9,{}/etc/passwd\n1,8,9,{}/etc/ssh/sshd_config.d\n", "/etc/ssh/sshd_config.d"),
        ("", ""),
    ],
)
def test_a_server_that_sees_other_files_is_not_judged_by_those_of_the_host(its: str, told: str) -> None:
    """Where nobody could look, as without root, nothing is said of that."""
    why = f"{UNTOLD}{told}, so its files are not those of the host"
    assert gaps(ALIKE + its.format(*["/proc/700/root"] * 4)) == ([why] if told else [])


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet="0123456789,/\nx%é\x1b", max_size=200))
def test_whatever_stat_is_said_to_have_written_breaks_nothing(text: str) -> None:
    assert all(line.isprintable() for line in gaps(text + ALIKE))


def test_only_plain_paths_are_asked_for() -> None:
    evidence = Machine(CLOSED).evidence()
    needs = list(views.wanted(evidence, sshd(), ("/etc/ssh/a b", "/etc/x;y", "/etc/ssh/z"), "none"))
    assert [need.what.split(" ")[4:] for need in needs][1] == ["/etc/ssh/z", "/proc/700/root/etc/ssh/z"]
    assert len(needs) == 2
