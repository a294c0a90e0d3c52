"""Logs as hosts and evidence hand them out: the same bytes as on the disk, with the same facts, and no lie goes through."""

import gzip
import lzma
import os
import subprocess
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditkit import evidence
from auditkit.evidence import Header
from auditkit.hosts.recorded import opened
from auditkit.hosts.root import Root
from auditkit.logins import places
from auditkit.logins.nouns import Condition, Log, What
from auditkit.logs import received, spool
from auditkit.logs.files import Source, found
from auditkit.logs.reading import WORTH, readings
from auditkit.logs.received import Received
from auditkit.logs.zones import Machine
from auditkit.model import Gap, Item, Means, Need
from auditkit.probe import logs
from auditkit.recording import Recording, Writer

LINE = b"Nov 24 09:54:53 vm sshd[1]: Invalid user \xff from 192.0.2.1 port 9\r\n"
AUTH = Need(Means.LOG, "/var/log/auth.log*")
NEEDS = (AUTH, Need(Means.LOG, "/var/log/wtmp*"), Need(Means.LOG, "/var/log/lastlog"), Need(Means.LOG, "/var/log/secure*"))
JOURNAL = Need(Means.COMMAND, "/bin/journalctl -o export", long=True)
THEN = datetime(2026, 11, 24, tzinfo=UTC)
DATA = Path(__file__).parent / "data"


Receive = Callable[..., tuple[Source, ...]]


@pytest.fixture
def receive() -> Iterator[Receive]:
    """Gives the sources that items come to; their files go with the test."""
    with ExitStack() as files:
        yield lambda needs, told: files.enter_context(closing(Received(needs))).take(told).sources()


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A disk with logs of several kinds."""
    log = tmp_path / "disk/var/log"
    log.mkdir(parents=True)
    (log / "auth.log").write_bytes(LINE * 40_000)
    (log / "auth.log.1").write_bytes(b"")
    (log / "auth.log.2.gz").write_bytes(gzip.compress(LINE * 100))
    (log / "auth.log.3.gz").write_bytes(gzip.compress(LINE * 100)[:-20])
    (log / "wtmp").write_bytes(os.urandom(384 * 9))
    os.mkfifo(log / "wtmp.1")
    with open(log / "lastlog", "wb") as lastlog:
        lastlog.write(b"root" * 73)
        lastlog.seek(60 << 20)
        lastlog.write(b"anna" * 73)
    return tmp_path / "disk"


def told(sources: Iterable[Source]) -> dict[str, tuple[Log, int, str]]:
    """Name of each source to its facts, a sum over its bytes, and why they end too early."""
    sums = {}
    for source in sources:
        total = 0
        for piece in source.data.chunks():
            total = zlib.crc32(piece, total)
        sums[source.log.name] = source.log, total, source.data.broke
    return sums


def test_what_a_host_hands_out_is_what_lies_there(disk: Path, receive: Receive) -> None:
    here = told(found(str(disk), [need.what for need in NEEDS]))
    assert here == told(receive(NEEDS, Root("root:disk", str(disk)).take(NEEDS)))
    assert {name: log.condition for name, (log, _sum, _broke) in here.items()} == {
        "/var/log/auth.log": Condition.READ,
        "/var/log/auth.log.1": Condition.EMPTY,
        "/var/log/auth.log.2.gz": Condition.READ,
        "/var/log/auth.log.3.gz": Condition.READ,
        "/var/log/wtmp": Condition.READ,
        "/var/log/wtmp.1": Condition.UNREADABLE,
        "/var/log/lastlog": Condition.READ,
        "/var/log/secure": Condition.ABSENT,
    }
    assert here["/var/log/auth.log.3.gz"][2] == "its packing breaks off: the rest is missing"


def test_what_evidence_holds_is_what_lay_there(disk: Path, tmp_path: Path, receive: Receive) -> None:
    path = str(tmp_path / "one.evidence.zst")
    with Writer(path, Header("root:disk", "root", THEN, "test")) as writer:
        for _one in Recording(Root("root:disk", str(disk)), writer).take(NEEDS):
            pass
        writer.record("mounts", None, b"")
        writer.close()
    here = told(found(str(disk), [need.what for need in NEEDS]))
    with closing(opened(evidence.read(path))) as host:
        for _again in range(2):
            assert told(receive(NEEDS, host.take(NEEDS))) == here


def test_a_sparse_file_is_handed_out_without_its_holes_and_is_whole_again(disk: Path, receive: Receive) -> None:
    need = (NEEDS[2],)
    items = list(Root("root:disk", str(disk)).take(need))
    assert sum(len(item.data) for item in items if isinstance(item, Item)) < 1 << 20
    (source,) = receive(need, items)
    whole = source.data.whole()
    assert (bytes(whole[:4]), bytes(whole[-4:]), len(whole)) == (b"root", b"anna", (60 << 20) + 292)


def test_of_too_many_logs_the_newest_are_handed_out_and_the_rest_is_named(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "BOUND", 3 << 20)
    for number, name in enumerate(("auth.log", "auth.log.1", "auth.log.2.gz", "auth.log.3.gz")):
        os.utime(disk / "var/log" / name, (10_000 - number, 10_000 - number))
    (disk / "var/log/auth.log.1").write_bytes(LINE * 40_000)
    os.utime(disk / "var/log/auth.log.1", (9_999, 9_999))
    items = list(Root("root:disk", str(disk)).take((AUTH,)))
    assert {item.source for item in items if isinstance(item, Item)} == {"/var/log/auth.log"}
    (gap,) = (one for one in items if isinstance(one, Gap))
    assert gap.subject == "/var/log/auth.log*"
    assert gap.reason.startswith("left out: /var/log/auth.log.1 and 2 older files (")


def test_a_private_key_in_the_place_of_a_log_stays_where_it_is(disk: Path) -> None:
    (disk / "var/log/auth.log").write_bytes(b"-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n")
    (disk / "etc").mkdir()
    (disk / "etc/shadow").write_bytes(b"root:$6$hash:1::::::\n")
    (disk / "var/log/auth.log.1").unlink()
    (disk / "var/log/auth.log.1").symlink_to("/etc/shadow")
    items = list(Root("root:disk", str(disk)).take((AUTH,)))
    assert not [one for one in items if isinstance(one, Item) and (b"secret" in one.data or b"hash" in one.data)]
    assert {one.subject for one in items if isinstance(one, Gap)} == {"/var/log/auth.log", "/var/log/auth.log.1"}


# --- lies


def piece(at: int, data: bytes, size: int = 100, inode: int = 7) -> Item:
    return Item(AUTH, "/var/log/auth.log", b"%d 5 100640 0 4 %d %d\n" % (size, inode, at) + data, THEN, "")


@pytest.mark.parametrize(
    "pieces",
    [
        [piece(0, bytes(50)), piece(40, bytes(60))],
        [piece(0, bytes(101))],
        [piece(0, bytes(50)), piece(50, bytes(50), inode=8)],
        [piece(0, bytes(50)), piece(50, bytes(50), size=120)],
        [Item(AUTH, "/var/log/auth.log", b"no head at all", THEN, "")],
        [Item(AUTH, "/var/log/auth.log", b"", THEN, "")],
    ],
)
def test_a_host_that_contradicts_itself_over_a_log_is_told_of(pieces: list[Item], receive: Receive) -> None:
    (source,) = receive((AUTH,), pieces)
    list(source.data.chunks())
    assert received.LIES in (source.log.reason, source.data.broke)


def test_a_log_whose_end_does_not_come_is_cut(receive: Receive) -> None:
    (source,) = receive((AUTH,), [piece(0, b"a" * 60)])
    assert b"".join(source.data.chunks()) == b"a" * 60
    assert source.data.broke == received.CUT


def test_a_hole_that_is_longer_than_any_log_is_not_filled(receive: Receive) -> None:
    pieces = [piece(0, b"a", 1 << 45), piece(1 << 44, b"b", 1 << 45), piece(1 << 45, b"", 1 << 45)]
    (source,) = receive((AUTH,), pieces)
    assert b"".join(source.data.chunks()) == b"a"
    assert source.data.broke == spool.LONGER


@given(st.lists(st.binary(max_size=60) | st.integers(0, 120).map(lambda at: piece(at, bytes(at // 2)).data), max_size=5))
def test_no_bytes_of_a_host_raise(pieces: list[bytes]) -> None:
    got = Received((AUTH, JOURNAL)).take(
        Item(need, "/var/log/auth.log", data, THEN, "") for data in pieces for need in (AUTH, JOURNAL)
    )
    for source in got.sources():
        assert len(b"".join(source.data.chunks())) <= max(120, sum(map(len, pieces)))
    got.close()


def test_logs_that_there_is_no_room_for_are_cut_and_say_so(receive: Receive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "KEPT", 3000)
    pieces = [piece(at, os.urandom(1000), 10_000) for at in range(0, 10_000, 1000)]
    (source,) = receive((AUTH,), pieces)
    assert len(b"".join(source.data.chunks())) == 2000
    assert source.data.broke.startswith("more than 0 GiB of logs came")


# --- what journalctl writes


def journal(*pieces: bytes) -> list[Item]:
    return [Item(JOURNAL, JOURNAL.what, data, THEN, "") for data in pieces]


def test_what_journalctl_writes_is_one_source(receive: Receive) -> None:
    (source,) = receive((JOURNAL,), journal(b">__CURSOR=a\n", b">__REALTIME_TIMESTAMP=1\n\n", b"=0\n"))
    assert source.log == Log("journal")
    assert b"".join(source.data.chunks()) == b"__CURSOR=a\n__REALTIME_TIMESTAMP=1\n\n"


@pytest.mark.parametrize(
    ("pieces", "condition"),
    [
        ([], Condition.ABSENT),
        ([b"=1\nNo journal files were found.\n"], Condition.ABSENT),
        ([b">-- No entries --\n", b"=0\n"], Condition.EMPTY),
        ([b"=1\nFailed to open files: Permission denied\n"], Condition.UNREADABLE),
        ([b">__CURSOR=a\n", b"=-\n"], Condition.TRUNCATED),
        ([b">__CURSOR=a\n"], Condition.TRUNCATED),
    ],
)
def test_a_journal_that_is_not_there_is_empty_or_is_cut_are_different_things(
    pieces: list[bytes], condition: Condition, receive: Receive
) -> None:
    (source,) = receive((JOURNAL,), journal(*pieces))
    assert source.log.condition is condition


@pytest.mark.skipif(not Path("/bin/journalctl").exists(), reason="there is no journalctl here")
def test_what_journalctl_is_asked_for_tells_what_the_file_of_the_journal_tells(tmp_path: Path, receive: Receive) -> None:
    folder = tmp_path / "var/log/journal/0123456789abcdef0123456789abcdef"
    folder.mkdir(parents=True)
    (folder / "system.journal").write_bytes(lzma.decompress((DATA / "out.journal.xz").read_bytes()))
    need = places.journal(places.ENTRIES)
    program, *words = need.what.split(" ")
    done = subprocess.run([program, "-D", str(folder.parent), *words], capture_output=True, check=True)
    pieces = [b">" + done.stdout[at : at + 10_000] for at in range(0, len(done.stdout), 10_000)]
    sources = receive((need,), (Item(need, need.what, data, THEN, "") for data in (*pieces, b"=0\n")))
    now = Machine(int(THEN.timestamp() * 10**9) + 10**15, b"")
    (told,) = readings(sources, now)
    (file,) = readings(tuple(found(str(tmp_path), ["/var/log/journal/*/*.journal"])), now)
    assert told.format
    assert told.tally.counts == file.tally.counts
    assert told.tally.counts[What.ACCEPTED] == 2


def test_what_a_host_told_is_read_however_much_it_is(receive: Receive) -> None:
    """Its bytes lie in a file of ours without a name, which no other process can open."""
    size = WORTH + len(LINE)
    sources = receive((AUTH,), [piece(0, LINE, size), piece(WORTH, LINE, size)])
    (told,) = readings(sources, Machine(int(THEN.timestamp() * 10**9), b""))
    assert (told.log.condition, told.tally.counts[What.INVALID_USER]) == (Condition.READ, 2)
    assert told.notes.nul_runs
