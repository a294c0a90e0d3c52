"""Lists of revoked keys as ssh-keygen makes them: what it says of each key is what is read here."""

import random
import shutil
import struct
import subprocess
from base64 import b64decode
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.keys import krl, revoked
from auditkit.keys.wire import string

KEYGEN = shutil.which("ssh-keygen") or ""
NAMES = ("anna", "bernd", "carl")
HEAD = krl.MAGIC + struct.pack(">IQQQ", 1, 1, 0, 0) + string(b"") + string(b"a comment")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three keys and an authority."""
    if not KEYGEN:
        pytest.skip("ssh-keygen is not installed")
    folder = tmp_path_factory.mktemp("krl")
    for name, kind in zip((*NAMES, "authority"), ("ed25519", "rsa", "ecdsa", "ed25519"), strict=True):
        subprocess.run([KEYGEN, "-q", "-t", kind, "-N", "", "-C", name, "-f", folder / name], check=True)
    return folder


def made(keys: Path, *told: str) -> bytes:
    """A list of what is told of, as `ssh-keygen -k` takes it; `KEY anna` stands for her public key."""
    lines = []
    for line in told:
        form, _blank, name = line.rpartition(" ")
        lines.append(f"{form} {(keys / f'{name}.pub').read_text()}" if name in NAMES else line)
    (keys / "told").write_text("\n".join(lines) + "\n")
    subprocess.run([KEYGEN, "-q", "-k", "-s", keys / "authority.pub", "-f", keys / "list", keys / "told"], check=True)
    return (keys / "list").read_bytes()


def asked(keys: Path, data: bytes, name: str) -> bool | None:
    """Whether ssh-keygen says that a key is in a list; None where it reads none."""
    (keys / "list").write_bytes(data)
    done = subprocess.run(
        [KEYGEN, "-Q", "-f", keys / "list", keys / f"{name}.pub"], check=False, capture_output=True, text=True, errors="replace"
    )
    return "REVOKED" in done.stdout if done.stdout.endswith((": REVOKED\n", ": ok\n")) else None


def held(keys: Path, data: bytes, name: str) -> bool | None:
    """The same as it is read here."""
    return revoked.parse(data).holds(b64decode((keys / f"{name}.pub").read_text().split()[1]))


@pytest.mark.parametrize(
    ("told", "taken_back"),
    [
        ((), ""),
        (("key: anna",), "anna"),
        (("sha1: bernd",), "bernd"),
        (("sha256: carl",), "carl"),
        (("key: anna", "sha1: bernd", "sha256: carl"), "anna bernd carl"),
        (("key: anna", "key: carl", "serial: 7", "serial: 9-12", "id: somebody", "serial: 18446744073709551615"), "anna carl"),
        (tuple(f"serial: {number * number}" for number in range(1, 200)), ""),
        (tuple(f"serial: {number * 3}" for number in range(1, 200)), ""),
        (("id: a", "id: b", "sha1: anna"), "anna"),
    ],
)
def test_what_ssh_keygen_says_of_a_list_that_it_made_is_said_here(keys: Path, told: tuple[str, ...], taken_back: str) -> None:
    data = made(keys, *told)
    found = [(name, asked(keys, data, name), held(keys, data, name)) for name in NAMES]
    assert found == [(name, name in taken_back, name in taken_back) for name in NAMES]
    assert revoked.parse(data).unread == ""


def section(kind: int, *parts: bytes) -> bytes:
    return bytes([kind]) + string(b"".join(parts))


def certificates(*parts: bytes) -> bytes:
    return section(1, string(b""), string(b""), *parts)


def numbers(*told: int) -> bytes:
    return struct.pack(f">{len(told)}Q", *told)


HIGHEST = (1 << 64) - 1
READ = {
    "nothing": b"",
    "no key": section(2, string(b"")),
    "serials": certificates(section(0x20, numbers(1, 2, HIGHEST))),
    "a range": certificates(section(0x21, numbers(1, HIGHEST))),
    "a bitmap": certificates(section(0x22, numbers(HIGHEST - 1), string(b"\3"))),
    "a bitmap from 0 on": certificates(section(0x22, numbers(0), string(b"\6"))),
    "an empty bitmap": certificates(section(0x22, numbers(0), string(b""))),
    "the longest bitmap": certificates(section(0x22, numbers(1), string(b"\0" + b"\xff" * 2048))),
    "a name that ends with a zero byte": certificates(section(0x23, string(b"a\0"), string(b""))),
}
NOT_READ = {
    "a digest that is too short": (section(3, string(b"x" * 19)), "digest"),
    "a digest that is too long": (section(5, string(b"x" * 33)), "digest"),
    "half a key": (section(2, string(b"x")[:-1]), "cut short"),
    "half a section": (section(2, string(b"x"))[:-1], "cut short"),
    "serial 0": (certificates(section(0x20, numbers(0))), "range"),
    "half a serial": (certificates(section(0x20, numbers(1)[:-1])), "cut short"),
    "a range from 0 on": (certificates(section(0x21, numbers(0, 1))), "range"),
    "a range backwards": (certificates(section(0x21, numbers(2, 1))), "range"),
    "two ranges": (certificates(section(0x21, numbers(1, 2, 3, 4))), "more in it"),
    "a bitmap with 0": (certificates(section(0x22, numbers(0), string(b"\7"))), "range"),
    "a bitmap behind the end": (certificates(section(0x22, numbers(HIGHEST - 1), string(b"\7"))), "range"),
    "a negative bitmap": (certificates(section(0x22, numbers(1), string(b"\x80"))), "negative or too long"),
    "a bitmap that is too long": (certificates(section(0x22, numbers(1), string(b"\x7f" * 2049))), "negative or too long"),
    "a name with a zero byte": (certificates(section(0x23, string(b"a\0b"))), "zero byte"),
    "an authority that is no key": (section(1, string(b"x"), string(b"")), "cut short"),
    "an unknown section": (section(6), "kind that is not known"),
    "an unknown part": (certificates(section(0x24)), "kind that is not known"),
}


@pytest.mark.parametrize("data", READ.values(), ids=READ)
def test_what_ssh_keygen_reads_is_read(keys: Path, data: bytes) -> None:
    assert (asked(keys, HEAD + data, "anna"), held(keys, HEAD + data, "anna")) == (False, False)


@pytest.mark.parametrize(("data", "why"), NOT_READ.values(), ids=NOT_READ)
def test_what_ssh_keygen_does_not_read_may_be_anything(keys: Path, data: bytes, why: str) -> None:
    assert (asked(keys, HEAD + data, "anna"), held(keys, HEAD + data, "anna")) == (None, None)
    assert why in revoked.parse(HEAD + data).unread


@pytest.mark.parametrize("data", [section(255, string(b"x"), b"\0", string(b"")), section(4, b"key") + string(b"signature")])
def test_what_not_every_sshd_reads_may_be_anything_and_what_stands_before_it_counts(data: bytes) -> None:
    told = revoked.parse(HEAD + section(2, string(b"mine")) + data)
    assert (told.holds(b"mine"), told.holds(b"other")) == (True, None)
    assert "some versions of sshd" in told.unread


def test_a_list_that_somebody_has_changed_is_never_read_otherwise_than_by_ssh_keygen(keys: Path) -> None:
    """Of a hundred changed lists none lets a key pass that ssh-keygen takes back, or does not read."""
    chance = random.Random(1)
    data = made(keys, "key: anna", "sha1: anna", "serial: 7", "serial: 9-12", "id: somebody", "sha256: anna")
    for _ in range(100):
        changed = bytearray(data)
        at = chance.randrange(8, len(changed))
        changed[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
        theirs, mine = asked(keys, bytes(changed), "anna"), held(keys, bytes(changed), "anna")
        assert mine in (theirs, None) or (theirs, mine) == (None, True), changed.hex()


@given(
    st.lists(st.one_of(st.binary(max_size=9), st.sampled_from([b"\1", b"\2", b"\x20", b"\0\0\0\4", numbers(1)]))).map(b"".join)
)
def test_no_bytes_break_who_reads_lists(data: bytes) -> None:
    told = revoked.parse(HEAD + data)
    assert sum(len(key) for form, key in told.keys if form == "key") <= len(data)
    assert told.holds(b"mine") is not False or not told.unread
