"""auditkit.yaml: the documented example, what is refused and how, and where the file is looked for."""

import ipaddress
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit import config
from auditkit.config import Config, HostConfig
from auditkit.errors import ConfigError
from auditkit.excuses import Excuse

KEY = "SHA256:" + "a" * 43
EXAMPLE = f"""\
store: /srv/auditkit
signers: ~/.ssh/allowed_signers
networks: [192.168.10.0/24, "fd00:10::/64"]
defaults: {{user: audit, become: sudo, policy: linux}}
hosts:
  srv-01: {{address: 192.168.10.2, groups: [servers]}}
  ws-03:  {{address: ws-03.lan, port: 2222, jump: srv-01, policy: workstation, identity: keys/ws}}
  nas:
known_keys: {{"{KEY}": "anna's laptop"}}
exceptions:
  - {{rule: banner-version, host: srv-01, reason: "vendor appliance", until: 2027-03-01}}
  - {{rule: ssh-root-key, host: "@servers", reason: "two admins", until: "2027-04-01"}}
"""


def test_the_example_as_documented() -> None:
    assert config.read(EXAMPLE, "auditkit.yaml") == Config(
        store="/srv/auditkit",
        signers="~/.ssh/allowed_signers",
        networks=(ipaddress.ip_network("192.168.10.0/24"), ipaddress.ip_network("fd00:10::/64")),
        defaults=HostConfig("", user="audit", become="sudo", policy="linux"),
        hosts={
            "srv-01": HostConfig(
                "srv-01", address="192.168.10.2", groups=("servers",), user="audit", become="sudo", policy="linux"
            ),
            "ws-03": HostConfig(
                "ws-03", address="ws-03.lan", port=2222, jump="srv-01", policy="workstation",
                user="audit", become="sudo", identity="keys/ws",
            ),
            "nas": HostConfig("nas", user="audit", become="sudo", policy="linux"),
        },
        known_keys={KEY: "anna's laptop"},
        exceptions=(
            Excuse("banner-version", "vendor appliance", date(2027, 3, 1), "srv-01"),
            Excuse("ssh-root-key", "two admins", date(2027, 4, 1), "@servers"),
        ),
    )  # fmt: skip


MISTAKES = {
    "misspelt key": ("hots: {}", "c.yaml:1: hots is no key that is known here", "did you mean hosts?"),
    "misspelt host key": (
        "hosts:\n  a: {adress: x}",
        "c.yaml:2: adress is no key that is known here",
        "did you mean address?",
    ),
    "host twice": ("hosts:\n  a: {}\n  a: {}", "c.yaml:3: a stands twice, first on line 2", "remove one of the two"),
    "a reserved name": ("hosts:\n  local: {}", "c.yaml:2: local cannot be the name of a host", "but not `local`"),
    "an option as address": ('hosts:\n  a: {address: "-oX"}', "c.yaml:2: address -oX is no address", "write the address"),
    "an option as user": ('hosts:\n  a: {user: "-l root"}', "c.yaml:2: user -l root is no user", "write the user"),
    "a group of a taken name": ("hosts:\n  a: {groups: [all]}", "c.yaml:2: groups[0] a group cannot be called all", "give it"),
    "an odd group": ("hosts:\n  a: {groups: ['@x']}", "c.yaml:2: groups[0] @x is no group", "write the group"),
    "a port too high": ("hosts:\n  a: {port: 65536}", "c.yaml:2: port is no number from 1 to 65535", "plain digits"),
    "a port in octal": ("hosts:\n  a: {port: 0o22}", "c.yaml:2: port is text, not a number", "write a number there"),
    "a port in words": ("hosts:\n  a: {port: ssh}", "c.yaml:2: port is text, not a number", "write a number there"),
    "become": ("hosts:\n  a: {become: su}", "c.yaml:2: become cannot be su", "did you mean sudo?"),
    "a password": ("hosts:\n  a: {password: x}", "c.yaml:2: password is a secret", "use ssh-agent"),
    "a token on top": ("api_token: x", "c.yaml:1: api_token is a secret", "use ssh-agent"),
    "a passphrase by default": ("defaults:\n  passphrase: x", "c.yaml:2: passphrase is a secret", "use ssh-agent"),
    "jump over a stranger": (
        "hosts:\n  srv-01: {}\n  a: {jump: srv-1}",
        "c.yaml:3: a jump srv-1 is no host of this file",
        "did you mean srv-01?",
    ),
    "jump by default over a stranger": (
        "defaults: {jump: x}",
        "c.yaml:1: defaults jump x is no host of this file",
        "choose from: nothing yet",
    ),
    "jumps in a ring": (
        "hosts:\n  a: {jump: b}\n  b: {jump: a}",
        "c.yaml:2: a jump a leads back to itself",
        "remove one of these jumps",
    ),
    "host bits": ("networks: [10.0.0.1/8]", "c.yaml:1: networks[0] 10.0.0.1/8 is no network", "write 10.0.0.0/8"),
    "no network": ("networks: [lan]", "c.yaml:1: networks[0] lan is no network", "write it like 192.168.10.0/24"),
    "everybody": ("networks: [0.0.0.0/0]", "c.yaml:1: networks[0] 0.0.0.0/0 is the whole internet", "name only"),
    "fingerprint": ('known_keys: {"MD5:aa": x}', "c.yaml:1: MD5:aa is no fingerprint of a key", "ssh-keygen -lf FILE"),
    "exception without reason": (
        "exceptions: [{rule: a, until: 2027-01-01}]",
        "c.yaml:1: exceptions[0] lacks reason",
        "add `reason:`",
    ),
    "exception without end": ("exceptions: [{rule: a, reason: b}]", "c.yaml:1: exceptions[0] lacks until", "add `until:`"),
    "no day": (
        "exceptions: [{rule: a, reason: b, until: soon}]",
        "c.yaml:1: until soon is no day",
        "write it like 2027-03-01",
    ),
    "no such day": (
        "exceptions: [{rule: a, reason: b, until: 2027-02-30}]",
        "c.yaml:1: until 2027-02-30 is no day",
        "write it like 2027-03-01",
    ),
    "an exception for ever": (
        "exceptions:\n- {rule: a, reason: b, until: 9999-12-31}",
        "c.yaml:2: until 9999-12-31 is too far away to be the end of an exception",
        "write a day within three years, 2029-11-29 at the latest",
    ),
    "an exception of what has none": (
        "exceptions:\n- {rule: success-after-guessing, reason: b, until: 2027-01-01}",
        "c.yaml:2: rule success-after-guessing can have no exception: it says that somebody got in, or may have",
        "remove it",
    ),
    "an exception by what is no severity": (
        "exceptions: [{rule: a, reason: b, until: 2027-01-01, severity: terrible}]",
        "c.yaml:1: severity cannot be terrible",
        "choose from: critical, high",
    ),
    "an unknown group": (
        "hosts: {a: {groups: [servers]}}\nexceptions: [{rule: r, host: '@server', reason: b, until: 2027-01-01}]",
        "c.yaml:2: host cannot be @server",
        "did you mean @servers?",
    ),
    "a list of hosts": ("hosts: [a]", "c.yaml:1: hosts is a list, not a mapping", "write a mapping there"),
    "anchors": ("hosts: {a: &x {port: 1}, b: *x}", "c.yaml:1: anchors (&) and aliases (*) are not allowed", "write it out"),
    "a merge": ("hosts: {a: {<<: {port: 1}}}", "c.yaml:1: a key is merge, not text", 'put it in quotes: "<<"'),
    "escapes": ('hosts: {a: {"\\e[2J": 1}}', r"c.yaml:1: \x1b[2J is no key that is known here", "choose from"),
}


TODAY = date(2026, 11, 30)


@pytest.mark.parametrize(("text", "message", "hint"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_named_with_file_line_and_key(text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config.read(text, "c.yaml", today=TODAY)
    assert str(refused.value).startswith(message)
    assert hint in refused.value.hint


def test_the_default_jump_host_is_reached_directly() -> None:
    hosts = config.read("defaults: {jump: gate}\nhosts: {gate: {}, a: {}}", "c.yaml").hosts
    assert (hosts["gate"].jump, hosts["a"].jump) == (None, "gate")


LINES = st.sampled_from([*EXAMPLE.splitlines(), "  x: {port: 1e9}", "  y: {jump: y}", "networks: [1]", "? [a]", ": b", "~: 1"])


@settings(deadline=None, max_examples=150)
@given(st.text() | st.lists(LINES | st.text(max_size=8), max_size=10).map("\n".join))
def test_any_text_is_a_configuration_or_a_named_mistake(text: str) -> None:
    try:
        read = config.read(text, "c.yaml")
    except ConfigError as error:
        assert (str(error).startswith("c.yaml"), bool(error.hint)) == (True, True)  # noqa: PT017 - either is right
    else:
        assert isinstance(read, Config)


def test_paths_of_a_file_are_relative_to_its_folder_and_tilde_is_the_given_home(tmp_path: Path) -> None:
    file = tmp_path / "auditkit.yaml"
    file.write_text("store: baselines\nsigners: ~/signers\nhosts: {a: {identity: keys/a}}\n")
    loaded = config.load(str(file), home="/home/anna")
    assert loaded.store == str(tmp_path / "baselines")
    assert loaded.signers == "/home/anna/signers"
    assert loaded.hosts["a"].identity == str(tmp_path / "keys/a")


def test_a_file_that_is_not_there_is_a_mistake() -> None:
    with pytest.raises(ConfigError, match=r"^/no/such.yaml cannot be read: No such file or directory$"):
        config.load("/no/such.yaml")


def test_where_the_file_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, home = tmp_path / "here", tmp_path / "home"
    (home / ".config/auditkit").mkdir(parents=True)
    here.mkdir()
    monkeypatch.chdir(here)
    at_home = home / ".config/auditkit/auditkit.yaml"
    at_home.touch()
    assert config.find(None, None, str(home)) == str(at_home)
    (here / "auditkit.yaml").touch()
    assert config.find(None, None, str(home)) == "auditkit.yaml"
    assert config.find(None, "/from/environment", str(home)) == "/from/environment"
    assert config.find("/from/option", "/from/environment", str(home)) == "/from/option"
