"""The keys audit, from a disk to its findings; each file in cases/keys is one machine and what must be said.

A case is a sentence, then files as `-- /path --` and their text, then `-- findings --` and every line of the answer.
`{ed25519}`, `{rsa 2048}` and the like stand for keys that nobody holds.
"""

import os
import re
import subprocess
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sshd import keygen, program, public
from test_accounts import NOW, Disk, parts, told

from auditkit.access import needs
from auditkit.audits import ssh
from auditkit.audits.ssh import keys, privates
from auditkit.audits.ssh.accesses import FIRST
from auditkit.collect import collect
from auditkit.keys import published
from auditkit.keys.wire import string
from auditkit.model import Evidence, Gap, Item
from auditkit.probe import keyfile

CASES = sorted((Path(__file__).parent.parent / "cases" / "keys").glob("*.txt"))
ELSEWHERE = (keys.KEY_PUBLISHED, keys.KEY_UNKNOWN, keys.KEY_SHARED, keys.KEY_FILE_OPEN)
"""Rules that need more than the text of a file to be tested; see tests/ssh_audit/test_keys_read.py."""
PASSWD = "root:x:0:0::/root:/bin/sh\nanna:x:1000:1000::/home/anna:/bin/sh\n"


def key(words: str) -> str:
    """A key of that type and size, the same one each time."""
    kind, _blank, size = words.partition(" ")
    number = b"\0" + b"\xc3" * (int(size or 0) // 8)
    fields = {
        "ed25519": ("ssh-ed25519", string(b"k" * 32)),
        "sk": ("sk-ssh-ed25519@openssh.com", string(b"k" * 32) + string(b"ssh:")),
        "rsa": ("ssh-rsa", string(b"\1\0\1") + string(number)),
        "dsa": ("ssh-dss", string(number) + string(b"\1") * 3),
    }
    name, rest = fields[kind]
    return f"{name} {b64encode(string(name.encode()) + rest).decode()}"


def filled(text: str) -> str:
    return re.sub(r"\{((?:ed25519|rsa|dsa|sk)[ 0-9]*)\}", lambda found: key(found[1]), text)


def evidence(files: dict[str, str], root: Path) -> Evidence:
    """What is collected from a disk with these files."""
    for name, text in {"/etc/passwd": PASSWD, **files}.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(filled(text), errors="surrogateescape")
        if name.startswith("/home/anna/") and os.geteuid() == 0:
            os.chown(path, 1000, 1000)
    return collect(Disk(root), ssh.AUDIT.needs, lambda: NOW)


def said(taken: Evidence) -> str:
    return "".join(map(told, (*taken.gaps, *keys.judge(taken))))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path, tmp_path: Path) -> None:
    files = parts(path.read_text())
    expected = files.pop("findings")
    assert said(evidence(files, tmp_path)) == expected


@pytest.mark.parametrize("rule", [rule.id for rule in keys.RULES if rule not in ELSEWHERE])
def test_every_rule_has_a_case_that_speaks_and_one_that_is_silent(rule: str) -> None:
    cases = {path.stem: parts(path.read_text())["findings"] for path in CASES}
    assert f" {rule} " in cases[rule]
    assert f" {rule} " not in cases["well-kept"]


def test_a_key_that_everybody_has_is_found_by_its_fingerprint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = evidence({"/home/anna/.ssh/authorized_keys": "{ed25519}\n"}, tmp_path)
    (known,) = keys.facts(taken)["ssh"]["keys"]  # type: ignore[index]
    monkeypatch.setattr(keys, "PUBLISHED", {**published.PUBLISHED, known["fingerprint"]: "a router"})
    assert said(taken).startswith("critical key-published account anna: 1 key in /home/anna/.ssh/authorized_keys: the private")


def test_the_facts_name_every_key_with_its_line_and_never_call_it_effective_unseen(tmp_path: Path) -> None:
    text = '# mine\n{ed25519} laptop\nrestrict,expiry-time="20200101Z" {rsa 3072}\n'
    one, two = keys.facts(evidence({"/home/anna/.ssh/authorized_keys": text}, tmp_path))["ssh"]["keys"]  # type: ignore[index]
    assert (one["account"], one["type"], one["line"], one["effective"]) == ("anna", "ssh-ed25519", 2, None)
    assert "modes and owners were not looked at" in one["reason"]
    assert (two["options"], two["effective"], two["bits"]) == (["restrict", 'expiry-time="20200101Z"'], False, 3072)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to others")
def test_a_link_in_a_home_hands_out_nothing_that_the_account_may_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "etc/ssh/host_key"
    secret.parent.mkdir(parents=True)
    secret.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\n")
    secret.chmod(0o600)
    (tmp_path / "home/anna/.ssh").mkdir(parents=True)
    (tmp_path / "home/anna/.ssh/authorized_keys").symlink_to("/etc/ssh/host_key")
    taken = evidence({}, tmp_path)
    assert taken.gaps == (Gap("/home/anna/.ssh/authorized_keys", "not for the account in whose home it is (mode 0600)"),)
    secret.chmod(0o644)
    (gap,) = evidence({}, tmp_path).gaps
    assert gap.reason == "holds a private key, so nothing of it was taken"


FORMS = {
    "openssh": ((), "no"),
    "openssh, encrypted": (("-N", "secret"), "yes"),
    "pem-rsa": (("-t", "rsa", "-m", "PEM"), "no"),
    "pem-rsa, encrypted": (("-t", "rsa", "-m", "PEM", "-N", "secret"), "yes"),
    "pem": (("-t", "rsa", "-m", "PKCS8"), "no"),
    "pem, encrypted": (("-t", "rsa", "-m", "PKCS8", "-N", "secret"), "yes"),
}


@pytest.mark.parametrize("form", FORMS)
def test_of_a_private_key_only_facts_leave_the_host(form: str, tmp_path: Path) -> None:
    options, encrypted = FORMS[form]
    file = tmp_path / "home/anna/.ssh/id_x"
    file.parent.mkdir(parents=True)
    given = {"-t": "ed25519", "-N": "", **dict(zip(options[::2], options[1::2], strict=True))}
    words = [word for pair in given.items() for word in pair]
    subprocess.run([program("ssh-keygen"), "-q", *words, "-f", file], check=True)
    taken = evidence({}, tmp_path)
    public_half = Path(f"{file}.pub").read_text()  # the modulus stands in both, in the same letters if chance has it so
    lines = {line for line in file.read_text().split("\n") if len(line) > 60 and line not in public_half}
    lines = set() if "openssh" in form else lines
    assert not [(item.source, line) for item in taken.items for line in lines if line.encode() in item.data]
    (fact,) = privates.facts(taken)["ssh"]["private_keys"]  # type: ignore[index]
    printed = subprocess.run([program("ssh-keygen"), "-lf", f"{file}.pub"], capture_output=True, check=True, text=True).stdout
    shown = printed.split()[1] if form.startswith("openssh") else None
    assert (fact["format"], fact["encrypted"], fact["fingerprint"]) == (
        form.partition(",")[0],
        encrypted == "yes",
        shown,
    )
    assert bool(list(privates.judge(taken))) is (encrypted == "no")


def test_a_private_key_that_opens_root_on_the_same_host_is_worse(tmp_path: Path) -> None:
    file = keygen(tmp_path / "key")
    texts = {"/home/anna/.ssh/id_ed25519": file.read_text(), "/root/.ssh/authorized_keys": f'from="::1" {public(file)}\n'}
    (finding,) = privates.judge(evidence(texts, tmp_path / "disk"))
    assert told(finding).startswith("high private-key-unencrypted account anna: /home/anna/.ssh/id_ed25519 ssh-ed25519 SHA256:")
    assert told(finding).endswith("has no passphrase, and opens root on this host\n")


@given(st.binary(max_size=300), st.binary(max_size=60))
def test_whatever_stands_in_a_key_file_one_line_of_facts_is_told(data: bytes, inner: bytes) -> None:
    for text in (data, b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + b64encode(keyfile.MAGIC + inner) + b"\n-----END "):
        assert re.fullmatch(rb"(openssh|pem(-[a-z]+)?|ppk|none) (yes|no|\?) (-|[A-Za-z0-9+/=]+)\n", keyfile.facts(text))


@given(st.one_of(st.integers(0, 9000), st.just(51)))
def test_a_damaged_length_of_the_public_half_does_not_carry_the_secret_out(size: int) -> None:
    half = b64decode(key("ed25519").split()[1])
    head = keyfile.MAGIC + string(b"none") + string(b"none") + string(b"") + (1).to_bytes(4, "big")
    body = head + size.to_bytes(4, "big") + half + string(b"SECRET" * 1500)
    _form, _encrypted, shown = keyfile.facts(
        b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + b64encode(body) + b"\n-----END "
    ).split()
    assert shown == b"-" or (size <= len(half) and half.startswith(b64decode(shown)))
    assert size != len(half) or shown == b64encode(half)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=100))
def test_any_bytes_are_judged_and_all_that_is_said_is_printable(lines: bytes, before: bytes) -> None:
    text = lines + b"\n" + before + b" " + key("ed25519").encode() + b"\n"
    items = ((needs.PASSWD, "/etc/passwd", PASSWD.encode()), (FIRST, "/root/.ssh/authorized_keys", text))
    taken = Evidence("host", NOW, tuple(Item(need, source, data, NOW, "") for need, source, data in items))
    assert not [line for line in said(taken).splitlines() if not line.isprintable()]
    keys.facts(taken)


def test_a_hundred_thousand_keys_are_told_as_one_finding_and_what_is_beyond_as_a_gap(tmp_path: Path) -> None:
    text = (key("ed25519") + "\n").encode() * 100_001
    items = ((needs.PASSWD, "/etc/passwd", PASSWD.encode()), (FIRST, "/root/.ssh/authorized_keys", text))
    taken = Evidence("host", NOW, tuple(Item(need, source, data, NOW, "") for need, source, data in items))
    gap, finding = keys.judge(taken)
    assert gap == Gap("/root/.ssh/authorized_keys", "more than 100000 lines; the keys on those after them are not judged")
    assert told(finding).startswith("low root-key-from-anywhere account root: 100000 keys in /root/.ssh/authorized_keys: ")
