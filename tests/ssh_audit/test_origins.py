"""From where people may come: which addresses are tried, and in how few words it is said."""

import pytest
from machine import Machine, sshd

from auditkit.access.seen import seen
from auditkit.answers import Listening, Process, Shown
from auditkit.audits.ssh import access

MAIN = "/etc/ssh/sshd_config"
OPEN = "KbdInteractiveAuthentication no\n"
CLOSED = f"PasswordAuthentication no\n{OPEN}"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr x\n"


def tried(config: str, *networks: str, keys: str = "") -> dict[str, str]:
    """The addresses that are tried, by the name of what they stand for."""
    files = {MAIN: config, **({"/home/anna/.ssh/authorized_keys": keys} if keys else {})}
    return {source.name: source.address for source in seen(Machine(files, networks=networks).evidence()).sources}


def opened(config: str, *networks: str, process: Process | None = None, shown: tuple[Shown, ...] = ()) -> list[str]:
    """From where anna gets in with a password, as the report says it."""
    machine = Machine({MAIN: config}, processes=(process or sshd(),), networks=networks or ("192.168.10.0/24",), shown=shown)
    doors = access.facts(machine.evidence())["ssh"]["password_doors"]  # type: ignore[index]
    return [door["from"] for door in doors if door["account"] == "anna"]


def test_the_own_networks_and_the_internet_are_tried_always() -> None:
    assert tried("", "192.168.10.0/24", "fd00::/8") == {
        "192.168.10.0/24": "192.168.10.1",
        "fd00::/8": "fd00::1",
        "internet (203.0.113.7)": "203.0.113.7",
        "internet (2001:db8::7)": "2001:db8::7",
    }


def test_each_network_that_a_line_names_is_tried_where_no_smaller_one_lies() -> None:
    config = (
        "Match Address 10.0.0.0/8,!10.0.0.0/24,!10.1.2.3\nBanner none\nMatch LocalPort 22 Address 203.0.113.*\nBanner none\n"
    )
    told = tried(f"{config}AllowUsers x@198.51.100.0/25 y\n", keys=f'from="172.16.5.5,!172.16.5.6,*.example.org" {KEY}')
    assert told == {
        "10.0.0.0/8": "10.0.1.0",
        "10.0.0.0/24": "10.0.0.1",
        "10.1.2.3": "10.1.2.3",
        "203.0.113.*": "203.0.113.1",
        "198.51.100.0/25": "198.51.100.1",
        "172.16.5.5": "172.16.5.5",
        "172.16.5.6": "172.16.5.6",
        "internet (192.0.2.7)": "192.0.2.7",
        "internet (2001:db8::7)": "2001:db8::7",
    }


def test_what_keys_in_unusual_places_name_is_tried_too() -> None:
    files = {MAIN: "AuthorizedKeysFile /etc/ssh/keys/%u\n", "/etc/ssh/keys/anna": f'from="172.16.5.5" {KEY}'}
    assert "172.16.5.5" in {source.name for source in seen(Machine(files, processes=(sshd(),)).evidence()).sources}


def test_the_internet_is_an_address_that_no_line_names() -> None:
    assert "internet (198.51.100.7)" in tried("Match Address 203.0.113.0/24\nBanner none\n")
    assert "internet (203.0.113.7)" in tried("Match Address 0.0.0.0/0\nBanner none\n"), "that is everybody"


@pytest.mark.parametrize(
    ("config", "networks", "expected"),
    [
        (OPEN, (), ["anywhere"]),
        (CLOSED, (), []),
        (f"{OPEN}AllowUsers anna@192.168.10.0/24\n", (), ["192.168.10.0/24"]),
        (
            f"{OPEN}AllowUsers anna@192.168.10.0/24 anna@192.168.11.0/24\n",
            ("192.168.10.0/24", "192.168.11.0/24"),
            ["own networks"],
        ),
        (f"{OPEN}AllowUsers anna@192.168.10.1/32 anna@192.168.10.0/24\n", (), ["192.168.10.0/24", "192.168.10.1/32"]),
        (f"{OPEN}DenyUsers *@192.168.10.0/24\n", (), ["internet (203.0.113.7)"]),
        (f"{OPEN}DenyUsers *@203.0.113.7\n", (), ["192.168.10.0/24", "internet (198.51.100.7)"]),
        (f"{CLOSED}Match Address 10.0.0.0/8,!10.1.0.0/16\nPasswordAuthentication yes\n", (), ["10.0.0.0/8 except 10.1.0.0/16"]),
        (f"{OPEN}Match Address 0.0.0.0/0\nPasswordAuthentication no\n", (), ["internet (2001:db8::7)"]),
    ],
)
def test_where_from_is_said_in_few_words(config: str, networks: tuple[str, ...], expected: list[str]) -> None:
    assert opened(config, *networks) == expected


def test_a_server_is_reached_as_it_listens() -> None:
    def listening(*addresses: str) -> Process:
        places = tuple(Listening("tcp", address, 22) for address in addresses)
        return Process(7, 1, 0, 1.0, "/usr/sbin/sshd", ("/usr/sbin/sshd", "-D"), "", places)

    assert opened(OPEN, process=listening("127.0.0.1", "::1")) == ["the host itself"]
    four = f"{OPEN}Match Address 0.0.0.0/0\nPasswordAuthentication no\n"
    assert opened(four, process=listening("0.0.0.0")) == [], "nobody comes over IPv6"


def test_the_station_is_named_where_it_is_treated_otherwise_than_its_network() -> None:
    shown = (Shown("192.168.10.2", 22, "SSH-2.0-OpenSSH_9.2p1", user="anna", source="192.168.10.7"),)
    assert opened(f"{OPEN}AllowUsers *@192.168.10.7\n", shown=shown) == ["192.168.10.7"]
    assert opened(f"{OPEN}AllowUsers *@192.168.10.?\n", "10.0.0.0/8", shown=shown) == [
        "192.168.10.?",
        "192.168.10.7 (auditkit)",
    ]
    assert opened(OPEN, shown=shown) == ["anywhere"]


def test_address_and_port_that_somebody_connects_to_count_where_a_line_asks_for_them() -> None:
    places = (Listening("tcp", "192.168.10.2", 22), Listening("tcp", "10.0.0.2", 2222))
    process = Process(7, 1, 0, 1.0, "/usr/sbin/sshd", ("/usr/sbin/sshd", "-D"), "", places)
    assert opened(f"{CLOSED}Match LocalPort 2222\nPasswordAuthentication yes\n", process=process) == ["anywhere"]
    assert opened(f"{CLOSED}Match LocalAddress 10.0.0.2\nPasswordAuthentication yes\n", process=process) == ["anywhere"]
    assert opened(f"{CLOSED}Match LocalPort 2200\nPasswordAuthentication yes\n", process=process) == []


def test_an_address_that_is_not_known_is_never_a_pass() -> None:
    machine = Machine({MAIN: f"{CLOSED}Match LocalAddress 10.0.0.2\nPasswordAuthentication yes\n"}, processes=(sshd(),))
    (unknown,) = access.facts(machine.evidence())["ssh"]["password_unknown"]  # type: ignore[index]
    assert (unknown["account"], unknown["why"]) == ("anna", "a Match line asks what is not known here")
    by_name = Machine(
        {MAIN: f"{CLOSED}UseDNS yes\nMatch Host *.example.org\nPasswordAuthentication yes\n"}, processes=(sshd(),)
    )
    assert access.facts(by_name.evidence())["ssh"]["password_unknown"]  # type: ignore[index]


@pytest.mark.parametrize(
    "pattern",
    [
        "10.99.*",
        "10.*.3.4",
        "*.5",
        "10.9?.1.1",
        "1??.*",
        "2001:db8:*",
        "2001:db8:?::*",
        "*::5",
        "fe80::1*",
        "10.0.0.*",
        "::ffff:*",
    ],
)
def test_an_address_that_fits_a_pattern_is_tried_or_it_is_said_that_none_is_known(pattern: str) -> None:
    """As `Match Address`, and as `Match Host`: the name of a source is its address unless UseDNS is on."""
    for criterion in ("Address", "Host"):
        files = {MAIN: f"{CLOSED}Match {criterion} {pattern}\nPasswordAuthentication yes\n"}
        facts = access.facts(Machine(files, processes=(sshd(),)).evidence())["ssh"]
        told = facts["password_doors"] or facts["password_unknown"]  # type: ignore[index]
        assert pattern in [one["from"].removesuffix(" except 192.168.10.0/24") for one in told], (criterion, told)


def test_a_pattern_that_is_a_network_is_tried_outside_of_smaller_ones() -> None:
    blocks = "Match Address 10.0.0.0/24\nPasswordAuthentication no\nMatch Address 10.*\nPasswordAuthentication yes\n"
    assert opened(f"{CLOSED}{blocks}") == ["10.* except 10.0.0.0/24"]


def test_where_lines_name_most_of_the_internet_the_rest_is_tried() -> None:
    half = f"{OPEN}DenyUsers *@128.0.0.0/1\n"
    assert opened(half) == ["internet (1.77.77.7)"]


def test_a_name_that_no_address_has_opens_nothing_without_dns() -> None:
    assert opened(f"{CLOSED}Match Host *.example.org\nPasswordAuthentication yes\n") == []
