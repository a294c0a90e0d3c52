"""Files kept as evidence: what lies in the case afterwards, what the journal tells of it, and what is refused."""

import json
import os
import socket
import stat
import subprocess
from collections import UserDict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

import pytest
from conftest import Cli, Outcome

from auditkit.errors import AuditkitError, FormatError, UntrustedError, UsageError
from auditkit.incident import cases, evidence, originals
from auditkit.response.nouns import Entry, Filed, Hand, Kind, Said, filed

HAND = Hand("anna", "ws-01", "auditkit test", datetime(2026, 11, 24, 3, 10, tzinfo=UTC))


@pytest.fixture
def case(tmp_path: Path) -> cases.Case:
    begun, _first = cases.begun(str(tmp_path / "st"), "fifty failed logins", HAND, {})
    return begun


def kept(
    case: cases.Case,
    path: str,
    said: Said | None = None,
    beside: tuple[str, ...] = (),
    passing: Callable[[int], object] = bool,
) -> Entry:
    return evidence.kept(case, HAND, evidence.Original(path, beside, passing=passing), said)


def lies(case: cases.Case) -> list[str]:
    return sorted(os.listdir(case.at("evidence")))


def test_a_file_lies_in_the_case_as_it_was_and_the_entry_has_its_digests(case: cases.Case, tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_bytes(b"Nov 24 03:10:00 srv-01 sshd[1]: Failed password for root\n" * 1000)
    os.utime(log, ns=(0, 1_700_000_000_123_456_789))
    entry = kept(case, str(log), Said(Kind.FILE, "from the log server", {"source": "loghost"}))
    copy = Path(case.at("evidence", "0002-auth.log"))
    digest = sha256(log.read_bytes()).hexdigest()
    assert copy.read_bytes() == log.read_bytes()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o400
    assert filed(entry) == (Filed("evidence/0002-auth.log", digest, log.stat().st_size),)
    assert entry.said.text == f"from the log server: 57 000 bytes copied from {log}"
    assert entry.said.data["before"] == entry.said.data["after"] == digest
    assert entry.said.data["mtime"] == "2023-11-14T22:13:20.123456789Z"
    assert (entry.said.data["from"], entry.said.data["source"]) == (str(log), "loghost")
    assert "changed" not in entry.said.data
    assert case.read().entries[-1] == entry


def test_reading_leaves_the_time_of_the_last_reading_as_it_was(case: cases.Case, tmp_path: Path) -> None:
    log = tmp_path / "auth.log"
    log.write_text("a line\n")
    os.utime(log, ns=(1_000_000_000, 1_000_000_000))
    kept(case, str(log))
    assert log.stat().st_atime_ns == 1_000_000_000


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("new\nline", "new_line"),
        ("\x1b[2J.log", "2J.log"),
        ("-rf", "rf"),
        ("..bashrc", "bashrc"),
        ("\u202egpj.exe", "gpj.exe"),
        ("schlüssel", "schl_ssel"),
        ("***", "file"),
        (os.fsdecode(b"\xff\xfe.bin"), "bin"),
        ("n" * 250, "n" * 100),
        ("n" * 250 + ".gz", "n" * 97 + ".gz"),
        ("a.b" + "c" * 240, "a.b" + "c" * 97),
    ],
)
def test_a_name_is_made_one_that_harms_nowhere_and_where_it_was_is_told_as_it_was(
    case: cases.Case, tmp_path: Path, name: str, safe: str
) -> None:
    (tmp_path / name).write_text("x")
    entry = kept(case, str(tmp_path / name))
    assert lies(case) == [f"0002-{safe}"]
    assert case.read().entries[-1].said.data["from"] == str(tmp_path / name) == entry.said.data["from"]


def test_a_path_as_long_as_the_system_takes_is_kept_and_a_longer_one_is_told_in_a_line(
    case: cases.Case, tmp_path: Path
) -> None:
    deep = tmp_path
    while len(str(deep)) < 3800:
        deep /= "d" * 200
    os.makedirs(deep)
    (deep / "log").write_text("x")
    assert kept(case, str(deep / "log")).said.data["from"] == str(deep / "log")
    with pytest.raises(AuditkitError, match=r"^/.{90,99}\.\.\.n{80} cannot be read: File name too long$"):
        kept(case, "/" + "n" * 5000)


def test_an_empty_file_is_evidence_too(case: cases.Case, tmp_path: Path) -> None:
    (tmp_path / "btmp").touch()
    entry = kept(case, str(tmp_path / "btmp"))
    assert filed(entry) == (Filed("evidence/0002-btmp", sha256().hexdigest(), 0),)


def test_what_says_that_it_is_empty_and_is_not_is_kept_as_it_is_read(case: cases.Case) -> None:
    entry = kept(case, "/proc/self/status")
    assert Path(case.at("evidence", "0002-status")).read_bytes().startswith(b"Name:")
    assert entry.said.data["size"] == os.stat(case.at("evidence", "0002-status")).st_size > 0


def test_a_file_with_holes_streams_and_keeps_its_holes(case: cases.Case, tmp_path: Path) -> None:
    log = tmp_path / "lastlog"
    with log.open("wb") as file:
        file.write(b"head")
        file.seek(48 << 20)
        file.write(b"tail")
        file.truncate(64 << 20)
    entry = kept(case, str(log))
    copy = os.stat(case.at("evidence", "0002-lastlog"))
    assert entry.said.data["sha256"] == sha256(log.read_bytes()).hexdigest()
    assert copy.st_size == 64 << 20
    assert copy.st_blocks * 512 < 8 << 20


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(path))


SPECIAL: list[tuple[str, Callable[[Path], object], str]] = [
    ("a directory", lambda path: path.mkdir(), "is a directory"),
    ("a pipe", os.mkfifo, "is a pipe, and no file"),
    ("a link", lambda path: path.symlink_to("/etc/shadow"), "is a link, to /etc/shadow"),
    ("a socket", bound, "is a socket, and no file"),
    ("nothing", lambda path: None, "cannot be read: No such file or directory"),
]


@pytest.mark.parametrize(("make", "told"), [row[1:] for row in SPECIAL], ids=[row[0] for row in SPECIAL])
def test_what_is_no_file_is_refused_with_a_word_and_nothing_is_written(
    case: cases.Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], object], told: str
) -> None:
    monkeypatch.chdir(tmp_path)  # the address of a socket is short
    make(Path("thing"))
    with pytest.raises(AuditkitError, match=f"^thing {told}"):
        kept(case, "thing")
    assert (lies(case), len(case.read().entries)) == ([], 1)


def test_a_device_is_not_opened(case: cases.Case) -> None:
    with pytest.raises(UsageError, match=r"^/dev/null is a device, and no file$"):
        kept(case, "/dev/null")


@pytest.mark.skipif(not os.path.exists("/sys/kernel/uevent_seqnum"), reason="no /sys here")
def test_what_has_no_end_is_not_begun(case: cases.Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """As /proc/kcore, which says of itself that it is longer than any disk; here what is long is made shorter instead."""
    monkeypatch.setattr(originals, "BEYOND", 1000)
    with pytest.raises(UsageError, match="is no file on a disk, and has no end"):
        kept(case, "/sys/kernel/uevent_seqnum")


def test_a_name_with_a_nul_is_told_in_a_line(case: cases.Case) -> None:
    with pytest.raises(AuditkitError, match="cannot be read: "):
        kept(case, "a\0b")


def once(deed: Callable[[], object]) -> Callable[[int], object]:
    """What happens when the first piece of a file has been copied."""
    left = [deed]
    return lambda _bytes: left.pop()() if left else None


def grown(log: Path) -> None:
    with log.open("ab") as file:
        file.write(b"one more\n")


def overwritten(log: Path) -> None:
    """Another content of the same length, with the times of the old one."""
    before = log.stat()
    log.write_bytes(b"y" * before.st_size)
    os.utime(log, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("deed", [grown, overwritten, lambda log: os.truncate(log, 10)], ids=["grown", "overwritten", "cut"])
def test_a_file_that_changes_while_it_is_copied_is_kept_as_it_was_read_and_marked(
    case: cases.Case, tmp_path: Path, deed: Callable[[Path], object]
) -> None:
    log = tmp_path / "auth.log"
    log.write_bytes(b"x" * (1 << 20) + b"the end")
    entry = kept(case, str(log), passing=once(lambda: deed(log)))
    copy = Path(case.at("evidence", "0002-auth.log")).read_bytes()
    assert entry.said.data["changed"] is True
    assert entry.said.data["size_after"] == log.stat().st_size
    assert entry.said.data["sha256"] == entry.said.data["before"] == sha256(copy).hexdigest()
    assert entry.said.data["after"] == sha256(log.read_bytes()).hexdigest()
    assert entry.said.text.endswith("; it changed while it was copied, and is kept as it was read")


def test_a_file_that_grows_for_ever_is_kept_as_far_as_it_is_read(
    case: cases.Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "auth.log"
    log.write_bytes(b"x" * 10)
    monkeypatch.setattr(evidence, "BEYOND", 1000)
    entry = kept(case, str(log), passing=once(lambda: log.write_bytes(b"x" * 5000)))
    assert (entry.said.data["size"], entry.said.data["size_after"], entry.said.data["changed"]) == (1010, 5000, True)


def test_a_link_that_takes_the_place_of_a_file_is_not_followed(
    case: cases.Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the opening."""
    log = tmp_path / "log"
    log.write_text("x")
    look = os.lstat

    def swapped(path: str) -> os.stat_result:
        status = look(path)
        log.unlink()
        log.symlink_to("/etc/passwd")
        return status

    monkeypatch.setattr(os, "lstat", swapped)
    with pytest.raises(AuditkitError, match="cannot be read: "):
        kept(case, str(log))
    assert lies(case) == []


def test_a_seal_lies_beside_what_it_seals_under_the_same_number(case: cases.Case, tmp_path: Path) -> None:
    for name in ("srv.evidence", "srv.evidence.sig"):
        (tmp_path / name).write_text(name)
    entry = kept(case, str(tmp_path / "srv.evidence"), beside=(str(tmp_path / "srv.evidence.sig"),))
    assert lies(case) == ["0002-srv.evidence", "0002-srv.evidence.sig"]
    assert [one.file for one in filed(entry)] == ["evidence/0002-srv.evidence", "evidence/0002-srv.evidence.sig"]
    with pytest.raises(AuditkitError):
        kept(case, str(tmp_path / "srv.evidence"), beside=(str(tmp_path / "none.sig"),))
    assert len(lies(case)) == 2


# --- crashes


def test_a_copy_without_its_entry_is_not_written_over_and_the_command_may_be_given_again(
    case: cases.Case, tmp_path: Path
) -> None:
    """What a kill between the name and the entry leaves."""
    Path(case.at("evidence", "0002-auth.log")).write_text("left by a crash")
    (tmp_path / "auth.log").write_text("x")
    entry = kept(case, str(tmp_path / "auth.log"))
    assert lies(case) == ["0002-2-auth.log", "0002-auth.log"]
    assert filed(entry)[0].file == "evidence/0002-2-auth.log"
    assert Path(case.at("evidence", "0002-auth.log")).read_text() == "left by a crash"


def killed_at(deed: Callable[[], object]) -> int:
    """Run something in a process of its own, and give the signal that it died of."""
    pid = os.fork()
    if not pid:
        try:
            deed()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def dies() -> NoReturn:
    os.kill(os.getpid(), 9)
    raise AssertionError


def test_a_kill_while_a_file_is_copied_leaves_nothing(case: cases.Case, tmp_path: Path) -> None:
    (tmp_path / "auth.log").write_text("x")
    assert killed_at(lambda: kept(case, str(tmp_path / "auth.log"), passing=once(dies))) == -9
    assert (lies(case), len(case.read().entries)) == ([], 1)


class Deadly(UserDict[str, object]):
    """What an entry is to say, and whoever takes it to write it dies."""

    def keys(self) -> NoReturn:
        dies()


def test_a_kill_before_the_entry_leaves_a_whole_file_and_a_sound_journal(case: cases.Case, tmp_path: Path) -> None:
    (tmp_path / "auth.log").write_text("x")
    deadly = Said(Kind.FILE, "", Deadly())
    assert killed_at(lambda: kept(case, str(tmp_path / "auth.log"), deadly)) == -9
    assert (lies(case), case.read().broken, len(case.read().entries)) == (["0002-auth.log"], None, 1)
    assert filed(kept(case, str(tmp_path / "auth.log")))[0].file == "evidence/0002-2-auth.log"


def test_where_the_entry_cannot_be_written_no_file_stays(case: cases.Case, tmp_path: Path) -> None:
    (tmp_path / "auth.log").write_text("x")
    with pytest.raises(FormatError, match="an entry holds at most 1 MiB"):
        kept(case, str(tmp_path / "auth.log"), Said(Kind.FILE, "x" * (2 << 20)))
    case.add(HAND, Said(Kind.CLOSED, "done"))
    with pytest.raises(UsageError, match="was closed on"):
        kept(case, str(tmp_path / "auth.log"))
    assert lies(case) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    if os.geteuid() or os.system("unshare -m true 2>/dev/null"):
        pytest.skip("only root mounts a tmpfs")
    place = tmp_path / "disk"
    place.mkdir()
    if os.system(f"mount -t tmpfs -o size=256k none {place} 2>/dev/null"):
        pytest.skip("no tmpfs can be mounted here")
    yield place
    os.system(f"umount {place}")


def test_a_full_disk_leaves_nothing_half(small_disk: Path, tmp_path: Path) -> None:
    case, _first = cases.begun(str(small_disk / "st"), "full", HAND, {})
    (tmp_path / "big").write_bytes(os.urandom(300_000))
    with pytest.raises(AuditkitError, match="cannot be written: No space left on device"):
        kept(case, str(tmp_path / "big"))
    assert (lies(case), len(case.read().entries)) == ([], 1)
    filler = small_disk / "filler"
    left = os.statvfs(small_disk)
    filler.write_bytes(b"x" * (left.f_bavail * left.f_bsize))
    with pytest.raises(AuditkitError, match="No space left on device"):  # not even for a line of the journal
        notes(case)
    assert case.read().torn == b""
    assert len(lies(case)) == len(case.read().entries) - 1
    filler.unlink()
    assert filed(evidence.written(case, HAND, "note", [b"now"], Said(Kind.COMMAND, "again")))[0].size == 3


def notes(case: cases.Case) -> None:
    for _number in range(1000):
        evidence.written(case, HAND, "note", [], Said(Kind.COMMAND, "x" * 1000))


# --- what is read again


def report(case: cases.Case, text: bytes = b'{"schema": "auditkit/report/1", "hosts": []}') -> Entry:
    return evidence.written(case, HAND, "logins.json", [text], Said(Kind.COMMAND, "logins", {"command": "logins", "exit": 0}))


def test_reports_come_back_with_their_entries(case: cases.Case) -> None:
    entry = report(case)
    case.add(HAND, Said(Kind.COMMAND, "an audit that failed", {"command": "audit", "exit": 2}))
    assert [(one.entry, one.document["hosts"]) for one in evidence.reports(case)] == [(entry, [])]


def change(path: Path) -> None:
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"[]", b"{}"))


def linked(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        (change, "is not as it was kept: its digest is another"),
        (Path.unlink, "is not there"),
        (linked, "cannot be read"),
        (piped, "cannot be read"),
    ],
    ids=["changed", "gone", "a link", "a pipe"],
)
def test_a_report_that_is_not_as_it_was_kept_is_never_used(case: cases.Case, deed: Callable[[Path], object], told: str) -> None:
    report(case)
    deed(Path(case.at("evidence", "0002-logins.json")))
    with pytest.raises(AuditkitError, match=told):
        evidence.reports(case)


def test_a_path_that_leads_out_of_the_case_is_not_followed(case: cases.Case) -> None:
    """Who can write the journal can write a whole chain."""
    digest = sha256(Path("/etc/passwd").read_bytes()).hexdigest()
    for path in (
        "../../../../etc/passwd",
        "/etc/passwd",
        "evidence/../../x",
        "evidence/0002-x/../../../x",
        "evidence/0002-x\n",
    ):
        entry = case.add(HAND, Said(Kind.COMMAND, "x", {"file": path, "sha256": digest, "size": 1}))
        with pytest.raises(UntrustedError, match="tells of a file as auditkit never does"):
            filed(entry)
    with pytest.raises(UntrustedError):
        evidence.reports(case)


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"[" * 100_000, b"\xff", b"nan"])
def test_what_is_no_report_is_told(case: cases.Case, text: bytes) -> None:
    report(case, text)
    with pytest.raises(UntrustedError, match="is no report"):
        evidence.reports(case)


# --- the command


def attach(cli: Cli, *words: str) -> Outcome:
    return cli.run("incident", "attach", "1", *words, "--store", str(cli.store), "--by", "anna")


def test_files_are_attached_with_where_they_are_from_and_what_made_them(cli: Cli) -> None:
    case, _first = cases.begun(str(cli.store), "fifty failed logins", HAND, {})
    log = cli.home / "auth.log"
    log.write_text("a line\n")
    told = attach(cli, str(log), "--source", "loghost", "--tool", "scp", "--note", "copied by Ben")
    digest = sha256(b"a line\n").hexdigest()
    assert told.out == f"entry 2 of case 2026-001: evidence/0002-auth.log, 7 bytes\n  SHA-256 {digest}\n"
    entry = case.read().entries[-1]
    assert (entry.hand.actor, entry.said.text) == ("anna", f"copied by Ben: 7 bytes copied from {log}")
    assert (entry.said.data["source"], entry.said.data["tool"]) == ("loghost", "scp")
    (one,) = json.loads(attach(cli, str(log), "--format", "json").out)["files"]
    assert (one["entry"], one["file"], one["sha256"]) == (3, "evidence/0003-auth.log", digest)
    assert cli.run("incident", "verify", "1", "--store", str(cli.store)).code == 0


def test_what_cannot_be_attached_stops_nothing_else(cli: Cli) -> None:
    """As with /var/log/*, among which there are directories."""
    cases.begun(str(cli.store), "fifty failed logins", HAND, {})
    (cli.home / "b\x1b[2J").write_text("x")
    words = [str(cli.home / name) for name in ("tree", "b\x1b[2J", "none")]
    told = attach(cli, *words)
    assert told.code == 2
    assert told.out.splitlines()[0] == "entry 2 of case 2026-001: evidence/0002-b_2J, 1 byte"
    assert f"auditkit: error: {words[0]} is a directory\nhint: pack it: tar -cf " in told.err
    assert f"auditkit: error: {words[2]} cannot be read: No such file or directory\n" in told.err
    assert attach(cli, words[0]).code == 2
    assert "there is no case 1" in cli.run("incident", "attach", "1", words[1], "--store", str(cli.home)).err


def test_a_file_that_nobody_but_root_may_read_is_told(by_nobody: Cli) -> None:
    assert by_nobody.run("incident", "open", "x", "--store", str(by_nobody.store)).code == 0
    told = attach(by_nobody, "/etc/shadow")
    assert (told.code, told.err.splitlines()[0]) == (2, "auditkit: error: /etc/shadow cannot be read: Permission denied")


def test_a_manifest_lists_what_is_kept_for_stock_tools_and_the_journal_counts(
    case: cases.Case, cli: Cli, tmp_path: Path
) -> None:
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_text(name)
        kept(case, str(tmp_path / name))
    manifest = Path(case.at("manifest.sha256"))
    check = ["sha256sum", "--quiet", "--strict", "-c", manifest.name]
    assert subprocess.run(check, cwd=case.path, check=False).returncode == 0
    assert [line.split()[1] for line in manifest.read_text().splitlines()] == ["evidence/0002-a.log", "evidence/0003-b.log"]
    whole = manifest.read_bytes()
    for behind in (whole.splitlines(keepends=True)[0], b""):  # as after a crash: the journal tells of all
        manifest.write_bytes(behind)
        assert cli.run("incident", "verify", case.path).code == 0
    case.add(HAND, Said(Kind.ACTION, "went on"))
    assert manifest.read_bytes() == whole
    for other in (whole.replace(b"0003-b", b"0004-b"), b"0" * 64 + whole[64:], b"?" + whole):
        manifest.write_bytes(other)
        done = cli.run("incident", "verify", case.path)
        assert (done.code, "WRONG  manifest.sha256" in done.out) == (4, True), done.out
