"""From where a password opens which account: the table of real logins (OpenSSH 8.4, 10.0, 10.6), from evidence to doors.

A line of an answer is `account method`, `?` behind it where nobody can tell; sources are left out where all are alike.
"""

import pytest
from machine import SHADOW, Machine, sshd

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
