"""`auditkit init`: the first auditkit.yaml from what a machine knows; only own hosts, nothing overwritten, always loadable."""

import json
import os
import shutil
import socket
from collections import namedtuple
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auditkit import config
from auditkit.commands import ownership
from auditkit.commands.candidates import Candidate, Setting
from auditkit.commands.line import auditkit
from auditkit.errors import ConfigError
from auditkit.hosts import named
from auditkit.ssh import route
from auditkit.ssh.address import meant

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="ssh is not installed")
KEYS = [
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + letter * 42 + "A" for letter in "BCDEFG"
]  # no real keys: nobody looks into them here
HASHED = "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg="
Interface = namedtuple("Interface", "family address netmask")  # noqa: PYI024 - as psutil has it

SSH_CONFIG = """\
Host srv-01
  HostName 192.168.10.2
Host gate
  HostName 203.0.113.5
Host inner
  HostName 10.0.5.7
  ProxyJump srv-01
Host far
  HostName 10.0.6.8
  ProxyJump gate
Host lost.invalid
Host vm
  HostName 127.0.0.1
  Port 2222
Host *
  User audit
"""
KNOWN_HOSTS = f"""\
192.168.10.2 {KEYS[0]}
nas.invalid {KEYS[1]}
192.168.10.9 {KEYS[1]}
[192.168.10.20]:2222 {KEYS[2]}
fd00::3 {KEYS[3]}
140.82.121.4 {KEYS[4]}
*.lan {KEYS[5]}
@revoked 192.168.10.66 {KEYS[5]}
{HASHED} {KEYS[5]}
"""
SITE = """\
[desks]
ws-01 ansible_host=192.168.10.31 ansible_user=anna ansible_password=secret
ws-02 ansible_host=192.168.10.32 ansible_ssh_common_args="-J door"
door ansible_host=198.51.100.7
"""
WRITTEN = """\
networks:
  - 192.168.10.0/24  # eth0
  - fd00::/64  # eth0
  - 10.0.5.0/24  # inner has 10.0.5.7
  # - 172.17.0.0/16  # docker0: for containers and virtual machines of this machine

# What holds for each host that does not say otherwise. User, port, jump host and key also come from ~/.ssh/config.
# defaults: {user: audit, become: sudo, policy: linux}

# The hosts. Those behind a # are not proposed, for the reason that stands there: remove the # where one is yours.
hosts:
  # from ~/site.ini
  ws-01: {address: 192.168.10.31, user: anna, groups: [desks]}  # line 2: 192.168.10.31
  # ws-02: {address: 192.168.10.32, jump: door, groups: [desks]}  # line 3: it is reached through door: 198.51.100.7 is no private address; if it is yours, name it in networks: too
  # door: {address: 198.51.100.7, groups: [desks]}  # line 4: 198.51.100.7 is no private address; if it is yours, name it in networks: too
  # from ~/.ssh/config
  srv-01:  # line 1: 192.168.10.2
  # gate:  # line 3: 203.0.113.5 is no private address; if it is yours, name it in networks: too
  inner:  # line 5: 10.0.5.7 through srv-01
  # far:  # line 8: it is reached through gate: 203.0.113.5 is no private address; if it is yours, name it in networks: too
  # lost.invalid:  # line 11: the name lost.invalid is unknown here at present
  # vm:  # line 12: it is this machine, which is called `local`, or a door on it to another one
  # from ~/.ssh/known_hosts
  # nas.invalid:  # line 2: the name nas.invalid is unknown here at present; has the key of 192.168.10.9 too
  192.168.10.20: {port: 2222}  # line 4: 192.168.10.20
  fd00--3: {address: "fd00::3"}  # line 5: fd00::3
  # 140.82.121.4:  # line 6: 140.82.121.4 is no private address; if it is yours, name it in networks: too
"""  # noqa: E501 - as it is written
SAID = """\
auditkit.yaml: 5 hosts, 8 more as comments with the reason
  note  {home}/site.ini:2: ansible_password is a secret and was not taken: keys and ssh-agent log in, or a person who is asked
  note  known_hosts: 1 line has a hashed name, which nobody can read: name these hosts yourself
Review auditkit.yaml: are these networks and hosts yours? Then:
Next: auditkit hosts
      auditkit baseline @all
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that knows nothing yet, in two networks and with one of its own."""
    (tmp_path / ".ssh").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("auditkit.commands.candidates.SYSTEM_HOSTS", ())
    interfaces = {
        "lo": [Interface(socket.AF_INET, "127.0.0.1", "255.0.0.0"), Interface(socket.AF_INET6, "::1", "ffff:" * 7 + "ffff")],
        "eth0": [
            Interface(socket.AF_INET, "192.168.10.44", "255.255.255.0"),
            Interface(socket.AF_INET, "203.0.113.44", "255.255.255.0"),
            Interface(socket.AF_INET6, "fd00::44", "ffff:ffff:ffff:ffff::"),
            Interface(socket.AF_INET6, "fe80::44%eth0", "ffff:ffff:ffff:ffff::"),
            Interface(psutil.AF_LINK, "02:00:00:00:00:01", None),
        ],
        "docker0": [Interface(socket.AF_INET, "172.17.0.1", "255.255.0.0")],
    }
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: interfaces)
    monkeypatch.setattr(socket, "getaddrinfo", _nobody)
    return tmp_path


def _nobody(name: str, *_rest: object, **_more: object) -> list[Any]:
    assert meant(name) is None, "a number need not be looked up"
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def init(*words: str) -> Result:
    return CliRunner().invoke(auditkit, ["init", *words], standalone_mode=False)


def test_a_first_file_from_all_that_a_machine_knows(home: Path) -> None:
    (home / ".ssh/config").write_text(SSH_CONFIG)
    (home / ".ssh/known_hosts").write_text(KNOWN_HOSTS)
    (home / "site.ini").write_text(SITE)
    told = init("--ansible", "site.ini")
    assert told.output == SAID.format(home=home)
    text = (home / "auditkit.yaml").read_text("utf-8")
    assert text[text.index("networks:\n") :] == WRITTEN
    read = config.load("auditkit.yaml", str(home))
    assert named(["@all"], read) == ("ws-01", "srv-01", "inner", "192.168.10.20", "fd00--3")
    assert named(["@desks"], read) == ("ws-01",)


def test_names_are_looked_up_and_one_private_address_is_enough(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {
        "nas.lan": ["2001:db8::7", "10.1.2.3"],
        "github.com": ["140.82.121.4"],
        "vpn.lan": ["100.64.0.9"],
        "bastion.lan": ["192.168.10.5"],
    }

    def lookup(name: str, *_rest: object, **_more: object) -> list[Any]:
        return [(0, 0, 0, "", (number, 0)) for number in answers.get(name) or _nobody(name)]

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    (home / ".ssh/config").write_text(
        "Host nas.lan github.com vpn.lan bastion.lan\nHost behind.lan\n  ProxyJump bastion.lan\n"
        "Host strange\n  HostName github.com\n  ProxyJump bastion.lan\nHost odd.lan\n  ProxyCommand nc %h %p\n"
    )
    assert init().exception is None
    text = (home / "auditkit.yaml").read_text("utf-8")
    public = "is no private address; if it is yours, name it in networks: too"
    assert text.partition("hosts:\n")[2].splitlines() == [
        "  # from ~/.ssh/config",
        "  nas.lan:  # line 1: nas.lan, 10.1.2.3",
        f"  # github.com:  # line 1: 140.82.121.4 {public}",
        f"  # vpn.lan:  # line 1: 100.64.0.9 {public}",
        "  bastion.lan:  # line 1: bastion.lan, 192.168.10.5",
        "  behind.lan:  # line 2: behind.lan through bastion.lan",
        f"  # strange:  # line 4: 140.82.121.4 {public}",
        "  odd.lan:  # line 7: odd.lan through ProxyCommand",
    ]
    assert "  - 10.1.2.0/24  # nas.lan has 10.1.2.3\n" in text


def test_a_machine_that_knows_nobody(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "net_if_addrs", dict)
    told = init()
    assert told.output == (
        "auditkit.yaml: 0 hosts, 0 more as comments with the reason\n"
        "Next: name your hosts in auditkit.yaml, then: auditkit hosts\n"
    )
    assert config.load("auditkit.yaml") == config.Config()


@pytest.mark.parametrize("kind", ["file", "link that leads nowhere"])
def test_nothing_is_overwritten(home: Path, kind: str) -> None:
    place = home / "auditkit.yaml"
    if kind == "file":
        place.write_text("mine")
    else:
        place.symlink_to("nowhere")
    error = init().exception
    assert str(error) == "auditkit.yaml is there already, and is not overwritten"
    assert not (home / "nowhere").exists()
    assert kind != "file" or place.read_text("utf-8") == "mine"


def test_on_stdout_the_file_alone(home: Path) -> None:
    (home / ".ssh/config").write_text("Host a\n  HostName 192.168.10.7\n")
    told = init("-o", "-")
    assert list(config.read(told.stdout, "stdout").hosts) == ["a"]
    assert told.stderr == "stdout: 1 host, 0 more as comments with the reason\n"
    assert not (home / "auditkit.yaml").exists()


def test_another_place_is_named_in_the_next_commands(home: Path) -> None:
    (home / ".ssh/config").write_text("Host a\n  HostName 192.168.10.7\n")
    assert "Next: auditkit hosts --config 'my office.yaml'\n" in init("-o", "my office.yaml").output
    assert init("-o", "no/such/place").exception


def test_names_that_yaml_or_a_terminal_would_take_for_something_else(home: Path) -> None:
    lines = [
        f"Host {name}\n  HostName 192.168.10.{number}"
        for number, name in enumerate(("on", "1e3", "null", "0x10", "2026-11-24", "12"))
    ]
    (home / ".ssh/config").write_text("\n".join((*lines, "Host local\n  HostName 192.168.10.9", 'Host "\x1b[2J"')))
    (home / ".ssh/known_hosts").write_bytes(b"\xff\xfe " + KEYS[0].encode() + b"\n# x\n{a} " + KEYS[1].encode() + b"\n")
    assert init().exception is None
    text = (home / "auditkit.yaml").read_text("utf-8")
    assert list(config.load("auditkit.yaml").hosts) == ["on", "1e3", "null", "0x10", "2026-11-24", "12"]
    assert "\x1b" not in text
    assert "  # local:  # line 13: local cannot be the name of a host\n" in text


def test_an_ssh_config_that_ssh_refuses_is_a_reason_not_an_end(home: Path) -> None:
    (home / ".ssh/config").write_text("Host a\n  HostName 192.168.10.7\nNoSuchKeyword x\n")
    assert init().exception is None
    text = (home / "auditkit.yaml").read_text("utf-8")
    assert "  # a:  # line 1: ssh -G a fails:" in text
    assert config.load("auditkit.yaml").hosts == {}


@pytest.mark.parametrize("user", ["CORP\\anna", "andr\u00e9", "a\x7fb", '"', "x # y"])
def test_a_line_whose_sign_is_removed_means_what_was_meant(home: Path, user: str) -> None:
    """It is no text for a terminal, in which a backslash would be doubled, but one of the file."""
    (home / "site.yaml").write_text(json.dumps({"all": {"hosts": {"p": {"ansible_host": "8.8.8.8", "ansible_user": user}}}}))
    assert init("--ansible", "site.yaml").exception is None
    (line,) = [line for line in (home / "auditkit.yaml").read_text("utf-8").splitlines() if line.startswith("  # p:")]
    assert line.isprintable()
    assert yaml.safe_load(line.replace("# ", "", 1)) == {"p": {"address": "8.8.8.8", "user": user}}


def test_an_ssh_config_that_takes_its_time_is_not_waited_for_host_by_host(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / ".ssh/config").write_text('Match exec "sleep 60"\n  User x\n')
    (home / ".ssh/known_hosts").write_text("".join(f"192.168.10.{number} {KEYS[0]}\n" for number in range(1, 100)))
    monkeypatch.setattr(route, "PATIENCE", 0.3)
    monkeypatch.setattr(ownership, "LONG", 0.1)
    monkeypatch.setattr(ownership, "LONGEST", 0.5)
    told = CliRunner().invoke(auditkit, ["init"], standalone_mode=False)
    assert told.output.splitlines()[:2] == [
        "auditkit: `ssh -G` takes long: see what `Match exec` in ~/.ssh/config runs; it is asked for 0.5 seconds",
        "auditkit.yaml: 0 hosts, 99 more as comments with the reason",
    ]
    text = (home / "auditkit.yaml").read_text("utf-8")
    asked = text.count("ssh -G 192.168.10.")
    assert asked in (1, 2)  # two unless the machine is busy
    assert text.count("does not end within 0.3 seconds") == asked
    assert text.count(f": {ownership.NOT_ASKED}\n") == 99 - asked


NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True) | st.text(max_size=8)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "address": NAMES,
        "port": st.integers(-1, 70000),
        "user": NAMES,
        "identity": NAMES,
        "groups": st.lists(NAMES).map(tuple),
    },
)


@settings(deadline=None, max_examples=200)
@given(NAMES, SETTINGS)
@example("yes", {"user": "no", "groups": ("1_000", "0b1", "1:20")})
@example("a: {}  #", {"address": "~"})
@example("_", {"identity": "\ud800"})
def test_what_is_proposed_can_be_read_and_means_the_same(name: str, said: dict[str, Setting]) -> None:
    host = Candidate(name, "x", 1, said)
    if ownership.sound({name: host})[name].doubt:
        return
    read = config.read(f"hosts:\n  {host.text}", "x").hosts
    groups = tuple(dict.fromkeys(said["groups"])) if isinstance(said.get("groups"), tuple) else ()  # type: ignore[arg-type]
    assert list(read) == [name]
    assert {key: getattr(read[name], key) for key in said} == said | ({"groups": groups} if "groups" in said else {})


def test_a_broken_inventory_is_an_error(home: Path) -> None:
    (home / "site.ini").write_text("[a\n")
    assert isinstance(init("--ansible", "site.ini").exception, ConfigError)
    assert not os.path.exists("auditkit.yaml")


PAGE = (Path(__file__).parent.parent / "docs/reference/configuration.md").read_text("utf-8")


def test_the_page_of_auditkit_yaml_names_every_key_and_its_example_is_sound(tmp_path: Path) -> None:
    assert [key for key in (*config.KEYS, *config.HOST_KEYS) if f"`{key}`" not in PAGE] == []
    (tmp_path / "auditkit.yaml").write_text(PAGE.partition("```yaml\n")[2].partition("```")[0])
    (tmp_path / "site.ini").write_text("[desks]\npc-[1:2]\n")
    assert list(config.load(str(tmp_path / "auditkit.yaml")).hosts) == ["srv-01", "ws-03", "nas", "pc-1", "pc-2"]
