"""known_hosts files as OpenSSH reads them: ssh-keygen and the ssh client themselves say what is right."""

import os
import re
import shutil
import socket
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditkit.errors import HostError
from auditkit.keys.wire import fingerprint
from auditkit.model import Gap, State
from auditkit.ssh import Hop, known
from auditkit.ssh.known import KnownHosts, Line, Mark, Standing, Verdict

needs_keygen = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="no ssh-keygen here")
needs_ssh = pytest.mark.skipif(not shutil.which("ssh"), reason="no ssh client here")
ED, EC, SK = "ssh-ed25519", "ecdsa-sha2-nistp256", "sk-ssh-ed25519@openssh.com"


def blob(fill: str, key_type: str = ED) -> bytes:
    """A public key of nobody, which its letter tells from others."""
    words = (key_type.encode(), fill.encode() * 32)
    return b"".join(len(word).to_bytes(4, "big") + word for word in words)


def line(names: str, fill: str, key_type: str = ED) -> str:
    return f"{names} {key_type} {b64encode(blob(fill, key_type)).decode()}"


def hosts(*lines: str, file: str = "known_hosts") -> KnownHosts:
    found = list(known.parse("\n".join(lines).encode(), file))
    return KnownHosts((f for f in found if isinstance(f, Line)), (f for f in found if isinstance(f, Gap)))


def said(of: KnownHosts, names: str, fill: str, key_type: str = ED, authority: str | None = None) -> tuple[str, int]:
    """The verdict on a key in one word, and the number of the line it rests on, 0 for none."""
    signer = blob(authority) if authority else None
    verdict = of.judge(names.split(), key_type, blob(fill, key_type), signer)
    return verdict.standing.value, verdict.line.number if verdict.line else 0


@pytest.mark.parametrize(
    ("names", "name", "covered"),
    [
        ("ws-03.lan", "ws-03.lan", True),
        ("WS-03.lan", "ws-03.LAN", True),
        ("a,ws-03.lan,b", "ws-03.lan", True),
        ("ws-03", "ws-03.lan", False),
        ("*.lan", "ws-03.lan", True),
        ("*.lan", "ws-03.lan.evil", False),
        ("ws-0?.lan", "ws-03.lan", True),
        ("ws-0?.lan", "ws-0.lan", False),
        ("*.lan,!ws-03.lan", "ws-03.lan", False),
        ("!ws-03.lan,*.lan", "ws-03.lan", False),
        ("*.lan,!ws-03.lan", "ws-04.lan", True),
        ("!ws-03.lan", "ws-04.lan", False),
        ("[ws-03.lan]:2222", "[ws-03.lan]:2222", True),
        ("[ws-03.lan]:2222", "ws-03.lan", False),
        ("[*.lan]:2222", "[ws-03.lan]:2222", True),
        ("[fd00::3]:2222", "[fd00::3]:2222", True),
        ("[abc]", "a", False),
        ("", "ws-03.lan", False),
        (",,", "ws-03.lan", False),
        ("*", "ws-03.lan", True),
        ("*" * 2000, "ws-03.lan", False),
    ],
)
@needs_keygen
def test_names_and_patterns_mean_what_they_mean_to_ssh(names: str, name: str, covered: bool, tmp_path: Path) -> None:
    text = line(names, "a")
    assert (said(hosts(text), name, "a")[0] == "known") is covered
    assert bool(found_by_keygen(tmp_path, text, name)) is covered


def found_by_keygen(folder: Path, text: str, name: str) -> list[int]:
    """The numbers of the lines that `ssh-keygen -F` finds."""
    (folder / "known_hosts").write_bytes(text.encode("utf-8", "surrogateescape"))
    run = subprocess.run(["ssh-keygen", "-F", name, "-f", folder / "known_hosts"], capture_output=True, timeout=30, check=False)
    return [int(number) for number in re.findall(rb"^# Host .* found: line (\d+)", run.stdout, re.MULTILINE)]


@needs_keygen
def test_names_that_ssh_keygen_has_hashed_are_found(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    plain = [line("ws-03.lan,192.168.10.3", "a"), line("[ws-03.lan]:2222", "b"), "@revoked " + line("srv-01", "c")]
    file.write_text("\n".join(plain) + "\n")
    subprocess.run(["ssh-keygen", "-H", "-f", file], check=True, capture_output=True, timeout=30)
    assert "ws-03" not in file.read_text()
    found = known.read([str(file)])
    assert found.gaps == ()
    assert said(found, "WS-03.lan", "a") == ("known", 1)
    assert said(found, "192.168.10.3", "a") == ("known", 2)
    assert said(found, "[ws-03.lan]:2222", "b") == ("known", 3)
    assert said(found, "srv-01", "c")[0] in ("revoked", "unknown")  # ssh-keygen leaves marked lines as they are
    assert said(found, "ws-04.lan", "a") == ("unknown", 0)


WORDS = st.text("ab*?![],.", min_size=1, max_size=8)


@needs_keygen
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(WORDS, min_size=1, max_size=8), name=st.text("ab.", min_size=1, max_size=4))
def test_any_patterns_cover_what_they_cover_for_ssh_keygen(names: list[str], name: str, tmp_path: Path) -> None:
    text = "\n".join(line(each, "a") for each in names)
    ours = [each.number for each in hosts(text).lines if each.covers(name)]
    assert ours == found_by_keygen(tmp_path, text + "\n", name)


BAD = [
    ("ws-03 ssh-ed25519", "it lacks a name, a key type or a key"),
    ("ws-03", "it lacks a name, a key type or a key"),
    ("@revoked", "it lacks a name, a key type or a key"),
    ("ws-03 ssh-ed25519 AAAA!", "its key is damaged: no base64"),
    ("ws-03 ssh-ed25519 AAAAC3", "its key is damaged: no base64"),
    ("ws-03 ssh-ed25519 ÄÄÄÄ", "its key is damaged: no base64"),
    (line("ws-03", "a").replace("ssh-ed25519", "ssh-rsa"), "its key is no ssh-rsa"),
    ("ws-03 ssh-ed25519 AAAA", "its key is no ssh-ed25519"),
    ("ws-03 1024 35 1234567890", "1024 is no type of key"),
    ("ws-03 \x1b[31m AAAA", "it has control characters in it"),
    ("@trusted " + line("ws-03", "a"), "its mark @trusted is unknown"),
    ("@revoked @cert-authority " + line("ws-03", "a"), "it has more than one mark"),
    (line("|1|abc|def", "a"), "its hashed name is damaged"),
    (line("|2|" + "a" * 28 + "|" + "a" * 28, "a"), "its hashed name is damaged"),
    (line("w" * 40_000, "a"), "it is longer than 32 KiB"),
]


@pytest.mark.parametrize(("bad", "why"), BAD, ids=[why for _bad, why in BAD])
def test_a_bad_line_is_a_gap_and_spares_the_others(bad: str, why: str) -> None:
    found = hosts(line("srv-01", "a"), bad, line("srv-02", "b"))
    assert found.gaps == (Gap("known_hosts, line 2", why),)
    assert said(found, "srv-01", "a") == ("known", 1)
    assert said(found, "srv-02", "b") == ("known", 3)
    assert said(found, "ws-03", "a") == ("unknown", 0)


def test_what_editors_leave_in_a_file_is_no_mistake() -> None:
    found = hosts(
        "# a comment\r",
        "\r",
        f"  {line('srv-01', 'a')}\r",
        line("srv-02", "b").replace(" ", "  ") + "  anna's  server # 2",
        line("srv-03", "c").replace(" ", "\t"),
        line("srv-04", "d", SK),
        line("srv-05", "e", "ssh-of-2040@example.com"),
        "",
    )
    assert found.gaps == ()
    assert said(found, "srv-01", "a") == ("known", 3)
    assert said(found, "srv-02", "b") == ("known", 4)
    assert said(found, "srv-03", "c") == ("known", 5)
    assert said(found, "srv-04", "d", SK) == ("known", 6)
    assert said(found, "srv-05", "e", "ssh-of-2040@example.com") == ("known", 7)


def test_another_key_on_file_means_that_the_host_has_changed() -> None:
    found = hosts(line("ws-03", "x", EC), line("ws-03", "a"))
    assert said(found, "ws-03", "b") == ("changed", 2)
    assert said(found, "ws-03", "b", "ssh-rsa") == ("changed", 1)
    assert found.types(["WS-03"]) == (EC, ED)


def test_the_name_without_the_port_can_only_speak_for_a_key() -> None:
    found = hosts(line("ws-03", "a"), line("[ws-04]:2222", "b"), line("ws-04", "a"), "@revoked " + line("ws-05", "z"))
    assert said(found, "[ws-03]:2222 ws-03", "a") == ("known", 1)
    assert said(found, "[ws-03]:2222 ws-03", "b") == ("unknown", 0)
    assert said(found, "[ws-04]:2222 ws-04", "b") == ("known", 2)
    assert said(found, "[ws-04]:2222 ws-04", "a") == ("changed", 2)
    assert said(found, "[ws-05]:2222 ws-05", "z") == ("revoked", 4)


def test_revoked_wins_over_everything() -> None:
    found = hosts(
        line("ws-03", "a"), "@cert-authority " + line("*", "c"), "@revoked " + line("*", "a"), "@revoked " + line("ws-04", "c")
    )
    assert said(found, "ws-03", "a") == ("revoked", 3)
    assert said(found, "ws-03", "k", authority="c") == ("by-authority", 2)
    assert said(found, "ws-04", "k", authority="c") == ("revoked", 4)
    assert said(found, "ws-03", "a", authority="c") == ("revoked", 3)


def test_the_key_of_an_authority_is_no_key_of_a_host() -> None:
    found = hosts("@cert-authority " + line("*.lan", "c"))
    assert said(found, "ws-03.lan", "c") == ("unknown", 0)
    assert said(found, "ws-03.com", "k", authority="c") == ("unknown", 0)
    assert found.types(["ws-03.lan"]) == ()
    assert [each.key for each in found.authorities(["WS-03.lan"])] == [blob("c")]
    assert found.judge(["ws-03.lan"], ED, blob("k")) == Verdict(Standing.UNKNOWN, authorities=1)


# --- the ssh client as a judge


class Anybody(paramiko.ServerInterface):
    """A server that lets nobody in: the host key is all that is asked of it."""

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"


def server_key(folder: Path, kind: str) -> paramiko.PKey:
    path = folder / f"server_{kind}"
    key = Ed25519PrivateKey.generate() if kind == ED else generate_private_key(SECP256R1())
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    loaded: paramiko.PKey = (paramiko.Ed25519Key if kind == ED else paramiko.ECDSAKey).from_private_key_file(str(path))
    return loaded


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, bytes]]:
    """The port of a server, and its only host key."""
    key = server_key(tmp_path, ED)
    links: list[paramiko.Transport] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)

        def serve() -> None:
            link = paramiko.Transport(listener.accept()[0])
            links.append(link)
            link.add_server_key(key)
            link.start_server(threading.Event(), Anybody())

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1], key.asbytes()
        thread.join(30)
    for link in links:
        link.close()


def verdict_of_ssh(folder: Path, port: int) -> str:
    """What the stock client thinks of a server, in our words."""
    config = [f"UserKnownHostsFile={folder / 'known_hosts'}", "GlobalKnownHostsFile=none", "StrictHostKeyChecking=yes"]
    config += ["BatchMode=yes", "ConnectTimeout=10", "IdentityFile=none", "IdentityAgent=none"]
    options = [word for each in config for word in ("-o", each)]
    command = ["ssh", "-F", "none", *options, "-p", str(port), "--", "nobody@127.0.0.1"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL).stderr
    signs = {"REVOKED": "revoked", "HAS CHANGED": "changed", "host key is known": "unknown", "Permission denied": "known"}
    return next((word for sign, word in signs.items() if sign in said), said)


@needs_ssh
@pytest.mark.parametrize(
    "lines",
    [
        ["[127.0.0.1]:{port} {key}"],
        ["127.0.0.1 {key}"],
        ["[127.0.0.1]:{port} {other}"],
        ["127.0.0.1 {other}"],
        ["[127.0.0.1]:{port} {another_type}"],
        ["[127.0.0.1]:{port} {other}", "127.0.0.1 {key}"],
        ["@cert-authority * {key}"],
        ["@revoked * {key}", "[127.0.0.1]:{port} {key}"],
        ["[127.0.0.1]:{port} {key}", "@revoked [127.0.0.1]:* {key}"],
        ["[127.0.0.1]:{port} nonsense", "[127.*]:{port},!b {key}"],
        [],
    ],
    ids=str,
)
def test_the_ssh_client_judges_a_real_server_alike(lines: list[str], server: tuple[int, bytes], tmp_path: Path) -> None:
    port, key = server
    another = server_key(tmp_path, EC).asbytes()
    words = {
        "port": port,
        "key": f"{ED} {b64encode(key).decode()}",
        "other": f"{ED} {b64encode(key[:-1] + bytes([key[-1] ^ 1])).decode()}",
        "another_type": f"{EC} {b64encode(another).decode()}",
    }
    (tmp_path / "known_hosts").write_text("".join(each.format(**words) + "\n" for each in lines))
    hop = Hop("here", "127.0.0.1", port, "nobody")
    verdict = known.read([str(tmp_path / "known_hosts")]).judge(known.names(hop), ED, key)
    assert verdict.standing.value == verdict_of_ssh(tmp_path, port)


# --- files


def test_the_files_are_read_in_their_order_and_a_missing_one_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "user").write_text(line("ws-03", "a") + "\n")
    (tmp_path / "system").write_text(line("ws-03", "b", EC) + "\nnonsense\n")
    found = known.read([str(tmp_path / name) for name in ("user", "absent", "system", "user")])
    assert [(Path(each.file).name, each.number) for each in found.lines] == [("user", 1), ("system", 1)]
    assert found.types(["ws-03"]) == (ED, EC)
    assert [Path(gap.subject).name for gap in found.gaps] == ["system, line 2"]


def test_what_is_no_file_is_a_gap_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    found = known.read([str(tmp_path / "pipe"), str(tmp_path), "/dev/null", "a\0b"])
    assert [gap.subject for gap in found.gaps] == [str(tmp_path / "pipe"), str(tmp_path), "a\0b"]
    assert found.lines == ()


def test_a_file_of_many_bad_lines_names_some_and_counts_the_rest(tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text("nonsense\n" * 1000)
    gaps = known.read([str(tmp_path / "known_hosts")]).gaps
    assert len(gaps) == known.MOST_GAPS + 1
    assert gaps[-1].reason == "980 more lines are not understood"


def test_a_file_that_never_ends_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "known_hosts").open("wb") as file:
        file.truncate(known.LARGEST + 1)
    (gap,) = known.read([str(tmp_path / "known_hosts")]).gaps
    assert gap.reason == "it is larger than 16 MiB, so no host key is taken from it"


@given(
    st.one_of(
        st.binary(), st.lists(st.sampled_from([b"@revoked ", b"|1|", b"ssh-ed25519 ", b"\n", b"a*", b"AAAA"])).map(b"".join)
    )
)
def test_arbitrary_bytes_are_lines_or_gaps(data: bytes) -> None:
    found = list(known.parse(data, "f"))
    kept = [each for each in found if isinstance(each, Line)]
    assert all(isinstance(each, Line | Gap) for each in found)
    assert len(found) <= data.count(b"\n") + 1
    assert KnownHosts(kept).judge(["a"], ED, blob("a")).standing in Standing


@given(st.text(max_size=40).filter(lambda text: text != ""), st.binary(max_size=60))
def test_a_line_to_add_is_one_line_or_an_error(name: str, key: bytes) -> None:
    try:
        added = known.entry(name, key)
    except HostError as error:
        added = error.state
    assert added is State.LIED or len(added.splitlines()) == 1


# --- words


def test_a_host_goes_by_its_alias_else_by_name_and_port() -> None:
    assert known.names(Hop("a", "WS-03.lan", 22, "u")) == ("ws-03.lan",)
    assert known.names(Hop("a", "ws-03.lan", 2222, "u")) == ("[ws-03.lan]:2222", "ws-03.lan")
    assert known.names(Hop("a", "ws-03.lan", 2222, "u", host_key_alias="Srv")) == ("srv",)


@needs_keygen
def test_the_fingerprint_and_the_line_to_add_are_those_of_ssh_keygen(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(known.entry("ws-03", server_key(tmp_path, ED).asbytes()))
    shown = subprocess.run(["ssh-keygen", "-lf", tmp_path / "key"], capture_output=True, text=True, timeout=30, check=True)
    (only,) = known.read([str(tmp_path / "key")]).lines
    assert shown.stdout.split()[1] == fingerprint(only.key)


HOP = Hop("ws-03", "ws-03.lan", 2222, "audit", known_hosts=("/home/anna/my hosts",))


def test_an_unknown_key_comes_with_the_command_that_adds_it() -> None:
    seen, error = fingerprint(blob("a")), known.refusal(Verdict(Standing.UNKNOWN), HOP, blob("a"))
    assert error.state is State.HOSTKEY_UNKNOWN
    assert str(error) == f"its host key ssh-ed25519 {seen} is unknown"
    assert error.hint == (
        f"compare {seen} with `ssh-keygen -lf` of the key on the host itself, "
        f"then: echo '{line('[ws-03.lan]:2222', 'a')}' >> '/home/anna/my hosts'"
    )


def test_a_changed_key_comes_with_the_line_that_has_another() -> None:
    verdict = hosts(line("[ws-03.lan]:2222", "x", EC)).judge(known.names(HOP), ED, blob("a"))
    error = known.refusal(verdict, HOP, blob("a"))
    assert error.state is State.HOSTKEY_CHANGED
    assert str(error) == (
        f"its host key is ssh-ed25519 {fingerprint(blob('a'))}, but known_hosts, line 1 has {EC} {fingerprint(blob('x', EC))}"
    )
    assert error.hint.endswith("replace that line by: " + line("[ws-03.lan]:2222", "a"))


def test_a_revoked_key_is_refused_without_a_way_around() -> None:
    verdict = hosts("@revoked " + line("*", "a")).judge(known.names(HOP), ED, blob("a"))
    error = known.refusal(verdict, HOP, blob("a"))
    assert (error.state, verdict.line and verdict.line.mark) == (State.HOSTKEY_CHANGED, Mark.REVOKED)
    assert str(error) == f"its host key ssh-ed25519 {fingerprint(blob('a'))} is revoked: known_hosts, line 1"


def test_an_authority_on_file_is_named_where_the_key_is_unknown() -> None:
    verdict = hosts("@cert-authority " + line("*", "c")).judge(known.names(HOP), ED, blob("a"))
    assert str(known.refusal(verdict, HOP, blob("a"))).endswith("no certificate of the authority that is on file")
