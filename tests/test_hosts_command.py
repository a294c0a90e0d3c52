"""`auditkit hosts`: a line for each host, what to fix below, the same as JSON; exit status 0 only if all can be asked."""

import getpass
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result
from conftest import Cli

from auditkit import fleet
from auditkit.commands.line import auditkit
from auditkit.errors import AuditkitError, HostError
from auditkit.hosts import Reach, ssh
from auditkit.model import State

OFFICE = """\
hosts:
  srv-01: {address: 192.168.10.2, groups: [servers]}
  nas: {address: "fd00::3", port: 2222, user: admin, become: none, groups: [servers]}
  ws-03: {address: 192.168.10.31, user: audit, become: sudo, jump: srv-01}
  ws-04: {address: 192.168.10.32, user: audit}
"""
KEY = "SHA256:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
ANSWERS: Mapping[str, dict[str, Any] | HostError] = {
    "srv-01": {
        "address": "192.168.10.2", "port": 22, "login": "root", "transport": "paramiko", "jump": [], "become": "none",
        "host_key": KEY, "uid": 0, "user": "root", "python": "3.11.2", "shell": "python", "clock_skew": -75.0,
    },
    "nas": {
        "address": "fd00::3", "port": 2222, "login": "admin", "transport": "openssh", "jump": [], "become": "none",
        "host_key": KEY, "uid": 1000, "user": "admin\x1b[2J", "shell": "busybox", "clock_skew": 0.4,
    },
    "ws-03": {
        "address": "192.168.10.31", "port": 22, "login": "audit", "transport": "paramiko", "jump": ["srv-01"], "become": "sudo",
        "host_key": KEY, "uid": 0, "user": "root", "python": "3.13.1", "shell": "python", "clock_skew": 0.0,
    },
    "ws-04": HostError("its host key ssh-ed25519 SHA256:x is unknown", "compare it, then: echo ...", State.HOSTKEY_UNKNOWN),
}  # fmt: skip
TABLE = r"""host    state            address           login                by                   host key             looks with
srv-01  ok               192.168.10.2:22   root                 paramiko             SHA256:abcdefghijkl  Python 3.11.2
nas     ok               [fd00::3]:2222    admin                openssh              SHA256:abcdefghijkl  busybox
ws-03   ok               192.168.10.31:22  audit, root by sudo  paramiko via srv-01  SHA256:abcdefghijkl  Python 3.13.1
ws-04   hostkey-unknown  192.168.10.32:22  audit                paramiko
srv-01: its clock is 75 seconds behind
  fix: see whether a time service runs there
nas: it is asked as admin\x1b[2J, who cannot read everything
  fix: add `become: sudo` to it in auditkit.yaml, and `admin ALL=(root) NOPASSWD: ALL` to sudoers there (visudo)
ws-04: its host key ssh-ed25519 SHA256:x is unknown
  fix: compare it, then: echo ...
note  srv-01, nas and ws-03 show one host key: they are one machine, or copies of one, each of which can pass for the others
3 of 4 hosts can be asked
"""


@dataclass
class Answer:
    """A host that only its facts are asked of."""

    name: str
    facts: dict[str, Any]

    def close(self) -> None:
        """Leave it."""


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four hosts, one of which cannot be reached, and nobody's ~/.ssh/config."""

    def connect(word: str, _reach: Reach) -> Answer:
        answer = ANSWERS[word]
        if isinstance(answer, HostError):
            raise answer
        return Answer(word, answer)

    monkeypatch.setattr(ssh, "connect", connect)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("AUDITKIT_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "auditkit.yaml").write_text(OFFICE)
    return tmp_path


def hosts(*words: str) -> Result:
    return CliRunner().invoke(auditkit, ["hosts", *words], standalone_mode=False)


def test_a_line_for_each_host_and_below_what_to_fix(office: Path) -> None:
    told = hosts("-q")
    assert told.stdout == TABLE
    assert told.return_value == 3


@pytest.mark.parametrize(
    ("skew", "words"),
    [
        (2.1, "2 seconds ahead"),
        (-119.0, "119 seconds behind"),
        (120.0, "2 minutes ahead"),
        (-5400.0, "90 minutes behind"),
        (7200.0, "2 hours ahead"),
        (300_000.0, "3 days ahead"),
        (998_204_000_000.0, "31 631 years ahead"),
    ],
)
def test_a_clock_is_off_by_what_people_say(office: Path, monkeypatch: pytest.MonkeyPatch, skew: float, words: str) -> None:
    monkeypatch.setitem(cast("dict[str, Any]", ANSWERS["srv-01"]), "clock_skew", skew)
    assert f"srv-01: its clock is {words}\n" in hosts("-q", "srv-01").stdout


def test_the_exit_status_is_0_only_if_all_can_be_asked(office: Path) -> None:
    assert hosts("-q", "srv-01", "nas").return_value == 0
    assert hosts("-q", "@servers").return_value == 0
    assert hosts("-q", "local").return_value == 0
    assert hosts("-q", "ws-04").return_value == 3


def test_the_same_as_json(office: Path) -> None:
    told = json.loads(hosts("-q", "--format", "json", "nas", "ws-04").stdout)
    assert (told["schema"], told["notes"]) == ("auditkit/hosts/1", [])
    assert [(host["host"], host["state"]) for host in told["hosts"]] == [("nas", "ok"), ("ws-04", "hostkey-unknown")]
    assert told["hosts"][0]["connection"] == ANSWERS["nas"]
    assert told["hosts"][0]["advice"][0]["problem"].startswith("it is asked as admin")
    assert told["hosts"][1]["connection"]["address"] == "192.168.10.32"
    assert told["hosts"][1]["advice"] == [
        {"problem": "its host key ssh-ed25519 SHA256:x is unknown", "fix": "compare it, then: echo ..."}
    ]


def test_the_answer_goes_to_a_file(office: Path) -> None:
    assert hosts("-q", "-o", "hosts.txt", "srv-01").stdout == ""
    assert (office / "hosts.txt").read_text().endswith("1 of 1 host can be asked\n")


def test_what_inventories_do_not_say_is_told(office: Path) -> None:
    (office / "site.ini").write_text("ws-04 ansible_password=x\n")
    (office / "auditkit.yaml").write_text(f"inventories: [site.ini]\n{OFFICE}")
    assert f"note  {office}/site.ini:1: ansible_password is a secret and was not taken" in hosts("-q", "srv-01").stdout


@pytest.mark.parametrize(
    ("text", "words", "message", "hint"),
    [
        ("hosts: {}", (), "there are no hosts in auditkit.yaml", "write a first auditkit.yaml: `auditkit init` takes hosts"),
        ("hosts: {}", ("a",), "a is no host of auditkit.yaml", "write a first auditkit.yaml"),
        (
            OFFICE,
            ("srv-1",),
            "srv-1 is no host of auditkit.yaml",
            "check the spelling: did you mean srv-01?; `auditkit init -o -`",
        ),
        (OFFICE, ("@desk",), "@desk is no group of auditkit.yaml", "choose from: @all, @servers; `auditkit init -o -` shows"),
    ],
)
def test_a_host_that_is_not_in_the_file(office: Path, text: str, words: tuple[str, ...], message: str, hint: str) -> None:
    (office / "auditkit.yaml").write_text(text)
    error = hosts(*words).exception
    assert isinstance(error, AuditkitError)
    assert str(error) == message
    assert error.hint.startswith(hint)


def test_a_host_that_refuses_the_connection_is_told_with_what_to_do(office: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the real connect
    monkeypatch.setenv("HOME", str(office))
    monkeypatch.chdir(office)
    monkeypatch.setattr(fleet, "PAUSES", {})
    with socket.socket() as place:  # bound, so that nobody else gets the port, and not listening
        place.bind(("127.0.0.1", 0))
        port = place.getsockname()[1]
        (office / "auditkit.yaml").write_text(f"hosts: {{a: {{address: 127.0.0.1, port: {port}, user: x}}}}")
        told = hosts("-q")
    assert told.return_value == 3
    assert told.stdout.splitlines()[1].split() == ["a", "unreachable", f"127.0.0.1:{port}", "x", "paramiko"]
    assert "  fix: see whether sshd runs there and listens on this port\n" in told.stdout


@pytest.fixture
def door(cli: Cli) -> Iterator[int]:
    """The port of a real sshd that lets in whoever runs the tests, with a key in that home; its host key is on file."""
    sshd = shutil.which("sshd", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if sshd is None or shutil.which("ssh-keygen") is None:
        pytest.skip("sshd is not installed")
    folder = cli.home / ".ssh"
    folder.mkdir()
    for name in ("host_key", "id_ed25519"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    shutil.copy(folder / "id_ed25519.pub", folder / "authorized_keys")
    Path("/run/sshd").mkdir(exist_ok=True) if os.geteuid() == 0 else None
    with socket.socket() as place:  # while it is open, nobody gets this port but who is told its number
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind(("127.0.0.1", 0))
        port: int = place.getsockname()[1]
        (folder / "sshd_config").write_text(
            f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host_key\nAuthorizedKeysFile {folder}/authorized_keys\n"
            f"StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\n"
        )
        key = (folder / "host_key.pub").read_text().rsplit(" ", 1)[0]
        (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {key}\n")
        with subprocess.Popen([sshd, "-D", "-e", "-f", folder / "sshd_config"], stderr=subprocess.PIPE) as process:
            try:
                assert process.stderr
                assert b"listening" in process.stderr.readline()
                yield port
            finally:
                process.kill()


def test_a_real_host(cli: Cli, door: int) -> None:
    me = getpass.getuser()
    (cli.home / "auditkit.yaml").write_text(
        f"defaults: {{user: {me}, port: {door}}}\nhosts: {{me: {{address: 127.0.0.1}}, stranger: {{address: localhost}}}}\n"
    )
    told = cli.run("hosts", "--timeout", "30")
    rows = [line.split() for line in told.out.splitlines()]
    assert rows[1][:5] == ["me", "ok", f"127.0.0.1:{door}", me, "paramiko"]
    assert rows[1][5].startswith("SHA256:")
    assert rows[1][6] == "Python"
    assert rows[2][:2] == ["stranger", "hostkey-unknown"]
    assert f"echo '[localhost]:{door} ssh-ed25519 " in told.out
    assert told.out.endswith("1 of 2 hosts can be asked\n")
    assert told.code == 3
