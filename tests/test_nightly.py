"""`auditkit nightly`, as a timer runs it: what is told and what not, two at once, kill -9, a full disk, servers that fail."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from email.policy import default
from pathlib import Path

import pytest
from conftest import PATIENCE, SOURCE, Cli, Outcome, write_policy

from auditkit import nights
from auditkit.commands import noticing, options

SENDMAIL = """\
#!/bin/sh
cat > "{mails}/$$.part"
[ -e "{mails}/down" ] && echo "no route to the server" && exit 75
mv "{mails}/$$.part" "{mails}/$(date +%s%N).mail"
"""


class Nights:
    """An admin's machine whose nights are looked at: two small disks, and a mailbox."""

    def __init__(self, cli: Cli, home: Path) -> None:
        self.cli = cli
        self.mails = home / "mails"
        self.mails.mkdir()
        sendmail = home / "sendmail"
        sendmail.write_text(SENDMAIL.format(mails=self.mails))
        sendmail.chmod(0o755)
        self.config = home / "admin/auditkit.yaml"
        self.config.parent.mkdir()
        self.config.write_text(f"store: {cli.store}\nnotify: {{mail: {{to: [root], from: root, via: {sendmail}}}}}\n")

    def run(self, *words: str, config: bool = True) -> Outcome:
        """A night, or something about one."""
        where = ("--config", str(self.config)) if config else ("--store", str(self.cli.store))
        return self.cli.run("nightly", *words, *where, "--jobs", "1")

    def check(self, *words: str) -> Outcome:
        """A night that only checks the disk, which is quicker."""
        return self.run(self.cli.host, "--what", "check", "-q", *words)

    @property
    def letters(self) -> list[Message]:
        """What came in the mail, the oldest first."""
        return [message_from_bytes(path.read_bytes(), policy=default) for path in sorted(self.mails.glob("*.mail"))]

    @property
    def subjects(self) -> list[str]:
        return [letter["Subject"].strip().removeprefix("auditkit: ") for letter in self.letters]

    def down(self, *, down: bool) -> None:
        """Take the mail server down, or up again."""
        (self.mails / "down").unlink(missing_ok=True)
        if down:
            (self.mails / "down").touch()

    def state(self, name: str) -> Path:
        return self.cli.store / "nightly" / name

    def told_long_ago(self) -> None:
        """Let the last notice be of eight days ago, and all that it told be older."""
        known = json.loads(self.state("told.json").read_text())
        known["last"] = nights.written(datetime.now(UTC) - timedelta(days=8))
        self.state("told.json").write_text(json.dumps(known))
        with closing(sqlite3.connect(self.cli.store / "history.sqlite")) as history, history:
            history.execute("UPDATE auditkit_items SET first_seen = '2026-01-01T01:00:00Z'")


@pytest.fixture
def office(cli: Cli, tmp_path: Path) -> Nights:
    made = Nights(cli, tmp_path)
    assert cli.baseline("-q").code == 0
    return made


def change(cli: Cli, name: str = "passwd") -> None:
    (cli.tree / "etc" / name).write_text(f"{time.time()}\n")


def test_what_is_new_is_told_once_and_silence_is_kept_until_a_week_is_over(office: Nights) -> None:
    first = office.check()
    assert (first.code, first.out.startswith("auditkit: nothing new on root:/")) == (0, True)
    assert len(office.subjects) == 1, "a first sign of life"
    quiet = office.check()
    assert (quiet.code, quiet.out, quiet.err, len(office.subjects)) == (0, "", "", 1)
    change(office.cli)
    told = office.check()
    assert told.code == 1
    assert re.fullmatch(r"1 new on root:\S+ \(1 medium\)", office.subjects[-1])
    assert "/etc/passwd: changed: content changed" in told.out
    assert "/etc/passwd: changed: content changed" in office.letters[-1].get_content()  # type: ignore[attr-defined]
    still = office.check()
    assert (still.code, still.out, len(office.subjects)) == (1, "", 2), "it is still there, and was told"
    change(office.cli)
    assert "  again  medium" in office.check().out
    office.told_long_ago()
    beat = office.check()
    assert ", 1 still there" in beat.out.splitlines()[0]
    assert len(office.subjects) == 4


def test_a_scan_needs_no_baseline_and_nobody_to_tell(cli: Cli, tmp_path: Path) -> None:
    office = Nights(cli, tmp_path)
    told = office.run(cli.host, config=False)
    assert told.code == 3
    assert "there is no baseline of this host" in told.out
    assert not (cli.store / "outbox").exists()
    again = office.run(cli.host, config=False)
    assert (again.code, len(again.out.splitlines())) == (3, 1)
    assert again.out.startswith("auditkit: nothing new on root:")


def test_reports_are_kept_as_data_and_as_a_page_and_old_ones_go(office: Nights) -> None:
    reports = office.cli.store / "reports"
    reports.mkdir(0o700)
    for day in range(10, 14):
        for end in ("json", "html"):
            (reports / f"202601{day}T010000Z-nightly.{end}").touch()
    (reports / "notes.txt").touch()
    office.check("--keep", "3")
    names = sorted(path.name for path in reports.iterdir())
    assert len(names) == 7
    assert names[:4] == [f"202601{day}T010000Z-nightly.{end}" for day in (12, 13) for end in ("html", "json")]
    assert names[-1] == "notes.txt"
    assert json.loads((reports / names[5]).read_text())["command"] == "check"
    assert "<!DOCTYPE html>" in (reports / names[4]).read_text()


# two at once

HOLDER = "import sys; from datetime import *; from auditkit import nights\n"
HOLDER += (
    "with nights.alone(sys.argv[1], datetime(2026, 11, 30, 1, tzinfo=UTC)):\n    print('held', flush=True); sys.stdin.read()"
)


def holder(store: Path) -> "subprocess.Popen[str]":
    """Another run, that goes on until it is ended."""
    held = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(store)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=SOURCE
    )
    assert held.stdout
    assert held.stdout.readline() == "held\n"
    return held


def test_a_second_run_says_who_holds_the_first_and_that_is_told(office: Nights) -> None:
    with holder(office.cli.store) as held:
        second = office.check()
        held.kill()
    assert second.code == 2
    message = f"another nightly run is under way: process {held.pid} of {nights.place()}, since 2026-11-30 01:00:00Z"
    assert f"auditkit: error: {message}\n" in second.err
    assert office.subjects == [f"no run tonight: {message}"]
    assert office.check().code == 0, "the lock of a process that died is none"


def test_a_lock_that_says_nothing_or_too_much_still_holds(office: Nights) -> None:
    with holder(office.cli.store) as held:
        for text in ("", "{}", "[" * 3000, '{"pid": 1, "host": "\\u001b[2J", "since": "x"}'):
            office.state("lock").write_text(text)
            second = office.check()
            assert second.code == 2
            assert "another nightly run is under way: " in second.err
            assert "\x1b" not in second.err
        held.kill()


def test_a_lock_that_leads_elsewhere_is_refused(office: Nights) -> None:
    office.state("lock").parent.mkdir()
    office.state("lock").symlink_to("/etc/hosts")
    failed = office.check()
    assert failed.code == 2
    assert "nightly cannot be written: Too many levels of symbolic links" in failed.err


# a night that was cut short


def trees(office: Nights, number: int) -> list[str]:
    """Disks, each of a file."""
    words = []
    for at in range(number):
        place = office.cli.home / f"disk-{at:02}"
        (place / "etc").mkdir(parents=True)
        (place / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
        words.append(f"root:{place}")
    return words


def test_a_run_that_was_killed_goes_on_where_it_was(office: Nights) -> None:
    words = trees(office, 12)
    made = ("--policy", str(office.cli.policy), "--store", str(office.cli.store), "--jobs", "1", "-q")
    assert office.cli.run("baseline", *words, *made).code == 0
    endless = office.cli.home / "disk-08/etc/endless"
    with endless.open("wb") as file:
        file.truncate(1 << 42)
    process = office.cli.start("nightly", *words, "--what", "check", "--config", str(office.config), "--jobs", "1")
    runs = office.cli.store / "runs"
    end = time.monotonic() + PATIENCE
    while len(list(runs.glob("*/root*08.json")) + list(runs.glob("*/root*07.json"))) < 1:
        assert time.monotonic() < end
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    done = {path: path.stat().st_mtime_ns for path in runs.glob("*/root*.json")}
    assert len(done) == 8
    endless.unlink()
    again = office.run(*words, "--what", "check")
    assert again.code == 0
    assert "8 of 12 hosts are done already" in again.err
    assert "killed, out of memory or out of power; 8 of 12 hosts were done, and this run went on from there." in again.out
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert office.subjects == ["a run was cut short"]
    (_json, report) = sorted((office.cli.store / "reports").iterdir())[-2:]
    assert report.name.endswith(".json")
    assert len(json.loads(report.read_text())["hosts"]) == 12


@pytest.mark.parametrize(
    ("more", "continued"),
    [
        ({}, True),
        ({"started": "2020-01-01T00:00:00Z"}, False),
        ({"run": "20200101T000000Z-000000"}, False),
        ({"asked": {}}, False),
    ],
)
def test_only_what_still_counts_is_continued(office: Nights, more: dict[str, object], continued: bool) -> None:
    words = trees(office, 2)
    office.run(*words, "--what", "check", "-q")
    state = json.loads(office.state("night.json").read_text())
    office.state("night.json").write_text(json.dumps({**state, "finished": None, **more}))
    again = office.run(*words, "--what", "check")
    assert ("2 of 2 hosts are done already" in again.err) is continued
    assert "a run was cut short" in again.out.splitlines()[0]
    assert "cut short" not in office.run(*words, "--what", "check").out


def test_state_that_is_damaged_makes_all_new_and_stops_nobody(office: Nights) -> None:
    change(office.cli)
    office.check()
    for text in ("{", '{"told": 1}', '{"asked": {}, "started": []}', '{"told": {"x": 7}, "last": 7}'):
        for name in ("told.json", "night.json"):
            office.state(name).write_text(text)
        told = office.check()
        assert told.code == 1
        assert "1 new on" in told.out, text
    assert office.check().out == ""


def test_a_history_that_cannot_be_read_makes_all_new_and_is_told(office: Nights) -> None:
    change(office.cli)
    office.check()
    assert office.check().out == ""
    for path in office.cli.store.glob("history.sqlite*"):
        path.write_bytes(b"no database" * 1000)
    told = office.check()
    assert re.search(r"^auditkit: 1 new on root:\S+ \(1 medium\), no history to hold it against$", told.out.splitlines()[0])
    assert "So everything counts as new: " in told.out


def test_a_run_that_was_killed_is_told_of_by_the_one_that_sends(office: Nights) -> None:
    office.check()
    state = json.loads(office.state("night.json").read_text())
    office.state("night.json").write_text(json.dumps({**state, "finished": None}))
    office.cli.environment = {"MONITOR_SERVICE_RESULT": "oom-kill"}
    assert office.run("--send").code == 0
    assert office.subjects[-1] == "a run was cut short"
    assert "out of power (systemd says: oom-kill).\n" in office.letters[-1].get_content()  # type: ignore[attr-defined]
    number = len(office.subjects)
    assert office.run("--send").code == 0
    assert len(office.subjects) == number, "once"


# notices that do not get through


def test_what_could_not_be_sent_is_an_error_and_goes_with_the_next_night(office: Nights) -> None:
    office.down(down=True)
    change(office.cli)
    failed = office.check()
    assert (failed.code, office.subjects) == (2, [])
    assert "took no mail (exit status 75): no route to the server" in failed.err
    assert "auditkit: 1 notice kept for the next run" in failed.err
    office.down(down=False)
    night = office.check()
    assert (night.code, night.out, len(office.subjects)) == (1, "", 1)
    assert office.subjects[0].startswith("1 new on root:")


def test_what_was_neither_kept_nor_sent_is_told_by_the_next_night(office: Nights) -> None:
    change(office.cli)
    (office.cli.store / "outbox").write_text("in the way")
    office.down(down=True)
    lost = office.check()
    assert (lost.code, office.subjects) == (2, [])
    assert "outbox cannot be written: File exists" in lost.err
    office.down(down=False)
    told = office.check()
    assert told.code == 2, "it cannot be kept, and is sent all the same"
    assert office.subjects[0].startswith("1 new on root:")
    assert office.check().out == ""
    assert len(office.subjects) == 1


def test_notices_may_be_left_for_another_service(office: Nights) -> None:
    assert office.check("--queue").code == 0
    assert office.subjects == []
    sent = office.run("--send")
    assert (sent.code, sent.out, sent.err) == (0, "", "auditkit: 1 notice sent\n")
    assert len(office.subjects) == 1


def test_a_test_is_sent_at_once_or_fails(office: Nights) -> None:
    tried = office.run("--try-notify")
    assert (tried.code, office.subjects) == (0, ["a test"])
    assert tried.out.startswith("a test was handed to ")
    office.down(down=True)
    assert office.run("--try-notify").code == 2
    assert not (office.cli.store / "outbox").exists()
    none = office.run("--try-notify", config=False)
    assert (none.code, none.err.splitlines()[0]) == (2, "auditkit: error: auditkit.yaml names nobody to tell")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--send", "--try-notify"), "--send and --try-notify are two things to do"),
        (("--send", "--queue"), "--send and --queue are two things to do"),
        (("--try-notify", "local"), "--try-notify looks at no host"),
    ],
)
def test_words_that_do_not_go_together(office: Nights, words: tuple[str, ...], message: str) -> None:
    told = office.run(*words)
    assert (told.code, told.err.splitlines()[0]) == (2, f"auditkit: error: {message}")


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to mount a small disk")
def test_a_full_disk_is_told_all_the_same(office: Nights, made: Callable[[Path], Path]) -> None:
    office.cli.store.mkdir(exist_ok=True)
    small = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "small", str(office.cli.store)], check=False)
    if small.returncode:
        pytest.skip("cannot mount")
    made(office.cli.store)
    failed = office.check()
    assert failed.code == 2
    assert "No space left on device" in failed.err
    assert office.subjects
    assert office.subjects[0].startswith("the nightly run failed: ")


def test_a_night_that_fails_is_told(office: Nights) -> None:
    failed = office.run("nobody", "-q")
    assert (failed.code, failed.out) == (2, "")
    assert office.subjects[0].startswith("the nightly run failed: ")
    assert "nobody" in office.subjects[0]
    assert office.check().code == 0
    assert "cut short" not in office.subjects[-1], "it was told"


def test_an_untrusted_baseline_is_told_every_night(office: Nights) -> None:
    (base,) = office.cli.baselines()
    data = bytearray(base.read_bytes())
    data[len(data) // 2] ^= 1
    base.write_bytes(data)
    for _night in range(2):
        assert office.check().code == 4
    assert [subject[:15] for subject in office.subjects] == ["UNTRUSTED: root"] * 2


# who may sleep


def test_a_group_that_may_sleep_is_its_hosts(tmp_path: Path) -> None:
    config = tmp_path / "auditkit.yaml"
    config.write_text(
        "hosts: {srv-01: {}, pc-1: {groups: [pcs]}, pc-2: {groups: [pcs]}, cam: {}}\n"
        "notify: {apprise_file: x, at: low, asleep: ['@pcs', cam]}\n"
    )
    night = noticing.night(options.setting(config_file=str(config), store=str(tmp_path / "store")))
    assert night.asleep == {"pc-1", "pc-2", "cam"}
    assert night.at.word == "low"


def test_hosts_are_those_of_auditkit_yaml_if_none_is_named(office: Nights) -> None:
    text = office.config.read_text()
    office.config.write_text(f"{text}hosts: {{printer: {{address: 127.0.0.1, ports: [9]}}}}\n")
    told = office.run("--what", "check")
    assert "Check of 1 host" in told.out
    assert "printer: " in told.out


def test_many_disks_make_a_short_mail(office: Nights) -> None:
    words = trees(office, 9)
    write_policy(office.cli.policy, ({"path": "/", "level": "content"},))
    told = office.run(*words, "--what", "check")
    assert told.code == 3
    assert office.subjects == ["9 new gaps on 9 hosts"]
    assert "On 9 hosts alike: " in told.out
    assert len(told.out.splitlines()) < 20
