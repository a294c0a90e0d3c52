"""Debian as it is installed must not drown: what each group says of it, all of it."""

import pytest
from stock import debian, said

from auditkit.audits import ssh
from auditkit.audits.ssh import access, crypto, hostkeys, keyfiles, keys, observed, overrides, pam, persistence, privates, ways

QUIET = (hostkeys, keyfiles, keys, observed, overrides, pam, persistence, privates, ways)
SIZE = "info ssh-rsa-size sshd: RequiredRSASize is 1024 (by default)"
MACS = "info ssh-algorithm-weak sshd: it offers hmac-sha1"
MODULI = "info ssh-moduli-short /etc/ssh/moduli: 60 of 423 groups have fewer than 3072 bits, for diffie-hellman-group-exchange"


@pytest.mark.parametrize("release", ["12", "13"])
@pytest.mark.parametrize("group", QUIET, ids=lambda group: group.__name__.rpartition(".")[2])
def test_of_a_stock_debian_most_groups_say_nothing(group: object, release: str) -> None:
    assert said(group, debian(release)) == []  # type: ignore[arg-type]


def test_of_the_cryptography_of_a_stock_debian_only_what_hardening_asks_for_is_said() -> None:
    assert said(crypto, debian("12")) == [MACS, SIZE, MODULI]
    assert said(crypto, debian("13")) == [MACS, SIZE]


def test_with_all_that_is_said_besides_it_is_four_findings_and_no_gap() -> None:
    twelve, thirteen = (said(ssh, debian(release)) for release in ("12", "13"))
    others = [line for line in said(access, debian("12")) if not line.startswith("gap")]
    assert [line.split()[1] for line in others] == ["ssh-password-from-outside"]
    assert not [line for line in (*twelve, *thirteen) if line.startswith("gap")]
    assert [line for line in twelve if line.split()[0] in ("critical", "high")] == others


def test_a_disk_without_a_running_server_is_judged_by_its_files() -> None:
    disk = debian("12", processes=(), shown=(), runs=lambda command: None)
    assert said(crypto, disk) == ["info ssh-algorithm-weak sshd: it offers hmac-sha1", SIZE]
    assert said(observed, disk) == []


def test_where_nothing_was_taken_nothing_is_said_to_be_well() -> None:
    bare = debian("12", without=("/etc/passwd",))
    assert "gap keys: not judged, as /etc/passwd was not taken" in said(keys, bare)
