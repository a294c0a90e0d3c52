"""What logs are read and judged by: the zone of a machine, its accounts, its keys, how much sshd logs; and where logs are."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit.logins import context, places
from auditkit.logins.seen import Account, KeyLine, Verified
from auditkit.logs.zones import Machine, zone_of
from auditkit.model import Gap, Item, Means, Need

THEN = datetime(2026, 11, 24, tzinfo=UTC)
BERLIN = Path("/usr/share/zoneinfo/Europe/Berlin")


def item(need: Need, data: bytes, source: str = "") -> Item:
    return Item(need, source or need.what, data, THEN, "")


@pytest.mark.skipif(not BERLIN.exists(), reason="there are no zones here")
def test_stamps_are_of_the_zone_that_the_machine_has() -> None:
    setting = Machine(5, BERLIN.read_bytes()).setting()
    assert (setting.zone_known, str(setting.zone)) == (True, "CET/CEST")
    assert datetime(2026, 7, 1, 12, tzinfo=setting.zone).astimezone(UTC).hour == 10
    assert datetime(2026, 12, 1, 12, tzinfo=setting.zone).astimezone(UTC).hour == 11


def test_no_zone_is_utc_and_an_unknown_one_is_not_known() -> None:
    assert (Machine(5, b"").setting().zone, Machine(5, b"").setting().zone_known) == (UTC, True)
    assert (Machine(5, None).setting().zone, Machine(5, None).setting().zone_known) == (UTC, False)
    assert not Machine(5, b"TZif rubbish").setting().zone_known


@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda data: b"TZif2" + bytes(15) + data))
def test_no_bytes_of_a_zone_raise(data: bytes) -> None:
    zone = zone_of(data)
    if zone is not None:
        datetime(2026, 7, 1, tzinfo=zone).astimezone(UTC)


def test_accounts_are_read_as_the_system_reads_them() -> None:
    odd = "# no\nroot:x:5:5::/:/bin/sh\n+nis\nbad:x:y:0::/:\n"
    text = f"root:x:0:0::/root:/bin/bash\nweb:x:33:33::/var/www:/usr/sbin/nologin\n{odd}"
    assert context.accounts(text) == {"root": Account(0), "web": Account(33)}


def test_keys_are_joined_to_the_lines_they_stand_on_unless_some_could_not_be_read() -> None:
    key = {"account": "anna", "fingerprint": "SHA256:x", "file": "/home/anna/.ssh/authorized_keys", "line": 3}
    facts = {"ssh": {"keys": [key, {**key, "account": "root"}]}}
    lines = (KeyLine("anna", "/home/anna/.ssh/authorized_keys:3"), KeyLine("root", "/home/anna/.ssh/authorized_keys:3"))
    assert context.keys(facts, ()) == {"SHA256:x": lines}
    assert context.keys(facts, (Gap("/home/bob/.ssh/authorized_keys", "permission denied"),)) is None
    assert context.keys({}, ()) is None


def test_how_much_sshd_logs_is_what_it_says_itself_before_what_is_written() -> None:
    asked = item(Need(Means.COMMAND, "/usr/sbin/sshd -T"), b"0\nport 22\nloglevel INFO\n\0")
    written = item(Need(Means.FILE, "/etc/ssh/sshd_config"), b"#LogLevel DEBUG\nLogLevel verbose\n")
    assert context.log_level([written, asked]) == "INFO"
    assert context.log_level([written]) == "VERBOSE"
    assert context.log_level([]) is None


def test_what_journalctl_says_of_its_files_counts_if_it_came_to_an_end() -> None:
    said = b"PASS: /var/log/journal/1/system.journal\nFAIL: /var/log/journal/1/user.journal (Bad message)\n"
    assert context.verified([item(places.VERIFY, b"1\n\0" + said)]) == (
        Verified("/var/log/journal/1/system.journal", True),
        Verified("/var/log/journal/1/user.journal", False, "Bad message"),
    )
    assert context.verified([item(places.VERIFY, b"-\n\0" + said)]) == ()


def test_logs_that_others_share_are_asked_for_where_none_is_of_logins_alone() -> None:
    assert places.besides(["/var/log/auth.log.1"]) == ()
    assert places.besides(["/var/log/wtmp"]) == places.GENERAL


def test_of_logs_that_stand_for_each_other_one_is_missed_where_all_are_absent() -> None:
    absent = ["/var/log/auth.log", "/var/log/secure", "/var/log/wtmp", "/var/log/vsftpd.log", "/var/log/btmp"]
    assert places.missing(absent, []) == ("/var/log/auth.log", "/var/log/wtmp", "/var/log/btmp")
    assert places.missing(absent, ["/var/log/secure.1", "/var/lib/wtmpdb/wtmp.db"]) == ("/var/log/btmp",)
