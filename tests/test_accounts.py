"""The accounts audit, from a disk to its findings; each file in cases/accounts is one machine and what must be said.

A case is a sentence, then files as `-- /path --` and their text, then `-- findings --` and every line of the answer.
`RULE.txt` makes a rule speak and `RULE.silent.txt` is a machine on which it must not.
"""

import ctypes
import os
import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.access import passwd
from auditkit.access.needs import PASSWD, SHADOW
from auditkit.audits import AUDITS, accounts, judge, needs, rules
from auditkit.audits.accounts import table
from auditkit.collect import collect
from auditkit.hosts import Ask, Beginning, Known, Seen
from auditkit.model import Audit, Evidence, Finding, Gap, Item, Means, Need
from auditkit.printable import printable
from auditkit.probe.take import take

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CASES = sorted((Path(__file__).parent / "cases" / "accounts").glob("*.txt"))
MARK = re.compile(r"^-- (.+) --\n", re.MULTILINE)


class Disk:
    """A host that is a directory."""

    def __init__(self, root: Path) -> None:
        self.name = "disk"
        self.root = root
        self.facts: Mapping[str, object] = {}

    def close(self) -> None:
        """Nothing is open."""

    def scan(self, request: Mapping[str, object], known: Known | None = None) -> Iterator[Seen]:
        """Nothing: these tests only collect."""
        return iter(())

    def beginnings(self, asked: Sequence[Ask]) -> Iterator[Beginning]:
        """No logs."""
        return iter(())

    def mounts(self) -> bytes:
        """Nothing is mounted."""
        return b""

    def take(self, needs: tuple[Need, ...]) -> Iterator[Item | Gap]:
        """What the probe takes of the directory."""
        needs = tuple(need for need in needs if need.means is Means.FILE)
        wanted = [(need.what.encode(), need.secret, need.optional, need.long) for need in needs]
        for number, path, data, why in take(os.fsencode(self.root), wanted):
            if data is None:
                yield Gap(os.fsdecode(path), why)
            else:
                yield Item(needs[number], os.fsdecode(path), data, NOW, "")


def parts(case: str) -> dict[str, str]:
    """The files of a case by name, `findings` among them."""
    _sentence, *rest = MARK.split(case)
    return dict(zip(rest[::2], rest[1::2], strict=True))


def evidence(files: Mapping[str, str], root: Path) -> Evidence:
    """What is collected from a disk with these files."""
    for name, text in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return collect(Disk(root), table.NEEDS, lambda: NOW)


ONLY = (Audit("accounts", "Accounts", table.NEEDS, table.RULES, table.judge),)
"""The evidence of these tests is what this group of rules wants, and no other; of the others tests/accounts_audit tells."""


def told(finding: Finding | Gap) -> str:
    """A finding or gap as a case writes it."""
    match finding:
        case Gap():
            return f"gap {printable(finding.subject)}: {finding.reason}\n"
        case Finding():
            head = f"{finding.severity.word} {finding.rule.id} {printable(finding.subject)}: {finding.message}\n"
            return head + "".join(f"  {q.source}:{q.line}: {printable(q.text)}\n" for q in finding.quotes)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path, tmp_path: Path) -> None:
    files = parts(path.read_text())
    expected = files.pop("findings")
    taken = evidence(files, tmp_path)
    assert not [item for item in taken.items if b"fakehash" in item.data or b"saltsalt" in item.data]
    assert "".join(map(told, judge(taken, ONLY))) == expected


@pytest.mark.parametrize("rule", [rule.id for rule in table.RULES])
def test_every_rule_has_a_case_that_speaks_and_one_that_is_silent(rule: str) -> None:
    cases = {path.stem: parts(path.read_text())["findings"] for path in CASES}
    assert f" {rule} " in cases[rule]
    assert f" {rule} " not in cases[f"{rule}.silent"]


class Passwd(ctypes.Structure):
    """struct passwd of pwd.h."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("password", ctypes.c_char_p),
        ("uid", ctypes.c_uint),
        ("gid", ctypes.c_uint),
        ("gecos", ctypes.c_char_p),
        ("directory", ctypes.c_char_p),
        ("shell", ctypes.c_char_p),
    )


def uid_of_this_libc(line: bytes) -> int | None:
    """What fgetpwent(3) makes of a line; entries for NIS come back from it, but getpwnam(3) gives none of them."""
    libc = ctypes.CDLL(None)
    libc.fmemopen.restype = ctypes.c_void_p
    libc.fgetpwent.restype = ctypes.POINTER(Passwd)
    table = ctypes.c_void_p(libc.fmemopen(line, ctypes.c_size_t(len(line)), b"r"))
    found = libc.fgetpwent(table)
    uid = found.contents.uid if found and found.contents.name[:1] not in (b"+", b"-") else None
    libc.fclose(table)
    return None if uid == 0xFFFFFFFF else uid  # what some versions make of a number that is too large


PIECES = ("root", "x", ":", ":", ":", "0", "00", "+", "-", " ", "\t", "#", "\0", "1", "0x0", "4294967294", "4294967296")
LARGE = ("18446744073709551615", "18446744073709551616", "9" * 40, "0" * 40)
LINES = st.lists(st.sampled_from(PIECES + LARGE), min_size=1, max_size=12).map("".join)
UIDS = st.lists(st.sampled_from(PIECES + LARGE), max_size=4).map("".join).map("name:x:{}:0::/:/bin/sh".format)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks glibc itself")
@settings(max_examples=300, deadline=None)
@given(LINES | UIDS)
def test_glibc_reads_a_uid_as_we_say(line: str) -> None:
    assert passwd.glibc_uid(line) == uid_of_this_libc(line.encode() + b"\n")


@pytest.mark.parametrize(
    ("line", "uid"),
    [
        ("a:x:0:0:::", 0),
        ("a:x::0:::", 0),
        ("a:x:4294967296:0:::", 0),
        ("a:x:4294967297:0:::", 1),
        (f"a:x:{2**32 * 10**40 + 7}:0:::", 7),
        ("a:x:+0:0:::", None),
        ("a:x: 0:0:::", None),
        ("a:x:0:0x0:::", None),
        ("a:x:0:0", None),
        ("#a:x:0:0:::", 0),
        ("+::::::", 0),
        ("::x:7:0:::", 7),
    ],
)
def test_musl_reads_a_uid_as_its_source_says(line: str, uid: int | None) -> None:
    assert passwd.musl_uid(line) == uid


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.binary(max_size=300) | st.none())
def test_any_bytes_are_judged_and_all_that_is_said_is_printable(passwd: bytes, shadow: bytes | None) -> None:
    said = [told(one) for one in judge(made(passwd, shadow), ONLY)]
    assert not [line for text in said for line in text.splitlines() if not line.isprintable()]


def made(passwd: bytes, shadow: bytes | None = None) -> Evidence:
    """Evidence with these bytes in it."""
    tables = ((PASSWD, passwd), (SHADOW, shadow))
    return Evidence("host", NOW, tuple(Item(need, need.what, data, NOW, "") for need, data in tables if data is not None))


def test_evidence_that_was_not_reduced_is_judged_but_a_hash_is_never_quoted() -> None:
    said = list(judge(made(b"root:$6$saltsalt$fakehash:0:0::/root:/bin/sh\nfakehash\n", b"x:fakehash:1::::::\n"), ONLY))
    assert any(isinstance(one, Finding) and one.rule is table.PASSWORD_IN_PASSWD for one in said)
    assert "fakehash" not in repr(said)


def test_more_lines_than_anybody_has_accounts_are_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwd, "MOST_LINES", 2)
    said = list(judge(made(b"root:*:0:0:::\na:*:1:1:::\nb:*:0:0:::\n"), ONLY))
    assert said == [Gap("/etc/passwd", "more than 2 lines; those after them are not judged")]


def test_a_remedy_names_the_account_only_where_the_name_is_harmless_in_a_shell() -> None:
    found = list(judge(made(b"root:*:0:0:::\neve:*:0:0:::\n$(reboot):*:0:0:::\n"), ONLY))
    remedies = [one.remedy for one in found if isinstance(one, Finding)]
    assert "usermod --expiredate 1 eve (undo: usermod --expiredate '' eve)" in remedies[0]
    assert remedies[1:] == [""]


def test_an_audit_that_breaks_is_a_gap_and_silences_no_other() -> None:
    def broken(taken: Evidence) -> Iterator[Finding | Gap]:
        yield Gap("first", "seen before it broke")
        raise IndexError("tuple\x1b[2J index")

    audits = (Audit("broken", "Broken", (), (), broken), *AUDITS)
    said = [told(one) for one in judge(made(b"guest::1:1:::\n"), audits)]
    assert said[:2] == [
        "gap first: seen before it broke\n",
        "gap audit broken: broke on the evidence: IndexError: tuple\\x1b[2J index\n",
    ]
    assert said[2].startswith("critical empty-password account guest: ")


def test_needs_come_once_and_rule_ids_are_unique_words() -> None:
    assert len(set(needs())) == len(needs())
    assert set(accounts.AUDIT.needs) <= set(needs((*AUDITS, accounts.AUDIT)))
    ids = [rule.id for rule in rules()]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[a-z][a-z0-9]*(-[a-z0-9]+)*", rule) for rule in ids)
