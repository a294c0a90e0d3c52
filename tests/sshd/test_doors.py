"""For whom sshd would take a password: the table of configurations that were tried with real logins on 8.4, 10.0 and 10.6."""

import pytest

from auditkit.model import Gap
from auditkit.sshd.criteria import Connection
from auditkit.sshd.doors import Account, Door, Source, doors
from auditkit.sshd.effective import read

MAIN = "/etc/ssh/sshd_config"
ALICE, ROOT, TWIN = Account("alice", 1000, ("users",)), Account("root", 0, ("root",)), Account("toor", 0, ("root",))
OFFICE, INTERNET = Source("office", "10.1.2.3"), Source("internet", "203.0.113.7")
WHERE = Connection(local_address="10.0.0.1", local_port=22)


def told(files: str | dict[str, bytes | Gap], *accounts: Account, sources: tuple[Source, ...] = (OFFICE,)) -> list[str]:
    """The doors of a configuration, each as one line; `?` where nobody can tell."""
    read_files = {MAIN: files.encode()} if isinstance(files, str) else files
    found = doors(read(read_files, (10, 0)), accounts or (ALICE, ROOT), sources, WHERE)
    return [shown(door) for door in found]


def shown(door: Door) -> str:
    return f"{door.account} {door.source} {door.method.value}{'' if door.sure else ' ?'}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["alice office password"]),
        ("PasswordAuthentication no\nUsePAM yes\n", ["alice office keyboard-interactive"]),
        ("PasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM yes\n", []),
        ("PasswordAuthentication no\nKbdInteractiveAuthentication yes\nUsePAM no\n", []),
        ("PermitEmptyPasswords yes\n", ["alice office password", "alice office none"]),
        ("PermitEmptyPasswords yes\nAuthenticationMethods publickey\n", []),
        ("AuthenticationMethods publickey,password\n", []),
        ("AuthenticationMethods publickey,password password\n", ["alice office password"]),
        ("UsePAM yes\nAuthenticationMethods password,keyboard-interactive:pam\n",
         ["alice office password", "alice office keyboard-interactive"]),
        ("UsePAM yes\nMatch all\nKbdInteractiveAuthentication no\nAuthenticationMethods password,keyboard-interactive\n", []),
        ("PermitRootLogin no\n", ["alice office password"]),
        ("PermitRootLogin yes\n", ["alice office password", "root office password"]),
        ("PermitRootLogin forced-commands-only\n", ["alice office password"]),
        ("DenyUsers alice\n", []),
        ("AllowUsers backupx@10.0.0.0/8 alice@127.0.0.1\n", []),
        ("AllowUsers alice@10.0.0.0/8\n", ["alice office password"]),
        ("AllowUsers alice@!10.1.2.3,10.0.0.0/8\n", []),
        ("AllowGroups adm\n", []),
        ("DenyGroups us*\n", []),
        ("PasswordAuthentication no\nMatch Address 10.0.0.0/8\nPasswordAuthentication yes\n", ["alice office password"]),
        ("PasswordAuthentication no\nMatch User root\nPasswordAuthentication yes\n", []),
        ("Match User alice\nRefuseConnection yes\n", []),
    ],
)  # fmt: skip
def test_the_doors_are_those_that_real_logins_went_through(text: str, expected: list[str]) -> None:
    assert told(text) == expected


def test_a_door_is_told_with_the_source_it_opens_to_and_the_lines_that_open_it() -> None:
    text = "PasswordAuthentication no\nMatch Address 203.0.113.0/24\nPasswordAuthentication yes\n"
    (door,) = doors(read({MAIN: text.encode()}, (10, 0)), (ALICE,), (OFFICE, INTERNET), WHERE)
    assert (shown(door), [str(place) for place in door.set_by]) == ("alice internet password", [f"{MAIN}:3"])


def test_every_account_with_uid_0_is_root() -> None:
    assert told("", TWIN) == []
    assert told("PermitRootLogin yes\n", TWIN) == ["toor office password"]


CLOSED = b"PasswordAuthentication no\nKbdInteractiveAuthentication no\n"


def test_what_nobody_can_tell_is_a_door_that_may_be_open() -> None:
    unread: dict[str, bytes | Gap] = {MAIN: CLOSED + b"Include x.conf\n", "/etc/ssh/x.conf": Gap("/etc/ssh/x.conf", "unread")}
    assert "alice office password ?" in told(unread)
    assert told("AllowGroups adm\n", Account("ldap", 5000, None)) == ["ldap office password ?"]
    assert told("Nope yes\n") == ["alice office password ?"], "what runs is not what the file says"
    assert told({}) != []


def test_a_configuration_without_passwords_has_no_door() -> None:
    assert told({MAIN: CLOSED}) == []
