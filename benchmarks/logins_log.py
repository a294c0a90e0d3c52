"""Makes an auth.log from a seed: what one server sees in some weeks, mostly guesses, with its own people among them.

The lines are those of sshd 9.2 with PAM, systemd-logind, cron and sudo on Debian 12; addresses are those of documentation.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

SEED = 8
BEGAN = datetime(2026, 10, 1, tzinfo=UTC)
PEOPLE = ("anna", "bert", "carla", "deploy")
STOCK = (
    "admin",
    "test",
    "user",
    "oracle",
    "postgres",
    "ubuntu",
    "git",
    "pi",
    "ftp",
    "guest",
    "mysql",
    "nagios",
    "minecraft",
    "dev",
)
HOSTILE = (
    "root from 192.0.2.99 port 1 ssh2",
    "a\\nNov 24 10",
    "admin 192.0.2.98 port 4711 [preauth]",
    "\\033[2Jesc",
    "x] y",
    "  ",
    "",
    "invalid user root",
)
KEY = "SHA256:uStpBajnhIGFEEEY+EsaXcH7U7xPErj4yAKWc2aS/wM"


def write(path: Path, lines: int) -> int:
    """Write so many lines of a log, unless they are there already; gives how many passwords were refused in them."""
    known = path.with_suffix(".guesses")
    if path.exists() and known.exists():
        return int(known.read_text())
    guesses = 0
    with path.open("w", encoding="ascii") as log:
        for line in islice(log_lines(random.Random(SEED), lines), lines):
            if "]: Failed password for " in line[:60]:
                guesses += 1
            elif "message repeated 2 times: [ Failed" in line[:80]:
                guesses += 2
            log.write(line + "\n")
    known.write_text(str(guesses))
    return guesses


def log_lines(chance: random.Random, lines: int) -> Iterator[str]:
    """Yield lines without end, over some thirty days for so many of them."""
    now, pid = BEGAN, 1000
    step = 30 * 86400 / lines * 5
    while True:
        now += timedelta(seconds=chance.expovariate(1 / step))
        pid = pid + chance.randrange(1, 30) if pid < 4_000_000 else 1000
        stamp = f"{now:%b} {now.day:2d} {now:%H:%M:%S} gate "
        for program, message in happening(chance):
            tag = program if program.endswith("]") else f"{program}[{pid}]"
            yield f"{stamp}{tag}: {message}"


def happening(chance: random.Random) -> Iterator[tuple[str, str]]:
    """Yield what one thing that happens writes."""
    kinds = (guess_root, guess_stranger, guess_hostile, probe, scan, job, person, sudo)
    weights = (30, 34, 1, 8, 7, 14, 3, 3)
    return chance.choices(kinds, weights)[0](chance)


def source(chance: random.Random) -> str:
    """Where an attacker comes from: few addresses do most of it, and some are of IPv6."""
    net = chance.choices(("198.51.100.", "203.0.113.", "2001:db8::"), (70, 25, 5))[0]
    return net + str(min(int(chance.expovariate(1 / 40)) + 1, 250))


def guess_root(chance: random.Random) -> Iterator[tuple[str, str]]:
    """One to six passwords for root."""
    where, port = source(chance), chance.randrange(1024, 65536)
    yield "sshd", f"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={where}  user=root"
    for _ in range(chance.randrange(1, 4)):
        yield "sshd", f"Failed password for root from {where} port {port} ssh2"
    if chance.random() < 0.2:
        yield "sshd", f"message repeated 2 times: [ Failed password for root from {where} port {port} ssh2]"
        yield "sshd", f"error: maximum authentication attempts exceeded for root from {where} port {port} ssh2 [preauth]"
        yield "sshd", f"Disconnecting authenticating user root {where} port {port}: Too many authentication failures [preauth]"
        yield "sshd", f"PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost={where}  user=root"
    else:
        yield "sshd", f"Received disconnect from {where} port {port}:11: Bye Bye [preauth]"
        yield "sshd", f"Disconnected from authenticating user root {where} port {port} [preauth]"


def guess_stranger(chance: random.Random) -> Iterator[tuple[str, str]]:
    """A password for an account that there is not."""
    return stranger(chance, chance.choice(STOCK) + chance.choice(("", "", "", "1", "2", str(chance.randrange(500)))))


def guess_hostile(chance: random.Random) -> Iterator[tuple[str, str]]:
    """A name that is meant for whoever reads the log."""
    return stranger(chance, chance.choice(HOSTILE))


def stranger(chance: random.Random, name: str) -> Iterator[tuple[str, str]]:
    """What a guess at a name writes that there is not."""
    where, port = source(chance), chance.randrange(1024, 65536)
    yield "sshd", f"Invalid user {name} from {where} port {port}"
    yield "sshd", "pam_unix(sshd:auth): check pass; user unknown"
    yield "sshd", f"pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={where} "
    yield "sshd", f"Failed password for invalid user {name} from {where} port {port} ssh2"
    yield "sshd", f"Connection closed by invalid user {name.replace(chr(92), chr(92) * 2)} {where} port {port} [preauth]"


def probe(chance: random.Random) -> Iterator[tuple[str, str]]:
    """A key that is offered, which leaves one line."""
    who = chance.choice(("root", "root", *PEOPLE))
    yield (
        "sshd",
        f"Connection closed by authenticating user {who} {source(chance)} port {chance.randrange(1024, 65536)} [preauth]",
    )


def scan(chance: random.Random) -> Iterator[tuple[str, str]]:
    """Somebody who does not speak SSH."""
    where, port = source(chance), chance.randrange(1024, 65536)
    if chance.random() < 0.5:
        yield "sshd", "error: kex_exchange_identification: Connection closed by remote host"
        yield "sshd", f"Connection closed by {where} port {port}"
    else:
        yield (
            "sshd",
            f"Unable to negotiate with {where} port {port}: no matching host key type found. Their offer: ssh-dss [preauth]",
        )


def job(chance: random.Random) -> Iterator[tuple[str, str]]:
    """A job of cron, the pulse of every such log."""
    yield "CRON", "pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)"
    yield "CRON", "pam_unix(cron:session): session closed for user root"


def person(chance: random.Random) -> Iterator[tuple[str, str]]:
    """Somebody who comes to work."""
    who, port = chance.choice(PEOPLE), chance.randrange(1024, 65536)
    yield "sshd", f"Accepted publickey for {who} from 192.0.2.10 port {port} ssh2: ED25519 {KEY}"
    yield "sshd", f"pam_unix(sshd:session): session opened for user {who}(uid=1000) by (uid=0)"
    number = chance.randrange(1, 9999)
    yield "systemd-logind[612]", f"New session {number} of user {who}."
    yield "systemd", f"pam_unix(systemd-user:session): session opened for user {who}(uid=1000) by (uid=0)"
    yield "sshd", f"Received disconnect from 192.0.2.10 port {port}:11: disconnected by user"
    yield "sshd", f"Disconnected from user {who} 192.0.2.10 port {port}"
    yield "sshd", f"pam_unix(sshd:session): session closed for user {who}"
    yield "systemd-logind[612]", f"Session {number} logged out. Waiting for processes to exit."
    yield "systemd-logind[612]", f"Removed session {number}."


def sudo(chance: random.Random) -> Iterator[tuple[str, str]]:
    """Somebody who administers."""
    who = chance.choice(PEOPLE)
    yield "sudo", f"   {who} : TTY=pts/0 ; PWD=/home/{who} ; USER=root ; COMMAND=/usr/bin/apt update"
    yield "sudo", f"pam_unix(sudo:session): session opened for user root(uid=0) by {who}(uid=1000)"
    yield "sudo", "pam_unix(sudo:session): session closed for user root"
