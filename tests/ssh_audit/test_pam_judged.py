"""What PAM asks of whoever logs in: stacks that let everybody in, programs, and modules of no package."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import COMMON_ACCOUNT, COMMON_AUTH, Machine
from stock import PAM_SSHD, answers_of, debian, said

from auditkit.audits.ssh import pam

OPEN = "critical pam-open PAM service sshd: the auth stack of sshd comes to success without the right password"


def machine(auth: str, more: str = "", **other: object) -> Machine:
    """A Debian with this common-auth, and these lines at the end of what PAM asks for sshd."""
    return debian("12", {"/etc/pam.d/common-auth": auth, "/etc/pam.d/sshd": PAM_SSHD + more}, **other)


@pytest.mark.parametrize(
    "auth",
    [
        f"auth sufficient pam_permit.so\n{COMMON_AUTH}",
        COMMON_AUTH.replace("pam_deny", "pam_permit"),
        COMMON_AUTH.replace("success=1 default=ignore", "success=1 default=1"),
        f"auth sufficient pam_rootok.so\n{COMMON_AUTH}",
        f"auth sufficient pam_succeed_if.so user = anybody\n{COMMON_AUTH}",
        "auth [default=ignore success=ok] pam_unix.so\nauth optional pam_permit.so\n",
        "auth required pam_permit.so\n",
    ],
)
def test_a_stack_that_lets_in_without_the_right_password(auth: str) -> None:
    assert OPEN in said(pam, machine(auth))


OVER = "high pam-account-open PAM service sshd: the account stack of sshd lets in accounts whose last day is over"


@pytest.mark.parametrize(
    ("account", "told"),
    [
        (f"account sufficient pam_permit.so\n{COMMON_ACCOUNT}", [OVER]),
        ("account required pam_permit.so\n", [OVER]),
        (f"account sufficient pam_localuser.so\n{COMMON_ACCOUNT}", [OVER]),
        (COMMON_ACCOUNT, []),
        (f"account required pam_access.so\n{COMMON_ACCOUNT}", []),
        (f"account sufficient pam_access.so\n{COMMON_ACCOUNT}", []),
        ("account required pam_deny.so\n", []),
    ],
)
def test_a_stack_that_lets_in_accounts_that_are_over(account: str, told: list[str]) -> None:
    machine = debian("12", {"/etc/pam.d/common-auth": COMMON_AUTH, "/etc/pam.d/common-account": account})
    assert [line for line in said(pam, machine) if "pam-" in line] == told


RED_HAT = """\
auth required pam_env.so
auth required pam_faildelay.so delay=2000000
auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular
auth [default=1 ignore=ignore success=ok] pam_localuser.so
auth sufficient pam_unix.so nullok
auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular
auth sufficient pam_sss.so forward_pass
auth required pam_deny.so
"""
ARCH = """\
auth required pam_faillock.so preauth
-auth [success=2 default=ignore] pam_systemd_home.so
auth [success=1 default=bad] pam_unix.so try_first_pass nullok
auth [default=die] pam_faillock.so authfail
auth optional pam_permit.so
auth required pam_env.so
auth required pam_faillock.so authsucc
"""


@pytest.mark.parametrize("auth", [COMMON_AUTH, RED_HAT, ARCH, "auth required pam_unix.so\nauth required pam_env.so\n"])
def test_the_stacks_of_distributions_do_not(auth: str) -> None:
    assert [line for line in said(pam, machine(auth)) if line.startswith("critical")] == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("auth optional pam_exec.so expose_authtok /opt/log", "critical"),
        ("auth required pam_exec.so /opt/log", "critical"),
        ("session optional pam_exec.so /opt/notify", "high"),
        ("session optional pam_exec.so expose_authtok /opt/notify", "critical"),
    ],
)
def test_a_program_that_runs_at_every_login(line: str, told: str) -> None:
    (one,) = said(pam, machine(COMMON_AUTH, f"{line}\n"))
    program = "/opt/log" if "log" in line else "/opt/notify"
    assert one.startswith(f"{told} pam-runs-program /etc/pam.d/sshd: pam_exec runs {program} at {line.split(maxsplit=1)[0]}")


def owners(said_of_it: str) -> Machine:
    """A machine whose package manager says that of pam_x.so."""
    runs = answers_of("12", {"/usr/bin/dpkg-query -S": said_of_it.encode()})
    return machine(COMMON_AUTH, "auth optional pam_x.so\n", runs=runs)


def test_a_module_that_no_package_has_brought() -> None:
    assert said(pam, owners("1\n\0dpkg-query: no path found")) == [
        "critical pam-foreign-module /etc/pam.d/sshd: pam_x.so belongs to no package"
    ]
    assert said(pam, owners("1\nlibpam-x:amd64: /lib/x86_64-linux-gnu/security/pam_x.so\n\0no path found")) == []
    assert said(pam, machine(COMMON_AUTH, "auth optional pam_x.so\n")) == [
        "gap /etc/pam.d/sshd:14: whether a package brought pam_x.so is not known"
    ]
    assert said(pam, machine(COMMON_AUTH, "-auth optional pam_x.so\n")) == []


def test_a_module_by_its_path_is_asked_for_by_its_path() -> None:
    runs = answers_of("12", {"/usr/bin/dpkg-query -S /tmp/pam_unix.so": b"1\n\0"})
    told = said(pam, machine(COMMON_AUTH, "auth optional /tmp/pam_unix.so\n", runs=runs))
    assert told == ["critical pam-foreign-module /etc/pam.d/sshd: /tmp/pam_unix.so belongs to no package"]


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=120))
def test_whatever_stands_in_the_files_of_pam_an_open_line_before_it_is_seen(text: str) -> None:
    told = said(pam, machine(f"auth sufficient pam_permit.so\n{text}"))
    assert OPEN in told
    assert all(line.isprintable() for line in told)
