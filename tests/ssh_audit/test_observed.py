"""Whether the server that answers is the one that is configured and installed."""

import subprocess
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import DEBIAN, Machine, sshd
from stock import BANNERS, KEY, answers_of, debian, dump, said, shown

from auditkit.access import seen
from auditkit.audits.ssh import accesses, observed
from auditkit.packages.versions import deb_part

CLOSED = DEBIAN + "PasswordAuthentication no\n"
NO = dump("12").replace("passwordauthentication yes", "passwordauthentication no")
BOTH = ("publickey", "password")


def machine(config: str = CLOSED, methods: tuple[str, ...] = BOTH, dumped: str = NO, **more: object) -> Machine:
    """A Debian with this configuration, whose sshd offers these methods to anna."""
    files = {"/etc/ssh/sshd_config": config}
    plain = {"shown": (shown("12", methods=methods),), "runs": answers_of("12", dumped=dumped)}
    return debian("12", files, **{**plain, **more})


OFFERS = "critical ssh-not-as-configured sshd: it offers password to anna from 192.168.10.9, where its configuration says no"
LIKELY = "Most likely it was not reloaded since its files were changed"


def test_passwords_on_the_network_that_the_configuration_does_not_have() -> None:
    assert said(observed, machine()) == [f"{OFFERS}. {LIKELY}"]
    assert said(observed, machine(methods=("publickey",))) == []


STAT = "/usr/bin/stat -L -c %d,%i,%Z,%n"
STARTED = 1_764_000_000.0


def stated(changed: Mapping[str, int], methods: tuple[str, ...] = BOTH, pid_file: str = "") -> Machine:
    """A machine whose sshd runs since STARTED, with the times at which its files changed."""
    names = {"main": "/etc/ssh/sshd_config", "drop_ins": "/etc/ssh/sshd_config.d", "pid": "/run/sshd.pid"}
    times = "".join(f"1,{at},{seconds},{names[name]}\n" for at, (name, seconds) in enumerate(changed.items()))
    runs = answers_of("12", {STAT: f"0\n{times}\0".encode()}, NO)
    files = {"/etc/ssh/sshd_config": CLOSED, **({"/run/sshd.pid": pid_file} if pid_file else {})}
    process = replace(sshd(), started=STARTED)
    return debian("12", files, shown=(shown("12", methods=methods),), processes=(process,), runs=runs)


def test_the_times_of_process_and_files_help_to_find_the_cause() -> None:
    since = f"{OFFERS}. It runs since 2025-11-24 16:00 UTC, and "
    assert said(observed, stated({"main": 1_764_003_600})) == [
        f"{since}/etc/ssh/sshd_config was changed 2025-11-24 17:00 UTC: most likely it was not reloaded"
    ]
    assert said(observed, stated({"main": 1_763_000_000})) == [
        f"{since}its files did not change since: look for another server, or for what answers in its place"
    ]
    (told,) = said(observed, stated({"main": 1_763_000_000, "drop_ins": 1_764_003_600}))
    assert told.endswith("and /etc/ssh/sshd_config.d was changed 2025-11-24 17:00 UTC: most likely it was not reloaded")


NOT_RELOADED = "medium ssh-not-reloaded sshd: /etc/ssh/sshd_config changed after it last read its configuration"


@pytest.mark.parametrize(
    ("changed", "pid_file", "told"),
    [
        ({"main": 1_763_000_000}, "", []),
        ({"main": 1_764_003_600}, "", [f"{NOT_RELOADED}, the latest 2025-11-24 17:00 UTC"]),
        ({"main": 1_764_003_600, "pid": 1_764_003_700}, "700\n", []),
        ({"main": 1_764_003_800, "pid": 1_764_003_700}, "700\n", [f"{NOT_RELOADED}, the latest 2025-11-24 17:03 UTC"]),
        ({"main": 1_764_003_600, "pid": 1_764_003_700}, "701\n", [f"{NOT_RELOADED}, the latest 2025-11-24 17:00 UTC"]),
    ],
)
def test_what_was_changed_after_sshd_last_read_it_is_not_what_it_goes_by(
    changed: dict[str, int], pid_file: str, told: list[str]
) -> None:
    """It writes its PidFile whenever it reads its configuration; that of another sshd says nothing of this one."""
    machine = stated(changed, ("publickey",), pid_file)
    assert said(observed, machine) == told
    unknown = [one for one in seen.seen(machine.evidence()).gaps if one.reason.startswith("whether anybody can log in")]
    assert bool(unknown) == bool(told)


def test_a_key_that_a_change_would_shut_out_is_not_called_dead_before_sshd_has_read_it() -> None:
    def key(changed: int) -> str:
        files = {"/etc/ssh/sshd_config": f"{CLOSED}AuthorizedKeysFile none\n", "/home/anna/.ssh/authorized_keys": KEY}
        runs = answers_of("12", {STAT: b"0\n1,1,%d,/etc/ssh/sshd_config\n\0" % changed, "/usr/sbin/sshd": b"1\n\0no"})
        machine = debian("12", files, processes=(replace(sshd(), started=STARTED),), runs=runs)
        (one,) = (each for each in accesses.accesses(machine.evidence()) if isinstance(each, accesses.Access))
        return f"{one.effect.effective} {one.effect.reason}"

    dead = "AuthorizedKeysFile of sshd is none (/etc/ssh/sshd_config:9)"
    assert key(1_763_000_000) == f"False {dead}"
    assert key(1_764_003_600) == f"None {dead}; but /etc/ssh/sshd_config changed after sshd last read its configuration"


def test_what_is_configured_for_this_user_from_there_is_what_counts() -> None:
    inside = "PasswordAuthentication no\nMatch User anna Address 192.168.10.0/24\nPasswordAuthentication yes\n"
    assert said(observed, machine(DEBIAN + inside, runs=lambda command: None)) == []
    elsewhere = inside.replace("192.168.10.0/24", "10.0.0.0/8")
    (told,) = said(observed, machine(DEBIAN + elsewhere, runs=lambda command: None))
    assert told.startswith(OFFERS)


def test_keyboard_interactive_and_no_credential_at_all() -> None:
    (told,) = said(observed, machine(methods=("publickey", "keyboard-interactive")))
    assert "it offers keyboard-interactive to anna" in told
    (told,) = said(observed, machine(methods=("none",)))
    assert "it offers none to anna" in told


def test_a_list_of_methods_offers_only_what_stands_first_in_it() -> None:
    config = DEBIAN + "AuthenticationMethods publickey,password\n"
    text = dump("12").replace("authenticationmethods any", "authenticationmethods publickey,password")
    assert said(observed, machine(config, ("publickey",), text)) == []
    (told,) = said(observed, machine(config, BOTH, text))
    assert told.startswith(OFFERS)


def test_less_than_is_configured_is_a_note() -> None:
    assert said(observed, machine(DEBIAN, ("publickey",), dump("12"))) == [
        "info ssh-offers-less sshd: it does not offer password to anna, where its configuration says yes"
    ]


def test_what_is_not_known_of_the_configuration_is_no_difference() -> None:
    unknown = machine(version=None, shown=(shown("12", banner=""),), runs=lambda command: None)
    assert said(observed, unknown) == []


def test_other_algorithms_than_sshd_itself_says() -> None:
    kexinit = {**shown("12").kexinit, "ciphers": ("aes128-cbc", "aes128-ctr")}
    (told,) = said(observed, debian("12", shown=(shown("12", kexinit=kexinit),)))
    assert told == (
        "critical ssh-not-as-configured sshd: its ciphers have more, aes128-cbc, and less, aes128-gcm@openssh.com, aes192-ctr,"
        f" aes256-ctr, aes256-gcm@openssh.com, chacha20-poly1305@openssh.com, than what sshd -T says. {LIKELY}"
    )


@pytest.mark.parametrize(
    ("banner", "package", "severity"),
    [
        ("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u6", "1:9.2p1-2+deb12u10", "medium"),
        ("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10", "1:9.2p1-2+deb12u6", "high"),
        ("SSH-2.0-OpenSSH_10.0p2 Debian-7+deb13u4", "1:10.0p1-7+deb13u4", ""),
        ("SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13.5", "1:9.6p1-3ubuntu13.11", "medium"),
        ("SSH-2.0-OpenSSH_8.7", "8.7p1", ""),
        ("SSH-2.0-OpenSSH_9.2p1", "1:9.2p1-2+deb12u10", ""),
        ("SSH-2.0-OpenSSH_8.4p1 Debian-5+deb11u3", "1:9.2p1-2+deb12u10", "medium"),
        ("SSH-2.0-dropbear_2022.83", "1:9.2p1-2+deb12u10", ""),
    ],
)
def test_the_banner_and_the_package(banner: str, package: str, severity: str) -> None:
    commands = {"/usr/bin/dpkg-query -W": f"0\ninstalled,{package}\n\0".encode()}
    one = debian("12", shown=(shown("12", banner=banner),), runs=answers_of("12", commands))
    told = [line for line in said(observed, one) if "ssh-not-the-installed" in line]
    assert [line.split()[0] for line in told] == ([severity] if severity else [])


def test_algorithms_of_a_version_that_was_not_restarted_are_not_told_twice() -> None:
    kexinit = {**shown("12").kexinit, "ciphers": ("aes128-ctr",)}
    old = shown("12", kexinit=kexinit, banner=BANNERS["12"].replace("u10", "u6"))
    assert [line.split()[1] for line in said(observed, debian("12", shown=(old,)))] == ["ssh-not-the-installed"]


def test_a_server_that_runs_and_was_not_seen_on_the_network_is_a_gap() -> None:
    assert said(observed, debian("12", shown=())) == [
        "gap sshd: what it shows on the network was not seen, so whether it does what its files say is not known"
    ]


REVISIONS = st.text("0123456789abu+~.deb", min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(REVISIONS, REVISIONS)
def test_revisions_are_ordered_as_dpkg_orders_them(one: str, other: str) -> None:
    def dpkg(relation: str) -> bool:
        words = ["dpkg", "--compare-versions", f"1-{one}", relation, f"1-{other}"]
        return subprocess.run(words, check=False, stderr=subprocess.DEVNULL).returncode == 0

    assert deb_part(one, other) == (-1 if dpkg("lt") else 1 if dpkg("gt") else 0)
