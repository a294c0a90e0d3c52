"""Logs on a real disk: which only grew or were rotated, and which were rewritten."""

import bz2
import gzip
import lzma
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from trees import scanned

from auditkit import compare, growth, settle
from auditkit.model import Change, ChangeKind, Entry, Kind, Level, Severity, Watch
from auditkit.probe import digest, rotation
from auditkit.probe.rotation import beginnings, family

OLD = b"Nov 24 03:12:01 srv-01 sshd[811]: Failed password for root from 203.0.113.7 port 4711 ssh2\n" * 40
OLDER = b"Nov 23 04:00:00 srv-01 CRON[99]: session opened\n" * 20
OLDEST = b"Nov 22 04:00:00 srv-01 CRON[98]: session opened\n" * 20
NEW = b"Nov 24 12:00:00 srv-01 sshd[900]: Accepted publickey for anna from 192.168.10.7 port 50000 ssh2\n"
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor().compress,
}


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """What logrotate left: the log, yesterday's, and an older one that is compressed."""
    made = tmp_path / "log"
    made.mkdir()
    (made / "auth.log").write_bytes(OLD)
    (made / "auth.log.1").write_bytes(OLDER)
    (made / "auth.log.2.gz").write_bytes(gzip.compress(OLDEST))
    return made


def append(path: Path, data: bytes = NEW) -> None:
    with path.open("ab") as file:
        file.write(data)


def pack(path: Path, ending: str = "gz", target: Path | None = None) -> None:
    (target or path.with_name(f"{path.name}.{ending}")).write_bytes(PACKERS[ending](path.read_bytes()))
    path.unlink()


def shift(logs: Path) -> None:
    """Make room for a new auth.log.1, as logrotate does with `delaycompress`."""
    (logs / "auth.log.2.gz").rename(logs / "auth.log.3.gz")
    pack(logs / "auth.log.1", target=logs / "auth.log.2.gz")


def rename(logs: Path) -> None:
    shift(logs)
    (logs / "auth.log").rename(logs / "auth.log.1")
    (logs / "auth.log").write_bytes(NEW)


def rename_and_write_on(logs: Path) -> None:
    """The daemon went on with the old file for a while."""
    rename(logs)
    append(logs / "auth.log.1")


def copytruncate(logs: Path) -> None:
    shift(logs)
    shutil.copy2(logs / "auth.log", logs / "auth.log.1")
    os.truncate(logs / "auth.log", 0)


def dated(ending: str = "") -> Callable[[Path], None]:
    def rotate(logs: Path) -> None:
        (logs / "auth.log").rename(logs / "auth.log-20261124")
        if ending:
            pack(logs / "auth.log-20261124", ending)
        (logs / "auth.log").write_bytes(NEW)

    return rotate


def without_a_new_one(logs: Path) -> None:
    """As with `nocreate`, or before the daemon writes its next line."""
    (logs / "auth.log").rename(logs / "auth.log-20261124")


GREW = f"auth.log: growing: grew by {len(NEW)} bytes; what it held before is unchanged"
ROTATED = """\
auth.log: rotated: what it held is now in auth.log.1
auth.log.1: rotated: what it held is now in auth.log.2.gz
auth.log.2.gz: rotated: what it held is now in auth.log.3.gz
auth.log.3.gz: rotated: holds what was in auth.log.2.gz"""


def packed_as(ending: str) -> str:
    name = f"auth.log-20261124{ending}"
    return f"auth.log: rotated: what it held is now in {name}\n{name}: rotated: holds what was in auth.log"


def shown(change: Change) -> str:
    name = change.path.rpartition("/")[2]
    if change.explanation:
        return f"{name}: {change.explanation.by}: {change.explanation.text}"
    attributes = f" ({','.join(change.attributes)})" if change.attributes else ""
    return f"{name}: {change.rule} {change.severity.word}{attributes}" + (f"; {change.note}" if change.note else "")


def judged(root: Path, before: list[bytes], level: Level) -> str:
    """What is said of the logs below a root, each change one line."""

    def watch(path: str) -> Watch | None:
        return Watch("/log", level, Severity.MEDIUM) if path != "/" else None

    told = compare.compare(compare.pairs(before, scanned(root, level)), watch)
    changes = settle.settle([one for one in told if isinstance(one, Change)], ())
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        begun = growth.telling(changes, beginnings(handle, growth.asked(changes)), watch)
    finally:
        os.close(handle)
    gaps = [f"{gap.subject.rpartition('/')[2]}: gap: {gap.reason}" for gap in growth.unknown(changes, begun)]
    return "\n".join([*map(shown, growth.settle(changes, begun)), *gaps])


def after(event: Callable[[Path], object], logs: Path, level: Level) -> str:
    before = scanned(logs.parent, level)
    event(logs)
    return judged(logs.parent, before, level)


HONEST = {
    "nothing": (lambda _logs: None, ""),
    "lines at its end": (lambda logs: append(logs / "auth.log"), GREW),
    "rename": (rename, ROTATED),
    "rename, the daemon wrote on": (rename_and_write_on, ROTATED),
    "copytruncate": (copytruncate, ROTATED),
    "dateext": (dated(), packed_as("")),
    "dateext, gz": (dated("gz"), packed_as(".gz")),
    "dateext, bz2": (dated("bz2"), packed_as(".bz2")),
    "dateext, xz": (dated("xz"), packed_as(".xz")),
    "dateext, zst": (dated("zst"), packed_as(".zst")),
    "no new log yet": (without_a_new_one, "auth.log-20261124: rotated: moved from auth.log"),
    "the oldest goes": (lambda logs: (logs / "auth.log.2.gz").unlink(), "auth.log.2.gz: log-rotated-away info"),
    "a log of another family": (lambda logs: append(logs / "mail.log"), "mail.log: path-added low; a new log"),
    "only its times": (lambda logs: os.utime(logs / "auth.log"), ""),
}


@pytest.mark.parametrize(("event", "told"), HONEST.values(), ids=HONEST)
def test_a_log_that_grew_or_was_rotated_is_explained(event: Callable[[Path], object], told: str, logs: Path) -> None:
    assert after(event, logs, Level.ROTATED) == told


def at_start(data: bytes) -> Callable[[Path], object]:
    return lambda logs: (logs / "auth.log").write_bytes(data)


def edited_then_rotated(logs: Path) -> None:
    (logs / "auth.log").write_bytes(OLD.replace(b"203.0.113.7", b"192.168.10.8"))
    rename(logs)


def replaced_by_broken_archives(logs: Path) -> None:
    """Archives that say they are some and are not, or that end in the middle."""
    (logs / "auth.log").write_bytes(NEW)
    for ending, packed in PACKERS.items():
        (logs / f"auth.log.3.{ending}").write_bytes(b"no archive at all")
        (logs / f"auth.log.4.{ending}").write_bytes(packed(OLD)[: len(packed(OLD)) // 2])
        (logs / f"auth.log.5.{ending}").write_bytes(packed(OLD)[:9] + b"\xff" * 40)


EDITED = "auth.log: log-rewritten medium (digest); does not begin as it did"
NOWHERE = "; what it held is in none of its rotations"
TAMPERED = {
    "edited, as long as before": (at_start(OLD.replace(b"root", b"anna")), EDITED + NOWHERE),
    "edited, and longer": (at_start(OLD[100:] + NEW * 2), EDITED + NOWHERE),
    "cut": (
        at_start(OLD[:95]),
        f"auth.log: log-rewritten medium (digest); shrank from {len(OLD)} to 95 bytes{NOWHERE}",
    ),
    "emptied": (
        at_start(b""),
        f"auth.log: log-rewritten medium (digest); shrank from {len(OLD)} to 0 bytes{NOWHERE}",
    ),
    "removed": (lambda logs: (logs / "auth.log").unlink(), "auth.log: path-removed medium"),
}


@pytest.mark.parametrize(("event", "told"), TAMPERED.values(), ids=TAMPERED)
def test_a_log_that_lost_something_is_told(event: Callable[[Path], object], told: str, logs: Path) -> None:
    assert after(event, logs, Level.ROTATED) == told


def test_a_log_that_was_edited_and_then_rotated_is_told(logs: Path) -> None:
    first = after(edited_then_rotated, logs, Level.ROTATED).splitlines()[0]
    assert first == f"auth.log: log-rewritten medium (digest); shrank from {len(OLD)} to {len(NEW)} bytes{NOWHERE}"


def test_archives_that_cannot_be_unpacked_explain_nothing_and_stop_nothing(logs: Path) -> None:
    told = after(replaced_by_broken_archives, logs, Level.ROTATED).splitlines()
    assert told[0].startswith("auth.log: log-rewritten")
    assert {line.partition(": ")[2] for line in told[1:]} == {"path-added low; a new log"}


UNPACKERS = {"gz": "gzip", "bz2": "bz2", "xz": "lzma", "zst": "zstandard"}


@pytest.fixture(params=UNPACKERS)
def ending(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How logs are packed there, and nothing there unpacks that."""
    monkeypatch.setitem(sys.modules, UNPACKERS[request.param], None)
    return str(request.param)


def gap_of(name: str, holder: str, what: str = "it changed") -> str:
    return f"{name}: gap: {what}, and what it held may be in {holder}, which nothing on this host unpacks"


def test_a_rotation_that_nothing_there_unpacks_is_neither_rewritten_nor_clean(logs: Path, ending: str) -> None:
    name = f"auth.log-20261124.{ending}"
    told = after(dated(ending), logs, Level.ROTATED)
    assert told == f"{name}: path-added low; a new log\n{gap_of('auth.log', name)}"


def test_a_log_that_went_into_such_a_rotation_is_not_told_to_be_taken_away(logs: Path, ending: str) -> None:
    name = f"auth.log-20261124.{ending}"
    told = after(lambda logs: pack(logs / "auth.log", target=logs / name, ending=ending), logs, Level.ROTATED)
    first, second, gap = told.splitlines()
    assert (first, second) == ("auth.log: log-rotated-away info", f"{name}: path-added low; a new log")
    assert gap == gap_of("auth.log", name, "it is gone")


def test_the_usual_rotation_is_explained_as_far_as_it_can_be(logs: Path, ending: str) -> None:
    for number, data in ((2, OLDEST), (3, b"older still\n")):
        (logs / f"auth.log.{number}.gz").unlink(missing_ok=True)
        (logs / f"auth.log.{number}.{ending}").write_bytes(PACKERS[ending](data))

    def rotate(logs: Path) -> None:
        (logs / f"auth.log.2.{ending}").rename(logs / f"auth.log.3.{ending}")
        pack(logs / "auth.log.1", target=logs / f"auth.log.2.{ending}", ending=ending)
        (logs / "auth.log").rename(logs / "auth.log.1")
        (logs / "auth.log").write_bytes(NEW)

    told = after(rotate, logs, Level.ROTATED).splitlines()
    assert told[0] == "auth.log: rotated: what it held is now in auth.log.1"
    assert told[1] == f"auth.log.2.{ending}: rotated: what it held is now in auth.log.3.{ending}"
    assert told[2].startswith(f"auth.log.3.{ending}: log-rotated-away info")
    assert told[3:] == [gap_of("auth.log.1", f"auth.log.2.{ending}")]


def test_an_old_rotation_excuses_no_log_that_was_emptied(logs: Path, ending: str) -> None:
    (logs / f"auth.log.2.{ending}").write_bytes(PACKERS[ending](OLDEST))
    told = after(lambda logs: os.truncate(logs / "auth.log", 0), logs, Level.ROTATED)
    assert told.startswith(f"auth.log: log-rewritten medium (digest); shrank from {len(OLD)} to 0 bytes")
    told = after(edited_then_rotated, logs, Level.GROWING)
    assert "gap" not in told


def test_a_rotation_that_nobody_watches_may_hold_anything() -> None:
    before = Entry("/log/x", Kind.FILE, size=9, digests=("sha256:00",))
    changed = replace(before, size=3, digests=("sha256:01",))
    rewritten = Change(
        "/log/x", ChangeKind.CHANGED, before, changed, ("digest",), Severity.HIGH, Level.ROTATED, compare.REWRITTEN.id
    )
    begun = [("/log/x", "x.1.zst", "")]
    assert growth.telling([rewritten], begun, lambda _path: None) == (*begun,)
    assert growth.telling([rewritten], begun, lambda path: Watch(path, Level.EXISTS, Severity.LOW)) == (*begun,)
    assert growth.telling([rewritten], begun, lambda path: Watch(path, Level.ROTATED, Severity.LOW)) == ()


def test_a_log_that_is_too_long_to_be_read_again_is_a_gap(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "LARGEST", 10)
    told = after(lambda logs: append(logs / "auth.log"), logs, Level.ROTATED)
    assert told == "auth.log: gap: it changed, and it is too long to tell whether what it held is still there"


def test_a_link_or_a_fifo_among_the_rotations_is_not_read(logs: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes(OLD)

    def event(logs: Path) -> None:
        (logs / "auth.log").write_bytes(NEW)
        (logs / "auth.log.3").symlink_to(tmp_path / "copy")
        os.mkfifo(logs / "auth.log.4")

    assert after(event, logs, Level.ROTATED).splitlines()[0].startswith("auth.log: log-rewritten")


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (lambda logs: append(logs / "auth.log"), GREW),
        (at_start(OLD[:95]), f"auth.log: log-rewritten medium (digest); shrank from {len(OLD)} to 95 bytes"),
        (at_start(OLD.replace(b"root", b"anna")), EDITED),
        (lambda logs: (logs / "auth.log").unlink(), "auth.log: path-removed medium"),
        (copytruncate, f"auth.log: log-rewritten medium (digest); shrank from {len(OLD)} to 0 bytes"),
    ],
    ids=["grown", "cut", "edited", "removed", "rotated"],
)
def test_what_may_only_grow_is_not_explained_by_rotation(event: Callable[[Path], object], told: str, logs: Path) -> None:
    assert told in after(event, logs, Level.GROWING).splitlines()


def rename_and_open(logs: Path) -> None:
    """Whoever may write to a log from now on is not explained by its rotation."""
    rename(logs)
    (logs / "auth.log").chmod(0o666)


def move_and_open(logs: Path) -> None:
    without_a_new_one(logs)
    (logs / "auth.log-20261124").chmod(0o666)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (rename_and_open, "auth.log: attributes-changed medium (mode)"),
        (move_and_open, "auth.log-20261124: path-moved medium (path,mode); moved from /log/auth.log"),
    ],
)
def test_what_else_changed_of_a_log_that_was_rotated_is_told(event: Callable[[Path], object], told: str, logs: Path) -> None:
    (logs / "auth.log").chmod(0o640)
    assert told in after(event, logs, Level.ROTATED).splitlines()


def test_what_else_changed_of_a_log_that_grew_is_told(logs: Path) -> None:
    def event(logs: Path) -> None:
        append(logs / "auth.log")
        (logs / "auth.log").chmod(0o666)

    assert after(event, logs, Level.ROTATED) == "auth.log: attributes-changed medium (mode)"


def test_a_log_that_became_a_link_is_told_as_such(logs: Path) -> None:
    def event(logs: Path) -> None:
        (logs / "auth.log").unlink()
        (logs / "auth.log").symlink_to("/dev/null")

    assert after(event, logs, Level.ROTATED) == "auth.log: kind-changed medium (kind); file → symlink"


def test_an_empty_log_may_become_anything(logs: Path) -> None:
    os.truncate(logs / "auth.log", 0)
    assert after(lambda logs: append(logs / "auth.log"), logs, Level.GROWING) == GREW


def test_a_name_with_spaces_is_rotated_like_any_other(logs: Path) -> None:
    (logs / "my own log").write_bytes(OLD)

    def event(logs: Path) -> None:
        (logs / "my own log").rename(logs / "my own log.1")
        (logs / "my own log").write_bytes(NEW)

    assert after(event, logs, Level.ROTATED) == (
        "my own log: rotated: what it held is now in my own log.1\nmy own log.1: rotated: holds what was in my own log"
    )


def test_a_log_whose_old_length_nobody_knows_is_not_called_grown() -> None:
    """Baselines from checksum lists know digests and no sizes."""
    before = Entry("/log/x", Kind.FILE, digests=("sha256:00",))
    after = replace(before, size=9, digests=("sha256:01",))
    rewritten = Change(
        "/log/x", ChangeKind.CHANGED, before, after, ("digest",), Severity.HIGH, Level.GROWING, compare.REWRITTEN.id
    )
    (settled,) = growth.settle([rewritten], [("/log/x", "x", "sha256:e3b0")])
    assert (settled.explanation, settled.rule) == (None, compare.REWRITTEN.id)


def test_a_host_that_cannot_compute_the_digest_says_nothing(logs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "blake3", None)
    handle = os.open(logs, os.O_RDONLY | os.O_DIRECTORY)
    try:
        assert list(beginnings(handle, [("/auth.log", 3, ("blake3",), True)])) == []
        assert len(list(beginnings(handle, [("/auth.log", 3, ("sha256",), False)]))) == 1
    finally:
        os.close(handle)


@pytest.mark.parametrize(
    ("name", "log"),
    [
        ("auth.log", "auth.log"),
        ("auth.log.1", "auth.log"),
        ("auth.log.12.gz", "auth.log"),
        ("auth.log-20261124", "auth.log"),
        ("auth.log-20261124.xz", "auth.log"),
        ("auth.log-20261124-1732448000.zst", "auth.log-20261124-1732448000"),
        ("auth.log.gz", "auth.log"),
        ("app-2026-11.log", "app-2026-11.log"),
        ("wtmp.1", "wtmp"),
        (".1", ".1"),
        ("a\nb.1", "a\nb.1"),
        ("", ""),
    ],
)
def test_a_log_and_its_rotations_are_one_family(name: str, log: str) -> None:
    assert family(name) == log
