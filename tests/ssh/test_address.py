"""The one connect(): only own addresses are contacted, in bounded time, and nothing else in auditkit connects."""

import ast
import os
import socket
import threading
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.config import Network
from auditkit.errors import HostError
from auditkit.model import State
from auditkit.ssh import Deadline, Hop, address

PACKAGE = Path(__file__).parent.parent.parent / "auditkit"
OFFICE = (ip_network("192.168.10.0/24"), ip_network("fd00:10::/64"))


def hop(hostname: str, port: int = 22, literal: bool = False) -> Hop:
    return Hop("ws-03", hostname, port, "audit", literal=literal)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """A name server that says what a test has written down, and a kernel that connects nowhere but to loopback."""
    told: dict[str, list[str]] = {}
    real = socket.getaddrinfo

    def answer(name: str, port: int, **options: int) -> list[object]:
        numbers = told.get(name, [name])
        return [each for number in numbers for each in real(number, port, flags=socket.AI_NUMERICHOST, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return told


def refused(hostname: str, networks: tuple[Network, ...] | None = None, literal: bool = False) -> HostError:
    with pytest.raises(HostError) as caught:
        address.connect(hop(hostname, 1, literal), networks, Deadline(10))
    return caught.value


# --- which addresses are own ones


@pytest.mark.parametrize(
    "number",
    [
        *("10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.10.3", "169.254.7.7", "127.0.0.1", "127.8.9.10"),
        *("::1", "fd00::3", "fc12::1", "fe80::1", "fe80::1%eth0", "febf::1%2"),
        *("::ffff:192.168.10.3", "::ffff:c0a8:a03", "64:ff9b::10.0.0.1"),
    ],
)
def test_private_link_local_and_loopback_addresses_are_own_ones(number: str) -> None:
    assert address.allowed(number, hop("ws-03.lan"), None)


FOREIGN = [
    *("8.8.8.8", "172.32.0.1", "172.15.255.255", "192.169.0.1", "11.0.0.1", "100.64.0.1", "198.18.0.1"),
    *("2001:db8::1", "2a00:1450::8", "fec0::1", "2002:c0a8:a03::1", "::c0a8:a03", "64:ff9b:1::10.0.0.1"),
    *("::ffff:8.8.8.8", "::ffff:808:808", "64:ff9b::8.8.8.8", "64:ff9b::808:808"),
]
NOBODY = ["0.0.0.0", "::", "::ffff:0.0.0.0", "64:ff9b::", "224.0.0.1", "239.1.1.1", "ff02::1", "ff02::1%lo", "255.255.255.255"]


@pytest.mark.parametrize("number", [*FOREIGN, *NOBODY])
def test_all_others_are_foreign(number: str) -> None:
    assert not address.allowed(number, hop("ws-03.lan"), None)


@pytest.mark.parametrize("number", FOREIGN)
def test_a_foreign_address_that_auditkit_yaml_gives_as_a_number_is_an_own_one(number: str) -> None:
    assert address.allowed(number, hop(number, literal=True), None)
    assert not address.allowed(number, hop("1.1.1.1", literal=True), None)
    assert not address.allowed(number, hop(number, literal=True), OFFICE)


@pytest.mark.parametrize("number", NOBODY)
@pytest.mark.parametrize("networks", [None, tuple(map(ip_network, ("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1")))])
def test_no_configuration_makes_everybody_or_nobody_a_host(number: str, networks: tuple[Network, ...] | None) -> None:
    assert not address.allowed(number, hop(number, literal=True), networks)


@pytest.mark.parametrize(
    ("number", "own"),
    [
        *(("192.168.10.3", True), ("192.168.11.3", False), ("10.0.0.1", False), ("127.0.0.1", False), ("::1", False)),
        *(("fd00:10::3", True), ("fd00:10::3%eth0", True), ("fd00:11::3", False), ("fe80::1%eth0", False)),
        *(("::ffff:192.168.10.3", True), ("::ffff:10.0.0.1", False), ("64:ff9b::c0a8:a03", True)),
    ],
)
def test_where_networks_are_set_nothing_outside_is_an_own_one(number: str, own: bool) -> None:
    assert address.allowed(number, hop("ws-03.lan"), OFFICE) is own


@given(st.one_of(st.text(max_size=30), st.ip_addresses().map(str), st.text("0123456789.:xa%f[]", max_size=20)))
def test_what_is_no_own_number_is_never_allowed(text: str) -> None:
    meant = address.meant(text)
    if address.allowed(text, hop("ws-03.lan"), OFFICE):
        assert meant is not None
        assert any(meant in network for network in OFFICE)


# --- connecting


def test_a_connection_is_without_delay_and_notices_that_the_cable_is_out(listener: socket.socket) -> None:
    with address.connect(hop("127.0.0.1", listener.getsockname()[1]), None, Deadline(10)) as link:
        assert link.getpeername() == listener.getsockname()
        assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert link.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert link.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 60_000
        assert link.gettimeout() is None


def test_of_the_addresses_of_a_name_only_own_ones_are_tried(
    listener: socket.socket, resolver: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver["ws-03.lan"] = ["8.8.8.8", "127.0.0.2", "::ffff:1.1.1.1", "127.0.0.1", "192.0.2.7"]
    tried = []
    real = address._opened

    def opened(family: socket.AddressFamily, kind: socket.SocketKind, place: tuple[str, int], seconds: float) -> socket.socket:
        tried.append(place[0])
        return real(family, kind, place, seconds)

    monkeypatch.setattr(address, "_opened", opened)
    port = listener.getsockname()[1]
    with address.connect(hop("ws-03.lan", port), None, Deadline(10)) as link:
        assert link.getpeername() == ("127.0.0.1", port)
    assert tried == ["127.0.0.2", "127.0.0.1"]


def test_a_name_that_leads_elsewhere_is_not_contacted(resolver: dict[str, list[str]]) -> None:
    resolver["ws-03.lan"] = ["8.8.8.8", "2001:db8::1"]
    error = refused("ws-03.lan")
    assert str(error) == "ws-03.lan is 8.8.8.8, which is no address of an own network, and was not contacted"
    assert error.hint == "add its network to networks: in auditkit.yaml, if it is yours"
    assert error.state is State.UNREACHABLE


@pytest.mark.parametrize("word", ["0.0.0.0", "0", "0x0", "::", "134744072", "0x08.8.8.010"])
def test_other_ways_to_write_a_foreign_number_are_seen_through(word: str) -> None:
    assert "no address of an own network" in str(refused(word, None))


def test_a_literal_address_is_contacted_only_where_no_networks_are_set() -> None:
    assert "no address of an own network" in str(refused("127.0.0.1", OFFICE, literal=True))


@pytest.mark.parametrize("name", ["ws-99.invalid", "a..b", "x" * 64 + ".lan", "a\0b"])
def test_a_name_that_is_none_is_unknown(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(name: str, *_more: int, **_options: int) -> list[object]:
        name.encode("idna") if "\0" not in name else real(name, 22)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", answer)
    error = refused(name)
    assert error.state is State.UNREACHABLE
    assert str(error).startswith("the name ")
    assert str(error).endswith(" is unknown")


@pytest.mark.parametrize(
    ("number", "words", "hint"),
    [
        ("fe80::1%nosuch", "this machine has no interface nosuch, on which fe80::1 would be", "see which there are: ip link"),
        (
            "fe80::1",
            "fe80::1 is an address of one link only, and does not say of which",
            "write the interface behind it: fe80::1%eth0",
        ),
    ],
)
def test_a_number_that_needs_an_interface_says_so(number: str, words: str, hint: str) -> None:
    error = refused(number)
    assert (str(error), error.hint) == (words, hint)


def test_a_name_server_that_is_down_is_not_an_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(*_more: object, **_options: int) -> list[object]:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    assert str(refused("ws-03.lan")) == "the address of ws-03.lan cannot be had: Temporary failure in name resolution"


@pytest.mark.parametrize(("seconds", "state"), [(0.05, State.TIMEOUT), (60, State.UNREACHABLE)])
def test_a_name_server_that_never_answers_costs_a_bounded_time(
    seconds: float, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    never = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_more, **_options: never.wait() and [])
    monkeypatch.setattr(address, "PATIENCE", min(seconds * 2, 0.1))
    with pytest.raises(HostError) as caught:
        address.connect(hop("ws-03.lan"), None, Deadline(seconds))
    never.set()
    assert caught.value.state is state


def test_a_closed_port_refuses() -> None:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))  # so that nobody else gets the port; it does not listen
        port = place.getsockname()[1]
        with pytest.raises(HostError) as caught:
            address.connect(hop("127.0.0.1", port), None, Deadline(10))
    assert str(caught.value) == f"127.0.0.1 port {port} refuses the connection"
    assert caught.value.hint == "see whether sshd runs there and listens on this port"


@pytest.mark.parametrize(("seconds", "state"), [(0.05, State.TIMEOUT), (60, State.UNREACHABLE)])
def test_a_host_that_takes_no_connection_costs_a_bounded_time(
    seconds: float, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(address, "PATIENCE", min(seconds * 2, 0.1))
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.create_connection(full.getsockname()), pytest.raises(HostError) as caught:
            address.connect(hop("127.0.0.1", full.getsockname()[1]), None, Deadline(seconds))
    assert caught.value.state is state
    assert "seconds" in str(caught.value) or str(caught.value).endswith("does not answer")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (113, "10.0.0.1 port 22 cannot be reached: no route to it"),
        (101, "10.0.0.1 port 22 cannot be reached: this machine has no route there"),
        (110, "10.0.0.1 port 22 does not answer"),
        (104, "10.0.0.1 port 22 resets the connection"),
        (13, "10.0.0.1 port 22 cannot be reached: Permission denied"),
    ],
)
def test_what_the_kernel_says_is_said_in_plain_words(number: int, words: str) -> None:
    assert str(address._silent(hop("ws-03.lan"), "10.0.0.1", OSError(number, os.strerror(number)))) == words


# --- what others connect to for us


@pytest.mark.parametrize("hostname", ["ws-03.lan", "192.168.10.3", "fd00:10::7", "64:ff9b::c0a8:a03"])
def test_a_jump_host_is_given_names_and_own_numbers(hostname: str) -> None:
    address.check_onward(hop(hostname), OFFICE)


@pytest.mark.parametrize("hostname", ["8.8.8.8", "10.0.0.1", "0.0.0.0", "::ffff:8.8.8.8", "0x08080808", "8.8", "134744072"])
def test_a_jump_host_is_given_no_foreign_number(hostname: str) -> None:
    with pytest.raises(HostError, match="no address of an own network"):
        address.check_onward(hop(hostname), OFFICE)


# --- nothing else connects

CALLS = {
    ("auditkit.ssh.address", "link.connect"): "the one connection",
    ("auditkit.agent", "link.connect"): "AF_UNIX: the ssh-agent of the user who seals",
    ("auditkit.logins.formats.databases", "sqlite3.connect"): "a database in memory",
    ("auditkit.commands.completing", "sqlite3.connect"): "the file of the history",
    ("auditkit.hosts", "import_module(HOSTS["): "a host of any kind, which begins here",
    ("auditkit.hosts.ssh", "module.connect"): "a link of either transport, which begins with the one connection",
}
"""How each call of something that is named like connecting begins, and what it is."""
BY_CHOICE = {
    "auditkit.vendor.mirror": "fetches packages from the mirrors that auditkit.yaml names, and from no other host",
    "auditkit.incident.registry": "asks the registries of the internet of an address, by --online, and no other host",
    "auditkit.history.opening": "opens the file of the history, or the database server that `history:` in auditkit.yaml names",
    "auditkit.notify.smtp": "hands mail to the server that `notify:` in auditkit.yaml names, and to no other host",
    "auditkit.notify.services": "hands notices to the services in the file that `notify:` names, by apprise",
}
"""Modules that contact what no inventory names, because the user chose to."""
NAMES = {"connect", "connect_ex", "create_connection", "open_connection", "sendto", "SSHClient", "sock_connect"}
CLIENTS = {"asyncio", "ftplib", "http", "imaplib", "nntplib", "poplib", "requests", "smtplib", "socketserver", "telnetlib"}
CLIENTS |= {"urllib.request", "xmlrpc", "urllib3", "httpx", "aiohttp", "whoisit", "dns", "apprise"}


def connections(module: str, text: str) -> Iterator[str]:
    """Yield each place that could contact a machine by itself."""
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)) if name in NAMES:
                called = ast.unparse(node.func)
                if called != "address.connect" and not any(module == at and called.startswith(begin) for at, begin in CALLS):
                    yield f"{module}:{node.lineno}: {called}"
            case ast.Call(func=ast.Attribute(attr="Transport"), args=[ast.Constant() | ast.Tuple() | ast.JoinedStr(), *_]):
                yield f"{module}:{node.lineno}: a transport that connects by itself"
            case ast.Import(names=names) if any(clients(alias.name) for alias in names):
                yield f"{module}:{node.lineno}: {ast.unparse(node)}"
            case ast.ImportFrom(module=str(source), names=names) if clients(source) or named(source, names):
                yield f"{module}:{node.lineno}: {ast.unparse(node)}"
            case _:
                pass


def clients(module: str) -> bool:
    return any(module == client or module.startswith(f"{client}.") for client in CLIENTS)


def named(source: str, names: list[ast.alias]) -> bool:
    """Whether a connect() gets a name of its own, under which it would not be seen."""
    return source in {"socket", "paramiko", "auditkit.ssh.address"} and any(alias.name in NAMES for alias in names)


def test_nothing_else_in_auditkit_connects() -> None:
    found: list[str] = []
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        found += connections(name, path.read_text()) if name not in BY_CHOICE else ()
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "socket.create_connection(('198.51.100.7', 22))",
        "def f(s):\n    s.connect(place)",
        "s.connect_ex(place)",
        "from socket import create_connection as c",
        "from auditkit.ssh.address import connect",
        "paramiko.SSHClient().connect(host)",
        "paramiko.Transport(('198.51.100.7', 22))",
        "paramiko.Transport(f'{host}:22')",
        "import urllib.request",
        "from urllib.request import urlopen",
        "import http.client",
        "import asyncio",
        "udp.sendto(b'', place)",
    ],
)
def test_a_second_connection_would_be_found(text: str) -> None:
    assert list(connections("auditkit.vendor", text))


@pytest.mark.parametrize("text", ["address.connect(hop, networks, deadline)", "paramiko.Transport(link)", "import socket"])
def test_what_uses_the_one_connection_is_fine(text: str) -> None:
    assert list(connections("auditkit.ssh.link", text)) == []
