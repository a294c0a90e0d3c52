"""Servers that are silent, never stop, lie about sizes or break the protocol: a clear state, in bounded time and memory."""

import socket
import struct
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import paramiko
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.errors import HostError
from auditkit.model import State
from auditkit.ssh import Deadline, Hop, Pipe, Route, link
from auditkit.ssh.packets import WINDOW, Wire

SECONDS = 2
"""What a host gets that never ends by itself, once it has let us in."""
AT_ONCE = 0.5
"""What one gets with which no login begins."""
ENOUGH = 60
"""What one gets that does."""
MEMORY = 24 << 20
VERSION = b"SSH-2.0-OpenSSH_9.2\r\n"
ROOM = 1 << 40

Serve = Callable[[socket.socket], None]
Within = Callable[[float], Deadline]
Listen = Callable[[Serve], int]


@pytest.fixture
def within() -> Iterator[Within]:
    """A function that gives a host some seconds; and at the end no thread of ours is left."""
    before = set(threading.enumerate())
    made: list[Deadline] = []

    def begin(seconds: float) -> Deadline:
        made.append(Deadline(seconds))
        return made[-1]

    yield begin
    for each in made:
        each.cancel()
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
    assert set(threading.enumerate()) <= before


@pytest.fixture(autouse=True)
def _little_memory() -> Iterator[None]:
    """Whatever a server does costs little memory."""
    tracemalloc.start()
    yield
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < MEMORY


@pytest.fixture
def listen(within: Within) -> Iterator[Listen]:
    """A function that has a server of one visitor behave as the test says, and gives its port; it ends with the test."""
    listener = socket.create_server(("127.0.0.1", 0))
    peers: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def run(serve: Serve) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            peers.append(listener.accept()[0])
            serve(peers[0])

    def begin(serve: Serve) -> int:
        threads.append(threading.Thread(target=run, args=(serve,), daemon=True))
        threads[0].start()
        return int(listener.getsockname()[1])

    yield begin
    for each in (*peers, listener):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()
    threads[0].join(5)


def hop(port: int, known: Path) -> Hop:
    return Hop("there", "127.0.0.1", port, "audit", known_hosts=(str(known),))


def refused(port: int, tmp_path: Path, deadline: Deadline) -> HostError:
    """The error that meeting the server leads to."""
    with pytest.raises(HostError) as caught:
        link.connect(Route((hop(port, tmp_path / "known_hosts"),)), None, deadline, None)
    return caught.value


# --- before any key is agreed on


def hold(peer: socket.socket) -> None:
    """Take what comes, say nothing."""
    while peer.recv(4096):
        pass


def repeated(data: bytes) -> Serve:
    """Say the same for ever."""

    def serve(peer: socket.socket) -> None:
        while True:
            peer.sendall(data)

    return serve


def by_drops(data: bytes) -> Serve:
    """Say something, then a byte now and then."""

    def serve(peer: socket.socket) -> None:
        peer.sendall(data)
        pause = threading.Event()
        while not pause.wait(0.1):
            peer.sendall(b"w")

    return serve


def says(data: bytes) -> Serve:
    """Say something, then nothing any more."""

    def serve(peer: socket.socket) -> None:
        peer.sendall(data)
        hold(peer)

    return serve


def last_words(data: bytes) -> Serve:
    """Say something and hang up, once the visitor has spoken, so that nothing is lost."""

    def serve(peer: socket.socket) -> None:
        peer.recv(4096)
        peer.sendall(data)
        peer.shutdown(socket.SHUT_RDWR)

    return serve


NEVER_DONE = {
    "silent": hold,
    "silent after its version": says(VERSION),
    "a greeting by drops": by_drops(b""),
    "a packet by drops": by_drops(VERSION + struct.pack(">I", 30_004)),
}


@pytest.mark.parametrize("serve", NEVER_DONE.values(), ids=NEVER_DONE)
def test_who_never_comes_to_the_point_is_left(serve: Serve, listen: Listen, tmp_path: Path, within: Within) -> None:
    assert refused(listen(serve), tmp_path, within(AT_ONCE)).state is State.TIMEOUT


def packet(payload: bytes) -> bytes:
    """A packet before encryption: size, size of the padding, payload, padding."""
    padding = 16 - (len(payload) + 5) % 8
    return struct.pack(">IB", len(payload) + padding + 1, padding) + payload + bytes(padding)


TALKERS = {
    "lines without end": (repeated(b"welcome to my parlour\r\n" * 100), "it speaks no SSH: welcome to my parlour"),
    "a line without end": (repeated(b"w" * 5000), "its greeting never ends"),
    "mail": (last_words(b"220 mail ESMTP\r\n"), "it speaks no SSH: 220 mail ESMTP"),
    "escape codes": (last_words(b"\x1b[2J\x07\xff\r\n"), "it speaks no SSH: \\x1b[2J\\x07"),
    "SSH 1": (last_words(b"SSH-1.5-old\r\n"), "Incompatible version (1.5 instead of 2.0)"),
    "a packet of 2 GiB": (says(VERSION + b"\x7f\xff\xff\xfc" + bytes(60)), "it sends a packet of 2147483"),
    "a packet of nothing": (says(VERSION + b"\0\0\0\4" + bytes(60)), "Expecting packet"),
    "a packet of odd size": (says(VERSION + b"\0\0\0\x0d" + bytes(60)), "Invalid packet blocking"),
    "an empty packet": (says(VERSION + packet(b"")), "does not keep to the protocol (IndexError)"),
    "an unknown packet": (says(VERSION + packet(b"\xc8")), "Expecting packet"),
    "algorithms that are no text": (says(VERSION + packet(b"\x14" + bytes(16) + b"\0\0\0\1\xff")), "(UnicodeDecodeError)"),
    "no algorithms": (says(VERSION + packet(b"\x14" + bytes(57))), "no algorithm that is known here"),
    "a goodbye": (says(VERSION + packet(b"\x01\0\0\0\x0b\0\0\0\x03bye\0\0\0\0")), "bye"),
}


@pytest.mark.parametrize(("serve", "words"), TALKERS.values(), ids=TALKERS)
def test_who_speaks_no_ssh_is_unreachable(serve: Serve, words: str, listen: Listen, tmp_path: Path, within: Within) -> None:
    error = refused(listen(serve), tmp_path, within(ENOUGH))
    assert words in str(error)
    assert error.state is State.UNREACHABLE


@pytest.mark.parametrize("word", [b"Not allowed at this time\r\n", b"Exceeded MaxStartups\r\n", b""])
def test_who_sends_us_away_for_now_is_throttled(word: bytes, listen: Listen, tmp_path: Path, within: Within) -> None:
    error = refused(listen(last_words(word)), tmp_path, within(ENOUGH))
    assert error.state is State.THROTTLED
    assert "PerSourcePenaltyExemptList" in error.hint


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200))
def test_whatever_bytes_it_sends_end_in_an_error(data: bytes) -> None:
    near, far = socket.socketpair()
    with far:
        far.sendall(VERSION + data)
        far.shutdown(socket.SHUT_WR)
        wire = Wire(near)
        made = Deadline(30)
        with pytest.raises(HostError):
            link.shake_hands(wire, made)
        assert not wire.is_alive()


# --- servers that speak SSH well, and behave badly behind it


class Server(paramiko.ServerInterface):
    """A server that lets everybody in, and does with a command what the test says."""

    def __init__(self, serve: "Behave", auth: int = paramiko.common.AUTH_SUCCESSFUL) -> None:
        self._serve = serve
        self._auth = auth
        self._gone = threading.Event()

    def check_auth_none(self, username: str) -> int:
        """Everybody, or nobody; a negative number is to think it over for ever."""
        if self._auth < 0:
            self._gone.wait(SECONDS + 1)
        return self._auth

    def check_channel_request(self, kind: str, chanid: int) -> int:
        """Any."""
        return int(paramiko.common.OPEN_SUCCEEDED)

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        """Begin to misbehave."""
        threading.Thread(target=self._behave, args=(channel,), daemon=True).start()
        return command != b"refused"

    def _behave(self, channel: paramiko.Channel) -> None:
        with suppress(OSError, EOFError, paramiko.SSHException):
            self._serve(channel)


Behave = Callable[[paramiko.Channel], None]
Connect = Callable[..., link.Link]


@pytest.fixture
def met(listen: Listen, tmp_path: Path, within: Within) -> Iterator[Connect]:
    """A function that logs in at a server that behaves as the test says."""
    transports: list[paramiko.Transport] = []
    links: list[link.Link] = []
    key = paramiko.ECDSAKey.generate()

    def meet(behave: Behave, seconds: float = ENOUGH, auth: int = paramiko.common.AUTH_SUCCESSFUL) -> link.Link:
        def serve(peer: socket.socket) -> None:
            transports.append(paramiko.Transport(peer))
            transports[0].add_server_key(key)
            transports[0].start_server(threading.Event(), Server(behave, auth))
            transports[0].join()

        port = listen(serve)
        known = tmp_path / "known_hosts"
        known.write_text(f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n")
        links.append(link.connect(Route((hop(port, known),)), None, within(seconds), None))
        return links[0]

    yield meet
    for each in links:
        each.close()
    for transport in transports:
        transport.close()


def read(pipe: Pipe) -> int:
    """How much a command says."""
    size = 0
    while data := pipe.receive(1 << 16):
        size += len(data)
    return size


def flood(channel: paramiko.Channel) -> None:
    while True:
        channel.sendall(bytes(1 << 15))


def flood_over_the_window(channel: paramiko.Channel) -> None:
    channel.out_window_size = ROOM
    flood(channel)


def trickle(channel: paramiko.Channel) -> None:
    pause = threading.Event()
    while not pause.wait(0.1):
        channel.sendall(b"w")


def flood_of_complaints(channel: paramiko.Channel) -> None:
    for _ in range(300):
        channel.sendall_stderr(bytes(1 << 15))
    channel.sendall(b"done")
    channel.send_exit_status(0)
    channel.close()


def end_without_status(channel: paramiko.Channel) -> None:
    channel.sendall(b"done")
    channel.shutdown_write()


def nothing(_channel: paramiko.Channel) -> None:
    """Not a word."""


@pytest.mark.parametrize("behave", [flood, trickle, nothing])
def test_a_command_that_never_ends_ends_with_the_time(behave: Behave, met: Connect) -> None:
    pipe = met(behave, SECONDS).run("anything")
    with pytest.raises(HostError) as caught:
        read(pipe)
    assert caught.value.state is State.TIMEOUT


def test_sending_to_who_never_reads_ends_with_the_time(met: Connect) -> None:
    pipe = met(nothing, SECONDS).run("anything")
    with pytest.raises(HostError) as caught:
        pipe.send(bytes(WINDOW * 2))
    assert caught.value.state is State.TIMEOUT


def test_who_sends_over_the_window_is_cut_off(met: Connect) -> None:
    """Nobody reads what it sends, so that it may send no more; it does, perhaps before it has said that the command runs."""
    made = met(flood_over_the_window)
    with pytest.raises(HostError, match="connection broke"):
        _run_unread(made)


def _run_unread(made: link.Link) -> None:
    """Start a command, and read what it says only when the server has been cut off."""
    pipe = made.run("anything")
    made._wires[-1].join()
    read(pipe)


def test_a_flood_of_complaints_hides_no_word(met: Connect) -> None:
    pipe = met(flood_of_complaints).run("anything")
    assert (read(pipe), pipe.status(), len(pipe.complaints())) == (4, 0, link.KEPT)


def test_an_end_without_an_exit_status_is_said(met: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = met(end_without_status).run("anything")
    assert read(pipe) == 4
    monkeypatch.setattr(link, "PATIENCE", 0.1)
    assert pipe.status() is None


def test_a_command_that_is_refused(met: Connect) -> None:
    with pytest.raises(HostError) as caught:
        met(nothing).run("refused")
    assert caught.value.state is State.NO_SHELL


def test_a_login_that_is_never_answered(met: Connect) -> None:
    with pytest.raises(HostError) as caught:
        met(nothing, SECONDS, -1)
    assert caught.value.state is State.TIMEOUT


def test_nobody_is_let_in(met: Connect) -> None:
    with pytest.raises(HostError) as caught:
        met(nothing, ENOUGH, paramiko.common.AUTH_FAILED)
    assert caught.value.state is State.AUTH_FAILED
