"""What key a line is: held against ssh-keygen, which is asked about keys of every kind."""

import contextlib
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.answers import Step
from auditkit.keys import authorized, options, public, times, use
from auditkit.keys.authorized import Line
from auditkit.keys.use import Server, Way
from auditkit.model import Gap

KINDS = ("ed25519", "rsa 1024", "rsa 2048", "rsa 3072", "ecdsa 256", "ecdsa 384", "ecdsa 521", "dsa 1024")
KEYGEN = shutil.which("ssh-keygen")
NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authorized_keys file with a key of each kind, a certificate among them."""
    if KEYGEN is None:
        pytest.skip("ssh-keygen is not installed")
    folder = tmp_path_factory.mktemp("keys")
    lines = ["# all of them"]
    for kind in KINDS:
        name, _blank, size = kind.partition(" ")
        bits = ["-b", size] if size and name != "dsa" else []
        made = subprocess.run(
            [KEYGEN, "-q", "-t", name, *bits, "-N", "", "-f", folder / kind], check=False, capture_output=True
        )
        if made.returncode == 0:  # ssh-keygen of OpenSSH 10 makes no DSA keys
            lines.append(f'restrict,command="echo \\"{kind}\\" x" ' + (folder / f"{kind}.pub").read_text().strip())
    subprocess.run([KEYGEN, "-q", "-s", folder / "ed25519", "-I", "id", folder / "rsa 2048.pub"], check=True)
    lines.append((folder / "rsa 2048-cert.pub").read_text().strip())
    file = folder / "authorized_keys"
    file.write_text("\n".join(lines) + "\n")
    return file


def listed(file: Path, digest: str) -> list[tuple[str, str]]:
    """Bits and fingerprint of each line, as ssh-keygen has them."""
    words = [str(KEYGEN), "-l", "-E", digest, "-f", str(file)]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return [(found[1], found[2]) for found in re.finditer(r"^(\d+) (\S+) ", told, re.MULTILINE)]


def test_sizes_and_fingerprints_are_those_of_ssh_keygen(keyring: Path) -> None:
    lines = [line for line in authorized.parse(keyring.read_bytes(), "f") if isinstance(line, Line)]
    assert [(str(line.key.bits), line.key.fingerprint) for line in lines] == listed(keyring, "sha256")
    assert [(str(line.key.bits), line.key.md5) for line in lines] == listed(keyring, "md5")
    assert [line.dead for line in lines] == [""] * (len(lines) - 1) + ["it is a certificate, and only keys are read here"]


def test_options_are_read_with_their_quotes() -> None:
    told = options.parse(r'command="echo \"a, b\"",from="10.0.0.0/8",no-pty,Permitopen="h:22",permitopen="[::1]:*" rest')
    assert (told.command, told.origin, told.pty) == ('echo "a, b"', "10.0.0.0/8", False)
    assert told.permitopen == ("h:22", "[::1]:*")
    assert not told.forwards


@pytest.mark.parametrize(
    ("text", "past"),
    [
        ("20200101", True),
        ("20261130Z", False),
        ("20261129235959Z", True),
        ("20261130", None),  # it depends on the zone
        ("20261128", True),
        ("20261202", False),
        ("20990231", False),
    ],
)
def test_a_time_without_a_zone_is_over_when_it_is_so_everywhere(text: str, past: bool | None) -> None:
    moment = times.moment(text)
    assert moment
    assert moment.past(NOW) is past


HOME = (Step("/home/anna/.ssh/authorized_keys", 0o600, 1000, 1000), Step("/home/anna/.ssh", 0o700, 1000, 1000))


@pytest.mark.parametrize(
    ("server", "step", "effective"),
    [
        ({}, Step("/home/anna", 0o755, 1000, 1000), True),
        ({}, Step("/home/anna", 0o755, 0, 0), True),
        ({}, Step("/home/anna", 0o757, 1000, 1000), False),
        ({}, Step("/home/anna", 0o775, 1000, 1000), None),  # Debian's sshd lets it pass if nobody else is in the group
        ({}, Step("/home/anna", 0o755, 1001, 1000), False),
        ({"strict": False}, Step("/home/anna", 0o777, 1001, 1000), True),
        ({"strict": None}, Step("/home/anna", 0o777, 1001, 1000), None),
        ({"accepted": "rsa-sha2-512,ssh-ed25519"}, None, True),
        ({"accepted": "ecdsa-*"}, None, False),
        ({"rsa_bits": 3072}, None, False),
        ({"rsa_bits": 2048}, None, True),
    ],
)
def test_what_is_known_of_a_host_decides(
    server: dict[str, object], step: Step | None, effective: bool | None, keyring: Path
) -> None:
    every = authorized.parse(keyring.read_bytes(), "f")
    line = next(line for line in every if isinstance(line, Line) and (line.key.type, line.key.bits) == ("ssh-rsa", 2048))
    way = Way((*HOME, step) if step else HOME, 1000)
    found = use.effect(line, Server(NOW, **{"strict": True, **server}), way)  # type: ignore[arg-type]
    assert found.effective is effective
    assert bool(found.reason) is (effective is not True)


@given(st.binary(max_size=400))
def test_any_blob_is_a_key_or_a_value_error(blob: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert public.parse(blob).bits >= 256


@given(st.text(max_size=60), st.sampled_from(["127.0.0.1", "::1", "192.168.10.7"]))
def test_any_from_is_judged(origin: str, address: str) -> None:
    assert use.admits(origin, address) in (True, False)


def test_what_is_broken_is_named_until_it_is_too_much() -> None:
    told = list(authorized.parse(b"junk\n" * 50, "f"))
    assert told[0] == Gap("f:1", "not understood: there is no key in it")
    assert told[-1] == Gap("f", "30 more lines are not understood")
    assert len(told) == 21
