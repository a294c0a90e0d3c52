"""The keys of a host: who may read them, how good and how old they are, and whether the network shows one of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import DEBIAN
from stock import KINDS, answers_of, debian, dump, fingerprint, host_key, said, shown

from auditkit.audits.ssh import hostkeys
from auditkit.keys import private

RSA = "/etc/ssh/ssh_host_rsa_key"
STATUS = {f"/etc/ssh/ssh_host_{kind}_key": (0o600, 0) for kind in KINDS}
HIGH, LOW = "high ssh-host-key-open", "low ssh-host-key-open"


@pytest.mark.parametrize(
    ("mode", "uid", "said_of_it"),
    [
        (0o644, 0, [f"{HIGH} host key {RSA}: everybody may read it (mode 0644)"]),
        (0o600, 1000, [f"{HIGH} host key {RSA}: {RSA} belongs to uid 1000 (mode 0600)"]),
        (0o602, 0, [f"{HIGH} host key {RSA}: others than root may write to {RSA} (mode 0602)"]),
        (0o1602, 0, [f"{HIGH} host key {RSA}: others than root may write to {RSA} (mode 1602)"]),
        (0o640, 0, []),
        (0o400, 0, []),
    ],
)
def test_a_host_key_is_for_root_alone(mode: int, uid: int, said_of_it: list[str]) -> None:
    assert said(hostkeys, debian(status={**STATUS, RSA: (mode, uid)})) == said_of_it


def test_old_host_keys_are_weak_and_those_of_products_are_everybodys(monkeypatch: pytest.MonkeyPatch) -> None:
    weak = debian(files={f"{RSA}.pub": host_key("rsa1024")})
    assert said(hostkeys, weak) == [f"high ssh-host-key-weak host key {RSA}: ssh-rsa of 1024 bits"]
    monkeypatch.setattr(hostkeys, "PUBLISHED", {fingerprint("ecdsa"): "a router"})
    (told,) = said(hostkeys, debian())
    assert told.startswith("critical ssh-host-key-published host key /etc/ssh/ssh_host_ecdsa_key: SHA256:")


def test_a_host_key_that_no_server_uses_is_not_judged() -> None:
    lying_about = debian(files={"/etc/ssh/ssh_host_old_key.pub": host_key("rsa1024")})
    assert said(hostkeys, lying_about) == []


def test_host_keys_that_came_with_the_image_are_older_than_the_machine() -> None:
    times = b"0\n1764000000,/etc/machine-id\n1700000000,%s\n1764000500,/etc/ssh/ssh_host_ed25519_key\n\0" % RSA.encode()
    told = said(hostkeys, debian(runs=answers_of("12", {"/usr/bin/stat -c %Y,%n /etc/machine-id": times})))
    assert told == [f"medium ssh-host-key-older host keys: {RSA}: last changed 740 days before /etc/machine-id"]
    fresh = b"1\n1764000000,/etc/machine-id\n1763990000,%s\n\0stat: cannot statx" % RSA.encode()
    assert said(hostkeys, debian(runs=answers_of("12", {"/usr/bin/stat -c %Y,%n /etc/machine-id": fresh}))) == []


OTHER = (shown("12", host_key=fingerprint("other")),)


def test_a_key_on_the_network_that_lies_in_no_file_is_told() -> None:
    (told,) = said(hostkeys, debian(shown=OTHER))
    assert told.startswith("critical ssh-host-key-differs sshd: 192.168.10.2 port 22 shows ssh-ed25519 SHA256:")
    assert said(hostkeys, debian(shown=(shown("12", host_key=fingerprint("rsa")),))) == []


def test_the_private_file_says_which_key_it_is_whatever_lies_beside_it() -> None:
    facts = f"openssh no {host_key('other').split()[1]}\n"
    swapped = debian(files={"/etc/ssh/ssh_host_ed25519_key": facts})
    assert [line.split()[1] for line in said(hostkeys, swapped)] == ["ssh-host-key-differs"]
    assert said(hostkeys, debian(files={"/etc/ssh/ssh_host_ed25519_key": facts}, shown=OTHER)) == []


def test_where_a_file_was_not_read_it_is_not_known_whether_the_key_is_in_it() -> None:
    hidden = debian(files={"/etc/ssh/ssh_host_ed25519_key.pub": ""}, shown=OTHER)
    assert said(hostkeys, hidden) == ["gap sshd: whether the host key on the network is one of those on the disk is not known"]


def test_host_keys_in_unusual_places_are_looked_at() -> None:
    text = "\n".join(line for line in dump("12").splitlines() if not line.startswith("hostkey ")) + "\nhostkey /srv/keys/host\n"
    files = {"/etc/ssh/sshd_config": DEBIAN + "HostKey /srv/keys/host\n", "/srv/keys/host.pub": host_key("rsa1024")}
    one = debian(files=files, status={"/srv/keys/host": (0o644, 0)}, runs=answers_of("12", dumped=text), shown=())
    told = [line.split(":")[0] for line in said(hostkeys, one)]
    assert told == [f"{HIGH.replace('open', 'weak')} host key /srv/keys/host", f"{HIGH} host key /srv/keys/host"]


def test_the_facts_name_every_host_key_and_which_was_shown() -> None:
    told = hostkeys.facts(
        debian(shown=(shown("12", address="192.168.10.3", host_key=fingerprint("other")), shown("12"))).evidence()
    )["ssh"]["host_keys"]  # type: ignore[index]
    assert [(each["type"], each["bits"], each["file"], each["shown"]) for each in told] == [
        ("ssh-rsa", 3072, RSA, False),
        ("ecdsa-sha2-nistp256", 256, "/etc/ssh/ssh_host_ecdsa_key", False),
        ("ssh-ed25519", 256, "/etc/ssh/ssh_host_ed25519_key", True),
        ("ssh-ed25519", None, None, True),
    ]


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80) | st.from_regex(rb"(openssh|none|pem) (yes|no|\?) [A-Za-z0-9+/=-]{0,60}\n"))
def test_any_bytes_in_place_of_facts_are_a_private_key_or_none(data: bytes) -> None:
    told = private.facts(data)
    assert told is None or (told.form != "none" and told.encrypted in (True, False, None))


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=120))
def test_any_bytes_in_place_of_a_public_key_leave_the_others_judged(data: bytes) -> None:
    one = debian(files={f"{RSA}.pub": data.decode("latin-1"), "/etc/ssh/ssh_host_ecdsa_key.pub": host_key("rsa1024")})
    assert any("ssh_host_ecdsa_key: ssh-rsa of 1024 bits" in line for line in said(hostkeys, one))
