"""Keys and trust that lie open in homes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stock import debian, said

from auditkit.audits.ssh import privates

CONFIG = "/home/anna/.ssh/config"


@pytest.mark.parametrize(
    ("line", "severity", "rule"),
    [
        ("ForwardAgent yes", "medium", "ssh-agent-forwarded"),
        ('  forwardagent="yes"', "medium", "ssh-agent-forwarded"),
        ("ForwardAgent $SSH_AUTH_SOCK", "medium", "ssh-agent-forwarded"),
        ("StrictHostKeyChecking no", "medium", "ssh-server-not-checked"),
        ("StrictHostKeyChecking = off", "medium", "ssh-server-not-checked"),
        ("UserKnownHostsFile /dev/null", "medium", "ssh-server-not-checked"),
    ],
)
def test_a_client_that_trusts_too_much_is_told_with_its_line(line: str, severity: str, rule: str) -> None:
    (told,) = said(privates, debian(files={CONFIG: f"Host *\n{line}\n"}))
    assert told == f"{severity} {rule} {CONFIG}: it says {line.strip()}"


@pytest.mark.parametrize(
    "line",
    ["#ForwardAgent yes", "ForwardAgent no", "StrictHostKeyChecking accept-new", "UserKnownHostsFile ~/.ssh/known", "Host yes"],
)
def test_a_client_that_does_not_is_not(line: str) -> None:
    assert said(privates, debian(files={CONFIG: f"{line}\n"})) == []


@pytest.mark.parametrize(
    ("head", "told"),
    [("Host unix/* vsock/*", 0), ("Host .host machine/.host", 0), ("Host unix/* *", 1), ("Host unix/*\nHost srv-01", 1)],
)
def test_what_leads_to_this_very_host_needs_no_key(head: str, told: int) -> None:
    """Debian 13 has it so: /usr/lib/systemd/ssh_config.d/20-systemd-ssh-proxy.conf."""
    config = f"{head}\n    StrictHostKeyChecking no\n    UserKnownHostsFile /dev/null\n"
    assert len(said(privates, debian(files={CONFIG: config}))) == told


PLAIN_KEY = "openssh no -\n"
TWIN = {"/home/anna/.ssh/backup.pub": (0o644, 1000)}


@pytest.mark.parametrize(
    ("files", "key", "status"),
    [
        ({}, "/home/anna/.ssh/backup", TWIN),
        ({CONFIG: "Host nas\n  IdentityFile ~/.ssh/nas_key\n"}, "/home/anna/.ssh/nas_key", {}),
        ({CONFIG: 'identityfile="/home/anna/keys/nas"\n'}, "/home/anna/keys/nas", {}),
        ({CONFIG: "IdentityFile %d/.ssh/nas\n"}, "/home/anna/.ssh/nas", {}),
        ({"/etc/ssh/ssh_config": "IdentityFile /etc/backup/key\n"}, "/etc/backup/key", {}),
    ],
)
def test_private_keys_of_other_names_are_found_by_their_public_half_or_by_who_uses_them(
    files: dict[str, str], key: str, status: dict[str, tuple[int, int]]
) -> None:
    told = [line for line in said(privates, debian(files={**files, key: PLAIN_KEY}, status=status)) if "private-key" in line]
    subject = "private keys" if key.startswith("/etc/") else "account anna"
    assert told == [f"medium private-key-unencrypted {subject}: {key} has no passphrase"]


@pytest.mark.parametrize(
    "path", ["/proc/1/environ", "/dev/mem", "%d/%u", "~/.ssh/id_rsa", "none", "/a b", "../x", "/a/../proc/kmsg", "~anna/x"]
)
def test_no_file_of_an_odd_name_is_asked_for(path: str) -> None:
    evidence = debian(files={CONFIG: f"IdentityFile {path}\n"}).evidence()
    assert privates.follow(evidence) == ()


def test_known_hosts_is_a_map_only_where_names_can_be_read() -> None:
    file, key = "/home/anna/.ssh/known_hosts", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"
    plain = f"srv-01,192.168.10.2 {key}\n[ws-03]:2222 {key}\n|1|abc=|def= {key}\n# note\n"
    assert said(privates, debian(files={file: plain})) == [
        f"low ssh-known-hosts-readable {file}: 2 hosts stand in it by name or address"
    ]
    assert said(privates, debian(files={file: f"|1|abc=|def= {key}\n"})) == []


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=200))
def test_whatever_stands_in_the_files_of_a_client_all_that_is_said_is_printable(text: str) -> None:
    files = {CONFIG: f"{text}\nForwardAgent {text}", "/home/anna/.ssh/known_hosts": f"host {text} x y"}
    assert all(line.isprintable() for line in said(privates, debian(files=files)))
