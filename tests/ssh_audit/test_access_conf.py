"""access.conf(5): whom pam_access lets in from where; that Linux-PAM does the same shows in tests/truth/rows/pam.txt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machine import COMMON_ACCOUNT, Machine
from test_origins import opened

from auditkit.access import accessconf
from auditkit.access.accessconf import Table, lets_in, parsed
from auditkit.access.nouns import Login, Password
from auditkit.access.seen import seen
from auditkit.model import Gap

ANNA = Login("anna", 1000, 1000, ("anna", "sudo"), "/home/anna", "/bin/sh", Password.SET, expired=False)
HERE, AWAY = "192.168.10.7", "203.0.113.7"


def says(text: str, origin: str | None = HERE, *, groups: bool = True) -> str:
    told = lets_in(Table(tuple(parsed(text.encode())), groups), ANNA, origin)
    return {frozenset({True}): "in", frozenset({False}): "out"}.get(told, "cannot tell")


@pytest.mark.parametrize(
    ("users", "told"),
    [
        ("anna", "in"),
        ("bernd, ANNA", "in"),
        ("all", "in"),
        ("sudo", "in"),
        ("(sudo)", "in"),
        ("Sudo", "out"),
        ("(anna)", "in"),
        ("ALL EXCEPT anna", "out"),
        ("ALL EXCEPT bernd", "in"),
        ("ALL EXCEPT sudo EXCEPT anna", "in"),
        ("EXCEPT bernd", "out"),
        ("@friends", "cannot tell"),
        ("anna@thishost", "cannot tell"),
        ("bernd@thishost", "out"),
        ("1000", "cannot tell"),
        ("1001", "out"),
    ],
)
def test_who_a_line_means(users: str, told: str) -> None:
    assert says(f"+:{users}:ALL\n-:ALL:ALL\n") == told


@pytest.mark.parametrize(
    ("origins", "here", "away"),
    [
        ("ALL", "in", "in"),
        ("192.168.10.7", "in", "out"),
        ("192.168.", "in", "out"),
        ("192.168.10.0/24", "in", "out"),
        ("192.168.10.99/24", "in", "out"),
        ("192.168.10.0/255.255.255.0", "in", "out"),
        ("10.0.0.0/8\t192.168.0.0/16", "in", "out"),
        ("ALL EXCEPT 192.168.0.0/16", "out", "in"),
        ("2001:db8::/32", "out", "out"),
        ("LOCAL", "out", "out"),
        ("ALL EXCEPT LOCAL", "in", "in"),
        ("tty1 cron :0", "out", "out"),
        (".example.org", "out", "out"),
        ("pc.example.org", "cannot tell", "cannot tell"),
        ("@hosts", "cannot tell", "cannot tell"),
        ("192.168.10.0/0.0.0.255", "cannot tell", "cannot tell"),
    ],
)
def test_from_where_a_line_means(origins: str, here: str, away: str) -> None:
    text = f"+:anna:{origins}\n-:ALL:ALL\n"
    assert (says(text), says(text, AWAY)) == (here, away)
    assert says(text, None) in ("cannot tell", here)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "in"),
        ("# -:ALL:ALL\n", "in"),
        (" -:ALL:ALL\n", "in"),
        ("-:ALL:ALL", "in"),
        ("-:ALL\n", "in"),
        ("x:ALL:ALL\n", "in"),
        ("-::ALL:ALL\n", "out"),
        ("-x : ALL : ALL\n", "out"),
        ("+:bernd:ALL\n-:anna:ALL\n+:ALL:ALL\n", "out"),
        (f"-:ALL:ALL{' ' * 9000}\n", "cannot tell"),
        ("\n" * 3000, "cannot tell"),
    ],
)
def test_the_first_line_counts_that_fits_and_lines_that_are_none_are_passed_over(text: str, told: str) -> None:
    assert says(text) == told


def test_with_nodefgroup_a_group_stands_in_parentheses() -> None:
    assert says("-:sudo:ALL\n", groups=False) == "in"
    assert says("-:(sudo):ALL\n", groups=False) == "out"


PAM = {
    "/etc/ssh/sshd_config": "KbdInteractiveAuthentication no\nUsePAM yes\n",
    "/etc/pam.d/common-account": f"account required pam_access.so\n{COMMON_ACCOUNT}",
}


def anna(text: str | None, **more: str) -> list[str]:
    """From where anna gets in with a password; `?` where that cannot be told."""
    files = {**PAM, **({} if text is None else {"/etc/security/access.conf": text}), **more}
    doors = [door for server in seen(Machine(files).evidence()).servers for door in server.doors if door.account == "anna"]
    return [door.source + ("" if door.sure else " ?") for door in doors]


def test_who_is_let_in_from_somewhere_is_told_so() -> None:
    assert anna("-:ALL EXCEPT root:ALL EXCEPT 198.51.100.0/24\n") == ["198.51.100.0/24"]
    assert anna("-:anna:ALL\n") == []
    assert len(anna(None)) == 3, "no line shuts anybody out"
    further = {"/etc/security/access.d/b.conf": "-:ALL:ALL\n", "/etc/security/access.d/b.old": "+:ALL:ALL\n"}
    assert anna("+:bernd:ALL\n", **further) == []


def test_the_file_that_a_line_of_pam_names_is_asked_for() -> None:
    line = "account required pam_access.so accessfile=/etc/security/ssh.conf fieldsep=|\n"
    files = {"/etc/pam.d/common-account": line + COMMON_ACCOUNT, "/etc/security/ssh.conf": "-|anna|192.168.10.0/24\n"}
    assert anna("-:ALL:ALL\n", **files) == ["internet (203.0.113.7)", "internet (2001:db8::7)"]
    del files["/etc/security/ssh.conf"]
    assert anna(None, **files) == [], "it fails where its file is not there"
    secret = line.replace("/etc/security/ssh.conf", "/etc/shadow")
    assert all(door.endswith(" ?") for door in anna(None, **{"/etc/pam.d/common-account": secret + COMMON_ACCOUNT}))


def test_what_could_not_be_read_lets_nobody_be_called_shut_out() -> None:
    gap = (Gap("/etc/security/access.conf", "Permission denied"),)
    told = seen(Machine(PAM, gaps=gap).evidence())
    assert [door.sure for server in told.servers for door in server.doors if door.account == "anna"] == [False] * 3
    assert accessconf.table(("whatever=1",), {}, whole=True) is None


@given(st.text(alphabet="+-:alEXCPT ,\t\n#@()./0129xé\x1b\0", max_size=120), st.sampled_from([HERE, "2001:db8::1", None]))
def test_whatever_stands_in_it_less_knowledge_never_shuts_anybody_out(text: str, origin: str | None) -> None:
    table = Table(tuple(parsed(text.encode())))
    assert lets_in(table, ANNA, origin) <= lets_in(table, ANNA, None)
    assert list(accessconf.origins([text.encode()])) is not None


def test_a_network_is_no_exception_of_a_smaller_one() -> None:
    match = "Match Address {}\nPasswordAuthentication yes\n"
    lines = match.format("10.1.0.0/16,!10.1.0.0/17") + match.format("10.1.0.0/18")
    told = opened(f"PasswordAuthentication no\nKbdInteractiveAuthentication no\n{lines}")
    assert told == ["10.1.0.0/16 except 10.1.0.0/17, 10.1.0.0/18", "10.1.0.0/18"]
