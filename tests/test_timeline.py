"""What changed its status after a moment: backdated files first, then in the order of time."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from trees import blocks, stream, trees

from auditkit.model import Entry, Kind
from auditkit.timeline import Moment, Spy

DAY = 24 * 3600
NOON = datetime(1970, 1, 11, tzinfo=UTC)
"""Ten days into the epoch: 864000 seconds."""
TREE = f"""
d /etc ctime={12 * DAY} mtime={DAY}
f /etc/late ctime={13 * DAY} mtime={13 * DAY}
f /etc/old ctime={9 * DAY} mtime={DAY}
f /etc/planted ctime={14 * DAY} mtime={DAY}
f /etc/early ctime={11 * DAY} mtime={11 * DAY}
f /etc/planted-before ctime={12 * DAY} mtime={2 * DAY}
l /etc/link ctime={13 * DAY} mtime={DAY}
f /etc/no-mtime ctime={11 * DAY} lacks=mtime
f /etc/no-ctime lacks=ctime
"""


def told(since: datetime | None, tree: list[bytes], until: datetime | None = None) -> list[str]:
    spy = Spy((since, until) if since else None)
    assert list(spy.watch(tree)) == tree
    return [("backdated " if moment.backdated else "") + moment.entry.path for moment in spy.moments()]


def test_backdated_files_come_first_and_each_part_in_the_order_of_time() -> None:
    assert told(NOON, blocks(TREE)) == [
        "backdated /etc/planted-before",
        "backdated /etc/planted",
        "/etc/early",
        "/etc/no-mtime",
        "/etc",
        "/etc/late",
        "/etc/link",
    ]


def test_without_a_moment_nothing_is_looked_at() -> None:
    assert told(None, [b"no block that anybody could read"]) == []


@pytest.mark.parametrize(("second", "paths"), [(10 * DAY - 1, ["/x"]), (10 * DAY, []), (10 * DAY + 1, [])])
def test_only_what_is_later_than_the_moment_counts(second: int, paths: list[str]) -> None:
    assert told(datetime.fromtimestamp(second, UTC), blocks(f"f /x ctime={10 * DAY} mtime={10 * DAY}")) == paths


@pytest.mark.parametrize(("distance", "word"), [(DAY - 1, "/x"), (DAY, "/x"), (DAY + 1, "backdated /x"), (-5 * DAY, "/x")])
def test_a_day_between_modification_and_status_change_is_the_limit(distance: int, word: str) -> None:
    assert told(NOON, blocks(f"f /x ctime={20 * DAY} mtime={20 * DAY - distance}")) == [word]


def test_a_span_that_has_ended_holds_what_was_changed_or_born_in_it() -> None:
    tree = f"""
f /etc/changed ctime={12 * DAY} mtime={DAY}
f /etc/later ctime={13 * DAY} mtime={DAY}
f /etc/born ctime={14 * DAY} mtime={14 * DAY} btime={11 * DAY}
f /etc/written ctime={14 * DAY} mtime={11 * DAY}
f /etc/before ctime={9 * DAY} mtime={11 * DAY}
"""
    found = told(NOON, blocks(tree), NOON + timedelta(days=2))
    assert [each.removeprefix("backdated ") for each in found] == ["/etc/changed", "/etc/written", "/etc/born"]


def test_the_moment_may_be_told_in_any_zone() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=-9)))
    assert told(elsewhere, blocks(TREE)) == told(NOON, blocks(TREE))


def test_a_moment_is_written_for_the_report() -> None:
    entry = Entry("/x", Kind.FILE, uid=7, mtime_ns=86_400_000_000_001, ctime_ns=-1, btime_ns=None)
    assert Moment(entry, True).document() == {
        "time": "1969-12-31T23:59:59.999999999Z",
        "path": "/x",
        "kind": "file",
        "modified": "1970-01-02T00:00:00.000000001Z",
        "born": None,
        "owner": 7,
        "backdated": True,
    }


@pytest.mark.parametrize("second", [2**62, -(2**62), 10**15])
def test_a_time_that_no_calendar_holds_is_written_in_seconds(second: int) -> None:
    entry = Entry("/x", Kind.FILE, ctime_ns=second * 10**9 + 5)
    assert Moment(entry, False).document()["time"] == f"{second}.000000005"


@given(trees())
@settings(max_examples=50, deadline=None)
def test_the_blocks_pass_as_they_come(tree: tuple[Entry, ...]) -> None:
    assert told(NOON, stream(tree)) == []
    assert sorted(told(datetime.fromtimestamp(0, UTC), stream(tree))) == sorted(entry.path for entry in tree)
