"""Lines of authorized_keys on which a real sshd and auditkit must agree: whoever is let in is told, and nobody else."""

import os
import re
import subprocess
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sshd import Sshd, own_accounts, program, start

from auditkit import answers
from auditkit.keys import authorized, use
from auditkit.keys.authorized import Line
from auditkit.keys.public import Public, parse
from auditkit.keys.wire import string

LINES = {
    "plain": "{key}",
    "blanks before it": " \t {key}",
    "a comment": "{key} anna's laptop",
    "carriage return": "{key}\r",
    "carriage return after a comment": "{key} anna\r",
    "byte order mark": "\ufeff{key}",
    "zero byte behind the key": "{key}\0 x",
    "zero byte before the key": "\0{key}",
    "zero byte in the options": "restr\0ict {key}",
    "commented out": "# {key}",
    "other name of RSA": "rsa-sha2-256 {blob}",
    "type in capitals": "SSH-ED25519 {blob}",
    "type of another key": "ssh-rsa {blob}",
    "tab between type and key": "{type}\t{blob}",
    "cut key": "{type} {cut}",
    "one letter more": "{key}A",
    "padding more": "{key}=",
    "no type": "{blob}",
    "restrict": "restrict {key}",
    "in capitals": 'RESTRICT,Command="true" {key}',
    "every flag": "no-agent-forwarding,no-port-forwarding,no-pty,no-user-rc,no-X11-forwarding {key}",
    "every flag again": "restrict,agent-forwarding,port-forwarding,pty,user-rc,X11-forwarding {key}",
    "flags of hardware keys": "no-touch-required,verify-required {key}",
    "a flag that has no opposite": "no-restrict {key}",
    "no twice": "no-no-pty {key}",
    "unknown option": "frobnicate {key}",
    "unknown option with a value": 'frobnicate="x" {key}',
    "option with something behind it": "pty=yes {key}",
    "value without quotes": "command=true {key}",
    "value that does not end": 'command="true {key}',
    "escaped quotes": r'command="echo \"a b\"" {key}',
    "a blank in a value": 'command="echo  a b c" {key}',
    "comma at the end": "restrict, {key}",
    "comma at the start": ",restrict {key}",
    "two commas": "restrict,,pty {key}",
    "blank after a comma": "restrict, pty {key}",
    "command twice": 'command="a",command="b" {key}',
    "from twice": 'from="*",from="*" {key}',
    "from everywhere": 'from="*" {key}',
    "from here": 'from="127.0.0.1" {key}',
    "from this network": 'from="127.0.0.0/8" {key}',
    "from another network": 'from="10.0.0.0/8" {key}',
    "from a network with bits of a host": 'from="127.0.0.1/8" {key}',
    "from here and an error behind": 'from="127.0.0.1,10.0.0.1/8" {key}',
    "from here and an empty place": 'from="127.0.0.1," {key}',
    "from a mask too long": 'from="127.0.0.1/33" {key}',
    "from a mask that is none": 'from="127.0.0.1/x,127.0.0.1" {key}',
    "from anywhere but here": 'from="*,!127.0.0.1" {key}',
    "from anywhere but this network": 'from="!127.0.0.0/8,*" {key}',
    "from only a negated one": 'from="!10.0.0.1" {key}',
    "from a pattern": 'from="127.0.?.*" {key}',
    "from an address in octal": 'from="127.0.0.01" {key}',
    "from an address in hex": 'from="0x7f.1" {key}',
    "from an address as one number": 'from="2130706433" {key}',
    "from a network with short bits of a host": 'from="127/8" {key}',
    "from no octal": 'from="127.0.0.09" {key}',
    "from a number too large": 'from="127.0.0.256" {key}',
    "from a name": 'from="localhost" {key}',
    "from an address of version 6": 'from="::1" {key}',
    "from nothing": 'from="" {key}',
    "expired": 'expiry-time="20200101" {key}',
    "expired, in UTC": 'expiry-time="20200101Z" {key}',
    "not yet expired": 'expiry-time="20980101" {key}',
    "to the minute": 'expiry-time="209801011530" {key}',
    "to the second": 'expiry-time="20980101153000Z" {key}',
    "of two times the earlier": 'expiry-time="20980101",expiry-time="20200101" {key}',
    "no day": 'expiry-time="20980231" {key}',
    "no month": 'expiry-time="20981301" {key}',
    "no time": 'expiry-time="soon" {key}',
    "an hour alone": 'expiry-time="2098010115" {key}',
    "environment": 'environment="LANG=C" {key}',
    "environment without a value": 'environment="LANG" {key}',
    "environment with an odd name": 'environment="A-B=C" {key}',
    "principals without an authority": 'principals="anna" {key}',
    "an authority": "cert-authority {key}",
    "permitopen": 'permitopen="host:22",permitopen="[::1]:*" {key}',
    "permitopen by service": 'permitopen="host:ssh" {key}',
    "permitopen with a slash": 'permitopen="host/22" {key}',
    "permitopen without a port": 'permitopen="host" {key}',
    "permitopen with port 0": 'permitopen="host:0" {key}',
    "permitopen with an open bracket": 'permitopen="[host:22" {key}',
    "permitopen of no host": 'permitopen=":22" {key}',
    "permitlisten": 'permitlisten="8080",permitlisten="localhost:8081" {key}',
    "permitlisten of nothing": 'permitlisten="" {key}',
    "tunnel": 'tunnel="0" {key}',
    "any tunnel": 'tunnel="ANY" {key}',
    "no tunnel": 'tunnel="tun0" {key}',
    "200,000 bytes of options": 'command="' + "x" * 200_000 + '" {key}',
    "a certificate instead of a key": "ssh-ed25519-cert-v01@openssh.com {blob}",
    "many flags": "pty," * 50_000 + "pty {key}",
    "RSA, by the name of a signature": "rsa-sha2-256 {blob}",
}
"""The last one is the line of an RSA key, all others are of Ed25519."""
PIECES = (
    *('"', '"', "\\", "=", "=", ",", ",", " ", "\t", "\0", "\r", "!", "*", "/", ":", "#", "no-", "NO-", "x", "0", "1", "\x80"),
    *("restrict", "pty", "cert-authority", "command", "from", "expiry-time", "environment", "principals", "permitopen"),
    *("permitlisten", "tunnel", "any", "127.0.0.1", "127.0.0.0/8", "10.0.0.0/8", "20200101", "20980101", "Z", "A=b", "host:22"),
    *('="127.0.0.1"', '="20980101"', '="x"', '="A=b"', '="host:22"', '="1"', ',command="', ',from="', '"{key}'),
)
BEFORE = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
"""What may stand before a key; most of it is wrong."""
NEAR = st.tuples(st.sampled_from(sorted(LINES.values())), st.sampled_from(PIECES), st.integers(0, 60)).map(
    lambda made: made[0][:200][: made[2]] + made[1] + made[0][made[2] :][:300]
)
"""A line of the table with something put into it."""
FILES = st.one_of(BEFORE.map(lambda text: text + " {key}"), BEFORE.map(lambda text: text + "{key} c"), NEAR)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """An sshd that reads what we write, has a mind of its own, and never has enough."""
    lines = ("PermitRootLogin yes", "UseDNS no", "MaxAuthTries 1000", "LoginGraceTime 300")
    made = start(tmp_path_factory.mktemp("sshd") / "d", *lines)
    yield made
    made.end()


def keys(number: int) -> list[Public]:
    """Keys that nobody holds; sshd is only asked whether it would take them."""
    every = (string(b"ssh-ed25519") + string(bytes([9]) + at.to_bytes(31, "big")) for at in range(number - 1))
    rsa = string(b"ssh-rsa") + string(b"\1\0\1") + string(b"\0" + b"\xc3" * 256)
    return [parse(blob) for blob in (*every, rsa)]


def filled(line: str, key: Public) -> bytes:
    blob = b64encode(key.blob).decode()
    line = line.replace("{key}", f"{key.type} {blob}").replace("{type}", key.type).replace("{blob}", blob)
    return line.replace("{cut}", blob[:-8]).encode("utf-8", "surrogateescape").replace(b"\n", b"")


def taken(server: Sshd, lines: Iterable[bytes] | None, asked: Sequence[Public]) -> set[str]:
    """The fingerprints that sshd would take: a client offers them all in one connection, and holds none of them."""
    if lines is not None:
        (server.folder / "authorized_keys").write_bytes(b"\n".join(lines) + b"\n")
    words = ["-F", "none", "-p", str(server.port), "-l", server.user, "-v"]
    for number, key in enumerate(asked):
        file = server.folder / f"offer{number}.pub"
        file.write_text(f"{key.type} {b64encode(key.blob).decode()}\n")
        words += ["-i", str(file)]
    words += [f"-o{each}" for each in ("BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=no", "IdentityAgent=none")]
    words += ["-oUserKnownHostsFile=/dev/null", "-oPreferredAuthentications=publickey", "127.0.0.1", "true"]
    told = subprocess.run([program("ssh"), *words], capture_output=True, check=False, stdin=subprocess.DEVNULL)
    said = told.stderr.decode("utf-8", "replace")
    assert said.count("Offering public key: ") == len(asked), said[-2000:]
    assert "Permission denied (publickey" in said, said[-2000:]
    return set(re.findall(r"Server accepts key: .* (SHA256:\S+)", said))


def judged(line: bytes) -> set[str]:
    """The fingerprint of the key that lets in a client on this machine by that line, as auditkit says."""
    found = set()
    for told in authorized.parse(line + b"\n", "f"):
        if not isinstance(told, Line) or told.options.authority:
            continue
        effect = use.effect(told, use.Server(datetime.now(UTC), UTC, accepted="*", strict=False, dns=False))
        assert (effect.effective is True) is (effect.reason == "")
        origin = told.options.origin
        if effect.effective is not False and (origin is None or use.admits(origin, "127.0.0.1")):
            found.add(told.key.fingerprint)
    return found


def test_sshd_takes_the_keys_of_which_we_say_so(server: Sshd) -> None:
    offered = keys(len(LINES))
    lines = [filled(line, key) for line, key in zip(LINES.values(), offered, strict=True)]
    names = {key.fingerprint: name for name, key in zip(LINES, offered, strict=True)}
    ours = {print_ for line in lines for print_ in judged(line)}
    assert {names[print_] for print_ in ours} == {names[print_] for print_ in taken(server, lines, offered)}


@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(st.lists(FILES, min_size=90, max_size=90))
def test_sshd_takes_the_keys_of_which_we_say_so_in_any_file(server: Sshd, lines: list[str]) -> None:
    offered = keys(len(lines))
    made = [filled(line, key) for line, key in zip(lines, offered, strict=True)]
    theirs = taken(server, made, offered)
    ours = {print_ for line in made for print_ in judged(line)}
    for line, key in zip(made, offered, strict=True):
        if b"permit" in line and key.fingerprint not in theirs:
            continue  # the names of services are on the host: a key is not called dead for an odd one
        assert (key.fingerprint in ours) is (key.fingerprint in theirs), line


MODES = {
    "as it should be": ((0o600, 0o700, 0o755), (0, 0, 0), True),
    "everybody may write to the file": ((0o602, 0o700, 0o755), (0, 0, 0), False),
    "everybody may write to .ssh": ((0o600, 0o707, 0o755), (0, 0, 0), False),
    "everybody may write to the home": ((0o600, 0o700, 0o777), (0, 0, 0), False),
    "all may read": ((0o644, 0o755, 0o755), (0, 0, 0), True),
    "the file is of another": ((0o644, 0o755, 0o755), (1, 0, 0), False),
    "the home is of another": ((0o644, 0o755, 0o755), (0, 0, 1), False),
}
"""Modes and owners of the file, of .ssh and of the home, and whether StrictModes takes that."""


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """An sshd with StrictModes, whose user has the folder as home."""
    folder = tmp_path_factory.mktemp("strict") / "home"
    wrap = own_accounts(folder)
    (folder / ".ssh").mkdir()
    first = ("StrictModes yes", "AuthorizedKeysFile .ssh/authorized_keys")
    made = start(folder, "PermitRootLogin yes", first=first, wrap=wrap)
    yield made
    made.end()


@pytest.mark.parametrize("name", MODES)
def test_strict_modes_refuse_what_we_say_they_do(name: str, strict: Sshd) -> None:
    modes, owners, expected = MODES[name]
    (key,) = keys(1)
    file = strict.folder / ".ssh" / "authorized_keys"
    file.unlink(missing_ok=True)
    file.write_bytes(filled("{key}\n", key))
    places = (file, file.parent, strict.folder)
    for place, mode, owner in zip(places, modes, owners, strict=True):
        place.chmod(mode)
        os.chown(place, owner, owner)
    steps = tuple(
        answers.Step(str(place), mode, owner, owner) for place, mode, owner in zip(places, modes, owners, strict=True)
    )
    (line,) = (each for each in authorized.parse(file.read_bytes(), "f") if isinstance(each, Line))
    told = use.effect(line, use.Server(datetime.now(UTC), accepted="*", strict=True), use.Way(steps, 0))
    theirs = taken(strict, None, [key])
    assert (told.effective, bool(theirs)) == (expected, expected)
