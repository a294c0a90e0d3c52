"""What is kept of runs, in SQLite and in a real PostgreSQL alike: by documents of runs, without asking any host."""

import json
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import zstandard
from conftest import SCHEMA, SOURCE
from documents import NASTY, change, finding, host, made
from postgres import started
from sqlalchemy import insert, inspect

from auditkit import history, runs
from auditkit.commands import keeping, looking, options, past, running
from auditkit.errors import AuditkitError, ConfigError, FormatError, UsageError
from auditkit.history import listing
from auditkit.history.opening import writing
from auditkit.history.steps import STEPS
from auditkit.history.tables import METADATA, VERSIONS
from auditkit.retention import Retention

FIRST = datetime(2026, 11, 2, 1, tzinfo=UTC)
ROOT_MAY = finding("ssh-root-password", subject="sshd", message="root may log in with a password")
NUL = "/srv/a\0b\udcff\U0001f600\ud800"[:-1]
"""A path as a host may name one: with what one database or the other cannot hold as text."""


@dataclass
class Book:
    """A history, and runs that are kept in it one day after the other."""

    store: Path
    url: str | None
    days: "count[int]" = field(default_factory=count)
    keep: Retention = field(default_factory=Retention)

    @property
    def setting(self) -> options.Setting:
        run = options.setting(store=str(self.store), quiet=True)
        return replace(run, config=replace(run.config, history=replace(self.keep, database=self.url)))

    def run(
        self, *hosts: dict[str, Any], words: tuple[str, ...] = (), day: int | None = None, resumes: str = ""
    ) -> dict[str, Any]:
        """Keep a scan of these hosts, and give its document as the schema has it."""
        began = FIRST + timedelta(days=next(self.days) if day is None else day)
        document = made(*hosts) | {"started": _text(began), "finished": _text(began)}
        first = runs.Run(resumes, "", {}) if resumes else None
        plan = running.Plan("scan", words or tuple(one["host"] for one in hosts), first, {}, {})
        kept = keeping.kept(document, plan, replace(self.setting, started=began), began)
        SCHEMA.validate(json.loads(json.dumps(kept)))
        return kept

    def listed(self) -> list[listing.Listed]:
        with past.opened(self.setting) as connection:
            return listing.newest(connection, None, "", 1000)

    def document(self, word: str = "last") -> dict[str, Any]:
        with past.opened(self.setting) as connection:
            return past.document(connection, past.found(connection, word))


def _text(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    with started() as home:
        yield home


@pytest.fixture(params=["sqlite", "postgresql"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Book:
    """An empty history of either kind."""
    if request.param == "sqlite":
        return Book(tmp_path, None)
    home = request.getfixturevalue("server")
    url = f"postgresql://auditkit@/postgres?host={home}"
    _emptied(url)
    return Book(tmp_path, url)


def _emptied(url: str) -> None:
    import psycopg

    with psycopg.connect(url) as connection:
        names = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'auditkit_%'")]
        for name in names:
            connection.execute(f"DROP TABLE {name}".encode())


@pytest.fixture
def small(tmp_path: Path) -> Book:
    """A history in a file, where it matters that it is one."""
    return Book(tmp_path, None)


def since(document: dict[str, Any]) -> dict[str, Any]:
    return dict(document["hosts"][0]["since"])


def test_two_runs_and_what_the_second_says_of_the_first(book: Book) -> None:
    first = book.run(host(findings=[ROOT_MAY], changes=[change("/etc/new")]))
    assert (since(first)["run"], since(first)["new"]) == (None, 2)
    second = book.run(host(findings=[ROOT_MAY, finding("x")]))
    told = since(second)
    assert (told["run"], told["finished"]) == (first["history"]["run"], "2026-11-02T01:00:00Z")
    assert (told["new"], told["still"], [(one["subject"], one["how"]) for one in told["fixed"]]) == (
        1,
        1,
        [("/etc/new", "fixed")],
    )
    seen = [(one["rule"], one["first_seen"], one.get("news")) for one in second["hosts"][0]["findings"]]
    assert seen == [("ssh-root-password", "2026-11-02T01:00:00Z", None), ("x", "2026-11-03T01:00:00Z", "new")]


def test_a_run_is_told_again_as_it_was(book: Book) -> None:
    kept = book.run(host(findings=[ROOT_MAY]))
    assert book.document() == kept
    assert book.document(kept["history"]["run"][:15]) == kept


def test_names_with_nul_and_bytes_that_are_no_text_come_back(book: Book) -> None:
    nasty = [finding("uid-zero-twin", subject=word, message=word) for word in (*NASTY, NUL)]
    kept = book.run(host(NUL, changes=[change(NUL)], findings=nasty), words=(NUL,))
    assert kept["history"]["run"]
    assert book.document() == kept
    told = since(book.run(host(NUL), words=(NUL,)))
    assert {one["subject"] for one in told["fixed"]} == {NUL, *NASTY}
    assert [asked.host.word for asked in book.listed()[0].hosts] == [NUL]


def test_a_host_that_was_not_reached_loses_nothing(book: Book) -> None:
    first = book.run(host(findings=[ROOT_MAY]))
    lost = book.run(host(state="unreachable", counts={}, baseline=None, gaps=[{"subject": "web1", "reason": "no route"}]))
    told = since(lost)
    assert (told["run"], told["new"], told["new_gaps"]) == (first["history"]["run"], 1, 1)
    assert [(one["rule"], one["first_seen"]) for one in told["unknown"]] == [("ssh-root-password", "2026-11-02T01:00:00Z")]
    back = book.run(host(findings=[ROOT_MAY]))
    assert (since(back)["run"], since(back)["new"], since(back)["still"]) == (first["history"]["run"], 0, 1)
    assert [one["sort"] for one in since(back)["fixed"]] == []  # the gap came and went since the run that it is held against


def test_hosts_of_a_run_are_told_apart_and_stay_in_order(book: Book) -> None:
    book.run(host("b", findings=[ROOT_MAY]), host("a"))
    book.run(host("a", findings=[ROOT_MAY]), host("b", findings=[ROOT_MAY]))
    newest = book.listed()[0]
    assert [(one.host.word, one.new, one.still) for one in newest.hosts] == [("a", 1, 0), ("b", 0, 1)]


def test_what_the_newer_auditkit_does_not_tell_is_judged_anew(small: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "TOOL", "auditkit 0.0.9")
    small.run(host(findings=[ROOT_MAY]))
    monkeypatch.undo()
    (gone,) = since(small.run(host()))["fixed"]
    assert (gone["rule"], gone["how"]) == ("ssh-root-password", "anew")


def test_evidence_and_disks_mend_nothing_of_a_live_host(book: Book) -> None:
    book.run(host(findings=[ROOT_MAY]))
    for word in ("evidence:/srv/web1.evidence.zst", "root:/mnt/disk"):
        assert since(book.run(host("web1"), words=(word,)))["fixed"] == []
    assert since(book.run(host(findings=[ROOT_MAY])))["still"] == 1


def test_a_disk_is_told_from_another_one_that_is_mounted_there_by_its_machine_id(small: Book, tmp_path: Path) -> None:
    word = f"root:{tmp_path}/disk"
    (tmp_path / "disk/etc").mkdir(parents=True)

    def run(machine: str, *found: dict[str, Any]) -> dict[str, Any]:
        (tmp_path / "disk/etc/machine-id").write_text(f"{machine}\n")
        return since(small.run(host(word, findings=list(found)), words=(word,)))

    toor = finding("uid-zero-twin", subject="account toor")
    run("a" * 32, toor)
    assert [one["how"] for one in run("a" * 32)["fixed"]] == ["fixed"]
    run("a" * 32, toor)
    other = run("b" * 32)
    assert (other["run"], other["fixed"]) == (None, [])
    run("b" * 32, toor)
    told = run("uninitialized")
    assert (told["fixed"], len(told["unknown"])) == ([], 1)


def test_no_link_on_a_disk_lends_it_the_id_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "etc").symlink_to("/etc")
    (tmp_path / "b/etc").mkdir(parents=True)
    (tmp_path / "b/etc/machine-id").symlink_to("/etc/machine-id")
    plan, setting = running.Plan("scan", (), None, {}), Book(tmp_path, None).setting
    looks = [looking.look(f"root:{place}", host(), plan, setting) for place in (tmp_path, tmp_path / "b")]
    assert [(look.mends, look.machine) for look in looks] == [(False, "")] * 2


def test_another_machine_of_the_same_name_begins_anew_and_says_so(book: Book) -> None:
    def of(key: str, **more: Any) -> dict[str, Any]:
        return host(facts={"connection": {"host_key": key}}, **more)

    book.run(of("SHA256:one", findings=[ROOT_MAY]))
    told = book.run(of("SHA256:two"))
    assert (since(told)["run"], since(told)["fixed"], since(told)["unknown"]) == (None, [], [])
    assert keeping.ANOTHER in told["hosts"][0]["notes"]
    assert keeping.ANOTHER not in book.run(of("SHA256:two"))["hosts"][0]["notes"]


def test_a_clock_that_was_set_back_is_told_and_mends_nothing(book: Book) -> None:
    book.run(host(findings=[ROOT_MAY]), day=9)
    told = book.run(host(), day=3)
    assert (since(told)["fixed"], len(since(told)["unknown"])) == ([], 1)
    assert keeping.BACK in told["hosts"][0]["notes"]


def test_two_local_machines_that_share_a_database_are_two(book: Book) -> None:
    with history.turn(keeping.place(book.setting)) as turn:
        numbers = {turn.lane(history.Host("local", place)) for place in ("one", "another", "one")}
    assert len(numbers) == 2


def test_many_runs_at_once_are_all_kept_and_each_is_new_once(book: Book) -> None:
    book.run(host())
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda day: book.run(host(findings=[ROOT_MAY]), day=day), range(1, 9)))
    assert sorted(one["history"]["run"] for one in told) == sorted(one.run.id for one in book.listed()[:-1])
    assert sorted(since(one)["new"] for one in told) == [0] * 7 + [1]


def test_what_is_old_goes_and_what_is_still_there_keeps_its_first_day(book: Book) -> None:
    book.keep = Retention(days=30)
    book.run(host(findings=[ROOT_MAY], changes=[change("/etc/new")]), day=0)
    for day in (1, 40, 41):
        told = book.run(host(findings=[ROOT_MAY]), day=day)
    assert [one.run.started for one in book.listed()] == ["2026-12-13T01:00:00Z", "2026-12-12T01:00:00Z"]
    assert told["hosts"][0]["findings"][0]["first_seen"] == "2026-11-02T01:00:00Z"


def test_a_clock_that_runs_ahead_once_makes_nothing_old(book: Book) -> None:
    book.keep = Retention(days=30)
    for day in (0, 1, 4000, 2):
        book.run(host(findings=[ROOT_MAY]), day=day)
    assert len(book.listed()) == 4


def test_of_more_runs_than_are_wanted_the_oldest_go(book: Book) -> None:
    book.keep = Retention(runs=3)
    for _day in range(5):
        told = book.run(host(findings=[ROOT_MAY]))
    assert [one.number for one in book.listed()] == [5, 4, 3]
    assert told["hosts"][0]["findings"][0]["first_seen"] == "2026-11-02T01:00:00Z"


def test_a_run_that_is_resumed_is_kept_once_more_and_tells_all_its_news_again(book: Book) -> None:
    """Nobody may have read the first part of it."""
    before = book.run(host())["history"]["run"]
    name = "20261103T010000Z-0a1b2c"
    assert book.run(host(findings=[ROOT_MAY]), resumes=name)["history"]["run"] == name
    whole = book.run(host(findings=[ROOT_MAY]), resumes=name)
    assert whole["history"]["run"] == f"{name}-2"
    assert (since(whole)["run"], since(whole)["new"]) == (before, 1)
    assert since(book.run(host(findings=[ROOT_MAY])))["new"] == 0


def test_a_database_of_a_newer_auditkit_is_left_alone(book: Book) -> None:
    kept = book.run(host())
    with writing(keeping.place(book.setting)) as connection:
        connection.execute(insert(VERSIONS).values(version=max(STEPS) + 1, made="2026-11-30T00:00:00Z"))
    told = book.run(host())
    assert told["history"]["run"] is None
    assert "knows version 1; use the auditkit that wrote it" in told["history"]["note"]
    with pytest.raises(FormatError, match="is of version 2"):
        book.document(kept["history"]["run"])


def test_hosts_and_runs_are_listed_and_a_run_is_found_by_the_beginning_of_its_name(book: Book) -> None:
    for name in ("a", "b", "a"):
        book.run(host(name, findings=[ROOT_MAY]))
    with past.opened(book.setting) as connection:
        of_b = listing.newest(connection, listing.lanes(connection, [history.Host("b")]), "", 10)
        assert [one.hosts[0].host.word for one in of_b] == ["b"]
        assert len(listing.newest(connection, None, "2026-11-03", 10)) == 2
        assert past.found(connection, "20261103").number == 2
        with pytest.raises(UsageError, match="more than one run"):
            past.found(connection, "202611")
        with pytest.raises(UsageError, match="there is no run"):
            past.found(connection, "2027%")


# --- files that are damaged, hostile or cannot be written


def test_a_file_that_is_no_database_is_said_to_be_none_and_left(small: Book) -> None:
    file = small.store / history.FILE
    file.write_bytes(b"SQLite format 3" + bytes(range(256)) * 40)
    told = small.run(host(findings=[ROOT_MAY]))
    assert (told["status"], told["history"]["run"]) == ("findings", None)
    assert "move it away" in told["history"]["note"]
    assert file.stat().st_size > 10_000


@pytest.mark.parametrize("where", [18, 24, 100, 5000, 20_000, -3000])
def test_a_file_with_bytes_that_were_changed_is_an_error_or_is_read(small: Book, where: int) -> None:
    small.run(host(findings=[finding("uid-zero-twin", subject=f"account{at}") for at in range(200)]))
    file = small.store / history.FILE
    data = bytearray(file.read_bytes())
    data[where : where + 60] = b"\xff" * 60
    file.write_bytes(data)
    assert small.run(host())["hosts"]
    with suppress(AuditkitError):
        small.document("2026")


HOSTILE = [
    "UPDATE auditkit_items SET severity = 99",
    "UPDATE auditkit_items SET first_seen = 'yesterday'",
    "UPDATE auditkit_items SET subject = '\"'",
    "UPDATE auditkit_items SET message = zeroblob(2000000)",
    "UPDATE auditkit_items SET last_run = -1",
    "UPDATE auditkit_items SET open = 'perhaps'",
    "UPDATE auditkit_looks SET look = '[]'",
    "UPDATE auditkit_looks SET look = '" + "[" * 5000 + "'",
    "UPDATE auditkit_runs SET started = x'00'",
    "DROP TABLE auditkit_items",
]


@pytest.mark.parametrize("deed", HOSTILE)
def test_what_somebody_wrote_into_the_file_is_an_error_in_one_line(small: Book, deed: str) -> None:
    small.run(host(findings=[ROOT_MAY]))
    with closing(sqlite3.connect(small.store / history.FILE)) as connection:
        connection.execute(deed)
        connection.commit()
    told = small.run(host(findings=[ROOT_MAY]))
    assert told["history"]["run"] is None
    assert "\n" not in told["history"]["note"]


@pytest.mark.parametrize(
    "document",
    [b"", b"not packed", zstandard.compress(b"{}"), zstandard.compress(b'{"schema": "auditkit/report/1"}'),
     zstandard.compress(b"[" * 100_000), zstandard.compress(b"1" * 10)[:-4]],
)  # fmt: skip
def test_a_document_that_is_none_is_not_told(small: Book, document: bytes) -> None:
    small.run(host())
    with closing(sqlite3.connect(small.store / history.FILE)) as connection:
        connection.execute("UPDATE auditkit_runs SET document = ?", (document,))
        connection.commit()
    with pytest.raises(FormatError, match="run 2026"):
        small.document()


def test_a_trigger_in_the_file_runs_nothing_of_its_own(small: Book) -> None:
    """Who can write to the file has our statements run his; what he may not do is to load or to call what is not SQL."""
    small.run(host())
    with closing(sqlite3.connect(small.store / history.FILE)) as connection:
        connection.execute("CREATE TRIGGER t AFTER INSERT ON auditkit_runs BEGIN SELECT load_extension('/tmp/evil'); END")
        connection.commit()
    assert small.run(host())["history"]["run"] is None


def test_a_link_in_the_place_of_the_file_is_not_followed(small: Book, tmp_path: Path) -> None:
    (small.store / history.FILE).symlink_to(tmp_path / "elsewhere")
    assert small.run(host())["history"]["run"] is None
    assert not (tmp_path / "elsewhere").exists()


def test_a_turn_that_is_cut_short_leaves_nothing(small: Book) -> None:
    small.run(host())
    with suppress(KeyboardInterrupt), history.turn(keeping.place(small.setting)) as turn:
        turn.lane(history.Host("half"))
        raise KeyboardInterrupt
    assert len(small.listed()) == 1
    small.run(host("half"))
    assert len(small.listed()) == 2


def test_a_process_that_is_killed_in_its_turn_leaves_a_history_that_works(small: Book) -> None:
    small.run(host())
    code = (
        "import os, signal; from auditkit import history\n"
        f"with history.turn(history.Place({str(small.store)!r})) as turn:\n"
        "    turn.lane(history.Host('half')); turn._connection.exec_driver_sql('PRAGMA cache_spill = 1')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": SOURCE}, check=False)
    assert done.returncode == -signal.SIGKILL
    assert small.run(host())["history"]["run"]
    assert len(small.listed()) == 2


def test_a_number_that_is_none_is_a_note(small: Book) -> None:
    told = small.run(host(facts={"connection": {"clock_skew": float("inf")}}))
    assert (told["history"]["run"], "a number in the report is none" in told["history"]["note"]) == (None, True)


def test_a_full_disk_is_a_note(small: Book) -> None:
    small.run(host())
    many = [finding("uid-zero-twin", subject=f"account {at}", message="x" * 300) for at in range(3000)]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
        told = small.run(host(findings=many))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert (told["history"]["run"], len(told["hosts"][0]["findings"])) == (None, 3000)
    assert small.run(host())["history"]["run"]


def test_a_history_that_may_only_be_read_is_read(small: Book) -> None:
    kept = small.run(host())
    small.store.joinpath(history.FILE).chmod(0o400)
    assert small.document() == kept


def test_a_history_of_the_first_version_is_told_and_gone_on_with(small: Book) -> None:
    """As it was released: two runs of web1, with one account in both and one in the first alone."""
    copied = shutil.copy(Path(__file__).parent / "formats" / "history-1.sqlite", small.store / history.FILE)
    Path(copied).chmod(0o600)
    assert [one.run.id for one in small.listed()] == ["20261103T010000Z-0a1b2c", "20261102T010000Z-0a1b2c"]
    assert since(small.document())["fixed"][0]["subject"] == "account toor"
    told = small.run(host(findings=[finding("uid-zero-twin", subject="account admin")]), day=9)
    assert told["hosts"][0]["findings"][0]["first_seen"] == "2026-11-02T01:00:00Z"
    assert since(told)["run"] == "20261103T010000Z-0a1b2c"


def test_the_steps_make_the_tables_that_are_read(book: Book) -> None:
    book.run(host())
    with past.opened(book.setting) as connection:
        seen = inspect(connection)
        for table in METADATA.sorted_tables:
            assert {one["name"] for one in seen.get_columns(table.name)} == set(table.columns.keys())
            assert seen.get_pk_constraint(table.name)["constrained_columns"] == [one.name for one in table.primary_key]


def test_no_password_is_taken_into_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "auditkit.yaml"
    for url in ("postgresql://u:hunter2@db/x", "postgresql://u@db/x?password=hunter2"):
        file.write_text(f"history: {{database: '{url}'}}\n")
        with pytest.raises(ConfigError) as caught:
            options.setting(config_file=str(file))
        assert "hunter2" not in str(caught.value)
        assert "~/.pgpass" in caught.value.hint


def test_a_server_that_is_not_there_is_a_note(tmp_path: Path) -> None:
    told = Book(tmp_path, f"postgresql://auditkit@/x?host={tmp_path}").run(host())
    assert told["history"]["run"] is None
    assert "No such file or directory" in told["history"]["note"]
