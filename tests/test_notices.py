"""What a person is told of a night: reports in, words out. What is new, what is not, and what no silence may hide."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditkit.model import (
    BaselineFacts,
    Change,
    ChangeKind,
    Entry,
    Finding,
    Gap,
    HostReport,
    Kind,
    Level,
    Rule,
    Severity,
    State,
)
from auditkit.notices import Night, Notice, Trouble, Verdict
from auditkit.notices.mail import LARGEST, Envelope, written
from auditkit.notices.words import judged, of_trouble
from auditkit.report import document

NOW = datetime(2026, 11, 30, 1, 4, 11, tzinfo=UTC)
EARLIER = NOW - timedelta(days=1)
NIGHT = Night("office", NOW, heartbeat=timedelta(days=7), last=EARLIER, told={}, report="/srv/reports/x.json")
BASE = BaselineFacts("/srv/b.zst", EARLIER, 3, "anna", 100, "linux")


def rule(name: str, severity: Severity) -> Rule:
    return Rule(name, f"title of {name}", severity, "why", "do this", ())


def finding(name: str, subject: str, severity: Severity = Severity.HIGH) -> Finding:
    return Finding(rule(name, severity), subject, f"{subject} is odd", severity)


def change(path: str, digest: str = "blake3:aa", severity: Severity = Severity.CRITICAL) -> Change:
    before, after = (Entry(path, Kind.FILE, size=1, digests=(each,)) for each in ("blake3:00", digest))
    return Change(path, ChangeKind.CHANGED, before, after, ("digest",), severity, Level.CONTENT, "content-changed")


def report(*hosts: HostReport, following: tuple[str, ...] = (), **since: Any) -> dict[str, Any]:
    """The document of a run over these hosts, with `since` as the history of runs writes it for each."""
    made = document.to_document(document.Report("scan", "auditkit 0", NOW - timedelta(seconds=90), NOW, hosts, following))
    for host in made["hosts"] if since else ():
        host["since"] = {"run": "1", "finished": "2026-11-29T01:00:00Z", "new": 0, "still": 0, "new_gaps": 0} | {
            "fixed": [],
            "unknown": [],
        }
        host["since"] |= since
    return made


def told(*hosts: HostReport, night: Night = NIGHT) -> Verdict:
    return judged(report(*hosts), night)


def after(*hosts: HostReport, night: Night = NIGHT) -> Night:
    """The night after one that showed this."""
    return replace(night, told=told(*hosts, night=night).told)


CLEAN = HostReport("srv-01", counts={"entries": 100}, baseline=BASE)
ODD = replace(CLEAN, findings=(finding("ssh-password", "sshd"), finding("banner", "port 25", Severity.LOW)))
CHANGED = replace(CLEAN, changes=(change("/etc/passwd"),))
BLIND = replace(CLEAN, gaps=(Gap("/etc/shadow", "permission denied"),))
OFF = HostReport("pc-1", gaps=(Gap("pc-1", "no answer from 192.0.2.3; switch it on"),), state=State.UNREACHABLE)


def content(mail: Any) -> str:
    """The text of a mail, whose lines end as text of this system does."""
    return str(mail.get_content()).replace("\r\n", "\n")


# what is told


def test_a_mail_in_the_morning() -> None:
    server = replace(CLEAN, changes=(change("/etc/passwd"),), findings=(finding("ssh-password", "sshd"),))
    night = replace(NIGHT, told={**told(replace(ODD, host="srv-02")).told, "srv-01": {}})
    made = report(server, replace(ODD, host="srv-02"), OFF, following=("auditkit explain content-changed",))
    verdict = judged(made, night)
    assert verdict.due
    assert verdict.notice.subject == "2 new on srv-01 (1 critical, 1 high), pc-1 not reached"
    assert (
        verdict.notice.body
        == """\
Scan of 3 hosts, 2026-11-30 01:02:41Z to 01:04:11Z.

srv-01: 1 change, 1 finding (1 critical, 1 high): NOT CLEAN
  new    critical  /etc/passwd: changed: content changed  content-changed
  new    high      sshd is odd  ssh-password

pc-1: UNREACHABLE: 1 gap; nothing is known of this host
  no answer from 192.0.2.3; switch it on

Still there from before on other hosts: 1.
Not everything could be seen: 1 gap in all.

Next:
  auditkit explain content-changed

Report: /srv/reports/x.json
Told by auditkit on office.
"""
    )


def test_what_was_told_is_not_told_again() -> None:
    verdict = told(ODD, night=after(ODD))
    assert (verdict.due, verdict.notice.urgent) == (False, False)
    assert verdict.notice.subject == "nothing new on srv-01 since 2026-11-29, 1 still there"


def test_what_is_below_the_severity_that_was_asked_for_is_not_told() -> None:
    assert told(ODD, night=replace(NIGHT, at=Severity.LOW)).notice.subject == "2 new on srv-01 (1 high, 1 low)"
    assert told(ODD).notice.subject == "1 new on srv-01 (1 high)"
    assert not told(ODD, night=replace(NIGHT, at=Severity.CRITICAL)).due


def test_a_change_that_changed_again_is_told_again() -> None:
    verdict = told(replace(CLEAN, changes=(change("/etc/passwd", "blake3:bb"),)), night=after(CHANGED))
    assert verdict.due
    assert "  again  critical  /etc/passwd" in verdict.notice.body


def test_a_finding_that_is_worse_now_is_told_again() -> None:
    worse = replace(CLEAN, findings=(finding("ssh-password", "sshd", Severity.CRITICAL),))
    assert told(worse, night=after(ODD)).notice.subject == "1 new on srv-01 (1 critical)"


def test_a_finding_that_says_something_else_is_told_again_but_not_for_another_number() -> None:
    def pending(message: str) -> HostReport:
        return replace(CLEAN, findings=(replace(finding("updates", "packages"), message=message),))

    night = after(pending("3 packages miss an update since 10 days"))
    assert not told(pending("4 packages miss an update since 11 days"), night=night).due
    assert told(pending("the list of updates is damaged"), night=night).due


def test_of_two_that_are_called_alike_the_second_is_new() -> None:
    twice = replace(CLEAN, findings=(finding("cron", "job"), finding("cron", "job")))
    once = replace(CLEAN, findings=twice.findings[:1])
    assert told(twice, night=after(once)).notice.subject == "1 new on srv-01 (1 high)"


def test_what_is_unknown_is_new() -> None:
    assert told(ODD, night=replace(NIGHT, told=None)).due
    assert told(ODD, night=replace(NIGHT, told={"srv-09": {}})).due


def login(time: str, ask: str | None) -> HostReport:
    one = {"time": time, "user": "anna", "address": "198.51.100.7", "port": 5, "method": "password", "fingerprint": None}
    logins = {
        "access": "seen", "pattern": "guessing", "coverage": "complete", "verdict": "success seen", "window": None,
        "attempts": 3, "not_understood": 0, "sources": [], "successes": [one | {"support": ["auth.log"], "ask": ask}],
    }  # fmt: skip
    return replace(CLEAN, facts={"logins": logins})


def test_each_login_to_ask_about_is_news_of_its_own() -> None:
    night = after(login("2026-11-29T00:30:00Z", "high"))
    assert not told(login("2026-11-29T00:30:00Z", "high"), night=night).due
    again = told(login("2026-11-30T00:30:00Z", "high"), night=night)
    assert again.notice.subject == "1 new on srv-01 (1 high)"
    assert "anna from 198.51.100.7, by password" in again.notice.body
    assert not told(login("2026-11-30T00:30:00Z", None), night=night).due


# what no silence may hide


def test_a_new_gap_is_told_and_an_old_one_is_not() -> None:
    verdict = told(BLIND)
    assert verdict.notice.subject == "1 new gap on srv-01"
    assert "  new    not seen: /etc/shadow: permission denied\n" in verdict.notice.body
    assert not told(BLIND, night=after(BLIND)).due


def test_a_gap_for_another_reason_is_another_gap_but_not_for_another_number() -> None:
    first = replace(CLEAN, gaps=(Gap("packages", "3 of 10 were verified"),))
    night = after(first)
    assert not told(replace(CLEAN, gaps=(Gap("packages", "4 of 11 were verified"),)), night=night).due
    assert told(replace(CLEAN, gaps=(Gap("packages", "the database is damaged"),)), night=night).due


def test_a_host_that_was_not_reached_is_told_every_night() -> None:
    assert told(OFF, CLEAN, night=after(OFF, CLEAN)).notice.subject == "pc-1 not reached"


def test_one_that_may_sleep_is_named_and_is_no_reason_to_write() -> None:
    night = replace(NIGHT, asleep=frozenset(("pc-1",)))
    verdict = told(OFF, CLEAN, night=night)
    assert not verdict.due
    assert verdict.notice.subject == "nothing new on 2 hosts since 2026-11-29, 1 switched off"
    assert "Switched off, so that nothing is known of it: pc-1." in verdict.notice.body


@pytest.mark.parametrize("state", [State.HOSTKEY_CHANGED, State.LIED, State.AUTH_FAILED])
def test_one_that_is_awake_and_odd_does_not_sleep(state: State) -> None:
    night = replace(NIGHT, asleep=frozenset(("pc-1",)))
    assert told(replace(OFF, state=state), night=night).notice.subject == f"pc-1 {state}"


def test_what_was_not_seen_because_a_host_was_off_is_not_new_when_it_is_back() -> None:
    down = replace(OFF, host="srv-01", gaps=(Gap("srv-01", "no answer"),))
    assert not told(ODD, night=after(down, night=after(ODD))).due


def test_an_untrusted_baseline_is_told_every_night_and_first() -> None:
    forged = HostReport("srv-01", untrusted="the signature is wrong")
    verdict = told(forged, OFF, night=after(forged, OFF))
    assert verdict.notice.subject == "UNTRUSTED: srv-01, pc-1 not reached"
    assert "srv-01: UNTRUSTED: nothing was compared: the signature is wrong" in verdict.notice.body


def test_a_night_that_was_cut_short_is_told() -> None:
    trouble = Trouble("an earlier run was cut short", "The run of 2026-11-29 01:00:00Z was cut short")
    verdict = told(CLEAN, night=replace(NIGHT, troubles=(trouble,)))
    assert verdict.notice.subject == "an earlier run was cut short"
    assert "\nThe run of 2026-11-29 01:00:00Z was cut short.\n" in verdict.notice.body


def test_a_report_without_hosts_is_trouble() -> None:
    assert told().notice == Notice("no host was asked", told().notice.body, urgent=True)


def test_a_night_without_a_report() -> None:
    notice = of_trouble(Trouble("the run failed: no space", "The run failed: no space left on device"), NIGHT)
    assert notice.subject == "the run failed: no space"
    assert notice.body.startswith(
        "The run failed: no space left on device.\n\nTold by auditkit on office, 2026-11-30 01:04:11Z."
    )


# the history of runs


def test_what_was_gone_in_between_or_is_worse_is_new() -> None:
    made = report(ODD, new=1)
    made["hosts"][0]["findings"][0] |= {"first_seen": "2026-11-01T01:00:00Z", "news": "again"}
    assert judged(made, after(ODD)).due
    del made["hosts"][0]["findings"][0]["news"]
    assert not judged(made, after(ODD)).due


def test_what_was_told_is_not_told_again_because_its_host_was_cut_short_since() -> None:
    """The history holds such a host against the last night on which it was asked to the end: of then it is news each time."""
    made = report(replace(ODD, state=State.TIMEOUT), new=1)
    made["hosts"][0]["findings"][0] |= {"first_seen": "2026-11-29T01:00:00Z", "news": "new"}
    assert judged(made, after(ODD)).notice.subject == "srv-01 not asked to the end"
    made["hosts"][0]["findings"][0]["first_seen"] = made["started"]
    assert judged(made, after(ODD)).notice.subject.startswith("1 new on srv-01"), "another machine answers to the name by now"


def test_what_was_gone_and_came_back_between_two_runs_by_hand_is_new() -> None:
    """The night is held against the second of them, to which it is no news; nobody but who was there knows of either."""
    made = report(ODD, still=1)
    made["hosts"][0]["findings"][0]["first_seen"] = "2026-11-29T15:00:00Z"
    night = replace(after(ODD), last=EARLIER)
    assert judged(made, night).notice.subject == "1 new on srv-01 (1 high)"
    assert not judged(made, replace(night, last=NOW)).due, "once it is told"
    made["hosts"][0]["findings"][0]["first_seen"] = "2027-09-26T15:00:00Z"
    assert not judged(made, night).due, "a clock that was wrong once makes no news each night"


def test_the_first_run_of_a_history_makes_all_new() -> None:
    made = report(ODD, run=None, finished=None)
    made["hosts"][0]["findings"][0]["first_seen"] = made["started"]
    assert judged(made, after(ODD)).due


def test_what_a_run_did_not_look_at_is_not_new_when_it_is_seen_again() -> None:
    unseen = report(CLEAN, unknown=[{"sort": "finding", "rule": "ssh-password", "subject": "sshd"}])
    night = replace(NIGHT, told=judged(unseen, after(ODD)).told)
    assert not told(ODD, night=night).due


def test_what_was_fixed_and_comes_back_is_new() -> None:
    fixed = report(CLEAN, fixed=[{"sort": "finding", "rule": "ssh-password", "subject": "sshd"}])
    verdict = judged(fixed, after(ODD))
    assert not verdict.due
    assert "Gone since the last run: 1." in verdict.notice.body
    assert told(ODD, night=replace(NIGHT, told=verdict.told)).due
    assert told(ODD, night=after(CLEAN, night=after(ODD))).due, "without a history too"


def test_a_history_that_could_not_be_read_is_told_and_makes_all_new() -> None:
    made = {**report(ODD), "history": {"run": None, "note": "this run is not kept: the file is damaged"}}
    verdict = judged(made, after(ODD))
    assert verdict.notice.subject == "1 new on srv-01 (1 high), no history to hold it against"
    assert "So everything counts as new: this run is not kept: the file is damaged.\n" in verdict.notice.body
    assert not judged({**made, "history": {"run": "1"}}, after(ODD)).due


# silence


def test_a_sign_of_life_comes_first_and_every_week() -> None:
    assert told(CLEAN, night=replace(NIGHT, last=None)).due
    assert not told(CLEAN, night=replace(NIGHT, last=NOW - timedelta(days=6))).due
    beat = told(CLEAN, night=replace(NIGHT, last=NOW - timedelta(days=7)))
    assert (beat.due, beat.notice.subject) == (True, "nothing new on srv-01 since 2026-11-23")
    assert "so that you know that auditkit still looks" in beat.notice.body
    assert not told(CLEAN, night=replace(NIGHT, last=None, heartbeat=None)).due
    assert told(CLEAN, night=replace(NIGHT, last=NOW + timedelta(days=300))).due, "a clock that was wrong"


def test_whoever_wants_a_mail_every_night_gets_it() -> None:
    assert told(CLEAN, night=replace(NIGHT, quiet=False)).due


# size and hostile names


def test_a_thousand_changes_on_fifty_hosts_are_a_short_mail() -> None:
    hosts = [replace(CLEAN, host=f"pc-{at}", changes=tuple(change(f"/{at}/{n}") for n in range(100))) for at in range(50)]
    verdict = told(*hosts)
    assert verdict.notice.subject == "5000 new on 50 hosts (5000 critical)"
    assert len(verdict.notice.body.splitlines()) < 300
    assert "  ... and 90 more\n" in verdict.notice.body
    assert "... and 30 more hosts: see the report" in verdict.notice.body


def test_what_is_new_on_many_hosts_alike_is_told_once() -> None:
    hosts = [replace(ODD, host=f"pc-{at}", gaps=BLIND.gaps) for at in range(8)]
    hosts[3] = replace(hosts[3], changes=(change("/etc/passwd"),))
    body = told(*hosts).notice.body
    own, alike = body.split("\n\n")[1:3]
    assert own.splitlines() == [
        "pc-3: 1 change, 2 findings (1 critical, 1 high, 1 low), 1 gap: NOT CLEAN",
        "  new    critical  /etc/passwd: changed: content changed  content-changed",
        "  2 more new as on other hosts",
    ]
    assert alike.splitlines() == [
        "On 8 hosts alike: pc-0, pc-1, pc-2, pc-3, pc-4 and 3 more",
        "  new    high      sshd is odd  ssh-password",
        "  new    not seen: /etc/shadow: permission denied",
    ]


def test_many_hosts_behind_one_cable_are_told_of_once() -> None:
    down = [replace(OFF, host=f"pc-{at}", gaps=(Gap(f"pc-{at}", f"no answer from 192.0.2.{at}"),)) for at in range(4)]
    other_key = [replace(one, host=f"srv-{one.host}", state=State.HOSTKEY_CHANGED) for one in down[:3]]
    verdict = told(*down, *other_key)
    assert verdict.notice.subject == "3 hosts hostkey-changed, 4 hosts not reached"
    paragraphs = verdict.notice.body.split("\n\n")
    assert "On 4 hosts alike: pc-0, pc-1, pc-2, pc-3\n  unreachable: of pc-0: no answer from 192.0.2.0" in paragraphs
    assert sum("HOSTKEY-CHANGED" in one for one in paragraphs) == 3, "each for itself"
    cut = [replace(CHANGED, host=f"pc-{at}", state=State.TIMEOUT, gaps=(Gap("", "not done in time"),)) for at in range(4)]
    cut[1] = replace(cut[1], changes=(change("/etc/shadow"),))
    assert [one.splitlines() for one in told(*cut).notice.body.split("\n\n")[1:4]] == [
        [
            "On 3 hosts alike: pc-0, pc-2, pc-3",
            "  new    critical  /etc/passwd: changed: content changed  content-changed",
        ],
        [
            "pc-1: 1 change (1 critical), 1 gap, timeout: NOT CLEAN",
            "  new    critical  /etc/shadow: changed: content changed  content-changed",
        ],
        ["On 4 hosts alike: pc-0, pc-1, pc-2, pc-3", "  timeout: not done in time"],
    ]


def test_the_first_notice_says_that_it_is_the_first() -> None:
    assert (
        "No earlier notice is known: all that there is counts as new." in told(ODD, night=replace(NIGHT, told=None)).notice.body
    )
    assert "No earlier notice" not in told(ODD).notice.body


def test_two_hosts_are_told_of_one_by_one_and_so_is_who_got_in() -> None:
    pair = [replace(ODD, host=f"pc-{at}") for at in range(2)]
    entered = [replace(login("2026-11-30T00:30:00Z", "high"), host=f"srv-{at}") for at in range(3)]
    body = told(*pair, *entered).notice.body
    assert "alike" not in body
    assert body.count("  logins: success seen\n") == 3


EVIL = "x\r\nBcc: spy@evil.example\n\n<b>\x1b[2J\u202e\udcff"
ENVELOPE = Envelope("auditkit@example.org", ("anna@example.org", "root@example.org"), NOW, "1f", "srv\n01")


def test_hostile_names_make_no_header_and_move_no_cursor() -> None:
    host = HostReport(EVIL, changes=(change(EVIL),), findings=(finding(EVIL, EVIL),), gaps=(Gap(EVIL, EVIL),))
    verdict = told(host, night=replace(NIGHT, place=EVIL, troubles=(Trouble(EVIL, EVIL),)))
    mail = message_from_bytes(written(verdict.notice, ENVELOPE), policy=default)
    assert mail["Bcc"] is None
    assert "\x1b" not in verdict.notice.body
    assert "\u202e" not in mail["Subject"] + content(mail)
    assert [key for key, _value in mail.items()] == [
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress"),
        *("Content-Type", "Content-Transfer-Encoding", "MIME-Version"),
    ]


def test_a_mail_is_as_the_standards_have_it() -> None:
    data = written(Notice("2 new on srv-01", "größer\n" + "x" * 3000 + "\n.\nend\n", urgent=True), ENVELOPE)
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert b"\n" not in data.replace(b"\r\n", b"")
    mail = message_from_bytes(data, policy=default)
    assert mail["From"] == "auditkit <auditkit@example.org>"
    assert mail["To"] == "anna@example.org, root@example.org"
    assert mail["Subject"] == "auditkit: 2 new on srv-01"
    assert mail["Date"].datetime == NOW
    assert mail["Message-ID"] == "<1f@example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert content(mail).splitlines()[0] == "größer"
    assert content(mail).endswith("\n.\nend\n")


def test_the_page_goes_with_a_mail_unless_it_is_too_large() -> None:
    mail = message_from_bytes(written(Notice("s", "b\n", urgent=True), ENVELOPE, b"<p>page</p>"), policy=default)
    body, page = mail.iter_parts()
    assert (content(body), page.get_content_type(), page.get_filename()) == ("b\n", "text/html", "report.html")
    assert page.get_payload(decode=True) == b"<p>page</p>"
    mail = message_from_bytes(written(Notice("s", "b\n", urgent=True), ENVELOPE, b"x" * (LARGEST + 1)), policy=default)
    assert "too large to go with a mail" in content(mail)


TEXT = st.text(max_size=40) | st.sampled_from([EVIL, "", "/etc/passwd", "srv-01"])


@settings(max_examples=60)
@given(TEXT, TEXT, st.lists(TEXT, max_size=3))
def test_any_name_makes_a_mail_with_these_headers_and_no_others(name: str, subject: str, gaps: list[str]) -> None:
    host = HostReport(name, findings=(finding(name, subject),), gaps=tuple(Gap(each, each) for each in gaps))
    verdict = told(host, night=replace(NIGHT, place=subject))
    assert "\n" not in verdict.notice.subject
    assert len(verdict.notice.subject) <= 140
    data = written(verdict.notice, replace(ENVELOPE, place=subject, sender="root", to=("root",)))
    mail = message_from_bytes(data, policy=default)
    assert len(mail.items()) == 10
    assert not any(ord(char) < 32 and char != "\n" for char in content(mail))
    json.dumps(verdict.told)
