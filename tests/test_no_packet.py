"""No packet to a suspect: every command of an incident and of a night, where the cable leads to somebody who writes all down.

Neither the suspect nor any name server hears of him: whoever looks up the name of an address asks the name server of who has
that address, and so tells him. `--online`, which asks a registry, is left out.
"""

import json
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from apart import GATEWAY4, Apart, apart, can_be_made
from conftest import Outcome, surroundings
from loaded import Asked, Run

from auditkit.commands.incident import SUBCOMMANDS

SUSPECT, SUSPECT6 = "192.88.99.7", "2620:4f:8000::7"
"""Addresses that are on the internet and nobody's own: a relay that was given up (RFC 7526), and one of AS112 (RFC 7534)."""
ADMIN = "192.0.2.10"
PATIENCE = 120
LISTENER = """
import json, socket, sys
OUTGOING = 4
cable = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
cable.bind(("in", 0))
print("ready", flush=True)
heard = []
while not heard or sys.argv[1].encode() not in heard[-1]:
    frame, (_device, _protocol, kind, *_more) = cable.recvfrom(65536)
    if kind != OUTGOING:
        heard.append(frame)
print(json.dumps([frame.hex() for frame in heard[:-1]]))
"""
END = "all has been sent"
ARP, IPV4, IPV6, ICMPV6 = 0x0806, 0x0800, 0x86DD, 58
NEIGHBOURS = frozenset((133, 134, 135, 136, 143))
"""What a kernel says by itself over IPv6 (RFC 4861, RFC 3810): who is there, and what do I listen to."""

COMMANDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "open": (
        (
            "open",
            f"failed logins from {SUSPECT}",
            "--by",
            "anna",
            "--seems",
            f"{SUSPECT} of example.org",
            "--address",
            SUSPECT,
            "--neighbour",
            "--inside",
        ),
    ),
    "note": (("note", "1", f"{SUSPECT} and {SUSPECT6} tried", "--by", "anna"),),
    "attach": (("attach", "1", "{home}/auth.log", "--source", SUSPECT),),
    "block": tuple(
        ("block", "1", target, "--tool", tool, "--allow", ADMIN)
        for tool, target in (
            ("nft", SUSPECT),
            ("ufw", SUSPECT6),
            ("firewalld", SUSPECT),
            ("fail2ban", SUSPECT6),
            ("sshd", SUSPECT),
        )
    ),
    "brief": (("brief", "1", "-o", "{home}/brief.html"), ("brief", "1", "--format", "text")),
    "abuse": (("abuse", "1", SUSPECT, "-o", "{home}/letter", "--reporter", "Anna", "--contact", "anna@example.org"),),
    "show": (("show", "1"), ("show", "1", "--format", "json")),
    "seal": (("seal", "1", "--key", "{home}/key"),),
    "verify": (("verify", "1"),),
    "export": (("export", "1", "-o", "{home}/case.tar"),),
    "close": (("close", "1"),),
}
"""Every subcommand, in an order in which they can be run, with words that name the suspect. One that is new needs a line."""
WITH_CASE = (
    ("logins", "{home}/auth.log", "--case", "1"),
    ("collect", "root:{home}/tree", "--no-files", "--case", "1"),
)
"""Others that write into a case; one that reads the logs is what the brief and the letter need."""
EVERY_NIGHT = (
    ("nightly", "root:{home}/tree", "--config", "{home}/auditkit.yaml"),
    ("nightly", "--send", "--config", "{home}/auditkit.yaml"),
    ("nightly", "--try-notify", "--config", "{home}/auditkit.yaml"),
    ("schedule", "root:{home}/tree", "--config", "{home}/auditkit.yaml"),
)
"""What a timer runs, with logs that name the suspect, and a mail that tells of him."""


@dataclass
class Cable:
    """What went over it."""

    frames: list[bytes]

    @property
    def told(self) -> list[str]:
        """Each packet in words, but for what a kernel says by itself to its neighbours."""
        return [words for frame in self.frames if (words := in_words(frame))]


def in_words(frame: bytes) -> str:
    """A packet: to whom it goes, and what of it can be read."""
    (kind,) = struct.unpack("!H", frame[12:14])
    text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in frame[34:])
    if kind == IPV4:
        return f"IPv4 to {socket.inet_ntop(socket.AF_INET, frame[30:34])}: {text}"
    if kind == IPV6:
        to, inner = socket.inet_ntop(socket.AF_INET6, frame[38:54]), frame[54:]
        if frame[20] == 0:  # options of the hop come before: a report of multicast has them
            inner = frame[54 + 8 + 8 * frame[55] :]
        of_kernel = ICMPV6 in (frame[20], frame[54]) and bool(inner) and inner[0] in NEIGHBOURS
        return "" if of_kernel else f"IPv6 to {to}: {text}"
    if kind == ARP:
        asked = socket.inet_ntop(socket.AF_INET, frame[38:42])
        return "" if asked == GATEWAY4 else f"ARP for {asked}"
    return f"a frame of kind {kind:#x}"


@contextmanager
def recorded(pair: Apart) -> Iterator[Cable]:
    """What goes over the cable meanwhile; the last packet is one of our own, so that all before it has been seen."""
    words = ["nsenter", f"--target={pair.others}", "--net", "--", sys.executable, "-c", LISTENER, END]
    cable = Cable([])
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            assert process.stdout.readline() == "ready\n"
            yield cable
            send(pair, f"one.sendto({END!r}.encode(), ({GATEWAY4!r}, 9))", "socket.SOCK_DGRAM")
            cable.frames += map(bytes.fromhex, json.loads(process.communicate(timeout=PATIENCE)[0]))
        finally:
            process.kill()


def send(pair: Apart, what: str, kind: str, family: str = "socket.AF_INET", protocol: str = "0") -> None:
    """Have Python send something from the machine that is tried out."""
    script = f"import socket\none = socket.socket({family}, {kind}, {protocol})\n{what}"
    subprocess.run(pair.there(sys.executable, "-c", script), check=True, timeout=PATIENCE)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a log that tells of the suspect, a key, and whom this machine asks for names."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "auth.log").write_text("\n".join(log(datetime.now(UTC))) + "\n")
    (folder / "tree/etc").mkdir(parents=True)
    (folder / "tree/var/log").mkdir(parents=True)
    got_in = f"Accepted password for root from {SUSPECT} port 40100 ssh2"
    told = f"{(folder / 'auth.log').read_text()}{datetime.now(UTC).isoformat()} vm sshd[9100]: {got_in}\n"
    (folder / "tree/var/log/auth.log").write_text(told)
    (folder / "sendmail").write_text(f"#!/bin/sh\ncat >> {folder}/mails\n")
    (folder / "sendmail").chmod(0o755)
    (folder / "auditkit.yaml").write_text(f"notify: {{mail: {{to: [root], from: root, via: {folder}/sendmail}}}}\n")
    (folder / "resolv.conf").write_text(f"nameserver {GATEWAY4}\noptions timeout:1 attempts:1\n")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    return folder


def log(now: datetime) -> Iterator[str]:
    """Yield an auth.log of a fortnight, at the end of which the suspect guesses fifty times."""
    start = (now - timedelta(days=14)).replace(minute=17, second=1, microsecond=0)
    for hour in range(14 * 24):
        stamp = (start + timedelta(hours=hour)).isoformat()
        yield f"{stamp} vm CRON[{500 + hour}]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)"
    for second in range(50):
        stamp = (now - timedelta(minutes=20) + timedelta(seconds=20 * second)).replace(microsecond=0).isoformat()
        source = SUSPECT6 if second % 10 == 9 else SUSPECT
        yield f"{stamp} vm sshd[{9000 + second}]: Failed password for root from {source} port {40000 + second} ssh2"


@pytest.fixture(scope="module")
def pair(home: Path) -> Iterator[Apart]:
    """A machine with one cable."""
    if not can_be_made():
        pytest.skip("takes root and namespaces")
    with apart(more=f"mount --bind {home}/resolv.conf /etc/resolv.conf;") as made:
        yield made


def run(pair: Apart, home: Path, words: tuple[str, ...]) -> Outcome:
    """What auditkit comes to on that machine."""
    given = (*(word.format(home=home) for word in words), "--store", str(home / "store"))
    spaces = [f"/proc/{pair.server}/ns/{kind}" for kind in ("mnt", "net")]
    with Run(Asked(given, str(home), surroundings(home), spaces=spaces)) as process:
        out, err = process.communicate(timeout=PATIENCE)
    return Outcome(process.returncode, out.decode(), err.decode())


def test_every_subcommand_stands_in_this_test() -> None:
    assert set(SUBCOMMANDS) <= set(COMMANDS), "give it a line in COMMANDS, with words that name the suspect"


def test_no_command_of_an_incident_sends_anything_to_anybody(pair: Apart, home: Path) -> None:
    first, *others = (words for name in COMMANDS if name in SUBCOMMANDS for words in COMMANDS[name])
    done = {}
    with recorded(pair) as cable:
        for words in (first, *WITH_CASE, *others):
            done[words] = run(pair, home, tuple(("incident", *words) if words[0] in SUBCOMMANDS else words))
    assert cable.told == []
    # each has done its work: one that stopped at its arguments would have sent nothing either
    failed = {words: told.err for words, told in done.items() if told.code == 2 or "Traceback" in told.err}
    assert failed == {}
    assert SUSPECT in done["show", "1"].out


def test_no_night_sends_anything_to_anybody(pair: Apart, home: Path) -> None:
    with recorded(pair) as cable:
        done = {words: run(pair, home, words) for words in EVERY_NIGHT}
    assert cable.told == []
    assert {words: told.err for words, told in done.items() if told.code == 2 or "Traceback" in told.err} == {}
    assert SUSPECT in (home / "mails").read_text()
    assert SUSPECT in next((home / "store/reports").glob("*.json")).read_text()


NOTICED = {
    "a ping": ("one.sendto(bytes([8, 0, 247, 255, 0, 0, 0, 0]), ({suspect!r}, 0))", "socket.SOCK_RAW", "socket.IPPROTO_ICMP"),
    "a datagram": ("one.sendto(b'x', ({suspect!r}, 4444))", "socket.SOCK_DGRAM", "0"),
    "a connection": ("one.setblocking(False); one.connect_ex(({suspect!r}, 22))", "socket.SOCK_STREAM", "0"),
}


@pytest.mark.parametrize(("what", "kind", "protocol"), NOTICED.values(), ids=NOTICED)
def test_what_is_sent_to_the_suspect_is_noticed(pair: Apart, what: str, kind: str, protocol: str) -> None:
    with recorded(pair) as cable:
        send(pair, what.format(suspect=SUSPECT), kind, protocol=protocol)
    assert [words.partition(":")[0] for words in cable.told] == [f"IPv4 to {SUSPECT}"]


def test_what_is_sent_over_ipv6_is_noticed(pair: Apart) -> None:
    with recorded(pair) as cable:
        send(pair, f"one.sendto(b'x', ({SUSPECT6!r}, 4444))", "socket.SOCK_DGRAM", "socket.AF_INET6")
    assert [words.partition(": ")[0] for words in cable.told] == [f"IPv6 to {SUSPECT6}"]


@pytest.mark.parametrize("address", [SUSPECT, SUSPECT6])
def test_who_asks_for_the_name_of_the_suspect_is_noticed(pair: Apart, address: str) -> None:
    look = f"try: socket.gethostbyaddr({address!r})\nexcept OSError: pass"
    with recorded(pair) as cable:
        send(pair, look, "socket.SOCK_DGRAM")
    assert cable.told
    assert all(words.startswith(f"IPv4 to {GATEWAY4}: ") for words in cable.told)
    assert all("arpa" in words for words in cable.told)
