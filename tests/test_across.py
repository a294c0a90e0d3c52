"""The hosts of a run taken together: who can log in with a password, which key opens what, what is shared."""

from typing import Any

import pytest
from conftest import SCHEMA
from hypothesis import given
from hypothesis import strategies as st
from ways import DOOR, DROPBEAR, OPENSSH, UNSURE, host, host_key, key, private, run, ssh

from auditkit import across
from auditkit.across.passwords import is_about
from auditkit.commands import answering
from auditkit.model import Gap, Severity, State

ACCESS = SCHEMA.evolve(schema={"$ref": "#/$defs/access", "$defs": answering.schema()["$defs"]})
DOWN = host("ws-04", None, Gap("ws-04", "no answer from 192.0.2.4"), state=State.UNREACHABLE)


def seen(*hosts: dict[str, Any], **known: str) -> across.View:
    """What hosts show together; `known`: whose keys are known."""
    view = across.view(run(*hosts), {f"SHA256:{name}": whose for name, whose in known.items()})
    assert view
    ACCESS.validate(view.document)
    return view


def sentence(*hosts: dict[str, Any]) -> str:
    """The sentence on passwords."""
    return str(seen(*hosts).document["passwords"]["sentence"])


# passwords


def test_the_sentence_that_everybody_wants() -> None:
    good = [host(f"srv-{number:02}", ssh()) for number in range(11)]
    assert sentence(*good) == "Nobody can log in with a password on any of the 11 hosts we could check"
    assert sentence(*good, DOWN, host("nas", ssh(servers=[DROPBEAR]))) == (
        "Nobody can log in with a password on any of the 11 hosts we could check; 2 could not be checked: ws-04 (unreachable),"
        " nas (dropbear, cannot tell)"
    )


def test_the_sentence_that_nobody_wants() -> None:
    told = (host("srv-01", ssh(password_doors=[DOOR])), host("srv-02", ssh()), DOWN)
    assert sentence(*told) == (
        "A password opens 1 of the 2 hosts we could check: srv-01; 1 could not be checked: ws-04 (unreachable)"
    )
    partly = host("srv-03", ssh(password_doors=[DOOR, DOOR], password_unknown=[UNSURE]))
    assert sentence(*told, partly) == (
        "A password opens 2 of the 3 hosts we could check: srv-01, srv-03; 1 of them could be checked only in part: srv-03"
        " (ldap-users from anywhere: PAM asks a directory); 1 could not be checked: ws-04 (unreachable)"
    )


def test_the_sentence_of_one_host() -> None:
    assert sentence(host("web1", ssh())) == "Nobody can log in with a password on web1"
    assert sentence(host("web1", ssh(password_doors=[DOOR]))) == "A password opens web1"
    unchecked = "Whether anybody can log in with a password on web1 could not be checked: "
    told = sentence(host("web1", ssh(password_unknown=[UNSURE])))
    assert told == f"{unchecked}ldap-users from anywhere: PAM asks a directory"
    assert sentence(host("web1", ssh(password_doors=None))) == f"{unchecked}it was not judged"


def test_where_no_host_could_be_checked_nothing_is_said_of_nobody() -> None:
    assert sentence(host("a", ssh(password_doors=None)), DOWN) == (
        "Whether anybody can log in with a password is not known of any host: a (it was not judged), ws-04 (unreachable)"
    )


LACKING = {
    "no facts": host("x"),
    "facts that are none": host("x", "ssh"),
    "no doors": host("x", ssh(password_doors=None)),
    "doors that are none": host("x", ssh(password_doors={})),
    "a door that is none": host("x", ssh(password_doors=[{"account": "a"}])),
    "a door of a wrong type": host("x", ssh(password_doors=[{**DOOR, "account": 0}])),
    "more doors than are read": host("x", ssh(password_doors=[DOOR] * 3000)),
    "nothing of what is unknown": host("x", ssh(password_unknown=None)),
    "an unknown that is none": host("x", ssh(password_unknown=[7])),
    "an account that nobody can tell of": host("x", ssh(password_unknown=[UNSURE])),
    "no servers": host("x", ssh(servers=None)),
    "a server that is none": host("x", ssh(servers=[OPENSSH, "sshd"])),
    "a server of which it is not said whether it was judged": host("x", ssh(servers=[{"kind": "openssh", "why": ""}])),
    "a second server that was not judged": host("x", ssh(servers=[OPENSSH, {**DROPBEAR, "running": False}])),
    "no server, though one let us in": host("x", ssh(servers=[]), address="192.0.2.9"),
    "its own gap": host("x", ssh(), Gap("x", "the connection broke")),
    "a gap about sshd": host("x", ssh(), Gap("/usr/sbin/sshd -T -C user=a", "took too long")),
    "a gap about its configuration": host("x", ssh(), Gap("/etc/ssh/sshd_config.d/50-x.conf", "permission denied")),
    "a gap above its configuration": host("x", ssh(), Gap("/etc", "permission denied")),
    "a gap at the top": host("x", ssh(), Gap("/", "the connection broke")),
    "a gap about passwords": host("x", ssh(), Gap("/etc/shadow", "permission denied")),
    "an audit that broke": host("x", ssh(), Gap("audit ssh", "broke on the evidence")),
    "a gap about nothing": host("x", ssh(), Gap("", "?")),
    "no word of gaps": {**host("x", ssh()), "gaps": None},
    "no state": {**host("x", ssh()), "state": None},
    **{str(state): host("x", ssh(), state=state) for state in (State.LIED, State.TIMEOUT, State.SUDO_REFUSED)},
}


@pytest.mark.parametrize("beside", ["/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/moduli", "/etc/ssh/ssh_config.d/x.conf"])
def test_what_lies_beside_the_configuration_of_sshd_hides_no_door(beside: str) -> None:
    assert sentence(host("good", ssh(), Gap(beside, "not read"))).startswith("Nobody")
    assert not sentence(host("good", ssh(), Gap("/etc/ssh", "not read"))).startswith("Nobody")


@pytest.mark.parametrize("lacking", LACKING.values(), ids=LACKING)
def test_a_host_that_lacks_something_is_never_checked(lacking: dict[str, Any]) -> None:
    told = seen(lacking, host("good", ssh())).document["passwords"]
    assert told["checked"] == ["good"]
    assert [one["host"] for one in told["unchecked"]] == ["x"]
    assert told["sentence"].count("could not be checked: x (") + told["sentence"].count("only in part: x (") == 1
    if isinstance(lacking["facts"].get("ssh"), dict):
        assert not sentence(lacking).startswith("Nobody")


def test_a_gap_about_something_else_hides_no_door() -> None:
    gaps = (Gap("integrity", "there is no baseline"), Gap("/root/.ssh/authorized_keys:3", "?"), Gap("/srv/x", "denied"))
    assert seen(host("a", ssh(), *gaps)).document["passwords"]["checked"] == ["a"]
    assert not any(
        map(is_about, ("keys", "logins", "packages", "/home/a/.ssh", "~/.ssh/authorized_keys", "/etcetera", "/var/log"))
    )
    assert all(map(is_about, ("/etc/pam.d/sshd", "/proc/net", "/proc/7", "/etc/ssh:3", "ssh", "all", "/etc/", "/x/dropbear")))


PARTS = ("servers", "password_doors", "password_unknown")
DAMAGE: st.SearchStrategy[Any] = st.sampled_from((None, 0, "", {}, [None], [{}], [[]], ["x"], [{**DROPBEAR, "account": "a"}]))


@given(st.lists(st.dictionaries(st.sampled_from(PARTS), DAMAGE, max_size=2), min_size=1, max_size=6))
def test_no_damage_makes_a_host_count_as_one_that_nobody_can_enter(damages: list[dict[str, Any]]) -> None:
    """Each part is good as it was, or damaged: only whole hosts are counted, and all others are named."""
    hosts = [host(f"h{number}", ssh(**damage)) for number, damage in enumerate(damages)]
    told = seen(*hosts).document["passwords"]
    whole = [f"h{number}" for number, damage in enumerate(damages) if not damage]
    assert told["checked"] == whole
    assert len(told["unchecked"]) == len(hosts) - len(whole)
    if told["sentence"].startswith("Nobody") and len(hosts) > 1:
        assert f"the {len(whole)} host" in told["sentence"]
        assert ("could not be checked" in told["sentence"]) == (len(whole) < len(hosts))


def test_the_doors_of_all_hosts_are_told_even_of_one_that_lies() -> None:
    told = seen(host("a", ssh(password_doors=[DOOR])), host("b", ssh(password_doors=[DOOR]), state=State.LIED)).document
    assert told["passwords"]["doors"] == [{"host": "a", **DOOR}, {"host": "b", **DOOR}]
    assert told["passwords"]["open"] == ["a", "b"]


def test_without_ssh_in_any_host_there_is_nothing_to_say() -> None:
    assert across.view(run(host("a"), DOWN), {}) is None


# keys


def test_the_matrix_has_keys_of_nobody_known_first_and_root_before_others() -> None:
    rows = seen(
        host("a", ssh(keys=[key("root", "anna"), key("bob", "bob", known="bob"), key("root", "x"), key("root", "x")])),
        host("b", ssh(keys=[key("root", "x", 'from="10.0.0.0/8"', "restrict"), key("git", "z", 'command="git-shell"')])),
        host("c", ssh(keys=[key("root", "x", effective=None), key("root", "dead", effective=False, reason="no such type")])),
        anna="anna's laptop",
    ).document["keys"]
    assert [(row["fingerprint"], row["known"], row["root_on"]) for row in rows] == [
        ("SHA256:x", None, 3),
        ("SHA256:z", None, 0),
        ("SHA256:dead", None, 0),
        ("SHA256:anna", "anna's laptop", 1),
        ("SHA256:bob", "bob", 0),
    ]
    assert [(one["host"], one["from"], one["command"], one["effective"]) for one in rows[0]["opens"]] == [
        ("a", None, False, True),
        ("b", "10.0.0.0/8", False, True),
        ("c", None, False, None),
    ]
    assert rows[1]["opens"][0]["command"] is True


def test_an_option_that_is_cut_off_limits_nothing() -> None:
    (row,) = seen(host("a", ssh(keys=[key("root", "x", 'from="10.0.0.1,10.0.0')]))).document["keys"]
    assert row["opens"][0]["from"] == "?"
    (row,) = seen(host("a", ssh(keys=[{**key("root", "x"), "options": 'from="10.0.0.1"'}]))).document["keys"]
    assert row["opens"][0]["from"] is None


def test_of_which_hosts_not_all_keys_are_known() -> None:
    told = seen(
        host("a", ssh(keys=None, private_keys=[private("root", None)])),
        host("b", ssh(), Gap("/home/x/.ssh/authorized_keys", "permission denied")),
        DOWN,
    ).document["unseen"]
    assert [(one["host"], one["what"], one["why"]) for one in told] == [
        ("a", "keys", "not known"),
        ("a", "private_keys", "what 1 of them opens cannot be told"),
        ("b", "keys", "/home/x/.ssh/authorized_keys: permission denied"),
        ("b", "private_keys", "/home/x/.ssh/authorized_keys: permission denied"),
        *(("ws-04", what, "unreachable") for what in ("keys", "private_keys", "host_keys")),
    ]


def test_one_account_with_too_many_keys_hides_no_others() -> None:
    crowd = [key("mallory", f"m{number}") for number in range(6_000)]
    told = seen(host("a", ssh(keys=[*crowd, key("root", "r"), key("bob", "b")]))).document
    assert {"SHA256:r", "SHA256:b"} <= {row["fingerprint"] for row in told["keys"]}
    assert told["left_out"]["lines"] == 1002
    assert told["unseen"][0]["why"] == "1002 more than are taken together"


# what is shared


def rules(view: across.View) -> dict[str, list[tuple[str, Severity, str]]]:
    """What is found on each host."""
    return {word: [(one.rule.id, one.severity, one.message) for one in told] for word, told in view.findings.items()}


def test_a_host_key_of_several_machines_is_a_finding_on_each() -> None:
    view = seen(
        host("a", ssh(host_keys=[host_key("h"), host_key("own")])), host("b", ssh(host_keys=[host_key("h")])), host("c", ssh())
    )
    assert view.document["host_keys"] == [{"fingerprint": "SHA256:h", "type": "ssh-ed25519", "hosts": ["a", "b"]}]
    assert rules(view) == {
        "a": [("ssh-host-key-shared", Severity.HIGH, "a host key is the same on b")],
        "b": [("ssh-host-key-shared", Severity.HIGH, "a host key is the same on a")],
    }
    assert [quote.text for quote in view.findings["a"][0].quotes] == ["ssh-ed25519 SHA256:h: also b"]


def test_a_machine_that_is_named_twice_shares_nothing_with_itself() -> None:
    facts = ssh(host_keys=[host_key("h")], private_keys=[private("root", "p")])
    twice = seen(host("srv", facts, address="192.0.2.1"), host("ssh://192.0.2.1", facts, address="192.0.2.1"))
    assert (rules(twice), twice.document["host_keys"]) == ({}, [])
    at_two_times = across.view({"evidence:1": host("srv", facts), "evidence:2": host("srv", facts)}, {})
    assert at_two_times
    assert not at_two_times.findings
    assert at_two_times.document["passwords"]["checked"] == ["srv (evidence:1)", "srv (evidence:2)"]


@pytest.mark.parametrize("name", ["local", "root:/mnt"])
def test_what_is_called_alike_by_chance_is_not_one_machine(name: str) -> None:
    """`local` in evidence is whichever machine that was; so is what had the address when evidence was taken."""
    facts = ssh(host_keys=[host_key("h")])
    told = {f"evidence:{number}": host(name, facts, address="192.0.2.1") for number in (1, 2)}
    view = across.view(told, {})
    assert view
    assert [one.rule.id for one in view.findings["evidence:1"]] == ["ssh-host-key-shared"]


def test_a_key_that_is_root_on_many_is_a_finding_and_a_known_one_a_remark() -> None:
    many = [host(f"h{number}", ssh(keys=[key("root", "x", comment="a@b"), key("root", "anna")])) for number in range(4)]
    told = rules(seen(*many, anna="anna"))["h3"]
    message = "2 keys open root here and on more than 2 other machines, 1 not in known_keys"
    assert told == [("key-root-on-many", Severity.MEDIUM, message)]
    assert rules(seen(*many, anna="anna", x="bob"))["h3"][0][1] == Severity.INFO
    assert rules(seen(*many[:3])) == {}
    quotes = seen(*many, anna="anna").findings["h0"][0].quotes
    assert [quote.text for quote in quotes] == [
        'SHA256:x (not in known_keys, its comment says "a@b"): root on 4 machines',
        "SHA256:anna (anna): root on 4 machines",
    ]


def test_a_private_key_on_several_machines_is_a_finding_on_each() -> None:
    view = seen(
        host("a", ssh(private_keys=[private("bob", "p"), private("eve", None)])),
        host("b", ssh(private_keys=[private("root", "p", encrypted=True), private("eve", None)])),
    )
    assert rules(view)["a"] == [("private-key-copied", Severity.MEDIUM, "a private key is the same on b")]
    assert view.findings["a"][0].quotes[0].text == "SHA256:p (no passphrase): also b"
    assert view.findings["b"][0].quotes[0].text == "SHA256:p: also a"
