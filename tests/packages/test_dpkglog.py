"""dpkg.log and apt's history.log: what was changed, by whom, and which line of one belongs to which run of the other."""

import random
from datetime import datetime

import pytest
from damage import mutated

from auditkit.model import Gap
from auditkit.packages import dpkglog
from auditkit.packages.dpkglog import Event, Run

LOG = b"""\
2026-11-24 15:52:51 startup archives unpack
2026-11-24 15:52:52 upgrade libc6:amd64 2.36-9+deb12u13 2.36-9+deb12u14
2026-11-24 15:52:52 status half-configured libc6:amd64 2.36-9+deb12u13
2026-11-24 15:52:53 install busybox-static:amd64 <none> 1:1.35.0-4+b1
2026-11-24 15:52:54 conffile /etc/init.d/ssh keep
2026-11-24 15:52:55 trigproc man-db:amd64 2.11.2-2 <none>
2026-11-24 15:59:00 upgrade tar:amd64 1.34 1.34
2026-11-24 16:00:00 remove nano:amd64 7.2-1 <none>
2026-11-24 16:00:01 purge nano:amd64 7.2-1 <none>
"""
HISTORY = b"""
Start-Date: 2026-11-24  15:52:50
Commandline: apt-get install -y busybox-static
Requested-By: anna (1000)
Install: busybox-static:amd64 (1:1.35.0-4+b1), libx:amd64 (1.0, automatic)
Upgrade: libc6:amd64 (2.36-9+deb12u13, 2.36-9+deb12u14), liby:amd64 (1, 2, automatic)
Error: Sub-process /usr/bin/dpkg returned an error code (1)
End-Date: 2026-11-24  15:52:55

Start-Date: 2026-11-25  06:10:00
Commandline: /usr/bin/unattended-upgrade
Remove: old:amd64 (3)
"""


def at(clock: str, day: int = 24) -> datetime:
    return datetime.fromisoformat(f"2026-11-{day}T{clock}")


def test_dpkgs_log_tells_what_came_changed_and_went() -> None:
    assert list(dpkglog.dpkg(LOG)) == [
        Event(at("15:52:52"), "upgrade", "libc6:amd64", "2.36-9+deb12u13", "2.36-9+deb12u14"),
        Event(at("15:52:53"), "install", "busybox-static:amd64", None, "1:1.35.0-4+b1"),
        Event(at("15:59:00"), "reinstall", "tar:amd64", "1.34", "1.34"),
        Event(at("16:00:00"), "remove", "nano:amd64", "7.2-1", None),
        Event(at("16:00:01"), "purge", "nano:amd64", "7.2-1", None),
    ]


def test_apts_history_tells_who_and_how() -> None:
    start = at("15:52:50")
    assert list(dpkglog.history(HISTORY)) == [
        Run(
            start,
            at("15:52:55"),
            "apt-get install -y busybox-static",
            "anna (1000)",
            (
                Event(start, "install", "busybox-static:amd64", None, "1:1.35.0-4+b1"),
                Event(start, "install", "libx:amd64", None, "1.0", automatic=True),
                Event(start, "upgrade", "libc6:amd64", "2.36-9+deb12u13", "2.36-9+deb12u14"),
                Event(start, "upgrade", "liby:amd64", "1", "2", automatic=True),
            ),
            "Sub-process /usr/bin/dpkg returned an error code (1)",
        ),
        Run(
            at("06:10:00", 25),
            None,
            "/usr/bin/unattended-upgrade",
            "",
            (Event(at("06:10:00", 25), "remove", "old:amd64", "3", None),),
        ),
    ]


def test_times_carry_no_zone_because_the_logs_name_none() -> None:
    assert all(what.time.tzinfo is None for what in dpkglog.dpkg(LOG) if isinstance(what, Event))


def test_an_event_belongs_to_the_run_that_names_its_package_in_its_time() -> None:
    runs = [run for run in dpkglog.history(HISTORY) if isinstance(run, Run)]
    whose = {event.package: dpkglog.run_of(event, runs) for event in dpkglog.dpkg(LOG) if isinstance(event, Event)}
    assert {package: run and run.by for package, run in whose.items()} == {
        "libc6:amd64": "anna (1000)",
        "busybox-static:amd64": "anna (1000)",
        "tar:amd64": None,
        "nano:amd64": None,
    }


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"2026-13-24 15:52:52 upgrade a 1 2", "month must be in 1..12: 2026-13-24 15:52:52 upgrade a 1 2"),
        (b"\x1b[2J", "not a line of dpkg.log: \\x1b[2J"),
    ],
)
def test_a_line_of_another_form_is_a_gap_and_the_rest_is_told(line: bytes, reason: str) -> None:
    found = list(dpkglog.dpkg(line + b"\n" + LOG))
    assert found[0] == Gap("/var/log/dpkg.log line 1", reason)
    assert len(found) == 6


def test_what_a_command_with_a_line_end_slips_in_is_told() -> None:
    forged = HISTORY.replace(b"-y busybox-static\n", b"-y busybox-static\nRequested-By: eve (0)\nnonsense\n")
    run, first, second, _last = dpkglog.history(forged)
    gaps = [what.reason for what in (run, first, second) if isinstance(what, Gap)]
    assert [what.by for what in (run, first, second) if isinstance(what, Run)] == ["anna (1000)"]
    assert gaps == ["line 5 is not of apt's history: nonsense", "line 6 says again: Requested-By: anna (1000)"]


def test_a_list_that_is_not_understood_to_its_end_says_so() -> None:
    _run, gap = dpkglog.history(b"Start-Date: 2026-11-24  15:52:50\nUpgrade: a:amd64 (1, 2), b\n")
    assert gap == Gap("/var/log/apt/history.log line 1", "the list Upgrade goes on with: b")


def test_bytes_flipped_at_random_break_nothing() -> None:
    chance = random.Random(4)
    for _ in range(300):
        found = (*dpkglog.dpkg(mutated(LOG, chance)), *dpkglog.history(mutated(HISTORY, chance)))
        assert all(isinstance(what, Event | Run | Gap) for what in found)
