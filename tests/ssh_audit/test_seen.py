"""From where a password opens which account: the table of real logins (OpenSSH 8.4, 10.0, 10.6), from evidence to doors.

A line of an answer is `account method`, `?` behind it where nobody can tell; sources are left out where all are alike.
"""

import pytest
from machine import COMMON_AUTH, HASH, PASSWD, SHADOW, Machine, sshd

from auditkit.access.seen import seen

ALONE = "Subsystem sftp internal-sftp\n"
"""A configuration that says nothing of logins: what upstream compiles in holds."""
EMPTY = {"/etc/shadow": SHADOW.replace("bernd:!:", "bernd::")}


def doors(config: str, version: tuple[int, int] = (10, 0), **more: str) -> list[str]:
    """Which doors a machine with this sshd_config has."""
    files = {"/etc/ssh/sshd_config": config, **{name.replace("_", "/"): text for name, text in more.items()}}
    return said(Machine(files, version, (sshd(),)))


def said(machine: Machine) -> list[str]:
    (server,) = seen(machine.evidence()).servers
    assert server.judged, server.why
    return list(dict.fromkeys(f"{door.account} {door.method.value}{'' if door.sure else ' ?'}" for door in server.doors))


@pytest.mark.parametrize("version", [(8, 4), (9, 2), (10, 0), (10, 6)])
@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("", ["anna password"]),
        ("PasswordAuthentication no\nChallengeResponseAuthentication yes\nUsePAM yes\n", ["anna keyboard-interactive"]),
        ("PasswordAuthentication no\nChallengeResponseAuthentication no\nUsePAM yes\n", []),
        ("PasswordAuthentication no\nChallengeResponseAuthentication yes\nUsePAM no\n", []),
        ("AuthenticationMethods publickey,password\nUsePAM yes\n", []),
        ("PermitRootLogin no\n", ["anna password"]),
        ("PermitRootLogin yes\n", ["root password", "anna password"]),
        ("PermitRootLogin forced-commands-only\n", ["anna password"]),
        ("DenyUsers anna\n", []),
        ("AllowUsers bernd@10.0.0.0/8 anna@192.168.10.0/24\n", ["anna password"]),
        ("AllowUsers bernd\n", []),
        ("MaxAuthTries 1\n", ["anna password"]),
        ("PasswordAuthentication no\nMatch Address 127.0.0.0/8\nPasswordAuthentication yes\n", ["anna password"]),
        ("PasswordAuthentication no\nMatch User anna\nPasswordAuthentication yes\n", ["anna password"]),
        ("PasswordAuthentication no\nMatch User bernd\nPasswordAuthentication yes\n", []),
        ("PasswordAuthentication no\nMatch all\nPasswordAuthentication yes\n", ["anna password"]),
    ],
)
def test_the_table_of_real_logins(config: str, expected: list[str], version: tuple[int, int]) -> None:
    closed = "" if "ChallengeResponse" in config else "ChallengeResponseAuthentication no\n"
    assert doors(closed + config, version) == expected


@pytest.mark.parametrize("version", [(10, 0), (10, 6)])
def test_a_refused_connection_opens_nothing(version: tuple[int, int]) -> None:
    assert doors("Match User anna\nRefuseConnection yes\n", version) == []


@pytest.mark.parametrize("pam", ["yes", "no"])
def test_an_empty_password_needs_no_question(pam: str) -> None:
    files = {"/etc/ssh/sshd_config": f"UsePAM {pam}\nKbdInteractiveAuthentication no\nPermitEmptyPasswords yes\n", **EMPTY}
    assert said(Machine(files, (10, 0), (sshd(),))) == ["anna password", "bernd password", "bernd none"]
    files["/etc/ssh/sshd_config"] += "AuthenticationMethods publickey\n"
    assert said(Machine(files, (10, 0), (sshd(),))) == []


def test_only_the_device_that_linux_has_lets_somebody_in() -> None:
    plain = "UsePAM yes\nPasswordAuthentication no\n"
    assert doors(f"{plain}AuthenticationMethods keyboard-interactive:bsdauth\n") == []
    assert doors(f"{plain}AuthenticationMethods keyboard-interactive:pam\n") == ["anna keyboard-interactive"]
    assert doors(f"{plain}AuthenticationMethods keyboard-interactive\n") == ["anna keyboard-interactive"]


@pytest.mark.parametrize("version", [(10, 0), None])
def test_another_service_of_pam_is_asked_for_even_where_the_version_is_known_only_later(
    version: tuple[int, int] | None,
) -> None:
    """As on a disk: then its package tells the version, in the second round."""
    package = "Package: openssh-server\nStatus: install ok installed\nVersion: 1:10.0p1-7\n\n"
    files = {
        "/etc/ssh/sshd_config": "KbdInteractiveAuthentication no\nUsePAM yes\nPAMServiceName open\n",
        "/etc/pam.d/open": "auth sufficient pam_permit.so\naccount required pam_permit.so\n",
        "/var/lib/dpkg/status": package,
    }
    assert said(Machine(files, version)) == ["anna password", "daemon password", "bernd password"]


def test_a_service_of_pam_that_nobody_asked_for_is_not_taken_for_one_that_is_not_there() -> None:
    service = "x" * 80  # too long for a name of a file that is asked for
    files = {"/etc/ssh/sshd_config": f"KbdInteractiveAuthentication no\nUsePAM yes\nPAMServiceName {service}\n"}
    assert said(Machine(files, (10, 0))) == ["anna password ?", "daemon password ?", "bernd password ?"]


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        ("auth [success=1 default=ignore] pam_succeed_if.so user = bernd\n{}auth required pam_permit.so\n", "bernd password"),
        ("auth sufficient pam_succeed_if.so uid = 1001\n{}", "bernd password"),
        ("auth sufficient /opt/pam_deny.so\n{}", "bernd password ?"),
        ("auth sufficient ../../../opt/pam_deny.so\n{}", "bernd password ?"),
        ("auth sufficient pam_echo.so hello\n{}", "bernd password ?"),
        ("auth sufficient /usr/lib/x86_64-linux-gnu/security/pam_deny.so\n{}", ""),
    ],
)
def test_an_account_without_a_password_is_judged_where_pam_may_let_it_in(auth: str, expected: str) -> None:
    """By what is asked of this account alone, by a module from elsewhere that only bears a known name, or by chance."""
    plain = "auth requisite pam_unix.so nullok\n" if "success=1" in auth else COMMON_AUTH
    files = {"/etc/ssh/sshd_config": "KbdInteractiveAuthentication no\nUsePAM yes\n"}
    told = said(Machine({**files, "/etc/pam.d/common-auth": auth.format(plain)}))
    assert [door for door in told if door.startswith("bernd")] == ([expected] if expected else [])


def test_kerberos_of_a_block_may_let_in_accounts_without_a_password() -> None:
    block = "Match Address 192.0.2.0/24\n  KerberosAuthentication yes\n"
    files = {"/etc/ssh/sshd_config": f"KbdInteractiveAuthentication no\nUsePAM yes\n{block}"}
    assert "bernd password ?" in said(Machine(files))


LOOKED = {"/etc/ssh/sshd_config": (0o644, 0, 0)}


def test_sshd_refuses_an_account_whose_shell_is_not_there_or_does_not_run() -> None:
    config = {"/etc/ssh/sshd_config": "KbdInteractiveAuthentication no\nUsePAM yes\n"}
    gone = {**config, "/etc/passwd": PASSWD.replace("/home/anna:/bin/bash", "/home/anna:/bin/gone")}
    assert said(Machine(config, status=LOOKED)) == ["anna password"]
    assert said(Machine(gone, status=LOOKED)) == []
    assert said(Machine(gone)) == ["anna password"], "nobody has looked"
    assert said(Machine(gone, status={**LOOKED, "/bin/gone": (0o644, 0, 0)})) == []
    assert said(Machine(gone, status={**LOOKED, "/bin/gone": (0o755, 0, 0)})) == ["anna password"]
    chroot = {**gone, "/etc/ssh/sshd_config": f"{config['/etc/ssh/sshd_config']}ChrootDirectory /srv\n"}
    assert said(Machine(chroot, status=LOOKED)) == ["anna password"], "the shell is that of /srv"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", ["anna password"]),
        ("AllowTcpForwarding no\n", []),
        ("DisableForwarding yes\n", []),
        ("AllowTcpForwarding no\nPermitTunnel yes\n", ["anna password"]),
        ("AllowTcpForwarding no\nSubsystem sftp internal-sftp\n", ["anna password"]),
        ("DisableForwarding yes\nForceCommand internal-sftp\n", ["anna password"]),
    ],
)
def test_the_right_password_is_no_door_where_nothing_can_be_done_behind_it(more: str, expected: list[str]) -> None:
    files = {
        "/etc/ssh/sshd_config": f"KbdInteractiveAuthentication no\nUsePAM yes\n{more}",
        "/etc/passwd": PASSWD.replace("/home/anna:/bin/bash", "/home/anna:/usr/sbin/nologin"),
    }
    assert said(Machine(files)) == expected


def test_without_pam_sshd_goes_by_shadow_wherever_the_account_is_there() -> None:
    files = {
        "/etc/passwd": f"anna:{HASH}:1000:1000::/home/anna:/bin/sh\nbernd::1001:1001::/home/bernd:/bin/sh\n"
        f"carla:{HASH}:1002:1002::/home/carla:/bin/sh\n",
        "/etc/shadow": "anna:*:20000::::::\nbernd:*:20000::::::\n",
    }
    config = "KbdInteractiveAuthentication no\nPermitEmptyPasswords yes\nUsePAM "
    assert said(Machine({**files, "/etc/ssh/sshd_config": f"{config}no\n"})) == ["carla password"]
    with_pam = said(Machine({**files, "/etc/ssh/sshd_config": f"{config}yes\n"}))
    assert with_pam == ["anna password", "bernd password", "bernd none", "carla password"]


@pytest.mark.parametrize(
    ("lines", "names"),
    [
        ((("-oPort=2222", 2222), ("-o Port 2223", 2223)), ["sshd -p 2222", "sshd -p 2223"]),
        ((("-D", 22), ("-oListenAddress=0.0.0.0:2222", 2222)), ["sshd", "sshd (on port 2222)"]),
        ((("-oUsePAM=no", 22), ("-oUsePAM=yes", 2222)), ["sshd (on port 22)", "sshd (on port 2222)"]),
        ((("-oUsePAM=no", 22), ("-oUsePAM=yes", 22)), ["sshd (process 700)", "sshd (process 701)"]),
        ((("-oUsePAM=no", 22), ("-oUsePAM=no", 2222)), ["sshd", "sshd"]),
        ((("-f /srv/a -oPort=22", 22), ("-f /srv/a -oPORT = 2222", 2222)), ["sshd -f /srv/a -p 22", "sshd -f /srv/a -p 2222"]),
    ],
)
def test_servers_that_do_otherwise_have_names_of_their_own(lines: tuple[tuple[str, int], ...], names: list[str]) -> None:
    started = [sshd(*line.split(), pid=700 + at, port=port) for at, (line, port) in enumerate(lines)]
    assert [server.name for server in seen(Machine(processes=tuple(started)).evidence()).servers] == names
