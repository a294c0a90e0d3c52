"""Ports asked from outside, against real sockets: what is said there is heard, bounded, and nothing else is contacted."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st
from listening import certificate_of, key

from auditkit import banners, ports
from auditkit.banners import READERS, Heard
from auditkit.banners.certificates import certificate
from auditkit.banners.services import LEFT_ALONE, SERVICES, SSH, service_of
from auditkit.config import Config
from auditkit.hosts import Reach, local
from auditkit.model import Gap, Item, Means, Need
from auditkit.ports.probes import PROBES
from auditkit.ports.talk import MOST, Talk
from auditkit.ssh import Deadline, address

HERE = ports.Station(None, "127.0.0.1")
Serve = Callable[[socket.socket], None]


@contextmanager
def server(
    serve: Serve, kind: socket.SocketKind = socket.SOCK_STREAM, place: tuple[str, int] = ("127.0.0.1", 0)
) -> Iterator[tuple[int, list[str]]]:
    """A service on a free port of the loopback, one thread, and who came: `serve` is given each connection."""
    came: list[str] = []
    with socket.socket(socket.AF_INET, kind) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        if kind == socket.SOCK_STREAM:
            listener.listen()

        def work() -> None:
            with suppress(OSError):
                while kind == socket.SOCK_DGRAM:
                    serve(listener)
                while True:
                    with listener.accept()[0] as link, suppress(OSError):
                        came.append("somebody")
                        serve(link)

        threading.Thread(target=work, daemon=True).start()
        yield listener.getsockname()[1], came
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


def told(what: str, station: ports.Station = HERE) -> Heard | Gap:
    """What comes of one question."""
    (one,) = ports.answers((Need(Means.PORT, what),), station)
    if isinstance(one, Gap):
        return one
    read = banners.heard(one)
    assert isinstance(read, Heard)
    return read


def heard(what: str, station: ports.Station = HERE) -> Heard:
    one = told(what, station)
    assert isinstance(one, Heard), one
    return one


def says(*texts: bytes) -> Serve:
    """A service that says something, and then something for each thing that it hears."""

    def serve(link: socket.socket) -> None:
        first, *rest = texts
        link.sendall(first)
        for text in rest:
            if link.recv(4096):
                link.sendall(text)
        link.recv(4096)

    return serve


# --- what is heard


def test_what_a_service_says_is_heard_part_by_part() -> None:
    with server(says(b"220 mail ESMTP Exim 4.96\r\n", b"250-mail\r\n250 SIZE 1\r\n")) as (port, came):
        one = heard(f"smtp tcp {port}")
    assert (one.outcome, one.parts) == ("answered", (b"220 mail ESMTP Exim 4.96\r\n", b"250-mail\r\n250 SIZE 1\r\n"))
    assert (one.place, one.here, len(came)) == (f"127.0.0.1:{port}", False, 1)


def test_a_datagram_is_answered_or_refused() -> None:
    def serve(link: socket.socket) -> None:
        question, peer = link.recvfrom(4096)
        if peer is None:
            raise OSError("it is over")
        link.sendto(question[:2] + b"\x84\x00" + question[4:], peer)

    with server(serve, socket.SOCK_DGRAM) as (port, _came):
        assert heard(f"dns udp {port}").outcome == "answered"
    assert "refused" in {heard(f"dns udp {port}").outcome for _ in range(3)}, "the kernel says so, but not without end"


def test_a_closed_port_refuses() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    assert heard(f"http tcp {port}").outcome == "refused"


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Less patience, so that tests of what takes all of it are over soon."""
    monkeypatch.setattr(ports, "PATIENCE", 0.3)


@pytest.mark.usefixtures("hurried")
def test_a_service_that_says_nothing_is_silent() -> None:
    def is_silent(link: socket.socket) -> None:
        while link.recv(4096):
            pass

    with server(is_silent) as (port, _came):
        assert heard(f"smtp tcp {port}").outcome == "silent"


@pytest.mark.usefixtures("hurried")
def test_a_service_that_never_ends_is_heard_for_a_while_and_no_more() -> None:
    stop = threading.Event()

    def drips(link: socket.socket) -> None:
        while not stop.wait(0.05):
            link.sendall(b"2")

    with server(drips) as (port, _came):
        one = heard(f"smtp tcp {port}")
        stop.set()
    assert set(b"".join(one.parts)) == {ord("2")}
    assert len(b"".join(one.parts)) < MOST


def test_of_a_flood_the_beginning_is_heard() -> None:
    def floods(link: socket.socket) -> None:
        while True:
            link.sendall(bytes(1 << 16))

    with server(floods) as (port, _came):
        assert len(b"".join(heard(f"ftp tcp {port}").parts)) == MOST


def test_of_tls_the_certificate_is_noted_whoever_has_signed_it(tmp_path: Path) -> None:
    first, last = datetime(2026, 1, 1, tzinfo=UTC), datetime(2066, 1, 1, 12, 30, tzinfo=UTC)
    der = certificate_of(first, last, "mail.example.org", "b\x1b[2J.example.org")
    (tmp_path / "own.pem").write_text(ssl.DER_cert_to_PEM_cert(der) + key())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "own.pem")

    def serve(link: socket.socket) -> None:
        with context.wrap_socket(link, server_side=True) as inner:
            inner.recv(4096)
            inner.sendall(b"HTTP/1.0 200 OK\r\nServer: nginx\r\n\r\n")

    with server(serve) as (port, _came):
        one = heard(f"https tcp {port}")
    assert (one.tls, one.certificate) == ("TLSv1.3", der)
    read = certificate(one.certificate)
    assert read is not None
    assert (read.begins, read.ends, read.own) == (first, last, True)
    assert read.names == ("mail.example.org", "b [2J.example.org")
    assert banners.read(one).banner == "Server: nginx"


def test_where_tls_does_not_come_about_is_said() -> None:
    with server(says(b"HTTP/1.0 400 Bad Request\r\n\r\n")) as (port, _came):
        one = heard(f"https tcp {port}")
    assert one.tls.startswith("none: ")
    assert one.outcome == "silent"


@pytest.mark.parametrize(("names", "last"), [(("a.example", "b.example"), 2030), ((), 2049), ((), 2050)])
def test_dates_and_names_are_those_that_the_library_reads(names: tuple[str, ...], last: int) -> None:
    """The form of a date changes with the year 2050; cryptography is the oracle."""
    der = certificate_of(datetime(2026, 1, 1, tzinfo=UTC), datetime(last, 6, 1, 1, 2, 3, tzinfo=UTC), *names)
    oracle, read = x509.load_der_x509_certificate(der), certificate(der)
    assert read is not None
    assert (read.begins, read.ends) == (oracle.not_valid_before_utc, oracle.not_valid_after_utc)
    assert read.names == (names or ("own",))


# --- what hostile services do to a probe


@contextmanager
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of a connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as ours:
        theirs, _peer = listener.accept()
        with theirs:
            yield ours, theirs


@given(st.sampled_from(sorted(PROBES)), st.binary(max_size=600))
@settings(deadline=None, max_examples=60)
def test_whatever_a_service_says_a_probe_ends_and_its_words_can_be_read(name: str, data: bytes) -> None:
    with pair() as (ours, theirs), Talk(ours, Deadline(5)) as talk:
        theirs.sendall(data)
        theirs.shutdown(socket.SHUT_WR)
        PROBES[name](talk)
        assert len(b"".join(talk.parts)) <= MOST
    READERS[name](tuple(talk.parts))


def test_every_protocol_that_is_known_can_be_spoken_and_read() -> None:
    assert set(PROBES) == set(READERS)
    assert {each.name for each in SERVICES} - {SSH} <= set(PROBES)
    assert SSH not in PROBES


# --- what is never contacted


@pytest.mark.parametrize(
    "what",
    [
        "ssh tcp 22", "http tcp 0", "http tcp 65536", "http tcp 80 evil.example", "http tcp 80 10.0.0.1 10.0.0.2",
        "http sctp 80", "http tcp 80\n", "HTTP tcp 80", "", "listed listed", "http tcp 80 fe80::1%eth0", "http tcp 080000",
    ],
)  # fmt: skip
def test_what_names_no_port_of_a_service_is_not_asked(what: str) -> None:
    assert told(what) == Gap(what, "not looked at: that is no port of a service")


@pytest.mark.parametrize("port", sorted(LEFT_ALONE))
def test_printers_and_machines_are_left_alone_whoever_asks(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "connect", lambda *_given: pytest.fail("connected"))
    assert told(f"listen tcp {port}") == Gap(f"listen tcp {port}", f"not looked at: {LEFT_ALONE[port]}")


def test_printers_are_among_those() -> None:
    assert set(range(9100, 9108)) <= set(LEFT_ALONE)


@pytest.mark.parametrize(
    ("station", "what", "why"),
    [
        (ports.Station(None, "198.51.100.7"), "", "198.51.100.7 is no address of an own network, and was not contacted"),
        (ports.Station((ip_network("10.0.0.0/8"),), "127.0.0.1"), "", "127.0.0.1 is no address of an own network"),
        (HERE, " 127.0.0.2", "the host was reached at 127.0.0.1, and this is another address"),
        (
            ports.Station(None, "127.0.0.1", way="another machine makes the connections to this host"),
            "",
            "another machine makes",
        ),
    ],
)
def test_only_the_address_of_the_host_is_contacted_and_only_an_own_one(station: ports.Station, what: str, why: str) -> None:
    with server(says(b"220 x\r\n")) as (port, came):
        gap = told(f"ftp tcp {port}{what}", station)
    assert isinstance(gap, Gap)
    assert why in gap.reason
    assert came == []


def test_one_of_several_addresses_is_enough_and_ipv4_in_ipv6_is_the_same() -> None:
    with server(says(b"220 x\r\n")) as (port, came):
        assert heard(f"ftp tcp {port} 10.0.0.1,::ffff:127.0.0.1").outcome == "answered"
    assert len(came) == 1


def test_there_is_an_end_to_ports_and_to_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "MOST", 1)
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        free = listener.getsockname()[1]
    needs = tuple(Need(Means.PORT, f"{name} tcp {free}") for name in ("http", "ftp"))
    assert [type(one) for one in ports.answers(needs, HERE)] == [Item, Gap]
    assert [type(one) for one in ports.answers(needs, HERE, -1.0)] == [Gap, Gap]


def test_the_machine_itself_is_asked_at_the_address_that_is_bound() -> None:
    with server(says(b"220 (vsFTPd 3.0.3)\r\n")) as (port, _came), closing(local.connect("local", Reach(Config()))) as host:
        (item,) = host.take((Need(Means.PORT, f"ftp tcp {port} 127.0.0.1"),))
    assert isinstance(item, Item)
    one = banners.heard(item)
    assert isinstance(one, Heard)
    assert (one.here, one.address, banners.read(one).banner) == (True, "127.0.0.1", "220 (vsFTPd 3.0.3)")


# --- which protocol


@pytest.mark.parametrize(
    ("protocol", "port", "program", "name"),
    [
        ("tcp", 80, "nginx", "http"),
        ("tcp", 443, "nginx", "https"),
        ("tcp", 8765, "nginx", "http"),
        ("tcp", 993, "dovecot", "imaps"),
        ("tcp", 2222, "sshd", "ssh"),
        ("tcp", 22, "", "ssh"),
        ("tcp", 25, "python3.11", "smtp"),
        ("tcp", 7777, "python3.11", "listen"),
        ("tcp", 2049, "", None),
        ("udp", 53, "named", "dns"),
        ("udp", 5353, "avahi-daemon", None),
        ("udp", 80, "nginx", None),
        ("tcp", 6379, "", "redis"),
        ("tcp", 7000, "redis-server", "redis"),
    ],
)
def test_the_program_says_what_is_spoken_before_the_port_does(protocol: str, port: int, program: str, name: str | None) -> None:
    service = service_of(protocol, port, program)
    assert (service.name if service else None) == name
