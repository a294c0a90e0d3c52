"""Seals: what auditkit signs ssh-keygen accepts, what ssh-keygen signs auditkit accepts, and nothing else passes."""

import hashlib
import io
import os
import pty
import socket
import struct
import subprocess
import sys
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit import agent, seal, signers
from auditkit.errors import AuditkitError, UntrustedError, UsageError
from auditkit.keys.wire import fingerprint, string

KINDS = {
    "ed25519": ("-t", "ed25519"),
    "rsa": ("-t", "rsa", "-b", "2048"),
    "ecdsa-256": ("-t", "ecdsa", "-b", "256"),
    "ecdsa-384": ("-t", "ecdsa", "-b", "384"),
    "ecdsa-521": ("-t", "ecdsa", "-b", "521"),
}
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CONTENT = b"the baseline of srv-01\n"


def run(*words: str, data: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(words, input=data, capture_output=True, check=False, env={**os.environ, **environment})


def make(path: Path, *options: str, passphrase: str = "") -> str:
    assert run("ssh-keygen", "-q", "-N", passphrase, "-C", "test", "-f", str(path), *options).returncode == 0
    return str(path)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A private key file of every kind."""
    home = tmp_path_factory.mktemp("keys")
    return {name: make(home / name, *options) for name, options in KINDS.items()}


@pytest.fixture
def key(keys: dict[str, str]) -> str:
    return keys["ed25519"]


@pytest.fixture(scope="module")
def agent_socket(keys: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real ssh-agent that holds every key."""
    path = str(tmp_path_factory.mktemp("a") / "s")
    with subprocess.Popen(["ssh-agent", "-D", "-a", path], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout
            process.stdout.readline()  # it speaks when it listens
            for file in keys.values():
                assert run("ssh-add", "-q", file, SSH_AUTH_SOCK=path).returncode == 0
            yield path
        finally:
            process.terminate()


def blob(public_file: str) -> bytes:
    return b64decode(Path(public_file).read_bytes().split()[1])


def allowed(public_file: str, options: str = "") -> signers.Signers:
    line = f"anna {options} ".encode() + Path(public_file).read_bytes()
    return signers.parse(line, "allowed_signers", UTC)


def keygen_signed(key: str, *options: str, namespace: str = "auditkit", data: bytes = CONTENT) -> bytes:
    done = run("ssh-keygen", "-Y", "sign", "-f", key, "-n", namespace, *options, data=data)
    assert done.returncode == 0, done.stderr
    return done.stdout


def keygen_accepts(signature: bytes, tmp_path: Path, public_file: str, options: str = "", data: bytes = CONTENT) -> bool:
    (tmp_path / "sig").write_bytes(signature)
    (tmp_path / "allowed").write_bytes(f"anna {options} ".encode() + Path(public_file).read_bytes())
    done = run(
        "ssh-keygen", "-Y", "verify", "-n", "auditkit", "-I", "anna", "-f", str(tmp_path / "allowed"),
        "-s", str(tmp_path / "sig"), "-Overify-time=20261124120000Z", data=data,
    )  # fmt: skip
    return done.returncode == 0


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_key_file_signs_ssh_keygen_accepts(kind: str, keys: dict[str, str], tmp_path: Path) -> None:
    made = seal.sign(io.BytesIO(CONTENT), keys[kind])
    assert keygen_accepts(made, tmp_path, keys[kind] + ".pub")
    assert not keygen_accepts(made, tmp_path, keys[kind] + ".pub", data=CONTENT + b"!")
    checked = run("ssh-keygen", "-Y", "check-novalidate", "-n", "auditkit", "-s", str(tmp_path / "sig"), data=CONTENT)
    assert checked.returncode == 0


@pytest.mark.parametrize("digest", ["sha256", "sha512"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_ssh_keygen_signs_is_accepted(kind: str, digest: str, keys: dict[str, str]) -> None:
    made = keygen_signed(keys[kind], f"-Ohashalg={digest}")
    signer = seal.verify(io.BytesIO(CONTENT), made, allowed(keys[kind] + ".pub"), NOW)
    shown = run("ssh-keygen", "-lf", keys[kind]).stdout.split()[1].decode()
    assert (signer.principal, signer.fingerprint) == ("anna", shown)
    with pytest.raises(UntrustedError, match="the signature by anna does not fit the content"):
        seal.verify(io.BytesIO(CONTENT + b"!"), made, allowed(keys[kind] + ".pub"), NOW)


@pytest.mark.parametrize("kind", KINDS)
def test_a_public_key_or_a_fingerprint_signs_through_the_agent(
    kind: str, keys: dict[str, str], agent_socket: str, tmp_path: Path
) -> None:
    public = keys[kind] + ".pub"
    for word in (public, f"agent:{fingerprint(blob(public))}"):
        made = seal.sign(io.BytesIO(CONTENT), word, socket=agent_socket)
        assert keygen_accepts(made, tmp_path, public)
        assert seal.verify(io.BytesIO(CONTENT), made, allowed(public), NOW).principal == "anna"


def test_an_agent_with_several_keys_wants_one_named(agent_socket: str, key: str) -> None:
    with pytest.raises(UsageError, match="holds 5 keys") as caught:
        seal.sign(io.BytesIO(CONTENT), "agent", socket=agent_socket)
    assert f"agent:{fingerprint(blob(key + '.pub'))} (test)" in caught.value.hint
    with pytest.raises(UsageError, match="no usable key SHA256:none"):
        seal.sign(io.BytesIO(CONTENT), "agent:SHA256:none", socket=agent_socket)


def test_without_an_agent_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no ssh-agent"):
        seal.sign(io.BytesIO(CONTENT), "agent")
    with pytest.raises(AuditkitError, match="No such file"):
        seal.sign(io.BytesIO(CONTENT), "agent", socket=str(tmp_path / "none"))
    with pytest.raises(AuditkitError, match="too long"):
        seal.sign(io.BytesIO(CONTENT), "agent", socket="x" * 300)


@pytest.mark.parametrize("kind", KINDS)
def test_a_passphrase_is_asked_for_encrypted_keys_only(kind: str, keys: dict[str, str], tmp_path: Path) -> None:
    locked = make(tmp_path / "locked", *KINDS[kind], passphrase="correct horse")
    asked: list[str] = []

    def ask(text: str) -> str:
        asked.append(text)
        return "correct horse"

    seal.sign(io.BytesIO(CONTENT), keys[kind], ask=ask)
    assert asked == []
    assert keygen_accepts(seal.sign(io.BytesIO(CONTENT), locked, ask=ask), tmp_path, locked + ".pub")
    assert asked == [f"Passphrase for {locked}: "]
    with pytest.raises(UsageError, match="does not open"):
        seal.sign(io.BytesIO(CONTENT), locked, ask=lambda _: "wrong")
    with pytest.raises(UsageError, match="nobody can be asked"):
        seal.sign(io.BytesIO(CONTENT), locked)


def test_a_private_key_open_to_others_is_refused(tmp_path: Path) -> None:
    key = make(tmp_path / "open", "-t", "ed25519")
    os.chmod(key, 0o640)
    with pytest.raises(UsageError, match="open to others: mode 0640") as caught:
        seal.sign(io.BytesIO(CONTENT), key)
    assert caught.value.hint == f"run chmod 600 {key}"


@pytest.mark.parametrize("text", [b"", b"nonsense", b"ssh-ed25519 AAAA", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"])
def test_what_is_no_key_is_refused(text: bytes, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(text)
    os.chmod(tmp_path / "key", 0o600)
    with pytest.raises(UsageError):
        seal.sign(io.BytesIO(CONTENT), str(tmp_path / "key"))


def test_a_fifo_or_nothing_is_no_key(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name in ("fifo", "none", "a\0b"):
        with pytest.raises(UsageError):
            seal.sign(io.BytesIO(CONTENT), str(tmp_path / name))


def test_the_reasons_of_a_refusal_are_precise(keys: dict[str, str]) -> None:
    made, public = keygen_signed(keys["ed25519"]), keys["ed25519"] + ".pub"
    cases = [
        (allowed(keys["rsa"] + ".pub"), "is not in allowed_signers"),
        (allowed(public, "cert-authority"), "only as a certificate authority"),
        (allowed(public, 'namespaces="git,file"'), "allows the namespaces 'git,file', not 'auditkit'"),
        (allowed(public, 'valid-after="20270101"'), "only from 2027-01-01 00:00:00Z on"),
        (allowed(public, 'valid-before="20200101Z"'), "only until 2020-01-01 00:00:00Z"),
    ]
    for known, reason in cases:
        with pytest.raises(UntrustedError, match=reason):
            seal.verify(io.BytesIO(CONTENT), made, known, NOW)
    with pytest.raises(UntrustedError, match="is for 'git', not for 'auditkit'"):
        seal.verify(io.BytesIO(CONTENT), keygen_signed(keys["ed25519"], namespace="git"), allowed(public), NOW)


def test_sha1_signatures_and_short_rsa_keys_are_refused(keys: dict[str, str], tmp_path: Path) -> None:
    sealed = seal.parse(keygen_signed(keys["rsa"]))
    forged = sealed.signature.replace(string(b"rsa-sha2-512"), string(b"ssh-rsa"))
    with pytest.raises(UntrustedError, match="algorithm ssh-rsa is refused"):
        seal.verify(io.BytesIO(CONTENT), envelope(sealed.key, forged), allowed(keys["rsa"] + ".pub"), NOW)
    short = make(tmp_path / "short", "-t", "rsa", "-b", "1024")
    with pytest.raises(UntrustedError, match="shorter than 2048"):
        seal.verify(io.BytesIO(CONTENT), keygen_signed(short), allowed(short + ".pub"), NOW)


def armored(body: bytes) -> bytes:
    return seal.BEGIN + b"\n" + b64encode(body) + b"\n" + seal.END + b"\n"


def envelope(public: bytes, signature: bytes) -> bytes:
    parts = (public, b"auditkit", b"", b"sha512", signature)
    return armored(seal.MAGIC + struct.pack(">I", 1) + b"".join(map(string, parts)))


# --- hardware keys, played by software: the signature is what PROTOCOL.u2f says


def touched(flags: int, application: bytes = b"ssh:") -> tuple[bytes, bytes]:
    """A public key of type sk-ssh-ed25519 and its signature over CONTENT."""
    secret, kind = Ed25519PrivateKey.generate(), b"sk-ssh-ed25519@openssh.com"
    tail = bytes([flags]) + struct.pack(">I", 7)
    digest = hashlib.sha512(CONTENT).digest()
    content = seal.MAGIC + b"".join(map(string, (b"auditkit", b"", b"sha512", digest)))
    value = secret.sign(hashlib.sha256(application).digest() + tail + hashlib.sha256(content).digest())
    public = b"".join(map(string, (kind, secret.public_key().public_bytes_raw(), application)))
    return public, string(kind) + string(value) + tail


def test_a_hardware_key_counts_if_it_was_touched(tmp_path: Path) -> None:
    public, signature = touched(flags=1)
    (tmp_path / "sk.pub").write_bytes(b"sk-ssh-ed25519@openssh.com " + b64encode(public))
    known = allowed(str(tmp_path / "sk.pub"))
    signer = seal.verify(io.BytesIO(CONTENT), envelope(public, signature), known, NOW)
    assert signer.key_type == "sk-ssh-ed25519@openssh.com"
    assert keygen_accepts(envelope(public, signature), tmp_path, str(tmp_path / "sk.pub"))
    for damaged in (signature[:-1], signature + b"x", signature[:-1] + b"x"):
        with pytest.raises(UntrustedError):
            seal.verify(io.BytesIO(CONTENT), envelope(public, damaged), known, NOW)


@pytest.mark.parametrize(("flags", "application", "reason"), [(0, b"ssh:", "nobody touched"), (1, b"web", "malformed")])
def test_a_hardware_key_untouched_or_of_the_web_is_refused(flags: int, application: bytes, reason: str, tmp_path: Path) -> None:
    public, signature = touched(flags, application)
    (tmp_path / "sk.pub").write_bytes(b"sk-ssh-ed25519@openssh.com " + b64encode(public))
    with pytest.raises(UntrustedError, match=reason):
        seal.verify(io.BytesIO(CONTENT), envelope(public, signature), allowed(str(tmp_path / "sk.pub")), NOW)


CERTIFICATES = [
    (("-n", "anna,bob"), "cert-authority", True),
    (("-n", "bob"), "cert-authority", False),
    ((), "cert-authority", False),
    (("-n", "anna", "-h"), "cert-authority", False),
    (("-n", "anna", "-V", "20200101Z:20210101Z"), "cert-authority", False),
    (("-n", "anna", "-V", "20280101Z:20290101Z"), "cert-authority", False),
    (("-n", "anna"), "", False),
    (("-n", "anna"), 'cert-authority,namespaces="git"', False),
    (("-n", "anna"), 'cert-authority,valid-before="20200101"', False),
]


@pytest.mark.parametrize(("options", "line", "good"), CERTIFICATES)
def test_certificates_count_as_ssh_keygen_says(
    options: tuple[str, ...], line: str, good: bool, keys: dict[str, str], tmp_path: Path
) -> None:
    key = make(tmp_path / "user", "-t", "ed25519")
    assert run("ssh-keygen", "-q", "-s", keys["ecdsa-256"], "-I", "id", *options, key + ".pub").returncode == 0
    sealed = seal.parse(keygen_signed(key))
    made = envelope(blob(f"{key}-cert.pub"), sealed.signature)
    assert keygen_accepts(made, tmp_path, keys["ecdsa-256"] + ".pub", line) is good
    known = allowed(keys["ecdsa-256"] + ".pub", line)
    if good:
        assert seal.verify(io.BytesIO(CONTENT), made, known, NOW).principal == "anna"
    else:
        with pytest.raises(UntrustedError):
            seal.verify(io.BytesIO(CONTENT), made, known, NOW)


def test_a_certificate_nobody_signed_is_refused(keys: dict[str, str], tmp_path: Path) -> None:
    key = make(tmp_path / "user", "-t", "ed25519")
    assert run("ssh-keygen", "-q", "-s", keys["rsa"], "-I", "id", "-n", "bobb", key + ".pub").returncode == 0
    forged = blob(f"{key}-cert.pub").replace(b"bobb", b"anna")
    with pytest.raises(UntrustedError, match="the CA did not sign"):
        seal.verify(io.BytesIO(CONTENT), envelope(forged, seal.parse(keygen_signed(key)).signature),
                    allowed(keys["rsa"] + ".pub", "cert-authority"), NOW)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(kind=st.sampled_from(["ed25519", "ecdsa-256", "rsa"]), place=st.integers(0, 1 << 20))
def test_no_flipped_bit_passes(keys: dict[str, str], kind: str, place: int) -> None:
    key = keys[kind]
    text = bytearray(seal.sign(io.BytesIO(CONTENT), key))
    bit = place % (8 * len(text))  # an ecdsa signature is longer or shorter from time to time
    text[bit // 8] ^= 1 << bit % 8
    with pytest.raises(UntrustedError):
        seal.verify(io.BytesIO(CONTENT), bytes(text), allowed(key + ".pub"), NOW)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_bytes_are_refused_in_words(keys: dict[str, str], public: bytes, signature: bytes) -> None:
    known = allowed(keys["rsa"] + ".pub")
    for text in (public, armored(public), armored(seal.MAGIC + public), envelope(public, signature)):
        with pytest.raises(UntrustedError):
            seal.verify(io.BytesIO(CONTENT), text, known, NOW)
    with pytest.raises(UntrustedError):
        seal.verify(io.BytesIO(CONTENT), envelope(blob(keys["rsa"] + ".pub"), signature), known, NOW)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\0\0\0\1\5",
        b"\0\0\0\5\x0c\xff\xff\xff\xff",
        b"\0\0\0\5\x0c\0\0\0\1",
        b"\0\0\0\x09",
    ],
)
def test_a_hostile_agent_is_refused_in_words(answer: bytes, tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()

        def speak() -> None:
            with server.accept()[0] as link:
                link.recv(100)
                link.sendall(answer)

        thread = threading.Thread(target=speak)
        thread.start()
        with pytest.raises(AuditkitError):
            agent.identities(path)
        thread.join()


def test_a_silent_agent_is_not_waited_for(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        with pytest.raises(AuditkitError, match="did not answer"):
            agent.identities(str(tmp_path / "s"), patience=0.05)


def keygen(*words: str) -> subprocess.CompletedProcess[bytes]:
    """`auditkit keygen` in a session of its own, so that it has no terminal."""
    return subprocess.run(
        [sys.executable, "-m", "auditkit", "keygen", *words], capture_output=True, check=False, start_new_session=True
    )


def test_keygen_makes_a_key_that_both_can_use(tmp_path: Path) -> None:
    path = str(tmp_path / "key")
    done = keygen("-o", path, "--comment", "anna@office")
    assert done.returncode == 0, done.stderr
    assert b"no passphrase" in done.stderr
    assert os.stat(path).st_mode & 0o777 == 0o600
    shown = run("ssh-keygen", "-lf", path).stdout.split()[1]
    assert b"Fingerprint: " + shown in done.stdout
    line = next(line for line in done.stdout.splitlines() if line.startswith(b"anna@office "))
    signer = seal.verify(io.BytesIO(CONTENT), keygen_signed(path), signers.parse(line, "signers"), NOW)
    assert signer.principal == "anna@office"
    before = Path(path).read_bytes()
    again = keygen("-o", path)
    assert again.returncode == 2
    assert b"never overwritten" in again.stderr
    assert Path(path).read_bytes() == before


def test_keygen_asks_twice_at_the_terminal(tmp_path: Path) -> None:
    path = str(tmp_path / "key")
    child, terminal = pty.fork()
    if not child:
        os.execv(sys.executable, [sys.executable, "-m", "auditkit", "keygen", "-o", path])
    said = b""
    for prompt in (b"for none): ", b"The same again: "):
        while prompt not in said:
            said += os.read(terminal, 1000)
        os.write(terminal, b"correct horse\n")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    os.close(terminal)
    assert run("ssh-keygen", "-y", "-P", "correct horse", "-f", path).returncode == 0
    assert run("ssh-keygen", "-y", "-P", "wrong", "-f", path).returncode != 0
