"""The databases of rpm: what each of the three kinds holds, what damage costs, and what a hostile one cannot do."""

import json
import random
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from rpmfiles import DATA, REAL, SHARED, bdb, ndb, sqlite

from auditkit.errors import FormatError, UntrustedError
from auditkit.model import Gap
from auditkit.packages import rpm, rpm_header, rpmdb

Make = Callable[[list[bytes]], bytes]
BLOBS = list(REAL)


@pytest.fixture(params=["sqlite", "ndb", "bdb", "bdb of a big-endian machine"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    """A writer of one kind of database."""
    makers: dict[str, Make] = {
        "sqlite": lambda blobs: sqlite(blobs, tmp_path / f"{random.random()}.sqlite"),
        "ndb": ndb,
        "bdb": bdb,
        "bdb of a big-endian machine": lambda blobs: bdb(blobs, ">"),
    }
    return makers[request.param]


def read(data: bytes, log: bytes = b"") -> tuple[list[bytes], list[Gap]]:
    told = list(rpmdb.headers(data, log))
    return [one for one in told if isinstance(one, bytes)], [one for one in told if isinstance(one, Gap)]


def names(blobs: list[bytes]) -> list[str]:
    return [rpm.package(rpm_header.parse(blob)).name for blob in blobs]


def whole(folder: str, file: str) -> bytes:
    if not SHARED.is_dir():
        pytest.skip("the whole databases are not here; only cuts of them are kept with the tests")
    return (SHARED / folder / file).read_bytes()


# what is in it


def test_every_header_comes_out_as_it_went_in(make: Make) -> None:
    assert read(make(BLOBS)) == (BLOBS, [])


def test_an_empty_database_holds_nothing_and_nothing_is_missing(make: Make) -> None:
    assert read(make([])) == ([], [])


def test_headers_of_every_size_come_out(make: Make) -> None:
    blobs = [bytes([size % 251]) * size for size in (30, 400, 480, 4000, 4050, 4061, 4062, 4080, 8100, 8170, 8190, 100_000)]
    assert read(make(blobs)) == (blobs, [])


@pytest.mark.parametrize("page", [512, 1024, 32768, 65536])
def test_pages_of_any_size_are_read(page: int, tmp_path: Path) -> None:
    many = BLOBS * 40
    assert read(sqlite(many, tmp_path / "db", page)) == (many, [])


def test_a_real_berkeley_database_is_read() -> None:
    headers, gaps = read(zstandard.decompress((DATA / "red-hat-8.Packages.zst").read_bytes()))
    assert (names(headers), gaps) == (["libuuid"], [])


def test_sle_15_is_read_exactly_as_listed() -> None:
    headers, gaps = read(whole("sle15-bci", "Packages.db"))
    expected = json.loads((SHARED / "sle15-bci/expected.json").read_text("utf-8"))
    told = []
    for blob in headers:
        header = rpm_header.parse(blob)
        package = rpm.package(header)
        (size,) = header.told.numbers(1009)
        told.append((package.name, package.version, package.arch, size, header.added.binary(261).hex()))
    listed = [(p["name"], f"{p['version']}-{p['release']}", p["arch"], p["size"], p["sigmd5"]) for p in expected]
    assert (sorted(told), gaps) == (sorted(listed), [])


def test_mariner_is_read_exactly_as_sqlite_reads_it() -> None:
    data = whole("cbl-mariner-2.0", "rpmdb.sqlite")
    db = sqlite3.connect(":memory:")
    db.deserialize(data[:18] + b"\1\1" + data[20:])  # a database in memory has no log
    assert read(data) == ([blob for (blob,) in db.execute("SELECT blob FROM Packages ORDER BY hnum")], [])
    db.close()
    assert len(read(data)[0]) == 129


# the log of SQLite


@pytest.fixture
def logged(tmp_path: Path) -> tuple[bytes, bytes]:
    """A database whose last three packages are only in its log, and the log."""
    path = tmp_path / "rpmdb.sqlite"
    sqlite(BLOBS[:3], path)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        for blob in BLOBS[3:6]:
            db.execute("INSERT INTO Packages (blob) VALUES (?)", (blob,))
            db.commit()
        told = path.read_bytes(), (tmp_path / "rpmdb.sqlite-wal").read_bytes()
    db.close()
    return told


def test_what_is_only_in_the_log_is_read(logged: tuple[bytes, bytes]) -> None:
    assert read(*logged) == (BLOBS[:6], [])


def test_without_the_log_the_database_is_as_old_as_its_file(logged: tuple[bytes, bytes]) -> None:
    assert read(logged[0]) == (BLOBS[:3], [])


def test_a_transaction_that_was_not_finished_did_not_happen(logged: tuple[bytes, bytes]) -> None:
    data, log = logged
    assert read(data, log[: -(24 + 4096)]) == (BLOBS[:5], [])


def test_a_damaged_frame_ends_the_log_and_is_said(logged: tuple[bytes, bytes]) -> None:
    data, log = logged
    headers, gaps = read(data, log[:-100] + b"\xff" + log[-99:])
    assert headers == BLOBS[:5]
    assert gaps == [
        Gap("the log of rpmdb.sqlite", "packages of the last transactions may be missing: a frame of it is damaged")
    ]


@pytest.mark.parametrize("log", [b"x", b"\0" * 32, b"no log at all" * 1000])
def test_another_file_as_the_log_is_said(log: bytes, logged: tuple[bytes, bytes]) -> None:
    headers, gaps = read(logged[0], log)
    assert headers == BLOBS[:3]
    assert gaps == [
        Gap("the log of rpmdb.sqlite", "packages of the last transactions may be missing: it is no log of this database")
    ]


# damage


def sound(blob: bytes) -> bool:
    """Whether a header is what its own digest says."""
    try:
        rpm_header.check_digests(rpm_header.parse(blob))
    except (FormatError, UntrustedError):
        return False
    return True


def test_a_page_of_zeros_costs_the_packages_on_it_only(make: Make) -> None:
    data = make(BLOBS)
    at = data.index(BLOBS[2][2048:2200]) // 4096 * 4096
    headers, gaps = read(data[:at] + bytes(4096) + data[at + 4096 :])
    believed = [blob for blob in headers if sound(blob)]
    lost = set(names(BLOBS)) - set(names(believed))
    assert names(BLOBS)[2] in lost
    assert len(lost) <= 2
    assert gaps or len(believed) < len(headers)


def test_what_is_wrong_is_said_of_each_part() -> None:
    data = ndb(BLOBS)
    at = data.index(BLOBS[1])
    assert read(data[: at + 900] + b"\xff" + data[at + 901 :])[1] == [Gap("package 2 in Packages.db", "its checksum is wrong")]
    assert read(data[:64] + b"slot" + data[68:])[1] == [
        Gap("page 0 of Packages.db", "1 slots are damaged: the packages in them are lost")
    ]
    data = bdb(BLOBS)
    assert read(data[:4096] + bytes(4096) + data[8192:])[1][:1] == [
        Gap("page 2 of Packages", "the package that begins on it is lost: no entry leads there any more")
    ]


def test_a_lost_leaf_costs_its_rows_only(tmp_path: Path) -> None:
    many = [bytes([number]) * 1000 for number in range(1, 60)]
    data = sqlite(many, tmp_path / "db")
    at = data.index(many[30]) // 4096 * 4096
    on_it = [blob for blob in many if blob in data[at : at + 4096]]
    headers, gaps = read(data[:at] + bytes(4096) + data[at + 4096 :])
    assert [gap.reason for gap in gaps] == ["the packages on it are lost: it is no page of a table"]
    assert [blob for blob in many if blob not in headers] == on_it


NO_TABLE = "rpmdb.sqlite has no table of packages, or the page that says where it lies is damaged"
NO_DATABASES = {
    b"": "the rpm database is of no kind that rpm has used since version 4",
    b"SQLite format 3\0": "rpmdb.sqlite is shorter than a page",
    b"SQLite format 3\0\3\0" + bytes(600): "rpmdb.sqlite has pages of 768 bytes",
    b"SQLite format 3\0\2\0" + bytes(2000): NO_TABLE,
    b"RpmP" + bytes(9000): "Packages.db is of version 0, with 0 pages of slots",
    b"RpmP" + struct.pack("<3I", 2, 1, 1 << 31) + bytes(9000): "Packages.db is of version 2, with 2147483648 pages of slots",
    bytes(12) + struct.pack("<3I", 0x061561, 9, 7): "Packages is shorter than a page",
    bytes(12) + struct.pack("<3I", 0x061561, 9, 7) + bytes(9000): (
        "Packages is no hash with pages that can be read: pages of 7 bytes"
    ),
}


@pytest.mark.parametrize(("data", "said"), NO_DATABASES.items())
def test_what_is_no_database_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(FormatError) as refused:
        read(data)
    assert str(refused.value) == said


def test_a_database_without_the_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other"
    with sqlite3.connect(path) as db:
        db.execute("CREATE VIEW Packages AS SELECT 1 AS hnum, x'00' AS blob")
    db.close()
    with pytest.raises(FormatError, match=NO_TABLE):
        read(path.read_bytes())


# hostile


def test_a_page_that_leads_to_itself_is_walked_once(tmp_path: Path) -> None:
    data = bytearray(sqlite([bytes([number]) * 1000 for number in range(1, 60)], tmp_path / "db"))
    root = next(at for at in range(4096, len(data), 4096) if data[at] == 5)
    data[root + 8 : root + 12] = struct.pack(">I", root // 4096 + 1)
    _headers, gaps = read(bytes(data))
    assert [gap.reason for gap in gaps] == [f"the packages on it are lost: page {root // 4096 + 1} is used twice"]


def test_slots_that_all_name_one_package_are_not_read_for_ever() -> None:
    data = ndb([bytes(200_000)])
    slot = data[32:48]
    headers, gaps = read(data[:32] + slot * 254 + data[4096:])
    assert len(headers) == 1
    assert gaps == [Gap("the rpm database", "so much of it is damaged that the rest is not read")]


def test_damage_without_end_is_told_of_up_to_a_limit() -> None:
    slot = struct.pack("<4s3I", b"Slot", 7, 0xFFFFFFF, 9)
    _headers, gaps = read(b"RpmP" + struct.pack("<7I", 0, 1, 8, 9, 0, 0, 0) + slot * (2048 - 2))
    assert len(gaps) == 1001


@pytest.mark.parametrize("seed", range(40))
def test_no_bytes_do_more_than_lose_packages(make: Make, seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(make(BLOBS[: chance.randint(1, 6)]))
    for _ in range(chance.randint(1, 30)):
        at = chance.randrange(len(data)) if chance.random() < 0.3 else chance.randrange(min(len(data), 8600))
        data[at : at + chance.choice((1, 1, 2, 4))] = chance.randbytes(chance.choice((0, 1, 1, 2, 4)))
    try:
        headers, gaps = read(bytes(data))
    except FormatError:
        return
    assert sum(map(len, headers)) <= len(data)
    assert len(gaps) <= rpmdb.MOST_GAPS + 1
