"""What hosts write that is no file, read: as it was meant, or not at all."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.answers import Listening, Process, Ran, Shown, Step, process, ran, shown, way, written
from auditkit.model import Gap, Item, Means, Need

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SSHD = Process(
    812, 1, 0, 1795520000.25, "/usr/sbin/sshd", ("/usr/sbin/sshd", "-D"), "/system.slice/ssh.service",
    (Listening("tcp", "0.0.0.0", 22), Listening("tcp", "::", 22)),
)  # fmt: skip
SEEN = Shown(
    "192.168.10.2", 22, "SSH-2.0-OpenSSH_9.2p1", {"kex": ("curve25519-sha256",), "ciphers": ()}, "SHA256:x", "ssh-ed25519",
    "anna", ("publickey", "password"), "192.168.10.5",
)  # fmt: skip


def item(means: Means, data: bytes, source: str = "/x") -> Item:
    return Item(Need(means, "all"), source, data, NOON, "")


def of(noun: Process | Shown) -> Item:
    """An item as a host would send it."""
    if isinstance(noun, Process):
        return item(Means.LISTENERS, written(noun), "/proc/net" if noun.pid is None else f"/proc/{noun.pid}")
    return item(Means.BANNER, written(noun))


def why(told: object) -> str:
    """What the gap says of it."""
    assert isinstance(told, Gap), told
    return told.reason.removeprefix("what the host says of it makes no sense: ")


# a way


def test_a_way_is_the_path_and_each_directory_above_it() -> None:
    told = way(item(Means.STATUS, b"100600 0 0 /etc/a\nb \xff\x0040755 1000 50 /etc\x0041777 0 0 /\0"))
    assert told == (Step("/etc/a\nb \udcff", 0o100600, 0, 0), Step("/etc", 0o40755, 1000, 50), Step("/", 0o41777, 0, 0))
    assert way(item(Means.STATUS, b"40755 0 0 /\0")) == (Step("/", 0o40755, 0, 0),)


@pytest.mark.parametrize(
    ("mode", "gid", "everybody", "group"),
    [
        (0o100644, 5, False, False),
        (0o100666, 5, True, True),
        (0o100666, 0, True, False),
        (0o101666, 5, True, True),
        (0o040777, 5, True, True),
        (0o041777, 5, False, False),
    ],
)
def test_who_else_may_write_is_told_by_the_mode(mode: int, gid: int, everybody: bool, group: bool) -> None:
    """To a file with the sticky bit too; in a directory with it nobody can replace what is another's."""
    step = Step("/x", mode, 0, gid)
    assert (step.for_everybody, step.for_a_group) == (everybody, group)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "it has no end"),
        (b"40755 0 0 /", "it has no end"),
        (b"40755 0 0 /\0" * 4098, "it has no end"),
        (b"100644 0 0 /etc/a\x0040755 0 0 /\0", "it is no way up"),
        (b"100644 0 0 /etc/a\x00100755 0 0 /etc\x0040755 0 0 /\0", "it is no way up"),
        (b"40755 0 0 /\x0040755 0 0 /\0", "it is no way up"),
        (b"100644 0 0 /etc/a\x0040755 0 0 /etc\0", "it does not lead to the root"),
        (b"120777 0 0 /a\x0040755 0 0 /\0", "it does not lead to the root"),
        (b"100644 0 0 /../a\x0040755 0 0 /..\x0040755 0 0 /\0", "a record of no status"),
        (b"100644 0 0 a\0", "a record of no status"),
        (b"100644 0 -1 /a\x0040755 0 0 /\0", "a record of no status"),
        (b"100648 0 0 /a\x0040755 0 0 /\0", "a record of no status"),
        (b"644 0 0 /a\x0040755 0 0 /\0", "a record of no status"),
        (b"170644 0 0 /a\x0040755 0 0 /\0", "a number that no status has"),
        (b"100644 4294967296 0 /a\x0040755 0 0 /\0", "a number that no status has"),
    ],
)
def test_what_is_no_way_is_a_gap(data: bytes, reason: str) -> None:
    assert why(way(item(Means.STATUS, data))) == reason


# a command


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"0\n\0", Ran(0, b"", b"")),
        (b"255\nport 22\n\0sshd: no\n", Ran(255, b"port 22\n", b"sshd: no\n")),
        (b"-\n\n\n\xef\xbf\xbd\0", Ran(None, b"\n\n\xef\xbf\xbd", b"")),
    ],
)
def test_what_a_command_wrote(data: bytes, told: Ran) -> None:
    assert ran(item(Means.COMMAND, data)) == told


@pytest.mark.parametrize("data", [b"", b"\0", b"0\0", b"0\n", b"256\n\0", b"-1\n\0", b" 0\n\0", b"\n\0", b"0\n\0\0", b"0\nx"])
def test_what_no_command_comes_to_is_a_gap(data: bytes) -> None:
    assert why(ran(item(Means.COMMAND, data))) == "it is not what a command comes to"


def test_more_than_any_answer_has_is_a_gap() -> None:
    assert "longer than" in why(ran(item(Means.COMMAND, b"0\n" + bytes(16 << 20))))


# a process, a server


@pytest.mark.parametrize("noun", [SSHD, Process(None, None, None, None, "", (), "", ()), SEEN, Shown("srv-01", 2222, "")])
def test_what_is_written_is_read(noun: Process | Shown) -> None:
    assert (process if isinstance(noun, Process) else shown)(of(noun)) == noun


NO_PROCESS: list[tuple[dict[str, Any], str]] = [
    ({"pid": 0}, "pid is no number from 1 to 4194304"),
    ({"pid": True}, "pid is no number from 1 to 4194304"),
    ({"pid": 813}, "it is of another process"),
    ({"pid": None}, "it is of another process"),
    ({"uid": 1 << 32}, "uid is no number from 0 to 4294967295"),
    ({"uid": 1.0}, "uid is no number from 0 to 4294967295"),
    ({"started": -1}, "started is no time"),
    ({"started": "now"}, "started is no time"),
    ({"program": None}, "a field is no text"),
    ({"arguments": "sshd"}, "a field is no list"),
    ({"arguments": ["a", 1]}, "a field is no text"),
    ({"listens": {}}, "a field is no list"),
    ({"listens": [["sctp", "::", 22]]}, "it listens in no way that there is"),
    ({"listens": [["tcp", "::", 0]]}, "it listens in no way that there is"),
    ({"listens": [["tcp", "::", True]]}, "it listens in no way that there is"),
    ({"listens": [["tcp", "::", 22, 1]]}, "it listens in no way that there is"),
    ({"listens": [["tcp", "fe80::1%eth0", 22]]}, "an address with a zone"),
    ({"listens": [["tcp", "localhost", 22]]}, "'localhost' does not appear to be an IPv4 or IPv6 address"),
]


@pytest.mark.parametrize(("change", "reason"), NO_PROCESS)
def test_what_is_no_process_is_a_gap(change: dict[str, Any], reason: str) -> None:
    data = json.dumps({**json.loads(written(SSHD)), **change}).encode()
    assert why(process(item(Means.LISTENERS, data, "/proc/812"))) == reason


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        written(SSHD)[:-1],
        written(SSHD).replace(b"1795520000.25", b"NaN"),
        written(SSHD).replace(b"1795520000.25", b"1e999"),
        written(SSHD).replace(b'"uid":0', b'"uid":0,"uid":1'),
        written(SSHD).replace(b'"-D"', b'"\\ud800"'),
        written(SSHD).replace(b'"-D"', '"ä"'.encode()),
        written(SSHD).replace(b'"-D"', b"[" * 100_000),
        written(SSHD).replace(b"812", b"9" * 10_000),
    ],
)
def test_what_is_no_object_of_these_fields_is_a_gap(data: bytes) -> None:
    assert why(process(item(Means.LISTENERS, data, "/proc/812")))


@pytest.mark.parametrize(
    "change", [{"port": None}, {"port": 0}, {"kexinit": []}, {"kexinit": {"kex": "a"}}, {"source": "there"}]
)
def test_what_shows_no_server_is_a_gap(change: dict[str, Any]) -> None:
    assert why(shown(item(Means.BANNER, json.dumps({**json.loads(written(SEEN)), **change}).encode())))


def test_a_field_that_is_not_known_is_passed_over() -> None:
    assert shown(item(Means.BANNER, written(SEEN)[:-1] + b',"new":1}')) == SEEN


# whatever comes

BYTES = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\udc80\udcff\n\0"), max_size=20)
TEXTS = st.lists(BYTES, max_size=3).map(tuple)
LISTENS = st.builds(Listening, st.sampled_from(["tcp", "udp"]), st.ip_addresses().map(str), st.integers(1, 65535))
PIDS = st.none() | st.integers(1, 1 << 22)
IDS = st.none() | st.integers(0, (1 << 32) - 1)
PROCESSES = st.builds(
    *(Process, PIDS, st.none() | st.integers(0, 1 << 22), IDS, st.none() | st.floats(0, 1 << 39), BYTES, TEXTS, BYTES),
    st.lists(LISTENS, max_size=3).map(tuple),
)
SERVERS = st.builds(
    *(Shown, BYTES, st.integers(1, 65535), BYTES, st.dictionaries(BYTES, TEXTS, max_size=3), BYTES, BYTES, BYTES, TEXTS),
    st.just("") | st.ip_addresses(v=6).map(str),
)


@given(PROCESSES | SERVERS)
def test_any_noun_comes_back(noun: Process | Shown) -> None:
    assert (process if isinstance(noun, Process) else shown)(of(noun)) == noun


PIECES = [b"40755 0 0 ", b"/", b"\0", b"a", b"..", b"-\n", b"0\n", b'{"pid":', b"null", b",", b'"', b"[", b"}", b"\xff"]


@given(st.sampled_from([way, ran, process, shown]), st.lists(st.sampled_from(PIECES), max_size=12).map(b"".join))
def test_no_bytes_break_a_reader(reader: Callable[[Item], object], data: bytes) -> None:
    told = reader(item(Means.FILE, data))
    assert isinstance(told, tuple | Ran | Process | Shown | Gap)
