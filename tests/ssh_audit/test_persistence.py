"""Ways to come back: servers beside the one of the system, and what every login runs."""

from dataclasses import replace

import pytest
from machine import DEBIAN, Machine, sshd
from stock import debian, said

from auditkit.answers import Listening, Process
from auditkit.audits.ssh import persistence


def machine(config: str = "", **more: object) -> Machine:
    """A Debian with these lines at its end, and no dump of sshd."""
    plain = {"runs": lambda command: None, "files": {"/etc/ssh/sshd_config": DEBIAN + config}}
    return debian("12", **{**plain, **more})  # type: ignore[arg-type]


def running(*processes: Process, config: str = "") -> list[str]:
    return said(persistence, machine(config, processes=processes))


def test_a_second_sshd_is_told_with_its_file_and_port() -> None:
    second = sshd("-D", "-f", "/tmp/.x/sshd_config", pid=900, port=2222)
    (told,) = running(sshd(), second)
    assert told == (
        "high ssh-server-beside sshd -f /tmp/.x/sshd_config: /usr/sbin/sshd (pid 900, 0.0.0.0:2222, [::]:2222) runs,"
        " configured by /tmp/.x/sshd_config, in /system.slice/ssh.service"
    )


def test_a_dropbear_beside_the_sshd_is_told_and_one_alone_is_the_server_of_the_system() -> None:
    dropbear = Process(950, 1, 0, 1.0, "/usr/sbin/dropbear", ("/usr/sbin/dropbear",), "", (Listening("tcp", "::", 2222),))
    (told,) = running(sshd(), dropbear)
    assert told.startswith("high ssh-server-beside dropbear on port 2222: /usr/sbin/dropbear (pid 950, [::]:2222) runs")
    assert running(dropbear) == []


def test_what_calls_itself_sshd_and_is_another_program_is_told() -> None:
    posing = replace(sshd(pid=31, port=2222), program="/usr/lib/.cache/kworker", unit="")
    (told,) = running(sshd(), posing)
    assert told == (
        "critical ssh-server-beside kworker: /usr/lib/.cache/kworker (pid 31, 0.0.0.0:2222, [::]:2222) runs, configured by"
        " /etc/ssh/sshd_config: it is an sshd under another name"
    )
    waits = replace(posing, arguments=("/usr/sbin/sshd", "-D"))
    (told,) = running(sshd(), waits)
    assert told.startswith("critical ssh-server-beside /usr/lib/.cache/kworker: pid 31 calls itself sshd and runs ")


@pytest.mark.parametrize("program", ["/usr/local/bin/cron-helper", "/usr/sbin/sshd2", "/usr/sbin/sshd.old", "/opt/busybox"])
def test_a_copied_sshd_is_known_by_the_title_that_it_gives_itself(program: str) -> None:
    name = program.rpartition("/")[2]
    title = f"{name}: {program} -f /opt/x [listener] 0 of 10-100 startups"
    (told,) = running(sshd(), replace(sshd(pid=31, port=2222), program=program, arguments=(title,), unit=""))
    assert told.startswith(f"critical ssh-server-beside {name} -f /opt/x: {program} (pid 31, 0.0.0.0:2222, [::]:2222) runs")


def test_the_processes_of_logins_are_no_servers() -> None:
    login = Process(901, 700, 0, 2.0, "/usr/sbin/sshd", ("sshd: anna [priv]",), "/user.slice", ())
    forwarding = Process(
        902, 901, 1000, 2.0, "/usr/sbin/sshd", ("sshd: anna@pts/0",), "", (Listening("tcp", "127.0.0.1", 6010),)
    )
    assert running(sshd(), login, forwarding) == []


def test_an_sshd_that_somebody_started_by_hand() -> None:
    by_hand = replace(sshd(pid=900), parent=880, unit="/user.slice/user-1000.slice/session-3.scope")
    (told,) = running(by_hand)
    assert told.startswith(
        "high ssh-server-started-oddly sshd: /usr/sbin/sshd (pid 900, 0.0.0.0:22, [::]:22): its parent is pid 880"
    )
    container = replace(sshd(pid=1), parent=0, unit="/")
    assert running(container) == []


def test_what_stands_on_the_command_line_is_told_but_for_a_crypto_policy() -> None:
    told = running(sshd("-D", "-o", "PermitRootLogin=yes"))
    assert any("its command line sets PermitRootLogin=yes" in line for line in told)
    assert not [line for line in running(sshd("-D", "-h", "/etc/ssh/ssh_host_ed25519_key")) if "oddly" in line]
    assert [line for line in running(sshd("-D", "-h", "/opt/key")) if "oddly" in line]
    assert not [line for line in running(sshd("-D", "-oCiphers=aes256-ctr", "-oMACs=hmac-sha2-256")) if "oddly" in line]


def test_a_port_that_no_line_names_is_told_and_one_that_a_line_names_is_not() -> None:
    (told,) = running(sshd(port=2222))
    assert told.endswith("it listens on port 2222, which no line of /etc/ssh/sshd_config names")
    assert running(sshd(port=2222), config="Port 2222\n") == []


@pytest.mark.parametrize(
    ("program", "severity"), [("/usr/sbin/sshd (deleted)", "high"), ("/dev/shm/sshd (deleted)", "critical")]
)
def test_a_server_whose_program_is_gone(program: str, severity: str) -> None:
    told = [line for line in running(replace(sshd(), program=program)) if "ssh-server-deleted" in line]
    assert [line.split()[0] for line in told] == [severity]


RC, SYSTEM = "/home/anna/.ssh/rc", "/etc/ssh/sshrc"


def test_what_every_login_runs_is_told_with_its_owner() -> None:
    told = said(persistence, machine(status={RC: (0o644, 1000), SYSTEM: (0o755, 0)}))
    assert told == [
        f"high ssh-login-runs {SYSTEM}: belongs to uid 0 (mode 0755)",
        f"high ssh-login-runs account anna: {RC} belongs to uid 1000 (mode 0644)",
    ]


def test_a_file_that_no_login_runs_waits() -> None:
    (told,) = said(persistence, machine("PermitUserRC no\n", status={RC: (0o644, 1000)}))
    assert told == f"low ssh-login-runs account anna: {RC} belongs to uid 1000 (mode 0644); it waits, for PermitUserRC is no"
    some = "PermitUserRC no\nMatch User anna\nPermitUserRC yes\n"
    assert said(persistence, machine(some, status={RC: (0o644, 1000)}))[0].startswith("high ")


@pytest.mark.parametrize(("value", "severity"), [("yes", "high"), ("LD_*", "high"), ("no", "low")])
def test_variables_of_logins_count_where_permit_user_environment_takes_them(value: str, severity: str) -> None:
    file = "/home/anna/.ssh/environment"
    (told,) = said(persistence, machine(f"PermitUserEnvironment {value}\n", status={file: (0o600, 1000)}))
    assert told.startswith(f"{severity} ssh-login-environment account anna: {file} belongs to uid 1000")


@pytest.mark.parametrize(
    ("command", "severity"),
    [
        ("/opt/spy", "high"),
        ("/usr/bin/borg serve", "medium"),
        ("/bin/sh -c /opt/x", "high"),
        ("/usr/lib/openssh/sftp-server ; /opt/x", "high"),
        ("echo no; /opt/x", "high"),
        ("/usr/bin/gitolite-shell $USER", "medium"),
        ("/bin/false", ""),
        ("echo 'for tunnels only'", ""),
        ("internal-sftp -l INFO", ""),
        ("/usr/lib/openssh/sftp-server", ""),
    ],
)
def test_a_program_in_place_of_the_shell_is_told_but_for_transfers(command: str, severity: str) -> None:
    told = said(persistence, machine(f"Match User anna\nForceCommand {command}\n"))
    message = f"{severity} ssh-forced-command sshd: {command} runs in place of the shell (line /etc/ssh/sshd_config:9)"
    assert told == ([message] if severity else [])
