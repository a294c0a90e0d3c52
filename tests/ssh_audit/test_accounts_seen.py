"""What is known of the accounts of a host: passwords as facts, last days, groups, and where more of them may come from."""

from datetime import timedelta

import pytest
from machine import HASH, NOW, PASSWD, Machine

from auditkit.access.accounts import logins
from auditkit.access.nouns import Login, Password
from auditkit.access.passwd import glibc_uid
from auditkit.model import Gap

TODAY = int(NOW.timestamp() // 86_400)


def accounts(**files: str) -> dict[str, Login]:
    """The accounts of the plain machine with these files in place of its own."""
    named = {f"/etc/{name.replace('_', '.')}": text for name, text in files.items()}
    return {login.name: login for login in logins(Machine(named).evidence())[0]}


@pytest.mark.parametrize(
    ("field", "password"),
    [
        (HASH, Password.SET),
        ("", Password.EMPTY),
        ("!", Password.NONE),
        ("*", Password.NONE),
        ("!!", Password.NONE),
        (f"!{HASH}", Password.LOCKED),
        ("x", Password.NONE),
        ("no hash of any kind", Password.NONE),
    ],
)
def test_a_password_is_known_as_a_fact(field: str, password: Password) -> None:
    assert accounts(shadow=f"anna:{field}:20000:0:99999:7:::\n")["anna"].password is password


@pytest.mark.parametrize(
    ("lines", "password", "told_by"),
    [
        (("!:20000:0:99999:7:::", f"{HASH}:20000:0:99999:7:::"), Password.NONE, "shadow"),
        (("!:soon:0:99999:7:::", f"{HASH}:20000:0:99999:7:::"), Password.SET, "shadow"),
        (("!:20000:0:99999:7::", f"{HASH}:20000:0:99999:7:::"), Password.SET, "shadow"),
        (("!", f"{HASH}:20000:0:99999"), Password.SET, "shadow"),
        (("!:20000:0:99999:7:::9:", f"{HASH}:20000:0:99999: "), Password.SET, "shadow"),
        (("!:-1:0:99999:7:::", f"{HASH}:20000:0:99999:7:::"), Password.UNKNOWN, "shadow"),
        ((f"{HASH}:99999999999:0:99999:7:::", f"{HASH}:20000:0:99999:7:::"), Password.SET, "shadow"),
        ((HASH,), Password.NONE, "nowhere"),
        ((f"{HASH}:20000:0:99999:7::soon:",), Password.NONE, "nowhere"),
    ],
)
def test_of_the_lines_of_an_account_the_first_counts_that_libc_reads(
    lines: tuple[str, ...], password: Password, told_by: str
) -> None:
    """Debian 12 passes over a number that needs more than 32 bits, others do not."""
    told = accounts(shadow="".join(f"anna:{line}\n" for line in lines))["anna"]
    assert (told.password, told.told_by) == (password, told_by)


def test_the_field_of_passwd_counts_where_it_is_no_x() -> None:
    passwd = f"a:{HASH}:1:1::/:/bin/sh\nb::2:2::/:/bin/sh\nc:*:3:3::/:/bin/sh\nd:x:4:4::/:/bin/sh\n"
    told = accounts(passwd=passwd, shadow="a:!:::::::\nb:!:::::::\n")
    assert [told[name].password.value for name in "abcd"] == ["set", "empty", "none", "none"]


@pytest.mark.parametrize(
    ("fields", "expired", "inactive"),
    [
        ("20000:0:99999:7:::", False, False),
        (f"20000:0:99999:7::{TODAY - 1}:", True, False),
        (f"20000:0:99999:7::{TODAY + 1}:", False, False),
        (f"20000:0:99999:7::{TODAY}:", None, False),
        ("20000:0:99999:7::1:", True, False),
        ("20000:0:99999:7::0:", None, False),
        ("20000:0:99999:7::-1:", False, False),
        (f"{TODAY - 100}:0:30:7:30::", False, True),
        (f"{TODAY - 50}:0:30:7:30::", False, False),
        (f"{TODAY - 60}:0:30:7:30::", False, None),
        (f"{TODAY - 100}:0:30:7:::", False, False),
        ("0:0:30:7:1::", False, False),
        (":0:30:7:1::", False, True),
        ("", False, False),
    ],
)
def test_the_last_day_of_an_account_and_of_its_password(fields: str, expired: bool | None, inactive: bool | None) -> None:
    """On the very day itself versions of PAM and sshd differ, so nobody can tell."""
    told = accounts(shadow=f"anna:{HASH}:{fields}\n")["anna"]
    assert (told.expired, told.inactive) == (expired, inactive)


def test_all_groups_of_an_account_are_known_where_they_are_in_files() -> None:
    assert accounts()["anna"].groups == ("anna", "sudo")
    assert accounts(nsswitch_conf="passwd: files\ngroup: files ldap\n")["anna"].groups is None
    assert accounts(nsswitch_conf="passwd: files\ninitgroups: sss\n")["anna"].groups is None


def test_a_group_goes_by_the_first_name_of_its_number() -> None:
    """sshd asks which numbers an account has, and then what each is called."""
    told = accounts(group="anna:x:01000:\nfriends:x:1000:bernd\nsudo:x:27\nadmin:x:27:anna\nodd:x::anna\n+:x:5:anna\n")
    assert told["anna"].groups == ("anna", "sudo")
    assert told["bernd"].groups == ("anna",)


@pytest.mark.parametrize(
    ("nsswitch", "elsewhere"),
    [
        ("passwd: files systemd\n", []),
        ("passwd: files sss\n", ["accounts of sss"]),
        ("passwd:\tcompat winbind [NOTFOUND=return] ldap # nis\n", ["accounts of ldap", "accounts of winbind"]),
        ("#passwd: sss\npasswd: files\nhosts: files dns\n", []),
        ("passwd: files\nPASSWD: ldap\n", []),
    ],
)
def test_accounts_that_come_from_elsewhere_stand_for_all_that_nobody_sees(nsswitch: str, elsewhere: list[str]) -> None:
    found, gaps = logins(Machine({"/etc/nsswitch.conf": nsswitch}).evidence())
    unnamed = [login for login in found if not login.named]
    assert [login.name for login in unnamed] == elsewhere
    assert all(login.groups is None and login.password is Password.UNKNOWN for login in unnamed)
    assert [gap.subject for gap in gaps] == ["/etc/nsswitch.conf"] * len(elsewhere)


def test_nis_counts_where_compat_is_said_and_a_line_takes_it_in() -> None:
    files = {"/etc/nsswitch.conf": "passwd: compat\n", "/etc/passwd": f"{PASSWD}+::::::\n"}
    assert [login.name for login in logins(Machine(files).evidence())[0] if not login.named] == ["accounts of nis"]
    files["/etc/passwd"] = f"{PASSWD}-eve::::::\n"
    assert [login.name for login in logins(Machine(files).evidence())[0] if not login.named] == []


def test_records_of_systemd_are_accounts_too_and_sssd_without_a_configuration_has_none() -> None:
    status = {"/etc/ssh/sshd_config": (0o644, 0, 0)}
    assert all(login.named for login in logins(Machine(status=status).evidence())[0])
    more = {**status, "/var/lib/systemd/home/eve.identity": (0o600, 0, 0)}
    assert [login.name for login in logins(Machine(status=more).evidence())[0] if not login.named] == ["accounts of systemd"]
    sss = {"/etc/nsswitch.conf": "passwd: sss files\n"}
    assert all(login.named for login in logins(Machine(sss, status=status).evidence())[0])
    assert not all(login.named for login in logins(Machine(sss).evidence())[0]), "nobody has looked"
    known = {**status, "/etc/sssd/sssd.conf": (0o600, 0, 0)}
    assert not all(login.named for login in logins(Machine(sss, status=known).evidence())[0])


def test_a_line_that_only_musl_reads_counts_where_the_libc_may_be_musl() -> None:
    line = "#eve:x:0:0::/:/bin/sh"
    assert glibc_uid(line) is None
    assert "#eve" not in accounts(passwd=f"{PASSWD}{line}\n")
    without = Machine({"/etc/passwd": f"{PASSWD}{line}\n"}, without=("/etc/nsswitch.conf",)).evidence()
    assert [login.uid for login in logins(without)[0] if login.name == "#eve"] == [0]


def test_without_passwd_nobody_is_known() -> None:
    found, (gap,) = logins(Machine(without=("/etc/passwd",)).evidence())
    assert found == ()
    assert gap == Gap("accounts", "who may log in was not judged, as /etc/passwd was not taken")


def test_the_days_are_those_of_the_evidence() -> None:
    assert timedelta(days=TODAY) <= NOW - NOW.replace(year=1970, month=1, day=1, hour=0) + timedelta(days=1)
