"""A block that would hit its own admin is refused, with the reason and what to do; what is not known is said."""

from dataclasses import replace
from ipaddress import ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from proc_of_server import INET6, LISTENS, ROUTES, SESSION, Machine, came_from, greeted, listener, routes, sockets

from auditkit.errors import UsageError
from auditkit.response.blocking import asking, known, wishing
from auditkit.response.blocking.addresses import Network, forms, network, overlap, shown
from auditkit.response.blocking.around import surroundings
from auditkit.response.blocking.nouns import Surroundings
from auditkit.response.blocking.refusals import cautions, refusals

OFFICE = known.known(
    [network("192.0.2.77")],
    ["192.0.2.10 50022 203.0.113.2 2222", "2001:db8:77::9%eth0 50022 22"],
    [network("192.168.10.0/24"), network("2001:db8:10::/48")],
    {"ws-03": "100.64.9.3", "srv-02": "ws.example", "100.64.9.4": None},
)
SERVER = Machine().having(listener("/usr/sbin/sshd", 22)).seen(OFFICE)


def said(target: str, around: Surroundings = SERVER, *, not_ours: bool = False, allowed: bool = False) -> list[str]:
    return [each.reason for each in refusals(network(target), around, not_ours=not_ours, allowed=allowed)]


@pytest.mark.parametrize("target", ["198.51.100.7", "198.51.100.128/25", "2001:db8:99::7", "2001:db8:99::/48"])
def test_a_stranger_may_be_blocked(target: str) -> None:
    assert said(target) == []


OWN = {
    "192.0.2.10": "192.0.2.10 (where your SSH session comes from)",
    "192.0.2.0/28": "192.0.2.10 (where your SSH session comes from)",
    "2001:db8:77::9": "2001:db8:77::9 (where your SSH session comes from)",
    "192.0.2.77": "192.0.2.77 (named with --allow)",
    "192.168.10.200": "192.168.10.0/24 (of networks: in auditkit.yaml)",
    "2001:db8:10:4::/64": "2001:db8:10::/48 (of networks: in auditkit.yaml)",
    "100.64.9.3": "100.64.9.3 (ws-03 of auditkit.yaml)",
    "100.64.9.4": "100.64.9.4 (100.64.9.4 of auditkit.yaml)",
    "203.0.113.2": "203.0.113.2 (an address of this machine itself)",
    "203.0.113.1": "203.0.113.1 (the default gateway)",
    "203.0.113.200": "203.0.113.0/24 (the network at eth0)",
    "10.8.0.0/25": "10.8.0.7 (a gateway)",
    "10.20.30.40": "10.20.0.0/16 (the network at wg0)",
    "2001:db8:5::99": "2001:db8:5::/64 (the network at eth0)",
    "198.51.100.53": "198.51.100.53 (a name server that this machine asks)",
}


@pytest.mark.parametrize(("target", "who"), OWN.items(), ids=OWN)
def test_the_own_side_is_not_blocked(target: str, who: str) -> None:
    (reason,) = said(target)
    assert reason.startswith(f"a block of {target} would hit your own side: ")
    assert who in reason


DISGUISED = {
    "the own address through NAT64": "64:ff9b::203.0.113.2",
    "the own address as 6to4": "2002:cb00:7102::1",
    "a whole network of 6to4": "2002:cb00:7102::/48",
    "the admin through NAT64": "64:ff9b::192.0.2.10",
}


@pytest.mark.parametrize("target", DISGUISED.values(), ids=DISGUISED)
def test_an_own_address_is_known_in_its_other_forms(target: str) -> None:
    assert "would hit your own side" in said(target)[0]


def test_an_admin_who_comes_through_nat64_is_not_blocked_by_his_address_of_ipv4() -> None:
    around = Machine().seen(known.known([], ["64:ff9b::c612:07 1 22"], [], {}))
    assert "where your SSH session comes from" in said("198.18.0.7", around)[0]


NOBODYS = {
    "0.0.0.0": "0.0.0.0 means this machine, or everybody",
    "0.0.0.0/0": "0.0.0.0/0 means this machine, or everybody",
    "::": ":: means everybody",
    "::/0": "::/0 means this machine, or everybody",
    "127.0.0.53": "127.0.0.53 is this machine itself: its own programs talk over it",
    "::1": "::1 is this machine itself: its own programs talk over it",
    "169.254.1.1": "169.254.1.1 is on the own cable, where machines find each other (RFC 3927)",
    "fe80::1": "fe80::1 is on the own cable, where machines find each other (RFC 4291)",
    "224.0.0.251": "224.0.0.251 is multicast, from which nothing comes",
    "ff02::1": "ff02::1 is multicast, from which nothing comes",
    "255.255.255.255": "255.255.255.255 is broadcast, or reserved: nothing comes from there",
    "::ffff:127.0.0.1": "::ffff:7f00:1 is this machine itself: its own programs talk over it",
    "::ffff:198.51.100.7": "::ffff:c633:6407 is IPv4 written as IPv6, as no packet has it",
}


@pytest.mark.parametrize(("target", "reason"), NOBODYS.items(), ids=NOBODYS)
def test_what_is_no_suspect_is_not_blocked(target: str, reason: str) -> None:
    assert said(target) == [reason]


def test_ipv4_in_ipv6_is_told_how_to_be_written() -> None:
    (refusal,) = refusals(network("::ffff:198.51.100.7"), SERVER)
    assert refusal.remedy == "write 198.51.100.7"


WIDE = {
    "198.51.100.0/23": "198.51.100.0/23 is too wide: 512 addresses, most of them of people who have done nothing",
    "128.0.0.0/4": "128.0.0.0/4 is too wide: 268 435 456 addresses, most of them of people who have done nothing",
    "2001:db8:98::/47": "2001:db8:98::/47 is too wide: more than one site has, most of them of people who have done nothing",
}


@pytest.mark.parametrize(("target", "reason"), WIDE.items(), ids=WIDE)
def test_whole_providers_are_not_blocked(target: str, reason: str) -> None:
    assert said(target)[0] == reason


def test_a_route_to_half_of_the_internet_makes_it_no_own_network() -> None:
    """What a VPN sets that takes all traffic."""
    halves = (("wg0", "0.0.0.0", "0.0.0.0", "128.0.0.0"), ("wg0", "128.0.0.0", "0.0.0.0", "128.0.0.0"))
    assert said("198.51.100.7", Machine().having(ROUTE=routes(*ROUTES, *halves)).seen()) == []


# --- sessions

SUSPECT = "198.51.100.7"


def connected(*rows: tuple[str, int, str, int, str]) -> Surroundings:
    return Machine().having(listener("/usr/sbin/sshd", 22), listener("/usr/sbin/nginx", 443, 800), **came_from(*rows)).seen()


def test_who_is_connected_to_ssh_may_be_a_colleague_until_somebody_says_no() -> None:
    around = connected(("203.0.113.2", 22, SUSPECT, 40000, "ESTABLISHED"))
    (refusal,) = refusals(network(SUSPECT), around)
    assert refusal.reason == (
        "somebody is there right now, perhaps you or a colleague behind the same router, perhaps the one who guesses:"
        " 198.51.100.7 is connected to port 22"
    )
    assert "--not-ours" in refusal.remedy
    assert said(SUSPECT, around, not_ours=True) == []
    assert "A block does not end them" in next(cautions(network(SUSPECT), around, not_ours=True))


def test_the_session_of_an_own_client_is_refused_whatever_is_said() -> None:
    assert "your own side" in said("192.0.2.10", SERVER, not_ours=True, allowed=True)[0]


def test_a_server_that_knows_ipv4_as_ipv6_has_the_session_all_the_same() -> None:
    around = connected(("::ffff:203.0.113.2", 22, f"::ffff:{SUSPECT}", 40000, "ESTABLISHED"))
    assert "is connected to port 22" in said("198.51.100.0/28", around)[0]


def test_a_session_over_ipv6_is_seen() -> None:
    around = connected(("2001:db8:5::2", 22, "2001:db8:99::7", 40000, "ESTABLISHED"))
    assert "2001:db8:99::7 is connected to port 22" in said("2001:db8:99::/64", around)[0]


def test_who_is_logged_in_is_seen_where_no_connection_is() -> None:
    """mosh comes over UDP."""
    item = Machine({asking.LOGINS: SESSION}).evidence.items
    assert "192.0.2.20 is where anna is logged in from" in said("192.0.2.20", Machine().having(*item).seen())[0]


@pytest.mark.parametrize(
    "row",
    [
        ("203.0.113.2", 443, SUSPECT, 40000, "ESTABLISHED"),  # a guest of the web server
        ("203.0.113.2", 22, SUSPECT, 40000, "TIME_WAIT"),  # a session that has ended
        ("203.0.113.2", 22, "198.51.100.8", 40000, "ESTABLISHED"),  # somebody else
    ],
)
def test_what_is_no_session_of_a_person_is_no_reason(row: tuple[str, int, str, int, str]) -> None:
    assert said(SUSPECT, connected(row)) == []


def test_a_port_whose_program_is_hidden_may_be_one_of_ssh() -> None:
    """Who is not root does not see that sshd listens on 2222."""
    tables = {
        "TCP": sockets(LISTENS, ("0.0.0.0", 2222, "0.0.0.0", 0, "LISTEN"), ("203.0.113.2", 2222, SUSPECT, 9, "ESTABLISHED"))
    }
    assert "is connected to port 2222" in said(SUSPECT, Machine().having(listener("", 2222, None), **tables).seen())[0]


def test_the_port_of_the_own_session_is_one_of_ssh() -> None:
    tables = {
        "TCP": sockets(LISTENS, ("0.0.0.0", 2222, "0.0.0.0", 0, "LISTEN"), ("203.0.113.2", 2222, SUSPECT, 9, "ESTABLISHED"))
    }
    assert "is connected to port 2222" in said(SUSPECT, Machine().having(**tables).seen(OFFICE))[0]


def test_a_connection_that_this_machine_made_to_the_suspect_is_told() -> None:
    around = connected(("203.0.113.2", 51000, SUSPECT, 4444, "ESTABLISHED"))
    assert said(SUSPECT, around) == []
    (caution,) = cautions(network(SUSPECT), around)
    assert caution.startswith("This machine itself is connected to it right now (198.51.100.7 port 4444)")


# --- what could not be found out is no pass

LACKING = {
    "own addresses": (Machine().having(FIB=""), "own addresses (/proc/net/fib_trie: it is not there)"),
    "own addresses of IPv6": (
        Machine().lacking(asking.INET6, "permission denied"),
        "own addresses (/proc/net/if_inet6: permission denied)",
    ),
    "gateways": (
        Machine().lacking(asking.ROUTE, "permission denied"),
        "gateways and own networks (/proc/net/route: permission denied)",
    ),
    "routes that are none": (
        Machine().having(ROUTE="Iface\nlo 1 2\n"),
        "gateways and own networks (/proc/net/route makes no sense: list index out of range)",
    ),
    "connections": (Machine().lacking(asking.TCP, "input/output error"), "sessions (/proc/net/tcp: input/output error)"),
    "connections of IPv6": (Machine().having(TCP6=""), "sessions (/proc/net/tcp6: it is not there)"),
    "connections cut short": (
        Machine().having(TCP=sockets(LISTENS)[:-80] + "\n"),
        "sessions (/proc/net/tcp makes no sense: ",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("machine", "what"), LACKING.values(), ids=LACKING)
def test_what_could_not_be_seen_keeps_the_proposal_back_until_own_addresses_are_named(machine: Machine, what: str) -> None:
    around = machine.seen()
    (refusal,) = refusals(network(SUSPECT), around)
    assert refusal.reason.startswith("what must not be hit could not be found out on srv-01: ")
    assert what in refusal.reason
    assert "--allow" in refusal.remedy
    assert said(SUSPECT, around, allowed=True) == []
    assert around.grave  # and it is told with the proposal


def test_a_kernel_without_ipv6_is_no_gap() -> None:
    assert not Machine().having(INET6="", ROUTE6="", TCP6="").seen().grave


def test_where_sudo_hides_from_where_one_came_it_is_said() -> None:
    around = Machine().seen(known.known([], ["not an address"], [], {}))
    assert "SSH_CONNECTION makes no sense: not an address" in said(SUSPECT, around)[0]


def test_name_servers_behind_an_own_resolver_are_said_not_to_be_known() -> None:
    stub = Machine().having(RESOLV="nameserver 127.0.0.53\n")
    assert [gap.reason for gap in stub.seen().gaps] == ["a resolver on this machine answers; whom that asks is not known"]
    upstream = Machine({**stub.files, asking.UPSTREAM[0]: "nameserver 9.9.9.9\nnameserver 2001:db8:53::1\n"}).seen()
    assert not upstream.gaps
    assert "name server" in said("9.9.9.9", upstream)[0]
    assert "name server" in said("2001:db8:53::1", upstream)[0]
    assert [gap.subject for gap in Machine().having(RESOLV="").seen().gaps] == ["name servers"]


def test_over_ssh_the_address_that_the_server_saw_is_spared() -> None:
    around = Machine().having(greeted("192.0.2.66")).seen(over_ssh=True)
    assert "where this very login of auditkit comes from" in said("192.0.2.66", around)[0]
    assert not around.grave
    for machine in (Machine(), Machine().having(greeted(""))):
        assert "where we come from ourselves (the SSH server did not say)" in said(SUSPECT, machine.seen(over_ssh=True))[0]


def test_a_machine_that_writes_numbers_the_other_way_round_is_understood() -> None:
    """s390x."""
    rows = sockets(LISTENS, ("203.0.113.2", 22, SUSPECT, 9, "ESTABLISHED"), order=">")
    around = Machine().having(ROUTE=routes(*ROUTES, order=">"), TCP=rows, INET6="", TCP6="", ROUTE6="").seen()
    assert "203.0.113.1 (the default gateway)" in said("203.0.113.1", around)[0]
    assert "is connected to port 22" in said(SUSPECT, around)[0]


def test_a_host_that_names_thousands_of_networks_makes_no_list_of_thousands() -> None:
    many = (("eth0", f"10.{number // 256}.{number % 256}.0", "0.0.0.0", "255.255.255.128") for number in range(5000))
    around = Machine().having(ROUTE=routes(*ROUTES, *many)).seen(OFFICE)
    assert "own networks" in {gap.subject for gap in around.gaps}
    assert "the network at eth0" in said("10.19.0.9", around)[0]  # it is refused all the same
    asked = wishing.wish(network(SUSPECT), 180, (22,), around, "")
    assert len(asked.ours) < 300
    assert {"192.0.2.10/32", "192.0.2.77/32"} <= set(map(str, asked.ours))


# --- words

WORDS = {
    "198.51.100.7/24": "write 198.51.100.0/24 for the net, or 198.51.100.7 for the one address",
    "2001:db8::7/48": "write 2001:db8::/48 for the net, or 2001:db8::7 for the one address",
    "198.51.100.7/255.255.255.0": "write it like 192.0.2.10, 192.0.2.0/24 or 2001:db8::/64",
    "mail.example": "write it like 192.0.2.10, 192.0.2.0/24 or 2001:db8::/64",
    "198.51.100.7; reboot": "write it like 192.0.2.10, 192.0.2.0/24 or 2001:db8::/64",
    "$(reboot)": "write it like 192.0.2.10, 192.0.2.0/24 or 2001:db8::/64",
    "fe80::1%$(reboot)": "write it like 192.0.2.10, 192.0.2.0/24 or 2001:db8::/64",
    "198.51.100.007": "write it like 192.0.2.10, 192.0.2.0/24 or 2001:db8::/64",
    "٣.٣.٣.٣": "write it like 192.0.2.10, 192.0.2.0/24 or 2001:db8::/64",
    "3325256711": "write it like 192.0.2.10, 192.0.2.0/24 or 2001:db8::/64",
    "": "write it like 192.0.2.10, 192.0.2.0/24 or 2001:db8::/64",
}


@pytest.mark.parametrize(("word", "hint"), WORDS.items())
def test_what_is_no_address_is_refused_with_how_to_write_it(word: str, hint: str) -> None:
    with pytest.raises(UsageError) as told:
        network(word)
    assert told.value.hint == hint
    assert "\n" not in str(told.value)


TIMES = {"3m": 180, "90s": 90, "1h": 3600, "24h": 86400, "1440m": 86400}


@pytest.mark.parametrize(("word", "time"), TIMES.items())
def test_a_block_stands_for_a_time(word: str, time: int) -> None:
    assert wishing.seconds(word) == time


@pytest.mark.parametrize("word", ["permanent", "forever", "0", "25h", "59s", "3", "-3m", "3m; reboot", "1d", "", "٣m"])
def test_a_block_without_an_end_that_one_waits_for_is_refused(word: str) -> None:
    with pytest.raises(UsageError) as told:
        wishing.seconds(word)
    assert "24h" in told.value.hint or "3m" in told.value.hint


def test_ports_are_those_of_ssh_on_that_machine_if_nobody_says_otherwise() -> None:
    assert wishing.ports([], Machine().having(listener("/usr/sbin/sshd", 2222)).seen()) == (2222,)
    assert wishing.ports([], Machine().seen()) == (22,)
    assert wishing.ports(["22", "443", "22"], SERVER) == (22, 443)
    assert wishing.ports(["all"], SERVER) == ()


@pytest.mark.parametrize("words", [["0"], ["65536"], ["22;reboot"], ["ssh"], ["22", "all"], [""], list(map(str, range(1, 17)))])
def test_what_is_no_port_is_refused(words: list[str]) -> None:
    with pytest.raises(UsageError):
        wishing.ports(words, SERVER)


@pytest.mark.parametrize("word", ["0.0.0.0/0", "128.0.0.0/1", "::/0", "anna@198.51.100.7", "*"])
def test_nobody_names_half_of_the_internet_as_his_own(word: str) -> None:
    with pytest.raises(UsageError):
        wishing.allowed([word])


# --- properties

NETWORKS = st.tuples(st.ip_addresses(), st.integers(0, 128)).map(
    lambda pair: ip_network(
        (int(pair[0]).to_bytes(pair[0].max_prefixlen // 8, "big"), min(pair[1], pair[0].max_prefixlen)), False
    )
)


@given(NETWORKS)
def test_a_net_is_read_as_it_is_written_and_meets_itself_in_each_form(net: Network) -> None:
    assert network(shown(net)) == net
    assert all(overlap(net, form) and overlap(form, net) for form in forms(net))


@settings(max_examples=60)
@given(st.sampled_from(list(asking.NEEDS)), st.binary(max_size=300))
def test_whatever_a_host_says_the_block_is_judged_or_kept_back(need: object, data: bytes) -> None:
    """A hostile table neither ends the program nor lets the own address through that the others tell of."""
    machine = Machine().having(listener("/usr/sbin/sshd", 22))
    items = tuple(replace(item, data=data) if item.need == need else item for item in machine.evidence.items)
    around = surroundings(replace(machine.evidence, items=items), OFFICE)
    assert said("192.0.2.10", around)
    assert around.grave or said("203.0.113.2", around)


@given(st.lists(st.text("0123456789ABCDEFabcdef: \n\tx", max_size=200), max_size=5).map("\n".join))
def test_tables_that_are_none_are_told(text: str) -> None:
    around = Machine().having(TCP="  sl\n" + text, ROUTE="Iface\n" + text, INET6=INET6 + text, ROUTE6=text or "x").seen()
    assert around.host == "srv-01"
