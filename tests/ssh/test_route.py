"""The way to a host, as auditkit.yaml and the stock `ssh -G` say it."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit import config
from auditkit.errors import AuditkitError, ConfigError, HostError, UsageError
from auditkit.model import State
from auditkit.ssh import Hop, Route, alike, route

needs_ssh = pytest.mark.skipif(not shutil.which("ssh"), reason="no ssh client here")
PATH = os.environ.get("PATH", os.defpath)
NOTHING = "hosts: {}"


@dataclass(frozen=True)
class Office:
    """An administrator's files, and the ways that they say."""

    home: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": PATH})

    def route(self, word: str, yaml: str = NOTHING, ssh_config: str | None = None) -> Route:
        if ssh_config is not None:
            (self.home / ".ssh").mkdir(exist_ok=True)
            (self.home / ".ssh/config").write_text(ssh_config)
        return route.route(word, config.read(yaml, "auditkit.yaml"), self.environment, str(self.home))

    def target(self, word: str, yaml: str = NOTHING, ssh_config: str | None = None) -> Hop:
        return self.route(word, yaml, ssh_config).target

    def way(self, word: str, yaml: str = NOTHING, ssh_config: str | None = None) -> str:
        """Each hop as `user@hostname:port`, in their order."""
        return " ".join(f"{hop.user}@{hop.hostname}:{hop.port}" for hop in self.route(word, yaml, ssh_config).hops)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


@pytest.fixture
def bare(tmp_path: Path) -> Office:
    """The same where there is no ssh client."""
    return Office(tmp_path, {"PATH": str(tmp_path), "SSH_AUTH_SOCK": "/run/agent"})


# --- names of auditkit.yaml

SRV = "hosts: {srv-01: {address: 192.168.10.2, user: audit, port: 2222, become: sudo, transport: openssh}}"


@needs_ssh
def test_what_auditkit_yaml_says_wins_and_ssh_config_says_the_rest(office: Office) -> None:
    found = office.route(
        "srv-01",
        SRV,
        "Host srv-01\n HostName elsewhere.example\n User root\n Port 22\n HostKeyAlias srv\n IdentitiesOnly yes\n"
        " IdentityFile ~/.ssh/office\n CertificateFile %d/.ssh/%r-cert.pub\n UserKnownHostsFile ~/.ssh/office_hosts\n",
    )
    home, target = str(office.home), found.target
    assert (found.become, found.transport, len(found.hops)) == ("sudo", "openssh", 1)
    assert (target.name, target.hostname, target.user, target.port) == ("srv-01", "192.168.10.2", "audit", 2222)
    assert (target.host_key_alias, target.identities_only, target.literal) == ("srv", True, True)
    assert target.identities == (f"{home}/.ssh/office",)
    assert target.certificates == (f"{home}/.ssh/audit-cert.pub",)
    assert target.known_hosts[1:] == route.SYSTEM_HOSTS
    assert Path(target.known_hosts[0]).name == "office_hosts"


@needs_ssh
def test_match_sees_what_auditkit_yaml_says(office: Office) -> None:
    rules = "Match host 192.168.10.* user audit\n IdentityFile ~/.ssh/matched\nMatch originalhost srv-01\n HostKeyAlias it\n"
    found = office.target("srv-01", SRV, rules)
    assert found.identities == (f"{office.home}/.ssh/matched",)
    assert found.host_key_alias == "it"


@needs_ssh
def test_a_host_without_an_address_is_an_alias_of_ssh_config(office: Office) -> None:
    rules = "Host ws-*\n HostName %h.office.lan\n User anna\n Port 2022\n"
    assert office.way("ws-03", "hosts: {ws-03: }", rules) == "anna@ws-03.office.lan:2022"


@needs_ssh
def test_include_and_the_first_value_that_is_set_count_as_they_do_for_ssh(office: Office) -> None:
    (office.home / "more").write_text("Host ws-03\n Port 2022\n User anna\n")
    rules = f"Include {office.home}/more\nHost *\n Port 99\n HostName 10.0.0.3\n"
    assert office.way("ws-03", "hosts: {ws-03: }", rules) == "anna@10.0.0.3:2022"


@needs_ssh
@pytest.mark.parametrize(
    ("yaml", "literal"),
    [
        ("hosts: {ws-03: {address: 8.8.8.8}}", True),
        ("hosts: {ws-03: {address: 'fe80::3%lo'}}", True),
        ("hosts: {ws-03: {address: ws-03.lan}}", False),
        ("hosts: {ws-03: }", False),
    ],
)
def test_only_a_number_in_auditkit_yaml_is_literal(yaml: str, literal: bool, office: Office) -> None:
    assert office.target("ws-03", yaml, "Host ws-03\n HostName 9.9.9.9\n").literal is literal


@needs_ssh
def test_a_zone_stays_in_an_address(office: Office) -> None:
    assert office.target("ws-03", "hosts: {ws-03: {address: 'fe80::3%lo'}}").hostname == "fe80::3%lo"


@needs_ssh
def test_an_identity_of_auditkit_yaml_is_the_only_key(office: Office) -> None:
    found = office.target("ws-03", "hosts: {ws-03: {identity: /keys/audit}}", "IdentityFile ~/.ssh/other\n")
    assert (found.identities, found.identities_only) == (("/keys/audit",), True)


@needs_ssh
def test_without_identity_files_the_usual_ones_of_home_are_tried(office: Office) -> None:
    found = office.target("ws-03", "hosts: {ws-03: }")
    assert f"{office.home}/.ssh/id_ed25519" in found.identities
    assert all(path.startswith(f"{office.home}/.ssh/id_") for path in found.identities)
    assert found.known_hosts[:2] == (f"{office.home}/.ssh/known_hosts", f"{office.home}/.ssh/known_hosts2")
    assert not found.identities_only


@needs_ssh
@pytest.mark.parametrize(
    ("rule", "agent"),
    [
        ("", "/run/agent"),
        ("IdentityAgent SSH_AUTH_SOCK", "/run/agent"),
        ("IdentityAgent none", None),
        ("IdentityAgent $OTHER", "/run/other"),
        ("IdentityAgent $UNSET", None),
        ("IdentityAgent /run/%r.sock", "/run/anna.sock"),
        ("IdentityAgent ${OTHER}.2", "/run/other.2"),
    ],
)
def test_the_agent_is_the_one_that_ssh_would_ask(rule: str, agent: str | None, office: Office) -> None:
    office.environment.update({"SSH_AUTH_SOCK": "/run/agent", "OTHER": "/run/other"})
    assert office.target("ssh://anna@ws-03", NOTHING, rule).agent == agent


@needs_ssh
def test_files_of_host_keys_may_be_several_or_none(office: Office) -> None:
    rules = 'UserKnownHostsFile /a/known "/my hosts/known" %d/x_%h\nGlobalKnownHostsFile none\n'
    first, second, third = office.target("ssh://ws-03", NOTHING, rules).known_hosts
    assert (first, second) == ("/a/known", "/my hosts/known")
    assert third.endswith("/x_ws-03")


# --- ssh:// words


@needs_ssh
@pytest.mark.parametrize(
    ("word", "way"),
    [
        ("ssh://anna@ws-03.lan:2222", "anna@ws-03.lan:2222"),
        ("ssh://anna@192.168.10.3", "anna@192.168.10.3:22"),
        ("ssh://anna@[fd00::3]:2222", "anna@fd00::3:2222"),
        ("ssh://anna@[fe80::3%lo]", "anna@fe80::3%lo:22"),
        ("ssh://OFFICE\\anna@ws-03", "OFFICE\\anna@ws-03:22"),
        ("ssh://gw", "root@gw.lan:2200"),
        ("ssh://anna@gw:22", "anna@gw.lan:22"),
    ],
)
def test_a_word_says_user_host_and_port(word: str, way: str, office: Office) -> None:
    assert office.way(word, NOTHING, "Host gw\n HostName gw.lan\n User root\n Port 2200\n") == way
    assert not office.target(word).literal


@needs_ssh
def test_a_word_has_the_defaults_and_what_the_file_says_of_its_host(office: Office) -> None:
    yaml = "defaults: {user: audit, become: sudo, port: 2022}\nhosts: {srv-01: {address: 192.168.10.2, become: doas}}"
    assert office.way("ssh://10.0.0.3", yaml) == "audit@10.0.0.3:2022"
    assert office.route("ssh://10.0.0.3", yaml).become == "sudo"
    assert office.way("ssh://anna@srv-01", yaml) == "anna@192.168.10.2:2022"
    assert office.route("ssh://anna@srv-01", yaml).become == "doas"


REFUSED = [
    *("ssh://", "ssh://-oProxyCommand=id", "ssh://a b", "ssh://a;id", "ssh://$(id)", "ssh://`id`", "ssh://a|b", "ssh://a\n"),
    *("ssh://a/", "ssh://a/b", "ssh://a:0", "ssh://a:65536", "ssh://a:x", "ssh://a:", "ssh://@a", "ssh://-l@a", "ssh://a:b@c"),
    *(
        "ssh://fd00::3",
        "ssh://[fd00::3",
        "ssh://[ws-03]",
        "ssh://[::g]",
        "ssh://a%20b",
        "ssh://ä.lan",
        "ssh://a\x1b[2J",
        "ssh://a&b",
    ),
]


@pytest.mark.parametrize("word", REFUSED)
def test_what_could_be_an_option_or_a_shell_command_is_no_host(word: str, office: Office) -> None:
    with pytest.raises(UsageError, match="is no address of a host") as caught:
        office.route(word)
    assert caught.value.hint == "write it like ssh://anna@ws-03.lan:2222 or ssh://[fd00::3], without a path or a password"
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "word", ["ssh://anna:s3cret@ws-03.lan", "ssh://anna:s3@cr/et@ws-03.lan", "ssh://anna:s3\ncr:et@ws-03.lan"]
)
def test_a_password_in_a_word_is_not_said_again(word: str, office: Office) -> None:
    with pytest.raises(UsageError) as caught:
        office.route(word)
    assert str(caught.value) == "ssh://anna:...@ws-03.lan is no address of a host"


@given(st.text(max_size=30))
def test_any_word_is_a_place_or_none(text: str) -> None:
    found = route._place(text)
    if found is not None:
        assert found.name.isascii()
        assert not found.name.startswith("-")
        assert not set(found.name + (found.user or "")) & set(" \n\0;|&$`'\"<>(){}*?!~#/")


def test_an_unknown_name_is_refused(office: Office) -> None:
    with pytest.raises(UsageError, match=r"srv-02 is no host of auditkit\.yaml"):
        office.route("srv-02", SRV)


# --- jumps


@needs_ssh
def test_jump_names_another_host_of_the_file_and_so_on(office: Office) -> None:
    yaml = "hosts: {a: {address: 10.0.0.1, user: x}, b: {jump: a, address: 10.0.0.2, user: y}, c: {jump: b, user: z}}"
    rules = "Host c\n ProxyJump elsewhere\nHost b\n ProxyCommand nc %h %p\n"
    assert office.way("c", yaml, rules) == "x@10.0.0.1:22 y@10.0.0.2:22 z@c:22"
    assert [hop.proxy_command for hop in office.route("c", yaml).hops] == [None, None, None]


@needs_ssh
def test_proxyjump_is_followed_and_each_name_is_an_alias_too(office: Office) -> None:
    rules = (
        "Host ws-*\n ProxyJump anna@gw:2200,inner\n User audit\n"
        "Host gw\n HostName 10.0.0.1\n ProxyJump ssh://root@front:2022\n"
        "Host inner\n HostName 10.0.0.2\n User bob\n ProxyJump ignored-for-it-is-not-the-first\n"
        "Host front\n HostName 10.9.9.9\n ProxyCommand nc %h %p -u %r\n"
    )
    way = office.route("ws-03", "hosts: {ws-03: }", rules)
    assert " ".join(f"{hop.user}@{hop.hostname}:{hop.port}" for hop in way.hops) == (
        "root@10.9.9.9:2022 anna@10.0.0.1:2200 bob@10.0.0.2:22 audit@ws-03:22"
    )
    assert [hop.proxy_command for hop in way.hops] == ["nc 10.9.9.9 2022 -u root", None, None, None]


@needs_ssh
@pytest.mark.parametrize("rules", ["Host a\n ProxyJump b\nHost b\n ProxyJump a\n", "Match all\n ProxyJump x,y,z\n"])
def test_jumps_that_never_end_are_refused(rules: str, office: Office) -> None:
    with pytest.raises(ConfigError) as caught:
        office.route("ssh://a", NOTHING, rules)
    assert "jump" in str(caught.value)


@needs_ssh
def test_a_proxyjump_of_none_is_none(office: Office) -> None:
    assert len(office.route("ssh://a", NOTHING, "Host a\n ProxyJump none\nHost *\n ProxyJump gw\n").hops) == 1


@needs_ssh
@pytest.mark.parametrize("rule", ["ProxyJump 10.0.0.1", "ProxyCommand nc %h %p"])
def test_a_name_that_another_machine_resolves_must_be_of_the_inventory(rule: str, office: Office) -> None:
    rules = f"Host ws-*\n {rule}\n HostName %h.lan\n"
    with pytest.raises(HostError) as caught:
        office.route("ssh://ws-03", NOTHING, rules)
    assert str(caught.value) == "ws-03.lan is reached through another machine, so its address cannot be checked here"
    assert caught.value.hint == "add it to hosts: in auditkit.yaml, if it is yours: ws-03"
    for yaml in ("hosts: {ws-03: }", "hosts: {x: {address: ws-03.lan}}"):
        assert office.target("ssh://ws-03", yaml, rules).hostname == "ws-03.lan"


@needs_ssh
@pytest.mark.parametrize("rule", ["ProxyJump 10.0.0.1", "ProxyCommand nc %h %p"])
def test_a_number_that_another_machine_contacts_must_be_an_own_one(rule: str, office: Office) -> None:
    with pytest.raises(HostError, match=r"8\.8\.8\.8 is no address of an own network"):
        office.route("ssh://8.8.8.8", NOTHING, f"Host 8.*\n {rule}\n")
    assert office.target("ws-03", "hosts: {ws-03: {address: 8.8.8.8}}", f"Host ws-*\n {rule}\n").literal
    assert office.target("ssh://192.168.10.3", NOTHING, f"Host 192.*\n {rule}\n").hostname == "192.168.10.3"


# --- when ssh does not say


@needs_ssh
@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ("Match nonsense x\n", "Unsupported Match attribute"),
        ("Nonsense yes\n", "Bad configuration option: nonsense"),
        ("ProxyJump fd00::1\n", "Invalid ProxyJump"),
    ],
)
def test_a_mistake_in_ssh_config_is_shown_in_its_own_words(rules: str, words: str, office: Office) -> None:
    with pytest.raises(ConfigError) as caught:
        office.route("ssh://a", NOTHING, rules)
    assert str(caught.value).startswith("ssh -G a fails: ")
    assert words in str(caught.value)
    assert caught.value.hint == "run `ssh -G a` and mend ~/.ssh/config"


@pytest.fixture
def pretend(office: Office) -> Callable[[str], Office]:
    """Another program in the place of ssh."""

    def put(script: str) -> Office:
        (office.home / "bin").mkdir()
        (office.home / "bin/ssh").write_text(f"#!/bin/sh\n{script}\n")
        (office.home / "bin/ssh").chmod(0o755)
        office.environment["PATH"] = f"{office.home}/bin:{PATH}"
        return office

    return put


GOOD = "echo user u; echo hostname h; echo port 22"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("printf '\\033[2Jgo away' >&2; exit 255", "ssh -G a fails: \\x1b[2Jgo away"),
        ("exit 1", "ssh -G a fails: it does not say why"),
        ("yes | head -c 400000", "ssh -G a fails: it says too much"),
        ("true", "HostName of a cannot be empty"),
        (f"echo hostname -oProxyCommand=id; {GOOD}", "HostName of a cannot be -oProxyCommand=id"),
        (f"echo user -l; {GOOD}", "User of a cannot be -l"),
        (f"echo port 99999; {GOOD}", "Port of a cannot be 99999"),
        (f"echo proxyjump -x; {GOOD}", "ProxyJump -x of a is no host"),
        (f"echo proxyjump a; {GOOD}", "the way to a has too many jumps"),
    ],
)
def test_an_answer_that_is_none_is_an_error(script: str, words: str, pretend: Callable[[str], Office]) -> None:
    with pytest.raises(ConfigError) as caught:
        pretend(script).route("ssh://a")
    assert str(caught.value) == words


def patiences(sign: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[float]:
    """Seconds for `ssh -G`, until what stands in its place has come so far that it left a sign: a busy machine needs more."""
    for patience in (0.2, 2, 20):
        monkeypatch.setattr(route, "PATIENCE", patience)
        yield patience
        if sign.exists() and sign.read_text().endswith("\n"):
            return
    pytest.fail(f"{sign.name} was not written")


def test_an_answer_that_never_comes_ends_what_was_started(
    pretend: Callable[[str], Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    office = pretend('echo $$ >"$PID"; sleep 600 & wait')
    office.environment["PID"] = str(office.home / "pid")
    for patience in patiences(office.home / "pid", monkeypatch):
        with pytest.raises(HostError, match=rf"ssh -G a does not end within {patience:g} seconds") as caught:
            office.route("ssh://a")
        assert caught.value.state is State.TIMEOUT
    with pytest.raises(ProcessLookupError):
        os.kill(int((office.home / "pid").read_text()), 0)


def test_an_answer_that_never_comes_is_not_asked_for_again(
    pretend: Callable[[str], Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    office = pretend('echo "$@" >>"$ASKED"; sleep 600')
    office.environment["ASKED"] = str(office.home / "asked")
    for patience in patiences(office.home / "asked", monkeypatch):
        told = config.read(NOTHING, "auditkit.yaml")
        for each in (told, told, replace(told, signers="somebody")):
            with pytest.raises(HostError, match=rf"ssh -G a does not end within {patience:g} seconds"):
                route.route("ssh://a", each, office.environment, str(office.home))
    assert (office.home / "asked").read_text().count("\n") == 1


def test_an_answer_is_not_waited_for_longer_than_ssh_runs(pretend: Callable[[str], Office]) -> None:
    office = pretend(f'sleep 600 & echo $! >"$PID"; {GOOD}')
    office.environment["PID"] = str(office.home / "pid")
    assert office.way("ssh://a") == "u@h:22"
    os.kill(int((office.home / "pid").read_text()), signal.SIGKILL)  # it still runs, and belongs to the user


def test_an_ssh_that_does_not_run_is_an_error(office: Office) -> None:
    (office.home / "ssh").write_text("neither a script nor a program")
    (office.home / "ssh").chmod(0o755)
    office.environment["PATH"] = str(office.home)
    with pytest.raises(ConfigError, match="ssh -G a fails: Exec format error"):
        office.route("ssh://a")


@given(st.text())
def test_any_answer_gives_a_way_or_an_error(text: str) -> None:
    ground = route._Ground(config.Config(), {}, "/home/anna", "/home/anna", None, alike.Alike())
    host = config.HostConfig("a")
    try:
        hop = route._hop(host, route._parsed(f"{text}\nhostname h\nuser u\nport 22\n{text}"), ground)
    except AuditkitError:
        return
    assert not hop.hostname.startswith("-")


def test_without_ssh_auditkit_yaml_says_the_way_and_a_note_says_so(bare: Office) -> None:
    found = bare.target("srv-01", SRV, "Host *\n Port 99\n")
    assert found == Hop(
        "srv-01",
        "192.168.10.2",
        2222,
        "audit",
        identities=tuple(f"{bare.home}/.ssh/id_{kind}" for kind in ("ed25519", "ecdsa", "rsa")),
        agent="/run/agent",
        known_hosts=(f"{bare.home}/.ssh/known_hosts", f"{bare.home}/.ssh/known_hosts2", *route.SYSTEM_HOSTS),
        literal=True,
    )
    assert route.note(bare.environment) == (
        "there is no ssh client here: ~/.ssh/config is not read, auditkit.yaml says the way"
    )


@needs_ssh
def test_with_ssh_there_is_nothing_to_note(office: Office) -> None:
    assert route.note(office.environment) == ""
