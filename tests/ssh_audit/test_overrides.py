"""Lines that send sshd to nobody's programs, hand variables to logins, or change how it is started."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import DEBIAN, Machine
from stock import answers_of, debian, said

from auditkit.audits.ssh import overrides

LINE = "/etc/ssh/sshd_config"


def machine(config: str = "", files: dict[str, str] | None = None, **more: object) -> Machine:
    """A Debian with these lines at its end, and no dump of sshd."""
    plain = DEBIAN.replace("Subsystem sftp /usr/lib/openssh/sftp-server\n", "") if "Subsystem" in config else DEBIAN
    told = {"/etc/ssh/sshd_config": plain + config, **(files or {})}
    return debian("13", told, **{"runs": lambda command: None, **more})


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("Subsystem sftp /tmp/sftp-server", "high"),
        ("SshdSessionPath /opt/sshd-session", "high"),
        ("SshdAuthPath /opt/sshd-auth", "high"),
        ("SecurityKeyProvider /opt/sk.so", "high"),
        ("XAuthLocation /tmp/xauth", "high"),
        ("PAMServiceName other", "high"),
        ("ModuliFile /tmp/moduli", "medium"),
        ("PidFile /tmp/sshd.pid", "medium"),
    ],
)
def test_a_line_that_leads_to_nobodys_file_is_told(line: str, severity: str) -> None:
    keyword, *words = line.split()
    (told,) = said(overrides, machine(f"{line}\n"))
    assert told == f"{severity} ssh-path-foreign sshd: {keyword} {words[-1]} is not what packages set"


@pytest.mark.parametrize(
    "line",
    [
        "Subsystem sftp internal-sftp -f AUTH",
        "Subsystem sftp /usr/lib/openssh/sftp-server -l INFO",
        "PidFile /run/sshd/ssh.pid",
        "ModuliFile /etc/ssh/moduli",
        "XAuthLocation /usr/bin/xauth",
        "SecurityKeyProvider internal",
    ],
)
def test_lines_as_packages_have_them_are_not(line: str) -> None:
    assert said(overrides, machine(f"{line}\n")) == []


@pytest.mark.parametrize(
    "command",
    [
        *("/bin/sh -c /tmp/x", "/usr/bin/python3 /opt/x", "/bin/cat /root/.ssh/id_rsa"),
        *("/usr/lib/openssh/sftp-server ; /opt/x", "/usr/lib/openssh/sftp-server -l $(/opt/x)", "internal-sftp & /opt/x"),
    ],
)
def test_a_program_that_does_what_it_is_told_is_vouched_for_by_no_package(command: str) -> None:
    some = answers_of("13", {"/usr/bin/dpkg-query -S": b"0\nxpkg: " + command.split(maxsplit=1)[0].encode() + b"\n\0"}, "")
    one = machine(f"Subsystem x {command}\n", runs=lambda c: some(c) if "dpkg" in c else None)
    assert said(overrides, one) == [f"high ssh-path-foreign sshd: Subsystem x {command} runs what its words say"]


def test_the_package_manager_is_asked_whose_a_program_is() -> None:
    none = answers_of("13", {"/usr/bin/dpkg-query -S /opt/x": b"1\n\0dpkg-query: no path found matching pattern /opt/x\n"}, "")
    (told,) = said(overrides, machine("Subsystem x /opt/x\n", runs=lambda c: none(c) if "dpkg" in c else None))
    assert told == "high ssh-path-foreign sshd: Subsystem /opt/x belongs to no package"
    some = answers_of("13", {"/usr/bin/dpkg-query -S /bin/x": b"0\nxpkg: /usr/bin/x\n\0"}, "")
    assert said(overrides, machine("Subsystem x /bin/x\n", runs=lambda c: some(c) if "dpkg" in c else None)) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("AcceptEnv *", "AcceptEnv lets clients set LD_PRELOAD, LD_AUDIT, LD_LIBRARY_PATH, BASH_ENV, ENV and more"),
        ("AcceptEnv LANG LD_PRE*", "AcceptEnv lets clients set LD_PRELOAD"),
        ("AcceptEnv PATH", "AcceptEnv lets clients set PATH"),
        ("SetEnv LD_PRELOAD=/tmp/x.so", "SetEnv sets LD_PRELOAD"),
    ],
)
def test_variables_that_run_foreign_code(line: str, message: str) -> None:
    assert said(overrides, machine(f"{line}\n")) == [f"high ssh-variable sshd: {message}"]


@pytest.mark.parametrize(
    ("value", "told"), [("yes", "LD_PRELOAD, LD_AUDIT"), ("LANG,LD_PRE*", "LD_PRELOAD"), ("LANG", ""), ("no", "")]
)
def test_permit_user_environment_lets_them_in_where_it_takes_them(value: str, told: str) -> None:
    found = said(overrides, machine(f"PermitUserEnvironment {value}\n"))
    way = "medium ssh-variable sshd: PermitUserEnvironment lets ~/.ssh/environment and environment= of a key set"
    assert [line.startswith(f"{way} {told}") for line in found] == [True] * bool(told)


def test_variables_that_do_not() -> None:
    assert said(overrides, machine("AcceptEnv LANG LC_* COLORTERM NO_COLOR GIT_PROTOCOL\nSetEnv FOO=bar\n")) == []


DROP_IN = "/etc/systemd/system/ssh.service.d/x.conf"


@pytest.mark.parametrize(
    ("file", "text", "severity"),
    [
        (DROP_IN, "[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D -o PermitRootLogin=yes\n", "medium"),
        (DROP_IN, "[Service]\nExecStartPre=-/opt/beacon\n", "medium"),
        (DROP_IN, "[Service]\nEnvironment=\\\n  LD_PRELOAD=/lib/x.so\n", "high"),
        (DROP_IN, "[Service]\nLoadCredential=ssh.authorized_keys.root\n", "medium"),
        ("/etc/systemd/system/ssh.socket.d/listen.conf", "[Socket]\nListenStream=2222\n", "medium"),
        ("/etc/systemd/system/service.d/all.conf", "[Service]\nEnvironment=LD_PRELOAD=/lib/x.so\n", "high"),
        ("/run/systemd/system/ssh.service", "[Service]\nExecStart=/tmp/sshd\n", "medium"),
        ("/etc/default/ssh", "SSHD_OPTS=-p 2222\n", "medium"),
        ("/etc/default/ssh", "LD_PRELOAD=/lib/x.so\n", "high"),
    ],
)
def test_what_changes_the_start_of_sshd_is_told(file: str, text: str, severity: str) -> None:
    (told,) = said(overrides, machine(files={file: text}))
    assert told.startswith(f"{severity} ssh-start-changed {file}: it says ")


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (DROP_IN, "[Service]\nRestart=always\nNice=5\n# ExecStart=/tmp/x\n"),
        (DROP_IN, "[Unit]\nAfter=network-online.target\n"),
        ("/etc/default/ssh", '# SSHD_OPTS=-p 2222\nSSHD_OPTS=""\n'),
        ("/etc/systemd/system/ssh.socket.d/listen.conf", "[Socket]\nListenStream=\nListenStream=0.0.0.0:22\n"),
    ],
)
def test_what_does_not_is_not(file: str, text: str) -> None:
    assert said(overrides, machine(files={file: text})) == []


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=200))
def test_whatever_stands_in_a_unit_all_that_is_said_is_printable(text: str) -> None:
    told = said(overrides, machine(files={DROP_IN: f"{text}\n\nExecStart={text}\nExecStart=/tmp/x"}))
    assert all(line.isprintable() for line in told)
    assert told
