"""Mounted disks of systems that keep their configuration of SSH elsewhere than Debian does: nothing unseen is called clean."""

from collections.abc import Callable
from pathlib import Path

import pytest

from auditkit.audits import judge, ssh
from auditkit.commands import auditing
from auditkit.hosts.root import Root
from auditkit.model import Gap, Office

PASSWD = "root:x:0:0:root:/root:/bin/sh\n"
SHADOW = "root:$6$saltsalt$x:20000:0:99999:7:::\n"
DPKG = "Package: openssh-server\nStatus: install ok installed\nVersion: 1:9.9p1-1\nArchitecture: amd64\n\n"
PAM = "auth required pam_unix.so\naccount required pam_unix.so\n"
Disk = Callable[[dict[str, str]], list[str]]


@pytest.fixture
def said(tmp_path: Path) -> Disk:
    """What is said of a disk with these files; of one that is a link, its target behind `-> `."""

    def of(files: dict[str, str]) -> list[str]:
        for path, text in {"/etc/passwd": PASSWD, "/etc/shadow": SHADOW, "/var/lib/dpkg/status": DPKG, **files}.items():
            place = tmp_path / path[1:]
            place.parent.mkdir(parents=True, exist_ok=True)
            if text.startswith("-> "):
                place.symlink_to(text[3:])
            else:
                place.write_text(text)
        told = judge(auditing.taken(Root("root:disk", str(tmp_path)), (ssh.AUDIT,), Office()), (ssh.AUDIT,))
        return [f"{one.subject}: {one.reason}" if isinstance(one, Gap) else f"{one.rule.id} {one.message}" for one in told]

    return of


def test_suse_keeps_the_vendors_configuration_in_usr_etc(said: Disk) -> None:
    vendor = "/usr/etc/ssh/sshd_config"
    include = "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n"
    files = {vendor: f"PermitRootLogin yes\n{include}", "/usr/lib/pam.d/sshd": PAM}
    assert any("root can log in with a password" in each for each in said(files))
    mended = {**files, vendor: include, "/etc/ssh/sshd_config.d/root.conf": "PermitRootLogin no\n"}
    assert not any("root can log in" in each for each in said(mended))
    own = {**files, "/etc/ssh/sshd_config": "PermitRootLogin no\nUsePAM yes\n"}
    assert not any("root can log in" in each for each in said(own))


@pytest.mark.parametrize("path", ["/etc/config/dropbear", "/etc/conf.d/dropbear", "/etc/default/dropbear"])
def test_a_dropbear_that_is_configured_is_told_of_though_how_it_is_started_is_not_known(path: str, said: Disk) -> None:
    why = "who may log in there cannot be told: with which options it is started is not known"
    assert f"dropbear: {why}" in said({path: "config dropbear\n"})


def test_keys_that_are_a_link_to_what_is_not_on_the_disk_are_told_of(said: Disk) -> None:
    config = {"/etc/ssh/sshd_config": "PasswordAuthentication no\n"}
    keys = "/root/.ssh/authorized_keys"
    why = "is a link to /etc/pve/priv/authorized_keys, which is not on this disk: what it says was not read"
    assert f"{keys}: {why}" in said({**config, keys: "-> /etc/pve/priv/authorized_keys"})
    assert not any("is a link" in each for each in said({**config, "/etc/pve/priv/authorized_keys": "# none\n"}))


def test_a_configuration_that_is_a_link_to_what_is_not_on_the_disk_is_told_of(said: Disk) -> None:
    why = "is a link to /persist/sshd_config, which is not on this disk: what it says was not read"
    assert f"/etc/ssh/sshd_config: {why}" in said({"/etc/ssh/sshd_config": "-> /persist/sshd_config"})
