"""Updates that a host misses are kept for the next run: since when it waits is known then, whatever its own dates say."""

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from hypothesis import given, settings
from hypothesis import strategies as st
from test_evidence_judged import opened
from test_packages_audit import installed, listed, machine, put

from auditkit.audits import packages
from auditkit.audits.packages import pending
from auditkit.audits.packages.missed import kept, there_since
from auditkit.audits.packages.seen import Host, host
from auditkit.baseline import folder
from auditkit.commands import auditing, awaiting, options
from auditkit.evidence import Header
from auditkit.hosts import Host as AnyHost
from auditkit.hosts.root import Root
from auditkit.kept import LARGEST
from auditkit.model import HostReport, Missed, Office, State
from auditkit.recording import Recording, Writer

NAME = "srv-01"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LISTED = "2020-03-02"
"""Before any clock that runs these tests."""


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A machine that misses one security update, and one that is none."""
    root = tmp_path / "disk"
    status = [installed(root, "libexpat1 2.5.0-1 made=2020-01-01 put=2020-02-01"), installed(root, "bash 5.2-1 put=2020-02-01")]
    put(root, "/var/lib/dpkg/status", "\n".join(status))
    offers(root, {"main": "bash 5.2-2\n", "security": "libexpat1 2.5.0-1+deb13u2\n"})
    return root


def offers(root: Path, lists: dict[str, str], date: str = LISTED) -> None:
    """What the lists on a disk offer."""
    put(root, "/etc/apt/sources.list", "".join(listed(root, kind, date, text) for kind, text in lists.items()))


def run(store: Path, **given_: Any) -> options.Setting:
    """The setting of a run with that store."""
    return options.setting(store=str(store), quiet=True, config_file=None, **given_)


def audited(root: Path, store: Path, name: str = NAME, key: str | None = None, **given_: Any) -> HostReport:
    """One run."""
    return asked(Root(name, str(root)), store, key, **given_)


def asked(machine_: AnyHost, store: Path, key: str | None = None, **given_: Any) -> HostReport:
    """One run."""
    setting, wanted = run(store, **given_), (packages.AUDIT,)
    memory = awaiting.recalled(machine_, setting, wanted)
    report = auditing.added(machine_, HostReport(machine_.name), wanted, Office(), missed=memory.updates)
    return awaiting.remembered(machine_, report, setting, key, memory)


def place(store: Path, name: str = NAME) -> Path:
    """Where updates are kept."""
    return Path(folder(str(store), name)) / "updates.json"


def seen_in(report: HostReport) -> dict[str, Any]:
    """When auditkit first saw each update missing, as the report has it."""
    told: Any = report.facts["packages"]
    return {one["name"]: one["pending"]["seen"] for one in told if one["pending"]}


def aside(report: HostReport) -> list[str]:
    """Why what was kept is not believed."""
    return [gap.reason for gap in report.gaps if "left aside" in gap.reason]


def test_what_one_run_saw_missing_the_next_one_knows_and_does_not_write_again(disk: Path, tmp_path: Path) -> None:
    assert seen_in(audited(disk, tmp_path)) == {"libexpat1": None, "bash": None}
    before = place(tmp_path).stat()
    again = seen_in(audited(disk, tmp_path))
    written = json.loads(json.loads(place(tmp_path).read_text())["past"])["updates"]
    assert {(name, version, security) for name, version, security, *_when in written} == {
        ("libexpat1:amd64", "2.5.0-1+deb13u2", True),
        ("bash:amd64", "5.2-2", False),
    }
    assert again == {name.removesuffix(":amd64"): seen for name, _version, _security, seen, _listed in written}
    assert {listed_[:10] for *_what, listed_ in written} == {LISTED}
    assert place(tmp_path).stat().st_ino == before.st_ino, "a hardware key would want to be touched"


def test_an_update_that_was_installed_is_forgotten_and_one_that_is_hidden_is_not(disk: Path, tmp_path: Path) -> None:
    first = audited(disk, tmp_path)
    offers(disk, {"main": "bash 5.2-2\n", "security": "libexpat1 2.5.0-1\n"})
    audited(disk, tmp_path)
    assert len(json.loads(json.loads(place(tmp_path).read_text())["past"])["updates"]) == 2
    put(disk, "/var/lib/dpkg/status", installed(disk, "libexpat1 2.5.0-1+deb13u2"))
    audited(disk, tmp_path)
    assert json.loads(json.loads(place(tmp_path).read_text())["past"])["updates"] == []
    assert not aside(first)


def test_a_host_that_shows_no_lists_or_lies_changes_nothing(disk: Path, tmp_path: Path) -> None:
    audited(disk, tmp_path)
    before = place(tmp_path).read_bytes()
    setting, machine_, wanted = run(tmp_path), Root(NAME, str(disk)), (packages.AUDIT,)
    memory = awaiting.recalled(machine_, setting, wanted)
    lies = replace(auditing.added(machine_, HostReport(NAME), wanted, Office()), state=State.LIED)
    awaiting.remembered(machine_, lies, setting, None, awaiting.Memory())
    for one in (disk / "var/lib/apt/lists").iterdir():
        one.unlink()
    audited(disk, tmp_path)
    assert place(tmp_path).read_bytes() == before
    assert len(memory.updates) == 2


def test_of_a_disk_nothing_is_kept(disk: Path, tmp_path: Path, cli: Cli) -> None:
    audited(disk, tmp_path, f"root:{disk}")
    assert cli.run("audit", f"root:{disk}", "--only", "packages", "--store", str(cli.store)).code in {0, 1, 3}
    assert not list(tmp_path.rglob("updates.json"))


def test_evidence_is_judged_by_what_was_known_when_it_was_taken_and_changes_nothing(disk: Path, tmp_path: Path) -> None:
    def taken(moment: datetime, name: str = NAME) -> HostReport:
        with Writer(str(tmp_path / f"{moment:%Y}"), Header(name, "ssh", moment, "auditkit 1")) as writer:
            auditing.taken(Recording(Root(name, str(disk)), writer), (packages.AUDIT,), Office())
            writer.close()
        with closing(opened(tmp_path / f"{moment:%Y}")) as host_:
            return asked(host_, tmp_path)

    taken(datetime(2021, 1, 1, tzinfo=UTC))
    assert not place(tmp_path).exists()
    audited(disk, tmp_path)
    before = place(tmp_path).read_bytes()
    assert set(seen_in(taken(datetime(2022, 1, 1, tzinfo=UTC))).values()) == {None}
    assert all(seen_in(taken(datetime.now(UTC) + timedelta(days=400))).values())
    place(tmp_path).rename(tmp_path / "kept")
    place(tmp_path, "local").parent.mkdir(parents=True)
    place(tmp_path, "local").write_bytes(before.replace(b"srv-01", b"local"))
    assert set(seen_in(taken(datetime.now(UTC) + timedelta(days=800), "local")).values()) == {None}, "of which machine is that?"


def test_hosts_that_are_asked_at_once_are_kept_each_and_one_that_is_asked_twice_is_whole(disk: Path, tmp_path: Path) -> None:
    names = [f"srv-{number % 3}" for number in range(9)]
    with ThreadPoolExecutor(9) as pool:
        list(pool.map(lambda name: audited(disk, tmp_path, name), names))
    for name in sorted(set(names)):
        assert all(seen_in(audited(disk, tmp_path, name)).values())
        assert [one.name for one in place(tmp_path, name).parent.iterdir()] == ["updates.json"]


def test_of_this_machine_is_kept_what_it_misses(cli: Cli) -> None:
    told = [
        cli.run("audit", "local", "--only", "packages", "--store", str(cli.store), "--format", "json", "--fail-on", "none")
        for _twice in "12"
    ]
    facts = [json.loads(one.out)["hosts"][0]["facts"].get("packages", []) for one in told]
    missing = [{one["name"] for one in each if one["pending"]} for each in facts]
    assert bool(missing[0]) == bool(list(cli.store.glob("baselines/*/updates.json")))
    assert all(one["pending"]["seen"] for one in facts[1] if one["pending"])


def holding(updates: object, schema: str = "auditkit/missed/1") -> str:
    """A file in which that stands for the updates."""
    return json.dumps({"past": json.dumps({"schema": schema, "host": NAME, "updates": updates}), "signature": None})


DAMAGED = (
    *("{", "[]", "null", '{"past": "{}"}', '{"past": "[1]", "signature": null}', "9" * 5000, "[" * 100_000),
    holding([], "auditkit/missed/2"),
    *map(holding, (None, {}, {"a": 1}, [1], [["a", "1", True, "2020-01-01T00:00:00Z"]])),
    holding([["a", "1", True, "yesterday", None]]),
    holding([["a", "1", True, 1e400, None]]),
    holding([["a", 1, True, "2020-01-01T00:00:00Z", None]]),
    holding([["a" * 257, "1", True, "2020-01-01T00:00:00Z", None]]),
    holding([["a", "1", True, "2020-01-01T00:00:00Z", None]])[:-20],
)


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
def test_what_is_damaged_is_a_gap_and_stays_where_it_is(disk: Path, tmp_path: Path, text: str) -> None:
    place(tmp_path).parent.mkdir(parents=True)
    place(tmp_path).write_text(text)
    report = audited(disk, tmp_path)
    assert seen_in(report) == {"libexpat1": None, "bash": None}
    assert "is damaged; remove it" in "".join(aside(report))
    assert place(tmp_path).read_text() == text


def test_what_is_too_large_to_be_read_is_damaged(disk: Path, tmp_path: Path) -> None:
    audited(disk, tmp_path)
    os.truncate(place(tmp_path), LARGEST + 1)
    assert "is damaged" in "".join(aside(audited(disk, tmp_path)))


def test_what_is_of_another_host_is_not_believed(disk: Path, tmp_path: Path) -> None:
    audited(disk, tmp_path, "srv-02")
    place(tmp_path).parent.mkdir(parents=True)
    place(tmp_path).write_bytes(place(tmp_path, "srv-02").read_bytes())
    report = audited(disk, tmp_path)
    assert "is of srv-02" in "".join(aside(report))
    assert seen_in(report) == {"libexpat1": None, "bash": None}


def test_where_signers_are_named_only_what_they_signed_is_believed(disk: Path, tmp_path: Path) -> None:
    key, signers = tmp_path / "key", tmp_path / "signers"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    signers.write_text(f'anna@office namespaces="auditkit" {key.with_suffix(".pub").read_text()}')
    audited(disk, tmp_path, signers=str(signers))
    assert not place(tmp_path).exists(), "nobody would believe it"
    audited(disk, tmp_path)
    assert aside(audited(disk, tmp_path, signers=str(signers)))
    place(tmp_path).unlink()
    audited(disk, tmp_path, signers=str(signers), key=str(key))
    assert all(seen_in(audited(disk, tmp_path, signers=str(signers))).values())
    place(tmp_path).write_text(place(tmp_path).read_text().replace("deb13u2", "deb13u1"))
    assert aside(audited(disk, tmp_path, signers=str(signers)))


def test_a_store_that_cannot_be_written_is_a_gap(disk: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    report = audited(disk, tmp_path / "file")
    assert "nothing is kept for the next run" in "".join(gap.reason for gap in report.gaps)


# --- whatever is kept


MOMENTS = st.datetimes(datetime(1980, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - it is given one
UPDATES = st.builds(
    Missed,
    st.sampled_from(["libexpat1:amd64", "bash:amd64", "gone:all"]),
    st.sampled_from(["2.5.0-1", "2.5.0-1+deb13u1", "2.5.0-1+deb13u2", "2.5.0-2", "5.2-1", "5.2-2", "9"]) | st.text(max_size=20),
    st.booleans(),
    MOMENTS,
    st.none() | MOMENTS,
)


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Host:
    """A machine that misses two updates."""
    case = {
        "installed": "libexpat1 2.5.0-1 made=2026-03-01 put=2026-09-20\nbash 5.2-1 put=2026-11-20\n",
        "main 2026-11-24": "bash 5.2-2\n",
        "security 2026-11-24": "libexpat1 2.5.0-1+deb13u2\n",
    }
    return host(machine(case, tmp_path_factory.mktemp("machine")))


@settings(max_examples=200, deadline=None)
@given(known=st.lists(UPDATES, max_size=8))
def test_no_memory_makes_an_age_younger_and_none_is_of_a_time_to_come(evidence: Host, known: list[Missed]) -> None:
    without = {one.standing.package.key: one for one in pending.pending(evidence)}
    told = pending.pending(host(replace(evidence.evidence, missed=tuple(known))))
    assert {one.standing.package.key for one in told} == without.keys()
    for one in told:
        before = without[one.standing.package.key]
        assert one.since is not None
        assert before.since is not None
        assert one.since <= before.since
        assert one.first is None or (one.first in known and one.since <= there_since(one.first, NOON) <= NOON)
    list(packages.judge(replace(evidence.evidence, missed=tuple(known))))


@settings(max_examples=200, deadline=None)
@given(known=st.lists(UPDATES, max_size=8), later=st.timedeltas(timedelta(0), timedelta(days=9000)))
def test_what_is_kept_is_never_younger_than_it_was(evidence: Host, known: list[Missed], later: timedelta) -> None:
    told: Any = packages.facts(evidence.evidence)["packages"]
    now = NOON + later
    first = kept(known, told, now)
    assert {one.package for one in first} <= {"libexpat1:amd64", "bash:amd64"}
    assert all(one.seen <= now for one in first)
    assert kept(first, told, now + later) == first
    past = [
        one for one in known if one.seen <= now and (one.package, one.version) == ("bash:amd64", "5.2-2") and not one.security
    ]
    (bash,) = (one for one in first if (one.package, one.version, one.security) == ("bash:amd64", "5.2-2", False))
    assert bash.seen == (min(one.seen for one in past) if past else now)
