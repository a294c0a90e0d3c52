"""The algorithms of a server: by what it showed, else by its settings; never by its version."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import DEBIAN, sshd
from stock import answers_of, debian, dump, said, shown, values

from auditkit.audits.ssh import crypto
from auditkit.model import Finding

STRICT = "kex-strict-s-v00@openssh.com"


def offering(**lists: tuple[str, ...]) -> list[str]:
    """What is said of a server that shows these lists, and those of Debian for the rest."""
    plain = shown("12")
    return said(crypto, debian("12", shown=(shown("12", kexinit={**plain.kexinit, **lists}),)))


def remedies(**lists: tuple[str, ...]) -> str:
    """The remedies of all that is said of it."""
    plain = shown("12")
    taken = debian("12", shown=(shown("12", kexinit={**plain.kexinit, **lists}),)).evidence()
    return "\n".join(one.remedy for one in crypto.judge(taken) if isinstance(one, Finding))


@pytest.mark.parametrize(
    ("kind", "names", "line"),
    [
        ("kex", ("diffie-hellman-group14-sha1", "diffie-hellman-group1-sha1"), "KexAlgorithms"),
        ("kex", ("diffie-hellman-group-exchange-sha1",), "KexAlgorithms"),
        ("host_keys", ("ssh-rsa", "ssh-dss"), "HostKeyAlgorithms"),
        ("ciphers", ("aes128-cbc", "3des-cbc", "arcfour256"), "Ciphers"),
        ("macs", ("hmac-md5", "hmac-sha1-96-etm@openssh.com", "hmac-sha1"), "MACs"),
    ],
)
def test_weak_algorithms_of_one_list_are_one_finding_with_the_line_that_takes_them_out(
    kind: str, names: tuple[str, ...], line: str
) -> None:
    lists = {"macs": ("hmac-sha2-256",), kind: (*values("12", "ciphers"), *values("12", "kexalgorithms"), STRICT, *names)}
    told = [each for each in offering(**lists) if " ssh-algorithm-weak " in each]
    assert told == [f"medium ssh-algorithm-weak sshd: it offers {', '.join(names)}"]
    assert f"{line} -{','.join(names)}" in remedies(**lists)
    assert "/etc/ssh/sshd_config.d/00-auditkit.conf" in remedies(**lists)


def test_the_curves_of_nist_and_what_every_sshd_has_are_no_finding() -> None:
    nist = ("ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "mlkem768nistp256-sha256", STRICT)
    told = offering(kex=nist, host_keys=("ecdsa-sha2-nistp256",), macs=("hmac-sha1-etm@openssh.com", "umac-64@openssh.com"))
    assert [line.split()[1] for line in told] == ["ssh-rsa-size"]


def test_the_line_that_lets_a_weak_cipher_in_is_named() -> None:
    text = dump("12").replace("\nciphers ", "\nciphers aes256-cbc,")
    machine = debian(
        "12",
        {"/etc/ssh/sshd_config": DEBIAN + "Ciphers +aes256-cbc\n"},
        shown=(shown("12", kexinit={**shown("12").kexinit, "ciphers": ("aes256-cbc", "aes256-ctr")}),),
        runs=answers_of("12", dumped=text),
    )
    assert "medium ssh-algorithm-weak sshd: it offers aes256-cbc (Ciphers at /etc/ssh/sshd_config:8)" in said(crypto, machine)


CHACHA, CBC, ETM = ("chacha20-poly1305@openssh.com",), ("aes128-cbc",), ("hmac-sha2-256-etm@openssh.com",)
SOUND = ("curve25519-sha256", "mlkem768x25519-sha256")


@pytest.mark.parametrize(
    ("kex", "ciphers", "macs", "open_"),
    [
        (SOUND, CHACHA, ("hmac-sha2-256",), True),
        (SOUND, CBC, ETM, True),
        (SOUND, CBC, ("hmac-sha2-256",), False),
        (SOUND, ("aes128-ctr", "aes128-gcm@openssh.com"), ETM, False),
        ((*SOUND, STRICT), (*CHACHA, *CBC), ETM, False),
    ],
)
def test_terrapin_is_told_by_what_is_offered_and_not_by_the_version(
    kex: tuple[str, ...], ciphers: tuple[str, ...], macs: tuple[str, ...], open_: bool
) -> None:
    told = offering(kex=kex, ciphers=ciphers, macs=macs)
    assert any(" ssh-terrapin " in line for line in told) is open_


def test_where_the_wire_was_not_seen_nothing_is_said_of_terrapin() -> None:
    assert not [line for line in said(crypto, debian("12", shown=())) if "terrapin" in line]


def test_a_server_without_a_key_exchange_for_quantum_computers() -> None:
    old = ("curve25519-sha256", "ecdh-sha2-nistp256", STRICT)
    assert "low ssh-no-post-quantum sshd: none of its key exchanges withstands quantum computers" in offering(kex=old)
    for name in ("mlkem768x25519-sha256", "sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com"):
        assert not [line for line in offering(kex=(*old, name)) if "quantum" in line]


def test_rsa_keys_below_2048_bits_are_not_taken_where_a_line_says_so() -> None:
    text = dump("12").replace("requiredrsasize 1024", "requiredrsasize 2048")
    machine = debian("12", {"/etc/ssh/sshd_config": DEBIAN + "RequiredRSASize 2048\n"}, runs=answers_of("12", dumped=text))
    assert not [line for line in said(crypto, machine) if "rsa-size" in line]


def test_moduli_are_counted_only_where_they_are_used_and_said_only_if_some_are_short() -> None:
    asked = []

    def runs(command: str) -> bytes | None:
        asked.append(command)
        return b"0\n0,363\0" if command.startswith("/usr/bin/awk") else answers_of("12")(command)

    assert not [line for line in said(crypto, debian("12", runs=runs)) if "moduli" in line]
    assert [command for command in asked if "awk" in command] == [
        '/usr/bin/awk /^[0-9]/{n++;if($5<3071)k++}END{printf("%d,%d",k,n)} /etc/ssh/moduli'
    ]
    assert not [need for need in crypto.follow(debian("13").evidence()) if "awk" in need.what]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=20), max_size=6), st.lists(st.text(max_size=20), max_size=6))
def test_whatever_names_a_server_makes_up_all_that_is_said_is_printable(kex: list[str], ciphers: list[str]) -> None:
    weak = tuple(f"{name}-cbc" for name in ciphers)
    lists = {"kex": tuple(kex), "ciphers": weak, "macs": ETM}
    assert all(line.isprintable() for line in offering(**lists))
    assert not [name for name in ciphers if not name.isascii() and f"Ciphers -{name}" in remedies(**lists)]


def test_the_moduli_that_two_servers_use_are_told_once() -> None:
    second = sshd("-D", "-f", "/etc/ssh/other", pid=900, port=2222)
    two = debian("12", {"/etc/ssh/other": DEBIAN}, processes=(sshd(), second))
    assert [line.split(" groups")[0] for line in said(crypto, two) if "moduli" in line] == [
        "info ssh-moduli-short /etc/ssh/moduli: 60 of 423"
    ]


def test_of_a_server_that_is_no_openssh_nobody_is_sent_to_sshd_config() -> None:
    banner = "SSH-2.0-dropbear_2020.81"
    other = replace(shown("12", kexinit={"macs": ("hmac-sha1",), "kex": ("curve25519-sha256",)}), banner=banner, port=2222)
    process = replace(sshd(port=2222, program="/usr/sbin/dropbear"), arguments=("/usr/sbin/dropbear",))
    taken = debian("12", shown=(other,), processes=(process,)).evidence()
    told = [one for one in crypto.judge(taken) if isinstance(one, Finding) and one.subject.startswith("dropbear")]
    assert {one.rule.id for one in told} == {"ssh-algorithm-weak", "ssh-no-post-quantum"}
    assert all("dropbear" in one.remedy and "sshd" not in one.remedy and "KexAlgorithms" not in one.remedy for one in told)
