"""Which keys open which accounts, as the servers of the host read them: settings, modes, accounts and names taken together."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import DEBIAN, SHADOW, Machine, sshd
from stock import KEY, debian, fingerprint, said

from auditkit.access.keyfiles import expanded
from auditkit.access.nouns import Login, Password
from auditkit.answers import Listening, Process
from auditkit.audits.ssh import keys
from auditkit.audits.ssh.accesses import Access, accesses
from auditkit.sshd.criteria import Connection
from auditkit.sshd.effective import read

ANNA = "/home/anna/.ssh/authorized_keys"
FINGERPRINT = fingerprint("user")
WELL = {ANNA: (0o600, 1000), "/root/.ssh/authorized_keys": (0o600, 0)}


def machine(config: str = "", lines: str = "{ed25519} laptop\n", where: str = ANNA, **more: object) -> Machine:
    """A Debian with these lines before its own configuration, no dump of sshd, and a key or two."""
    files = {"/etc/ssh/sshd_config": config + DEBIAN, where: lines.replace("{ed25519}", KEY), **more.pop("files", {})}  # type: ignore[dict-item]
    plain = {"runs": lambda command: None, "status": WELL, "processes": (sshd(),), "shown": ()}
    return debian("12", files, **{**plain, **more})


def effects(one: Machine) -> list[tuple[str, bool | None, str]]:
    """Account, effect and reason of every line."""
    told = accesses(one.evidence())
    return [(each.account, each.effect.effective, each.effect.reason) for each in told if isinstance(each, Access)]


def test_a_key_works_where_the_file_is_read_its_modes_are_right_and_the_account_may_come_in() -> None:
    assert effects(machine()) == [("anna", True, "")]
    (fact,) = keys.facts(machine().evidence())["ssh"]["keys"]  # type: ignore[index]
    assert (fact["effective"], fact["root"], fact["known"], fact["server"]) == (True, False, None, "/etc/ssh/sshd_config")


DEAD = {
    "AuthorizedKeysFile /etc/ssh/keys/%u\n": "AuthorizedKeysFile of sshd is /etc/ssh/keys/%u (/etc/ssh/sshd_config:1)",
    "AuthorizedKeysFile none\n": "AuthorizedKeysFile of sshd is none (/etc/ssh/sshd_config:1)",
    "PubkeyAuthentication no\n": "PubkeyAuthentication of sshd is no",
    "AllowUsers bernd\n": "AllowUsers, AllowGroups, DenyUsers or DenyGroups of sshd shut the account out",
    "DenyGroups sudo\n": "AllowUsers, AllowGroups, DenyUsers or DenyGroups of sshd shut the account out",
    "AuthenticationMethods password\n": "AuthenticationMethods of sshd is password",
}


@pytest.mark.parametrize("config", DEAD)
def test_a_setting_of_sshd_that_makes_a_key_dead_is_named(config: str) -> None:
    assert effects(machine(config)) == [("anna", False, DEAD[config])]


def test_a_key_that_is_dead_because_nobody_reads_the_file_is_worth_a_look_one_of_a_closed_account_a_note() -> None:
    told = said(keys, machine("AuthorizedKeysFile /etc/ssh/keys/%u\n"))
    reason = DEAD["AuthorizedKeysFile /etc/ssh/keys/%u\n"]
    assert told == [f"medium key-without-effect account anna: 1 key in {ANNA}: {reason}"]
    (line,) = said(keys, machine("PubkeyAuthentication no\n"))
    assert line.startswith("info key-without-effect ")


@pytest.mark.parametrize(
    ("value", "options", "effective"),
    [
        ("no", "", False),
        ("prohibit-password", "", True),
        ("forced-commands-only", "", False),
        ("forced-commands-only", 'command="/bin/date" ', True),
        ("prohibit-password\nAuthenticationMethods publickey,password", "", False),
        ("prohibit-password\nAuthenticationMethods publickey,password publickey,hostbased", "", True),
        ("yes\nAuthenticationMethods publickey,password", "", True),
    ],
)
def test_keys_of_root_and_permit_root_login(value: str, options: str, effective: bool) -> None:
    one = machine(f"PermitRootLogin {value}\n", f"{options}{{ed25519}}\n", "/root/.ssh/authorized_keys")
    assert [each[1] for each in effects(one)] == [effective]


@pytest.mark.parametrize(
    ("entry", "config", "effective"),
    [
        ("anna:!$6$x$y:20000:0:99999:7:::", "", True),
        ("anna:!$6$x$y:20000:0:99999:7:::", "UsePAM no\n", False),
        ("anna:*:20000:0:99999:7:::", "UsePAM no\n", True),
        ("anna:!:20000:0:99999:7::1:", "", False),
    ],
)
def test_a_locked_account_keeps_its_key_with_pam_and_an_expired_one_does_not(entry: str, config: str, effective: bool) -> None:
    shadow = "".join(f"{entry if line.startswith('anna:') else line}\n" for line in SHADOW.splitlines())
    assert [each[1] for each in effects(machine(config, files={"/etc/shadow": shadow}))] == [effective]


def test_one_match_block_that_lets_the_account_in_makes_the_key_work() -> None:
    config = "PubkeyAuthentication no\nMatch Address 192.168.10.0/24\nPubkeyAuthentication yes\nMatch all\n"
    assert effects(machine(config)) == [("anna", True, "")]


def test_a_second_server_that_reads_the_file_makes_the_key_work() -> None:
    second = sshd("-D", "-f", "/etc/ssh/other", pid=900, port=2222)
    one = machine("PubkeyAuthentication no\n", files={"/etc/ssh/other": "Port 2222\n"}, processes=(sshd(), second))
    assert effects(one) == [("anna", True, "")]
    (fact,) = keys.facts(one.evidence())["ssh"]["keys"]  # type: ignore[index]
    assert fact["server"] == "/etc/ssh/other"


def test_a_key_is_not_dead_where_another_server_may_take_it() -> None:
    listens = (Listening("tcp", "::", 2222),)
    dropbear = Process(950, 1, 0, 1.0, "/usr/sbin/dropbear", ("/usr/sbin/dropbear",), "", listens)
    ((account, effective, reason),) = effects(machine("PubkeyAuthentication no\n", processes=(sshd(), dropbear)))
    assert (account, effective) == ("anna", None)
    assert reason == "PubkeyAuthentication of sshd is no; but dropbear on port 2222 may take it, of which that is not known"


def test_files_of_keys_elsewhere_are_looked_at_for_every_account_that_they_are_for() -> None:
    config = "AuthorizedKeysFile /etc/ssh/keys/%u .ssh/authorized_keys\n"
    status = {"/etc/ssh/keys/bernd": (0o644, 0)}
    one = machine(config, where="/etc/ssh/keys/bernd", status=status)
    assert effects(one) == [("bernd", True, "")]  # whose password is of no use
    one = machine("AuthorizedKeysFile /etc/ssh/all\n", where="/etc/ssh/all", status={"/etc/ssh/all": (0o644, 0)})
    assert [each[0] for each in effects(one)] == ["root", "daemon", "anna", "bernd"]


def test_a_file_of_keys_that_cannot_be_asked_for_is_a_gap() -> None:
    told = said(keys, machine("AuthorizedKeysFile /etc/ssh/keys/../%u .ssh/authorized_keys\n"))
    assert told[0] == "gap /etc/ssh/keys/../root: the keys in it and in 3 more files were not looked at, because of their names"
    told = said(keys, machine("AuthorizedKeysFile /etc/ssl/%u.key\n"))
    assert told[0] == "gap /etc/ssl/root.key: the keys in it and in 3 more files were not looked at, because of their names"
    told = said(keys, machine("AuthorizedKeysFile /etc/ssl/all.key\n"))
    assert told[0] == "gap /etc/ssl/all.key: the keys in it were not looked at, because of its name"


def test_where_the_configuration_is_not_known_it_is_said_that_keys_may_come_from_elsewhere() -> None:
    one = machine(version=None, processes=(), runs=lambda command: None)
    (told,) = said(keys, one)
    assert told.startswith(
        "gap sshd: from where it takes keys besides ~/.ssh/authorized_keys is not known: its version is not known"
    )
    assert [each[1] for each in effects(one)] == [None]


@pytest.mark.parametrize(
    ("mode", "uid", "strict", "effective"),
    [
        (0o600, 1000, "yes", True),
        (0o644, 0, "yes", True),
        (0o602, 1000, "yes", False),
        (0o600, 1001, "yes", False),
        (0o602, 1000, "no", True),
    ],
)
def test_strict_modes_looks_at_the_way_to_the_file(mode: int, uid: int, strict: str, effective: bool) -> None:
    one = machine(f"StrictModes {strict}\n", status={ANNA: (mode, uid)})
    assert [each[1] for each in effects(one)] == [effective]
    worst = [line for line in said(keys, one) if "key-file-open" in line]
    assert worst == (
        [f"high key-file-open account anna: everybody may write to {ANNA} (mode 0602), and with it {ANNA}"]
        if strict == "no"
        else []
    )


def test_a_key_that_nobody_knows_is_told_only_where_keys_are_known() -> None:
    one = machine()
    assert said(keys, one) == []
    assert said(keys, one, known_keys=((FINGERPRINT, "anna's laptop"),)) == []
    told = said(keys, one, known_keys=(("SHA256:other", "bernd's"),))
    assert told == [f"high key-unknown account anna: 1 key in {ANNA}: not among known_keys of auditkit.yaml"]
    taken = one.evidence()
    named = replace(taken, office=replace(taken.office, known_keys=((FINGERPRINT, "anna's laptop"),)))
    assert keys.facts(named)["ssh"]["keys"][0]["known"] == "anna's laptop"  # type: ignore[index]


def test_one_key_for_the_accounts_of_several_people() -> None:
    bernd = "/home/bernd/.ssh/authorized_keys"
    both = {bernd: f"{KEY} anna too\n"}
    told = said(keys, machine(files=both, status={ANNA: (0o600, 1000), bernd: (0o600, 1001)}))
    assert told == [f"medium key-shared key {FINGERPRINT}: it opens 2 accounts: anna, bernd"]
    root = {"/root/.ssh/authorized_keys": f'from="::1" {KEY} anna too\n'}
    assert said(keys, machine(files=root)) == []


@pytest.mark.parametrize(("value", "severity"), [("yes", "high"), ("LD_*,LANG", "high"), ("no", "low"), ("LANG", "low")])
def test_variables_of_a_key_count_where_permit_user_environment_takes_them(value: str, severity: str) -> None:
    lines = 'environment="LD_PRELOAD=/tmp/x.so" {ed25519}\n'
    (told,) = said(keys, machine(f"PermitUserEnvironment {value}\n", lines))
    assert told.startswith(f"{severity} key-sets-environment account anna: 1 key in {ANNA}: environment= sets LD_PRELOAD")


def test_a_key_that_runs_one_command_forwards_only_where_the_server_lets_it() -> None:
    lines = 'command="/bin/date" {ed25519}\n'
    assert [line.split()[1] for line in said(keys, machine("", lines))] == ["key-forwards"]
    assert said(keys, machine("AllowTcpForwarding no\n", lines)) == []


@given(
    st.sampled_from(["%h", "%u", "%U", "%%", "%", "/", "a", ".", ".."]).flatmap(
        lambda one: st.lists(st.just(one) | st.sampled_from(["%h", "/", "x"]), max_size=6)
    )
)
@settings(max_examples=100, deadline=None)
def test_names_of_files_of_keys_are_filled_in_and_absolute_whatever_they_are(parts: list[str]) -> None:
    pattern = "".join(parts) or "x"
    config = read({"/etc/ssh/sshd_config": f'AuthorizedKeysFile "{pattern}"\n'.encode()}, (9, 2))
    effective = config.of(Connection())
    login = Login("anna", 1000, 1000, (), "/home/anna", "/bin/sh", Password.SET, expired=False)
    for path in expanded(effective, login) or ():
        assert path.startswith("/")
        assert "%h" not in path or "%%h" in pattern


def test_what_is_wrong_with_a_line_that_is_for_many_accounts_is_said_once() -> None:
    one = machine("AuthorizedKeysFile /etc/ssh/all\n", where="/etc/ssh/all", status={"/etc/ssh/all": (0o644, 0)})
    unknown = [line for line in said(keys, one, known_keys=(("SHA256:other", "bernd's"),)) if "key-unknown" in line]
    assert unknown == [
        "high key-unknown account root, daemon, anna and bernd: 1 key in /etc/ssh/all: not among known_keys of auditkit.yaml"
    ]


def test_a_key_that_nobody_knows_and_that_opens_several_accounts_is_said_once() -> None:
    """What to ask is whose it is: that is one question."""
    files = {f"/home/{name}/.ssh/authorized_keys": f"{KEY} x\n" for name in ("anna", "bernd")}
    told = [line for line in said(keys, Machine(files), known_keys=(("SHA256:other", "x"),)) if "key-unknown" in line]
    assert told == ["high key-unknown account anna and bernd: 1 key in 2 files: not among known_keys of auditkit.yaml"]
