"""What falls with one machine: which accounts an intruder reaches from it, by which keys, and how certain that is."""

from typing import Any

from conftest import SCHEMA
from hypothesis import given
from hypothesis import strategies as st
from ways import host, key, private, run, ssh

from auditkit import across
from auditkit.across.fall import ROOT, Fall, Node, chart, falls, spread
from auditkit.across.matrix import matrix
from auditkit.across.reading import Host, hosts
from auditkit.commands import answering
from auditkit.keys.use import admits

ACCESS = SCHEMA.evolve(schema={"$ref": "#/$defs/access", "$defs": answering.schema()["$defs"]})


def reach(*told: dict[str, Any]) -> list[dict[str, Any]]:
    """What falls with which host."""
    view = across.view(run(*told), {})
    assert view
    ACCESS.validate(view.document)
    found: list[dict[str, Any]] = view.document["reach"]
    return found


def brief(told: list[dict[str, Any]]) -> dict[str, list[tuple[str, str, bool, str]]]:
    """By host, what falls with it: host, account, whether that is certain, and by way of which accounts."""
    return {
        fall["from"]: [
            (
                one["host"],
                "root" if one["root"] else "+".join(one["accounts"]),
                one["sure"],
                ">".join(f"{step['account']}@{step['to']}" for step in one["steps"]),
            )
            for one in fall["hosts"]
        ]
        for fall in told
    }


def test_a_key_that_sshd_takes_from_some_addresses_only_may_not_lead_on() -> None:
    told = reach(host("a", ssh(private_keys=[private("r", "1")])), host("b", ssh(keys=[key("bob", "1", everywhere=False)])))
    assert brief(told) == {"a": [("b", "bob", False, "bob@b")]}
    assert told[0]["hosts"][0]["steps"][0]["doubts"] == ["its sshd"]


def test_a_key_without_a_passphrase_is_a_way_from_its_machine_to_another() -> None:
    told = reach(
        host("ws-03", ssh(private_keys=[private("backup", "b")])),
        host("srv-01", ssh(keys=[key("root", "b", known="backup job")])),
    )
    assert told == [
        {
            "from": "ws-03",
            "complete": True,
            "hosts": [
                {
                    "host": "srv-01",
                    "root": True,
                    "accounts": [],
                    "sure": True,
                    "steps": [
                        {
                            "fingerprint": "SHA256:b", "known": "backup job", "on": "ws-03", "of": ["backup"],
                            "file": "~backup/.ssh/id_b", "encrypted": False, "to": "srv-01", "account": "root", "root": True,
                            "doubts": [],
                        }
                    ],
                }
            ],
        }
    ]  # fmt: skip


def test_the_way_goes_on_from_machine_to_machine_and_only_root_reads_all() -> None:
    told = (
        host("a", ssh(private_keys=[private("bob", "1")])),
        host("b", ssh(keys=[key("bob", "1")], private_keys=[private("bob", "2"), private("root", "3")])),
        host("c", ssh(keys=[key("root", "2")], private_keys=[private("eve", "4")])),
        host("d", ssh(keys=[key("root", "3")])),
        host("e", ssh(keys=[key("git", "4")])),
    )
    assert brief(reach(*told)) == {
        "b": [("c", "root", True, "root@c"), ("d", "root", True, "root@d"), ("e", "git", True, "root@c>git@e")],
        "a": [
            ("c", "root", True, "bob@b>root@c"),
            ("b", "bob", True, "bob@b"),
            ("e", "git", True, "bob@b>root@c>git@e"),
        ],
        "c": [("e", "git", True, "git@e")],
    }


def test_what_is_not_certain_is_said_to_be_so_with_why() -> None:
    told = reach(
        host("a", ssh(private_keys=[private("r", "1", encrypted=True), private("r", "2", encrypted=None), private("r", "3")])),
        host("b", ssh(keys=[key("root", "1")])),
        host("c", ssh(keys=[key("root", "2")])),
        host("d", ssh(keys=[key("root", "3", effective=None)])),
        host("e", ssh(keys=[key("root", "3", "restrict", 'command="rrsync -ro /srv"', 'from="10.0.0.9"')])),
        host("f", ssh(keys=[key("root", "3", effective=False)])),
    )
    assert {one["host"]: one["steps"][0]["doubts"] for one in told[0]["hosts"]} == {
        "b": ["passphrase"],
        "c": ["whether it has a passphrase is not known"],
        "d": ["whether the line has an effect is not known"],
        "e": ["command=", "from="],
    }
    assert not any(one["sure"] for one in told[0]["hosts"])


def test_the_widest_of_several_lines_counts() -> None:
    lines = [key("root", "1", 'command="x"'), key("root", "1", effective=None), key("bob", "1"), key("root", "1")]
    told = brief(
        reach(host("a", ssh(private_keys=[private("r", "1", encrypted=True), private("r", "1")])), host("b", ssh(keys=lines)))
    )
    assert told == {"a": [("b", "root", True, "root@b")]}


def test_root_that_may_fall_is_told_beside_an_account_that_does() -> None:
    lines = [key("root", "1", 'command="x"'), key("bob", "1")]
    told = brief(reach(host("a", ssh(private_keys=[private("r", "1")])), host("b", ssh(keys=lines))))
    assert told == {"a": [("b", "bob", True, "bob@b"), ("b", "root", False, "root@b")]}


def test_from_counts_for_every_machine_that_has_fallen_by_then() -> None:
    """The key of c lies on a, and c lets it in from b alone: which a opens, too."""
    told = (
        host("a", ssh(private_keys=[private("r", "c"), private("r", "b")]), address="10.0.0.1"),
        host("b", ssh(keys=[key("bob", "b")]), address="10.0.0.2"),
        host("c", ssh(keys=[key("root", "c", 'from="10.0.0.2"')]), address="10.0.0.3"),
        host("d", ssh(keys=[key("root", "c", 'from="10.0.0.0/24,!10.0.0.1,!10.0.0.2"')]), address="10.0.0.4"),
        host("e", ssh(keys=[key("root", "c", 'from="*.lan"')]), address="10.0.0.5"),
        host("f", ssh(keys=[key("root", "c", 'from="10.0.0.0/24"')]), address="10.0.0.6"),
    )
    assert brief(reach(*told))["a"] == [
        ("f", "root", True, "root@f"),
        ("d", "root", True, "root@d"),
        ("c", "root", True, "root@c"),
        ("b", "bob", True, "bob@b"),
        ("e", "root", False, "root@e"),
    ]


def test_an_address_that_only_the_machine_itself_sees_admits_nobody() -> None:
    inward = {"kind": "openssh", "judged": True, "listens": ["127.0.0.1:22", "[::]:22"]}
    told = reach(
        host("a", ssh(private_keys=[private("r", "1")], servers=[inward])),
        host("b", ssh(keys=[key("root", "1", 'from="127.0.0.1,::"')])),
    )
    assert told[0]["hosts"][0]["sure"] is False
    bound = {"kind": "openssh", "judged": True, "listens": ["[fd00::1]:22"]}
    told = reach(
        host("a", ssh(private_keys=[private("r", "1")], servers=[bound])),
        host("b", ssh(keys=[key("root", "1", 'from="fd00::/64"')])),
    )
    assert told[0]["hosts"][0]["sure"] is True


def test_a_second_account_with_uid_0_is_root() -> None:
    told = brief(reach(host("a", ssh(private_keys=[private("r", "1")])), host("b", ssh(keys=[key("toor", "1", root=True)]))))
    assert told == {"a": [("b", "root", True, "toor@b")]}


def test_no_name_of_an_account_makes_it_root() -> None:
    told = (
        host("a", ssh(private_keys=[private("r", "1")])),
        host("b", ssh(keys=[key("", "1")], private_keys=[private("root", "2")])),
        host("c", ssh(keys=[key("root", "2")])),
    )
    assert brief(reach(*told))["a"] == [("b", "", True, "@b")]


def test_the_way_to_a_machine_of_two_names_is_no_way_to_another_one() -> None:
    facts = ssh(private_keys=[private("r", "1")], keys=[key("root", "1")])
    assert reach(host("srv", facts, address="192.0.2.1"), host("ssh://192.0.2.1", facts, address="192.0.2.1")) == []


def test_more_than_is_followed_is_said_to_be_more() -> None:
    keys = [key(f"u{number}", "1") for number in range(50)]
    seen = hosts(run(host("a", ssh(private_keys=[private("r", "1")])), host("b", ssh(keys=keys))), {})
    drawn = chart(seen, matrix(seen))
    assert (spread(drawn, 0, most=20).cut, spread(drawn, 0, most=200).cut) == (True, False)


# against the plain way to find out

NAMES, ACCOUNTS, KEYS = ("a", "b", "c", "d"), ("root", "u", "v"), ("1", "2", "3")
ADDRESSES = {name: f"10.0.0.{number}" for number, name in enumerate(NAMES, 1)}
OPTIONS = st.sampled_from(
    ((), (), ('command="x"',), *((f'from="{where}"',) for where in (*ADDRESSES.values(), "10.0.0.0/30", "*.lan")))
)
EFFECTS = st.sampled_from((True, True, None, False))


@st.composite
def offices(draw: st.DrawFn) -> tuple[Host, ...]:
    """Hosts with a few private keys, and lines with which these open others."""
    told = []
    for name in NAMES:
        privates = [
            private(
                draw(st.sampled_from(ACCOUNTS)),
                draw(st.sampled_from(KEYS)),
                encrypted=draw(st.sampled_from((False, False, True))),
            )
            for _ in range(draw(st.integers(0, 2)))
        ]
        keys = [
            key(draw(st.sampled_from(ACCOUNTS)), draw(st.sampled_from(KEYS)), *draw(OPTIONS), effective=draw(EFFECTS))
            for _ in range(draw(st.integers(0, 3)))
        ]
        known = ADDRESSES[name] if draw(st.booleans()) else ""
        told.append(host(name, ssh(keys=keys, private_keys=privates), address=known))
    return hosts(run(*told), {})


def naive(seen: tuple[Host, ...], start: int, *, sure: bool, owned: set[Node]) -> set[Node]:
    """All that falls: whatever any key opens that anybody who has fallen can read, over and over until nothing new does."""
    owned = {*owned, (start, ROOT)}
    while True:
        addresses = {address for host in seen for address in host.addresses if host.machine in {node[0] for node in owned}}
        held = {
            one.fingerprint
            for host in seen
            for one in host.privates.items
            if (host.machine, ROOT) in owned or any((host.machine, account) in owned for account in one.accounts)
            if one.encrypted is False or not sure
        }
        more = {
            (host.machine, ROOT if one.root else one.account)
            for host in seen
            for one in host.keys.items
            if one.fingerprint in held and one.effective is not False
            if not sure
            or (
                one.effective
                and not one.command
                and (not one.limited or any(admits(one.origin or "", each) for each in addresses))
            )
        }
        more = {node for node in more if (node[0], ROOT) not in {*owned, *more} or node[1] is ROOT}
        if more <= owned:
            return owned
        owned |= more


@given(offices())
def test_what_falls_is_what_the_plain_way_finds(seen: tuple[Host, ...]) -> None:
    drawn = chart(seen, matrix(seen))
    for start in range(len(seen)):
        told = spread(drawn, start)
        sure = naive(seen, start, sure=True, owned=set())
        assert _whole(told.sure) == _whole(sure)
        assert _whole(told.reached) == _whole(naive(seen, start, sure=False, owned=sure))
        assert not told.cut
        _leads(told)
    assert all(told.start in drawn.names for told in falls(drawn))


def _whole(nodes: Any) -> set[Node]:
    """What counts of it: an account of a machine whose root has fallen does not matter."""
    return {node for node in nodes if node[1] is ROOT or (node[0], ROOT) not in nodes}


def _leads(told: Fall) -> None:
    """Every way begins at the start, and each step of it was opened by a key that whoever took the last one can read."""
    for node in told.reached:
        at: Node = (told.start, ROOT)
        for step in told.path(node):
            assert step.before == at
            assert step.holder.machine == at[0]
            assert at[1] is ROOT or at[1] in step.private.accounts
            assert step.key.fingerprint == step.private.fingerprint
            at = (step.host.machine, ROOT if step.key.root else step.key.account)
        assert at == node


# a whole office, and hostile ones


def test_fifty_hosts_with_five_hundred_keys_each() -> None:
    """Everybody's key is everywhere, and each host has one that opens the next."""
    told = [
        host(
            f"h{number}",
            ssh(
                keys=[
                    *(key("root" if each < 5 else "git", f"k{each}") for each in range(499)),
                    key("root", f"next{number - 1}"),
                ],
                private_keys=[private("bob", f"next{number}")],
            ),
        )
        for number in range(50)
    ]
    view = across.view(run(*told), {})
    assert view
    found = view.document["reach"]
    assert [len(one["hosts"]) for one in found] == list(range(49, 0, -1))
    assert len(found[0]["hosts"][-1]["steps"]) == 49


def test_hosts_that_send_more_than_anybody_has_stay_bounded() -> None:
    """Each opens thousands of accounts to the key of each, from places of its own."""
    told = [
        host(
            f"h{number}",
            ssh(
                keys=[key(f"u{each}", f"p{each % 40}", f'from="10.{number}.{each % 250}.0/24"') for each in range(6_000)],
                private_keys=[private(f"u{each}", f"p{each % 40}") for each in range(1_500)],
            ),
            address=f"10.0.0.{number}",
        )
        for number in range(3)
    ]
    view = across.view(run(*told), {})
    assert view
    assert view.document["left_out"]["lines"] == 3_000
    assert view.document["left_out"]["private_keys"] == 1_500
    assert len(view.document["reach"]) == 3
