"""What decides besides its line whether a key opens an account: the state of the account, its shell, PAM, RevokedKeys, groups.

Each was measured with real logins, on OpenSSH 8.4, 9.2, 10.0 and 10.6: tests/truth.
"""

import struct
from base64 import b64decode
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import GROUP, HASH, PASSWD, SHADOW, Machine, sshd
from stock import KEY, fingerprint, host_key, said
from test_keys_read import ANNA, WELL, effects, machine

from auditkit.access.nouns import Password
from auditkit.access.seen import seen
from auditkit.audits.ssh import keys, restrictions
from auditkit.keys import public, revoked
from auditkit.keys.wire import string
from auditkit.model import Gap, Means, Need

FINE = "20000:0:99999:7:::"
OVER = "20000:0:99999:7::1:"
AGED = "20000:0:7:7:7::"
UNIX = "account required pam_unix.so\n"
NO_PAM = "UsePAM no\n"


def shadow(entry: str) -> dict[str, str]:
    """/etc/shadow with this line for anna, or none."""
    return {"/etc/shadow": "".join(f"{entry if row.startswith('anna:') else row}\n" for row in SHADOW.splitlines())}


def effect(one: Machine) -> tuple[bool | None, str]:
    """What the key of anna does, and why not."""
    ((_anna, effective, reason),) = effects(one)
    return effective, reason


@pytest.mark.parametrize(
    ("config", "everywhere"),
    [
        ("", True),
        ("AllowUsers anna\n", True),
        ("DenyUsers anna@10.99.1.0\n", False),
        ("AllowUsers anna@192.168.10.0/24\n", False),
        ("Match Address 10.99.1.0\nPubkeyAuthentication no\nMatch all\n", False),
        ("Match Address 10.99.1.0\nX11Forwarding no\nMatch all\n", True),
    ],
)
def test_a_key_that_works_from_some_addresses_only_is_told_so(config: str, everywhere: bool) -> None:
    (fact,) = keys.facts(machine(config).evidence())["ssh"]["keys"]  # type: ignore[index]
    assert (fact["effective"], fact["everywhere"]) == (True, everywhere)


def test_where_sshd_asks_for_names_nobody_can_tell_whom_a_list_of_names_lets_in() -> None:
    unknown = "whether AllowUsers and its like let the account in is not known"
    assert effect(machine("UseDNS yes\nAllowUsers anna@*.example.org\n")) == (None, unknown)
    assert effect(machine("UseDNS yes\nAllowUsers anna\n")) == (True, "")
    assert effect(machine("AllowUsers anna@*.example.org\n"))[0] is False


# the state of the account


@pytest.mark.parametrize(
    ("stack", "entry", "effective", "reason"),
    [
        (UNIX, f"anna:*:{FINE}", True, ""),
        (UNIX, f"anna:!:{FINE}", True, ""),
        (UNIX, f"anna:{HASH}:{OVER}", False, "the account has expired"),
        (UNIX, f"anna:{HASH}:{AGED}", False, "the account has a password that is out of date for too long"),
        (UNIX, "nobody:*:::::::", False, "the account has no line in /etc/shadow"),
        ("account required pam_permit.so\n", f"anna:{HASH}:{OVER}", True, ""),
        ("account required pam_permit.so\n", "nobody:*:::::::", True, ""),
        ("account required pam_deny.so\n", f"anna:{HASH}:{FINE}", False, "the account is shut out by PAM"),
        (f"account required pam_time.so\n{UNIX}", f"anna:{HASH}:{FINE}", None, "PAM asks pam_time (/etc/pam.d"),
        (f"account required pam_time.so\n{UNIX}", f"anna:{HASH}:{OVER}", False, "the account has expired"),
    ],
)  # fmt: skip
def test_with_pam_its_account_stack_alone_says_whether_an_account_is_shut(
    stack: str, entry: str, effective: bool | None, reason: str
) -> None:
    told = effect(machine(files={"/etc/pam.d/common-account": stack, **shadow(entry)}))
    assert told[0] is effective
    assert told[1].startswith(reason)


def test_a_password_in_etc_passwd_has_no_last_day_for_pam() -> None:
    passwd = PASSWD.replace("anna:x:", f"anna:{HASH}:")
    assert effect(machine(files={"/etc/passwd": passwd, **shadow(f"anna:*:{OVER}")})) == (True, "")


@pytest.mark.parametrize("place", ["/etc/nologin", "/run/nologin"])
def test_nologin_keeps_all_keys_out_but_those_of_root(place: str) -> None:
    root = {"/root/.ssh/authorized_keys": f"{KEY} of root\n"}
    told = effects(machine(files={place: "going down\n", **root}))
    assert sorted(each[:2] for each in told) == [("anna", False), ("root", True)]
    without = {place: "going down\n", "/etc/pam.d/sshd": "@include common-auth\n@include common-account\n"}
    assert effect(machine(files=without)) == (True, "")


@pytest.mark.parametrize("field", ["!", "!!", "!*", f"!{HASH}"])
def test_without_pam_sshd_itself_shuts_out_whose_password_begins_with_an_exclamation_mark(field: str) -> None:
    one = machine(NO_PAM, files=shadow(f"anna:{field}:{FINE}"))
    assert effect(one) == (False, "the account is locked, and UsePAM of sshd is no")


@pytest.mark.parametrize("field", ["*", "*LK*", f"*{HASH}", "", "x", HASH])
def test_without_pam_no_other_field_of_shadow_stops_a_key(field: str) -> None:
    assert effect(machine(NO_PAM, files=shadow(f"anna:{field}:{FINE}"))) == (True, "")


def test_without_pam_the_field_of_etc_passwd_counts_where_shadow_has_no_line() -> None:
    for field, effective in (("!", False), ("*", True), ("x", True)):
        files = {"/etc/passwd": PASSWD.replace("anna:x:", f"anna:{field}:"), **shadow("nobody:*:::::::")}
        assert effect(machine(NO_PAM, files=files))[0] is effective


def test_without_pam_an_account_that_is_over_is_shut_out_and_an_aged_password_is_not() -> None:
    assert effect(machine(NO_PAM, files=shadow(f"anna:*:{OVER}"))) == (False, "the account has expired")
    assert effect(machine(NO_PAM, files=shadow(f"anna:*:{AGED}"))) == (True, "")


def test_of_old_evidence_that_tells_only_that_a_password_is_locked_nobody_can_tell() -> None:
    taken = machine(NO_PAM).evidence()
    table = f"anna:<locked>:{FINE}\n".encode()
    old = replace(
        taken, items=tuple(replace(item, data=table) if item.source == "/etc/shadow" else item for item in taken.items)
    )
    (fact,) = keys.facts(old)["ssh"]["keys"]  # type: ignore[index]
    assert (fact["effective"], fact["reason"]) == (None, "whether it is locked is not known")
    assert [login.password for login in seen(old).logins if login.name == "anna"] == [Password.NONE]


# the shell


def shelled(shell: str) -> dict[str, str]:
    """/etc/passwd with this shell for anna."""
    return {"/etc/passwd": PASSWD.replace("/home/anna:/bin/bash", f"/home/anna:{shell}")}


@pytest.mark.parametrize("config", ["", NO_PAM])
@pytest.mark.parametrize(("mode", "effective"), [(None, False), (0o644, False), (0o40755, False), (0o755, True), (0o100, True)])
def test_sshd_refuses_a_key_where_the_shell_is_not_there_or_does_not_run(
    config: str, mode: int | None, effective: bool
) -> None:
    status = {**WELL, **({"/bin/ksh": (mode, 0)} if mode else {})}
    told = effect(machine(config, files=shelled("/bin/ksh"), status=status))
    why = "the account has the shell /bin/ksh, which is not there, or does not run"
    assert told == ((True, "") if effective else (False, why))
    if not effective:
        assert effect(machine(f"{config}ChrootDirectory /srv\n", files=shelled("/bin/ksh"), status=status)) == (True, "")


def test_a_shell_on_a_part_of_a_disk_that_is_not_mounted_may_well_be_there() -> None:
    """Of a disk in a rescue system /usr may be missing: then no shell of it is there, and all accounts work."""
    files = shelled("/usr/local/bin/zsh")
    assert effect(machine(files=files))[0] is False, "a machine that runs knows"
    assert effect(machine(files=files, processes=())) == (True, "")
    nothing = ("/bin/sh", "/bin/bash", "/bin/false", "/usr/sbin/nologin")
    assert effect(machine(files=shelled("/bin/ksh"), processes=(), without=nothing)) == (True, "")
    assert effect(machine(files=shelled("/bin/ksh"), processes=()))[0] is False, "/bin is there, as /bin/bash is"


def test_old_evidence_that_was_not_asked_for_shells_says_nothing_of_them() -> None:
    taken = machine(files=shelled("/bin/ksh")).evidence()
    unasked = (Need(Means.STATUS, "/bin/ksh"),)
    assert [fact["effective"] for fact in keys.facts(replace(taken, unasked=unasked))["ssh"]["keys"]] == [True]  # type: ignore[index]


IDLE = "the account has no session, its shell gives none, and nothing is forwarded"


@pytest.mark.parametrize(
    ("shell", "config", "options", "effective"),
    [
        ("/usr/sbin/nologin", "", "", True),
        ("/usr/sbin/nologin", "DisableForwarding yes\n", "", False),
        ("/bin/false", "AllowTcpForwarding no\n", "", False),
        ("/usr/sbin/nologin", "", "restrict ", False),
        ("/usr/sbin/nologin", "", "restrict,port-forwarding ", True),
        ("/usr/sbin/nologin", "AllowTcpForwarding remote\n", "", True),
        ("/usr/sbin/nologin", "AllowTcpForwarding no\nPermitTunnel yes\n", "", True),
        ("/usr/sbin/nologin", "AllowTcpForwarding no\nForceCommand internal-sftp\n", "", True),
        ("/usr/sbin/nologin", "", 'restrict,command="internal-sftp" ', True),
        ("/usr/sbin/nologin", "", 'restrict,command="/bin/date" ', False),
        ("/usr/local/bin/nologin", "DisableForwarding yes\n", "", True),
        ("/bin/bash", "DisableForwarding yes\n", "", True),
    ],
)
def test_a_key_opens_nothing_where_there_is_no_session_and_nothing_is_forwarded(
    shell: str, config: str, options: str, effective: bool
) -> None:
    status = {**WELL, shell: (0o755, 0)}
    told = effect(machine(config, f"{options}{{ed25519}}\n", files=shelled(shell), status=status))
    assert told == ((True, "") if effective else (False, IDLE))


def test_without_pam_nologin_leaves_forwarding_and_nothing_else() -> None:
    closed = {"/etc/nologin": "going down\n"}
    assert effect(machine(NO_PAM, files=closed)) == (True, "")
    assert effect(machine(f"{NO_PAM}DisableForwarding yes\n", files=closed)) == (False, IDLE)


# RevokedKeys

LIST = "/etc/ssh/revoked"
OTHER = host_key("other")


def krl(key: str) -> bytes:
    """A list as ssh-keygen -k makes it, with one key in it."""
    return b"SSHKRL\n\0" + struct.pack(">IQQQII", 1, 1, 0, 0, 0, 0) + b"\2" + string(string(b64decode(key.split()[1])))


@pytest.mark.parametrize(
    ("text", "effective", "reason"),
    [
        ("", True, ""),
        ("# none so far\n\n", True, ""),
        (OTHER, True, ""),
        (f"{OTHER}{KEY}\n", False, f"it is taken back: it stands in {LIST} (/etc/ssh/sshd_config:1)"),
        (f"{KEY} anna's old laptop\r\n", False, f"it is taken back: it stands in {LIST} (/etc/ssh/sshd_config:1)"),
        (f"no key\n{KEY}\n", False, f"it is taken back: it stands in {LIST} (/etc/ssh/sshd_config:1)"),
        ("no key\n", None, f"whether RevokedKeys takes it back is not known: {LIST}: a line of it is no key"),
        (f"restrict {OTHER}", None, f"whether RevokedKeys takes it back is not known: {LIST}: line 1 of it is not just a key"),
        (
            "SSHKRL\n\0\0\0\0\1",
            None,
            f"whether RevokedKeys takes it back is not known: {LIST}: it is a KRL, and it is cut short",
        ),
        (krl(KEY), False, f"it is taken back: it stands in {LIST} (/etc/ssh/sshd_config:1)"),
        (krl(OTHER), True, ""),
        (None, False, f"sshd takes no key at all: RevokedKeys names {LIST}, which is not there (/etc/ssh/sshd_config:1)"),
    ],
)
def test_a_key_that_is_taken_back_is_dead_and_so_is_every_key_where_the_list_is_not_there(
    text: str | bytes | None, effective: bool | None, reason: str
) -> None:
    one = machine(f"RevokedKeys {LIST}\n", files={} if text is None else {LIST: text})
    assert effect(one) == (effective, reason)


def test_a_list_of_revoked_keys_that_could_not_be_read_is_not_taken_for_missing() -> None:
    config = f"RevokedKeys {LIST}\n"
    gap = Gap(LIST, "permission denied")
    assert effect(machine(config, gaps=(gap,)))[0] is None
    taken = machine(config).evidence()
    old = replace(taken, unasked=(Need(Means.FILE, LIST),))
    assert [fact["effective"] for fact in keys.facts(old)["ssh"]["keys"]] == [None]  # type: ignore[index]
    elsewhere = "RevokedKeys /srv/revoked\n"
    assert effect(machine(elsewhere))[0] is False
    package = {"/var/lib/dpkg/status": "Package: openssh-server\nStatus: install ok installed\nVersion: 1:9.2p1-2\n\n"}
    disk = machine(elsewhere, version=None, processes=(), files=package)
    assert effect(disk)[0] is None, "that part of a disk may not be mounted"


def test_a_key_that_is_taken_back_on_purpose_is_a_note() -> None:
    (line,) = said(keys, machine(f"RevokedKeys {LIST}\n", files={LIST: f"{KEY}\n"}))
    assert line.startswith("info key-without-effect account anna: 1 key")


@given(
    st.lists(
        st.sampled_from([b"", b"# x", KEY.encode(), OTHER.encode()[:-1], b"ssh-ed25519 AAAA", b"\0", b"\xff", b"SSHKRL\n\0"])
    )
)
@settings(max_examples=200, deadline=None)
def test_a_key_that_stands_in_a_list_is_never_called_sound(lines: list[bytes]) -> None:
    told = revoked.parse(b"\n".join(lines))
    mine = public.parse(b64decode(KEY.split()[1])).blob
    assert told.holds(mine) is not False or KEY.encode() not in lines
    assert told.holds(mine) is False or told.unread or KEY.encode() in lines


# a file that a group may write to


@pytest.mark.parametrize(
    ("gid", "group", "passwd", "effective"),
    [
        (1000, GROUP, PASSWD, True),
        (1000, GROUP.replace("anna:x:1000:", "anna:x:1000:anna"), PASSWD, True),
        (1000, GROUP.replace("anna:x:1000:", "anna:x:1000:bernd"), PASSWD, False),
        (1000, GROUP.replace("anna:x:1000:", "anna:x:1000:anna,bernd"), PASSWD, False),
        (1000, GROUP, PASSWD.replace("bernd:x:1001:1001", "bernd:x:1001:1000"), False),
        (1000, GROUP.replace("anna:x:1000:\n", ""), PASSWD, False),
        (27, GROUP, PASSWD, True),
        (50, GROUP + "staff:x:50:\n", PASSWD, False),
        (0, GROUP, PASSWD, False),
    ],
)
def test_a_group_in_which_nobody_else_is_may_write_to_a_file_of_keys_on_debian(
    gid: int, group: str, passwd: str, effective: bool
) -> None:
    """A private group, the group sudo that has only anna, one without anybody, and that of root."""
    one = machine(files={"/etc/group": group, "/etc/passwd": passwd}, status={ANNA: (0o660, 1000, gid)})
    assert effect(one)[0] is effective


def test_who_else_is_in_a_group_or_what_another_sshd_makes_of_it_may_not_be_known() -> None:
    status = {ANNA: (0o660, 1000, 1000)}
    ldap = {"/etc/nsswitch.conf": "passwd: files ldap\ngroup: files ldap\nshadow: files\n"}
    assert effect(machine(files=ldap, status=status))[0] is None
    assert effect(machine(files=ldap, status={ANNA: (0o660, 1000, 0)}))[0] is False, "root is in it, whoever else is"
    own = Machine({"/etc/ssh/sshd_config": "\n", ANNA: f"{KEY}\n"}, (10, 6), status=status)
    assert effect(own)[0] is None, "this OpenSSH is not Debian's"


# where the files of keys are

DPKG = {"/var/lib/dpkg/status": "Package: openssh-server\nStatus: install ok installed\nVersion: 1:9.2p1-2\n\n"}
BERND = "/etc/ssh/keys/bernd"


def test_files_of_keys_elsewhere_are_asked_for_before_the_version_is_known() -> None:
    """As on a disk, whose package tells the version only when it is asked for."""
    config = "Match User bernd\nAuthorizedKeysFile /etc/ssh/keys/%u\nMatch all\n"
    one = machine(config, where=BERND, version=None, processes=(), files=DPKG, status={BERND: (0o644, 0)})
    assert effects(one) == [("bernd", True, "")]
    first = replace(one.evidence(), items=(), unasked=())
    config_alone = replace(
        first, items=tuple(i for i in one.evidence().items if i.source in ("/etc/ssh/sshd_config", "/etc/passwd"))
    )
    assert BERND in [need.what for need in keys.follow(config_alone) if need.means is Means.FILE]


def test_what_a_server_that_was_started_with_another_file_reads_is_asked_for_round_by_round() -> None:
    """Its process names a file, that one another, and that one the place of its keys and a list of revoked ones."""
    files = {
        "/srv/sshd.conf": "Port 2222\nInclude /srv/more.conf\n",
        "/srv/more.conf": "AuthorizedKeysFile /srv/keys/%u\nRevokedKeys /srv/revoked\n",
        "/srv/revoked": OTHER,
    }
    where, second = "/srv/keys/anna", sshd("-D", "-f", "/srv/sshd.conf", pid=900, port=2222)
    one = machine("PubkeyAuthentication no\n", where=where, files=files, processes=(sshd(), second), status={where: (0o644, 0)})
    assert effects(one) == [("anna", True, "")]
    assert [fact["server"] for fact in keys.facts(one.evidence())["ssh"]["keys"]] == ["/srv/sshd.conf"]  # type: ignore[index]


def test_old_evidence_without_the_files_of_keys_that_a_line_names_says_so() -> None:
    one = machine("AuthorizedKeysFile /etc/ssh/keys/%u\n", where=BERND, status={BERND: (0o644, 0)})
    taken = one.evidence()
    old = replace(
        taken,
        items=tuple(item for item in taken.items if item.source != BERND),
        unasked=tuple(Need(Means.FILE, f"/etc/ssh/keys/{name}") for name in ("root", "daemon", "anna", "bernd")),
    )
    told = [f"{one.subject}: {one.reason}" for one in keys.judge(old) if isinstance(one, Gap)]
    assert told == ["sshd: the files of keys that /etc/ssh/sshd_config:1 names may not all have been looked at"]


# who speaks for a key of root


def test_of_a_key_of_root_one_rule_speaks() -> None:
    root = "/root/.ssh/authorized_keys"
    one = machine("", where=root)
    spoken = [line.split()[1] for line in (*said(keys, one), *said(restrictions, one)) if "root-key" in line]
    assert spoken == ["ssh-root-key"]
    unread = machine(version=None, where=root, processes=())
    spoken = [line.split()[1] for line in (*said(keys, unread), *said(restrictions, unread)) if "root-key" in line]
    assert spoken == ["root-key-from-anywhere"], "of whose server nothing is known"


def test_a_key_of_root_that_is_dead_is_no_way_in() -> None:
    root = "/root/.ssh/authorized_keys"
    one = machine(f"RevokedKeys {LIST}\n", where=root, files={LIST: f"{KEY}\n"})
    assert [line for line in said(restrictions, one) if "root-key" in line] == []
    assert fingerprint("user") in str(keys.facts(one.evidence()))
    assert [line for line in said(restrictions, machine(where=root, status={root: (0o602, 0)})) if "root-key" in line] == []
